# What tests of chat sessions do again and again.  Loaded after harness.

# Tests of limits set them.
settings+=(RATE_LIMIT_PER_SESSION=0 RATE_LIMIT_PER_CHANNEL=0)

# as TOKEN METHOD TARGET [call's arguments]...: by that token or key.
as()
{
	local token=$1 method=$2 target=$3
	shift 3
	call "$method" "$target" "Authorization: Bearer $token" "$@"
}

# as_json TOKEN METHOD TARGET JSON [Name: value]...
as_json()
{
	local token=$1 method=$2 target=$3 json=$4
	shift 4
	as "$token" "$method" "$target" 'Content-Type: application/json' \
	    "$@" -- "$json"
}

try_begin()	# TOKEN [JSON [Name: value]...]
{
	local token=$1 json=${2-'{}'}
	shift $(($# > 1 ? 2 : 1))
	as_json "$token" POST /api/sessions "$json" "$@"
}

# The same, and it has to succeed; sets $session.
begin()
{
	try_begin "$@"
	expect 201
	session=$(json .id)
}

try_say()	# TOKEN SESSION CONTENT [Name: value]...
{
	local token=$1 target=/api/sessions/$2/messages text=$3
	shift 3
	as_json "$token" POST "$target" "$(jq -nc --arg c "$text" \
	    '{content: $c}')" "$@"
}

say()
{
	try_say "$@"
	expect 201
}

try_ask()	# KEY SESSION [JSON members besides]
{
	as_json "$1" POST "/api/sessions/$2/feedback" \
	    "$(jq -nc "{type: \"approval\", prompt: \"Deploy?\"} + {${3-}}")"
}

# The same, and it has to succeed; sets $request_id.
ask()
{
	try_ask "$@"
	expect 201
	request_id=$(json .id)
}

respond()	# TOKEN SESSION REQUEST CONTENT [Name: value]...
{
	local token=$1 target=/api/sessions/$2/feedback/$3/respond text=$4
	shift 4
	as_json "$token" POST "$target" "$(jq -nc --arg c "$text" \
	    '{content: $c}')" "$@"
}

show_session()	# TOKEN SESSION
{
	as "$1" GET "/api/sessions/$2"
}

show_request()	# TOKEN SESSION REQUEST
{
	as "$1" GET "/api/sessions/$2/feedback/$3"
}

events()	# TOKEN SESSION [AFTER]
{
	as "$1" GET "/api/sessions/$2/events?after=${3-0}"
	expect 200
}

# The types of all events of a session, on one line.
types()		# TOKEN SESSION [AFTER]
{
	events "$@"
	json '[.events[].type] | join(" ")'
}

# Sets $key, $key_id and, with a URL, $webhook_secret.
new_key()	# TOKEN [NAME [WEBHOOK_URL]]
{
	as_json "$1" POST /api/auth/keys "$(jq -nc --arg n "${2-agent}" \
	    --arg u "${3-}" '{name: $n, scopes: ["agent"]} +
	    if $u == "" then {} else {webhook_url: $u} end')"
	expect 201
	key=$(json .key)
	key_id=$(json .id)
	webhook_secret=$(json .webhook_secret)
}

# Registers somebody with a session and a key: $access, $session, $key.
somebody()	# NAME
{
	register "$1"
	begin "$access"
	new_key "$access"
}

no_session()	# ID
{
	expect 404 '{"detail":"Session '"$1"' not found"}'
}
