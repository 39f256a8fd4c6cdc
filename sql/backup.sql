-- The queries of cmd/backup.c and cmd/restore.c, on a backup.

-- name: backup_create
-- The files of the data directory that the backup has besides the database; and
-- without bytes `backup', which was taken then.
CREATE TABLE IF NOT EXISTS backup_files (
	name TEXT NOT NULL PRIMARY KEY,
	bytes BLOB NOT NULL,
	kept_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- name: backup_put
INSERT INTO backup_files (name, bytes, kept_at) VALUES (:name, :bytes, :at);

-- name: backup_files
-- scan: it has a handful
SELECT name, bytes, kept_at FROM backup_files ORDER BY name;

-- name: backup_drop
DROP TABLE backup_files;

-- name: backup_tables
-- Whether the tables of any schema of ours are there, and that of a backup.
-- scan: a schema is short
SELECT count(CASE WHEN name IN ('installation', 'schema_steps', 'users')
		THEN 1 END) AS ours,
	count(CASE WHEN name = 'backup_files' THEN 1 END) AS files
FROM sqlite_schema WHERE type = 'table';
