/*
 * The programs' tables for whoever calls them in a process of its own.  The
 * build compiles cgi/ once more with this file before each, with another name
 * for its main, and with take_program in the place of sb_main.
 */
#ifndef SB_FUZZ_PROGRAMS_H
#define SB_FUZZ_PROGRAMS_H

struct sb_program;

/* The mains: each hands its program to take_program and returns. */
int	 auth_main(int, char **);
int	 chat_main(int, char **);
int	 events_main(int, char **);
int	 meta_main(int, char **);

int	 take_program(int, char **, const struct sb_program *);

#endif
