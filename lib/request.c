/*
 * Reads a request: its header fields and its body, all within bounds.  The
 * values of its fields, once check.c has been over them, are asked for here.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define DRAIN_MAX	((size_t)64 * 1024 * 1024)
#define ID_CHARACTERS	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
			"0123456789._-"

const char *
sb_text(const struct sb_request *rq, int field)
{
	return rq->way->values[field].text;
}

int64_t
sb_int(const struct sb_request *rq, int field)
{
	return rq->way->values[field].number;
}

bool
sb_bool(const struct sb_request *rq, int field)
{
	return rq->way->values[field].number != 0;
}

const char *const *
sb_texts(const struct sb_request *rq, int field)
{
	return rq->way->values[field].texts;
}

const char *
sb_texts_json(const struct sb_request *rq, int field)
{
	return rq->way->values[field].text;
}

bool
sb_has(const struct sb_request *rq, int field)
{
	return rq->way->values[field].present;
}

/*
 * A parameter, or NULL where it is empty, as servers differ on that.  A copy:
 * the log line is written when the connection is gone.
 */
static const char *
param(const struct sb_request *rq, const char *name)
{
	const char *value = sb_param(rq->way->conn, name);

	return value == NULL || *value == '\0' ? NULL :
	    sb_copy(rq->pool, value, strlen(value));
}

const char *
sb_variable(const struct sb_request *rq, const char *name)
{
	const char *value = param(rq, name);

	/* Answers tell of some, and are JSON. */
	return value == NULL ? NULL : sb_utf8_mend(rq->pool, value,
	    strlen(value), NULL);
}

static void
read_method(struct sb_request *rq)
{
	struct sb_way *way = rq->way;
	const char *method = param(rq, "REQUEST_METHOD");

	way->method = method == NULL ? "-" : method;
	way->head = strcmp(way->method, "HEAD") == 0;
	if (way->head)
		way->verb = SB_GET;
	for (int i = SB_NONE + 1; i < SB_METHODS; i++)
		if (strcmp(way->method, sb_method_names[i]) == 0)
			way->verb = (enum sb_method)i;
}

/* The client's own id if it is harmless, so that logs can be put together. */
static const char *
request_id(struct sb_request *rq)
{
	const char *id = param(rq, "HTTP_X_REQUEST_ID");

	if (id != NULL && strlen(id) <= 64 &&
	    strspn(id, ID_CHARACTERS) == strlen(id))
		return id;
	return sb_uuid(rq->pool);
}

/* The target, as the web server was given it; CGI by hand may have none. */
static void
read_target(struct sb_request *rq)
{
	const char *target = param(rq, "REQUEST_URI"), *query;
	const char *path_info = param(rq, "PATH_INFO");
	const char *script_name = param(rq, "SCRIPT_NAME");

	query = param(rq, "QUERY_STRING");
	if (target != NULL && strchr(target, '?') != NULL)
		query = strchr(target, '?') + 1;
	rq->way->query = query == NULL ? "" : query;
	sb_route_locate(rq, target, path_info, script_name);
}

static bool
is_twice(const struct sb_conn *conn, const char *name)
{
	size_t n = strlen(name);
	int times = 0;

	for (char **p = conn->params; *p != NULL; p++)
		times += strncmp(*p, name, n) == 0 && (*p)[n] == '=';
	return times > 1;
}

/*
 * Web servers spell X_Forwarded_For, which a proxy lets pass as it doesn't know
 * it, as the X-Forwarded-For that it wrote: nobody can tell one from the other.
 */
static bool
is_ambiguous(const struct sb_request *rq)
{
	return is_twice(rq->way->conn, "HTTP_X_FORWARDED_FOR") &&
	    sb_address_trusted(rq->pool, param(rq, "REMOTE_ADDR"));
}

static void
read_fields(struct sb_request *rq)
{
	struct sb_way *way = rq->way;
	const char *agent = param(rq, "HTTP_USER_AGENT");

	way->origin = param(rq, "HTTP_ORIGIN");
	way->content_type = param(rq, "CONTENT_TYPE");
	/* Apache's rewriting puts REDIRECT_ before what it has set itself. */
	way->authorization = sb_param(way->conn, "HTTP_AUTHORIZATION");
	if (way->authorization == NULL)
		way->authorization = sb_param(way->conn,
		    "REDIRECT_HTTP_AUTHORIZATION");
	rq->address = sb_address_client(rq->pool, param(rq, "REMOTE_ADDR"),
	    is_ambiguous(rq) ? NULL : param(rq, "HTTP_X_FORWARDED_FOR"));
	if (agent != NULL) {
		agent = sb_utf8_mend(rq->pool, agent, strlen(agent), NULL);
		rq->user_agent = sb_copy(rq->pool, agent,
		    sb_utf8_cut(agent, 256));
	}
}

const char *
sb_bearer_token(const char *field)
{
	size_t n;

	if (field == NULL || strncasecmp(field, "bearer", 6) != 0 ||
	    (field[6] != ' ' && field[6] != '\0'))
		return NULL;
	field += 6;
	field += strspn(field, " ");
	n = strcspn(field, " \t,");
	return field[n] == '\0' ? field : "";
}

static size_t
largest_body(const struct sb_route *routes)
{
	size_t max = SB_BODY_MAX;

	for (; routes->method != SB_NONE; routes++)
		if (routes->body_max > max)
			max = routes->body_max;
	return max;
}

/* Apache loses the answer to a body that nobody read. */
static bool
drain(struct sb_conn *conn)
{
	char bytes[8192];
	size_t total = 0;
	ssize_t got;

	while (total < DRAIN_MAX &&
	    (got = conn->read(conn, bytes, sizeof(bytes))) != 0) {
		if (got < 0)
			return false;
		total += (size_t)got;
	}
	return true;
}

/*
 * Reads until the body ends, whatever its announced length.  False if it broke
 * off before.
 */
static bool
read_body(struct sb_request *rq)
{
	struct sb_way *way = rq->way;
	size_t max = largest_body(way->routes), size = 0;
	char *grown;
	ssize_t got;

	for (;;) {
		if (way->body_length == size) {
			size = size == 0 ? 2048 : 2 * size;
			if (size > max + 1)
				size = max + 1;
			grown = sb_alloc(rq->pool, size + 1);
			if (way->body_length > 0)
				memcpy(grown, way->body, way->body_length);
			way->body = grown;
		}
		got = way->conn->read(way->conn, way->body + way->body_length,
		    size - way->body_length);
		if (got < 0)
			return false;
		if (got == 0)
			break;
		way->body_length += (size_t)got;
		if (way->body_length > max) {
			way->body_too_large = true;
			return drain(way->conn);
		}
	}
	way->body[way->body_length] = '\0';
	return true;
}

/* FastCGI servers that know the length tell; a shorter body is a broken one. */
static bool
complete(const struct sb_request *rq)
{
	const char *length = param(rq, "CONTENT_LENGTH");

	return length == NULL || rq->way->body_too_large ||
	    strtoull(length, NULL, 10) <= rq->way->body_length;
}

enum sb_status
sb_request_read(struct sb_request *rq, struct sb_response *rs)
{
	rq->id = request_id(rq);
	rq->prefix = "";
	read_method(rq);
	read_fields(rq);
	read_target(rq);
	if (!read_body(rq) || !complete(rq))
		return sb_refuse(rs, &sb_error_incomplete);
	if (is_ambiguous(rq))
		return sb_refuse(rs, &sb_error_ambiguous);
	return SB_NEXT;
}
