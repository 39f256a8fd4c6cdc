/*
 * The keys that sign tokens: SECRET_KEY, if it is set, and those of the key
 * file in the data directory, a JWK Set (RFC 7517) of symmetric keys.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <json-c/json.h>
#include <openssl/sha.h>

#include "internal.h"

#define FILE_MAX	65536
#define KEYS_MAX	64
#define SLACK		(SB_DAY / 24)	/* for a process that signs late */

/* SECRET_KEY first, then the file's, the newest first: the first one signs. */
struct ring {
	struct sb_key	 keys[KEYS_MAX];
	int		 count;
	enum sb_status	 why;		/* SB_NEXT: they are all there */
};

static struct ring ring;
static struct stat seen;		/* the file when it was read */
static int64_t looked_at = -SB_SECOND;	/* by the monotonic clock */

/* --------------------------------------------------------------- one key */

static void
set_kid(struct sb_key *key)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256(key->secret, key->length, digest);
	for (int i = 0; i < 8; i++)
		snprintf(key->kid + 2 * i, 3, "%02x", digest[i]);
}

static void
add_key(struct ring *to, const void *secret, size_t length, int64_t created_at)
{
	struct sb_key *key = &to->keys[to->count++];

	if ((key->secret = malloc(length)) == NULL)
		sb_fatal("out of memory");
	memcpy(key->secret, secret, length);
	key->length = length;
	key->created_at = created_at;
	set_kid(key);
}

static void
forget(struct ring *old)
{
	while (old->count > 0) {
		struct sb_key *key = &old->keys[--old->count];

		explicit_bzero(key->secret, key->length);
		free(key->secret);
	}
}

static int
newest_first(const void *a, const void *b)
{
	const struct sb_key *x = a, *y = b;

	return (x->created_at < y->created_at) - (x->created_at >
	    y->created_at);
}

/* --------------------------------------------------------------- the file */

static const char *
key_path(struct sb_pool *pool)
{
	return sb_printf(pool, "%s/signing-keys.json", sb_settings.data);
}

static const char *
member(struct json_object *key, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(key, name, &value) ||
	    !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

/* Adds the set's symmetric keys.  What is wrong with it, or NULL. */
static const char *
add_set(struct sb_pool *pool, struct json_object *set, struct ring *to)
{
	struct json_object *keys, *iat;
	unsigned char *secret;
	const char *k;
	size_t n = 0;

	if (!json_object_is_type(set, json_type_object) ||
	    !json_object_object_get_ex(set, "keys", &keys) ||
	    !json_object_is_type(keys, json_type_array))
		return "is not a JWK Set";
	for (size_t i = 0; i < json_object_array_length(keys); i++) {
		struct json_object *key = json_object_array_get_idx(keys, i);

		if (strcmp(member(key, "kty"), "oct") != 0)
			continue;
		k = member(key, "k");
		secret = sb_unbase64url(pool, k, strlen(k), &n);
		if (secret == NULL || n < SB_KEY_MIN)
			return "has a key that is too short or malformed";
		if (to->count == KEYS_MAX)
			return "has too many keys";
		if (!json_object_object_get_ex(key, "iat", &iat))
			iat = NULL;
		add_key(to, secret, n, json_object_get_int64(iat));
	}
	return to->count == 0 ? "has no key" : NULL;
}

/* The length read, or -1. */
static ssize_t
read_all(int fd, char *text, size_t max)
{
	size_t n = 0;
	ssize_t got;

	do {
		got = read(fd, text + n, max - n);
		if (got > 0)
			n += (size_t)got;
	} while ((got > 0 && n < max) || (got < 0 && errno == EINTR));
	return got < 0 ? -1 : (ssize_t)n;
}

/*
 * Adds the file's keys.  What is wrong with it, or NULL; to->why says whether
 * it can't be had, which may pass, or is damaged.
 */
static const char *
add_file(struct sb_pool *pool, struct ring *to)
{
	char *text = sb_alloc(pool, FILE_MAX + 1);
	int fd = open(key_path(pool), O_RDONLY | O_CLOEXEC), error = errno;
	struct json_object *set = NULL;
	const char *wrong;
	size_t offset;
	ssize_t n = -1;

	to->why = SB_UNAVAILABLE;
	if (fd >= 0) {
		n = read_all(fd, text, FILE_MAX);
		error = errno;
		close(fd);
	}
	if (n < 0)
		return strerror(error);
	to->why = SB_INTERNAL;
	if (n == FILE_MAX)
		return "is too long";
	if (sb_json_parse(text, (size_t)n, &set, &offset) != NULL)
		return "is not JSON";
	wrong = add_set(pool, set, to);
	json_object_put(set);
	if (wrong == NULL)
		to->why = SB_NEXT;
	return wrong;
}

static const char *
new_set(struct sb_pool *pool)
{
	unsigned char secret[SB_KEY_MIN];
	struct sb_key key = { .secret = secret, .length = sizeof(secret) };
	const char *text;

	sb_random(secret, sizeof(secret));
	set_kid(&key);
	text = sb_printf(pool, "{\"keys\":[\n"
	    "{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"%s\","
	    "\"k\":\"%s\",\"iat\":%lld}\n]}\n", key.kid,
	    sb_base64url(pool, secret, sizeof(secret)),
	    (long long)(sb_now() / SB_SECOND));
	explicit_bzero(secret, sizeof(secret));
	return text;
}

/* NULL, or why not. */
static const char *
write_and_sync(int fd, const char *text)
{
	ssize_t n = (ssize_t)strlen(text), put = write(fd, text, (size_t)n);

	if (put >= 0 && put < n)
		return strerror(ENOSPC);
	return put < 0 || fsync(fd) != 0 ? strerror(errno) : NULL;
}

static void
sync_directory(void)
{
	int fd = open(sb_settings.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/*
 * Makes the file whole or not at all: of several processes that try at once,
 * link(2) lets one win.  NULL, or why not.
 */
static const char *
make_file(struct sb_pool *pool)
{
	char *temporary = sb_printf(pool, "%s.XXXXXX", key_path(pool));
	const char *why;
	int fd;

	if (!sb_data_directory())
		return "no data directory";
	if ((fd = mkostemp(temporary, O_CLOEXEC)) < 0)
		return strerror(errno);
	why = write_and_sync(fd, new_set(pool));
	close(fd);
	if (why == NULL && link(temporary, key_path(pool)) != 0 &&
	    errno != EEXIST)
		why = strerror(errno);
	unlink(temporary);
	sync_directory();
	return why;
}

/* ------------------------------------------------------------- all of them */

static bool
has_file(struct sb_pool *pool)
{
	return access(key_path(pool), F_OK) == 0 || errno != ENOENT;
}

/* Reads the file anew.  Where it can't be read, the keys there are stay. */
static void
load(void)
{
	const char *secret_key = sb_settings.secret_key, *wrong = NULL;
	struct sb_pool *pool = sb_pool_new();
	struct ring fresh = { .count = 0 };
	int own = secret_key != NULL;

	if (own)
		add_key(&fresh, secret_key, strlen(secret_key), 0);
	else if (!has_file(pool))
		wrong = make_file(pool);
	if (wrong != NULL)
		fresh.why = SB_UNAVAILABLE;
	else if (has_file(pool))
		wrong = add_file(pool, &fresh);
	qsort(fresh.keys + own, (size_t)(fresh.count - own),
	    sizeof(fresh.keys[0]), newest_first);
	if (wrong != NULL)
		sb_log(SB_ERROR, "%s: %s", key_path(pool), wrong);
	sb_log(SB_DEBUG, "signing keys: %d, and %d before", fresh.count,
	    ring.count);
	if (wrong == NULL || ring.count == 0) {
		forget(&ring);
		ring = fresh;
	} else {
		forget(&fresh);
		ring.why = fresh.why;
	}
	sb_pool_free(pool);
}

/* At most once a second: somebody may have added a key, or taken one away. */
static bool
is_changed(void)
{
	struct sb_pool *pool;
	struct stat now = { 0 };
	bool changed;

	if (sb_monotonic() - looked_at < SB_SECOND)
		return false;
	looked_at = sb_monotonic();
	pool = sb_pool_new();
	stat(key_path(pool), &now);
	sb_pool_free(pool);
	changed = ring.count == 0 || ring.why != SB_NEXT ||
	    now.st_ino != seen.st_ino ||
	    now.st_size != seen.st_size ||
	    now.st_mtim.tv_sec != seen.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != seen.st_mtim.tv_nsec;
	seen = now;
	return changed;
}

/* Whether every token that a key can have signed has expired. */
static bool
is_retired(int i)
{
	int64_t lifetime = sb_settings.refresh_token_expire_days * SB_DAY;

	/* What took its place is the key before it, if that has a time. */
	return i > 0 && ring.keys[i - 1].created_at > 0 &&
	    ring.keys[i - 1].created_at * SB_SECOND + lifetime + SLACK <
	    sb_now();
}

static const struct sb_key *
find(const char *kid)
{
	for (int i = 0; i < ring.count && !is_retired(i); i++)
		if (kid == NULL || strcmp(ring.keys[i].kid, kid) == 0)
			return &ring.keys[i];
	return NULL;
}

const struct sb_key *
sb_key_find(const char *kid, enum sb_status *why)
{
	const struct sb_key *key;

	if (is_changed())
		load();
	key = find(kid);
	*why = key == NULL ? ring.why : SB_NEXT;
	return key;
}
