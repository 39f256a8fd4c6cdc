/*
 * Every query of sql/ against a fresh file: it can be prepared, it is one
 * statement, it reads no table from end to end unless that is meant, and its
 * parameters are those that the code gives (STYLE.md, rule 9).
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "memory.h"

static sqlite3 *files[SB_STORES], *connection;
static struct sb_pool *pool;
static const char *code;		/* all that binds, as one text */

/* ---------------------------------------------------------- the sources */

static void
add_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	text = sb_alloc(pool, (size_t)st.st_size + 1);
	assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
	close(fd);
	code = sb_printf(pool, "%s%s", code, text);
}

static void
add_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		size_t n = strlen(entry->d_name);

		if (n > 2 && strcmp(entry->d_name + n - 2, ".c") == 0)
			add_file(sb_printf(pool, "%s/%s", folder,
			    entry->d_name));
	}
	closedir(dir);
}

static int
begin(void **state)
{
	const char *source = getenv("SB_SOURCE");
	struct sb_db *counts;

	memory_begin(state);
	pool = sb_pool_new();
	code = "";
	if (source != NULL) {
		add_folder(sb_printf(pool, "%s/cgi", source));
		add_folder(sb_printf(pool, "%s/cmd", source));
		add_folder(sb_printf(pool, "%s/lib", source));
	}
	counts = sb_db_new(SB_STORE_LIMITS);
	if (!sb_db_open(memory_db, NULL) || !sb_db_open(counts, NULL) ||
	    sqlite3_open(memory_path("limits.db"), &files[SB_STORE_LIMITS]))
		return -1;
	sb_db_free(counts);
	if (sqlite3_open(memory_path("backup.db"), &files[SB_STORE_BACKUP]) ||
	    sqlite3_exec(files[SB_STORE_BACKUP],
	    sb_queries[SB_Q_BACKUP_CREATE].sql, NULL, NULL, NULL))
		return -1;
	return sqlite3_open(memory_path("switchboard.db"),
	    &files[SB_STORE_MAIN]);
}

static int
end(void **state)
{
	for (int i = 0; i < SB_STORES; i++)
		sqlite3_close(files[i]);
	sb_pool_free(pool);
	return memory_end(state);
}

/* ------------------------------------------------------------- a query each */

static sqlite3_stmt *
prepare(const char *sql, const char **rest)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(connection, sql, -1, &s, rest) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(connection));
	assert_non_null(s);
	return s;
}

static void
is_one_statement(const char *sql)
{
	const char *rest;
	sqlite3_stmt *s = prepare(sql, &rest);

	sqlite3_finalize(s);
	assert_int_equal(strspn(rest, " \t\n;"), strlen(rest));
	assert_true(rest[-1] == ';');
}

static void
reads_no_whole_table(const char *sql)
{
	sqlite3_stmt *s = prepare(sb_printf(pool, "EXPLAIN QUERY PLAN %s",
	    sql), NULL);

	while (sqlite3_step(s) == SQLITE_ROW) {
		const char *detail = (const char *)sqlite3_column_text(s, 3);

		/* What a window function is over is no table. */
		if (strncmp(detail, "SCAN ", 5) == 0 &&
		    strncmp(detail, "SCAN (", 6) != 0 &&
		    strcmp(detail, "SCAN CONSTANT ROW") != 0)
			fail_msg("%s", detail);
		if (strstr(detail, "AUTOMATIC") != NULL)
			fail_msg("an index is missing: %s", detail);
	}
	sqlite3_finalize(s);
}

/* :now is bound by the store; every other one by somebody, by its name. */
static void
its_parameters_are_given(const char *sql)
{
	sqlite3_stmt *s = prepare(sql, NULL);
	int n = sqlite3_bind_parameter_count(s);

	for (int i = 1; i <= n; i++) {
		const char *name = sqlite3_bind_parameter_name(s, i);

		assert_non_null(name);
		assert_int_equal(name[0], ':');
		if (*code != '\0' && strcmp(name, ":now") != 0 &&
		    strstr(code, sb_printf(pool, "sb_bind(\"%s\"",
		    name + 1)) == NULL &&
		    strstr(code, sb_printf(pool, "sb_bind_int(\"%s\"",
		    name + 1)) == NULL &&
		    strstr(code, sb_printf(pool, "sb_bind_bytes(\"%s\"",
		    name + 1)) == NULL)
			fail_msg("nobody gives %s", name);
	}
	sqlite3_finalize(s);
}

static void
is_sound(void **state)
{
	const struct sb_query_text *q = *state;

	connection = files[strcmp(q->group, "limits") == 0 ? SB_STORE_LIMITS :
	    strcmp(q->group, "backup") == 0 ? SB_STORE_BACKUP :
	    SB_STORE_MAIN];
	is_one_statement(q->sql);
	its_parameters_are_given(q->sql);
	if (!q->scan)
		reads_no_whole_table(q->sql);
}

/* So that the check above is known to see what it is for. */
static void
a_scan_is_seen(void **state)
{
	sqlite3_stmt *s;

	(void)state;
	connection = files[SB_STORE_MAIN];
	s = prepare("EXPLAIN QUERY PLAN "
	    "SELECT id FROM users WHERE password = :password;", NULL);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_memory_equal(sqlite3_column_text(s, 3), "SCAN ", 5);
	sqlite3_finalize(s);
}

static void
each_has_a_name_and_a_group(void **state)
{
	(void)state;
	for (int i = 0; i < SB_QUERIES; i++) {
		assert_true(strlen(sb_queries[i].name) > 0);
		assert_true(strlen(sb_queries[i].group) > 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(sb_queries[i].name,
			    sb_queries[j].name);
	}
}

int
main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(a_scan_is_seen),
		cmocka_unit_test(each_has_a_name_and_a_group),
	};
	struct CMUnitTest tests[SB_QUERIES + COUNT(others)];

	for (int i = 0; i < SB_QUERIES; i++)
		tests[i] = (struct CMUnitTest){
			.name = sb_queries[i].name,
			.test_func = is_sound,
			.initial_state = (void *)(uintptr_t)&sb_queries[i],
		};
	memcpy(tests + SB_QUERIES, others, sizeof(others));
	return cmocka_run_group_tests_name("queries", tests, begin, end);
}
