/*
 * The table of the commands, for what finds them and what tells of them.
 */
#ifndef CMD_TABLE_H
#define CMD_TABLE_H

#include "cmd.h"

struct cmd_row {
	const char	*name;
	const char	*action;	/* the word after it; NULL: none */
	const char	*arguments;
	const char	*help;		/* a line of --help; NULL: not there */
	const char	*more;		/* what its own --help says besides */
	enum cmd_exit	(*run)(char **arguments);
};
extern const struct cmd_row cmd_table[];
extern const int cmd_rows;

/* What switchboard is, and where its settings come from. */
extern const char cmd_introduction[], cmd_sources[];

/* The exit statuses, ended by one without text. */
struct cmd_status {
	enum cmd_exit	 status;
	const char	*text;
};
extern const struct cmd_status cmd_statuses[];

/* Whether there are several commands of that name. */
bool	 cmd_has_actions(const char *name);

/*
 * The first option that a command's own help explains from there on, or NULL.
 * It stands after two spaces, at the beginning of a line.
 */
const char *cmd_next_option(const char *more, size_t *length);

#endif
