/*
 * test_tape.c - equations written with the operators: published vectors,
 * gradient penalties, and what the tape promises about memory, marks, dry runs
 * and errors. The operators one by one are in test_ops.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "core/arena.h"
#include "grad/ops.h"
#include "naive.h"

static struct xl_tape *tape;

static int open_tape(void **state)
{
	(void)state;
	tape = xl_tape_new();
	if (tape)
		xl_tape_record(tape, true);
	return tape ? 0 : -1;
}

static int close_tape(void **state)
{
	(void)state;
	xl_tape_free(tape);
	return 0;
}

/* A parameter with its gradient, of at most this many numbers. */
struct param {
	struct xl_dims d;
	float data[512], grad[512];
};

static struct xl_var *leaf(struct param *p)
{
	memset(p->grad, 0, sizeof p->grad);
	return xl_var_leaf(tape, p->d, p->data, p->grad);
}

static void set(struct param *p, struct xl_dims d, double (*value)(int i))
{
	p->d = d;
	for (int i = 0; i < (int)xl_dims_count(&d); i++)
		p->data[i] = (float)value(i);
}

/* Each of n numbers within tol of what is wanted. */
static void assert_near(const char *what, const float *got, const double *want, int n, double tol)
{
	for (int i = 0; i < n; i++)
		if (!(fabs((double)got[i] - want[i]) <= tol))
			fail_msg("%s: number %d is %.9g, not %.9g", what, i, (double)got[i],
				 want[i]);
}

/* ---- published vectors (LOMIT, "Reference vectors") ---- */

static void test_bilinear(void **state)
{
	const float line[] = {0, 1}, square[] = {0, 1, 0.5f, 0.25f};
	const double row0[] = {0, 0, .125, .375, .625, .875, 1, 1};
	const double row2[] = {.0625,     .0625,     .16796875, .37890625,
			       .58984375, .80078125, .90625,    .90625};
	float y[64];

	(void)state;
	xl_var_read(tape, xl_op_up4(tape, xl_var_input(tape, 1, 1, 1, 2, line)), y);
	for (int r = 0; r < 4; r++)
		assert_near("up4 of a line", y + 8 * r, row0, 8, 0);
	xl_var_read(tape, xl_op_up4(tape, xl_var_input(tape, 1, 1, 2, 2, square)), y);
	assert_near("up4 of a square", y + 16, row2, 8, 1e-7);
}

static void test_smoothness(void **state)
{
	struct param m = {.d = PLAIN(1, 1, 2, 3), .data = {0.1f, 0.8f, 0.8f, 0.3f, 0.95f, 0}};
	const double want[] = {0.0314134, 0.0237733, -0.0147984, -0.0194818, -0.0648577, 0.0439513};
	float c[18];

	(void)state;
	for (int i = 0; i < 18; i++) /* three channels of six pixels */
		c[i] = (float)sin(1.1 * (i % 6) + 0.4 * (i / 6) + 0.2);
	struct xl_var *r1 = xl_op_r1(tape, leaf(&m), xl_var_input(tape, 1, 3, 2, 3, c));
	assert_float_equal(xl_var_scalar(tape, r1), -0.057138102, 1e-8);
	assert_int_equal(xl_backward(tape, xl_op_affine(tape, r1, 2, 0), 0), 0);
	for (int i = 0; i < 6; i++)
		assert_float_equal(m.grad[i], 2 * want[i], 2e-7);
}

/* sum over attributes, mean over the batch, of softplus(z) - z t */
static void test_cross_entropy(void **state)
{
	struct param z = {.d = PLAIN(2, 3, 1, 1), .data = {2, -1, 0.5f, -3, 0, 4}};
	const float targets[] = {1, 0, 0, 0, 1, 1};
	const double want[] = {-0.0596015, 0.1344707, 0.3112297, 0.0237129, -0.25, -0.0089931};

	(void)state;
	struct xl_var *v = leaf(&z), *t = xl_var_input(tape, 2, 3, 1, 1, targets);
	struct xl_var *each = xl_op_sub(tape, xl_op_softplus(tape, v), xl_op_mul(tape, v, t));
	struct xl_var *loss = xl_op_affine(tape, xl_op_sum(tape, each), 0.5, 0);
	assert_float_equal(xl_var_scalar(tape, loss), 1.0870756, 1e-7);
	assert_int_equal(xl_backward(tape, loss, 0), 0);
	assert_near("cross entropy", z.grad, want, 6, 1e-7);
}

static double hadain_c(int i)
{
	return sin(0.7 * i + 0.3);
}

static double hadain_m(int i)
{
	return i % 5 / 4.0;
}

/* The highway: a style for the foreground, another for the background. */
static void test_highway(void **state)
{
	struct param c, m;
	struct param style[] = {{.d = PLAIN(1, 2, 1, 1), .data = {1.5f, 0.5f}},
				{.d = PLAIN(1, 2, 1, 1), .data = {0.1f, -0.2f}},
				{.d = PLAIN(1, 2, 1, 1), .data = {0.8f, -1.1f}},
				{.d = PLAIN(1, 2, 1, 1), .data = {-0.3f, 0.4f}}};
	const double grads[4][2] = {{-1.970692, 0.762119},
				    {-0.883987, 1.963703},
				    {-2.752961, -0.358081},
				    {0.465806, -0.188662}};
	const double y0[] = {-0.1672906, 0.7208216, 1.2324065, 0.9377015};
	const double dc[] = {1.355810, 1.556512, 0.450931, -1.161128};
	const double dm[] = {0.325239, 0.304140, -2.381923, -2.571501};
	float weight[24], value[24];
	struct xl_var *s[4];

	(void)state;
	set(&c, (struct xl_dims)PLAIN(1, 2, 3, 4), hadain_c);
	set(&m, (struct xl_dims)PLAIN(1, 1, 3, 4), hadain_m);
	for (int i = 0; i < 24; i++)
		weight[i] = (float)cos(0.9 * i);
	for (int i = 0; i < 4; i++)
		s[i] = leaf(&style[i]);
	struct xl_var *n = xl_op_norm(tape, leaf(&c), NULL, NULL, XL_NORM_INSTANCE, 1e-5, NULL);
	struct xl_var *mask = leaf(&m), *rest = xl_op_affine(tape, mask, -1, 1);
	struct xl_var *front = xl_op_add(tape, xl_op_mul(tape, n, s[0]), s[1]);
	struct xl_var *back = xl_op_add(tape, xl_op_mul(tape, n, s[2]), s[3]);
	struct xl_var *y =
		xl_op_add(tape, xl_op_mul(tape, mask, front), xl_op_mul(tape, rest, back));
	struct xl_var *loss =
		xl_op_sum(tape, xl_op_mul(tape, y, xl_var_input(tape, 1, 2, 3, 4, weight)));

	xl_var_read(tape, y, value);
	assert_near("highway", value, y0, 4, 1e-6);
	assert_float_equal(xl_var_scalar(tape, loss), -5.0798047, 3e-6);
	assert_int_equal(xl_backward(tape, loss, 0), 0);
	assert_near("highway, content", c.grad, dc, 4, 5e-6);
	assert_near("highway, mask", m.grad, dm, 4, 5e-6);
	for (int i = 0; i < 4; i++)
		assert_near("highway, style", style[i].grad, grads[i], 2, 5e-6);
}

/* ---- gradient penalties ---- */

/* mean over samples of (|d sum D / dx| - 1)^2 */
static struct xl_var *penalty(struct xl_var *score, struct xl_var *x)
{
	struct xl_var *g = xl_grad(tape, score, x);

	if (!g)
		return NULL;
	struct xl_var *q =
		xl_op_sum_to(tape, xl_op_mul(tape, g, g), xl_dims_plain(x->d.n, 1, 1, 1));
	struct xl_var *e = xl_op_affine(tape, xl_op_sqrt(tape, q), 1, -1);
	return xl_op_mean(tape, xl_op_mul(tape, e, e));
}

static double toy_w1(int i)
{
	return 0.3 * sin(1.3 * i + 0.2);
}

static double toy_w2(int i)
{
	return 0.4 * cos(0.9 * i + 0.5);
}

static double toy_x(int i)
{
	return cos(0.5 * i);
}

static void test_gradient_penalty(void **state)
{
	struct param w1, w2, x, b1 = {.d = PLAIN(1, 2, 1, 1), .data = {0.05f, -0.07f}};
	struct param b2 = {.d = PLAIN(1, 1, 1, 1), .data = {0.01f}};
	const double src[] = {-0.1499864, -0.1250853, -0.1139780, -0.0688983,
			      -0.2166339, -0.2728183, 0.1092304,  0.1338962};
	const double dw1[] = {0.0225121, -0.0092232, 0.0217040, -0.0271164};
	const double dw1_last[] = {-0.1655804, -0.3275419, -0.1965829, 0.1048832};
	float score[8];

	(void)state;
	set(&w1, (struct xl_dims)PLAIN(2, 1, 4, 4), toy_w1);
	set(&w2, (struct xl_dims)PLAIN(1, 2, 3, 3), toy_w2);
	set(&x, (struct xl_dims)PLAIN(2, 1, 4, 4), toy_x);
	struct xl_var *v = xl_var_input(tape, 2, 1, 4, 4, x.data);
	xl_var_watch(v, true);
	struct xl_var *h = xl_op_conv2d(tape, v, leaf(&w1), leaf(&b1), 2, 1, XL_PAD_REFLECT);
	struct xl_var *y = xl_op_conv2d(tape, xl_op_leaky(tape, h, 0.01), leaf(&w2), leaf(&b2), 1,
					1, XL_PAD_REFLECT);
	struct xl_var *gp = penalty(y, v);
	xl_var_watch(v, false);

	assert_non_null(gp);
	xl_var_read(tape, y, score);
	assert_near("toy critic", score, src, 8, 1e-6);
	assert_float_equal(xl_var_scalar(tape, gp), 0.122032473, 2e-7);
	assert_int_equal(xl_backward(tape, gp, 0), 0);
	assert_near("penalty, first row", w1.grad, dw1, 4, 1e-6);
	assert_near("penalty, last row", w1.grad + 28, dw1_last, 4, 1e-6);
	for (int i = 0; i < 18; i++) /* reflection on 2x2 reads every position equally */
		assert_float_equal(w2.grad[i], i < 9 ? -0.0287713 : 0.4648750, 1e-6);
	for (int i = 0; i < 2; i++)
		assert_true(b1.grad[i] == 0 && b2.grad[0] == 0);
}

/* A critic with a normalisation, in double: conv, norm, tanh, conv. */
struct critic {
	struct array x, w1, scale, shift, w2;
	enum xl_norm kind;
};

static double critic_sum(const struct critic *k)
{
	struct xl_conv2d_dims d1 = {2, 2, 4, 4, 3, 3, 3, 1, 1, 1, XL_PAD_REFLECT, 4, 4, 0};
	struct xl_conv2d_dims d2 = {2, 3, 4, 4, 1, 3, 3, 2, 1, 1, XL_PAD_ZERO, 2, 2, 0};
	struct array h = array_zeros((struct xl_dims)PLAIN(2, 3, 4, 4)), n = array_zeros(h.d);
	struct array y = array_zeros((struct xl_dims)PLAIN(2, 1, 2, 2)), x = k->x, w1 = k->w1;
	struct array w2 = k->w2;
	double sum = 0;

	naive_conv2d(CONV_Y, &h, &x, &w1, &d1);
	naive_norm_fwd(&n, &h, k->scale.v, k->shift.v, k->kind, 1e-3);
	for (int64_t i = 0; i < xl_dims_count(&n.d); i++)
		n.v[i] = tanh(n.v[i]);
	naive_conv2d(CONV_Y, &y, &n, &w2, &d2);
	for (int i = 0; i < 8; i++)
		sum += y.v[i];
	array_free(&h);
	array_free(&n);
	array_free(&y);
	return sum;
}

static double critic_penalty(const struct critic *k)
{
	const double e = 1e-4;
	double q[2] = {0};

	for (int i = 0; i < 64; i++) {
		double side[2];
		for (int s = 0; s < 2; s++) {
			const double x = k->x.v[i];
			k->x.v[i] = x + (s ? -e : e);
			side[s] = critic_sum(k);
			k->x.v[i] = x;
		}
		const double g = (side[0] - side[1]) / (2 * e);
		q[i / 32] += g * g;
	}
	return (pow(sqrt(q[0]) - 1, 2) + pow(sqrt(q[1]) - 1, 2)) / 2;
}

static void check_penalty_gradient(const struct critic *k, const char *what, const struct array *a,
				   const float *grad)
{
	struct array want = array_zeros(a->d);
	const double e = 3e-4;

	for (int64_t i = 0; i < xl_dims_count(&a->d); i++) {
		const double x = a->v[i];
		a->v[i] = x + e;
		want.v[i] = critic_penalty(k);
		a->v[i] = x - e;
		want.v[i] = (want.v[i] - critic_penalty(k)) / (2 * e);
		a->v[i] = x;
	}
	assert_true(agrees(what, grad, &want, 2e-5));
	array_free(&want);
}

static struct param param_of(const struct array *a)
{
	struct param p = {.d = a->d};

	for (int64_t i = 0; i < xl_dims_count(&a->d); i++)
		p.data[i] = (float)a->v[i];
	return p;
}

static void test_penalty_with_norm(void **state)
{
	(void)state;
	for (int kind = XL_NORM_INSTANCE; kind <= XL_NORM_BATCH; kind++) {
		struct critic k = {.kind = (enum xl_norm)kind};
		k.x = array_noise((struct xl_dims)PLAIN(2, 2, 4, 4), 1, -1, 1);
		k.w1 = array_noise((struct xl_dims)PLAIN(3, 2, 3, 3), 2, -1, 1);
		k.scale = array_noise((struct xl_dims)PLAIN(1, 3, 1, 1), 3, 0.5, 1.5);
		k.shift = array_noise((struct xl_dims)PLAIN(1, 3, 1, 1), 4, -1, 1);
		k.w2 = array_noise((struct xl_dims)PLAIN(1, 3, 3, 3), 5, -1, 1);
		struct param x = param_of(&k.x), w1 = param_of(&k.w1), w2 = param_of(&k.w2);
		struct param scale = param_of(&k.scale), shift = param_of(&k.shift);

		xl_tape_reset(tape);
		xl_tape_record(tape, true);
		struct xl_var *v = leaf(&x);
		struct xl_var *h = xl_op_conv2d(tape, v, leaf(&w1), NULL, 1, 1, XL_PAD_REFLECT);
		h = xl_op_norm(tape, h, leaf(&scale), leaf(&shift), k.kind, 1e-3, NULL);
		h = xl_op_conv2d(tape, xl_op_tanh(tape, h), leaf(&w2), NULL, 2, 1, XL_PAD_ZERO);
		struct xl_var *gp = penalty(h, v);
		assert_non_null(gp);
		assert_float_equal(xl_var_scalar(tape, gp), critic_penalty(&k), 1e-5);
		assert_int_equal(xl_backward(tape, gp, 0), 0);
		check_penalty_gradient(&k, "penalty with norm, w1", &k.w1, w1.grad);
		check_penalty_gradient(&k, "penalty with norm, scale", &k.scale, scale.grad);
		check_penalty_gradient(&k, "penalty with norm, shift", &k.shift, shift.grad);
		check_penalty_gradient(&k, "penalty with norm, w2", &k.w2, w2.grad);
		check_penalty_gradient(&k, "penalty with norm, x", &k.x, x.grad);
		array_free(&k.x);
		array_free(&k.w1);
		array_free(&k.scale);
		array_free(&k.shift);
		array_free(&k.w2);
	}
}

/* ---- memory ---- */

/* A step that meets every operator once; the loss. */
static struct xl_var *everything(struct xl_var *x, struct param *w, struct param *s)
{
	struct xl_tape *t = tape;
	struct xl_var *scale = leaf(s), *w0 = leaf(w);
	struct xl_var *h = xl_op_conv2d(t, x, w0, NULL, 1, 1, XL_PAD_REFLECT);

	h = xl_op_norm(t, h, scale, scale, XL_NORM_INSTANCE, 1e-5, NULL);
	h = xl_op_add(t, h, xl_op_leaky(t, h, 0.2));
	struct xl_var *m =
		xl_op_sigmoid(t, xl_op_sum_to(t, h, xl_dims_map(h->d.n, 1, h->d.h, h->d.w)));
	struct xl_var *r1 = xl_op_r1(t, m, xl_op_detach(t, h));
	struct xl_var *u = xl_op_mul(t, xl_op_up4(t, m), xl_op_up2(t, xl_op_up2(t, h)));
	u = xl_op_tanh(t, xl_op_concat(t, u, xl_op_narrow(t, u, 0, 0, 1), 0));
	u = xl_op_sub(t, xl_op_exp(t, u), xl_op_softplus(t, xl_op_abs(t, u)));
	u = xl_op_mul(t, u, xl_op_recip(t, xl_op_sqrt(t, xl_op_max(t, u, 0.5))));
	struct xl_var *v = xl_op_expand(t, xl_op_mean_hw(t, u), u->d);
	struct xl_var *unused = xl_op_affine(t, v, 3, 1); /* on the tape, in no loss */
	xl_drop(t, unused);
	return xl_op_add(t, xl_op_mean(t, xl_op_mul(t, u, v)), r1);
}

static double small(int i)
{
	return noise(3, i) / 4;
}

static struct param w_any, s_any, x_any;

static struct xl_var *any_input(void)
{
	set(&w_any, (struct xl_dims)PLAIN(16, 3, 3, 3), small);
	set(&s_any, (struct xl_dims)PLAIN(1, 16, 1, 1), small);
	set(&x_any, (struct xl_dims)PLAIN(2, 3, 5, 4), small);
	return xl_var_input(tape, 2, 3, 5, 4, x_any.data);
}

/* Steps without a reset in between: all that a step took has come back. */
static void test_backward_frees(void **state)
{
	struct xl_var *in = any_input();
	size_t peak = 0;

	(void)state;
	for (int step = 0; step < 6; step++) {
		xl_tape_record(tape, true);
		assert_int_equal(xl_backward(tape, everything(in, &w_any, &s_any), 0), 0);
		assert_int_equal(xl_tape_mark(tape), 0);
		if (step == 0)
			peak = xl_arena_peak(tape->arena);
		assert_int_equal(xl_arena_peak(tape->arena), peak);
	}
	for (int i = 0; i < 16; i++)
		assert_true(s_any.grad[i] != 0 && w_any.grad[i] != 0);
}

/* Without recording, what is dropped comes back at once. */
static void test_drop_frees(void **state)
{
	struct xl_var *in = any_input(), *w = leaf(&w_any);
	size_t peak = 0;

	(void)state;
	xl_tape_record(tape, false);
	for (int step = 0; step < 6; step++) {
		struct xl_var *h = xl_op_conv2d(tape, in, w, NULL, 1, 1, XL_PAD_ZERO);
		struct xl_var *n = xl_op_norm(tape, h, NULL, NULL, XL_NORM_LAYER, 1e-5, NULL);
		xl_drop(tape, h);
		struct xl_var *y = xl_op_mean_hw(tape, n);
		xl_drop(tape, n);
		xl_drop(tape, y);
		if (step == 0)
			peak = xl_arena_peak(tape->arena);
		assert_int_equal(xl_arena_peak(tape->arena), peak);
	}
}

/* Three layers as networks have them, the last with a sum, blended; with drop, what
 * was used is dropped. The loss. */
static struct xl_var *three_layers(struct xl_var *x, struct param *w, struct param *s, bool drop)
{
	struct xl_norm_op o = {.kind = XL_NORM_INSTANCE, .eps = 1e-5, .act = true};
	struct xl_var *wv = leaf(w), *y[4] = {x};

	o.scale = o.shift = leaf(s);
	for (int i = 0; i < 3; i++) {
		struct xl_var *h = xl_op_conv2d(tape, y[i], wv, NULL, 1, 0, XL_PAD_ZERO);
		o.add = i == 2 ? y[1] : NULL;
		y[i + 1] = xl_op_norm_act(tape, h, &o);
		if (drop)
			xl_drop(tape, h);
	}
	struct xl_var *f =
		xl_op_blend(tape, y[3], xl_var_const(tape, xl_dims_map(2, 1, 9, 7), 0.25f),
			    xl_var_const(tape, xl_dims_map(2, 32, 1, 1), 2),
			    xl_var_const(tape, xl_dims_map(2, 32, 1, 1), -1));
	struct xl_var *u = xl_op_tanh(tape, f), *loss = xl_op_mean(tape, xl_op_mul(tape, u, f));
	for (int i = 1; drop && i < 4; i++)
		xl_drop(tape, y[i]);
	if (drop) {
		xl_drop(tape, f);
		xl_drop(tape, u);
	}
	return loss;
}

/* What was dropped while recording comes back as it was. */
static void test_drop_recorded(void **state)
{
	static struct param w, s, first[2], weights[2];
	size_t peak[2];

	(void)state;
	set(&w, (struct xl_dims)PLAIN(16, 16, 1, 1), small);
	set(&s, (struct xl_dims)PLAIN(1, 16, 1, 1), small);
	for (int drop = 0; drop < 2; drop++) {
		close_tape(NULL);
		assert_int_equal(open_tape(NULL), 0);
		xl_tape_record(tape, true);
		struct xl_var *x = xl_var_const(tape, xl_dims_map(2, 16, 9, 7), 0);
		for (int i = 0; i < 2 * 16 * 9 * 7; i++)
			x->data[i] = (float)small(i);
		assert_int_equal(xl_backward(tape, three_layers(x, &w, &s, drop), 0), 0);
		peak[drop] = xl_arena_peak(tape->arena);
		first[drop] = s;
		weights[drop] = w;
	}
	for (int i = 0; i < 16; i++)
		assert_true(first[0].grad[i] != 0 && first[0].grad[i] == first[1].grad[i]);
	assert_memory_equal(weights[0].grad, weights[1].grad, 256 * sizeof(float));
	assert_true(peak[1] < peak[0]);
}

/* Penalties, step after step: the peak is that of the first. */
static void test_penalty_steps(void **state)
{
	size_t peak = 0;
	double first = 0;

	(void)state;
	for (int step = 0; step < 5; step++) {
		xl_tape_reset(tape);
		xl_tape_record(tape, true);
		struct xl_var *x = any_input();
		xl_var_watch(x, true);
		struct xl_var *h = xl_op_conv2d(tape, x, leaf(&w_any), NULL, 2, 1, XL_PAD_REFLECT);
		struct xl_var *gp = penalty(xl_op_tanh(tape, h), x);
		xl_var_watch(x, false);
		assert_int_equal(xl_backward(tape, gp, 0), 0);
		if (step == 0) {
			peak = xl_arena_peak(tape->arena);
			first = (double)w_any.grad[0];
		}
		assert_int_equal(xl_arena_peak(tape->arena), peak);
		assert_true((double)w_any.grad[0] == first);
	}
}

/* A dry run counts what the real one uses. */
static void test_dry_run(void **state)
{
	size_t peak[2];
	int64_t macs[2];

	(void)state;
	for (int dry = 0; dry < 2; dry++) {
		close_tape(NULL);
		assert_int_equal(open_tape(NULL), 0);
		tape->dry = dry;
		struct xl_var *loss = everything(any_input(), &w_any, &s_any);
		assert_non_null(loss);
		assert_true((xl_var_scalar(tape, loss) == 0) == dry);
		assert_int_equal(xl_backward(tape, loss, 0), 0);
		assert_true((w_any.grad[0] == 0) == dry);
		peak[dry] = xl_arena_peak(tape->arena);
		macs[dry] = tape->macs;
	}
	assert_int_equal(peak[0], peak[1]);
	assert_int_equal(macs[0], macs[1]);
	assert_int_equal(macs[0], 2 * 2 * 16 * 5 * 4 * 3 * 9); /* forward, and weights */
}

/* ---- the way back ---- */

/* x^4 three times: 4 x^3, 12 x^2, 24 x */
static void test_third_derivative(void **state)
{
	struct param x = {.d = PLAIN(1, 1, 1, 2), .data = {0.5f, -1.5f}};
	struct xl_var *v = leaf(&x), *q = xl_op_mul(tape, v, v), *y = xl_op_mul(tape, q, q);
	const double want[] = {24 * 0.5, 24 * -1.5};
	float g[2];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_non_null(y = xl_grad(tape, y, v));
	xl_var_read(tape, y, g);
	assert_near("third derivative", g, want, 2, 1e-5);
	assert_int_equal(xl_backward(tape, xl_op_sum(tape, y), 0), 0);
	for (int i = 0; i < 2; i++)
		assert_float_equal(x.grad[i], 24, 1e-5);
}

/* A second gradient does not see what the first left behind. */
static void test_two_gradients(void **state)
{
	struct xl_var *x = any_input();
	float g[2][120];

	(void)state;
	xl_var_watch(x, true);
	struct xl_var *y =
		xl_op_tanh(tape, xl_op_conv2d(tape, x, leaf(&w_any), NULL, 1, 0, XL_PAD_ZERO));
	for (int i = 0; i < 2; i++) {
		struct xl_var *v = xl_grad(tape, y, x);
		assert_non_null(v);
		xl_var_read(tape, v, g[i]);
	}
	assert_memory_equal(g[0], g[1], sizeof g[0]);
	for (int i = 0; i < 432; i++)
		assert_true(w_any.grad[i] == 0);
}

/* Detached values are constants; gradients add up over calls and uses. */
static void test_detach_and_sum(void **state)
{
	struct param x = {.d = PLAIN(1, 1, 1, 1), .data = {3}};
	struct xl_var *v = leaf(&x);

	(void)state;
	for (int i = 0; i < 2; i++) {
		xl_tape_record(tape, true);
		struct xl_var *q = xl_op_mul(tape, v, v);
		struct xl_var *y = xl_op_add(tape, xl_op_mul(tape, xl_op_detach(tape, q), v), v);
		assert_int_equal(xl_backward(tape, y, 0), 0);
		assert_float_equal(x.grad[0], (i + 1) * 10, 0);
	}
}

/* A second half of the tape goes back first; the first half waits for it. */
static void test_marks(void **state)
{
	struct param x = {.d = PLAIN(1, 1, 1, 1), .data = {3}};
	struct xl_var *v = leaf(&x), *q = xl_op_mul(tape, v, v);
	const int mark = xl_tape_mark(tape);

	(void)state;
	assert_int_equal(xl_backward(tape, xl_op_affine(tape, q, 5, 0), mark), 0);
	assert_int_equal(xl_tape_mark(tape), mark);
	assert_float_equal(x.grad[0], 0, 0);
	xl_tape_record(tape, true);
	assert_int_equal(xl_backward(tape, xl_op_affine(tape, q, 2, 0), 0), 0);
	assert_float_equal(x.grad[0], 6 * 7, 0);
	assert_int_equal(xl_tape_mark(tape), 0);
}

/* The batch's mean and variance, for running statistics. */
static void test_batch_moments(void **state)
{
	struct xl_var *x = any_input();
	struct array a = array_zeros((struct xl_dims)PLAIN(2, 3, 5, 4)), mean, inv;
	double moments[6];

	(void)state;
	for (int i = 0; i < 120; i++)
		a.v[i] = (double)x_any.data[i];
	assert_non_null(xl_op_norm(tape, x, NULL, NULL, XL_NORM_BATCH, 1e-5, moments));
	naive_moments(&mean, &inv, &a, XL_NORM_BATCH, 1e-5);
	for (int c = 0; c < 3; c++) {
		assert_float_equal(moments[2 * c], mean.v[c], 1e-8);
		assert_float_equal(moments[2 * c + 1], 1 / (inv.v[c] * inv.v[c]) - 1e-5, 1e-8);
	}
	array_free(&a);
	array_free(&mean);
	array_free(&inv);
}

/* ---- errors ---- */

static void assert_refused(const struct xl_var *v, const char *message)
{
	assert_null(v);
	assert_string_equal(xl_err_msg(), message);
}

static struct xl_var *zeros(int n, int c, int h, int w)
{
	return xl_var_const(tape, xl_dims_map(n, c, h, w), 0);
}

static void test_shape_errors(void **state)
{
	struct xl_var *x = zeros(2, 3, 4, 4), *w = xl_var_const(tape, xl_dims_plain(5, 3, 3, 3), 0);
	struct xl_var *blocked = zeros(2, 16, 4, 4);

	(void)state;
	assert_refused(xl_op_add(tape, x, zeros(2, 2, 4, 4)),
		       "add: (2,3,4,4) and (2,2,4,4) do not fit");
	assert_refused(xl_op_mul(tape, blocked, xl_var_const(tape, xl_dims_plain(2, 16, 4, 4), 0)),
		       "mul: (2,16,4,4) and (2,16,4,4) do not fit");
	assert_refused(xl_op_conv2d(tape, blocked, w, NULL, 1, 1, XL_PAD_ZERO),
		       "conv2d: (2,16,4,4) does not fit weights (5,3,3,3) with padding 1");
	assert_refused(xl_op_conv2d(tape, x, w, NULL, 1, 4, XL_PAD_REFLECT),
		       "conv2d: (2,3,4,4) does not fit weights (5,3,3,3) with padding 4");
	assert_refused(xl_op_conv2d(tape, zeros(1, 3, 2, 4), w, NULL, 1, 0, XL_PAD_ZERO),
		       "conv2d: (1,3,2,4) does not fit weights (5,3,3,3) with padding 0");
	assert_refused(xl_op_conv2d(tape, x, w, zeros(1, 3, 1, 1), 1, 1, XL_PAD_ZERO),
		       "conv2d: bias (1,3,1,1) does not fit weights (5,3,3,3)");
	assert_refused(
		xl_op_norm(tape, x, zeros(1, 4, 1, 1), zeros(1, 4, 1, 1), XL_NORM_LAYER, 1, NULL),
		"norm: scale (1,4,1,1) does not fit (2,3,4,4)");
	assert_refused(xl_op_sum_to(tape, x, xl_dims_map(2, 2, 1, 1)),
		       "sum_to: (2,3,4,4) and (2,2,1,1) do not fit");
	assert_refused(xl_op_expand(tape, x, xl_dims_map(4, 3, 4, 4)),
		       "expand: (2,3,4,4) and (4,3,4,4) do not fit");
	assert_refused(xl_op_narrow(tape, x, 0, 1, 2),
		       "narrow: no part 1+2 of axis 0 of (2,3,4,4)");
	assert_refused(xl_op_narrow(tape, blocked, 1, 8, 9),
		       "narrow: no part 8+9 of axis 1 of (2,16,4,4)");
	assert_refused(xl_op_embed(tape, blocked, 1, 8, 23),
		       "embed: (2,16,4,4) is no part 8+16 of axis 1 of size 23");
	assert_refused(xl_op_embed(tape, x, 0, -1, 4),
		       "embed: (2,3,4,4) is no part -1+2 of axis 0 of size 4");
	assert_refused(xl_op_concat(tape, x, zeros(2, 3, 4, 5), 1),
		       "concat: (2,3,4,4) and (2,3,4,5) do not fit");
	assert_refused(xl_op_r1(tape, x, x), "r1: mask (2,3,4,4) and content (2,3,4,4) do not fit");
}

static void test_errors_stick(void **state)
{
	struct xl_var *x = zeros(1, 2, 4, 4);
	struct xl_var *none = xl_op_add(tape, x, zeros(1, 3, 4, 4));

	(void)state;
	none = xl_op_conv2d(tape, none, x, NULL, 1, 1, XL_PAD_ZERO);
	none = xl_op_mul(tape, xl_op_tanh(tape, none), xl_op_up2(tape, none));
	none = xl_op_concat(tape, xl_op_narrow(tape, none, 0, 0, 1), xl_op_mean(tape, none), 0);
	none = xl_op_norm(tape, xl_op_mean_hw(tape, none), NULL, NULL, XL_NORM_LAYER, 1, NULL);
	none = xl_op_r1(tape, xl_op_detach(tape, none), xl_op_expand(tape, none, x->d));
	assert_refused(xl_grad(tape, none, x), "add: (1,2,4,4) and (1,3,4,4) do not fit");
	assert_int_equal(xl_backward(tape, none, 0), -1);
	assert_string_equal(xl_err_msg(), "add: (1,2,4,4) and (1,3,4,4) do not fit");
	xl_drop(tape, none);
}

static void test_no_second_derivative(void **state)
{
	struct param m = {.d = PLAIN(1, 1, 2, 2), .data = {0.1f, 0.2f, 0.3f, 0.4f}};
	struct xl_var *mask = leaf(&m);
	struct xl_var *r1 = xl_op_r1(tape, mask, zeros(1, 3, 2, 2));

	(void)state;
	assert_refused(xl_grad(tape, r1, mask), "r1 has no recorded gradient");
	assert_refused(xl_grad(tape, xl_op_abs(tape, zeros(1, 1, 1, 1)), mask),
		       "gradient: the result does not depend on the variable");
}

#define WITH_TAPE(test) cmocka_unit_test_setup_teardown(test, open_tape, close_tape)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TAPE(test_bilinear),
		WITH_TAPE(test_smoothness),
		WITH_TAPE(test_cross_entropy),
		WITH_TAPE(test_highway),
		WITH_TAPE(test_gradient_penalty),
		WITH_TAPE(test_penalty_with_norm),
		WITH_TAPE(test_backward_frees),
		WITH_TAPE(test_drop_frees),
		WITH_TAPE(test_drop_recorded),
		WITH_TAPE(test_penalty_steps),
		WITH_TAPE(test_dry_run),
		WITH_TAPE(test_third_derivative),
		WITH_TAPE(test_two_gradients),
		WITH_TAPE(test_detach_and_sum),
		WITH_TAPE(test_marks),
		WITH_TAPE(test_batch_moments),
		WITH_TAPE(test_shape_errors),
		WITH_TAPE(test_errors_stick),
		WITH_TAPE(test_no_second_derivative),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
