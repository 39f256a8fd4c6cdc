/*
 * JSON Schemas (2020-12, as OpenAPI 3.1 has them) of tables of fields, and of
 * the one shape that no table has, a 422's.
 */
#include <string.h>

#include "check.h"
#include "openapi.h"

#define SCHEMAS	"#/components/schemas/"

/* What JSON Schema calls a kind. */
static const struct {
	const char	*type, *format;
} kinds[SB_KINDS] = {
	[SB_TEXT] = { "string", NULL },
	[SB_SECRET] = { "string", NULL },
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
	[SB_TEXTS] = { "array", NULL },
	[SB_ANY] = { "object", NULL },
};

static struct json_object *
reference(struct sb_pool *pool, const char *name)
{
	struct json_object *schema = json_object_new_object();

	add(schema, "$ref", text(sb_printf(pool, SCHEMAS "%s", name)));
	return schema;
}

/* ---------------------------------------------------------------- a field */

static void
add_bounds(struct json_object *schema, const struct sb_field *f)
{
	const bool number = f->kind == SB_INT;

	if (f->min != 0 || (number && f->max != 0))
		add(schema, number ? "minimum" : "minLength",
		    json_object_new_int64(f->min));
	if (f->max != 0)
		add(schema, number ? "maximum" : "maxLength",
		    json_object_new_int64(f->max));
	if (f->pattern != NULL)
		add(schema, "pattern", text(f->pattern));
}

static void
add_choices(struct json_object *schema, const struct sb_field *f, bool null)
{
	struct json_object *values = json_object_new_array();

	for (int i = 0; f->choices[i] != NULL; i++)
		json_object_array_add(values, text(f->choices[i]));
	if (null)
		json_object_array_add(values, NULL);
	add(schema, "enum", values);
}

/* Adds null to what the schema lets through. */
static struct json_object *
or_null(struct json_object *schema)
{
	struct json_object *type, *either, *null;

	if (json_object_object_get_ex(schema, "type", &type)) {
		either = array_of(json_object_get(type));
		json_object_array_add(either, text("null"));
		add(schema, "type", either);
		return schema;
	}
	null = json_object_new_object();
	add(null, "type", text("null"));
	either = array_of(schema);
	json_object_array_add(either, null);
	schema = json_object_new_object();
	add(schema, "anyOf", either);
	return schema;
}

/* What items have to be is the field's own; how many there are, the list's. */
static void
add_texts(struct json_object *schema, const struct sb_field *f)
{
	struct json_object *items = child(schema, "items");

	add(items, "type", text(kinds[SB_TEXT].type));
	add_bounds(items, f);
	if (f->choices != NULL)
		add_choices(items, f, false);
	if (f->fewest != 0)
		add(schema, "minItems", json_object_new_int64(f->fewest));
	if (f->most != 0)
		add(schema, "maxItems", json_object_new_int64(f->most));
	add(schema, "uniqueItems", json_object_new_boolean(true));
}

static struct json_object *
any_of(struct sb_openapi *o, const struct sb_field *const *tables,
    enum sb_schema_of of)
{
	struct json_object *list = json_object_new_array();

	for (; *tables != NULL; tables++)
		json_object_array_add(list, sb_schema_fields(o, *tables, of));
	return list;
}

static struct json_object *
bare_schema(struct sb_openapi *o, const struct sb_field *f,
    enum sb_schema_of of)
{
	struct json_object *schema;

	if (f->kind == SB_OBJECT)
		return sb_schema_fields(o, f->fields, of);
	schema = json_object_new_object();
	add(schema, "type", text(kinds[f->kind].type));
	if (f->kind == SB_LIST || f->kind == SB_MAP)
		add(schema, f->kind == SB_LIST ? "items" :
		    "additionalProperties", sb_schema_fields(o, f->fields,
		    of));
	if (f->kind == SB_TEXTS)
		add_texts(schema, f);
	if (f->any != NULL)
		add(schema, "anyOf", any_of(o, f->any, of));
	if (kinds[f->kind].format != NULL)
		add(schema, "format", text(kinds[f->kind].format));
	return schema;
}

struct json_object *
sb_schema_field(struct sb_openapi *o, const struct sb_field *f,
    enum sb_schema_of of)
{
	struct json_object *schema = bare_schema(o, f, of);
	bool null = f->optional && (of == SB_OF_ANSWER || of == SB_OF_JSON);
	bool scalar = f->kind != SB_OBJECT && f->kind != SB_LIST &&
	    f->kind != SB_MAP;

	if (null)
		schema = or_null(schema);
	add(schema, "description", text(f->doc));
	if (f->kind != SB_TEXTS)
		add_bounds(schema, f);
	if (f->kind == SB_ENUM)
		add_choices(schema, f, null);
	if (f->kind == SB_SECRET && of != SB_OF_ANSWER) {
		add(schema, "format", text("password"));
		add(schema, "writeOnly", json_object_new_boolean(true));
	}
	if (scalar && f->example != NULL)
		add(schema, "examples", array_of(sb_example_field(f)));
	return schema;
}

/* ---------------------------------------------------------------- a table */

static struct json_object *
object_schema(struct sb_openapi *o, const struct sb_field *fields,
    enum sb_schema_of of)
{
	struct json_object *schema = json_object_new_object();
	struct json_object *required = json_object_new_array();

	add(schema, "type", text("object"));
	child(schema, "properties");
	for (const struct sb_field *f = fields; f->name != NULL; f++) {
		if (f->in != SB_IN_BODY)
			continue;
		add(child(schema, "properties"), f->name,
		    sb_schema_field(o, f, of));
		if (!f->optional)
			json_object_array_add(required, text(f->name));
	}
	if (json_object_array_length(required) > 0)
		add(schema, "required", required);
	else
		json_object_put(required);
	/* An answer is held to its table; what else comes in is ignored. */
	if (of == SB_OF_ANSWER)
		add(schema, "additionalProperties",
		    json_object_new_boolean(false));
	return schema;
}

struct json_object *
sb_schema_fields(struct sb_openapi *o, const struct sb_field *fields,
    enum sb_schema_of of)
{
	struct json_object *schema = object_schema(o, fields, of), *there;
	const struct sb_field *end = fields;

	while (end->name != NULL)
		end++;
	if (end->doc == NULL)
		return schema;
	if (!json_object_object_get_ex(o->schemas, end->doc, &there))
		add(o->schemas, end->doc, schema);
	else if (!json_object_equal(there, schema))
		sb_fatal("%s: the name of two schemas", end->doc);
	else
		json_object_put(schema);
	return reference(o->pool, end->doc);
}

/* ------------------------------------------------------------------ a 422 */

static bool
is_in(struct json_object *array, const char *value)
{
	for (size_t i = 0; i < json_object_array_length(array); i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(
		    array, i)), value) == 0)
			return true;
	return false;
}

/* Each once: two flaws may be of one type. */
static struct json_object *
types_of(unsigned flaws)
{
	struct json_object *types = json_object_new_array();

	for (int i = 0; i < SB_FLAWS; i++)
		if (flaws & 1U << i && !is_in(types, sb_flaw_words[i].type))
			json_object_array_add(types,
			    text(sb_flaw_words[i].type));
	return types;
}

const char *
sb_schema_flaws(struct sb_pool *pool, unsigned flaws)
{
	struct json_object *types = types_of(flaws);
	const char *list = "";

	for (size_t i = 0; i < json_object_array_length(types); i++)
		list = sb_printf(pool, "%s%s`%s`", list, i == 0 ? "" : ", ",
		    json_object_get_string(json_object_array_get_idx(types,
		    i)));
	json_object_put(types);
	return list;
}

/* An entry's shape, but for its types and what they tell in their ctx. */
static const char entry_shape[] = "{\"type\":\"object\","
    "\"description\":\"What is wrong with one field.\","
    "\"required\":[\"type\",\"loc\",\"msg\"],"
    "\"additionalProperties\":false,\"properties\":{"
    "\"type\":{\"type\":\"string\",\"description\":\"What kind of thing.\"},"
    "\"loc\":{\"type\":\"array\",\"minItems\":1,"
    "\"description\":\"Where: in the body, the query, the path or a header "
    "field, and the field's name; of an item of a list its number from 0, too; "
    "for json_invalid the byte.\","
    "\"items\":{\"type\":[\"string\",\"integer\"]}},"
    "\"msg\":{\"type\":\"string\",\"description\":\"The same in words.\"},"
    "\"input\":{\"description\":\"What came in; left out of a secret.\"},"
    "\"ctx\":{\"type\":\"object\",\"description\":\"What the words hold.\","
    "\"additionalProperties\":false,\"properties\":{}}}}";

/* The members that a type's ctx has, among those of all. */
static void
add_context(struct json_object *ctx, const struct sb_flaw_words *words)
{
	enum sb_kind kind;

	for (int i = 0; i < SB_FLAW_CONTEXT; i++) {
		if (words->context[i].name == NULL)
			return;
		kind = words->context[i].number ? SB_INT : SB_TEXT;
		add(child(ctx, words->context[i].name), "type",
		    text(kinds[kind].type));
	}
}

struct json_object *
sb_schema_invalid(struct sb_openapi *o)
{
	struct json_object *entry = json_tokener_parse(entry_shape);
	struct json_object *properties = child(entry, "properties");
	struct json_object *ctx = child(child(properties, "ctx"),
	    "properties"), *schema = json_object_new_object(), *list;

	add(child(properties, "type"), "enum", types_of(~0U));
	for (int i = 0; i < SB_FLAWS; i++)
		add_context(ctx, &sb_flaw_words[i]);
	add(o->schemas, "InvalidField", entry);
	add(schema, "type", text("object"));
	list = child(child(schema, "properties"), sb_error_fields[0].name);
	add(list, "type", text(kinds[SB_LIST].type));
	add(list, "description", text("All that is wrong, in the order of "
	    "the declared fields."));
	add(list, "items", reference(o->pool, "InvalidField"));
	add(schema, "required", array_of(text(sb_error_fields[0].name)));
	add(schema, "additionalProperties", json_object_new_boolean(false));
	add(o->schemas, "ValidationError", schema);
	return reference(o->pool, "ValidationError");
}
