/*
 * Any bytes as a stored password: what is taken from elsewhere has the one
 * shape that there is, and costs no more than is allowed, whoever reads its
 * numbers; and whatever is stored, a look at it is safe.
 */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "fuzz.h"
#include "internal.h"

#define SCRYPT	"^\\$s1\\$[0-9a-fA-F]{6}\\$[A-Za-z0-9+/=]{24}\\$" \
		"[A-Za-z0-9+/=]{88}$"
#define BCRYPT	"^\\$2[aby]\\$[0-9]{2}\\$[./A-Za-z0-9]{53}$"

static bool
matches(const char *pattern, const char *text)
{
	regex_t regex;
	bool yes;

	PROMISE(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) == 0);
	yes = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return yes;
}

/* What libscrypt makes of it: it reads one number of any length. */
static void
check_cost(const char *hash)
{
	unsigned long cost = strtoul(hash + 4, NULL, 16);
	unsigned long n = cost >> 16, r = cost >> 8 & 0xff, p = cost & 0xff;

	PROMISE(n >= 1 && n <= 24 && r >= 1 && r <= 32);
	PROMISE(p >= 1 && p <= 16);
	PROMISE((INT64_C(128) << n) * (int64_t)r <= SB_SCRYPT_MAX);
}

/* One that takes no time is tried, too. */
static bool
is_cheap(const char *hash)
{
	return strncmp(hash, "$s1$0", 5) == 0 && hash[5] <= '4' &&
	    strncmp(hash + 6, "0101$", 5) == 0;
}

static void
try_it(struct sb_pool *pool, const char *hash)
{
	static struct sb_db *db;
	struct sb_request rq = { .pool = pool };

	if (db == NULL)
		db = sb_db_new(SB_STORE_MAIN);
	rq.db = db;
	sb_db_attach(db, pool);
	PROMISE(!sb_password_matches(&rq, hash, "no password has this"));
	PROMISE(!sb_db_failed(db));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sb_pool *pool = sb_pool_new();
	const char *hash = sb_copy(pool, (const char *)bytes, size);
	const char *wrong = sb_password_hash_wrong(hash);

	if (sb_settings.data == NULL) {
		sb_settings.data = folder_begin();
		sb_settings.scrypt_n = 2;
		sb_settings.scrypt_r = sb_settings.scrypt_p = 1;
		sb_settings.hashes = 1;
	}
	if (wrong == NULL) {
		PROMISE(matches(SCRYPT, hash) || matches(BCRYPT, hash));
		if (hash[1] == 's')
			check_cost(hash);
	} else
		PROMISE(*wrong != '\0');
	sb_password_outdated(hash);
	/* Neither is hashed with what isn't one of bcrypt's, or costs much. */
	if (wrong == NULL ? is_cheap(hash) : hash[0] != '$')
		try_it(pool, hash);
	sb_pool_free(pool);
	return 0;
}
