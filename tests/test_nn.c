/*
 * test_nn.c - layers, initial values and losses as methods build on them, against
 * worked numbers and plain loops.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "methods/model.h"
#include "nn/net.h"
#include "nn/patches.h"

static struct xl_tape *tape;

static int open_tape(void **state)
{
	(void)state;
	return (tape = xl_tape_new()) ? 0 : -1;
}

static int close_tape(void **state)
{
	(void)state;
	xl_tape_free(tape);
	return 0;
}

/* A network of one layer with weights 1, 2, .. and bias 0.5. */
static void one_layer(struct xl_net *net, struct xl_layer *l)
{
	xl_net_init(net, "N", XL_GENERATOR);
	assert_int_equal(xl_net_layer(net, "1", l), 0);
	assert_int_equal(xl_net_alloc(net, true), 0);
	const struct xl_param *w = &net->params[l->first];
	for (int64_t i = 0; i < xl_dims_count(&w->d); i++)
		net->value[w->at + (size_t)i] = (float)(i + 1);
	net->value[w[1].at] = 0.5f;
	for (int i = 0; i < net->n_params; i++)
		if (!strcmp(net->params[i].name, "1.scale") ||
		    !strcmp(net->params[i].name, "1.var"))
			net->value[net->params[i].at] = 1;
	xl_tape_reset(tape);
	assert_int_equal(xl_net_bind(net, tape, false), 0);
}

static void expect(const struct xl_var *y, int h, int w, const double *want, double tolerance)
{
	float got[64];

	assert_non_null(y);
	assert_int_equal(y->d.h, h);
	assert_int_equal(y->d.w, w);
	assert_true(h * w <= 64);
	xl_var_read(tape, y, got);
	for (int i = 0; i < h * w; i++)
		if (!(fabs((double)got[i] - want[i]) <= tolerance))
			fail_msg("number %d is %.9g, not %.9g", i, (double)got[i], want[i]);
}

static struct xl_var *count_up(int h, int w)
{
	float x[64];

	for (int i = 0; i < h * w; i++)
		x[i] = (float)(i + 1);
	return xl_var_input(tape, 1, 1, h, w, x);
}

/* Kernel 4, stride 2, padding 1: the reference vectors of MBU. */
static void test_convolutions(void **state)
{
	struct xl_layer down = {.ci = 1, .co = 1, .k = 4, .stride = 2, .pad = 1}, up = down;
	struct xl_net net;

	(void)state;
	one_layer(&net, &down);
	expect(xl_nn_layer(tape, &net, &down, count_up(4, 4)), 2, 2,
	       (const double[]){696.5, 732.5, 732.5, 696.5}, 0);
	xl_net_done(&net);
	up.transposed = true;
	one_layer(&net, &up);
	expect(xl_nn_layer(tape, &net, &up, count_up(2, 2)), 4, 4,
	       (const double[]){6.5, 17.5, 20.5, 14.5, 16.5, 42.5, 52.5, 34.5, 32.5, 82.5, 92.5,
				58.5, 30.5, 69.5, 76.5, 44.5},
	       0);
	xl_net_done(&net);
}

/* Kernel 3, stride 2, padding 1: one row and column more than (h - 1) s - 2 p + k. */
static void test_transposed_doubles(void **state)
{
	struct xl_layer l = {.ci = 1, .co = 1, .k = 3, .stride = 2, .pad = 1, .transposed = true};
	struct xl_net net;

	(void)state;
	one_layer(&net, &l);
	/* y(i,j) sums x(r,c) w(i - 2r + 1, j - 2c + 1) */
	expect(xl_nn_layer(tape, &net, &l, count_up(1, 2)), 2, 4,
	       (const double[]){5.5, 6 + 2 * 4 + 0.5, 10.5, 12.5, 8.5, 9 + 2 * 7 + 0.5, 16.5, 18.5},
	       0);
	xl_net_done(&net);
}

/* Training, then inference with the running statistics. */
static void test_batch_norm(void **state)
{
	struct xl_layer l = {.ci = 1, .co = 1, .k = 1, .stride = 1, .norm = XL_BN};
	struct xl_net net;

	(void)state;
	one_layer(&net, &l);
	net.value[net.params[l.first + 1].at] = 0;
	net.value[net.params[l.first + 4].at] = 0;
	expect(xl_nn_layer(tape, &net, &l, count_up(2, 2)), 2, 2,
	       (const double[]){-1.34163542, -0.44721181, 0.44721181, 1.34163542}, 1e-6);
	assert_float_equal(net.value[net.params[l.first + 4].at], 0.25, 1e-7);
	assert_float_equal(net.value[net.params[l.first + 5].at], 1.06666667, 1e-6);
	net.bn = XL_BN_RUNNING;
	const double sd = sqrt(1.06666667 + 1e-5);
	expect(xl_nn_layer(tape, &net, &l, count_up(2, 2)), 2, 2,
	       (const double[]){0.75 / sd, 1.75 / sd, 2.75 / sd, 3.75 / sd}, 1e-6);
	xl_net_done(&net);
}

/* ---- a condition on constant planes ---- */

enum { SIDE = 6, PLANES = 5, SAMPLES = 2 };

static float value_at(uint32_t i)
{
	return (float)sin(1.7 * i + 0.3 * (i % 7));
}

/* A layer of ci channels and planes, or of all as channels; the same weights. */
static void with_planes(struct xl_net *net, struct xl_layer *l, int ci, int planes)
{
	l->ci = ci;
	l->planes = planes;
	xl_net_init(net, "N", XL_GENERATOR);
	assert_int_equal(xl_net_layer(net, "1", l), 0);
	assert_int_equal(xl_net_alloc(net, true), 0);
	const int taps = l->k * l->k, all = ci + planes;
	const float scale = sqrtf(2.0f / (float)(all * taps));
	for (int o = 0; o < l->co; o++)
		for (int i = 0; i < all * taps; i++) {
			const bool plane = i >= ci * taps;
			const struct xl_param *p = &net->params[l->first + (plane ? 2 : 0)];
			const int at =
				plane ? o * planes * taps + i - ci * taps : o * ci * taps + i;
			net->value[p->at + (size_t)at] =
				scale * value_at((uint32_t)(o * all * taps + i));
		}
	net->value[net->params[l->first + 1].at] = 0.25f;
}

/* Pixels of the channels, then z as planes. */
static void fill_planes(float *x, const float *z, int ci, bool planes)
{
	for (int n = 0; n < SAMPLES; n++)
		for (int c = 0; c < ci + (planes ? PLANES : 0); c++)
			for (int i = 0; i < SIDE * SIDE; i++)
				*x++ = c < ci ? value_at((uint32_t)((n * ci + c) * 36 + i))
					      : z[n * PLANES + c - ci];
}

static void check_planes(int ci, int k, int stride, int pad)
{
	struct xl_layer on = {.co = 16,
			      .k = k,
			      .stride = stride,
			      .pad = pad,
			      .mode = XL_PAD_REFLECT,
			      .act = XL_ACT_LEAKY,
			      .slope = 0.2},
			all = on;
	static float x[SAMPLES * 32 * SIDE * SIDE], y[2][SAMPLES * 16 * SIDE * SIDE],
		gz[2 * PLANES];
	float z[SAMPLES * PLANES];
	const int taps = k * k;
	struct xl_net nets[2];
	size_t n = 0;

	for (uint32_t i = 0; i < SAMPLES * PLANES; i++)
		z[i] = value_at(i + 1000);
	with_planes(&nets[0], &on, ci, PLANES);
	with_planes(&nets[1], &all, ci + PLANES, 0);
	assert_int_equal(xl_net_count(&nets[0]), xl_net_count(&nets[1]));
	memset(gz, 0, sizeof gz);
	for (int i = 0; i < 2; i++) {
		xl_tape_reset(tape);
		xl_tape_record(tape, true);
		assert_int_equal(xl_net_bind(&nets[i], tape, true), 0);
		fill_planes(x, z, ci, i == 1);
		struct xl_var *in =
			xl_var_input(tape, SAMPLES, ci + (i ? PLANES : 0), SIDE, SIDE, x);
		struct xl_var *zv = xl_var_leaf(tape, xl_dims_map(SAMPLES, PLANES, 1, 1), z, gz);
		struct xl_var *v = i ? xl_nn_layer(tape, &nets[1], &all, in)
				     : xl_nn_layer_on(tape, &nets[0], &on, in, zv);
		assert_non_null(v);
		n = (size_t)xl_dims_count(&v->d);
		xl_var_read(tape, v, y[i]);
		assert_int_equal(xl_backward(tape, xl_op_mean(tape, xl_op_mul(tape, v, v)), 0), 0);
	}
	for (size_t i = 0; i < n; i++)
		assert_float_equal(y[0][i], y[1][i], 1e-5);
	for (int o = 0; o < 16; o++)
		for (int i = 0; i < (ci + PLANES) * taps; i++) {
			const bool plane = i >= ci * taps;
			const int at =
				plane ? o * PLANES * taps + i - ci * taps : o * ci * taps + i;
			const float g = nets[0].grad[nets[0].params[plane ? 2 : 0].at + (size_t)at];
			assert_float_equal(g, nets[1].grad[o * (ci + PLANES) * taps + i], 1e-5);
		}
	/* dL/dz_j = sum_o V_oj times the sum over pixels of dL/dout_o, which is the bias' */
	double want = 0, got = 0;
	for (int o = 0; o < 16; o++) {
		double v = 0;
		for (int i = 0; i < taps; i++)
			v += (double)nets[0]
				     .value[nets[0].params[2].at + (size_t)(o * PLANES * taps + i)];
		want += v * (double)nets[0].grad[nets[0].params[1].at + (size_t)o];
	}
	for (int s = 0; s < SAMPLES; s++)
		got += (double)gz[s * PLANES];
	assert_float_equal(got, want, 1e-4 * fabs(want));
	xl_net_done(&nets[0]);
	xl_net_done(&nets[1]);
}

static void test_planes(void **state)
{
	(void)state;
	check_planes(3, 5, 1, 2);
	check_planes(16, 4, 2, 1);
	check_planes(11, 3, 1, 1);
	check_planes(16, 1, 1, 0);
}

/* The mistake that planes invite: a norm right behind them takes out what they add. */
static void test_norm_after_planes(void **state)
{
	struct xl_layer l = {.co = 4, .k = 3, .stride = 1, .pad = 1, .mode = XL_PAD_REFLECT};
	float x[SAMPLES * 3 * SIDE * SIDE], z[2][SAMPLES * PLANES], y[2][SAMPLES * 4 * SIDE * SIDE];
	struct xl_net net;

	(void)state;
	with_planes(&net, &l, 3, PLANES);
	for (uint32_t i = 0; i < SAMPLES * PLANES; i++) {
		z[0][i] = value_at(i);
		z[1][i] = value_at(i + 500);
	}
	fill_planes(x, z[0], 3, false);
	for (int i = 0; i < 2; i++) {
		xl_tape_reset(tape);
		assert_int_equal(xl_net_bind(&net, tape, false), 0);
		struct xl_var *v = xl_nn_layer_on(tape, &net, &l,
						  xl_var_input(tape, SAMPLES, 3, SIDE, SIDE, x),
						  xl_var_input(tape, SAMPLES, PLANES, 1, 1, z[i]));
		v = xl_op_norm(tape, v, NULL, NULL, XL_NORM_INSTANCE, 1e-5, NULL);
		assert_non_null(v);
		xl_var_read(tape, v, y[i]);
	}
	for (size_t i = 0; i < sizeof y[0] / sizeof y[0][0]; i++)
		assert_float_equal(y[0][i], y[1][i], 1e-5);
	xl_net_done(&net);
}

/* After it, mean and deviation of a channel are beta and |gamma|. */
static void test_adain(void **state)
{
	const float p[6] = {0.5f, -2, 1, 0.75f, -1.5f, 0};
	float x[3 * 20], y[3 * 20];

	(void)state;
	xl_tape_reset(tape);
	for (uint32_t i = 0; i < 60; i++)
		x[i] = value_at(i);
	struct xl_var *v = xl_nn_adain(tape, xl_var_input(tape, 1, 3, 4, 5, x),
				       xl_var_input(tape, 1, 6, 1, 1, p));
	assert_non_null(v);
	xl_var_read(tape, v, y);
	for (int c = 0; c < 3; c++) {
		double mean = 0, square = 0;
		for (int i = 0; i < 20; i++) {
			mean += (double)y[20 * c + i] / 20;
			square += (double)y[20 * c + i] * (double)y[20 * c + i] / 20;
		}
		assert_float_equal(mean, p[c], 1e-6);
		assert_float_equal(sqrt(fmax(square - mean * mean, 0)), fabs((double)p[3 + c]),
				   1e-4);
	}
}

/* ---- a discriminator of patches ---- */

static void test_patches_size(void **state)
{
	const int sides[] = {8, 16, 31, 32, 33, 64, 128, 4096};
	const int fit[] = {0, 1, 2, 2, 2, 3, 4, 4};
	struct xl_patches p;
	struct xl_net net;

	(void)state;
	for (int i = 0; i < 8; i++)
		assert_int_equal(xl_patches_fit(sides[i]), fit[i]);
	xl_net_init(&net, "D", XL_CRITIC);
	assert_int_equal(xl_patches_build(&net, &p, 3, 64, 0.2), 0);
	assert_int_equal(xl_net_count(&net), 3 * 2757057);
	assert_string_equal(net.params[p.row[1][4].first].name, "2.4.weight");
	xl_net_done(&net);
}

/* With equal weights a scale says of an image what the one before says of its means. */
static void test_patches(void **state)
{
	static float x[2 * 3 * 32 * 32];
	struct xl_patches p;
	struct xl_net net;
	struct xl_var *out[2], *of_means[2];
	float a[2], b[8];

	(void)state;
	xl_net_init(&net, "D", XL_CRITIC);
	assert_int_equal(xl_patches_build(&net, &p, 2, 4, 0.2), 0);
	assert_int_equal(xl_net_alloc(&net, false), 0);
	xl_net_randomise(&net, 1, 0, 0, 0.2);
	const size_t half = net.count / 2;
	memcpy(net.value + half, net.value, half * sizeof *net.value);
	for (uint32_t i = 0; i < sizeof x / sizeof *x; i++)
		x[i] = value_at(i);
	xl_tape_reset(tape);
	assert_int_equal(xl_net_bind(&net, tape, false), 0);
	struct xl_var *v = xl_var_input(tape, 2, 3, 32, 32, x);
	assert_int_equal(xl_patches(tape, &net, &p, v, out), 0);
	assert_int_equal(out[0]->d.h, 2);
	assert_int_equal(out[1]->d.h, 1);
	p.scales = 1;
	assert_int_equal(xl_patches(tape, &net, &p, xl_op_avgpool(tape, v, 3), of_means), 0);
	xl_var_read(tape, out[1], a);
	xl_var_read(tape, of_means[0], b);
	assert_true(a[0] == b[0] && a[1] == b[1] && a[0] != a[1]);
	xl_net_done(&net);
}

/* A layer's own deviation stands against what the network is told. */
static void test_normal_values(void **state)
{
	struct xl_layer l[2] = {{.ci = 16, .co = 64, .k = 3, .stride = 1},
				{.ci = 16, .co = 64, .k = 3, .stride = 1, .std = 0.02}};
	const double want[2] = {sqrt(2.0 / 144), 0.02};
	struct xl_net net;

	(void)state;
	xl_net_init(&net, "N", XL_GENERATOR);
	for (int i = 0; i < 2; i++)
		assert_int_equal(xl_net_layer(&net, i ? "2" : "1", &l[i]), 0);
	assert_int_equal(xl_net_alloc(&net, false), 0);
	xl_net_randomise(&net, 9, 0, sqrt(2), 1);
	for (int i = 0; i < 2; i++) {
		const struct xl_param *p = &net.params[l[i].first];
		const int64_t n = xl_dims_count(&p->d);
		double square = 0;
		for (int64_t k = 0; k < n; k++)
			square += pow((double)net.value[p->at + (size_t)k], 2) / (double)n;
		assert_float_equal(sqrt(square) / want[i], 1, 0.04);
	}
	xl_net_done(&net);
}

/* Bounds are respected and reached, and spread is that of a uniform draw. */
static void check_uniform(const struct xl_net *net, const char *name, double lo, double hi)
{
	const struct xl_param *p = net->params;

	while (strcmp(p->name, name))
		p++;
	const float *x = net->value + p->at;
	const int64_t n = xl_dims_count(&p->d);
	double mean = 0, square = 0, least = hi, most = lo;
	for (int64_t i = 0; i < n; i++) {
		mean += (double)x[i] / (double)n;
		square += (double)x[i] * (double)x[i] / (double)n;
		least = fmin(least, (double)x[i]);
		most = fmax(most, (double)x[i]);
	}
	const double sd = (hi - lo) / sqrt(12), slack = 6 * sd / sqrt((double)n);
	assert_true(least >= lo - 1e-7 && most <= hi + 1e-7);
	assert_true(least < lo + 30 * (hi - lo) / (double)n);
	assert_true(most > hi - 30 * (hi - lo) / (double)n);
	assert_true(fabs(mean - (lo + hi) / 2) < slack);
	assert_true(fabs(sqrt(square - mean * mean) - sd) < slack);
}

static void test_uniform_values(void **state)
{
	struct xl_layer down = {.ci = 9, .co = 300, .k = 4, .stride = 2, .pad = 1, .norm = XL_BN};
	struct xl_layer up = {.ci = 25, .co = 100, .k = 4, .stride = 2, .pad = 1, .norm = XL_BN};
	const double a = 1.0 / 12, of_ci = 1.0 / 20, of_co = 1.0 / 40;
	struct xl_net net;

	(void)state;
	up.transposed = true;
	xl_net_init(&net, "N", XL_GENERATOR);
	assert_int_equal(xl_net_layer(&net, "1", &down), 0);
	assert_int_equal(xl_net_layer(&net, "2", &up), 0);
	xl_net_randomise_uniform(&net, 5, 0, true); /* no memory yet: nothing happens */
	assert_int_equal(xl_net_alloc(&net, false), 0);
	xl_net_randomise_uniform(&net, 5, 0, true);
	check_uniform(&net, "1.weight", -a, a);
	check_uniform(&net, "1.bias", -a, a);
	check_uniform(&net, "1.scale", 0, 1);
	check_uniform(&net, "2.weight", -of_ci, of_ci);
	check_uniform(&net, "2.bias", -of_ci, of_ci);
	xl_net_randomise_uniform(&net, 5, 0, false);
	check_uniform(&net, "1.weight", -a, a);
	check_uniform(&net, "2.weight", -of_co, of_co);
	check_uniform(&net, "2.bias", -of_co, of_co);
	for (int i = 0; i < net.n_params; i++) {
		const struct xl_param *p = &net.params[i];
		const char *part = p->name + 2;
		const bool one = !strcmp(part, "scale") || !strcmp(part, "var");
		const bool zero = !strcmp(part, "shift") || !strcmp(part, "mean");
		for (int c = 0; (one || zero) && c < p->d.c; c++)
			assert_true(net.value[p->at + (size_t)c] == (one ? 1 : 0));
	}
	xl_net_done(&net);
}

/* What is masked by 0 or 1 comes through to the bit. */
static void test_blend(void **state)
{
	const float m[4] = {0, 1, 0.574442517f, 0.25f};
	const float a[12] = {0.1f,          -0.3f, 0.462117157f, 1,     0.7f,         0.9f,
			     -0.761594156f, -1,    0.3f,         -0.0f, 0.964027580f, 0.5f};
	const float b[12] = {-0.7f, 0.2f, 0.2f, 0, 0.123f, 1, -0.4f, 1, 0.99f, 0.7f, 0.9f, -0.5f};
	float y[12];

	(void)state;
	xl_tape_reset(tape);
	struct xl_var *v =
		xl_nn_blend(tape, xl_var_input(tape, 1, 1, 2, 2, m),
			    xl_var_input(tape, 1, 3, 2, 2, a), xl_var_input(tape, 1, 3, 2, 2, b));
	assert_non_null(v);
	xl_var_read(tape, v, y);
	const double third[3] = {0.350571240, -0.607715057, 0.936780164};
	for (int c = 0; c < 3; c++) {
		assert_true(y[4 * c] == b[4 * c]);
		assert_true(y[4 * c + 1] == a[4 * c + 1]);
		assert_float_equal(y[4 * c + 2], third[c], 1e-7);
	}
}

static void test_mse(void **state)
{
	const float a[4] = {1, 2, -3, 0.5f}, b[4] = {0, 2, 1, 0};
	float g[4] = {0};
	const struct xl_dims d = xl_dims_map(1, 1, 2, 2);

	(void)state;
	xl_tape_reset(tape);
	xl_tape_record(tape, true);
	struct xl_var *y =
		xl_nn_mse(tape, xl_var_leaf(tape, d, a, g), xl_var_input(tape, 1, 1, 2, 2, b));
	assert_non_null(y);
	assert_float_equal(xl_var_scalar(tape, y), 17.25 / 4, 1e-6);
	assert_int_equal(xl_backward(tape, y, 0), 0);
	for (int i = 0; i < 4; i++)
		assert_float_equal(g[i], 2 * (a[i] - b[i]) / 4, 1e-6);
}

/* The logistic loss of one logit: values of MBU's specification. */
static void test_bce(void **state)
{
	const struct {
		float z, y;
		double loss;
	} cases[] = {{2, 1, 0.126928011},
		     {2, 0, 2.126928011},
		     {-3, 1, 3.048587352},
		     {-3, 0, 0.048587352},
		     {0, 0, 0.693147181}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		xl_tape_reset(tape);
		struct xl_var *l = xl_nn_bce(tape, xl_var_input(tape, 1, 1, 1, 1, &cases[i].z),
					     xl_var_input(tape, 1, 1, 1, 1, &cases[i].y));
		assert_non_null(l);
		assert_float_equal(xl_var_scalar(tape, l), cases[i].loss, 1e-7);
	}
}

/* One norm over all networks of the group; others are left alone. */
static void test_clip(void **state)
{
	struct xl_layer l = {.ci = 1, .co = 2, .k = 1, .stride = 1};
	struct xl_net nets[3];
	struct xl_model m = {.n_nets = 3, .nets = {&nets[0], &nets[1], &nets[2]}};

	(void)state;
	for (int i = 0; i < 3; i++) {
		xl_net_init(&nets[i], "N", i == 2 ? XL_CRITIC : XL_GENERATOR);
		assert_int_equal(xl_net_layer(&nets[i], "1", &l), 0);
		assert_int_equal(xl_net_alloc(&nets[i], true), 0);
	}
	nets[0].grad[0] = 6;
	nets[1].grad[1] = -8;
	nets[2].grad[0] = 100;
	assert_float_equal(xl_model_clip(&m, tape->k, XL_GENERATOR, 5), 10, 1e-12);
	assert_float_equal(nets[0].grad[0], 3, 1e-6);
	assert_float_equal(nets[1].grad[1], -4, 1e-6);
	assert_float_equal(nets[2].grad[0], 100, 0);
	/* a norm already small enough keeps every bit */
	nets[0].grad[0] = 0.3f;
	nets[1].grad[1] = 4.9f;
	assert_float_equal(xl_model_clip(&m, tape->k, XL_GENERATOR, 5), sqrt(0.09 + 24.01), 1e-6);
	assert_true(nets[0].grad[0] == 0.3f && nets[1].grad[1] == 4.9f);
	for (int i = 0; i < 3; i++)
		xl_net_done(&nets[i]);
}

/* Decay pulls what is trained towards 0, in the group asked for, and leaves running
 * statistics as they are. */
static void test_decay(void **state)
{
	const struct xl_adam a = {.lr = 0.01, .beta1 = 0.5, .beta2 = 0.999, .decay = 0.1};
	struct xl_layer l[2] = {{.ci = 1, .co = 1, .k = 1, .stride = 1, .norm = XL_BN},
				{.ci = 1, .co = 1, .k = 1, .stride = 1}};
	struct xl_net nets[2];
	struct xl_model m = {.n_nets = 2, .nets = {&nets[0], &nets[1]}};

	(void)state;
	for (int i = 0; i < 2; i++) {
		xl_net_init(&nets[i], "N", i ? XL_CRITIC : XL_GENERATOR);
		assert_int_equal(xl_net_layer(&nets[i], "1", &l[0]), 0);
		assert_int_equal(xl_net_layer(&nets[i], "2", &l[1]), 0);
		assert_int_equal(xl_net_alloc(&nets[i], true), 0);
		for (size_t k = 0; k < nets[i].count; k++)
			nets[i].value[k] = 3;
	}
	xl_model_adam(&m, tape->k, XL_GENERATOR, &a);
	for (int i = 0; i < nets[0].n_params; i++) {
		const struct xl_param *p = &nets[0].params[i];
		assert_float_equal(nets[0].value[p->at], p->buffer ? 3 : 2.99,
				   p->buffer ? 0 : 1e-6);
		assert_true(nets[1].value[nets[1].params[i].at] == 3);
	}
	assert_int_equal(m.adam_t[XL_GENERATOR], 1);
	assert_int_equal(m.adam_t[XL_CRITIC], 0);
	xl_net_done(&nets[0]);
	xl_net_done(&nets[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_convolutions),
		cmocka_unit_test(test_transposed_doubles),
		cmocka_unit_test(test_batch_norm),
		cmocka_unit_test(test_uniform_values),
		cmocka_unit_test(test_blend),
		cmocka_unit_test(test_mse),
		cmocka_unit_test(test_bce),
		cmocka_unit_test(test_clip),
		cmocka_unit_test(test_decay),
		cmocka_unit_test(test_planes),
		cmocka_unit_test(test_norm_after_planes),
		cmocka_unit_test(test_adain),
		cmocka_unit_test(test_patches_size),
		cmocka_unit_test(test_patches),
		cmocka_unit_test(test_normal_values),
	};

	return cmocka_run_group_tests(tests, open_tape, close_tape);
}
