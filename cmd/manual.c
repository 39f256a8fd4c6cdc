/*
 * switchboard manual: the manual's pages on the commands and on the settings,
 * in mdoc, made from their tables.  The build calls it.
 */
#include <stdio.h>
#include <string.h>

#include "settings.h"
#include "table.h"

#define DATE	"November 23, 2026"	/* of what isn't from the tables */
#define WIDTH	72

/* -------------------------------------------------------------------- prose */

/* A word; one that would be a request at the beginning of a line is none. */
static void
print_word(const char *word, size_t n, bool first)
{
	if (first && (*word == '.' || *word == '\''))
		fputs("\\&", stdout);
	for (; n > 0; word++, n--)
		if (*word == '\\')
			fputs("\\e", stdout);
		else if (*word == '-' && n > 1 && word[1] == '-') {
			fputs("\\-\\-", stdout);
			word++;
			n--;
		} else
			putchar(*word);
}

static bool
ends_sentence(const char *word, size_t n)
{
	while (n > 1 && strchr(")\"'", word[n - 1]) != NULL)
		n--;
	return strchr(".?!", word[n - 1]) != NULL;
}

/* Each sentence begins a line. */
static void
print_prose(const char *text, size_t length)
{
	const char *end = text + length;
	size_t column = 0, n;

	while ((text += strspn(text, " \n")) < end) {
		n = strcspn(text, " \n");
		if (column > 0 && column + n >= WIDTH) {
			putchar('\n');
			column = 0;
		} else if (column > 0)
			column += putchar(' ') == ' ';
		print_word(text, n, column == 0);
		column += n;
		if (ends_sentence(text, n)) {
			putchar('\n');
			column = 0;
		}
		text += n;
	}
	if (column > 0)
		putchar('\n');
}

static void
print_all(const char *text)
{
	print_prose(text, strlen(text));
}

/* --------------------------------------------------------------- a command */

/* Where an option's explanation ends: the next one's line, or a blank one. */
static const char *
end_of_option(const char *text)
{
	const char *line = text;

	while ((line = strchr(line, '\n')) != NULL && line[1] == ' ' &&
	    strncmp(line + 1, "  --", 4) != 0)
		line++;
	return line == NULL ? text + strlen(text) : line + 1;
}

/* The length of a value's name, in capitals, after an option; 0: none. */
static size_t
value_length(const char *text)
{
	size_t n = *text != ' ' ? 0 : strspn(text + 1,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return n > 0 && strchr(" \n", text[1 + n]) != NULL ? n : 0;
}

/* An option, its values if it has some, and what it is for. */
static const char *
print_option(const char *option, size_t n)
{
	const char *end = end_of_option(option), *text = option + n;
	size_t value;

	printf(".It Fl %.*s", (int)n - 1, option + 1);
	for (; (value = value_length(text)) > 0; text += 1 + value)
		printf(" Ar %.*s", (int)value, text + 1);
	putchar('\n');
	print_prose(text, (size_t)(end - text));
	return end;
}

static void
print_more(const char *more)
{
	const char *option, *end;
	bool begun = false, listed = false;
	size_t n = 0;

	while (*more != '\0') {
		option = cmd_next_option(more, &n);
		if (option == more + 2) {
			if (!listed)
				puts(".Bl -tag -width Ds");
			listed = true;
			more = print_option(option, n);
			continue;
		}
		if (listed)
			puts(".El");
		else if (begun)
			puts(".Pp");
		listed = false;
		end = strstr(more, "\n\n");
		end = end == NULL ? more + strlen(more) : end + 2;
		print_prose(more, (size_t)(end - more));
		begun = true;
		more = end;
	}
	if (listed)
		puts(".El");
}

/* Brackets and bars would be delimiters. */
static void
print_arguments(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '[')
			fputs("\\(lB", stdout);
		else if (*text == ']')
			fputs("\\(rB", stdout);
		else if (*text == '|')
			fputs("\\(ba", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else
			putchar(*text);
}

static void
print_command(const struct cmd_row *c)
{
	printf(".It Ic \"%s%s%s", c->name, c->action == NULL ? "" : " ",
	    c->action == NULL ? "" : c->action);
	if (*c->arguments != '\0')
		putchar(' ');
	print_arguments(c->arguments);
	puts("\"");
	print_more(c->more);
}

/* -------------------------------------------------------------- the pages */

static void
print_head(const char *title, const char *section, const char *name,
    const char *what)
{
	printf(".\\\" Made by switchboard manual from its own tables.\n"
	    ".Dd " DATE "\n.Dt %s %s\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n", title,
	    section, name, what);
}

enum cmd_exit
cmd_manual_switchboard(char **arguments)
{
	if (*arguments != NULL)
		return cmd_refuse("manual switchboard", *arguments);
	print_head("SWITCHBOARD", "1", "switchboard",
	    "look after an installation of the switchboard backend");
	puts(".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar argument ...\n.Nm\n"
	    ".Op Ar command\n.Fl -help\n.Nm\n.Fl -version\n.Sh DESCRIPTION");
	print_all(cmd_introduction);
	puts(".Pp");
	print_all(cmd_sources);
	puts(".Pp\nThe commands are as follows.\n.Ar USER\n"
	    "is a name or an email address, as at the login.\n"
	    ".Bl -tag -width Ds");
	for (int i = 0; i < cmd_rows; i++)
		if (cmd_table[i].help != NULL)
			print_command(&cmd_table[i]);
	puts(".El\n.Sh EXIT STATUS\n.Bl -tag -width Ds");
	for (const struct cmd_status *s = cmd_statuses; s->text != NULL; s++)
		printf(".It %d\n%s\n", s->status, s->text);
	puts(".El\n.Sh SEE ALSO\n.Xr switchboard.env 5 ,\n.Xr switchboard 8");
	return CMD_OK;
}

static void
print_setting(struct sb_pool *pool, const struct sb_setting *s)
{
	const char *preset = s->computed != NULL ? s->computed :
	    s->fallback == NULL || *s->fallback == '\0' ? "not set" :
	    s->fallback;

	printf(".It Ev %s\n", s->name);
	print_all(sb_setting_plain(pool, s->doc));
	if (s->use == LATER)
		puts("It is checked, but not used yet.");
	else if (s->use == QUICKSTART)
		puts("It is deploy/quickstart's.");
	print_all(sb_printf(pool, "Accepted: %s.", sb_setting_plain(pool,
	    sb_setting_accepted(pool, s))));
	print_all(sb_printf(pool, "Default: %s.", sb_setting_plain(pool,
	    preset)));
}

enum cmd_exit
cmd_manual_settings(char **arguments)
{
	struct sb_pool *pool;

	if (*arguments != NULL)
		return cmd_refuse("manual settings", *arguments);
	pool = sb_pool_new();
	print_head("SWITCHBOARD.ENV", "5", "switchboard.env",
	    "settings of the switchboard backend");
	puts(".Sh DESCRIPTION");
	print_all("The programs and the command line go by the same settings. "
	    "A file of them has lines of NAME=value, in any case of NAME; "
	    "empty lines and what follows a # are skipped, export may stand "
	    "before a name, and a value may be in single or double quotes. "
	    "Nothing is expanded. An empty value counts as not set.");
	puts(".Pp");
	print_all(cmd_sources);
	puts(".Pp");
	print_all("A value that is not accepted stops the start with one line "
	    "that says what would be. A name that is none of these is ignored; "
	    "switchboard settings lists such names.");
	puts(".Bl -tag -width Ds");
	for (size_t i = 0; i < sb_setting_count; i++)
		print_setting(pool, &sb_setting_table[i]);
	puts(".El\n.Sh SEE ALSO\n.Xr switchboard 1 ,\n.Xr switchboard 8");
	sb_pool_free(pool);
	return CMD_OK;
}
