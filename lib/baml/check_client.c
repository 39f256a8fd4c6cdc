/*
 * Clients: who answers, with which options, and what is tried when he doesn't.
 */
#include <string.h>

#include "baml/internal.h"

#define AWS	"signed requests are not part of this runtime"
#define VERTEX	"Google's service accounts are not part of this runtime"

static const struct baml_provider providers[] = {
	{ "openai" },
	{ "openai-generic", .required = "base_url" },
	{ "openai-responses" },
	{ "anthropic" },
	{ "azure-openai" },
	{ "ollama" },
	{ "google-ai" },
	{ "fallback", .strategy = true, .required = "strategy" },
	{ "baml-fallback", .strategy = true, .required = "strategy" },
	{ "round-robin", .strategy = true, .required = "strategy" },
	{ "baml-round-robin", .strategy = true, .required = "strategy" },
	{ "aws-bedrock", .missing = AWS },
	{ "vertex-ai", .missing = VERTEX },
};

/* What an option holds; others are sent as they are. */
enum holds { A_TEXT, A_TRUTH, A_MAP, A_LIST, SOME };

static const struct option {
	const char	*name;
	enum holds	 holds;
} options[] = {
	{ "base_url", A_TEXT },
	{ "api_key", A_TEXT },
	{ "default_role", A_TEXT },
	{ "resource_name", A_TEXT },
	{ "deployment_id", A_TEXT },
	{ "api_version", A_TEXT },
	{ "client_response_type", A_TEXT },
	{ "supports_streaming", A_TRUTH },
	{ "headers", A_MAP },
	{ "query_params", A_MAP },
	{ "remap_roles", A_MAP },
	{ "allowed_roles", SOME },
	{ "finish_reason_allow_list", A_LIST },
	{ "finish_reason_deny_list", A_LIST },
	{ "strategy", SOME },
};

static const char *const response_types[] = { "openai", "openai-responses",
    "anthropic", "google", "vertex", NULL };

const struct baml_provider *
baml_provider_find(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(providers) / sizeof(*providers); i++)
		if (strlen(providers[i].name) == length &&
		    memcmp(providers[i].name, name, length) == 0)
			return &providers[i];
	return NULL;
}

static bool
is_text(const struct baml_value *v)
{
	return v != NULL && (v->kind == BAML_QUOTED || v->kind == BAML_RAW ||
	    v->kind == BAML_WORDS || v->kind == BAML_ENV);
}

/* What is wrong with an option's value, or NULL. */
static const char *
option_wrong(enum holds holds, const struct baml_value *v)
{
	const struct baml_value *item = v->items;
	const struct baml_entry *entry = v->entries;

	switch (holds) {
	case A_TEXT:
		return is_text(v) ? NULL : "must be a text";
	case A_TRUTH:
		return v->kind == BAML_TRUTH ? NULL : "must be true or false";
	case A_MAP:
		while (entry != NULL && is_text(entry->value))
			entry = entry->next;
		return v->kind == BAML_ENTRIES && entry == NULL ? NULL :
		    "must be { } with texts by name";
	case SOME:
		if (v->kind == BAML_VALUES && v->items == NULL)
			return "must not be empty";
		__attribute__((fallthrough));
	case A_LIST:
		while (item != NULL && is_text(item))
			item = item->next;
		return v->kind == BAML_VALUES && item == NULL ? NULL :
		    "must be [ ] with texts";
	}
	return NULL;
}

static void
check_option(struct baml_program *program, const struct baml_entry *all,
    const struct option *option)
{
	const struct baml_entry *entry = baml_entry(program, all,
	    option->name);
	const char *why;

	if (entry != NULL &&
	    (why = option_wrong(option->holds, entry->value)) != NULL)
		baml_wrong(program, entry->value->at, "%s %s", option->name,
		    why);
}

static bool
is_among(const char *text, const char *const *texts)
{
	while (*texts != NULL && strcmp(*texts, text) != 0)
		texts++;
	return *texts != NULL;
}

/* An option whose value is a text already; NULL: it isn't there or isn't. */
static const struct baml_value *
text_option(struct baml_program *program, const struct baml_entry *all,
    const char *name)
{
	const struct baml_entry *entry = baml_entry(program, all, name);

	return entry != NULL && is_text(entry->value) &&
	    entry->value->kind != BAML_ENV ? entry->value : NULL;
}

static void
check_roles(struct baml_program *program, const struct baml_entry *all)
{
	static const char *const usual[] = { "system", "user", "assistant",
	    NULL };
	const struct baml_value *role = text_option(program, all,
	    "default_role"), *item;
	const struct baml_entry *allowed = baml_entry(program, all,
	    "allowed_roles");

	if (role == NULL)
		return;
	if (allowed == NULL) {
		if (!is_among(role->text, usual))
			baml_wrong(program, role->at,
			    "%s is none of the allowed_roles", role->text);
		return;
	}
	for (item = allowed->value->items; item != NULL; item = item->next)
		if (item->text != NULL && strcmp(item->text, role->text) == 0)
			return;
	baml_wrong(program, role->at, "%s is none of the allowed_roles",
	    role->text);
}

/* Azure's address is given whole, or made of two names. */
static void
check_azure(struct baml_program *program, const struct baml_decl *d,
    const struct baml_entry *all)
{
	bool base = baml_entry(program, all, "base_url") != NULL;
	bool resource = baml_entry(program, all, "resource_name") != NULL;
	bool deployment = baml_entry(program, all, "deployment_id") != NULL;

	if (base && (resource || deployment))
		baml_wrong(program, d->at, "%s needs base_url, or "
		    "resource_name and deployment_id, not both", d->name);
	if (!base && !(resource && deployment))
		baml_wrong(program, d->at, "%s needs base_url, or "
		    "resource_name and deployment_id", d->name);
}

static void
check_members(struct baml_program *program, const struct baml_entry *strategy)
{
	const struct baml_value *v = strategy->value->items;
	const char *slash;

	for (; v != NULL; v = v->next) {
		if (!is_text(v) || v->kind == BAML_ENV)
			continue;
		slash = strchr(v->text, '/');
		if (slash == NULL ?
		    baml_find(program, BAML_CLIENT, v->text) == NULL :
		    baml_provider_find(v->text, (size_t)(slash - v->text)) ==
		    NULL)
			baml_wrong(program, v->at, "there is no client %s",
			    v->text);
	}
}

static void
check_options(struct baml_program *program, const struct baml_decl *d,
    const struct baml_entry *all)
{
	static const char *const of_strategy[] = { "strategy", "start", NULL };
	const struct baml_value *type;

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		check_option(program, all, &options[i]);
	if (d->provider->required != NULL &&
	    baml_entry(program, all, d->provider->required) == NULL)
		baml_wrong(program, d->at, "%s has no option %s, which %s "
		    "needs", d->name, d->provider->required,
		    d->provider->name);
	if (d->provider->strategy) {
		baml_check_keys(program, all, of_strategy,
		    "a strategy over clients");
		if (baml_entry(program, all, "strategy") != NULL)
			check_members(program, baml_entry(program, all,
			    "strategy"));
		return;
	}
	check_roles(program, all);
	if (baml_entry(program, all, "finish_reason_allow_list") != NULL &&
	    baml_entry(program, all, "finish_reason_deny_list") != NULL)
		baml_wrong(program, d->at, "%s has finish_reason_allow_list "
		    "and finish_reason_deny_list", d->name);
	if (strcmp(d->provider->name, "azure-openai") == 0)
		check_azure(program, d, all);
	type = text_option(program, all, "client_response_type");
	if (type != NULL && !is_among(type->text, response_types))
		baml_wrong(program, type->at, "client_response_type is "
		    "openai, openai-responses, anthropic, google or vertex");
}

static void
check_provider(struct baml_program *program, struct baml_decl *d,
    const struct baml_entry *entry)
{
	const char *name = baml_value_text(program, entry->value, "provider");

	if (name == NULL)
		return;
	d->provider = baml_provider_find(name, strlen(name));
	if (d->provider == NULL)
		baml_wrong(program, entry->value->at,
		    "there is no provider %s", name);
	else if (d->provider->missing != NULL)
		baml_unsupported(program, entry->value->at, name,
		    d->provider->missing);
}

void
baml_check_client(struct baml_program *program, struct baml_decl *d)
{
	static const char *const keys[] = { "provider", "retry_policy",
	    "options", NULL };
	const struct baml_entry *entry;
	const char *name;

	baml_check_keys(program, d->entries, keys, "a client");
	if ((entry = baml_entry(program, d->entries, "provider")) == NULL)
		baml_wrong(program, d->at, "%s has no provider", d->name);
	else
		check_provider(program, d, entry);
	entry = baml_entry(program, d->entries, "retry_policy");
	if (entry != NULL && (name = baml_value_text(program, entry->value,
	    "retry_policy")) != NULL) {
		d->retry = baml_find(program, BAML_RETRY, name);
		if (d->retry == NULL)
			baml_wrong(program, entry->value->at,
			    "there is no retry_policy %s", name);
	}
	entry = baml_entry(program, d->entries, "options");
	if (entry != NULL && entry->value->kind != BAML_ENTRIES)
		baml_wrong(program, entry->value->at, "options must be { }");
	else if (d->provider != NULL && d->provider->missing == NULL)
		check_options(program, d,
		    entry == NULL ? NULL : entry->value->entries);
}

/* ------------------------------------------------------------ chains */

static const struct baml_value *
members(struct baml_program *program, const struct baml_decl *d)
{
	const struct baml_entry *entry;

	if (d->provider == NULL || !d->provider->strategy)
		return NULL;
	entry = baml_entry(program, d->entries, "options");
	if (entry != NULL)
		entry = baml_entry(program, entry->value->entries,
		    "strategy");
	return entry == NULL ? NULL : entry->value->items;
}

/* Goes down a client's strategy; it mustn't come back to where it is. */
static void
check_chain(struct baml_program *program, struct baml_decl *d, int depth)
{
	const struct baml_value *v;
	struct baml_decl *member;

	d->walk = BAML_ENTERED;
	for (v = members(program, d); v != NULL; v = v->next) {
		if (!is_text(v))
			continue;
		member = (struct baml_decl *)baml_find(program, BAML_CLIENT,
		    v->text);
		if (member == NULL || member->walk == BAML_LEFT)
			continue;
		if (member->walk == BAML_ENTERED)
			baml_wrong(program, v->at,
			    "%s would come back to itself", v->text);
		else if (depth == 0)
			baml_wrong(program, v->at, "more than %d clients "
			    "stand behind each other", BAML_DEPTH);
		else
			check_chain(program, member, depth - 1);
	}
	d->walk = BAML_LEFT;
}

void
baml_check_chains(struct baml_program *program)
{
	for (struct baml_decl *d = program->decls; d != NULL; d = d->next)
		if (d->kind == BAML_CLIENT && !d->broken &&
		    d->walk == BAML_UNSEEN)
			check_chain(program, d, BAML_DEPTH);
}

/* -------------------------------------------------------- retry policies */

static void
check_number(struct baml_program *program, const struct baml_entry *entry,
    bool fraction)
{
	if (entry != NULL && (entry->value->kind != BAML_NUMBER ||
	    (!fraction && strchr(entry->value->text, '.') != NULL)))
		baml_wrong(program, entry->value->at, "%s must be a%s number",
		    entry->key, fraction ? "" : " whole");
}

static void
check_delays(struct baml_program *program, const struct baml_entry *strategy)
{
	static const char *const keys[] = { "type", "delay_ms", "multiplier",
	    "max_delay_ms", NULL };
	static const char *const constant[] = { "type", "delay_ms", NULL };
	const struct baml_entry *all = strategy->value->entries, *type;
	const char *name;

	if (strategy->value->kind != BAML_ENTRIES) {
		baml_wrong(program, strategy->value->at,
		    "strategy must be { }");
		return;
	}
	check_number(program, baml_entry(program, all, "delay_ms"), false);
	check_number(program, baml_entry(program, all, "multiplier"), true);
	check_number(program, baml_entry(program, all, "max_delay_ms"),
	    false);
	if ((type = baml_entry(program, all, "type")) == NULL) {
		baml_wrong(program, strategy->at, "strategy has no type");
		return;
	}
	if ((name = baml_value_text(program, type->value, "type")) == NULL)
		return;
	if (strcmp(name, "constant_delay") == 0)
		baml_check_keys(program, all, constant, "a constant_delay");
	else if (strcmp(name, "exponential_backoff") == 0)
		baml_check_keys(program, all, keys, "an exponential_backoff");
	else
		baml_wrong(program, type->value->at,
		    "type is constant_delay or exponential_backoff");
}

void
baml_check_retry(struct baml_program *program, struct baml_decl *d)
{
	static const char *const keys[] = { "max_retries", "strategy",
	    "options", NULL };
	const struct baml_entry *entry;

	baml_check_keys(program, d->entries, keys, "a retry_policy");
	entry = baml_entry(program, d->entries, "max_retries");
	if (entry == NULL)
		baml_wrong(program, d->at, "%s has no max_retries", d->name);
	check_number(program, entry, false);
	entry = baml_entry(program, d->entries, "strategy");
	if (entry != NULL)
		check_delays(program, entry);
}
