-- Chat: sessions between a user and an agent, what is said in them, what people
-- are asked, all that happens as events, and what is to be sent because of it.
-- Works with programs of step 1 and later.

-- A conversation.  Whatever is written in it is numbered by its row, in the
-- transaction that writes it, so that readers with a cursor miss nothing.
CREATE TABLE chat_sessions (
	id TEXT NOT NULL PRIMARY KEY,		-- UUID, version 7
	user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	title TEXT,
	preferred_channel TEXT NOT NULL,
	agent_status TEXT NOT NULL DEFAULT 'idle',
	is_paused INTEGER NOT NULL DEFAULT 0 CHECK (is_paused IN (0, 1)),
						-- by its user
	pending INTEGER NOT NULL DEFAULT 0,	-- requests that are so
	messages INTEGER NOT NULL DEFAULT 0,	-- the last one's number
	requests INTEGER NOT NULL DEFAULT 0,	-- likewise
	events INTEGER NOT NULL DEFAULT 0,	-- likewise
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,		-- any change
	active_at INTEGER NOT NULL,		-- idle since
	due_at INTEGER,				-- when time changes it next:
						-- a request expires, or it has
						-- been idle for too long;
						-- NULL: never, it has ended
	ended_at INTEGER,			-- NULL: it hasn't
	user_agent TEXT,			-- of whoever began it
	ip_address TEXT
) STRICT;

CREATE INDEX chat_sessions_by_user ON chat_sessions (user_id, created_at, id);
CREATE INDEX chat_sessions_open ON chat_sessions (user_id, due_at)
	WHERE due_at IS NOT NULL;
CREATE INDEX chat_sessions_due ON chat_sessions (due_at)
	WHERE due_at IS NOT NULL;

-- What was said.
CREATE TABLE messages (
	session_id TEXT NOT NULL REFERENCES chat_sessions (id)
		ON DELETE CASCADE,
	number INTEGER NOT NULL,		-- from 1, in its session
	id TEXT NOT NULL UNIQUE,
	content TEXT NOT NULL,
	type TEXT NOT NULL,
	status TEXT NOT NULL,
	channel TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	streaming_complete INTEGER NOT NULL DEFAULT 1,
	error_count INTEGER NOT NULL DEFAULT 0,	-- sending it failed
	retry_at INTEGER,			-- when that is tried again
	PRIMARY KEY (session_id, number)
) STRICT, WITHOUT ROWID;

-- What an agent asks people.  A request that isn't pending any more stays as it
-- was decided, whatever clocks say.
CREATE TABLE feedback_requests (
	session_id TEXT NOT NULL REFERENCES chat_sessions (id)
		ON DELETE CASCADE,
	number INTEGER NOT NULL,		-- from 1, in its session
	id TEXT NOT NULL UNIQUE,
	type TEXT NOT NULL,
	status TEXT NOT NULL,
	prompt TEXT NOT NULL,
	choices TEXT,				-- JSON, a list; NULL: any
	channels TEXT NOT NULL,			-- JSON, a list
	priority INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,		-- too late from here on
	decided_at INTEGER,			-- NULL: it is pending
	attempts INTEGER NOT NULL DEFAULT 0,	-- to send it over a channel
	attempted_at INTEGER NOT NULL,
	PRIMARY KEY (session_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX feedback_requests_pending
	ON feedback_requests (session_id, expires_at) WHERE status = 'pending';

-- What people answered, what was too late or no answer among it.  At most one
-- of a request decides.
CREATE TABLE feedback_responses (
	request_id TEXT NOT NULL REFERENCES feedback_requests (id)
		ON DELETE CASCADE,
	id TEXT NOT NULL,
	content TEXT NOT NULL,
	channel TEXT NOT NULL,
	responder_id TEXT NOT NULL,		-- a user's
	created_at INTEGER NOT NULL,
	processed_at INTEGER NOT NULL,
	is_valid INTEGER NOT NULL CHECK (is_valid IN (0, 1)), -- it decided
	PRIMARY KEY (request_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX feedback_responses_winner
	ON feedback_responses (request_id) WHERE is_valid = 1;

-- All that happens in a session, as it is sent; nothing changes or deletes one
-- of them while its session is there.
CREATE TABLE events (
	session_id TEXT NOT NULL REFERENCES chat_sessions (id)
		ON DELETE CASCADE,
	number INTEGER NOT NULL,		-- the cursor
	type TEXT NOT NULL,
	payload TEXT NOT NULL,			-- JSON, an object
	created_at INTEGER NOT NULL,
	PRIMARY KEY (session_id, number)
) STRICT, WITHOUT ROWID;

-- What programs that speak for a user call with.
CREATE TABLE agent_keys (
	id TEXT NOT NULL PRIMARY KEY,
	user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	scopes TEXT NOT NULL,			-- JSON, a list
	hash TEXT NOT NULL UNIQUE,		-- SHA-256 of the key, in hex
	webhook_url TEXT,
	created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX agent_keys_by_user ON agent_keys (user_id, created_at, id);

-- Answers to requests that were made under an Idempotency-Key, for as long as
-- they may be repeated.
CREATE TABLE idempotency_keys (
	user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	caller TEXT NOT NULL,			-- the user's id, or a key's
	target TEXT NOT NULL,			-- method and path
	key TEXT NOT NULL,
	body_hash TEXT NOT NULL,		-- SHA-256 of its bytes, in hex
	status INTEGER,				-- of the answer, by meaning
	answer TEXT,				-- its body; NULL: none
	created_at INTEGER NOT NULL,
	PRIMARY KEY (user_id, caller, target, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- What is to be sent to a webhook: an event, as it stands in the list of them.
-- What is in one lane, a key and a session, is sent in the order of its numbers;
-- what was sent is deleted.
CREATE TABLE outbox (
	id TEXT NOT NULL PRIMARY KEY,		-- the webhook-id
	key_id TEXT NOT NULL REFERENCES agent_keys (id) ON DELETE CASCADE,
	session_id TEXT NOT NULL REFERENCES chat_sessions (id)
		ON DELETE CASCADE,
	number INTEGER NOT NULL,		-- of the event
	type TEXT NOT NULL,			-- that receivers know it by
	created_at INTEGER NOT NULL,
	attempts INTEGER NOT NULL DEFAULT 0,
	next_at INTEGER,			-- when it is tried; NULL: dead
	lease TEXT,				-- whoever is at it
	leased_until INTEGER,
	failed_at INTEGER,
	error TEXT,				-- why it failed last
	UNIQUE (key_id, session_id, number)
) STRICT;

CREATE INDEX outbox_by_session ON outbox (session_id);
CREATE INDEX outbox_due ON outbox (next_at) WHERE next_at IS NOT NULL;
