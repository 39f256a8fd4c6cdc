/*
 * Counting for /metrics: what many processes count adds up, however they end
 * and whatever happens to the file that they count in.
 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"

#define TOKEN	"CD0gCcp8r4oDtQ0hzlIrMK7L"
#define CROWD	6
#define MANY	400

/* Their file goes away: looked for once a second. */
#define SOON	(20 * SB_SECOND)

enum { QUICK_OK };
static const struct sb_field quick_out[] = {
	[QUICK_OK] = { "ok", SB_BOOL, "Always." },
	SB_END
};

static enum sb_status
quick(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_bool(rs, QUICK_OK, true);
	return SB_OK;
}

static enum sb_status
slow(struct sb_request *rq, struct sb_response *rs)
{
	memory_sleep(SB_SECOND / 500);
	return quick(rq, rs);
}

static enum sb_status
show(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return sb_put_metrics(rs);
}

static enum sb_status
begin_stream(struct sb_request *rq, struct sb_response *rs)
{
	const enum sb_status status = sb_listen(rs, NULL,
	    SB_STREAM_MAX);

	(void)rq;
	return status == SB_NEXT ? SB_OK : status;
}

static bool
stream(struct sb_request *rq, struct sb_response *rs, int64_t *cursor)
{
	(void)rq;
	(void)cursor;
	sb_event(rs, NULL, "end", "");
	return false;
}

#define ROUTES	{ SB_GET, "/quick", SB_PUBLIC, quick, NULL, quick_out }, \
	{ SB_GET, "/slow", SB_PUBLIC, slow, NULL, quick_out }, \
	{ SB_GET, "/stream", SB_PUBLIC, begin_stream, \
	  .media = SB_EVENT_STREAM, .stream = stream }, \
	{ SB_GET, "/metrics", SB_WATCHER, show, .media = "text/plain" }

static const struct sb_route routes[] = {
	ROUTES, { SB_NONE }
};
static const struct sb_program program = { "unit", "Of a test.", routes };

/* The next version has a route more, of an odd path. */
static const struct sb_route more_routes[] = {
	ROUTES,
	{ SB_GET, "/o\"d\\d", SB_PUBLIC, quick, NULL, quick_out },
	{ SB_NONE }
};
static const struct sb_program next_program = { "unit", "Of a test.",
    more_routes };

/* Never begun in this process, so that each child's is its own. */
static int
anew(void **state)
{
	(void)state;
	memory_anew();
	sb_settings.metrics_token = TOKEN;
	sb_settings.log_level = "error";
	return 0;
}

/* The value of that sample, or -1. */
static int64_t
number(const char *sample)
{
	const struct memory_answer *a = CALL(routes, .target = "/metrics",
	    .more = { "HTTP_AUTHORIZATION=Bearer " TOKEN });
	const size_t n = strlen(sample);
	const char *line;

	assert_int_equal(a->status, 200);
	for (line = a->body; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, sample, n) == 0 && line[n] == ' ')
			return strtoll(line + n, NULL, 10);
	}
	return -1;
}

#define OF(route)	"{program=\"unit\",method=\"GET\",route=\"" route "\""
#define REQUESTS_OF(route) "switchboard_http_requests_total" OF(route) \
			",status=\"200\"}"
#define REQUESTS	REQUESTS_OF("/quick")
#define DURATION(part, route) \
			"switchboard_http_request_duration_seconds_" part \
			OF(route)

static bool
serves(const struct sb_route *of, const char *target)
{
	return CALL(of, .target = target)->status == 200;
}

/* ----------------------------------------------------------------- children */

static int
serve_many(void *with)
{
	(void)with;
	sb_metrics_begin(&program);
	for (int i = 0; i < MANY; i++)
		if (!serves(routes, "/quick"))
			return 1;
	return 0;
}

/* Until it is killed, or a test has failed. */
static int
serve_for_ever(void *with)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sb_metrics_begin(&program);
	while (serves(routes, with))
		continue;
	return 1;
}

static int
serve_slowly(void *with)
{
	(void)with;
	sb_metrics_begin(&program);
	return !serves(routes, "/slow");
}

static int
serve_stream(void *with)
{
	(void)with;
	sb_metrics_begin(&program);
	return !serves(routes, "/stream");
}

static int
serve_next(void *with)
{
	(void)with;
	sb_metrics_begin(&next_program);
	return !serves(more_routes, "/quick") ||
	    !serves(more_routes, "/o%22d%5Cd");
}

/* As the parent of a prefork does: there before the first request. */
static int
open_only(void *with)
{
	(void)with;
	sb_metrics_begin(&program);
	sb_metrics_open();
	return 0;
}

/* Under a process that has it mapped. */
static int
cut_off(void *with)
{
	const char *path = with;

	sb_metrics_begin(&program);
	return !serves(routes, "/quick") || truncate(path, 0) != 0 ||
	    !serves(routes, "/quick") || !serves(routes, "/quick");
}

static int
be_sent_one(void *with)
{
	(void)with;
	sb_metrics_begin(&program);
	if (!serves(routes, "/quick"))
		return 1;
	raise(SIGBUS);
	return 2;
}

/* How many of its lines say so, by that time. */
static int
complaints(int64_t until, bool first_only)
{
	int n = 0;

	while (memory_clock() < until && (n == 0 || !first_only)) {
		n += strstr(CALL(routes, .target = "/quick")->log,
		    "goes to the one that was removed") != NULL;
		memory_sleep(SB_SECOND / 100);
	}
	return n;
}

/* What is in its place can't be removed by it. */
static int
be_barred(void *with)
{
	const char *path = with;

	sb_metrics_begin(&program);
	if (!serves(routes, "/quick") || unlink(path) != 0 ||
	    mkdir(path, 0700) != 0)
		return 10;
	return complaints(memory_clock() + SOON, true) +
	    complaints(memory_clock() + SB_SECOND * 3 / 2, false);
}

/* -------------------------------------------------------------------- tests */

static void
sums_are_of_all_processes(void **state)
{
	pid_t pids[CROWD];

	(void)state;
	for (int i = 0; i < CROWD; i++)
		pids[i] = memory_fork(serve_many, NULL);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(memory_wait(pids[i]), 0);
	assert_int_equal(number(REQUESTS), CROWD * MANY);
	assert_int_equal(number(DURATION("count", "/quick") "}"),
	    CROWD * MANY);
}

/* Until it is that many, or more. */
static void
wait_for(const char *sample, int64_t least)
{
	int64_t end = memory_clock() + SOON;

	while (number(sample) < least) {
		assert_true(memory_clock() < end);
		memory_sleep(SB_SECOND / 1000);
	}
}

static void
the_killed_leave_sums_that_hold(void **state)
{
	int64_t requests, measured;
	pid_t pids[CROWD];
	char quick_path[] = "/quick";

	(void)state;
	for (int i = 0; i < CROWD; i++)
		pids[i] = memory_fork(serve_for_ever, quick_path);
	wait_for(REQUESTS, MANY);
	for (int i = 0; i < CROWD; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(memory_wait(pids[i]), 1000 + SIGKILL);
	requests = number(REQUESTS);
	measured = number(DURATION("count", "/quick") "}");
	assert_in_range(requests - measured, 0, CROWD);
	assert_int_equal(memory_wait(memory_fork(serve_many, NULL)), 0);
	assert_int_equal(number(REQUESTS), requests + MANY);
	assert_int_equal(number(DURATION("count", "/quick") "}"),
	    measured + MANY);
}

static void
a_request_is_in_the_bucket_of_its_time(void **state)
{
	(void)state;
	assert_int_equal(memory_wait(memory_fork(serve_slowly, NULL)), 0);
	assert_int_equal(number(DURATION("bucket", "/slow") ",le=\"0.001\"}"),
	    0);
	assert_int_equal(number(DURATION("bucket", "/slow") ",le=\"+Inf\"}"),
	    1);
	/* What never happened isn't there. */
	assert_int_equal(number(DURATION("count", "/quick") "}"), -1);
}

/* One that is open for an hour says nothing of how fast anything is. */
static void
a_stream_is_counted_and_not_measured(void **state)
{
	(void)state;
	assert_int_equal(memory_wait(memory_fork(serve_stream, NULL)), 0);
	assert_int_equal(number(REQUESTS_OF("/stream")), 1);
	assert_int_equal(number(DURATION("count", "/stream") "}"), -1);
}

static void
a_file_that_is_cut_off_ends_no_process(void **state)
{
	const char *path = memory_path("unit.metrics");

	(void)state;
	assert_int_equal(memory_wait(memory_fork(cut_off, (void *)(uintptr_t)
	    path)), 0);
	/* The third finds it damaged, and makes it anew. */
	assert_int_equal(number(REQUESTS), 1);
}

static void
another_bus_error_ends_the_process(void **state)
{
	(void)state;
	assert_int_equal(memory_wait(memory_fork(be_sent_one, NULL)),
	    1000 + SIGBUS);
}

static void
a_file_that_is_removed_is_made_anew(void **state)
{
	char quick_path[] = "/quick";
	pid_t pid = memory_fork(serve_for_ever, quick_path);

	(void)state;
	wait_for(REQUESTS, 1);
	assert_int_equal(unlink(memory_path("unit.metrics")), 0);
	wait_for(REQUESTS, 1);
	kill(pid, SIGKILL);
	assert_int_equal(memory_wait(pid), 1000 + SIGKILL);
}

static void
one_that_cannot_be_made_anew_is_told_of_once(void **state)
{
	const char *path = memory_path("unit.metrics");

	(void)state;
	sb_settings.log_level = "warning";
	assert_int_equal(memory_wait(memory_fork(be_barred,
	    (void *)(uintptr_t)path)), 1);
}

/* Until somebody opens the file. */
static void
wait_for_opening(const char *path)
{
	struct pollfd p = { .fd = inotify_init1(IN_CLOEXEC),
	    .events = POLLIN };

	assert_true(p.fd >= 0 &&
	    inotify_add_watch(p.fd, path, IN_OPEN) >= 0);
	assert_int_equal(poll(&p, 1, (int)(SOON / 1000)), 1);
	close(p.fd);
}

/* Else old and new processes would replace each other's file in turn. */
static void
the_next_version_has_a_file_of_its_own(void **state)
{
	char slow_path[] = "/slow";
	const char *path = memory_path("unit.metrics");
	struct stat before, after;
	pid_t old;

	(void)state;
	old = memory_fork(serve_for_ever, slow_path);
	wait_for(DURATION("count", "/slow") "}", 1);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(memory_wait(memory_fork(serve_next, NULL)), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_true(before.st_ino != after.st_ino);
	assert_int_equal(number(REQUESTS), 1);
	assert_int_equal(number("switchboard_http_requests_total"
	    OF("/o\\\"d\\\\d") ",status=\"200\"}"), 1);
	/* When the old one looks again, it has left it alone once. */
	wait_for_opening(path);
	memory_sleep(SB_SECOND / 10);
	wait_for_opening(path);
	assert_int_equal(number(DURATION("count", "/slow") "}"), -1);
	assert_int_equal(stat(path, &before), 0);
	assert_true(before.st_ino == after.st_ino);
	kill(old, SIGKILL);
	assert_int_equal(memory_wait(old), 1000 + SIGKILL);
}

static void
its_blocks_are_its_own_from_the_start(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(memory_wait(memory_fork(open_only, NULL)), 0);
	assert_int_equal(stat(memory_path("unit.metrics"), &st), 0);
	assert_true(st.st_blocks * 512 >= st.st_size);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(memory_path("unit.metrics.new"), F_OK), -1);
}

static void
without_a_token_there_is_no_file(void **state)
{
	(void)state;
	sb_settings.metrics_token = NULL;
	assert_int_equal(memory_wait(memory_fork(serve_many, NULL)), 0);
	assert_int_equal(memory_wait(memory_fork(open_only, NULL)), 0);
	assert_int_equal(access(memory_path("unit.metrics"), F_OK), -1);
	assert_int_equal(CALL(routes, .target = "/metrics")->status, 404);
}

#define TEST(f)	cmocka_unit_test_setup(f, anew)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sums_are_of_all_processes),
		TEST(the_killed_leave_sums_that_hold),
		TEST(a_request_is_in_the_bucket_of_its_time),
		TEST(a_stream_is_counted_and_not_measured),
		TEST(a_file_that_is_cut_off_ends_no_process),
		TEST(another_bus_error_ends_the_process),
		TEST(a_file_that_is_removed_is_made_anew),
		TEST(one_that_cannot_be_made_anew_is_told_of_once),
		TEST(the_next_version_has_a_file_of_its_own),
		TEST(its_blocks_are_its_own_from_the_start),
		TEST(without_a_token_there_is_no_file),
	};

	return cmocka_run_group_tests(tests, memory_begin, memory_end);
}
