/*
 * What email.c and domain.c share: an address, and how they say what is wrong
 * with one.
 */
#ifndef SB_EMAIL_H
#define SB_EMAIL_H

#include <unitypes.h>

#include "internal.h"

/* An address that was found to be one. */
struct sb_address {
	const char	*local;		/* in NFC */
	const char	*domain;	/* lower-case A-labels */
	const char	*shown;		/* the domain in U-labels */
};

/* Whether it is an ASCII letter or digit; whether all of it is ASCII. */
bool	 sb_email_is_alnum(ucs4_t);
bool	 sb_email_is_ascii(const char *);

/* Says which characters there are that may stand nowhere, or NULL. */
const char *sb_email_unsafe(struct sb_pool *, const char *text);

/*
 * Returns NULL if no character is bad, else the beginning of a sentence and
 * the first few that are, each once.
 */
const char *sb_email_refuse(struct sb_pool *, const char *text,
	    const char *beginning, bool (*is_bad)(ucs4_t, bool first));

/* The beginning of a sentence, and by how many characters it is too long. */
const char *sb_email_too_many(struct sb_pool *, const char *beginning,
	    size_t more);

/* Checks a domain and sets its two forms; what is wrong, or NULL. */
const char *sb_domain_wrong(struct sb_pool *, const char *typed,
	    struct sb_address *);

#endif
