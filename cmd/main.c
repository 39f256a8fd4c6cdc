/*
 * The command line `switchboard': for whoever looks after an installation.
 * This file finds the command in the table of table.c, and prints its help.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "table.h"

/* What follows the command's name. */
static void
print_arguments(FILE *to, const struct cmd_row *c, int width)
{
	int n = 0;

	if (c->action != NULL)
		n = fprintf(to, "%s%s", c->action,
		    *c->arguments == '\0' ? "" : " ");
	fprintf(to, "%-*s", width > n ? width - n : 0, c->arguments);
}

static void
print_usage(FILE *to)
{
	fputs("Usage: switchboard COMMAND [ARGUMENT...]\n"
	    "       switchboard [COMMAND] --help\n"
	    "       switchboard --version\n\nCommands:\n", to);
	for (int i = 0; i < cmd_rows; i++) {
		if (cmd_table[i].help == NULL)
			continue;
		fprintf(to, "  %-10s ", cmd_table[i].name);
		print_arguments(to, &cmd_table[i], 31);
		fprintf(to, " %s\n", cmd_table[i].help);
	}
	fputs("\nUSER is a name or an email address, as at the login.\n", to);
}

static void
print_help(void)
{
	fputs(cmd_introduction, stdout);
	print_usage(stdout);
	printf("\n%s\nExit status:\n", cmd_sources);
	for (const struct cmd_status *x = cmd_statuses; x->text != NULL; x++)
		printf("  %-3d %s\n", x->status, x->text);
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

static bool
wants_help(char **arguments)
{
	for (; *arguments != NULL; arguments++)
		if (is_help(*arguments))
			return true;
	return false;
}

/* That of one command, or with NULL of all actions of that name. */
static enum cmd_exit
print_own_help(const char *name, const struct cmd_row *one)
{
	const char *before = "Usage: ";

	for (int i = 0; i < cmd_rows; i++) {
		const struct cmd_row *c = &cmd_table[i];

		if (strcmp(c->name, name) != 0 || (one != NULL && c != one))
			continue;
		printf("%sswitchboard %s%s", before, c->name,
		    c->action == NULL && *c->arguments == '\0' ? "" : " ");
		print_arguments(stdout, c, 0);
		putchar('\n');
		before = "       ";
	}
	for (int i = 0; i < cmd_rows; i++) {
		const struct cmd_row *c = &cmd_table[i];

		if (one == NULL && strcmp(c->name, name) == 0)
			printf("\n%s %s:\n%s", name, c->action, c->more);
		else if (one == c)
			printf("\n%s", c->more);
	}
	puts("\nswitchboard --help says where the settings come from.");
	return CMD_OK;
}

static enum cmd_exit
refuse_action(const char *name, const char *action)
{
	const char *between = "";

	fprintf(stderr, "switchboard %s: %s is not understood; there %s ",
	    name, action, cmd_has_actions(name) ? "are" : "is");
	for (int i = 0; i < cmd_rows; i++) {
		const bool last = i + 1 == cmd_rows ||
		    strcmp(cmd_table[i + 1].name, name) != 0;

		if (strcmp(cmd_table[i].name, name) != 0)
			continue;
		fprintf(stderr, "%s%s", last && *between != '\0' ? " and " :
		    between,
		    cmd_table[i].action);
		between = ", ";
	}
	fputc('\n', stderr);
	return CMD_USAGE;
}

/* A command, from the word after its name on. */
static enum cmd_exit
run_command(const struct cmd_row *c, char **arguments)
{
	const char *name = c->name;

	if (c->action == NULL)
		return wants_help(arguments) ? print_own_help(name, c) :
		    c->run(arguments);
	if (*arguments == NULL)
		return cmd_lack(name, "what to do");
	if (is_help(*arguments))
		return print_own_help(name, NULL);
	for (; c < cmd_table + cmd_rows && strcmp(c->name, name) == 0; c++)
		if (strcmp(*arguments, c->action) == 0)
			return wants_help(arguments + 1) ?
			    print_own_help(name, c) : c->run(arguments + 1);
	return refuse_action(name, *arguments);
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
	for (int i = 0; i < cmd_rows; i++)
		if (strcmp(arguments[0], cmd_table[i].name) == 0)
			return run_command(&cmd_table[i], arguments + 1);
	fprintf(stderr, "switchboard: %s is not understood; "
	    "see switchboard --help\n", arguments[0]);
	return CMD_USAGE;
}

/* Whoever stops reading, as head does, has what he wanted. */
static bool
is_left(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP));
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
	if (!is_left())
		perror("switchboard: standard output");
	return CMD_OUTPUT;
}
