/*
 * The command line `switchboard': for whoever looks after an installation.
 * This file has the table of its commands and what they have in common.
 */
#include <stdio.h>
#include <string.h>

#include "cmd.h"

static const struct command {
	const char	*name;
	const char	*arguments;
	const char	*help;		/* a line of --help */
	const char	*more;		/* what its own --help says besides */
	enum cmd_exit	(*run)(char **arguments);
} commands[] = {
	{ "settings", "[--json | --markdown]",
	  "list the settings: values, where they come from, meaning",
	  "Lists every setting with its value, where that comes from\n"
	  "(default, file, environment) and what it is for; then what\n"
	  "deserves a look: a value that counts as not set, a name in the\n"
	  "file that is no setting. Secrets are never shown.\n"
	  "\n"
	  "  --json      the same for programs, and what is accepted\n"
	  "  --markdown  the README's table: defaults, what is accepted\n",
	  cmd_settings },
	{ "migrate", "", "bring the database to this version's schema",
	  "Makes the database in the data directory, or brings it to the\n"
	  "schema of this version. The programs do so by themselves, too;\n"
	  "at an update it is good to see it done before there are\n"
	  "requests.\n",
	  cmd_migrate },
	{ "key", "list|rotate|retire KID",
	  "list the keys that sign tokens, change them",
	  "  list [--json]  lists the keys: whether they are SECRET_KEY or in\n"
	  "                 the key file of the data directory, since when\n"
	  "                 they sign, until when they verify; no secrets\n"
	  "  rotate         makes a new key and logs nobody out. Without\n"
	  "                 SECRET_KEY it is added to the key file and signs\n"
	  "                 from now on. With SECRET_KEY the new value for it\n"
	  "                 is printed, as a line of the settings file; each\n"
	  "                 program knows it already, as it does the old one,\n"
	  "                 so that they can be changed one by one\n"
	  "  retire KID     takes a key out of the key file at once, as it\n"
	  "                 has leaked: its tokens are refused. KID may be\n"
	  "                 cut to 4 digits. The key that signs can't go:\n"
	  "                 rotate first\n"
	  "\n"
	  "Programs that run see a change of the key file within two\n"
	  "seconds. Give this command the settings that they have.\n",
	  cmd_key },
};
#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static const char introduction[] =
    "switchboard is the command line of the switchboard backend: it shows\n"
    "an installation's settings and looks after its data directory.\n\n";

/* The README has the same in a sentence. */
static const char sources[] =
    "The settings come from the environment, which wins, and from one file\n"
    "of NAME=value lines: the one that SWITCHBOARD_ENV_FILE names; else the\n"
    "first that is there of .env in the folder that SWITCHBOARD_DATA names,\n"
    "../etc/switchboard.env beside the folder of this program, and\n"
    SB_SYSCONFDIR "/switchboard.env.\n"
    "The data directory is the one that SWITCHBOARD_DATA names; else it is\n"
    SB_LOCALSTATEDIR "/lib/switchboard.\n";

static void
print_usage(FILE *to)
{
	fputs("Usage: switchboard COMMAND [ARGUMENT...]\n"
	    "       switchboard [COMMAND] --help\n"
	    "       switchboard --version\n\nCommands:\n", to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-9s %-22s %s\n", commands[i].name,
		    commands[i].arguments, commands[i].help);
}

static void
print_help(void)
{
	fputs(introduction, stdout);
	print_usage(stdout);
	printf("\n%s\nExit status:\n"
	    "  %-3d done\n"
	    "  %-3d the command or its arguments are not understood\n"
	    "  %-3d the database is busy, or can't be opened or written\n"
	    "  %-3d the installation is broken; the log says how\n"
	    "  %-3d the output can't be written\n"
	    "  %-3d a setting, or the settings file, is not accepted\n",
	    sources, CMD_OK, CMD_USAGE, CMD_UNAVAILABLE, CMD_INTERNAL,
	    CMD_OUTPUT, CMD_SETTINGS);
}

enum cmd_exit
cmd_refuse(const char *command, const char *argument)
{
	fprintf(stderr, "switchboard %s: %s is not understood; "
	    "see switchboard %s --help\n", command, argument, command);
	return CMD_USAGE;
}

bool
cmd_read_settings(void)
{
	const char *wrong = sb_settings_load();

	if (wrong != NULL)
		fprintf(stderr, "switchboard: %s\n", wrong);
	return wrong == NULL;
}

static bool
is_help(const char *argument)
{
	return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static enum cmd_exit
run_command(const struct command *command, char **arguments)
{
	for (char **a = arguments; *a != NULL; a++) {
		if (!is_help(*a))
			continue;
		printf("Usage: switchboard %s%s%s\n\n%s\n%s", command->name,
		    *command->arguments == '\0' ? "" : " ",
		    command->arguments, command->more, sources);
		return CMD_OK;
	}
	return command->run(arguments);
}

static enum cmd_exit
run(char **arguments)
{
	if (is_help(arguments[0]) && arguments[1] == NULL) {
		print_help();
		return CMD_OK;
	}
	if (strcmp(arguments[0], "--version") == 0 && arguments[1] == NULL) {
		puts("switchboard " PACKAGE_VERSION);
		return CMD_OK;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(arguments[0], commands[i].name) == 0)
			return run_command(&commands[i], arguments + 1);
	fprintf(stderr, "switchboard: %s is not understood; "
	    "see switchboard --help\n", arguments[0]);
	return CMD_USAGE;
}

int
main(int argc, char **argv)
{
	enum cmd_exit status;

	sb_process_begin();
	if (argc < 2) {
		print_usage(stderr);
		return CMD_USAGE;
	}
	sb_log_open("switchboard");
	status = run(argv + 1);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return (int)status;
	perror("switchboard: standard output");
	return CMD_OUTPUT;
}
