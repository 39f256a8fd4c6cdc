/*
 * What the files of the program auth share: auth.c has the routes.
 */
#ifndef AUTH_H
#define AUTH_H

#include "sb.h"

/* -------------------------------------------------------- auth_check.c */

extern const struct sb_field auth_check_out[];
enum sb_status auth_check(struct sb_request *, struct sb_response *);
enum sb_status auth_check_stream(struct sb_request *, struct sb_response *);
sb_streamer auth_check_events;

#endif
