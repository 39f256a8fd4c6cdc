/*
 * Tokens and the keys that sign them: what is ours to the letter is taken and
 * nothing else; one key file however many make it; and a key that cannot be
 * had is no fault of the caller's.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "memory.h"

#define SECRET		"the secret key of these tests, 43 bytes, so"
#define OTHER		"another secret key for a forger, of 45 bytes."
#define ALPHABET	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
			"0123456789-_"
#define CROWD		8
#define SID		"01890a5d-ac96-774b-bcce-b302099a8058"
#define SUB		"01890a5d-ac96-774b-bcce-b302099a8059"

static struct sb_pool *pool;
static struct sb_request rq;

static int
begin_request(void **state)
{
	(void)state;
	pool = sb_pool_new();
	rq = (struct sb_request){ .pool = pool, .db = memory_db };
	sb_db_attach(memory_db, pool);
	return 0;
}

static int
end_request(void **state)
{
	(void)state;
	sb_db_finish(memory_db, false);
	sb_pool_free(pool);
	return 0;
}

/* With an empty data directory. */
static void
begin_anew(void)
{
	memory_anew();
	rq.db = memory_db;
	sb_db_attach(memory_db, pool);
}

static struct sb_token
access_token(void)
{
	return (struct sb_token){ .type = SB_TOKEN_ACCESS,
	    .kid = sb_token_kid(&rq), .jti = UUID, .sid = SID, .sub = SUB,
	    .username = "ann\xc3\xa9", .iat = sb_now() / SB_SECOND,
	    .exp = sb_now() / SB_SECOND + 1500 };
}

static struct sb_token
refresh_token(void)
{
	struct sb_token t = access_token();

	t.type = SB_TOKEN_REFRESH;
	t.username = NULL;
	return t;
}

static bool
is_taken(const char *text)
{
	struct sb_token t;

	return sb_token_verify(&rq, text, SB_TOKEN_ACCESS, &t);
}

/* ------------------------------------------------------------------ forging */

static const char *
base64url(const void *bytes, size_t n)
{
	char *text = sb_alloc(pool, n / 3 * 4 + 5);
	int length = EVP_EncodeBlock((unsigned char *)text, bytes, (int)n);

	while (length > 0 && text[length - 1] == '=')
		text[--length] = '\0';
	for (char *p = text; *p != '\0'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	return text;
}

static const char *
kid_of(const char *secret)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char *kid = sb_alloc(pool, 17);

	SHA256((const unsigned char *)secret, strlen(secret), digest);
	for (int i = 0; i < 8; i++)
		snprintf(kid + 2 * i, 3, "%02x", digest[i]);
	return kid;
}

/* A JWS in its compact form, with that key and digest; NULL: unsigned. */
static const char *
forge(const char *header, const char *claims, const char *secret,
    const EVP_MD *digest)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	const char *text = sb_printf(pool, "%s.%s",
	    base64url(header, strlen(header)),
	    base64url(claims, strlen(claims)));

	if (digest != NULL)
		HMAC(digest, secret, (int)strlen(secret),
		    (const unsigned char *)text, strlen(text), mac, &n);
	return sb_printf(pool, "%s.%s", text, base64url(mac, n));
}

/* In a form, K is the key's id; in claims, N is now. */
static const char *
fill_in(const char *form)
{
	const char *kid = kid_of(SECRET), *text = "";

	for (; *form != '\0'; form++)
		if (*form == '@')
			text = sb_printf(pool, "%s%s", text, kid);
		else if (*form == '#')
			text = sb_printf(pool, "%s%lld", text,
			    (long long)(sb_now() / SB_SECOND));
		else
			text = sb_printf(pool, "%s%c", text, *form);
	return text;
}

#define HEADER	"{\"alg\":\"HS256\",\"kid\":\"@\",\"typ\":\"JWT\"}"
#define S(name, value)	"\"" name "\":\"" value "\","
#define CLAIMS(more)	"{" S("jti", UUID) S("sid", SID) S("sub", SUB) more
#define NAME	S("username", "ann")
#define ACCESS	S("type", "access")
#define IAT	"\"iat\":#,"
#define EXP	"\"exp\":#99}"		/* # with two digits more */
#define GOOD	CLAIMS(NAME ACCESS IAT EXP)

struct forgery {
	const char	*name;
	const char	*header, *claims;
	const char	*secret;	/* NULL: the right one */
	const EVP_MD	*(*digest)(void);	/* NULL: that of HS256 */
};

/* All signed with the right key unless said otherwise. */
static struct forgery forgeries[] = {
	{ "another key", HEADER, GOOD, OTHER },
	{ "an empty key", HEADER, GOOD, "" },
	{ "the kid as the key", HEADER, GOOD, "0000000000000000" },
	{ "HS384", "{\"alg\":\"HS384\",\"kid\":\"@\",\"typ\":\"JWT\"}", GOOD,
	  NULL, EVP_sha384 },
	{ "HS512", "{\"alg\":\"HS512\",\"kid\":\"@\",\"typ\":\"JWT\"}", GOOD,
	  NULL, EVP_sha512 },
	{ "HS384 that says HS256", HEADER, GOOD, NULL, EVP_sha384 },
	{ "HS256 that says HS512",
	  "{\"alg\":\"HS512\",\"kid\":\"@\",\"typ\":\"JWT\"}", GOOD },
	{ "HS256 that says RS256",
	  "{\"alg\":\"RS256\",\"kid\":\"@\",\"typ\":\"JWT\"}", GOOD },
	{ "HS256 that says none",
	  "{\"alg\":\"none\",\"kid\":\"@\",\"typ\":\"JWT\"}", GOOD },
	{ "HS256 in small letters",
	  "{\"alg\":\"hs256\",\"kid\":\"@\",\"typ\":\"JWT\"}", GOOD },
	{ "no alg", "{\"kid\":\"@\",\"typ\":\"JWT\"}", GOOD },
	{ "a null alg", "{\"alg\":null,\"kid\":\"@\",\"typ\":\"JWT\"}", GOOD },
	{ "a list of algs",
	  "{\"alg\":[\"HS256\"],\"kid\":\"@\",\"typ\":\"JWT\"}", GOOD },
	{ "two algs", "{\"alg\":\"none\",\"alg\":\"HS256\",\"kid\":\"@\","
	    "\"typ\":\"JWT\"}", GOOD },
	{ "no typ", "{\"alg\":\"HS256\",\"kid\":\"@\"}", GOOD },
	{ "another typ", "{\"alg\":\"HS256\",\"kid\":\"@\",\"typ\":\"JWE\"}",
	  GOOD },
	{ "no kid", "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", GOOD },
	{ "an empty kid", "{\"alg\":\"HS256\",\"kid\":\"\",\"typ\":\"JWT\"}",
	  GOOD },
	{ "an unknown kid", "{\"alg\":\"HS256\",\"kid\":\"0000000000000000\","
	    "\"typ\":\"JWT\"}", GOOD },
	{ "a kid and more",
	  "{\"alg\":\"HS256\",\"kid\":\"@0\",\"typ\":\"JWT\"}", GOOD },
	{ "a kid that is a number",
	  "{\"alg\":\"HS256\",\"kid\":1,\"typ\":\"JWT\"}", GOOD },
	{ "one more in the header", "{\"alg\":\"HS256\",\"crit\":[\"exp\"],"
	    "\"kid\":\"@\",\"typ\":\"JWT\"}", GOOD },
	{ "a header that is no object", "[\"HS256\"]", GOOD },
	{ "a header that is no JSON", "alg", GOOD },
	{ "no jti", HEADER, "{" S("sid", SID) S("sub", SUB) NAME ACCESS IAT
	    EXP },
	{ "no sid", HEADER, "{" S("jti", UUID) S("sub", SUB) NAME ACCESS IAT
	    EXP },
	{ "no sub", HEADER, "{" S("jti", UUID) S("sid", SID) NAME ACCESS IAT
	    EXP },
	{ "no username", HEADER, CLAIMS(ACCESS IAT EXP) },
	{ "no type", HEADER, CLAIMS(NAME IAT EXP) },
	{ "no iat", HEADER, CLAIMS(NAME ACCESS EXP) },
	{ "no exp", HEADER, CLAIMS(NAME ACCESS "\"iat\":#}") },
	{ "an unknown type", HEADER, CLAIMS(NAME S("type", "id") IAT EXP) },
	{ "a type of other letters", HEADER,
	  CLAIMS(NAME S("type", "Access") IAT EXP) },
	{ "a refresh token with a name", HEADER,
	  CLAIMS(NAME S("type", "refresh") IAT EXP) },
	{ "a type that is a list", HEADER,
	  CLAIMS(NAME "\"type\":[\"access\"]," IAT EXP) },
	{ "a sub that is a number", HEADER, "{" S("jti", UUID) S("sid", SID)
	    "\"sub\":1," NAME ACCESS IAT EXP },
	{ "a sub that is null", HEADER, "{" S("jti", UUID) S("sid", SID)
	    "\"sub\":null," NAME ACCESS IAT EXP },
	{ "a sid that is true", HEADER, "{" S("jti", UUID) "\"sid\":true,"
	    S("sub", SUB) NAME ACCESS IAT EXP },
	{ "a jti that is an object", HEADER, "{\"jti\":{}," S("sid", SID)
	    S("sub", SUB) NAME ACCESS IAT EXP },
	{ "a username that is a number", HEADER,
	  CLAIMS("\"username\":7," ACCESS IAT EXP) },
	{ "an exp that is a text", HEADER,
	  CLAIMS(NAME ACCESS IAT "\"exp\":\"#99\"}") },
	{ "an exp that is a fraction", HEADER,
	  CLAIMS(NAME ACCESS IAT "\"exp\":#99.5}") },
	{ "an exp with an exponent", HEADER,
	  CLAIMS(NAME ACCESS IAT "\"exp\":1e15}") },
	{ "an exp that is true", HEADER,
	  CLAIMS(NAME ACCESS IAT "\"exp\":true}") },
	{ "an exp beyond 64 bits", HEADER,
	  CLAIMS(NAME ACCESS IAT "\"exp\":99999999999999999999}") },
	{ "a negative exp", HEADER, CLAIMS(NAME ACCESS IAT "\"exp\":-1}") },
	{ "an exp of nought", HEADER, CLAIMS(NAME ACCESS IAT "\"exp\":0}") },
	{ "an exp that is now", HEADER, CLAIMS(NAME ACCESS IAT "\"exp\":#}") },
	{ "an iat that is a text", HEADER,
	  CLAIMS(NAME ACCESS "\"iat\":\"#\"," EXP) },
	{ "an iat that is a fraction", HEADER,
	  CLAIMS(NAME ACCESS "\"iat\":#.5," EXP) },
	{ "a claim more", HEADER,
	  CLAIMS(NAME ACCESS "\"admin\":true," IAT EXP) },
	{ "not before a time to come", HEADER,
	  CLAIMS(NAME ACCESS "\"nbf\":#99," IAT EXP) },
	{ "a claim twice", HEADER, CLAIMS(S("sub", UUID) NAME ACCESS IAT
	    EXP) },
	{ "claims that are a list", HEADER, "[" GOOD "]" },
	{ "claims that are no JSON", HEADER, "sub" },
	{ "no claims", HEADER, "{}" },
	{ "something after the claims", HEADER, GOOD "x" },
};

static void
a_forgery_is_refused(void **state)
{
	const struct forgery *f = *state;
	const char *text = forge(fill_in(f->header), fill_in(f->claims),
	    f->secret == NULL ? SECRET : f->secret,
	    f->digest == NULL ? EVP_sha256() : f->digest());
	struct sb_token t;

	assert_false(is_taken(text));
	assert_false(sb_token_verify(&rq, text, SB_TOKEN_REFRESH, &t));
	assert_false(sb_db_failed(memory_db));
}

/* Else nothing would be known by the refusal of the others. */
static void
the_forger_knows_how(void **state)
{
	(void)state;
	assert_true(is_taken(forge(fill_in(HEADER), fill_in(GOOD), SECRET,
	    EVP_sha256())));
}

static void
unsigned_ones_are_refused(void **state)
{
	static const char *const headers[] = { HEADER,
	    "{\"alg\":\"none\",\"kid\":\"@\",\"typ\":\"JWT\"}",
	    "{\"alg\":\"None\",\"kid\":\"@\",\"typ\":\"JWT\"}",
	    "{\"alg\":\"NONE\",\"kid\":\"@\",\"typ\":\"JWT\"}",
	    "{\"alg\":\"\",\"kid\":\"@\",\"typ\":\"JWT\"}",
	    "{\"alg\":\"none\"}" };

	(void)state;
	for (size_t i = 0; i < COUNT(headers); i++) {
		const char *text = forge(fill_in(headers[i]), fill_in(GOOD),
		    NULL, NULL);

		assert_false(is_taken(text));
		assert_false(is_taken(sb_printf(pool, "%sAAAA", text)));
		assert_false(is_taken(sb_copy(pool, text,
		    strlen(text) - 1)));
	}
}

/* ------------------------------------------------------------- our own */

static void
what_was_signed_is_read(void **state)
{
	struct sb_token t = access_token(), read;
	const char *text = sb_token_sign(&rq, &t);

	(void)state;
	assert_non_null(text);
	assert_true(sb_token_verify(&rq, text, SB_TOKEN_ACCESS, &read));
	assert_int_equal(read.type, SB_TOKEN_ACCESS);
	assert_string_equal(read.kid, kid_of(SECRET));
	assert_string_equal(read.jti, t.jti);
	assert_string_equal(read.sid, t.sid);
	assert_string_equal(read.sub, t.sub);
	assert_string_equal(read.username, t.username);
	assert_int_equal(read.iat, t.iat);
	assert_int_equal(read.exp, t.exp);

	t = refresh_token();
	text = sb_token_sign(&rq, &t);
	assert_true(sb_token_verify(&rq, text, SB_TOKEN_REFRESH, &read));
	assert_int_equal(read.type, SB_TOKEN_REFRESH);
	assert_null(read.username);
}

static struct json_object *
part(const char *text, int number)
{
	unsigned char *bytes;
	char *standard;
	size_t n;

	while (number-- > 0)
		text = strchr(text, '.') + 1;
	n = strcspn(text, ".");
	standard = sb_alloc(pool, n + 4);
	bytes = sb_alloc(pool, n + 4);
	for (size_t i = 0; i < (n + 3) / 4 * 4; i++)
		standard[i] = i >= n ? '=' : text[i] == '-' ? '+' :
		    text[i] == '_' ? '/' : text[i];
	EVP_DecodeBlock(bytes, (unsigned char *)standard,
	    (int)((n + 3) / 4 * 4));
	return json_tokener_parse((char *)bytes);
}

/* Any JWT library can read it. */
static void
a_token_is_what_it_is_said_to_be(void **state)
{
	struct sb_token t = access_token();
	const char *text;
	struct json_object *got, *want;

	(void)state;
	t.iat = 1000;
	t.exp = INT64_C(4000000000);
	t.username = "a\"b";
	text = sb_token_sign(&rq, &t);
	got = part(text, 0);
	want = json_tokener_parse(fill_in(HEADER));
	assert_true(json_object_equal(got, want));
	json_object_put(got);
	json_object_put(want);
	got = part(text, 1);
	want = json_tokener_parse(CLAIMS(S("username", "a\\\"b") ACCESS)
	    "\"iat\":1000,\"exp\":4000000000}");
	assert_true(json_object_equal(got, want));
	json_object_put(got);
	json_object_put(want);
	t.type = SB_TOKEN_REFRESH;
	got = part(sb_token_sign(&rq, &t), 1);
	assert_false(json_object_object_get_ex(got, "username", NULL));
	json_object_put(got);
}

static void
the_same_claims_give_the_same_text(void **state)
{
	struct sb_token t = refresh_token();
	const char *text = sb_token_sign(&rq, &t);

	(void)state;
	assert_string_equal(sb_token_sign(&rq, &t), text);
	t.username = "whoever";
	assert_string_equal(sb_token_sign(&rq, &t), text);
	t.exp++;
	assert_string_not_equal(sb_token_sign(&rq, &t), text);
}

static void
the_kinds_are_never_interchangeable(void **state)
{
	struct sb_token all[SB_TOKEN_TYPES], read;
	const char *text;

	(void)state;
	all[SB_TOKEN_ACCESS] = access_token();
	all[SB_TOKEN_REFRESH] = all[SB_TOKEN_CHECK] = refresh_token();
	all[SB_TOKEN_CHECK].type = SB_TOKEN_CHECK;
	for (int is = 0; is < SB_TOKEN_TYPES; is++) {
		text = sb_token_sign(&rq, &all[is]);
		for (int as = 0; as < SB_TOKEN_TYPES; as++)
			assert_int_equal(sb_token_verify(&rq, text,
			    (enum sb_token_type)as, &read), is == as);
	}
}

static void
without_its_key_there_is_no_signature(void **state)
{
	struct sb_token t = access_token();

	(void)state;
	t.kid = "0000000000000000";
	assert_null(sb_token_sign(&rq, &t));
}

/* An iat is not judged: a clock that was set back logs nobody out. */
static void
a_token_of_the_future_is_good(void **state)
{
	struct sb_token t = access_token();

	(void)state;
	t.iat += 86400;
	assert_true(is_taken(sb_token_sign(&rq, &t)));
}

/* Good during the second before its exp, and not from that on. */
static void
exp_is_exact_to_the_second(void **state)
{
	struct sb_token t = access_token();
	const char *text;
	int64_t second, end, began;
	bool before, taken;

	(void)state;
	do {
		second = sb_now() / SB_SECOND;
		t.exp = second + 1;
		text = sb_token_sign(&rq, &t);
		before = is_taken(text);
		t.exp = second;
		assert_false(is_taken(sb_token_sign(&rq, &t)));
	} while (sb_now() / SB_SECOND != second);
	assert_true(before);
	end = (second + 1) * SB_SECOND;
	memory_sleep(end - sb_now() - SB_SECOND / 20);
	do {
		began = sb_now();
		taken = is_taken(text);
		assert_true(taken ? began < end : sb_now() >= end);
	} while (taken);
}

/* --------------------------------------------------------- altered texts */

/* Each bit of each character, and so those that base64 leaves over, too. */
static void
every_bit_counts(void **state)
{
	struct sb_token t = access_token();
	const char *text = sb_token_sign(&rq, &t);
	char *altered = sb_copy(pool, text, strlen(text));

	(void)state;
	for (size_t i = 0; text[i] != '\0'; i++) {
		const char *at = strchr(ALPHABET, text[i]);

		for (int bit = 0; bit < 6; bit++) {
			altered[i] = text[i] == '.' ? ALPHABET[bit] :
			    ALPHABET[(at - ALPHABET) ^ (1 << bit)];
			if (is_taken(altered))
				fail_msg("bit %d of character %zu", bit, i);
		}
		altered[i] = text[i];
	}
	assert_true(is_taken(altered));
}

/* Signed with the right key, but for the bits of a part that mean nothing. */
static const char *
with_spare_bits(const char *header, const char *claims, unsigned int bits)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	char *text = (char *)sb_printf(pool, "%s.%s",
	    base64url(header, strlen(header)),
	    base64url(claims, strlen(claims)));
	char *last = strlen(header) % 3 != 0 ? strchr(text, '.') - 1 :
	    text + strlen(text) - 1;

	*last = ALPHABET[(strchr(ALPHABET, *last) - ALPHABET) ^ bits];
	HMAC(EVP_sha256(), SECRET, sizeof(SECRET) - 1,
	    (const unsigned char *)text, strlen(text), mac, &n);
	return sb_printf(pool, "%s.%s", text, base64url(mac, n));
}

static void
spare_bits_count_where_they_are_signed(void **state)
{
	const char *header = fill_in(HEADER), *claims = fill_in(GOOD);

	(void)state;
	/* In JSON, space at the end means nothing, and makes any length. */
	for (int of_header = 0; of_header < 2; of_header++) {
		const char **text = of_header ? &header : &claims;

		while (strlen(header) % 3 != 0)
			header = sb_printf(pool, "%s ", header);
		while (strlen(claims) % 3 != 0)
			claims = sb_printf(pool, "%s ", claims);
		for (unsigned int spaces = 2; spaces > 0; spaces--) {
			*text = sb_printf(pool, "%s ", *text);
			assert_true(is_taken(with_spare_bits(header, claims,
			    0)));
			for (unsigned int bits = 1; bits < 1U << 2 * spaces;
			    bits++)
				assert_false(is_taken(with_spare_bits(header,
				    claims, bits)));
		}
	}
}

static void
nothing_may_be_added_or_missing(void **state)
{
	static const char *const forms[] = { " %s", "%s ", "%s\n", "\t%s",
	    "%s=", "%s==", "%s.", ".%s", "%s.x", "\"%s\"", "%sA", "A%s",
	    "%s,", "Bearer %s", "%s\xc3\xa9", "%s+", "%s/" };
	struct sb_token t = access_token();
	const char *text = sb_token_sign(&rq, &t);
	size_t length = strlen(text);

	(void)state;
	for (size_t i = 0; i < COUNT(forms); i++) {
		const char *hole = strstr(forms[i], "%s");

		if (is_taken(sb_printf(pool, "%.*s%s%s",
		    (int)(hole - forms[i]), forms[i], text, hole + 2)))
			fail_msg("as \"%s\"", forms[i]);
	}
	for (size_t n = 0; n < length; n++)
		assert_false(is_taken(sb_copy(pool, text, n)));
	for (size_t n = 1; n < length; n++) {
		assert_false(is_taken(text + n));
		assert_false(is_taken(sb_printf(pool, "%.*s %s", (int)n, text,
		    text + n)));
		assert_false(is_taken(sb_printf(pool, "%.*s=%s", (int)n, text,
		    text + n)));
	}
}

static void
parts_of_two_tokens_are_none(void **state)
{
	struct sb_token t = access_token();
	const char *a = sb_token_sign(&rq, &t), *b;
	const char *a1 = strchr(a, '.'), *b2;

	(void)state;
	t.sub = UUID;
	b = sb_token_sign(&rq, &t);
	b2 = strrchr(b, '.');
	assert_false(is_taken(sb_printf(pool, "%.*s%s",
	    (int)(strrchr(a, '.') - a), a, b2)));
	assert_false(is_taken(sb_printf(pool, "%.*s%s", (int)(a1 - a), a,
	    strrchr(a, '.'))));
	assert_false(is_taken(sb_printf(pool, "%s%s", a, a1)));
}

static void
long_texts_are_refused(void **state)
{
	static const size_t sizes[] = { 8192, 8193, 9000, 70000, 20000000 };
	struct sb_token t = access_token();
	char *name = sb_alloc(pool, 9001);

	(void)state;
	memset(name, 'a', 9000);
	t.username = name;
	assert_false(is_taken(sb_token_sign(&rq, &t)));
	for (size_t i = 0; i < COUNT(sizes); i++) {
		char *text = sb_alloc(pool, sizes[i] + 1);

		memset(text, 'a', sizes[i]);
		assert_false(is_taken(text));
		text[10] = text[20] = '.';
		assert_false(is_taken(text));
		memset(text, '.', sizes[i]);
		assert_false(is_taken(text));
	}
}

static void
short_texts_are_refused(void **state)
{
	static const char *const texts[] = { "", ".", "..", "...", "a", "a.",
	    "a.b", "a.b.", ".b.c", "a..c", "a.b.c", "a.b.c.d", "e30.e30.e30",
	    "null", "%s", "\xff" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_false(is_taken(texts[i]));
}

/* ---------------------------------------------------------------- key files */

/* These run in children: a process reads its keys once. */
static struct board {
	_Atomic int	 here;
	char		 kids[CROWD][17];
} *board;

static int
in_a_child(int (*run)(void *), void *with)
{
	const char *log;
	int status;

	memory_listen();
	status = memory_wait(memory_fork(run, with));
	log = memory_heard();
	if (status != 0)
		print_message("%s", log);
	return status;
}

static int
make_keys(void *with)
{
	int turn = atomic_fetch_add(&board->here, 1);
	const char *kid;

	(void)with;
	while (atomic_load(&board->here) < CROWD)
		sched_yield();
	if ((kid = sb_token_kid(&rq)) == NULL)
		return 1;
	memcpy(board->kids[turn], kid, 17);
	return 0;
}

/* What stands in the file, but for its secret. */
static void
is_a_sound_key_file(const char *kid)
{
	struct json_object *set, *keys, *key;
	struct stat st;

	assert_int_equal(stat(memory_path("signing-keys.json"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	set = json_object_from_file(memory_path("signing-keys.json"));
	assert_true(json_object_object_get_ex(set, "keys", &keys));
	assert_int_equal(json_object_array_length(keys), 1);
	key = json_object_array_get_idx(keys, 0);
	assert_string_equal(json_object_get_string(
	    json_object_object_get(key, "kid")), kid);
	assert_string_equal(json_object_get_string(
	    json_object_object_get(key, "kty")), "oct");
	/* 32 bytes in base64url. */
	assert_int_equal(strlen(json_object_get_string(
	    json_object_object_get(key, "k"))), 43);
	json_object_put(set);
}

static void
the_key_file_is_made_once(void **state)
{
	pid_t pids[CROWD];
	struct dirent *entry;
	int files = 0;
	DIR *dir;

	(void)state;
	begin_anew();
	board = memory_shared(sizeof(*board));
	for (int i = 0; i < CROWD; i++)
		pids[i] = memory_fork(make_keys, NULL);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(memory_wait(pids[i]), 0);
	for (int i = 1; i < CROWD; i++)
		assert_string_equal(board->kids[i], board->kids[0]);
	is_a_sound_key_file(board->kids[0]);
	/* The lock beside it, and nothing left of the others' attempts. */
	dir = opendir(sb_settings.data);
	while ((entry = readdir(dir)) != NULL)
		files += entry->d_name[0] != '.';
	closedir(dir);
	assert_int_equal(files, 2);
}

/* One key of the file: a text as its secret, made lately, in that second. */
static const char *
key(const char *secret, int iat)
{
	return sb_printf(pool, "{\"kty\":\"oct\",\"alg\":\"HS256\","
	    "\"kid\":\"%s\",\"k\":\"%s\",\"iat\":%lld}", kid_of(secret),
	    base64url(secret, strlen(secret)),
	    (long long)(sb_now() / SB_SECOND) - 10000 + iat);
}

/* Puts it there as a whole, as `switchboard key rotate' would. */
static void
put_file(const char *text)
{
	const char *path = memory_path("new-keys.json");
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(rename(path, memory_path("signing-keys.json")), 0);
}

static void
put_keys(const char *one, const char *two)
{
	put_file(sb_printf(pool, "{\"keys\":[%s%s%s]}\n", one,
	    two == NULL ? "" : ",", two == NULL ? "" : two));
}

#define FIRST	"the first key of the file has 39 bytes."
#define SECOND	"the second key of the file has 40 bytes."

static const char *
signed_with(const char *secret)
{
	return forge(sb_printf(pool, "{\"alg\":\"HS256\",\"kid\":\"%s\","
	    "\"typ\":\"JWT\"}", kid_of(secret)), fill_in(GOOD), secret,
	    EVP_sha256());
}

static int
prefer_the_setting(void *with)
{
	(void)with;
	sb_settings.secret_key = SECRET;
	if (strcmp(sb_token_kid(&rq), kid_of(SECRET)) != 0)
		return 1;
	if (!is_taken(signed_with(SECRET)))
		return 2;
	return is_taken(signed_with(FIRST)) ? 0 : 3;
}

static void
the_setting_signs_and_the_file_verifies(void **state)
{
	(void)state;
	begin_anew();
	put_keys(key(FIRST, 2000000000), NULL);
	assert_int_equal(in_a_child(prefer_the_setting, NULL), 0);
}

static int
need_no_file(void *with)
{
	(void)with;
	sb_settings.secret_key = SECRET;
	if (strcmp(sb_token_kid(&rq), kid_of(SECRET)) != 0)
		return 1;
	if (is_taken(signed_with(FIRST)) || sb_db_failed(memory_db))
		return 2;
	return access(memory_path("signing-keys.json"), F_OK) == 0 ? 3 : 0;
}

static void
with_the_setting_no_file_is_made(void **state)
{
	(void)state;
	begin_anew();
	assert_int_equal(in_a_child(need_no_file, NULL), 0);
}

static int
sign_with_the_newest(void *with)
{
	if (strcmp(sb_token_kid(&rq), kid_of(with)) != 0)
		return 1;
	return is_taken(signed_with(FIRST)) && is_taken(signed_with(SECOND)) ?
	    0 : 2;
}

static void
the_newest_key_of_the_file_signs(void **state)
{
	static char first[] = FIRST, second[] = SECOND;

	(void)state;
	begin_anew();
	put_keys(key(FIRST, 1000), key(SECOND, 2000));
	assert_int_equal(in_a_child(sign_with_the_newest, second), 0);
	put_keys(key(FIRST, 3000), key(SECOND, 2000));
	assert_int_equal(in_a_child(sign_with_the_newest, first), 0);
}

static int
sign_with_the_second_alone(void *with)
{
	(void)with;
	return !is_taken(signed_with(FIRST)) && !sb_db_failed(memory_db) &&
	    is_taken(signed_with(SECOND)) ? 0 : 1;
}

/* What it has signed last expired when its successor was 7 days old. */
static void
a_key_retires_after_its_last_token(void **state)
{
	(void)state;
	begin_anew();
	put_keys(key(FIRST, -900000), key(SECOND, -700000));
	assert_int_equal(in_a_child(sign_with_the_second_alone, NULL), 0);
	put_keys(key(FIRST, -900000), key(SECOND, -500000));
	assert_int_equal(in_a_child(sign_with_the_second_alone, NULL), 1);
}

static int
see_a_key_added(void *with)
{
	(void)with;
	if (strcmp(sb_token_kid(&rq), kid_of(FIRST)) != 0)
		return 1;
	put_keys(key(FIRST, 1000), key(SECOND, 2000));
	/* Another process may sign by it already. */
	if (!is_taken(signed_with(SECOND)))
		return 2;
	if (!is_taken(signed_with(FIRST)))
		return 3;
	memory_sleep(SB_SECOND + SB_SECOND / 20);
	return strcmp(sb_token_kid(&rq), kid_of(SECOND)) == 0 ? 0 : 4;
}

static void
a_key_added_to_the_file_is_found(void **state)
{
	(void)state;
	begin_anew();
	put_keys(key(FIRST, 1000), NULL);
	assert_int_equal(in_a_child(see_a_key_added, NULL), 0);
}

/* Whether a request with a good token fails as it should, and is none's. */
static bool
fails(bool damaged)
{
	bool so;

	sb_db_attach(memory_db, pool);
	so = !is_taken(signed_with(FIRST)) && sb_db_failed(memory_db) &&
	    sb_db_damaged(memory_db) == damaged;
	sb_db_finish(memory_db, false);
	sb_db_attach(memory_db, pool);
	so = so && sb_token_kid(&rq) == NULL && sb_db_failed(memory_db) &&
	    sb_db_damaged(memory_db) == damaged;
	sb_db_finish(memory_db, false);
	return so;
}

/* Requests fail until the file is mended; nobody is told to log in again. */
static int
meet_a_bad_file(bool damaged)
{
	if (!fails(damaged))
		return 1;
	rmdir(memory_path("signing-keys.json"));
	put_keys(key(FIRST, 1000), NULL);
	memory_sleep(SB_SECOND + SB_SECOND / 20);
	sb_db_attach(memory_db, pool);
	return is_taken(signed_with(FIRST)) && !sb_db_failed(memory_db) ?
	    0 : 2;
}

static int
meet_a_damaged_file(void *with)
{
	(void)with;
	return meet_a_bad_file(true);
}

static int
meet_an_unreadable_file(void *with)
{
	(void)with;
	return meet_a_bad_file(false);
}

/* While it is bad, the keys that are known already go on. */
static int
meet_it_later(void *with)
{
	(void)with;
	if (!is_taken(signed_with(FIRST)))
		return 1;
	put_file("{");
	memory_sleep(SB_SECOND + SB_SECOND / 20);
	if (is_taken(signed_with(SECOND)) || !sb_db_failed(memory_db))
		return 2;
	sb_db_attach(memory_db, pool);
	return is_taken(signed_with(FIRST)) && !sb_db_failed(memory_db) &&
	    strcmp(sb_token_kid(&rq), kid_of(FIRST)) == 0 ? 0 : 3;
}

static void
a_file_damaged_later_logs_nobody_out(void **state)
{
	(void)state;
	begin_anew();
	put_keys(key(FIRST, 1000), NULL);
	assert_int_equal(in_a_child(meet_it_later, NULL), 0);
}

static void
a_damaged_key_file_is_a_fault_of_ours(void **state)
{
	const char *const broken[] = { "", "{", "[]", "{}", "{\"keys\":{}}",
	    "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}]}",
	    "{\"keys\":[{\"kty\":\"oct\"}]}",
	    "{\"keys\":[{\"kty\":\"oct\",\"k\":\"!\"}]}",
	    "{\"keys\":[{\"kty\":\"RSA\"}]}" };
	const char *data = sb_settings.data;
	pid_t pids[COUNT(broken)];
	int status[COUNT(broken)];

	(void)state;
	memory_listen();
	for (size_t i = 0; i < COUNT(broken); i++) {
		/* Side by side, as each of them sleeps. */
		sb_settings.data = sb_printf(pool, "%s/%zu", data, i);
		assert_true(sb_data_directory());
		put_file(broken[i]);
		pids[i] = memory_fork(meet_a_damaged_file, NULL);
	}
	sb_settings.data = data;
	for (size_t i = 0; i < COUNT(broken); i++)
		status[i] = memory_wait(pids[i]);
	memory_heard();
	for (size_t i = 0; i < COUNT(broken); i++)
		if (status[i] != 0)
			fail_msg("%s: %d", broken[i], status[i]);
}

static void
a_key_file_that_cannot_be_read_is_unavailable(void **state)
{
	(void)state;
	begin_anew();
	assert_int_equal(mkdir(memory_path("signing-keys.json"), 0700), 0);
	assert_int_equal(in_a_child(meet_an_unreadable_file, NULL), 0);
}

/* ------------------------------------------------------------------- all */

static int
begin_with_the_setting(void **state)
{
	if (sb_settings.secret_key == NULL)
		memory_anew();
	sb_settings.secret_key = SECRET;
	return begin_request(state);
}

#define TOKEN_TEST(f) \
	cmocka_unit_test_setup_teardown(f, begin_with_the_setting, end_request)
#define KEY_TEST(f) \
	cmocka_unit_test_setup_teardown(f, begin_request, end_request)

/* Those of the key file come first, as the ring of this process is empty. */
static const struct CMUnitTest keys[] = {
	KEY_TEST(the_key_file_is_made_once),
	KEY_TEST(the_setting_signs_and_the_file_verifies),
	KEY_TEST(with_the_setting_no_file_is_made),
	KEY_TEST(the_newest_key_of_the_file_signs),
	KEY_TEST(a_key_retires_after_its_last_token),
	KEY_TEST(a_key_added_to_the_file_is_found),
	KEY_TEST(a_damaged_key_file_is_a_fault_of_ours),
	KEY_TEST(a_key_file_that_cannot_be_read_is_unavailable),
	KEY_TEST(a_file_damaged_later_logs_nobody_out),
};

static const struct CMUnitTest tokens[] = {
	TOKEN_TEST(the_forger_knows_how),
	TOKEN_TEST(unsigned_ones_are_refused),
	TOKEN_TEST(what_was_signed_is_read),
	TOKEN_TEST(a_token_is_what_it_is_said_to_be),
	TOKEN_TEST(the_same_claims_give_the_same_text),
	TOKEN_TEST(the_kinds_are_never_interchangeable),
	TOKEN_TEST(without_its_key_there_is_no_signature),
	TOKEN_TEST(a_token_of_the_future_is_good),
	TOKEN_TEST(exp_is_exact_to_the_second),
	TOKEN_TEST(every_bit_counts),
	TOKEN_TEST(spare_bits_count_where_they_are_signed),
	TOKEN_TEST(nothing_may_be_added_or_missing),
	TOKEN_TEST(parts_of_two_tokens_are_none),
	TOKEN_TEST(long_texts_are_refused),
	TOKEN_TEST(short_texts_are_refused),
};

int
main(void)
{
	struct CMUnitTest tests[COUNT(keys) + COUNT(tokens) +
	    COUNT(forgeries)], *t = tests + COUNT(keys) + COUNT(tokens);

	memcpy(tests, keys, sizeof(keys));
	memcpy(tests + COUNT(keys), tokens, sizeof(tokens));
	for (size_t i = 0; i < COUNT(forgeries); i++)
		*t++ = (struct CMUnitTest){ .name = forgeries[i].name,
		    .test_func = a_forgery_is_refused,
		    .initial_state = &forgeries[i],
		    .setup_func = begin_with_the_setting,
		    .teardown_func = end_request };
	return cmocka_run_group_tests_name("token", tests, memory_begin,
	    memory_end);
}
