# The command line `switchboard', and the settings as they are met from a shell:
# section 10 of the contract and section 2 of the design.

load harness

setup()
{
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/data
	env=(SWITCHBOARD_ENV_FILE=/dev/null)
	command=$SB_BUILD/bin/switchboard
	as=()
}

teardown()
{
	[ -z "${elsewhere-}" ] || rm -rf "$elsewhere"
}

# switchboard ARGUMENT...: with $env for its environment; sets $status, $output
# and $stderr.
switchboard()
{
	run --separate-stderr env -i "PATH=$PATH" \
	    "ASAN_OPTIONS=${ASAN_OPTIONS-}" "UBSAN_OPTIONS=${UBSAN_OPTIONS-}" \
	    "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" "${env[@]}" "${as[@]}" \
	    "$command" "$@"
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

# value NAME [MEMBER]: of the JSON list.
value()
{
	jq -c --arg name "$1" --arg member "${2-value}" \
	    '.settings[] | select(.name == $name)[$member]' <<<"$output"
}

# ---------------------------------------------------------------- arguments

@test "help names the commands and what each exit status means" {
	switchboard --help
	ends 0
	has "$output" $'\n  settings   [--json | --markdown]'
	has "$output" $'\n  migrate '
	for code in 0 1 64 65 66 67 69 70 73 74 77 78; do
		like "$output" ".*"$'\n'"  $code +[a-z].*"
	done
}

@test "help begins with what switchboard is, and says where settings come from" {
	switchboard --help
	like "${lines[0]}" 'switchboard is the command line of .*'
	has "$output" 'SWITCHBOARD_ENV_FILE'
	has "$output" 'switchboard.env'
	local all=$output
	switchboard -h
	ends 0
	is "$output" "$all"
}

@test "each command has a help of its own, which does nothing else" {
	local command_name option
	env+=(PORT=wrong)
	for command_name in settings migrate; do
		for option in --help -h; do
			switchboard $command_name $option
			ends 0
			like "${lines[0]}" "Usage: switchboard $command_name( .*)?"
		done
	done
	switchboard settings --json --help
	ends 0
	has "$output" '--markdown  '
	[ ! -e "$SWITCHBOARD_DATA" ]
}

@test "version is the package's" {
	switchboard --version
	ends 0
	like "$output" 'switchboard [0-9]+\.[0-9]+\.[0-9]+[^ ]*'
	local version=${output#switchboard }
	call GET /
	holds '.version == $version' --arg version "$version"
}

@test "without a command it says on standard error how it is called" {
	switchboard
	is "$status" 64 'exit status'
	is "$output" ''
	has "$stderr" 'Usage: switchboard COMMAND'
}

@test "what it does not understand is named, and nothing is done" {
	local see='is not understood; see switchboard --help'
	switchboard frobnicate
	ends 64 "switchboard: frobnicate $see"
	switchboard --json
	ends 64 "switchboard: --json $see"
	switchboard --help now
	ends 64 "switchboard: --help $see"
	switchboard settings --yaml
	ends 64 "switchboard settings: --yaml ${see/--/settings --}"
	switchboard settings --json --markdown
	ends 64 "switchboard settings: --markdown ${see/--/settings --}"
	switchboard migrate --now
	ends 64 "switchboard migrate: --now ${see/--/migrate --}"
	is "$output" ''
	[ ! -e "$SWITCHBOARD_DATA" ]
}

@test "a standard output that is full is an error" {
	[ -c /dev/full ] || skip 'no /dev/full'
	run env -i "${env[@]}" "$command" settings >/dev/null
	is "$status" 0 'exit status'
	run sh -c 'exec "$0" settings >/dev/full' "$command"
	is "$status" 74 'exit status'
	like "$output" 'switchboard: standard output: .*'
}

@test "whoever stops reading hears nothing of it" {
	# All that fits into a pipe, and more.
	switchboard migrate
	sql "WITH RECURSIVE n (i) AS
	    (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
	    INSERT INTO users (id, email, email_key, username, username_key,
		password, created_at)
	    SELECT i, i || '@x.example', i || '@x.example', 'user ' || i,
		'user ' || i, 'x', 1 FROM n"
	run --separate-stderr env -i "${env[@]}" \
	    "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" \
	    bash -c '"$0" user list | head -n 1; echo "${PIPESTATUS[0]}"' \
	    "$command"
	is "$stderr" '' 'standard error'
	is "${lines[1]}" 74 'exit status'
	# Somebody who left before it began.
	run --separate-stderr env -i "${env[@]}" bash -c '
	    mkfifo "$1"
	    exec 3<>"$1" 4>"$1"
	    exec 3<&-
	    "$0" --version >&4' "$command" "$BATS_TEST_TMPDIR/pipe"
	is "$status" 74 'exit status'
	is "$stderr" '' 'standard error'
}

# ---------------------------------------------------------------- settings

@test "settings are listed with values, where they come from, and meaning" {
	echo 'WAITERS=5' >"$BATS_TEST_TMPDIR/file"
	env=(SWITCHBOARD_ENV_FILE="$BATS_TEST_TMPDIR/file"
	    ACCESS_TOKEN_EXPIRE_MINUTES=30)
	switchboard settings
	ends 0
	is "${lines[0]}" "Settings file: $BATS_TEST_TMPDIR/file"
	like "$output" '.*'$'\n''ACCESS_TOKEN_EXPIRE_MINUTES +30 minutes +environment  How long .*'
	like "$output" '.*'$'\n''WAITERS +5 processes +file  .*'
	like "$output" '.*'$'\n''REFRESH_TOKEN_EXPIRE_DAYS +7 days +default  .*'
}

@test "the JSON list has every setting, typed" {
	env+=(PORT=8080 DEBUG=on)
	switchboard settings --json
	ends 0
	is "$(value PORT)" 8080
	is "$(value DEBUG)" true
	is "$(value LOG_LEVEL)" '"debug"'
	is "$(value WORKERS)" null
	is "$(value SWITCHBOARD_DATA)" "\"$SWITCHBOARD_DATA\""
	is "$(value SWITCHBOARD_DATA from)" '"environment"'
	is "$(value GMAIL_CLIENT_ID used)" '"later"'
	is "$(jq '.settings | length == (map(.name) | unique | length)' \
	    <<<"$output")" true
}

@test "the Markdown list is the same whatever is set, and has every setting" {
	switchboard settings --markdown
	ends 0
	local first=$output
	env+=(ACCESS_TOKEN_EXPIRE_MINUTES=30 HASHES=9 PORT=wrong
	    SECRET_KEY=changeme)
	switchboard settings --markdown
	ends 0
	is "$output" "$first"
	lacks "$output" "$BATS_TEST_TMPDIR"
	local table=$(grep -c '^| `' <<<"$output")
	env=(SWITCHBOARD_ENV_FILE=/dev/null)
	switchboard settings --json
	is "$(jq '.settings | length' <<<"$output")" "$table"
}

@test "the README has the Markdown list to the letter" {
	local readme=${SB_SOURCE:-$BATS_TEST_DIRNAME/../..}/README.md line
	switchboard settings --markdown
	while read -r line; do
		grep -qxF -- "$line" "$readme" || {
			show "not in the README: $line"
			return 1
		}
	done <<<"$output"
}

@test "no list and no complaint shows a secret" {
	local secret=0a7fb5dc8e3142699b0d6c1fe84a5273 name
	local -a all=()
	for name in SECRET_KEY GMAIL_CLIENT_SECRET SLACK_CLIENT_SECRET \
	    SLACK_SIGNING_SECRET OPENAI_API_KEY METRICS_TOKEN; do
		all+=("$name=$secret")
	done
	env+=("${all[@]}")
	for name in '' --json --markdown; do
		switchboard settings $name
		ends 0
		lacks "$output" $secret
	done
	switchboard settings --json
	for name in "${all[@]%%=*}"; do
		is "$(value $name)" '"(set)"' $name
	done
	env+=(ENVIRONMENT=production SECRET_KEY=${secret:0:31})
	switchboard settings
	ends 78 "switchboard: SECRET_KEY: the value is not accepted; it has to be at least 32 bytes that are no placeholder"
	env=(ENVIRONMENT=production SWITCHBOARD_ENV_FILE="$BATS_TEST_TMPDIR/x")
	printf '%s\n' 'A=1' "SECRET_KEY='$secret' $secret" \
	    >"$BATS_TEST_TMPDIR/x"
	switchboard settings
	ends 78 "switchboard: SWITCHBOARD_ENV_FILE: $BATS_TEST_TMPDIR/x: line 2: something follows the value"
}

@test "a setting that is not accepted stops every command, in one line" {
	env+=(ACCESS_TOKEN_EXPIRE_MINUTES=1441)
	local command_name
	for command_name in settings migrate; do
		switchboard $command_name
		ends 78 'switchboard: ACCESS_TOKEN_EXPIRE_MINUTES: "1441" is not accepted; it has to be an integer from 1 to 1440 (minutes)'
		is "$output" ''
	done
	env=(LOG_FORMAT=$'x\ny\e[31m')
	switchboard settings
	ends 78 'switchboard: LOG_FORMAT: "x\x0ay\x1b[31m" is not accepted; it has to be text or json'
	[ ! -e "$SWITCHBOARD_DATA" ]
}

@test "a placeholder for SECRET_KEY is a warning, and stops the start in production" {
	env+=(SECRET_KEY=your-secret-key-here-change-in-production)
	switchboard settings --json
	ends 0
	is "$(value SECRET_KEY)" null
	like "$(jq -r '.warnings[]' <<<"$output")" 'SECRET_KEY counts as not set: it is a placeholder, .*'
	switchboard settings
	ends 0
	has "$output" $'\nSECRET_KEY counts as not set: it is a placeholder, '
	# The log is the programs', for whom it is a start.
	switchboard migrate
	is "$status" 0 'exit status'
	lacks "$stderr" SECRET_KEY
	cgi=("${env[@]}")
	call GET /health
	expect 200
	is "$(grep -c ' warning meta -: SECRET_KEY counts as not set' <<<"$log")" 1
	env+=(ENVIRONMENT=production)
	switchboard settings
	is "$status" 78 'exit status'
}

@test "weak parameters of scrypt are a warning in production" {
	env+=(SCRYPT_N=1024)
	switchboard settings
	ends 0
	lacks "$output" 'weaker'
	env+=(ENVIRONMENT=production)
	switchboard settings
	ends 0
	has "$output" $'\nSCRYPT_N, SCRYPT_R, SCRYPT_P: 1024, 8, 5 are weaker than '
}

@test "scrypt may not take more than 256 MiB" {
	env+=(SCRYPT_N=1048576 SCRYPT_R=2)
	switchboard settings
	ends 0
	env+=(SCRYPT_R=3)
	switchboard settings
	is "$status" 78 'exit status'
	like "$stderr" 'switchboard: SCRYPT_N: "1048576" is not accepted with SCRYPT_R "3"; .*'
}

@test "every origin with credentials is not accepted" {
	env+=('CORS_ORIGINS=*')
	switchboard settings
	is "$status" 78 'exit status'
	like "$stderr" 'switchboard: CORS_ORIGINS: "\*" is not accepted; it takes \* only together .*'
	env+=(CORS_CREDENTIALS=false)
	switchboard settings
	ends 0
}

# ---------------------------------------------------------------- the file

@test "the file is the one named, or the data directory's, or the program's" {
	# An installation that lies elsewhere, as on a shared host.
	local home=$BATS_TEST_TMPDIR/home
	mkdir -p "$home/bin" "$home/etc" "$home/data"
	cp "$command" "$home/bin/"
	command=$home/bin/switchboard
	ln -s "$command" "$BATS_TEST_TMPDIR/link"
	echo PORT=1 >"$BATS_TEST_TMPDIR/named"
	echo PORT=2 >"$home/data/.env"
	printf '%s\n' PORT=3 "SWITCHBOARD_DATA=$home/elsewhere" \
	    >"$home/etc/switchboard.env"
	SWITCHBOARD_DATA=$home/data

	env=(SWITCHBOARD_ENV_FILE="$BATS_TEST_TMPDIR/named")
	switchboard settings --json
	is "$(value PORT)" 1
	is "$(jq -r .file <<<"$output")" "$BATS_TEST_TMPDIR/named"
	env=()
	switchboard settings --json
	is "$(value PORT)" 2
	is "$(jq -r .file <<<"$output")" "$home/data/.env"
	rm "$home/data/.env"
	switchboard settings --json
	is "$(value PORT)" 3
	is "$(value SWITCHBOARD_DATA)" "\"$home/data\""

	# Without anything in the environment, and by a symbolic link.
	SWITCHBOARD_DATA=
	switchboard settings --json
	is "$(value PORT)" 3
	is "$(value SWITCHBOARD_DATA)" "\"$home/elsewhere\""
	command=$BATS_TEST_TMPDIR/link
	switchboard settings --json
	is "$(jq -r .file <<<"$output")" "$home/etc/switchboard.env"
}

@test "a file that is named and not there is an error" {
	env=(SWITCHBOARD_ENV_FILE="$BATS_TEST_TMPDIR/none")
	switchboard settings
	ends 78 "switchboard: SWITCHBOARD_ENV_FILE: $BATS_TEST_TMPDIR/none: No such file or directory"
}

@test "a file that is there and can't be read is an error" {
	mkdir -p "$SWITCHBOARD_DATA/.env"
	env=()
	switchboard settings
	ends 78 "switchboard: $SWITCHBOARD_DATA/.env: Is a directory"
}

@test "names in the file that are no settings are listed, and otherwise ignored" {
	mkdir "$SWITCHBOARD_DATA"
	printf '%s\n' WAITRES=1 'export POSTGRES_URL="x"' BARE \
	    >"$SWITCHBOARD_DATA/.env"
	env=()
	switchboard settings
	ends 0
	is "${lines[-1]}" "Not known, and ignored: WAITRES, POSTGRES_URL, BARE (in $SWITCHBOARD_DATA/.env)"
	switchboard settings --json
	is "$(jq -c .ignored <<<"$output")" '["WAITRES","POSTGRES_URL","BARE"]'
	switchboard migrate
	is "$status" 0 'exit status'
	lacks "$stderr" WAITRES
	call GET /health
	expect 200
	lacks "$log" WAITRES
}

@test "the environment wins, but not by an empty value" {
	mkdir "$SWITCHBOARD_DATA"
	printf '%s\r\n' '# of the old service' 'export Port = 1' \
	    'HOST="::1" # all' 'WAITERS=3' >"$SWITCHBOARD_DATA/.env"
	env=(port=4 HOST= WAITERS=)
	switchboard settings --json
	ends 0
	is "$(value PORT)" 4
	is "$(value HOST)" '"::1"'
	is "$(value WAITERS)" 3
	is "$(value WAITERS from)" '"file"'
}

@test "a program that gets a wrong setting answers 500 and logs one line" {
	local program_name target
	mkdir "$SWITCHBOARD_DATA"
	echo 'WAITERS = "many"' >"$SWITCHBOARD_DATA/.env"
	for target in / /api/auth/me; do
		call GET $target
		expect 500 '{"detail":"Internal Server Error"}'
		has "$log" "error $(program_of $target) "
		has "$log" "WAITERS: \"many\" is not accepted; it has to be an integer from 0 to 1024 (processes) (set in $SWITCHBOARD_DATA/.env)"
		is "$(grep -c WAITERS <<<"$log")" 1 'log lines'
	done
}

@test "a program logs to LOG_FILE, too, in the format that is set" {
	cgi=(LOG_FILE="$BATS_TEST_TMPDIR/log" LOG_FORMAT=json LOG_LEVEL=debug)
	mkdir "$SWITCHBOARD_DATA"
	call GET /health 'X-Request-ID: r-1'
	expect 200
	is "$(cat "$BATS_TEST_TMPDIR/log")" "$log"
	jq -es 'any(.request_id == "r-1") and all(.program == "meta"
	    and (keys - ["level", "message", "program", "request_id", "time"]
	    == []))' "$BATS_TEST_TMPDIR/log"
}

# ---------------------------------------------------------------- migrate

@test "migrate makes the data directory and the database, for nobody else" {
	switchboard migrate
	is "$status" 0 'exit status'
	like "$output" 'schema: step [1-9][0-9]* \(was 0\)'
	is "$(stat -c %a "$SWITCHBOARD_DATA")" 700
	local step=${output#schema: step }
	is "$(sql 'PRAGMA user_version')" "${step% (*}"
}

@test "migrate says so when there is nothing to do" {
	switchboard migrate
	local step=${output#schema: step }
	switchboard migrate
	ends 0
	is "$output" "schema: already at step ${step% (*}"
}

@test "migrate keeps what there is" {
	new_data
	register anna
	switchboard migrate
	ends 0
	me "$access"
	expect 200
}

@test "migrate waits for a lock, but not for ever" {
	switchboard migrate
	sql 'PRAGMA user_version = 0'
	coproc sqlite3 "$SWITCHBOARD_DATA/switchboard.db" 3>&-
	echo 'BEGIN EXCLUSIVE; SELECT 1;' >&"${COPROC[1]}"
	read -r -u "${COPROC[0]}"
	switchboard migrate
	echo ROLLBACK\; >&"${COPROC[1]}"
	eval "exec ${COPROC[1]}>&-"
	wait
	is "$status" 69 'exit status'
	has "$stderr" "switchboard migrate: the database in $SWITCHBOARD_DATA can't be opened now"
	is "$output" ''
}

@test "migrate says in one line where it can't make the data directory" {
	: >"$BATS_TEST_TMPDIR/file"
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/file/data
	switchboard migrate
	is "$status" 69 'exit status'
	has "$stderr" "$SWITCHBOARD_DATA: Not a directory"
	is "$(wc -l <<<"$stderr")" 1 lines
}

@test "a data directory that can't be entered is one line, too" {
	# Other users don't come to where bats has its files.
	elsewhere=$(mktemp -d /tmp/switchboard-command-XXXXXX)
	SWITCHBOARD_DATA=$elsewhere/data
	local name
	if ((EUID == 0)); then
		chmod 755 "$elsewhere"
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
		"${as[@]}" test -x "$command" ||
			skip 'the build is not open to other users'
	fi
	mkdir -m 0 "$SWITCHBOARD_DATA"
	# Theirs, as far as that goes.
	((EUID != 0)) || chown 65534 "$SWITCHBOARD_DATA"
	for name in migrate 'user list' tick 'limits show' 'key rotate'; do
		switchboard $name
		ends 69 "switchboard $name: $SWITCHBOARD_DATA: Permission denied; call it as the user that the programs run as"
		is "$output" '' 'standard output'
	done
	# Nor is there anything to be made where nothing can be written.
	chmod 555 "$SWITCHBOARD_DATA"
	switchboard migrate
	ends 69 "switchboard migrate: $SWITCHBOARD_DATA: Permission denied; call it as the user that the programs run as"
	is "$(ls -A "$SWITCHBOARD_DATA")" ''
}

@test "migrate leaves a newer schema that this version can work with" {
	switchboard migrate
	local step=$(sql 'PRAGMA user_version')
	sql "INSERT INTO schema_steps (step, name, oldest, applied_at)
	    VALUES ($step + 1, 'later', 1, 0);
	    PRAGMA user_version = $((step + 1))"
	switchboard migrate
	ends 0
	is "$output" "schema: already at step $((step + 1)) (this version knows $step)"
	sql "UPDATE schema_steps SET oldest = $step + 1 WHERE step = $step + 1"
	switchboard migrate
	is "$status" 69 'exit status'
	is "$(sql 'PRAGMA user_version')" $((step + 1))
}
