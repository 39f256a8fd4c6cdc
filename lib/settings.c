/*
 * The settings: where they are looked for, what wins, and whether they fit.
 * Every program reads them once, at its start; no other file looks at the
 * environment.  What there is to set is in settings_table.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "settings.h"

#define SHOWN_MAX	200	/* bytes of a value in an error */
#define WARNINGS	4

struct sb_settings sb_settings;
struct sb_ignored *sb_setting_ignored;
struct sb_complaint *sb_setting_complaints;

static struct sb_pool *pool;		/* all texts of the last reading */
static const char *warnings[WARNINGS + 1]; /* ended by NULL */
static int warned;
static struct sb_ignored **last_ignored; /* where the next one goes */
static struct sb_complaint **last_complaint;	/* likewise */

static void
complain(const struct sb_found *f, const char *line)
{
	struct sb_complaint *it = sb_alloc(pool, sizeof(*it));

	*it = (struct sb_complaint){ .line = line };
	if (f != NULL) {
		it->setting = sb_setting_table[f - sb_setting_found].name;
		it->origin = f->origin;
		it->number = f->line;
	}
	*last_complaint = it;
	last_complaint = &it->next;
}

static const char *
first_complaint(void)
{
	return sb_setting_complaints == NULL ? NULL :
	    sb_setting_complaints->line;
}

static void
refuse(const struct sb_setting *s, const struct sb_found *f)
{
	const char *what = "the value", *from = "", *shown;

	if (s->type != SECRET) {
		shown = sb_setting_visible(pool, f->text);
		what = sb_printf(pool, "\"%.*s%s",
		    (int)sb_utf8_cut(shown, SHOWN_MAX), shown,
		    sb_utf8_length(shown) > SHOWN_MAX ? "...\"" : "\"");
	}
	if (f->origin == SETTINGS_FILE)
		from = sb_printf(pool, " (set in %s)",
		    sb_setting_visible(pool, sb_settings.env_file));
	complain(f, sb_printf(pool,
	    "%s: %s is not accepted; it has to be %s%s", s->name, what,
	    sb_setting_plain(pool, sb_setting_accepted(pool, s)), from));
}

/* --------------------------------------------------- where they come from */

static struct sb_found *
found(const char *name)
{
	size_t i = 0;

	while (strcmp(sb_setting_table[i].name, name) != 0)
		i++;
	return &sb_setting_found[i];
}

static const struct sb_setting *
row(const struct sb_found *f)
{
	return &sb_setting_table[f - sb_setting_found];
}

/* The setting of that name, in any case, or NULL. */
static const struct sb_setting *
look_up(const char *name, size_t length, enum sb_setting_origin origin)
{
	const struct sb_setting *s = sb_setting_table,
	    *end = s + sb_setting_count;

	while (s < end && (strncasecmp(s->name, name, length) != 0 ||
	    s->name[length] != '\0'))
		s++;
	return s == end || (s->use == SEARCH && origin != ENVIRONMENT) ? NULL :
	    s;
}

/*
 * Keeps a value as it was found.  An empty one counts as not set.  Of several
 * spellings of one name the one in upper case wins, else the last.
 */
static void
keep(const struct sb_setting *s, const char *name, size_t length,
    const char *value, enum sb_setting_origin origin, int line)
{
	struct sb_found *f = &sb_setting_found[s - sb_setting_table];
	bool exact;

	exact = memcmp(s->name, name, length) == 0;
	if (f->origin > origin || (f->origin == origin && f->exact && !exact))
		return;
	*f = (struct sb_found){ .origin = DEFAULT };
	if (*value != '\0')
		*f = (struct sb_found){ .origin = origin, .exact = exact,
		    .line = line, .text = sb_copy(pool, value, strlen(value)) };
}

static void
ignore(const char *line, int number)
{
	struct sb_ignored *it = sb_alloc(pool, sizeof(*it));

	*it = (struct sb_ignored){ .line = line, .number = number };
	*last_ignored = it;
	last_ignored = &it->next;
}

/* Other programs may share the file, so what isn't ours is no error. */
static void
keep_line(const char *name, size_t length, const char *value, int line)
{
	const struct sb_setting *s = look_up(name, length, SETTINGS_FILE);

	if (s == NULL)
		ignore(sb_copy(pool, name, length), line);
	else if (value == NULL)
		ignore(sb_printf(pool, "%s without =", s->name), line);
	else
		keep(s, name, length, value, SETTINGS_FILE, line);
}

static void
read_environment(void)
{
	for (char **e = environ; e != NULL && *e != NULL; e++) {
		size_t n = strcspn(*e, "=");
		const struct sb_setting *s = look_up(*e, n, ENVIRONMENT);

		if (s != NULL && (*e)[n] == '=')
			keep(s, *e, n, *e + n + 1, ENVIRONMENT, 0);
	}
}

/* The folder above the one that the program lies in, or NULL. */
static const char *
program_parent(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		return NULL;
	path[n] = '\0';
	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(path, '/');

		if (slash == NULL)
			return NULL;
		*slash = '\0';
	}
	return sb_copy(pool, path, strlen(path));
}

/* Reads a file, if it is there; true if it is the one to go by. */
static bool
read_file(const char *path, bool must)
{
	/* Where it was only looked for, nobody waits for a pipe's other end. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY |
	    (must ? 0 : O_NONBLOCK));
	const char *wrong;

	if (fd < 0 && !must && (errno == ENOENT || errno == ENOTDIR))
		return false;
	sb_settings.env_file = path;
	wrong = fd < 0 ? strerror(errno) : sb_envfile_read(pool, fd, keep_line);
	if (fd >= 0)
		close(fd);
	if (wrong != NULL)
		complain(NULL, sb_printf(pool, "%s%s: %s",
		    must ? "SWITCHBOARD_ENV_FILE: " : "",
		    sb_setting_visible(pool, path), wrong));
	return true;
}

/* The README has the order of the search. */
static void
find_file(void)
{
	const char *named = found("SWITCHBOARD_ENV_FILE")->text;
	const char *data = found("SWITCHBOARD_DATA")->text;
	const char *home = found("SWITCHBOARD_HOME")->text;
	const char *parent = program_parent();

	if (home != NULL && home[0] == '/')
		sb_settings.home = home;
	if (named != NULL) {
		read_file(named, true);
		return;
	}
	if (data != NULL && data[0] == '/' &&
	    read_file(sb_printf(pool, "%s/.env", data), false))
		return;
	/* What this machine has elsewhere is of another installation. */
	if (sb_settings.home != NULL) {
		read_file(sb_printf(pool, "%s/etc/switchboard.env", home),
		    false);
		return;
	}
	if (parent != NULL && read_file(sb_printf(pool,
	    "%s/etc/switchboard.env", parent), false))
		return;
	read_file(SB_SYSCONFDIR "/switchboard.env", false);
}

static void
store(const struct sb_found *f)
{
	const struct sb_setting *s = row(f);
	void *at = (char *)&sb_settings + s->at;

	if (s->use != PROGRAMS)
		return;
	if (s->type == INTEGER)
		*(int64_t *)at = f->number;
	else if (s->type == BOOLEAN)
		*(bool *)at = f->number != 0;
	else
		*(const char **)at = f->text;
}

static void
set_default(struct sb_found *f)
{
	const char *text = row(f)->fallback;

	*f = (struct sb_found){ .origin = DEFAULT, .text = text };
	if (text != NULL && *text != '\0')
		sb_setting_convert(pool, row(f), text, f);
	store(f);
}

static void
set(struct sb_found *f)
{
	if (f->text == NULL)
		set_default(f);
	else if (sb_setting_convert(pool, row(f), f->text, f))
		store(f);
	else {
		refuse(row(f), f);
		set_default(f);
	}
}

/* -------------------------------------------- what they must be together */

static void
warn(const char *line)
{
	if (warned < WARNINGS)
		warnings[warned++] = line;
}

static void
set_data(void)
{
	struct sb_found *f = found("SWITCHBOARD_DATA");

	if (f->origin != DEFAULT || sb_settings.home == NULL)
		return;
	f->text = sb_printf(pool, "%s/data", sb_settings.home);
	store(f);
}

/* What a program that somebody got into can write doesn't free the next one. */
static void
set_confine(void)
{
	struct sb_found *f = found("CONFINE");

	if (f->origin != SETTINGS_FILE || sb_settings.confine ||
	    !sb_lies_in(sb_settings.env_file, sb_settings.data))
		return;
	set_default(f);
	warn("CONFINE is not taken from a file in the data directory, which "
	    "programs can write to: set it in the environment");
}

static void
set_hashes(void)
{
	struct sb_found *f = found("HASHES");
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (f->text != NULL)
		return;
	f->number = cores < row(f)->min ? row(f)->min :
	    cores > row(f)->max ? row(f)->max : cores;
	f->text = sb_printf(pool, "%lld", (long long)f->number);
	store(f);
}

static void
apply_debug(void)
{
	struct sb_found *level = found("LOG_LEVEL");

	if (!sb_settings.debug)
		return;
	level->text = "debug";
	level->origin = found("DEBUG")->origin;
	store(level);
}

static bool
in_production(void)
{
	return strcmp(sb_settings.environment, "production") == 0;
}

static void
check_secret_key(void)
{
	struct sb_found *f = found("SECRET_KEY");
	bool is_short;

	if (f->text == NULL)
		return;
	is_short = strlen(f->text) < SB_KEY_MIN;
	if (!is_short && !sb_setting_is_placeholder(pool, f->text))
		return;
	if (in_production())
		refuse(row(f), f);
	else
		warn(sb_printf(pool, "SECRET_KEY counts as not set: it is %s, "
		    "and would stop the start in production", is_short ?
		    "shorter than 32 bytes" : "a placeholder"));
	set_default(f);
}

static void
check_metrics_token(void)
{
	struct sb_found *f = found("METRICS_TOKEN");

	if (f->text == NULL || !sb_setting_is_placeholder(pool, f->text))
		return;
	refuse(row(f), f);
	set_default(f);
}

static void
check_scrypt(void)
{
	const long long n = sb_settings.scrypt_n, r = sb_settings.scrypt_r,
	    p = sb_settings.scrypt_p;

	if (128 * n * r > SB_SCRYPT_MAX) {
		complain(found("SCRYPT_N"), sb_printf(pool,
		    "SCRYPT_N: \"%lld\" is not accepted "
		    "with SCRYPT_R \"%lld\"; 128 * N * r has to be at most "
		    "268435456 bytes (256 MiB)", n, r));
		set_default(found("SCRYPT_N"));
		set_default(found("SCRYPT_R"));
	} else if (n * r * p < 16384LL * 8 * 5 && in_production())
		warn(sb_printf(pool, "SCRYPT_N, SCRYPT_R, SCRYPT_P: %lld, "
		    "%lld, %lld are weaker than the default 16384, 8, 5",
		    n, r, p));
}

static void
check_cors(void)
{
	const char *wrong = sb_cors_settings_wrong();

	if (wrong == NULL)
		return;
	complain(found("CORS_ORIGINS"), sb_printf(pool,
	    "CORS_ORIGINS: \"%s\" is not accepted; it takes %s",
	    sb_setting_visible(pool, sb_settings.cors_origins), wrong));
	set_default(found("CORS_ORIGINS"));
	set_default(found("CORS_CREDENTIALS"));
}

static void
forget(void)
{
	sb_settings = (struct sb_settings){ .environment = NULL };
	for (size_t i = 0; i < sb_setting_count; i++)
		sb_setting_found[i] = (struct sb_found){ .origin = DEFAULT };
	sb_setting_ignored = NULL;
	last_ignored = &sb_setting_ignored;
	sb_setting_complaints = NULL;
	last_complaint = &sb_setting_complaints;
	memset(warnings, 0, sizeof(warnings));
	warned = 0;
	if (pool == NULL)
		pool = sb_pool_new();
	else
		sb_pool_clear(pool);
}

/*
 * What isn't accepted is left at its default, so that the 500 that then says
 * so can be made, and logged, by the rest.
 */
const char *
sb_settings_folder(void)
{
	const char *folder;

	forget();
	read_environment();
	folder = found("SWITCHBOARD_DATA")->text;
	if (folder == NULL || folder[0] != '/')
		folder = found("SWITCHBOARD_HOME")->text;
	return folder == NULL || folder[0] != '/' ? NULL : folder;
}

const char *
sb_settings_load(void)
{
	forget();
	read_environment();
	find_file();
	for (size_t i = 0; i < sb_setting_count; i++)
		set(&sb_setting_found[i]);
	set_data();
	set_confine();
	set_hashes();
	apply_debug();
	check_secret_key();
	check_metrics_token();
	check_scrypt();
	check_cors();
	return first_complaint();
}

void
sb_settings_default(void)
{
	forget();
	for (size_t i = 0; i < sb_setting_count; i++)
		set_default(&sb_setting_found[i]);
}

/*
 * Where they come from is said by name, as another program lies elsewhere and
 * would look there first.
 */
char **
sb_settings_environment(struct sb_pool *to)
{
	size_t n = 0, size = 3;
	char **list;

	for (char **e = environ; *e != NULL; e++)
		size++;
	list = sb_alloc(to, size * sizeof(*list));
	if (sb_settings.env_file != NULL)
		list[n++] = sb_printf(to, "SWITCHBOARD_ENV_FILE=%s",
		    sb_settings.env_file);
	list[n++] = sb_printf(to, "SWITCHBOARD_DATA=%s", sb_settings.data);
	for (char **e = environ; *e != NULL; e++) {
		const size_t length = strcspn(*e, "=");
		const struct sb_setting *s = look_up(*e, length, ENVIRONMENT);

		if (s != NULL && strcmp(s->name, "SWITCHBOARD_ENV_FILE") != 0 &&
		    strcmp(s->name, "SWITCHBOARD_DATA") != 0)
			list[n++] = *e;
	}
	return list;
}

const char *const *
sb_setting_warnings(void)
{
	return warnings;
}

const char *
sb_settings_read(void)
{
	if (sb_settings_load() == NULL)
		for (int i = 0; i < warned; i++)
			sb_log(SB_WARNING, "%s", warnings[i]);
	return first_complaint();
}
