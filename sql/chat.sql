-- The queries of chat sessions: of cgi/chat.c, and of lib/chat.c and what else
-- in lib/ it shares with cgi/events.c and switchboard tick.

-- name: session_find
SELECT * FROM chat_sessions WHERE id = :id AND user_id = :user;

-- name: session_lock
-- Takes the lock, which is all.
UPDATE chat_sessions SET updated_at = updated_at
WHERE id = :id AND user_id = :user
RETURNING *;

-- name: session_due_of_user
-- Those of a user's that time has changed and nobody has looked at since.
SELECT id, user_id FROM chat_sessions
WHERE user_id = :user AND due_at <= :now ORDER BY due_at;

-- name: session_due
-- A few of all of those.
SELECT id, user_id FROM chat_sessions
WHERE due_at <= :now ORDER BY due_at LIMIT :some;

-- name: session_add
-- A new one, unless the user has too many.  What has been idle for too long
-- counts as ended, although nobody may have looked at it since.
INSERT INTO chat_sessions (id, user_id, title, preferred_channel, created_at,
	updated_at, active_at, due_at, user_agent, ip_address)
SELECT :id, users.id, :title, :channel, :now, :now, :now, :now + :idle,
	:user_agent, :ip_address
FROM users
WHERE users.id = :user AND (SELECT count(*) FROM chat_sessions AS other
	WHERE other.user_id = users.id AND other.due_at IS NOT NULL
	AND (other.pending > 0 OR other.due_at > :now)) < :most
RETURNING *;

-- name: session_page
-- A user's, the newest first, from before one of them on.
SELECT * FROM chat_sessions
WHERE user_id = :user AND (created_at, id) < (:before_at, :before)
	AND (:all = 1 OR due_at IS NOT NULL)
ORDER BY created_at DESC, id DESC LIMIT :some;

-- name: session_counts
-- How many a user has, and how many of them have not ended.
SELECT (SELECT count(*) FROM chat_sessions WHERE user_id = :user) AS total,
	(SELECT count(*) FROM chat_sessions
		WHERE user_id = :user AND due_at IS NOT NULL) AS active;

-- name: session_event
-- The number of the next event.
UPDATE chat_sessions SET events = events + 1 WHERE id = :id RETURNING events;

-- name: event_add
INSERT INTO events (session_id, number, type, payload, created_at)
VALUES (:session, :number, :type, :payload, :at);

-- name: session_touch
-- Somebody did something: messages and requests are how many have come with it.
UPDATE chat_sessions SET messages = messages + :messages,
	requests = requests + :requests, pending = pending + :requests,
	updated_at = :now, active_at = :now,
	due_at = CASE
		WHEN :requests = 0 AND pending = 0 THEN :now + :idle
		WHEN :requests = 0 OR (pending > 0 AND due_at < :expires_at)
			THEN due_at
		ELSE :expires_at END
WHERE id = :id
RETURNING *;

-- name: session_say
-- The number of a message that nobody sent.
UPDATE chat_sessions SET messages = messages + 1, updated_at = :at
WHERE id = :id RETURNING messages;

-- name: session_change
UPDATE chat_sessions SET title = coalesce(:title, title),
	preferred_channel = coalesce(:channel, preferred_channel),
	agent_status = coalesce(:agent_status, agent_status),
	is_paused = coalesce(:paused, is_paused)
WHERE id = :id
RETURNING *;

-- name: session_decided
-- One request less is pending since then.  After the last of them the time in
-- which nothing happens begins anew.
UPDATE chat_sessions SET pending = pending - 1, updated_at = :at,
	active_at = CASE WHEN pending = 1 THEN :at ELSE active_at END,
	due_at = CASE WHEN pending = 1 THEN :at + :idle
		ELSE (SELECT min(expires_at) FROM feedback_requests
			WHERE session_id = chat_sessions.id
			AND status = 'pending') END
WHERE id = :id
RETURNING *;

-- name: session_time_out
-- Ends one that has been idle for too long, when that was.
UPDATE chat_sessions SET ended_at = due_at, updated_at = due_at, due_at = NULL
WHERE id = :id AND pending = 0 AND due_at <= :now
RETURNING *;

-- name: session_end
UPDATE chat_sessions SET ended_at = :now, updated_at = :now, due_at = NULL,
	pending = 0
WHERE id = :id
RETURNING *;

-- name: message_add
INSERT INTO messages (session_id, number, id, content, type, status, channel,
	created_at)
VALUES (:session, :number, :id, :content, :type, 'sent', :channel, :at)
RETURNING *;

-- name: message_number
SELECT number FROM messages WHERE id = :id AND session_id = :session;

-- name: message_between
-- Their numbers have no gaps.
SELECT * FROM messages
WHERE session_id = :session AND number >= :from AND number < :before
ORDER BY number;

-- name: message_after
SELECT * FROM messages WHERE session_id = :session AND number > :after
ORDER BY number LIMIT :some;

-- name: feedback_add
INSERT INTO feedback_requests (session_id, number, id, type, status, prompt,
	choices, channels, priority, created_at, expires_at, attempted_at)
VALUES (:session, :number, :id, :type, 'pending', :prompt, :choices, :channels,
	:priority, :now, :expires_at, :now)
RETURNING *;

-- name: feedback_find
SELECT * FROM feedback_requests WHERE id = :id AND session_id = :session;

-- name: feedback_between
-- Likewise.
SELECT * FROM feedback_requests
WHERE session_id = :session AND number >= :from AND number < :before
ORDER BY number;

-- name: feedback_expire
-- The next of a session's whose time was over, and which nobody has answered.
UPDATE feedback_requests SET status = 'expired', decided_at = expires_at
WHERE status = 'pending' AND id = (SELECT id FROM feedback_requests
	WHERE session_id = :session AND status = 'pending'
	AND expires_at <= :now ORDER BY expires_at, number LIMIT 1)
RETURNING *;

-- name: feedback_cancel
-- The next of a session's that is pending.
UPDATE feedback_requests SET status = 'cancelled', decided_at = :now
WHERE status = 'pending' AND id = (SELECT id FROM feedback_requests
	WHERE session_id = :session AND status = 'pending'
	ORDER BY expires_at, number LIMIT 1)
RETURNING *;

-- name: feedback_decide
-- The first valid response wins.
UPDATE feedback_requests SET status = :status, decided_at = :now
WHERE id = :id AND session_id = :session AND status = 'pending'
	AND expires_at > :now
RETURNING *;

-- name: feedback_response_add
INSERT INTO feedback_responses (request_id, id, content, channel, responder_id,
	created_at, processed_at, is_valid)
VALUES (:request, :id, :content, :channel, :responder, :now, :now, :valid)
RETURNING *;

-- name: feedback_response_list
-- scan: of what the inner one has found
-- The one that decided, and the newest of the others; the oldest first.
SELECT * FROM (SELECT * FROM feedback_responses WHERE request_id = :request
	ORDER BY is_valid DESC, created_at DESC, id DESC LIMIT :some) AS newest
ORDER BY created_at, id;
