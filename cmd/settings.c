/*
 * switchboard settings: lists them all, for people, for programs (--json), or
 * as the README has them (--markdown).  Secrets are never shown.
 */
#include <string.h>

#include "cmd.h"

/* By the order in which they are looked for. */
const char *
cmd_settings_path(struct sb_pool *pool)
{
	if (sb_settings.env_file != NULL)
		return sb_settings.env_file;
	for (size_t i = 0; i < sb_setting_count; i++)
		if (strcmp(sb_setting_table[i].name, "SWITCHBOARD_DATA") == 0 &&
		    sb_setting_found[i].origin == ENVIRONMENT)
			return sb_printf(pool, "%s/.env", sb_settings.data);
	return sb_settings.home == NULL ? SB_SYSCONFDIR "/switchboard.env" :
	    sb_printf(pool, "%s/etc/switchboard.env", sb_settings.home);
}

enum cmd_exit
cmd_settings(char **arguments)
{
	enum sb_format format = SB_AS_TEXT;

	for (; *arguments != NULL; arguments++)
		if (format == SB_AS_TEXT && strcmp(*arguments, "--json") == 0)
			format = SB_AS_JSON;
		else if (format == SB_AS_TEXT &&
		    strcmp(*arguments, "--markdown") == 0)
			format = SB_AS_MARKDOWN;
		else
			return cmd_refuse("settings", *arguments);
	/* The Markdown is the same on every machine, whatever is set there. */
	if (format != SB_AS_MARKDOWN && !cmd_read_settings())
		return CMD_SETTINGS;
	sb_settings_print(format);
	return CMD_OK;
}
