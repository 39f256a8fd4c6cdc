/*
 * A program's part of the OpenAPI 3.1 document, out of its route table and
 * nothing else.  The build merges the parts.
 */
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>

#include "internal.h"

static struct json_object *
text(const char *value)
{
	return json_object_new_string(value);
}

static void
add(struct json_object *object, const char *name, struct json_object *value)
{
	json_object_object_add(object, name, value);
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* The member of that name, made if there is none. */
static struct json_object *
child(struct json_object *object, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value)) {
		value = json_object_new_object();
		add(object, name, value);
	}
	return value;
}

static struct json_object *
reference(const char *to)
{
	struct json_object *schema = json_object_new_object();

	add(schema, "$ref", text(to));
	return schema;
}

/* ---------------------------------------------------------------- schemas */

static struct json_object *object_schema(const struct sb_field *,
    enum sb_place);

static void
add_bounds(struct json_object *schema, const struct sb_field *f)
{
	bool number = f->kind == SB_INT;

	if (f->min != 0 || (number && f->max != 0))
		add(schema, number ? "minimum" : "minLength",
		    json_object_new_int64(f->min));
	if (f->max != 0)
		add(schema, number ? "maximum" : "maxLength",
		    json_object_new_int64(f->max));
}

static struct json_object *
field_schema(const struct sb_field *f)
{
	static const struct {
		const char	*type, *format;
	} kinds[SB_KINDS] = {
		[SB_TEXT] = { "string", NULL },
		[SB_SECRET] = { "string", "password" },
		[SB_EMAIL] = { "string", "email" },
		[SB_INT] = { "integer", NULL },
		[SB_BOOL] = { "boolean", NULL },
		[SB_ENUM] = { "string", NULL },
		[SB_UUID] = { "string", "uuid" },
		[SB_TIME] = { "string", "date-time" },
		[SB_UNIX_TIME] = { "number", NULL },
		[SB_OBJECT] = { "object", NULL },
		[SB_LIST] = { "array", NULL },
		[SB_MAP] = { "object", NULL },
	};
	struct json_object *schema = f->kind == SB_OBJECT ?
	    object_schema(f->fields, SB_IN_BODY) : json_object_new_object();

	if (f->kind != SB_OBJECT)
		add(schema, "type", text(kinds[f->kind].type));
	if (f->kind == SB_LIST || f->kind == SB_MAP)
		add(schema, f->kind == SB_LIST ? "items" :
		    "additionalProperties",
		    object_schema(f->fields, SB_IN_BODY));
	if (kinds[f->kind].format != NULL)
		add(schema, "format", text(kinds[f->kind].format));
	add(schema, "description", text(f->doc));
	add_bounds(schema, f);
	if (f->pattern != NULL)
		add(schema, "pattern", text(f->pattern));
	if (f->kind == SB_ENUM) {
		struct json_object *values = json_object_new_array();

		for (int i = 0; f->choices[i] != NULL; i++)
			json_object_array_add(values, text(f->choices[i]));
		add(schema, "enum", values);
	}
	if (f->example != NULL) {
		struct json_object *examples = json_object_new_array();

		json_object_array_add(examples, text(f->example));
		add(schema, "examples", examples);
	}
	return schema;
}

static struct json_object *
object_schema(const struct sb_field *fields, enum sb_place place)
{
	struct json_object *schema = json_object_new_object();
	struct json_object *properties = json_object_new_object();
	struct json_object *required = json_object_new_array();

	for (const struct sb_field *f = fields; f->name != NULL; f++) {
		if (f->in != place)
			continue;
		add(properties, f->name, field_schema(f));
		if (!f->optional)
			json_object_array_add(required, text(f->name));
	}
	add(schema, "type", text("object"));
	add(schema, "properties", properties);
	add(schema, "required", required);
	return schema;
}

static struct json_object *
content(const char *media, struct json_object *schema)
{
	struct json_object *types = json_object_new_object();

	add(child(types, media), "schema", schema);
	return types;
}

/* ------------------------------------------------------------- operations */

static void
add_parameters(struct json_object *operation, const struct sb_field *f)
{
	static const char *const places[SB_PLACES] = {
		[SB_IN_QUERY] = "query", [SB_IN_PATH] = "path",
	};
	struct json_object *list = json_object_new_array();

	for (; f != NULL && f->name != NULL; f++) {
		struct json_object *parameter;

		if (places[f->in] == NULL)
			continue;
		parameter = json_object_new_object();
		add(parameter, "name", text(f->name));
		add(parameter, "in", text(places[f->in]));
		add(parameter, "description", text(f->doc));
		add(parameter, "required", json_object_new_boolean(
		    f->in == SB_IN_PATH || !f->optional));
		add(parameter, "schema", field_schema(f));
		json_object_array_add(list, parameter);
	}
	if (json_object_array_length(list) > 0)
		add(operation, "parameters", list);
	else
		json_object_put(list);
}

static bool
takes_body(const struct sb_field *f)
{
	for (; f != NULL && f->name != NULL; f++)
		if (f->in == SB_IN_BODY)
			return true;
	return false;
}

static void
add_body(struct json_object *operation, const struct sb_route *r)
{
	unsigned takes = r->body == 0 ? SB_JSON : r->body;
	struct json_object *body, *types;

	if (!takes_body(r->in))
		return;
	body = child(operation, "requestBody");
	types = child(body, "content");
	add(body, "required", json_object_new_boolean(!(takes & SB_NO_BODY)));
	if (takes & SB_JSON)
		add(child(types, "application/json"), "schema",
		    object_schema(r->in, SB_IN_BODY));
	if (takes & SB_FORM) {
		add(child(types, "application/x-www-form-urlencoded"),
		    "schema", object_schema(r->in, SB_IN_BODY));
		add(child(types, "multipart/form-data"), "schema",
		    object_schema(r->in, SB_IN_BODY));
	}
}

static struct json_object *
response(struct json_object *operation, enum sb_status status)
{
	char number[8];
	struct json_object *r;

	snprintf(number, sizeof(number), "%d", sb_status_number(status));
	r = child(child(operation, "responses"), number);
	if (!json_object_object_get_ex(r, "description", NULL))
		add(r, "description", text(sb_status_reason(status)));
	return r;
}

/* An error, with what it says as an example beside others of its status. */
static void
add_error(struct json_object *operation, const struct sb_error *e)
{
	struct json_object *media = child(child(response(operation,
	    e->status), "content"), "application/json");
	struct json_object *value = json_object_new_object();

	if (!json_object_object_get_ex(media, "schema", NULL))
		add(media, "schema", reference("#/components/schemas/Error"));
	add(value, "detail", text(e->detail));
	if (e->error != NULL)
		add(value, "error", text(e->error));
	add(child(child(media, "examples"), e->detail), "value", value);
}

static void
add_responses(struct json_object *operation, const struct sb_route *r)
{
	struct json_object *success = response(operation,
	    r->success == SB_NEXT ? SB_OK : r->success);
	const struct sb_error *const *of_access = r->access->errors;

	if (r->media != NULL)
		add(success, "content", content(r->media,
		    json_object_new_object()));
	else if (r->out != NULL)
		add(success, "content", content("application/json",
		    object_schema(r->out, SB_IN_BODY)));
	for (int i = 0; i < SB_ROUTE_ERRORS && r->errors[i] != NULL; i++)
		add_error(operation, r->errors[i]);
	for (; of_access != NULL && *of_access != NULL; of_access++)
		add_error(operation, *of_access);
	if (takes_body(r->in))
		add_error(operation, &sb_error_too_large);
	if (r->in != NULL)
		add(response(operation, SB_UNPROCESSABLE), "content",
		    content("application/json", reference(
		    "#/components/schemas/ValidationError")));
	if (r->limits != 0)
		add(response(operation, SB_TOO_MANY), "content",
		    content("application/json", reference(
		    "#/components/schemas/RateLimited")));
	add_error(operation, &sb_error_internal);
	add_error(operation, &sb_error_unavailable);
}

/* post_api_auth_login, of POST /api/auth/login. */
static struct json_object *
operation_id(struct sb_pool *pool, const struct sb_route *r)
{
	char *id = sb_printf(pool, "%s%s", sb_method_names[r->method],
	    r->path[1] == '\0' ? "/root" : r->path), *to = id;

	for (const char *p = id; *p != '\0'; p++)
		if (*p != '{' && *p != '}')
			*to++ = *p == '/' || *p == '.' ? '_' : lower(*p);
	*to = '\0';
	return text(id);
}

static struct json_object *
operation(struct sb_pool *pool, const char *program, const struct sb_route *r)
{
	struct json_object *o = json_object_new_object();
	struct json_object *tags = json_object_new_array();
	struct json_object *security = json_object_new_array();

	json_object_array_add(tags, text(program));
	add(o, "tags", tags);
	add(o, "operationId", operation_id(pool, r));
	add(o, "summary", text(r->doc));
	add_parameters(o, r->in);
	add_body(o, r);
	add_responses(o, r);
	add(o, "security", security);
	if (r->access->scheme != NULL) {
		struct json_object *scheme = json_object_new_object();

		add(scheme, r->access->scheme, json_object_new_array());
		json_object_array_add(security, scheme);
	}
	return o;
}

/* ---------------------------------------------------------- the document */

/* Schemas that no field table has: the shapes of errors. */
static const char components[] = "{"
    "\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\","
    "\"bearerFormat\":\"JWT\"}},"
    "\"schemas\":{"
    "\"Error\":{\"type\":\"object\",\"required\":[\"detail\"],\"properties\":{"
    "\"detail\":{\"type\":\"string\",\"description\":\"What went wrong.\"},"
    "\"error\":{\"type\":\"string\",\"description\":\"OAuth 2 error code.\"}}},"
    "\"RateLimited\":{\"type\":\"object\",\"required\":[\"detail\",\"limit\","
    "\"remaining\",\"retry_after\",\"reset_at\"],\"properties\":{"
    "\"detail\":{\"type\":\"string\",\"description\":\"Which limit it was.\"},"
    "\"limit\":{\"type\":\"integer\"},\"remaining\":{\"type\":\"integer\"},"
    "\"retry_after\":{\"type\":\"integer\",\"description\":\"Seconds.\"},"
    "\"reset_at\":{\"type\":\"number\",\"description\":\"Unix seconds.\"}}},"
    "\"ValidationError\":{\"type\":\"object\",\"required\":[\"detail\"],"
    "\"properties\":{\"detail\":{\"type\":\"array\",\"items\":{"
    "\"type\":\"object\",\"required\":[\"type\",\"loc\",\"msg\"],"
    "\"properties\":{\"type\":{\"type\":\"string\"},"
    "\"loc\":{\"type\":\"array\","
    "\"items\":{\"type\":[\"string\",\"integer\"]}},"
    "\"msg\":{\"type\":\"string\"},\"input\":{},"
    "\"ctx\":{\"type\":\"object\"}}}}}}}}";

void
sb_openapi_print(const char *program, const struct sb_route *routes)
{
	struct sb_pool *pool = sb_pool_new();
	struct json_object *document = json_object_new_object();
	struct json_object *info, *tags, *tag;

	add(document, "openapi", text("3.1.0"));
	info = child(document, "info");
	add(info, "title", text("Interactive Agent Chat System API"));
	add(info, "version", text(PACKAGE_VERSION));
	tags = json_object_new_array();
	tag = json_object_new_object();
	add(tag, "name", text(program));
	json_object_array_add(tags, tag);
	add(document, "tags", tags);
	for (const struct sb_route *r = routes; r->method != SB_NONE; r++) {
		char method[8] = "";

		for (size_t i = 0; sb_method_names[r->method][i] != '\0'; i++)
			method[i] = lower(sb_method_names[r->method][i]);
		add(child(child(document, "paths"), r->path), method,
		    operation(pool, program, r));
	}
	add(document, "components", json_tokener_parse(components));
	puts(json_object_to_json_string_ext(document,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(document);
	sb_pool_free(pool);
}
