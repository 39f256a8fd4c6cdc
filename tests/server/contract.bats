#!/usr/bin/env bats
#
# What a client may rely on, whichever web server the programs are behind: this
# file runs unchanged for every home (tests/homes), at the site's root and under
# a prefix.  What one program does by itself is in tests/api.
#
# Some of it is up to the web server, and not every server can be told to do
# what is best.  Each such thing has a name here, and what is best; a home whose
# server can't says in exceptions[NAME] what it does instead.  An answer is
# described by its code and by who made it:
#
#	program		one of ours, as its X-Request-ID shows
#	json		the server, in our form: {"detail":"..."}
#	html, none	the server, in a form of its own, or without a body
#	unanswered	there is none

load harness

setup_file()
{
	start_server
}

teardown_file()
{
	stop_server
}

setup()
{
	background=()
	load_home
}

# Said of a test that fails.
teardown()
{
	stop_background
	[[ ! -e /proc/$SB_WEB ]] || return 0
	echo "$SB_HOME has ended; it said"
	grep -av ' info ' "$SB_LOG" | tail -n 20
}

# expect NAME BEST WHAT-IS: what this home declares, else the best.
expect()
{
	local best=$2

	[[ ${exceptions[$1]-none} != "$best" ]] ||
		fail "the exception $1 is none"
	[[ $3 == "${exceptions[$1]-$best}" ]] || fail "$1
expected: ${exceptions[$1]-$best}
answered: $3
$headers
$body"
}

# raw BYTES: sends them as they are, for printf, and sets $code, $headers and
# $body.  A server may answer and close before it has read all, so all is sent
# at once.
raw()
{
	local answer

	exec 4<>"/dev/tcp/127.0.0.1/$SB_PORT"
	# shellcheck disable=SC2059
	printf "$1" >"$BATS_TEST_TMPDIR/raw"
	cat "$BATS_TEST_TMPDIR/raw" >&4
	# To the end; which isn't a NUL, so that read fails.
	IFS='' read -r -d '' -t 20 -u 4 answer || true
	exec 4>&-
	answer=${answer//$'\r'/}
	code='' headers='' body=''
	[[ $answer =~ ^HTTP/1\.[01]\ ([0-9]{3}) ]] || return 0
	code=${BASH_REMATCH[1]}
	headers=${answer%%$'\n\n'*}
	body=${answer#"$headers"}
	body=${body#$'\n\n'}
}

# send METHOD PATH [HEADER...]: a request without a body, as it is.
send()
{
	local fields

	printf -v fields '%s\\r\\n' "${@:3}"
	raw "$1 ${2//%/%%} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${fields#\\r\\n}\r\n"
}

# get PATH [HEADER...]: below the prefix.
get()
{
	send GET "$SB_PREFIX$1" "${@:2}"
}

# in_headers NAME: the value, of the last `raw' or `call_and_look'.
in_headers()
{
	local all=$'\n'$headers$'\n'

	shopt -s nocasematch
	[[ $all =~ $'\n'$1:\ *([^$'\n']*) ]] || BASH_REMATCH=('' '')
	shopt -u nocasematch
	echo "${BASH_REMATCH[1]}"
}

# Of the same: who answered what, as described above.
answered()
{
	local media

	media=$(in_headers Content-Type)
	if [[ -z $code ]]; then
		echo unanswered
	elif [[ -n $(in_headers X-Request-ID) ]]; then
		echo "$code program"
	elif [[ -z $body ]]; then
		echo "$code none"
	elif [[ $media == application/json* ]] &&
	    [[ $(jq -r '.detail | type' <<<"$body") == string ]]; then
		echo "$code json"
	elif [[ $media == text/html* ]]; then
		echo "$code html"
	else
		echo "$code ${media:-nothing}"
	fi
}

# call_and_look: as call, and $headers for `answered'.
call_and_look()
{
	call "$@"
	headers=$(tr -d '\r' <"$BATS_TEST_TMPDIR/headers")
}

# letters N: that many.
letters()
{
	head -c "$1" /dev/zero | tr '\0' a
}

# One that is made once, and this client's access token.
log_in()
{
	local file=$BATS_FILE_TMPDIR/access

	if [[ ! -e $file ]]; then
		register resident
		assert_answer 201
		field access_token >"$file"
	fi
	access=$(<"$file")
}

@test "a session with curl, as the old service had it" {
	at=http://localhost:$SB_PORT$SB_PREFIX
	run -0 curl -s -X POST "$at/api/auth/register" \
	    -H "Content-Type: application/json" \
	    -d '{"email":"user@example.com","username":"testuser","password":"password123"}'
	[[ $(jq -r .token_type <<<"$output") == bearer ]]
	run -0 curl -s -X POST "$at/api/auth/login" \
	    -H "Content-Type: application/x-www-form-urlencoded" \
	    -d "username=testuser&password=password123"
	[[ $(jq -c keys <<<"$output") == '["access_token","expires_in","refresh_expires_in","refresh_token","token_type"]' ]]
	access=$(jq -r .access_token <<<"$output")
	refresh=$(jq -r .refresh_token <<<"$output")

	me "$access"
	assert_answer 200
	[[ $(field username) == testuser ]]
	[[ $(field email) == user@example.com ]]

	refresh "$refresh"
	assert_answer 200
	[[ $(field refresh_token) != "$refresh" ]]
	me "$(field access_token)"
	assert_answer 200
}

@test "every method reaches the programs, and so does a browser's FormData" {
	register mover
	assert_answer 201
	call POST /api/auth/login -F username=mover -F password=password123
	assert_answer 200
	auth="Authorization: Bearer $(field access_token)"
	call PATCH /api/auth/me -H "$auth" -H 'Content-Type: application/json' \
	    -d '{"email":"moved@example.com","current_password":"password123"}'
	assert_answer 200
	[[ $(field email) == moved@example.com ]]
	call GET /api/auth/sessions -H "$auth"
	assert_answer 200
	id=$(jq -r '.sessions[] | select(.current | not).id' <<<"$body")
	call DELETE "/api/auth/sessions/$id" -H "$auth"
	assert_answer 204 ''
	call PUT /api/auth/login
	assert_answer 405 '{"detail":"Method Not Allowed"}'
	assert_equal "$(header Allow)" POST
	call_and_look DELETE /health
	assert_equal "$(answered)" '405 program'
	assert_equal "$(header Allow | tr , '\n' | tr -d ' ' | sort | paste -sd,)" \
	    GET,HEAD
}

@test "of 12 who register one name at once, one gets it" {
	cd "$BATS_TEST_TMPDIR"
	seq 12 | xargs -P 12 -I N curl -s -o body.N -w '%{http_code}\n' \
	    -H 'Content-Type: application/json' \
	    -d '{"email":"raceN@example.com","username":"race","password":"password123"}' \
	    "$SB_URL/api/auth/register" >codes
	assert_equal "$(sort codes | uniq -c | awk '{ print $1 "x" $2 }')" \
	    $'1x201\n11x400'
	assert_equal "$(grep -l 'Username already registered' body.* | wc -l)" 11
	login race
	assert_answer 200
}

@test "of 8 who refresh one token at once, all get the same successor" {
	register storm
	assert_answer 201
	refresh=$(field refresh_token)
	cd "$BATS_TEST_TMPDIR"
	seq 8 | xargs -P 8 -I @ curl -s -o pair.@ -w '%{http_code}\n' \
	    -H 'Content-Type: application/json' \
	    -d "{\"refresh_token\":\"$refresh\"}" \
	    "$SB_URL/api/auth/refresh" >codes
	assert_equal "$(sort codes | uniq -c | awk '{ print $1 "x" $2 }')" 8x200
	assert_equal "$(jq -r .refresh_token pair.* | sort -u | wc -l)" 1
	for access in $(jq -r .access_token pair.*); do
		me "$access"
		assert_answer 200
	done
	refresh "$(jq -r .refresh_token pair.1)"
	assert_answer 200
}

@test "the Authorization header arrives, whole, and long ones do" {
	log_in
	me "$access"
	assert_answer 200
	call GET /api/auth/me -H "authorization: bearer $access"
	assert_answer 200
	call GET /api/auth/me -H "Authorization: Basic $access"
	assert_answer 401 '{"detail":"Not authenticated"}'
	call GET /api/auth/me -H "Authorization: Bearer $(letters 8000)"
	assert_answer 401 '{"detail":"Could not validate credentials"}'
	assert_equal "$(header WWW-Authenticate)" 'Bearer error="invalid_token"'
	call GET /api/auth/me -H "Authorization: Bearer $access" \
	    -H "Cookie: a=$(letters 8000)"
	assert_answer 200
	call_and_look GET /api/auth/me -H "Authorization: Bearer $access" \
	    -H "Cookie: a=$(letters 8192)"
	expect eight-kib-header '200 program' "$(answered)"
	call GET "/health?$(letters 7000)"
	assert_answer 200
}

@test "header fields beyond the bounds are refused" {
	get /health "Cookie: $(letters 20000)"
	expect long-header '431 json' "$(answered)"
	get /api/auth/me "Authorization: Bearer $(letters 20000)"
	expect long-authorization '431 json' "$(answered)"
	get "/$(letters 20000)"
	expect long-target '414 json' "$(answered)"
}

@test "what is no request is refused" {
	raw 'rubbish\r\n\r\n'
	expect rubbish '400 json' "$(answered)"
	raw "GET $SB_PREFIX/health HTTP/1.1\r\n\r\n"
	expect no-host '400 json' "$(answered)"
	raw "POST $SB_PREFIX/api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"
	expect two-lengths '400 json' "$(answered)"
	raw "GET $SB_PREFIX/health HTTP/7.0\r\nHost: a\r\nConnection: close\r\n\r\n"
	expect version '505 json' "$(answered)"
	raw "GET $SB_PREFIX/health HTTP/1.1\r\nHost: a\r\nA\x01: b\r\n\r\n"
	expect field-name '400 json' "$(answered)"
	raw "GET $SB_PREFIX/health\r\n\r\n"
	expect no-version '400 json' "$(answered)"
}

@test "a method that nobody knows is refused" {
	send BREW "$SB_PREFIX/health"
	expect unknown-method '405 program' "$(answered)"
	send get "$SB_PREFIX/health"
	expect method-in-lower-case '405 program' "$(answered)"
	send TRACE "$SB_PREFIX/health" 'Cookie: secret=1'
	expect trace '405 program' "$(answered)"
	[[ $body != *secret* ]]
}

@test "a body is taken with its length, in chunks, after 100, or with GET" {
	log_in
	form='username=resident&password=password123'
	call POST /api/auth/login -H 'Transfer-Encoding: chunked' -d "$form"
	assert_answer 200
	call POST /api/auth/login -H 'Expect: 100-continue' -d "$form"
	assert_answer 200
	call GET /health -d "$form"
	assert_answer 200
	send POST "$SB_PREFIX/api/auth/logout-all"
	expect no-length '401 program' "$(answered)"
}

@test "a body of 64 KiB and one byte is refused by the program, 64 KiB is not" {
	letters 65537 >"$BATS_TEST_TMPDIR/long"
	for how in Accept: 'Transfer-Encoding: chunked'; do
		call_and_look POST /api/auth/register -H "$how" \
		    -H 'Content-Type: application/json' \
		    --data-binary "@$BATS_TEST_TMPDIR/long"
		assert_equal "$(answered)" '413 program'
		assert_answer 413 '{"detail":"Request body too large"}'
	done
	truncate -s 65536 "$BATS_TEST_TMPDIR/long"
	call POST /api/auth/register -H 'Content-Type: application/json' \
	    --data-binary "@$BATS_TEST_TMPDIR/long"
	assert_answer 422
}

@test "a body of 2 MB is refused by the server, in the programs' words" {
	letters 2000000 >"$BATS_TEST_TMPDIR/long"
	call_and_look POST /api/auth/register \
	    -H 'Content-Type: application/json' \
	    --data-binary "@$BATS_TEST_TMPDIR/long"
	expect long-body '413 json {"detail":"Request body too large"}' \
	    "$(answered) $body"
	call_and_look POST /api/auth/register \
	    -H 'Content-Type: application/json' \
	    -H 'Transfer-Encoding: chunked' \
	    --data-binary "@$BATS_TEST_TMPDIR/long"
	expect long-chunked-body \
	    '413 json {"detail":"Request body too large"}' \
	    "$(answered) $body"
}

@test "HEAD has GET's header fields and no body" {
	local length

	call GET /health
	assert_answer 200
	length=$(header Content-Length || true)
	expect length 1 "$((length == ${#body}))"
	# The connection would be closed after a body.
	run -0 curl -sI "$SB_URL/health" "$SB_URL/nothing" \
	    -w '%{http_code} %{num_connects}\n'
	assert_line '200 1'
	assert_line '404 0'
	refute_line --regexp '^[{]'
	send HEAD "$SB_PREFIX/health"
	assert_equal "$(answered)" '200 program'
	assert_equal "$body" ''
	expect head-length "$length" \
	    "$(in_headers Content-Length)"
	[[ $(in_headers Content-Type) == application/json* ]]
	send HEAD "$SB_PREFIX/api/auth/me"
	assert_equal "$(answered)" '401 program'
}

@test "a path is answered directly, with a slash at its end or without" {
	log_in
	for path in /api/auth/me /api/auth/me/ /api/auth/sessions/ \
	    /api/limits /api/limits/ /health/ /docs /docs/ /redoc /console \
	    /console/ /; do
		get "$path" "Authorization: Bearer $access"
		assert_equal "$path $(answered)" "$path 200 program"
	done
	for path in /static /static/ /api /api/ /api/auth /api/auth/ \
	    /api/authx /api/limitsx /api/limits/x /apix/auth/me /index.html \
	    /meta /auth /libexec/switchboard/auth /docs/docs; do
		get "$path" "Authorization: Bearer $access"
		assert_equal "$path $(answered)" "$path 404 program"
		[[ $body == *'{"detail":"Not Found"}'* ]]
	done
	get /.htaccess
	expect dot-file '404 program' "$(answered)"
}

# is METHOD PATH ANSWER [ALLOW]: what is answered to who has no token, by a
# program.  Only the one whose path it is knows it.
is()
{
	send "$1" "$SB_PREFIX$2" 'Content-Length: 0'
	assert_equal "$1 $2 $(answered)" "$1 $2 $3 program"
	[[ $3 != 405 ]] || assert_equal "$1 $2 $(in_headers Allow | tr , '\n' |
	    tr -d ' ' | sort | paste -sd,)" "$1 $2 $4"
}

@test "each path goes to its program" {
	local session=/api/sessions/$nobody end path

	for end in '' / '?after=1&wait=0' '/?a=/events'; do
		# They are of events, which alone may wait;
		for path in "$session/events" "$session/feedback/$nobody"; do
			is GET "$path$end" 401
			is HEAD "$path$end" 401
			is POST "$path$end" 405 GET,HEAD
			is DELETE "$path$end" 405 GET,HEAD
		done
		# and these of chat, and the others.
		is GET "/api/sessions$end" 401
		is POST "/api/sessions$end" 401
		is PATCH "$session$end" 401
		is GET "$session/messages$end" 401
		is POST "$session/feedback$end" 401
		is PATCH "$session/feedback$end" 405 GET,HEAD,POST
		is POST "$session/feedback/$nobody/respond$end" 401
		is GET "$session/feedback/$nobody/respond$end" 405 POST
		is POST "/api/sessions/cleanup/expired$end" 401
		is GET "/api/sessions/cleanup/expired$end" 405 POST
		is DELETE "/api/auth/keys/$nobody$end" 401
		is GET "/api/limits$end" 401
		is GET "/health$end" 200
	done
	for path in "$session/eventsx" "$session/xevents" "$session/events/x" \
	    "$session/events//" "$session//events" "$session/./events" \
	    "$session/x/events" "$session/x/../events" "$session/messages/x" \
	    "$session/feedbackx/$nobody" "$session/feedback/$nobody/x" \
	    "$session/feedback/x/../$nobody" "$session/feedback//$nobody" \
	    "$session/messages%3f/$nobody/events" "$session/events%20" \
	    "$session/events%0a" /api/sessions//events "//api/sessions" \
	    "/api/sessionsx" "/api/sessionsx/$nobody/events" /events /chat \
	    "/api/session/$nobody/events" "/api//sessions" \
	    "/api/xsessions/$nobody/feedback/$nobody"; do
		is GET "$path" 404
	done
}

# One of a new account of that name, and the account's token: sets $auth,
# $session, and $at, its path.
open_session()	# NAME
{
	register "$1"
	assert_answer 201
	auth="Authorization: Bearer $(field access_token)"
	post /api/sessions "$auth" '{"title":"A talk"}'
	assert_answer 201
	session=$(field id)
	at=/api/sessions/$session
}

# post PATH AUTHORIZATION JSON [CURL-OPTION...]
post()
{
	call POST "$1" -H "$2" -H 'Content-Type: application/json' -d "$3" \
	    "${@:4}"
}

say()	# TEXT
{
	post "$at/messages" "$auth" "{\"content\":\"$1\"}"
	assert_answer 201
}

# The texts of the messages in $body, and the types of its events, with commas.
contents()
{
	jq -r '[.messages[].content] | join(",")' <<<"$body"
}

types()
{
	jq -r '[.events[].type] | join(",")' <<<"$body"
}

@test "a chat session is made, written in, read and ended" {
	local auth session at message

	open_session talker
	[[ $(field status) == active ]]
	say one
	[[ $(field type) == user ]]
	message=$(field id)
	say two
	call GET "$at/messages" -H "$auth"
	assert_answer 200
	assert_equal "$(contents)" one,two
	call GET "$at/messages/?after=$message&limit=5" -H "$auth"
	assert_answer 200
	assert_equal "$(contents)" two
	call PATCH "$at/" -H "$auth" -H 'Content-Type: application/json' \
	    -d '{"title":"Another"}'
	assert_answer 200
	call GET "/api/sessions/?active_only=true" -H "$auth"
	assert_answer 200
	assert_equal "$(jq -r '.sessions[].title' <<<"$body")" Another
	call GET "$at/events?after=0" -H "$auth"
	assert_answer 200
	assert_equal "$(types)" session_started,message,message,session_update
	call DELETE "$at" -H "$auth"
	assert_answer 204 ''
	post "$at/messages" "$auth" '{"content":"three"}'
	assert_answer 409
}

@test "what is sent again under its Idempotency-Key is done once" {
	local auth session at first

	open_session repeater
	for _ in 1 2; do
		post "$at/messages" "$auth" '{"content":"once"}' \
		    -H 'Idempotency-Key: of-this.test'
		assert_answer 201
		first=${first:-$body}
		assert_equal "$body" "$first"
	done
	assert_equal "$(header Idempotency-Replayed)" true
	call GET "$at/messages" -H "$auth"
	assert_equal "$(contents)" once
}

# follow NAME [CURL-OPTION...]: the session's events, into the file NAME, until
# the test ends.
follow()
{
	curl -sN -H "$auth" -H 'Accept: text/event-stream' \
	    "$SB_URL$at/events" "${@:2}" >"$BATS_TEST_TMPDIR/$1" 2>&1 3>&- &
	background+=($!)
}

# Whether so many events of that type have come.
have_come()	# NAME TYPE N
{
	(($(grep -c "^event: $2" "$BATS_TEST_TMPDIR/$1") >= $3))
}

# Whether each has come before there is another.
come_one_by_one()	# NAME
{
	eventually 30 have_come "$1" session_started 1 || return
	for n in 1 2 3; do
		say "$n"
		eventually 30 have_come "$1" message "$n" || return
	done
}

@test "events come as a stream while they happen, each when it does" {
	local auth session at n how='held back'

	open_session follower
	follow stream
	! come_one_by_one stream 2>"$BATS_TEST_TMPDIR/late" || how='one by one'
	expect events 'one by one' "$how"
	[[ $how == 'one by one' ]] || return 0
	assert_equal "$(sed -n 's/^id: //p' "$BATS_TEST_TMPDIR/stream" |
	    xargs)" '1 2 3 4'
	# Who comes again has what came last, whichever way he says so.
	follow again -H 'Last-Event-ID: 2'
	eventually 30 have_come again message 2
	follow after -G -d after=3
	eventually 30 have_come after message 1
	assert_equal "$(sed -n 's/^id: //p' "$BATS_TEST_TMPDIR/again" \
	    "$BATS_TEST_TMPDIR/after" | xargs)" '3 4 4'
	call HEAD "$at/events" -I -m 5 -H "$auth" -H 'Accept: text/event-stream'
	assert_answer 200
	[[ $(header Content-Type) == text/event-stream* ]]
}

# wait_for NAME PATH [CURL-OPTION...]: calls it, into the file NAME, with its
# seconds at the end.
wait_for()
{
	curl -s -H "$auth" -w '\n%{http_code} %{time_total}\n' "$SB_URL$2" \
	    "${@:3}" >"$BATS_TEST_TMPDIR/$1" 3>&- &
	background+=($!)
}

# Whether it was answered so, before its time was up.
was_woken()	# NAME JQ-FILTER
{
	awk 'END { exit !($1 == 200 && $2 < 15) }' "$BATS_TEST_TMPDIR/$1" &&
	    head -n 1 "$BATS_TEST_TMPDIR/$1" | jq -e "$2" >/dev/null
}

@test "who waits is answered when there is something, or his time is up" {
	local auth session at

	open_session waiter
	call GET "$at/events?after=1&wait=1" -H "$auth"
	assert_answer 200 '{"events":[],"last_id":1}'
	wait_for woken "$at/events/?after=1&wait=25"
	# Be it before he waits, or after.
	say 'wake up'
	eventually 30 was_woken woken '.events[0].payload.content == "wake up"'
}

@test "an agent asks, waits, and is told what its user says" {
	local auth session at agent request

	open_session asked
	post /api/auth/keys "$auth" '{"name":"an agent","scopes":["agent"]}'
	assert_answer 201
	agent="Authorization: Bearer $(field key)"
	post "$at/feedback" "$agent" '{"type":"approval","prompt":"May I?"}'
	assert_answer 201
	request=$at/feedback/$(field id)
	call GET "$request/" -H "$auth"
	assert_answer 200
	[[ $(field status) == pending ]]
	auth=$agent wait_for decision "$request?wait=60"
	post "$request/respond/" "$auth" '{"content":"yes"}'
	assert_answer 201
	eventually 30 was_woken decision '.status == "approved"'
	post "$request/respond" "$auth" '{"content":"no"}'
	assert_answer 409
	post "$request/respond" "$agent" '{"content":"no"}'
	assert_answer 403
}

@test "while many wait, all else goes on" {
	local auth session at n path

	open_session streaming
	for n in 1 2 3 4; do
		follow "stream.$n"
	done
	open_session polling
	for n in 1 2 3 4; do
		wait_for "poll.$n" "$at/events?after=1&wait=25" --retry 5
	done
	eventually 30 is_full
	for path in /health /api/auth/me "$at/messages" "$at"; do
		call GET "$path" -H "$auth" -m 5
		assert_answer 200
	done
	call GET "$at/events?after=0" -H "$auth" -m 5
	assert_answer 200
	assert_equal "$(types)" session_started
}

# Whether the last one may not wait once more: all four do.  Else this has a
# place for a moment, as it need not wait; whoever misses it comes again.
is_full()
{
	call GET "$at/events?after=0&wait=1" -H "$auth"
	[[ $code == 429 ]]
}

@test "links carry the prefix, and pages find their files" {
	call_and_look GET ""
	expect no-slash '200 program' "$(answered)"
	call GET /
	assert_answer 200
	[[ $(field docs) == "$SB_PREFIX/docs" ]]
	[[ $(field health) == "$SB_PREFIX/health" ]]
	call GET /openapi.json
	assert_equal "$(jq -r '.servers[0].url' <<<"$body")" "${SB_PREFIX:-/}"
	[[ -z $SB_PREFIX ]] || {
		code=$(curl -s -o "$BATS_TEST_TMPDIR/body" -w '%{http_code}' \
		    "${SB_URL}x/health")
		[[ $code == 404 ]]
	}
	[[ -d $SB_BUILD/share/switchboard/static ]] ||
		skip 'built without pages'
	call GET /console
	assert_equal "$(header Content-Type)" 'text/html; charset=utf-8'
	mapfile -t files < <(grep -oE '(src|href)="[^"]*/static/[^"]*"' <<<"$body" |
	    cut -d '"' -f 2)
	((${#files[@]} > 3))
	for file in "${files[@]}"; do
		[[ $file == "$SB_PREFIX"/static/* ]]
	done
	codes=$(curl -s "${files[@]/#/http://127.0.0.1:$SB_PORT}" \
	    -w '\n%{http_code} %{content_type}\n' |
	    grep -cE '^200 (text/(css|javascript); charset=utf-8|image/svg\+xml)$')
	assert_equal "$codes" ${#files[@]}
}

@test "a path is judged as it was sent, by a program" {
	log_in
	auth="Authorization: Bearer $access"
	get /%61pi/auth/me "$auth"
	assert_equal "$(answered)" '200 program'
	get /api%2Fauth%2Fme "$auth"
	expect encoded-slash '200 program' "$(answered)"
	get /static/a%2fb
	expect encoded-slash-in-file '404 program' "$(answered)"
	get /api/auth/me%2f..%2fme "$auth"
	expect encoded-slash-in-file '404 program' "$(answered)"
	get '/health?a=%2F%00%ff'
	assert_equal "$(answered)" '200 program'
	for path in //health /x//health /./health /x/../health /api//auth/me \
	    /api/auth/../../health /health/../api/auth/me /api/./auth/me \
	    /health/.. /health/. \
	    /health%20 /health%3f /health%23 '/health;a=b' /%E4%BD%A0; do
		get "$path" "$auth"
		assert_equal "$path $(answered)" "$path 404 program"
	done
}

@test "a path above the top leads nowhere" {
	get /%2e%2e/health
	expect climbing '404 program' "$(answered)"
	send GET "$SB_PREFIX/../../health"
	expect above '404 program' "$(answered)"
	send GET "$SB_PREFIX/%2e%2e/x/../../../health"
	expect above '404 program' "$(answered)"
	send GET "$SB_PREFIX/static/../../../../../../etc/passwd"
	expect above '404 program' "$(answered)"
}

@test "bytes in a path that are no text are a 404 of ours" {
	get /%00
	expect nul '404 program' "$(answered)"
	get /api/auth/me%00
	expect nul '404 program' "$(answered)"
	get /a%ff
	expect no-utf8 '404 program' "$(answered)"
	get /api/auth/%c0%af
	expect no-utf8 '404 program' "$(answered)"
	get /%0a
	expect newline '404 program' "$(answered)"
	get '/%zz'
	expect no-hex '404 program' "$(answered)"
	get /api/auth/me%2
	expect no-hex '404 program' "$(answered)"
	raw "GET $SB_PREFIX/\xff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	expect raw-no-utf8 '404 program' "$(answered)"
}

@test "what is long is compressed, once, for who takes it" {
	run -0 curl -s "$SB_URL/openapi.json" -o "$BATS_TEST_TMPDIR/plain"
	call GET /openapi.json -H 'Accept-Encoding: gzip'
	assert_answer 200
	assert_equal "$(header Content-Encoding)" gzip
	assert_equal "$(header Vary | tr -d ' ' | tr ',A-Z' '\na-z' | sort |
	    paste -sd,)" accept-encoding,origin
	gzip -dc <"$BATS_TEST_TMPDIR/body" | cmp - "$BATS_TEST_TMPDIR/plain"
	call GET /openapi.json -H 'Accept-Encoding: br, deflate'
	run ! header Content-Encoding
	# Tokens are nothing to compress beside what others send.
	call GET /health -H 'Accept-Encoding: gzip, deflate, br'
	assert_answer 200
	run ! header Content-Encoding
}

@test "a part of an answer is not to be had" {
	call GET /openapi.json -H 'Range: bytes=0-9'
	assert_answer 200
	[[ $(header Accept-Ranges) == @(|none) ]]
}

@test "a connection is kept for the next request" {
	run -0 curl -s -o /dev/null -w '%{http_code} %{num_connects}\n' \
	    "$SB_URL/health" -o /dev/null "$SB_URL/api/auth/me" \
	    -o /dev/null "$SB_URL/"
	assert_output $'200 1\n401 0\n200 0'
}

@test "a browser's preflight passes, and who serves is not told" {
	call OPTIONS /api/auth/login -H 'Origin: http://localhost:3000' \
	    -H 'Access-Control-Request-Method: POST' \
	    -H 'Access-Control-Request-Headers: authorization'
	assert_answer 200
	assert_equal "$(header Access-Control-Allow-Origin)" \
	    http://localhost:3000
	assert_equal "$(header Access-Control-Allow-Headers)" authorization
	expect server '' "$(header Server || true)"
	call OPTIONS /api/auth/login -H 'Origin: http://elsewhere.example' \
	    -H 'Access-Control-Request-Method: POST'
	assert_answer 400 'Disallowed CORS origin'
	call GET /health -H 'Origin: http://localhost:3000'
	assert_equal "$(header Access-Control-Allow-Origin)" \
	    http://localhost:3000
}

@test "a request has one id: the client's, or a new one" {
	call GET /health -H 'X-Request-ID: from.the-client_1'
	assert_equal "$(header X-Request-ID)" from.the-client_1
	call GET /nothing
	[[ $(header X-Request-ID) =~ ^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$ ]]
}

@test "each request has its line in the log, whatever comes after it" {
	local n

	for n in {1..20}; do
		get /health "X-Request-ID: line-$n"
		get /api/auth/me "X-Request-ID: last-$n"
	done
	eventually 30 have_lines 40
}

have_lines()	# N
{
	(($(grep -acE ' (line|last)-[0-9]+: [0-9]{3} ' "$SB_LOG") == $1))
}

@test "a client is known by its address, not by what it says" {
	log_in
	call POST /api/auth/login -d 'username=resident&password=password123' \
	    -A 'a browser' -H 'X-Forwarded-For: 192.0.2.1' \
	    -H 'Forwarded: for=192.0.2.2' -H 'X-Real-IP: 192.0.2.3' \
	    -H 'Remote-Addr: 192.0.2.4' -H 'X_Forwarded_For: 192.0.2.5'
	assert_answer 200
	call GET /api/auth/sessions \
	    -H "Authorization: Bearer $(field access_token)"
	assert_equal "$(jq -c '.sessions[] | select(.current) |
	    [.ip_address, .user_agent]' <<<"$body")" \
	    '["127.0.0.1","a browser"]'
}

@test "clients that send slowly keep nobody waiting" {
	slow=()
	for _ in {1..20}; do
		exec {fd}<>"/dev/tcp/127.0.0.1/$SB_PORT"
		slow+=("$fd")
		printf 'POST %s/api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{' "$SB_PREFIX" >&"$fd"
	done
	expect slow-clients 401 "$(curl -s -o /dev/null --max-time 60 \
	    -w '%{http_code} %{time_total}' "$SB_URL/api/auth/me" |
	    awk '{ print $1 ($2 > 4 ? " late" : "") }')"
	for fd in "${slow[@]}"; do
		exec {fd}>&-
	done
}

@test "a crowd of 100 is served" {
	run --separate-stderr curl -sZ --parallel-immediate \
	    --parallel-max 100 -o /dev/null -w '%{http_code} %{errormsg}\n' \
	    -H 'Connection: close' "$SB_URL/health?[1-200]"
	assert_equal "$(sort <<<"$output" | uniq -c)" '    200 200 '
}

@test "switchboard check finds nothing to say of it" {
	run --separate-stderr "$SB_BUILD/bin/switchboard" check --json \
	    --url "$SB_URL"
	expect check 'as it should be' "$(jq -r '[.findings[] |
	    select(.area == "web" and .grade != "green") |
	    .check + ": " + .grade] | join(" ")
	    | if . == "" then "as it should be" else . end' <<<"$output")"
}

@test "what this home declares is what is asked above" {
	for name in "${!exceptions[@]}"; do
		grep -q "^	expect $name " "$BATS_TEST_FILENAME" ||
			fail "nothing is called $name"
	done
}

# The last one, as there is no way back.
@test "a program that dies is JSON, too" {
	break_programs
	for path in /health /api/auth/me; do
		get "$path"
		expect dead '50x json' "$(answered | sed 's/^50[023]/50x/')"
	done
}
