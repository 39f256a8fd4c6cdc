/*
 * switchboard check: looks at an installation as its operator would.  The table
 * of what it looks at, and how it tells; the checks are in check_*.c.
 */
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "findings.h"

/* In this order: what one has learnt, later ones go by. */
static const struct {
	const char	*area, *name;
	void		(*look)(struct cmd_check *);
} checks[] = {
	{ "settings", "accepted", cmd_check_accepted },
	{ "settings", "names", cmd_check_names },
	{ "settings", "environment", cmd_check_environment },
	{ "settings", "origins", cmd_check_origins },
	{ "settings", "proxies", cmd_check_proxies },
	{ "settings", "limits", cmd_check_limits },
	{ "settings", "hashes", cmd_check_hashes },
	{ "settings", "confinement", cmd_check_confinement },
	{ "settings", "log", cmd_check_log },
	{ "data", "directory", cmd_check_directory },
	{ "data", "files", cmd_check_files },
	{ "data", "secrets", cmd_check_secrets },
	{ "data", "web root", cmd_check_web_root },
	{ "data", "space", cmd_check_space },
	{ "store", "database", cmd_check_database },
	{ "store", "wal", cmd_check_wal },
	{ "store", "counts", cmd_check_counts },
	{ "store", "keys", cmd_check_keys },
	{ "store", "secret", cmd_check_secret },
	{ "care", "clock", cmd_check_clock },
	{ "care", "tick", cmd_check_tick },
	{ "care", "backup", cmd_check_backup },
	{ "care", "outbox", cmd_check_outbox },
	{ "web", "answer", cmd_check_answer },
	{ "web", "https", cmd_check_https },
	{ "web", "token", cmd_check_token },
	{ "web", "ways", cmd_check_ways },
	{ "web", "version", cmd_check_version },
	{ "web", "confined", cmd_check_confined },
	{ "web", "prefix", cmd_check_prefix },
	{ "web", "address", cmd_check_address },
	{ "web", "stream", cmd_check_stream },
	{ "web", "errors", cmd_check_errors },
	{ "web", "reach", cmd_check_reach },
	{ "web", "gzip", cmd_check_gzip },
	{ "web", "date", cmd_check_date },
};
#define CHECKS	(sizeof(checks) / sizeof(checks[0]))

static const struct {
	const char	*name, *word;
	int		 colour;
} grades[] = {
	[CMD_GREEN] = { "green", "ok", 32 },
	[CMD_YELLOW] = { "yellow", "unwise", 33 },
	[CMD_RED] = { "red", "broken", 31 },
};
_Static_assert(sizeof(grades) / sizeof(grades[0]) == CMD_GRADES, "grades");

/* ------------------------------------------------------------- telling it */

static void
print_grade(const struct cmd_check *c, enum cmd_grade grade)
{
	if (c->coloured)
		printf("  \033[%dm%-6s\033[0m  ", grades[grade].colour,
		    grades[grade].word);
	else
		printf("  %-6s  ", grades[grade].word);
}

/* Each line of it under the sentence. */
static void
print_fix(struct cmd_check *c, const char *fix)
{
	const char *before = "fix: ";
	size_t n;

	for (; *fix != '\0'; fix += n + (fix[n] == '\n')) {
		n = strcspn(fix, "\n");
		printf("          %s%s\n", before, cmd_visible(c->pool,
		    sb_copy(c->pool, fix, n)));
		before = "     ";
	}
}

static void
print(struct cmd_check *c, enum cmd_grade grade, const char *sentence,
    const char *fix)
{
	cmd_progress_end();
	if (c->shown_area == NULL || strcmp(c->shown_area, c->area) != 0)
		printf("%s%s\n", c->shown_area == NULL ? "" : "\n", c->area);
	c->shown_area = c->area;
	print_grade(c, grade);
	printf("%s\n", cmd_visible(c->pool, sentence));
	if (fix != NULL)
		print_fix(c, fix);
	fflush(stdout);
}

static void
add_text(struct cmd_check *c, struct json_object *to, const char *name,
    const char *text)
{
	json_object_object_add(to, name, text == NULL ? NULL :
	    json_object_new_string(sb_utf8_mend(c->pool, text, strlen(text),
	    NULL)));
}

static void
list(struct cmd_check *c, enum cmd_grade grade, const char *sentence,
    const char *fix)
{
	struct json_object *finding = json_object_new_object();

	add_text(c, finding, "grade", grades[grade].name);
	add_text(c, finding, "area", c->area);
	add_text(c, finding, "check", c->name);
	add_text(c, finding, "sentence", sentence);
	add_text(c, finding, "fix", fix);
	json_object_array_add(c->list, finding);
}

__attribute__((format(printf, 4, 0)))
static void
tell(struct cmd_check *c, enum cmd_grade grade, const char *fix,
    const char *format, va_list ap)
{
	char *sentence;

	/* What a signal has cut off is not as it was found. */
	if (cmd_stopped())
		return;
	if (vasprintf(&sentence, format, ap) < 0)
		sb_fatal("out of memory");
	sb_pool_defer(c->pool, free, sentence);
	c->count[grade]++;
	if (c->in_json)
		list(c, grade, sentence, fix);
	else
		print(c, grade, sentence, fix);
}

void
cmd_is_fine(struct cmd_check *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	tell(c, CMD_GREEN, NULL, format, ap);
	va_end(ap);
}

void
cmd_is_unwise(struct cmd_check *c, const char *fix, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	tell(c, CMD_YELLOW, fix, format, ap);
	va_end(ap);
}

void
cmd_is_broken(struct cmd_check *c, const char *fix, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	tell(c, CMD_RED, fix, format, ap);
	va_end(ap);
}

static void
sum_up(struct cmd_check *c)
{
	struct json_object *all;

	if (!c->in_json) {
		printf("\n%d ok, %d unwise, %d broken\n", c->count[CMD_GREEN],
		    c->count[CMD_YELLOW], c->count[CMD_RED]);
		return;
	}
	all = json_object_new_object();
	for (int i = 0; i < CMD_GRADES; i++)
		json_object_object_add(all, grades[i].name,
		    json_object_new_int(c->count[i]));
	json_object_object_add(all, "findings", c->list);
	puts(cmd_visible(c->pool, json_object_to_json_string_ext(all,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
	json_object_put(all);
}

/* --------------------------------------------------------- what they share */

const char *
cmd_data_path(struct cmd_check *c, const char *name)
{
	return sb_printf(c->pool, "%s/%s", sb_settings.data, name);
}

/* ------------------------------------------------------------------ all */

/* https://no-color.org; a variable of everybody's, and no setting of ours. */
static bool
wants_no_colour(void)
{
	static const char name[] = "NO_COLOR=";
	const size_t n = sizeof(name) - 1;

	for (char **e = environ; e != NULL && *e != NULL; e++)
		if (strncmp(*e, name, n) == 0 && (*e)[n] != '\0')
			return true;
	return false;
}

static bool
is_url(const char *url)
{
	size_t n = strncasecmp(url, "https://", 8) == 0 ? 8 :
	    strncasecmp(url, "http://", 7) == 0 ? 7 : 0;

	return n > 0 && url[n] != '\0' && url[n] != '/' &&
	    url[strcspn(url, " ?#\t\r\n")] == '\0';
}

static enum cmd_exit
run(struct cmd_check *c)
{
	cmd_progress_begin("check");
	for (size_t i = 0; i < CHECKS && !cmd_stopped(); i++) {
		c->area = checks[i].area;
		c->name = checks[i].name;
		cmd_progress("%s", c->name);
		checks[i].look(c);
	}
	cmd_progress_end();
	if (cmd_stopped()) {
		json_object_put(c->list);
		return cmd_say_stopped("check");
	}
	sum_up(c);
	return c->count[CMD_RED] > 0 ? CMD_BROKEN : CMD_OK;
}

enum cmd_exit
cmd_check(char **arguments)
{
	const char *name = "check", *wrong, *url = NULL;
	struct cmd_check c = { .root = geteuid() == 0 };
	enum cmd_exit status;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--json", &c.in_json, NULL }, { "--url", NULL, &url },
	    { NULL, NULL, NULL } }, NULL, 0);
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if (url != NULL && !is_url(url)) {
		fprintf(stderr, "switchboard check: --url takes what begins "
		    "with https:// or http:// and has no ? and no #\n");
		return CMD_USAGE;
	}
	if ((status = cmd_become_owner_early(name)) != CMD_OK)
		return status;
	/* What is wrong with them is told among the rest. */
	sb_settings_load();
	if ((status = cmd_become_owner(name)) != CMD_OK)
		return status;
	c.pool = sb_pool_new();
	c.url = url == NULL ? NULL : cmd_site_root(c.pool, url);
	c.list = c.in_json ? json_object_new_array() : NULL;
	c.coloured = isatty(STDOUT_FILENO) && !wants_no_colour();
	status = run(&c);
	sb_pool_free(c.pool);
	return status;
}
