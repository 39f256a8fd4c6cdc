/*
 * What every process of ours does before anything else, so that neither who
 * started it nor its surroundings can make it end or spill where it shouldn't.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

void
sb_process_begin(void)
{
	int fd;

	/* A log line must not go into a connection that became descriptor 2. */
	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO)
		continue;
	if (fd > STDERR_FILENO)
		close(fd);
	umask(077);
	/* A reader that left, and a limit of size, are errors, not the end. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}
