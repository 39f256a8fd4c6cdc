/*
 * SQLite's files in memory, which can be put back to how they were: what
 * thousands of inputs a second are given to begin with.
 */
#ifndef SB_FUZZ_FILES_H
#define SB_FUZZ_FILES_H

#include <stddef.h>

/* From here on SQLite opens its files in memory. */
void	 files_begin(void);

/* Remembers them as they are; and makes them so again, between requests. */
void	 files_keep(void);
void	 files_restore(void);

/* Changes a byte of one, at that place or, if it is shorter, another. */
void	 files_change(const char *path, size_t at, unsigned char);

#endif
