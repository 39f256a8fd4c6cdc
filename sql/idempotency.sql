-- The queries of lib/idempotency.c: what may be sent again for the same answer.

-- name: idempotency_take
-- The key is this request's, unless it was used already within the lifetime: a
-- row of a time to come was written before the clock was set back.  Whoever was
-- deleted since he was let in takes none.
INSERT INTO idempotency_keys
	(user_id, caller, target, key, body_hash, created_at)
SELECT id, :caller, :target, :key, :body_hash, :now FROM users
WHERE id = :user
ON CONFLICT (user_id, caller, target, key) DO UPDATE
SET body_hash = excluded.body_hash, status = NULL, answer = NULL,
	created_at = excluded.created_at
WHERE idempotency_keys.created_at <= :now - :lifetime
	OR idempotency_keys.created_at > :now + :lifetime;

-- name: idempotency_find
SELECT body_hash, status, answer FROM idempotency_keys
WHERE user_id = :user AND caller = :caller AND target = :target
	AND key = :key;

-- name: idempotency_put
UPDATE idempotency_keys SET status = :status, answer = :answer
WHERE user_id = :user AND caller = :caller AND target = :target
	AND key = :key;

-- name: idempotency_drop
DELETE FROM idempotency_keys
WHERE user_id = :user AND caller = :caller AND target = :target
	AND key = :key;

-- name: idempotency_expire
-- A few that are of no more use.
DELETE FROM idempotency_keys WHERE (user_id, caller, target, key) IN (
	SELECT user_id, caller, target, key FROM idempotency_keys
	WHERE created_at <= :now - :lifetime OR created_at > :now + :lifetime
	LIMIT :some);
