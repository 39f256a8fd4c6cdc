/*
 * Agent keys: what programs call with that speak for a user, and the webhooks
 * to which they want decisions sent.  A part of the program auth.  A key, and
 * the secret of its webhook, are shown once, in the answer that makes it.
 */
#include <stdlib.h>
#include <string.h>

#include "auth.h"

#define KEYS_MAX	100
#define TEXT_OF(x)	#x
#define NUMBER(x)	TEXT_OF(x)

#define EXAMPLE_ID	"0199e25a-d3b0-7d6e-8a55-3f1f6ad0c5b2"
#define EXAMPLE_NAME	"deploy-bot"
#define ONLY_SCOPES	"[\"agent\"]"
#define EXAMPLE_URL	"https://agent.example.com/decisions"
#define EXAMPLE_TIME	"2025-10-14T10:53:47.237987Z"

const struct sb_error auth_too_many_keys = { SB_CONFLICT,
    "User cannot have more than " NUMBER(KEYS_MAX) " keys", NULL };

static const char *const scopes[] = { "agent", NULL };

/* ---------------------------------------------------------- a webhook's URL */

#define LETTERS		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS		"0123456789"
#define HEX		DIGITS "abcdefABCDEF"
#define SCHEME		"https://"

#define HOST_MAX	((size_t)253)	/* RFC 1035, as text */
#define LABEL_MAX	((size_t)63)
#define PORT_MAX	65535

static bool
is_label(const char *text, size_t n)
{
	return n > 0 && n <= LABEL_MAX && text[0] != '-' &&
	    text[n - 1] != '-' &&
	    strspn(text, LETTERS DIGITS "-") >= n;
}

/* Labels with dots between them, of which an IPv4 address is a case. */
static bool
is_name(const char *host, size_t n)
{
	const char *end = host + n;
	size_t label;

	if (n > HOST_MAX)
		return false;
	for (;; host += label + 1) {
		label = strcspn(host, ".");
		if (label > (size_t)(end - host))
			label = (size_t)(end - host);
		if (!is_label(host, label))
			return false;
		if (host + label == end)
			return true;
	}
}

/* Whether it is one is for whoever connects to tell; RFC 6874 zones are not. */
static bool
is_bracketed(const char *host, size_t n)
{
	return n > 4 && host[0] == '[' && host[n - 1] == ']' &&
	    strspn(host + 1, HEX ":.") == n - 2 &&
	    memchr(host, ':', n) != NULL;
}

static bool
is_port(const char *text, size_t n)
{
	long port = strtol(text, NULL, 10);

	return n > 0 && n <= 5 && strspn(text, DIGITS) >= n && port > 0 &&
	    port <= PORT_MAX;
}

/* What is wrong with what stands between the scheme and the path, or NULL. */
static const char *
authority_wrong(const char *authority)
{
	size_t n = strcspn(authority, "/?"), host;

	if (memchr(authority, '@', n) != NULL)
		return "must not contain a user name or a password";
	host = authority[0] == '[' ? strcspn(authority, "]") + 1 :
	    strcspn(authority, ":");
	if (host > n)
		host = n;
	if (!is_name(authority, host) && !is_bracketed(authority, host))
		return "must have a host after https://";
	if (host < n && (authority[host] != ':' ||
	    !is_port(authority + host + 1, n - host - 1)))
		return "must have a port from 1 to 65535 after the host's :";
	return NULL;
}

/*
 * An absolute URL of https (RFC 3986 and RFC 9110 section 4.2.2) that every
 * program reads alike: nothing in it that a lenient one would mend.
 */
static const char *
webhook_url_wrong(struct sb_pool *pool, const char *url)
{
	(void)pool;
	if (strspn(url, LETTERS DIGITS "-._~:/?#[]@!$&'()*+,;=%") !=
	    strlen(url))
		return "must only contain characters that a URL can have";
	for (const char *p = url; (p = strchr(p, '%')) != NULL; p++)
		if (strspn(p + 1, HEX) < 2)
			return "must have two hexadecimal digits after each %";
	if (strncmp(url, SCHEME, strlen(SCHEME)) != 0)
		return "must begin with https://";
	if (strchr(url, '#') != NULL)
		return "must not contain a fragment";
	return authority_wrong(url + strlen(SCHEME));
}

/* -------------------------------------------------------------------- make */

enum { NEW_NAME, NEW_SCOPES, NEW_URL };
const struct sb_field auth_key_in[] = {
	[NEW_NAME] = { "name", SB_TEXT, "What its owner knows it by.", 1, 100,
	    .example = EXAMPLE_NAME },
	[NEW_SCOPES] = { "scopes", SB_TEXTS,
	    "What it is for; where it isn't said, [\"agent\"].",
	    .optional = true, .choices = scopes, .fewest = 1, .most = 1,
	    .example = ONLY_SCOPES },
	[NEW_URL] = { "webhook_url", SB_TEXT,
	    "Where decisions are sent to: an absolute https URL without a "
	    "user name, a password or a fragment.", 1, 2000, .optional = true,
	    .example = EXAMPLE_URL, .wrong = webhook_url_wrong },
	SB_END_AS("NewAgentKey")
};

enum { MADE_ID, MADE_NAME, MADE_SCOPES, MADE_KEY, MADE_CREATED, MADE_SECRET };
const struct sb_field auth_key_out[] = {
	[MADE_ID] = { "id", SB_UUID, "The key's id.", .example = EXAMPLE_ID },
	[MADE_NAME] = { "name", SB_TEXT, "What its owner knows it by.",
	    .example = EXAMPLE_NAME },
	[MADE_SCOPES] = { "scopes", SB_TEXTS, "What it is for.",
	    .choices = scopes, .example = ONLY_SCOPES },
	[MADE_KEY] = { "key", SB_SECRET,
	    "The key itself, for the Authorization header field of an "
	    "agent's calls. It is shown this once.",
	    .example = SB_AGENT_KEY
		"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY" },
	[MADE_CREATED] = { "created_at", SB_TIME, "When it was made.",
	    .example = EXAMPLE_TIME },
	[MADE_SECRET] = { "webhook_secret", SB_SECRET,
	    "What is sent to the webhook is signed with this, as Standard "
	    "Webhooks has it. It is shown this once, and only there if "
	    "there is a URL.", .optional = true,
	    .example = "whsec_"
		"ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=" },
	SB_END_AS("CreatedAgentKey")
};

enum sb_status
auth_key_make(struct sb_request *rq, struct sb_response *rs)
{
	const char *id = sb_uuid(rq->pool), *url = sb_text(rq, NEW_URL);
	const char *chosen = sb_has(rq, NEW_SCOPES) ?
	    sb_texts_json(rq, NEW_SCOPES) : ONLY_SCOPES;
	const char *key = sb_agent_key_new(rq->pool);
	const struct sb_error *wrong;
	/* It may have to be waited for, which mustn't be under the lock. */
	const char *secret = url == NULL ? NULL : sb_webhook_secret(rq, id);
	const struct sb_row *row = sb_one(rq->db, SB_Q_AGENT_KEY_ADD,
	    sb_bind("id", id), sb_bind("user", rq->caller.user_id),
	    sb_bind("login", rq->caller.login_id),
	    sb_bind("name", sb_text(rq, NEW_NAME)),
	    sb_bind("scopes", chosen),
	    sb_bind("hash", sb_agent_key_hash(rq->pool, key)),
	    sb_bind("webhook_url", url), sb_bind_int("most", KEYS_MAX));

	if (row == NULL)
		return sb_fail(rs, (wrong = sb_caller_wrong(rq)) != NULL ?
		    wrong : &auth_too_many_keys);
	sb_put_text(rs, MADE_ID, id);
	sb_put_text(rs, MADE_NAME, sb_text(rq, NEW_NAME));
	sb_put_json(rs, MADE_SCOPES, chosen);
	sb_put_text(rs, MADE_KEY, key);
	sb_put_time(rs, MADE_CREATED, sb_row_int(row, "created_at"));
	if (url != NULL) {
		sb_put_text(rs, MADE_SECRET, secret);
		sb_worker_expect();
	}
	return SB_CREATED;
}

/* -------------------------------------------------------------------- list */

enum { KEY_ID, KEY_NAME, KEY_SCOPES, KEY_URL, KEY_CREATED };
static const struct sb_field key_out[] = {
	[KEY_ID] = { "id", SB_UUID, "The key's id.", .example = EXAMPLE_ID },
	[KEY_NAME] = { "name", SB_TEXT, "What its owner knows it by.",
	    .example = EXAMPLE_NAME },
	[KEY_SCOPES] = { "scopes", SB_TEXTS, "What it is for.",
	    .choices = scopes, .example = ONLY_SCOPES },
	[KEY_URL] = { "webhook_url", SB_TEXT,
	    "Where decisions are sent to; null: nowhere.", .optional = true,
	    .example = EXAMPLE_URL },
	[KEY_CREATED] = { "created_at", SB_TIME, "When it was made.",
	    .example = EXAMPLE_TIME },
	SB_END_AS("AgentKey")
};

enum { KEYS_LIST, KEYS_TOTAL };
const struct sb_field auth_keys_out[] = {
	[KEYS_LIST] = { "keys", SB_LIST, "The newest first.",
	    .fields = key_out },
	[KEYS_TOTAL] = { "total", SB_INT, "How many there are.",
	    .example = "1" },
	SB_END_AS("AgentKeyList")
};

enum sb_status
auth_key_list(struct sb_request *rq, struct sb_response *rs)
{
	const struct sb_row *row = sb_all(rq->db, SB_Q_AGENT_KEY_LIST,
	    sb_bind("user", rq->caller.user_id),
	    sb_bind_int("listed", KEYS_MAX));
	int64_t total = row == NULL ? 0 : sb_row_int(row, "total");

	sb_open(rs, KEYS_LIST);
	for (; row != NULL; row = row->next) {
		sb_open_item(rs, NULL);
		sb_put_text(rs, KEY_ID, sb_row_text(row, "id"));
		sb_put_text(rs, KEY_NAME, sb_row_text(row, "name"));
		sb_put_json(rs, KEY_SCOPES, sb_row_text(row, "scopes"));
		sb_put_text(rs, KEY_URL, sb_row_text(row, "webhook_url"));
		sb_put_time(rs, KEY_CREATED, sb_row_int(row, "created_at"));
		sb_close(rs);
	}
	sb_close(rs);
	sb_put_int(rs, KEYS_TOTAL, total);
	return SB_OK;
}

/* ------------------------------------------------------------------ delete */

enum { DELETE_ID };
const struct sb_field auth_key_delete_in[] = {
	[DELETE_ID] = { "id", SB_UUID, "The key's id.", .in = SB_IN_PATH,
	    .example = EXAMPLE_ID },
	SB_END
};

/* What waits to be sent to its webhook goes with it. */
enum sb_status
auth_key_delete(struct sb_request *rq, struct sb_response *rs)
{
	if (sb_run(rq->db, SB_Q_AGENT_KEY_DELETE,
	    sb_bind("id", sb_text(rq, DELETE_ID)),
	    sb_bind("user", rq->caller.user_id)) == 0)
		return sb_fail(rs, &sb_error_not_found);
	return SB_NO_CONTENT;
}
