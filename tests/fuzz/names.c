/*
 * Any bytes as a user name, as an email address and as a password: what is
 * taken has a key, which is its own key, and nothing in it that can't be seen.
 */
#include <string.h>

#include "fuzz.h"
#include "internal.h"

static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

static void
check_username(struct sb_pool *pool, const char *name)
{
	const char *wrong = sb_username_wrong(pool, name);
	const char *key = sb_username_key(pool, name), *again;

	PROMISE((key != NULL) == sb_utf8_valid(name, strlen(name)));
	if (key == NULL) {
		PROMISE(wrong != NULL);
		return;
	}
	again = sb_username_key(pool, key);
	PROMISE(again != NULL && strcmp(again, key) == 0);
	if (wrong != NULL) {
		PROMISE(*wrong != '\0' && sb_utf8_valid(wrong, strlen(wrong)));
		return;
	}
	PROMISE(sb_username_wrong(pool, key) == NULL);
	PROMISE(strchr(name, '@') == NULL && strchr(key, '@') == NULL);
	PROMISE(!has_control(name) && !has_control(key));
	PROMISE(name[0] != ' ' && strstr(name, "  ") == NULL);
	PROMISE(strcmp(sb_name_key(pool, name), key) == 0);
}

static void
check_email(struct sb_pool *pool, const char *address)
{
	const char *wrong = sb_email_wrong(pool, address);
	const char *key = sb_email_key(pool, address), *again, *domain;

	PROMISE((wrong == NULL) == (key != NULL));
	if (wrong != NULL) {
		PROMISE(*wrong != '\0' && sb_utf8_valid(wrong, strlen(wrong)));
		return;
	}
	PROMISE(strlen(address) <= 254 && !has_control(address));
	PROMISE(strchr(address, ' ') == NULL);
	domain = strrchr(key, '@');
	PROMISE(domain != NULL && domain > key && strchr(domain, '.') != NULL);
	PROMISE(domain[strspn(domain, "@abcdefghijklmnopqrstuvwxyz0123456789-."
	    )] == '\0');
	PROMISE(strlen(domain + 1) <= 253);
	PROMISE(strcmp(sb_name_key(pool, address), key) == 0);
	/* The key is an address itself, of the same person. */
	again = sb_email_key(pool, key);
	if (again != NULL)
		PROMISE(strcmp(again, key) == 0);
	PROMISE(again != NULL || !sb_utf8_valid(key, strlen(key)) ||
	    sb_email_wrong(pool, key) != NULL);
}

static void
check_password(struct sb_pool *pool, const char *password)
{
	const char *wrong = sb_password_wrong(pool, password);
	const char *prepared = sb_password_prepare(pool, password), *again;

	PROMISE((prepared != NULL) ==
	    sb_utf8_valid(password, strlen(password)));
	if (prepared == NULL) {
		PROMISE(wrong != NULL);
		return;
	}
	again = sb_password_prepare(pool, prepared);
	PROMISE(again != NULL && strcmp(again, prepared) == 0);
	if (wrong == NULL)
		PROMISE(!has_control(prepared));
	PROMISE((sb_password_wrong(pool, prepared) == NULL) ==
	    (wrong == NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sb_pool *pool = sb_pool_new();
	const char *text = sb_copy(pool, (const char *)bytes, size);

	check_username(pool, text);
	check_email(pool, text);
	check_password(pool, text);
	sb_pool_free(pool);
	return 0;
}
