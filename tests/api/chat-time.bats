# What time alone does to chat sessions and feedback requests: nobody waits for
# it, and whoever looks finds it done, once.  Sections 7 and 8 of the contract.

load harness
load chat

setup_file()
{
	new_data
}

start=1800000000	# in the future, so that what root's clock says is over

at()		# SECONDS COMMAND...: after the start
{
	local seconds=$1
	shift
	at_second $((start + seconds)) "$@"
}

hour=3600

iso()		# SECONDS after the start
{
	TZ=UTC printf '%(%FT%T)T.000000Z' $((start + $1))
}

# A user at the start, with a session and a key.  A token for later times has
# to be had then: later_token SECONDS NAME sets $access.
begin_at_start()	# NAME
{
	at 0 register "$1"
	at 0 begin "$access"
	at 0 new_key "$access"
}

later_token()	# SECONDS NAME
{
	at "$1" login "$2"
}

status_at()	# SECONDS: of the session, to its user or key $by
{
	at "$1" show_session "${by-$key}" "$session"
	expect 200
	json .status
}

# ----------------------------------------------------------------- sessions

@test "a session ends when nothing was done in it for a day" {
	begin_at_start ada
	is "$(status_at $((24 * hour - 1)))" active
	is "$(status_at $((24 * hour)))" ended
	at $((30 * hour)) show_session "$key" "$session"
	holds '.status == "ended" and .updated_at == $at' \
	    --arg at "$(iso $((24 * hour)))"
	at $((30 * hour)) events "$key" "$session"
	is "$(json '[.events[] | [.type, .timestamp]] | tojson')" \
	    '[["session_started","'"$(iso 0)"'"],["session_ended","'"$(iso $((24 * hour)))"'"]]'
	later_token $((30 * hour)) ada
	at $((30 * hour)) try_say "$access" "$session" late
	expect 409 '{"detail":"Cannot update an ended session"}'
}

@test "what is done in it puts that off; looking at it does not" {
	begin_at_start bea
	at $((20 * hour)) as_json "$key" POST \
	    "/api/sessions/$session/messages" '{"content":"still there?"}'
	expect 201
	at $((40 * hour)) events "$key" "$session"
	is "$(status_at $((44 * hour - 1)))" active
	is "$(status_at $((44 * hour)))" ended

	begin_at_start bob
	at $((20 * hour)) as_json "$key" PATCH "/api/sessions/$session" \
	    '{"agent_status":"thinking"}'
	expect 200
	is "$(status_at $((44 * hour - 1)))" active
	is "$(status_at $((44 * hour)))" ended
}

@test "the time is a setting" {
	settings+=(SESSION_TIMEOUT_HOURS=1)
	begin_at_start cara
	is "$(status_at $((hour - 1)))" active
	is "$(status_at $hour)" ended
}

@test "sessions that have timed out make room for new ones" {
	begin_at_start dora
	at 0 begin "$access"
	at 0 begin "$access"
	at 0 try_begin "$access"
	expect 409
	later_token $((24 * hour)) dora
	at $((24 * hour)) as "$access" GET /api/sessions
	holds '.total == 3 and .active_count == 0
	    and all(.sessions[]; .status == "ended")'
	at $((24 * hour)) begin "$access"

	begin_at_start doug
	at 0 begin "$access"
	at 0 begin "$access"
	later_token $((24 * hour)) doug
	at $((24 * hour)) begin "$access"
	at $((24 * hour)) as "$access" GET '/api/sessions?active_only=1'
	holds '.total == 1 and .active_count == 1'
}

@test "however many look at once, a session ends once" {
	begin_at_start eva
	at_once 20 at $((25 * hour)) show_session "$key" "$session"
	is "$(grep -c '^200 .*"status":"ended"' <<<"$answers")" 20
	is "$(at $((25 * hour)) types "$key" "$session")" \
	    'session_started session_ended'
}

# ----------------------------------------------------------------- requests

@test "a request expires when its time is over, and the session goes on" {
	begin_at_start fay
	at 0 ask "$key" "$session" 'expires_in: 60, prompt: "Deploy?"'
	at 59 show_request "$key" "$session" "$request_id"
	holds '.status == "pending"'
	at 60 show_request "$key" "$session" "$request_id"
	holds '.status == "expired" and .responses == []'
	at 100 show_session "$key" "$session"
	holds '.status == "active" and (.messages | length) == 1
	    and .metadata.last_active == $at
	    and (.messages[0] | .type == "system" and .timestamp == $at
	    and .content == "Nobody answered in time: Deploy?")' \
	    --arg at "$(iso 60)"
	at 100 events "$key" "$session" 2
	is "$(json '[.events[] | [.type, .timestamp]] | tojson')" '[["message","'"$(iso 60)"'"],["feedback_request","'"$(iso 60)"'"],["session_resumed","'"$(iso 60)"'"]]'
	at 100 respond "$access" "$session" "$request_id" yes
	expect 409
	holds '.detail == "Feedback request is already expired"'
}

@test "a response in the last second is in time, one at the end is not" {
	begin_at_start gil
	at 0 ask "$key" "$session" 'expires_in: 60'
	at 59 respond "$access" "$session" "$request_id" yes
	expect 201
	at 61 ask "$key" "$session" 'expires_in: 60'
	at 121 respond "$access" "$session" "$request_id" yes
	expect 409
	at 121 show_request "$key" "$session" "$request_id"
	holds '.status == "expired" and .responses[0].metadata.valid == false'
}

@test "however many find out at once, a request expires once" {
	begin_at_start hal
	at 0 ask "$key" "$session" 'expires_in: 60'
	look()
	{
		case $((turn % 4)) in
		0) show_session "$key" "$session" ;;
		1) show_request "$key" "$session" "$request_id" ;;
		2) as "$key" GET "/api/sessions/$session/messages" ;;
		3) respond "$access" "$session" "$request_id" yes ;;
		esac
	}
	at_once 20 at 60 look
	is "$(grep -c '^409 ' <<<"$answers")" 5
	is "$(grep -c '^200 ' <<<"$answers")" 15
	is "$(at 60 types "$key" "$session" 2 | tr ' ' '\n' | sort |
	    uniq -c | tr -s ' \n' ' ')" \
	    ' 1 feedback_request 5 feedback_response 1 message 1 session_resumed '
}

@test "while a request is pending its session does not time out" {
	settings+=(SESSION_TIMEOUT_HOURS=1 FEEDBACK_TIMEOUT_HOURS=48)
	begin_at_start ida
	at 0 ask "$key" "$session"
	is "$(status_at $((48 * hour - 1)))" paused
	is "$(status_at $((48 * hour)))" active
	is "$(status_at $((49 * hour - 1)))" active
	is "$(status_at $((49 * hour)))" ended
	is "$(at $((60 * hour)) types "$key" "$session")" 'session_started feedback_request message feedback_request session_resumed session_ended'
}

@test "all that came to pass while nobody looked is found in its order" {
	settings+=(SESSION_TIMEOUT_HOURS=1)
	begin_at_start jan
	at 0 ask "$key" "$session" 'expires_in: 600, prompt: "late"'
	at 0 ask "$key" "$session" 'expires_in: 60, prompt: "early"'
	at $((10 * hour)) show_session "$key" "$session"
	holds '.status == "ended" and ([.messages[].content] ==
	    ["Nobody answered in time: early", "Nobody answered in time: late"])'
	at $((10 * hour)) events "$key" "$session" 3
	is "$(json '[.events[] | [.type, .timestamp]] | tojson')" '[["message","'"$(iso 60)"'"],["feedback_request","'"$(iso 60)"'"],["message","'"$(iso 600)"'"],["feedback_request","'"$(iso 600)"'"],["session_resumed","'"$(iso 600)"'"],["session_ended","'"$(iso $((hour + 600)))"'"]]'
}

@test "a clock that is set back opens nothing again" {
	begin_at_start kim
	at 0 ask "$key" "$session" 'expires_in: 60'
	at 60 show_request "$key" "$session" "$request_id"
	holds '.status == "expired"'
	at 30 respond "$access" "$session" "$request_id" yes
	expect 409
	at $((24 * hour + 60)) show_session "$key" "$session"
	holds '.status == "ended"'
	at 61 show_session "$key" "$session"
	holds '.status == "ended"'
}

@test "tick does it, too, and says so" {
	new_data
	begin_at_start lea
	at 0 ask "$key" "$session" 'expires_in: 60'
	out=$(at 60 operate tick)
	has "$out" '1 feedback request'
	is "$(sql "SELECT status FROM feedback_requests
	    WHERE id = '$request_id'")" expired
	is "$(sql "SELECT group_concat(type, ' ') FROM events
	    WHERE session_id = '$session' ORDER BY number")" 'session_started feedback_request message feedback_request session_resumed'
	out=$(at $((24 * hour + 60)) operate tick)
	is "$(sql "SELECT ended_at FROM chat_sessions
	    WHERE id = '$session'")" $(((start + 24 * hour + 60) * 1000000))
}

# ------------------------------------------------------------------ cleanup

@test "an administrator may have it done for all" {
	new_data
	begin_at_start mia
	at 0 ask "$key" "$session" 'expires_in: 60'
	at 0 begin "$access"
	target=/api/sessions/cleanup/expired
	later_token $((24 * hour)) mia
	at $((24 * hour)) as "$access" POST "$target"
	expect 403 '{"detail":"Not enough permissions"}'
	at $((24 * hour)) as "$key" POST /api/sessions/cleanup/expired
	expect 403
	operate user admin mia on
	at $((24 * hour)) as "$access" POST "$target"
	expect 200 '{"expired_sessions":1,"expired_feedback_requests":1,"message":"Cleanup completed"}'
	at $((24 * hour)) as "$access" POST "$target/"
	expect 200 '{"expired_sessions":0,"expired_feedback_requests":0,"message":"Cleanup completed"}'
	call POST "$target"
	expect 401
}
