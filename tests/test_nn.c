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
		assert_float_equal(nets[0].value[p->at], p->buffer ? 3 : 2.99, p->buffer ? 0 : 1e-6);
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
		cmocka_unit_test(test_convolutions), cmocka_unit_test(test_transposed_doubles),
		cmocka_unit_test(test_batch_norm),   cmocka_unit_test(test_uniform_values),
		cmocka_unit_test(test_blend),        cmocka_unit_test(test_mse),
		cmocka_unit_test(test_bce),          cmocka_unit_test(test_clip),
		cmocka_unit_test(test_decay),
	};

	return cmocka_run_group_tests(tests, open_tape, close_tape);
}
