/*
 * Requests over HTTP, by libcurl: what a browser or a client would get, and why
 * it gets nothing.
 */
#include <string.h>
#include <unistd.h>
#include <curl/curl.h>

#include "fetch.h"

#define BODY_MAX	((size_t)64 * 1024)
#define FIELDS_MAX	((size_t)16 * 1024)
#define CONNECT_SECONDS	10L
#define SECONDS		20L

/* What comes in, into room that is there already. */
struct intake {
	char		*fields, *body;
	size_t		 fields_length, body_length;
	int64_t		 first, last;
};

static size_t
take_field(char *bytes, size_t size, size_t n, void *arg)
{
	struct intake *in = arg;

	(void)size;
	/* Of a 100 Continue and what follows, the last one counts. */
	if (n > 5 && memcmp(bytes, "HTTP/", 5) == 0)
		in->fields_length = 0;
	else if (n <= FIELDS_MAX - in->fields_length) {
		memcpy(in->fields + in->fields_length, bytes, n);
		in->fields_length += n;
	}
	in->fields[in->fields_length] = '\0';
	return n;
}

/* A body that is too long is cut: libcurl then gives up. */
static size_t
take_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct intake *in = arg;
	size_t taken = n;

	(void)size;
	in->last = sb_monotonic();
	if (in->first == 0)
		in->first = in->last;
	if (taken > BODY_MAX - in->body_length)
		taken = BODY_MAX - in->body_length;
	memcpy(in->body + in->body_length, bytes, taken);
	in->body_length += taken;
	return taken;
}

static enum cmd_failure
failure_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return CMD_ANSWERED;
	case CURLE_COULDNT_RESOLVE_HOST:
		return CMD_NO_NAME;
	case CURLE_COULDNT_CONNECT:
		return CMD_NO_SERVER;
	case CURLE_OPERATION_TIMEDOUT:
		return CMD_NO_TIME;
	case CURLE_PEER_FAILED_VERIFICATION:
		return CMD_NO_TRUST;
	case CURLE_SSL_CONNECT_ERROR:
		return CMD_NO_TLS;
	default:
		return CMD_NO_ANSWER;
	}
}

/* A signal to stop ends a request, too. */
static int
watch(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)arg;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return cmd_stopped();
}

/* One handle, so that connections are used again. */
static CURL *
handle(void)
{
	static CURL *curl;

	if (curl == NULL && (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 ||
	    (curl = curl_easy_init()) == NULL))
		sb_fatal("libcurl: cannot begin");
	curl_easy_reset(curl);
	return curl;
}

/*
 * Where systems keep that differs, and a libcurl that was brought along looks
 * where its own had it.
 */
const char *
cmd_fetch_trusted(void)
{
	static const char *const files[] = {
		"/etc/ssl/certs/ca-certificates.crt",	/* Debian */
		"/etc/pki/tls/certs/ca-bundle.crt",	/* Red Hat */
		"/etc/ssl/ca-bundle.pem",		/* SUSE */
		"/etc/ssl/cert.pem",			/* Alpine */
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (access(files[i], R_OK) == 0)
			return files[i];
	return NULL;
}

static CURLcode
perform(CURL *curl, struct intake *in, const char *url,
    const char *const *fields, char *why)
{
	const char *trusted = cmd_fetch_trusted();
	struct curl_slist *list = NULL;
	CURLcode code;

	for (; fields != NULL && *fields != NULL; fields++)
		list = curl_slist_append(list, *fields);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(curl, CURLOPT_USERAGENT,
	    "switchboard-check/" PACKAGE_VERSION);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	if (trusted != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, trusted);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, SECONDS);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_field);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, in);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, in);
	code = curl_easy_perform(curl);
	curl_slist_free_all(list);
	return code;
}

struct cmd_answer *
cmd_fetch(struct sb_pool *pool, const char *url, const char *const *fields)
{
	struct cmd_answer *answer = sb_alloc(pool, sizeof(*answer));
	struct intake in = { .fields = sb_alloc(pool, FIELDS_MAX + 1),
	    .body = sb_alloc(pool, BODY_MAX + 1) };
	char why[CURL_ERROR_SIZE] = "";
	CURL *curl = handle();
	CURLcode code = perform(curl, &in, url, fields, why);
	long status = 0;
	char *address = NULL;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_LOCAL_IP, &address);
	if (code == CURLE_WRITE_ERROR && in.body_length == BODY_MAX)
		code = CURLE_OK;
	*answer = (struct cmd_answer){ .failure = failure_of(code),
	    .status = (int)status, .fields = in.fields, .body = in.body,
	    .length = in.body_length, .first = in.first, .last = in.last };
	answer->why = sb_printf(pool, "%s", *why == '\0' ?
	    curl_easy_strerror(code) : why);
	if (address != NULL && *address != '\0')
		answer->own_address = sb_printf(pool, "%s", address);
	return answer;
}

const char *
cmd_answer_field(struct sb_pool *pool, const struct cmd_answer *answer,
    const char *name)
{
	const char *line = answer->fields;
	const size_t n = strlen(name);

	for (; *line != '\0'; line += strcspn(line, "\n"), line += *line != 0)
		if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
			line += n + 1;
			line += strspn(line, " \t");
			return sb_copy(pool, line, strcspn(line, "\r\n"));
		}
	return NULL;
}

int64_t
cmd_answer_time(struct sb_pool *pool, const struct cmd_answer *answer,
    const char *name)
{
	const char *value = cmd_answer_field(pool, answer, name);
	time_t at = value == NULL ? -1 : curl_getdate(value, NULL);

	return at < 0 ? 0 : (int64_t)at * SB_SECOND;
}
