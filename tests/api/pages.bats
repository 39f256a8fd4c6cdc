# The pages for browsers, and the files that they load: compressed for whom takes
# that, kept for good under names that change with what is in them, and nothing
# else of the installation.  tests/browser shows that they work.

load harness

setup_file()
{
	new_data
}

# Without npm there is only what is ours.
setup()
{
	share=$SB_BUILD/share/switchboard
	page=$(basename "$share"/static/page-*)
}

# The files that a page loads, without its own prefix.
files_of()	# PAGE
{
	call GET "$1"
	expect 200
	grep -oE '(src|href)="[^"]*/static/[^"]*"' <<<"$body" | cut -d'"' -f2
}

# take FILE: the body's bytes, as they came.
take()
{
	sed '1,/^\r*$/d' "$BATS_TEST_TMPDIR/$BASHPID.out" >"$1"
}

@test "every file that a page names is there, for good, with its own type" {
	local target type
	for target in $(for p in docs redoc console; do files_of /$p; done |
	    sort -u); do
		call GET "$target"
		expect 200
		header_is Cache-Control 'public, max-age=31536000, immutable'
		case $target in
		*.css) type='text/css; charset=utf-8' ;;
		*.js) type='text/javascript; charset=utf-8' ;;
		*.svg) type=image/svg+xml ;;
		esac
		is "$(header Content-Type)" "$type" "$target"
		header_is X-Content-Type-Options nosniff
		take "$BATS_TEST_TMPDIR/file"
		cmp "$BATS_TEST_TMPDIR/file" "$share$target"
	done
	isnt "${type-}" ''
}

@test "a page is asked for anew each time" {
	local target
	for target in /docs /redoc /console /openapi.json; do
		call GET $target
		expect 200
		is "$(header Cache-Control)" no-cache $target
	done
}

@test "no cache keeps what is missing" {
	call GET "/static/$page/nothing.css"
	expect 404
	header_is Cache-Control no-store
}

@test "the console is a page" {
	call GET /console
	expect 200
	header_is Content-Type 'text/html; charset=utf-8'
	has "$body" '<html lang="en"'
}

@test "pages may do nothing but what they need" {
	local target policy
	for target in /docs /redoc /console; do
		call GET $target
		policy=$(header Content-Security-Policy)
		has "$policy" "default-src 'none'"
		has "$policy" "script-src 'self';"
		has "$policy" "base-uri 'none'"
		has "$policy" "frame-ancestors 'none'"
		lacks "$policy" unsafe
		header_is Referrer-Policy no-referrer
		header_is Cross-Origin-Opener-Policy same-origin
	done
}

@test "what was asked with an Authorization header is not to be stored" {
	local target
	for target in "/static/$page/page.css" /docs; do
		call GET "$target" 'Authorization: Bearer x'
		expect 200
		header_is Cache-Control no-store
	done
}

@test "who takes gzip gets it, and the same in it" {
	local target plain=$BATS_TEST_TMPDIR/plain packed=$BATS_TEST_TMPDIR/packed
	for target in "/static/$page/page.css" /openapi.json; do
		call GET "$target"
		expect 200
		take "$plain"
		has "$headers" 'Vary: Accept-Encoding'
		is "$(header Content-Encoding || true)" ''
		call GET "$target" 'Accept-Encoding: br, gzip;q=0.8'
		expect 200
		header_is Content-Encoding gzip
		has "$headers" 'Vary: Accept-Encoding'
		take "$packed"
		gunzip <"$packed" | cmp - "$plain"
	done
}

@test "Accept-Encoding is read as RFC 9110 has it" {
	local accept
	for accept in gzip GZIP 'gzip;q=1' 'identity, gzip' '*' \
	    'deflate , gzip ; q=0.001' '*;q=0, gzip' 'br;q=1.0,gzip;q=0.5,*;q=0'
	do
		call GET "/static/$page/page.css" "Accept-Encoding: $accept"
		expect 200
		is "$(header Content-Encoding || true)" gzip "$accept"
	done
	for accept in '' identity 'gzip;q=0' 'gzip; q=0.000' 'gzip;q=0, *' \
	    'x-gzipped' 'gzi' '*;q=0' ',,;;,' 'br'; do
		call GET "/static/$page/page.css" "Accept-Encoding: $accept"
		expect 200
		is "$(header Content-Encoding || true)" '' "$accept"
	done
}

@test "HEAD of a file says what GET would" {
	local type length
	call GET "/static/$page/page.css"
	type=$(header Content-Type) length=$(header Content-Length)
	call HEAD "/static/$page/page.css"
	expect 200
	is "$body" ''
	header_is Content-Type "$type"
	header_is Content-Length "$length"
}

@test "nothing else of the installation can be had" {
	local name
	for name in nothing.css page.css/ .. . ../page.css %2e%2e%2fpage.css \
	    ..%2f..%2fopenapi.json page.css.gz .page.css page.css%00 page \
	    page.html '' "%2fetc%2fpasswd" page.css%0a; do
		[[ $name != page.css/ ]] || continue
		call GET "/static/$page/$name"
		expect 404 '{"detail":"Not Found"}'
	done
	for name in .. . '' %2e%2e .hidden "$page%2f..%2f$page" page-0 \
	    "$page%2f$page" "$(printf '%0300d' 0)"; do
		call GET "/static/$name/page.css"
		expect 404 '{"detail":"Not Found"}'
	done
	call GET /static/../openapi.json
	expect 404
	call GET "/static/$page"
	expect 404
	call POST "/static/$page/page.css"
	expect 405 '{"detail":"Method Not Allowed"}'
}

@test "a folder, or a file too large, is no file" {
	local copy=$BATS_TEST_TMPDIR/copy
	mkdir -p "$copy/libexec/switchboard" \
	    "$copy/share/switchboard/static/x-0/folder.css"
	cp "$programs/meta" "$copy/libexec/switchboard/"
	truncate -s 17M "$copy/share/switchboard/static/x-0/large.css"
	printf 'a {}' >"$copy/share/switchboard/static/x-0/small.css"
	programs=$copy/libexec/switchboard program=meta
	call GET /static/x-0/small.css 'Accept-Encoding: gzip'
	is "$status_code $body" '200 a {}'
	is "$(header Content-Encoding || true)" '' 'what has no .gz'
	call GET /static/x-0/folder.css
	expect 404
	call GET /static/x-0/large.css
	expect 404
}

@test "under a prefix pages load from under it" {
	local target
	settings+=(ROOT_PATH=/switch-board)
	for target in docs redoc console; do
		for file in $(files_of "/switch-board/$target"); do
			like "$file" '/switch-board/static/.*'
			call GET "$file"
			expect 200
		done
	done
}

@test "a page that is not there is a 500, and the log says which" {
	local copy=$BATS_TEST_TMPDIR/copy
	# An empty folder is opened, and is no page; so none that is installed
	# elsewhere is looked for.
	mkdir -p "$copy/libexec/switchboard" \
	    "$copy/share/switchboard/docs.html"
	cp "$programs/meta" "$copy/libexec/switchboard/"
	programs=$copy/libexec/switchboard program=meta
	call GET /docs
	expect 500 '{"detail":"Internal Server Error"}'
	has "$log" 'docs.html: not in the installation'
}
