#!/usr/bin/env bats
#
# The short form of each attack of tests/attacks; tests/attacks/run makes them
# in full, and explains them.  Together these take about a minute.

bats_require_minimum_version 1.5.0

attack()
{
	local status=0

	timeout 500 "$SB_SOURCE/tests/attacks/run" --short --seed 1 "$@" \
	    >"$BATS_TEST_TMPDIR/ledger" || status=$?
	cat "$BATS_TEST_TMPDIR/ledger"
	((status == 0))
	# All of what it tried was refused, and it did try.
	awk '$1 == "all" { tried = $5; refused = $6; in_all = $7 }
	    END { exit !(tried > 0 && refused == tried && in_all == 0) }' \
	    "$BATS_TEST_TMPDIR/ledger"
}

@test "each attack is here" {
	local name
	for name in $("$SB_SOURCE/tests/attacks/run" --list | cut -d' ' -f1); do
		grep -q "^	attack $name\$" "$BATS_TEST_FILENAME"
		grep -q "^| \`$name\` | " "$SB_SOURCE/SECURITY.md"
	done
}

@test "bombs" {
	attack bombs
}

@test "finding out what exists" {
	attack enumeration
}

@test "floods of passwords" {
	attack flood
}

@test "header injection" {
	attack headers
}

@test "injection" {
	attack injection
}

@test "ways around the limits" {
	attack limits
}

@test "log injection" {
	attack logs
}

@test "other origins" {
	attack origins
}

@test "path tricks" {
	attack paths
}

@test "more than one's rights" {
	attack privileges
}

@test "stolen refresh tokens" {
	attack refresh
}

@test "slow clients" {
	attack slow
}

@test "request smuggling" {
	attack smuggling
}

@test "finding out by the clock, as far as system calls show it" {
	attack timing
}

@test "forged, altered, misplaced and dead tokens" {
	attack tokens
}
