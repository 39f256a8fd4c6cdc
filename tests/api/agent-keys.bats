# Agent keys: how a user makes, lists and deletes them, what they open and what
# they don't, and how they count against limits.

load harness
load limits

setup()
{
	new_data
	register somebody
	somebody=$access
}

bearer()	# TOKEN METHOD TARGET [ARGUMENT]...
{
	local token=$1
	shift
	call "$@" "Authorization: Bearer $token"
}

try_key()	# JSON [ARGUMENT]...: somebody's
{
	local json=$1
	shift
	post /api/auth/keys "$json" "Authorization: Bearer $somebody" "$@"
}

# The same, and it has to succeed; sets $key, $id and $secret.
new_key()	# [MEMBERS]
{
	try_key "{\"name\":\"bot\"${1:+,$1}}"
	expect 201
	key=$(json .key) id=$(json .id) secret=$(json .webhook_secret)
}

keys_in_database()
{
	sql 'SELECT count(*) FROM agent_keys'
}

forbidden()
{
	expect 403 '{"detail":"Not enough permissions"}'
}

key_works()	# KEY
{
	bearer "$1" GET /api/limits
	expect 200
}

key_refused()	# KEY
{
	bearer "$1" GET /api/limits
	refused
}

invalid_url()	# JSON-URL REASON
{
	try_key "{\"name\":\"bot\",\"webhook_url\":$1}"
	invalid "{\"type\":\"value_error\",\"loc\":[\"body\",\"webhook_url\"],
	    \"msg\":\"Value error, $2\",\"input\":$1,
	    \"ctx\":{\"reason\":\"$2\"}}"
}

# ------------------------------------------------------------------- making

@test "a key is made, with a name and what it is for" {
	try_key '{"name":"deploy bot ✓","scopes":["agent"]}'
	expect 201
	holds 'keys_unsorted == ["id", "name", "scopes", "key", "created_at"]
	    and .name == "deploy bot ✓" and .scopes == ["agent"]
	    and (.key | test("^sbk_[A-Za-z0-9_-]{43}$"))'
	like "$(json .id)" "$uuid7" id
	like "$(json .created_at)" "$time" created_at
	header_is Cache-Control no-store
	key_works "$(json .key)"
}

@test "what it is for may be left out, or null" {
	try_key '{"name":"bot"}'
	expect 201
	holds '.scopes == ["agent"]'
	try_key '{"name":"bot","scopes":null,"webhook_url":null}'
	expect 201
	holds '.scopes == ["agent"] and (has("webhook_secret") | not)'
}

@test "with a webhook comes its secret, one a key" {
	new_key '"webhook_url":"https://agent.example.com/hook"'
	like "$secret" 'whsec_[A-Za-z0-9+/]{43}='
	holds 'keys_unsorted == ["id", "name", "scopes", "key", "created_at",
	    "webhook_secret"]'
	local first=$secret
	new_key '"webhook_url":"https://agent.example.com/hook"'
	isnt "$secret" "$first" 'webhook_secret'
}

@test "a webhook's secret is made of the installation's and the key's id" {
	new_key '"webhook_url":"https://agent.example.com/hook"'
	is "$secret" "$(/usr/bin/python3 -c '
import base64, hashlib, hmac, sys
text = open(sys.argv[1], "rb").read().strip()
key = base64.urlsafe_b64decode(text + b"=")
made = hmac.new(key, b"webhook\0" + sys.argv[2].encode(), hashlib.sha256)
print("whsec_" + base64.b64encode(made.digest()).decode())' \
	    "$SWITCHBOARD_DATA/secret" "$id")" 'webhook_secret'
}

@test "keys are made anew each time" {
	local first
	new_key
	first=$key
	new_key
	isnt "$key" "$first" key
	is "$(keys_in_database)" 2 keys
}

@test "a secret that can't be had makes no key" {
	echo damaged >"$SWITCHBOARD_DATA/secret"
	try_key '{"name":"bot","webhook_url":"https://agent.example.com/"}'
	expect 500 '{"detail":"Internal Server Error"}'
	lacks "$log" sbk_
	is "$(keys_in_database)" 0 keys
	new_key
}

@test "a key that can't be stored is no key" {
	hold_lock
	try_key '{"name":"bot"}'
	unavailable
	release_lock
	is "$(keys_in_database)" 0 keys
}

@test "every field that is wrong is named" {
	try_key '{}'
	invalid '{"type":"missing","loc":["body","name"],"msg":"Field required",
	    "input":{}}'
	try_key '{"name":"","scopes":[],"webhook_url":""}'
	expect 422
	holds '[.detail[] | [.type, .loc]] == [
	    ["string_too_short", ["body", "name"]],
	    ["too_short", ["body", "scopes"]],
	    ["string_too_short", ["body", "webhook_url"]]]'
	try_key '{"name":7,"scopes":"agent","webhook_url":7}'
	expect 422
	holds '[.detail[] | [.type, .loc]] == [
	    ["string_type", ["body", "name"]],
	    ["list_type", ["body", "scopes"]],
	    ["string_type", ["body", "webhook_url"]]]'
	is "$(keys_in_database)" 0 keys
}

@test "a name has 1 to 100 code points" {
	local name
	printf -v name 'é%.0s' {1..100}
	try_key "{\"name\":\"$name\"}"
	expect 201
	holds '.name == $name' --arg name "$name"
	try_key "{\"name\":\"${name}x\"}"
	invalid "{\"type\":\"string_too_long\",\"loc\":[\"body\",\"name\"],
	    \"msg\":\"String should have at most 100 characters\",
	    \"input\":\"${name}x\",\"ctx\":{\"max_length\":100}}"
	is "$(keys_in_database)" 1 keys
}

@test "there is nothing else that a key is for" {
	local scopes
	for scopes in '["admin"]' '["agent","admin"]' '["AGENT"]' '[""]' \
	    '[7]' '[null]' '[["agent"]]' '["agent","agent"]' '{}' 'true'; do
		try_key "{\"name\":\"bot\",\"scopes\":$scopes}"
		expect 422
		holds 'all(.detail[]; .loc[0:2] == ["body", "scopes"])'
	done
	is "$(keys_in_database)" 0 keys
}

@test "a form of another site makes no key" {
	form /api/auth/keys 'name=bot' "Authorization: Bearer $somebody"
	expect 422
	holds '.detail[0].type == "model_attributes_type"'
	is "$(keys_in_database)" 0 keys
}

@test "an Idempotency-Key makes no answer be kept" {
	local first
	try_key '{"name":"bot"}' 'Idempotency-Key: again'
	expect 201
	first=$(json .key)
	try_key '{"name":"bot"}' 'Idempotency-Key: again'
	expect 201
	isnt "$(json .key)" "$first" key
	header_is Idempotency-Replayed ''
	is "$(sql 'SELECT count(*) FROM idempotency_keys')" 0 'kept answers'
}

# ------------------------------------------------------------ a webhook's URL

@test "webhook URLs that are good" {
	local url long
	printf -v long 'https://agent.example.com/%01974d' 0
	is "${#long}" 2000 length
	for url in https://example.com https://example.com/ \
	    https://a.b.c.example.com:8443/hook https://127.0.0.1/ \
	    'https://[2001:db8::1]/hook' 'https://[::ffff:192.0.2.1]:443/' \
	    'https://example.com?a=b&c=d' https://example.com/a%20b/%C3%A9 \
	    "https://example.com/-._~!\$&'()*+,;=:@/?x=/?" \
	    https://xn--bcher-kva.example/ https://example.com:1 \
	    https://example.com:65535/@ "$long"; do
		try_key "{\"name\":\"bot\",\"webhook_url\":\"$url\"}"
		expect 201
		is "$(sql "SELECT webhook_url FROM agent_keys
		    WHERE id = '$(json .id)'")" "$url" URL
	done
}

@test "webhook URLs of another scheme, or of none" {
	local url
	for url in http://example.com/ ftp://example.com/ example.com \
	    //example.com/ /hook https: https:/example.com https:example.com \
	    file:///etc/passwd javascript:x Https://example.com/; do
		invalid_url "\"$url\"" 'must begin with https://'
	done
}

@test "webhook URLs with characters that none has" {
	local url what='must only contain characters that a URL can have'
	for url in ' https://example.com/' 'https://example.com/ ' \
	    'https://example.com/a b' 'https://example.com/\n' \
	    'https://example.com/\r\nHost: x' 'https://exa\tmple.com/' \
	    'https://example.com/\u007f' 'https://bücher.example/' \
	    'https://example.com/é' 'https://example.com/\u200b' \
	    'https://example.com\\@evil.example/' 'https://example.com/<x>' \
	    'https://example.com/\"' 'https://example.com/{x}' \
	    'https://example.com/a|b' 'https://example.com/^`'; do
		invalid_url "\"$url\"" "$what"
	done
}

@test "webhook URLs with a half escape" {
	local url
	for url in 'https://example.com/%' 'https://example.com/%2' \
	    'https://example.com/%zz' 'https://example.com/%%20' \
	    'https://example.com/%20%2'; do
		invalid_url "\"$url\"" \
		    'must have two hexadecimal digits after each %'
	done
}

@test "webhook URLs with a user, a password or a fragment" {
	local url
	for url in https://user@example.com/ https://user:secret@example.com/ \
	    https://@example.com/ https://:@example.com \
	    'https://example.com:443@evil.example/' \
	    'https://example.com@evil.example?x'; do
		invalid_url "\"$url\"" \
		    'must not contain a user name or a password'
	done
	for url in 'https://example.com/#' 'https://example.com/a#b' \
	    'https://example.com#b' 'https://#@example.com/'; do
		invalid_url "\"$url\"" 'must not contain a fragment'
	done
}

@test "webhook URLs without a host" {
	local url label
	printf -v label '%064d' 0
	for url in https:// https:/// 'https://?x' https://:443/ \
	    https://.example.com/ https://example..com/ https://example.com./ \
	    https://-example.com/ https://example-.com/ https://a_b.example/ \
	    'https://[]/' 'https://[::1/' 'https://[::1' 'https://[1234]/' \
	    'https://[fe80::1%25eth0]/' 'https://::1/' \
	    'https://exa%6dple.com/' "https://$label.example/"; do
		invalid_url "\"$url\"" 'must have a host after https://'
	done
	label=${label:0:62}
	invalid_url "\"https://$label.$label.$label.$label.xy/\"" \
	    'must have a host after https://'
}

@test "webhook URLs with an odd port" {
	local url
	for url in https://example.com: https://example.com:/ \
	    https://example.com:0/ https://example.com:65536/ \
	    https://example.com:99999999999999999999/ https://example.com:x/ \
	    https://example.com:-1/ https://example.com:+443/ \
	    https://example.com:443:443/ 'https://[::1]443/' \
	    'https://[::1]x/' https://example.com:4%343/; do
		invalid_url "\"$url\"" \
		    "must have a port from 1 to 65535 after the host's :"
	done
}

@test "a webhook URL has at most 2,000 code points" {
	local url
	printf -v url 'https://agent.example.com/%01975d' 0
	try_key "{\"name\":\"bot\",\"webhook_url\":\"$url\"}"
	expect 422
	holds '.detail | length == 1 and .[0].type == "string_too_long"
	    and .[0].ctx == {"max_length": 2000}'
	is "$(keys_in_database)" 0 keys
}

# ------------------------------------------------------------------ listing

@test "keys are listed without what is secret, the newest first" {
	new_key
	local first=$id
	later 2 new_key '"webhook_url":"https://agent.example.com/hook"'
	bearer "$somebody" GET /api/auth/keys
	expect 200
	holds 'keys_unsorted == ["keys", "total"] and .total == 2
	    and [.keys[].id] == [$second, $first]
	    and all(.keys[]; keys_unsorted == ["id", "name", "scopes",
	    "webhook_url", "created_at"] and .name == "bot"
	    and .scopes == ["agent"])
	    and [.keys[].webhook_url] ==
	    ["https://agent.example.com/hook", null]' \
	    --arg first "$first" --arg second "$id"
	like "$(json '.keys[0].created_at')" "$time" created_at
}

@test "of keys made at one moment the ids have the order" {
	at_second $((EPOCHSECONDS + 1)) new_key
	local first=$id
	at_second $((EPOCHSECONDS + 1)) new_key
	bearer "$somebody" GET /api/auth/keys
	holds '[.keys[].id] == ([$first, $second] | sort | reverse)' \
	    --arg first "$first" --arg second "$id"
}

@test "who has no key has an empty list" {
	bearer "$somebody" GET /api/auth/keys
	expect 200 '{"keys":[],"total":0}'
}

@test "nobody sees another's keys" {
	new_key
	register another
	bearer "$access" GET /api/auth/keys
	expect 200 '{"keys":[],"total":0}'
}

@test "the key and the secret are in no list, no file and no log" {
	local shown file
	new_key '"webhook_url":"https://agent.example.com/hook"'
	for shown in 1 2 3; do
		key_works "$key"
	done
	bearer "$key" GET /api/auth/me
	bearer "$somebody" GET /api/auth/keys
	lacks "$body" "$key"
	lacks "$body" "$secret"
	lacks "$(<"$BATS_FILE_TMPDIR/log")" "$key"
	lacks "$(<"$BATS_FILE_TMPDIR/log")" "$secret"
	for file in "$SWITCHBOARD_DATA"/* "$SWITCHBOARD_DATA"/.[!.]*; do
		[ -f "$file" ] || continue
		is "$(grep -caF -e "${key#sbk_}" -e "${secret#whsec_}" \
		    "$file")" 0 "lines of $file"
	done
	is "$(sql 'SELECT hash FROM agent_keys')" \
	    "$(printf %s "$key" | sha256sum | cut -d ' ' -f 1)" hash
}

# ----------------------------------------------------------------- deleting

@test "a deleted key stops at once, and others go on" {
	new_key
	local first=$key first_id=$id
	new_key
	bearer "$somebody" DELETE "/api/auth/keys/$first_id"
	expect 204 ''
	key_refused "$first"
	key_works "$key"
	bearer "$somebody" GET /api/auth/keys
	holds '.total == 1 and .keys[0].id == $id' --arg id "$id"
	bearer "$somebody" DELETE "/api/auth/keys/$first_id"
	expect 404 '{"detail":"Not Found"}'
}

@test "another's key, one that is not there, and no id are alike" {
	local target
	new_key
	register another
	for target in "$id" 00000000-0000-7000-8000-000000000000 x; do
		bearer "$access" DELETE "/api/auth/keys/$target"
		expect 404 '{"detail":"Not Found"}'
	done
	key_works "$key"
}

@test "what waits for a key's webhook goes with it" {
	new_key '"webhook_url":"https://agent.example.com/hook"'
	sql "INSERT INTO outbox (id, key_id, session_id, number, type,
	    created_at) VALUES ('m', '$id', 's', 1, 'x', 1)"
	bearer "$somebody" DELETE "/api/auth/keys/$id"
	expect 204
	is "$(sql 'SELECT count(*) FROM outbox')" 0 'items'
}

@test "logging out everywhere, or a new password, leaves keys alone" {
	new_key
	bearer "$somebody" POST /api/auth/logout-all
	expect 204
	key_works "$key"
	login somebody
	post /api/auth/password "{\"current_password\":\"$password\",
	    \"new_password\":\"$password!\"}" "Authorization: Bearer $access"
	expect 200
	key_works "$key"
}

@test "the keys of a deleted account are gone" {
	new_key
	call DELETE /api/auth/me "Authorization: Bearer $somebody" \
	    'Content-Type: application/json' \
	    -- "{\"current_password\":\"$password\"}"
	expect 204
	key_refused "$key"
	is "$(keys_in_database)" 0 keys
}

@test "the keys of a disabled account stand still until it is enabled" {
	new_key
	operate user disable somebody
	bearer "$key" GET /api/limits
	expect 400 '{"detail":"Inactive user"}'
	bearer "$key" GET /api/auth/me
	expect 400 '{"detail":"Inactive user"}'
	operate user enable somebody
	key_works "$key"
}

# ----------------------------------------------------------- a hundred of them

many_keys()	# N
{
	sql "WITH RECURSIVE n (i) AS
	    (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
	    INSERT INTO agent_keys (id, user_id, name, scopes, hash,
		created_at)
	    SELECT printf('0199e25a-d365-71a6-b94d-%012x', i),
		(SELECT id FROM users WHERE username = 'somebody'), 'bot',
		'[\"agent\"]', printf('hash %d', i), i FROM n"
}

@test "a user has at most 100 keys, and another has others" {
	many_keys 99
	new_key
	try_key '{"name":"bot"}'
	expect 409 '{"detail":"User cannot have more than 100 keys"}'
	is "$(keys_in_database)" 100 keys
	bearer "$somebody" GET /api/auth/keys
	holds '.total == 100 and (.keys | length) == 100'
	register another
	post /api/auth/keys '{"name":"bot"}' "Authorization: Bearer $access"
	expect 201
	bearer "$somebody" DELETE "/api/auth/keys/$id"
	expect 204
	new_key
}

@test "of several that race for the last place one gets it" {
	many_keys 99
	at_once 8 try_key '{"name":"bot"}'
	is "$(grep -c '^201 ' <<<"$answers")" 1 'keys made'
	is "$(grep -c '^409 {"detail":"User cannot have more than 100 keys"}' \
	    <<<"$answers")" 7 'refusals'
	is "$(keys_in_database)" 100 keys
}

# Makes a key with a webhook, and runs the SQL while the program waits for the
# place in which the installation's secret is made.
key_while()	# SQL
{
	local held=$BATS_TEST_TMPDIR/held answer=$BATS_TEST_TMPDIR/answer
	local slots=$SWITCHBOARD_DATA/secret.slots holder asking

	rm -f "$SWITCHBOARD_DATA/secret" "$held"*
	mkfifo "$held.in"
	/usr/bin/python3 -c '
import fcntl, sys
with open(sys.argv[1], "a+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.readline()
' "$slots" <"$held.in" >"$held" 3>&- &
	holder=$!
	exec {hold}>"$held.in"
	until [ -s "$held" ]; do sleep 0.01; done
	(
		try_key '{"name":"bot","webhook_url":"https://a.example/"}'
		printf '%s=%q\n' status_code "$status_code" \
		    headers "$headers" body "$body" >"$answer"
	) 3>&- &
	asking=$!
	until (($(find /proc/[0-9]*/fd -lname "$slots" 2>/dev/null |
	    cut -d / -f 3 | sort -u | wc -l) >= 2)); do
		kill -0 "$asking" || break
	done
	[ ! -e "$answer" ]
	sql "$1"
	echo >&"$hold"
	exec {hold}>&-
	wait "$holder" "$asking"
	source "$answer"
	rm "$answer"
}

@test "a login that ends while it asks makes no key" {
	local text
	key_while 'SELECT 1'
	expect 201
	sql 'DELETE FROM agent_keys'
	key_while 'UPDATE users SET is_active = 0'
	expect 400 '{"detail":"Inactive user"}'
	is "$(keys_in_database)" 0 keys
	for text in 'UPDATE logins SET revoked_at = created_at' \
	    'DELETE FROM users'; do
		sql 'UPDATE users SET is_active = 1;
		    UPDATE logins SET revoked_at = NULL'
		key_while "$text"
		refused
		is "$(keys_in_database)" 0 keys
	done
}

# ----------------------------------------------------------- what keys open

@test "a key opens nothing that is for users" {
	local method target
	new_key
	while read -r method target; do
		bearer "$key" "$method" "$target"
		forbidden
		header_is WWW-Authenticate ''
	done <<-EOT
		GET /api/auth/me
		PATCH /api/auth/me
		DELETE /api/auth/me
		POST /api/auth/password
		POST /api/auth/logout
		POST /api/auth/logout-all
		GET /api/auth/sessions
		DELETE /api/auth/sessions/$(claim sid "$somebody")
		POST /api/auth/keys
		GET /api/auth/keys
		DELETE /api/auth/keys/$id
	EOT
	me "$somebody"
	expect 200
	key_works "$key"
}

@test "every operation for users alone refuses a key, by the document" {
	local document method target n=0
	new_key
	call GET /openapi.json
	document=$body
	while read -r method target; do
		bearer "$key" "${method^^}" "$target"
		forbidden
		n=$((n + 1))
	done < <(jq -r '.paths | to_entries[]
	    | .key as $path | .value | to_entries[]
	    | select(.value.security | any(has("bearer"))
	    and all(has("agent") | not)) | "\(.key) \($path)"' <<<"$document" |
	    sed 's/{[a-z_]*}/00000000-0000-7000-8000-000000000000/g')
	[ "$n" -ge 11 ]
}

@test "a key logs nobody out, not even by a refresh token" {
	new_key
	post /api/auth/logout "{\"refresh_token\":\"$refresh\"}" \
	    "Authorization: Bearer $key"
	forbidden
	rotate "$refresh"
	operate user disable somebody
	bearer "$key" POST /api/auth/logout
	forbidden
}

@test "a dead key at logout is no token" {
	bearer sbk_x POST /api/auth/logout
	refused
	post /api/auth/logout "{\"refresh_token\":\"$refresh\"}" \
	    'Authorization: Bearer sbk_x'
	expect 204
	me "$somebody"
	refused
}

@test "what is for anybody is for a key, too" {
	new_key
	bearer "$key" GET /api/limits
	expect 200
	bearer "$key" HEAD /api/limits
	is "$status_code" 200 status
	call GET /api/limits "authorization: bEaReR $key"
	expect 200
}

@test "what is no key of ours is refused" {
	local text
	new_key
	for text in sbk_ "${key%?}" "${key}x" "$key=" "$key." \
	    "${key/sbk_/SBK_}" "${key^^}" "${key,,}" "${key#sbk_}" \
	    "sbk_${key#????}%00" "$key\\0" "sbk_$key" "$key,$key" \
	    "$key $key" "sbk_'" "sbk_' OR 1=1 --" "sbk_%" \
	    "sbk_$(printf 'x%.0s' {1..5000})" $'sbk_\xff' \
	    "$(sql 'SELECT hash FROM agent_keys')" "$id" \
	    "sbk_$(sql 'SELECT hash FROM agent_keys')" "sbk_$id" \
	    "$key.$key.$key"; do
		key_refused "$text"
	done
	call GET /api/limits "Authorization: Basic $key"
	expect 401 '{"detail":"Not authenticated"}'
	key_works "$key"
}

@test "a key is no refresh token, and opens no operator's route" {
	new_key
	try_refresh "$key"
	refused_refresh
	bearer "$key" GET /api/auth/check
	refused
	bearer "$key" GET /metrics
	expect 404
}

@test "a store that can't be read is no reason to refuse a key" {
	new_key
	rm -f "$SWITCHBOARD_DATA"/switchboard.db*
	mkdir "$SWITCHBOARD_DATA/switchboard.db"
	bearer "$key" GET /api/limits
	unavailable
}

# ------------------------------------------------------------------- limits

@test "a key counts as a user of its own, each" {
	new_key
	local first=$key
	new_key
	settings+=(RATE_LIMIT_PER_USER=3)
	bearer "$first" GET /api/auth/me
	forbidden
	left 2
	bearer "$first" POST /api/auth/logout
	forbidden
	left 1
	bearer "$key" GET /api/auth/me
	left 2
	me "$somebody"
	left 2
	bearer "$first" GET /api/auth/me
	forbidden
	left 0
	bearer "$first" GET /api/auth/me
	expect 429
	holds '.detail | startswith("User rate limit exceeded. ")'
	me "$somebody"
	expect 200
	left 1
	bearer "$key" GET /api/auth/me
	forbidden
	left 1
}

@test "a key is told of its own limits, which that doesn't count against" {
	new_key
	settings+=(RATE_LIMIT_PER_USER=3)
	bearer "$key" GET /api/auth/me
	for _ in 1 2 3; do
		bearer "$key" GET /api/limits
		expect 200
		holds '.user.limit == 3 and .user.remaining == 2
		    and .sessions == {}
		    and all(.channels[]; .remaining == .limit)'
	done
	bearer "$somebody" GET /api/limits
	holds '.user.remaining == 3'
}

@test "of what a key counts in sessions and channels only it is told" {
	local whose
	new_key
	for whose in "$id" "$(sql 'SELECT id FROM users')"; do
		key_works "$key"
		limits_sql "INSERT INTO limits (key, times, expires_at) VALUES
		    ('channel:$whose:slack', x'$(now_as_moment)', $(later_on)),
		    ('session:$whose:of-${whose: -4}', x'$(now_as_moment)',
			$(later_on))"
	done
	bearer "$key" GET /api/limits
	holds '.channels.slack.remaining == 19
	    and .channels.email.remaining == 20
	    and (.sessions | keys) == [$of]' --arg of "of-${id: -4}"
}

# A count of a second ago, as a row has it, and when a row ends.
now_as_moment()
{
	local t=$(((EPOCHSECONDS - 1) * 1000000))
	for _ in 1 2 3 4 5 6 7 8; do
		printf %02x $((t & 255))
		t=$((t >> 8))
	done
}

later_on()
{
	echo $(((EPOCHSECONDS + 100) * 1000000))
}

@test "what is refused for want of a live key counts for nobody" {
	new_key
	bearer "$somebody" DELETE "/api/auth/keys/$id"
	settings+=(RATE_LIMIT_PER_USER=1)
	bearer "$key" GET /api/auth/me
	refused
	says_nothing
	bearer "$key" GET /api/auth/me
	refused
	me "$somebody"
	expect 200
}
