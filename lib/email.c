/*
 * What an email address may be, and the key under which it is unique: the
 * rules and the words of email-validator 2 without DNS.  Registration and
 * every look-up by address rely on it.
 *
 * Lengths are counted as there: the whole address in octets of UTF-8 (RFC 3696
 * erratum 1690, RFC 6531), as it was typed, in NFC and with A-labels; the local
 * part in code points.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uniname.h>
#include <unistr.h>
#include <unictype.h>

#include "email.h"

#define TYPED_MAX	2048	/* code points; pydantic's own limit */
#define ADDRESS_MAX	254	/* octets */
#define LOCAL_MAX	64	/* code points */
#define SHOWN_MAX	8	/* characters that a reason names */

#define ATEXT_SIGNS	"!#$%&'*+-/=?^_`{|}~"	/* RFC 5322 section 3.2.3 */

#define SAFE	(UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N | \
		UC_CATEGORY_MASK_P | UC_CATEGORY_MASK_S)

static const char invalid_local[] =
    "The email address contains invalid characters before the @-sign: ";

/* ------------------------------------------------------------ characters */

bool
sb_email_is_alnum(ucs4_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

static bool
is_no_local(ucs4_t c, bool first)
{
	(void)first;
	return c < 0x80 && c != '.' && !sb_email_is_alnum(c) &&
	    strchr(ATEXT_SIGNS, (int)c) == NULL;
}

/*
 * Spaces and controls of all Unicode, and a combining mark that would combine
 * with what stands before the address or with its @-sign.
 */
static bool
is_unsafe(ucs4_t c, bool first)
{
	if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_M))
		return first;
	return !uc_is_general_category_withtable(c, SAFE);
}

static const char *
show(struct sb_pool *pool, ucs4_t c)
{
	char one[8] = "", name[UNINAME_MAX];

	if (c == '\'' || c == '\\')
		return sb_printf(pool, "\"%c\"", (int)c);
	if (uc_is_general_category_withtable(c, SAFE)) {
		u8_uctomb((uint8_t *)one, c, sizeof(one) - 1);
		return sb_printf(pool, "'%s'", one);
	}
	if (unicode_character_name(c, name) != NULL)
		return sb_copy(pool, name, strlen(name));
	return sb_printf(pool, c < 0xffff ? "U+%04X" : "U+%08X", (unsigned)c);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *
sb_email_refuse(struct sb_pool *pool, const char *text, const char *beginning,
    bool (*is_bad)(ucs4_t, bool first))
{
	const uint8_t *s = (const uint8_t *)text;
	const char *shown[SHOWN_MAX], *list = "";
	ucs4_t c, seen[SHOWN_MAX];
	bool first = true, bad;
	size_t n = 0, i;

	while (n < SHOWN_MAX && (s = u8_next(&c, s)) != NULL) {
		bad = is_bad(c, first);
		first = false;
		if (!bad)
			continue;
		for (i = 0; i < n && seen[i] != c; i++)
			;
		if (i < n)
			continue;
		seen[n] = c;
		shown[n++] = show(pool, c);
	}
	if (n == 0)
		return NULL;
	qsort(shown, n, sizeof(shown[0]), by_text);
	for (i = 0; i < n; i++)
		list = sb_printf(pool, "%s%s%s", list, i > 0 ? ", " : "",
		    shown[i]);
	return sb_printf(pool, "%s%s.", beginning, list);
}

const char *
sb_email_too_many(struct sb_pool *pool, const char *beginning, size_t more)
{
	return sb_printf(pool, "%s (%zu character%s too many).", beginning,
	    more, more > 1 ? "s" : "");
}

const char *
sb_email_unsafe(struct sb_pool *pool, const char *text)
{
	return sb_email_refuse(pool, text,
	    "The email address contains unsafe characters: ", is_unsafe);
}

bool
sb_email_is_ascii(const char *text)
{
	while (*text != '\0' && (unsigned char)*text < 0x80)
		text++;
	return *text == '\0';
}

/* ------------------------------------------------------------ local part */

static const char *
local_wrong(struct sb_pool *pool, const char *local)
{
	size_t length = sb_utf8_length(local), bytes = strlen(local);
	const char *why;

	if (length == 0)
		return "There must be something before the @-sign.";
	if (length > LOCAL_MAX)
		return sb_email_too_many(pool, "The email address is too long "
		    "before the @-sign", length - LOCAL_MAX);
	why = sb_email_refuse(pool, local, invalid_local, is_no_local);
	if (why != NULL)
		return why;
	if (local[bytes - 1] == '.')
		return "An email address cannot have a period immediately "
		    "before the @-sign.";
	if (local[0] == '.')
		return "An email address cannot start with a period.";
	if (strstr(local, "..") != NULL)
		return "An email address cannot have two periods in a row.";
	return sb_email_unsafe(pool, local);
}

/* ------------------------------------------------------------ address */

/* The first @-sign or < outside of quotes, or NULL. */
static const char *
find_special(const char *text)
{
	bool quoted = false;

	for (; *text != '\0'; text++) {
		if (*text == '"')
			quoted = !quoted;
		else if (quoted && *text == '\\' && text[1] != '\0')
			text++;
		else if (!quoted && (*text == '@' || *text == '<'))
			return text;
	}
	return NULL;
}

static const char *
no_at_sign(const char *text)
{
	if (strstr(text, "\uff20") != NULL)
		return "The email address has the \"full-width\" at-sign (@) "
		    "character instead of a regular at-sign.";
	if (strstr(text, "\ufe6b") != NULL)
		return "The email address has the \"small commercial at\" "
		    "character instead of a regular at-sign.";
	return "An email address must have an @-sign.";
}

static const char *
angle_bracket(const char *bracket)
{
	const char *end = strrchr(bracket, '>');

	if (end == NULL)
		return "An open angle bracket at the start of the email "
		    "address has to be followed by a close angle bracket at "
		    "the end.";
	if (end[1] != '\0')
		return "There can't be anything after the email address.";
	return "A display name and angle brackets around the email address "
	    "are not permitted here.";
}

/* The length of an address as it was typed and of its two other forms. */
static const char *
length_wrong(struct sb_pool *pool, const char *typed,
    const struct sb_address *a)
{
	size_t octets = strlen(typed), local = strlen(a->local) + 1;
	const char *form = "";

	if (octets > ADDRESS_MAX && sb_email_is_ascii(typed))
		return sb_email_too_many(pool, "The email address is too long",
		    octets - ADDRESS_MAX);
	if (octets <= ADDRESS_MAX) {
		form = " after normalization";
		octets = local + strlen(a->shown);
	}
	if (octets <= ADDRESS_MAX) {
		form = " when the part after the @-sign is converted to "
		    "IDNA ASCII";
		octets = local + strlen(a->domain);
	}
	if (octets <= ADDRESS_MAX)
		return NULL;
	octets -= ADDRESS_MAX;
	return sb_printf(pool, "The email address is too long%s (%zu byte%s "
	    "too many).", form, octets, octets > 1 ? "s" : "");
}

/* Takes a text apart; what is wrong with it, or NULL if it is an address. */
static const char *
take_apart(struct sb_pool *pool, const char *text, struct sb_address *a)
{
	const char *at, *local, *why;

	if (!sb_utf8_valid(text, strlen(text)))
		return "The email address is not valid UTF-8.";
	if (sb_utf8_length(text) > TYPED_MAX)
		return "Length must not exceed 2048 characters";
	if ((at = find_special(text)) == NULL)
		return no_at_sign(text);
	if (*at == '<')
		return angle_bracket(at);
	if (text[0] == '"')
		return "Quoting the part before the @-sign is not allowed "
		    "here.";
	local = sb_copy(pool, text, (size_t)(at - text));
	if ((why = local_wrong(pool, local)) != NULL)
		return why;
	a->local = sb_nfc(pool, local);
	if ((why = local_wrong(pool, a->local)) != NULL)
		return sb_printf(pool, "After Unicode normalization: %s", why);
	if ((why = sb_domain_wrong(pool, at + 1, a)) != NULL)
		return why;
	return length_wrong(pool, text, a);
}

const char *
sb_email_key(struct sb_pool *pool, const char *address)
{
	struct sb_address a = { "", "", "" };

	if (take_apart(pool, address, &a) != NULL)
		return NULL;
	return sb_printf(pool, "%s@%s", sb_nfc(pool,
	    sb_casefold(pool, a.local)), a.domain);
}

const char *
sb_email_wrong(struct sb_pool *pool, const char *address)
{
	struct sb_address a = { "", "", "" };

	return take_apart(pool, address, &a);
}
