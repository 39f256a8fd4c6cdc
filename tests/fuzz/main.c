/*
 * Runs a fuzz target over the files, and the files of the directories, that
 * are its arguments, and prints TAP.  So any compiler can repeat the seeds and
 * whatever a fuzzer found; clang -fsanitize=fuzzer brings a main of its own.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

static int tests, failures;

/* Reads a file into memory with nothing behind it, or returns NULL. */
static uint8_t *
read_whole(const char *path, size_t *size)
{
	struct stat st;
	uint8_t *bytes = NULL;
	FILE *f = fopen(path, "rb");

	if (f == NULL)
		return NULL;
	if (fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode)) {
		*size = (size_t)st.st_size;
		bytes = malloc(*size > 0 ? *size : 1);
	}
	if (bytes != NULL && fread(bytes, 1, *size, f) != *size) {
		free(bytes);
		bytes = NULL;
	}
	fclose(f);
	return bytes;
}

static void
run_file(const char *path)
{
	size_t size;
	uint8_t *bytes;

	/* If the target aborts, this is the last line. */
	printf("# %s\n", path);
	fflush(stdout);
	tests++;
	if ((bytes = read_whole(path, &size)) == NULL) {
		failures++;
		printf("not ok %d - %s can't be read\n", tests, path);
		return;
	}
	LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	printf("ok %d - %s\n", tests, path);
}

static int
is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
run_directory(const char *path)
{
	struct dirent **entries;
	char file[4096];
	int n = scandir(path, &entries, is_shown, alphasort);

	if (n <= 0) {
		failures++;
		printf("not ok %d - %s has no files\n", ++tests, path);
	}
	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "%s/%s", path,
		    entries[i]->d_name);
		run_file(file);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

int
main(int argc, char **argv)
{
	struct stat st;

	for (int i = 1; i < argc; i++)
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			run_directory(argv[i]);
		else
			run_file(argv[i]);
	if (tests == 0) {
		fprintf(stderr, "usage: %s FILE|DIRECTORY...\n", argv[0]);
		return 64;
	}
	printf("1..%d\n", tests);
	return failures > 0;
}
