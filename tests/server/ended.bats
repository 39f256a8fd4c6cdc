#!/usr/bin/env bats
#
# The runners of faults, attacks, races and the model, told to end while they
# are at it: they leave no process behind, and no file.

bats_require_minimum_version 1.5.0
load harness

setup()
{
	# Servers are run as nobody, who has to come to what is theirs.
	folder=$(mktemp -d /tmp/switchboard-ended.XXXXXX)
	chmod 711 "$folder"
	runner=
}

teardown()
{
	local left

	[ -z "$runner" ] || kill -KILL "$runner" 2>/dev/null || true
	for left in $(processes | sed 's,^/proc/\([0-9]*\).*,\1,'); do
		kill -KILL "$left" 2>/dev/null || true
	done
	rm -rf "$folder"
}

# What runs, and has the folder in its command, its place or its environment.
processes()
{
	/usr/bin/python3 - "$folder" <<'END'
import glob
import os
import sys

for path in glob.glob("/proc/[0-9]*"):
    found = b""
    for read in (lambda: open(path + "/cmdline", "rb").read(),
                 lambda: open(path + "/environ", "rb").read(),
                 lambda: os.readlink(path + "/cwd").encode()):
        try:
            found += read()
        except OSError:
            pass
    if sys.argv[1].encode() in found and path != f"/proc/{os.getpid()}":
        try:
            print(path, os.readlink(path + "/exe"))
        except OSError:
            pass
END
}

is_at_it() { processes | grep -q "libexec/switchboard/chat\$"; }
has_ended() { ! kill -0 "$runner" 2>/dev/null; }

# ended SIGNAL STATUS COMMAND...: so it ends, and nothing is left.
ended()
{
	local status=0

	# Of a shell's background, SIGINT would be ignored.
	TMPDIR=$folder /usr/bin/python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$SB_SOURCE/tests/$3" "${@:4}" \
	    >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	runner=$!
	eventually 30 is_at_it
	kill "-$1" "$runner"
	eventually 30 has_ended
	wait "$runner" || status=$?
	runner=
	cat "$BATS_TEST_TMPDIR/out"
	echo "status $status"
	((status == $2))
	processes
	[ -z "$(processes)" ]
	ls "$folder"
	[ -z "$(ls "$folder")" ]
}

@test "races" {
	ended TERM 143 races/run --seconds 60 --kill
}

@test "the model" {
	ended INT 130 model/run --calls 100000
}

@test "attacks" {
	ended HUP 129 attacks/run injection
}

@test "faults" {
	ended TERM 143 faults/run --seconds 60 kill
}
