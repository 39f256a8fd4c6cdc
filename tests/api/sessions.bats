# A user's logins: the list of them, ending one, logging out, and logging out
# everywhere.  Section 4 of the contract.

load harness
load logins

sessions()	# ACCESS
{
	call GET /api/auth/sessions "Authorization: Bearer $1"
}

end_session()	# ACCESS ID
{
	call DELETE /api/auth/sessions/"$2" "Authorization: Bearer $1"
}

logout()	# ACCESS
{
	call POST /api/auth/logout "Authorization: Bearer $1"
}

logout_by()	# REFRESH [Name: value]...
{
	local text="{\"refresh_token\":\"$1\"}"
	shift
	post /api/auth/logout "$text" "$@"
}

logout_all()	# ACCESS
{
	call POST /api/auth/logout-all "Authorization: Bearer $1"
}

done_well()
{
	expect 204 ''
	is "$reason" 'No Content'
	header_is Content-Type ''
	header_is Content-Length ''
	header_is Cache-Control no-store
}

dead_refresh()
{
	try_refresh "$1"
	refused_refresh
}

sid()
{
	claim sid "$1"
}

revoked_at()	# SID
{
	sql "SELECT revoked_at FROM logins WHERE id = '$1'"
}

# ---------------------------------------------------------------- the list

@test "the list has a user's login with all that there is to know of it" {
	at 0 try_register ada
	take_tokens
	at 1 sessions "$access"
	expect 200 '{"sessions":[{"id":"'$(sid "$access")'",
	    "created_at":"'$(TZ=UTC printf '%(%FT%T)T' "$start")'.000000Z",
	    "last_used_at":"'$(TZ=UTC printf '%(%FT%T)T' "$start")'.000000Z",
	    "expires_at":"'$(TZ=UTC printf '%(%FT%T)T' \
	    $((start + 604800)))'.000000Z",
	    "user_agent":null,"ip_address":"192.0.2.1","current":true}],
	    "total":1}'
	is "$(jq -c 'keys_unsorted' <<<"$body")" '["sessions","total"]'
	is "$(jq -c '.sessions[0] | keys_unsorted' <<<"$body")" \
	    '["id","created_at","last_used_at","expires_at","user_agent","ip_address","current"]'
	header_is Content-Type application/json
	header_is Cache-Control no-store
}

@test "ids and times of the list are as everywhere" {
	register bob
	sessions "$access"
	expect 200
	like "$(json '.sessions[0].id')" "$uuid7" id
	like "$(json '.sessions[0].created_at')" "$time" created_at
	like "$(json '.sessions[0].last_used_at')" "$time" last_used_at
	like "$(json '.sessions[0].expires_at')" "$time" expires_at
	is "$(date -d "$(json '.sessions[0].expires_at')" +%s)" \
	    "$(claim exp "$refresh")" "the refresh token's end"
}

@test "the list shows where each login came from" {
	post /api/auth/register "$(new_user cleo)" 'User-Agent: One/1.0 "é"'
	expect 201
	cgi=(REMOTE_ADDR=2001:db8::7)
	form /api/auth/login "username=cleo&password=${password// /+}" \
	    'User-Agent: Two/2.0'
	take_tokens
	cgi=(REMOTE_ADDR=192.0.2.77)
	sessions "$access"
	expect 200
	is "$(jq -c '[.sessions[] | [.current, .user_agent, .ip_address]]' \
	    <<<"$body")" \
	    '[[true,"Two/2.0","2001:db8::7"],[false,"One/1.0 \"é\"","192.0.2.1"]]'
}

@test "a refresh changes neither where a login came from nor its beginning" {
	at 0 post /api/auth/register "$(new_user dora)" 'User-Agent: One'
	take_tokens
	cgi=(REMOTE_ADDR=192.0.2.77)
	at 60 post /api/auth/refresh "{\"refresh_token\":\"$refresh\"}" \
	    'User-Agent: Two'
	take_tokens
	at 61 sessions "$access"
	holds '.total == 1 and (.sessions[0] | .user_agent == "One"
	    and .ip_address == "192.0.2.1"
	    and .created_at == $created and .last_used_at == $used
	    and .expires_at == $until)' \
	    --arg created "$(TZ=UTC printf '%(%FT%T)T' $start).000000Z" \
	    --arg used "$(TZ=UTC printf '%(%FT%T)T' \
	    $((start + 60))).000000Z" \
	    --arg until "$(TZ=UTC printf '%(%FT%T)T' \
	    $((start + 604860))).000000Z"
}

@test "a user agent is cut to 256 code points" {
	local long
	printf -v long '%0300d' 0
	post /api/auth/register "$(new_user emil)" \
	    "User-Agent: ${long//0/é}"
	expect 201
	take_tokens
	sessions "$access"
	is "$(json '.sessions[0].user_agent')" "$(printf 'é%.0s' {1..256})"
}

@test "a user agent that is no text is shown as some" {
	local agent='User-Agent: a'
	agent+=$'\xff\xc3b\x1b[31m"'
	post /api/auth/register "$(new_user fay)" "$agent"
	expect 201
	take_tokens
	sessions "$access"
	expect 200
	is "$(jq -r '.sessions[0].user_agent' <<<"$body")" \
	    $'a\xef\xbf\xbd\xef\xbf\xbdb\x1b[31m"'
}

@test "of several logins the caller's is the current one" {
	register gus
	local first=$access
	login gus
	local token
	for token in "$first" "$access"; do
		sessions "$token"
		expect 200
		holds '.total == 2 and ([.sessions[] | select(.current)]
		    == [.sessions[0]]) and .sessions[0].id == $id' \
		    --arg id "$(sid "$token")"
	done
}

@test "the caller's login comes first, then the last used" {
	at 0 register hal
	local one=$(sid "$access")
	at 10 login hal
	local two=$(sid "$access") used=$refresh
	at 20 login hal
	local three=$(sid "$access") caller=$access
	at 30 login hal
	local four=$(sid "$access")
	at 40 rotate "$used"
	at 50 sessions "$caller"
	expect 200
	is "$(json '[.sessions[].id] | join(" ")')" \
	    "$three $two $four $one" order
	is "$(json '[.sessions[].current | tostring] | join(" ")')" \
	    'true false false false' current
	holds '.total == 4'
}

@test "of logins used in the same moment the order is always the same" {
	at 0 register ida
	local i
	for i in 1 2 3 4; do
		at 0 login ida
	done
	at 1 sessions "$access"
	local first=$(json '[.sessions[].id] | join(" ")')
	for i in 1 2 3; do
		at 1 sessions "$access"
		is "$(json '[.sessions[].id] | join(" ")')" "$first" order
	done
}

@test "a login that has expired is not listed, from its very second" {
	at 0 register jan
	local first=$(sid "$access")
	at 604700 login jan
	at 604799 sessions "$access"
	expect 200
	holds '.total == 2 and .sessions[1].id == $id' --arg id "$first"
	at 604800 sessions "$access"
	holds '.total == 1 and (.sessions | length) == 1'
	holds '.sessions[0].current'
}

@test "a login that was ended is not listed" {
	register kim
	local other=$access other_refresh=$refresh
	login kim
	logout_by "$other_refresh"
	sessions "$access"
	holds '.total == 1 and (.sessions | length) == 1
	    and .sessions[0].current'
	login kim
	sql "UPDATE logins SET revoked_at = created_at
	    WHERE id = '$(sid "$access")'"
	login kim
	sessions "$access"
	holds '.total == 2'
}

@test "nobody else's logins are listed" {
	register leo
	local id=$(sid "$access")
	register mia
	sessions "$access"
	expect 200
	holds '.total == 1'
	lacks "$body" "$id"
}

@test "at most 100 are listed, but all of them counted" {
	register ned
	sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
	    WHERE i < 120)
	    INSERT INTO logins (id, user_id, created_at, last_used_at,
	    expires_at, user_agent, ip_address)
	    SELECT printf('01890a5d-ac96-774b-bcce-%012d', i),
	    '$(claim sub "$access")', i, i * 1000000,
	    (SELECT max(expires_at) FROM logins), NULL, NULL FROM n"
	sessions "$access"
	expect 200
	holds '.total == 121 and (.sessions | length) == 100
	    and .sessions[0].current and .sessions[0].id == $id
	    and .sessions[1].id == "01890a5d-ac96-774b-bcce-000000000120"
	    and .sessions[99].id == "01890a5d-ac96-774b-bcce-000000000022"
	    and .sessions[1].ip_address == null
	    and .sessions[1].last_used_at == "1970-01-01T00:02:00.000000Z"' \
	    --arg id "$(sid "$access")"
}

@test "a trailing slash and a query change nothing of the list" {
	register ole
	local path
	for path in sessions/ 'sessions?limit=x' 'sessions/?a=1'; do
		call GET "/api/auth/$path" "Authorization: Bearer $access"
		expect 200
		holds '.total == 1'
	done
}

@test "HEAD of the list has GET's header fields and no body" {
	register pam
	sessions "$access"
	local length=$(header Content-Length)
	call HEAD /api/auth/sessions "Authorization: Bearer $access"
	expect 200 ''
	header_is Content-Length "$length"
}

@test "looking at the list writes nothing, and needs no lock" {
	register quin
	local before=$(sql 'SELECT * FROM logins; SELECT * FROM users')
	hold_lock
	sessions "$access"
	release_lock
	expect 200
	is "$(sql 'SELECT * FROM logins; SELECT * FROM users')" "$before"
}

# ---------------------------------------------------------------- ending one

@test "a login that is ended is dead at once, and the others live" {
	register rex
	local caller=$access caller_refresh=$refresh
	login rex
	local other=$access other_refresh=$refresh
	login rex
	end_session "$caller" "$(sid "$other")"
	done_well
	dead "$other" "$other_refresh"
	lives "$access" "$refresh"
	lives "$caller" "$caller_refresh"
	sessions "$caller"
	holds '.total == 2'
	lacks "$body" "$(sid "$other")"
}

@test "the caller's own login may be ended, and then its token is dead" {
	register sam
	local other=$access other_refresh=$refresh
	login sam
	end_session "$access" "$(sid "$access")"
	done_well
	end_session "$access" "$(sid "$access")"
	refused
	dead "$access" "$refresh"
	lives "$other" "$other_refresh"
}

@test "ending a login again is as good, and changes nothing" {
	register tim
	local id=$(sid "$access")
	login tim
	end_session "$access" "$id"
	done_well
	local when=$(revoked_at "$id")
	isnt "$when" '' revoked_at
	later 60 end_session "$access" "$id"
	done_well
	is "$(revoked_at "$id")" "$when" revoked_at
}

@test "a login that has expired can be ended while its row is there" {
	at 0 register uli
	local id=$(sid "$access")
	at 700000 login uli
	at 700001 end_session "$access" "$id"
	done_well
}

@test "another user's login is not found, as one that nobody has" {
	local id=$(sid "$somebody")
	register val
	end_session "$access" 01890a5d-ac96-774b-bcce-b302099a8057
	expect 404 '{"detail":"Not Found"}'
	plain()
	{
		printf '%s %s\n%s\n%s' "$status_code" "$reason" \
		    "$(grep -vi '^x-request-id:' <<<"$headers")" "$body"
	}
	local unknown=$(plain)
	end_session "$access" "$id"
	is "$(plain)" "$unknown" answer
	lives "$somebody"
	is "$(revoked_at "$id")" '' revoked_at
	# Also when it is dead.
	register was
	sql "UPDATE logins SET revoked_at = 7 WHERE id = '$(sid "$access")'"
	id=$(sid "$access")
	register wim
	end_session "$access" "$id"
	is "$(plain)" "$unknown" answer
	is "$(revoked_at "$id")" 7 revoked_at
}

@test "what is no id is not found" {
	register xia
	local id=$(sid "$access") other
	for other in x "${id^^}" "${id//-/}" "${id}0" "$id%20" "%00" "%ff" \
	    "$id/x" "{$id}" "' OR 1=1 --" '*' '%25'; do
		end_session "$access" "$other"
		expect 404 '{"detail":"Not Found"}'
	done
	lives "$access"
	end_session "$access" "$id/"
	done_well
}

@test "a used token does not bring an ended login back within its 10 s" {
	register yan
	local used=$refresh
	rotate "$used"
	local ended=$access
	login yan
	end_session "$access" "$(sid "$ended")"
	dead_refresh "$used"
	me "$ended"
	refused
}

@test "many at once that end one login all succeed" {
	register zoe
	local id=$(sid "$access")
	login zoe
	one()
	{
		end_session "$access" "$id"
	}
	at_once 6 one
	is "$(grep -c '^204 $' <<<"$answers")" 6 successes
	isnt "$(revoked_at "$id")" '' revoked_at
}

@test "a login that goes with its account, while its end waits, is not found" {
	new_data
	register fay
	end_own()
	{
		end_session "$access" "$(sid "$access")"
	}
	meanwhile auth 'DELETE FROM logins' end_own
	expect 404 '{"detail":"Not Found"}'
}

@test "no body is looked at when a login is ended" {
	register abe
	local id=$(sid "$access")
	login abe
	call DELETE /api/auth/sessions/"$id" "Authorization: Bearer $access" \
	    'Content-Type: text/plain' -- '{"x":'
	done_well
}

@test "a busy store ends no login" {
	register bea
	local other=$access id=$(sid "$access")
	login bea
	hold_lock
	end_session "$access" "$id"
	release_lock
	unavailable
	lives "$other"
	is "$(revoked_at "$id")" '' revoked_at
	end_session "$access" "$id"
	done_well
}

# ---------------------------------------------------------------- logging out

@test "a refresh token logs its login out" {
	register carl
	local other=$access other_refresh=$refresh
	login carl
	logout_by "$refresh"
	done_well
	dead "$access" "$refresh"
	lives "$other" "$other_refresh"
}

@test "without a body the login of the bearer token is logged out" {
	register dan
	local other=$access other_refresh=$refresh
	login dan
	logout "$access"
	done_well
	dead "$access" "$refresh"
	lives "$other" "$other_refresh"
}

@test "an empty body is none, whatever it is said to be" {
	register eva
	call POST /api/auth/logout "Authorization: Bearer $access" \
	    'Content-Type: application/json'
	done_well
	dead "$access"
	login eva
	call POST /api/auth/logout "Authorization: Bearer $access" \
	    'Content-Type: application/x-www-form-urlencoded' --chunked
	done_well
	dead "$access"
}

@test "a trailing slash changes nothing of a logout" {
	register fred
	call POST /api/auth/logout/ "Authorization: Bearer $access"
	done_well
	dead "$access"
}

@test "with a body the Authorization header does not matter" {
	register gil
	local caller=$access caller_refresh=$refresh
	login gil
	logout_by "$refresh" "Authorization: Bearer $caller"
	done_well
	dead "$access" "$refresh"
	lives "$caller" "$caller_refresh"
	# Another user's, neither.
	login gil
	logout_by "$refresh" "Authorization: Bearer $somebody"
	done_well
	dead "$access" "$refresh"
	lives "$somebody"
}

@test "with a body a dead Authorization header does not matter, either" {
	register hugo
	local gone=$access field
	logout "$gone"
	for field in "Bearer $gone" Bearer 'Bearer x' 'Bearer a b' \
	    'Basic YTpi' x "Bearer $refresh" ''; do
		login hugo
		logout_by "$refresh" "Authorization: $field"
		done_well
		dead "$access" "$refresh"
	done
	login hugo
	later 3000 logout_by "$refresh" "Authorization: Bearer $access"
	done_well
	isnt "$(revoked_at "$(sid "$access")")" '' revoked_at
}

@test "a refresh token that was used up logs its login out" {
	at 0 register ivo
	local used=$refresh
	at 1 rotate "$used"
	local second=$refresh
	at 60 rotate "$second"
	at 120 logout_by "$used"
	done_well
	at 121 dead "$access" "$refresh"
}

@test "an expired refresh token logs its login out" {
	at 0 register joni
	local old=$refresh sid=$(sid "$refresh")
	at 604000 rotate "$old"
	at 604801 logout_by "$old"
	done_well
	at 604802 dead "$access" "$refresh"
	isnt "$(revoked_at "$sid")" '' revoked_at
	# Also one whose login is over by itself.
	at 0 register joe
	at 700000 logout_by "$refresh"
	done_well
}

@test "logging out twice is as good, and changes nothing" {
	register kai
	logout_by "$refresh"
	done_well
	local when=$(revoked_at "$(sid "$refresh")")
	later 60 logout_by "$refresh"
	done_well
	later 60 logout "$access"
	done_well
	is "$(revoked_at "$(sid "$refresh")")" "$when" revoked_at
}

@test "a bearer token that has expired logs its login out" {
	register lea
	later 1600 me "$access"
	refused
	later 1600 logout "$access"
	done_well
	later 1601 dead_refresh "$refresh"
}

@test "a disabled user can log out" {
	register max
	local first=$access
	sql "UPDATE users SET is_active = 0 WHERE username = 'max'"
	logout "$access"
	done_well
	isnt "$(revoked_at "$(sid "$first")")" '' revoked_at
	sql "UPDATE users SET is_active = 1 WHERE username = 'max'"
	login max
	sql "UPDATE users SET is_active = 0 WHERE username = 'max'"
	logout_by "$refresh"
	done_well
	isnt "$(revoked_at "$(sid "$access")")" '' revoked_at
}

@test "who is gone can log out all the same" {
	register nia
	local id=$(claim sub "$access")
	sql "DELETE FROM refresh_tokens WHERE login_id IN
	    (SELECT id FROM logins WHERE user_id = '$id');
	    DELETE FROM logins WHERE user_id = '$id';
	    DELETE FROM users WHERE id = '$id'"
	logout "$access"
	done_well
	logout_by "$refresh"
	done_well
}

@test "without a body and a header nobody is authenticated" {
	call POST /api/auth/logout
	expect 401 '{"detail":"Not authenticated"}'
	header_is WWW-Authenticate Bearer
	call POST /api/auth/logout 'Authorization: Basic YTpi'
	expect 401 '{"detail":"Not authenticated"}'
	header_is WWW-Authenticate Bearer
}

@test "without a body a token that we have not signed is refused" {
	register otto
	local token
	for token in '' x 'a b' . .. a.b.c "$refresh" "${access}x" \
	    "${access%.*}." "${access%?????}AAAAA" " $access x"; do
		logout "$token"
		refused
	done
	/usr/bin/python3 "$BATS_TEST_DIRNAME/forge.py" tokens \
	    "$SWITCHBOARD_DATA/signing-keys.json" "$access" \
	    "$BATS_TEST_TMPDIR/forged"
	for token in alg-none alg-none-two-parts alg-hs512 key-other key-empty \
	    kid-unknown kid-missing signature-empty signature-changed \
	    claims-changed without-sid type-swapped; do
		logout "$(<"$BATS_TEST_TMPDIR/forged/$token")"
		refused
	done
	lives "$access" "$refresh"
}

@test "a token that we have not signed is a 204 without effect" {
	register paul
	local token
	for token in '' x 'two words' . .. a.b.c 'é' '\u200b' "$access" \
	    "${refresh}x" " $refresh" "$refresh " "Bearer $refresh" \
	    "${refresh%?????}AAAAA" "$(printf '%020480d' 0)"; do
		logout_by "$token"
		done_well
	done
	/usr/bin/python3 "$BATS_TEST_DIRNAME/forge.py" tokens \
	    "$SWITCHBOARD_DATA/signing-keys.json" "$refresh" \
	    "$BATS_TEST_TMPDIR/forged"
	for token in alg-none alg-none-two-parts alg-none-capitals alg-hs384 \
	    alg-hs512 alg-hs512-signed-by-hs256 key-other key-empty \
	    kid-unknown kid-missing kid-path signature-empty \
	    signature-changed signature-padded signature-spare-bits \
	    claims-changed header-changed parts-four without-sid without-sub \
	    without-type without-jti type-swapped type-other sid-number \
	    sid-unknown; do
		logout_by "$(<"$BATS_TEST_TMPDIR/forged/$token")"
		done_well
		is "$(revoked_at "$(sid "$refresh")")" '' "$token: revoked_at"
	done
	lives "$access" "$refresh"
	# And that the same way of making them makes a good one.
	logout_by "$(<"$BATS_TEST_TMPDIR/forged/control")"
	done_well
	dead "$access"
}

@test "a body without a refresh token is a 422, and nobody is logged out" {
	register rita
	local auth="Authorization: Bearer $access" text
	for text in '{}' '{"refreshToken":"Zu7"}' '{"token":"Zu7"}'; do
		post /api/auth/logout "$text" "$auth"
		invalid '{"type":"missing","loc":["body","refresh_token"],
		    "msg":"Field required","input":{}}'
		header_is Cache-Control no-store
		lacks "$log" Zu7
	done
	for text in 70077 null '["Zu7"]' '{"Zu7":1}' true; do
		post /api/auth/logout "{\"refresh_token\":$text}" "$auth"
		invalid '{"type":"string_type","loc":["body","refresh_token"],
		    "msg":"Input should be a valid string"}'
	done
	for text in null '"Zu7"' '["Zu7"]' 70077; do
		post /api/auth/logout "$text" "$auth"
		invalid '{"type":"model_attributes_type","loc":["body"],
		    "msg":"Input should be a valid dictionary or object to extract fields from"}'
	done
	lives "$access" "$refresh"
}

@test "a body that is no JSON is a 422 that shows nothing of it" {
	register sue
	local text
	for text in '{' "{\"refresh_token\":\"$refresh\"" ' ' \
	    "{'refresh_token':'$refresh'}" "$refresh" \
	    "{\"refresh_token\":\"$refresh\",\"refresh_token\":\"a\"}"; do
		post /api/auth/logout "$text" "Authorization: Bearer $access"
		not_json "$text"
		lacks "$body" "${refresh%%.*}"
	done
	local type
	for type in application/x-www-form-urlencoded text/plain \
	    'multipart/form-data; boundary=x'; do
		call POST /api/auth/logout "Content-Type: $type" \
		    "Authorization: Bearer $access" \
		    -- "refresh_token=$refresh"
		invalid '{"type":"model_attributes_type","loc":["body"],
		    "msg":"Input should be a valid dictionary or object to extract fields from"}'
	done
	lives "$access" "$refresh"
}

@test "a body that is too large is a 413" {
	post /api/auth/logout "{\"refresh_token\":\"$(printf '%065536d' 0)\"}"
	expect 413 '{"detail":"Request body too large"}'
}

@test "logging out by a refresh token counts against no address" {
	register theo
	settings+=(RATE_LIMIT_PER_ADDRESS=1)
	local i
	for i in 1 2 3; do
		logout_by "$refresh"
		done_well
		header_is X-RateLimit-Limit ''
		logout_by x
		done_well
	done
	# The address has its one place yet.
	try_login theo
	expect 200
}

@test "a logout that races refreshes leaves nothing alive" {
	register una
	local old=$access used=$refresh pair
	one()
	{
		if ((turn == 4)); then
			logout "$old"
		else
			try_refresh "$used"
		fi
	}
	at_once 8 one
	is "$(grep -c '^204 $' <<<"$answers")" 1 'logged out'
	is "$(grep -c -e '^200 ' -e '^401 ' <<<"$answers")" 7 others
	dead "$old" "$used"
	while read -r _ pair; do
		[[ $pair == *access_token* ]] || continue
		dead "$(jq -r .access_token <<<"$pair")" \
		    "$(jq -r .refresh_token <<<"$pair")"
	done <<<"$answers"
}

@test "a busy store logs nobody out" {
	register vera
	hold_lock
	logout "$access"
	release_lock
	unavailable
	lives "$access"
	rm -f "$BATS_TEST_TMPDIR/lock" "$BATS_TEST_TMPDIR/lock.out"
	hold_lock
	logout_by "$refresh"
	release_lock
	unavailable
	lives "$access" "$refresh"
	logout "$access"
	done_well
	dead "$access"
}

# ------------------------------------------------------- logging out everywhere

@test "logging out everywhere ends all logins, the caller's, too" {
	register will
	local first=$access first_refresh=$refresh
	login will
	local second=$access second_refresh=$refresh
	login will
	rotate "$refresh"
	logout_all "$access"
	done_well
	dead "$first" "$first_refresh"
	dead "$second" "$second_refresh"
	dead "$access" "$refresh"
	is "$(sql "SELECT count(*) FROM logins JOIN users
	    ON users.id = user_id WHERE username = 'will'
	    AND revoked_at IS NULL")" 0 'living logins'
	lives "$somebody"
}

@test "after logging out everywhere one can log in again" {
	register xaver
	logout_all "$access"
	done_well
	logout_all "$access"
	refused
	login xaver
	lives "$access" "$refresh"
	sessions "$access"
	holds '.total == 1'
}

@test "what had been ended before keeps its time" {
	register yves
	local id=$(sid "$access")
	sql "UPDATE logins SET revoked_at = 7 WHERE id = '$id'"
	login yves
	logout_all "$access"
	done_well
	is "$(revoked_at "$id")" 7 revoked_at
}

@test "logging out everywhere asks for no body and looks at none" {
	register zita
	call POST /api/auth/logout-all "Authorization: Bearer $access" \
	    'Content-Type: text/plain' -- '{"x":'
	done_well
	dead "$access"
}

@test "several at once that log out everywhere end all" {
	register amy
	local tokens=("$access") i
	for i in 1 2 3; do
		login amy
		tokens+=("$access")
	done
	one()
	{
		logout_all "${tokens[turn - 1]}"
	}
	at_once 4 one
	[[ $answers == *'204 '* ]]
	is "$(grep -c -e '^204 $' -e '^401 ' <<<"$answers")" 4 answers
	for i in "${tokens[@]}"; do
		dead "$i"
	done
}

@test "a busy store logs nobody out anywhere" {
	register ben
	local other=$access
	login ben
	hold_lock
	logout_all "$access"
	release_lock
	unavailable
	lives "$other"
	lives "$access" "$refresh"
}

# ---------------------------------------------------------------- of them all

# Each way here that needs a live token, a line each.
ways='GET /api/auth/sessions
DELETE /api/auth/sessions/01890a5d-ac96-774b-bcce-b302099a8057
POST /api/auth/logout-all'

@test "without a live token there is nothing to be had" {
	local method path token
	register cora
	logout "$access"
	while read -r method path; do
		call "$method" "$path"
		expect 401 '{"detail":"Not authenticated"}'
		header_is WWW-Authenticate Bearer
		call "$method" "$path" 'Authorization: Basic YTpi'
		expect 401 '{"detail":"Not authenticated"}'
		for token in '' x "$access" "$refresh" 'a b'; do
			call "$method" "$path" "Authorization: Bearer $token"
			refused
			header_is Cache-Control no-store
		done
	done <<<"$ways"
	call HEAD /api/auth/sessions
	expect 401 ''
}

@test "a disabled user is told so" {
	local method path
	register doro
	sql "UPDATE users SET is_active = 0 WHERE username = 'doro'"
	while read -r method path; do
		call "$method" "$path" "Authorization: Bearer $access"
		expect 400 '{"detail":"Inactive user"}'
	done <<<"$ways"
	is "$(revoked_at "$(sid "$access")")" '' revoked_at
}

@test "another method is a 405 that names those there are" {
	local method path allowed
	while read -r method path allowed; do
		call "$method" "$path" "Authorization: Bearer $somebody"
		expect 405 '{"detail":"Method Not Allowed"}'
		is "$(header Allow)" "$allowed" "Allow of $path"
	done <<'END'
POST /api/auth/sessions GET, HEAD
DELETE /api/auth/sessions GET, HEAD
GET /api/auth/sessions/01890a5d-ac96-774b-bcce-b302099a8057 DELETE
GET /api/auth/logout POST
DELETE /api/auth/logout POST
GET /api/auth/logout-all POST
PUT /api/auth/logout-all POST
END
	lives "$somebody"
}

@test "every answer carries the client's id of the request" {
	register elsa
	local token=$access method path
	login elsa
	while read -r method path; do
		call "$method" "$path" "Authorization: Bearer $access" \
		    'X-Request-ID: mine-7'
		header_is X-Request-ID mine-7
		header_is X-Content-Type-Options nosniff
		header_is Vary Origin
		has "$log" ' auth mine-7: '
	done <<<"$ways"
	logout_by "$refresh" 'X-Request-ID: mine-8'
	header_is X-Request-ID mine-8
	header_is Cache-Control no-store
}

@test "each of them counts against the user's limit" {
	register flo
	settings+=(RATE_LIMIT_PER_USER=4)
	sessions "$access"
	expect 200
	header_is X-RateLimit-Remaining 3
	end_session "$access" 01890a5d-ac96-774b-bcce-b302099a8057
	expect 404
	header_is X-RateLimit-Remaining 2
	local token=$access
	logout_all "$access"
	done_well
	header_is X-RateLimit-Remaining 1
	settings+=(RATE_LIMIT_PER_USER=0)
	login flo
	settings+=(RATE_LIMIT_PER_USER=4)
	logout "$access"
	done_well
	header_is X-RateLimit-Remaining 0
	settings+=(RATE_LIMIT_PER_USER=0)
	login flo
	settings+=(RATE_LIMIT_PER_USER=4)
	local method path
	while read -r method path; do
		call "$method" "$path" "Authorization: Bearer $access"
		expect 429
		holds '.detail | startswith("User rate limit exceeded.")'
	done <<<"$ways"
}

@test "no token is in the log" {
	cgi=(LOG_LEVEL=debug)
	register gerd
	local lines=
	sessions "$access"
	lines+=$log
	end_session "$access" "$(sid "$somebody")"
	lines+=$log
	post /api/auth/logout "{\"refresh_token\":[\"$refresh\"]}"
	lines+=$log
	logout_by "$refresh" "Authorization: Bearer $access"
	lines+=$log
	logout_all "$access"
	lines+=$log
	logout "$access"
	lines+=$log
	lacks "$lines" "${access##*.}"
	lacks "$lines" "${refresh##*.}"
	lacks "$lines" "$(cut -d. -f2 <<<"$access")"
	lacks "$lines" "$(cut -d. -f2 <<<"$refresh")"
}
