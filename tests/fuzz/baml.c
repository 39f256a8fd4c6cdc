/*
 * Any bytes as a BAML project, of one file or of two around the first NUL: it
 * is a program or there is something wrong with it, at a place that is there.
 */
#include <string.h>

#include "baml/baml.h"
#include "fuzz.h"
#include "internal.h"

static void
look_at(struct sb_pool *pool, const struct baml_diag *wrong)
{
	int n = 0;

	PROMISE(strlen(baml_diag_text(pool, wrong)) > 0);
	for (; wrong != NULL; wrong = wrong->next) {
		PROMISE(++n <= BAML_DIAGS);
		PROMISE(wrong->message[0] != '\0');
		if (wrong->file == NULL)
			continue;
		PROMISE(wrong->line >= 1 && wrong->column >= 1);
		PROMISE(wrong->width >= 1);
		PROMISE(strpbrk(wrong->text, "\r\n\x1b") == NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sb_pool *pool = sb_pool_new();
	const char *text = (const char *)bytes;
	const char *nul = memchr(text, '\0', size);
	size_t first = nul == NULL ? size : (size_t)(nul - text);
	struct baml_file files[2] = {
		{ "a.baml", text, first },
		{ "b.baml", text + first, 0 },
	};
	const struct baml_diag *wrong;

	if (nul != NULL) {
		files[1].text = nul + 1;
		files[1].length = size - first - 1;
	}
	PROMISE((baml_load(pool, files, 2, &wrong) == NULL) ==
	    (wrong != NULL));
	if (wrong != NULL)
		look_at(pool, wrong);
	sb_pool_free(pool);
	return 0;
}
