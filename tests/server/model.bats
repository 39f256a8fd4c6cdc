#!/usr/bin/env bats
#
# Random calls of the whole API, each answer of which a model of the contract
# has to explain: a few thousand of what tests/model/run does 100,000 of, which
# says what it looks for.

bats_require_minimum_version 1.5.0

explained()
{
	local status=0

	timeout 500 "$SB_SOURCE/tests/model/run" --data "$BATS_TEST_TMPDIR" \
	    "$@" >"$BATS_TEST_TMPDIR/counts" || status=$?
	cat "$BATS_TEST_TMPDIR/counts"
	((status == 0))
	# It has come to what it looks for.
	jq -e '.unexplained == 0 and .overlapping > 0 and .rows > 0 and
	    .moves > 0' "$BATS_TEST_TMPDIR/counts"
}

@test "each of 2,000 calls of several clients is explained" {
	explained --legs free --calls 2000
	jq -e '.replayed > 0 and .late > 0 and .responses > 0 and
	    ."invalid inputs" > 0 and .taken > 0 and
	    ."same successor" > 0 and ."fourth sessions" > 0' \
	    "$BATS_TEST_TMPDIR/counts"
}

@test "each of 1,500 calls is explained where limits are small" {
	explained --legs tight --calls 1500
	jq -e '."user limit" > 0 and ."address limit" > 0' \
	    "$BATS_TEST_TMPDIR/counts"
}

@test "each of 200 calls is explained under plain CGI" {
	explained --legs cgi --houses 1 --calls 200
}
