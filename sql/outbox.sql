-- The queries of lib/outbox.c and of the worker (cmd/work.c): what is to be
-- sent to webhooks.

-- name: outbox_keys
-- To whom a user's news go.
SELECT id FROM agent_keys WHERE user_id = :user AND webhook_url IS NOT NULL;

-- name: outbox_add
INSERT INTO outbox (id, key_id, session_id, number, body, created_at, next_at)
VALUES (:id, :key, :session, :number, :body, :now, :now);
