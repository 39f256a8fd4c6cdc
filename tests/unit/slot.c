/*
 * Places that all processes share: never more holders than places, a holder
 * that dies leaves his free, and nobody waits past his patience.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sched.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"

#define MILLISECOND	(SB_SECOND / 1000)
#define PLACES		3
#define CROWD		12
#define TURNS		5

struct hall {
	_Atomic int	 inside, most, here;
};

static int
anew(void **state)
{
	(void)state;
	memory_anew();
	/* The store makes it otherwise. */
	return sb_data_directory() ? 0 : -1;
}

static int
take_turns(void *with)
{
	struct hall *hall = with;

	for (int i = 0; i < TURNS; i++) {
		int place = sb_slot_take("hall", PLACES, 20 * SB_SECOND);
		int inside, most;

		if (place < 0)
			return 1;
		inside = atomic_fetch_add(&hall->inside, 1) + 1;
		most = atomic_load(&hall->most);
		while (most < inside && !atomic_compare_exchange_weak(
		    &hall->most, &most, inside))
			continue;
		memory_sleep(2 * MILLISECOND);
		atomic_fetch_sub(&hall->inside, 1);
		sb_slot_leave(place);
	}
	return 0;
}

static void
never_more_holders_than_places(void **state)
{
	struct hall *hall = memory_shared(sizeof(*hall));
	pid_t pids[CROWD];

	(void)state;
	for (int i = 0; i < CROWD; i++)
		pids[i] = memory_fork(take_turns, hall);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(memory_wait(pids[i]), 0);
	assert_int_equal(atomic_load(&hall->most), PLACES);
}

static void
all_places_can_be_had(void **state)
{
	int places[PLACES];

	(void)state;
	for (int i = 0; i < PLACES; i++) {
		places[i] = sb_slot_take("hall", PLACES, 0);
		assert_true(places[i] >= 0);
	}
	assert_int_equal(sb_slot_take("hall", PLACES, 0), -1);
	sb_slot_leave(places[1]);
	places[1] = sb_slot_take("hall", PLACES, 0);
	assert_true(places[1] >= 0);
	assert_int_equal(sb_slot_take("hall", PLACES, 0), -1);
	for (int i = 0; i < PLACES; i++)
		sb_slot_leave(places[i]);
}

static void
places_of_another_name_are_others(void **state)
{
	int place = sb_slot_take("hall", 1, 0);
	int other = sb_slot_take("yard", 1, 0);

	(void)state;
	assert_true(place >= 0 && other >= 0);
	assert_int_equal(sb_slot_take("hall", 1, 0), -1);
	sb_slot_leave(place);
	assert_int_equal(sb_slot_take("yard", 1, 0), -1);
	sb_slot_leave(other);
}

/* As far apart as numbers can be: a hash says where they begin. */
static void
sets_of_places_of_one_name_are_apart(void **state)
{
	static const int64_t firsts[] = { 0, PLACES, INT64_MAX - 2 * PLACES };
	int places[COUNT(firsts)][PLACES];

	(void)state;
	for (size_t i = 0; i < COUNT(firsts); i++)
		for (int j = 0; j < PLACES; j++) {
			places[i][j] = sb_slot_take_from("hall", firsts[i],
			    PLACES, 0);
			assert_true(places[i][j] >= 0);
		}
	assert_int_equal(sb_slot_take("hall", PLACES, 0), -1);
	sb_slot_leave(places[1][0]);
	assert_int_equal(sb_slot_take("hall", PLACES, 0), -1);
	places[1][0] = sb_slot_take_from("hall", firsts[1], PLACES, 0);
	assert_true(places[1][0] >= 0);
	for (size_t i = 0; i < COUNT(firsts); i++)
		for (int j = 0; j < PLACES; j++)
			sb_slot_leave(places[i][j]);
}

/* Holds a place until it is killed. */
static int
stay(void *with)
{
	struct hall *hall = with;

	if (sb_slot_take("hall", 1, 0) < 0)
		return 1;
	atomic_fetch_add(&hall->inside, 1);
	pause();
	return 2;
}

static pid_t
begin_to_stay(struct hall *hall)
{
	pid_t pid = memory_fork(stay, hall);

	while (atomic_load(&hall->inside) == 0)
		sched_yield();
	return pid;
}

static void
who_dies_leaves_his_place(void **state)
{
	pid_t pid = begin_to_stay(memory_shared(sizeof(struct hall)));
	int place;

	(void)state;
	assert_int_equal(sb_slot_take("hall", 1, 0), -1);
	kill(pid, SIGKILL);
	assert_int_equal(memory_wait(pid), 1000 + SIGKILL);
	place = sb_slot_take("hall", 1, 0);
	assert_true(place >= 0);
	sb_slot_leave(place);
}

static void
patience_is_kept(void **state)
{
	pid_t pid = begin_to_stay(memory_shared(sizeof(struct hall)));
	int64_t began = memory_clock();

	(void)state;
	assert_int_equal(sb_slot_take("hall", 1, 0), -1);
	assert_in_range((memory_clock() - began) / MILLISECOND, 0, 2000);
	began = memory_clock();
	assert_int_equal(sb_slot_take("hall", 1, 300 * MILLISECOND), -1);
	assert_in_range((memory_clock() - began) / MILLISECOND, 300, 5000);
	kill(pid, SIGKILL);
	memory_wait(pid);
}

static int
stay_a_while(void *with)
{
	struct hall *hall = with;
	int place = sb_slot_take("hall", 1, 0);

	atomic_fetch_add(&hall->inside, 1);
	memory_sleep(200 * MILLISECOND);
	sb_slot_leave(place);
	return place < 0;
}

/* How many milliseconds somebody waits for him. */
static int64_t
wait_for_him(void)
{
	struct hall *hall = memory_shared(sizeof(*hall));
	pid_t pid = memory_fork(stay_a_while, hall);
	int64_t began = memory_clock(), took;
	int place;

	while (atomic_load(&hall->inside) == 0)
		sched_yield();
	place = sb_slot_take("hall", 1, 30 * SB_SECOND);
	took = (memory_clock() - began) / MILLISECOND;
	assert_true(place >= 0);
	sb_slot_leave(place);
	assert_int_equal(memory_wait(pid), 0);
	return took;
}

/*
 * Who waits has the place soon after it is left, not at the next second: one of
 * some times, where others have the processor.
 */
static void
who_waits_is_next(void **state)
{
	int64_t took;

	(void)state;
	for (int i = 0; i < 10; i++) {
		took = wait_for_him();
		assert_true(took >= 150);
		if (took < 900)
			return;
	}
	fail_msg("%lld ms", (long long)took);
}

static void
without_a_directory_there_is_no_place(void **state)
{
	const char *data = sb_settings.data, *log;
	int place;

	(void)state;
	sb_settings.data = "/proc/no-such-directory";
	memory_listen();
	place = sb_slot_take("hall", 1, SB_SECOND);
	log = memory_heard();
	sb_settings.data = data;
	assert_int_equal(place, -2);
	assert_true(*log != '\0');
}

#define SLOT_TEST(f)	cmocka_unit_test_setup(f, anew)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SLOT_TEST(never_more_holders_than_places),
		SLOT_TEST(all_places_can_be_had),
		SLOT_TEST(places_of_another_name_are_others),
		SLOT_TEST(sets_of_places_of_one_name_are_apart),
		SLOT_TEST(who_dies_leaves_his_place),
		SLOT_TEST(patience_is_kept),
		SLOT_TEST(who_waits_is_next),
		SLOT_TEST(without_a_directory_there_is_no_place),
	};

	return cmocka_run_group_tests_name("slot", tests, memory_begin,
	    memory_end);
}
