/*
 * The installation in memory that world.h tells of.  The linker puts the
 * functions __wrap_x here in the place of x, and x itself is __real_x.
 */
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <json-c/json.h>

#include "fuzz.h"
#include "db.h"
#include "files.h"
#include "folder.h"
#include "programs.h"
#include "world.h"

#define EPOCH	INT64_C(1760439227000000)	/* of this world */
#define PAUSES	40	/* until a client has had enough */

const struct sb_program *world_programs[WORLD_PROGRAMS];
struct sb_db *world_db;
struct sb_pool *world_pool;

/* -------------------------------------------------------- time and chance */

static int64_t passed;		/* microseconds since EPOCH; 0: no such clock */
static uint64_t chance;

int __real_clock_gettime(clockid_t, struct timespec *);
int __wrap_clock_gettime(clockid_t, struct timespec *);
ssize_t __real_getrandom(void *, size_t, unsigned int);
ssize_t __wrap_getrandom(void *, size_t, unsigned int);
void __wrap_sb_conn_limit(int64_t);

/* The fuzzer's own clock is the real one. */
int
__wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	int64_t now;

	if (passed == 0)
		return __real_clock_gettime(clock, ts);
	now = EPOCH + ++passed;
	*ts = (struct timespec){ (time_t)(now / SB_SECOND),
	    (long)(now % SB_SECOND) * 1000 };
	return 0;
}

ssize_t
__wrap_getrandom(void *to, size_t n, unsigned int flags)
{
	unsigned char *p = to;

	if (passed == 0)
		return __real_getrandom(to, n, flags);
	for (size_t i = 0; i < n; i++) {
		/* Numerical Recipes' generator: it only has to differ. */
		chance = chance * UINT64_C(6364136223846793005) +
		    UINT64_C(1442695040888963407);
		p[i] = (unsigned char)(chance >> 56);
	}
	return (ssize_t)n;
}

/* The alarm is the fuzzer's. */
void
__wrap_sb_conn_limit(int64_t microseconds)
{
	(void)microseconds;
}

void
world_sleep(int64_t microseconds)
{
	passed += microseconds;
}

/* ------------------------------------------------------------------ the log */

void __wrap_sb_log(enum sb_level, const char *, ...)
    __attribute__((format(printf, 2, 3)));

/* An error in the log is one of ours, or of the installation's. */
void
__wrap_sb_log(enum sb_level level, const char *format, ...)
{
	char message[4096];
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	PROMISE(world_secret_in(message, strlen(message)) == NULL);
	if (level != SB_ERROR)
		return;
	fprintf(stderr, "log: %s\n", message);
	PROMISE(level != SB_ERROR);
}

/* ---------------------------------------------------------------- the words */

#define WORDS	64

static struct word {
	const char	*name, *value;
} words[WORDS];
static int known, kept;
static struct sb_pool *volatile kept_pool;	/* no leak */

const char *
world_word(const char *name)
{
	/* What was learned last counts. */
	for (int i = known - 1; i >= 0; i--)
		if (strcmp(words[i].name, name) == 0)
			return words[i].value;
	return NULL;
}

void
world_learn(const char *name, const char *value)
{
	if (known == WORDS)
		return;
	words[known++] = (struct word){
	    sb_copy(world_pool, name, strlen(name)),
	    sb_copy(world_pool, value, strlen(value)) };
}

const char *
world_expand(const char *text, size_t n, size_t *length)
{
	char *out = sb_alloc(world_pool, 1);
	size_t used = 0;

	for (size_t i = 0; i < n;) {
		size_t end = i + 1;
		const char *value = NULL, *from = text + i;
		char *longer;
		size_t m;

		while (text[i] == '@' && end < n && text[end] >= 'a' &&
		    text[end] <= 'z')
			end++;
		if (end > i + 1)
			value = world_word(sb_copy(world_pool, text + i + 1,
			    end - i - 1));
		if (value == NULL) {
			while (end < n && text[end] != '@')
				end++;
			m = end - i;
		} else {
			from = value;
			m = strlen(value);
		}
		longer = sb_alloc(world_pool, used + m + 1);
		memcpy(longer, out, used);
		memcpy(longer + used, from, m);
		used += m;
		out = longer;
		i = end;
	}
	if (length != NULL)
		*length = used;
	return out;
}

/* ------------------------------------------------------------ the secrets */

/* Words whose values are secret, and what any hash or token begins with. */
static struct secret {
	const char	*word, *text;
	bool		 given;
} secrets[] = {
	{ "secretkey" }, { "password" }, { "agent" }, { "user" },
	{ "userrefresh" }, { "other" }, { "admin" }, { "watcher" },
	{ "otherpassword" }, { "otherrefresh" }, { "stranger" },
	{ NULL, "$s1$" }, { NULL, "others-private" },
};
#define SECRETS	(sizeof(secrets) / sizeof(secrets[0]))

static bool
is_in(const char *text, size_t n, const char *what)
{
	return what != NULL && n > 0 &&
	    memmem(text, n, what, strlen(what)) != NULL;
}

const char *
world_secret_in(const char *text, size_t n)
{
	for (size_t i = 0; i < SECRETS; i++)
		if (!secrets[i].given && is_in(text, n, secrets[i].text)) {
			fprintf(stderr, "a secret: %s\n", secrets[i].text);
			return secrets[i].text;
		}
	return NULL;
}

/* Whoever has it may be told it; the other user, of what is the other's. */
static void
give(const char *text, size_t n)
{
	for (size_t i = 0; i < SECRETS; i++)
		secrets[i].given |= is_in(text, n, secrets[i].text);
}

static bool
is_word(const char *text, const char *word)
{
	return text != NULL && world_word(word) != NULL &&
	    strcmp(text, world_word(word)) == 0;
}

static void
give_all(const struct world_request *rq)
{
	const char *password = world_word("otherpassword");
	const char *line = sb_printf(world_pool, "%s %s", rq->method,
	    rq->target);

	give(line, strlen(line));
	give(rq->body, rq->length);
	for (int i = 0; i < rq->count; i++)
		give(rq->variables[i], strlen(rq->variables[i]));
	if (rq->bearer != NULL)
		give(rq->bearer, strlen(rq->bearer));
	if (is_word(rq->bearer, "other") || is_word(rq->bearer, "stranger") ||
	    is_word(rq->bearer, "otherrefresh") ||
	    is_in(rq->body, rq->length, password))
		give("others-private", 14);
}

/* -------------------------------------------------------------- a request */

struct stream {
	const struct world_request *rq;
	struct world_answer *answer;
	size_t		 at, room;
	long		 flushes;
	int		 pauses;
};

static ssize_t
read_body(struct sb_conn *conn, void *to, size_t n)
{
	struct stream *s = conn->impl;
	size_t left = s->rq->length - s->at;

	if (s->rq->breaks_off > 0 && s->rq->breaks_off < s->rq->length) {
		if (s->at >= s->rq->breaks_off)
			return -1;
		left = s->rq->breaks_off - s->at;
	}
	if (n > left)
		n = left;
	if (s->rq->at_once > 0 && n > s->rq->at_once)
		n = s->rq->at_once;
	if (n > 0)
		memcpy(to, s->rq->body + s->at, n);
	s->at += n;
	return (ssize_t)n;
}

static bool
write_answer(struct sb_conn *conn, const void *from, size_t n)
{
	struct stream *s = conn->impl;
	struct world_answer *a = s->answer;

	PROMISE(a->finished == 0);
	if (a->length + n + 1 > s->room) {
		char *larger;

		s->room = 2 * (a->length + n) + 4096;
		larger = sb_alloc(world_pool, s->room);
		if (a->length > 0)
			memcpy(larger, a->bytes, a->length);
		a->bytes = larger;
	}
	memcpy(a->bytes + a->length, from, n);
	a->length += n;
	a->bytes[a->length] = '\0';
	return !a->left;
}

static void
finish(struct sb_conn *conn)
{
	((struct stream *)conn->impl)->answer->finished++;
}

static bool
flush(struct sb_conn *conn)
{
	struct stream *s = conn->impl;

	s->answer->left |= ++s->flushes == s->rq->leaves_at;
	return !s->answer->left;
}

/* Nobody really waits; and nothing happens meanwhile. */
static bool
pause_a_while(struct sb_conn *conn, int64_t microseconds, int news)
{
	struct stream *s = conn->impl;

	(void)news;
	world_sleep(microseconds > 0 ? microseconds : 1);
	s->answer->left |= ++s->pauses > PAUSES;
	return !s->answer->left;
}

struct world_answer
world_serve(const struct world_request *rq)
{
	struct world_answer answer = { .bytes = NULL };
	struct stream stream = { .rq = rq, .answer = &answer };
	char *params[WORLD_VARIABLES + 8];
	struct sb_conn conn = { params, read_body, write_answer, finish,
	    &stream, flush, pause_a_while };
	int n = 0;

	params[n++] = sb_printf(world_pool, "REQUEST_METHOD=%s", rq->method);
	if (rq->bearer != NULL)
		params[n++] = sb_printf(world_pool,
		    "HTTP_AUTHORIZATION=Bearer %s", rq->bearer);
	for (int i = 0; i < rq->count; i++)
		params[n++] = rq->variables[i];
	params[n++] = sb_printf(world_pool, "REQUEST_URI=%s", rq->target);
	params[n++] = sb_printf(world_pool, "REMOTE_ADDR=%s", "192.0.2.1");
	if (rq->length > 0)
		params[n++] = sb_printf(world_pool, "CONTENT_LENGTH=%zu",
		    rq->length);
	params[n] = NULL;
	give_all(rq);
	sb_serve(&conn, rq->program->name, rq->program->routes, world_db);
	return answer;
}

/* ---------------------------------------------------------- its foundation */

int
take_program(int argc, char **argv, const struct sb_program *program)
{
	static int taken;

	(void)argc;
	(void)argv;
	world_programs[taken++] = program;
	return 0;
}

static void
set_settings(const char *data)
{
	sb_settings = (struct sb_settings){
		.environment = "development", .algorithm = "HS256",
		.data = data, .home = data,
		.secret_key = "a key that no answer and no log line may have",
		.access_token_expire_minutes = 25,
		.refresh_token_expire_days = 7,
		.scrypt_n = 16, .scrypt_r = 1, .scrypt_p = 1, .hashes = 2,
		.waiters = 64, .cors_origins = "http://localhost:5173",
		.cors_credentials = true, .root_path = "",
		.log_level = "info", .log_file = "", .log_format = "text",
		.rate_limit_window_seconds = 60,
		.max_concurrent_sessions = 3, .session_timeout_hours = 24,
		.feedback_timeout_hours = 24,
		.metrics_token = "one-who-watches",
		.trusted_proxies = "10.0.0.0/8, 192.0.2.0/25",
	};
}

/* So few that an input can reach them. */
static void
set_limits(void)
{
	sb_settings.rate_limit_per_user = 6;
	sb_settings.rate_limit_per_session = 3;
	sb_settings.rate_limit_per_channel = 4;
	sb_settings.rate_limit_per_address = 5;
	sb_settings.login_failures_per_account = 2;
}

/* What the programs serve files of. */
static void
make_pages(void)
{
	static const char *const names[] = { "docs.html", "redoc.html",
	    "console.html", "openapi.json", "static/page-0/page.css" };
	static const char page[] = "{\"paths\":\"@PREFIX@ @SERVER@\"}";

	folder_make("share/switchboard/static/page-0");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		folder_write(sb_printf(world_pool, "share/switchboard/%s",
		    names[i]), page, strlen(page));
}

/* A member of an answer that has to be there. */
static const char *
member(const struct world_answer *a, const char *name)
{
	const char *body = strstr(a->bytes, "\r\n\r\n");
	struct json_object *object = NULL;
	const char *text;
	size_t offset;

	PROMISE(body != NULL && sb_json_parse(body + 4, a->length -
	    (size_t)(body + 4 - a->bytes), &object, &offset) == NULL);
	sb_pool_json(world_pool, object);
	text = sb_json_text(object, name);
	if (text == NULL)
		fprintf(stderr, "no %s in %s\n", name, a->bytes);
	PROMISE(text != NULL);
	return text;
}

static struct world_answer
call(int program, const char *caller, const char *method, const char *target,
    const char *body)
{
	size_t length;
	struct world_request rq = { .program = world_programs[program],
	    .method = method,
	    .target = world_expand(target, strlen(target), NULL),
	    .bearer = caller == NULL ? NULL : world_word(caller) };

	rq.body = world_expand(body, strlen(body), &length);
	rq.length = length;
	return world_serve(&rq);
}

enum { AUTH, CHAT, EVENTS, META };

static void
make_user(const char *name, const char *email, const char *password)
{
	struct world_answer a = call(AUTH, NULL, "POST", "/api/auth/register",
	    sb_printf(world_pool, "{\"username\":\"%s\",\"email\":\"%s\","
	    "\"password\":\"%s\"}", name, email, password));

	world_learn(name, member(&a, "access_token"));
	world_learn(sb_printf(world_pool, "%srefresh", name),
	    member(&a, "refresh_token"));
}

/* Remembers a member of the answer under a name. */
static void
note(const char *name, const char *of, int program, const char *caller,
    const char *target, const char *body)
{
	struct world_answer a = call(program, caller, "POST", target, body);

	world_learn(name, member(&a, of));
}

static void
make_users(void)
{
	world_learn("password", "correct-horse-battery");
	world_learn("otherpassword", "another-horse-battery");
	make_user("user", "user@example.org", "@password");
	make_user("other", "others-private@example.org", "@otherpassword");
	make_user("admin", "admin@example.org", "@password");
	make_user("disabled", "disabled@example.org", "@password");
	PROMISE(sqlite3_exec(world_db->connection,
	    "UPDATE users SET is_admin = 1 WHERE username = 'admin';"
	    "UPDATE users SET is_active = 0 WHERE username = 'disabled'",
	    NULL, NULL, NULL) == SQLITE_OK);
}

static void
make_chats(void)
{
	static const char keys[] = "/api/auth/keys", chats[] = "/api/sessions",
	    asked[] = "/api/sessions/@session/feedback";

	note("agent", "key", AUTH, "user", keys, "{\"name\":\"deploy\","
	    "\"webhook_url\":\"https://hooks.example.org/in\"}");
	note("key", "id", AUTH, "user", keys, "{\"name\":\"spare\"}");
	note("stranger", "key", AUTH, "other", keys, "{\"name\":\"private\"}");
	note("session", "id", CHAT, "user", chats, "{\"title\":\"Release\"}");
	note("second", "id", CHAT, "user", chats, "{}");
	note("foreign", "id", CHAT, "other", chats,
	    "{\"title\":\"others-private\"}");
	note("message", "id", CHAT, "user",
	    "/api/sessions/@session/messages", "{\"content\":\"Hello\"}");
	note("request", "id", CHAT, "agent", asked,
	    "{\"type\":\"approval\",\"prompt\":\"Deploy?\"}");
	note("choice", "id", CHAT, "agent", asked, "{\"type\":\"input\","
	    "\"prompt\":\"Which?\",\"choices\":[\"red\",\"green\"],"
	    "\"channels\":[\"slack\",\"email\"],\"expires_in\":90}");
}

/* Words that no answer had. */
static void
make_words(void)
{
	struct sb_token t = { .type = SB_TOKEN_ACCESS, .jti = "j",
	    .sid = "s", .sub = "u", .username = "user",
	    .iat = 1760430000, .exp = 1760430001 };
	enum sb_status why;
	const struct sb_key *key = sb_key_find(NULL, &why);

	PROMISE(key != NULL);
	world_learn("expired", sb_token_sign_by(world_pool, key, &t));
	t.exp = INT64_C(4000000000);
	world_learn("ghost", sb_token_sign_by(world_pool, key, &t));
	t.type = SB_TOKEN_CHECK;
	world_learn("operator", sb_token_sign_by(world_pool, key, &t));
	world_learn("watcher", sb_settings.metrics_token);
	world_learn("secretkey", sb_settings.secret_key);
	world_learn("kid", key->kid);
	world_learn("nobody", "");
	for (size_t n = 50; n <= 100000; n *= n < 1000 ? 10 : 20) {
		char *text = sb_alloc(world_pool, n + 1);

		memset(text, 'x', n);
		world_learn(n < 100 ? "fifty" : n < 1000 ? "long" :
		    n < 20000 ? "longer" : "huge", text);
	}
}

void
world_begin(void)
{
	world_pool = sb_pool_new();
	kept_pool = world_pool;
	set_settings(folder_begin());
	files_begin();
	auth_main(0, NULL);
	chat_main(0, NULL);
	events_main(0, NULL);
	meta_main(0, NULL);
	sb_metrics_begin(world_programs[AUTH]);
	make_pages();
	/* What waits is sent by somebody else, who has its place. */
	PROMISE(sb_slot_take(SB_WORKER_SLOT, 1, 0) >= 0);
	world_db = sb_db_new(SB_STORE_MAIN);
	passed = 1;
	PROMISE(sb_db_open(world_db, NULL));
	make_users();
	make_chats();
	make_words();
	set_limits();
	/* With limits, so that there are counts before the first input. */
	call(AUTH, NULL, "POST", "/api/auth/login", "");
	call(AUTH, "user", "GET", "/api/limits", "");
	kept = known;
	for (size_t i = 0; i < SECRETS; i++)
		if (secrets[i].word != NULL)
			secrets[i].text = world_word(secrets[i].word);
	world_pool = sb_pool_new();
	files_keep();
	passed = 0;
}

void
world_restore(void)
{
	sb_pool_clear(world_pool);
	known = kept;
	for (size_t i = 0; i < SECRETS; i++)
		secrets[i].given = false;
	files_restore();
	passed = 120 * SB_SECOND;
	chance = 1;
}

/* ------------------------------------------------------------ the database */

/* Each says its name where something is as it must not be. */
static const char *const laws[] = {
	"SELECT 'a row that belongs to none' FROM pragma_foreign_key_check",
	"SELECT 'too many open sessions' FROM chat_sessions WHERE "
	    "due_at > :now AND ended_at IS NULL GROUP BY user_id "
	    "HAVING count(*) > 3",
	"SELECT 'a count of messages' FROM chat_sessions AS s WHERE messages "
	    "<> (SELECT count(*) FROM messages WHERE session_id = s.id) "
	    "OR messages <> (SELECT coalesce(max(number), 0) FROM messages "
	    "WHERE session_id = s.id)",
	"SELECT 'a count of events' FROM chat_sessions AS s WHERE events "
	    "<> (SELECT count(*) FROM events WHERE session_id = s.id) "
	    "OR events <> (SELECT coalesce(max(number), 0) FROM events "
	    "WHERE session_id = s.id)",
	"SELECT 'a count of requests' FROM chat_sessions AS s WHERE requests "
	    "<> (SELECT count(*) FROM feedback_requests "
	    "WHERE session_id = s.id)",
	"SELECT 'a count of pending requests' FROM chat_sessions AS s WHERE "
	    "pending <> (SELECT count(*) FROM feedback_requests "
	    "WHERE session_id = s.id AND status = 'pending')",
	"SELECT 'a decision without its response' FROM feedback_requests AS r "
	    "WHERE (status IN ('approved', 'rejected', 'answered')) <> "
	    "(SELECT count(*) FROM feedback_responses WHERE request_id = r.id "
	    "AND is_valid = 1)",
	"SELECT 'pending, and decided' FROM feedback_requests "
	    "WHERE (status = 'pending') <> (decided_at IS NULL)",
	"SELECT 'an ended session that is due' FROM chat_sessions "
	    "WHERE (ended_at IS NULL) <> (due_at IS NOT NULL)",
	"SELECT 'two refresh tokens to use' FROM refresh_tokens "
	    "WHERE successor IS NULL GROUP BY login_id HAVING count(*) > 1",
	"SELECT 'a revoked login with tokens' FROM logins AS l "
	    "WHERE revoked_at IS NOT NULL AND EXISTS (SELECT 1 FROM "
	    "refresh_tokens WHERE login_id = l.id)",
	"SELECT 'a repeat without its answer' FROM idempotency_keys "
	    "WHERE status IS NULL",
	"SELECT 'to be sent, and no event' FROM outbox AS o WHERE NOT EXISTS "
	    "(SELECT 1 FROM events WHERE session_id = o.session_id AND "
	    "number = o.number)",
	"SELECT 'a password as it is' FROM users "
	    "WHERE password NOT LIKE '$s1$%'",
};
#define LAWS	(sizeof(laws) / sizeof(laws[0]))

void
world_check(void)
{
	static sqlite3_stmt *statements[LAWS];

	for (size_t i = 0; i < LAWS; i++) {
		sqlite3_stmt **s = &statements[i];

		if (*s == NULL)
			PROMISE(sqlite3_prepare_v3(world_db->connection,
			    laws[i], -1, SQLITE_PREPARE_PERSISTENT, s,
			    NULL) == SQLITE_OK);
		if (sqlite3_bind_parameter_count(*s) > 0)
			sqlite3_bind_int64(*s, 1, EPOCH + passed);
		if (sqlite3_step(*s) == SQLITE_ROW) {
			fprintf(stderr, "database: %s\n",
			    (const char *)sqlite3_column_text(*s, 0));
			broken("all is as it must be", __FILE__, __LINE__);
		}
		PROMISE(sqlite3_reset(*s) == SQLITE_OK);
	}
	passed = 0;
}
