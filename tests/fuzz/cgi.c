/*
 * Any lines as the variables of a CGI request, and the rest as its standard
 * input: no more of it is read than was announced, none is lost, and a body
 * that breaks off is told.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "lines.h"

#define VARIABLES	16

/* Standard input is a file that holds the bytes. */
static void
put_input(const char *bytes, size_t n)
{
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("stdin", MFD_CLOEXEC);
		PROMISE(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
	}
	PROMISE(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	PROMISE(n == 0 || write(fd, bytes, n) == (ssize_t)n);
	PROMISE(lseek(fd, 0, SEEK_SET) == 0);
}

/* How much of it the announced length lets through. */
static size_t
announced(const struct sb_conn *conn, size_t there, bool *cut)
{
	const char *length = sb_param(conn, "CONTENT_LENGTH");
	const char *coding = sb_param(conn, "HTTP_TRANSFER_ENCODING");
	unsigned long long n;
	char *end;

	*cut = false;
	if (length == NULL || *length < '0' || *length > '9')
		return coding != NULL && strcasecmp(coding, "chunked") == 0 &&
		    (length == NULL || *length < '0' || *length > '9') ?
		    there : 0;
	errno = 0;
	n = strtoull(length, &end, 10);
	*cut = errno != 0 || *end != '\0' || n > there;
	return *cut ? there : (size_t)n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sb_pool *pool = sb_pool_new();
	struct lines l = { (const char *)bytes, size };
	char *variables[VARIABLES + 1] = { NULL };
	struct sb_conn conn;
	char buffer[64];
	size_t got = 0, expected;
	ssize_t n;
	bool cut;

	for (int i = 0; i < VARIABLES; i++) {
		const char *line = next_line(pool, &l);

		if (*line == '\0')
			break;
		variables[i] = sb_copy(pool, line, strlen(line));
	}
	put_input(l.left > 0 ? l.at : "", l.left);
	sb_conn_cgi(&conn, variables);
	expected = announced(&conn, l.left, &cut);
	while ((n = conn.read(&conn, buffer, 1 + got % sizeof(buffer))) > 0) {
		PROMISE(memcmp(buffer, l.at + got, (size_t)n) == 0);
		got += (size_t)n;
	}
	PROMISE(got == expected && (n < 0) == cut);
	sb_pool_free(pool);
	return 0;
}
