/*
 * The log: one line an event, by one write(2), to standard error and to where
 * LOG_FILE says.  It works before the settings are read, needs no memory, and
 * leaves errno alone, so that any code may call it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define LINE_MAX_BYTES	4096	/* what a pipe takes in one piece */
#define TAIL		8	/* of them, for "..." and what ends a line */

static const struct {
	const char	*name;
	int		 priority;
} levels[] = {
	[SB_DEBUG] = { "debug", LOG_DEBUG },
	[SB_INFO] = { "info", LOG_INFO },
	[SB_WARNING] = { "warning", LOG_WARNING },
	[SB_ERROR] = { "error", LOG_ERR },
};
_Static_assert(sizeof(levels) / sizeof(levels[0]) == SB_LEVELS, "levels");

struct line {
	char	 bytes[LINE_MAX_BYTES];
	size_t	 used;
	bool	 full;		/* something did not fit */
};

static char program[32];

/* The file that LOG_FILE named when it was last looked at. */
static struct {
	char	 path[4096];
	int	 fd;
	time_t	 checked;	/* monotonic, in seconds; 0: never */
	bool	 complained;
	bool	 kept;
} file = { .fd = -1 };

/* ------------------------------------------------------------ where it goes */

/*
 * A line is lost rather than waited for: who reads the log must not be able to
 * stop the service.  A pipe that can take something takes a whole line.
 */
static void
write_line(int fd, const struct line *line)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))
		return;
	while (write(fd, line->bytes, line->used) < 0 && errno == EINTR)
		continue;
}

/*
 * Standard error is others' too, so whether it waits is not ours to change:
 * of a pipe we open an end of our own that does not.  Else two that find the
 * same room would wait for each other's reader.
 */
static int
standard_error(void)
{
	static int own = -1;
	static bool tried;
	struct stat st;

	if (!tried) {
		tried = true;
		if (fstat(STDERR_FILENO, &st) == 0 && S_ISFIFO(st.st_mode))
			own = open("/proc/self/fd/2", O_WRONLY | O_APPEND |
			    O_NONBLOCK | O_CLOEXEC);
	}
	return own >= 0 ? own : STDERR_FILENO;
}

static time_t
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + 1;
}

/* Whether the path still leads to the file that is open. */
static bool
is_current(void)
{
	struct stat here, there;

	return file.fd >= 0 && fstat(file.fd, &here) == 0 &&
	    stat(file.path, &there) == 0 && here.st_dev == there.st_dev &&
	    here.st_ino == there.st_ino;
}

/*
 * Opens the file if it isn't open or was moved away; at most once a second.
 * Nothing waits here: O_NONBLOCK is for a pipe that nobody reads.
 */
static void
open_file(const char *path)
{
	time_t now = seconds();
	int fd;

	if (strncmp(path, file.path, sizeof(file.path) - 1) != 0) {
		if (file.fd >= 0)
			close(file.fd);
		file.fd = -1;
		file.checked = 0;
		file.complained = false;
		snprintf(file.path, sizeof(file.path), "%s", path);
	}
	if (file.checked == now)
		return;
	file.checked = now;
	if (is_current() || (file.kept && file.fd >= 0))
		return;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK, 0640);
	if (fd >= 0) {
		if (file.fd >= 0)
			close(file.fd);
		file.fd = fd;
		file.complained = false;
	} else if (!file.complained) {
		file.complained = true;
		sb_log(SB_WARNING, "LOG_FILE: %s: %s", path, strerror(errno));
	}
}

static bool
to_syslog(void)
{
	return sb_settings.log_file != NULL &&
	    strcmp(sb_settings.log_file, "syslog") == 0;
}

static bool
to_file(void)
{
	return sb_settings.log_file != NULL && sb_settings.log_file[0] == '/';
}

void
sb_log_open(const char *name)
{
	snprintf(program, sizeof(program), "%s", name);
	file.checked = 0;
	/* The zone's file is read now or, by the first line, later. */
	tzset();
	if (to_syslog())
		openlog(program, LOG_PID | LOG_NDELAY, LOG_DAEMON);
	else if (to_file())
		open_file(sb_settings.log_file);
}

/* What a parent has left open may have been moved long ago. */
bool
sb_log_keep(struct stat *st)
{
	standard_error();
	file.checked = 0;
	if (to_file())
		open_file(sb_settings.log_file);
	file.kept = true;
	return file.fd >= 0 && fstat(file.fd, st) == 0;
}

void
sb_log_close(void)
{
	if (file.fd >= 0)
		close(file.fd);
	file.fd = -1;
	closelog();
}

/* ------------------------------------------------------------------ a line */

/* Before sb_log_open it is the one that the program was started by. */
static const char *
program_name(void)
{
	return program[0] == '\0' ? program_invocation_short_name : program;
}

static bool
in_json(void)
{
	return sb_settings.log_format != NULL &&
	    strcmp(sb_settings.log_format, "json") == 0;
}

/* Adds all of a piece or nothing, and then nothing more. */
static void
add(struct line *line, const char *piece, size_t n)
{
	if (line->full || n > sizeof(line->bytes) - TAIL - line->used) {
		line->full = true;
		return;
	}
	memcpy(line->bytes + line->used, piece, n);
	line->used += n;
}

static void
add_text(struct line *line, const char *text)
{
	add(line, text, strlen(text));
}

/* The length of the character that text begins with; 0 if it isn't UTF-8. */
static size_t
character(const char *text)
{
	size_t left = strnlen(text, 4);

	for (size_t n = 1; n <= left; n++)
		if (sb_utf8_valid(text, n))
			return n;
	return 0;
}

/*
 * Whether a character could make a terminal, or a reader, see what isn't
 * there: controls, U+0080 to U+009F too, ends of line, changes of direction.
 */
static bool
is_unsafe(const char *c, size_t n)
{
	const unsigned char *b = (const unsigned char *)c;

	if (n == 1)
		return b[0] < 0x20 || b[0] == 0x7f;
	if (n == 2)
		return (b[0] == 0xc2 && b[1] < 0xa0) ||
		    (b[0] == 0xd8 && b[1] == 0x9c);
	if (n == 3 && b[0] == 0xef)
		return b[1] == 0xbb && b[2] == 0xbf;
	return n == 3 && b[0] == 0xe2 &&
	    ((b[1] == 0x80 && ((b[2] >= 0xa8 && b[2] <= 0xae) ||
	    (b[2] >= 0x8b && b[2] <= 0x8f))) ||
	    (b[1] == 0x81 && b[2] >= 0xa0 && b[2] <= 0xaf));
}

static void
add_escaped(struct line *line, const char *c, size_t n)
{
	const unsigned char *b = (const unsigned char *)c;
	char piece[16];
	unsigned code = 0xfffd;		/* for what isn't UTF-8 */
	int length = 0;

	if (!in_json()) {
		for (size_t i = 0; i < (n == 0 ? 1 : n); i++)
			length += snprintf(piece + length,
			    sizeof(piece) - (size_t)length, "\\x%02x", b[i]);
		add(line, piece, (size_t)length);
		return;
	}
	if (n == 1)
		code = b[0];
	else if (n == 2)
		code = (b[0] & 0x1fU) << 6 | (b[1] & 0x3fU);
	else if (n == 3)
		code = (b[0] & 0x0fU) << 12 | (b[1] & 0x3fU) << 6 |
		    (b[2] & 0x3fU);
	length = snprintf(piece, sizeof(piece), "\\u%04x", code);
	add(line, piece, (size_t)length);
}

/* Adds a text from anywhere. */
static void
add_foreign(struct line *line, const char *text)
{
	size_t n;

	for (; *text != '\0' && !line->full; text += n == 0 ? 1 : n) {
		n = character(text);
		if (n == 0 || is_unsafe(text, n))
			add_escaped(line, text, n);
		else if (in_json() && (*text == '"' || *text == '\\'))
			add(line, (char[]){ '\\', *text }, 2);
		else
			add(line, text, n);
	}
}

/* Adds the time; returns how much of the line that is. */
static size_t
add_time(struct line *line)
{
	int64_t now = sb_now();
	time_t t = (time_t)(now / SB_SECOND);
	struct tm tm;
	char day[32], text[64];

	gmtime_r(&t, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%06dZ", day, (int)(now % SB_SECOND));
	add_text(line, text);
	return line->used;
}

/* Makes the line but for its end; returns where its time ends. */
static size_t
make_text(struct line *line, enum sb_level level, const char *id,
    const char *message)
{
	size_t time_ends = add_time(line);

	add_text(line, " ");
	add_text(line, levels[level].name);
	add_text(line, " ");
	add_foreign(line, program_name());
	add_text(line, " ");
	add_foreign(line, id == NULL ? "-" : id);
	add_text(line, ": ");
	add_foreign(line, message);
	return time_ends;
}

static void
make_json(struct line *line, enum sb_level level, const char *id,
    const char *message)
{
	add_text(line, "{\"time\":\"");
	add_time(line);
	add_text(line, "\",\"level\":\"");
	add_text(line, levels[level].name);
	add_text(line, "\",\"program\":\"");
	add_foreign(line, program_name());
	if (id != NULL) {
		add_text(line, "\",\"request_id\":\"");
		add_foreign(line, id);
	}
	add_text(line, "\",\"message\":\"");
	add_foreign(line, message);
}

/* There is room for this: nothing else goes into the last TAIL bytes. */
static void
end_line(struct line *line, const char *end)
{
	const char *dots = line->full ? "..." : "";
	size_t room = sizeof(line->bytes) - line->used;

	line->used += (size_t)snprintf(line->bytes + line->used, room,
	    "%s%s", dots, end);
}

static bool
is_wanted(enum sb_level level)
{
	const char *least = sb_settings.log_level;

	if (least == NULL)
		return level >= SB_INFO;
	for (int i = SB_DEBUG; i <= (int)level; i++)
		if (strcmp(levels[i].name, least) == 0)
			return true;
	return false;
}

__attribute__((format(printf, 2, 0))) static void
log_message(enum sb_level level, const char *format, va_list ap)
{
	const char *id = sb_serve_request_id();
	char message[LINE_MAX_BYTES];
	struct line line = { .used = 0, .full = false };
	size_t skip = 0;
	int n;

	n = vsnprintf(message, sizeof(message), format, ap);
	if (n < 0)
		snprintf(message, sizeof(message), "%s", format);
	if (id != NULL && strcmp(id, "-") == 0)
		id = NULL;
	if (in_json())
		make_json(&line, level, id, message);
	else
		/* syslogd has a clock of its own. */
		skip = make_text(&line, level, id, message) + 1;
	line.full = line.full || n >= (int)sizeof(message);
	end_line(&line, in_json() ? "\"}\n" : "\n");
	write_line(standard_error(), &line);
	if (to_syslog())
		syslog(LOG_DAEMON | levels[level].priority, "%.*s",
		    (int)(line.used - skip - 1), line.bytes + skip);
	else if (to_file()) {
		open_file(sb_settings.log_file);
		if (file.fd >= 0)
			write_line(file.fd, &line);
	}
}

void
sb_log(enum sb_level level, const char *format, ...)
{
	int saved = errno;
	va_list ap;

	if (!is_wanted(level))
		return;
	va_start(ap, format);
	log_message(level, format, ap);
	va_end(ap);
	errno = saved;
}

/* The answer that sb_serve_abort makes may meet the same broken part. */
void
sb_fatal(const char *format, ...)
{
	static bool aborting;
	va_list ap;

	va_start(ap, format);
	log_message(SB_ERROR, format, ap);
	va_end(ap);
	if (!aborting) {
		aborting = true;
		sb_serve_abort();
	}
	_exit(EX_SOFTWARE);
}
