/*
 * A program of the tests: a route for each kind and place of a field, and
 * handlers that break their word on purpose.  tests/api/sample.bats calls it.
 */
#include <signal.h>
#include <string.h>

#include "sb.h"

/* ----------------------------------------------------- every kind of field */

static const char *const grants[] = { "password", NULL };
static const char *const formats[] = { "text", "json", NULL };
static const char *const channels[] = { "websocket", "email", "slack", NULL };

static const char *
not_root(struct sb_pool *pool, const char *value)
{
	return value[0] == '/' ? sb_printf(pool, "must not begin with /, as "
	    "%s does", value) : NULL;
}

enum { ALL_TEXT, ALL_SECRET, ALL_EMAIL, ALL_COUNT, ALL_LOUD, ALL_GRANT,
    ALL_FORMAT, ALL_CHANNEL, ALL_ID, ALL_PATH, ALL_LETTERS };
static const struct sb_field all_in[] = {
	[ALL_TEXT] = { "text", SB_TEXT, "A text.", 3, 5 },
	[ALL_SECRET] = { "secret", SB_SECRET, "A secret.", 8, 64 },
	[ALL_EMAIL] = { "email", SB_EMAIL, "An address.",
	    .wrong = sb_email_wrong, .example = "ann@example.com" },
	[ALL_COUNT] = { "count", SB_INT, "A number.", 1, 100 },
	[ALL_LOUD] = { "loud", SB_BOOL, "A flag." },
	[ALL_GRANT] = { "grant", SB_ENUM, "One of one.", .choices = grants },
	[ALL_FORMAT] = { "format", SB_ENUM, "One of two.",
	    .choices = formats },
	[ALL_CHANNEL] = { "channel", SB_ENUM, "One of three.",
	    .choices = channels },
	[ALL_ID] = { "id", SB_UUID, "An id." },
	[ALL_PATH] = { "path", SB_TEXT, "A judged text.", .optional = true,
	    .wrong = not_root },
	[ALL_LETTERS] = { "letters", SB_TEXT, "A text of letters.", 1, 0,
	    .optional = true, .pattern = "^[a-z]+$" },
	SB_END
};

enum { NUMBERS_COUNT, NUMBERS_LOUD };
static const struct sb_field numbers_out[] = {
	[NUMBERS_COUNT] = { "count", SB_INT, "A number." },
	[NUMBERS_LOUD] = { "loud", SB_BOOL, "A flag." },
	SB_END
};

enum { CHOSEN_GRANT, CHOSEN_NUMBERS, CHOSEN_CHANNEL };
static const struct sb_field chosen_out[] = {
	[CHOSEN_GRANT] = { "grant", SB_ENUM, "One of one.",
	    .choices = grants },
	[CHOSEN_NUMBERS] = { "numbers", SB_OBJECT, "What isn't text.",
	    .fields = numbers_out },
	[CHOSEN_CHANNEL] = { "channel", SB_ENUM, "One of three.",
	    .choices = channels },
	SB_END
};

enum { OUT_TEXT, OUT_EMAIL, OUT_CHOSEN, OUT_ID, OUT_PATH, OUT_LETTERS,
    OUT_AT };
static const struct sb_field all_out[] = {
	[OUT_TEXT] = { "text", SB_TEXT, "A text." },
	[OUT_EMAIL] = { "email", SB_EMAIL, "An address." },
	[OUT_CHOSEN] = { "chosen", SB_OBJECT, "What was chosen.",
	    .fields = chosen_out },
	[OUT_ID] = { "id", SB_UUID, "An id." },
	[OUT_PATH] = { "path", SB_TEXT, "A text.", .optional = true },
	[OUT_LETTERS] = { "letters", SB_TEXT, "A text.", .optional = true },
	[OUT_AT] = { "at", SB_TIME, "A time." },
	SB_END
};

static enum sb_status
all(struct sb_request *rq, struct sb_response *rs)
{
	sb_put_text(rs, OUT_TEXT, sb_text(rq, ALL_TEXT));
	sb_put_text(rs, OUT_EMAIL, sb_text(rq, ALL_EMAIL));
	sb_open(rs, OUT_CHOSEN);
	sb_put_text(rs, CHOSEN_GRANT, sb_text(rq, ALL_GRANT));
	sb_open(rs, CHOSEN_NUMBERS);
	sb_put_int(rs, NUMBERS_COUNT, sb_int(rq, ALL_COUNT));
	sb_put_bool(rs, NUMBERS_LOUD, sb_bool(rq, ALL_LOUD));
	sb_close(rs);
	sb_put_text(rs, CHOSEN_CHANNEL, sb_text(rq, ALL_CHANNEL));
	sb_close(rs);
	sb_put_text(rs, OUT_ID, sb_text(rq, ALL_ID));
	if (sb_has(rq, ALL_PATH))
		sb_put_text(rs, OUT_PATH, sb_text(rq, ALL_PATH));
	sb_put_text(rs, OUT_LETTERS, sb_text(rq, ALL_LETTERS));
	sb_put_time(rs, OUT_AT, INT64_C(1760439227237987));
	return SB_OK;
}

/* ------------------------------------------------------------ every place */

enum { LIST_LIMIT, LIST_ACTIVE, LIST_CHANNEL, LIST_BEFORE, LIST_NAME };
static const struct sb_field list_in[] = {
	[LIST_LIMIT] = { "limit", SB_INT, "How many.", 1, 100, SB_IN_QUERY },
	[LIST_ACTIVE] = { "active", SB_BOOL, "A flag.", .in = SB_IN_QUERY },
	[LIST_CHANNEL] = { "channel", SB_ENUM, "One of three.",
	    .in = SB_IN_QUERY, .optional = true, .choices = channels },
	[LIST_BEFORE] = { "before", SB_UUID, "An id.", .in = SB_IN_QUERY,
	    .optional = true },
	[LIST_NAME] = { "name", SB_TEXT, "A name.", 2, 4, SB_IN_QUERY, true },
	SB_END
};
static const struct sb_field list_out[] = {
	[LIST_LIMIT] = { "limit", SB_INT, "How many." },
	[LIST_ACTIVE] = { "active", SB_BOOL, "A flag." },
	[LIST_CHANNEL] = { "channel", SB_ENUM, "One of three.",
	    .optional = true, .choices = channels },
	[LIST_BEFORE] = { "before", SB_UUID, "An id.", .optional = true },
	[LIST_NAME] = { "name", SB_TEXT, "A name.", .optional = true },
	SB_END
};

static enum sb_status
list(struct sb_request *rq, struct sb_response *rs)
{
	sb_put_int(rs, LIST_LIMIT, sb_int(rq, LIST_LIMIT));
	sb_put_bool(rs, LIST_ACTIVE, sb_bool(rq, LIST_ACTIVE));
	sb_put_text(rs, LIST_CHANNEL, sb_text(rq, LIST_CHANNEL));
	sb_put_text(rs, LIST_BEFORE, sb_text(rq, LIST_BEFORE));
	sb_put_text(rs, LIST_NAME, sb_text(rq, LIST_NAME));
	return SB_OK;
}

enum { ITEM_ID };
static const struct sb_field item_in[] = {
	[ITEM_ID] = { "id", SB_UUID, "Whose id.", .in = SB_IN_PATH },
	SB_END
};
static const struct sb_field item_out[] = {
	[ITEM_ID] = { "id", SB_UUID, "Its id." },
	SB_END
};

static enum sb_status
item(struct sb_request *rq, struct sb_response *rs)
{
	sb_put_text(rs, ITEM_ID, sb_text(rq, ITEM_ID));
	return SB_OK;
}

static enum sb_status
nothing(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	(void)rs;
	return SB_NO_CONTENT;
}

/* What comes in by a form, or as JSON, is the same. */
enum { NOTE_NAME, NOTE_PASSWORD, NOTE_COUNT, NOTE_LOUD };
static const struct sb_field note_in[] = {
	[NOTE_NAME] = { "name", SB_TEXT, "A name.", 2, 5 },
	[NOTE_PASSWORD] = { "password", SB_SECRET, "A password.", 3, 64 },
	[NOTE_COUNT] = { "count", SB_INT, "A number.", 1, 9,
	    .optional = true },
	[NOTE_LOUD] = { "loud", SB_BOOL, "A flag.", .optional = true },
	SB_END
};
static const struct sb_field note_out[] = {
	[NOTE_NAME] = { "name", SB_TEXT, "A name." },
	[NOTE_PASSWORD] = { "length", SB_INT, "Bytes of the password." },
	[NOTE_COUNT] = { "count", SB_INT, "A number, or 0." },
	[NOTE_LOUD] = { "loud", SB_BOOL, "A flag." },
	SB_END
};

static enum sb_status
note(struct sb_request *rq, struct sb_response *rs)
{
	const char *password = sb_text(rq, NOTE_PASSWORD);
	int64_t length = 0;

	while (password[length] != '\0')
		length++;
	sb_put_text(rs, NOTE_NAME, sb_text(rq, NOTE_NAME));
	sb_put_int(rs, NOTE_PASSWORD, length);
	sb_put_int(rs, NOTE_COUNT, sb_int(rq, NOTE_COUNT));
	sb_put_bool(rs, NOTE_LOUD, sb_bool(rq, NOTE_LOUD));
	return SB_CREATED;
}

/* ------------------------------------------------------- lists and maps */

enum { COPY_NUMBER, COPY_LENT };
static const struct sb_field copy_out[] = {
	[COPY_NUMBER] = { "number", SB_INT, "Which one." },
	[COPY_LENT] = { "lent", SB_UNIX_TIME, "When it went.",
	    .optional = true },
	SB_END
};

enum { BOOK_TITLE, BOOK_COPIES };
static const struct sb_field book_out[] = {
	[BOOK_TITLE] = { "title", SB_TEXT, "Its title." },
	[BOOK_COPIES] = { "copies", SB_LIST, "Those there are.",
	    .fields = copy_out },
	SB_END
};

enum { SHELF_BOOKS, SHELF_READERS, SHELF_GONE, SHELF_AT };
static const struct sb_field shelf_out[] = {
	[SHELF_BOOKS] = { "books", SB_LIST, "What it has.",
	    .fields = book_out },
	[SHELF_READERS] = { "readers", SB_MAP, "Who has what, by name.",
	    .fields = copy_out },
	[SHELF_GONE] = { "gone", SB_LIST, "What is lost.", .optional = true,
	    .fields = book_out },
	[SHELF_AT] = { "at", SB_UNIX_TIME, "A time." },
	SB_END
};

enum { SHELVES_COUNT };
static const struct sb_field shelves_in[] = {
	[SHELVES_COUNT] = { "count", SB_INT, "Books, and copies of each.",
	    0, 3, SB_IN_QUERY },
	SB_END
};

static void
put_copy(struct sb_response *rs, const char *name, int64_t number)
{
	sb_open_item(rs, name);
	sb_put_int(rs, COPY_NUMBER, number);
	if (number == 2)
		sb_put_text(rs, COPY_LENT, NULL);
	else if (number == 1)
		sb_put_time(rs, COPY_LENT, INT64_C(1760440000250000));
	sb_close(rs);
}

static enum sb_status
shelf(struct sb_request *rq, struct sb_response *rs)
{
	static const char *const readers[] = { "ann", "b/\"\303\251", "" };
	int64_t count = sb_int(rq, SHELVES_COUNT);

	sb_open(rs, SHELF_BOOKS);
	for (int64_t i = 0; i < count; i++) {
		sb_open_item(rs, NULL);
		sb_put_text(rs, BOOK_TITLE, sb_printf(rq->pool, "Book %lld",
		    (long long)i));
		sb_open(rs, BOOK_COPIES);
		for (int64_t j = 0; j < count; j++)
			put_copy(rs, NULL, j);
		sb_close(rs);
		sb_close(rs);
	}
	sb_close(rs);
	sb_open(rs, SHELF_READERS);
	for (int64_t i = 0; i < count; i++)
		put_copy(rs, readers[i], i);
	sb_close(rs);
	if (count > 0)
		sb_put_text(rs, SHELF_GONE, NULL);
	sb_put_time(rs, SHELF_AT, INT64_C(1760440000000000) + count);
	return SB_OK;
}

/* ------------------------------------------- lists of texts, header fields */

enum { PICK_CHOICES, PICK_CHANNELS, PICK_PATHS, PICK_MARK, PICK_COUNT };
static const struct sb_field pick_in[] = {
	[PICK_CHOICES] = { "choices", SB_TEXTS, "Texts.", 1, 5,
	    .optional = true, .fewest = 2, .most = 3 },
	[PICK_CHANNELS] = { "channels", SB_TEXTS, "Some of three.",
	    .choices = channels, .fewest = 1,
	    .example = "[\"slack\",\"email\"]" },
	[PICK_PATHS] = { "paths", SB_TEXTS, "Judged texts.",
	    .optional = true, .wrong = not_root, .most = 1 },
	[PICK_MARK] = { "x-first-mark", SB_TEXT, "A mark.",
	    .in = SB_IN_HEADER, .optional = true, .pattern = "^[a-z]{1,4}$",
	    .example = "abc" },
	[PICK_COUNT] = { "x-count", SB_INT, "A number.", 1, 9,
	    SB_IN_HEADER },
	SB_END
};

enum { PICKED_CHOICES, PICKED_CHANNELS, PICKED_LAST, PICKED_NUMBERS,
    PICKED_MARK };
static const struct sb_field picked_out[] = {
	[PICKED_CHOICES] = { "choices", SB_TEXTS, "Texts.", 1, 5,
	    .optional = true, .fewest = 2, .most = 3 },
	[PICKED_CHANNELS] = { "channels", SB_TEXTS, "Some of three.",
	    .choices = channels, .fewest = 1 },
	[PICKED_LAST] = { "last", SB_TEXT, "The last channel." },
	[PICKED_NUMBERS] = { "numbers", SB_ANY, "What isn't text." },
	[PICKED_MARK] = { "mark", SB_TEXT, "The mark.", .optional = true },
	SB_END
};

static const char *
draft_numbers(struct sb_response *rs, int64_t count)
{
	sb_draft(rs, numbers_out);
	sb_put_int(rs, NUMBERS_COUNT, count);
	sb_put_bool(rs, NUMBERS_LOUD, count > 5);
	return sb_draft_end(rs);
}

static enum sb_status
pick(struct sb_request *rq, struct sb_response *rs)
{
	const char *const *channel = sb_texts(rq, PICK_CHANNELS);

	while (channel[1] != NULL)
		channel++;
	sb_put_json(rs, PICKED_CHOICES, sb_texts_json(rq, PICK_CHOICES));
	sb_put_json(rs, PICKED_CHANNELS, sb_texts_json(rq, PICK_CHANNELS));
	sb_put_text(rs, PICKED_LAST, *channel);
	sb_put_json(rs, PICKED_NUMBERS, draft_numbers(rs, sb_int(rq,
	    PICK_COUNT)));
	if (sb_has(rq, PICK_MARK))
		sb_put_text(rs, PICKED_MARK, sb_text(rq, PICK_MARK));
	return SB_OK;
}

/* ------------------------------------------------- errors that say more */

static const struct sb_error error_taken = { SB_CONFLICT, "Taken", NULL };
static const struct sb_error error_unsaid = { SB_FORBIDDEN, "Unsaid", NULL };

enum { DECIDED_DETAIL, DECIDED_NUMBERS, DECIDED_CHOICES };
static const struct sb_field decided_out[] = {
	[DECIDED_DETAIL] = { "detail", SB_TEXT, "What went wrong." },
	[DECIDED_NUMBERS] = { "numbers", SB_ANY, "What isn't text.",
	    .example = "{\"count\":7,\"loud\":true}" },
	[DECIDED_CHOICES] = { "choices", SB_TEXTS, "Some of three.",
	    .optional = true, .choices = channels,
	    .example = "[\"slack\"]" },
	SB_END_AS("Decided")
};

static const struct sb_error error_decided = { SB_CONFLICT,
    "Is already %s, you see", .about = "decided", .fields = decided_out };
static const struct sb_error error_gone = { SB_NOT_FOUND, "No %s here",
    .about = "bell" };

static const char *const answers[] = { "yes", "no", NULL };

enum { DECIDE_HOW, DECIDE_ABOUT };
static const struct sb_field decide_in[] = {
	[DECIDE_HOW] = { "how", SB_TEXT, "What to do." },
	[DECIDE_ABOUT] = { "about", SB_TEXT, "What about." },
	SB_END
};

static enum sb_status
decide(struct sb_request *rq, struct sb_response *rs)
{
	const char *how = sb_text(rq, DECIDE_HOW);
	const char *about = sb_text(rq, DECIDE_ABOUT);

	if (strcmp(how, "taken") == 0)
		return sb_fail(rs, &error_taken);
	if (strcmp(how, "gone") == 0)
		return sb_fail_about(rs, &error_gone, about);
	if (strcmp(how, "decided") != 0 && strcmp(how, "half") != 0)
		return sb_invalid_choice(rs, DECIDE_ABOUT, answers);
	sb_fail_about(rs, &error_decided, about);
	if (strcmp(how, "decided") == 0)
		sb_put_json(rs, DECIDED_NUMBERS, draft_numbers(rs, 7));
	return error_decided.status;
}

static enum sb_status
forbid(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return sb_fail(rs, &sb_error_forbidden);
}

/* --------------------------------------------- none at all, and judgements */

enum { MAYBE_NAME, MAYBE_COUNT, MAYBE_FLAG };
static const struct sb_field maybe_in[] = {
	[MAYBE_NAME] = { "name", SB_TEXT, "A name.", 2, 5 },
	[MAYBE_COUNT] = { "count", SB_INT, "A number.", 1, 9 },
	[MAYBE_FLAG] = { "flag", SB_BOOL, "A flag.", .in = SB_IN_QUERY },
	SB_END
};
static const struct sb_field maybe_out[] = {
	[MAYBE_NAME] = { "name", SB_TEXT, "The name.", .optional = true },
	[MAYBE_COUNT] = { "count", SB_INT, "The number, or 0." },
	[MAYBE_FLAG] = { "there", SB_BOOL, "Whether there was any." },
	SB_END
};

static enum sb_status
maybe(struct sb_request *rq, struct sb_response *rs)
{
	sb_put_text(rs, MAYBE_NAME, sb_text(rq, MAYBE_NAME));
	sb_put_int(rs, MAYBE_COUNT, sb_int(rq, MAYBE_COUNT));
	sb_put_bool(rs, MAYBE_FLAG, sb_has(rq, MAYBE_NAME) ||
	    sb_has(rq, MAYBE_COUNT));
	return SB_OK;
}

/* What may be judged has the place of its name in the choices. */
enum { JUDGE_TEXT, JUDGE_SECRET, JUDGE_COUNT, JUDGE_EMAIL, JUDGE_PAGE,
    JUDGE_ID, JUDGE_WHICH };
static const char *const judged[] = { "text", "secret", "count", "email",
    "page", "id", "whole", "nothing", NULL };
static const struct sb_field judge_in[] = {
	[JUDGE_TEXT] = { "text", SB_TEXT, "A text." },
	[JUDGE_SECRET] = { "secret", SB_SECRET, "A secret.",
	    .optional = true },
	[JUDGE_COUNT] = { "count", SB_INT, "A number.", .optional = true },
	[JUDGE_EMAIL] = { "email", SB_EMAIL, "An address.",
	    .optional = true, .wrong = sb_email_wrong },
	[JUDGE_PAGE] = { "page", SB_INT, "A number.", .in = SB_IN_QUERY,
	    .optional = true },
	[JUDGE_ID] = { "id", SB_UUID, "An id.", .in = SB_IN_PATH },
	[JUDGE_WHICH] = { "which", SB_ENUM, "What is wrong.",
	    .choices = judged },
	SB_END
};

static enum sb_status
judge(struct sb_request *rq, struct sb_response *rs)
{
	const char *which = sb_text(rq, JUDGE_WHICH);
	int field = 0;

	sb_put_header(rs, "X-Half", "done");
	while (strcmp(judged[field], which) != 0)
		field++;
	if (strcmp(which, "nothing") == 0)
		return SB_NO_CONTENT;
	return sb_invalid(rs, strcmp(which, "whole") == 0 ? SB_WHOLE : field,
	    "must be \"better\"");
}

enum { SIZE_TEXT };
static const struct sb_field size_in[] = {
	[SIZE_TEXT] = { "text", SB_TEXT, "A text." },
	SB_END
};

/* --------------------------------------------------------- broken promises */

enum { WORD_FIRST, WORD_SECOND };
static const struct sb_field word_out[] = {
	[WORD_FIRST] = { "first", SB_TEXT, "One." },
	[WORD_SECOND] = { "second", SB_INT, "Two." },
	SB_END
};

static enum sb_status
leave_out(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_text(rs, WORD_FIRST, "one");
	return SB_OK;
}

static enum sb_status
put_out_of_order(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_int(rs, WORD_SECOND, 2);
	sb_put_text(rs, WORD_FIRST, "one");
	return SB_OK;
}

static enum sb_status
put_another_type(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_text(rs, WORD_FIRST, "one");
	sb_put_text(rs, WORD_SECOND, "two");
	return SB_OK;
}

static enum sb_status
put_undeclared(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_text(rs, WORD_FIRST, "one");
	return SB_NO_CONTENT;
}

static enum sb_status
put_well(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_text(rs, WORD_FIRST, "one");
	sb_put_int(rs, WORD_SECOND, 2);
	return SB_OK;
}

static enum sb_status
succeed_otherwise(struct sb_request *rq, struct sb_response *rs)
{
	put_well(rq, rs);
	return SB_CREATED;
}

static enum sb_status
refuse_unsaid(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return sb_fail(rs, &error_unsaid);
}

static enum sb_status
refuse_and_succeed(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_fail(rs, &error_taken);
	return SB_OK;
}

static enum sb_status
answer_nothing(struct sb_request *rq, struct sb_response *rs)
{
	put_well(rq, rs);
	return SB_NEXT;
}

static enum sb_status
give_up(struct sb_request *rq, struct sb_response *rs)
{
	put_well(rq, rs);
	sb_fatal("the wheel came off");
}

static enum sb_status
split_header(struct sb_request *rq, struct sb_response *rs)
{
	sb_put_header(rs, "X-Evil", "a\r\nSet-Cookie: b=c");
	return put_well(rq, rs);
}

static enum sb_status
show_page(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return sb_put_page(rs, "no-such-page.html");
}

/* --------------------------------------------------------------- the store */

enum { STORE_NAME };
static const struct sb_field store_in[] = {
	[STORE_NAME] = { "name", SB_TEXT, "A user's name.", 1, 50 },
	SB_END
};

static void
add(struct sb_request *rq)
{
	const char *name = sb_text(rq, STORE_NAME);

	sb_run(rq->db, SB_Q_USER_ADD, sb_bind("id", sb_uuid(rq->pool)),
	    sb_bind("email", name), sb_bind("email_key", name),
	    sb_bind("username", name), sb_bind("username_key", name),
	    sb_bind("password", "none"));
}

static enum sb_status
write_and_succeed(struct sb_request *rq, struct sb_response *rs)
{
	add(rq);
	return put_well(rq, rs);
}

static enum sb_status
write_and_refuse(struct sb_request *rq, struct sb_response *rs)
{
	add(rq);
	return sb_fail(rs, &error_taken);
}

static enum sb_status
write_keep_and_refuse(struct sb_request *rq, struct sb_response *rs)
{
	add(rq);
	sb_db_keep(rq->db);
	return sb_fail(rs, &error_taken);
}

static enum sb_status
write_and_leave_out(struct sb_request *rq, struct sb_response *rs)
{
	add(rq);
	return leave_out(rq, rs);
}

static enum sb_status
write_and_give_up(struct sb_request *rq, struct sb_response *rs)
{
	add(rq);
	return give_up(rq, rs);
}

static enum sb_status
write_and_judge(struct sb_request *rq, struct sb_response *rs)
{
	add(rq);
	return sb_invalid(rs, STORE_NAME, "must be another");
}

/* ----------------------------------------------- what may be sent again */

enum { REPEAT_NAME, REPEAT_KEY };
static const struct sb_field repeat_in[] = {
	[REPEAT_NAME] = { "name", SB_TEXT, "A user's name.", 1, 50 },
	[REPEAT_KEY] = SB_IDEMPOTENCY_KEY,
	SB_END
};
enum { REPEATED_ID, REPEATED_NAME };
static const struct sb_field repeated_out[] = {
	[REPEATED_ID] = { "id", SB_UUID, "Another one each time." },
	[REPEATED_NAME] = { "name", SB_TEXT, "The name." },
	SB_END
};

/* Writes, and then does what the name says. */
static enum sb_status
repeat(struct sb_request *rq, struct sb_response *rs)
{
	const char *name = sb_text(rq, REPEAT_NAME);

	add(rq);
	if (strncmp(name, "refuse", 6) == 0)
		return sb_fail(rs, &error_taken);
	if (strncmp(name, "keep", 4) == 0) {
		sb_db_keep(rq->db);
		return sb_fail(rs, &error_taken);
	}
	if (strncmp(name, "fatal", 5) == 0)
		sb_fatal("the wheel came off");
	if (strncmp(name, "kill", 4) == 0)
		raise(SIGKILL);
	sb_put_text(rs, REPEATED_ID, sb_uuid(rq->pool));
	if (strncmp(name, "half", 4) != 0)
		sb_put_text(rs, REPEATED_NAME, name);
	return SB_CREATED;
}

static enum sb_status
repeat_without_answer(struct sb_request *rq, struct sb_response *rs)
{
	(void)rs;
	add(rq);
	return SB_NO_CONTENT;
}

/* -------------------------------------------------------------- the limits */

enum { TALK_ID, TALK_CHANNEL, TALK_TEXT };
static const struct sb_field talk_in[] = {
	[TALK_ID] = { "id", SB_UUID, "Which session.", .in = SB_IN_PATH },
	[TALK_CHANNEL] = { "channel", SB_ENUM, "Over which channel.",
	    .optional = true, .choices = channels },
	[TALK_TEXT] = { "text", SB_TEXT, "What to say.", 1, 100 },
	SB_END
};
static const struct sb_field talk_out[] = {
	[TALK_ID] = { "id", SB_UUID, "Which session." },
	[TALK_CHANNEL] = { "channel", SB_ENUM, "Over which channel.",
	    .optional = true, .choices = channels },
	SB_END
};

/* Sessions are whose you like, but one that ends in f is nobody's. */
static enum sb_status
find_session(struct sb_request *rq, struct sb_response *rs)
{
	const char *id = sb_text(rq, TALK_ID);

	if (id[strlen(id) - 1] == 'f')
		return sb_fail(rs, &sb_error_not_found);
	rq->subject.session_id = id;
	rq->subject.channel = sb_text(rq, TALK_CHANNEL);
	return SB_NEXT;
}

static enum sb_status
find_and_succeed(struct sb_request *rq, struct sb_response *rs)
{
	find_session(rq, rs);
	return SB_NO_CONTENT;
}

static enum sb_status
talk(struct sb_request *rq, struct sb_response *rs)
{
	sb_put_text(rs, TALK_ID, rq->subject.session_id);
	sb_put_text(rs, TALK_CHANNEL, rq->subject.channel);
	return SB_OK;
}

static enum sb_status
talk_and_refuse(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return sb_fail(rs, &error_taken);
}

/* --------------------------------------------------------------- the routes */

#define TALK_LIMITS	(SB_LIMIT_USER | SB_LIMIT_SESSION | SB_LIMIT_CHANNEL)

static const struct sb_route routes[] = {
	{ SB_POST, "/all", SB_PUBLIC, all, all_in, all_out,
	  .doc = "Take every kind of field.",
	  .name = "all" },
	{ SB_GET, "/list", SB_PUBLIC, list, list_in, list_out,
	  .doc = "Take fields of the query.",
	  .name = "list" },
	{ SB_GET, "/items/{id}", SB_PUBLIC, item, item_in, item_out,
	  .doc = "Take an id of the path.",
	  .name = "get_item" },
	{ SB_DELETE, "/items/{id}", SB_PUBLIC, nothing, item_in,
	  .doc = "Answer without a body.", .success = SB_NO_CONTENT,
	  .name = "delete_item" },
	{ SB_PATCH, "/items/{id}", SB_PUBLIC, item, item_in, item_out,
	  .doc = "Take an id of the path.",
	  .name = "change_item" },
	{ SB_POST, "/json", SB_PUBLIC, note, note_in, note_out,
	  .doc = "Take JSON.", .success = SB_CREATED,
	  .name = "json" },
	{ SB_POST, "/form", SB_PUBLIC, note, note_in, note_out,
	  .doc = "Take a form.", .success = SB_CREATED, .body = SB_FORM,
	  .name = "form" },
	{ SB_POST, "/both", SB_PUBLIC, note, note_in, note_out,
	  .doc = "Take either.", .success = SB_CREATED,
	  .body = SB_JSON | SB_FORM,
	  .name = "both" },
	{ SB_POST, "/open", SB_PUBLIC, nothing, size_in,
	  .doc = "Take no secret.", .success = SB_NO_CONTENT,
	  .name = "open" },
	{ SB_POST, "/small", SB_PUBLIC, nothing, size_in,
	  .doc = "Take 100 bytes.", .success = SB_NO_CONTENT,
	  .body_max = 100,
	  .name = "small" },
	{ SB_POST, "/great", SB_PUBLIC, nothing, size_in,
	  .doc = "Take more than others.", .success = SB_NO_CONTENT,
	  .body_max = 200000,
	  .name = "great" },
	{ SB_GET, "/shelf", SB_PUBLIC, shelf, shelves_in, shelf_out,
	  .doc = "Answer with lists and maps.",
	  .name = "shelf" },
	{ SB_POST, "/pick", SB_PUBLIC, pick, pick_in, picked_out,
	  .doc = "Take lists of texts, and header fields.",
	  .name = "pick" },
	{ SB_POST, "/decide", SB_PUBLIC, decide, decide_in,
	  .doc = "Refuse with more than a detail.", .success = SB_NO_CONTENT,
	  .errors = { &error_taken, &error_decided, &error_gone },
	  .name = "decide" },
	{ SB_GET, "/forbid", SB_PUBLIC, forbid, .doc = "Forbid it.",
	  .success = SB_NO_CONTENT, .errors = { &sb_error_forbidden },
	  .name = "forbid" },
	{ SB_POST, "/maybe", SB_PUBLIC, maybe, maybe_in, maybe_out,
	  .doc = "Take a body, or none.", .body = SB_JSON | SB_NO_BODY,
	  .name = "maybe" },
	{ SB_POST, "/judge/{id}", SB_PUBLIC, judge, judge_in,
	  .doc = "Judge what came in.", .success = SB_NO_CONTENT,
	  .name = "judge" },
	{ SB_GET, "/well", SB_PUBLIC, put_well, NULL, word_out,
	  .doc = "Keep its word.",
	  .name = "well" },
	{ SB_GET, "/leave-out", SB_PUBLIC, leave_out, NULL, word_out,
	  .doc = "Leave out a field.",
	  .name = "leave_out" },
	{ SB_GET, "/order", SB_PUBLIC, put_out_of_order, NULL, word_out,
	  .doc = "Put fields out of order.",
	  .name = "order" },
	{ SB_GET, "/type", SB_PUBLIC, put_another_type, NULL, word_out,
	  .doc = "Put a field of another type.",
	  .name = "type" },
	{ SB_GET, "/undeclared-body", SB_PUBLIC, put_undeclared,
	  .doc = "Put a field where none is declared.",
	  .success = SB_NO_CONTENT,
	  .name = "undeclared_body" },
	{ SB_GET, "/success", SB_PUBLIC, succeed_otherwise, NULL, word_out,
	  .doc = "Succeed otherwise than declared.",
	  .name = "success" },
	{ SB_GET, "/undeclared-error", SB_PUBLIC, refuse_unsaid, NULL,
	  word_out, .doc = "Refuse otherwise than declared.",
	  .errors = { &error_taken },
	  .name = "undeclared_error" },
	{ SB_GET, "/refuse-and-succeed", SB_PUBLIC, refuse_and_succeed, NULL,
	  word_out, .doc = "Call a refusal a success.",
	  .errors = { &error_taken },
	  .name = "refuse_and_succeed" },
	{ SB_GET, "/next", SB_PUBLIC, answer_nothing, NULL, word_out,
	  .doc = "Answer nothing.",
	  .name = "next" },
	{ SB_GET, "/fatal", SB_PUBLIC, give_up, NULL, word_out,
	  .doc = "Give up.",
	  .name = "fatal" },
	{ SB_GET, "/header", SB_PUBLIC, split_header, NULL, word_out,
	  .doc = "Put an end of line into a header.",
	  .name = "header" },
	{ SB_GET, "/file", SB_PUBLIC, show_page, .doc = "Show a file.",
	  .media = "text/html",
	  .name = "file" },
	{ SB_POST, "/write", SB_PUBLIC, write_and_succeed, store_in, word_out,
	  .doc = "Write.",
	  .name = "write" },
	{ SB_POST, "/write-refuse", SB_PUBLIC, write_and_refuse, store_in,
	  word_out, .doc = "Write, and refuse.", .errors = { &error_taken },
	  .name = "write_refuse" },
	{ SB_POST, "/write-keep", SB_PUBLIC, write_keep_and_refuse, store_in,
	  word_out, .doc = "Write, keep it, and refuse.",
	  .errors = { &error_taken },
	  .name = "write_keep" },
	{ SB_POST, "/write-leave-out", SB_PUBLIC, write_and_leave_out,
	  store_in, word_out, .doc = "Write, and leave out a field.",
	  .name = "write_leave_out" },
	{ SB_POST, "/write-fatal", SB_PUBLIC, write_and_give_up, store_in,
	  word_out, .doc = "Write, and give up.",
	  .name = "write_fatal" },
	{ SB_POST, "/write-judge", SB_PUBLIC, write_and_judge, store_in,
	  word_out, .doc = "Write, and judge what came in.",
	  .name = "write_judge" },
	{ SB_POST, "/repeat", SB_USER, repeat, repeat_in, repeated_out,
	  .doc = "Write once.", .success = SB_CREATED,
	  .limits = SB_LIMIT_USER, .errors = { &error_taken },
	  .name = "repeat" },
	{ SB_POST, "/repeat-elsewhere", SB_USER, repeat, repeat_in,
	  repeated_out, .doc = "Write once, too.", .success = SB_CREATED,
	  .errors = { &error_taken },
	  .name = "repeat_elsewhere" },
	{ SB_PUT, "/repeat", SB_USER, repeat_without_answer, repeat_in,
	  .doc = "Write once, and answer nothing.", .success = SB_NO_CONTENT,
	  .name = "repeat_without_answer" },
	{ SB_POST, "/talk/{id}", SB_USER, talk, talk_in, talk_out,
	  .doc = "Count against all limits.", .limits = TALK_LIMITS,
	  .find = find_session, .errors = { &sb_error_not_found },
	  .name = "talk" },
	{ SB_POST, "/talk-refuse/{id}", SB_USER, talk_and_refuse, talk_in,
	  talk_out, .doc = "Count, and refuse.", .limits = TALK_LIMITS,
	  .find = find_session,
	  .errors = { &sb_error_not_found, &error_taken },
	  .name = "talk_refuse" },
	{ SB_POST, "/talk-only/{id}", SB_USER, talk, talk_in, talk_out,
	  .doc = "Count against the session's limit alone.",
	  .limits = SB_LIMIT_SESSION, .find = find_session,
	  .errors = { &sb_error_not_found },
	  .name = "talk_only" },
	{ SB_POST, "/find-and-succeed/{id}", SB_USER, talk, talk_in, talk_out,
	  .doc = "Find, and call it a success.", .limits = TALK_LIMITS,
	  .find = find_and_succeed, .errors = { &sb_error_not_found },
	  .name = "find_and_succeed" },
	{ SB_NONE }
};

static const struct sb_program program = {
	"sample", "What the tests call.", routes
};

int
main(int argc, char **argv)
{
	return sb_main(argc, argv, &program);
}
