/*
 * The installation's own secret: what is counted or signed inside it goes by
 * this one, so that nobody who reads the database can tell what was meant.  It
 * is made once, and never replaced: names that were given would change.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "internal.h"

#define NAME		"secret"
#define BYTES		32
#define DIGITS		43		/* of base64url */
#define HASH_BYTES	16
#define PATIENCE	(5 * SB_SECOND)

static unsigned char secret[BYTES];
static bool known;
static struct stat seen;		/* the file when it was read */
static int64_t looked_at = -SB_SECOND;	/* by the monotonic clock */

static const char *
secret_path(struct sb_pool *pool)
{
	return sb_printf(pool, "%s/" NAME, sb_settings.data);
}

/* NULL, or why not; a damaged file is SB_INTERNAL. */
static const char *
read_secret(struct sb_pool *pool, int fd, enum sb_status *status)
{
	char text[DIGITS + 2];		/* one more, to see that it is longer */
	unsigned char *bytes = NULL;
	ssize_t n = sb_read_all(fd, text, sizeof(text));
	size_t length = 0;

	if (n < 0)
		return strerror(errno);
	*status = SB_INTERNAL;
	if (n == DIGITS || (n == DIGITS + 1 && text[DIGITS] == '\n'))
		bytes = sb_unbase64url(pool, text, DIGITS, &length);
	explicit_bzero(text, sizeof(text));
	if (bytes == NULL || length != BYTES)
		return "is damaged: put it back from a backup; without it, "
		    "what it named is unknown";
	memcpy(secret, bytes, BYTES);
	known = true;
	*status = SB_NEXT;
	return NULL;
}

/* Of several processes the first makes it.  NULL, or why not. */
static const char *
make_secret(struct sb_pool *pool)
{
	unsigned char bytes[BYTES];
	const char *why = NULL, *text;
	int place;

	if (!sb_data_directory())
		return "no data directory";
	if ((place = sb_slot_take(NAME, 1, PATIENCE)) < 0)
		return "can't be locked to be made";
	sb_random(bytes, BYTES);
	text = sb_printf(pool, "%s\n", sb_base64url(pool, bytes, BYTES));
	explicit_bzero(bytes, BYTES);
	if (access(secret_path(pool), F_OK) != 0)
		why = sb_data_write(NAME, text, false);
	sb_slot_leave(place);
	return why;
}

static int
open_secret(struct sb_pool *pool)
{
	return open(secret_path(pool), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* Reads it, and makes it if there is none.  NULL, or why not. */
static const char *
have(struct sb_pool *pool, enum sb_status *status)
{
	const char *why = NULL;
	int fd = open_secret(pool);

	*status = SB_UNAVAILABLE;
	if (fd < 0 && errno == ENOENT) {
		if ((why = make_secret(pool)) != NULL)
			return why;
		fd = open_secret(pool);
	}
	if (fd < 0)
		return strerror(errno);
	why = read_secret(pool, fd, status);
	close(fd);
	return why;
}

/* At most once a second: it may have come back from a backup. */
static bool
is_changed(struct sb_pool *pool, struct stat *now)
{
	if (known && sb_monotonic() - looked_at < SB_SECOND)
		return false;
	looked_at = sb_monotonic();
	*now = (struct stat){ 0 };
	stat(secret_path(pool), now);
	return !known || !sb_data_same(now, &seen);
}

/* A process that has the secret goes on although its file gets damaged. */
static bool
get(struct sb_request *rq)
{
	enum sb_status status;
	struct stat now;
	const char *why;

	if (!is_changed(rq->pool, &now))
		return true;
	if ((why = have(rq->pool, &status)) == NULL) {
		seen = now;
		return true;
	}
	sb_log(SB_ERROR, "%s: %s", secret_path(rq->pool), why);
	if (!known)
		sb_db_fail(rq->db, status, "the installation's secret can't "
		    "be had");
	return known;
}

const unsigned char *
sb_secret_bytes(struct sb_request *rq, const char *purpose, const char *text)
{
	const size_t before = strlen(purpose) + 1, n = before + strlen(text);
	unsigned char *message, *digest;

	if (!get(rq))
		return NULL;
	message = sb_alloc(rq->pool, n);
	memcpy(message, purpose, before);
	memcpy(message + before, text, n - before);
	digest = sb_alloc(rq->pool, SB_SECRET_BYTES);
	if (HMAC(EVP_sha256(), secret, BYTES, message, n, digest, NULL) == NULL)
		sb_fatal("no HMAC");
	return digest;
}

const char *
sb_secret_hash(struct sb_request *rq, const char *purpose, const char *text)
{
	const unsigned char *bytes = sb_secret_bytes(rq, purpose, text);
	char *hex;

	if (bytes == NULL)
		return NULL;
	hex = sb_alloc(rq->pool, 2 * HASH_BYTES + 1);
	sb_hex(hex, bytes, HASH_BYTES);
	return hex;
}
