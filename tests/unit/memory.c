/*
 * What the unit tests share; memory.h says what it is for.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <sqlite3.h>

#include "memory.h"

#define WAITERS	2

struct sb_db *memory_db;

static struct sb_pool *pool;		/* of the whole program */
static struct sb_pool *answer_pool;	/* of the last answer */
static int ear = -1, mouth = -1;	/* of memory_listen */

/* ------------------------------------------------------- the data directory */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
make_data(void)
{
	char *data = sb_printf(pool, "/tmp/switchboard-unit-XXXXXX");

	assert_non_null(mkdtemp(data));
	sb_settings.data = data;
	memory_db = sb_db_new(SB_STORE_MAIN);
}

static void
remove_data(void)
{
	if (memory_db != NULL)
		sb_db_free(memory_db);
	memory_db = NULL;
	nftw(sb_settings.data, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int
memory_begin(void **state)
{
	(void)state;
	umask(077);
	pool = sb_pool_new();
	answer_pool = sb_pool_new();
	sb_settings = (struct sb_settings){
		.environment = "development", .algorithm = "HS256",
		.access_token_expire_minutes = 25,
		.refresh_token_expire_days = 7,
		.scrypt_n = 1024, .scrypt_r = 1, .scrypt_p = 1, .hashes = 2,
		.waiters = WAITERS,
		.cors_origins = "http://localhost:5173",
		.cors_credentials = true, .root_path = "",
		.log_level = "info", .log_file = "", .log_format = "text",
	};
	sb_log_open("unit");
	make_data();
	return 0;
}

int
memory_end(void **state)
{
	(void)state;
	remove_data();
	sb_pool_free(answer_pool);
	sb_pool_free(pool);
	return 0;
}

void
memory_anew(void)
{
	remove_data();
	make_data();
}

void
memory_close(void)
{
	sb_db_free(memory_db);
	memory_db = sb_db_new(SB_STORE_MAIN);
}

const char *
memory_path(const char *name)
{
	return sb_printf(pool, "%s/%s", sb_settings.data, name);
}

/* ----------------------------------------------------------------- requests */

struct body {
	const struct memory_request *rq;
	size_t		 at;
	char		*answer;
	size_t		 length;
	int		 finished, flushed;
};

static ssize_t
read_body(struct sb_conn *conn, void *bytes, size_t n)
{
	struct body *b = conn->impl;
	size_t left = b->rq->length - b->at;

	if (b->rq->breaks_off > 0) {
		if (b->at >= b->rq->breaks_off)
			return -1;
		left = b->rq->breaks_off - b->at;
	}
	if (n > left)
		n = left;
	if (b->rq->at_once > 0 && n > b->rq->at_once)
		n = b->rq->at_once;
	if (n > 0)
		memcpy(bytes, b->rq->body + b->at, n);
	b->at += n;
	return (ssize_t)n;
}

static bool
write_answer(struct sb_conn *conn, const void *bytes, size_t n)
{
	struct body *b = conn->impl;
	char *whole = sb_alloc(answer_pool, b->length + n + 1);

	if (b->length > 0)
		memcpy(whole, b->answer, b->length);
	memcpy(whole + b->length, bytes, n);
	b->answer = whole;
	b->length += n;
	return true;
}

static void
finish(struct sb_conn *conn)
{
	struct body *b = conn->impl;

	b->finished++;
}

static bool
flush(struct sb_conn *conn)
{
	struct body *b = conn->impl;

	b->flushed++;
	return b->flushed != b->rq->leaves_at;
}

static bool
wait_for_news(struct sb_conn *conn, int64_t microseconds, int news)
{
	struct pollfd one = { .fd = news, .events = POLLIN };

	(void)conn;
	poll(&one, 1, (int)((microseconds + 999) / 1000));
	return true;
}

/* The answer as RFC 3875 section 6 has it: Status first, as we promise. */
static void
take_apart(struct memory_answer *a, const struct body *b)
{
	const char *end = memmem(b->answer, b->length, "\r\n\r\n", 4);
	const char *line = memmem(b->answer, b->length, "\r\n", 2);

	assert_non_null(end);
	assert_int_equal(strncmp(b->answer, "Status: ", 8), 0);
	a->status = (int)strtol(b->answer + 8, NULL, 10);
	a->reason = sb_copy(answer_pool, b->answer + 12,
	    (size_t)(line - b->answer - 12));
	a->headers = sb_copy(answer_pool, line + 2, (size_t)(end - line));
	a->body = end + 4;
	a->length = b->length - (size_t)(end + 4 - b->answer);
	a->finished = b->finished;
}

const struct memory_answer *
memory_serve(const struct sb_route *routes, struct memory_request rq)
{
	static struct memory_answer a;
	struct body b = { .rq = &rq };
	char *params[COUNT(rq.more) + 8];
	struct sb_conn conn = { params, read_body, write_answer, finish, &b,
	    flush, wait_for_news };
	int n = 0;

	sb_pool_clear(answer_pool);
	if (rq.body != NULL && rq.length == 0)
		rq.length = strlen(rq.body);
	params[n++] = sb_printf(answer_pool, "REQUEST_METHOD=%s",
	    rq.method == NULL ? "GET" : rq.method);
	if (rq.target != NULL)
		params[n++] = sb_printf(answer_pool, "REQUEST_URI=%s",
		    rq.target);
	if (rq.type != NULL)
		params[n++] = sb_printf(answer_pool, "CONTENT_TYPE=%s",
		    rq.type);
	if (rq.body != NULL)
		params[n++] = sb_printf(answer_pool, "CONTENT_LENGTH=%zu",
		    rq.length);
	for (size_t i = 0; i < COUNT(rq.more) && rq.more[i] != NULL; i++)
		params[n++] = sb_printf(answer_pool, "%s", rq.more[i]);
	params[n] = NULL;
	memory_listen();
	sb_serve(&conn, "unit", routes, memory_db);
	a.log = memory_heard();
	take_apart(&a, &b);
	return &a;
}

const char *
memory_header(const struct memory_answer *a, const char *name)
{
	size_t n = strlen(name);
	const char *found = NULL, *line = a->headers;

	while (*line != '\0') {
		const char *end = strstr(line, "\r\n");

		assert_non_null(end);
		if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
			assert_null(found);
			line += n + 1;
			line += strspn(line, " ");
			found = sb_copy(answer_pool, line,
			    (size_t)(end - line));
		}
		line = end + 2;
	}
	return found;
}

void
memory_expect(const struct memory_answer *a, int status, const char *json)
{
	struct json_object *got, *want = json_tokener_parse(json);
	bool equal;

	got = json_tokener_parse(a->length == 0 ? "null" : a->body);
	equal = a->status == status && json_object_equal(got, want) == 1;
	json_object_put(got);
	json_object_put(want);
	if (!equal)
		fail_msg("answer: %d %.*s\nwanted: %d %s", a->status,
		    (int)a->length, a->length == 0 ? "" : a->body, status,
		    json);
}

/* ------------------------------------------------------------------ the log */

void
memory_listen(void)
{
	fflush(stderr);
	ear = memfd_create("log", MFD_CLOEXEC);
	mouth = dup(STDERR_FILENO);
	assert_true(ear >= 0 && mouth >= 0);
	/* Several processes may write. */
	fcntl(ear, F_SETFL, O_APPEND);
	dup2(ear, STDERR_FILENO);
}

const char *
memory_heard(void)
{
	off_t size = lseek(ear, 0, SEEK_END);
	char *text = sb_alloc(pool, (size_t)size + 1);

	dup2(mouth, STDERR_FILENO);
	assert_int_equal(pread(ear, text, (size_t)size, 0), size);
	close(mouth);
	close(ear);
	return text;
}

/* ----------------------------------------------------------------- children */

/* What cmocka makes of these signals is of no use in a child. */
static int
run_child(int (*run)(void *), void *with)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };

	for (size_t i = 0; i < COUNT(signals); i++)
		signal(signals[i], SIG_DFL);
	return run(with);
}

pid_t
memory_fork(int (*run)(void *), void *with)
{
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) == 0) {
		/* A test that fails doesn't tell it to end. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(run_child(run, with));
	}
	assert_true(pid > 0);
	return pid;
}

int
memory_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid)
		assert_int_equal(errno, EINTR);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) :
	    WEXITSTATUS(status);
}

void *
memory_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

int64_t
memory_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * SB_SECOND + ts.tv_nsec / 1000;
}

void
memory_sleep(int64_t microseconds)
{
	struct timespec nap = { .tv_sec = (time_t)(microseconds / SB_SECOND),
	    .tv_nsec = (long)(microseconds % SB_SECOND) * 1000 };

	if (microseconds > 0)
		while (nanosleep(&nap, &nap) != 0)
			continue;
}

/* ----------------------------------------------------------- another writer */

static sqlite3 *
connect_beside(void)
{
	sqlite3 *c;

	assert_int_equal(sqlite3_open(memory_path("switchboard.db"), &c),
	    SQLITE_OK);
	sqlite3_busy_timeout(c, 5000);
	return c;
}

void
memory_sql(const char *sql)
{
	sqlite3 *c = connect_beside();
	char *why = NULL;

	if (sqlite3_exec(c, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(c);
}

int64_t
memory_sql_int(const char *sql)
{
	return strtoll(memory_sql_text(sql), NULL, 10);
}

const char *
memory_sql_text(const char *sql)
{
	sqlite3 *c = connect_beside();
	const unsigned char *value;
	const char *text;
	sqlite3_stmt *s;

	assert_int_equal(sqlite3_prepare_v2(c, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	value = sqlite3_column_text(s, 0);
	text = sb_printf(pool, "%s", value == NULL ? "" : (const char *)value);
	sqlite3_finalize(s);
	sqlite3_close(c);
	return text;
}
