/*
 * The header fields that clients go by, with what they say: sent by response.c
 * and limited.c, shown to pages of other origins by cors.c, and described by
 * the OpenAPI document.
 */
#include "internal.h"

const struct sb_header sb_headers[] = {
	[SB_IDEMPOTENCY_REPLAYED] = { "Idempotency-Replayed", true, NULL,
	    "`true`, where a request with the same `Idempotency-Key` was "
	    "answered so before, and nothing was done again." },
	[SB_RATELIMIT] = { "RateLimit", true, NULL,
	    "The strictest limit that this request was counted against: its "
	    "name, how many may still come, and in how many seconds another "
	    "may (draft-ietf-httpapi-ratelimit-headers-10)." },
	[SB_RATELIMIT_POLICY] = { "RateLimit-Policy", true, NULL,
	    "The same limit's name, how many requests it lets through, and in "
	    "how many seconds." },
	[SB_RETRY_AFTER] = { "Retry-After", true, "integer",
	    "Seconds after which another try may succeed." },
	[SB_WWW_AUTHENTICATE] = { "WWW-Authenticate", false, NULL,
	    "How to authenticate (RFC 6750); with `error=\"invalid_token\"` "
	    "the token is not, or no longer, good." },
	[SB_X_RATELIMIT_LIMIT] = { "X-RateLimit-Limit", true, "integer",
	    "How many requests that limit lets through in a window." },
	[SB_X_RATELIMIT_REMAINING] = { "X-RateLimit-Remaining", true,
	    "integer", "How many of them may still come." },
	[SB_X_RATELIMIT_RESET] = { "X-RateLimit-Reset", true, "integer",
	    "When one more may come, in Unix seconds." },
	[SB_X_RATELIMIT_WARNING] = { "X-RateLimit-Warning", true, NULL,
	    "`approaching`, once less than a fifth of them remains." },
	[SB_X_RATELIMIT_WINDOW] = { "X-RateLimit-Window", true, "integer",
	    "How many seconds the window is long." },
	[SB_X_REQUEST_ID] = { "X-Request-ID", true, NULL,
	    "What the server's log calls this request: the client's own, if "
	    "it sent 1 to 64 of `A-Za-z0-9._-`." },
};
_Static_assert(sizeof(sb_headers) / sizeof(sb_headers[0]) == SB_HEADERS,
    "a header field without a name");
