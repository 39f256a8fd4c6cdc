/*
 * The web server as switchboard check --url finds it: asking it for a path, and
 * what to write into its configuration.
 */
#include <json-c/json.h>
#include <string.h>

#include "findings.h"
#include "fetch.h"

/* Behind the scheme. */
static const char *
host_of(const struct cmd_check *c)
{
	return strchr(c->url, ':') + 3;
}

const char *
cmd_site_path(const struct cmd_check *c)
{
	const char *host = host_of(c);

	return host + strcspn(host, "/");
}

/* What people copy from a browser is often a page of it. */
const char *
cmd_site_root(struct sb_pool *pool, const char *url)
{
	static const char *const pages[] = { "/health", "/docs", "/redoc",
	    "/console", "/openapi.json" };
	const char *host = strstr(url, "://");
	size_t n = strlen(url), least, length;

	host = host == NULL ? url : host + 3;
	least = (size_t)(host - url) + strcspn(host, "/");
	while (n > least && url[n - 1] == '/')
		n--;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		length = strlen(pages[i]);
		if (n >= least + length &&
		    strncmp(url + n - length, pages[i], length) == 0) {
			n -= length;
			break;
		}
	}
	while (n > least && url[n - 1] == '/')
		n--;
	return sb_copy(pool, url, n);
}

bool
cmd_site_is_here(const struct cmd_check *c)
{
	const char *host = host_of(c);
	const size_t n = strcspn(host, ":/");

	return (n == 9 && strncasecmp(host, "localhost", n) == 0) ||
	    (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") ==
	    n) || strncmp(host, "[::1]", 5) == 0;
}

/* -------------------------------------------------------------- asking it */

static const struct {
	const char	*what, *fix;
} failures[] = {
	[CMD_ANSWERED] = { "", "" },
	[CMD_NO_NAME] = { "nobody knows the name of the host",
	    "write the URL right, or give the name an A or AAAA record" },
	[CMD_NO_SERVER] = { "nothing listens there",
	    "start the web server, and let the firewall pass its port" },
	[CMD_NO_TIME] = { "it takes too long",
	    "see whether the programs run, and what the web server's log "
	    "says" },
	[CMD_NO_TRUST] = { "its certificate is not good",
	    "renew it (certbot renew), for this very name, and let the web "
	    "server send the whole chain (fullchain.pem)" },
	[CMD_NO_TLS] = { "TLS can't be agreed on there",
	    "turn TLS on in the web server for this port, 1.2 at least" },
	[CMD_NO_ANSWER] = { "what comes is no whole answer",
	    "see what the web server's log says" },
};
_Static_assert(sizeof(failures) / sizeof(failures[0]) == CMD_FAILURES,
    "a failure without a sentence");

struct cmd_answer *
cmd_site_fetch(struct cmd_check *c, const char *url, const char *const *fields)
{
	struct cmd_answer *answer;

	cmd_progress("%s", cmd_visible(c->pool, url));
	answer = cmd_fetch(c->pool, url, fields);
	if (answer->failure != CMD_ANSWERED && c->unanswered++ == 0)
		cmd_is_broken(c, failures[answer->failure].fix, "no answer to "
		    "%s: %s (%s)", url, failures[answer->failure].what,
		    answer->why);
	return answer;
}

struct cmd_answer *
cmd_site_ask(struct cmd_check *c, const char *path, const char *token,
    const char *const *fields)
{
	const char **all;
	size_t n = 0;

	while (fields != NULL && fields[n] != NULL)
		n++;
	all = sb_alloc(c->pool, (n + 2) * sizeof(*all));
	for (size_t i = 0; i < n; i++)
		all[i] = fields[i];
	if (token != NULL)
		all[n++] = sb_printf(c->pool, "Authorization: Bearer %s",
		    token);
	all[n] = NULL;
	return cmd_site_fetch(c, sb_printf(c->pool, "%s%s", c->url, path), all);
}

/* ------------------------------------------------------- what is in answers */

struct json_object *
cmd_site_json(struct cmd_check *c, const struct cmd_answer *answer)
{
	struct json_object *o = NULL;
	size_t offset;

	if (sb_json_parse(answer->body, answer->length, &o, &offset) != NULL)
		return NULL;
	sb_pool_json(c->pool, o);
	return json_object_is_type(o, json_type_object) ? o : NULL;
}

/*
 * Sentences are made harmless when they are printed, but a fix has lines, and
 * nobody else may add one to it.
 */
const char *
cmd_site_text(struct cmd_check *c, struct json_object *o, const char *name)
{
	const char *text = sb_json_text(o, name);

	return text == NULL ? NULL : cmd_visible(c->pool, text);
}

const char *
cmd_site_field(struct cmd_check *c, const struct cmd_answer *answer,
    const char *name)
{
	const char *value = cmd_answer_field(c->pool, answer, name);

	return value == NULL ? NULL : cmd_visible(c->pool, value);
}

/* Without the name of the server, or with another, there is a line for each. */
const char *
cmd_site_lines(struct cmd_check *c, const char *apache, const char *lighttpd,
    const char *nginx)
{
	const char *server = c->site->software != NULL ? c->site->software :
	    cmd_site_field(c, c->site->health, "Server");

	if (server != NULL && strncasecmp(server, "Apache", 6) == 0)
		return apache;
	if (server != NULL && strncasecmp(server, "lighttpd", 8) == 0)
		return lighttpd;
	if (server != NULL && strncasecmp(server, "nginx", 5) == 0)
		return nginx;
	return sb_printf(c->pool, "Apache: %s\nlighttpd: %s\nnginx: %s", apache,
	    lighttpd, nginx);
}
