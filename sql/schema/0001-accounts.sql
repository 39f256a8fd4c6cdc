-- Accounts, their logins, and the one row that says which installation this is.
-- Works with programs of step 1 and later.

-- Times are microseconds since the epoch in UTC, but for those of a token's
-- claims, which are seconds (RFC 7519 section 2, NumericDate).

-- One row: the installation that this file belongs to.  /health reads it.
CREATE TABLE installation (
	one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	created_at INTEGER NOT NULL
) STRICT;

INSERT INTO installation (one, created_at)
VALUES (1, CAST(strftime('%s', 'now') AS INTEGER) * 1000000);

-- The steps that this file has been through.  A program that knows fewer may
-- use the file as long as no step it doesn't know needs a newer program.
CREATE TABLE schema_steps (
	step INTEGER NOT NULL PRIMARY KEY,
	name TEXT NOT NULL,
	oldest INTEGER NOT NULL,		-- step whose programs may use it
	applied_at INTEGER NOT NULL
) STRICT;

-- A person with an account.
CREATE TABLE users (
	id TEXT NOT NULL PRIMARY KEY,		-- UUID, version 7
	email TEXT NOT NULL,			-- as it was typed
	email_key TEXT NOT NULL UNIQUE,		-- as it is compared
	username TEXT NOT NULL,
	username_key TEXT NOT NULL UNIQUE,
	password TEXT NOT NULL,			-- scrypt in an MCF string
	password_version INTEGER NOT NULL DEFAULT 1, -- grows with each change
	is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
	created_at INTEGER NOT NULL
) STRICT;

-- A login: what begins with a password and lives on by refreshing.  A row that
-- was revoked stays so; it may go once the last token of it has expired.
CREATE TABLE logins (
	id TEXT NOT NULL PRIMARY KEY,		-- the tokens' sid
	user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	created_at INTEGER NOT NULL,
	last_used_at INTEGER NOT NULL,		-- last time it got tokens
	expires_at INTEGER NOT NULL,		-- end of its newest refresh token
	user_agent TEXT,			-- at most 256 code points
	ip_address TEXT,
	revoked_at INTEGER			-- NULL: it lives
) STRICT;

CREATE INDEX logins_by_user ON logins (user_id);

-- What a login's refresh tokens are made from: the one that is not used yet,
-- and those that were used in the 10 s before the last rotation.  HS256 over a row's values gives the
-- token's text again; without the key the rows are worth nothing to a thief.
CREATE TABLE refresh_tokens (
	jti TEXT NOT NULL PRIMARY KEY,
	login_id TEXT NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
	kid TEXT NOT NULL,			-- of the key that signed it
	issued_at INTEGER NOT NULL,		-- the claim iat, in seconds
	expires_at INTEGER NOT NULL,		-- the claim exp, in seconds
	used_at INTEGER,			-- its first use, or NULL
	successor TEXT				-- the jti that it was changed for
) STRICT;

CREATE INDEX refresh_tokens_by_login ON refresh_tokens (login_id);
