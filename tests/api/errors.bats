# Section 2 of the contract: what is wrong with a body, and what is wrong with
# us.  The body is register's, as its fields are of every kind.

load harness

setup_file()
{
	new_data
}

good='"email":"x@example.com","username":"xaver","password":"12345678"'

# Members of a body that is otherwise good enough to be accepted; each test
# that expects success takes another name.
send()
{
	call POST /api/auth/register 'Content-Type: application/json' "$@"
}

# ---------------------------------------------------------------- fields

@test "every missing field is listed, in the declared order" {
	post /api/auth/register '{}'
	expect 422
	holds '[.detail[] | [.type, .msg, .loc]] == [
	    ["missing", "Field required", ["body", "email"]],
	    ["missing", "Field required", ["body", "username"]],
	    ["missing", "Field required", ["body", "password"]]]'
}

@test "a missing field's input is the object that came" {
	post /api/auth/register '{"username":"xaver","password":"12345678"}'
	invalid '{"type":"missing","loc":["body","email"],
	    "msg":"Field required","input":{"username":"xaver"}}'
}

@test "a missing field's input has no member that is not declared" {
	post /api/auth/register '{"username":"xaver","password":"12345678",
	    "Email":"x@example.com","pasword":"Zu7-mistyped"}'
	invalid '{"type":"missing","loc":["body","email"],
	    "msg":"Field required","input":{"username":"xaver"}}'
}

@test "a missing secret's entry shows no other secret" {
	post /api/auth/register '{"email":"x@example.com",
	    "username":"xaver","pasword":"Zu7-mistyped"}'
	expect 422
	holds '.detail | length == 1 and (.[0] | .type == "missing"
	    and .loc == ["body", "password"] and .msg == "Field required")'
	lacks "$body" Zu7
	lacks "$body" pasword
}

@test "several faults are listed at once, in the declared order" {
	post /api/auth/register \
	    '{"password":"short","username":"ab","email":7}'
	invalid '{"type":"string_type","loc":["body","email"],
	    "msg":"Input should be a valid string","input":7},
	    {"type":"string_too_short","loc":["body","username"],
	    "msg":"String should have at least 3 characters",
	    "input":"ab","ctx":{"min_length":3}},
	    {"type":"string_too_short","loc":["body","password"],
	    "msg":"String should have at least 8 characters",
	    "ctx":{"min_length":8}}'
}

@test "a text that is too long is refused with its limit" {
	local long=$(printf '%051d' 0)
	post /api/auth/register \
	    "{\"email\":\"x@example.com\",\"username\":\"$long\",
	    \"password\":\"12345678\"}"
	invalid "{\"type\":\"string_too_long\",\"loc\":[\"body\",\"username\"],
	    \"msg\":\"String should have at most 50 characters\",
	    \"input\":\"$long\",\"ctx\":{\"max_length\":50}}"
}

@test "a secret that is too long is not shown" {
	post /api/auth/register \
	    "{\"email\":\"x@example.com\",\"username\":\"xaver\",
	    \"password\":\"$(printf '%01025d' 0)\"}"
	invalid '{"type":"string_too_long","loc":["body","password"],
	    "msg":"String should have at most 1024 characters",
	    "ctx":{"max_length":1024}}'
}

@test "anything but a string is refused, and shown as it came" {
	local value
	for value in 7 -1.5e3 true false null '[]' '["a"]' '{}' '{"a":{}}'; do
		post /api/auth/register "{\"email\":\"x@example.com\",
		    \"username\":$value,\"password\":\"12345678\"}"
		invalid "{\"type\":\"string_type\",\"loc\":[\"body\",\"username\"],
		    \"msg\":\"Input should be a valid string\",
		    \"input\":$value}"
	done
}

@test "a number is shown with all its digits" {
	post /api/auth/register "{\"email\":\"x@example.com\",
	    \"username\":123456789012345678901234567890,
	    \"password\":\"12345678\"}"
	expect 422
	has "$body" 123456789012345678901234567890
}

@test "a secret that is no string is not shown" {
	local value
	for value in 70077 '["Zu7"]' '{"Zu7":1}' null; do
		post /api/auth/register "{\"email\":\"x@example.com\",
		    \"username\":\"xaver\",\"password\":$value}"
		invalid '{"type":"string_type","loc":["body","password"],
		    "msg":"Input should be a valid string"}'
	done
}

@test "an address that is none is a value_error with its reason" {
	post /api/auth/register '{"email":"nobody","username":"xaver",
	    "password":"12345678"}'
	expect 422
	holds '.detail | length == 1 and (.[0] | .type == "value_error"
	    and .loc == ["body", "email"] and .input == "nobody"
	    and (.ctx | keys == ["reason"] and (.reason | length > 0))
	    and .msg == "value is not a valid email address: " + .ctx.reason
	    and keys == ["ctx", "input", "loc", "msg", "type"])'
}

@test "a name that breaks a rule is a value_error with its reason" {
	post /api/auth/register '{"email":"x@example.com",
	    "username":"xa@ver","password":"12345678"}'
	expect 422
	holds '.detail | length == 1 and (.[0] | .type == "value_error"
	    and .loc == ["body", "username"] and .input == "xa@ver"
	    and (.ctx | keys == ["reason"] and (.reason | length > 0))
	    and .msg == "Value error, " + .ctx.reason
	    and keys == ["ctx", "input", "loc", "msg", "type"])'
}

@test "a secret that breaks a rule is a value_error that does not show it" {
	post /api/auth/register '{"email":"x@example.com",
	    "username":"xaver","password":"Zu7\u0007-1234567"}'
	expect 422
	holds '.detail | length == 1 and (.[0] | .type == "value_error"
	    and .loc == ["body", "password"]
	    and .msg == "Value error, " + .ctx.reason
	    and keys == ["ctx", "loc", "msg", "type"])'
	lacks "$body" Zu7
}

@test "members that are not declared are ignored" {
	post /api/auth/register '{"email":"more@example.com",
	    "username":"more","password":"12345678","admin":true,"x":[{}]}'
	expect 201
}

# ---------------------------------------------------------------- bodies

@test "no body at all is missing" {
	send
	invalid '{"type":"missing","loc":["body"],"msg":"Field required",
	    "input":null}'
	call POST /api/auth/register
	invalid '{"type":"missing","loc":["body"],"msg":"Field required",
	    "input":null}'
}

@test "a body that is no object is refused" {
	local value
	for value in '[]' '"Zu7"' 7 true '[{"Zu7":1}]'; do
		send -- "$value"
		expect 422
		holds '.detail | length == 1 and (.[0]
		    | .type == "model_attributes_type" and .loc == ["body"]
		    and .msg == "Input should be a valid dictionary or object to extract fields from")'
	done
}

is_taken_for_json()
{
	call POST /api/auth/register "$1" -- '{}'
	expect 422
	holds '[.detail[].type] == ["missing", "missing", "missing"]'
}

is_no_json()
{
	call POST /api/auth/register "$1" -- \
	    '{"email":"x@example.com","username":"xaver",
	    "password":"Zu7-12345"}'
	expect 422
	holds '.detail | length == 1 and (.[0]
	    | .type == "model_attributes_type" and .loc == ["body"]
	    and .msg == "Input should be a valid dictionary or object to extract fields from")'
	lacks "$body" Zu7
}

@test "application/json is taken in any case and with parameters" {
	is_taken_for_json 'Content-Type: application/json'
	is_taken_for_json 'Content-Type: Application/JSON; charset=utf-8'
	is_taken_for_json 'Content-Type: application/json;charset=UTF-8'
}

@test "application/*+json is taken for JSON" {
	is_taken_for_json 'Content-Type: application/vnd.api+json'
	is_taken_for_json 'Content-Type: application/problem+json; a=b'
}

@test "a body without Content-Type is taken for JSON" {
	is_taken_for_json 'X-Nothing: 1'
}

@test "a body of another Content-Type is refused, and not shown" {
	is_no_json 'Content-Type: text/plain'
	is_no_json 'Content-Type: text/plain; a=application/json'
	is_no_json 'Content-Type: application/x-www-form-urlencoded'
	is_no_json 'Content-Type: multipart/form-data; boundary=x'
	is_no_json 'Content-Type: application/jsonx'
	is_no_json 'Content-Type: application/json+xml'
	is_no_json 'Content-Type: image/svg+json'
}

@test "a body of 64 KiB is read" {
	local file=$BATS_TEST_TMPDIR/body
	printf '%-65536s' "$(new_user big)" >"$file"
	send --file "$file"
	expect 201
}

@test "a body of one byte more is a 413" {
	local file=$BATS_TEST_TMPDIR/body
	printf '%-65537s' "$(new_user bigger)" >"$file"
	send --file "$file"
	expect 413 '{"detail":"Request body too large"}'
}

@test "a form of one byte more than 64 KiB is a 413" {
	local file=$BATS_TEST_TMPDIR/body
	printf '%-65537s' 'username=a&password=' >"$file"
	call POST /api/auth/login --file "$file" \
	    'Content-Type: application/x-www-form-urlencoded'
	expect 413 '{"detail":"Request body too large"}'
}

@test "a body of 20 MB is a 413" {
	local file=$BATS_TEST_TMPDIR/body
	head -c 20000000 /dev/zero >"$file"
	send --file "$file"
	expect 413 '{"detail":"Request body too large"}'
}

@test "a body without a length is read to its end" {
	send --chunked -- "$(new_user chunked)"
	expect 201
}

@test "a body without a length that is too long is a 413" {
	local file=$BATS_TEST_TMPDIR/body
	printf '%-65537s' "$(new_user bigger)" >"$file"
	send --chunked --file "$file"
	expect 413 '{"detail":"Request body too large"}'
}

# ---------------------------------------------------------------- JSON

@test "what is not JSON is named with its byte offset and its reason" {
	send -- '{"email":}'
	invalid '{"type":"json_invalid","loc":["body",9],
	    "msg":"JSON decode error","input":{},
	    "ctx":{"error":"Expecting value"}}'
}

@test "the offset counts bytes, not characters" {
	send -- '{"é":}'
	not_json 'é' 6
}

@test "anything but white space after the end is refused" {
	send -- '{} x'
	invalid '{"type":"json_invalid","loc":["body",3],
	    "msg":"JSON decode error","input":{},
	    "ctx":{"error":"Extra data"}}'
	local tail
	for tail in '{}' ',' ']' '\0' '\f' '\v' '\0303\0240' '//x' '#'; do
		send --bytes "{$good}$tail"
		not_json "$tail"
	done
}

@test "white space around the text is taken" {
	send --bytes ' \t\r\n'"$(new_user spaced)"' \t\r\n'
	expect 201
}

@test "a body of white space alone is not JSON" {
	send -- '  '
	not_json
}

@test "a body that breaks off is not JSON" {
	local part
	for part in '{' '{"email"' '{"email":' '{"email":"x' '{"email":"x",' \
	    '{"email":"\' '{"email":"\u00' '{"email":[' '[' '"' '-' 't'; do
		send -- "$part"
		not_json "$part"
	done
}

@test "what Python, JavaScript and json-c allow beyond RFC 8259 is refused" {
	local value
	for value in NaN Infinity -Infinity 01 -01 +1 1. .5 1e 0x1 "'a'" a \
	    True None nul '[1,]' '{"a":1,}' '[,1]' '[1 2]' '{a:1}' \
	    "{'a':1}" '{"a" 1}' '{1:1}' '/**/1' '1 // x' '"\x41"' '"\a"' \
	    '"\u12g4"' '"\u 123"' '"\u{41}"' 'undefined' '--1' '1e+' '{,}'
	do
		send -- "{$good,\"x\":$value}"
		not_json "$value"
	done
}

@test "a control character in a string must be escaped" {
	local byte
	for byte in 01 07 10 12 15 37; do
		send --bytes "{$good,\"x\":\"a\\0${byte}b\"}"
		not_json "octal $byte"
	done
}

@test "bytes that are not UTF-8 are refused" {
	local bytes
	for bytes in '\0377' '\0200' '\0303' '\0303x' '\0342\0202' \
	    '\0370\0210\0200\0200\0200'; do
		send --bytes "{$good,\"x\":\"$bytes\"}"
		not_json "$bytes"
		send --bytes "{$good,\"$bytes\":1}"
		not_json "$bytes in a name"
	done
}

@test "bytes that are not UTF-8 are refused outside strings, too" {
	send --bytes "{$good}\\0377"
	not_json
	send --bytes '\0377\0376{\0'
	not_json
}

@test "overlong forms are refused" {
	local bytes
	for bytes in '\0300\0200' '\0301\0277' '\0340\0200\0200' \
	    '\0340\0237\0277' '\0360\0200\0200\0200' '\0360\0217\0277\0277'
	do
		send --bytes "{$good,\"x\":\"$bytes\"}"
		not_json "$bytes"
	done
}

@test "encoded surrogates and numbers past U+10FFFF are refused" {
	local bytes
	for bytes in '\0355\0240\0200' '\0355\0277\0277' \
	    '\0355\0240\0275\0355\0270\0200' '\0364\0220\0200\0200'; do
		send --bytes "{$good,\"x\":\"$bytes\"}"
		not_json "$bytes"
	done
}

@test "U+0000 is refused in a string" {
	send -- "{$good,\"x\":\"a\\u0000b\"}"
	not_json escape
	send --bytes "{$good,\"x\":\"a\\00b\"}"
	not_json byte
}

@test "U+0000 is refused in a name" {
	send -- "{$good,\"x\\u0000y\":1}"
	not_json escape
	send -- "{$good,\"username\\u0000x\":\"root\"}"
	not_json 'behind a field'\''s name'
}

@test "an escaped surrogate without its partner is refused" {
	local text
	for text in '\ud800' '\uDBFF' '\udc00' '\uDFFF' '\ud800x' \
	    '\ud800\u0041' '\ud800\ud800' '\udc00\ud800' '\ud800\n' \
	    '\ud800\'; do
		send -- "{$good,\"x\":\"$text\"}"
		not_json "$text"
		send -- "{$good,\"$text\":1}"
		not_json "$text in a name"
	done
}

@test "an escaped pair of surrogates is one character" {
	send -- '{"email":"pair@example.com","username":"\ud840\udc00ab",
	    "password":"12345678","x":"\ud83d\ude00"}'
	expect 201
	is "$(claim username "$(json .access_token)")" '𠀀ab'
}

@test "a name that comes twice in an object is refused" {
	send -- "{$good,\"username\":\"root\"}"
	not_json field
	send -- "{$good,\"x\":1,\"x\":1}"
	not_json 'not declared'
	send -- "{$good,\"x\":{\"a\":1,\"b\":[{\"c\":1,\"c\":2}]}}"
	not_json nested
	send -- "{$good,\"a\":1,\"\\u0061\":2}"
	not_json escaped
}

@test "a name may come again in another object" {
	send -- '{"email":"again@example.com","username":"again",
	    "password":"12345678","x":[{"email":1},{"email":2}]}'
	expect 201
}

nested()	# N arrays in each other
{
	local open close
	printf -v open '%*s' "$1" ''
	printf %s "${open// /[}${open// /]}"
}

@test "sixteen levels are taken" {
	send -- "{\"email\":\"deep@example.com\",\"username\":\"deep\",
	    \"password\":\"12345678\",\"x\":$(nested 15)}"
	expect 201
}

@test "seventeen levels are refused" {
	send -- "{$good,\"x\":$(nested 16)}"
	not_json
}

@test "thirty thousand levels are refused" {
	send -- "{$good,\"x\":$(nested 30000)}"
	not_json closed
	send -- "$(printf '%60000s' '' | tr ' ' '[')"
	not_json open
	send -- "$(printf '%60000s' '' | sed 's/...../{"a":/g')"
	not_json objects
}

@test "a byte order mark is refused" {
	send --bytes '\0357\0273\0277'"{$good}"
	not_json
}

@test "UTF-16 is refused" {
	send --bytes '\0377\0376{\0}\0'
	not_json little
	send --bytes '\0{\0}'
	not_json big
}

# ---------------------------------------------------------------- our faults

@test "a database that stays busy is a 503 with Retry-After" {
	new_data
	register anna
	hold_lock
	local started=$EPOCHSECONDS
	try_register ben
	local took=$((EPOCHSECONDS - started))
	release_lock
	expect 503 '{"detail":"Service temporarily unavailable"}'
	like "$(header Retry-After)" '[1-9][0-9]*' Retry-After
	like "$took" '[1-9]|1[0-9]' 'seconds that it took'
	is "$(sql 'SELECT count(*) FROM users')" 1 users
}

@test "a busy database keeps nobody from reading" {
	new_data
	register anna
	hold_lock
	me "$access"
	release_lock
	expect 200
}

@test "a write that waits for another's lock goes through" {
	new_data
	register anna
	hold_lock
	local answered=$BATS_TEST_TMPDIR/answered
	{
		try_register ben
		echo "$status_code" >"$answered"
	} 3>&- &
	sleep 0.5
	release_lock
	wait $!
	is "$(<"$answered")" 201 status
}

@test "a damaged key file is a 500 with a log line, and is left as it is" {
	new_data
	register anna
	local file=$SWITCHBOARD_DATA/signing-keys.json
	printf '{"keys":[{"kty":' >"$file"
	try_login anna
	expect 500 '{"detail":"Internal Server Error"}'
	has "$log" signing-keys.json
	has "$log" "$(header X-Request-ID)"
	is "$(<"$file")" '{"keys":[{"kty":'
}

@test "a damaged database is no stack trace and shows no path" {
	new_data
	printf '%8192s' 'This is not a database.' \
	    >"$SWITCHBOARD_DATA/switchboard.db"
	try_register anna
	like "$status_code" '500|503' status
	holds 'keys == ["detail"] and (.detail | type == "string")'
	lacks "$body" "$SWITCHBOARD_DATA"
	lacks "$body" SELECT
	isnt "$log" ''
}
