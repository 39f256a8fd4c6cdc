/*
 * What the target `program' plays in: an installation in memory with a few
 * users and what is theirs, a clock and a source of random bytes that are the
 * same for each input, and requests to the programs.
 */
#ifndef SB_FUZZ_WORLD_H
#define SB_FUZZ_WORLD_H

#include "internal.h"

#define WORLD_PROGRAMS	4
#define WORLD_VARIABLES	48

extern const struct sb_program *world_programs[WORLD_PROGRAMS];
extern struct sb_db *world_db;

/* The request in hand's texts; an input's; both are cleared by world.c. */
extern struct sb_pool *world_pool;

struct world_request {
	const struct sb_program *program;
	const char	*method, *target, *bearer;	/* NULL: nobody's */
	const char	*body;
	size_t		 length;
	char		*variables[WORLD_VARIABLES];	/* NAME=value */
	int		 count;
	size_t		 at_once;	/* bytes a read; 0: any */
	size_t		 breaks_off;	/* after so many; 0: not */
	long		 leaves_at;	/* flush that fails; 0: none */
};

struct world_answer {
	char		*bytes;
	size_t		 length;
	int		 finished;	/* how often it was */
	bool		 left;		/* the client, before its end */
};

/* Makes the installation, once. */
void	 world_begin(void);

/* Makes all as it was after that; what an input begins with. */
void	 world_restore(void);

/* Serves it; what comes back is in world_pool. */
struct world_answer world_serve(const struct world_request *);

/* Lets time pass. */
void	 world_sleep(int64_t microseconds);

/*
 * A text with each @word that is known in the place of what it stands for: an
 * id, a token, a long text.  In world_pool.
 */
const char *world_expand(const char *text, size_t n, size_t *length);

/* What a word stands for, or NULL; and what it does from here on. */
const char *world_word(const char *name);
void	 world_learn(const char *name, const char *value);

/*
 * A secret that stands in the text, and that no request of this input has
 * brought along; or NULL.
 */
const char *world_secret_in(const char *text, size_t n);

/* Breaks a promise, with that name, where the database is not as it must be. */
void	 world_check(void);

#endif
