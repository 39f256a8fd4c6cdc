/*
 * Any bytes as a JSON text: what is taken must be printed as a text that is
 * taken again, and is then the same.
 */
#include <string.h>

#include <json-c/json.h>

#include "fuzz.h"
#include "internal.h"

#define PLAIN \
	(JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct json_object *json, *again;
	const char *why, *text;
	size_t offset, length;

	why = sb_json_parse((const char *)bytes, size, &json, &offset);
	if (why != NULL) {
		PROMISE(json == NULL);
		PROMISE(offset <= size);
		return 0;
	}
	PROMISE(sb_utf8_valid((const char *)bytes, size));
	text = json_object_to_json_string_length(json, PLAIN, &length);
	PROMISE(strlen(text) == length);
	why = sb_json_parse(text, length, &again, &offset);
	PROMISE(why == NULL);
	PROMISE(json_object_equal(json, again));
	PROMISE(strcmp(json_object_to_json_string_ext(again, PLAIN),
	    text) == 0);
	json_object_put(again);
	json_object_put(json);
	return 0;
}
