/*
 * golden.h - what tests against golden data (tests/golden/make.py) share: reading it,
 * weights and images by formula, and the comparison of a step's losses, gradients and
 * parameters after Adam. Include it after cmocka.h.
 */
#ifndef XL_TESTS_GOLDEN_H
#define XL_TESTS_GOLDEN_H

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "methods/model.h"

enum { GOLDEN_RECORDS = 32 };

struct golden {
	struct xl_record *r[GOLDEN_RECORDS];
	int n;
};

static inline void ok(int rc)
{
	if (rc)
		fail_msg("%s", xl_err_msg());
}

static inline void read_golden(struct golden *g, const char *name)
{
	char path[64];
	struct xl_reader *rd;
	int rc = 0;

	snprintf(path, sizeof path, "tests/golden/%s.msgpack", name);
	g->n = 0;
	if (!(rd = xl_reader_open(path)))
		fail_msg("%s", xl_err_msg());
	while (g->n < GOLDEN_RECORDS && (rc = xl_reader_next(rd, &g->r[g->n])) == 1)
		g->n++;
	ok(rc < 0 ? -1 : 0);
	xl_reader_close(rd);
}

static inline void free_golden(struct golden *g)
{
	for (int i = 0; i < g->n; i++)
		xl_record_free(g->r[i]);
}

static inline const struct xl_record *find_golden(const struct golden *g, const char *id)
{
	for (int i = 0; i < g->n; i++)
		if (strcmp(g->r[i]->id, id) == 0)
			return g->r[i];
	fail_msg("no record %s", id);
	return NULL;
}

/* A tensor as doubles, owned by the caller. */
static inline double *numbers(const struct xl_record *r, const char *name, int64_t *count)
{
	const struct xl_tensor *t = xl_record_tensor(r, name);
	struct xl_tensor *d;
	double *p;

	if (!t)
		fail_msg("record %s has no %s", r->id, name);
	d = xl_tensor_to(t, XL_F8);
	assert_non_null(d);
	*count = xl_tensor_count(d);
	p = malloc(xl_tensor_bytes(d));
	assert_non_null(p);
	memcpy(p, d->data, xl_tensor_bytes(d));
	xl_tensor_free(d);
	return p;
}

/* ---- weights and images by formula ---- */

/* Element k of parameter p: mean 0, variance 1. */
static inline double unit(uint32_t p, int64_t k)
{
	uint32_t h = (uint32_t)k + p * 0x9e3779b9u;

	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	h ^= h >> 16;
	return sqrt(3) * (2 * ((double)h / 4294967296.0) - 1);
}

/* All parameters, numbered from the record's seed; weights of the critic are halved. */
static inline void set_weights(struct xl_model *m, const struct xl_record *golden)
{
	uint32_t number = (uint32_t)xl_meta_int(golden, "seed", 0);

	for (int i = 0; i < m->n_nets; i++) {
		struct xl_net *net = m->nets[i];
		for (int k = 0; k < net->n_params; k++) {
			const struct xl_param *p = &net->params[k];
			const double he = p->std > 0  ? (double)p->std
					  : p->fan_in ? sqrt(2.0 / p->fan_in)
						      : 0.1;
			const bool critic = net->group == XL_CRITIC && p->fan_in;
			if (p->buffer)
				continue;
			for (int64_t e = 0; e < xl_dims_count(&p->d); e++) {
				const double z = (critic ? he / 2 : he) * unit(number, e);
				net->value[p->at + (size_t)e] =
					(float)(strstr(p->name, ".scale") ? 1 + z : z);
			}
			number++;
		}
	}
}

/* x (count,3,side,side) */
static inline void set_images(float *x, int count, int side, double which)
{
	for (int n = 0; n < count; n++)
		for (int c = 0; c < 3; c++)
			for (int i = 0; i < side; i++)
				for (int j = 0; j < side; j++)
					*x++ = (float)(sin(0.05 * (c + 1) * (i + 1) +
							   0.07 * (j + 1) * (n + 1) + which) *
						       cos(0.11 * i - 0.06 * j * (c + 1) +
							   0.5 * n));
}

/* ---- a step ---- */

static inline double loss_of(const struct xl_model *m, const struct xl_losses *l, const char *name)
{
	for (int i = 0; m->method->loss_names[i]; i++)
		if (strcmp(m->method->loss_names[i], name) == 0) {
			if (!l->given[i])
				fail_msg("loss %s was not computed", name);
			return l->value[i];
		}
	fail_msg("no loss %s", name);
	return 0;
}

/* names: pairs of the golden key, after the prefix, and the method's, ended by NULL;
 * keys the record has not are passed over */
static inline void check_losses(const struct xl_model *m, const struct xl_losses *l,
				const struct xl_record *want, const char *prefix,
				const char *const (*names)[2])
{
	int found = 0;

	for (; (*names)[0]; names++) {
		char key[32];
		snprintf(key, sizeof key, "%s%s", prefix, (*names)[0]);
		if (!xl_meta_get(want, key))
			continue;
		const double w = xl_meta_num(want, key, NAN), got = loss_of(m, l, (*names)[1]);
		if (!(fabs(got - w) <= 2e-5 * (1 + fabs(w))))
			fail_msg("%s %s is %.9g, not %.9g", want->id, key, got, w);
		found++;
	}
	assert_true(found > 0);
}

static inline double grad_norm(const struct xl_net *net)
{
	double q = 0;

	for (size_t i = 0; i < net->count; i++)
		q += (double)net->grad[i] * (double)net->grad[i];
	return sqrt(q);
}

static inline void check_norms(const struct xl_model *m, enum xl_group group,
			       const struct xl_record *want, const char *prefix, double tolerance)
{
	for (int i = 0; i < m->n_nets; i++) {
		char key[40];
		if (m->nets[i]->group != group)
			continue;
		snprintf(key, sizeof key, "%snorm_%s", prefix, m->nets[i]->id);
		const double w = xl_meta_num(want, key, NAN), got = grad_norm(m->nets[i]);
		if (!(fabs(got - w) <= tolerance * w))
			fail_msg("%s %s is %.9g, not %.9g", want->id, key, got, w);
	}
}

static inline bool is_zero(const struct xl_record *want, const char *name)
{
	const struct xl_value *v = xl_meta_get(want, "zero");

	for (int i = 0; v && i < v->n; i++)
		if (strcmp(v->items[i].str, name) == 0)
			return true;
	return false;
}

struct rows {
	double *norm, *index, *grad, *after, *sum, *slack;
};

static inline void check_param(const struct xl_net *net, const struct xl_param *p, const char *name,
			       const struct rows *w, int k, double lr)
{
	const float *g = net->grad + p->at, *v = net->value + p->at;
	const double scale = fmax(w->norm[k], 1e-12);
	double sum = 0, q = 0;

	for (int64_t e = 0; e < xl_dims_count(&p->d); e++) {
		sum += (double)v[e];
		q += (double)g[e] * (double)g[e];
	}
	if (!(fabs(sqrt(q) - w->norm[k]) <= 1e-3 * scale))
		fail_msg("%s: gradient norm %.9g, not %.9g", name, sqrt(q), w->norm[k]);
	for (int i = 4 * k; i < 4 * k + 4; i++) {
		const int e = (int)w->index[i];
		if (e < 0)
			continue;
		if (!(fabs((double)g[e] - w->grad[i]) <= 1e-3 * scale))
			fail_msg("%s[%d]: gradient %.9g, not %.9g", name, e, (double)g[e],
				 w->grad[i]);
		if (!(fabs((double)v[e] - w->after[i]) <= 0.02 * lr + 1e-7 * fabs(w->after[i])))
			fail_msg("%s[%d]: after Adam %.9g, not %.9g", name, e, (double)v[e],
				 w->after[i]);
	}
	/* Adam's first step is lr times a sign: allow a few gradients within rounding
	 * of zero to fall on the other side */
	if (!(fabs(sum - w->sum[k]) <= w->slack[k] + 10 * lr + 1e-5 * fabs(w->sum[k])))
		fail_msg("%s: sum after Adam %.9g, not %.9g", name, sum, w->sum[k]);
}

static inline void check_params(const struct xl_model *m, enum xl_group group,
				const struct xl_record *want, double lr)
{
	const struct xl_value *names = xl_meta_get(want, "names");
	int64_t n;
	struct rows w = {numbers(want, "grad_norm", &n), numbers(want, "index", &n),
			 numbers(want, "grad", &n),      numbers(want, "after", &n),
			 numbers(want, "sum", &n),       numbers(want, "slack", &n)};
	int k = 0;

	assert_true(names && names->type == XL_LIST);
	for (int i = 0; i < m->n_nets; i++)
		for (int j = 0; m->nets[i]->group == group && j < m->nets[i]->n_params; j++) {
			const struct xl_param *p = &m->nets[i]->params[j];
			char name[48];
			if (p->buffer)
				continue;
			snprintf(name, sizeof name, "%s/%s", m->nets[i]->id, p->name);
			assert_true(k < names->n);
			assert_string_equal(names->items[k].str, name);
			if (!is_zero(want, name))
				check_param(m->nets[i], p, name, &w, k, lr);
			k++;
		}
	assert_int_equal(k, names->n);
	free(w.norm);
	free(w.index);
	free(w.grad);
	free(w.after);
	free(w.sum);
	free(w.slack);
}

#endif
