/*
 * switchboard work: sends what is in the outbox, several receivers at a time
 * and of all workers one.  It is the only process of ours that has the network
 * for what others have asked; any request may go on without it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "fetch.h"
#include "work.h"

#define LOOKS_APART	(15 * SB_SECOND) /* who wakes us may be killed before */
#define STEP		SB_SECOND	/* until what failed is tried again */
#define SECONDS_MAX	86400

/* How it goes on once nothing is due. */
enum stay { ONCE, FOR_SECONDS, FOR_EVER };

static struct {
	struct work	 work;
	enum stay	 stay;
	int64_t		 end;		/* of FOR_SECONDS; monotonic, as look */
	int64_t		 look_at;
	int		 signals;	/* a descriptor that tells to stop */
	int		 listener;	/* likewise of news; -1: none */
	bool		 stopped, failed;
	int64_t		 sent, postponed;
} run;

/* ------------------------------------------------------------ what it hears */

/* From here on they end what is not in hand. */
static void
catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	run.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run.signals < 0)
		sb_fatal("signalfd: %s", strerror(errno));
}

/* Waits for answers, news and signals, at most that long. */
static void
wait_for(int64_t microseconds)
{
	struct curl_waitfd others[] = {
		{ .fd = run.signals, .events = CURL_WAIT_POLLIN },
		{ .fd = run.listener, .events = CURL_WAIT_POLLIN }
	};
	struct signalfd_siginfo info;
	const int64_t ms = (microseconds + 999) / 1000;

	curl_multi_poll(run.work.multi, others, run.listener < 0 ? 1 : 2,
	    (int)(ms < 0 ? 0 : ms), NULL);
	while (read(run.signals, &info, sizeof(info)) == sizeof(info))
		run.stopped = true;
	if (run.listener >= 0 && sb_wake_drain(run.listener))
		run.look_at = 0;
}

/* ------------------------------------------------------------ what it does */

static int
in_hand(void)
{
	int n = 0;

	for (int i = 0; i < WORK_LANES; i++)
		n += run.work.items[i].pool != NULL;
	return n;
}

static bool
is_over(void)
{
	return run.stopped || (run.stay == FOR_SECONDS &&
	    sb_monotonic() >= run.end) || (run.stay == ONCE && run.failed);
}

/* What was sent is followed by the next of its lane, as long as all fits. */
static void
settle(struct work_item *item)
{
	struct sb_pool *pool = item->pool;
	const bool sent = item->failure == NULL;
	const char *key_id = item->key_id, *session_id = item->session_id;

	/* What can't be written down is sent again: it has the same id. */
	if (!work_settle(&run.work, item) && !run.stopped &&
	    sb_monotonic() < item->began + WORK_LEASE)
		return;
	*item = (struct work_item){ .pool = NULL };
	run.sent += sent;
	run.postponed += !sent;
	if (!sent || run.work.surplus || is_over() ||
	    work_take_next(&run.work, key_id, session_id) < 0)
		run.look_at = 0;
	sb_pool_free(pool);
}

/* Takes the answers that have come, and settles what is open. */
static void
collect(void)
{
	struct work_item *item;
	int running;
	CURLMsg *m;

	curl_multi_perform(run.work.multi, &running);
	while ((m = curl_multi_info_read(run.work.multi, &running)) != NULL) {
		if (m->msg != CURLMSG_DONE || curl_easy_getinfo(m->easy_handle,
		    CURLINFO_PRIVATE, &item) != CURLE_OK)
			continue;
		webhook_sent(&run.work, item, m->data.result);
		settle(item);
	}
	for (int i = 0; i < WORK_LANES; i++) {
		item = &run.work.items[i];
		if (item->pool != NULL && item->curl == NULL &&
		    (run.stopped || sb_monotonic() >= item->settle_at))
			settle(item);
	}
}

/* Takes what is due; from it follows when to look again. */
static void
look(void)
{
	int taken = work_take(&run.work);

	run.failed = taken < 0;
	/* Behind those of a receiver who has his share may be others'. */
	if (taken > 0 && run.work.surplus)
		run.look_at = 0;
	else
		run.look_at = sb_monotonic() + (run.failed ? STEP :
		    work_until_next(&run.work, LOOKS_APART));
}

static int64_t
pause_until(void)
{
	int64_t until = run.look_at;

	if (run.stay == FOR_SECONDS && !is_over() && run.end < until)
		until = run.end;
	for (int i = 0; i < WORK_LANES; i++)
		if (run.work.items[i].pool != NULL &&
		    run.work.items[i].curl == NULL &&
		    run.work.items[i].settle_at < until)
			until = run.work.items[i].settle_at;
	return until - sb_monotonic();
}

/* Until it is over, and nothing is in hand. */
static void
go_on(void)
{
	run.look_at = 0;
	for (;;) {
		collect();
		/*
		 * One that knows more, or can use what was replaced, takes
		 * over where that is looked after.
		 */
		run.stopped |= sb_db_outdated(run.work.db) ||
		    !sb_confine_holds();
		if (!is_over() && in_hand() < WORK_LANES &&
		    sb_monotonic() >= run.look_at)
			look();
		if (in_hand() == 0 && (is_over() || run.stay == ONCE))
			break;
		wait_for(is_over() || in_hand() == WORK_LANES ? STEP :
		    pause_until());
	}
}

/* ------------------------------------------------------------- the only one */

/* A daemon waits until another is done.  As sb_slot_take does. */
static int
take_place(void)
{
	int place;

	while ((place = sb_slot_take(SB_WORKER_SLOT, 1, 0)) == -1 &&
	    run.stay == FOR_EVER && !run.stopped)
		wait_for(STEP);
	return place;
}

static void
say(const char *name, int place)
{
	if (place == -1 && !run.stopped)
		printf("%s: another one is at work\n", name);
	else
		printf("%s: %s%lld sent, %lld to be tried again or given up\n",
		    name, run.stopped ? "stopped; " : "",
		    (long long)run.sent, (long long)run.postponed);
}

/*
 * Whoever commits sees the place taken and relies on us: so after it was left
 * one looks again.
 */
static enum cmd_exit
work(const char *name, bool quiet)
{
	int place;

	do {
		if ((place = take_place()) < 0)
			break;
		go_on();
		sb_slot_leave(place);
	} while (!is_over() && !run.failed && work_is_due(&run.work));
	if (!quiet && place != -2)
		say(name, place);
	if (place == -2) {
		fprintf(stderr, "switchboard %s: %s/" SB_WORKER_SLOT ".slots "
		    "can't be locked; the log says why\n", name,
		    sb_settings.data);
		return CMD_UNAVAILABLE;
	}
	/* Who has no more time leaves it to one who has. */
	if (run.stay == FOR_SECONDS && !run.stopped && !run.failed &&
	    work_is_due(&run.work))
		sb_worker_start();
	return run.failed ? cmd_unavailable(name) : CMD_OK;
}

/* ------------------------------------------------------------- the command */

static enum cmd_exit
work_with(struct cmd *c, bool quiet)
{
	enum cmd_exit status;

	run.work = (struct work){ .db = c->db, .lease = sb_uuid(c->pool),
	    .multi = curl_multi_init() };
	if (run.work.multi == NULL)
		sb_fatal("libcurl: no memory");
	run.listener = run.stay == ONCE ? -1 :
	    sb_wake_listen(c->pool, SB_WORKER_NEWS);
	catch_signals();
	sb_db_finish(c->db, true);
	sb_confine(SB_SENDS, cmd_fetch_trusted());
	status = work(c->name, quiet);
	if (run.listener >= 0)
		sb_wake_end(c->pool, run.listener, SB_WORKER_NEWS);
	curl_multi_cleanup(run.work.multi);
	return status;
}

/* False if it is no number of seconds. */
static bool
read_seconds(const char *text)
{
	long n;

	if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
		return false;
	errno = 0;
	n = strtol(text, NULL, 10);
	if (errno != 0 || n < 1 || n > SECONDS_MAX)
		return false;
	run.stay = FOR_SECONDS;
	run.end = sb_monotonic() + n * SB_SECOND;
	return true;
}

enum cmd_exit
cmd_work(char **arguments)
{
	const char *name = "work", *wrong, *seconds = NULL;
	bool quiet = false, stay = false;
	enum cmd_exit status;
	struct cmd c;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--quiet", &quiet, NULL }, { "--stay", &stay, NULL },
	    { "--for", NULL, &seconds }, { NULL, NULL, NULL } }, NULL, 0);
	if (wrong != NULL && seconds == NULL && strcmp(wrong, "--for") == 0)
		return cmd_lack(name, "--for: SECONDS");
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if (seconds != NULL && stay)
		return cmd_misused(name, "--for and --stay exclude each other");
	if (seconds != NULL && !read_seconds(seconds))
		return cmd_misused(name, "--for: SECONDS has to be from 1 to "
		    "%d", SECONDS_MAX);
	if (stay)
		run.stay = FOR_EVER;
	if ((status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	if (!sb_worker_can_send()) {
		fprintf(stderr, "switchboard %s: there is no network here\n",
		    name);
		status = CMD_UNAVAILABLE;
	} else if ((status = webhook_begin(name)) == CMD_OK) {
		/* Another one may be wanted after this one. */
		if (run.stay == FOR_SECONDS && sb_confine_wanted())
			sb_worker_prepare("switchboard", true);
		status = work_with(&c, quiet);
	}
	sb_db_attach(c.db, c.pool);
	return cmd_end(&c, status, NULL);
}
