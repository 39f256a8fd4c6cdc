-- The queries of the command line, cmd/.

-- name: account_page
-- Users in the order of their keys, with how many of their logins live; those
-- whose keys are like one of the two patterns, or all without patterns.
SELECT id, username, username_key, email, is_active, is_admin, created_at,
	(SELECT count(*) FROM logins WHERE user_id = users.id
		AND revoked_at IS NULL AND expires_at > :now) AS logins
FROM users
WHERE username_key > :after AND (:name IS NULL
	OR username_key LIKE :name ESCAPE '!'
	OR email_key LIKE :address ESCAPE '!')
ORDER BY username_key LIMIT :some;

-- name: account_set_active
UPDATE users SET is_active = :on WHERE id = :id;

-- name: account_set_admin
UPDATE users SET is_admin = :on WHERE id = :id;

-- name: account_show
SELECT id, username, email, password, is_active, is_admin, created_at,
	(SELECT count(*) FROM logins WHERE user_id = users.id
		AND revoked_at IS NULL AND expires_at > :now) AS logins,
	(SELECT max(last_used_at) FROM logins
		WHERE user_id = users.id) AS last_used_at
FROM users WHERE id = :id;

-- name: account_set_password
UPDATE users SET password = :password, password_version = password_version + 1
WHERE id = :id;

-- name: account_delete
DELETE FROM users WHERE id = :id;

-- name: account_export
SELECT id, username, username_key, email, password, is_active, is_admin,
	created_at
FROM users WHERE username_key > :after ORDER BY username_key LIMIT :some;

-- name: account_import
-- An account from elsewhere, unless its name, its address or its id is taken.
INSERT INTO users (id, email, email_key, username, username_key, password,
	is_active, is_admin, created_at)
VALUES (:id, :email, :email_key, :username, :username_key, :password,
	:active, :admin, :created_at)
ON CONFLICT DO NOTHING;

-- name: login_page
-- A user's logins in the order in which they began, as their ids have it.
SELECT id, created_at, last_used_at, expires_at, ip_address,
	user_agent, revoked_at
FROM logins
WHERE user_id = :user AND id > :after
	AND (:all = 1 OR (revoked_at IS NULL AND expires_at > :now))
ORDER BY id LIMIT :some;

-- name: login_find
SELECT logins.id, logins.revoked_at, users.username
FROM logins JOIN users ON users.id = logins.user_id
WHERE logins.id = :id;

-- name: agent_key_page
-- The keys of a user's agents, or of everybody's, in the order in which they
-- were made, as their ids have it.
SELECT agent_keys.id, users.username, agent_keys.name, agent_keys.scopes,
	agent_keys.webhook_url IS NOT NULL AS webhook, agent_keys.created_at
FROM agent_keys JOIN users ON users.id = agent_keys.user_id
WHERE agent_keys.id > :after
	AND (:user IS NULL OR agent_keys.user_id = :user)
ORDER BY agent_keys.id LIMIT :some;

-- name: agent_key_find
SELECT agent_keys.user_id, agent_keys.name, users.username
FROM agent_keys JOIN users ON users.id = agent_keys.user_id
WHERE agent_keys.id = :id;

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

-- name: stats_users
-- scan: it counts them
SELECT count(*) AS users, sum(is_active) AS active, sum(is_admin) AS admins
FROM users;

-- name: stats_newest
-- scan: no request asks for it
SELECT username, created_at FROM users ORDER BY created_at DESC, id DESC
LIMIT 1;

-- name: stats_logins
-- scan: it counts them
SELECT count(*) AS logins, count(CASE WHEN revoked_at IS NULL
	AND expires_at > :now THEN 1 END) AS alive
FROM logins;

-- name: stats_tokens
-- scan: it counts them
SELECT count(*) AS tokens FROM refresh_tokens;

-- name: stats_chats
-- scan: it counts them, and what they say of themselves
SELECT count(*) AS chats, count(*) - count(ended_at) AS open,
	sum(messages) AS messages, sum(pending) AS pending
FROM chat_sessions;

-- name: stats_agent_keys
-- scan: it counts them
SELECT count(*) AS agent_keys FROM agent_keys;

-- name: check_oldest
-- The step that a program has to know to use this file.
SELECT max(oldest) AS oldest FROM schema_steps;

-- name: check_newest
-- scan: no request asks for it
-- The latest time that somebody's clock has left.
SELECT max(at) AS at FROM (
	SELECT max(created_at) AS at FROM users
	UNION ALL SELECT max(last_used_at) FROM logins
	UNION ALL SELECT max(applied_at) FROM schema_steps
) AS times;

-- name: check_logins
-- scan: it stops at the first
-- Whether anybody was given a token.
SELECT EXISTS (SELECT 1 FROM logins) AS some;
