#!/usr/bin/env bats
#
# deploy/quickstart as a newcomer runs it: from a copy of the source tree, in a
# path with a space, built there by itself.  It is never let install packages.
# And what tests/run says of mistakes and failures, in a tree of two tests.

load harness

setup_file()
{
	export SB_HOME
	umask 022
	SB_HOME=$(mktemp -d /tmp/switchboard-test.XXXXXX)
	chmod 755 "$SB_HOME"
	export SB_TOP="$SB_HOME/a copy" XDG_CACHE_HOME=$SB_HOME/cache
	unset XDG_RUNTIME_DIR HOST PORT WORKERS SWITCHBOARD_DATA
	export SCRYPT_N=1024 SCRYPT_R=1 SCRYPT_P=1
	mkdir "$SB_TOP"
	tar -C "$SB_SOURCE" -cf - --exclude=./build --exclude=./.git \
	    --exclude=./data --exclude=./config.status . |
	    tar -C "$SB_TOP" -xf - --no-same-owner
	chmod -R u+w,go+rX "$SB_TOP"
}

teardown_file()
{
	rm -rf "$SB_HOME"
}

setup()
{
	export SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/data PORT
	PORT=$(free_port)
	started=()
}

teardown()
{
	local pid

	for pid in "${started[@]}"; do
		# Its number may be another's by now.
		grep -qs "$SB_TOP" "/proc/$pid/cmdline" || continue
		kill -TERM "$pid"
		eventually 30 not is_alive "$pid" || kill -KILL "$pid"
	done
}

# start_quickstart [OPTION...]: until its welcome.  Sets $quick, its process id
# and group, $log, and $web, lighttpd's.  As under a terminal, Ctrl-C is heard.
start_quickstart()
{
	log=$BATS_TEST_TMPDIR/log.${#started[@]}
	env --default-signal=INT,QUIT,TERM,HUP setsid \
	    "$SB_TOP/deploy/quickstart" --no-install "$@" \
	    >"$log" 2>&1 </dev/null 3>&- &
	quick=$!
	started+=("$quick")
	if ! eventually 120 is_welcome_or_gone || ! is_alive "$quick"; then
		cat "$log" >&2
		return 1
	fi
	web=$(pgrep -P "$quick" -x lighttpd)
	SB_WEB=$web
	SB_URL=http://127.0.0.1:$PORT
}

# Without building, once it is built.
start_built()
{
	build_once
	start_quickstart --prefix "$SB_TOP/build/quickstart"
}

build_once()
{
	[[ -e $SB_TOP/build/quickstart/bin/switchboard ]] || start_and_stop
}

start_and_stop()
{
	start_quickstart
	kill -TERM "$quick"
	wait "$quick"
}

is_welcome_or_gone()
{
	grep -q 'Ctrl-C stops it' "$log" || not is_alive "$quick"
}

# Runs quickstart to its end, which is soon.
run_quickstart()
{
	build_once
	run --separate-stderr timeout 120 "$SB_TOP/deploy/quickstart" \
	    --no-install --prefix "$SB_TOP/build/quickstart" "$@" 3>&-
}

# note_traces, and then, when it is to be over: assert_no_traces.
note_traces()
{
	directory=$(readlink "/proc/$web/cwd")
	[[ -S $directory/meta.sock ]]
}

assert_no_traces()
{
	eventually 30 not is_alive "$quick"
	eventually 30 not is_group_alive "$web"
	[[ ! -e $directory ]] || fail "$directory is still there"
	run ! is_listening "$PORT"
}

@test "one command builds and serves, and its own examples work" {
	start_quickstart
	run -0 cat "$log"
	for path in / /console /docs /health /openapi.json; do
		assert_output --partial "  $SB_URL$path "
		call GET "$path"
		assert_answer 200
	done

	# No request came before the sockets were there.
	refute_output --partial "establishing connection failed"
	refute_output --partial "are down"

	mapfile -t calls < <(grep '^  curl ' "$log")
	assert_equal "${#calls[@]}" 3
	run -0 bash -c "${calls[0]} -s"
	[[ $(jq -r .token_type <<<"$output") == bearer ]]
	run -0 bash -c "${calls[1]} -s"
	token=$(jq -er .access_token <<<"$output")
	run -0 bash -c "${calls[2]//ACCESS_TOKEN/$token} -s"
	[[ $(jq -r .username <<<"$output") == testuser ]]

	# Only for this machine, and only its owner reads the data.
	run -0 ss -Hltn "( sport = :$PORT )"
	assert_equal "${#lines[@]}" 1
	assert_output --partial "127.0.0.1:$PORT"
	assert_equal "$(stat -c %a "$SWITCHBOARD_DATA")" 700
}

@test "started again it has the same accounts, and builds nothing anew" {
	start_quickstart
	register again
	assert_answer 201
	access=$(field access_token)
	kill -INT -- "-$quick"
	wait "$quick"
	program=$SB_TOP/build/quickstart/libexec/switchboard/auth
	before=$(cksum <"$program")

	start_quickstart
	login again
	assert_answer 200
	me "$access"
	assert_answer 200
	assert_equal "$(cksum <"$program")" "$before"
	refute grep -q configuring "$log"
}

@test "it invites only when every program is at work" {
	build_once
	slow=$BATS_TEST_TMPDIR/prefix
	cp -R "$SB_TOP/build/quickstart" "$slow"
	mv "$slow/libexec/switchboard/auth" "$slow/auth"
	printf '#!/bin/sh\nsleep 2\nexec "%s/auth"\n' "$slow" \
	    >"$slow/libexec/switchboard/auth"
	chmod +x "$slow/libexec/switchboard/auth"
	start_quickstart --prefix "$slow"
	register early
	assert_answer 201
	# It has asked auth; a line of the log comes after its answer.
	eventually 30 grep -q ' auth .* 401 ' "$log"
	run -0 cat "$log"
	refute_output --partial "establishing connection failed"
	refute_output --partial "are down"
}

@test "a poor SECRET_KEY is a warning of the programs alone" {
	export SECRET_KEY=changeme
	start_built
	run -0 grep -c 'SECRET_KEY counts as not set' "$log"
	assert_output 4
	run -0 grep 'SECRET_KEY counts as not set' "$log"
	assert_output --partial "warning meta "
	assert_output --partial "warning auth "
	unset SECRET_KEY
}

@test "without a data directory of one's own it is in the checkout" {
	unset SWITCHBOARD_DATA
	start_built
	[[ -s $SB_TOP/data/switchboard.db ]]
	assert_equal "$(stat -c %a "$SB_TOP/data")" 700
}

@test "two serve beside each other, on one database if so wished" {
	start_built
	first=$SB_URL
	register both
	assert_answer 201
	access=$(field access_token)
	PORT=$(free_port)
	start_built
	[[ $SB_URL != "$first" ]]
	me "$access"
	assert_answer 200
	SB_URL=$first
	me "$access"
	assert_answer 200
}

@test "a port in use is one clear line, before anything is done" {
	start_built
	export SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/other
	run_quickstart
	assert_equal "$status" 1
	assert_equal "$stderr" "quickstart: something answers at 127.0.0.1:$PORT already; choose another port: PORT=$((PORT + 1)) deploy/quickstart"
	[[ ! -e $SWITCHBOARD_DATA ]]
	call GET /health
	assert_answer 200
}

@test "Ctrl-C, SIGTERM and SIGHUP stop it and leave nothing behind" {
	for signal in INT TERM HUP; do
		start_built
		note_traces
		if [[ $signal == INT ]]; then
			kill -INT -- "-$quick"
		else
			kill "-$signal" "$quick"
		fi
		wait "$quick"
		assert_no_traces
	done
}

@test "a request in hand is finished after Ctrl-C" {
	export SCRYPT_N=131072 SCRYPT_R=8
	start_built
	register slow
	assert_answer 201
	curl -s -o "$BATS_TEST_TMPDIR/answer" -w '%{http_code}' \
	    -d 'username=slow&password=password123' \
	    "$SB_URL/api/auth/login" >"$BATS_TEST_TMPDIR/code" 3>&- &
	client=$!
	eventually 30 is_hashing
	kill -INT -- "-$quick"
	wait "$client"
	assert_equal "$(<"$BATS_TEST_TMPDIR/code")" 200
	wait "$quick"
}

# Whether a worker is at work: on a processor, that is.
is_hashing()
{
	# shellcheck disable=SC2046
	ps -o stat= -p $(workers | paste -sd,) | grep -q '^R'
}

@test "lighttpd killed: all is cleaned up, and it says so" {
	start_built
	note_traces
	kill -KILL "$web"
	wait "$quick" && fail "it must not have succeeded"
	assert_no_traces
	run -0 tail -n 1 "$log"
	assert_output "quickstart: lighttpd has ended, with status 137"
}

@test "itself killed: no process stays" {
	start_built
	note_traces
	kill -KILL "$quick"
	eventually 30 not is_group_alive "$web"
	run ! is_listening "$PORT"
	rm -rf "$directory"
}

@test "HOST and PORT in the data directory's .env are honoured" {
	build_once
	mkdir -m 700 "$SWITCHBOARD_DATA"
	printf 'HOST=0.0.0.0\nport="%d"\nENVIRONMENT=staging\n' "$PORT" \
	    >"$SWITCHBOARD_DATA/.env"
	chosen=$PORT
	unset PORT
	start_built
	run -0 ss -Hltn "( sport = :$chosen )"
	assert_output --partial "0.0.0.0:$chosen"
	run -0 curl -s "http://127.0.0.1:$chosen/health"
	assert_output --partial '"environment":"staging"'
	run -0 cat "$log"
	assert_output --partial "HOST is 0.0.0.0"
	# The environment wins.
	PORT=$(free_port) HOST=127.0.0.1
	export PORT HOST
	start_built
	call GET /health
	assert_answer 200
	unset HOST
}

@test "a setting that is wrong is one clear line" {
	build_once
	export ACCESS_TOKEN_EXPIRE_MINUTES=soon
	run_quickstart
	assert_equal "$status" 78
	assert_equal "${#stderr_lines[@]}" 1
	[[ $stderr == *'ACCESS_TOKEN_EXPIRE_MINUTES: "soon" is not accepted; it has to be an integer '* ]]
	unset ACCESS_TOKEN_EXPIRE_MINUTES
	for PORT in 0 65536 http; do
		run_quickstart
		((status != 0))
		assert_equal "$stderr" "quickstart: PORT: \"$PORT\" is not accepted; it has to be an integer from 1 to 65535"
	done
}

@test "settings reach the programs, whatever the case of their names" {
	export environment=production
	start_built
	call GET /health
	assert_answer 200
	assert_equal "$(field environment)" production
	unset environment
	# As many workers as cores, but two at least.
	cores=$(nproc)
	assert_equal "$(workers | wc -l)" $((4 * (cores > 2 ? cores : 2)))
}

@test "what is missing is named, and not installed with --no-install" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	for name in dpkg-query apt-get sudo; do
		printf '#!/bin/sh\necho %s >>"%s"\nexit 1\n' "$name" \
		    "$BATS_TEST_TMPDIR/called" >"$BATS_TEST_TMPDIR/bin/$name"
		chmod +x "$BATS_TEST_TMPDIR/bin/$name"
	done
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run --separate-stderr \
	    "$SB_TOP/deploy/quickstart" --no-install
	assert_equal "$status" 1
	[[ $stderr == *lighttpd* && $stderr == *libsqlite3-dev* ]]
	run ! grep -v dpkg-query "$BATS_TEST_TMPDIR/called"
	[[ ! -e $SWITCHBOARD_DATA ]]
}

@test "started by root it serves as the data directory's owner" {
	((EUID == 0)) || skip "only root can show it"
	build_once
	SWITCHBOARD_DATA=$SB_HOME/data-of-another
	mkdir -m 700 "$SWITCHBOARD_DATA"
	chown 65534:65534 "$SWITCHBOARD_DATA"
	start_built
	note_traces
	for pid in $web $(programs) $(workers); do
		run -0 awk '/^(Uid|Gid|Groups):/ { $1 = ""; print }' \
		    "/proc/$pid/status"
		assert_line --index 0 " 65534 65534 65534 65534"
		assert_line --index 1 " 65534 65534 65534 65534"
		assert_equal "${lines[2]// /}" ""
	done
	register owner
	assert_answer 201
	run -0 find "$SWITCHBOARD_DATA" ! -uid 65534
	refute_output
	kill -INT -- "-$quick"
	wait "$quick"
	assert_no_traces
	rm -r "$SWITCHBOARD_DATA"
}

@test "started by root it makes a data directory for whom sudo names" {
	((EUID == 0)) || skip "only root can show it"
	SWITCHBOARD_DATA=$SB_HOME/new/data
	SUDO_UID=65534 SUDO_GID=65534 start_built
	assert_equal "$(stat -c %u:%g:%a "$SWITCHBOARD_DATA")" 65534:65534:700
	assert_equal "$(stat -c %u "/proc/$web")" 65534
}

@test "help and mistakes" {
	run -0 "$SB_TOP/deploy/quickstart" --help
	assert_line --index 0 --partial "Usage: deploy/quickstart"
	assert_output --partial 'SWITCHBOARD_DATA=$PWD/data build/quickstart/bin/switchboard settings'
	run -64 "$SB_TOP/deploy/quickstart" --port 8001
	assert_output "quickstart: --port is not understood; see deploy/quickstart --help"
	run -64 "$SB_TOP/deploy/quickstart" --prefix
	assert_output "quickstart: a folder must follow --prefix; see deploy/quickstart --help"
	run -64 "$SB_TOP/deploy/quickstart" --prefix ''
	assert_output "quickstart: a folder must follow --prefix; see deploy/quickstart --help"
	run -1 "$SB_TOP/deploy/quickstart" --prefix "$BATS_TEST_TMPDIR"
	assert_output "quickstart: nothing is installed in $BATS_TEST_TMPDIR: bin/switchboard is missing"
	[[ ! -e $SWITCHBOARD_DATA ]]
	run -1 "$SB_TOP/deploy/quickstart" --prefix /nowhere
	assert_output 'quickstart: there is no directory "/nowhere"'
}

# make_tree: tests/run in a tree where a build is nothing but a Makefile, and
# whose tests are what this file says.
make_tree()
{
	tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree/tests/api" "$tree/deploy"
	: >"$tree/Makefile.am"
	cp "$SB_SOURCE/tests/run" "$tree/tests/"
	echo 'sb_need() { :; }' >"$tree/deploy/packages"
	cat >"$tree/deploy/build" <<-'END'
		sb_jobs() { echo 1; }
		sb_source() { echo "$1"; }
		sb_configure() { mkdir -p "$2/tests/api" && cp "$1/makefile" "$2/"; }
	END
	cat >"$tree/makefile" <<-END
		TESTS = tests/api/bad.bats tests/api/dead.bats tests/api/good.bats
		check: ; @for t in \$(TESTS); do AM_TAP_AWK=awk \
			    sh '$SB_SOURCE/build-aux/tap-driver.sh' \
			    --test-name \$\$t --log-file \$\$t.log \
			    --trs-file \$\$t.trs --color-tests no \
			    --enable-hard-errors yes --expect-failure no -- \
			    sh '$tree'/\$\$t; done; \
			! grep -q 'result: [EF]' tests/api/*.trs
	END
	echo 'echo 1..1; echo ok 1 fine; echo "# aside"' \
	    >"$tree/tests/api/good.bats"
	cat >"$tree/tests/api/bad.bats" <<-'END'
		echo 1..3
		echo ok 1 this
		echo "# of this"
		echo ok 2 that
		echo not ok 3 other
		seq -f '# line %g' 30
		exit 1
	END
	echo 'echo 1..1; echo "# boom" >&2; echo ok 1; exit 3' \
	    >"$tree/tests/api/dead.bats"
}

@test "tests/run: mistakes are one line, before anything is built" {
	make_tree
	run -64 "$tree/tests/run" --bogus
	assert_output "tests/run: --bogus is not understood; see tests/run --help"
	cd "$tree/tests/api"
	for name in good.bats tests/api/none.bats tests/unit/api "$PWD"; do
		run -64 ../run "$name"
		assert_output "tests/run: there is no test \"$name\"; name it from the top of the tree, as in tests/api/login.bats"
	done
	[[ ! -e $tree/build ]]
	run -0 ../run --help
	named=$(grep -o 'tests/api/[a-z]*.bats' <<<"$output")
	[[ -e $SB_SOURCE/$named ]]
}

@test "tests/run: from another folder, tests that are named" {
	make_tree
	cd "$tree/tests/api"
	run -0 ../run tests/api/good.bats
	assert_line --index -1 "1 passed, 0 failed"
	refute_output --partial aside
}

@test "tests/run: failures are shown once, with a few lines each" {
	make_tree
	cd /
	run -1 "$tree/tests/run"
	assert_line --index -1 "4 passed, 2 failed"
	assert_line "   FAIL: tests/api/bad.bats 3 other"
	refute_line --partial "ERROR: tests/api/bad.bats"
	assert_line "   ERROR: tests/api/dead.bats - exited with status 3"
	assert_line "not ok 3 other"
	assert_line "  # line 15"
	refute_line "  # line 16"
	assert_line "  (and 15 lines)"
	assert_line "  (all of it: $tree/build/tests/tests/api/bad.bats.log; standard error: $tree/build/tests/make.log)"
	refute_output --partial "of this"
	refute_output --partial aside
}
