/*
 * What switchboard check --url says of answers on their way back: streams,
 * errors, what can be downloaded, compression, and the time.
 */
#include <json-c/json.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "findings.h"
#include "fetch.h"

/*
 * Of a stream's 750 ms, at least: what is held back comes all at once, and what
 * isn't may have been stalled somewhere.
 */
#define SPREAD		(SB_SECOND / 4)
#define OFF		(60 * SB_SECOND)	/* that clocks may be apart */

static bool
is_media(struct cmd_check *c, const struct cmd_answer *answer,
    const char *media)
{
	const char *type = cmd_site_field(c, answer, "Content-Type");

	return type != NULL && strncasecmp(type, media, strlen(media)) == 0;
}

/* ----------------------------------------------------------------- streams */

void
cmd_check_stream(struct cmd_check *c)
{
	struct cmd_answer *answer;
	const char *type;

	if (c->site == NULL || !c->site->known)
		return;
	answer = cmd_site_ask(c, "/api/auth/check/stream", c->site->token,
	    NULL);
	if (answer->failure != CMD_ANSWERED)
		return;
	type = cmd_site_field(c, answer, "Content-Type");
	if (answer->status != sb_status_number(SB_OK) ||
	    !is_media(c, answer, SB_EVENT_STREAM))
		cmd_is_broken(c, "see what the web server's log says",
		    "a stream of events is answered with a %d, as %s",
		    answer->status, type == NULL ? "what has no type" :
		    type);
	else if (answer->last - answer->first < SPREAD)
		cmd_is_unwise(c, cmd_site_lines(c, "ProxyPass … "
		    "flushpackets=on (mod_proxy_fcgi), or "
		    "FcgidOutputBufferSize 0 (mod_fcgid); where you can't, "
		    "leave it",
		    "server.stream-response-body = 1",
		    "fastcgi_buffering off; or proxy_buffering off;"),
		    "events are held back until the last one: the web server "
		    "buffers them");
	else
		cmd_is_fine(c, "events come one by one");
}

/* ------------------------------------------------------------------ errors */

static bool
is_ours(struct cmd_check *c, const struct cmd_answer *answer)
{
	return is_media(c, answer, SB_MEDIA_JSON) &&
	    sb_json_text(cmd_site_json(c, answer), "detail") != NULL;
}

void
cmd_check_errors(struct cmd_check *c)
{
	static const char *const paths[] = { "/api/auth/no-such-thing",
	    "/no-such-thing", "/api/auth/no%2Fsuch" };
	const struct cmd_answer *answer;
	int wrong = 0;

	if (c->site == NULL)
		return;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		answer = cmd_site_ask(c, paths[i], NULL, NULL);
		if (answer->failure != CMD_ANSWERED)
			return;
		if (is_ours(c, answer))
			continue;
		wrong++;
		if (strchr(paths[i], '%') != NULL)
			cmd_is_unwise(c, cmd_site_lines(c,
			    "AllowEncodedSlashes NoDecode, in its "
			    "<VirtualHost>; where you can't, leave it: no path "
			    "of ours needs one",
			    "server.http-parseopts = ( \"url-path-2f-decode\" "
			    "=> \"disable\" )", "pass $request_uri on as it "
			    "came"), "a path with %%2F in it doesn't come "
			    "through: %s is answered with a %d that is not "
			    "ours", paths[i], answer->status);
		else
			cmd_is_broken(c, cmd_site_lines(c, "take out "
			    "ErrorDocument and ProxyErrorOverride, and send "
			    "every path to the programs",
			    "server.error-intercept = \"disable\", and send "
			    "every path to the programs",
			    "fastcgi_intercept_errors off; "
			    "proxy_intercept_errors off;"), "errors are not "
			    "JSON: %s is answered with a %d of the web "
			    "server's own", paths[i], answer->status);
	}
	if (wrong == 0)
		cmd_is_fine(c, "errors come as JSON, whatever the path");
}

/* ------------------------------------------------------- what can be had */

static bool
has_setting(const struct cmd_answer *answer)
{
	for (size_t i = 0; i < sb_setting_count; i++) {
		const char *name = sb_setting_table[i].name;
		const char *at = strstr(answer->body, name);

		if (at != NULL && at[strlen(name)] == '=')
			return true;
	}
	return false;
}

/* Whether it is what its name says: many sites answer anything with a page. */
static bool
is_leak(const struct cmd_answer *answer)
{
	return answer->status == sb_status_number(SB_OK) &&
	    (strncmp(answer->body, "SQLite format 3", 15) == 0 ||
	    strstr(answer->body, "\"kty\"") != NULL ||
	    has_setting(answer));
}

/* The root of the URL's host. */
static const char *
root_of(struct cmd_check *c)
{
	return sb_copy(c->pool, c->url, strlen(c->url) -
	    strlen(cmd_site_path(c)));
}

/* How many of the data directory's files anybody can have there. */
static int
leaks_below(struct cmd_check *c, const char *folder)
{
	static const char *const names[] = { "switchboard.db",
	    "signing-keys.json", ".env" };
	const char *url;
	int leaks = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		url = sb_printf(c->pool, "%s/%s", folder, names[i]);
		if (!is_leak(cmd_site_fetch(c, url, NULL)))
			continue;
		leaks++;
		cmd_is_broken(c, "move the data directory out of the web "
		    "server's folders, then switchboard key rotate", "anybody "
		    "can download %s", url);
	}
	return leaks;
}

void
cmd_check_reach(struct cmd_check *c)
{
	const int before = c->unanswered;
	const char *roots[] = { c->url, NULL, NULL };
	const char *folders[] = { "", "/data", NULL, NULL }, *own;
	int leaks = 0;

	if (c->site == NULL)
		return;
	if (*cmd_site_path(c) != '\0')
		roots[1] = root_of(c);
	own = sb_printf(c->pool, "/%s", basename(sb_printf(c->pool, "%s",
	    sb_settings.data)));
	if (strcmp(own, folders[1]) != 0)
		folders[2] = own;
	for (const char **root = roots; *root != NULL; root++)
		for (const char **folder = folders; *folder != NULL; folder++)
			leaks += leaks_below(c, sb_printf(c->pool, "%s%s",
			    *root, *folder));
	/* Where nobody answered, nothing is known. */
	if (leaks == 0 && c->unanswered == before)
		cmd_is_fine(c, "no file of the data directory is found where "
		    "one would guess");
}

/* ------------------------------------------------------------- compression */

void
cmd_check_gzip(struct cmd_check *c)
{
	static const char *const wants[] = { "Accept-Encoding: gzip", NULL };
	const struct cmd_answer *answer;
	const char *coding;

	if (c->site == NULL)
		return;
	answer = cmd_site_ask(c, "/openapi.json", NULL, wants);
	if (answer->failure != CMD_ANSWERED)
		return;
	coding = cmd_site_field(c, answer, "Content-Encoding");
	if (answer->status != sb_status_number(SB_OK))
		cmd_is_broken(c, "make install puts it there", "/openapi.json "
		    "is answered with a %d", answer->status);
	else if (coding == NULL)
		cmd_is_unwise(c, "let proxies pass Accept-Encoding on", "pages "
		    "come uncompressed: Accept-Encoding does not get through");
	else if (answer->length < 10 ||
	    memcmp(answer->body, "\x1f\x8b\x08", 3) != 0)
		cmd_is_broken(c, "let the web server compress nothing that has "
		    "a Content-Encoding", "pages are said to be %s, and are "
		    "not", coding);
	else
		cmd_is_fine(c, "pages come compressed");
}

void
cmd_check_date(struct cmd_check *c)
{
	int64_t there, apart;

	if (c->site == NULL)
		return;
	there = cmd_answer_time(c->pool, c->site->health, "Date");
	apart = there - sb_now();
	if (there == 0)
		return;
	if (apart > OFF || apart < -OFF)
		cmd_is_unwise(c, "set both clocks, and keep them right: "
		    "timedatectl set-ntp true", "the web server's clock says "
		    "%s, this one's %s", cmd_time(c->pool, there),
		    cmd_time(c->pool, sb_now()));
	else
		cmd_is_fine(c, "the web server's clock says the same");
}
