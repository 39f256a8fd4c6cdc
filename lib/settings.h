/*
 * What the settings' files share: the shape of the table, and what was found
 * for each of its rows.  The command line reads the settings by it, too.
 */
#ifndef SB_SETTINGS_H
#define SB_SETTINGS_H

#include "internal.h"

enum sb_setting_type {
	TEXT,
	SECRET,			/* a text that is never shown */
	INTEGER,
	BOOLEAN,
	CHOICE,
	TYPES
};

/* Who goes by a setting. */
enum sb_setting_use {
	LATER,			/* a later version; it is checked already */
	SEARCH,			/* the search for the settings file */
	QUICKSTART,		/* deploy/quickstart */
	PROGRAMS,		/* has a member in struct sb_settings */
	USES
};

/* Where a value comes from; a later one of these wins. */
enum sb_setting_origin { DEFAULT, SETTINGS_FILE, ENVIRONMENT, ORIGINS };

struct sb_setting {
	const char	*name;
	enum sb_setting_type type;
	enum sb_setting_use use;
	const char	*fallback;	/* as one would write it; NULL: none */
	const char	*doc;		/* a sentence */
	size_t		 at;		/* in struct sb_settings */
	int64_t		 min, max;	/* of an INTEGER */
	const char	*unit;		/* of an INTEGER, or NULL */
	const char	*const *choices; /* of a CHOICE, ended by NULL */
	const char	*accepted;	/* what fits, where it isn't plain */
	bool		(*fits)(const char *);
	const char	*computed;	/* what a default of the machine's is */
};

struct sb_found {
	const char	*text;		/* NULL: not set */
	int64_t		 number;	/* of an INTEGER, a BOOLEAN */
	enum sb_setting_origin origin;
	bool		 exact;		/* the name was in upper case */
	int		 line;		/* of the settings file; 0: none */
};

/* The table, of that many rows, and what was found, in the same order. */
extern const struct sb_setting sb_setting_table[];
extern const size_t sb_setting_count;
extern struct sb_found sb_setting_found[];

/* What the settings file has and no setting is, in its order; or NULL. */
struct sb_ignored {
	const char	*line;		/* a name, and what is odd about it */
	int		 number;	/* of the line */
	struct sb_ignored *next;
};
extern struct sb_ignored *sb_setting_ignored;

/* All that sb_settings_load found wrong, in its order; or NULL. */
struct sb_complaint {
	const char	*setting;	/* its name; NULL: the file itself */
	const char	*line;
	enum sb_setting_origin origin;
	int		 number;	/* of the file's line; 0: not known */
	struct sb_complaint *next;
};
extern struct sb_complaint *sb_setting_complaints;

/*
 * The folder whose settings file sb_settings_load would read, by what is in the
 * environment: SWITCHBOARD_DATA, else SWITCHBOARD_HOME.  NULL if neither names
 * one; good until the settings are read.
 */
const char *sb_settings_folder(void);

/*
 * Reads the settings as sb_settings_read does, but logs no warning; they are
 * kept, ended by NULL.
 */
const char *sb_settings_load(void);
const char *const *sb_setting_warnings(void);

/* Sets what was found from a text that isn't empty; false if it doesn't fit. */
bool	 sb_setting_convert(struct sb_pool *, const struct sb_setting *,
	    const char *text, struct sb_found *);

/*
 * Whether a key is an example's or a template's.  Case and punctuation don't
 * count.
 */
bool	 sb_setting_is_placeholder(struct sb_pool *, const char *key);

/* What a setting takes, as half a sentence of the README's. */
const char *sb_setting_accepted(struct sb_pool *, const struct sb_setting *);

/* A text of the README's without its backquotes. */
const char *sb_setting_plain(struct sb_pool *, const char *);

/* A text on one line of a terminal, whatever is in it. */
const char *sb_setting_visible(struct sb_pool *, const char *);

/*
 * Reads the NAME=value lines of an open file and calls keep() with each; the
 * name is not ended by a NUL, and the value of a name alone is NULL.  Returns
 * NULL, or what is wrong and where.
 */
typedef void sb_envfile_keep(const char *name, size_t length,
	    const char *value, int line);
const char *sb_envfile_read(struct sb_pool *, int fd, sb_envfile_keep *);

#endif
