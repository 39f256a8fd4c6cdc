/*
 * Time, UUIDs, random bytes and digests, and the little of UTF-8 that every
 * program needs (what needs Unicode's tables is in name.c and email.c).
 */
#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "internal.h"

int64_t
sb_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * SB_SECOND + ts.tv_nsec / 1000;
}

int64_t
sb_monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * SB_SECOND + ts.tv_nsec / 1000;
}

const char *
sb_time_text(struct sb_pool *pool, int64_t microseconds)
{
	time_t seconds = (time_t)(microseconds / SB_SECOND);
	int fraction = (int)(microseconds % SB_SECOND);
	struct tm tm;
	char day[32];

	if (fraction < 0) {
		fraction += SB_SECOND;
		seconds--;
	}
	gmtime_r(&seconds, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	return sb_printf(pool, "%s.%06dZ", day, fraction);
}

void
sb_random(void *bytes, size_t n)
{
	char *p = bytes;
	ssize_t got;

	while (n > 0) {
		if ((got = getrandom(p, n, 0)) < 0) {
			if (errno == EINTR)
				continue;
			sb_fatal("getrandom: %s", strerror(errno));
		}
		p += got;
		n -= (size_t)got;
	}
}

const char *
sb_uuid(struct sb_pool *pool)
{
	uint64_t ms = (uint64_t)sb_now() / 1000;
	unsigned char b[16];

	sb_random(b, sizeof(b));
	for (int i = 0; i < 6; i++)
		b[i] = (unsigned char)(ms >> (40 - 8 * i));
	b[6] = (b[6] & 0x0f) | 0x70;
	b[8] = (b[8] & 0x3f) | 0x80;
	return sb_printf(pool, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5],
	    b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

bool
sb_is_uuid(const char *text)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; i < sizeof(shape) - 1; i++)
		if (shape[i] == '-' ? text[i] != '-' :
		    strchr("0123456789abcdef", text[i]) == NULL)
			return false;
	return true;
}

/*
 * Returns the length of the UTF-8 sequence that begins here, of at most n
 * bytes; 0 if there is none (Unicode 15, table 3-7).
 */
static size_t
sequence(const unsigned char *s, size_t n)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (n > 0 && s[0] < 0x80)
		return 1;
	if (n == 0 || s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (n < length || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return length;
}

bool
sb_utf8_valid(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t length;

	for (; n > 0; s += length, n -= length)
		if ((length = sequence(s, n)) == 0)
			return false;
	return true;
}

const char *
sb_utf8_mend(struct sb_pool *pool, const char *text, size_t n, size_t *length)
{
	char *out = sb_alloc(pool, 3 * n + 1), *p = out;
	size_t step;

	while (n > 0) {
		step = sequence((const unsigned char *)text, n);
		if (step == 0) {
			memcpy(p, "\xef\xbf\xbd", 3);
			p += 3;
			step = 1;
		} else {
			memcpy(p, text, step);
			p += step;
		}
		text += step;
		n -= step;
	}
	if (length != NULL)
		*length = (size_t)(p - out);
	return out;
}

size_t
sb_utf8_length(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

size_t
sb_utf8_cut(const char *text, size_t n)
{
	size_t i;

	for (i = 0; text[i] != '\0'; i++)
		if ((text[i] & 0xc0) != 0x80 && n-- == 0)
			break;
	return i;
}

uint64_t
sb_fnv1a(const char *bytes, size_t n)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)bytes[i]) * 0x100000001b3;
	return h;
}

void
sb_hex(char *to, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (; n > 0; n--, bytes++) {
		*to++ = digits[*bytes >> 4];
		*to++ = digits[*bytes & 15];
	}
	*to = '\0';
}

const char *
sb_sha256_hex(struct sb_pool *pool, const void *bytes, size_t n)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char *hex = sb_alloc(pool, 2 * sizeof(digest) + 1);

	SHA256(bytes, n, digest);
	sb_hex(hex, digest, sizeof(digest));
	return hex;
}
