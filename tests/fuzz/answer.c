/*
 * The promises that every answer keeps, as answer.h says: RFC 3875 section 6,
 * the contract's conventions, and that nobody is shown what isn't his.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

#include "fuzz.h"
#include "answer.h"

#define TOKEN_CHARACTERS	"!#$%&'*+-.^_`|~0123456789" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* An answer, taken apart. */
struct parts {
	enum sb_status	 status;
	const char	*headers;	/* lines that end with CRLF */
	const char	*body;
	size_t		 length;
};

/* ------------------------------------------------------------ header fields */

/* The value of a field that is there once at most, or NULL. */
static const char *
header(const struct parts *p, const char *name)
{
	const char *found = NULL;
	size_t n = strlen(name);

	for (const char *line = p->headers; *line != '\0';
	    line = strstr(line, "\r\n") + 2)
		if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
			PROMISE(found == NULL);
			found = sb_copy(world_pool, line + n + 2,
			    strcspn(line + n + 2, "\r"));
		}
	return found;
}

static void
check_line(const char *line, const char *end)
{
	const char *colon = memchr(line, ':', (size_t)(end - line));

	PROMISE(colon != NULL && colon > line && colon[1] == ' ');
	PROMISE(strspn(line, TOKEN_CHARACTERS) == (size_t)(colon - line));
	for (const char *c = colon + 1; c < end; c++)
		PROMISE((unsigned char)*c >= ' ' && *c != 0x7f);
}

static enum sb_status
status_of(const char *line)
{
	char *end;
	long number;

	PROMISE(strncmp(line, "Status: ", 8) == 0);
	number = strtol(line + 8, &end, 10);
	for (int s = SB_OK; s < SB_STATUSES; s++)
		if (sb_status_number((enum sb_status)s) == number) {
			const char *reason = sb_status_reason(
			    (enum sb_status)s);

			PROMISE(strncmp(end + 1, reason, strlen(reason)) == 0 &&
			    strncmp(end + 1 + strlen(reason), "\r\n", 2) == 0);
			return (enum sb_status)s;
		}
	broken("the status is one of the table's", __FILE__, __LINE__);
}

static struct parts
take_apart(const struct world_answer *a)
{
	const char *end = memmem(a->bytes, a->length, "\r\n\r\n", 4);
	const char *line = a->bytes, *next;
	struct parts p;

	PROMISE(end != NULL);
	p.status = status_of(line);
	for (; line < end + 2; line = next + 2) {
		next = strstr(line, "\r\n");
		check_line(line, next);
	}
	p.headers = sb_copy(world_pool, a->bytes,
	    (size_t)(end + 2 - a->bytes));
	p.body = end + 4;
	p.length = a->length - (size_t)(end + 4 - a->bytes);
	return p;
}

/* ------------------------------------------------------------------- bodies */

/* Answers may tell of a U+0000 that came; our own reader takes none. */
static void
check_json(const char *given, size_t length)
{
	char *text = sb_copy(world_pool, given, length), *nul = text;
	struct json_object *value;
	const char *why;
	size_t offset;

	while ((nul = strstr(nul, "\\u0000")) != NULL)
		nul[5] = '1';
	why = sb_json_parse(text, length, &value, &offset);
	if (why != NULL)
		fprintf(stderr, "%s at %zu: %.*s\n", why, offset, (int)length,
		    text);
	PROMISE(why == NULL);
	PROMISE(json_object_is_type(value, json_type_object));
	json_object_put(value);
}

/* Events as the HTML standard has them; a client may leave within one. */
static void
check_stream(const struct parts *p, bool left)
{
	const char *line = p->body, *end;

	PROMISE(sb_utf8_valid(p->body, p->length));
	for (; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		PROMISE(end != NULL || left);
		if (end == NULL)
			return;
		PROMISE(end == line || strncmp(line, "id: ", 4) == 0 ||
		    strncmp(line, "event: ", 7) == 0 || line[0] == ':' ||
		    strncmp(line, "data: ", 6) == 0);
		if (strncmp(line, "data: ", 6) == 0)
			check_json(line + 6, (size_t)(end - line - 6));
	}
}

static void
check_body(const struct world_request *rq, const struct parts *p)
{
	const char *type = header(p, "Content-Type");
	const char *length = header(p, "Content-Length");
	bool head = strcmp(rq->method, "HEAD") == 0;

	PROMISE((type == NULL) == (length == NULL));
	PROMISE((type == NULL) == (p->status == SB_NO_CONTENT));
	if (head || p->status == SB_NO_CONTENT)
		PROMISE(p->length == 0);
	else if (length != NULL)
		PROMISE(strtoul(length, NULL, 10) == p->length);
	if (!head && type != NULL && strcmp(type, SB_MEDIA_JSON) == 0 &&
	    header(p, "Content-Encoding") == NULL)
		check_json(p->body, p->length);
}

/* --------------------------------------------------------------- what it is */

/* What the contract asks of all answers, and of some by their status. */
static void
check_fields(const struct world_request *rq, const struct parts *p)
{
	const char *id = header(p, "X-Request-ID");
	const char *cache = header(p, "Cache-Control");

	PROMISE(id != NULL && strlen(id) <= 64 && *id != '\0');
	PROMISE(header(p, "X-Content-Type-Options") != NULL);
	PROMISE(strstr(p->headers, "\r\nVary: Origin\r\n") != NULL);
	if (rq->bearer != NULL)
		PROMISE(cache != NULL && strcmp(cache, "no-store") == 0);
	if (p->status == SB_UNAUTHORIZED)
		PROMISE(header(p, "WWW-Authenticate") != NULL);
	if (p->status == SB_METHOD_NOT_ALLOWED)
		PROMISE(header(p, "Allow") != NULL);
	if (p->status == SB_TOO_MANY)
		PROMISE(header(p, "Retry-After") != NULL);
	PROMISE(header(p, "Set-Cookie") == NULL);
}

/* What only its owner may see, and what nobody may. */
static void
check_secrets(const struct world_request *rq, const struct world_answer *a)
{
	PROMISE(world_secret_in(a->bytes, a->length) == NULL);
	/* Tokens are in the answers of one program alone. */
	if (memmem(a->bytes, a->length, "_token\":\"eyJ", 12) != NULL)
		PROMISE(rq->program == world_programs[0] ||
		    memmem(rq->body, rq->length, "eyJ", 3) != NULL);
}

void
answer_check(const struct world_request *rq, const struct world_answer *a)
{
	struct parts p;

	PROMISE(a->finished == 1);
	PROMISE(a->length > 0);
	p = take_apart(a);
	if (p.status == SB_INTERNAL || p.status == SB_UNAVAILABLE)
		fprintf(stderr, "%s %s: %s\n", rq->method, rq->target,
		    a->bytes);
	PROMISE(p.status != SB_INTERNAL && p.status != SB_UNAVAILABLE);
	check_fields(rq, &p);
	check_secrets(rq, a);
	if (strstr(p.headers, "\r\nContent-Type: " SB_EVENT_STREAM "\r\n") !=
	    NULL)
		check_stream(&p, a->left);
	else if (!a->left)
		check_body(rq, &p);
}

void
answer_learn(const struct world_answer *a)
{
	static const struct {
		const char	*member, *word;
	} all[] = { { "id", "last" }, { "access_token", "access" },
	    { "refresh_token", "refreshed" }, { "key", "made" } };
	const char *body = strstr(a->bytes, "\r\n\r\n");
	struct json_object *object = NULL;
	size_t offset;

	if (body == NULL || sb_json_parse(body + 4, a->length -
	    (size_t)(body + 4 - a->bytes), &object, &offset) != NULL)
		return;
	sb_pool_json(world_pool, object);
	if (!json_object_is_type(object, json_type_object))
		return;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const char *text = sb_json_text(object, all[i].member);

		if (text != NULL)
			world_learn(all[i].word, text);
	}
}
