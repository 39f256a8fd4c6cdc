/*
 * A program's part of the OpenAPI 3.1 document, out of its route table and
 * nothing else.  The build merges the parts.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "openapi.h"

#define BEARER	"bearer"
#define OAUTH	"oauth2"

/* ------------------------------------------------------------- the request */

/* A parameter's name as clients write it: Idempotency-Key. */
static const char *
parameter_name(struct sb_pool *pool, const struct sb_field *f)
{
	char *name = sb_printf(pool, "%s", f->name);

	if (f->in == SB_IN_HEADER)
		for (char *p = name; *p != '\0'; p++)
			if (p == name || p[-1] == '-')
				*p = (char)toupper((unsigned char)*p);
	return name;
}

static void
add_parameters(struct sb_openapi *o, struct json_object *operation,
    const struct sb_field *f)
{
	struct json_object *list = json_object_new_array();

	for (; f != NULL && f->name != NULL; f++) {
		struct json_object *parameter;

		if (f->in == SB_IN_BODY)
			continue;
		parameter = json_object_new_object();
		add(parameter, "name", text(parameter_name(o->pool, f)));
		add(parameter, "in", text(sb_places[f->in]));
		add(parameter, "description", text(f->doc));
		add(parameter, "required", json_object_new_boolean(
		    f->in == SB_IN_PATH || !f->optional));
		add(parameter, "schema", sb_schema_field(o, f,
		    SB_OF_PARAMETER));
		if (f->example != NULL)
			add(parameter, "example", sb_example_field(f));
		json_object_array_add(list, parameter);
	}
	if (json_object_array_length(list) > 0)
		add(operation, "parameters", list);
	else
		json_object_put(list);
}

static void
add_body(struct sb_openapi *o, struct json_object *operation,
    const struct sb_route *r)
{
	static const struct {
		unsigned	 body;
		const char	*media;
	} medias[] = {
		{ SB_JSON, SB_MEDIA_JSON },
		{ SB_FORM, SB_MEDIA_FORM },
		{ SB_FORM, SB_MEDIA_MULTIPART },
	};
	unsigned taken = sb_openapi_bodies(r);
	struct json_object *body, *media, *example;

	if (taken == 0)
		return;
	body = child(operation, "requestBody");
	add(body, "required", json_object_new_boolean(!(taken & SB_NO_BODY)));
	for (size_t i = 0; i < sizeof(medias) / sizeof(medias[0]); i++) {
		if (!(taken & medias[i].body))
			continue;
		media = child(child(body, "content"), medias[i].media);
		add(media, "schema", sb_schema_fields(o, r->in,
		    taken & SB_JSON ? SB_OF_JSON : SB_OF_FORM));
		if ((example = sb_example_fields(r->in)) != NULL)
			add(media, "example", example);
	}
}

/* ----------------------------------------------------------- the operation */

static void
add_alternative(struct json_object *security, const char *scheme)
{
	struct json_object *one = json_object_new_object();

	add(one, scheme, json_object_new_array());
	json_object_array_add(security, one);
}

/* Either of them will do; and none, where a token isn't always needed. */
static void
add_security(struct json_object *operation, const struct sb_access *access)
{
	struct json_object *security = json_object_new_array();

	if (access->token) {
		add_alternative(security, BEARER);
		add_alternative(security, OAUTH);
	}
	if (access->scheme != NULL)
		add_alternative(security, access->scheme->name);
	if (access->tokenless)
		json_object_array_add(security, json_object_new_object());
	add(operation, "security", security);
}

/* The row's sentence, as a headline. */
static const char *
summary(struct sb_pool *pool, const struct sb_route *r)
{
	return sb_printf(pool, "%.*s", (int)strlen(r->doc) - 1, r->doc);
}

/* Those of the limits that the row has, in Markdown. */
static const char *
names_of(struct sb_pool *pool, const struct sb_route *r, unsigned among)
{
	const char *names = "";

	for (unsigned limit = 1; limit < 1U << SB_LIMITS; limit <<= 1)
		if (r->limits & among & limit)
			names = sb_printf(pool, "%s%s`%s`", names,
			    *names == '\0' ? "" : ", ",
			    sb_limit_name((enum sb_limit)limit));
	return names;
}

/* What else the row says in words, and what it says of limits. */
static const char *
description(struct sb_pool *pool, const struct sb_route *r)
{
	const char *more = r->more == NULL ? "" :
	    sb_printf(pool, "%s\n\n", r->more);
	const char *by_wrong = names_of(pool, r, SB_LIMIT_ACCOUNT);

	if (r->limits == 0)
		return sb_printf(pool, "%sLimits: none.", more);
	return sb_printf(pool, "%sLimits: %s%s%s%s.", more,
	    names_of(pool, r, ~(unsigned)SB_LIMIT_ACCOUNT),
	    *by_wrong == '\0' ? "" : "; and ", by_wrong,
	    *by_wrong == '\0' ? "" : ", by a wrong password");
}

static void
add_operation(struct sb_openapi *o, const struct sb_route *r)
{
	struct json_object *operation = json_object_new_object();
	char method[8] = "";

	if (r->name == NULL)
		sb_fatal("%s: a route without a name", r->path);
	for (size_t i = 0; sb_method_names[r->method][i] != '\0'; i++)
		method[i] = (char)tolower(
		    (unsigned char)sb_method_names[r->method][i]);
	add(child(child(o->document, "paths"), r->path), method, operation);
	add(operation, "tags", array_of(text(o->program->name)));
	add(operation, "operationId", text(r->name));
	add(operation, "summary", text(summary(o->pool, r)));
	add(operation, "description", text(description(o->pool, r)));
	add_security(operation, r->access);
	add_parameters(o, operation, r->in);
	add_body(o, operation, r);
	sb_openapi_answers(o, child(operation, "responses"), r);
}

/* ------------------------------------------------------------ the document */

static const char about[] =
    "What a chat with agents and with humans in the loop is built on: "
    "accounts and their logins, chat sessions, what agents ask people, and "
    "events as they happen.\n\n"
    "## Authorising\n\n"
    "Register or log in, and send the `access_token` of the answer along: "
    "`Authorization: Bearer …`. It is good for `expires_in` seconds; before "
    "they are over, change the `refresh_token` for a new pair. Both are one "
    "login, which can be listed and revoked. A program that speaks for a user "
    "has an agent key of the user's in the same place.\n\n"
    "## Errors\n\n"
    "Every error is JSON with a `detail`: a sentence, or of a 422 a list that "
    "has an entry for each invalid field. A path that is not here is a 404; a "
    "method that a path doesn't have is a 405, whose `Allow` names those it "
    "has. The `X-Request-ID` of an answer leads to it in the server's "
    "log.\n\n"
    "## Repeating\n\n"
    "What takes an `Idempotency-Key` may be sent again under it within 24 "
    "hours, with the same body, and is done once: the first answer that is a "
    "success comes again, with `Idempotency-Replayed: true`. It counts against "
    "limits as any call.\n\n"
    "## Limits\n\n"
    "What counts against a limit tells in the header fields of its answers how "
    "the strictest one stands; `account` is named only by its refusals. Beyond "
    "a limit the answer is a 429, whose `Retry-After` says when to come again. "
    "The limits, where nothing else is set:\n\n";

static const char *
list_of_limits(struct sb_pool *pool)
{
	const char *list = "";

	for (unsigned bit = 1; bit < 1U << SB_LIMITS; bit <<= 1) {
		enum sb_limit limit = (enum sb_limit)bit;
		struct sb_limit_state s = sb_limit_full(limit, 0);

		list = sb_printf(pool, "%s- `%s`: %lld %s in %lld seconds\n",
		    list, sb_limit_name(limit), (long long)s.limit,
		    sb_limit_doc(limit), (long long)s.window);
	}
	return list;
}

/* Whose it is and under which licence is for its operator to say. */
static void
add_info(struct sb_openapi *o)
{
	struct json_object *info = child(o->document, "info"), *license;

	add(info, "title", text(SB_TITLE));
	add(info, "version", text(PACKAGE_VERSION));
	add(info, "description", text(sb_printf(o->pool, "%s%s", about,
	    list_of_limits(o->pool))));
	add(child(info, "contact"), "name",
	    text("Whoever runs this installation"));
	license = child(info, "license");
	add(license, "name", text("None is stated"));
	add(license, "identifier", text("NOASSERTION"));
}

static void
add_tag(struct sb_openapi *o)
{
	struct json_object *tag = json_object_new_object();

	add(tag, "name", text(o->program->name));
	add(tag, "description", text(o->program->doc));
	add(o->document, "tags", array_of(tag));
}

static struct json_object *
add_bearer(struct json_object *schemes, const char *name, const char *what)
{
	struct json_object *scheme = child(schemes, name);

	add(scheme, "type", text("http"));
	add(scheme, "scheme", text("bearer"));
	add(scheme, "description", text(what));
	return scheme;
}

/* The part with the route that gives tokens says how to get them. */
static void
add_security_schemes(struct sb_openapi *o, const struct sb_route *r)
{
	static const char *const urls[SB_FLOWS] = {
		[SB_TOKEN_URL] = "tokenUrl", [SB_REFRESH_URL] = "refreshUrl",
	};
	struct json_object *schemes = child(child(o->document, "components"),
	    "securitySchemes"), *scheme, *flow;

	if (r->access->token)
		add(add_bearer(schemes, BEARER, "The `access_token` of a "
		    "token pair."), "bearerFormat", text("JWT"));
	if (r->access->scheme != NULL) {
		scheme = add_bearer(schemes, r->access->scheme->name,
		    r->access->scheme->doc);
		if (r->access->scheme->format != NULL)
			add(scheme, "bearerFormat",
			    text(r->access->scheme->format));
	}
	if (r->flow == 0)
		return;
	scheme = child(schemes, OAUTH);
	add(scheme, "type", text("oauth2"));
	add(scheme, "description", text("OAuth 2's password flow (RFC 6749 "
	    "section 4.3): a name and a password for a token pair."));
	flow = child(child(scheme, "flows"), "password");
	add(flow, urls[r->flow], text(sb_printf(o->pool, SB_MARK_PREFIX "%s",
	    r->path)));
	child(flow, "scopes");
}

static void
add_headers(struct sb_openapi *o)
{
	struct json_object *headers = child(child(o->document, "components"),
	    "headers"), *header;

	for (int i = 0; i < SB_HEADERS; i++) {
		header = child(headers, sb_headers[i].name);
		add(header, "description", text(sb_headers[i].doc));
		add(child(header, "schema"), "type",
		    text(sb_headers[i].type == NULL ? "string" :
		    sb_headers[i].type));
	}
}

void
sb_openapi_print(const struct sb_program *program)
{
	struct sb_openapi o = { .pool = sb_pool_new(), .program = program,
	    .document = json_object_new_object() };
	struct json_object *server = json_object_new_object();

	sb_settings_default();
	sb_settings.log_level = "error";	/* nothing is wrong here */
	add(o.document, "openapi", text("3.1.0"));
	add_info(&o);
	add(server, "url", text(SB_MARK_SERVER));
	add(o.document, "servers", array_of(server));
	add_tag(&o);
	child(o.document, "paths");
	o.schemas = child(child(o.document, "components"), "schemas");
	for (const struct sb_route *r = program->routes; r->method != SB_NONE;
	    r++) {
		add_operation(&o, r);
		add_security_schemes(&o, r);
	}
	add_headers(&o);
	puts(json_object_to_json_string_ext(o.document,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o.document);
	sb_pool_free(o.pool);
}
