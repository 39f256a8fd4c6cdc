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

struct limits {
	struct cmd	 cmd;
	struct sb_db	*counts;	/* NULL: there are none yet */
	bool		 failed;	/* the counts can't be had */
	/* False to stop. */
	bool		(*each)(struct limits *, struct span);
	struct cmd_list	 list;		/* of show */
	struct sb_pool	*lines;		/* that it hasn't printed yet */
	int		 waiting;	/* how many those are */
	const char	*owner;		/* the user, if one was asked for */
	int64_t		 found;		/* that were shown, or deleted */
};

/* What keys begin with, and whose id follows, up to the next colon. */
enum whose { NOBODYS, A_CALLERS, A_LOGINS };
static const struct beginning {
	const char	*text;
	enum whose	 whose;
} beginnings[] = {
	{ "account:", NOBODYS },	/* a keyed hash */
	{ "address:", NOBODYS },
	{ "channel:", A_CALLERS },
	{ "login:", A_LOGINS },
	{ "session:", A_CALLERS },
	{ "user:", A_CALLERS },
	{ NULL, NOBODYS }
};

/* The row of NULL if it is no key; a name with an @ is an address. */
static const struct beginning *
beginning_of(const char *key)
{
	const struct beginning *b = beginnings;

	while (b->text != NULL && (strchr(key, '@') != NULL ||
	    strncmp(key, b->text, strlen(b->text)) != 0))
		b++;
	return b;
}

/* The first key after that one. */
static const char *
key_after(struct sb_pool *pool, const char *key)
{
	return sb_printf(pool, "%s\x01", key);
}

/* ------------------------------------------------------------ whose counts */

static bool
each_of(struct limits *l, const char *from, const char *to)
{
	return l->counts == NULL || l->each(l, (struct span){ from, to });
}

static bool
each_key(struct limits *l, struct sb_pool *pool, const char *key)
{
	return each_of(l, key, key_after(pool, key));
}

/* All keys of that beginning and a colon; a semicolon is what follows it. */
static bool
each_beginning(struct limits *l, const char *beginning)
{
	struct sb_pool *pool = l->cmd.pool;

	return each_of(l, sb_printf(pool, "%s:", beginning),
	    sb_printf(pool, "%s;", beginning));
}

/* Wrong passwords for an account, or for a name that nobody has. */
static bool
each_guess(struct limits *l, const char *purpose, const char *of)
{
	struct sb_pool *pool = l->cmd.pool;
	struct sb_request rq = { .pool = pool, .db = l->cmd.db };
	const char *hash;

	/* Else the secret would be made, too. */
	if (l->counts == NULL)
		return true;
	hash = sb_secret_hash(&rq, purpose, of);
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

/* What counts by the id of a user, or of an agent key. */
static bool
each_of_caller(struct limits *l, const char *id)
{
	struct sb_pool *pool = l->cmd.pool;

	return each_key(l, pool, sb_printf(pool, "user:%s", id)) &&
	    each_beginning(l, sb_printf(pool, "session:%s", id)) &&
	    each_beginning(l, sb_printf(pool, "channel:%s", id));
}

/* A user can't have more keys than a page has. */
static bool
each_agent(struct limits *l, const char *user)
{
	const struct sb_row *row = sb_all(l->cmd.db, SB_Q_AGENT_KEY_PAGE,
	    sb_bind("user", user), sb_bind("after", ""),
	    sb_bind_int("some", CMD_PAGE));

	for (; row != NULL; row = row->next)
		if (!each_of_caller(l, sb_row_text(row, "id")))
			return false;
	return !sb_db_failed(l->cmd.db);
}

static bool
each_of_user(struct limits *l, const char *id)
{
	return each_of_caller(l, id) && each_agent(l, id) &&
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

/* A name that nobody has may have been guessed at all the same. */
static enum cmd_exit
look_for_name(struct limits *l, const char *name)
{
	const struct sb_row *user = cmd_find_user(&l->cmd, name);
	const char *key = sb_name_key(l->cmd.pool, name);
	enum cmd_exit status;

	if (user != NULL) {
		l->owner = sb_row_text(user, "username");
		each_of_user(l, sb_row_text(user, "id"));
		return CMD_OK;
	}
	status = cmd_nobody(&l->cmd, name);
	if (key != NULL)
		each_guess(l, "name", key);
	return l->found > 0 ? CMD_OK : status;
}

/* Calls each() for what the word stands for; CMD_NOT_FOUND if for nothing. */
static enum cmd_exit
look_for(struct limits *l, const char *who)
{
	struct sb_pool *pool = l->cmd.pool;
	const char *address = who == NULL ? NULL : address_of(pool, who);

	/* Keys are of printable characters, or have such before any other. */
	if (who == NULL)
		each_of(l, "", "~");
	else if (address != NULL)
		each_key(l, pool, sb_printf(pool, "address:%s", address));
	else if (beginning_of(who)->text != NULL)
		each_key(l, pool, who);
	else
		return look_for_name(l, who);
	return CMD_OK;
}

/* A file of counts that was damaged is made anew the second time. */
static bool
open_counts(struct limits *l)
{
	bool done = false;

	if (sb_is_empty(sb_printf(l->cmd.pool, "%s/limits.db",
	    sb_settings.data)))
		return true;
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

	status = cmd_end(&l->cmd, status, l->failed || status != CMD_OK ?
	    NULL : said);
	if (l->counts != NULL)
		sb_db_free(l->counts);
	sb_pool_free(l->lines);
	return l->failed && status != CMD_UNAVAILABLE ?
	    cmd_unavailable(name) : status;
}

/* ---------------------------------------------------------------- show */

enum { KEY, NAME, USE, USED, LIMIT, WHEN, AT, COLUMNS };
static const struct cmd_column columns[] = {
	[KEY] = { "KEY", "key", CMD_TEXT },
	[NAME] = { "NAME", "name", CMD_TEXT },
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

/* The user's name whose count that is, if it can be told. */
static const char *
name_of(struct limits *l, const char *key)
{
	const struct beginning *b = beginning_of(key);
	const struct sb_row *row = NULL;
	const char *id;

	if (l->owner != NULL)
		return l->owner;
	if (b->whose == NOBODYS)
		return NULL;
	id = key + strlen(b->text);
	id = sb_copy(l->lines, id, strcspn(id, ":"));
	row = b->whose == A_LOGINS ?
	    sb_one(l->cmd.db, SB_Q_LOGIN_FIND, sb_bind("id", id)) :
	    sb_one(l->cmd.db, SB_Q_USER_OF_LOGIN, sb_bind("id", id));
	if (row == NULL && b->whose == A_CALLERS)
		row = sb_one(l->cmd.db, SB_Q_AGENT_KEY_FIND,
		    sb_bind("id", id));
	return row == NULL ? NULL : sb_printf(l->lines, "%s",
	    sb_row_text(row, "username"));
}

/* A row counts for nothing if it is over, or if its limit is off. */
static void
add_count(struct limits *l, struct sb_pool *page, const struct sb_row *row,
    int64_t now)
{
	const char *key = sb_row_text(row, "key");
	struct sb_pool *pool = l->lines;
	struct sb_limit_state s;
	int64_t used = sb_limit_counted(page, row, now, &s);

	if (used == 0 || s.limit == 0)
		return;
	l->found++;
	cmd_list_add(&l->list, pool, (struct cmd_value[COLUMNS]){
	    [KEY] = { .text = sb_printf(pool, "%s", key) },
	    [NAME] = { .text = name_of(l, key) },
	    [USE] = { .text = sb_printf(pool, "%lld/%lld", (long long)used,
		(long long)s.limit) },
	    [USED] = { .number = used },
	    [LIMIT] = { .number = s.limit },
	    /* Up to the next whole second, as the table has no fraction. */
	    [WHEN] = { .text = s.remaining > 0 ? "now" :
		cmd_time(pool, s.reset_at + SB_SECOND - 1) },
	    [AT] = { .number = s.remaining > 0 ? 0 : s.reset_at } });
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
		/* The logins of a user whose counts are shown are a list. */
		if (l->owner == NULL && cmd_turn(&l->cmd, "") == NULL)
			break;
		sb_db_attach(l->counts, pool);
		row = sb_all(l->counts, SB_Q_LIMIT_PAGE,
		    sb_bind("from", span.from), sb_bind("to", span.to),
		    sb_bind_int("some", CMD_PAGE));
		next = sb_pool_new();
		for (n = 0; row != NULL; row = row->next, n++) {
			add_count(l, pool, row, now);
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
	l->found += s.total;
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
		return cmd_lack(name, "USER, IP, KEY or --all");
	if ((status = begin(&l, name)) != CMD_OK)
		return status;
	if (!l.failed)
		status = look_for(&l, who);
	return end(&l, status, sb_printf(l.cmd.pool, "deleted %lld count%s",
	    (long long)l.found, l.found == 1 ? "" : "s"));
}
