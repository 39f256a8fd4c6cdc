/*
 * All that a program of switchboard may use, in the order of a tour: the
 * program and its tables, a request, its answer, the store, identity, settings,
 * the log, memory, time and text.  cgi/ includes nothing else of ours.
 */
#ifndef SB_H
#define SB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queries.h"

struct sb_db;
struct sb_pool;
struct sb_request;
struct sb_response;

#define SB_SECOND	INT64_C(1000000)	/* in microseconds */
#define SB_DAY		(24 * 60 * 60 * SB_SECOND)

/* ------------------------------------------------------------- a program */

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
	SB_OBJECT,		/* answers only: .fields */
	SB_KINDS
};

/* Where a field comes in.  Fields of answers are all in the body. */
enum sb_place {
	SB_IN_BODY,
	SB_IN_QUERY,
	SB_IN_PATH,		/* {name} in the path; no SB_UUID: a 404 */
	SB_PLACES
};

/* A field of an input or of an answer.  A table of them ends with SB_END. */
struct sb_field {
	const char	*name;
	enum sb_kind	 kind;
	const char	*doc;		/* a sentence */
	int64_t		 min, max;	/* code points, or value; both 0: any */
	enum sb_place	 in;
	bool		 optional;	/* may be absent; in JSON, null too */
	const char	*pattern;	/* POSIX extended regular expression */
	const char *const *choices;	/* of SB_ENUM, ended by NULL */
	const struct sb_field *fields;	/* of SB_OBJECT */
	const char	*example;
	/* What is wrong with a value, as half a sentence, or NULL. */
	const char	*(*wrong)(struct sb_pool *, const char *value);
};
#define SB_END	{ .name = NULL }

/* An error that a route can answer; its detail is what the caller reads. */
struct sb_error {
	enum sb_status	 status;
	const char	*detail;
	const char	*error;		/* OAuth 2's (RFC 6749 5.2), or NULL */
};

/* Who may call.  admit() fills in rq->caller and says SB_NEXT, or refuses. */
struct sb_access {
	const char	*scheme;	/* OpenAPI security scheme, or NULL */
	const struct sb_error *const *errors;	/* ended by NULL; or NULL */
	enum sb_status	(*admit)(struct sb_request *, struct sb_response *);
	void		(*prepare)(struct sb_db *);	/* before serving */
};
extern const struct sb_error sb_error_inactive;
extern const struct sb_access sb_access_public;
extern const struct sb_access sb_access_user;
#define SB_PUBLIC	(&sb_access_public)
#define SB_USER		(&sb_access_user)	/* a live access token */

/* What bodies a route takes; 0 is SB_JSON. */
#define SB_JSON		1
#define SB_FORM		2	/* urlencoded and multipart/form-data */

#define SB_ROUTE_ERRORS	6

typedef enum sb_status sb_handler(struct sb_request *, struct sb_response *);

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
	const char	*media;		/* of an answer by sb_put_file */
	const struct sb_error *errors[SB_ROUTE_ERRORS];
};
#define SB_BODY_MAX	((size_t)64 * 1024)

/*
 * Serves the routes: FastCGI if standard input is a listening socket, CGI (RFC
 * 3875) if GATEWAY_INTERFACE is set, else a command.  Returns the exit status.
 */
int	 sb_main(int argc, char **argv, const char *program,
	    const struct sb_route *routes);

/* ------------------------------------------------------------- a request */

/* Whom the request's access token speaks for; all NULL on public routes. */
struct sb_caller {
	const char	*user_id;
	const char	*login_id;
	const char	*email;
	const char	*username;
	int64_t		 created_at;
};

struct sb_request {
	struct sb_pool	*pool;		/* lives as long as the request */
	struct sb_db	*db;
	struct sb_caller caller;
	const char	*id;		/* the X-Request-ID */
	const char	*prefix;	/* mount prefix, "" or "/switchboard" */
	const char	*user_agent;	/* at most 256 code points, or NULL */
	const char	*address;	/* of the client, or NULL */
	struct sb_way	*way;		/* the library's */
};

/* An input field's value, checked already; NULL, 0 or false if absent. */
const char *sb_text(const struct sb_request *, int field);
int64_t	 sb_int(const struct sb_request *, int field);
bool	 sb_bool(const struct sb_request *, int field);
bool	 sb_has(const struct sb_request *, int field);

/* ------------------------------------------------------------- its answer */

/*
 * Puts a field of the answer, by its index in the route's table of answers and
 * in the table's order.  A declared field that is left out is a 500.
 */
void	 sb_put_text(struct sb_response *, int field, const char *);
void	 sb_put_int(struct sb_response *, int field, int64_t);
void	 sb_put_bool(struct sb_response *, int field, bool);
void	 sb_put_time(struct sb_response *, int field, int64_t);

/* Until the matching sb_close, fields go into this one, an SB_OBJECT. */
void	 sb_open(struct sb_response *, int field);
void	 sb_close(struct sb_response *);

/*
 * Answers with a file of the installation's share/switchboard, preceded by a
 * text or NULL and without its first skip bytes.  Returns SB_OK, or refuses.
 */
enum sb_status sb_put_file(struct sb_response *, const char *name,
	    const char *head, size_t skip);

/* Adds a header field, without control characters. */
void	 sb_put_header(struct sb_response *, const char *name,
	    const char *value);

/*
 * Refuses with an error that the route declares, and undoes what was written.
 * Returns its status: a handler ends with it.
 */
enum sb_status sb_fail(struct sb_response *, const struct sb_error *);

/* ------------------------------------------------------------- the store */

/*
 * Values are bound to a query's parameters by name, e.g.
 *
 *	row = sb_one(rq->db, SB_Q_USER_BY_EMAIL, sb_bind("key", key));
 *
 * A parameter :now is bound by the store itself: to sb_db_now().  A parameter
 * that is not given is NULL.
 */
struct sb_bind {
	const char	*name;
	const char	*text;
	int64_t		 number;
	bool		 is_number;
};

static inline struct sb_bind
sb_bind(const char *name, const char *text)
{
	return (struct sb_bind){ .name = name, .text = text };
}

static inline struct sb_bind
sb_bind_int(const char *name, int64_t number)
{
	return (struct sb_bind){ .name = name, .number = number,
	    .is_number = true };
}

/*
 * sb_one returns the first row or NULL; sb_all a list of all rows by ->next,
 * or NULL; sb_run the number of rows changed.  Rows are copies, in the
 * request's memory.  The first query that writes begins the request's
 * transaction (BEGIN IMMEDIATE), which is committed after the handler
 * succeeded and rolled back after it failed.
 *
 * Where the store is busy past its deadline, not writable or full, every call
 * from then on answers as if there were no row, and the request ends as a 503,
 * whatever the handler says.
 */
#define sb_one(db, query, ...) \
	sb_db_rows(db, query, SB_BINDS(__VA_ARGS__))
#define sb_all(db, query, ...) \
	sb_db_rows(db, query, SB_BINDS(__VA_ARGS__))
#define sb_run(db, query, ...) \
	sb_db_run(db, query, SB_BINDS(__VA_ARGS__))
#define SB_BINDS(...) \
	((const struct sb_bind[]){ __VA_ARGS__ __VA_OPT__(,) { 0 } })

struct sb_row {
	const struct sb_row *next;
	int		 columns;
	const struct sb_cell *cells;
};

const struct sb_row *sb_db_rows(struct sb_db *, enum sb_query,
	    const struct sb_bind *);
int64_t	 sb_db_run(struct sb_db *, enum sb_query, const struct sb_bind *);

/* A column by its name, which the query must have; NULL and 0 for NULL. */
const char *sb_row_text(const struct sb_row *, const char *column);
int64_t	 sb_row_int(const struct sb_row *, const char *column);

/*
 * The time of the request's transaction, read once after its lock was taken;
 * before that, the time now.
 */
int64_t	 sb_db_now(struct sb_db *);

/* Keeps what was written although the handler is about to refuse. */
void	 sb_db_keep(struct sb_db *);

/* Waits at most so long for the store from here on, not 2 s. */
void	 sb_db_deadline(struct sb_db *, int64_t microseconds);

/* ------------------------------------------------------------- identity */

/*
 * The key under which a user name is unique: NFKC, full case
 * folding, NFKC again.  NULL if it is not UTF-8.  In the pool.
 */
const char *sb_username_key(struct sb_pool *, const char *username);

/* What is wrong with a user name, as "must not …", or NULL. */
const char *sb_username_wrong(struct sb_pool *, const char *username);

/*
 * The key under which an address is unique: local part in NFC and case-folded,
 * domain as lower-case A-labels (RFC 5891).  NULL if it is no address.
 */
const char *sb_email_key(struct sb_pool *, const char *address);

/* What is wrong with an email address, a sentence, or NULL. */
const char *sb_email_wrong(struct sb_pool *, const char *address);

/* What is wrong with a new password, or NULL: RFC 8265 has no controls. */
const char *sb_password_wrong(struct sb_pool *, const char *password);

/*
 * Hashes a password by scrypt (RFC 7914) into an MCF string, with the
 * settings' parameters.  At most HASHES processes hash at a time; NULL if no
 * place came free within 5 s: the store has then failed, and the answer is a
 * 503.
 */
const char *sb_password_hash(struct sb_request *, const char *password);

/* Whether it was the one hashed.  A NULL hash takes as long and says no. */
bool	 sb_password_matches(struct sb_request *, const char *hash,
	    const char *password);

/* Whether a hash is weaker than the settings, or not by scrypt. */
bool	 sb_password_outdated(const char *hash);

enum sb_token_type { SB_TOKEN_ACCESS, SB_TOKEN_REFRESH, SB_TOKEN_TYPES };

/* The claims of a token (RFC 7519). */
struct sb_token {
	enum sb_token_type type;
	const char	*kid;
	const char	*jti;
	const char	*sid;		/* the login */
	const char	*sub;		/* the user */
	const char	*username;	/* access tokens only */
	int64_t		 iat;		/* seconds */
	int64_t		 exp;		/* seconds */
};

/*
 * Signs the claims (JWS compact serialisation, HS256).  The same claims and
 * kid give the same text.  NULL if there is no key of that kid any more.
 * Where the key file can't be had, the request ends as a 503.
 */
const char *sb_token_sign(struct sb_request *, const struct sb_token *);

/* Reads a token of ours, of that type, not expired.  False for any other. */
bool	 sb_token_verify(struct sb_request *, const char *text,
	    enum sb_token_type, struct sb_token *);

/* The kid of the key that signs now. */
const char *sb_token_kid(struct sb_request *);

/* ------------------------------------------------------------- settings */

/* Names, ranges and meanings are in the table of settings.c. */
struct sb_settings {
	const char	*environment;
	bool		 debug;
	const char	*data;
	const char	*env_file;	/* the file that was read, or NULL */
	const char	*secret_key;	/* NULL: the key file's newest */
	const char	*algorithm;
	int64_t		 access_token_expire_minutes;
	int64_t		 refresh_token_expire_days;
	int64_t		 scrypt_n, scrypt_r, scrypt_p;
	int64_t		 hashes;
	const char	*cors_origins;
	bool		 cors_credentials;
	const char	*root_path;
	const char	*trusted_proxies;	/* or NULL */
	const char	*log_level;
	const char	*log_file;
	const char	*log_format;
	int64_t		 workers;	/* 0: not set, no prefork */
	int64_t		 waiters;
};
extern struct sb_settings sb_settings;

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
