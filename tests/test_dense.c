/*
 * test_dense.c - dense matrices in double precision: products against plain loops,
 * and decompositions put together again, at sizes around the pieces they are cut into.
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
#include "naive.h"

static double *made(uint32_t seed, int64_t count)
{
	double *x = malloc((size_t)count * sizeof *x);

	assert_non_null(x);
	for (int64_t i = 0; i < count; i++)
		x[i] = noise(seed, i);
	return x;
}

static void near(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("%.17g, not %.17g within %g", got, want, tolerance);
}

/* out = a b^T */
static double *naive_times(const double *a, const double *b, int64_t m, int64_t n, int64_t k)
{
	double *out = calloc((size_t)(m * n), sizeof *out);

	assert_non_null(out);
	for (int64_t i = 0; i < m; i++)
		for (int64_t j = 0; j < n; j++)
			for (int64_t l = 0; l < k; l++)
				out[i * n + j] += a[i * k + l] * b[j * k + l];
	return out;
}

static void products(void **state)
{
	static const int64_t sizes[][3] = {{1, 1, 1},     {2, 3, 7},      {7, 1, 2},    {128, 5, 3},
					   {129, 130, 4}, {300, 257, 31}, {1, 200, 100}};

	(void)state;
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		const int64_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
		double *a = made(1, m * k), *b = made(2, n * k), *got = made(3, m * n);
		double *want = naive_times(a, b, m, n, k);

		xl_dense_times(got, a, b, m, n, k, false);
		for (int64_t i = 0; i < m * n; i++)
			near(got[i], want[i], 1e-13 * (double)k);
		free(got);
		free(want);
		got = made(4, m * m);
		want = naive_times(a, a, m, m, k);
		xl_dense_times(got, a, a, m, m, k, true);
		for (int64_t i = 0; i < m * m; i++) {
			near(got[i], want[i], 1e-13 * (double)k);
			assert_true(got[i] == got[i % m * m + i / m]);
		}
		free(a);
		free(b);
		free(got);
		free(want);
	}
}

static void threads_do_not_show(void **state)
{
	enum { M = 401, N = 270, K = 130 };
	double *a = made(1, M * K), *b = made(2, N * K), *one = made(3, M * N),
	       *three = made(4, M * N);

	(void)state;
	xl_threads_set(1);
	xl_dense_times(one, a, b, M, N, K, false);
	xl_threads_set(3);
	xl_dense_times(three, a, b, M, N, K, false);
	assert_memory_equal(one, three, M * N * sizeof *one);
	xl_threads_set(0);
	free(a);
	free(b);
	free(one);
	free(three);
}

/* a a^T, n by n, of rank r */
static double *positive(int64_t n, int64_t r)
{
	double *a = made(5, n * r), *s = made(6, n * n);

	xl_dense_times(s, a, a, n, n, r, true);
	free(a);
	return s;
}

static void eigenvalues(void **state)
{
	static const int64_t sizes[] = {1, 2, 3, 7, 60, 131};

	(void)state;
	for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		const int64_t n = sizes[k];
		double *s = positive(n, n), *v = positive(n, n), *again = positive(n, n);
		double *w = malloc((size_t)n * sizeof *w), *alone = malloc((size_t)n * sizeof *w);

		assert_int_equal(xl_dense_eigen(w, v, n, true), 0);
		assert_int_equal(xl_dense_eigen(alone, again, n, false), 0);
		for (int64_t i = 0; i < n; i++) {
			near(alone[i], w[i], 1e-11);
			assert_true(i == 0 || w[i] >= w[i - 1]);
		}
		for (int64_t i = 0; i < n; i++)
			for (int64_t j = 0; j < n; j++) {
				double sum = 0;

				for (int64_t l = 0; l < n; l++)
					sum += v[l * n + i] * w[l] * v[l * n + j];
				near(sum, s[i * n + j], 1e-11);
			}
		free(s);
		free(v);
		free(again);
		free(w);
		free(alone);
	}
}

static void roots(void **state)
{
	static const int64_t sizes[] = {1, 2, 3, 7, 60, 131};

	(void)state;
	for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		const int64_t n = sizes[k];
		double *s = positive(n, n + 3), *u = positive(n, n + 3);

		assert_int_equal(xl_dense_root(u, n), 0);
		for (int64_t i = 0; i < n; i++)
			for (int64_t j = 0; j < n; j++) {
				double sum = 0;

				for (int64_t l = 0; l < n; l++)
					sum += u[l * n + i] * u[l * n + j];
				near(sum, s[i * n + j], 1e-11);
				assert_true(j >= i || u[i * n + j] == 0);
			}
		free(s);
		free(u);
	}
}

static void no_root(void **state)
{
	double s[] = {1, 2, 2, 1}, zero[] = {0};

	(void)state;
	assert_int_equal(xl_dense_root(s, 2), 1);
	assert_int_equal(xl_dense_root(zero, 1), 1);
}

/* Their squares are the eigenvalues of a a^T. */
static void singular_values(void **state)
{
	static const int64_t sizes[][2] = {{1, 1}, {1, 9}, {7, 2}, {40, 65}, {131, 60}};

	(void)state;
	for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		const int64_t m = sizes[k][0], n = sizes[k][1], r = m < n ? m : n;
		double *a = made(7, m * n), *s = made(8, r), *w = malloc((size_t)m * sizeof *w);
		double *square = malloc((size_t)(m * m) * sizeof *square);

		xl_dense_times(square, a, a, m, m, n, true);
		assert_int_equal(xl_dense_eigen(w, square, m, false), 0);
		assert_int_equal(xl_dense_singular(s, a, m, n), 0);
		for (int64_t i = 0; i < r; i++)
			near(s[i] * s[i], w[m - 1 - i], 1e-11);
		free(a);
		free(s);
		free(w);
		free(square);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products),    cmocka_unit_test(threads_do_not_show),
		cmocka_unit_test(eigenvalues), cmocka_unit_test(roots),
		cmocka_unit_test(no_root),     cmocka_unit_test(singular_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
