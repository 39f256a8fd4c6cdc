/*
 * The two encodings of HTML forms, one of which is that of queries, too.  The
 * checks of a request's input read them as pairs of a name and a value.
 *
 * A name is always valid UTF-8, so that it can be shown; a value may be any
 * bytes, and .wrong says if they can't be a text.
 */
#include <string.h>
#include <strings.h>

#include "internal.h"

/* The most that is kept of a form; what comes after it is not read. */
#define PAIRS		1000
#define PARTS		100

#define BOUNDARY_MAX	70	/* RFC 2046 section 5.1.1 */

struct span {
	const char	*s;		/* NULL: there is none */
	size_t		 n;
};

struct list {
	struct sb_pool	*pool;
	const struct sb_pair *first;
	const struct sb_pair **end;
	int		 count;
};

static void
skip(struct span *from, size_t n)
{
	from->s += n;
	from->n -= n;
}

/* Takes what comes before the first of these bytes, or all there is. */
static struct span
take_until(struct span *from, const char *stops)
{
	struct span got = { from->s, 0 };
	size_t count = strlen(stops);

	while (got.n < from->n && memchr(stops, got.s[got.n], count) == NULL)
		got.n++;
	skip(from, got.n);
	return got;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span
trim(struct span text)
{
	while (text.n > 0 && is_blank(text.s[0]))
		skip(&text, 1);
	while (text.n > 0 && is_blank(text.s[text.n - 1]))
		text.n--;
	return text;
}

static bool
is_word(struct span text, const char *word)
{
	return text.n == strlen(word) && strncasecmp(text.s, word, text.n) == 0;
}

static const char *
text_wrong(struct span text)
{
	if (!sb_utf8_valid(text.s, text.n))
		return "is not valid UTF-8";
	if (memchr(text.s, '\0', text.n) != NULL)
		return "must not contain U+0000";
	return NULL;
}

/* Both are in the pool, ended by a NUL. */
static void
add(struct list *list, struct span name, struct span text)
{
	struct sb_pair *pair = sb_alloc(list->pool, sizeof(*pair));

	pair->name = sb_utf8_mend(list->pool, name.s, name.n, NULL);
	pair->value = text.s;
	pair->length = text.n;
	if ((pair->wrong = text_wrong(text)) == NULL)
		pair->wrong = text_wrong(name);
	*list->end = pair;
	list->end = &pair->next;
	list->count++;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte that a %XX at the beginning stands for, or -1. */
static int
percent(struct span text)
{
	if (text.n < 3 || text.s[0] != '%' || hex(text.s[1]) < 0 ||
	    hex(text.s[2]) < 0)
		return -1;
	return hex(text.s[1]) << 4 | hex(text.s[2]);
}

static struct span
decode(struct sb_pool *pool, struct span text)
{
	char *out = sb_alloc(pool, text.n + 1);
	struct span decoded = { out, 0 };
	int byte;

	for (; text.n > 0; skip(&text, byte < 0 ? 1 : 3)) {
		if ((byte = percent(text)) >= 0)
			out[decoded.n++] = (char)byte;
		else
			out[decoded.n++] = text.s[0] == '+' ? ' ' : text.s[0];
	}
	return decoded;
}

const struct sb_pair *
sb_form_urlencoded(struct sb_pool *pool, const char *text, size_t length)
{
	struct list list = { .pool = pool, .end = &list.first };
	struct span rest = { text, length }, pair, name;

	while (rest.n > 0 && list.count < PAIRS) {
		pair = take_until(&rest, "&");
		if (rest.n > 0)
			skip(&rest, 1);
		if (pair.n == 0)
			continue;
		name = take_until(&pair, "=");
		if (pair.n > 0)
			skip(&pair, 1);
		add(&list, decode(pool, name), decode(pool, pair));
	}
	return list.first;
}

/* Whether a backslash here escapes: in a path from Windows it does not. */
static bool
is_escape(struct span text)
{
	return text.n > 1 && text.s[0] == '\\' &&
	    (text.s[1] == '"' || text.s[1] == '\\');
}

/* Takes a quoted string, and returns what is between the quotes. */
static struct span
take_quoted(struct span *from)
{
	struct span got;

	skip(from, 1);
	got = *from;
	while (from->n > 0 && from->s[0] != '"')
		skip(from, is_escape(*from) ? 2 : 1);
	if (from->n == 0)
		return (struct span){ NULL, 0 };
	got.n = (size_t)(from->s - got.s);
	skip(from, 1);
	return got;
}

/*
 * Undoes what clients do to a quoted name: the backslashes of RFC 9110 section
 * 5.6.4, and the %22, %0D and %0A (and no other) of browsers.
 */
static struct span
unquote(struct sb_pool *pool, struct span text)
{
	char *out = sb_alloc(pool, text.n + 1);
	struct span plain = { out, 0 };
	int byte;

	while (text.n > 0) {
		byte = percent(text);
		if (byte == '"' || byte == '\r' || byte == '\n') {
			out[plain.n++] = (char)byte;
			skip(&text, 3);
			continue;
		}
		if (is_escape(text))
			skip(&text, 1);
		out[plain.n++] = text.s[0];
		skip(&text, 1);
	}
	return plain;
}

/*
 * The value of a parameter in a header field's value: `x; a=b; c="d"'.  The
 * first of several; none, too, where the field is malformed up to there.
 */
static struct span
parameter(struct sb_pool *pool, struct span field, const char *wanted)
{
	struct span name, text;
	bool quoted;

	take_until(&field, ";");
	while (field.n > 0) {
		skip(&field, 1);
		name = trim(take_until(&field, "=;"));
		if (field.n == 0 || field.s[0] == ';')
			continue;
		skip(&field, 1);
		while (field.n > 0 && is_blank(field.s[0]))
			skip(&field, 1);
		quoted = field.n > 0 && field.s[0] == '"';
		text = quoted ? take_quoted(&field) :
		    trim(take_until(&field, ";"));
		if (text.s == NULL)
			break;
		if (is_word(name, wanted))
			return quoted ? unquote(pool, text) :
			    (struct span){ sb_copy(pool, text.s, text.n),
			    text.n };
		take_until(&field, ";");
	}
	return (struct span){ NULL, 0 };
}

static bool
is_boundary(struct span text)
{
	if (text.s == NULL || text.n == 0 || text.n > BOUNDARY_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (text.s[i] < ' ' || text.s[i] > '~')
			return false;
	return true;
}

/*
 * Moves behind the line of a delimiter, which is at the beginning.  False if
 * it is no such line but only begins like one, and belongs to a value.
 */
static bool
skip_delimiter(struct span *body, size_t length, bool *last)
{
	struct span rest = *body;

	skip(&rest, length);
	*last = rest.n >= 2 && memcmp(rest.s, "--", 2) == 0;
	if (!*last) {
		while (rest.n > 0 && is_blank(rest.s[0]))
			skip(&rest, 1);
		if (rest.n < 2 || memcmp(rest.s, "\r\n", 2) != 0)
			return false;
	}
	skip(&rest, 2);
	*body = rest;
	return true;
}

/*
 * Takes what comes before the next delimiter, and that with its line.  None if
 * there is no delimiter any more.
 */
static struct span
take_part(struct span *body, struct span delimiter, bool *last)
{
	struct span part = { body->s, 0 };
	const char *found;

	while ((found = memmem(body->s, body->n, delimiter.s, delimiter.n)) !=
	    NULL) {
		skip(body, (size_t)(found - body->s));
		part.n = (size_t)(found - part.s);
		if (skip_delimiter(body, delimiter.n, last))
			return part;
		skip(body, 1);
	}
	return (struct span){ NULL, 0 };
}

/*
 * Takes the head of a part with the empty line behind it, and returns the name
 * in its Content-Disposition, if it has that of a form's field.
 */
static struct span
take_head(struct sb_pool *pool, struct span *part)
{
	struct span none = { NULL, 0 }, line, field, disposition = none;
	const char *end;

	while ((end = memmem(part->s, part->n, "\r\n", 2)) != NULL) {
		line = (struct span){ part->s, (size_t)(end - part->s) };
		skip(part, line.n + 2);
		if (line.n == 0)
			break;
		field = take_until(&line, ":");
		if (disposition.s == NULL && line.n > 0 &&
		    is_word(field, "Content-Disposition")) {
			skip(&line, 1);
			disposition = line;
		}
	}
	if (end == NULL || disposition.s == NULL)
		return none;
	line = disposition;
	if (!is_word(trim(take_until(&line, ";")), "form-data"))
		return none;
	return parameter(pool, disposition, "name");
}

/* What lines of this multipart body begin with, and the line end before. */
static struct span
make_delimiter(struct sb_pool *pool, const char *content_type)
{
	struct span field = { content_type, strlen(content_type) };
	struct span rest = field, boundary;

	if (!is_word(trim(take_until(&rest, ";")), SB_MEDIA_MULTIPART))
		return (struct span){ NULL, 0 };
	boundary = parameter(pool, field, "boundary");
	if (!is_boundary(boundary))
		return (struct span){ NULL, 0 };
	return (struct span){ sb_printf(pool, "\r\n--%s", boundary.s),
	    boundary.n + 4 };
}

const struct sb_pair *
sb_form_multipart(struct sb_pool *pool, const char *content_type,
    const char *text, size_t length)
{
	struct list list = { .pool = pool, .end = &list.first };
	struct span body = { text, length }, delimiter, part, name;
	bool last = false;

	if (content_type == NULL || length == 0)
		return NULL;
	delimiter = make_delimiter(pool, content_type);
	if (delimiter.s == NULL)
		return NULL;
	/* The first one may be the first line, and has no line end before. */
	if (length < delimiter.n - 2 ||
	    memcmp(text, delimiter.s + 2, delimiter.n - 2) != 0 ||
	    !skip_delimiter(&body, delimiter.n - 2, &last))
		take_part(&body, delimiter, &last);
	while (!last && list.count < PARTS) {
		part = take_part(&body, delimiter, &last);
		if (part.s == NULL)
			break;
		name = take_head(pool, &part);
		if (name.s == NULL)
			break;
		add(&list, name, (struct span){
		    sb_copy(pool, part.s, part.n), part.n });
	}
	return list.first;
}
