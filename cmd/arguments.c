/*
 * The words after a command: its options and operands, and what is said where
 * they make no sense.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

enum cmd_exit
cmd_misused(const char *command, const char *format, ...)
{
	va_list values;

	fprintf(stderr, "switchboard %s: ", command);
	va_start(values, format);
	vfprintf(stderr, format, values);
	va_end(values);
	fprintf(stderr, "; see switchboard %s --help\n", command);
	return CMD_USAGE;
}

enum cmd_exit
cmd_refuse(const char *command, const char *argument)
{
	return cmd_misused(command, "%s is not understood", argument);
}

enum cmd_exit
cmd_lack(const char *command, const char *argument)
{
	return cmd_misused(command, "%s is missing", argument);
}

/* An option moves on to its value, if it has one. */
static bool
take_option(char ***arguments, const struct cmd_option *options)
{
	const char *argument = **arguments;

	for (; options != NULL && options->name != NULL; options++) {
		if (strcmp(argument, options->name) != 0)
			continue;
		if (options->value == NULL) {
			if (*options->given)
				return false;
			*options->given = true;
			return true;
		}
		if (*options->value != NULL || (*arguments)[1] == NULL)
			return false;
		*options->value = *++*arguments;
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
		if (take_option(&arguments, options))
			continue;
		if (n == most || ((*arguments)[0] == '-' &&
		    (*arguments)[1] != '\0' &&
		    strchr(*arguments, '@') == NULL))
			return *arguments;
		operands[n++] = *arguments;
	}
	return NULL;
}

enum cmd_exit
cmd_parse_one(const char *command, const char *lacking, char **arguments,
    const struct cmd_option *options, const char **operand)
{
	const char *wrong = cmd_parse(arguments, options, operand, 1);

	if (wrong != NULL)
		return cmd_refuse(command, wrong);
	return *operand == NULL ? cmd_lack(command, lacking) : CMD_OK;
}

bool
cmd_read_id(const char *text, char id[CMD_ID_LENGTH + 1])
{
	if (strlen(text) != CMD_ID_LENGTH)
		return false;
	for (int i = 0; i <= CMD_ID_LENGTH; i++)
		id[i] = text[i] >= 'A' && text[i] <= 'F' ?
		    (char)(text[i] - 'A' + 'a') : text[i];
	return sb_is_uuid(id);
}
