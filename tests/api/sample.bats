# The library as a program has it: tests/programs/sample.c, with a route for
# each kind of field and handlers that break their word.  Sections 1 and 2 of
# the contract.

load harness

setup_file()
{
	new_data
}

setup()
{
	programs=$SB_BUILD/tests/programs
	program=sample
	log=
	id=01890a5d-ac96-774b-bcce-b302099a8057
}

no_object='"msg":"Input should be a valid dictionary or object to extract fields from"'

# entry TYPE LOC MSG [REST]: an entry of a 422, LOC and REST in JSON.
entry()
{
	printf '{"type":"%s","loc":%s,"msg":"%s"%s}' "$1" "$2" "$3" \
	    "${4+,$4}"
}

# good [FILTER]: a body for /all, changed.
good()
{
	jq -nc --arg id "$id" '{text: "abc", secret: "12345678",
	    email: "ann@example.com", count: 7, loud: true, grant: "password",
	    format: "json", channel: "slack", id: $id}'" | ${1-.}"
}

all()
{
	post /all "$(good "$@")"
}

# ---------------------------------------------------------- what is taken

@test "every kind of field comes in, and goes out in objects of objects" {
	all
	expect 200 '{"text":"abc","email":"ann@example.com","chosen":{
	    "grant":"password","numbers":{"count":7,"loud":true},
	    "channel":"slack"},"id":"'$id'","letters":null,
	    "at":"2025-10-14T10:53:47.237987Z"}'
	header_is Cache-Control no-store
	header_is Content-Type application/json
	header_is Content-Length ${#body}
}

@test "members go out in the order of the table" {
	all '.path = "a" | .letters = "abc"'
	is "$(jq -c 'keys_unsorted' <<<"$body")" \
	    '["text","email","chosen","id","path","letters","at"]'
	is "$(jq -c '.chosen | keys_unsorted' <<<"$body")" \
	    '["grant","numbers","channel"]'
}

@test "unknown members are passed over, optional ones may be null" {
	all '.other = [{}] | .path = null | .letters = null'
	expect 200
	holds 'has("path") | not'
}

# ------------------------------------------------------- lists and maps

@test "lists and maps of objects go out, each in its own order" {
	call GET '/shelf?count=3'
	expect 200
	is "$body" '{"books":[{"title":"Book 0","copies":[{"number":0},{"number":1,"lent":1760440000.25},{"number":2,"lent":null}]},{"title":"Book 1","copies":[{"number":0},{"number":1,"lent":1760440000.25},{"number":2,"lent":null}]},{"title":"Book 2","copies":[{"number":0},{"number":1,"lent":1760440000.25},{"number":2,"lent":null}]}],"readers":{"ann":{"number":0},"b/\"é":{"number":1,"lent":1760440000.25},"":{"number":2,"lent":null}},"gone":null,"at":1760440000.000003}'
}

@test "lists and maps may be empty, and Unix times whole" {
	call GET '/shelf?count=0'
	expect 200
	is "$body" '{"books":[],"readers":{},"at":1760440000.0}'
	call HEAD '/shelf?count=0'
	expect 200 ''
	header_is Content-Length 43
}

# --------------------------------------- lists of texts, and header fields

# pick JSON [Name: value]...
pick()
{
	local json=$1
	shift
	post /pick "$json" 'X-Count: 7' "$@"
}

some='"channels":["slack"]'

@test "lists of texts come in, and go out as they came" {
	pick '{"choices":["a","\u00e9\"/"],"channels":["slack","email"]}'
	expect 200
	is "$body" '{"choices":["a","é\"/"],"channels":["slack","email"],"last":"email","numbers":{"count":7,"loud":true}}'
	pick '{"choices":null,"channels":["email"],"paths":[]}'
	expect 200
	is "$body" '{"choices":null,"channels":["email"],"last":"email","numbers":{"count":7,"loud":true}}'
}

@test "list_type" {
	local value
	for value in '"a"' 7 true '{"0":"a"}'; do
		pick "{\"choices\":$value,$some}"
		invalid "$(entry list_type '["body","choices"]' \
		    'Input should be a valid list' "\"input\":$value")"
	done
	pick '{"channels":null}'
	invalid "$(entry list_type '["body","channels"]' \
	    'Input should be a valid list' '"input":null')"
}

@test "too_short and too_long of a list" {
	pick "{\"choices\":[\"a\"],$some}"
	invalid "$(entry too_short '["body","choices"]' \
	    'List should have at least 2 items after validation, not 1' \
	    '"input":["a"],"ctx":{"field_type":"List","min_length":2,
	    "actual_length":1}')"
	pick '{"channels":[]}'
	invalid "$(entry too_short '["body","channels"]' \
	    'List should have at least 1 item after validation, not 0' \
	    '"input":[],"ctx":{"field_type":"List","min_length":1,
	    "actual_length":0}')"
	pick "{\"choices\":[\"a\",\"b\",\"c\",\"d\",\"e\"],$some}"
	invalid "$(entry too_long '["body","choices"]' \
	    'List should have at most 3 items after validation, not 5' \
	    '"input":["a","b","c","d","e"],"ctx":{"field_type":"List",
	    "max_length":3,"actual_length":5}')"
	pick "{\"paths\":[\"a\",\"b\"],$some}"
	invalid "$(entry too_long '["body","paths"]' \
	    'List should have at most 1 item after validation, not 2' \
	    '"input":["a","b"],"ctx":{"field_type":"List","max_length":1,
	    "actual_length":2}')"
}

@test "each bad item of a list is told, by its number" {
	pick "{\"choices\":[\"\",\"éééééé\",null],$some}"
	invalid "$(entry string_too_short '["body","choices",0]' \
	    'String should have at least 1 character' \
	    '"input":"","ctx":{"min_length":1}'
	),$(entry string_too_long '["body","choices",1]' \
	    'String should have at most 5 characters' \
	    '"input":"éééééé","ctx":{"max_length":5}'
	),$(entry string_type '["body","choices",2]' \
	    'Input should be a valid string' '"input":null')"
	pick '{"channels":["slack","fax","Email",7]}'
	invalid "$(for i in '1 "fax"' '2 "Email"' '3 7'; do
		entry enum "[\"body\",\"channels\",${i% *}]" \
		    "Input should be 'websocket', 'email' or 'slack'" \
		    "\"input\":${i#* },\"ctx\":{\"expected\":
		    \"'websocket', 'email' or 'slack'\"}"
		[ "${i% *}" = 3 ] || printf ,
	done)"
	pick "{\"paths\":[\"/x\"],$some}"
	invalid "$(entry value_error '["body","paths",0]' \
	    'Value error, must not begin with /, as /x does' \
	    '"input":"/x","ctx":{"reason":"must not begin with /, as /x does"}')"
}

@test "of a list that is too long, or has bad items, nothing else is told" {
	pick "{\"choices\":[1,2,3,4],$some}"
	holds '[.detail[].type] == ["too_long"]'
	pick "{\"choices\":[1],$some}"
	holds '[.detail[].type] == ["string_type"]'
}

@test "an item twice is a value_error of the list" {
	pick "{\"choices\":[\"a\",\"b\",\"a\"],$some}"
	invalid "$(entry value_error '["body","choices"]' \
	    'Value error, must not have the same item twice' \
	    '"input":["a","b","a"],
	    "ctx":{"reason":"must not have the same item twice"}')"
}

@test "a header field comes in under any spelling; empty, it is absent" {
	pick "{$some}" 'x-First-mark: abc'
	holds '.mark == "abc"'
	pick "{$some}" 'X-First-Mark:'
	expect 200
	holds 'has("mark") | not'
	post /pick "{$some}"
	invalid "$(entry missing '["header","x-count"]' 'Field required' \
	    '"input":null')"
}

@test "what is wrong with a header field" {
	post /pick "{$some}" 'X-Count: 10' 'X-First-Mark: abc, abc'
	invalid "$(entry string_pattern_mismatch '["header","x-first-mark"]' \
	    "String should match pattern '^[a-z]{1,4}$'" \
	    '"input":"abc, abc","ctx":{"pattern":"^[a-z]{1,4}$"}'
	),$(entry less_than_equal '["header","x-count"]' \
	    'Input should be less than or equal to 9' \
	    '"input":"10","ctx":{"le":9}')"
	post /pick "{$some}" 'X-Count: x'
	holds '[.detail[] | [.type, .loc]] == [["int_parsing",
	    ["header","x-count"]]]'
}

@test "a header field that is not UTF-8 gets into no JSON" {
	pick "{$some}" $'X-First-Mark: a\xff'
	invalid "$(entry value_error '["header","x-first-mark"]' \
	    'Value error, is not valid UTF-8' \
	    '"input":"a�","ctx":{"reason":"is not valid UTF-8"}')"
}

# ----------------------------------------------- errors that say more

# decide HOW ABOUT
decide()
{
	post /decide "{\"how\":\"$1\",\"about\":\"$2\"}"
}

@test "an error can say what it is about" {
	decide gone 100%s
	expect 404 '{"detail":"No 100%s here"}'
	decide taken x
	expect 409 '{"detail":"Taken"}'
	call GET /forbid
	expect 403 '{"detail":"Not enough permissions"}'
}

@test "an error can have fields, which are held to its table" {
	decide decided approved
	expect 409
	is "$body" '{"detail":"Is already approved, you see","numbers":{"count":7,"loud":true}}'
	decide half approved
	expect 500 '{"detail":"Internal Server Error"}'
	has "$log" 'numbers is missing'
}

@test "a handler can find that a text is none of some" {
	decide maybe perhaps
	invalid "$(entry enum '["body","about"]' \
	    "Input should be 'yes' or 'no'" \
	    "\"input\":\"perhaps\",\"ctx\":{\"expected\":\"'yes' or 'no'\"}")"
}

# ------------------------------------------------- no body, and judgements

@test "where a body may be absent none of its fields is there" {
	call POST '/maybe?flag=1'
	expect 200 '{"name":null,"count":0,"there":false}'
	call POST '/maybe?flag=1' 'Content-Type: application/json'
	expect 200 '{"name":null,"count":0,"there":false}'
	call POST '/maybe?flag=1' --chunked
	expect 200 '{"name":null,"count":0,"there":false}'
	cgi=(CONTENT_LENGTH=0)
	call POST '/maybe?flag=1' 'Content-Type: text/plain'
	expect 200 '{"name":null,"count":0,"there":false}'
}

@test "a body that is there is held to its fields" {
	post '/maybe?flag=1' '{"name":"anna","count":7}'
	expect 200 '{"name":"anna","count":7,"there":true}'
	post '/maybe?flag=1' '{}'
	invalid "$(entry missing '["body","name"]' 'Field required' \
	    '"input":{}'),$(entry missing '["body","count"]' \
	    'Field required' '"input":{}')"
	post '/maybe?flag=1' '{"name":"a","count":0}'
	expect 422
	holds '[.detail[].type] == ["string_too_short","greater_than_equal"]'
	post '/maybe?flag=1' null
	expect 422
	holds '[.detail[].type] == ["model_attributes_type"]'
	post '/maybe?flag=1' ' '
	not_json 'white space alone'
	form '/maybe?flag=1' 'name=anna&count=7'
	expect 422
	holds '[.detail[].type] == ["model_attributes_type"]'
}

@test "without a body the query is still held to its fields" {
	call POST /maybe
	invalid "$(entry missing '["query","flag"]' 'Field required' \
	    '"input":null')"
	call POST '/maybe?flag=x'
	expect 422
	holds '[.detail[] | [.type, .loc]] == [["bool_parsing",
	    ["query","flag"]]]'
}

# judge WHICH [QUERY]: the handler finds fault with that.
judge()
{
	post "/judge/$id${2-}" "$(jq -nc --arg which "$1" '{text: "a\"é",
	    secret: "12345678", count: 12, email: "ann@example.com",
	    which: $which}')"
}

judgement=', must be \"better\"'
better='"ctx":{"reason":"must be \"better\""}'

@test "what a handler finds wrong is a value_error of its field" {
	judge nothing
	expect 204 ''
	judge text
	invalid "$(entry value_error '["body","text"]' \
	    "Value error$judgement" '"input":"a\"é",'"$better")"
	header_is X-Half ''
	header_is Cache-Control no-store
	judge count
	invalid "$(entry value_error '["body","count"]' \
	    "Value error$judgement" '"input":12,'"$better")"
	judge email
	invalid "$(entry value_error '["body","email"]' \
	    'value is not a valid email address: must be \"better\"' \
	    '"input":"ann@example.com",'"$better")"
	judge page '?page=%31'
	invalid "$(entry value_error '["query","page"]' \
	    "Value error$judgement" '"input":"1",'"$better")"
	judge id
	invalid "$(entry value_error '["path","id"]' \
	    "Value error$judgement" "\"input\":\"$id\",$better")"
}

@test "a judged secret is not shown" {
	judge secret
	invalid "$(entry value_error '["body","secret"]' \
	    "Value error$judgement" "$better")"
	lacks "$body" 12345678
}

@test "a judged body shows the declared members that came, but no secret" {
	judge whole
	invalid "$(entry value_error '["body"]' "Value error$judgement" \
	    '"input":{"text":"a\"é","count":12,"email":"ann@example.com",
	    "which":"whole"},'"$better")"
	lacks "$body" 12345678
	post "/judge/$id" '{"text":"a","which":"whole","count":null,"x":1}'
	invalid "$(entry value_error '["body"]' "Value error$judgement" \
	    '"input":{"text":"a","which":"whole"},'"$better")"
}

# ------------------------------------------------------- a 422, type by type

@test "string_type" {
	all '.text = 1'
	invalid "$(entry string_type '["body","text"]' \
	    'Input should be a valid string' '"input":1')"
	all '.id = [null]'
	invalid "$(entry string_type '["body","id"]' \
	    'Input should be a valid string' '"input":[null]')"
}

@test "string_too_short" {
	all '.text = "éé"'
	invalid "$(entry string_too_short '["body","text"]' \
	    'String should have at least 3 characters' \
	    '"input":"éé","ctx":{"min_length":3}')"
	all '.letters = ""'
	invalid "$(entry string_too_short '["body","letters"]' \
	    'String should have at least 1 character' \
	    '"input":"","ctx":{"min_length":1}')"
}

@test "string_too_long" {
	all '.text = "éééééé"'
	invalid "$(entry string_too_long '["body","text"]' \
	    'String should have at most 5 characters' \
	    '"input":"éééééé","ctx":{"max_length":5}')"
}

@test "string_pattern_mismatch" {
	all '.letters = "a1"'
	invalid "$(entry string_pattern_mismatch '["body","letters"]' \
	    "String should match pattern '^[a-z]+\$'" \
	    '"input":"a1","ctx":{"pattern":"^[a-z]+$"}')"
}

@test "bool_type and int_type" {
	all '.loud = null | .count = 1.5'
	invalid "$(entry int_type '["body","count"]' \
	    'Input should be a valid integer' '"input":1.5'),$(
	    entry bool_type '["body","loud"]' \
	    'Input should be a valid boolean' '"input":null')"
}

@test "greater_than_equal and less_than_equal" {
	all '.count = 0'
	invalid "$(entry greater_than_equal '["body","count"]' \
	    'Input should be greater than or equal to 1' \
	    '"input":0,"ctx":{"ge":1}')"
	all '.count = 101'
	invalid "$(entry less_than_equal '["body","count"]' \
	    'Input should be less than or equal to 100' \
	    '"input":101,"ctx":{"le":100}')"
}

@test "enum, with one, two and three choices" {
	all '.grant = "x" | .format = "x" | .channel = "x"'
	invalid "$(entry enum '["body","grant"]' "Input should be 'password'" \
	    "\"input\":\"x\",\"ctx\":{\"expected\":\"'password'\"}"),$(
	    entry enum '["body","format"]' "Input should be 'text' or 'json'" \
	    "\"input\":\"x\",\"ctx\":{\"expected\":\"'text' or 'json'\"}"),$(
	    entry enum '["body","channel"]' \
	    "Input should be 'websocket', 'email' or 'slack'" \
	    "\"input\":\"x\",\"ctx\":{\"expected\":\"'websocket', 'email' or 'slack'\"}")"
}

@test "value_error of an address and of anything else" {
	all '.email = "ann" | .path = "/x"'
	invalid "$(entry value_error '["body","email"]' \
	    'value is not a valid email address: An email address must have an @-sign.' \
	    '"input":"ann","ctx":{"reason":"An email address must have an @-sign."}'),$(
	    entry value_error '["body","path"]' \
	    'Value error, must not begin with /, as /x does' \
	    '"input":"/x","ctx":{"reason":"must not begin with /, as /x does"}')"
}

@test "value_error of an id" {
	all '.id = "x"'
	expect 422
	holds '.detail | length == 1 and (.[0] | .type == "value_error"
	    and .loc == ["body","id"] and .input == "x"
	    and .msg == "Value error, " + .ctx.reason)'
}

@test "missing shows the declared members that came, but no secret" {
	post /json '{"name":"anna","passwort":"12345678","count":3}'
	invalid "$(entry missing '["body","password"]' 'Field required' \
	    '"input":{"name":"anna","count":3}')"
	post /json '{"password":"12345678"}'
	invalid "$(entry missing '["body","name"]' 'Field required' \
	    '"input":{}')"
	lacks "$body" 12345678
}

@test "a secret is never shown, whatever is wrong with it" {
	for secret in '"hunter2"' '["hunter2"]' '{"hunter2":1}' null; do
		all ".secret = $secret"
		expect 422
		lacks "$body" hunter2
		holds '.detail[0] | .loc == ["body","secret"]
		    and (has("input") | not)'
		lacks "$log" hunter2
	done
}

@test "missing of a whole body" {
	call POST /json
	invalid "$(entry missing '["body"]' 'Field required' '"input":null')"
	call POST /json 'Content-Type: application/json'
	invalid "$(entry missing '["body"]' 'Field required' '"input":null')"
}

@test "model_attributes_type of what is no object" {
	for text in null 1 '"a"' '[{"text":"a"}]' true; do
		post /open "$text"
		invalid '{"type":"model_attributes_type","loc":["body"],'"$no_object,\"input\":$text}"
	done
	# It might be a password.
	post /json '"hunter2"'
	invalid '{"type":"model_attributes_type","loc":["body"],'"$no_object}"
}

@test "model_attributes_type of what is not JSON by its Content-Type" {
	for type in application/x-www-form-urlencoded text/plain \
	    'multipart/form-data; boundary=x' application/jsonp text/json; do
		call POST /open "Content-Type: $type" -- '{"text":"a"}'
		invalid '{"type":"model_attributes_type","loc":["body"],'"$no_object,"'"input":"{\"text\":\"a\"}"}'
	done
}

@test "JSON is what says so, or says nothing" {
	for type in application/json 'APPLICATION/JSON; charset=utf-8' \
	    application/merge-patch+json; do
		call POST /open "Content-Type: $type" -- '{"text":"a"}'
		expect 204
	done
	call POST /open -- '{"text":"a"}'
	expect 204
}

@test "json_invalid, with the byte" {
	post /open '{"text":}'
	not_json '' 8
	post /open '{"text":"é",}'
	not_json '' 13
	post /open '{"text":"a"} {}'
	not_json '' 13
	call POST /open --bytes '{"text":"\0377"}'
	not_json '' 9
	call POST /open --bytes '\0357\0273\0277{"text":"a"}'
	not_json '' 0
	for text in '{"text":"\ud800"}' '{"text":"a\u0000"}' \
	    '{"text":"a","text":"a"}' '{"a":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}' \
	    "{'text':'a'}" '{"text":NaN}'; do
		post /open "$text"
		not_json "$text"
	done
}

@test "all that is wrong is said at once, in the order of the table" {
	post /all '{"letters":"1","id":7,"channel":"fax","loud":"?",
	    "secret":"short","count":101,"text":"toolong"}'
	expect 422
	is "$(jq -c '[.detail[] | [.type, .loc[1]]]' <<<"$body")" \
	    '[["string_too_long","text"],["string_too_short","secret"],["missing","email"],["less_than_equal","count"],["bool_parsing","loud"],["missing","grant"],["missing","format"],["enum","channel"],["string_type","id"],["string_pattern_mismatch","letters"]]'
}

# -------------------------------------------------------------- the query

@test "fields of a query" {
	call GET "/list?limit=5&active=yes&channel=email&before=$id&name=a+b"
	expect 200 '{"limit":5,"active":true,"channel":"email",
	    "before":"'$id'","name":"a b"}'
	call GET '/list?active=0&limit=%31%30'
	expect 200 '{"limit":10,"active":false,"channel":null,"before":null,
	    "name":null}'
}

@test "missing of a query" {
	call GET /list
	invalid "$(entry missing '["query","limit"]' 'Field required' \
	    '"input":null'),$(entry missing '["query","active"]' \
	    'Field required' '"input":null')"
}

@test "int_parsing and bool_parsing" {
	call GET '/list?limit=five&active=maybe'
	invalid "$(entry int_parsing '["query","limit"]' \
	    'Input should be a valid integer, unable to parse string as an integer' \
	    '"input":"five"'),$(entry bool_parsing '["query","active"]' \
	    'Input should be a valid boolean, unable to interpret input' \
	    '"input":"maybe"')"
}

@test "ranges and choices of a query" {
	call GET '/list?limit=0&active=1&channel=fax&name=abcde'
	invalid "$(entry greater_than_equal '["query","limit"]' \
	    'Input should be greater than or equal to 1' \
	    '"input":"0","ctx":{"ge":1}'),$(
	    entry enum '["query","channel"]' \
	    "Input should be 'websocket', 'email' or 'slack'" \
	    "\"input\":\"fax\",\"ctx\":{\"expected\":\"'websocket', 'email' or 'slack'\"}"),$(
	    entry string_too_long '["query","name"]' \
	    'String should have at most 4 characters' \
	    '"input":"abcde","ctx":{"max_length":4}')"
}

@test "bytes that are no text, and a parameter given twice" {
	for value in %ff %c0%af %ed%a0%80 a%00b; do
		call GET "/list?limit=1&active=1&name=$value"
		expect 422
		holds '.detail | length == 1 and (.[0] | .type == "value_error"
		    and .loc == ["query","name"]
		    and .msg == "Value error, " + .ctx.reason)'
	done
	call GET '/list?limit=1&active=1&limit=1'
	expect 422
	holds '.detail | length == 1 and (.[0] | .type == "value_error"
	    and .loc == ["query","limit"]
	    and .msg == "Value error, " + .ctx.reason)'
}

# --------------------------------------------------------------- forms

@test "forms of both kinds, and JSON where it is taken, too" {
	wanted='{"name":"anna","length":3,"count":2,"loud":true}'
	form /form 'name=anna&password=a%2Bb&count=2&loud=on'
	expect 201 "$wanted"
	multipart /form name anna password a+b count 2 loud on
	expect 201 "$wanted"
	form /both 'name=anna&password=a%2Bb&count=2&loud=on'
	expect 201 "$wanted"
	multipart /both name anna password a+b count 2 loud on
	expect 201 "$wanted"
	post /both '{"name":"anna","password":"a+b","count":2,"loud":true}'
	expect 201 "$wanted"
}

@test "empty counts as absent in a form" {
	form /form 'name=anna&password=abc&count=&loud='
	expect 201 '{"name":"anna","length":3,"count":0,"loud":false}'
	form /form 'name=&password=&count=2'
	invalid "$(entry missing '["body","name"]' 'Field required' \
	    '"input":{"count":"2"}'),$(entry missing '["body","password"]' \
	    'Field required' '"input":{"count":"2"}')"
}

@test "the fields of a form are missing in JSON" {
	post /form '{"name":"anna","password":"abc"}'
	expect 422
	holds '[.detail[] | [.type, .loc]] == [["missing",["body","name"]],
	    ["missing",["body","password"]]]'
}

@test "what is wrong with a form" {
	form /form 'name=anna&password=%ff%ff%ff&count=x&loud=maybe'
	expect 422
	holds '[.detail[] | [.type, .loc[1], .input]] ==
	    [["value_error","password",null],["int_parsing","count","x"],
	    ["bool_parsing","loud","maybe"]]'
	holds '.detail[0] | has("input") | not'
	form /form 'name=anna&name=anna&password=abc'
	holds '[.detail[] | [.type, .loc, .input]] ==
	    [["value_error",["body","name"],"anna"]]'
}

# ---------------------------------------------------------- path and method

@test "an id of the path, and what is none" {
	call GET "/items/$id"
	expect 200 "{\"id\":\"$id\"}"
	call GET "/items/$id/"
	expect 200 "{\"id\":\"$id\"}"
	for other in x "${id}0" "${id^^}" "${id//-/}" "$id/x" '' %00 "%ff"; do
		call GET "/items/$other"
		expect 404 '{"detail":"Not Found"}'
	done
}

@test "405 names all methods of the path" {
	call PUT "/items/$id"
	expect 405 '{"detail":"Method Not Allowed"}'
	header_is Allow 'DELETE, GET, HEAD, PATCH'
	call GET /json
	expect 405 '{"detail":"Method Not Allowed"}'
	header_is Allow POST
	call BREW /list
	expect 405 '{"detail":"Method Not Allowed"}'
	header_is Allow 'GET, HEAD'
}

@test "HEAD has what GET has, but no body" {
	call GET "/items/$id"
	length=$(header Content-Length)
	call HEAD "/items/$id"
	expect 200 ''
	header_is Content-Length "$length"
}

@test "204 has no body and no type" {
	call DELETE "/items/$id"
	expect 204 ''
	is "$reason" 'No Content'
	header_is Content-Type ''
	header_is Content-Length ''
}

@test "bodies are as large as their route says" {
	for case in small:100 open:65536 great:200000; do
		size=${case#*:}
		text=$(head -c $((size - 11)) /dev/zero | tr '\0' a)
		post "/${case%:*}" "{\"text\":\"$text\"}"
		expect 204
		post "/${case%:*}" "{\"text\":\"a$text\"}"
		expect 413 '{"detail":"Request body too large"}'
	done
}

@test "a body that is shorter than it says is none" {
	cgi=(CONTENT_LENGTH=100)
	call POST /open
	expect 400 '{"detail":"Request body is incomplete"}'
}

@test "a chunked body has no length" {
	call POST /open --chunked -- '{"text":"a"}'
	expect 204
}

@test "the arguments of a CGI program come from the client" {
	run env -i GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET \
	    REQUEST_URI=/well "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" \
	    "$programs/sample" --openapi </dev/null
	has "$output" '{"first":"one","second":2}'
}

# ------------------------------------------------------- broken promises

# breaks TARGET SAYS: a 500 without a trace, and one error that says what.
breaks()
{
	call GET "$1" 'X-Request-ID: me-1'
	expect 500 '{"detail":"Internal Server Error"}'
	is "$reason" 'Internal Server Error'
	header_is X-Request-ID me-1
	is "$(header X-Evil)$(header Set-Cookie)" ''
	is "$(grep -c "$2" <<<"$log")" 1 'lines that say it'
	is "$(grep -c ' error sample me-1: ' <<<"$log")" 1 'error lines'
	is "$(grep -c ' sample me-1: ' <<<"$log")" "$(wc -l <<<"$log")" \
	    'lines with the id'
}

@test "a handler that keeps its word" {
	call GET /well
	expect 200 '{"first":"one","second":2}'
}

@test "a declared field left out" {
	breaks /leave-out 'second is missing'
}

@test "a field out of order" {
	breaks /order 'answer of [A-Z]* /order: '
}

@test "a field of another type" {
	breaks /type 'second is of another type'
}

@test "a field where none is declared" {
	breaks /undeclared-body 'answer of [A-Z]* /undeclared-body: '
}

@test "another success than declared" {
	breaks /success 'answer of [A-Z]* /success: '
}

@test "an error that is not declared" {
	breaks /undeclared-error 'undeclared error: Unsaid'
}

@test "a refusal that is called a success" {
	breaks /refuse-and-succeed 'answer of [A-Z]* /refuse-and-succeed: '
}

@test "no answer at all" {
	breaks /next 'answer of [A-Z]* /next: '
}

@test "giving up" {
	breaks /fatal 'the wheel came off'
}

@test "an end of line in a header" {
	breaks /header 'X-Evil'
}

@test "a file that the installation lacks" {
	call GET /file
	expect 500 '{"detail":"Internal Server Error"}'
	header_is Content-Type application/json
	has "$log" 'error sample '
	has "$log" no-such-page.html
}

# ------------------------------------------------------------- the store

users()
{
	sql "SELECT count(*) FROM users WHERE username = '$1'"
}

@test "what a handler writes is there when it succeeds" {
	post /write '{"name":"ann"}'
	expect 200
	is "$(users ann)" 1
}

@test "what it writes before it refuses is undone" {
	post /write-refuse '{"name":"bob"}'
	expect 409 '{"detail":"Taken"}'
	is "$(users bob)" 0
}

@test "unless it says to keep it" {
	post /write-keep '{"name":"eve"}'
	expect 409 '{"detail":"Taken"}'
	is "$(users eve)" 1
}

@test "what it writes before it breaks its word is undone" {
	post /write-leave-out '{"name":"dan"}'
	expect 500 '{"detail":"Internal Server Error"}'
	is "$(users dan)" 0
	post /write-fatal '{"name":"dan"}'
	expect 500 '{"detail":"Internal Server Error"}'
	is "$(users dan)" 0
	post /write '{"name":"dan"}'
	expect 200
	is "$(users dan)" 1
}

@test "what it writes before it finds fault with the input is undone" {
	post /write-judge '{"name":"fay"}'
	invalid "$(entry value_error '["body","name"]' \
	    'Value error, must be another' \
	    '"input":"fay","ctx":{"reason":"must be another"}')"
	is "$(users fay)" 0
}

@test "a program that needs no store makes none" {
	new_data
	call GET /well
	expect 200
	is "$(ls -A "$SWITCHBOARD_DATA")" ''
}

# ----------------------------------------------------------- the document

@test "the document has every route, and its errors" {
	run -0 "$programs/sample" --openapi
	body=$output
	holds '.openapi | startswith("3.1.")'
	holds '.paths | length == 39 and (has("/items/{id}"))'
	holds '.paths["/items/{id}"] | keys == ["delete","get","patch"]'
	holds '.paths["/write-keep"].post.responses | has("200") and has("409")
	    and has("422") and has("500") and has("503")'
	holds '.paths["/items/{id}"].delete.responses["204"]
	    | has("content") | not'
	holds '[.paths[][].operationId] | length == (unique | length)'
}

@test "the document has every field of a body, with its bounds" {
	run -0 "$programs/sample" --openapi
	body=$output
	schema='.paths["/all"].post.requestBody.content["application/json"].schema'
	holds "$schema"' | .required == ["text","secret","email","count",
	    "loud","grant","format","channel","id"]'
	holds "$schema"'.properties | keys_unsorted == ["text","secret",
	    "email","count","loud","grant","format","channel","id","path",
	    "letters"]'
	holds "$schema"'.properties | .text | .type == "string"
	    and .minLength == 3 and .maxLength == 5'
	holds "$schema"'.properties | .secret.format == "password"
	    and .email.format == "email" and .id.format == "uuid"
	    and .loud.type == "boolean"'
	holds "$schema"'.properties.count | .type == "integer"
	    and .minimum == 1 and .maximum == 100'
	holds "$schema"'.properties | .grant.enum == ["password"]
	    and .format.enum == ["text","json"]
	    and .channel.enum == ["websocket","email","slack"]'
	holds "$schema"'.properties.letters | .pattern == "^[a-z]+$"
	    and .minLength == 1 and (has("maxLength") | not)'
	holds "[$schema"'.properties[] | .description | length > 0] | all'
}

@test "the document has every parameter, and which bodies are taken" {
	run -0 "$programs/sample" --openapi
	body=$output
	holds '.paths["/list"].get.parameters
	    | map([.name, .in, .required]) == [["limit","query",true],
	    ["active","query",true],["channel","query",false],
	    ["before","query",false],["name","query",false]]'
	holds '.paths["/items/{id}"].get.parameters
	    | map([.name, .in, .required]) == [["id","path",true]]'
	holds '.paths["/list"].get | has("requestBody") | not'
	holds '.paths["/form"].post.requestBody.content | keys ==
	    ["application/x-www-form-urlencoded","multipart/form-data"]'
	holds '.paths["/both"].post.requestBody.content | keys ==
	    ["application/json","application/x-www-form-urlencoded",
	    "multipart/form-data"]'
}

@test "the document has every field of an answer" {
	run -0 "$programs/sample" --openapi
	body=$output
	schema='.paths["/all"].post.responses["200"].content["application/json"].schema'
	holds "$schema"' | .required == ["text","email","chosen","id","at"]
	    and .properties.at.format == "date-time"
	    and .properties.chosen.properties.numbers.properties.count.type
	    == "integer"'
	holds "$schema"'.properties.chosen | .type == "object"
	    and .required == ["grant","numbers","channel"]'
}

@test "the document has lists, maps and Unix times" {
	run -0 "$programs/sample" --openapi
	body=$output
	schema='.paths["/shelf"].get.responses["200"].content["application/json"].schema'
	holds "$schema"' | .required == ["books","readers","at"]'
	holds "$schema"'.properties | .at.type == "number"
	    and .books.type == "array" and .gone.type == ["array", "null"]
	    and .readers.type == "object"'
	holds "$schema"'.properties.books.items | .type == "object"
	    and .required == ["title","copies"]
	    and .properties.copies.items.properties.number.type == "integer"'
	holds "$schema"'.properties.readers.additionalProperties
	    | .type == "object" and .required == ["number"]
	    and .properties.lent.type == ["number", "null"]'
}

@test "the document has lists of texts, and what is any object" {
	run -0 "$programs/sample" --openapi
	body=$output
	schema='.paths["/pick"].post.requestBody.content["application/json"].schema'
	holds "$schema"'.properties | (.choices | .type == ["array","null"]
	    and .items == {"type":"string","minLength":1,"maxLength":5}
	    and .minItems == 2 and .maxItems == 3 and .uniqueItems
	    and (has("maxLength") | not))
	    and (.channels | .type == "array" and .minItems == 1
	    and .items.enum == ["websocket","email","slack"]
	    and .examples == [["slack","email"]] and (has("enum") | not))'
	schema='.paths["/pick"].post.responses["200"].content["application/json"].schema'
	holds "$schema"'.properties.numbers | .type == "object"'
	holds '.paths["/pick"].post.responses["422"].description
	    | contains("`list_type`, `too_short`, `too_long`")'
	holds '.components.schemas.InvalidField.properties.ctx.properties
	    | .field_type.type == "string" and .actual_length.type ==
	    "integer" and .min_length.type == "integer"'
}

@test "the document has header fields as clients write them" {
	run -0 "$programs/sample" --openapi
	body=$output
	holds '.paths["/pick"].post.parameters | map([.name, .in, .required])
	    == [["X-First-Mark","header",false],["X-Count","header",true]]'
}

@test "the document has each shape of an error, and what it is about" {
	run -0 "$programs/sample" --openapi
	body=$output
	holds '.paths["/decide"].post.responses["409"].content[] | .schema ==
	    {"anyOf":[{"$ref":"#/components/schemas/Error"},
	    {"$ref":"#/components/schemas/Decided"}]} and .examples ==
	    {"taken":{"value":{"detail":"Taken"}},
	    "is_already_you_see":{"value":{
	    "detail":"Is already decided, you see",
	    "numbers":{"count":7,"loud":true},"choices":["slack"]}}}'
	holds '.paths["/decide"].post.responses["404"].content[]
	    | .schema == {"$ref":"#/components/schemas/Error"}
	    and (.examples[].value == {"detail":"No bell here"})'
	holds '.components.schemas.Decided | .required ==
	    ["detail","numbers"] and .properties.choices.type ==
	    ["array","null"]'
}

@test "the document says which bodies may be absent" {
	run -0 "$programs/sample" --openapi
	body=$output
	holds '.paths["/maybe"].post.requestBody | .required == false
	    and (.content | keys == ["application/json"])'
	holds '.paths["/open"].post.requestBody.required == true'
}

@test "the document says which routes can be refused for their number" {
	run -0 "$programs/sample" --openapi
	body=$output
	holds '.paths["/talk/{id}"].post.responses | has("429")'
	holds '.paths["/open"].post.responses | has("429") | not'
}
