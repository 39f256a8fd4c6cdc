/*
 * The key file in the data directory: read as it stands, and written whole or
 * not at all, by one process at a time.  key.c says what its keys are good for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <json-c/json.h>
#include <openssl/sha.h>

#include "keyfile.h"

#define FILE_MAX	65536
#define BEGUN_MAX	16
#define SECONDS_MAX	INT64_C(253402300799)	/* the end of the year 9999 */

/* ------------------------------------------------------------- what it has */

void
sb_key_set_kid(struct sb_key *key)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256(key->secret, key->length, digest);
	sb_hex(key->kid, digest, 8);
}

static struct json_object *
member(struct json_object *object, const char *name, enum json_type type)
{
	struct json_object *value;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, type))
		return NULL;
	return value;
}

static const char *
text_member(struct json_object *object, const char *name)
{
	struct json_object *text = member(object, name, json_type_string);

	return text == NULL ? "" : json_object_get_string(text);
}

/* A time in seconds; 0 if there is none. */
static int64_t
time_member(struct json_object *object, const char *name)
{
	struct json_object *value;
	int64_t seconds = 0;

	if (json_object_object_get_ex(object, name, &value))
		seconds = json_object_get_int64(value);
	return seconds < 0 ? 0 : SB_SECOND *
	    (seconds > SECONDS_MAX ? SECONDS_MAX : seconds);
}

/* RFC 7517 section 4.3: what isn't said is allowed. */
static bool
may_sign(struct json_object *key)
{
	struct json_object *uses;

	if (!json_object_object_get_ex(key, "key_ops", &uses))
		return true;
	if (!json_object_is_type(uses, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(uses); i++) {
		const char *use = json_object_get_string(
		    json_object_array_get_idx(uses, i));

		if (use != NULL && strcmp(use, "sign") == 0)
			return true;
	}
	return false;
}

/*
 * An id of ours is made from the key: another one tells that one of the two is
 * not what it was, and tokens would be refused as if they were forged.  What
 * doesn't look like ours is somebody else's, and says nothing.
 */
static bool
is_damaged(const struct sb_key *key, const char *kid)
{
	const size_t n = strlen(key->kid);

	return strlen(kid) == n && strspn(kid, "0123456789abcdef") == n &&
	    strcmp(kid, key->kid) != 0;
}

static bool
take_key(struct sb_keyfile *file, struct json_object *object, int place)
{
	const char *k = text_member(object, "k");
	struct sb_key key = { .place = place };
	struct json_object *waits = member(object, "waits", json_type_boolean);

	key.secret = sb_unbase64url(file->pool, k, strlen(k), &key.length);
	if (key.secret == NULL || key.length < SB_KEY_MIN)
		return false;
	key.since = time_member(object, "iat");
	key.may_sign = may_sign(object);
	key.waits = !key.may_sign && json_object_get_boolean(waits);
	sb_key_set_kid(&key);
	if (is_damaged(&key, text_member(object, "kid")))
		return false;
	file->keys[file->count++] = key;
	return true;
}

static const char *
take_keys(struct sb_keyfile *file)
{
	struct json_object *keys = member(file->set, "keys", json_type_array);
	size_t n;

	file->count = 0;
	if (keys == NULL)
		return "is not a JWK Set";
	if ((n = json_object_array_length(keys)) > SB_KEYS_MAX)
		return "has too many keys";
	file->keys = sb_alloc(file->pool, (n + 1) * sizeof(*file->keys));
	for (size_t i = 0; i < n; i++) {
		struct json_object *key = json_object_array_get_idx(keys, i);

		if (strcmp(text_member(key, "kty"), "oct") == 0 &&
		    !take_key(file, key, (int)i))
			return "has a key that is too short, malformed or "
			    "damaged";
	}
	return NULL;
}

static void
take_began(struct sb_keyfile *file, struct json_object *object)
{
	struct sb_began *to = &file->began[file->begun];
	const char *kid = text_member(object, "kid");

	if (*kid == '\0' || file->begun > BEGUN_MAX)
		return;
	to->kid = sb_copy(file->pool, kid, strlen(kid));
	to->since = time_member(object, "since");
	file->begun++;
}

/* What the set has.  What is wrong with it, or NULL. */
static const char *
take(struct sb_keyfile *file)
{
	struct json_object *last = member(file->set, "secret_key",
	    json_type_object), *before = member(last, "before",
	    json_type_array);
	size_t n = before == NULL ? 0 : json_object_array_length(before);
	const char *wrong = take_keys(file);

	if (wrong != NULL)
		return wrong;
	file->began = sb_alloc(file->pool,
	    (BEGUN_MAX + 1) * sizeof(*file->began));
	file->begun = 0;
	take_began(file, last);
	for (size_t i = 0; i < n; i++)
		take_began(file, json_object_array_get_idx(before, i));
	/* Once SECRET_KEY has signed, the file may have lost all of them. */
	if (file->count == 0 && file->begun == 0 && !file->is_new &&
	    sb_settings.secret_key == NULL)
		return "has no key";
	return NULL;
}

/* ----------------------------------------------------------- from the disk */

static void
begin(struct sb_keyfile *file, struct sb_pool *pool)
{
	*file = (struct sb_keyfile){ .pool = pool, .place = -1,
	    .why = SB_NEXT };
	file->path = sb_printf(pool, "%s/" SB_KEY_FILE, sb_settings.data);
}

static const char *
fail(struct sb_keyfile *file, enum sb_status why, const char *wrong)
{
	json_object_put(file->set);
	file->set = NULL;
	file->count = file->begun = 0;
	file->why = why;
	return wrong;
}

/* The length of the text, 0 if there is no file, -1 if it can't be had. */
static ssize_t
read_text(struct sb_keyfile *file, char **text)
{
	int fd = open(file->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), error;
	struct stat st;
	ssize_t n = -1;

	if (fd < 0) {
		file->is_new = errno == ENOENT;
		return file->is_new ? 0 : -1;
	}
	if (fstat(fd, &st) == 0) {
		/* One more, to see that it is too long. */
		size_t size = st.st_size < FILE_MAX ? (size_t)st.st_size + 1 :
		    FILE_MAX;

		*text = sb_alloc(file->pool, size);
		n = sb_read_all(fd, *text, size);
	}
	error = errno;
	close(fd);
	errno = error;
	return n;
}

static const char *
read_file(struct sb_keyfile *file)
{
	char *text = NULL;
	ssize_t n = read_text(file, &text);
	const char *wrong;
	size_t offset;

	if (n < 0)
		return fail(file, SB_UNAVAILABLE, strerror(errno));
	if (file->is_new)
		return NULL;
	if (n == FILE_MAX)
		return fail(file, SB_INTERNAL, "is too long");
	if (sb_json_parse(text, (size_t)n, &file->set, &offset) != NULL)
		return fail(file, SB_INTERNAL, "is not JSON");
	wrong = take(file);
	return wrong == NULL ? NULL : fail(file, SB_INTERNAL, wrong);
}

const char *
sb_keyfile_read(struct sb_keyfile *file, struct sb_pool *pool)
{
	begin(file, pool);
	return read_file(file);
}

const char *
sb_keyfile_lock(struct sb_keyfile *file, struct sb_pool *pool,
    int64_t patience)
{
	const char *wrong;

	begin(file, pool);
	if (!sb_data_directory())
		return fail(file, SB_UNAVAILABLE, "no data directory");
	if ((file->place = sb_slot_take("keys", 1, patience)) < 0)
		return fail(file, SB_UNAVAILABLE,
		    "can't be locked to be changed");
	wrong = read_file(file);
	if (wrong != NULL || !file->is_new)
		return wrong;
	file->set = json_object_new_object();
	json_object_object_add(file->set, "keys", json_object_new_array());
	take(file);
	return NULL;
}

const char *
sb_keyfile_save(struct sb_keyfile *file)
{
	size_t length;
	const char *json = json_object_to_json_string_length(file->set,
	    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE,
	    &length), *why;

	if (json == NULL)
		sb_fatal("out of memory");
	why = length + 1 >= FILE_MAX ? "would be too long" :
	    sb_data_write(SB_KEY_FILE, sb_printf(file->pool, "%s\n", json),
	    !file->is_new);
	if (why != NULL)
		file->why = SB_UNAVAILABLE;
	return why;
}

void
sb_keyfile_close(struct sb_keyfile *file)
{
	json_object_put(file->set);
	file->set = NULL;
	if (file->place >= 0)
		sb_slot_leave(file->place);
	file->place = -1;
}

/* ----------------------------------------------------------------- changes */

int64_t
sb_keyfile_now(const struct sb_keyfile *file)
{
	int64_t now = sb_now() / SB_SECOND * SB_SECOND;

	for (int i = 0; i < file->count; i++)
		if (file->keys[i].since >= now)
			now = file->keys[i].since + SB_SECOND;
	for (int i = 0; i < file->begun; i++)
		if (file->began[i].since >= now)
			now = file->began[i].since + SB_SECOND;
	return now;
}

static void
put(struct json_object *object, const char *name, struct json_object *value)
{
	if (value == NULL || json_object_object_add(object, name, value) != 0)
		sb_fatal("out of memory");
}

static void
put_text(struct json_object *object, const char *name, const char *text)
{
	put(object, name, json_object_new_string(text));
}

static void
put_time(struct json_object *object, const char *name, int64_t time)
{
	put(object, name, json_object_new_int64(time / SB_SECOND));
}

static void
append(struct json_object *array, struct json_object *value)
{
	if (value == NULL || json_object_array_add(array, value) != 0)
		sb_fatal("out of memory");
}

bool
sb_keyfile_add(struct sb_keyfile *file, const void *secret, size_t length,
    int64_t since, enum sb_key_use use)
{
	struct json_object *keys = member(file->set, "keys", json_type_array),
	    *object, *uses;
	struct sb_key key = { .length = length };

	if (json_object_array_length(keys) >= SB_KEYS_MAX)
		return false;
	key.secret = (unsigned char *)sb_copy(file->pool, secret, length);
	sb_key_set_kid(&key);
	append(keys, object = json_object_new_object());
	put_text(object, "kty", "oct");
	put_text(object, "alg", "HS256");
	put_text(object, "kid", key.kid);
	put_text(object, "k", sb_base64url(file->pool, key.secret, length));
	put_time(object, "iat", since);
	if (use != SB_KEY_TO_SIGN) {
		put(object, "key_ops", uses = json_object_new_array());
		append(uses, json_object_new_string("verify"));
	}
	if (use == SB_KEY_TO_WAIT)
		put(object, "waits", json_object_new_boolean(1));
	take(file);
	return true;
}

void
sb_keyfile_remove(struct sb_keyfile *file, const char *kid)
{
	struct json_object *keys = member(file->set, "keys", json_type_array);

	for (int i = file->count - 1; i >= 0; i--)
		if (strcmp(file->keys[i].kid, kid) == 0)
			json_object_array_del_idx(keys,
			    (size_t)file->keys[i].place, 1);
	take(file);
}

struct sb_key *
sb_keyfile_find(const struct sb_keyfile *file, const char *kid)
{
	for (int i = 0; i < file->count; i++)
		if (strcmp(file->keys[i].kid, kid) == 0)
			return &file->keys[i];
	return NULL;
}

int64_t
sb_keyfile_began(const struct sb_keyfile *file, const char *kid)
{
	int64_t last = 0;

	for (int i = 0; i < file->begun; i++)
		if (strcmp(file->began[i].kid, kid) == 0 &&
		    file->began[i].since > last)
			last = file->began[i].since;
	return last;
}

void
sb_keyfile_begin(struct sb_keyfile *file, const char *kid, int64_t since)
{
	struct json_object *keys = member(file->set, "keys", json_type_array),
	    *before = json_object_new_array(), *last;
	const struct sb_key *key = sb_keyfile_find(file, kid);

	for (int i = 0; i < file->begun && i < BEGUN_MAX; i++) {
		struct json_object *one = json_object_new_object();

		put_text(one, "kid", file->began[i].kid);
		put_time(one, "since", file->began[i].since);
		append(before, one);
	}
	if ((last = member(file->set, "secret_key", json_type_object)) == NULL)
		put(file->set, "secret_key", last = json_object_new_object());
	put_text(last, "kid", kid);
	put_time(last, "since", since);
	if (json_object_array_length(before) > 0)
		put(last, "before", before);
	else
		json_object_put(before);
	if (key != NULL && key->waits) {
		struct json_object *object = json_object_array_get_idx(keys,
		    (size_t)key->place);

		json_object_object_del(object, "waits");
		put_time(object, "iat", since);
	}
	take(file);
}
