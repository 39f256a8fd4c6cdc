/*
 * A program's main, and the way of a request through it from the first byte to
 * the log line.  Every program in cgi/ is a table handed to sb_main.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "internal.h"

static const struct sb_program *program;
static struct sb_db *store;
static bool misconfigured;	/* CGI only: else there is no start */

/* What is in hand, for the log and for sb_fatal. */
static struct sb_response *in_hand;

const char *
sb_serve_request_id(void)
{
	return in_hand == NULL ? NULL : in_hand->rq->id;
}

void
sb_serve_abort(void)
{
	struct sb_response *rs = in_hand;

	if (rs == NULL)
		return;
	in_hand = NULL;		/* a fault in what follows ends here */
	if (!rs->sent) {
		rs->status = sb_refuse(rs, &sb_error_internal);
		sb_response_send(rs);
	}
	rs->rq->way->conn->finish(rs->rq->way->conn);
	sb_metrics_count(rs);
}

static enum sb_status
check_settings(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	if (misconfigured)
		return sb_refuse(rs, &sb_error_internal);
	return SB_NEXT;
}

/* What a web server says that it serves. */
static const char *const roots[] = {
	"DOCUMENT_ROOT", "CONTEXT_DOCUMENT_ROOT"
};
#define ROOTS	(sizeof(roots) / sizeof(roots[0]))

static bool
is_exposed(const char *setting, const char *path, const char *root)
{
	if (path == NULL || !sb_lies_in(path, root))
		return false;
	sb_log(SB_ERROR, "%s: %s lies in %s, where the web server lets anybody "
	    "fetch it: move it out of there, and set %s to where it is then",
	    setting, path, root, setting);
	return true;
}

/*
 * What lies among the files that the web server serves can be had by anybody,
 * keys and all.  It is asked with each request, so a good answer is remembered.
 */
static enum sb_status
check_data(struct sb_request *rq, struct sb_response *rs)
{
	static char apart[ROOTS][4096];

	for (size_t i = 0; i < ROOTS; i++) {
		const char *root = sb_param(rq->way->conn, roots[i]);

		if (root == NULL || *root == '\0' ||
		    strcmp(root, apart[i]) == 0)
			continue;
		if (is_exposed("SWITCHBOARD_DATA", sb_settings.data, root) ||
		    is_exposed("SWITCHBOARD_ENV_FILE", sb_settings.env_file,
		    root))
			return sb_refuse(rs, &sb_error_internal);
		snprintf(apart[i], sizeof(apart[i]), "%s", root);
	}
	return SB_NEXT;
}

static enum sb_status
handle(struct sb_request *rq, struct sb_response *rs)
{
	return rq->way->route->handle(rq, rs);
}

/*
 * The steps before an answer, in order and never back: the first that does not
 * say SB_NEXT has made the answer.
 */
static sb_handler *const steps[] = {
	sb_request_read,	/* bounded */
	check_settings,
	check_data,
	sb_cors_preflight,
	sb_route_match,		/* 404, 405 */
	sb_route_admit,		/* who is calling: 401, 400 */
	sb_limit_caller,	/* address or user: 429, 503 */
	sb_check_input,		/* 413, 422 */
	sb_limit_subject,	/* session and channel: 404, 429, 503 */
	sb_idempotency_begin,	/* an answer that was given before: 422 */
	handle,
};

static bool
succeeded(enum sb_status status)
{
	return status >= SB_OK && status <= SB_NO_CONTENT;
}

/*
 * Holds the answer to its route, finishes it, then commits.  An answer that a
 * failing store has led to is not an answer; one that tells of it (/health) is.
 */
static void
settle(struct sb_request *rq, struct sb_response *rs)
{
	const char *wrong;

	if (sb_db_failed(rq->db) && rs->status != SB_UNAVAILABLE)
		sb_refuse(rs, sb_db_error(rq->db));
	if ((wrong = sb_response_wrong(rs)) != NULL) {
		sb_log(SB_ERROR, "answer of %s %s: %s",
		    sb_method_names[rq->way->route->method],
		    rq->way->route->path, wrong);
		sb_refuse(rs, &sb_error_internal);
	}
	sb_response_finish(rs);
	sb_idempotency_end(rs, succeeded(rs->status));
	if (!sb_wait_commit(rq, succeeded(rs->status)) &&
	    rs->status != SB_UNAVAILABLE && rs->status != SB_INTERNAL)
		sb_refuse(rs, &sb_error_unavailable);
}

static void
log_request(const struct sb_request *rq, const struct sb_response *rs)
{
	int64_t took = sb_monotonic() - rq->way->started;

	/* What the client made up comes last, and can push nothing out. */
	sb_log(SB_INFO, "%d %lld.%03lld ms %s %.16s %.512s",
	    sb_status_number(rs->status), (long long)(took / 1000),
	    (long long)(took % 1000), rq->address == NULL ? "-" : rq->address,
	    rq->way->method,
	    rq->way->path == NULL ? "(bad path)" : rq->way->path);
}

void
sb_serve(struct sb_conn *conn, const char *name, const struct sb_route *routes,
    struct sb_db *db)
{
	static struct sb_pool *pool;
	struct sb_way way = { .conn = conn, .program = name,
	    .routes = routes, .started = sb_monotonic() };
	struct sb_request rq = { .db = db, .way = &way };
	struct sb_response rs;

	if (pool == NULL)
		pool = sb_pool_new();
	rq.pool = pool;
	sb_db_attach(db, pool);
	sb_response_begin(&rs, &rq);
	in_hand = &rs;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if ((rs.status = steps[i](&rq, &rs)) != SB_NEXT)
			break;
	settle(&rq, &rs);
	if (!sb_response_send(&rs))
		sb_log(SB_INFO, "the client went away");
	else if (sb_stream_follows(&rs))
		sb_stream_run(&rs);
	conn->finish(conn);
	log_request(&rq, &rs);
	sb_metrics_count(&rs);
	sb_outbox_committed(&rq);
	in_hand = NULL;
	sb_pool_clear(pool);
}

/* ------------------------------------------------------- the three ways */

static void
serve_one(struct sb_conn *conn)
{
	sb_serve(conn, program->name, program->routes, store);
}

/*
 * Who has an installation in one folder may have no way to restart what the web
 * server has started.  So a process ends after the request that found another
 * program, or other settings, in that folder.
 */
static bool
is_replaced(void)
{
	static struct stat first[2];
	static bool looked;
	struct stat now[2] = { { .st_ino = 0 }, { .st_ino = 0 } };
	struct sb_pool *pool;

	if (sb_settings.home == NULL || sb_settings.workers > 0)
		return false;
	pool = sb_pool_new();
	stat(sb_printf(pool, "%s/libexec/switchboard/%s", sb_settings.home,
	    program->name), &now[0]);
	stat(sb_printf(pool, "%s/etc/switchboard.env", sb_settings.home),
	    &now[1]);
	sb_pool_free(pool);
	if (!looked)
		memcpy(first, now, sizeof(first));
	looked = true;
	return !sb_data_same(&first[0], &now[0]) ||
	    !sb_data_same(&first[1], &now[1]);
}

/* Who has no sibling ends after an answer, as nobody else would give it. */
static bool
more(void)
{
	return sb_worker_wanted() && !sb_db_outdated(store) &&
	    !is_replaced() && (sb_settings.workers > 0 || sb_confine_holds());
}

static bool
fit(void)
{
	return sb_settings.workers == 0 || sb_confine_holds();
}

/* Before anything is open, and before this process is confined. */
static void
prepare_to_send(bool stays)
{
	if (program->sends && sb_confine_wanted())
		sb_worker_prepare(program->name, stays);
}

/* Opens before the first request what all of them need; later will do, too. */
static int
work(void)
{
	bool outdated;

	sb_metrics_stay();
	store = sb_db_new(SB_STORE_MAIN);
	sb_db_open(store, program->name);
	if (program->queries != NULL)
		sb_db_open(store, program->queries);
	for (const struct sb_route *r = program->routes; r->method != SB_NONE;
	    r++)
		if (r->access->prepare != NULL)
			r->access->prepare(store);
	sb_idempotency_prepare(store, program->routes);
	sb_limit_prepare(program->routes);
	sb_confine(SB_SERVES, NULL);
	sb_conn_fastcgi(serve_one, more, fit);
	outdated = sb_db_outdated(store);
	sb_db_free(store);
	return outdated ? SB_OUTDATED : 0;
}

static int
read_settings(void)
{
	const char *wrong = sb_settings_read();

	sb_log_open(program->name);
	if (wrong != NULL)
		sb_log(SB_ERROR, "%s", wrong);
	return wrong == NULL ? 0 : EX_CONFIG;
}

static int
serve_fastcgi(char **argv)
{
	int wrong = read_settings();

	if (wrong != 0)
		return wrong;
	if (sb_settings.workers == 0)
		prepare_to_send(true);
	sb_metrics_begin(program);
	sb_metrics_open();
	if (sb_settings.workers == 0)
		return work();
	sb_prefork((int)sb_settings.workers, (int)sb_settings.waiters, work,
	    argv);
	return 0;
}

/*
 * Once it is confined it can't, so the data directory is made before, where
 * check_data will not refuse it.  Who needs it says why it couldn't be made.
 */
static void
make_data(const struct sb_conn *conn)
{
	const char *root;

	if (misconfigured || access(sb_settings.data, F_OK) == 0)
		return;
	for (size_t i = 0; i < ROOTS; i++)
		if ((root = sb_param(conn, roots[i])) != NULL &&
		    sb_lies_in(sb_settings.data, root))
			return;
	sb_data_make();
}

static int
serve_cgi(void)
{
	const char *wrong = sb_settings_read();
	struct sb_conn conn;

	sb_log_open(program->name);
	store = sb_db_new(SB_STORE_MAIN);
	sb_conn_cgi(&conn, environ);
	if (wrong != NULL)
		sb_log(SB_ERROR, "%s", wrong);
	misconfigured = wrong != NULL;
	prepare_to_send(false);
	if (sb_confine_wanted())
		make_data(&conn);
	sb_confine(SB_SERVES_ONE, NULL);
	sb_metrics_begin(program);
	sb_serve(&conn, program->name, program->routes, store);
	sb_db_free(store);
	return 0;
}

/*
 * Whether it would serve.  Only a newer program's database is opened for that,
 * as an older one would be changed.
 */
static int
check(void)
{
	int wrong = read_settings();

	if (wrong != 0)
		return wrong;
	store = sb_db_new(SB_STORE_MAIN);
	if (sb_db_step(store) > sb_db_newest_step())
		sb_db_open(store, program->name);
	wrong = sb_db_outdated(store) ? SB_OUTDATED : 0;
	sb_db_free(store);
	return wrong;
}

static int
run_command(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--check") == 0)
		return check();
	if (argc == 2 && strcmp(argv[1], "--openapi") == 0) {
		sb_openapi_print(program);
		return fflush(stdout) == 0 ? 0 : EX_IOERR;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("switchboard %s %s\n", program->name, PACKAGE_VERSION);
		return 0;
	}
	fprintf(argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr,
	    "%s is a FastCGI and CGI program: it is started by a web server.\n"
	    "usage: %s --check | --openapi | --version | --help\n",
	    program->name, program->name);
	return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : EX_USAGE;
}

/*
 * Under CGI the arguments come from the client (RFC 3875 section 4.4) and are
 * never looked at.
 */
int
sb_main(int argc, char **argv, const struct sb_program *which)
{
	int listening = 0;
	socklen_t length = sizeof(listening);

	program = which;
	sb_process_begin();
	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listening,
	    &length) == 0 && listening)
		return serve_fastcgi(argv);
	if (sb_param(&(struct sb_conn){ .params = environ },
	    "GATEWAY_INTERFACE") != NULL)
		return serve_cgi();
	return run_command(argc, argv);
}
