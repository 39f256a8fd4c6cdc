/*
 * Checks what came in against the fields that the route declares, all of them
 * at once, as pydantic does; what is wrong becomes a 422.
 */
#include <ctype.h>
#include <string.h>

#include "check.h"

/* ------------------------------------------------------------- raw values */

static const struct sb_pair *
find_pair(const struct sb_pair *pair, const char *name)
{
	while (pair != NULL && strcmp(pair->name, name) != 0)
		pair = pair->next;
	return pair;
}

/* As RFC 3875 section 4.1.18 has it.  One that is empty is absent. */
static const struct sb_pair *
find_header(const struct sb_check *c, const char *name)
{
	char *variable = sb_printf(c->rq->pool, "HTTP_%s", name);
	struct sb_pair *pair;
	const char *value;

	for (char *p = variable; *p != '\0'; p++)
		*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
	value = sb_param(c->rq->way->conn, variable);
	if (value == NULL || *value == '\0')
		return NULL;
	pair = sb_alloc(c->rq->pool, sizeof(*pair));
	pair->name = name;
	pair->length = strlen(value);
	pair->value = sb_copy(c->rq->pool, value, pair->length);
	if (!sb_utf8_valid(value, pair->length))
		pair->wrong = "is not valid UTF-8";
	return pair;
}

/* False: it is absent. */
static bool
find(const struct sb_check *c, const struct sb_field *f, struct sb_raw *raw)
{
	*raw = (struct sb_raw){ NULL, NULL };
	if (f->in == SB_IN_PATH)
		raw->pair = find_pair(c->rq->way->path_values, f->name);
	else if (f->in == SB_IN_HEADER)
		raw->pair = find_header(c, f->name);
	else if (f->in == SB_IN_QUERY)
		raw->pair = find_pair(c->query, f->name);
	else if (c->is_form)
		raw->pair = find_pair(c->form, f->name);
	else if (c->object != NULL &&
	    json_object_object_get_ex(c->object, f->name, &raw->json))
		return raw->json != NULL || !f->optional;
	return raw->pair != NULL;
}

static bool
is_twice(const struct sb_field *f, const struct sb_raw *raw)
{
	return raw->pair != NULL && find_pair(raw->pair->next, f->name) != NULL;
}

/* In a form, empty counts as absent (FastAPI). */
static bool
is_empty(const struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw)
{
	return c->is_form && f->in == SB_IN_BODY && raw->pair != NULL &&
	    raw->pair->length == 0 && !is_twice(f, raw);
}

/* The declared members that came, as a missing field's input shows them. */
static struct json_object *
what_came(const struct sb_check *c)
{
	struct json_object *came = json_object_new_object();
	struct sb_raw raw;

	for (const struct sb_field *f = c->fields; f->name != NULL; f++)
		if (f->in == SB_IN_BODY && f->kind != SB_SECRET &&
		    find(c, f, &raw) && !is_empty(c, f, &raw))
			json_object_object_add(came, f->name,
			    sb_check_input_of(c, &raw));
	return came;
}

static void
say_missing(struct sb_check *c, const struct sb_field *f)
{
	struct json_object *entry = sb_check_entry(c, SB_FLAW_MISSING,
	    sb_places[f->in], NULL);

	json_object_array_add(json_object_object_get(entry, "loc"),
	    json_object_new_string(f->name));
	json_object_object_add(entry, "input",
	    f->in == SB_IN_BODY ? what_came(c) : NULL);
}

static void
check_field(struct sb_check *c, const struct sb_field *f,
    struct sb_value *value)
{
	struct sb_raw raw;

	if (!find(c, f, &raw) || is_empty(c, f, &raw)) {
		if (!f->optional && !(c->no_body && f->in == SB_IN_BODY))
			say_missing(c, f);
		return;
	}
	if (raw.pair != NULL && raw.pair->wrong != NULL)
		sb_check_value_error(c, f, &raw, raw.pair->wrong);
	else if (is_twice(f, &raw))
		sb_check_value_error(c, f, &raw, "must not be given twice");
	else
		value->present = sb_check_kind(c, f, &raw, value);
}

/* ------------------------------------------------------------- the body */

/* True for the type itself, whatever its parameters. */
static bool
is_media(const char *content_type, const char *media)
{
	size_t n = strcspn(content_type, "; \t");

	return strlen(media) == n && strncasecmp(content_type, media, n) == 0;
}

static bool
is_json(const char *content_type)
{
	size_t n = strcspn(content_type, "; \t");

	return is_media(content_type, SB_MEDIA_JSON) || (n > 17 &&
	    strncasecmp(content_type, "application/", 12) == 0 &&
	    strncasecmp(content_type + n - 5, "+json", 5) == 0);
}

static void
say_no_body(struct sb_check *c)
{
	json_object_object_add(sb_check_entry(c, SB_FLAW_MISSING,
	    sb_places[SB_IN_BODY], NULL), "input", NULL);
	c->no_body = true;
}

/* What came instead of an object may be a password as it is: it isn't shown. */
static void
say_no_object(struct sb_check *c, struct json_object *instead)
{
	struct json_object *entry = sb_check_entry(c, SB_FLAW_NO_OBJECT,
	    sb_places[SB_IN_BODY], NULL);

	if (!c->rq->way->secret)
		json_object_object_add(entry, "input", instead);
	else
		json_object_put(instead);
	c->no_body = true;
}

static void
say_invalid_json(struct sb_check *c, const char *why, size_t offset)
{
	struct json_object *ctx = sb_check_about(SB_FLAW_JSON,
	    json_object_new_string(why));
	struct json_object *entry = sb_check_entry(c, SB_FLAW_JSON,
	    sb_places[SB_IN_BODY], ctx);

	json_object_array_add(json_object_object_get(entry, "loc"),
	    json_object_new_int64((int64_t)offset));
	json_object_object_add(entry, "input", json_object_new_object());
	sb_check_context(entry, ctx);
	c->no_body = true;
}

static void
read_json(struct sb_check *c)
{
	struct sb_way *way = c->rq->way;
	struct json_object *value = NULL;
	const char *why;
	size_t offset = 0;

	if (way->body_length == 0) {
		if (way->route->body & SB_NO_BODY)
			c->no_body = true;
		else
			say_no_body(c);
		return;
	}
	if (way->content_type != NULL && !is_json(way->content_type)) {
		say_no_object(c, sb_check_text(c->rq->pool, way->body,
		    way->body_length));
		return;
	}
	why = sb_json_parse(way->body, way->body_length, &value, &offset);
	if (why != NULL)
		say_invalid_json(c, why, offset);
	else if (!json_object_is_type(value, json_type_object))
		say_no_object(c, value);
	else {
		c->object = value;
		sb_pool_json(c->rq->pool, value);
	}
}

static void
read_body(struct sb_check *c)
{
	struct sb_way *way = c->rq->way;
	unsigned takes = way->route->body == 0 ? SB_JSON : way->route->body;
	const char *type = way->content_type;
	bool multipart = type != NULL && is_media(type, SB_MEDIA_MULTIPART);
	bool form = multipart || (type != NULL &&
	    is_media(type, SB_MEDIA_FORM));

	if (!(takes & SB_FORM) || (!form && takes & SB_JSON)) {
		read_json(c);
		return;
	}
	c->is_form = true;
	if (multipart)
		c->form = sb_form_multipart(c->rq->pool, type, way->body,
		    way->body_length);
	else if (form)
		c->form = sb_form_urlencoded(c->rq->pool, way->body,
		    way->body_length);
	else if (type == NULL && way->body_length == 0)
		say_no_body(c);
}

static bool
any_in(const struct sb_field *f, enum sb_place place)
{
	for (; f->name != NULL; f++)
		if (f->in == place)
			return true;
	return false;
}

/* With all that was found so far, for which a refusal may come once more. */
static enum sb_status
refuse(struct sb_response *rs, const struct sb_check *c)
{
	return sb_refuse_invalid(rs, json_object_get(c->errors));
}

enum sb_status
sb_check_input(struct sb_request *rq, struct sb_response *rs)
{
	struct sb_way *way = rq->way;
	struct sb_check *c;
	size_t n = 0;

	if (way->body_too_large || way->body_length >
	    (way->route->body_max > 0 ? way->route->body_max : SB_BODY_MAX))
		return sb_refuse(rs, &sb_error_too_large);
	if (way->route->in == NULL)
		return SB_NEXT;
	c = way->check = sb_alloc(rq->pool, sizeof(*c));
	c->rq = rq;
	c->fields = way->route->in;
	if (any_in(c->fields, SB_IN_BODY))
		read_body(c);
	if (any_in(c->fields, SB_IN_QUERY))
		c->query = sb_form_urlencoded(rq->pool, way->query,
		    strlen(way->query));
	while (c->fields[n].name != NULL)
		n++;
	way->values = sb_alloc(rq->pool, n * sizeof(*way->values));
	for (size_t i = 0; i < n; i++)
		check_field(c, &c->fields[i], &way->values[i]);
	return c->errors == NULL ? SB_NEXT : refuse(rs, c);
}

enum sb_status
sb_invalid(struct sb_response *rs, int field, const char *reason)
{
	struct sb_check *c = rs->rq->way->check;
	struct json_object *entry, *ctx;
	struct sb_raw raw;

	if (field != SB_WHOLE) {
		find(c, &c->fields[field], &raw);
		sb_check_value_error(c, &c->fields[field], &raw, reason);
	} else {
		ctx = sb_check_about(SB_FLAW_VALUE,
		    json_object_new_string(reason));
		entry = sb_check_entry(c, SB_FLAW_VALUE,
		    sb_places[SB_IN_BODY], ctx);
		json_object_object_add(entry, "input", what_came(c));
		sb_check_context(entry, ctx);
	}
	return refuse(rs, c);
}

enum sb_status
sb_invalid_choice(struct sb_response *rs, int field,
    const char *const *choices)
{
	struct sb_check *c = rs->rq->way->check;
	struct sb_raw raw;

	find(c, &c->fields[field], &raw);
	sb_check_choice_error(c, &c->fields[field], &raw, choices);
	return refuse(rs, c);
}

enum sb_status
sb_too_great(struct sb_response *rs, int field, int64_t most)
{
	struct sb_check *c = rs->rq->way->check;
	struct sb_raw raw;

	find(c, &c->fields[field], &raw);
	sb_check_bound_error(c, &c->fields[field], &raw, most);
	return refuse(rs, c);
}
