/*
 * What lets the fuzzer get deep into the programs: besides its own mutations
 * it puts in requests that are made up from the routes' tables, mostly good
 * ones, takes requests out, doubles them and changes their order.
 */
#include <string.h>
#include <json-c/json.h>

#include "fuzz.h"
#include "program.h"
#include "world.h"

size_t	 LLVMFuzzerMutate(uint8_t *, size_t, size_t) __attribute__((weak));
size_t	 LLVMFuzzerCustomMutator(uint8_t *, size_t, size_t, unsigned int);

static const char end_line[] = "--\n";

static uint64_t state;		/* of the seed that the fuzzer gives */
static struct sb_pool *pool;

static unsigned int
pick(unsigned int n)
{
	state = state * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return n == 0 ? 0 : (unsigned int)(state >> 33) % n;
}

#define PICK(list)	(list)[pick(sizeof(list) / sizeof((list)[0]))]

/* ----------------------------------------------------------- a good value */

static const char *
pick_text(const struct sb_field *f)
{
	static const char *const any[] = { "x", "yes", "no", "red", "@fifty",
	    "@long", "@longer", "@huge", "", " ", "\\u0000", "\\ud83d\\ude00",
	    "\xc3\xa9", "@last", "@refresh", "user", "user@example.org",
	    "NEW", "@password", "https://hooks.example.org/a?b=c",
	    "@userrefresh", "@refreshed", "correct-horse-battery2" };
	static const char *const names[] = { "user", "User2", "new-user",
	    "others-private", "ad\xc3\xafn", "@fifty" };
	static const char *const emails[] = { "new@example.org",
	    "USER@example.org", "\xc3\xa9@ex\xc3\xa4mple.org", "x@y" };

	if (pick(6) == 0)
		return PICK(any);
	if (f->kind == SB_SECRET)
		return strcmp(f->name, "refresh_token") == 0 ?
		    (pick(2) ? "@userrefresh" : "@refreshed") : "@password";
	if (f->kind == SB_EMAIL)
		return PICK(emails);
	if (strcmp(f->name, "username") == 0)
		return PICK(names);
	return f->example != NULL ? f->example : PICK(any);
}

static const char *
pick_number(const struct sb_field *f)
{
	static const char *const any[] = { "0", "1", "-1", "2", "5", "60",
	    "100", "9223372036854775807", "9223372036854775808", "1.5",
	    "1e3", "+7", "007", "x" };
	int64_t n = f->min;

	if (pick(3) == 0 || (f->min == 0 && f->max == 0))
		return PICK(any);
	if (pick(2))
		n = f->max;
	if (pick(4) == 0)
		n = (int64_t)((uint64_t)n + pick(3) - 1);
	return sb_printf(pool, "%lld", (long long)n);
}

static const char *
pick_id(const struct sb_field *f)
{
	static const char *const any[] = { "@session", "@second", "@foreign",
	    "@request", "@choice", "@last", "@message", "@key",
	    "01890a5d-ac96-774b-bcce-b302099a8057", "x" };

	if (strcmp(f->name, "request_id") == 0 && pick(4) > 0)
		return pick(2) ? "@request" : "@choice";
	return pick(3) > 0 ? "@session" : PICK(any);
}

static const char *
pick_choice(const struct sb_field *f)
{
	unsigned int n = 0;

	while (f->choices[n] != NULL)
		n++;
	return f->choices[pick(n)];
}

/* A value as a text. */
static const char *
pick_value(const struct sb_field *f)
{
	switch (f->kind) {
	case SB_INT:
		return pick_number(f);
	case SB_BOOL:
		return pick(2) ? "true" : "false";
	case SB_ENUM:
		return pick(8) ? pick_choice(f) : "other";
	case SB_UUID:
		return pick_id(f);
	default:
		return pick_text(f);
	}
}

/* ---------------------------------------------------------- a good request */

static const char *
json_value(const struct sb_field *f)
{
	static const char *const any[] = { "null", "[]", "{}", "1", "\"\"",
	    "true", "[null]", "\"\\ud800\"" };
	const char *list = "";

	if (pick(16) == 0)
		return PICK(any);
	if (f->kind == SB_INT || f->kind == SB_BOOL)
		return pick_value(f);
	if (f->kind != SB_TEXTS)
		return sb_printf(pool, "\"%s\"", pick_value(f));
	for (unsigned int i = 0, n = pick(4); i < n; i++)
		list = sb_printf(pool, "%s%s\"%s\"", list, i == 0 ? "" : ",",
		    f->choices != NULL ? pick_choice(f) : pick_text(f));
	return sb_printf(pool, "[%s]", list);
}

/* Those of a place, in the form that they have there. */
static const char *
pick_fields(const struct sb_route *route, enum sb_place place, bool json)
{
	const char *text = "";

	for (const struct sb_field *f = route->in; f != NULL &&
	    f->name != NULL; f++) {
		if (f->in != place || pick(8) < (f->optional ? 4 : 1))
			continue;
		if (place == SB_IN_HEADER)
			text = sb_printf(pool, "%s%s: %s\n", text, f->name,
			    f->pattern != NULL && pick(8) ? "again-1" :
			    pick_value(f));
		else if (json)
			text = sb_printf(pool, "%s%s\"%s\":%s", text,
			    *text == '\0' ? "" : ",", f->name, json_value(f));
		else
			text = sb_printf(pool, "%s%s%s=%s", text,
			    *text == '\0' ? "" : "&", f->name, pick_value(f));
	}
	return text;
}

static const char *
pick_path(const struct sb_route *route)
{
	const char *path = "", *at = route->path;

	while (*at != '\0') {
		size_t n = strcspn(at, "{"), name;

		path = sb_printf(pool, "%s%.*s", path, (int)n, at);
		at += n;
		if (*at == '\0')
			break;
		name = strcspn(at, "}") - 1;
		for (const struct sb_field *f = route->in; f->name != NULL;
		    f++)
			if (f->in == SB_IN_PATH && strlen(f->name) == name &&
			    memcmp(f->name, at + 1, name) == 0)
				path = sb_printf(pool, "%s%s", path,
				    f->kind == SB_UUID ? pick_id(f) :
				    f->example);
		at += name + 2;
	}
	return path;
}

static const char *
pick_caller(const struct sb_route *route)
{
	static const char *const any[] = { "nobody", "user", "other", "admin",
	    "agent", "stranger", "disabled", "expired", "ghost", "operator",
	    "watcher", "access", "made", "userrefresh", "garbage" };

	if (pick(6) == 0)
		return PICK(any);
	if (route->access == SB_PUBLIC)
		return "nobody";
	if (route->access == SB_AGENT)
		return "agent";
	if (route->access == SB_ADMIN)
		return "admin";
	if (route->access == SB_OPERATOR)
		return "operator";
	if (route->access == SB_WATCHER)
		return "watcher";
	if (route->access == SB_ANYONE && pick(3) == 0)
		return "agent";
	return pick(3) ? "user" : "access";
}

static const char *
pick_header(void)
{
	static const char *const any[] = { "Accept: text/event-stream\n",
	    "Accept: application/json, text/event-stream;q=0.5\n",
	    "Accept-Encoding: gzip\n", "Origin: http://localhost:5173\n",
	    "Origin: https://evil.example\n", "X-Request-ID: mine-1\n",
	    "Last-Event-ID: 2\n", "Access-Control-Request-Method: POST\n",
	    "User-Agent: curl/7.88.1\n", "X-Forwarded-For: 198.51.100.7\n",
	    "Content-Type: text/plain\n", "If-None-Match: *\n",
	    "Content-Length: 3\n", ":at-once: 3\n", ":breaks-off: 2\n",
	    ":leaves: 1\n", ":SCRIPT_NAME: /switchboard\n",
	    ":PATH_INFO: /health\n", "Range: bytes=0-1\n" };

	return PICK(any);
}

static const char *
pick_request(void)
{
	const struct sb_program *p = PICK(world_programs);
	const struct sb_route *route = p->routes;
	const char *query, *headers, *body = "", *type = "";
	unsigned int n = 0;
	bool json;

	while (route[n].method != SB_NONE)
		n++;
	route += pick(n);
	json = (route->body & SB_FORM) == 0 || (route->body & SB_JSON &&
	    pick(2));
	query = pick_fields(route, SB_IN_QUERY, false);
	headers = pick_fields(route, SB_IN_HEADER, false);
	while (pick(3) == 0)
		headers = sb_printf(pool, "%s%s", headers, pick_header());
	if (route->method != SB_GET || pick(8) == 0)
		body = pick_fields(route, SB_IN_BODY, json);
	if (json && (*body != '\0' || pick(3) == 0))
		body = sb_printf(pool, "{%s}", body);
	if (!json)
		type = "Content-Type: " SB_MEDIA_FORM "\n";
	if (pick(24) == 0)
		return "sleep 61\n--\n";
	return sb_printf(pool, "%s %s %s %s%s%s\n%s%s\n%s\n%s", p->name,
	    pick_caller(route), pick(16) ? sb_method_names[route->method] :
	    pick(2) ? "HEAD" : "OPTIONS", pick_path(route),
	    *query == '\0' ? "" : "?", query, type, headers, body, end_line);
}

/* ------------------------------------------------------ of several of them */

/* The requests of an input, each with the line that ends it. */
static int
split(const char *text, size_t size, const char **parts, size_t *lengths)
{
	int n = 0;

	while (size > 0 && n < PROGRAM_REQUESTS) {
		const char *end = memmem(text, size, "\n--\n", 4);
		size_t length = end == NULL ? size :
		    (size_t)(end - text) + 4;

		parts[n] = sb_copy(pool, text, length);
		lengths[n++] = length;
		text += length;
		size -= length;
	}
	return n;
}

static size_t
join(uint8_t *to, size_t most, const char **parts, const size_t *lengths,
    int n)
{
	size_t used = 0;

	for (int i = 0; i < n && used + lengths[i] <= most; i++) {
		memcpy(to + used, parts[i], lengths[i]);
		used += lengths[i];
	}
	return used;
}

/* Changes which requests there are; returns how many there are then. */
static int
rearrange(const char **parts, size_t *lengths, int n)
{
	const int at = n == 0 ? 0 : (int)pick((unsigned)n);
	const unsigned int what = pick(8);

	if (n > 0 && what == 0) {		/* one less */
		memmove(&parts[at], &parts[at + 1],
		    (size_t)(n - at - 1) * sizeof(*parts));
		memmove(&lengths[at], &lengths[at + 1],
		    (size_t)(n - at - 1) * sizeof(*lengths));
		return n - 1;
	}
	if (n > 1 && what == 1) {		/* the last elsewhere */
		parts[at] = parts[n - 1];
		lengths[at] = lengths[n - 1];
		return n;
	}
	if (n > 0 && n < PROGRAM_REQUESTS && what == 2) {	/* once more */
		parts[n] = parts[at];
		lengths[n] = lengths[at];
		return n + 1;
	}
	if (n == PROGRAM_REQUESTS || what == 3) {	/* another one */
		parts[at] = pick_request();
		lengths[at] = strlen(parts[at]);
		return n == 0 ? 1 : n;
	}
	parts[n] = pick_request();			/* one more */
	lengths[n] = strlen(parts[n]);
	return n + 1;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most,
    unsigned int seed)
{
	const char *parts[PROGRAM_REQUESTS + 1];
	size_t lengths[PROGRAM_REQUESTS + 1], made;
	int n;

	state = seed;
	if (world_programs[0] == NULL)
		world_begin();
	if (LLVMFuzzerMutate != NULL && pick(2) && size > 0)
		return LLVMFuzzerMutate(bytes, size, most);
	if (pool == NULL)
		pool = sb_pool_new();
	n = split((const char *)bytes, size, parts, lengths);
	n = rearrange(parts, lengths, n);
	made = join(bytes, most, parts, lengths, n);
	sb_pool_clear(pool);
	return made;
}
