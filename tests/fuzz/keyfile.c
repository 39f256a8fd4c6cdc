/*
 * Any bytes as the file of signing keys: what is taken has keys long enough,
 * each with its id; and when it is written and read again it has the same.
 */
#include <string.h>

#include "folder.h"
#include "fuzz.h"
#include "keyfile.h"

static void
check_keys(const struct sb_keyfile *f)
{
	struct sb_keyring ring;

	PROMISE(f->count <= SB_KEYS_MAX);
	for (int i = 0; i < f->count; i++) {
		const struct sb_key *key = &f->keys[i];
		struct sb_key again = *key;

		PROMISE(key->length >= SB_KEY_MIN && key->since >= 0);
		sb_key_set_kid(&again);
		PROMISE(strcmp(again.kid, key->kid) == 0);
		PROMISE(strlen(key->kid) == 16);
		PROMISE(!key->waits || !key->may_sign);
		PROMISE(sb_keyfile_find(f, key->kid) != NULL);
	}
	for (int i = 0; i < f->begun; i++)
		PROMISE(*f->began[i].kid != '\0' && f->began[i].since >= 0);
	sb_keyring_make(&ring, f);
	PROMISE(ring.count <= f->count + (sb_settings.secret_key != NULL));
	if (ring.signer != NULL)
		PROMISE(ring.signer->may_sign &&
		    ring.signer->until == INT64_MAX);
	for (int i = 0; i < ring.count; i++)
		PROMISE(ring.keys[i].until > 0);
}

static void
check_again(struct sb_pool *pool, const struct sb_keyfile *f)
{
	struct sb_keyfile locked, again;
	const char *wrong;

	PROMISE(sb_keyfile_lock(&locked, pool, 0) == NULL);
	sb_keyring_settle(&locked);
	wrong = sb_keyfile_save(&locked);
	sb_keyfile_close(&locked);
	if (wrong != NULL)
		return;
	PROMISE(sb_keyfile_read(&again, pool) == NULL);
	check_keys(&again);
	for (int i = 0; i < f->count; i++)
		PROMISE(sb_keyfile_find(&again, f->keys[i].kid) != NULL);
	sb_keyfile_close(&again);
}

static void
check(const uint8_t *bytes, size_t size)
{
	struct sb_pool *pool = sb_pool_new();
	struct sb_keyfile f;
	const char *wrong;

	folder_write(SB_KEY_FILE, bytes, size);
	wrong = sb_keyfile_read(&f, pool);
	if (wrong != NULL) {
		PROMISE(*wrong != '\0' && f.count == 0 && f.begun == 0);
		PROMISE(f.why != SB_NEXT);
	} else {
		check_keys(&f);
		check_again(pool, &f);
	}
	sb_keyfile_close(&f);
	sb_pool_free(pool);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (sb_settings.data == NULL) {
		sb_settings.data = folder_begin();
		sb_settings.refresh_token_expire_days = 7;
	}
	sb_settings.secret_key = NULL;
	check(bytes, size);
	sb_settings.secret_key = "a key of as many bytes as are needed for it";
	check(bytes, size);
	return 0;
}
