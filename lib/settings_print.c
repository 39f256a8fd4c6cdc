/*
 * The settings as a list: for people, for the README, for programs.  Made from
 * the table in settings_table.c; a secret is never shown.
 */
#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "settings.h"

static const char *const type_names[] = {
	[TEXT] = "text",
	[SECRET] = "secret",
	[INTEGER] = "integer",
	[BOOLEAN] = "boolean",
	[CHOICE] = "enum",
};
_Static_assert(sizeof(type_names) / sizeof(type_names[0]) == TYPES, "types");

static const char *const use_names[] = {
	[LATER] = "later",
	[SEARCH] = "now",
	[QUICKSTART] = "quickstart",
	[PROGRAMS] = "now",
};
_Static_assert(sizeof(use_names) / sizeof(use_names[0]) == USES, "uses");

static const char *const origin_names[] = {
	[DEFAULT] = "default",
	[SETTINGS_FILE] = "file",
	[ENVIRONMENT] = "environment",
};
_Static_assert(sizeof(origin_names) / sizeof(origin_names[0]) == ORIGINS,
    "origins");

const char *
sb_setting_accepted(struct sb_pool *p, const struct sb_setting *s)
{
	const char *text;

	if (s->accepted != NULL)
		return s->accepted;
	switch (s->type) {
	case INTEGER:
		text = sb_printf(p, "an integer from %lld to %lld",
		    (long long)s->min, (long long)s->max);
		return s->unit == NULL ? text :
		    sb_printf(p, "%s (%s)", text, s->unit);
	case BOOLEAN:
		return "true or false; also 1, 0, yes, no, on, off, t, f, y, n";
	case CHOICE:
		text = s->choices[0];
		for (int i = 1; s->choices[i] != NULL; i++)
			text = sb_printf(p, "%s%s%s", text,
			    s->choices[i + 1] == NULL ? " or " : ", ",
			    s->choices[i]);
		return text;
	default:
		return "any text";
	}
}

const char *
sb_setting_plain(struct sb_pool *p, const char *text)
{
	char *out = sb_copy(p, text, strlen(text)), *end = out;

	for (; *text != '\0'; text++)
		if (*text != '`')
			*end++ = *text;
	*end = '\0';
	return out;
}

const char *
sb_setting_visible(struct sb_pool *p, const char *text)
{
	const char *mended = sb_utf8_mend(p, text, strlen(text), NULL);
	char *out = sb_alloc(p, 4 * strlen(mended) + 1), *end = out;
	size_t n;

	for (const char *s = mended; *s != '\0'; s += n) {
		/* The controls of C1 have two bytes in UTF-8. */
		bool high = s[0] == '\xc2' && (unsigned char)s[1] < 0xa0;

		n = high ? 2 : 1;
		if (!high && !iscntrl((unsigned char)*s))
			*end++ = *s;
		else
			for (size_t i = 0; i < n; i++)
				end += snprintf(end, 5, "\\x%02x",
				    (unsigned char)s[i]);
	}
	return out;
}

static const char *
use_note(const struct sb_setting *s)
{
	return s->use == LATER ? " (Checked, but not used yet.)" :
	    s->use == QUICKSTART ? " (`deploy/quickstart`'s.)" : "";
}

static const char *
shown_value(struct sb_pool *p, size_t i)
{
	const struct sb_setting *s = &sb_setting_table[i];
	const struct sb_found *f = &sb_setting_found[i];

	if (f->text == NULL || *f->text == '\0')
		return "(not set)";
	if (s->type == SECRET)
		return "(set)";
	if (s->unit != NULL)
		return sb_printf(p, "%s %s", f->text, s->unit);
	return sb_setting_visible(p, f->text);
}

static const char *const footnote =
    "An empty value counts as not set. Names are read in any case.";

/* Pads by what is seen; what is too wide for its column has its own line. */
static void
print_row(const char *name, const char *value, const char *origin,
    const char *doc, const char *note)
{
	const int names = 28, values = 20;
	int width = (int)sb_utf8_length(value);

	printf("%-*s  %s", names, name, value);
	if (width > values)
		printf("\n%*s", names + 2 + values, "");
	else
		printf("%*s", values - width, "");
	printf("  %-11s  %s%s\n", origin, doc, note);
}

/* What a reader of the list should look at. */
static void
print_notes(const char *file)
{
	const struct sb_ignored *it = sb_setting_ignored;

	for (const char *const *w = sb_setting_warnings(); *w != NULL; w++)
		printf("%s\n", *w);
	if (it == NULL)
		return;
	printf("Not known, and ignored: %s", it->line);
	while ((it = it->next) != NULL)
		printf(", %s", it->line);
	printf(" (in %s)\n", file);
}

static void
print_text(struct sb_pool *p)
{
	const char *file = sb_settings.env_file == NULL ? "none" :
	    sb_setting_visible(p, sb_settings.env_file);

	printf("Settings file: %s\n\n", file);
	print_row("Name", "Value", "From", "Meaning", "");
	for (size_t i = 0; i < sb_setting_count; i++)
		print_row(sb_setting_table[i].name, shown_value(p, i),
		    origin_names[sb_setting_found[i].origin],
		    sb_setting_plain(p, sb_setting_table[i].doc),
		    sb_setting_plain(p, use_note(&sb_setting_table[i])));
	printf("\n%s\n", footnote);
	print_notes(file);
}

/* The README holds this to the letter, so nothing of the machine's is in it. */
static void
print_markdown(struct sb_pool *p)
{
	const char *preset;

	printf("| Name | Default | Accepted | Meaning |\n"
	    "| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < sb_setting_count; i++) {
		const struct sb_setting *s = &sb_setting_table[i];

		if (s->computed != NULL)
			preset = s->computed;
		else if (s->fallback == NULL || *s->fallback == '\0')
			preset = "not set";
		else
			preset = sb_printf(p, "`%s`", s->fallback);
		printf("| `%s` | %s | %s | %s%s |\n", s->name, preset,
		    sb_setting_accepted(p, s), s->doc, use_note(s));
	}
	printf("\n%s\n", footnote);
}

static struct json_object *
json_text(struct sb_pool *p, const char *text)
{
	return text == NULL ? NULL :
	    json_object_new_string(sb_utf8_mend(p, text, strlen(text), NULL));
}

static struct json_object *
json_value(struct sb_pool *p, size_t i)
{
	const struct sb_found *f = &sb_setting_found[i];

	if (f->text == NULL || *f->text == '\0')
		return NULL;
	switch (sb_setting_table[i].type) {
	case INTEGER:
		return json_object_new_int64(f->number);
	case BOOLEAN:
		return json_object_new_boolean(f->number != 0);
	case SECRET:
		return json_text(p, "(set)");
	default:
		return json_text(p, f->text);
	}
}

static void
add_notes(struct sb_pool *p, struct json_object *all)
{
	struct json_object *warnings = json_object_new_array(),
	    *ignored = json_object_new_array();

	json_object_object_add(all, "warnings", warnings);
	for (const char *const *w = sb_setting_warnings(); *w != NULL; w++)
		json_object_array_add(warnings, json_text(p, *w));
	json_object_object_add(all, "ignored", ignored);
	for (const struct sb_ignored *it = sb_setting_ignored; it != NULL;
	    it = it->next)
		json_object_array_add(ignored, json_text(p, it->line));
}

static void
print_json(struct sb_pool *p)
{
	struct json_object *all = json_object_new_object(),
	    *list = json_object_new_array(), *row;

	json_object_object_add(all, "file",
	    json_text(p, sb_settings.env_file));
	json_object_object_add(all, "settings", list);
	for (size_t i = 0; i < sb_setting_count; i++) {
		const struct sb_setting *s = &sb_setting_table[i];

		json_object_array_add(list, row = json_object_new_object());
		json_object_object_add(row, "name", json_text(p, s->name));
		json_object_object_add(row, "type",
		    json_text(p, type_names[s->type]));
		json_object_object_add(row, "value", json_value(p, i));
		json_object_object_add(row, "from",
		    json_text(p, origin_names[sb_setting_found[i].origin]));
		json_object_object_add(row, "unit", json_text(p, s->unit));
		json_object_object_add(row, "accepted",
		    json_text(p, sb_setting_plain(p,
		    sb_setting_accepted(p, s))));
		json_object_object_add(row, "used",
		    json_text(p, use_names[s->use]));
		json_object_object_add(row, "meaning",
		    json_text(p, sb_setting_plain(p, s->doc)));
	}
	add_notes(p, all);
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
	    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

void
sb_settings_print(enum sb_format format)
{
	struct sb_pool *p = sb_pool_new();

	switch (format) {
	case SB_AS_TEXT:
		print_text(p);
		break;
	case SB_AS_MARKDOWN:
		print_markdown(p);
		break;
	case SB_AS_JSON:
		print_json(p);
		break;
	}
	sb_pool_free(p);
}
