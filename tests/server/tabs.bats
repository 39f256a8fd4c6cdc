#!/usr/bin/env bats
#
# Refresh tokens in the hands of several: a browser's tabs, which share one
# store, and thieves.  In simulated time; the program `tabs' says how.

load harness

setup_file()
{
	export SB_CLOCK=$BATS_FILE_TMPDIR/clock
	set_clock 1800000000
	start_server
}

teardown_file()
{
	stop_server
}

@test "10,000 refreshes by three tabs that renew old tokens: one chain, no log-out" {
	timeout 500 "$BATS_TEST_DIRNAME/tabs" lazy 10000
}

@test "10,000 refreshes by three tabs that never rest: one chain, no log-out" {
	timeout 500 "$BATS_TEST_DIRNAME/tabs" eager 10000
}

@test "a stolen refresh token ends its login for both, and no other login" {
	timeout 300 "$BATS_TEST_DIRNAME/tabs" thief 50
}
