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

bool
cmd_site_is_here(const struct cmd_check *c)
{
	const char *host = host_of(c);
	const size_t n = strcspn(host, ":/");

	return (n == 9 && strncasecmp(host, "localhost", n) == 0) ||
	    (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") ==
	    n) || strncmp(host, "[::1]", 5) == 0;
}

struct cmd_answer *
cmd_site_ask(struct cmd_check *c, const char *path, const char *token,
    const char *const *fields)
{
	const char *all[4] = { NULL };
	int n = 0;

	cmd_progress("%s%s", c->url, path);
	if (token != NULL)
		all[n++] = sb_printf(c->pool, "Authorization: Bearer %s",
		    token);
	for (; n < 3 && fields != NULL && *fields != NULL; fields++)
		all[n++] = *fields;
	return cmd_fetch(c->pool, sb_printf(c->pool, "%s%s", c->url, path),
	    all);
}

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

const char *
cmd_site_member(struct json_object *o, const char *name)
{
	struct json_object *member;

	return o != NULL && json_object_object_get_ex(o, name, &member) &&
	    json_object_is_type(member, json_type_string) ?
	    json_object_get_string(member) : NULL;
}

/* Without the name of the server, or with another, there is a line for each. */
const char *
cmd_site_lines(struct cmd_check *c, const char *apache, const char *lighttpd,
    const char *nginx)
{
	const char *server = c->site->software != NULL ? c->site->software :
	    cmd_answer_field(c->pool, c->site->health, "Server");

	if (server != NULL && strncasecmp(server, "Apache", 6) == 0)
		return apache;
	if (server != NULL && strncasecmp(server, "lighttpd", 8) == 0)
		return lighttpd;
	if (server != NULL && strncasecmp(server, "nginx", 5) == 0)
		return nginx;
	return sb_printf(c->pool, "Apache: %s\nlighttpd: %s\nnginx: %s", apache,
	    lighttpd, nginx);
}
