/*
 * What the fuzz targets share: the entry that a fuzzer calls, and the promise
 * whose breach it looks for.
 */
#ifndef SB_FUZZ_H
#define SB_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Ends the process, as a crash would, where this does not hold. */
#define PROMISE(holds) \
	((holds) ? (void)0 : broken(#holds, __FILE__, __LINE__))

_Noreturn static inline void
broken(const char *promise, const char *file, int line)
{
	fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, promise);
	abort();
}

#endif
