# The events of a chat session by their three ways, the decision of a feedback
# request, and all that waits for either.  Sections 8 and 9 of the contract.

load harness
load chat

setup_file()
{
	new_data
}

setup()
{
	background=()
}

teardown()
{
	local pid

	for pid in "${background[@]}"; do
		pkill -KILL -P "$pid" || true
		wait "$pid" || true
	done
}

# ---------------------------------------------------------------- helpers

# until_so COMMAND...: waits until it succeeds.
until_so()
{
	local end=$((SECONDS + 40))

	until "$@"; do
		((SECONDS < end)) || {
			show "never so: $*"
			return 1
		}
		sleep 0.02
	done
}

# beside COMMAND...: runs a request in the background; $beside is its process,
# out of which comes_to and stream_of make what it says.
beside()
{
	(
		"$@" 2>/dev/null || true
		printf '%s %s\n' "$status_code" "$body" \
		    >"$BATS_TEST_TMPDIR/$BASHPID.new"
		mv "$BATS_TEST_TMPDIR/$BASHPID".{new,done}
	) 3>&- &
	beside=$!
	background+=("$beside")
}

is_over()	# PROCESS
{
	[ -f "$BATS_TEST_TMPDIR/$1.done" ]
}

# comes_to PROCESS: waits for its end; sets $status_code, $headers and $body.
comes_to()
{
	until_so is_over "$1"
	request="in the background: $1"
	read -r status_code body <"$BATS_TEST_TMPDIR/$1.done"
	headers=$(sed '/^\r*$/q' "$BATS_TEST_TMPDIR/$1.out" | tr -d '\r')$'\n'
}

# The process of a request in the background, and its end by SIGKILL.
program_of_request()
{
	pgrep -P "$1"
}

kill_request()
{
	kill -KILL "$(program_of_request "$1")"
	until_so is_over "$1"
}

stream_of()	# PROCESS
{
	sed '1,/^\r*$/d' "$BATS_TEST_TMPDIR/$1.out"
}

ids_of()	# PROCESS
{
	stream_of "$1" | sed -n 's/^id: //p' | tr '\n' ' '
}

types_of()	# PROCESS
{
	stream_of "$1" | sed -n 's/^event: //p' | tr '\n' ' '
}

has_sent()	# PROCESS TEXT
{
	[[ $(stream_of "$1") == *"$2"* ]]
}

poll()		# TOKEN SESSION QUERY
{
	as "$1" GET "/api/sessions/$2/events?$3"
}

stream()	# TOKEN SESSION QUERY [Name: value]...
{
	local token=$1 target="/api/sessions/$2/events?$3"
	shift 3
	as "$token" GET "$target" 'Accept: text/event-stream' "$@"
}

# stream_ids TOKEN SESSION LAST [call's arguments]...: the ids that a stream
# sends up to that one.
stream_ids()
{
	local last=$3 ids

	beside stream "$1" "$2" '' "${@:4}"
	until_so has_sent "$beside" "id: $last"
	ids_of "$beside"
	kill_request "$beside"
}

listeners()	# SESSION
{
	find "$SWITCHBOARD_DATA/waiting/$1" -type s 2>/dev/null | wc -l
}

has_listeners()	# SESSION NUMBER
{
	[ "$(listeners "$1")" -eq "$2" ]
}

# add_events SESSION NUMBER [PAYLOAD]: as many, of which nobody is told.
add_events()
{
	local text=${3-'{"n":'"'"' || i || '"'"'}'}

	sql "WITH RECURSIVE n(i) AS (SELECT events + 1 FROM chat_sessions
	    WHERE id = '$1' UNION ALL SELECT i + 1 FROM n WHERE i <
	    (SELECT events + $2 FROM chat_sessions WHERE id = '$1'))
	    INSERT INTO events SELECT '$1', i, 'message', '$text', 1 FROM n;
	    UPDATE chat_sessions SET events = events + $2 WHERE id = '$1'"
}

none_left()	# SESSION
{
	[ ! -e "$SWITCHBOARD_DATA/waiting/$1" ]
}

# ------------------------------------------------------------------- polling

@test "a poll lists what happened after its cursor, and is its own cursor" {
	somebody ada
	say "$access" "$session" 'Good morning!'
	message=$body
	as_json "$key" PATCH "/api/sessions/$session" \
	    '{"agent_status":"thinking"}'
	poll "$access" "$session" ''
	expect 200
	holds '.last_id == 3 and [.events[].id] == [1, 2, 3]
	    and [.events[].type] == ["session_started", "message",
	    "agent_status"] and .events[1].payload == $m
	    and .events[2].payload == {agent_status: "thinking"}
	    and (.events | all(keys == ["id", "payload", "timestamp",
	    "type"])) and .events[1].timestamp == $m.timestamp' \
	    --argjson m "$message"
	poll "$key" "$session" after=2
	holds '.last_id == 3 and [.events[].id] == [3]'
	poll "$access" "$session" after=3
	expect 200 '{"events":[],"last_id":3}'
	poll "$access" "$session" after=1000
	expect 200 '{"events":[],"last_id":1000}'
	poll "$access" "$session" 'after=3&wait=0'
	expect 200 '{"events":[],"last_id":3}'
}

@test "what comes in is checked" {
	somebody bea
	poll "$access" "$session" 'after=-1&wait=26'
	expect 422
	holds '[.detail[] | [.type, .loc[1]]] == [
	    ["greater_than_equal", "after"], ["less_than_equal", "wait"]]'
	poll "$access" "$session" 'after=one&wait=soon'
	holds '[.detail[] | [.type, .loc[1]]] == [
	    ["int_parsing", "after"], ["int_parsing", "wait"]]'
	ask "$key" "$session"
	as "$access" GET \
	    "/api/sessions/$session/feedback/$request_id?wait=61"
	expect 422
	holds '[.detail[] | [.type, .loc[1]]] == [["less_than_equal", "wait"]]'
}

@test "nobody else's session or request is there" {
	somebody cid
	ask "$key" "$session"
	mine=$session
	somebody cleo
	for way in 'Accept: text/event-stream' 'Accept: */*'; do
		as "$access" GET "/api/sessions/$mine/events?wait=20" "$way"
		no_session "$mine"
		as "$key" GET "/api/sessions/$mine/events?wait=20" "$way"
		no_session "$mine"
	done
	as "$access" GET "/api/sessions/$mine/feedback/$request_id?wait=20"
	no_session "$mine"
	as "$access" GET "/api/sessions/$session/feedback/$request_id?wait=20"
	expect 404 '{"detail":"Feedback request '"$request_id"' not found"}'
	call GET "/api/sessions/$session/events"
	expect 401
	until_so none_left "$mine"
}

@test "an answer has at most 200 events, and the next has the others" {
	somebody dan
	add_events "$session" 449
	poll "$access" "$session" 'wait=20'
	holds '.last_id == 200 and [.events[].id] == [range(1; 201)]'
	poll "$access" "$session" after=200
	holds '.last_id == 400 and [.events[].id] == [range(201; 401)]'
	poll "$access" "$session" after=400
	holds '.last_id == 450 and [.events[].id] == [range(401; 451)]'
}

@test "great events come in smaller numbers, and none is left out" {
	local after=0 seen=

	somebody dora
	add_events "$session" 12 "{\"text\":\"$(printf 'x%.0s' {1..60000})\"}"
	while ((after < 13)); do
		poll "$access" "$session" "after=$after"
		((${#body} < 400000))
		seen+="$(json '[.events[].id] | join(" ")') "
		after=$(json .last_id)
	done
	is "$seen" '1 2 3 4 5 6 7 8 9 10 11 12 13 '
	is "$(stream_ids "$access" "$session" 13)" \
	    '1 2 3 4 5 6 7 8 9 10 11 12 13 '
}

# ------------------------------------------------------------------- streams

@test "a stream sends what happened, and what happens" {
	somebody eva
	say "$access" "$session" 'one'
	beside stream "$access" "$session" ''
	until_so has_sent "$beside" 'id: 2'
	say "$access" "$session" 'two'
	until_so has_sent "$beside" 'id: 3'
	wanted=$body
	is "$(ids_of "$beside")" '1 2 3 '
	is "$(types_of "$beside")" 'session_started message message '
	body=$(stream_of "$beside" | sed -n 's/^data: //p' | tail -1)
	is "$(json .id)" "$(jq -r .id <<<"$wanted")"
	is "$(stream_of "$beside" | tail -4 | sed 's/^data: .*/data/')" \
	    'id: 3
event: message
data'
	headers=$(sed '/^\r*$/q' "$BATS_TEST_TMPDIR/$beside.out" |
	    tr -d '\r')$'\n'
	header_is Status '200 OK'
	header_is Content-Type text/event-stream
	header_is Cache-Control no-store
	header_is Content-Length ''
	is_over "$beside" && return 1
	kill_request "$beside"
}

@test "a stream begins after the larger of after and Last-Event-ID" {
	somebody fay
	add_events "$session" 9
	is "$(stream_ids "$access" "$session" 10)" '1 2 3 4 5 6 7 8 9 10 '
	is "$(stream_ids "$access" "$session" 10 'Last-Event-ID: 7')" '8 9 10 '
	for id in '' x 7x -7 7.5 99999999999999999999; do
		is "$(stream_ids "$access" "$session" 10 \
		    "Last-Event-ID: $id")" '1 2 3 4 5 6 7 8 9 10 '
	done
	for pair in '8 3' '3 8' '8 8'; do
		beside stream "$access" "$session" "after=${pair% *}" \
		    "Last-Event-ID: ${pair#* }"
		until_so has_sent "$beside" 'id: 10'
		is "$(ids_of "$beside")" '9 10 '
		kill_request "$beside"
	done
}

@test "who changes ways misses nothing, and sees nothing twice" {
	local after=0 seen= n=1 last

	somebody gil
	while ((n < 40)); do
		add_events "$session" 3
		n=$((n + 3))
		poll "$access" "$session" "after=$after&wait=20"
		seen+="$(json '[.events[].id] | join(" ")') "
		last=$(json .last_id)
		add_events "$session" 3
		n=$((n + 3))
		beside stream "$access" "$session" '' "Last-Event-ID: $last"
		until_so has_sent "$beside" "id: $n"
		kill_request "$beside"
		seen+=$(ids_of "$beside")
		after=$n
	done
	is "$seen" "$(seq -s ' ' "$n") "
}

@test "a long list streams whole, in its order" {
	somebody hal
	add_events "$session" 2500
	beside stream "$access" "$session" ''
	until_so has_sent "$beside" 'id: 2501'
	is "$(ids_of "$beside")" "$(seq -s ' ' 2501) "
}

@test "a stream ends with its client" {
	somebody ida
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	beside stream "$access" "$session" ''
	until_so has_listeners "$session" 1
	kill_request "$beside"
	(
		head -c 1 "$BATS_TEST_TMPDIR/pipe" >/dev/null
	) 3>&- &
	reader=$!
	env -i GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET \
	    "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" "${settings[@]}" \
	    "REQUEST_URI=/api/sessions/$session/events" \
	    HTTP_ACCEPT=text/event-stream \
	    "HTTP_AUTHORIZATION=Bearer $access" REMOTE_ADDR=192.0.2.1 \
	    "$programs/events" >"$BATS_TEST_TMPDIR/pipe" 2>/dev/null \
	    </dev/null 3>&- &
	program=$!
	wait "$reader"
	wait "$program"
	program=
	is "$(listeners "$session")" 1 'listeners, of which one was killed'
	say "$access" "$session" 'nobody hears'
	none_left "$session"
}

# ------------------------------------------------------------------- waiting

@test "a wait ends at once with news from another process" {
	somebody jan
	beside poll "$access" "$session" 'after=1&wait=25'
	until_so has_listeners "$session" 1
	sent=$(date +%s%N)
	say "$key" "$session" 'Now.'
	comes_to "$beside"
	took=$((($(date +%s%N) - sent) / 1000000))
	expect 200
	holds '.last_id == 2 and .events[0].payload.content == "Now."'
	((took < 20000)) || is "$took ms" 'less than the 25 s'
	is "$(listeners "$session")" 0
}

@test "a wait ends when its time is up" {
	somebody joy
	began=$(date +%s%N)
	poll "$access" "$session" 'after=1&wait=1'
	took=$((($(date +%s%N) - began) / 1000000))
	expect 200 '{"events":[],"last_id":1}'
	((took >= 1000 && took < 20000)) || is "$took ms" '1 s'
}

@test "a HEAD never waits, and says how the answer would be" {
	somebody kay
	began=$SECONDS
	as "$access" HEAD "/api/sessions/$session/events?after=1&wait=25"
	is "$status_code" 200
	header_is Content-Type application/json
	is "$body" ''
	as "$access" HEAD "/api/sessions/$session/events" \
	    'Accept: text/event-stream'
	is "$status_code" 200
	header_is Content-Type text/event-stream
	ask "$key" "$session"
	as "$access" HEAD \
	    "/api/sessions/$session/feedback/$request_id?wait=60"
	is "$status_code" 200
	((SECONDS - began < 25))
}

@test "news of another session wakes nobody" {
	somebody liz
	quiet=$session
	begin "$access"
	beside poll "$access" "$quiet" 'after=1&wait=25'
	until_so has_listeners "$quiet" 1
	process=$(program_of_request "$beside")
	asleep() { grep -q '^State:.*sleeping' "/proc/$process/status"; }
	wakes() { sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' \
	    "/proc/$process/status"; }
	until_so asleep
	before=$(wakes)
	for i in 1 2 3 4 5; do
		say "$access" "$session" "$i"
	done
	is "$(wakes)" "$before" 'times that it woke'
	say "$access" "$quiet" 'now'
	comes_to "$beside"
	holds '.last_id == 2'
}

@test "what nobody tells of is found within 15 seconds" {
	local told dead gone

	somebody max
	beside stream "$access" "$session" 'after=1'
	told=$beside
	until_so has_listeners "$session" 1
	first=$session
	somebody mia
	beside stream "$access" "$session" 'after=1'
	dead=$beside
	until_so has_listeners "$session" 1
	ended=$access
	somebody moe
	beside stream "$key" "$session" 'after=1'
	gone=$beside
	until_so has_listeners "$session" 1
	began=$SECONDS
	# As by writers that were killed before they could.
	add_events "$first" 1
	call POST /api/auth/logout "Authorization: Bearer $ended"
	as_json "$access" DELETE /api/auth/me \
	    "{\"current_password\":\"$password\"}"
	expect 204
	until_so has_sent "$told" 'id: 2'
	comes_to "$dead"
	comes_to "$gone"
	((SECONDS - began < 28)) || is "$((SECONDS - began)) s" '15 s'
	is "$(ids_of "$dead")$(ids_of "$gone")" ''
	# What is between us and a client has seen that there is life.
	until_so has_sent "$told" ': '
}

@test "a stream ends with its login, and sends nothing more" {
	somebody ned
	owner=$access
	login ned
	beside stream "$access" "$session" 'after=1'
	until_so has_listeners "$session" 1
	call POST /api/auth/logout "Authorization: Bearer $access"
	expect 204
	say "$owner" "$session" 'a secret'
	comes_to "$beside"
	is "$(stream_of "$beside")" ''
	beside poll "$owner" "$session" 'after=2&wait=25'
	until_so has_listeners "$session" 1
	call POST /api/auth/logout-all "Authorization: Bearer $owner"
	say "$key" "$session" 'another'
	comes_to "$beside"
	is "$status_code" 401
	lacks "$body" another
}

@test "an agent's stream ends with its key" {
	somebody nia
	beside stream "$key" "$session" 'after=1'
	until_so has_listeners "$session" 1
	say "$access" "$session" 'hello'
	until_so has_sent "$beside" hello
	as "$access" DELETE "/api/auth/keys/$key_id"
	say "$access" "$session" 'a secret'
	comes_to "$beside"
	lacks "$(stream_of "$beside")" secret
}

@test "a stream goes on after the end of its session" {
	somebody pam
	beside stream "$key" "$session" 'after=1'
	until_so has_listeners "$session" 1
	as "$access" DELETE "/api/sessions/$session"
	until_so has_sent "$beside" 'event: session_ended'
	# A late answer would be one more.
	beside poll "$access" "$session" 'after=2&wait=25'
	until_so has_listeners "$session" 2
	is_over "${background[0]}" && return 1
	is_over "$beside" && return 1
	kill_request "$beside"
}

# ------------------------------------------------------ requests for feedback

@test "a wait for a decision ends with it" {
	somebody quin
	ask "$key" "$session"
	asked=$request_id
	beside as "$key" GET "/api/sessions/$session/feedback/$asked?wait=60"
	until_so has_listeners "$session" 1
	# What else happens is no decision.
	say "$access" "$session" 'Let me think.'
	respond "$access" "$session" "$asked" perhaps
	is "$status_code" 422
	is_over "$beside" && return 1
	respond "$access" "$session" "$asked" yes
	expect 201
	comes_to "$beside"
	expect 200
	holds '.status == "approved" and (.responses | length) == 2'
	as "$key" GET "/api/sessions/$session/feedback/$asked?wait=60"
	holds '.status == "approved"'
}

@test "a wait for a decision ends when its time is up" {
	somebody ray
	ask "$key" "$session"
	as "$key" GET "/api/sessions/$session/feedback/$request_id?wait=1"
	expect 200
	holds '.status == "pending"'
}

@test "a wait for a decision ends with the session" {
	somebody rita
	ask "$key" "$session"
	beside as "$key" GET \
	    "/api/sessions/$session/feedback/$request_id?wait=60"
	until_so has_listeners "$session" 1
	as "$access" DELETE "/api/sessions/$session"
	comes_to "$beside"
	holds '.status == "cancelled"'
}

# expire_soon REQUEST SESSION: in a second, for those who look from now on.
expire_soon()
{
	sql "UPDATE feedback_requests SET expires_at = $(date +%s)000000 +
	    1500000 WHERE id = '$1';
	    UPDATE chat_sessions SET due_at = (SELECT min(expires_at)
	    FROM feedback_requests WHERE session_id = '$2'
	    AND status = 'pending') WHERE id = '$2'"
}

@test "what expires while many wait for it does so once, and is told to all" {
	local waits=()

	somebody sam
	ask "$key" "$session"
	one=$request_id
	ask "$key" "$session"
	other=$request_id
	expire_soon "$one" "$session"
	beside as "$key" GET "/api/sessions/$session/feedback/$one?wait=60"
	waits+=("$beside")
	beside as "$key" GET "/api/sessions/$session/feedback/$other?wait=8"
	waits+=("$beside")
	beside stream "$access" "$session" 'after=3'
	waits+=("$beside")
	beside stream "$key" "$session" 'after=3'
	waits+=("$beside")
	beside poll "$access" "$session" 'after=3&wait=25'
	waits+=("$beside")
	comes_to "${waits[0]}"
	holds '.status == "expired"'
	comes_to "${waits[4]}"
	holds '.events[0].type == "message"'
	for i in 2 3; do
		until_so has_sent "${waits[i]}" 'id: 5'
		is "$(types_of "${waits[i]}")" 'message feedback_request '
	done
	is "$(sql "SELECT count(*) FROM events
	    WHERE session_id = '$session'")" 5
	# Another's end is none of the other's.
	comes_to "${waits[1]}"
	holds '.status == "pending"'
}

@test "a session ends while a stream goes on" {
	somebody sue
	sql "UPDATE chat_sessions SET due_at = $(date +%s)000000 + 1500000
	    WHERE id = '$session'"
	beside stream "$access" "$session" 'after=1'
	until_so has_sent "$beside" 'event: session_ended'
	is "$(ids_of "$beside")" '2 '
}

# -------------------------------------------------------------------- places

@test "a caller has four waits at once" {
	local waits=()

	somebody tom
	for i in 1 2 3 4; do
		beside poll "$access" "$session" 'after=1&wait=25'
		waits+=("$beside")
	done
	until_so has_listeners "$session" 4
	poll "$access" "$session" 'after=1&wait=25'
	expect 429 '{"detail":"Too many open waits"}'
	header_is Retry-After 1
	stream "$access" "$session" 'after=1'
	expect 429 '{"detail":"Too many open waits"}'
	# Who doesn't wait needs no place, and an agent has its own.
	poll "$access" "$session" 'after=1'
	expect 200
	poll "$key" "$session" 'after=1&wait=1'
	expect 200
	# A killed one's is free.
	kill_request "${waits[2]}"
	poll "$access" "$session" 'after=1&wait=1'
	expect 200
	say "$access" "$session" 'all of you'
	for i in 0 1 3; do
		comes_to "${waits[i]}"
		holds '.last_id == 2'
	done
	poll "$access" "$session" 'after=2&wait=1'
	expect 200
}

@test "all keys of a user together have sixteen" {
	local settings=("${settings[@]}" WAITERS=64) keys=() i

	somebody tim
	for i in 1 2 3 4 5; do
		new_key "$access"
		keys+=("$key")
	done
	for i in {0..15}; do
		beside poll "${keys[i / 4]}" "$session" 'after=1&wait=25'
	done
	until_so has_listeners "$session" 16
	poll "${keys[4]}" "$session" 'after=1&wait=25'
	expect 429 '{"detail":"Too many open waits"}'
	poll "$access" "$session" 'after=1&wait=1'
	expect 200
	say "$access" "$session" 'all of you'
	poll "${keys[4]}" "$session" 'after=1&wait=25'
	expect 200
}

@test "all callers together have WAITERS" {
	local -a settings=("${settings[@]}" WAITERS=2)

	somebody una
	mine=$session
	beside poll "$access" "$mine" 'after=1&wait=25'
	beside poll "$access" "$mine" 'after=1&wait=25'
	until_so has_listeners "$mine" 2
	somebody ursa
	poll "$access" "$session" 'after=1&wait=25'
	unavailable
	stream "$access" "$session" 'after=1'
	unavailable
	poll "$access" "$session" 'after=1'
	expect 200
	kill_request "$beside"
	poll "$access" "$session" 'after=1&wait=1'
	expect 200
	poll "$access" "$session" 'after=1&wait=1'
	expect 200
}

# -------------------------------------------------------------------- traces

@test "what killed waiters leave goes with the next news, or with a tick" {
	somebody val
	beside poll "$access" "$session" 'after=1&wait=25'
	until_so has_listeners "$session" 1
	kill_request "$beside"
	has_listeners "$session" 1
	say "$access" "$session" 'anybody?'
	is "$log" "${log#*warning}" 'the log'
	none_left "$session"
	beside poll "$access" "$session" 'after=2&wait=25'
	until_so has_listeners "$session" 1
	kill_request "$beside"
	operate tick --quiet
	none_left "$session"
}

@test "the data directory may have a long path, and others can't look in" {
	local -x SWITCHBOARD_DATA=$SWITCHBOARD_DATA/$(printf 'd%.0s' {1..120})

	mkdir -m 700 "$SWITCHBOARD_DATA"
	somebody wil
	beside poll "$access" "$session" 'after=1&wait=25'
	until_so has_listeners "$session" 1
	is "$(stat -c %a "$SWITCHBOARD_DATA/waiting" \
	    "$SWITCHBOARD_DATA/waiting/$session" | tr '\n' ' ')" '700 700 '
	say "$access" "$session" 'far away'
	comes_to "$beside"
	holds '.events[0].payload.content == "far away"'
}

@test "where nobody can be woken, nobody waits" {
	local -x SWITCHBOARD_DATA

	new_data
	somebody xan
	echo >"$SWITCHBOARD_DATA/waiting"
	poll "$access" "$session" 'after=1&wait=25'
	unavailable
	has "$log" "$SWITCHBOARD_DATA/waiting"
	# All else goes on.
	say "$access" "$session" 'all the same'
	poll "$access" "$session" 'after=1'
	holds '.last_id == 2'
}

@test "a busy store ends a wait as it does any request" {
	somebody yan
	beside poll "$access" "$session" 'after=1&wait=25'
	until_so has_listeners "$session" 1
	sql "UPDATE chat_sessions SET due_at = 1 WHERE id = '$session'"
	hold_lock
	poll "$access" "$session" 'after=1&wait=1'
	unavailable
	release_lock
	poll "$access" "$session" 'after=1'
	holds '.events[0].type == "session_ended"'
	comes_to "$beside"
	holds '.events[0].type == "session_ended"'
}
