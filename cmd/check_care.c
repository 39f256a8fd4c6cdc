/*
 * What switchboard check says of the clock, and of what should be done from
 * time to time.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "findings.h"

#define BUILT		(INT64_C(1760000000) * SB_SECOND) /* October 2025 */
#define FAR		(INT64_C(4102444800) * SB_SECOND) /* 2100 */
#define SLACK		(5 * 60 * SB_SECOND)
#define TICK_OLD	(3 * SB_DAY)
#define BACKUP_OLD	(8 * SB_DAY)
#define LATE		(10 * 60 * SB_SECOND)

static const char *
days(struct cmd_check *c, int64_t time)
{
	const int64_t n = (sb_now() - time) / SB_DAY;

	return n <= 0 ? "less than a day" : sb_printf(c->pool, "%lld day%s",
	    (long long)n, n == 1 ? "" : "s");
}

void
cmd_check_clock(struct cmd_check *c)
{
	const int64_t now = sb_now();
	const char *fix = "set it, and keep it right: timedatectl set-ntp "
	    "true";

	if (now < BUILT || now > FAR)
		cmd_is_broken(c, fix, "the clock says %s",
		    cmd_time(c->pool, now));
	else if (c->newest > now + SLACK)
		cmd_is_broken(c, fix, "the clock says %s, but the database has "
		    "something of %s: it was set back, or was wrong then",
		    cmd_time(c->pool, now), cmd_time(c->pool, c->newest));
	else
		cmd_is_fine(c, "the clock says %s, and nothing in the database "
		    "is later", cmd_time(c->pool, now));
}

/* What was done in the future says only that a clock is wrong. */
static bool
is_to_come(struct cmd_check *c, const char *what, int64_t at)
{
	if (at <= sb_now() + SLACK)
		return false;
	cmd_is_unwise(c, "set the clock, and keep it right: timedatectl "
	    "set-ntp true; the next one is noted anew", "the last %s is noted "
	    "for %s, which is yet to come: a clock was, or is, wrong", what,
	    cmd_time(c->pool, at));
	return true;
}

void
cmd_check_tick(struct cmd_check *c)
{
	const int64_t at = sb_note_time(c->pool, SB_NOTE_TICK);
	const char *fix = sb_printf(c->pool, "add to the crontab of the data "
	    "directory's owner:\n17 * * * *  %s tick --quiet",
	    cmd_own_call(c->pool));

	if (!c->database)
		return;
	if (is_to_come(c, "tick", at))
		return;
	if (at == 0)
		cmd_is_unwise(c, fix, "tick was never through: what has "
		    "expired is not deleted");
	else if (at < sb_now() - TICK_OLD)
		cmd_is_unwise(c, fix, "tick was last through %s ago: what has "
		    "expired is not deleted", days(c, at));
	else
		cmd_is_fine(c, "tick was last through %s ago", days(c, at));
}

static void
judge_backup_file(struct cmd_check *c, const char *path)
{
	struct stat st;

	/* It may have been taken elsewhere, as it should. */
	if (path != NULL && stat(path, &st) == 0 && st.st_mode & 077)
		cmd_is_broken(c, sb_printf(c->pool, "chmod 600 %s",
		    cmd_quoted(c->pool, path)), "others can read the last "
		    "backup, and with its keys be anybody: %s", path);
}

void
cmd_check_backup(struct cmd_check *c)
{
	const int64_t at = sb_note_time(c->pool, SB_NOTE_BACKUP);
	const char *fix = sb_printf(c->pool, "add to the crontab of the data "
	    "directory's owner, with a FILE elsewhere:\n"
	    "37 3 * * *  %s backup --force FILE", cmd_own_call(c->pool));

	if (!c->database)
		return;
	if (is_to_come(c, "backup", at))
		;
	else if (at == 0)
		cmd_is_unwise(c, fix, "there was never a backup");
	else if (at < sb_now() - BACKUP_OLD)
		cmd_is_unwise(c, fix, "the last backup was taken %s ago",
		    days(c, at));
	else
		cmd_is_fine(c, "the last backup was taken %s ago",
		    days(c, at));
	judge_backup_file(c, sb_json_text(sb_note_read(c->pool,
	    SB_NOTE_BACKUP), "file"));
}

void
cmd_check_outbox(struct cmd_check *c)
{
	const int64_t late = c->due == 0 ? 0 : sb_now() - c->due;
	const char *call = cmd_own_call(c->pool);

	if (!c->database)
		return;
	if (c->dead > 0)
		cmd_is_unwise(c, sb_printf(c->pool, "%s outbox list --dead "
		    "says why; outbox retry sends them again, outbox drop "
		    "deletes them", call), "%lld webhook%s given up: nobody "
		    "took %s", (long long)c->dead, c->dead == 1 ? " was" :
		    "s were", c->dead == 1 ? "it" : "them");
	if (late > LATE)
		cmd_is_unwise(c, sb_printf(c->pool, "add to the crontab of "
		    "the data directory's owner:\n* * * * *  LOG_LEVEL=warning "
		    "%s work --quiet\nor, with systemd: systemctl enable --now "
		    "switchboard-work.service", call), "a webhook is to be "
		    "sent since %s: no worker runs, or none gets anywhere",
		    cmd_time(c->pool, c->due));
	else if (c->dead == 0)
		cmd_is_fine(c, "no webhook was given up, or is late");
}
