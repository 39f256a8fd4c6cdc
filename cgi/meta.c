/*
 * What can be asked of the service itself: its greeting, its health, its
 * documentation.  The smallest program: read it first.  As the web server
 * sends it everything that no other program answers, its 404 is everybody's.
 */
#include "sb.h"

#define PAGE_POLICY	"default-src 'none'; style-src 'self'; " \
			"base-uri 'self'; form-action 'none'; " \
			"frame-ancestors 'none'"

/* ------------------------------------------------------------ the greeting */

enum { ROOT_MESSAGE, ROOT_VERSION, ROOT_ENVIRONMENT, ROOT_DOCS, ROOT_REDOC,
    ROOT_HEALTH };
static const struct sb_field root_out[] = {
	[ROOT_MESSAGE] = { "message", SB_TEXT, "What this is." },
	[ROOT_VERSION] = { "version", SB_TEXT, "Its version." },
	[ROOT_ENVIRONMENT] = { "environment", SB_TEXT, "What it is for.",
	    .example = "development" },
	[ROOT_DOCS] = { "docs", SB_TEXT, "Path of the documentation.",
	    .example = "/docs" },
	[ROOT_REDOC] = { "redoc", SB_TEXT, "Path of the same for reading.",
	    .example = "/redoc" },
	[ROOT_HEALTH] = { "health", SB_TEXT, "Path to watch.",
	    .example = "/health" },
	SB_END
};

static enum sb_status
root(struct sb_request *rq, struct sb_response *rs)
{
	sb_put_text(rs, ROOT_MESSAGE, "Interactive Agent Chat System API");
	sb_put_text(rs, ROOT_VERSION, PACKAGE_VERSION);
	sb_put_text(rs, ROOT_ENVIRONMENT, sb_settings.environment);
	sb_put_text(rs, ROOT_DOCS, sb_printf(rq->pool, "%s/docs",
	    rq->prefix));
	sb_put_text(rs, ROOT_REDOC, sb_printf(rq->pool, "%s/redoc",
	    rq->prefix));
	sb_put_text(rs, ROOT_HEALTH, sb_printf(rq->pool, "%s/health",
	    rq->prefix));
	return SB_OK;
}

/* ----------------------------------------------------------------- health */

enum { CHECK_DATABASE };
static const struct sb_field checks_out[] = {
	[CHECK_DATABASE] = { "database", SB_TEXT, "What became of a read.",
	    .example = "unavailable" },
	SB_END
};

enum { HEALTH_STATUS, HEALTH_ENVIRONMENT, HEALTH_VERSION, HEALTH_CHECKS };
static const struct sb_field health_out[] = {
	[HEALTH_STATUS] = { "status", SB_TEXT, "ok, or degraded.",
	    .example = "ok" },
	[HEALTH_ENVIRONMENT] = { "environment", SB_TEXT, "What it is for.",
	    .example = "development" },
	[HEALTH_VERSION] = { "version", SB_TEXT, "Its version." },
	[HEALTH_CHECKS] = { "checks", SB_OBJECT, "What failed.",
	    .optional = true, .fields = checks_out },
	SB_END
};

/* Reads a row, as any request would; a watcher should not wait long for it. */
static enum sb_status
health(struct sb_request *rq, struct sb_response *rs)
{
	bool healthy;

	sb_db_deadline(rq->db, SB_SECOND);
	healthy = sb_one(rq->db, SB_Q_INSTALLATION) != NULL;
	sb_put_text(rs, HEALTH_STATUS, healthy ? "ok" : "degraded");
	sb_put_text(rs, HEALTH_ENVIRONMENT, sb_settings.environment);
	sb_put_text(rs, HEALTH_VERSION, PACKAGE_VERSION);
	if (healthy)
		return SB_OK;
	sb_open(rs, HEALTH_CHECKS);
	sb_put_text(rs, CHECK_DATABASE, "unavailable");
	sb_close(rs);
	return SB_UNAVAILABLE;
}

/* ---------------------------------------------------------- documentation */

/* Links in the page are relative to the mount prefix, wherever it is read. */
static enum sb_status
docs(struct sb_request *rq, struct sb_response *rs)
{
	sb_put_header(rs, "Content-Security-Policy", PAGE_POLICY);
	return sb_put_file(rs, "docs.html", sb_printf(rq->pool,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<base href=\"%s/\">\n",
	    rq->prefix), 0);
}

/* The file is one JSON object; its first member, the servers, is put here. */
static enum sb_status
openapi(struct sb_request *rq, struct sb_response *rs)
{
	return sb_put_file(rs, "openapi.json", sb_printf(rq->pool,
	    "{\"servers\":[{\"url\":\"%s\"}],",
	    rq->prefix[0] == '\0' ? "/" : rq->prefix), 1);
}

static const struct sb_route routes[] = {
	{ SB_GET, "/", SB_PUBLIC, root, NULL, root_out,
	  .doc = "Greet, and tell where the documentation is." },
	{ SB_GET, "/health", SB_PUBLIC, health, NULL, health_out,
	  .doc = "Tell whether the service works." },
	{ SB_GET, "/docs", SB_PUBLIC, docs, .media = "text/html; charset=utf-8",
	  .doc = "Show the documentation." },
	{ SB_GET, "/redoc", SB_PUBLIC, docs,
	  .media = "text/html; charset=utf-8",
	  .doc = "Show the documentation for reading." },
	{ SB_GET, "/openapi.json", SB_PUBLIC, openapi,
	  .media = "application/json",
	  .doc = "Give the OpenAPI document." },
	{ SB_NONE }
};

int
main(int argc, char **argv)
{
	return sb_main(argc, argv, "meta", routes);
}
