#!/usr/bin/env bats
#
# What a request costs, in instructions: the one measure of speed that is the
# same whatever else the machine does.  tests/bench/instructions has the bounds.

bats_require_minimum_version 1.5.0

@test "no call takes more instructions than it has been granted" {
	command -v valgrind >/dev/null || skip 'valgrind is not installed'
	grep -q '^CFLAGS = .*-O[23s]' "$SB_BUILD/Makefile" ||
	    skip 'the build is not optimised'
	! grep -q '^INSTRUMENT = .*-f' "$SB_BUILD/Makefile" ||
	    skip 'sanitizers count, too'
	"$SB_SOURCE/tests/bench/instructions" "$SB_BUILD"
}
