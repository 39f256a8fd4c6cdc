# switchboard login: a user's logins, and what revoking them does on the wire.

load harness
load command

setup()
{
	new_data
}

sid()
{
	claim sid "$1"
}

tokens_of()	# LOGIN: how many refresh tokens are kept of it
{
	sql "SELECT count(*) FROM refresh_tokens WHERE login_id = '$1'"
}

# ---------------------------------------------------------------- the list

@test "a user's live logins are listed, the oldest first" {
	cgi=(HTTP_USER_AGENT='Browser/1.0 (x)')
	register anna
	local first=$(sid "$refresh")
	cgi=(REMOTE_ADDR=2001:db8::7)
	login anna
	local second=$(sid "$refresh")
	register bob
	switchboard login list anna
	ends 0
	like "${lines[0]}" 'ID +CREATED +LAST USED +EXPIRES +STATE  ADDRESS +USER AGENT'
	local t='[-0-9]{10}T[:0-9]{8}Z'
	like "${lines[1]}" "$first  $t  $t  $t  alive  192\.0\.2\.1    Browser/1\.0 \(x\)"
	like "${lines[2]}" "$second  $t  $t  $t  alive  2001:db8::7  -"
	is "${#lines[@]}" 3 lines
	switchboard login list ANNA@example.com --json
	listed 'length == 2 and .[0] == {id: $id, created_at: .[0].created_at,
	    last_used_at: .[0].last_used_at, expires_at: .[0].expires_at,
	    state: "alive", revoked_at: null, ip_address: "192.0.2.1",
	    user_agent: "Browser/1.0 (x)"} and .[1].user_agent == null' \
	    --arg id "$first"
	like "$(jq -r '.[0].expires_at' <<<"$output")" "$time"
}

@test "revoked and expired logins are listed when asked for" {
	register anna
	local first=$(sid "$refresh")
	login anna
	local second=$(sid "$refresh")
	later 1000 login anna
	switchboard login revoke "$second"
	later 604810 switchboard login list anna --json
	listed 'map(.state) == ["alive"]'
	later 604810 switchboard login list anna --json --all
	listed 'map(.state) == ["expired", "revoked", "alive"]
	    and .[0].id == $first and .[1].id == $second
	    and (.[1].revoked_at | test("Z$")) and .[0].revoked_at == null' \
	    --arg first "$first" --arg second "$second"
	later 604810 switchboard login list --all anna
	is "${#lines[@]}" 4 lines
}

@test "a list of several pages has each login once" {
	register anna
	sql "WITH RECURSIVE n (i) AS
	    (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2100)
	    INSERT INTO logins (id, user_id, created_at, last_used_at,
		expires_at)
	    SELECT printf('login %04d', i), '$(id_of anna)', i, i,
		$((EPOCHSECONDS + 1000)) * 1000000 FROM n"
	switchboard login list anna --json
	listed 'length == 2101 and (map(.id) | unique | length) == 2101
	    and .[2100].id == "login 2100"'
}

@test "a hostile user agent does nothing to the terminal" {
	cgi=(HTTP_USER_AGENT=$'a\e]0;owned\a\u009b2J\u202e\x7f')
	register anna
	switchboard login list anna
	ends 0
	is_harmless "$output"
	has "$output" 'a\u001b]0;owned\u0007\u009b2J\u202e\u007f'
	switchboard login list anna --json
	is_harmless "$output"
	listed '.[0].user_agent == "a\u001b]0;owned\u0007\u009b2J\u202e\u007f"'
}

# ---------------------------------------------------------------- revoke

@test "a revoked login's tokens stop at the next request, another's do not" {
	register anna
	local old=$access old_refresh=$refresh
	login anna
	is "$(tokens_of "$(sid "$old")")" 1 tokens
	switchboard login revoke "$(sid "$old")"
	says 'revoked 1 login of anna'
	me "$old"
	refused
	try_refresh "$old_refresh"
	refused_refresh
	is "$(tokens_of "$(sid "$old")")" 0 tokens
	me "$access"
	expect 200
	rotate "$refresh"
	switchboard login revoke "$(sid "$old")"
	says 'this login of anna was revoked already'
}

@test "revoking again leaves the time of the first" {
	register anna
	switchboard login revoke "$(sid "$refresh")"
	local at=$(sql 'SELECT revoked_at FROM logins')
	isnt "$at" '' 'time'
	later 100 switchboard login revoke "$(sid "$refresh")"
	is "$(sql 'SELECT revoked_at FROM logins')" "$at"
}

@test "all logins of a user are revoked, nobody else's" {
	register anna
	local a=$access
	login anna
	local b=$access
	register bob
	switchboard login revoke --all anna
	says 'revoked 2 logins of anna'
	me "$a"
	refused
	me "$b"
	refused
	me "$access"
	expect 200
	is "$(tokens_of "$(sid "$a")") $(tokens_of "$(sid "$b")") $(tokens_of "$(sid "$access")")" '0 0 1'
	switchboard login revoke anna@example.com --all
	says 'revoked 0 logins of anna'
	login anna
	switchboard login revoke --all anna
	says 'revoked 1 login of anna'
}

@test "logins that have expired are revoked with all others" {
	register anna
	later 1000 login anna
	later 604810 switchboard login revoke --all anna
	says 'revoked 1 login of anna, and 1 that had expired'
	is "$(sql 'SELECT count(*) FROM logins WHERE revoked_at IS NULL')" 0
}

@test "a login or a user that is not there is an error" {
	local id=00000000-0000-7000-8000-000000000000
	register anna
	switchboard login revoke $id
	ends 67 "switchboard login revoke: there is no login $id"
	switchboard login revoke --all nobody
	ends 67 'switchboard login revoke: nobody has the name "nobody"'
	switchboard login list nobody@example.com
	ends 67 'switchboard login list: nobody has the address "nobody@example.com"'
	me "$access"
	expect 200
}

@test "arguments that make no sense are named, and nothing is done" {
	local see='see switchboard login'
	switchboard login list
	ends 64 "switchboard login list: USER is missing; $see list --help"
	switchboard login list --all
	ends 64 "switchboard login list: USER is missing; $see list --help"
	switchboard login list --all --all anna
	ends 64 "switchboard login list: --all is not understood; $see list --help"
	switchboard login revoke
	ends 64 "switchboard login revoke: ID or --all USER is missing; $see revoke --help"
	switchboard login revoke --all
	ends 64 "switchboard login revoke: USER is missing; $see revoke --help"
	switchboard login revoke newname
	ends 64 'switchboard login revoke: newname is not the id of a login; for all logins of a user: switchboard login revoke --all newname'
	switchboard login revoke $'\e'
	ends 64 'switchboard login revoke: \u001b is not the id of a login; for all logins of a user: switchboard login revoke --all \u001b'
	[ ! -e "$SWITCHBOARD_DATA/switchboard.db" ]
}

@test "without a database they say so, and make nothing" {
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/none
	makes_nothing login list anna
	makes_nothing login revoke --all anna
	makes_nothing login revoke 00000000-0000-7000-8000-000000000000
	[ ! -e "$SWITCHBOARD_DATA" ]
}

@test "a login's id is taken in upper case, too" {
	register anna
	local id=$(sid "$refresh")
	switchboard login revoke "${id^^}"
	says 'revoked 1 login of anna'
	me "$access"
	refused
}

@test "a revocation that can't be written is an error, and nothing is half done" {
	register anna
	hold_lock
	switchboard login revoke --all anna
	fails 69 "switchboard login revoke: the database in .*"
	release_lock
	me "$access"
	expect 200
	rotate "$refresh"
}
