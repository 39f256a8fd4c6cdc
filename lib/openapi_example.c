/*
 * The examples of the OpenAPI document.  Values are those of the tables; what
 * refuses is made by the code that refuses requests, and sent, so that what is
 * shown, and which header fields come along, is what is answered.
 */
#include <stdlib.h>
#include <string.h>

#include "openapi.h"

/* An answer to a request that nobody sent, and the way that it goes. */
struct stage {
	struct sb_pool	*pool;
	char		*params[1];	/* none */
	struct sb_conn	 conn;
	struct sb_way	 way;
	struct sb_request rq;
	struct sb_response rs;
	const char	*sent;
};

#define UNTIL	INT64_C(1760440000250000)	/* a full limit is so */
#define NOW	(UNTIL - 12 * SB_SECOND)

/* ----------------------------------------------------------------- values */

/* An example that is JSON. */
static struct json_object *
parse(const struct sb_field *f)
{
	struct json_object *value;
	size_t at;

	if (sb_json_parse(f->example, strlen(f->example), &value, &at) != NULL)
		sb_fatal("%s: an example that is no JSON", f->name);
	return value;
}

struct json_object *
sb_example_field(const struct sb_field *f)
{
	struct json_object *value;
	const char *word = f->example;

	switch (f->kind) {
	case SB_OBJECT:
		return sb_example_answer(f->fields);
	case SB_LIST:
		value = sb_example_answer(f->fields);
		return value == NULL ? NULL : array_of(value);
	case SB_MAP:
		value = json_object_new_object();
		if (word != NULL)
			add(value, word, sb_example_answer(f->fields));
		return value;
	case SB_TEXTS:
	case SB_ANY:
		return word == NULL ? NULL : parse(f);
	default:
		break;
	}
	if (word == NULL)
		return f->kind == SB_ENUM ? text(f->choices[0]) : NULL;
	if (f->kind == SB_INT)
		return json_object_new_int64(strtoll(word, NULL, 10));
	if (f->kind == SB_UNIX_TIME)
		return json_object_new_double_s(strtod(word, NULL), word);
	return f->kind == SB_BOOL ?
	    json_object_new_boolean(strcmp(word, "true") == 0) : text(word);
}

/*
 * What is optional and has no example is left out; of an answer only if it is
 * an object, and else null.
 */
static struct json_object *
example_of(const struct sb_field *f, bool answer)
{
	struct json_object *object = json_object_new_object(), *value;

	for (; f->name != NULL; f++) {
		if (f->in != SB_IN_BODY)
			continue;
		if ((f->kind == SB_ENUM && f->optional &&
		    f->example == NULL) || (value = sb_example_field(f)) ==
		    NULL) {
			if (f->optional && answer && f->kind != SB_OBJECT)
				add(object, f->name, NULL);
			if (f->optional)
				continue;
			json_object_put(object);
			return NULL;
		}
		add(object, f->name, value);
	}
	return object;
}

struct json_object *
sb_example_fields(const struct sb_field *f)
{
	return example_of(f, false);
}

struct json_object *
sb_example_answer(const struct sb_field *f)
{
	return example_of(f, true);
}

/* ---------------------------------------------------------------- answers */

static bool
keep(struct sb_conn *conn, const void *bytes, size_t n)
{
	struct stage *s = conn->impl;

	/* The header fields are in what is sent first. */
	if (s->sent == NULL)
		s->sent = sb_copy(s->pool, bytes, n);
	return true;
}

static struct stage *
begin(struct sb_openapi *o, const struct sb_route *r)
{
	struct stage *s = sb_alloc(o->pool, sizeof(*s));

	s->pool = o->pool;
	s->conn.params = s->params;
	s->conn.write = keep;
	s->conn.impl = s;
	s->way.conn = &s->conn;
	s->way.routes = o->program->routes;
	s->way.route = r;
	s->way.query = "";
	s->rq.pool = o->pool;
	s->rq.id = s->rq.prefix = "";
	s->rq.way = &s->way;
	sb_response_begin(&s->rs, &s->rq);
	return s;
}

static struct sb_example
end(struct stage *s, enum sb_status status)
{
	struct sb_example example = { json_object_get(s->rs.refusal), 0 };
	const unsigned limits = s->way.route->limits;
	struct sb_limit_state full;
	enum sb_limit limit;

	if (s->rs.limit == NULL && limits != 0) {
		limit = limits & SB_LIMIT_ADDRESS ? SB_LIMIT_ADDRESS :
		    SB_LIMIT_USER;
		full = sb_limit_full(limit, UNTIL);
		sb_limited_tell(&s->rs, sb_limit_name(limit), &full, NOW);
	}
	s->rs.status = status;
	sb_response_send(&s->rs);
	for (int i = 0; i < SB_HEADERS; i++)
		if (strstr(s->sent, sb_printf(s->pool, "\r\n%s: ",
		    sb_headers[i].name)) != NULL)
			example.headers |= 1U << i;
	return example;
}

struct sb_example
sb_example_success(struct sb_openapi *o, const struct sb_route *r,
    enum sb_status status)
{
	return end(begin(o, r), status);
}

/* The handler is asked while the store can't be had. */
struct sb_example
sb_example_otherwise(struct sb_openapi *o, const struct sb_route *r)
{
	struct stage *s = begin(o, r);
	struct sb_example example;
	enum sb_status status;

	s->rq.db = sb_db_new(SB_STORE_MAIN);
	sb_db_attach(s->rq.db, o->pool);
	sb_db_fail(s->rq.db, SB_UNAVAILABLE, "for an example");
	status = r->handle(&s->rq, &s->rs);
	if (status != r->otherwise)
		sb_fatal("%s: another answer than declared", r->path);
	example = end(s, status);
	example.body = json_object_get(s->rs.answer.object[0]);
	sb_db_free(s->rq.db);
	return example;
}

static void
add_members(struct json_object *to, struct json_object *from)
{
	json_object_object_foreach(from, name, value) {
		add(to, name, json_object_get(value));
	}
}

struct sb_example
sb_example_error(struct sb_openapi *o, const struct sb_route *r,
    const struct sb_error *error)
{
	struct stage *s = begin(o, r);
	enum sb_status status = sb_refuse_about(&s->rs, error, error->about);
	struct json_object *rest;

	if (error->fields != NULL) {
		if ((rest = sb_example_answer(error->fields + 1)) == NULL)
			sb_fatal("%s: a field without an example",
			    error->detail);
		add_members(s->rs.refusal, rest);
		json_object_put(rest);
	}
	return end(s, status);
}

struct sb_example
sb_example_limited(struct sb_openapi *o, const struct sb_route *r,
    enum sb_limit limit)
{
	struct stage *s = begin(o, r);
	struct sb_limit_state full = sb_limit_full(limit, UNTIL);

	return end(s, sb_limited_refuse(&s->rs, sb_limit_name(limit), &full,
	    NOW));
}

struct sb_example
sb_example_invalid(struct sb_openapi *o, const struct sb_route *r)
{
	static char empty_object[] = "{}", empty_form[] = "";
	struct stage *s = begin(o, r);
	const bool json = r->body == 0 || r->body & SB_JSON;
	struct sb_example example;
	enum sb_status status;

	s->way.body = json ? empty_object : empty_form;
	s->way.body_length = strlen(s->way.body);
	s->way.content_type = json ? SB_MEDIA_JSON : SB_MEDIA_FORM;
	for (const struct sb_field *f = r->in; f->name != NULL; f++) {
		struct sb_pair *pair = sb_alloc(o->pool, sizeof(*pair));

		if (f->in != SB_IN_PATH || f->example == NULL)
			continue;
		pair->name = f->name;
		pair->value = f->example;
		pair->length = strlen(f->example);
		pair->next = s->way.path_values;
		s->way.path_values = pair;
	}
	status = sb_check_input(&s->rq, &s->rs);
	if (status != SB_NEXT)
		return end(s, status);
	/* Nothing is missing, but the header fields are those of any 422. */
	example = end(s, sb_refuse_invalid(&s->rs, json_object_new_array()));
	json_object_put(example.body);
	example.body = NULL;
	return example;
}
