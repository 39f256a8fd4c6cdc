-- The queries of cgi/events.c.

-- name: event_next
-- The first after that number.
SELECT number, type, payload, created_at FROM events
WHERE session_id = :session AND number > :after
ORDER BY number LIMIT 1;
