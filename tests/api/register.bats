# POST /api/auth/register: section 4 of the contract.

load harness

setup_file()
{
	new_data
}

refuses_name()	# as it stands in JSON
{
	post /api/auth/register "{\"email\":\"refused@example.com\",
	    \"username\":\"$1\",\"password\":\"12345678\"}"
	is "$status_code" 422 "status for the name '$1'"
	holds '.detail | length == 1 and .[0].type == "value_error"
	    and .[0].loc == ["body", "username"]'
}

refuses_address()
{
	post /api/auth/register "{\"email\":\"$1\",
	    \"username\":\"refused\",\"password\":\"12345678\"}"
	is "$status_code" 422 "status for the address '$1'"
	holds '.detail | length == 1 and .[0].type == "value_error"
	    and .[0].loc == ["body", "email"]'
}

refuses_password()
{
	post /api/auth/register "{\"email\":\"refused@example.com\",
	    \"username\":\"refused\",\"password\":\"$1\"}"
	is "$status_code" 422 "status for the password '$1'"
	holds '.detail | length == 1 and .[0].loc == ["body", "password"]'
}

times()		# TEXT N
{
	local text
	printf -v text '%*s' "$2" ''
	printf %s "${text// /$1}"
}

taken()
{
	expect 400 "{\"detail\":\"$1 already registered\"}"
}

@test "registering answers 201 with a token pair" {
	try_register anna
	expect 201
	is_token_pair
	header_is Content-Type application/json
}

@test "the tokens of a registration work at once" {
	register bea
	me "$access"
	expect 200
	rotate "$refresh"
}

@test "what was typed is what is shown" {
	register 'Carla Ñandú' "$password" 'Carla.Ñandú@Example.COM'
	me "$access"
	expect 200
	holds '.username == "Carla Ñandú"
	    and .email == "Carla.Ñandú@Example.COM"'
}

# ---------------------------------------------------------------- uniqueness

@test "a taken name is a 400" {
	register dora
	try_register dora "$password" other@example.com
	taken Username
}

@test "a taken address is a 400" {
	register edda
	try_register other "$password" edda@example.com
	taken Email
}

@test "when both are taken the name is told" {
	register fine
	try_register fine
	taken Username
	register gabi
	try_register fine "$password" gabi@example.com
	taken Username
}

@test "a name is the same in any case" {
	register Hanna
	local name
	for name in hanna HANNA hAnNa; do
		try_register $name "$password" other@example.com
		taken Username
	done
}

@test "a name is the same in any width and any composition" {
	register 'Zoé'
	local name
	for name in 'Ｚｏé' $'ZOE\xcc\x81' $'zoe\xcc\x81' 'ｚＯＥ́'; do
		try_register "$name" "$password" other@example.com
		taken Username
	done
}

@test "a name is the same after full case folding" {
	register 'Weiß'
	try_register 'WEISS' "$password" other@example.com
	taken Username
}

@test "an address is the same in any case" {
	register ida "$password" Ida.Iris@Example.COM
	try_register other "$password" ida.iris@example.com
	taken Email
	try_register other "$password" IDA.IRIS@EXAMPLE.com
	taken Email
}

@test "an international domain is the same in Unicode and in A-labels" {
	register jana "$password" jana@bücher.de
	try_register other "$password" jana@xn--bcher-kva.de
	taken Email
	try_register other "$password" JANA@BÜCHER.DE
	taken Email
}

@test "a local part is the same in any composition" {
	register kim "$password" kimé@example.com
	try_register other "$password" $'kime\xcc\x81@example.com'
	taken Email
}

@test "a refused registration leaves no user" {
	local before=$(sql 'SELECT count(*) FROM users')
	try_register lena short
	expect 422
	register lena
	try_register lena
	expect 400
	is "$(sql 'SELECT count(*) FROM users')" $((before + 1)) users
	is "$(sql "SELECT count(*) FROM logins JOIN users
	    ON users.id = user_id WHERE username = 'lena'")" 1 logins
}

@test "of twelve simultaneous registrations of one name one succeeds" {
	new_data
	local names=(racer RACER Racer rAcer raCer racEr raceR RAcer rACer
	    raCEr racER ＲＡＣＥＲ)
	one() {
		try_register "${names[turn - 1]}" "$password" r$turn@example.com
	}
	at_once 12 one
	is "$(grep -c '^201 ' <<<"$answers")" 1 successes
	is "$(grep -cFx '400 {"detail":"Username already registered"}' \
	    <<<"$answers")" 11 refusals
	is "$(sql 'SELECT count(*) FROM users')" 1 users
	is "$(sql 'SELECT count(*) FROM logins')" 1 logins
}

# ---------------------------------------------------------------- names

@test "a name has at least three code points" {
	post /api/auth/register '{"email":"x@example.com","username":"éü",
	    "password":"12345678"}'
	invalid '{"type":"string_too_short","loc":["body","username"],
	    "msg":"String should have at least 3 characters","input":"éü",
	    "ctx":{"min_length":3}}'
	register 'éüö' "$password" three@example.com
}

@test "a name has at most fifty code points" {
	register "$(times 𠀀 50)" "$password" fifty@example.com
	try_register "$(times 𠀀 51)" "$password" fiftyone@example.com
	expect 422
	holds '[.detail[].type] == ["string_too_long"]'
}

@test "a name may have letters, digits, marks, punctuation, symbols, single spaces" {
	local i=0 name
	for name in "Anna-Lena O'Neil" '日本語' 'user_1!' 'a b c' '100€' \
	    'Ωmega' 'नमस्ते' '...' '<b>&"x'; do
		try_register "${name//\"/\\\"}" "$password" \
		    allowed$((i += 1))@example.com
		is "$status_code" 201 "status for the name '$name'"
	done
}

@test "a name has no at sign, also not a compatible one" {
	refuses_name 'an@na'
	refuses_name 'an＠na'
	refuses_name 'an﹫na'
}

@test "a name has no space at its ends and none twice" {
	refuses_name ' anna'
	refuses_name 'anna '
	refuses_name 'an  na'
	refuses_name '   '
}

@test "a name has no other space" {
	refuses_name 'an\tna'
	refuses_name 'an\nna'
	refuses_name 'an\u00a0na'
	refuses_name 'an\u2003na'
	refuses_name 'an\u3000na'
	refuses_name 'an\u2028na'
}

@test "a name has nothing that cannot be seen" {
	refuses_name 'an\u200bna'
	refuses_name 'an\u202ena'
	refuses_name 'an\u00adna'
	refuses_name 'an\u3164na'
	refuses_name 'an\ufe0fna'
	refuses_name 'an\u007fna'
	refuses_name 'an\u0001na'
	refuses_name 'an\ufeffna'
}

@test "a name has no private or unassigned code point" {
	refuses_name 'an\ue000na'
	refuses_name 'an\u0378na'
	refuses_name 'an\uffffna'
	refuses_name 'an\udbff\udfffna'
}

# ---------------------------------------------------------------- addresses

@test "what is no address is refused" {
	local address
	for address in '' nobody @example.com nobody@ a@b@example.com \
	    nobody@example nobody@example..com nobody@.example.com \
	    nobody@-x.com nobody@x-.com a..b@example.com .a@example.com \
	    a.@example.com 'a b@example.com' 'nobody@exa mple.com' \
	    'a(b)@example.com' 'a,b@example.com' 'nobody@exa_mple.com'; do
		refuses_address "$address"
	done
}

@test "nothing is trimmed from an address" {
	refuses_address ' nobody@example.com'
	refuses_address 'nobody@example.com '
	refuses_address 'nobody@example.com\n'
	refuses_address '\tnobody@example.com'
	refuses_address 'nobody@example.com\r\nBcc: x@example.com'
}

@test "an address has no display name, quotes or literal" {
	refuses_address 'Nobody <nobody@example.com>'
	refuses_address '\"no body\"@example.com'
	refuses_address 'nobody@[127.0.0.1]'
}

@test "an address is not under a special name" {
	local domain
	for domain in localhost x.localhost x.local x.invalid x.test x.onion \
	    1.in-addr.arpa X.TEST; do
		refuses_address nobody@$domain
	done
}

@test "a local part has at most 64 characters" {
	register locally "$password" "$(times a 64)@example.com"
	refuses_address "$(times a 65)@example.com"
}

@test "an address has at most 254 characters" {
	local domain=$(times a 63).$(times b 63).$(times c 57)
	register manuela "$password" "$(times m 64)@$domain.com"
	domain=$(times a 63).$(times b 63).$(times c 58)
	refuses_address "$(times m 64)@$domain.com"
}

@test "usual addresses are taken" {
	local i=0 address
	for address in n.o+tag@example.com "o'neil@example.co.uk" 1@example.de \
	    'a!#$%&*/=?^_`{|}~-@example.com' nina@sub.sub.example.museum \
	    ñ@example.com 用户@例子.广告; do
		try_register "usual$((i += 1))" "$password" "$address"
		is "$status_code" 201 "status for the address '$address'"
	done
}

# ---------------------------------------------------------------- passwords

@test "a password has at least eight code points" {
	refuses_password 1234567
	refuses_password ééééééé
	holds '.detail[0].ctx == {"min_length": 8}'
	register olga éééééééé
}

@test "a password has at most 1024 code points" {
	refuses_password "$(times 𠀀 1025)"
	holds '.detail[0].ctx == {"max_length": 1024}'
	register petra "$(times 𠀀 1024)"
}

@test "a password counts to its last character" {
	register quinn "$(times x 1023)y"
	try_login quinn "$(times x 1023)z"
	expect 401
	try_login quinn "$(times x 1023)y"
	expect 200
}

@test "a password has no control characters" {
	refuses_password '12345678\u0001'
	refuses_password '1234\n5678'
	refuses_password '1234\t5678'
	refuses_password '1234\u007f5678'
	refuses_password '1234\u00855678'
	holds '.detail[0].type == "value_error" and (.detail[0]
	    | has("input") | not)'
}

@test "a password may have spaces at its ends and any script" {
	register rosa ' пароль 密码 '
	try_login rosa '+пароль+密码+'
	expect 200
	try_login rosa 'пароль+密码'
	expect 401
}

@test "a password is the same in any composition" {
	register sonja passwörter
	try_login sonja $'passwo\xcc\x88rter'
	expect 200
	register thea $'passwo\xcc\x88rter'
	try_login thea passwörter
	expect 200
}

@test "a password is not the same in another case or width" {
	register ute Passwort-1
	try_login ute passwort-1
	expect 401
	try_login ute Passwort-１
	expect 401
}

@test "a password is stored as scrypt with the default cost" {
	settings=()
	register vera
	like "$(sql "SELECT password FROM users WHERE username = 'vera'")" \
	    '[$]s1[$]0e0805[$].*'
}

@test "a password is stored as scrypt with the cost that is set" {
	register wilma
	like "$(sql "SELECT password FROM users WHERE username = 'wilma'")" \
	    '[$]s1[$]0a0101[$].*'
}

@test "one password twice is stored as two different texts" {
	register xenia
	register yvonne
	is "$(sql "SELECT count(DISTINCT password) FROM users
	    WHERE username IN ('xenia', 'yvonne')")" 2
}
