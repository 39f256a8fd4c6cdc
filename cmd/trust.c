/*
 * Whether a path leads where it seems to, whoever else there is: root works, or
 * becomes whose it is, only where nobody but root and that owner could have led
 * it.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

#define LINKS_MAX	40		/* as the kernel's */

struct walk {
	uid_t	 owner;
	char	 at[PATH_MAX];		/* where it has come, without links */
	char	 rest[PATH_MAX];	/* what is still to be gone */
	int	 links;
};

/* Takes the next step off the rest; false where there is none. */
static bool
next_step(struct walk *w, char *step, size_t size)
{
	const char *from = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(from, "/");

	if (n == 0 || n >= size)
		return false;
	memcpy(step, from, n);
	step[n] = '\0';
	memmove(w->rest, from + n, strlen(from + n) + 1);
	return true;
}

static void
go_up(struct walk *w)
{
	char *slash = strrchr(w->at, '/');

	if (slash != NULL)
		*slash = '\0';
}

/* Goes on where a link leads; false if that is nowhere. */
static bool
follow(struct walk *w)
{
	char to[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlink(w->at, to, sizeof(to) - 1);

	if (n <= 0 || ++w->links > LINKS_MAX)
		return false;
	to[n] = '\0';
	if (snprintf(rest, sizeof(rest), "%s/%s", to, w->rest) >=
	    (int)sizeof(rest))
		return false;
	memcpy(w->rest, rest, sizeof(rest));
	if (to[0] == '/')
		w->at[0] = '\0';
	else
		go_up(w);
	return true;
}

/*
 * Root's own folder is no guarantee where others may put something into it: in
 * a sticky one they can't replace what is not theirs, but own what they made.
 */
static bool
is_open_to_others(const struct walk *w, const struct stat *st)
{
	bool is_last = w->rest[strspn(w->rest, "/")] == '\0';

	return st->st_uid == 0 && (st->st_mode & 022) != 0 &&
	    (is_last || (st->st_mode & S_ISVTX) == 0);
}

static bool
go(struct walk *w, const char *step, struct stat *st)
{
	size_t n = strlen(w->at);

	if (strcmp(step, ".") == 0)
		return true;
	if (strcmp(step, "..") == 0) {
		go_up(w);
		return true;
	}
	if ((size_t)snprintf(w->at + n, sizeof(w->at) - n, "/%s", step) >=
	    sizeof(w->at) - n || lstat(w->at, st) != 0)
		return false;
	if (st->st_uid != 0 && st->st_uid != w->owner)
		return false;
	return S_ISLNK(st->st_mode) ? follow(w) : !is_open_to_others(w, st);
}

bool
cmd_is_trusted(const char *path, uid_t owner, char *where, size_t size)
{
	struct walk w = { .owner = owner };
	char step[NAME_MAX + 1];
	struct stat st = { .st_uid = 0 };
	bool good = path[0] == '/' &&
	    snprintf(w.rest, sizeof(w.rest), "%s", path) < (int)sizeof(w.rest);

	while (good && next_step(&w, step, sizeof(step)))
		good = go(&w, step, &st);
	good = good && w.rest[strspn(w.rest, "/")] == '\0' &&
	    st.st_uid == owner;
	snprintf(where, size, "%s", w.at[0] == '\0' ? path : w.at);
	return good;
}
