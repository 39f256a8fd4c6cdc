/*
 * JSON as it comes in (RFC 8259), read in one pass that refuses whatever two
 * readers could understand differently; json-c's own tokener takes too much of
 * that.  Used for request bodies, and for tokens.
 *
 * Errors have the words and the places of Python's json module, which the
 * clients know.  Where that accepts what is refused here, they have their own.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "internal.h"

#define LEVELS	16	/* of nesting, and so of recursion */

struct parser {
	const char	*text;
	size_t		 length;
	size_t		 at;
	/*
	 * Where the next name or string goes, decoded and ended by a NUL.
	 * None takes more room than it took in the text with its quotes.
	 */
	char		*out;
};

static const char expecting_value[] = "Expecting value";
static const char unterminated[] = "Unterminated string starting at";
static const char invalid_unicode[] = "Invalid \\uXXXX escape";

static const char *value(struct parser *, int, struct json_object **);

static void *
must(void *memory)
{
	if (memory == NULL)
		sb_fatal("out of memory");
	return memory;
}

/* Ends the parse: moves to where it went wrong, and says why. */
static const char *
stop(struct parser *p, size_t at, const char *why)
{
	p->at = at;
	return why;
}

/* The byte so many bytes further on, or -1 beyond the end. */
static int
ahead(const struct parser *p, size_t n)
{
	if (n >= p->length - p->at)
		return -1;
	return (unsigned char)p->text[p->at + n];
}

static int
peek(const struct parser *p)
{
	return ahead(p, 0);
}

static void
skip_space(struct parser *p)
{
	int c;

	while ((c = peek(p)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		p->at++;
}

static bool
is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static void
put_utf8(struct parser *p, unsigned code)
{
	if (code < 0x80) {
		*p->out++ = (char)code;
		return;
	}
	if (code < 0x800) {
		*p->out++ = (char)(0xc0 | code >> 6);
	} else if (code < 0x10000) {
		*p->out++ = (char)(0xe0 | code >> 12);
		*p->out++ = (char)(0x80 | (code >> 6 & 0x3f));
	} else {
		*p->out++ = (char)(0xf0 | code >> 18);
		*p->out++ = (char)(0x80 | (code >> 12 & 0x3f));
		*p->out++ = (char)(0x80 | (code >> 6 & 0x3f));
	}
	*p->out++ = (char)(0x80 | (code & 0x3f));
}

/* Reads the four digits behind a \u; there must be something after them. */
static const char *
hex(struct parser *p, unsigned *code)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit;
	size_t u = p->at - 1;

	if (p->length - p->at < 5)
		return stop(p, u, invalid_unicode);
	*code = 0;
	for (int i = 0; i < 4; i++) {
		int c = peek(p);

		if (c >= 'A' && c <= 'F')
			c += 'a' - 'A';
		digit = memchr(digits, c, sizeof(digits) - 1);
		if (digit == NULL)
			return stop(p, u, invalid_unicode);
		*code = *code << 4 | (unsigned)(digit - digits);
		p->at++;
	}
	return NULL;
}

/* Reads the rest of a \u escape, and of the one that it forms a pair with. */
static const char *
unicode(struct parser *p, size_t slash)
{
	unsigned code, low;
	const char *why;

	if ((why = hex(p, &code)) != NULL)
		return why;
	if (code == 0)
		return stop(p, slash, "U+0000 is not allowed");
	if (code >= 0xd800 && code <= 0xdbff) {
		if (peek(p) != '\\' || ahead(p, 1) != 'u')
			return stop(p, slash, "Unpaired surrogate");
		p->at += 2;
		if ((why = hex(p, &low)) != NULL)
			return why;
		if (low < 0xdc00 || low > 0xdfff)
			return stop(p, slash, "Unpaired surrogate");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	} else if (code >= 0xdc00 && code <= 0xdfff) {
		return stop(p, slash, "Unpaired surrogate");
	}
	put_utf8(p, code);
	return NULL;
}

/* Reads what follows a backslash in the string that began at start. */
static const char *
escape(struct parser *p, size_t start)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	size_t slash = p->at - 1;
	const char *found;
	int c = peek(p);

	if (c < 0)
		return stop(p, start, unterminated);
	p->at++;
	if (c == 'u')
		return unicode(p, slash);
	if ((found = memchr(from, c, sizeof(from) - 1)) == NULL)
		return stop(p, slash, "Invalid \\escape");
	*p->out++ = to[found - from];
	return NULL;
}

static const char *
string(struct parser *p, const char **text, size_t *length)
{
	size_t start = p->at++;
	const char *why;
	int c;

	*text = p->out;
	while ((c = peek(p)) != '"') {
		if (c < 0)
			return stop(p, start, unterminated);
		if (c < 0x20)
			return stop(p, p->at, "Invalid control character at");
		p->at++;
		if (c != '\\')
			*p->out++ = (char)c;
		else if ((why = escape(p, start)) != NULL)
			return why;
	}
	p->at++;
	*length = (size_t)(p->out - *text);
	*p->out++ = '\0';
	return NULL;
}

static const char *
string_value(struct parser *p, struct json_object **out)
{
	const char *text, *why;
	size_t length;

	if ((why = string(p, &text, &length)) != NULL)
		return why;
	*out = must(json_object_new_string_len(text, (int)length));
	return NULL;
}

/* A number that is printed as it came, where json-c would change its text. */
static struct json_object *
verbatim(struct json_object *number, const char *text)
{
	json_object_set_serializer(number, json_object_userdata_to_json_string,
	    must(strdup(text)), json_object_free_userdata);
	return number;
}

static struct json_object *
make_number(const char *text, bool integer)
{
	int64_t i;
	uint64_t u;

	errno = 0;
	i = strtoll(text, NULL, 10);
	if (integer && i == 0 && text[0] == '-')
		return verbatim(must(json_object_new_int64(0)), text);
	if (integer && errno == 0)
		return must(json_object_new_int64(i));
	errno = 0;
	u = strtoull(text, NULL, 10);
	if (integer && text[0] != '-' && errno == 0)
		return must(json_object_new_uint64(u));
	return must(json_object_new_double_s(strtod(text, NULL), text));
}

static void
skip_digits(struct parser *p)
{
	while (is_digit(peek(p)))
		p->at++;
}

/*
 * Reads the longest number that there is: of `1.' the 1, of `01' the 0.  What
 * is left over is then wrong by itself.
 */
static const char *
number(struct parser *p, struct json_object **out)
{
	size_t start = p->at, sign;
	bool integer = true;

	if (peek(p) == '-')
		p->at++;
	if (!is_digit(peek(p)))
		return stop(p, start, expecting_value);
	if (peek(p) == '0')
		p->at++;
	else
		skip_digits(p);
	if (peek(p) == '.' && is_digit(ahead(p, 1))) {
		integer = false;
		p->at++;
		skip_digits(p);
	}
	if (peek(p) == 'e' || peek(p) == 'E') {
		sign = ahead(p, 1) == '+' || ahead(p, 1) == '-';
		if (is_digit(ahead(p, 1 + sign))) {
			integer = false;
			p->at += 1 + sign;
			skip_digits(p);
		}
	}
	/* Its text is needed with a NUL behind it, and only for a moment. */
	memcpy(p->out, p->text + start, p->at - start);
	p->out[p->at - start] = '\0';
	*out = make_number(p->out, integer);
	return NULL;
}

static const char *
literal(struct parser *p, const char *word, struct json_object *is,
    struct json_object **out)
{
	size_t n = strlen(word);

	if (p->length - p->at < n || memcmp(p->text + p->at, word, n) != 0) {
		json_object_put(is);
		return stop(p, p->at, expecting_value);
	}
	p->at += n;
	*out = is;
	return NULL;
}

/* Moves on behind a comma, or behind the closing bracket: then it's closed. */
static const char *
next(struct parser *p, char closing, bool *closed)
{
	skip_space(p);
	*closed = peek(p) == closing;
	if (!*closed && peek(p) != ',')
		return stop(p, p->at, "Expecting ',' delimiter");
	p->at++;
	return NULL;
}

static const char *
member(struct parser *p, int level, struct json_object *object)
{
	struct json_object *one = NULL;
	const char *name, *why;
	size_t start = p->at, length;

	if (peek(p) != '"')
		return stop(p, start,
		    "Expecting property name enclosed in double quotes");
	if ((why = string(p, &name, &length)) != NULL)
		return why;
	if (json_object_object_get_ex(object, name, NULL))
		return stop(p, start, "Duplicate name");
	skip_space(p);
	if (peek(p) != ':')
		return stop(p, p->at, "Expecting ':' delimiter");
	p->at++;
	skip_space(p);
	if ((why = value(p, level, &one)) != NULL)
		return why;
	if (json_object_object_add_ex(object, name, one,
	    JSON_C_OBJECT_ADD_KEY_IS_NEW) != 0)
		sb_fatal("out of memory");
	return NULL;
}

static const char *
element(struct parser *p, int level, struct json_object *array)
{
	struct json_object *one = NULL;
	const char *why = value(p, level, &one);

	if (why == NULL && json_object_array_add(array, one) != 0)
		sb_fatal("out of memory");
	return why;
}

/* Fills an array or an object up to and with its closing bracket. */
static const char *
fill(struct parser *p, int level, char closing, struct json_object *whole,
    const char *(*part)(struct parser *, int, struct json_object *))
{
	const char *why = NULL;
	bool closed = false;

	p->at++;
	skip_space(p);
	if (peek(p) == closing) {
		p->at++;
		return NULL;
	}
	while (why == NULL && !closed) {
		skip_space(p);
		if ((why = part(p, level, whole)) == NULL)
			why = next(p, closing, &closed);
	}
	return why;
}

static const char *
container(struct parser *p, int level, struct json_object **out)
{
	struct json_object *whole;
	const char *why;

	if (level == LEVELS)
		return stop(p, p->at, "Nesting too deep");
	if (peek(p) == '{') {
		whole = must(json_object_new_object());
		why = fill(p, level + 1, '}', whole, member);
	} else {
		/* Most are short; json-c would make room for 32. */
		whole = must(json_object_new_array_ext(4));
		why = fill(p, level + 1, ']', whole, element);
	}
	if (why != NULL)
		json_object_put(whole);
	else
		*out = whole;
	return why;
}

/* Reads the value that begins here, inside of so many levels. */
static const char *
value(struct parser *p, int level, struct json_object **out)
{
	switch (peek(p)) {
	case '{':
	case '[':
		return container(p, level, out);
	case '"':
		return string_value(p, out);
	case 't':
		return literal(p, "true", must(json_object_new_boolean(1)),
		    out);
	case 'f':
		return literal(p, "false", must(json_object_new_boolean(0)),
		    out);
	case 'n':
		return literal(p, "null", NULL, out);
	default:
		return number(p, out);
	}
}

/* The offset of the first byte that can't belong to UTF-8. */
static size_t
first_bad(const char *text, size_t length)
{
	size_t at = 0, n = 1;

	while (at < length && n <= 4 && n <= length - at) {
		if (sb_utf8_valid(text + at, n)) {
			at += n;
			n = 1;
		} else {
			n++;
		}
	}
	return at;
}

static const char *
whole_text(struct parser *p, struct json_object **out)
{
	const char *why;

	skip_space(p);
	if ((why = value(p, 0, out)) != NULL)
		return why;
	skip_space(p);
	if (p->at == p->length)
		return NULL;
	json_object_put(*out);
	*out = NULL;
	return stop(p, p->at, "Extra data");
}

const char *
sb_json_parse(const char *text, size_t length, struct json_object **out,
    size_t *offset)
{
	struct parser p = { .text = text, .length = length };
	const char *why;
	char *strings;

	*out = NULL;
	*offset = 0;
	/* The callers' limits are far below; json-c counts by int. */
	if (length >= INT_MAX)
		return "Text too long";
	if (!sb_utf8_valid(text, length)) {
		*offset = first_bad(text, length);
		return "Invalid UTF-8";
	}
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return "Unexpected UTF-8 BOM (decode using utf-8-sig)";
	strings = p.out = must(malloc(length + 1));
	if ((why = whole_text(&p, out)) != NULL)
		*offset = p.at;
	/* Passwords and tokens may be among them. */
	explicit_bzero(strings, length + 1);
	free(strings);
	return why;
}
