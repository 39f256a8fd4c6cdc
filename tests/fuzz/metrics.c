/*
 * Any bytes as a program's file of counters, which /metrics reads: the text of
 * the file, and its counters.  Its head is made for them, or left as it comes.
 * Whatever is in it, the answer is lines of Prometheus' format.
 */
#include <string.h>

#include "folder.h"
#include "fuzz.h"
#include "lines.h"

/* As lib/metrics_file.c has it. */
struct head {
	char		 magic[8];
	uint64_t	 hash;
	uint32_t	 length, count;
};

#define ALIGNED	64

/* The text up to the last line, each byte of which is a counter. */
static void
write_file(struct sb_pool *pool, const char *bytes, size_t size)
{
	const char *last = memrchr(bytes, '\n', size);
	size_t length = last == NULL ? size : (size_t)(last + 1 - bytes);
	size_t count = size - length, at = (sizeof(struct head) + length +
	    ALIGNED - 1) / ALIGNED * ALIGNED;
	const struct head head = { "SBCOUNT", sb_fnv1a(bytes, length),
	    (uint32_t)length, (uint32_t)count };
	char *file = sb_alloc(pool, at + count * 8 + 1);

	memcpy(file, &head, sizeof(head));
	memcpy(file + sizeof(head), bytes, length);
	for (size_t i = 0; i < count; i++)
		memset(file + at + 8 * i, bytes[length + i], 8);
	folder_write("made.metrics", file, at + count * 8);
}

static void
check_line(const char *line, size_t n)
{
	PROMISE(n > 0);
	if (line[0] == '#')
		PROMISE(strncmp(line, "# HELP ", 7) == 0 ||
		    strncmp(line, "# TYPE ", 7) == 0);
	else
		PROMISE(memchr(line, ' ', n) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct sb_db *db;
	static const struct sb_route route = { SB_GET, "/metrics", SB_PUBLIC,
	    .media = "text/plain" };
	struct sb_way way = { .query = "", .route = &route };
	struct sb_request rq = { .pool = sb_pool_new(), .way = &way };
	struct sb_response rs;
	char *params[] = { NULL };
	struct sb_conn conn = { .params = params };
	const char *line, *end;

	if (db == NULL) {
		sb_settings.data = folder_begin();
		sb_settings.log_level = "error";
		db = sb_db_new(SB_STORE_MAIN);
	}
	rq.db = db;
	way.conn = &conn;
	sb_db_attach(db, rq.pool);
	folder_write("raw.metrics", bytes, size);
	if (size > 0)
		write_file(rq.pool, (const char *)bytes, size);
	sb_response_begin(&rs, &rq);
	PROMISE(sb_put_metrics(&rs) == SB_OK);
	line = rs.content;
	for (; line < rs.content + rs.content_length; line = end + 1) {
		end = memchr(line, '\n', rs.content_length -
		    (size_t)(line - rs.content));
		PROMISE(end != NULL);
		check_line(line, (size_t)(end - line));
	}
	sb_db_finish(db, true);
	sb_pool_free(rq.pool);
	return 0;
}
