/*
 * An answer of a program as it goes to the web server, held to what every
 * client may rely on.
 */
#ifndef SB_FUZZ_ANSWER_H
#define SB_FUZZ_ANSWER_H

#include "world.h"

/* Breaks a promise where the answer is not one. */
void	 answer_check(const struct world_request *,
	    const struct world_answer *);

/* Remembers the ids and tokens in it: @last, @access, @refresh, @made. */
void	 answer_learn(const struct world_answer *);

#endif
