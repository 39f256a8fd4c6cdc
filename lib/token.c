/*
 * JSON Web Tokens (RFC 7519), signed with HS256 and nothing else.  libjwt does
 * the signing; what it leaves open (the algorithm, the types
 * of claims, their presence and number, the time) is closed here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <jwt.h>
#include <json-c/json.h>

#include "internal.h"

#define TEXT_MAX	8192	/* libjwt copies a token onto the stack */

static const char *const types[] = {
	[SB_TOKEN_ACCESS] = "access", [SB_TOKEN_REFRESH] = "refresh",
	[SB_TOKEN_CHECK] = "check",
};
_Static_assert(sizeof(types) / sizeof(types[0]) == SB_TOKEN_TYPES,
    "a token type without a name");

static const struct sb_key *
find_key(struct sb_request *rq, const char *kid)
{
	enum sb_status why;
	/* The file may have to be waited for, and others for our lock. */
	const struct sb_key *key = sb_db_writing(rq->db) ?
	    sb_key_known(kid, &why) : sb_key_find(kid, &why);

	if (why != SB_NEXT)
		sb_db_fail(rq->db, why, "the signing keys can't be had");
	return key;
}

const char *
sb_token_kid(struct sb_request *rq)
{
	const struct sb_key *key = find_key(rq, NULL);

	return key == NULL ? NULL : sb_copy(rq->pool, key->kid,
	    strlen(key->kid));
}

static void
put_jwt(void *jwt)
{
	jwt_free(jwt);
}

const char *
sb_token_sign_by(struct sb_pool *pool, const struct sb_key *key,
    const struct sb_token *t)
{
	const char *copy;
	char *text;
	jwt_t *jwt;

	if (jwt_new(&jwt) != 0)
		sb_fatal("out of memory");
	sb_pool_defer(pool, put_jwt, jwt);
	if (jwt_set_alg(jwt, JWT_ALG_HS256, key->secret, (int)key->length) ||
	    jwt_add_header(jwt, "kid", key->kid) ||
	    jwt_add_grant(jwt, "sub", t->sub) ||
	    jwt_add_grant(jwt, "type", types[t->type]) ||
	    jwt_add_grant(jwt, "jti", t->jti) ||
	    jwt_add_grant(jwt, "sid", t->sid) ||
	    jwt_add_grant_int(jwt, "iat", t->iat) ||
	    jwt_add_grant_int(jwt, "exp", t->exp) ||
	    (t->type == SB_TOKEN_ACCESS &&
	    jwt_add_grant(jwt, "username", t->username)) ||
	    (text = jwt_encode_str(jwt)) == NULL)
		sb_fatal("cannot sign: %s", strerror(errno));
	copy = sb_copy(pool, text, strlen(text));
	explicit_bzero(text, strlen(text));
	free(text);
	return copy;
}

const char *
sb_token_sign(struct sb_request *rq, const struct sb_token *t)
{
	const struct sb_key *key = find_key(rq, t->kid);

	return key == NULL ? NULL : sb_token_sign_by(rq->pool, key, t);
}

#define ALPHABET	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
			"0123456789-_"

/* Whether the bits of the last digit that belong to no byte are zero. */
static bool
is_canonical(const char *part, size_t n)
{
	static const unsigned int spare[] = { 0, 0, 15, 3 };
	const char *last = strchr(ALPHABET, part[n - 1]);

	return ((unsigned int)(last - ALPHABET) & spare[n % 4]) == 0;
}

/*
 * Three runs of base64url characters and two dots, each written as the same
 * bytes always are (RFC 4648 section 3.5): there is one text of a token.
 */
static bool
is_compact(const char *text)
{
	int parts = 0;
	size_t n;

	if (strlen(text) > TEXT_MAX)
		return false;
	while ((n = strspn(text, ALPHABET)) > 0 && is_canonical(text, n)) {
		parts++;
		text += n;
		if (parts == 3 || *text != '.')
			break;
		text++;
	}
	return parts == 3 && *text == '\0';
}

/* A part that is a JSON object of so many members, or NULL. */
static struct json_object *
parse_part(struct sb_pool *pool, const char *part, int members)
{
	struct json_object *object = NULL;
	size_t length, offset;
	unsigned char *text = sb_unbase64url(pool, part, strcspn(part, "."),
	    &length);

	if (text == NULL || sb_json_parse((char *)text, length, &object,
	    &offset) != NULL)
		return NULL;
	sb_pool_json(pool, object);
	return json_object_is_type(object, json_type_object) &&
	    json_object_object_length(object) == members ? object : NULL;
}

static const char *
string_member(struct json_object *object, const char *name)
{
	struct json_object *value;

	if (object == NULL || !json_object_object_get_ex(object, name, &value)
	    || !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static bool
int_member(struct json_object *object, const char *name, int64_t *number)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, json_type_int))
		return false;
	*number = json_object_get_int64(value);
	return true;
}

static bool
equals(const char *text, const char *expected)
{
	return text != NULL && strcmp(text, expected) == 0;
}

/* The kid of a header that could be ours; NULL if it could not. */
static const char *
header_kid(struct sb_pool *pool, const char *text)
{
	struct json_object *header = parse_part(pool, text, 3);

	if (!equals(string_member(header, "alg"), "HS256") ||
	    !equals(string_member(header, "typ"), "JWT"))
		return NULL;
	return string_member(header, "kid");
}

static bool
is_signed(const char *text, const struct sb_key *key)
{
	bool pinned;
	jwt_t *jwt;

	if (jwt_decode(&jwt, text, key->secret, (int)key->length) != 0)
		return false;
	/* Without the right key or algorithm libjwt may accept anything. */
	pinned = jwt_get_alg(jwt) == JWT_ALG_HS256;
	jwt_free(jwt);
	return pinned;
}

bool
sb_token_read(struct sb_request *rq, const char *text,
    enum sb_token_type type, struct sb_token *t)
{
	const struct sb_key *key;
	struct json_object *claims;

	*t = (struct sb_token){ .type = type };
	if (!is_compact(text) ||
	    (t->kid = header_kid(rq->pool, text)) == NULL ||
	    (key = find_key(rq, t->kid)) == NULL || !is_signed(text, key) ||
	    (claims = parse_part(rq->pool, strchr(text, '.') + 1,
	    type == SB_TOKEN_ACCESS ? 7 : 6)) == NULL)
		return false;
	t->sub = string_member(claims, "sub");
	t->sid = string_member(claims, "sid");
	t->jti = string_member(claims, "jti");
	t->username = string_member(claims, "username");
	return equals(string_member(claims, "type"), types[type]) &&
	    t->sub != NULL && t->sid != NULL && t->jti != NULL &&
	    (t->username != NULL) == (type == SB_TOKEN_ACCESS) &&
	    int_member(claims, "iat", &t->iat) &&
	    int_member(claims, "exp", &t->exp);
}

bool
sb_token_verify(struct sb_request *rq, const char *text,
    enum sb_token_type type, struct sb_token *t)
{
	return sb_token_read(rq, text, type, t) &&
	    t->exp > sb_now() / SB_SECOND;
}
