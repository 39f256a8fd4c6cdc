/*
 * switchboard init: makes all that a first start needs, for the user that the
 * programs will run as, and says what comes next.  What is there stays as it
 * is.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

struct init {
	struct sb_pool	*pool;
	bool		 production, admin;
	const char	*user;		/* who the programs will run as */
	const char	*operands[2];	/* the administrator */
	bool		 named;		/* the settings file is in there */
	bool		 root;		/* called it */
	bool		 there;		/* the directory was */
	gid_t		 group;		/* of the directory */
	bool		 made;		/* the settings file is new */
};

static enum cmd_exit
refuse(enum cmd_exit status, const char *what, const char *why)
{
	fprintf(stderr, "switchboard init: %s: %s\n", what, why);
	return status;
}

static void
say(const char *verb, const char *what)
{
	printf("%-6s %s\n", verb, what);
}

/* ----------------------------------------------------------- the directory */

static enum cmd_exit
make_directory(struct init *in, const struct passwd *owner)
{
	const char *path = sb_settings.data, *name;
	int folder = cmd_open_above(in->pool, path, &name), fd = -1, error;
	struct stat st;

	if (folder >= 0)
		fd = cmd_make_below(folder, name, owner);
	error = errno;
	if (folder >= 0)
		close(folder);
	if (fd < 0)
		return refuse(CMD_CREATE, path, cmd_folder_error(error));
	if (fstat(fd, &st) == 0)
		in->group = st.st_gid;
	close(fd);
	say("made", sb_printf(in->pool, "%s, for %s alone", path,
	    owner != NULL ? owner->pw_name : "its owner"));
	return CMD_OK;
}

static enum cmd_exit
have_directory(struct init *in)
{
	const struct passwd *owner = in->user == NULL ? NULL :
	    getpwnam(in->user);
	struct stat st;

	if (in->user != NULL && owner == NULL)
		return refuse(CMD_NOT_FOUND, in->user, "there is no such user");
	if (owner != NULL && !in->root && owner->pw_uid != geteuid())
		return refuse(CMD_NOPERM, in->user, "only root can make it for "
		    "somebody else");
	if (stat(sb_settings.data, &st) != 0 && (errno == ENOENT ||
	    errno == ENOTDIR)) {
		if (in->root && owner == NULL)
			return refuse(CMD_USAGE, "--user", "root has to say "
			    "who the programs will run as: --user www-data");
		return make_directory(in, owner);
	}
	if (stat(sb_settings.data, &st) != 0 || !S_ISDIR(st.st_mode))
		return refuse(CMD_UNAVAILABLE, sb_settings.data,
		    "is no directory that can be entered");
	if (owner != NULL && owner->pw_uid != st.st_uid)
		return refuse(CMD_DATA, sb_settings.data, sb_printf(in->pool,
		    "is there, and another's; to change that: chown -R %s: %s",
		    in->user, sb_settings.data));
	in->there = true;
	in->group = st.st_gid;
	return CMD_OK;
}

/* ------------------------------------------------------- the settings file */

/* Every setting, with its default, as a comment. */
static const char *
settings_text(const struct init *in)
{
	struct sb_pool *p = in->pool;
	const char *text = sb_printf(p, "# Settings of switchboard; man "
	    "switchboard.env says more.  What is\n# commented out has its "
	    "default.\n\n%sENVIRONMENT=%s\n", in->production ? "" : "#",
	    in->production ? "production" : "development");

	for (size_t i = 0; i < sb_setting_count; i++) {
		const struct sb_setting *s = &sb_setting_table[i];

		if (s->use != PROGRAMS || strcmp(s->name, "ENVIRONMENT") == 0 ||
		    strcmp(s->name, "SWITCHBOARD_DATA") == 0)
			continue;
		text = sb_printf(p, "%s\n# %s\n#%s=%s\n", text,
		    sb_setting_plain(p, s->doc), s->name,
		    s->fallback == NULL ? "" : s->fallback);
	}
	return text;
}

static bool
write_file(int folder, const char *name, const char *text, gid_t group)
{
	const size_t n = strlen(text);
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0600), error;
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, text, n) == (ssize_t)n && fchown(fd, (uid_t)-1,
	    group) == 0 && fchmod(fd, 0640) == 0 && fsync(fd) == 0;
	error = errno;
	close(fd);
	if (!done)
		unlinkat(folder, name, 0);
	errno = error;
	return done;
}

/* Elsewhere than in the data directory: the programs need only read it. */
static enum cmd_exit
have_outer_file(struct init *in)
{
	const char *path = cmd_settings_path(in->pool), *name, *why;
	int folder = cmd_open_above(in->pool, path, &name);

	in->made = folder >= 0 && write_file(folder, name, settings_text(in),
	    in->group);
	why = cmd_folder_error(errno);
	if (folder >= 0)
		close(folder);
	if (in->made)
		say("made", sb_printf(in->pool, "%s, the settings", path));
	else if (in->production)
		return refuse(CMD_CREATE, path, sb_printf(in->pool, "%s; "
		    "without it, --production can't be kept", why));
	else
		say("lacks", sb_printf(in->pool, "%s: %s; the settings are "
		    "their defaults", path, why));
	return CMD_OK;
}

/* As the owner. */
static enum cmd_exit
have_own_file(struct init *in)
{
	const char *wrong = sb_data_write(".env", settings_text(in), false);

	if (wrong != NULL)
		return refuse(CMD_CREATE, ".env", wrong);
	say("made", sb_printf(in->pool, "%s/.env, the settings",
	    sb_settings.data));
	in->made = true;
	return CMD_OK;
}

/* What is there stays as it is: whoever wants production has to write it. */
static enum cmd_exit
judge_production(struct init *in)
{
	const struct sb_found *found = sb_setting_found;
	const char *now = sb_settings.environment;

	if (!in->production || strcmp(now, "production") == 0)
		return CMD_OK;
	for (const struct sb_setting *s = sb_setting_table;
	    strcmp(s->name, "ENVIRONMENT") != 0; s++)
		found++;
	if (found->origin == ENVIRONMENT)
		return refuse(CMD_DATA, "ENVIRONMENT", sb_printf(in->pool, "is "
		    "%s in the environment, which wins over any file: put "
		    "ENVIRONMENT=production there", now));
	if (sb_settings.env_file == NULL && !in->made)
		return CMD_OK;
	return refuse(CMD_DATA, cmd_settings_path(in->pool), "is there, and "
	    "--production changes nothing in it: put ENVIRONMENT=production "
	    "into it");
}

/* Root could read it, and the programs can't. */
static enum cmd_exit
refuse_file(struct init *in)
{
	const char *path = cmd_quoted(in->pool, sb_settings.env_file);

	return refuse(CMD_SETTINGS, sb_settings.env_file, sb_printf(in->pool,
	    "%s can't read it: %s; to change that: chgrp %u %s && chmod 640 %s",
	    cmd_user_name(in->pool, geteuid()), strerror(errno),
	    (unsigned)getegid(), path, path));
}

/* After root has become the owner. */
static enum cmd_exit
have_settings(struct init *in)
{
	enum cmd_exit status = CMD_OK;

	if (in->there)
		say("there", sb_settings.data);
	if (sb_settings.env_file != NULL) {
		if (access(sb_settings.env_file, R_OK) != 0)
			return refuse_file(in);
		say("there", sb_settings.env_file);
	} else if (in->named)
		status = have_own_file(in);
	else if (!in->root)
		status = have_outer_file(in);
	if (status != CMD_OK || !in->made)
		return status;
	return cmd_read_settings() ? judge_production(in) : CMD_SETTINGS;
}

/* ---------------------------------------------------- what programs make */

static enum cmd_exit
have_database(struct init *in)
{
	struct sb_db *db = sb_db_new(SB_STORE_MAIN);
	const bool anew = sb_is_empty(sb_printf(in->pool, "%s/switchboard.db",
	    sb_settings.data));
	int step = anew ? 0 : sb_db_step(db);
	bool done = anew || step > 0;

	if (anew) {
		done = sb_db_open(db, "admin");
		step = done ? sb_db_step(db) : 0;
	}
	if (done)
		say(anew ? "made" : "there", sb_printf(in->pool,
		    "the database, at schema step %d%s", step,
		    step < sb_db_newest_step() ? "; switchboard migrate brings "
		    "it to this version's" : ""));
	sb_db_free(db);
	return done ? CMD_OK : cmd_unavailable("init");
}

/* What is there, the programs have to read, too. */
static enum cmd_exit
look_for(struct init *in, const char *name, bool *there)
{
	const char *path = sb_printf(in->pool, "%s/%s", sb_settings.data, name);

	*there = access(path, F_OK) == 0;
	return !*there || access(path, R_OK) == 0 ? CMD_OK :
	    refuse(CMD_UNAVAILABLE, path, strerror(errno));
}

/* The programs make both at their first use; now it is seen that they can. */
static enum cmd_exit
have_keys(struct init *in)
{
	struct sb_request rq = { .pool = in->pool };
	bool key, secret, done;
	enum cmd_exit status;
	enum sb_status why;

	if ((status = look_for(in, "signing-keys.json", &key)) != CMD_OK ||
	    (status = look_for(in, "secret", &secret)) != CMD_OK)
		return status;
	rq.db = sb_db_new(SB_STORE_MAIN);
	sb_db_attach(rq.db, in->pool);
	done = (key || sb_key_find(NULL, &why) != NULL) &&
	    (secret || sb_secret_hash(&rq, "init", "") != NULL);
	sb_db_free(rq.db);
	if (!done)
		return cmd_unavailable("init");
	say(key ? "there" : "made", sb_settings.secret_key != NULL ?
	    "the note that SECRET_KEY signs" : "the signing key");
	say(secret ? "there" : "made", "the secret");
	return CMD_OK;
}

/* Anybody could have registered that name before. */
static enum cmd_exit
judge_admin(struct init *in, const struct sb_row *user)
{
	const char *who = cmd_visible(in->pool, in->operands[0]);

	if (sb_row_int(user, "is_admin") == 0)
		return refuse(CMD_DATA, who, sb_printf(in->pool, "is an "
		    "account already, and no administrator's; if it is the "
		    "right one: %s user admin %s on", cmd_own_call(in->pool),
		    cmd_quoted(in->pool, in->operands[0])));
	say("there", sb_printf(in->pool, "the administrator %s", who));
	return CMD_OK;
}

static enum cmd_exit
have_admin(struct init *in)
{
	char *arguments[] = { sb_printf(in->pool, "--admin"),
	    sb_printf(in->pool, "%s", in->operands[0]),
	    sb_printf(in->pool, "%s", in->operands[1]), NULL };
	const struct sb_row *user;
	enum cmd_exit status;
	bool known;
	struct cmd c;

	if ((status = cmd_begin(&c, "init")) != CMD_OK)
		return status;
	user = cmd_find_user(&c, in->operands[0]);
	known = user != NULL;
	status = cmd_end(&c, known ? judge_admin(in, user) : CMD_OK, NULL);
	return status != CMD_OK || known ? status : cmd_user_add(arguments);
}

static enum cmd_exit
run(struct init *in)
{
	enum cmd_exit status;

	if ((status = judge_production(in)) != CMD_OK ||
	    (status = cmd_judge_place(in->pool, in->user)) != CMD_OK ||
	    (status = have_directory(in)) != CMD_OK)
		return status;
	if (in->root && !in->named && sb_settings.env_file == NULL &&
	    (status = have_outer_file(in)) != CMD_OK)
		return status;
	if ((status = cmd_become_owner("init")) != CMD_OK ||
	    (status = have_settings(in)) != CMD_OK ||
	    (status = have_database(in)) != CMD_OK ||
	    (status = have_keys(in)) != CMD_OK ||
	    (in->admin && (status = have_admin(in)) != CMD_OK))
		return status;
	cmd_say_next(in->pool);
	return CMD_OK;
}

enum cmd_exit
cmd_init(char **arguments)
{
	const char *name = "init", *wrong;
	struct init in = { .user = NULL };
	enum cmd_exit status;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--production", &in.production, NULL },
	    { "--admin", &in.admin, NULL }, { "--user", NULL, &in.user },
	    { NULL, NULL, NULL } }, in.operands, 2);
	if (wrong == NULL && !in.admin)
		wrong = in.operands[0];
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if (in.admin && in.operands[1] == NULL)
		return cmd_lack(name, in.operands[0] == NULL ? "NAME" :
		    "ADDRESS");
	if (!cmd_read_settings())
		return CMD_SETTINGS;
	in.root = geteuid() == 0;
	in.pool = sb_pool_new();
	in.named = strcmp(cmd_settings_path(in.pool), sb_printf(in.pool,
	    "%s/.env", sb_settings.data)) == 0;
	status = run(&in);
	sb_pool_free(in.pool);
	return status;
}
