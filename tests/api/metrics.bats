# GET /metrics: who may read it, what it counts over all processes, and that
# nothing that befalls its files troubles a request.

load harness
load command

token=CD0gCcp8r4oDtQ0hzlIrMK7L
settings+=("METRICS_TOKEN=$token")
requests=switchboard_http_requests_total
durations=switchboard_http_request_duration_seconds

setup()
{
	new_data
}

# scrape [--compare]: the metrics of now, which have to be right in form; sets
# $samples, as metrics.py prints them.
scrape()
{
	call GET /metrics "Authorization: Bearer $token"
	is "$status_code" 200 status
	is "$(header Content-Type)" \
	    'text/plain; version=0.0.4; charset=utf-8' Content-Type
	samples=$(PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8 \
	    "$BATS_TEST_DIRNAME/metrics.py" "$@" < <(printf %s "$body") 2>&1) || {
		show "$samples"
		return 1
	}
}

# sample NAME [LABEL=VALUE...]: the sum of those that have these labels, or -.
sample()
{
	awk -F '\t' '
		BEGIN {
			for (i = 1; i < ARGC; i++)
				wanted[i] = ARGV[i]
			n = ARGC - 1
			ARGC = 1
		}
		$2 == wanted[1] {
			has = 1
			for (i = 3; i <= NF; i++)
				for (j = 2; j <= n; j++)
					has += $i == wanted[j]
			if (has == n) {
				sum += $1
				found = 1
			}
		}
		END { printf found ? "%.15g\n" : "-\n", sum }' \
	    "$@" <<<"$samples"
}

counted()	# NUMBER NAME [LABEL=VALUE...]
{
	local wanted=$1
	shift
	is "$(sample "$@")" "$wanted" "$*"
}

logged()	# REGEX: the last request has a line like it, and but its own
{
	is "$(grep -cE "$1" <<<"$log")" 1 "lines like $1 in: $log"
	is "$(wc -l <<<"$log")" 2 "lines of: $log"
}

file()		# NAME
{
	echo "$SWITCHBOARD_DATA/${1-meta}.metrics"
}

# ------------------------------------------------------------ who may read

@test "without a token set nobody may, and nothing is counted" {
	settings+=(METRICS_TOKEN=)
	call GET /metrics "Authorization: Bearer $token"
	expect 404 '{"detail":"Not Found"}'
	call GET /metrics 'Authorization: Bearer'
	expect 404
	call GET /health
	expect 200
	[ ! -e "$(file)" ]
}

@test "only that token opens them, to the letter" {
	local wrong
	call GET /metrics
	expect 401 '{"detail":"Not authenticated"}'
	is "$(header WWW-Authenticate)" Bearer
	call GET /metrics "Authorization: Basic $token"
	expect 401 '{"detail":"Not authenticated"}'
	for wrong in '' x "${token%?}" "${token}C" "${token,,}" "$token $token" \
	    "$token$token" "$token,"; do
		call GET /metrics "Authorization: Bearer $wrong"
		refused
	done
	register anna
	call GET /metrics "Authorization: Bearer $access"
	refused
	call GET /metrics "Authorization: bearer   $token"
	expect 200 "$body"
	is "$(header Cache-Control)" no-store
	me "$token"
	refused
}

@test "a token that is easy to guess stops the start, and is not shown" {
	local poor
	for poor in short changeme-changeme aaaaaaaaaaaaaaaaaaaa; do
		settings+=("METRICS_TOKEN=$poor")
		call GET /health
		expect 500
		has "$log" 'METRICS_TOKEN: the value is not accepted'
		lacks "$log" "$poor"
	done
}

@test "HEAD has their header fields, and a client that takes it gets gzip" {
	call HEAD /metrics "Authorization: Bearer $token"
	expect 200
	is "$body" ''
	call POST /metrics
	expect 405
	is "$(header Allow)" 'GET, HEAD' Allow
	call GET /metrics "Authorization: Bearer $token" \
	    'Accept-Encoding: gzip'
	is "$(header Content-Encoding)" gzip
}

# ---------------------------------------------------------------- requests

@test "requests are counted by program, method, route and status" {
	register anna
	call GET /health
	call HEAD /health
	call GET /nowhere
	call DELETE /health
	me "$access"
	me x
	call DELETE "/api/auth/sessions/$(claim sid "$refresh")" \
	    "Authorization: Bearer $access"
	expect 204
	post /api/auth/register '{}'
	scrape --compare
	counted 0 switchboard_processes program=auth
	counted 2 $requests program=meta method=GET route=/health status=200
	counted 1 $requests program=meta method=GET route=unmatched status=404
	counted 1 $requests program=meta method=DELETE route=unmatched \
	    status=405
	counted 1 $requests program=auth method=GET route=/api/auth/me \
	    status=200
	counted 1 $requests program=auth method=GET route=/api/auth/me \
	    status=401
	counted 1 $requests program=auth method=DELETE status=204 \
	    'route=/api/auth/sessions/{id}'
	counted 1 $requests program=auth method=POST status=201
	counted 1 $requests program=auth method=POST status=422
	counted 9 $requests
	counted 9 ${durations}_count
	counted 9 ${durations}_bucket le=+Inf
	# The scrape itself comes with the next one.
	counted - $requests route=/metrics
	scrape
	counted 1 $requests program=meta route=/metrics status=200
}

@test "what a client makes up is no label" {
	local i before
	call GET '/x%22%7D%201%0aevil%7b'
	call $'G"ET\\' /
	call 'GET,status="200"' /api/auth/me
	scrape --compare
	counted 1 $requests method=GET route=unmatched
	counted 2 $requests method=other route=unmatched
	lacks "$body" evil
	before=$(wc -l <<<"$body")
	for i in 1 2 3 4 5 6 7 8; do
		call GET /$RANDOM/$i
	done
	scrape
	counted 9 $requests method=GET route=unmatched
	# But for those of /metrics itself.
	is "$(wc -l <<<"$body")" $((before + 18)) lines
}

@test "a request is in the bucket of the time that it took" {
	local slow=(program=auth route=/api/auth/register)
	settings+=(SCRYPT_N=16384 SCRYPT_R=8)
	register anna
	scrape
	counted 0 ${durations}_bucket "${slow[@]}" le=0.005
	counted 1 ${durations}_bucket "${slow[@]}" le=+Inf
	awk -v took="$(sample ${durations}_sum "${slow[@]}")" \
	    'BEGIN { exit !(took > 0.005 && took < 60) }\'
}

@test "a request that meets broken settings is counted as the 500 that it is" {
	settings+=(SCRYPT_N=none)
	call GET /health
	expect 500
	settings+=(SCRYPT_N=1024)
	scrape
	counted 1 $requests route=unmatched status=500
}

# ------------------------------------------------------- logins and limits

@test "logins that fail are counted by their reason" {
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=3)
	register anna
	register bob
	try_login anna wrong
	try_login nobody
	try_login anna wrong
	switchboard user disable bob
	try_login bob
	expect 400
	try_login anna wrong
	try_login anna
	try_login anna
	expect 429
	scrape
	local failures=switchboard_login_failures_total
	counted 4 $failures reason=credentials
	counted 1 $failures reason=disabled
	counted 2 $failures reason=limit
	counted 2 switchboard_limit_refusals_total limit=account
	counted 0 switchboard_limit_refusals_total limit=user
	# Two registered, and five guesses were let through.
	counted 7 switchboard_password_hashes_total
	counted 0 switchboard_password_hash_refusals_total
}

@test "what limits refuse is counted by the limit" {
	settings+=(RATE_LIMIT_PER_USER=2 RATE_LIMIT_PER_ADDRESS=3)
	register anna
	for _ in 1 2 3 4; do me "$access"; done
	for _ in 1 2 3; do try_login anna wrong; done
	expect 429
	scrape
	counted 2 switchboard_limit_refusals_total limit=user
	counted 1 switchboard_limit_refusals_total limit=address
	counted 0 switchboard_limit_refusals_total limit=account
	counted 1 switchboard_login_failures_total reason=limit
}

# ----------------------------------------------------- what there is to see

@test "sizes, times and versions are those that there are" {
	local version
	scrape
	counted 0 switchboard_last_tick_timestamp_seconds
	counted 0 switchboard_last_backup_timestamp_seconds
	register anna
	settings+=(RATE_LIMIT_PER_USER=30)
	me "$access"
	at_second 2000000000 switchboard tick
	at_second 2000000060 switchboard backup "$BATS_TEST_TMPDIR/saved"
	register bob
	scrape
	counted 2000000000 switchboard_last_tick_timestamp_seconds
	counted 2000000060 switchboard_last_backup_timestamp_seconds
	cd "$SWITCHBOARD_DATA"
	counted "$(stat -c %s switchboard.db)" switchboard_database_size_bytes
	counted "$(stat -c %s switchboard.db-wal)" \
	    switchboard_database_wal_size_bytes
	counted "$(stat -c %s limits.db)" switchboard_limits_size_bytes
	counted "$(sql 'PRAGMA user_version')" switchboard_schema_step
	version=$("$command" --version)
	counted 1 switchboard_build_info "version=${version##* }"
	like "$(sample switchboard_filesystem_free_bytes)" '[1-9][0-9]+'
}

@test "a note of no time that can be is as good as none" {
	local at
	for at in 1969-12-31T23:59:50.450000Z 0001-01-01T00:00:00.000000Z \
	    2026-13-01T00:00:00.000000Z yesterday; do
		echo "{\"ended_at\":\"$at\"}" \
		    >"$SWITCHBOARD_DATA/last-tick.json"
		scrape
		counted 0 switchboard_last_tick_timestamp_seconds
	done
}

@test "they can be read while the database can't" {
	printf '%8192s' 'This is not a database.' \
	    >"$SWITCHBOARD_DATA/switchboard.db"
	call GET /health
	expect 503
	scrape
	counted - switchboard_schema_step
	counted 8192 switchboard_database_size_bytes
	counted 1 $requests route=/health status=503
}

@test "a step that is not known is left out, and not waited for for long" {
	local holder began took
	scrape
	counted 0 switchboard_schema_step
	switchboard migrate
	scrape
	counted "$(sql 'PRAGMA user_version')" switchboard_schema_step
	# Of a file without a WAL whoever writes keeps out all others.
	sql 'PRAGMA journal_mode = DELETE' >/dev/null
	coproc sqlite3 "$SWITCHBOARD_DATA/switchboard.db"
	holder=$COPROC_PID
	echo 'BEGIN EXCLUSIVE; SELECT 1;' >&"${COPROC[1]}"
	read -r _ <&"${COPROC[0]}"
	# On a machine that has much to do one of some is quick.
	for _ in 1 2 3 4 5 6; do
		began=${EPOCHREALTIME/./}
		scrape
		took=$((${EPOCHREALTIME/./} - began))
		((took >= 1500000)) || break
	done
	((took < 1500000))
	counted - switchboard_schema_step
	kill $holder
	wait $holder || true
}

# ----------------------------------------------------------- many processes

# health N: so many requests by programs started one after the other.
health()
{
	local i
	for ((i = 0; i < $1; i++)); do
		env -i GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET \
		    REQUEST_URI=/health "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" \
		    "ASAN_OPTIONS=${ASAN_OPTIONS-}" \
		    "METRICS_TOKEN=$token" "$programs/meta" >/dev/null \
		    2>>"$BATS_TEST_TMPDIR/err.$BASHPID"
	done
}

@test "of 200 requests by 8 processes at a time none is missing" {
	local i
	switchboard migrate
	# They find no file of counters, too.
	for i in 1 2 3 4 5 6 7 8; do
		health 25 3>&- &
	done
	wait
	scrape
	counted 200 $requests route=/health status=200
	counted 200 ${durations}_count route=/health
	is "$(ls "$SWITCHBOARD_DATA" | grep metrics | tr '\n' ' ')" \
	    'meta.metrics metrics.slots ' files
	is "$(stat -c %a "$(file)")" 600 mode
}

# ------------------------------------------------------ what befalls a file

@test "who locks a file of counters, as wide as he likes, is no process" {
	local how pid
	call GET /health
	for how in EX EX,5 EX,0,5 EX,9,1073741824 EX,0,1073741831 \
	    SH,3,1073741831; do
		# Until it is told to end.
		coproc python3 -c "import fcntl, sys
with open(sys.argv[1], 'r+') as f:
    fcntl.lockf(f, fcntl.LOCK_$how)
    print(flush=True)
    sys.stdin.read()" "$(file)"
		pid=$COPROC_PID
		read -r _ <&"${COPROC[0]}"
		scrape
		counted 0 switchboard_processes program=meta
		kill $pid
		wait $pid || true
	done
}

@test "a file of another layout is replaced, and those of others stay" {
	call GET /health
	me x
	# As if another version of the program had made it.
	cp "$(file auth)" "$(file)"
	call GET /health
	call GET /health
	is "$(wc -l <<<"$log")" 1 "lines of: $log"
	scrape
	counted 2 $requests program=meta
	counted 1 $requests program=auth
}

@test "a file that is damaged is made anew" {
	local damage
	call GET /health
	cp "$(file)" "$BATS_TEST_TMPDIR/good"
	for damage in 'truncate -s 0' 'truncate -s 20' 'truncate -s 1000' \
	    'truncate -s +8' 'truncate -s 9999999' \
	    "sed -i s/SBCOUNT/SBCOUNTS/" 'sed -i s,/health,/haelth,' \
	    'sed -i s/status/stutus/'; do
		cp "$BATS_TEST_TMPDIR/good" "$(file)"
		$damage "$(file)"
		call GET /health
		expect 200
		scrape
		counted 1 $requests
	done
}

@test "where no file can be, requests go on, and a line says so" {
	switchboard migrate
	mkdir "$(file)"
	call GET /health
	expect 200
	logged 'warning meta .*/meta.metrics: Is a directory; nothing is counted$'
	rmdir "$(file)"
	ln -s /etc/passwd "$(file)"
	call GET /health
	expect 200
	logged 'Too many levels of symbolic links; nothing is counted$'
	rm "$(file)"
	mkdir "$SWITCHBOARD_DATA/meta.metrics.new"
	call GET /health
	expect 200
	logged 'meta.metrics: .*; nothing is counted$'
	rmdir "$SWITCHBOARD_DATA/meta.metrics.new"
	call GET /health
	scrape
	counted 1 $requests
}

@test "on a disk that is full nothing is counted, and it is when there is room" {
	local small=$BATS_TEST_TMPDIR/small
	printf '#!/bin/sh\nulimit -f 1\nexec "%s" "$@"\n' "$programs/meta" \
	    >"$small"
	chmod +x "$small"
	on_full_disk
	logged 'meta.metrics: File too large; nothing is counted$'
	is "$(ls "$SWITCHBOARD_DATA")" metrics.slots files
	call GET /
	scrape
	counted 1 $requests
	# One that is there already needs no room.
	on_full_disk
	is "$(wc -l <<<"$log")" 1 "lines of: $log"
	scrape
	counted 3 $requests
}

on_full_disk()
{
	local programs= program=$small
	call GET /
	expect 200
}

@test "files that are none of counters are passed over, with a line" {
	call GET /health
	cp "$(file)" "$(file 'Meta')"
	cp "$(file)" "$(file 'a"b')"
	cp "$(file)" "$SWITCHBOARD_DATA/meta.metrics~"
	echo nonsense >"$(file other)"
	mkfifo "$(file pipe)"
	scrape
	counted 1 $requests
	is "$(grep -c 'is no file of counters' <<<"$log")" 2 "lines in: $log"
}
