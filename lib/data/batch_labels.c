/*
 * batch_labels.c - choosing labels by name and reading them from records.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "data/batch_labels.h"
#include "data/where.h"
#include "tensor/dtype.h"

enum { BITS = 2, BYTES = UINT8_MAX + 1 };
enum { WORDS = 1024 }; /* bytes of a list of names in a message; CelebA's 40 take 450 */

static const struct xl_value *names_of(const struct xl_record *r)
{
	const struct xl_value *v = xl_meta_get(r, "attributes");

	if (!v || v->type != XL_LIST)
		return NULL;
	for (int i = 0; i < v->n; i++)
		if (v->items[i].type != XL_STR)
			return NULL;
	return v;
}

static int column_of(const struct xl_value *names, const char *name)
{
	for (int i = 0; names && i < names->n; i++)
		if (strcmp(names->items[i].str, name) == 0)
			return i;
	return -1;
}

/* "Male, Smiling", or "none". */
static const char *words(const struct xl_value *names, char *buf, size_t size)
{
	*buf = '\0';
	for (int i = 0; names && i < names->n; i++)
		xl_list_add(buf, size, names->items[i].str);
	return *buf ? buf : "none";
}

static int missing(const struct xl_value *names, const char *name)
{
	char has[WORDS];

	return xl_err("has no attribute '%s'; there are %s", name, words(names, has, sizeof has));
}

/* The value of one label, checked: below `classes`. */
static int label(const struct xl_record *r, const struct xl_value *names, int column, int classes)
{
	const struct xl_tensor *y = xl_record_tensor(r, "y");
	double v;

	if (!y)
		return xl_err("has no labels (tensor 'y')");
	if (y->ndim != 1 || y->shape[0] != names->n)
		return xl_err("y has %lld labels, meta.attributes names %d",
			      (long long)xl_tensor_count(y), names->n);
	v = xl_tensor_value(y, column);
	if (v >= 0 && v < classes && v == (int)v)
		return (int)v;
	if (classes == BITS)
		return xl_err("attribute '%s' is %g, training takes 0 and 1",
			      names->items[column].str, v);
	return xl_err("attribute '%s' is %g, not a whole number from 0 to %d",
		      names->items[column].str, v, classes - 1);
}

static int domain_from_labels(const struct xl_record *r, const struct xl_value *names,
			      const char *domain_by)
{
	const char **name = xl_alloc((size_t)names->n + 1, sizeof *name);
	uint8_t *y = xl_alloc((size_t)names->n + 1, 1);
	struct xl_where *w = NULL;
	int domain = -1;

	if (!name || !y)
		goto out;
	for (int i = 0; i < names->n; i++) {
		int v = label(r, names, i, BYTES);

		if (v < 0)
			goto out;
		y[i] = (uint8_t)v;
		name[i] = names->items[i].str;
	}
	w = xl_where_new("--domain-by", domain_by, name, names->n);
	if (w)
		domain = xl_where_holds(w, y);
out:
	xl_where_free(w);
	free(name);
	free(y);
	return domain;
}

int xl_labels_domain(const struct xl_record *r, const char *domain_by)
{
	const struct xl_value *names = names_of(r);
	const char *s;

	if (domain_by)
		return names ? domain_from_labels(r, names, domain_by) : missing(NULL, domain_by);
	s = xl_meta_str(r, "domain", NULL);
	if (!s)
		return 2;
	if (strcmp(s, "A") != 0 && strcmp(s, "B") != 0)
		return xl_err("domain is '%s', neither A nor B", s);
	return *s == 'B';
}

static int add_name(struct xl_labels *l, const char *name, size_t len)
{
	char *s = xl_strf("%.*s", (int)len, name);
	char **p = s ? xl_realloc(l->names, (size_t)l->n + 1, sizeof *p) : NULL;

	if (!p) {
		free(s);
		return -1;
	}
	l->names = p;
	for (int i = 0; i < l->n; i++) {
		if (strcmp(l->names[i], s) == 0) {
			xl_err("attribute '%s' is named twice", s);
			free(s);
			return -1;
		}
	}
	l->names[l->n++] = s;
	return 0;
}

static int add_names(struct xl_labels *l, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (add_name(l, names[i], strlen(names[i])))
			return -1;
	return 0;
}

/* What was asked for: nothing is added where that is nothing. */
static int add_asked(struct xl_labels *l, const struct xl_labels_want *want)
{
	if (!want->list)
		return add_names(l, want->names, want->n_names);
	for (const char *p = want->list;; p++) {
		size_t len = strcspn(p, ",");

		if (len == 0)
			return xl_err("--attributes: '%s' has an empty name", want->list);
		if (add_name(l, p, len))
			return -1;
		p += len;
		if (!*p)
			return 0;
	}
}

static int count_defaults(const struct xl_labels_want *want)
{
	int n = 0;

	while (want->defaults && want->defaults[n])
		n++;
	return n;
}

/* The names to take: a choice of one of three lists. */
static int choose_names(struct xl_labels *l, const struct xl_labels_want *want,
			const struct xl_value *have)
{
	int n = count_defaults(want);

	if (add_asked(l, want))
		return -1;
	if (l->n > 0 || !have || (!want->classes && (want->two_domains || want->domain_by)))
		return 0;
	for (int i = 0; i < n; i++)
		if (column_of(have, want->defaults[i]) < 0)
			n = 0;
	if (n > 0)
		return add_names(l, want->defaults, n);
	for (int i = 0; i < have->n; i++)
		if (add_name(l, have->items[i].str, strlen(have->items[i].str)))
			return -1;
	return 0;
}

int xl_labels_pretend(struct xl_labels *l, const struct xl_labels_want *want)
{
	const int n = count_defaults(want);

	if (add_asked(l, want))
		return -1;
	if (l->n > 0 || want->two_domains)
		return 0;
	return n > 0 ? add_names(l, want->defaults, n) : add_name(l, "any", 3);
}

int xl_labels_choose(struct xl_labels *l, const struct xl_labels_want *want,
		     const struct xl_record *r)
{
	const struct xl_value *have = names_of(r);
	int domain = xl_labels_domain(r, want->domain_by);

	if (domain < 0 || choose_names(l, want, have))
		return -1;
	if (l->n == 0 && domain < 2 && !want->two_domains && add_name(l, "domain", 6))
		return -1;
	l->is_whole = want->is_whole;
	l->is_domain = l->n == 1 && domain < 2 && strcmp(l->names[0], "domain") == 0 &&
		       column_of(have, "domain") < 0;
	for (int i = 0; i < l->n; i++)
		if (!l->is_domain && column_of(have, l->names[i]) < 0)
			return missing(have, l->names[i]);
	l->classes = want->classes;
	l->column = xl_alloc((size_t)l->n + 1, sizeof *l->column);
	l->is_chosen = l->column != NULL;
	return l->column ? 0 : -1;
}

void xl_labels_done(struct xl_labels *l)
{
	for (int i = 0; i < l->n; i++)
		free(l->names[i]);
	free(l->names);
	free(l->column);
	memset(l, 0, sizeof *l);
}

/* Streams joined by cat may have their labels in another order. */
static int find_columns(struct xl_labels *l, const struct xl_value *have)
{
	for (int i = 0; i < l->n; i++) {
		if (l->column[i] < have->n &&
		    strcmp(have->items[l->column[i]].str, l->names[i]) == 0)
			continue;
		l->column[i] = column_of(have, l->names[i]);
		if (l->column[i] < 0) {
			l->column[i] = 0;
			return missing(have, l->names[i]);
		}
	}
	return 0;
}

int xl_labels_read(struct xl_labels *l, const struct xl_record *r, int domain, uint8_t *y)
{
	const struct xl_value *have;

	if (l->is_domain) {
		y[0] = domain == 1;
		return 0;
	}
	if (l->n == 0)
		return 0;
	have = names_of(r);
	if (!have)
		return missing(NULL, l->names[0]);
	if (find_columns(l, have))
		return -1;
	for (int i = 0; i < l->n; i++) {
		int v = label(r, have, l->column[i],
			      l->classes    ? l->classes
			      : l->is_whole ? BYTES
					    : BITS);

		if (v < 0)
			return -1;
		y[i] = (uint8_t)v;
	}
	return 0;
}
