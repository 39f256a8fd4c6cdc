# What `switchboard check --url' asks the programs: GET /api/auth/check, and its
# stream.

load harness
load command

setup_file()
{
	new_data
	register anna
	export access refresh
}

# The token of such a check, with other claims.
sign()	# [JSON]
{
	/usr/bin/python3 "$BATS_TEST_DIRNAME/forge.py" check \
	    "$SWITCHBOARD_DATA/signing-keys.json" "$@"
}

ask()	# [TOKEN] [Name: value]...
{
	call GET /api/auth/check "Authorization: Bearer $1" "${@:2}"
}

@test "a check is told what came through" {
	local token=$(sign) step=$(sql 'PRAGMA user_version')
	cgi=(PATH_INFO=/api/auth/check SCRIPT_NAME=/chat
	    SERVER_SOFTWARE=me/1)
	call GET /chat/api/auth/check "Authorization: Bearer $token" \
	    'X-Forwarded-For: 198.51.100.7'
	expect 200
	holds '.schema_step == $step and .schema_step_known == $step
	    and .environment == "development" and .prefix == "/chat"
	    and .client_address == "192.0.2.1"
	    and .peer_address == "192.0.2.1"
	    and .forwarded_for == "198.51.100.7"
	    and .server_software == "me/1"' --argjson step "$step"
	is "$(header Cache-Control)" no-store
	cgi=()
	settings+=(TRUSTED_PROXIES=192.0.2.1)
	ask "$token" 'X-Forwarded-For: 198.51.100.7'
	holds '.client_address == "198.51.100.7"
	    and .server_software == "bats"'
	ask "$token"
	holds '.forwarded_for == null'
}

@test "what came through that isn't UTF-8 is told in UTF-8" {
	ask "$(sign)" $'X-Forwarded-For: 198.51.100.7 \xff'
	expect 200
	# jq would mend it by itself.
	is "$(LC_ALL=C grep -c $'198.51.100.7 \xef\xbf\xbd"' <<<"$body")" 1
}

@test "events of a stream come one by one" {
	local token=$(sign)
	call GET /api/auth/check/stream "Authorization: Bearer $token"
	is "$status_code" 200
	is "$(header Content-Type)" text/event-stream
	is "$(header Content-Length)" ''
	is "$(grep -c '^event: check$' <<<"$body")" 4
	is "$(sed -n 's/^data: //p' <<<"$body" | jq -c .number | paste -sd,)" \
	    1,2,3,4
}

@test "each of them comes when it is due" {
	local token=$(sign) line i
	local -a at=()
	while IFS= read -r line; do
		[[ $line != event:* ]] || at+=("${EPOCHREALTIME/[.,]/}")
	done < <(env -i GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET \
	    REQUEST_URI=/api/auth/check/stream REMOTE_ADDR=192.0.2.1 \
	    "HTTP_AUTHORIZATION=Bearer $token" \
	    "ASAN_OPTIONS=${ASAN_OPTIONS-}" \
	    "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" "$programs/auth" 2>/dev/null)
	is "${#at[@]}" 4
	# They are 250 ms apart, less what this loop was late.
	for i in 1 2 3; do
		((at[i] - at[i - 1] > 50000))
	done
	((at[3] - at[0] > 500000))
}

@test "a client that leaves ends its stream" {
	local token=$(sign)
	strace -o "$BATS_TEST_TMPDIR/none" true 2>/dev/null ||
		skip 'nothing can be traced here'
	env -i GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET \
	    REQUEST_URI=/api/auth/check/stream REMOTE_ADDR=192.0.2.1 \
	    "HTTP_AUTHORIZATION=Bearer $token" \
	    ASAN_OPTIONS=detect_leaks=0 "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" \
	    strace -f -qq -e trace=write -o "$BATS_TEST_TMPDIR/trace" \
	    "$programs/auth" 2>/dev/null | head -c 20 >/dev/null
	# All after the first event is lost; it isn't tried four times.
	(($(grep -c '^[0-9]* *write(1, "event' "$BATS_TEST_TMPDIR/trace") < 4))
}

@test "nobody else is answered" {
	local path token
	for path in /api/auth/check /api/auth/check/stream; do
		call GET "$path"
		expect 401 '{"detail":"Not authenticated"}'
		for token in "$access" "$refresh" "$(sign '{"type":"access"}')" \
		    "$(sign '{"exp":1}')" "$(sign '{"username":"anna"}')" x; do
			call GET "$path" "Authorization: Bearer $token"
			refused
		done
	done
}

@test "a check's token is good for nothing else" {
	local token=$(sign)
	me "$token"
	refused
	call GET /api/limits "Authorization: Bearer $token"
	refused
	try_refresh "$token"
	refused_refresh
	call POST /api/auth/logout "Authorization: Bearer $token"
	refused
	# Not even one of somebody who lives.
	me "$(sign "{\"sid\":\"$(claim sid "$access")\",\"sub\":\"$(claim sub "$access")\"}")"
	refused
}

@test "a check where there is no database is a 503" {
	local token=$(sign)
	mkdir "$BATS_TEST_TMPDIR/data"
	cp "$SWITCHBOARD_DATA/signing-keys.json" "$BATS_TEST_TMPDIR/data"
	mkdir "$BATS_TEST_TMPDIR/data/switchboard.db"
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/data
	ask "$token"
	unavailable
}
