/*
 * Which key signs, which verify and which go; that the key file is changed
 * whole or not at all; and the installation's own secret.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
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

#include "keyfile.h"
#include "memory.h"

#define FILE_NAME	"signing-keys.json"
#define SETTING		"the setting of these tests has 39 bytes"
#define OTHER		"another setting of theirs has 38 bytes"
#define ONE		"the first key of the file has 38 bytes"
#define TWO		"the second key of the file has 39 bytes"
#define THREE		"the third key of the file has 38 bytes"
#define CROWD		8
#define HOUR		3600
#define DAY		(24 * HOUR)
#define WEEK		(7 * DAY)
#define VERIFY		",\"key_ops\":[\"verify\"]"
#define WAITS		VERIFY ",\"waits\":true"

static struct sb_pool *pool;
static struct sb_request rq;

static int
begin(void **state)
{
	(void)state;
	memory_anew();
	sb_settings.secret_key = NULL;
	pool = sb_pool_new();
	rq = (struct sb_request){ .pool = pool, .db = memory_db };
	sb_db_attach(memory_db, pool);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	sb_db_finish(memory_db, false);
	sb_pool_free(pool);
	return 0;
}

/* A process reads its keys once a second: each question has one of its own. */
static void
in_a_child(int (*run)(void *), void *with)
{
	const char *log;
	int status;

	memory_listen();
	status = memory_wait(memory_fork(run, with));
	log = memory_heard();
	if (status != 0)
		fail_msg("%d: %s", status, log);
}

/* -------------------------------------------------------------- the file */

static const char *
kid_of(const char *secret)
{
	struct sb_key key = { .length = strlen(secret) };

	key.secret = (unsigned char *)sb_printf(pool, "%s", secret);
	sb_key_set_kid(&key);
	return sb_printf(pool, "%s", key.kid);
}

static long long
ago(int64_t seconds)
{
	return (long long)(sb_now() / SB_SECOND - seconds);
}

/* A key that is so many seconds old. */
static const char *
key(const char *secret, int64_t age, const char *more)
{
	return sb_printf(pool, "{\"kty\":\"oct\",\"k\":\"%s\",\"iat\":%lld%s}",
	    sb_base64url(pool, (const unsigned char *)secret, strlen(secret)),
	    ago(age), more);
}

static const char *
began(const char *secret, int64_t age)
{
	return sb_printf(pool, ",\"secret_key\":{\"kid\":\"%s\","
	    "\"since\":%lld}", kid_of(secret), ago(age));
}

static void
put(const char *name, const char *text)
{
	int fd = open(memory_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
put_keys(const char *beside, const char *const *keys)
{
	const char *text = "";

	for (; *keys != NULL; keys++)
		text = sb_printf(pool, "%s%s%s", text,
		    *text == '\0' ? "" : ",", *keys);
	put(FILE_NAME, sb_printf(pool, "{\"keys\":[%s]%s}", text, beside));
}

/* What stands beside the keys, and the keys. */
#define PUT_FILE(beside, ...) \
	put_keys(beside, (const char *const []){ __VA_ARGS__, NULL })

static const char *
get(const char *name)
{
	char *text = sb_alloc(pool, 65536);
	int fd = open(memory_path(name), O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = read(fd, text, 65535);
	close(fd);
	assert_true(n >= 0);
	return text;
}

static bool
has_key(const char *secret)
{
	const char *text = get(FILE_NAME);

	return text != NULL && strstr(text, sb_base64url(pool,
	    (const unsigned char *)secret, strlen(secret))) != NULL;
}

static int
count_keys(void)
{
	struct sb_keyfile file;
	int n;

	assert_null(sb_keyfile_read(&file, pool));
	n = file.count;
	sb_keyfile_close(&file);
	return n;
}

/* --------------------------------------------------------------- who signs */

static const char *
signer(void)
{
	enum sb_status why;
	const struct sb_key *now = sb_key_find(NULL, &why);

	return now == NULL ? "nobody" : now->kid;
}

static bool
verifies(const char *secret)
{
	enum sb_status why;
	const struct sb_key *one = sb_key_find(kid_of(secret), &why);

	return one != NULL && one->length == strlen(secret) &&
	    memcmp(one->secret, secret, one->length) == 0;
}

static int
sign_with(void *secret)
{
	return strcmp(signer(), kid_of(secret)) == 0 ? 0 : 1;
}

static char setting[] = SETTING, other[] = OTHER, one[] = ONE, two[] = TWO,
    three[] = THREE;

static void
a_key_that_only_verifies_does_not_sign(void **state)
{
	const char *const ops[] = { VERIFY, WAITS, ",\"key_ops\":[]",
	    ",\"key_ops\":\"sign\"" };

	(void)state;
	for (size_t i = 0; i < COUNT(ops); i++) {
		PUT_FILE("", key(ONE, 200, ""), key(TWO, 100, ops[i]));
		in_a_child(sign_with, one);
	}
	PUT_FILE("", key(ONE, 200, ""), key(TWO, 100,
	    ",\"key_ops\":[\"verify\",\"sign\"]"));
	in_a_child(sign_with, two);
	assert_int_equal(count_keys(), 2);
}

static void
of_two_keys_of_one_second_the_later_in_the_file_signs(void **state)
{
	(void)state;
	PUT_FILE("", key(ONE, 100, ""), key(TWO, 100, ""));
	in_a_child(sign_with, two);
	PUT_FILE("", key(TWO, 100, ""), key(ONE, 100, ""));
	in_a_child(sign_with, one);
}

static int
sign_with_another(void *with)
{
	(void)with;
	if (strcmp(signer(), kid_of(ONE)) == 0 ||
	    strcmp(signer(), kid_of(TWO)) == 0 || strlen(signer()) != 16)
		return 1;
	return verifies(ONE) && verifies(TWO) ? 0 : 2;
}

static void
where_none_may_sign_a_key_is_added(void **state)
{
	(void)state;
	PUT_FILE("", key(ONE, 100, VERIFY), key(TWO, 100, WAITS));
	in_a_child(sign_with_another, NULL);
	assert_int_equal(count_keys(), 3);
	/* And stays. */
	in_a_child(sign_with_another, NULL);
	assert_int_equal(count_keys(), 3);
}

static int
sign_with_none(void *with)
{
	enum sb_status why;

	(void)with;
	if (sb_key_find(NULL, &why) != NULL || why != SB_UNAVAILABLE)
		return 1;
	return verifies(ONE) ? 0 : 2;
}

static void
where_none_can_be_added_the_others_verify(void **state)
{
	(void)state;
	PUT_FILE("", key(ONE, 100, VERIFY));
	/* What stands in the way of the file that is written first. */
	assert_int_equal(mkdir(memory_path(FILE_NAME ".new"), 0700), 0);
	in_a_child(sign_with_none, NULL);
	assert_true(has_key(ONE));
}

static void
the_setting_is_noted_once(void **state)
{
	struct sb_keyfile file;
	const char *text;

	(void)state;
	PUT_FILE(",\"x\":[1.50]", key(ONE, 100, ""));
	sb_settings.secret_key = SETTING;
	in_a_child(sign_with, setting);
	assert_null(sb_keyfile_read(&file, pool));
	assert_int_equal(file.begun, 1);
	assert_string_equal(file.began[0].kid, kid_of(SETTING));
	assert_in_range(file.began[0].since / SB_SECOND, ago(60), ago(-1));
	sb_keyfile_close(&file);
	text = get(FILE_NAME);
	assert_non_null(strstr(text, "1.50"));
	assert_null(strstr(text, SETTING));
	in_a_child(sign_with, setting);
	assert_string_equal(get(FILE_NAME), text);
}

static void
a_new_setting_is_noted_and_an_old_one_kept_in_mind(void **state)
{
	struct sb_keyfile file;
	const char *text;

	(void)state;
	PUT_FILE(began(OTHER, 500), key(ONE, 1000, ""));
	sb_settings.secret_key = SETTING;
	in_a_child(sign_with, setting);
	assert_null(sb_keyfile_read(&file, pool));
	assert_int_equal(file.begun, 2);
	assert_string_equal(file.began[0].kid, kid_of(SETTING));
	assert_string_equal(file.began[1].kid, kid_of(OTHER));
	sb_keyfile_close(&file);
	/* Who still has the old one is only late. */
	text = get(FILE_NAME);
	sb_settings.secret_key = OTHER;
	in_a_child(sign_with, other);
	assert_string_equal(get(FILE_NAME), text);
}

static void
a_setting_that_comes_back_is_noted(void **state)
{
	struct sb_keyfile file;

	(void)state;
	PUT_FILE(sb_printf(pool, ",\"secret_key\":{\"kid\":\"%s\",\"since\":"
	    "%lld,\"before\":[{\"kid\":\"%s\",\"since\":%lld}]}",
	    kid_of(OTHER), ago(DAY), kid_of(SETTING), ago(2 * DAY)),
	    key(ONE, 3 * DAY, ""));
	sb_settings.secret_key = SETTING;
	in_a_child(sign_with, setting);
	assert_null(sb_keyfile_read(&file, pool));
	assert_int_equal(file.begun, 3);
	assert_string_equal(file.began[0].kid, kid_of(SETTING));
	assert_in_range(file.began[0].since / SB_SECOND, ago(60), ago(-1));
	sb_keyfile_close(&file);
}

static void
a_malformed_note_counts_as_none(void **state)
{
	const char *const notes[] = { ",\"secret_key\":null",
	    ",\"secret_key\":7", ",\"secret_key\":{\"since\":5}",
	    ",\"secret_key\":{\"kid\":5,\"since\":5,\"before\":7}",
	    ",\"secret_key\":{\"before\":[null,{},[]]}" };
	struct sb_keyfile file;

	(void)state;
	for (size_t i = 0; i < COUNT(notes); i++) {
		PUT_FILE(notes[i], key(ONE, 100, ""));
		sb_settings.secret_key = NULL;
		in_a_child(sign_with, one);
		sb_settings.secret_key = SETTING;
		in_a_child(sign_with, setting);
		assert_null(sb_keyfile_read(&file, pool));
		assert_string_equal(file.began[0].kid, kid_of(SETTING));
		sb_keyfile_close(&file);
	}
}

static int
meet_odd_times(void *with)
{
	(void)with;
	return verifies(ONE) && verifies(TWO) ? 0 : 1;
}

static void
odd_times_are_no_fault(void **state)
{
	const char *const times[] = { "-5", "9223372036854775807", "1e300",
	    "\"soon\"", "null", "18446744073709551615" };
	const char *k = key(ONE, 100, "");

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		PUT_FILE(sb_printf(pool, ",\"secret_key\":{\"kid\":\"x\","
		    "\"since\":%s}", times[i]), k, sb_printf(pool,
		    "{\"kty\":\"oct\",\"k\":\"%s\",\"iat\":%s}",
		    sb_base64url(pool, (const unsigned char *)TWO,
		    strlen(TWO)), times[i]));
		in_a_child(meet_odd_times, NULL);
		assert_int_equal(sb_key_tidy(), 0);
	}
}

/* The programs would refuse all of its tokens as if they were forged. */
static int
meet_damage(void *with)
{
	enum sb_status why;

	(void)with;
	return sb_key_find(NULL, &why) == NULL && why == SB_INTERNAL ? 0 : 1;
}

static void
a_key_that_does_not_go_with_its_id_is_damaged(void **state)
{
	(void)state;
	PUT_FILE("", key(ONE, 9, sb_printf(pool, ",\"kid\":\"%s\"",
	    kid_of(ONE))));
	in_a_child(sign_with, one);
	PUT_FILE("", key(ONE, 9, ",\"kid\":\"from elsewhere\""));
	in_a_child(sign_with, one);
	PUT_FILE("", key(ONE, 9, ",\"kid\":\"as long as ours.\""));
	in_a_child(sign_with, one);
	PUT_FILE("", key(ONE, 9, sb_printf(pool, ",\"kid\":\"%s\"",
	    kid_of(TWO))));
	in_a_child(meet_damage, NULL);
}

/* -------------------------------------------------------- while it is open */

/* Others have read of a new key and sign by it, less than a second later. */
static int
meet_new_keys(void *with)
{
	enum sb_status why;

	(void)with;
	if (strcmp(signer(), kid_of(ONE)) != 0)
		return 1;
	PUT_FILE("", key(ONE, 9, ""), key(TWO, 1, ""));
	if (!verifies(TWO) || !verifies(ONE) || verifies(THREE))
		return 2;
	PUT_FILE("", key(ONE, 9, ""), key(TWO, 1, ""), key(THREE, 0, ""));
	return sb_key_known(kid_of(THREE), &why) != NULL && why == SB_NEXT ?
	    0 : 3;
}

/* What one child meets: the same file, for all that can be seen of it. */
static int
meet_a_stranger(void *with)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	enum sb_status why;
	struct stat st;

	(void)with;
	if (strcmp(signer(), kid_of(TWO)) != 0)
		return 1;
	PUT_FILE("", key(TWO, 9, ""), key(ONE, 1, ""));
	if (sb_key_known(kid_of(THREE), &why) != NULL || why != SB_NEXT)
		return 2;
	assert_int_equal(stat(memory_path(FILE_NAME), &st), 0);
	times[1] = st.st_mtim;
	PUT_FILE("", key(TWO, 9, ""), key(THREE, 1, ""));
	utimensat(AT_FDCWD, memory_path(FILE_NAME), times, 0);
	if (sb_key_known(kid_of(THREE), &why) != NULL)
		return 3;
	times[1].tv_sec++;
	utimensat(AT_FDCWD, memory_path(FILE_NAME), times, 0);
	return sb_key_known(kid_of(THREE), &why) != NULL ? 0 : 4;
}

static void
a_file_is_not_read_for_each_stranger(void **state)
{
	(void)state;
	PUT_FILE("", key(TWO, 9, ""));
	in_a_child(meet_a_stranger, NULL);
}

static void
a_key_of_which_others_have_read_is_known_at_once(void **state)
{
	(void)state;
	PUT_FILE("", key(ONE, 9, ""));
	in_a_child(meet_new_keys, NULL);
}

static int
lose_a_key(void *with)
{
	struct sb_keyfile file;

	(void)with;
	if (!verifies(ONE) || strcmp(signer(), kid_of(TWO)) != 0)
		return 1;
	if (sb_keyfile_lock(&file, pool, SB_SECOND) != NULL)
		return 2;
	sb_keyfile_remove(&file, kid_of(ONE));
	if (sb_keyfile_save(&file) != NULL)
		return 3;
	sb_keyfile_close(&file);
	memory_sleep(SB_SECOND + SB_SECOND / 20);
	return !verifies(ONE) && verifies(TWO) ? 0 : 4;
}

static void
a_running_process_sees_that_a_key_is_gone(void **state)
{
	(void)state;
	PUT_FILE("", key(ONE, 200, ""), key(TWO, 100, ""));
	in_a_child(lose_a_key, NULL);
}

static int
add_keys_for_ever(void *with)
{
	(void)with;
	for (unsigned int i = 0;; i++) {
		unsigned char secret[32];
		struct sb_keyfile file;

		sb_random(secret, sizeof(secret));
		if (sb_keyfile_lock(&file, pool, 5 * SB_SECOND) != NULL)
			return 1;
		/* So that it neither fills nor stays as long as it was. */
		if (file.count > 20)
			while (file.count > 1 + (int)(i % 7))
				sb_keyfile_remove(&file, file.keys[1].kid);
		else
			sb_keyfile_add(&file, secret, sizeof(secret),
			    sb_keyfile_now(&file), SB_KEY_TO_SIGN);
		if (sb_keyfile_save(&file) != NULL)
			return 2;
		sb_keyfile_close(&file);
	}
}

/* Each is in the middle of some write, mostly. */
static void
whoever_is_killed_leaves_a_whole_file(void **state)
{
	unsigned short chance;

	(void)state;
	PUT_FILE("", key(ONE, 100, ""));
	for (int i = 0; i < 50; i++) {
		pid_t pid = memory_fork(add_keys_for_ever, NULL);

		sb_random(&chance, sizeof(chance));
		memory_sleep(2000 + chance % 8000);
		kill(pid, SIGKILL);
		assert_int_equal(memory_wait(pid), 1000 + SIGKILL);
		assert_true(count_keys() >= 1);
		assert_true(has_key(ONE));
	}
}

static int
add_one(void *with)
{
	struct sb_keyfile file;
	bool added;

	if (sb_keyfile_lock(&file, pool, 20 * SB_SECOND) != NULL)
		return 1;
	added = sb_keyfile_add(&file, with, strlen(with),
	    sb_keyfile_now(&file), SB_KEY_TO_SIGN);
	if (!added || sb_keyfile_save(&file) != NULL)
		return 2;
	sb_keyfile_close(&file);
	return 0;
}

static void
what_a_dead_process_left_is_no_hindrance(void **state)
{
	(void)state;
	put(FILE_NAME ".new", "half a fi");
	in_a_child(add_one, two);
	in_a_child(add_one, three);
	assert_true(has_key(TWO) && has_key(THREE));
	assert_null(get(FILE_NAME ".new"));
	in_a_child(sign_with, three);
}

static void
a_link_in_its_place_is_not_followed(void **state)
{
	(void)state;
	PUT_FILE("", key(ONE, 100, ""));
	put("elsewhere", "mine");
	assert_int_equal(symlink("elsewhere", memory_path(FILE_NAME ".new")),
	    0);
	in_a_child(add_one, two);
	assert_string_equal(get("elsewhere"), "mine");
	assert_true(has_key(ONE) && has_key(TWO));
}

static void
a_file_that_came_meanwhile_is_not_overwritten(void **state)
{
	(void)state;
	put("some", "old");
	assert_string_equal(sb_data_write("some", "new", false),
	    strerror(EEXIST));
	assert_string_equal(get("some"), "old");
	assert_null(get("some.new"));
	assert_null(sb_data_write("some", "new", true));
	assert_string_equal(get("some"), "new");
	assert_null(sb_data_write("more", "text", false));
	assert_string_equal(get("more"), "text");
	assert_null(get("more.new"));
}

/* ----------------------------------------------------------------- tidying */

static int
tidy(void)
{
	int gone;

	memory_listen();
	gone = sb_key_tidy();
	if (gone < 0)
		assert_non_null(strstr(memory_heard(), FILE_NAME));
	else
		assert_string_equal(memory_heard(), "");
	return gone;
}

static void
only_what_has_retired_is_tidied_away(void **state)
{
	(void)state;
	PUT_FILE("", key(ONE, 30 * DAY, ""), key(TWO, WEEK + HOUR + 60, ""),
	    key(THREE, WEEK + HOUR - 60, ""));
	assert_int_equal(tidy(), 1);
	assert_false(has_key(ONE));
	assert_true(has_key(TWO) && has_key(THREE));
	assert_int_equal(tidy(), 0);
	/* That one's successor is no older than it may be. */
	PUT_FILE("", key(ONE, 30 * DAY, ""), key(TWO, WEEK + HOUR - 60, ""));
	assert_int_equal(tidy(), 0);
	sb_settings.refresh_token_expire_days = 6;
	assert_int_equal(tidy(), 1);
	sb_settings.refresh_token_expire_days = 7;
}

static void
a_key_that_waits_is_kept(void **state)
{
	(void)state;
	sb_settings.secret_key = SETTING;
	PUT_FILE(began(SETTING, 90 * DAY), key(ONE, 100 * DAY, ""),
	    key(SETTING, 90 * DAY, VERIFY), key(TWO, 80 * DAY, WAITS));
	assert_int_equal(tidy(), 1);
	assert_false(has_key(ONE));
	assert_true(has_key(SETTING) && has_key(TWO));
}

static void
what_was_the_setting_is_tidied_away(void **state)
{
	(void)state;
	sb_settings.secret_key = TWO;
	PUT_FILE(sb_printf(pool, ",\"secret_key\":{\"kid\":\"%s\",\"since\":"
	    "%lld,\"before\":[{\"kid\":\"%s\",\"since\":%lld}]}", kid_of(TWO),
	    ago(WEEK + HOUR + 60), kid_of(SETTING), ago(90 * DAY)),
	    key(SETTING, 90 * DAY, VERIFY), key(TWO, 30 * DAY, VERIFY));
	assert_int_equal(tidy(), 1);
	assert_false(has_key(SETTING));
	assert_true(has_key(TWO));
	/* While nobody knows who signs, nothing goes. */
	PUT_FILE("", key(SETTING, 90 * DAY, VERIFY), key(TWO, 30 * DAY,
	    VERIFY));
	assert_int_equal(tidy(), 0);
}

static void
tidying_makes_no_file_and_mends_none(void **state)
{
	(void)state;
	assert_int_equal(tidy(), 0);
	assert_null(get(FILE_NAME));
	assert_null(get("keys.slots"));
	put(FILE_NAME, "{\"keys\":[");
	assert_int_equal(tidy(), -1);
	assert_string_equal(get(FILE_NAME), "{\"keys\":[");
}

static void
what_cannot_be_tidied_is_said(void **state)
{
	const char *text;

	(void)state;
	PUT_FILE("", key(ONE, 30 * DAY, ""), key(TWO, 20 * DAY, ""));
	text = get(FILE_NAME);
	assert_int_equal(mkdir(memory_path(FILE_NAME ".new"), 0700), 0);
	assert_int_equal(tidy(), -1);
	assert_string_equal(get(FILE_NAME), text);
}

/* -------------------------------------------------------------- the secret */

static struct board {
	_Atomic int	 here;
	char		 names[CROWD][40];
} *board;

static int
name_at_once(void *with)
{
	int turn = atomic_fetch_add(&board->here, 1);
	const char *name;

	(void)with;
	while (atomic_load(&board->here) < CROWD)
		memory_sleep(100);
	if ((name = sb_secret_hash(&rq, "test", "a text")) == NULL)
		return 1;
	snprintf(board->names[turn], sizeof(board->names[turn]), "%s", name);
	return 0;
}

static void
the_secret_is_made_once(void **state)
{
	pid_t pids[CROWD];
	struct stat st;

	(void)state;
	board = memory_shared(sizeof(*board));
	for (int i = 0; i < CROWD; i++)
		pids[i] = memory_fork(name_at_once, NULL);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(memory_wait(pids[i]), 0);
	for (int i = 0; i < CROWD; i++)
		assert_string_equal(board->names[i], board->names[0]);
	assert_int_equal(stat(memory_path("secret"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* 32 bytes in base64url, a line. */
	assert_int_equal(st.st_size, 44);
	assert_null(get("secret.new"));
}

/* In base64url it is 43 times `A'. */
static const unsigned char zeros[32];

static int
name_as_promised(void *with)
{
	static const char message[] = "purpose\0text";
	unsigned char digest[EVP_MAX_MD_SIZE];
	const char *name = sb_secret_hash(&rq, "purpose", "text");
	const char *expected = "";

	(void)with;
	HMAC(EVP_sha256(), zeros, 32, (const unsigned char *)message,
	    sizeof(message) - 1, digest, NULL);
	for (int i = 0; i < 16; i++)
		expected = sb_printf(pool, "%s%02x", expected, digest[i]);
	if (name == NULL || strcmp(name, expected) != 0)
		return 1;
	if (strcmp(name, sb_secret_hash(&rq, "purpose", "Text")) == 0 ||
	    strcmp(name, sb_secret_hash(&rq, "purposet", "ext")) == 0)
		return 2;
	return strlen(sb_secret_hash(&rq, "", "")) == 32 ? 0 : 3;
}

static const char *
secret_of(char letter)
{
	char *text = sb_printf(pool, "%043d\n", 0);

	memset(text, letter, 43);
	return text;
}

static void
a_name_is_the_hmac_of_purpose_and_text(void **state)
{
	(void)state;
	put("secret", secret_of('A'));
	in_a_child(name_as_promised, NULL);
	/* The line's end may have been lost. */
	put("secret", sb_printf(pool, "%.43s", secret_of('A')));
	in_a_child(name_as_promised, NULL);
}

static int
name_none(void *with)
{
	const bool *damaged = with;

	return sb_secret_hash(&rq, "test", "a text") == NULL &&
	    sb_db_failed(memory_db) && sb_db_damaged(memory_db) == *damaged ?
	    0 : 1;
}

static void
a_damaged_secret_is_a_fault_and_stays(void **state)
{
	const char *const broken[] = { "", "\n", "AAAA\n",
	    sb_printf(pool, "%.42s!\n", secret_of('A')),
	    sb_printf(pool, "%s\n", secret_of('A')),
	    sb_printf(pool, "%.43sA\n", secret_of('A')) };
	bool damaged = true;

	(void)state;
	for (size_t i = 0; i < COUNT(broken); i++) {
		put("secret", broken[i]);
		in_a_child(name_none, &damaged);
		assert_string_equal(get("secret"), broken[i]);
	}
}

static void
a_secret_that_cannot_be_had_is_unavailable(void **state)
{
	bool damaged = false;

	(void)state;
	assert_int_equal(mkdir(memory_path("secret"), 0700), 0);
	in_a_child(name_none, &damaged);
	assert_int_equal(rmdir(memory_path("secret")), 0);
	assert_int_equal(mkdir(memory_path("secret.new"), 0700), 0);
	in_a_child(name_none, &damaged);
	assert_null(get("secret"));
}

static int
see_another(void *with)
{
	int64_t began = memory_clock();
	const char *first = sb_secret_hash(&rq, "test", "a text");

	(void)with;
	put("other", secret_of('B'));
	if (rename(memory_path("other"), memory_path("secret")) != 0)
		return 1;
	/* A second later it may have looked again. */
	if (strcmp(first, sb_secret_hash(&rq, "test", "a text")) != 0 &&
	    memory_clock() - began < SB_SECOND)
		return 2;
	memory_sleep(SB_SECOND + SB_SECOND / 20);
	if (strcmp(first, sb_secret_hash(&rq, "test", "a text")) == 0)
		return 3;
	/* What is damaged then is not what the process goes by. */
	first = sb_secret_hash(&rq, "test", "a text");
	put("secret", "?");
	memory_sleep(SB_SECOND + SB_SECOND / 20);
	return strcmp(first, sb_secret_hash(&rq, "test", "a text")) == 0 &&
	    !sb_db_failed(memory_db) ? 0 : 4;
}

static void
a_secret_that_was_replaced_is_read_again(void **state)
{
	(void)state;
	put("secret", secret_of('A'));
	in_a_child(see_another, NULL);
}

#define KEY_TEST(f)	cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KEY_TEST(a_key_that_only_verifies_does_not_sign),
		KEY_TEST(of_two_keys_of_one_second_the_later_in_the_file_signs),
		KEY_TEST(where_none_may_sign_a_key_is_added),
		KEY_TEST(where_none_can_be_added_the_others_verify),
		KEY_TEST(the_setting_is_noted_once),
		KEY_TEST(a_new_setting_is_noted_and_an_old_one_kept_in_mind),
		KEY_TEST(a_setting_that_comes_back_is_noted),
		KEY_TEST(a_malformed_note_counts_as_none),
		KEY_TEST(odd_times_are_no_fault),
		KEY_TEST(a_key_that_does_not_go_with_its_id_is_damaged),
		KEY_TEST(a_file_is_not_read_for_each_stranger),
		KEY_TEST(a_key_of_which_others_have_read_is_known_at_once),
		KEY_TEST(a_running_process_sees_that_a_key_is_gone),
		KEY_TEST(whoever_is_killed_leaves_a_whole_file),
		KEY_TEST(what_a_dead_process_left_is_no_hindrance),
		KEY_TEST(a_link_in_its_place_is_not_followed),
		KEY_TEST(a_file_that_came_meanwhile_is_not_overwritten),
		KEY_TEST(only_what_has_retired_is_tidied_away),
		KEY_TEST(a_key_that_waits_is_kept),
		KEY_TEST(what_was_the_setting_is_tidied_away),
		KEY_TEST(tidying_makes_no_file_and_mends_none),
		KEY_TEST(what_cannot_be_tidied_is_said),
		KEY_TEST(the_secret_is_made_once),
		KEY_TEST(a_name_is_the_hmac_of_purpose_and_text),
		KEY_TEST(a_damaged_secret_is_a_fault_and_stays),
		KEY_TEST(a_secret_that_cannot_be_had_is_unavailable),
		KEY_TEST(a_secret_that_was_replaced_is_read_again),
	};

	return cmocka_run_group_tests_name("key", tests, memory_begin,
	    memory_end);
}
