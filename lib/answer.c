/*
 * The fields of an answer, of an error that has some, and of a draft: put by
 * handlers, and held to their table, so that none is missing, added or of
 * another type.  response.c sends them.
 */
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

#include "internal.h"

static struct json_object *
new_object(struct sb_response *rs)
{
	struct json_object *object = json_object_new_object();

	if (object == NULL)
		sb_fatal("out of memory");
	sb_pool_json(rs->rq->pool, object);
	return object;
}

/* ----------------------------------------------------- fields of an answer */

void
sb_body_begin(struct sb_response *rs, struct sb_body *body,
    struct json_object *object, const struct sb_field *fields)
{
	rs->into = body;
	body->object[0] = object;
	body->fields[0] = fields;
	body->kind[0] = SB_OBJECT;
	body->depth = 0;
}

/* The table of what is open. */
static const struct sb_field *
open_fields(const struct sb_response *rs)
{
	return rs->into->fields[rs->into->depth];
}

/* Whether a field may go in here.  After the first fault nothing may. */
static bool
takes_fields(struct sb_response *rs)
{
	struct sb_body *b = rs->into;

	if (b->object[0] == NULL)
		sb_body_begin(rs, b, new_object(rs), rs->rq->way->route->out);
	if (rs->fault == NULL && (open_fields(rs) == NULL ||
	    b->kind[b->depth] != SB_OBJECT))
		rs->fault = "a field, where none is declared";
	return rs->fault == NULL;
}

static void
put(struct sb_response *rs, int field, struct json_object *value)
{
	struct sb_body *b = rs->into;

	if (!takes_fields(rs)) {
		json_object_put(value);
		return;
	}
	if (json_object_object_add_ex(b->object[b->depth],
	    open_fields(rs)[field].name, value,
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

/* As its field's kind has it: RFC 3339, or seconds with a fraction. */
void
sb_put_time(struct sb_response *rs, int field, int64_t time)
{
	if (!takes_fields(rs))
		return;
	if (open_fields(rs)[field].kind == SB_UNIX_TIME)
		put(rs, field, sb_json_seconds(rs->rq->pool, time));
	else
		sb_put_text(rs, field, sb_time_text(rs->rq->pool, time));
}

/* It stays the text that it is: nobody parses what we have written. */
void
sb_put_json(struct sb_response *rs, int field, const char *json)
{
	struct json_object *value = NULL;
	enum sb_kind kind;

	if (!takes_fields(rs))
		return;
	kind = open_fields(rs)[field].kind;
	if (kind != SB_TEXTS && kind != SB_ANY) {
		rs->fault = "JSON, where its kind has none";
		return;
	}
	if (json != NULL) {
		value = *json == '[' ? json_object_new_array() :
		    *json == '{' ? json_object_new_object() :
		    json_object_new_string("");
		json_object_set_serializer(value,
		    json_object_userdata_to_json_string,
		    sb_copy(rs->rq->pool, json, strlen(json)), NULL);
	}
	put(rs, field, value);
}

struct json_object *
sb_json_seconds(struct sb_pool *pool, int64_t t)
{
	char *text = sb_printf(pool, "%lld.%06lld", (long long)(t / SB_SECOND),
	    (long long)(t % SB_SECOND));
	size_t n = strlen(text);

	while (text[n - 1] == '0' && text[n - 2] != '.')
		text[--n] = '\0';
	return json_object_new_double_s(strtod(text, NULL), text);
}

static void
descend(struct sb_response *rs, struct json_object *into,
    const struct sb_field *fields, enum sb_kind kind)
{
	struct sb_body *b = rs->into;

	if (b->depth + 1 == SB_DEPTH)
		sb_fatal("an answer of more than %d levels", SB_DEPTH);
	b->depth++;
	b->object[b->depth] = into;
	b->fields[b->depth] = fields;
	b->kind[b->depth] = kind;
}

void
sb_open(struct sb_response *rs, int field)
{
	struct json_object *value;
	const struct sb_field *f;

	if (!takes_fields(rs))
		return;
	f = &open_fields(rs)[field];
	if (f->kind != SB_OBJECT && f->kind != SB_LIST && f->kind != SB_MAP) {
		rs->fault = "opened what has no fields";
		return;
	}
	value = f->kind == SB_LIST ? json_object_new_array() :
	    json_object_new_object();
	put(rs, field, value);
	descend(rs, value, f->fields, f->kind);
}

void
sb_open_item(struct sb_response *rs, const char *name)
{
	struct sb_body *b = rs->into;
	struct json_object *in = b->object[b->depth], *item;
	enum sb_kind kind = name == NULL ? SB_LIST : SB_MAP;

	if (rs->fault == NULL && (in == NULL || b->kind[b->depth] != kind))
		rs->fault = "an item, where none is declared";
	if (rs->fault != NULL)
		return;
	item = json_object_new_object();
	if ((kind == SB_LIST ? json_object_array_add(in, item) :
	    json_object_object_add(in, name, item)) != 0)
		sb_fatal("out of memory");
	descend(rs, item, open_fields(rs), SB_OBJECT);
}

void
sb_close(struct sb_response *rs)
{
	if (rs->fault != NULL)
		return;
	if (rs->into->depth == 0)
		rs->fault = "closed what was not open";
	else
		rs->into->depth--;
}

/* --------------------------------------------- the answer against its table */

static const char *object_wrong(struct sb_pool *, struct json_object *,
    const struct sb_field *);
static const char *items_wrong(struct sb_pool *, struct json_object *,
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
		[SB_OBJECT] = json_type_object, [SB_LIST] = json_type_array,
		[SB_MAP] = json_type_object,
		[SB_UNIX_TIME] = json_type_double,
		[SB_TEXTS] = json_type_array, [SB_ANY] = json_type_object,
	};

	if (value == NULL && f->optional)
		return NULL;
	if (!json_object_is_type(value, types[f->kind]))
		return sb_printf(pool, "%s is of another type", f->name);
	if (f->kind == SB_OBJECT)
		return object_wrong(pool, value, f->fields);
	return f->kind == SB_LIST || f->kind == SB_MAP ?
	    items_wrong(pool, value, f->fields) : NULL;
}

static const char *
items_wrong(struct sb_pool *pool, struct json_object *items,
    const struct sb_field *fields)
{
	const char *wrong = NULL;

	if (json_object_is_type(items, json_type_object)) {
		json_object_object_foreach(items, name, item) {
			(void)name;
			if (wrong == NULL)
				wrong = object_wrong(pool, item, fields);
		}
		return wrong;
	}
	for (size_t i = 0; i < json_object_array_length(items); i++)
		if (wrong == NULL)
			wrong = object_wrong(pool,
			    json_object_array_get_idx(items, i), fields);
	return wrong;
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

/* One that is put together, from its outermost object on. */
static const char *
body_wrong(const struct sb_response *rs, const struct sb_body *body)
{
	if (body->object[0] == NULL || body->depth != 0)
		return "no body, or one not closed";
	return object_wrong(rs->rq->pool, body->object[0], body->fields[0]);
}

/* Only an error with fields has a body that was put together. */
static const char *
refusal_wrong(const struct sb_response *rs)
{
	if (rs->status != rs->refused)
		return "refused, but did not end with it";
	return rs->refusal == rs->error.object[0] ?
	    body_wrong(rs, &rs->error) : NULL;
}

const char *
sb_response_wrong(const struct sb_response *rs)
{
	const struct sb_route *route = rs->rq->way->route;
	enum sb_status success;

	if (rs->fault != NULL || route == NULL)
		return rs->fault;
	if (rs->into == &rs->draft)
		return "a draft without an end";
	if (rs->refusal != NULL)
		return refusal_wrong(rs);
	if (rs->replayed)
		return NULL;
	success = route->success == SB_NEXT ? SB_OK : route->success;
	if (rs->status != success && (route->otherwise == SB_NEXT ||
	    rs->status != route->otherwise))
		return sb_printf(rs->rq->pool, "%d, but its row declares %d",
		    sb_status_number(rs->status), sb_status_number(success));
	if (sb_stream_begins(rs))
		return rs->answer.object[0] != NULL ? "a body, and a stream" :
		    NULL;
	if (route->media != NULL && route->out == NULL)
		return rs->content == NULL ? "no content" : NULL;
	if (route->out == NULL)
		return rs->answer.object[0] != NULL ? "a body, undeclared" :
		    NULL;
	return body_wrong(rs, &rs->answer);
}

/* ------------------------------------------------------------------ drafts */

void
sb_draft(struct sb_response *rs, const struct sb_field *fields)
{
	if (rs->into == &rs->draft) {
		rs->fault = "a draft in a draft";
		return;
	}
	rs->left = rs->into;
	sb_body_begin(rs, &rs->draft, new_object(rs), fields);
}

const char *
sb_draft_end(struct sb_response *rs)
{
	if (rs->fault == NULL && rs->into != &rs->draft)
		rs->fault = "the end of no draft";
	if (rs->fault == NULL)
		rs->fault = body_wrong(rs, &rs->draft);
	if (rs->fault != NULL)
		return "{}";
	rs->into = rs->left;
	return json_object_to_json_string_ext(rs->draft.object[0],
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}
