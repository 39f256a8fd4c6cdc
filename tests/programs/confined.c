/*
 * A program of the tests: a route that tries what no confined program can do,
 * and says what the kernel answered.  tests/api/confined.bats calls it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "sb.h"

static const char *there;	/* the data directory */

static int
open_to(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0600);

	if (fd >= 0)
		close(fd);
	return fd;
}

static int
in_data(int (*try)(const char *path))
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/tried", there);
	return try(path);
}

static int
beside_data(int (*try)(const char *path))
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/../tried", there);
	return try(path);
}

static int
write_to(const char *path)
{
	return open_to(path, O_WRONLY | O_CREAT);
}

static int
read_of(const char *path)
{
	return open_to(path, O_RDONLY);
}

static int
run(const char *path)
{
	char *const none[] = { NULL };

	return execve(path, none, none);
}

static int
link_out(const char *path)
{
	char to[4096];

	snprintf(to, sizeof(to), "%s/../linked", there);
	return link(path, to);
}

static int
make_socket(int family, int type)
{
	int fd = socket(family, type, 0);

	if (fd >= 0)
		close(fd);
	return fd;
}

/* ------------------------------------------------------- what can be done */

static int
data_write(void)
{
	return in_data(write_to);
}

static int
data_read(void)
{
	return in_data(read_of);
}

static int
datagram(void)
{
	return make_socket(AF_UNIX, SOCK_DGRAM);
}

/* ---------------------------------------------------- what can't be done */

static int
passwd(void)
{
	return read_of("/etc/passwd");
}

static int
list_root(void)
{
	return open_to("/", O_RDONLY | O_DIRECTORY);
}

static int
own_environment(void)
{
	return read_of("/proc/self/environ");
}

static int
write_elsewhere(void)
{
	return beside_data(write_to);
}

static int
link_elsewhere(void)
{
	return in_data(link_out);
}

static int
execute(void)
{
	return run("/bin/true");
}

static int
execute_own(void)
{
	return in_data(run);
}

/* A child that came to be ends at once. */
static int
start_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static int
clone_three(void)
{
	return (int)syscall(SYS_clone3, NULL, (size_t)0);
}

static int
internet(void)
{
	return make_socket(AF_INET, SOCK_STREAM);
}

static int
internet6(void)
{
	return make_socket(AF_INET6, SOCK_DGRAM);
}

static int
netlink(void)
{
	return make_socket(AF_NETLINK, SOCK_RAW);
}

static int
unix_stream(void)
{
	return make_socket(AF_UNIX, SOCK_STREAM);
}

static int
signal_parent(void)
{
	return kill(getppid(), SIGCONT);
}

static int
signal_all(void)
{
	return kill(-1, 0);
}

/* The kernel signals a socket's owner, whom fcntl names. */
static int
own_signals(int command, int value)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), result;

	if (fd < 0)
		return fd;
	result = fcntl(fd, command, value);
	close(fd);
	return result;
}

static int
signal_by_socket(void)
{
	return own_signals(F_SETOWN, getppid());
}

static int
signal_of_socket(void)
{
	return own_signals(F_SETSIG, SIGKILL);
}

static int
signal_at_data(void)
{
	return own_signals(F_SETFL, O_ASYNC);
}

static int
trace(void)
{
	return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int
namespaces(void)
{
	return unshare(CLONE_NEWUSER);
}

static int
code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? -1 : 0;
}

/* A number that no kernel knows yet. */
static int
unknown(void)
{
	return (int)syscall(2047);
}

static const struct {
	const char	*name;
	int		(*try)(void);
} attempts[] = {
	{ "data_write", data_write },
	{ "data_read", data_read },
	{ "datagram", datagram },
	{ "passwd", passwd },
	{ "list_root", list_root },
	{ "own_environment", own_environment },
	{ "write_elsewhere", write_elsewhere },
	{ "link_elsewhere", link_elsewhere },
	{ "execute", execute },
	{ "execute_own", execute_own },
	{ "start_process", start_process },
	{ "clone3", clone_three },
	{ "internet", internet },
	{ "internet6", internet6 },
	{ "netlink", netlink },
	{ "unix_stream", unix_stream },
	{ "signal_parent", signal_parent },
	{ "signal_all", signal_all },
	{ "signal_by_socket", signal_by_socket },
	{ "signal_of_socket", signal_of_socket },
	{ "signal_at_data", signal_at_data },
	{ "trace", trace },
	{ "namespaces", namespaces },
	{ "code", code },
	{ "unknown", unknown },
};
#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

/* ------------------------------------------------------------- the program */

enum { ATTEMPT_NAME, ATTEMPT_ERROR };
static const struct sb_field attempt_out[] = {
	[ATTEMPT_NAME] = { "name", SB_TEXT, "What was tried." },
	[ATTEMPT_ERROR] = { "error", SB_TEXT, "The kernel's, as errno is "
	    "named; none where it could be done." },
	SB_END
};

enum { TRY_ONLY };
static const struct sb_field try_in[] = {
	[TRY_ONLY] = { "only", SB_TEXT, "One of them, as some are the end of "
	    "who can do them.", .in = SB_IN_QUERY, .optional = true },
	SB_END
};

enum { TRIED_ATTEMPTS };
static const struct sb_field tried_out[] = {
	[TRIED_ATTEMPTS] = { "attempts", SB_LIST, "In their order.",
	    .fields = attempt_out },
	SB_END
};

static enum sb_status
attempt(struct sb_request *rq, struct sb_response *rs)
{
	const char *only = sb_text(rq, TRY_ONLY);
	int result;

	there = sb_settings.data;
	sb_open(rs, TRIED_ATTEMPTS);
	for (size_t i = 0; i < ATTEMPTS; i++) {
		if (only != NULL && strcmp(only, attempts[i].name) != 0)
			continue;
		result = attempts[i].try();
		sb_open_item(rs, NULL);
		sb_put_text(rs, ATTEMPT_NAME, attempts[i].name);
		sb_put_text(rs, ATTEMPT_ERROR, result >= 0 ? "" :
		    strerrorname_np(errno));
		sb_close(rs);
	}
	sb_close(rs);
	return SB_OK;
}

static const struct sb_route routes[] = {
	{ SB_GET, "/attempts", SB_PUBLIC, attempt, try_in, tried_out,
	  .doc = "Try what must not be possible.", .name = "attempt" },
	{ SB_NONE }
};

static const struct sb_program program = {
	"confined", "What a confined program can't do.", routes, NULL
};

int
main(int argc, char **argv)
{
	return sb_main(argc, argv, &program);
}
