/*
 * Passwords: scrypt (RFC 7914) in libscrypt's MCF strings, a bounded number at
 * a time over all processes, and as slow for nobody as for somebody.  Hashes by
 * bcrypt, imported from elsewhere, are understood until their next login.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <crypt.h>
#include <libscrypt.h>
#include <openssl/evp.h>
#include <openssl/crypto.h>
#include <unictype.h>
#include <unistr.h>

#include "internal.h"

#define PATIENCE	(5 * SB_SECOND)
#define BCRYPT_MAX	15	/* its cost; a second or two */

#define BASE64		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
			"0123456789+/"
#define LAST64		"AQgw"	/* of 16 or 64 bytes: no bits are left */

/* An account that does not exist has this salt and hash. */
#define NOBODY		"AAAAAAAAAAAAAAAAAAAAAA==$" \
			"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
			"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="

/* Spaces become U+0020, then NFC (RFC 8265 section 4.2.2). */
const char *
sb_password_prepare(struct sb_pool *pool, const char *password)
{
	const uint8_t *in = (const uint8_t *)password;
	size_t n = strlen(password), used = 0;
	uint8_t *spaced = sb_alloc(pool, n + 1);
	ucs4_t c;
	int step;

	for (; n > 0; in += step, n -= (size_t)step) {
		if ((step = u8_mbtoucr(&c, in, n)) < 0)
			return NULL;
		if (uc_is_general_category(c, UC_SPACE_SEPARATOR))
			c = ' ';
		used += (size_t)u8_uctomb(spaced + used, c, 4);
	}
	return sb_nfc(pool, (const char *)spaced);
}

const char *
sb_password_wrong(struct sb_pool *pool, const char *password)
{
	const uint8_t *in = (const uint8_t *)password;
	size_t n = strlen(password);
	ucs4_t c;
	int step;

	(void)pool;
	for (; n > 0; in += step, n -= (size_t)step) {
		if ((step = u8_mbtoucr(&c, in, n)) < 0)
			return "must be valid UTF-8";
		if (uc_is_general_category(c, UC_CONTROL))
			return "must not contain control characters";
	}
	return NULL;
}

/*
 * A place to hash in.  The request is a 503 if none came free.  Meanwhile, and
 * while it hashes, somebody else serves in this process's place, or a flood of
 * logins would keep everybody out.
 */
static int
enter(struct sb_request *rq)
{
	int64_t patience, began = sb_monotonic();
	int place;

	patience = sb_wait_begin() ? PATIENCE : 0;
	place = sb_data_directory() ? sb_slot_take("hash",
	    (int)sb_settings.hashes, patience) : -1;
	sb_metrics_hash(place >= 0, sb_monotonic() - began);
	if (place >= 0)
		return place;
	sb_wait_end();
	sb_db_fail(rq->db, SB_UNAVAILABLE, "no place to hash a password in");
	return -1;
}

static void
leave(int place)
{
	sb_slot_leave(place);
	sb_wait_end();
}

/* As libscrypt_hash, whose salt is from /dev/urandom: a jail may have none. */
static bool
scrypt_hash(const char *prepared, char *mcf)
{
	const uint32_t n = (uint32_t)sb_settings.scrypt_n,
	    r = (uint32_t)sb_settings.scrypt_r,
	    p = (uint32_t)sb_settings.scrypt_p;
	unsigned char salt[SCRYPT_SALT_LEN], hash[SCRYPT_HASH_LEN];
	char salt_text[sizeof(salt) * 2], hash_text[sizeof(hash) * 2];

	sb_random(salt, sizeof(salt));
	if (libscrypt_scrypt((const uint8_t *)prepared, strlen(prepared), salt,
	    sizeof(salt), n, r, p, hash, sizeof(hash)) != 0)
		return false;
	EVP_EncodeBlock((unsigned char *)salt_text, salt, sizeof(salt));
	EVP_EncodeBlock((unsigned char *)hash_text, hash, sizeof(hash));
	return libscrypt_mcf(n, r, p, salt_text, hash_text, mcf) == 1;
}

const char *
sb_password_hash(struct sb_request *rq, const char *password)
{
	const char *prepared = sb_password_prepare(rq->pool, password);
	char *mcf = sb_alloc(rq->pool, SCRYPT_MCF_LEN);
	int place;

	if (prepared == NULL || (place = enter(rq)) < 0)
		return NULL;
	if (!scrypt_hash(prepared, mcf)) {
		sb_db_fail(rq->db, SB_UNAVAILABLE, "no memory for scrypt");
		mcf = NULL;
	}
	leave(place);
	return mcf;
}

/*
 * The parameters of a hash of ours, as logarithm of N, r and p.  libscrypt
 * reads all digits that there are as one number: there must be six.
 */
static bool
read_cost(const char *mcf, unsigned int *n, unsigned int *r, unsigned int *p)
{
	return strncmp(mcf, "$s1$", 4) == 0 &&
	    strspn(mcf + 4, "0123456789abcdefABCDEF") == 6 &&
	    mcf[10] == '$' && sscanf(mcf + 4, "%2x%2x%2x", n, r, p) == 3;
}

/* The cost stands in the string: it is not obeyed where it is excessive. */
static bool
is_affordable(const char *mcf)
{
	unsigned int n, r, p;

	return read_cost(mcf, &n, &r, &p) && n >= 1 && n <= 24 && r >= 1 &&
	    r <= 32 && p >= 1 && p <= 16 &&
	    (INT64_C(128) << n) * r <= SB_SCRYPT_MAX;
}

/* Base64 of that many characters, whose last two are padding. */
static bool
is_base64(const char *text, size_t n)
{
	return strspn(text, BASE64) == n - 2 &&
	    strchr(LAST64, text[n - 3]) != NULL &&
	    strncmp(text + n - 2, "==", 2) == 0;
}

/*
 * Salt and hash of 16 and 64 bytes, in base64, as NOBODY has them; libscrypt
 * takes no other.
 */
static bool
is_complete(const char *mcf)
{
	size_t n = strcspn(mcf + 4, "$") + 5;

	return strlen(mcf) == n + sizeof(NOBODY) - 1 &&
	    is_base64(mcf + n, 24) && mcf[n + 24] == '$' &&
	    is_base64(mcf + n + 25, 88);
}

bool
sb_password_outdated(const char *hash)
{
	unsigned int n, r, p;

	return !read_cost(hash, &n, &r, &p) ||
	    INT64_C(1) << n < sb_settings.scrypt_n ||
	    r < sb_settings.scrypt_r || p < sb_settings.scrypt_p;
}

static bool
is_bcrypt(const char *hash)
{
	int cost;

	return sscanf(hash, "$2%*[aby]$%2d$", &cost) == 1 &&
	    cost <= BCRYPT_MAX;
}

#define BCRYPT64	"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
			"abcdefghijklmnopqrstuvwxyz"

const char *
sb_password_hash_wrong(const char *hash)
{
	int cost = 0;

	if (strncmp(hash, "$s1$", 4) == 0)
		return is_affordable(hash) && is_complete(hash) ? NULL :
		    "a hash by scrypt that is cut off, or costs too much";
	if (sscanf(hash, "$2%*1[aby]$%2d$", &cost) != 1)
		return "neither a hash by scrypt ($s1$) nor by bcrypt ($2a$, "
		    "$2b$, $2y$)";
	return cost >= 4 && cost <= BCRYPT_MAX && strlen(hash) == 60 &&
	    hash[6] == '$' && strspn(hash + 7, BCRYPT64) == 53 ? NULL :
	    "a hash by bcrypt that is cut off, or costs too much";
}

static bool
bcrypt_equals(const char *hash, const char *password)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *again;
	bool equal;

	if (data == NULL)
		sb_fatal("out of memory");
	again = crypt_r(password, hash, data);
	equal = again != NULL && strlen(again) == strlen(hash) &&
	    CRYPTO_memcmp(again, hash, strlen(hash)) == 0;
	explicit_bzero(data, sizeof(*data));
	free(data);
	return equal;
}

/*
 * Whoever made an imported hash may not have normalised; and bcrypt looks at
 * the first 72 bytes only, so that a longer password is renewed as typed now.
 */
static bool
imported_equals(const char *hash, const char *prepared, const char *password)
{
	return bcrypt_equals(hash, prepared) ||
	    (strcmp(prepared, password) != 0 && bcrypt_equals(hash, password));
}

static bool
scrypt_equals(struct sb_request *rq, const char *hash, const char *prepared)
{
	/* libscrypt_check writes into it and reads beyond a short one. */
	char *mcf = sb_alloc(rq->pool, SCRYPT_MCF_LEN);
	int log2n = 0, equal;

	while (INT64_C(1) << log2n < sb_settings.scrypt_n)
		log2n++;
	if (hash != NULL && is_affordable(hash) && is_complete(hash))
		snprintf(mcf, SCRYPT_MCF_LEN, "%s", hash);
	else
		snprintf(mcf, SCRYPT_MCF_LEN, "$s1$%02x%02x%02x$" NOBODY,
		    (unsigned int)log2n & 0xff,
		    (unsigned int)sb_settings.scrypt_r & 0xff,
		    (unsigned int)sb_settings.scrypt_p & 0xff);
	if ((equal = libscrypt_check(mcf, prepared)) < 0)
		sb_db_fail(rq->db, SB_UNAVAILABLE, "no memory for scrypt");
	return equal > 0 && hash != NULL;
}

bool
sb_password_matches(struct sb_request *rq, const char *hash,
    const char *password)
{
	const char *prepared = sb_password_prepare(rq->pool, password);
	bool equal;
	int place;

	if (prepared == NULL || (place = enter(rq)) < 0)
		return false;
	equal = hash != NULL && is_bcrypt(hash) ?
	    imported_equals(hash, prepared, password) :
	    scrypt_equals(rq, hash, prepared);
	leave(place);
	return equal;
}
