#!/usr/bin/env bats
#
# The archive for shared hosting, unpacked in an account where there is nothing
# else: no C library, no shell, no /dev and no /proc.  Whatever a program needs
# there, the archive has brought along.  tests/homes has it behind Apache.

load harness

# Or it is skipped, which only a test can say.
is_possible()
{
	why=
	if ((EUID != 0)); then
		why='only root can lock a program into a folder'
	elif grep -q __asan_init "$SB_BUILD/cgi/auth"; then
		why='a build with sanitizers is nothing to give away'
	fi
	[[ -z $why ]]
}

setup_file()
{
	is_possible || return 0
	archive=$(echo "$SB_BUILD"/switchboard-*-shared-*.tar.gz)
	[[ -e $archive ]] || fail 'there is no archive: make tarball-shared'
	export archive host=$BATS_FILE_TMPDIR/host
	chmod 0755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
	unpack "$host"
	cp -al "$host" "$BATS_FILE_TMPDIR/fresh"
}

# Each test has it as it comes, or makes of it what it is about.
setup()
{
	is_possible || skip "$why"
	account=$host/home/anna
	private=$account/switchboard
	user=12345
}

# unpack ROOT: into the account of anna, whose number is 12345.
unpack()
{
	local home=$1/home/anna

	mkdir -p "$home"
	tar -xzf "$archive" -C "$home"
	# Cheap hashes, and what shows that the file was read.
	printf '%s\n' SCRYPT_N=1024 SCRYPT_R=1 SCRYPT_P=1 \
	    RATE_LIMIT_PER_ADDRESS=0 ENVIRONMENT=staging \
	    >"$home/switchboard/etc/switchboard.env"
	chown -R 12345:12345 "$home"
	chmod 0711 "$home"
}

# Another account on another host, as it was unpacked, for a test to spoil: its
# folders and its settings' file, as all other files are the same.
unpack_anew()
{
	host=$BATS_TEST_TMPDIR/host
	account=$host/home/anna
	private=$account/switchboard
	cp -al "$BATS_FILE_TMPDIR/fresh" "$host"
	cp -a --remove-destination \
	    "$BATS_FILE_TMPDIR/fresh/home/anna/switchboard/etc/switchboard.env" \
	    "$private/etc/switchboard.env"
}

in_jail()
{
	python3 "$BATS_TEST_DIRNAME/jail.py" "$@"
}

# The variables of a request, as CGI/1.1 has them; more are in cgi.
variables()	# METHOD PATH BODY
{
	program=meta
	[[ $2 != /api/* ]] || program=auth
	variables=(GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1
	    "REQUEST_METHOD=$1" "REQUEST_URI=/switchboard$2"
	    "SCRIPT_NAME=/switchboard/bin/$program.fcgi" "PATH_INFO=$2"
	    REMOTE_ADDR=192.0.2.1 DOCUMENT_ROOT=/home/anna/public_html
	    "CONTENT_LENGTH=${#3}")
	[[ $3 != '{'* ]] || variables+=(CONTENT_TYPE=application/json)
	[[ $3 != *=* ]] ||
		variables+=(CONTENT_TYPE=application/x-www-form-urlencoded)
	variables+=("${cgi[@]}")
}

# visit METHOD PATH [BODY]: by plain CGI; sets $code, $body, and $log.
visit()
{
	local variables program

	variables "$1" "$2" "${3-}"
	in_jail "$host" "$user" "${variables[@]}" -- \
	    "/home/anna/public_html/switchboard/bin/$program.fcgi" \
	    "${arguments[@]}" <<<"${3-}" \
	    >"$BATS_TEST_TMPDIR/answer" 2>"$BATS_TEST_TMPDIR/log" || true
	take_answer
}

take_answer()
{
	log=$(<"$BATS_TEST_TMPDIR/log")
	answer=$(tr -d '\r' <"$BATS_TEST_TMPDIR/answer")
	code=$(sed -n '1,/^$/s/^Status: \([0-9]*\).*/\1/p' <<<"$answer")
	body=${answer#*$'\n\n'}
}

# switchboard ARGUMENT...: the command line, as a cron job calls it.
switchboard()
{
	in_jail "$host" "$user" -- /home/anna/switchboard/bin/switchboard "$@"
}

new_user()
{
	echo "{\"email\":\"$1@example.com\",\"username\":\"$1\",\"password\":\"password123\"}"
}

@test "the account is all there is, and the first visit makes the data" {
	assert_equal "$(ls -A "$host")" home
	[[ ! -e $private/data ]]
	visit GET /health
	assert_answer 200
	assert_equal "$(field environment)" staging
	assert_equal "$(stat -c %a:%u "$private/data")" 700:12345
	assert_equal "$(find "$account/public_html" -newer "$private/data")" ''
}

@test "register, log in, me, and the pages" {
	visit POST /api/auth/register "$(new_user anna)"
	assert_answer 201
	visit POST /api/auth/login 'username=anna&password=password123'
	assert_answer 200
	cgi=("REDIRECT_HTTP_AUTHORIZATION=Bearer $(field access_token)")
	visit GET /api/auth/me
	assert_answer 200
	assert_equal "$(field username)" anna
	cgi=()
	visit GET /openapi.json
	assert_answer 200
	assert_equal "$(jq -r '.servers[0].url' <<<"$body")" /switchboard
	visit GET /console
	assert_answer 200
	file=$(grep -oE '/static/[^"]*' <<<"$body" | head -n 1)
	[[ -n $file ]] || skip 'built without pages'
	visit GET "$file"
	assert_equal "$code" 200
}

@test "as mod_fcgid starts it, a program answers until it is told to end" {
	variables POST /api/auth/register "$(new_user fast)"
	printf %s "$(new_user fast)" | in_jail --fastcgi 3 "$host" 12345 \
	    "${variables[@]}" -- \
	    /home/anna/public_html/switchboard/bin/auth.fcgi \
	    >"$BATS_TEST_TMPDIR/answer" 2>"$BATS_TEST_TMPDIR/log"
	assert_equal "$(grep -c '^Status: ' "$BATS_TEST_TMPDIR/answer")" 3
	assert_equal "$(sed -n 's/^Status: \(...\).*/\1/p' \
	    "$BATS_TEST_TMPDIR/answer" | paste -s -d ' ')" '201 400 400'
	visit POST /api/auth/login 'username=fast&password=password123'
	assert_answer 200
}

@test "a program ends, and so begins anew, when its settings or itself are renewed" {
	local file

	for file in etc/switchboard.env libexec/switchboard/meta; do
		variables GET /health ''
		run -0 --separate-stderr in_jail --renew "$private/$file" \
		    "$host" 12345 "${variables[@]}" -- \
		    /home/anna/public_html/switchboard/bin/meta.fcgi </dev/null
		assert_line --partial 'Status: 200'
	done
}

@test "the command line works there, for the account's owner alone" {
	run -0 switchboard user add cron cron@example.com <<<password123
	run -0 switchboard user list
	assert_output --partial cron@example.com
	run -0 switchboard tick --quiet
	refute_output
	run -0 switchboard backup /home/anna/copy.db
	assert_equal "$(stat -c %u "$account/copy.db")" 12345
	run -0 switchboard settings --json
	assert_equal "$(jq -r .file <<<"$output")" \
	    /home/anna/switchboard/etc/switchboard.env
	assert_equal "$(jq -r '.settings[] |
	    select(.name == "SWITCHBOARD_DATA").value' <<<"$output")" \
	    /home/anna/switchboard/data
	run switchboard check
	assert_line --partial 'does not look like a part of a web site'
	assert_line --partial ' 0 broken'
	user=54321
	run -77 switchboard user list
	assert_output --partial 'belongs to user 12345'
	user=0
	run -0 switchboard user list
	assert_equal "$(find "$private/data" ! -user 12345)" ''
}

@test "a host's name services that are not there do no harm" {
	unpack_anew
	mkdir "$host/etc"
	printf '%s\n' 'passwd: sss nowhere [NOTFOUND=continue] files systemd' \
	    'group: compat sss' >"$host/etc/nsswitch.conf"
	echo 'anna:x:12345:12345::/home/anna:/bin/sh' >"$host/etc/passwd"
	visit POST /api/auth/register "$(new_user anna)"
	assert_answer 201
	user=54321
	run -77 switchboard user list
	assert_output --partial 'belongs to anna, and you are user 54321'
	user=0
	run -0 switchboard user list
	assert_output --partial anna@example.com
}

@test "what a client makes arguments of reaches neither program nor loader" {
	local first
	for first in --list --verify --help '--preload /home/anna/x.so' \
	    '--library-path /home/anna' --openapi -- /home/anna/evil; do
		# shellcheck disable=SC2206
		arguments=($first)
		visit GET /health
		assert_answer 200
	done
	# Even the command line, should it get where CGI programs lie.
	run in_jail "$host" 12345 GATEWAY_INTERFACE=CGI/1.1 -- \
	    /home/anna/switchboard/bin/switchboard user list
	assert_equal "$status" 64
	refute_output --partial @example.com
	# It has arguments of its own, which are none of the loader's.
	run -64 switchboard --list
	assert_output --partial 'switchboard: --list is not understood'
}

@test "what a host's environment says to libraries is nothing to ours" {
	mkdir "$account/other"
	: >"$account/other/libc.so.6"
	cgi=(LD_LIBRARY_PATH=/home/anna/other LD_PRELOAD=/home/anna/x.so
	    LD_TRACE_LOADED_OBJECTS=1 LD_DEBUG=all LD_BIND_NOT=1
	    GCONV_PATH=/home/anna/other LOCPATH=/home/anna/other
	    OPENSSL_CONF=/home/anna/other/libc.so.6 OPENSSL_MODULES=/x
	    SWITCHBOARD_HOME=/home/anna/other)
	visit POST /api/auth/login 'username=nobody&password=password123'
	assert_answer 401
	refute grep -q 'other\|x\.so' <<<"$log"
}

@test "data in the document root is refused, and the log says how to mend it" {
	unpack_anew
	echo SWITCHBOARD_DATA=/home/anna/public_html/data \
	    >>"$private/etc/switchboard.env"
	visit GET /health
	assert_answer 500 '{"detail":"Internal Server Error"}'
	[[ $log == *'/home/anna/public_html/data lies in /home/anna/public_html'* ]]
	[[ ! -e $account/public_html/data ]]
}

# start_apache ALLOWED [MODULE...]: for the account, as a host that allows so much
# in an .htaccess.
start_apache()
{
	local module modules=/usr/lib/apache2/modules

	port=$(free_port)
	{
		for module in mpm_event authz_core dir mime autoindex "${@:2}"; do
			echo "LoadModule ${module}_module $modules/mod_$module.so"
		done
		cat <<END
ServerRoot $BATS_TEST_TMPDIR
DefaultRuntimeDir $BATS_TEST_TMPDIR
PidFile $BATS_TEST_TMPDIR/apache.pid
Mutex file:$BATS_TEST_TMPDIR
ErrorLog $BATS_TEST_TMPDIR/log
User www-data
Group www-data
ServerName localhost
Listen 127.0.0.1:$port
TypesConfig /dev/null
DocumentRoot $account/public_html
<Directory $account/public_html>
	Options Indexes SymLinksIfOwnerMatch
	AllowOverride $1
	Require all granted
</Directory>
END
	} >"$BATS_TEST_TMPDIR/httpd.conf"
	apache2 -D FOREGROUND -f "$BATS_TEST_TMPDIR/httpd.conf" 3>&- &
	apache=$!
	eventually 30 is_listening "$port"
}

stop_apache()
{
	kill "$apache"
	wait "$apache" || true
}

teardown()
{
	[[ -z ${apache-} ]] || kill "$apache" 2>/dev/null || true
}

# statuses PATH...: what Apache answers to each, in the folder switchboard.
statuses()
{
	local path

	for path; do
		curl -s -o /dev/null -w '%{http_code} ' \
		    "http://127.0.0.1:$port/switchboard$path"
	done
}

@test "unpacked in the document root it is shut, where .htaccess is heeded" {
	local path=/etc/switchboard.env.example

	command -v apache2 >/dev/null || skip 'no apache2'
	unpack_anew
	chmod 0755 "$BATS_TEST_TMPDIR" "$account"
	cp -al "$private"/. "$account/public_html/switchboard/"
	start_apache All
	assert_equal "$(statuses "$path")" '500 '
	stop_apache
	start_apache FileInfo rewrite
	assert_equal "$(statuses "$path" / /README.md /lib/VERSIONS.txt)" \
	    '403 403 403 403 '
	stop_apache
	start_apache AuthConfig rewrite
	assert_equal "$(statuses "$path")" '500 '
	stop_apache
	# Or what is asked here would be no question.
	start_apache None
	assert_equal "$(statuses "$path")" '200 '
	stop_apache
}

@test "unpacked in the document root it is refused" {
	unpack_anew
	cp -al "$private"/. "$account/public_html/switchboard/"
	rm -r "$private"
	visit GET /health
	assert_answer 500 '{"detail":"Internal Server Error"}'
	[[ $log == *'/home/anna/public_html/switchboard/data lies in '* ]]
	[[ ! -e $account/public_html/switchboard/data ]]
}

@test "without the private folder the answer says what is missing" {
	unpack_anew
	mv "$private" "$account/renamed"
	visit GET /health
	assert_equal "$code" 500
	[[ $(field detail) == *'the folder switchboard is not found'* ]]
	grep -qx 'X-Content-Type-Options: nosniff' <<<"$answer"
	grep -qx 'Cache-Control: no-store' <<<"$answer"
	refute grep -q /home <<<"$body"
	[[ $log == *'/home/anna/public_html/switchboard/bin/meta.fcgi: the folder switchboard is not found'* ]]
	# The command line is in that folder, whatever its name.
	run -0 in_jail "$host" 12345 -- /home/anna/renamed/bin/switchboard \
	    migrate
	[[ -e $account/renamed/data/switchboard.db ]]
}

@test "a library that is missing is not taken from the host" {
	local library

	unpack_anew
	for library in libz.so.1 libc.so.6 VERSIONS.txt; do
		mkdir -p "$host/lib64" "$host/usr/lib"
		cp "$private/lib/$library" "$host/lib64"
		cp "$private/lib/$library" "$host/usr/lib"
		mv "$private/lib/$library" "$account"
		visit GET /health
		assert_equal "$code" 500
		[[ $(field detail) == *'a library is not there: unpack'* ]]
		[[ $log == *"/home/anna/switchboard/lib/$library: a library is not there"* ]]
		mv "$account/$library" "$private/lib"
	done
	visit GET /health
	assert_answer 200
}

@test "another user of that name, beside the account, is not believed" {
	unpack_anew
	mv "$private" "$host/home/switchboard"
	chown 54321:54321 "$host/home/switchboard"
	visit GET /health
	assert_equal "$code" 500
	[[ $(field detail) == *'the folder switchboard is not found'* ]]
	# The account's own is, and so is root's.
	chown 0:0 "$host/home/switchboard"
	echo SWITCHBOARD_DATA=/home/anna/data \
	    >>"$host/home/switchboard/etc/switchboard.env"
	visit GET /health
	assert_answer 200
}

@test "a folder that can't be written to is a 503, with its name in the log" {
	unpack_anew
	chmod 0555 "$private"
	visit GET /health
	assert_equal "$code" 503
	[[ $log == *'/home/anna/switchboard/data: Permission denied: make the directory'* ]]
	visit POST /api/auth/register "$(new_user anna)"
	assert_equal "$code" 503
}

@test "the folders may be links, and the site may be its folder's root" {
	unpack_anew
	mkdir "$host/home2"
	mv "$account" "$host/home2/anna"
	ln -s ../home2/anna "$host/home/anna"
	visit GET /health
	assert_answer 200
	mkdir -p "$host/home2/anna/domains/example.com"
	mv "$host/home2/anna/public_html/switchboard" \
	    "$host/home2/anna/domains/example.com/html"
	run -0 in_jail "$host" 12345 GATEWAY_INTERFACE=CGI/1.1 \
	    REQUEST_METHOD=GET REQUEST_URI=/health PATH_INFO=/health \
	    SCRIPT_NAME=/bin/meta.fcgi \
	    -- /home/anna/domains/example.com/html/bin/meta.fcgi
	assert_output --partial '"status":"ok"'
}

@test "the archive has what its programs need, and nothing that is a customer's" {
	local file name

	unpack_anew
	for file in "$private"/{libexec/switchboard,lib}/*; do
		while read -r name; do
			[[ $name == ld-linux* || -e $private/lib/$name ]] ||
				fail "${file##*/} needs $name"
		done < <(readelf -d "$file" 2>/dev/null |
		    sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p')
	done
	for file in "$private/bin/switchboard" \
	    "$account"/public_html/switchboard/bin/*; do
		! readelf -l "$file" | grep -E 'INTERP|DYNAMIC' || fail "$file"
	done
	run -0 tar -tzf "$archive"
	refute_line --regexp '/data|switchboard[.]env$|^/|[.][.]/'
	run -0 tar --numeric-owner -tvzf "$archive"
	assert_equal "$(awk '{ print $2, $4, $5 }' <<<"$output" | sort -u |
	    wc -l)" 1
	assert_equal "$(awk '{ print $1 }' <<<"$output" | sort -u | paste -sd' ')" \
	    '-rw-r--r-- -rwxr-xr-x drwxr-xr-x'
}

@test "the .zip is the same as the .tar.gz, modes included" {
	local zip=${archive%.tar.gz}.zip

	if ! command -v zip >/dev/null; then
		[[ ! -e $zip ]]
		skip 'not installed: zip'
	fi
	python3 - "$archive" "$zip" <<'END'
import sys, tarfile, zipfile
tar, zip = tarfile.open(sys.argv[1]), zipfile.ZipFile(sys.argv[2])
def of_tar(m):
    return m.mode, tar.extractfile(m).read() if m.isfile() else b""
one = {m.name: of_tar(m) for m in tar}
two = {i.filename.rstrip("/"): (i.external_attr >> 16 & 0o7777, zip.read(i))
       for i in zip.infolist()}
sys.exit(one != two and "they differ")
END
}
