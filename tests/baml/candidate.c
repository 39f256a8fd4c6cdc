/*
 * Answers cases of the corpus, for tests/baml/compare: a JSON object a line in,
 * with "id", "kind" and "src", a text or texts by file name; a line out, with
 * "id" and "got": {"ok": true}, or false with "kind" and "message".  A kind of
 * case that isn't built yet is answered only if the files are wrong already.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "baml/baml.h"
#include "internal.h"

#define LEVELS	200	/* of a case's JSON */

static const char *
text_of(struct json_object *row, const char *name)
{
	return json_object_get_string(json_object_object_get(row, name));
}

static struct baml_file
file_of(const char *name, struct json_object *text)
{
	return (struct baml_file){ name, json_object_get_string(text),
	    (size_t)json_object_get_string_len(text) };
}

/* The case's sources: a text, or texts by name. */
static struct baml_file *
files_of(struct sb_pool *pool, struct json_object *src, size_t *count)
{
	struct baml_file *files;

	if (json_object_is_type(src, json_type_string)) {
		files = sb_alloc(pool, sizeof(*files));
		*files = file_of("main.baml", src);
		*count = 1;
		return files;
	}
	*count = 0;
	files = sb_alloc(pool, sizeof(*files) *
	    (size_t)(json_object_object_length(src) + 1));
	json_object_object_foreach(src, name, text)
		files[(*count)++] = file_of(name, text);
	return files;
}

/* What comes of a case; NULL: such cases can't be answered yet. */
static struct json_object *
answer(struct sb_pool *pool, struct json_object *row)
{
	const struct baml_diag *wrong;
	struct json_object *got;
	size_t count;
	struct baml_file *files = files_of(pool,
	    json_object_object_get(row, "src"), &count);
	bool sound = baml_load(pool, files, count, &wrong) != NULL;

	if (sound && strcmp(text_of(row, "kind"), "check") != 0)
		return NULL;
	got = json_object_new_object();
	json_object_object_add(got, "ok", json_object_new_boolean(sound));
	if (sound)
		return got;
	json_object_object_add(got, "kind",
	    json_object_new_string("validation"));
	json_object_object_add(got, "message",
	    json_object_new_string(baml_diag_text(pool, wrong)));
	return got;
}

static void
take(struct sb_pool *pool, const char *line, size_t length)
{
	struct json_tokener *tokener = json_tokener_new_ex(LEVELS);
	struct json_object *row, *got, *out;

	row = json_tokener_parse_ex(tokener, line, (int)length);
	if (row == NULL)
		sb_fatal("no JSON: %.80s", line);
	if ((got = answer(pool, row)) != NULL) {
		out = json_object_new_object();
		json_object_object_add(out, "id",
		    json_object_new_string(text_of(row, "id")));
		json_object_object_add(out, "got", got);
		puts(json_object_to_json_string_ext(out,
		    JSON_C_TO_STRING_PLAIN));
		json_object_put(out);
	}
	json_object_put(row);
	json_tokener_free(tokener);
	sb_pool_clear(pool);
}

int
main(void)
{
	struct sb_pool *pool = sb_pool_new();
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&line, &size, stdin)) > 1)
		take(pool, line, (size_t)n);
	free(line);
	sb_pool_free(pool);
	return 0;
}
