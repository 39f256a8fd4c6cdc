/*
 * A request's answer: its status, its fields held to the route's table, and
 * its way out.  The only file that knows HTTP's numbers.
 */
#include <string.h>
#include <json-c/json.h>

#include "internal.h"

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
const struct sb_error sb_error_inactive = {
	SB_BAD_REQUEST, "Inactive user", NULL };

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

static struct json_object *
new_object(struct sb_response *rs)
{
	struct json_object *object = json_object_new_object();

	if (object == NULL)
		sb_fatal("out of memory");
	sb_pool_json(rs->rq->pool, object);
	return object;
}

void
sb_response_begin(struct sb_response *rs, struct sb_request *rq)
{
	*rs = (struct sb_response){ .rq = rq };
}

/* ----------------------------------------------------- fields of an answer */

static void
put(struct sb_response *rs, int field, struct json_object *value)
{
	if (rs->object[0] == NULL) {
		rs->object[0] = new_object(rs);
		rs->fields[0] = rs->rq->way->route->out;
	}
	if (rs->fields[rs->depth] == NULL) {
		rs->fault = "a field, where none is declared";
		json_object_put(value);
		return;
	}
	if (json_object_object_add_ex(rs->object[rs->depth],
	    rs->fields[rs->depth][field].name, value,
	    JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY) != 0)
		sb_fatal("out of memory");
}

void
sb_put_text(struct sb_response *rs, int field, const char *text)
{
	put(rs, field, text == NULL ? NULL : json_object_new_string(text));
}

void
sb_put_int(struct sb_response *rs, int field, int64_t number)
{
	put(rs, field, json_object_new_int64(number));
}

void
sb_put_bool(struct sb_response *rs, int field, bool yes)
{
	put(rs, field, json_object_new_boolean(yes));
}

void
sb_put_time(struct sb_response *rs, int field, int64_t time)
{
	sb_put_text(rs, field, sb_time_text(rs->rq->pool, time));
}

void
sb_open(struct sb_response *rs, int field)
{
	struct json_object *object;

	if (rs->depth + 1 == SB_DEPTH)
		sb_fatal("an answer of more than %d levels", SB_DEPTH);
	object = json_object_new_object();
	put(rs, field, object);
	if (rs->fault != NULL)
		return;
	rs->object[rs->depth + 1] = object;
	rs->fields[rs->depth + 1] = rs->fields[rs->depth][field].fields;
	rs->depth++;
}

void
sb_close(struct sb_response *rs)
{
	if (rs->depth == 0)
		rs->fault = "closed what was not open";
	else
		rs->depth--;
}

void
sb_put_header(struct sb_response *rs, const char *name, const char *value)
{
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			sb_fatal("a control character in header %s", name);
	rs->headers = sb_printf(rs->rq->pool, "%s%s: %s\r\n",
	    rs->headers == NULL ? "" : rs->headers, name, value);
}

/* ----------------------------------------------------------------- refusals */

static enum sb_status
refuse_with(struct sb_response *rs, enum sb_status status,
    struct json_object *body)
{
	rs->refusal = body;
	rs->refused = status;
	rs->content = NULL;
	return rs->status = status;
}

enum sb_status
sb_refuse(struct sb_response *rs, const struct sb_error *error)
{
	struct json_object *body = new_object(rs);

	rs->headers = NULL;
	rs->fault = NULL;
	json_object_object_add(body, "detail",
	    json_object_new_string(error->detail));
	if (error->error != NULL)
		json_object_object_add(body, "error",
		    json_object_new_string(error->error));
	if (error->status == SB_UNAUTHORIZED)
		sb_put_header(rs, "WWW-Authenticate",
		    error == &sb_error_token ?
		    "Bearer error=\"invalid_token\"" : "Bearer");
	return refuse_with(rs, error->status, body);
}

enum sb_status
sb_refuse_invalid(struct sb_response *rs, struct json_object *detail)
{
	struct json_object *body = new_object(rs);

	json_object_object_add(body, "detail", detail);
	return refuse_with(rs, SB_UNPROCESSABLE, body);
}

enum sb_status
sb_fail(struct sb_response *rs, const struct sb_error *error)
{
	const struct sb_error *const *declared = rs->rq->way->route->errors;
	int i = 0;

	sb_refuse(rs, error);
	while (i < SB_ROUTE_ERRORS && declared[i] != error)
		i++;
	if (i == SB_ROUTE_ERRORS)
		rs->fault = sb_printf(rs->rq->pool, "undeclared error: %s",
		    error->detail);
	return error->status;
}

/* --------------------------------------------- the answer against its table */

static const char *object_wrong(struct sb_pool *, struct json_object *,
    const struct sb_field *);

static const char *
value_wrong(struct sb_pool *pool, struct json_object *value,
    const struct sb_field *f)
{
	static const json_type types[SB_KINDS] = {
		[SB_TEXT] = json_type_string, [SB_SECRET] = json_type_string,
		[SB_EMAIL] = json_type_string, [SB_INT] = json_type_int,
		[SB_BOOL] = json_type_boolean, [SB_ENUM] = json_type_string,
		[SB_UUID] = json_type_string, [SB_TIME] = json_type_string,
		[SB_OBJECT] = json_type_object,
	};

	if (value == NULL && f->optional)
		return NULL;
	if (!json_object_is_type(value, types[f->kind]))
		return sb_printf(pool, "%s is of another type", f->name);
	return f->kind == SB_OBJECT ? object_wrong(pool, value, f->fields) :
	    NULL;
}

/*
 * Members must stand in the table's order, each once.  A name put by put() is
 * the field's own, not a copy, so that pointers tell.
 */
static const char *
object_wrong(struct sb_pool *pool, struct json_object *object,
    const struct sb_field *f)
{
	const char *wrong;

	json_object_object_foreach(object, name, value) {
		while (f->name != NULL && f->name != name && f->optional)
			f++;
		if (f->name == NULL || f->name != name)
			return sb_printf(pool, "%s is not declared here", name);
		if ((wrong = value_wrong(pool, value, f)) != NULL)
			return wrong;
		f++;
	}
	for (; f->name != NULL; f++)
		if (!f->optional)
			return sb_printf(pool, "%s is missing", f->name);
	return NULL;
}

const char *
sb_response_wrong(const struct sb_response *rs)
{
	const struct sb_route *route = rs->rq->way->route;
	enum sb_status success;

	if (rs->fault != NULL || route == NULL)
		return rs->fault;
	if (rs->refusal != NULL)
		return rs->status == rs->refused ? NULL :
		    "refused, but did not end with it";
	success = route->success == SB_NEXT ? SB_OK : route->success;
	if (rs->status != success && rs->status != SB_UNAVAILABLE)
		return sb_printf(rs->rq->pool, "%d, but its row declares %d",
		    sb_status_number(rs->status), sb_status_number(success));
	if (route->media != NULL)
		return rs->content == NULL ? "no content" : NULL;
	if (route->out == NULL)
		return rs->object[0] != NULL ? "a body, undeclared" : NULL;
	if (rs->object[0] == NULL || rs->depth != 0)
		return "no body, or one not closed";
	return object_wrong(rs->rq->pool, rs->object[0], route->out);
}

/* ------------------------------------------------------------------ sending */

void
sb_response_finish(struct sb_response *rs)
{
	struct json_object *body = rs->refusal != NULL ? rs->refusal :
	    rs->object[0];

	if (rs->content != NULL || body == NULL)
		return;
	rs->content = json_object_to_json_string_length(body,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
	    &rs->content_length);
	rs->media = "application/json";
}

bool
sb_response_send(struct sb_response *rs)
{
	struct sb_request *rq = rs->rq;
	struct sb_way *way = rq->way;
	size_t head, n;
	char *out;

	sb_response_finish(rs);
	sb_cors_headers(rs);
	if (rs->status == SB_UNAVAILABLE)
		sb_put_header(rs, "Retry-After", "1");
	if (way->authorization != NULL || way->secret)
		sb_put_header(rs, "Cache-Control", "no-store");
	if (rs->content != NULL) {
		sb_put_header(rs, "Content-Type", rs->media);
		sb_put_header(rs, "Content-Length", sb_printf(rq->pool, "%zu",
		    rs->content_length));
	}
	out = sb_printf(rq->pool, "Status: %d %s\r\n%s"
	    "X-Request-ID: %s\r\nX-Content-Type-Options: nosniff\r\n"
	    "Vary: Origin\r\n\r\n", sb_status_number(rs->status),
	    sb_status_reason(rs->status),
	    rs->headers == NULL ? "" : rs->headers, rq->id);
	n = head = strlen(out);
	if (rs->content != NULL && !way->head) {
		char *whole = sb_alloc(rq->pool, head + rs->content_length + 1);

		memcpy(whole, out, head);
		memcpy(whole + head, rs->content, rs->content_length);
		n = head + rs->content_length;
		out = whole;
	}
	return way->conn->write(way->conn, out, n);
}
