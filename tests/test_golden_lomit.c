/*
 * test_golden_lomit.c - one whole iteration of LOMIT, critic then generator,
 * against the same in PyTorch (tests/golden/make.py says what the files hold):
 * every code, loss, gradient norm, and the parameters after Adam.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "methods/lomit_net.h"
#include "methods/model.h"

enum { SIZE = 32, PAIRS = 2, ATTRIBUTES = 3, PIXELS = 3 * SIZE * SIZE, MAX_RECORDS = 16 };

struct golden {
	struct xl_record *r[MAX_RECORDS];
	int n;
};

static void ok(int rc)
{
	if (rc)
		fail_msg("%s", xl_err_msg());
}

static void read_golden(struct golden *g, const char *name)
{
	char path[64];
	struct xl_reader *rd;
	int rc = 0;

	snprintf(path, sizeof path, "tests/golden/%s.msgpack", name);
	g->n = 0;
	if (!(rd = xl_reader_open(path)))
		fail_msg("%s", xl_err_msg());
	while (g->n < MAX_RECORDS && (rc = xl_reader_next(rd, &g->r[g->n])) == 1)
		g->n++;
	ok(rc < 0 ? -1 : 0);
	xl_reader_close(rd);
}

static void free_golden(struct golden *g)
{
	for (int i = 0; i < g->n; i++)
		xl_record_free(g->r[i]);
}

static const struct xl_record *find(const struct golden *g, const char *id)
{
	for (int i = 0; i < g->n; i++)
		if (strcmp(g->r[i]->id, id) == 0)
			return g->r[i];
	fail_msg("no record %s", id);
	return NULL;
}

/* A tensor as doubles, owned by the caller. */
static double *numbers(const struct xl_record *r, const char *name, int64_t *count)
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

static double unit(uint32_t p, int64_t k)
{
	uint32_t h = (uint32_t)k + p * 0x9e3779b9u;

	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	h ^= h >> 16;
	return sqrt(3) * (2 * ((double)h / 4294967296.0) - 1);
}

static void set_weights(struct xl_model *m, const struct xl_record *golden)
{
	uint32_t number = (uint32_t)xl_meta_int(golden, "seed", 0);

	for (int i = 0; i < m->n_nets; i++) {
		struct xl_net *net = m->nets[i];
		for (int k = 0; k < net->n_params; k++) {
			const struct xl_param *p = &net->params[k];
			const double he = p->fan_in ? sqrt(2.0 / p->fan_in) : 0.1;
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

static void set_images(float *x, double which)
{
	for (int n = 0; n < PAIRS; n++)
		for (int c = 0; c < 3; c++)
			for (int i = 0; i < SIZE; i++)
				for (int j = 0; j < SIZE; j++)
					*x++ = (float)(sin(0.05 * (c + 1) * (i + 1) +
							   0.07 * (j + 1) * (n + 1) + which) *
						       cos(0.11 * i - 0.06 * j * (c + 1) +
							   0.5 * n));
}

static struct xl_model *new_model(const struct xl_record *golden, const char *variant,
				  const char *name, const char *value)
{
	static const char *const names[ATTRIBUTES] = {"a", "b", "c"};
	struct xl_model *m = xl_model_new(xl_method_find("lomit"));

	assert_non_null(m);
	ok(xl_model_set(m, "size", "32"));
	ok(xl_model_set(m, "width", "4"));
	ok(xl_model_set(m, "variant", variant));
	if (name)
		ok(xl_model_set(m, name, value));
	ok(xl_model_attributes(m, names, ATTRIBUTES));
	ok(xl_model_build(m, 0, true));
	set_weights(m, golden);
	return m;
}

/* One iteration on the golden inputs. */
static void iterate(struct xl_model *m, struct xl_tape *t, const struct xl_record *inputs,
		    struct xl_losses *loss)
{
	static float x[2][PAIRS * PIXELS];
	float y[2][PAIRS * ATTRIBUTES], alpha[2 * PAIRS];
	const char *const names[2][2] = {{"y1", "alpha1"}, {"y2", "alpha2"}};

	for (int i = 0; i < 2; i++) {
		int64_t n;
		double *v = numbers(inputs, names[i][0], &n);
		assert_int_equal(n, PAIRS * ATTRIBUTES);
		for (int k = 0; k < n; k++)
			y[i][k] = (float)v[k];
		free(v);
		v = numbers(inputs, names[i][1], &n);
		assert_int_equal(n, PAIRS);
		for (int k = 0; k < n; k++)
			alpha[i * PAIRS + k] = (float)v[k];
		free(v);
		set_images(x[i], 1.7 * i);
	}
	const struct xl_batch b = {PAIRS, {x[0], x[1]}, {y[0], y[1]}, alpha};
	xl_tape_reset(t);
	ok(m->method->step(m, t, &b, 0, loss));
}

static double loss_of(const struct xl_model *m, const struct xl_losses *l, const char *name)
{
	for (int i = 0; m->method->loss_names[i]; i++)
		if (strcmp(m->method->loss_names[i], name) == 0) {
			assert_true(l->given[i]);
			return l->value[i];
		}
	fail_msg("no loss %s", name);
	return 0;
}

static const char *const names_d[][2] = {
	{"adv", "D.adv"}, {"cls", "D.cls"}, {"gp", "D.gp"}, {"total", "D.total"}, {NULL, NULL}};
static const char *const names_g[][2] = {{"adv", "G.adv"},         {"cls", "G.cls"},
					 {"style_f", "G.style_f"}, {"style_b", "G.style_b"},
					 {"content", "G.content"}, {"cycle", "G.cycle"},
					 {"self", "G.self"},       {"r1", "G.r1"},
					 {"r_area", "G.area"},     {"r_style", "G.style_diff"},
					 {"total", "G.total"},     {NULL, NULL}};

static void check_losses(const struct xl_model *m, const struct xl_losses *l,
			 const struct xl_record *want, const char *prefix,
			 const char *const (*names)[2])
{
	for (; (*names)[0]; names++) {
		char key[32];
		snprintf(key, sizeof key, "%s%s", prefix, (*names)[0]);
		const double w = xl_meta_num(want, key, NAN), got = loss_of(m, l, (*names)[1]);
		if (!(fabs(got - w) <= 2e-5 * (1 + fabs(w))))
			fail_msg("%s %s is %.9g, not %.9g", want->id, key, got, w);
	}
}

static double grad_norm(const struct xl_net *net)
{
	double q = 0;

	for (size_t i = 0; i < net->count; i++)
		q += (double)net->grad[i] * (double)net->grad[i];
	return sqrt(q);
}

static void check_norms(const struct xl_model *m, enum xl_group group, const struct xl_record *want,
			const char *prefix, double tolerance)
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

static bool is_zero(const struct xl_record *want, const char *name)
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

static void check_param(const struct xl_net *net, const struct xl_param *p, const char *name,
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

static void check_params(const struct xl_model *m, enum xl_group group,
			 const struct xl_record *want)
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
				check_param(m->nets[i], p, name, &w, k, 1e-4);
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

static void check_running(const struct xl_model *m, const struct xl_record *want)
{
	const struct xl_lomit_nets *s = m->state;
	int64_t n;
	double *mean = numbers(want, "running_mean", &n), *var = numbers(want, "running_var", &n);

	assert_int_equal(n, 24);
	for (int l = 0; l < 6; l++)
		for (int c = 0; c < 4; c++) {
			const struct xl_param *p = s->g_m->params + s->mask[l].first;
			const double gm = (double)s->g_m->value[p[4].at + (size_t)c];
			const double gv = (double)s->g_m->value[p[5].at + (size_t)c];
			assert_true(fabs(gm - mean[4 * l + c]) < 1e-5);
			assert_true(fabs(gv - var[4 * l + c]) < 1e-5);
		}
	free(mean);
	free(var);
}

static void check_variant(const char *variant)
{
	char name[32];
	struct golden g;
	struct xl_losses loss;
	struct xl_tape *t = xl_tape_new();
	struct xl_model *m;

	snprintf(name, sizeof name, "lomit-%s", variant);
	read_golden(&g, name);
	m = new_model(find(&g, "inputs"), variant, NULL, NULL);
	iterate(m, t, find(&g, "inputs"), &loss);
	check_losses(m, &loss, find(&g, "d-step"), "", names_d);
	check_norms(m, XL_CRITIC, find(&g, "d-step"), "", 1e-4);
	check_params(m, XL_CRITIC, find(&g, "d-step"));
	check_losses(m, &loss, find(&g, "g-step"), "", names_g);
	check_norms(m, XL_GENERATOR, find(&g, "g-step"), "", 5e-4);
	check_params(m, XL_GENERATOR, find(&g, "g-step"));
	check_running(m, find(&g, "batchnorm"));
	free_golden(&g);
	xl_tape_free(t);
	xl_model_free(m);
}

static void test_ijcai(void **state)
{
	(void)state;
	check_variant("ijcai");
}

static void test_iclr(void **state)
{
	(void)state;
	check_variant("iclr");
}

/* Codes and pictures of stage 1, as inference computes them but with the
 * statistics of the batch. */
static void test_codes(void **state)
{
	static const char *const names[] = {"c1", "m1", "s_f1", "s_b1", "x12"};
	static float x[2 * PAIRS * PIXELS];
	struct xl_model *m;
	struct xl_lomit_codes c;
	struct xl_tape *t = xl_tape_new();
	struct golden g;

	(void)state;
	read_golden(&g, "lomit-ijcai");
	m = new_model(find(&g, "inputs"), "ijcai", NULL, NULL);
	set_images(x, 0);
	set_images(x + PAIRS * PIXELS, 1.7);
	xl_model_bn(m, XL_BN_BATCH);
	ok(xl_model_bind(m, t, XL_GENERATOR, false));
	struct xl_var *v = xl_var_input(t, 2 * PAIRS, 3, SIZE, SIZE, x);
	xl_lomit_encode(t, m->hyper, m->state, v, true, &c);
	struct xl_var *out =
		xl_lomit_decode(t, m->hyper, m->state, c.m, c.c, xl_lomit_swap(t, c.s_f), c.s_b);
	assert_non_null(out);
	struct xl_var *const vars[] = {c.c, c.m, c.s_f, c.s_b, out};
	for (int i = 0; i < 5; i++) {
		int64_t n;
		double *want = numbers(find(&g, "stage1"), names[i], &n);
		float *got = malloc((size_t)xl_dims_count(&vars[i]->d) * sizeof *got);
		assert_non_null(got);
		xl_var_read(t, vars[i], got);
		for (int64_t k = 0; k < n; k++)
			if (!(fabs((double)got[k] - want[k]) <= 1e-4))
				fail_msg("%s[%d] is %.9g, not %.9g", names[i], (int)k,
					 (double)got[k], want[k]);
		free(got);
		free(want);
	}
	free_golden(&g);
	xl_tape_free(t);
	xl_model_free(m);
}

static void test_switches(void **state)
{
	static const char *const cases[][4] = {
		{"ijcai-style-split", "ijcai", "style-split", "true"},
		{"iclr-style-split", "iclr", "style-split", "true"},
		{"ijcai-gamma-exp", "ijcai", "gamma", "exp"},
		{"ijcai-compat", "ijcai", "compat", "true"},
		{"iclr-compat", "iclr", "compat", "true"},
		{"ijcai-mask-norm-in", "ijcai", "mask-norm", "in"},
		{"ijcai-no-exemplar-mask", "ijcai", "no-exemplar-mask", "true"}};
	struct xl_tape *t = xl_tape_new();
	struct golden g, inputs;

	(void)state;
	read_golden(&g, "lomit-switches");
	read_golden(&inputs, "lomit-ijcai"); /* labels and draws are the same for all */
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct xl_record *want = find(&g, cases[i][0]);
		struct xl_model *m = new_model(want, cases[i][1], cases[i][2], cases[i][3]);
		struct xl_losses loss;
		iterate(m, t, find(&inputs, "inputs"), &loss);
		check_losses(m, &loss, want, "d_", names_d);
		check_losses(m, &loss, want, "g_", names_g);
		check_norms(m, XL_CRITIC, want, "d_", 1e-3);
		check_norms(m, XL_GENERATOR, want, "g_", 1e-3);
		xl_model_free(m);
	}
	free_golden(&inputs);
	free_golden(&g);
	xl_tape_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_ijcai),
		cmocka_unit_test(test_iclr),
		cmocka_unit_test(test_switches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
