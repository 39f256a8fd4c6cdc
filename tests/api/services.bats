#!/usr/bin/env bats
#
# What the installation brings for the system that it runs on: units, examples,
# rules for what reads logs; that it is put in place and taken away again.

load harness
load command

setup_file()
{
	new_data
	export ROOT=$BATS_FILE_TMPDIR/root
	make_ install
}

# make of the build, as of one configured for a system, into a folder of ours;
# the make that runs the tests is none of its business.
make_()
{
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
	    make -s -C "$SB_BUILD" "DESTDIR=$ROOT" prefix=/usr sysconfdir=/etc \
	    localstatedir=/var "$@" >/dev/null
}

files()
{
	(cd "$ROOT" && find . ! -type d | sort)
}

# ---------------------------------------------------------------- make install

@test "make install puts each thing in its place" {
	run -0 files
	for file in usr/bin/switchboard \
	    usr/libexec/switchboard/{auth,chat,events,meta} \
	    usr/share/switchboard/openapi.json \
	    usr/share/man/man1/switchboard.1 \
	    usr/share/man/man5/switchboard.env.5 \
	    usr/share/man/man8/switchboard.8 \
	    usr/share/bash-completion/completions/switchboard \
	    usr/share/doc/switchboard/{README,SECURITY}.md \
	    usr/share/doc/switchboard/examples/logrotate/switchboard \
	    usr/share/doc/switchboard/examples/logcheck/switchboard \
	    usr/share/doc/switchboard/examples/cron/switchboard \
	    usr/share/doc/switchboard/examples/lighttpd/lighttpd.conf \
	    usr/share/doc/switchboard/examples/systemd/lighttpd.conf \
	    usr/share/doc/switchboard/examples/systemd/{sysusers,tmpfiles}.conf \
	    usr/lib/systemd/system/switchboard.target; do
		has "$output"$'\n' "./$file"$'\n'
	done
	# systemd reads these at each boot, and would take data from others.
	run -1 grep -E 'sysusers[.]d|tmpfiles[.]d' <<<"$output"
	# Nor are there data, settings, which init would leave alone, or a log.
	is "$(cd "$ROOT" && echo * usr/* usr/share/*)" \
	    'usr usr/bin usr/lib usr/libexec usr/share usr/share/bash-completion usr/share/doc usr/share/man usr/share/switchboard'
}

@test "examples name the paths of the installation" {
	cd "$ROOT/usr/share/doc/switchboard/examples"
	run -1 grep -rE '@[a-z_]+@|/usr/local' .
	has "$(<apache/fcgid.conf)" \
	    'Define SWITCHBOARD_PROGRAMS /usr/libexec/switchboard'
	has "$(<apache/proxy.conf)" ' /etc/switchboard.env'
	has "$(<cron/switchboard)" ' /usr/bin/switchboard tick --quiet'
	has "$(<cron/switchboard)" ' /var/backups/switchboard'$'\n'
	has "$(<logrotate/switchboard)" '/var/log/switchboard/*.log {'
	[ -x lighttpd/start ]
}

@test "what is uninstalled is gone, but for data and settings" {
	local ROOT=$BATS_TEST_TMPDIR/root
	make_ install
	mkdir -p "$ROOT/var/lib/switchboard" "$ROOT/etc"
	touch "$ROOT/var/lib/switchboard/switchboard.db" \
	    "$ROOT/etc/switchboard.env"
	make_ uninstall
	run -0 files
	is "$output" './etc/switchboard.env
./var/lib/switchboard/switchboard.db'
	run -0 find "$ROOT/usr" -name 'switchboard*'
	is "$output" ''
}

@test "a program that is installed anew can be run all the time" {
	local runner program=$ROOT/usr/libexec/switchboard/meta

	make_ install-pkglibexecPROGRAMS
	# Until it is told to stop, or cannot run it.
	while [ ! -e "$BATS_TEST_TMPDIR/stop" ]; do
		"$program" --version >/dev/null || exit 1
	done 3>&- &
	runner=$!
	for _ in {1..5}; do
		make_ install-pkglibexecPROGRAMS
	done
	touch "$BATS_TEST_TMPDIR/stop"
	wait $runner
}

# ---------------------------------------------------------------- systemd

# The units as of an installation here, as those that are built name programs
# that may not be installed.
make_units()
{
	units=$BATS_TEST_TMPDIR/units
	make_ -f Makefile -f "$SB_SOURCE/tests/server/later.mk" \
	    "UNITS=$units" "prefix=$ROOT/usr" localstatedir=/var units
}

@test "systemd understands every line of the units" {
	command -v systemd-analyze >/dev/null || skip 'no systemd-analyze'
	make_units
	mkdir "$units/stubs"
	for name in sysinit basic sockets timers shutdown multi-user; do
		printf '[Unit]\nDefaultDependencies=no\n' \
		    >"$units/stubs/$name.target"
	done
	make_ install-pkglibexecPROGRAMS install-binPROGRAMS
	cd "$units"
	SYSTEMD_UNIT_PATH=$units:$units/stubs run -0 systemd-analyze verify \
	    --man=no switchboard.target switchboard@{auth,chat,events,meta}.{service,socket} \
	    switchboard-{tick,backup}.{service,timer} switchboard-work.service
	is "$output" ''
	systemd-sysusers --dry-run "$units/sysusers.conf"
	for name in auth chat events meta; do
		has "$(<switchboard.target)" "switchboard@$name.socket"
	done
}

@test "each service is exposed at 0.2 of 10 at most" {
	command -v systemd-analyze >/dev/null || skip 'no systemd-analyze'
	make_units
	cd "$units"
	for name in switchboard@ switchboard-tick switchboard-backup; do
		# The threshold is in tenths.
		run -0 systemd-analyze security --offline=true --threshold=2 \
		    --no-pager "./$name.service"
	done
}

@test "the one that has the network is exposed by that alone" {
	command -v systemd-analyze >/dev/null || skip 'no systemd-analyze'
	make_units
	cd "$units"
	run -0 systemd-analyze security --offline=true --threshold=11 \
	    --no-pager ./switchboard-work.service
	has "$(<switchboard.target)" switchboard-work.service
}

# ---------------------------------------------------------------- logs

# What is reported of the lines that were logged, as logcheck does it: by syslog
# and by the journal, of which one adds its time to what it is given.
reported()
{
	sed -e '/^#/d' -e '/^ *$/d' "$SB_SOURCE/deploy/logcheck/switchboard" \
	    >"$BATS_TEST_TMPDIR/rules"
	{
		sed -E 's/^[^ ]+ ([a-z]+ ([a-z]+) )/Nov  3 04:05:06 a-host \2[12345]: \1/' "$1"
		sed -E 's/^[^ ]+ [a-z]+ ([a-z]+) /2026-11-23T04:05:06.123456+01:00 a-host \1[1]: &/' "$1"
	} | grep --text -Ev -f "$BATS_TEST_TMPDIR/rules" || true
}

@test "logcheck's rules know each ordinary line, and nothing else" {
	local -a cgi=(LOG_FILE="$BATS_TEST_TMPDIR/log")
	new_data
	register anna
	me "$access"
	expect 200
	rotate "$refresh"
	call DELETE "/api/auth/sessions/$(claim sid "$access")" \
	    "Authorization: Bearer $access"
	expect 204
	me nonsense
	call GET /nowhere
	call PUT "/api/auth/login/%0a\$(x)?'y"
	call GET '*'
	call PUT /api/auth/login
	try_register anna
	post /api/auth/register '{'
	post /api/auth/register "{\"username\":\"$(printf '%70000s' '')\"}"
	expect 413
	local -a settings=("${settings[@]}" RATE_LIMIT_PER_ADDRESS=1)
	post /api/auth/login '{}'
	post /api/auth/login '{}'
	expect 429
	"$SB_BUILD/bin/switchboard" migrate 2>>"$BATS_TEST_TMPDIR/log"
	cat >>"$BATS_TEST_TMPDIR/log" <<'END'
2026-11-23T15:01:41.564109Z info auth -: starting anew
2026-11-23T15:01:41.564109Z info meta 01a208e0-0000-7000-8000-000000000001: the client went away
2026-11-23T15:01:41.564109Z info switchboard -: webhook 01a208e0-0000-7000-8000-000000000001: sent by attempt 1, 12.345 ms
2026-11-23T15:01:41.564109Z info switchboard -: webhook 01a208e0-0000-7000-8000-000000000001: attempt 2 failed: it answered 500; the next in 4.1 s
2026-11-23T15:01:41.564109Z info switchboard -: webhook 01a208e0-0000-7000-8000-000000000001: attempt 3 failed: the address is not one of the Internet's: WEBHOOK_PRIVATE would allow it; the next in 16.9 s
END
	run -0 cut -d ' ' -f 2-3,5 "$BATS_TEST_TMPDIR/log"
	for status in 200 201 204 400 401 404 405 413 422 429 database: \
	    starting the; do
		has "$output" " $status"
	done
	run -0 reported "$BATS_TEST_TMPDIR/log"
	is "$output" ''

	rm "$BATS_TEST_TMPDIR/log"
	cgi=(LOG_FILE="$BATS_TEST_TMPDIR/log" SECRET_KEY=short)
	call GET /health
	cgi=(LOG_FILE="$BATS_TEST_TMPDIR/log" WORKERS=many)
	call GET /health
	cgi=(LOG_FILE="$BATS_TEST_TMPDIR/log")
	settings+=(RATE_LIMIT_PER_ADDRESS=0)
	rm "$SWITCHBOARD_DATA"/switchboard.db*
	mkdir "$SWITCHBOARD_DATA/switchboard.db"
	try_login anna
	run -0 cat "$BATS_TEST_TMPDIR/log"
	for word in warning error 500 503; do
		has "$output" " $word "
	done
	sed -i '/ 200 /d' "$BATS_TEST_TMPDIR/log"
	run -0 reported "$BATS_TEST_TMPDIR/log"
	is "${#lines[@]}" $((2 * $(wc -l <"$BATS_TEST_TMPDIR/log")))
}

# ---------------------------------------------------------------- upgrades

# What is asked of a program before it takes the place of an earlier one.
@test "a program says whether it would serve" {
	check()
	{
		run "$@" env -i SWITCHBOARD_ENV_FILE=/dev/null \
		    "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" "${env[@]}" \
		    "$programs/auth" --check
	}
	new_data
	env=()
	check -0
	is "$(ls -A "$SWITCHBOARD_DATA")" '' 'what it makes'
	env=(WAITERS=many)
	check -78
	has "$output" 'WAITERS: "many" is not accepted'

	env=()
	register anna
	check -0
	sql "PRAGMA user_version = 900;
	    INSERT INTO schema_steps (step, name, oldest, applied_at)
	    VALUES (900, 'later', 900, 0)"
	check -75
	has "$output" 'install the newer programs'
}
