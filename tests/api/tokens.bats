# The tokens themselves: what is in them, who can verify them, and that nothing
# else is taken for one.  Sections 4 and 10 of the contract.

load harness

setup_file()
{
	new_data
	register owner
	/usr/bin/python3 "$BATS_TEST_DIRNAME/forge.py" tokens \
	    "$SWITCHBOARD_DATA/signing-keys.json" "$access" \
	    "$BATS_FILE_TMPDIR/forged"
	export access refresh
}

forge()
{
	/usr/bin/python3 "$BATS_TEST_DIRNAME/forge.py" "$@"
}

forged()
{
	printf %s "$(<"$BATS_FILE_TMPDIR/forged/$1")"
}

refuses()	# FORGERY...
{
	local name
	for name in "$@"; do
		me "$(forged "$name")"
		is "$status_code" 401 "status for $name"
		refused
	done
}

judge()		# JSON FILTER [jq option]...
{
	body=$1
	shift
	holds "$@"
}

key_file()
{
	printf %s "$SWITCHBOARD_DATA/signing-keys.json"
}

kid()
{
	jose_header "$1" | jq -r .kid
}

# ---------------------------------------------------------------- contents

@test "a token's header is its algorithm, its type and its key" {
	local token
	for token in "$access" "$refresh"; do
		judge "$(jose_header "$token")" 'keys == ["alg", "kid", "typ"]
		    and .alg == "HS256" and .typ == "JWT"
		    and (.kid | test("^[0-9a-f]{16}$"))'
	done
}

@test "an access token has exactly its seven claims" {
	judge "$(claims "$access")" 'keys == ["exp", "iat", "jti", "sid",
	    "sub", "type", "username"]
	    and .type == "access" and .username == "owner"
	    and .exp - .iat == 1500'
}

@test "a refresh token has exactly its six claims, and no name" {
	judge "$(claims "$refresh")" 'keys == ["exp", "iat", "jti", "sid",
	    "sub", "type"]
	    and .type == "refresh" and .exp - .iat == 604800'
}

@test "sub is the user, sid the login, jti a UUID of its own" {
	is "$(sql "SELECT user_id FROM logins
	    WHERE id = '$(claim sid "$access")'")" \
	    "$(claim sub "$access")" sub
	is "$(claim sub "$refresh")" "$(claim sub "$access")" sub
	is "$(claim sid "$refresh")" "$(claim sid "$access")" sid
	like "$(claim sid "$access")" "$uuid7" sid
	like "$(claim jti "$access")" "$uuid" jti
	like "$(claim jti "$refresh")" "$uuid" jti
	isnt "$(claim jti "$access")" "$(claim jti "$refresh")" jti
}

@test "iat and exp are whole seconds, from now" {
	login owner
	local token
	for token in "$access" "$refresh"; do
		judge "$(claims "$token")" \
		    '(.iat | floor == . and $now - . <= 5 and $now >= .)
		    and (.exp | floor == .)' --argjson now "$EPOCHSECONDS"
		lacks "$(claims "$token" | grep -oE '"(iat|exp)":[^,}]*')" .
	done
}

@test "a token is base64url without padding and without white space" {
	local token
	for token in "$access" "$refresh"; do
		like "$token" '[A-Za-z0-9_-]+[.][A-Za-z0-9_-]+[.][A-Za-z0-9_-]{43}'
	done
}

@test "a name of any script is in the token as it is" {
	register 'Zoë \"日本\" \\ Ω' "$password" zoe@example.com
	is "$(claim username "$access")" 'Zoë "日本" \ Ω'
	me "$access"
	expect 200
	rotate "$refresh"
	is "$(claim username "$access")" 'Zoë "日本" \ Ω'
}

@test "PyJWT verifies our tokens with the key from the key file" {
	local token
	for token in "$access" "$refresh"; do
		judge "$(forge claims "$(key_file)" "$token")" '. == $claims' \
		    --argjson claims "$(claims "$token")"
	done
}

# ---------------------------------------------------------------- expiry

@test "an access token is good in its last second" {
	at_second $(($(claim exp "$access") - 1)) me "$access"
	expect 200
}

@test "an access token is dead in the second in which it expires" {
	at_second "$(claim exp "$access")" me "$access"
	refused
}

@test "an access token is dead long after it expired" {
	later 3000000 me "$access"
	refused
}

@test "a clock that was set back logs nobody out" {
	later -86400 me "$access"
	expect 200
	register back
	later -3600 rotate "$refresh"
}

@test "the lifetime of an access token is a setting" {
	settings+=(ACCESS_TOKEN_EXPIRE_MINUTES=2)
	login owner
	holds '.expires_in == 120'
	is $(($(claim exp "$access") - $(claim iat "$access"))) 120 lifetime
	later 121 me "$access"
	refused
}

@test "the lifetime of a refresh token is a setting" {
	settings+=(REFRESH_TOKEN_EXPIRE_DAYS=1)
	login owner
	holds '.refresh_expires_in == 86400'
	is $(($(claim exp "$refresh") - $(claim iat "$refresh"))) 86400
	later 86401 try_refresh "$refresh"
	refused_refresh
}

# ---------------------------------------------------------------- forgeries

@test "a token that is signed anew with our key is taken" {
	me "$(forged control)"
	expect 200
	holds '.username == "owner"'
}

@test "iat is not judged" {
	me "$(forged iat-ahead)"
	expect 200
}

@test "a token without signature is refused" {
	refuses alg-none alg-none-two-parts alg-none-capitals signature-empty
}

@test "a token that says none is refused although it is signed" {
	refuses alg-none-signed
}

@test "a token by another HMAC is refused" {
	refuses alg-hs384 alg-hs512 alg-hs512-signed-by-hs256
}

@test "a token that names no algorithm of ours is refused" {
	refuses alg-rs256 alg-lower-case alg-missing alg-number
}

@test "a token by another key is refused" {
	refuses key-other
}

@test "a token by an empty key is refused" {
	refuses key-empty
}

@test "a token with an unknown kid is refused" {
	refuses kid-unknown kid-longer kid-empty kid-path kid-nul
}

@test "a token without a kid is refused, as the old service's are" {
	refuses kid-missing
}

@test "a token whose kid is no text is refused" {
	refuses kid-number kid-object
}

@test "a token with a critical extension is refused" {
	refuses crit
}

@test "a token whose header is no object is refused" {
	refuses header-array header-not-json header-not-utf8 header-deep
}

@test "a token whose claims are no object is refused" {
	refuses claims-array claims-not-json claims-empty claims-null
}

@test "a token that lacks a claim is refused" {
	refuses without-sub without-username without-type without-iat \
	    without-exp without-jti without-sid
}

@test "a token that has expired is refused" {
	refuses exp-passed exp-zero exp-negative
}

@test "a token whose exp is no integer is refused" {
	refuses exp-text exp-float exp-true exp-null exp-huge
}

@test "a token whose iat is no integer is refused" {
	refuses iat-text
}

@test "a token of another user or of none is refused" {
	refuses sub-unknown sub-number sub-array
}

@test "a token of an unknown login is refused" {
	refuses sid-unknown sid-number
}

@test "a token of one user and another's login is refused" {
	register other
	local mixed
	mixed=$(jq -c --arg sub "$(claim sub "$access")" '.sub = $sub' \
	    <<<"$(claims "$(forged control)")")
	local head=$(cut -d. -f1 <<<"$(forged control)")
	local text=$head.$(printf %s "$mixed" | base64 -w0 | tr +/ -_ |
	    tr -d =)
	local key=$(jq -r '.keys[0].k' "$(key_file)" | tr _- /+)=
	local hex=$(base64 -d <<<"$key" | od -An -v -tx1 | tr -d ' \n')
	me "$text.$(printf %s "$text" |
	    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$hex" -binary |
	    base64 -w0 | tr +/ -_ | tr -d =)"
	refused
}

@test "a token of another type is refused" {
	refuses type-swapped type-other type-true
}

@test "a token whose text was altered is refused" {
	refuses header-changed claims-changed signature-changed
}

@test "a token with a signature of another length is refused" {
	refuses signature-cut signature-longer
}

@test "a token is refused that only decodes to the same bytes" {
	refuses signature-padded signature-spare-bits \
	    signature-standard-alphabet
}

@test "a token is refused whose claims are not in plain base64url" {
	refuses claims-padded claims-with-tab claims-with-space
}

@test "a token of another number of parts is refused" {
	refuses parts-two parts-four parts-five dots letters
}

@test "a token of 20 KB is refused" {
	refuses long long-dots
}

@test "a token of another installation is refused" {
	local foreign=$access
	new_data
	register owner
	me "$foreign"
	refused
}

# ---------------------------------------------------------------- the key file

@test "the first start makes a key file of one key for its owner alone" {
	is "$(stat -c %a "$(key_file)")" 600 mode
	judge "$(<"$(key_file)")" 'keys == ["keys"] and (.keys | length == 1)
	    and (.keys[0] | .kty == "oct" and .alg == "HS256"
	    and (.k | test("^[A-Za-z0-9_-]{43}$")) and (.iat | floor == .)
	    and keys == ["alg", "iat", "k", "kid", "kty"])'
}

@test "the key file is for its owner alone whatever the umask" {
	new_data
	umask 0
	register anna
	is "$(stat -c %a "$(key_file)")" 600 mode
	new_data
	umask 0177
	chmod 700 "$SWITCHBOARD_DATA"
	register anna
	is "$(stat -c %a "$(key_file)")" 600 mode
}

@test "a key's id is the start of its SHA-256" {
	is "$(kid "$access")" "$(jq -r '.keys[0].kid' "$(key_file)")" kid
	local key=$(jq -r '.keys[0].k' "$(key_file)" | tr _- /+)=
	is "$(kid "$access")" \
	    "$(base64 -d <<<"$key" | sha256sum | cut -c -16)" kid
}

@test "eight simultaneous first starts make one key, and all their tokens work" {
	new_data
	one()
	{
		try_register racer$turn
	}
	at_once 8 one
	is "$(grep -c '^201 ' <<<"$answers")" 8 successes
	is "$(jq '.keys | length' "$(key_file)")" 1 keys
	is "$(stat -c %a "$(key_file)")" 600 mode
	local token
	for token in $(cut -c 5- <<<"$answers" | jq -r .access_token); do
		me "$token"
		expect 200
	done
	is "$(find "$SWITCHBOARD_DATA" -name '*sign*' | grep -c .)" 1 \
	    'key files'
}

@test "two installations have different keys" {
	local first=$(kid "$access")
	new_data
	register anna
	isnt "$(kid "$access")" "$first" kid
}

@test "the newest key signs, and the older ones verify" {
	new_data
	register anna
	local old=$access old_refresh=$refresh
	forge add-key "$(key_file)"
	login anna
	isnt "$(kid "$access")" "$(kid "$old")" kid
	is "$(kid "$access")" \
	    "$(jq -r '.keys | max_by(.iat).kid' "$(key_file)")" kid
	me "$access"
	expect 200
	me "$old"
	expect 200
	rotate "$old_refresh"
}

@test "a successor is the same to the letter after a key was added" {
	new_data
	register anna
	local used=$refresh
	rotate "$used"
	local successor=$refresh
	forge add-key "$(key_file)"
	rotate "$used"
	is "$refresh" "$successor" successor
}

@test "the key of another kid does not verify a token" {
	new_data
	register anna
	forge add-key "$(key_file)"
	local token=$(forge mislabel "$(key_file)" "$access")
	isnt "$token" "$access" token
	me "$token"
	refused
}

# ---------------------------------------------------------------- SECRET_KEY

secret='Zu7-a-secret-key-of-more-than-32-bytes: é$"x'

@test "SECRET_KEY signs, and its id is the start of its SHA-256" {
	new_data
	settings+=("SECRET_KEY=$secret")
	register anna
	is "$(kid "$access")" \
	    "$(printf %s "$secret" | sha256sum | cut -c -16)" kid
	judge "$(forge claims-by "$secret" "$access")" '.username == "anna"'
	judge "$(forge claims-by "$secret" "$refresh")" '.type == "refresh"'
	me "$access"
	expect 200
	rotate "$refresh"
}

@test "tokens of the key file's keys live on when SECRET_KEY is set" {
	settings+=("SECRET_KEY=$secret")
	me "$access"
	expect 200
}

@test "tokens of another SECRET_KEY are refused" {
	settings+=("SECRET_KEY=$secret")
	login owner
	settings+=("SECRET_KEY=$secret.")
	me "$access"
	refused
}

@test "a SECRET_KEY under 32 bytes counts as not set, with a warning" {
	settings+=(SECRET_KEY=Zu7-31-bytes-long-secret-key-xx)
	login owner
	is "$(kid "$access")" "$(jq -r '.keys[0].kid' "$(key_file)")" kid
	has "$log" SECRET_KEY
	lacks "$log" Zu7
}

@test "a well-known SECRET_KEY counts as not set, with a warning" {
	settings+=(SECRET_KEY=your-secret-key-here-change-in-production)
	login owner
	is "$(kid "$access")" "$(jq -r '.keys[0].kid' "$(key_file)")" kid
	has "$log" SECRET_KEY
}

@test "a SECRET_KEY of 32 bytes signs" {
	settings+=(SECRET_KEY=Zu7-32-bytes-long-secret-key-xxx)
	login owner
	is "$(kid "$access")" "$(printf %s Zu7-32-bytes-long-secret-key-xxx |
	    sha256sum | cut -c -16)" kid
}

@test "SECRET_KEY is counted in bytes" {
	settings+=(SECRET_KEY=schlüssel-ä-ö-ü-ß-für-unsXYZ)
	login owner
	is "$(kid "$access")" \
	    "$(printf %s schlüssel-ä-ö-ü-ß-für-unsXYZ | sha256sum | cut -c -16)" kid
}
