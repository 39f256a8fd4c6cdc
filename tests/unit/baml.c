/*
 * BAML's files: that what is wrong is told, all of it, where it is; texts; and
 * that no file takes long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "baml/internal.h"
#include "memory.h"

static struct sb_pool *pool;

static int
begin(void **state)
{
	(void)state;
	pool = sb_pool_new();
	return 0;
}

static int
end(void **state)
{
	(void)state;
	sb_pool_free(pool);
	return 0;
}

/* What is wrong with a file of that text, as a terminal shows it. */
static const char *
wrong_with(const char *text)
{
	const struct baml_file file = { "a.baml", text, strlen(text) };
	const struct baml_diag *wrong;

	if (baml_load(pool, &file, 1, &wrong) != NULL)
		return "";
	assert_non_null(wrong);
	return baml_diag_text(pool, wrong);
}

static void
all_is_told_of_all_files(void **state)
{
	static const char a[] = "class a {\n  x Nope\n  y int,\n  z string\n"
	    "}\n";
	static const char b[] = "enum E { A, }\nfunction F() -> string {\n"
	    "\tclient Nobody\n\tprompt \"x\"\n}\n";
	const struct baml_file files[] = {
		{ "a.baml", a, sizeof(a) - 1 },
		{ "b.baml", b, sizeof(b) - 1 },
	};
	const struct baml_diag *wrong;

	(void)state;
	assert_null(baml_load(pool, files, 2, &wrong));
	assert_string_equal(baml_diag_text(pool, wrong),
	    "a.baml:1:7: the name of a class begins with a capital\n"
	    "  class a {\n"
	    "        ^\n"
	    "a.baml:2:5: there is no type Nope\n"
	    "    x Nope\n"
	    "      ^^^^\n"
	    "a.baml:3:8: expected the next field (no comma is between "
	    "them), not ,\n"
	    "    y int,\n"
	    "         ^\n"
	    "b.baml:1:11: expected a new line, not ,\n"
	    "  enum E { A, }\n"
	    "            ^\n"
	    "b.baml:3:9: there is no client Nobody\n"
	    "  \tclient Nobody\n"
	    "  \t       ^^^^^^\n"
	    "b.baml:4:9: a prompt is a text in #\" and \"#\n"
	    "  \tprompt \"x\"\n"
	    "  \t       ^^^\n");
}

static const struct {
	const char	*text, *wrong;
} refused[] = {
	{ "class A { x (int, string) }\n", "a.baml:1:13: unsupported: "
	    "tuples" },
	{ "class A { x int\n @@dynamic\n}\n", "a.baml:2:2: unsupported: "
	    "@@dynamic (dynamic types are not part of this runtime)\n" },
	{ "class A { x int @stream.done }\n", "a.baml:1:17: unsupported: "
	    "@stream.done" },
	{ "client<llm> C {\n provider aws-bedrock\n}\n",
	    "a.baml:2:11: unsupported: aws-bedrock" },
	{ "let x = 5\n", "a.baml:1:1: unsupported: let" },
	{ "class A { x list<int> }\n", "a.baml:1:13: unsupported: generic" },
	{ "class Ä { x int }\n", "a.baml:1:7: expected a name, not Ä\n" },
	{ "/* ü */ x\n", "a.baml:1:1: a declaration begins with" },
	{ "class A { x \"ü\" y Nope }\n", "a.baml:1:19: there is no type" },
	{ "class A { x int?[] }\n", "the type before this needs "
	    "parentheses: (T)[]" },
	{ "class A { x 1.5 }\n", "fraction can't be a type" },
	{ "class A { x 99999999999999999999 }\n", "more than 64 bits" },
	{ "class A { x #\"y }\n", "a.baml:1:13: this text has no end\n" },
	{ "class A { x \"\x1b[31m\" y Nope }\n", "x \"?[31m\" y Nope }\n" },
	{ "type A = B\ntype B = A | int\n", "is made of itself" },
	{ "class A { b B }\nclass B { a A }\n", "B has no end" },
	{ "class A { x int @alias(\"y\")\n y int }\n",
	    "another field of A is called \"y\"" },
	{ "function F() -> image[] {\n client \"openai/x\"\n prompt #\"\"#\n"
	    "}\n", "no model answers with images" },
	{ "client<llm> A {\n provider fallback\n options {\n"
	    "  strategy [B]\n }\n}\nclient<llm> B {\n provider round-robin\n"
	    " options {\n  strategy [A]\n }\n}\n", "come back to itself" },
	{ "class A { x \"\\0\" @alias(\"\\x00\") }\n", "U+0000" },
};

static void
what_is_wrong_is_named_and_placed(void **state)
{
	const char *wrong;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		wrong = wrong_with(refused[i].text);
		if (strstr(wrong, refused[i].wrong) == NULL)
			fail_msg("%s\n%s", refused[i].text, wrong);
	}
}

static void
of_one_place_one_thing_is_told(void **state)
{
	const char *wrong = wrong_with("class A { x #\"y }\n");

	(void)state;
	assert_null(strstr(strchr(wrong, '\n'), "a.baml"));
}

static void
bytes_that_are_no_text_are_refused(void **state)
{
	const struct baml_file nul = { "a.baml", "class A { }\0", 12 };
	const struct baml_diag *wrong;

	(void)state;
	assert_non_null(strstr(wrong_with("\xff"), "must be UTF-8"));
	assert_null(baml_load(pool, &nul, 1, &wrong));
	assert_non_null(strstr(wrong->message, "U+0000"));
}

static void
texts_are_dedented(void **state)
{
	static const struct {
		const char	*from, *to;
	} texts[] = {
		{ "", "" },
		{ "\n\n", "" },
		{ "a", "a" },
		{ "\n  a\n    b\n  c\n  ", "a\n  b\nc" },
		{ "\n    a\n  b", "  a\nb" },
		{ "\ta\n  b", "\ta\n  b" },
		{ "\n\ta\n\tb\t\n", "a\nb" },
		{ "\n  a\n \n\n  b", "a\n\n\nb" },
		{ "\r\n  a\r\n  b\r\n", "a\nb" },
		{ "   \n  a", "a" },
		{ "  a\\n", "a\\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_string_equal(baml_dedent(pool, texts[i].from,
		    strlen(texts[i].from)), texts[i].to);
}

/* The only text of a client's option, as it was read. */
static const char *
read_text(const char *written)
{
	struct baml_source source = { "a.baml", written, strlen(written), 0 };
	struct baml_lexer lexer = { pool, &source, 0, 0 };
	struct baml_token token = baml_lex(&lexer);

	assert_int_equal(token.kind, BAML_TEXT);
	assert_null(token.wrong);
	return token.text;
}

static void
escapes_are_undone(void **state)
{
	(void)state;
	assert_string_equal(read_text("\"a\\n\\r\\t\\'\\\"\\\\\""),
	    "a\n\r\t'\"\\");
	assert_string_equal(read_text("\"\\x41\\xe9\""), "A\u00e9");
	assert_string_equal(read_text("\"\\u0041\\q\\x4\""),
	    "\\u0041\\q\\x4");
	assert_string_equal(read_text("##\"a\"#b\"##"), "a\"#b");
	assert_string_equal(read_text("jinja#\"\\n\"#"), "\\n");
}

/* So often that, from there to the largest size. */
static const char *
much(const char *before, const char *piece)
{
	size_t n = strlen(before), length = strlen(piece);
	char *text = sb_alloc(pool, BAML_BYTES + 1);

	memcpy(text, before, n);
	for (; n + length <= BAML_BYTES; n += length)
		memcpy(text + n, piece, length);
	return text;
}

/* Of the processor's; what grew with the square would take minutes. */
#define SECONDS_MOST	20

static void
no_file_takes_long(void **state)
{
	static const struct {
		const char	*before, *piece;
	} texts[] = {
		{ "", "{//" }, { "", "{{" }, { "", "#\"\n" }, { "", "\"\n" },
		{ "", "##\"#\"" }, { "", "@" }, { "", "class " },
		{ "", "class A{\n" }, { "class A {\n", "a (" },
		{ "class A { a ", "(" }, { "class A { a int", "[]" },
		{ "class A { a int", "|int" }, { "class A { ", "a A[] " },
		{ "class A {\n a int ", "\n@x" }, { "type A = ", "map<int," },
		{ "client<llm> A {\n options ", "{a " },
		{ "client<llm> A {\n options ", "[" },
		{ "client<llm> A {\n options {\n", "a 1\n" },
		{ "", "client<llm> A {\n provider fallback\n options {\n"
		    "strategy [A,A]\n}\n}\n" },
		{ "", "class A { a A }\n" }, { "", "type A = A\n" },
		{ "", "\r" }, { "", "\u00e9" }, { "class A { a \"", "\\" },
		{ "class A {\n a int\n", "{//\n" },
	};
	clock_t began, spent;
	const char *text;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		text = much(texts[i].before, texts[i].piece);
		began = clock();
		wrong_with(text);
		spent = (clock() - began) / CLOCKS_PER_SEC;
		if (spent > SECONDS_MOST)
			fail_msg("%s%s: %ld s", texts[i].before,
			    texts[i].piece, (long)spent);
		sb_pool_clear(pool);
	}
}

/* Declarations, each of the next one: so many, or as many as can be. */
static const char *
chain(int n, const char *before, const char *between, const char *after)
{
	char *text = sb_alloc(pool, BAML_BYTES + 1);
	size_t at = 0;

	for (int i = 0; i < n && at + 200 < BAML_BYTES; i++)
		at += (size_t)snprintf(text + at, BAML_BYTES - at,
		    "%s%d%s%d%s\n", before, i, between, i + 1, after);
	return text;
}

static void
chains_end(void **state)
{
	(void)state;
	assert_non_null(strstr(wrong_with(chain(60000, "type A", " = A",
	    "")), "made of each other"));
	assert_non_null(strstr(wrong_with(chain(200, "client<llm> A",
	    " {\n provider fallback\n options {\n strategy [A",
	    "]\n }\n}")), "stand behind each other"));
	assert_non_null(strstr(wrong_with(chain(60000, "class A", " { a A",
	    " }")), "there is no type A"));
}

static void
a_project_has_its_limits(void **state)
{
	const struct baml_file file = { "a.baml", "", BAML_BYTES + 1 };
	const struct baml_diag *wrong;
	const char *many = much("", "class a{}\n");

	(void)state;
	assert_null(baml_load(pool, &file, 1, &wrong));
	assert_non_null(strstr(wrong->message, "bytes"));
	assert_null(wrong->file);
	assert_null(baml_load(pool, &file, BAML_FILES + 1, &wrong));
	assert_non_null(strstr(wrong->message, "files"));
	assert_true(strlen(wrong_with(many)) < 100 * 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_told_of_all_files),
		cmocka_unit_test(what_is_wrong_is_named_and_placed),
		cmocka_unit_test(of_one_place_one_thing_is_told),
		cmocka_unit_test(bytes_that_are_no_text_are_refused),
		cmocka_unit_test(texts_are_dedented),
		cmocka_unit_test(escapes_are_undone),
		cmocka_unit_test(no_file_takes_long),
		cmocka_unit_test(chains_end),
		cmocka_unit_test(a_project_has_its_limits),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
