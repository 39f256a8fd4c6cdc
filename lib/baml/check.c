/*
 * What the files say taken together: who has which name, and the checks of each
 * declaration, in an order in which one relies on those before it.
 */
#include <string.h>

#include "baml/internal.h"

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

void
baml_check_name(struct baml_program *program, const char *name,
    struct baml_span at, const char *what)
{
	if (strchr(name, '-') != NULL)
		baml_wrong(program, at, "the name of %s has letters, "
		    "digits and _ alone", what);
	else if (!is_upper(*name))
		baml_wrong(program, at,
		    "the name of %s begins with a capital", what);
	else if (strcmp(name, "BamlClient") == 0)
		baml_wrong(program, at, "the name %s is reserved", name);
}

/* Names are one set, but for tests', which are by function. */
static void
gather_names(struct baml_program *program)
{
	struct baml_names *names = baml_names_new(program->pool);
	const struct baml_decl *other;

	program->names = names;
	for (struct baml_decl *d = program->decls; d != NULL; d = d->next) {
		if (d->kind == BAML_GENERATOR || d->kind == BAML_TEST)
			continue;
		if ((other = baml_names_add(names, d->name, d)) != NULL)
			baml_wrong(program, d->at,
			    "the name %s is taken: a %s has it, in %s",
			    d->name, baml_decl_words[other->kind],
			    other->at.source->name);
	}
}

const struct baml_decl *
baml_find(const struct baml_program *program, enum baml_decl_kind kind,
    const char *name)
{
	const struct baml_decl *decl = baml_names_find(program->names, name);

	return decl != NULL && decl->kind == kind ? decl : NULL;
}

struct baml_entry *
baml_entry(struct baml_program *program, const struct baml_entry *entries,
    const char *key)
{
	const struct baml_entry *first = NULL;

	for (; entries != NULL; entries = entries->next) {
		if (strcmp(entries->key, key) != 0)
			continue;
		if (first == NULL)
			first = entries;
		else
			baml_wrong(program, entries->at,
			    "%s is there already", key);
	}
	return (struct baml_entry *)first;
}

void
baml_check_keys(struct baml_program *program, const struct baml_entry *entry,
    const char *const *keys, const char *what)
{
	size_t i;

	for (; entry != NULL; entry = entry->next) {
		for (i = 0; keys[i] != NULL; i++)
			if (strcmp(entry->key, keys[i]) == 0)
				break;
		if (keys[i] == NULL)
			baml_wrong(program, entry->at, "%s has no %s", what,
			    entry->key);
	}
}

const char *
baml_value_text(struct baml_program *program, const struct baml_value *value,
    const char *what)
{
	if (value->kind == BAML_QUOTED || value->kind == BAML_RAW ||
	    value->kind == BAML_WORDS)
		return value->text;
	baml_wrong(program, value->at, "%s must be a text", what);
	return NULL;
}

static void
check_names(struct baml_program *program, struct baml_decl *d)
{
	static const char *const what[BAML_DECL_KINDS] = {
		[BAML_CLASS] = "a class",
		[BAML_ENUM] = "an enum",
		[BAML_ALIAS] = "a type",
		[BAML_FUNCTION] = "a function",
		[BAML_CLIENT] = "a client",
		[BAML_RETRY] = "a retry policy",
		[BAML_TEMPLATE] = "a template",
	};
	static const char *const taken[] = { "Boolean", "Bytes", "Float",
	    "Int", "Json", "String" };

	if (what[d->kind] != NULL) {
		baml_check_name(program, d->name, d->at, what[d->kind]);
		for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
			if (strcmp(d->name, taken[i]) == 0)
				baml_wrong(program, d->at,
				    "the name %s is reserved", d->name);
	}
	if (d->kind == BAML_TEST && strchr(d->name, '-') != NULL)
		baml_wrong(program, d->at,
		    "the name of a test has letters, digits and _ alone");
	if (d->kind == BAML_ENUM)
		for (struct baml_field *f = d->fields; f != NULL; f = f->next)
			baml_check_name(program, f->name, f->at,
			    "an enum's value");
}

/* Only tests have attributes of their own here. */
static void
check_attributeless(struct baml_program *program, const struct baml_decl *d)
{
	if (d->kind == BAML_CLASS || d->kind == BAML_ENUM ||
	    d->kind == BAML_ALIAS || d->kind == BAML_TEST)
		return;
	for (const struct baml_attribute *a = d->attributes; a != NULL;
	    a = a->next)
		baml_wrong(program, a->at, "a %s has no attributes",
		    baml_decl_words[d->kind]);
}

static void
check_one(struct baml_program *program, struct baml_decl *d,
    struct baml_names *tested)
{
	check_attributeless(program, d);
	switch (d->kind) {
	case BAML_CLIENT:
		baml_check_client(program, d);
		break;
	case BAML_RETRY:
		baml_check_retry(program, d);
		break;
	case BAML_FUNCTION:
		baml_check_function(program, d);
		break;
	case BAML_TEST:
		baml_check_test(program, d, tested);
		break;
	case BAML_GENERATOR:
		baml_check_generator(program, d);
		break;
	default:
		break;
	}
}

void
baml_check(struct baml_program *program)
{
	struct baml_names *tested = baml_names_new(program->pool);
	struct baml_decl *d;

	gather_names(program);
	for (d = program->decls; d != NULL; d = d->next) {
		check_names(program, d);
		baml_check_types(program, d);
	}
	baml_check_ends(program);
	for (d = program->decls; d != NULL; d = d->next)
		if (!d->broken)
			check_one(program, d, tested);
	baml_check_chains(program);
}
