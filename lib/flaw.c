/*
 * What can be wrong with an input, in pydantic's words, and the entry of a 422
 * that says so.  check.c and kind.c find it; the OpenAPI document lists it.
 */
#include <string.h>

#include "check.h"

/* {} stands for what the context holds, (s) for the plural of that number. */
const struct sb_flaw_words sb_flaw_words[] = {
	[SB_FLAW_MISSING] = { "missing", "Field required", NULL, false },
	[SB_FLAW_STRING_TYPE] = { "string_type",
	    "Input should be a valid string", NULL, false },
	[SB_FLAW_STRING_TOO_SHORT] = { "string_too_short",
	    "String should have at least {} character(s)", "min_length",
	    true },
	[SB_FLAW_STRING_TOO_LONG] = { "string_too_long",
	    "String should have at most {} character(s)", "max_length",
	    true },
	[SB_FLAW_STRING_PATTERN] = { "string_pattern_mismatch",
	    "String should match pattern '{}'", "pattern", false },
	[SB_FLAW_BOOL_TYPE] = { "bool_type",
	    "Input should be a valid boolean", NULL, false },
	[SB_FLAW_BOOL_PARSING] = { "bool_parsing", "Input should be a valid "
	    "boolean, unable to interpret input", NULL, false },
	[SB_FLAW_INT_TYPE] = { "int_type",
	    "Input should be a valid integer", NULL, false },
	[SB_FLAW_INT_PARSING] = { "int_parsing", "Input should be a valid "
	    "integer, unable to parse string as an integer", NULL, false },
	[SB_FLAW_TOO_SMALL] = { "greater_than_equal",
	    "Input should be greater than or equal to {}", "ge", true },
	[SB_FLAW_TOO_GREAT] = { "less_than_equal",
	    "Input should be less than or equal to {}", "le", true },
	[SB_FLAW_ENUM] = { "enum", "Input should be {}", "expected", false },
	[SB_FLAW_VALUE] = { "value_error", "Value error, {}", "reason",
	    false },
	[SB_FLAW_EMAIL] = { "value_error",
	    "value is not a valid email address: {}", "reason", false },
	[SB_FLAW_JSON] = { "json_invalid", "JSON decode error", "error",
	    false },
	[SB_FLAW_NO_OBJECT] = { "model_attributes_type", "Input should be a "
	    "valid dictionary or object to extract fields from", NULL,
	    false },
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

struct json_object *
sb_check_entry(struct sb_check *c, enum sb_flaw flaw, const char *place,
    struct json_object *about)
{
	struct json_object *entry = json_object_new_object();
	struct json_object *loc = json_object_new_array();
	const char *message = sb_flaw_words[flaw].message;

	if (about != NULL) {
		message = fill_in(c->rq->pool, message, "(s)",
		    json_object_get_int64(about) == 1 ? "" : "s");
		message = fill_in(c->rq->pool, message, "{}",
		    json_object_get_string(about));
	}
	if (c->errors == NULL)
		c->errors = json_object_new_array();
	json_object_array_add(loc, json_object_new_string(place));
	json_object_object_add(entry, "type",
	    json_object_new_string(sb_flaw_words[flaw].type));
	json_object_object_add(entry, "loc", loc);
	json_object_object_add(entry, "msg", json_object_new_string(message));
	json_object_array_add(c->errors, entry);
	return entry;
}

void
sb_check_context(struct json_object *entry, enum sb_flaw flaw,
    struct json_object *about)
{
	struct json_object *ctx;

	if (about == NULL)
		return;
	ctx = json_object_new_object();
	json_object_object_add(ctx, sb_flaw_words[flaw].context, about);
	json_object_object_add(entry, "ctx", ctx);
}
