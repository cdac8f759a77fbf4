/*
 * test_golden_ops.c - the operators, and equations written with them, against
 * what PyTorch computed in double: values, gradients, gradients of gradients.
 * tests/golden/make.py made the file and says what each tensor is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "grad/ops.h"
#include "naive.h"
#include "xl.h"

enum { RECORDS = 200, INPUTS = 7 };

static struct xl_record *records[RECORDS];
static int n_records;

static int read_records(void **state)
{
	struct xl_reader *rd = xl_reader_open("tests/golden/ops.msgpack");
	int rc = rd ? 1 : -1;

	(void)state;
	while (rc == 1 && n_records < RECORDS &&
	       (rc = xl_reader_next(rd, &records[n_records])) == 1)
		n_records++;
	if (rc)
		print_error("%s\n", xl_err_msg());
	xl_reader_close(rd);
	return rc;
}

static int free_records(void **state)
{
	(void)state;
	for (int i = 0; i < n_records; i++)
		xl_record_free(records[i]);
	return 0;
}

/* ---- one record at work ---- */

struct input {
	const char *name;
	struct xl_var *var;
	float *data, *grad;
};

struct golden {
	const struct xl_record *r;
	struct xl_tape *t;
	struct input in[INPUTS];
	int n;
};

/* A tensor's dims on the tape: one number for each channel, (N,C), or a map. */
static struct xl_dims dims_of(const struct xl_tensor *x, bool weights)
{
	const int64_t *s = x->shape;

	if (x->ndim == 1)
		return xl_dims_plain(1, (int)s[0], 1, 1);
	if (x->ndim == 2)
		return xl_dims_plain((int)s[0], (int)s[1], 1, 1);
	assert_int_equal(x->ndim, 4);
	return weights ? xl_dims_plain((int)s[0], (int)s[1], (int)s[2], (int)s[3])
		       : xl_dims_map((int)s[0], (int)s[1], (int)s[2], (int)s[3]);
}

/* The tensor PREFIX NAME as doubles; weights are called w, w1, w2 ... */
static struct array numbers(const struct xl_record *r, const char *prefix, const char *name)
{
	char key[40];

	snprintf(key, sizeof key, "%s%s", prefix, name);
	const struct xl_tensor *x = xl_record_tensor(r, key);
	if (!x)
		fail_msg("%s: no tensor '%s'", r->id, key);
	struct xl_tensor *f8 = xl_tensor_to(x, XL_F8);
	assert_non_null(f8);
	struct array a = array_zeros(dims_of(x, name[0] == 'w'));
	memcpy(a.v, f8->data, xl_tensor_bytes(f8));
	xl_tensor_free(f8);
	return a;
}

static struct xl_var *constant(const struct golden *g, const char *prefix, const char *name)
{
	struct array a = numbers(g->r, prefix, name);
	struct xl_var *v = xl_var_const(g->t, a.d, 0);
	float *f = array_floats(&a);

	assert_non_null(v);
	memcpy(v->data, f, (size_t)xl_dims_count(&a.d) * sizeof(float));
	free(f);
	array_free(&a);
	return v;
}

static struct xl_var *add_input(struct golden *g, const char *name)
{
	struct array a = numbers(g->r, "", name);
	struct input *in = &g->in[g->n++];

	assert_true(g->n <= INPUTS);
	*in = (struct input){.name = name, .data = array_floats(&a)};
	in->grad = calloc((size_t)xl_dims_count(&a.d), sizeof(float));
	assert_non_null(in->grad);
	in->var = xl_var_leaf(g->t, a.d, in->data, in->grad);
	array_free(&a);
	return in->var;
}

static struct golden golden_open(const struct xl_record *r)
{
	struct golden g = {.r = r, .t = xl_tape_new()};

	assert_non_null(g.t);
	xl_tape_record(g.t, true);
	return g;
}

static void golden_close(struct golden *g)
{
	for (int i = 0; i < g->n; i++) {
		free(g->in[i].data);
		free(g->in[i].grad);
	}
	xl_tape_free(g->t);
}

/* Is the map got what the record has as PREFIX NAME? */
static void expect(const struct golden *g, const float *got, const char *prefix, const char *name,
		   double tol)
{
	struct array want = numbers(g->r, prefix, name);
	char what[120];

	snprintf(what, sizeof what, "%s on %s: %s%s", g->r->id, g->t->k->name, prefix, name);
	assert_true(agrees(what, got, &want, tol));
	array_free(&want);
}

static struct xl_var *input(const struct golden *g, const char *name)
{
	for (int i = 0; i < g->n; i++)
		if (strcmp(g->in[i].name, name) == 0)
			return g->in[i].var;
	fail_msg("%s: no input '%s'", g->r->id, name);
	return NULL;
}

/* ---- what each record computes ---- */

static struct xl_var *conv2d(const struct golden *g)
{
	const bool reflect = strcmp(xl_meta_str(g->r, "padding", ""), "reflect") == 0;

	return xl_op_conv2d(g->t, input(g, "x"), input(g, "w"), input(g, "b"),
			    (int)xl_meta_int(g->r, "stride", 0), (int)xl_meta_int(g->r, "pad", -1),
			    reflect ? XL_PAD_REFLECT : XL_PAD_ZERO);
}

static struct xl_var *linear(const struct golden *g)
{
	return xl_op_conv2d(g->t, input(g, "x"), input(g, "w"), input(g, "b"), 1, 0, XL_PAD_ZERO);
}

static struct xl_var *norm(const struct golden *g, enum xl_norm kind, double *moments)
{
	return xl_op_norm(g->t, input(g, "x"), input(g, "scale"), input(g, "shift"), kind,
			  xl_meta_num(g->r, "eps", 0), moments);
}

static struct xl_var *instance_norm(const struct golden *g)
{
	return norm(g, XL_NORM_INSTANCE, NULL);
}

static struct xl_var *layer_norm(const struct golden *g)
{
	return norm(g, XL_NORM_LAYER, NULL);
}

/* The running estimates: unbiased variance, exponential average. */
static void check_running(const struct golden *g, const double *moments)
{
	const struct xl_dims *d = &input(g, "x")->d;
	const double momentum = xl_meta_num(g->r, "momentum", 0), n = (double)d->n * d->h * d->w;
	const char *const names[] = {"running_mean", "running_var"};
	float after[64];

	for (int i = 0; i < 2; i++) {
		struct array before = numbers(g->r, "", names[i]);
		for (int c = 0; c < d->c; c++) {
			const double now = moments[2 * c + i] * (i ? n / (n - 1) : 1);
			after[c] = (float)((1 - momentum) * before.v[c] + momentum * now);
		}
		expect(g, after, names[i], "_after", 1e-6);
		array_free(&before);
	}
}

static struct xl_var *batch_norm(const struct golden *g)
{
	struct xl_tape *t = g->t;
	double moments[2 * 64];

	if (xl_meta_bool(g->r, "training", true)) {
		struct xl_var *y = norm(g, XL_NORM_BATCH, moments);
		check_running(g, moments);
		return y;
	}
	struct xl_var *var =
		xl_op_affine(t, constant(g, "", "running_var"), 1, xl_meta_num(g->r, "eps", 0));
	struct xl_var *n =
		xl_op_mul(t, xl_op_sub(t, input(g, "x"), constant(g, "", "running_mean")),
			  xl_op_recip(t, xl_op_sqrt(t, var)));
	return xl_op_add(t, xl_op_mul(t, n, input(g, "scale")), input(g, "shift"));
}

static struct xl_var *relu(const struct golden *g)
{
	return xl_op_leaky(g->t, input(g, "x"), xl_meta_num(g->r, "slope", 0));
}

static struct xl_var *tangent(const struct golden *g)
{
	return xl_op_tanh(g->t, input(g, "x"));
}

static struct xl_var *sigmoid(const struct golden *g)
{
	return xl_op_sigmoid(g->t, input(g, "x"));
}

static struct xl_var *nearest2(const struct golden *g)
{
	return xl_op_up2(g->t, input(g, "x"));
}

static struct xl_var *bilinear4(const struct golden *g)
{
	return xl_op_up4(g->t, input(g, "x"));
}

static struct xl_var *avgpool(const struct golden *g)
{
	return xl_op_mean_hw(g->t, input(g, "x"));
}

/* The unbiased standard deviation over the axes that `to` cuts down, one of n. */
static struct xl_var *spread(struct xl_tape *t, struct xl_var *x, struct xl_dims to, int n)
{
	struct xl_var *mean = xl_op_affine(t, xl_op_sum_to(t, x, to), 1.0 / n, 0);
	struct xl_var *e = xl_op_sub(t, x, mean);

	return xl_op_sqrt(
		t, xl_op_affine(t, xl_op_sum_to(t, xl_op_mul(t, e, e), to), 1.0 / (n - 1), 0));
}

static struct xl_var *hadain(const struct golden *g)
{
	struct xl_tape *t = g->t;
	struct xl_var *c = input(g, "c"), *m = input(g, "m"), *n;
	struct xl_var *front = input(g, "gamma_f"), *back = input(g, "gamma_b");
	const struct xl_dims *d = &c->d;

	if (strcmp(xl_meta_str(g->r, "gamma", ""), "exp") == 0) {
		front = xl_op_exp(t, xl_op_affine(t, front, 0.5, 0));
		back = xl_op_exp(t, xl_op_affine(t, back, 0.5, 0));
	}
	if (strcmp(xl_meta_str(g->r, "sigma", ""), "std") == 0) {
		n = xl_op_norm(t, c, NULL, NULL, XL_NORM_INSTANCE, 1e-5, NULL);
	} else {
		struct xl_var *rows = spread(t, c, xl_dims_map(d->n, d->c, d->h, 1), d->w);
		struct xl_var *s = spread(t, rows, xl_dims_map(d->n, d->c, 1, 1), d->h);
		n = xl_op_mul(t, xl_op_sub(t, c, xl_op_mean_hw(t, c)),
			      xl_op_recip(t, xl_op_affine(t, s, 1, 1e-5)));
	}
	front = xl_op_add(t, xl_op_mul(t, n, front), input(g, "beta_f"));
	back = xl_op_add(t, xl_op_mul(t, n, back), input(g, "beta_b"));
	return xl_op_add(t, xl_op_mul(t, m, front), xl_op_mul(t, xl_op_affine(t, m, -1, 1), back));
}

static struct xl_var *l1(const struct golden *g)
{
	struct xl_var *e = xl_op_sub(g->t, input(g, "a"), input(g, "b"));

	return xl_op_mean(g->t, xl_op_abs(g->t, e));
}

static struct xl_var *bce(const struct golden *g)
{
	struct xl_var *z = input(g, "z");
	struct xl_var *zt = xl_op_mul(g->t, z, constant(g, "", "t"));
	struct xl_var *sum = xl_op_sum(g->t, xl_op_sub(g->t, xl_op_softplus(g->t, z), zt));

	return xl_op_affine(g->t, sum, 1.0 / z->d.n, 0);
}

static struct xl_var *r1(const struct golden *g)
{
	return xl_op_r1(g->t, input(g, "m"), constant(g, "", "c"));
}

static const struct op {
	const char *name;
	struct xl_var *(*build)(const struct golden *g);
	double tol; /* of the value */
} ops[] = {
	{"conv2d", conv2d, 2e-6},
	{"linear", linear, 2e-6},
	{"instance_norm", instance_norm, 2e-6},
	{"layer_norm", layer_norm, 2e-6},
	{"batch_norm", batch_norm, 2e-6},
	{"relu", relu, 2e-6},
	{"leaky_relu", relu, 2e-6},
	{"tanh", tangent, 2e-6},
	{"sigmoid", sigmoid, 2e-6},
	{"nearest2", nearest2, 2e-6},
	{"bilinear4", bilinear4, 2e-6},
	{"avgpool", avgpool, 2e-6},
	{"hadain", hadain, 2e-6},
	{"l1", l1, 2e-6},
	{"bce", bce, 5e-5}, /* z of 5, loss of 0.006 */
	{"r1", r1, 2e-6},
};
enum { OPS = sizeof ops / sizeof *ops };

/* ---- the checks ---- */

/* The record on a tape: y of its inputs, sum(y gy) of y. */
static struct xl_var *run(struct golden *g, const struct op *op, struct xl_var **gy)
{
	const struct xl_value *names = xl_meta_get(g->r, "inputs");

	for (int i = 0; i < names->n; i++)
		add_input(g, names->items[i].str);
	struct xl_var *y = op->build(g);
	if (!y)
		fail_msg("%s: %s", g->r->id, xl_err_msg());
	expect(g, y->data, "y", "", op->tol);
	*gy = add_input(g, "gy");
	g->n--; /* no input of the operator */
	return xl_op_sum(g->t, xl_op_mul(g->t, y, *gy));
}

static void check_first(const struct xl_record *r, const struct op *op)
{
	struct golden g = golden_open(r);
	struct xl_var *gy, *loss = run(&g, op, &gy);

	assert_int_equal(xl_backward(g.t, loss, 0), 0);
	for (int i = 0; i < g.n; i++)
		expect(&g, g.in[i].grad, "g", g.in[i].name, 5e-6);
	g.n++;
	golden_close(&g);
}

/* The gradients of L2 = sum over inputs of sum(gradient v). */
static void check_second(const struct xl_record *r, const struct op *op)
{
	struct golden g = golden_open(r);
	struct xl_var *gy, *loss = run(&g, op, &gy), *l2 = NULL;

	for (int i = 0; i < g.n; i++) {
		struct xl_var *grad = xl_grad(g.t, loss, g.in[i].var);
		if (!grad)
			fail_msg("%s: %s", r->id, xl_err_msg());
		expect(&g, grad->data, "g", g.in[i].name, 5e-6);
		struct xl_var *part =
			xl_op_sum(g.t, xl_op_mul(g.t, grad, constant(&g, "v", g.in[i].name)));
		l2 = l2 ? xl_op_add(g.t, l2, part) : part;
	}
	g.n++; /* and for gy */
	assert_int_equal(xl_backward(g.t, l2, 0), 0);
	for (int i = 0; i < g.n; i++)
		expect(&g, g.in[i].grad, "h", g.in[i].name, 2e-5);
	golden_close(&g);
}

static void test_op(void **state)
{
	const struct op *op = *state;
	const struct xl_kernels *k;
	int ran = 0;

	for (int i = 0; i < n_records; i++) {
		if (strcmp(xl_meta_str(records[i], "op", ""), op->name) != 0)
			continue;
		EACH_BACKEND(k)
		{
			check_first(records[i], op);
			if (xl_meta_bool(records[i], "second", false))
				check_second(records[i], op);
		}
		ran++;
	}
	assert_true(ran > 0);
}

static int item(const struct xl_record *r, const char *key, int i)
{
	const struct xl_value *v = xl_meta_get(r, key);

	assert_true(v && v->type == XL_LIST && i < v->n);
	return (int)v->items[i].i;
}

static void check_penalty(const struct xl_record *r)
{
	static const char *const names[] = {"w1", "b1", "w2", "b2", "w3", "b3"};
	struct golden g = golden_open(r);
	struct xl_tape *t = g.t;
	struct xl_var *x = constant(&g, "", "x_hat"), *h = x;

	xl_var_watch(x, true);
	for (int i = 0; i < xl_meta_get(r, "kernels")->n; i++) {
		struct xl_var *w = add_input(&g, names[2 * i]),
			      *b = add_input(&g, names[2 * i + 1]);
		if (i > 0)
			h = xl_op_leaky(t, h, xl_meta_num(r, "slope", 0));
		h = xl_op_conv2d(t, h, w, b, item(r, "strides", i), item(r, "pads", i),
				 XL_PAD_REFLECT);
	}
	struct xl_var *grad = xl_grad(t, h, x);
	assert_non_null(grad);
	struct xl_var *q =
		xl_op_sum_to(t, xl_op_mul(t, grad, grad), xl_dims_plain(x->d.n, 1, 1, 1));
	struct xl_var *size = xl_op_sqrt(t, q), *e = xl_op_affine(t, size, 1, -1);
	struct xl_var *y = xl_op_mean(t, xl_op_mul(t, e, e));
	xl_var_watch(x, false);
	expect(&g, h->data, "src", "", 2e-6);
	for (int i = 0; i < x->d.n; i++) { /* (N) is not (1,N,1,1) here */
		struct array want = numbers(r, "norm", "");
		assert_float_equal(size->data[i], want.v[i], 2e-6 * want.v[i]);
		array_free(&want);
	}
	expect(&g, y->data, "y", "", 5e-6);
	assert_int_equal(xl_backward(t, y, 0), 0);
	for (int i = 0; i < g.n; i++)
		expect(&g, g.in[i].grad, "g", g.in[i].name, 1e-5);
	golden_close(&g);
}

static void test_penalty(void **state)
{
	const struct xl_kernels *k;
	int ran = 0;

	(void)state;
	for (int i = 0; i < n_records; i++)
		if (strcmp(xl_meta_str(records[i], "op", ""), "gradient_penalty") == 0) {
			EACH_BACKEND(k)
			check_penalty(records[i]);
			ran++;
		}
	assert_int_equal(ran, 3);
}

static void check_adam(const struct xl_record *r, const struct xl_kernels *k)
{
	struct xl_adam a = {.lr = xl_meta_num(r, "lr", 0),
			    .beta1 = xl_meta_num(r, "beta1", 0),
			    .beta2 = xl_meta_num(r, "beta2", 0),
			    .eps = xl_meta_num(r, "eps", 0)};
	struct array start = numbers(r, "p", "0"), g = numbers(r, "", "g"), p = numbers(r, "", "p");
	struct array m = numbers(r, "", "m"), v = numbers(r, "", "v");
	float *fp = array_floats(&start), *fg = array_floats(&g), fm[17] = {0}, fv[17] = {0};
	const int count = (int)xl_dims_count(&start.d);

	assert_int_equal(count, 17);
	for (a.t = 1; a.t <= g.d.n; a.t++) {
		struct array row = {start.d, p.v + (a.t - 1) * count};
		k->adam(fp, fm, fv, fg + (a.t - 1) * count, count, &a);
		assert_true(agrees("adam, p", fp, &row, 1e-7));
	}
	for (int i = 0; i < count; i++) { /* each, for they span many decades */
		assert_float_equal(fm[i], m.v[i], 5e-7 * fabs(m.v[i]));
		assert_float_equal(fv[i], v.v[i], 5e-7 * v.v[i]);
	}
	struct array *arrays[] = {&start, &g, &p, &m, &v};
	for (int i = 0; i < 5; i++)
		array_free(arrays[i]);
	free(fp);
	free(fg);
}

static void test_adam(void **state)
{
	const struct xl_kernels *k;
	int ran = 0;

	(void)state;
	for (int i = 0; i < n_records; i++)
		if (strcmp(xl_meta_str(records[i], "op", ""), "adam") == 0) {
			EACH_BACKEND(k)
			check_adam(records[i], k);
			ran++;
		}
	assert_true(ran > 0);
}

/* No record goes unread. */
static void test_all_known(void **state)
{
	(void)state;
	assert_in_range(n_records, 80, RECORDS - 1);
	for (int i = 0; i < n_records; i++) {
		const char *name = xl_meta_str(records[i], "op", "");
		bool known = strcmp(name, "gradient_penalty") == 0 || strcmp(name, "adam") == 0;
		for (int k = 0; k < OPS; k++)
			known |= strcmp(name, ops[k].name) == 0;
		if (!known)
			fail_msg("%s: nothing here computes '%s'", records[i]->id, name);
	}
}

int main(void)
{
	struct CMUnitTest tests[OPS + 3] = {
		cmocka_unit_test(test_all_known),
		cmocka_unit_test(test_penalty),
		cmocka_unit_test(test_adam),
	};

	for (int i = 0; i < OPS; i++)
		tests[3 + i] = (struct CMUnitTest){ops[i].name, test_op, NULL, NULL,
						   (void *)(uintptr_t)&ops[i]};
	return cmocka_run_group_tests(tests, read_records, free_records);
}
