#!/usr/bin/env bats
#
# The exactness of the limits over processes that come and go: 100 random
# schedules, compared with a model.  The program `schedules' says how; SEED=N in
# the environment draws others.

load harness

setup()
{
	SB_DATA=$BATS_TEST_TMPDIR/data
	SB_LOG=$BATS_TEST_TMPDIR/log
	SB_WORKERS=4
	export SB_CLOCK=$BATS_TEST_TMPDIR/clock
	set_clock 1800000000
}

teardown()
{
	stop_server
}

schedules()	# LIMIT WINDOW N
{
	settings=(RATE_LIMIT_PER_USER="$1" RATE_LIMIT_WINDOW_SECONDS="$2"
	    ACCESS_TOKEN_EXPIRE_MINUTES=1440)
	start_server
	timeout 500 "$BATS_TEST_DIRNAME/schedules" "$@"
	run -0 sqlite3 "$SB_DATA/limits.db" 'PRAGMA integrity_check'
	assert_output ok
}

@test "25 random schedules of 5 requests in 10 s" {
	schedules 5 10 25
}

@test "25 random schedules of 10 requests in 60 s" {
	schedules 10 60 25
}

@test "25 random schedules of 17 requests in 3 s" {
	schedules 17 3 25
}

@test "25 random schedules of 30 requests in 60 s" {
	schedules 30 60 25
}
