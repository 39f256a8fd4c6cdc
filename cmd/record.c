/*
 * An account as a line of a file: what its parts are called, and what they may
 * be.  Names and addresses are held to the rules of a registration.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "record.h"

const char *const cmd_part_names[] = {
	[CMD_PART_ID] = "id",
	[CMD_PART_USERNAME] = "username",
	[CMD_PART_EMAIL] = "email",
	[CMD_PART_HASH] = "password_hash",
	[CMD_PART_ACTIVE] = "is_active",
	[CMD_PART_ADMIN] = "is_admin",
	[CMD_PART_CREATED] = "created_at",
};
_Static_assert(sizeof(cmd_part_names) / sizeof(cmd_part_names[0]) ==
    CMD_PARTS, "a part without a name");

enum cmd_part
cmd_part_find(const char *name)
{
	int part = 0;

	while (part < CMD_PARTS && strcmp(name, cmd_part_names[part]) != 0)
		part++;
	return (enum cmd_part)part;
}

/* ------------------------------------------------------------------- times */

#define A_TIME	"Input should be a time, as 2025-10-14T10:53:47Z"

/* The year 10000, which no clock shows. */
#define END_OF_TIMES	(INT64_C(253402300800) * SB_SECOND)

/* The digits after the point as microseconds; moves on behind them. */
static int64_t
read_fraction(const char **text)
{
	int64_t fraction = 0, unit = SB_SECOND / 10;

	if (**text != '.')
		return 0;
	for ((*text)++; **text >= '0' && **text <= '9'; (*text)++) {
		fraction += (**text - '0') * unit;
		unit /= 10;
	}
	return fraction;
}

/* Z, or an offset, in seconds. */
static bool
read_zone(const char *text, int64_t *offset)
{
	int hours, minutes, n = 0;

	*offset = 0;
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return true;
	if (sscanf(text + (*text != '\0'), "%2d:%2d%n", &hours, &minutes,
	    &n) != 2 || n != 5 || text[6] != '\0' || hours > 23 ||
	    minutes > 59 || (*text != '+' && *text != '-'))
		return false;
	*offset = (*text == '-' ? -1 : 1) * (hours * 60 + minutes) *
	    INT64_C(60);
	return true;
}

/* RFC 3339, where a space for the T is allowed. */
static bool
read_time(const char *text, int64_t *time)
{
	struct tm tm = { 0 }, same;
	int64_t fraction, offset;
	int n = 0;
	time_t at;

	if (strspn(text, "0123456789-:.+TtZz ") != strlen(text) ||
	    sscanf(text, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &tm.tm_year,
	    &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
	    &n) != 6 || n != 19 || tm.tm_year < 1970)
		return false;
	text += n;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	same = tm;
	at = timegm(&same);
	if (same.tm_mon != tm.tm_mon || same.tm_mday != tm.tm_mday ||
	    same.tm_hour != tm.tm_hour || same.tm_min != tm.tm_min)
		return false;
	fraction = read_fraction(&text);
	if (!read_zone(text, &offset))
		return false;
	*time = ((int64_t)at - offset) * SB_SECOND + fraction;
	return *time >= 0 && *time < END_OF_TIMES;
}

/* ----------------------------------------------------------------- accounts */

/* What is wrong so far, and this. */
static const char *
add(struct sb_pool *pool, const char *wrong, enum cmd_part part,
    const char *why)
{
	if (why == NULL)
		return wrong;
	return sb_printf(pool, "%s%s%s: %s", wrong == NULL ? "" : wrong,
	    wrong == NULL ? "" : "; ", cmd_part_names[part], why);
}

static const char *
wrong_text(struct sb_pool *pool, enum cmd_field field, const char *text)
{
	return text == NULL ? "Field required" :
	    cmd_account_wrong(pool, field, text);
}

/* A switch that isn't there is as it was set before. */
static const char *
read_switch(const char *text, bool *on)
{
	static const char *const words[] = { "0", "1", "f", "t", "false",
	    "true", "n", "y", "no", "yes", "off", "on" };

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i]) == 0) {
			*on = i % 2 != 0;
			return NULL;
		}
	return "Input should be a valid boolean, unable to interpret input";
}

const char *
cmd_record_read(struct sb_pool *pool, const struct cmd_record *r,
    struct cmd_account *a)
{
	const char *const *parts = r->parts, *wrong = NULL, *why;

	*a = (struct cmd_account){ .id = parts[CMD_PART_ID],
	    .username = parts[CMD_PART_USERNAME],
	    .email = parts[CMD_PART_EMAIL], .hash = parts[CMD_PART_HASH],
	    .active = true, .created_at = sb_now() };
	if (a->id == NULL)
		a->id = sb_uuid(pool);
	else if (!sb_is_uuid(a->id))
		wrong = add(pool, wrong, CMD_PART_ID, "not an id");
	wrong = add(pool, wrong, CMD_PART_USERNAME,
	    wrong_text(pool, CMD_USERNAME, a->username));
	wrong = add(pool, wrong, CMD_PART_EMAIL,
	    wrong_text(pool, CMD_EMAIL, a->email));
	wrong = add(pool, wrong, CMD_PART_HASH, a->hash == NULL ?
	    "Field required" : sb_password_hash_wrong(a->hash));
	why = read_switch(parts[CMD_PART_ACTIVE], &a->active);
	wrong = add(pool, wrong, CMD_PART_ACTIVE, why);
	why = read_switch(parts[CMD_PART_ADMIN], &a->admin);
	wrong = add(pool, wrong, CMD_PART_ADMIN, why);
	if (parts[CMD_PART_CREATED] != NULL &&
	    !read_time(parts[CMD_PART_CREATED], &a->created_at))
		wrong = add(pool, wrong, CMD_PART_CREATED, A_TIME);
	if (wrong == NULL) {
		a->username_key = sb_username_key(pool, a->username);
		a->email_key = sb_email_key(pool, a->email);
	}
	return wrong;
}
