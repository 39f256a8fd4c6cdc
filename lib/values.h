/*
 * The settings' values, for whoever goes by them.  Their names, ranges and
 * meanings are in the table of settings_table.c.
 */
#ifndef SB_VALUES_H
#define SB_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#define SB_LIMIT_MAX	1000	/* of the settings that are limits */

struct sb_settings {
	const char	*environment;
	bool		 debug;
	const char	*data;
	const char	*env_file;	/* the file that was read, or NULL */
	const char	*home;		/* of an installation in one folder */
	const char	*secret_key;	/* NULL: the key file's newest */
	const char	*algorithm;
	int64_t		 access_token_expire_minutes;
	int64_t		 refresh_token_expire_days;
	int64_t		 scrypt_n, scrypt_r, scrypt_p;
	int64_t		 hashes;
	const char	*cors_origins;
	bool		 cors_credentials;
	const char	*root_path;
	const char	*log_level;
	const char	*log_file;
	const char	*log_format;
	int64_t		 workers;	/* 0: not set, no prefork */
	int64_t		 waiters;
	bool		 confine;
	int64_t		 rate_limit_per_user;		/* 0: off */
	int64_t		 rate_limit_per_session;
	int64_t		 rate_limit_per_channel;
	int64_t		 rate_limit_per_address;
	int64_t		 rate_limit_window_seconds;
	int64_t		 login_failures_per_account;
	int64_t		 max_concurrent_sessions;
	int64_t		 session_timeout_hours;
	int64_t		 feedback_timeout_hours;
	const char	*trusted_proxies;		/* or NULL */
	const char	*metrics_token;	/* NULL: no metrics */
	bool		 webhook_private;
	const char	*webhook_ca_file;		/* or NULL */
};
extern struct sb_settings sb_settings;

/* What confines this process, "Landlock (ABI 7) and seccomp"; NULL: nothing. */
const char *sb_confined_by(void);

#endif
