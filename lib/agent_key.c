/*
 * The keys that agents call with, and the secrets of their webhooks.  Of a key
 * the database has a hash, of a secret nothing: it can be made again.
 */
#include <string.h>
#include <openssl/evp.h>

#include "internal.h"

#define BYTES	32

const char *
sb_agent_key_new(struct sb_pool *pool)
{
	unsigned char bytes[BYTES];
	const char *key;

	sb_random(bytes, BYTES);
	key = sb_printf(pool, SB_AGENT_KEY "%s",
	    sb_base64url(pool, bytes, BYTES));
	explicit_bzero(bytes, BYTES);
	return key;
}

/* No salt, and no slow hash: nobody can go through 256 bits. */
const char *
sb_agent_key_hash(struct sb_pool *pool, const char *key)
{
	return sb_sha256_hex(pool, key, strlen(key));
}

const char *
sb_webhook_secret(struct sb_request *rq, const char *key_id)
{
	const unsigned char *bytes = sb_secret_bytes(rq, "webhook", key_id);
	char text[(SB_SECRET_BYTES + 2) / 3 * 4 + 1];

	if (bytes == NULL)
		return NULL;
	EVP_EncodeBlock((unsigned char *)text, bytes, SB_SECRET_BYTES);
	return sb_printf(rq->pool, "whsec_%s", text);
}
