/*
 * Finds the route of a request: from the raw target to the row of a table, or
 * to a 404 or 405; and asks the row who may call.
 */
#include <string.h>

#include "internal.h"

/* Unreserved ones (RFC 3986 section 2.3), and what separates segments. */
#define PREFIX_CHARACTERS	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
				"abcdefghijklmnopqrstuvwxyz0123456789-._~/"

const char *const sb_method_names[SB_METHODS] = {
	[SB_NONE] = "", [SB_DELETE] = "DELETE", [SB_GET] = "GET",
	[SB_PATCH] = "PATCH", [SB_POST] = "POST", [SB_PUT] = "PUT",
};

const struct sb_access sb_access_public = { .token = false };

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *
sb_path_decode(struct sb_pool *pool, const char *raw, size_t length)
{
	char *path = sb_alloc(pool, length + 1), *p = path;

	for (size_t i = 0; i < length; i++) {
		int high = -1, low = -1;

		if (raw[i] == '%' && length - i > 2) {
			high = hex(raw[i + 1]);
			low = hex(raw[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			*p++ = (char)(high << 4 | low);
			i += 2;
		} else
			*p++ = raw[i];
	}
	if (memchr(path, '\0', (size_t)(p - path)) != NULL ||
	    !sb_utf8_valid(path, (size_t)(p - path)))
		return NULL;
	return path;
}

/* A prefix goes into links: nothing that a browser would read otherwise. */
static bool
is_prefix(const char *path, size_t n)
{
	if (n < 2 || path[0] != '/' || path[n - 1] == '/')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (strchr(PREFIX_CHARACTERS, path[i]) == NULL &&
		    (unsigned char)path[i] < 0x80)
			return false;
		if (path[i] == '/' && (path[i + 1] == '/' ||
		    path[i + 1] == '.'))
			return false;
	}
	return true;
}

/* The length of the mount prefix that the path begins with. */
static size_t
prefix_length(const char *path, const char *path_info)
{
	const char *root = sb_settings.root_path;
	size_t n = strlen(path), tail;

	if (root != NULL && *root != '\0' &&
	    strncmp(path, root, strlen(root)) == 0 &&
	    (path[strlen(root)] == '/' || path[strlen(root)] == '\0'))
		return strlen(root);
	if (path_info == NULL || (tail = strlen(path_info)) > n ||
	    path_info[0] != '/' || strcmp(path + n - tail, path_info) != 0 ||
	    !is_prefix(path, n - tail))
		return 0;
	return n - tail;
}

/* Skips the authority of a target in absolute form (RFC 9112 3.2.2). */
static const char *
origin_form(const char *target)
{
	const char *authority = strstr(target, "://");

	if (target[0] == '/' || authority == NULL)
		return target;
	target = authority + 3;
	target += strcspn(target, "/?");
	return *target == '/' ? target : "/";
}

void
sb_route_locate(struct sb_request *rq, const char *target,
    const char *path_info, const char *script_name)
{
	char *path;
	size_t n;

	if (target == NULL) {
		/* Some servers have none: both are decoded already. */
		path = sb_printf(rq->pool, "%s%s",
		    script_name == NULL ? "" : script_name,
		    path_info == NULL ? "" : path_info);
		if (!sb_utf8_valid(path, strlen(path)))
			return;
	} else {
		target = origin_form(target);
		path = sb_path_decode(rq->pool, target,
		    strcspn(target, "?#"));
		if (path == NULL)
			return;
	}
	n = prefix_length(path, path_info);
	rq->prefix = sb_copy(rq->pool, path, n);
	path += n;
	/* FastAPI redirected here, and clients lost their Authorization. */
	n = strlen(path);
	if (n > 1 && path[n - 1] == '/')
		path[n - 1] = '\0';
	rq->way->path = *path == '\0' ? "/" : path;
}

static const struct sb_field *
path_field(const struct sb_route *route, const char *name, size_t length)
{
	for (const struct sb_field *f = route->in; f != NULL &&
	    f->name != NULL; f++)
		if (f->in == SB_IN_PATH && strlen(f->name) == length &&
		    memcmp(f->name, name, length) == 0)
			return f;
	sb_fatal("%s: a {parameter} without its field", route->path);
}

/*
 * Compares segment by segment; *pairs gets the values of {parameters}.  One
 * that can't be an id of ours makes it another path.
 */
static bool
path_matches(struct sb_pool *pool, const struct sb_route *route,
    const char *path, const struct sb_pair **pairs)
{
	const char *want = route->path;

	*pairs = NULL;
	while (*want == '/' && *path == '/') {
		size_t w = strcspn(++want, "/"), p = strcspn(++path, "/");

		if (*want == '{') {
			const struct sb_field *f = path_field(route, want + 1,
			    w - 2);
			struct sb_pair *pair = sb_alloc(pool, sizeof(*pair));

			pair->name = f->name;
			pair->value = sb_copy(pool, path, p);
			pair->length = p;
			pair->next = *pairs;
			*pairs = pair;
			if (p == 0 || (f->kind == SB_UUID &&
			    !sb_is_uuid(pair->value)))
				return false;
		} else if (w != p || memcmp(want, path, w) != 0)
			return false;
		want += w;
		path += p;
	}
	return *want == '\0' && *path == '\0';
}

/* The value of Allow, in alphabetical order: that of the enum. */
static enum sb_status
refuse_method(struct sb_request *rq, struct sb_response *rs, unsigned allowed)
{
	const char *allow = "";

	for (int i = SB_NONE + 1; i < SB_METHODS; i++)
		if (allowed & 1U << i)
			allow = sb_printf(rq->pool, "%s%s%s%s", allow,
			    *allow == '\0' ? "" : ", ", sb_method_names[i],
			    i == SB_GET ? ", HEAD" : "");
	sb_refuse(rs, &sb_error_method);
	sb_put_header(rs, "Allow", allow);
	return SB_METHOD_NOT_ALLOWED;
}

static bool
takes_secret(const struct sb_route *route)
{
	for (const struct sb_field *f = route->in; f != NULL &&
	    f->name != NULL; f++)
		if (f->kind == SB_SECRET)
			return true;
	return false;
}

enum sb_status
sb_route_match(struct sb_request *rq, struct sb_response *rs)
{
	struct sb_way *way = rq->way;
	const struct sb_pair *pairs;
	unsigned allowed = 0;

	if (way->path == NULL)
		return sb_refuse(rs, &sb_error_not_found);
	for (const struct sb_route *r = way->routes; r->method != SB_NONE;
	    r++) {
		if (!path_matches(rq->pool, r, way->path, &pairs))
			continue;
		allowed |= 1U << r->method;
		if (r->method != way->verb || way->route != NULL)
			continue;
		way->route = r;
		way->path_values = pairs;
	}
	if (way->route == NULL)
		return allowed == 0 ? sb_refuse(rs, &sb_error_not_found) :
		    refuse_method(rq, rs, allowed);
	way->secret = takes_secret(way->route);
	return SB_NEXT;
}

enum sb_status
sb_route_admit(struct sb_request *rq, struct sb_response *rs)
{
	const struct sb_access *access = rq->way->route->access;

	return access->admit == NULL ? SB_NEXT : access->admit(rq, rs);
}
