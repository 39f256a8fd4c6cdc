/*
 * What a line of the log looks like, whatever comes into it; which lines there
 * are; where they go; and how sb_fatal ends a process.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "internal.h"

#define LINE	4096		/* bytes that a line has at most */
#define TIME	27		/* bytes of 2025-10-14T10:53:47.237987Z */

struct sb_settings sb_settings;

static char folder[] = "/tmp/sb-log-XXXXXX";
static char path[128], moved[128];
static const char *request_id;
static bool abort_is_fatal;
static int saved_stderr, reader;

const char *
sb_serve_request_id(void)
{
	return request_id;
}

void
sb_serve_abort(void)
{
	static const char said[] = "aborted\n";

	assert_int_equal(write(STDERR_FILENO, said, sizeof(said) - 1),
	    sizeof(said) - 1);
	if (abort_is_fatal)
		sb_fatal("again");
}

/* ------------------------------------------------------------------ helpers */

/* Standard error becomes a socket that keeps writes apart from each other. */
static int
fresh(void **unused)
{
	int pair[2];

	(void)unused;
	sb_settings = (struct sb_settings){ .log_level = "info",
	    .log_format = "text", .log_file = "" };
	request_id = NULL;
	abort_is_fatal = false;
	sb_log_open("auth");
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) != 0)
		return -1;
	reader = pair[0];
	saved_stderr = dup(STDERR_FILENO);
	dup2(pair[1], STDERR_FILENO);
	close(pair[1]);
	return 0;
}

static int
done(void **unused)
{
	(void)unused;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(reader);
	remove(path);
	remove(moved);
	return 0;
}

/* What one write put out, without the end of its line; NULL: nothing. */
static const char *
written(void)
{
	static char line[2 * LINE];
	ssize_t n = read(reader, line, sizeof(line) - 1);

	if (n < 0)
		return NULL;
	line[n] = '\0';
	assert_in_range(n, 1, LINE);
	assert_ptr_equal(strchr(line, '\n'), line + n - 1);
	line[n - 1] = '\0';
	return line;
}

static void
must_write(const char *after_time)
{
	const char *line = written();

	assert_non_null(line);
	assert_true(strlen(line) > TIME);
	assert_string_equal(line + TIME, after_time);
}

static struct json_object *
written_object(void)
{
	const char *line = written();
	struct json_object *object;

	assert_non_null(line);
	object = json_tokener_parse(line);
	if (object == NULL)
		fail_msg("no JSON: %s", line);
	return object;
}

static void
must_have(struct json_object *object, const char *name, const char *value)
{
	struct json_object *it;

	assert_true(json_object_object_get_ex(object, name, &it));
	assert_string_equal(json_object_get_string(it), value);
}

static const char *
contents(const char *name)
{
	static char text[4 * LINE];
	FILE *f = fopen(name, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

/* ------------------------------------------------------------------ a line */

static void
test_text(void **unused)
{
	const char *line;
	int64_t before = sb_now() / SB_SECOND, then;
	struct tm tm = { 0 };
	const char *rest;

	(void)unused;
	request_id = "0192f-a";
	sb_log(SB_INFO, "%s of %d", "two", 3);
	line = written();
	assert_non_null(line);
	assert_string_equal(line + TIME, " info auth 0192f-a: two of 3");
	rest = strptime(line, "%Y-%m-%dT%H:%M:%S", &tm);
	assert_ptr_equal(rest, line + 19);
	then = timegm(&tm);
	assert_in_range(then, before, before + 5);
	assert_int_equal(line[19], '.');
	assert_int_equal(strspn(line + 20, "0123456789"), 6);
	assert_int_equal(line[26], 'Z');
	assert_null(written());
}

static void
test_no_request(void **unused)
{
	(void)unused;
	sb_log(SB_WARNING, "w");
	must_write(" warning auth -: w");
	request_id = "-";
	sb_log(SB_ERROR, "e");
	must_write(" error auth -: e");
}

static void
test_json(void **unused)
{
	struct json_object *o;

	(void)unused;
	sb_settings.log_format = "json";
	request_id = "0192f";
	sb_log(SB_ERROR, "a \"b\" \\ c/d");
	o = written_object();
	assert_int_equal(json_object_object_length(o), 5);
	must_have(o, "level", "error");
	must_have(o, "program", "auth");
	must_have(o, "request_id", "0192f");
	must_have(o, "message", "a \"b\" \\ c/d");
	assert_int_equal(strlen(json_object_get_string(
	    json_object_object_get(o, "time"))), TIME);
	json_object_put(o);

	request_id = NULL;
	sb_log(SB_INFO, "x");
	o = written_object();
	assert_int_equal(json_object_object_length(o), 4);
	assert_false(json_object_object_get_ex(o, "request_id", NULL));
	json_object_put(o);
}

/* U+2028, U+202E, U+2066: a string of them would mislead who reads this. */
static const char unseen[] = {
	'\xe2', '\x80', '\xa8', '\xe2', '\x80', '\xae', '\xe2', '\x81', '\xa6',
	'\0'
};

static const struct {
	const char	*message, *text, *json;
} foreign[] = {
	{ "a\nb", "a\\x0ab", "a\\u000ab" },
	{ "\r\t\x1b[2J\x7f", "\\x0d\\x09\\x1b[2J\\x7f",
	  "\\u000d\\u0009\\u001b[2J\\u007f" },
	{ "\xc2\x85\xc2\x9b", "\\xc2\\x85\\xc2\\x9b", "\\u0085\\u009b" },
	{ "\xff\xc3(", "\\xff\\xc3(", "\\ufffd\\ufffd(" },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\ufffd\\ufffd\\ufffd" },
	{ unseen, "\\xe2\\x80\\xa8\\xe2\\x80\\xae\\xe2\\x81\\xa6",
	  "\\u2028\\u202e\\u2066" },
	{ "cut \xe2\x80", "cut \\xe2\\x80", "cut \\ufffd\\ufffd" },
	{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0",
	  "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0",
	  "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0" },
	{ "\"\\", "\"\\", "\\\"\\\\" },
	{ "%s", "%s", "%s" },
	{ "", "", "" },
};

static void
test_foreign(void **unused)
{
	char expected[256];

	(void)unused;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		sb_settings.log_format = "text";
		sb_log(SB_INFO, "%s", foreign[i].message);
		snprintf(expected, sizeof(expected), " info auth -: %s",
		    foreign[i].text);
		must_write(expected);

		sb_settings.log_format = "json";
		sb_log(SB_INFO, "%s", foreign[i].message);
		snprintf(expected, sizeof(expected), "\",\"level\":\"info\","
		    "\"program\":\"auth\",\"message\":\"%s\"}",
		    foreign[i].json);
		assert_string_equal(written() + strlen("{\"time\":\"") + TIME,
		    expected);
	}
}

static void
test_foreign_request_id(void **unused)
{
	(void)unused;
	request_id = "a\nb";
	sb_log(SB_INFO, "x");
	must_write(" info auth a\\x0ab: x");
}

/* Every length near the end, and pieces of every width. */
static void
test_long(void **unused)
{
	static const char *const pieces[] = {
		"x", "\x01", "\xc3\xbc", "\xf0\x9f\x98\x80", "\"",
	};
	static char message[2 * LINE];

	(void)unused;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		for (size_t lead = 0; lead < 8; lead++) {
			size_t n = strlen(pieces[i]), used = lead;
			struct json_object *o;
			const char *line;

			memset(message, '.', lead);
			for (; used + n < sizeof(message); used += n)
				memcpy(message + used, pieces[i], n);
			message[used] = '\0';

			sb_settings.log_format = "text";
			sb_log(SB_INFO, "%s", message);
			line = written();
			assert_non_null(line);
			assert_true(strlen(line) > LINE - 16);
			assert_string_equal(line + strlen(line) - 3, "...");
			assert_true(sb_utf8_valid(line, strlen(line)));

			sb_settings.log_format = "json";
			sb_log(SB_INFO, "%s", message);
			o = written_object();
			json_object_put(o);
		}
}

static void
test_not_long(void **unused)
{
	char message[4001], expected[LINE];

	(void)unused;
	memset(message, 'x', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	sb_log(SB_INFO, "%s", message);
	snprintf(expected, sizeof(expected), " info auth -: %s", message);
	must_write(expected);
}

static void
test_levels(void **unused)
{
	static const char *const names[] = {
		[SB_DEBUG] = "debug", [SB_INFO] = "info",
		[SB_WARNING] = "warning", [SB_ERROR] = "error",
	};
	char expected[64];

	(void)unused;
	for (int least = SB_DEBUG; least < SB_LEVELS; least++)
		for (int level = SB_DEBUG; level < SB_LEVELS; level++) {
			sb_settings.log_level = names[least];
			sb_log((enum sb_level)level, "x");
			snprintf(expected, sizeof(expected), " %s auth -: x",
			    names[level]);
			if (level >= least)
				must_write(expected);
			assert_null(written());
		}
}

/* As it is before the settings are read. */
static void
test_without_settings(void **unused)
{
	(void)unused;
	sb_settings = (struct sb_settings){ .log_level = NULL };
	sb_log(SB_DEBUG, "x");
	assert_null(written());
	sb_log(SB_INFO, "y");
	must_write(" info auth -: y");
}

static void
test_errno(void **unused)
{
	(void)unused;
	sb_settings.log_file = "/nowhere/at/all";
	errno = EDOM;
	sb_log(SB_INFO, "%s", strerror(errno));
	assert_int_equal(errno, EDOM);
	close(STDERR_FILENO);
	errno = EDOM;
	sb_log(SB_INFO, "lost");
	assert_int_equal(errno, EDOM);
}

/* ------------------------------------------------------------ where it goes */

static void
test_file(void **unused)
{
	char expected[LINE];
	struct stat st;

	(void)unused;
	sb_settings.log_file = path;
	sb_log_open("meta");
	sb_log(SB_INFO, "one");
	snprintf(expected, sizeof(expected), "%s\n", written());
	assert_non_null(strstr(expected, " info meta -: one\n"));
	assert_string_equal(contents(path), expected);
	sb_log(SB_INFO, "two");
	assert_non_null(strstr(contents(path), "one\n"));
	assert_non_null(strstr(contents(path), "two\n"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0007, 0);
}

/* What others write at the same time stays. */
static void
test_append(void **unused)
{
	FILE *f;

	(void)unused;
	sb_settings.log_file = path;
	sb_log_open("auth");
	sb_log(SB_INFO, "one");
	assert_non_null(f = fopen(path, "a"));
	fputs("another's\n", f);
	fclose(f);
	sb_log(SB_INFO, "two");
	assert_non_null(strstr(contents(path), "one\nanother's\n"));
	assert_non_null(strstr(contents(path), "two\n"));
}

/* As logrotate does it; the path is looked at once a second. */
static void
test_rotate(void **unused)
{
	(void)unused;
	sb_settings.log_file = path;
	sb_log_open("auth");
	sb_log(SB_INFO, "one");
	assert_int_equal(rename(path, moved), 0);
	usleep(1100000);
	sb_log(SB_INFO, "two");
	assert_non_null(strstr(contents(moved), "one\n"));
	assert_null(strstr(contents(moved), "two\n"));
	assert_non_null(strstr(contents(path), "two\n"));
}

static void
test_file_not_there(void **unused)
{
	(void)unused;
	sb_settings.log_file = "/nowhere/at/all.log";
	sb_log_open("auth");
	must_write(" warning auth -: LOG_FILE: /nowhere/at/all.log: "
	    "No such file or directory");
	for (int i = 0; i < 3; i++) {
		sb_log(SB_INFO, "x");
		must_write(" info auth -: x");
	}
	assert_null(written());
}

/* A pipe that nobody reads must not hold a request up. */
static void
test_pipe(void **unused)
{
	(void)unused;
	assert_int_equal(mkfifo(path, 0600), 0);
	sb_settings.log_file = path;
	alarm(10);
	sb_log_open("auth");
	sb_log(SB_INFO, "x");
	alarm(0);
	assert_non_null(strstr(written(), "LOG_FILE"));
	must_write(" info auth -: x");
}

static void
test_syslog(void **unused)
{
	(void)unused;
	sb_settings.log_file = "syslog";
	sb_log_open("auth");
	sb_log(SB_INFO, "x");
	must_write(" info auth -: x");
	assert_null(written());
	assert_int_equal(access("syslog", F_OK), -1);
}

/* ------------------------------------------------------------ sb_fatal */

static void
must_end(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		alarm(10);
		errno = ENOENT;
		sb_fatal("no %s: %s", "file", strerror(errno));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 70);
	must_write(" error auth -: no file: No such file or directory");
	assert_string_equal(written(), "aborted");
}

static void
test_fatal(void **unused)
{
	(void)unused;
	must_end();
	assert_null(written());
}

static void
test_fatal_in_abort(void **unused)
{
	(void)unused;
	abort_is_fatal = true;
	must_end();
	must_write(" error auth -: again");
	assert_null(written());
}

/* ------------------------------------------------------------------------ */

static int
make_folder(void **unused)
{
	(void)unused;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(moved, sizeof(moved), "%s/log.1", folder);
	return 0;
}

static int
remove_folder(void **unused)
{
	(void)unused;
	return rmdir(folder);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, fresh, done)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_text),
		TEST(test_no_request),
		TEST(test_json),
		TEST(test_foreign),
		TEST(test_foreign_request_id),
		TEST(test_long),
		TEST(test_not_long),
		TEST(test_levels),
		TEST(test_without_settings),
		TEST(test_errno),
		TEST(test_file),
		TEST(test_append),
		TEST(test_rotate),
		TEST(test_file_not_there),
		TEST(test_pipe),
		TEST(test_syslog),
		TEST(test_fatal),
		TEST(test_fatal_in_abort),
	};

	return cmocka_run_group_tests_name("log", tests, make_folder,
	    remove_folder);
}
