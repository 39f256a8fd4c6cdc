/*
 * The calls of the kernel that the work of a process takes once it has begun;
 * all others fail from then on, by seccomp.  What isn't on the list can neither
 * start a program or a process, nor reach another machine, nor trace, mount or
 * load anything.  confine.c relies on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "internal.h"

/* Machines whose calls these are known to be; their bytes are of one order. */
#if defined(__x86_64__) && !defined(__ILP32__)
#define MACHINE		AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__) && !defined(__ILP32__)
#define MACHINE		AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define MACHINE		AUDIT_ARCH_RISCV64
#else
#define MACHINE		0
#endif

/* Calls since then are told to be unknown, so that libc does without. */
#define KNOWN		SYS_faccessat2

static const int serving[] = {
	/* files */
	SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64,
	SYS_lseek, SYS_close, SYS_close_range, SYS_openat, SYS_newfstatat,
	SYS_fstat, SYS_statx, SYS_statfs, SYS_fstatfs, SYS_faccessat,
	SYS_faccessat2, SYS_readlinkat, SYS_getdents64, SYS_getcwd,
	SYS_unlinkat, SYS_renameat2, SYS_mkdirat, SYS_linkat, SYS_fchmod,
	SYS_fchown, SYS_ftruncate, SYS_fallocate, SYS_fsync, SYS_fdatasync,
	SYS_dup, SYS_dup3, SYS_umask,
#ifdef SYS_open
	SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_unlink,
	SYS_rename, SYS_mkdir, SYS_rmdir, SYS_link, SYS_dup2, SYS_poll,
	SYS_select, SYS_getpgrp, SYS_time,
#endif
#ifdef SYS_renameat
	SYS_renameat,
#endif
	/* time and waiting */
	SYS_ppoll, SYS_pselect6, SYS_nanosleep, SYS_clock_nanosleep,
	SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_setitimer,
	SYS_getitimer, SYS_futex, SYS_sched_yield, SYS_restart_syscall,
	/* sockets that are there */
	SYS_accept, SYS_accept4, SYS_bind, SYS_connect, SYS_getsockname,
	SYS_getpeername, SYS_getsockopt, SYS_setsockopt, SYS_sendto,
	SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_shutdown,
	/* memory */
	SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise, SYS_msync,
	/* signals, and itself */
	SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigpending,
	SYS_rt_sigreturn, SYS_sigaltstack, SYS_getpid, SYS_getppid, SYS_gettid,
	SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getrandom,
	SYS_sysinfo, SYS_uname, SYS_sched_getaffinity, SYS_exit,
	SYS_exit_group,
};

/* Besides: threads that look names up, and connections. */
static const int sending[] = {
	SYS_set_robust_list, SYS_rseq, SYS_pipe2, SYS_eventfd2,
	SYS_socketpair, SYS_sendmmsg, SYS_recvmmsg,
	SYS_timerfd_create, SYS_timerfd_settime, SYS_epoll_create1,
	SYS_epoll_ctl, SYS_epoll_pwait,
#ifdef SYS_open
	SYS_pipe, SYS_eventfd, SYS_epoll_wait,
#endif
};

/* A call that is allowed where some of its arguments have these bits so. */
struct rule {
	int		 call;
	struct {
		int		 argument;
		uint32_t	 mask, value;
	} is[2];
	int		 checks;
};
#define ALL_BITS	UINT32_MAX
#define TYPE		0xfU		/* of a socket, without its flags */

/* The log's socket, and those by which processes wake each other. */
static const struct rule serving_rules[] = {
	{ SYS_socket, { { 0, ALL_BITS, AF_UNIX }, { 1, TYPE, SOCK_DGRAM } },
	    2 },
	/* Of fcntl's: others have the kernel send signals, to anybody. */
	{ SYS_fcntl, { { 1, ALL_BITS, F_DUPFD } }, 1 },
	{ SYS_fcntl, { { 1, ALL_BITS, F_DUPFD_CLOEXEC } }, 1 },
	{ SYS_fcntl, { { 1, ALL_BITS, F_GETFD } }, 1 },
	{ SYS_fcntl, { { 1, ALL_BITS, F_SETFD } }, 1 },
	{ SYS_fcntl, { { 1, ALL_BITS, F_GETFL } }, 1 },
	{ SYS_fcntl, { { 1, ALL_BITS, F_SETFL }, { 2, O_ASYNC, 0 } }, 2 },
	{ SYS_fcntl, { { 1, ALL_BITS, F_GETLK } }, 1 },
	{ SYS_fcntl, { { 1, ALL_BITS, F_SETLK } }, 1 },
	{ SYS_fcntl, { { 1, ALL_BITS, F_SETLKW } }, 1 },
	{ SYS_fcntl, { { 1, ALL_BITS, F_OFD_GETLK } }, 1 },
	{ SYS_fcntl, { { 1, ALL_BITS, F_OFD_SETLK } }, 1 },
	{ SYS_fcntl, { { 1, ALL_BITS, F_OFD_SETLKW } }, 1 },
	/* Nothing that can be run comes in. */
	{ SYS_mmap, { { 2, PROT_EXEC, 0 } }, 1 },
	{ SYS_mprotect, { { 2, PROT_EXEC, 0 } }, 1 },
};

/* Who hasn't the time to load all beforehand. */
static const struct rule loading_rules[] = {
	{ SYS_mmap, { { 0 } }, 0 },
	{ SYS_mprotect, { { 0 } }, 0 },
};

/* No stream to others on this machine: libc asks name servers without, too. */
static const struct rule sending_rules[] = {
	{ SYS_socket, { { 0, ALL_BITS, AF_INET } }, 1 },
	{ SYS_socket, { { 0, ALL_BITS, AF_INET6 } }, 1 },
	{ SYS_socket, { { 0, ALL_BITS, AF_NETLINK } }, 1 },
	{ SYS_ioctl, { { 1, ALL_BITS, FIONREAD } }, 1 },
	{ SYS_clone, { { 0, CLONE_THREAD, CLONE_THREAD } }, 1 },
};

/* ------------------------------------------------------------- the filter */

/*
 * What becomes of each call, by its number.  The kernel goes through a filter
 * with every number when it gets it, so this one is a tree: a list of the same
 * calls takes ten times as long, which plain CGI would feel.
 */
enum fate { REFUSED, ALLOWED, JUDGED };
static unsigned char fates[KNOWN + 1];
static const struct rule *rules[40];	/* for those that are judged */
static size_t rules_used;

#define MOST		1024
static struct sock_filter filter[MOST];
static unsigned short length;

static void
allow(const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fates[calls[i]] = ALLOWED;
}

static void
judge(const struct rule *of, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (rules_used == sizeof(rules) / sizeof(rules[0]))
			sb_fatal("confinement: too many rules");
		fates[of[i].call] = JUDGED;
		rules[rules_used++] = &of[i];
	}
}

static void
add(unsigned short code, uint32_t k, size_t if_so, size_t if_not)
{
	if (length == MOST)
		sb_fatal("confinement: too long a filter");
	filter[length++] = (struct sock_filter){ code, (unsigned char)if_so,
	    (unsigned char)if_not, k };
}

static void
load(size_t offset)
{
	add(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void
answer(uint32_t what)
{
	add(BPF_RET | BPF_K, what, 0, 0);
}

#define IS		(BPF_JMP | BPF_JEQ | BPF_K)
#define IS_FROM		(BPF_JMP | BPF_JGE | BPF_K)
#define REFUSE(error)	(SECCOMP_RET_ERRNO | (error))

/* The lower half of an argument. */
static size_t
argument(int i)
{
	return offsetof(struct seccomp_data, args) + (size_t)i * 8;
}

/* Each check is three long; behind them is the answer. */
static void
add_rule(const struct rule *rule)
{
	const size_t n = (size_t)rule->checks;

	for (size_t i = 0; i < n; i++) {
		load(argument(rule->is[i].argument));
		add(BPF_ALU | BPF_AND | BPF_K, rule->is[i].mask, 0, 0);
		add(IS, rule->is[i].value, 0, 3 * (n - 1 - i) + 1);
	}
	answer(SECCOMP_RET_ALLOW);
}

/* libc tries the older call, clone, if it doesn't know the newer one. */
static void
add_fate(int call)
{
	for (size_t i = 0; i < rules_used; i++)
		if (fates[call] == JUDGED && rules[i]->call == call)
			add_rule(rules[i]);
	answer(fates[call] == ALLOWED ? SECCOMP_RET_ALLOW :
	    REFUSE(call == SYS_clone3 ? ENOSYS : EPERM));
}

/* Whether nobody can tell the two by what becomes of them. */
static bool
are_alike(int a, int b)
{
	return fates[a] == fates[b] && fates[a] != JUDGED &&
	    (a == SYS_clone3) == (b == SYS_clone3);
}

/* For calls from one to another, of which there are starts[0] to starts[n]. */
static void
add_tree(const int *starts, size_t n)
{
	const size_t half = n / 2;
	unsigned short jump;

	if (n == 1) {
		add_fate(starts[0]);
		return;
	}
	add(IS_FROM, (uint32_t)starts[half], 0, 1);
	jump = length;
	add(BPF_JMP | BPF_JA, 0, 0, 0);
	add_tree(starts, half);
	filter[jump].k = (uint32_t)(length - jump - 1);
	add_tree(starts + half, n - half);
}

static void
make(void)
{
	static int starts[KNOWN + 1];
	size_t n = 0;

	for (int call = 0; call <= KNOWN; call++)
		if (call == 0 || !are_alike(call - 1, call))
			starts[n++] = call;
	load(offsetof(struct seccomp_data, arch));
	add(IS, MACHINE, 1, 0);
	answer(REFUSE(EPERM));
	load(offsetof(struct seccomp_data, nr));
	add(IS_FROM, KNOWN + 1, 0, 1);
	answer(REFUSE(ENOSYS));
	add_tree(starts, n);
}

#define ALL(list)	(list), sizeof(list) / sizeof((list)[0])

/* To end by abort(), and to call for another worker. */
static void
judge_signals(void)
{
	static struct rule end = { SYS_tgkill, { { 0, ALL_BITS, 0 } }, 1 };
	static struct rule call = { SYS_kill,
	    { { 0, ALL_BITS, 0 }, { 1, ALL_BITS, SIGUSR2 } }, 2 };
	const pid_t parent = sb_prefork_parent();

	end.is[0].value = (uint32_t)getpid();
	judge(&end, 1);
	call.is[0].value = (uint32_t)parent;
	judge(&call, parent != 0);
}

static void
choose(enum sb_role role)
{
	static const int giving[] = { SYS_fchownat };

	allow(ALL(serving));
	/* What root makes it gives to the owner of the data. */
	if (geteuid() == 0)
		allow(ALL(giving));
	judge(ALL(serving_rules));
	if (role != SB_SERVES)
		judge(ALL(loading_rules));
	if (role == SB_SENDS) {
		allow(ALL(sending));
		judge(ALL(sending_rules));
	}
	judge_signals();
}

bool
sb_syscalls_available(void)
{
	const uint32_t action = SECCOMP_RET_ERRNO;

	return MACHINE != 0 && syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL,
	    0U, &action) == 0;
}

/* Kernels before 5.16 make what is confined slower unless told not to. */
void
sb_syscalls_allow(enum sb_role role)
{
	const struct sock_fprog program = { .filter = filter };
	struct sock_fprog all = program;

	choose(role);
	make();
	all.len = length;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_SPEC_ALLOW, &all) != 0)
		sb_fatal("confinement: seccomp: %s", strerror(errno));
}
