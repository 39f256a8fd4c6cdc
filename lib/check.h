/*
 * What check.c and kind.c share: a check of a request's input under way, and
 * the entries of the 422 that it may become.
 */
#ifndef SB_CHECK_H
#define SB_CHECK_H

#include <json-c/json.h>

#include "internal.h"

struct sb_check {
	struct sb_request *rq;
	const struct sb_field *fields;
	struct json_object *errors;	/* NULL: none yet */
	struct json_object *object;	/* a JSON body that is an object */
	const struct sb_pair *form, *query;
	bool		 is_form;
	bool		 no_body;	/* said already; not for each again */
};

/* A field's value as it came: a JSON value, or a pair of a form or query. */
struct sb_raw {
	struct json_object *json;
	const struct sb_pair *pair;
};

extern const char *const sb_places[SB_PLACES];

/* Adds an entry whose loc begins with the place; the caller completes it. */
struct json_object *sb_check_entry(struct sb_check *, const char *type,
	    const char *place, const char *message);
void	 sb_check_context(struct json_object *entry, const char *name,
	    struct json_object *value);

/* Bytes as a JSON string, whatever they are. */
struct json_object *sb_check_text(struct sb_pool *, const char *, size_t);

/* A value as an entry's input shows it. */
struct json_object *sb_check_input_of(const struct sb_check *,
	    const struct sb_raw *);

/* Says that a value is wrong for another reason than its kind.  False. */
bool	 sb_check_value_error(struct sb_check *, const struct sb_field *,
	    const struct sb_raw *, const char *reason);

/* Checks a value that is there; true, and *value, or an entry of the 422. */
bool	 sb_check_kind(struct sb_check *, const struct sb_field *,
	    const struct sb_raw *, struct sb_value *value);

#endif
