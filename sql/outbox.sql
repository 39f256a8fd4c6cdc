-- The queries of lib/outbox.c and of the worker (cmd/work.c): what is to be
-- sent to webhooks.

-- name: outbox_keys
-- To whom a user's news go.
SELECT id FROM agent_keys WHERE user_id = :user AND webhook_url IS NOT NULL;

-- name: outbox_add
-- scan: of one row
-- Beyond :most that wait for one key it is dead from the first.
INSERT INTO outbox (id, key_id, session_id, number, type, created_at, next_at,
	failed_at, error)
SELECT :id, :key, :session, :number, :type, :now,
	CASE WHEN waiting < :most THEN :now END,
	CASE WHEN waiting < :most THEN NULL ELSE :now END,
	CASE WHEN waiting < :most THEN NULL ELSE 'too many wait before it' END
FROM (SELECT count(*) AS waiting FROM outbox
	WHERE key_id = :key AND next_at IS NOT NULL) AS before;

-- name: outbox_due
-- What can be sent now: the first of each lane, unless it is leased.  What lies
-- too far ahead for a retry or a lease was written before a clock was set back.
-- The keys of busy receivers, and users with many of them, are in one text.
SELECT outbox.id, outbox.key_id, outbox.session_id, outbox.attempts,
	outbox.type, events.payload, events.created_at AS happened_at,
	agent_keys.webhook_url, agent_keys.user_id, users.is_active
FROM outbox JOIN agent_keys ON agent_keys.id = outbox.key_id
	JOIN users ON users.id = agent_keys.user_id
	JOIN events ON events.session_id = outbox.session_id
		AND events.number = outbox.number
WHERE outbox.next_at IS NOT NULL
	AND (outbox.next_at <= :now OR outbox.next_at > :beyond)
	AND (outbox.leased_until IS NULL OR outbox.leased_until <= :now
		OR outbox.leased_until > :lease_beyond)
	AND :busy NOT LIKE '%' || outbox.key_id || '%'
	AND :busy NOT LIKE '%' || agent_keys.user_id || '%'
	AND NOT EXISTS (SELECT 1 FROM outbox AS earlier
		WHERE earlier.key_id = outbox.key_id
		AND earlier.session_id = outbox.session_id
		AND earlier.number < outbox.number
		AND earlier.next_at IS NOT NULL)
ORDER BY outbox.next_at LIMIT :some;

-- name: outbox_lane
-- The first of a lane.
SELECT outbox.id, outbox.key_id, outbox.session_id, outbox.attempts,
	outbox.type, events.payload, events.created_at AS happened_at,
	agent_keys.webhook_url, agent_keys.user_id, users.is_active
FROM outbox JOIN agent_keys ON agent_keys.id = outbox.key_id
	JOIN users ON users.id = agent_keys.user_id
	JOIN events ON events.session_id = outbox.session_id
		AND events.number = outbox.number
WHERE outbox.key_id = :key AND outbox.session_id = :session
	AND outbox.next_at IS NOT NULL
ORDER BY outbox.number LIMIT 1;

-- name: outbox_take
-- Of several workers one takes it: as it was looked at, the attempts say.
UPDATE outbox SET attempts = attempts + 1, next_at = :until,
	lease = :lease, leased_until = :until
WHERE id = :id AND attempts = :attempts AND next_at IS NOT NULL
	AND (next_at <= :now OR next_at > :beyond)
	AND (leased_until IS NULL OR leased_until <= :now
		OR leased_until > :lease_beyond)
	AND NOT EXISTS (SELECT 1 FROM outbox AS earlier
		WHERE earlier.key_id = outbox.key_id
		AND earlier.session_id = outbox.session_id
		AND earlier.number < outbox.number
		AND earlier.next_at IS NOT NULL)
RETURNING id;

-- name: outbox_sent
DELETE FROM outbox WHERE id = :id AND lease = :lease;

-- name: outbox_failed
-- Without a time it is dead.
UPDATE outbox SET next_at = :at, error = :error, failed_at = :now,
	lease = NULL, leased_until = NULL
WHERE id = :id AND lease = :lease;

-- name: outbox_bury
-- One that will not be tried again, by whoever finds it so.
UPDATE outbox SET next_at = NULL, error = :error, failed_at = :now,
	lease = NULL, leased_until = NULL
WHERE id = :id AND attempts = :attempts AND next_at IS NOT NULL
	AND (leased_until IS NULL OR leased_until <= :now
		OR leased_until > :lease_beyond);

-- name: outbox_next
-- When something more is due.
SELECT min(next_at) AS at FROM outbox WHERE next_at > :now;

-- name: outbox_page
-- In the order in which they were put in, as their ids have it.
SELECT outbox.id, outbox.key_id, outbox.session_id, outbox.number,
	outbox.created_at, outbox.attempts, outbox.next_at,
	outbox.leased_until, outbox.failed_at, outbox.error,
	EXISTS (SELECT 1 FROM outbox AS earlier
		WHERE earlier.key_id = outbox.key_id
		AND earlier.session_id = outbox.session_id
		AND earlier.number < outbox.number
		AND earlier.next_at IS NOT NULL) AS behind,
	agent_keys.name, users.username
FROM outbox JOIN agent_keys ON agent_keys.id = outbox.key_id
	JOIN users ON users.id = agent_keys.user_id
WHERE outbox.id > :after AND (:dead = 0 OR outbox.next_at IS NULL)
ORDER BY outbox.id LIMIT :some;

-- name: outbox_find
SELECT id, next_at, leased_until FROM outbox WHERE id = :id;

-- name: outbox_revive
UPDATE outbox SET attempts = 0, next_at = :now WHERE id = :id;

-- name: outbox_revive_all
-- scan: it is those that are dead
UPDATE outbox SET attempts = 0, next_at = :now WHERE next_at IS NULL;

-- name: outbox_hurry
UPDATE outbox SET next_at = :now WHERE id = :id;

-- name: outbox_drop
DELETE FROM outbox WHERE id = :id;

-- name: outbox_expire
-- scan: of what there is, few are dead
DELETE FROM outbox WHERE id IN (
	SELECT id FROM outbox WHERE next_at IS NULL AND failed_at < :over
	LIMIT :some);

-- name: outbox_dead
-- scan: it counts them
SELECT count(*) AS dead FROM outbox WHERE next_at IS NULL;

-- name: outbox_oldest
-- scan: it is those that wait
-- Since when the first of a lane is due; 0: nothing is to be sent.
SELECT coalesce(min(next_at), 0) AS oldest FROM outbox
WHERE next_at IS NOT NULL
	AND NOT EXISTS (SELECT 1 FROM outbox AS earlier
		WHERE earlier.key_id = outbox.key_id
		AND earlier.session_id = outbox.session_id
		AND earlier.number < outbox.number
		AND earlier.next_at IS NOT NULL);

-- name: outbox_state
-- scan: it counts them
SELECT count(next_at) AS waiting, count(*) - count(next_at) AS dead
FROM outbox;
