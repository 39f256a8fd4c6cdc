-- The queries of lib/login.c: who is calling.

-- name: caller
-- The user of a login that lives.
SELECT users.id, users.email, users.username, users.is_active, users.is_admin,
	users.created_at
FROM logins JOIN users ON users.id = logins.user_id
WHERE logins.id = :login AND logins.user_id = :user
	AND logins.revoked_at IS NULL;

-- name: caller_by_key
-- The owner of an agent key.
SELECT agent_keys.id AS key_id, users.id, users.email, users.username,
	users.is_active, users.is_admin, users.created_at
FROM agent_keys JOIN users ON users.id = agent_keys.user_id
WHERE agent_keys.hash = :hash;

-- name: owner_of_key
-- Whether an agent key is still there, and its owner active.
SELECT users.is_active
FROM agent_keys JOIN users ON users.id = agent_keys.user_id
WHERE agent_keys.id = :id;
