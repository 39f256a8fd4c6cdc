/*
 * Any bytes as a row of counts that somebody has put into limits.db: a key, the
 * moments that count, and what time it is.  The state that comes of it is
 * within its bounds, and what a simple count comes to.
 */
#include <string.h>

#include "fuzz.h"
#include "internal.h"

#define WINDOW	60

static int64_t
number_at(const uint8_t *bytes)
{
	uint64_t n = 0;

	for (int i = 7; i >= 0; i--)
		n = n << 8 | bytes[i];
	return (int64_t)n;
}

/* Those of the last window, counted one by one. */
static int64_t
count(const uint8_t *bytes, size_t size, int64_t now, int64_t window)
{
	int64_t n = 0;

	for (size_t i = 0; i + 8 <= size && i / 8 < SB_LIMIT_MAX; i += 8)
		n += number_at(bytes + i) > now - window * SB_SECOND &&
		    number_at(bytes + i) <= now;
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const keys[] = { "user:u", "session:u:s",
	    "channel:u:slack", "address:192.0.2.1", "account:u", "login:l",
	    "unknown:u", "" };
	struct sb_pool *pool = sb_pool_new();
	struct sb_cell cells[] = { { .name = "key" }, { .name = "times" } };
	const struct sb_row row = { .columns = 2, .cells = cells };
	struct sb_limit_state state = { .limit = -1 };
	int64_t now = INT64_C(1760439227000000), n;

	sb_settings.rate_limit_per_user = 30;
	sb_settings.rate_limit_per_session = 1;
	sb_settings.rate_limit_per_channel = 0;
	sb_settings.rate_limit_per_address = SB_LIMIT_MAX;
	sb_settings.login_failures_per_account = 10;
	sb_settings.rate_limit_window_seconds = WINDOW;
	if (size > 0) {
		cells[0].text = keys[bytes[0] % 8];
		cells[1].text = (const char *)bytes + 1;
		cells[1].length = size - 1;
		n = sb_limit_counted(pool, &row, now, &state);
		PROMISE(n >= 0 && n <= SB_LIMIT_MAX);
		PROMISE((state.limit == -1) == (bytes[0] % 8 > 5));
		if (state.limit != -1) {
			PROMISE(n == count(bytes + 1, size - 1, now,
			    state.window));
			PROMISE(state.remaining == (n < state.limit ?
			    state.limit - n : 0));
			PROMISE(state.reset_at >= now);
			PROMISE(state.reset_at <= now +
			    state.window * SB_SECOND);
		}
	}
	sb_pool_free(pool);
	return 0;
}
