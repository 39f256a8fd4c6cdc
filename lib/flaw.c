/*
 * What can be wrong with an input, in pydantic's words, and the entry of a 422
 * that says so.  check.c and kind.c find it; the OpenAPI document lists it.
 */
#include <string.h>

#include "check.h"

/*
 * A name in braces stands for that member of the context, and (s) for the
 * plural of its first number.
 */
#define NONE		{ { NULL, false } }
#define TEXT(name)	{ { (name), false } }
#define NUMBER(name)	{ { (name), true } }
#define OF_LIST(bound)	{ { "field_type", false }, { (bound), true }, \
			{ "actual_length", true } }
const struct sb_flaw_words sb_flaw_words[] = {
	[SB_FLAW_MISSING] = { "missing", "Field required", NONE },
	[SB_FLAW_STRING_TYPE] = { "string_type",
	    "Input should be a valid string", NONE },
	[SB_FLAW_STRING_TOO_SHORT] = { "string_too_short",
	    "String should have at least {min_length} character(s)",
	    NUMBER("min_length") },
	[SB_FLAW_STRING_TOO_LONG] = { "string_too_long",
	    "String should have at most {max_length} character(s)",
	    NUMBER("max_length") },
	[SB_FLAW_STRING_PATTERN] = { "string_pattern_mismatch",
	    "String should match pattern '{pattern}'", TEXT("pattern") },
	[SB_FLAW_BOOL_TYPE] = { "bool_type",
	    "Input should be a valid boolean", NONE },
	[SB_FLAW_BOOL_PARSING] = { "bool_parsing", "Input should be a valid "
	    "boolean, unable to interpret input", NONE },
	[SB_FLAW_INT_TYPE] = { "int_type",
	    "Input should be a valid integer", NONE },
	[SB_FLAW_INT_PARSING] = { "int_parsing", "Input should be a valid "
	    "integer, unable to parse string as an integer", NONE },
	[SB_FLAW_TOO_SMALL] = { "greater_than_equal",
	    "Input should be greater than or equal to {ge}",
	    NUMBER("ge") },
	[SB_FLAW_TOO_GREAT] = { "less_than_equal",
	    "Input should be less than or equal to {le}", NUMBER("le") },
	[SB_FLAW_ENUM] = { "enum", "Input should be {expected}",
	    TEXT("expected") },
	[SB_FLAW_LIST_TYPE] = { "list_type",
	    "Input should be a valid list", NONE },
	[SB_FLAW_TOO_FEW] = { "too_short", "List should have at least "
	    "{min_length} item(s) after validation, not {actual_length}",
	    OF_LIST("min_length") },
	[SB_FLAW_TOO_MANY] = { "too_long", "List should have at most "
	    "{max_length} item(s) after validation, not {actual_length}",
	    OF_LIST("max_length") },
	[SB_FLAW_VALUE] = { "value_error", "Value error, {reason}",
	    TEXT("reason") },
	[SB_FLAW_EMAIL] = { "value_error",
	    "value is not a valid email address: {reason}",
	    TEXT("reason") },
	[SB_FLAW_JSON] = { "json_invalid", "JSON decode error",
	    TEXT("error") },
	[SB_FLAW_NO_OBJECT] = { "model_attributes_type", "Input should be a "
	    "valid dictionary or object to extract fields from", NONE },
};
_Static_assert(sizeof(sb_flaw_words) / sizeof(sb_flaw_words[0]) == SB_FLAWS,
    "a flaw without words");

/* A text in which the first of a marker, if there is one, is filled in. */
static const char *
fill_in(struct sb_pool *pool, const char *text, const char *marker,
    const char *with)
{
	const char *at = strstr(text, marker);

	return at == NULL ? text : sb_printf(pool, "%.*s%s%s",
	    (int)(at - text), text, with, at + strlen(marker));
}

/* Members are in the order of their marks, which none of them brings along. */
static const char *
message_of(struct sb_pool *pool, enum sb_flaw flaw, struct json_object *ctx)
{
	const struct sb_flaw_words *words = &sb_flaw_words[flaw];
	const char *message = words->message, *name;
	struct json_object *member;

	for (int i = 0; i < SB_FLAW_CONTEXT; i++) {
		name = words->context[i].name;
		if (name == NULL || !json_object_object_get_ex(ctx, name,
		    &member))
			continue;
		if (words->context[i].number)
			message = fill_in(pool, message, "(s)",
			    json_object_get_int64(member) == 1 ? "" : "s");
		message = fill_in(pool, message, sb_printf(pool, "{%s}", name),
		    json_object_get_string(member));
	}
	return message;
}

struct json_object *
sb_check_entry(struct sb_check *c, enum sb_flaw flaw, const char *place,
    struct json_object *ctx)
{
	struct json_object *entry = json_object_new_object();
	struct json_object *loc = json_object_new_array();
	const char *message = message_of(c->rq->pool, flaw, ctx);

	if (c->errors == NULL) {
		c->errors = json_object_new_array();
		sb_pool_json(c->rq->pool, c->errors);
	}
	json_object_array_add(loc, json_object_new_string(place));
	json_object_object_add(entry, "type",
	    json_object_new_string(sb_flaw_words[flaw].type));
	json_object_object_add(entry, "loc", loc);
	json_object_object_add(entry, "msg", json_object_new_string(message));
	json_object_array_add(c->errors, entry);
	return entry;
}

void
sb_check_context(struct json_object *entry, struct json_object *ctx)
{
	if (ctx != NULL)
		json_object_object_add(entry, "ctx", ctx);
}

struct json_object *
sb_check_about(enum sb_flaw flaw, struct json_object *value)
{
	struct json_object *ctx;

	if (value == NULL)
		return NULL;
	ctx = json_object_new_object();
	json_object_object_add(ctx, sb_flaw_words[flaw].context[0].name, value);
	return ctx;
}
