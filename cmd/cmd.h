/*
 * What the files of the command line share.  A command is a file in cmd/ with
 * one function, and a row of the table in main.c.
 */
#ifndef CMD_H
#define CMD_H

#include "settings.h"

/* As sysexits.h has them; --help lists them. */
enum cmd_exit {
	CMD_OK = 0,
	CMD_USAGE = 64,		/* what was asked for makes no sense */
	CMD_UNAVAILABLE = 69,	/* the database can't be had now */
	CMD_INTERNAL = 70,	/* sb_fatal's: a broken installation */
	CMD_OUTPUT = 74,	/* what was to be printed couldn't be */
	CMD_SETTINGS = 78	/* a setting is not accepted */
};

/* A command is given what follows its name, ended by NULL; no --help. */
enum cmd_exit cmd_key(char **arguments);
enum cmd_exit cmd_migrate(char **arguments);
enum cmd_exit cmd_settings(char **arguments);

/* Says on standard error that an argument is not understood. */
enum cmd_exit cmd_refuse(const char *command, const char *argument);

/*
 * Reads the settings; false, with a line on standard error, if it can't.
 * Warnings are for programs that stay, and for the list of settings.
 */
bool	 cmd_read_settings(void);

#endif
