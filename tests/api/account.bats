# The care of one's account: a new password, another name or address, and its
# end.  Section 4 of the contract.

load harness
load logins

new_password='a new pass-phrase'

# with METHOD TARGET ACCESS JSON [Name: value]...
with()
{
	local method=$1 target=$2 token=$3 json=$4
	shift 4
	call "$method" "$target" 'Content-Type: application/json' \
	    "Authorization: Bearer $token" "$@" -- "$json"
}

try_password()	# ACCESS [NEW [CURRENT]], as they stand in JSON
{
	with POST /api/auth/password "$1" \
	    "{\"current_password\":\"${3-$password}\",
	    \"new_password\":\"${2-$new_password}\"}"
}

change_password()
{
	try_password "$@"
	expect 200
	take_tokens
}

# patch ACCESS MEMBERS [CURRENT]: the members as they stand in JSON.
patch()
{
	with PATCH /api/auth/me "$1" \
	    "{$2,\"current_password\":\"${3-$password}\"}"
}

delete()	# ACCESS [CURRENT]
{
	with DELETE /api/auth/me "$1" \
	    "{\"current_password\":\"${2-$password}\"}"
}

incorrect()
{
	expect 400 '{"detail":"Incorrect password"}'
	header_is WWW-Authenticate ''
}

taken()
{
	expect 400 "{\"detail\":\"$1 already registered\"}"
}

logs_in()	# NAME [PASSWORD]
{
	try_login "$@"
	expect 200
}

logs_not_in()
{
	try_login "$@"
	expect 401
}

# All that is stored of a user, by the id in the token.
stored()	# ACCESS
{
	local id=$(claim sub "$1")
	sql "SELECT * FROM users WHERE id = '$id';
	    SELECT * FROM logins WHERE user_id = '$id' ORDER BY id;
	    SELECT refresh_tokens.* FROM refresh_tokens JOIN logins
	    ON logins.id = login_id WHERE user_id = '$id' ORDER BY jti"
}

# Takes all places for hashing until leave_places.
take_places()
{
	local out=$BATS_TEST_TMPDIR/places.out

	mkfifo "$BATS_TEST_TMPDIR/places"
	/usr/bin/python3 -c '
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.readline()
' "$SWITCHBOARD_DATA/hash.slots" <"$BATS_TEST_TMPDIR/places" >"$out" 3>&- &
	places_holder=$!
	exec {places}>"$BATS_TEST_TMPDIR/places"
	until [ -s "$out" ]; do sleep 0.01; done
}

leave_places()
{
	echo >&"$places"
	exec {places}>&-
	wait "$places_holder" || true
	rm -f "$BATS_TEST_TMPDIR"/places*
}

# How many processes have the file of places open.
at_places()
{
	find /proc/[0-9]*/fd -lname "$SWITCHBOARD_DATA/hash.slots" \
	    2>/dev/null | cut -d/ -f3 | sort -u | grep -c .
}

# while_hashing SQL COMMAND...: runs the SQL while the command's program waits
# for a place to hash in.
while_hashing()
{
	local text=$1 late=$BATS_TEST_TMPDIR/late pid
	shift
	take_places
	(
		"$@"
		printf '%s=%q\n' status_code "$status_code" \
		    reason "$reason" headers "$headers" body "$body" \
		    log "$log" request "$request" >"$late"
	) 3>&- &
	pid=$!
	until (($(at_places) >= 2)); do
		kill -0 "$pid" || break
	done
	[ ! -e "$late" ]
	sql "$text"
	leave_places
	wait "$pid"
	source "$late"
	rm "$late"
}

revoke()	# ACCESS
{
	printf "UPDATE logins SET revoked_at = created_at WHERE id = '%s'" \
	    "$(claim sid "$1")"
}

# ---------------------------------------------------------------- a password

@test "a new password answers 200 with the token pair of a new login" {
	register ada
	local id=$(claim sub "$access") sid=$(claim sid "$access")
	try_password "$access"
	expect 200
	is_token_pair
	header_is Content-Type application/json
	header_is Cache-Control no-store
	take_tokens
	is "$(claim sub "$access") $(claim sub "$refresh")" "$id $id" sub
	isnt "$(claim sid "$access")" "$sid" sid
	is "$(claim sid "$access")" "$(claim sid "$refresh")" sid
	is "$(claim username "$access")" ada
	lives "$access" "$refresh"
}

@test "the new password logs in, and the old one does not" {
	register bob
	change_password "$access"
	logs_not_in bob
	logs_in bob "${new_password// /+}"
	logs_in bob@example.com "${new_password// /+}"
}

@test "every earlier login is dead at once, the caller's own, too" {
	register cleo
	local first=$access first_refresh=$refresh
	login cleo
	local second=$access second_refresh=$refresh
	login cleo
	local third=$access used=$refresh
	rotate "$used"
	local fourth=$access fourth_refresh=$refresh
	change_password "$second"
	dead "$first" "$first_refresh"
	dead "$second" "$second_refresh"
	dead "$third" "$used"
	dead "$fourth" "$fourth_refresh"
	call GET /api/auth/sessions "Authorization: Bearer $access"
	holds '.total == 1 and .sessions[0].current'
	lives "$access" "$refresh"
	lives "$somebody"
}

@test "the new login has the client's address and user agent" {
	register dora
	cgi=(REMOTE_ADDR=192.0.2.99)
	with POST /api/auth/password "$access" \
	    "{\"current_password\":\"$password\",
	    \"new_password\":\"$new_password\"}" 'User-Agent: Care/1.0'
	expect 200
	take_tokens
	call GET /api/auth/sessions "Authorization: Bearer $access"
	holds '.total == 1 and (.sessions[0] | .user_agent == "Care/1.0"
	    and .ip_address == "192.0.2.99")'
}

@test "a wrong current password is a 400 that changes nothing" {
	register emil
	local before=$(stored "$access") wrong
	for wrong in wrong-password "$new_password" " $password" \
	    "$password " "${password^^}" "${password%?}"; do
		try_password "$access" "$new_password" "$wrong"
		incorrect
	done
	is "$(stored "$access")" "$before" 'what is stored'
	lives "$access" "$refresh"
	logs_in emil
	logs_not_in emil "${new_password// /+}"
}

@test "the same password may be set again, and ends the earlier logins" {
	register fay
	local old=$access old_refresh=$refresh
	change_password "$access" "$password"
	dead "$old" "$old_refresh"
	lives "$access"
	logs_in fay
}

@test "passwords may be changed again and again" {
	register gus
	local i last=$password
	for i in 1 2 3; do
		change_password "$access" "password-$i" "$last"
		last=password-$i
	done
	logs_in gus password-3
	logs_not_in gus password-2
}

@test "both passwords are the same in any composition" {
	register hal 'passwörter-1'
	change_password "$access" 'geheimnisträger' $'passwo\xcc\x88rter-1'
	logs_in hal $'geheimnistra\xcc\x88ger'
	change_password "$access" $'passwo\xcc\x88rter-2' \
	    $'geheimnistra\xcc\x88ger'
	logs_in hal passwörter-2
}

@test "a new password is stored as scrypt with the cost that is set" {
	register ida
	settings+=(SCRYPT_N=2048)
	change_password "$access"
	like "$(sql "SELECT password FROM users WHERE username = 'ida'")" \
	    '[$]s1[$]0b0101[$].*'
}

@test "an imported hash is taken for the current password" {
	register jan
	sql "UPDATE users SET password =
	    '\$2b\$04\$abcdefghijklmnopqrstuu8RVlwnKRL5btN1htPns4R0yxz8urHTq'
	    WHERE username = 'jan'"
	try_password "$access" "$new_password" 'Zoë-12346'
	incorrect
	change_password "$access" "$new_password" 'Zoë-12345'
	like "$(sql "SELECT password FROM users WHERE username = 'jan'")" \
	    '[$]s1[$]0a0101[$].*'
	logs_in jan "${new_password// /+}"
}

@test "a new password has eight code points at least, and 1024 at most" {
	register kim
	local bad long
	for bad in 1234567 ééééééé ''; do
		try_password "$access" "$bad"
		invalid '{"type":"string_too_short",
		    "loc":["body","new_password"],
		    "msg":"String should have at least 8 characters",
		    "ctx":{"min_length":8}}'
	done
	printf -v long '%01024d' 0
	try_password "$access" "${long//0/𠀀}x"
	invalid '{"type":"string_too_long","loc":["body","new_password"],
	    "msg":"String should have at most 1024 characters",
	    "ctx":{"max_length":1024}}'
	lives "$access" "$refresh"
	change_password "$access" éééééééé
	change_password "$access" "${long//0/𠀀}" éééééééé
	change_password "$access" "$password" "${long//0/𠀀}"
}

@test "a new password has no control characters" {
	register leo
	local bad
	for bad in 'Zu7-5678\u0001' 'Zu7-\n5678' 'Zu7-\t5678' \
	    'Zu7-\u007f5678' 'Zu7-\u00855678'; do
		try_password "$access" "$bad"
		expect 422
		holds '.detail | length == 1 and (.[0]
		    | .type == "value_error"
		    and .loc == ["body", "new_password"]
		    and .msg == "Value error, " + .ctx.reason
		    and (has("input") | not))'
		lacks "$body" Zu7
	done
	logs_in leo
}

@test "what is missing or no text is a 422 that shows no password" {
	register mia
	with POST /api/auth/password "$access" '{"newPassword":"Zu7-12345"}'
	invalid '{"type":"missing","loc":["body","current_password"],
	    "msg":"Field required","input":{}},{"type":"missing",
	    "loc":["body","new_password"],"msg":"Field required","input":{}}'
	with POST /api/auth/password "$access" \
	    '{"new_password":"Zu7-12345"}'
	invalid '{"type":"missing","loc":["body","current_password"],
	    "msg":"Field required","input":{}}'
	with POST /api/auth/password "$access" \
	    "{\"current_password\":\"$password\"}"
	invalid '{"type":"missing","loc":["body","new_password"],
	    "msg":"Field required","input":{}}'
	local value
	for value in 70077 null '["Zu7-12345"]' '{"Zu7-12345":1}' true; do
		with POST /api/auth/password "$access" \
		    "{\"current_password\":$value,\"new_password\":$value}"
		invalid '{"type":"string_type",
		    "loc":["body","current_password"],
		    "msg":"Input should be a valid string"},
		    {"type":"string_type","loc":["body","new_password"],
		    "msg":"Input should be a valid string"}'
		lacks "$log" Zu7
	done
	lives "$access" "$refresh"
}

@test "a refresh that races a new password leaves no earlier login alive" {
	register ned
	local old=$access used=$refresh status text
	one()
	{
		if ((turn == 3)); then
			try_password "$old"
		else
			try_refresh "$used"
		fi
	}
	at_once 8 one
	read -r status text <"$BATS_TEST_TMPDIR/answer.3"
	is "$status" 200 'status of the change'
	body=$text
	take_tokens
	local kept=$access kept_refresh=$refresh
	for turn in 1 2 4 5 6 7 8; do
		read -r status text <"$BATS_TEST_TMPDIR/answer.$turn"
		like "$status" '200|401' "status of refresh $turn"
		[ "$status" = 200 ] || continue
		body=$text
		take_tokens
		dead "$access" "$refresh"
	done
	dead "$old" "$used"
	lives "$kept" "$kept_refresh"
}

@test "of changes at once with one current password exactly one wins" {
	register ole
	local i status text
	one()
	{
		try_password "$access" "password-$turn"
	}
	at_once 6 one
	is "$(grep -c '^200 ' <<<"$answers")" 1 successes
	is "$(grep -c -e '^400 {"detail":"Incorrect password"}$' \
	    -e '^401 {"detail":"Could not validate credentials"}$' \
	    <<<"$answers")" 5 refusals
	dead "$access" "$refresh"
	for i in 1 2 3 4 5 6; do
		read -r status text <"$BATS_TEST_TMPDIR/answer.$i"
		if [ "$status" = 200 ]; then
			logs_in ole "password-$i"
			body=$text
			take_tokens
			lives "$access" "$refresh"
		else
			logs_not_in ole "password-$i"
		fi
	done
	logs_not_in ole
}

@test "the same at once from several logins" {
	register pam
	local tokens=("$access") i
	for i in 1 2 3; do
		login pam
		tokens+=("$access")
	done
	one()
	{
		try_password "${tokens[turn - 1]}" "password-$turn"
	}
	at_once 4 one
	is "$(grep -c '^200 ' <<<"$answers")" 1 successes
	is "$(grep -c -e '^400 ' -e '^401 ' <<<"$answers")" 3 refusals
	is "$(sql "SELECT count(*) FROM logins JOIN users
	    ON users.id = user_id WHERE username = 'pam'
	    AND revoked_at IS NULL")" 1 'living logins'
}

@test "a login by the old password that is under way begins nothing" {
	register quin
	change_password "$access"
	local hash=$(sql "SELECT password FROM users
	    WHERE username = 'quin'")
	register rex
	while_hashing "UPDATE users SET password = '$hash',
	    password_version = password_version + 1
	    WHERE username = 'rex'" try_login rex
	expect 401
	is "$(sql "SELECT count(*) FROM logins JOIN users
	    ON users.id = user_id WHERE username = 'rex'")" 1 logins
}

# ------------------------------------------------------- a name, an address

@test "a new name answers as me does, and is shown by it at once" {
	register sam
	me "$access"
	local id=$(json .id) created=$(json .created_at)
	patch "$access" '"username":"Sam the 2nd"'
	expect 200 '{"id":"'$id'","email":"sam@example.com",
	    "username":"Sam the 2nd","is_active":true,
	    "created_at":"'$created'"}'
	is "$(jq -c keys_unsorted <<<"$body")" \
	    '["id","email","username","is_active","created_at"]'
	header_is Content-Type application/json
	header_is Cache-Control no-store
	local answer=$body
	me "$access"
	expect 200 "$answer"
}

@test "a new name logs in, and the old one is free" {
	register tim
	patch "$access" '"username":"tom"'
	expect 200
	logs_in TOM
	is "$(claim username "$(json .access_token)")" tom
	logs_in tim@example.com
	logs_not_in tim
	try_register tim "$password" another@example.com
	expect 201
	try_register Tom "$password" third@example.com
	taken Username
}

@test "a new address logs in, and the old one is free" {
	register uli
	patch "$access" '"email":"Uli.Neu@Example.com"'
	expect 200
	holds '.email == "Uli.Neu@Example.com" and .username == "uli"'
	logs_in uli.neu@example.com
	logs_in uli
	logs_not_in uli@example.com
	register other-uli "$password" uli@example.com
	try_register third-uli "$password" uli.neu@EXAMPLE.com
	taken Email
}

@test "a name and an address may be changed together" {
	register val
	patch "$access" '"email":"vera@bücher.de","username":"Véra"'
	expect 200
	holds '.email == "vera@bücher.de" and .username == "Véra"'
	logs_in vera@xn--bcher-kva.de
	logs_in VÉRA
	try_register val
	expect 201
}

@test "a change of name logs nobody out" {
	register wim
	local first=$access first_refresh=$refresh
	login wim
	patch "$access" '"username":"wilhelm","email":"wilhelm@example.com"'
	expect 200
	lives "$access" "$refresh"
	is "$(claim username "$access")" wilhelm
	lives "$first" "$first_refresh"
	is "$(claim username "$access")" wilhelm
	me "$first"
	holds '.username == "wilhelm"'
}

@test "a refresh token's successor is the same to the letter after a new name" {
	at 0 register xia
	local used=$refresh
	at 1 rotate "$used"
	local second=$refresh
	at 2 patch "$access" '"username":"Xia Neu"'
	expect 200
	at 3 rotate "$used"
	is "$refresh" "$second" successor
	is "$(claim username "$access")" 'Xia Neu'
}

@test "a wrong password is a 400, and changes neither name nor address" {
	register yan
	local before=$(stored "$access")
	patch "$access" '"username":"yann","email":"yann@example.com"' \
	    wrong-password
	incorrect
	# Whether they are taken is for nobody to see.
	patch "$access" \
	    '"username":"somebody","email":"somebody@example.com"' \
	    wrong-password
	incorrect
	is "$(stored "$access")" "$before" 'what is stored'
}

@test "a name or an address that is taken is a 400" {
	register zoe
	local before=$(stored "$access") name
	for name in somebody SomeBody 'ｓomebody' SOMEBODY; do
		patch "$access" "\"username\":\"$name\""
		taken Username
	done
	for name in somebody@example.com SOMEBODY@Example.COM; do
		patch "$access" "\"email\":\"$name\""
		taken Email
		patch "$access" "\"email\":\"$name\",\"username\":\"zoey\""
		taken Email
		patch "$access" "\"email\":\"$name\",\"username\":\"Zoe\""
		taken Email
		patch "$access" "\"email\":\"$name\",\"username\":\"Somebody\""
		taken Username
	done
	patch "$access" '"email":"zoey@example.com","username":"somebody"'
	taken Username
	is "$(stored "$access")" "$before" 'what is stored'
	header_is WWW-Authenticate ''
}

@test "the name of one and the address of another are both taken" {
	register abe
	register bea
	register cai
	patch "$access" '"email":"bea@example.com","username":"abe"'
	taken Username
	patch "$access" '"email":"abe@example.com","username":"caius"'
	taken Email
	try_register caius "$password" caius@example.com
	expect 201
}

@test "one's own name and address in another spelling are fine" {
	register dan
	patch "$access" '"username":"ＤＡＮ"'
	expect 200
	holds '.username == "ＤＡＮ"'
	patch "$access" '"username":"Dan","email":"DAN@Example.com"'
	expect 200
	holds '.username == "Dan" and .email == "DAN@Example.com"'
	me "$access"
	holds '.username == "Dan" and .email == "DAN@Example.com"'
	# As they are, too.
	patch "$access" '"username":"Dan","email":"DAN@Example.com"'
	expect 200
	patch "$access" '"username":"Dan","email":"daniel@example.com"'
	expect 200
	patch "$access" '"username":"daniel","email":"daniel@example.com"'
	expect 200
	logs_in daniel
}

@test "null counts as absent" {
	register eva
	patch "$access" '"username":null,"email":"eva2@example.com"'
	expect 200
	holds '.username == "eva" and .email == "eva2@example.com"'
	patch "$access" '"username":"eva2","email":null'
	expect 200
	holds '.username == "eva2" and .email == "eva2@example.com"'
}

@test "with neither a name nor an address there is nothing to change: 422" {
	register fred
	local members secret
	for members in '"x":1' '"email":null,"username":null' '"email":null' \
	    '"userName":"Zu7"'; do
		for secret in "$password" wrong-password; do
			patch "$access" "$members" "$secret"
			expect 422
			holds '.detail | length == 1 and (.[0]
			    | keys == ["ctx", "input", "loc", "msg", "type"]
			    and .type == "value_error" and .loc == ["body"]
			    and .input == {}
			    and (.ctx | keys == ["reason"])
			    and (.ctx.reason | length > 0)
			    and .msg == "Value error, " + .ctx.reason)'
			lacks "$body" "$secret"
			lacks "$body" Zu7
		done
	done
}

@test "all that is wrong with a change is told at once" {
	register gil
	with PATCH /api/auth/me "$access" '{"email":"gil@example.com"}'
	invalid '{"type":"missing","loc":["body","current_password"],
	    "msg":"Field required","input":{"email":"gil@example.com"}}'
	with PATCH /api/auth/me "$access" \
	    '{"email":"no address","username":"x","current_password":70077}'
	expect 422
	is "$(jq -c '[.detail[] | [.type, .loc[1]]]' <<<"$body")" \
	    '[["value_error","email"],["string_too_short","username"],["string_type","current_password"]]'
	lacks "$body" 70077
	with PATCH /api/auth/me "$access" \
	    "{\"email\":7,\"username\":[],\"current_password\":\"$password\"}"
	is "$(jq -c '[.detail[] | [.type, .loc[1], .input]]' <<<"$body")" \
	    '[["string_type","email",7],["string_type","username",[]]]'
	with PATCH /api/auth/me "$access" '{}'
	expect 422
	holds '.detail[0] | .type == "missing"
	    and .loc == ["body", "current_password"] and .input == {}'
}

@test "a new name and address are held to registration's rules" {
	register hugo
	local bad
	for bad in 'ab' 'a@bc' ' abc' 'abc ' 'a  bc' 'a\tbc' 'a\u200bbc' \
	    'a\u202ebc' 'a\u00a0bc' '' "$(printf '%051d' 0)"; do
		patch "$access" "\"username\":\"$bad\""
		local wanted=$(jq -c .detail <<<"$body")
		expect 422
		post /api/auth/register "{\"email\":\"n@example.com\",
		    \"username\":\"$bad\",\"password\":\"12345678\"}"
		is "$wanted" "$(jq -c .detail <<<"$body")" "answers to $bad"
	done
	for bad in '' nobody nobody@example 'a b@example.com' \
	    ' nobody@example.com' 'nobody@example.com\n' x@y.test \
	    'Nobody <nobody@example.com>' nobody@[127.0.0.1] \
	    nobody@localhost; do
		patch "$access" "\"email\":\"$bad\""
		local wanted=$(jq -c .detail <<<"$body")
		expect 422
		post /api/auth/register "{\"email\":\"$bad\",
		    \"username\":\"nobody-1\",\"password\":\"12345678\"}"
		is "$wanted" "$(jq -c .detail <<<"$body")" "answers to $bad"
	done
	me "$access"
	holds '.username == "hugo" and .email == "hugo@example.com"'
}

@test "of users at once that want one name exactly one gets it" {
	local names=(racer RACER Racer ＲＡＣＥＲ rAcer raCer) tokens=() i
	for i in 1 2 3 4 5 6; do
		register "runner$i"
		tokens+=("$access")
	done
	one()
	{
		patch "${tokens[turn - 1]}" "\"username\":\"${names[turn - 1]}\""
	}
	at_once 6 one
	is "$(grep -c '^200 ' <<<"$answers")" 1 successes
	is "$(grep -cFx '400 {"detail":"Username already registered"}' \
	    <<<"$answers")" 5 refusals
	is "$(sql "SELECT count(*) FROM users
	    WHERE username_key = 'racer'")" 1 users
	is "$(sql "SELECT count(*) FROM users
	    WHERE username LIKE 'runner_'")" 5 'users as before'
}

@test "of a registration and a change at once exactly one gets the address" {
	local tokens=() i
	for i in 1 2 3; do
		register "poster$i"
		tokens+=("$access")
	done
	one()
	{
		if ((turn <= 3)); then
			patch "${tokens[turn - 1]}" \
			    '"email":"wanted@example.com"'
		else
			try_register "poster$turn" "$password" \
			    Wanted@example.com
		fi
	}
	at_once 6 one
	is "$(grep -c '^20[01] ' <<<"$answers")" 1 successes
	is "$(grep -cFx '400 {"detail":"Email already registered"}' \
	    <<<"$answers")" 5 refusals
	is "$(sql "SELECT count(*) FROM users
	    WHERE email_key = 'wanted@example.com'")" 1 users
}

# ---------------------------------------------------------------- the end

@test "who deletes the account is gone, with all that was its own" {
	register ivo
	local id=$(claim sub "$access") first=$access first_refresh=$refresh
	login ivo
	rotate "$refresh"
	local users=$(sql 'SELECT count(*) FROM users')
	delete "$access"
	expect 204 ''
	header_is Content-Type ''
	header_is Cache-Control no-store
	is "$(sql "SELECT count(*) FROM users WHERE id = '$id'")" 0 users
	is "$(sql "SELECT count(*) FROM logins WHERE user_id = '$id'")" 0
	is "$(sql "SELECT count(*) FROM refresh_tokens WHERE login_id NOT IN
	    (SELECT id FROM logins)")" 0 'refresh tokens of nobody'
	is "$(sql 'SELECT count(*) FROM users')" $((users - 1)) 'all users'
	is "$(sql 'PRAGMA foreign_key_check')" '' 'broken references'
	dead "$first" "$first_refresh"
	dead "$access" "$refresh"
	logs_not_in ivo
	logs_not_in ivo@example.com
	call POST /api/auth/logout "Authorization: Bearer $access"
	expect 204
	delete "$access"
	refused
	lives "$somebody"
}

@test "the name and the address of who is gone are free" {
	register joe
	local id=$(claim sub "$access") old=$access old_refresh=$refresh
	delete "$access"
	expect 204
	register JOE "$new_password" Joe@example.com
	isnt "$(claim sub "$access")" "$id" id
	dead "$old" "$old_refresh"
	me "$access"
	holds '.username == "JOE" and .email == "Joe@example.com"'
	logs_in joe "${new_password// /+}"
	logs_not_in joe
}

@test "another user's account, logins and tokens are left alone" {
	register kai
	local other=$access other_refresh=$refresh
	login kai
	local before=$(stored "$other")
	register lea
	delete "$access"
	expect 204
	is "$(stored "$other")" "$before" 'what is stored'
	lives "$other" "$other_refresh"
}

# keep_much USER: a session with 20,000 messages, for which events stand.
keep_much()
{
	sql "INSERT INTO chat_sessions (id, user_id, preferred_channel,
	    created_at, updated_at, active_at, ended_at, messages, events)
	    VALUES ('much', '$1', 'websocket', 1, 1, 1, 1, 20000, 20000);
	WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL
	    SELECT i + 1 FROM n WHERE i < 20000)
	INSERT INTO messages (session_id, number, id, content, type, status,
	    channel, created_at)
	    SELECT 'much', i, 'm' || i, 'text', 'user', 'sent', 'websocket', 1
	    FROM n;
	INSERT INTO events (session_id, number, type, payload, created_at)
	    SELECT session_id, number, 'message', '{}', 1 FROM messages
	    WHERE session_id = 'much'"
}

# Others write meanwhile; who is killed has promised nothing, and is repeated.
@test "who keeps very much is deleted in many steps, the account in the last" {
	register noa
	local id=$(claim sub "$access") left=20000 pid
	keep_much "$id"
	(delete "$access") >/dev/null 2>&1 3>&- &
	pid=$!
	until [ "$left" -lt 20000 ] || ! kill -0 "$pid" 2>/dev/null; do
		left=$(sql 'SELECT count(*) FROM events
		    WHERE session_id = "much"')
	done
	is "$((left > 0))" 1 "$left events seen before the last step"
	is "$(sql "SELECT count(*) FROM users WHERE id = '$id'")" 1 account
	wait "$pid"
	is "$(sql "SELECT count(*) FROM users WHERE id = '$id'")" 0 account
	is "$(sql "SELECT count(*) FROM messages WHERE session_id = 'much'
	    UNION SELECT count(*) FROM events WHERE session_id = 'much'
	    UNION SELECT count(*) FROM chat_sessions
	    WHERE id = 'much'")" 0 'what is left'
	refused_now "$access"
}

refused_now()	# ACCESS
{
	call GET /api/auth/me "Authorization: Bearer $1"
	refused
}

@test "a wrong password is a 400, and deletes nothing" {
	register max
	local before=$(stored "$access") wrong
	for wrong in wrong-password "$password " "${password^^}"; do
		delete "$access" "$wrong"
		incorrect
	done
	is "$(stored "$access")" "$before" 'what is stored'
	lives "$access" "$refresh"
}

@test "without the password nothing is deleted" {
	register nia
	local before=$(stored "$access") text
	call DELETE /api/auth/me "Authorization: Bearer $access"
	invalid '{"type":"missing","loc":["body"],"msg":"Field required",
	    "input":null}'
	for text in '{}' '{"password":"Zu7"}'; do
		with DELETE /api/auth/me "$access" "$text"
		invalid '{"type":"missing",
		    "loc":["body","current_password"],
		    "msg":"Field required","input":{}}'
	done
	for text in 70077 null '["Zu7"]' '{"Zu7":1}'; do
		with DELETE /api/auth/me "$access" \
		    "{\"current_password\":$text}"
		invalid '{"type":"string_type",
		    "loc":["body","current_password"],
		    "msg":"Input should be a valid string"}'
	done
	is "$(stored "$access")" "$before" 'what is stored'
}

@test "of deletions at once one is done, and nothing is left" {
	register otto
	local id=$(claim sub "$access")
	one()
	{
		delete "$access"
	}
	at_once 5 one
	is "$(grep -c '^204 $' <<<"$answers")" 1 deletions
	is "$(grep -c '^401 {"detail":"Could not validate credentials"}$' \
	    <<<"$answers")" 4 refusals
	is "$(sql "SELECT count(*) FROM users WHERE id = '$id'")" 0 users
}

@test "a deletion that races refreshes and logins leaves nothing" {
	register paul
	local old=$access used=$refresh id=$(claim sub "$access")
	one()
	{
		case $turn in
		3) delete "$old" ;;
		[1245]) try_refresh "$used" ;;
		*) try_login paul ;;
		esac
	}
	at_once 8 one
	is "$(grep -c '^204 $' <<<"$answers")" 1 deletions
	is "$(grep -c -e '^200 ' -e '^401 ' <<<"$answers")" 7 others
	is "$(sql "SELECT (SELECT count(*) FROM users WHERE id = '$id')
	    + (SELECT count(*) FROM logins WHERE user_id = '$id')
	    + (SELECT count(*) FROM refresh_tokens WHERE login_id NOT IN
	    (SELECT id FROM logins))")" 0 rows
	is "$(sql 'PRAGMA foreign_key_check; PRAGMA integrity_check')" ok
}

# ------------------------------------------ what happens while a hash is made

@test "a login that is revoked meanwhile changes no password" {
	register rita
	local other=$refresh other_access=$access
	login rita
	while_hashing "$(revoke "$access")" try_password "$access"
	refused
	is "$(sql "SELECT count(*) FROM logins JOIN users
	    ON users.id = user_id WHERE username = 'rita'")" 2 logins
	logs_in rita
	logs_not_in rita "${new_password// /+}"
	lives "$other_access" "$other"
}

@test "a login that is revoked meanwhile changes neither name nor address" {
	register sue
	while_hashing "$(revoke "$access")" patch "$access" \
	    '"username":"susan","email":"susan@example.com"'
	refused
	logs_in sue@example.com
	me "$(json .access_token)"
	holds '.username == "sue"'
}

@test "a login that is revoked meanwhile learns of no taken name" {
	register tea
	while_hashing "$(revoke "$access")" patch "$access" \
	    '"username":"somebody"'
	refused
}

@test "a login that is revoked meanwhile deletes nothing" {
	register una
	while_hashing "$(revoke "$access")" delete "$access"
	refused
	logs_in una
}

# meanwhile SQL WAY ACCESS: one of the three ways, with what it needs.
meanwhile()
{
	case $2 in
	patch) while_hashing "$1" patch "$3" \
	    "\"username\":\"then-${BATS_TEST_NUMBER}\"" ;;
	*) while_hashing "$1" "$2" "$3" ;;
	esac
}

# The user is disabled, or nothing is said of it; never that a name is taken.
disabled_meanwhile()	# NAME WAY
{
	register "$1"
	local before=$(stored "$access")
	meanwhile "UPDATE users SET is_active = 0
	    WHERE username = '$1'" "$2" "$access"
	if [ "$status_code" = 400 ]; then
		expect 400 '{"detail":"Inactive user"}'
	else
		refused
	fi
	sql "UPDATE users SET is_active = 1 WHERE username = '$1'"
	is "$(stored "$access")" "$before" 'what is stored'
}

@test "a user who is disabled meanwhile changes no password" {
	disabled_meanwhile vera1 try_password
}

@test "a user who is disabled meanwhile changes no name" {
	disabled_meanwhile vera2 patch
}

@test "a user who is disabled meanwhile deletes nothing" {
	disabled_meanwhile vera3 delete
}

# As if somebody had set another password without ending the logins.
outdated_meanwhile()	# NAME WAY
{
	register "$1"
	local hash=$(sql "SELECT password FROM users
	    WHERE username = 'somebody'")
	meanwhile "UPDATE users SET password = '$hash',
	    password_version = password_version + 1
	    WHERE username = '$1'" "$2" "$access"
	like "$status_code" '400|401' status
	is "$(sql "SELECT password || password_version FROM users
	    WHERE username = '$1'")" "${hash}2" 'its hash'
	lives "$access" "$refresh"
	is "$(sql "SELECT count(*) FROM logins JOIN users
	    ON users.id = user_id WHERE username = '$1'")" 1 logins
}

@test "a password that is changed meanwhile changes no password" {
	outdated_meanwhile will1 try_password
}

@test "a password that is changed meanwhile changes no name" {
	outdated_meanwhile will2 patch
}

@test "a password that is changed meanwhile deletes nothing" {
	outdated_meanwhile will3 delete
}

@test "a hash that is renewed meanwhile is of the same password" {
	local way name
	settings+=(SCRYPT_N=2048)
	register renewer
	local hash=$(sql "SELECT password FROM users
	    WHERE username = 'renewer'")
	for way in try_password patch delete; do
		name=renewed-$way
		register "$name"
		meanwhile "UPDATE users SET password = '$hash'
		    WHERE username = '$name'" "$way" "$access"
		like "$status_code" '200|204' "status of $way"
		[ "$way" != patch ] || delete "$access"
	done
}

@test "a change answers with what is stored by then, whoever stored it" {
	register wanda
	while_hashing "UPDATE users SET email = 'W@example.com',
	    email_key = 'w@example.com' WHERE username = 'wanda'" \
	    patch "$access" '"username":"wanda2"'
	expect 200
	local answer=$body
	me "$access"
	expect 200 "$answer"
	holds '.username == "wanda2" and .email == "W@example.com"'
	while_hashing "UPDATE users SET username = 'wanda3',
	    username_key = 'wanda3' WHERE username = 'wanda2'" \
	    patch "$access" '"email":"wanda@example.com"'
	expect 200
	answer=$body
	me "$access"
	expect 200 "$answer"
	holds '.username == "wanda3" and .email == "wanda@example.com"'
}

@test "the new login of a new password has the name of by then" {
	register walter
	while_hashing "UPDATE users SET username = 'Walter the 2nd',
	    username_key = 'walter the 2nd' WHERE username = 'walter'" \
	    try_password "$access"
	expect 200
	take_tokens
	is "$(claim username "$access")" 'Walter the 2nd' username
}

@test "a user who is deleted meanwhile is gone" {
	local way
	for way in try_password delete patch; do
		register xaver
		meanwhile "PRAGMA foreign_keys = ON;
		    DELETE FROM users WHERE username = 'xaver'" \
		    "$way" "$access"
		refused
		is "$(sql "SELECT count(*) FROM users
		    WHERE username IN ('xaver', 'then-$BATS_TEST_NUMBER')")" \
		    0 users
	done
}

@test "an address that is taken meanwhile is a 400" {
	register yves
	local before=$(stored "$access")
	while_hashing "INSERT INTO users (id, email, email_key, username,
	    username_key, password, created_at) VALUES ('y', 'new@example.com',
	    'new@example.com', 'yvonne', 'yvonne', 'x', 1)" \
	    patch "$access" '"email":"New@example.com"'
	taken Email
	is "$(stored "$access")" "$before" 'what is stored'
}

@test "where no place for a hash comes free it is a 503, and nothing changes" {
	register zita
	local before=$(stored "$access")
	take_places
	try_password "$access"
	leave_places
	unavailable
	is "$(stored "$access")" "$before" 'what is stored'
	lives "$access" "$refresh"
}

# ---------------------------------------------------------------- of them all

# Each way here, with a body that is as it should be.
ways='POST /api/auth/password {"current_password":"correct horse battery staple","new_password":"a new pass-phrase"}
PATCH /api/auth/me {"username":"another","current_password":"correct horse battery staple"}
DELETE /api/auth/me {"current_password":"correct horse battery staple"}'

@test "without a live token nothing can be changed" {
	local method path text token
	register amy
	local live=$access
	login amy
	sql "$(revoke "$access")"
	while read -r method path text; do
		call "$method" "$path" 'Content-Type: application/json' \
		    -- "$text"
		expect 401 '{"detail":"Not authenticated"}'
		header_is WWW-Authenticate Bearer
		header_is Cache-Control no-store
		for token in '' x "$access" "$refresh" 'a b'; do
			with "$method" "$path" "$token" "$text"
			refused
			header_is Cache-Control no-store
		done
		later 1600 with "$method" "$path" "$live" "$text"
		refused
	done <<<"$ways"
	lives "$live"
	logs_in amy
}

@test "who is not authenticated learns nothing of the body" {
	local method path text
	while read -r method path text; do
		with "$method" "$path" x '{'
		refused
		call "$method" "$path" -- '{"current_password":1}'
		expect 401
	done <<<"$ways"
}

@test "a disabled user is told so, whatever the password" {
	local method path text
	register ben
	sql "UPDATE users SET is_active = 0 WHERE username = 'ben'"
	while read -r method path text; do
		with "$method" "$path" "$access" "$text"
		expect 400 '{"detail":"Inactive user"}'
		with "$method" "$path" "$access" "${text//horse/mule}"
		expect 400 '{"detail":"Inactive user"}'
	done <<<"$ways"
}

@test "a busy store changes nothing" {
	local method path text before
	register cora
	while read -r method path text; do
		before=$(stored "$access")
		hold_lock
		with "$method" "$path" "$access" "$text"
		release_lock
		rm -f "$BATS_TEST_TMPDIR/lock" "$BATS_TEST_TMPDIR/lock.out"
		unavailable
		is "$(stored "$access")" "$before" "what is stored: $method"
		lives "$access"
	done <<<"$ways"
	lives "$access" "$refresh"
	logs_in cora
}

@test "what is no JSON is a 422 that shows no secret" {
	local method path text bad
	register dirk
	while read -r method path text; do
		for bad in '{' "${text%?}" "${text%?},}" "$text$text" "$password" \
		    '{"current_password":"Zu7","current_password":"Zu7"}'; do
			with "$method" "$path" "$access" "$bad"
			not_json "$bad"
			lacks "$body$log" horse
			lacks "$body$log" Zu7
		done
		for bad in null '"Zu7"' '["Zu7"]' 70077; do
			with "$method" "$path" "$access" "$bad"
			invalid '{"type":"model_attributes_type",
			    "loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from"}'
		done
		for bad in text/plain application/x-www-form-urlencoded \
		    'multipart/form-data; boundary=x'; do
			call "$method" "$path" "Content-Type: $bad" \
			    "Authorization: Bearer $access" -- "$text"
			invalid '{"type":"model_attributes_type",
			    "loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from"}'
		done
		call "$method" "$path" "Authorization: Bearer $access"
		invalid '{"type":"missing","loc":["body"],
		    "msg":"Field required","input":null}'
	done <<<"$ways"
	lives "$access"
	logs_in dirk
}

@test "a body that is too large is a 413" {
	local method path text
	while read -r method path text; do
		with "$method" "$path" "$somebody" \
		    "{\"x\":\"$(printf '%065536d' 0)\"}"
		expect 413 '{"detail":"Request body too large"}'
	done <<<"$ways"
}

@test "a current password of any length is wrong, or a 422" {
	local method path text long
	printf -v long '%01025d' 0
	while read -r method path text; do
		for long in '' "$long" "${long//0/x}"; do
			with "$method" "$path" "$somebody" \
			    "${text//correct horse battery staple/$long}"
			like "$status_code" '400|422' "status of $method"
			[ -z "$long" ] || lacks "$body" "$long"
		done
	done <<<"$ways"
	lives "$somebody"
}

@test "JSON is taken with any of its types, or without one" {
	register edda
	call POST /api/auth/password "Authorization: Bearer $access" \
	    -- "{\"current_password\":\"$password\",
	    \"new_password\":\"$new_password\"}"
	expect 200
	take_tokens
	call PATCH /api/auth/me/ "Authorization: Bearer $access" \
	    'Content-Type: application/merge-patch+json' \
	    -- "{\"current_password\":\"$new_password\",\"username\":\"edd\"}"
	expect 200
	call DELETE /api/auth/me/ "Authorization: Bearer $access" \
	    -- "{\"current_password\":\"$new_password\"}"
	expect 204
}

@test "another method is a 405 that names those there are" {
	call PUT /api/auth/me "Authorization: Bearer $somebody"
	expect 405 '{"detail":"Method Not Allowed"}'
	header_is Allow 'DELETE, GET, HEAD, PATCH'
	call POST /api/auth/me
	expect 405
	header_is Allow 'DELETE, GET, HEAD, PATCH'
	local method
	for method in GET PUT PATCH DELETE; do
		call $method /api/auth/password \
		    "Authorization: Bearer $somebody"
		expect 405 '{"detail":"Method Not Allowed"}'
		header_is Allow POST
	done
	call HEAD /api/auth/password
	is "$status_code" 405
}

@test "every answer carries the client's id of the request" {
	local method path text
	register flo
	while read -r method path text; do
		with "$method" "$path" "$access" "${text//horse/mule}" \
		    'X-Request-ID: mine-7'
		incorrect
		header_is X-Request-ID mine-7
		header_is X-Content-Type-Options nosniff
		header_is Vary Origin
		header_is Cache-Control no-store
		has "$log" ' auth mine-7: '
	done <<<"$ways"
}

@test "neither a password nor a token is in the log" {
	cgi=(LOG_LEVEL=debug)
	local lines= method path text
	register gerd
	while read -r method path text; do
		with "$method" "$path" "$access" "${text//horse/mule}"
		lines+=$log
	done <<<"$ways"
	patch "$access" '"username":"gerd2"'
	lines+=$log
	change_password "$access"
	lines+=$log
	delete "$access" "$new_password"
	expect 204
	lines+=$log
	lacks "$lines" staple
	lacks "$lines" pass-phrase
	lacks "$lines" "${access##*.}"
	lacks "$lines" "${refresh##*.}"
}

@test "of a deleted account no file tells after a tick" {
	new_data
	local n agent=Zu7-Agent/1.0 address=zu7-left-behind@example.com
	traces()
	{
		grep -rlaiF -e "$agent" -e "${address%@*}" "$SWITCHBOARD_DATA" ||
		    true
	}
	for n in {1..8}; do
		register "before$n"
	done
	register tracy "$password" "$address"
	for n in {1..4}; do
		register "after$n"
		form /api/auth/login \
		    "username=tracy&password=${password// /+}" \
		    "User-Agent: $agent"
		expect 200
		take_tokens
		rotate "$refresh"
	done
	patch "$access" "\"email\":\"$address.com\""
	expect 200
	operate tick --quiet
	isnt "$(traces)" '' 'files with traces'
	login tracy
	delete "$access"
	expect 204
	operate tick --quiet
	is "$(traces)" '' 'files with traces'
	is "$(sql 'PRAGMA integrity_check')" ok
	logs_in before8
	logs_in after4
}

@test "no password is stored" {
	register hans
	change_password "$access" 'Zu7-in-the-clear'
	cat "$SWITCHBOARD_DATA"/*.db* >"$BATS_TEST_TMPDIR/all"
	run ! grep -aq Zu7-in-the-clear "$BATS_TEST_TMPDIR/all"
}

@test "each of them counts against the user's limit" {
	local method path text left=3
	register ines
	settings+=(RATE_LIMIT_PER_USER=3)
	while read -r method path text; do
		with "$method" "$path" "$access" "${text//horse/mule}"
		incorrect
		header_is X-RateLimit-Remaining $((left -= 1))
	done <<<"$ways"
	while read -r method path text; do
		with "$method" "$path" "$access" "$text"
		expect 429
		holds '.detail | startswith("User rate limit exceeded.")'
	done <<<"$ways"
	settings+=(RATE_LIMIT_PER_USER=0)
	logs_in ines
}

# ------------------------------------------------------- guessing the password

# The account's limit is reached: that is all there is to learn.
guessed_enough()
{
	is "$status_code" 429 status
	holds '(.detail | test("^Account rate limit exceeded[.] Try again in [0-9]+ seconds[.]$"))
	    and .limit == 3 and .remaining == 0'
	like "$(header Retry-After)" '[1-9][0-9]*' Retry-After
}

@test "wrong passwords count for the account, by whatever way they come" {
	local method path text
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=3)
	at 0 register jana
	local other=$access
	at 0 login jana
	while read -r method path text; do
		at 0 with "$method" "$path" "$access" "${text//horse/mule}"
		incorrect
	done <<<"$ways"
	# Not even the right one, from who guessed, nor from who isn't known.
	while read -r method path text; do
		at 1 with "$method" "$path" "$access" "$text"
		guessed_enough
	done <<<"$ways"
	at 1 try_login jana
	guessed_enough
	at 1 try_login jana@example.com
	guessed_enough
	# Another login has one guess, and after it none.
	at 2 patch "$other" '"username":"jana2"'
	expect 200
	at 2 try_password "$other" "$new_password" wrong-password
	incorrect
	while read -r method path text; do
		at 3 with "$method" "$path" "$other" "${text//horse/mule}"
		guessed_enough
		at 3 with "$method" "$path" "$other" "$text"
		guessed_enough
	done <<<"$ways"
	at 899 try_password "$access"
	guessed_enough
	at 900 change_password "$access"
}

@test "wrong passwords at the door refuse who was wrong here, too, and nobody else" {
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=3)
	at 0 register kora
	local other=$access i
	at 0 login kora
	at 0 patch "$access" '"username":"korra"' wrong-password
	incorrect
	for i in 1 2; do
		at 0 try_login kora wrong-password
		expect 401
	done
	at 1 try_password "$access"
	guessed_enough
	at 1 patch "$access" '"username":"korra"'
	guessed_enough
	at 1 delete "$access"
	guessed_enough
	# Which is no reason to log anybody out.
	at 1 me "$access"
	expect 200
	at 1 patch "$other" '"username":"korra"'
	expect 200
	at 1 delete "$other"
	expect 204
}

@test "what is right or invalid does not count as a wrong password" {
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=1)
	register lara
	local i
	for i in 1 2 3; do
		patch "$access" "\"username\":\"lara$i\""
		expect 200
		patch "$access" '"username":"somebody"'
		taken Username
		patch "$access" '"username":"x"' wrong-password
		expect 422
		try_password "$access" short wrong-password
		expect 422
		with PATCH /api/auth/me "$access" \
		    '{"current_password":"wrong-password"}'
		expect 422
	done
	change_password "$access"
}

@test "of many guesses at once no more are tried than the limit says" {
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=3)
	register mara
	one()
	{
		delete "$access" "wrong-password-$turn"
	}
	at_once 12 one
	is "$(grep -cFx '400 {"detail":"Incorrect password"}' \
	    <<<"$answers")" 3 tried
	is "$(grep -c '^429 {"detail":"Account ' <<<"$answers")" 9 refused
}
