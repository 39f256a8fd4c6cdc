/*
 * Where a request comes from: a FastCGI listening socket, or the process's own
 * environment and standard input as plain CGI has it (RFC 3875).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <fastcgi.h>
#include <fcgiapp.h>

#include "internal.h"

static volatile sig_atomic_t stopping;
static volatile sig_atomic_t too_late;	/* to wait for the client */
static sigset_t unblocked;	/* the mask while nothing is in hand */

const char *
sb_param(const struct sb_conn *conn, const char *name)
{
	return FCGX_GetParam(name, conn->params);
}

static void
on_stop(int signal)
{
	(void)signal;
	stopping = 1;
}

/* They are heard in ppoll alone: while there is nothing to do but wait. */
static void
hold_back(const int *signals, size_t n)
{
	struct sigaction action = { .sa_handler = on_stop };
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < n; i++)
		sigaddset(&held, signals[i]);
	sigprocmask(SIG_BLOCK, &held, &unblocked);
	for (size_t i = 0; i < n; i++) {
		sigdelset(&unblocked, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
}

/* Whoever comes to wait in a write just after it has rung hears it again. */
static void
on_time(int signal)
{
	(void)signal;
	too_late = 1;
}

void
sb_conn_limit(int64_t microseconds)
{
	struct sigaction action = { .sa_handler = on_time };
	struct itimerval timer = {
		.it_value = { (time_t)(microseconds / SB_SECOND),
		    (suseconds_t)(microseconds % SB_SECOND) },
		.it_interval = { microseconds == 0 ? 0 : 1, 0 },
	};

	too_late = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* ------------------------------------------------------------------ CGI */

struct cgi {
	size_t	 left;		/* of the body */
};

/*
 * The body ends where CONTENT_LENGTH says, or with a chunked request (Apache)
 * at the end of the file.
 */
static ssize_t
cgi_read(struct sb_conn *conn, void *bytes, size_t n)
{
	struct cgi *cgi = conn->impl;
	ssize_t got;

	if (n > cgi->left)
		n = cgi->left;
	if (n == 0)
		return 0;
	do {
		got = read(STDIN_FILENO, bytes, n);
	} while (got < 0 && errno == EINTR);
	if (got == 0 && cgi->left != SIZE_MAX)
		return -1;
	if (got > 0 && cgi->left != SIZE_MAX)
		cgi->left -= (size_t)got;
	return got;
}

static bool
cgi_write(struct sb_conn *conn, const void *bytes, size_t n)
{
	const char *p = bytes;
	ssize_t put;

	(void)conn;
	while (n > 0) {
		if ((put = write(STDOUT_FILENO, p, n)) < 0) {
			if (errno == EINTR && !too_late)
				continue;
			return false;
		}
		p += put;
		n -= (size_t)put;
	}
	return true;
}

static void
cgi_finish(struct sb_conn *conn)
{
	(void)conn;
}

static bool
cgi_flush(struct sb_conn *conn)
{
	(void)conn;
	return true;
}

static bool
cgi_pause(struct sb_conn *conn, int64_t microseconds, int news)
{
	struct pollfd both[] = { { .fd = STDOUT_FILENO },
	    { .fd = news, .events = POLLIN } };
	int64_t end = sb_monotonic() + microseconds, left;
	struct timespec wait;

	(void)conn;
	while (!stopping && (left = end - sb_monotonic()) > 0) {
		wait = (struct timespec){ (time_t)(left / SB_SECOND),
		    (long)(left % SB_SECOND) * 1000 };
		if (ppoll(both, 2, &wait, &unblocked) > 0)
			return both[0].revents == 0;
	}
	return !stopping;
}

/*
 * lighttpd ends a program as soon as it has the whole answer, or its client has
 * gone; but what is to be done after an answer, down to the line in the log, is
 * part of the request.  Who waits hears it.
 */
void
sb_conn_cgi(struct sb_conn *conn, char **environment)
{
	static const int held[] = { SIGTERM };
	static struct cgi cgi;
	const char *length, *coding;
	char *end;

	hold_back(held, sizeof(held) / sizeof(held[0]));
	*conn = (struct sb_conn){ environment, cgi_read, cgi_write, cgi_finish,
	    &cgi, cgi_flush, cgi_pause };
	cgi.left = 0;
	if ((length = sb_param(conn, "CONTENT_LENGTH")) != NULL &&
	    *length >= '0' && *length <= '9') {
		errno = 0;
		cgi.left = strtoull(length, &end, 10);
		if (errno != 0 || *end != '\0' || cgi.left == SIZE_MAX)
			cgi.left = SIZE_MAX - 1;
	} else if ((coding = sb_param(conn, "HTTP_TRANSFER_ENCODING")) != NULL
	    && strcasecmp(coding, "chunked") == 0)
		cgi.left = SIZE_MAX;
}

/* -------------------------------------------------------------- FastCGI */

static ssize_t
fcgi_read(struct sb_conn *conn, void *bytes, size_t n)
{
	FCGX_Request *r = conn->impl;
	int got = FCGX_GetStr(bytes, n > 65536 ? 65536 : (int)n, r->in);

	/* A connection that broke off looks like the end of the body. */
	return got == 0 && FCGX_GetError(r->in) != 0 ? -1 : got;
}

static bool
fcgi_write(struct sb_conn *conn, const void *bytes, size_t n)
{
	FCGX_Request *r = conn->impl;

	return FCGX_PutStr(bytes, (int)n, r->out) == (int)n;
}

static void
fcgi_finish(struct sb_conn *conn)
{
	FCGX_Finish_r(conn->impl);
}

static bool
fcgi_flush(struct sb_conn *conn)
{
	FCGX_Request *r = conn->impl;

	return FCGX_FFlush(r->out) == 0;
}

/*
 * Whether the web server says that its client has gone: it closes, or sends an
 * FCGI_ABORT_REQUEST.  Anything else is of no interest after the body.
 */
static bool
is_aborted(int fd, bool *more)
{
	unsigned char record[2];
	ssize_t n = recv(fd, record, sizeof(record), MSG_PEEK | MSG_DONTWAIT);

	*more = n > 0;
	return n == 0 || (n == 2 && record[1] == FCGI_ABORT_REQUEST) ||
	    (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* A signal to stop is let in here, too. */
static bool
fcgi_pause(struct sb_conn *conn, int64_t microseconds, int news)
{
	FCGX_Request *r = conn->impl;
	struct pollfd both[] = { { r->ipcFd, POLLIN | POLLRDHUP, 0 },
	    { news, POLLIN, 0 } };
	int64_t end = sb_monotonic() + microseconds, left;
	struct timespec wait;
	bool more = false;

	while (!stopping && (left = end - sb_monotonic()) > 0) {
		wait = (struct timespec){ (time_t)(left / SB_SECOND),
		    (long)(left % SB_SECOND) * 1000 };
		if (ppoll(both, 2, &wait, &unblocked) <= 0)
			continue;
		if (both[0].revents & ~POLLIN || (both[0].revents != 0 &&
		    is_aborted(r->ipcFd, &more)))
			return false;
		if (both[1].revents != 0)
			break;
		if (more)
			both[0].events = POLLRDHUP;
	}
	return !stopping;
}

/*
 * Signals are let in only while nothing is in hand, inside ppoll, so that a
 * request is always finished, and none can fall between a test and a wait.
 */
void
sb_conn_fastcgi(void (*serve)(struct sb_conn *), bool (*more)(void),
    bool (*fit)(void))
{
	static const int held[] = { SIGTERM, SIGINT, SIGUSR1, SIGHUP };
	struct pollfd listening = { .fd = STDIN_FILENO, .events = POLLIN };
	FCGX_Request r;

	hold_back(held, sizeof(held) / sizeof(held[0]));
	/* Every request is read to its end: no need to linger at its close. */
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1);
	if (FCGX_Init() != 0 ||
	    FCGX_InitRequest(&r, STDIN_FILENO, FCGI_FAIL_ACCEPT_ON_INTR) != 0)
		sb_fatal("FastCGI: cannot begin");
	fcntl(STDIN_FILENO, F_SETFL,
	    fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
	while (!stopping && more()) {
		int rc;

		if (ppoll(&listening, 1, NULL, &unblocked) < 0)
			continue;
		if (!fit())
			break;
		rc = FCGX_Accept_r(&r);
		if (rc == -EAGAIN || rc == -EINTR || rc == -ECONNABORTED)
			continue;	/* a sibling took it, or it is gone */
		if (rc < 0) {
			sb_log(SB_ERROR, "accept: %s", strerror(-rc));
			break;
		}
		struct sb_conn conn = { r.envp, fcgi_read, fcgi_write,
		    fcgi_finish, &r, fcgi_flush, fcgi_pause };
		serve(&conn);
	}
	FCGX_Free(&r, 1);
}
