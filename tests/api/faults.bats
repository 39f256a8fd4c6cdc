# What the surroundings can do to a program: limits, closed descriptors, clocks,
# hostile targets, other people's files.  Nothing of it may end a program
# without an answer, spill what is secret or make a right password a wrong one.

load harness

setup_file()
{
	new_data
	register anna
	export access refresh
}

# within TEXT: what bash does with the program, which is its "$@".  The harness
# has a place for a command before the program, made for another clock.  One
# that does not end by itself has failed, even if it answered.
within()
{
	clock=(timeout -s KILL "${patience:-5}" bash -c "$1" bash)
}

# A named pipe with a writer, $pipe, and a reader that never reads, $reader.
open_pipe()
{
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec {reader}<>"$BATS_TEST_TMPDIR/pipe"
	exec {pipe}>"$BATS_TEST_TMPDIR/pipe"
}

fill_pipe()
{
	local size
	for size in 4096 1; do
		dd if=/dev/zero of="$BATS_TEST_TMPDIR/pipe" oflag=nonblock \
		    bs=$size 2>/dev/null || true
	done
}

is_sanitized()
{
	grep -q __asan_init "$programs/auth"
}

# ---------------------------------------------------------------- umask

private_files()	# NAME...: of the data directory
{
	local name
	for name in "$@"; do
		is "$(stat -c %a "$SWITCHBOARD_DATA/$name")" 600 "mode of $name"
	done
	is "$(find "$SWITCHBOARD_DATA" -type f ! -perm 600)" '' 'other modes'
}

@test "migrate makes files for their owner alone in a directory for all" {
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/data
	umask 022
	mkdir -m 755 "$SWITCHBOARD_DATA"
	run -0 env "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" \
	    "$SB_BUILD/bin/switchboard" migrate
	private_files switchboard.db switchboard.db-wal switchboard.db-shm
	register umask
	private_files switchboard.db switchboard.db-wal switchboard.db-shm \
	    signing-keys.json hash.slots
}

@test "a first registration makes files for its owner alone, too" {
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/data
	umask 0
	mkdir -m 777 "$SWITCHBOARD_DATA"
	cgi=(LOG_FILE="$SWITCHBOARD_DATA/log")
	register umask
	private_files switchboard.db switchboard.db-wal switchboard.db-shm \
	    signing-keys.json hash.slots log
}

# ---------------------------------------------------------------- ulimit

@test "a limit on the size of files is a 503, and no more when it is gone" {
	new_data
	local blocks
	for blocks in 1 16; do
		within "ulimit -f $blocks && exec \"\$@\""
		try_register limited
		expect 503 '{"detail":"Service temporarily unavailable"}'
		like "$(header Retry-After)" '[1-9][0-9]*' Retry-After
		like "$log" '.* (warning|error) auth [^ ]+: .*' log
	done
	clock=()
	register limited
	me "$access"
	expect 200
}

@test "a file that may not grow is a 503 that loses nothing" {
	new_data
	register before
	within 'ulimit -f 64 && exec "$@"'
	local n
	for ((n = 0; n < 20; n++)); do
		try_register "limited$n"
		[ "$status_code" != 503 ] || break
		expect 201
	done
	is "$status_code" 503 'status of the last'
	has "$log" "$SWITCHBOARD_DATA/switchboard.db"
	clock=()
	me "$access"
	expect 200
	try_register "limited$n"
	expect 201
	is "$(sql 'SELECT count(*) FROM users')" $((n + 2)) users
	is "$(sql 'PRAGMA integrity_check')" ok
}

@test "too little memory for a hash is a 503, never a wrong password" {
	! is_sanitized || skip 'the sanitizers need address space without limit'
	new_data
	settings+=(SCRYPT_N=32768 SCRYPT_R=8)
	register heavy
	local kb seen=
	for ((kb = 8000; kb < 200000; kb += 3000)); do
		within "ulimit -v $kb && exec \"\$@\""
		if ! try_login heavy 2>/dev/null; then
			# It was too little for the program itself, too.
			like "$log" '.*(shared librar|out of memory).*' log
			continue
		fi
		[ "$status_code" != 200 ] || break
		is "$status_code" 503 "status with $kb KiB"
		seen+=" $status_code"
	done
	is "$status_code" 200 'status of the last'
	has "$seen" 503
	# A registration has nothing to compare with, and needs as much.
	within "ulimit -v $((kb - 20000)) && exec \"\$@\""
	try_register light
	expect 503
	has "$log" 'no memory for scrypt'
	clock=()
	try_login light
	expect 401
}

# ---------------------------------------------------------------- stderr

@test "with standard error closed the answer has no log line in it" {
	cgi=(LOG_FILE="$BATS_TEST_TMPDIR/log" LOG_LEVEL=debug)
	within 'exec "$@" 2>&-'
	call GET /health 'X-Request-ID: closed-2'
	expect 200
	holds 'keys == ["environment", "status", "version"]'
	register closed
	holds 'has("access_token")'
	is "$log" '' 'standard error'
	like "$(grep ' info .* closed-2' "$BATS_TEST_TMPDIR/log")" \
	    '[^ ]+ info meta closed-2: 200 .* GET /health'
	is "$(sql 'PRAGMA integrity_check')" ok
}

@test "with all but standard output closed the answer is clean" {
	cgi=(LOG_FILE="$BATS_TEST_TMPDIR/log")
	within 'exec "$@" <&- 2>&-'
	me "$access"
	expect 200
	holds '.username == "anna"'
	has "$(<"$BATS_TEST_TMPDIR/log")" ' GET /api/auth/me'
}

@test "with standard output closed nothing is written elsewhere" {
	new_data
	call GET /health
	within 'exec "$@" >&-'
	# The harness finds no answer.
	run ! call GET /health
	is "$(head -c 15 "$SWITCHBOARD_DATA/switchboard.db")" 'SQLite format 3'
	is "$(sql 'PRAGMA integrity_check')" ok
}

@test "with a standard error that nobody has open any more it answers" {
	open_pipe
	exec {reader}>&-
	within "exec \"\$@\" 2>&$pipe"
	try_login anna
	expect 200
	call GET /nothing
	expect 404
}

@test "with a standard error that is full and not read it answers at once" {
	open_pipe
	fill_pipe
	patience=2 within "exec \"\$@\" 2>&$pipe"
	cgi=(LOG_FILE="$BATS_TEST_TMPDIR/log")
	try_login anna
	expect 200
	call GET /nothing
	expect 404
	has "$(<"$BATS_TEST_TMPDIR/log")" ' GET /nothing'
}

# Room for one long line is left, and each finds it before any takes it.
@test "many programs at the end of a standard error that is not read all answer" {
	command -v strace >/dev/null || skip 'no strace'
	! is_sanitized || skip 'the sanitizers do not like strace'
	open_pipe
	fill_pipe
	dd if="$BATS_TEST_TMPDIR/pipe" of=/dev/null bs=4096 count=1 2>/dev/null
	within "exec strace -o /dev/null -e trace=write \
	    -e inject=write:delay_enter=100000 \"\$@\" 2>&$pipe"
	local target
	printf -v target '/%s' "$(printf '%%e2%%80%%ae%.0s' {1..170})"
	many()
	{
		call GET "$target" 2>/dev/null
	}
	at_once 8 many
	is "$(grep -c '^404 ' <<<"$answers")" 8 answers
}

# ---------------------------------------------------------------- logins

@test "logins at once that all find an old hash are all let in" {
	new_data
	register weak
	has "$(sql 'SELECT password FROM users')" "\$s1\$0a0101\$"
	settings+=(SCRYPT_N=4096 SCRYPT_R=8)
	local n
	one()
	{
		try_login weak
	}
	for n in 2 6; do
		sql "UPDATE users SET password = '$(sql \
		    'SELECT password FROM users')'"
		at_once $n one
		is "$(grep -c '^200 ' <<<"$answers")" $n logins
		like "$(sql 'SELECT password FROM users')" '\$s1\$0c0801\$.*'
	done
	login weak
	is "$(sql 'SELECT count(*) FROM logins WHERE revoked_at IS NULL')" 10
}

# The answers of the first hash are two; all others meet a renewed one.
@test "a login while another renews the hash is let in" {
	local n
	for n in 1 2 3; do
		new_data
		register weak
		(
			settings+=(SCRYPT_N=16384 SCRYPT_R=8 SCRYPT_P=2)
			one()
			{
				sleep 0.0$turn
				try_login weak
			}
			at_once 6 one
			is "$(grep -c '^200 ' <<<"$answers")" 6 logins
			like "$(sql 'SELECT password FROM users')" \
			    '\$s1\$0e0802\$.*'
		)
	done
}

# ---------------------------------------------------------------- the clock

@test "a clock set back a little within the 10 s revokes nothing" {
	local back first second
	for back in 2 8; do
		register back$back
		first=$refresh
		later $back rotate "$first"
		second=$refresh
		rotate "$first"
		is "$refresh" "$second" successor
		me "$access"
		expect 200
		rotate "$second"
		isnt "$refresh" "$second" 'the next one'
		# And still, after that rotation.
		try_refresh "$first"
		expect 200
		is "$(json .refresh_token)" "$second" successor
		rotate "$refresh"
		is "$(sql "SELECT count(*) FROM logins
		    WHERE id = '$(claim sid "$refresh")'
		    AND revoked_at IS NULL")" 1 'living logins'
	done
}

# ---------------------------------------------------------------- keys

# Puts a newer key into the file, made AGE seconds ago.
age_key()
{
	local file=$SWITCHBOARD_DATA/signing-keys.json
	local k=$(head -c 32 /dev/urandom | base64 -w0 | tr +/ -_ | tr -d =)

	jq --argjson iat $((EPOCHSECONDS - $1)) --arg k "$k" \
	    '.keys = [.keys[0] | .iat = $iat - 1000000]
	    + [{kty: "oct", alg: "HS256", k: $k, iat: $iat}]' \
	    "$file" >"$file.new"
	mv "$file.new" "$file"
}

@test "a key's tokens are good until its successor is as old as a refresh token" {
	new_data
	register anna
	local old=$access old_refresh=$refresh
	age_key $((604800 + 3600 - 60))
	me "$old"
	expect 200
	rotate "$old_refresh"
	isnt "$(jose_header "$access" | jq -r .kid)" \
	    "$(jose_header "$old" | jq -r .kid)" kid

	login anna
	age_key $((604800 + 3600 + 60))
	login anna
	me "$access"
	expect 200
	me "$old"
	refused
	try_refresh "$old_refresh"
	refused_refresh
	# With a shorter lifetime it is dead earlier.
	age_key $((604800 - 60))
	settings+=(REFRESH_TOKEN_EXPIRE_DAYS=6)
	me "$old"
	refused
	settings+=(REFRESH_TOKEN_EXPIRE_DAYS=7)
	me "$old"
	expect 200
}

# ---------------------------------------------------------------- the secret

# An account, and a secret that its wrong passwords are counted under.
secret_setup()
{
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=10)
	secret=$SWITCHBOARD_DATA/secret
	register anna
	try_login anna wrong
	expect 401
	cp "$secret" "$BATS_TEST_TMPDIR/secret"
	counted=$(counted_keys)
	like "$counted" 'account:[0-9a-f]{32}' 'what counts'
}

counted_keys()
{
	sqlite3 "$SWITCHBOARD_DATA/limits.db" \
	    "SELECT key FROM limits WHERE key LIKE 'account:%'"
}

# without_secret STATUS: neither a right nor a wrong password is told, as often
# as one asks, and the log names the file; what needs no password goes on.
without_secret()
{
	local wanted='{"detail":"Service temporarily unavailable"}' word n
	[ "$1" = 503 ] || wanted='{"detail":"Internal Server Error"}'
	for n in 1 2; do
		for word in "$password" wrong; do
			try_login anna "${word// /+}"
			expect "$1" "$wanted"
			has "$log" " error auth "
			has "$log" ": $secret: "
		done
		post /api/auth/password "{\"current_password\":\"$password\",
		    \"new_password\":\"$password\"}" \
		    "Authorization: Bearer $access"
		expect "$1" "$wanted"
	done
	me "$access"
	expect 200
	rotate "$refresh"
}

# It is put right, and names what it named.
secret_again()
{
	rm -rf "$secret"
	cp "$BATS_TEST_TMPDIR/secret" "$secret"
	try_login anna wrong
	expect 401
	is "$(counted_keys)" "$counted" 'what counts'
	try_login anna
	expect 200
	lacks "$log" "$secret"
}

@test "a damaged secret is a 500 that names it, until it is put right" {
	new_data
	secret_setup
	local good=$(<"$secret") bad
	for bad in '' "${good:1}" "${good}A" "${good%?}=" "${good%?}!" \
	    "$good"$'\n'"$good" "$(printf 'A%.0s' {1..5000})"; do
		printf '%s' "$bad" >"$secret"
		without_secret 500
		is "$(<"$secret")" "${bad%$'\n'}" 'the file'
		secret_again
	done
}

@test "a secret that can't be read is a 503 that names it, until it can be" {
	new_data
	secret_setup
	rm "$secret"
	ln -s secret "$secret"
	without_secret 503
	secret_again
	rm "$secret"
	mkdir "$secret"
	without_secret 503
	secret_again
}

@test "a secret that one may not read is a 503, until one may" {
	if ((EUID == 0)); then
		setpriv --reuid=65534 --regid=65534 --clear-groups \
		    test -x "$programs/auth" || skip 'nobody can run it'
	fi
	# Other users don't come to where bats has its files.
	elsewhere=$(mktemp -d /tmp/switchboard-test.XXXXXX)
	SWITCHBOARD_DATA=$elsewhere
	if ((EUID == 0)); then
		chown 65534:65534 "$elsewhere"
		clock=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	fi
	secret_setup
	chmod 000 "$secret"
	without_secret 503
	chmod 400 "$secret"
	try_login anna
	expect 200
	lacks "$log" "$secret"
}

teardown()
{
	[ -z "${elsewhere-}" ] || rm -rf "$elsewhere"
}

# ---------------------------------------------------------------- pipes

# in_pipes_place FILE COMMAND...: with a pipe in the file's place, at which
# nobody writes, and then one where somebody could.
in_pipes_place()
{
	local file=$SWITCHBOARD_DATA/$1 writer
	local -a clock=(timeout -s KILL 60)
	shift
	mv "$file" "$file.away"
	mkfifo "$file"
	"$@"
	exec {writer}<>"$file"
	"$@"
	exec {writer}>&-
	rm "$file"
	mv "$file.away" "$file"
}

# The answer says that nothing is to be had, and the log why.
fails_for()	# FILE
{
	like "$status_code" '500|503' status
	has "$log" "/$1"
}

@test "a pipe in the secret's place keeps nobody waiting" {
	new_data
	secret_setup
	logins()
	{
		try_login anna
		fails_for secret:
		try_login anna wrong
		fails_for secret:
		me "$access"
		expect 200
	}
	in_pipes_place secret logins
	try_login anna
	expect 200
}

@test "a pipe in the place of the signing keys keeps nobody waiting" {
	new_data
	register anna
	all_that_sign()
	{
		try_login anna
		fails_for signing-keys.json:
		try_register other
		fails_for signing-keys.json:
		me "$access"
		fails_for signing-keys.json:
		try_refresh "$refresh"
		fails_for signing-keys.json:
		call GET /health
		local word
		for word in list rotate; do
			run ! operate key $word
			((status < 124))
		done
		run operate tick
		((status < 124))
		is "$(sql 'SELECT count(*) FROM users')" 1 users
	}
	in_pipes_place signing-keys.json all_that_sign
	me "$access"
	expect 200
	rotate "$refresh"
}

# ---------------------------------------------------------------- the log

request_line()
{
	grep -E ':"? ?[0-9]{3} [0-9.]+ ms ' <<<"$log"
}

@test "a path can't forge the status or the address in the log" {
	local forged='%20200%200.001%20ms%20203.0.113.9%20GET%20/api/auth/me'
	call GET "/api/auth/me$forged" 'X-Request-ID: f-1'
	expect 404
	like "$(request_line)" '[^ ]+ info auth f-1: 404 [0-9]+\.[0-9]{3} ms 192\.0\.2\.1 GET /api/auth/me 200 0\.001 ms 203\.0\.113\.9 GET /api/auth/me'
	call GET "/%0a2025-01-01T00:00:00.000000Z%20info%20meta%20x:%20200" \
	    'X-Request-ID: f-2'
	expect 404
	is "$(grep -c . <<<"$log")" 1 'log lines'
	like "$(request_line)" '[^ ]+ info meta f-2: 404 [0-9]+\.[0-9]{3} ms 192\.0\.2\.1 GET /\\x0a2025.*'
}

@test "a long path pushes neither the status nor the address out of the log" {
	local target format
	printf -v target '/%04200d' 7
	for format in text json; do
		for target in "$target" "/$(printf '%%e2%%80%%ae%.0s' {1..1400})"; do
			cgi=(LOG_FORMAT=$format)
			call GET "$target"
			expect 404
			like "$(request_line)" '.*:"? ?404 [0-9]+\.[0-9]{3} ms 192\.0\.2\.1 GET /.*'
			is "$(wc -l <<<"$log")" 1 'log lines'
			[ ${#log} -le 4096 ]
		done
	done
	is "$(jq -r .level <<<"$log")" info
}

@test "what turns the direction of text around is escaped in the log" {
	local code
	for code in d8:9c e2:80:8e e2:80:8f e2:80:aa e2:80:ae e2:81:a6 \
	    e2:81:a9 e2:80:a8 ef:bb:bf c2:85 1b; do
		call GET "/x%${code//:/%}y"
		expect 404
		has "$log" " GET /x\\x${code//:/\\x}y"
	done
	cgi=(LOG_FORMAT=json)
	call GET /x%e2%80%aey
	has "$log" 'GET /x\u202ey'
	is "$(jq -r .message <<<"$log" | grep -c $'GET /x\xe2\x80\xaey$')" 1
}

# ---------------------------------------------------------------- prefixes

# No answer may send a browser to another host.
leads_nowhere()
{
	lacks "$body" '&sol;'
	lacks "${body,,}" //evil
	lacks "${body,,}" '\evil'
	lacks "${body,,}" '&#'
	lacks "${body,,}" ';evil'
}

@test "a hostile prefix is no prefix" {
	program=meta cgi=(PATH_INFO=/docs)
	call GET '/&sol;evil.com/docs'
	expect 404 '{"detail":"Not Found"}'
	local prefix page
	for prefix in '/&sol;evil.com' //evil.com /%2fevil.com /%2Fevil.com \
	    '/\evil.com' /%5cevil.com '/"><x' "/'x" '/a//evil.com' \
	    /a/..//evil.com /a/../x /./x '/&#47;evil.com' '/a;evil.com' \
	    '/%26sol;evil.com' '/%0aevil.com' '/%09/evil.com' '/ /evil.com' \
	    /a%22b /@evil.com /evil:80 /a/ //; do
		for page in /docs /redoc /openapi.json; do
			cgi=(PATH_INFO=$page)
			call GET "$prefix$page"
			is "$status_code" 404 "status of $prefix$page"
			leads_nowhere
			# The same from a server that has no target.
			cgi+=("SCRIPT_NAME=$prefix")
			clock=(env -u REQUEST_URI)
			call GET "$prefix$page"
			leads_nowhere
			clock=()
		done
		cgi=(PATH_INFO=/)
		call GET "$prefix/"
		leads_nowhere
	done
}

@test "an honest prefix is one" {
	program=meta
	cgi=(PATH_INFO=/docs)
	call GET /switch-board/v1.0~x_y/docs
	expect 200
	has "$body" ' href="/switch-board/v1.0~x_y/openapi.json"'
	cgi=(PATH_INFO=/openapi.json)
	call GET /a/b/openapi.json
	expect 200
	holds '.servers == [{url: "/a/b"}]'
	call GET http://evil.com/a/openapi.json
	expect 200
	holds '.servers == [{url: "/a"}]'
}

# ---------------------------------------------------------------- the schema

@test "a database that needs newer programs is a 503 that names both steps" {
	new_data
	register anna
	local step=$(sql 'PRAGMA user_version')
	sql "INSERT INTO schema_steps (step, name, oldest, applied_at)
	    VALUES ($step + 2, 'later', $step + 1, 0);
	    PRAGMA user_version = $((step + 2))"
	me "$access"
	expect 503 '{"detail":"Service temporarily unavailable"}'
	has "$log" "schema step $((step + 2)) "
	has "$log" "know step $((step + 1));"
	has "$log" "this one knows $step:"
	call GET /health
	expect 503
	holds '.status == "degraded"'
	try_register ben
	expect 503
	is "$(sql 'SELECT count(*) FROM users')" 1 users
	sql "DELETE FROM schema_steps WHERE step = $step + 2;
	    PRAGMA user_version = $step"
	me "$access"
	expect 200
}
