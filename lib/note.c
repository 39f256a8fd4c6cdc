/*
 * Notes in the data directory of when something was last done, for whoever
 * watches that it is: a JSON object a file.  The command line writes them, and
 * it and /metrics read them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <json-c/json.h>

#include "internal.h"

#define NOTE_MAX	8192	/* bytes */

static const struct {
	const char	*file;
	const char	*at;	/* the member that has the time */
} notes[] = {
	[SB_NOTE_BACKUP] = { "last-backup.json", "taken_at" },
	[SB_NOTE_TICK] = { "last-tick.json", "ended_at" },
};
_Static_assert(sizeof(notes) / sizeof(notes[0]) == SB_NOTES,
    "a note without a file");

struct json_object *
sb_note_new(struct sb_pool *pool, enum sb_note note, int64_t at)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, notes[note].at,
	    json_object_new_string(sb_time_text(pool, at)));
	sb_pool_json(pool, o);
	return o;
}

void
sb_note_write(struct sb_pool *pool, enum sb_note note,
    struct json_object *o)
{
	const char *text = sb_printf(pool, "%s\n",
	    json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
	    JSON_C_TO_STRING_NOSLASHESCAPE));
	const char *wrong = sb_data_write(notes[note].file, text, true);

	if (wrong != NULL)
		sb_log(SB_WARNING, "%s can't be written: %s",
		    notes[note].file, wrong);
}

struct json_object *
sb_note_read(struct sb_pool *pool, enum sb_note note)
{
	char *text = sb_alloc(pool, NOTE_MAX);
	int fd = open(sb_printf(pool, "%s/%s", sb_settings.data,
	    notes[note].file), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct json_object *o = NULL;
	size_t offset;
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = sb_read_all(fd, text, NOTE_MAX);
	close(fd);
	if (n < 0 || sb_json_parse(text, (size_t)n, &o, &offset) != NULL)
		return NULL;
	sb_pool_json(pool, o);
	return json_object_is_type(o, json_type_object) ? o : NULL;
}

const char *
sb_json_text(struct json_object *o, const char *name)
{
	struct json_object *member;

	return o != NULL && json_object_object_get_ex(o, name, &member) &&
	    json_object_is_type(member, json_type_string) ?
	    json_object_get_string(member) : NULL;
}

/*
 * As sb_time_text writes it, and no other; 0 for what isn't, or was before
 * there was anything to note.
 */
static int64_t
read_time(struct sb_pool *pool, const char *text)
{
	struct tm tm = { 0 };
	int micro;
	int64_t at;

	if (text == NULL || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ",
	    &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
	    &tm.tm_sec, &micro) != 7)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	at = (int64_t)timegm(&tm) * SB_SECOND + micro;
	return at > 0 && strcmp(sb_time_text(pool, at), text) == 0 ? at : 0;
}

int64_t
sb_note_time(struct sb_pool *pool, enum sb_note note)
{
	return read_time(pool, sb_json_text(sb_note_read(pool, note),
	    notes[note].at));
}
