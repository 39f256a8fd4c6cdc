-- The care of accounts: administrators, and what makes expired logins easy to
-- find.  With a million logins the index takes a second: run `switchboard
-- migrate' before the programs come back.
-- Works with programs of step 1 and later.

-- No input or answer of the API has this; switchboard user admin sets it.
ALTER TABLE users ADD COLUMN is_admin INTEGER NOT NULL DEFAULT 0
	CHECK (is_admin IN (0, 1));

-- When all logins that there were ended; tokens issued before that are of no
-- use, not even for a login by the side of a full account limit, though the
-- rows of their logins may have gone.
ALTER TABLE users ADD COLUMN logins_ended_at INTEGER;

CREATE INDEX logins_by_expiry ON logins (expires_at);
