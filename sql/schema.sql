-- The queries of lib/db.c, about the schema itself.

-- name: step_add
INSERT INTO schema_steps (step, name, oldest, applied_at)
VALUES (:step, :name, :oldest, :now);

-- name: step_oldest
-- The step that a program must know to use this file, if it knows :known.
SELECT max(oldest) AS oldest FROM schema_steps WHERE step > :known;
