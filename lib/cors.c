/*
 * Cross-origin requests (Fetch standard, CORS protocol): which origins may
 * read our answers, and what a preflight is told.
 */
#include <string.h>

#include "internal.h"

#define METHODS	"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
#define FIELD_CHARACTERS \
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
		"0123456789!#$%&'*+-.^_`|~, "

/* Calls with each item of the list until one says true. */
static bool
any_origin(bool (*is)(const char *, size_t, const char *), const char *with)
{
	const char *list = sb_settings.cors_origins;
	size_t n;

	for (; list != NULL && *list != '\0'; list += n) {
		list += strspn(list, ", \t");
		n = strcspn(list, ", \t");
		if (n > 0 && is(list, n, with))
			return true;
	}
	return false;
}

/* A trailing slash in the setting is a slip that hurts nobody. */
static bool
is_equal(const char *item, size_t n, const char *origin)
{
	if (n == 1 && item[0] == '*')
		return true;
	if (item[n - 1] == '/')
		n--;
	return strlen(origin) == n && strncasecmp(item, origin, n) == 0;
}

static bool
is_star(const char *item, size_t n, const char *unused)
{
	(void)unused;
	return n == 1 && item[0] == '*';
}

static bool
is_no_origin(const char *item, size_t n, const char *unused)
{
	const char *host = memmem(item, n, "://", 3);

	(void)unused;
	if (n == 1 && item[0] == '*')
		return false;
	if (item[n - 1] == '/')
		n--;
	return host == NULL || host == item || host + 3 >= item + n ||
	    memchr(host + 3, '/', (size_t)(item + n - host - 3)) != NULL;
}

const char *
sb_cors_settings_wrong(void)
{
	if (any_origin(is_no_origin, NULL))
		return "origins such as https://chat.example.com, separated "
		    "by commas";
	if (sb_settings.cors_credentials && any_origin(is_star, NULL))
		return "* only together with CORS_CREDENTIALS=false";
	return NULL;
}

static bool
is_listed(const char *origin)
{
	return origin != NULL && any_origin(is_equal, origin);
}

static const char *
exposed(struct sb_pool *pool)
{
	const char *list = "";

	for (int i = 0; i < SB_HEADERS; i++)
		if (sb_headers[i].exposed)
			list = sb_printf(pool, "%s%s%s", list,
			    *list == '\0' ? "" : ", ", sb_headers[i].name);
	return list;
}

void
sb_cors_headers(struct sb_response *rs)
{
	const char *origin = rs->rq->way->origin;

	if (!is_listed(origin))
		return;
	sb_put_header(rs, "Access-Control-Allow-Origin",
	    any_origin(is_star, NULL) ? "*" : origin);
	if (sb_settings.cors_credentials)
		sb_put_header(rs, "Access-Control-Allow-Credentials", "true");
	sb_put_header(rs, "Access-Control-Expose-Headers",
	    exposed(rs->rq->pool));
}

static bool
is_method(const char *name)
{
	size_t n = strlen(name);

	for (const char *p = METHODS; *p != '\0'; p += strcspn(p, " "),
	    p += strspn(p, " "))
		if (strcspn(p, ",") == n && memcmp(p, name, n) == 0)
			return true;
	return false;
}

static enum sb_status
say(struct sb_response *rs, enum sb_status status, const char *text)
{
	rs->content = text;
	rs->content_length = strlen(text);
	rs->media = "text/plain; charset=utf-8";
	return status;
}

enum sb_status
sb_cors_preflight(struct sb_request *rq, struct sb_response *rs)
{
	struct sb_way *way = rq->way;
	const char *fields;

	if (strcmp(way->method, "OPTIONS") != 0 || way->origin == NULL ||
	    sb_param(way->conn, "HTTP_ACCESS_CONTROL_REQUEST_METHOD") == NULL)
		return SB_NEXT;
	if (!is_listed(way->origin))
		return say(rs, SB_BAD_REQUEST, "Disallowed CORS origin");
	if (!is_method(sb_param(way->conn,
	    "HTTP_ACCESS_CONTROL_REQUEST_METHOD")))
		return say(rs, SB_BAD_REQUEST, "Disallowed CORS method");
	sb_put_header(rs, "Access-Control-Allow-Methods", METHODS);
	fields = sb_param(way->conn, "HTTP_ACCESS_CONTROL_REQUEST_HEADERS");
	if (fields != NULL && *fields != '\0' &&
	    strspn(fields, FIELD_CHARACTERS) == strlen(fields))
		sb_put_header(rs, "Access-Control-Allow-Headers", fields);
	sb_put_header(rs, "Access-Control-Max-Age", "600");
	return say(rs, SB_OK, "OK");
}
