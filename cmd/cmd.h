/*
 * What the files of the command line share.  A command is a file in cmd/ with
 * a function for each of its actions, and a row for each in the table in
 * table.c.
 */
#ifndef CMD_H
#define CMD_H

#include "settings.h"

/* As sysexits.h has them; --help lists them. */
enum cmd_exit {
	CMD_OK = 0,
	CMD_BROKEN = 1,		/* check has found what is broken */
	CMD_USAGE = 64,		/* what was asked for makes no sense */
	CMD_DATA = 65,		/* what was given is not accepted */
	CMD_INPUT = 66,		/* a file that was named can't be read */
	CMD_NOT_FOUND = 67,	/* nobody has it: no user, login or key */
	CMD_UNAVAILABLE = 69,	/* the database can't be had now */
	CMD_INTERNAL = 70,	/* sb_fatal's: a broken installation */
	CMD_CREATE = 73,	/* a file that was named can't be made */
	CMD_OUTPUT = 74,	/* what was to be printed couldn't be */
	CMD_NOPERM = 77,	/* the caller doesn't own the data directory */
	CMD_SETTINGS = 78	/* a setting is not accepted */
};

/* A command is given what follows its name, ended by NULL; no --help. */
enum cmd_exit cmd_agent_list(char **arguments);
enum cmd_exit cmd_agent_revoke(char **arguments);
enum cmd_exit cmd_backup(char **arguments);
enum cmd_exit cmd_check(char **arguments);
enum cmd_exit cmd_completion_bash(char **arguments);
enum cmd_exit cmd_export(char **arguments);
enum cmd_exit cmd_import(char **arguments);
enum cmd_exit cmd_init(char **arguments);
enum cmd_exit cmd_key_list(char **arguments);
enum cmd_exit cmd_key_retire(char **arguments);
enum cmd_exit cmd_key_rotate(char **arguments);
enum cmd_exit cmd_limits_reset(char **arguments);
enum cmd_exit cmd_limits_show(char **arguments);
enum cmd_exit cmd_login_list(char **arguments);
enum cmd_exit cmd_login_revoke(char **arguments);
enum cmd_exit cmd_manual_settings(char **arguments);
enum cmd_exit cmd_manual_switchboard(char **arguments);
enum cmd_exit cmd_migrate(char **arguments);
enum cmd_exit cmd_outbox_drop(char **arguments);
enum cmd_exit cmd_outbox_list(char **arguments);
enum cmd_exit cmd_outbox_retry(char **arguments);
enum cmd_exit cmd_restore(char **arguments);
enum cmd_exit cmd_settings(char **arguments);
enum cmd_exit cmd_stats(char **arguments);
enum cmd_exit cmd_tick(char **arguments);
enum cmd_exit cmd_user_add(char **arguments);
enum cmd_exit cmd_user_admin(char **arguments);
enum cmd_exit cmd_user_delete(char **arguments);
enum cmd_exit cmd_user_disable(char **arguments);
enum cmd_exit cmd_user_enable(char **arguments);
enum cmd_exit cmd_user_list(char **arguments);
enum cmd_exit cmd_user_logout(char **arguments);
enum cmd_exit cmd_user_passwd(char **arguments);
enum cmd_exit cmd_user_show(char **arguments);
enum cmd_exit cmd_work(char **arguments);

/* -------------------------------------------------------------- main.c */

/*
 * Reads the settings; false, with a line on standard error, if it can't.
 * Warnings are for programs that stay, and for the list of settings.
 */
bool	 cmd_read_settings(void);

/* ----------------------------------------------------------- settings.c */

/* The settings file or, where there is none, the one that would be read. */
const char *cmd_settings_path(struct sb_pool *);

/* -------------------------------------------------------------- owner.c */

/*
 * What a command does before it touches the data directory: reads the settings
 * and makes sure that the caller owns the directory; root becomes its owner.
 * CMD_OK, or says in one line what is wrong.
 */
enum cmd_exit cmd_enter(const char *command);

/* The same with settings that are read already. */
enum cmd_exit cmd_become_owner(const char *command);

/*
 * Before they are read: root becomes the owner of the folder that they are
 * looked for in, if the environment names one.  Else as cmd_enter.
 */
enum cmd_exit cmd_become_owner_early(const char *command);

/*
 * Whether a path leads to what is of that owner by steps and links that are the
 * owner's or root's, and by no folder of root's that others could replace them
 * in.  If not, where has the step that isn't so; if so, the path without links.
 */
bool	 cmd_is_trusted(const char *path, uid_t owner, char *where,
	    size_t size);

/* The name of a user, or the number of one that has none. */
const char *cmd_user_name(struct sb_pool *, uid_t);

/* --------------------------------------------------------- arguments.c */

/* Says on standard error what is wrong with the arguments. */
enum cmd_exit cmd_misused(const char *command, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

/* The same: one is not understood, or is missing. */
enum cmd_exit cmd_refuse(const char *command, const char *argument);
enum cmd_exit cmd_lack(const char *command, const char *argument);

/* An option; a table of them ends with { NULL }. */
struct cmd_option {
	const char	*name;
	bool		*given;
	const char	**value;	/* or the word that follows it */
};

/*
 * Sets the options that are given, and the operands, of which NULL are left
 * that are not there.  The first that isn't understood, or NULL.  An operand
 * that begins with a hyphen is one only if it is an email address: a user of
 * such a name is called by that; a hyphen alone is one, too.
 */
const char *cmd_parse(char **arguments, const struct cmd_option *,
	    const char **operands, int most);

/* The same for one that must be there; CMD_OK, or says what is wrong. */
enum cmd_exit cmd_parse_one(const char *command, const char *lacking,
	    char **arguments, const struct cmd_option *,
	    const char **operand);

/*
 * An id as the database has it, for one in any case; false if the text is none.
 */
#define CMD_ID_LENGTH	36
bool	 cmd_read_id(const char *text, char id[CMD_ID_LENGTH + 1]);

/* ------------------------------------------------------------ account.c */

enum cmd_field { CMD_USERNAME, CMD_EMAIL, CMD_PASSWORD, CMD_FIELDS };

/* What the API says is wrong with a new one, or NULL. */
const char *cmd_account_wrong(struct sb_pool *, enum cmd_field,
	    const char *text);

/* What the API says where somebody has one of them, or NULL. */
const char *cmd_account_taken(struct sb_db *, const char *username_key,
	    const char *email_key);

/* Ends all logins of a user, as a new password or logout-all does. */
void	 cmd_account_end_logins(struct sb_db *, const char *user);

/* ------------------------------------------------------------- backup.c */

/* What of the data directory goes with the database; ended by { NULL }. */
extern const struct cmd_key_file {
	const char	*name;
	const char	*slot;		/* that whoever makes it takes */
} cmd_key_files[];

/* -------------------------------------------------------------- place.c */

/*
 * Whether init may make what is missing in the data directory, for that user
 * or, with NULL, its owner; CMD_OK, or says in one line why not.
 */
enum cmd_exit cmd_judge_place(struct sb_pool *, const char *user);

/* ----------------------------------------------------------- progress.c */

/* Before something that takes long: a signal to stop doesn't end it at once. */
void	 cmd_progress_begin(const char *command);

/* Shows on a terminal how far it is; false if it should stop. */
bool	 cmd_progress(const char *format, ...)
	    __attribute__((format(printf, 1, 2)));
void	 cmd_progress_end(void);

bool	 cmd_stopped(void);

/* Says that it was; the exit status. */
enum cmd_exit cmd_say_stopped(const char *command);

/* ------------------------------------------------------------- prompt.c */

/*
 * A new password that is within the rules: asked for twice on a terminal, else
 * the first line of standard input.  CMD_OK, or says why there is none.
 */
enum cmd_exit cmd_ask_password(const char *command, struct sb_pool *,
	    const char **password);

/*
 * Asks on the terminal, unless it is confirmed already, and sets that.  Not
 * CMD_OK, said on standard error, if there is nobody to ask.
 */
enum cmd_exit cmd_confirm(const char *command, struct sb_pool *,
	    const char *question, bool *confirmed);

/* -------------------------------------------------------------- store.c */

/* A command that works with the database. */
struct cmd {
	const char	*name;
	struct sb_pool	*pool;		/* until its end */
	struct sb_pool	*page;		/* until the next page of a list */
	struct sb_db	*db;
};

#define CMD_PAGE	1000	/* rows that are looked at at once */

/* What has to be there for a command that makes nothing. */
enum cmd_place { CMD_DIRECTORY, CMD_DATABASE, CMD_PLACES };

/*
 * CMD_OK if that is there.  Else says in one line that there is none, or that
 * the directory can't be entered.
 */
enum cmd_exit cmd_look(const char *command, enum cmd_place);

/* Says what is wrong with the data directory, by errno; CMD_UNAVAILABLE. */
enum cmd_exit cmd_refuse_data(const char *command, int error);

/* Reads the settings and opens the database that is there; CMD_OK if it can. */
enum cmd_exit cmd_begin(struct cmd *, const char *name);

/*
 * Commits what succeeded and then says so on standard output, unless that is
 * NULL.  Returns the status, or CMD_UNAVAILABLE, said on standard error, where
 * the database failed.
 */
enum cmd_exit cmd_end(struct cmd *, enum cmd_exit, const char *said);

/* Takes the write lock, for what is decided by a look at the database. */
bool	 cmd_lock(struct cmd *);

/*
 * Begins the next page of a list with an empty pool; `kept' is copied into it.
 * NULL if the database has failed, or nobody reads any more.
 */
const char *cmd_turn(struct cmd *, const char *kept);

/* Says that the database can't be had; CMD_UNAVAILABLE. */
enum cmd_exit cmd_unavailable(const char *command);

/* The user of that name or address, as the login finds him, or NULL. */
const struct sb_row *cmd_find_user(struct cmd *, const char *name);

/* Says that nobody has it; CMD_NOT_FOUND, unless the database failed. */
enum cmd_exit cmd_nobody(struct cmd *, const char *name);

/*
 * What is in the data directory only where there was a database, as names with
 * a comma between them; NULL if nothing is.
 */
const char *cmd_left_of_database(struct sb_pool *);

/* -------------------------------------------------------------- list.c */

enum cmd_kind { CMD_TEXT, CMD_TEXTS, CMD_NUMBER, CMD_BOOL, CMD_TIME };

struct cmd_column {
	const char	*title;		/* in the table; NULL: not there */
	const char	*name;		/* in the JSON; NULL: not there */
	enum cmd_kind	 kind;
};
#define CMD_COLUMNS	12

/*
 * A time that is 0, and a text that is NULL, are none.  That of CMD_TEXTS is a
 * JSON list of them.
 */
struct cmd_value {
	const char	*text;
	int64_t		 number;
};

/* A list for people, or for programs: an array of objects, one a line. */
struct cmd_list {
	const struct cmd_column *columns;
	int		 count;
	bool		 json;
	bool		 begun;		/* something is printed */
	int		 widths[CMD_COLUMNS];
	struct cmd_line	*first, **last;
};

void	 cmd_list_begin(struct cmd_list *, const struct cmd_column *, int count,
	    bool json);

/*
 * Adds a row to those that are printed next, aligned with each other; it is in
 * that pool, and its texts are the caller's.
 */
void	 cmd_list_add(struct cmd_list *, struct sb_pool *,
	    const struct cmd_value *);
void	 cmd_list_print(struct cmd_list *, struct sb_pool *);
void	 cmd_list_end(struct cmd_list *);

/*
 * Prints all rows of a query, a page of them at a time: it has an :after, which
 * is that column of the row before, and a :some; what else it has is bound
 * here, up to CMD_BINDS.  add() is told what time it was at the begin.
 */
#define CMD_BINDS	4
void	 cmd_list_all(struct cmd *, struct cmd_list *, enum sb_query,
	    const char *column, const struct sb_bind *,
	    void (*add)(struct cmd_list *, struct sb_pool *,
	    const struct sb_row *, int64_t now));

/* One row by itself: a line for each column, or a JSON object. */
void	 cmd_print_one(const struct cmd_column *, int count, bool json,
	    struct sb_pool *, const struct cmd_value *);

/* A time to the second: a table is for eyes. */
const char *cmd_time(struct sb_pool *, int64_t);

/* A word of a command, for a shell. */
const char *cmd_quoted(struct sb_pool *, const char *);

/* A text that does nothing to a terminal and stays on its line. */
const char *cmd_visible(struct sb_pool *, const char *);

/* -------------------------------------------------------- check_files.c */

/*
 * What makes a directory, there or not, look like a part of a web site, as the
 * end of a sentence; sure, or by its name alone.  NULL if nothing does.
 */
const char *cmd_web_sign(struct sb_pool *, const char *data, bool *sure);

/* ------------------------------------------------------------- folder.c */

struct passwd;

/*
 * The folder above the last part of a path, which is made if it isn't there;
 * -1, with errno, if it can't be.  *last is that part, in the pool.
 */
int	 cmd_open_above(struct sb_pool *, const char *path, const char **last);

/*
 * A new folder in an open one, open, and its owner's if one is given; -1, with
 * errno, if it can't be made.
 */
int	 cmd_make_below(int folder, const char *name,
	    const struct passwd *owner);

/* What such an errno says. */
const char *cmd_folder_error(int error);

/* --------------------------------------------------------------- next.c */

void	 cmd_say_next(struct sb_pool *);


/* How a shell calls this command, for the same data directory. */
const char *cmd_own_call(struct sb_pool *);

/* The same with init, for the user that it is made for. */
const char *cmd_init_call(struct sb_pool *);

/* -------------------------------------------------------------- sweep.c */

/*
 * A deletion of many rows in transactions so small that nobody waits long for
 * the lock.  some() deletes at most so many of them, after cmd_sweep_lock, adds
 * to .deleted, and says whether there may be more.
 */
struct cmd_sweep {
	struct sb_db	*db;
	const char	*group;		/* of its queries */
	bool		(*some)(struct cmd_sweep *, int most);
	bool		(*go_on)(void);	/* asked before each; NULL: do */
	void		*own;		/* some()'s */
	struct sb_pool	*pool;		/* of this transaction */
	int64_t		 deleted;	/* by this transaction */
	int64_t		 locked_at;
	int64_t		 total;		/* by those that were committed */
};

/* False if the database failed; what was deleted before that stays so. */
bool	 cmd_sweep(struct cmd_sweep *);
bool	 cmd_sweep_lock(struct cmd_sweep *);

#endif
