#!/usr/bin/env bats
#
# Where neither a daemon nor cron is, a request that decides starts a worker,
# and the webhook is told: by the parent of the workers, by a program that stays,
# and by one that is there for a request.

load harness

setup()
{
	# Whoever the programs run as reads it.
	place=$(mktemp -d /tmp/switchboard-test.XXXXXX)
	chmod 755 "$place"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=receiver \
	    -addext subjectAltName=IP:127.0.0.1 -keyout "$place/pair" \
	    -out "$place/certificate" 2>"$place/openssl.log"
	cat "$place/certificate" >>"$place/pair"
	chmod 644 "$place/certificate"
	/usr/bin/python3 "$SB_SOURCE/tests/api/receiver.py" "$place" \
	    "$place/pair" 2>"$place/errors" 3>&- &
	receiver=$!
	eventually 30 test -s "$place/port"
	SB_DATA=$BATS_TEST_TMPDIR/data
	settings=(WEBHOOK_PRIVATE=true "WEBHOOK_CA_FILE=$place/certificate")
}

teardown()
{
	# shellcheck disable=SC2046
	kill "$receiver" $(senders) || true
	stop_server
	rm -rf "$place"
}

# The workers of this installation; not their children, which only start the
# next one.
senders()
{
	local name

	for name in $(ps -e -o pid=,ppid=,args= | awk '
	    /work --for 10/ { parent[$1] = $2 }
	    END { for (i in parent) if (!(parent[i] in parent)) print i }')
	do
		if tr '\0' '\n' <"/proc/$name/environ" 2>/dev/null |
		    grep -qx "SWITCHBOARD_DATA=$SWITCHBOARD_DATA"; then
			echo "$name"
		fi
	done
}

post()	# PATH TOKEN JSON
{
	call POST "$1" -H "Authorization: Bearer $2" \
	    -H 'Content-Type: application/json' -d "$3"
	assert_answer 201
}

# Sets $decided.
decide()	# TOKEN KEY
{
	local session

	post /api/sessions "$1" '{}'
	session=/api/sessions/$(field id)
	post "$session/feedback" "$2" '{"type":"approval","prompt":"May I?"}'
	decided=$(field id)
	post "$session/feedback/$decided/respond" "$1" '{"content":"yes"}'
}

has_told()	# ID
{
	jq -es --arg id "$1" 'any(.body | fromjson | .data | .id == $id and
	    .status == "approved")' "$place/requests" >/dev/null 2>&1
}

# is_told HOME: of its requests, the second of which finds the worker there.
is_told()
{
	local missing token key first

	SB_HOME=$1
	load_home
	missing=$(home_needs | paste -s -d ' ')
	[[ -z $missing ]] || skip "not installed: $missing"
	start_server
	register anna
	assert_answer 201
	token=$(field access_token)
	post /api/auth/keys "$token" "{\"name\":\"an agent\",
	    \"scopes\":[\"agent\"],
	    \"webhook_url\":\"https://127.0.0.1:$(<"$place/port")/204\"}"
	key=$(field key)
	decide "$token" "$key"
	eventually 30 has_told "$decided"
	first=$(senders)
	[[ -n $first && $first != *$'\n'* ]]
	# No server's child, and nothing of its environment.
	(($(ps -o sid= -p "$first") != SB_WEB))
	[[ -z $(tr '\0' '\n' <"/proc/$first/environ" |
	    grep -E '^(HTTP_|REQUEST_|GATEWAY_|SERVER_)') ]]
	decide "$token" "$key"
	eventually 30 has_told "$decided"
	[[ $(senders) == "$first" ]]
}

is_archived()
{
	compgen -G "$SB_BUILD/switchboard-*-shared-*.tar.gz" >/dev/null ||
		skip 'no archive for shared hosting is built'
}

@test "lighttpd, FastCGI with workers: their parent starts one" {
	is_told lighttpd-fastcgi
}

@test "shared hosting, plain CGI: the program starts one when it has answered" {
	is_archived
	is_told shared-cgi
}

@test "shared hosting, mod_fcgid: the program that stays starts one" {
	is_archived
	is_told shared-fcgid
}
