-- The queries of lib/login.c: who is calling.

-- name: caller
-- The user of a login that lives.
SELECT users.id, users.email, users.username, users.is_active,
	users.created_at
FROM logins JOIN users ON users.id = logins.user_id
WHERE logins.id = :login AND logins.user_id = :user
	AND logins.revoked_at IS NULL;
