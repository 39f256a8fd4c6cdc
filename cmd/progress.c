/*
 * What takes long: it is shown on a terminal how far it is, and a signal to
 * stop lets it clear away what it has begun.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"

#define SHOWN_EVERY	(SB_SECOND / 10)

static volatile sig_atomic_t stopped;

static struct {
	const char	*command;
	bool		 watched;
	int64_t		 shown_at;
	int		 width;		/* of what is shown, or 0 */
} progress;

static void
stop(int number)
{
	stopped = number;
}

void
cmd_progress_begin(const char *command)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction action = { .sa_handler = stop }, before;

	progress.command = command;
	progress.watched = isatty(STDERR_FILENO);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaction(numbers[i], NULL, &before);
		if (before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
}

void
cmd_progress_end(void)
{
	if (progress.width > 0)
		fprintf(stderr, "\r%*s\r", progress.width, "");
	progress.width = 0;
}

bool
cmd_progress(const char *format, ...)
{
	int64_t now = sb_monotonic();
	va_list ap;
	int before = progress.width;

	if (progress.watched && now >= progress.shown_at + SHOWN_EVERY) {
		progress.width = fprintf(stderr, "\r%s: ", progress.command) -
		    1;
		va_start(ap, format);
		progress.width += vfprintf(stderr, format, ap);
		va_end(ap);
		if (progress.width < before)
			fprintf(stderr, "%*s", before - progress.width, "");
		progress.shown_at = now;
	}
	return stopped == 0;
}

bool
cmd_stopped(void)
{
	return stopped != 0;
}

enum cmd_exit
cmd_say_stopped(const char *command)
{
	cmd_progress_end();
	fprintf(stderr, "switchboard %s: stopped by a signal; nothing was "
	    "done\n", command);
	/* As a shell has it. */
	return (enum cmd_exit)(128 + stopped);
}
