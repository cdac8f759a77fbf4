/*
 * wanted.c - the labels pictures should have.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "data/wanted.h"
#include "metrics/verdicts.h"

/* ---- fixed ------------------------------------------------------------ */

static int label_of(const struct xl_classifier *c, const char *s, size_t len)
{
	char has[1024] = "";

	for (int i = 0; i < c->n_labels; i++)
		if (strlen(c->labels[i]) == len && strncmp(c->labels[i], s, len) == 0)
			return i;
	for (int i = 0; i < c->n_labels; i++)
		xl_list_add(has, sizeof has, c->labels[i]);
	return xl_err("--want: the classifier knows no '%.*s'; it tells %s",
		      len > 200 ? 200 : (int)len, s, has);
}

/* A value of a label, from its len bytes; that of a domain is a letter. */
static int value_of(const struct xl_classifier *c, int label, const char *s, size_t len)
{
	const int values = c->classes ? c->classes : 2;
	char name[320];

	for (int i = 0; i < values; i++) {
		xl_verdict_name(c, label, i, name, sizeof name);
		const char *value = name + strlen(c->labels[label]) + 1;

		if (strlen(value) == len && strncmp(value, s, len) == 0)
			return i;
	}
	return xl_err("--want: '%.*s' is no value of %s", len > 200 ? 200 : (int)len, s,
		      c->labels[label]);
}

static int parse(struct xl_wanted *w, const char *s)
{
	w->rows = xl_alloc((size_t)w->c->n_labels, sizeof *w->rows);
	if (!w->rows)
		return -1;
	w->n = 1;
	for (int i = 0; i < w->c->n_labels; i++)
		w->rows[i] = XL_VERDICT_ANY;
	for (;; s++) {
		const size_t len = strcspn(s, ","), name = strcspn(s, "=,");
		int label, value;

		if (name == len)
			return xl_err("--want: '%.*s' is not NAME=VALUE",
				      len > 200 ? 200 : (int)len, s);
		label = label_of(w->c, s, name);
		value = label < 0 ? -1 : value_of(w->c, label, s + name + 1, len - name - 1);
		if (value < 0)
			return -1;
		if (w->rows[label] != XL_VERDICT_ANY)
			return xl_err("--want: %s is named twice", w->c->labels[label]);
		w->rows[label] = value;
		s += len;
		if (!*s)
			return 0;
	}
}

/* ---- of records --------------------------------------------------------- */

/* 0, or as xl_wanted_next. */
static int read_labels(struct xl_wanted *w, const struct xl_record *r, int *want)
{
	uint8_t y[XL_CLASSIFIER_OUTPUTS];
	const int domain = xl_labels_domain(r, w->ask.domain_by);

	if (domain < 0)
		return -1;
	if (!w->labels.is_chosen && xl_labels_choose(&w->labels, &w->ask, r)) {
		xl_labels_done(&w->labels);
		return -2;
	}
	if (w->labels.is_domain && domain == 2) {
		xl_err("has no domain (meta.domain A or B)");
		return -2;
	}
	if (xl_labels_read(&w->labels, r, domain, y))
		return -1;
	for (int i = 0; i < w->c->n_labels; i++) {
		if (y[i] >= (w->c->classes ? w->c->classes : 2))
			return xl_err("'%s' is %d, a value the classifier has not seen",
				      w->c->labels[i], y[i]);
		want[i] = y[i];
	}
	return 0;
}

static int add_row(struct xl_wanted *w, const struct xl_record *r)
{
	const size_t labels = (size_t)w->c->n_labels, n = (size_t)w->n;

	if ((n & (n - 1)) == 0) { /* room for twice as many */
		int *rows = xl_realloc(w->rows, 2 * (n + 1) * labels, sizeof *rows);

		if (!rows)
			return -1;
		w->rows = rows;
	}
	if (read_labels(w, r, w->rows + n * labels))
		return -1;
	w->n++;
	return 0;
}

static int read_exemplars(struct xl_wanted *w)
{
	struct xl_reader *rd = xl_reader_open(w->exemplars);
	struct xl_record *r;
	int got = rd ? 0 : -1;

	while (rd && (got = xl_reader_next(rd, &r)) > 0) {
		const int rc = add_row(w, r);

		xl_record_free(r);
		if (rc) {
			got = xl_err_prefix("%s", xl_reader_where(rd));
			break;
		}
	}
	xl_reader_close(rd);
	if (got == 0 && w->n == 0)
		return xl_err("%s: holds no exemplar", w->exemplars);
	return got;
}

/* ---- the whole ---------------------------------------------------------- */

int xl_wanted_init(struct xl_wanted *w, const struct xl_classifier *c, const char *fixed,
		   const char *exemplars, const char *domain_by, bool *is_usage)
{
	*w = (struct xl_wanted){.c = c,
				.ask = {.names = (const char *const *)c->labels,
					.n_names = c->n_labels,
					.is_whole = c->classes > 0,
					.domain_by = domain_by}};
	*is_usage = fixed != NULL;
	w->fixed = fixed;
	if (fixed)
		return parse(w, fixed);
	w->exemplars = exemplars;
	return exemplars ? read_exemplars(w) : 0;
}

void xl_wanted_done(struct xl_wanted *w)
{
	xl_labels_done(&w->labels);
	free(w->rows);
	*w = (struct xl_wanted){.c = NULL};
}

int xl_wanted_next(struct xl_wanted *w, const struct xl_record *r, int *want)
{
	const size_t labels = (size_t)w->c->n_labels;

	if (w->n == 0)
		return r ? read_labels(w, r, want) : 0;
	memcpy(want, w->rows + (size_t)(w->given++ % w->n) * labels, labels * sizeof *want);
	return 0;
}

int xl_wanted_end(const struct xl_wanted *w)
{
	if (w->n == 0 || w->given % w->n == 0)
		return 0;
	return xl_err("%s: %lld exemplars for %lld pictures", w->exemplars, (long long)w->n,
		      (long long)w->given);
}
