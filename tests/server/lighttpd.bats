#!/usr/bin/env bats
#
# switchboard as it is deployed: the programs under the real lighttpd, over
# TCP, called by curl.  What one program does by itself is in tests/api.

load harness

setup_file()
{
	start_server
}

teardown_file()
{
	stop_server
}

# A test that broke the server must not break the next.
setup()
{
	background=()
	eventually 5 is_healthy
}

teardown()
{
	stop_background
}

# raw BYTES: sends them as they are, for printf, and sets $code and $body.
raw()
{
	local answer

	exec 4<>"/dev/tcp/127.0.0.1/$SB_PORT"
	# shellcheck disable=SC2059
	printf "$1" >&4
	answer=$(timeout 5 cat <&4 | tr -d '\r')
	exec 4>&-
	[[ $answer =~ ^HTTP/1\.[01]\ ([0-9]{3}) ]]
	code=${BASH_REMATCH[1]}
	body=${answer#*$'\n\n'}
	headers=${answer%%$'\n\n'*}
}

assert_json_error()
{
	[[ $code == "$1" ]] || fail "$code $body"
	grep -qi '^content-type: application/json' <<<"$headers"
	[[ $(jq -r '.detail | type' <<<"$body") == string ]]
}

# Calls both programs without end, as the bearer of a token; the code of each
# answer is a line of load.N.  (curl would hold standard output back.)
start_load()
{
	local n paths=(/health /api/auth/me)

	for n in 0 1 2 3; do
		curl -s -o /dev/null -w '%{stderr}%{http_code}\n' \
		    -H "Authorization: Bearer $1" \
		    "$SB_URL${paths[n % 2]}?[1-9999999]" \
		    2>"$BATS_TEST_TMPDIR/load.$n" >/dev/null 3>&- &
		background+=($!)
	done
	eventually 5 has_load_begun
}

has_load_begun()
{
	[[ $(cat "$BATS_TEST_TMPDIR"/load.* | wc -l) -gt 20 ]]
}

# Sets $answered and $failed.
stop_load()
{
	stop_background
	# By awk, as a curl that was stopped may have left a line without end.
	read -r answered failed < <(awk '$0 != "200" { bad++ }
	    END { print NR, bad + 0 }' "$BATS_TEST_TMPDIR"/load.*)
}

# end_workers SIGNAL: all at once, and again when there are new ones, until it
# was sent 100 times.  Sets $sent.
end_workers()
{
	local list

	for ((sent = 0; sent < 100; sent += ${#list[@]})); do
		mapfile -t list < <(workers)
		kill "-$1" "${list[@]}"
		eventually 20 are_replaced "${list[@]}"
	done
}

are_replaced()
{
	not is_alive "$@" && (($(workers | wc -l) == 2 * SB_WORKERS))
}

@test "a session with curl, as the old service had it" {
	run -0 curl -s -X POST "http://localhost:$SB_PORT/api/auth/register" \
	    -H "Content-Type: application/json" \
	    -d '{"email":"user@example.com","username":"testuser","password":"password123"}'
	[[ $(jq -r .token_type <<<"$output") == bearer ]]
	run -0 curl -s -X POST "http://localhost:$SB_PORT/api/auth/login" \
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

@test "a browser logs in with multipart FormData" {
	register formdata
	assert_answer 201
	call POST /api/auth/login -F username=formdata -F password=password123
	assert_answer 200
	me "$(field access_token)"
	assert_answer 200
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

@test "what lighttpd answers by itself is JSON" {
	raw 'rubbish\r\n\r\n'
	assert_json_error 400
	raw 'GET / HTTP/1.1\r\n\r\n'
	assert_json_error 400
	raw 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'
	assert_json_error 400
	raw 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
	assert_json_error 411
	raw "GET / HTTP/1.1\r\nHost: a\r\nX-A: $(head -c 20000 /dev/zero | tr '\0' a)\r\n\r\n"
	assert_json_error 431
	raw 'BREW / HTTP/1.1\r\nHost: a\r\n\r\n'
	assert_json_error 501
	raw 'GET / HTTP/7.0\r\nHost: a\r\n\r\n'
	assert_json_error 505
}

@test "a body of 2 MB is refused by lighttpd, in the programs' words" {
	head -c 2000000 /dev/zero | tr '\0' a >"$BATS_TEST_TMPDIR/long"
	call POST /api/auth/register -H 'Content-Type: application/json' \
	    --data-binary "@$BATS_TEST_TMPDIR/long"
	assert_answer 413 '{"detail":"Request body too large"}'
	assert_equal "$(header Content-Type)" application/json
	run ! header X-Request-ID
}

@test "a body of 64 KiB and one byte is refused by the program, 64 KiB is not" {
	head -c 65537 /dev/zero | tr '\0' ' ' >"$BATS_TEST_TMPDIR/long"
	call POST /api/auth/register -H 'Content-Type: application/json' \
	    --data-binary "@$BATS_TEST_TMPDIR/long"
	assert_answer 413 '{"detail":"Request body too large"}'
	header X-Request-ID
	truncate -s 65536 "$BATS_TEST_TMPDIR/long"
	call POST /api/auth/register -H 'Content-Type: application/json' \
	    --data-binary "@$BATS_TEST_TMPDIR/long"
	assert_answer 422
}

@test "a program that is gone is JSON, too" {
	# Its parent waits for nothing while it is stopped; then it is dead.
	(
		SB_DATA=$BATS_TEST_TMPDIR/data SB_WORKERS=1
		SB_LOG=$BATS_TEST_TMPDIR/log
		start_server
		trap stop_server EXIT
		stopped=$(workers)
		# shellcheck disable=SC2086
		kill -STOP $stopped
		curl -s -o "$BATS_TEST_TMPDIR/body" -w '%{http_code} %{content_type}' \
		    "$SB_URL/health" >"$BATS_TEST_TMPDIR/code" 3>&- &
		eventually 5 has_connection
		# shellcheck disable=SC2046,SC2086
		kill -KILL $(programs) $stopped
		wait $!
	)
	run -0 cat "$BATS_TEST_TMPDIR/code"
	assert_output --regexp '^50[03] application/json$'
	run -0 jq -r '.detail | type' "$BATS_TEST_TMPDIR/body"
	assert_output string
}

# Whether a client waits for an answer of the server.
has_connection()
{
	[[ -n $(ss -Htn state established "( sport = :$SB_PORT )") ]]
}

@test "HEAD has GET's header fields and no body" {
	call GET /health
	assert_answer 200
	length=$(header Content-Length)
	run -0 curl -sI "$SB_URL/health"
	assert_line --index 0 $'HTTP/1.1 200 OK\r'
	assert_line "Content-Length: $length"$'\r'
	refute_line --regexp '^[{]'
}

@test "a trailing slash is answered directly" {
	register slash
	assert_answer 201
	call GET /api/auth/me/ -H "Authorization: Bearer $(field access_token)"
	assert_answer 200
	call GET /health/
	assert_answer 200
}

@test "a path that only begins like a program's is not its own" {
	call GET /api/authx
	assert_answer 404 '{"detail":"Not Found"}'
	call GET /api/auth
	assert_answer 404 '{"detail":"Not Found"}'
	header X-Request-ID
}

@test "bytes in a path that are no text are a 404 of ours" {
	for path in /%00 /a%ff /%0a /api/auth/me%00; do
		call GET "$path"
		assert_answer 404 '{"detail":"Not Found"}'
		header X-Request-ID
	done
}

@test "a connection is kept for the next request" {
	run -0 curl -s -o /dev/null -w '%{http_code} %{num_connects}\n' \
	    "$SB_URL/health" -o /dev/null "$SB_URL/api/auth/me" \
	    -o /dev/null "$SB_URL/"
	assert_output $'200 1\n401 0\n200 0'
}

@test "a browser's preflight passes, and no server is named" {
	call OPTIONS /api/auth/login -H 'Origin: http://localhost:3000' \
	    -H 'Access-Control-Request-Method: POST' \
	    -H 'Access-Control-Request-Headers: authorization'
	assert_answer 200
	assert_equal "$(header Access-Control-Allow-Origin)" \
	    http://localhost:3000
	assert_equal "$(header Access-Control-Allow-Headers)" authorization
	run ! header Server
}

@test "a method that is not there is a 405 with Allow" {
	call PUT /api/auth/login
	assert_answer 405 '{"detail":"Method Not Allowed"}'
	assert_equal "$(header Allow)" POST
	call DELETE /health
	assert_answer 405
	assert_equal "$(header Allow | tr , '\n' | tr -d ' ' | sort | paste -sd,)" \
	    GET,HEAD
}

@test "a part of an answer is not to be had" {
	call GET /openapi.json -H 'Range: bytes=0-9'
	assert_answer 200
	run ! header Accept-Ranges
}

@test "clients that send slowly occupy no worker" {
	slow=()
	for _ in {1..20}; do
		exec {fd}<>"/dev/tcp/127.0.0.1/$SB_PORT"
		slow+=("$fd")
		printf 'POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{' >&"$fd"
	done
	call GET /api/auth/me --max-time 2
	assert_answer 401
	for fd in "${slow[@]}"; do
		exec {fd}>&-
	done
}

@test "a crowd of 400 is served" {
	# shellcheck disable=SC2207
	codes=($(curl -sZ --parallel-immediate --parallel-max 400 \
	    -o /dev/null -w '%{http_code}\n' "$SB_URL/health?[1-1200]" |
	    sort | uniq -c))
	assert_equal "${codes[*]}" '1200 200'
}

@test "every setting reaches the programs" {
	for name in $("$SB_BUILD/bin/switchboard" settings --json |
	    grep -o '"name": *"[^"]*"' | cut -d '"' -f 4); do
		case $name in
		HOST | PORT)	continue ;;	# lighttpd's own
		esac
		grep -q "\"$name\"" "$SB_SOURCE/deploy/lighttpd/lighttpd.conf" ||
		    fail "$name is not in lighttpd.conf"
	done
	[[ -n $name ]]
	program=$(programs | head -n 1)
	run -0 cat <(tr '\0' '\n' <"/proc/$program/environ")
	assert_line SCRYPT_N=1024
	assert_line "SWITCHBOARD_DATA=$SB_DATA"
	refute_line --regexp '^(HOME|USER|PORT|HOST|BATS_.*)='
}

@test "100 workers told to end under load: no request fails" {
	register gentle
	assert_answer 201
	start_load "$(field access_token)"
	end_workers TERM
	stop_load
	echo "$answered answers"
	assert_equal "$failed" 0
}

@test "100 workers killed under load: each fails but its own request" {
	register rough
	assert_answer 201
	start_load "$(field access_token)"
	end_workers KILL
	stop_load
	echo "$answered answers, $failed failed"
	((failed <= sent))
	((answered > 1000))
	# And then all is as before.
	call GET /health
	assert_answer 200
}

# One who registers names and logs in as them, and notes what was confirmed.
keep_ledger()
{
	local name n

	# A dead server is what this is about.
	fail() { :; }
	mkdir "$BATS_TEST_TMPDIR/$1"
	BATS_TEST_TMPDIR=$BATS_TEST_TMPDIR/$1
	for ((n = 0; ; n++)); do
		name=ledger-$1-$n
		code=
		register "$name"
		[[ $code == 201 ]] || continue
		echo "$name" >>"$BATS_TEST_TMPDIR/accounts"
		code=
		login "$name"
		[[ $code == 200 ]] || continue
		echo "$(field access_token) $(field refresh_token)" \
		    >>"$BATS_TEST_TMPDIR/logins"
	done
}

@test "all processes killed, again and again: nothing confirmed is lost" {
	for n in 1 2 3; do
		keep_ledger $n >/dev/null 2>&1 3>&- &
		background+=($!)
	done
	for n in {1..5}; do
		eventually 20 has_ledger_grown
		# shellcheck disable=SC2046
		kill -KILL $(workers) $(programs) || true
	done
	eventually 20 has_ledger_grown
	stop_background

	eventually 5 is_healthy
	while read -r name; do
		login "$name"
		assert_answer 200
	done < <(cat "$BATS_TEST_TMPDIR"/?/accounts)
	while read -r access refresh; do
		me "$access"
		assert_answer 200
		refresh "$refresh"
		assert_answer 200
	done < <(cat "$BATS_TEST_TMPDIR"/?/logins)
	run -0 sqlite3 "$(database)" 'PRAGMA integrity_check'
	assert_output ok
	run -0 sqlite3 "$(database)" 'PRAGMA foreign_key_check'
	refute_output
}

database()
{
	echo "$SB_DATA/switchboard.db"
}

# By ten logins since the last time.
has_ledger_grown()
{
	local size

	size=$(cat "$BATS_TEST_TMPDIR"/?/logins 2>/dev/null | wc -l)
	((size >= ${ledger:-0} + 10)) || return 1
	ledger=$size
}

@test "after a restart an old token is still good" {
	register veteran
	assert_answer 201
	access=$(field access_token)
	refresh=$(field refresh_token)
	(
		# The one of this file stays: two at once on one file are fine.
		SB_LOG=$BATS_TEST_TMPDIR/log
		start_server
		me "$access"
		assert_answer 200
		stop_server
		start_server
		trap stop_server EXIT
		me "$access"
		assert_answer 200
		refresh "$refresh"
		assert_answer 200
	)
}

@test "stopped, it leaves no process" {
	SB_DATA=$BATS_TEST_TMPDIR/data
	SB_LOG=$BATS_TEST_TMPDIR/log
	start_server
	kill -INT "$SB_WEB"
	eventually 10 not is_group_alive "$SB_WEB"
	rm -r "$SB_RUN"
}

# Proportional set size: its own memory, and its share of what is shared.
@test "an idle worker holds at most 3 MiB" {
	! ldd "$SB_BUILD/libexec/switchboard/auth" | grep -q libasan ||
		skip 'sanitizers take memory of their own'
	local parent pid size
	for parent in $(pgrep -P "$SB_WEB"); do
		for pid in $parent $(pgrep -P "$parent"); do
			size=$(awk '$1 == "Pss:" { print $2 }' \
			    "/proc/$pid/smaps_rollup")
			((size > 0 && size <= 3072)) || {
				echo "$(cat "/proc/$pid/comm"): $size KiB"
				return 1
			}
		done
	done
}

@test "lighttpd killed takes the programs with it" {
	SB_DATA=$BATS_TEST_TMPDIR/data
	SB_LOG=$BATS_TEST_TMPDIR/log
	start_server
	kill -KILL "$SB_WEB"
	eventually 5 not is_group_alive "$SB_WEB"
	rm -r "$SB_RUN"
}

@test "it works from a path with a space" {
	prefix="$BATS_TEST_TMPDIR/a path"
	mkdir -p "$prefix"
	cp -RL "$SB_BUILD/libexec" "$SB_BUILD/share" "$prefix"
	(
		SB_DATA="$prefix/the data"
		SB_LOG=$BATS_TEST_TMPDIR/log
		start_server "$prefix"
		trap stop_server EXIT
		register spacious
		assert_answer 201
		call GET /openapi.json
		assert_answer 200
		call GET /docs
		assert_answer 200
	)
}
