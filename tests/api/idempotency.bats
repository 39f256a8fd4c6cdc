# What is sent again under an Idempotency-Key is done once.  Section 7 of the
# contract, by routes of tests/programs/sample.c.

load harness
load command

# With the programs' own folder for what the program under test has not.
own=$programs

as_auth()
{
	programs=$own program=auth "$@"
}

setup_file()
{
	new_data
	as_auth register anna
	echo "$access" >"$BATS_FILE_TMPDIR/anna"
	as_auth register bob
	echo "$access" >"$BATS_FILE_TMPDIR/bob"
}

# Each test has names, and so keys, of its own.
setup()
{
	programs=$SB_BUILD/tests/programs
	program=sample
	access=$(<"$BATS_FILE_TMPDIR/anna")
	name=name-$BATS_TEST_NUMBER
	key=key-$BATS_TEST_NUMBER
}

# send [METHOD TARGET [BODY]]: with the key that there is.
send()
{
	call "${1-POST}" "${2-/repeat}" 'Content-Type: application/json' \
	    "Authorization: Bearer $access" ${key:+"Idempotency-Key: $key"} \
	    -- "${3-{\"name\":\"$name\"\}}"
}

first()
{
	send "$@"
	expect 201
	header_is Idempotency-Replayed ''
	told=$body
}

# It is the first answer again.
again()
{
	send "$@"
	is "$status_code" 201 status
	is "$body" "$told" answer
	header_is Idempotency-Replayed true
	header_is Content-Type application/json
	header_is Content-Length ${#told}
}

# done_times N [NAME]: so often was it done.
done_times()
{
	is "$(sql "SELECT count(*) FROM users
	    WHERE username = '${2-$name}'")" "$1" 'times'
}

keys()		# how many are kept under the test's own key
{
	sql "SELECT count(*) FROM idempotency_keys WHERE key = '$key'"
}

# forget NAME: the account that was written, so that it can be written again.
forget()
{
	sql "DELETE FROM users WHERE username = '${1-$name}'"
}

# -------------------------------------------------------------- the same

@test "what is sent again is answered as before, and done once" {
	first
	again
	again
	done_times 1
	is "$(keys)" 1
}

@test "a 204 is repeated, too" {
	send PUT
	expect 204 ''
	header_is Idempotency-Replayed ''
	send PUT
	expect 204 ''
	header_is Idempotency-Replayed true
	header_is Content-Type ''
	done_times 1
}

@test "without a key, or with an empty one, nothing is kept" {
	local kept
	kept=$(sql 'SELECT count(*) FROM idempotency_keys')
	key=
	first
	forget
	first
	forget
	call POST /repeat 'Content-Type: application/json' \
	    "Authorization: Bearer $access" 'Idempotency-Key:' \
	    -- "{\"name\":\"$name\"}"
	expect 201
	is "$(sql 'SELECT count(*) FROM idempotency_keys')" "$kept"
}

@test "a trailing slash, a prefix, a query and a coded path make no other" {
	first
	again POST /repeat/
	again POST '/repeat?a=b'
	again POST /%72epeat
	cgi=(SCRIPT_NAME=/under PATH_INFO=/repeat)
	again POST /under/repeat
	done_times 1
}

@test "another login of the user's is the same caller" {
	first
	as_auth login anna
	again
	done_times 1
}

@test "the answer tells its own request's id, and its own limits" {
	settings+=(RATE_LIMIT_PER_USER=1000)
	call POST /repeat 'Content-Type: application/json' \
	    "Authorization: Bearer $access" "Idempotency-Key: $key" \
	    'X-Request-ID: one' -- "{\"name\":\"$name\"}"
	expect 201
	header_is X-Request-ID one
	call POST /repeat 'Content-Type: application/json' \
	    "Authorization: Bearer $access" "Idempotency-Key: $key" \
	    'X-Request-ID: two' 'Origin: http://localhost:5173' \
	    -- "{\"name\":\"$name\"}"
	expect 201
	header_is X-Request-ID two
	header_is Idempotency-Replayed true
	header_is X-RateLimit-Limit 1000
	header_is Cache-Control no-store
	header_is Access-Control-Allow-Origin http://localhost:5173
	has ", $(header Access-Control-Expose-Headers)," \
	    ', Idempotency-Replayed,'
}

# -------------------------------------------------------------- another one

@test "another body is refused, whatever differs in its bytes" {
	local other
	first
	for other in "{\"name\":\"$name\"} " "{\"name\":\"${name}x\"}" \
	    "{\"name\" :\"$name\"}"; do
		send POST /repeat "$other"
		expect 422 '{"detail":"Idempotency-Key was used with a different request"}'
		header_is Idempotency-Replayed ''
	done
	again
	done_times 1
	done_times 0 "${name}x"
}

@test "what is no good input is told first" {
	first
	send POST /repeat '{"name":""}'
	expect 422
	holds '.detail[0].type == "string_too_short"'
}

@test "another path or method is another request" {
	first
	forget
	send POST /repeat-elsewhere
	expect 201
	header_is Idempotency-Replayed ''
	isnt "$body" "$told"
	forget
	send PUT
	expect 204 ''
	header_is Idempotency-Replayed ''
	is "$(keys)" 3
}

@test "another caller is another one" {
	first
	forget
	access=$(<"$BATS_FILE_TMPDIR/bob")
	send
	expect 201
	header_is Idempotency-Replayed ''
	isnt "$body" "$told"
	told=$body
	again
	is "$(keys)" 2
}

@test "another key is another request" {
	first
	forget
	key+=x
	first
	done_times 1
}

# -------------------------------------------------------------------- time

@test "a key is kept for 24 hours, and no longer" {
	settings+=(ACCESS_TOKEN_EXPIRE_MINUTES=1440)
	as_auth login anna
	first
	later 86300 again
	forget
	later 86500 as_auth login anna
	later 86500 first
	later 86600 again
	done_times 1
	is "$(keys)" 1
}

@test "a clock that was set back takes no key for longer than that" {
	settings+=(ACCESS_TOKEN_EXPIRE_MINUTES=1440)
	later 86300 as_auth login anna
	later 86300 first
	as_auth login anna
	again
	forget
	sql "UPDATE idempotency_keys SET created_at = created_at + 300000000
	    WHERE key = '$key'"
	first
	again
	done_times 1
}

@test "tick deletes the keys that are over, and no others" {
	is "$(sql 'SELECT count(*) > 0 FROM idempotency_keys')" 1
	sql 'DELETE FROM idempotency_keys'
	first
	key=over-1 send POST /repeat "{\"name\":\"$name-a\"}"
	key=over-2 send POST /repeat "{\"name\":\"$name-b\"}"
	sql "UPDATE idempotency_keys SET created_at = created_at -
	    86401000000 WHERE key = 'over-1'"
	sql "UPDATE idempotency_keys SET created_at = created_at +
	    86500000000 WHERE key = 'over-2'"
	run operate tick
	is "$status" 0 'exit status'
	like "$output" 'tick: .*; deleted .*, 2 repeats, 0 webhooks'
	is "$(sql 'SELECT key FROM idempotency_keys')" "$key"
	again
	sql "WITH RECURSIVE n (i) AS
	    (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
	    INSERT INTO idempotency_keys (user_id, caller, target, key,
		body_hash, created_at)
	    SELECT id, id, 'POST /x', i, '', i FROM users, n
	    WHERE username = 'anna'"
	run operate tick
	like "$output" 'tick: .*; deleted .*, 3000 repeats, 0 webhooks'
	later 86500 operate tick
	is "$(sql 'SELECT count(*) FROM idempotency_keys')" 0
}

@test "an account takes its keys along" {
	as_auth register carl
	first
	is "$(keys)" 1
	is "$(sql "PRAGMA foreign_keys = ON;
	    DELETE FROM users WHERE username = 'carl';
	    SELECT count(*) FROM idempotency_keys
	    WHERE user_id NOT IN (SELECT id FROM users)")" 0
}

# ----------------------------------------------------------------- refusals

@test "what was refused may be sent again, and another body, too" {
	send POST /repeat '{"name":"refuse"}'
	expect 409 '{"detail":"Taken"}'
	is "$(keys)" 0
	send POST /repeat '{"name":"refuse"}'
	expect 409 '{"detail":"Taken"}'
	header_is Idempotency-Replayed ''
	first
	again
	done_times 1
}

@test "where something is kept of what was refused, its key is not" {
	send POST /repeat '{"name":"keep"}'
	expect 409
	done_times 1 keep
	is "$(keys)" 0
	first
	again
}

@test "of a handler that breaks its word nothing is kept" {
	send POST /repeat '{"name":"half"}'
	expect 500 '{"detail":"Internal Server Error"}'
	done_times 0 half
	send POST /repeat '{"name":"fatal"}'
	expect 500 '{"detail":"Internal Server Error"}'
	done_times 0 fatal
	is "$(keys)" 0
	first
}

@test "of a program that is killed before its commit nothing is kept" {
	run send POST /repeat '{"name":"kill"}'
	isnt "$status" 0 'exit status'
	done_times 0 kill
	is "$(keys)" 0
	first
	again
}

@test "while the database can't be had there is no answer, and no key" {
	hold_lock
	send
	release_lock
	unavailable
	is "$(keys)" 0
	first
}

@test "who was deleted since he was let in takes no key" {
	as_auth register dora
	sql "CREATE TRIGGER gone BEFORE INSERT ON idempotency_keys
	    BEGIN SELECT raise(IGNORE); END"
	send
	sql 'DROP TRIGGER gone'
	refused
	done_times 0
}

# ------------------------------------------------------------- key patterns

@test "keys are of 1 to 64 letters, digits, dots, underscores and hyphens" {
	local long
	printf -v long '%064d' "$BATS_TEST_NUMBER"
	for key in "$long" A.b_C-9; do
		first
		again
		forget
	done
}

@test "what is no key is refused, and nothing is done" {
	local bad long
	printf -v long '%065d' 0
	for bad in "$long" 'a b' 'a/b' 'a, a' é 'a"' '*'; do
		key=$bad send
		expect 422
		holds '.detail | length == 1 and (.[0]
		    | .type == "string_pattern_mismatch"
		    and .loc == ["header","idempotency-key"]
		    and .input == $bad)' --arg bad "$bad"
	done
	key=$'a\xff' send
	expect 422
	holds '.detail[0].loc == ["header","idempotency-key"]'
	done_times 0
}

# ------------------------------------------------------------------ at once

@test "of two at once the second gets the first's answer" {
	at_once 2 send
	is "$(sort -u <<<"$answers" | wc -l)" 1 'different answers'
	has "$answers" '201 {'
	done_times 1
}

@test "of many at once one is done, whatever the others send" {
	send_turn()
	{
		send POST /repeat "{\"name\":\"$name-$turn\"}"
	}
	at_once 8 send_turn
	is "$(grep -c '^201 ' <<<"$answers")" 1 'that were done'
	is "$(grep -c '^422 ' <<<"$answers")" 7 'that were refused'
	is "$(sql "SELECT count(*) FROM users
	    WHERE username LIKE '$name-%'")" 1
}

# ------------------------------------------------------------------- limits

@test "what is repeated counts against limits like any other" {
	settings+=(RATE_LIMIT_PER_USER=3)
	as_auth register ella
	first
	header_is X-RateLimit-Remaining 2
	again
	header_is X-RateLimit-Remaining 1
	again
	header_is X-RateLimit-Remaining 0
	send
	expect 429
	header_is Idempotency-Replayed ''
	done_times 1
}

# ------------------------------------------------------------- the document

@test "the document tells of the key, and of what comes of it" {
	run -0 "$programs/sample" --openapi
	body=$output
	holds '.paths["/repeat"].post | (.parameters | map([.name, .in,
	    .required]) == [["Idempotency-Key","header",false]])
	    and (.responses["201"].headers | has("Idempotency-Replayed"))
	    and (.responses["422"].content[] | (.schema.anyOf
	    | map(.["$ref"] | sub(".*/"; "")) == ["Error","ValidationError"])
	    and (has("example") | not)
	    and .examples.idempotency_key_was_used_with_a_different_request
	    .value == {"detail":
	    "Idempotency-Key was used with a different request"}
	    and .examples.invalid.value.detail[0].type == "missing")'
	holds '.paths["/write"].post.responses["201"].headers
	    | has("Idempotency-Replayed") | not'
	holds '.components.headers["Idempotency-Replayed"].schema.type ==
	    "string"'
}
