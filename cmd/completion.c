/*
 * switchboard completion: a script by which bash completes its commands, made
 * from their table, so that it knows what there is.
 */
#include <stdio.h>
#include <string.h>

#include "table.h"

static const char head[] =
    "# Lets bash complete what switchboard takes; printed by\n"
    "# switchboard completion bash.\n"
    "_switchboard()\n"
    "{\n"
    "\tlocal word=${COMP_WORDS[COMP_CWORD]} words= files=\n"
    "\n"
    "\tCOMPREPLY=()\n"
    "\tcase $COMP_CWORD:${COMP_WORDS[1]-}:${COMP_WORDS[2]-} in\n";

static const char tail[] =
    "\tesac\n"
    "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
    "\tif [ -n \"$files\" ]; then\n"
    "\t\tcompopt -o filenames 2>/dev/null\n"
    "\t\tmapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "
    "\"$word\")\n"
    "\tfi\n"
    "}\n"
    "complete -F _switchboard switchboard\n";

static bool
is_first(int i)
{
	return i == 0 || strcmp(cmd_table[i].name, cmd_table[i - 1].name) != 0;
}

static void
print_names(void)
{
	fputs("\t1:*) words='", stdout);
	for (int i = 0; i < cmd_rows; i++)
		if (cmd_table[i].help != NULL && is_first(i))
			printf("%s ", cmd_table[i].name);
	fputs("--help --version' ;;\n", stdout);
}

static void
print_actions(int i)
{
	const char *name = cmd_table[i].name;

	printf("\t2:%s:*) words='", name);
	for (; i < cmd_rows && strcmp(cmd_table[i].name, name) == 0; i++)
		printf("%s ", cmd_table[i].action);
	fputs("--help' ;;\n", stdout);
}

/* Whatever begins so in the help may follow. */
static void
print_options(const struct cmd_row *c)
{
	const char *option = c->more;
	size_t n;

	printf("\t*:%s:%s) words='", c->name, c->action == NULL ? "*" :
	    c->action);
	while ((option = cmd_next_option(option, &n)) != NULL) {
		printf("%.*s ", (int)n, option);
		option += n;
	}
	printf("--help'%s ;;\n", strstr(c->arguments, "FILE") != NULL ?
	    " files=yes" : "");
}

enum cmd_exit
cmd_completion_bash(char **arguments)
{
	if (*arguments != NULL)
		return cmd_refuse("completion bash", *arguments);
	fputs(head, stdout);
	print_names();
	for (int i = 0; i < cmd_rows; i++)
		if (cmd_table[i].help != NULL && is_first(i) &&
		    cmd_table[i].action != NULL)
			print_actions(i);
	for (int i = 0; i < cmd_rows; i++)
		if (cmd_table[i].help != NULL)
			print_options(&cmd_table[i]);
	fputs(tail, stdout);
	return CMD_OK;
}
