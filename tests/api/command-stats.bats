# switchboard stats: how much there is of everything.

load harness
load command

setup()
{
	new_data
}

@test "what there is is counted" {
	settings+=(RATE_LIMIT_PER_USER=30)
	register anna
	login anna
	sql "UPDATE logins SET revoked_at = 1 WHERE id = '$(claim sid "$refresh")'"
	register bob
	register Carl
	me "$access"
	switchboard user disable bob
	switchboard user admin anna on
	switchboard backup "$BATS_TEST_TMPDIR/saved"
	switchboard tick --quiet
	switchboard stats --json
	ends 0
	local bytes=$(stat -c %s "$SWITCHBOARD_DATA/switchboard.db")
	local wal=$(stat -c %s "$SWITCHBOARD_DATA/switchboard.db-wal")
	listed '.users == 3 and .users_active == 2 and .users_disabled == 1
	    and .users_admin == 1 and .newest_username == "Carl"
	    and .logins == 4 and .logins_alive == 3 and .refresh_tokens == 4
	    and .counts == 1 and .schema_step == $step
	    and .schema_step_known == $step
	    and .database_bytes == $bytes and .wal_bytes == $wal
	    and .counts_bytes > 0 and .backup_file == $file
	    and (.backup_taken_at, .tick_ended_at | test("^20"))' \
	    --argjson step "$(sql 'PRAGMA user_version')" \
	    --argjson bytes "$bytes" --argjson wal "$wal" \
	    --arg file "$BATS_TEST_TMPDIR/saved"
	like "$(jq -r .newest_created_at <<<"$output")" "$time"
}

@test "chat is counted: sessions, messages, pending requests, keys" {
	local session by="Authorization: Bearer"
	register anna
	post /api/auth/keys '{"name":"agent","scopes":["agent"]}' "$by $access"
	expect 201
	local agent=$(json .key)
	post /api/sessions '{}' "$by $access"
	expect 201
	session=/api/sessions/$(json .id)
	post "$session/messages" '{"content":"a"}' "$by $access"
	expect 201
	post "$session/messages" '{"content":"b"}' "$by $agent"
	expect 201
	post "$session/feedback" '{"type":"approval","prompt":"Shall I?"}' \
	    "$by $agent"
	expect 201
	post "$session/feedback" '{"type":"approval","prompt":"And now?"}' \
	    "$by $agent"
	expect 201
	post "$session/feedback/$(json .id)/respond" '{"content":"yes"}' \
	    "$by $access"
	expect 201
	sql "INSERT INTO chat_sessions (id, user_id, preferred_channel, messages,
	    created_at, updated_at, active_at, ended_at)
	    SELECT 'x', id, 'web', 40, 1, 1, 1, 2 FROM users"
	switchboard stats --json
	ends 0
	listed '.chat_sessions == 2 and .chat_sessions_open == 1
	    and .messages == 42 and .requests_pending == 1
	    and .agent_keys == 1'
	switchboard stats
	like "$output" '.*
chat sessions      2
  not ended        1
messages           42
pending requests   1
agent keys         1'
}

@test "the table has the same for eyes" {
	register anna
	sql "UPDATE users SET created_at = 1700000000999999"
	switchboard stats
	ends 0
	is "${lines[0]}" 'users              1'
	is "${lines[4]}" 'newest account     anna'
	is "${lines[5]}" '  made             2023-11-14T22:13:20Z'
	is "${lines[17]}" 'last tick          -'
	is "${lines[18]}" 'last backup        -'
	is "${lines[20]}" 'chat sessions      0'
	is "${lines[-1]}" 'agent keys         0'
	is "${#lines[@]}" 25 lines
}

@test "an empty installation is all zeros" {
	switchboard migrate
	switchboard stats --json
	ends 0
	listed '[.users, .users_active, .users_disabled, .users_admin, .logins,
	    .logins_alive, .refresh_tokens, .outbox, .outbox_dead, .counts,
	    .counts_bytes, .chat_sessions, .chat_sessions_open, .messages,
	    .requests_pending, .agent_keys]
	    | all(. == 0)'
	listed '[.newest_username, .newest_created_at, .tick_ended_at,
	    .backup_taken_at, .backup_file] | all(. == null)'
}

@test "a note of the last backup that can't be read is none" {
	local note
	switchboard migrate
	for note in '{"taken_at"' '[]' '{"taken_at":7}' \
	    '{"taken_at":"2025-13-14T10:53:47.237987Z"}' \
	    '{"taken_at":"2025-10-14T10:53:47.237987Z "}'; do
		echo "$note" >"$SWITCHBOARD_DATA/last-backup.json"
		switchboard stats --json
		ends 0
		listed '.backup_taken_at == null'
	done
	echo '{"taken_at":"2025-10-14T10:53:47.237987Z"}' \
	    >"$SWITCHBOARD_DATA/last-backup.json"
	switchboard stats --json
	listed '.backup_taken_at == "2025-10-14T10:53:47.237987Z"'
}

@test "what a user has typed does nothing to the terminal" {
	switchboard migrate
	sql "INSERT INTO users (id, email, email_key, username, username_key,
	    password, created_at) VALUES ('1', 'x', 'x', 'a' || char(27), 'a',
	    'x', 1)"
	switchboard stats
	is_harmless "$output"
	has "$output" 'a\u001b'
}

@test "arguments and data that make no sense are named" {
	switchboard stats --yaml
	ends 64 'switchboard stats: --yaml is not understood; see switchboard stats --help'
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/none
	switchboard stats
	ends 69 "switchboard stats: there is no database in $SWITCHBOARD_DATA; set SWITCHBOARD_DATA to the directory of the installation, or make one by switchboard migrate"
}
