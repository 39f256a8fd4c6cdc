/*
 * What the files of the OpenAPI document share: openapi.c puts it together,
 * openapi_answer.c tells what an operation answers, openapi_schema.c describes
 * tables of fields, openapi_example.c has answered.  JSON that a function gives
 * is the caller's reference, but where it says otherwise.
 */
#ifndef SB_OPENAPI_H
#define SB_OPENAPI_H

#include <json-c/json.h>

#include "internal.h"

/* A part of the document under way: what one program prints. */
struct sb_openapi {
	struct sb_pool	*pool;
	const struct sb_program *program;
	struct json_object *document;
	struct json_object *schemas;	/* of its components */
};

static inline struct json_object *
text(const char *value)
{
	return json_object_new_string(value);
}

/* Takes the reference. */
static inline void
add(struct json_object *object, const char *name, struct json_object *value)
{
	json_object_object_add(object, name, value);
}

/* The member of that name, made if there is none; the object keeps it. */
static inline struct json_object *
child(struct json_object *object, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value)) {
		value = json_object_new_object();
		add(object, name, value);
	}
	return value;
}

/* Takes the reference. */
static inline struct json_object *
array_of(struct json_object *item)
{
	struct json_object *array = json_object_new_array();

	json_object_array_add(array, item);
	return array;
}

/* ------------------------------------------------------- openapi_schema.c */

/* What a schema is of.  JSON may have null for what is optional. */
enum sb_schema_of { SB_OF_ANSWER, SB_OF_JSON, SB_OF_FORM, SB_OF_PARAMETER };

struct json_object *sb_schema_field(struct sb_openapi *,
	    const struct sb_field *, enum sb_schema_of);

/*
 * The schema of a table's fields that are in a body; of one that has a name, a
 * reference to the component, which is made.
 */
struct json_object *sb_schema_fields(struct sb_openapi *,
	    const struct sb_field *, enum sb_schema_of);

/* A reference to the schema of a 422, which is made. */
struct json_object *sb_schema_invalid(struct sb_openapi *);

/* The types of a 422's entries, of flaws by bits, in Markdown. */
const char *sb_schema_flaws(struct sb_pool *, unsigned flaws);

/* ------------------------------------------------------- openapi_answer.c */

/* What bodies a route takes; 0 if no field is in one. */
unsigned sb_openapi_bodies(const struct sb_route *);

/* Adds all that a route can answer. */
void	 sb_openapi_answers(struct sb_openapi *, struct json_object *,
	    const struct sb_route *);

/* ------------------------------------------------------ openapi_example.c */

/* An answer, as it was made. */
struct sb_example {
	struct json_object *body;	/* the caller's reference, or NULL */
	unsigned	 headers;	/* those of header.c, by bits */
};

/* A value of a field, or of fields in a body, by their examples; or NULL. */
struct json_object *sb_example_field(const struct sb_field *);
struct json_object *sb_example_fields(const struct sb_field *);
struct json_object *sb_example_answer(const struct sb_field *);

/*
 * What the route answers: well, but without a body; as its row says otherwise,
 * without the store; or by a refusal.
 */
struct sb_example sb_example_success(struct sb_openapi *,
	    const struct sb_route *, enum sb_status);
struct sb_example sb_example_otherwise(struct sb_openapi *,
	    const struct sb_route *);
struct sb_example sb_example_error(struct sb_openapi *,
	    const struct sb_route *, const struct sb_error *);
struct sb_example sb_example_limited(struct sb_openapi *,
	    const struct sb_route *, enum sb_limit);

/* The same to an empty object or form; no body if that is taken. */
struct sb_example sb_example_invalid(struct sb_openapi *,
	    const struct sb_route *);

#include "banned.h"

#endif
