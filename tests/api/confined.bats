# What a process has given up before it sees a request: tests/programs/confined.c
# tries what must not be possible, and the programs themselves are led to a file
# that they could read otherwise.

load harness

setup_file()
{
	new_data
	register anna
	export access refresh
}

setup()
{
	attempts=$SB_BUILD/tests/programs/confined
	parent=
	! grep -q __asan_init "$programs/auth" ||
	    skip 'the sanitizers do more than a confined program can'
	has_both || skip 'this kernel lacks Landlock or seccomp'
}

# Its workers end with it; and with their end the data directory is in use.
teardown()
{
	[ -z "$parent" ] || {
		kill "$parent"
		wait "$parent"
	} || true
}

eventually()	# SECONDS COMMAND...
{
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || {
			echo "not so in time: $*"
			return 1
		}
		sleep 0.02
	done
}

has_both()
{
	{ operate check --json || true; } | jq -e '.findings[] |
	    select(.check == "confinement") | .grade == "green" and
	    (.sentence | test("Landlock .* and seccomp$"))' >/dev/null
}

# What the answer's body says of each attempt.
tried()
{
	jq -r '.attempts[] | "\(.name): \(.error)"' <<<"$body"
}

# could TEXT: of a line, by Landlock EACCES, by seccomp EPERM; ENOSYS tells libc
# to do without.
could()
{
	cat <<-END
		data_write: 
		data_read: 
		datagram: 
		passwd: EACCES
		list_root: EACCES
		own_environment: EACCES
		write_elsewhere: EACCES
		link_elsewhere: EACCES
		execute: EPERM
		execute_own: EPERM
		start_process: EPERM
		clone3: ENOSYS
		internet: EPERM
		internet6: EPERM
		netlink: EPERM
		unix_stream: EPERM
		signal_parent: EPERM
		signal_all: EPERM
		signal_by_socket: EPERM
		signal_of_socket: EPERM
		signal_at_data: EPERM
		trace: EPERM
		namespaces: EPERM
		code: $1
		unknown: ENOSYS
	END
}

# serve SETTING...: as FastCGI, on a socket.
serve()
{
	socket=$BATS_TEST_TMPDIR/socket
	env -i "PATH=$PATH" TZ=UTC "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" \
	    SWITCHBOARD_ENV_FILE=/dev/null LOG_LEVEL=debug "${settings[@]}" \
	    "$@" spawn-fcgi -n -s "$socket" -- "$program" \
	    2>"$BATS_TEST_TMPDIR/log" >/dev/null 3>&- &
	parent=$!
	eventually 30 is_there "$socket"
}

is_there()
{
	[ -S "$1" ]
}

# ask TARGET: sets $code and $body.
ask()
{
	local answer=$(PYTHONPATH=$SB_SOURCE/tests/races \
	    PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -c '
import sys
from fastcgi import ask
answer = ask(sys.argv[1], "GET", sys.argv[2])
print(answer.status)
print(answer.body.decode())' "$socket" "$1")
	code=${answer%%$'\n'*} body=${answer#*$'\n'}
}

@test "a program that answers one request can do none of what it doesn't need" {
	programs=${attempts%/*}
	program=confined
	call GET /attempts
	expect 200
	# It may yet load what OpenSSL is set up to have.
	is "$(tried)" "$(could '')"
}

@test "a program that stays can do none of it, nor load code" {
	program=$attempts
	serve
	ask /attempts
	is "$code" 200
	is "$(tried)" "$(could EPERM)"
}

@test "a worker can do none of it, nor load code" {
	program=$attempts
	serve WORKERS=2
	ask /attempts
	is "$code" 200
	is "$(tried)" "$(could EPERM)"
}

@test "a settings file that programs can write to does not set them free" {
	programs=${attempts%/*}
	program=confined
	echo CONFINE=false >"$SWITCHBOARD_DATA/.env"
	call GET /attempts
	expect 200
	[[ $log == *'CONFINE is not taken from a file in the data directory'* ]]
	is "$(tried)" "$(could '')"
	mv "$SWITCHBOARD_DATA/.env" "$BATS_TEST_TMPDIR/env"
	settings+=("SWITCHBOARD_ENV_FILE=$BATS_TEST_TMPDIR/env")
	call GET '/attempts?only=passwd'
	expect 200
	is "$(tried)" 'passwd: '
}

@test "a log that is a pipe without a name is one, as containers have it" {
	new_data
	settings+=(LOG_FILE=/dev/stderr)
	env -i "PATH=$PATH" GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET \
	    REQUEST_URI=/health "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" \
	    "${settings[@]}" "$SB_BUILD/libexec/switchboard/meta" \
	    2>&1 >"$BATS_TEST_TMPDIR/out" </dev/null |
	    cat >"$BATS_TEST_TMPDIR/log"
	grep -q '^Status: 200' "$BATS_TEST_TMPDIR/out"
	grep -q 'GET /health' "$BATS_TEST_TMPDIR/log"
}

# What is below it is opened to nobody, and the log says what is wrong.
@test "a folder is no log, and can be written to no more than others" {
	local folder=${SWITCHBOARD_DATA%/*}
	programs=${attempts%/*}
	program=confined
	settings+=("LOG_FILE=$folder")
	touch "$folder/tried"
	call GET '/attempts?only=write_elsewhere'
	expect 200
	is "$(tried)" 'write_elsewhere: EACCES'
	has "$log" "LOG_FILE: $folder: Is a directory"
	rm "$folder/tried"
}

@test "with CONFINE=false all of it can be done" {
	programs=${attempts%/*}
	program=confined
	settings+=(CONFINE=false)
	local name
	for name in data_write passwd list_root own_environment \
	    write_elsewhere link_elsewhere start_process internet netlink \
	    unix_stream code; do
		call GET "/attempts?only=$name"
		expect 200
		is "$(tried)" "$name: "
	done
	rm "$SWITCHBOARD_DATA"/../{tried,linked}
	operate check --json >"$BATS_TEST_TMPDIR/check" || true
	jq -e '.findings[] | select(.check == "confinement") |
	    .grade == "yellow" and .fix != null' <"$BATS_TEST_TMPDIR/check"
}

# Whoever reads it says that it is no key file, and a database of another kind.
@test "no program can read /etc/passwd where its own files should be" {
	local target
	new_data
	ln -s /etc/passwd "$SWITCHBOARD_DATA/signing-keys.json"
	for target in /api/auth/me /api/sessions \
	    /api/sessions/00000000-0000-0000-0000-000000000000/events; do
		call GET "$target" "Authorization: Bearer $access"
		expect 503
		has "$log" 'signing-keys.json: Permission denied'
	done
	settings+=(CONFINE=false)
	call GET /api/auth/me "Authorization: Bearer $access"
	expect 500
	has "$log" 'signing-keys.json: is not JSON'
	settings=()

	new_data
	ln -s /etc/passwd "$SWITCHBOARD_DATA/switchboard.db"
	call GET /health
	expect 503
	has "$log" 'unable to open database file'
	settings+=(CONFINE=false)
	call GET /health
	expect 503
	has "$log" 'file is not a database'
}

@test "a program is confined before it looks at a request or a file of data" {
	command -v strace >/dev/null || skip 'no strace'
	local target file=$BATS_TEST_TMPDIR/calls
	local calls=landlock_restrict_self,seccomp,read,open,openat
	clock=(strace -o "$file" -e "trace=$calls")
	for target in /api/auth/me /api/sessions /health \
	    /api/sessions/00000000-0000-0000-0000-000000000000/events; do
		call GET "$target" "Authorization: Bearer $access"
		isnt "$status" 503
		is "$(awk '/^landlock_restrict_self/ { files = NR }
		    /^seccomp\(SECCOMP_SET_MODE_FILTER/ { filter = NR }
		    !first && /^read\(0,|[.]db"|-keys.json/ { first = NR }
		    END { print (files > 0 && filter > files &&
			first > filter) }' "$file")" 1 "$target"
	done
}

@test "the one that sends is confined, too, and has no way to another program" {
	env -i "PATH=$PATH" SWITCHBOARD_ENV_FILE=/dev/null \
	    "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" \
	    "$SB_BUILD/bin/switchboard" work --stay \
	    >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
	parent=$!
	eventually 30 is_confined "$parent"
}

is_confined()	# PID
{
	[ "$(awk '$1 ~ /^(NoNewPrivs|Seccomp):/ { printf "%s", $2 }' \
	    "/proc/$1/status")" = 12 ]
}

# Once the pipe is full it has been called often enough.
@test "who calls the one that starts the worker never waits for it" {
	local fd flags ends=0
	program=$programs/chat
	serve
	ask /api/sessions
	is "$code" 401
	for fd in "/proc/$parent/fd"/*; do
		[[ $(readlink "$fd") == pipe:* ]] || continue
		flags=$(awk '$1 == "flags:" { print $2 }' \
		    "/proc/$parent/fdinfo/${fd##*/}")
		# Those that it has made itself are closed on exec.
		((flags & 02000000)) || continue
		is "$((flags & 04001))" "$((04001))" "flags $flags of $fd"
		ends=$((ends + 1))
	done
	is "$ends" 1
}

# The rule is of the directory that was there, not of the path.
@test "a program that stays ends when its data directory was replaced" {
	new_data
	program=$programs/meta
	serve
	ask /health
	is "$code" 200
	rm -r "$SWITCHBOARD_DATA"
	ask /health
	is "$code" 503
	wait "$parent"
	parent=
	serve
	ask /health
	is "$code" 200
}

# Whoever begins just as it goes has none, for a second.
are_well()
{
	local n
	for n in {1..12}; do
		ask /health
		[ "$code" = 200 ] || return 1
	done
}

@test "of workers none answers for a data directory that was replaced" {
	local n
	new_data
	program=$programs/meta
	serve WORKERS=3
	for n in 1 2 3; do
		eventually 30 are_well
		rm -r "$SWITCHBOARD_DATA"
	done
	eventually 30 are_well
}

@test "workers that find their log moved make another, and lose no line" {
	local file=$BATS_TEST_TMPDIR/file
	program=$programs/meta
	# Those that begin say nothing of it.
	serve WORKERS=1 LOG_FILE="$file" LOG_LEVEL=info
	ask /one
	eventually 30 grep -q /one "$file"
	mv "$file" "$file.1"
	sleep 1.1
	ask /two
	eventually 30 grep -q /two "$file"
	lacks "$(<"$file.1")" /two
}

# Moved as the process is confined: after it was opened, and before its rule.
@test "a log that is moved while a program gives up the rest loses no line" {
	command -v strace >/dev/null || skip 'no strace'
	local file=$BATS_TEST_TMPDIR/file calls=$BATS_TEST_TMPDIR/calls
	cat >"$BATS_TEST_TMPDIR/slowly" <<-END
		#!/bin/sh
		exec strace -D -o "$calls" -e trace=/landlock \
		    -e inject=landlock_add_rule:delay_enter=3000000:when=1 \
		    "$programs/meta"
	END
	chmod +x "$BATS_TEST_TMPDIR/slowly"
	program=$BATS_TEST_TMPDIR/slowly
	serve LOG_FILE="$file"
	eventually 30 made_a_ruleset "$calls"
	mv "$file" "$file.1"
	touch "$file"
	ask /one
	is "$code" 404
	eventually 30 grep -q /one "$file"
}

made_a_ruleset()	# FILE
{
	grep -q '^landlock_create_ruleset({' "$1"
}

children()
{
	clock=(strace -o "$BATS_TEST_TMPDIR/calls" -e trace=clone,clone3,fork)
	call GET /api/sessions "Authorization: Bearer $access"
	clock=()
	expect 200
	is "$(grep -c '^clone\|^fork' "$BATS_TEST_TMPDIR/calls")" "$1" children
}

# It would take a fifth of all that a request takes by plain CGI.
@test "without webhooks no program keeps another to start the worker" {
	command -v strace >/dev/null || skip 'no strace'
	new_data
	register anna
	children 0
	call POST /api/auth/keys 'Content-Type: application/json' \
	    "Authorization: Bearer $access" -- '{"name":"without"}'
	expect 201
	children 0
	call POST /api/auth/keys 'Content-Type: application/json' \
	    "Authorization: Bearer $access" -- \
	    '{"name":"with","webhook_url":"https://example.com/"}'
	expect 201
	children 1
}

@test "who checks the installation is told by what the process is confined" {
	local token
	token=$(/usr/bin/python3 "$BATS_TEST_DIRNAME/forge.py" check \
	    "$SWITCHBOARD_DATA/signing-keys.json")
	settings+=(CONFINE=true)
	call GET /api/auth/check "Authorization: Bearer $token"
	expect 200
	holds '.confined_by | test("^Landlock .ABI [0-9]+. and seccomp$")'
	settings+=(CONFINE=false)
	call GET /api/auth/check "Authorization: Bearer $token"
	expect 200
	holds '.confined_by == null'
}
