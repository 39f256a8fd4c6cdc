/*
 * GET /metrics: what all programs have counted, by their files alone, and what
 * can be seen of the data directory, in Prometheus' text format 0.0.4; and who
 * may read it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "metrics.h"

#define PATIENCE	(SB_SECOND / 2)	/* for the database's step */

/* ------------------------------------------------------------ who may read */

static const struct sb_error *const errors[] = { &sb_error_not_found,
    &sb_error_unauthenticated, &sb_error_token, NULL };

/* In a time that tells nothing but the length of what was given. */
static bool
is_token(const char *given)
{
	const char *token = sb_settings.metrics_token;
	const size_t n = strlen(token), length = strlen(given);
	volatile unsigned char differs = n != length;

	for (size_t i = 0; i < length; i++)
		differs |= (unsigned char)(given[i] ^ token[i % n]);
	return differs == 0;
}

static enum sb_status
admit(struct sb_request *rq, struct sb_response *rs)
{
	const char *given = sb_bearer_token(rq->way->authorization);

	if (sb_settings.metrics_token == NULL)
		return sb_refuse(rs, &sb_error_not_found);
	if (given == NULL)
		return sb_refuse(rs, &sb_error_unauthenticated);
	return is_token(given) ? SB_NEXT : sb_refuse(rs, &sb_error_token);
}

static const struct sb_scheme scheme = { "metrics", NULL,
    "The token that whoever runs the service has set, `METRICS_TOKEN`." };

const struct sb_access sb_access_metrics = { .errors = errors,
    .admit = admit, .scheme = &scheme };

/* ----------------------------------------------------------------- reading */

struct word {
	struct word	*next;
	const char	*text;
};

struct family {
	struct family	*next;
	const char	*kind, *name, *help;
	const char	*label;		/* or NULL */
	const struct word *values, *rows;
	size_t		 first, width;	/* counters: the first, of a row */
};

struct file {
	struct file	*next;
	const char	*program;
	struct family	*families;
	uint64_t	*counters;
	size_t		 count;
	int		 processes;
};

/* What ends at that byte, which is skipped; NULL at the end of the text. */
static const char *
cut(char **text, char end)
{
	const char ends[] = { end, '\0' };

	return strsep(text, ends);
}

static bool
begins(const char **line, const char *with)
{
	const size_t n = strlen(with);

	if (strncmp(*line, with, n) != 0)
		return false;
	*line += n;
	*line += **line == ' ';
	return true;
}

static const struct word *
split(struct sb_pool *pool, char *line, size_t *n)
{
	struct word *first = NULL, **last = &first;
	const char *text;

	for (*n = 0; (text = cut(&line, ' ')) != NULL; ++*n) {
		*last = sb_alloc(pool, sizeof(**last));
		(*last)->text = text;
		last = &(*last)->next;
	}
	return first;
}

/* Of a family or a label, as Prometheus' data model has it. */
static bool
is_name(const char *text)
{
	return text != NULL && *text != '\0' && (*text < '0' || *text > '9') &&
	    text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:")] == '\0';
}

static struct family *
read_family(struct sb_pool *pool, char *line)
{
	struct family *f = sb_alloc(pool, sizeof(*f));
	size_t n = 0;

	f->kind = cut(&line, ' ');
	f->name = cut(&line, ' ');
	f->label = cut(&line, ' ');
	f->values = line == NULL ? NULL : split(pool, line, &n);
	f->width = n == 0 ? 1 : n + (strcmp(f->kind, "histogram") == 0);
	f->help = "";
	return is_name(f->name) && (f->label == NULL || is_name(f->label)) ?
	    f : NULL;
}

/* False if it isn't the text of as many counters as there are. */
static bool
read_text(struct sb_pool *pool, struct file *file, char *text)
{
	struct family **end = &file->families, *f = NULL;
	const struct word **rows = NULL;
	const char *line;
	size_t count = 0;

	while ((line = cut(&text, '\n')) != NULL && *line != '\0') {
		if (f != NULL && begins(&line, "help"))
			f->help = line;
		else if (f != NULL && begins(&line, "row")) {
			struct word *row = sb_alloc(pool, sizeof(*row));

			row->text = line;
			*rows = row;
			rows = (const struct word **)&row->next;
			count += f->width;
		} else {
			f = read_family(pool, sb_copy(pool, line,
			    strlen(line)));
			if (f == NULL)
				return false;
			f->first = count;
			rows = &f->rows;
			*end = f;
			end = &f->next;
		}
	}
	return count == file->count;
}

/* A copy, as the file may change, or go away, at any time. */
static struct file *
read_file(struct sb_pool *pool, const char *name)
{
	const char *path = sb_printf(pool, "%s/%s", sb_settings.data, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct file *file = sb_alloc(pool, sizeof(*file));
	struct sb_metrics m;
	bool good = fd >= 0 && sb_metrics_map(&m, fd);

	if (good) {
		char *text = sb_copy(pool, m.text, m.length);

		file->program = sb_copy(pool, name, strlen(name) -
		    strlen(SB_METRICS_ENDING));
		file->count = m.count;
		file->counters = sb_alloc(pool, m.count * sizeof(uint64_t));
		for (size_t i = 0; i < m.count; i++)
			file->counters[i] = atomic_load_explicit(
			    &m.counters[i], memory_order_relaxed);
		file->processes = sb_metrics_processes(fd);
		good = !m.lost && read_text(pool, file, text);
		sb_metrics_unmap(&m);
	}
	if (fd >= 0)
		close(fd);
	if (!good)
		sb_log(SB_WARNING, "%s: is no file of counters", path);
	return good ? file : NULL;
}

/* Of a program's name: no file of an editor's, and nothing to be escaped. */
static int
is_wanted(const struct dirent *entry)
{
	const size_t n = strspn(entry->d_name, "abcdefghijklmnopqrstuvwxyz"
	    "0123456789_-");

	return n > 0 && strcmp(entry->d_name + n, SB_METRICS_ENDING) == 0;
}

static struct file *
read_files(struct sb_pool *pool)
{
	struct file *first = NULL, **end = &first;
	struct dirent **names;
	int n = scandir(sb_settings.data, &names, is_wanted, alphasort);

	for (int i = 0; i < n; i++) {
		if ((*end = read_file(pool, names[i]->d_name)) != NULL)
			end = &(*end)->next;
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return first;
}

/* ---------------------------------------------------------------- printing */

static void
put_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
put_seconds(FILE *out, uint64_t microseconds)
{
	fprintf(out, " %" PRIu64 ".%06" PRIu64 "\n",
	    microseconds / (uint64_t)SB_SECOND,
	    microseconds % (uint64_t)SB_SECOND);
}

/* A sample's name and labels; those of the row, and one more, may be none. */
static void
put_name(FILE *out, const struct family *f, const char *part,
    const char *program, const char *row, const char *value)
{
	fprintf(out, "%s%s{program=\"%s\"%s%s", f->name, part, program,
	    *row == '\0' ? "" : ",", row);
	if (value != NULL)
		fprintf(out, ",%s=\"%s\"", f->label, value);
	fputc('}', out);
}

static void
put_histogram(FILE *out, const char *program, const struct family *f,
    const char *row, const uint64_t *counters)
{
	uint64_t total = 0;

	for (size_t i = 0; i < f->width - 1; i++)
		total += counters[i];
	if (total == 0 && *row != '\0')
		return;
	total = 0;
	for (const struct word *v = f->values; v != NULL; v = v->next) {
		total += *counters++;
		put_name(out, f, "_bucket", program, row, v->text);
		fprintf(out, " %" PRIu64 "\n", total);
	}
	put_name(out, f, "_sum", program, row, NULL);
	put_seconds(out, *counters);
	put_name(out, f, "_count", program, row, NULL);
	fprintf(out, " %" PRIu64 "\n", total);
}

static void
put_counter(FILE *out, const char *program, const struct family *f,
    const char *row, const uint64_t *counters)
{
	const struct word *v = f->values;

	for (size_t i = 0; i < f->width; i++, v = v == NULL ? NULL : v->next) {
		/* Of all that routes could answer most never happens. */
		if (counters[i] == 0 && *row != '\0')
			continue;
		put_name(out, f, "", program, row, v == NULL ? NULL : v->text);
		if (strcmp(f->kind, "seconds") == 0)
			put_seconds(out, counters[i]);
		else
			fprintf(out, " %" PRIu64 "\n", counters[i]);
	}
}

static void
put_family(FILE *out, const struct file *file, const struct family *f)
{
	const uint64_t *counters = file->counters + f->first;

	for (const struct word *r = f->rows; r != NULL; r = r->next) {
		if (strcmp(f->kind, "histogram") == 0)
			put_histogram(out, file->program, f, r->text,
			    counters);
		else
			put_counter(out, file->program, f, r->text, counters);
		counters += f->width;
	}
}

static struct family *
find_family(const struct file *file, const char *name)
{
	struct family *f = file->families;

	while (f != NULL && strcmp(f->name, name) != 0)
		f = f->next;
	return f;
}

/* All samples of one name have to stand together, whosever they are. */
static void
put_counted(FILE *out, const struct file *files)
{
	for (const struct file *file = files; file != NULL; file = file->next)
		for (struct family *f = file->families; f != NULL;
		    f = f->next) {
			const struct file *g = files;

			while (g != file && find_family(g, f->name) == NULL)
				g = g->next;
			if (g != file || find_family(file, f->name) != f)
				continue;
			put_head(out, f->name, strcmp(f->kind, "histogram") ==
			    0 ? f->kind : "counter", f->help);
			for (; g != NULL; g = g->next) {
				struct family *same = find_family(g, f->name);

				if (same != NULL &&
				    strcmp(same->kind, f->kind) == 0)
					put_family(out, g, same);
			}
		}
}

/* -------------------------------------------------- what there is right now */

static void
put_processes(FILE *out, const struct file *files)
{
	const char *name = "switchboard_processes";

	if (files != NULL)
		put_head(out, name, "gauge",
		    "Processes that serve, where they stay (FastCGI).");
	for (const struct file *f = files; f != NULL; f = f->next)
		fprintf(out, "%s{program=\"%s\"} %d\n", name, f->program,
		    f->processes);
}

static void
put_gauge(FILE *out, const char *name, const char *help, int64_t value)
{
	put_head(out, name, "gauge", help);
	fprintf(out, "%s %" PRId64 "\n", name, value);
}

static int64_t
size_of(struct sb_pool *pool, const char *name)
{
	struct stat st;

	return stat(sb_printf(pool, "%s/%s", sb_settings.data, name), &st) ==
	    0 ? (int64_t)st.st_size : 0;
}

static void
put_time(FILE *out, struct sb_pool *pool, const char *name, const char *help,
    enum sb_note note)
{
	put_head(out, name, "gauge", help);
	fputs(name, out);
	put_seconds(out, (uint64_t)sb_note_time(pool, note));
}

static void
put_sizes(FILE *out, struct sb_pool *pool)
{
	struct statvfs fs;

	put_gauge(out, "switchboard_database_size_bytes",
	    "Size of the database, switchboard.db.",
	    size_of(pool, "switchboard.db"));
	put_gauge(out, "switchboard_database_wal_size_bytes",
	    "Size of its write-ahead log.",
	    size_of(pool, "switchboard.db-wal"));
	put_gauge(out, "switchboard_limits_size_bytes",
	    "Size of the counts of rate limits, limits.db.",
	    size_of(pool, "limits.db"));
	put_gauge(out, "switchboard_limits_wal_size_bytes",
	    "Size of their write-ahead log.",
	    size_of(pool, "limits.db-wal"));
	if (statvfs(sb_settings.data, &fs) == 0)
		put_gauge(out, "switchboard_filesystem_free_bytes",
		    "Room that is left where the data directory is.",
		    (int64_t)(fs.f_bavail * fs.f_frsize));
}

/*
 * The request's own connection would make a damaged file its failure.  And who
 * watches is told the rest at once, rather than this one number.
 */
static void
put_schema_step(FILE *out)
{
	struct sb_db *db = sb_db_new(SB_STORE_MAIN);
	int step;

	sb_db_deadline(db, PATIENCE);
	step = sb_db_step(db);
	sb_db_free(db);
	if (step >= 0)
		put_gauge(out, "switchboard_schema_step", "Step of the "
		    "database's schema; 0: there is no database yet.", step);
}

static void
put_state(FILE *out, struct sb_pool *pool)
{
	put_head(out, "switchboard_build_info", "gauge",
	    "1, for the version of the program that answers this.");
	fputs("switchboard_build_info{version=\"" PACKAGE_VERSION "\"} 1\n",
	    out);
	put_schema_step(out);
	put_sizes(out, pool);
	put_time(out, pool, "switchboard_last_tick_timestamp_seconds",
	    "When switchboard tick was last through; 0: never.",
	    SB_NOTE_TICK);
	put_time(out, pool, "switchboard_last_backup_timestamp_seconds",
	    "When the last backup was taken; 0: never.", SB_NOTE_BACKUP);
}

enum sb_status
sb_put_metrics(struct sb_response *rs)
{
	struct sb_pool *pool = rs->rq->pool;
	const struct file *files;
	size_t length;
	char *text, *copy;
	FILE *out = open_memstream(&text, &length);

	if (out == NULL)
		sb_fatal("out of memory");
	files = read_files(pool);
	put_counted(out, files);
	put_processes(out, files);
	put_state(out, pool);
	if (fclose(out) != 0)
		sb_fatal("out of memory");
	copy = sb_copy(pool, text, length);
	free(text);
	return sb_put_packed(rs, copy, length);
}
