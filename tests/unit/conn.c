/*
 * A request of plain CGI (RFC 3875): where its body ends, whatever its length
 * says, and how its answer goes out.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"

#define GREAT	1000000

/* What is on standard input, what is said of it, and what comes out. */
struct example {
	const char	*name;
	const char	*length;	/* NULL: not given */
	const char	*coding;	/* NULL: not given */
	const char	*input;
	const char	*body;		/* NULL: may be any that breaks off */
	ssize_t		 end;		/* the last read: 0 or -1 */
};

static struct example examples[] = {
	{ "a body", "5", NULL, "12345", "12345", 0 },
	{ "no length is no body", NULL, NULL, "12345", "", 0 },
	{ "an empty length is no body", "", NULL, "12345", "", 0 },
	{ "a length of nought is no body", "0", NULL, "12345", "", 0 },
	{ "no more than its length is read", "3", NULL, "12345", "123", 0 },
	{ "a length too great breaks off", "6", NULL, "12345", "12345", -1 },
	{ "an end at once breaks off", "5", NULL, "", "", -1 },
	{ "a chunked body ends with the file", NULL, "chunked", "12345",
	  "12345", 0 },
	{ "chunked, in capitals", NULL, "Chunked", "12345", "12345", 0 },
	{ "an empty chunked body", NULL, "chunked", "", "", 0 },
	{ "an empty length of a chunked body", "", "chunked", "12345",
	  "12345", 0 },
	{ "a length goes before chunks", "3", "chunked", "12345", "123", 0 },
	{ "a coding that nobody knows is no body", NULL, "gzip", "12345", "",
	  0 },
	{ "a length beyond all numbers breaks off",
	  "99999999999999999999999999", NULL, "12345", NULL, -1 },
	{ "the greatest length breaks off", "18446744073709551615", NULL,
	  "12345", NULL, -1 },
	{ "the length after it", "18446744073709551614", NULL, "12345", NULL,
	  -1 },
	{ "a length with something after it breaks off", "5x", NULL, "12345",
	  NULL, -1 },
	{ "two lengths break off", "5, 5", NULL, "12345", NULL, -1 },
};

static void
put_on_stdin(const char *text)
{
	int fd = memfd_create("stdin", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	close(fd);
}

static void
begin(struct sb_conn *conn, const char *length, const char *coding)
{
	static char *params[3];
	static char length_param[64], coding_param[64];
	int n = 0;

	if (length != NULL) {
		snprintf(length_param, sizeof(length_param),
		    "CONTENT_LENGTH=%s", length);
		params[n++] = length_param;
	}
	if (coding != NULL) {
		snprintf(coding_param, sizeof(coding_param),
		    "HTTP_TRANSFER_ENCODING=%s", coding);
		params[n++] = coding_param;
	}
	params[n] = NULL;
	sb_conn_cgi(conn, params);
}

static void
ends_where_it_should(void **state)
{
	static const size_t sizes[] = { 1, 3, 100 };
	const struct example *e = *state;

	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct sb_conn conn;
		char body[100];
		size_t length = 0;
		ssize_t got;

		put_on_stdin(e->input);
		begin(&conn, e->length, e->coding);
		while ((got = conn.read(&conn, body + length,
		    sizes[i] < 100 ? sizes[i] : sizeof(body) - length)) > 0)
			length += (size_t)got;
		assert_int_equal(got, e->end);
		if (e->body != NULL) {
			assert_int_equal(length, strlen(e->body));
			assert_memory_equal(body, e->body, length);
		}
		conn.finish(&conn);
	}
}

/* A length that is no number: nothing of the body may pass for all of it. */
static void
what_is_no_length_is_never_a_body(void **state)
{
	static const char *const lengths[] = { "-1", "-5", "+5", "x", "five",
	    "0x5", " 5", "5 ", "5.0", "--", "\xff", "1e1" };

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct sb_conn conn;
		char byte;
		int length = 0;
		ssize_t got;

		put_on_stdin("12345");
		begin(&conn, lengths[i], NULL);
		while ((got = conn.read(&conn, &byte, 1)) > 0)
			length++;
		if (got == 0 && length > 0)
			fail_msg("\"%s\": %d bytes", lengths[i], length);
	}
}

/* The same through the whole way: a 400, or no body as far as we know. */
static void
what_is_no_length_is_no_answer_to_a_body(void **state)
{
	static const struct sb_field in[] = {
		{ "a", SB_INT, "A number." }, SB_END
	};
	static const struct sb_route routes[] = {
		{ SB_POST, "/", SB_PUBLIC, NULL, in, .doc = "Never run." },
		{ SB_NONE }
	};
	static const char *const lengths[] = { "CONTENT_LENGTH=-1",
	    "CONTENT_LENGTH=x", "CONTENT_LENGTH=99999999999999999999",
	    "CONTENT_LENGTH=1000", "CONTENT_LENGTH= " };

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		int status = CALL(routes, .method = "POST", .target = "/",
		    .more = { lengths[i] })->status;

		assert_true(status == 400 || status == 422);
	}
}

/* -------------------------------------------------------------- parameters */

static void
parameters_by_their_whole_names(void **state)
{
	static char a[] = "NAME=value", b[] = "NAMES=1", c[] = "EMPTY=",
	    d[] = "NAME=second", e[] = "EQUALS=a=b", f[] = "ODD";
	char *params[] = { f, a, b, c, d, e, NULL };
	struct sb_conn conn = { .params = params };

	(void)state;
	assert_string_equal(sb_param(&conn, "NAME"), "value");
	assert_string_equal(sb_param(&conn, "NAMES"), "1");
	assert_string_equal(sb_param(&conn, "EMPTY"), "");
	assert_string_equal(sb_param(&conn, "EQUALS"), "a=b");
	assert_null(sb_param(&conn, "NAM"));
	assert_null(sb_param(&conn, "name"));
	assert_null(sb_param(&conn, "ODD"));
	assert_null(sb_param(&conn, ""));
}

/* ----------------------------------------------------------------- answers */

static int
write_great(void *with)
{
	int *pipe = with;
	static char bytes[GREAT];
	struct sb_conn conn;

	sb_process_begin();
	if (dup2(pipe[1], STDOUT_FILENO) < 0)
		return 1;
	close(pipe[0]);
	close(pipe[1]);
	for (int i = 0; i < GREAT; i++)
		bytes[i] = (char)(i % 251);
	begin(&conn, NULL, NULL);
	return conn.write(&conn, bytes, GREAT) ? 0 : 2;
}

/* To who reads nothing; begun just before the time is up, or after. */
static int
write_in_time(void *with)
{
	int *pipe = with;
	static char bytes[GREAT];
	struct sb_conn conn;
	int64_t began = memory_clock();

	sb_process_begin();
	if (dup2(pipe[1], STDOUT_FILENO) < 0)
		return 1;
	begin(&conn, NULL, NULL);
	sb_conn_limit(SB_SECOND / 5);
	if (conn.write(&conn, bytes, GREAT) ||
	    memory_clock() - began < SB_SECOND / 5)
		return 2;
	if (conn.write(&conn, bytes, GREAT))
		return 3;
	sb_conn_limit(0);
	return memory_clock() - began < 5 * SB_SECOND ? 0 : 4;
}

static void
who_does_not_read_is_waited_for_no_longer(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(memory_wait(memory_fork(write_in_time, ends)), 0);
	close(ends[0]);
	close(ends[1]);
}

static void
a_great_answer_goes_out_whole(void **state)
{
	unsigned char bytes[10000];
	int ends[2], at = 0;
	ssize_t got;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = memory_fork(write_great, ends);
	close(ends[1]);
	while ((got = read(ends[0], bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < got; i++, at++)
			assert_int_equal(bytes[i], at % 251);
	close(ends[0]);
	assert_int_equal(at, GREAT);
	assert_int_equal(memory_wait(pid), 0);
}

/* The other end is closed: it says so, and the process lives on. */
static void
a_client_that_went_away_ends_nothing(void **state)
{
	int ends[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	ends[0] = open("/dev/null", O_RDONLY);
	pid = memory_fork(write_great, ends);
	assert_int_equal(memory_wait(pid), 2);
	close(ends[0]);
	close(ends[1]);
}

static const struct CMUnitTest others[] = {
	cmocka_unit_test(what_is_no_length_is_never_a_body),
	cmocka_unit_test(what_is_no_length_is_no_answer_to_a_body),
	cmocka_unit_test(parameters_by_their_whole_names),
	cmocka_unit_test(who_does_not_read_is_waited_for_no_longer),
	cmocka_unit_test(a_great_answer_goes_out_whole),
	cmocka_unit_test(a_client_that_went_away_ends_nothing),
};

int
main(void)
{
	struct CMUnitTest tests[COUNT(examples) + COUNT(others)];

	for (size_t i = 0; i < COUNT(examples); i++)
		tests[i] = (struct CMUnitTest){
			.name = examples[i].name,
			.test_func = ends_where_it_should,
			.initial_state = &examples[i],
		};
	memcpy(tests + COUNT(examples), others, sizeof(others));
	return cmocka_run_group_tests_name("conn", tests, memory_begin,
	    memory_end);
}
