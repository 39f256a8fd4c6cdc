/*
 * Which settings are accepted and which are refused, in which words; where
 * they are looked for and what wins; how the settings file is read; and that
 * no list and no complaint shows a secret.  The environment is the real one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "settings.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define KEY		"0a7fb5dc8e3142699b0d6c1fe84a5273"	/* 32 bytes */
#define TEXT_MAX	((size_t)64 * 1024)

extern char **environ;

static char folder[] = "/tmp/sb-settings-XXXXXX";
static char logged[8][512];
static size_t lines;
static const char *cors_wrong;

/* What the settings need of the rest of the library. */
void
sb_log(enum sb_level level, const char *format, ...)
{
	va_list ap;

	assert_int_equal(level, SB_WARNING);
	assert_in_range(lines, 0, COUNT(logged) - 1);
	va_start(ap, format);
	vsnprintf(logged[lines++], sizeof(logged[0]), format, ap);
	va_end(ap);
}

void
sb_fatal(const char *format, ...)
{
	fputs(format, stderr);
	abort();
}

const char *
sb_cors_settings_wrong(void)
{
	return cors_wrong;
}

/* ------------------------------------------------------------------ helpers */

static const char *
in_folder(const char *name)
{
	static char path[4][128];
	static unsigned next;
	char *p = path[next++ % COUNT(path)];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static const char *
write_bytes(const char *name, const char *bytes, size_t n)
{
	const char *path = in_folder(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	return path;
}

static const char *
write_file(const char *name, const char *text)
{
	return write_bytes(name, text, strlen(text));
}

static void
set_env(const char *name, const char *value)
{
	assert_int_equal(setenv(name, value, 1), 0);
}

/* Takes the first setting out of the environment, however it is spelt. */
static bool
unset_one(void)
{
	char name[64];

	for (char **e = environ; *e != NULL; e++) {
		size_t n = strcspn(*e, "=");

		snprintf(name, sizeof(name), "%.*s", (int)n, *e);
		for (size_t i = 0; i < sb_setting_count; i++)
			if (strcasecmp(sb_setting_table[i].name, name) == 0)
				return unsetenv(name) == 0;
	}
	return false;
}

/* No setting in the environment, and no file of the machine's. */
static int
fresh(void **unused)
{
	(void)unused;
	while (unset_one())
		continue;
	set_env("SWITCHBOARD_ENV_FILE", "/dev/null");
	lines = 0;
	cors_wrong = NULL;
	return 0;
}

static const struct sb_found *
found(const char *name)
{
	for (size_t i = 0; i < sb_setting_count; i++)
		if (strcmp(sb_setting_table[i].name, name) == 0)
			return &sb_setting_found[i];
	fail_msg("no setting is called %s", name);
	return NULL;
}

/* The complaint about one setting, in an environment of nothing else. */
static const char *
read_with(const char *name, const char *value)
{
	fresh(NULL);
	set_env(name, value);
	return sb_settings_read();
}

static void
must_read(void)
{
	const char *wrong = sb_settings_read();

	if (wrong != NULL)
		fail_msg("%s", wrong);
}

static void
must_complain(const char *expected)
{
	const char *wrong = sb_settings_read();

	assert_non_null(wrong);
	assert_string_equal(wrong, expected);
}

/* --------------------------------------------------------------- the table */

static void
test_defaults(void **unused)
{
	(void)unused;
	must_read();
	assert_string_equal(sb_settings.environment, "development");
	assert_false(sb_settings.debug);
	assert_string_equal(sb_settings.data,
	    SB_LOCALSTATEDIR "/lib/switchboard");
	assert_string_equal(sb_settings.env_file, "/dev/null");
	assert_null(sb_settings.secret_key);
	assert_string_equal(sb_settings.algorithm, "HS256");
	assert_int_equal(sb_settings.access_token_expire_minutes, 25);
	assert_int_equal(sb_settings.refresh_token_expire_days, 7);
	assert_int_equal(sb_settings.scrypt_n, 16384);
	assert_int_equal(sb_settings.scrypt_r, 8);
	assert_int_equal(sb_settings.scrypt_p, 5);
	assert_int_equal(sb_settings.hashes, sysconf(_SC_NPROCESSORS_ONLN));
	assert_string_equal(sb_settings.cors_origins,
	    "http://localhost:5173,http://localhost:3000,"
	    "http://127.0.0.1:5173,http://127.0.0.1:3000");
	assert_true(sb_settings.cors_credentials);
	assert_string_equal(sb_settings.root_path, "");
	assert_string_equal(sb_settings.log_level, "info");
	assert_string_equal(sb_settings.log_file, "");
	assert_string_equal(sb_settings.log_format, "text");
	assert_int_equal(sb_settings.workers, 0);
	assert_int_equal(sb_settings.waiters, 64);
	assert_int_equal(lines, 0);
}

static void
test_names(void **unused)
{
	static const char *const names[] = {
		"ENVIRONMENT", "DEBUG", "SECRET_KEY", "ALGORITHM",
		"ACCESS_TOKEN_EXPIRE_MINUTES", "REFRESH_TOKEN_EXPIRE_DAYS",
		"RATE_LIMIT_PER_USER", "RATE_LIMIT_PER_SESSION",
		"RATE_LIMIT_PER_CHANNEL", "RATE_LIMIT_WINDOW_SECONDS",
		"MAX_CONCURRENT_SESSIONS", "SESSION_TIMEOUT_HOURS",
		"FEEDBACK_TIMEOUT_HOURS", "GMAIL_CLIENT_ID",
		"GMAIL_CLIENT_SECRET", "GMAIL_REDIRECT_URI",
		"SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET",
		"SLACK_SIGNING_SECRET", "SLACK_REDIRECT_URI",
		"OPENAI_API_KEY", "HOST", "PORT", "SWITCHBOARD_DATA",
		"CORS_ORIGINS", "CORS_CREDENTIALS", "TRUSTED_PROXIES",
		"RATE_LIMIT_PER_ADDRESS", "LOGIN_FAILURES_PER_ACCOUNT",
		"SCRYPT_N", "SCRYPT_R", "SCRYPT_P", "METRICS_TOKEN",
		"WEBHOOK_PRIVATE", "WEBHOOK_CA_FILE",
		"LOG_LEVEL", "LOG_FILE", "LOG_FORMAT", "WORKERS", "WAITERS",
		"HASHES", "CONFINE", "ROOT_PATH", "SWITCHBOARD_ENV_FILE",
		"SWITCHBOARD_HOME",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(names); i++)
		found(names[i]);
	assert_int_equal(sb_setting_count, COUNT(names));
}

/* Under CGI what begins so is a client's header. */
static void
test_names_of_headers(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sb_setting_count; i++)
		assert_int_not_equal(
		    strncasecmp(sb_setting_table[i].name, "HTTP_", 5), 0);
	set_env("HTTP_DEBUG", "true");
	set_env("HTTP_LOG_LEVEL", "nonsense");
	must_read();
	assert_false(sb_settings.debug);
}

static void
test_members(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sb_setting_count; i++)
		for (size_t j = 0; j < i; j++)
			if (sb_setting_table[i].use == PROGRAMS &&
			    sb_setting_table[j].use == PROGRAMS)
				assert_int_not_equal(sb_setting_table[i].at,
				    sb_setting_table[j].at);
}

/* A default that would be refused would be left half set. */
static void
test_defaults_are_accepted(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sb_setting_count; i++) {
		const struct sb_setting *s = &sb_setting_table[i];

		if (s->fallback == NULL || *s->fallback == '\0')
			continue;
		if (read_with(s->name, s->fallback) != NULL)
			fail_msg("the default of %s is refused", s->name);
		assert_string_equal(found(s->name)->text, s->fallback);
	}
}

/* ---------------------------------------------------- accepted and refused */

struct range {
	const char	*name;
	int64_t		 min, max;
};

static void
check_bound(const struct range *r, int64_t n, bool fits)
{
	char value[32];
	const char *wrong;

	snprintf(value, sizeof(value), "%lld", (long long)n);
	wrong = read_with(r->name, value);
	if (fits && wrong != NULL)
		fail_msg("%s", wrong);
	if (!fits && (wrong == NULL || strstr(wrong, r->name) != wrong))
		fail_msg("%s=%s is accepted", r->name, value);
	if (fits)
		assert_int_equal(found(r->name)->number, n);
}

static void
test_ranges(void **unused)
{
	static const struct range ranges[] = {
		{ "ACCESS_TOKEN_EXPIRE_MINUTES", 1, 1440 },
		{ "REFRESH_TOKEN_EXPIRE_DAYS", 1, 365 },
		{ "RATE_LIMIT_PER_USER", 0, 1000 },
		{ "RATE_LIMIT_PER_SESSION", 0, 1000 },
		{ "RATE_LIMIT_PER_CHANNEL", 0, 1000 },
		{ "RATE_LIMIT_PER_ADDRESS", 0, 1000 },
		{ "LOGIN_FAILURES_PER_ACCOUNT", 0, 1000 },
		{ "RATE_LIMIT_WINDOW_SECONDS", 1, 3600 },
		{ "MAX_CONCURRENT_SESSIONS", 1, 1000 },
		{ "SESSION_TIMEOUT_HOURS", 1, 8760 },
		{ "FEEDBACK_TIMEOUT_HOURS", 1, 8760 },
		{ "SCRYPT_R", 1, 16 },		/* 32 with a smaller N */
		{ "SCRYPT_P", 1, 16 },
		{ "HASHES", 1, 1024 },
		{ "WORKERS", 1, 1024 },
		{ "WAITERS", 0, 1024 },
		{ "PORT", 1, 65535 },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(ranges); i++) {
		const struct range *r = &ranges[i];

		check_bound(r, r->min, true);
		check_bound(r, r->max, true);
		check_bound(r, r->min - 1, false);
		if (strcmp(r->name, "SCRYPT_R") != 0)
			check_bound(r, r->max + 1, false);
	}
}

static void
test_members_are_set(void **unused)
{
	(void)unused;
	set_env("ENVIRONMENT", "staging");
	set_env("DEBUG", "1");
	set_env("SWITCHBOARD_DATA", "/data");
	set_env("SECRET_KEY", KEY);
	set_env("ACCESS_TOKEN_EXPIRE_MINUTES", "2");
	set_env("REFRESH_TOKEN_EXPIRE_DAYS", "3");
	set_env("SCRYPT_N", "4096");
	set_env("SCRYPT_R", "5");
	set_env("SCRYPT_P", "6");
	set_env("HASHES", "7");
	set_env("CORS_ORIGINS", "https://a.example");
	set_env("CORS_CREDENTIALS", "off");
	set_env("ROOT_PATH", "/a/b");
	set_env("LOG_FILE", "syslog");
	set_env("LOG_FORMAT", "json");
	set_env("WORKERS", "8");
	set_env("WAITERS", "9");
	must_read();
	assert_string_equal(sb_settings.environment, "staging");
	assert_true(sb_settings.debug);
	assert_string_equal(sb_settings.data, "/data");
	assert_string_equal(sb_settings.secret_key, KEY);
	assert_int_equal(sb_settings.access_token_expire_minutes, 2);
	assert_int_equal(sb_settings.refresh_token_expire_days, 3);
	assert_int_equal(sb_settings.scrypt_n, 4096);
	assert_int_equal(sb_settings.scrypt_r, 5);
	assert_int_equal(sb_settings.scrypt_p, 6);
	assert_int_equal(sb_settings.hashes, 7);
	assert_string_equal(sb_settings.cors_origins, "https://a.example");
	assert_false(sb_settings.cors_credentials);
	assert_string_equal(sb_settings.root_path, "/a/b");
	assert_string_equal(sb_settings.log_level, "debug");
	assert_string_equal(sb_settings.log_file, "syslog");
	assert_string_equal(sb_settings.log_format, "json");
	assert_int_equal(sb_settings.workers, 8);
	assert_int_equal(sb_settings.waiters, 9);
	assert_int_equal(lines, 0);
}

struct pair {
	const char	*name;
	const char	*value;
};

static void
test_accepted(void **unused)
{
	static const struct pair pairs[] = {
		{ "ACCESS_TOKEN_EXPIRE_MINUTES", "+25" },
		{ "ACCESS_TOKEN_EXPIRE_MINUTES", "0025" },
		{ "WAITERS", "-0" },
		{ "ENVIRONMENT", "production" },
		{ "LOG_LEVEL", "debug" }, { "LOG_LEVEL", "warning" },
		{ "LOG_LEVEL", "error" },
		{ "ROOT_PATH", "/switchboard" },
		{ "ROOT_PATH", "/A-z0.9_~/..." },
		{ "ROOT_PATH", "/.hidden/..x" },
		{ "LOG_FILE", "/var/log/switchboard.log" },
		{ "SCRYPT_N", "1024" }, { "SCRYPT_N", "262144" },
		{ "TRUSTED_PROXIES", "127.0.0.1" },
		{ "TRUSTED_PROXIES", "10.0.0.0/8, ::1,2001:db8::/32" },
		{ "TRUSTED_PROXIES", "0.0.0.0/0,::/128" },
		{ "TRUSTED_PROXIES", " 127.0.0.1 , ::1 " },
		{ "HOST", "::1" }, { "HOST", "chat.example.org" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		const char *wrong = read_with(pairs[i].name, pairs[i].value);

		if (wrong != NULL)
			fail_msg("%s", wrong);
	}
}

#define MINUTES	"an integer from 1 to 1440 (minutes)"
#define LOGIC	"true or false; also 1, 0, yes, no, on, off, t, f, y, n"
#define POWER	"a power of two from 1024 to 1048576"
#define MOUNT	"nothing, or a path like /switchboard, of letters, digits " \
		"and -._~"
#define LOGFILE	"nothing, syslog, or an absolute path"
#define BLOCKS	"addresses or CIDR blocks, separated by commas"

static const struct {
	const char	*name, *value, *accepted;
} refused[] = {
	{ "ACCESS_TOKEN_EXPIRE_MINUTES", "0", MINUTES },
	{ "ACCESS_TOKEN_EXPIRE_MINUTES", "1441", MINUTES },
	{ "ACCESS_TOKEN_EXPIRE_MINUTES", "-25", MINUTES },
	{ "ACCESS_TOKEN_EXPIRE_MINUTES", " 25", MINUTES },
	{ "ACCESS_TOKEN_EXPIRE_MINUTES", "25 ", MINUTES },
	{ "ACCESS_TOKEN_EXPIRE_MINUTES", "25m", MINUTES },
	{ "ACCESS_TOKEN_EXPIRE_MINUTES", "2.5", MINUTES },
	{ "ACCESS_TOKEN_EXPIRE_MINUTES", "0x19", MINUTES },
	{ "ACCESS_TOKEN_EXPIRE_MINUTES", "1e2", MINUTES },
	{ "ACCESS_TOKEN_EXPIRE_MINUTES", "+", MINUTES },
	{ "ACCESS_TOKEN_EXPIRE_MINUTES", "+-5", MINUTES },
	{ "ACCESS_TOKEN_EXPIRE_MINUTES", "18446744073709551641",
	  MINUTES },
	{ "ACCESS_TOKEN_EXPIRE_MINUTES", "4294967321", MINUTES },
	{ "WORKERS", "0", "an integer from 1 to 1024 (processes)" },
	{ "HASHES", "0", "an integer from 1 to 1024" },
	{ "DEBUG", "2", LOGIC }, { "DEBUG", "maybe", LOGIC },
	{ "DEBUG", "tru", LOGIC }, { "DEBUG", " true", LOGIC },
	{ "DEBUG", "app:*", LOGIC },
	{ "ENVIRONMENT", "prod",
	  "development, staging or production" },
	{ "ENVIRONMENT", "Production",
	  "development, staging or production" },
	{ "ALGORITHM", "none", "HS256" },
	{ "ALGORITHM", "RS256", "HS256" },
	{ "LOG_FORMAT", "xml", "text or json" },
	{ "LOG_LEVEL", "warn", "debug, info, warning or error" },
	{ "SCRYPT_N", "16385", POWER }, { "SCRYPT_N", "512", POWER },
	{ "SCRYPT_N", "2097152", POWER }, { "SCRYPT_N", "x", POWER },
	{ "SWITCHBOARD_DATA", "data", "an absolute path" },
	{ "SWITCHBOARD_DATA", "./data", "an absolute path" },
	{ "LOG_FILE", "switchboard.log", LOGFILE },
	{ "LOG_FILE", "SYSLOG", LOGFILE },
	{ "ROOT_PATH", "switchboard", MOUNT },
	{ "ROOT_PATH", "/", MOUNT }, { "ROOT_PATH", "/a/", MOUNT },
	{ "ROOT_PATH", "//a", MOUNT }, { "ROOT_PATH", "/a//b", MOUNT },
	{ "ROOT_PATH", "/.", MOUNT }, { "ROOT_PATH", "/a/..", MOUNT },
	{ "ROOT_PATH", "/a/../b", MOUNT },
	{ "ROOT_PATH", "/a b", MOUNT }, { "ROOT_PATH", "/a%20", MOUNT },
	{ "ROOT_PATH", "/a?b", MOUNT },
	{ "ROOT_PATH", "/\xc3\xa4", MOUNT },
	{ "TRUSTED_PROXIES", "localhost", BLOCKS },
	{ "TRUSTED_PROXIES", "10.0.0.0/33", BLOCKS },
	{ "TRUSTED_PROXIES", "10.0.0.0/", BLOCKS },
	{ "TRUSTED_PROXIES", "10.0.0.0/-1", BLOCKS },
	{ "TRUSTED_PROXIES", "::1/129", BLOCKS },
	{ "TRUSTED_PROXIES", "127.0.0.1,", BLOCKS },
	{ "TRUSTED_PROXIES", "127.0.0.1,,::1", BLOCKS },
	{ "TRUSTED_PROXIES", "127.0.0.1 ::1", BLOCKS },
	{ "TRUSTED_PROXIES", ",::1", BLOCKS },
	{ "TRUSTED_PROXIES", "2001:db8:1111:2222:3333:4444:5555:6666/128"
	  "0000000000000000000000000", BLOCKS },
	{ "HOST", "a b", "an address or the name of a host" },
};

static void
test_refused(void **unused)
{
	char expected[512];

	(void)unused;
	for (size_t i = 0; i < COUNT(refused); i++) {
		snprintf(expected, sizeof(expected),
		    "%s: \"%s\" is not accepted; it has to be %s",
		    refused[i].name, refused[i].value, refused[i].accepted);
		fresh(NULL);
		set_env(refused[i].name, refused[i].value);
		must_complain(expected);
	}
}

/* So that what then answers 500 can do so. */
static void
test_refused_is_default(void **unused)
{
	(void)unused;
	set_env("WAITERS", "many");
	set_env("LOG_FORMAT", "xml");
	set_env("LOG_LEVEL", "error");
	must_complain("LOG_FORMAT: \"xml\" is not accepted; it has to be text "
	    "or json");
	assert_int_equal(sb_settings.waiters, 64);
	assert_string_equal(sb_settings.log_format, "text");
	assert_string_equal(sb_settings.log_level, "error");
}

static void
test_booleans(void **unused)
{
	static const char *const words[][2] = {
		{ "0", "1" }, { "false", "true" }, { "FALSE", "TRUE" },
		{ "False", "True" }, { "no", "yes" }, { "No", "YES" },
		{ "off", "on" }, { "OFF", "On" }, { "f", "t" }, { "F", "T" },
		{ "n", "y" }, { "N", "Y" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(words); i++)
		for (int is = 0; is < 2; is++) {
			assert_null(read_with("DEBUG", words[i][is]));
			assert_int_equal(sb_settings.debug, is);
			assert_null(read_with("CORS_CREDENTIALS",
			    words[i][is]));
			assert_int_equal(sb_settings.cors_credentials, is);
		}
}

static void
test_debug(void **unused)
{
	(void)unused;
	set_env("DEBUG", "true");
	set_env("LOG_LEVEL", "error");
	must_read();
	assert_string_equal(sb_settings.log_level, "debug");
	assert_string_equal(sb_settings.environment, "development");
	set_env("DEBUG", "false");
	must_read();
	assert_string_equal(sb_settings.log_level, "error");
}

static void
test_complaint_is_one_line(void **unused)
{
	char value[1000], *end;
	const char *wrong;

	(void)unused;
	set_env("ENVIRONMENT", "a\nb\r\x1b[31m\xc2\x9b\xff");
	must_complain("ENVIRONMENT: \"a\\x0ab\\x0d\\x1b[31m\\xc2\\x9b"
	    "\xef\xbf\xbd\" is not accepted; it has to be "
	    "development, staging or production");
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	set_env("ENVIRONMENT", value);
	wrong = sb_settings_read();
	assert_non_null(wrong);
	end = strstr(wrong, "...\" is not accepted");
	assert_non_null(end);
	assert_int_equal(end - wrong, strlen("ENVIRONMENT: \"") + 200);
}

/* ----------------------------------------------------------- the secret key */

static const char *const poor_keys[] = {
	"x", "secret", "changeme", "0a7fb5dc8e3142699b0d6c1fe84a527",
	"your-secret-key-here-change-in-production",
	"YOUR_SECRET_KEY_HERE_CHANGE_IN_PRODUCTION",
	"your-secret-key-your-own-secret-key",
	"dev-secret-change-me-in-production-0123",
	"please CHANGE THIS to something random",
	"django-insecure-4n5m8q2@k9w1z7x6c3v0b",
	"replace-with-32-random-bytes-please",
	"this_is_not_a_secret_1234567890abcdef",
	"supersecretsupersecretsupersecret2",
	"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"0123456789012345678901234567890123456789",
	"0123456789abcdef0123456789abcdef",
};

static void
test_poor_keys(void **unused)
{
	char expected[128];

	(void)unused;
	for (size_t i = 0; i < COUNT(poor_keys); i++) {
		fresh(NULL);
		set_env("ENVIRONMENT", "production");
		set_env("SECRET_KEY", poor_keys[i]);
		must_complain("SECRET_KEY: the value is not accepted; it has "
		    "to be at least 32 bytes that are no placeholder");
		assert_null(sb_settings.secret_key);
		assert_int_equal(lines, 0);

		set_env("ENVIRONMENT", i % 2 ? "staging" : "development");
		must_read();
		assert_null(sb_settings.secret_key);
		assert_int_equal(lines, 1);
		snprintf(expected, sizeof(expected), "SECRET_KEY counts as not "
		    "set: it is %s, and would stop the start in production",
		    strlen(poor_keys[i]) < 32 ? "shorter than 32 bytes" :
		    "a placeholder");
		assert_string_equal(logged[0], expected);
	}
}

static const char metrics_token[] = "METRICS_TOKEN: the value is not accepted; "
    "it has to be at least 16 letters, digits and -._~+/= that are no "
    "placeholder";

/* Nothing is lenient here in development: what is on is open to others. */
static void
test_metrics_token(void **unused)
{
	static const char *const poor[] = {
		"short", "123456789abcdef", "with a blank in it",
		"with,a-comma-in-it", "=================",
		"equals=in-the-middle", "change-me-please-0",
		"your-secret-0123456", "xyxyxyxyxyxyxyxyxyxy",
		"v\xc3\xb6n-anderswo-123",
	};
	static const char *const good[] = {
		"0a7fb5dc8e314269", "CD0gCcp8r4oDtQ0h+/-._~==",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(poor); i++) {
		fresh(NULL);
		set_env("METRICS_TOKEN", poor[i]);
		must_complain(metrics_token);
		assert_null(sb_settings.metrics_token);
	}
	for (size_t i = 0; i < COUNT(good); i++) {
		fresh(NULL);
		set_env("METRICS_TOKEN", good[i]);
		must_read();
		assert_string_equal(sb_settings.metrics_token, good[i]);
	}
	set_env("METRICS_TOKEN", "");
	must_read();
	assert_null(sb_settings.metrics_token);
}

/* The command line lists warnings; they are logged by programs that stay. */
static void
test_load_logs_nothing(void **unused)
{
	(void)unused;
	set_env("SECRET_KEY", "changeme");
	assert_null(sb_settings_load());
	assert_int_equal(lines, 0);
	assert_non_null(sb_setting_warnings()[0]);
	assert_null(sb_setting_warnings()[1]);
	must_read();
	assert_int_equal(lines, 1);
	assert_string_equal(logged[0], sb_setting_warnings()[0]);
	set_env("SECRET_KEY", KEY);
	assert_null(sb_settings_load());
	assert_null(sb_setting_warnings()[0]);
}

static void
test_good_keys(void **unused)
{
	static const char *const keys[] = {
		KEY,
		"q6Rk0Yw2v1f7hG9sXcN4mB8tLzP3aE5uJdQiWoVxKy0=",
		"correct horse battery staple and some more",
		"\xff\xfe\x01 bytes that are no text at all \x80",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(keys); i++) {
		fresh(NULL);
		set_env("ENVIRONMENT", "production");
		set_env("SECRET_KEY", keys[i]);
		must_read();
		assert_string_equal(sb_settings.secret_key, keys[i]);
		assert_int_equal(lines, 0);
	}
}

static void
test_no_key_in_production(void **unused)
{
	(void)unused;
	set_env("ENVIRONMENT", "production");
	set_env("SECRET_KEY", "");
	must_read();
	assert_null(sb_settings.secret_key);
	assert_int_equal(lines, 0);
}

/* -------------------------------------------------- what must fit together */

static void
set_scrypt(const char *n, const char *r, const char *p)
{
	set_env("SCRYPT_N", n);
	set_env("SCRYPT_R", r);
	set_env("SCRYPT_P", p);
}

static void
test_scrypt_memory(void **unused)
{
	(void)unused;
	set_scrypt("262144", "8", "1");		/* 256 MiB to the byte */
	must_read();
	set_scrypt("65536", "32", "1");
	must_read();
	set_scrypt("262144", "9", "1");
	must_complain("SCRYPT_N: \"262144\" is not accepted with SCRYPT_R "
	    "\"9\"; 128 * N * r has to be at most 268435456 bytes (256 MiB)");
	assert_int_equal(sb_settings.scrypt_n, 16384);
	assert_int_equal(sb_settings.scrypt_r, 8);
	set_scrypt("1048576", "32", "16");
	assert_non_null(sb_settings_read());
}

static void
test_scrypt_weak(void **unused)
{
	(void)unused;
	set_scrypt("1024", "8", "1");
	must_read();
	assert_int_equal(lines, 0);
	set_env("ENVIRONMENT", "production");
	must_read();
	assert_int_equal(lines, 1);
	assert_string_equal(logged[0], "SCRYPT_N, SCRYPT_R, SCRYPT_P: 1024, 8, "
	    "1 are weaker than the default 16384, 8, 5");
	set_scrypt("16384", "8", "4");
	must_read();
	assert_int_equal(lines, 2);
	set_scrypt("131072", "8", "1");		/* OWASP's other choice */
	must_read();
	set_scrypt("16384", "8", "5");
	must_read();
	assert_int_equal(lines, 2);
}

static void
test_cors(void **unused)
{
	(void)unused;
	set_env("CORS_ORIGINS", "*");
	set_env("CORS_CREDENTIALS", "true");
	cors_wrong = "not so";
	must_complain("CORS_ORIGINS: \"*\" is not accepted; it takes not so");
	/* The 500 must not be for everybody to read. */
	assert_null(strchr(sb_settings.cors_origins, '*'));
}

/* ------------------------------------------------------------- what wins */

static void
test_case(void **unused)
{
	(void)unused;
	set_env("log_level", "error");
	must_read();
	assert_string_equal(sb_settings.log_level, "error");
	set_env("LOG_LEVEL", "warning");
	must_read();
	assert_string_equal(sb_settings.log_level, "warning");

	fresh(NULL);
	set_env("LOG_LEVEL", "warning");
	set_env("Log_Level", "error");
	must_read();
	assert_string_equal(sb_settings.log_level, "warning");

	fresh(NULL);
	set_env("SWITCHBOARD_ENV_FILE", write_file("case",
	    "WAITERS=1\nwaiters=2\nworkers=3\nWorkers=4\nhashes=5\n"));
	set_env("Hashes", "6");
	must_read();
	assert_int_equal(sb_settings.waiters, 1);
	assert_int_equal(sb_settings.workers, 4);
	assert_int_equal(sb_settings.hashes, 6);
}

static void
test_similar_names(void **unused)
{
	(void)unused;
	set_env("DEBU", "nonsense");
	set_env("DEBUGS", "nonsense");
	set_env("WORKERS_", "nonsense");
	set_env("_WORKERS", "nonsense");
	must_read();
}

static void
test_environment_wins(void **unused)
{
	(void)unused;
	set_env("SWITCHBOARD_ENV_FILE", write_file("wins",
	    "WAITERS=1\nHASHES=2\nWORKERS=3\nUNKNOWN=4\n"));
	set_env("waiters", "10");
	set_env("HASHES", "");
	must_read();
	assert_int_equal(sb_settings.waiters, 10);
	assert_int_equal(sb_settings.hashes, 2);
	assert_int_equal(sb_settings.workers, 3);
	assert_int_equal(found("WAITERS")->origin, ENVIRONMENT);
	assert_int_equal(found("HASHES")->origin, SETTINGS_FILE);
	assert_int_equal(found("PORT")->origin, DEFAULT);
}

static void
test_empty(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sb_setting_count; i++)
		if (sb_setting_table[i].use != SEARCH)
			set_env(sb_setting_table[i].name, "");
	must_read();
	assert_int_equal(sb_settings.waiters, 64);
	assert_string_equal(sb_settings.environment, "development");
	assert_true(sb_settings.cors_credentials);
	assert_null(found("GMAIL_CLIENT_ID")->text);
	assert_int_equal(found("DEBUG")->origin, DEFAULT);
}

/* The last line of a file counts, also when it takes a value back. */
static void
test_empty_in_file(void **unused)
{
	(void)unused;
	set_env("SWITCHBOARD_ENV_FILE", write_file("empty",
	    "WAITERS=1\nWAITERS=\nHASHES=1\nHASHES=2\nWORKERS=\"\"\n"));
	must_read();
	assert_int_equal(sb_settings.waiters, 64);
	assert_int_equal(sb_settings.hashes, 2);
	assert_int_equal(sb_settings.workers, 0);
}

static void
test_again(void **unused)
{
	(void)unused;
	set_env("WAITERS", "1");
	set_env("SECRET_KEY", KEY);
	set_env("LOG_FORMAT", "xml");
	assert_non_null(sb_settings_read());
	fresh(NULL);
	must_read();
	assert_int_equal(sb_settings.waiters, 64);
	assert_null(sb_settings.secret_key);
}

/* A caller may change the environment afterwards. */
static void
test_copies(void **unused)
{
	static char line[] = "LOG_FILE=/one";

	(void)unused;
	assert_int_equal(putenv(line), 0);
	must_read();
	line[10] = 'x';
	assert_string_equal(sb_settings.log_file, "/one");
	assert_int_equal(unsetenv("LOG_FILE"), 0);
}

/* ---------------------------------------------------------------- the file */

/* CORS_ORIGINS takes any text here, as sb_cors_settings_wrong is ours. */
static void
test_file_lines(void **unused)
{
	static const struct {
		const char	*line, *value;
	} cases[] = {
		{ "CORS_ORIGINS=a", "a" },
		{ "CORS_ORIGINS=a\n", "a" },
		{ "CORS_ORIGINS=a\r\n", "a" },
		{ "CORS_ORIGINS=a\rWAITERS=1\r", "a" },
		{ "\xef\xbb\xbf" "CORS_ORIGINS=a\n", "a" },
		{ "\n\n  \n\t# comment\n#\n CORS_ORIGINS=a", "a" },
		{ "export CORS_ORIGINS=a", "a" },
		{ "\texport \t CORS_ORIGINS = a \t\n", "a" },
		{ "export=1\nCORS_ORIGINS=a", "a" },
		{ "cors_Origins=a", "a" },
		{ "CORS_ORIGINS=a b  c", "a b  c" },
		{ "CORS_ORIGINS=a#b", "a#b" },
		{ "CORS_ORIGINS=a #b", "a" },
		{ "CORS_ORIGINS=a\t# b 'c\n", "a" },
		{ "CORS_ORIGINS=#b", "#b" },
		{ "CORS_ORIGINS=a=b", "a=b" },
		{ "CORS_ORIGINS=a'b\"c", "a'b\"c" },
		{ "CORS_ORIGINS=a\\nb", "a\\nb" },
		{ "CORS_ORIGINS=$HOME ${HOME}", "$HOME ${HOME}" },
		{ "CORS_ORIGINS=''\nCORS_ORIGINS='a'", "a" },
		{ "CORS_ORIGINS='a # \"b\" \\n $c' # d", "a # \"b\" \\n $c" },
		{ "CORS_ORIGINS='it\\'s \\\\'", "it's \\" },
		{ "CORS_ORIGINS=\"a # 'b' $c\"#d", "a # 'b' $c" },
		{ "CORS_ORIGINS=\"\\\"a\\\" \\n\\t\\\\ \\x\"",
		  "\"a\" \n\t\\ \\x" },
		{ "CORS_ORIGINS=\"a\nb\"\nWAITERS=1", "a\nb" },
		{ "CORS_ORIGINS='a\r\nb\r\n'\r\nWAITERS=1", "a\nb\n" },
		{ "CORS_ORIGINS=\"a \"", "a " },
		{ "CORS_ORIGINS=\xc3\xa4\xff", "\xc3\xa4\xff" },
		{ "BARE\nexport BARE\nBARE # x\nCORS_ORIGINS=a", "a" },
		{ "BARE\n=", NULL },
		{ "un.known-1=x\n9=y\nCORS_ORIGINS=a", "a" },
		{ "SWITCHBOARD_ENV_FILE=/nowhere\nCORS_ORIGINS=a", "a" },
		{ "CORS_ORIGINS=b\nCORS_ORIGINS=a", "a" },
		{ "CORS_ORIGINS=a\nCORS_ORIGINS", "a" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *wrong;

		set_env("SWITCHBOARD_ENV_FILE", write_file("lines",
		    cases[i].line));
		wrong = sb_settings_read();
		if (cases[i].value == NULL) {
			assert_non_null(wrong);
			continue;
		}
		if (wrong != NULL)
			fail_msg("%s: %s", cases[i].line, wrong);
		assert_string_equal(sb_settings.cors_origins, cases[i].value);
	}
}

static void
test_file_errors(void **unused)
{
	static const struct {
		const char	*text, *complaint;
	} cases[] = {
		{ "=a", "line 1: not of the form NAME=value" },
		{ "A=1\nexport =a", "line 2: not of the form NAME=value" },
		{ "A=1\r\n\r\nB C=2\r\n",
		  "line 3: not of the form NAME=value" },
		{ "\n\"A\"=1", "line 2: not of the form NAME=value" },
		{ "A: 1", "line 1: not of the form NAME=value" },
		{ "A\n=1", "line 2: not of the form NAME=value" },
		{ "SECRET_KEY=\"" KEY "\nB=2\n\n",
		  "line 1: a quotation mark has no partner" },
		{ "A='\\'", "line 1: a quotation mark has no partner" },
		{ "\nA=\"b\\", "line 2: a quotation mark has no partner" },
		{ "A='b'c", "line 1: something follows the value" },
		{ "A='b\nb' \"" KEY "\"",
		  "line 2: something follows the value" },
	};
	char expected[512];

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *path = write_file("errors", cases[i].text);

		snprintf(expected, sizeof(expected),
		    "SWITCHBOARD_ENV_FILE: %s: %s", path, cases[i].complaint);
		set_env("SWITCHBOARD_ENV_FILE", path);
		must_complain(expected);
	}
}

static void
test_file_names_itself(void **unused)
{
	char expected[512];
	const char *path = write_file("itself", "WAITERS=x\n");

	(void)unused;
	set_env("SWITCHBOARD_ENV_FILE", path);
	snprintf(expected, sizeof(expected), "WAITERS: \"x\" is not accepted; "
	    "it has to be an integer from 0 to 1024 (processes) (set in %s)",
	    path);
	must_complain(expected);
}

static void
test_file_size(void **unused)
{
	static char text[TEXT_MAX + 1];

	(void)unused;
	memset(text, '\n', sizeof(text));
	memcpy(text, "WAITERS=1\n", 10);
	set_env("SWITCHBOARD_ENV_FILE", write_bytes("size", text, TEXT_MAX));
	must_read();
	assert_int_equal(sb_settings.waiters, 1);
	write_bytes("size", text, TEXT_MAX + 1);
	assert_non_null(strstr(sb_settings_read(), "more than 64 KiB"));
	text[11] = '\0';
	write_bytes("size", text, 100);
	assert_non_null(strstr(sb_settings_read(), "NUL"));
}

static void
test_search(void **unused)
{
	char data[128];

	(void)unused;
	assert_int_equal(mkdir(in_folder("search"), 0700), 0);
	snprintf(data, sizeof(data), "%s", in_folder("search"));
	write_file("search/.env",
	    "WAITERS=1\nSWITCHBOARD_DATA=/elsewhere\n");

	assert_int_equal(unsetenv("SWITCHBOARD_ENV_FILE"), 0);
	set_env("switchboard_data", data);
	must_read();
	assert_int_equal(sb_settings.waiters, 1);
	assert_string_equal(sb_settings.data, data);
	assert_string_equal(sb_settings.env_file, in_folder("search/.env"));

	/* The one that is named comes before it, and alone. */
	set_env("SWITCHBOARD_ENV_FILE", write_file("named", "HASHES=1\n"));
	must_read();
	assert_int_equal(sb_settings.waiters, 64);
	assert_int_equal(sb_settings.hashes, 1);
	assert_int_equal(unsetenv("switchboard_data"), 0);

	/* A file can name the data directory. */
	write_file("named", "SWITCHBOARD_DATA=/elsewhere\n");
	must_read();
	assert_string_equal(sb_settings.data, "/elsewhere");
}

static void
test_home(void **unused)
{
	char home[128];

	(void)unused;
	assert_int_equal(unsetenv("SWITCHBOARD_ENV_FILE"), 0);
	snprintf(home, sizeof(home), "%s", in_folder("home"));
	assert_int_equal(mkdir(home, 0700), 0);
	set_env("SWITCHBOARD_HOME", home);
	must_read();
	assert_string_equal(sb_settings.home, home);
	assert_string_equal(sb_settings.data, in_folder("home/data"));
	assert_null(sb_settings.env_file);

	assert_int_equal(mkdir(in_folder("home/etc"), 0700), 0);
	write_file("home/etc/switchboard.env", "WAITERS=1\n");
	must_read();
	assert_int_equal(sb_settings.waiters, 1);
	assert_string_equal(sb_settings.data, in_folder("home/data"));

	/* Whatever names a directory wins. */
	write_file("home/etc/switchboard.env", "SWITCHBOARD_DATA=/elsewhere\n"
	    "SWITCHBOARD_HOME=/nowhere\n");
	must_read();
	assert_string_equal(sb_settings.data, "/elsewhere");
	assert_string_equal(sb_settings.home, home);
	set_env("SWITCHBOARD_DATA", "/mine");
	must_read();
	assert_string_equal(sb_settings.data, "/mine");

	fresh(NULL);
	set_env("SWITCHBOARD_HOME", "here");
	assert_non_null(strstr(sb_settings_read(), "an absolute path"));
	assert_null(sb_settings.home);
}

static void
must_ignore(const char *text, const char *expected)
{
	char all[256] = "";
	size_t n = 0;

	set_env("SWITCHBOARD_ENV_FILE", write_file("ignored", text));
	must_read();
	for (const struct sb_ignored *it = sb_setting_ignored; it != NULL;
	    it = it->next) {
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s;",
		    it->line);
		assert_true(n < sizeof(all));
	}
	assert_string_equal(all, expected);
	assert_int_equal(lines, 0);
}

static void
test_ignored(void **unused)
{
	(void)unused;
	must_ignore("", "");
	must_ignore("WAITERS=1\nwaiters=2\nHASHES=\n", "");
	must_ignore("WAITRES=1\nexport postgres_url='x'\nWAITERS=3\n",
	    "WAITRES;postgres_url;");
	assert_int_equal(sb_settings.waiters, 3);
	must_ignore("BARE\nexport BARE2 # x\nB=\"\"\n", "BARE;BARE2;B;");
	must_ignore("WAITERS=3\nwaiters\n", "WAITERS without =;");
	assert_int_equal(sb_settings.waiters, 3);
	/* It is a setting, but of the environment only. */
	must_ignore("SWITCHBOARD_ENV_FILE=/x\n", "SWITCHBOARD_ENV_FILE;");
	/* The environment is full of names of others. */
	set_env("SB_OF_SOMEBODY_ELSE", "1");
	must_ignore("", "");
	assert_int_equal(unsetenv("SB_OF_SOMEBODY_ELSE"), 0);
}

static void
test_unreadable(void **unused)
{
	char expected[512];

	(void)unused;
	snprintf(expected, sizeof(expected),
	    "SWITCHBOARD_ENV_FILE: %s: No such file or directory",
	    in_folder("none"));
	set_env("SWITCHBOARD_ENV_FILE", in_folder("none"));
	must_complain(expected);

	/* What is there and can't be read is no file that isn't there. */
	assert_int_equal(unsetenv("SWITCHBOARD_ENV_FILE"), 0);
	assert_int_equal(mkdir(in_folder("odd"), 0700), 0);
	assert_int_equal(mkdir(in_folder("odd/.env"), 0700), 0);
	set_env("SWITCHBOARD_DATA", in_folder("odd"));
	snprintf(expected, sizeof(expected), "%s: Is a directory",
	    in_folder("odd/.env"));
	must_complain(expected);
}

/* ---------------------------------------------------------------- the lists */

static const char *
printed(enum sb_format format)
{
	static char text[64 * 1024];
	char path[128];
	int saved = dup(STDOUT_FILENO);
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s", in_folder("list"));
	fflush(stdout);
	assert_non_null(freopen(path, "w", stdout));
	sb_settings_print(format);
	fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	close(saved);
	assert_non_null(f = fopen(path, "r"));
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

static void
test_lists_have_all(void **unused)
{
	char name[64];

	(void)unused;
	must_read();
	for (int format = SB_AS_TEXT; format <= SB_AS_JSON; format++) {
		const char *list = printed((enum sb_format)format);

		for (size_t i = 0; i < sb_setting_count; i++) {
			snprintf(name, sizeof(name), format == SB_AS_TEXT ?
			    "\n%s " : format == SB_AS_JSON ?
			    "\"name\":\"%s\"" : "\n| `%s` |",
			    sb_setting_table[i].name);
			if (strstr(list, name) == NULL)
				fail_msg("%s is not listed: %s", name, list);
		}
	}
}

static void
test_lists_have_no_secret(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sb_setting_count; i++)
		if (sb_setting_table[i].type == SECRET)
			set_env(sb_setting_table[i].name, KEY);
	must_read();
	for (int format = SB_AS_TEXT; format <= SB_AS_JSON; format++)
		assert_null(strstr(printed((enum sb_format)format), KEY));
	assert_non_null(strstr(printed(SB_AS_TEXT), "\nOPENAI_API_KEY"
	    "                (set)                 environment"));
}

static void
test_list_for_people(void **unused)
{
	const char *list;

	(void)unused;
	set_env("LOG_FILE", "/a\nb\x1b[0m");
	must_read();
	list = printed(SB_AS_TEXT);
	assert_ptr_equal(strstr(list, "Settings file: /dev/null\n\n"), list);
	assert_non_null(strstr(list, "\nACCESS_TOKEN_EXPIRE_MINUTES   "
	    "25 minutes            default      How long"));
	assert_non_null(strstr(list, "\nLOG_FILE                      "
	    "/a\\x0ab\\x1b[0m        environment  Where"));
	assert_non_null(strstr(list, "\nSECRET_KEY                    "
	    "(not set)             default      "));
}

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static void
test_list_ends_with_notes(void **unused)
{
	char expected[512];
	const char *path = write_file("notes", "A=1\nB\nWAITERS=2\n");

	(void)unused;
	must_read();
	assert_true(ends_with(printed(SB_AS_TEXT), "read in any case.\n"));
	set_env("SWITCHBOARD_ENV_FILE", path);
	set_env("SECRET_KEY", "changeme");
	must_read();
	snprintf(expected, sizeof(expected), "read in any case.\nSECRET_KEY "
	    "counts as not set: it is shorter than 32 bytes, and would stop "
	    "the start in production\nNot known, and ignored: A, B (in %s)\n",
	    path);
	assert_true(ends_with(printed(SB_AS_TEXT), expected));
}

/* Backquotes are Markdown's, but a value may have them. */
static void
test_backquotes(void **unused)
{
	(void)unused;
	must_read();
	assert_null(strchr(printed(SB_AS_TEXT), '`'));
	assert_null(strchr(printed(SB_AS_JSON), '`'));
	assert_non_null(strstr(printed(SB_AS_MARKDOWN), "maybe `.env`."));
	set_env("LOG_FILE", "/a`b");
	must_read();
	assert_non_null(strstr(printed(SB_AS_TEXT), " /a`b "));
}

static void
test_markdown_is_the_same(void **unused)
{
	char before[64 * 1024];

	(void)unused;
	must_read();
	snprintf(before, sizeof(before), "%s", printed(SB_AS_MARKDOWN));
	assert_non_null(strstr(before, "| `ACCESS_TOKEN_EXPIRE_MINUTES` | "
	    "`25` | an integer from 1 to 1440 (minutes) | How long an access "
	    "token is good for. |\n"));
	assert_non_null(strstr(before,
	    "| `HASHES` | the number of cores | "));
	assert_null(strstr(before, SB_LOCALSTATEDIR "/lib"));
	set_env("ACCESS_TOKEN_EXPIRE_MINUTES", "30");
	set_env("HASHES", "3");
	set_env("SWITCHBOARD_DATA", "/data");
	set_env("GMAIL_CLIENT_ID", "x");
	must_read();
	assert_string_equal(printed(SB_AS_MARKDOWN), before);
}

static struct json_object *
member(struct json_object *list, const char *name, const char *what)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *row = json_object_array_get_idx(list, i);
		struct json_object *it = json_object_object_get(row, "name");

		if (strcmp(json_object_get_string(it), name) == 0)
			return json_object_object_get(row, what);
	}
	fail_msg("%s is not in the list", name);
	return NULL;
}

static void
test_json(void **unused)
{
	struct json_object *all, *list;

	(void)unused;
	set_env("SWITCHBOARD_ENV_FILE", write_file("json", "A=1\nB=2\n"));
	set_env("SECRET_KEY", "changeme");
	set_env("WAITERS", "7");
	set_env("DEBUG", "yes");
	set_env("LOG_FILE", "/\xff");
	must_read();
	all = json_tokener_parse(printed(SB_AS_JSON));
	assert_non_null(all);
	list = json_object_object_get(all, "settings");
	assert_int_equal(json_object_array_length(list), sb_setting_count);
	assert_string_equal(json_object_get_string(
	    json_object_object_get(all, "file")), in_folder("json"));
	assert_string_equal(json_object_get_string(
	    json_object_object_get(all, "ignored")), "[ \"A\", \"B\" ]");
	assert_int_equal(json_object_array_length(
	    json_object_object_get(all, "warnings")), 1);
	assert_true(json_object_is_type(member(list, "WAITERS", "value"),
	    json_type_int));
	assert_int_equal(json_object_get_int(
	    member(list, "WAITERS", "value")), 7);
	assert_string_equal(json_object_get_string(
	    member(list, "WAITERS", "from")), "environment");
	assert_true(json_object_is_type(member(list, "DEBUG", "value"),
	    json_type_boolean));
	assert_string_equal(json_object_get_string(
	    member(list, "LOG_LEVEL", "value")), "debug");
	assert_string_equal(json_object_get_string(
	    member(list, "LOG_FILE", "value")), "/\xef\xbf\xbd");
	assert_null(member(list, "SECRET_KEY", "value"));
	assert_string_equal(json_object_get_string(
	    member(list, "OPENAI_API_KEY", "used")), "later");
	assert_string_equal(json_object_get_string(
	    member(list, "PORT", "used")), "quickstart");
	json_object_put(all);
}

/* ------------------------------------------------------------------------ */

static int
make_folder(void **unused)
{
	(void)unused;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
remove_folder(void **unused)
{
	static const char *const names[] = {
		"case", "wins", "empty", "lines", "errors", "itself", "size",
		"search/.env", "search", "named", "odd/.env", "odd", "list",
		"ignored", "notes", "json",
		"home/etc/switchboard.env", "home/etc", "home",
		"",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(names); i++)
		remove(in_folder(names[i]));
	return 0;
}

#define TEST(f)	cmocka_unit_test_setup(f, fresh)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_defaults),
		TEST(test_names),
		TEST(test_names_of_headers),
		TEST(test_members),
		TEST(test_defaults_are_accepted),
		TEST(test_ranges),
		TEST(test_members_are_set),
		TEST(test_accepted),
		TEST(test_refused),
		TEST(test_refused_is_default),
		TEST(test_booleans),
		TEST(test_debug),
		TEST(test_complaint_is_one_line),
		TEST(test_poor_keys),
		TEST(test_metrics_token),
		TEST(test_load_logs_nothing),
		TEST(test_good_keys),
		TEST(test_no_key_in_production),
		TEST(test_scrypt_memory),
		TEST(test_scrypt_weak),
		TEST(test_cors),
		TEST(test_case),
		TEST(test_similar_names),
		TEST(test_environment_wins),
		TEST(test_empty),
		TEST(test_empty_in_file),
		TEST(test_again),
		TEST(test_copies),
		TEST(test_file_lines),
		TEST(test_file_errors),
		TEST(test_file_names_itself),
		TEST(test_file_size),
		TEST(test_search),
		TEST(test_home),
		TEST(test_ignored),
		TEST(test_unreadable),
		TEST(test_lists_have_all),
		TEST(test_lists_have_no_secret),
		TEST(test_list_for_people),
		TEST(test_list_ends_with_notes),
		TEST(test_backquotes),
		TEST(test_markdown_is_the_same),
		TEST(test_json),
	};

	return cmocka_run_group_tests_name("settings", tests, make_folder,
	    remove_folder);
}
