/*
 * Any bytes as up to eight requests, one after the other, to the programs as a
 * whole, with a database in memory that is the same before each input.  Every
 * request gets one well-formed answer, and never one that says that we are
 * broken; and the database is as it must be after the last of them.
 *
 * An input is a text: of each request a line with the program, who calls, the
 * method and the target; header fields; after an empty line the body.  A line
 * with -- alone ends it.  @words stand for what world.c knows.  A field whose
 * name begins with a colon is none, but says how the request comes:
 *
 *	:at-once: 3	the body, so many bytes at once
 *	:breaks-off: 9	the body ends there, without its end
 *	:leaves: 2	the client is gone at that flush of an answer
 *	:NAME: value	a variable of the web server's
 *
 * A line "sleep SECONDS" in the place of a request lets time pass.  With SHOW
 * in the environment requests and answers are printed.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "answer.h"
#include "program.h"
#include "world.h"

#define SLEEP_MAX	(400L * 24 * 3600)	/* seconds */

/* ---------------------------------------------------------- what is written */

/* What is left of an input. */
struct text {
	const char	*at;
	size_t		 left;
};

/* The next line without its end; NULL behind the last. */
static const char *
take_line(struct text *t)
{
	const char *end, *line;
	size_t n;

	if (t->left == 0)
		return NULL;
	end = memchr(t->at, '\n', t->left);
	n = end == NULL ? t->left : (size_t)(end - t->at);
	line = sb_copy(world_pool, t->at, n);
	n += end != NULL;
	t->at += n;
	t->left -= n;
	return line;
}

/* The text up to the line that ends a request. */
static struct text
take_request(struct text *t)
{
	struct text request = { t->at, 0 };

	while (t->left > 0) {
		const char *line = t->at;
		const char *end = memchr(line, '\n', t->left);
		size_t n = end == NULL ? t->left : (size_t)(end - line) + 1;

		t->at += n;
		t->left -= n;
		if (n <= 3 && n >= 2 && line[0] == '-' && line[1] == '-' &&
		    (n == 2 || line[2] == '\n'))
			break;
		request.left += n;
	}
	return request;
}

/* The next word of a line; "" behind the last. */
static const char *
take_word(const char **line)
{
	size_t n = strcspn(*line, " ");
	const char *word = sb_copy(world_pool, *line, n);

	*line += n;
	*line += strspn(*line, " ");
	return word;
}

/* ----------------------------------------------------------- what it means */

/* One that is misspelt is any. */
static const struct sb_program *
program_of(const char *name)
{
	for (int i = 0; i < WORLD_PROGRAMS; i++)
		if (strcmp(world_programs[i]->name, name) == 0)
			return world_programs[i];
	return world_programs[sb_fnv1a(name, strlen(name)) % WORLD_PROGRAMS];
}

/* As a web server names a header field. */
static const char *
variable_of(const char *field)
{
	char *name = sb_printf(world_pool, "HTTP_%s", field);

	for (char *c = name; *c != '\0'; c++)
		*c = *c == '-' ? '_' : *c >= 'a' && *c <= 'z' ?
		    (char)(*c - 'a' + 'A') : *c;
	if (strcmp(name, "HTTP_CONTENT_TYPE") == 0 ||
	    strcmp(name, "HTTP_CONTENT_LENGTH") == 0)
		return name + 5;
	return name;
}

static void
read_field(struct world_request *rq, const char *line)
{
	const char *end = line + 1 + strcspn(line + 1, ":"), *name, *value;

	if (*end == '\0' || rq->count == WORLD_VARIABLES)
		return;
	name = sb_copy(world_pool, line, (size_t)(end - line));
	end += 1 + strspn(end + 1, " ");
	value = world_expand(end, strlen(end), NULL);
	if (strcmp(name, ":at-once") == 0)
		rq->at_once = strtoul(value, NULL, 10) % 4096;
	else if (strcmp(name, ":breaks-off") == 0)
		rq->breaks_off = strtoul(value, NULL, 10);
	else if (strcmp(name, ":leaves") == 0)
		rq->leaves_at = strtol(value, NULL, 10);
	else
		rq->variables[rq->count++] = sb_printf(world_pool, "%s=%s",
		    name[0] == ':' ? name + 1 : variable_of(name), value);
}

static void
read_request(struct world_request *rq, struct text t, const char *first)
{
	const char *line, *caller;

	*rq = (struct world_request){ .program = program_of(
	    take_word(&first)) };
	caller = take_word(&first);
	rq->bearer = strcmp(caller, "nobody") == 0 ? NULL :
	    world_word(caller) == NULL ? caller : world_word(caller);
	rq->method = take_word(&first);
	rq->target = world_expand(first, strlen(first), NULL);
	while ((line = take_line(&t)) != NULL && *line != '\0')
		read_field(rq, line);
	/* The line feed before the one that ends the request isn't its. */
	if (t.left > 0 && t.at[t.left - 1] == '\n')
		t.left--;
	rq->body = world_expand(t.at, t.left, &rq->length);
}

/* ------------------------------------------------------------- its promises */

/* Whatever was opened is closed. */
static int
first_free(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

static void
serve(struct text t, const char *first)
{
	struct world_request rq;
	struct world_answer answer;

	read_request(&rq, t, first);
	answer = world_serve(&rq);
	if (getenv("SHOW") != NULL)
		fprintf(stderr, "> %s %s %s %.*s\n%s\n", rq.program->name,
		    rq.method, rq.target, (int)rq.length, rq.body,
		    answer.bytes == NULL ? "" : answer.bytes);
	answer_check(&rq, &answer);
	answer_learn(&answer);
}

static void
sleep_for(const char *seconds)
{
	long n = strtol(seconds, NULL, 10);

	if (n > 0)
		world_sleep((n > SLEEP_MAX ? SLEEP_MAX : n) * SB_SECOND);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct text all = { (const char *)bytes, size };
	static int fd;

	if (world_programs[0] == NULL)
		world_begin();
	world_restore();
	for (int i = 0; i < PROGRAM_REQUESTS && all.left > 0; i++) {
		struct text one = take_request(&all);
		const char *line = take_line(&one);

		if (line == NULL)
			continue;
		if (strncmp(line, "sleep ", 6) == 0)
			sleep_for(line + 6);
		else
			serve(one, line);
	}
	world_check();
	if (fd == 0)
		fd = first_free();
	/* Some are opened at the first use, and stay. */
	PROMISE(first_free() <= fd + 8);
	return 0;
}
