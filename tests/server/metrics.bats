#!/usr/bin/env bats
#
# GET /metrics through a web server: sums over all processes, which outlive them
# and the server.  tests/api/metrics.bats has what is counted, and how.

load harness

setup()
{
	SB_WORKERS=4
	SB_DATA=$BATS_TEST_TMPDIR/data
	SB_LOG=$BATS_TEST_TMPDIR/log
	token=CD0gCcp8r4oDtQ0hzlIrMK7L
	settings=("METRICS_TOKEN=$token")
	cd "$BATS_TEST_TMPDIR"
}

teardown()
{
	stop_server
}

# crowd N: so many requests, 16 at a time, which no worker knows.
crowd()
{
	curl -sZ --parallel-max 16 -m 30 -o /dev/null -w '%{http_code}\n' \
	    "$SB_URL/api/auth/me?[1-$1]" >codes
	assert_equal "$(sort codes | uniq -c | xargs)" "$1 401"
}

# counted N: of these requests; a worker counts when it has answered.
counted()
{
	local labels='program="auth",method="GET",route="/api/auth/me"'

	call GET /metrics -H "Authorization: Bearer $token"
	assert_answer 200
	grep -qxF "switchboard_http_requests_total{$labels,status=\"401\"} $1" \
	    <<<"$body" && grep -qxF \
	    "switchboard_http_request_duration_seconds_count{$labels} $1" \
	    <<<"$body"
}

# serving N: so many processes of each program.
serving()
{
	call GET /metrics -H "Authorization: Bearer $token"
	assert_equal "$(sed -n 's/^switchboard_processes{//p' <<<"$body" |
	    xargs)" "$(printf "program=%s} $1\n" auth chat events meta | xargs)"
}

@test "what many workers count adds up, and outlives them and the server" {
	start_server
	crowd 300
	eventually 30 counted 300
	eventually 30 serving 4
	assert_equal "$(header Content-Type)" \
	    'text/plain; version=0.0.4; charset=utf-8'
	# shellcheck disable=SC2046
	kill -KILL $(workers)
	eventually 30 is_healthy
	crowd 100
	eventually 30 counted 400
	eventually 30 serving 4
	stop_server
	start_server
	counted 400
	crowd 1
	eventually 30 counted 401
	call GET /metrics
	assert_answer 401 '{"detail":"Not authenticated"}'
}
