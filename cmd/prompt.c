/*
 * What is asked for: a password, which is never an argument or a setting, and
 * whether something may be deleted.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cmd.h"

#define LINE_MAX_BYTES	4096	/* of the longest password */

/* What ends or stops a process that has turned the terminal's echo off. */
static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP };
#define SIGNALS	(sizeof(signals) / sizeof(signals[0]))

static volatile sig_atomic_t caught;

struct quiet {
	struct termios	 before;
	struct sigaction actions[SIGNALS];
	sigset_t	 mask;
};

static void
catch(int number)
{
	caught = number;
}

/* Signals are taken by ppoll alone, so that none comes between. */
static void
be_quiet(struct quiet *q, bool echo)
{
	struct sigaction action = { .sa_handler = catch };
	struct termios silent;
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaddset(&blocked, signals[i]);
	sigprocmask(SIG_BLOCK, &blocked, &q->mask);
	for (size_t i = 0; i < SIGNALS; i++) {
		sigaction(signals[i], NULL, &q->actions[i]);
		if (q->actions[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
	tcgetattr(STDIN_FILENO, &q->before);
	silent = q->before;
	if (!echo)
		silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
}

static void
be_loud(const struct quiet *q)
{
	while (tcsetattr(STDIN_FILENO, TCSAFLUSH, &q->before) != 0 &&
	    errno == EINTR)
		continue;
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &q->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &q->mask, NULL);
}

/*
 * A line of standard input, without its end; longer ones are cut where they are
 * too long for anything.  False at the end of the input, and after a signal.
 */
static bool
read_line(char *line, const sigset_t *mask)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	size_t n = 0;
	ssize_t got;
	char c;

	for (;;) {
		if (ppoll(&in, 1, NULL, mask) < 0 && caught != 0)
			return false;
		if ((got = read(STDIN_FILENO, &c, 1)) < 0 &&
		    (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0 || c == '\n')
			break;
		/* A NUL is a control character, and not the end. */
		if (n <= LINE_MAX_BYTES)
			line[n++] = c == '\0' ? '\1' : c;
	}
	if (n > 0 && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	return got > 0 || n > 0;
}

/* The answer to a question on the terminal, in the pool; NULL at its end. */
static const char *
ask(struct sb_pool *pool, const char *question, bool echo)
{
	char *line = sb_alloc(pool, LINE_MAX_BYTES + 2);
	struct quiet q;
	bool done;

	do {
		caught = 0;
		be_quiet(&q, echo);
		fputs(question, stderr);
		done = read_line(line, &q.mask);
		be_loud(&q);
		if (!done || !echo)
			fputc('\n', stderr);
		/* Whoever only stopped it is asked once more. */
		if (caught != 0)
			raise(caught);
	} while (caught != 0);
	return done ? line : NULL;
}

static enum cmd_exit
refuse(const char *command, const char *why, enum cmd_exit status)
{
	fprintf(stderr, "switchboard %s: %s\n", command, why);
	return status;
}

enum cmd_exit
cmd_ask_password(const char *command, struct sb_pool *pool,
    const char **password)
{
	const bool terminal = isatty(STDIN_FILENO);
	const char *again, *wrong;
	char *line = NULL;

	if (terminal)
		*password = ask(pool, "Password: ", false);
	else {
		line = sb_alloc(pool, LINE_MAX_BYTES + 2);
		*password = read_line(line, NULL) ? line : NULL;
	}
	if (*password == NULL)
		return refuse(command, "no password was given: it is the first "
		    "line of standard input", CMD_INPUT);
	if ((wrong = cmd_account_wrong(pool, CMD_PASSWORD, *password)) != NULL)
		return refuse(command, sb_printf(pool, "password: %s", wrong),
		    CMD_DATA);
	if (!terminal)
		return CMD_OK;
	again = ask(pool, "The same again: ", false);
	return again != NULL && strcmp(again, *password) == 0 ? CMD_OK :
	    refuse(command, "these were not the same", CMD_DATA);
}

enum cmd_exit
cmd_confirm(const char *command, struct sb_pool *pool, const char *question,
    bool *confirmed)
{
	const char *answer;

	if (*confirmed)
		return CMD_OK;
	if (!isatty(STDIN_FILENO))
		return refuse(command, "there is nobody to ask whether that is "
		    "meant: say --yes", CMD_USAGE);
	answer = ask(pool, sb_printf(pool, "%s [y/N] ", question), true);
	*confirmed = answer != NULL && (strcasecmp(answer, "y") == 0 ||
	    strcasecmp(answer, "yes") == 0);
	return CMD_OK;
}
