# Feedback requests: what an agent asks, and who decides.  Section 8 of the
# contract.

load harness
load chat

setup_file()
{
	new_data
}

nobody=01890a5d-ac96-774b-bcce-b302099a8057
words="'approved', 'approve', 'yes', 'y', 'rejected', 'reject', 'no' or 'n'"

no_answer()	# INPUT EXPECTED
{
	invalid '{"type":"enum","loc":["body","content"],
	    "msg":"Input should be '"$2"'","input":"'"$1"'",
	    "ctx":{"expected":"'"$2"'"}}'
}

late()		# STATUS
{
	is "$status_code" 409 status
	holds '.detail == "Feedback request is already \($s)"
	    and .feedback_request.status == $s
	    and (.feedback_request.responses[-1].metadata.valid == false)
	    and keys == ["detail", "feedback_request"]' --arg s "$1"
}

# -------------------------------------------------------------------- asking

@test "a request has all that there is to know of it, and pauses its session" {
	register ada
	at_second 1760439227 login ada
	at_second 1760439227 begin "$access"
	at_second 1760439227 new_key "$access"
	at_second 1760439228 as_json "$key" POST \
	    "/api/sessions/$session/feedback" \
	    '{"type":"approval","prompt":"Deploy?"}'
	expect 201
	request_id=$(json .id)
	like "$request_id" "$uuid7" id
	is "$body" '{"id":"'"$request_id"'","session_id":"'"$session"'","type":"approval","status":"pending","prompt":"Deploy?","choices":null,"created_at":"2025-10-14T10:53:48.000000Z","expires_at":"2025-10-16T10:53:48.000000Z","channels":["websocket"],"responses":[],"metadata":{"priority":0,"attempts_count":0,"last_attempt":"2025-10-14T10:53:48.000000Z"}}'
	want=$body
	at_second 1760439229 show_session "$access" "$session"
	holds '.status == "paused" and .feedback_requests == [$want]' \
	    --argjson want "$want"
	at_second 1760439229 as "$key" GET "/api/sessions/$session/feedback"
	expect 200 '{"feedback_requests":['"$want"'],"total":1,
	    "session_id":"'"$session"'"}'
	at_second 1760439229 show_request "$key" "$session" "$request_id"
	expect 200 "$want"
}

@test "channels, choices, priority and time are as they were asked" {
	somebody bea
	at_second 1760439227 try_ask "$key" "$session" 'type: "input",
	    channels: ["slack", "email"], choices: ["blue", "grün"],
	    priority: 9, expires_in: 60'
	expect 201
	holds '.channels == ["slack", "email"] and .choices == ["blue", "grün"]
	    and .metadata.priority == 9 and .type == "input"
	    and .expires_at == "2025-10-14T10:54:47.000000Z"'
}

@test "what is wrong with a request is said at once" {
	somebody cara
	as_json "$key" POST "/api/sessions/$session/feedback" '{"type":"vote",
	    "prompt":"","channels":["phone","slack"],"choices":["one"],
	    "priority":10,"expires_in":59}'
	expect 422
	is "$(json '[.detail[] | [.type] + .loc[1:]] | tojson')" \
	    '[["enum","type"],["string_too_short","prompt"],["enum","channels",0],["too_short","choices"],["greater_than_equal","expires_in"],["less_than_equal","priority"]]' ||
	    is "$(json '[.detail[] | [.type] + .loc[1:]] | tojson')" \
	    '[["enum","type"],["string_too_short","prompt"],["enum","channels",0],["too_short","choices"],["less_than_equal","priority"],["greater_than_equal","expires_in"]]'
	try_ask "$key" "$session" 'expires_in: 172801'
	invalid '{"type":"less_than_equal","loc":["body","expires_in"],
	    "msg":"Input should be less than or equal to 172800",
	    "input":172801,"ctx":{"le":172800}}'
	settings+=(FEEDBACK_TIMEOUT_HOURS=49)
	try_ask "$key" "$session" 'expires_in: 172801'
	expect 201
	try_ask "$key" "$session" 'choices: ["yes", "perhaps"]'
	expect 422
	holds '.detail[0] | .loc == ["body", "choices"]
	    and .msg == "Value error, must be words that decide an approval"'
	try_ask "$key" "$session" 'choices: ["a", "b"], expires_in: 999999'
	expect 422
	is "$(json '[.detail[] | [.type, .loc[1]]] | tojson')" \
	    '[["value_error","choices"],["less_than_equal","expires_in"]]'
	try_ask "$key" "$session" 'choices: ["yes", "no"]'
	expect 201
}

@test "only an agent asks, and only in its owner's sessions" {
	somebody dora
	as_json "$access" POST "/api/sessions/$session/feedback" \
	    '{"type":"approval","prompt":"Deploy?"}'
	expect 403 '{"detail":"Not enough permissions"}'
	theirs=$session
	somebody eva
	try_ask "$key" "$theirs"
	no_session "$theirs"
	respond "$key" "$session" "$nobody" yes
	expect 403 '{"detail":"Not enough permissions"}'
}

@test "a request is found under its own session only" {
	somebody fay
	ask "$key" "$session"
	begin "$access"
	for id in "$request_id" $nobody; do
		show_request "$access" "$session" "$id"
		expect 404 '{"detail":"Feedback request '"$id"' not found"}'
		respond "$access" "$session" "$id" yes
		expect 404 '{"detail":"Feedback request '"$id"' not found"}'
	done
	register guy
	show_request "$access" "$session" "$request_id"
	no_session "$session"
	respond "$access" "$session" "$request_id" yes
	no_session "$session"
}

# ---------------------------------------------------------------- responding

@test "a response decides, and the session goes on" {
	somebody hal
	ask "$key" "$session"
	respond "$access" "$session" "$request_id" $' \tYES\n'
	expect 201
	holds '.request_id == $r and .content == " \tYES\n"
	    and .channel == "websocket" and .responder_id == $u
	    and .metadata.valid == true
	    and (.timestamp == .metadata.processed_at)
	    and keys_unsorted == ["id", "request_id", "content", "timestamp",
	    "channel", "responder_id", "metadata"]' --arg r "$request_id" \
	    --arg u "$(claim sub "$access")"
	response=$body
	show_request "$access" "$session" "$request_id"
	holds '.status == "approved" and .responses == [$r]' \
	    --argjson r "$response"
	show_session "$access" "$session"
	holds '.status == "active"'
	is "$(types "$access" "$session")" 'session_started feedback_request feedback_response session_resumed'
}

@test "each word of an approval is what it says" {
	somebody ida
	for word in approved Approve yEs Y rejected Reject no N; do
		ask "$key" "$session"
		respond "$access" "$session" "$request_id" "$word"
		expect 201
		show_request "$access" "$session" "$request_id"
		case $word in
		[aAyY]*) holds '.status == "approved"' ;;
		*) holds '.status == "rejected"' ;;
		esac
	done
}

@test "what is no answer is kept, and the request stays pending" {
	somebody jan
	ask "$key" "$session"
	respond "$access" "$session" "$request_id" perhaps
	no_answer perhaps "$words"
	respond "$access" "$session" "$request_id" 'y es'
	no_answer 'y es' "$words"
	show_request "$access" "$session" "$request_id"
	holds '.status == "pending" and ([.responses[]
	    | [.content, .metadata.valid]] == [["perhaps", false],
	    ["y es", false]])'
	respond "$access" "$session" "$request_id" no
	expect 201
	show_request "$access" "$session" "$request_id"
	holds '.status == "rejected" and (.responses | length) == 3
	    and .responses[2].metadata.valid'
	is "$(types "$access" "$session" 2)" 'feedback_response feedback_response feedback_response session_resumed'
}

@test "with choices only one of them is an answer" {
	somebody kim
	ask "$key" "$session" 'type: "input", choices: ["blue", "green"]'
	for text in Blue ' blue' red; do
		respond "$access" "$session" "$request_id" "$text"
		no_answer "$text" "'blue' or 'green'"
	done
	respond "$access" "$session" "$request_id" green
	expect 201
	show_request "$access" "$session" "$request_id"
	holds '.status == "answered"'

	ask "$key" "$session" 'choices: ["Approve", "reject"]'
	respond "$access" "$session" "$request_id" yes
	no_answer yes "'Approve' or 'reject'"
	respond "$access" "$session" "$request_id" ' approve '
	expect 201
	show_request "$access" "$session" "$request_id"
	holds '.status == "approved"'
}

@test "an input takes any text" {
	somebody lea
	ask "$key" "$session" 'type: "input", prompt: "Which?"'
	respond "$access" "$session" "$request_id" ''
	expect 422
	respond "$access" "$session" "$request_id" $' any\ntext '
	expect 201
	holds '.content == " any\ntext "'
	show_request "$access" "$session" "$request_id"
	holds '.status == "answered"'
}

@test "the first one wins, and what comes later is kept as too late" {
	somebody mia
	ask "$key" "$session"
	respond "$access" "$session" "$request_id" yes
	expect 201
	respond "$access" "$session" "$request_id" no
	late approved
	respond "$access" "$session" "$request_id" nonsense
	late approved
	show_request "$access" "$session" "$request_id"
	is "$(json '[.responses[] | [.content, .metadata.valid]] | tojson')" \
	    '[["yes",true],["no",false],["nonsense",false]]'
}

@test "of twenty at once one wins, and all are kept" {
	somebody nan
	ask "$key" "$session"
	at_once 20 respond "$access" "$session" "$request_id" yes
	is "$(grep -c ^201 <<<"$answers")" 1
	is "$(grep -c ^409 <<<"$answers")" 19
	show_request "$access" "$session" "$request_id"
	holds '(.responses | length) == 10
	    and ([.responses[] | select(.metadata.valid)] | length) == 1'
	is "$(sql "SELECT count(*) FROM feedback_responses
	    WHERE request_id = '$request_id'")" 20
	is "$(types "$access" "$session" 2 | tr ' ' '\n' | sort | uniq -c |
	    tr -s ' \n' ' ')" ' 20 feedback_response 1 session_resumed '
}

@test "a session goes on when the last of its requests is decided" {
	somebody ole
	ask "$key" "$session"
	first=$request_id
	ask "$key" "$session" 'type: "input"'
	respond "$access" "$session" "$first" yes
	expect 201
	show_session "$access" "$session"
	holds '.status == "paused"'
	as_json "$access" PATCH "/api/sessions/$session" '{"status":"active"}'
	expect 409 '{"detail":"A feedback request is pending"}'
	respond "$access" "$session" "$request_id" done
	expect 201
	show_session "$access" "$session"
	holds '.status == "active"'
	is "$(types "$access" "$session" | tr ' ' '\n' |
	    grep -c session_resumed)" 1
}

@test "what its user paused stays so" {
	somebody pam
	ask "$key" "$session"
	as_json "$access" PATCH "/api/sessions/$session" '{"status":"paused"}'
	expect 200
	respond "$access" "$session" "$request_id" yes
	expect 201
	show_session "$access" "$session"
	holds '.status == "paused"'
	as_json "$access" PATCH "/api/sessions/$session" '{"status":"active"}'
	expect 200
	holds '.status == "active"'
	is "$(types "$access" "$session")" 'session_started feedback_request session_update feedback_response session_resumed'
}

@test "a request shows the response that decided and its newest others" {
	somebody quy
	ask "$key" "$session"
	respond "$access" "$session" "$request_id" yes
	winner=$(json .id)
	sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
	    WHERE i < 60) INSERT INTO feedback_responses (request_id, id,
	    content, channel, responder_id, created_at, processed_at, is_valid)
	    SELECT '$request_id', printf('ffffffff-0000-7000-8000-%012d', i),
	    i, 'slack', '$nobody', 4000000000000000 + i, 0, 0 FROM n"
	show_request "$access" "$session" "$request_id"
	holds '(.responses | length) == 10 and .responses[0].id == $w
	    and .responses[1].content == "52"
	    and .responses[9].content == "60"' --arg w "$winner"
}

@test "a session has at most a hundred requests pending" {
	local full='{"detail":"Session cannot have more than 100 pending feedback requests"}'

	somebody rae
	ask "$key" "$session"
	sql "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n
	    WHERE i < 99) INSERT INTO feedback_requests SELECT session_id, i,
	    printf('ffffffff-0000-7000-8000-%012d', i), type, status, prompt,
	    choices, channels, priority, created_at, expires_at, decided_at,
	    attempts, attempted_at FROM feedback_requests, n
	    WHERE id = '$request_id';
	    UPDATE chat_sessions SET requests = 99, pending = 99
	    WHERE id = '$session'"
	at_once 4 try_ask "$key" "$session"
	is "$(grep -c ^201 <<<"$answers")" 1
	is "$(grep -cF "409 $full" <<<"$answers")" 3
	respond "$access" "$session" "$request_id" yes
	expect 201
	ask "$key" "$session"
	try_ask "$key" "$session"
	expect 409 "$full"
	as "$access" GET "/api/sessions/$session/feedback"
	holds '.total == 101 and (.feedback_requests | length) == 100'
	as "$access" DELETE "/api/sessions/$session"
	expect 204
	is "$(sql "SELECT count(*) FROM feedback_requests WHERE status =
	    'cancelled' AND session_id = '$session'")" 100
}

@test "responses count against the channel, requests against the session" {
	settings+=(RATE_LIMIT_PER_USER=0 RATE_LIMIT_PER_SESSION=2
	    RATE_LIMIT_PER_CHANNEL=1)
	somebody ron
	ask "$key" "$session"
	has "$(header RateLimit-Policy)" '"session";q=2'
	ask "$key" "$session"
	try_ask "$key" "$session"
	expect 429
	has "$body" 'Session rate limit exceeded'
	respond "$access" "$session" "$request_id" yes
	expect 201
	has "$(header RateLimit-Policy)" '"channel";q=1'
	respond "$access" "$session" "$request_id" yes
	expect 429
	has "$body" 'Channel rate limit exceeded'
	as_json "$access" POST "/api/sessions/$session/feedback/$request_id/respond" \
	    '{"content":"yes","channel":"slack"}'
	late approved
}
