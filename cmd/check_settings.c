/*
 * What switchboard check says of the settings: those that are not accepted, and
 * those that are, and unwise.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "findings.h"

#define CLOSE		2	/* edits that make one name of another */
#define NAME_MAX_BYTES	64
#define NEW_KEY		"what openssl rand -base64 48 prints"

static const struct sb_found *
found(const char *name)
{
	size_t i = 0;

	while (strcmp(sb_setting_table[i].name, name) != 0)
		i++;
	return &sb_setting_found[i];
}

static const char *
file(struct cmd_check *c)
{
	return cmd_settings_path(c->pool);
}

/* What was refused is at its default by now: its complaint knows the place. */
static const char *
place(struct cmd_check *c, enum sb_setting_origin origin, int line)
{
	if (origin == ENVIRONMENT)
		return "in the environment of the programs";
	return line == 0 ? sb_printf(c->pool, "in %s", file(c)) :
	    sb_printf(c->pool, "in %s, line %d", file(c), line);
}

static const char *
place_of(struct cmd_check *c, const char *name)
{
	const struct sb_found *f = found(name);

	return place(c, f->origin, f->line);
}

const char *
cmd_set_to(struct cmd_check *c, const char *name, const char *value)
{
	return sb_printf(c->pool, "%s=%s, %s", name, value,
	    place_of(c, name));
}

static bool
in_production(void)
{
	return strcmp(sb_settings.environment, "production") == 0;
}

/* --------------------------------------------------------- what is refused */

/* What would be accepted stands in the sentence. */
static const char *
mending(struct cmd_check *c, const struct sb_complaint *it)
{
	if (it->setting == NULL && !cmd_check_reads_settings())
		return cmd_letting_in(c, file(c));
	if (it->setting == NULL)
		return sb_printf(c->pool, "mend %s; man switchboard.env says "
		    "how its lines look", file(c));
	if (strcmp(it->setting, "SECRET_KEY") == 0)
		return sb_printf(c->pool, "SECRET_KEY=%s, %s", NEW_KEY,
		    place(c, it->origin, it->number));
	if (it->origin == ENVIRONMENT)
		return sb_printf(c->pool, "correct %s in the environment",
		    it->setting);
	return sb_printf(c->pool, "correct line %d of %s", it->number,
	    file(c));
}

/* Where SCRYPT_* is set: what the environment has wins. */
static const char *
scrypt_place(struct cmd_check *c)
{
	static const char *const names[] = { "SCRYPT_N", "SCRYPT_R",
	    "SCRYPT_P" };
	const char *name = names[0];

	for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++)
		if (found(names[i])->origin > found(name)->origin)
			name = names[i];
	return place_of(c, name);
}

/* A key that counts as not set has left no trace of where it was set. */
static const char *
heeding(struct cmd_check *c, const char *warning)
{
	if (strncmp(warning, "CONFINE", 7) == 0)
		return sb_printf(c->pool, "take CONFINE out of %s; where it "
		    "has to be false, set it in the environment of the "
		    "programs", file(c));
	if (strncmp(warning, "SECRET_KEY", 10) != 0)
		return sb_printf(c->pool, "SCRYPT_N=16384, SCRYPT_R=8, "
		    "SCRYPT_P=5, %s", scrypt_place(c));
	return sb_printf(c->pool, "SECRET_KEY=%s, where it is set now: in the "
	    "environment of the programs, which wins, or in %s", NEW_KEY,
	    file(c));
}

static const char *
count(struct cmd_check *c, enum sb_setting_origin origin)
{
	int n = 0;

	for (size_t i = 0; i < sb_setting_count; i++)
		n += sb_setting_found[i].origin == origin;
	return sb_printf(c->pool, "%d setting%s", n, n == 1 ? "" : "s");
}

/* Where root has read the file, the programs have yet to. */
static bool
is_read_by_root_alone(struct cmd_check *c)
{
	const struct sb_complaint *it = sb_setting_complaints;

	while (it != NULL && it->setting != NULL)
		it = it->next;
	if (it != NULL || cmd_check_reads_settings())
		return false;
	cmd_is_broken(c, cmd_letting_in(c, file(c)), "%s can't read %s, and "
	    "the programs answer every request with a 500",
	    cmd_user_name(c->pool, geteuid()), file(c));
	return true;
}

void
cmd_check_accepted(struct cmd_check *c)
{
	const bool shut = is_read_by_root_alone(c);

	for (const struct sb_complaint *it = sb_setting_complaints; it != NULL;
	    it = it->next)
		cmd_is_broken(c, mending(c, it), "%s", it->line);
	for (const char *const *w = sb_setting_warnings(); *w != NULL; w++)
		cmd_is_unwise(c, heeding(c, *w), "%s", *w);
	if (shut || sb_setting_complaints != NULL)
		return;
	if (sb_settings.env_file == NULL)
		cmd_is_fine(c, "every setting is accepted: %s in the "
		    "environment; there is no settings file",
		    count(c, ENVIRONMENT));
	else
		cmd_is_fine(c, "every setting is accepted: %s in %s, and %s in "
		    "the environment", count(c, SETTINGS_FILE),
		    sb_settings.env_file, count(c, ENVIRONMENT));
}

/* ------------------------------------------------------------------ names */

static int
least(int a, int b, int c)
{
	return a < b ? (a < c ? a : c) : (b < c ? b : c);
}

/* Levenshtein's distance, in any case. */
static int
distance(const char *a, const char *b)
{
	int row[NAME_MAX_BYTES + 1], before, kept;
	const int m = (int)strlen(a), n = (int)strlen(b);

	if (m > NAME_MAX_BYTES || n > NAME_MAX_BYTES)
		return NAME_MAX_BYTES;
	for (int j = 0; j <= n; j++)
		row[j] = j;
	for (int i = 1; i <= m; i++) {
		before = row[0];
		row[0] = i;
		for (int j = 1; j <= n; j++) {
			kept = row[j];
			row[j] = least(row[j] + 1, row[j - 1] + 1, before +
			    (toupper((unsigned char)a[i - 1]) != b[j - 1]));
			before = kept;
		}
	}
	return row[n];
}

/* The setting that was meant, or NULL. */
static const char *
meant(const char *name)
{
	int best = CLOSE + 1, d;
	const char *closest = NULL;

	for (size_t i = 0; i < sb_setting_count; i++) {
		d = distance(name, sb_setting_table[i].name);
		/* Of a short name little may differ. */
		if (d < best && d * 3 <= (int)strlen(name)) {
			best = d;
			closest = sb_setting_table[i].name;
		}
	}
	return closest;
}

/* Other programs may share the file: what resembles nothing is theirs. */
void
cmd_check_names(struct cmd_check *c)
{
	const char *others = "", *setting;
	int odd = 0;

	for (const struct sb_ignored *it = sb_setting_ignored; it != NULL;
	    it = it->next) {
		setting = meant(it->line);
		if (strchr(it->line, ' ') != NULL)
			cmd_is_unwise(c, sb_printf(c->pool, "give it a value, "
			    "or take it out: line %d of %s", it->number,
			    file(c)), "line %d of the settings file is "
			    "ignored: %s", it->number, it->line);
		else if (setting != NULL)
			cmd_is_unwise(c, sb_printf(c->pool, "call it %s, in "
			    "%s, line %d", setting, file(c), it->number),
			    "%s is no setting, and ignored; did you mean %s?",
			    it->line, setting);
		else {
			others = sb_printf(c->pool, "%s%s%s", others,
			    *others == '\0' ? "" : ", ", it->line);
			continue;
		}
		odd++;
	}
	if (*others != '\0')
		cmd_is_fine(c, "of the settings file is not ours, and "
		    "ignored: %s", others);
	else if (odd == 0)
		cmd_is_fine(c, "every name in the settings file is known");
}

/* ------------------------------------------------------------- production */

/* Whether strangers can come: as far as settings and the URL tell. */
static bool
looks_open(const struct cmd_check *c)
{
	return c->url != NULL ? !cmd_site_is_here(c) :
	    sb_settings.trusted_proxies != NULL ||
	    strstr(sb_settings.cors_origins, "https://") != NULL;
}

void
cmd_check_environment(struct cmd_check *c)
{
	const bool loud = sb_settings.debug ||
	    strcmp(sb_settings.log_level, "debug") == 0;
	const char *name = sb_settings.debug ? "DEBUG" : "LOG_LEVEL";

	c->open = in_production() || looks_open(c);
	if (!in_production() && c->open)
		cmd_is_unwise(c, cmd_set_to(c, "ENVIRONMENT", "production"),
		    "ENVIRONMENT is %s, though others seem to come here: a "
		    "SECRET_KEY that is a placeholder would not stop the "
		    "start", sb_settings.environment);
	else
		cmd_is_fine(c, "ENVIRONMENT is %s", sb_settings.environment);
	if (c->open && loud)
		cmd_is_unwise(c, cmd_set_to(c, name, sb_settings.debug ?
		    "false" : "info"), "%s makes the log long, and slow "
		    "to search", name);
}

static bool
is_local(const char *origin, size_t n)
{
	const char *host = memmem(origin, n, "://", 3);
	static const char *const local[] = { "localhost", "127.0.0.1",
	    "[::1]" };

	for (size_t i = 0; host != NULL && i < 3; i++) {
		const size_t length = strlen(local[i]);

		if ((size_t)(origin + n - host - 3) >= length &&
		    strncasecmp(host + 3, local[i], length) == 0 &&
		    (host + 3 + length == origin + n ||
		    host[3 + length] == ':'))
			return true;
	}
	return false;
}

void
cmd_check_origins(struct cmd_check *c)
{
	const char *list = sb_settings.cors_origins;
	const char *fix = cmd_set_to(c, "CORS_ORIGINS", "https://your.site, "
	    "whose pages call");
	int local = 0, plain = 0;
	size_t n;

	if (strcmp(list, "*") == 0) {
		cmd_is_unwise(c, fix, "CORS_ORIGINS is *: pages of any site "
		    "may call");
		return;
	}
	for (; *list != '\0'; list += n + (list[n] == ',')) {
		list += strspn(list, " \t");
		n = strcspn(list, ",");
		if (is_local(list, n))
			local++;
		else if (strncasecmp(list, "http://", 7) == 0)
			plain++;
	}
	if (c->open && local > 0)
		cmd_is_unwise(c, fix, "CORS_ORIGINS has %d origin%s on "
		    "visitors' own machines%s: whatever runs there may call",
		    local, local == 1 ? "" : "s", found("CORS_ORIGINS")->
		    origin == DEFAULT ? " (the default)" : "");
	if (plain > 0)
		cmd_is_unwise(c, cmd_set_to(c, "CORS_ORIGINS", "the same with "
		    "https://"), "CORS_ORIGINS has %d http:// origin%s: who is "
		    "in between can change their pages", plain,
		    plain == 1 ? "" : "s");
	if (plain == 0 && (local == 0 || !c->open))
		cmd_is_fine(c, "CORS_ORIGINS names who may call");
}

/* Of an address without one, all bits count. */
static bool
is_wide(const char *block, size_t n)
{
	const char *slash = memchr(block, '/', n);

	return slash != NULL && strtol(slash + 1, NULL, 10) <
	    (memchr(block, ':', n) != NULL ? 16 : 8);
}

void
cmd_check_proxies(struct cmd_check *c)
{
	const char *list = sb_settings.trusted_proxies;
	size_t n;

	if (list == NULL) {
		cmd_is_fine(c, "TRUSTED_PROXIES is not set: clients are who "
		    "connects");
		return;
	}
	for (; *list != '\0'; list += n + (list[n] == ',')) {
		list += strspn(list, " \t");
		n = strcspn(list, ",");
		if (!is_wide(list, n))
			continue;
		cmd_is_broken(c, cmd_set_to(c, "TRUSTED_PROXIES",
		    "the addresses of your own proxies"), "TRUSTED_PROXIES has "
		    "%.*s: nearly anybody may claim to be any address, and no "
		    "limit holds", (int)n, list);
		return;
	}
	cmd_is_fine(c, "TRUSTED_PROXIES is %s", sb_settings.trusted_proxies);
}

void
cmd_check_limits(struct cmd_check *c)
{
	static const char *const names[] = { "RATE_LIMIT_PER_USER",
	    "RATE_LIMIT_PER_ADDRESS", "LOGIN_FAILURES_PER_ACCOUNT" };
	int off = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (found(names[i])->number != 0)
			continue;
		off++;
		if (c->open)
			cmd_is_unwise(c, sb_printf(c->pool, "take out %s, %s",
			    names[i], place_of(c, names[i])),
			    "%s is 0: nothing slows down who %s", names[i],
			    i == 2 ? "guesses passwords" : "asks too much");
	}
	if (off == 0)
		cmd_is_fine(c, "limits are on");
	else if (!c->open)
		cmd_is_fine(c, "%d limit%s off, outside of production", off,
		    off == 1 ? " is" : "s are");
}

void
cmd_check_hashes(struct cmd_check *c)
{
	const int64_t cores = sysconf(_SC_NPROCESSORS_ONLN);
	const int64_t memory = (int64_t)sysconf(_SC_PHYS_PAGES) *
	    sysconf(_SC_PAGESIZE);
	const int64_t each = 128 * sb_settings.scrypt_n * sb_settings.scrypt_r;
	const int64_t all = each * sb_settings.hashes;

	if (sb_settings.hashes > 2 * cores)
		cmd_is_unwise(c, cmd_set_to(c, "HASHES", sb_printf(c->pool,
		    "%lld", (long long)cores)), "HASHES is %lld on %lld "
		    "core%s: logins wait for each other",
		    (long long)sb_settings.hashes, (long long)cores,
		    cores == 1 ? "" : "s");
	else if (all > memory / 2)
		cmd_is_unwise(c, cmd_set_to(c, "HASHES", "1"), "%lld password "
		    "hashes at once take %lld MiB, more than half of the "
		    "memory", (long long)sb_settings.hashes,
		    (long long)(all >> 20));
	else
		cmd_is_fine(c, "%lld password hash%s at once, of %lld KiB, on "
		    "%lld core%s", (long long)sb_settings.hashes,
		    sb_settings.hashes == 1 ? "" : "es",
		    (long long)(each >> 10), (long long)cores,
		    cores == 1 ? "" : "s");
}

/* What a kernel lacks can't be set; it is worth knowing all the same. */
void
cmd_check_confinement(struct cmd_check *c)
{
	const char *means = sb_confine_means(c->pool);

	if (!sb_settings.confine)
		cmd_is_unwise(c, cmd_set_to(c, "CONFINE", "true"),
		    "CONFINE is false: who finds a fault in a program can do "
		    "all that its user can");
	else if (means == NULL)
		cmd_is_unwise(c, NULL, "programs are not confined: "
		    "this build, or this kernel, can't be");
	else
		cmd_is_fine(c, "programs with these settings are confined by "
		    "%s", means);
}
