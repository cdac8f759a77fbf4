/*
 * test_fid.c - distances between sets of vectors, and scores of verdicts, against
 * numbers of independent implementations in double precision (sets and numbers as in
 * the specification of the metrics); and that statistics merge in any order.
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
#include "kernels/dense.h"
#include "metrics/fid.h"
#include "metrics/inception_score.h"
#include "metrics/kid.h"
#include "xl.h"

enum { D = 64, N_A = 200, N_B = 150 };

#define near(got, want, tolerance) near_at(got, want, tolerance, __LINE__)

static void near_at(double got, double want, double tolerance, int line)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("line %d: %.17g, not %.17g within %g", line, got, want, tolerance);
}

static void close_to(double got, double want, double relative)
{
	near(got, want, relative * fabs(want));
}

static void ok(int rc)
{
	if (rc)
		fail_msg("%s", xl_err_msg());
}

static void *take(size_t n, size_t size)
{
	void *p = calloc(n, size);

	assert_non_null(p);
	return p;
}

/* ---- the sets --------------------------------------------------------- */

static double uniform(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (double)(*state >> 11) * 0x1p-53;
}

/* (n,d) of mean 0 and variance 1, each the sum of twelve */
static double *gauss12(uint64_t seed, int n, int d)
{
	double *z = take((size_t)(n * d), sizeof *z);

	for (int i = 0; i < n * d; i++) {
		for (int k = 0; k < 12; k++)
			z[i] += uniform(&seed);
		z[i] -= 6;
	}
	return z;
}

static double *set_a(void)
{
	double *z = gauss12(1, N_A, D), *a = take(N_A * D, sizeof *a);

	for (int i = 0; i < N_A; i++)
		for (int j = 0; j < D; j++)
			a[i * D + j] =
				z[i * D + j] * (1 + 0.5 * j / 64) + 0.25 * z[i * D + (j + 1) % D];
	free(z);
	return a;
}

static double *set_b(void)
{
	double *z = gauss12(2, N_B, D), *b = take(N_B * D, sizeof *b);

	for (int i = 0; i < N_B; i++)
		for (int j = 0; j < D; j++)
			b[i * D + j] = 0.3 + 0.01 * j + z[i * D + j] * (1.2 - 0.4 * j / 64) +
				       0.5 * z[i * D + (j + 5) % D];
	free(z);
	return b;
}

/* Rounded to float: features are. */
static float *rounded(const double *x, int64_t count)
{
	float *f = take((size_t)count, sizeof *f);

	for (int64_t i = 0; i < count; i++)
		f[i] = (float)x[i];
	return f;
}

/*
 * A double as two floats does not fit into one: the numbers of the specification are of
 * doubles, so that statistics are made of them here, by the definition.
 */
static void measure(struct xl_gauss *g, const double *rows, int64_t n, int64_t d)
{
	ok(xl_gauss_init(g, d));
	g->n = n;
	for (int64_t j = 0; j < d; j++)
		for (int64_t i = 0; i < n; i++)
			g->mean[j] += rows[i * d + j] / (double)n;
	for (int64_t j = 0; j < d; j++)
		for (int64_t k = 0; k < d; k++)
			for (int64_t i = 0; i < n; i++)
				g->cov[j * d + k] += (rows[i * d + j] - g->mean[j]) *
						     (rows[i * d + k] - g->mean[k]) /
						     (double)(n - 1);
}

/* ---- mean and covariance ---------------------------------------------- */

static void same_gauss(const struct xl_gauss *a, const struct xl_gauss *b, double tolerance)
{
	assert_int_equal(a->n, b->n);
	for (int64_t i = 0; i < a->d; i++)
		near(a->mean[i], b->mean[i], tolerance);
	for (int64_t i = 0; i < a->d * a->d; i++)
		near(a->cov[i], b->cov[i], tolerance);
}

static void statistics(void **state)
{
	double *a = set_a(), *again = take(N_A * D, sizeof *again);
	float *f = rounded(a, N_A * D);
	struct xl_gauss want, got;

	(void)state;
	measure(&want, a, N_A, D);
	near(want.mean[0], -0.09323459353704604, 1e-12);
	near(want.mean[2], -0.06737402242490508, 1e-12);
	near(want.cov[0], 0.9572518831673593, 1e-12);
	near(want.cov[1], 0.2520317695769115, 1e-12);
	near(want.cov[D * D - 1], 2.3779744649079935, 1e-12);
	xl_gauss_done(&want);
	for (int i = 0; i < N_A * D; i++)
		again[i] = (double)f[i];
	measure(&want, again, N_A, D);
	ok(xl_gauss_init(&got, D));
	ok(xl_gauss_add(&got, f, N_A));
	same_gauss(&got, &want, 1e-13);
	xl_gauss_done(&got);

	/* and in blocks, of one vector too */
	ok(xl_gauss_init(&got, D));
	ok(xl_gauss_add(&got, f, 1));
	ok(xl_gauss_add(&got, f + D, 99));
	ok(xl_gauss_add(&got, f + 100 * D, 0));
	ok(xl_gauss_add(&got, f + 100 * D, 1));
	ok(xl_gauss_add(&got, f + 101 * D, 99));
	same_gauss(&got, &want, 1e-13);
	for (int i = 0; i < D; i++)
		for (int j = 0; j < i; j++)
			assert_true(got.cov[i * D + j] == got.cov[j * D + i]);
	xl_gauss_done(&got);
	xl_gauss_done(&want);
	free(a);
	free(f);
	free(again);
}

/* Digits that sums of squares would lose. */
static void far_from_zero(void **state)
{
	float rows[6] = {1e6f, 1e6f + 1, 1e6f + 2, 1e6f + 3, 1e6f + 4, 1e6f + 5};
	struct xl_gauss g;

	(void)state;
	ok(xl_gauss_init(&g, 1));
	ok(xl_gauss_add(&g, rows, 4));
	ok(xl_gauss_add(&g, rows + 4, 2));
	near(g.mean[0], 1e6 + 2.5, 1e-9);
	near(g.cov[0], 3.5, 1e-9);
	xl_gauss_done(&g);
}

/* Three parts in each of their orders. */
static void merging(void **state)
{
	static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					{1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	static const int first[] = {0, 1, 80}, n[] = {1, 79, 120};
	double *a = set_a();
	float *f = rounded(a, N_A * D);
	struct xl_gauss whole;

	(void)state;
	ok(xl_gauss_init(&whole, D));
	ok(xl_gauss_add(&whole, f, N_A));
	for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
		struct xl_gauss got;

		ok(xl_gauss_init(&got, D));
		for (int k = 0; k < 3; k++) {
			const int p = orders[o][k];
			struct xl_gauss part;

			ok(xl_gauss_init(&part, D));
			ok(xl_gauss_add(&part, f + first[p] * D, n[p]));
			xl_gauss_merge(&got, &part);
			xl_gauss_done(&part);
		}
		same_gauss(&got, &whole, 1e-13);
		xl_gauss_done(&got);
	}
	xl_gauss_done(&whole);
	free(a);
	free(f);
}

static void bad_statistics(void **state)
{
	struct xl_gauss g;

	(void)state;
	assert_int_equal(xl_gauss_init(&g, 0), -1);
	assert_int_equal(xl_gauss_init(&g, XL_GAUSS_MAX + 1), -1);
	ok(xl_gauss_init(&g, 2));
	g.cov[0] = g.cov[3] = 1;
	g.cov[1] = 0.5 + 1e-9;
	g.cov[2] = 0.5;
	ok(xl_gauss_check(&g));
	assert_true(g.cov[1] == g.cov[2]);
	g.cov[3] = -1e-9;
	ok(xl_gauss_check(&g));
	g.cov[3] = -0.1;
	assert_int_equal(xl_gauss_check(&g), -1);
	assert_string_equal(xl_err_msg(), "its covariance has the variance -0.1");
	g.cov[3] = 1;
	g.cov[1] = 0.6;
	assert_int_equal(xl_gauss_check(&g), -1);
	assert_non_null(strstr(xl_err_msg(), "not symmetric"));
	g.cov[1] = NAN;
	assert_int_equal(xl_gauss_check(&g), -1);
	assert_non_null(strstr(xl_err_msg(), "not finite"));
	g.cov[1] = 0.5;
	g.mean[1] = INFINITY;
	assert_int_equal(xl_gauss_check(&g), -1);
	xl_gauss_done(&g);
}

/* ---- the Frechet distance --------------------------------------------- */

static void fid_of_full_rank(void **state)
{
	double *a = set_a(), *b = set_b();
	struct xl_gauss ga, gb;
	struct xl_fid f;

	(void)state;
	measure(&ga, a, N_A, D);
	measure(&gb, b, N_B, D);
	ok(xl_fid_of(&f, &ga, &gb, 0));
	close_to(f.mean_term, 28.214044957062207, 1e-10);
	close_to(f.trace_a, 107.162723683293, 1e-10);
	close_to(f.trace_b, 80.87560473361182, 1e-10);
	close_to(f.trace_root, 78.82235958473306, 1e-10);
	close_to(f.value, 58.6076542045009, 1e-10);
	ok(xl_fid_of(&f, &gb, &ga, 0));
	close_to(f.value, 58.6076542045009, 1e-10);
	ok(xl_fid_of(&f, &ga, &ga, 0));
	near(f.value, 0, 1e-8);
	xl_gauss_done(&ga);
	xl_gauss_done(&gb);
	free(a);
	free(b);
}

/* Fewer vectors than numbers: by eigenvectors, and by singular values. */
static void fid_of_few(void **state)
{
	double *a = set_a(), *b = set_b();
	float *fa = rounded(a, N_A * D), *fb = rounded(b, N_B * D);
	struct xl_gauss ga, gb;
	struct xl_fid f, few;

	(void)state;
	measure(&ga, a, 40, D);
	measure(&gb, b, 30, D);
	ok(xl_fid_of(&f, &ga, &gb, 0));
	near(f.trace_root, 47.691214891507826, 1e-7);
	near(f.value, 115.70194761208384, 1e-7);
	xl_gauss_done(&ga);
	xl_gauss_done(&gb);

	/* the same numbers, as floats, both ways */
	ok(xl_gauss_init(&ga, D));
	ok(xl_gauss_init(&gb, D));
	ok(xl_gauss_add(&ga, fa, 40));
	ok(xl_gauss_add(&gb, fb, 30));
	ok(xl_fid_of(&f, &ga, &gb, 0));
	ok(xl_fid_few(&few, fa, 40, fb, 30, D));
	near(few.value, f.value, 1e-10);
	near(few.trace_root, f.trace_root, 1e-10);
	near(few.mean_term, f.mean_term, 1e-12);
	near(few.value, 115.70194761208384, 1e-4);
	ok(xl_fid_few(&few, fa, 40, fa, 40, D));
	near(few.value, 0, 1e-8);

	/* one of them few */
	ok(xl_gauss_add(&gb, fb + 30 * D, 120));
	ok(xl_fid_of(&f, &ga, &gb, 0));
	ok(xl_fid_few(&few, fa, 40, fb, N_B, D));
	near(few.value, f.value, 1e-9);
	ok(xl_fid_of(&f, &gb, &ga, 0));
	near(few.value, f.value, 1e-9);
	xl_gauss_done(&ga);
	xl_gauss_done(&gb);
	free(a);
	free(b);
	free(fa);
	free(fb);
}

/* Rounding to float leaves a matrix without inverse no covariance, to doubles. */
static void fid_of_statistics_as_floats(void **state)
{
	double *a = set_a(), *b = set_b(), root[D * D];
	int order[D];
	struct xl_gauss ga, gb;
	struct xl_fid f, rounded_a;

	(void)state;
	measure(&ga, a, 40, D);
	measure(&gb, b, N_B, D);
	ok(xl_fid_of(&f, &ga, &gb, 0));
	for (int i = 0; i < D * D; i++)
		root[i] = ga.cov[i] = (double)(float)ga.cov[i];
	assert_int_equal(xl_dense_root(root, order, D), XL_NOT_SEMIDEFINITE);
	ok(xl_fid_of(&rounded_a, &ga, &gb, 0));
	near(rounded_a.value, f.value, 1e-2);
	ok(xl_fid_of(&f, &gb, &ga, 0));
	near(rounded_a.value, f.value, 1e-3);
	xl_gauss_done(&ga);
	xl_gauss_done(&gb);
	free(a);
	free(b);
}

static void fid_in_closed_form(void **state)
{
	double s1[] = {2, 1, 1, 2}, s2[] = {1, 0, 0, 3}, m1[] = {0, 0}, m2[] = {1, -1};
	struct xl_gauss a = {9, 2, m1, s1}, b = {9, 2, m2, s2};
	struct xl_fid f;

	(void)state;
	ok(xl_fid_of(&f, &a, &b, 0));
	close_to(f.trace_root, sqrt(14), 1e-10);
	close_to(f.value, 2.5166852264521173, 1e-10);
	b.cov = s1; /* equal: only the means count */
	ok(xl_fid_of(&f, &a, &b, 0));
	close_to(f.value, 2, 1e-10);

	/* S1 = diag(2,2), with eps: Tr sqrt((2 + e)^2 I) */
	s1[1] = s1[2] = 0;
	ok(xl_fid_of(&f, &a, &b, 1e-3));
	close_to(f.trace_root, 2 * 2.001, 1e-10);
	assert_true(f.trace_a == 4);
}

static void fid_of_nothing_that_varies(void **state)
{
	double zero[] = {0, 0, 0, 0}, m1[] = {0, 0}, m2[] = {3, 4}, s[] = {1, 0, 0, -1};
	double one[] = {1, 0, 0, 1};
	struct xl_gauss a = {9, 2, m1, zero}, b = {9, 2, m2, zero};
	struct xl_fid f;

	(void)state;
	ok(xl_fid_of(&f, &a, &b, 0));
	assert_true(f.value == 25);
	a.cov = s;
	assert_int_equal(xl_fid_of(&f, &a, &b, 0), -1);
	assert_string_equal(xl_err_msg(), "not a covariance: it has the eigenvalue -1");
	b.cov = one;
	assert_int_equal(xl_fid_of(&f, &b, &a, 0), -1);
}

static void fid_with_threads(void **state)
{
	enum { WIDE = 300, N = 350 };
	double *z = gauss12(3, N, WIDE);
	float *x = rounded(z, N * WIDE);
	double found[2];

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct xl_gauss a, b;
		struct xl_fid f;

		xl_threads_set(k ? 3 : 1);
		ok(xl_gauss_init(&a, WIDE));
		ok(xl_gauss_init(&b, WIDE));
		ok(xl_gauss_add(&a, x, N));
		ok(xl_gauss_add(&b, x, N / 2));
		ok(xl_gauss_add(&b, x, N / 3));
		ok(xl_fid_of(&f, &a, &b, 0));
		found[k] = f.value;
		xl_gauss_done(&a);
		xl_gauss_done(&b);
	}
	xl_threads_set(0);
	assert_true(found[0] == found[1]);
	assert_true(found[0] > 0);
	free(x);
	free(z);
}

/* ---- the kernel distance ---------------------------------------------- */

static void kid_by_hand(void **state)
{
	const double x[] = {1, 0, 0, 1}, y[] = {1, 1, 2, 0};
	double v;

	(void)state;
	ok(xl_kid_once(&v, x, 2, y, 2, 2, 0.5, false));
	near(v, 1.125, 1e-14);
	ok(xl_kid_once(&v, x, 2, y, 2, 2, 0.5, true));
	near(v, 7.0625, 1e-14);
}

static void kid_of_wholes(void **state)
{
	static const struct {
		double gamma, unbiased, biased, less, halves;
	} want[] = {{1.0 / 64, 2.013442552318356, 2.223788871567094, 1.9869757855671693,
		     0.017314884242705997},
		    {0.01, 1.093365260402983, 1.1819680875223493, 1.076384006458777,
		     0.01103662547014661}};
	double *a = set_a(), *b = set_b(), v;

	(void)state;
	for (int i = 0; i < 2; i++) {
		ok(xl_kid_once(&v, a, N_A, b, N_B, D, want[i].gamma, false));
		close_to(v, want[i].unbiased, 1e-10);
		ok(xl_kid_once(&v, a, N_A, b, N_B, D, want[i].gamma, true));
		close_to(v, want[i].biased, 1e-10);
		ok(xl_kid_once(&v, a, N_B, b, N_B, D, want[i].gamma, false));
		close_to(v, want[i].less, 1e-10);
		ok(xl_kid_once(&v, a, 100, a + 100 * D, 100, D, want[i].gamma, false));
		close_to(v, want[i].halves, 1e-10);
	}
	free(a);
	free(b);
}

/* Features are floats, so that these agree to their rounding only. */
static void kid_of_subsets(void **state)
{
	double *a = set_a(), *b = set_b(), whole;
	float *fa = rounded(a, N_A * D), *fb = rounded(b, N_B * D);
	struct xl_kid k = {.subsets = 10, .size = 50, .seed = 7};

	(void)state;
	ok(xl_kid_of(&k, fa, N_A, fb, N_B, D));
	assert_true(k.gamma == 1.0 / D);
	close_to(k.mean, 2.003214601034486, 1e-7);
	close_to(k.sd, 0.22107734329951326, 1e-7);
	k.gamma = 0.01;
	ok(xl_kid_of(&k, fa, N_A, fb, N_B, D));
	close_to(k.mean, 1.0916439866875336, 1e-7);
	close_to(k.sd, 0.1203443764114299, 1e-7);
	k.subsets = 1;
	ok(xl_kid_of(&k, fa, N_A, fb, N_B, D));
	close_to(k.mean, 1.1062694806405018, 1e-7);

	/* by itself: a hundred, of as many as the smaller set has */
	k = (struct xl_kid){.seed = 7};
	ok(xl_kid_of(&k, fa, N_A, fb, N_B, D));
	assert_int_equal(k.subsets, 100);
	assert_int_equal(k.size, N_B);
	k = (struct xl_kid){.size = N_B + 1};
	assert_int_equal(xl_kid_of(&k, fa, N_A, fb, N_B, D), -1);
	k = (struct xl_kid){.size = N_B, .subsets = 2};
	assert_int_equal(xl_kid_of(&k, fa, N_B, fb, N_B, D), -1);

	/* all of both: once, and no matter in which order */
	k = (struct xl_kid){.subsets = 0};
	ok(xl_kid_of(&k, fa, N_B, fb, N_B, D));
	assert_int_equal(k.subsets, 1);
	assert_int_equal(k.size, N_B);
	ok(xl_kid_once(&whole, a, N_B, b, N_B, D, k.gamma, false));
	close_to(k.mean, whole, 1e-6);
	assert_true(k.sd == 0);
	free(a);
	free(b);
	free(fa);
	free(fb);
}

/* ---- scores of verdicts ----------------------------------------------- */

static void inception_score(void **state)
{
	enum { N = 50, K = 10 };
	double p[N * K], z[K];
	uint64_t seed = 3;
	const struct xl_probabilities v = {.p = p, .n = N, .k = K};
	struct xl_inception_score s = {.splits = 5, .group = 10};

	(void)state;
	for (int i = 0; i < N; i++) {
		for (int j = 0; j < K; j++)
			z[j] = 4 * uniform(&seed);
		xl_softmax(p + i * K, z, K);
	}
	near(p[1], 0.04326477432820665, 1e-15);
	ok(xl_inception_score(&s, &v));
	close_to(s.mean, 1.4678388423040047, 1e-12);
	close_to(s.sd, 0.05985978298007744, 1e-12);
	close_to(s.all, 1.5250469393794346, 1e-12);
	close_to(s.kl, 0.4220251895066236, 1e-12);
	close_to(s.kl_sd, 0.14113598112486334, 1e-12);
	close_to(s.cis, 1.4666088638625385, 1e-12);
	close_to(s.cis_kl, 0.3829528404770, 1e-12);
	close_to(s.cis_kl_sd, 0.12584729725140853, 1e-12);
	s = (struct xl_inception_score){.splits = 3};
	ok(xl_inception_score(&s, &v));
	close_to(s.mean, 1.5109968913901775, 1e-12);
	close_to(s.sd, 0.06715863182531068, 1e-12);
	s = (struct xl_inception_score){.splits = 1, .group = 7};
	assert_int_equal(xl_inception_score(&s, &v), -1);
	assert_string_equal(xl_err_msg(), "50 pictures are no whole number of groups of 7");
}

/* Fewer pictures than parts take; and classes that are ruled out. */
static void inception_score_of_few(void **state)
{
	const double p[] = {1, 0, 0, 1, 1, 0};
	const struct xl_probabilities v = {.p = p, .n = 3, .k = 2};
	struct xl_inception_score s = {.splits = 2, .group = 1};

	(void)state;
	assert_int_equal(xl_inception_score(&s, &v), -1);
	assert_string_equal(xl_err_msg(), "3 pictures do not fill 2 parts with 2 or more each; "
					  "--splits makes fewer");
	s.splits = 1;
	ok(xl_inception_score(&s, &v));
	assert_true(s.mean == s.all && s.sd == 0 && s.cis == 1);
	near(s.kl, (2 * log(1.5) + log(3)) / 3, 1e-15);
}

/* Questions by themselves: as many times two classes, whose divergences add up. */
static void inception_score_of_questions(void **state)
{
	const double yes[] = {0.9, 0.2, 0.4, 0.6, 1, 0, 0.3, 0.3};
	double first[8], second[8];
	struct xl_inception_score s = {.splits = 1}, a = s, b = s;

	(void)state;
	for (int i = 0; i < 4; i++) {
		first[2 * i] = yes[2 * i];
		first[2 * i + 1] = 1 - yes[2 * i];
		second[2 * i] = yes[2 * i + 1];
		second[2 * i + 1] = 1 - yes[2 * i + 1];
	}
	ok(xl_inception_score(
		&s, &(struct xl_probabilities){.p = yes, .is_yes_or_no = true, .n = 4, .k = 2}));
	ok(xl_inception_score(&a, &(struct xl_probabilities){.p = first, .n = 4, .k = 2}));
	ok(xl_inception_score(&b, &(struct xl_probabilities){.p = second, .n = 4, .k = 2}));
	near(s.kl, a.kl + b.kl, 1e-15);
	close_to(s.all, a.all * b.all, 1e-14);
	assert_true(a.kl < log(2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statistics),
		cmocka_unit_test(far_from_zero),
		cmocka_unit_test(merging),
		cmocka_unit_test(bad_statistics),
		cmocka_unit_test(fid_of_full_rank),
		cmocka_unit_test(fid_of_few),
		cmocka_unit_test(fid_of_statistics_as_floats),
		cmocka_unit_test(fid_in_closed_form),
		cmocka_unit_test(fid_of_nothing_that_varies),
		cmocka_unit_test(fid_with_threads),
		cmocka_unit_test(kid_by_hand),
		cmocka_unit_test(kid_of_wholes),
		cmocka_unit_test(kid_of_subsets),
		cmocka_unit_test(inception_score),
		cmocka_unit_test(inception_score_of_few),
		cmocka_unit_test(inception_score_of_questions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
