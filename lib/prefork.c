/*
 * One listening socket, many processes: a parent that forks and replaces
 * workers and does nothing else, so that any of them may end at any time
 * without a client seeing it.  It keeps the socket while it becomes a newer
 * program, too.  serve.c and slot.c rely on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define MOST		2048		/* 1024 workers and 1024 waiters */
#define BRIEF		SB_SECOND	/* too short for a worker's life */
#define BREATH		(SB_SECOND / 10) /* before the next, then */
#define TRIAL		(10 * SB_SECOND) /* that a new program has at most */

enum state { FREE, SERVING, WAITING, LEAVING };

/*
 * Shared by all; a worker writes its own state, the parent the rest.  As a
 * worker that somebody got into may write anything, the parent counts by it,
 * and believes nothing else of it.
 */
struct board {
	_Atomic int	 seats;		/* those in use are below it */
	_Atomic bool	 called;	/* somebody asks for the outbox's */
	_Atomic int	 state[MOST];
};

static struct board *board;	/* NULL: no prefork */
static int most_workers, most_waiters;
static pid_t parent;
static int seats;		/* the parent's, of which the board tells */
static int seat = -1;		/* of this worker */
static int waits;		/* its, one in another */
static pid_t pids[MOST];	/* the parent's */
static int64_t born[MOST];
static bool outdated;		/* a worker ended with SB_OUTDATED */

/* How many workers are there for requests, and how many wait. */
static void
count(int below, int *serving, int *waiting)
{
	*serving = *waiting = 0;
	for (int i = 0; i < below && i < MOST; i++) {
		int state = atomic_load(&board->state[i]);

		*serving += state == SERVING;
		*waiting += state == WAITING;
	}
}

bool
sb_wait_begin(void)
{
	int serving, waiting;

	if (board == NULL)
		return true;
	if (waits++ == 0) {
		atomic_store(&board->state[seat], WAITING);
		if (getppid() == parent)
			kill(parent, SIGUSR2);
	}
	count(board->seats, &serving, &waiting);
	return waiting <= most_waiters;
}

void
sb_wait_end(void)
{
	if (board != NULL && --waits == 0)
		atomic_store(&board->state[seat], SERVING);
}

bool
sb_worker_wanted(void)
{
	int serving, waiting, expected = SERVING;

	if (board == NULL)
		return true;
	count(board->seats, &serving, &waiting);
	if (serving <= most_workers)
		return true;
	/* Two may leave at once; then the parent forks one anew. */
	return !atomic_compare_exchange_strong(&board->state[seat], &expected,
	    LEAVING);
}

pid_t
sb_prefork_parent(void)
{
	return board == NULL ? 0 : parent;
}

bool
sb_prefork_call(void)
{
	if (board == NULL)
		return false;
	atomic_store(&board->called, true);
	if (getppid() == parent)
		kill(parent, SIGUSR2);
	return true;
}

static void
no_action(int signal)
{
	(void)signal;
}

static void
run_worker(int number, const sigset_t *mask, int (*work)(void))
{
	seat = number;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	exit(work());
}

static bool
fork_worker(const sigset_t *mask, int (*work)(void))
{
	pid_t pid;
	int i = 0;

	while (i < MOST && pids[i] != 0)
		i++;
	if (i == MOST)
		return false;
	if (i == seats)
		board->seats = ++seats;
	atomic_store(&board->state[i], SERVING);
	born[i] = sb_monotonic();
	if ((pid = fork()) == 0)
		run_worker(i, mask, work);
	if (pid < 0) {
		sb_log(SB_ERROR, "fork: %s", strerror(errno));
		atomic_store(&board->state[i], FREE);
		return false;
	}
	pids[i] = pid;
	return true;
}

/* Logs how a worker ended, unless it did so as it should. */
static void
log_end(pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		sb_log(SB_WARNING, "worker %d ended by signal %d", (int)pid,
		    WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		sb_log(SB_WARNING, "worker %d ended with status %d", (int)pid,
		    WEXITSTATUS(status));
}

/* Takes leave of those that ended.  True if one had just begun. */
static bool
reap(void)
{
	bool sick = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		int i = 0;

		while (i < seats && pids[i] != pid)
			i++;
		if (i == seats)
			continue;
		log_end(pid, status);
		outdated |= WIFEXITED(status) &&
		    WEXITSTATUS(status) == SB_OUTDATED;
		if (atomic_load(&board->state[i]) != LEAVING)
			sick |= sb_monotonic() - born[i] < BRIEF;
		pids[i] = 0;
		atomic_store(&board->state[i], FREE);
	}
	return sick;
}

static void
tell_all(int signal)
{
	for (int i = 0; i < seats; i++)
		if (pids[i] > 0)
			kill(pids[i], signal);
}

/* Those of an earlier program, too, who were told before it became this one. */
static bool
anyone_left(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Which signal came, or waits to be heard. */
static bool
is_to_stop(int which)
{
	sigset_t waiting;

	if (which == SIGTERM || which == SIGINT || which == SIGUSR1)
		return true;
	return sigpending(&waiting) == 0 && (sigismember(&waiting, SIGTERM) ||
	    sigismember(&waiting, SIGINT) || sigismember(&waiting, SIGUSR1));
}

/*
 * Whether the program, as it is installed now, would serve with these settings
 * and this database: it says so itself.  It is not waited for longer than that,
 * whatever it does, and not when we are to stop.
 */
static bool
can_start(char *name, const sigset_t *mask)
{
	char check[] = "--check", *const arguments[] = { name, check, NULL };
	const struct timespec breath = { .tv_nsec = 10 * 1000 * 1000 };
	int64_t end = sb_monotonic() + TRIAL;
	int status = -1, null;
	pid_t pid = fork();

	if (pid == 0) {
		/* With the socket it would serve. */
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null < 0 || dup2(null, STDIN_FILENO) < 0)
			_exit(EX_OSFILE);
		dup2(null, STDOUT_FILENO);
		sigprocmask(SIG_SETMASK, mask, NULL);
		execvp(name, arguments);
		_exit(EX_UNAVAILABLE);
	}
	while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0) {
		if (sb_monotonic() > end || is_to_stop(0))
			kill(pid, SIGKILL);
		nanosleep(&breath, NULL);
	}
	return status == 0;
}

/*
 * Becomes the program that is installed now, with the socket, in which requests
 * wait meanwhile; those in hand are finished by the workers that have them.
 * Signals stay blocked, so none is lost.  Returns only if it can't be.
 */
static void
start_anew(char **argv, const sigset_t *mask)
{
	if (!can_start(argv[0], mask)) {
		sb_log(SB_ERROR, "%s would not start: it does not replace "
		    "this program", argv[0]);
		return;
	}
	sb_log(SB_INFO, "starting anew");
	tell_all(SIGTERM);
	execvp(argv[0], argv);
	sb_log(SB_ERROR, "%s: %s", argv[0], strerror(errno));
}

/*
 * When lighttpd is killed, nothing of ours stays behind.  Other parents, such
 * as spawn-fcgi, are meant to end before us.
 */
static void
end_with_server(void)
{
	char path[64], name[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)getppid());
	if ((f = fopen(path, "re")) == NULL)
		return;
	if (fgets(name, sizeof(name), f) != NULL &&
	    strcmp(name, "lighttpd\n") == 0)
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	fclose(f);
}

/* False if there should be more of them than can be had. */
static bool
fork_missing(const sigset_t *mask, int (*work)(void))
{
	int serving, waiting;

	count(seats, &serving, &waiting);
	for (; serving < most_workers && serving + waiting <
	    most_workers + most_waiters; serving++)
		if (!fork_worker(mask, work))
			return false;
	return true;
}

/*
 * The parent's life: fork what is missing, wait for a signal.  Where workers
 * die as soon as they are born, it takes a breath before the next ones, as
 * forking at full speed helps nobody.
 */
static void
look_after(const sigset_t *signals, const sigset_t *mask, int (*work)(void),
    char **argv)
{
	const struct timespec breath = { .tv_nsec = BREATH * 1000 };
	int64_t not_before = 0, now;
	int which = 0;

	do {
		now = sb_monotonic();
		if (now >= not_before)
			not_before = fork_missing(mask, work) ? 0 :
			    now + BREATH;
		which = sigtimedwait(signals, NULL,
		    not_before == 0 ? NULL : &breath);
		if (reap() && not_before == 0)
			not_before = sb_monotonic() + BREATH;
		if (atomic_exchange(&board->called, false))
			sb_worker_start();
		/* It may be told to stop as a worker ends. */
		if (!is_to_stop(which) && (outdated || which == SIGHUP))
			start_anew(argv, mask);
	} while (!outdated && !is_to_stop(which));
}

void
sb_prefork(int workers, int waiters, int (*work)(void), char **argv)
{
	static const int heeded[] = { SIGCHLD, SIGUSR1, SIGUSR2, SIGTERM,
	    SIGINT, SIGHUP };
	struct sigaction action = { .sa_handler = no_action };
	sigset_t all, before;

	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED)
		sb_fatal("mmap: %s", strerror(errno));
	parent = getpid();
	most_workers = workers;
	most_waiters = waiters;
	sigemptyset(&all);
	for (size_t i = 0; i < sizeof(heeded) / sizeof(heeded[0]); i++)
		sigaddset(&all, heeded[i]);
	sigaction(SIGCHLD, &action, NULL);
	sigprocmask(SIG_BLOCK, &all, &before);
	/* The program that this one was may have blocked them already. */
	for (size_t i = 0; i < sizeof(heeded) / sizeof(heeded[0]); i++)
		sigdelset(&before, heeded[i]);
	end_with_server();
	look_after(&all, &before, work, argv);
	tell_all(SIGTERM);
	while (reap(), anyone_left())
		sigwaitinfo(&all, NULL);
}
