/*
 * Tokens (section 4.1 of the specification).  The language goes by lines, and
 * what a word may be depends on where it stands: the parser asks for a token
 * at a time, and for text as it is where that may stand.
 */
#include <string.h>

#include "baml/internal.h"

#define HASHES_MAX	5

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
	return is_letter(c) || is_digit(c) || c == '_' || c == '-';
}

/* The byte so far ahead; NUL at the end. */
static char
peek(const struct baml_lexer *lexer, size_t ahead)
{
	const struct baml_source *source = lexer->source;

	return ahead < source->length - lexer->at ?
	    source->text[lexer->at + ahead] : '\0';
}

static bool
looks_at(const struct baml_lexer *lexer, const char *text)
{
	size_t n = strlen(text);

	return n <= lexer->source->length - lexer->at &&
	    memcmp(lexer->source->text + lexer->at, text, n) == 0;
}

/*
 * How far it is to what closes such a text, or SIZE_MAX.  What isn't there once
 * isn't looked for again, or the work would be the square of the length.
 */
static size_t
distance(struct baml_lexer *lexer, size_t ahead, const char *close)
{
	const char *from = lexer->source->text + lexer->at, *found = NULL;
	size_t left = lexer->source->length - lexer->at, n = strlen(close);
	unsigned bit = 1u << (close[0] == '"' ? n : close[0] == '/' ? 0 : 1);

	if (ahead < left && (lexer->absent & bit) == 0)
		found = memmem(from + ahead, left - ahead, close, n);
	if (found == NULL)
		lexer->absent |= bit;
	return found == NULL ? SIZE_MAX : (size_t)(found - from);
}

static void
skip_line(struct baml_lexer *lexer)
{
	while (peek(lexer, 0) != '\0' && peek(lexer, 0) != '\n' &&
	    peek(lexer, 0) != '\r')
		lexer->at++;
}

/* What is no token: blanks and comments, but no newline. */
static void
skip_blanks(struct baml_lexer *lexer)
{
	size_t end;

	for (;;) {
		if (peek(lexer, 0) == ' ' || peek(lexer, 0) == '\t')
			lexer->at++;
		else if (looks_at(lexer, "//"))
			skip_line(lexer);
		else if (looks_at(lexer, "{//") &&
		    (end = distance(lexer, 3, "//}")) != SIZE_MAX)
			lexer->at += end + 3;
		else
			return;
	}
}

/* How many # there are before a quote; 0 if there is no quote. */
static size_t
hashes(const struct baml_lexer *lexer)
{
	size_t n = 0;

	while (peek(lexer, n) == '#')
		n++;
	return peek(lexer, n) == '"' ? n : 0;
}

static void
lex_raw(struct baml_lexer *lexer, struct baml_token *token)
{
	size_t n = hashes(lexer), end;
	char close[HASHES_MAX + 2] = "\"#####";

	token->kind = BAML_TEXT;
	token->raw = true;
	token->text = "";
	if (n > HASHES_MAX) {
		token->wrong = "a text has at most five #";
		lexer->at += n + 1;
		return;
	}
	close[n + 1] = '\0';
	end = distance(lexer, n + 1, close);
	if (end == SIZE_MAX) {
		token->wrong = "this text has no end";
		lexer->at = lexer->source->length;
		return;
	}
	token->text = baml_dedent(lexer->pool,
	    lexer->source->text + lexer->at + n + 1, end - n - 1);
	lexer->at += end + n + 1;
}

static int
hex(char c)
{
	const char *digits = "0123456789abcdef", *p;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	p = c == '\0' ? NULL : strchr(digits, c);
	return p == NULL ? -1 : (int)(p - digits);
}

/* What an escape of one letter stands for; 0 if it is none. */
static char
escaped(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case '\'':
	case '"':
	case '\\':
		return c;
	default:
		return '\0';
	}
}

/* Undoes \xHH, a code point below U+0100; returns the bytes written. */
static size_t
unescape_hex(const char *from, char *to)
{
	int c = hex(from[0]) * 16 + hex(from[1]);

	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	to[0] = (char)(0xc0 | c >> 6);
	to[1] = (char)(0x80 | (c & 0x3f));
	return 2;
}

/* Undoes escapes; of others the backslash stays. */
static const char *
unescape(struct baml_token *token, struct sb_pool *pool, const char *from,
    size_t length)
{
	char *text = sb_copy(pool, from, length), *to = text;
	const char *end = text + length;

	for (const char *p = text; p < end;) {
		if (*p != '\\' || end - p < 2) {
			*to++ = *p++;
		} else if (escaped(p[1]) != '\0') {
			*to++ = escaped(p[1]);
			p += 2;
		} else if (p[1] == '0' || (p[1] == 'x' && end - p >= 4 &&
		    p[2] == '0' && p[3] == '0')) {
			token->wrong = "unsupported: U+0000 (no text holds it)";
			break;
		} else if (p[1] == 'x' && end - p >= 4 && hex(p[2]) >= 0 &&
		    hex(p[3]) >= 0) {
			to += unescape_hex(p + 2, to);
			p += 4;
		} else {
			*to++ = *p++;
			*to++ = *p++;
		}
	}
	*to = '\0';
	return text;
}

static void
lex_quoted(struct baml_lexer *lexer, struct baml_token *token)
{
	size_t n = 1;

	token->kind = BAML_TEXT;
	token->text = token->between = "";
	while (peek(lexer, n) != '"') {
		if (peek(lexer, n) == '\\' && peek(lexer, n + 1) != '\n')
			n++;
		if (peek(lexer, n) == '\0' || peek(lexer, n) == '\n' ||
		    peek(lexer, n) == '\r') {
			token->wrong = "this text has no end on its line";
			lexer->at += n;
			return;
		}
		n++;
	}
	token->between = sb_copy(lexer->pool,
	    lexer->source->text + lexer->at + 1, n - 1);
	token->text = unescape(token, lexer->pool, token->between, n - 1);
	lexer->at += n + 1;
}

static void
lex_word(struct baml_lexer *lexer, struct baml_token *token)
{
	size_t n = 0;

	while (is_word(peek(lexer, n)))
		n++;
	/* The - of an arrow is not the word's. */
	if (peek(lexer, n) == '>' && peek(lexer, n - 1) == '-')
		n--;
	token->kind = BAML_WORD;
	token->text = sb_copy(lexer->pool,
	    lexer->source->text + lexer->at, n);
	lexer->at += n;
	if (hashes(lexer) > 0)
		lex_raw(lexer, token);
}

static void
lex_numeral(struct baml_lexer *lexer, struct baml_token *token)
{
	size_t from = lexer->at;

	lexer->at++;
	while (is_digit(peek(lexer, 0)))
		lexer->at++;
	if (peek(lexer, 0) == '.' && is_digit(peek(lexer, 1)))
		for (lexer->at++; is_digit(peek(lexer, 0));)
			lexer->at++;
	if (is_word(peek(lexer, 0))) {
		while (is_word(peek(lexer, 0)))
			lexer->at++;
		token->wrong = "neither a number nor a name: "
		    "a text like this needs quotes";
	}
	token->kind = BAML_NUMERAL;
	token->text = sb_copy(lexer->pool, lexer->source->text + from,
	    lexer->at - from);
}

static void
lex_expression(struct baml_lexer *lexer, struct baml_token *token)
{
	size_t end = distance(lexer, 2, "}}");

	token->kind = BAML_EXPRESSION;
	token->text = "";
	if (end == SIZE_MAX) {
		token->wrong = "this expression has no }}";
		lexer->at = lexer->source->length;
		return;
	}
	token->text = sb_copy(lexer->pool,
	    lexer->source->text + lexer->at + 2, end - 2);
	lexer->at += end + 2;
}

static void
lex_sign(struct baml_lexer *lexer, struct baml_token *token)
{
	if (looks_at(lexer, "->")) {
		token->kind = BAML_ARROW;
		lexer->at += 2;
	} else if (looks_at(lexer, "@@")) {
		token->kind = BAML_BLOCK_AT;
		lexer->at += 2;
	} else {
		token->kind = BAML_SIGN;
		token->sign = peek(lexer, 0);
		/* All of a character that isn't ASCII. */
		for (lexer->at++; (peek(lexer, 0) & 0xc0) == 0x80;)
			lexer->at++;
	}
}

struct baml_token
baml_lex(struct baml_lexer *lexer)
{
	struct baml_token token = { .kind = BAML_END };
	char c;

	skip_blanks(lexer);
	token.at.source = lexer->source;
	token.at.from = lexer->at;
	c = peek(lexer, 0);
	if (c == '\n' || c == '\r') {
		token.kind = BAML_NEWLINE;
		lexer->at += looks_at(lexer, "\r\n") ? 2 : 1;
	} else if (is_letter(c)) {
		lex_word(lexer, &token);
	} else if (is_digit(c) || (c == '-' && is_digit(peek(lexer, 1)))) {
		lex_numeral(lexer, &token);
	} else if (c == '"') {
		lex_quoted(lexer, &token);
	} else if (hashes(lexer) > 0) {
		lex_raw(lexer, &token);
	} else if (looks_at(lexer, "{{")) {
		lex_expression(lexer, &token);
	} else if (c != '\0') {
		lex_sign(lexer, &token);
	}
	token.at.to = lexer->at;
	return token;
}

struct baml_token
baml_lex_words(struct baml_lexer *lexer, size_t from)
{
	struct baml_token token = { .kind = BAML_WORD };
	size_t end;

	lexer->at = end = from;
	while (peek(lexer, 0) != '\0' &&
	    strchr("#@{([<})]>,';\n\r", peek(lexer, 0)) == NULL) {
		if (peek(lexer, 0) == ' ' || peek(lexer, 0) == '\t') {
			lexer->at++;
			if (looks_at(lexer, "//"))
				break;
			continue;
		}
		end = ++lexer->at;
	}
	lexer->at = end;
	token.at.source = lexer->source;
	token.at.from = from;
	token.at.to = end;
	token.text = sb_copy(lexer->pool, lexer->source->text + from,
	    end - from);
	return token;
}

/* ------------------------------------------------------------- dedenting */

/* The line's length, without its end; *next is where the next one begins. */
static size_t
line_length(const char *text, size_t length, size_t *next)
{
	size_t n = 0;

	while (n < length && text[n] != '\n' && text[n] != '\r')
		n++;
	*next = n;
	if (n < length)
		*next += text[n] == '\r' && n + 1 < length &&
		    text[n + 1] == '\n' ? 2 : 1;
	return n;
}

static size_t
indent(const char *line, size_t length)
{
	size_t n = 0;

	while (n < length && (line[n] == ' ' || line[n] == '\t'))
		n++;
	return n;
}

/* What all lines that aren't blank begin with. */
static size_t
common_indent(const char *text, size_t length)
{
	const char *first = NULL;
	size_t common = 0, n, next, i;

	for (; length > 0; text += next, length -= next) {
		n = line_length(text, length, &next);
		i = indent(text, n);
		if (i == n)
			continue;
		if (first == NULL) {
			first = text;
			common = i;
		}
		for (n = 0; n < common && n < i && text[n] == first[n];)
			n++;
		common = n;
	}
	return common;
}

const char *
baml_dedent(struct sb_pool *pool, const char *text, size_t length)
{
	size_t common, n, next;
	char *result, *to;

	while (length > 0 && (*text == '\n' || *text == '\r')) {
		text++;
		length--;
	}
	while (length > 0 && strchr(" \t\n\r\v\f", text[length - 1]) != NULL)
		length--;
	common = common_indent(text, length);
	result = to = sb_alloc(pool, length + 1);
	for (; length > 0; text += next, length -= next) {
		n = line_length(text, length, &next);
		if (indent(text, n) < n) {
			memcpy(to, text + common, n - common);
			to += n - common;
		} else if (to == result) {
			continue;
		}
		if (next > n)
			*to++ = '\n';
	}
	return result;
}
