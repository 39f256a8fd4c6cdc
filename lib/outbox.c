/*
 * What is to be sent to webhooks: it is written in the transaction that is the
 * reason for it.  Requests send nothing; after the commit they see to it that
 * somebody does.  Whoever decides feedback requests relies on it.
 */
#include "internal.h"

#define WAITING_MAX	1000	/* for one key */

static bool wanted;		/* something was put in since the last commit */

void
sb_outbox_add(struct sb_request *rq, const char *user_id,
    const char *session_id, int64_t number, const char *type)
{
	const struct sb_row *key = sb_all(rq->db, SB_Q_OUTBOX_KEYS,
	    sb_bind("user", user_id));

	for (; key != NULL; key = key->next) {
		sb_run(rq->db, SB_Q_OUTBOX_ADD,
		    sb_bind("id", sb_uuid(rq->pool)),
		    sb_bind("key", sb_row_text(key, "id")),
		    sb_bind("session", session_id),
		    sb_bind_int("number", number), sb_bind("type", type),
		    sb_bind_int("most", WAITING_MAX));
		wanted = true;
	}
}

/* If that was rolled back, a worker finds nothing to do, and ends. */
void
sb_outbox_committed(struct sb_request *rq)
{
	if (!wanted)
		return;
	wanted = false;
	sb_worker_expect();
	sb_worker_call(rq->pool);
}
