# The second step of limits, of a session and a channel, as a program's routes
# have it: tests/programs/sample.c.  Section 5 of the contract.

load harness

setup_file()
{
	new_data
}

# With the programs' own folder for what the program under test has not.
own=$programs

as_auth()
{
	programs=$own program=auth "$@"
}

setup()
{
	programs=$SB_BUILD/tests/programs
	program=sample
	settings=(SCRYPT_N=1024 SCRYPT_R=1 SCRYPT_P=1 RATE_LIMIT_PER_USER=0
	    RATE_LIMIT_PER_ADDRESS=0 LOGIN_FAILURES_PER_ACCOUNT=0
	    RATE_LIMIT_PER_SESSION=3 RATE_LIMIT_PER_CHANNEL=5)
	now=$((EPOCHSECONDS + 10))
	one=01890a5d-ac96-774b-bcce-b30209900001
	two=01890a5d-ac96-774b-bcce-b30209900002
	nobodys=01890a5d-ac96-774b-bcce-b3020990000f
}

# begin NAME: a user of that name calls from here on.
begin()
{
	as_auth register "$1"
}

# say SESSION [CHANNEL [ROUTE]]: with the caller's token.
say()
{
	local channel=${2+,\"channel\":\"$2\"}

	post "/${3-talk}/$1" "{\"text\":\"hello\"$channel}" \
	    "Authorization: Bearer $access"
}

# at SECONDS COMMAND...: so long after the test's own beginning.
at()
{
	local seconds=$1
	shift
	at_second $((now + seconds)) "$@"
}

limits()	# SECONDS
{
	at "$1" as_auth call GET /api/limits "Authorization: Bearer $access"
	expect 200
}

# The state of the header fields, in one line.
state()
{
	printf '%s %s %s %s %s' "$(header X-RateLimit-Limit)" \
	    "$(header X-RateLimit-Remaining)" \
	    "$(header X-RateLimit-Reset)" "$(header X-RateLimit-Window)" \
	    "$(header X-RateLimit-Warning)"
}

# stands NAME LIMIT REMAINING RESET CLOCK: what all header fields say of a limit
# when the clock is there, both in seconds from the beginning.
stands()
{
	local name=$1 limit=$2 remaining=$3 reset=$4 clock=$5 warning=

	((remaining * 5 >= limit)) || warning=approaching
	is "$(state)" "$limit $remaining $((now + reset)) 60 $warning" \
	    'X-RateLimit-*'
	is "$(header RateLimit-Policy)" "\"$name\";q=$limit;w=60"
	is "$(header RateLimit)" \
	    "\"$name\";r=$remaining;t=$((reset - clock))"
}

# too_many TITLE LIMIT RESET CLOCK: refused, with all that has to be said.
too_many()
{
	local wait=$(($3 - $4))

	expect 429 "{\"detail\":\"$1 rate limit exceeded. Try again in $wait seconds.\",
	    \"limit\":$2,\"remaining\":0,\"retry_after\":$wait,
	    \"reset_at\":$((now + $3))}"
	is "$reason" 'Too Many Requests'
	header_is Retry-After "$wait"
	stands "${1,}" "$2" 0 "$3" "$4"
}

# ---------------------------------------------------------------- counting

@test "a session's limit is of that session alone" {
	begin ada
	local i
	for i in 2 1 0; do
		at 0 say $one
		expect 200 "{\"id\":\"$one\",\"channel\":null}"
		stands session 3 $i 60 0
	done
	at 1 say $one
	too_many Session 3 60 1
	at 1 say $two
	expect 200
	stands session 3 2 61 1
}

@test "a channel's limit is of that channel alone, over all sessions" {
	begin bob
	settings+=(RATE_LIMIT_PER_SESSION=100)
	local i
	for i in 4 3 2 1 0; do
		at 0 say "01890a5d-ac96-774b-bcce-b3020990001$i" email
		expect 200
		stands channel 5 $i 60 0
	done
	at 2 say $one email
	too_many Channel 5 60 2
	at 2 say $one slack
	expect 200
	stands channel 5 4 62 2
	at 2 say $one
	expect 200
	stands session 100 98 62 2
}

@test "a window slides: each place comes free 60 s after it was taken" {
	begin cleo
	at 0 say $one
	at 20 say $one
	at 50 say $one
	expect 200
	at 59 say $one
	too_many Session 3 60 59
	at 60 say $one
	expect 200
	stands session 3 0 80 60
	at 79 say $one
	too_many Session 3 80 79
	at 80 say $one
	expect 200
	at 109 say $one
	too_many Session 3 110 109
}

@test "what the second step refuses counts in neither of its limits" {
	begin dora
	local i
	for i in 1 2 3; do
		at 0 say $one slack
		expect 200
	done
	for i in 1 2 3 4 5 6; do
		at 1 say $one slack
		too_many Session 3 60 1
	done
	# The channel has taken three of its five, not more.
	at 1 say $two slack
	expect 200
	stands channel 5 1 60 1
	at 1 say $two slack
	expect 200
	stands channel 5 0 60 1
	# And now that it is full, the session has taken two, not more.
	for i in 1 2 3; do
		at 2 say $two slack
		too_many Channel 5 60 2
	done
	at 2 say $two email
	expect 200
	stands session 3 0 61 2
}

@test "when both are full the one that stays so for longer is told" {
	begin emil
	settings+=(RATE_LIMIT_PER_SESSION=2 RATE_LIMIT_PER_CHANNEL=2)
	at 0 say $one slack
	at 10 say $two slack
	at 20 say $one email
	expect 200
	# The session is full up to 60, and the channel, too.
	at 30 say $one slack
	expect 429
	is "$(json .reset_at)" $((now + 60))
	at 40 say $two email
	expect 200
	# The session and the channel: up to 70, and to 80.
	at 50 say $two email
	too_many Channel 2 80 50
}

@test "what a step refuses takes no lock and leaves the file alone" {
	begin fay
	local i before
	for i in 1 2 3; do
		at 0 say $one slack
	done
	before=$(cd "$SWITCHBOARD_DATA" && cksum limits.db limits.db-wal)
	for i in 1 2 3; do
		at 1 say $one slack
		too_many Session 3 60 1
	done
	is "$(cd "$SWITCHBOARD_DATA" && cksum limits.db limits.db-wal)" \
	    "$before" 'the file of counts'
}

# ------------------------------------------------------- the first step, too

@test "the user's limit has counted what the second step refuses" {
	begin gus
	settings+=(RATE_LIMIT_PER_USER=6)
	local i
	for i in 1 2 3; do
		at 0 say $one slack
		expect 200
	done
	at 0 say $one slack
	too_many Session 3 60 0
	at 0 say $one slack
	too_many Session 3 60 0
	at 0 say $two slack
	expect 200
	stands user 6 0 60 0
	at 0 say $two slack
	too_many User 6 60 0
	# Which the second step has not counted.
	settings+=(RATE_LIMIT_PER_USER=0)
	at 0 say $two slack
	expect 200
	stands channel 5 0 60 0
}

@test "what is not found counts against the user's limit alone" {
	begin hal
	settings+=(RATE_LIMIT_PER_USER=3)
	at 0 say $nobodys slack
	expect 404 '{"detail":"Not Found"}'
	stands user 3 2 60 0
	limits 0
	holds '.user.remaining == 2 and .channels.slack.remaining == 5
	    and .sessions == {}'
	at 0 say $nobodys slack
	at 0 say $nobodys slack
	at 0 say $nobodys slack
	too_many User 3 60 0
}

@test "an invalid input counts against the user's limit alone" {
	begin ida
	settings+=(RATE_LIMIT_PER_USER=30)
	at 0 say $one fax
	expect 422
	stands user 30 29 60 0
	at 0 post "/talk/$one" '{"channel":"slack"}' \
	    "Authorization: Bearer $access"
	expect 422
	stands user 30 28 60 0
	limits 0
	holds '.channels.slack.remaining == 5 and .sessions == {}'
}

@test "what the handler refuses has counted against all of them" {
	begin jan
	settings+=(RATE_LIMIT_PER_USER=30)
	at 0 say $one slack talk-refuse
	expect 409 '{"detail":"Taken"}'
	stands session 3 2 60 0
	limits 0
	holds '.user.remaining == 29 and .channels.slack.remaining == 4
	    and .sessions["'$one'"].remaining == 2'
}

@test "nobody without a live token counts against anything" {
	begin kim
	local token=$access
	settings+=(RATE_LIMIT_PER_USER=30)
	access=x
	at 0 say $one slack
	refused
	is "$(state)" '    ' 'X-RateLimit-*'
	post "/talk/$one" '{"text":"hello"}'
	expect 401
	access=$token
	limits 0
	holds '.user.remaining == 30 and .channels.slack.remaining == 5
	    and .sessions == {}'
}

@test "the header fields are those of the most restrictive limit" {
	begin leo
	settings+=(RATE_LIMIT_PER_USER=4 RATE_LIMIT_PER_SESSION=6
	    RATE_LIMIT_PER_CHANNEL=5)
	at 0 say $one slack
	stands user 4 3 60 0
	settings+=(RATE_LIMIT_PER_USER=40)
	at 0 say $one slack
	stands channel 5 3 60 0
	at 0 say $one email
	stands session 6 3 60 0
	settings+=(RATE_LIMIT_PER_SESSION=60)
	at 0 say $one email
	stands channel 5 3 60 0
	# Of two with as many left the one that has to wait for longer.
	settings+=(RATE_LIMIT_PER_USER=0 RATE_LIMIT_PER_SESSION=5)
	at 10 say $two
	at 10 say $two slack
	expect 200
	at 20 say $two email
	expect 200
	stands session 5 2 70 20
}

# ---------------------------------------------------------------- whose

@test "a session's limit is of its user: another's of the same id is another" {
	begin mia
	local i
	for i in 1 2 3; do
		at 0 say $one slack
		expect 200
	done
	at 0 say $one slack
	too_many Session 3 60 0
	begin ned
	limits 0
	holds '.channels.slack.remaining == 5 and .sessions == {}'
	at 0 say $one slack
	expect 200
	stands session 3 2 60 0
}

@test "all logins of a user count against the same limits" {
	begin ole
	at 0 say $one slack
	as_auth login ole
	at 0 say $one slack
	stands session 3 1 60 0
}

@test "a route counts against the limits of its row alone" {
	begin pam
	settings+=(RATE_LIMIT_PER_USER=30)
	at 0 say $one slack talk-only
	expect 200 "{\"id\":\"$one\",\"channel\":\"slack\"}"
	stands session 3 2 60 0
	limits 0
	holds '.user.remaining == 30 and .channels.slack.remaining == 5
	    and .sessions["'$one'"].remaining == 2'
}

@test "a limit that is off counts nothing, and sends no header field" {
	begin quin
	settings+=(RATE_LIMIT_PER_SESSION=0 RATE_LIMIT_PER_CHANNEL=0)
	at 0 say $one slack
	expect 200
	is "$(state)" '    ' 'X-RateLimit-*'
	settings+=(RATE_LIMIT_PER_CHANNEL=1)
	at 0 say $one slack
	expect 200
	stands channel 1 0 60 0
	at 0 say $one slack
	too_many Channel 1 60 0
	limits 0
	holds '.user == null and .channels.email.remaining == 1
	    and (.sessions == null or .sessions == {})'
}

@test "finding is no answer: a success from it is a 500" {
	begin rex
	post "/find-and-succeed/$one" '{"text":"a","channel":"slack"}' \
	    "Authorization: Bearer $access"
	expect 500 '{"detail":"Internal Server Error"}'
	has "$log" 'answer of POST /find-and-succeed/{id}: '
}

# ---------------------------------------------------------------- at once

@test "of twenty at once exactly as many pass as the session's limit lets" {
	begin sam
	one()
	{
		at 0 post "/talk/01890a5d-ac96-774b-bcce-b30209900001" \
		    '{"text":"hello","channel":"slack"}' \
		    "Authorization: Bearer $access"
	}
	at_once 20 one
	is "$(grep -c '^200 ' <<<"$answers")" 3 'let through'
	is "$(grep -c '^429 {"detail":"Session ' <<<"$answers")" 17 refused
	at 0 say $two slack
	expect 200
	stands channel 5 1 60 0
}

# Four sessions, two at a time each, over one channel of five.
@test "at once over sessions and a channel both limits are exact, and agree" {
	begin tim
	settings+=(RATE_LIMIT_PER_SESSION=2)
	one()
	{
		at 0 say "01890a5d-ac96-774b-bcce-b3020990000$((turn % 4))" \
		    slack
	}
	at_once 24 one
	is "$(grep -c '^200 ' <<<"$answers")" 5 'let through'
	is "$(grep -c '^429 ' <<<"$answers")" 19 refused
	local id counted=0 n
	for id in $(grep '^200 ' <<<"$answers" | cut -c 5- | jq -r .id |
	    sort -u); do
		n=$(grep -c "^200 .*$id" <<<"$answers")
		((n <= 2)) || is "$n" 'at most 2' "let through of $id"
		((counted += n))
		limits 0
		holds '.sessions[$id].remaining == 2 - $n' --arg id "$id" \
		    --argjson n "$n"
	done
	is "$counted" 5 'counted by sessions'
	holds '.channels.slack.remaining == 0'
}

# ---------------------------------------------------------- GET /api/limits

@test "the limits' own answer shows channels and sessions as they stand" {
	begin uli
	settings+=(RATE_LIMIT_PER_USER=30)
	at 0 say $one slack
	at 5 say $one email
	at 10 say $two slack
	expect 200
	limits 10
	expect 200 '{"user":{"limit":30,"remaining":27,
	    "reset_at":'$((now + 60))',"window_seconds":60},"channels":{
	    "websocket":{"limit":5,"remaining":5,
	    "reset_at":'$((now + 10))',"window_seconds":60},
	    "email":{"limit":5,"remaining":4,
	    "reset_at":'$((now + 65))',"window_seconds":60},
	    "slack":{"limit":5,"remaining":3,
	    "reset_at":'$((now + 60))',"window_seconds":60}},"sessions":{
	    "'$one'":{"limit":3,"remaining":1,
	    "reset_at":'$((now + 60))',"window_seconds":60},
	    "'$two'":{"limit":3,"remaining":2,
	    "reset_at":'$((now + 70))',"window_seconds":60}}}'
	# A session that has nothing left to count is not shown.
	limits 66
	holds '(.sessions | keys) == ["'$two'"] and .user.remaining == 29
	    and .channels.slack.remaining == 4
	    and .channels.email.remaining == 5'
}

@test "looking at the limits counts against none" {
	begin val
	settings+=(RATE_LIMIT_PER_USER=30)
	local i
	for i in 1 2 3; do
		limits 0
		is "$(state)" '    ' 'X-RateLimit-*'
		holds '.user.remaining == 30'
	done
}

# ---------------------------------------------------------------- faults

@test "when a count can't be written the answer is a 503, and none counts" {
	begin wim
	settings+=(RATE_LIMIT_PER_USER=30)
	at 0 say $one slack
	expect 200
	mkfifo "$BATS_TEST_TMPDIR/lock"
	local out=$BATS_TEST_TMPDIR/lock.out holder lock
	sqlite3 "$SWITCHBOARD_DATA/limits.db" <"$BATS_TEST_TMPDIR/lock" \
	    >"$out" 2>&1 3>&- &
	holder=$!
	exec {lock}>"$BATS_TEST_TMPDIR/lock"
	printf 'BEGIN IMMEDIATE;\n.shell echo held\n' >&"$lock"
	until [ -s "$out" ]; do sleep 0.01; done
	say $one slack
	printf 'ROLLBACK;\n.quit\n' >&"$lock"
	exec {lock}>&-
	wait "$holder" || true
	expect 503 '{"detail":"Service temporarily unavailable"}'
	like "$(header Retry-After)" '[1-9][0-9]*' Retry-After
	limits 0
	holds '.user.remaining == 29 and .channels.slack.remaining == 4
	    and .sessions["'$one'"].remaining == 2'
}

@test "a clock that was set back shuts nobody out" {
	begin xia
	local i
	for i in 1 2 3; do
		at 1000 say $one slack
	done
	at 1000 say $one slack
	too_many Session 3 1060 1000
	at 0 say $one slack
	expect 200
	stands session 3 2 60 0
}
