/*
 * The part of an email address after its @-sign: internationalised names by
 * IDNA 2008 (RFC 5891), in the words of email-validator 2.  email.c relies on
 * it.
 */
#include <errno.h>
#include <idn2.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "email.h"

#define DOMAIN_MAX	253	/* octets, RFC 1035 section 2.3.4 */
#define LABEL_MAX	63	/* octets, RFC 1035 section 2.3.1 */

/* UTS 46 maps first, ß stays ß, and what is mapped must be IDNA 2008. */
#define IDNA_FLAGS	(IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL)

static const char invalid_domain[] =
    "The part after the @-sign contains invalid characters: ";
static const char invalid_mapped[] = "The part after the @-sign contains "
    "invalid characters after Unicode normalization: ";

static const char *const special_use[] = {
	"arpa", "invalid", "local", "localhost", "onion", "test", NULL
};

static bool
is_no_hostname(ucs4_t c, bool first)
{
	(void)first;
	return c < 0x80 && c != '.' && c != '-' && !sb_email_is_alnum(c);
}


/* Signs such as U+2488, which normalization turns into text with a period. */
static bool
is_hidden_period(ucs4_t c, bool first)
{
	uint8_t one[6], room[64], *made;
	size_t n = sizeof(room);
	bool found;

	(void)first;
	if (c < 0x80 || c == 0xff0e)
		return false;
	made = u8_normalize(UNINORM_NFKC, one, (size_t)u8_uctomb(one, c,
	    sizeof(one)), room, &n);
	if (made == NULL)
		sb_fatal("libunistring: %s", strerror(errno));
	found = memchr(made, '.', n) != NULL;
	if (made != room)
		free(made);
	return found;
}
/*
 * The domain as its labels will be cut: in NFKC, without what IDNA ignores,
 * and with U+3002 as a period.
 */
static const char *
map(struct sb_pool *pool, const char *domain)
{
	const char *text = sb_nfkc(pool, domain);
	char *mapped = sb_alloc(pool, strlen(text) + 1), *p = mapped;
	const uint8_t *s = (const uint8_t *)text;
	ucs4_t c;

	while ((s = u8_next(&c, s)) != NULL) {
		if (c == 0x3002)
			c = '.';
		if (!uc_is_property_default_ignorable_code_point(c))
			p += u8_uctomb((uint8_t *)p, c, 4);
	}
	return mapped;
}

/* What is wrong with the periods and hyphens of a mapped domain, or NULL. */
static const char *
labels_wrong(const char *domain)
{
	size_t length = strlen(domain);
	const char *label;

	if (length == 0 || domain[length - 1] == '.')
		return "An email address cannot end with a period.";
	if (domain[0] == '.')
		return "An email address cannot have a period immediately "
		    "after the @-sign.";
	if (strstr(domain, "..") != NULL)
		return "An email address cannot have two periods in a row.";
	if (domain[length - 1] == '-')
		return "An email address cannot end with a hyphen.";
	if (domain[0] == '-')
		return "An email address cannot have a hyphen immediately "
		    "after the @-sign.";
	if (strstr(domain, ".-") != NULL || strstr(domain, "-.") != NULL)
		return "An email address cannot have a period and a hyphen "
		    "next to each other.";
	for (label = domain; label != NULL; label = strchr(label, '.')) {
		label += *label == '.';
		if (strncmp(label + sb_utf8_cut(label, 2), "--", 2) == 0 &&
		    strncasecmp(label, "xn", 2) != 0)
			return "An email address cannot have two letters "
			    "followed by two dashes immediately after the "
			    "@-sign or after a period, except Punycode.";
	}
	return NULL;
}

/* The lengths of what needs no IDNA; else libidn2 looks after them. */
static const char *
lengths_wrong(struct sb_pool *pool, const char *domain)
{
	size_t length = strlen(domain);

	if (length > DOMAIN_MAX)
		return sb_email_too_many(pool, "The email address is too long "
		    "after the @-sign", length - DOMAIN_MAX);
	for (; *domain != '\0'; domain += length + (domain[length] == '.')) {
		length = strcspn(domain, ".");
		if (length > LABEL_MAX)
			return sb_email_too_many(pool, "After the @-sign, "
			    "periods cannot be separated by so many characters",
			    length - LABEL_MAX);
	}
	return NULL;
}

static const char *
idna_wrong(struct sb_pool *pool, int rc, bool ascii)
{
	if (rc == IDN2_MALLOC)
		sb_fatal("out of memory");
	if (rc == IDN2_TOO_BIG_DOMAIN)
		return "The email address is too long after the @-sign.";
	if (rc == IDN2_TOO_BIG_LABEL || rc == IDN2_PUNYCODE_BIG_OUTPUT)
		return "The part after the @-sign is invalid (Label too "
		    "long).";
	return sb_printf(pool, ascii ?
	    "The part after the @-sign is not valid IDNA (%s)." :
	    "The part after the @-sign is invalid (%s).", idn2_strerror(rc));
}

/*
 * Holds the A-labels of a domain to the rules for registering a name (RFC 5891
 * section 4), as the look-up leaves out those for CONTEXTO.
 */
static const char *
alabels_wrong(struct sb_pool *pool, const char *domain, bool ascii)
{
	const char *label, *next;
	uint8_t *made;
	char *one;
	int rc;

	for (label = domain; *label != '\0'; label = next) {
		size_t length = strcspn(label, ".");

		next = label + length + (label[length] == '.');
		if (strncmp(label, "xn--", 4) != 0)
			continue;
		one = sb_copy(pool, label, length);
		made = NULL;
		rc = idn2_register_u8(NULL, (const uint8_t *)one, &made, 0);
		idn2_free(made);
		if (rc != IDN2_OK)
			return idna_wrong(pool, rc, ascii);
	}
	return NULL;
}

/*
 * Writes a capital sharp s as a small one.  UTS 46 does since revision 33, but
 * older libraries make it ss, and a key mustn't change with the library.
 */
static const char *
lower_sharp_s(struct sb_pool *pool, const char *text)
{
	char *copy = sb_alloc(pool, strlen(text) + 1), *p = copy;

	while (*text != '\0') {
		if (strncmp(text, "\u1E9E", 3) != 0) {
			*p++ = *text++;
			continue;
		}
		*p++ = '\xc3';
		*p++ = '\x9f';
		text += 3;
	}
	return copy;
}

/* Turns a domain into A-labels; what is wrong with it, or NULL. */
static const char *
encode(struct sb_pool *pool, const char *typed, const char **domain)
{
	const char *mapped = map(pool, typed), *why;
	bool ascii = sb_email_is_ascii(mapped);
	uint8_t *made = NULL;
	int rc;

	why = sb_email_refuse(pool, mapped, invalid_mapped, is_no_hostname);
	if (why == NULL)
		why = labels_wrong(mapped);
	if (why == NULL && ascii)
		why = lengths_wrong(pool, mapped);
	if (why != NULL)
		return why;
	typed = lower_sharp_s(pool, typed);
	rc = idn2_lookup_u8((const uint8_t *)typed, &made, IDNA_FLAGS);
	if (rc != IDN2_OK)
		return idna_wrong(pool, rc, ascii);
	*domain = sb_copy(pool, (const char *)made,
	    strlen((const char *)made));
	idn2_free(made);
	/* Whatever libidn2 made of it: it is what will be relied on. */
	why = sb_email_refuse(pool, *domain, invalid_mapped, is_no_hostname);
	if (why == NULL)
		why = labels_wrong(*domain);
	if (why == NULL)
		why = lengths_wrong(pool, *domain);
	return why;
}

/* What is wrong with a domain as mail for anybody goes, or NULL. */
static const char *
place_wrong(const char *domain)
{
	const char *top = strrchr(domain, '.');
	char last;

	if (top == NULL)
		return "The part after the @-sign is not valid. It should "
		    "have a period.";
	last = top[strlen(top) - 1];
	if (last < 'a' || last > 'z')
		return "The part after the @-sign is not valid. It is not "
		    "within a valid top-level domain.";
	for (int i = 0; special_use[i] != NULL; i++)
		if (strcmp(top + 1, special_use[i]) == 0)
			return "The part after the @-sign is a special-use "
			    "or reserved name that cannot be used with email.";
	return NULL;
}

const char *
sb_domain_wrong(struct sb_pool *pool, const char *typed, struct sb_address *a)
{
	size_t length = strlen(typed);
	const char *why;
	char *made = NULL;
	int rc;

	if (length == 0)
		return "There must be something after the @-sign.";
	if (typed[0] == '[' && typed[length - 1] == ']')
		return "A bracketed IP address after the @-sign is not "
		    "allowed here.";
	if ((why = sb_email_refuse(pool, typed, invalid_domain,
	    is_no_hostname)) ||
	    (why = sb_email_unsafe(pool, typed)) ||
	    (why = sb_email_refuse(pool, typed, invalid_domain,
	    is_hidden_period)) ||
	    (why = encode(pool, typed, &a->domain)) ||
	    (why = place_wrong(a->domain)) ||
	    (why = alabels_wrong(pool, a->domain, sb_email_is_ascii(typed))))
		return why;
	rc = idn2_to_unicode_8z8z(a->domain, &made, 0);
	if (rc != IDN2_OK)
		return idna_wrong(pool, rc, true);
	a->shown = sb_copy(pool, made, strlen(made));
	idn2_free(made);
	/* An A-label may hold joiners, which weren't let in as themselves. */
	return sb_email_unsafe(pool, a->shown);
}

