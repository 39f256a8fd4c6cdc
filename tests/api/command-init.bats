# switchboard init: all that a first start needs, made once and never again.

load harness
load command

# Other users don't come to where bats has its files.
setup()
{
	elsewhere=$(mktemp -d /tmp/switchboard-init-XXXXXX)
	chmod 755 "$elsewhere"
	SWITCHBOARD_DATA=$elsewhere/var/data
	env=()
	me=$(id -un)
}

teardown()
{
	rm -rf "$elsewhere"
}

root_only()
{
	((EUID == 0)) || skip 'only root can be two users'
}

# init [ARGUMENT...]: for whoever runs the tests.
init()
{
	switchboard init --user "$me" "$@"
}

@test "one command makes all that a first start needs" {
	init
	is "$status" 0 'exit status'
	has "$output" "made   $SWITCHBOARD_DATA, for $me alone
made   $SWITCHBOARD_DATA/.env, the settings
made   the database, at schema step "
	has "$output" $'\nmade   the signing key\nmade   the secret\n'
	is "$(stat -c '%a %U' "$SWITCHBOARD_DATA")" "700 $me"
	is "$(stat -c %a "$elsewhere/var")" 755
	is "$(stat -c '%a %U' "$SWITCHBOARD_DATA"/* "$SWITCHBOARD_DATA/.env" |
	    sort -u)" "600 $me"
	# Its key, and its secret, are what the programs go by.
	local keys=$(<"$SWITCHBOARD_DATA/signing-keys.json")
	local secret=$(<"$SWITCHBOARD_DATA/secret")
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=5)
	register anna
	login anna
	me "$access"
	expect 200
	is "$(<"$SWITCHBOARD_DATA/signing-keys.json")" "$keys"
	is "$(<"$SWITCHBOARD_DATA/secret")" "$secret"
}

@test "it says what comes next" {
	init
	has "$output" $'\nNext:\n'
	has "$output" 'check --url https://HOST'
	has "$output" "17 * * * *  $me  SWITCHBOARD_DATA=$SWITCHBOARD_DATA $command tick --quiet"
	has "$output" "* * * * *  $me  LOG_LEVEL=warning SWITCHBOARD_DATA=$SWITCHBOARD_DATA $command work --quiet"
	has "$output" "as $me: configurations are in"
	has "$output" 'switchboard/$(date +\%a).backup'
	has "$output" 'in their environment, too'
	# The very lines.
	local line cron=$(sed -n 's/^ *\(17\|\*\) [* ]*[^ ]*  //p' <<<"$output")
	is "$(wc -l <<<"$cron")" 2 'lines for cron'
	while read -r line; do
		run env -i "PATH=$PATH" "ASAN_OPTIONS=${ASAN_OPTIONS-}" \
		    sh -c "$line"
		is "$status" 0
		is "$output" ''
	done <<<"$cron"
	[ -e "$SWITCHBOARD_DATA/last-tick.json" ]
	[ -e "$SWITCHBOARD_DATA/work.slots" ]
}

@test "what it has made has nothing that is broken" {
	settings=()
	init --production
	env=(CORS_ORIGINS=https://chat.example)
	switchboard check --json
	ends 0
	listed '.red == 0 and any(.findings[];
	    .sentence == "ENVIRONMENT is production")'
}

@test "the settings file has every setting, and nothing but defaults" {
	settings=()
	init
	switchboard settings --json
	ends 0
	listed '.file == $file and .ignored == [] and .warnings == []
	    and all(.settings[]; .name == "SWITCHBOARD_DATA"
	    or .from == "default")' --arg file "$SWITCHBOARD_DATA/.env"
	local name
	while read -r name; do
		grep -q "^#$name=" "$SWITCHBOARD_DATA/.env" || {
			show "not in it: $name"
			return 1
		}
	done < <(jq -r '.settings[] | select(.used == "now") | .name
	    | select(startswith("SWITCHBOARD") | not)' <<<"$output")
	# What stands there as a comment is accepted as it is.
	sed -i 's/^#\([A-Z]\)/\1/' "$SWITCHBOARD_DATA/.env"
	switchboard settings --json
	ends 0
	listed '.ignored == []'
}

@test "an installation in one folder has its settings in there" {
	env=(SWITCHBOARD_DATA= "SWITCHBOARD_HOME=$elsewhere/chat")
	init --production
	is "$status" 0 'exit status'
	has "$output" "made   $elsewhere/chat/data, for $me alone"
	has "$output" "made   $elsewhere/chat/etc/switchboard.env, the settings"
	has "$output" "SWITCHBOARD_HOME=$elsewhere/chat $command check --url"
	has "$output" 'among the cron jobs of the control panel'
	has "$output" "    * * * * *  LOG_LEVEL=warning SWITCHBOARD_HOME=$elsewhere/chat $command work --quiet"
	lacks "$output" /etc/cron.d
	lacks "$output" deploy/
	is "$(stat -c %a "$elsewhere/chat/etc/switchboard.env")" 640
	switchboard settings --json
	listed '.file == $file and (.settings[]
	    | select(.name == "ENVIRONMENT") | .value == "production")' \
	    --arg file "$elsewhere/chat/etc/switchboard.env"
	init
	ends 0
	has "$output" "there  $elsewhere/chat/etc/switchboard.env"
}

@test "--production says so in the settings file" {
	init --production
	grep -qx ENVIRONMENT=production "$SWITCHBOARD_DATA/.env"
	call GET /health
	holds '.environment == "production"'
}

@test "--production is refused where it would change nothing" {
	init
	local before=$(cd "$SWITCHBOARD_DATA" && md5sum .env)
	rm "$SWITCHBOARD_DATA/secret"
	init --production
	ends 65 "switchboard init: $SWITCHBOARD_DATA/.env: is there, and --production changes nothing in it: put ENVIRONMENT=production into it"
	is "$output" ''
	is "$(cd "$SWITCHBOARD_DATA" && md5sum .env)" "$before"
	[ ! -e "$SWITCHBOARD_DATA/secret" ]
	echo ENVIRONMENT=production >>"$SWITCHBOARD_DATA/.env"
	init --production
	ends 0
	rm "$SWITCHBOARD_DATA/.env"
	env=(ENVIRONMENT=staging)
	init --production
	ends 65 'switchboard init: ENVIRONMENT: is staging in the environment, which wins over any file: put ENVIRONMENT=production there'
	[ ! -e "$SWITCHBOARD_DATA/.env" ]
}

@test "--production fails where its settings can't be written" {
	mkdir "$elsewhere/chat"
	: >"$elsewhere/chat/etc"
	env=(SWITCHBOARD_DATA= "SWITCHBOARD_HOME=$elsewhere/chat")
	init --production
	ends 73 "switchboard init: $elsewhere/chat/etc/switchboard.env: Not a directory; without it, --production can't be kept"
	init
	is "$status" 0 'exit status'
	has "$output" "lacks  $elsewhere/chat/etc/switchboard.env: Not a directory"
}

@test "root follows its own links, and those of nobody else" {
	root_only
	mkdir "$elsewhere/theirs" "$elsewhere/target"
	ln -s ../target "$elsewhere/theirs/link"
	ln -s target "$elsewhere/link"
	chown -h nobody "$elsewhere/theirs" "$elsewhere/theirs/link"
	SWITCHBOARD_DATA=$elsewhere/theirs/link/data
	switchboard init --user nobody
	ends 73 "switchboard init: $SWITCHBOARD_DATA: a link in a folder of somebody else's leads there; name the place itself"
	is "$(ls -A "$elsewhere/target")" ''
	SWITCHBOARD_DATA=$elsewhere/theirs/new/data/
	switchboard init --user nobody
	is "$status" 0 'exit status'
	is "$(stat -c '%a %U' "$elsewhere/theirs/new" "$SWITCHBOARD_DATA" |
	    paste -sd,)" '755 root,700 nobody'
	SWITCHBOARD_DATA=$elsewhere/link/data
	switchboard init --user nobody
	is "$status" 0 'exit status'
	is "$(stat -c '%a %U' "$elsewhere/target/data")" '700 nobody'
}

@test "a second time it says what is there, and changes nothing" {
	init
	local before=$(cd "$SWITCHBOARD_DATA" && md5sum .env signing-keys.json \
	    secret switchboard.db && stat -c '%n %Y' .env secret .)
	init
	ends 0
	has "$output" "there  $SWITCHBOARD_DATA
there  $SWITCHBOARD_DATA/.env
there  the database, at schema step "
	has "$output" $'\nthere  the signing key\nthere  the secret\n'
	lacks "$output" made
	is "$(cd "$SWITCHBOARD_DATA" && md5sum .env signing-keys.json \
	    secret switchboard.db && stat -c '%n %Y' .env secret .)" "$before"
}

@test "what is missing is made, beside what is there" {
	init
	rm "$SWITCHBOARD_DATA/secret" "$SWITCHBOARD_DATA/.env"
	echo 'ENVIRONMENT=staging' >"$elsewhere/env"
	env=("SWITCHBOARD_ENV_FILE=$elsewhere/env")
	init
	ends 0
	has "$output" "there  $elsewhere/env"
	has "$output" $'\nthere  the signing key\nmade   the secret\n'
	[ ! -e "$SWITCHBOARD_DATA/.env" ]
}

@test "an older database is left to migrate" {
	init
	sql 'PRAGMA user_version = 1'
	init
	ends 0
	has "$output" 'the database, at schema step 1; switchboard migrate'
	is "$(sql 'PRAGMA user_version')" 1
}

@test "an administrator is made, once" {
	init </dev/null --admin anna anna@example.com
	is "$status" 66 'exit status'
	answered 'correct horse\n' init --user "$me" --admin anna \
	    anna@example.com
	ends 0
	has "$output" 'added anna, anna@example.com, an administrator'
	is "$(sql 'SELECT username || is_admin FROM users')" anna1
	init --admin anna anna@example.com </dev/null
	ends 0
	has "$output" 'there  the administrator anna'
	# Anybody could have taken the name before.
	switchboard user admin anna off
	init --admin anna anna@example.com </dev/null
	is "$status" 65 'exit status'
	has "$stderr" "init: anna: is an account already, and no administrator's; "
	has "$stderr" ' user admin anna on'
}

@test "arguments that make no sense are named, and nothing is made" {
	switchboard init anna
	ends 64 'switchboard init: anna is not understood; see switchboard init --help'
	switchboard init --admin
	ends 64 'switchboard init: NAME is missing; see switchboard init --help'
	switchboard init --admin anna
	ends 64 'switchboard init: ADDRESS is missing; see switchboard init --help'
	switchboard init --user no-such-user
	ends 67 'switchboard init: no-such-user: there is no such user'
	env=(PORT=none)
	init
	is "$status" 78 'exit status'
	[ ! -e "$elsewhere/var" ]
}

@test "root says whom it is for, and makes it for that one" {
	root_only
	switchboard init
	ends 64 'switchboard init: --user: root has to say who the programs will run as: --user www-data'
	[ ! -e "$elsewhere/var" ]
	switchboard init --user nobody
	is "$status" 0 'exit status'
	is "$(stat -c %U "$SWITCHBOARD_DATA" "$SWITCHBOARD_DATA"/* \
	    "$SWITCHBOARD_DATA/.env" | sort -u)" nobody
	switchboard init
	ends 0
	has "$output" 'there  the secret'
	switchboard init --user root
	ends 65 "switchboard init: $SWITCHBOARD_DATA: is there, and another's; to change that: chown -R root: $SWITCHBOARD_DATA"
}

@test "nobody but root makes it for somebody else" {
	if ((EUID == 0)); then
		setpriv --reuid=65534 --regid=65534 --clear-groups test -x \
		    "$command" || skip 'the build is not open to other users'
		clock=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	fi
	switchboard init --user root
	ends 77 'switchboard init: root: only root can make it for somebody else'
	[ ! -e "$elsewhere/var" ]
}

@test "folders on the way need only be passed" {
	if ((EUID == 0)); then
		setpriv --reuid=65534 --regid=65534 --clear-groups test -x \
		    "$command" || skip 'the build is not open to other users'
		mkdir "$elsewhere/var"
		chown 65534 "$elsewhere/var"
		chmod 711 "$elsewhere"
		clock=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	else
		mkdir "$elsewhere/var"
		chmod 111 "$elsewhere"
	fi
	SWITCHBOARD_DATA=$elsewhere/var/new/data
	switchboard init
	chmod 755 "$elsewhere"
	is "$status" 0 'exit status'
	has "$output" "made   $SWITCHBOARD_DATA, for its owner alone"
}

@test "files that the programs' user can't read are named, with what lets it" {
	local nobody=$(id -un 65534) group=$(id -gn 65534)
	root_only
	echo ENVIRONMENT=production >"$elsewhere/env"
	chmod 640 "$elsewhere/env"
	env=("SWITCHBOARD_ENV_FILE=$elsewhere/env")
	switchboard init --user "$nobody"
	is "$status" 78 'exit status'
	like "$stderr" ".*: $nobody can't read it: .*: chgrp [0-9]+ $elsewhere/env .*"
	switchboard check
	ends 1
	has "$output" "fix: chgrp $group $elsewhere/env && chmod 640"
	chgrp 65534 "$elsewhere/env"
	switchboard init --user "$nobody"
	is "$status" 0 'exit status'
	chown 0 "$SWITCHBOARD_DATA/switchboard.db" "$SWITCHBOARD_DATA/secret"
	switchboard init --user "$nobody"
	fails 65 ".*: belongs to root, .*: chown -R $nobody: $SWITCHBOARD_DATA"
	switchboard check
	ends 1
	has "$output" "fix: chown -R $nobody: $SWITCHBOARD_DATA"
	lacks "$output" 'chmod 600'
	lacks "$output" fuser
	has "$output" ', 1 broken'
	chown 65534 "$SWITCHBOARD_DATA/switchboard.db" "$SWITCHBOARD_DATA/secret"
	env=()
	echo ENVIRONMENT=production >"$SWITCHBOARD_DATA/.env"
	chown 0:0 "$SWITCHBOARD_DATA/.env"
	chmod 640 "$SWITCHBOARD_DATA/.env"
	switchboard check
	ends 1
	has "$output" "fix: chown $nobody: $SWITCHBOARD_DATA/.env && chmod 600"
}

@test "nothing is made where a web server gives out what is there" {
	mkdir "$elsewhere/html"
	SWITCHBOARD_DATA=$elsewhere/html/data
	init
	is "$status" 0 'exit status'
	has "$stderr" "by its name (html)"
	rm -r "$SWITCHBOARD_DATA"
	: >"$elsewhere/html/index.html"
	init
	fails 65 ".*there is $elsewhere/html/index.html.*set SWITCHBOARD_DATA.*"
	[ ! -e "$SWITCHBOARD_DATA" ]
}

@test "a place where it can't be made is named" {
	: >"$elsewhere/var"
	init
	ends 73 "switchboard init: $SWITCHBOARD_DATA: Not a directory"
}
