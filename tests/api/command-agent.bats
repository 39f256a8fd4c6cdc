# switchboard agent: the keys that agents call with, and what revoking them does
# on the wire.

load harness
load command

setup()
{
	new_data
}

# agent_key NAME [MEMBERS]: of whoever registered last; sets $key and $id.
agent_key()
{
	post /api/auth/keys "{\"name\":\"$1\"${2:+,$2}}" \
	    "Authorization: Bearer $access"
	expect 201
	key=$(json .key) id=$(json .id)
}

works()		# KEY
{
	call GET /api/limits "Authorization: Bearer $1"
	expect 200
}

stopped()	# KEY
{
	call GET /api/limits "Authorization: Bearer $1"
	refused
}

webhook='"webhook_url":"https://agent.example.com/token-of-the-hook"'

# ---------------------------------------------------------------- the list

@test "everybody's keys are listed, the oldest first" {
	local t='[-0-9]{10}T[:0-9]{8}Z' first
	register anna
	agent_key deploy-bot "$webhook"
	first=$id
	register bob
	agent_key 'test bot ✓'
	switchboard agent list
	ends 0
	like "${lines[0]}" 'ID +OWNER +NAME +SCOPES +WEBHOOK +CREATED'
	like "${lines[1]}" "$first  anna   deploy-bot  agent   yes      $t"
	like "${lines[2]}" "$id  bob    test bot ✓  agent   no       $t"
	is "${#lines[@]}" 3 lines
	switchboard agent list --json
	ends 0
	listed 'length == 2 and .[0] == {id: $id, username: "anna",
	    name: "deploy-bot", scopes: ["agent"], webhook: true,
	    created_at: .[0].created_at} and .[1].webhook == false' \
	    --arg id "$first"
	like "$(jq -r '.[0].created_at' <<<"$output")" "$time"
}

@test "one user's keys are listed by name and by address" {
	register anna
	agent_key one
	register bob
	agent_key another
	switchboard agent list ANNA --json
	listed 'map(.name) == ["one"]'
	switchboard agent list bob@example.com --json
	listed 'map(.name) == ["another"]'
	switchboard agent list nobody
	ends 67 'switchboard agent list: nobody has the name "nobody"'
	is "$output" '' output
}

@test "where there are none the list is empty" {
	register anna
	switchboard agent list
	says 'ID  OWNER  NAME  SCOPES  WEBHOOK  CREATED'
	switchboard agent list --json
	says '[]'
	switchboard agent list anna --json
	says '[]'
}

@test "no list shows a key, its hash or where its webhook is" {
	register anna
	agent_key bot "$webhook"
	for how in '' --json; do
		switchboard agent list $how
		ends 0
		lacks "$output" "${key#sbk_}"
		lacks "$output" "$(sql 'SELECT hash FROM agent_keys')"
		lacks "$output" token-of-the-hook
	done
}

@test "a list of several pages has each key once" {
	register anna
	sql "WITH RECURSIVE n (i) AS
	    (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2100)
	    INSERT INTO agent_keys (id, user_id, name, scopes, hash,
		created_at)
	    SELECT printf('key %04d', i), '$(id_of anna)', 'bot',
		'[\"agent\"]', printf('hash %d', i), i FROM n"
	switchboard agent list --json
	listed 'length == 2100 and (map(.id) | unique | length) == 2100
	    and .[2099].id == "key 2100"'
	switchboard agent list anna --json
	listed 'length == 2100'
}

@test "a hostile name does nothing to the terminal" {
	register anna
	agent_key 'a\u001b]0;owned\u0007\u009b2J\u202e\u007f'
	switchboard agent list
	ends 0
	is_harmless "$output"
	has "$output" 'a\u001b]0;owned\u0007\u009b2J\u202e\u007f'
	switchboard agent list --json
	is_harmless "$output"
	listed '.[0].name == "a\u001b]0;owned\u0007\u009b2J\u202e\u007f"'
	switchboard agent revoke "$id"
	ends 0
	is_harmless "$output"
}

# ---------------------------------------------------------------- revoke

@test "a revoked key stops at the next request, another does not" {
	local first
	register anna
	agent_key deploy-bot "$webhook"
	first=$key
	switchboard agent revoke "$id"
	says 'revoked the agent key "deploy-bot" of anna'
	stopped "$first"
	switchboard agent revoke "$id"
	ends 67 "switchboard agent revoke: there is no agent key $id"
	agent_key other
	works "$key"
	call GET /api/auth/keys "Authorization: Bearer $access"
	holds '.total == 1 and .keys[0].name == "other"'
}

@test "what waits for a key's webhook goes with it" {
	register anna
	agent_key bot "$webhook"
	sql "INSERT INTO outbox (id, key_id, session_id, number, type,
	    created_at) VALUES ('m', '$id', 's', 1, 'x', 1)"
	switchboard agent revoke "$id"
	ends 0
	is "$(sql 'SELECT count(*) FROM outbox')" 0 items
}

@test "a key's id is taken in upper case, too" {
	register anna
	agent_key bot
	switchboard agent revoke "${id^^}"
	says 'revoked the agent key "bot" of anna'
	stopped "$key"
}

@test "a key that is not there is an error" {
	local id=00000000-0000-7000-8000-000000000000
	register anna
	switchboard agent revoke $id
	ends 67 "switchboard agent revoke: there is no agent key $id"
}

@test "arguments that make no sense are named, and nothing is done" {
	local see='see switchboard agent' what
	switchboard agent list --all
	ends 64 "switchboard agent list: --all is not understood; $see list --help"
	switchboard agent list anna bob
	ends 64 "switchboard agent list: bob is not understood; $see list --help"
	switchboard agent revoke
	ends 64 "switchboard agent revoke: ID is missing; $see revoke --help"
	for what in anna sbk_key 0199e25a-d365-71a6-b94d-a4f9fc3c6da \
	    0199e25ad36571a6b94da4f9fc3c6da5; do
		switchboard agent revoke $what
		ends 64 "switchboard agent revoke: $what is not the id of an agent key; switchboard agent list shows them"
	done
	switchboard agent revoke $'\e'
	ends 64 'switchboard agent revoke: \u001b is not the id of an agent key; switchboard agent list shows them'
	[ ! -e "$SWITCHBOARD_DATA/switchboard.db" ]
}

@test "without a database they say so, and make nothing" {
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/none
	makes_nothing agent list
	makes_nothing agent revoke 00000000-0000-7000-8000-000000000000
	[ ! -e "$SWITCHBOARD_DATA" ]
}

@test "a revocation that can't be written is an error, and nothing is done" {
	register anna
	agent_key bot
	hold_lock
	switchboard agent revoke "$id"
	fails 69 "switchboard agent revoke: the database in .*"
	release_lock
	works "$key"
}

# ---------------------------------------------------------------- limits

@test "what an agent counts is shown and reset with its owner's" {
	local agent
	register anna
	agent_key bot
	agent=$id
	agent_key other
	settings+=(RATE_LIMIT_PER_USER=30)
	works "$key"
	for id in "$agent" "$(id_of anna)"; do
		count "user:$id" 1
		count "channel:$id:slack" 2
		count "session:$id:s" 2
	done
	register bob
	count "user:$(id_of bob)" 1
	switchboard limits show anna --json
	ends 0
	listed 'length == 6 and all(.[]; .name == "anna")
	    and (map(.key) | contains(["user:" + $id,
	    "channel:" + $id + ":slack", "session:" + $id + ":s"]))' \
	    --arg id "$agent"
	switchboard limits show --json
	listed 'length == 7 and (map(select(.name == "anna")) | length) == 6'
	switchboard limits reset anna
	ends 0
	is "$(counts 'SELECT key FROM limits')" "user:$(id_of bob)" keys
}
