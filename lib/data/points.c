/*
 * points.c - tensors of records as rows of numbers, in groups.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "data/points.h"

enum { VALUES = 256 }; /* of a label, and numbers of files */

void xl_points_init(struct xl_points *p, const char *tensor, const char *by,
		    const char *const *files, int n_files)
{
	*p = (struct xl_points){.tensor = tensor, .by = by, .files = files, .n_files = n_files};
	p->by_file = by ? strcmp(by, "file") == 0 : n_files > 1;
	xl_digest_init(&p->digest);
}

void xl_points_done(struct xl_points *p)
{
	for (int64_t i = 0; i < p->n; i++)
		free(p->ids[i]);
	for (int g = 0; g < p->groups; g++)
		free(p->names[g]);
	free(p->rows);
	free(p->ids);
	free(p->group);
	xl_labels_done(&p->labels);
	*p = (struct xl_points){.n = 0};
}

/* ---- groups ------------------------------------------------------------- */

/* What the first record is grouped by where nothing was asked for; NULL: nothing. */
static const char *usual(const struct xl_record *r)
{
	const struct xl_value *names = xl_meta_get(r, "attributes");

	if (xl_meta_str(r, "domain", NULL))
		return "domain";
	if (xl_record_tensor(r, "y") && names && names->type == XL_LIST && names->n == 1 &&
	    names->items[0].type == XL_STR)
		return names->items[0].str;
	return NULL;
}

/* Chooses the label by the first record. */
static int choose(struct xl_points *p, const struct xl_record *r)
{
	const char *by = p->by ? p->by : usual(r);

	if (!by || p->by_file || p->n > 0 || p->labels.is_chosen)
		return 0;
	p->want = (struct xl_labels_want){.list = by, .is_whole = true};
	if (xl_labels_choose(&p->labels, &p->want, r) == 0)
		return 0;
	xl_labels_done(&p->labels);
	return -1;
}

/* The value it is grouped by, or -1 with xl_err set. */
static int group_of(struct xl_points *p, const struct xl_record *r, int file)
{
	uint8_t y;

	if (p->by_file)
		return file < VALUES ? file : xl_err("more than %d files", VALUES);
	if (!p->labels.is_chosen)
		return 0;
	const int domain = xl_labels_domain(r, NULL);

	if (domain < 0)
		return -1;
	if (p->labels.is_domain && domain == 2)
		return xl_err("has no domain (meta.domain A or B)");
	return xl_labels_read(&p->labels, r, domain, &y) ? -1 : y;
}

static char *name_of(const struct xl_points *p, int value)
{
	if (p->by_file)
		return xl_strdup(p->files[value]);
	if (!p->labels.is_chosen)
		return xl_strdup("all");
	if (p->labels.is_domain)
		return xl_strf("domain=%c", 'A' + value);
	return xl_strf("%s=%d", p->labels.names[0], value);
}

int xl_points_end(struct xl_points *p)
{
	int number[VALUES];

	for (int v = 0; v < VALUES; v++)
		number[v] = -1;
	for (int64_t i = 0; i < p->n; i++)
		number[p->group[i]] = 0;
	for (int v = 0; v < VALUES; v++) {
		if (number[v] < 0)
			continue;
		if (p->groups == XL_SCATTER_GROUPS)
			return xl_err("more than %d groups", XL_SCATTER_GROUPS);
		if (!(p->names[p->groups] = name_of(p, v)))
			return -1;
		number[v] = p->groups++;
	}
	for (int64_t i = 0; i < p->n; i++)
		p->group[i] = number[p->group[i]];
	return 0;
}

/* ---- rows --------------------------------------------------------------- */

static const char *tensor_of(const struct xl_points *p, const struct xl_record *r)
{
	if (p->tensor)
		return p->tensor;
	return xl_record_tensor(r, "f") ? "f" : xl_record_tensor(r, "out") ? "out" : "x";
}

/* The numbers of a record, <f8, of any shape. */
static struct xl_tensor *numbers(const struct xl_points *p, const struct xl_record *r)
{
	const char *name = tensor_of(p, r);
	const struct xl_tensor *t = xl_record_tensor(r, name);
	struct xl_tensor *picture, *wide;

	if (!t) {
		xl_err("has no tensor '%s'", name);
		return NULL;
	}
	if (strcmp(name, "x") != 0 && strcmp(name, "out") != 0)
		return xl_tensor_to(t, XL_F8);
	picture = xl_image_check_range(t, name) == 0 ? xl_image_to_u1(t) : NULL;
	wide = picture ? xl_tensor_to(picture, XL_F8) : NULL;
	xl_tensor_free(picture);
	for (int64_t i = 0; wide && i < xl_tensor_count(wide); i++)
		((double *)wide->data)[i] /= 255;
	return wide;
}

static int check(const struct xl_points *p, const struct xl_tensor *t)
{
	const int64_t d = xl_tensor_count(t);

	if (d == 0)
		return xl_err("has no number to lay out");
	if (p->n > 0 && d != p->d)
		return xl_err("has %lld numbers, the first %lld", (long long)d, (long long)p->d);
	for (int64_t i = 0; i < d; i++)
		if (!isfinite(((const double *)t->data)[i]))
			return xl_err("holds values that are not finite");
	return 0;
}

static int grow(struct xl_points *p, int64_t d)
{
	const size_t cap = p->cap ? 2 * (size_t)p->cap : 256;
	size_t count;
	void *q;

	if (p->n < p->cap)
		return 0;
	if (xl_mul(cap, (size_t)d, &count) || !(q = xl_realloc(p->rows, count, sizeof *p->rows)))
		return -1;
	p->rows = q;
	if (!(q = xl_realloc(p->ids, cap, sizeof *p->ids)))
		return -1;
	p->ids = q;
	if (!(q = xl_realloc(p->group, cap, sizeof *p->group)))
		return -1;
	p->group = q;
	p->cap = (int64_t)cap;
	return 0;
}

static int store(struct xl_points *p, const struct xl_tensor *t, const char *id, int group)
{
	const int64_t d = xl_tensor_count(t);

	if (grow(p, d) || !(p->ids[p->n] = xl_strdup(id)))
		return -1;
	p->d = d;
	memcpy(p->rows + p->n * d, t->data, xl_tensor_bytes(t));
	p->group[p->n++] = group;
	xl_digest_add(&p->digest, id, strlen(id) + 1);
	xl_digest_add(&p->digest, t->data, xl_tensor_bytes(t));
	return 0;
}

static enum xl_points_answer add(struct xl_points *p, const struct xl_record *r,
				 const struct xl_tensor *t, int file)
{
	int group;

	if (check(p, t))
		return XL_POINTS_SKIPPED;
	if (choose(p, r))
		return XL_POINTS_NO_GROUP;
	if ((group = group_of(p, r, file)) < 0)
		return XL_POINTS_SKIPPED;
	return store(p, t, r->id, group) ? XL_POINTS_FAILED : XL_POINTS_TAKEN;
}

enum xl_points_answer xl_points_add(struct xl_points *p, const struct xl_record *r, int file)
{
	struct xl_tensor *t = numbers(p, r);
	enum xl_points_answer a = XL_POINTS_SKIPPED;

	if (t)
		a = add(p, r, t, file);
	else if (p->n == 0 && !xl_record_tensor(r, tensor_of(p, r)))
		a = XL_POINTS_NO_TENSOR;
	xl_tensor_free(t);
	return a;
}
