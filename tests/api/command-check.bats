# switchboard check: for each of many misconfigurations it names the cause and
# what to do; and it changes nothing.

load harness
load command

setup_file()
{
	new_data
	whole=$SWITCHBOARD_DATA
	operate init >/dev/null
	register anna
	operate tick --quiet
	operate backup "$BATS_FILE_TMPDIR/saved"
	new_data
	register bob
	export whole foreign=$SWITCHBOARD_DATA
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 \
	    -keyout "$BATS_FILE_TMPDIR/cert" -out "$BATS_FILE_TMPDIR/cert.crt" \
	    2>/dev/null
	cat "$BATS_FILE_TMPDIR/cert.crt" >>"$BATS_FILE_TMPDIR/cert"
	env -i "PATH=$PATH" "ASAN_OPTIONS=${ASAN_OPTIONS-}" "${settings[@]}" \
	    /usr/bin/python3 "$BATS_TEST_DIRNAME/front.py" "$programs" \
	    "$whole" "$foreign" "$BATS_FILE_TMPDIR/ports" \
	    "$BATS_FILE_TMPDIR/cert" 3>&- >"$BATS_FILE_TMPDIR/front.log" 2>&1 &
	echo $! >"$BATS_FILE_TMPDIR/front"
	eventually 30 test -e "$BATS_FILE_TMPDIR/ports"
}

teardown_file()
{
	kill "$(<"$BATS_FILE_TMPDIR/front")"
}

# A copy of a sound installation, for this test to spoil.
setup()
{
	mkdir "$BATS_TEST_TMPDIR/here"
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/here/data
	cp -Rp "$whole" "$SWITCHBOARD_DATA"
	settings=()
	env=(ENVIRONMENT=production CORS_ORIGINS=https://chat.example)
	file=$SWITCHBOARD_DATA/.env
	read -r port tls_port deaf_port <"$BATS_FILE_TMPDIR/ports"
}

# check STATUS [ARGUMENT...]: it ends so, and says it in JSON.
check()
{
	switchboard check --json "${@:2}"
	ends "$1"
}

# found GRADE CHECK SENTENCE FIX: such a finding, with these parts in it.
found()
{
	listed 'any(.findings[]; .grade == $grade and .check == $check
	    and (.sentence | contains($sentence))
	    and ((.fix // "") | contains($fix)))' --arg grade "$1" \
	    --arg check "$2" --arg sentence "$3" --arg fix "${4-}"
}

# Root's data is unwise in production, and tests may be run by root.
worst()
{
	jq -r '[.findings[] | select(.grade != "green")
	    | select(.sentence | contains("belongs to root") | not)
	    | .grade] | unique | join(" ")' <<<"$output"
}

everything()
{
	(cd "$SWITCHBOARD_DATA" && stat -c '%n %s %a %u %Y' . * .[!.]* &&
	    md5sum ./* .[!.]*) 2>/dev/null | grep -v -- -shm
}

# --------------------------------------------------------------- as it should

@test "a sound installation has nothing that is broken or unwise" {
	check 0
	is "$(worst)" ''
	found green accepted 'every setting is accepted: '
	found green database 'the database is whole'
	found green database 'takes all'
	found green keys 'signing-keys.json signs'
	found green tick 'less than a day ago'
	found green backup 'less than a day ago'
	listed '.red == 0 and ([.findings[] | .area] | unique
	    == ["care", "data", "settings", "store"])
	    and .green == ([.findings[] | select(.grade == "green")] | length)
	    and all(.findings[]; (.grade == "green") == (.fix == null))'
}

@test "a look changes nothing, and makes no file" {
	local before
	before=$(everything)
	check 0
	is "$(everything)" "$before"
	# Nor where nothing is in the WAL, or there is none.
	rm -f "$SWITCHBOARD_DATA"/*-wal "$SWITCHBOARD_DATA"/*-shm
	before=$(everything)
	check 0
	is "$(everything)" "$before"
	found green database 'the database is whole'
	[ ! -e "$SWITCHBOARD_DATA/switchboard.db-shm" ]
}

@test "people are told in words, and its end says whether something is broken" {
	switchboard check
	ends 0
	has "$output" $'\n  ok      the database is whole\n'
	like "${lines[-1]}" '[0-9]+ ok, [01] unwise, 0 broken'
	chmod 755 "$SWITCHBOARD_DATA"
	switchboard check
	ends 1
	has "$output" "
  broken  everybody on this machine can look into $SWITCHBOARD_DATA
          fix: chmod 700 $SWITCHBOARD_DATA
"
	like "${lines[-1]}" '[0-9]+ ok, 0 unwise, 1 broken'
	lacks "$output" $'\033'
}

@test "a terminal shows colours, unless nobody wants them" {
	on_terminal -- check
	is "$status" 0
	has "$output" $'\033[32mok    \033[0m  the database is whole'
	env+=(NO_COLOR=1)
	on_terminal -- check
	has "$output" '  ok      the database is whole'
	lacks "$output" $'\033['
}

@test "what it does not understand is named" {
	switchboard check --fast
	ends 64 'switchboard check: --fast is not understood; see switchboard check --help'
	local url
	for url in ftp://one.example https:// http://one.example/?q \
	    'http://one.example/a b' one.example; do
		switchboard check --url "$url"
		ends 64 'switchboard check: --url takes what begins with https:// or http:// and has no ? and no #'
	done
}

# ------------------------------------------------------------------ settings

@test "each setting that is not accepted is told, with its line" {
	printf '# ours\nWORKERS=many\n\nPORT=0\n' >"$file"
	chmod 600 "$file"
	env+=(SWITCHBOARD_ENV_FILE= HASHES=none)
	check 1
	found red accepted 'WORKERS: "many" is not accepted' \
	    "correct line 2 of $file"
	found red accepted 'PORT: "0" is not accepted' \
	    "correct line 4 of $file"
	found red accepted 'HASHES: "none" is not accepted' \
	    'correct HASHES in the environment'
	found green database 'the database is whole'
	printf 'WORKERS\n"=\n' >"$file"
	check 1
	found red accepted "$file: line 2: not of the form" "mend $file"
}

@test "a secret that is a placeholder is told" {
	env+=(SECRET_KEY=change-me-change-me-change-me-change-me)
	check 1
	found red accepted 'SECRET_KEY: the value is not accepted' \
	    'SECRET_KEY=what openssl rand -base64 48 prints'
	env+=(ENVIRONMENT=development SECRET_KEY=short)
	check 0
	found yellow accepted 'SECRET_KEY counts as not set: it is shorter' \
	    'openssl rand'
}

@test "where a secret is to be mended is where it was set" {
	local key=change-me-change-me-change-me-change-me
	env+=("SECRET_KEY=$key")
	check 1
	found red accepted 'SECRET_KEY: the value is not accepted' \
	    'prints, in the environment of the programs'
	printf '\nSECRET_KEY=%s\n' "$key" >"$file"
	env=(ENVIRONMENT=production SWITCHBOARD_ENV_FILE=)
	check 1
	found red accepted 'SECRET_KEY: the value is not accepted' \
	    "prints, in $file, line 2"
	rm "$file"
	env=(ENVIRONMENT=development "SECRET_KEY=$key")
	check 0
	found yellow accepted 'SECRET_KEY counts as not set' \
	    'the environment of the programs, which wins'
	env=(ENVIRONMENT=production SCRYPT_P=1)
	check 0
	found yellow accepted 'weaker than the default' \
	    'SCRYPT_P=5, in the environment of the programs'
}

@test "a name that was mistyped is told, and what was meant" {
	printf 'TRUSTED_PROXYES=10.0.0.1\nPOSTGRES_URL=x\nwaitres=1\n' >"$file"
	printf 'HASHES\n' >>"$file"
	chmod 600 "$file"
	env+=(SWITCHBOARD_ENV_FILE=)
	check 0
	found yellow names 'TRUSTED_PROXYES is no setting' \
	    "call it TRUSTED_PROXIES, in $file, line 1"
	found yellow names 'did you mean WAITERS?' "$file, line 3"
	found yellow names 'HASHES without =' "line 4 of $file"
	found green names 'not ours, and ignored: POSTGRES_URL'
}

@test "what is unwise in production is told" {
	env+=(DEBUG=true CORS_ORIGINS= RATE_LIMIT_PER_ADDRESS=0
	    LOGIN_FAILURES_PER_ACCOUNT=0 SCRYPT_P=1 HASHES=1024)
	check 0
	found yellow environment 'DEBUG makes the log long' DEBUG=false
	found yellow origins '4 origins on visitors'"'"' own machines' \
	    CORS_ORIGINS=https://
	found yellow limits 'RATE_LIMIT_PER_ADDRESS is 0' \
	    'take out RATE_LIMIT_PER_ADDRESS'
	found yellow limits 'who guesses passwords'
	found yellow accepted 'weaker than the default' SCRYPT_P=5
	found yellow hashes 'HASHES is 1024' HASHES=
	env+=(CORS_ORIGINS='*' CORS_CREDENTIALS=false)
	check 0
	found yellow origins 'CORS_ORIGINS is *' CORS_ORIGINS=https://
	env+=(CORS_ORIGINS=http://chat.example)
	check 0
	found yellow origins '1 http:// origin' 'CORS_ORIGINS=the same with https://'
}

@test "development where others come is told, and else is nothing to tell of" {
	env=(ENVIRONMENT=development DEBUG=true RATE_LIMIT_PER_USER=0
	    CORS_ORIGINS=)
	check 0
	is "$(worst)" ''
	env+=(CORS_ORIGINS=https://chat.example)
	check 0
	found yellow environment 'ENVIRONMENT is development' \
	    ENVIRONMENT=production
}

@test "proxies that are everybody are broken" {
	local wide
	for wide in 0.0.0.0/0 10.0.0.1,::/0 8.0.0.0/5; do
		env+=("TRUSTED_PROXIES=$wide")
		check 1
		found red proxies "TRUSTED_PROXIES has ${wide#*,}" \
		    'TRUSTED_PROXIES=the addresses of your own proxies'
	done
	env+=(TRUSTED_PROXIES=10.0.0.0/8,fd00::/16)
	check 0
}

# ------------------------------------------------------------------ the data

@test "files that others can read are told" {
	chmod 644 "$SWITCHBOARD_DATA/switchboard.db"
	chmod 640 "$SWITCHBOARD_DATA/secret"
	check 1
	found red files 'everybody may read' 'chmod 600'
	found red files 'secret'
	found red files 'switchboard.db' "$SWITCHBOARD_DATA/switchboard.db"
	chmod 600 "$SWITCHBOARD_DATA/switchboard.db"
	check 0
	found yellow files 'a group may read' \
	    "chmod 600 $SWITCHBOARD_DATA/secret"
	chmod 600 "$SWITCHBOARD_DATA/secret"
	chmod 750 "$SWITCHBOARD_DATA"
	check 0
	found yellow directory 'the group of' "chmod 700 $SWITCHBOARD_DATA"
}

@test "a file that root has left is told" {
	((EUID == 0)) || skip 'only root can give files away'
	chown 65534 "$SWITCHBOARD_DATA/switchboard.db-wal"
	check 1
	found red files "not root's, as the directory is" \
	    "chown -R $(id -un 65534): $SWITCHBOARD_DATA"
	env+=(ENVIRONMENT=development CORS_ORIGINS=)
	check 1
	found red files switchboard.db-wal "chown -R root: $SWITCHBOARD_DATA"
}

@test "a log that can't be written is told" {
	env+=("LOG_FILE=$BATS_TEST_TMPDIR/log")
	check 0
	found green log "can be written, in $BATS_TEST_TMPDIR/log"
	env+=("LOG_FILE=$BATS_TEST_TMPDIR/none/log")
	check 0
	found yellow log "can't make the log" \
	    "$BATS_TEST_TMPDIR/none, or another LOG_FILE"
	env+=("LOG_FILE=$BATS_TEST_TMPDIR")
	check 0
	found yellow log 'is a folder' 'another LOG_FILE'
}

@test "a settings file with a secret that everybody can read is told" {
	file=$BATS_TEST_TMPDIR/elsewhere.env
	printf 'SECRET_KEY=%s\n' "$(head -c 32 /dev/urandom | base64 -w 0)" \
	    >"$file"
	env+=("SWITCHBOARD_ENV_FILE=$file")
	chmod 644 "$file"
	check 1
	found red secrets "can read the secret in $file" "chmod o= $file"
	chmod 640 "$file"
	check 0
}

@test "data inside of a web site is told" {
	mkdir -p "$BATS_TEST_TMPDIR/public_html/chat"
	mv "$SWITCHBOARD_DATA" "$BATS_TEST_TMPDIR/public_html/chat/data"
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/public_html/chat/data
	check 0
	found yellow 'web root' 'by its name (public_html)' \
	    'move it out of there'
	: >"$BATS_TEST_TMPDIR/public_html/index.html"
	check 1
	found red 'web root' "there is $BATS_TEST_TMPDIR/public_html/index.html"
	mkdir -p "$BATS_TEST_TMPDIR/site"
	: >"$BATS_TEST_TMPDIR/site/.htaccess"
	mv "$SWITCHBOARD_DATA" "$BATS_TEST_TMPDIR/site/data"
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/site/data
	check 1
	found red 'web root' "there is $BATS_TEST_TMPDIR/site/.htaccess"
	echo 'require all denied' >"$BATS_TEST_TMPDIR/site/.htaccess"
	check 0
}

@test "a web site right below the root is told, too" {
	((EUID == 0)) || skip 'only root can make a folder there'
	local root
	root=$(mktemp -d /switchboard-check-XXXXXX)
	mv "$SWITCHBOARD_DATA" "$root/data"
	SWITCHBOARD_DATA=$root/data
	: >"$root/index.html"
	check 1 || {
		rm -r "$root"
		return 1
	}
	rm -r "$root"
	found red 'web root' "there is $root/index.html"
}

@test "a directory that is not there is told, and stays so" {
	rm -r "$SWITCHBOARD_DATA"
	check 1
	found red directory "there is no data directory $SWITCHBOARD_DATA" \
	    'switchboard init'
	[ ! -e "$SWITCHBOARD_DATA" ]
	: >"$BATS_TEST_TMPDIR/here/index.html"
	check 1
	found red 'web root' "there is $BATS_TEST_TMPDIR/here/index.html" \
	    'set SWITCHBOARD_DATA'
	rm "$BATS_TEST_TMPDIR/here/index.html"
	: >"$SWITCHBOARD_DATA"
	check 1
	found red directory 'is no directory' 'set SWITCHBOARD_DATA'
	rm "$SWITCHBOARD_DATA"
	mkdir -m 700 "$SWITCHBOARD_DATA"
	check 0
	found yellow database 'there is no database' 'switchboard init'
	found yellow keys 'there is no signing key'
	is "$(ls -A "$SWITCHBOARD_DATA")" ''
}

# ------------------------------------------------------------------ the store

@test "a database that was lost is told, and so is a key" {
	local keys=$SWITCHBOARD_DATA/signing-keys.json
	mv "$keys" "$BATS_TEST_TMPDIR/keys"
	check 1
	found red keys 'the signing key is gone' 'it is in every backup'
	mv "$BATS_TEST_TMPDIR/keys" "$keys"
	rm "$SWITCHBOARD_DATA"/switchboard.db*
	check 1
	found red database "is gone, though there is signing-keys.json, secret" \
	    'switchboard restore --force FILE'
	switchboard init --user "$(id -un)"
	fails 65 '.*: its database is gone, .*/switchboard restore --force FILE;.*'
	[ ! -e "$SWITCHBOARD_DATA/switchboard.db" ]
}

@test "a database that is damaged is told" {
	sql 'PRAGMA wal_checkpoint(TRUNCATE)'
	sql "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage =
	    (SELECT rootpage FROM sqlite_schema WHERE name = 'users')
	    WHERE name = 'logins'"
	check 1
	found red database 'the database is damaged' 'restore --force FILE'
	printf 'no database, but a text of some length' \
	    >"$SWITCHBOARD_DATA/switchboard.db"
	rm -f "$SWITCHBOARD_DATA"/*-wal "$SWITCHBOARD_DATA"/*-shm
	check 1
	found red database 'file is not a database' 'switchboard restore'
}

@test "a row that belongs to none, and a query that can't be, are told" {
	sqlite3 "$SWITCHBOARD_DATA/switchboard.db" \
	    "DELETE FROM users; ALTER TABLE logins DROP COLUMN user_agent"
	check 1
	found red database 'a row of logins belongs to one that isn'"'"'t there'
	found red database 'no such column' 'restore --force FILE'
}

@test "the schema's step is compared" {
	local known=$(sql 'PRAGMA user_version')
	sql "PRAGMA user_version = $((known - 1))"
	check 0
	found yellow database "at schema step $((known - 1))" \
	    'switchboard migrate'
	sql "PRAGMA user_version = $((known + 1))"
	check 0
	found yellow database 'a newer version' 'install the newer version'
	sql "INSERT INTO schema_steps VALUES ($((known + 1)), 'x',
	    $((known + 1)), 1)"
	check 1
	found red database "needs programs that know step $((known + 1))" \
	    'install the newer version'
	# So it is where the newer one has taken away what this one asks for.
	sql 'ALTER TABLE logins DROP COLUMN user_agent'
	check 1
	found red database "needs programs that know step $((known + 1))"
	sql 'UPDATE schema_steps SET oldest = 1'
	check 1
	found red database 'and it lacks what' 'install the newer version'
}

@test "a disk that can't be read is no damage" {
	command -v strace >/dev/null || skip 'no strace'
	! grep -q __asan_init "$command" ||
	    skip 'the sanitizers do not like strace'
	local at
	sql 'PRAGMA wal_checkpoint(TRUNCATE)'
	for at in 1 3 6; do
		clock=(strace -qq -o /dev/null -e trace=pread64
		    -P "$SWITCHBOARD_DATA/switchboard.db"
		    -e "inject=pread64:error=EIO:when=$at+")
		check 1
		found red database "can't be read" fuser
		listed 'all(.findings[];
		    (.fix // "") | contains("restore") | not)'
	done
}

@test "a lock is no damage" {
	sql 'PRAGMA journal_mode = DELETE'
	coproc holder { sqlite3 "$SWITCHBOARD_DATA/switchboard.db"; }
	local in=${holder[1]} out=${holder[0]}
	printf '%s\n' 'BEGIN EXCLUSIVE;' 'SELECT 1;' >&"$in"
	read -r -u "$out" _
	check 1
	found red database 'database is locked' 'fuser'
	listed 'all(.findings[]; (.fix // "") | contains("restore") | not)'
	kill "$holder_PID"
}

@test "a WAL that has grown, and counts that are damaged, are told" {
	rm -f "$SWITCHBOARD_DATA/switchboard.db-shm"
	truncate -s 20M "$SWITCHBOARD_DATA/switchboard.db-wal"
	printf 'no database, but a text of some length' \
	    >"$SWITCHBOARD_DATA/limits.db"
	chmod 600 "$SWITCHBOARD_DATA/limits.db"
	check 0
	found yellow wal 'the WAL has grown to 20 MiB' 'switchboard tick'
	found yellow counts 'the counts of limits are damaged' 'nothing'
}

@test "keys that are damaged, foreign or left over are told" {
	local keys=$SWITCHBOARD_DATA/signing-keys.json
	env+=("SECRET_KEY=$(head -c 32 /dev/urandom | base64 -w 0)")
	check 0
	found yellow keys "the programs' SECRET_KEY is not this one" \
	    'the SECRET_KEY of the programs'
	unset 'env[-1]'
	/usr/bin/python3 "$BATS_TEST_DIRNAME/forge.py" add-key "$keys"
	clock=(faketime -f +30d)
	check 0
	found yellow keys '1 key is of no token any more' 'switchboard tick'
	clock=()
	echo '{"keys":[' >"$keys"
	echo no >"$SWITCHBOARD_DATA/secret"
	check 1
	found red keys 'is not JSON' "rm $keys"
	found red secret 'is damaged' 'put it back from a backup'
}

# ------------------------------------------------------------------ its care

@test "a clock that was set back is told" {
	clock=(faketime '2026-01-01 12:00:00')
	check 1
	found red clock 'but the database has something of' 'timedatectl'
	clock=(faketime '2003-01-01 12:00:00')
	check 1
	found red clock 'the clock says 2003-01-01' 'timedatectl'
}

@test "what was done in the future is told" {
	local later='{"%s":"2099-01-01T00:00:00.000000Z"}'
	printf "$later" ended_at >"$SWITCHBOARD_DATA/last-tick.json"
	printf "$later" taken_at >"$SWITCHBOARD_DATA/last-backup.json"
	check 0
	found yellow tick 'the last tick is noted for 2099-01-01' timedatectl
	found yellow backup 'the last backup is noted for 2099-01-01'
}

@test "what was not done for long is told" {
	clock=(faketime -f +9d)
	check 0
	found yellow tick 'tick was last through 9 days ago' 'tick --quiet'
	found yellow backup 'taken 9 days ago' 'backup --force'
	clock=()
	chmod 644 "$BATS_FILE_TMPDIR/saved"
	check 1
	chmod 600 "$BATS_FILE_TMPDIR/saved"
	found red backup 'others can read the last backup' \
	    "chmod 600 $BATS_FILE_TMPDIR/saved"
	rm "$SWITCHBOARD_DATA"/last-*
	check 0
	found yellow tick 'tick was never through' '17 * * * *'
	found yellow backup 'there was never a backup'
}

# --------------------------------------------------- through the web server

# through STATUS HOW: the check, at the front that does so.
through()
{
	env=(ENVIRONMENT=development)
	check "$1" --url "http://127.0.0.1:$port/$2"
}

@test "a web server that is set up well has nothing to mend" {
	through 0 good/
	is "$(worst)" ''
	found green answer '/health says ok'
	found green token 'the Authorization header comes through'
	found green ways 'each program gets'
	found green version 'as this command'
	found green prefix 'it knows that it is at /good'
	found green address 'it sees you as 127.0.0.1'
	found green stream 'events come one by one'
	found green errors 'errors come as JSON'
	found green reach 'no file of the data directory'
	found green gzip 'pages come compressed'
	found green date 'says the same'
}

@test "programs that are not confined, though they could be, are told" {
	env+=(CONFINE=true)
	check 0
	listed 'any(.findings[]; .check == "confinement"
	    and .grade == "green")' ||
	    skip 'nothing can be confined here'
	through 0 free
	found yellow confined 'is not confined, though' 'CONFINE=false'
	through 0 good
	found green confined 'the program that answers is confined by'
}

@test "a stream that is held back, and a proxy that hides everybody, are told" {
	through 1 buffers_proxies
	found yellow stream 'events are held back' 'flushpackets=on'
	found red address 'everybody has the address 127.0.0.1' \
	    'TRUSTED_PROXIES=127.0.0.1'
}

@test "errors in HTML, data to download, and other settings are told" {
	through 1 html_leaks_staging_unpacks_believes
	found red errors '/no-such-thing is answered with a 404' \
	    'ErrorDocument'
	found red reach '/data/switchboard.db' 'switchboard key rotate'
	found red reach '/data/signing-keys.json'
	listed '[.findings[] | select(.check == "reach")] | length == 2'
	found yellow version 'their ENVIRONMENT is staging' 'into the file'
	found yellow gzip 'pages come uncompressed' 'Accept-Encoding'
	found yellow address 'any X-Forwarded-For is believed'
}

@test "tokens in the clear, and a forged address, are told" {
	env=(ENVIRONMENT=development)
	# It is 127.0.0.1, though not at first sight.
	check 1 --url "http://2130706433:$port/believes_far"
	found red https 'go over http://2130706433' 'certbot'
	found yellow environment 'others seem to come here'
	found red address 'anybody can claim to be any address' \
	    '$proxy_add_x_forwarded_for'
}

@test "that this machine is believed is no more than unwise" {
	local how
	env=(ENVIRONMENT=development)
	# With a proxy that adds its client, and without any.
	for how in believes_proxies_far believes; do
		check 1 --url "http://2130706433:$port/$how"
		found yellow address 'from this machine any X-Forwarded-For' \
		    'from another machine'
	done
}

@test "a signal to stop ends a look, even while it waits for an answer" {
	local url=http://127.0.0.1:$port/hangs
	env -i "PATH=$PATH" "ASAN_OPTIONS=${ASAN_OPTIONS-}" \
	    SWITCHBOARD_ENV_FILE=/dev/null \
	    "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" "$command" check --url "$url" \
	    >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	local looking=$!
	eventually 30 grep -q 'GET /hangs' "$BATS_FILE_TMPDIR/front.log"
	kill -TERM "$looking"
	wait "$looking" || status=$?
	is "$status" 143
	# It would be over by itself, too, and say so.
	lacks "$(<"$BATS_TEST_TMPDIR/out")" broken
	has "$(<"$BATS_TEST_TMPDIR/err")" 'stopped by a signal'
}

@test "an Authorization header that is dropped is told, with the line to add" {
	through 1 drops
	found red token 'drops the Authorization header' \
	    'SetEnvIf Authorization "(.+)" HTTP_AUTHORIZATION=$1'
	found red token drops 'CGIPassAuth On'
}

@test "another installation behind the URL is told" {
	through 1 foreign
	found red token 'is another installation than' \
	    'the same SWITCHBOARD_DATA'
	listed 'all(.findings[]; .check != "stream")'
}

@test "a prefix that the programs are not told is, with the line to add" {
	through 1 hides
	found red answer "don't know that they are under /hides" \
	    'ROOT_PATH=/hides'
	# As it stands in a browser's line.
	through 1 hides/openapi.json
	found red answer 'under /hides' 'ROOT_PATH=/hides,'
	env=(ROOT_PATH=/hides)
	check 1 --url "http://127.0.0.1:$port/hides/health/"
	found red answer 'under /hides' 'systemctl reload'
}

@test "where nobody answers, nothing is found to be well" {
	through 1 closes
	found red token 'no answer to http://127.0.0.1' "web server's log"
	listed '[.findings[] | select(.area == "web" and .grade == "red")]
	    | length == 1'
	listed 'all(.findings[]; .check != "reach" and .check != "errors"
	    and .check != "gzip")'
}

@test "a program that doesn't get what is its own is told" {
	local session=/api/sessions/00000000-0000-0000-0000-000000000000

	# As a server's file had it before there were more programs.
	through 1 outdated
	found red ways 'sends /api/sessions elsewhere than to the program chat' \
	    '/switchboard/examples'
	found red ways "$session/events elsewhere than to the program events" \
	    'in its order'
	through 1 forgets
	found red ways "$session/events elsewhere than to the program events" \
	    '.htaccess'
	found red ways 'than to the program events' 'in its order'
	listed 'all(.findings[]; .check != "ways" or
	    (.sentence | contains("the program chat") | not))'
	through 1 lacks
	found red ways "$session/events, the program events, is answered with a 503" \
	    'systemctl start switchboard.target'
	listed '[.findings[] | select(.check == "ways")] | length == 1'
}

@test "a stream that is not answered is told with what comes instead" {
	through 1 fails
	found red stream 'answered with a 500, as text/html' 'log says'
	lacks "$output" 'No error'
}

@test "what a web server says does nothing to a terminal" {
	local how
	env=(ENVIRONMENT=development)
	for how in rude rudely-moved; do
		switchboard check --url "http://127.0.0.1:$port/$how"
		ends 1
		is_harmless "$output"
		lacks "$output" $'\n          fix: rm'
		has "$output" '31mc'
		switchboard check --json --url "http://127.0.0.1:$port/$how"
		ends 1
		is_harmless "$output"
		listed '.red > 0 and all(.findings[];
		    (.fix // "") | contains("\n          fix") | not)'
	done
}

@test "programs that don't run, and a URL that leads elsewhere, are told" {
	through 1 down
	found red answer 'is answered with a 502' "the web server's log"
	through 1 moved
	found red answer 'leads elsewhere (301 to /good/health)' \
	    "check --url http://127.0.0.1:$port/good"
	listed 'all(.findings[]; (.fix // "") | endswith("/health") | not)'
	listed '[.findings[] | select(.area == "web")] | length == 1'
}

@test "why nobody answers is told" {
	env=(ENVIRONMENT=development)
	# Too long a label for a name, so that nobody is asked for it.
	check 1 --url "http://$(printf a%.0s {1..70}).example"
	found red answer 'nobody knows the name of the host' 'AAAA'
	check 1 --url "http://127.0.0.1:$deaf_port"
	found red answer 'nothing listens there' 'start the web server'
	check 1 --url "https://127.0.0.1:$tls_port/good"
	found red answer 'its certificate is not good' 'certbot renew'
	check 1 --url "https://127.0.0.1:$port/good"
	found red answer "TLS can't be agreed on there" 'turn TLS on'
}
