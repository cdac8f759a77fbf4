/*
 * curves.c - reads logs of xl-train. The script for gnuplot is in
 * curves_script.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/file.h"
#include "core/mem.h"
#include "data/curves.h"
#include "data/jsonline.h"

/* A log's first line, with all options, has 2 KB; a line of losses 1 KB. */
enum { MAX_LINE = 1 << 20, MAX_CURVES = 1024 };

void xl_curves_done(struct xl_curves *c)
{
	for (int i = 0; i < c->n; i++) {
		free(c->curves[i].key);
		free(c->curves[i].points);
	}
	for (int i = 0; i < c->n_logs; i++)
		free(c->logs[i]);
	free(c->curves);
	free(c->logs);
	memset(c, 0, sizeof *c);
}

/* The curve of a key in the log being read, made where it is new */
static struct xl_curve *curve_of(struct xl_curves *c, const char *key)
{
	struct xl_curve *more;

	for (int i = 0; i < c->n; i++)
		if (c->curves[i].log == c->n_logs - 1 && !strcmp(c->curves[i].key, key))
			return &c->curves[i];
	if (c->n == MAX_CURVES) {
		xl_err("more than %d different keys", MAX_CURVES);
		return NULL;
	}
	more = xl_realloc(c->curves, (size_t)c->n + 1, sizeof *more);
	if (!more)
		return NULL;
	c->curves = more;
	more += c->n;
	memset(more, 0, sizeof *more);
	more->log = c->n_logs - 1;
	more->key = xl_strdup(key);
	return more->key ? c->n++, more : NULL;
}

static int add_point(struct xl_curve *k, int64_t step, double value)
{
	if (k->n == k->cap) {
		int64_t cap = k->cap ? 2 * k->cap : 256;
		struct xl_point *more = xl_realloc(k->points, (size_t)cap, sizeof *more);
		if (!more)
			return -1;
		k->points = more;
		k->cap = cap;
	}
	k->points[k->n++] = (struct xl_point){step, value};
	return 0;
}

/* A resumed run repeats steps: what was there of them goes. */
static void go_back(struct xl_curves *c, int64_t step)
{
	for (int i = 0; i < c->n; i++) {
		struct xl_curve *k = &c->curves[i];
		while (k->log == c->n_logs - 1 && k->n && k->points[k->n - 1].step >= step)
			k->n--;
	}
}

/* What a line is about, from a first look at all its members. */
struct line {
	bool has_tool, has_end, has_step;
	double step;
};

static int look(const char *text, struct line *l)
{
	struct xl_jsonline j;
	int got;

	memset(l, 0, sizeof *l);
	xl_jsonline_begin(&j, text);
	while ((got = xl_jsonline_next(&j)) == 1) {
		l->has_tool = l->has_tool || !strcmp(j.key, "tool");
		l->has_end = l->has_end || !strcmp(j.key, "end");
		if (strcmp(j.key, "step"))
			continue;
		if (j.type != XL_JSON_NUMBER || j.number < 0 || j.number > 0x1p53 ||
		    j.number != (double)(int64_t)j.number)
			return xl_err("'step' is not a whole number");
		l->has_step = true;
		l->step = j.number;
	}
	return got;
}

static int take_points(struct xl_curves *c, const char *text, const struct line *l)
{
	struct xl_jsonline j;

	go_back(c, (int64_t)l->step);
	xl_jsonline_begin(&j, text);
	while (xl_jsonline_next(&j) == 1) {
		if (j.type != XL_JSON_NUMBER || !strcmp(j.key, "step"))
			continue;
		struct xl_curve *k = curve_of(c, j.key);
		if (!k || add_point(k, (int64_t)l->step, j.number))
			return -1;
	}
	return 0;
}

/* A line that cannot be understood is left out, but for the first. */
static int take_line(struct xl_curves *c, const char *text, int64_t number, bool is_last)
{
	struct line l;

	if (look(text, &l)) {
		if (number == 1)
			return -1;
		c->is_cut = is_last;
		if (!is_last && c->n_broken++ == 0)
			snprintf(c->first_broken, sizeof c->first_broken, "line %lld: %s",
				 (long long)number, xl_err_msg());
		return 0;
	}
	if (number == 1 && !l.has_tool)
		return xl_err("not a log of xl-train, which begins with a \"tool\"");
	return l.has_tool || l.has_end || !l.has_step ? 0 : take_points(c, text, &l);
}

/* All lines of a log; text holds MAX_LINE + 2 bytes */
static int take_lines(struct xl_curves *c, FILE *f, char *text)
{
	for (int64_t number = 1; fgets(text, MAX_LINE + 2, f); number++) {
		size_t n = strlen(text);
		bool is_whole = n && text[n - 1] == '\n';
		if (n > MAX_LINE)
			return xl_err("line %lld is longer than %d bytes", (long long)number,
				      MAX_LINE);
		if (take_line(c, text, number, !is_whole && feof(f)))
			return xl_err_prefix("line %lld", (long long)number);
	}
	return 0;
}

int xl_curves_read(struct xl_curves *c, const char *path)
{
	bool is_stdin = !strcmp(path, "-");
	FILE *f = is_stdin ? stdin : fopen(path, "re");
	char **logs = xl_realloc(c->logs, (size_t)c->n_logs + 1, sizeof *logs);
	char *text = xl_alloc(MAX_LINE + 2, 1);
	int rc = -1, before = c->n;

	c->is_cut = false;
	c->n_broken = 0;
	if (logs)
		c->logs = logs;
	if (!f) {
		xl_err("%s", xl_strerror(errno));
		goto out;
	}
	if (!logs || !text || !(c->logs[c->n_logs] = xl_strdup(is_stdin ? "stdin" : path)))
		goto out;
	c->n_logs++;
	rc = take_lines(c, f, text);
	if (!rc && ferror(f))
		rc = xl_err("cannot be read: %s", xl_strerror(errno));
	if (!rc && c->n == before)
		rc = xl_err("%s", c->n_broken ? c->first_broken : "has no steps yet");
out:
	if (rc)
		xl_err_prefix("%s", is_stdin ? "stdin" : path);
	if (f && !is_stdin)
		fclose(f);
	free(text);
	return rc;
}

/* ---- choice ----------------------------------------------------------- */

/* Whether a key is meant by a word of `len` bytes: itself, or a prefix "D." */
static bool is_meant(const char *key, const char *word, size_t len)
{
	if (len && word[len - 1] == '.')
		return !strncmp(key, word, len);
	return strlen(key) == len && !memcmp(key, word, len);
}

static int fail_unknown(const struct xl_curves *c, const char *word, size_t len)
{
	char has[700] = "";

	for (int i = 0; i < c->n; i++)
		if (c->curves[i].log == c->curves[0].log)
			xl_list_add(has, sizeof has, c->curves[i].key);
	return xl_err("--keys: there is no '%.*s'; there are %s", (int)len, word, has);
}

static void drop_unmarked(struct xl_curves *c, const bool *is_kept)
{
	int n = 0;

	for (int i = 0; i < c->n; i++) {
		if (is_kept[i]) {
			c->curves[n++] = c->curves[i];
		} else {
			free(c->curves[i].key);
			free(c->curves[i].points);
		}
	}
	c->n = n;
}

int xl_curves_choose(struct xl_curves *c, const char *keys)
{
	bool *is_kept = xl_alloc((size_t)c->n, sizeof *is_kept);
	int found = 0;

	if (!is_kept)
		return -1;
	for (int i = 0; !keys && i < c->n; i++)
		found += is_kept[i] = strchr(c->curves[i].key, '.') != NULL;
	for (int i = 0; !keys && !found && i < c->n; i++)
		is_kept[i] = true;
	for (const char *p = keys; p; p = *p ? p + 1 : NULL) {
		size_t len = strcspn(p, ",");
		found = 0;
		for (int i = 0; i < c->n; i++)
			if (is_meant(c->curves[i].key, p, len))
				found += is_kept[i] = true;
		if (!found) {
			free(is_kept);
			return fail_unknown(c, p, len);
		}
		p += len;
	}
	drop_unmarked(c, is_kept);
	free(is_kept);
	return 0;
}

double xl_curve_mean(const struct xl_curve *c, int64_t i, int64_t window)
{
	int64_t half = window / 2, lo = i > half ? i - half : 0;
	int64_t hi = i + half < c->n ? i + half + 1 : c->n;
	double sum = 0;

	for (int64_t k = lo; k < hi; k++)
		sum += c->points[k].value;
	return sum / (double)(hi - lo);
}
