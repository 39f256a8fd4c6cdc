/*
 * switchboard limits: shows what counts against rate limits now, and forgets
 * it.  The counts are the library's (lib/limit.c), in a file of their own.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

/* Keys that are to be looked at: from the first on, and before the other. */
struct span {
	const char	*from, *to;
};

/* Keys are of printable characters, or have such before any other. */
static const struct span everything = { "", "~" };

struct limits {
	struct cmd	 cmd;
	struct sb_db	*counts;
	bool		 failed;	/* the counts can't be had */
	/* False to stop. */
	bool		(*each)(struct limits *, struct span);
	struct cmd_list	 list;		/* of show */
	struct sb_pool	*lines;		/* that it hasn't printed yet */
	int		 waiting;	/* how many those are */
	int64_t		 deleted;	/* by reset */
};

/* The first key after that one. */
static const char *
key_after(struct sb_pool *pool, const char *key)
{
	return sb_printf(pool, "%s\x01", key);
}

/* ------------------------------------------------------------ whose counts */

static bool
each_key(struct limits *l, struct sb_pool *pool, const char *key)
{
	return l->each(l, (struct span){ key, key_after(pool, key) });
}

/* All keys of that beginning and a colon; a semicolon is what follows it. */
static bool
each_beginning(struct limits *l, const char *beginning)
{
	struct sb_pool *pool = l->cmd.pool;

	return l->each(l, (struct span){ sb_printf(pool, "%s:", beginning),
	    sb_printf(pool, "%s;", beginning) });
}

/* Wrong passwords for an account, or for a name that nobody has. */
static bool
each_guess(struct limits *l, const char *purpose, const char *of)
{
	struct sb_pool *pool = l->cmd.pool;
	struct sb_request rq = { .pool = pool, .db = l->cmd.db };
	const char *hash = sb_secret_hash(&rq, purpose, of);

	return hash != NULL && each_key(l, pool, sb_printf(pool, "account:%s",
	    hash));
}

/* Wrong passwords along with a refresh token, of each login of a user. */
static bool
each_login(struct limits *l, const char *user)
{
	const struct sb_row *row;
	const char *after = "";
	int n = CMD_PAGE;

	while (n == CMD_PAGE &&
	    (after = cmd_turn(&l->cmd, after)) != NULL) {
		row = sb_all(l->cmd.db, SB_Q_LOGIN_PAGE, sb_bind("user", user),
		    sb_bind("after", after), sb_bind_int("all", 1),
		    sb_bind_int("some", CMD_PAGE));
		for (n = 0; row != NULL; row = row->next, n++) {
			after = sb_row_text(row, "id");
			if (!each_key(l, l->cmd.page, sb_printf(l->cmd.page,
			    "login:%s", sb_row_text(row, "id"))))
				return false;
		}
	}
	return !sb_db_failed(l->cmd.db);
}

static bool
each_of_user(struct limits *l, const char *id)
{
	struct sb_pool *pool = l->cmd.pool;

	return each_key(l, pool, sb_printf(pool, "user:%s", id)) &&
	    each_beginning(l, sb_printf(pool, "session:%s", id)) &&
	    each_beginning(l, sb_printf(pool, "channel:%s", id)) &&
	    each_guess(l, "account", id) && each_login(l, id);
}

/* An IP address, or a network as show prints it; NULL if it is neither. */
static const char *
address_of(struct sb_pool *pool, const char *text)
{
	const char *slash = strchr(text, '/');
	bool network = slash != NULL && strcmp(slash, "/64") == 0;
	const char *address = network ? sb_copy(pool, text,
	    (size_t)(slash - text)) : text;
	char plain[INET6_ADDRSTRLEN];
	struct in6_addr in;
	int family = AF_INET6;

	if (inet_pton(family, address, &in) != 1) {
		family = AF_INET;
		if (network || inet_pton(family, address, &in) != 1)
			return NULL;
	}
	inet_ntop(family, &in, plain, sizeof(plain));
	return sb_address_counted(pool, sb_printf(pool, "%s", plain));
}

/* Calls each() for what the word stands for; CMD_NOT_FOUND if for nothing. */
static enum cmd_exit
look_for(struct limits *l, const char *who)
{
	struct sb_pool *pool = l->cmd.pool;
	const char *address = who == NULL ? NULL : address_of(pool, who);
	const struct sb_row *user;

	if (who == NULL)
		l->each(l, everything);
	else if (address != NULL)
		each_key(l, pool, sb_printf(pool, "address:%s", address));
	else if ((user = cmd_find_user(&l->cmd, who)) != NULL)
		each_of_user(l, sb_row_text(user, "id"));
	else if (cmd_key_of(pool, who) == NULL)
		return cmd_nobody(&l->cmd, who);
	else if (!sb_db_failed(l->cmd.db))
		each_guess(l, "name", cmd_key_of(pool, who));
	return CMD_OK;
}

/* A file of counts that was damaged is made anew the second time. */
static bool
open_counts(struct limits *l)
{
	bool done = false;

	l->counts = sb_db_new(SB_STORE_LIMITS);
	for (int i = 0; i < 2 && !done; i++) {
		sb_db_attach(l->counts, l->cmd.pool);
		done = sb_db_open(l->counts, "limits");
		sb_db_finish(l->counts, true);
	}
	return done;
}

static enum cmd_exit
begin(struct limits *l, const char *name)
{
	enum cmd_exit status = cmd_begin(&l->cmd, name);

	if (status != CMD_OK)
		return status;
	l->lines = sb_pool_new();
	l->failed = !open_counts(l);
	return CMD_OK;
}

static enum cmd_exit
end(struct limits *l, enum cmd_exit status, const char *said)
{
	const char *name = l->cmd.name;

	status = cmd_end(&l->cmd, status, l->failed ? NULL : said);
	sb_db_free(l->counts);
	sb_pool_free(l->lines);
	return l->failed && status == CMD_OK ? cmd_unavailable(name) : status;
}

/* ---------------------------------------------------------------- show */

enum { KEY, USE, USED, LIMIT, WHEN, AT, COLUMNS };
static const struct cmd_column columns[] = {
	[KEY] = { "KEY", "key", CMD_TEXT },
	[USE] = { "USED", NULL, CMD_TEXT },
	[USED] = { NULL, "used", CMD_NUMBER },
	[LIMIT] = { NULL, "limit", CMD_NUMBER },
	[WHEN] = { "ONE MORE", NULL, CMD_TEXT },
	[AT] = { NULL, "one_more_at", CMD_TIME },
};
_Static_assert(sizeof(columns) / sizeof(columns[0]) == COLUMNS, "columns");

static void
print_lines(struct limits *l)
{
	cmd_list_print(&l->list, l->lines);
	sb_pool_clear(l->lines);
	l->waiting = 0;
}

/* A row counts for nothing if it is over, or if its limit is off. */
static void
add_count(struct limits *l, const struct sb_row *row, int64_t now)
{
	const char *key = sb_row_text(row, "key");
	int64_t max, at, used = sb_limit_counted(row, now, &max, &at);
	struct sb_pool *pool = l->lines;

	if (used == 0 || max == 0)
		return;
	cmd_list_add(&l->list, pool, (struct cmd_value[COLUMNS]){
	    [KEY] = { .text = sb_printf(pool, "%s", key) },
	    [USE] = { .text = sb_printf(pool, "%lld/%lld", (long long)used,
		(long long)max) },
	    [USED] = { .number = used },
	    [LIMIT] = { .number = max },
	    /* Up to the next whole second, as the table has no fraction. */
	    [WHEN] = { .text = used < max ? "now" : sb_printf(pool, "%.19sZ",
		sb_time_text(pool, at + SB_SECOND - 1)) },
	    [AT] = { .number = used < max ? 0 : at } });
	if (++l->waiting == CMD_PAGE)
		print_lines(l);
}

static bool
show_span(struct limits *l, struct span span)
{
	struct sb_pool *pool = sb_pool_new(), *next;
	const struct sb_row *row;
	int64_t now = sb_now();
	int n = CMD_PAGE;

	while (n == CMD_PAGE && !l->failed) {
		sb_db_attach(l->counts, pool);
		row = sb_all(l->counts, SB_Q_LIMIT_PAGE,
		    sb_bind("from", span.from), sb_bind("to", span.to),
		    sb_bind_int("some", CMD_PAGE));
		next = sb_pool_new();
		for (n = 0; row != NULL; row = row->next, n++) {
			add_count(l, row, now);
			if (n == CMD_PAGE - 1)
				span.from = key_after(next,
				    sb_row_text(row, "key"));
		}
		l->failed = sb_db_failed(l->counts);
		sb_db_finish(l->counts, true);
		sb_pool_free(pool);
		pool = next;
	}
	sb_pool_free(pool);
	return !l->failed;
}

enum cmd_exit
cmd_limits_show(char **arguments)
{
	struct limits l = { .each = show_span };
	const char *name = "limits show", *who, *wrong;
	enum cmd_exit status;
	bool json = false;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--json", &json }, { NULL, NULL } }, &who, 1);
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if ((status = begin(&l, name)) != CMD_OK)
		return status;
	cmd_list_begin(&l.list, columns, COLUMNS, json);
	if (!l.failed)
		status = look_for(&l, who);
	if (status == CMD_OK && !l.failed && !sb_db_failed(l.cmd.db)) {
		print_lines(&l);
		cmd_list_end(&l.list);
	}
	return end(&l, status, NULL);
}

/* --------------------------------------------------------------- reset */

static bool
drop_some(struct cmd_sweep *s, int most)
{
	const struct span *span = s->own;

	if (!cmd_sweep_lock(s))
		return false;
	s->deleted = sb_run(s->db, SB_Q_LIMIT_DROP,
	    sb_bind("from", span->from), sb_bind("to", span->to),
	    sb_bind_int("some", most));
	return s->deleted == most;
}

static bool
reset_span(struct limits *l, struct span span)
{
	struct cmd_sweep s = { .db = l->counts, .group = "limits",
	    .some = drop_some, .own = &span };

	l->failed = !cmd_sweep(&s);
	l->deleted += s.total;
	return !l->failed;
}

enum cmd_exit
cmd_limits_reset(char **arguments)
{
	struct limits l = { .each = reset_span };
	const char *name = "limits reset", *who, *wrong;
	enum cmd_exit status;
	bool all = false;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--all", &all }, { NULL, NULL } }, &who, 1);
	if (wrong == NULL && all)
		wrong = who;
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if (who == NULL && !all)
		return cmd_lack(name, "USER, IP or --all");
	if ((status = begin(&l, name)) != CMD_OK)
		return status;
	if (!l.failed)
		status = look_for(&l, who);
	return end(&l, status, sb_printf(l.cmd.pool, "deleted %lld count%s",
	    (long long)l.deleted, l.deleted == 1 ? "" : "s"));
}
