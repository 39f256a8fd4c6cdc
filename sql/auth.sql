-- The queries of cgi/auth.c.

-- name: user_add
-- A new account, unless its name or its address is taken.
INSERT INTO users (id, email, email_key, username, username_key, password,
	created_at)
VALUES (:id, :email, :email_key, :username, :username_key, :password, :now)
ON CONFLICT DO NOTHING;

-- name: user_by_username
SELECT id, username, password, password_version, is_active, is_admin
FROM users WHERE username_key = :key;

-- name: user_by_email
SELECT id, username, password, password_version, is_active, is_admin
FROM users WHERE email_key = :key;

-- name: user_by_id
SELECT id, username, password, password_version FROM users WHERE id = :id;

-- name: caller_lives
-- Whether the login that asks for a change lives, and the password that was
-- checked is still the account's.
SELECT logins.id FROM logins JOIN users ON users.id = logins.user_id
WHERE logins.id = :login AND logins.revoked_at IS NULL
	AND users.password_version = :version AND users.is_active = 1;

-- name: user_change
-- A new name, a new address or both, unless somebody else has one of them, or
-- the login has ended or the password was changed meanwhile.
UPDATE users SET email = coalesce(:email, email),
	email_key = coalesce(:email_key, email_key),
	username = coalesce(:username, username),
	username_key = coalesce(:username_key, username_key)
WHERE id = :id AND password_version = :version AND is_active = 1 AND EXISTS (
	SELECT 1 FROM logins WHERE logins.id = :login AND revoked_at IS NULL)
AND NOT EXISTS (
	SELECT 1 FROM users AS other WHERE other.id <> :id
	AND (other.username_key = :username_key
		OR other.email_key = :email_key))
RETURNING email, username;

-- name: user_set_password
-- Likewise.
UPDATE users SET password = :password, password_version = password_version + 1
WHERE id = :id AND password_version = :version AND is_active = 1 AND EXISTS (
	SELECT 1 FROM logins WHERE logins.id = :login AND revoked_at IS NULL);

-- name: user_delete
-- Likewise.
DELETE FROM users
WHERE id = :id AND password_version = :version AND is_active = 1 AND EXISTS (
	SELECT 1 FROM logins WHERE logins.id = :login AND revoked_at IS NULL);

-- name: user_rehash
-- A stronger hash of the same password.
UPDATE users SET password = :renewed WHERE id = :id AND password = :password;

-- name: user_of_login
-- Whom a refresh token speaks for.
SELECT id, username, is_active FROM users WHERE id = :id;

-- name: login_add
-- A new login, if the account still has the password that was checked: hashing
-- took a while.
INSERT INTO logins (id, user_id, created_at, last_used_at, expires_at,
	user_agent, ip_address)
SELECT :id, id, :now, :now, :now + :lifetime, :user_agent, :ip_address
FROM users
WHERE id = :user AND password_version = :version AND is_active = 1;

-- name: login_refresh
-- Takes the lock, which is all, and says whether the login lives.
UPDATE logins SET revoked_at = NULL
WHERE id = :id AND user_id = :user AND revoked_at IS NULL;

-- name: login_used
UPDATE logins SET last_used_at = :now WHERE id = :id;

-- name: login_extend
-- The login lives as long as any of its refresh tokens, which those of before a
-- change of the settings may do longer than the newest.
UPDATE logins SET expires_at = CASE WHEN expires_at > :now + :lifetime
	THEN expires_at ELSE :now + :lifetime END
WHERE id = :id;

-- name: login_revoke
UPDATE logins SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL;

-- name: login_revoke_all
UPDATE logins SET revoked_at = :now
WHERE user_id = :user AND revoked_at IS NULL;

-- name: user_end_logins
UPDATE users SET logins_ended_at = :now WHERE id = :user;

-- name: login_alive
SELECT id FROM logins WHERE id = :id AND revoked_at IS NULL;

-- name: login_end
-- One of the user's, which may have ended before: then it stays as it is.
UPDATE logins SET revoked_at = coalesce(revoked_at, :now)
WHERE id = :id AND user_id = :user;

-- name: login_list
-- The user's logins that live, the caller's own first, and how many there are.
SELECT id, created_at, last_used_at, expires_at, user_agent, ip_address,
	count(*) OVER () AS total
FROM logins
WHERE user_id = :user AND revoked_at IS NULL AND expires_at > :now
ORDER BY CASE WHEN id = :current THEN 0 ELSE 1 END, last_used_at DESC, id
LIMIT :listed;

-- name: login_shields
-- Whether a token of the user's, issued then, shields: its login was not ended
-- by somebody.  One that expired may be gone.
SELECT id FROM users
WHERE id = :user AND coalesce(logins_ended_at, 0) / 1000000 <= :issued_at
	AND NOT EXISTS (SELECT 1 FROM logins
		WHERE logins.id = :login AND revoked_at IS NOT NULL);

-- name: refresh_add
INSERT INTO refresh_tokens (jti, login_id, kid, issued_at, expires_at)
VALUES (:jti, :login, :kid, :issued_at, :expires_at);

-- name: refresh_find
SELECT jti, kid, issued_at, expires_at, used_at, successor
FROM refresh_tokens WHERE jti = :jti AND login_id = :login;

-- name: refresh_use
UPDATE refresh_tokens SET used_at = :now, successor = :successor
WHERE jti = :jti AND used_at IS NULL;

-- name: refresh_forget
-- The generations whose 10 s are over.  A use that lies far in the future,
-- because the clock was set back, is over, too.
DELETE FROM refresh_tokens
WHERE login_id = :login AND used_at IS NOT NULL
	AND (used_at < :over OR used_at > :beyond);

-- name: refresh_forget_all
DELETE FROM refresh_tokens WHERE login_id = :login;

-- name: refresh_forget_user
DELETE FROM refresh_tokens WHERE login_id IN (
	SELECT id FROM logins WHERE user_id = :user);

-- name: agent_key_add
-- A new agent key, unless the user has as many as there may be, or the login
-- that asks for it has ended meanwhile.
INSERT INTO agent_keys (id, user_id, name, scopes, hash, webhook_url,
	created_at)
SELECT :id, users.id, :name, :scopes, :hash, :webhook_url, :now
FROM users JOIN logins ON logins.user_id = users.id
WHERE users.id = :user AND users.is_active = 1
	AND logins.id = :login AND logins.revoked_at IS NULL
	AND (SELECT count(*) FROM agent_keys WHERE user_id = :user) < :most
RETURNING created_at;

-- name: agent_key_list
-- The user's keys, the newest first, and how many there are.
SELECT id, name, scopes, webhook_url, created_at, count(*) OVER () AS total
FROM agent_keys
WHERE user_id = :user
ORDER BY created_at DESC, id DESC
LIMIT :listed;

-- name: agent_key_delete
DELETE FROM agent_keys WHERE id = :id AND user_id = :user;

-- name: check_step
SELECT max(step) AS step FROM schema_steps;
