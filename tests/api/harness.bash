# Runs a program of ours as plain CGI (RFC 3875), takes its answer apart and
# judges it.  All tests in this folder load it; none needs a server or a port.
#
# SB_BUILD is the build directory.  A test works in $SWITCHBOARD_DATA, which
# new_data makes; a file's setup_file usually makes one for all of its tests.

bats_require_minimum_version 1.5.0

# shellcheck source=../quick.bash
. "${BASH_SOURCE[0]%/*}/../quick.bash"

SB_BUILD=${SB_BUILD:-$BATS_TEST_DIRNAME/../../build/tests}
programs=$SB_BUILD/libexec/switchboard

# Limits have tests of their own, and hashing at its real price would take most
# of the run.
settings=(SCRYPT_N=1024 SCRYPT_R=1 SCRYPT_P=1 RATE_LIMIT_PER_USER=0
    RATE_LIMIT_PER_ADDRESS=0 LOGIN_FAILURES_PER_ACCOUNT=0)

# More CGI variables, such as SCRIPT_NAME; a program instead of the one that
# the target names; the clock that the program sees.
cgi=()
program=
clock=()

password='correct horse battery staple'

uuid='[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
uuid7='[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
time='[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9][.][0-9]{6}Z'

new_data()
{
	SWITCHBOARD_DATA=$(mktemp -d "$BATS_FILE_TMPDIR/data.XXXXXX")
	export SWITCHBOARD_DATA
}

# ---------------------------------------------------------------- requests

# call METHOD TARGET [Name: value]... [-- BODY | --bytes BODY | --file FILE]
#
# TARGET is the raw request target.  BODY after --bytes is in the escapes of
# printf %b; --chunked before it leaves out the length.  Sets $status_code,
# $reason, $headers, $body and $log, which is what went to standard error.
call()
{
	local -
	set +o functrace
	run_program "$@"
}

run_program()
{
	local LC_ALL=C
	local method=$1 target=$2 chunked= name value line rc=0
	local base=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/$BASHPID
	local -a env=()

	request="$method $target"
	: >"$base.in"
	shift 2
	while (($#)); do
		case $1 in
		--)
			printf %s "$2" >"$base.in"
			shift
			;;
		--bytes)
			printf %b "$2" >"$base.in"
			shift
			;;
		--file)
			cp "$2" "$base.in"
			shift
			;;
		--chunked)
			chunked=1
			;;
		*)
			name=${1%%:*}
			value=${1#*:}
			name=${name//-/_}
			name=${name^^}
			[ "$name" = CONTENT_TYPE ] || name=HTTP_$name
			env+=("$name=${value# }")
			request+=$'\n'${1:0:300}
			;;
		esac
		shift
	done
	if [ -n "$chunked" ]; then
		env+=(HTTP_TRANSFER_ENCODING=chunked)
	elif [ -s "$base.in" ]; then
		env+=("CONTENT_LENGTH=$(stat -c %s "$base.in")")
	fi
	case $target in *\?*) env+=("QUERY_STRING=${target#*\?}") ;;
	*) env+=(QUERY_STRING=) ;;
	esac

	env -i "PATH=$PATH" TZ=UTC NO_FAKE_STAT=1 \
	    FAKETIME_DONT_FAKE_MONOTONIC=1 \
	    "ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS-}" \
	    "UBSAN_OPTIONS=${UBSAN_OPTIONS-}" \
	    GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 \
	    SERVER_SOFTWARE=bats SERVER_NAME=localhost SERVER_PORT=80 \
	    REMOTE_ADDR=192.0.2.1 "REQUEST_METHOD=$method" \
	    "REQUEST_URI=$target" "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" \
	    "${settings[@]}" "${env[@]}" "${cgi[@]}" "${clock[@]}" \
	    "$programs/${program:-$(program_of "$target")}" \
	    <"$base.in" >"$base.out" 2>"$base.err" || rc=$?

	log=$(<"$base.err")
	printf '%s\n' "$log" >>"$BATS_FILE_TMPDIR/log"
	status_code= reason= headers=
	{
		while IFS= read -r line; do
			line=${line%$'\r'}
			[ -n "$line" ] || break
			case $line in
			[Ss]tatus:*)
				line=${line#*: }
				status_code=${line%% *}
				reason=${line#* }
				;;
			*)
				headers+=$line$'\n'
				;;
			esac
		done
		IFS= read -r -d '' body || true
	} <"$base.out"

	if ((rc >= 126)) || [ -z "$status_code" ] ||
	    [[ $log == *Sanitizer* || $log == *'runtime error:'* ]]; then
		show "the program failed (exit status $rc)"
		return 1
	fi
}

# Which program a web server hands this target to.
program_of()
{
	local name=${1%%\?*}

	[[ $name != */api/limits* ]] || name=/api/auth
	if [[ $name =~ /api/sessions/[^/]+/(events|feedback/[^/]+)/?$ ]]; then
		name=/api/events
	elif [[ $name =~ /api/sessions(/|$) ]]; then
		name=/api/chat
	fi
	[[ $name == */api/* ]] || name=
	name=${name#*/api/}
	name=${name%%/*}
	[[ -n $name && -x $programs/$name ]] || name=meta
	echo "$name"
}

# later SECONDS COMMAND...: as if the clock were that much further, or behind.
later()
{
	local -a clock=(faketime -f "$(printf '%+ds' "$1")")
	shift
	"$@"
}

# at_second TIME COMMAND...: with the clock standing still there, in seconds
# since the epoch.
at_second()
{
	local -a clock=(faketime -f "$(TZ=UTC printf '%(%F %T)T' "$1")")
	shift
	"$@"
}

# operate ARGUMENT...: what the command line does, by the same clock and with
# the same settings.
operate()
{
	env -i "PATH=$PATH" TZ=UTC NO_FAKE_STAT=1 \
	    FAKETIME_DONT_FAKE_MONOTONIC=1 SWITCHBOARD_ENV_FILE=/dev/null \
	    "ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS-}" \
	    "UBSAN_OPTIONS=${UBSAN_OPTIONS-}" \
	    "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" "${settings[@]}" \
	    "${clock[@]}" "$SB_BUILD/bin/switchboard" "$@"
}

# at_once N COMMAND...: runs it N times at the same time, with $turn from 1;
# answers then has one line for each, its status and its body.
at_once()
{
	local n=$1 turn
	shift
	rm -f "$BATS_TEST_TMPDIR"/answer.*
	for ((turn = 1; turn <= n; turn++)); do
		(
			"$@"
			printf '%s %s\n' "$status_code" "$body" \
			    >"$BATS_TEST_TMPDIR/answer.$turn"
		) 3>&- &
	done
	wait
	answers=$(cat "$BATS_TEST_TMPDIR"/answer.*)
	is "$(grep -c . <<<"$answers")" "$n" 'programs that answered'
}

post()
{
	local target=$1 json=$2
	shift 2
	call POST "$target" 'Content-Type: application/json' "$@" -- "$json"
}

form()
{
	local target=$1 text=$2
	shift 2
	call POST "$target" \
	    'Content-Type: application/x-www-form-urlencoded' "$@" -- "$text"
}

# multipart TARGET NAME VALUE...: a form as browsers' FormData sends it.
multipart()
{
	local target=$1 text=
	shift
	while (($#)); do
		text+=$'--limit-7d9\r\nContent-Disposition: form-data; name="'
		text+="$1"$'"\r\n\r\n'"$2"$'\r\n'
		shift 2
	done
	text+=$'--limit-7d9--\r\n'
	call POST "$target" \
	    'Content-Type: multipart/form-data; boundary=limit-7d9' -- "$text"
}

me()
{
	call GET /api/auth/me "Authorization: Bearer $1"
}

new_user()	# JSON of NAME [PASSWORD [EMAIL]]
{
	printf '{"email":"%s","username":"%s","password":"%s"}' \
	    "${3-$1@example.com}" "$1" "${2-$password}"
}

try_register()	# NAME [PASSWORD [EMAIL]]
{
	post /api/auth/register "$(new_user "$@")"
}

try_login()	# NAME [PASSWORD], both as they stand in a form
{
	form /api/auth/login "username=$1&password=${2-${password// /+}}"
}

try_refresh()	# TOKEN
{
	post /api/auth/refresh "{\"refresh_token\":\"$1\"}"
}

# The same, and they have to succeed; set $access and $refresh.
register()
{
	try_register "$@"
	expect 201
	take_tokens
}

login()
{
	try_login "$@"
	expect 200
	take_tokens
}

rotate()
{
	try_refresh "$1"
	expect 200
	take_tokens
}

take_tokens()
{
	local text='"[[:space:]]*:[[:space:]]*"([^"]+)"'

	access= refresh=
	[[ $body =~ \"access_token$text ]] && access=${BASH_REMATCH[1]}
	[[ $body =~ \"refresh_token$text ]] && refresh=${BASH_REMATCH[1]}
	isnt "$access" '' 'access token'
	isnt "$refresh" '' 'refresh token'
}

# ---------------------------------------------------------------- answers

# find_header NAME: sets $found, to "" where it isn't there.  (Whoever calls it
# saves what $(header) costs.)
find_header()
{
	local LC_ALL=C lines=$'\n'$headers after=$'\n'"${1,,}:" value
	local lower=${lines,,}

	found=

	while [[ $lower == *"$after"* ]]; do
		lower=${lower#*"$after"}
		value=${lines:${#lines}-${#lower}}
		value=${value%%$'\n'*}
		found+=${found:+, }${value# }
	done
}

header()	# NAME
{
	local found

	find_header "$1"
	printf %s "$found"
}

header_is()	# NAME VALUE
{
	local found

	find_header "$1"
	is "$found" "$2" "$1"
}

json()
{
	jq -r "$1" <<<"$body"
}

claims()	# TOKEN
{
	decode "$(cut -d. -f2 <<<"$1")"
}

jose_header()	# TOKEN
{
	decode "$(cut -d. -f1 <<<"$1")"
}

decode()	# base64url
{
	local text=$1
	while ((${#text} % 4)); do text+="="; done
	tr _- /+ <<<"$text" | base64 -d
}

claim()		# NAME TOKEN
{
	claims "$2" | jq -r ".$1"
}

sql()
{
	sqlite3 -cmd '.timeout 2000' "$SWITCHBOARD_DATA/switchboard.db" "$1"
}

# Takes the write lock of the database, or of another one, until release_lock.
hold_lock()	# [FILE]
{
	local out=$BATS_TEST_TMPDIR/lock.out

	mkfifo "$BATS_TEST_TMPDIR/lock"
	sqlite3 "$SWITCHBOARD_DATA/${1-switchboard.db}" \
	    <"$BATS_TEST_TMPDIR/lock" >"$out" 2>&1 3>&- &
	lock_holder=$!
	exec {lock}>"$BATS_TEST_TMPDIR/lock"
	printf 'BEGIN IMMEDIATE;\n.shell echo held\n' >&"$lock"
	until [ -s "$out" ]; do sleep 0.01; done
	is "$(<"$out")" held lock
}

release_lock()
{
	# Another process may have inherited the pipe, so its end is no sign.
	printf 'ROLLBACK;\n.quit\n' >&"$lock"
	exec {lock}>&-
	wait "$lock_holder" || true
}

# Whether the program of that name, somewhere below a process, has napped so
# often that it waits for a lock.
naps()		# NAME PID
{
	local processes=("$2") children text process
	while ((${#processes[@]} > 0)); do
		process=/proc/${processes[0]}
		text=$(cat "$process/status") || return 1
		children=$(cat "$process/task/${processes[0]}/children") ||
			return 1
		if [[ $text =~ ^Name:.$1$'\n'.*$'\n'voluntary_ctxt_switches:.([0-9]+) ]]; then
			((BASH_REMATCH[1] >= 20))
			return
		fi
		# shellcheck disable=SC2206
		processes=("${processes[@]:1}" $children)
	done
	return 1
} 2>/dev/null

# Somebody else does this to the database while a call waits for its lock:
# after all that the call looks at before.  The answer is as after the call.
meanwhile()	# PROGRAM SQL CALL...
{
	local asked tries answer=$BATS_TEST_TMPDIR/meanwhile
	hold_lock
	("${@:3}" && declare -p status_code reason headers body log) \
	    >"$answer" 3>&- &
	asked=$!
	for ((tries = 0; tries < 300; tries++)); do
		if naps "$1" "$asked"; then break; fi
		sleep 0.005
	done
	printf '%s; COMMIT;\n.quit\n' "$2" >&"$lock"
	exec {lock}>&-
	wait "$asked" "$lock_holder"
	eval "$(sed 's/^declare /declare -g /' "$answer")"
}

# ---------------------------------------------------------------- judgements

show()
{
	{
		printf '%s\n' "$@"
		printf '%s\n' '--- request' "${request-}" \
		    "--- answer: ${status_code-} ${reason-}" \
		    "${headers-}" "${body:0:3000}" '--- log' "${log-}"
	} >&2
}

is()		# GOT WANTED [what it is]
{
	[ "$1" = "$2" ] && return
	show "${3-value} is: $1" "should be: $2"
	return 1
}

isnt()
{
	[ "$1" != "$2" ] && return
	show "${3-value} should not be: $1"
	return 1
}

like()		# TEXT REGEX [what it is]: the whole text
{
	[[ $1 =~ ^($2)$ ]] && return
	show "${3-value} is: $1" "should match: $2"
	return 1
}

has()		# TEXT PART
{
	[[ $1 == *"$2"* ]] && return
	show "not in it: $2" "in: ${1:0:2000}"
	return 1
}

lacks()
{
	[[ $1 != *"$2"* ]] && return
	show "should not be in it: $2"
	return 1
}

# expect STATUS [JSON]: JSON is compared by meaning, but must be all there is.
expect()
{
	local found

	is "$status_code" "$1" status || return
	(($# < 2)) || [ "$body" = "$2" ] && return
	find_header Content-Type
	like "$found" 'application/json(; ?charset=utf-8)?' Content-Type ||
	    return
	jq -ne --argjson want "$2" --slurpfile got <(printf %s "$body") \
	    '$got == [$want]' >/dev/null && return
	show 'body should be:' "$2"
	return 1
}

# holds FILTER [jq option]...: the filter is true of the answer's body.
holds()
{
	local filter=$1
	shift
	jq -e "$@" "$filter" <<<"$body" >/dev/null && return
	show "does not hold: $filter"
	return 1
}

# The answer is a 422 with exactly this list.
invalid()
{
	expect 422 "{\"detail\":[$1]}"
}

# The answer is a 422 json_invalid, at this byte if given.
not_json()	# WHAT [OFFSET]
{
	is "$status_code" 422 "status (${1-})"
	holds '.detail | length == 1 and (.[0]
	    | .type == "json_invalid" and .msg == "JSON decode error"
	    and .loc[0] == "body" and (.loc | length) == 2
	    and (.loc[1] | type == "number" and . >= 0 and . == floor)
	    and ($at == "" or .loc[1] == ($at | tonumber))
	    and .input == {}
	    and (.ctx | keys == ["error"] and (.error | length > 0))
	    and keys == ["ctx", "input", "loc", "msg", "type"])' \
	    --arg at "${2-}"
}

# The answer is the one to a bearer token that is not a live one of ours.
refused()
{
	expect 401 '{"detail":"Could not validate credentials"}'
	is "$(header WWW-Authenticate)" 'Bearer error="invalid_token"'
}

# The answer is the one to a refresh token that is not a live one of ours.
refused_refresh()
{
	expect 401 \
	    '{"detail":"Invalid refresh token","error":"invalid_grant"}'
	is "$(header WWW-Authenticate)" Bearer
}

# The answer is a 503 that says when to come again.
unavailable()
{
	expect 503 '{"detail":"Service temporarily unavailable"}' || return
	like "$(header Retry-After)" '[1-9][0-9]*' Retry-After
}

is_token_pair()
{
	holds 'keys == ["access_token", "expires_in", "refresh_expires_in",
	    "refresh_token", "token_type"]
	    and .token_type == "bearer" and .expires_in == 1500
	    and .refresh_expires_in == 604800
	    and ([.access_token, .refresh_token]
	    | all(test("^[\\w-]+[.][\\w-]+[.][\\w-]{43}$")))'
}
