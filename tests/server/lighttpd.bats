#!/usr/bin/env bats
#
# The programs under the real lighttpd, which starts them and starts them anew.
# What a client sees whichever server it is, is in contract.bats.

load harness

setup_file()
{
	make_data
	start_server
}

teardown_file()
{
	stop_server
	rm -rf "$data_made"
}

# A test that broke the server must not break the next.
setup()
{
	background=()
	eventually 30 is_healthy
}

teardown()
{
	stop_background
}

# Calls the programs without end, as the bearer of a token; the code of each
# answer is a line of load.N.  (curl would hold standard output back.)
start_load()
{
	local n paths=(/health /api/auth/me)

	for n in 0 1 2 3; do
		curl -s -o /dev/null -w '%{stderr}%{http_code}\n' \
		    -H "Authorization: Bearer $1" \
		    "$SB_URL${paths[n % 2]}?[1-9999999]" \
		    2>"$BATS_TEST_TMPDIR/load.$n" >/dev/null 3>&- &
		background+=($!)
	done
	eventually 30 has_load_begun
}

has_load_begun()
{
	[[ $(cat "$BATS_TEST_TMPDIR"/load.* | wc -l) -gt 20 ]]
}

# Sets $answered and $failed.
stop_load()
{
	stop_background
	# By awk, as a curl that was stopped may have left a line without end.
	read -r answered failed < <(awk '$0 != "200" { bad++ }
	    END { print NR, bad + 0 }' "$BATS_TEST_TMPDIR"/load.*)
}

# end_workers SIGNAL: all at once, and again when there are new ones, until it
# was sent 100 times.  Sets $sent.
end_workers()
{
	local list

	for ((sent = 0; sent < 100; sent += ${#list[@]})); do
		mapfile -t list < <(workers)
		kill "-$1" "${list[@]}"
		eventually 30 are_replaced "${list[@]}"
	done
}

are_replaced()
{
	not is_alive "$@" && (($(workers | wc -l) == 4 * SB_WORKERS))
}

@test "a program that is gone is JSON, too" {
	# Its parent waits for nothing while it is stopped; then it is dead.
	(
		SB_DATA=$BATS_TEST_TMPDIR/data SB_WORKERS=1
		SB_LOG=$BATS_TEST_TMPDIR/log
		start_server
		trap stop_server EXIT
		stopped=$(workers)
		# shellcheck disable=SC2086
		kill -STOP $stopped
		curl -s -o "$BATS_TEST_TMPDIR/body" -w '%{http_code} %{content_type}' \
		    "$SB_URL/health" >"$BATS_TEST_TMPDIR/code" 3>&- &
		eventually 30 has_connection
		# shellcheck disable=SC2046,SC2086
		kill -KILL $(programs) $stopped
		wait $!
	)
	run -0 cat "$BATS_TEST_TMPDIR/code"
	assert_output --regexp '^50[03] application/json$'
	run -0 jq -r '.detail | type' "$BATS_TEST_TMPDIR/body"
	assert_output string
}

# Whether a client waits for an answer of the server.
has_connection()
{
	[[ -n $(ss -Htn state established "( sport = :$SB_PORT )") ]]
}

@test "a crowd of 400 is served" {
	# shellcheck disable=SC2207
	codes=($(curl -sZ --parallel-immediate --parallel-max 400 \
	    -o /dev/null -w '%{http_code}\n' "$SB_URL/health?[1-1200]" |
	    sort | uniq -c))
	assert_equal "${codes[*]}" '1200 200'
}

@test "every setting reaches the programs" {
	for name in $("$SB_BUILD/bin/switchboard" settings --json |
	    grep -o '"name": *"[^"]*"' | cut -d '"' -f 4); do
		case $name in
		HOST | PORT)	continue ;;	# lighttpd's own
		esac
		grep -q "\"$name\"" "$SB_SOURCE/deploy/lighttpd/lighttpd.conf" ||
		    fail "$name is not in lighttpd.conf"
	done
	[[ -n $name ]]
	program=$(programs | head -n 1)
	run -0 cat <(tr '\0' '\n' <"/proc/$program/environ")
	assert_line SCRYPT_N=1024
	assert_line "SWITCHBOARD_DATA=$SB_DATA"
	refute_line --regexp '^(HOME|USER|PORT|HOST|BATS_.*)='
}

@test "100 workers told to end under load: no request fails" {
	register gentle
	assert_answer 201
	start_load "$(field access_token)"
	end_workers TERM
	stop_load
	echo "$answered answers"
	((failed == 0)) || {
		grep -nvx 200 "$BATS_TEST_TMPDIR"/load.*
		grep -Ev ' info .*: 200 ' "$SB_LOG" | tail -n 40
	}
	assert_equal "$failed" 0
}

@test "100 workers killed under load: each fails but its own request" {
	register rough
	assert_answer 201
	start_load "$(field access_token)"
	end_workers KILL
	stop_load
	echo "$answered answers, $failed failed"
	((failed <= sent))
	((answered > failed))
	# And then all is as before.
	call GET /health
	assert_answer 200
}

# One who registers names and logs in as them, and notes what was confirmed.
keep_ledger()
{
	local name n

	# A dead server is what this is about.
	fail() { :; }
	mkdir "$BATS_TEST_TMPDIR/$1"
	BATS_TEST_TMPDIR=$BATS_TEST_TMPDIR/$1
	for ((n = 0; ; n++)); do
		name=ledger-$1-$n
		code=
		register "$name"
		[[ $code == 201 ]] || continue
		echo "$name" >>"$BATS_TEST_TMPDIR/accounts"
		code=
		login "$name"
		[[ $code == 200 ]] || continue
		echo "$(field access_token) $(field refresh_token)" \
		    >>"$BATS_TEST_TMPDIR/logins"
	done
}

@test "all processes killed, again and again: nothing confirmed is lost" {
	for n in 1 2 3; do
		keep_ledger $n >/dev/null 2>&1 3>&- &
		background+=($!)
	done
	for n in {1..5}; do
		eventually 30 has_ledger_grown
		# shellcheck disable=SC2046
		kill -KILL $(workers) $(programs) || true
	done
	eventually 30 has_ledger_grown
	stop_background

	eventually 30 is_healthy
	while read -r name; do
		login "$name"
		assert_answer 200
	done < <(cat "$BATS_TEST_TMPDIR"/?/accounts)
	while read -r access refresh; do
		me "$access"
		assert_answer 200
		refresh "$refresh"
		assert_answer 200
	done < <(cat "$BATS_TEST_TMPDIR"/?/logins)
	run -0 sqlite3 "$(database)" 'PRAGMA integrity_check'
	assert_output ok
	run -0 sqlite3 "$(database)" 'PRAGMA foreign_key_check'
	refute_output
}

database()
{
	echo "$SB_DATA/switchboard.db"
}

# By ten logins since the last time.
has_ledger_grown()
{
	local size

	size=$(cat "$BATS_TEST_TMPDIR"/?/logins 2>/dev/null | wc -l)
	((size >= ${ledger:-0} + 10)) || return 1
	ledger=$size
}

@test "after a restart an old token is still good" {
	register veteran
	assert_answer 201
	access=$(field access_token)
	refresh=$(field refresh_token)
	(
		# The one of this file stays: two at once on one file are fine.
		SB_LOG=$BATS_TEST_TMPDIR/log
		start_server
		me "$access"
		assert_answer 200
		stop_server
		start_server
		trap stop_server EXIT
		me "$access"
		assert_answer 200
		refresh "$refresh"
		assert_answer 200
	)
}

@test "stopped, it leaves no process" {
	SB_DATA=$BATS_TEST_TMPDIR/data
	SB_LOG=$BATS_TEST_TMPDIR/log
	start_server
	kill -INT "$SB_WEB"
	eventually 30 not is_group_alive "$SB_WEB"
	rm -r "$SB_RUN"
}

# Proportional set size: its own memory, and its share of what is shared.
@test "an idle worker holds at most 3 MiB" {
	! ldd "$SB_BUILD/libexec/switchboard/auth" | grep -q libasan ||
		skip 'sanitizers take memory of their own'
	local parent pid size
	for parent in $(pgrep -P "$SB_WEB"); do
		for pid in $parent $(pgrep -P "$parent"); do
			size=$(awk '$1 == "Pss:" { print $2 }' \
			    "/proc/$pid/smaps_rollup")
			((size > 0 && size <= 3072)) || {
				echo "$(cat "/proc/$pid/comm"): $size KiB"
				return 1
			}
		done
	done
}

@test "lighttpd killed takes the programs with it" {
	SB_DATA=$BATS_TEST_TMPDIR/data
	SB_LOG=$BATS_TEST_TMPDIR/log
	start_server
	kill -KILL "$SB_WEB"
	eventually 30 not is_group_alive "$SB_WEB"
	rm -r "$SB_RUN"
}

@test "it works from a path with a space" {
	prefix="$BATS_TEST_TMPDIR/a path"
	mkdir -p "$prefix"
	cp -RL "$SB_BUILD/libexec" "$SB_BUILD/share" "$prefix"
	(
		SB_DATA="$prefix/the data"
		SB_LOG=$BATS_TEST_TMPDIR/log
		start_server "$prefix"
		trap stop_server EXIT
		register spacious
		assert_answer 201
		call GET /openapi.json
		assert_answer 200
		call GET /docs
		assert_answer 200
	)
}
