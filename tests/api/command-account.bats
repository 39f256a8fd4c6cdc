# switchboard user add, show, passwd, logout and delete: accounts as the API has
# them, made and ended by whoever looks after the installation.

load harness
load command

setup()
{
	new_data
	switchboard migrate
}

add()		# NAME [ADDRESS]
{
	answered "$password\n" user add "$1" "${2-$1@example.com}"
}

# ---------------------------------------------------------------- add

@test "an account that was added logs in as any other" {
	add Anna Post@one.example
	says 'added Anna, Post@one.example'
	try_login anna
	expect 200
	take_tokens
	me "$access"
	holds '.username == "Anna" and .email == "Post@one.example"
	    and .is_active'
	is "$(sql 'SELECT is_admin FROM users')" 0
	login post@ONE.example
	like "$(sql 'SELECT id FROM users')" "$uuid7"
}

@test "an administrator can be made at once" {
	answered "$password" user add --admin root root@one.example
	says 'added root, root@one.example, an administrator'
	is "$(sql 'SELECT is_admin, is_active FROM users')" '1|1'
}

@test "a name or an address that is taken is refused in the API's words" {
	add anna
	add ANNA other@one.example
	ends 65 'switchboard user add: Username already registered'
	add other anna@EXAMPLE.com
	ends 65 'switchboard user add: Email already registered'
	add anna
	ends 65 'switchboard user add: Username already registered'
	is "$(sql 'SELECT count(*) FROM users')" 1
}

# What a registration says of the same is what is said here.
@test "names, addresses and passwords are held to the rules of a registration" {
	local name address word message
	set -- name ab  name "$(printf '%051d' 0)"  name 'a@b'  name ' ab' \
	    name 'a  b'  name $'a\u200bb'  address nobody \
	    address 'a b@one.example'  address a@localhost \
	    address "$(printf '%065d' 0)@one.example"  word 1234567 \
	    word $'1234567\a'  word "$(printf '%01025d' 0)"
	while (($#)); do
		name=good address=good@one.example word=$password
		printf -v "$1" %s "$2"
		shift 2
		post /api/auth/register "$(jq -n --arg u "$name" \
		    --arg e "$address" --arg p "$word" \
		    '{username: $u, email: $e, password: $p}')"
		expect 422
		message=$(json '.detail[0] | "\(.loc[1]): \(.msg)"')
		answered "$word\n" user add "$name" "$address"
		ends 65 "switchboard user add: $message"
	done
	is "$(sql 'SELECT count(*) FROM users')" 0
}

@test "all that is wrong is said at once, and no password is asked for" {
	switchboard user add ab nobody </dev/null
	is "$status" 65 'exit status'
	is "${stderr_lines[0]}" 'switchboard user add: username: String should have at least 3 characters'
	like "${stderr_lines[1]}" 'switchboard user add: email: value is not a valid email address: .*'
	is "${#stderr_lines[@]}" 2 lines
	switchboard user add $'b\xffd' x@one.example </dev/null
	ends 65 'switchboard user add: username: must be valid UTF-8'
}

@test "a password is the first line of standard input, and nothing else" {
	answered "$password\r\nsecond line\n" user add anna anna@one.example
	ends 0
	login anna
	answered '' user add bob bob@one.example
	ends 66 'switchboard user add: no password was given: it is the first line of standard input'
	answered '\n' user add bob bob@one.example
	ends 65 'switchboard user add: password: String should have at least 8 characters'
	answered "12345678\\0x\n" user add bob bob@one.example
	ends 65 'switchboard user add: password: Value error, must not contain control characters'
	answered "$(printf '%05000d' 0)\n" user add bob bob@one.example
	ends 65 'switchboard user add: password: String should have at most 1024 characters'
	answered '12345678\xff\n' user add bob bob@one.example
	ends 65 'switchboard user add: password: must be valid UTF-8'
	# As an argument or a setting it is not known at all.
	switchboard user add bob bob@one.example "$password"
	ends 64 "switchboard user add: $password is not understood; see switchboard user add --help"
	env+=("PASSWORD=$password")
	switchboard user add bob bob@one.example </dev/null
	is "$status" 66 'exit status'
	is "$(sql 'SELECT count(*) FROM users')" 1
}

@test "the longest password is taken, in characters of four bytes, too" {
	local long=$(printf '\U1F511%.0s' {1..1024})
	answered "$long\n" user add anna anna@one.example
	ends 0
	call POST /api/auth/login 'Content-Type: application/x-www-form-urlencoded' \
	    -- "username=anna&password=$(jq -rn --arg p "$long" '$p | @uri')"
	expect 200
}

@test "on a terminal a password is asked for twice and never shown" {
	on_terminal 'Password: ' "$password" 'The same again: ' "$password" \
	    -- user add anna anna@one.example
	is "$status" 0 'exit status'
	is "$output" 'Password: 
The same again: 
added anna, anna@one.example

echoes'
	login anna
	on_terminal 'Password: ' "$password" 'The same again: ' other \
	    -- user add bob bob@one.example
	is "$status" 65 'exit status'
	has "$output" 'switchboard user add: these were not the same'
	lacks "$output" other
	lacks "$output" "$password"
	on_terminal 'Password: ' short -- user add bob bob@one.example
	is "$status" 65 'exit status'
	has "$output" 'String should have at least 8 characters'
	is "$(sql 'SELECT count(*) FROM users')" 1
}

@test "the terminal echoes again after a signal, and a stop asks once more" {
	on_terminal 'Password: ' '^C' -- user add anna anna@one.example
	is "$status" 130 'exit status'
	is "${lines[-1]}" echoes
	on_terminal 'Password: ' "$password" 'The same again: ' '^C' \
	    -- user add anna anna@one.example
	is "$status" 130 'exit status'
	is "${lines[-1]}" echoes
	is "$(sql 'SELECT count(*) FROM users')" 0
	on_terminal 'Password: ' '^Z' 'Password: ' "$password" \
	    'The same again: ' "$password" -- user add anna anna@one.example
	is "$status" 0 'exit status'
	is "${lines[0]}" 'stopped: echoes'
	is "${lines[-1]}" echoes
	login anna
}

# ---------------------------------------------------------------- show

@test "all that is known of a user is shown, but no hash" {
	register Anna "$password" Post@one.example
	login anna
	sql "UPDATE users SET created_at = 1700000000999999, is_admin = 1;
	    UPDATE logins SET last_used_at = 1700000001000000"
	switchboard user show anna
	says "id             $(id_of Anna)
name           Anna
address        Post@one.example
active         yes
administrator  yes
created        2023-11-14T22:13:20Z
logins alive   2
last used      2023-11-14T22:13:21Z
password by    scrypt, N=1024, r=1, p=1"
	switchboard user show --json post@one.example
	ends 0
	listed '. == {id: $id, username: "Anna", email: "Post@one.example",
	    is_active: true, is_admin: true, logins: 2,
	    created_at: "2023-11-14T22:13:20.999999Z",
	    last_used_at: "2023-11-14T22:13:21.000000Z",
	    password_by: "scrypt, N=1024, r=1, p=1"}' \
	    --arg id "$(id_of Anna)"
}

@test "a user who was never seen, and hashes of other kinds, are told" {
	add anna
	switchboard user show anna --json
	listed '.last_used_at == null and .logins == 0'
	sql "UPDATE users SET password = '\$2b\$12\$abc'"
	switchboard user show anna --json
	listed '.password_by == "bcrypt, cost 12, until the next login"'
	sql "UPDATE users SET password = 'x'"
	switchboard user show anna --json
	listed '.password_by == "nothing that is known here: nobody can log in"'
}

# -------------------------------------------------------------- passwd

@test "a new password ends all logins, as one's own change does" {
	register anna
	local first=$access first_refresh=$refresh
	register bob
	login anna
	answered 'another password\n' user passwd anna
	says 'anna has a new password, and every login from before has ended'
	me "$first"
	refused
	me "$access"
	refused
	try_refresh "$first_refresh"
	refused_refresh
	try_login anna
	expect 401
	login anna another+password
	me "$access"
	expect 200
	# Nor do those tokens shield anybody any more.
	is "$(sql "SELECT count(*) FROM refresh_tokens JOIN logins
	    ON logins.id = login_id JOIN users ON users.id = user_id
	    WHERE username = 'anna' AND revoked_at IS NOT NULL")" 0
	is "$(sql "SELECT logins_ended_at > 0, password_version FROM users
	    WHERE username = 'anna'")" '1|2'
	login bob
}

@test "a password that is not within the rules changes nothing" {
	register anna
	answered 'short\n' user passwd anna
	ends 65 'switchboard user passwd: password: String should have at least 8 characters'
	answered '' user passwd anna
	is "$status" 66 'exit status'
	me "$access"
	expect 200
	login anna
}

@test "a disabled user's password can be set, who stays disabled" {
	register anna
	switchboard user disable anna
	answered 'another password\n' user passwd anna
	ends 0
	try_login anna another+password
	expect 400 '{"detail":"Inactive user"}'
}

# -------------------------------------------------------------- logout

@test "logout ends all logins of a user, and nobody else's" {
	register anna
	local first=$access
	login anna
	register bob
	switchboard user logout anna
	says 'revoked 2 logins of anna'
	me "$first"
	refused
	me "$access"
	expect 200
	switchboard user logout anna
	says 'revoked 0 logins of anna'
	login anna
}

# -------------------------------------------------------------- delete

@test "a deleted account is gone, with all that was its own" {
	register anna
	local hers=$access
	register bob
	switchboard user delete --yes ANNA
	says 'deleted anna'
	me "$hers"
	refused
	is "$(sql 'SELECT count(*) FROM users')" 1
	is "$(sql 'SELECT count(*) FROM logins')" 1
	is "$(sql 'SELECT count(*) FROM refresh_tokens')" 1
	me "$access"
	expect 200
	register anna
}

@test "a terminal is asked before, and no answer is no" {
	register anna
	on_terminal 'own? [y/N] ' '' -- user delete anna
	is "$status" 0 'exit status'
	has "$output" "Delete anna and all that is this account's own? [y/N] "
	has "$output" $'\nnothing was deleted\n'
	on_terminal 'own? [y/N] ' 'no way' -- user delete anna
	has "$output" $'\nnothing was deleted\n'
	on_terminal 'own? [y/N] ' '^C' -- user delete anna
	is "$status" 130 'exit status'
	is "$(sql 'SELECT count(*) FROM users')" 1
	on_terminal 'own? [y/N] ' 'YES' -- user delete anna
	is "$status" 0 'exit status'
	has "$output" $'\ndeleted anna\n'
	is "$(sql 'SELECT count(*) FROM users')" 0
}

@test "without a terminal there is nobody to ask" {
	register anna
	answered 'y\n' user delete anna
	ends 64 'switchboard user delete: there is nobody to ask whether that is meant: say --yes'
	is "$(sql 'SELECT count(*) FROM users')" 1
}

# ---------------------------------------------------------------- all

@test "whom nobody knows is an error, and what is missing is named" {
	local action
	for action in show passwd logout 'delete --yes'; do
		answered "$password\n" user $action nobody
		ends 67 "switchboard user ${action% *}: nobody has the name \"nobody\""
		switchboard user $action
		ends 64 "switchboard user ${action% *}: USER is missing; see switchboard user ${action% *} --help"
		switchboard user $action --force nobody
		ends 64 "switchboard user ${action% *}: --force is not understood; see switchboard user ${action% *} --help"
	done
	switchboard user add
	ends 64 'switchboard user add: NAME is missing; see switchboard user add --help'
	switchboard user add anna
	ends 64 'switchboard user add: ADDRESS is missing; see switchboard user add --help'
}

@test "what a user has typed does nothing to the terminal" {
	sql "INSERT INTO users (id, email, email_key, username, username_key,
	    password, created_at) VALUES ('1', char(0x202e) || 'x@y.z', 'x@y.z',
	    'a' || char(27) || '[31m', 'a', char(27), 1)"
	switchboard user show x@y.z
	is_harmless "$output"
	has "$output" 'a\u001b[31m'
	switchboard user logout x@y.z
	is_harmless "$output"
	switchboard user delete --yes x@y.z
	is_harmless "$output"
}

@test "a database that is locked for long is an error" {
	register anna
	hold_lock
	local busy="the database in $SWITCHBOARD_DATA is busy, or can't be read or written; the log says which"
	switchboard user delete --yes anna
	fails 69 "switchboard user delete: $busy"
	answered "$password\n" user add bob bob@one.example
	fails 69 "switchboard user add: $busy"
	answered "$password\n" user passwd anna
	fails 69 "switchboard user passwd: $busy"
	release_lock
	is "$(sql 'SELECT count(*) FROM users')" 1
	login anna
}
