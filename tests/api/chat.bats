# Chat sessions: beginning, looking, changing, ending.  Section 7 of the
# contract.

load harness
load chat

setup_file()
{
	new_data
}

nobody=01890a5d-ac96-774b-bcce-b302099a8057

# ------------------------------------------------------------- beginning one

@test "a session begins with defaults, and has all that there is to know of it" {
	register ada
	cgi=(HTTP_USER_AGENT=curl/7.88.1)
	at_second 1760439227 try_begin "$access" '{}'
	expect 201
	session=$(json .id)
	expect 201 '{"id":"'"$session"'","user_id":"'"$(claim sub "$access")"'",
	    "title":null,"status":"active",
	    "created_at":"2025-10-14T10:53:47.000000Z",
	    "updated_at":"2025-10-14T10:53:47.000000Z",
	    "preferred_channel":"websocket","agent_status":"idle",
	    "messages":[],"feedback_requests":[],
	    "metadata":{"user_agent":"curl/7.88.1","ip_address":"192.0.2.1",
	    "last_active":"2025-10-14T10:53:47.000000Z"}}'
	is "$(jq -c keys_unsorted <<<"$body")" '["id","user_id","title","status","created_at","updated_at","preferred_channel","agent_status","messages","feedback_requests","metadata"]'
	like "$session" "$uuid7" id
	header_is Cache-Control no-store
}

@test "channel and title are as they were given" {
	register bea
	begin "$access" '{"preferred_channel":"slack","title":"Größe ✓"}'
	holds '.preferred_channel == "slack" and .title == "Größe ✓"'
	show_session "$access" "$session"
	expect 200
	holds '.preferred_channel == "slack" and .title == "Größe ✓"'
}

@test "what is wrong with a new session is said at once" {
	register cara
	try_begin "$access" '{"preferred_channel":"phone","title":""}'
	invalid '{"type":"enum","loc":["body","preferred_channel"],
	    "msg":"Input should be '"'websocket', 'email' or 'slack'"'",
	    "input":"phone",
	    "ctx":{"expected":"'"'websocket', 'email' or 'slack'"'"}},
	    {"type":"string_too_short","loc":["body","title"],
	    "msg":"String should have at least 1 character","input":"",
	    "ctx":{"min_length":1}}'
	try_begin "$access" "{\"title\":\"$(printf %201s x)\"}"
	expect 422
	try_begin "$access" "{\"title\":\"$(printf %200s x)\"}"
	expect 201
	as "$access" POST /api/sessions
	expect 422
	holds '.detail[0] | .type == "missing" and .loc == ["body"]'
}

@test "a user has three sessions that have not ended, and no fourth" {
	register dora
	begin "$access"
	first=$session
	begin "$access"
	begin "$access"
	try_begin "$access"
	expect 409 '{"detail":"User cannot have more than 3 concurrent sessions"}'
	as "$access" DELETE "/api/sessions/$first"
	expect 204 ''
	begin "$access"
	try_begin "$access"
	expect 409
	settings+=(MAX_CONCURRENT_SESSIONS=4)
	begin "$access"
	try_begin "$access"
	expect 409 '{"detail":"User cannot have more than 4 concurrent sessions"}'
	is "$(sql "SELECT count(*) FROM chat_sessions JOIN users
	    ON users.id = user_id WHERE username = 'dora'
	    AND ended_at IS NULL")" 4
}

@test "whose account goes while a session begins is told so, not of three" {
	new_data
	register gail
	meanwhile chat 'DELETE FROM users' try_begin "$access" '{}'
	refused
	is "$(sql 'SELECT count(*) FROM chat_sessions')" 0 sessions
}

@test "of twenty that begin at once three do" {
	register eva
	at_once 20 try_begin "$access"
	is "$(grep -c ^201 <<<"$answers")" 3
	is "$(grep -c ^409 <<<"$answers")" 17
	as "$access" GET /api/sessions
	holds '.total == 3 and .active_count == 3'
}

@test "others' sessions are not there" {
	register fay
	begin "$access"
	register guy
	for method in GET DELETE; do
		as "$access" $method "/api/sessions/$session"
		no_session "$session"
	done
	as_json "$access" PATCH "/api/sessions/$session" '{"title":"mine"}'
	no_session "$session"
	try_say "$access" "$session" hello
	no_session "$session"
	as "$access" GET "/api/sessions/$session/messages"
	no_session "$session"
	as "$access" GET "/api/sessions/$session/feedback"
	no_session "$session"
	show_session "$access" "$nobody"
	no_session "$nobody"
	show_session "$access" not-an-id
	expect 404 '{"detail":"Not Found"}'
	as "$access" GET /api/sessions
	holds '. == {sessions: [], total: 0, active_count: 0}'
}

@test "nothing goes without a token" {
	call GET /api/sessions
	expect 401 '{"detail":"Not authenticated"}'
	call GET "/api/sessions/$nobody"
	expect 401
	post /api/sessions '{}'
	expect 401
	as not-a-token GET /api/sessions
	refused
}

# ------------------------------------------------------------------ the list

@test "the list has the newest first, and pages" {
	register hal
	settings+=(MAX_CONCURRENT_SESSIONS=10)
	for i in 1 2 3 4 5; do
		begin "$access" "{\"title\":\"$i\"}"
	done
	as "$access" DELETE "/api/sessions/$session"
	as "$access" GET /api/sessions
	expect 200
	is "$(json '[.sessions[].title] | join(" ")')" '5 4 3 2 1'
	holds '.total == 5 and .active_count == 4
	    and all(.sessions[]; has("messages") or has("feedback_requests")
	    | not) and .sessions[0].status == "ended"'
	as "$access" GET '/api/sessions?active_only=true&limit=2'
	is "$(json '[.sessions[].title] | join(" ")')" '4 3'
	holds '.total == 4 and .active_count == 4'
	last=$(json '.sessions[1].id')
	as "$access" GET "/api/sessions/?limit=2&before=$last"
	is "$(json '[.sessions[].title] | join(" ")')" '2 1'
	as "$access" GET "/api/sessions?before=$nobody"
	invalid '{"type":"value_error","loc":["query","before"],
	    "msg":"Value error, not a session of yours",
	    "input":"'$nobody'","ctx":{"reason":"not a session of yours"}}'
	as "$access" GET '/api/sessions?limit=101&active_only=maybe'
	expect 422
	holds '[.detail[].loc[1]] == ["active_only", "limit"]'
}

# ---------------------------------------------------------------- changing it

@test "a user changes title, channel and status" {
	register ida
	begin "$access"
	as_json "$access" PATCH "/api/sessions/$session" \
	    '{"title":"New","preferred_channel":"email","status":"paused"}'
	expect 200
	holds '.title == "New" and .preferred_channel == "email"
	    and .status == "paused" and .messages == []
	    and .feedback_requests == []'
	say "$access" "$session" 'one may talk to a paused one'
	show_session "$access" "$session"
	holds '.status == "paused" and .messages[0].channel == "email"'
	as_json "$access" PATCH "/api/sessions/$session" '{"status":"active"}'
	expect 200
	holds '.status == "active" and .title == "New"'
	as_json "$access" PATCH "/api/sessions/$session" '{"status":"ended"}'
	expect 422
	holds '.detail[0] | .loc == ["body", "status"] and .type == "enum"'
	as_json "$access" PATCH "/api/sessions/$session" '{}'
	expect 200
	is "$(types "$access" "$session")" \
	    'session_started session_update message session_resumed session_update'
}

@test "an agent's status is the agent's to set, and all that it may" {
	somebody jan
	as_json "$key" PATCH "/api/sessions/$session" \
	    '{"agent_status":"thinking"}'
	expect 200
	holds '.agent_status == "thinking"'
	as_json "$key" PATCH "/api/sessions/$session" \
	    '{"agent_status":"idle","title":"x"}'
	expect 403 '{"detail":"Not enough permissions"}'
	as_json "$key" PATCH "/api/sessions/$session" '{"status":"paused"}'
	expect 403
	as_json "$access" PATCH "/api/sessions/$session" \
	    '{"agent_status":"idle"}'
	expect 403
	as_json "$key" PATCH "/api/sessions/$session" \
	    '{"agent_status":"asleep"}'
	expect 422
	as_json "$key" PATCH "/api/sessions/$session" \
	    '{"agent_status":"thinking"}'
	expect 200
	events "$access" "$session" 1
	is "$(json '[.events[] | [.type, .payload]] | tojson')" \
	    '[["agent_status",{"agent_status":"thinking"}]]'
}

@test "an agent begins no session and ends none" {
	somebody kim
	try_begin "$key"
	expect 403 '{"detail":"Not enough permissions"}'
	as "$key" DELETE "/api/sessions/$session"
	expect 403
	as "$key" GET /api/sessions
	expect 200
	holds '.total == 1'
	show_session "$key" "$session"
	expect 200
}

# ------------------------------------------------------------------ ending it

@test "a session that has ended stays, as it was" {
	register lea
	begin "$access"
	say "$access" "$session" hello
	as "$access" DELETE "/api/sessions/$session"
	expect 204 ''
	as "$access" DELETE "/api/sessions/$session/"
	expect 204 ''
	show_session "$access" "$session"
	expect 200
	holds '.status == "ended" and (.messages | length) == 1'
	as_json "$access" PATCH "/api/sessions/$session" '{"title":"late"}'
	expect 409 '{"detail":"Cannot update an ended session"}'
	try_say "$access" "$session" late
	expect 409 '{"detail":"Cannot update an ended session"}'
	is "$(types "$access" "$session")" 'session_started message session_ended'
}

@test "its end cancels what is pending" {
	somebody mia
	ask "$key" "$session"
	as "$access" DELETE "/api/sessions/$session"
	expect 204
	show_request "$access" "$session" "$request_id"
	holds '.status == "cancelled" and .responses == []'
	respond "$access" "$session" "$request_id" yes
	expect 409
	holds '.detail == "Feedback request is already cancelled"
	    and .feedback_request.status == "cancelled"
	    and (.feedback_request.responses | length) == 1
	    and .feedback_request.responses[0].metadata.valid == false'
	is "$(types "$access" "$session")" 'session_started feedback_request feedback_request session_ended feedback_response'
	try_ask "$key" "$session"
	expect 409 '{"detail":"Cannot update an ended session"}'
}

@test "all of it goes with its user" {
	somebody nan
	say "$access" "$session" hello
	ask "$key" "$session"
	respond "$access" "$session" "$request_id" maybe
	as_json "$access" DELETE /api/auth/me \
	    "{\"current_password\":\"$password\"}"
	expect 204
	for table in messages feedback_requests events; do
		is "$(sql "SELECT count(*) FROM $table
		    WHERE session_id = '$session'")" 0 $table
	done
	is "$(sql "SELECT count(*) FROM feedback_responses
	    WHERE request_id = '$request_id'")" 0
	is "$(sql "SELECT count(*) FROM agent_keys WHERE id = '$key_id'")" 0
}

# ------------------------------------------------------------------ messages

@test "a message is what was said, by whom, when and where" {
	register ole
	begin "$access"
	at_second 1760439227 login ole
	at_second 1760439228 try_say "$access" "$session" $'Grüße,\n"ole" \\ 🎉'
	expect 201
	is "$(jq -c 'del(.id)' <<<"$body")" '{"session_id":"'"$session"'","content":"Grüße,\n\"ole\" \\ 🎉","type":"user","timestamp":"2025-10-14T10:53:48.000000Z","status":"sent","channel":"websocket","metadata":{"streaming_complete":true,"error_count":0,"retry_timestamp":null}}'
	like "$(json .id)" "$uuid7" id
}

@test "content has at most 32,000 characters, however many bytes" {
	register pam
	begin "$access"
	long=$(printf '%*s' 32000 '' | sed 's/ /ß/g')
	say "$access" "$session" "$long"
	holds '.content | length == 32000'
	try_say "$access" "$session" "${long}x"
	expect 422
	holds '.detail[0].ctx == {max_length: 32000}'
	try_say "$access" "$session" ''
	expect 422
}

@test "who says what" {
	somebody quy
	as_json "$key" POST "/api/sessions/$session/messages" '{"content":"a"}'
	expect 201
	holds '.type == "agent"'
	as_json "$key" POST "/api/sessions/$session/messages" \
	    '{"content":"a","type":"system","channel":"slack"}'
	expect 201
	holds '.type == "system" and .channel == "slack"'
	for type in agent system; do
		as_json "$access" POST "/api/sessions/$session/messages" \
		    "{\"content\":\"a\",\"type\":\"$type\"}"
		expect 403 '{"detail":"Not enough permissions"}'
	done
	as_json "$key" POST "/api/sessions/$session/messages" \
	    '{"content":"a","type":"user"}'
	expect 403
	as_json "$access" POST "/api/sessions/$session/messages" \
	    '{"content":"a","type":"user"}'
	expect 201
	holds '.type == "user"'
}

@test "messages page by their cursors, without a gap" {
	register ron
	begin "$access"
	for i in 1 2 3 4 5 6 7; do say "$access" "$session" $i; done
	target=/api/sessions/$session/messages
	contents='[.messages[].content] | join(" ")'

	as "$access" GET "$target"
	expect 200
	is "$(json "$contents")" '1 2 3 4 5 6 7'
	holds '.total == 7 and .session_id == $s' --arg s "$session"
	is "$(jq -c keys_unsorted <<<"$body")" '["messages","total","session_id"]'
	third=$(json '.messages[2].id')

	as "$access" GET "$target?limit=2"
	is "$(json "$contents")" '6 7'
	before=$(json '.messages[0].id')
	as "$access" GET "$target?limit=2&before=$before"
	is "$(json "$contents")" '4 5'
	as "$access" GET "$target?limit=3&after=$third"
	is "$(json "$contents")" '4 5 6'
	after=$(json '.messages[2].id')
	as "$access" GET "$target?after=$after"
	is "$(json "$contents")" 7
	holds '.total == 7'
	as "$access" GET "$target?after=$(json '.messages[0].id')"
	is "$(json "$contents")" ''
}

@test "an unknown cursor is a 422, and so are two" {
	register sue
	begin "$access"
	say "$access" "$session" 1
	message=$(json .id)
	begin "$access"
	target=/api/sessions/$session/messages
	for cursor in before after; do
		as "$access" GET "$target?$cursor=$message"
		invalid '{"type":"value_error","loc":["query","'$cursor'"],
		    "msg":"Value error, not a message of this session",
		    "input":"'"$message"'",
		    "ctx":{"reason":"not a message of this session"}}'
	done
	as "$access" GET "$target?before=$message&after=$message"
	expect 422
	as "$access" GET "$target?limit=0&after=x"
	expect 422
	holds '[.detail[].loc[1]] == ["limit", "after"]'
}

@test "a session shows its newest fifty messages" {
	register tom
	begin "$access"
	say "$access" "$session" first
	sql "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n
	    WHERE i < 60) INSERT INTO messages (session_id, number, id,
	    content, type, status, channel, created_at) SELECT '$session', i,
	    printf('00000000-0000-7000-8000-%012d', i), i, 'user', 'sent',
	    'websocket', 0 FROM n;
	    UPDATE chat_sessions SET messages = 60 WHERE id = '$session'"
	show_session "$access" "$session"
	holds '.messages | length == 50 and .[0].content == "11"
	    and .[49].content == "60"'
	as "$access" GET "/api/sessions/$session/messages?limit=200"
	holds '(.messages | length) == 60 and .total == 60'
}

@test "messages of many at once are numbered without a gap" {
	register uwe
	begin "$access"
	at_once 20 try_say "$access" "$session" hello
	is "$(grep -c ^201 <<<"$answers")" 20
	is "$(sql "SELECT group_concat(number, ' ') FROM messages
	    WHERE session_id = '$session' ORDER BY number")" "$(seq -s' ' 20)"
	is "$(sql "SELECT group_concat(number, ' ') FROM events
	    WHERE session_id = '$session' ORDER BY number")" "$(seq -s' ' 21)"
	events "$access" "$session" 1
	holds '([.events[].payload.id] | unique | length) == 20
	    and .last_id == 21'
}

@test "looking changes nothing" {
	register vic
	begin "$access"
	say "$access" "$session" hello
	before=$(sql "SELECT * FROM chat_sessions WHERE id = '$session'")
	later 60 show_session "$access" "$session"
	later 60 as "$access" GET /api/sessions
	later 60 as "$access" GET "/api/sessions/$session/messages"
	is "$(sql "SELECT * FROM chat_sessions WHERE id = '$session'")" "$before"
}

# -------------------------------------------------------------- session limits

@test "messages count against the session, its channel and the user" {
	settings+=(RATE_LIMIT_PER_USER=30 RATE_LIMIT_PER_SESSION=10
	    RATE_LIMIT_PER_CHANNEL=20)
	at_second 1900000000 register wim
	at_second 1900000000 begin "$access"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		at_second 1900000000 try_say "$access" "$session" "$i"
		expect 201
		header_is X-RateLimit-Limit 10
		header_is X-RateLimit-Remaining $((10 - i))
		header_is RateLimit-Policy '"session";q=10;w=60'
	done
	at_second 1900000001 try_say "$access" "$session" 11
	expect 429 '{"detail":"Session rate limit exceeded. Try again in 59 seconds.","limit":10,"remaining":0,"retry_after":59,"reset_at":1900000060.0}'
	header_is Retry-After 59
	at_second 1900000060 try_say "$access" "$session" 11
	expect 201
	is "$(sql "SELECT messages FROM chat_sessions WHERE id = '$session'")" 11
}

@test "a channel's limit is over all sessions, and refuses without counting" {
	settings+=(RATE_LIMIT_PER_SESSION=10 RATE_LIMIT_PER_CHANNEL=20)
	at_second 1900000000 register xia
	at_second 1900000000 begin "$access"
	one=$session
	at_second 1900000000 begin "$access"
	two=$session
	at_second 1900000000 begin "$access"
	three=$session
	for i in 1 2 3 4 5 6 7 8 9 10; do
		for session in "$one" "$two"; do
			at_second 1900000000 try_say "$access" "$session" "$i"
			expect 201
		done
	done
	at_second 1900000001 try_say "$access" "$three" x
	expect 429
	has "$body" 'Channel rate limit exceeded'
	at_second 1900000001 as_json "$access" POST \
	    "/api/sessions/$three/messages" \
	    '{"content":"x","channel":"email"}'
	expect 201
	header_is X-RateLimit-Remaining 9
}
