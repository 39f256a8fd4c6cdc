/*
 * All that a program of switchboard may use, in the order of a tour: the
 * program and its tables, a request, its answer, waiting, identity, chat,
 * limits, the log, memory, time and text.  Five chapters are files, which this
 * one includes; cgi/ includes nothing else of ours.
 */
#ifndef SB_H
#define SB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sb_db;
struct sb_pool;
struct sb_request;
struct sb_response;

#define SB_SECOND	INT64_C(1000000)	/* in microseconds */
#define SB_DAY		(24 * 60 * 60 * SB_SECOND)

#include "store.h"		/* named queries, and a request's transaction */
#include "values.h"		/* the settings */

/* ------------------------------------------------------------- a program */

#define SB_TITLE	"Interactive Agent Chat System API"

/* What a request comes to.  SB_NEXT is no answer: the next step may go on. */
enum sb_status {
	SB_NEXT,
	SB_OK,
	SB_CREATED,
	SB_NO_CONTENT,
	SB_BAD_REQUEST,
	SB_UNAUTHORIZED,
	SB_FORBIDDEN,
	SB_NOT_FOUND,
	SB_METHOD_NOT_ALLOWED,
	SB_CONFLICT,
	SB_TOO_LARGE,
	SB_UNPROCESSABLE,
	SB_TOO_MANY,
	SB_INTERNAL,
	SB_UNAVAILABLE,
	SB_STATUSES
};

enum sb_method {
	SB_NONE,
	SB_DELETE,
	SB_GET,			/* HEAD, too */
	SB_PATCH,
	SB_POST,
	SB_PUT,
	SB_METHODS
};

/* What a field holds. */
enum sb_kind {
	SB_TEXT = 1,
	SB_SECRET,		/* a text that is never echoed or logged */
	SB_EMAIL,		/* a text; an address by its .wrong */
	SB_INT,
	SB_BOOL,
	SB_ENUM,		/* a text out of .choices */
	SB_UUID,		/* RFC 9562, in lower case */
	SB_TIME,		/* answers only: RFC 3339, microseconds, Z */
	SB_UNIX_TIME,		/* answers only: seconds, with a fraction */
	SB_OBJECT,		/* answers only: .fields */
	SB_LIST,		/* answers only: objects of .fields */
	SB_MAP,			/* answers only: the same, each by a name */
	SB_TEXTS,		/* a list of texts, .fewest to .most of them */
	SB_ANY,			/* answers only: an object, as JSON */
	SB_KINDS
};

/* Where a field comes in.  Fields of answers are all in the body. */
enum sb_place {
	SB_IN_BODY,
	SB_IN_QUERY,
	SB_IN_PATH,		/* {name} in the path; no SB_UUID: a 404 */
	SB_IN_HEADER,		/* a header field; its name in lower case */
	SB_PLACES
};

/*
 * A field of an input or of an answer.  A table of them ends with SB_END or,
 * where generated clients shall have a type of that name, with SB_END_AS.
 */
struct sb_field {
	const char	*name;
	enum sb_kind	 kind;
	const char	*doc;		/* a sentence */
	int64_t		 min, max;	/* code points, or value; both 0: any */
	enum sb_place	 in;
	bool		 optional;	/* may be absent; in JSON, null too */
	const char	*pattern;	/* POSIX extended regular expression */
	const char *const *choices;	/* of SB_ENUM, SB_TEXTS; NULL ends */
	const struct sb_field *fields;	/* of SB_OBJECT, SB_LIST, SB_MAP */
	const char	*example;	/* as text; of SB_MAP, a name */
	/* What is wrong with a value, as half a sentence, or NULL. */
	const char	*(*wrong)(struct sb_pool *, const char *value);
	int64_t		 fewest, most;	/* of SB_TEXTS: items */
	const struct sb_field *const *any;	/* of SB_ANY; NULL ends */
};
#define SB_END		{ .name = NULL }
#define SB_END_AS(type)	{ .name = NULL, .doc = (type) }

/*
 * An error that a route can answer; its detail is what the caller reads.  A %s
 * in it is what sb_fail_about is given.
 */
struct sb_error {
	enum sb_status	 status;
	const char	*detail;
	const char	*error;		/* OAuth 2's (RFC 6749 5.2), or NULL */
	const char	*about;		/* in the place of %s, for an example */
	const struct sb_field *fields;	/* more than a detail; it comes first */
};

/* A bearer token (RFC 6750) that is no user's, for the documentation. */
struct sb_scheme {
	const char	*name, *format, *doc;	/* the format may be NULL */
};

/* Who may call.  admit() fills in rq->caller and says SB_NEXT, or refuses. */
struct sb_access {
	bool		 token;		/* an access token is looked at */
	const struct sb_error *const *errors;	/* ended by NULL; or NULL */
	enum sb_status	(*admit)(struct sb_request *, struct sb_response *);
	void		(*prepare)(struct sb_db *);	/* before serving */
	bool		 tokenless;	/* none will do, too, at times */
	const struct sb_scheme *scheme;	/* of a token that is no user's */
};
extern const struct sb_error sb_error_forbidden, sb_error_inactive,
    sb_error_not_found, sb_error_token;
extern const struct sb_access sb_access_public, sb_access_user,
    sb_access_anyone, sb_access_agent, sb_access_admin, sb_access_leaver,
    sb_access_operator, sb_access_metrics;
#define SB_PUBLIC	(&sb_access_public)
#define SB_USER		(&sb_access_user)	/* a live access token */
#define SB_ANYONE	(&sb_access_anyone)	/* that, or an agent key */
#define SB_AGENT	(&sb_access_agent)	/* an agent key alone */
#define SB_ADMIN	(&sb_access_admin)	/* an administrator's token */
/* Who logs out: by any access token that we signed, or by what the body has. */
#define SB_LEAVER	(&sb_access_leaver)
/* `switchboard check' alone, by a token that it has signed for a minute. */
#define SB_OPERATOR	(&sb_access_operator)
#define SB_WATCHER	(&sb_access_metrics)	/* METRICS_TOKEN; or a 404 */

/* What bodies a route takes; 0 is SB_JSON. */
#define SB_JSON		1
#define SB_FORM		2	/* urlencoded and multipart/form-data */
#define SB_NO_BODY	4	/* none will do, too: no field of it is there */

/* The rate limits that a route's requests count against. */
enum sb_limit {
	SB_LIMIT_ADDRESS = 1,	/* before the body is looked at */
	SB_LIMIT_USER = 2,	/* likewise, if there is a live token */
	SB_LIMIT_SESSION = 4,	/* after .find; both count or neither */
	SB_LIMIT_CHANNEL = 8,
	SB_LIMIT_ACCOUNT = 16	/* by sb_password_check alone */
};
#define SB_LIMITS	5
#define SB_ROUTE_ERRORS	6

/* What a route is to OAuth 2's password flow. */
enum sb_flow { SB_TOKEN_URL = 1, SB_REFRESH_URL, SB_FLOWS };

typedef enum sb_status sb_handler(struct sb_request *, struct sb_response *);
typedef bool sb_streamer(struct sb_request *, struct sb_response *,
	    int64_t *cursor);

/* An endpoint.  A table of them ends with { SB_NONE }. */
struct sb_route {
	enum sb_method	 method;
	const char	*path;		/* segments; {name} is an SB_IN_PATH */
	const struct sb_access *access;
	sb_handler	*handle;
	const struct sb_field *in;	/* NULL: none; no body is looked at */
	const struct sb_field *out;	/* NULL: no JSON object */
	const char	*doc;		/* a sentence */
	enum sb_status	 success;	/* SB_OK unless set */
	unsigned	 body;		/* SB_JSON unless set */
	size_t		 body_max;	/* bytes; SB_BODY_MAX unless set */
	const char	*media;		/* of an answer that is no JSON */
	unsigned	 limits;	/* of enum sb_limit */
	sb_handler	*find;		/* sets rq->subject, or refuses */
	const struct sb_error *errors[SB_ROUTE_ERRORS];
	const char	*name;		/* clients' for the call: snake_case */
	const char	*more;		/* what else its users should know */
	enum sb_status	 otherwise;	/* another status of the same answer */
	enum sb_flow	 flow;
	sb_streamer	*stream;	/* sends events; see SB_EVENT_STREAM */
};
#define SB_BODY_MAX	((size_t)64 * 1024)

/*
 * A program: its name, which is its queries' group, too, what it is in a
 * sentence, its routes, and a group of queries besides, or NULL.
 */
struct sb_program {
	const char	*name, *doc;
	const struct sb_route *routes;
	const char	*queries;
	bool		 sends;		/* webhooks may follow what it does */
};

/*
 * Serves the routes: FastCGI if standard input is a listening socket, CGI (RFC
 * 3875) if GATEWAY_INTERFACE is set, else a command.  Returns the exit status.
 */
int	 sb_main(int argc, char **argv, const struct sb_program *);

/* ------------------------------------------------------------- a request */

/*
 * Whom the request's access token speaks for; all NULL where none was asked
 * for, and all but the login's id for a token that is dead (SB_LEAVER).  An
 * agent key speaks for its owner, without a login.
 */
struct sb_caller {
	const char	*user_id;
	const char	*login_id;
	const char	*agent_key_id;	/* NULL: it is the user */
	const char	*id;		/* the key's or else the user's: counts,
					 * waits and repeats are by it */
	const char	*email;
	const char	*username;
	int64_t		 created_at;
};

/* What session and channel limits count: known to be the caller's. */
struct sb_subject {
	const char	*session_id;
	const char	*channel;
};

struct sb_request {
	struct sb_pool	*pool;		/* lives as long as the request */
	struct sb_db	*db;
	struct sb_caller caller;
	struct sb_subject subject;
	const char	*id;		/* the X-Request-ID */
	const char	*prefix;	/* mount prefix, "" or "/switchboard" */
	const char	*user_agent;	/* at most 256 code points, or NULL */
	const char	*address;	/* the client's, or NULL */
	struct sb_way	*way;		/* the library's */
};

/*
 * An input field's value, checked already; NULL, 0 or false if absent.  Of an
 * SB_TEXTS the items, ended by NULL, and the same as JSON.
 */
const char *sb_text(const struct sb_request *, int field);
int64_t	 sb_int(const struct sb_request *, int field);
bool	 sb_bool(const struct sb_request *, int field);
bool	 sb_has(const struct sb_request *, int field);
const char *const *sb_texts(const struct sb_request *, int field);
const char *sb_texts_json(const struct sb_request *, int field);

/*
 * The field of a route's input with which it can be repeated safely: it gets
 * its first answer again, if that was a 2xx (section 7 of the contract).
 */
#define SB_IDEMPOTENCY_KEY { .name = "idempotency-key", .kind = SB_TEXT, \
	.doc = "Under which this may be sent again for 24 hours, with the " \
	    "same body, to get the same answer.", .in = SB_IN_HEADER, \
	.optional = true, .pattern = "^[A-Za-z0-9._-]{1,64}$" }

/* A variable of the web server's (RFC 3875 4.1), made UTF-8; or NULL. */
const char *sb_variable(const struct sb_request *, const char *name);

/* ------------------------------------------------------------- its answer */

/*
 * Puts a field of the answer, by its index in the route's table of answers and
 * in the table's order.  A declared field that is left out is a 500.  A NULL
 * text is null, for an optional field of any kind.
 */
void	 sb_put_text(struct sb_response *, int field, const char *);
void	 sb_put_int(struct sb_response *, int field, int64_t);
void	 sb_put_bool(struct sb_response *, int field, bool);
void	 sb_put_time(struct sb_response *, int field, int64_t);
void	 sb_put_json(struct sb_response *, int field, const char *valid_json);

/*
 * Until the matching sb_close, fields go into this one, an SB_OBJECT; into one
 * that is an SB_LIST or SB_MAP go objects, opened with their name or NULL.
 */
void	 sb_open(struct sb_response *, int field);
void	 sb_open_item(struct sb_response *, const char *name);
void	 sb_close(struct sb_response *);

/*
 * Answers with a page of the installation's share/switchboard, where @PREFIX@
 * becomes the mount prefix, and @SERVER@ too, but / for none; or with a file of
 * its static/FOLDER, which is never changed.  Returns SB_OK, or refuses: the
 * second with sb_error_not_found, which the route declares.
 */
enum sb_status sb_put_page(struct sb_response *, const char *name);
enum sb_status sb_put_static(struct sb_response *, const char *folder,
	    const char *name);

/* Answers with what is counted and measured, as Prometheus reads it. */
enum sb_status sb_put_metrics(struct sb_response *);

/* Adds a header field, without control characters. */
void	 sb_put_header(struct sb_response *, const char *name,
	    const char *value);

/*
 * Refuses with an error that the route declares, and undoes what was written.
 * Returns its status: a handler ends with it.
 */
enum sb_status sb_fail(struct sb_response *, const struct sb_error *);

/*
 * The same with an error that has a %s, for which that is put in.  Where the
 * error has .fields, those after its detail are put from here on.
 */
enum sb_status sb_fail_about(struct sb_response *, const struct sb_error *,
	    const char *about);

/*
 * Refuses an input that only the handler can judge: a 422 value_error of that
 * field or, with SB_WHOLE, of the body.  The reason is half a sentence.
 */
#define SB_WHOLE	(-1)
enum sb_status sb_invalid(struct sb_response *, int field, const char *reason);

/* The same of a number beyond a bound of now: a 422 less_than_equal. */
enum sb_status sb_too_great(struct sb_response *, int field, int64_t most);

/* The same of a text that is none of these, ended by NULL: a 422 enum. */
enum sb_status sb_invalid_choice(struct sb_response *, int field,
	    const char *const *choices);

/*
 * Between the two, fields go into an object of its own, of that table; the
 * second returns it as JSON, in the request's memory.
 */
void	 sb_draft(struct sb_response *, const struct sb_field *);
const char *sb_draft_end(struct sb_response *);

#include "waiting.h"		/* for news, and events as they come */

/* ------------------------------------------------------------- identity */

#include "identity.h"		/* names, addresses, passwords, tokens */
#include "chat.h"		/* sessions, and what happens in them */

/* ------------------------------------------------------------- limits */

/* How one of the caller's limits stands. */
struct sb_limit_state {
	const struct sb_limit_state *next;
	const char	*of;		/* the session's id, or the channel */
	int64_t		 limit, remaining;
	int64_t		 reset_at;	/* one more may come: now, or later */
	int64_t		 window;	/* seconds */
};

/*
 * The state of a limit of the caller's: of a channel by its name, of all
 * sessions that have counted lately with NULL.  NULL if it is off, if there is
 * none, or where the counts can't be read: then the request ends as a 503.
 */
const struct sb_limit_state *sb_limit_look(struct sb_request *,
	    enum sb_limit, const char *of);

/* ------------------------------------------------------------- the log */

enum sb_level { SB_DEBUG, SB_INFO, SB_WARNING, SB_ERROR, SB_LEVELS };

/* Writes one line.  Never give it a password, a token or a key. */
void	 sb_log(enum sb_level, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

/* For faults of ours: one line, a 500 for the request, exit. */
_Noreturn void sb_fatal(const char *format, ...)
	    __attribute__((format(printf, 1, 2)));

/* ------------------------------------------------------------- memory */

/* A text in the pool: never NULL, and it goes with the pool. */
char	*sb_printf(struct sb_pool *, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

/* ------------------------------------------------------- time and text */

/* Microseconds since the epoch, UTC. */
int64_t	 sb_now(void);

/* A new UUID, version 7 (RFC 9562 section 5.7). */
const char *sb_uuid(struct sb_pool *);

#include "banned.h"
#endif
