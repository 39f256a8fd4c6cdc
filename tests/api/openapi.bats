# The OpenAPI document: that it is complete, and true.  What it shows is done by
# openapi.py; validators and generated clients are for tests/browser.

load harness

setup_file()
{
	new_data
	call GET /openapi.json
	printf %s "$body" >"$BATS_FILE_TMPDIR/document"
}

# The document; of the program that has a bit of everything.
document()
{
	body=$(<"$BATS_FILE_TMPDIR/document")
}

sample()
{
	body=$("$SB_BUILD/tests/programs/sample" --openapi)
}

operations='[.paths[][]]'

# walk MODE: openapi.py finds nothing.  Limits are on, each on its own count.
walk()
{
	local found
	found=$(env -i "PATH=$PATH" LC_ALL=C.UTF-8 NO_FAKE_STAT=1 \
	    PYTHONDONTWRITEBYTECODE=1 \
	    "ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS-}" \
	    "UBSAN_OPTIONS=${UBSAN_OPTIONS-}" \
	    SCRYPT_N=1024 SCRYPT_R=1 SCRYPT_P=1 \
	    "$BATS_TEST_DIRNAME/openapi.py" "$programs" \
	    "$SB_BUILD/bin/switchboard" "$1" 2>&1) && [ -z "$found" ] && return
	show "$found"
	return 1
}

# ------------------------------------------------------------ what is shown

@test "every operation answers its own example with the one that is shown" {
	walk examples
}

@test "an empty body gets the 422 that is shown" {
	walk nothing
}

@test "every error that is shown is answered, to the letter" {
	walk refusals
}

@test "a 422 has the types that its description names, and has them all" {
	walk flaws
}

# -------------------------------------------------------- what clients go by

@test "every operation has a name of its own for clients" {
	document
	holds "$operations"' | length >= 17
	    and all(.operationId | test("^[a-z]+(_[a-z]+)*$"))
	    and (map(.operationId) | length == (unique | length))'
	holds "$operations"' | map(.operationId) | contains(["register_user",
	    "login", "refresh_tokens", "logout", "logout_everywhere",
	    "list_logins", "revoke_login", "get_me", "update_me", "delete_me",
	    "change_password", "get_limits", "get_root", "get_health",
	    "create_agent_key", "list_agent_keys", "delete_agent_key"])'
}

@test "every operation is described, and has a tag that is, too" {
	document
	holds "$operations"' | all((.summary | length > 0
	    and (endswith(".") | not)) and (.description | length > 0))'
	holds '(.tags | map(select(.description | length > 0) | .name)) as $tags
	    | [.paths[][] | .tags | length == 1 and (. - $tags == [])] | all'
}

@test "every operation says how it can fail" {
	document
	holds "$operations"' | all(.responses | has("400") and has("413")
	    and has("500") and has("503"))'
	holds '[.paths[][] | select(.requestBody) | .responses | has("422")]
	    | all'
	holds '.paths["/api/auth/sessions/{id}"].delete.responses
	    | has("404") and (has("422") | not)'
}

@test "health shows what it says when it is ill" {
	document
	holds '.paths["/health"].get.responses["503"]
	    | .headers | has("Retry-After")'
	holds '.paths["/health"].get.responses["503"].content
	    ["application/json"] | .schema == {"$ref":
	    "#/components/schemas/Health"} and (.examples[].value
	    | .status == "degraded" and .checks == {"database": "unavailable"})'
}

@test "an answer has a schema with a name, and lets through nothing else" {
	document
	holds '[.paths[][].responses[].content["application/json"]
	    | select(. != null and .schema != {}) | .schema
	    | keys == ["$ref"] or (keys == ["anyOf"]
	    and all(.anyOf[]; keys == ["$ref"]))] | length > 100 and all'
	holds '.components.schemas | [.User, .TokenPair, .Login, .LimitState,
	    .Error, .RateLimited, .ValidationError]
	    | all(.additionalProperties == false)'
	holds '.components.schemas | [.NewUser, .PasswordGrant, .UserChange]
	    | all(has("additionalProperties") | not)'
}

@test "the types of a 422 are a closed set" {
	document
	holds '.components.schemas.InvalidField.properties
	    | (.type.enum | length == 18 and length == (unique | length)
	    and contains(["missing", "value_error", "json_invalid"]))
	    and .ctx.properties.min_length.type == "integer"
	    and .ctx.properties.reason.type == "string"'
}

@test "what is secret is never an answer's, but for tokens" {
	document
	holds '[.components.schemas[] | select(.additionalProperties == false)
	    | .properties[] | select(.format == "password" or .writeOnly)]
	    | length == 0'
	holds '.components.schemas.NewUser.properties.password
	    | .format == "password" and .writeOnly and .minLength == 8'
}

@test "null may be where a row has it so" {
	document
	holds '.components.schemas
	    | .Login.properties.user_agent.type == ["string", "null"]
	    and .UserChange.properties.email.type == ["string", "null"]
	    and .PasswordGrant.properties.scope.type == "string"
	    and (.Limits.properties.user.anyOf | map(.type) | contains(["null"]))
	    and .Limits.properties.sessions.additionalProperties ==
	    {"$ref": "#/components/schemas/LimitState"}'
	sample
	holds '.paths["/list"].get | .parameters
	    | all(.schema.type | type == "string")'
	holds '.paths["/list"].get.responses["200"].content["application/json"]
	    .schema.properties.channel | .type == ["string", "null"]
	    and .enum == ["websocket", "email", "slack", null]'
	holds '.paths["/form"].post.requestBody.content
	    | all(.[].schema.properties.count; .type == "integer")'
	holds '.paths["/both"].post.requestBody.content["application/json"]
	    .schema.properties.count.type == ["integer", "null"]'
}

@test "the 429s are of the limits that the row has" {
	document
	holds '[.paths[][] | select(.responses["429"])
	    | {key: .operationId, value: (.responses["429"]
	    .content["application/json"].examples | keys)}] | from_entries
	    | .login == ["account", "address"] and .get_me == ["user"]
	    and .update_me == ["account", "user"] and .logout == ["user"]
	    and .register_user == ["address"] and (has("get_limits") | not)'
	holds '.paths["/api/auth/login"].post.description
	    | endswith("Limits: `address`; and `account`, by a wrong password.")'
	holds '.paths["/api/limits"].get.description
	    | endswith("Limits: none.")'
}

@test "the header fields that tell of limits are on every limited answer" {
	document
	holds '[.paths[][] | select(.description | endswith("Limits: none.") | not)
	    | .responses[].headers
	    | has("RateLimit") and has("RateLimit-Policy")
	    and has("X-RateLimit-Limit") and has("X-RateLimit-Remaining")
	    and has("X-RateLimit-Reset") and has("X-RateLimit-Window")
	    and has("X-RateLimit-Warning")] | length > 50 and all'
	holds '[.paths[][] | select(.responses["429"] | not)
	    | .responses[].headers | has("RateLimit")] | any | not'
	holds '[.paths[][].responses | .["429"], .["503"] | values
	    | .headers | has("Retry-After")] | all'
	holds '[.paths[][].responses["401"] | values | .headers
	    | has("WWW-Authenticate")] | length > 8 and all'
	holds '[.paths[][].responses[].headers | has("X-Request-ID")] | all'
}

# ------------------------------------------------------------- authorising

@test "what needs a token takes it by either scheme" {
	document
	holds '.paths | [.["/api/auth/me", "/api/auth/keys"][]]
	    | all(.security == [{"bearer": []}, {"oauth2": []}])'
	holds '.paths["/api/auth/logout"].post.security
	    == [{"bearer": []}, {"oauth2": []}, {}]'
	holds '.paths | [.["/api/auth/login"].post, .["/health"].get]
	    | all(.security == [])'
	holds '[.paths[][] | select(.security == [] or
	    (.security | contains([{}]) | not))
	    | (.security != []) == (.responses | has("401")
	    and (.["401"].content["application/json"].examples
	    | has("not_authenticated")))] | all'
}

@test "the password flow leads to the routes that give tokens" {
	document
	holds '.components.securitySchemes | .bearer.scheme == "bearer"
	    and .oauth2.flows == {"password": {"tokenUrl": "/api/auth/login",
	    "refreshUrl": "/api/auth/refresh", "scopes": {}}}
	    and .operator.scheme == "bearer" and .metrics.scheme == "bearer"
	    and .agent.scheme == "bearer" and length == 5'
	holds '.servers == [{"url": "/"}]'
	settings+=(ROOT_PATH=/switchboard)
	call GET /switchboard/openapi.json
	expect 200
	holds '.components.securitySchemes.oauth2.flows.password
	    | .tokenUrl == "/switchboard/api/auth/login"
	    and .refreshUrl == "/switchboard/api/auth/refresh"'
	holds '.servers == [{"url": "/switchboard"}]'
	lacks "$body" @PREFIX@
	lacks "$body" @SERVER@
}

@test "the document says whose it is, and how to begin" {
	document
	holds '.info | (.description | contains("## Authorising")
	    and contains("## Errors") and contains("## Limits")
	    and contains("- `user`: 30 requests of one user, or with one agent key in 60 seconds"))
	    and (.contact.name | length > 0) and (.license.name | length > 0)'
}

@test "the document doesn't depend on the settings of who builds it" {
	is "$(RATE_LIMIT_PER_USER=7 "$programs/auth" --openapi | md5sum)" \
	    "$("$programs/auth" --openapi | md5sum)"
}
