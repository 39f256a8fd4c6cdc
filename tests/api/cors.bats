# Cross-origin requests: section 6 of the contract, after the Fetch standard.

load harness

ours=http://localhost:5173

setup_file()
{
	new_data
	register anna
	export access
}

is_allowed()
{
	header_is Access-Control-Allow-Origin "$ours"
	header_is Access-Control-Allow-Credentials true
}

is_not_allowed()
{
	header_is Access-Control-Allow-Origin ''
}

preflight()	# ORIGIN METHOD TARGET [HEADERS]
{
	call OPTIONS "$3" "Origin: $1" "Access-Control-Request-Method: $2" \
	    ${4+"Access-Control-Request-Headers: $4"}
}

@test "the four default origins are echoed" {
	for ours in http://localhost:5173 http://localhost:3000 \
	    http://127.0.0.1:5173 http://127.0.0.1:3000; do
		call GET /health "Origin: $ours"
		expect 200
		is_allowed
	done
}

@test "an origin that is not listed is not allowed" {
	local origin
	for origin in http://localhost http://localhost:51730 \
	    http://localhost:5173.evil.example https://localhost:5173 \
	    http://evil.example http://localhost:5173/ null '*' '' \
	    "$ours,http://evil.example" "http://evil.example#$ours"; do
		call GET /health "Origin: $origin"
		expect 200
		is_not_allowed
	done
}

@test "without an origin none is allowed" {
	call GET /health
	is_not_allowed
}

@test "a listed origin may read the errors" {
	call GET /nothing "Origin: $ours"
	expect 404
	is_allowed
	call POST /health "Origin: $ours"
	expect 405
	is_allowed
	call GET /api/auth/me "Origin: $ours"
	expect 401
	is_allowed
	call GET /api/auth/me "Origin: $ours" 'Authorization: Bearer x'
	expect 401
	is_allowed
	post /api/auth/register '{' "Origin: $ours"
	expect 422
	is_allowed
	post /api/auth/register "$(new_user anna)" "Origin: $ours"
	expect 400
	is_allowed
	call POST /api/auth/register "Origin: $ours" -- "$(printf %70000s x)"
	expect 413
	is_allowed
}

@test "a listed origin may read what succeeds" {
	call GET /api/auth/me "Origin: $ours" "Authorization: Bearer $access"
	expect 200
	is_allowed
	form /api/auth/login "username=anna&password=${password// /+}" \
	    "Origin: $ours"
	expect 200
	is_allowed
}

@test "the rate-limit header fields and the request id are exposed" {
	call GET /nothing "Origin: $ours"
	local name names=",$(header Access-Control-Expose-Headers),"
	names=${names// /}
	for name in X-RateLimit-Limit X-RateLimit-Remaining \
	    X-RateLimit-Reset X-RateLimit-Window X-RateLimit-Warning \
	    RateLimit-Policy RateLimit Retry-After X-Request-ID \
	    Idempotency-Replayed; do
		has "${names,,}" ",${name,,},"
	done
}

@test "a preflight from a listed origin is a 200 with what is allowed" {
	preflight $ours POST /api/auth/register content-type,authorization
	is "$status_code" 200
	is_allowed
	is "$(header Access-Control-Allow-Methods)" \
	    'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT'
	header_is Access-Control-Max-Age 600
}

@test "a preflight's header fields are mirrored" {
	preflight $ours POST /api/auth/register 'content-type, x-Anything'
	is "$status_code" 200
	header_is Access-Control-Allow-Headers 'content-type, x-Anything'
}

@test "a preflight can split no answer in two" {
	preflight $ours GET /health $'a\r\nSet-Cookie: x=1\r\n\r\n<p>'
	header_is Set-Cookie ''
	lacks "$body" '<p>'
}

@test "a preflight is answered for any path and any method of ours" {
	preflight $ours DELETE /api/auth/login
	is "$status_code" 200
	preflight $ours GET /nothing
	is "$status_code" 200
}

@test "a preflight from another origin is a 400 in plain text" {
	preflight http://evil.example GET /api/auth/me
	is "$status_code" 400
	is "$body" 'Disallowed CORS origin'
	like "$(header Content-Type)" 'text/plain(; ?charset=utf-8)?'
	is_not_allowed
}

@test "a preflight for a method that nobody has is a 400" {
	preflight $ours BREW /api/auth/me
	is "$status_code" 400
	is "$body" 'Disallowed CORS method'
}

@test "OPTIONS without Access-Control-Request-Method is no preflight" {
	call OPTIONS /health "Origin: $ours"
	expect 405
	is_allowed
}

@test "CORS_ORIGINS replaces the default list" {
	settings+=('CORS_ORIGINS=https://a.example,https://b.example:8443')
	for ours in https://a.example https://b.example:8443; do
		call GET /health "Origin: $ours"
		is_allowed
	done
	call GET /health 'Origin: http://localhost:5173'
	is_not_allowed
}

@test "spaces around the commas of CORS_ORIGINS do not matter" {
	settings+=('CORS_ORIGINS= https://a.example , https://b.example ')
	for ours in https://a.example https://b.example; do
		call GET /health "Origin: $ours"
		is_allowed
	done
}

@test "every origin is accepted as the setting without credentials" {
	settings+=('CORS_ORIGINS=*' CORS_CREDENTIALS=false)
	call GET /health 'Origin: https://anywhere.example'
	expect 200
	like "$(header Access-Control-Allow-Origin)" \
	    '[*]|https://anywhere[.]example'
	header_is Access-Control-Allow-Credentials ''
}

@test "every origin with credentials is refused as a setting" {
	settings+=('CORS_ORIGINS=*')
	call GET /health 'Origin: https://anywhere.example'
	expect 500 '{"detail":"Internal Server Error"}'
	is_not_allowed
	has "$log" CORS_ORIGINS
}

@test "without credentials a listed origin is echoed alone" {
	settings+=(CORS_CREDENTIALS=false)
	call GET /health "Origin: $ours"
	header_is Access-Control-Allow-Origin "$ours"
	header_is Access-Control-Allow-Credentials ''
}
