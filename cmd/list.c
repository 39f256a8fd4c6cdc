/*
 * Lists: tables whose columns are aligned, or JSON.  What users have typed is
 * shown so that it can do nothing to a terminal.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>
#include <uniwidth.h>

#include "cmd.h"

struct cmd_line {
	struct cmd_line	*next;
	struct cmd_value values[CMD_COLUMNS];
};

/* Controls, what turns the direction of text around, and ends of lines. */
#define HIDDEN	(UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf | \
		UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp)

/* The same as JSON has it, where that is within a string. */
static char *
escape(char *end, ucs4_t c)
{
	if (c > 0xffff) {
		c -= 0x10000;
		end += snprintf(end, 7, "\\u%04x", 0xd800 | c >> 10);
		c = 0xdc00 | (c & 0x3ff);
	}
	return end + snprintf(end, 7, "\\u%04x", c);
}

const char *
cmd_visible(struct sb_pool *pool, const char *text)
{
	const char *mended = sb_utf8_mend(pool, text, strlen(text), NULL);
	const uint8_t *s = (const uint8_t *)mended, *next;
	char *out = sb_alloc(pool, 6 * strlen(mended) + 1), *end = out;
	ucs4_t c;

	for (; (next = u8_next(&c, s)) != NULL; s = next) {
		if (uc_is_general_category_withtable(c, HIDDEN)) {
			end = escape(end, c);
			continue;
		}
		memcpy(end, s, (size_t)(next - s));
		end += next - s;
	}
	return out;
}

const char *
cmd_quoted(struct sb_pool *pool, const char *word)
{
	const char *out = "'";

	if (*word != '\0' && word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789%+,-./:=@_")] == '\0')
		return word;
	for (; *word != '\0'; word++)
		out = *word == '\'' ? sb_printf(pool, "%s'\\''", out) :
		    sb_printf(pool, "%s%c", out, *word);
	return sb_printf(pool, "%s'", out);
}

void
cmd_list_begin(struct cmd_list *list, const struct cmd_column *columns,
    int count, bool json)
{
	*list = (struct cmd_list){ .columns = columns, .count = count,
	    .json = json };
	list->last = &list->first;
}

void
cmd_list_add(struct cmd_list *list, struct sb_pool *pool,
    const struct cmd_value *values)
{
	struct cmd_line *line = sb_alloc(pool, sizeof(*line));

	memcpy(line->values, values,
	    (size_t)list->count * sizeof(*values));
	*list->last = line;
	list->last = &line->next;
}

/* ------------------------------------------------------------- a table */

const char *
cmd_time(struct sb_pool *pool, int64_t time)
{
	return sb_printf(pool, "%.19sZ", sb_time_text(pool, time));
}

/* A JSON list, the caller's reference; NULL if the text is none. */
static struct json_object *
list_of(const char *text)
{
	struct json_object *list = NULL;
	size_t offset;

	if (text == NULL || sb_json_parse(text, strlen(text), &list,
	    &offset) != NULL)
		return NULL;
	if (json_object_is_type(list, json_type_array))
		return list;
	json_object_put(list);
	return NULL;
}

static const char *
words_of(struct sb_pool *pool, const char *text)
{
	struct json_object *list = list_of(text);
	const char *words = "";

	for (size_t i = 0; list != NULL && i < json_object_array_length(list);
	    i++)
		words = sb_printf(pool, "%s%s%s", words, i == 0 ? "" : ", ",
		    json_object_get_string(json_object_array_get_idx(list,
		    i)));
	json_object_put(list);
	return *words == '\0' ? "-" : cmd_visible(pool, words);
}

static const char *
cell(struct sb_pool *pool, const struct cmd_column *column,
    const struct cmd_value *value)
{
	switch (column->kind) {
	case CMD_NUMBER:
		return sb_printf(pool, "%lld", (long long)value->number);
	case CMD_BOOL:
		return value->number ? "yes" : "no";
	case CMD_TIME:
		return value->number == 0 ? "-" :
		    cmd_time(pool, value->number);
	case CMD_TEXTS:
		return words_of(pool, value->text);
	case CMD_TEXT:
		break;
	}
	return value->text == NULL ? "-" : cmd_visible(pool, value->text);
}

static int
width_of(const char *text)
{
	return u8_strwidth((const uint8_t *)text, "UTF-8");
}

static void
widen(int *width, const char *text)
{
	int wanted = width_of(text);

	if (wanted > *width)
		*width = wanted;
}

/* Nothing follows the last one, and so it isn't padded. */
static void
print_cells(const struct cmd_list *list, const char *const *cells)
{
	int owed = 0;

	for (int i = 0; i < list->count; i++) {
		if (list->columns[i].title == NULL)
			continue;
		printf("%*s%s", owed, "", cells[i]);
		owed = list->widths[i] - width_of(cells[i]);
		owed = (owed < 0 ? 0 : owed) + 2;
	}
	putchar('\n');
}

static void
print_table(struct cmd_list *list, struct sb_pool *pool)
{
	const char *cells[CMD_COLUMNS];
	const struct cmd_line *line;

	for (int i = 0; i < list->count; i++) {
		cells[i] = list->columns[i].title;
		if (cells[i] == NULL)
			continue;
		widen(&list->widths[i], cells[i]);
		for (line = list->first; line != NULL; line = line->next)
			widen(&list->widths[i], cell(pool, &list->columns[i],
			    &line->values[i]));
	}
	if (!list->begun)
		print_cells(list, cells);
	list->begun = true;
	for (line = list->first; line != NULL; line = line->next) {
		for (int i = 0; i < list->count; i++)
			cells[i] = cell(pool, &list->columns[i],
			    &line->values[i]);
		print_cells(list, cells);
	}
}

/* ---------------------------------------------------------------- JSON */

static struct json_object *
json_value(struct sb_pool *pool, enum cmd_kind kind,
    const struct cmd_value *value)
{
	const char *text = value->text;

	if (kind == CMD_NUMBER)
		return json_object_new_int64(value->number);
	if (kind == CMD_BOOL)
		return json_object_new_boolean(value->number != 0);
	if (kind == CMD_TEXTS)
		return list_of(text);
	if (kind == CMD_TIME)
		text = value->number == 0 ? NULL :
		    sb_time_text(pool, value->number);
	return text == NULL ? NULL : json_object_new_string(
	    sb_utf8_mend(pool, text, strlen(text), NULL));
}

static const char *
object_text(const struct cmd_column *columns, int count, struct sb_pool *pool,
    const struct cmd_value *values)
{
	struct json_object *o = json_object_new_object();
	const char *text;

	for (int i = 0; i < count; i++)
		if (columns[i].name != NULL)
			json_object_object_add(o, columns[i].name,
			    json_value(pool, columns[i].kind, &values[i]));
	text = cmd_visible(pool, json_object_to_json_string_ext(o,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return text;
}

static void
print_object(struct cmd_list *list, struct sb_pool *pool,
    const struct cmd_value *values)
{
	printf("%s%s", list->begun ? ",\n" : "[\n",
	    object_text(list->columns, list->count, pool, values));
	list->begun = true;
}

/* ----------------------------------------------------------------- both */

void
cmd_list_print(struct cmd_list *list, struct sb_pool *pool)
{
	if (!list->json)
		print_table(list, pool);
	else
		for (const struct cmd_line *line = list->first; line != NULL;
		    line = line->next)
			print_object(list, pool, line->values);
	list->first = NULL;
	list->last = &list->first;
}

/* An array that isn't closed was broken off. */
void
cmd_list_end(struct cmd_list *list)
{
	if (list->json)
		puts(list->begun ? "\n]" : "[]");
}

/* --------------------------------------------------------------- one row */

void
cmd_print_one(const struct cmd_column *columns, int count, bool json,
    struct sb_pool *pool, const struct cmd_value *values)
{
	int width = 0;

	if (json) {
		puts(object_text(columns, count, pool, values));
		return;
	}
	for (int i = 0; i < count; i++)
		if (columns[i].title != NULL)
			widen(&width, columns[i].title);
	for (int i = 0; i < count; i++)
		if (columns[i].title != NULL)
			printf("%-*s  %s\n", width, columns[i].title,
			    cell(pool, &columns[i], &values[i]));
}
