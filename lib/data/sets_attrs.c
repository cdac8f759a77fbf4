/*
 * sets_attrs.c - reads attribute files, and the file that parts a set.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/file.h"
#include "core/mem.h"
#include "core/opt.h"
#include "data/sets_attrs.h"

/* CelebA's file has 27 MB and 40 attributes. */
enum { MAX_FILE = 1 << 28, MAX_NAMES = 4096 };

/* The file as one string; NULL with xl_err set */
static char *read_text(const char *path)
{
	struct stat st;
	size_t n = 0;
	char *s = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st)) {
		xl_err("%s: %s", path, xl_strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > MAX_FILE) {
		xl_err("%s: not a list", path);
		goto out;
	}
	s = xl_alloc((size_t)st.st_size + 1, 1);
	while (s && n < (size_t)st.st_size) {
		ssize_t got = read(fd, s + n, (size_t)st.st_size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			xl_err("%s: %s", path, xl_strerror(errno));
			free(s);
			s = NULL;
		}
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (s && memchr(s, 0, n)) {
		xl_err("%s: not a list, but binary", path);
		free(s);
		s = NULL;
	}
out:
	if (fd >= 0)
		close(fd);
	return s;
}

struct lines {
	char *next;
	int64_t number; /* of the line given last */
};

/* The next line that is not blank, ended by NUL; NULL at the end */
static char *next_line(struct lines *in)
{
	while (in->next) {
		char *s = in->next, *end = s + strcspn(s, "\n");
		in->next = *end ? end + 1 : NULL;
		in->number++;
		*end = '\0';
		s += strspn(s, " \t\r,");
		if (*s)
			return s;
	}
	return NULL;
}

/* The next word of a line, ended by NUL; NULL at its end */
static char *next_word(char **line)
{
	static const char gaps[] = " \t\r,";
	char *s = *line + strspn(*line, gaps), *end = s + strcspn(s, gaps);

	if (s == end)
		return NULL;
	*line = *end ? end + 1 : end;
	*end = '\0';
	return s;
}

static int read_names(struct xl_attrs *l, char *line)
{
	bool is_table = strchr(line, ',');

	l->names = xl_alloc(MAX_NAMES, sizeof *l->names);
	if (!l->names)
		return -1;
	if (is_table)
		next_word(&line);
	for (char *word; (word = next_word(&line));) {
		if (l->n_names == MAX_NAMES)
			return xl_err("%s: more than %d attributes", l->path, MAX_NAMES);
		l->names[l->n_names++] = word;
	}
	if (!l->n_names)
		return xl_err("%s: names no attributes", l->path);
	return 0;
}

static int read_row(struct xl_attrs *l, char *line, int64_t number)
{
	uint8_t *y = l->values + l->n * l->n_names;
	char *word;
	int k = 0;

	l->rows[l->n].file = next_word(&line);
	l->rows[l->n].y = y;
	for (; (word = next_word(&line)); k++) {
		bool is_one = !strcmp(word, "1");
		if (!is_one && strcmp(word, "-1") && strcmp(word, "0"))
			return xl_err("%s: line %lld: '%.40s' is not -1, 0 or 1", l->path,
				      (long long)number, word);
		if (k < l->n_names)
			y[k] = is_one;
	}
	if (k != l->n_names)
		return xl_err("%s: line %lld has %d values for %d attributes", l->path,
			      (long long)number, k, l->n_names);
	l->n++;
	return 0;
}

static int by_file(const void *a, const void *b)
{
	const struct xl_attrs_row *x = a, *y = b;
	return strcmp(x->file, y->file);
}

/* Room for every line that is left; checked, because names may be many */
static int make_rows(struct xl_attrs *l, const char *text)
{
	size_t most = 1, cells;

	for (const char *p = text; p && *p; p++)
		most += *p == '\n';
	if (xl_mul(most, (size_t)l->n_names, &cells))
		return -1;
	/* Each value takes two bytes of the file; more names than that fit is a lie. */
	if (text && cells > strlen(text) + 2 * (size_t)l->n_names)
		return xl_err("%s: %zu lines are too short for %d attributes", l->path, most,
			      l->n_names);
	/* A row has a name of one byte or more, and blank lines are none. */
	if (text && most > strlen(text) / (2 + 2 * (size_t)l->n_names) + 1)
		most = strlen(text) / (2 + 2 * (size_t)l->n_names) + 1;
	l->values = xl_alloc(most, (size_t)l->n_names);
	l->rows = xl_alloc(most, sizeof *l->rows);
	return l->values && l->rows ? 0 : -1;
}

static int parse(struct xl_attrs *l)
{
	struct lines in = {.next = l->text};
	char *line = next_line(&in), *end;
	int64_t count = -1;

	if (line) {
		long long v = strtoll(line, &end, 10);
		if (end > line && !end[strspn(end, " \t\r")]) {
			count = v;
			line = next_line(&in);
		}
	}
	if (!line)
		return xl_err("%s: holds no list of attributes", l->path);
	if (read_names(l, line) || make_rows(l, in.next))
		return -1;
	while ((line = next_line(&in)))
		if (read_row(l, line, in.number))
			return -1;
	if (count >= 0 && count != l->n)
		return xl_err("%s: says it lists %lld files, but lists %lld", l->path,
			      (long long)count, (long long)l->n);
	qsort(l->rows, (size_t)l->n, sizeof *l->rows, by_file);
	for (int64_t i = 1; i < l->n; i++)
		if (!by_file(&l->rows[i - 1], &l->rows[i]))
			return xl_err("%s: lists '%.80s' twice", l->path, l->rows[i].file);
	return 0;
}

int xl_attrs_read(struct xl_attrs *l, const char *path)
{
	memset(l, 0, sizeof *l);
	l->path = xl_strdup(path);
	l->text = l->path ? read_text(path) : NULL;
	if (l->text && !parse(l))
		return 0;
	xl_attrs_done(l);
	return -1;
}

void xl_attrs_done(struct xl_attrs *l)
{
	free(l->path);
	free(l->names);
	free(l->rows);
	free(l->values);
	free(l->text);
	memset(l, 0, sizeof *l);
}

int64_t xl_attrs_find(const struct xl_attrs *l, const char *file)
{
	struct xl_attrs_row key = {.file = file};
	struct xl_attrs_row *row = NULL;

	if (l->rows && l->n)
		row = bsearch(&key, l->rows, (size_t)l->n, sizeof key, by_file);
	return row ? row - l->rows : -1;
}

/* ---- parts ------------------------------------------------------------ */

static int read_part(struct xl_attrs *l, const char *path, char *line, int64_t number)
{
	static const enum xl_split parts[] = {XL_SPLIT_TRAIN, XL_SPLIT_OTHER, XL_SPLIT_TEST};
	const char *file = next_word(&line), *part = next_word(&line);
	bool is_part = part && part[0] >= '0' && part[0] <= '2' && !part[1];

	if (!is_part && number == 1)
		return 0;
	if (!is_part || next_word(&line))
		return xl_err("%s: line %lld: not a file name and 0, 1 or 2", path,
			      (long long)number);
	int64_t row = xl_attrs_find(l, file);
	if (row >= 0)
		l->rows[row].split = parts[part[0] - '0'];
	return 0;
}

int xl_attrs_read_split(struct xl_attrs *l, const char *path)
{
	struct lines in = {.next = read_text(path)};
	char *text = in.next, *line;
	int rc = text ? 0 : -1;

	while (!rc && (line = next_line(&in)))
		rc = read_part(l, path, line, in.number);
	free(text);
	return rc;
}
