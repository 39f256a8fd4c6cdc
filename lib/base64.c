/*
 * Base64url without padding (RFC 4648 section 5), as tokens and keys have it.
 */
#include <string.h>
#include <openssl/evp.h>

#include "internal.h"

#define ALPHABET	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
			"0123456789-_"

const char *
sb_base64url(struct sb_pool *pool, const unsigned char *bytes, size_t n)
{
	char *text = sb_alloc(pool, (n + 2) / 3 * 4 + 1);
	int length = EVP_EncodeBlock((unsigned char *)text, bytes, (int)n);

	while (length > 0 && text[length - 1] == '=')
		text[--length] = '\0';
	for (char *p = text; *p != '\0'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	return text;
}

unsigned char *
sb_unbase64url(struct sb_pool *pool, const char *text, size_t n, size_t *length)
{
	size_t padded = (n + 3) / 4 * 4;
	char *standard = sb_alloc(pool, padded + 1);
	unsigned char *bytes = sb_alloc(pool, padded + 1);

	/* The decoder takes more than that for digits. */
	if (strspn(text, ALPHABET) < n)
		return NULL;
	for (size_t i = 0; i < padded; i++)
		standard[i] = i >= n ? '=' : text[i] == '-' ? '+' :
		    text[i] == '_' ? '/' : text[i];
	if (n % 4 == 1 || EVP_DecodeBlock(bytes, (unsigned char *)standard,
	    (int)padded) < 0)
		return NULL;
	*length = n * 3 / 4;
	return bytes;
}
