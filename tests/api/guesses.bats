# Guessed passwords: the account limit of section 5 of the contract, which slows
# down whoever guesses from many addresses, and shuts no owner out.

load harness
load limits

setup_file()
{
	new_data
	register anna
	export anna=$access
}

setup()
{
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=10)
}

# Each test has accounts of its own.
user()		# NAME
{
	local -a settings=("${settings[@]}" LOGIN_FAILURES_PER_ACCOUNT=0)
	register "$1"
}

guess()		# NAME [FIELD=VALUE&...]
{
	form /api/auth/login "username=$1&password=wrong${2+&$2}"
	expect 401 '{"detail":"Incorrect username or password",
	    "error":"invalid_grant"}'
	header_is WWW-Authenticate Bearer
}

right()		# NAME [FIELD=VALUE&...]: the right password
{
	form /api/auth/login \
	    "username=$1&password=${password// /+}${2+&$2}"
}

let_in()
{
	right "$@"
	expect 200
	take_tokens
}

# Whatever the password, it is a 429.
shut()		# NAME [FIELD=VALUE&...]
{
	form /api/auth/login "username=$1&password=wrong${2+&$2}"
	is "$status_code" 429 'status of a wrong one'
	has "$body" '"Account rate limit exceeded. '
	right "$@"
	is "$status_code" 429 'status of the right one'
	has "$body" '"Account rate limit exceeded. '
}

# shut_account NAME: by ten wrong passwords.
shut_account()
{
	times 10 guess "$1"
	shut "$1"
}

# Takes every place where a password can be hashed, of so many; until
# leave_places.
take_places()	# N
{
	mkfifo "$BATS_TEST_TMPDIR/places"
	/usr/bin/python3 -c 'import fcntl, sys
with open(sys.argv[1], "a+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX, int(sys.argv[2]), 0)
    print("taken", flush=True)
    sys.stdin.read()' "$SWITCHBOARD_DATA/hash.slots" "$1" \
	    <"$BATS_TEST_TMPDIR/places" >"$BATS_TEST_TMPDIR/taken" 3>&- &
	places_holder=$!
	exec {places}>"$BATS_TEST_TMPDIR/places"
	until [ -s "$BATS_TEST_TMPDIR/taken" ]; do sleep 0.01; done
}

leave_places()
{
	kill "$places_holder"
	wait "$places_holder" || true
	exec {places}>&-
}

# Waits until so many processes have the file of the places open.
until_waiting()	# N
{
	local tries
	for ((tries = 0; tries < 500; tries++)); do
		# A process may end while it is looked at.
		(($(find /proc/[0-9]*/fd -lname "$SWITCHBOARD_DATA/hash.slots" \
		    2>/dev/null | wc -l) < $1)) || return 0
		sleep 0.01
	done
	show 'nobody waits for a place'
	return 1
}

# ---------------------------------------------------------------- the limit

@test "ten wrong passwords are told, and then nothing is for 15 minutes" {
	user ten
	local n
	for n in {0..9}; do
		at $n.25 guess ten
		says_nothing
	done
	at 10 form /api/auth/login 'username=ten&password=wrong'
	over Account 10 900.25 891
	says account 10 0 901 891 900
	at 10 right ten
	is "$status_code $reason" '429 Too Many Requests' status
	is "$body" '{"detail":"Account rate limit exceeded. Try again in 891 seconds.","limit":10,"remaining":0,"retry_after":891,"reset_at":1760440900.25}'
	header_is Retry-After 891
	says account 10 0 901 891 900
	at 900 right ten
	over Account 10 900.25 1
	at 900.25 right ten
	expect 200
	at 900.25 guess ten
	at 900.25 right ten
	over Account 10 901.25 1
}

@test "its window is 15 minutes, whatever that of the others is" {
	user quarter
	settings+=(RATE_LIMIT_WINDOW_SECONDS=1)
	times 10 at 0 guess quarter
	at 899 right quarter
	over Account 10 900 1
	at 900 let_in quarter
}

@test "it is what is set, and 0 is off" {
	user setting
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=2)
	times 2 at 0 guess setting
	at 1 right setting
	over Account 2 900 899
	says account 2 0 900 899 900
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=0)
	times 3 at 1 guess setting
	at 1 let_in setting
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=3)
	at 1 guess setting
	at 1 right setting
	over Account 3 900 899
}

@test "the right password neither counts nor makes the count forget" {
	user mixed
	times 12 let_in mixed
	times 9 guess mixed
	times 3 let_in mixed
	guess mixed
	shut mixed
}

@test "a form without a password or a name is no guess" {
	user half
	local n
	for n in {1..12}; do
		form /api/auth/login 'username=half'
		expect 422
		form /api/auth/login 'username=half&password='
		expect 422
		form /api/auth/login 'password=wrong'
		expect 422
	done
	let_in half
}

@test "accounts have a count each" {
	user mine
	user yours
	shut_account mine
	guess yours
	let_in yours
}

@test "guesses from many addresses are one count" {
	user everywhere
	local n
	for n in {1..10}; do
		local -a cgi=("REMOTE_ADDR=198.51.100.$n")
		guess everywhere
	done
	cgi=(REMOTE_ADDR=2001:db8::1)
	shut everywhere
}

@test "its fields are seen where it refuses, else the address's are" {
	user fields
	settings+=(RATE_LIMIT_PER_ADDRESS=20 LOGIN_FAILURES_PER_ACCOUNT=2)
	local -a cgi=(REMOTE_ADDR=192.0.2.80)
	at 0 guess fields
	says address 20 19 60 60
	at 0 guess fields
	says address 20 18 60 60
	at 1 right fields
	over Account 2 900 899
	says account 2 0 900 899 900
	at 1 right anna
	expect 200
	says address 20 16 60 59
}

@test "a refused guess writes nothing but what the address counts" {
	new_data
	user silent
	times 10 guess silent
	local before=$(sum_of_counters)
	times 3 shut silent
	is "$(sum_of_counters)" "$before" counters
	isnt "$before" '' counters
}

@test "a guess that can't be counted is a 503, and is not told" {
	new_data
	user uncounted
	guess uncounted
	hold_lock limits.db
	form /api/auth/login 'username=uncounted&password=wrong'
	unavailable
	release_lock
	rm "$(counters)"*
	mkdir "$(counters)"
	touch "$(counters)/file"
	form /api/auth/login 'username=uncounted&password=wrong'
	unavailable
	right uncounted
	unavailable
}

# Where the address has no limit nothing else would wait for the lock.
@test "a right password that can't be looked up in the counts is a 503, as a wrong one" {
	user unlocked
	guess unlocked
	local logins=$(sql 'SELECT count(*) FROM logins')
	hold_lock limits.db
	right unlocked
	unavailable
	right unlocked "refresh_token=$refresh"
	unavailable
	change_name "$password"
	unavailable
	change_name wrong
	unavailable
	release_lock
	is "$(sql 'SELECT count(*) FROM logins')" "$logins" logins
	me "$access"
	holds '.username == "unlocked"'
	let_in unlocked
}

# ---------------------------------------------------------------- no hashing

@test "over the limit no password is hashed: no place for it is asked for" {
	user cheap
	settings+=(HASHES=1)
	shut_account cheap
	take_places 1
	# It is taken: whoever hashes has to wait, and does so in vain.
	right anna
	unavailable
	shut cheap
	times 5 shut cheap
	leave_places
	right anna
	expect 200
}

@test "a login that waited while others guessed tells nothing" {
	user overtaken
	settings+=(HASHES=1)
	local n
	for n in right wrong; do
		new_data
		user overtaken
		take_places 1
		(
			case $n in
			right)	right overtaken ;;
			wrong)	form /api/auth/login \
				    'username=overtaken&password=wrong' ;;
			esac
			printf '%s %s\n' "$status_code" "$body" \
			    >"$BATS_TEST_TMPDIR/$n"
		) 3>&- &
		until_waiting 2
		# There is a second place for those who know of it.
		settings+=(HASHES=2)
		times 10 guess overtaken
		settings+=(HASHES=1)
		leave_places
		rm "$BATS_TEST_TMPDIR/places" "$BATS_TEST_TMPDIR/taken"
		wait
		has "$(<"$BATS_TEST_TMPDIR/$n")" \
		    '429 {"detail":"Account rate limit exceeded. '
		is "$(sql 'SELECT count(*) FROM logins')" 1 logins
	done
}

@test "of 24 guesses at once ten are told" {
	user crowd
	one()
	{
		form /api/auth/login 'username=crowd&password=wrong'
	}
	at_once 24 one
	is "$(cut -d ' ' -f 1 <<<"$answers" | sort | uniq -c |
	    awk '{ print $1 "x" $2 }' | paste -sd ' ')" '10x401 14x429' answers
	shut crowd
}

# ---------------------------------------------------------------- names

# The answers to twelve guesses, but for what is new in every answer.
twelve()	# NAME [FIELD=VALUE&...]
{
	local n
	for n in {0..11}; do
		at $n form /api/auth/login \
		    "username=$1&password=wrong${2+&$2}"
		printf '%s %s\n%s%s\n' "$status_code" "$reason" \
		    "$(grep -v '^X-Request-ID: ' <<<"$headers")" "$body"
	done
}

@test "names that are not there are answered like those that are" {
	user there
	local want=$(twelve there) name
	is "$(grep -c '^401 ' <<<"$want") $(grep -c '^429 ' <<<"$want")" \
	    '10 2' answers
	for name in nobody nobody%40example.com there%40example.com.org \
	    no%20%20name @ %e2%80%8b "$(printf 'x%.0s' {1..300})"; do
		is "$(twelve "$name")" "$want" "answers for $name"
	done
}

@test "a name and the address of its account share the count" {
	user both
	times 5 guess both
	times 5 guess both%40example.com
	shut both
	shut both%40example.com
}

@test "a name in another case or width is the same, there or not" {
	user Umlaut
	guess Umlaut
	guess UMLAUT
	guess umlaut
	guess %ef%bd%95mlaut
	guess Umlaut%40example.com
	guess UMLAUT%40EXAMPLE.COM
	times 4 guess %ef%bc%b5mlaut
	shut uMLAUT
	shut umlaut%40example.com

	local n
	for n in missing MISSING Missing %ef%bd%8dissing; do
		times 2 guess "$n"
	done
	times 2 guess %ef%bc%adISSING
	form /api/auth/login 'username=missing&password=wrong'
	is "$status_code" 429 status

	times 5 guess missing%40example.com
	times 5 guess MISSING%40Example.COM
	form /api/auth/login 'username=Missing%40example.com&password=wrong'
	is "$status_code" 429 status
}

@test "a name that registers after it was guessed at is not shut for good" {
	times 10 at 0 guess latecomer
	user latecomer
	at 901 let_in latecomer
}

@test "the id of an account in its name's place neither fills nor shows its count" {
	user byid
	local id=$(claim sub "$access") want=$(twelve nobody-at-all) name
	for name in "$id" "${id^^}"; do
		limits_sql 'DELETE FROM limits'
		is "$(twelve "$name")" "$want" "answers for $name"
		at 11 let_in byid
	done
	times 9 at 11 guess byid
	at 11 let_in byid
	at 11 guess byid
	at 11 shut byid
	# Nor does a full one show.
	user byid2
	id=$(claim sub "$access")
	times 10 at 0 guess byid2
	at 11 shut byid2
	is "$(twelve "$id")" "$want" "answers for the shut account's id"
}

@test "a refresh token tells no name that is there from one that is not" {
	user there2
	user bearer
	local live=$refresh token want
	login bearer
	post /api/auth/logout "{\"refresh_token\":\"$refresh\"}"
	expect 204
	for token in "$live" "$refresh" "$access" rubbish; do
		limits_sql 'DELETE FROM limits'
		want=$(twelve there2 "refresh_token=$token")
		is "$(grep -c '^401 ' <<<"$want")" 10 answers
		is "$(twelve nobody2 "refresh_token=$token")" "$want" \
		    'answers for nobody'
		is "$(twelve nobody2%40example.com "refresh_token=$token")" \
		    "$want" "answers for nobody's address"
	done
}

@test "what was typed for a name is kept nowhere" {
	new_data
	user careful
	local typed=My-S3cret-Passw0rd key
	local -a cgi=(LOG_FILE="$SWITCHBOARD_DATA/log" LOG_LEVEL=debug)
	times 10 guess $typed
	log=
	form /api/auth/login "username=$typed&password=wrong"
	is "$status_code" 429 status
	times 2 guess $typed%40example.com
	isnt "$(limits_sql 'SELECT count(*) FROM limits')" 0 rows
	is "$(grep -rlaiF "$typed" "$SWITCHBOARD_DATA" || true)" '' files
	is "$(grep -ciF "$typed" "$BATS_FILE_TMPDIR/log" || true)" 0 'log lines'

	# Nor a digest of it that a guesser could make, too.
	key=$(limits_sql "SELECT key FROM limits" | sort)
	like "$key" $'account:[0-9a-f]{32}\naccount:[0-9a-f]{32}' keys
	local digest text
	for digest in md5sum sha1sum sha256sum sha512sum; do
		for text in $typed "${typed,,}"; do
			lacks "$key" "$(printf %s "$text" | $digest |
			    cut -c -32)"
		done
	done
	new_data
	user careful
	guess $typed
	lacks "$key" "$(limits_sql 'SELECT key FROM limits')"
}

# ---------------------------------------------------------------- the owner

change_name()	# PASSWORD
{
	call PATCH /api/auth/me 'Content-Type: application/json' \
	    "Authorization: Bearer $access" -- \
	    "{\"username\":\"other-name\",\"current_password\":\"$1\"}"
}

change_password()	# PASSWORD
{
	post /api/auth/password \
	    "{\"current_password\":\"$1\",\"new_password\":\"another one\"}" \
	    "Authorization: Bearer $access"
}

remove_account()	# PASSWORD
{
	call DELETE /api/auth/me 'Content-Type: application/json' \
	    "Authorization: Bearer $access" -- "{\"current_password\":\"$1\"}"
}

@test "a wrong current_password counts as a wrong password of the account" {
	user current
	local what
	for what in change_name change_password remove_account; do
		times 3 $what wrong
		expect 400 '{"detail":"Incorrect password"}'
	done
	guess current
	for what in change_name change_password remove_account; do
		$what wrong
		is "$status_code" 429 status
		has "$body" '"Account rate limit exceeded. '
		header_is RateLimit-Policy '"account";q=10;w=900'
		$what "$password"
		is "$status_code" 429 status
	done
	shut current
	shut current%40example.com
	me "$access"
	expect 200
	holds '.username == "current"'
}

@test "strangers' wrong passwords don't keep an owner from the account's care" {
	user cared
	shut_account cared
	change_name "$password"
	expect 200
	shut other-name
	change_password "$password"
	expect 200
	take_tokens
	form /api/auth/login 'username=other-name&password=another+one'
	is "$status_code" 429 'status for strangers'
	remove_account 'another one'
	is "$status_code" 204 status
}

@test "who has guessed wrong lately is refused while the account's count is full" {
	user erring
	local own=$access what
	login erring
	local other=$access
	access=$own
	at 0 change_name wrong
	expect 400
	# It isn't full yet.
	at 1 change_name "$password"
	expect 200
	times 9 at 2 guess other-name
	for what in change_name change_password remove_account; do
		at 3 $what "$password"
		over Account 10 900 897
		at 3 $what wrong
		over Account 10 900 897
	done
	# His other login has not guessed.
	access=$other
	at 4 call PATCH /api/auth/me 'Content-Type: application/json' \
	    "Authorization: Bearer $access" -- \
	    "{\"username\":\"erring\",\"current_password\":\"$password\"}"
	expect 200
	# And after 15 minutes neither has he: strangers' are all that count.
	access=$own
	at 900 guess erring
	at 901 form /api/auth/login 'username=erring&password=wrong'
	is "$status_code" 429 'status for strangers'
	at 901 remove_account "$password"
	is "$status_code" 204 status
}

@test "of 30 at once with a stolen token, while the count is full, one is told at most" {
	user stolen
	shut_account stolen
	local ways=(change_name change_password remove_account)
	one()
	{
		${ways[turn % 3]} "wrong $turn"
	}
	at_once 30 one
	local told=$(grep -cFx '400 {"detail":"Incorrect password"}' \
	    <<<"$answers")
	((told <= 1)) || show "told: $told" "$answers"
	((told <= 1))
	is "$(grep -c '^429 {"detail":"Account rate limit exceeded. ' \
	    <<<"$answers")" $((30 - told)) refusals
	# From now on not even the right one is.
	local what
	for what in "${ways[@]}"; do
		$what "$password"
		is "$status_code" 429 "status of $what"
	done
	me "$access"
	expect 200
}

@test "a change of name or address does not begin the count anew" {
	user renamed
	times 6 guess renamed
	call PATCH /api/auth/me 'Content-Type: application/json' \
	    "Authorization: Bearer $access" -- \
	    "{\"username\":\"newname\",\"email\":\"new@example.com\",
	    \"current_password\":\"$password\"}"
	expect 200
	times 2 guess newname
	times 2 guess new%40example.com
	shut newname
	# Whoever gets the old name has a count of its own.
	guess renamed
}

@test "a right current_password does not count" {
	user steady
	local n
	for n in {1..12}; do
		call PATCH /api/auth/me 'Content-Type: application/json' \
		    "Authorization: Bearer $access" -- \
		    "{\"username\":\"steady$n\",\"current_password\":\"$password\"}"
		expect 200
	done
	let_in steady12
}

@test "a body that is no good is no wrong password" {
	user formal
	times 12 post /api/auth/password '{}' "Authorization: Bearer $access"
	expect 422
	times 12 post /api/auth/password \
	    '{"current_password":"wrong","new_password":"short"}' \
	    "Authorization: Bearer $access"
	expect 422
	let_in formal
}

@test "a refresh token lets its owner in while the account is shut" {
	user owner
	shut_account owner
	let_in owner "refresh_token=$refresh"
	# And the name may be the address.
	let_in owner%40example.com "refresh_token=$refresh"
	# For strangers it stays shut.
	shut owner
}

@test "a refresh token that was used up lets its owner in, too" {
	user worn
	local old=$refresh
	rotate "$old"
	later 60 rotate "$refresh"
	later 60 rotate "$refresh"
	shut_account worn
	let_in worn "refresh_token=$old"
}

@test "a refresh token that has expired lets its owner in, too" {
	user late
	local days=$((9 * 24 * 60 * 60))
	later $days try_refresh "$refresh"
	refused_refresh
	times 10 later $days guess late
	later $days shut late
	later $days let_in late "refresh_token=$refresh"
}

@test "wrong passwords with a refresh token count for its login alone" {
	user apart
	local first=$refresh second
	login apart
	second=$refresh
	times 10 guess apart "refresh_token=$first"
	form /api/auth/login \
	    "username=apart&password=wrong&refresh_token=$first"
	is "$status_code" 429 status
	has "$body" '"Account rate limit exceeded. '
	header_is RateLimit-Policy '"account";q=10;w=900'
	right apart "refresh_token=$first"
	is "$status_code" 429 status
	# Neither the account's nor another login's.
	let_in apart
	let_in apart "refresh_token=$second"
	times 9 guess apart
	let_in apart
	guess apart
	shut apart
	let_in apart "refresh_token=$second"
	is "$(limits_sql "SELECT count(*) FROM limits
	    WHERE key = 'login:$(claim sid "$first")'")" 1 rows
}

@test "all refresh tokens of a login share its count" {
	user chain
	local first=$refresh
	rotate "$first"
	times 5 guess chain "refresh_token=$first"
	times 5 guess chain "refresh_token=$refresh"
	right chain "refresh_token=$first"
	is "$status_code" 429 status
	right chain "refresh_token=$refresh"
	is "$status_code" 429 status
	let_in chain
}

@test "a login's count is over after 15 minutes, too" {
	user patient
	times 10 at 0 guess patient "refresh_token=$refresh"
	at 899 right patient "refresh_token=$refresh"
	over Account 10 900 1
	at 900 right patient "refresh_token=$refresh"
	expect 200
}

# no_shield TOKEN: it is as if it had not been there, and nothing is wrong with
# the form.
no_shield()
{
	right shielded "refresh_token=$1"
	is "$status_code" 429 'status for the shut one'
	guess visitor "refresh_token=$1"
	let_in visitor "refresh_token=$1"
}

@test "no other token shields: another account's, a revoked login's, garbage" {
	new_data
	user shielded
	local access_token=$access whole=$refresh
	user stranger
	local strange=$refresh
	user visitor
	local -a settings=("${settings[@]}" LOGIN_FAILURES_PER_ACCOUNT=2)
	login shielded
	post /api/auth/logout "{\"refresh_token\":\"$refresh\"}"
	expect 204
	local revoked=$refresh token
	times 2 guess shielded
	shut shielded

	for token in "$strange" "$revoked" "$access_token" rubbish a.b.c \
	    "${whole}A" "${whole%?????}AAAAA" "${whole%.*}." %20 \
	    "$(printf 'x%.0s' {1..9000})"; do
		no_shield "$token"
		limits_sql 'DELETE FROM limits WHERE length(times) = 8'
	done
	# What is no text is wrong by itself.
	for token in %00 %ff; do
		right visitor "refresh_token=$token"
		expect 422
	done
	let_in shielded "refresh_token=$whole"
}

# Each ends all logins of the user `ended', whose access token is $access.
end_by_operator()
{
	operate login revoke --all ended >/dev/null
}

end_by_password()
{
	post /api/auth/password "{\"current_password\":\"$password\",
	    \"new_password\":\"$password\"}" "Authorization: Bearer $access"
	expect 200
}

end_by_logout()
{
	call POST /api/auth/logout-all "Authorization: Bearer $access"
	is "$status_code" 204 status
}

# no_shield_after END [TICK]: none of the tokens of before shields, though tick
# may have taken the row of its login; those of afterwards do, from the very
# second on.
no_shield_after()
{
	new_data
	settings+=(REFRESH_TOKEN_EXPIRE_DAYS=1)
	user ended
	local expired=$refresh day=$((EPOCHSECONDS + 3 * 86400)) ended
	[ $# = 1 ] || at_second $day operate tick --quiet
	is "$(sql 'SELECT count(*) FROM logins')" $((2 - $#)) logins
	at_second $day login ended
	local rotated=$refresh
	at_second $day rotate "$rotated"
	times 10 at_second $day guess ended
	at_second $day shut ended
	at_second $day let_in ended "refresh_token=$expired"
	local -a tokens=("$expired" "$rotated" "$refresh")

	at_second $day "$1"
	local token
	for token in "${tokens[@]}"; do
		at_second $day right ended "refresh_token=$token"
		is "$status_code" 429 "status after $1"
		at_second $((day + 800)) right ended "refresh_token=$token"
		is "$status_code" 429 "status after $1"
	done
	at_second $((day + 1000)) let_in ended
	local -a settings=("${settings[@]}" LOGIN_FAILURES_PER_ACCOUNT=0)
	at_second $day login ended
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=10)
	at_second $day shut ended
	at_second $day let_in ended "refresh_token=$refresh"
}

@test "when all logins were ended by the operator no token of before shields" {
	no_shield_after end_by_operator
	no_shield_after end_by_operator tick
}

@test "when the password was changed no token of before shields" {
	no_shield_after end_by_password
	no_shield_after end_by_password tick
}

@test "when one has logged out everywhere no token of before shields" {
	no_shield_after end_by_logout
	no_shield_after end_by_logout tick
}

@test "the login of a new password shields in the same second" {
	user instant
	at 0 change_password "$password"
	expect 200
	take_tokens
	times 10 at 0 guess instant
	at 0 shut instant
	at 0 form /api/auth/login \
	    "username=instant&password=another+one&refresh_token=$refresh"
	expect 200
}

@test "an empty refresh_token counts as none" {
	user empty
	let_in empty 'refresh_token='
	times 10 guess empty 'refresh_token='
	shut empty
	shut empty 'refresh_token='
}

@test "a forged refresh token shields nobody" {
	user forged
	local folder=$BATS_TEST_TMPDIR/forged file
	/usr/bin/python3 "$BATS_TEST_DIRNAME/forge.py" tokens \
	    "$SWITCHBOARD_DATA/signing-keys.json" "$refresh" "$folder"
	shut_account forged
	for file in "$folder"/{alg-*,key-*,kid-unknown,signature-*,sub-*,type-*,sid-number}; do
		right forged "refresh_token=$(sed 's/+/%2B/g' "$file")"
		is "$status_code" 429 "status with ${file##*/}"
	done
	let_in forged "refresh_token=$(<"$folder/control")"
	let_in forged "refresh_token=$(<"$folder/exp-passed")"
}

@test "a refresh token is not used up by a login that it comes with" {
	user unspent
	local token=$refresh
	let_in unspent "refresh_token=$token"
	isnt "$(claim sid "$refresh")" "$(claim sid "$token")" sid
	is "$(sql "SELECT count(*) FROM refresh_tokens
	    WHERE jti = '$(claim jti "$token")' AND used_at IS NULL")" 1 tokens
	rotate "$token"
}

@test "a refresh token is echoed by no error" {
	user echo
	form /api/auth/login \
	    "username=echo&refresh_token=$refresh&grant_type=wrong"
	expect 422
	lacks "$body" "${refresh:0:20}"
	lacks "$log" "${refresh:0:20}"
}
