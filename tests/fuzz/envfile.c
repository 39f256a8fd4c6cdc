/*
 * Any bytes as a settings file: each line that is taken has a name, and no
 * value that a line has can hold another one; what is refused is refused with
 * its line.  Values are then held to each row of the settings' table.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "settings.h"

static struct sb_pool *pool;
static int last_line;

static void
convert(const char *value)
{
	for (size_t i = 0; i < sb_setting_count; i++) {
		const struct sb_setting *s = &sb_setting_table[i];
		struct sb_found found = { .text = NULL };

		if (!sb_setting_convert(pool, s, value, &found))
			continue;
		PROMISE(found.text != NULL);
		if (s->type == INTEGER)
			PROMISE(found.number >= s->min &&
			    found.number <= s->max &&
			    found.number == strtoll(value, NULL, 10));
		if (s->type == BOOLEAN)
			PROMISE(found.number == 0 || found.number == 1);
	}
}

static void
keep(const char *name, size_t length, const char *value, int line)
{
	PROMISE(length > 0 && memchr(name, '\0', length) == NULL);
	PROMISE(memchr(name, '=', length) == NULL);
	PROMISE(memchr(name, '\n', length) == NULL);
	PROMISE(line >= last_line);
	last_line = line;
	if (value == NULL || *value == '\0')
		return;
	PROMISE(strchr(value, '\r') == NULL || strlen(value) > 0);
	convert(value);
	sb_setting_is_placeholder(pool, value);
	value = sb_setting_visible(pool, value);
	PROMISE(strchr(value, '\n') == NULL && strchr(value, 0x1b) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static int fd = -1;
	const char *wrong;

	if (fd < 0)
		fd = memfd_create("env", MFD_CLOEXEC);
	pool = sb_pool_new();
	PROMISE(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	PROMISE(write(fd, bytes, size) == (ssize_t)size);
	PROMISE(lseek(fd, 0, SEEK_SET) == 0);
	last_line = 0;
	wrong = sb_envfile_read(pool, fd, keep);
	if (wrong != NULL)
		PROMISE(*wrong != '\0');
	else
		PROMISE(memchr(bytes, '\0', size) == NULL);
	sb_pool_free(pool);
	return 0;
}
