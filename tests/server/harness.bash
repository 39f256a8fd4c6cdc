# What the tests that run a real web server share: starting and stopping it,
# calling it by curl, and waiting for a state instead of a time.  The Makefile
# sets SB_BUILD (the build tree, which is laid out like an installation) and
# SB_SOURCE.
#
# The web server is that of a home, tests/homes/NAME.home for SB_HOME=NAME, with
# the programs mounted at SB_PREFIX: "" or a path like /switchboard.  A home
# declares
#
#	home_needs	prints which of the commands or Debian packages that it
#			needs are missing
#	start_home PREFIX
#			writes what is needed into $SB_RUN and starts the server
#			with the programs of an installation, on
#			127.0.0.1:$SB_PORT, logging to $SB_LOG; in the
#			foreground of a session of its own, whose leader's id
#			it puts into SB_WEB.  It may be called again, with
#			another port
#	stop_home	begins to end it, where an interrupt to the leader is
#			not enough
#	exceptions	how its answers differ, as contract.bats says

bats_require_minimum_version 1.5.0
# Each test loads these anew, and they ask sixteen times where they are: a
# quarter of what a test costs by itself.
dirname()
{
	echo "${1%/*}"
}
bats_load_library bats-support
bats_load_library bats-assert
unset -f dirname

# shellcheck source=../quick.bash
. "${BASH_SOURCE[0]%/*}/../quick.bash"

PATH=$PATH:/usr/sbin:/sbin

# No session's id, and no other thing's (RFC 9562 section 5.9).
nobody=00000000-0000-0000-0000-000000000000

# More settings of the server, which win over those below.
settings=()

# eventually SECONDS COMMAND...: until it succeeds.
eventually()
{
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift

	until "$@"; do
		if ((${EPOCHREALTIME/[.,]/} > end)); then
			echo "not so in time: $*" >&2
			return 1
		fi
		sleep 0.02
	done
}

not()
{
	! "$@"
}

is_listening()
{
	(exec 4<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A port that nobody listens on; below those that the kernel gives to clients.
free_port()
{
	local port

	while port=$((20000 + RANDOM % 12000)); is_listening $port; do
		:
	done
	echo $port
}

# Whether one of these processes is neither gone nor dead and unburied.
is_alive()
{
	local IFS=,

	ps -o stat= -p "$*" | grep -qv '^Z'
}

# Whether a process group has a living member.
is_group_alive()
{
	ps -e -o pgid=,stat= | awk -v group="$1" '
		$1 == group && $2 !~ /^Z/ { found = 1 }
		END { exit !found }'
}

# A data directory for who wants no request to fail: one that waits 2 s for the
# database is a 503, and so long a busy disk may take.  Whoever makes it has to
# clear $data_made away.
make_data()
{
	local top=/dev/shm

	[[ -d $top && -w $top ]] || top=$BATS_RUN_TMPDIR
	data_made=$(mktemp -d "$top/switchboard-test.XXXXXX")
	SB_DATA=$data_made
}

# The web server by which the programs are called.
load_home()
{
	declare -gA exceptions=()
	export SB_HOME=${SB_HOME:-lighttpd-fastcgi} SB_PREFIX=${SB_PREFIX-}

	stop_home()
	{
		kill -INT "$SB_WEB"
	}
	# shellcheck source=/dev/null
	. "$SB_SOURCE/tests/homes/$SB_HOME.home"
}

# start_server [PREFIX]: the home's, with the programs of an installation or, by
# default, of the build tree, and the data directory SB_DATA, unless the home
# has its own, which is then in SWITCHBOARD_DATA.  Sets SB_URL, SB_PORT, SB_RUN,
# and SB_WEB: the server's process id and its group's.
start_server()
{
	local prefix=${1:-$SB_BUILD}

	load_home
	export SB_RUN SB_PORT SB_URL SB_WEB SB_WORKERS=${SB_WORKERS:-4}
	export SB_LOG=${SB_LOG:-$BATS_FILE_TMPDIR/server.log}
	export SB_DATA=${SB_DATA:-$BATS_FILE_TMPDIR/data}
	export SWITCHBOARD_DATA=$SB_DATA
	mkdir -p "$SB_DATA"
	chmod 0700 "$SB_DATA"
	SB_RUN=$(mktemp -d /tmp/switchboard-test.XXXXXX)
	for _ in 1 2 3 4 5; do
		SB_PORT=$(free_port)
		SB_URL=http://127.0.0.1:$SB_PORT$SB_PREFIX
		start_home "$prefix"
		eventually 30 is_up_or_gone || break
		# Another test may have taken the port just now.
		! is_alive "$SB_WEB" || return 0
	done
	cat "$SB_LOG" >&2
	return 1
}

# The settings of a test, as NAME=VALUE lines: cheap hashes, and no limits in
# the way; then those in $settings, and where the programs are mounted.
settings_of_test()
{
	printf '%s\n' SCRYPT_N=1024 SCRYPT_R=1 SCRYPT_P=1 \
	    RATE_LIMIT_PER_USER=0 RATE_LIMIT_PER_ADDRESS=0 \
	    LOGIN_FAILURES_PER_ACCOUNT=0 "${settings[@]}"
	[[ -z $SB_PREFIX ]] || echo "ROOT_PATH=$SB_PREFIX"
}

# install_privately PREFIX: copies an installation into $SB_RUN, with the
# settings of a test as its settings file, as servers that pass on no
# environment have them; whoever runs it needs to read nothing else.  Each
# further argument is a setting, too.
install_privately()
{
	SWITCHBOARD_DATA=$SB_RUN/data
	mkdir -p "$SB_RUN"/{libexec/etc,share,data}
	chmod 0700 "$SB_RUN/data"
	cp -R "$1/libexec/switchboard" "$SB_RUN/libexec"
	cp -R "$1/share/switchboard" "$SB_RUN/share"
	{
		settings_of_test
		printf '%s\n' "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" "${@:2}"
	} | sed "s/=\(.*\)/='\1'/" >"$SB_RUN/libexec/etc/switchboard.env"
	give_away "$SB_RUN" "$SB_LOG"
}

# Servers are run by ordinary users: root is nobody for that.
give_away()
{
	touch "$SB_LOG"
	[[ $(id -u) != 0 ]] || chown -R 65534:65534 "$@"
}

# in_session COMMAND...: by an ordinary user, in $SB_RUN, as start_home has to.
in_session()
{
	local as=()

	[[ $(id -u) != 0 ]] ||
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	cd "$SB_RUN" || return
	env -i PATH="$PATH" LC_ALL=C setsid "${as[@]}" "$@" \
	    >>"$SB_LOG" 2>&1 </dev/null 3>&- &
	# shellcheck disable=SC2034
	SB_WEB=$!
	cd "$OLDPWD" || return
}

# The programs see the time that is in the file SB_CLOCK, which stands still
# until set_clock changes it; the monotonic clock and lighttpd's go on.
# libfaketime's shared memory outlives a process that is killed, so each notes
# its id for stop_server.
fake_the_clock()	# PREFIX
{
	local name

	for name in auth chat events meta; do
		rm "$SB_RUN/$name"
		cat >"$SB_RUN/$name" <<END
#!/bin/sh
echo \$\$ >>'$SB_RUN/faked'
export LD_PRELOAD='$(faketime -f +0 printenv LD_PRELOAD)'
export FAKETIME_TIMESTAMP_FILE='$SB_CLOCK' FAKETIME_FMT=%s
export FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1
export ASAN_OPTIONS=verify_asan_link_order=0 TZ=UTC
# libfaketime reads that file at each look at the clock.
export CONFINE=false
exec '$1/libexec/switchboard/$name'
END
		chmod +x "$SB_RUN/$name"
	done
}

# set_clock SECONDS: since the epoch, with up to six decimals.
set_clock()
{
	echo "$1" >"$SB_CLOCK.new"
	mv "$SB_CLOCK.new" "$SB_CLOCK"
}

is_up_or_gone()
{
	not is_alive "$SB_WEB" || is_healthy
}

# Whether all programs are at work: meta, and those that want a token.
is_healthy()
{
	[[ $(curl -s -o /dev/null -w '%{http_code} ' "$SB_URL/health" \
	    -o /dev/null "$SB_URL/api/limits" \
	    -o /dev/null "$SB_URL/api/sessions" \
	    -o /dev/null "$SB_URL/api/sessions/$nobody/events") == \
	    '200 401 401 401 ' ]]
}

# Lets requests finish, and waits for the end of all processes.
stop_server()
{
	# Its number may be another's by now.
	[[ /proc/${SB_WEB:-0}/cwd -ef $SB_RUN ]] || return 0
	stop_home
	if ! eventually 30 not is_group_alive "$SB_WEB"; then
		kill -KILL -- "-$SB_WEB"
		return 1
	fi
	SB_WEB=
	forget_fakes
	rm -rf "$SB_RUN"
}

forget_fakes()
{
	local id

	[[ -e $SB_RUN/faked ]] || return 0
	while read -r id; do
		rm -f "/dev/shm/faketime_shm_$id" \
		    "/dev/shm/sem.faketime_sem_$id"
	done <"$SB_RUN/faked"
}

# children PID...: their living ones, one a line.
children()
{
	local IFS=,

	(($# == 0)) || ps -o pid=,stat= --ppid "$*" | awk '$2 !~ /^Z/ { print $1 }'
}

# The processes that the web server started, and the workers that those forked.
programs()
{
	children "$SB_WEB"
}

workers()
{
	# shellcheck disable=SC2046
	children $(programs)
}

# Ends them for good: what is started from now on ends at once.
break_programs()
{
	local file

	printf '#!/bin/sh\nexit 1\n' >"$SB_RUN/broken"
	chmod +x "$SB_RUN/broken"
	while read -r file; do
		cp "$SB_RUN/broken" "$file.new"
		mv -f "$file.new" "$file"
	done < <(find "$SB_RUN" \( -name auth -o -name chat -o -name events \
	    -o -name meta -o -name '*.fcgi' \) ! -type d)
	# shellcheck disable=SC2046
	kill -KILL $(ps -e -o pid=,pgid=,args= | awk -v group="$SB_WEB" '
		$2 == group && /\/(auth|chat|events|meta)(\.fcgi)?( |$)/ { print $1 }') \
	    2>/dev/null || true
}

# call METHOD PATH [CURL-OPTION...]: sets $code and $body, and leaves the
# header fields in a file for `header'.
call()
{
	code=$(curl -sS -X "$1" -o "$BATS_TEST_TMPDIR/body" \
	    -D "$BATS_TEST_TMPDIR/headers" -w '%{http_code}' \
	    "$SB_URL$2" "${@:3}") || fail "curl: $1 $2"
	body=$(<"$BATS_TEST_TMPDIR/body")
}

# header NAME: its value in the last answer; fails if it isn't there.
header()
{
	awk -v name="${1,,}:" '
		tolower($1) == name {
			sub(/^[^ ]* */, "")
			sub(/\r$/, "")
			print
			found = 1
		}
		END { exit !found }' "$BATS_TEST_TMPDIR/headers"
}

# assert_answer CODE [BODY]
assert_answer()
{
	if [[ $code != "$1" || ( $# -gt 1 && $body != "$2" ) ]]; then
		fail "expected: $*
answered: $code $body"
	fi
}

# field NAME: of the JSON in $body.
field()
{
	jq -er --arg name "$1" '.[$name]' <<<"$body"
}

# register NAME; login NAME: their codes and bodies, as call.
register()
{
	call POST /api/auth/register -H 'Content-Type: application/json' -d \
	    "{\"email\":\"$1@example.com\",\"username\":\"$1\",\"password\":\"password123\"}"
}

login()
{
	call POST /api/auth/login -d "username=$1&password=password123"
}

me()
{
	call GET /api/auth/me -H "Authorization: Bearer $1"
}

refresh()
{
	call POST /api/auth/refresh -H 'Content-Type: application/json' \
	    -d "{\"refresh_token\":\"$1\"}"
}

# Ends the processes whose ids a test put into $background.
stop_background()
{
	((${#background[@]} > 0)) || return 0
	kill "${background[@]}" 2>/dev/null || true
	wait "${background[@]}" 2>/dev/null || true
	background=()
}

# many N COMMAND...: runs it N times, all at once, with {} for 1 to N.
many()
{
	seq "$1" | xargs -P "$1" -I {} "${@:2}"
}

# probe_path TOKEN PATH LAST: calls it LAST times, not all at once; the code of
# each answer and its seconds are a line on standard error.
probe_path()
{
	exec curl -s -m 10 -o /dev/null \
	    -w '%{stderr}%{http_code} %{time_total}\n' \
	    --rate 20/s -H "Authorization: Bearer $1" \
	    "$SB_URL$2?[1-$3]" >/dev/null 3>&-
}

# probe TOKEN: calls both programs until stop_background, into `probe-*'; before
# that, while nothing else goes on, some times into `usual-*'.
probe()
{
	local path
	for path in /health /api/auth/me; do
		(probe_path "$1" "$path" 20) 2>"usual${path//\//-}"
	done
	for path in /health /api/auth/me; do
		probe_path "$1" "$path" 9999 2>"probe${path//\//-}" &
		background+=($!)
	done
}

# The seconds in the middle of a probe's, in microseconds.
median()	# FILE
{
	awk '{ print int($2 * 1000000) }' "$1" | sort -n |
	    awk '{ n[NR] = $1 } END { print n[int((NR + 1) / 2)] }'
}

# Whether there are so many answers on either path.
has_probed()	# N
{
	local file

	for file in probe-*; do
		(($(wc -l <"$file") > $1)) || return 1
	done
}

# Stops it; all were answered by 200, on both paths, and nine in ten within a
# second: starved, they would wait as long as what they are starved by.  The one
# in the middle took at most twenty times what is usual, or 200 ms, where all
# that goes on has to share the processors.
assert_probed()	# N, at least
{
	local file now most

	stop_background
	for file in probe-*; do
		# Who was stopped may have left a line without end.
		sed -i '${/^... [0-9.]*[.][0-9]\{6\}$/!d}' "$file"
		run -0 awk '$1 != 200' "$file"
		refute_output
		run -0 awk '$2 > 1 { late++ } END { exit late > NR / 10 }' \
		    "$file"
		(($(wc -l <"$file") >= $1)) || fail "$file: $(wc -l <"$file")"
		now=$(median "$file")
		most=$(($(median "usual${file#probe}") * 20))
		((most > 200000)) || most=200000
		((now <= most)) || fail "$file: $now, not $most microseconds"
	done
}
