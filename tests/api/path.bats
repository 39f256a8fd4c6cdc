# Targets, mount prefixes and methods: nothing that we emit assumes the root of
# a site.

load harness

setup_file()
{
	new_data
	register anna
	export access
}

found()
{
	expect 401 '{"detail":"Not authenticated"}'
}

not_found()
{
	expect 404 '{"detail":"Not Found"}'
}

@test "an unknown path is a 404" {
	local target
	for target in /nothing /healthy /health/x /docs/x /api /api/auth \
	    /api/auth/ /api/auth/nothing /api/auth/mee /api/auth/me/x \
	    /API/AUTH/ME /api/auth/Me; do
		call GET $target
		not_found
	done
}

@test "an unknown path is a 404 for every method" {
	local method
	for method in HEAD GET POST PUT PATCH DELETE OPTIONS BREW; do
		call $method /nothing
		expect 404
	done
}

@test "a trailing slash is answered directly" {
	call GET /api/auth/me/ "Authorization: Bearer $access"
	expect 200
	call GET /health/
	expect 200
	call GET /docs/
	expect 200
	post /api/auth/register/ "$(new_user ben)"
	expect 201
	form /api/auth/login/ "username=ben&password=${password// /+}"
	expect 200
}

@test "a path is decoded" {
	program=auth
	call GET /api/auth/%6d%65
	found
	call GET /%61pi/auth/me
	found
}

@test "a path is decoded only once" {
	call GET /api/auth/%256de
	not_found
}

@test "U+0000 in a path is a 404" {
	call GET /api/auth/me%00
	not_found
	call GET /health%00
	not_found
	call GET /%00
	not_found
}

@test "a path that is not UTF-8 is a 404" {
	local target
	for target in /%ff /%c0%af /%ed%a0%80 /api/auth/%ff /api/auth/me%80; do
		call GET "$target"
		not_found
	done
}

@test "a percent sign without two hex digits is a 404, not a fault" {
	local target
	for target in /% /%zz /api/auth/me% /api/auth/me%6; do
		call GET "$target"
		not_found
	done
}

@test "a long path is a 404" {
	call GET "/$(printf '%08000d' 0)"
	not_found
}

# ---------------------------------------------------------------- methods

not_allowed()	# with each of these in Allow
{
	expect 405 '{"detail":"Method Not Allowed"}'
	local method allow=", $(header Allow), "
	for method in "$@"; do
		has "$allow" ", $method, "
	done
}

@test "a method that a path does not have is a 405 that names those it has" {
	call GET /api/auth/register
	not_allowed POST
	lacks "$(header Allow)" GET
	call DELETE /api/auth/login
	not_allowed POST
	call PUT /api/auth/refresh
	not_allowed POST
	call POST /api/auth/me
	not_allowed GET
	lacks "$(header Allow)" POST
	call POST /health
	not_allowed GET
	call PATCH /
	not_allowed GET
}

@test "a method that nobody knows is a 405, too" {
	call BREW /health
	not_allowed GET
	call get /api/auth/me
	not_allowed GET
}

@test "HEAD of a path without GET is a 405" {
	call HEAD /api/auth/login
	is "$status_code" 405
	is "$body" ''
}

@test "OPTIONS that is no preflight is a 405" {
	call OPTIONS /api/auth/me
	not_allowed GET
}

@test "a 405 comes before any look at token or body" {
	post /api/auth/me '{' 'Authorization: Bearer x'
	not_allowed GET
}

# ---------------------------------------------------------------- mounted

mounted()
{
	cgi=(SCRIPT_NAME=/switchboard/bin/auth "PATH_INFO=$1")
}

@test "a program that is mounted under a prefix finds its routes" {
	mounted /api/auth/me
	call GET /switchboard/api/auth/me "Authorization: Bearer $access"
	expect 200
	call GET /switchboard/api/auth/me
	found
}

@test "a mounted program takes trailing slashes and queries" {
	mounted /api/auth/me/
	call GET '/switchboard/api/auth/me/?x=/api/auth/me'
	found
}

@test "a mounted program answers an unknown path with 404" {
	mounted /api/auth/nothing
	call GET /switchboard/api/auth/nothing
	not_found
	mounted /nothing
	call GET /switchboard/nothing
	not_found
}

@test "a prefix may have several segments and encoded letters" {
	mounted /api/auth/me
	call GET /a/b/c/api/auth/me
	found
	call GET /my%2Dapp/%C3%A9/api/auth/me
	found
}

@test "a target that looks like a prefix leads no link to another host" {
	local target
	for target in //evil.example/ /%2F/evil.example/ '/%5Cevil.example/' \
	    '/%22%3E%3Cscript%3E/' /javascript:x//; do
		cgi=(SCRIPT_NAME= PATH_INFO=/)
		call GET "$target"
		[ "$status_code" = 404 ] ||
			holds '.docs | test("^/([^/\\\\\"<>]|/[^/])+$")'
	done
}

@test "the root's links carry the mount prefix" {
	cgi=(SCRIPT_NAME=/switchboard/bin/meta PATH_INFO=/)
	call GET /switchboard/
	expect 200
	holds '.docs == "/switchboard/docs" and .redoc == "/switchboard/redoc"
	    and .health == "/switchboard/health"'
}

@test "the root of a mount is found without its slash" {
	settings+=(ROOT_PATH=/switchboard)
	call GET /switchboard
	expect 200
	holds '.docs == "/switchboard/docs"'
}

@test "ROOT_PATH is the prefix where PATH_INFO does not show it" {
	settings+=(ROOT_PATH=/switchboard)
	call GET /switchboard/
	expect 200
	holds '.docs == "/switchboard/docs"
	    and .health == "/switchboard/health"'
	call GET /switchboard/api/auth/me "Authorization: Bearer $access"
	expect 200
}

@test "only whole segments are a prefix" {
	settings+=(ROOT_PATH=/switchboard)
	program=auth
	call GET /switchboardapi/auth/me
	not_found
	call GET /switchboard2/api/auth/me
	not_found
}

@test "without a prefix the links start at the root" {
	cgi=(SCRIPT_NAME= PATH_INFO=/)
	call GET /
	expect 200
	holds '.docs == "/docs"'
}

@test "SCRIPT_NAME with the whole path and no PATH_INFO is no prefix" {
	cgi=(SCRIPT_NAME=/api/auth/me)
	call GET /api/auth/me "Authorization: Bearer $access"
	expect 200
	cgi=(SCRIPT_NAME=/)
	call GET /
	expect 200
	holds '.docs == "/docs"'
}

@test "mounted pages load nothing from outside their prefix" {
	local page
	for page in docs redoc; do
		cgi=(SCRIPT_NAME=/switchboard/bin/meta PATH_INFO=/$page)
		call GET /switchboard/$page
		expect 200
		is "$(grep -oE '(src|href|spec-url)="/[^"]*"' <<<"$body" |
		    grep -v '"/switchboard/' || true)" '' "what $page loads"
	done
}

@test "a mounted openapi.json names the prefix as its server" {
	cgi=(SCRIPT_NAME=/switchboard/bin/meta PATH_INFO=/openapi.json)
	call GET /switchboard/openapi.json
	expect 200
	holds '.servers[0].url | rtrimstr("/") == "/switchboard"'
	holds '.paths | has("/api/auth/login")'
}
