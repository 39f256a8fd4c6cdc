#!/usr/bin/env bats
#
# What can happen around a service that runs: files taken away, locks held,
# signals, floods, a log that nobody reads.  Every test has a server and a data
# directory of its own.

load harness

setup()
{
	background=()
	SB_WORKERS=4
	SB_DATA=$BATS_TEST_TMPDIR/data
	SB_LOG=$BATS_TEST_TMPDIR/log
	cd "$BATS_TEST_TMPDIR"
}

teardown()
{
	stop_background
	stop_server
	rm -rf "${data_made-}"
}

database()
{
	echo "$SB_DATA/switchboard.db"
}

sql()
{
	sqlite3 -cmd '.timeout 2000' "$(database)" "$1"
}

kid()		# TOKEN
{
	local text=${1%%.*}

	while ((${#text} % 4)); do text+="="; done
	tr _- /+ <<<"$text" | base64 -d | jq -r .kid
}

# post_many N PATH JSON, with {}: the code of each answer and the seconds that
# it took are a line of `codes', its body is body.{}.
post_many()
{
	many "$1" curl -s -m 60 -o body.{} -w '%{http_code} %{time_total}\n' \
	    -H 'Content-Type: application/json' -d "$3" "$SB_URL$2" >codes
}

register_many()	# N NAME
{
	post_many "$1" /api/auth/register "{\"email\":\"$2{}@example.com\",\"username\":\"$2{}\",\"password\":\"password123\"}"
}

assert_codes()	# COUNTxCODE...
{
	assert_equal "$(cut -d ' ' -f 1 codes | sort | uniq -c |
	    awk '{ print $1 "x" $2 }' | paste -sd ' ')" "$1"
}

# Calls the programs without end, as the bearer of a token; the code of each
# answer is a line of load.N.
start_load()
{
	local n paths=(/health /api/auth/me)

	for n in 0 1 2 3; do
		curl -s -o /dev/null -w '%{stderr}%{http_code}\n' \
		    -H "Authorization: Bearer $1" \
		    "$SB_URL${paths[n % 2]}?[1-9999999]" \
		    2>load.$n >/dev/null 3>&- &
		background+=($!)
	done
	eventually 30 has_load_grown 20
}

has_load_grown()	# N: there are so many answers
{
	(($(cat load.* | wc -l) > $1))
}

are_replaced()
{
	not is_alive "$@" && (($(workers | wc -l) == 4 * SB_WORKERS))
}

# ---------------------------------------------------------------- the log

@test "a log that nobody reads stops no request" {
	mkfifo pipe
	exec {reader}<>pipe
	SB_LOG=$PWD/pipe
	start_server
	# 200 lines of 600 bytes are more than a pipe holds.
	seq 200 | xargs -P 20 -I {} curl -s -m 60 -o /dev/null \
	    -w '%{http_code}\n' \
	    "$SB_URL/$(printf '%0550d' 0){}" >codes
	assert_codes 200x404
	register_many 20 stuck
	assert_codes 20x201
	call GET /health
	assert_answer 200
	exec {reader}>&-
}

# ---------------------------------------------------------------- files

@test "a key file that was replaced is the one that signs and verifies" {
	start_server
	register keys
	assert_answer 201
	old=$(field access_token) old_refresh=$(field refresh_token)
	# Every worker has read the old one.
	many 24 curl -s -o /dev/null -H "Authorization: Bearer $old" \
	    "$SB_URL/api/auth/me?{}"
	file=$SB_DATA/signing-keys.json
	jq --arg k "$(head -c 32 /dev/urandom | base64 -w 0 | tr +/ -_ |
	    tr -d =)" '.keys = [{kty: "oct", k: $k, iat: .keys[0].iat}]' \
	    "$file" >"$file.new"
	mv "$file.new" "$file"
	sleep 1.5

	many 24 curl -s -o body.{} -w '%{http_code}\n' \
	    -d 'username=keys&password=password123' \
	    "$SB_URL/api/auth/login" >codes
	assert_codes 24x200
	wanted=$(jq -r '.keys[0].k' "$file" | sed 's/$/=/' | tr _- /+ |
	    base64 -d | sha256sum | cut -c -16)
	for token in $(jq -r .access_token body.*); do
		assert_equal "$(kid "$token")" "$wanted"
	done
	many 24 curl -s -o /dev/null -w '%{http_code}\n' \
	    -H "Authorization: Bearer $old" "$SB_URL/api/auth/me?{}" >codes
	assert_codes 24x401
	refresh "$old_refresh"
	assert_answer 401
	me "$(jq -r .access_token body.1)"
	assert_answer 200
}

@test "a key file that was damaged does not stop the processes that run" {
	start_server
	register damage
	access=$(field access_token)
	many 24 curl -s -o /dev/null -H "Authorization: Bearer $access" \
	    "$SB_URL/api/auth/me?{}"
	cp "$SB_DATA/signing-keys.json" keys
	echo rubbish >"$SB_DATA/signing-keys.json"
	sleep 1.2
	many 24 curl -s -o /dev/null -w '%{http_code}\n' \
	    -H "Authorization: Bearer $access" "$SB_URL/api/auth/me?{}" >codes
	assert_codes 24x200
	login damage
	assert_answer 200
	grep -q 'signing-keys.json: is not JSON' "$SB_LOG"
	cp keys "$SB_DATA/signing-keys.json"
	me "$access"
	assert_answer 200
}

# The codes of 24 logins at once, so that every worker has some.
log_in_many()
{
	many 24 curl -s -m 60 -o /dev/null -w '%{http_code}\n' \
	    -d 'username=secret&password=password123' \
	    "$SB_URL/api/auth/login" >codes
}

@test "a damaged secret is a 500, and none as soon as it is put right" {
	settings=(LOGIN_FAILURES_PER_ACCOUNT=10)
	start_server
	register secret
	assert_answer 201
	echo rubbish >"$SB_DATA/secret"
	log_in_many
	assert_codes 24x500
	grep -q "$SB_DATA/secret: is damaged" "$SB_LOG"
	me "$(field access_token)"
	assert_answer 200
	head -c 32 /dev/urandom | base64 -w 0 | tr +/ -_ | tr -d = >good
	mv good "$SB_DATA/secret"
	log_in_many
	assert_codes 24x200
	# Who has it goes on without the file.
	echo rubbish >"$SB_DATA/secret"
	sleep 1.2
	log_in_many
	run ! grep -v '^\(200\|500\)$' codes
	grep -q '^200$' codes
}

@test "of a deleted account no file tells after a tick beside the workers" {
	start_server
	register_many 8 some
	assert_codes 8x201
	register left-behind
	assert_answer 201
	access=$(field access_token)
	call POST /api/auth/login -A Zu7-Agent/1.0 \
	    -d 'username=left-behind&password=password123'
	assert_answer 200
	many 24 curl -s -o /dev/null -H "Authorization: Bearer $access" \
	    "$SB_URL/api/auth/me?{}"
	grep -rqaiF -e left-behind -e zu7-agent "$SB_DATA"
	call DELETE /api/auth/me -H "Authorization: Bearer $access" \
	    -d '{"current_password":"password123"}' \
	    -H 'Content-Type: application/json'
	assert_answer 204
	"$SB_BUILD/bin/switchboard" tick --quiet
	run ! grep -rlaiF -e left-behind -e zu7-agent "$SB_DATA"
	refute_output
	assert_equal "$(sql 'PRAGMA integrity_check')" ok
	login some3
	assert_answer 200
}

# All that register after a loss are in the file that is there.
assert_new_file()	# NAME
{
	register_many 24 "$1"
	assert_codes 24x201
	assert_equal "$(sql 'SELECT count(*) FROM users')" 24
	assert_equal "$(sql 'PRAGMA integrity_check')" ok
	login "${1}7"
	assert_answer 200
	call GET /health
	assert_answer 200
}

@test "a database that was removed is made anew" {
	start_server
	register_many 24 old
	assert_codes 24x201
	rm "$(database)"*
	assert_new_file new
	login old7
	assert_answer 401
}

# Processes that have had no request since then still hold the old one's index.
@test "a database that was removed without its log is made anew" {
	start_server
	register_many 4 old
	assert_codes 4x201
	rm "$(database)"
	assert_new_file new
	login old3
	assert_answer 401
}

@test "a data directory that was removed, or made anew, is used" {
	start_server
	register_many 24 old
	assert_codes 24x201
	rm -r "$SB_DATA"
	mkdir -m 700 "$SB_DATA"
	assert_new_file new
	rm -r "$SB_DATA"
	assert_new_file again
	assert_equal "$(stat -c %a "$SB_DATA")" 700
}

@test "a database that was put back from a copy is used" {
	start_server
	register_many 6 early
	assert_codes 6x201
	sql "VACUUM INTO '$PWD/copy'"
	register_many 6 late
	assert_codes 6x201
	rm "$(database)"-*
	mv copy "$(database)"
	login early3
	assert_answer 200
	login late3
	assert_answer 401
	register_many 24 new
	assert_codes 24x201
	assert_equal "$(sql 'SELECT count(*) FROM users')" 30
	assert_equal "$(sql 'PRAGMA integrity_check')" ok
}

# ---------------------------------------------------------------- crowds

@test "a store that is locked is a 503 in time, and reading goes on" {
	SB_WORKERS=2
	start_server
	register lock
	assert_answer 201
	access=$(field access_token)
	refresh=$(field refresh_token)
	mkfifo lock
	sqlite3 "$(database)" <lock >held 2>&1 3>&- &
	background+=($!)
	exec {lock}>lock
	printf 'BEGIN IMMEDIATE;\n.shell echo held\n' >&"$lock"
	eventually 30 test -s held
	holder=("${background[@]}") background=()

	probe "$access"
	mkdir refreshes
	(
		cd refreshes
		post_many 6 /api/auth/refresh "{\"refresh_token\":\"$refresh\"}"
	) 3>&- &
	register_many 6 locked
	wait $!
	cat refreshes/codes >>codes
	assert_codes 12x503
	# However slow they are, each is answered often while it is locked.
	eventually 60 has_probed 15
	assert_probed 15

	printf 'ROLLBACK;\n.quit\n' >&"$lock"
	exec {lock}>&-
	wait "${holder[@]}"
	refresh "$refresh"
	assert_answer 200
	register locked1
	assert_answer 201
}

@test "a flood of logins leaves room for all that does not hash" {
	SB_WORKERS=2
	settings=(HASHES=1 SCRYPT_N=16384 SCRYPT_R=8 SCRYPT_P=5)
	start_server
	register flood
	assert_answer 201
	probe "$(field access_token)"
	many 20 curl -s -m 60 -o /dev/null -w '%{http_code} %{time_total}\n' \
	    -d 'username=flood&password=password123' \
	    "$SB_URL/api/auth/login?{}" >codes
	assert_probed 10
	# Those that found no place in 5 s may come again.
	run ! grep -v '^\(200\|503\) ' codes
	assert_equal "$(wc -l <codes)" 20
	grep -q '^200 ' codes
}

# ---------------------------------------------------------------- signals

@test "a hang-up of all workers under load loses no request" {
	make_data
	start_server
	register hangup
	start_load "$(field access_token)"
	for _ in 1 2 3; do
		mapfile -t list < <(workers)
		kill -HUP "${list[@]}"
		eventually 30 are_replaced "${list[@]}"
	done
	has=$(cat load.* | wc -l)
	eventually 30 has_load_grown $((has + 20))
	stop_background
	# By awk, as a curl that was stopped may have left a line without end.
	assert_equal "$(awk '$0 != "200"' load.*)" ''
	assert_equal "$(grep -c 'ended by signal' "$SB_LOG")" 0
}

@test "a parent that was killed leaves nothing, and service comes back" {
	start_server
	register orphan
	access=$(field access_token)
	start_load "$access"
	for _ in 1 2; do
		# shellcheck disable=SC2207
		old=($(programs) $(workers))
		assert_equal ${#old[@]} $((4 + 4 * SB_WORKERS))
		# shellcheck disable=SC2046
		kill -KILL $(programs)
		eventually 30 not is_alive "${old[@]}"
		eventually 30 is_healthy
		eventually 30 is_answered "$access"
		eventually 30 has_all
	done
	has=$(cat load.* | wc -l)
	eventually 30 has_load_grown $((has + 20))
}

is_answered()	# TOKEN
{
	[[ $(curl -s -o /dev/null -w '%{http_code}' "$SB_URL/api/auth/me" \
	    -H "Authorization: Bearer $1") == 200 ]]
}

# All programs and all of their workers.
has_all()
{
	(($(programs | wc -l) == 4 && $(workers | wc -l) == 4 * SB_WORKERS))
}

# ---------------------------------------------------------------- the schema

@test "programs that a newer schema needs newer ones for end, and come back" {
	start_server
	register schema
	access=$(field access_token)
	# One more that helped out while a password was hashed goes soon.
	eventually 30 has_all
	mapfile -t old < <(programs; workers)
	step=$(sql 'PRAGMA user_version')
	sql "BEGIN IMMEDIATE; CREATE TABLE later (one INTEGER) STRICT;
	    INSERT INTO schema_steps (step, name, oldest, applied_at)
	    VALUES ($step + 2, 'later', $step + 1, 0);
	    PRAGMA user_version = $((step + 2)); COMMIT"

	# As many requests as it takes for each worker to see it.
	eventually 30 have_noticed
	grep -q "schema step $((step + 2)) .* step $((step + 1));.* knows $step:" \
	    "$SB_LOG"
	register later
	[[ $code == 50[03] ]] || fail "$code $body"
	assert_equal "$(sql 'SELECT count(*) FROM users')" 1

	sql "BEGIN IMMEDIATE; DROP TABLE later;
	    DELETE FROM schema_steps WHERE step = $step + 2;
	    PRAGMA user_version = $step; COMMIT"
	eventually 30 is_healthy
	eventually 30 is_answered "$access"
	register later
	assert_answer 201
}

# Calls them; all processes of before, the parents too, are gone.
have_noticed()
{
	curl -s -H "Authorization: Bearer $access" \
	    -o /dev/null "$SB_URL/health" -o /dev/null "$SB_URL/api/auth/me" \
	    -o /dev/null "$SB_URL/api/sessions" \
	    -o /dev/null "$SB_URL/api/sessions/$nobody/events"
	not is_alive "${old[@]}"
}
