#!/usr/bin/env bats
#
# The agent of examples/, which asks a human, under plain CGI: no process of ours
# is alive but those that answer, and no cron does anything.  The human's side of
# the conversation is curl's.

load harness

setup_file()
{
	export SB_HOME=lighttpd-cgi SB_CLOCK
	settings=(RATE_LIMIT_PER_SESSION=0 RATE_LIMIT_PER_CHANNEL=0)
	start_server
	# A program that starts from now on sees the time of the file.
	SB_CLOCK=$SB_RUN/clock
	set_clock 1800000000
	fake_the_clock "$SB_RUN"
	give_away "$SB_RUN"
}

teardown_file()
{
	stop_server
}

setup()
{
	background=()
	cd "$BATS_TEST_TMPDIR"
	set_clock 1800000000
}

# Who still waits for news of the session gets it.
teardown()
{
	stop_background
	as_user DELETE "$session"
}

# as_user METHOD PATH [JSON]
as_user()
{
	call "$1" "$2" -H "Authorization: Bearer $access" \
	    ${3+-H 'Content-Type: application/json' -d "$3"}
}

# A user with a session in which the agent is at work, and has said hello.
meet()	# NAME [URL]
{
	register "$1"
	assert_answer 201
	access=$(field access_token)
	as_user POST /api/sessions '{}'
	assert_answer 201
	session=/api/sessions/$(field id)
	as_user POST /api/auth/keys '{"name":"deployer","scopes":["agent"]}'
	assert_answer 201
	key=$(field key)
	start_agent "${@:2}"
	eventually 30 is_said agent 'Hello!'
}

start_agent()	# [URL]
{
	SWITCHBOARD=${1-$SB_URL} AGENT_KEY=$key \
	    "$SB_SOURCE/examples/agent.py" "${session##*/}" >agent.log 2>&1 3>&- &
	background+=($!)
}

say()	# TEXT
{
	as_user POST "$session/messages" "$(jq -n --arg text "$1" \
	    '{ content: $text }')"
	assert_answer 201
}

# Whether that is what was said last.
is_said()	# TYPE TEXT
{
	[[ $(conversation 1) == "$1: $2" ]]
}

# The last so many messages, a line each.
conversation()	# N
{
	as_user GET "$session/messages?limit=$1"
	jq -r '.messages[] | "\(.type): \(.content)"' <<<"$body"
}

# Sets $request to the path of the one that is pending.
is_asked()
{
	as_user GET "$session/feedback"
	request=$session/feedback/$(jq -er '.feedback_requests[] |
	    select(.status == "pending").id' <<<"$body")
}

is_agent()	# STATUS
{
	as_user GET "$session"
	[[ $(field agent_status) == "$1" ]]
}

respond()	# CONTENT
{
	as_user POST "$request/respond" "{\"content\":\"$1\"}"
	assert_answer 201
}

@test "the agent deploys what a human has agreed to" {
	meet ann
	say 'Good morning!'
	eventually 30 is_said agent 'Tell me to deploy something.'
	say 'deploy web 2.1'
	eventually 30 is_asked
	assert_equal "$(jq -r '.feedback_requests[].prompt' <<<"$body")" \
	    'Shall I deploy web 2.1?'
	is_agent thinking
	assert_equal "$(field status)" paused
	respond yes
	eventually 30 is_said agent 'It is deployed.'
	eventually 30 is_agent idle
	assert_equal "$(field status)" active
	assert_equal "$(conversation 10)" 'agent: Hello!
user: Good morning!
agent: Tell me to deploy something.
user: deploy web 2.1
agent: Building, testing, deploying ...
agent: It is deployed.'
}

@test "the agent does not deploy what a human rejects, and can be asked again" {
	meet bob
	say 'deploy web 2.2'
	eventually 30 is_asked
	respond no
	eventually 30 is_said agent "I won't do that: it is rejected."
	say 'deploy web 2.3'
	eventually 30 is_asked
	respond approve
	eventually 30 is_said agent 'It is deployed.'
}

@test "the agent does not deploy what nobody has agreed to in time" {
	meet cyn
	say 'deploy web 2.4'
	eventually 30 is_asked
	set_clock $((1800000000 + 48 * 3600 + 1))
	# Whoever looks finds that it is over, and tells the agent.
	login cyn
	access=$(field access_token)
	not is_asked
	eventually 30 is_said agent "I won't do that: it is expired."
	run -0 conversation 2
	assert_line --index 0 --regexp '^system: '
}

@test "one that comes later answers only what is said from then on" {
	meet dan
	say 'deploy web 2.5'
	eventually 30 is_asked
	stop_background
	respond yes
	start_agent
	eventually 30 is_said agent 'Hello!'
	say 'What about it?'
	eventually 30 is_said agent 'Tell me to deploy something.'
	not is_asked
}

@test "the agent says everything once, however often answers are lost" {
	"$BATS_TEST_DIRNAME/losing.py" "$SB_URL" notes 3>&- &
	background+=($!)
	eventually 30 test -s notes
	meet eve "$(head -n 1 notes)"
	say 'deploy web 2.6'
	eventually 30 is_asked
	respond yes
	eventually 30 is_said agent 'It is deployed.'
	eventually 30 is_agent idle
	assert_equal "$(conversation 10)" 'agent: Hello!
user: deploy web 2.6
agent: Building, testing, deploying ...
agent: It is deployed.'
	assert_equal "$(jq '.feedback_requests | length' <<<"$body")" 1
	# The hello, the request and two messages, each sent twice.
	assert_equal "$(sed 1d notes | sort | uniq -c |
	    awk '{ print $1 "x" $3 }' | paste -sd ' ')" '2x201 2x201 2x201 2x201'
}

@test "the agent gives up where nobody listens any more" {
	local status=0

	meet fay
	as_user DELETE "$session"
	assert_answer 204
	stop_background
	start_agent
	wait "${background[0]}" || status=$?
	assert_equal "$status" 1
	assert_equal "$(<agent.log)" \
	    'POST /messages: {"detail":"Cannot update an ended session"}'
}

@test "the agent says how it is called, and minds no slash" {
	local -a called=("$SB_SOURCE/examples/agent.py")
	local usage='SWITCHBOARD=http://localhost:8000 AGENT_KEY=sbk_... agent.py CHAT_SESSION_ID'

	SWITCHBOARD=$SB_URL AGENT_KEY=x run -1 "${called[@]}"
	assert_output "$usage"
	SWITCHBOARD=$SB_URL run -1 "${called[@]}" x
	assert_output "$usage"
	AGENT_KEY=x run -1 "${called[@]}" x
	assert_output "$usage"
	meet ida "$SB_URL/"
}

# Whether it was told to wait.
is_held()
{
	grep -q ": 429 .* POST $session/messages" "$SB_LOG"
}

# The last one, as limits stay so.
@test "the agent waits for as long as a limit says" {
	local settings_file=$SB_RUN/libexec/etc/switchboard.env

	meet gil
	stop_background
	as_user DELETE "$session"
	sed -i "s/^RATE_LIMIT_PER_SESSION=.*/RATE_LIMIT_PER_SESSION='1'/" \
	    "$settings_file"
	echo "RATE_LIMIT_WINDOW_SECONDS='2'" >>"$settings_file"
	as_user POST /api/sessions '{}'
	assert_answer 201
	session=/api/sessions/$(field id)
	start_agent
	eventually 30 is_said agent 'Hello!'
	say 'Good morning!'
	eventually 30 is_held
	is_said user 'Good morning!'
	set_clock 1800000002
	eventually 30 is_said agent 'Tell me to deploy something.'
	run -0 conversation 10
	assert_equal "${#lines[@]}" 3
}
