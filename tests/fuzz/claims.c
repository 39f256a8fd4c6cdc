/*
 * Any two lines as the header and the claims of a token, signed by the key that
 * signs ours: it is good if and only if they are, member by member, what we
 * would have written.  Nobody has that key; but whoever signs with it one day
 * may be another program.
 */
#include <string.h>
#include <json-c/json.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "folder.h"
#include "fuzz.h"
#include "lines.h"

#define KEY	"a key of as many bytes as are needed for it"

static const char *
sign(struct sb_pool *pool, const char *header, const char *claims)
{
	const char *text = sb_printf(pool, "%s.%s", sb_base64url(pool,
	    (const unsigned char *)header, strlen(header)), sb_base64url(pool,
	    (const unsigned char *)claims, strlen(claims)));
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n;

	PROMISE(HMAC(EVP_sha256(), KEY, (int)strlen(KEY),
	    (const unsigned char *)text, strlen(text), digest, &n) != NULL);
	return sb_printf(pool, "%s.%s", text, sb_base64url(pool, digest, n));
}

static struct json_object *
object_of(struct sb_pool *pool, const char *text)
{
	struct json_object *o = NULL;
	size_t offset;

	if (sb_json_parse(text, strlen(text), &o, &offset) != NULL)
		return NULL;
	sb_pool_json(pool, o);
	return json_object_is_type(o, json_type_object) ? o : NULL;
}

static bool
is_text(struct json_object *o, const char *name, const char *value)
{
	const char *text = sb_json_text(o, name);

	return text != NULL && (value == NULL || strcmp(text, value) == 0);
}

static bool
is_number(struct json_object *o, const char *name)
{
	return json_object_is_type(json_object_object_get(o, name),
	    json_type_int);
}

/* The contract's words, once more. */
static bool
is_ours(struct sb_pool *pool, const char *header, const char *claims,
    const char *kid, enum sb_token_type type)
{
	static const char *const types[] = { "access", "refresh", "check" };
	struct json_object *h = object_of(pool, header);
	struct json_object *c = object_of(pool, claims);
	const bool access = type == SB_TOKEN_ACCESS;

	return h != NULL && c != NULL && json_object_object_length(h) == 3 &&
	    is_text(h, "alg", "HS256") && is_text(h, "typ", "JWT") &&
	    is_text(h, "kid", kid) &&
	    json_object_object_length(c) == (access ? 7 : 6) &&
	    is_text(c, "type", types[type]) && is_text(c, "sub", NULL) &&
	    is_text(c, "jti", NULL) && is_text(c, "sid", NULL) &&
	    (!access || is_text(c, "username", NULL)) &&
	    is_number(c, "iat") && is_number(c, "exp");
}

/* What libjwt can't read, or is too long for us, is no token either. */
static bool
is_too_much(const char *token, const char *claims)
{
	return strlen(token) > 8192 || strstr(claims, "\\u0000") != NULL;
}

static void
check(struct sb_request *rq, const char *header, const char *claims,
    enum sb_token_type type)
{
	const char *text = sign(rq->pool, header, claims), *again;
	const char *kid = sb_token_kid(rq);
	struct sb_token t;
	bool good = sb_token_read(rq, text, type, &t);

	PROMISE(!good || is_ours(rq->pool, header, claims, kid, type));
	PROMISE(good || is_too_much(text, claims) ||
	    !is_ours(rq->pool, header, claims, kid, type));
	PROMISE(!good || !sb_token_verify(rq, text, type, &t) ||
	    t.exp > sb_now() / SB_SECOND);
	if (!good)
		return;
	/* Signed by us it says the same. */
	again = sb_token_sign(rq, &t);
	PROMISE(again != NULL && sb_token_read(rq, again, type, &t));
	PROMISE(strcmp(sb_token_sign(rq, &t), again) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct sb_db *db;
	struct sb_request rq = { .pool = sb_pool_new() };
	struct lines l = { (const char *)bytes, size };
	const char *header = next_line(rq.pool, &l);
	const char *claims = next_line(rq.pool, &l);

	if (db == NULL) {
		sb_settings.data = folder_begin();
		sb_settings.secret_key = KEY;
		sb_settings.refresh_token_expire_days = 7;
		db = sb_db_new(SB_STORE_MAIN);
	}
	rq.db = db;
	sb_db_attach(db, rq.pool);
	for (int type = 0; type < SB_TOKEN_TYPES; type++)
		check(&rq, header, claims, (enum sb_token_type)type);
	sb_pool_free(rq.pool);
	return 0;
}
