/*
 * One value against the kind and bounds of its field, and the entry of a 422
 * that says what is wrong with it, in pydantic's words.
 */
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

const char *const sb_places[SB_PLACES] = {
	[SB_IN_BODY] = "body", [SB_IN_QUERY] = "query", [SB_IN_PATH] = "path",
};

/* ------------------------------------------------------------ an entry */

struct json_object *
sb_check_text(struct sb_pool *pool, const char *bytes, size_t n)
{
	size_t length;
	const char *text = sb_utf8_mend(pool, bytes, n, &length);

	return json_object_new_string_len(text, (int)length);
}

struct json_object *
sb_check_input_of(const struct sb_check *c, const struct sb_raw *raw)
{
	return raw->pair == NULL ? json_object_get(raw->json) :
	    sb_check_text(c->rq->pool, raw->pair->value, raw->pair->length);
}

struct json_object *
sb_check_entry(struct sb_check *c, const char *type, const char *place,
    const char *message)
{
	struct json_object *entry = json_object_new_object();
	struct json_object *loc = json_object_new_array();

	if (c->errors == NULL)
		c->errors = json_object_new_array();
	json_object_array_add(loc, json_object_new_string(place));
	json_object_object_add(entry, "type", json_object_new_string(type));
	json_object_object_add(entry, "loc", loc);
	json_object_object_add(entry, "msg", json_object_new_string(message));
	json_object_array_add(c->errors, entry);
	return entry;
}

/* An entry for a field; its input, unless it is a secret, is what came. */
static struct json_object *
add_field_entry(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, const char *type, const char *message)
{
	struct json_object *entry = sb_check_entry(c, type, sb_places[f->in],
	    message);
	struct json_object *loc = json_object_object_get(entry, "loc");

	json_object_array_add(loc, json_object_new_string(f->name));
	if (f->kind != SB_SECRET)
		json_object_object_add(entry, "input",
		    sb_check_input_of(c, raw));
	return entry;
}

void
sb_check_context(struct json_object *entry, const char *name,
    struct json_object *value)
{
	struct json_object *ctx = json_object_new_object();

	json_object_object_add(ctx, name, value);
	json_object_object_add(entry, "ctx", ctx);
}

static bool
say(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, const char *type, const char *message)
{
	add_field_entry(c, f, raw, type, message);
	return false;
}

static bool
say_number(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, const char *type, const char *message,
    const char *name, int64_t number)
{
	sb_check_context(add_field_entry(c, f, raw, type, message), name,
	    json_object_new_int64(number));
	return false;
}

static bool
say_text(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, const char *type, const char *message,
    const char *name, const char *text)
{
	sb_check_context(add_field_entry(c, f, raw, type, message), name,
	    json_object_new_string(text));
	return false;
}

bool
sb_check_value_error(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, const char *reason)
{
	return say_text(c, f, raw, "value_error", sb_printf(c->rq->pool,
	    f->kind == SB_EMAIL ? "value is not a valid email address: %s" :
	    "Value error, %s", reason), "reason", reason);
}

/* A value as text, where it is one; NULL otherwise. */
static const char *
raw_text(const struct sb_raw *raw)
{
	if (raw->pair != NULL)
		return raw->pair->value;
	return json_object_is_type(raw->json, json_type_string) ?
	    json_object_get_string(raw->json) : NULL;
}

/* ------------------------------------------------------------------ kinds */

static bool
matches(const char *pattern, const char *text)
{
	regex_t regex;
	bool yes;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		sb_fatal("a pattern that is none: %s", pattern);
	yes = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return yes;
}

static bool
check_text(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, struct sb_value *value)
{
	struct sb_pool *pool = c->rq->pool;
	const char *text = raw_text(raw), *reason;
	int64_t length;

	if (text == NULL)
		return say(c, f, raw, "string_type",
		    "Input should be a valid string");
	length = (int64_t)sb_utf8_length(text);
	if (length < f->min)
		return say_number(c, f, raw, "string_too_short",
		    sb_printf(pool, "String should have at least %lld "
		    "character%s", (long long)f->min, f->min == 1 ? "" : "s"),
		    "min_length", f->min);
	if (f->max > 0 && length > f->max)
		return say_number(c, f, raw, "string_too_long",
		    sb_printf(pool, "String should have at most %lld "
		    "character%s", (long long)f->max, f->max == 1 ? "" : "s"),
		    "max_length", f->max);
	if (f->pattern != NULL && !matches(f->pattern, text))
		return say_text(c, f, raw, "string_pattern_mismatch",
		    sb_printf(pool, "String should match pattern '%s'",
		    f->pattern), "pattern", f->pattern);
	if (f->wrong != NULL && (reason = f->wrong(pool, text)) != NULL)
		return sb_check_value_error(c, f, raw, reason);
	value->text = text;
	return true;
}

static bool
check_uuid(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, struct sb_value *value)
{
	if ((value->text = raw_text(raw)) == NULL)
		return say(c, f, raw, "string_type",
		    "Input should be a valid string");
	if (!sb_is_uuid(value->text))
		return sb_check_value_error(c, f, raw, "not an id");
	return true;
}

/* Digits, with a sign perhaps, that fit. */
static bool
parse_int(const char *text, int64_t *number)
{
	char *end;

	if (text[strspn(text, "+-")] == '\0' || strspn(text, "+-") > 1 ||
	    strspn(text, "+-0123456789") != strlen(text))
		return false;
	errno = 0;
	*number = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0';
}

static bool
check_int(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, struct sb_value *value)
{
	struct sb_pool *pool = c->rq->pool;
	const char *text = raw_text(raw);
	int64_t n;

	if (text != NULL) {
		if (!parse_int(text, &n))
			return say(c, f, raw, "int_parsing", "Input should be "
			    "a valid integer, unable to parse string as an "
			    "integer");
	} else if (json_object_is_type(raw->json, json_type_int) &&
	    json_object_get_uint64(raw->json) <= INT64_MAX)
		n = json_object_get_int64(raw->json);
	else
		return say(c, f, raw, "int_type",
		    "Input should be a valid integer");
	if ((f->min != 0 || f->max != 0) && n < f->min)
		return say_number(c, f, raw, "greater_than_equal", sb_printf(
		    pool, "Input should be greater than or equal to %lld",
		    (long long)f->min), "ge", f->min);
	if ((f->min != 0 || f->max != 0) && n > f->max)
		return say_number(c, f, raw, "less_than_equal", sb_printf(
		    pool, "Input should be less than or equal to %lld",
		    (long long)f->max), "le", f->max);
	value->number = n;
	return true;
}

static bool
check_bool(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, struct sb_value *value)
{
	static const char *const words[] = { "0", "1", "f", "t", "false",
	    "true", "n", "y", "no", "yes", "off", "on" };
	const char *text = raw_text(raw);

	if (text == NULL && !json_object_is_type(raw->json, json_type_boolean))
		return say(c, f, raw, "bool_type",
		    "Input should be a valid boolean");
	if (text == NULL) {
		value->number = json_object_get_boolean(raw->json);
		return true;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i]) == 0) {
			value->number = i % 2;
			return true;
		}
	return say(c, f, raw, "bool_parsing", "Input should be a valid "
	    "boolean, unable to interpret input");
}

static bool
check_enum(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, struct sb_value *value)
{
	struct sb_pool *pool = c->rq->pool;
	const char *text = raw_text(raw), *expected = "";
	int n = 0;

	for (; f->choices[n] != NULL; n++)
		if (text != NULL && strcmp(text, f->choices[n]) == 0) {
			value->text = f->choices[n];
			value->number = n;
			return true;
		}
	for (int i = 0; i < n; i++)
		expected = sb_printf(pool, "%s%s'%s'", expected, i == 0 ? "" :
		    i == n - 1 ? " or " : ", ", f->choices[i]);
	return say_text(c, f, raw, "enum", sb_printf(pool,
	    "Input should be %s", expected), "expected", expected);
}

static bool (*const kinds[SB_KINDS])(struct sb_check *, const struct sb_field *,
    const struct sb_raw *, struct sb_value *) = {
	[SB_TEXT] = check_text, [SB_SECRET] = check_text,
	[SB_EMAIL] = check_text, [SB_INT] = check_int, [SB_BOOL] = check_bool,
	[SB_ENUM] = check_enum, [SB_UUID] = check_uuid,
};

bool
sb_check_kind(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, struct sb_value *value)
{
	return kinds[f->kind](c, f, raw, value);
}
