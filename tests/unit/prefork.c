/*
 * The parent and its workers: those that end are replaced, more are made while
 * some wait, the surplus leaves, and a signal ends them all.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"

#define MILLISECOND	(SB_SECOND / 1000)
#define WORKERS		3
#define WAITERS		4
#define MOST		64
#define PATIENCE	(30 * SB_SECOND)

/* What the workers and the test tell each other. */
static struct board {
	_Atomic int	 born;
	_Atomic pid_t	 pids[MOST];
	_Atomic int	 wait;		/* workers shall wait */
	_Atomic int	 outdated;	/* those of end_when_outdated are */
	_Atomic int	 ended;		/* so many of them */
} *board;

static pid_t parent;

/* What there is to become: by default nothing that would start. */
static char none[] = "false";
static char *successor[] = { none, NULL };

static void
be_born(void)
{
	int n = atomic_fetch_add(&board->born, 1);

	atomic_store(&board->pids[n % MOST], getpid());
}

/* Waits or serves as the board says, until it is one too many. */
static int
work(void)
{
	bool waiting = false;

	be_born();
	while (waiting || sb_worker_wanted()) {
		bool wait = atomic_load(&board->wait);

		if (wait && !waiting) {
			sb_wait_begin();
			/* As for a lock, in the middle of it. */
			sb_wait_begin();
			sb_wait_end();
		} else if (!wait && waiting)
			sb_wait_end();
		waiting = wait;
		memory_sleep(2 * MILLISECOND);
	}
	return 0;
}

/* One that a newer program has made out of date. */
static int
end_outdated(void)
{
	be_born();
	return SB_OUTDATED;
}

static int
end_when_outdated(void)
{
	be_born();
	while (!atomic_load(&board->outdated))
		memory_sleep(2 * MILLISECOND);
	atomic_fetch_add(&board->ended, 1);
	return SB_OUTDATED;
}

static int
end_with_status(void)
{
	be_born();
	_exit(70);
}

static int
end_by_signal(void)
{
	be_born();
	return raise(SIGKILL);
}

static int
end_well(void)
{
	be_born();
	return 0;
}

static int
run(void *with)
{
	int (**worker)(void) = with;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sb_prefork(WORKERS, WAITERS, *worker, successor);
	return 0;
}

/* How many of those that were ever born are alive. */
static int
alive(void)
{
	int n = 0;

	for (int i = 0; i < MOST; i++) {
		pid_t pid = atomic_load(&board->pids[i]);

		n += pid != 0 && kill(pid, 0) == 0;
	}
	return n;
}

static bool
becomes(int (*count)(void), int n)
{
	int64_t until = memory_clock() + PATIENCE;

	while (count() != n) {
		if (memory_clock() > until)
			return false;
		memory_sleep(2 * MILLISECOND);
	}
	return true;
}

static int
born(void)
{
	return atomic_load(&board->born);
}

static int
ended(void)
{
	return atomic_load(&board->ended);
}

static int
begin(void **state)
{
	static int (*workers[])(void) = { work };

	(void)state;
	sb_settings.log_level = "error";
	board = memory_shared(sizeof(*board));
	parent = memory_fork(run, workers);
	return becomes(alive, WORKERS) ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	successor[0] = none;
	if (parent > 0) {
		kill(parent, SIGTERM);
		memory_wait(parent);
	}
	parent = 0;
	return 0;
}

static void
stops_all(int signal)
{
	assert_int_equal(alive(), WORKERS);
	kill(parent, signal);
	assert_int_equal(memory_wait(parent), 0);
	parent = 0;
	assert_int_equal(alive(), 0);
}

static void
a_signal_to_stop_ends_all(void **state)
{
	(void)state;
	stops_all(SIGTERM);
}

static void
so_does_an_interrupt(void **state)
{
	(void)state;
	stops_all(SIGINT);
}

static void
so_does_the_signal_to_stop_gently(void **state)
{
	(void)state;
	stops_all(SIGUSR1);
}

static void
no_more_than_are_asked_for(void **state)
{
	(void)state;
	memory_sleep(100 * MILLISECOND);
	assert_int_equal(alive(), WORKERS);
	assert_int_equal(born(), WORKERS);
}

/* And soon, as a client may be waiting; unless he had only just begun. */
static void
who_is_killed_is_replaced(void **state)
{
	int64_t began;

	(void)state;
	memory_sleep(11 * SB_SECOND / 10);
	began = memory_clock();
	for (int i = 0; i < WORKERS; i++) {
		kill(atomic_load(&board->pids[i]), SIGKILL);
		assert_true(becomes(born, WORKERS + i + 1));
	}
	assert_true(becomes(alive, WORKERS));
	assert_true(memory_clock() - began < WORKERS * SB_SECOND);
}

static void
all_killed_at_once_are_replaced(void **state)
{
	(void)state;
	for (int i = 0; i < WORKERS; i++)
		kill(atomic_load(&board->pids[i]), SIGKILL);
	assert_true(becomes(born, 2 * WORKERS));
	assert_true(becomes(alive, WORKERS));
}

static void
more_are_made_while_some_wait(void **state)
{
	(void)state;
	atomic_store(&board->wait, 1);
	assert_true(becomes(alive, WORKERS + WAITERS));
	memory_sleep(100 * MILLISECOND);
	assert_int_equal(alive(), WORKERS + WAITERS);
	assert_int_equal(born(), WORKERS + WAITERS);

	/* A waiter that is killed is replaced, too. */
	kill(atomic_load(&board->pids[0]), SIGKILL);
	assert_true(becomes(born, WORKERS + WAITERS + 1));
	assert_true(becomes(alive, WORKERS + WAITERS));

	/* When they have waited enough, the surplus leaves. */
	atomic_store(&board->wait, 0);
	assert_true(becomes(alive, WORKERS));
	memory_sleep(100 * MILLISECOND);
	assert_int_equal(alive(), WORKERS);
}

static void
it_grows_again_after_it_shrank(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		atomic_store(&board->wait, 1);
		assert_true(becomes(alive, WORKERS + WAITERS));
		atomic_store(&board->wait, 0);
		assert_true(becomes(alive, WORKERS));
	}
}

static void
a_signal_ends_those_that_wait_too(void **state)
{
	(void)state;
	atomic_store(&board->wait, 1);
	assert_true(becomes(alive, WORKERS + WAITERS));
	kill(parent, SIGTERM);
	assert_int_equal(memory_wait(parent), 0);
	parent = 0;
	assert_int_equal(alive(), 0);
}

static void
when_the_parent_is_killed_nobody_stays(void **state)
{
	(void)state;
	kill(parent, SIGKILL);
	memory_wait(parent);
	parent = 0;
	assert_true(becomes(alive, 0));
}

/* Without a prefork there is one worker, and it is wanted. */
static void
one_process_is_always_wanted(void **state)
{
	(void)state;
	assert_true(sb_worker_wanted());
	sb_wait_begin();
	sb_wait_end();
	assert_true(sb_worker_wanted());
}

/*
 * Three workers, each of which ends at once, for 1.2 s, or longer where others
 * have the processor.
 */
static void
is_not_made_at_full_speed(int (*worker)(void))
{
	int (*workers[])(void) = { worker };
	int64_t took = memory_clock();

	board = memory_shared(sizeof(*board));
	memory_listen();
	parent = memory_fork(run, workers);
	memory_sleep(6 * SB_SECOND / 5);
	kill(parent, SIGTERM);
	memory_wait(parent);
	took = memory_clock() - took;
	parent = 0;
	memory_heard();
	assert_true(born() >= WORKERS);
	if (born() > (2 + 15 * took / SB_SECOND) * WORKERS)
		fail_msg("%d were made in %lld ms", born(),
		    (long long)(took / MILLISECOND));
}

static void
what_fails_at_once_is_not_made_at_full_speed(void **state)
{
	(void)state;
	is_not_made_at_full_speed(end_with_status);
}

static void
what_is_killed_at_once_is_not_made_at_full_speed(void **state)
{
	(void)state;
	is_not_made_at_full_speed(end_by_signal);
}

static void
what_ends_well_at_once_is_not_made_at_full_speed(void **state)
{
	(void)state;
	is_not_made_at_full_speed(end_well);
}

/* The web server then starts the program anew, and gets the newer one. */
static void
an_outdated_worker_ends_them_all(void **state)
{
	int (*workers[])(void) = { end_outdated };

	(void)state;
	board = memory_shared(sizeof(*board));
	assert_int_equal(memory_wait(memory_fork(run, workers)), 0);
}

/* Makes the successor one that would start, and ends with status 7 if it is. */
static void
make_successor(void)
{
	FILE *f;

	successor[0] = (char *)memory_path("newer");
	f = fopen(successor[0], "w");
	assert_non_null(f);
	fputs("#!/bin/sh\ntest \"$1\" = --check || exit 7\n", f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(successor[0], 0700), 0);
}

static void
unless_there_is_a_newer_one_to_become(void **state)
{
	int (*workers[])(void) = { end_outdated };

	(void)state;
	board = memory_shared(sizeof(*board));
	make_successor();
	assert_int_equal(memory_wait(memory_fork(run, workers)), 7);
	successor[0] = none;
}

/* It hears of both at once. */
static void
and_unless_it_is_to_stop(void **state)
{
	int (*workers[])(void) = { end_when_outdated };
	pid_t pid;

	(void)state;
	board = memory_shared(sizeof(*board));
	make_successor();
	pid = memory_fork(run, workers);
	assert_true(becomes(born, WORKERS));
	assert_int_equal(kill(pid, SIGSTOP), 0);
	atomic_store(&board->outdated, 1);
	assert_true(becomes(ended, WORKERS));
	kill(pid, SIGTERM);
	kill(pid, SIGCONT);
	assert_int_equal(memory_wait(pid), 0);
	successor[0] = none;
}

static int
begin_with_successor(void **state)
{
	make_successor();
	return begin(state);
}

static void
a_hangup_makes_the_parent_the_newer_program(void **state)
{
	(void)state;
	kill(parent, SIGHUP);
	assert_int_equal(memory_wait(parent), 7);
	parent = 0;
	assert_true(becomes(alive, 0));
}

/* Who is killed then is replaced by a worker of the same program. */
static void
but_not_one_that_would_not_start(void **state)
{
	(void)state;
	kill(parent, SIGHUP);
	kill(atomic_load(&board->pids[0]), SIGKILL);
	assert_true(becomes(born, WORKERS + 1));
	assert_true(becomes(alive, WORKERS));
}

#define PREFORK_TEST(f)	cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_process_is_always_wanted),
		cmocka_unit_test(an_outdated_worker_ends_them_all),
		cmocka_unit_test(unless_there_is_a_newer_one_to_become),
		cmocka_unit_test(and_unless_it_is_to_stop),
		cmocka_unit_test_setup_teardown(
		    a_hangup_makes_the_parent_the_newer_program,
		    begin_with_successor, end),
		PREFORK_TEST(but_not_one_that_would_not_start),
		PREFORK_TEST(a_signal_to_stop_ends_all),
		PREFORK_TEST(so_does_an_interrupt),
		PREFORK_TEST(so_does_the_signal_to_stop_gently),
		PREFORK_TEST(no_more_than_are_asked_for),
		PREFORK_TEST(who_is_killed_is_replaced),
		PREFORK_TEST(all_killed_at_once_are_replaced),
		PREFORK_TEST(more_are_made_while_some_wait),
		PREFORK_TEST(it_grows_again_after_it_shrank),
		PREFORK_TEST(a_signal_ends_those_that_wait_too),
		PREFORK_TEST(when_the_parent_is_killed_nobody_stays),
		cmocka_unit_test(
		    what_fails_at_once_is_not_made_at_full_speed),
		cmocka_unit_test(
		    what_is_killed_at_once_is_not_made_at_full_speed),
		cmocka_unit_test(
		    what_ends_well_at_once_is_not_made_at_full_speed),
	};

	return cmocka_run_group_tests_name("prefork", tests, memory_begin,
	    memory_end);
}
