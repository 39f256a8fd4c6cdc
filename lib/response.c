/*
 * A request's answer: its status, its header fields, what refuses, and its way
 * out.  The only file that knows HTTP's numbers.
 */
#include <string.h>
#include <json-c/json.h>

#include "internal.h"

#define COPIED	((size_t)16 * 1024)

static const struct {
	int		 number;
	const char	*reason;
} statuses[] = {
	[SB_NEXT] = { 500, "Internal Server Error" },
	[SB_OK] = { 200, "OK" },
	[SB_CREATED] = { 201, "Created" },
	[SB_NO_CONTENT] = { 204, "No Content" },
	[SB_BAD_REQUEST] = { 400, "Bad Request" },
	[SB_UNAUTHORIZED] = { 401, "Unauthorized" },
	[SB_FORBIDDEN] = { 403, "Forbidden" },
	[SB_NOT_FOUND] = { 404, "Not Found" },
	[SB_METHOD_NOT_ALLOWED] = { 405, "Method Not Allowed" },
	[SB_CONFLICT] = { 409, "Conflict" },
	[SB_TOO_LARGE] = { 413, "Content Too Large" },
	[SB_UNPROCESSABLE] = { 422, "Unprocessable Content" },
	[SB_TOO_MANY] = { 429, "Too Many Requests" },
	[SB_INTERNAL] = { 500, "Internal Server Error" },
	[SB_UNAVAILABLE] = { 503, "Service Unavailable" },
};
_Static_assert(sizeof(statuses) / sizeof(statuses[0]) == SB_STATUSES,
    "a status without a number");

const struct sb_error sb_error_internal = {
	SB_INTERNAL, "Internal Server Error", NULL };
const struct sb_error sb_error_unavailable = {
	SB_UNAVAILABLE, "Service temporarily unavailable", NULL };
const struct sb_error sb_error_not_found = {
	SB_NOT_FOUND, "Not Found", NULL };
const struct sb_error sb_error_method = {
	SB_METHOD_NOT_ALLOWED, "Method Not Allowed", NULL };
const struct sb_error sb_error_too_large = {
	SB_TOO_LARGE, "Request body too large", NULL };
const struct sb_error sb_error_incomplete = {
	SB_BAD_REQUEST, "Request body is incomplete", NULL };
const struct sb_error sb_error_ambiguous = {
	SB_BAD_REQUEST, "X-Forwarded-For is ambiguous", NULL };
const struct sb_error sb_error_unauthenticated = {
	SB_UNAUTHORIZED, "Not authenticated", NULL };
const struct sb_error sb_error_token = {
	SB_UNAUTHORIZED, "Could not validate credentials", NULL };
const struct sb_error sb_error_forbidden = {
	SB_FORBIDDEN, "Not enough permissions", NULL };
const struct sb_error sb_error_inactive = {
	SB_BAD_REQUEST, "Inactive user", NULL };

enum { ERROR_DETAIL, ERROR_CODE };
const struct sb_field sb_error_fields[] = {
	[ERROR_DETAIL] = { "detail", SB_TEXT, "What went wrong." },
	[ERROR_CODE] = { "error", SB_TEXT,
	    "The same for OAuth 2 clients (RFC 6749 section 5.2).",
	    .optional = true },
	SB_END_AS("Error")
};

int
sb_status_number(enum sb_status status)
{
	return statuses[status].number;
}

const char *
sb_status_reason(enum sb_status status)
{
	return statuses[status].reason;
}

void
sb_response_begin(struct sb_response *rs, struct sb_request *rq)
{
	*rs = (struct sb_response){ .rq = rq };
	rs->into = &rs->answer;
}

static void
append(struct sb_response *rs, const char *text)
{
	size_t n = strlen(text);

	if (rs->headers_length + n > rs->headers_size) {
		size_t size = 2 * (rs->headers_length + n) + 1024;
		char *larger = sb_alloc(rs->rq->pool, size);

		if (rs->headers_length > 0)
			memcpy(larger, rs->headers, rs->headers_length);
		rs->headers = larger;
		rs->headers_size = size;
	}
	memcpy(rs->headers + rs->headers_length, text, n);
	rs->headers_length += n;
}

void
sb_put_header(struct sb_response *rs, const char *name, const char *value)
{
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			sb_fatal("a control character in header %s", name);
	append(rs, name);
	append(rs, ": ");
	append(rs, value);
	append(rs, "\r\n");
}

/* ----------------------------------------------------------------- refusals */

enum sb_status
sb_refuse_with(struct sb_response *rs, enum sb_status status,
    struct json_object *body)
{
	sb_pool_json(rs->rq->pool, body);
	rs->headers_length = 0;
	rs->cache = NULL;
	rs->into = &rs->answer;
	rs->fault = NULL;
	rs->refusal = body;
	rs->refused = status;
	rs->replayed = false;
	rs->content = NULL;
	return rs->status = status;
}

/* The detail, with what its %s stands for. */
static const char *
detail_of(struct sb_pool *pool, const struct sb_error *error,
    const char *about)
{
	const char *at = strstr(error->detail, SB_ERROR_ABOUT);

	return at == NULL || about == NULL ? error->detail :
	    sb_printf(pool, "%.*s%s%s", (int)(at - error->detail),
	    error->detail, about, at + strlen(SB_ERROR_ABOUT));
}

enum sb_status
sb_refuse(struct sb_response *rs, const struct sb_error *error)
{
	return sb_refuse_about(rs, error, NULL);
}

enum sb_status
sb_refuse_about(struct sb_response *rs, const struct sb_error *error,
    const char *about)
{
	struct json_object *body = json_object_new_object();

	json_object_object_add_ex(body, error->fields != NULL ?
	    error->fields[0].name : sb_error_fields[ERROR_DETAIL].name,
	    json_object_new_string(detail_of(rs->rq->pool, error, about)),
	    JSON_C_OBJECT_ADD_CONSTANT_KEY);
	if (error->error != NULL)
		json_object_object_add(body, sb_error_fields[ERROR_CODE].name,
		    json_object_new_string(error->error));
	sb_refuse_with(rs, error->status, body);
	if (error->fields != NULL)
		sb_body_begin(rs, &rs->error, body, error->fields);
	if (error->status == SB_UNAUTHORIZED)
		sb_put_header(rs, sb_headers[SB_WWW_AUTHENTICATE].name,
		    error == &sb_error_token ?
		    "Bearer error=\"invalid_token\"" : "Bearer");
	if (error->status == SB_TOO_MANY)
		sb_put_header(rs, sb_headers[SB_RETRY_AFTER].name, "1");
	return error->status;
}

enum sb_status
sb_refuse_invalid(struct sb_response *rs, struct json_object *detail)
{
	struct json_object *body = json_object_new_object();

	json_object_object_add(body, sb_error_fields[ERROR_DETAIL].name,
	    detail);
	return sb_refuse_with(rs, SB_UNPROCESSABLE, body);
}

static bool
is_declared(const struct sb_route *route, const struct sb_error *error)
{
	const struct sb_error *const *of_access = route->access->errors;

	for (int i = 0; i < SB_ROUTE_ERRORS; i++)
		if (route->errors[i] == error)
			return true;
	while (of_access != NULL && *of_access != NULL)
		if (*of_access++ == error)
			return true;
	return false;
}

enum sb_status
sb_fail(struct sb_response *rs, const struct sb_error *error)
{
	return sb_fail_about(rs, error, NULL);
}

enum sb_status
sb_fail_about(struct sb_response *rs, const struct sb_error *error,
    const char *about)
{
	bool asks = strstr(error->detail, SB_ERROR_ABOUT) != NULL;

	sb_refuse_about(rs, error, about);
	if (!is_declared(rs->rq->way->route, error))
		rs->fault = sb_printf(rs->rq->pool, "undeclared error: %s",
		    error->detail);
	else if (asks != (about != NULL))
		rs->fault = sb_printf(rs->rq->pool, "an error %s: %s", asks ?
		    "that is about nothing" : "that takes nothing",
		    error->detail);
	return error->status;
}

/* ------------------------------------------------------------------ sending */

void
sb_response_finish(struct sb_response *rs)
{
	struct json_object *body = rs->refusal != NULL ? rs->refusal :
	    rs->answer.object[0];

	if (rs->content != NULL || body == NULL)
		return;
	rs->content = json_object_to_json_string_length(body,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
	    &rs->content_length);
	rs->media = SB_MEDIA_JSON;
}

bool
sb_response_send(struct sb_response *rs)
{
	struct sb_request *rq = rs->rq;
	struct sb_way *way = rq->way;
	size_t head, body, once;
	const char *status;
	char *out;

	sb_response_finish(rs);
	body = rs->content_length;
	sb_cors_headers(rs);
	sb_limited_headers(rs);
	if (rs->status == SB_UNAVAILABLE)
		sb_put_header(rs, sb_headers[SB_RETRY_AFTER].name,
		    sb_printf(rq->pool, "%d", rs->retry_after == 0 ? 1 :
		    rs->retry_after));
	if (way->authorization != NULL || way->secret ||
	    sb_stream_begins(rs))
		rs->cache = "no-store";
	if (rs->cache != NULL)
		sb_put_header(rs, "Cache-Control", rs->cache);
	if (rs->content != NULL) {
		sb_put_header(rs, "Content-Type", rs->media);
		sb_put_header(rs, "Content-Length", sb_printf(rq->pool, "%zu",
		    rs->content_length));
	}
	if (sb_stream_begins(rs)) {
		sb_put_header(rs, "Content-Type", SB_EVENT_STREAM);
		/* nginx keeps answers back, unless it is told. */
		sb_put_header(rs, "X-Accel-Buffering", "no");
	}
	sb_put_header(rs, sb_headers[SB_X_REQUEST_ID].name, rq->id);
	append(rs, "X-Content-Type-Options: nosniff\r\nVary: Origin\r\n\r\n");
	status = sb_printf(rq->pool, "Status: %d %s\r\n",
	    sb_status_number(rs->status), sb_status_reason(rs->status));
	if (rs->content == NULL || way->head)
		body = 0;
	head = strlen(status);
	/* At one go, unless that means to copy much. */
	once = body <= COPIED ? body : 0;
	out = sb_alloc(rq->pool, head + rs->headers_length + once + 1);
	memcpy(out, status, head);
	memcpy(out + head, rs->headers, rs->headers_length);
	if (once > 0)
		memcpy(out + head + rs->headers_length, rs->content, once);
	/* A fault that comes before can still be answered by a 500. */
	rs->sent = true;
	return way->conn->write(way->conn, out,
	    head + rs->headers_length + once) && (once == body ||
	    way->conn->write(way->conn, rs->content, body));
}
