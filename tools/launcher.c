/*
 * Lies in the place of each program in the archive for shared hosting, and
 * becomes that program, by the loader and with the libraries that the archive
 * brings along.  It is linked statically and looks up no names, so that all of
 * it depends on the kernel alone.  deploy/shared-hosting/build puts it there.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define FOLDER		"switchboard"		/* the private one */
#define PROGRAMS	"libexec/switchboard"	/* in it */
#define LOADER		PROGRAMS "/ld.so"
#define LIBRARIES	"lib"
#define LIST		"VERSIONS.txt"		/* of these, in there */
#define COMMAND		"switchboard"		/* the command line */

/* Longer ones are cut off, and then lead nowhere. */
struct path {
	char	text[PATH_MAX];
};

extern char **environ;

static bool
is_cgi(void)
{
	return getenv("GATEWAY_INTERFACE") != NULL;
}

/*
 * Under CGI the visitor gets what is wrong as an answer, since a customer may
 * see no log; but no path.  The header fields are those of every answer, less
 * the request's id, which no log has.
 */
static int
fail(const char *wrong, const char *where, const char *fix)
{
	char body[512];
	int n;

	fprintf(stderr, "switchboard: %s: %s: %s\n", where, wrong, fix);
	if (!is_cgi())
		return EX_CONFIG;
	n = snprintf(body, sizeof(body), "{\"detail\":\"switchboard is not "
	    "installed well: %s: %s\"}", wrong, fix);
	printf("Status: 500 Internal Server Error\r\n"
	    "Content-Type: application/json\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Cache-Control: no-store\r\n"
	    "Content-Length: %d\r\n\r\n%s", n, body);
	return fflush(stdout) == 0 ? EX_CONFIG : EX_IOERR;
}

static bool
print_path(struct path *to, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(to->text, sizeof(to->text), format, ap);
	va_end(ap);
	return n >= 0 && (size_t)n < sizeof(to->text);
}

/* Where this program lies, without links; a jail may have no /proc. */
static bool
find_self(const char *called, struct path *self)
{
	ssize_t n = readlink("/proc/self/exe", self->text,
	    sizeof(self->text) - 1);

	if (n <= 0)
		return called != NULL && realpath(called, self->text) != NULL;
	self->text[n] = '\0';
	return self->text[0] == '/';
}

/* Cuts off the last step; false at the top. */
static bool
go_up(struct path *path)
{
	char *slash = strrchr(path->text, '/');

	if (slash == NULL || path->text[1] == '\0')
		return false;
	slash[slash == path->text] = '\0';
	return true;
}

/*
 * Whether it is the private folder, and of the owner of this program: in /home,
 * which others have folders in, there may be a user of that name.
 */
static bool
is_application(const char *path, uid_t owner)
{
	struct path loader = { "" };
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	    (st.st_uid == owner || st.st_uid == 0) &&
	    print_path(&loader, "%s/" LOADER, path) &&
	    stat(loader.text, &st) == 0 && S_ISREG(st.st_mode);
}

/*
 * The first folder above this program that is the private one or has it in it,
 * as far up as they are the owner's or root's.
 */
static bool
find_application(const char *self, struct path *found)
{
	struct path folder = { "" };
	struct stat st;
	uid_t owner;

	if (!print_path(&folder, "%s", self) || stat(self, &st) != 0)
		return false;
	owner = st.st_uid;
	while (go_up(&folder) && stat(folder.text, &st) == 0 &&
	    (st.st_uid == owner || st.st_uid == 0)) {
		*found = folder;
		if (is_application(found->text, owner))
			return true;
		if (print_path(found, "%s/" FOLDER, folder.text) &&
		    is_application(found->text, owner))
			return true;
	}
	return false;
}

/* This program's name, without an ending; "" if it can't be a program's. */
static const char *
take_name(const char *self, char *name, size_t size)
{
	const char *slash = strrchr(self, '/');
	size_t n = strspn(slash + 1, "abcdefghijklmnopqrstuvwxyz");

	if (n >= size || (slash[1 + n] != '\0' && slash[1 + n] != '.'))
		n = 0;
	memcpy(name, slash + 1, n);
	name[n] = '\0';
	return name;
}

/*
 * Whether all libraries of the list are there: the loader would look for one
 * that is not in the host's folders, and might find another version of it.
 * Then missing is the path of the first that isn't.
 */
static bool
has_libraries(const char *application, struct path *missing)
{
	char line[512], *name;
	bool all = true;
	FILE *list;

	if (!print_path(missing, "%s/" LIBRARIES "/" LIST, application) ||
	    (list = fopen(missing->text, "re")) == NULL)
		return false;
	while (all && fgets(line, sizeof(line), list) != NULL) {
		name = strtok(line, " \n");
		if (name != NULL && strstr(name, ".so") != NULL)
			all = print_path(missing, "%s/" LIBRARIES "/%s",
			    application, name) &&
			    access(missing->text, R_OK) == 0;
	}
	fclose(list);
	return all;
}

/* What is meant for the host's own libraries would do harm to ours. */
static bool
is_for_libraries(const char *variable)
{
	static const char *const names[] = {
		"GCONV_PATH=", "GETCONF_DIR=", "GLIBC_TUNABLES=", "LD_",
		"LOCPATH=", "MALLOC_", "NLSPATH=", "OPENSSL_"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* The host's openssl.cnf may be for an OpenSSL of another version. */
static bool
set_environment(const char *application)
{
	char **to = environ;

	for (char **from = environ; *from != NULL; from++)
		if (!is_for_libraries(*from))
			*to++ = *from;
	*to = NULL;
	return setenv("OPENSSL_CONF", "/dev/null", 1) == 0 &&
	    setenv("SWITCHBOARD_HOME", application, 1) == 0;
}

/*
 * Becomes the program, or returns.  Under CGI the arguments are the client's
 * (RFC 3875 section 4.4), so none goes on; after the program's path even those
 * of the command line are nothing to the loader.
 */
static void
become(const char *application, char *program, char **arguments)
{
	static char cache[] = "--inhibit-cache", path[] = "--library-path";
	static struct path loader, libraries;
	char **line;
	size_t n = 0, fixed = 0;

	while (arguments[n] != NULL)
		n++;
	if (!set_environment(application) ||
	    !print_path(&loader, "%s/" LOADER, application) ||
	    !print_path(&libraries, "%s/" LIBRARIES, application) ||
	    (line = calloc(n + 6, sizeof(*line))) == NULL)
		return;
	line[fixed++] = loader.text;
	line[fixed++] = cache;
	line[fixed++] = path;
	line[fixed++] = libraries.text;
	line[fixed++] = program;
	memcpy(line + fixed, arguments, n * sizeof(*line));
	execv(loader.text, line);
	free(line);
}

int
main(int argc, char **argv)
{
	static struct path self, application, program, missing;
	static char *none[] = { NULL };
	char name[32];
	bool is_command;

	if (!find_self(argv[0], &self))
		return fail("its own place is not known", "launcher",
		    "start it by its whole path");
	is_command = strcmp(take_name(self.text, name, sizeof(name)),
	    COMMAND) == 0 && !is_cgi();
	if (!find_application(self.text, &application))
		return fail("the folder switchboard is not found", self.text,
		    "it belongs beside public_html, and to the same user");
	/* These separate the folders of a library path, or stand for others. */
	if (strpbrk(application.text, ":;$") != NULL)
		return fail("a path with a colon, semicolon or dollar sign",
		    application.text, "move it to another folder");
	if (!print_path(&program, "%s/" PROGRAMS "/%s", application.text,
	    name) || *name == '\0' || access(program.text, R_OK) != 0)
		return fail("there is no such program", program.text,
		    "unpack the whole archive again");
	if (!has_libraries(application.text, &missing))
		return fail("a library is not there", missing.text,
		    "unpack the whole archive again");
	become(application.text, program.text, is_command && argc > 1 ?
	    argv + 1 : none);
	return fail("the loader can not be run", application.text,
	    "give " LOADER " in it the permissions 0755");
}
