/*
 * What the files of switchboard check share: a run of it, and the checks that
 * the table in check.c has.  Each says something, and never ends the process.
 */
#ifndef CMD_FINDINGS_H
#define CMD_FINDINGS_H

#include "cmd.h"

enum cmd_grade { CMD_GREEN, CMD_YELLOW, CMD_RED, CMD_GRADES };

struct cmd_check {
	struct sb_pool	*pool;
	const char	*url;		/* without a / at its end, or NULL */
	bool		 open;		/* to the public, as far as one sees */
	bool		 root;		/* called it */
	bool		 data;		/* the data directory can be had */
	bool		 foreign;	/* others' files are in it, and told */
	bool		 database;	/* it can be read */
	int64_t		 newest;	/* the latest time in it */
	bool		 logins;	/* there are some in it */
	int64_t		 dead;		/* webhooks in it that were given up */
	int64_t		 due;		/* since when one is; 0: none is left */
	bool		 in_json, coloured;
	const char	*area, *name;	/* of the check at work */
	const char	*shown_area;	/* under which lines are printed */
	int		 count[CMD_GRADES];
	struct json_object *list;
	struct cmd_site	*site;		/* what was learnt of the web server */
	int		 unanswered;	/* requests to it */
};

/* What is as it should be, in half a sentence. */
void	 cmd_is_fine(struct cmd_check *, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

/*
 * What is not, and what to do: the very command, or the line to add; it may be
 * of several lines.  A NULL fix is none.
 */
void	 cmd_is_unwise(struct cmd_check *, const char *fix,
	    const char *format, ...) __attribute__((format(printf, 3, 4)));
void	 cmd_is_broken(struct cmd_check *, const char *fix,
	    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A path in the data directory. */
const char *cmd_data_path(struct cmd_check *, const char *name);

/* NAME=VALUE, and where that belongs. */
const char *cmd_set_to(struct cmd_check *, const char *name,
	    const char *value);

/* ------------------------------------------------------ check_settings.c */

void	 cmd_check_accepted(struct cmd_check *);
void	 cmd_check_names(struct cmd_check *);
void	 cmd_check_environment(struct cmd_check *);
void	 cmd_check_origins(struct cmd_check *);
void	 cmd_check_proxies(struct cmd_check *);
void	 cmd_check_limits(struct cmd_check *);
void	 cmd_check_hashes(struct cmd_check *);
void	 cmd_check_confinement(struct cmd_check *);

/* --------------------------------------------------------- check_files.c */

void	 cmd_check_directory(struct cmd_check *);
void	 cmd_check_files(struct cmd_check *);
void	 cmd_check_web_root(struct cmd_check *);
void	 cmd_check_space(struct cmd_check *);

/* -------------------------------------------------------- check_access.c */

/* Whether the programs can't read or write what is there; then it was told. */
bool	 cmd_check_is_shut(struct cmd_check *, const char *path);

/* Whether they can read the settings file, or there is none; what lets them. */
bool	 cmd_check_reads_settings(void);
const char *cmd_letting_in(struct cmd_check *, const char *path);

void	 cmd_check_log(struct cmd_check *);
void	 cmd_check_secrets(struct cmd_check *);

/* --------------------------------------------------------- check_store.c */

void	 cmd_check_database(struct cmd_check *);
void	 cmd_check_wal(struct cmd_check *);
void	 cmd_check_counts(struct cmd_check *);

/* ---------------------------------------------------------- check_keys.c */

void	 cmd_check_keys(struct cmd_check *);
void	 cmd_check_secret(struct cmd_check *);

/* A token for the programs, by the key that signs; NULL if there is none. */
const char *cmd_check_sign(struct cmd_check *);

/* ---------------------------------------------------------- check_care.c */

void	 cmd_check_clock(struct cmd_check *);
void	 cmd_check_tick(struct cmd_check *);
void	 cmd_check_backup(struct cmd_check *);
void	 cmd_check_outbox(struct cmd_check *);

/* ---------------------------------------------------------- check_site.c */

/* What was learnt of the web server. */
struct cmd_site {
	const char	*token;		/* of a check; NULL: none can be had */
	struct cmd_answer *health;
	bool		 known;		/* what follows is */
	const char	*version, *environment, *prefix;
	const char	*client, *peer, *forwarded, *software, *confined_by;
	int64_t		 step_known;	/* the newest of the schema's */
};

/* The path in the URL, or "". */
const char *cmd_site_path(const struct cmd_check *);

/* A URL as it was given, cut back to the installation's root. */
const char *cmd_site_root(struct sb_pool *, const char *url);

/* Whether the URL is of this machine. */
bool	 cmd_site_is_here(const struct cmd_check *);

/*
 * Asks for a path below the URL, with a token or NULL, and header fields, ended
 * by NULL, or NULL.  Whoever gets no answer (its failure) has nothing to say of
 * it: the first of them is told here, as broken.
 */
struct cmd_answer *cmd_site_ask(struct cmd_check *, const char *path,
	    const char *token, const char *const *fields);

/* The same for any URL. */
struct cmd_answer *cmd_site_fetch(struct cmd_check *, const char *url,
	    const char *const *fields);

/* An answer as a JSON object; NULL if it is none. */
struct json_object *cmd_site_json(struct cmd_check *,
	    const struct cmd_answer *);

/* A text of such an object, harmless to a terminal; NULL if there is none. */
const char *cmd_site_text(struct cmd_check *, struct json_object *,
	    const char *name);

/* A header field's value, harmless likewise, or NULL. */
const char *cmd_site_field(struct cmd_check *, const struct cmd_answer *,
	    const char *name);

/* The lines for the web server, or for each where it isn't known which. */
const char *cmd_site_lines(struct cmd_check *, const char *apache,
	    const char *lighttpd, const char *nginx);

/* ----------------------------------------------------------- check_url.c */

void	 cmd_check_answer(struct cmd_check *);
void	 cmd_check_https(struct cmd_check *);
void	 cmd_check_token(struct cmd_check *);
void	 cmd_check_ways(struct cmd_check *);
void	 cmd_check_version(struct cmd_check *);
void	 cmd_check_confined(struct cmd_check *);
void	 cmd_check_prefix(struct cmd_check *);
void	 cmd_check_address(struct cmd_check *);

/* ----------------------------------------------------------- check_web.c */

void	 cmd_check_stream(struct cmd_check *);
void	 cmd_check_errors(struct cmd_check *);
void	 cmd_check_reach(struct cmd_check *);
void	 cmd_check_gzip(struct cmd_check *);
void	 cmd_check_date(struct cmd_check *);

#endif
