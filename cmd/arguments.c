/*
 * The words after a command: its options and operands, and what is said where
 * they make no sense.
 */
#include <stdio.h>
#include <string.h>

#include "cmd.h"

enum cmd_exit
cmd_refuse(const char *command, const char *argument)
{
	fprintf(stderr, "switchboard %s: %s is not understood; "
	    "see switchboard %s --help\n", command, argument, command);
	return CMD_USAGE;
}

enum cmd_exit
cmd_lack(const char *command, const char *argument)
{
	fprintf(stderr, "switchboard %s: %s is missing; "
	    "see switchboard %s --help\n", command, argument, command);
	return CMD_USAGE;
}

static bool
take_option(const char *argument, const struct cmd_option *options)
{
	for (; options != NULL && options->name != NULL; options++)
		if (strcmp(argument, options->name) == 0 && !*options->given) {
			*options->given = true;
			return true;
		}
	return false;
}

const char *
cmd_parse(char **arguments, const struct cmd_option *options,
    const char **operands, int most)
{
	int n = 0;

	for (int i = 0; i < most; i++)
		operands[i] = NULL;
	for (; *arguments != NULL; arguments++) {
		if (take_option(*arguments, options))
			continue;
		if (n == most || (**arguments == '-' &&
		    strchr(*arguments, '@') == NULL))
			return *arguments;
		operands[n++] = *arguments;
	}
	return NULL;
}
