/*
 * test_tsne.c - principal components, affinities and t-SNE: against golden values of an
 * independent implementation in double precision (seeds and numbers as in the
 * specification of the metrics), against plain loops and by finite differences.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/pool.h"
#include "metrics/components.h"
#include "metrics/tsne.h"
#include "xl.h"

/* Sums of twelve uniform numbers (a linear congruential generator), less 6. */
static void normals(double *x, int count, uint64_t seed, double scale)
{
	for (int i = 0; i < count; i++) {
		double sum = 0;

		for (int k = 0; k < 12; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			sum += (double)(seed >> 11) * 0x1p-53;
		}
		x[i] = scale * (sum - 6);
	}
}

static void near(double got, double want, double tolerance, const char *what)
{
	if (!(fabs(got - want) <= tolerance * fmax(fabs(want), 1e-3)))
		fail_msg("%s: got %.17g, want %.17g", what, got, want);
}

/* ---- components --------------------------------------------------------- */

enum { ROWS = 200, WIDE = 64 };

static void set_a(double *x)
{
	static double z[ROWS * WIDE];

	normals(z, ROWS * WIDE, 1, 1);
	for (int i = 0; i < ROWS; i++)
		for (int j = 0; j < WIDE; j++)
			x[i * WIDE + j] = z[i * WIDE + j] * (1 + 0.5 * j / 64) +
					  0.25 * z[i * WIDE + (j + 1) % WIDE];
}

static void components(void **state)
{
	static const double want[] = {4.771969882040038, 4.354186436569488, 4.290560385686992,
				      3.88750088727892, 3.715797437268364};
	static double x[ROWS * WIDE], scores[ROWS * WIDE], variance[WIDE];
	double sum = 0;

	(void)state;
	set_a(x);
	assert_int_equal(xl_components(scores, variance, x, ROWS, WIDE, WIDE), 0);
	for (int k = 0; k < 5; k++)
		near(variance[k], want[k], 1e-10, "eigenvalue");
	for (int k = 0; k < WIDE; k++)
		sum += variance[k];
	near(sum, 107.162723683293, 1e-10, "sum of eigenvalues");
	near(scores[0], -0.9536209043177656, 1e-9, "score");
	near(scores[1], -1.6093164906198505, 1e-9, "score");
	near(scores[199 * WIDE], 0.031487898452185206, 1e-9, "score");
	near(scores[199 * WIDE + 1], 1.416989279941013, 1e-9, "score");
}

/* Few rows: the same scores from the products of rows, but for signs. */
static void components_of_few(void **state)
{
	enum { FEW = 30 };
	static double x[ROWS * WIDE], padded[(FEW + 40) * WIDE], scores[FEW * 5], variance[5];
	static double again[(FEW + 40) * 5], other[5];

	(void)state;
	set_a(x);
	memcpy(padded, x, FEW * WIDE * sizeof *x);
	assert_int_equal(xl_components(scores, variance, x, FEW, WIDE, 5), 0);
	/* rows at the mean change no direction: more rows than numbers, the other way */
	for (int i = FEW; i < FEW + 40; i++)
		for (int j = 0; j < WIDE; j++) {
			double mean = 0;

			for (int k = 0; k < FEW; k++)
				mean += padded[k * WIDE + j] / FEW;
			padded[i * WIDE + j] = mean;
		}
	assert_int_equal(xl_components(again, other, padded, FEW + 40, WIDE, 5), 0);
	for (int k = 0; k < 5; k++) {
		near(other[k] * (FEW + 39), variance[k] * (FEW - 1), 1e-9, "eigenvalue");
		for (int i = 0; i < FEW; i++)
			near(fabs(scores[i * 5 + k]), fabs(again[i * 5 + k]), 1e-7, "score");
	}
}

/* ---- affinities --------------------------------------------------------- */

enum { N = 20, D = 6 };

static void set_x(double *x)
{
	normals(x, N * D, 11, 1);
	for (int i = 10 * D; i < N * D; i++)
		x[i] += 2;
}

static void affinities_of(struct xl_affinities *a, int64_t nearest)
{
	double x[N * D];

	set_x(x);
	assert_int_equal(xl_affinities_of(a, x, N, D, 5, nearest), 0);
}

static void affinities(void **state)
{
	static const double beta[] = {0.666412353515625, 0.332855224609375, 0.48439788818359375,
				      0.3799285888671875};
	struct xl_affinities a;
	double sum = 0;

	(void)state;
	affinities_of(&a, 0);
	for (int i = 0; i < 4; i++)
		assert_true(a.beta[i] == beta[i]); /* halves of halves */
	assert_true(a.beta[19] == 0.31868743896484375);
	near(a.p[1], 0.008674232002567967, 1e-10, "p(0,1)");
	near(a.p[10], 1.5131700796669047e-05, 1e-7, "p(0,10)");
	for (int i = 0; i < N * N; i++) {
		sum += a.p[i];
		assert_true(a.p[i] == a.p[i % N * N + i / N]);
	}
	near(sum, 1, 1e-12, "sum of p");
	xl_affinities_done(&a);
}

/* With all others near, the same; with some, those and no others. */
static void affinities_of_near(void **state)
{
	struct xl_affinities all, a;
	double sum = 0;

	(void)state;
	affinities_of(&all, 0);
	affinities_of(&a, N - 1);
	assert_int_equal(a.start[N], N * (N - 1));
	for (int i = 0; i < N; i++)
		for (int64_t k = a.start[i]; k < a.start[i + 1]; k++) {
			assert_int_equal(a.to[k], k - a.start[i] + (k - a.start[i] >= i));
			near(a.p[k], all.p[i * N + a.to[k]], 1e-12, "p");
		}
	xl_affinities_done(&a);
	affinities_of(&a, 15);
	assert_true(a.start[N] < N * (N - 1));
	for (int i = 0; i < N; i++) {
		assert_true(a.start[i + 1] - a.start[i] >= 15);
		for (int64_t k = a.start[i]; k < a.start[i + 1]; k++) {
			bool is_known = false; /* i is as near to it */

			for (int64_t m = a.start[a.to[k]]; m < a.start[a.to[k] + 1]; m++)
				is_known |= a.to[m] == i && a.p[m] == a.p[k];
			assert_true(is_known);
			sum += a.p[k];
		}
	}
	near(sum, 1, 1e-12, "sum of p");
	xl_affinities_done(&a);
	xl_affinities_done(&all);
}

/* ---- the gradient ------------------------------------------------------- */

static void gradient(void **state)
{
	struct xl_affinities a;
	double y[2 * N], grad[2 * N], up, down, kl, sum = 0;

	(void)state;
	affinities_of(&a, 0);
	normals(y, 2 * N, 13, 1);
	assert_int_equal(xl_tsne_gradient(grad, &kl, y, &a, 1, 0, NULL), 0);
	near(kl, 1.4886067632161357, 1e-10, "KL");
	near(grad[0], -0.06115280769151948, 1e-10, "gradient");
	near(grad[1], 0.056118159126010037, 1e-10, "gradient");
	near(grad[38], -0.027900750780486996, 1e-10, "gradient");
	near(grad[39], -0.056248377073155234, 1e-10, "gradient");
	for (int i = 0; i < 2 * N; i++)
		sum += grad[i] * grad[i];
	near(sqrt(sum), 0.16454687098854207, 1e-10, "norm of the gradient");
	for (int i = 0; i < 2 * N; i += 7) {
		double none[2 * N], at = y[i], want = grad[i];

		y[i] = at + 1e-5;
		assert_int_equal(xl_tsne_gradient(none, &up, y, &a, 1, 0, NULL), 0);
		y[i] = at - 1e-5;
		assert_int_equal(xl_tsne_gradient(none, &down, y, &a, 1, 0, NULL), 0);
		y[i] = at;
		near((up - down) / 2e-5, want, 1e-6, "slope");
	}
	xl_affinities_done(&a);
}

/* A tree that takes nothing together gives the same; one that does, nearly. */
static void by_a_tree(void **state)
{
	enum { MANY = 600 };
	static double x[MANY * D], y[2 * MANY], want[2 * MANY], got[2 * MANY];
	struct xl_quadtree tree = {.n = 0};
	struct xl_affinities all, a;
	double kl, kl_all, off = 0, norm = 0;

	(void)state;
	normals(x, MANY * D, 3, 1);
	normals(y, 2 * MANY, 5, 3);
	for (int i = 0; i < 6; i++)
		y[20 + i] = y[i % 2]; /* points that coincide */
	y[40] = nextafter(y[0], 9);
	y[41] = y[1];
	assert_int_equal(xl_affinities_of(&all, x, MANY, D, 30, 0), 0);
	assert_int_equal(xl_affinities_of(&a, x, MANY, D, 30, MANY - 1), 0);
	assert_int_equal(xl_tsne_gradient(want, &kl_all, y, &all, 4, 0, NULL), 0);
	assert_int_equal(xl_tsne_gradient(got, &kl, y, &a, 4, 0, &tree), 0);
	near(kl, kl_all, 1e-10, "KL by a tree");
	for (int i = 0; i < 2 * MANY; i++)
		norm += want[i] * want[i];
	for (int i = 0; i < 2 * MANY; i++)
		if (!(fabs(got[i] - want[i]) < 1e-10 * sqrt(norm)))
			fail_msg("%d: got %.17g, want %.17g", i, got[i], want[i]);
	assert_int_equal(xl_tsne_gradient(got, NULL, y, &a, 4, 0.5, &tree), 0);
	for (int i = 0; i < 2 * MANY; i++)
		off += (got[i] - want[i]) * (got[i] - want[i]);
	assert_true(off > 0);
	assert_true(sqrt(off / norm) < 0.05);
	xl_quadtree_done(&tree);
	xl_affinities_done(&all);
	xl_affinities_done(&a);
}

/* ---- the descent -------------------------------------------------------- */

static double run(double *y, const struct xl_affinities *a, int64_t iters, int64_t phase)
{
	const struct xl_tsne_settings s = {.iters = iters,
					   .rate = 10,
					   .exaggeration = 4,
					   .exaggerated = phase,
					   .slow = phase,
					   .theta = 0.5};
	double kl = NAN;

	normals(y, 2 * N, 12, 1e-4);
	assert_int_equal(xl_tsne(y, a, &s, &kl), 0);
	return kl;
}

static double apart(const double *y, int i, int j)
{
	return hypot(y[2 * i] - y[2 * j], y[2 * i + 1] - y[2 * j + 1]);
}

static void descent(void **state)
{
	struct xl_affinities a;
	double y[2 * N], kl, within = 0, between = 0;

	(void)state;
	affinities_of(&a, 0);
	run(y, &a, 1, 10);
	near(y[0], -0.0017365654018229638, 1e-9, "after 1");
	near(y[1], -0.0011056563010354904, 1e-9, "after 1");
	run(y, &a, 5, 10);
	near(y[0], -0.07757035951363386, 1e-8, "after 5");
	near(y[1], -0.15010201374311688, 1e-8, "after 5");
	kl = run(y, &a, 500, 100);
	assert_true(kl > 0.10 && kl < 0.14);
	for (int i = 0; i < 10; i++)
		for (int j = 0; j < 10; j++) {
			within += apart(y, i, j) / 90;
			between += apart(y, i, 10 + j) / 100;
		}
	assert_true(between > 3 * within);
	xl_affinities_done(&a);
}

static void same_bits(void **state)
{
	double y[2][2 * N];

	(void)state;
	for (int64_t nearest = 0; nearest <= 16; nearest += 16) {
		for (int k = 0; k < 2; k++) {
			struct xl_affinities a;

			xl_threads_set(k ? 3 : 1);
			affinities_of(&a, nearest);
			run(y[k], &a, 50, 20);
			xl_affinities_done(&a);
		}
		assert_memory_equal(y[0], y[1], sizeof y[0]);
	}
	xl_threads_set(0);
}

static void too_fast(void **state)
{
	const struct xl_tsne_settings s = {.iters = 50, .rate = 1e300, .exaggeration = 1};
	struct xl_affinities a;
	double y[2 * N], kl;

	(void)state;
	affinities_of(&a, 0);
	normals(y, 2 * N, 12, 1);
	assert_int_equal(xl_tsne(y, &a, &s, &kl), -1);
	assert_non_null(strstr(xl_err_msg(), "the layout has left all bounds"));
	xl_affinities_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(components), cmocka_unit_test(components_of_few),
		cmocka_unit_test(affinities), cmocka_unit_test(affinities_of_near),
		cmocka_unit_test(gradient),   cmocka_unit_test(by_a_tree),
		cmocka_unit_test(descent),    cmocka_unit_test(same_bits),
		cmocka_unit_test(too_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
