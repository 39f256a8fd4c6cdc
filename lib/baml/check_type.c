/*
 * Fields and their types: that what is named is there, that attributes are ones
 * that we know, and that no class must hold itself.
 */
#include <string.h>

#include "baml/internal.h"

/* Where an attribute may stand. */
enum place {
	ON_FIELD = 1,
	ON_VALUE = 2,		/* of an enum */
	ON_CLASS = 4,
	ON_ENUM = 8,
	ON_TYPE = 16,		/* an alias, or what is in another type */
	ON_TEST = 32
};

enum arguments { NO_ARGUMENT, ONE_TEXT, CONSTRAINT, NAMED_CONSTRAINT };

#define ANY_FIELD	(ON_FIELD | ON_VALUE | ON_TYPE)
#define ANY_BLOCK	(ON_CLASS | ON_ENUM)

static const struct attribute {
	const char	*name;
	unsigned	 places;
	enum arguments	 arguments;
	const char	*missing;	/* why we have it not, or NULL */
} attributes[] = {
	{ "alias", ON_FIELD | ON_VALUE | ANY_BLOCK, ONE_TEXT },
	{ "description", ON_FIELD | ON_VALUE | ANY_BLOCK, ONE_TEXT },
	{ "skip", ON_FIELD | ON_VALUE | ON_ENUM, NO_ARGUMENT },
	{ "assert", ANY_FIELD | ANY_BLOCK | ON_TEST, CONSTRAINT },
	{ "check", ANY_FIELD | ANY_BLOCK | ON_TEST, NAMED_CONSTRAINT },
	{ "dynamic", ANY_BLOCK, NO_ARGUMENT,
	    "dynamic types are not part of this runtime" },
	{ "stream.done", ANY_FIELD | ON_CLASS, NO_ARGUMENT,
	    "what a stream gives on its way is not chosen" },
	{ "stream.not_null", ANY_FIELD, NO_ARGUMENT,
	    "what a stream gives on its way is not chosen" },
	{ "stream.with_state", ANY_FIELD, NO_ARGUMENT,
	    "what a stream gives on its way is not chosen" },
};
#define ATTRIBUTES	(sizeof(attributes) / sizeof(*attributes))

/* ------------------------------------------------------------ attributes */

static bool
is_label(const struct baml_value *value)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	return value != NULL && value->kind == BAML_WORDS &&
	    strspn(value->text, letters) == strlen(value->text);
}

/* What is wrong with the arguments, or NULL. */
static const char *
arguments_wrong(enum arguments kind, const struct baml_value *first)
{
	const struct baml_value *last = first;

	if (kind == NO_ARGUMENT)
		return first == NULL ? NULL : "takes no argument";
	if (kind == ONE_TEXT) {
		if (first == NULL || first->next != NULL)
			return "takes one text";
		return first->kind == BAML_QUOTED ||
		    first->kind == BAML_RAW || first->kind == BAML_WORDS ||
		    first->kind == BAML_ENV ? NULL : "takes a text";
	}
	if (is_label(first))
		last = first->next;
	else if (kind == NAMED_CONSTRAINT)
		return "takes a name and an expression: (name, {{ .. }})";
	if (last == NULL || last->kind != BAML_JINJA || last->next != NULL)
		return "takes an expression: ({{ .. }}), or (name, {{ .. }})";
	return NULL;
}

/* May it be there twice? */
static bool
repeats(const struct attribute *known)
{
	return known->arguments == CONSTRAINT ||
	    known->arguments == NAMED_CONSTRAINT;
}

static void
check_attribute(struct baml_program *program, const struct baml_attribute *a,
    enum place place, unsigned *seen)
{
	const char *at = a->block ? "@@" : "@", *why;
	size_t i = 0;

	while (i < ATTRIBUTES && strcmp(a->name, attributes[i].name) != 0)
		i++;
	if (i == ATTRIBUTES) {
		baml_wrong(program, a->at, "there is no attribute %s%s", at,
		    a->name);
		return;
	}
	if (attributes[i].missing != NULL)
		baml_unsupported(program, a->at,
		    sb_printf(program->pool, "%s%s", at, a->name),
		    attributes[i].missing);
	else if ((attributes[i].places & place) == 0)
		baml_wrong(program, a->at, "%s%s has no place here", at,
		    a->name);
	else if ((*seen & 1u << i) != 0 && !repeats(&attributes[i]))
		baml_wrong(program, a->at, "%s%s is there already", at,
		    a->name);
	else if ((why = arguments_wrong(attributes[i].arguments,
	    a->arguments)) != NULL)
		baml_wrong(program, a->at, "%s%s %s", at, a->name, why);
	*seen |= 1u << i;
}

static void
check_attributes(struct baml_program *program,
    const struct baml_attribute *list, enum place place)
{
	unsigned seen = 0;

	for (; list != NULL; list = list->next)
		check_attribute(program, list, place, &seen);
}

/* ------------------------------------------------------------ types */

/* Whether a map may have such keys. */
static bool
is_key(const struct baml_type *type, int depth)
{
	switch (type->kind) {
	case BAML_STRING:
	case BAML_TEXT_LITERAL:
		return true;
	case BAML_NAMED:
		if (type->decl == NULL || type->decl->kind == BAML_ENUM)
			return true;
		return type->decl->kind == BAML_ALIAS && depth > 0 &&
		    type->decl->type != NULL &&
		    is_key(type->decl->type, depth - 1);
	case BAML_UNION:
		for (type = type->items; type != NULL; type = type->next)
			if (type->kind != BAML_TEXT_LITERAL)
				return false;
		return true;
	default:
		return false;
	}
}

static void
resolve(struct baml_program *program, struct baml_type *type)
{
	static const enum baml_decl_kind kinds[] = { BAML_CLASS, BAML_ENUM,
	    BAML_ALIAS };

	for (size_t i = 0; i < 3 && type->decl == NULL; i++)
		type->decl = baml_find(program, kinds[i], type->text);
	if (type->decl == NULL)
		baml_wrong(program, type->at, "there is no type %s",
		    type->text);
}

static void
check_type(struct baml_program *program, struct baml_type *type)
{
	check_attributes(program, type->attributes, ON_FIELD);
	if (type->kind == BAML_NAMED)
		resolve(program, type);
	for (struct baml_type *t = type->items; t != NULL; t = t->next)
		check_type(program, t);
}

/* Aliases are known by then. */
static void
check_keys(struct baml_program *program, const struct baml_type *type)
{
	if (type->kind == BAML_MAP && !is_key(type->items, BAML_DEPTH))
		baml_wrong(program, type->items->at, "a map's keys are "
		    "string, an enum, or texts with | between them");
	for (type = type->items; type != NULL; type = type->next)
		check_keys(program, type);
}

static const struct baml_value *
argument_of(const struct baml_field *field, const char *attribute)
{
	const struct baml_attribute *a = field->attributes;

	while (a != NULL && strcmp(a->name, attribute) != 0)
		a = a->next;
	return a == NULL ? NULL : a->arguments;
}

/* Words of BAML and of the languages that clients are generated for. */
static bool
is_keyword(const char *name)
{
	static const char *const words[] = {
		"and", "assert", "async", "audio", "await", "bool", "break",
		"catch", "class", "const", "continue", "do", "dynamic",
		"elif", "else", "enum", "env", "export", "extends", "false",
		"finally", "float", "for", "function", "global", "image",
		"import", "in", "instanceof", "int", "lambda", "let", "new",
		"nonlocal", "not", "null", "or", "package", "pdf", "private",
		"public", "return", "self", "static", "string", "super",
		"switch", "this", "throw", "true", "try", "typeof", "var",
		"video", "void", "while", "with", "yield"
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(name, words[i]) == 0)
			return true;
	return false;
}

/* What every field must be, and in a class. */
static void
check_field(struct baml_program *program, const struct baml_decl *d,
    struct baml_field *f)
{
	bool in_class = d->kind == BAML_CLASS, in_enum = d->kind == BAML_ENUM;

	if (in_class && strchr(f->name, '-') != NULL)
		baml_wrong(program, f->at,
		    "the name of a field has letters, digits and _ alone");
	if (in_class && is_keyword(f->name))
		baml_wrong(program, f->at,
		    "%s is a word of the language: no field can have its name",
		    f->name);
	check_attributes(program, f->attributes,
	    in_enum ? ON_VALUE : ON_FIELD);
	f->alias = argument_of(f, "alias");
	f->description = argument_of(f, "description");
	for (const struct baml_attribute *a = f->attributes; a != NULL;
	    a = a->next)
		f->skip |= in_enum && strcmp(a->name, "skip") == 0;
	if (f->type != NULL)
		check_type(program, f->type);
}

/* The name that a model reads and writes; NULL: it is known at a call. */
static const char *
rendered(const struct baml_field *f)
{
	if (f->alias == NULL)
		return f->name;
	return f->alias->kind == BAML_ENV ? NULL : f->alias->text;
}

void
baml_check_types(struct baml_program *program, struct baml_decl *d)
{
	struct baml_names *names = baml_names_new(program->pool);
	struct baml_names *seen = baml_names_new(program->pool);
	const char *name;

	for (struct baml_field *f = d->fields; f != NULL; f = f->next) {
		if (baml_names_add(names, f->name, f) != NULL)
			baml_wrong(program, f->at, "%s has %s already",
			    d->name, f->name);
		check_field(program, d, f);
		if (d->kind == BAML_CLASS && (name = rendered(f)) != NULL &&
		    baml_names_add(seen, name, f) != NULL)
			baml_wrong(program, f->at, "another field of %s "
			    "is called \"%s\", too", d->name, name);
	}
	if (d->type != NULL)
		check_type(program, d->type);
	if (d->kind == BAML_CLASS)
		check_attributes(program, d->attributes, ON_CLASS);
	if (d->kind == BAML_ENUM)
		check_attributes(program, d->attributes, ON_ENUM);
	if (d->kind == BAML_ALIAS)
		check_attributes(program, d->attributes, ON_TYPE);
	if (d->kind == BAML_TEST)
		check_attributes(program, d->attributes, ON_TEST);
}

/* ------------------------------------------------------------ ends */

#define ROUNDS	200

/* Whether it has values that are written in finite time, as far as known. */
static bool
is_finite(const struct baml_type *type)
{
	switch (type->kind) {
	case BAML_NAMED:
		return type->decl == NULL || type->decl->kind == BAML_ENUM ||
		    type->decl->finite;
	case BAML_UNION:
		for (type = type->items; type != NULL; type = type->next)
			if (is_finite(type))
				return true;
		return false;
	default:
		return true;
	}
}

bool
baml_type_holds_media(const struct baml_type *type)
{
	if (type->kind >= BAML_IMAGE && type->kind <= BAML_VIDEO)
		return true;
	if (type->kind == BAML_NAMED)
		return type->decl != NULL && type->decl->media;
	for (type = type->items; type != NULL; type = type->next)
		if (baml_type_holds_media(type))
			return true;
	return false;
}

/* Takes one more look; true if that changed what is known. */
static bool
look(struct baml_decl *d)
{
	bool finite = d->type == NULL || is_finite(d->type);
	bool media = d->type != NULL && baml_type_holds_media(d->type), news;

	for (const struct baml_field *f = d->fields; f != NULL; f = f->next) {
		finite = finite && is_finite(f->type);
		media = media || baml_type_holds_media(f->type);
	}
	news = finite != d->finite || media != d->media;
	d->finite = finite;
	d->media = media;
	return news;
}

static bool
goes_on(const struct baml_decl *d)
{
	return d->kind == BAML_CLASS || d->kind == BAML_ALIAS;
}

/* An alias within an alias, with neither a list nor a map between them. */
static void
check_alias(struct baml_program *program, const struct baml_type *type,
    int depth)
{
	struct baml_decl *d = (struct baml_decl *)type->decl;

	if (type->kind == BAML_UNION || type->kind == BAML_OPTIONAL) {
		for (type = type->items; type != NULL; type = type->next)
			check_alias(program, type, depth);
		return;
	}
	if (d == NULL || d->kind != BAML_ALIAS || d->type == NULL ||
	    d->walk == BAML_LEFT)
		return;
	if (d->walk == BAML_ENTERED) {
		baml_wrong(program, type->at, "%s is made of itself, with "
		    "neither a list nor a map between", d->name);
		return;
	}
	if (depth == 0) {
		baml_wrong(program, type->at,
		    "more than %d types are made of each other", BAML_DEPTH);
		return;
	}
	d->walk = BAML_ENTERED;
	check_alias(program, d->type, depth - 1);
	d->walk = BAML_LEFT;
}

static void
check_aliases(struct baml_program *program)
{
	struct baml_type name = { .kind = BAML_NAMED };

	for (struct baml_decl *d = program->decls; d != NULL; d = d->next) {
		if (d->kind != BAML_ALIAS)
			continue;
		name.at = d->at;
		name.decl = d;
		check_alias(program, &name, BAML_DEPTH);
	}
}

/* All that can go on, in their order. */
static struct baml_decl **
gather(struct baml_program *program, size_t *count)
{
	struct baml_decl **all, *d;
	size_t n = 0;

	for (d = program->decls; d != NULL; d = d->next)
		n += goes_on(d);
	all = sb_alloc(program->pool, (n + 1) * sizeof(struct baml_decl *));
	*count = 0;
	for (d = program->decls; d != NULL; d = d->next)
		if (goes_on(d))
			all[(*count)++] = d;
	return all;
}

void
baml_check_ends(struct baml_program *program)
{
	size_t n;
	struct baml_decl **all = gather(program, &n);
	bool news = true;
	int round;

	check_aliases(program);
	for (round = 0; news && round < ROUNDS; round++) {
		news = false;
		/* Either way, as a chain may go up or down a file. */
		for (size_t i = 0; i < n; i++)
			news |= look(all[round % 2 == 0 ? i : n - 1 - i]);
	}
	for (size_t i = 0; i < n; i++)
		if (all[i]->kind == BAML_CLASS && !all[i]->finite)
			baml_wrong(program, all[i]->at, news ?
			    "%s goes through too many others" :
			    "%s has no end: it always holds itself, or a "
			    "class that does", all[i]->name);
	for (struct baml_decl *d = program->decls; d != NULL; d = d->next) {
		for (struct baml_field *f = d->fields; f != NULL; f = f->next)
			if (f->type != NULL)
				check_keys(program, f->type);
		if (d->type != NULL)
			check_keys(program, d->type);
	}
}
