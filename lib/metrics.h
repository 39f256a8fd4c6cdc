/*
 * What the files of the metrics share: a program's file of counters, which all
 * of its processes map.  metrics.c counts in it, metrics_file.c makes and maps
 * it, metrics_print.c reads those of all programs.
 *
 * It is a head, a text that says what is counted, and the counters.  The text
 * is a line for each family and its help, and one for each row of it:
 *
 *	counter NAME [LABEL VALUE...]
 *	help A sentence.
 *	row [LABEL="VALUE",...]
 *
 * Each row has a counter for each value, or one.  The kind is `counter',
 * `seconds', which counts microseconds, or `histogram', of which a counter more
 * is the sum, in microseconds, and the others don't have what is in those
 * before them.
 */
#ifndef SB_METRICS_H
#define SB_METRICS_H

#include <signal.h>
#include <stdatomic.h>

#include "internal.h"

#define SB_METRICS_ENDING	".metrics"	/* after the program's name */

/* What a file of a program is to have. */
struct sb_metrics_layout {
	const char	*program;
	const char	*text;
	size_t		 length, counters;
};

/* A file that is mapped; all zero: none. */
struct sb_metrics {
	char		*map;
	size_t		 size;
	const char	*text;		/* no NUL ends it */
	size_t		 length;
	_Atomic uint64_t *counters;
	size_t		 count;
	uint64_t	 device, inode;
	volatile sig_atomic_t lost;	/* the file went away under the map */
};

/*
 * Maps an open file; false if it isn't one of ours, or damaged.  The struct
 * stays where it is until it is unmapped.
 */
bool	 sb_metrics_map(struct sb_metrics *, int fd);
void	 sb_metrics_unmap(struct sb_metrics *);

/*
 * Maps the file of the program, and makes it if there is none that is sound;
 * replaces a sound one of another layout if that is said.  NULL, or why not;
 * sb_metrics_another if there is such a one, and stays.
 */
extern const char sb_metrics_another[];
const char *sb_metrics_attach(struct sb_metrics *,
	    const struct sb_metrics_layout *, bool replace);

/* Whether the program's path still leads to the file that is mapped. */
bool	 sb_metrics_is_current(const struct sb_metrics *, const char *program);

/*
 * Puts a process that stays among those that the program's file knows, as long
 * as the handle that comes back is open; -1 if it can't.  And how many the file
 * that is open knows.
 */
int	 sb_metrics_enter(const char *program);
int	 sb_metrics_processes(int fd);

#include "banned.h"
#endif
