/*
 * A webhook's request, as the Standard Webhooks specification has it: signed,
 * over https, to whoever is really meant.  Whatever a receiver does, it has no
 * more than its time, and of its answer the status alone counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "fetch.h"
#include "work.h"

#define ANSWER_MAX	((size_t)64 * 1024)	/* bytes that are read */
#define TRUST_MAX	(4 * 1024 * 1024)
#define SECRET		"whsec_"

static struct sb_pool *kept;		/* as long as the process */
static const char *trust;		/* PEM; NULL: as everybody */

/* --------------------------------------------------------------- signature */

static char *
base64(struct sb_pool *pool, const unsigned char *bytes, size_t n)
{
	char *text = sb_alloc(pool, (n + 2) / 3 * 4 + 1);

	EVP_EncodeBlock((unsigned char *)text, bytes, (int)n);
	return text;
}

/* The bytes that a secret stands for; NULL if it is none. */
static unsigned char *
secret_bytes(struct sb_pool *pool, const char *secret, size_t *n)
{
	const char *digits = secret + strlen(SECRET), *end;
	const size_t length = strlen(digits);
	unsigned char *bytes = sb_alloc(pool, length + 1);
	int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)digits,
	    (int)length);

	if (strncmp(secret, SECRET, strlen(SECRET)) != 0 || decoded <= 0)
		return NULL;
	end = strchr(digits, '=');
	*n = (size_t)decoded - (end == NULL ? 0 : strlen(end));
	return bytes;
}

static const char *
signature(const struct work_item *item, long long timestamp)
{
	const char *text = sb_printf(item->pool, "%s.%lld.%s", item->id,
	    timestamp, item->body);
	unsigned char digest[EVP_MAX_MD_SIZE], *key;
	unsigned int length;
	size_t n = 0;

	key = secret_bytes(item->pool, item->secret, &n);
	if (key == NULL || HMAC(EVP_sha256(), key, (int)n,
	    (const unsigned char *)text, strlen(text), digest,
	    &length) == NULL)
		sb_fatal("webhook %s: no HMAC", item->id);
	explicit_bzero(key, n);
	return base64(item->pool, digest, length);
}

/* ------------------------------------------------------------------- trust */

/* A file as a text; NULL, with errno. */
static char *
read_text(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *text = NULL;
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size <= TRUST_MAX) {
		text = sb_alloc(kept, (size_t)st.st_size + 1);
		n = sb_read_all(fd, text, (size_t)st.st_size);
	} else
		errno = EFBIG;
	close(fd);
	return n < 0 ? NULL : text;
}

/* The authorities that everybody trusts, and those of the setting. */
static enum cmd_exit
read_trust(const char *command)
{
	const char *path = sb_settings.webhook_ca_file, *more, *usual;

	if (path == NULL)
		return CMD_OK;
	if ((more = read_text(path)) == NULL ||
	    strstr(more, "-----BEGIN ") == NULL) {
		fprintf(stderr, "switchboard %s: WEBHOOK_CA_FILE: %s: %s\n",
		    command, path, more == NULL ? strerror(errno) :
		    "there is no certificate in it, as PEM");
		return CMD_SETTINGS;
	}
	usual = cmd_fetch_trusted();
	usual = usual == NULL ? NULL : read_text(usual);
	trust = sb_printf(kept, "%s\n%s", usual == NULL ? "" : usual, more);
	return CMD_OK;
}

enum cmd_exit
webhook_begin(const char *command)
{
	if (kept == NULL)
		kept = sb_pool_new();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		sb_fatal("libcurl: cannot begin");
	return read_trust(command);
}

static void
set_trust(CURL *curl)
{
	struct curl_blob blob = { .flags = CURL_BLOB_NOCOPY };
	const char *usual = cmd_fetch_trusted();
	union { const char *from; void *to; } text = { .from = trust };

	if (trust != NULL) {
		blob.data = text.to;
		blob.len = strlen(trust);
		curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
	} else if (usual != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, usual);
}

/* --------------------------------------------------------------- to send it */

/* What comes is counted and thrown away; after that many bytes nobody reads. */
static size_t
take(char *bytes, size_t size, size_t n, void *arg)
{
	struct work_item *item = arg;

	(void)bytes;
	(void)size;
	item->answered += n;
	return item->answered > ANSWER_MAX ? 0 : n;
}

/* A name may stand for another address each time it is asked for. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct work_item *item = arg;

	(void)purpose;
	if (!sb_settings.webhook_private && !cmd_is_outward(&to->addr)) {
		item->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static void
add_field(struct work_item *item, const char *line)
{
	item->fields = curl_slist_append(item->fields, line);
	if (item->fields == NULL)
		sb_fatal("libcurl: no memory");
}

static void
add_fields(struct work_item *item)
{
	const long long now = (long long)(sb_now() / SB_SECOND);

	add_field(item, "Content-Type: " SB_MEDIA_JSON);
	add_field(item, sb_printf(item->pool, "webhook-id: %s", item->id));
	add_field(item, sb_printf(item->pool, "webhook-timestamp: %lld", now));
	add_field(item, sb_printf(item->pool, "webhook-signature: v1,%s",
	    signature(item, now)));
	/* Nobody is asked before. */
	add_field(item, "Expect:");
}

void
webhook_send(struct work *w, struct work_item *item)
{
	CURL *curl = curl_easy_init();
	const long most = (long)(WORK_PATIENCE / 1000);

	if (curl == NULL)
		sb_fatal("libcurl: no memory");
	add_fields(item);
	curl_easy_setopt(curl, CURLOPT_PRIVATE, item);
	curl_easy_setopt(curl, CURLOPT_URL, item->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, most);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, most);
	/* A name server that hangs must not hold up the others. */
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, item);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, item);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, item);
	curl_easy_setopt(curl, CURLOPT_USERAGENT,
	    "switchboard/" PACKAGE_VERSION);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, item->fields);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, item->body);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)strlen(item->body));
	set_trust(curl);
	item->curl = curl;
	item->began = sb_monotonic();
	if (curl_multi_add_handle(w->multi, curl) != CURLM_OK)
		sb_fatal("libcurl: a request can't begin");
}

/* In our own words: libcurl's have the URL in them, which may be a secret. */
static const char *
failure_of(const struct work_item *item, CURLcode code)
{
	switch (code) {
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
		return "the URL is not one of https";
	case CURLE_COULDNT_RESOLVE_HOST:
		return "nobody knows the host";
	case CURLE_COULDNT_CONNECT:
		return item->refused ? "the address is not one of the "
		    "Internet's: WEBHOOK_PRIVATE would allow it" :
		    "nobody listens there";
	case CURLE_OPERATION_TIMEDOUT:
		return "it took longer than 10 seconds";
	case CURLE_PEER_FAILED_VERIFICATION:
		return "its certificate is not good";
	case CURLE_SSL_CONNECT_ERROR:
		return "it does not speak TLS, or none of ours";
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return "the connection broke off";
	default:
		return curl_easy_strerror(code);
	}
}

/* An answer that was too long was cut, and counts as well. */
void
webhook_sent(struct work *w, struct work_item *item, CURLcode code)
{
	const bool cut = code == CURLE_WRITE_ERROR &&
	    item->answered > ANSWER_MAX;
	long status = 0;

	curl_easy_getinfo(item->curl, CURLINFO_RESPONSE_CODE, &status);
	item->failure = NULL;
	if (code != CURLE_OK && !cut)
		item->failure = failure_of(item, code);
	else if (status / 100 != 2)
		item->failure = sb_printf(item->pool, "it answered %ld",
		    status);
	curl_multi_remove_handle(w->multi, item->curl);
	curl_easy_cleanup(item->curl);
	curl_slist_free_all(item->fields);
	item->curl = NULL;
	item->fields = NULL;
}
