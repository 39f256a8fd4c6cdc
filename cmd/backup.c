/*
 * switchboard backup: saves the database as it is at one moment, and the key
 * files, beside whoever writes, into one file.  restore.c reads it.
 *
 * One file, since three that belong together get separated: without its keys a
 * restored database logs everybody out.  It is a database like ours, which the
 * tools of SQLite can look into, with a table more.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "copy.h"

#define KEY_FILE_MAX	65536

const struct cmd_key_file cmd_key_files[] = {
	{ "signing-keys.json", "keys" },
	{ "secret", "secret" },
	{ NULL, NULL }
};

struct backup {
	struct cmd	 cmd;
	const char	*path, *partial;
	bool		 keys;		/* the key files go with it */
	int		 kept;		/* how many there were */
	int64_t		 size, taken_at;
};

static enum cmd_exit
complain(const struct backup *b, const char *path, const char *why)
{
	fprintf(stderr, "switchboard backup: %s: %s\n",
	    cmd_visible(b->cmd.pool, path), why);
	return CMD_CREATE;
}

static const char *
folder_of(struct sb_pool *pool, const char *path)
{
	return dirname(sb_copy(pool, path, strlen(path)));
}

/* Where the programs' files are, it could take the place of one. */
static enum cmd_exit
check_path(const struct backup *b, bool force)
{
	const char *folder = folder_of(b->cmd.pool, b->path);
	struct stat st, data;

	if (stat(folder, &st) != 0)
		return complain(b, folder, strerror(errno));
	if (stat(sb_settings.data, &data) == 0 && st.st_dev == data.st_dev &&
	    st.st_ino == data.st_ino)
		return complain(b, b->path, "a backup belongs elsewhere than "
		    "into the data directory");
	if (lstat(b->path, &st) != 0)
		return CMD_OK;
	if (!S_ISREG(st.st_mode))
		return complain(b, b->path, "is there, and no file");
	return force ? CMD_OK : complain(b, b->path, "is there already; "
	    "--force replaces it");
}

/* Made by us, so that nobody else ever reads it. */
static bool
make_partial(const struct backup *b)
{
	int fd;

	/* Of a backup that was killed. */
	unlink(b->partial);
	fd = open(b->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* ------------------------------------------------------------- what it has */

static bool
show(int64_t left, int64_t all)
{
	return cmd_progress("%d %%", all == 0 ? 0 :
	    (int)((all - left) * 100 / all));
}

/* Read after the database: a key that signed one of its tokens is there. */
static bool
keep_file(struct backup *b, struct sb_db *copy, const char *name)
{
	struct sb_pool *pool = b->cmd.pool;
	char *bytes = sb_alloc(pool, KEY_FILE_MAX);
	int fd = open(sb_printf(pool, "%s/%s", sb_settings.data, name),
	    O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT;
	n = sb_read_all(fd, bytes, KEY_FILE_MAX);
	close(fd);
	if (n < 0 || n == KEY_FILE_MAX)
		return false;
	b->kept++;
	return sb_run(copy, SB_Q_BACKUP_PUT, sb_bind("name", name),
	    sb_bind_bytes("bytes", bytes, (size_t)n),
	    sb_bind_int("at", b->taken_at)) == 1;
}

static bool
keep_files(struct backup *b, struct sb_db *copy)
{
	if (!sb_db_script(copy, sb_queries[SB_Q_BACKUP_CREATE].sql, "backup"))
		return false;
	for (const struct cmd_key_file *f = cmd_key_files;
	    b->keys && f->name != NULL; f++)
		if (!keep_file(b, copy, f->name)) {
			complain(b, f->name, "can't be read");
			return false;
		}
	return sb_run(copy, SB_Q_BACKUP_PUT, sb_bind("name", "backup"),
	    sb_bind_bytes("bytes", "", 0),
	    sb_bind_int("at", b->taken_at)) == 1;
}

static bool
fill(struct backup *b)
{
	struct sb_db *copy = sb_db_new_at(SB_STORE_BACKUP, b->partial, false);
	bool done;

	b->taken_at = sb_now();
	sb_db_attach(copy, b->cmd.pool);
	done = sb_db_open(copy, "") && sb_db_snapshot(b->cmd.db) &&
	    sb_db_copy(b->cmd.db, copy, show) && sb_db_settle(copy) &&
	    keep_files(b, copy);
	done = sb_db_finish(copy, done) && done;
	sb_db_free(copy);
	return done;
}

/* ------------------------------------------------------------------ all */

/* For whoever watches that there are backups. */
static void
remember(const struct backup *b)
{
	struct json_object *o = sb_note_new(b->cmd.pool, SB_NOTE_BACKUP,
	    b->taken_at);

	json_object_object_add(o, "file", json_object_new_string(
	    sb_utf8_mend(b->cmd.pool, b->path, strlen(b->path), NULL)));
	json_object_object_add(o, "bytes", json_object_new_int64(b->size));
	sb_note_write(b->cmd.pool, SB_NOTE_BACKUP, o);
}

/* It is there as a whole and on the disk, or not at all. */
static enum cmd_exit
save(struct backup *b)
{
	struct stat st = { 0 };

	if (!make_partial(b))
		return complain(b, b->partial, strerror(errno));
	if (!fill(b)) {
		sb_db_remove(b->partial);
		return cmd_stopped() ? cmd_say_stopped("backup") :
		    complain(b, b->path, "the backup can't be made; the log "
		    "says why");
	}
	if (!sb_sync_path(b->partial) || stat(b->partial, &st) != 0 ||
	    rename(b->partial, b->path) != 0 ||
	    !sb_sync_path(folder_of(b->cmd.pool, b->path))) {
		complain(b, b->path, strerror(errno));
		sb_db_remove(b->partial);
		return CMD_CREATE;
	}
	b->size = (int64_t)st.st_size;
	remember(b);
	return CMD_OK;
}

static enum cmd_exit
run(struct backup *b)
{
	int place = sb_slot_take("backup", 1, 0);
	enum cmd_exit status;

	if (place < 0) {
		fputs("switchboard backup: another one is at work\n", stderr);
		return CMD_UNAVAILABLE;
	}
	cmd_progress_begin("backup");
	status = save(b);
	cmd_progress_end();
	sb_slot_leave(place);
	return status;
}

enum cmd_exit
cmd_backup(char **arguments)
{
	const char *name = "backup", *wrong;
	bool force = false, without = false;
	struct backup b = { .keys = true };
	enum cmd_exit status;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--force", &force }, { "--without-keys", &without },
	    { NULL, NULL } }, &b.path, 1);
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if (b.path == NULL)
		return cmd_lack(name, "FILE");
	b.keys = !without;
	if ((status = cmd_begin(&b.cmd, name)) != CMD_OK)
		return status;
	b.partial = sb_printf(b.cmd.pool, "%s.partial", b.path);
	if ((status = check_path(&b, force)) == CMD_OK)
		status = run(&b);
	return cmd_end(&b.cmd, status, status != CMD_OK ? NULL :
	    sb_printf(b.cmd.pool, "saved the database and %d key file%s in %s, "
	    "%lld bytes", b.kept, b.kept == 1 ? "" : "s",
	    cmd_visible(b.cmd.pool, b.path), (long long)b.size));
}
