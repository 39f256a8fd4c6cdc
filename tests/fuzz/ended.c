/*
 * A target that ends its process by itself, as sb_fatal does, has failed: the
 * fuzzer hears of it, and keeps the input.  The linker puts this in the place
 * of _exit.
 */
#include "fuzz.h"

void	 __wrap__exit(int);

void
__wrap__exit(int status)
{
	fprintf(stderr, "_exit(%d)\n", status);
	broken("the process goes on", __FILE__, __LINE__);
}
