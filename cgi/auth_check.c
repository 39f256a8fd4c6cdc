/*
 * What `switchboard check --url' asks through the real web server: what of a
 * request comes through, and whether events flow.  A part of the program auth,
 * since it needs the keys.  Nobody else is answered, so it tells only what that
 * command asks for.
 */
#include "auth.h"

#define TEXT_OF(x)	#x
#define NUMBER(x)	TEXT_OF(x)

/* Of a stream; all of them within a second. */
#define EVENTS		4
#define EVERY		(SB_SECOND / 4)

enum { CHECK_VERSION, CHECK_STEP, CHECK_KNOWN, CHECK_ENVIRONMENT,
    CHECK_PREFIX, CHECK_CLIENT, CHECK_PEER, CHECK_FORWARDED, CHECK_SOFTWARE,
    CHECK_CONFINED };
const struct sb_field auth_check_out[] = {
	[CHECK_VERSION] = { "version", SB_TEXT, "The program's version.",
	    .example = PACKAGE_VERSION },
	[CHECK_STEP] = { "schema_step", SB_INT, "The database's schema step.",
	    .example = NUMBER(SB_STEPS) },
	[CHECK_KNOWN] = { "schema_step_known", SB_INT,
	    "The one that the program knows.", .example = NUMBER(SB_STEPS) },
	[CHECK_ENVIRONMENT] = { "environment", SB_TEXT,
	    "What the program takes the installation to be for.",
	    .example = "development" },
	[CHECK_PREFIX] = { "prefix", SB_TEXT,
	    "The path that the program takes itself to be mounted under.",
	    .example = "" },
	[CHECK_CLIENT] = { "client_address", SB_TEXT,
	    "The client's address, as limits count it.", .optional = true,
	    .example = "192.0.2.1" },
	[CHECK_PEER] = { "peer_address", SB_TEXT,
	    "The one that the web server was asked from.", .optional = true,
	    .example = "192.0.2.1" },
	[CHECK_FORWARDED] = { "forwarded_for", SB_TEXT,
	    "The X-Forwarded-For that came through.", .optional = true,
	    .example = "198.51.100.7" },
	[CHECK_SOFTWARE] = { "server_software", SB_TEXT, "The web server.",
	    .optional = true, .example = "lighttpd/1.4.69" },
	[CHECK_CONFINED] = { "confined_by", SB_TEXT,
	    "By what the process that answers was confined when it began.",
	    .optional = true, .example = "Landlock (ABI 7) and seccomp" },
	SB_END_AS("Installation")
};

enum sb_status
auth_check(struct sb_request *rq, struct sb_response *rs)
{
	const struct sb_row *row = sb_one(rq->db, SB_Q_CHECK_STEP);

	sb_put_text(rs, CHECK_VERSION, PACKAGE_VERSION);
	sb_put_int(rs, CHECK_STEP, row == NULL ? 0 : sb_row_int(row, "step"));
	sb_put_int(rs, CHECK_KNOWN, SB_STEPS);
	sb_put_text(rs, CHECK_ENVIRONMENT, sb_settings.environment);
	sb_put_text(rs, CHECK_PREFIX, rq->prefix);
	sb_put_text(rs, CHECK_CLIENT, rq->address);
	sb_put_text(rs, CHECK_PEER, sb_variable(rq, "REMOTE_ADDR"));
	sb_put_text(rs, CHECK_FORWARDED,
	    sb_variable(rq, "HTTP_X_FORWARDED_FOR"));
	sb_put_text(rs, CHECK_SOFTWARE, sb_variable(rq, "SERVER_SOFTWARE"));
	sb_put_text(rs, CHECK_CONFINED, sb_confined_by());
	return SB_OK;
}

enum sb_status
auth_check_stream(struct sb_request *rq, struct sb_response *rs)
{
	const enum sb_status status = sb_listen(rs, NULL,
	    SB_STREAM_MAX);

	(void)rq;
	return status == SB_NEXT ? SB_OK : status;
}

bool
auth_check_events(struct sb_request *rq, struct sb_response *rs,
    int64_t *cursor)
{
	if (*cursor > 0 && !sb_pause(rs, EVERY))
		return false;
	++*cursor;
	return sb_event(rs, NULL, "check", sb_printf(rq->pool,
	    "{\"number\":%d,\"of\":%d}", (int)*cursor, EVENTS)) &&
	    *cursor < EVENTS;
}
