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
-- A user's logins in the order in which they began, as their ids have it.
SELECT id, created_at, last_used_at, expires_at, ip_address,
	user_agent, revoked_at
FROM logins
WHERE user_id = :user AND id > :after
	AND (:all OR (revoked_at IS NULL AND expires_at > :now))
ORDER BY id LIMIT :some;

-- name: login_find
SELECT logins.id, logins.revoked_at, users.username
FROM logins JOIN users ON users.id = logins.user_id
WHERE logins.id = :id;

-- name: login_count
-- How many of a user's logins live.
SELECT count(*) AS live FROM logins
WHERE user_id = :user AND revoked_at IS NULL AND expires_at > :now;

-- name: login_stale
-- Logins of no more use, from a place on: those that expired before :over, and
-- if they were revoked, before :forgotten.
SELECT id, expires_at FROM logins
WHERE (expires_at, id) > (:at, :after) AND expires_at < :over
	AND (revoked_at IS NULL OR expires_at < :forgotten)
ORDER BY expires_at, id LIMIT :some;

-- name: login_drop
-- One of those, if it still is.  Its refresh tokens go with it.
DELETE FROM logins WHERE id = :id AND expires_at < :over
	AND (revoked_at IS NULL OR expires_at < :forgotten);
