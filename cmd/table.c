/*
 * The commands, and what is said of them: --help, the manual's page and bash's
 * completion are made from here.
 */
#include <string.h>

#include "table.h"

/* Commands of one name stand together, each with an action of its own. */
const struct cmd_row cmd_table[] = {
	{ "init", NULL, "[OPTION...]", "make all that a first start needs",
	  "Makes what isn't there yet, and leaves the rest as it is: the\n"
	  "data directory, a settings file in which every setting stands as\n"
	  "a comment, the database, the signing key and the secret. Then it\n"
	  "says what comes next. Where a settings file is found, as --help\n"
	  "says, it is only named. A new one is .env in the directory, if\n"
	  "SWITCHBOARD_DATA names that; else it is for root to make, in\n"
	  SB_SYSCONFDIR ".\n"
	  "\n"
	  "  --production\n"
	  "              the settings file says ENVIRONMENT=production\n"
	  "  --user USER make the directory for that user, as whom the\n"
	  "              programs will run; root has to say it\n"
	  "  --admin NAME ADDRESS\n"
	  "              make an administrator's account, too; the password\n"
	  "              is asked for as user add does\n",
	  cmd_init },
	{ "check", NULL, "[--json] [--url URL]",
	  "look for what is wrong with the installation",
	  "Looks at the settings, the data directory, the database, the\n"
	  "keys, the clock, the disk, and when tick and backup were last\n"
	  "through, and says what is ok, what is unwise and what is broken;\n"
	  "of the last two, how to mend it. Nothing is changed. Give it the\n"
	  "settings that the programs have. It ends with 1 if something is\n"
	  "broken.\n"
	  "\n"
	  "  --json      the same for programs: of each finding grade\n"
	  "              (green, yellow, red), area, check, sentence and fix\n"
	  "  --url URL   look, too, at what comes through the web server;\n"
	  "              URL is that of the installation's root\n",
	  cmd_check },
	{ "settings", NULL, "[--json | --markdown]",
	  "list the settings: values, where they come from, meaning",
	  "Lists every setting with its value, where that comes from\n"
	  "(default, file, environment) and what it is for; then what\n"
	  "deserves a look: a value that counts as not set, a name in the\n"
	  "file that is no setting. Secrets are never shown.\n"
	  "\n"
	  "  --json      the same for programs, and what is accepted\n"
	  "  --markdown  the README's table: defaults, what is accepted\n",
	  cmd_settings },
	{ "migrate", NULL, "", "bring the database to this version's schema",
	  "Makes the database in the data directory, or brings it to the\n"
	  "schema of this version. The programs do so by themselves, too;\n"
	  "at an update it is good to see it done before there are\n"
	  "requests.\n",
	  cmd_migrate },
	{ "user", "list", "[--json] [TEXT]", "list the users",
	  "Lists the users in the order of their names: name, address,\n"
	  "whether they are active or disabled, when they registered, and\n"
	  "how many of their logins are alive. With TEXT only those in\n"
	  "whose name or address it occurs, in any case.\n"
	  "\n"
	  "  --json      the same for programs, and the ids\n",
	  cmd_user_list },
	{ "user", "show", "[--json] USER", "show all that is known of a user",
	  "Shows the account: id, name, address, whether it is active and an\n"
	  "administrator's, when it registered, its logins that are alive,\n"
	  "when it was last used, and how its password is hashed.\n"
	  "\n"
	  "  --json      the same for programs\n",
	  cmd_user_show },
	{ "user", "add", "[--admin] NAME ADDRESS", "make an account",
	  "Makes an account of that name and email address, by the rules of\n"
	  "a registration. The password is asked for, twice; where standard\n"
	  "input is no terminal, it is its first line. Nothing else takes\n"
	  "one: arguments and settings can be seen by others.\n"
	  "\n"
	  "  --admin     make it an administrator's\n",
	  cmd_user_add },
	{ "user", "passwd", "USER", "set a user's password",
	  "Sets a new password, which is asked for as user add does, and ends\n"
	  "all logins of the user, as a change by the user does.\n",
	  cmd_user_passwd },
	{ "user", "logout", "USER", "end all logins of a user",
	  "The tokens of all the user's logins are refused from the next\n"
	  "request on. It is login revoke --all.\n",
	  cmd_user_logout },
	{ "user", "delete", "[--yes] USER", "delete an account",
	  "Deletes the account and all that is its own; its name and address\n"
	  "are free then. There is no way back but a backup.\n"
	  "\n"
	  "  --yes       don't ask whether that is meant; without a terminal\n"
	  "              there is nobody to ask\n",
	  cmd_user_delete },
	{ "user", "disable", "USER", "stop a user's tokens and logins",
	  "From the next request on the user's tokens are refused, and\n"
	  "nobody can log in as that user. Nothing is deleted.\n",
	  cmd_user_disable },
	{ "user", "enable", "USER", "undo that",
	  "The user can log in again; tokens that have not expired and are\n"
	  "of no revoked login are good again.\n",
	  cmd_user_enable },
	{ "user", "admin", "USER on|off", "make somebody an administrator",
	  "Makes the user an administrator, or takes that away.\n",
	  cmd_user_admin },
	{ "key", "list", "[--json]", "list the keys that sign tokens",
	  "Lists the keys: whether they are SECRET_KEY or in the key file of\n"
	  "the data directory, since when they sign, until when they verify.\n"
	  "No secret is shown.\n"
	  "\n"
	  "  --json      the same for programs\n",
	  cmd_key_list },
	{ "key", "rotate", "", "make a new key, and log nobody out",
	  "Without SECRET_KEY the new key is added to the key file and signs\n"
	  "from now on. With SECRET_KEY the new value for it is printed, as a\n"
	  "line of the settings file; each program knows it already, as it\n"
	  "does the old one, so that they can be changed one by one.\n"
	  "Programs that run see the change within two seconds. Give this\n"
	  "command the settings that they have.\n",
	  cmd_key_rotate },
	{ "key", "retire", "KID", "take a key out of use at once",
	  "For a key that has leaked: its tokens are refused from then on.\n"
	  "KID may be cut to 4 digits. The key that signs can't go: rotate\n"
	  "first.\n",
	  cmd_key_retire },
	{ "login", "list", "[--json] [--all] USER", "list a user's logins",
	  "Lists the logins of the user that are alive: id, when it began,\n"
	  "when it last got tokens, when it expires, and from where.\n"
	  "\n"
	  "  --all       also those that are revoked, or have expired\n"
	  "  --json      the same for programs\n",
	  cmd_login_list },
	{ "login", "revoke", "ID | --all USER", "end a login, or all of a user",
	  "The login's tokens are refused from the next request on. ID is\n"
	  "as login list shows it.\n"
	  "\n"
	  "  --all       all logins of that user\n",
	  cmd_login_revoke },
	{ "agent", "list", "[--json] [USER]", "list the keys of agents",
	  "Lists the keys that agents call with: id, whose it is, its name,\n"
	  "what it is for, whether it has a webhook, and when it was made.\n"
	  "With USER only that user's. No key and no secret is shown: the\n"
	  "database hasn't them.\n"
	  "\n"
	  "  --json      the same for programs\n",
	  cmd_agent_list },
	{ "agent", "revoke", "ID", "take an agent's key away",
	  "What is asked for with the key is refused from the next request\n"
	  "on, and nothing more is sent to its webhook. ID is as agent list\n"
	  "shows it. There is no way back: its owner makes another.\n",
	  cmd_agent_revoke },
	{ "limits", "show", "[--json] [USER | IP | KEY]",
	  "show what counts against rate limits now",
	  "Shows the counts that are not over: how much of which limit is\n"
	  "used, and when one more may come. With USER those of the user's\n"
	  "requests, of the user's agents, which count a key each, and of\n"
	  "wrong passwords, also for a name that nobody has; with IP those\n"
	  "of that address, or its network of IPv6; with KEY, as it is\n"
	  "shown, that one. NAME is the user's, where it can be told. Give\n"
	  "this command the settings that the programs have.\n"
	  "\n"
	  "  --json      the same for programs\n",
	  cmd_limits_show },
	{ "limits", "reset", "USER | IP | KEY | --all", "forget what counts",
	  "Deletes the counts that limits show shows of the same.\n"
	  "\n"
	  "  --all       all of them\n",
	  cmd_limits_reset },
	{ "backup", NULL, "[--force] [--without-keys] FILE",
	  "save the database and the keys in a file",
	  "Saves the database as it is at one moment, while the programs go\n"
	  "on, and the files of keys, signing-keys.json and secret. FILE is\n"
	  "there when it is complete and on the disk, or not at all; it is\n"
	  "readable for its owner alone, and should stay so: with its keys\n"
	  "one can be anybody. It is an SQLite database, with the keys in a\n"
	  "table of their own, backup_files. Settings and the counts of rate\n"
	  "limits are not in it. Root becomes the owner of the data directory\n"
	  "first, who has to be able to write where FILE is to be.\n"
	  "\n"
	  "  --force     replace a FILE that is there\n"
	  "  --without-keys\n"
	  "              save the database alone\n",
	  cmd_backup },
	{ "restore", NULL, "[--force] [--without-keys] FILE",
	  "put back what backup has saved",
	  "Checks the file, brings it to the schema of this version beside\n"
	  "the database, and then puts it in the place of all that is there,\n"
	  "in one transaction; the key files follow. The programs may run on:\n"
	  "each request sees what was there before, or what is there then.\n"
	  "Who has got tokens since the backup has to log in again. A key\n"
	  "that was retired since then is back: retire it once more.\n"
	  "\n"
	  "A database that is damaged beyond being opened is only replaced\n"
	  "while no program has it open: stop them.\n"
	  "\n"
	  "  --force     replace a database that is there\n"
	  "  --without-keys\n"
	  "              leave the keys as they are\n",
	  cmd_restore },
	{ "export", NULL, "[--json-lines | --csv]", "print all accounts",
	  "Prints all accounts, as they are at one moment, as import reads\n"
	  "them: a JSON object a line with id, username, email,\n"
	  "password_hash, is_active, is_admin and created_at; or the same as\n"
	  "CSV (RFC 4180), with a first line that names the columns. The\n"
	  "hashes are secrets. Logins are not in it.\n"
	  "\n"
	  "  --json-lines\n"
	  "              JSON, which it is anyway\n"
	  "  --csv       CSV\n",
	  cmd_export },
	{ "import", NULL, "[OPTION...] FILE", "make accounts from a file",
	  "Makes an account of each line of FILE, - for standard input: all\n"
	  "of them, or none if a line is refused. A line is a JSON object, or\n"
	  "one of CSV (RFC 4180), whose first line names the columns, in\n"
	  "UTF-8. There must be username, email and password_hash, of scrypt\n"
	  "($s1$) or bcrypt ($2a$, $2b$, $2y$, which is renewed at the first\n"
	  "login); there may be id, is_active, is_admin and created_at. Names\n"
	  "and addresses are held to the rules of a registration. Each line\n"
	  "that is refused is told on standard error, with its number and all\n"
	  "that is wrong with it. Whoever writes waits meanwhile, up to 2 s:\n"
	  "import many accounts at a quiet time.\n"
	  "\n"
	  "  --dry-run   try it on a copy of the database, beside everybody\n"
	  "  --skip-refused\n"
	  "              import the lines that are not refused\n"
	  "  --report REPORT\n"
	  "              tell of refused lines in that file\n"
	  "  --csv       FILE is CSV; else that is told by how it begins\n"
	  "  --json-lines\n"
	  "              FILE is JSON lines\n",
	  cmd_import },
	{ "stats", NULL, "[--json]", "count what there is",
	  "Counts accounts, logins, tokens, webhooks that wait or are dead,\n"
	  "counts of limits, chat sessions, messages, pending requests and\n"
	  "the keys of agents; shows the schema's step, the sizes of the\n"
	  "files, and the last backup. What has just run out of time counts\n"
	  "until somebody looks at it, or tick does.\n"
	  "\n"
	  "  --json      the same for programs\n",
	  cmd_stats },
	{ "tick", NULL, "[--quiet]", "delete what has expired",
	  "Ends chat sessions and expires feedback requests whose time is\n"
	  "over; deletes logins, counts, keys, answers kept for repeats and\n"
	  "dead webhooks that are of no more use; a few at a time, so that\n"
	  "requests needn't wait. Without it everything is as correct, but\n"
	  "the files grow: call it once an hour or a day, from cron or a\n"
	  "timer. A second one beside it does nothing. A signal to stop ends\n"
	  "it early, and what was done stays.\n"
	  "\n"
	  "  --quiet     say nothing but what went wrong\n",
	  cmd_tick },
	{ "work", NULL, "[--quiet] [--for SECONDS | --stay]",
	  "send what webhooks are to get",
	  "Sends what is due in the outbox, and what becomes due meanwhile,\n"
	  "several receivers at a time; what fails is tried again after 1 s,\n"
	  "4 s, 16 s and so on, ten times in about 3.4 hours. A second one\n"
	  "beside it does nothing. Where none runs, the programs start one\n"
	  "when there is something to send, for 20 s at most; one that stays,\n"
	  "or one each minute from cron, sees to what is tried again later. A\n"
	  "signal to stop lets it finish what it has in hand, 10 s at most.\n"
	  "\n"
	  "  --for SECONDS\n"
	  "              begin what comes for that long, 1 to 86400\n"
	  "  --stay      stay until a signal to stop; wait while another is\n"
	  "              at work\n"
	  "  --quiet     say nothing but what went wrong\n",
	  cmd_work },
	{ "outbox", "list", "[--json] [--dead]",
	  "list what webhooks are to get",
	  "Lists what is not sent yet, the oldest first: its id, which the\n"
	  "receiver gets as webhook-id; whose key it goes to; how often it\n"
	  "was tried, when it will be next, and why it failed last. What has\n"
	  "to wait for an earlier one of its chat session is behind. What was\n"
	  "given up is dead, and tick deletes it after 30 days.\n"
	  "\n"
	  "  --dead      only those\n"
	  "  --json      the same for programs\n",
	  cmd_outbox_list },
	{ "outbox", "retry", "ID | --all", "send what is dead after all",
	  "Makes it due now, with ten attempts from the first on; what came\n"
	  "after it in the same chat session may have been sent already. ID\n"
	  "is as outbox list shows it; one that is to be tried later is tried\n"
	  "now. Where no worker works, one is started.\n"
	  "\n"
	  "  --all       all that is dead\n",
	  cmd_outbox_retry },
	{ "outbox", "drop", "ID", "delete what is to be sent",
	  "Deletes it, dead or not, and what comes after it in the same chat\n"
	  "session can be sent.\n",
	  cmd_outbox_drop },
	{ "completion", "bash", "", "print what lets bash complete commands",
	  "Prints a script for bash, which the installation has in\n"
	  "share/bash-completion/completions. Without that:\n"
	  "\n"
	  "eval \"$(switchboard completion bash)\"\n",
	  cmd_completion_bash },
	/* The build makes the manual's pages by these. */
	{ "manual", "switchboard", "", NULL,
	  "Prints switchboard(1) in mdoc.\n", cmd_manual_switchboard },
	{ "manual", "settings", "", NULL,
	  "Prints switchboard.env(5) in mdoc.\n", cmd_manual_settings },
};
const int cmd_rows = sizeof(cmd_table) / sizeof(cmd_table[0]);

const char cmd_introduction[] =
    "switchboard is the command line of the switchboard backend: it shows\n"
    "an installation's settings and looks after its data directory.\n\n";

/* The README has the same in a sentence. */
const char cmd_sources[] =
    "The settings come from the environment, which wins, and from one file\n"
    "of NAME=value lines: the one that SWITCHBOARD_ENV_FILE names; else the\n"
    "first that is there of .env in the folder that SWITCHBOARD_DATA names,\n"
    "../etc/switchboard.env beside the folder of this program, and\n"
    SB_SYSCONFDIR "/switchboard.env. Where SWITCHBOARD_HOME names the\n"
    "folder of an installation, its etc/switchboard.env stands for the last\n"
    "two.\n"
    "The data directory is the one that SWITCHBOARD_DATA names; else data in\n"
    "SWITCHBOARD_HOME; else\n"
    SB_LOCALSTATEDIR "/lib/switchboard. Only its owner may work in it,\n"
    "which is who the programs run as; root becomes that owner at once. Where\n"
    "there is none yet, it will belong to who calls.\n";

const struct cmd_status cmd_statuses[] = {
	{ CMD_OK, "done" },
	{ CMD_BROKEN, "check has found something that is broken" },
	{ CMD_USAGE, "the command or its arguments are not understood" },
	{ CMD_DATA, "what was given is not accepted" },
	{ CMD_INPUT, "a file that was named can't be read" },
	{ CMD_NOT_FOUND,
	    "there is no such user, login, key, or thing to be sent" },
	{ CMD_UNAVAILABLE,
	    "the database is busy, or can't be opened or written" },
	{ CMD_INTERNAL, "the installation is broken; the log says how" },
	{ CMD_CREATE, "a file that was named can't be made or written" },
	{ CMD_OUTPUT, "the output can't be written" },
	{ CMD_NOPERM, "the data directory isn't the caller's" },
	{ CMD_SETTINGS, "a setting, or the settings file, is not accepted" },
	{ CMD_OK, NULL }
};

bool
cmd_has_actions(const char *name)
{
	int n = 0;

	for (int i = 0; i < cmd_rows; i++)
		n += strcmp(cmd_table[i].name, name) == 0;
	return n > 1;
}

const char *
cmd_next_option(const char *more, size_t *length)
{
	while (more != NULL && *more != '\0') {
		if (strncmp(more, "  --", 4) == 0) {
			*length = strcspn(more + 2, " \n");
			return more + 2;
		}
		more = strchr(more, '\n');
		more = more == NULL ? NULL : more + 1;
	}
	return NULL;
}
