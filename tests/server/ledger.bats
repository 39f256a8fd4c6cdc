#!/usr/bin/env bats
#
# Faults under load, and a ledger of what clients were promised meanwhile: two
# seconds of each that tests/faults/run knows, which says more.

bats_require_minimum_version 1.5.0
bats_load_library bats-support

# fault NAME: it happens, clients were promised something, and nothing is lost.
fault()
{
	run -0 timeout 500 "$SB_SOURCE/tests/faults/run" --seconds 2 "$1"
	echo "$output"
	[[ $output != *'not run:'* ]] || skip "${output#*not run: }"
	[[ ${lines[-1]} =~ ^'1 faults, '[1-9][0-9]*' promises, 0 lost, 0 wrong' ]]
}

@test "each fault that there is has a test, here or in storage.bats" {
	run -0 "$SB_SOURCE/tests/faults/run" --list
	((${#lines[@]} > 0))
	for line in "${lines[@]}"; do
		grep -qE $'^\tfault '"${line%% *}( |\$)" \
		    "$SB_SOURCE"/tests/server/*.bats || fail "$line"
	done
}

@test "promises survive the death of workers, parents and the web server" {
	fault kill
}

@test "promises survive reloads and restarts, and a reload loses no answer" {
	fault restart
}

@test "while a writer stands still others read, and are refused in time" {
	fault stop
}

@test "a disk that is full and has room again takes nothing back" {
	fault full
}

@test "a database that can't be written is read, and written again later" {
	fault readonly
}

@test "a data directory that is taken away and given back loses nothing" {
	fault rights
}

@test "a clock that jumps undoes nothing and shuts nobody out" {
	fault clock
}
