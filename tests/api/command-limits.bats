# switchboard limits: what counts now, and forgetting it.

load harness
load command

limits=(RATE_LIMIT_PER_USER=30 RATE_LIMIT_PER_SESSION=20
    RATE_LIMIT_PER_CHANNEL=25 RATE_LIMIT_PER_ADDRESS=10
    LOGIN_FAILURES_PER_ACCOUNT=3 RATE_LIMIT_WINDOW_SECONDS=60)

setup()
{
	new_data
	settings+=("${limits[@]}")
	switchboard migrate
	guess stranger 1
	switchboard limits reset --all
}

teardown()
{
	[ -z "${elsewhere-}" ] || rm -rf "$elsewhere"
}

keys()
{
	jq -r '[.[].key] | sort | join(" ")' <<<"$output"
}

rows()
{
	counts 'SELECT key FROM limits ORDER BY key' | paste -sd ' '
}

# guess NAME N: so many wrong passwords; each counts.
guess()
{
	local i
	for ((i = 0; i < $2; i++)); do
		try_login "$1" wrong
		expect 401
	done
}

# ---------------------------------------------------------------- show

@test "a count is shown with its limit, and when one more may come" {
	count user:1 1 2 3
	count address:192.0.2.9 10 9 8 7 6 5 4 3 2 1
	at_second $EPOCHSECONDS switchboard limits show
	ends 0
	like "${lines[0]}" 'KEY +NAME +USED +ONE MORE'
	like "${lines[1]}" 'address:192\.0\.2\.9  -     10/10  20[-0-9]+T[:0-9]{8}Z'
	like "${lines[2]}" 'user:1             -     3/30   now'
	is "${#lines[@]}" 3 lines
	at_second $EPOCHSECONDS switchboard limits show --json
	listed 'length == 2
	    and (.[0].one_more_at[:19] + "Z" | fromdate
		| . <= $now + 50 and . >= $now + 40)
	    and (.[0] | del(.one_more_at)) ==
		{key: "address:192.0.2.9", name: null, used: 10, limit: 10}
	    and .[1] == {key: "user:1", name: null, used: 3, limit: 30,
		one_more_at: null}' --argjson now "$EPOCHSECONDS"
}

@test "what is over is not shown, nor what is in the future or switched off" {
	count user:1 100 90 70
	count user:2 100 30
	count user:3 -500
	switchboard limits show --json
	listed 'map({key, used}) == [{key: "user:2", used: 1}]'
	env+=(RATE_LIMIT_PER_USER=0)
	switchboard limits show --json
	says '[]'
}

@test "what counts nothing is an empty list" {
	switchboard limits show
	is "$output" 'KEY  NAME  USED  ONE MORE'
	switchboard limits show --json
	says '[]'
}

@test "a user's counts are those of all limits, and nobody else's" {
	register anna
	local id=$(id_of anna) sid=$(claim sid "$refresh")
	register bob
	local other=$(id_of bob) key
	for key in user:$id session:$id:s1 session:$id:s2 channel:$id:web \
	    login:$sid user:$other session:$other:s1 channel:$other:web \
	    address:192.0.2.8; do
		count "$key" 1
	done
	guess anna 2
	local account=$(counts "SELECT key FROM limits
	    WHERE key LIKE 'account:%'")
	switchboard limits show anna --json
	is "$(keys)" "$(printf '%s\n' user:$id session:$id:s1 session:$id:s2 \
	    channel:$id:web login:$sid "$account" | LC_ALL=C sort |
	    paste -sd ' ')"
	listed 'any(.key == $key and .used == 2 and .limit == 3)' \
	    --arg key "$account"
	local all=$output
	switchboard limits show --json Anna@Example.com
	says "$all"
	switchboard limits show bob --json
	is "$(keys)" "channel:$other:web session:$other:s1 user:$other"
}

@test "a name that nobody has shows its wrong passwords, under no name" {
	guess stranger 2
	guess other 1
	switchboard limits show STRANGER --json
	is "$status" 0 'exit status'
	is "$stderr" 'switchboard limits show: nobody has the name "STRANGER"'
	listed 'length == 1 and .[0].used == 2 and .[0].limit == 3
	    and .[0].name == null and (.[0].key | test("^account:"))'
	switchboard limits show nobody --json
	ends 67 'switchboard limits show: nobody has the name "nobody"'
	is "$output" ''
	guess nobody@example.com 1
	switchboard limits show nobody@EXAMPLE.com --json
	is "$status" 0 'exit status'
	listed 'length == 1 and .[0].used == 1'
}

@test "a count has the name of the user whose it is, where that can be told" {
	register anna
	local id=$(id_of anna) sid=$(claim sid "$refresh") key
	for key in user:$id session:$id:s1 channel:$id:web login:$sid \
	    user:nobody login:nothing session:nobody:s1; do
		count "$key" 1
	done
	guess anna 1
	switchboard limits show --json
	listed 'map({(.key | sub(":.*"; "") + if endswith($id) then "!"
	    elif contains($id) then "+" elif endswith($sid) then "=" else ""
	    end): .name}) | add == {"user!": "anna", "session+": "anna",
	    "channel+": "anna", "login=": "anna", user: null, login: null,
	    session: null, account: null, address: null}' \
	    --arg id "$id" --arg sid "$sid"
	switchboard limits show --json anna
	listed 'length == 5 and all(.name == "anna")'
	switchboard limits show --json login:$sid
	listed 'length == 1 and .[0].name == "anna"'
}

@test "a key that is shown is taken, by show and by reset" {
	register anna
	local id=$(id_of anna) key
	local -a all
	for key in user:$id session:$id:s1 session:$id:s12 \
	    login:$(claim sid "$refresh") address:192.0.2.9 \
	    address:2001:db8:0:1::/64; do
		count "$key" 1
	done
	guess anna 1
	switchboard limits show --json
	mapfile -t all < <(jq -r '.[].key' <<<"$output")
	is "${#all[@]}" 8 counts
	for key in "${all[@]}"; do
		switchboard limits show --json "$key"
		ends 0
		is "$(keys)" "$key"
		switchboard limits reset "$key"
		says 'deleted 1 count'
		switchboard limits reset "$key"
		says 'deleted 0 counts'
		switchboard limits show --json "$key"
		says '[]'
	done
	is "$(rows)" ''
}

@test "a name that only begins as keys do is a name" {
	local name
	for name in login user users:1 'the user:1' user:x@example.com; do
		switchboard limits reset "$name"
		fails 67 'switchboard limits reset: nobody has the (name|address) ".*"'
	done
}

@test "values begin in the same column, however long the keys are" {
	local id=01900000-0000-7000-8000-000000000001
	count user:$id 1
	count session:$id:$id 1
	count address:192.0.2.9 1
	switchboard limits show
	local line
	for line in "${lines[@]:1}"; do
		line=${line%%1/*}
		is "${#line}" 89 'column of the use'
	done
}

@test "a key of no limit that there is counts for nothing" {
	count use:1 1
	count users:1 1
	count log:1 1
	count logins:1 1
	count channe 1
	switchboard limits show --json
	says '[]'
	switchboard limits reset --all
	says 'deleted 5 counts'
}

@test "before anything has counted the list is empty, and no file is made" {
	register anna
	rm "$SWITCHBOARD_DATA"/limits.db* "$SWITCHBOARD_DATA/secret"
	local before=$(ls -A "$SWITCHBOARD_DATA") each
	for each in '' anna 192.0.2.9 user:1; do
		switchboard limits show --json $each
		says '[]'
	done
	switchboard limits show --json nobody
	ends 67 'switchboard limits show: nobody has the name "nobody"'
	for each in --all anna 192.0.2.9 user:1; do
		switchboard limits reset $each
		says 'deleted 0 counts'
	done
	switchboard limits reset nobody
	ends 67 'switchboard limits reset: nobody has the name "nobody"'
	is "$(ls -A "$SWITCHBOARD_DATA")" "$before"
}

@test "without a database they say so, and make nothing" {
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/none
	makes_nothing limits show
	makes_nothing limits show anna
	makes_nothing limits reset --all
	[ ! -e "$SWITCHBOARD_DATA" ]
}

@test "root leaves no file of its own in another's directory" {
	((EUID == 0)) || skip 'needs root'
	local id=65534
	# Other users don't come to where bats has its files.
	elsewhere=$(mktemp -d /tmp/switchboard-limits-XXXXXX)
	chmod 755 "$elsewhere"
	SWITCHBOARD_DATA=$elsewhere/data
	mkdir -m 700 "$SWITCHBOARD_DATA"
	chown $id:$id "$SWITCHBOARD_DATA"
	makes_nothing tick
	makes_nothing limits show
	switchboard migrate
	switchboard tick
	ends 0
	switchboard limits show
	ends 0
	switchboard limits reset anna
	local name
	for name in switchboard.db limits.db tick.slots open.slots; do
		is "$(stat -c %u:%g:%a "$SWITCHBOARD_DATA/$name")" \
		    $id:$id:600 "$name"
	done
	is "$(find "$SWITCHBOARD_DATA" ! -user $id -o ! -group $id)" '' files
}

@test "an address shows its count; one of IPv6 that of its network" {
	count address:192.0.2.9 1
	count address:192.0.2.99 1
	count address:2001:db8:0:1::/64 1 2
	switchboard limits show 192.0.2.9 --json
	is "$(keys)" address:192.0.2.9
	local address
	for address in 2001:db8:0:1::7 2001:DB8::1:ff:0:0:1 \
	    2001:db8:0:1::/64; do
		switchboard limits show $address --json
		is "$(keys)" address:2001:db8:0:1::/64 "$address"
	done
	switchboard limits show 2001:db8:0:2::7 --json
	says '[]'
}

@test "a list of several pages has each count once" {
	counts "WITH RECURSIVE n (i) AS
	    (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
	    INSERT INTO limits SELECT 'user:' || i, x'$(moments 1)', 1 FROM n"
	switchboard limits show --json
	listed 'length == 2500 and (map(.key) | unique | length) == 2500'
	switchboard limits show
	is "${#lines[@]}" 2501 lines
}

@test "what a key holds does nothing to the terminal" {
	counts "INSERT INTO limits SELECT 'channel:1:x' || char(27) || '[2J',
	    x'$(moments 1)', 1"
	switchboard limits show
	is_harmless "$output"
	has "$output" 'channel:1:x\u001b[2J  -     1/25'
	switchboard limits show --json
	is_harmless "$output"
}

# ---------------------------------------------------------------- reset

@test "a reset lets a user's guesses through again, seen on the wire" {
	register anna
	guess anna 3
	try_login anna
	expect 429
	switchboard limits show anna --json
	listed '.[0].used == 3 and .[0].one_more_at != null'
	switchboard limits reset anna
	says 'deleted 1 count'
	login anna
	switchboard limits reset anna
	says 'deleted 0 counts'
}

@test "a reset of a name that nobody has lets its guesses through again" {
	guess stranger 3
	try_login stranger wrong
	expect 429
	switchboard limits reset Stranger
	ends 0 'switchboard limits reset: nobody has the name "Stranger"'
	is "$output" 'deleted 1 count'
	guess stranger 3
	switchboard limits reset stranger2
	ends 67 'switchboard limits reset: nobody has the name "stranger2"'
	is "$output" ''
}

@test "a reset of a user, or an address, leaves all else" {
	register anna
	local id=$(id_of anna) sid=$(claim sid "$refresh") key
	switchboard limits reset --all
	for key in user:$id session:$id:s1 channel:$id:web login:$sid \
	    user:${id}0 session:${id%?}:s address:192.0.2.9 \
	    address:192.0.2.99; do
		count "$key" 1
	done
	switchboard limits reset anna
	says 'deleted 4 counts'
	is "$(rows)" "address:192.0.2.9 address:192.0.2.99 session:${id%?}:s user:${id}0"
	switchboard limits reset 192.0.2.9
	says 'deleted 1 count'
	is "$(rows)" "address:192.0.2.99 session:${id%?}:s user:${id}0"
}

@test "a reset of all leaves none" {
	counts "WITH RECURSIVE n (i) AS
	    (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
	    INSERT INTO limits SELECT 'user:' || i, x'$(moments 1)', 1 FROM n"
	switchboard limits reset --all
	says 'deleted 2500 counts'
	is "$(counts 'SELECT count(*) FROM limits')" 0
}

# ---------------------------------------------------------------- faults

@test "a file of counts that is damaged is made anew" {
	count user:1 1
	counts 'PRAGMA wal_checkpoint(TRUNCATE)'
	printf 'no database at all, but long enough to be looked at%.0s' \
	    {1..400} >"$SWITCHBOARD_DATA/limits.db"
	rm -f "$SWITCHBOARD_DATA"/limits.db-*
	switchboard limits show --json
	is "$status" 0 'exit status'
	is "$output" '[]'
	count user:2 1
	switchboard limits show --json
	ends 0
	is "$(keys)" user:2
}

@test "counts that are locked for long can be shown, but not reset" {
	count user:1 1
	mkdir "$BATS_TEST_TMPDIR/held"
	ln -s "$SWITCHBOARD_DATA/limits.db" \
	    "$BATS_TEST_TMPDIR/held/switchboard.db"
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/held hold_lock
	switchboard limits show --json
	is "$(keys)" user:1
	switchboard limits reset --all
	fails 69 "switchboard limits reset: the database in .*"
	release_lock
	is "$(rows)" user:1
}

@test "arguments that make no sense are named" {
	local see='see switchboard limits'
	switchboard limits show a b
	ends 64 "switchboard limits show: b is not understood; $see show --help"
	switchboard limits show --all
	ends 64 "switchboard limits show: --all is not understood; $see show --help"
	switchboard limits reset
	ends 64 "switchboard limits reset: USER, IP, KEY or --all is missing; $see reset --help"
	switchboard limits reset --all anna
	ends 64 "switchboard limits reset: anna is not understood; $see reset --help"
	switchboard limits show $'\xff'
	fails 67 'switchboard limits show: nobody has the name ".*"'
}
