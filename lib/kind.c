/*
 * One value against the kind and bounds of its field, and the entry of a 422
 * that says what is wrong with it.
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

/*
 * Adds an entry for a field; its input, unless it is a secret, is what came.
 * Takes the reference.  False.
 */
static bool
say(struct sb_check *c, const struct sb_field *f, const struct sb_raw *raw,
    enum sb_flaw flaw, struct json_object *about)
{
	struct json_object *entry = sb_check_entry(c, flaw, sb_places[f->in],
	    about);

	json_object_array_add(json_object_object_get(entry, "loc"),
	    json_object_new_string(f->name));
	if (f->kind != SB_SECRET)
		json_object_object_add(entry, "input",
		    sb_check_input_of(c, raw));
	sb_check_context(entry, flaw, about);
	return false;
}

bool
sb_check_value_error(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, const char *reason)
{
	return say(c, f, raw, f->kind == SB_EMAIL ? SB_FLAW_EMAIL :
	    SB_FLAW_VALUE, json_object_new_string(reason));
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
		return say(c, f, raw, SB_FLAW_STRING_TYPE, NULL);
	length = (int64_t)sb_utf8_length(text);
	if (length < f->min)
		return say(c, f, raw, SB_FLAW_STRING_TOO_SHORT,
		    json_object_new_int64(f->min));
	if (f->max > 0 && length > f->max)
		return say(c, f, raw, SB_FLAW_STRING_TOO_LONG,
		    json_object_new_int64(f->max));
	if (f->pattern != NULL && !matches(f->pattern, text))
		return say(c, f, raw, SB_FLAW_STRING_PATTERN,
		    json_object_new_string(f->pattern));
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
		return say(c, f, raw, SB_FLAW_STRING_TYPE, NULL);
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
	const char *text = raw_text(raw);
	int64_t n;

	if (text != NULL) {
		if (!parse_int(text, &n))
			return say(c, f, raw, SB_FLAW_INT_PARSING, NULL);
	} else if (json_object_is_type(raw->json, json_type_int) &&
	    json_object_get_uint64(raw->json) <= INT64_MAX)
		n = json_object_get_int64(raw->json);
	else
		return say(c, f, raw, SB_FLAW_INT_TYPE, NULL);
	if ((f->min != 0 || f->max != 0) && n < f->min)
		return say(c, f, raw, SB_FLAW_TOO_SMALL,
		    json_object_new_int64(f->min));
	if ((f->min != 0 || f->max != 0) && n > f->max)
		return say(c, f, raw, SB_FLAW_TOO_GREAT,
		    json_object_new_int64(f->max));
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
		return say(c, f, raw, SB_FLAW_BOOL_TYPE, NULL);
	if (text == NULL) {
		value->number = json_object_get_boolean(raw->json);
		return true;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i]) == 0) {
			value->number = i % 2;
			return true;
		}
	return say(c, f, raw, SB_FLAW_BOOL_PARSING, NULL);
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
	return say(c, f, raw, SB_FLAW_ENUM, json_object_new_string(expected));
}

#define BIT(flaw)	(1U << SB_FLAW_##flaw)
#define OF_TEXT		(BIT(STRING_TOO_SHORT) | BIT(STRING_TOO_LONG) | \
			BIT(STRING_PATTERN) | BIT(VALUE))
#define OF_INT		(BIT(TOO_SMALL) | BIT(TOO_GREAT) | BIT(INT_PARSING))

static const struct {
	bool		 (*check)(struct sb_check *, const struct sb_field *,
			    const struct sb_raw *, struct sb_value *);
	unsigned	 flaws;		/* that it may find */
	unsigned	 json_flaws;	/* in JSON alone */
} kinds[SB_KINDS] = {
	[SB_TEXT] = { check_text, OF_TEXT, BIT(STRING_TYPE) },
	[SB_SECRET] = { check_text, OF_TEXT, BIT(STRING_TYPE) },
	[SB_EMAIL] = { check_text, OF_TEXT, BIT(STRING_TYPE) },
	[SB_INT] = { check_int, OF_INT, BIT(INT_TYPE) },
	[SB_BOOL] = { check_bool, BIT(BOOL_PARSING), BIT(BOOL_TYPE) },
	[SB_ENUM] = { check_enum, BIT(ENUM), 0 },
	[SB_UUID] = { check_uuid, BIT(VALUE), BIT(STRING_TYPE) },
};

bool
sb_check_kind(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, struct sb_value *value)
{
	return kinds[f->kind].check(c, f, raw, value);
}

unsigned
sb_check_flaws(const struct sb_field *f, bool json, bool text)
{
	unsigned flaws = kinds[f->kind].flaws |
	    (json ? kinds[f->kind].json_flaws : 0);

	if (f->kind == SB_INT && f->min == 0 && f->max == 0)
		flaws &= ~(BIT(TOO_SMALL) | BIT(TOO_GREAT));
	/* What is empty in a form is absent. */
	if (f->min == 0 || (f->min == 1 && f->in == SB_IN_BODY && !json))
		flaws &= ~BIT(STRING_TOO_SHORT);
	if (f->max == 0)
		flaws &= ~BIT(STRING_TOO_LONG);
	if (f->pattern == NULL)
		flaws &= ~BIT(STRING_PATTERN);
	if (f->wrong == NULL && f->kind != SB_UUID)
		flaws &= ~BIT(VALUE);
	/* Given twice, or not in UTF-8. */
	if (text)
		flaws |= BIT(VALUE);
	return f->optional ? flaws : flaws | BIT(MISSING);
}
