/*
 * What /metrics tells of the requests, counted over all processes of a program
 * and outliving them.  A request is counted when its answer is on its way, by
 * additions that need no lock; a process that is killed in between leaves
 * numbers that are at most one too low.  Whether it can be counted changes
 * nothing for the request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "metrics.h"

#define LOOK_EVERY	SB_SECOND
#define TRY_EVERY	(60 * SB_SECOND)

/* How long requests take: the upper bounds. */
#define MS	(SB_SECOND / 1000)
static const int64_t bounds[] = {
	MS / 2, MS, 5 * MS / 2, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS,
	250 * MS, SB_SECOND / 2, SB_SECOND, 5 * SB_SECOND / 2, 5 * SB_SECOND,
	10 * SB_SECOND,
};
#define BOUNDS	(sizeof(bounds) / sizeof(bounds[0]))

/* Why a login was refused; what its client is told says no more. */
enum reason { CREDENTIALS, DISABLED, LIMIT, REASONS };
static const char *const reasons[] = {
	[CREDENTIALS] = "credentials", [DISABLED] = "disabled",
	[LIMIT] = "limit",
};
_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == REASONS, "reasons");

enum family { REQUESTS, DURATIONS, REFUSALS, FAILURES, HASHES, WAITS,
    WITHOUT_PLACE, FAMILIES };
static const struct {
	const char	*kind, *name, *help;
} families[] = {
	[REQUESTS] = { "counter", "switchboard_http_requests_total",
	    "Requests answered, by their route as it is declared." },
	[DURATIONS] = { "histogram",
	    "switchboard_http_request_duration_seconds",
	    "Time from a request's first byte to its answer's last one; not "
	    "of streams, which last as long as they are wanted." },
	[REFUSALS] = { "counter", "switchboard_limit_refusals_total",
	    "Requests refused by a rate limit." },
	[FAILURES] = { "counter", "switchboard_login_failures_total",
	    "Logins refused, for a wrong password or an unknown name, for an "
	    "account that is disabled, or by a rate limit." },
	[HASHES] = { "counter", "switchboard_password_hashes_total",
	    "Passwords hashed." },
	[WAITS] = { "seconds", "switchboard_password_hash_wait_seconds_total",
	    "Time that was waited for a place to hash a password in." },
	[WITHOUT_PLACE] = { "counter",
	    "switchboard_password_hash_refusals_total",
	    "Passwords not hashed, as no place to do so came free." },
};
_Static_assert(sizeof(families) / sizeof(families[0]) == FAMILIES,
    "families");

/* Where requests go that no route has, by their method. */
#define OPTIONS		SB_METHODS	/* none of ours, but preflights' */
#define UNMATCHED	(SB_METHODS + 1)

static struct {
	const struct sb_program *program;	/* NULL: nothing is counted */
	struct sb_metrics_layout layout;
	size_t		 routes;
	unsigned	 limits;		/* that any of them has */
	bool		 has[FAMILIES];
	size_t		 first[FAMILIES], width[FAMILIES];
	struct sb_metrics files[2];		/* one may follow the other */
	struct sb_metrics *file;		/* NULL: none now */
	int64_t		 looked_at;
	bool		 tried, told, begun;
	bool		 stays;			/* not for one request only */
	int		 entered;		/* a handle, or -1 */
} metrics;

/* What happened in the request in hand. */
static struct {
	uint64_t	 hashes, refused;
	int64_t		 waited;
} pending;

/* -------------------------------------------------------------- the layout */

/* As the text format escapes a label's value. */
static void
put_escaped(FILE *f, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '\n')
			fputs("\\n", f);
		else {
			if (*text == '"' || *text == '\\')
				fputc('\\', f);
			fputc(*text, f);
		}
}

static size_t
put_row(FILE *f, const char *method, const char *route)
{
	fprintf(f, "row method=\"%s\",route=\"", method);
	put_escaped(f, route);
	fputs("\"\n", f);
	return 1;
}

static size_t
put_rows(FILE *f, enum family family)
{
	size_t n = 0;

	if (family != REQUESTS && family != DURATIONS) {
		fputs("row\n", f);
		return 1;
	}
	for (const struct sb_route *r = metrics.program->routes;
	    r->method != SB_NONE; r++)
		n += put_row(f, sb_method_names[r->method], r->path);
	for (int method = 0; method < UNMATCHED; method++)
		n += put_row(f, method == SB_NONE ? "other" :
		    method == OPTIONS ? "OPTIONS" : sb_method_names[method],
		    "unmatched");
	return n;
}

/* The label and its values; how many counters a row has. */
static size_t
put_values(FILE *f, enum family family)
{
	size_t n = 0;

	if (family == REQUESTS) {
		fputs(" status", f);
		for (int i = SB_NEXT + 1; i < SB_STATUSES; i++, n++)
			fprintf(f, " %d", sb_status_number((enum sb_status)i));
	} else if (family == DURATIONS) {
		fputs(" le", f);
		for (; n < BOUNDS; n++)
			fprintf(f, " %g", (double)bounds[n] / SB_SECOND);
		fputs(" +Inf", f);
		n += 2;			/* and the sum */
	} else if (family == REFUSALS) {
		fputs(" limit", f);
		for (unsigned bit = 1; bit < 1U << SB_LIMITS; bit <<= 1)
			if (metrics.limits & bit) {
				fprintf(f, " %s", sb_limit_name(
				    (enum sb_limit)bit));
				n++;
			}
	} else if (family == FAILURES) {
		fputs(" reason", f);
		for (; n < REASONS; n++)
			fprintf(f, " %s", reasons[n]);
	} else
		n = 1;
	return n;
}

/* What the routes can lead to. */
static void
survey(void)
{
	bool *has = metrics.has;

	has[REQUESTS] = has[DURATIONS] = true;
	for (const struct sb_route *r = metrics.program->routes;
	    r->method != SB_NONE; r++) {
		metrics.routes++;
		metrics.limits |= r->limits;
		has[FAILURES] |= r->flow == SB_TOKEN_URL;
		has[HASHES] |= (r->limits & SB_LIMIT_ACCOUNT) != 0;
	}
	has[REFUSALS] = metrics.limits != 0;
	has[WAITS] = has[WITHOUT_PLACE] = has[HASHES];
}

static void
lay_out(void)
{
	struct sb_metrics_layout *layout = &metrics.layout;
	char *text;
	FILE *f = open_memstream(&text, &layout->length);

	if (f == NULL)
		sb_fatal("out of memory");
	survey();
	for (enum family i = 0; i < FAMILIES; i++) {
		if (!metrics.has[i])
			continue;
		fprintf(f, "%s %s", families[i].kind, families[i].name);
		metrics.width[i] = put_values(f, i);
		metrics.first[i] = layout->counters;
		fprintf(f, "\nhelp %s\n", families[i].help);
		layout->counters += put_rows(f, i) * metrics.width[i];
	}
	if (fclose(f) != 0)
		sb_fatal("out of memory");
	layout->program = metrics.program->name;
	layout->text = text;
}

void
sb_metrics_begin(const struct sb_program *program)
{
	if (sb_settings.metrics_token != NULL)
		metrics.program = program;
}

/* ------------------------------------------------------ where it is counted */

static void
enter(void)
{
	if (!metrics.stays || metrics.file == NULL)
		return;
	if (metrics.entered >= 0)
		close(metrics.entered);
	metrics.entered = sb_metrics_enter(metrics.program->name);
}

/*
 * Only a program that begins takes the place of another version's file: those
 * of its processes that are left count in what they have.
 */
static void
attach(void)
{
	struct sb_metrics *old = metrics.file;
	struct sb_metrics *new = &metrics.files[old == &metrics.files[0]];
	const char *why, *effect = "nothing is counted";

	if (metrics.layout.text == NULL)
		lay_out();
	metrics.tried = true;
	why = sb_metrics_attach(new, &metrics.layout, !metrics.begun);
	if (why == NULL) {
		metrics.file = new;
		metrics.begun = true;
		metrics.told = false;
		enter();
	}
	if (old != NULL && (why == NULL || old->lost)) {
		sb_metrics_unmap(old);
		if (why != NULL)
			metrics.file = NULL;
	}
	if (metrics.file != NULL)
		effect = "what is counted goes to the one that was removed";
	if (why != NULL && !metrics.told && (metrics.file == NULL ||
	    why != sb_metrics_another)) {
		metrics.told = true;
		sb_log(SB_WARNING, "%s/%s" SB_METRICS_ENDING ": %s; %s",
		    sb_settings.data, metrics.program->name, why, effect);
	}
}

void
sb_metrics_open(void)
{
	if (metrics.program != NULL)
		attach();
	metrics.looked_at = sb_monotonic();
}

void
sb_metrics_stay(void)
{
	metrics.stays = true;
	metrics.entered = -1;
	enter();
}

/* The file may have been removed, with the data directory or by itself. */
static bool
is_ready(int64_t now)
{
	if (metrics.file == NULL) {
		if (metrics.tried && now - metrics.looked_at < TRY_EVERY)
			return false;
	} else if (!metrics.file->lost) {
		if (now - metrics.looked_at < LOOK_EVERY)
			return true;
		metrics.looked_at = now;
		if (sb_metrics_is_current(metrics.file, metrics.program->name))
			return true;
	}
	metrics.looked_at = now;
	attach();
	return metrics.file != NULL;
}

/* ----------------------------------------------------------------- counting */

static void
add(enum family family, size_t row, size_t value, uint64_t n)
{
	if (metrics.has[family] && n > 0)
		atomic_fetch_add_explicit(&metrics.file->counters[
		    metrics.first[family] + row * metrics.width[family] +
		    value], n, memory_order_relaxed);
}

static size_t
row_of(const struct sb_way *way)
{
	if (way->route != NULL)
		return (size_t)(way->route - metrics.program->routes);
	if (way->method != NULL && strcmp(way->method, "OPTIONS") == 0)
		return metrics.routes + OPTIONS;
	return metrics.routes + way->verb;
}

static size_t
bucket_of(int64_t took)
{
	size_t i = 0;

	while (i < BOUNDS && took > bounds[i])
		i++;
	return i;
}

static void
count_refusal(const struct sb_response *rs)
{
	size_t n = 0;

	if (rs->status != SB_TOO_MANY || rs->limit == NULL)
		return;
	for (unsigned bit = 1; bit < 1U << SB_LIMITS; bit <<= 1) {
		if (!(metrics.limits & bit))
			continue;
		if (strcmp(sb_limit_name((enum sb_limit)bit), rs->limit) == 0)
			add(REFUSALS, 0, n, 1);
		n++;
	}
}

static void
count_failure(const struct sb_response *rs)
{
	const struct sb_route *route = rs->rq->way->route;

	if (route == NULL || route->flow != SB_TOKEN_URL)
		return;
	if (rs->status == SB_UNAUTHORIZED)
		add(FAILURES, 0, CREDENTIALS, 1);
	else if (rs->status == SB_BAD_REQUEST)
		add(FAILURES, 0, DISABLED, 1);
	else if (rs->status == SB_TOO_MANY)
		add(FAILURES, 0, LIMIT, 1);
}

static void
count_hashes(void)
{
	add(HASHES, 0, 0, pending.hashes);
	add(WAITS, 0, 0, (uint64_t)pending.waited);
	add(WITHOUT_PLACE, 0, 0, pending.refused);
}

void
sb_metrics_count(const struct sb_response *rs)
{
	const struct sb_way *way = rs->rq->way;
	int64_t now, took;
	size_t row;

	if (metrics.program == NULL || way->routes != metrics.program->routes)
		return;
	now = sb_monotonic();
	took = now - way->started;
	if (is_ready(now)) {
		row = row_of(way);
		add(REQUESTS, row, (size_t)rs->status - (SB_NEXT + 1), 1);
		if (way->route == NULL || way->route->stream == NULL) {
			add(DURATIONS, row, BOUNDS + 1, (uint64_t)took);
			add(DURATIONS, row, bucket_of(took), 1);
		}
		count_refusal(rs);
		count_failure(rs);
		count_hashes();
	}
	memset(&pending, 0, sizeof(pending));
}

void
sb_metrics_hash(bool hashed, int64_t waited)
{
	pending.hashes += hashed;
	pending.refused += !hashed;
	pending.waited += waited;
}
