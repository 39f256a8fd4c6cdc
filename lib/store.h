/*
 * The store as a program sees it: queries that have a name (those of sql/), and
 * a request's one transaction, which begins and ends by itself.
 */
#ifndef SB_STORE_H
#define SB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queries.h"

struct sb_db;

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
	const void	*bytes;
	size_t		 length;
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

static inline struct sb_bind
sb_bind_bytes(const char *name, const void *bytes, size_t length)
{
	return (struct sb_bind){ .name = name, .bytes = bytes,
	    .length = length };
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

/*
 * A column by its name, which the query must have; NULL and 0 for NULL.  Texts
 * and bytes are in the request's memory.
 */
const char *sb_row_text(const struct sb_row *, const char *column);
int64_t	 sb_row_int(const struct sb_row *, const char *column);
const void *sb_row_bytes(const struct sb_row *, const char *column,
	    size_t *length);

/*
 * The time of the request's transaction, read once after its lock was taken;
 * before that, the time now.
 */
int64_t	 sb_db_now(struct sb_db *);

/*
 * What is read from here on is of one moment, so that an answer that takes
 * several queries says nothing that never was; until something is written, or
 * the request ends or waits.
 */
void	 sb_db_hold(struct sb_db *);

/* Keeps what was written although the handler is about to refuse. */
void	 sb_db_keep(struct sb_db *);

/* Waits at most so long for the store from here on, not 2 s. */
void	 sb_db_deadline(struct sb_db *, int64_t microseconds);

#endif
