/*
 * The worker, `switchboard work', which sends what is in the outbox: it is
 * called where it runs, and started where none does, so that neither a daemon
 * nor cron is needed.  It is nobody's child and inherits nothing, be it a
 * client's words or a connection.  outbox.c and prefork.c rely on it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "internal.h"

#define COMMAND		"switchboard"
#define WEBHOOKS	"webhooks"	/* that there are any */
#define SECONDS		"10"		/* 20, with what is in hand then */
#define FDS_MAX		65536		/* where nobody lists them */

static int starter = -1;	/* what a byte calls a process by */

static const char *
runnable(const char *path)
{
	return access(path, X_OK) == 0 ? path : NULL;
}

/*
 * Where it is: in the installation's folder; this very program; or as
 * configured.  NULL: nowhere.
 */
static const char *
find_command(struct sb_pool *pool)
{
	const char *home = sb_home(pool), *found = NULL;
	char self[PATH_MAX];
	ssize_t n;

	if (home != NULL)
		found = runnable(sb_printf(pool, "%s/bin/" COMMAND, home));
	if (found != NULL || sb_settings.home != NULL)
		return found;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n < 0 ? 0 : n] = '\0';
	if (n > 0 && strcmp(strrchr(self, '/'), "/" COMMAND) == 0)
		return sb_copy(pool, self, (size_t)n);
	return runnable(SB_BINDIR "/" COMMAND);
}

static void
leave_one(int fd, unsigned int flags)
{
	if (flags & CLOSE_RANGE_CLOEXEC)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	else
		close(fd);
}

/*
 * Nothing that is open goes on, whoever has opened it: from here, or with
 * CLOSE_RANGE_CLOEXEC from the next program on.
 */
static void
leave_behind(unsigned int flags)
{
	DIR *dir;
	struct dirent *entry;

	if (close_range(STDERR_FILENO + 1, ~0U, (int)flags) == 0)
		return;
	/* Before Linux 5.11 */
	if ((dir = opendir("/proc/self/fd")) == NULL) {
		for (int fd = STDERR_FILENO + 1; fd < FDS_MAX; fd++)
			leave_one(fd, flags);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		const long fd = strtol(entry->d_name, NULL, 10);

		if (fd > STDERR_FILENO && fd != dirfd(dir))
			leave_one((int)fd, flags);
	}
	closedir(dir);
}

/* In a child's child, whose parent ends at once. */
static void
become(const char *path, char **environment)
{
	static char name[] = COMMAND, work[] = "work", stay[] = "--for",
	    seconds[] = SECONDS;
	static char *arguments[] = { name, work, stay, seconds, NULL };
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			return;
	leave_behind(CLOSE_RANGE_CLOEXEC);
	execve(path, arguments, environment);
	sb_log(SB_ERROR, "%s: %s", path, strerror(errno));
}

static void
detach(struct sb_pool *pool, const char *path)
{
	char **environment = sb_settings_environment(pool);
	pid_t pid = fork();

	if (pid == 0) {
		if (setsid() >= 0 && (pid = fork()) == 0)
			become(path, environment);
		_exit(pid < 0 ? EX_OSERR : 0);
	}
	if (pid < 0)
		sb_log(SB_ERROR, "fork: %s", strerror(errno));
	else
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
}

/* Nothing else that is open goes on. */
static _Noreturn void
stand_by(int calls, const char *name)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char call;
	ssize_t n;

	/* Who ends a web server's programs leaves what they have begun. */
	setsid();
	sb_log_close();
	if (null < 0 || dup2(calls, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0)
		_exit(EX_OSERR);
	leave_behind(0);
	sb_log_open(name);
	while ((n = read(STDIN_FILENO, &call, 1)) > 0 ||
	    (n < 0 && errno == EINTR))
		if (n > 0)
			sb_worker_start();
	_exit(0);
}

/* The file is there as soon as anybody may have something sent. */
static bool
is_expected(void)
{
	struct sb_pool *pool = sb_pool_new();
	const bool expected = access(sb_printf(pool, "%s/" WEBHOOKS ".slots",
	    sb_settings.data), F_OK) == 0;

	sb_pool_free(pool);
	return expected;
}

void
sb_worker_expect(void)
{
	int place = is_expected() ? -1 : sb_slot_take(WEBHOOKS, 1, 0);

	if (place >= 0)
		sb_slot_leave(place);
}

/*
 * Where there are no webhooks, requests by plain CGI are spared it.  Who stays
 * may be there when the first comes.
 */
void
sb_worker_prepare(const char *name, bool stays)
{
	int ends[2];
	pid_t pid;

	if (!stays && !is_expected())
		return;
	if (pipe2(ends, O_CLOEXEC) != 0) {
		sb_log(SB_ERROR, "pipe: %s", strerror(errno));
		return;
	}
	if ((pid = fork()) == 0) {
		close(ends[1]);
		stand_by(ends[0], name);
	}
	close(ends[0]);
	if (pid > 0) {
		starter = ends[1];
		fcntl(starter, F_SETFL, O_NONBLOCK);
	} else {
		sb_log(SB_ERROR, "fork: %s", strerror(errno));
		close(ends[1]);
	}
}

bool
sb_worker_can_send(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int fd;

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if ((fd = socket(families[i], SOCK_DGRAM | SOCK_CLOEXEC,
		    0)) >= 0) {
			close(fd);
			return true;
		}
	return false;
}

/*
 * One that can't start isn't tried again and again: what it should have done
 * is done by the next, or by cron's.
 */
static bool
is_too_soon(void)
{
	static int64_t last = -SB_SECOND;
	const int64_t now = sb_monotonic();

	if (now - last < SB_SECOND)
		return true;
	last = now;
	return false;
}

/*
 * False if there is none; that it has ended is a fault.  If it can take no more
 * it has been called often enough, and nobody waits for it.
 */
static bool
call_starter(void)
{
	if (starter < 0)
		return false;
	if (write(starter, "", 1) != 1 && errno != EAGAIN)
		sb_log(SB_ERROR, "webhooks: who starts the worker is gone: %s",
		    strerror(errno));
	return true;
}

void
sb_worker_start(void)
{
	static bool complained;
	struct sb_pool *pool;
	const char *path;

	if (call_starter())
		return;
	if (sb_slot_is_taken(SB_WORKER_SLOT) || !sb_worker_can_send() ||
	    is_too_soon())
		return;
	pool = sb_pool_new();
	if ((path = find_command(pool)) != NULL)
		detach(pool, path);
	else if (!complained)
		sb_log(SB_WARNING, "webhooks: the command " COMMAND " is not "
		    "found, so that they wait for `" COMMAND " work'");
	complained |= path == NULL;
	sb_pool_free(pool);
}

void
sb_worker_call(struct sb_pool *pool)
{
	sb_wake(pool, SB_WORKER_NEWS);
	if (!sb_slot_is_taken(SB_WORKER_SLOT) && !sb_prefork_call())
		sb_worker_start();
}
