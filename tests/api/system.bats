# The program meta, and what every answer of every program carries: sections 1,
# 3 and 10 of the contract.

load harness

setup_file()
{
	new_data
	register anna
	export access refresh
	each_kind
}

@test "the root names the service, its environment and its pages" {
	call GET /
	expect 200
	holds 'del(.version) == {
	    "message": "Interactive Agent Chat System API",
	    "environment": "development", "docs": "/docs",
	    "redoc": "/redoc", "health": "/health"}
	    and (.version | test("^[0-9]+[.][0-9]"))'
}

@test "health says ok after a look into the database" {
	call GET /
	local version=$(json .version)
	call GET /health
	expect 200 "{\"status\":\"ok\",\"environment\":\"development\",
	    \"version\":\"$version\"}"
}

@test "health is a 503 that names the failed check when the database is damaged" {
	new_data
	printf '%8192s' 'This is not a database.' \
	    >"$SWITCHBOARD_DATA/switchboard.db"
	call GET /health
	expect 503
	holds '.status == "degraded" and .environment == "development"
	    and (.checks | type == "object" and length > 0)'
}

@test "health says ok while another process holds the write lock" {
	hold_lock
	call GET /health
	release_lock
	expect 200
}

@test "HEAD of health has GET's header fields and no body" {
	call GET /health
	local length=$(header Content-Length) type=$(header Content-Type)
	is "$length" "${#body}" Content-Length
	call HEAD /health
	expect 200
	is "$body" ''
	header_is Content-Length "$length"
	header_is Content-Type "$type"
}

@test "HEAD of the root has no body" {
	call HEAD /
	expect 200
	is "$body" ''
}

@test "a query is no part of the path" {
	call GET '/health?a=1&b=%00'
	expect 200
}

@test "metrics are off unless a token is set" {
	call GET /metrics
	expect 404 '{"detail":"Not Found"}'
}

# ---------------------------------------------------------------- the pages

is_page()
{
	expect 200
	like "$(header Content-Type)" 'text/html; ?charset=utf-8' Content-Type
	local policy=$(header Content-Security-Policy)
	has "$policy" "default-src 'none'"
	lacks "$policy" unsafe
	lacks "$policy" http
	lacks "$policy" '*'
}

# The addresses that a page loads from.
sources()
{
	grep -oE '(src|href|spec-url)="[^"]*"' <<<"$body" | cut -d'"' -f2
}

@test "docs is a page under a strict content security policy" {
	call GET /docs
	is_page
}

@test "redoc is a page under a strict content security policy" {
	call GET /redoc
	is_page
}

@test "docs and redoc load nothing from another host" {
	local page
	for page in /docs /redoc; do
		call GET $page
		expect 200
		isnt "$(sources)" '' "what $page loads"
		is "$(sources | grep -E '^([a-z]+:)?//' || true)" ''
	done
}

@test "docs and redoc have no script of their own in the page" {
	local page
	for page in /docs /redoc; do
		call GET $page
		expect 200
		is "$(grep -oE '<script[^>]*>' <<<"$body" | grep -v src= ||
		    true)" '' "scripts in $page"
	done
}

@test "HEAD of docs has no body" {
	call HEAD /docs
	expect 200
	is "$body" ''
}

# ---------------------------------------------------------------- OpenAPI

@test "openapi.json is OpenAPI 3.1 and lists the calls of all programs" {
	call GET /openapi.json
	expect 200
	has "$(header Content-Type)" application/json
	holds '(.openapi | startswith("3.1.")) and (.info.title | length > 0)
	    and (.info.version | length > 0)
	    and (.paths["/health"] | has("get"))
	    and (.paths["/api/auth/register"] | has("post"))
	    and (.paths["/api/auth/login"] | has("post"))
	    and (.paths["/api/auth/refresh"] | has("post"))
	    and (.paths["/api/auth/me"] | has("get"))'
}

@test "openapi.json has the lengths that register demands" {
	call GET /openapi.json
	expect 200
	holds '[.. | objects | .username? | objects
	    | select(.minLength == 3 and .maxLength == 50)] | length > 0'
	holds '[.. | objects | .password? | objects
	    | select(.minLength == 8 and .maxLength == 1024)] | length > 0'
}

@test "openapi.json says that login takes a form and register JSON" {
	call GET /openapi.json
	expect 200
	holds '(.paths["/api/auth/login"].post.requestBody.content
	    | has("application/x-www-form-urlencoded")
	    and (has("application/json") | not))
	    and (.paths["/api/auth/register"].post.requestBody.content
	    | has("application/json"))'
}

@test "every reference in openapi.json leads to something" {
	call GET /openapi.json
	expect 200
	holds '. as $all | [.. | objects | .["$ref"]? | strings]
	    | all(. as $ref | ($ref | startswith("#/"))
	    and ($all | getpath($ref[2:] / "/") != null))'
}

# ---------------------------------------------------------------- every answer

# One call for each kind of answer; setup_file makes them all once.  What is
# secret in them begins with Zu7!, which no token can have in it by chance.
each_kind()
{
	local secret='Zu7!hidden-secret'
	settings+=(DEBUG=true)
	call GET /health && keep
	call GET /docs && keep
	call GET /openapi.json && keep
	call GET /nothing/here && keep
	call DELETE /health && keep
	call HEAD /health && keep
	call GET /api/auth/me && keep
	call GET /api/auth/register && keep
	call GET /api/auth/nothing && keep
	me "$access" && keep
	me "x$access" && keep
	me "${access%?????}" && keep
	try_register cora && keep
	try_register anna && keep
	post /api/auth/register "{\"password\":\"$secret" && keep
	post /api/auth/register "{\"password\":\"$secret\"}" && keep
	call POST /api/auth/register -- "$(printf '%70000s' "$secret")" && keep
	try_login anna && keep
	try_login anna "$secret" && keep
	try_refresh "$secret" && keep
	try_refresh "$refresh" && keep
	call OPTIONS /api/auth/me 'Origin: http://localhost:3000' \
	    'Access-Control-Request-Method: GET' && keep
	call OPTIONS /api/auth/me 'Origin: http://elsewhere.example' \
	    'Access-Control-Request-Method: GET' && keep
	settings+=(ACCESS_TOKEN_EXPIRE_MINUTES=abc)
	call GET /health && keep
	try_login anna && keep
}

keep()
{
	kept=$((${kept-0} + 1))
	printf '%s=%q\n' request "$request" status_code "$status_code" \
	    reason "$reason" headers "$headers" body "$body" log "$log" \
	    >"$BATS_FILE_TMPDIR/kept.$kept"
}

every()		# COMMAND...: with each of these answers
{
	local file n=0
	for file in "$BATS_FILE_TMPDIR"/kept.*; do
		source "$file"
		n=$((n + 1))
		"$@"
	done
	is "$n" 25 answers
}

has_request_id()
{
	like "$(header X-Request-ID)" "$uuid" X-Request-ID
}

@test "every answer has a request id" {
	every has_request_id
}

is_nosniff()
{
	header_is X-Content-Type-Options nosniff
}

@test "every answer forbids to guess its type" {
	every is_nosniff
}

varies_by_origin()
{
	like "$(header Vary)" '(.*, *)?Origin(,.*)?' Vary
}

@test "every answer varies by origin" {
	every varies_by_origin
}

has_its_length()
{
	case $request in HEAD*) return ;; esac
	is "$(header Content-Length)" "$(printf %s "$body" | wc -c)" \
	    Content-Length
}

@test "every answer gives its length" {
	every has_its_length
}

is_json_error()
{
	case $status_code in 2*) return ;; esac
	case $request in HEAD* | OPTIONS*) return ;; esac
	like "$(header Content-Type)" 'application/json(; ?charset=utf-8)?' \
	    Content-Type
	holds 'has("detail")'
}

@test "every error is JSON with a detail" {
	every is_json_error
}

echoes_no_secret()
{
	lacks "$headers$body" 'Zu7!'
	lacks "$headers$body" "$password"
}

@test "no answer repeats a secret" {
	every echoes_no_secret
}

logs_no_secret()
{
	isnt "$log" ''
	lacks "$log" 'Zu7!'
	lacks "$log" "$password"
	lacks "$log" "${access##*.}"
	lacks "$log" "${refresh##*.}"
}

@test "no log line has a password or a token in it" {
	every logs_no_secret
}

@test "what was asked with an Authorization header is not to be stored" {
	local target
	for target in /api/auth/me /health /nothing /api/auth/nothing \
	    /static/no/such.css; do
		call GET $target "Authorization: Bearer $access"
		header_is Cache-Control no-store
		call GET $target 'Authorization: Basic eDp5'
		header_is Cache-Control no-store
	done
}

@test "what was asked with a secret is not to be stored" {
	try_register ben
	expect 201
	has "$(header Cache-Control)" no-store
	local token=$(json .refresh_token)
	try_register ben
	expect 400
	has "$(header Cache-Control)" no-store
	try_login ben
	expect 200
	has "$(header Cache-Control)" no-store
	try_login ben wrong-password
	expect 401
	has "$(header Cache-Control)" no-store
	try_refresh "$token"
	expect 200
	has "$(header Cache-Control)" no-store
	post /api/auth/register '{"password":"x"}'
	expect 422
	has "$(header Cache-Control)" no-store
}

# ---------------------------------------------------------------- request ids

@test "a client's request id comes back" {
	call GET /health 'X-Request-ID: a-Z_0.9'
	header_is X-Request-ID a-Z_0.9
	call GET /api/auth/me 'X-Request-ID: 7'
	header_is X-Request-ID 7
}

@test "a request id may have 64 characters" {
	local id=$(printf '%064d' 1)
	call GET /health "X-Request-ID: $id"
	header_is X-Request-ID "$id"
}

@test "a request id of 65 characters is replaced" {
	call GET /health "X-Request-ID: $(printf '%065d' 1)"
	like "$(header X-Request-ID)" "$uuid"
}

@test "a request id with any other character is replaced" {
	local id
	for id in '' ' ' 'a b' 'a;b' 'a/b' 'a"b' 'é' $'a\nSet-Cookie: x=1' \
	    $'a\r\nX: y' $'\x7f'; do
		call GET /health "X-Request-ID: $id"
		like "$(header X-Request-ID)" "$uuid"
		header_is Set-Cookie ''
	done
}

@test "two requests get different ids" {
	call GET /health
	local first=$(header X-Request-ID)
	call GET /health
	isnt "$(header X-Request-ID)" "$first"
}

# ---------------------------------------------------------------- settings

@test "the environment is a setting" {
	settings+=(ENVIRONMENT=staging)
	call GET /
	holds '.environment == "staging"'
	call GET /health
	holds '.environment == "staging"'
}

@test "settings are read from .env in the data directory" {
	new_data
	echo ENVIRONMENT=staging >"$SWITCHBOARD_DATA/.env"
	call GET /
	holds '.environment == "staging"'
}

@test "the environment wins over .env" {
	new_data
	echo ENVIRONMENT=staging >"$SWITCHBOARD_DATA/.env"
	settings+=(ENVIRONMENT=production)
	call GET /
	holds '.environment == "production"'
}

@test "a settings file may have export, comments, quotes and any case" {
	new_data
	cat >"$SWITCHBOARD_DATA/.env" <<-'END'
	# A comment.

	export environment="staging"
	Access_Token_Expire_Minutes='7'
	REFRESH_TOKEN_EXPIRE_DAYS=2
	END
	call GET /
	holds '.environment == "staging"'
	try_register anna
	expect 201
	holds '.expires_in == 420 and .refresh_expires_in == 172800'
}

@test "nothing in a settings file is expanded" {
	new_data
	local key='a key of 32 bytes or more: $HOME ${HOME} `id`'
	echo "SECRET_KEY=\"$key\"" >"$SWITCHBOARD_DATA/.env"
	register anna
	is "$(jose_header "$access" | jq -r .kid)" \
	    "$(printf %s "$key" | sha256sum | cut -c -16)" kid
}

@test "a setting that we do not know is ignored" {
	new_data
	echo 'DATABASE_URL=postgresql://x:y@z/w' >"$SWITCHBOARD_DATA/.env"
	settings+=(NO_SUCH_SETTING=abc)
	call GET /health
	expect 200
}

@test "no header field of a request is taken for a setting" {
	call GET / 'Environment: production' 'Switchboard-Data: /dev/null'
	expect 200
	holds '.environment == "development"'
}

@test "arguments are never looked at" {
	local wrapper=$BATS_TEST_TMPDIR/with-arguments
	printf '#!/bin/sh\nexec "%s" "$@" --openapi --help -s+x\n' \
	    "$programs/meta" >"$wrapper"
	chmod +x "$wrapper"
	programs=$BATS_TEST_TMPDIR program=with-arguments
	call GET /nothing
	expect 404 '{"detail":"Not Found"}'
}

# stops NAME VALUE: with this setting both programs answer 500, and one log
# line names it.
stops()
{
	settings+=("$1=$2")
	local target
	for target in /health /api/auth/me; do
		call GET $target
		expect 500 '{"detail":"Internal Server Error"}'
		is "$(grep -c -- "$1" <<<"$log")" 1 "log lines that name $1"
		lacks "$body$headers" "$1"
	done
}

@test "a setting that does not parse is a 500 and a log line with its name and value" {
	stops ACCESS_TOKEN_EXPIRE_MINUTES abc
	has "$log" abc
}

@test "a number with something behind it does not parse" {
	stops REFRESH_TOKEN_EXPIRE_DAYS 7d
}

@test "a number below its range is refused" {
	stops ACCESS_TOKEN_EXPIRE_MINUTES 0
}

@test "a number above its range is refused" {
	stops ACCESS_TOKEN_EXPIRE_MINUTES 1441
}

@test "a number that does not fit 64 bits is refused" {
	stops REFRESH_TOKEN_EXPIRE_DAYS 18446744073709551617
}

@test "an environment other than the three is refused" {
	stops ENVIRONMENT live
}

@test "an algorithm other than HS256 is refused" {
	stops ALGORITHM RS256
}

@test "an scrypt cost that is no power of two is refused" {
	stops SCRYPT_N 1025
}

@test "an scrypt cost over 256 MiB in all is refused" {
	settings=(SCRYPT_R=32 SCRYPT_P=1)
	stops SCRYPT_N 1048576
}

@test "a bad setting in .env stops the program, too" {
	new_data
	echo SCRYPT_P=17 >"$SWITCHBOARD_DATA/.env"
	settings=()
	call GET /health
	expect 500 '{"detail":"Internal Server Error"}'
	has "$log" SCRYPT_P
}

@test "the ends of a range are accepted" {
	new_data
	settings+=(ACCESS_TOKEN_EXPIRE_MINUTES=1440
	    REFRESH_TOKEN_EXPIRE_DAYS=365)
	try_register anna
	expect 201
	holds '.expires_in == 86400 and .refresh_expires_in == 31536000'
	settings+=(ACCESS_TOKEN_EXPIRE_MINUTES=1 REFRESH_TOKEN_EXPIRE_DAYS=1)
	try_login anna
	expect 200
	holds '.expires_in == 60 and .refresh_expires_in == 86400'
}

@test "a SECRET_KEY under 32 bytes stops the start in production, unshown" {
	settings+=(ENVIRONMENT=production)
	stops SECRET_KEY Zu7-31-bytes-long-secret-key-xx
	lacks "$log" 'Zu7!'
}

@test "a SECRET_KEY of 32 bytes is enough in production" {
	settings+=(ENVIRONMENT=production
	    SECRET_KEY=Zu7-32-bytes-long-secret-key-xxx)
	call GET /health
	expect 200
}

@test "a well-known SECRET_KEY stops the start in production" {
	settings+=(ENVIRONMENT=production)
	stops SECRET_KEY your-secret-key-here-change-in-production
}
