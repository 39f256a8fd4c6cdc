/*
 * Deleting many rows beside requests that want the same lock: little at a time,
 * and as long a pause after each as it took.  cmd/sweep.c and account.c rely on
 * it.
 */
#include <time.h>

#include "internal.h"

#define PAUSE_MIN	(SB_SECOND / 1000)

/* How many rows are right next time: a disk's flush counts as well. */
static int
adapt(int rows, int most, int64_t took, int64_t bound)
{
	if (took > bound)
		return rows > 1 ? rows / 2 : 1;
	if (took < bound / 2 && rows < most)
		return rows + rows / 4 + 1;
	return rows;
}

/* A signal to stop ends it, too. */
int
sb_pace(int rows, int most, int64_t took, int64_t bound)
{
	const int64_t pause = took < PAUSE_MIN ? PAUSE_MIN : took;
	const struct timespec nap = {
		.tv_sec = (time_t)(pause / SB_SECOND),
		.tv_nsec = (long)(pause % SB_SECOND) * 1000,
	};

	nanosleep(&nap, NULL);
	return adapt(rows, most, took, bound);
}
