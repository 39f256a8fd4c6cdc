/*
 * The store: its schema and who migrates it, a request's one transaction, and
 * what becomes of it when the file is busy, full, read-only, newer or broken.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "memory.h"

#define EX_SOFTWARE	70
#define SKIP		77
#define CROWD		8
#define NOBODY		65534
#define MILLISECOND	(SB_SECOND / 1000)

static struct sb_pool *pool;

/* Each test has a file of its own, and a pool as a request has. */
static int
anew(void **state)
{
	(void)state;
	memory_anew();
	pool = sb_pool_new();
	sb_db_attach(memory_db, pool);
	return 0;
}

static int
done(void **state)
{
	(void)state;
	memory_close();
	sb_pool_free(pool);
	return 0;
}

static int64_t
add_user(struct sb_db *db, const char *name)
{
	return sb_run(db, SB_Q_USER_ADD, sb_bind("id", sb_uuid(pool)),
	    sb_bind("email", name), sb_bind("email_key", name),
	    sb_bind("username", name), sb_bind("username_key", name),
	    sb_bind("password", "$s1$"));
}

static bool
has_user(struct sb_db *db, const char *name)
{
	return sb_one(db, SB_Q_USER_BY_USERNAME, sb_bind("key", name)) != NULL;
}

/* One request that writes, and waits so long for the lock. */
static bool
write_within(struct sb_db *db, const char *name, int64_t patience)
{
	bool added;

	sb_db_attach(db, pool);
	sb_db_deadline(db, patience);
	added = add_user(db, name) == 1;
	return sb_db_finish(db, true) && added;
}

static bool
write_one(struct sb_db *db, const char *name)
{
	return write_within(db, name, 2 * SB_SECOND);
}

/* One that reads. */
static bool
read_one(struct sb_db *db)
{
	bool there;

	sb_db_attach(db, pool);
	there = sb_one(db, SB_Q_INSTALLATION) != NULL;
	return sb_db_finish(db, true) && there;
}

static int
times(const char *in, const char *text)
{
	int n = 0;

	for (; (in = strstr(in, text)) != NULL; in++)
		n++;
	return n;
}

/* ----------------------------------------------------------- the schema */

static void
a_fresh_file_has_all_steps(void **state)
{
	struct stat st;

	(void)state;
	/* To look at the step makes no file. */
	assert_int_equal(sb_db_step(memory_db), 0);
	assert_int_not_equal(access(memory_path("switchboard.db"), F_OK), 0);
	assert_true(sb_db_open(memory_db, NULL));
	assert_int_equal(sb_db_step(memory_db), SB_STEPS);
	assert_int_equal(sb_db_newest_step(), SB_STEPS);
	assert_int_equal(memory_sql_int("SELECT count(*) FROM schema_steps"),
	    SB_STEPS);
	assert_string_equal(memory_sql_text("PRAGMA journal_mode"), "wal");
	assert_int_equal(stat(memory_path("switchboard.db"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
each_step_is_noted_with_its_oldest(void **state)
{
	(void)state;
	assert_true(sb_db_open(memory_db, NULL));
	for (int i = 0; i < SB_STEPS; i++) {
		assert_string_equal(memory_sql_text(sb_printf(pool,
		    "SELECT name FROM schema_steps WHERE step = %d", i + 1)),
		    sb_steps[i].name);
		assert_int_equal(memory_sql_int(sb_printf(pool,
		    "SELECT oldest FROM schema_steps WHERE step = %d",
		    i + 1)), sb_steps[i].oldest);
	}
}

/* A file as a program that knew so many steps would have made it. */
static void
make_older(int steps)
{
	close(open(memory_path("switchboard.db"), O_CREAT | O_WRONLY, 0600));
	for (int i = 0; i < steps; i++) {
		memory_sql(sb_steps[i].sql);
		memory_sql(sb_printf(pool, "INSERT INTO schema_steps VALUES "
		    "(%d, '%s', %d, 1); PRAGMA user_version = %d", i + 1,
		    sb_steps[i].name, sb_steps[i].oldest, i + 1));
	}
}

struct crowd {
	_Atomic int	 here;
	int		 names;
};

/* Waits for the others, so that all open at once; then works. */
static int
join(void *with)
{
	struct crowd *crowd = with;
	struct sb_db *db = sb_db_new(SB_STORE_MAIN);
	const char *name = sb_printf(pool, "user%d", (int)getpid());

	atomic_fetch_add(&crowd->here, 1);
	while (atomic_load(&crowd->here) < CROWD)
		sched_yield();
	if (!sb_db_open(db, NULL) || sb_db_step(db) != SB_STEPS)
		return 1;
	if (!read_one(db))
		return 2;
	return write_one(db, name) ? 0 : 3;
}

static void
a_crowd_opens(void)
{
	struct crowd *crowd = memory_shared(sizeof(*crowd));
	pid_t pids[CROWD];
	const char *log;
	int status[CROWD], step = 0;

	memory_close();
	if (access(memory_path("switchboard.db"), F_OK) == 0)
		step = (int)memory_sql_int("PRAGMA user_version");
	memory_listen();
	for (int i = 0; i < CROWD; i++)
		pids[i] = memory_fork(join, crowd);
	for (int i = 0; i < CROWD; i++)
		status[i] = memory_wait(pids[i]);
	log = memory_heard();
	for (int i = 0; i < CROWD; i++)
		if (status[i] != 0)
			fail_msg("process %d: status %d\n%s", i, status[i],
			    log);
	assert_int_equal(times(log, "applied schema step"), SB_STEPS - step);
	assert_int_equal(memory_sql_int("SELECT count(*) FROM schema_steps"),
	    SB_STEPS);
	assert_int_equal(memory_sql_int("PRAGMA user_version"), SB_STEPS);
	assert_int_equal(memory_sql_int("SELECT count(*) FROM users"), CROWD);
	assert_int_equal(memory_sql_int("SELECT count(*) FROM installation"),
	    1);
}

static void
of_many_at_once_one_makes_the_file(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		a_crowd_opens();
		memory_anew();
	}
}

static void
of_many_at_once_one_migrates_an_older_file(void **state)
{
	(void)state;
	for (int step = 0; step < SB_STEPS; step++) {
		make_older(step);
		a_crowd_opens();
		memory_anew();
	}
}

static const char *
schema(void)
{
	return memory_sql_text("SELECT group_concat(sql, ';') FROM (SELECT "
	    "sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name)");
}

static void
a_migrated_file_is_like_a_fresh_one(void **state)
{
	const char *fresh;

	(void)state;
	assert_true(sb_db_open(memory_db, NULL));
	fresh = schema();
	for (int step = 1; step <= SB_STEPS; step++) {
		memory_anew();
		make_older(step);
		assert_true(sb_db_open(memory_db, NULL));
		assert_string_equal(schema(), fresh);
	}
}

static void
make_newer(int oldest)
{
	assert_true(sb_db_open(memory_db, NULL));
	memory_close();
	memory_sql(sb_printf(pool, "CREATE TABLE later (a INTEGER) STRICT;"
	    "INSERT INTO schema_steps VALUES (%d, 'later', %d, 1);"
	    "PRAGMA user_version = %d", SB_STEPS + 1, oldest, SB_STEPS + 1));
}

static void
a_newer_file_that_suits_us_is_used(void **state)
{
	(void)state;
	make_newer(1);
	assert_true(sb_db_open(memory_db, NULL));
	assert_true(write_one(memory_db, "ann"));
	assert_int_equal(sb_db_step(memory_db), SB_STEPS + 1);
}

static void
a_newer_file_that_does_not_is_refused(void **state)
{
	const char *log;
	bool opened;

	(void)state;
	make_newer(SB_STEPS + 1);
	memory_listen();
	opened = sb_db_open(memory_db, NULL);
	log = memory_heard();
	assert_false(opened);
	assert_non_null(strstr(log, sb_printf(pool, "step %d", SB_STEPS + 1)));
	assert_non_null(strstr(log, sb_printf(pool, "knows %d", SB_STEPS)));
	assert_int_equal(times(log, "\n"), 1);

	/* Once it does, nobody has to be started again. */
	memory_listen();
	opened = read_one(memory_db);
	memory_heard();
	assert_false(opened);
	memory_sql("UPDATE schema_steps SET oldest = 1");
	assert_true(read_one(memory_db));
}

static void
outdates(int oldest, bool outdated)
{
	const char *log;
	bool was;

	assert_true(sb_db_open(memory_db, NULL));
	assert_true(write_one(memory_db, "ann"));
	assert_false(sb_db_outdated(memory_db));
	memory_sql(sb_printf(pool, "CREATE TABLE later (a INTEGER) STRICT;"
	    "INSERT INTO schema_steps VALUES (%d, 'later', %d, 1);"
	    "PRAGMA user_version = %d", SB_STEPS + 1, oldest, SB_STEPS + 1));
	/* The request in hand is finished. */
	assert_true(write_one(memory_db, "bob"));
	memory_listen();
	was = sb_db_outdated(memory_db);
	log = memory_heard();
	assert_int_equal(was, outdated);
	assert_int_equal(*log != '\0', outdated);
}

static void
a_step_under_way_that_suits_us_changes_nothing(void **state)
{
	(void)state;
	outdates(SB_STEPS, false);
	assert_true(read_one(memory_db));
}

static void
a_step_under_way_that_does_not_ends_us(void **state)
{
	(void)state;
	outdates(SB_STEPS + 1, true);
}

/* ---------------------------------------------------- the data directory */

static void
a_missing_directory_is_made(void **state)
{
	const char *data = sb_settings.data;
	struct stat st;

	(void)state;
	sb_settings.data = memory_path("new");
	assert_true(sb_db_open(memory_db, NULL));
	assert_int_equal(stat(sb_settings.data, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	memory_close();
	sb_settings.data = data;
}

static void
a_directory_that_cannot_be_had_is_unavailable(void **state)
{
	const char *data = sb_settings.data, *log;
	bool read;

	(void)state;
	sb_settings.data = "/proc/no-such-directory/data";
	memory_listen();
	read = read_one(memory_db);
	log = memory_heard();
	sb_settings.data = data;
	assert_false(read);
	assert_non_null(strstr(log, "/proc/no-such-directory/data"));
	assert_true(read_one(memory_db));
}

static void
a_local_directory_is_on_no_network(void **state)
{
	(void)state;
	assert_false(sb_on_network(sb_settings.data));
	assert_false(sb_on_network("/"));
	assert_false(sb_on_network(memory_path("not-there")));
}

/* -------------------------------------------------------- transactions */

static void
a_success_is_committed(void **state)
{
	(void)state;
	assert_int_equal(add_user(memory_db, "ann"), 1);
	assert_int_equal(memory_sql_int("SELECT count(*) FROM users"), 0);
	assert_true(has_user(memory_db, "ann"));
	assert_true(sb_db_finish(memory_db, true));
	assert_int_equal(memory_sql_int("SELECT count(*) FROM users"), 1);
}

static void
a_refusal_is_rolled_back(void **state)
{
	(void)state;
	assert_int_equal(add_user(memory_db, "ann"), 1);
	assert_true(sb_db_finish(memory_db, false));
	assert_int_equal(memory_sql_int("SELECT count(*) FROM users"), 0);
	assert_true(write_one(memory_db, "ann"));
}

static void
what_is_kept_is_committed_once(void **state)
{
	(void)state;
	assert_int_equal(add_user(memory_db, "ann"), 1);
	sb_db_keep(memory_db);
	assert_true(sb_db_finish(memory_db, false));
	sb_db_attach(memory_db, pool);
	assert_int_equal(add_user(memory_db, "bob"), 1);
	assert_true(sb_db_finish(memory_db, false));
	assert_string_equal(memory_sql_text(
	    "SELECT group_concat(username) FROM users"), "ann");
}

static void
a_read_leaves_no_lock_behind(void **state)
{
	(void)state;
	assert_false(has_user(memory_db, "ann"));
	memory_sql("BEGIN EXCLUSIVE; ROLLBACK");
	assert_true(sb_db_finish(memory_db, true));
	memory_sql("BEGIN EXCLUSIVE; ROLLBACK");
}

/* A transaction that began as a read could not see, nor write, after this. */
static void
a_write_after_a_read_is_of_the_present(void **state)
{
	(void)state;
	assert_false(has_user(memory_db, "ann"));
	memory_sql("INSERT INTO users (id, email, email_key, username,"
	    " username_key, password, created_at)"
	    " VALUES ('x', 'ann', 'ann', 'ann', 'ann', 'p', 1)");
	assert_int_equal(add_user(memory_db, "ann"), 0);
	assert_true(has_user(memory_db, "ann"));
	assert_true(sb_db_finish(memory_db, true));
}

static void
add_ben(void)
{
	memory_sql("INSERT INTO users (id, email, email_key, username,"
	    " username_key, password, created_at)"
	    " VALUES ('y', 'ben', 'ben', 'ben', 'ben', 'p', 1)");
}

static void
what_is_held_is_of_one_moment(void **state)
{
	(void)state;
	sb_db_hold(memory_db);
	assert_false(has_user(memory_db, "ben"));
	add_ben();
	assert_false(has_user(memory_db, "ben"));
	sb_db_hold(memory_db);
	assert_false(has_user(memory_db, "ben"));
	assert_true(sb_db_finish(memory_db, true));
	sb_db_attach(memory_db, pool);
	assert_true(has_user(memory_db, "ben"));
}

static void
a_write_ends_what_is_held(void **state)
{
	(void)state;
	sb_db_hold(memory_db);
	assert_false(has_user(memory_db, "ben"));
	add_ben();
	assert_int_equal(add_user(memory_db, "ben"), 0);
	assert_true(has_user(memory_db, "ben"));
	/* And there is nothing to hold in a transaction. */
	sb_db_hold(memory_db);
	assert_int_equal(add_user(memory_db, "ann"), 1);
	assert_true(sb_db_finish(memory_db, true));
	memory_sql("BEGIN EXCLUSIVE; ROLLBACK");
	sb_db_attach(memory_db, pool);
	assert_true(has_user(memory_db, "ann"));
}

static int
write_and_die(void *with)
{
	(void)with;
	sb_db_attach(memory_db, pool);
	if (add_user(memory_db, "ann") != 1)
		return 1;
	raise(SIGKILL);
	return 2;
}

static void
a_killed_process_leaves_nothing(void **state)
{
	(void)state;
	assert_true(read_one(memory_db));
	memory_close();
	assert_int_equal(memory_wait(memory_fork(write_and_die, NULL)),
	    1000 + SIGKILL);
	sb_db_attach(memory_db, pool);
	assert_false(has_user(memory_db, "ann"));
	assert_true(write_one(memory_db, "ann"));
}

#define WRITES	40

static int
write_many(void *with)
{
	const char *name = sb_printf(pool, "%d-", (int)getpid());

	(void)with;
	for (int i = 0; i < WRITES; i++)
		if (!write_within(memory_db, sb_printf(pool, "%s%d", name, i),
		    60 * SB_SECOND))
			return 1;
	return 0;
}

static void
writers_wait_for_each_other(void **state)
{
	pid_t pids[CROWD];

	(void)state;
	memory_close();
	for (int i = 0; i < CROWD; i++)
		pids[i] = memory_fork(write_many, NULL);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(memory_wait(pids[i]), 0);
	assert_int_equal(memory_sql_int("SELECT count(*) FROM users"),
	    CROWD * WRITES);
}

/* --------------------------------------------------------------- the time */

static void
before_a_transaction_it_is_now(void **state)
{
	int64_t before = sb_now(), now;

	(void)state;
	now = sb_db_now(memory_db);
	assert_true(before <= now && now <= sb_now());
	assert_false(has_user(memory_db, "ann"));
	memory_sleep(2 * MILLISECOND);
	assert_true(sb_db_now(memory_db) > now);
}

static void
in_a_transaction_time_stands_still(void **state)
{
	int64_t now;

	(void)state;
	assert_int_equal(add_user(memory_db, "ann"), 1);
	now = sb_db_now(memory_db);
	memory_sleep(2 * MILLISECOND);
	assert_int_equal(sb_db_now(memory_db), now);
	assert_int_equal(add_user(memory_db, "bob"), 1);
	assert_true(sb_db_finish(memory_db, true));
	assert_int_equal(memory_sql_int("SELECT count(DISTINCT created_at) "
	    "FROM users"), 1);
	assert_int_equal(memory_sql_int("SELECT max(created_at) FROM users"),
	    now);
	sb_db_attach(memory_db, pool);
	assert_true(sb_db_now(memory_db) > now);
	assert_int_equal(add_user(memory_db, "eve"), 1);
	assert_true(sb_db_now(memory_db) > now);
}

/* ---------------------------------------------------- a lock held elsewhere */

struct holder {
	_Atomic int	 holds;
	int64_t		 release_after;	/* 0: never */
	_Atomic int64_t	 released_at;
};

static int
hold_lock(void *with)
{
	struct holder *h = with;
	sqlite3 *c;

	if (sqlite3_open(memory_path("switchboard.db"), &c) != SQLITE_OK ||
	    sqlite3_exec(c, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return 1;
	atomic_store(&h->holds, 1);
	if (h->release_after == 0)
		pause();
	memory_sleep(h->release_after);
	atomic_store(&h->released_at, sb_now());
	return sqlite3_exec(c, "COMMIT", NULL, NULL, NULL) != SQLITE_OK;
}

static pid_t
begin_to_hold(struct holder *h)
{
	pid_t pid;

	assert_true(sb_db_open(memory_db, NULL));
	memory_close();
	pid = memory_fork(hold_lock, h);
	while (atomic_load(&h->holds) == 0)
		sched_yield();
	return pid;
}

/* A write that must fail; how long it took, in milliseconds. */
static int64_t
wait_in_vain(int64_t deadline, const char **log)
{
	int64_t began = memory_clock();

	memory_listen();
	sb_db_attach(memory_db, pool);
	if (deadline > 0)
		sb_db_deadline(memory_db, deadline);
	add_user(memory_db, "ann");
	began = memory_clock() - began;
	*log = memory_heard();
	return began / MILLISECOND;
}

/*
 * It fails after so many milliseconds, and never before; one of some times,
 * where others have the processor.
 */
static void
fails_within(int64_t deadline, int64_t least, int64_t most, const char **log)
{
	int64_t took;

	for (int i = 0; i < 10; i++) {
		took = wait_in_vain(deadline, log);
		assert_true(took >= least);
		if (took <= most)
			return;
		assert_false(sb_db_finish(memory_db, true));
	}
	fail_msg("%lld ms, at most %lld", (long long)took, (long long)most);
}

static void
a_busy_file_fails_at_its_deadline(void **state)
{
	struct holder *h = memory_shared(sizeof(*h));
	pid_t pid = begin_to_hold(h);
	const char *log;
	int64_t took;

	(void)state;
	fails_within(0, 1900, 4000, &log);
	assert_true(sb_db_failed(memory_db));
	assert_int_equal(times(log, "\n"), 1);
	assert_false(sb_db_finish(memory_db, true));

	fails_within(200 * MILLISECOND, 190, 1500, &log);
	assert_true(sb_db_failed(memory_db));

	/* From then on it answers as if there were no row, at once. */
	assert_null(sb_one(memory_db, SB_Q_INSTALLATION));
	assert_int_equal(add_user(memory_db, "ann"), 0);
	assert_false(sb_db_finish(memory_db, true));

	/* Who only reads needn't wait. */
	took = memory_clock();
	assert_true(read_one(memory_db));
	assert_true(memory_clock() - took < 1900 * MILLISECOND);

	/* The lock goes with who holds it. */
	kill(pid, SIGKILL);
	memory_wait(pid);
	assert_true(write_one(memory_db, "ann"));
}

static void
a_lock_that_comes_free_in_time_is_waited_for(void **state)
{
	struct holder *h = memory_shared(sizeof(*h));
	pid_t pid;
	int64_t now;

	(void)state;
	h->release_after = 300 * MILLISECOND;
	pid = begin_to_hold(h);
	sb_db_attach(memory_db, pool);
	assert_int_equal(add_user(memory_db, "ann"), 1);
	/* The time of a write is read once its lock is held. */
	now = sb_db_now(memory_db);
	assert_int_equal(memory_wait(pid), 0);
	assert_true(now >= atomic_load(&h->released_at));
	assert_true(sb_db_finish(memory_db, true));
}

/* ------------------------------------------------------------- no room left */

static bool
write_much(struct sb_db *db, const char *name, size_t n)
{
	char *much = sb_alloc(pool, n + 1);
	int64_t added;

	memset(much, 'x', n);
	sb_db_attach(db, pool);
	added = sb_run(db, SB_Q_USER_ADD, sb_bind("id", name),
	    sb_bind("email", name), sb_bind("email_key", name),
	    sb_bind("username", name), sb_bind("username_key", name),
	    sb_bind("password", much));
	return sb_db_finish(db, true) && added == 1;
}

/* Some work, one write too large, some more work. */
static int
fill_and_go_on(void)
{
	if (!write_one(memory_db, "before"))
		return 2;
	if (write_much(memory_db, "much", 3000000))
		return 3;
	if (!read_one(memory_db))
		return 4;
	if (write_much(memory_db, "much", 3000000))
		return 5;
	sb_db_attach(memory_db, pool);
	if (!has_user(memory_db, "before") || has_user(memory_db, "much"))
		return 6;
	if (!sb_db_finish(memory_db, true))
		return 7;
	return write_one(memory_db, "after") ? 0 : 8;
}

static int
with_small_files(void *with)
{
	struct rlimit limit = { 1000000, RLIM_INFINITY };
	int status;

	(void)with;
	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 1;
	if ((status = fill_and_go_on()) != 0)
		return status;
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &limit);
	return write_much(memory_db, "much", 3000000) ? 0 : 9;
}

/* A file system of its own, which nobody else sees and which ends with it. */
static int
on_a_small_disk(void *with)
{
	(void)with;
	if ((unshare(CLONE_NEWNS) != 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("small", sb_settings.data, "tmpfs", 0, "size=1m") != 0)
		return SKIP;
	return fill_and_go_on();
}

static void
survives(int (*run)(void *))
{
	const char *log;
	int status;

	memory_close();
	memory_listen();
	status = memory_wait(memory_fork(run, NULL));
	log = memory_heard();
	if (status == SKIP)
		skip();
	if (status != 0)
		fail_msg("status %d\n%s", status, log);
	assert_int_equal(times(log, " warning unit -: database: "), 2);
}

static void
a_file_that_may_not_grow_is_unavailable(void **state)
{
	(void)state;
	survives(with_small_files);
}

static void
a_full_disk_is_unavailable(void **state)
{
	(void)state;
	survives(on_a_small_disk);
}

/* ---------------------------------------------------------------- read-only */

static int
only_read(void *with)
{
	(void)with;
	if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
		return 1;
	if (!read_one(memory_db))
		return 2;
	if (write_one(memory_db, "bob"))
		return 3;
	if (!read_one(memory_db))
		return 4;
	sb_db_attach(memory_db, pool);
	if (!has_user(memory_db, "ann") || has_user(memory_db, "bob"))
		return 5;
	return sb_db_finish(memory_db, true) ? 0 : 6;
}

static void
set_modes(mode_t files, mode_t directory)
{
	static const char *const names[] = { "switchboard.db",
	    "switchboard.db-wal", "switchboard.db-shm" };

	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(chmod(memory_path(names[i]), files), 0);
	assert_int_equal(chmod(sb_settings.data, directory), 0);
}

static void
a_read_only_file_can_be_read(void **state)
{
	const char *log;
	int status;

	(void)state;
	assert_true(write_one(memory_db, "ann"));
	memory_close();
	set_modes(0444, 0555);
	memory_listen();
	status = memory_wait(memory_fork(only_read, NULL));
	log = memory_heard();
	set_modes(0600, 0700);
	if (status != 0)
		fail_msg("status %d\n%s", status, log);
	assert_true(write_one(memory_db, "bob"));
}

/* ------------------------------------------------------- faults of our own */

/* Runs it and holds that it ends as a fault of ours, with this in its line. */
static void
is_fatal(int (*run)(void *), const char *line)
{
	const char *log;
	int status;

	memory_close();
	memory_listen();
	status = memory_wait(memory_fork(run, NULL));
	log = memory_heard();
	if (status != EX_SOFTWARE)
		fail_msg("status %d\n%s", status, log);
	assert_int_equal(times(log, "\n"), 1);
	assert_non_null(strstr(log, " error "));
	if (strstr(log, line) == NULL)
		fail_msg("no \"%s\" in: %s", line, log);
}

static int
bind_a_typo(void *with)
{
	(void)with;
	sb_db_attach(memory_db, pool);
	sb_one(memory_db, SB_Q_USER_BY_USERNAME, sb_bind("kee", "ann"));
	return 0;
}

static int
bind_one_too_many(void *with)
{
	(void)with;
	sb_db_attach(memory_db, pool);
	sb_one(memory_db, SB_Q_USER_BY_USERNAME, sb_bind("key", "ann"),
	    sb_bind_int("limit", 1));
	return 0;
}

static void
a_typo_in_a_parameter_is_fatal(void **state)
{
	(void)state;
	assert_true(sb_db_open(memory_db, NULL));
	is_fatal(bind_a_typo, "user_by_username");
	is_fatal(bind_one_too_many, "user_by_username");
}

static int
read_a_typo(void *with)
{
	(void)with;
	sb_db_attach(memory_db, pool);
	sb_row_int(sb_one(memory_db, SB_Q_INSTALLATION), "createdat");
	return 0;
}

static void
a_typo_in_a_column_is_fatal(void **state)
{
	(void)state;
	assert_true(sb_db_open(memory_db, NULL));
	is_fatal(read_a_typo, "createdat");
}

static int
break_a_reference(void *with)
{
	(void)with;
	sb_db_attach(memory_db, pool);
	sb_run(memory_db, SB_Q_REFRESH_ADD, sb_bind("jti", "a"),
	    sb_bind("login", "nobody"), sb_bind("kid", "k"),
	    sb_bind_int("issued_at", 1), sb_bind_int("expires_at", 2));
	return sb_db_finish(memory_db, true) ? 0 : 1;
}

static void
a_broken_reference_is_fatal(void **state)
{
	(void)state;
	assert_true(sb_db_open(memory_db, NULL));
	is_fatal(break_a_reference, "refresh_add");
	assert_int_equal(memory_sql_int("SELECT count(*) FROM refresh_tokens"),
	    0);
}

#define JUNK	8192

/* Overwrites a stretch of the file; its whole content goes into the pool. */
static const char *
spoil(off_t from, size_t n, size_t *size)
{
	int fd = open(memory_path("switchboard.db"), O_RDWR | O_CREAT, 0600);
	char *junk = sb_alloc(pool, n), *whole;
	struct stat st;

	memset(junk, 0xa5, n);
	assert_int_equal(pwrite(fd, junk, n, from), n);
	assert_int_equal(fstat(fd, &st), 0);
	*size = (size_t)st.st_size;
	whole = sb_alloc(pool, *size);
	assert_int_equal(pread(fd, whole, *size, 0), *size);
	close(fd);
	return whole;
}

static void
is_as_it_was(const char *whole, size_t size)
{
	char *now = sb_alloc(pool, size + 1);
	int fd = open(memory_path("switchboard.db"), O_RDONLY);

	assert_int_equal(pread(fd, now, size + 1, 0), size);
	close(fd);
	assert_memory_equal(now, whole, size);
}

/* A request on a damaged file: a fault of ours that the process lives on. */
static void
is_damaged(const char *line)
{
	const char *log;
	bool read;

	sb_db_attach(memory_db, pool);
	memory_listen();
	read = sb_one(memory_db, SB_Q_INSTALLATION) != NULL;
	log = memory_heard();
	assert_false(read);
	assert_true(sb_db_failed(memory_db));
	assert_true(sb_db_damaged(memory_db));
	assert_int_equal(times(log, "\n"), 1);
	assert_non_null(strstr(log, " error "));
	assert_non_null(strstr(log, line));
	assert_false(sb_db_finish(memory_db, true));
	assert_false(write_one(memory_db, "ann"));
}

static void
what_is_no_database_is_left_alone(void **state)
{
	const char *whole;
	size_t size;

	(void)state;
	whole = spoil(0, JUNK, &size);
	is_damaged("not a database");
	is_as_it_was(whole, size);
	/* Once it is out of the way, nobody has to be started again. */
	unlink(memory_path("switchboard.db"));
	assert_true(write_one(memory_db, "ann"));
}

/* So many bytes of what was a database: nobody mends it, or writes to it. */
static void
spoilt_stays_so(off_t at, size_t bytes, const char *line)
{
	const char *whole;
	size_t size;

	assert_true(sb_db_open(memory_db, NULL));
	memory_close();
	memory_sql("PRAGMA wal_checkpoint(TRUNCATE)");
	whole = spoil(at, bytes, &size);
	is_damaged(line);
	is_as_it_was(whole, size);
}

static void
a_broken_database_is_left_alone(void **state)
{
	(void)state;
	spoilt_stays_so(4096, 4 * 4096, "malformed");
}

/* A head that says, by a single byte, that it is of a format to come. */
static void
a_database_of_no_known_format_is_damaged(void **state)
{
	(void)state;
	spoilt_stays_so(47, 1, "unsupported file format");
}

/* --------------------------------------------------------------------- rows */

static void
rows_are_copies(void **state)
{
	const struct sb_row *ann, *bob;
	const char *id;

	(void)state;
	assert_true(write_one(memory_db, "ann"));
	assert_true(write_one(memory_db, "bob"));
	sb_db_attach(memory_db, pool);
	ann = sb_one(memory_db, SB_Q_USER_BY_USERNAME, sb_bind("key", "ann"));
	id = sb_row_text(ann, "id");
	bob = sb_one(memory_db, SB_Q_USER_BY_USERNAME, sb_bind("key", "bob"));
	assert_null(sb_one(memory_db, SB_Q_USER_BY_USERNAME,
	    sb_bind("key", "eve")));
	assert_int_equal(sb_run(memory_db, SB_Q_LOGIN_REVOKE,
	    sb_bind("id", "x")), 0);
	assert_true(sb_db_finish(memory_db, true));
	memory_close();
	assert_string_equal(sb_row_text(ann, "username"), "ann");
	assert_string_equal(sb_row_text(bob, "username"), "bob");
	assert_true(sb_is_uuid(id));
	assert_int_equal(sb_row_int(ann, "is_active"), 1);
	assert_null(ann->next);
}

/* A user, his login and its token, of the same name. */
static void
add_chain(const char *name)
{
	assert_int_equal(sb_run(memory_db, SB_Q_USER_ADD, sb_bind("id", name),
	    sb_bind("email", name), sb_bind("email_key", name),
	    sb_bind("username", name), sb_bind("username_key", name),
	    sb_bind("password", "p")), 1);
	assert_int_equal(sb_run(memory_db, SB_Q_LOGIN_ADD, sb_bind("id", name),
	    sb_bind("user", name), sb_bind_int("version", 1),
	    sb_bind_int("lifetime", 10)), 1);
	assert_int_equal(sb_run(memory_db, SB_Q_REFRESH_ADD,
	    sb_bind("jti", name), sb_bind("login", name), sb_bind("kid", "k"),
	    sb_bind_int("issued_at", INT64_MIN),
	    sb_bind_int("expires_at", INT64_MAX)), 1);
}

static void
what_is_not_given_is_null(void **state)
{
	const struct sb_row *row;

	(void)state;
	add_chain("ann");
	assert_int_equal(sb_run(memory_db, SB_Q_REFRESH_USE,
	    sb_bind("jti", "ann")), 1);
	row = sb_one(memory_db, SB_Q_REFRESH_FIND, sb_bind("jti", "ann"),
	    sb_bind("login", "ann"));
	assert_null(sb_row_text(row, "successor"));
	assert_int_equal(sb_row_int(row, "used_at"), sb_db_now(memory_db));
	assert_int_equal(sb_row_int(row, "issued_at"), INT64_MIN);
	assert_int_equal(sb_row_int(row, "expires_at"), INT64_MAX);
	assert_int_equal(sb_run(memory_db, SB_Q_REFRESH_USE,
	    sb_bind("jti", "ann")), 0);
	assert_true(sb_db_finish(memory_db, true));
}

/* What one query was given must not be seen by its next use. */
static void
parameters_are_forgotten(void **state)
{
	(void)state;
	add_chain("ann");
	assert_non_null(sb_one(memory_db, SB_Q_USER_OF_LOGIN,
	    sb_bind("id", "ann")));
	assert_null(sb_one(memory_db, SB_Q_USER_OF_LOGIN));
	assert_null(sb_one(memory_db, SB_Q_USER_OF_LOGIN,
	    sb_bind("id", NULL)));
	assert_true(sb_db_finish(memory_db, true));
}

static void
texts_are_kept_to_the_letter(void **state)
{
	static const char text[] = "'; DROP TABLE users; -- \"\xc3\xa9\n%s";

	(void)state;
	assert_true(write_one(memory_db, text));
	sb_db_attach(memory_db, pool);
	assert_string_equal(sb_row_text(sb_one(memory_db,
	    SB_Q_USER_BY_USERNAME, sb_bind("key", text)), "username"), text);
	assert_true(sb_db_finish(memory_db, true));
}

#define STORE_TEST(f)	cmocka_unit_test_setup_teardown(f, anew, done)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_fresh_file_has_all_steps),
		STORE_TEST(each_step_is_noted_with_its_oldest),
		STORE_TEST(of_many_at_once_one_makes_the_file),
		STORE_TEST(of_many_at_once_one_migrates_an_older_file),
		STORE_TEST(a_migrated_file_is_like_a_fresh_one),
		STORE_TEST(a_newer_file_that_suits_us_is_used),
		STORE_TEST(a_newer_file_that_does_not_is_refused),
		STORE_TEST(a_step_under_way_that_suits_us_changes_nothing),
		STORE_TEST(a_step_under_way_that_does_not_ends_us),
		STORE_TEST(a_missing_directory_is_made),
		STORE_TEST(a_directory_that_cannot_be_had_is_unavailable),
		STORE_TEST(a_local_directory_is_on_no_network),
		STORE_TEST(a_success_is_committed),
		STORE_TEST(a_refusal_is_rolled_back),
		STORE_TEST(what_is_kept_is_committed_once),
		STORE_TEST(a_read_leaves_no_lock_behind),
		STORE_TEST(a_write_after_a_read_is_of_the_present),
		STORE_TEST(what_is_held_is_of_one_moment),
		STORE_TEST(a_write_ends_what_is_held),
		STORE_TEST(a_killed_process_leaves_nothing),
		STORE_TEST(writers_wait_for_each_other),
		STORE_TEST(before_a_transaction_it_is_now),
		STORE_TEST(in_a_transaction_time_stands_still),
		STORE_TEST(a_busy_file_fails_at_its_deadline),
		STORE_TEST(a_lock_that_comes_free_in_time_is_waited_for),
		STORE_TEST(a_file_that_may_not_grow_is_unavailable),
		STORE_TEST(a_full_disk_is_unavailable),
		STORE_TEST(a_read_only_file_can_be_read),
		STORE_TEST(a_typo_in_a_parameter_is_fatal),
		STORE_TEST(a_typo_in_a_column_is_fatal),
		STORE_TEST(a_broken_reference_is_fatal),
		STORE_TEST(what_is_no_database_is_left_alone),
		STORE_TEST(a_broken_database_is_left_alone),
		STORE_TEST(a_database_of_no_known_format_is_damaged),
		STORE_TEST(rows_are_copies),
		STORE_TEST(what_is_not_given_is_null),
		STORE_TEST(parameters_are_forgotten),
		STORE_TEST(texts_are_kept_to_the_letter),
	};

	return cmocka_run_group_tests_name("db", tests, memory_begin,
	    memory_end);
}
