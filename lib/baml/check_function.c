/*
 * Functions, the tests of them, and generators, which are only checked: there
 * is no code to generate.
 */
#include <string.h>

#include "baml/internal.h"

/* By name, or PROVIDER/MODEL. */
static void
check_client(struct baml_program *program, struct baml_decl *d,
    const struct baml_value *value)
{
	const char *name = baml_value_text(program, value, "client"), *slash;

	if (name == NULL)
		return;
	if ((slash = strchr(name, '/')) == NULL) {
		d->client = baml_find(program, BAML_CLIENT, name);
		if (d->client == NULL)
			baml_wrong(program, value->at, "there is no client %s",
			    name);
		return;
	}
	d->provider = baml_provider_find(name, (size_t)(slash - name));
	d->model = slash + 1;
	if (d->provider == NULL || d->provider->strategy)
		baml_wrong(program, value->at, "there is no provider %.*s",
		    (int)(slash - name > 80 ? 80 : slash - name), name);
	else if (d->provider->missing != NULL)
		baml_unsupported(program, value->at, d->provider->name,
		    d->provider->missing);
	else if (*d->model == '\0')
		baml_wrong(program, value->at, "no model after the slash");
}

void
baml_check_function(struct baml_program *program, struct baml_decl *d)
{
	static const char *const keys[] = { "client", "prompt", NULL };
	const struct baml_entry *client, *prompt;

	baml_check_keys(program, d->entries, keys, "a function");
	client = baml_entry(program, d->entries, "client");
	if (client == NULL)
		baml_wrong(program, d->at, "%s has no client", d->name);
	else
		check_client(program, d, client->value);
	prompt = baml_entry(program, d->entries, "prompt");
	if (prompt == NULL)
		baml_wrong(program, d->at, "%s has no prompt", d->name);
	else if (prompt->value->kind != BAML_RAW)
		baml_wrong(program, prompt->value->at,
		    "a prompt is a text in #\" and \"#");
	else
		d->prompt = prompt->value;
	if (baml_type_holds_media(d->type))
		baml_wrong(program, d->type->at,
		    "no model answers with images, audio, video or files");
}

static void
check_tested(struct baml_program *program, const struct baml_decl *d,
    const struct baml_value *value, struct baml_names *tested)
{
	const char *name = baml_value_text(program, value, "a function");

	if (name == NULL)
		return;
	if (baml_find(program, BAML_FUNCTION, name) == NULL)
		baml_wrong(program, value->at, "there is no function %s",
		    name);
	if (baml_names_add(tested, sb_printf(program->pool, "%s %s", name,
	    d->name), d) != NULL)
		baml_wrong(program, d->at, "%s has a test %s already", name,
		    d->name);
}

void
baml_check_test(struct baml_program *program, struct baml_decl *d,
    struct baml_names *tested)
{
	static const char *const keys[] = { "functions", "args", NULL };
	const struct baml_entry *functions, *args;
	const struct baml_value *v;

	baml_check_keys(program, d->entries, keys, "a test");
	functions = baml_entry(program, d->entries, "functions");
	args = baml_entry(program, d->entries, "args");
	if (args == NULL)
		baml_wrong(program, d->at, "%s has no args", d->name);
	else if (args->value->kind != BAML_ENTRIES)
		baml_wrong(program, args->value->at, "args must be { }");
	if (functions == NULL) {
		baml_wrong(program, d->at, "%s has no functions", d->name);
		return;
	}
	v = functions->value;
	if (v->kind != BAML_VALUES) {
		check_tested(program, d, v, tested);
		return;
	}
	for (v = v->items; v != NULL; v = v->next)
		check_tested(program, d, v, tested);
}

/* An entry that holds one of these texts, ended by NULL, if it is there. */
static void
check_choice(struct baml_program *program, const struct baml_entry *entry,
    const char *const *choices)
{
	const char *text;

	if (entry == NULL || (text = baml_value_text(program, entry->value,
	    entry->key)) == NULL)
		return;
	while (*choices != NULL && strcmp(*choices, text) != 0)
		choices++;
	if (*choices == NULL)
		baml_wrong(program, entry->value->at, "there is no %s %s",
		    entry->key, text);
}

static bool
is_go(const struct baml_entry *type)
{
	return type != NULL && type->value->text != NULL &&
	    strcmp(type->value->text, "go") == 0;
}

void
baml_check_generator(struct baml_program *program, struct baml_decl *d)
{
	static const char *const keys[] = { "client_package_name",
	    "default_client_mode", "module_format", "on_generate",
	    "output_dir", "output_type", "project", "version", NULL };
	static const char *const types[] = { "go", "python/pydantic",
	    "python/pydantic/v1", "rest/openapi", "ruby/sorbet", "typescript",
	    "typescript/react", NULL };
	static const char *const modes[] = { "async", "sync", NULL };
	const struct baml_entry *type;

	baml_check_keys(program, d->entries, keys, "a generator");
	type = baml_entry(program, d->entries, "output_type");
	if (type == NULL)
		baml_wrong(program, d->at, "%s has no output_type", d->name);
	check_choice(program, type, types);
	if (is_go(type) && baml_entry(program, d->entries,
	    "client_package_name") == NULL)
		baml_wrong(program, d->at,
		    "%s has no client_package_name, which go needs", d->name);
	check_choice(program, baml_entry(program, d->entries,
	    "default_client_mode"), modes);
}
