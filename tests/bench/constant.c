/*
 * A program that answers a constant: as fast as a program can be under its web
 * server, which is what switchboard is measured against by tests/bench/run, and
 * by tests/bench/instructions.  FastCGI where standard input is a socket, with
 * as many processes as WORKERS says; else plain CGI.
 *
 *	constant [--lingering]
 *
 * It closes a connection as switchboard does; --lingering: as libfcgi does
 * unless it is told otherwise, which waits for the web server to close first.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcgiapp.h>

/* As long as an answer of GET /api/auth/me, and with as many fields. */
static const char answer[] =
    "Status: 200 OK\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 172\r\n"
    "X-Request-ID: 01a206be-7ff7-74fd-bd63-0bda645884be\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Vary: Origin\r\n"
    "Cache-Control: no-store\r\n"
    "X-RateLimit-Limit: 30\r\n"
    "X-RateLimit-Remaining: 29\r\n"
    "X-RateLimit-Reset: 1795420000\r\n"
    "X-RateLimit-Window: 60\r\n"
    "RateLimit-Policy: \"user\";q=30;w=60\r\n"
    "RateLimit: \"user\";r=29;t=60\r\n"
    "\r\n"
    "{\"id\":\"01a206be-7ff7-74fd-bd63-0bda645884be\","
    "\"email\":\"user000001@example.com\",\"username\":\"user000001\","
    "\"is_active\":true,\"created_at\":\"2026-11-23T04:51:17.873863Z\"}"
    "          ";

static int
serve(void)
{
	char bytes[4096];
	FCGX_Request r;

	if (FCGX_Init() != 0 ||
	    FCGX_InitRequest(&r, STDIN_FILENO, 0) != 0)
		return EXIT_FAILURE;
	while (FCGX_Accept_r(&r) >= 0) {
		/* What was not read would break the connection as it closes. */
		while (FCGX_GetStr(bytes, sizeof(bytes), r.in) > 0)
			continue;
		FCGX_PutStr(answer, sizeof(answer) - 1, r.out);
		FCGX_Finish_r(&r);
	}
	return EXIT_SUCCESS;
}

static int
fork_and_serve(int workers)
{
	for (int i = 0; i < workers; i++) {
		const pid_t parent = getpid(), pid = fork();

		if (pid < 0)
			return EXIT_FAILURE;
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			return getppid() == parent ? serve() : EXIT_FAILURE;
		}
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	while (wait(NULL) > 0)
		continue;
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	const char *workers = getenv("WORKERS");
	int listening = 0;
	socklen_t length = sizeof(listening);

	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listening,
	    &length) != 0 || !listening)
		return write(STDOUT_FILENO, answer, sizeof(answer) - 1) ==
		    sizeof(answer) - 1 ? EXIT_SUCCESS : EXIT_FAILURE;
	if (argc != 2 || strcmp(argv[1], "--lingering") != 0)
		setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1);
	return fork_and_serve(workers == NULL ? 1 : atoi(workers));
}
