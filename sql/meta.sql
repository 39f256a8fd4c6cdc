-- The queries of cgi/meta.c.

-- name: installation
-- The one row that any working file has.
SELECT created_at FROM installation WHERE one = 1;
