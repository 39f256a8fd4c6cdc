# switchboard user: the list of users, and what a change does on the wire.

load harness
load command

setup()
{
	new_data
}

users()		# NAME...: as SQL makes them
{
	local name
	switchboard migrate
	for name; do
		sql "INSERT INTO users (id, email, email_key, username,
		    username_key, password, created_at)
		    VALUES (lower(hex(randomblob(16))), '$name@example.com',
		    '$name@example.com', '$name', lower('$name'), 'x',
		    1700000000000000)"
	done
}

names()
{
	jq -r '[.[].username] | join(" ")' <<<"$output"
}

# ---------------------------------------------------------------- the list

@test "the list is a table of name, address, state, time and live logins" {
	register anna
	register bob
	login bob
	sql "UPDATE users SET is_active = 0, is_admin = 1, created_at = 1700000000999999
	    WHERE username = 'anna'"
	switchboard user list
	ends 0
	is "${lines[0]}" 'NAME  ADDRESS           STATE                    CREATED               LOGINS'
	is "${lines[1]}" 'anna  anna@example.com  disabled, administrator  2023-11-14T22:13:20Z  1'
	like "${lines[2]}" 'bob   bob@example\.com   active                   [-0-9]+T[:0-9]+Z  2'
	is "${#lines[@]}" 3 lines
}

@test "only logins that are alive are counted" {
	register anna
	login anna
	login anna
	sql "UPDATE logins SET revoked_at = 1 WHERE id = '$(claim sid "$refresh")'"
	switchboard user list --json
	listed '.[0].logins == 2'
	later 604810 switchboard user list --json
	listed '.[0].logins == 0'
}

@test "without users the list is empty" {
	switchboard migrate
	switchboard user list
	is "$output" 'NAME  ADDRESS  STATE  CREATED  LOGINS'
	switchboard user list --json
	says '[]'
}

@test "the JSON list has ids, flags and exact times" {
	register anna
	switchboard user list --json
	ends 0
	listed '. == [{id: $id, username: "anna", email: "anna@example.com",
	    is_active: true, is_admin: false, created_at: .[0].created_at,
	    logins: 1}]' --arg id "$(id_of anna)"
	like "$(jq -r '.[0].created_at' <<<"$output")" "$time"
}

@test "a text is looked for in names and addresses, in any case" {
	register Anna "$password" post@one.example
	register bert "$password" HANNA@two.example
	register carl "$password" carl@bücher.example
	switchboard user list --json aNN
	is "$(names)" 'Anna bert'
	switchboard user list --json TWO.exa
	is "$(names)" bert
	switchboard user list --json hanna@TWO.example
	is "$(names)" bert
	switchboard user list --json @Bücher.example
	is "$(names)" carl
	switchboard user list --json nobody
	says '[]'
}

@test "what stands for anything elsewhere stands for itself in a text" {
	users 'a%b' 'a_b' 'axb' 'a\b' 'a*b' 'a!b' 'a!!b' 'a!%b'
	local text
	for text in '%' '_' '\' '*' '!' '!!' '!%'; do
		switchboard user list --json "a${text}b"
		is "$(names)" "a${text}b"
	done
}

@test "a list of several pages has each user once, in order" {
	switchboard migrate
	sql "WITH RECURSIVE n (i) AS
	    (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
	    INSERT INTO users (id, email, email_key, username, username_key,
		password, created_at)
	    SELECT 'id' || i, i || '@x.example', i || '@x.example',
		printf('user %04d', i), printf('user %04d', i), 'x', 1 FROM n"
	local wanted=$(sql 'SELECT username FROM users ORDER BY username_key')
	switchboard user list --json
	ends 0
	is "$(jq -r '.[].username' <<<"$output")" "$wanted"
	switchboard user list
	is "${#lines[@]}" 2501 lines
	switchboard user list --json 'USER 1'
	listed 'length == 1000'
	switchboard user list --json 2000
	is "$(names)" 'user 2000'
}

@test "columns are aligned by what is seen, not by bytes" {
	users 'ä' '漢字' 'éé' 'plain'
	switchboard user list
	local line
	for line in "${lines[@]:1}"; do
		is "$(LC_ALL=C.UTF-8 /usr/bin/python3 -c '
import sys, unicodedata
before = sys.argv[1].split("active")[0]
print(sum(0 if unicodedata.combining(c) else
    2 if unicodedata.east_asian_width(c) == "W" else 1
    for c in before))' "$line")" 26 "column of: $line"
	done
}

@test "what a user has typed does nothing to the terminal" {
	switchboard migrate
	sql "INSERT INTO users (id, email, email_key, username, username_key,
	    password, created_at) VALUES ('1', char(0x202e) || 'x@y.z', 'x@y.z',
	    'a' || char(27) || '[31m' || char(0x9b) || '31m' || char(10, 0x7f),
	    'a', 'x', 1)"
	switchboard user list
	is_harmless "$output"
	has "${lines[1]}" 'a\u001b[31m\u009b31m\u000a\u007f'
	has "${lines[1]}" '\u202ex@y.z'
	switchboard user list --json
	is_harmless "$output"
	listed '.[0].username == "a\u001b[31m\u009b31m\n\u007f"'
	switchboard user disable x@y.z
	is_harmless "$output"
}

@test "a text that is longer than any name is not looked for" {
	switchboard user list "$(printf '%01001d' 0)"
	ends 64 'switchboard user list: a TEXT of more than 1000 bytes is not understood; see switchboard user list --help'
	switchboard migrate
	# The longest, of what grows most in a key, and in a pattern.
	switchboard user list --json "$(printf '\ufdfa%.0s' {1..333})"
	says '[]'
}

@test "columns are aligned although a value is very long" {
	users "$(printf '%050d' 0)" short
	sql "UPDATE users SET email = '$(printf '%0150d' 0)@x.example'
	    WHERE username = 'short'"
	switchboard user list
	is "$(for line in "${lines[@]:1}"; do
	    line=${line%%active*}
	    echo ${#line}
	done)" $'214\n214' columns
}

# ---------------------------------------------------------------- changes

@test "a disabled user's token stops at the next request, and comes back" {
	register anna
	local hers=$access
	me "$hers"
	expect 200
	switchboard user disable anna
	says 'anna is disabled now'
	me "$hers"
	expect 400 '{"detail":"Inactive user"}'
	try_login anna
	expect 400 '{"detail":"Inactive user"}'
	try_refresh "$refresh"
	expect 400
	switchboard user disable anna
	says 'anna was disabled already'
	switchboard user enable anna
	says 'anna is enabled now'
	me "$hers"
	expect 200
	rotate "$refresh"
	switchboard user enable anna
	says 'anna was enabled already'
}

@test "a user is found as the login finds him, and nobody else is touched" {
	register Straße "$password" Post@One.example
	register bob
	switchboard user disable STRASSE
	says 'Straße is disabled now'
	switchboard user enable post@ONE.example
	says 'Straße is enabled now'
	switchboard user disable Post@one.example
	is "$(sql 'SELECT username FROM users WHERE is_active = 1')" bob
	me "$access"
	expect 200
}

@test "an administrator is made and unmade" {
	register anna
	switchboard user admin anna off
	says 'anna was no administrator'
	switchboard user admin anna on
	says 'anna is an administrator now'
	switchboard user list --json
	listed '.[0].is_admin and .[0].is_active'
	switchboard user admin anna@example.com on
	says 'anna was an administrator already'
	switchboard user list
	has "$output" 'active, administrator'
	switchboard user admin anna off
	says 'anna is no administrator any more'
	is "$(sql 'SELECT is_admin FROM users')" 0
}

@test "whom nobody knows is an error" {
	register anna
	switchboard user disable ann
	ends 67 'switchboard user disable: nobody has the name "ann"'
	switchboard user enable ann@example.com
	ends 67 'switchboard user enable: nobody has the address "ann@example.com"'
	switchboard user admin '' on
	ends 67 'switchboard user admin: nobody has the name ""'
	switchboard user disable $'\xff\e'
	ends 67 'switchboard user disable: nobody has the name "'$'\ufffd''\u001b"'
	is "$(sql 'SELECT is_active, is_admin FROM users')" '1|0'
}

@test "users whose names look like options are called by their address" {
	register --json "$password" -x@one.example
	switchboard user disable --json
	ends 64 'switchboard user disable: --json is not understood; see switchboard user disable --help'
	switchboard user disable -x@one.example
	says '--json is disabled now'
}

# ---------------------------------------------------------------- arguments

@test "arguments that make no sense are named, and nothing is done" {
	local see='see switchboard user'
	switchboard user
	ends 64 "switchboard user: what to do is missing; $see --help"
	switchboard user remove
	ends 64 'switchboard user: remove is not understood; there are list, show, add, passwd, logout, delete, disable, enable and admin'
	switchboard login show
	ends 64 'switchboard login: show is not understood; there are list and revoke'
	switchboard user list --yaml
	ends 64 "switchboard user list: --yaml is not understood; $see list --help"
	switchboard user list a b
	ends 64 "switchboard user list: b is not understood; $see list --help"
	switchboard user disable
	ends 64 "switchboard user disable: USER is missing; $see disable --help"
	switchboard user disable a b
	ends 64 "switchboard user disable: b is not understood; $see disable --help"
	switchboard user admin a
	ends 64 "switchboard user admin: on or off is missing; $see admin --help"
	switchboard user admin a maybe
	ends 64 "switchboard user admin: maybe is not understood; $see admin --help"
	switchboard user admin on anna
	ends 64 'switchboard user admin: the user comes first: switchboard user admin anna on'
	switchboard user admin off $'\e'
	ends 64 'switchboard user admin: the user comes first: switchboard user admin \u001b off'
	[ ! -e "$SWITCHBOARD_DATA/switchboard.db" ]
}

@test "a user who is called as a switch can be one's, too" {
	users on
	switchboard user admin on on
	says 'on is an administrator now'
}

@test "without a database they say so, and make nothing" {
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/none
	local each
	for each in 'list' 'list --json' 'disable anna' 'enable anna' \
	    'admin anna on'; do
		makes_nothing user $each
	done
	[ ! -e "$SWITCHBOARD_DATA" ]
	: >"$BATS_TEST_TMPDIR/file"
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/file
	makes_nothing user list
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/empty
	mkdir "$SWITCHBOARD_DATA"
	: >"$SWITCHBOARD_DATA/switchboard.db"
	makes_nothing user list
	is "$(ls -A "$SWITCHBOARD_DATA")" switchboard.db
	[ ! -s "$SWITCHBOARD_DATA/switchboard.db" ]
}

@test "each action has a help of its own, and their name one of all" {
	switchboard user disable --help
	ends 0
	is "${lines[0]}" 'Usage: switchboard user disable USER'
	lacks "$output" 'user list'
	local one=$output
	switchboard user disable anna -h
	says "$one"
	is "${lines[-1]}" 'switchboard --help says where the settings come from.'
	lacks "$output" SWITCHBOARD_ENV_FILE
	switchboard user --help
	ends 0
	has "$output" $'\n       switchboard user admin USER on|off\n'
	has "$output" $'\nuser enable:\n'
	[ ! -e "$SWITCHBOARD_DATA/switchboard.db" ]
}

@test "a database that is locked for long is an error" {
	register anna
	hold_lock
	switchboard user disable anna
	fails 69 "switchboard user disable: the database in $SWITCHBOARD_DATA is busy, or can't be read or written; the log says which"
	switchboard user list --json
	listed 'length == 1 and .[0].is_active'
	release_lock
}
