/*
 * What the library's own files, the command line and tests share and no program
 * in cgi/ may use: the connection, the way of a request, and the joints between
 * the steps of that way.
 */
#ifndef SB_INTERNAL_H
#define SB_INTERNAL_H

#include <sys/types.h>

#include "sb.h"

struct json_object;
struct stat;

/* -------------------------------------------------------------- conn.c */

/*
 * One request from a web server: FastCGI, CGI or, in tests, memory.  Its
 * parameters are those of RFC 3875, as a list of NAME=value ended by NULL.
 */
struct sb_conn {
	char		**params;
	/* Reads up to n bytes of the body; 0 at its end, -1 if it broke off. */
	ssize_t		(*read)(struct sb_conn *, void *, size_t n);
	bool		(*write)(struct sb_conn *, const void *, size_t n);
	void		(*finish)(struct sb_conn *);
	void		*impl;
	/* Sends what was written; false: nobody takes it any more. */
	bool		(*flush)(struct sb_conn *);
	/*
	 * Waits so long, or until that descriptor, unless it is -1, has
	 * something to read; false at once if nobody takes what we write, or
	 * we should end.
	 */
	bool		(*pause)(struct sb_conn *, int64_t microseconds,
			    int news);
};

/* A parameter's value, or NULL.  The first of several of one name. */
const char *sb_param(const struct sb_conn *, const char *name);

/* The process's own request, from its environment and standard input. */
void	 sb_conn_cgi(struct sb_conn *, char **environment);

/*
 * From then on a write doesn't wait for who doesn't read, and fails; 0: never.
 * A client may keep a process no longer than that.
 */
void	 sb_conn_limit(int64_t microseconds);

/*
 * Accepts requests on standard input and calls serve with each, until SIGTERM,
 * SIGINT or SIGUSR1, which let the request in hand finish.  more() is asked
 * before it waits for one and ends the loop, too; fit(), when one has come,
 * leaves it to another process.
 */
void	 sb_conn_fastcgi(void (*serve)(struct sb_conn *), bool (*more)(void),
	    bool (*fit)(void));

/* -------------------------------------------------------------- prefork.c */

/*
 * Runs work() in `workers' children of this process, which end with its status,
 * replaces those that end, and forks up to `waiters' more while as many wait
 * (sb_wait_begin).  After SIGHUP, or when a child ended with SB_OUTDATED, it
 * becomes the program argv, if that would start; children finish what they have
 * in hand.  Returns in the parent after the end of all children: after a signal
 * to stop, or if one is outdated, as a new one would be.
 */
#define SB_OUTDATED	75	/* EX_TEMPFAIL */
void	 sb_prefork(int workers, int waiters, int (*work)(void), char **argv);

/*
 * Says that this process is busy for long, and that another should serve in its
 * place; and that this is over.  Whoever begins, whatever he is told, ends;
 * what waits may wait for something else meanwhile.
 */
bool	 sb_wait_begin(void);	/* false: there can't be another */
void	 sb_wait_end(void);

/* False once this worker is one too many and should end. */
bool	 sb_worker_wanted(void);

/* Has the parent call sb_worker_start; false if there is no parent. */
bool	 sb_prefork_call(void);

/* The parent, for a worker; else 0. */
pid_t	 sb_prefork_parent(void);

/* -------------------------------------------------------------- confine.c */

/* What a process is there for: requests, one request, or webhooks. */
enum sb_role { SB_SERVES, SB_SERVES_ONE, SB_SENDS };

/* Whether sb_confine does something: it is wanted, and the kernel has it. */
bool	 sb_confine_wanted(void);

/*
 * Gives up all files but the data directory's and what else the role reads, and
 * all calls of the kernel that it doesn't take: for good, and for all that this
 * process starts.  Another file stays open to it unless that is NULL.  Ends it
 * if the kernel has all this and yet refuses.
 */
void	 sb_confine(enum sb_role, const char *also);

/*
 * False once something else lies where one of those places was, or one came to
 * be that wasn't there: this process can't use it, so it should end for one
 * that can.
 */
bool	 sb_confine_holds(void);

/* By what this kernel can confine, "Landlock (ABI 7) and seccomp"; or NULL. */
const char *sb_confine_means(struct sb_pool *);

/* -------------------------------------------------------------- syscalls.c */

bool	 sb_syscalls_available(void);
void	 sb_syscalls_allow(enum sb_role);	/* these, from here on */

/* -------------------------------------------------------------- process.c */

/* The first thing that a main does. */
void	 sb_process_begin(void);

/* -------------------------------------------------------------- slot.c */

/*
 * Takes one of `slots' places of that name, over all processes, waiting for it
 * up to so many microseconds; those from `first' on, where a name has several
 * sets of places.  Returns a handle >= 0 for sb_slot_leave; -1 if all are
 * taken, -2, with a log line, if nobody can tell.  The kernel frees the place
 * of a process that ends, however it does.
 */
#define sb_slot_take(name, slots, patience) \
	sb_slot_take_from(name, 0, slots, patience)
int	 sb_slot_take_from(const char *name, int64_t first, int slots,
	    int64_t patience);

/* Whether the first place of that name is taken now. */
bool	 sb_slot_is_taken(const char *name);
void	 sb_slot_leave(int handle);

/* -------------------------------------------------------------- serve.c */

struct sb_value {
	bool		 present;
	const char	*text;		/* of an SB_TEXTS all of it, as JSON */
	int64_t		 number;
	const char *const *texts;	/* its items, ended by NULL */
};

#define SB_DEPTH	8	/* of objects in an answer */

/* An object that is put together: what is open in it, the outermost first. */
struct sb_body {
	struct json_object *object[SB_DEPTH];	/* NULL: nothing yet */
	const struct sb_field *fields[SB_DEPTH];
	enum sb_kind	 kind[SB_DEPTH];	/* SB_OBJECT, _LIST or _MAP */
	int		 depth;
};

struct sb_response {
	enum sb_status	 status;
	struct sb_request *rq;
	struct sb_body	*into;		/* where fields go: one of these */
	struct sb_body	 answer, error, draft;
	struct sb_body	*left;		/* where they went before a draft */
	struct json_object *refusal;	/* a refusal's body, in its place */
	enum sb_status	 refused;	/* its status */
	const char	*content;	/* another body than JSON */
	size_t		 content_length;
	const char	*media;
	const char	*cache;		/* Cache-Control; NULL: none */
	char		*headers;	/* lines so far */
	size_t		 headers_length, headers_size;
	const char	*fault;		/* the handler's own, or NULL */
	const char	*limit;		/* the strictest one's name, or NULL */
	struct sb_limit_state strictest;
	int64_t		 limited_at;	/* when that was looked at */
	bool		 replayed;	/* it is an earlier request's */
	int		 retry_after;	/* of a 503, in seconds; 0: 1 */
	bool		 sent;		/* all of it, or its header fields */
};

/* What the library knows of a request and a handler needn't. */
struct sb_way {
	struct sb_conn	*conn;
	const char	*program;
	const struct sb_route *routes;
	const struct sb_route *route;	/* that matched, or NULL */
	const char	*method;	/* as it came */
	enum sb_method	 verb;		/* SB_NONE: not one of ours */
	bool		 head;
	const char	*path;		/* decoded, without prefix; NULL: bad */
	const char	*query;		/* raw, "" if there is none */
	const char	*origin;	/* or NULL */
	const char	*authorization;	/* or NULL */
	const char	*content_type;	/* or NULL */
	char		*body;		/* ended by a NUL that isn't part */
	size_t		 body_length;
	bool		 body_too_large;	/* for any route */
	bool		 secret;	/* no cache may keep the answer */
	const struct sb_pair *path_values;	/* of the {} in the path */
	struct sb_value	*values;	/* by the route's input fields */
	struct sb_check	*check;		/* what they were checked by */
	struct sb_wait	*wait;		/* it waits; or NULL */
	const struct sb_news *news;	/* to be told after the commit */
	struct sb_repeat *repeat;	/* its key; NULL: it has none */
	int64_t		 started;
};

/*
 * The steps of the way, in order.  Each returns SB_NEXT or the status of the
 * answer it has made.
 */
enum sb_status sb_request_read(struct sb_request *, struct sb_response *);
enum sb_status sb_cors_preflight(struct sb_request *, struct sb_response *);
enum sb_status sb_route_match(struct sb_request *, struct sb_response *);
enum sb_status sb_route_admit(struct sb_request *, struct sb_response *);
enum sb_status sb_check_input(struct sb_request *, struct sb_response *);

/*
 * The bearer token (RFC 6750) of an Authorization header field, "" if it isn't
 * exactly one word.  NULL if there is no field or its scheme is another.
 */
const char *sb_bearer_token(const char *field);

/* Serves one request from its first byte to its log line. */
void	 sb_serve(struct sb_conn *, const char *program,
	    const struct sb_route *, struct sb_db *);

/* Ends the request in hand, if there is one, with a 500. */
void	 sb_serve_abort(void);

/* The id of the request in hand, or NULL. */
const char *sb_serve_request_id(void);

/* -------------------------------------------------------------- metrics.c */

/*
 * From here on the program's requests are counted for /metrics, if that is on;
 * and makes its file ready now, before the first request and the first fork.
 */
void	 sb_metrics_begin(const struct sb_program *);
void	 sb_metrics_open(void);

/* Says that this process is here for more than one request. */
void	 sb_metrics_stay(void);

/* Counts a request that has its answer. */
void	 sb_metrics_count(const struct sb_response *);

/* What the request in hand did: it waited for a hash, and had it or not. */
void	 sb_metrics_hash(bool hashed, int64_t waited);

/* -------------------------------------------------------------- gzip.c */

/* Whether a client takes it, by its Accept-Encoding, which may be NULL. */
bool	 sb_gzip_accepted(const char *accept_encoding);

/*
 * The bytes in gzip's format (RFC 1952) and how many those are, in the pool;
 * NULL if that failed.
 */
char	*sb_gzip(struct sb_pool *, const char *bytes, size_t n,
	    size_t *length);

/* -------------------------------------------------------------- file.c */

/*
 * The folder that the installation is in, bin and share: the one that all of
 * it is in, or else by the program's own place in libexec/switchboard; in the
 * pool.  NULL if that is not known.
 */
const char *sb_home(struct sb_pool *);

/* What stands in a page, and in the OpenAPI document, for sb_put_page. */
#define SB_MARK_PREFIX	"@PREFIX@"	/* the mount prefix */
#define SB_MARK_SERVER	"@SERVER@"	/* the same, or / for none */

/*
 * Answers with these bytes, which are in the pool, as what the route's media
 * says; packed where the client takes that.  Returns SB_OK.
 */
enum sb_status sb_put_packed(struct sb_response *, const char *, size_t);

/* -------------------------------------------------------------- header.c */

/* Header fields of answers that clients go by; the table has their names. */
enum sb_header_field {
	SB_IDEMPOTENCY_REPLAYED,
	SB_RATELIMIT,
	SB_RATELIMIT_POLICY,
	SB_RETRY_AFTER,
	SB_WWW_AUTHENTICATE,
	SB_X_RATELIMIT_LIMIT,
	SB_X_RATELIMIT_REMAINING,
	SB_X_RATELIMIT_RESET,
	SB_X_RATELIMIT_WARNING,
	SB_X_RATELIMIT_WINDOW,
	SB_X_REQUEST_ID,
	SB_HEADERS
};

extern const struct sb_header {
	const char	*name;
	bool		 exposed;	/* to pages of other origins */
	const char	*type;		/* of JSON Schema; NULL: string */
	const char	*doc;		/* in Markdown */
} sb_headers[SB_HEADERS];

/* -------------------------------------------------------------- response.c */

/* Media types of bodies. */
#define SB_MEDIA_JSON		"application/json"
#define SB_MEDIA_FORM		"application/x-www-form-urlencoded"
#define SB_MEDIA_MULTIPART	"multipart/form-data"

extern const struct sb_error sb_error_internal, sb_error_unavailable,
    sb_error_method, sb_error_too_large, sb_error_incomplete,
    sb_error_ambiguous, sb_error_unauthenticated;

void	 sb_response_begin(struct sb_response *, struct sb_request *);

/* The fields of an error; what in its detail is replaced. */
extern const struct sb_field sb_error_fields[];
#define SB_ERROR_ABOUT		"%s"

/* Makes the answer this error's, whatever it was: the library's refusals. */
enum sb_status sb_refuse(struct sb_response *, const struct sb_error *);

/* The same with what its %s stands for; NULL if it has none. */
enum sb_status sb_refuse_about(struct sb_response *, const struct sb_error *,
	    const char *about);

/* Makes the answer this one; takes the reference. */
enum sb_status sb_refuse_with(struct sb_response *, enum sb_status,
	    struct json_object *body);

/* Makes it {"detail":[…]}; takes the reference. */
enum sb_status sb_refuse_invalid(struct sb_response *, struct json_object *);

/* Writes the body down, as it will be sent, unless that is done. */
void	 sb_response_finish(struct sb_response *);
bool	 sb_response_send(struct sb_response *);
int	 sb_status_number(enum sb_status);
const char *sb_status_reason(enum sb_status);

/* -------------------------------------------------------------- answer.c */

/* A time as a number of seconds, to the microsecond; the caller's reference. */
struct json_object *sb_json_seconds(struct sb_pool *, int64_t microseconds);

/* Fields go into this object, of that table, from here on. */
void	 sb_body_begin(struct sb_response *, struct sb_body *,
	    struct json_object *, const struct sb_field *);

/* Holds a handler's answer to its route; what is wrong, or NULL. */
const char *sb_response_wrong(const struct sb_response *);

/* -------------------------------------------------------------- address.c */

/*
 * The client's address, canonical: the peer's or, where that is one of
 * TRUSTED_PROXIES, the rightmost of X-Forwarded-For (or NULL) that is none of
 * them; the peer's, too, if there is none to the right of what is no address.
 * NULL if it is not known.
 */
const char *sb_address_client(struct sb_pool *, const char *peer,
	    const char *forwarded_for);

/* Whether the peer, or NULL, is one of TRUSTED_PROXIES. */
bool	 sb_address_trusted(struct sb_pool *, const char *peer);

/*
 * What an address is counted as: an IPv4 address itself, an IPv6 one its /64,
 * as 2001:db8:0:1::/64; what is no address, or NULL, itself.
 */
const char *sb_address_counted(struct sb_pool *, const char *address);

/*
 * Whether it is a list of addresses and CIDR blocks, separated by commas.  Bits
 * outside of a block's prefix may be set, and count for nothing.
 */
bool	 sb_is_networks(const char *list);

/* -------------------------------------------------------------- secret.c */

/*
 * What nobody can make, or read back, who hasn't the installation's own secret:
 * HMAC-SHA256 (RFC 2104) over purpose, NUL and text, whole or the first half of
 * it as 32 hex digits.  NULL if the secret can't be had: then the request has
 * failed.
 */
#define SB_SECRET_BYTES	32
const unsigned char *sb_secret_bytes(struct sb_request *, const char *purpose,
	    const char *text);
const char *sb_secret_hash(struct sb_request *, const char *purpose,
	    const char *text);

/* -------------------------------------------------------------- limit.c */

/*
 * The two steps of limits, each in one transaction: `address' or `user', then
 * `session' and `channel' of what the route finds.  Each says SB_NEXT after it
 * has counted, or refuses: with a 429, or a 503 where it couldn't count.
 */
enum sb_status sb_limit_caller(struct sb_request *, struct sb_response *);
enum sb_status sb_limit_subject(struct sb_request *, struct sb_response *);

/*
 * Whether there is room under that key for one more wrong password: by a look,
 * by one under the lock, or by counting it.  SB_NEXT, or a refusal; *used is
 * how many count then.
 */
enum sb_take { SB_TAKE_LOOK, SB_TAKE_LOCK, SB_TAKE_COUNT };
enum sb_status sb_limit_guess(struct sb_response *, const char *key,
	    enum sb_take, int64_t *used);

/* A limit's name, and what it counts, as half a sentence. */
const char *sb_limit_name(enum sb_limit);
const char *sb_limit_doc(enum sb_limit);

/* The state of one that is full until then. */
struct sb_limit_state sb_limit_full(enum sb_limit, int64_t until);

/* Opens the counts before the first request, if any route counts. */
void	 sb_limit_prepare(const struct sb_route *);

/*
 * How many moments of a row of counts still count, and how its limit stands; 0
 * for a key of none.
 */
int64_t	 sb_limit_counted(struct sb_pool *, const struct sb_row *, int64_t now,
	    struct sb_limit_state *);

/* Deletes some counts that are over; how many there were. */
int64_t	 sb_limit_expire(struct sb_db *, int some);

/* -------------------------------------------------------------- limited.c */

/*
 * The answer will tell how that limit stood, unless it tells of a stricter one
 * already; or is a 429 because of it.
 */
void	 sb_limited_tell(struct sb_response *, const char *name,
	    const struct sb_limit_state *, int64_t now);
enum sb_status sb_limited_refuse(struct sb_response *, const char *name,
	    const struct sb_limit_state *, int64_t now);

/* Adds the header fields of the strictest limit that was taken. */
void	 sb_limited_headers(struct sb_response *);

/* The fields of a 429. */
extern const struct sb_field sb_limited_fields[];

/* -------------------------------------------------------------- wake.c */

/*
 * Whoever listens to that (a session's id, "outbox") has news: woken are all
 * processes of this data directory, after the commit of what is news.  With
 * nobody there it costs an open that fails.
 */
void	 sb_wake(struct sb_pool *, const char *about);

/*
 * Listens from here on.  Returns a descriptor that can be read from, by poll,
 * once there is news; -1, with a log line, if it couldn't be.  Whoever commits
 * may be killed before he wakes: look every 15 s, too.
 *
 * A datagram is the text `about', and a socket may have a link in the folder of
 * each of many sessions, so one process can wait for thousands by one; when it
 * finds as many at once as a queue holds, others may have been lost.
 */
int	 sb_wake_listen(struct sb_pool *, const char *about);
bool	 sb_wake_drain(int listener);	/* whether there was any */
void	 sb_wake_end(struct sb_pool *, int listener, const char *about);

/* Takes away what listeners that were killed have left, of all. */
void	 sb_wake_tidy(struct sb_pool *);

/* -------------------------------------------------------------- wait.c */

/* A request that waits, in the request's own memory. */
struct sb_wait {
	const char	*about;		/* NULL: time alone */
	int		 listener;	/* -1: likewise */
	struct sb_pool	*pool;		/* of a round, or between pauses */
	bool		 streams;
	int64_t		 end;		/* of its time; monotonic, as next */
	int64_t		 sent_at;	/* the last event or comment */
};

/* Ends the transaction; if it is committed, tells whom sb_tell named. */
bool	 sb_wait_commit(struct sb_request *, bool commit);

/* -------------------------------------------------------------- stream.c */

/*
 * Whether an answer's header fields are those of a stream; whether it goes on
 * after them, as that of HEAD doesn't; and that.
 */
bool	 sb_stream_begins(const struct sb_response *);
bool	 sb_stream_follows(const struct sb_response *);
void	 sb_stream_run(struct sb_response *);

/* --------------------------------------------------------- idempotency.c */

extern const struct sb_error sb_error_repeat;

/* Which field of a route's input the Idempotency-Key is; -1 if none is. */
int	 sb_idempotency_field(const struct sb_route *);

/* Prepares the queries before the first request, if any route has a key. */
void	 sb_idempotency_prepare(struct sb_db *, const struct sb_route *);

/*
 * A step of the way, the last before the handler: takes the request's key, if
 * it has one, or answers as the first request did that had it.
 */
enum sb_status sb_idempotency_begin(struct sb_request *, struct sb_response *);

/* Keeps the finished answer, or lets the key go, before the commit. */
void	 sb_idempotency_end(struct sb_response *, bool succeeded);

/* Deletes some keys that are over; how many there were. */
int64_t	 sb_idempotency_expire(struct sb_db *, int some);

/* -------------------------------------------------------------- outbox.c */

/*
 * Puts into the request's transaction what is to be sent to the webhooks of all
 * keys of that user's: {"type":…,"timestamp":…,"data":…} with that event of the
 * session, as it stands there.  Once it is committed a worker is started or
 * woken.
 */
void	 sb_outbox_add(struct sb_request *, const char *user_id,
	    const char *session_id, int64_t number, const char *type);

/*
 * After a commit, and after its answer if one is waited for: sees to it that
 * what was put in is sent.
 */
void	 sb_outbox_committed(struct sb_request *);

/* -------------------------------------------------------------- pace.c */

/*
 * After a transaction that has deleted so many rows and took so long: pauses,
 * and returns how many the next should, at most that many, to take less than
 * the bound.
 */
int	 sb_pace(int rows, int most, int64_t took, int64_t bound);

/* -------------------------------------------------------------- worker.c */

#define SB_WORKER_SLOT	"work"	/* that the one that sends has taken */
#define SB_WORKER_NEWS	"outbox"	/* that it listens to */

/*
 * Sees to it that a worker looks at the outbox: wakes the one that runs, has
 * the prefork's parent start one, or starts it.
 */
void	 sb_worker_call(struct sb_pool *);

/*
 * Has a process of that name, for the log, by which this one starts a worker
 * when it is confined and can't itself.  It has nothing that is open here, and
 * ends with this one.  Who doesn't stay has it once a worker is expected.
 */
void	 sb_worker_prepare(const char *name, bool stays);

/*
 * Starts one that stays for a while, unless one runs, as nobody's child.  At
 * most once a second; where it can't, a log line says so.
 */
void	 sb_worker_start(void);

/* Whether there is a network: in a sandbox without it others have to send. */
bool	 sb_worker_can_send(void);

/* -------------------------------------------------------------- cors.c */

void	 sb_cors_headers(struct sb_response *);

/* What is wrong with CORS_ORIGINS and CORS_CREDENTIALS together, or NULL. */
const char *sb_cors_settings_wrong(void);

/* -------------------------------------------------------------- route.c */

extern const char *const sb_method_names[SB_METHODS];

/*
 * Decodes a path once (RFC 3986 section 2.1).  NULL if the result has U+0000
 * or is not UTF-8; a % without two hex digits stands for itself.
 */
char	*sb_path_decode(struct sb_pool *, const char *raw, size_t length);

/*
 * Sets the request's prefix and path from the raw target and from PATH_INFO,
 * SCRIPT_NAME (NULL if not given) and the ROOT_PATH setting.
 */
void	 sb_route_locate(struct sb_request *, const char *target,
	    const char *path_info, const char *script_name);

/* -------------------------------------------------------------- json.c */

/*
 * Parses exactly one RFC 8259 text, stricter than json-c does: UTF-8, no
 * U+0000, no name twice, at most 16 levels, no byte order mark.  Returns NULL
 * and sets *value, the caller's reference, NULL for the text `null'; or says
 * why it stopped, in the words of Python's json module, and sets *offset, in
 * bytes.  A number keeps its own text when it is printed.
 */
const char *sb_json_parse(const char *text, size_t length,
	    struct json_object **value, size_t *offset);

/* -------------------------------------------------------------- form.c */

/* A name and a value of a form or a query. */
struct sb_pair {
	const struct sb_pair *next;
	const char	*name;
	const char	*value;		/* ended by a NUL that isn't part */
	size_t		 length;
	const char	*wrong;		/* not UTF-8, U+0000; or NULL */
};

/* application/x-www-form-urlencoded, of a body or a query; in order. */
const struct sb_pair *sb_form_urlencoded(struct sb_pool *, const char *,
	    size_t);

/*
 * multipart/form-data (RFC 7578) with that Content-Type.  What is malformed
 * ends the list.  At most 100 parts.
 */
const struct sb_pair *sb_form_multipart(struct sb_pool *,
	    const char *content_type, const char *, size_t);

/* -------------------------------------------------------------- openapi.c */

/* Prints the program's part of the OpenAPI 3.1 document. */
void	 sb_openapi_print(const struct sb_program *);

/* -------------------------------------------------------------- base64.c */

/* Base64url without padding (RFC 4648 section 5). */
const char *sb_base64url(struct sb_pool *, const unsigned char *, size_t);

/* The bytes and their number; NULL if it is not base64url.  NUL after them. */
unsigned char *sb_unbase64url(struct sb_pool *, const char *, size_t,
	    size_t *length);

/* -------------------------------------------------------------- key.c */

#define SB_KEY_MIN	32	/* bytes */

struct sb_key {
	char		 kid[17];
	unsigned char	*secret;
	size_t		 length;
	int64_t		 since;		/* it was made, or signs; 0: unknown */
	int64_t		 until;		/* it verifies; INT64_MAX: no end */
	int		 place;		/* in the key file; -1: not in it */
	bool		 is_setting;	/* it is SECRET_KEY */
	bool		 may_sign;
	bool		 waits;		/* to become SECRET_KEY */
};

/*
 * The key of that id, or with NULL the one that signs, until the next call.
 * Makes the key file if there is none; reads it again when it has changed, and
 * looks for that at most once a second, but for a key that it doesn't know.
 * NULL if there is none, or if nobody can tell: then *why is SB_UNAVAILABLE, as
 * the file can't be had, or SB_INTERNAL, as it is damaged; else SB_NEXT.
 */
const struct sb_key *sb_key_find(const char *kid, enum sb_status *why);

/* The same for whoever holds a lock: nothing is made or waited for. */
const struct sb_key *sb_key_known(const char *kid, enum sb_status *why);

/*
 * Takes the keys out of the key file whose last token has expired.  Returns how
 * many there were, or -1 with a log line.
 */
int	 sb_key_tidy(void);

/* -------------------------------------------------------------- token.c */

/* Signs the claims by that key, whatever keys there are else. */
const char *sb_token_sign_by(struct sb_pool *, const struct sb_key *,
	    const struct sb_token *);

/* -------------------------------------------------------------- db.c, row.c */

struct sb_cell {
	const char	*name;
	const char	*text;		/* or bytes; NULL: neither */
	size_t		 length;	/* of bytes */
	int64_t		 number;
};

/* The files of the store. */
enum sb_store { SB_STORE_MAIN, SB_STORE_LIMITS, SB_STORE_BACKUP, SB_STORES };

struct sb_db *sb_db_new(enum sb_store);	/* opens nothing yet */
void	 sb_db_free(struct sb_db *);

/* Begins a request: answers go into its pool. */
void	 sb_db_attach(struct sb_db *, struct sb_pool *);

/* Ends it.  False if it could not be committed. */
bool	 sb_db_finish(struct sb_db *, bool commit);

/*
 * Opens the file, migrates it if need be, and prepares the queries of the
 * group, or of all groups with NULL.  False, with a log line, if it can't be
 * now; the next use of it tries again.
 */
bool	 sb_db_open(struct sb_db *, const char *group);

/* Remembers little of the file from now on: the process is one of many. */
void	 sb_db_frugal(struct sb_db *);

/* Whether the request has failed; and whether because the file is damaged. */
bool	 sb_db_failed(const struct sb_db *);
bool	 sb_db_damaged(const struct sb_db *);

/* Whether the write lock is held. */
bool	 sb_db_writing(const struct sb_db *);

/* What such a request is answered. */
const struct sb_error *sb_db_error(const struct sb_db *);

/* Makes the request a 503 or 500 for a reason other than the database's own. */
void	 sb_db_fail(struct sb_db *, enum sb_status, const char *why);

/*
 * Folds the WAL back into the file as far as nobody reads it, and waits for
 * nobody.  False, with a log line, if the file can't be had.
 */
bool	 sb_db_checkpoint(struct sb_db *);

/* True once a newer program has changed the file too far for this one. */
bool	 sb_db_outdated(struct sb_db *);

/*
 * The schema's step in the file, open or not: 0 if there is none, -1, with a
 * log line, if it can't be read; and in the program.
 */
int	 sb_db_step(struct sb_db *);
int	 sb_db_newest_step(void);

/* For schema.c: a script of several statements, and a transaction. */
bool	 sb_db_script(struct sb_db *, const char *sql, const char *what);
bool	 sb_db_begin(struct sb_db *);
bool	 sb_db_end(struct sb_db *, bool commit);

/* -------------------------------------------------------------- schema.c */

/* Brings an open file up to this program's step.  False if it couldn't. */
bool	 sb_schema_migrate(struct sb_db *);

/* Whether the file's step asks for programs that know more than this one. */
bool	 sb_schema_too_new(struct sb_db *, int step);

/* -------------------------------------------------------------- data.c */

/*
 * Makes the data directory, mode 0700, if there is none.  False, with a log
 * line, if it can't be had.
 */
bool	 sb_data_directory(void);

/*
 * Makes it, so that no power cut takes its name with what is promised in it.
 * False if it can't be made: errno has why.
 */
bool	 sb_data_make(void);

/*
 * Whether a path is that directory or leads into it or through it, whatever
 * links there are.  Nothing is taken to be in /, which servers name as their
 * document root when they have none.
 */
bool	 sb_lies_in(const char *path, const char *directory);

/* Whether there is no such file, or nothing in it. */
bool	 sb_is_empty(const char *path);

/* Whether the directory is on a network file system. */
bool	 sb_on_network(const char *directory);

/*
 * Writes a file of the data directory, mode 0600, whole or not at all, however
 * the process or the machine ends.  Without replace there must be none of that
 * name.  The caller holds a slot, so that no other process does so, too.
 * Returns NULL, or why not.
 */
const char *sb_data_write(const char *name, const char *text, bool replace);

/*
 * Gives an open file to the owner of the one at path or, if there is none and
 * root asks, to that of the data directory: the programs need it, too.  False
 * if it can't.
 */
bool	 sb_data_own(int fd, const char *path);

/*
 * Flushes a file or a folder; one that a network file system can't flush counts
 * as flushed.  False, with errno, if it isn't.
 */
bool	 sb_sync_path(const char *path);

/* Whether a file is as it was when it was looked at before. */
bool	 sb_data_same(const struct stat *, const struct stat *);

/* Reads up to n bytes, to the end of the file.  The number, or -1. */
ssize_t	 sb_read_all(int fd, char *, size_t n);

/* -------------------------------------------------------------- note.c */

/*
 * What was last done, and when, in a file of the data directory each: a backup
 * that was taken (with the members file, bytes), a tick that did all that it
 * had to (logins, counts, keys, repeats, webhooks: how many it deleted).
 */
enum sb_note { SB_NOTE_BACKUP, SB_NOTE_TICK, SB_NOTES };

/* A new one of that time, to be given its other members; in the pool. */
struct json_object *sb_note_new(struct sb_pool *, enum sb_note, int64_t at);

/*
 * Puts it in the place of the last one, or logs why it can't.  The caller holds
 * the slot of what was done.
 */
void	 sb_note_write(struct sb_pool *, enum sb_note, struct json_object *);

/* The last one, in the pool; NULL if there is none that can be read. */
struct json_object *sb_note_read(struct sb_pool *, enum sb_note);

/* A text out of it, or another object; NULL if there is none, or no object. */
const char *sb_json_text(struct json_object *, const char *name);

/* When it was done; 0 if nobody knows. */
int64_t	 sb_note_time(struct sb_pool *, enum sb_note);

/* -------------------------------------------------------------- settings.c */

/*
 * Reads the settings from the environment and the file.
 * Returns NULL, or one line that names the variable, its value unless it is a
 * secret, and what is accepted.
 */
const char *sb_settings_read(void);

/*
 * What another program of ours needs in its environment to have the same
 * settings, ended by NULL; nothing else is in it, least of all a client's
 * words.
 */
char	**sb_settings_environment(struct sb_pool *);

/* Sets them to their defaults, whatever is in the environment or the file. */
void	 sb_settings_default(void);

/* Prints them all: as a table for people, or as Markdown, or as JSON. */
enum sb_format { SB_AS_TEXT, SB_AS_MARKDOWN, SB_AS_JSON };
void	 sb_settings_print(enum sb_format);

/* -------------------------------------------------------------- password.c */

#define SB_SCRYPT_MAX	(INT64_C(256) << 20)	/* bytes that a hash may take */

/* Whether it was the one hashed.  A NULL hash takes as long and says no. */
bool	 sb_password_matches(struct sb_request *, const char *hash,
	    const char *password);

/* Why nobody could log in by such a hash from elsewhere, or NULL. */
const char *sb_password_hash_wrong(const char *hash);

/*
 * A password as it is hashed: NFC, every space U+0020 (RFC 8265 section 4.2,
 * OpaqueString).  NULL if it is not UTF-8.
 */
const char *sb_password_prepare(struct sb_pool *, const char *password);

/* -------------------------------------------------------------- log.c */

void	 sb_log_open(const char *program);

/*
 * From here on what LOG_FILE leads to now is written to, wherever it is moved.
 * False if it leads to nothing that can be written to.
 */
bool	 sb_log_keep(struct stat *);
void	 sb_log_close(void);

/* -------------------------------------------------------------- pool.c */

struct sb_pool *sb_pool_new(void);

/* Memory from a pool is zeroed, never NULL, and goes with the pool. */
void	*sb_alloc(struct sb_pool *, size_t);
char	*sb_copy(struct sb_pool *, const char *, size_t length);

/* Overwrites and gives back all memory, after calling what was deferred. */
void	 sb_pool_clear(struct sb_pool *);
void	 sb_pool_free(struct sb_pool *);
void	 sb_pool_defer(struct sb_pool *, void (*)(void *), void *);

/* Puts the reference when the pool goes. */
void	 sb_pool_json(struct sb_pool *, struct json_object *);

/* -------------------------------------------------------------- unicode.c */

/* Normal forms (UAX #15) and the full case folding of valid UTF-8. */
const char *sb_nfc(struct sb_pool *, const char *);
const char *sb_nfkc(struct sb_pool *, const char *);
const char *sb_casefold(struct sb_pool *, const char *);

/* -------------------------------------------------------------- text.c */

bool	 sb_is_uuid(const char *);

/* Microseconds of a clock that nobody sets. */
int64_t	 sb_monotonic(void);

/* As RFC 3339: 2025-10-14T10:53:47.237987Z. */
const char *sb_time_text(struct sb_pool *, int64_t);

/*
 * A copy with U+FFFD for each byte that isn't UTF-8, and its length in bytes,
 * if that is asked for.
 */
const char *sb_utf8_mend(struct sb_pool *, const char *, size_t,
	    size_t *length);

/* Whether the bytes are UTF-8 (RFC 3629: no overlong, no surrogate). */
bool	 sb_utf8_valid(const char *, size_t);

/* Length in code points of valid UTF-8. */
size_t	 sb_utf8_length(const char *);

/* The length in bytes of the first n code points of valid UTF-8. */
size_t	 sb_utf8_cut(const char *, size_t n);

/* A number for bytes, against damage and confusion, not against malice. */
uint64_t sb_fnv1a(const char *, size_t);

/* Two lower-case digits a byte, and a NUL. */
void	 sb_hex(char *to, const unsigned char *, size_t n);

/* SHA-256 (FIPS 180-4) of the bytes, so written. */
const char *sb_sha256_hex(struct sb_pool *, const void *, size_t n);

/* Bytes that cannot be guessed. */
void	 sb_random(void *, size_t);

#include "banned.h"

#endif
