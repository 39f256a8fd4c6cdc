/*
 * Values: of a client's options, of tests' arguments, of attributes.
 */
#include <string.h>

#include "baml/internal.h"

static struct baml_value *
new_value(struct baml_parser *p, enum baml_value_kind kind)
{
	struct baml_value *v = sb_alloc(p->program->pool, sizeof(*v));

	v->kind = kind;
	v->at = p->token.at;
	v->text = p->token.text;
	return v;
}

static bool
is_env(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return strncmp(text, "env.", 4) == 0 && text[4] != '\0' &&
	    strspn(text + 4, letters) == strlen(text + 4);
}

static struct baml_value *
parse_words(struct baml_parser *p)
{
	struct baml_value *v;

	p->token = baml_lex_words(&p->lexer, p->token.at.from);
	v = new_value(p, BAML_WORDS);
	if (strcmp(v->text, "true") == 0 || strcmp(v->text, "false") == 0)
		v->kind = BAML_TRUTH;
	else if (strcmp(v->text, "null") == 0)
		v->kind = BAML_NOTHING;
	else if (is_env(v->text)) {
		v->kind = BAML_ENV;
		v->text += strlen("env.");
	}
	baml_advance(p);
	return v;
}

/* What is between [ and ]; newlines and a comma at its end don't matter. */
static bool
parse_items(struct baml_parser *p, struct baml_value **last)
{
	baml_skip_newlines(p);
	while (!baml_take_sign(p, ']')) {
		if ((*last = baml_parse_value(p)) == NULL)
			return false;
		last = &(*last)->next;
		baml_skip_newlines(p);
		if (baml_take_sign(p, ','))
			baml_skip_newlines(p);
		else if (!baml_is_sign(p, ']'))
			return baml_expected(p, "a comma or ]");
	}
	return true;
}

static struct baml_value *
parse_nested(struct baml_parser *p)
{
	bool list = baml_is_sign(p, '['), whole;
	struct baml_value *v = new_value(p, list ? BAML_VALUES :
	    BAML_ENTRIES);

	if (!baml_deeper(p))
		return NULL;
	baml_advance(p);
	whole = list ? parse_items(p, &v->items) :
	    baml_parse_entries(p, &v->entries);
	p->depth--;
	v->at = baml_since(p, v->at);
	return whole ? v : NULL;
}

struct baml_value *
baml_parse_value(struct baml_parser *p)
{
	struct baml_value *v;

	switch (p->token.kind) {
	case BAML_TEXT:
		v = new_value(p, p->token.raw ? BAML_RAW : BAML_QUOTED);
		break;
	case BAML_NUMERAL:
		v = new_value(p, BAML_NUMBER);
		break;
	case BAML_EXPRESSION:
		v = new_value(p, BAML_JINJA);
		break;
	case BAML_WORD:
		return parse_words(p);
	case BAML_SIGN:
		if (p->token.sign == '[' || p->token.sign == '{')
			return parse_nested(p);
		if (strchr("#@(<})]>,';", p->token.sign) == NULL)
			return parse_words(p);
		__attribute__((fallthrough));
	default:
		baml_expected(p, "a value, on this line");
		return NULL;
	}
	baml_advance(p);
	return v;
}

/* A key: a text, or words with dots between them. */
static struct baml_entry *
parse_key(struct baml_parser *p)
{
	struct baml_entry *entry = sb_alloc(p->program->pool, sizeof(*entry));

	entry->at = p->token.at;
	if (p->token.kind == BAML_TEXT && !p->token.raw) {
		entry->key = p->token.text;
		baml_advance(p);
		return entry;
	}
	if (p->token.kind != BAML_WORD) {
		baml_expected(p, "a key or }");
		return NULL;
	}
	do
		baml_advance(p);
	while ((p->token.kind == BAML_WORD || baml_is_sign(p, '.')) &&
	    p->token.at.from == p->before.to);
	entry->at = baml_since(p, entry->at);
	entry->key = sb_copy(p->program->pool,
	    entry->at.source->text + entry->at.from,
	    entry->at.to - entry->at.from);
	return entry;
}

bool
baml_parse_entries(struct baml_parser *p, struct baml_entry **last)
{
	baml_skip_newlines(p);
	while (!baml_take_sign(p, '}')) {
		if ((*last = parse_key(p)) == NULL)
			return false;
		baml_take_sign(p, ':');
		if (((*last)->value = baml_parse_value(p)) == NULL)
			return false;
		last = &(*last)->next;
		if (!baml_is_sign(p, '}') && !baml_is_sign(p, ',') &&
		    p->token.kind != BAML_NEWLINE)
			return baml_expected(p, "a new line, a comma or }");
		baml_take_sign(p, ',');
		baml_skip_newlines(p);
	}
	return true;
}
