/*
 * Any bytes as a text that is decoded, mended, shown or logged: what comes out
 * is well-formed, and what is well-formed stays as it is.
 */
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "cmd.h"
#include "folder.h"

static void
check_utf8(struct sb_pool *pool, const char *text, size_t n)
{
	size_t length;
	const char *mended = sb_utf8_mend(pool, text, n, &length);

	PROMISE(sb_utf8_valid(mended, length) && length <= 3 * n);
	if (sb_utf8_valid(text, n))
		PROMISE(length == n && (n == 0 ||
		    memcmp(mended, text, n) == 0));
	mended = sb_copy(pool, mended, strlen(mended));
	PROMISE(sb_utf8_cut(mended, sb_utf8_length(mended)) ==
	    strlen(mended));
	PROMISE(sb_utf8_valid(mended, sb_utf8_cut(mended, 3)));
	PROMISE(sb_utf8_length(sb_copy(pool, mended,
	    sb_utf8_cut(mended, 3))) <= 3);
}

static void
check_base64(struct sb_pool *pool, const char *text, size_t n)
{
	const char *coded = sb_base64url(pool, (const unsigned char *)text, n);
	size_t length = 0;
	unsigned char *bytes = sb_unbase64url(pool, coded, strlen(coded),
	    &length);

	PROMISE(bytes != NULL && length == n &&
	    (n == 0 || memcmp(bytes, text, n) == 0));
	text = sb_copy(pool, text, n);
	bytes = sb_unbase64url(pool, text, strlen(text), &length);
	if (bytes == NULL)
		return;
	PROMISE(length == strlen(text) * 3 / 4);
	coded = sb_base64url(pool, bytes, length);
	PROMISE(strlen(coded) == strlen(text));
}

static void
check_shown(struct sb_pool *pool, const char *text)
{
	const char *shown = cmd_visible(pool, text);
	const char *quoted = cmd_quoted(pool, shown);

	PROMISE(sb_utf8_valid(shown, strlen(shown)));
	for (const char *c = shown; *c != '\0'; c++)
		PROMISE((unsigned char)*c >= ' ' && *c != 0x7f);
	PROMISE(strcmp(cmd_visible(pool, shown), shown) == 0);
	PROMISE(strlen(quoted) >= strlen(shown));
}

/* One line, whatever is in it, and JSON where that is asked for. */
static void
check_log(struct sb_pool *pool, const char *text, const char *format)
{
	static char path[64];
	static int log = -1, screen, nowhere;
	char line[8192];
	ssize_t n;

	if (log < 0) {
		log = memfd_create("log", MFD_CLOEXEC);
		screen = dup(STDERR_FILENO);
		nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", log);
	}
	PROMISE(ftruncate(log, 0) == 0);
	sb_settings.log_file = path;
	sb_settings.log_format = format;
	dup2(nowhere, STDERR_FILENO);
	sb_log(SB_WARNING, "%s", text);
	dup2(screen, STDERR_FILENO);
	n = pread(log, line, sizeof(line) - 1, 0);
	PROMISE(n > 1 && n <= 4096 && line[n - 1] == '\n');
	line[n] = '\0';
	PROMISE(strchr(line, '\n') == &line[n - 1]);
	PROMISE(sb_utf8_valid(line, (size_t)n));
	for (ssize_t i = 0; i < n - 1; i++)
		PROMISE((unsigned char)line[i] >= ' ' && line[i] != 0x7f);
	if (strcmp(format, "json") == 0 && strstr(line, "...\"}") == NULL) {
		struct json_object *o = NULL;
		size_t at;

		PROMISE(sb_json_parse(line, (size_t)n - 1, &o, &at) == NULL);
		sb_pool_json(pool, o);
	}
}

/* What was noted about a backup is from a file that others can write. */
static void
check_note(struct sb_pool *pool, const char *bytes, size_t n)
{
	int64_t at;

	folder_write("last-backup.json", bytes, n);
	at = sb_note_time(pool, SB_NOTE_BACKUP);
	PROMISE(at >= 0);
	if (at > 0)
		PROMISE(strlen(sb_time_text(pool, at)) == 27);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sb_pool *pool = sb_pool_new();
	const char *bytes = (const char *)data;
	const char *text = sb_copy(pool, bytes, size);

	if (sb_settings.data == NULL) {
		sb_settings.data = folder_begin();
		sb_settings.log_level = "info";
	}
	check_utf8(pool, bytes, size);
	check_base64(pool, bytes, size);
	check_shown(pool, text);
	check_log(pool, text, "text");
	check_log(pool, text, "json");
	check_note(pool, bytes, size);
	sb_pool_free(pool);
	return 0;
}
