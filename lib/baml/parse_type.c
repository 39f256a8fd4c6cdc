/*
 * Types, and the attributes of fields and blocks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "baml/internal.h"

static const struct {
	const char	*word;
	enum baml_type_kind kind;
	bool		 truth;
} words[] = {
	{ "string", BAML_STRING },
	{ "int", BAML_INT },
	{ "float", BAML_FLOAT },
	{ "bool", BAML_BOOL },
	{ "null", BAML_NULL },
	{ "image", BAML_IMAGE },
	{ "audio", BAML_AUDIO },
	{ "pdf", BAML_PDF },
	{ "video", BAML_VIDEO },
	{ "true", BAML_BOOL_LITERAL, true },
	{ "false", BAML_BOOL_LITERAL, false },
};

static struct baml_type *parse_union(struct baml_parser *,
	    struct baml_attribute **);

static struct baml_type *
new_type(struct baml_parser *p, enum baml_type_kind kind)
{
	struct baml_type *type = sb_alloc(p->program->pool, sizeof(*type));

	type->kind = kind;
	type->at = p->token.at;
	type->text = p->token.text;
	return type;
}

/* map<key, value>, whose first word is taken. */
static struct baml_type *
parse_map(struct baml_parser *p, struct baml_type *map)
{
	map->kind = BAML_MAP;
	baml_advance(p);
	if (!baml_deeper(p))
		return NULL;
	if ((map->items = parse_union(p, NULL)) == NULL)
		return NULL;
	if (!baml_take_sign(p, ',')) {
		baml_expected(p, "a comma, and the type of the map's values");
		return NULL;
	}
	if ((map->items->next = parse_union(p, NULL)) == NULL)
		return NULL;
	if (!baml_take_sign(p, '>')) {
		baml_expected(p, "> after the type of the map's values");
		return NULL;
	}
	p->depth--;
	map->at = baml_since(p, map->at);
	return map;
}

static struct baml_type *
parse_name(struct baml_parser *p)
{
	struct baml_type *type = new_type(p, BAML_NAMED);

	baml_advance(p);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(type->text, words[i].word) == 0) {
			type->kind = words[i].kind;
			type->number = words[i].truth;
			return type;
		}
	if (!baml_is_sign(p, '<'))
		return type;
	if (strcmp(type->text, "map") == 0)
		return parse_map(p, type);
	baml_unsupported(p->program, type->at, "generic types",
	    "there are lists, T[], and maps, map<string, T>");
	return NULL;
}

static struct baml_type *
parse_number(struct baml_parser *p)
{
	struct baml_type *type = new_type(p, BAML_INT_LITERAL);

	if (strchr(type->text, '.') != NULL) {
		baml_wrong(p->program, type->at,
		    "a number with a fraction can't be a type");
		return NULL;
	}
	errno = 0;
	type->number = strtoll(type->text, NULL, 10);
	if (errno == ERANGE) {
		baml_wrong(p->program, type->at,
		    "this number has more than 64 bits");
		return NULL;
	}
	baml_advance(p);
	return type;
}

static struct baml_attribute **
end_of(struct baml_attribute **list)
{
	while (*list != NULL)
		list = &(*list)->next;
	return list;
}

static struct baml_type *
parse_group(struct baml_parser *p)
{
	struct baml_span at = p->token.at;
	struct baml_attribute *attributes = NULL;
	struct baml_type *type;

	baml_advance(p);
	if (!baml_deeper(p))
		return NULL;
	if ((type = parse_union(p, &attributes)) == NULL)
		return NULL;
	p->depth--;
	if (baml_is_sign(p, ',')) {
		baml_unsupported(p->program, at, "tuples",
		    "a class has a name for each of its values");
		return NULL;
	}
	if (!baml_take_sign(p, ')')) {
		baml_expected(p, "a ) on the same line");
		return NULL;
	}
	*end_of(&type->attributes) = attributes;
	return type;
}

static struct baml_type *
parse_primary(struct baml_parser *p)
{
	struct baml_type *type;

	switch (p->token.kind) {
	case BAML_WORD:
		return parse_name(p);
	case BAML_NUMERAL:
		return parse_number(p);
	case BAML_TEXT:
		if (p->token.raw)
			break;
		type = new_type(p, BAML_TEXT_LITERAL);
		type->text = p->token.between;
		baml_advance(p);
		return type;
	default:
		if (baml_is_sign(p, '('))
			return parse_group(p);
	}
	baml_expected(p, "a type");
	return NULL;
}

static struct baml_type *
wrap(struct baml_parser *p, enum baml_type_kind kind, struct baml_type *item)
{
	struct baml_type *type = new_type(p, kind);

	type->text = NULL;
	type->items = item;
	type->at = baml_since(p, item->at);
	return type;
}

/* A type with its [] and ?, as many as may follow each other. */
static struct baml_type *
parse_member(struct baml_parser *p)
{
	bool group = baml_is_sign(p, '('), literal;
	struct baml_type *type = parse_primary(p);
	int depth = p->depth;

	if (type == NULL)
		return NULL;
	literal = !group && (type->kind == BAML_TEXT_LITERAL ||
	    type->kind == BAML_INT_LITERAL);
	while (!literal && baml_is_sign(p, '[')) {
		if (!baml_deeper(p))
			return NULL;
		baml_advance(p);
		if (!baml_is_sign(p, ']') ||
		    p->token.at.from != p->before.to) {
			baml_expected(p, "a ] right after the [");
			return NULL;
		}
		baml_advance(p);
		type = wrap(p, BAML_LIST, type);
	}
	p->depth = depth;
	if (baml_take_sign(p, '?'))
		type = wrap(p, BAML_OPTIONAL, type);
	if (baml_is_sign(p, '[') || baml_is_sign(p, '?')) {
		baml_wrong(p->program, p->token.at,
		    "the type before this needs parentheses: (T)%c%s",
		    p->token.sign, p->token.sign == '[' ? "]" : "");
		return NULL;
	}
	return type;
}

/*
 * Members with | between them.  Attributes before a | are that member's, those
 * after the last one the caller's; without a list there may be none.
 */
static struct baml_type *
parse_union(struct baml_parser *p, struct baml_attribute **attributes)
{
	struct baml_attribute *own = NULL;
	struct baml_type *first = parse_member(p), *member = first, *all;

	if (first == NULL ||
	    (attributes != NULL && !baml_parse_attributes(p, &own, false)))
		return NULL;
	if (baml_is_sign(p, '|')) {
		all = wrap(p, BAML_UNION, first);
		while (baml_take_sign(p, '|')) {
			*end_of(&member->attributes) = own;
			own = NULL;
			if ((member->next = parse_member(p)) == NULL)
				return NULL;
			member = member->next;
			if (attributes != NULL &&
			    !baml_parse_attributes(p, &own, false))
				return NULL;
		}
		all->at = baml_since(p, all->at);
		first = all;
	}
	if (attributes != NULL)
		*end_of(attributes) = own;
	return first;
}

struct baml_type *
baml_parse_type(struct baml_parser *p, struct baml_attribute **attributes)
{
	int depth = p->depth;
	struct baml_type *type = parse_union(p, attributes);

	p->depth = depth;
	return type;
}

/* ------------------------------------------------------------ attributes */

static bool
parse_arguments(struct baml_parser *p, struct baml_value **last)
{
	baml_advance(p);
	baml_skip_newlines(p);
	if (baml_take_sign(p, ')'))
		return true;
	for (;;) {
		if ((*last = baml_parse_value(p)) == NULL)
			return false;
		last = &(*last)->next;
		baml_skip_newlines(p);
		if (baml_take_sign(p, ')'))
			return true;
		if (!baml_take_sign(p, ','))
			return baml_expected(p, "a comma or )");
		baml_skip_newlines(p);
	}
}

static struct baml_attribute *
parse_attribute(struct baml_parser *p, bool block)
{
	struct baml_attribute *a = sb_alloc(p->program->pool, sizeof(*a));
	struct baml_span name;

	a->block = block;
	a->at = p->token.at;
	baml_advance(p);
	if (p->token.kind != BAML_WORD) {
		baml_expected(p, "the name of an attribute");
		return NULL;
	}
	name = p->token.at;
	baml_advance(p);
	while (baml_is_sign(p, '.') && p->token.at.from == p->before.to) {
		baml_advance(p);
		if (p->token.kind == BAML_WORD)
			baml_advance(p);
	}
	name = baml_since(p, name);
	a->at = baml_since(p, a->at);
	a->name = sb_copy(p->program->pool, name.source->text + name.from,
	    name.to - name.from);
	if (baml_is_sign(p, '(') && !parse_arguments(p, &a->arguments))
		return NULL;
	return a;
}

static bool
begins_attribute(const struct baml_parser *p, bool block)
{
	return block ? p->token.kind == BAML_BLOCK_AT : baml_is_sign(p, '@');
}

bool
baml_parse_attributes(struct baml_parser *p, struct baml_attribute **list,
    bool block)
{
	struct baml_parser here;

	list = end_of(list);
	for (;;) {
		here = *p;
		p->quiet = true;
		baml_skip_newlines(p);
		p->quiet = here.quiet;
		if (!begins_attribute(p, block)) {
			*p = here;
			return true;
		}
		if ((*list = parse_attribute(p, block)) == NULL)
			return false;
		list = &(*list)->next;
	}
}
