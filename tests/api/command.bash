# Runs the command line `switchboard' as its users do.  What tests of commands
# share, beside the harness.

command=$SB_BUILD/bin/switchboard
env=(SWITCHBOARD_ENV_FILE=/dev/null)

# switchboard ARGUMENT...: with $env besides the harness's settings, and by its
# clock; sets $status, $output and $stderr.
switchboard()
{
	run --separate-stderr env -i "PATH=$PATH" TZ=UTC NO_FAKE_STAT=1 \
	    FAKETIME_DONT_FAKE_MONOTONIC=1 \
	    "ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS-}" \
	    "UBSAN_OPTIONS=${UBSAN_OPTIONS-}" \
	    "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" "${settings[@]}" \
	    "${env[@]}" "${clock[@]}" "$command" "$@"
}

# ends STATUS [ERROR]: it ended so, with just this on standard error.
ends()
{
	if [ "$status" != "$1" ]; then
		show "exit status: $status" "$output" "$stderr"
		return 1
	fi
	is "$stderr" "${2-}" 'standard error'
}

# The same, and this is all that it printed.
says()		# TEXT
{
	ends 0
	is "$output" "$1" output
}

# fails STATUS REGEX: what its last line on standard error is like.
fails()
{
	is "$status" "$1" 'exit status'
	is "$output" '' output
	like "${stderr##*$'\n'}" "$2" 'standard error'
}

# Without a database it says so, in one line.
makes_nothing()		# ARGUMENT...
{
	local name="$1 ${2-}"

	[ "$1" != tick ] || name=tick
	switchboard "$@"
	ends 69 "switchboard $name: there is no database in $SWITCHBOARD_DATA; set SWITCHBOARD_DATA to the directory of the installation, or make one by switchboard migrate"
	is "$output" '' output
}

# eventually SECONDS COMMAND...: until it succeeds.
eventually()
{
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift

	until "$@"; do
		if ((${EPOCHREALTIME/[.,]/} > end)); then
			show "not so in time: $*"
			return 1
		fi
		sleep 0.01
	done
}

# listed FILTER [jq option]...: the filter is true of the JSON list.
listed()
{
	local filter=$1
	shift
	jq -e "$@" "$filter" <<<"$output" >/dev/null && return
	show "does not hold: $filter" "$output" "$stderr"
	return 1
}

# No byte of it but a line feed makes a terminal do something.
is_harmless()	# TEXT
{
	LC_ALL=C.UTF-8 /usr/bin/python3 -c '
import sys, unicodedata
for c in sys.argv[1]:
    if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp"):
        sys.exit("U+%04X in: %r" % (ord(c), sys.argv[1]))' "$1"
}

id_of()		# NAME
{
	sql "SELECT id FROM users WHERE username = '$1'"
}

counts()	# SQL, on the file of counts
{
	sqlite3 -cmd '.timeout 2000' "$SWITCHBOARD_DATA/limits.db" "$1"
}

# moments SECONDS-AGO...: as a row of counts has them, in hex.
moments()
{
	local ago t hex
	for ago; do
		t=$(((EPOCHSECONDS - ago) * 1000000))
		for hex in 1 2 3 4 5 6 7 8; do
			printf %02x $((t & 255))
			t=$((t >> 8))
		done
	done
}

# count KEY SECONDS-AGO...: a row of counts, which ends in an hour.
count()
{
	local key=$1
	shift
	counts "INSERT INTO limits (key, times, expires_at) VALUES ('$key',
	    x'$(moments "$@")', $((EPOCHSECONDS + 3600)) * 1000000)"
}

# on_terminal [WAIT-FOR TYPE]... -- ARGUMENT...: runs switchboard so, as
# terminal.py says; sets $status and $output.
on_terminal()
{
	local -a steps=()

	while [ "$1" != -- ]; do
		steps+=("$1")
		shift
	done
	shift
	run /usr/bin/python3 "$BATS_TEST_DIRNAME/terminal.py" "${steps[@]}" \
	    -- env -i "PATH=$PATH" TZ=UTC \
	    "ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS-}" \
	    "UBSAN_OPTIONS=${UBSAN_OPTIONS-}" \
	    "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" "${settings[@]}" \
	    "${env[@]}" "$command" "$@"
}

# answered TEXT ARGUMENT...: the same as switchboard, with that on standard
# input, in the escapes of printf %b.
answered()
{
	local given=$1
	shift
	switchboard "$@" < <(printf %b "$given")
}

# The commands that --help lists, as NAME or NAME ACTION.
all_commands()
{
	"$command" --help | awk '/^Commands:/ { listed = 1; next }
	    /^$/ { listed = 0 }
	    listed {
		split(substr($0, 14, 31), word, " ")
		print $1 (word[1] ~ /^[a-z]+$/ ? " " word[1] : "")
	    }'
}
