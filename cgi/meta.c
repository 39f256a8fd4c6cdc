/*
 * What can be asked of the service itself: its greeting, its health, its
 * documentation.  The smallest program: read it first.  As the web server
 * sends it everything that no other program answers, its 404 is everybody's.
 */
#include "sb.h"

/* What a page may do: with files of ours, and nothing that stands in it. */
#define POLICY(more)	"default-src 'none'; script-src 'self'; " \
			"img-src 'self' data:; connect-src 'self'; " \
			"base-uri 'none'; form-action 'none'; " \
			"frame-ancestors 'none'; " more

/* ------------------------------------------------------------ the greeting */

enum { ROOT_MESSAGE, ROOT_VERSION, ROOT_ENVIRONMENT, ROOT_DOCS, ROOT_REDOC,
    ROOT_HEALTH };
static const struct sb_field root_out[] = {
	[ROOT_MESSAGE] = { "message", SB_TEXT, "What this is.",
	    .example = SB_TITLE },
	[ROOT_VERSION] = { "version", SB_TEXT, "Its version.",
	    .example = PACKAGE_VERSION },
	[ROOT_ENVIRONMENT] = { "environment", SB_TEXT, "What it is for.",
	    .example = "development" },
	[ROOT_DOCS] = { "docs", SB_TEXT, "Path of the documentation.",
	    .example = "/docs" },
	[ROOT_REDOC] = { "redoc", SB_TEXT, "Path of the same for reading.",
	    .example = "/redoc" },
	[ROOT_HEALTH] = { "health", SB_TEXT, "Path to watch.",
	    .example = "/health" },
	SB_END_AS("Greeting")
};

static enum sb_status
root(struct sb_request *rq, struct sb_response *rs)
{
	sb_put_text(rs, ROOT_MESSAGE, SB_TITLE);
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
	[CHECK_DATABASE] = { "database", SB_TEXT,
	    "What became of a read: unavailable." },
	SB_END_AS("HealthChecks")
};

enum { HEALTH_STATUS, HEALTH_ENVIRONMENT, HEALTH_VERSION, HEALTH_CHECKS };
static const struct sb_field health_out[] = {
	[HEALTH_STATUS] = { "status", SB_TEXT, "ok, or degraded.",
	    .example = "ok" },
	[HEALTH_ENVIRONMENT] = { "environment", SB_TEXT, "What it is for.",
	    .example = "development" },
	[HEALTH_VERSION] = { "version", SB_TEXT, "Its version.",
	    .example = PACKAGE_VERSION },
	[HEALTH_CHECKS] = { "checks", SB_OBJECT,
	    "What failed; there only if something did.",
	    .optional = true, .fields = checks_out },
	SB_END_AS("Health")
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

/* ---------------------------------------------------------------- metrics */

static enum sb_status
metrics(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return sb_put_metrics(rs);
}

/* ---------------------------------------------------------- documentation */

static enum sb_status
page(struct sb_response *rs, const char *name, const char *policy)
{
	sb_put_header(rs, "Content-Security-Policy", policy);
	sb_put_header(rs, "Cross-Origin-Opener-Policy", "same-origin");
	sb_put_header(rs, "Referrer-Policy", "no-referrer");
	return sb_put_page(rs, name);
}

static enum sb_status
docs(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return page(rs, "docs.html", POLICY("style-src 'self'"));
}

/*
 * ReDoc makes its styles while it runs: style elements that it fills later, and
 * these two texts.
 */
static enum sb_status
redoc(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return page(rs, "redoc.html", POLICY("worker-src blob:; style-src "
	    "'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
	    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"));
}

static enum sb_status
console(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return page(rs, "console.html", POLICY("style-src 'self'"));
}

static enum sb_status
openapi(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return sb_put_page(rs, "openapi.json");
}

enum { FILE_FOLDER, FILE_NAME };
static const struct sb_field file_in[] = {
	[FILE_FOLDER] = { "folder", SB_TEXT,
	    "A set of files, and a hash of what is in them.", .in = SB_IN_PATH,
	    .example = "page-0123456789abcdef" },
	[FILE_NAME] = { "name", SB_TEXT, "The file's name.", .in = SB_IN_PATH,
	    .example = "page.css" },
	SB_END
};

static enum sb_status
file(struct sb_request *rq, struct sb_response *rs)
{
	return sb_put_static(rs, sb_text(rq, FILE_FOLDER),
	    sb_text(rq, FILE_NAME));
}

/* ----------------------------------------------------------------- routes */

#define HTML	"text/html; charset=utf-8"

static const struct sb_route routes[] = {
	{ SB_GET, "/", SB_PUBLIC, root, NULL, root_out,
	  .doc = "Greet, and tell where the documentation is.",
	  .name = "get_root" },
	{ SB_GET, "/health", SB_PUBLIC, health, NULL, health_out,
	  .doc = "Tell whether the service works.",
	  .name = "get_health", .otherwise = SB_UNAVAILABLE },
	{ SB_GET, "/metrics", SB_WATCHER, metrics,
	  .media = "text/plain; version=0.0.4; charset=utf-8",
	  .doc = "Give what is counted and measured, for Prometheus.",
	  .name = "get_metrics",
	  .more = "There only where whoever runs the service has set a token "
	      "for it." },
	{ SB_GET, "/docs", SB_PUBLIC, docs, .media = HTML,
	  .doc = "Show the documentation, to read and to try.",
	  .name = "show_docs" },
	{ SB_GET, "/redoc", SB_PUBLIC, redoc, .media = HTML,
	  .doc = "Show the documentation for reading.",
	  .name = "show_redoc" },
	{ SB_GET, "/console", SB_PUBLIC, console, .media = HTML,
	  .doc = "Show the console: chat, approvals and an account, by hand.",
	  .name = "show_console" },
	{ SB_GET, "/openapi.json", SB_PUBLIC, openapi,
	  .media = "application/json",
	  .doc = "Give the OpenAPI document.",
	  .name = "get_openapi" },
	{ SB_GET, "/static/{folder}/{name}", SB_PUBLIC, file, file_in,
	  .media = "*/*", .errors = { &sb_error_not_found },
	  .doc = "Give a file of these pages.",
	  .name = "get_file" },
	{ SB_NONE }
};

static const struct sb_program program = {
	"meta", "What this service is, how it is, and its documentation.",
	routes, NULL
};

int
main(int argc, char **argv)
{
	return sb_main(argc, argv, &program);
}
