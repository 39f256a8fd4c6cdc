# GET /api/auth/me, and with it whom the API takes for whom: sections 2 and 4 of
# the contract.

load harness

setup_file()
{
	new_data
	register anna
	export access refresh
}

not_authenticated()
{
	expect 401 '{"detail":"Not authenticated"}'
	header_is WWW-Authenticate Bearer
}

with()		# AUTHORIZATION
{
	call GET /api/auth/me "Authorization: $1"
}

@test "me is the user whose token it is" {
	me "$access"
	expect 200
	holds 'keys == ["created_at", "email", "id", "is_active", "username"]
	    and .email == "anna@example.com" and .username == "anna"
	    and .is_active == true'
	header_is Content-Type application/json
}

@test "a user's id is a UUID of version 7 in lower case" {
	me "$access"
	expect 200
	like "$(json .id)" "$uuid7" id
	is "$(json .id)" "$(claim sub "$access")" id
}

@test "a user's time of creation is RFC 3339 with microseconds and Z" {
	register ben
	me "$access"
	expect 200
	like "$(json .created_at)" "$time" created_at
	local age=$((EPOCHSECONDS - $(date -d "$(json .created_at)" +%s)))
	like "$age" '[0-5]' 'seconds since then'
}

@test "HEAD of me has GET's status and no body" {
	call HEAD /api/auth/me "Authorization: Bearer $access"
	expect 200
	is "$body" ''
	call HEAD /api/auth/me
	is "$status_code" 401
	header_is WWW-Authenticate Bearer
	is "$body" ''
}

@test "reading me writes nothing" {
	local before=$(sql 'SELECT * FROM users; SELECT * FROM logins')
	me "$access"
	expect 200
	is "$(sql 'SELECT * FROM users; SELECT * FROM logins')" "$before"
}

# ---------------------------------------------------------------- the scheme

@test "without Authorization nobody is authenticated" {
	call GET /api/auth/me
	not_authenticated
}

@test "an empty Authorization is none" {
	with ''
	not_authenticated
}

@test "another scheme authenticates nobody" {
	local text
	for text in 'Basic YW5uYTp4' Basic "Token $access" "$access" \
	    "Bearer$access" "Bearers $access" 'Digest username="x"' \
	    "=Bearer $access" "\"Bearer\" $access"; do
		with "$text"
		not_authenticated
	done
}

@test "the scheme may be in any case" {
	local scheme
	for scheme in bearer BEARER bEaReR; do
		with "$scheme $access"
		expect 200
	done
}

@test "Bearer with nothing is an invalid token" {
	with Bearer
	refused
	with 'Bearer '
	refused
	with 'bearer'
	refused
}

@test "Bearer with two words is an invalid token" {
	with "Bearer $access $access"
	refused
	with "Bearer $access x"
	refused
	with "Bearer x $access"
	refused
	with "Bearer ${access:0:20} ${access:20}"
	refused
}

@test "two Authorization fields that a server joined are an invalid token" {
	with "Bearer $access, Bearer $access"
	refused
	with "Bearer $access,"
	refused
}

@test "a token in quotes, in another case or with a tab in it is invalid" {
	with "Bearer \"$access\""
	refused
	with "Bearer ${access^^}"
	refused
	with "Bearer ${access:0:20}"$'\t'"${access:20}"
	refused
	with $'Bearer \xff\xfe'
	refused
	with $'Bearer \xc3\xa9'
	refused
}

@test "a token in the query or in a cookie authenticates nobody" {
	call GET "/api/auth/me?access_token=$access&token=$access"
	not_authenticated
	call GET /api/auth/me "Cookie: access_token=$access"
	not_authenticated
}

@test "a refresh token is no access token" {
	me "$refresh"
	refused
}

# ---------------------------------------------------------------- live or not

@test "a disabled user is told so" {
	register carl
	sql "UPDATE users SET is_active = 0 WHERE username = 'carl'"
	me "$access"
	expect 400 '{"detail":"Inactive user"}'
}

@test "the token of a user who is gone is refused" {
	register dora
	sql "DELETE FROM refresh_tokens WHERE login_id IN (SELECT logins.id
	    FROM logins JOIN users ON users.id = user_id
	    WHERE username = 'dora');
	    DELETE FROM logins WHERE user_id IN
	    (SELECT id FROM users WHERE username = 'dora');
	    DELETE FROM users WHERE username = 'dora'"
	me "$access"
	refused
	try_refresh "$refresh"
	refused_refresh
}

@test "the token of a revoked login is refused, those of other logins live" {
	register ella
	local first=$access
	login ella
	sql "UPDATE logins SET revoked_at = created_at
	    WHERE id = '$(claim sid "$first")'"
	me "$first"
	refused
	me "$access"
	expect 200
}

@test "the token of a login that is gone is refused" {
	register fay
	sql "DELETE FROM refresh_tokens
	    WHERE login_id = '$(claim sid "$access")';
	    DELETE FROM logins WHERE id = '$(claim sid "$access")'"
	me "$access"
	refused
}

@test "a refused token is told the same whether its user is disabled or not" {
	register gina
	sql "UPDATE logins SET revoked_at = created_at
	    WHERE id = '$(claim sid "$access")'"
	sql "UPDATE users SET is_active = 0 WHERE username = 'gina'"
	me "$access"
	refused
}

@test "two users' tokens do not mix" {
	register hans
	local first=$access
	register ines
	me "$first"
	holds '.username == "hans"'
	me "$access"
	holds '.username == "ines"'
}
