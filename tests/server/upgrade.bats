#!/usr/bin/env bats
#
# A running installation becomes a later version, with a schema step more, while
# clients call it without end: every request is answered, and well.

load harness
load systemd

setup_file()
{
	export LATER=$BATS_FILE_TMPDIR/later

	make_ -j 2 -f Makefile -f "$SB_SOURCE/tests/server/later.mk" later
	VERSION=$("$SB_BUILD/libexec/switchboard/meta" --version)
	export VERSION=${VERSION##* }
}

setup()
{
	background=()
	prefix=$BATS_TEST_TMPDIR/installation
	make_data
	SB_LOG=$BATS_TEST_TMPDIR/server.log
	install_
}

teardown()
{
	stop_background
	stop_server
	stop_systemd
	tail -n 20 "$SB_LOG" ${systemd+"$systemd/log" "$SB_SERVICE_LOG"} || true
	rm -rf "$data_made" "${systemd-}"
}

# The make that runs the tests is none of this one's business.
make_()
{
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
	    make -s -C "$SB_BUILD" "LATER=$LATER" "$@" >/dev/null
}

# install_ [KIND]: this version, or a later one, as `make install' does it.
install_()
{
	local from=${1:+$LATER/$1}

	make_ "prefix=$prefix" \
	    ${1:+"pkglibexec_PROGRAMS=$(echo "$from"/{auth,chat,events,meta})"} \
	    ${1:+"bin_PROGRAMS=$from/switchboard"} \
	    install-pkglibexecPROGRAMS install-binPROGRAMS install-pages
}

start_callers()
{
	"$SB_SOURCE/tests/server/callers" "$BATS_TEST_TMPDIR/ledger" 8 3>&- &
	background+=($!)
	ledger=0
	has_gone_on 100
	eventually 30 has_served "$VERSION"
}

# Until there are so many answers more.
has_gone_on()
{
	ledger=$((ledger + $1))
	eventually 30 has_answers $ledger
}

has_answers()
{
	(($(cat "$BATS_TEST_TMPDIR/ledger" 2>/dev/null | wc -l) >= $1))
}

# Whether no process runs a program that was replaced.
are_all_new()	# [PID...]
{
	local pid

	(($# > 0)) || set -- $(programs) $(workers)
	for pid; do
		[[ $(readlink "/proc/$pid/exe") != *deleted* ]] || return 1
	done
}

# How many answers there were of a version.
answers_of()
{
	grep -c "^200 /health $1$" "$BATS_TEST_TMPDIR/ledger" || true
}

# Whether callers of each kind have met this version.
has_served()
{
	(($(answers_of "$1") > 10 &&
	    $(grep -c '^201' "$BATS_TEST_TMPDIR/ledger") > 10))
}

# Stops the callers: all were answered well, and what they were told is so.
assert_served()
{
	eventually 30 has_served "$VERSION.1"
	stop_background
	run -0 awk '$1 != 200 && $1 != 201' "$BATS_TEST_TMPDIR/ledger"
	refute_output
	awk '$1 == 201 { print $3 }' "$BATS_TEST_TMPDIR/ledger" |
	    sort >"$BATS_TEST_TMPDIR/told"
	sqlite3 "$SB_DATA/switchboard.db" \
	    "SELECT username FROM users" | sort >"$BATS_TEST_TMPDIR/kept"
	run -0 comm -23 "$BATS_TEST_TMPDIR/told" "$BATS_TEST_TMPDIR/kept"
	refute_output
	# Nobody went back.
	run -0 bash -c 'grep "/health" "$1" | tail -n 10 | cut -d " " -f 3 |
	    sort -u' - "$BATS_TEST_TMPDIR/ledger"
	assert_output "$VERSION.1"
}

@test "FastCGI: new programs, the schema, and then SIGHUP" {
	start_server "$prefix"
	start_callers
	install_ gentle
	has_gone_on 50
	run -0 "$prefix/bin/switchboard" migrate
	assert_output --partial '(was '
	# The earlier programs work with it.
	has_gone_on 100
	assert_equal "$(answers_of "$VERSION.1")" 0
	# shellcheck disable=SC2046
	kill -HUP $(programs)
	eventually 30 are_all_new
	has_gone_on 200
	assert_served
}

@test "FastCGI: a step that the running programs can't work with" {
	start_server "$prefix"
	start_callers
	install_ strict
	run -0 "$prefix/bin/switchboard" migrate
	# They see that by themselves, and there is what to become.
	eventually 30 are_all_new
	has_gone_on 200
	assert_served
}

@test "FastCGI: what would not start replaces nothing" {
	start_server "$prefix"
	start_callers
	before=$(programs)
	mkdir "$prefix/libexec/etc"
	echo 'RATE_LIMIT_WINDOW_SECONDS=soon' \
	    >"$prefix/libexec/etc/switchboard.env"
	install_ gentle
	# shellcheck disable=SC2046
	kill -HUP $(programs)
	eventually 30 has_logged 4 'would not start'
	has_gone_on 50
	assert_equal "$(programs)" "$before"
	assert_equal "$(answers_of "$VERSION.1")" 0
	run -0 grep -c 'RATE_LIMIT_WINDOW_SECONDS: "soon" is not accepted' \
	    "$SB_LOG"
	assert_output 4

	# Once it is mended it does, and a later SIGHUP counts as well.
	rm "$prefix/libexec/etc/switchboard.env"
	for _ in 1 2 3; do
		# shellcheck disable=SC2046
		kill -HUP $(programs) $(workers)
		eventually 30 are_all_new
		has_gone_on 50
	done
	has_gone_on 200
	assert_served
}

@test "CGI: programs are the old ones or the new ones, and never neither" {
	SB_HOME=lighttpd-cgi start_server "$prefix"
	# The home has an installation of its own.
	prefix=$SB_RUN
	export SB_DATA=$SB_RUN/data SWITCHBOARD_DATA=$SB_RUN/data
	start_callers
	for kind in '' gentle gentle; do
		install_ $kind
		has_gone_on 20
	done
	run -0 "$prefix/bin/switchboard" migrate
	assert_output --partial 'already at step'
	has_gone_on 50
	assert_served
}

# Whether no worker has that file open; a parent writes nothing meanwhile.
is_left()	# FILE
{
	local pid

	for pid in $(workers); do
		[ -z "$(find "/proc/$pid/fd" -lname "$1")" ] || return 1
	done
}

@test "a log that is rotated meanwhile has each line once" {
	local log=$BATS_TEST_TMPDIR/log/switchboard units=$BATS_TEST_TMPDIR/units

	command -v logrotate >/dev/null || skip 'no logrotate'
	mkdir -p -m 750 "$log"
	make_ -f Makefile -f "$SB_SOURCE/tests/server/later.mk" \
	    "UNITS=$units" "localstatedir=$BATS_TEST_TMPDIR" units
	sed -i "s/su .*/su $(id -un) $(id -gn)/" "$units/logrotate"
	settings=(LOG_FILE="$log/switchboard.log")
	start_server "$prefix"
	start_callers
	for _ in 1 2 3; do
		logrotate --force --state "$units/state" "$units/logrotate"
		# Within a second of a request the programs look again.
		eventually 30 is_left "$log/switchboard.log.1"
		has_gone_on 50
	done
	stop_background
	stop_server

	run -0 ls "$log"
	assert_output 'switchboard.log
switchboard.log.1
switchboard.log.2.gz
switchboard.log.3.gz'
	zcat -f "$log"/* | sort >"$BATS_TEST_TMPDIR/logged"
	grep -E '^[^ ]+Z [a-z]+ (auth|chat|events|meta) ' "$SB_LOG" |
	    sort >"$BATS_TEST_TMPDIR/said"
	cmp "$BATS_TEST_TMPDIR/logged" "$BATS_TEST_TMPDIR/said"
}

# Debian's own lighttpd, as far as it matters here, with our fragment.
start_lighttpd_before_systemd()
{
	load_home()
	{
		SB_PREFIX=
		start_home() { start_lighttpd; }
		stop_home() { kill -INT "$SB_WEB"; }
	}
	start_server
}

start_lighttpd()
{
	sed "s|/run/switchboard/|$systemd&|" \
	    "$SB_SOURCE/deploy/systemd/lighttpd.conf" >"$SB_RUN/fragment.conf"
	cat >"$SB_RUN/lighttpd.conf" <<END
server.modules       = ( "mod_fastcgi" )
server.bind          = "127.0.0.1"
server.port          = $SB_PORT
server.document-root = "$SB_RUN"
server.upload-dirs   = ( "$SB_RUN" )
include "fragment.conf"
END
	cd "$SB_RUN" || return
	setsid lighttpd -D -f "$SB_RUN/lighttpd.conf" >>"$SB_LOG" 2>&1 \
	    </dev/null 3>&- &
	SB_WEB=$!
	cd "$OLDPWD" || return
}

services()
{
	cat "$cgroup"/system.slice/*/switchboard@*.service/cgroup.procs
}

services_are_new()
{
	# shellcheck disable=SC2046
	are_all_new $(services)
}

# connect_as USER: to a program's socket.
connect_as()
{
	# shellcheck disable=SC2016
	in_systemd setpriv --reuid "$1" --regid "$(id -g "$1")" \
	    --init-groups /usr/bin/python3 -c '
import socket
socket.socket(socket.AF_UNIX).connect("/run/switchboard/auth.sock")'
}

# What the services are told by the file of settings, in either place of it.
configure_services()
{
	local folder

	for folder in "$prefix/etc" "$prefix/libexec/etc"; do
		mkdir -p "$folder"
		{
			SB_PREFIX=
			settings_of_test
			echo SWITCHBOARD_DATA=/srv/state/lib/switchboard
			echo LOG_FILE=/srv/state/log/switchboard/log
		} >"$folder/switchboard.env"
	done
}

@test "systemd: the same by systemctl reload, and any restart" {
	! grep -q __asan_init "$SB_BUILD/libexec/switchboard/auth" ||
		skip 'the sandbox keeps the sanitizers from looking for leaks'
	systemd=$(mktemp -d /tmp/switchboard-test.XXXXXX)
	mv "$prefix" "$systemd/installation"
	prefix=$systemd/installation
	configure_services
	start_systemd "$systemd"
	SB_DATA=$systemd/state/lib/switchboard
	SB_SERVICE_LOG=$systemd/state/log/switchboard/log
	run ! in_systemd test -w /etc
	in_systemd /srv/installation/bin/switchboard migrate
	in_systemd systemctl start switchboard.target
	connect_as www-data
	run -1 connect_as nobody
	assert_output --partial PermissionError

	start_lighttpd_before_systemd
	start_callers
	install_ gentle
	in_systemd /srv/installation/bin/switchboard migrate
	has_gone_on 100
	assert_equal "$(answers_of "$VERSION.1")" 0
	in_systemd systemctl reload 'switchboard@*.service'
	eventually 30 services_are_new
	has_gone_on 100
	in_systemd systemctl restart 'switchboard@*.service'
	has_gone_on 100
	in_systemd systemctl kill --kill-who=main --signal=KILL \
	    'switchboard@*.service'
	has_gone_on 100
	in_systemd systemctl start switchboard-tick switchboard-backup
	assert_served
	run -0 stat -c '%U %a' "$systemd"/state/backups/switchboard/*.backup
	assert_output 'UNKNOWN 600'
	run ! in_systemd systemctl --failed --quiet is-failed 'switchboard*'
}

has_logged()	# N TEXT
{
	(($(grep -c "$2" "$SB_LOG") >= $1))
}
