/*
 * BAML, a language for prompts with typed answers, for who runs its functions:
 * the command line and the program of agents.  What is behind this, what is
 * built of it and what comes next is in internal.h.
 *
 * All of this is pure: no clock, no environment and no socket; and whatever it
 * is given, it ends soon, with what it was asked for or with what is wrong.
 */
#ifndef BAML_H
#define BAML_H

#include <stdbool.h>
#include <stddef.h>

struct sb_pool;

/* Beyond these a project is refused. */
#define BAML_FILES	1000
#define BAML_BYTES	((size_t)1024 * 1024)	/* of all files */
#define BAML_DEPTH	64	/* of types and values in each other */
#define BAML_DIAGS	100	/* that are told; the others aren't */

/* A file of a project: its name as it is shown, and what is in it. */
struct baml_file {
	const char	*name, *text;
	size_t		 length;
};

/* What is wrong with a project, and where. */
struct baml_diag {
	const struct baml_diag *next;
	const char	*file;		/* NULL: the project as a whole */
	int		 line, column;	/* from 1; in code points */
	const char	*text;		/* the line, or part of a long one */
	int		 caret, width;	/* what is meant: code points of that */
	const char	*message;	/* half a sentence */
};

/*
 * Reads and checks the files of a project, which are one namespace.  All that
 * is wrong with them is in *wrong, by file and place, and NULL comes back; or
 * the program does, and *wrong is NULL.  The files' texts have to stay; all
 * else is in the pool.
 */
struct baml_program;
const struct baml_program *baml_load(struct sb_pool *,
	    const struct baml_file *files, size_t n,
	    const struct baml_diag **wrong);

/*
 * The same as lines for a terminal: FILE:LINE:COLUMN: MESSAGE, the line, and a
 * caret below it.
 */
const char *baml_diag_text(struct sb_pool *, const struct baml_diag *);

#endif
