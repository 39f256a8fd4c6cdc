# Rate limits: section 5 of the contract, but for guessed passwords, which are in
# guesses.bats.  Most tests let the clock stand still, so that every number of
# an answer is known; tests/server has the ones of many processes at once.

load harness
load limits

ours=http://localhost:5173

setup_file()
{
	new_data
	register anna
	export anna=$access
}

setup()
{
	settings+=(RATE_LIMIT_PER_USER=30)
}

# Each test has users of its own.
user()		# NAME
{
	local -a settings=("${settings[@]}" RATE_LIMIT_PER_USER=0
	    RATE_LIMIT_PER_ADDRESS=0)
	register "$1"
}

get_me()
{
	me "$access"
	expect 200
}

over_me()
{
	me "$access"
	is "$status_code" 429 status
}

get_limits()
{
	call GET /api/limits "Authorization: Bearer $access"
	expect 200
}

# from ADDRESS COMMAND...
from()
{
	local -a cgi=("REMOTE_ADDR=$1")
	shift
	"$@"
}

# A login from there that nobody has, which counts only as that.
knock()		# [Name: value]...
{
	form /api/auth/login 'username=nobody&password=wrong' "$@"
}

knock_in()
{
	knock "$@"
	expect 401
}

knock_over()
{
	knock "$@"
	is "$status_code" 429 status
}

# ---------------------------------------------------------------- the fields

@test "every answer of a limited route says what is left" {
	user fields
	at 0 get_me
	says user 30 29 60 60
	at 12.25 get_me
	says user 30 28 60 48
	at 59 get_me
	says user 30 27 60 1
	at 60 get_me
	says user 30 27 73 13
}

@test "the fields' reset is rounded up" {
	user rounded
	at 0.25 get_me
	says user 30 29 61 60
	at 0.5 get_me
	says user 30 28 61 60
	at 1.25 get_me
	says user 30 27 61 59
	at 60 get_me
	says user 30 26 61 1
}

@test "below a fifth remaining there is a warning" {
	user warned
	settings+=(RATE_LIMIT_PER_USER=10)
	local left
	for left in 9 8 7 6 5 4 3 2; do
		at 0 get_me
		header_is X-RateLimit-Remaining $left
		header_is X-RateLimit-Warning ''
	done
	for left in 1 0; do
		at 0 get_me
		says user 10 $left 60 60
		header_is X-RateLimit-Warning approaching
	done
	at 0 over_me
	says user 10 0 60 60
	header_is X-RateLimit-Warning approaching
}

@test "a fifth of a limit that five doesn't divide is exact, too" {
	user fifth
	settings+=(RATE_LIMIT_PER_USER=7)
	times 5 at 0 get_me
	left 2
	header_is X-RateLimit-Warning ''
	at 0 get_me
	left 1
	header_is X-RateLimit-Warning approaching
}

@test "each limited route has the fields of its limit, whatever it answers" {
	user routes
	local bearer="Authorization: Bearer $access" n=30
	has_counted()
	{
		isnt "$status_code" 429 status
		isnt "$status_code" 405 status
		says user 30 $((--n)) 60 60
	}
	at 0 call GET /api/auth/me "$bearer"
	has_counted
	at 0 post /api/auth/password '{}' "$bearer"
	expect 422
	has_counted
	at 0 call PATCH /api/auth/me 'Content-Type: application/json' \
	    "$bearer" -- '{}'
	expect 422
	has_counted
	at 0 call PATCH /api/auth/me 'Content-Type: application/json' \
	    "$bearer" -- '{'
	expect 422
	has_counted
	at 0 call PATCH /api/auth/me 'Content-Type: application/json' \
	    "$bearer" -- '{"username":"routes2","current_password":"wrong"}'
	expect 400
	has_counted
	at 0 call DELETE /api/auth/me 'Content-Type: application/json' \
	    "$bearer" -- '{}'
	expect 422
	has_counted
	at 0 call GET /api/auth/sessions "$bearer"
	expect 200
	has_counted
	at 0 call DELETE \
	    /api/auth/sessions/01890000-0000-7000-8000-000000000000 "$bearer"
	expect 404
	has_counted
	at 0 post /api/auth/logout '{"refresh_token":"x"}' "$bearer"
	has_counted
	at 0 call POST /api/auth/logout-all "$bearer"
	expect 204
	has_counted
}

@test "each route that asks for no token has the fields of the address" {
	settings+=(RATE_LIMIT_PER_ADDRESS=20)
	local -a cgi=(REMOTE_ADDR=192.0.2.20)
	has_counted()
	{
		expect "$1"
		says address 20 "$2" 60 60
	}
	at 0 try_register address
	has_counted 201 19
	take_tokens
	at 0 try_register address
	has_counted 400 18
	at 0 post /api/auth/register '{'
	has_counted 422 17
	at 0 try_login address
	has_counted 200 16
	at 0 try_login address wrong
	has_counted 401 15
	at 0 form /api/auth/login 'username=address'
	has_counted 422 14
	at 0 post /api/auth/login '{}'
	has_counted 422 13
	at 0 try_refresh "$refresh"
	has_counted 200 12
	at 0 try_refresh rubbish
	has_counted 401 11
	at 0 post /api/auth/refresh '{}'
	has_counted 422 10
	head -c 70000 /dev/zero >"$BATS_TEST_TMPDIR/large"
	at 0 call POST /api/auth/refresh --file "$BATS_TEST_TMPDIR/large"
	has_counted 413 9
}

@test "a path or a method that is not there counts nowhere and tells of no limit" {
	user nowhere
	settings+=(RATE_LIMIT_PER_ADDRESS=20)
	local bearer="Authorization: Bearer $access"
	at 0 call GET /api/auth/nothing "$bearer"
	expect 404
	says_nothing
	at 0 call PUT /api/auth/me "$bearer"
	expect 405
	says_nothing
	from 192.0.2.21 at 0 call GET /api/auth/login
	expect 405
	says_nothing
	at 0 get_me
	left 29
	from 192.0.2.21 at 0 knock_in
	left 19
}

@test "a preflight counts nowhere and tells of no limit" {
	user preflight
	settings+=(RATE_LIMIT_PER_ADDRESS=20)
	at 0 call OPTIONS /api/auth/me "Origin: $ours" \
	    'Access-Control-Request-Method: GET' \
	    'Access-Control-Request-Headers: authorization' \
	    "Authorization: Bearer $access"
	expect 200
	says_nothing
	from 192.0.2.22 at 0 call OPTIONS /api/auth/login "Origin: $ours" \
	    'Access-Control-Request-Method: POST'
	expect 200
	says_nothing
	at 0 get_me
	left 29
	from 192.0.2.22 at 0 knock_in
	left 19
}

@test "a request that nobody is known by counts nowhere and tells of no limit" {
	user unknown
	settings+=(RATE_LIMIT_PER_ADDRESS=20)
	local -a cgi=(REMOTE_ADDR=192.0.2.23)
	at 0 call GET /api/auth/me
	expect 401
	says_nothing
	at 0 me "${access}x"
	expect 401
	says_nothing
	at 0 me "$refresh"
	expect 401
	says_nothing
	at 0 get_me
	left 29
	at 0 knock_in
	left 19
}

@test "a logout by a refresh token alone counts nowhere" {
	user quitter
	settings+=(RATE_LIMIT_PER_USER=1 RATE_LIMIT_PER_ADDRESS=1)
	local -a cgi=(REMOTE_ADDR=192.0.2.24)
	post /api/auth/logout '{"refresh_token":"rubbish"}'
	expect 204
	says_nothing
	post /api/auth/logout "{\"refresh_token\":\"$refresh\"}"
	expect 204
	says_nothing
}

@test "HEAD counts as GET does, and its 429 has no body" {
	user header
	settings+=(RATE_LIMIT_PER_USER=2)
	at 0 call HEAD /api/auth/me "Authorization: Bearer $access"
	is "$status_code" 200 status
	says user 2 1 60 60
	at 0 get_me
	says user 2 0 60 60
	at 0 call HEAD /api/auth/me "Authorization: Bearer $access"
	is "$status_code $body" '429 ' answer
	header_is Retry-After 60
	says user 2 0 60 60
}

@test "routes that have no limit tell of none" {
	settings+=(RATE_LIMIT_PER_ADDRESS=1)
	local target
	for target in / /health /openapi.json /docs /nothing; do
		times 2 call GET $target
		isnt "$status_code" 429 status
		says_nothing
	done
}

@test "other origins may read the fields, of a 429 too" {
	user reader
	settings+=(RATE_LIMIT_PER_USER=1)
	local status name
	for status in 200 429; do
		call GET /api/auth/me "Authorization: Bearer $access" \
		    "Origin: $ours"
		is "$status_code" $status status
		header_is Access-Control-Allow-Origin $ours
		for name in X-RateLimit-Limit X-RateLimit-Remaining \
		    X-RateLimit-Reset X-RateLimit-Window X-RateLimit-Warning \
		    RateLimit RateLimit-Policy Retry-After X-Request-ID; do
			has ", $(header Access-Control-Expose-Headers)," \
			    ", $name,"
		done
	done
}

@test "the description has a 429 for what is limited, and for nothing else" {
	local targets
	body=$("$programs/auth" --openapi)
	targets='["/api/auth/login","/api/auth/me","/api/auth/refresh",
	    "/api/auth/register","/api/auth/password","/api/auth/logout-all",
	    "/api/auth/sessions"]'
	holds '[.paths as $paths | $targets[] | $paths[.][]
	    | select(has("responses")) | .responses | has("429")] | all' \
	    --argjson targets "$targets"
	holds '.paths["/api/limits"].get.responses | has("429") | not'
}

# ---------------------------------------------------------------- a refusal

@test "what is beyond a limit is a 429, to the letter" {
	user letter
	settings+=(RATE_LIMIT_PER_USER=2)
	at 0.25 get_me
	at 1 get_me
	at 48.5 me "$access"
	is "$status_code $reason" '429 Too Many Requests' status
	is "$body" '{"detail":"User rate limit exceeded. Try again in 12 seconds.","limit":2,"remaining":0,"retry_after":12,"reset_at":1760440060.25}'
	header_is Content-Type application/json
	header_is Retry-After 12
	says user 2 0 61 12
}

@test "a refusal by the address says so" {
	settings+=(RATE_LIMIT_PER_ADDRESS=2)
	local -a cgi=(REMOTE_ADDR=192.0.2.30)
	at 0 knock_in
	at 1 knock_in
	at 2 knock
	over Address 2 60 58
	says address 2 0 60 58
}

@test "reset_at is to the microsecond, and what there is to wait is rounded up" {
	user waiter
	settings+=(RATE_LIMIT_PER_USER=1)
	at 0.015625 get_me
	at 0.015625 over_me
	over User 1 60.015625 60
	at 0.25 over_me
	over User 1 60.015625 60
	at 1 over_me
	over User 1 60.015625 60
	at 1.015625 over_me
	over User 1 60.015625 59
	says user 1 0 61 59
	at 59 over_me
	over User 1 60.015625 2
	at 59.25 over_me
	over User 1 60.015625 1
	at 60 over_me
	over User 1 60.015625 1
	says user 1 0 61 1
}

@test "a refusal comes before the body is looked at" {
	user blind
	settings+=(RATE_LIMIT_PER_USER=1 RATE_LIMIT_PER_ADDRESS=1)
	local -a cgi=(REMOTE_ADDR=192.0.2.31)
	at 0 get_me
	at 0 call PATCH /api/auth/me 'Content-Type: application/json' \
	    "Authorization: Bearer $access" -- '{'
	over User 1 60 60
	at 0 post /api/auth/register '{'
	expect 422
	at 0 post /api/auth/register '{'
	over Address 1 60 60
}

@test "what was refused has not happened" {
	user patient
	settings+=(RATE_LIMIT_PER_USER=1 RATE_LIMIT_PER_ADDRESS=1)
	local -a cgi=(REMOTE_ADDR=192.0.2.32)
	at 0 get_me
	at 0 call POST /api/auth/logout-all "Authorization: Bearer $access"
	over User 1 60 60
	at 0 knock_in
	at 0 try_register refused
	over Address 1 60 60
	at 0 try_refresh "$refresh"
	over Address 1 60 60
	is "$(sql "SELECT count(*) FROM users WHERE username = 'refused'")" 0
	at 60 get_me
	at 60 rotate "$refresh"
}

@test "a refused request changes no byte of the counters" {
	new_data
	user frozen
	settings+=(RATE_LIMIT_PER_USER=2 RATE_LIMIT_PER_ADDRESS=2)
	times 2 at 0 get_me
	times 2 at 0 knock_in
	local before=$(sum_of_counters)
	isnt "$before" '' counters
	times 5 at 1 over_me
	times 5 at 59.5 over_me
	times 5 at 1 knock_over
	is "$(sum_of_counters)" "$before" counters
}

# ---------------------------------------------------------------- the window

@test "a limit's requests are let through, and after 60 s as many again" {
	user window
	settings+=(RATE_LIMIT_PER_USER=3)
	times 3 at 0 get_me
	says user 3 0 60 60
	at 59.984375 over_me
	times 3 at 60 get_me
	says user 3 0 120 60
	at 60 over_me
	over User 3 120 60
}

@test "the window slides: a place comes free when its request is 60 s old" {
	user sliding
	settings+=(RATE_LIMIT_PER_USER=3)
	at 0 get_me
	at 20.5 get_me
	at 40 get_me
	at 59 over_me
	over User 3 60 1
	at 60 get_me
	says user 3 0 81 21
	at 60 over_me
	over User 3 80.5 21
	at 80.25 over_me
	at 80.5 get_me
	at 80.5 over_me
	over User 3 100 20
	at 120 get_me
	says user 3 1 141 21
}

@test "refused requests do not count" {
	user refused
	settings+=(RATE_LIMIT_PER_USER=2)
	times 2 at 0 get_me
	times 4 at 30 over_me
	times 4 at 59 over_me
	times 2 at 60 get_me
	at 60 over_me
}

@test "the window is what is set" {
	user setter
	settings+=(RATE_LIMIT_PER_USER=2 RATE_LIMIT_WINDOW_SECONDS=10)
	times 2 at 0 get_me
	says user 2 0 10 10 10
	at 9.75 over_me
	over User 2 10 1
	says user 2 0 10 1 10
	at 10 get_me
	says user 2 1 20 10 10
}

@test "the longest window and the shortest one work" {
	user extremes
	settings+=(RATE_LIMIT_PER_USER=1 RATE_LIMIT_WINDOW_SECONDS=3600)
	at 0 get_me
	at 3599.5 over_me
	over User 1 3600 1
	at 3600 get_me
	settings+=(RATE_LIMIT_WINDOW_SECONDS=1)
	at 3600.75 over_me
	over User 1 3601 1
	at 3601 get_me
	says user 1 0 3602 1 1
}

@test "a limit of 1000 counts to 1000" {
	user thousand
	settings+=(RATE_LIMIT_PER_USER=1000)
	at 0 get_me
	says user 1000 999 60 60
	# As if the others had been before; each would take a process.
	local key="user:$(claim sub "$access")" times
	times=$(limits_sql "SELECT hex(times) FROM limits WHERE key = '$key'")
	is ${#times} 16 'digits of a moment'
	limits_sql "UPDATE limits SET times = x'$(times 999 printf %s "$times")'
	    WHERE key = '$key'"
	at 0.5 get_me
	says user 1000 0 60 60
	at 1 over_me
	over User 1000 60 59
	at 60 get_me
	says user 1000 998 61 1
}

# ---------------------------------------------------------------- settings

@test "a limit of 0 is off: nothing counts, and no field tells of it" {
	user off
	settings+=(RATE_LIMIT_PER_USER=0 RATE_LIMIT_PER_ADDRESS=0
	    LOGIN_FAILURES_PER_ACCOUNT=0)
	times 3 get_me
	says_nothing
	knock_in
	says_nothing
	is "$(limits_sql "SELECT count(*) FROM limits
	    WHERE key = 'user:$(claim sub "$access")'" 2>/dev/null || true)" \
	    0 rows
}

@test "with all limits off there are no counters" {
	new_data
	settings+=(RATE_LIMIT_PER_USER=0 RATE_LIMIT_PER_SESSION=0
	    RATE_LIMIT_PER_CHANNEL=0)
	user free
	get_me
	knock_in
	[ ! -s "$(counters)" ] ||
	    is "$(limits_sql 'SELECT count(*) FROM limits')" 0 rows
}

@test "a limit that was lowered refuses until fewer than it are counted" {
	user lowered
	settings+=(RATE_LIMIT_PER_USER=6)
	local n
	for n in 0 1 2 3 4; do
		at $n get_me
	done
	settings+=(RATE_LIMIT_PER_USER=3)
	at 5 over_me
	says user 3 0 62 57
	at 61 over_me
	at 62 get_me
	says user 3 0 63 1
	at 62 over_me
	at 63 get_me
}

@test "a limit that was raised lets the difference through at once" {
	user raised
	settings+=(RATE_LIMIT_PER_USER=2)
	times 2 at 0 get_me
	at 1 over_me
	settings+=(RATE_LIMIT_PER_USER=5)
	times 3 at 1 get_me
	says user 5 0 60 59
	at 1 over_me
	settings+=(RATE_LIMIT_PER_USER=30)
	at 2 get_me
	says user 30 24 60 58
}

@test "a limit that was off in between has forgotten nothing" {
	user between
	settings+=(RATE_LIMIT_PER_USER=2)
	times 2 at 0 get_me
	settings+=(RATE_LIMIT_PER_USER=0)
	at 1 get_me
	settings+=(RATE_LIMIT_PER_USER=2)
	at 2 over_me
	over User 2 60 58
}

# ---------------------------------------------------------------- the clock

@test "a clock set back by an hour shuts nobody out for longer than a window" {
	user clock
	settings+=(RATE_LIMIT_PER_USER=3)
	times 3 at 3600 get_me
	at 3600 over_me
	# What lies in the future is over; what comes now counts.
	times 3 at 0 get_me
	says user 3 0 60 60
	at 1 over_me
	over User 3 60 59
	times 3 at 60 get_me
	at 60 over_me
}

@test "a clock set back by a little shuts nobody out for longer than a window" {
	user little
	settings+=(RATE_LIMIT_PER_USER=3)
	times 3 at 30 get_me
	at 20 me "$access"
	if [ "$status_code" = 429 ]; then
		like "$(header Retry-After)" '[1-9]|[1-5][0-9]|60' Retry-After
	else
		expect 200
	fi
	at 80 get_me
}

# ---------------------------------------------------------------- whose it is

@test "every user has a count, and all logins of one share it" {
	settings+=(RATE_LIMIT_PER_USER=3)
	user one
	at 0 get_me
	left 2
	local first=$access
	login one
	at 0 get_me
	left 1
	user two
	at 0 get_me
	left 2
	access=$first
	at 0 get_me
	left 0
	at 0 over_me
	login one
	at 0 over_me
}

@test "requests that count on the address do not count on the user" {
	user separate
	settings+=(RATE_LIMIT_PER_ADDRESS=20)
	local -a cgi=(REMOTE_ADDR=192.0.2.40)
	at 0 login separate
	at 0 rotate "$refresh"
	left 18
	at 0 get_me
	left 29
	at 0 login separate
	left 17
}

@test "register, login and refresh share the count of an address" {
	user sharing
	settings+=(RATE_LIMIT_PER_ADDRESS=3)
	local -a cgi=(REMOTE_ADDR=192.0.2.41)
	at 0 register sharing2
	at 0 login sharing
	at 0 rotate "$refresh"
	at 0 try_login sharing
	over Address 3 60 60
	at 0 try_refresh "$refresh"
	over Address 3 60 60
	at 0 try_register sharing3
	over Address 3 60 60
	cgi=(REMOTE_ADDR=192.0.2.42)
	at 0 login sharing
}

@test "an IPv6 address shares the count of its /64, and of no other" {
	settings+=(RATE_LIMIT_PER_ADDRESS=4)
	from 2001:db8:0:1::1 at 0 knock_in
	left 3
	from 2001:db8:0:1::2 at 0 knock_in
	left 2
	from 2001:db8:0:1:ffff:ffff:ffff:ffff at 0 knock_in
	left 1
	from 2001:0DB8:0000:0001:0000:0000:0000:0001 at 0 knock_in
	left 0
	from 2001:db8:0:1:8000:: at 0 knock_over
	from 2001:db8:0:2::1 at 0 knock_in
	left 3
	from 2001:db8:0:0:ffff:: at 0 knock_in
	left 3
	from 2001:db8:1:1::1 at 0 knock_in
	left 3
}

@test "IPv4 addresses have a count each, mapped into IPv6 or not" {
	settings+=(RATE_LIMIT_PER_ADDRESS=4)
	from 192.0.2.50 at 0 knock_in
	left 3
	from 192.0.2.51 at 0 knock_in
	left 3
	from ::ffff:192.0.2.50 at 0 knock_in
	left 2
	from ::ffff:192.0.2.52 at 0 knock_in
	left 3
	from ::ffff:c000:233 at 0 knock_in
	left 2
}

@test "no Authorization frees an address of its count" {
	user bearer
	settings+=(RATE_LIMIT_PER_ADDRESS=5)
	local -a cgi=(REMOTE_ADDR=192.0.2.60)
	at 0 knock_in
	left 4
	at 0 knock_in "Authorization: Bearer $access"
	says address 5 3 60 60
	at 0 knock_in 'Authorization: Bearer rubbish'
	left 2
	at 0 knock_in 'Authorization: Bearer sbk_rubbish'
	left 1
	at 0 knock_in 'Authorization: Basic YTpi'
	left 0
	at 0 knock_over "Authorization: Bearer $access"
	over Address 5 60 60
	at 0 get_me
	left 29
}

@test "no field of a request frees a client of its address" {
	settings+=(RATE_LIMIT_PER_ADDRESS=9)
	local -a cgi=(REMOTE_ADDR=192.0.2.61)
	local left=9 field
	for field in 'X-Forwarded-For: 198.51.100.1' 'X-Real-IP: 198.51.100.1' \
	    'Forwarded: for=198.51.100.1' 'Client-IP: 198.51.100.1' \
	    'True-Client-IP: 198.51.100.1' 'CF-Connecting-IP: 198.51.100.1' \
	    'X-Forwarded-For: 127.0.0.1' 'Remote-Addr: 198.51.100.1'; do
		at 0 knock_in "$field"
		left $((--left))
	done
	from 198.51.100.1 at 0 knock_in
	left 8
}

# ---------------------------------------------------------------- /api/limits

@test "/api/limits tells what is left, and does not count" {
	user teller
	local window='"window_seconds":60'
	local channel="{\"limit\":20,\"remaining\":20,\"reset_at\":$moment,$window}"
	whole()		# REMAINING RESET
	{
		get_limits
		says_nothing
		expect 200 "{\"user\":{\"limit\":30,\"remaining\":$1,
		    \"reset_at\":$2,$window},
		    \"channels\":{\"websocket\":$channel,\"email\":$channel,
		    \"slack\":$channel},\"sessions\":{}}"
	}
	times 2 at 0 whole 30 $moment
	at 0.25 get_me
	channel=${channel/$moment/$((moment + 1))}
	times 3 at 1 whole 29 $((moment + 60)).25
	channel=${channel/$((moment + 1))/$((moment + 30))}
	at 30 get_me
	at 30 whole 28 $((moment + 60)).25
	channel=${channel/$((moment + 30))/$((moment + 61))}
	at 61 whole 29 $((moment + 90))
	at 61 get_me
	left 28
}

@test "/api/limits answers one who is over the limit" {
	user overdone
	settings+=(RATE_LIMIT_PER_USER=1)
	at 0 get_me
	at 1 over_me
	at 1 get_limits
	holds '.user == {limit: 1, remaining: 0, reset_at: ($at | tonumber),
	    window_seconds: 60}' --arg at $((moment + 60))
}

@test "a limit that is off is null in /api/limits" {
	user nulls
	settings+=(RATE_LIMIT_PER_USER=0)
	get_limits
	holds '.user == null and .channels.email.limit == 20'
	settings+=(RATE_LIMIT_PER_USER=5 RATE_LIMIT_PER_CHANNEL=0
	    RATE_LIMIT_WINDOW_SECONDS=7)
	get_limits
	holds '.user.limit == 5 and .user.window_seconds == 7
	    and .channels == {websocket: null, email: null, slack: null}
	    and .sessions == {}'
}

@test "/api/limits is for those who are known" {
	call GET /api/limits
	expect 401 '{"detail":"Not authenticated"}'
	call GET /api/limits 'Authorization: Bearer rubbish'
	refused
	call HEAD /api/limits "Authorization: Bearer $anna"
	is "$status_code $body" '200 ' answer
	call GET /api/limits/ "Authorization: Bearer $anna"
	expect 200
}

# ---------------------------------------------------------------- many at once

@test "of 24 programs at once as many count as may" {
	user crowd
	settings+=(RATE_LIMIT_PER_USER=10)
	one()
	{
		me "$access"
		body="$(header X-RateLimit-Remaining)"
	}
	at 0 at_once 24 one
	is "$(sort -rn <<<"$answers" | awk '$1 == 200 { print $2 }' |
	    sort -rn | paste -sd ' ')" '9 8 7 6 5 4 3 2 1 0' remaining
	is "$(grep -c '^429 0$' <<<"$answers")" 14 refused
	at 0 over_me
}

# ---------------------------------------------------------------- the file

@test "a key is a row, with no more moments than the limit" {
	new_data
	settings+=(RATE_LIMIT_PER_USER=3 RATE_LIMIT_PER_ADDRESS=2)
	user rows
	local n
	for n in 0 10 20 30 60 70 80 85 90; do
		at $n me "$access"
		at $n knock
	done
	is "$(limits_sql "SELECT substr(key, 1, instr(key, ':') - 1) || ' ' ||
	    (length(times) / 8) FROM limits ORDER BY key")" \
	    $'address 2\nuser 3' rows
}

@test "rows that are over go away by themselves" {
	new_data
	settings+=(RATE_LIMIT_PER_ADDRESS=3)
	local n
	for n in {1..20}; do
		from 198.51.100.$n at 0 knock_in
	done
	is "$(limits_sql 'SELECT count(*) FROM limits')" 20 rows
	for n in {1..20}; do
		from 203.0.113.$n at 1000 knock_in
	done
	is "$(limits_sql "SELECT count(*) FROM limits
	    WHERE key LIKE 'address:198.51.100.%'")" 0 'rows that are over'
	is "$(limits_sql 'SELECT count(*) FROM limits')" 20 rows
}

@test "counting leaves the first database alone" {
	new_data
	user apart
	settings+=(RATE_LIMIT_PER_USER=5)
	get_me
	local files before
	files=("$SWITCHBOARD_DATA/switchboard.db"
	    "$SWITCHBOARD_DATA/switchboard.db-wal")
	before=$(stat -c '%n %s %y' "${files[@]}" && sha256sum "${files[@]}")
	times 4 get_me
	times 3 over_me
	is "$(stat -c '%n %s %y' "${files[@]}" && sha256sum "${files[@]}")" \
	    "$before" files
}

@test "counting flushes nothing to the disk" {
	command -v strace >/dev/null || skip 'no strace'
	! grep -q __asan_init "$programs/auth" ||
	    skip 'the sanitizers do not like strace'
	user unflushed
	get_me
	clock=(strace -f -e trace=fsync,fdatasync,sync_file_range,msync,syncfs
	    -o "$BATS_TEST_TMPDIR/flushes")
	get_me
	left 28
	is "$(grep -c sync "$BATS_TEST_TMPDIR/flushes" || true)" 0 flushes
}

@test "the counters are for their owner alone" {
	new_data
	umask 0
	user owner
	get_me
	is "$(find "$SWITCHBOARD_DATA" -name 'limits.db*' ! -perm 600)" '' modes
	is "$(stat -c %a "$(counters)")" 600 mode
}

# Makes counters, damages them, and then all is as with new ones.
survives()	# COMMAND...
{
	new_data
	user damaged
	settings+=(RATE_LIMIT_PER_USER=3 RATE_LIMIT_PER_ADDRESS=50)
	times 3 get_me
	times 15 knock_in
	"$@"
	local n
	for n in 2 1 0; do
		get_me
		left $n
	done
	over_me
	knock_in
	is "$(limits_sql 'PRAGMA integrity_check')" ok
	login damaged
}

overwrite()	# FILE...
{
	local file
	for file in "$@"; do
		[ ! -e "$file" ] || dd if=/dev/urandom of="$file" bs=1024 \
		    count=64 conv=notrunc 2>/dev/null
	done
}

all_in_one()
{
	limits_sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	[ ! -s "$(counters)-wal" ]
}

alone()
{
	all_in_one
	overwrite "$(counters)"
}

@test "counters overwritten by garbage are made anew" {
	survives alone
}

garbage()
{
	overwrite "$(counters)"{,-wal,-shm}
}

@test "counters and their log overwritten by garbage are made anew" {
	survives garbage
}

text()
{
	rm -f "$(counters)"*
	echo 'no database' >"$(counters)"
}

@test "counters that are a text are made anew" {
	survives text
}

cut_off()
{
	all_in_one
	[ "$(stat -c %s "$(counters)")" -gt 4096 ]
	truncate -s "$1" "$(counters)"
}

@test "counters cut off within a page are made anew" {
	survives cut_off 5000
}

@test "counters cut off at a page are made anew" {
	survives cut_off 4096
}

@test "counters cut off within their header are made anew" {
	survives cut_off 50
}

no_bytes()
{
	all_in_one
	truncate -s 0 "$(counters)"
}

@test "counters of 0 bytes are made anew" {
	survives no_bytes
}

# All that was in the file may be in its log, too.
@test "counters damaged beside a log that holds all are counted on, or made anew" {
	local damage
	for damage in overwrite 'truncate -s 0' 'truncate -s 5000'; do
		new_data
		user "log${#damage}"
		settings+=(RATE_LIMIT_PER_USER=3)
		times 3 get_me
		$damage "$(counters)"
		me "$access"
		like "$status_code" '200|429' status
		later 61 get_me
		like "$(header X-RateLimit-Remaining)" '[12]' remaining
		is "$(limits_sql 'PRAGMA integrity_check')" ok
	done
}

emptied()
{
	rm -f "$(counters)"-*
	: >"$(counters)"
}

@test "counters of 0 bytes without a log are made anew" {
	survives emptied
}

removed()
{
	rm -f "$(counters)"*
}

@test "counters that were removed are made anew" {
	survives removed
}

removed_alone()
{
	rm "$(counters)"
}

@test "counters that were removed without their log are made anew" {
	survives removed_alone
}

other_table()
{
	limits_sql 'DROP TABLE limits; CREATE TABLE other (a)'
}

@test "counters without their table are made anew" {
	survives other_table
}

# makes_anew SQL: after it both users are let through, and counted anew.
makes_anew()
{
	local first token logs=
	new_data
	user shape1
	first=$access
	user shape2
	settings+=(RATE_LIMIT_PER_USER=3)
	me "$first"
	expect 200
	limits_sql "$1"
	for token in "$first" "$access"; do
		me "$token"
		expect 200
		logs+=$log$'\n'
	done
	is "$(grep -c 'limits.db is made anew$' <<<"$logs")" 1 'log lines'
	times 2 get_me
	lacks "$log" 'made anew'
	over_me
	me "$first"
	expect 200
	is "$(limits_sql 'PRAGMA integrity_check')" ok
}

@test "counters that a trigger guards are made anew" {
	local event act
	for event in INSERT UPDATE; do
		for act in "SELECT RAISE(ABORT, 'no')" \
		    "SELECT RAISE(ROLLBACK, 'no')" "SELECT RAISE(FAIL, 'no')" \
		    "SELECT RAISE(IGNORE)" \
		    'SELECT abs(-9223372036854775807 - 1)' \
		    'INSERT INTO nowhere VALUES (1)'; do
			makes_anew "CREATE TRIGGER guard BEFORE $event
			    ON limits BEGIN $act; END"
		done
	done
}

columns='key TEXT NOT NULL PRIMARY KEY, times BLOB NOT NULL,
    expires_at INTEGER NOT NULL'

@test "counters in a table of another layout are made anew" {
	local layout
	for layout in 'key TEXT NOT NULL PRIMARY KEY' \
	    "${columns/times/moments}" "${columns/PRIMARY KEY/}" \
	    "${columns/key TEXT/key INTEGER}" \
	    "${columns/times BLOB/times INTEGER}" \
	    "${columns/expires_at INTEGER/expires_at BLOB}" \
	    "$columns, more INTEGER NOT NULL" \
	    "$columns, CHECK (expires_at < 0)"; do
		makes_anew "DROP TABLE limits;
		    CREATE TABLE limits ($layout) STRICT"
	done
	makes_anew 'ALTER TABLE limits RENAME TO others'
	makes_anew "DROP TABLE limits;
	    CREATE VIRTUAL TABLE limits USING fts5(key, times, expires_at)"
	makes_anew 'PRAGMA user_version = 7'
}

@test "counters in a view are made anew" {
	local as
	for as in "SELECT 'a' AS key, x'00' AS times, 1 AS expires_at" \
	    "SELECT 1 AS one" "SELECT * FROM nowhere"; do
		makes_anew "DROP TABLE limits; CREATE VIEW limits AS $as"
	done
	makes_anew 'ALTER TABLE limits RENAME TO others;
	    CREATE VIEW limits AS SELECT * FROM others'
}

@test "wrong passwords are told, and counted, when counters are made anew" {
	new_data
	user reshaped
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=2)
	local what
	for what in "CREATE TRIGGER guard BEFORE INSERT ON limits
	    BEGIN SELECT RAISE(ABORT, 'no'); END" \
	    'DROP TABLE limits; CREATE TABLE limits (a)' \
	    'DROP TABLE limits; CREATE VIEW limits AS SELECT 1 AS key'; do
		get_me
		limits_sql "$what"
		try_login reshaped wrong
		expect 401
		has "$log" 'limits.db is made anew'
		try_login reshaped wrong
		expect 401
		try_login reshaped
		is "$status_code" 429 status
		limits_sql 'DELETE FROM limits'
	done
}

@test "/api/limits reads damaged counters as new ones" {
	local damage
	for damage in alone garbage text emptied removed other_table; do
		new_data
		user "look$damage"
		get_me
		$damage
		get_limits
		holds '.user.remaining == 30'
	done
}

# A row that can't be one is worth as much as none.
@test "a row of garbage counts for nothing, and its user goes on" {
	user garbage
	local key="user:$(claim sub "$access")" blob
	settings+=(RATE_LIMIT_PER_USER=3)
	for blob in "x''" "x'00'" "x'$(printf '%014d' 0)'" \
	    "x'$(printf 'f%.0s' {1..64})'" "x'$(printf '7%.0s' {1..48})'" \
	    "zeroblob(1000003)"; do
		at 0 get_me
		limits_sql "UPDATE limits SET times = $blob WHERE key = '$key'"
		is "$(limits_sql "SELECT count(*) FROM limits
		    WHERE key = '$key'")" 1 rows
		at 1 get_me
		left 2
		at 60 get_me
		at 120 get_me
		limits_sql "DELETE FROM limits WHERE key = '$key'"
	done
}

# uncounted COMMAND: does what makes the counters useless, and then nothing is
# let through; nor is anything that does not count refused.
uncounted()
{
	new_data
	user useless
	settings+=(RATE_LIMIT_PER_USER=3 RATE_LIMIT_PER_ADDRESS=3)
	get_me
	knock_in
	"$@"
	me "$access"
	unavailable
	knock
	unavailable
	try_register useless2
	unavailable
	is "$(sql 'SELECT count(*) FROM users')" 1 users
	call GET /api/auth/nothing
	expect 404
	program=meta
	call GET /health
	expect 200
	program=
	settings+=(RATE_LIMIT_PER_USER=0 RATE_LIMIT_PER_ADDRESS=0
	    RATE_LIMIT_PER_CHANNEL=0 RATE_LIMIT_PER_SESSION=0)
	get_me
	says_nothing
	knock_in
}

in_its_place()
{
	rm -f "$(counters)"*
	mkdir "$(counters)"
	touch "$(counters)/file"
}

@test "with a directory in the counters' place the answer is a 503" {
	uncounted in_its_place
	rm -r "$(counters)"
	settings+=(RATE_LIMIT_PER_USER=3)
	get_me
	left 2
}

# Root may write whatever it likes, so that then another has to try.
read_only()
{
	chmod 444 "$(counters)"*
	((EUID == 0)) || return 0
	chown 65534 "$SWITCHBOARD_DATA" "$SWITCHBOARD_DATA"/[!l]*
	clock=(setpriv --reuid=65534 --regid=65534 --clear-groups)
}

@test "with counters that are read-only the answer is a 503" {
	if ((EUID == 0)); then
		setpriv --reuid=65534 --regid=65534 --clear-groups \
		    test -x "$programs/auth" || skip 'nobody can run it'
		# The folder of the tests is root's.
		BATS_FILE_TMPDIR=$(mktemp -d /tmp/switchboard-test.XXXXXX)
		chmod 711 "$BATS_FILE_TMPDIR"
	fi
	uncounted read_only
	((EUID != 0)) || rm -r "$BATS_FILE_TMPDIR"
}

@test "with no room for a counter the answer is a 503, and then all is well" {
	new_data
	user room
	settings+=(RATE_LIMIT_PER_USER=3 RATE_LIMIT_PER_ADDRESS=3)
	get_me
	clock=(bash -c 'ulimit -f 1 && exec "$@"' bash)
	me "$access"
	unavailable
	knock
	unavailable
	clock=()
	get_me
	left 1
	knock_in
	left 2
}

@test "with counters that are locked for long the answer is a 503 in time" {
	user locked
	settings+=(RATE_LIMIT_PER_USER=3 RATE_LIMIT_PER_ADDRESS=3)
	local -a cgi=(REMOTE_ADDR=192.0.2.70)
	get_me
	hold_lock limits.db
	# Nobody waits for ever.
	local -a clock=(timeout -s KILL 60)
	me "$access"
	unavailable
	knock
	unavailable
	release_lock
	get_me
	left 1
	knock_in
	left 2
}

@test "locked counters do not matter to limits that are off" {
	user careless
	get_me
	hold_lock limits.db
	settings+=(RATE_LIMIT_PER_USER=0)
	get_me
	knock_in
	login careless
	says_nothing
	release_lock
}

# Who waits for this lock gets a 503, as nobody lets it go.
@test "locked counters do not keep a refusal waiting" {
	user hasty
	settings+=(RATE_LIMIT_PER_USER=2)
	times 2 get_me
	hold_lock limits.db
	over_me
	get_limits
	holds '.user.remaining == 0'
	release_lock
}

@test "a locked first database does not matter to counting" {
	user reading
	get_me
	hold_lock
	get_me
	left 28
	release_lock
}
