/*
 * What the unit tests share: a data directory of their own, requests that come
 * from memory and go through the library's whole way, the log as a text, and
 * child processes.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include "internal.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define UUID		"01890a5d-ac96-774b-bcce-b302099a8057"

/* Setup and teardown of cmocka: settings, a data directory, a store in it. */
int	 memory_begin(void **state);
int	 memory_end(void **state);

/* Changes the data directory for an empty one and closes the store. */
void	 memory_anew(void);

/* The store, not opened by this.  It must not be open when a child is made. */
extern struct sb_db *memory_db;
void	 memory_close(void);

/* A file of the data directory; in memory that is never given back. */
const char *memory_path(const char *name);

struct memory_request {
	const char	*method, *target;	/* NULL: GET */
	const char	*type;			/* Content-Type */
	const char	*body;			/* NULL: none */
	size_t		 length;		/* 0: up to its NUL */
	size_t		 at_once;		/* bytes a read; 0: any */
	size_t		 breaks_off;		/* after so many; 0: not */
	int		 leaves_at;		/* flush that fails; 0: none */
	const char	*more[12];		/* NAME=value */
};

struct memory_answer {
	int		 status;
	const char	*reason;
	const char	*headers;	/* lines that end with CRLF */
	const char	*body;
	size_t		 length;
	const char	*log;
	int		 finished;	/* how often the connection was */
};

/* Serves it with the store; what comes back is good until the next call. */
const struct memory_answer *memory_serve(const struct sb_route *,
	    struct memory_request);
#define CALL(routes, ...) \
	memory_serve(routes, (struct memory_request){ __VA_ARGS__ })

/* A header field's value; NULL if there is none, fails if there are two. */
const char *memory_header(const struct memory_answer *, const char *name);

/* Fails unless this is the status and the body, as JSON. */
void	 memory_expect(const struct memory_answer *, int status,
	    const char *json);

/* From the first on the log goes into a text, which the second returns. */
void	 memory_listen(void);
const char *memory_heard(void);

/* Runs it in a child, and waits for its status, or 1000 + its signal. */
pid_t	 memory_fork(int (*run)(void *), void *with);
int	 memory_wait(pid_t);

/* Memory that children share with us. */
void	*memory_shared(size_t);

/* Monotonic, in microseconds. */
int64_t	 memory_clock(void);
void	 memory_sleep(int64_t microseconds);

/* Runs an SQL text on the file, by a connection beside the library's. */
void	 memory_sql(const char *sql);
int64_t	 memory_sql_int(const char *sql);
const char *memory_sql_text(const char *sql);

#endif
