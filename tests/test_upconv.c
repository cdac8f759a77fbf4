/*
 * test_upconv.c - the folded "nearest x2, then 5x5" against the same operators
 * one after the other: value, all three gradients, second order, on every backend.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "grad/ops.h"

enum { MOST = 1 << 16 };

struct side {
	float y[MOST], gx[MOST], gw[MOST], gb[64], hw[MOST];
};

static struct side folded, plain;
static float x[MOST], w[MOST], b[64];

static void fill(float *p, int n, double f)
{
	for (int i = 0; i < n; i++)
		p[i] = (float)sin(f * i + 0.1 * (i % 7));
}

/* y, the gradients of sum y^2 / 2, and d/dw of |d (sum y^2 / 2) / dx|^2. */
static void run(struct side *s, bool fold, int n, int ci, int co, int h, int wide)
{
	struct xl_tape *t = xl_tape_new();

	memset(s, 0, sizeof *s);
	assert_non_null(t);
	for (int second = 0; second < 2; second++) {
		xl_tape_reset(t);
		xl_tape_record(t, true);
		const struct xl_dims xd = xl_dims_map(n, ci, h, wide);
		struct xl_var *in = xl_var_input(t, n, ci, h, wide, x);
		struct xl_var *xv = second ? in : xl_var_leaf(t, xd, in->data, s->gx);
		struct xl_var *wv =
			xl_var_leaf(t, xl_dims_plain(co, ci, 5, 5), w, second ? s->hw : s->gw);
		struct xl_var *bv =
			xl_var_leaf(t, xl_dims_map(1, co, 1, 1), b, second ? NULL : s->gb);
		xl_var_watch(xv, true);
		struct xl_var *y =
			fold ? xl_op_upconv(t, xv, wv, bv, 2)
			     : xl_op_conv2d(t, xl_op_up2(t, xv), wv, bv, 1, 2, XL_PAD_REFLECT);
		assert_non_null(y);
		xl_var_read(t, y, s->y);
		struct xl_var *loss = xl_op_affine(t, xl_op_sum(t, xl_op_mul(t, y, y)), 0.5, 0);
		if (second) {
			struct xl_var *g = xl_grad(t, loss, xv);
			xl_var_watch(xv, false);
			loss = xl_op_sum(t, xl_op_mul(t, g, g));
		}
		assert_int_equal(xl_backward(t, loss, 0), 0);
	}
	xl_tape_free(t);
}

static void same(const char *what, const float *p, const float *q, int n)
{
	double scale = 1e-20;

	for (int i = 0; i < n; i++)
		scale = fmax(scale, fabs((double)q[i]));
	for (int i = 0; i < n; i++)
		if (!(fabs((double)p[i] - (double)q[i]) <= 1e-5 * scale))
			fail_msg("%s[%d]: %.9g folded, %.9g plain", what, i, (double)p[i],
				 (double)q[i]);
}

static void test_same_as_unfolded(void **state)
{
	static const int cases[][5] = {{1, 1, 1, 2, 2},   {2, 3, 4, 2, 5},   {1, 16, 3, 3, 2},
				       {2, 16, 16, 5, 4}, {1, 32, 17, 4, 7}, {3, 8, 32, 6, 3},
				       {1, 48, 32, 5, 9}};
	static const char *const backends[] = {"generic", "avx2", "avx512"};
	const char *best = xl_kernels()->name;

	(void)state;
	fill(x, MOST, 0.37);
	fill(w, MOST, 0.73);
	fill(b, 64, 0.5);
	for (int k = 0; k < 3; k++) {
		if (xl_kernels_select(backends[k]))
			continue; /* this CPU lacks it */
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
			const int *c = cases[i], weights = c[2] * c[1] * 25;
			run(&folded, true, c[0], c[1], c[2], c[3], c[4]);
			run(&plain, false, c[0], c[1], c[2], c[3], c[4]);
			same("y", folded.y, plain.y, c[0] * c[2] * 4 * c[3] * c[4]);
			same("gx", folded.gx, plain.gx, c[0] * c[1] * c[3] * c[4]);
			same("gw", folded.gw, plain.gw, weights);
			same("gb", folded.gb, plain.gb, c[2]);
			same("hw", folded.hw, plain.hw, weights);
		}
	}
	assert_int_equal(xl_kernels_select(best), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_as_unfolded)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
