/*
 * The file that settings may stand in: NAME=value lines, as python-dotenv
 * reads them, but without expansion, and strictly: what it would skip is an
 * error here.  settings.c relies on it.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "settings.h"

#define FILE_MAX	((size_t)64 * 1024)	/* bytes */

/* What is left of a settings file, and where that is. */
struct reader {
	char		*at;
	int		 line;
	sb_envfile_keep	*keep;
};

#define BLANKS		" \t\f\v"
#define NAME_BYTES	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
	"0123456789_.-"

static bool
is_blank(char c)
{
	return c != '\0' && strchr(BLANKS, c) != NULL;
}

/* Goes over blanks and a comment; false if the line doesn't end there. */
static bool
end_line(struct reader *r)
{
	r->at += strspn(r->at, BLANKS);
	if (*r->at == '#')
		r->at += strcspn(r->at, "\n");
	if (*r->at == '\n') {
		r->at++;
		r->line++;
		return true;
	}
	return *r->at == '\0';
}

/* Whether a backslash before c is an escape in these quotes; what for. */
static bool
is_escape(char quote, char c, char *meaning)
{
	static const char letters[] = "abfnrtv\"", bytes[] = "\a\b\f\n\r\t\v\"";
	const char *letter;

	*meaning = c;
	if (c == '\\' || c == '\'')
		return true;
	if (quote == '\'' || c == '\0' ||
	    (letter = strchr(letters, c)) == NULL)
		return false;
	*meaning = bytes[letter - letters];
	return true;
}

/*
 * Reads a value in quotes, and the rest of its line, in place: what an escape
 * stands for is shorter than the escape.  NULL if it doesn't end.
 */
static char *
quoted_value(struct reader *r)
{
	char quote = *r->at++, *value = r->at, *end = value, meaning;

	while (*r->at != quote) {
		if (*r->at == '\0')
			return NULL;
		r->line += *r->at == '\n';
		if (*r->at == '\\' && is_escape(quote, r->at[1], &meaning)) {
			*end++ = meaning;
			r->at += 2;
		} else
			*end++ = *r->at++;
	}
	r->at++;
	*end = '\0';
	return value;
}

/* Reads a value without quotes, and the rest of its line. */
static char *
plain_value(struct reader *r)
{
	char *value = r->at, *end = value;

	while (*end != '\0' && *end != '\n' &&
	    !(*end == '#' && is_blank(end[-1])))
		end++;
	r->at = end;
	end_line(r);
	while (end > value && is_blank(end[-1]))
		end--;
	*end = '\0';
	return value;
}

/*
 * Reads a name and its value.  NULL, or what is wrong with the line that the
 * reader is then at.
 */
static const char *
read_line(struct reader *r)
{
	const char *name, *value;
	const int line = r->line;
	size_t length;

	if (strncmp(r->at, "export", 6) == 0 && is_blank(r->at[6]))
		r->at += 6 + strspn(r->at + 6, BLANKS);
	name = r->at;
	length = strspn(name, NAME_BYTES);
	r->at += length;
	r->at += strspn(r->at, BLANKS);
	if (length > 0 && *r->at != '=' && end_line(r)) {
		r->keep(name, length, NULL, line);
		return NULL;
	}
	if (length == 0 || *r->at != '=')
		return "not of the form NAME=value";
	r->at++;
	r->at += strspn(r->at, BLANKS);
	if (*r->at != '"' && *r->at != '\'') {
		r->keep(name, length, plain_value(r), line);
		return NULL;
	}
	if ((value = quoted_value(r)) == NULL) {
		r->line = line;
		return "a quotation mark has no partner";
	}
	if (!end_line(r))
		return "something follows the value";
	r->keep(name, length, value, line);
	return NULL;
}

/* Makes every line's end a \n, as Python's text files have it. */
static void
unify_lines(char *text)
{
	char *end = text;

	for (; *text != '\0'; text++)
		if (*text != '\r')
			*end++ = *text;
		else if (text[1] != '\n')
			*end++ = '\n';
	*end = '\0';
}

/* Reads all of a file into text; what is wrong, or NULL. */
static const char *
read_all(int fd, char *text)
{
	size_t length = 0;
	ssize_t n;

	while ((n = read(fd, text + length, FILE_MAX + 1 - length)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return strerror(errno);
		length += (size_t)n;
		if (length > FILE_MAX)
			return "it has more than 64 KiB";
	}
	return strlen(text) == length ? NULL : "it has a NUL byte";
}

const char *
sb_envfile_read(struct sb_pool *pool, int fd, sb_envfile_keep *keep)
{
	char *text = sb_alloc(pool, FILE_MAX + 2);
	struct reader r = { .at = text, .line = 1, .keep = keep };
	const char *wrong = read_all(fd, text);

	if (wrong != NULL)
		return wrong;
	unify_lines(text);
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		r.at += 3;
	while (*r.at != '\0')
		if (!end_line(&r) && (wrong = read_line(&r)) != NULL)
			return sb_printf(pool, "line %d: %s", r.line, wrong);
	return NULL;
}
