/*
 * The keys that sign tokens: SECRET_KEY, if it is set, and those of the key
 * file.  Who signs, who verifies, and until when.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyfile.h"

#define SLACK		(SB_DAY / 24)	/* for a process that signs late */
/*
 * Who has been replaced signs at most so much longer, so that SLACK is enough
 * for him; one load is missed at most.
 */
#define LATE		(SLACK / 2)
#define LOAD_AGE	(SLACK / 6)
#define PATIENCE	(5 * SB_SECOND)

static struct sb_keyring ring;
static struct sb_pool *ring_pool;	/* NULL: nothing was read so far */
static enum sb_status ring_why;		/* SB_NEXT: the keys are all there */
static struct stat seen;		/* the file when it was read */
static struct stat missed;		/* when a key wasn't found in it */
static int64_t looked_at = -SB_SECOND;	/* by the monotonic clock */
static int64_t loaded_at;		/* likewise */

/* ----------------------------------------------------------- who replaces */

static void
take_earlier(int64_t *first, int64_t time)
{
	if (time < *first)
		*first = time;
}

/* When another key than this began to sign after it did; INT64_MAX: none. */
static int64_t
replaced_at(const struct sb_keyfile *file, const struct sb_key *key)
{
	int64_t first = INT64_MAX;

	for (int i = 0; i < file->count; i++) {
		const struct sb_key *other = &file->keys[i];

		if (other->may_sign && (other->since > key->since ||
		    (other->since == key->since && key->place >= 0 &&
		    other->place > key->place)) &&
		    strcmp(other->kid, key->kid) != 0)
			take_earlier(&first, other->since);
	}
	for (int i = 0; i < file->begun; i++)
		if (file->began[i].since > key->since &&
		    strcmp(file->began[i].kid, key->kid) != 0)
			take_earlier(&first, file->began[i].since);
	return first;
}

/* The times are few, and far from overflow: sb_keyfile_read bounds them. */
static int64_t
verifies_until(const struct sb_keyfile *file, const struct sb_key *key)
{
	int64_t first = replaced_at(file, key);

	return first == INT64_MAX ? INT64_MAX : first + SLACK +
	    sb_settings.refresh_token_expire_days * SB_DAY;
}

/* When the last of those other than this began to sign; 0: there is none. */
static int64_t
last_other(const struct sb_keyfile *file, const char *kid)
{
	int64_t last = 0;

	for (int i = 0; i < file->count; i++)
		if (file->keys[i].may_sign && file->keys[i].since > last &&
		    strcmp(file->keys[i].kid, kid) != 0)
			last = file->keys[i].since;
	for (int i = 0; i < file->begun; i++)
		if (file->began[i].since > last &&
		    strcmp(file->began[i].kid, kid) != 0)
			last = file->began[i].since;
	return last;
}

bool
sb_key_is_retired(const struct sb_key *key)
{
	return key->until < sb_now();
}

/* -------------------------------------------------------------- the ring */

static struct sb_key
setting(struct sb_pool *pool)
{
	const char *text = sb_settings.secret_key;
	struct sb_key key = { .length = strlen(text), .place = -1,
	    .is_setting = true, .may_sign = true };

	key.secret = (unsigned char *)sb_copy(pool, text, key.length);
	sb_key_set_kid(&key);
	return key;
}

/* Among those of one time the later in the file is the newer. */
static int
newest_first(const void *a, const void *b)
{
	const struct sb_key *x = a, *y = b;

	return x->since != y->since ? (x->since < y->since) -
	    (x->since > y->since) : (x->place < y->place) -
	    (x->place > y->place);
}

void
sb_keyring_make(struct sb_keyring *to, const struct sb_keyfile *file)
{
	int own = sb_settings.secret_key != NULL;

	*to = (struct sb_keyring){ .count = own };
	to->keys = sb_alloc(file->pool,
	    (size_t)(file->count + 1) * sizeof(*to->keys));
	if (own)
		to->keys[0] = setting(file->pool);
	for (int i = 0; i < file->count; i++)
		if (own && strcmp(file->keys[i].kid, to->keys[0].kid) == 0)
			to->keys[0].place = file->keys[i].place;
		else
			to->keys[to->count++] = file->keys[i];
	for (int i = 0; i < to->count; i++) {
		struct sb_key *key = &to->keys[i];
		int64_t began = sb_keyfile_began(file, key->kid);

		if (began > key->since)
			key->since = began;
		key->until = verifies_until(file, key);
	}
	qsort(to->keys + own, (size_t)(to->count - own), sizeof(*to->keys),
	    newest_first);
	for (int i = 0; i < to->count && to->signer == NULL; i++)
		if (to->keys[i].may_sign) {
			to->keys[i].until = INT64_MAX;
			to->signer = &to->keys[i];
		}
}

/*
 * SECRET_KEY is noted when it is new, and when it has come back: by what took
 * its place meanwhile.  Who still runs with an older one, while all are being
 * started anew, is not somebody who came back.
 */
static bool
settle_setting(struct sb_keyfile *file)
{
	struct sb_key own = setting(file->pool);
	int64_t mine = sb_keyfile_began(file, own.kid);
	int64_t other = last_other(file, own.kid);

	if (mine != 0 && (other <= mine || other + LATE >= sb_now()))
		return false;
	sb_keyfile_begin(file, own.kid, sb_keyfile_now(file));
	return true;
}

bool
sb_keyring_settle(struct sb_keyfile *file)
{
	unsigned char secret[SB_KEY_MIN];
	struct sb_keyring now;
	int64_t other;
	bool added;

	if (sb_settings.secret_key != NULL)
		return file->set != NULL && settle_setting(file);
	if (file->set == NULL)
		return true;
	sb_keyring_make(&now, file);
	if (now.signer != NULL) {
		other = last_other(file, now.signer->kid);
		if (other <= now.signer->since || other + LATE >= sb_now())
			return false;
	}
	sb_random(secret, sizeof(secret));
	added = sb_keyfile_add(file, secret, sizeof(secret),
	    sb_keyfile_now(file), SB_KEY_TO_SIGN);
	explicit_bzero(secret, sizeof(secret));
	return added;
}

/* ------------------------------------------------------------ what we have */

/* Settles it in the file.  NULL, or why not. */
static const char *
settle_file(struct sb_keyfile *file, struct sb_pool *pool, int64_t patience)
{
	const char *why = sb_keyfile_lock(file, pool, patience);

	if (why == NULL && sb_keyring_settle(file))
		why = sb_keyfile_save(file);
	return why;
}

/*
 * Reads the file, and settles who signs.  NULL, or what is wrong: not that it
 * couldn't be settled, if somebody can sign.
 */
static const char *
read_settled(struct sb_keyfile *file, struct sb_pool *pool)
{
	const char *wrong = sb_keyfile_read(file, pool), *why;
	struct sb_keyring now;
	bool must;

	if (wrong != NULL)
		return wrong;
	sb_keyring_make(&now, file);
	must = now.signer == NULL;
	if (!sb_keyring_settle(file))
		return NULL;
	sb_keyfile_close(file);
	why = !must && access(sb_settings.data, W_OK) != 0 ? strerror(errno) :
	    settle_file(file, pool, must ? PATIENCE : 0);
	if (why == NULL)
		return NULL;
	sb_keyfile_close(file);
	sb_log(SB_DEBUG, "%s: who signs is not noted: %s", file->path, why);
	wrong = sb_keyfile_read(file, pool);
	if (wrong == NULL && must) {
		file->why = SB_UNAVAILABLE;
		wrong = why;
	}
	return wrong;
}

/*
 * Reads the file anew.  Where it can't be read, the keys there are stay.  Who
 * may not wait leaves it as it stands.
 */
static void
load(bool may_wait)
{
	struct sb_pool *pool = sb_pool_new();
	struct sb_keyfile file;
	struct sb_keyring fresh;
	const char *wrong = may_wait ? read_settled(&file, pool) :
	    sb_keyfile_read(&file, pool);

	sb_keyring_make(&fresh, &file);
	if (wrong == NULL && fresh.signer == NULL) {
		wrong = "has no key that may sign, and no room for one";
		file.why = SB_INTERNAL;
	}
	if (wrong != NULL)
		sb_log(SB_ERROR, "%s: %s", file.path, wrong);
	sb_log(SB_DEBUG, "signing keys: %d, and %d before", fresh.count,
	    ring.count);
	sb_keyfile_close(&file);
	ring_why = file.why;
	loaded_at = sb_monotonic();
	if (wrong != NULL && ring.count > 0) {
		sb_pool_free(pool);
		return;
	}
	if (ring_pool != NULL)
		sb_pool_free(ring_pool);
	ring_pool = pool;
	ring = fresh;
}

/* Whether the file is another one than it was at the last look. */
static bool
is_another(struct stat *now)
{
	struct sb_pool *pool = sb_pool_new();

	*now = (struct stat){ 0 };
	stat(sb_printf(pool, "%s/" SB_KEY_FILE, sb_settings.data), now);
	sb_pool_free(pool);
	return !sb_data_same(now, &seen);
}

/*
 * Somebody may have added a key, or taken one away.  At most once a second; a
 * process that has none looks each time, as it can do nothing else.
 */
static bool
is_changed(void)
{
	struct stat now;
	bool changed;

	if (ring.count > 0 && sb_monotonic() - looked_at < SB_SECOND)
		return false;
	looked_at = sb_monotonic();
	changed = is_another(&now) || ring.count == 0 || ring_why != SB_NEXT ||
	    looked_at - loaded_at > LOAD_AGE;
	seen = now;
	return changed;
}

static const struct sb_key *
find(const char *kid)
{
	for (int i = 0; i < ring.count; i++)
		if (strcmp(ring.keys[i].kid, kid) == 0)
			return sb_key_is_retired(&ring.keys[i]) ? NULL :
			    &ring.keys[i];
	return NULL;
}

/*
 * Whoever has read of a new key signs by it before we look again.  A file that
 * didn't have it is read for the next stranger only if it has changed.
 */
const struct sb_key *
sb_key_known(const char *kid, enum sb_status *why)
{
	const struct sb_key *key = kid == NULL ? ring.signer : find(kid);
	struct stat now;

	if (kid != NULL && key == NULL && is_another(&now) &&
	    !sb_data_same(&now, &missed)) {
		missed = now;
		load(false);
		key = find(kid);
	}
	*why = key == NULL ? ring_why : SB_NEXT;
	return key;
}

const struct sb_key *
sb_key_find(const char *kid, enum sb_status *why)
{
	if (is_changed())
		load(true);
	return sb_key_known(kid, why);
}

/* ----------------------------------------------------------------- tidying */

/* Takes out what has retired; how many that were. */
static int
take_out(struct sb_keyfile *file)
{
	struct sb_keyring now;
	int gone = 0;

	sb_keyring_make(&now, file);
	for (int i = 0; i < now.count; i++)
		if (sb_key_is_retired(&now.keys[i])) {
			sb_keyfile_remove(file, now.keys[i].kid);
			gone++;
		}
	return gone;
}

int
sb_key_tidy(void)
{
	struct sb_pool *pool = sb_pool_new();
	struct sb_keyfile file;
	const char *wrong = sb_keyfile_read(&file, pool);
	int gone = file.set == NULL ? 0 : take_out(&file);

	if (gone > 0) {
		sb_keyfile_close(&file);
		wrong = sb_keyfile_lock(&file, pool, PATIENCE);
		gone = wrong == NULL ? take_out(&file) : 0;
		if (gone > 0)
			wrong = sb_keyfile_save(&file);
	}
	if (wrong != NULL)
		sb_log(SB_ERROR, "%s: %s", file.path, wrong);
	sb_keyfile_close(&file);
	sb_pool_free(pool);
	return wrong != NULL ? -1 : gone;
}
