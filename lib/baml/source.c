/*
 * The files of a project, places in them, and what is wrong there: all of it,
 * in the order of the files, with the line that it is in.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "baml/internal.h"

#define MESSAGE_MAX	300	/* bytes */
#define SHOWN_BEFORE	100	/* bytes of a line, before what is meant */
#define SHOWN		200	/* bytes of a line */

struct baml_problem {
	struct baml_problem *next;
	struct baml_span at;
	const char	*message;
};

static size_t
file_of(const struct baml_problem *p)
{
	return p->at.source == NULL ? 0 : p->at.source->number + 1;
}

static bool
is_before(const struct baml_problem *a, const struct baml_problem *b)
{
	if (file_of(a) != file_of(b))
		return file_of(a) < file_of(b);
	return a->at.from < b->at.from;
}

static void
note(struct baml_program *program, struct baml_span at, const char *message)
{
	struct baml_problem *new, **p;

	if (program->count == BAML_DIAGS)
		return;
	new = sb_alloc(program->pool, sizeof(*new));
	new->at = at;
	new->message = message;
	for (p = &program->problems; *p != NULL && is_before(*p, new);)
		p = &(*p)->next;
	if (*p != NULL && !is_before(new, *p) && at.source != NULL)
		return;
	new->next = *p;
	*p = new;
	program->count++;
}

void
baml_wrong(struct baml_program *program, struct baml_span at,
    const char *format, ...)
{
	char message[MESSAGE_MAX + 1];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	if (n > MESSAGE_MAX) {
		n = MESSAGE_MAX;
		while ((message[n] & 0xc0) == 0x80)
			n--;
	}
	note(program, at, sb_copy(program->pool, message, n < 0 ? 0 : n));
}

void
baml_unsupported(struct baml_program *program, struct baml_span at,
    const char *feature, const char *why)
{
	baml_wrong(program, at, "unsupported: %s (%s)", feature, why);
}

/* Code points that begin in these bytes. */
static int
points(const char *text, size_t length)
{
	int n = 0;

	for (size_t i = 0; i < length; i++)
		n += (text[i] & 0xc0) != 0x80;
	return n;
}

static bool
ends_line(char c)
{
	return c == '\n' || c == '\r';
}

static int
line_number(const struct baml_source *source, size_t line)
{
	int n = 1;

	for (size_t i = 0; i < line; i++)
		n += source->text[i] == '\n' || (source->text[i] == '\r' &&
		    (i + 1 == line || source->text[i + 1] != '\n'));
	return n;
}

/* The part of the line that is shown, in which nothing moves the cursor. */
static const char *
shown(struct sb_pool *pool, const char *text, size_t length)
{
	char *line = sb_copy(pool, text, length);

	for (char *p = line; *p != '\0'; p++)
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			*p = '?';
	return line;
}

static void
locate(struct sb_pool *pool, const struct baml_span *at,
    struct baml_diag *diag)
{
	const struct baml_source *source = at->source;
	const char *text = source->text;
	size_t line = at->from, start, end;

	while (line > 0 && !ends_line(text[line - 1]))
		line--;
	start = at->from - line > SHOWN_BEFORE ?
	    at->from - SHOWN_BEFORE : line;
	while (start < at->from && (text[start] & 0xc0) == 0x80)
		start++;
	for (end = at->from; end < source->length && end - start < SHOWN;)
		if (ends_line(text[end]))
			break;
		else
			end++;
	while (end > at->from && end < source->length &&
	    (text[end] & 0xc0) == 0x80)
		end--;
	diag->file = source->name;
	diag->line = line_number(source, line);
	diag->column = points(text + line, at->from - line) + 1;
	diag->text = shown(pool, text + start, end - start);
	diag->caret = points(text + start, at->from - start);
	diag->width = points(text + at->from,
	    (at->to < end ? at->to : end) - at->from);
	if (at->to <= at->from || diag->width < 1)
		diag->width = 1;
}

const struct baml_diag *
baml_diags(struct baml_program *program)
{
	const struct baml_diag *first = NULL, **last = &first;
	struct baml_diag *diag;

	for (const struct baml_problem *p = program->problems; p != NULL;
	    p = p->next) {
		diag = sb_alloc(program->pool, sizeof(*diag));
		diag->message = p->message;
		if (p->at.source != NULL)
			locate(program->pool, &p->at, diag);
		*last = diag;
		last = &diag->next;
	}
	return first;
}

/* Blanks as wide as that many code points of the line. */
static const char *
indent(struct sb_pool *pool, const char *line, int count)
{
	char *blanks = sb_alloc(pool, (size_t)count + 1);

	for (int n = 0; n < count; line++) {
		if ((*line & 0xc0) == 0x80)
			continue;
		blanks[n++] = *line == '\t' ? '\t' : ' ';
	}
	return blanks;
}

static const char *
carets(struct sb_pool *pool, int count)
{
	char *text = sb_alloc(pool, (size_t)count + 1);

	memset(text, '^', (size_t)count);
	return text;
}

static const char *
one_text(struct sb_pool *pool, const struct baml_diag *d)
{
	if (d->file == NULL)
		return sb_printf(pool, "%s\n", d->message);
	return sb_printf(pool, "%s:%d:%d: %s\n  %s\n  %s%s\n", d->file,
	    d->line, d->column, d->message, d->text,
	    indent(pool, d->text, d->caret), carets(pool, d->width));
}

const char *
baml_diag_text(struct sb_pool *pool, const struct baml_diag *diags)
{
	const char *texts[BAML_DIAGS];
	size_t n = 0, length = 0;
	char *all, *end;

	for (; diags != NULL && n < BAML_DIAGS; diags = diags->next) {
		texts[n] = one_text(pool, diags);
		length += strlen(texts[n++]);
	}
	end = all = sb_alloc(pool, length + 1);
	for (size_t i = 0; i < n; i++) {
		length = strlen(texts[i]);
		memcpy(end, texts[i], length);
		end += length;
	}
	return all;
}

/* Whether the file is text that we read at all. */
static bool
is_text(struct baml_program *program, const struct baml_source *source)
{
	struct baml_span start = { source, 0, 0 };
	const char *nul;

	if (!sb_utf8_valid(source->text, source->length)) {
		baml_wrong(program, start, "the file must be UTF-8");
		return false;
	}
	nul = memchr(source->text, '\0', source->length);
	if (nul != NULL) {
		start.from = (size_t)(nul - source->text);
		start.to = start.from + 1;
		baml_wrong(program, start, "U+0000 is not allowed");
	}
	return nul == NULL;
}

static bool
fits(struct baml_program *program, const struct baml_file *files, size_t n)
{
	const struct baml_span nowhere = { NULL, 0, 0 };
	size_t bytes = 0;

	if (n > BAML_FILES) {
		baml_wrong(program, nowhere, "a project has at most %d files",
		    BAML_FILES);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (files[i].length > BAML_BYTES - bytes) {
			baml_wrong(program, nowhere,
			    "a project has at most %zu bytes", BAML_BYTES);
			return false;
		}
		bytes += files[i].length;
	}
	return true;
}

const struct baml_program *
baml_load(struct sb_pool *pool, const struct baml_file *files, size_t n,
    const struct baml_diag **wrong)
{
	struct baml_program *program = sb_alloc(pool, sizeof(*program));
	struct baml_source *source;

	program->pool = pool;
	program->last = &program->decls;
	if (fits(program, files, n)) {
		program->sources = sb_alloc(pool, (n + 1) * sizeof(*source));
		program->files = n;
	}
	for (size_t i = 0; i < program->files; i++) {
		source = &program->sources[i];
		source->name = files[i].name;
		source->text = files[i].text;
		source->length = files[i].length;
		source->number = i;
		if (is_text(program, source))
			baml_parse_source(program, source);
	}
	baml_check(program);
	*wrong = baml_diags(program);
	return *wrong == NULL ? program : NULL;
}
