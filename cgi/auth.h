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

/* --------------------------------------------------------- auth_keys.c */

extern const struct sb_field auth_key_in[], auth_key_out[], auth_keys_out[],
    auth_key_delete_in[];
extern const struct sb_error auth_too_many_keys;
sb_handler auth_key_make, auth_key_list, auth_key_delete;

#endif
