# A data directory among the files that the web server serves is refused,
# whatever links lead there, and no other is.

load harness

setup_file()
{
	new_data
}

# The site of a customer, and a data directory as a link may lead to it.
setup()
{
	site=$BATS_TEST_TMPDIR/anna/public_html
	mkdir -p "$site/files/data" "$BATS_TEST_TMPDIR/anna/data"
	chmod 0700 "$site/files/data" "$BATS_TEST_TMPDIR/anna/data"
	ln -s "$site" "$BATS_TEST_TMPDIR/site"
	ln -s public_html/files/data "$BATS_TEST_TMPDIR/anna/link"
}

refused()	# DATA
{
	SWITCHBOARD_DATA=$1
	call GET /health
	expect 500 '{"detail":"Internal Server Error"}'
	has "$log" "SWITCHBOARD_DATA: $1 lies in $root, "
	has "$log" 'set SWITCHBOARD_DATA'
}

served()	# DATA
{
	SWITCHBOARD_DATA=$1
	call GET /health
	expect 200
}

@test "data inside of the document root is refused, with the way out in the log" {
	root=$site
	cgi=("DOCUMENT_ROOT=$root")
	refused "$site/files/data"
	refused "$site"
	refused "$site/files/../files/data/"
	post /api/auth/register "$(new_user anna)"
	expect 500 '{"detail":"Internal Server Error"}'
	is "$(find "$site" -type f)" '' 'files in the document root'
}

@test "data that links lead into the document root is refused" {
	root=$site
	cgi=("DOCUMENT_ROOT=$root")
	refused "$BATS_TEST_TMPDIR/anna/link"
	refused "$BATS_TEST_TMPDIR/site/files/data"
	root=$BATS_TEST_TMPDIR/site/
	cgi=("DOCUMENT_ROOT=$root")
	refused "$site/files/data"
	refused "$BATS_TEST_TMPDIR/anna/link"
}

@test "data that a link in the document root leads to is refused" {
	root=$site
	cgi=("DOCUMENT_ROOT=$root")
	ln -s ../data "$site/link"
	refused "$site/link"
	refused "$site/link/"
	served "$BATS_TEST_TMPDIR/anna/data"
}

@test "a settings file in the document root is refused" {
	root=$site
	cgi=("DOCUMENT_ROOT=$root" "SWITCHBOARD_ENV_FILE=$site/files/env")
	printf 'LOG_LEVEL=info\n' >"$site/files/env"
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/anna/data
	call GET /health
	expect 500 '{"detail":"Internal Server Error"}'
	has "$log" "SWITCHBOARD_ENV_FILE: $site/files/env lies in $root, "
	mv "$site/files/env" "$BATS_TEST_TMPDIR/anna/env"
	cgi=("DOCUMENT_ROOT=$root" \
	    "SWITCHBOARD_ENV_FILE=$BATS_TEST_TMPDIR/anna/env")
	served "$BATS_TEST_TMPDIR/anna/data"
}

@test "data that would be made in the document root is refused, and not made" {
	root=$site
	cgi=("DOCUMENT_ROOT=$root")
	refused "$site/new"
	refused "$site/files/new//"
	[ ! -e "$site/new" ] && [ ! -e "$site/files/new" ]
}

@test "the root of an Apache context, of a user's directory say, counts too" {
	root=$site
	cgi=("DOCUMENT_ROOT=/usr" "CONTEXT_DOCUMENT_ROOT=$root")
	refused "$site/files/data"
}

@test "data beside the document root is served" {
	cgi=("DOCUMENT_ROOT=$site" "CONTEXT_DOCUMENT_ROOT=$site/files")
	served "$BATS_TEST_TMPDIR/anna/data"
	served "$BATS_TEST_TMPDIR/anna/public_html_data"
	served "$site/../data"
	# A root below the data is somebody else's matter.
	cgi=("DOCUMENT_ROOT=$BATS_TEST_TMPDIR/anna/data/web")
	mkdir -p "$BATS_TEST_TMPDIR/anna/data/web"
	served "$BATS_TEST_TMPDIR/anna/data"
}

@test "a document root that is none, or is not there, is no reason to refuse" {
	local root
	for root in '' / /nowhere relative "$site/none"; do
		cgi=("DOCUMENT_ROOT=$root")
		served "$site/files/data"
	done
}
