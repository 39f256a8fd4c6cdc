# POST /api/auth/login, the OAuth 2 password flow: section 4 of the contract.

load harness

setup_file()
{
	new_data
	register Anna
	register 'Berta Lena' "$password" berta@example.com
	register bcrypted
	register idle
	sql "UPDATE users SET is_active = 0 WHERE username = 'idle'"
}

wrong()
{
	expect 401 '{"detail":"Incorrect username or password",
	    "error":"invalid_grant"}'
	header_is WWW-Authenticate Bearer
}

# The list has exactly these entries' types and places.
faults()
{
	is "$status_code" 422 status
	holds '[.detail[] | [.type, .loc[]] | join(" ")] | join("\n")
	    == $want' --arg want "$(printf '%s\n' "$@")"
}

@test "a login answers 200 with a token pair" {
	try_login Anna
	expect 200
	is_token_pair
	header_is Content-Type application/json
}

@test "each login is one of its own" {
	login Anna
	local first=$(claim sid "$access")
	login Anna
	isnt "$(claim sid "$access")" "$first" sid
	me "$access"
	expect 200
}

@test "the tokens of a login say who it is" {
	login Anna
	me "$access"
	expect 200
	holds '.username == "Anna"'
}

@test "a name is taken in any case and width" {
	local name
	for name in anna ANNA aNNa ａｎｎａ; do
		try_login $name
		expect 200
	done
	is "$(claim username "$(json .access_token)")" Anna
}

@test "an address is taken in place of the name, in any case" {
	local name
	for name in Anna@example.com anna@example.com ANNA@EXAMPLE.COM \
	    anna%40example.com; do
		try_login $name
		expect 200
	done
}

@test "an international address is taken in both of its forms" {
	register Clara "$password" clara@bücher.de
	try_login clara@bücher.de
	expect 200
	try_login clara@xn--bcher-kva.de
	expect 200
	try_login CLARA@BÜCHER.DE
	expect 200
}

@test "a plus sign and %20 are spaces" {
	try_login berta+lena
	expect 200
	try_login berta%20lena correct%20horse%20battery%20staple
	expect 200
}

@test "a multipart form is taken" {
	multipart /api/auth/login username 'Berta Lena' password "$password"
	expect 200
	is_token_pair
}

@test "a multipart form with a quoted boundary and other parts is taken" {
	local line=$'\r\n' text
	text="--a b${line}Content-Disposition: form-data; name=\"username\"$line"
	text+="Content-Type: text/plain; charset=UTF-8$line${line}Anna$line"
	text+="--a b${line}content-disposition: form-data; name=password$line"
	text+="$line$password$line"
	text+="--a b${line}Content-Disposition: form-data; name=\"x\"$line"
	text+="$line--a c$line--a b--$line"
	call POST /api/auth/login -- "$text" \
	    'Content-Type: multipart/form-data; boundary="a b"'
	expect 200
}

@test "a form's Content-Type is taken in any case and with parameters" {
	call POST /api/auth/login \
	    'Content-Type: Application/X-WWW-Form-Urlencoded; charset=UTF-8' \
	    -- "username=anna&password=${password// /+}"
	expect 200
}

@test "what else an OAuth 2 client sends is taken" {
	form /api/auth/login "grant_type=password&username=anna&scope=a+b\
&client_id=web&client_secret=x&password=${password// /+}&more=1"
	expect 200
}

@test "what is empty counts as absent" {
	form /api/auth/login "grant_type=&scope=&client_id=&client_secret=\
&username=anna&password=${password// /+}"
	expect 200
	form /api/auth/login 'username=&password='
	faults 'missing body username' 'missing body password'
}

# ---------------------------------------------------------------- refusals

@test "a wrong password is a 401" {
	try_login anna wrong-password
	wrong
}

@test "an unknown user is a 401" {
	try_login nobody
	wrong
}

@test "an unknown user gets a wrong password's answer, byte for byte" {
	plain()
	{
		printf '%s %s\n%s\n%s' "$status_code" "$reason" \
		    "$(grep -vi '^x-request-id:' <<<"$headers")" "$body"
	}
	try_login anna wrong-password
	local known=$(plain) name
	for name in nobody nobody@example.com x@@y 'no%20%20body' %e2%80%ae \
	    "$(printf '%01000d' 0)" "a'+OR+1=1--"; do
		try_login "$name" wrong-password
		is "$(plain)" "$known" "answer for $name"
	done
}

# By the processor's time, not the clock's: a busy machine takes longer.
@test "an unknown user takes as much work as a wrong password" {
	settings=(SCRYPT_N=16384 SCRYPT_R=8 SCRYPT_P=5)
	register timed
	work()		# what three logins cost, in ticks
	{
		local i before after
		read -ra before <"/proc/$BASHPID/stat"
		for i in 1 2 3; do
			try_login "$1" wrong-password
		done
		read -ra after <"/proc/$BASHPID/stat"
		echo $((after[15] + after[16] - before[15] - before[16]))
	}
	local known=$(work timed) name
	for name in nobody nobody@example.com; do
		local unknown=$(work $name)
		((unknown < known * 2 && known < unknown * 2)) ||
			is "$unknown" "about $known" "ticks for $name"
	done
}

@test "a name with something in front or behind is not that user" {
	local name
	for name in +anna anna+ anna%0a anna%e2%80%8b %20anna@example.com; do
		try_login "$name"
		wrong
	done
}

@test "a password is not trimmed or folded" {
	local text
	for text in "+${password// /+}" "${password// /+}+" \
	    "${password^^}" "${password// /}"; do
		try_login anna "${text// /+}"
		wrong
	done
}

@test "a disabled user's right password is a 400" {
	try_login idle
	expect 400 '{"detail":"Inactive user"}'
}

@test "a disabled user's wrong password is a wrong password" {
	try_login idle wrong-password
	wrong
}

@test "a refused login leaves no login" {
	local before=$(sql 'SELECT count(*) FROM logins')
	try_login anna wrong-password
	wrong
	try_login idle
	expect 400
	is "$(sql 'SELECT count(*) FROM logins')" "$before" logins
}

# ---------------------------------------------------------------- input

@test "a grant type other than password is a 422" {
	form /api/auth/login 'grant_type=client_credentials&username=anna&password=x'
	invalid '{"type":"string_pattern_mismatch","loc":["body","grant_type"],
	    "msg":"String should match pattern '\''^password$'\''",
	    "input":"client_credentials","ctx":{"pattern":"^password$"}}'
	local type
	for type in Password password%0a xpassword passwordx refresh_token; do
		form /api/auth/login \
		    "grant_type=$type&username=anna&password=${password// /+}"
		faults 'string_pattern_mismatch body grant_type'
	done
}

@test "missing fields are listed" {
	form /api/auth/login 'password=Zu7-12345'
	invalid '{"type":"missing","loc":["body","username"],
	    "msg":"Field required","input":{}}'
	form /api/auth/login 'username=anna'
	faults 'missing body password'
	form /api/auth/login 'x=y'
	faults 'missing body username' 'missing body password'
}

@test "no body at all is missing" {
	call POST /api/auth/login
	is "$status_code" 422
	holds '.detail | length > 0 and all(.type == "missing")'
}

@test "with a JSON body the fields are missing" {
	post /api/auth/login \
	    "{\"username\":\"anna\",\"password\":\"$password\"}"
	faults 'missing body username' 'missing body password'
	lacks "$body" "$password"
}

@test "a form of another Content-Type is not read" {
	local type
	for type in text/plain application/x-www-form-urlencodedx; do
		call POST /api/auth/login "Content-Type: $type" \
		    -- "username=anna&password=${password// /+}"
		is "$status_code" 422
		lacks "$body" "${password// /+}"
	done
	call POST /api/auth/login -- "username=anna&password=${password// /+}"
	is "$status_code" 422
}

@test "bytes that are not UTF-8 are a value_error of their field" {
	form /api/auth/login 'username=%ff&password=12345678'
	faults 'value_error body username'
	holds '.detail[0] | .msg == "Value error, " + .ctx.reason'
	form /api/auth/login 'username=%c0%80&password=12345678'
	faults 'value_error body username'
	form /api/auth/login 'username=%ed%a0%80&password=12345678'
	faults 'value_error body username'
	call POST /api/auth/login --bytes 'username=a\0377&password=12345678' \
	    'Content-Type: application/x-www-form-urlencoded'
	faults 'value_error body username'
}

@test "U+0000 in a form is a value_error of its field" {
	form /api/auth/login "username=anna%00x&password=${password// /+}"
	faults 'value_error body username'
	form /api/auth/login "username=anna&password=${password// /+}%00"
	faults 'value_error body password'
	holds '.detail[0] | has("input") | not'
	call POST /api/auth/login --bytes 'username=anna\0&password=12345678' \
	    'Content-Type: application/x-www-form-urlencoded'
	faults 'value_error body username'
}

@test "a parameter that is given twice is a value_error of its field" {
	form /api/auth/login \
	    "username=anna&username=anna&password=${password// /+}"
	faults 'value_error body username'
	form /api/auth/login 'username=anna&password=Zu7-a&password=Zu7-b'
	faults 'value_error body password'
	lacks "$body" Zu7
	form /api/auth/login \
	    "username=anna&user%6eame=b&password=${password// /+}"
	faults 'value_error body username'
}

@test "faults of several form fields are listed at once" {
	form /api/auth/login 'password=%ff&username=%00'
	faults 'value_error body username' 'value_error body password'
}

@test "a multipart form is held to the same rules" {
	local value
	multipart /api/auth/login username $'\xff' password 12345678
	faults 'value_error body username'
	multipart /api/auth/login username a username b password 12345678
	faults 'value_error body username'
	multipart /api/auth/login username '' password ''
	faults 'missing body username' 'missing body password'
	multipart /api/auth/login grant_type other username a password b
	faults 'string_pattern_mismatch body grant_type'
}

@test "a multipart form that is malformed has no fields" {
	local type='Content-Type: multipart/form-data'
	local text=$'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nanna'
	call POST /api/auth/login "$type" -- "$text"
	is "$status_code" 422
	call POST /api/auth/login "$type; boundary=" -- "$text"
	is "$status_code" 422
	call POST /api/auth/login "$type; boundary=y" -- "$text"
	is "$status_code" 422
	call POST /api/auth/login "$type; boundary=x" -- "$text"
	is "$status_code" 422
	call POST /api/auth/login "$type; boundary=x" -- "${text:0:20}"
	is "$status_code" 422
	holds '.detail | all(.type == "missing")'
}

# ---------------------------------------------------------------- hashes

stored()
{
	sql "SELECT password FROM users WHERE username = '$1'"
}

@test "a hash weaker than the settings is renewed by a login" {
	register weak
	local before=$(stored weak)
	settings+=(SCRYPT_N=2048)
	try_login weak wrong-password
	wrong
	is "$(stored weak)" "$before" 'hash after a wrong password'
	login weak
	like "$(stored weak)" '[$]s1[$]0b0101[$].*'
	login weak
}

@test "a hash as strong as the settings stays" {
	local before=$(stored Anna)
	login anna
	is "$(stored Anna)" "$before"
}

# bcrypt, cost 4, of "Zoë-12345" in NFC and in NFD.
nfc='$2b$04$abcdefghijklmnopqrstuu8RVlwnKRL5btN1htPns4R0yxz8urHTq'
nfd='$2b$04$abcdefghijklmnopqrstuu8bbnIMeIn7ceuNDXrZvqiou7a2EdLXa'

@test "an imported bcrypt hash is accepted, and renewed" {
	sql "UPDATE users SET password = '$nfc' WHERE username = 'bcrypted'"
	try_login bcrypted wrong-password
	wrong
	try_login bcrypted 'Zoë-12345'
	expect 200
	like "$(stored bcrypted)" '[$]s1[$]0a0101[$].*'
	try_login bcrypted 'Zoë-12345'
	expect 200
}

@test "an imported hash is tried with the bytes as they were sent, too" {
	register decomposed
	sql "UPDATE users SET password = '$nfd' WHERE username = 'decomposed'"
	try_login decomposed $'Zoe\xcc\x88-12345'
	expect 200
	try_login decomposed 'Zoë-12345'
	expect 200
}

@test "bcrypt's other prefixes are accepted" {
	register prefixed
	local prefix
	for prefix in 2a 2y; do
		sql "UPDATE users SET password = '${nfc/2b/$prefix}'
		    WHERE username = 'prefixed'"
		try_login prefixed 'Zoë-12345'
		expect 200
	done
}

@test "a stored text that is no hash matches no password" {
	register broken
	local text
	for text in x '*' '$s1$' '$s1$0a0101$$' '$2b$04$' \
	    '$s1$ff0101$AAAAAAAAAAAAAAAAAAAAAA==$AAAA'; do
		sql "UPDATE users SET password = '$text'
		    WHERE username = 'broken'"
		try_login broken "$text"
		wrong
	done
}
