/*
 * A folder of a target's own, which is the data directory and goes at the end:
 * in memory, where the system has a place for that.
 */
#ifndef SB_FUZZ_FOLDER_H
#define SB_FUZZ_FOLDER_H

#include <stddef.h>

/* Makes it; its path. */
const char *folder_begin(void);

/* Makes a folder in it, and those above; and a file, whole or anew. */
void	 folder_make(const char *path);
void	 folder_write(const char *path, const void *bytes, size_t n);

#endif
