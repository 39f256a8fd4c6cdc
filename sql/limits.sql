-- The queries of lib/limit.c, on limits.db: what counts against rate limits.

-- name: limits_create
-- A key is what is counted: "user:ID", "address:IP" (of IPv6 the /64),
-- "session:USER:ID", "channel:USER:NAME", "account:HASH", "login:ID"; an agent
-- key's id stands for a user's.  Its times are those that counted when the last
-- one did, the oldest first: 8 bytes each, little-endian, microseconds since the
-- epoch in UTC.
CREATE TABLE IF NOT EXISTS limits (
	key TEXT NOT NULL PRIMARY KEY,
	times BLOB NOT NULL,
	expires_at INTEGER NOT NULL		-- none of them counts from here on
) STRICT, WITHOUT ROWID;

-- name: limits_create_index
CREATE INDEX IF NOT EXISTS limits_by_expiry ON limits (expires_at);

-- name: limit_find
SELECT key, times, expires_at FROM limits WHERE key = :key;

-- name: limit_find_between
-- Those whose keys begin with the same text.
SELECT key, times FROM limits WHERE key > :from AND key < :to ORDER BY key;

-- name: limit_count
-- Leaves the index on expires_at alone.
UPDATE limits SET times = :times WHERE key = :key;

-- name: limit_put
INSERT INTO limits (key, times, expires_at)
VALUES (:key, :times, :expires_at)
ON CONFLICT (key) DO UPDATE
SET times = excluded.times, expires_at = excluded.expires_at;

-- name: limit_expire
-- A few that are of no more use.
DELETE FROM limits WHERE key IN (
	SELECT key FROM limits WHERE expires_at <= :now
	ORDER BY expires_at LIMIT :some);

-- name: limit_expire_odd
-- The same of those that only a clock which was set back can have written.
DELETE FROM limits WHERE key IN (
	SELECT key FROM limits WHERE expires_at > :beyond
	ORDER BY expires_at LIMIT :some);

-- name: limit_page
-- The counts from a key on, and before another.
SELECT key, times FROM limits WHERE key >= :from AND key < :to
ORDER BY key LIMIT :some;

-- name: limit_drop
-- A few of those.
DELETE FROM limits WHERE key IN (
	SELECT key FROM limits WHERE key >= :from AND key < :to
	ORDER BY key LIMIT :some);

-- name: limit_total
-- scan: it counts them
SELECT count(*) AS total FROM limits;
