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
	[SB_IN_HEADER] = "header",
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
say_with(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, enum sb_flaw flaw, struct json_object *ctx)
{
	struct json_object *entry = sb_check_entry(c, flaw, sb_places[f->in],
	    ctx);

	json_object_array_add(json_object_object_get(entry, "loc"),
	    json_object_new_string(f->name));
	if (f->kind != SB_SECRET)
		json_object_object_add(entry, "input",
		    sb_check_input_of(c, raw));
	sb_check_context(entry, ctx);
	return false;
}

/* The same where its ctx has but one member, or NULL. */
static bool
say(struct sb_check *c, const struct sb_field *f, const struct sb_raw *raw,
    enum sb_flaw flaw, struct json_object *about)
{
	return say_with(c, f, raw, flaw, sb_check_about(flaw, about));
}

bool
sb_check_value_error(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, const char *reason)
{
	return say(c, f, raw, f->kind == SB_EMAIL ? SB_FLAW_EMAIL :
	    SB_FLAW_VALUE, json_object_new_string(reason));
}

bool
sb_check_bound_error(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, int64_t most)
{
	return say(c, f, raw, SB_FLAW_TOO_GREAT, json_object_new_int64(most));
}

bool
sb_check_choice_error(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, const char *const *choices)
{
	const char *expected = "";

	for (int i = 0; choices[i] != NULL; i++)
		expected = sb_printf(c->rq->pool, "%s%s'%s'", expected,
		    i == 0 ? "" : choices[i + 1] == NULL ? " or " : ", ",
		    choices[i]);
	return say(c, f, raw, SB_FLAW_ENUM, json_object_new_string(expected));
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

/* What a pattern was compiled to; they are declared, so they are few. */
struct compiled {
	const struct compiled *next;
	const char	*pattern;
	regex_t		 regex;
};

/* Once in a process: that costs more than many a request does. */
static const struct compiled *
compile(const char *pattern)
{
	static const struct compiled *all;
	static struct sb_pool *pool;
	struct compiled *c;

	for (const struct compiled *known = all; known != NULL;
	    known = known->next)
		if (known->pattern == pattern)
			return known;
	if (pool == NULL)
		pool = sb_pool_new();
	c = sb_alloc(pool, sizeof(*c));
	if (regcomp(&c->regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		sb_fatal("a pattern that is none: %s", pattern);
	c->pattern = pattern;
	c->next = all;
	all = c;
	return c;
}

static bool
matches(const char *pattern, const char *text)
{
	return regexec(&compile(pattern)->regex, text, 0, NULL, 0) == 0;
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
	const char *text = raw_text(raw);

	for (int n = 0; f->choices[n] != NULL; n++)
		if (text != NULL && strcmp(text, f->choices[n]) == 0) {
			value->text = f->choices[n];
			value->number = n;
			return true;
		}
	return sb_check_choice_error(c, f, raw, f->choices);
}

/* ------------------------------------------------------------------ lists */

/* The same entry for an item: its loc goes on with where in the list it is. */
static bool
say_which(struct sb_check *c, size_t index)
{
	struct json_object *entry = json_object_array_get_idx(c->errors,
	    json_object_array_length(c->errors) - 1);

	json_object_array_add(json_object_object_get(entry, "loc"),
	    json_object_new_int64((int64_t)index));
	return false;
}

static bool
say_length(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, enum sb_flaw flaw, size_t length)
{
	struct json_object *ctx = sb_check_about(flaw,
	    json_object_new_string("List"));

	json_object_object_add(ctx, sb_flaw_words[flaw].context[1].name,
	    json_object_new_int64(flaw == SB_FLAW_TOO_FEW ? f->fewest :
	    f->most));
	json_object_object_add(ctx, sb_flaw_words[flaw].context[2].name,
	    json_object_new_int64((int64_t)length));
	return say_with(c, f, raw, flaw, ctx);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* However many there are, this takes no time that somebody could spend. */
static bool
has_twice(struct sb_pool *pool, const char *const *texts, size_t n)
{
	const char **sorted = sb_alloc(pool, (n + 1) * sizeof(*sorted));

	memcpy(sorted, texts, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	for (size_t i = 1; i < n; i++)
		if (strcmp(sorted[i - 1], sorted[i]) == 0)
			return true;
	return false;
}

/* Each is held to the field as if it were of one of them. */
static bool
check_items(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, const char **texts)
{
	struct sb_field item = *f;
	bool good = true;

	item.kind = f->choices == NULL ? SB_TEXT : SB_ENUM;
	for (size_t i = 0; i < json_object_array_length(raw->json); i++) {
		const struct sb_raw one = {
		    json_object_array_get_idx(raw->json, i), NULL };
		struct sb_value value = { .present = true };

		if (sb_check_kind(c, &item, &one, &value))
			texts[i] = value.text;
		else
			good = say_which(c, i);
	}
	return good;
}

/* In pydantic's order: too many, then what they are, then too few. */
static bool
check_texts(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, struct sb_value *value)
{
	const char **texts;
	size_t n;

	if (!json_object_is_type(raw->json, json_type_array))
		return say(c, f, raw, SB_FLAW_LIST_TYPE, NULL);
	n = json_object_array_length(raw->json);
	if (f->most > 0 && (int64_t)n > f->most)
		return say_length(c, f, raw, SB_FLAW_TOO_MANY, n);
	texts = sb_alloc(c->rq->pool, (n + 1) * sizeof(*texts));
	if (!check_items(c, f, raw, texts))
		return false;
	if ((int64_t)n < f->fewest)
		return say_length(c, f, raw, SB_FLAW_TOO_FEW, n);
	if (has_twice(c->rq->pool, texts, n))
		return sb_check_value_error(c, f, raw,
		    "must not have the same item twice");
	value->texts = texts;
	value->text = json_object_to_json_string_ext(raw->json,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	return true;
}

#define BIT(flaw)	(1U << SB_FLAW_##flaw)
#define OF_TEXT		(BIT(STRING_TOO_SHORT) | BIT(STRING_TOO_LONG) | \
			BIT(STRING_PATTERN) | BIT(VALUE))
#define OF_TEXTS	(BIT(LIST_TYPE) | BIT(TOO_FEW) | BIT(TOO_MANY))
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
	[SB_TEXTS] = { check_texts, OF_TEXTS | OF_TEXT | BIT(ENUM),
	    BIT(STRING_TYPE) },
};

bool
sb_check_kind(struct sb_check *c, const struct sb_field *f,
    const struct sb_raw *raw, struct sb_value *value)
{
	return kinds[f->kind].check(c, f, raw, value);
}

/* Items are of their choices, or texts that have other flaws. */
static unsigned
texts_flaws(const struct sb_field *f, unsigned flaws)
{
	if (f->fewest == 0)
		flaws &= ~BIT(TOO_FEW);
	if (f->most == 0)
		flaws &= ~BIT(TOO_MANY);
	return f->choices == NULL ? flaws & ~BIT(ENUM) : flaws &
	    ~(BIT(STRING_TYPE) | BIT(STRING_TOO_SHORT) |
	    BIT(STRING_TOO_LONG) | BIT(STRING_PATTERN));
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
	if (f->wrong == NULL && f->kind != SB_UUID && f->kind != SB_TEXTS)
		flaws &= ~BIT(VALUE);
	if (f->kind == SB_TEXTS)
		flaws = texts_flaws(f, flaws);
	/* Given twice, or not in UTF-8. */
	if (text)
		flaws |= BIT(VALUE);
	return f->optional ? flaws : flaws | BIT(MISSING);
}
