-- The queries of lib/account.c: what an account keeps is deleted, a few rows at a
-- time, the oldest session's first.

-- name: leaver_outbox
DELETE FROM outbox WHERE id IN (SELECT id FROM outbox
	WHERE session_id = (SELECT id FROM chat_sessions
		WHERE user_id = :user ORDER BY created_at, id LIMIT 1)
	LIMIT :some);

-- name: leaver_events
DELETE FROM events WHERE (session_id, number) IN (
	SELECT session_id, number FROM events
	WHERE session_id = (SELECT id FROM chat_sessions
		WHERE user_id = :user ORDER BY created_at, id LIMIT 1)
	LIMIT :some);

-- name: leaver_messages
DELETE FROM messages WHERE (session_id, number) IN (
	SELECT session_id, number FROM messages
	WHERE session_id = (SELECT id FROM chat_sessions
		WHERE user_id = :user ORDER BY created_at, id LIMIT 1)
	LIMIT :some);

-- name: leaver_responses
DELETE FROM feedback_responses WHERE (request_id, id) IN (
	SELECT request_id, feedback_responses.id FROM feedback_requests
	JOIN feedback_responses ON request_id = feedback_requests.id
	WHERE session_id = (SELECT id FROM chat_sessions
		WHERE user_id = :user ORDER BY created_at, id LIMIT 1)
	LIMIT :some);

-- name: leaver_requests
DELETE FROM feedback_requests WHERE (session_id, number) IN (
	SELECT session_id, number FROM feedback_requests
	WHERE session_id = (SELECT id FROM chat_sessions
		WHERE user_id = :user ORDER BY created_at, id LIMIT 1)
	LIMIT :some);

-- name: leaver_session
DELETE FROM chat_sessions
WHERE id = (SELECT id FROM chat_sessions
		WHERE user_id = :user ORDER BY created_at, id LIMIT 1);

-- name: leaver_repeats
DELETE FROM idempotency_keys WHERE (user_id, caller, target, key) IN (
	SELECT user_id, caller, target, key FROM idempotency_keys
	WHERE user_id = :user LIMIT :some);

-- name: leaver_logins
-- All but the one that asks for it.
DELETE FROM logins WHERE id IN (SELECT id FROM logins
	WHERE user_id = :user AND id <> :login LIMIT :some);
