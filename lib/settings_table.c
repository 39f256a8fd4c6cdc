/*
 * The one table of the settings, and what they accept.  settings.c reads them
 * by it, settings_print.c prints it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "settings.h"

#define AT(m)		.at = offsetof(struct sb_settings, m)
#define RANGE(a, b)	.min = (a), .max = (b)

static bool fits_path(const char *);
static bool fits_log_file(const char *);
static bool fits_power(const char *);
static bool fits_root_path(const char *);
static bool fits_host(const char *);
static bool fits_token(const char *);

static const char *const environments[] = {
	"development", "staging", "production", NULL
};
static const char *const algorithms[] = { "HS256", NULL };
static const char *const levels[] = {
	"debug", "info", "warning", "error", NULL
};
static const char *const formats[] = { "text", "json", NULL };

const struct sb_setting sb_setting_table[] = {
	{ "ENVIRONMENT", CHOICE, PROGRAMS, "development",
	  "What the installation is for; production insists on sound secrets.",
	  AT(environment), .choices = environments },
	{ "DEBUG", BOOLEAN, PROGRAMS, "false",
	  "Raises LOG_LEVEL to debug, and does nothing else.", AT(debug) },
	{ "SWITCHBOARD_ENV_FILE", TEXT, SEARCH, NULL,
	  "The settings file; looked for in the environment alone.",
	  .accepted = "the path of a file that can be read" },
	{ "SWITCHBOARD_HOME", TEXT, SEARCH, NULL,
	  "The folder that all of an installation is in: `etc`, `share` and "
	  "`data` are in it; looked for in the environment alone.",
	  .fits = fits_path, .accepted = "an absolute path" },
	{ "SWITCHBOARD_DATA", TEXT, PROGRAMS,
	  SB_LOCALSTATEDIR "/lib/switchboard",
	  "The data directory: the database, the keys, and maybe `.env`.",
	  AT(data), .fits = fits_path, .accepted = "an absolute path",
	  .computed = "`data` in SWITCHBOARD_HOME, else `lib/switchboard` in "
	  "the configured localstatedir" },
	{ "SECRET_KEY", SECRET, PROGRAMS, NULL,
	  "Signs the tokens; without it a key made in the data directory does.",
	  AT(secret_key),
	  .accepted = "at least 32 bytes that are no placeholder" },
	{ "ALGORITHM", CHOICE, PROGRAMS, "HS256", "How the tokens are signed.",
	  AT(algorithm), .choices = algorithms },
	{ "ACCESS_TOKEN_EXPIRE_MINUTES", INTEGER, PROGRAMS, "25",
	  "How long an access token is good for.",
	  AT(access_token_expire_minutes), RANGE(1, 1440), .unit = "minutes" },
	{ "REFRESH_TOKEN_EXPIRE_DAYS", INTEGER, PROGRAMS, "7",
	  "How long a refresh token is good for.",
	  AT(refresh_token_expire_days), RANGE(1, 365), .unit = "days" },
	{ "SCRYPT_N", INTEGER, PROGRAMS, "16384",
	  "The cost of a password hash in time and memory (RFC 7914).",
	  AT(scrypt_n), RANGE(1024, 1048576), .fits = fits_power,
	  .accepted = "a power of two from 1024 to 1048576" },
	{ "SCRYPT_R", INTEGER, PROGRAMS, "8",
	  "The block size of a password hash; a hash takes 128 * N * r bytes, "
	  "at most 256 MiB.", AT(scrypt_r), RANGE(1, 32) },
	{ "SCRYPT_P", INTEGER, PROGRAMS, "5",
	  "How often a password hash repeats its work.",
	  AT(scrypt_p), RANGE(1, 16) },
	{ "HASHES", INTEGER, PROGRAMS, NULL,
	  "How many passwords are hashed at once, over all processes.",
	  AT(hashes), RANGE(1, 1024), .computed = "the number of cores" },
	{ "CORS_ORIGINS", TEXT, PROGRAMS,
	  "http://localhost:5173,http://localhost:3000,"
	  "http://127.0.0.1:5173,http://127.0.0.1:3000",
	  "The origins whose pages may call.", AT(cors_origins),
	  .accepted = "origins, separated by commas; or `*` where "
	  "CORS_CREDENTIALS is false" },
	{ "CORS_CREDENTIALS", BOOLEAN, PROGRAMS, "true",
	  "Whether those pages may send credentials.", AT(cors_credentials) },
	{ "ROOT_PATH", TEXT, PROGRAMS, "",
	  "The prefix that the programs are mounted under, where `PATH_INFO` "
	  "does not show it.", AT(root_path), .fits = fits_root_path,
	  .accepted = "nothing, or a path like `/switchboard`, of letters, "
	  "digits and `-._~`" },
	{ "LOG_LEVEL", CHOICE, PROGRAMS, "info", "The least that is logged.",
	  AT(log_level), .choices = levels },
	{ "LOG_FILE", TEXT, PROGRAMS, "",
	  "Where the log goes besides standard error.", AT(log_file),
	  .fits = fits_log_file,
	  .accepted = "nothing, `syslog`, or an absolute path" },
	{ "LOG_FORMAT", CHOICE, PROGRAMS, "text",
	  "How a line of the log looks.", AT(log_format), .choices = formats },
	{ "WORKERS", INTEGER, PROGRAMS, NULL,
	  "Processes of a program under FastCGI; not set: one, without forks.",
	  AT(workers), RANGE(1, 1024), .unit = "processes" },
	{ "WAITERS", INTEGER, PROGRAMS, "64",
	  "How many more of them may be made while some wait.",
	  AT(waiters), RANGE(0, 1024), .unit = "processes" },
	{ "CONFINE", BOOLEAN, PROGRAMS, "true",
	  "Whether processes give up what they don't need, where the kernel "
	  "lets them: files outside of the data directory, the network, other "
	  "programs. False is not taken from a `.env` in the data directory.",
	  AT(confine) },
	{ "HOST", TEXT, QUICKSTART, "127.0.0.1", "The address to listen at.",
	  .fits = fits_host, .accepted = "an address or the name of a host" },
	{ "PORT", INTEGER, QUICKSTART, "8000", "The port to listen at.",
	  RANGE(1, 65535) },
	{ "RATE_LIMIT_PER_USER", INTEGER, PROGRAMS, "30",
	  "Requests of a user in a window; 0: any number.",
	  AT(rate_limit_per_user),
	  RANGE(0, SB_LIMIT_MAX), .unit = "requests" },
	{ "RATE_LIMIT_PER_SESSION", INTEGER, PROGRAMS, "10",
	  "Messages into a chat session in a window; 0: any number.",
	  AT(rate_limit_per_session),
	  RANGE(0, SB_LIMIT_MAX), .unit = "requests" },
	{ "RATE_LIMIT_PER_CHANNEL", INTEGER, PROGRAMS, "20",
	  "Messages of a user over a channel in a window; 0: any number.",
	  AT(rate_limit_per_channel),
	  RANGE(0, SB_LIMIT_MAX), .unit = "requests" },
	{ "RATE_LIMIT_PER_ADDRESS", INTEGER, PROGRAMS, "20",
	  "Unauthenticated requests of an address in a window; 0: any number.",
	  AT(rate_limit_per_address),
	  RANGE(0, SB_LIMIT_MAX), .unit = "requests" },
	{ "RATE_LIMIT_WINDOW_SECONDS", INTEGER, PROGRAMS, "60",
	  "The window of these limits.",
	  AT(rate_limit_window_seconds), RANGE(1, 3600), .unit = "seconds" },
	{ "MAX_CONCURRENT_SESSIONS", INTEGER, PROGRAMS, "3",
	  "Chat sessions of a user that haven't ended.",
	  AT(max_concurrent_sessions), RANGE(1, 1000), .unit = "sessions" },
	{ "SESSION_TIMEOUT_HOURS", INTEGER, PROGRAMS, "24",
	  "Without anything done in it a chat session ends after so long.",
	  AT(session_timeout_hours), RANGE(1, 8760), .unit = "hours" },
	{ "FEEDBACK_TIMEOUT_HOURS", INTEGER, PROGRAMS, "48",
	  "For so long a feedback request waits, unless it is asked for less.",
	  AT(feedback_timeout_hours), RANGE(1, 8760), .unit = "hours" },
	{ "LOGIN_FAILURES_PER_ACCOUNT", INTEGER, PROGRAMS, "10",
	  "Wrong passwords for an account in 15 minutes; 0: any number.",
	  AT(login_failures_per_account),
	  RANGE(0, SB_LIMIT_MAX), .unit = "passwords" },
	{ "TRUSTED_PROXIES", TEXT, PROGRAMS, NULL,
	  "The proxies whose `X-Forwarded-For` is believed.",
	  AT(trusted_proxies), .fits = sb_is_networks,
	  .accepted = "addresses or CIDR blocks, separated by commas" },
	{ "METRICS_TOKEN", SECRET, PROGRAMS, NULL,
	  "Turns `GET /metrics` on, for whoever bears it.", AT(metrics_token),
	  .fits = fits_token, .accepted = "at least 16 letters, digits and "
	  "`-._~+/=` that are no placeholder" },
	{ "WEBHOOK_PRIVATE", BOOLEAN, PROGRAMS, "false",
	  "Whether webhooks may lead to this machine and to private networks.",
	  AT(webhook_private) },
	{ "WEBHOOK_CA_FILE", TEXT, PROGRAMS, NULL,
	  "Authorities, as PEM, whose certificates webhooks trust besides the "
	  "system's.", AT(webhook_ca_file), .fits = fits_path,
	  .accepted = "an absolute path" },
	{ "GMAIL_CLIENT_ID", TEXT, LATER, NULL,
	  "The OAuth 2 client at Google.", .accepted = "any text" },
	{ "GMAIL_CLIENT_SECRET", SECRET, LATER, NULL,
	  "That client's secret.", .accepted = "any text" },
	{ "GMAIL_REDIRECT_URI", TEXT, LATER, NULL,
	  "Where Google sends the user back to.", .accepted = "any text" },
	{ "SLACK_CLIENT_ID", TEXT, LATER, NULL,
	  "The OAuth 2 client at Slack.", .accepted = "any text" },
	{ "SLACK_CLIENT_SECRET", SECRET, LATER, NULL,
	  "That client's secret.", .accepted = "any text" },
	{ "SLACK_SIGNING_SECRET", SECRET, LATER, NULL,
	  "What Slack signs its requests with.", .accepted = "any text" },
	{ "SLACK_REDIRECT_URI", TEXT, LATER, NULL,
	  "Where Slack sends the user back to.", .accepted = "any text" },
	{ "OPENAI_API_KEY", SECRET, LATER, NULL,
	  "The agent's key at its provider.", .accepted = "any text" },
};
#define SETTINGS (sizeof(sb_setting_table) / sizeof(sb_setting_table[0]))
const size_t sb_setting_count = SETTINGS;


struct sb_found sb_setting_found[SETTINGS];

static bool
fits_path(const char *text)
{
	return text[0] == '/';
}

static bool
fits_log_file(const char *text)
{
	return text[0] == '/' || strcmp(text, "syslog") == 0;
}

static bool
fits_power(const char *text)
{
	long long n = strtoll(text, NULL, 10);

	return n > 0 && (n & (n - 1)) == 0;
}

#define ALPHA_DIGIT "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
	"0123456789"

/* Segments of what RFC 3986 section 2.3 calls unreserved. */
static bool
fits_root_path(const char *text)
{
	size_t n;

	for (; *text != '\0'; text += n) {
		if (*text++ != '/')
			return false;
		n = strspn(text, ALPHA_DIGIT "-._~");
		if (n == 0 || (n <= 2 && strspn(text, ".") == n))
			return false;
	}
	return true;
}

static bool
fits_host(const char *text)
{
	return text[strspn(text, ALPHA_DIGIT "-._:")] == '\0';
}

/* What RFC 6750 section 2.1 lets be sent. */
static bool
fits_token(const char *text)
{
	const size_t n = strspn(text, ALPHA_DIGIT "-._~+/");

	return n >= 16 && text[n + strspn(text + n, "=")] == '\0';
}

/* No blanks, no rest, no overflow: what strtoll lets pass is a mistake here. */
static bool
read_integer(const char *text, int64_t *number)
{
	const char *digits = text + (*text == '-' || *text == '+');

	if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return false;
	errno = 0;
	*number = strtoll(text, NULL, 10);
	return errno == 0;
}

static bool
read_boolean(const char *text, int64_t *number)
{
	static const char *const words[][2] = {
		{ "false", "true" }, { "0", "1" }, { "no", "yes" },
		{ "off", "on" }, { "f", "t" }, { "n", "y" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (*number = 0; *number < 2; ++*number)
			if (strcasecmp(text, words[i][*number]) == 0)
				return true;
	return false;
}

bool
sb_setting_convert(struct sb_pool *pool, const struct sb_setting *s,
    const char *text, struct sb_found *f)
{
	f->text = text;
	switch (s->type) {
	case INTEGER:
		if (!read_integer(text, &f->number) || f->number < s->min ||
		    f->number > s->max)
			return false;
		f->text = sb_printf(pool, "%lld", (long long)f->number);
		break;
	case BOOLEAN:
		if (!read_boolean(text, &f->number))
			return false;
		f->text = f->number != 0 ? "true" : "false";
		break;
	case CHOICE:
		for (int i = 0; s->choices[i] != NULL; i++)
			if (strcmp(text, s->choices[i]) == 0)
				return true;
		return false;
	default:
		break;
	}
	return s->fits == NULL || s->fits(text);
}

/* Whether the bytes are a few that come again and again. */
static bool
repeats(const char *key, size_t length)
{
	for (size_t period = 1; period <= 16 && period < length; period++)
		if (memcmp(key, key + period, length - period) == 0)
			return true;
	return false;
}

/* None of these can be expected in 32 random bytes, however written. */
bool
sb_setting_is_placeholder(struct sb_pool *pool, const char *key)
{
	static const char *const words[] = {
		"changeme", "changethis", "changeit", "changeinproduction",
		"donotuse", "insecure", "insertyour", "mysecretkey",
		"notasecret", "placeholder", "replaceme", "replacethis",
		"replacewith", "secretkeyhere", "supersecret", "topsecret",
		"verysecret", "yourjwtsecret", "yourkey", "yoursecret",
		/* FastAPI's manual has this one to be copied. */
		"09d25e094faa6ca2556c818166b7a956",
	};
	char *plain = sb_alloc(pool, strlen(key) + 1), *end = plain;

	for (const char *c = key; *c != '\0'; c++)
		if (isalnum((unsigned char)*c))
			*end++ = (char)tolower((unsigned char)*c);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(plain, words[i]) != NULL)
			return true;
	return repeats(key, strlen(key));
}
