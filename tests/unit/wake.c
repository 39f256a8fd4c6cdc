/*
 * Who wakes whom: listeners of one data directory, in whichever process, hear
 * of what they asked for and of nothing else, and the dead leave nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"

#define OTHER	"01890a5d-ac96-774b-bcce-b302099a8058"

static struct sb_pool *pool;

static int
anew(void **state)
{
	(void)state;
	memory_anew();
	if (pool == NULL)
		pool = sb_pool_new();
	sb_pool_clear(pool);
	return sb_data_directory() ? 0 : -1;
}

/* How many names there are in a folder; -1 if there is no such folder. */
static int
names_in(const char *folder)
{
	DIR *d = opendir(memory_path(folder));
	int n = 0;

	if (d == NULL)
		return -1;
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static int
wake(void *about)
{
	struct sb_pool *p = sb_pool_new();

	sb_wake(p, about);
	sb_pool_free(p);
	return 0;
}

static char uuid[] = UUID, other[] = OTHER;

static void
a_listener_hears_of_its_own(void **state)
{
	int mine = sb_wake_listen(pool, UUID);
	int others = sb_wake_listen(pool, OTHER);

	(void)state;
	assert_true(mine >= 0 && others >= 0);
	assert_false(sb_wake_drain(mine));
	sb_wake(pool, UUID);
	assert_true(sb_wake_drain(mine));
	assert_false(sb_wake_drain(mine));
	assert_false(sb_wake_drain(others));
	/* Whoever it is. */
	assert_int_equal(memory_wait(memory_fork(wake, other)), 0);
	assert_false(sb_wake_drain(mine));
	assert_true(sb_wake_drain(others));
	sb_wake_end(pool, mine, UUID);
	sb_wake_end(pool, others, OTHER);
}

static void
all_listeners_hear(void **state)
{
	int ears[5];

	(void)state;
	for (size_t i = 0; i < COUNT(ears); i++)
		ears[i] = sb_wake_listen(pool, UUID);
	assert_int_equal(names_in("waiting/" UUID), COUNT(ears));
	sb_wake(pool, UUID);
	for (size_t i = 0; i < COUNT(ears); i++) {
		assert_true(sb_wake_drain(ears[i]));
		sb_wake_end(pool, ears[i], UUID);
	}
}

static void
who_ends_leaves_nothing(void **state)
{
	int first = sb_wake_listen(pool, UUID);
	int second = sb_wake_listen(pool, UUID);

	(void)state;
	assert_int_equal(names_in("waiting/" UUID), 2);
	assert_int_equal(names_in("waiting"), 1);
	sb_wake_end(pool, first, UUID);
	assert_int_equal(names_in("waiting/" UUID), 1);
	sb_wake_end(pool, second, UUID);
	assert_int_equal(names_in("waiting"), 0);
}

static void
nobody_there_is_nothing(void **state)
{
	(void)state;
	memory_listen();
	sb_wake(pool, UUID);
	assert_string_equal(memory_heard(), "");
	assert_int_equal(names_in("waiting"), -1);
}

static void
nobody_else_may_look(void **state)
{
	int ear = sb_wake_listen(pool, UUID);
	struct stat st;

	(void)state;
	assert_int_equal(stat(memory_path("waiting"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(memory_path("waiting/" UUID), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	sb_wake_end(pool, ear, UUID);
}

static void
a_full_queue_holds_nobody_up(void **state)
{
	int ear = sb_wake_listen(pool, UUID);

	(void)state;
	memory_listen();
	for (int i = 0; i < 2000; i++)
		sb_wake(pool, UUID);
	assert_string_equal(memory_heard(), "");
	assert_true(sb_wake_drain(ear));
	assert_false(sb_wake_drain(ear));
	sb_wake_end(pool, ear, UUID);
}

/* Listens until it is killed. */
static int
stay(void *with)
{
	_Atomic int *there = with;
	struct sb_pool *p = sb_pool_new();

	if (sb_wake_listen(p, UUID) < 0)
		return 1;
	atomic_store(there, 1);
	pause();
	return 2;
}

static void
kill_a_listener(void)
{
	_Atomic int *there = memory_shared(sizeof(*there));
	pid_t pid = memory_fork(stay, there);

	while (atomic_load(there) == 0)
		memory_sleep(SB_SECOND / 1000);
	kill(pid, SIGKILL);
	assert_int_equal(memory_wait(pid), 1000 + SIGKILL);
}

static void
what_the_dead_left_goes_with_the_next_news(void **state)
{
	int ear;

	(void)state;
	kill_a_listener();
	assert_int_equal(names_in("waiting/" UUID), 1);
	sb_wake(pool, UUID);
	assert_int_equal(names_in("waiting/" UUID), -1);
	kill_a_listener();
	ear = sb_wake_listen(pool, UUID);
	sb_wake(pool, UUID);
	assert_int_equal(names_in("waiting/" UUID), 1);
	assert_true(sb_wake_drain(ear));
	sb_wake_end(pool, ear, UUID);
}

static void
or_with_a_tidying(void **state)
{
	int ear = sb_wake_listen(pool, OTHER);

	(void)state;
	kill_a_listener();
	sb_wake_tidy(pool);
	assert_int_equal(names_in("waiting/" UUID), -1);
	assert_int_equal(names_in("waiting/" OTHER), 1);
	assert_false(sb_wake_drain(ear));
	sb_wake(pool, OTHER);
	assert_true(sb_wake_drain(ear));
	sb_wake_end(pool, ear, OTHER);
	sb_wake_tidy(pool);
	assert_int_equal(names_in("waiting"), 0);
}

static int
tidy_on(void *with)
{
	struct sb_pool *p = sb_pool_new();
	_Atomic int *over = with;

	while (atomic_load(over) == 0) {
		sb_wake_tidy(p);
		sb_wake(p, UUID);
		sb_pool_clear(p);
	}
	return 0;
}

/* Folders come and go, and no listener may be taken for a dead one. */
static void
nobody_is_cleared_away_as_he_comes(void **state)
{
	_Atomic int *over = memory_shared(sizeof(*over));
	pid_t pid = memory_fork(tidy_on, over);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int ear = sb_wake_listen(pool, UUID);

		assert_true(ear >= 0);
		sb_wake(pool, UUID);
		assert_true(sb_wake_drain(ear));
		sb_wake_end(pool, ear, UUID);
	}
	atomic_store(over, 1);
	assert_int_equal(memory_wait(pid), 0);
}

/* More than a socket's address can hold. */
static void
the_directory_may_have_a_long_path(void **state)
{
	const char *data = sb_settings.data;
	char *path = sb_printf(pool, "%s/%0200d", data, 1);
	int ear;

	(void)state;
	sb_settings.data = path;
	assert_true(sb_data_directory());
	ear = sb_wake_listen(pool, UUID);
	sb_wake(pool, UUID);
	assert_true(sb_wake_drain(ear));
	sb_wake_end(pool, ear, UUID);
	sb_settings.data = data;
	assert_int_equal(rmdir(sb_printf(pool, "%s/waiting", path)), 0);
	assert_int_equal(rmdir(path), 0);
}

/* As a process would that has thousands of sessions. */
static void
one_socket_may_listen_to_many(void **state)
{
	char about[64];
	int ear = sb_wake_listen(pool, UUID);
	const struct dirent *e = NULL;
	DIR *d = opendir(memory_path("waiting/" UUID));

	(void)state;
	do
		e = readdir(d);
	while (e->d_name[0] == '.');
	assert_int_equal(mkdir(memory_path("waiting/" OTHER), 0700), 0);
	assert_int_equal(link(memory_path(sb_printf(pool, "waiting/%s/%s",
	    UUID, e->d_name)), memory_path(sb_printf(pool, "waiting/%s/%s",
	    OTHER, e->d_name))), 0);
	closedir(d);
	sb_wake(pool, OTHER);
	assert_int_equal(read(ear, about, sizeof(about)), strlen(OTHER));
	assert_memory_equal(about, OTHER, strlen(OTHER));
	sb_wake_end(pool, ear, UUID);
}

static void
without_a_directory_nobody_listens(void **state)
{
	const char *data = sb_settings.data, *log;
	int ear;

	(void)state;
	sb_settings.data = "/proc/no-such-directory";
	memory_listen();
	ear = sb_wake_listen(pool, UUID);
	sb_wake(pool, UUID);
	log = memory_heard();
	sb_settings.data = data;
	assert_int_equal(ear, -1);
	assert_non_null(strstr(log, "/proc/no-such-directory/waiting/" UUID));
}

/* --------------------------------------------------------- requests that do */

enum { WAIT_FOR };
static const struct sb_field wait_in[] = {
	[WAIT_FOR] = { "for", SB_INT, "Milliseconds.", 0, 60000, SB_IN_QUERY },
	SB_END
};
enum { WAIT_WENT_ON };
static const struct sb_field wait_out[] = {
	[WAIT_WENT_ON] = { "went_on", SB_BOOL, "Whether to look again." },
	SB_END
};

static int
wake_later(void *about)
{
	memory_sleep(SB_SECOND / 10);
	return wake(about);
}

static enum sb_status
admit(struct sb_request *rq, struct sb_response *rs)
{
	(void)rs;
	rq->caller.id = sb_variable(rq, "HTTP_X_CALLER");
	return SB_NEXT;
}

static const struct sb_access somebody = { .admit = admit };

static enum sb_status
wait_once(struct sb_request *rq, struct sb_response *rs)
{
	const int64_t time = sb_int(rq, WAIT_FOR) * (SB_SECOND / 1000);
	enum sb_status status = sb_listen(rs, UUID, time);
	bool went_on;

	if (status != SB_NEXT)
		return status;
	went_on = sb_pause(rs, 2 * time);
	sb_put_bool(rs, WAIT_WENT_ON, went_on);
	return SB_OK;
}

/* What a look takes is there no longer at the next. */
static enum sb_status
wait_often(struct sb_request *rq, struct sb_response *rs)
{
	char *first = NULL, *now = NULL;
	enum sb_status status = sb_listen(rs, UUID, SB_STREAM_MAX);

	if (status != SB_NEXT)
		return status;
	for (int i = 0; i < 100; i++) {
		now = sb_alloc(rq->pool, 1000);
		if (first == NULL)
			first = now;
		sb_pause(rs, 1);
	}
	sb_put_bool(rs, WAIT_WENT_ON, first == now);
	return SB_OK;
}

/* Writes, and sees that it is committed while it waits. */
static enum sb_status
write_and_wait(struct sb_request *rq, struct sb_response *rs)
{
	enum sb_status status = sb_listen(rs, UUID, SB_STREAM_MAX);

	if (status != SB_NEXT)
		return status;
	sb_run(rq->db, SB_Q_USER_ADD, sb_bind("id", UUID),
	    sb_bind("email", "e"), sb_bind("email_key", "e"),
	    sb_bind("username", "u"), sb_bind("username_key", "u"),
	    sb_bind("password", "p"));
	sb_tell(rq, UUID);
	sb_tell(rq, UUID);
	assert_true(sb_db_writing(rq->db));
	sb_put_bool(rs, WAIT_WENT_ON, sb_pause(rs, 10 * SB_SECOND));
	assert_false(sb_db_writing(rq->db));
	return SB_OK;
}

static enum sb_status
tell(struct sb_request *rq, struct sb_response *rs)
{
	sb_tell(rq, UUID);
	sb_put_bool(rs, WAIT_WENT_ON, true);
	return SB_OK;
}

#define WAIT(path, handle) { SB_GET, path, &somebody, handle, wait_in, \
	wait_out, .doc = "Wait.", .errors = { &sb_error_waits } }
static const struct sb_route routes[] = {
	WAIT("/once", wait_once),
	WAIT("/often", wait_often),
	WAIT("/write", write_and_wait),
	WAIT("/tell", tell),
	{ SB_NONE }
};

static const char went_on[] = "{\"went_on\":true}",
    time_is_up[] = "{\"went_on\":false}";

static void
a_wait_ends_with_news(void **state)
{
	int64_t began = memory_clock();
	pid_t pid = memory_fork(wake_later, uuid);

	(void)state;
	memory_expect(CALL(routes, .target = "/once?for=20000"), 200, went_on);
	assert_in_range((memory_clock() - began) / 1000, 100, 5000);
	assert_int_equal(memory_wait(pid), 0);
	assert_int_equal(names_in("waiting"), 0);
}

static void
or_when_its_time_is_up(void **state)
{
	int64_t began = memory_clock();

	(void)state;
	memory_expect(CALL(routes, .target = "/once?for=200"), 200, time_is_up);
	assert_in_range((memory_clock() - began) / 1000, 200, 5000);
	assert_int_equal(names_in("waiting"), 0);
}

/* It has no place then, and needs none. */
static void
who_has_no_time_waits_for_nothing(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .target = "/once?for=0"), 200, time_is_up);
	assert_int_equal(names_in("waiting"), -1);
}

static void
a_head_waits_for_nothing(void **state)
{
	int64_t began = memory_clock();

	(void)state;
	assert_int_equal(CALL(routes, "HEAD", "/once?for=20000")->status, 200);
	assert_in_range((memory_clock() - began) / 1000, 0, 5000);
	assert_int_equal(names_in("waiting"), -1);
}

static void
its_memory_is_that_of_a_look(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .target = "/often?for=0"), 200, went_on);
}

static void
what_was_written_is_committed_and_told(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .target = "/write?for=0"), 200, went_on);
	memory_close();
	assert_int_equal(memory_sql_int("SELECT COUNT(*) FROM users"), 1);
}

static void
who_is_to_be_told_is_after_the_commit(void **state)
{
	int ear = sb_wake_listen(pool, UUID);

	(void)state;
	memory_expect(CALL(routes, .target = "/tell?for=0"), 200, went_on);
	assert_true(sb_wake_drain(ear));
	sb_wake_end(pool, ear, UUID);
}

static int
wait_long(void *caller)
{
	memory_db = sb_db_new(SB_STORE_MAIN);
	return CALL(routes, .target = "/once?for=60000", .more = {
	    sb_printf(sb_pool_new(), "HTTP_X_CALLER=%s", (char *)caller)
	    })->status != 200;
}

/* Until so many of them listen. */
static void
begin_waits(pid_t *pids, int n, char *caller)
{
	int before = names_in("waiting/" UUID);

	memory_close();
	for (int i = 0; i < n; i++)
		pids[i] = memory_fork(wait_long, caller);
	while (names_in("waiting/" UUID) < n + (before < 0 ? 0 : before))
		memory_sleep(SB_SECOND / 1000);
}

static void
end_waits(const pid_t *pids, int n)
{
	sb_wake(pool, UUID);
	for (int i = 0; i < n; i++)
		assert_int_equal(memory_wait(pids[i]), 0);
}

static void
a_caller_has_four_at_once(void **state)
{
	const struct memory_answer *a;
	pid_t pids[4];

	(void)state;
	sb_settings.waiters = 8;
	begin_waits(pids, 4, uuid);
	a = CALL(routes, .target = "/once?for=1",
	    .more = { "HTTP_X_CALLER=" UUID });
	memory_expect(a, 429, "{\"detail\":\"Too many open waits\"}");
	assert_string_equal(memory_header(a, "Retry-After"), "1");
	memory_expect(CALL(routes, .target = "/once?for=1",
	    .more = { "HTTP_X_CALLER=" OTHER }), 200, time_is_up);
	/* A killed one's is free. */
	kill(pids[0], SIGKILL);
	assert_int_equal(memory_wait(pids[0]), 1000 + SIGKILL);
	memory_expect(CALL(routes, .target = "/once?for=1",
	    .more = { "HTTP_X_CALLER=" UUID }), 200, time_is_up);
	end_waits(pids + 1, 3);
}

static void
all_together_have_waiters(void **state)
{
	const struct memory_answer *a;
	pid_t pids[2];

	(void)state;
	sb_settings.waiters = 2;
	begin_waits(pids, 2, uuid);
	a = CALL(routes, .target = "/once?for=1",
	    .more = { "HTTP_X_CALLER=" OTHER });
	memory_expect(a, 503,
	    "{\"detail\":\"Service temporarily unavailable\"}");
	assert_string_equal(memory_header(a, "Retry-After"), "5");
	end_waits(pids, 2);
	memory_expect(CALL(routes, .target = "/once?for=1",
	    .more = { "HTTP_X_CALLER=" OTHER }), 200, time_is_up);
}

#define WAKE_TEST(f)	cmocka_unit_test_setup(f, anew)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WAKE_TEST(a_listener_hears_of_its_own),
		WAKE_TEST(all_listeners_hear),
		WAKE_TEST(who_ends_leaves_nothing),
		WAKE_TEST(nobody_there_is_nothing),
		WAKE_TEST(nobody_else_may_look),
		WAKE_TEST(a_full_queue_holds_nobody_up),
		WAKE_TEST(what_the_dead_left_goes_with_the_next_news),
		WAKE_TEST(or_with_a_tidying),
		WAKE_TEST(nobody_is_cleared_away_as_he_comes),
		WAKE_TEST(the_directory_may_have_a_long_path),
		WAKE_TEST(one_socket_may_listen_to_many),
		WAKE_TEST(without_a_directory_nobody_listens),
		WAKE_TEST(a_wait_ends_with_news),
		WAKE_TEST(or_when_its_time_is_up),
		WAKE_TEST(who_has_no_time_waits_for_nothing),
		WAKE_TEST(a_head_waits_for_nothing),
		WAKE_TEST(its_memory_is_that_of_a_look),
		WAKE_TEST(what_was_written_is_committed_and_told),
		WAKE_TEST(who_is_to_be_told_is_after_the_commit),
		WAKE_TEST(a_caller_has_four_at_once),
		WAKE_TEST(all_together_have_waiters),
	};

	return cmocka_run_group_tests(tests, memory_begin, memory_end);
}
