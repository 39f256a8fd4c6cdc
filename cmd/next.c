/*
 * What comes after switchboard init: how this command is called, by a shell and
 * by cron, and what else an installation needs.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"

#define BACKUPS	SB_LOCALSTATEDIR "/backups/switchboard"

/* What tools/launcher has started is the loader; it sets the home anew. */
static const char *
own_path(struct sb_pool *pool, bool *launched)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
	const char *self = n <= 0 || n == (ssize_t)sizeof(path) ?
	    "switchboard" : sb_copy(pool, path, (size_t)n);

	*launched = sb_settings.home != NULL && strcmp(self, sb_printf(pool,
	    "%s/libexec/switchboard/ld.so", sb_settings.home)) == 0;
	return !*launched ? self : sb_printf(pool, "%s/bin/switchboard",
	    sb_settings.home);
}

const char *
cmd_own_call(struct sb_pool *pool)
{
	bool launched;
	const char *self = cmd_quoted(pool, own_path(pool, &launched));

	for (size_t i = 0; i < sb_setting_count; i++) {
		const char *name = sb_setting_table[i].name;

		if (sb_setting_found[i].origin != ENVIRONMENT ||
		    (sb_setting_table[i].use != SEARCH &&
		    strcmp(name, "SWITCHBOARD_DATA") != 0) ||
		    (launched && strcmp(name, "SWITCHBOARD_HOME") == 0))
			continue;
		self = sb_printf(pool, "%s=%s %s", name, cmd_quoted(pool,
		    sb_setting_found[i].text), self);
	}
	return self;
}

/* Root has to say the user where there is no directory that tells. */
const char *
cmd_init_call(struct sb_pool *pool)
{
	return sb_printf(pool, "%s init%s", cmd_own_call(pool),
	    geteuid() == 0 && access(sb_settings.data, F_OK) != 0 ?
	    " --user www-data" : "");
}

/* With a web space alone there is no /etc, and there are no examples. */
static void
say_at_home(struct sb_pool *pool, const char *call)
{
	printf("  - among the cron jobs of the control panel, or in your "
	    "crontab:\n"
	    "    17 * * * *  %s tick --quiet\n"
	    "    * * * * *  LOG_LEVEL=warning %s work --quiet\n"
	    "    41 3 * * *  %s backup --force %s/backup-$(date "
	    "+\\%%u).db >/dev/null\n", call, call, call, cmd_quoted(pool,
	    sb_settings.home));
}

/* Crontabs take % for the end of a line. */
static void
say_here(struct sb_pool *pool, const char *call)
{
	const char *who = cmd_user_name(pool, geteuid());

	printf("  - let the web server start the programs as %s: "
	    "configurations are in\n    " SB_EXAMPLESDIR "\n", who);
	/* The units of systemd look where everything is by default. */
	if (strncmp(call, "SWITCHBOARD_", 12) != 0)
		printf("  - with the units of systemd:\n"
		    "    systemctl enable --now switchboard.target "
		    "switchboard-backup.timer\n    or without them:\n");
	else
		printf("  - give the programs what is in front of the command "
		    "below (SWITCHBOARD_…=…)\n    in their environment, too: "
		    "else they look elsewhere\n  - what cron needs:\n");
	printf("    install -d -o %s -m 700 " BACKUPS "\n"
	    "    and in /etc/cron.d/switchboard:\n"
	    "    17 * * * *  %s  %s tick --quiet\n"
	    "    * * * * *  %s  LOG_LEVEL=warning %s work --quiet\n"
	    "    41 3 * * *  %s  %s backup --force " BACKUPS
	    "/$(date +\\%%a).backup >/dev/null\n", who, who, call, who, call,
	    who, call);
}

void
cmd_say_next(struct sb_pool *pool)
{
	const char *call = cmd_own_call(pool);

	puts("\nNext:");
	if (sb_settings.home != NULL)
		say_at_home(pool, call);
	else
		say_here(pool, call);
	printf("  - %s check --url https://HOST\n", call);
}
