#!/usr/bin/env bats
#
# Rate limits over many processes under the real lighttpd: how many of a crowd
# are let through, whatever happens to the processes and to their counters.
# tests/api has what one answer says; schedules.bats has more of what is random.

load harness

setup()
{
	background=()
	SB_WORKERS=4
	SB_DATA=$BATS_TEST_TMPDIR/data
	SB_LOG=$BATS_TEST_TMPDIR/log
	settings=(RATE_LIMIT_PER_USER=30)
	cd "$BATS_TEST_TMPDIR"
}

teardown()
{
	stop_background
	stop_server
}

# Its programs see the time that advance_clock sets.
start_server_in_time()
{
	export SB_CLOCK=$BATS_TEST_TMPDIR/clock
	set_clock 1800000000
	start_server
}

bearer()	# NAME: registers it
{
	register "$1"
	assert_answer 201
	access=$(field access_token)
}

# crowd N [TOKEN [PATH [CURL-OPTION...]]]: so many requests at once; the code of
# each answer and what it says is left are a line of `codes'.
crowd()
{
	curl -sZ --parallel-immediate --parallel-max "$1" -m 30 -o /dev/null \
	    -w '%{http_code} %header{X-RateLimit-Remaining}\n' \
	    -H "Authorization: Bearer ${2-$access}" "${@:4}" \
	    "$SB_URL${3-/api/auth/me}?[1-$1]" >codes 2>>errors
}

begin()	# sets $session
{
	call POST /api/sessions -H "Authorization: Bearer $access" \
	    -H 'Content-Type: application/json' -d '{}'
	assert_answer 201
	session=$(field id)
}

# say N [SESSION [CHANNEL [TOKEN]]]: so many messages at once, as a crowd.
say()
{
	crowd "$1" "${4-$access}" "/api/sessions/${2-$session}/messages" \
	    -H 'Content-Type: application/json' \
	    -d "{\"content\":\"hello\",\"channel\":\"${3-websocket}\"}"
}

agent_key()	# sets $key
{
	call POST /api/auth/keys -H "Authorization: Bearer $access" \
	    -H 'Content-Type: application/json' \
	    -d '{"name":"agent","scopes":["agent"]}'
	assert_answer 201
	key=$(field key)
}

store()	# SQL
{
	sqlite3 -cmd '.timeout 5000' "$SB_DATA/switchboard.db" "$1"
}

assert_codes()	# COUNTxCODE...
{
	assert_equal "$(cut -d ' ' -f 1 codes | sort | uniq -c |
	    awk '{ print $1 "x" $2 }' | paste -sd ' ')" "$1"
}

# assert_let_through N CODE: of 60 exactly so many were, with N - 1 to 0 left,
# each once.
assert_let_through()
{
	assert_codes "$1x$2 $((60 - $1))x429"
	assert_equal "$(awk -v code="$2" '$1 == code { print $2 }' codes |
	    sort -rn | paste -sd ' ')" "$(seq $(($1 - 1)) -1 0 | paste -sd ' ')"
	assert_equal "$(awk '$1 == 429 { print $2 }' codes | sort -u)" 0
}

assert_thirty()
{
	assert_let_through 30 200
}

has_all()
{
	(($(programs | wc -l) == 4 && $(workers | wc -l) >= 4 * SB_WORKERS))
}

kill_all()
{
	# shellcheck disable=SC2046
	kill -KILL $(programs) $(workers)
	eventually 30 is_healthy
	eventually 30 has_all
	eventually 30 is_answered
}

# By a route of auth that has no limit; and by one of chat, where a session was
# begun, whose tests have no limit for users.
is_answered()
{
	[[ $(curl -s -o /dev/null -w '%{http_code}' "$SB_URL/api/limits" \
	    -H "Authorization: Bearer $access") == 200 ]] || return
	[[ -z ${session-} || $(curl -s -o /dev/null -w '%{http_code}' \
	    "$SB_URL/api/sessions/$session" \
	    -H "Authorization: Bearer $access") == 200 ]]
}

# The counters' and the first database's files, but for the indexes of their
# logs, which readers write, too.
sums()
{
	local file

	for file in "$SB_DATA"/{limits,switchboard}.db{,-wal,-journal}; do
		[[ ! -e $file ]] || stat -c '%n %s' "$file"
		[[ ! -e $file ]] || sha256sum <"$file"
	done
}

@test "of 60 concurrent requests by one user exactly 30 are let through" {
	start_server
	bearer crowd
	crowd 60
	assert_thirty
	crowd 60
	assert_codes 60x429
}

@test "of two users in one crowd each has a limit of its own" {
	start_server
	bearer one
	first=$access
	bearer two
	mkdir other
	(
		cd other
		crowd 60 "$first"
	) 3>&- &
	crowd 60
	wait $!
	assert_thirty
	cd other
	assert_thirty
}

@test "all processes killed in the middle of a window: not one request more" {
	start_server
	bearer killed
	crowd 60
	assert_thirty
	for _ in 1 2; do
		kill_all
		crowd 60
		assert_codes 60x429
	done
}

# kill_amid MICROSECONDS COMMAND...: a crowd gathers by that command while the
# counters' lock is held; so long after it was let go all processes are killed.
kill_amid()
{
	rm -f lock never held
	mkfifo lock never
	sqlite3 "$SB_DATA/limits.db" <lock >held 2>&1 3>&- &
	background=($!)
	exec {lock}>lock
	printf 'BEGIN IMMEDIATE;\n.shell echo held\n' >&"$lock"
	eventually 30 test -s held
	"${@:2}" 3>&- {lock}>&- &
	background+=($!)
	eventually 30 is_crowded
	# shellcheck disable=SC2207
	killed=($(programs) $(workers))
	printf 'ROLLBACK;\n.quit\n' >&"$lock"
	read -rt "$(printf 0.%06d "$1")" <>never || true
	# Those that came to help may have gone again.
	kill -KILL "${killed[@]}" 2>/dev/null || true
	exec {lock}>&-
	wait "${background[@]}" || true
	background=()
}

# Some wait for the lock, and so there are more of them.
is_crowded()
{
	(($(workers | wc -l) > 4 * SB_WORKERS))
}

# amid TRY...: until some of a crowd of 120 were answered before the kill, and
# some weren't: when that is, is narrowed down, and widened again where another
# load has moved it.  TRY MICROSECONDS has to call kill_amid and to look at what
# came of it.
amid()
{
	local low=0 high="" after=4000 answered n

	for n in {1..60}; do
		"$1" "$n" "$after"
		((answered == 0 || answered == 120)) || return 0
		if ((answered == 0)); then
			low=$after
		else
			high=$after
		fi
		if [[ -z $high ]]; then
			after=$((after * 2 + 100))
		elif ((high - low > 100)); then
			after=$(((low + high) / 2))
		else
			low=$((low / 2)) high=""
			after=$((low + 100))
		fi
	done
	fail 'all were answered, or none'
}

try_to_read()	# NUMBER MICROSECONDS
{
	bearer "amid$1"
	crowd 20
	assert_codes 20x200
	kill_amid "$2" crowd 120
	passed=$(grep -c ^200 codes || true)
	answered=$(grep -c '^\(200\|429\) ' codes || true)
	((passed <= 10))
	eventually 30 is_healthy
	eventually 30 is_answered
	# Those whose answer was lost may have been counted.
	left=$(curl -s -H "Authorization: Bearer $access" \
	    "$SB_URL/api/limits" | jq .user.remaining)
	((left <= 10 - passed))
	eventually 30 has_all
	crowd 60
	assert_equal "$(grep -c ^200 codes || true)" "$left"
}

@test "all processes killed amid a crowd: no request too many, and none lost" {
	start_server
	amid try_to_read
}

@test "60 s later there are exactly 30 more, with or without the processes" {
	start_server_in_time
	bearer later
	crowd 60
	assert_thirty
	for now in 1800000060 1800000120.015625 1800000200; do
		# Not a moment earlier.
		set_clock $((${last-1800000000} + 59)).984375
		crowd 60
		assert_codes 60x429
		kill_all
		crowd 60
		assert_codes 60x429
		set_clock $now
		last=${now%.*}
		crowd 60
		assert_thirty
	done
}

@test "60 s after each of a crowd that came bit by bit one more is let through" {
	start_server_in_time
	bearer bits
	for second in {0..29}; do
		set_clock $((1800000000 + second))
		crowd 1
		assert_codes 1x200
	done
	for second in {60..89}; do
		set_clock $((1800000000 + second - 1)).984375
		crowd 8
		assert_codes 8x429
		set_clock $((1800000000 + second))
		crowd 8
		assert_codes '1x200 7x429'
	done
}

@test "1,000 refused requests change nothing in any file" {
	start_server
	bearer refused
	crowd 30
	assert_codes 30x200
	# Every worker has seen the counters.
	crowd 60
	assert_codes 60x429
	before=$(sums)
	[[ $before == */limits.db* && $before == */switchboard.db* ]]
	curl -sZ --parallel-max 16 -o /dev/null -w '%{http_code}\n' \
	    -H "Authorization: Bearer $access" \
	    "$SB_URL/api/auth/me?[1-1000]" >codes
	assert_codes 1000x429
	assert_equal "$(sums)" "$before"
}

@test "1,000 refused logins change nothing in any file" {
	settings=(RATE_LIMIT_PER_ADDRESS=20)
	start_server
	login() {
		curl -sZ --parallel-max 16 -o /dev/null -w '%{http_code}\n' \
		    -d 'username=nobody&password=wrong' \
		    "$SB_URL/api/auth/login?[1-$1]" >codes
	}
	login 60
	assert_codes '20x401 40x429'
	before=$(sums)
	login 1000
	assert_codes 1000x429
	assert_equal "$(sums)" "$before"
}

@test "of 60 concurrent guesses at one account exactly 10 are told" {
	settings=(LOGIN_FAILURES_PER_ACCOUNT=10)
	start_server
	register guessed
	assert_answer 201
	curl -sZ --parallel-immediate --parallel-max 60 -o /dev/null \
	    -w '%{http_code}\n' -d 'username=guessed&password=wrong' \
	    "$SB_URL/api/auth/login?[1-60]" >codes
	assert_codes '10x401 50x429'
	login guessed
	assert_answer 429
}

# Every worker goes over to the new ones, and they are as exact.
assert_made_anew()
{
	crowd 60
	assert_thirty
	crowd 60
	assert_codes 60x429
	run -0 sqlite3 "$SB_DATA/limits.db" 'PRAGMA integrity_check'
	assert_output ok
}

@test "counters that were removed are made anew, by all workers the same" {
	start_server
	bearer removed
	for _ in 1 2 3; do
		crowd 60
		assert_codes 30x200\ 30x429
		rm "$SB_DATA"/limits.db*
		assert_made_anew
		rm "$SB_DATA"/limits.db
		assert_made_anew
		rm "$SB_DATA"/limits.db*
	done
}

# A crowd of which nobody met with the damage.
is_mended()	# TOKEN
{
	crowd 60 "$1"
	! grep -qv '^\(200\|429\) ' codes
}

@test "counters overwritten by garbage are made anew, by all workers the same" {
	start_server
	for n in {0..3}; do
		bearer "one$n"
		ones[n]=$access
		bearer "other$n"
		others[n]=$access
	done
	crowd 60 "${ones[0]}"
	assert_thirty
	for n in 1 2 3; do
		for file in "$SB_DATA"/limits.db{,-wal,-shm}; do
			[[ $n == 3 || $file != *-shm ]] || continue
			dd if=/dev/urandom of="$file" bs=1024 count=64 \
			    conv=notrunc 2>/dev/null
		done
		eventually 30 is_mended "${others[n]}"
		crowd 60 "${ones[n]}"
		assert_thirty
		run -0 sqlite3 "$SB_DATA/limits.db" 'PRAGMA integrity_check'
		assert_output ok
	done
}

@test "a flood of logins by 64 clients leaves the others their usual time" {
	settings=(SCRYPT_N=16384 SCRYPT_R=8 SCRYPT_P=2
	    LOGIN_FAILURES_PER_ACCOUNT=10)
	start_server
	register flood
	assert_answer 201
	probe "$(field access_token)"
	# Of a name that is guessed at all the time, and of ever new ones.
	seq 128 | xargs -P 64 -I {} curl -s -m 60 -o /dev/null \
	    -w '%{http_code}\n' -d 'username=flood&password=wrong' \
	    "$SB_URL/api/auth/login" >codes
	seq 96 | xargs -P 64 -I {} curl -s -m 60 -o /dev/null \
	    -w '%{http_code}\n' -d 'username=name{}&password=wrong' \
	    "$SB_URL/api/auth/login" >>codes
	assert_probed 20
	# Those that found no place in 5 s may come again.
	run ! grep -v '^\(401\|429\|503\)$' codes
	assert_equal "$(wc -l <codes)" 224
	grep -q '^401$' codes
	grep -q '^429$' codes
}

# ------------------------------------------------- a session's, and a channel's

# The limits of the contract, and none of the user's in their way.
of_chat=(RATE_LIMIT_PER_USER=0 RATE_LIMIT_PER_SESSION=10
    RATE_LIMIT_PER_CHANNEL=20)

@test "of 60 concurrent messages to a session exactly 10 are let through" {
	settings=("${of_chat[@]}")
	start_server
	bearer writer
	begin
	say 60
	assert_let_through 10 201
	say 60
	assert_codes 60x429
	assert_equal "$(store 'SELECT count(*), max(number) FROM messages')" \
	    '10|10'
	assert_equal "$(store 'SELECT messages FROM chat_sessions')" 10
}

@test "of 60 concurrent messages over a channel exactly 20, in any sessions" {
	settings=(RATE_LIMIT_PER_USER=0 RATE_LIMIT_PER_SESSION=0
	    RATE_LIMIT_PER_CHANNEL=20)
	start_server
	bearer channel
	begin
	say 60
	assert_let_through 20 201
	begin
	say 60
	assert_codes 60x429
	say 60 "$session" email
	assert_let_through 20 201
}

@test "both at once: who is refused by one limit counts in neither" {
	local n sessions=()

	settings=("${of_chat[@]}")
	start_server
	bearer both
	for n in 0 1 2; do
		begin
		sessions+=("$session")
		mkdir "$n"
	done
	for n in 0 1 2; do
		(
			cd "$n"
			say 60 "${sessions[n]}"
		) 3>&- &
		background+=($!)
	done
	wait "${background[@]}"
	background=()
	cat {0,1,2}/codes >codes
	assert_codes '20x201 160x429'
	assert_equal "$(store 'SELECT count(*) FROM chat_sessions
	    WHERE messages > 10')" 0
	# Of three times 10 that the sessions let through, 10 are left.
	: >all
	for n in 0 1 2; do
		say 60 "${sessions[n]}" email
		cat codes >>all
	done
	mv all codes
	assert_codes '10x201 170x429'
	assert_equal "$(store 'SELECT DISTINCT messages FROM chat_sessions')" 10
	assert_equal "$(curl -s -H "Authorization: Bearer $access" \
	    "$SB_URL/api/limits" | jq -c '[.channels[].remaining] +
	    [.sessions[].remaining]')" '[0,10,20,0,0,0]'
}

@test "an agent's messages are counted apart from its owner's" {
	settings=("${of_chat[@]}")
	start_server
	bearer owner
	begin
	agent_key
	mkdir agent
	(
		cd agent
		say 60 "$session" websocket "$key"
	) 3>&- &
	say 60
	wait $!
	assert_let_through 10 201
	cd agent
	assert_let_through 10 201
}

@test "all processes killed in the middle: not one message more" {
	settings=("${of_chat[@]}")
	start_server
	bearer killed
	begin
	say 60
	assert_let_through 10 201
	for _ in 1 2; do
		kill_all
		say 60
		assert_codes 60x429
	done
	assert_equal "$(store 'SELECT count(*) FROM messages')" 10
}

try_to_say()	# NUMBER MICROSECONDS
{
	bearer "amid$1"
	begin
	kill_amid "$2" say 120
	passed=$(grep -c ^201 codes || true)
	answered=$(grep -c '^\(201\|429\) ' codes || true)
	((passed <= 10))
	eventually 30 is_healthy
	eventually 30 is_answered
	# What was promised is there; what is there was counted.
	there=$(store "SELECT count(*) FROM messages
	    WHERE session_id = '$session'")
	left=$(curl -s -H "Authorization: Bearer $access" "$SB_URL/api/limits" |
	    jq --arg s "$session" '.sessions[$s].remaining // 10')
	((passed <= there && there <= 10 - left))
	eventually 30 has_all
	say 60
	assert_equal "$(grep -c ^201 codes || true)" "$left"
}

@test "all processes killed amid messages: not one too many, and none lost" {
	settings=("${of_chat[@]}")
	start_server
	amid try_to_say
}

# In no 60 s are there more of a session's messages than 10, or of a channel's
# than 20: as many later comes one at the least.
assert_spaced()
{
	assert_equal "$(store 'SELECT count(*) FROM (SELECT created_at -
	    lag(created_at, 10) OVER (PARTITION BY session_id
	    ORDER BY created_at, number) AS gap FROM messages)
	    WHERE gap < 60000000')" 0
	assert_equal "$(store 'SELECT count(*) FROM (SELECT created_at -
	    lag(created_at, 20) OVER (PARTITION BY channel
	    ORDER BY created_at, id) AS gap FROM messages)
	    WHERE gap < 60000000')" 0
}

@test "60 s after each message one more is let through, with all processes new" {
	settings=("${of_chat[@]}")
	start_server_in_time
	bearer bits
	begin
	for second in {0..9}; do
		set_clock $((1800000000 + second)).015625
		say 1
		assert_codes 1x201
	done
	for second in {60..69}; do
		((second % 5 > 0)) || kill_all
		# Not a moment earlier.
		set_clock $((1800000000 + second))
		say 8
		assert_codes 8x429
		set_clock $((1800000000 + second)).015625
		say 8
		assert_codes '1x201 7x429'
	done
	assert_spaced
	assert_equal "$(store 'SELECT count(*), max(created_at) - min(created_at)
	    FROM messages')" '20|69000000'
}

@test "60 s after each of a channel one more, whichever session it is for" {
	local sessions=()

	settings=("${of_chat[@]}")
	start_server_in_time
	bearer over
	for _ in 0 1 2; do
		begin
		sessions+=("$session")
	done
	for second in {0..19}; do
		set_clock $((1800000000 + second))
		say 1 "${sessions[second % 3]}"
		assert_codes 1x201
	done
	for second in {60..79}; do
		set_clock $((1800000000 + second - 1)).984375
		say 8 "${sessions[second % 3]}"
		assert_codes 8x429
		((second != 70)) || kill_all
		set_clock $((1800000000 + second))
		say 8 "${sessions[second % 3]}"
		assert_codes '1x201 7x429'
	done
	assert_spaced
	assert_equal "$(store 'SELECT count(*), max(created_at) - min(created_at)
	    FROM messages')" '40|79000000'
}
