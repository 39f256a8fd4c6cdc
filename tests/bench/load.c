/*
 * Load for tests/bench/run: so many clients, each of which sends a request over
 * its connection, reads the answer, and sends the next one.
 *
 *	load CLIENTS SECONDS WARM-UP ADDRESS PORT FILE [once]
 *
 * FILE holds the requests, whole HTTP messages, each behind its length as four
 * bytes and the status that is expected as two, both little-endian; they are
 * sent in order and, unless `once' is given, again and again.  What is answered
 * within WARM-UP seconds counts in `all' alone.  Prints a JSON object: how many
 * were answered in how many seconds, the times in microseconds, and what each
 * status came to.  It ends with 1 if a status is not as expected, or if a
 * connection broke off.
 *
 * A client waits for its answer before it goes on: what it would have sent
 * meanwhile is missing from the percentiles, as with every load of that kind.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX	4096
#define STATUSES	1000
#define BYTES_MAX	(4 << 20)	/* of an answer */

/* Microseconds, to within 1/128 of themselves. */
#define FINE		7
#define BUCKETS		((64 - FINE) << FINE)

struct client {
	int		 fd;
	const char	*request;
	size_t		 length, sent;
	int		 expected;	/* status of the answer */
	char		*bytes;		/* of the answer, so far */
	size_t		 got, room;
	int64_t		 started;
};

static struct {
	int		 clients;
	int64_t		 begin, end;	/* of what counts */
	bool		 once;
	struct sockaddr_in to;
} run;

static const char *requests;		/* the file */
static size_t requests_length, next_request;

static struct {
	uint64_t	 bucket[BUCKETS];
	uint64_t	 status[STATUSES];
	uint64_t	 count, all;	/* all: with the warm-up */
	int64_t		 sum, longest, last;
	bool		 wrong;
} seen;

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ------------------------------------------------------------ the times */

static size_t
bucket_of(uint64_t value)
{
	int shift = 0;

	while (value >> shift >= 2 << FINE)
		shift++;
	return ((size_t)shift << FINE) + (size_t)(value >> shift);
}

/* The middle of what falls into it. */
static double
value_of(size_t bucket)
{
	const size_t shift = bucket < 2 << FINE ? 0 : (bucket >> FINE) - 1;
	const uint64_t low = (uint64_t)(bucket - (shift << FINE)) << shift;

	return (double)low + (double)((UINT64_C(1) << shift) - 1) / 2;
}

static double
percentile(double percent)
{
	const double rank = percent / 100 * (double)seen.count;
	uint64_t below = 0;

	for (size_t i = 0; i < BUCKETS; i++)
		if ((double)(below += seen.bucket[i]) >= rank && below > 0)
			return value_of(i);
	return 0;
}

static void
count(const struct client *c, int status)
{
	const int64_t at = now(), took = at - c->started;

	if (status < 0 || status >= STATUSES)
		errx(EXIT_FAILURE, "an answer with the status %d", status);
	if (status != c->expected && !seen.wrong) {
		seen.wrong = true;
		warnx("expected %d: %.*s", c->expected,
		    (int)(c->got < 2000 ? c->got : 2000), c->bytes);
	}
	seen.all++;
	if (at < run.begin)
		return;
	seen.status[status]++;
	seen.bucket[bucket_of((uint64_t)took)]++;
	seen.count++;
	seen.sum += took;
	seen.last = at;
	if (took > seen.longest)
		seen.longest = took;
}

/* ---------------------------------------------------------- the requests */

static void
map_requests(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat s;

	if (fd < 0 || fstat(fd, &s) != 0 || s.st_size < 5)
		err(EXIT_FAILURE, "%s", path);
	requests_length = (size_t)s.st_size;
	requests = mmap(NULL, requests_length, PROT_READ,
	    MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (requests == MAP_FAILED)
		err(EXIT_FAILURE, "%s", path);
	close(fd);
}

/* The next number of so many bytes. */
static uint32_t
take_number(size_t bytes)
{
	uint32_t n = 0;

	for (size_t i = 0; i < bytes; i++)
		n |= (uint32_t)(unsigned char)requests[next_request + i] <<
		    8 * i;
	next_request += bytes;
	return n;
}

/* False if there is none left. */
static bool
take_request(struct client *c)
{
	if (next_request == requests_length) {
		if (run.once)
			return false;
		next_request = 0;
	}
	if (requests_length - next_request < 6)
		errx(EXIT_FAILURE, "the file of requests is damaged");
	c->length = take_number(4);
	c->expected = (int)take_number(2);
	c->request = requests + next_request;
	if (c->length == 0 || c->length > requests_length - next_request)
		errx(EXIT_FAILURE, "the file of requests is damaged");
	next_request += c->length;
	return true;
}

/* ----------------------------------------------------------- the answers */

/* What the field of that name begins with; NULL: it is not there. */
static const char *
field(const struct client *c, size_t head, const char *name)
{
	const size_t n = strlen(name);
	const char *end = c->bytes + head, *line = c->bytes;

	while ((line = memchr(line, '\n', (size_t)(end - line))) != NULL) {
		line++;
		if ((size_t)(end - line) > n &&
		    strncasecmp(line, name, n) == 0 && line[n] == ':') {
			line += n + 1;
			return line + strspn(line, " ");
		}
	}
	return NULL;
}

/* Of a chunked body only the end is looked for: an answer is all there is. */
static bool
is_whole(const struct client *c, size_t head, int status)
{
	static const char last[] = "0\r\n\r\n";
	const char *length = field(c, head, "Content-Length");
	const size_t tail = sizeof(last) - 1;

	if (length != NULL)
		return c->got >= head + strtoull(length, NULL, 10);
	if (status == 204 || status == 304)
		return true;
	if (field(c, head, "Transfer-Encoding") == NULL)
		errx(EXIT_FAILURE, "an answer without a length: %s", c->bytes);
	return c->got >= head + tail &&
	    memcmp(c->bytes + c->got - tail, last, tail) == 0;
}

/* The status of an answer that is complete, or 0. */
static int
whole_status(const struct client *c, size_t *head)
{
	const char *end = strstr(c->bytes, "\r\n\r\n");
	int status;

	if (end == NULL)
		return 0;
	*head = (size_t)(end - c->bytes) + 4;
	if (sscanf(c->bytes, "HTTP/1.%*1[01] %d", &status) != 1)
		errx(EXIT_FAILURE, "no HTTP: %.100s", c->bytes);
	return is_whole(c, *head, status) ? status : 0;
}

/* ------------------------------------------------------------ the clients */

static void
join(struct client *c, int poll)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
	const int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&run.to,
	    sizeof(run.to)) != 0)
		err(EXIT_FAILURE, "connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	if (epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &event) != 0)
		err(EXIT_FAILURE, "epoll");
}

static void
leave(struct client *c)
{
	close(c->fd);
	c->fd = -1;
}

/* Requests are small: a socket without room for one is none to measure with. */
static void
send_request(struct client *c)
{
	c->got = 0;
	c->started = now();
	for (c->sent = 0; c->sent < c->length;) {
		const ssize_t n = send(c->fd, c->request + c->sent,
		    c->length - c->sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			err(EXIT_FAILURE, "send");
		c->sent += n < 0 ? 0 : (size_t)n;
	}
}

static bool
may_go_on(void)
{
	return now() < run.end;
}

static void
begin_next(struct client *c, int poll)
{
	if (!may_go_on() || !take_request(c)) {
		leave(c);
		return;
	}
	if (c->fd < 0)
		join(c, poll);
	send_request(c);
}

static void
make_room(struct client *c)
{
	if (c->room - c->got > 1)
		return;
	c->room = c->room == 0 ? 16384 : c->room * 2;
	if (c->room > BYTES_MAX ||
	    (c->bytes = realloc(c->bytes, c->room)) == NULL)
		errx(EXIT_FAILURE, "an answer that is too long");
}

/* Reads what has come, and goes on with the next if that was all of it. */
static void
hear(struct client *c, int poll)
{
	const char *connection;
	size_t head = 0;
	ssize_t n;
	int status;

	make_room(c);
	n = recv(c->fd, c->bytes + c->got, c->room - c->got - 1, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		err(EXIT_FAILURE, "recv");
	if (n == 0)
		errx(EXIT_FAILURE, "a connection ended within an answer");
	c->got += (size_t)n;
	c->bytes[c->got] = '\0';
	if ((status = whole_status(c, &head)) == 0)
		return;
	count(c, status);
	connection = field(c, head, "Connection");
	if (connection != NULL && strncasecmp(connection, "close", 5) == 0)
		leave(c);
	begin_next(c, poll);
}

static bool
is_anyone_left(const struct client *clients)
{
	for (int i = 0; i < run.clients; i++)
		if (clients[i].fd >= 0)
			return true;
	return false;
}

static void
work(struct client *clients)
{
	const int poll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[64];

	for (int i = 0; i < run.clients; i++) {
		clients[i].fd = -1;
		begin_next(&clients[i], poll);
	}
	while (is_anyone_left(clients)) {
		const int n = epoll_wait(poll, events, 64, 30000);

		if (n == 0)
			errx(EXIT_FAILURE, "nothing was answered for 30 s");
		for (int i = 0; i < n; i++)
			hear(events[i].data.ptr, poll);
	}
}

/* ------------------------------------------------------------- the result */

static void
print(void)
{
	const double seconds = (double)(seen.last - run.begin) / 1e6;
	const char *comma = "";
	struct rusage own;

	getrusage(RUSAGE_SELF, &own);
	printf("{\"requests\":%llu,\"all\":%llu,\"seconds\":%.6f,"
	    "\"mean\":%.1f,"
	    "\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p99.9\":%.1f,"
	    "\"longest\":%lld,\"own_cpu\":%.6f,\"statuses\":{",
	    (unsigned long long)seen.count, (unsigned long long)seen.all,
	    seconds,
	    (double)seen.sum / (double)(seen.count > 0 ? seen.count : 1),
	    percentile(50), percentile(90), percentile(99), percentile(99.9),
	    (long long)seen.longest,
	    (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
	    (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6);
	for (int i = 0; i < STATUSES; i++)
		if (seen.status[i] > 0) {
			printf("%s\"%d\":%llu", comma, i,
			    (unsigned long long)seen.status[i]);
			comma = ",";
		}
	printf("}}\n");
}

static double
number(const char *text, double least, double most)
{
	char *end;
	const double n = strtod(text, &end);

	if (end == text || *end != '\0' || !(n >= least && n <= most))
		errx(EXIT_FAILURE, "%s: not from %g to %g", text, least, most);
	return n;
}

int
main(int argc, char **argv)
{
	static struct client clients[CLIENTS_MAX];
	const int64_t start = now();

	if (argc != 7 && (argc != 8 || strcmp(argv[7], "once") != 0))
		errx(EXIT_FAILURE, "usage: load CLIENTS SECONDS WARM-UP "
		    "ADDRESS PORT FILE [once]");
	run.clients = (int)number(argv[1], 1, CLIENTS_MAX);
	run.begin = start + (int64_t)(number(argv[3], 0, 1e6) * 1e6);
	run.end = run.begin + (int64_t)(number(argv[2], 0, 1e6) * 1e6);
	run.to.sin_family = AF_INET;
	run.to.sin_port = htons((uint16_t)number(argv[5], 1, 65535));
	run.once = argc == 8;
	if (inet_pton(AF_INET, argv[4], &run.to.sin_addr) != 1)
		errx(EXIT_FAILURE, "%s: no IPv4 address", argv[4]);
	map_requests(argv[6]);
	work(clients);
	if (seen.count == 0)
		errx(EXIT_FAILURE, "nothing was answered in time");
	print();
	return seen.wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
