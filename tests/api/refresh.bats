# POST /api/auth/refresh: rotation, its ten seconds and what comes after them;
# section 4 of the contract.

load harness

setup_file()
{
	new_data
	register forger
	/usr/bin/python3 "$BATS_TEST_DIRNAME/forge.py" tokens \
	    "$SWITCHBOARD_DATA/signing-keys.json" "$refresh" \
	    "$BATS_FILE_TMPDIR/forged"
	export access refresh
}

dead()		# REFRESH
{
	try_refresh "$1"
	refused_refresh
}

# The second from which a test's clock counts; frozen, so that nothing depends
# on how long a call takes.
begin()		# NAME
{
	register "$1"
	first=$refresh
	start=$((EPOCHSECONDS + 100))
}

after()		# SECONDS COMMAND...
{
	local seconds=$1
	shift
	at_second $((start + seconds)) "$@"
}

revoked_logins()	# of NAME
{
	sql "SELECT count(*) FROM logins JOIN users ON users.id = user_id
	    WHERE username = '$1' AND revoked_at IS NOT NULL"
}

# ---------------------------------------------------------------- rotation

@test "a refresh answers 200 with a new token pair" {
	register ada
	try_refresh "$refresh"
	expect 200
	is_token_pair
	header_is Content-Type application/json
	isnt "$(json .refresh_token)" "$refresh" 'refresh token'
	isnt "$(json .access_token)" "$access" 'access token'
}

@test "the new tokens are of the same login and the same user" {
	register bodo
	local sid=$(claim sid "$refresh") sub=$(claim sub "$refresh")
	rotate "$refresh"
	is "$(claim sid "$access") $(claim sid "$refresh")" "$sid $sid"
	is "$(claim sub "$access") $(claim sub "$refresh")" "$sub $sub"
	me "$access"
	expect 200
}

@test "the old access token lives on after a refresh" {
	register cyrus
	local old=$access
	rotate "$refresh"
	me "$old"
	expect 200
}

@test "a chain of refreshes goes on" {
	register dan
	local i
	for i in 1 2 3 4 5; do
		rotate "$refresh"
	done
	me "$access"
	expect 200
}

@test "a new refresh token lasts its seven days from the refresh" {
	begin eve
	after 86400 rotate "$first"
	is "$(claim iat "$refresh")" $((start + 86400)) iat
	is "$(claim exp "$refresh")" $((start + 86400 + 604800)) exp
	after $((86400 + 604799)) rotate "$refresh"
}

@test "a refresh takes the form of RFC 6749" {
	register fritz
	form /api/auth/refresh \
	    "grant_type=refresh_token&refresh_token=$refresh"
	expect 200
	is_token_pair
}

@test "a refresh takes a multipart form" {
	register gus
	multipart /api/auth/refresh grant_type refresh_token \
	    refresh_token "$refresh"
	expect 200
}

@test "a refresh takes JSON without a Content-Type" {
	register hal
	call POST /api/auth/refresh -- "{\"refresh_token\":\"$refresh\"}"
	expect 200
}

@test "a refresh asks for no access token and minds none" {
	register ivo
	post /api/auth/refresh "{\"refresh_token\":\"$refresh\"}" \
	    'Authorization: Bearer expired'
	expect 200
}

@test "a login's row tells when it last got a token pair" {
	begin jona
	local row="SELECT last_used_at / 1000000 FROM logins
	    WHERE id = '$(claim sid "$first")'"
	after 50 rotate "$first"
	is "$(sql "$row")" $((start + 50)) last_used_at
}

@test "a refresh that gets no tokens leaves that time as it is" {
	begin jost
	local sid=$(claim sid "$first") used
	local row="SELECT last_used_at / 1000000 FROM logins WHERE id = '$sid'"
	after 50 rotate "$first"
	local second=$refresh
	# One that expired, one of a disabled user, one that was stolen.
	after 700000 try_refresh "$second"
	refused_refresh
	is "$(sql "$row")" $((start + 50)) last_used_at
	sql "UPDATE users SET is_active = 0 WHERE username = 'jost'"
	after 60 try_refresh "$second"
	expect 400
	is "$(sql "$row")" $((start + 50)) last_used_at
	sql "UPDATE users SET is_active = 1 WHERE username = 'jost'"
	after 100 try_refresh "$first"
	refused_refresh
	is "$(sql "$row AND revoked_at IS NOT NULL")" $((start + 50)) \
	    'last_used_at of what was stolen'
	after 110 try_refresh "$second"
	refused_refresh
	is "$(sql "$row")" $((start + 50)) last_used_at
}

@test "a refresh within the 10 s gets tokens, and sets that time" {
	begin jule
	local row="SELECT last_used_at / 1000000 FROM logins
	    WHERE id = '$(claim sid "$first")'"
	after 50 rotate "$first"
	after 57 rotate "$first"
	is "$(sql "$row")" $((start + 57)) last_used_at
}

# ---------------------------------------------------------------- ten seconds

@test "within 10 s a used token gets the same successor, to the letter" {
	begin kai
	after 0 rotate "$first"
	local second=$refresh
	after 0 rotate "$first"
	is "$refresh" "$second" successor
	after 5 rotate "$first"
	is "$refresh" "$second" successor
	after 9 rotate "$first"
	is "$refresh" "$second" successor
}

@test "each use within 10 s gets an access token of its own" {
	begin leo
	after 0 rotate "$first"
	local one=$access
	after 0 rotate "$first"
	isnt "$access" "$one" 'access token'
	isnt "$(claim jti "$access")" "$(claim jti "$one")" jti
	is "$(claim sid "$access")" "$(claim sid "$one")" sid
	after 1 me "$access"
	expect 200
	after 1 me "$one"
	expect 200
}

@test "within 10 s the successor is the same even if it was used itself" {
	begin max
	after 0 rotate "$first"
	local second=$refresh
	after 1 rotate "$second"
	local third=$refresh
	after 2 rotate "$third"
	after 9 rotate "$first"
	is "$refresh" "$second" 'successor of the first'
	after 9 rotate "$second"
	is "$refresh" "$third" 'successor of the second'
	is "$(revoked_logins max)" 0 'revoked logins'
}

@test "using a token again does not prolong its 10 s" {
	begin ned
	after 0 rotate "$first"
	after 9 rotate "$first"
	after 11 dead "$first"
}

@test "a token that was not used is good for all of its seven days" {
	begin ole
	after 600000 rotate "$first"
}

@test "used later than 10 s, a token revokes its login: both holders are out" {
	begin pam
	local stolen_access=$access
	after 0 rotate "$first"
	after 11 dead "$first"
	after 12 dead "$refresh"
	after 12 me "$access"
	refused
	after 12 me "$stolen_access"
	refused
	is "$(revoked_logins pam)" 1 'revoked logins'
}

@test "a reused token revokes, however often the chain went on since" {
	begin quin
	after 0 rotate "$first"
	after 20 rotate "$refresh"
	after 40 rotate "$refresh"
	after 60 rotate "$refresh"
	after 60 dead "$first"
	after 61 dead "$refresh"
	after 61 me "$access"
	refused
}

@test "a reused token leaves the user's other logins alone" {
	begin rex
	login rex
	local other_access=$access other_refresh=$refresh
	after 0 rotate "$first"
	after 11 dead "$first"
	after 12 me "$other_access"
	expect 200
	after 12 rotate "$other_refresh"
	is "$(revoked_logins rex)" 1 'revoked logins'
	after 12 login rex
}

@test "a token is dead for good after its login was revoked" {
	begin sam
	after 0 rotate "$first"
	after 11 dead "$first"
	after 1 dead "$first"
	after 0 dead "$refresh"
}

@test "eight simultaneous refreshes all get the one successor" {
	register tim
	local used=$refresh
	race() {
		try_refresh "$used"
	}
	at_once 8 race
	is "$(grep -c '^200 ' <<<"$answers")" 8 successes
	is "$(cut -c 5- <<<"$answers" | jq -r .refresh_token | sort -u |
	    grep -c .)" 1 'different refresh tokens'
	is "$(cut -c 5- <<<"$answers" | jq -r .access_token | sort -u |
	    grep -c .)" 8 'different access tokens'
	rotate "$(cut -c 5- <<<"$answers" | head -n 1 | jq -r .refresh_token)"
}

@test "eight simultaneous reuses of a stolen token all get a 401" {
	begin uli
	after 0 rotate "$first"
	race() {
		after 30 try_refresh "$first"
	}
	at_once 8 race
	is "$(grep -c '^401 .*invalid_grant' <<<"$answers")" 8 refusals
	is "$(revoked_logins uli)" 1 'revoked logins'
}

@test "a login keeps only its current and its just used generations" {
	begin val
	local i
	for i in 0 20 40 60; do
		after $i rotate "$refresh"
	done
	like "$(sql "SELECT count(*) FROM refresh_tokens
	    WHERE login_id = '$(claim sid "$first")'")" '[12]' rows
}

@test "no token is stored" {
	register wim
	rotate "$refresh"
	local dump=$(sqlite3 "$SWITCHBOARD_DATA/switchboard.db" .dump)
	lacks "$dump" "${access##*.}"
	lacks "$dump" "${refresh##*.}"
}

# ---------------------------------------------------------------- expiry

@test "a refresh token is good in its last second" {
	register xia
	at_second $(($(claim exp "$refresh") - 1)) rotate "$refresh"
}

@test "a refresh token is dead in the second in which it expires" {
	register yan
	at_second "$(claim exp "$refresh")" dead "$refresh"
}

@test "an expired refresh token revokes nothing" {
	register zoe
	local token=$refresh
	later 700000 dead "$token"
	is "$(revoked_logins zoe)" 0 'revoked logins'
	rotate "$token"
	me "$access"
	expect 200
}

@test "the ten seconds do not outlast the token" {
	register abe
	local used=$refresh exp=$(claim exp "$refresh")
	at_second $((exp - 2)) rotate "$used"
	at_second $((exp - 1)) rotate "$used"
	at_second "$exp" dead "$used"
	at_second "$exp" rotate "$refresh"
}

@test "a used token that comes again after its expiry revokes nothing" {
	register bob
	local used=$refresh exp=$(claim exp "$refresh")
	at_second $((exp - 100)) rotate "$used"
	at_second $((exp + 100)) dead "$used"
	at_second $((exp + 100)) rotate "$refresh"
}

# ---------------------------------------------------------------- refusals

@test "an access token is no refresh token" {
	register cleo
	dead "$access"
	rotate "$refresh"
}

@test "what is no token at all is a 401" {
	local text
	for text in x abc . .. a.b.c 'two words' ' ' "$(printf '%020480d' 0)" \
	    'é' '\u200b' "$refresh $refresh" " $refresh" "$refresh " \
	    "$refresh\\n" "\\\"$refresh\\\"" "Bearer $refresh"; do
		dead "$text"
	done
}

# refuses FORGERY: a refresh token forged this way is refused, and harms
# nothing.
refuses()
{
	dead "$(<"$BATS_FILE_TMPDIR/forged/$1")"
	is "$(revoked_logins forger)" 0 'revoked logins'
	me "$access"
	expect 200
}

@test "a refresh token without signature is refused" {
	refuses alg-none
	refuses alg-none-capitals
	refuses alg-none-two-parts
	refuses signature-empty
}

@test "a refresh token by another algorithm is refused" {
	refuses alg-hs384
	refuses alg-hs512
}

@test "a refresh token by another key is refused" {
	refuses key-other
	refuses key-empty
	refuses kid-unknown
	refuses kid-missing
}

@test "a refresh token whose text was altered is refused" {
	refuses signature-changed
	refuses signature-padded
	refuses signature-spare-bits
	refuses claims-changed
	refuses header-changed
	refuses parts-four
}

@test "a refresh token that lacks a claim is refused" {
	local name
	for name in sub type iat exp jti sid; do
		refuses without-$name
	done
}

@test "a refresh token of another type is refused" {
	refuses type-swapped
	refuses type-other
}

@test "a refresh token of another user or login is refused" {
	refuses sub-unknown
	refuses sid-unknown
}

@test "a disabled user's refresh is a 400" {
	register dirk
	sql "UPDATE users SET is_active = 0 WHERE username = 'dirk'"
	try_refresh "$refresh"
	expect 400 '{"detail":"Inactive user"}'
}

@test "the refresh token of a revoked login is refused" {
	register emil
	sql "UPDATE logins SET revoked_at = created_at
	    WHERE id = '$(claim sid "$refresh")'"
	dead "$refresh"
}

# ---------------------------------------------------------------- input

@test "a missing refresh token is a 422" {
	post /api/auth/refresh '{"refreshToken":"Zu7"}'
	expect 422
	holds '.detail | length == 1 and (.[0] | .type == "missing"
	    and .loc == ["body", "refresh_token"]
	    and .msg == "Field required")'
	lacks "$body" Zu7
	form /api/auth/refresh 'grant_type=refresh_token&refresh_token='
	expect 422
	holds '[.detail[] | [.type, .loc]]
	    == [["missing", ["body", "refresh_token"]]]'
}

@test "a refresh token that is no string is a 422 that does not show it" {
	local value
	for value in 70077 null '["Zu7"]' '{"Zu7":1}'; do
		post /api/auth/refresh "{\"refresh_token\":$value}"
		invalid '{"type":"string_type","loc":["body","refresh_token"],
		    "msg":"Input should be a valid string"}'
	done
}

@test "a grant type other than refresh_token is a 422" {
	form /api/auth/refresh "grant_type=password&refresh_token=$refresh"
	expect 422
	holds '.detail | length == 1 and (.[0]
	    | .type == "string_pattern_mismatch"
	    and .loc == ["body", "grant_type"] and .input == "password"
	    and .msg == "String should match pattern '\''" + .ctx.pattern
	    + "'\''")'
}

@test "a refresh of another Content-Type is a 422 that does not show it" {
	call POST /api/auth/refresh 'Content-Type: text/plain' \
	    -- "{\"refresh_token\":\"$refresh\"}"
	expect 422
	lacks "$body" "$refresh"
}

@test "a refresh without a body is a 422" {
	call POST /api/auth/refresh
	expect 422
	holds '.detail | length > 0 and all(.type == "missing")'
}
