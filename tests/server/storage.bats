#!/usr/bin/env bats
#
# What becomes of the files below the programs, and that nobody is told a lie
# because of it: a few seconds of each fault of tests/faults/run that is about
# them, which says more.

bats_require_minimum_version 1.5.0

# fault NAME SECONDS: it happens, and nothing is lost.
fault()
{
	run -0 timeout 500 "$SB_SOURCE/tests/faults/run" --seconds "$2" "$1"
	echo "$output"
	[[ $output != *'not run:'* ]] || skip "${output#*not run: }"
	[[ ${lines[-1]} == *' promises, 0 lost, 0 wrong'* ]]
}

@test "after a power cut at any moment all is there that was promised" {
	fault power 6
	[[ ${lines[-1]} =~ ^'1 faults, '[1-9][0-9][0-9]+' promises, ' ]]
}

@test "damage is refused or made good, lets nobody in, and check names it" {
	fault damage 4
}

@test "a WAL that was left gives back what it has, and is of one database" {
	fault leftover 3
}

@test "a migration that is cut short is completed by the next start" {
	fault migration 2
}

@test "two versions at once lose nothing, or the older one refuses" {
	fault versions 2
}
