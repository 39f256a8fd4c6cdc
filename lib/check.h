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

/*
 * A field's value as it came: a JSON value, or the pair that a form, a query, a
 * path or a header field is.
 */
struct sb_raw {
	struct json_object *json;
	const struct sb_pair *pair;
};

extern const char *const sb_places[SB_PLACES];

/* What can be wrong with an input: the types of a 422's entries. */
enum sb_flaw {
	SB_FLAW_MISSING,
	SB_FLAW_STRING_TYPE,
	SB_FLAW_STRING_TOO_SHORT,
	SB_FLAW_STRING_TOO_LONG,
	SB_FLAW_STRING_PATTERN,
	SB_FLAW_BOOL_TYPE,
	SB_FLAW_BOOL_PARSING,
	SB_FLAW_INT_TYPE,
	SB_FLAW_INT_PARSING,
	SB_FLAW_TOO_SMALL,
	SB_FLAW_TOO_GREAT,
	SB_FLAW_ENUM,
	SB_FLAW_LIST_TYPE,
	SB_FLAW_TOO_FEW,
	SB_FLAW_TOO_MANY,
	SB_FLAW_VALUE,
	SB_FLAW_EMAIL,			/* a value's, with words of its own */
	SB_FLAW_JSON,
	SB_FLAW_NO_OBJECT,
	SB_FLAWS
};

#define SB_FLAW_CONTEXT	3

extern const struct sb_flaw_words {
	const char	*type;
	const char	*message;
	struct {
		const char	*name;		/* NULL: there are no more */
		bool		 number;	/* it is one */
	} context[SB_FLAW_CONTEXT];	/* its ctx's members */
} sb_flaw_words[SB_FLAWS];

/*
 * Adds an entry whose loc begins with the place; what its ctx will be, or NULL,
 * is in its message.  The caller completes it: last by its ctx.
 */
struct json_object *sb_check_entry(struct sb_check *, enum sb_flaw,
	    const char *place, struct json_object *ctx);
void	 sb_check_context(struct json_object *entry, struct json_object *ctx);

/* A ctx whose first member this is; NULL for NULL.  Takes the reference. */
struct json_object *sb_check_about(enum sb_flaw, struct json_object *value);

/* Bytes as a JSON string, whatever they are. */
struct json_object *sb_check_text(struct sb_pool *, const char *, size_t);

/* A value as an entry's input shows it. */
struct json_object *sb_check_input_of(const struct sb_check *,
	    const struct sb_raw *);

/* Says that a value is wrong for another reason than its kind.  False. */
bool	 sb_check_value_error(struct sb_check *, const struct sb_field *,
	    const struct sb_raw *, const char *reason);

/* Says that a number is beyond a bound, or a text none of these.  False. */
bool	 sb_check_bound_error(struct sb_check *, const struct sb_field *,
	    const struct sb_raw *, int64_t most);
bool	 sb_check_choice_error(struct sb_check *, const struct sb_field *,
	    const struct sb_raw *, const char *const *choices);

/* Checks a value that is there; true, and *value, or an entry of the 422. */
bool	 sb_check_kind(struct sb_check *, const struct sb_field *,
	    const struct sb_raw *, struct sb_value *value);

/*
 * What can be wrong with a field's value, by bits, where it comes as JSON, as
 * text, or may come as either.
 */
unsigned sb_check_flaws(const struct sb_field *, bool json, bool text);

#endif
