/*
 * What switchboard check --url says of the way through the web server: whether
 * it answers, is this installation, passes on what was sent, and knows who
 * asks.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "findings.h"
#include "fetch.h"

/* Of a network for documentation (RFC 5737): nobody's. */
#define MADE_UP		"203.0.113.77"

static bool
is_error(struct cmd_check *c, const struct cmd_answer *answer,
    enum sb_status status, const struct sb_error *error)
{
	const char *detail = sb_json_text(cmd_site_json(c, answer), "detail");

	return answer->status == sb_status_number(status) && detail != NULL &&
	    strcmp(detail, error->detail) == 0;
}

/* -------------------------------------------------------- does it answer? */

/* The argument of --url that a Location leads to. */
static const char *
moved_to(struct cmd_check *c, const char *to)
{
	if (to == NULL)
		return "with the right one";
	if (to[0] == '/' && to[1] != '/')
		to = sb_printf(c->pool, "%s%s", sb_copy(c->pool, c->url,
		    strlen(c->url) - strlen(cmd_site_path(c))), to);
	return cmd_quoted(c->pool, cmd_site_root(c->pool, sb_copy(c->pool, to,
	    strcspn(to, "?#"))));
}

/* What lets the programs know the path: it may be set since they started. */
static const char *
root_path(struct cmd_check *c)
{
	const char *path = cmd_site_path(c);

	if (*path == '\0' || strcmp(sb_settings.root_path, path) != 0)
		return cmd_set_to(c, "ROOT_PATH", path);
	return sb_printf(c->pool, "ROOT_PATH=%s is set, but the programs don't "
	    "know it yet; let them read it:\n"
	    "systemctl reload 'switchboard@*.service'\n"
	    "or kill -HUP the parent of each, or apachectl graceful", path);
}

static void
judge_status(struct cmd_check *c, const struct cmd_answer *health)
{
	const char *to = cmd_site_field(c, health, "Location");

	if (health->status / 100 == 3)
		cmd_is_broken(c, sb_printf(c->pool, "%s check --url %s",
		    cmd_own_call(c->pool), moved_to(c, to)), "%s leads "
		    "elsewhere (%d to %s)", c->url, health->status,
		    to == NULL ? "nowhere" : to);
	else if (is_error(c, health, SB_NOT_FOUND, &sb_error_not_found) &&
	    *cmd_site_path(c) != '\0')
		cmd_is_broken(c, root_path(c), "the programs answer, but don't "
		    "know that they are under %s", cmd_site_path(c));
	else if (sb_json_text(cmd_site_json(c, health), "status") != NULL)
		cmd_is_broken(c, "see what the log of the programs says: they "
		    "run as another user, or with another SWITCHBOARD_DATA",
		    "the programs answer %d: they can't read the database",
		    health->status);
	else if (health->status / 100 == 5)
		cmd_is_broken(c, "see what the web server's log says: most "
		    "often the socket of a program is not there (systemctl "
		    "start switchboard.target), or the web server's user may "
		    "not connect to it;\nelse the programs don't start, their "
		    "settings are not accepted, or the data lies where the web "
		    "server serves files",
		    "%s/health is answered with a %d", c->url,
		    health->status);
	else
		cmd_is_broken(c, "let the web server send every path under "
		    "that URL to the programs", "something else answers at "
		    "%s/health, with a %d", c->url, health->status);
}

void
cmd_check_answer(struct cmd_check *c)
{
	struct cmd_answer *health;
	const char *status;

	if (c->url == NULL)
		return;
	health = cmd_site_ask(c, "/health", NULL, NULL);
	if (health->failure != CMD_ANSWERED)
		return;
	status = sb_json_text(cmd_site_json(c, health), "status");
	if (health->status != sb_status_number(SB_OK) || status == NULL ||
	    strcmp(status, "ok") != 0) {
		judge_status(c, health);
		return;
	}
	c->site = sb_alloc(c->pool, sizeof(*c->site));
	c->site->health = health;
	cmd_is_fine(c, "%s/health says ok", c->url);
}

void
cmd_check_https(struct cmd_check *c)
{
	const bool https = c->url != NULL &&
	    strncasecmp(c->url, "https:", 6) == 0;

	if (c->site == NULL)
		return;
	if (!https && cmd_site_is_here(c))
		cmd_is_fine(c, "http is enough on this machine; ask by the "
		    "public URL, too");
	else if (!https)
		cmd_is_broken(c, "get a certificate (certbot), and serve "
		    "https://", "passwords and tokens go over %s in the clear",
		    c->url);
	else if (cmd_site_field(c, c->site->health,
	    "Strict-Transport-Security") == NULL)
		cmd_is_unwise(c, cmd_site_lines(c, "Header always set "
		    "Strict-Transport-Security \"max-age=31536000\"",
		    "setenv.set-response-header = ( "
		    "\"Strict-Transport-Security\" => \"max-age=31536000\" )",
		    "add_header Strict-Transport-Security \"max-age=31536000\" "
		    "always;"), "nothing tells browsers to come by https "
		    "only");
	else
		cmd_is_fine(c, "https, and browsers are told to stay with it");
}

/* ---------------------------------------------------- is it this one here? */

static void
learn(struct cmd_check *c, struct json_object *o)
{
	struct cmd_site *site = c->site;

	site->version = cmd_site_text(c, o, "version");
	site->environment = cmd_site_text(c, o, "environment");
	site->prefix = cmd_site_text(c, o, "prefix");
	site->client = cmd_site_text(c, o, "client_address");
	site->peer = cmd_site_text(c, o, "peer_address");
	site->forwarded = cmd_site_text(c, o, "forwarded_for");
	site->software = cmd_site_text(c, o, "server_software");
	site->confined_by = cmd_site_text(c, o, "confined_by");
	site->step_known = json_object_get_int64(json_object_object_get(o,
	    "schema_step_known"));
	site->known = site->version != NULL && site->environment != NULL &&
	    site->prefix != NULL;
}

static void
judge_refusal(struct cmd_check *c, const struct cmd_answer *answer)
{
	if (is_error(c, answer, SB_UNAUTHORIZED, &sb_error_unauthenticated))
		cmd_is_broken(c, cmd_site_lines(c, "CGIPassAuth On, in a "
		    "<Directory> or .htaccess; or SetEnvIf Authorization "
		    "\"(.+)\" HTTP_AUTHORIZATION=$1", "let whatever is in "
		    "front of it pass Authorization on", "fastcgi_param "
		    "HTTP_AUTHORIZATION $http_authorization; or "
		    "proxy_set_header Authorization $http_authorization;"),
		    "the web server drops the Authorization header: nobody "
		    "can use a token");
	else if (is_error(c, answer, SB_UNAUTHORIZED, &sb_error_token))
		cmd_is_broken(c, "give the programs and this command the same "
		    "SWITCHBOARD_DATA and SECRET_KEY", "%s is another "
		    "installation than %s: it doesn't take a token of its key",
		    c->url, sb_settings.data);
	else if (is_error(c, answer, SB_NOT_FOUND, &sb_error_not_found))
		cmd_is_broken(c, "send /api/auth to the program auth, of this "
		    "version", "the web server sends /api/auth elsewhere, or "
		    "the programs are older than this command");
	else
		cmd_is_broken(c, "see what the logs of the programs and the "
		    "web server say; send /api/auth to the program auth",
		    "/api/auth/check is answered with a %d (not JSON of ours)",
		    answer->status);
}

void
cmd_check_token(struct cmd_check *c)
{
	static const char *const made_up[] = { "X-Forwarded-For: " MADE_UP,
	    NULL };
	struct cmd_answer *answer;
	struct json_object *o;

	if (c->site == NULL)
		return;
	if ((c->site->token = cmd_check_sign(c)) == NULL) {
		cmd_is_unwise(c, cmd_init_call(c->pool), "without a signing "
		    "key nothing more can be asked for");
		return;
	}
	answer = cmd_site_ask(c, "/api/auth/check", c->site->token, made_up);
	if (answer->failure != CMD_ANSWERED)
		return;
	o = cmd_site_json(c, answer);
	if (answer->status != sb_status_number(SB_OK) ||
	    sb_json_text(o, "version") == NULL) {
		judge_refusal(c, answer);
		return;
	}
	learn(c, o);
	c->site->health = answer;
	cmd_is_fine(c, "it is this installation, and the Authorization header "
	    "comes through");
}

/* ------------------------------------- does each program get what is its? */

/* No session's id, and no request's (RFC 9562 section 5.9). */
#define NOBODY		"00000000-0000-0000-0000-000000000000"

static const struct {
	const char	*path, *program;
} ways[] = {
	{ "/api/limits", "auth" },
	{ "/api/sessions", "chat" },
	{ "/api/sessions/" NOBODY "/feedback", "chat" },
	{ "/api/sessions/" NOBODY "/feedback/" NOBODY, "events" },
	{ "/api/sessions/" NOBODY "/events", "events" },
};

static void
judge_way(struct cmd_check *c, const struct cmd_answer *answer,
    const char *path, const char *program)
{
	if (answer->status / 100 == 5)
		cmd_is_broken(c, "see what the logs of the web server and of "
		    "that program say: most often its socket is not there "
		    "(systemctl start switchboard.target)", "%s, the program "
		    "%s, is answered with a %d", path, program,
		    answer->status);
	else
		cmd_is_broken(c, "take the lines of all programs out of the "
		    "web server's file in " SB_EXAMPLESDIR "\n(on shared "
		    "hosting: the archive's .htaccess), and see that they are "
		    "in its order", "the web server sends %s elsewhere than to "
		    "the program %s, or that is older than this command: it "
		    "is answered with a %d", path, program, answer->status);
}

/*
 * Who has no token is refused by the program whose path it is, and by no other,
 * which knows of no such path.
 */
void
cmd_check_ways(struct cmd_check *c)
{
	const struct cmd_answer *answer;
	int wrong = 0;

	if (c->site == NULL)
		return;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		answer = cmd_site_ask(c, ways[i].path, NULL, NULL);
		if (answer->failure != CMD_ANSWERED)
			return;
		if (is_error(c, answer, SB_UNAUTHORIZED,
		    &sb_error_unauthenticated))
			continue;
		wrong++;
		judge_way(c, answer, ways[i].path, ways[i].program);
	}
	if (wrong == 0)
		cmd_is_fine(c, "each program gets what is its own");
}

void
cmd_check_version(struct cmd_check *c)
{
	const struct cmd_site *site = c->site;

	if (site == NULL || !site->known)
		return;
	if (strcmp(site->version, PACKAGE_VERSION) != 0 ||
	    site->step_known != sb_db_newest_step())
		cmd_is_unwise(c, "start the programs anew, or install the "
		    "newer ones of both", "the programs are version %s, this "
		    "command is %s", site->version, PACKAGE_VERSION);
	else if (strcmp(site->environment, sb_settings.environment) != 0)
		cmd_is_unwise(c, "write the settings into the file that "
		    "switchboard settings names, where both find them",
		    "the programs have other settings than this command: "
		    "their ENVIRONMENT is %s, not %s", site->environment,
		    sb_settings.environment);
	else
		cmd_is_fine(c, "the programs are version %s, as this command",
		    site->version);
}

/*
 * The process that answers says so of itself; those of the other programs are
 * confined by the same call, and the same settings.
 */
void
cmd_check_confined(struct cmd_check *c)
{
	const char *means = sb_confine_means(c->pool);

	if (c->site == NULL || !c->site->known)
		return;
	if (c->site->confined_by != NULL)
		cmd_is_fine(c, "the program that answers is confined by %s",
		    c->site->confined_by);
	else if (sb_settings.confine && means != NULL)
		cmd_is_unwise(c, "take CONFINE=false out of what the web "
		    "server or its service gives the programs, and start them "
		    "anew", "the program that answers is not confined, though "
		    "by these settings it would be, by %s", means);
}

/* ----------------------------------------------- does it know where it is? */

void
cmd_check_prefix(struct cmd_check *c)
{
	const char *path;

	if (c->site == NULL || !c->site->known)
		return;
	path = cmd_site_path(c);
	if (strcmp(path, c->site->prefix) == 0)
		cmd_is_fine(c, "it knows that it is at %s", *path == '\0' ?
		    "the root of its host" : path);
	else
		cmd_is_broken(c, sb_printf(c->pool, "let a proxy pass the path "
		    "on as it came, and %s", root_path(c)),
		    "the programs take themselves to be at \"%s\", not at "
		    "\"%s\": links in their pages lead nowhere",
		    c->site->prefix, path);
}

static bool
is_inner(const char *address)
{
	static const char *const begin[] = { "127.", "10.", "192.168.", "::1",
	    "fc", "fd" };
	int second;

	if (sscanf(address, "172.%d.", &second) == 1)
		return second >= 16 && second < 32;
	for (size_t i = 0; i < sizeof(begin) / sizeof(begin[0]); i++)
		if (strncmp(address, begin[i], strlen(begin[i])) == 0)
			return true;
	return false;
}

/* A proxy in front that isn't trusted has added itself, or is of inside. */
static bool
hides_clients(const struct cmd_check *c)
{
	const struct cmd_site *site = c->site;
	const char *own = site->health->own_address;

	if (site->peer == NULL || strcmp(site->client, site->peer) != 0)
		return false;
	if (site->forwarded != NULL && strcmp(site->forwarded, MADE_UP) != 0)
		return true;
	return !cmd_site_is_here(c) && is_inner(site->client) &&
	    (own == NULL || strcmp(own, site->client) != 0);
}

/*
 * Whether it is this machine that is believed, as an address of its own is in
 * TRUSTED_PROXIES: a proxy has added that, or there is none, and the programs
 * see the address that the question was sent from.
 */
static bool
is_believed_here(const struct cmd_check *c)
{
	const struct cmd_site *site = c->site;
	const char *own = site->health->own_address;

	return cmd_site_is_here(c) || (site->forwarded != NULL &&
	    strcmp(site->forwarded, MADE_UP) != 0) || (own != NULL &&
	    site->peer != NULL && strcmp(own, site->peer) == 0);
}

void
cmd_check_address(struct cmd_check *c)
{
	const struct cmd_site *site = c->site;

	if (site == NULL || !site->known)
		return;
	if (site->client == NULL)
		cmd_is_broken(c, "let the web server set REMOTE_ADDR "
		    "(nginx: include fastcgi_params;)", "the programs are not "
		    "told who asks, and count everybody as one");
	else if (strcmp(site->client, MADE_UP) == 0 && is_believed_here(c))
		cmd_is_unwise(c, "ask by the public URL from another machine, "
		    "too; if it is the same there, let the proxy add the "
		    "client's address", "from this machine any X-Forwarded-For "
		    "is believed, as TRUSTED_PROXIES has its address (%s)",
		    site->peer);
	else if (strcmp(site->client, MADE_UP) == 0)
		cmd_is_broken(c, sb_printf(c->pool, "let the proxy at %s add "
		    "the client's address (nginx: proxy_set_header "
		    "X-Forwarded-For $proxy_add_x_forwarded_for;)\nor, where "
		    "there is none, take out TRUSTED_PROXIES", site->peer),
		    "anybody can claim to be any address: an X-Forwarded-For "
		    "that was made up is believed");
	else if (hides_clients(c))
		cmd_is_broken(c, cmd_set_to(c, "TRUSTED_PROXIES", site->peer),
		    "everybody has the address %s, the proxy's, and shares its "
		    "limits", site->client);
	else
		cmd_is_fine(c, "it sees you as %s, and believes nothing that "
		    "was made up", site->client);
}
