# The outbox: what webhooks get, from whom, in what order, and what happens to
# what they don't take.  The worker is the real one, and so is the receiver, by
# https on this machine.

load harness
load command

address='the address is not one of the Internet'\''s: WEBHOOK_PRIVATE would allow it'

setup_file()
{
	cd "$BATS_FILE_TMPDIR"
	openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=receiver \
	    -addext 'subjectAltName=IP:127.0.0.1' \
	    -keyout pair -out certificate 2>openssl.log
	cat certificate >>pair
}

setup()
{
	new_data
	env+=(WEBHOOK_PRIVATE=true
	    "WEBHOOK_CA_FILE=$BATS_FILE_TMPDIR/certificate")
	receiver=$BATS_TEST_TMPDIR/receiver
	mkdir "$receiver"
	start_receiver
	register anna
	put=0
}

teardown()
{
	stop_receiver
	[ -z "${worker-}" ] || kill_worker
}

start_receiver()
{
	/usr/bin/python3 "$BATS_TEST_DIRNAME/receiver.py" "$receiver" \
	    "$BATS_FILE_TMPDIR/pair" 2>"$receiver/errors" 3>&- &
	receiving=$!
	eventually 30 answers
	port=$(<"$receiver/port")
}

answers()
{
	[ -s "$receiver/port" ] &&
	    curl -sk -o /dev/null "https://127.0.0.1:$(<"$receiver/port")"
}

stop_receiver()
{
	[ -n "${receiving-}" ] || return 0
	kill "$receiving"
	wait "$receiving" || true
	receiving=
}

# new_key HOW [URL]: one of anna's with a webhook; sets $key and $secret.
new_key()
{
	post /api/auth/keys "$(jq -cn --arg url \
	    "${2-https://127.0.0.1:$port/$1}" \
	    '{name: "agent", scopes: ["agent"], webhook_url: $url}')" \
	    "Authorization: Bearer $access"
	expect 201
	key=$(json .id)
	secret=$(json .webhook_secret)
}

# put SESSION [KEY]: what that session's webhook is to get next, due now.  Sets
# $id.
put()
{
	put=$((put + 1))
	printf -v id '0192f000-0000-7000-8000-%012x' "$put"
	sql "INSERT INTO events (session_id, number, type, payload, created_at)
	    VALUES ('$1', $put, 'feedback_response', '{\"n\":$put}',
	    $EPOCHSECONDS * 1000000);
	    INSERT INTO outbox (id, key_id, session_id, number, type,
	    created_at, next_at) VALUES ('$id', '${2-$key}', '$1', $put,
	    'feedback_request.decided', $EPOCHSECONDS * 1000000,
	    $EPOCHSECONDS * 1000000)"
}

# What is in the row of the last one that was put, or of another.
row()		# COLUMN [ID]
{
	sql "SELECT $1 FROM outbox WHERE id = '${2-$id}'"
}

left()
{
	sql 'SELECT count(*) FROM outbox'
}

# received FILTER: of all requests so far, as one list.
received()
{
	touch "$receiver/requests"
	jq -sr "$1" "$receiver/requests"
}

has_received()	# NUMBER
{
	[ "$(received length)" = "$1" ]
}

# Without the log's lines, which are on standard error.
works()		# SENT POSTPONED [OPTION...]
{
	switchboard work "${@:3}"
	is "$status" 0 'exit status'
	is "$output" "work: $1 sent, $2 to be tried again or given up" \
	    "output ($stderr)"
}

# ------------------------------------------------------------ what is sent

@test "a webhook is signed as Standard Webhooks has it" {
	new_key 204
	put a
	works 1 0
	is "$(left)" 0
	received '.[0]' >"$BATS_TEST_TMPDIR/request"
	/usr/bin/python3 - "$secret" "$id" "$BATS_TEST_TMPDIR/request" <<'END'
import base64, hashlib, hmac, json, sys, time
secret, which, path = sys.argv[1:]
with open(path) as file:
    request = json.load(file)
fields, body = request["fields"], request["body"]
assert fields["webhook-id"] == which, fields
assert abs(int(fields["webhook-timestamp"]) - time.time()) < 20, fields
key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
assert 24 <= len(key) <= 64
signed = f"{which}.{fields['webhook-timestamp']}.{body}".encode()
assert fields["webhook-signature"] == "v1," + base64.b64encode(
    hmac.digest(key, signed, hashlib.sha256)).decode(), fields
assert fields["content-type"] == "application/json"
assert fields["user-agent"].startswith("switchboard/")
assert json.loads(body)["data"] == {"n": 1}
assert not {"cookie", "authorization", "expect"} & set(fields)
END
}

@test "each key has a secret of its own" {
	new_key 204
	local first=$secret
	new_key 204
	isnt "$secret" "$first"
}

@test "what is of one session comes in its order, what is of several at once" {
	new_key slow
	local i
	for i in 1 2 3; do
		put a
		put b
	done
	works 6 0
	is "$(received '[.[] | .body | fromjson.data.n] | sort | join(",")')" \
	    1,2,3,4,5,6
	is "$(received '[.[] | .body | fromjson.data.n | select(. % 2 == 1)] |
	    join(",")')" 1,3,5
	is "$(received '[.[] | .body | fromjson.data.n | select(. % 2 == 0)] |
	    join(",")')" 2,4,6
	# A second each: six one by one would take six.
	received '(map(.at) | max - min) < 4' | grep -qx true
}

@test "a receiver that hangs holds up nobody else" {
	local i
	new_key hang
	for i in 1 2 3 4 5 6 7 8 9; do
		put "hung $i"
	done
	new_key 204
	put quick
	worker_begins
	eventually 30 sent "$id"
	is "$(left)" 9
	# No more than two of them are tried at a time.
	is "$(sql 'SELECT count(*) FROM outbox WHERE lease IS NOT NULL')" 2
}

@test "many receivers of one user hold up nobody else's" {
	local i
	for i in 1 2 3 4 5 6; do
		new_key hang
		put "hung $i"
		put "hung as well $i"
	done
	register bert
	new_key 204
	put quick
	worker_begins
	eventually 30 sent "$id"
	is "$(left)" 12
	# No more than four of them are tried at a time.
	is "$(sql 'SELECT count(*) FROM outbox WHERE lease IS NOT NULL')" 4
}

sent()		# ID
{
	[ -z "$(row id "$1")" ]
}

# In the background; sets $worker.  faketime has it as a child.
worker_begins()	# [OPTION...]
{
	setsid env -i "PATH=$PATH" "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" \
	    "ASAN_OPTIONS=${ASAN_OPTIONS-}" "${env[@]}" "${clock[@]}" \
	    "$command" work "$@" >"$BATS_TEST_TMPDIR/work.out" \
	    2>"$BATS_TEST_TMPDIR/work.err" 3>&- &
	worker=$!
}

kill_worker()
{
	# It may not have a group of its own yet, or have ended.
	while kill -0 "$worker" 2>/dev/null && ! kill -9 -- "-$worker"; do
		sleep 0.01
	done 2>/dev/null
	wait "$worker" 2>/dev/null || true
	worker=
}

# -------------------------------------------------------- what is not taken

# is_postponed REGEX: the last one that was put was tried once, and why not.
is_postponed()
{
	like "$(row error)" "$1" 'why it failed'
	is "$(row attempts)" 1
	is "$(row 'next_at > failed_at')" 1
	is "$(row lease)" ''
}

@test "another answer than a 2xx is none, a redirect neither" {
	local how
	for how in 301 307 400 404 410 500 503; do
		new_key "$how"
		put "$how"
		works 0 1
		is_postponed "it answered $how"
		sql 'DELETE FROM outbox'
	done
	is "$(received '[.[] | select(.path == "/elsewhere/204")] | length')" 0
}

@test "any 2xx is one, however long the answer is" {
	local how
	for how in 200 201 204 299 long; do
		new_key "$how"
		put "$how"
		works 1 0
	done
	is "$(left)" 0
}

@test "nobody waits longer than ten seconds" {
	new_key hang
	put a
	local began=${EPOCHREALTIME/[.,]/}
	works 0 1
	local took=$((${EPOCHREALTIME/[.,]/} - began))
	is_postponed 'it took longer than 10 seconds'
	((took > 9500000 && took < 20000000))
}

@test "where nobody listens it is tried again" {
	new_key 204
	put a
	stop_receiver
	works 0 1
	is_postponed 'nobody listens there'
}

@test "a certificate that nobody vouches for is none" {
	env=(SWITCHBOARD_ENV_FILE=/dev/null WEBHOOK_PRIVATE=true)
	new_key 204
	put a
	works 0 1
	is_postponed 'its certificate is not good'
	is "$(received length)" 0
}

@test "a certificate of another name is none" {
	new_key 204 "https://localhost:$port/204"
	put a
	works 0 1
	is_postponed 'its certificate is not good'
}

@test "nothing is sent by http" {
	new_key 204
	sql "UPDATE agent_keys SET webhook_url = 'http://127.0.0.1:$port/204'"
	put a
	works 0 1
	is_postponed 'the URL is not one of https'
}

@test "a host that nobody knows is tried again" {
	new_key 204 'https://nobody.invalid/'
	put a
	works 0 1
	is_postponed 'nobody knows the host'
}

@test "a proxy of the environment is not asked" {
	env+=(https_proxy=http://127.0.0.1:1 ALL_PROXY=http://127.0.0.1:1)
	new_key 204
	put a
	works 1 0
}

@test "authorities that can't be read stop the worker, and cost nothing" {
	new_key 204
	put a
	env+=(WEBHOOK_CA_FILE=/nowhere)
	switchboard work
	fails 78 'switchboard work: WEBHOOK_CA_FILE: /nowhere: No such file or directory'
	env+=(WEBHOOK_CA_FILE=/dev/null)
	switchboard work
	fails 78 'switchboard work: WEBHOOK_CA_FILE: /dev/null: there is no certificate in it, as PEM'
	is "$(row attempts)" 0
}

# ------------------------------------------------------------- where it goes

@test "it leads to no address of this machine or a private network" {
	local host
	env=(SWITCHBOARD_ENV_FILE=/dev/null
	    "WEBHOOK_CA_FILE=$BATS_FILE_TMPDIR/certificate")
	for host in 127.0.0.1 localhost '[::1]' '[::ffff:127.0.0.1]' \
	    '[::ffff:7f00:1]' 169.254.169.254 10.0.0.1 172.16.0.1 172.31.255.1 \
	    192.168.1.1 100.64.0.1 0.0.0.0 0x7f000001 2130706433 127.1 \
	    224.0.0.1 255.255.255.255 192.0.2.1 198.18.0.1 '[::]' '[fe80::1]' \
	    '[fc00::1]' '[fd12:3456::1]' '[ff02::1]' '[64:ff9b::7f00:1]' \
	    '[64:ff9b:1::1]' '[2002:7f00:1::]' '[2001:db8::1]' \
	    '[2001:0:1::1]' '[::127.0.0.1]' '[100::1]'; do
		new_key 204
		sql "UPDATE agent_keys
		    SET webhook_url = 'https://$host:$port/204'
		    WHERE id = '$key'"
		put "$host"
	done
	works 0 "$put"
	is "$(sql 'SELECT DISTINCT error FROM outbox')" "$address"
	is "$(received length)" 0
}

@test "an address of ours is refused however public it is" {
	unshare -rn true 2>/dev/null || skip 'no network of our own can be had'
	new_key 204
	sql "UPDATE agent_keys SET webhook_url = 'https://8.8.8.8:$port/204'"
	put a
	unshare -rn sh -c 'ip link set lo up && ip addr add 8.8.8.8/32 dev lo &&
	    exec env "$@"' sh "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" \
	    SWITCHBOARD_ENV_FILE=/dev/null "$command" work ||
		skip 'no address can be had'
	is "$(row error)" "$address"
}

@test "an address of ours is refused in the clothes of IPv6, too" {
	local host
	unshare -rn true 2>/dev/null || skip 'no network of our own can be had'
	for host in ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1; do
		new_key 204
		sql "UPDATE agent_keys
		    SET webhook_url = 'https://[$host]:$port/204'
		    WHERE id = '$key'"
		put "$host"
	done
	unshare -rn sh -c 'ip link set lo up && ip addr add 8.8.8.8/32 dev lo &&
	    exec env "$@"' sh "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" \
	    SWITCHBOARD_ENV_FILE=/dev/null "$command" work ||
		skip 'no address can be had'
	is "$(sql 'SELECT DISTINCT error FROM outbox')" "$address"
}

# ----------------------------------------------------------- when it goes on

# The seconds until the next attempt.
pause()
{
	row 'next_at - failed_at'
}

@test "it is tried ten times, further and further apart, and then dead" {
	local after=0 n nominal
	new_key 500
	put a
	local first=$id
	put a
	for n in 1 2 3 4 5 6 7 8 9 10; do
		((n < 10)) || break
		later "$after" works 0 1
		is "$(row attempts "$first")" "$n"
		nominal=$((4 ** (n - 1)))
		((nominal <= 3600)) || nominal=3600
		is "$(row "abs(next_at - failed_at - $nominal * 1000000) <=
		    $nominal * 201000" "$first")" 1 "pause $n"
		# Too early nothing is done, as the second waits for the first.
		later $((after + nominal * 79 / 100)) works 0 0
		after=$((after + nominal * 6 / 5 + 2))
	done
	# Then it holds up nobody any more.
	later "$after" works 0 2
	is "$(row attempts "$first")" 10
	is "$(row 'next_at IS NULL' "$first")" 1
	is "$(row error "$first")" 'it answered 500'
	has "$stderr" 'given up after 10 attempts: it answered 500'
	is "$(row attempts)" 1
}

@test "down for ten minutes: then each comes once, and in order" {
	local after session
	new_key 204
	for session in a b c a b c a b c; do
		put "$session"
	done
	stop_receiver
	for after in 0 2 7 25 90 350; do
		later "$after" switchboard work
		is "$status" 0
	done
	put a
	start_receiver
	echo 503 >"$receiver/how"
	later 600 switchboard work --for 1
	rm "$receiver/how"
	later 2000 switchboard work
	later 5000 switchboard work
	is "$(left)" 0
	received 'map(select(.how == "204"))' >"$BATS_TEST_TMPDIR/taken"
	jq -e 'length == 10 and (map(.fields["webhook-id"]) | unique |
	    length) == 10' "$BATS_TEST_TMPDIR/taken"
	is "$(jq -r 'map(.body | fromjson.data.n) | map(select(. % 3 == 1)) |
	    join(",")' "$BATS_TEST_TMPDIR/taken")" 1,4,7,10
	is "$(jq -r 'map(.body | fromjson.data.n) | map(select(. % 3 == 2)) |
	    join(",")' "$BATS_TEST_TMPDIR/taken")" 2,5,8
}

@test "a clock that was set back stops nothing" {
	new_key 204
	put a
	sql "UPDATE outbox SET next_at = next_at + 86400000000"
	put b
	sql "UPDATE outbox SET lease = 'x', leased_until = $EPOCHSECONDS * 1000000
	    + 86400000000 WHERE id = '$id'"
	works 2 0
}

# --------------------------------------------------------- who is at work

@test "of several workers one works" {
	new_key slow
	put a
	worker_begins
	eventually 30 is_leased
	switchboard work
	says 'work: another one is at work'
	wait "$worker"
	worker=
	is "$(received length)" 1
	is "$(left)" 0
}

is_leased()
{
	[ -n "$(row lease)" ]
}

@test "a worker that is killed costs an attempt and thirty seconds" {
	new_key slow
	put a
	worker_begins
	eventually 30 test -e "$receiver/began"
	kill_worker
	# Who moves the clock, and no receiver, would see two at once.
	eventually 30 has_received 1
	works 0 0
	later 28 works 0 0
	is "$(row attempts)" 1
	later 31 works 1 0
	eventually 30 has_received 2
	is "$(received '[.[] | .others] | max')" 0
	is "$(received '[.[] | .fields["webhook-id"]] | unique | length')" 1
}

@test "whoever kills workers at random: never two at once, and all arrive" {
	local i
	new_key slow
	for i in 1 2 3 4; do
		put "session $i"
		put "session $i"
	done
	for i in 0 31 62; do
		later "$i" worker_begins
		sleep "0.$((RANDOM % 9))"
		kill_worker
		sleep 1.2
	done
	later 100 switchboard work
	later 140 switchboard work
	is "$(left)" 0
	is "$(received '[.[] | .others] | max')" 0
	is "$(received '[.[] | .body | fromjson.data.n] | unique | length')" 8
}

@test "what was broken off ten times is dead" {
	new_key 204
	put a
	sql 'UPDATE outbox SET attempts = 10'
	works 0 0
	is "$(row error)" 'the last attempt was broken off'
	is "$(row 'next_at IS NULL')" 1
}

@test "a key that is deleted takes along what it was to get" {
	new_key 204
	put a
	call DELETE "/api/auth/keys/$key" "Authorization: Bearer $access"
	expect 204
	works 0 0
	is "$(left)" 0
	is "$(received length)" 0
}

@test "a disabled user's webhooks get nothing" {
	new_key 204
	put a
	switchboard user disable anna
	works 0 0
	is "$(row error)" 'the user is disabled'
	is "$(received length)" 0
	switchboard user enable anna
	switchboard outbox retry "$id"
	eventually 30 sent "$id"
}

@test "one that stays is woken, and ends with what it has in hand" {
	new_key slow
	worker_begins --stay
	eventually 30 test -e "$SWITCHBOARD_DATA/work.slots"
	put a
	switchboard outbox retry "$id"
	says 'to be tried again now'
	eventually 30 is_leased
	kill "$worker"
	wait "$worker"
	worker=
	is "$(left)" 0
	has "$(<"$BATS_TEST_TMPDIR/work.out")" 'work: stopped; 1 sent'
}

@test "one that stays waits for the one that is at work" {
	new_key slow
	put a
	worker_begins
	local first=$worker
	eventually 30 is_leased
	worker_begins --stay
	wait "$first"
	put b
	eventually 30 sent "$id"
	kill "$worker"
	wait "$worker"
	worker=
}

@test "for so long it sees to what is tried again" {
	new_key 204
	put a
	echo 500 >"$receiver/how"
	worker_begins --for 4
	eventually 30 has_received 1
	rm "$receiver/how"
	wait "$worker"
	worker=
	is "$(left)" 0
}

@test "who has no more time leaves what is due to another" {
	local i
	new_key hang
	for i in 1 2 3; do
		put "session $i"
	done
	switchboard work --for 1
	is "$output" 'work: 0 sent, 2 to be tried again or given up'
	eventually 30 has_worker
	kill $(workers)
	eventually 30 has_no_worker
	is "$(sql 'SELECT count(*) FROM outbox WHERE attempts > 0')" 3
}

@test "what it is asked for has to make sense" {
	local -a wrong
	switchboard work --for
	fails 64 'switchboard work: --for: SECONDS is missing; see switchboard work --help'
	for wrong in 0 x -1 1.5 86401 '' --stay; do
		switchboard work --for "$wrong"
		fails 64 'switchboard work: --for: SECONDS has to be from 1 to 86400; see switchboard work --help'
	done
	switchboard work --for 3 --stay
	fails 64 'switchboard work: --for and --stay exclude each other; see switchboard work --help'
	switchboard work --for 3 --for
	fails 64 'switchboard work: --for is not understood; see switchboard work --help'
	switchboard work --help
	has "$output" 'for that long, 1 to 86400'
}

@test "a database that is busy loses nothing" {
	new_key slow
	put a
	worker_begins
	eventually 30 is_leased
	hold_lock
	eventually 30 grep -q locked "$BATS_TEST_TMPDIR/work.err"
	release_lock
	wait "$worker"
	worker=
	is "$(left)" 0
	is "$(received length)" 1
}

# ------------------------------------------------------- who looks after it

# Ten attempts have failed.
die()		# [ID]
{
	sql "UPDATE outbox SET attempts = 10, next_at = NULL,
	    failed_at = $EPOCHSECONDS * 1000000, error = 'it answered 500'
	    WHERE id = '${1-$id}'"
}

@test "what waits and what is dead is listed and counted" {
	new_key 204
	put a
	local dead=$id
	die
	put b
	switchboard outbox list --json
	ends 0
	listed 'length == 2 and .[0].id == $dead and .[0].state == "dead"
	    and .[0].next_at == null and .[0].error == "it answered 500"
	    and .[0].attempts == 10 and .[0].username == "anna"
	    and .[0].key_name == "agent" and .[0].key_id == $key
	    and .[0].session_id == "a" and .[1].state == "waiting"
	    and .[1].error == null' --arg dead "$dead" --arg key "$key"
	lacks "$output" "$port"
	switchboard outbox list --dead
	ends 0
	is "${#lines[@]}" 2
	has "${lines[1]}" "$dead"
	switchboard stats --json
	listed '.outbox == 1 and .outbox_dead == 1'
}

@test "what has to wait for an earlier one is behind" {
	new_key 204
	put a
	die
	put a
	put a
	put b
	switchboard outbox list --json
	ends 0
	listed 'map(.state) == ["dead", "waiting", "behind", "waiting"]
	    and map(.next_at == null) == [true, false, true, false]'
	switchboard outbox list
	like "${lines[3]}" '.* behind +-.*'
}

@test "where nothing is dead, to send it again starts nobody" {
	switchboard outbox retry --all
	says '0 to be sent again'
	# Who is started looks into the outbox at once.
	new_key 204
	put a
	switchboard outbox retry --all
	says '0 to be sent again'
	has_no_worker
	is "$(row attempts)" 0
	[ ! -e "$SWITCHBOARD_DATA/work.slots" ]
}

@test "what is dead is sent after all, or deleted" {
	new_key 204
	put a
	local first=$id
	die
	put a
	local second=$id
	die
	switchboard outbox drop "$first"
	says deleted
	switchboard outbox drop "$first"
	fails 67 "switchboard outbox drop: there is no $first: it was sent or deleted"
	switchboard outbox retry "${second^^}"
	says 'to be sent again'
	eventually 30 sent "$second"
	is "$(received length)" 1
	put b
	die
	put c
	die
	switchboard outbox retry --all
	says '2 to be sent again'
	eventually 30 nothing_left
}

nothing_left()
{
	[ "$(left)" = 0 ]
}

@test "what is asked of it has to make sense" {
	switchboard outbox retry
	fails 64 'switchboard outbox retry: ID or --all is missing; see switchboard outbox retry --help'
	switchboard outbox retry x
	fails 64 'switchboard outbox retry: x is not the id of what is to be sent; switchboard outbox list shows them'
	switchboard outbox retry 5 --all
	fails 64 'switchboard outbox retry: ID and --all exclude each other; see switchboard outbox retry --help'
	switchboard outbox drop
	is "$status" 64
	switchboard outbox list x
	is "$status" 64
}

@test "tick deletes what has been dead for thirty days, and nothing else" {
	new_key 204
	put a
	die
	put b
	sql "UPDATE outbox SET next_at = next_at + 3000000000 WHERE id = '$id'"
	later $((30 * 86400 - 60)) switchboard tick
	has "$output" ' 0 webhooks'
	is "$(left)" 2
	stop_receiver
	later $((30 * 86400 + 60)) switchboard tick
	has "$output" ' 1 webhook'
	is "$(left)" 1
}

@test "tick has sent what nobody sends" {
	new_key 204
	put a
	switchboard tick --quiet
	eventually 30 sent "$id"
}

# found GRADE REGEX: of the outbox.
found()
{
	switchboard check --json
	jq -e --arg grade "$1" --arg sentence "$2" '.. | objects |
	    select(.check? == "outbox") | select(.grade == $grade and
	    (.sentence | test($sentence)))' <<<"$output" >/dev/null && return
	show "no $1 $2" "$output"
	return 1
}

@test "check tells of what is dead and of what is late" {
	new_key 204
	found green 'no webhook was given up'
	put a
	later 500 found green 'no webhook was given up'
	later 700 found yellow 'a webhook is to be sent since'
	# One behind another that is tried later is not late.
	sql "UPDATE outbox SET next_at = next_at + 3000000000"
	put a
	later 700 found green 'no webhook was given up'
	sql "DELETE FROM outbox"
	put a
	die
	found yellow '^1 webhook was given up'
}

# ------------------------------------------------------ who starts a worker

# Has anna asked something by the last key, and decided.
decide()
{
	post /api/sessions '{}' "Authorization: Bearer $access"
	expect 201
	local session=$(json .id)
	post "/api/sessions/$session/feedback" \
	    '{"type":"approval","prompt":"Deploy?"}' \
	    "Authorization: Bearer $agent"
	expect 201
	request_id=$(json .id)
	post "/api/sessions/$session/feedback/$request_id/respond" \
	    '{"content":"yes"}' "Authorization: Bearer $access" "$@"
	expect 201
}

# The processes of ours that work in this test's directory; not their children,
# which only start the next one.
workers()
{
	local pid
	for pid in $(ps -e -o pid=,ppid=,args= | awk '
	    /switchboard work --for 10$/ { parent[$1] = $2 }
	    END { for (i in parent) if (!(parent[i] in parent)) print i }'); do
		{ tr '\0' '\n' <"/proc/$pid/environ"; } 2>/dev/null |
		    grep -qx "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" || continue
		echo "$pid"
	done
}

has_worker()
{
	[ -n "$(workers)" ]
}

has_no_worker()
{
	[ -z "$(workers)" ]
}

# As the programs get it.
private()
{
	settings+=(WEBHOOK_PRIVATE=true
	    "WEBHOOK_CA_FILE=$BATS_FILE_TMPDIR/certificate"
	    "LOG_FILE=$BATS_TEST_TMPDIR/worker.log")
}

@test "a request that decides is told to the webhook by a worker of its own" {
	private
	new_key 204
	local agent=$(json .key) pid sent
	decide
	eventually 30 has_received 1
	is "$(received '.[0].body | fromjson | .type')" \
	    feedback_request.decided
	is "$(received '.[0].body | fromjson | .data.id')" "$request_id"
	is "$(received '.[0].body | fromjson | .data.status')" approved
	like "$(received '.[0].body | fromjson | .timestamp')" "$time"
	is "$(received '.[0].body | fromjson | keys_unsorted | join(" ")')" \
	    'type timestamp data'
	eventually 30 nothing_left
	pid=$(workers)
	isnt "$pid" '' worker
	has "$(<"$BATS_TEST_TMPDIR/worker.log")" 'sent by attempt 1'
	# The next one finds it there; on a busy machine it may just have ended.
	for sent in 2 3 4; do
		pid=$(workers)
		decide
		eventually 30 has_received "$sent"
		[ -z "$pid" ] || [ "$(workers)" != "$pid" ] || break
	done
	isnt "$pid" '' worker
	is "$(workers)" "$pid"
	kill "$pid"
	eventually 30 has_no_worker
}

@test "the worker has inherited nothing" {
	private
	new_key hang
	local agent=$(json .key) pid fd
	decide 'X-Secret: of-a-client' 'Proxy: http://127.0.0.1:1'
	eventually 30 has_worker
	pid=$(workers)
	eventually 30 is_leased_by_any
	for fd in 0 1 2; do
		is "$(readlink "/proc/$pid/fd/$fd")" /dev/null
	done
	# What it has opened itself: sockets and what they are polled by.
	for fd in "/proc/$pid/fd"/*; do
		like "$(readlink "$fd")" "/dev/null|$SWITCHBOARD_DATA/.*|$BATS_TEST_TMPDIR/worker.log|socket:.*|anon_inode:.*|pipe:.*"
	done
	isnt "$(ps -o sid= -p "$pid" | tr -d ' ')" \
	    "$(ps -o sid= -p $$ | tr -d ' ')"
	local names=$(tr '\0' '\n' <"/proc/$pid/environ" | cut -d= -f1)
	lacks "$names" HTTP
	lacks "$names" REQUEST
	lacks "$names" GATEWAY
	lacks "$names" PATH
	has "$names" WEBHOOK_CA_FILE
	kill "$pid"
}

is_leased_by_any()
{
	[ "$(sql 'SELECT count(*) FROM outbox WHERE lease IS NOT NULL')" = 1 ]
}

@test "a web server sees the end of the answer while the worker works" {
	private
	new_key hang
	local agent=$(json .key)
	# It reads both to their ends, as Apache does.
	mkdir "$BATS_TEST_TMPDIR/programs"
	cat >"$BATS_TEST_TMPDIR/programs/chat" <<-END
		#!/bin/sh
		{ "$programs/chat" 2>&1 1>&3 | cat >&2; } 3>&1 | cat
	END
	chmod +x "$BATS_TEST_TMPDIR/programs/chat"
	programs=$BATS_TEST_TMPDIR/programs
	decide
	# It stays for longer, and would have kept what it had.
	eventually 30 has_worker
	eventually 30 is_leased_by_any
	kill $(workers)
}

@test "a request that puts nothing into the outbox starts nobody" {
	private
	post /api/sessions '{}' "Authorization: Bearer $access"
	expect 201
	has_no_worker
	is "$(ls "$SWITCHBOARD_DATA" | grep -c work)" 0
}
