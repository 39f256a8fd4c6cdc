#!/usr/bin/env bats
#
# Every process that a web server has started for requests is confined; those
# that only start others are not, and see no request.

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
	! grep -q __asan_init "$SB_BUILD/libexec/switchboard/auth" ||
		skip 'the sanitizers do more than a confined program can'
	eventually 30 is_healthy
}

# state PID: whether it can get privileges by a program, and its filter.
state()
{
	awk '$1 ~ /^(NoNewPrivs|Seccomp):/ { printf "%s ", $2 }' \
	    "/proc/$1/status"
}

@test "each worker of each program is confined, and no parent" {
	local pid n=0
	for pid in $(workers); do
		assert_equal "$(cat "/proc/$pid/comm") $(state "$pid")" \
		    "$(cat "/proc/$pid/comm") 1 2 "
		n=$((n + 1))
	done
	((n >= 8))
	for pid in $(programs); do
		assert_equal "$(state "$pid")" '0 0 '
	done
}

@test "one that takes the place of another is confined, too" {
	local pid old
	mapfile -t old < <(workers)
	kill -KILL "${old[@]}"
	eventually 30 is_healthy
	eventually 30 has_as_many "${#old[@]}"
	for pid in $(workers); do
		eventually 30 is_confined "$pid"
	done
}

has_as_many()	# N
{
	(($(workers | wc -l) >= $1))
}

is_confined()	# PID
{
	[[ $(state "$1") == '1 2 ' ]]
}

# What every worker reads after it was confined, it can read again.
@test "pages, tokens, hashes and waiting work in confined processes" {
	register confined
	assert_answer 201
	token=$(field access_token)
	call GET /docs
	assert_answer 200
	call GET /openapi.json
	assert_answer 200
	login confined
	assert_answer 200
	call POST /api/sessions -H "Authorization: Bearer $token" \
	    -H 'Content-Type: application/json' -d '{}'
	assert_answer 201
	session=$(field id)
	curl -sN -m 5 -H "Authorization: Bearer $token" \
	    -H 'Accept: text/event-stream' \
	    "$SB_URL/api/sessions/$session/events" \
	    >"$BATS_TEST_TMPDIR/events" 3>&- &
	follower=$!
	eventually 30 grep -q session "$BATS_TEST_TMPDIR/events"
	call POST "/api/sessions/$session/messages" \
	    -H "Authorization: Bearer $token" \
	    -H 'Content-Type: application/json' -d '{"content":"Hello"}'
	assert_answer 201
	eventually 30 grep -q Hello "$BATS_TEST_TMPDIR/events"
	kill "$follower"
	run ! grep -E 'Permission denied|Operation not permitted' "$SB_LOG"
}
