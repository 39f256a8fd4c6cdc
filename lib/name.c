/*
 * What a user name may be, and the key under which it is unique.  The check of
 * a registration relies on the first, every look-up by name on the second.
 */
#include <string.h>
#include <unistr.h>
#include <unictype.h>

#include "internal.h"

#define GRAPHIC	(UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | \
		UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_P | UC_CATEGORY_MASK_S)

const char *
sb_username_key(struct sb_pool *pool, const char *username)
{
	if (!sb_utf8_valid(username, strlen(username)))
		return NULL;
	return sb_nfkc(pool, sb_casefold(pool, sb_nfkc(pool, username)));
}

const char *
sb_name_key(struct sb_pool *pool, const char *name)
{
	const char *key = sb_email_key(pool, name);

	return key != NULL ? key : sb_username_key(pool, name);
}

static bool
is_allowed(ucs4_t c)
{
	if (c == ' ')
		return true;
	return c != '@' && uc_is_general_category_withtable(c, GRAPHIC) &&
	    !uc_is_property_default_ignorable_code_point(c);
}

static size_t
count_spaces(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == ' ';
	return n;
}

/* What is wrong with a name's or a key's characters, or NULL. */
static const char *
wrong(struct sb_pool *pool, const char *text)
{
	const uint8_t *s = (const uint8_t *)text;
	size_t length = strlen(text);
	ucs4_t c;

	if (length == 0)
		return "user names must not be empty";
	if (text[0] == ' ' || text[length - 1] == ' ')
		return "user names must not begin or end with a space";
	if (strstr(text, "  ") != NULL)
		return "user names must not contain two spaces in a row";
	while ((s = u8_next(&c, s)) != NULL) {
		if (c == '@')
			return "user names must not contain '@'";
		if (!is_allowed(c))
			return sb_printf(pool, "user names must not contain "
			    "U+%04X", (unsigned)c);
	}
	return NULL;
}

const char *
sb_username_wrong(struct sb_pool *pool, const char *username)
{
	const char *key = sb_username_key(pool, username), *why;

	if (key == NULL)
		return "user names must be UTF-8";
	if ((why = wrong(pool, username)) != NULL)
		return why;
	/*
	 * U+00B4, an accent by itself, is a space and a combining accent to
	 * NFKC.  Such a space was never typed and isn't seen.
	 */
	if (count_spaces(key) != count_spaces(username))
		return "user names must not contain a character that stands "
		    "for a space, such as U+00B4";
	return wrong(pool, key);
}
