/*
 * Any lines as the header fields that we read ourselves: Accept, Accept-
 * Encoding, Authorization, Content-Type, Origin, and an id.  What each comes to
 * is what a simpler reading of it comes to, where there is one.
 */
#include <string.h>

#include "fuzz.h"
#include "lines.h"

static bool stream(struct sb_request *, struct sb_response *, int64_t *);

static const struct sb_field out[] = { { "a", SB_TEXT, "A text." }, SB_END };
static const struct sb_route route = { SB_GET, "/", SB_PUBLIC, .out = out,
    .stream = stream };

static bool
stream(struct sb_request *rq, struct sb_response *rs, int64_t *cursor)
{
	(void)rq;
	(void)rs;
	(void)cursor;
	return false;
}

static bool
has(const char *text, const char *word)
{
	return strcasestr(text, word) != NULL;
}

static void
check_accept(struct sb_request *rq, const char *accept)
{
	char *params[] = { sb_printf(rq->pool, "HTTP_ACCEPT=%s", accept),
	    NULL };
	struct sb_conn conn = { .params = params };
	bool streams;

	rq->way->conn = &conn;
	rq->way->route = &route;
	streams = sb_streams(rq);
	PROMISE(!streams || has(accept, SB_EVENT_STREAM));
	if (strcasecmp(accept, SB_EVENT_STREAM) == 0)
		PROMISE(streams);
}

static void
check_encoding(const char *encoding)
{
	bool accepted = sb_gzip_accepted(encoding);

	PROMISE(!accepted || has(encoding, "gzip") ||
	    strchr(encoding, '*') != NULL);
	if (strcmp(encoding, "gzip") == 0)
		PROMISE(accepted);
}

static void
check_authorization(const char *field)
{
	const char *token = sb_bearer_token(field);
	size_t n = strlen(field), length;

	PROMISE((token != NULL) == (strncasecmp(field, "bearer", 6) == 0 &&
	    (n == 6 || field[6] == ' ')));
	if (token == NULL || *token == '\0')
		return;
	/* It is the field's end, and one word. */
	length = strlen(token);
	PROMISE(length <= n && strcmp(field + n - length, token) == 0);
	PROMISE(strpbrk(token, " \t,") == NULL && field[n - length - 1] ==
	    ' ');
}

static void
check_origin(struct sb_request *rq, const char *origin)
{
	struct sb_response rs;
	bool listed = strcasecmp(origin, "https://chat.example.com") == 0 ||
	    strcasecmp(origin, "http://localhost:5173") == 0;

	sb_settings.cors_origins =
	    "https://chat.example.com/, http://localhost:5173";
	sb_settings.cors_credentials = true;
	rq->way->origin = *origin == '\0' ? NULL : origin;
	sb_response_begin(&rs, rq);
	sb_cors_headers(&rs);
	PROMISE((rs.headers_length > 0) == listed);
}

/* A form's boundary comes from here. */
static void
check_type(struct sb_pool *pool, const char *type)
{
	static const char body[] = "--b\r\nContent-Disposition: form-data; "
	    "name=\"n\"\r\n\r\nv\r\n--b--\r\n";
	const struct sb_pair *pair = sb_form_multipart(pool, type, body,
	    sizeof(body) - 1);

	if (strcmp(type, "multipart/form-data; boundary=b") == 0)
		PROMISE(pair != NULL && strcmp(pair->value, "v") == 0);
	if (pair != NULL)
		PROMISE(has(type, "boundary") && strchr(type, 'b') != NULL);
}

static void
check_id(const char *text)
{
	size_t n = strlen(text);
	bool shape = n == 36;

	for (size_t i = 0; shape && i < n; i++)
		shape = i == 8 || i == 13 || i == 18 || i == 23 ?
		    text[i] == '-' : (text[i] >= '0' && text[i] <= '9') ||
		    (text[i] >= 'a' && text[i] <= 'f');
	PROMISE(sb_is_uuid(text) == shape);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sb_way way = { .query = "" };
	struct sb_request rq = { .pool = sb_pool_new(), .way = &way };
	struct lines l = { (const char *)bytes, size };

	check_accept(&rq, next_line(rq.pool, &l));
	check_encoding(next_line(rq.pool, &l));
	check_authorization(next_line(rq.pool, &l));
	check_origin(&rq, next_line(rq.pool, &l));
	check_type(rq.pool, next_line(rq.pool, &l));
	check_id(next_line(rq.pool, &l));
	sb_pool_free(rq.pool);
	return 0;
}
