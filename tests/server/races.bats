#!/usr/bin/env bats
#
# Races between clients of chat and events, over FastCGI alone: some seconds of
# what tests/races/run does for a minute, which says what it looks for.

bats_require_minimum_version 1.5.0

races()
{
	local status=0

	timeout 500 "$SB_SOURCE/tests/races/run" --data "$BATS_TEST_TMPDIR" \
	    "$@" >"$BATS_TEST_TMPDIR/counts" || status=$?
	cat "$BATS_TEST_TMPDIR/counts"
	((status == 0))
	# It has come to what it looks for.
	jq -e '.winners > 9 and .expired > 0 and .replayed > 0 and
	    .followed > 9 and .polls > 0 and .streams > 0' <(tail -n 1 "$BATS_TEST_TMPDIR/counts")
}

@test "one winner a request, each event once to all who follow, three sessions" {
	races --seconds 5 --patient
}

@test "the same while a process is killed every 200 ms, and clients repeat" {
	races --seconds 5 --kill
	jq -e '.kills > 0 and ."tries again" > 0' \
	    <(tail -n 1 "$BATS_TEST_TMPDIR/counts")
}
