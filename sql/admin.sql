-- The queries of the command line, cmd/.

-- name: account_by_username
SELECT id, username, is_active, is_admin
FROM users WHERE username_key = :key;

-- name: account_by_email
SELECT id, username, is_active, is_admin
FROM users WHERE email_key = :key;

-- name: account_page
-- Users in the order of their keys, with how many of their logins live; those
-- in whose keys one of the two texts occurs, or all without texts.
SELECT id, username, username_key, email, is_active, is_admin, created_at,
	(SELECT count(*) FROM logins WHERE user_id = users.id
		AND revoked_at IS NULL AND expires_at > :now) AS logins
FROM users
WHERE username_key > :after AND (:name IS NULL
	OR instr(username_key, :name) > 0 OR instr(email_key, :address) > 0)
ORDER BY username_key LIMIT :some;

-- name: account_set_active
UPDATE users SET is_active = :on WHERE id = :id;

-- name: account_set_admin
UPDATE users SET is_admin = :on WHERE id = :id;

-- name: login_page
-- A user's logins in the order in which they began.
SELECT rowid AS row, id, created_at, last_used_at, expires_at, ip_address,
	user_agent, revoked_at
FROM logins
WHERE user_id = :user AND rowid > :after
	AND (:all OR (revoked_at IS NULL AND expires_at > :now))
ORDER BY rowid LIMIT :some;

-- name: login_find
SELECT logins.id, logins.revoked_at, users.username
FROM logins JOIN users ON users.id = logins.user_id
WHERE logins.id = :id;

-- name: login_end
UPDATE logins SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL;

-- name: login_end_tokens
DELETE FROM refresh_tokens WHERE login_id = :id;

-- name: login_count
-- How many of a user's logins live.
SELECT count(*) AS live FROM logins
WHERE user_id = :user AND revoked_at IS NULL AND expires_at > :now;

-- name: login_end_all
-- Those that have expired, too: their tokens must shield nobody any more.
UPDATE logins SET revoked_at = :now
WHERE user_id = :user AND revoked_at IS NULL;

-- name: login_end_all_tokens
DELETE FROM refresh_tokens
WHERE login_id IN (SELECT id FROM logins WHERE user_id = :user);

-- name: login_stale
-- Logins of no more use, from a place on: those that expired before :over, and
-- if they were revoked, before :forgotten.
SELECT rowid AS row, id, expires_at FROM logins
WHERE (expires_at, rowid) > (:at, :row) AND expires_at < :over
	AND (revoked_at IS NULL OR expires_at < :forgotten)
ORDER BY expires_at, rowid LIMIT :some;

-- name: login_drop
-- One of those, if it still is.  Its refresh tokens go with it.
DELETE FROM logins WHERE id = :id AND expires_at < :over
	AND (revoked_at IS NULL OR expires_at < :forgotten);
