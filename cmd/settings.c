/*
 * switchboard settings: lists them all, for people, for programs (--json), or
 * as the README has them (--markdown).  Secrets are never shown.
 */
#include <string.h>

#include "cmd.h"

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
