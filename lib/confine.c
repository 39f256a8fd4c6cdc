/*
 * What a process gives up before it looks at what comes from outside, for good
 * and for whatever it may become: all files but the data directory's
 * (Landlock), and all calls of the kernel that its work doesn't take
 * (syscalls.c).  So somebody who gets a hold on it gets no further.  serve.c
 * relies on it, and the outbox's worker.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <openssl/conf.h>
#include <openssl/crypto.h>

#include "internal.h"

/*
 * Landlock's interface (linux/landlock.h), which the headers of a system know
 * less of than the kernel that runs; the numbers are those of all machines.
 */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset	444
#define SYS_landlock_add_rule		445
#define SYS_landlock_restrict_self	446
#endif
#define ASK_VERSION	1U
#define PATH_BENEATH	1

struct ruleset {
	uint64_t	 files, net, scoped;
};
struct beneath {
	uint64_t	 rights;
	int32_t		 parent;
} __attribute__((packed));

#define EXECUTE		(UINT64_C(1) << 0)
#define WRITE_FILE	(UINT64_C(1) << 1)
#define READ_FILE	(UINT64_C(1) << 2)
#define READ_DIR	(UINT64_C(1) << 3)
#define REMOVE_DIR	(UINT64_C(1) << 4)
#define REMOVE_FILE	(UINT64_C(1) << 5)
#define MAKE_DIR	(UINT64_C(1) << 7)
#define MAKE_REG	(UINT64_C(1) << 8)
#define MAKE_SOCK	(UINT64_C(1) << 9)
#define REFER		(UINT64_C(1) << 13)
#define TRUNCATE	(UINT64_C(1) << 14)

/* All rights of files, of TCP, and scopes that an ABI has. */
#define FILES(abi)	((UINT64_C(1) << ((abi) >= 5 ? 16 : (abi) >= 3 ? 15 : \
	14)) - 1)
#define NET(abi)	((abi) >= 4 ? UINT64_C(3) : 0)
#define ABSTRACT_UNIX(abi) ((abi) >= 6 ? UINT64_C(1) : 0)
#define SIGNALS(abi)	((abi) >= 6 ? UINT64_C(2) : 0)
#define LEAST_ABI	2	/* before, nothing can change its folder */

#define OF_A_FILE	(EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE)
#define OF_DATA		(WRITE_FILE | READ_FILE | READ_DIR | REMOVE_DIR | \
	REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | REFER | TRUNCATE)
#define TO_READ		(READ_FILE | READ_DIR)

#define NO_DATA		SB_SECOND	/* until who hasn't any ends */
#define NO_LOG		(60 * SB_SECOND)
#define LOOK_EVERY	SB_SECOND	/* at what isn't the data */
#define WATCHED		16

/* A place that was opened up: what is put there later isn't. */
static struct watched {
	const char	*path;
	dev_t		 device;
	ino_t		 number;	/* 0: there was none */
	int64_t		 patience;	/* with that; 0: for ever */
} watched[WATCHED];
static int watching;
static int64_t confined_at, looked_at;
static const char *confined_by;		/* NULL: this process is not */
static struct sb_pool *kept;		/* for their paths */

/* What a sanitizer does at a fault is more than any list has. */
#if defined(__has_feature)
#define HAS_FEATURE(f)	__has_feature(f)
#else
#define HAS_FEATURE(f)	0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    HAS_FEATURE(address_sanitizer) || HAS_FEATURE(memory_sanitizer) || \
    HAS_FEATURE(thread_sanitizer)
#define SANITIZED	true
#else
#define SANITIZED	false
#endif

/* ---------------------------------------------------------------- Landlock */

/* Which one it is; 0: none that is of use. */
static int
landlock(void)
{
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
	    ASK_VERSION);

	return abi < LEAST_ABI ? 0 : (int)abi;
}

/* What is not there is not opened up, nor a folder where a file should be. */
static void
open_up(int ruleset, const char *path, uint64_t rights, struct stat *st)
{
	struct beneath rule = { .rights = rights,
	    .parent = open(path, O_PATH | O_CLOEXEC) };

	*st = (struct stat){ .st_ino = 0 };
	if (rule.parent < 0)
		return;
	if (fstat(rule.parent, st) == 0 && !S_ISDIR(st->st_mode))
		rule.rights &= OF_A_FILE;
	else if (!(rights & READ_DIR)) {
		close(rule.parent);
		return;
	}
	/* A pipe or socket without a name lies nowhere, and needs no rule. */
	if (syscall(SYS_landlock_add_rule, ruleset, PATH_BENEATH, &rule, 0U) !=
	    0 && errno != EBADFD)
		sb_fatal("confinement: Landlock: %s: %s", path,
		    strerror(errno));
	close(rule.parent);
}

static void
read_below(int ruleset, const char *path)
{
	struct stat st;

	open_up(ruleset, path, TO_READ, &st);
}

static void
open_up_watched(int ruleset, const char *path, uint64_t rights,
    int64_t patience)
{
	struct watched *it = &watched[watching];
	struct stat st;

	if (watching == WATCHED)
		sb_fatal("confinement: too many places");
	open_up(ruleset, path, rights, &st);
	*it = (struct watched){ path, st.st_dev, st.st_ino, patience };
	watching++;
}

/*
 * It may be moved at any time: what counts is the file that is open, which may
 * be another one than what was opened up.
 */
static void
open_up_log(int ruleset)
{
	struct watched *it = &watched[watching];
	const char *path = sb_settings.log_file;
	const bool in_file = path != NULL && path[0] == '/';
	struct stat st;

	if (in_file)
		open_up_watched(ruleset, path, WRITE_FILE, NO_LOG);
	if (sb_log_keep(&st) && in_file) {
		it->device = st.st_dev;
		it->number = st.st_ino;
	}
}

/*
 * What a web server's program reads or writes after it has begun.  The first is
 * looked at more often than the others.
 */
static void
open_up_for_all(int ruleset, uint64_t handled)
{
	const char *home = sb_home(kept);

	open_up_watched(ruleset, sb_settings.data, OF_DATA & handled, NO_DATA);
	open_up_log(ruleset);
	/* Pages, which anybody may read. */
	if (home != NULL)
		open_up_watched(ruleset, sb_printf(kept,
		    "%s/share/switchboard", home), TO_READ, 0);
	if (sb_settings.home == NULL)
		open_up_watched(ruleset, SB_PKGDATADIR, TO_READ, 0);
	/* SQLite's. */
	read_below(ruleset, "/dev/urandom");
}

/*
 * For who doesn't have OpenSSL read them beforehand: that takes a tenth of all
 * the time that a request takes by plain CGI.
 */
static void
open_up_openssl(int ruleset)
{
	static const char *const places[] = {
		"/etc/crypto-policies", "/etc/pki/tls/openssl.d",
		"/usr/share/crypto-policies",
	};
	const char *modules = OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
	char *settings = CONF_get1_default_config_file();

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		read_below(ruleset, places[i]);
	if (modules != NULL)
		read_below(ruleset, modules);
	if (settings != NULL)
		read_below(ruleset, settings);
	OPENSSL_free(settings);
}

/*
 * To look a name up, and to know whom to trust.  Some of these are replaced by
 * others at any time, and then this process, too.
 */
static void
open_up_to_send(int ruleset)
{
	static const char *const replaced[] = {
		"/etc/gai.conf", "/etc/host.conf", "/etc/hosts",
		"/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/services",
	};
	static const char *const others[] = {
		"/etc/ld.so.cache", "/etc/pki/ca-trust", "/etc/pki/tls/certs",
		"/etc/ssl/certs", "/lib", "/lib64", "/run/NetworkManager",
		"/run/resolvconf", "/run/systemd/resolve", "/usr/lib",
		"/usr/lib64", "/usr/local/share/ca-certificates",
		"/usr/share/ca-certificates", "/var/lib/ca-certificates",
	};

	for (size_t i = 0; i < sizeof(replaced) / sizeof(replaced[0]); i++)
		open_up_watched(ruleset, replaced[i], TO_READ, 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		read_below(ruleset, others[i]);
}

/* Workers call their parent by a signal, which syscalls.c restricts to that. */
static void
keep_to_places(enum sb_role role, int abi, const char *also)
{
	const bool sends = role == SB_SENDS;
	const struct ruleset all = {
		.files = FILES(abi),
		.net = sends ? 0 : NET(abi),
		.scoped = ABSTRACT_UNIX(abi) |
		    (sb_prefork_parent() != 0 ? 0 : SIGNALS(abi)),
	};
	const int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all,
	    sizeof(all), 0U);

	if (ruleset < 0)
		sb_fatal("confinement: Landlock: %s", strerror(errno));
	open_up_for_all(ruleset, all.files);
	if (role != SB_SERVES)
		open_up_openssl(ruleset);
	if (sends)
		open_up_to_send(ruleset);
	if (also != NULL)
		open_up_watched(ruleset, also, TO_READ, 0);
	if (syscall(SYS_landlock_restrict_self, ruleset, 0U) != 0)
		sb_fatal("confinement: Landlock: %s", strerror(errno));
	close(ruleset);
}

/* ------------------------------------------------------ as long as it lives */

static bool
is_as_it_was(const struct watched *it, int64_t now)
{
	struct stat st;

	if (stat(it->path, &st) != 0)
		return it->number == 0 && (it->patience == 0 ||
		    now < confined_at + it->patience);
	return st.st_dev == it->device && st.st_ino == it->number;
}

bool
sb_confine_holds(void)
{
	const int64_t now = sb_monotonic();
	int n = watching;

	if (now < looked_at + LOOK_EVERY)
		n = n > 1 ? 1 : n;
	else
		looked_at = now;
	for (int i = 0; i < n; i++)
		if (!is_as_it_was(&watched[i], now)) {
			sb_log(SB_DEBUG, "%s is another one: whoever comes "
			    "next sees it", watched[i].path);
			return false;
		}
	return true;
}

const char *
sb_confine_means(struct sb_pool *pool)
{
	const int abi = landlock();
	const bool filter = sb_syscalls_available();

	if (SANITIZED || (abi == 0 && !filter))
		return NULL;
	if (abi == 0)
		return "seccomp alone, as this kernel has no Landlock";
	return sb_printf(pool, "Landlock (ABI %d)%s", abi, filter ?
	    " and seccomp" : " alone, as there is no seccomp");
}

bool
sb_confine_wanted(void)
{
	return sb_settings.confine && !SANITIZED && (landlock() != 0 ||
	    sb_syscalls_available());
}

/* After this the kernel doesn't say what it has. */
static void
give_up(enum sb_role role, const char *also, const char *means)
{
	const int abi = landlock();
	const bool filter = sb_syscalls_available();

	/* It reads files of the system's at its first call. */
	if (role == SB_SERVES)
		OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0)
		sb_fatal("confinement: %s", strerror(errno));
	confined_at = looked_at = sb_monotonic();
	if (abi != 0)
		keep_to_places(role, abi, also);
	if (filter)
		sb_syscalls_allow(role);
	confined_by = means;
	sb_log(SB_DEBUG, "confined by %s", means);
}

const char *
sb_confined_by(void)
{
	return confined_by;
}

void
sb_confine(enum sb_role role, const char *also)
{
	const char *means;

	if (!sb_settings.confine)
		return;
	kept = sb_pool_new();
	if ((means = sb_confine_means(kept)) != NULL) {
		give_up(role, also, means);
		return;
	}
	sb_pool_free(kept);
	sb_log(SB_DEBUG, "not confined: this build, or this kernel, can't be");
}
