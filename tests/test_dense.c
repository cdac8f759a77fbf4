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
#include "kernels/kernels.h"
#include "naive.h"
#include "xl.h"

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
	static const int64_t sizes[][3] = {{1, 1, 1},     {2, 3, 7},     {7, 1, 2},
					   {128, 5, 3},   {129, 130, 4}, {300, 257, 31},
					   {1, 200, 100}, {131, 40, 150}};

	(void)state;
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		const int64_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
		double *a = made(1, m * k), *b = made(2, n * k), *got = made(3, m * n);
		double *want = naive_times(a, b, m, n, k);

		xl_dense_times(got, &(struct xl_product){a, b, m, n, k, .is_symmetric = false});
		for (int64_t i = 0; i < m * n; i++)
			near(got[i], want[i], 1e-13 * (double)k);
		free(got);
		free(want);
		got = made(4, m * m);
		want = naive_times(a, a, m, m, k);
		xl_dense_times(got, &(struct xl_product){a, a, m, m, k, .is_symmetric = true});
		for (int64_t i = 0; i < m * m; i++) {
			near(got[i], want[i], 1e-13 * (double)k);
			assert_true(got[i] == got[i % m * m + i / m]);
		}
		free(got);
		free(want);
		got = made(4, m * n);
		for (int64_t i = 0; i < m; i++)
			for (int64_t j = 0; j < i && j < k; j++)
				a[i * k + j] = 0;
		want = naive_times(a, b, m, n, k);
		if (k >= m) {
			xl_dense_times(got, &(struct xl_product){a, b, m, n, k, .is_upper = true});
			for (int64_t i = 0; i < m * n; i++)
				near(got[i], want[i], 1e-13 * (double)k);
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
	xl_dense_times(one, &(struct xl_product){a, b, M, N, K, .is_symmetric = false});
	xl_threads_set(3);
	xl_dense_times(three, &(struct xl_product){a, b, M, N, K, .is_symmetric = false});
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

	xl_dense_times(s, &(struct xl_product){a, a, n, n, r, .is_symmetric = true});
	free(a);
	return s;
}

/* Around the width of a band, the tiles of the first stage, and ends of 1 and 2 rows. */
static const int64_t eigen_sizes[] = {1, 2, 3, 7, 31, 32, 33, 34, 63, 64, 65, 66, 97, 131, 257};

enum { EIGEN_SIZES = sizeof eigen_sizes / sizeof *eigen_sizes };

static void eigenvectors(void **state)
{
	(void)state;
	for (size_t k = 0; k < EIGEN_SIZES; k++) {
		const int64_t n = eigen_sizes[k];
		double *s = positive(n, n), *v = positive(n, n), *w = malloc((size_t)n * sizeof *w);

		assert_int_equal(xl_dense_eigen(w, v, n), 0);
		for (int64_t i = 0; i < n; i++)
			for (int64_t j = 0; j < n; j++) {
				double sum = 0;

				for (int64_t l = 0; l < n; l++)
					sum += v[l * n + i] * w[l] * v[l * n + j];
				near(sum, s[i * n + j], 1e-11);
			}
		free(s);
		free(v);
		free(w);
	}
}

/* The eigenvalues alone are those with vectors: of s (n,n), which is freed. */
static void same_eigenvalues(double *s, int64_t n)
{
	const size_t bytes = (size_t)(n * n) * sizeof *s;
	double *again = malloc(bytes), *w = malloc((size_t)n * sizeof *w);
	double *alone = malloc((size_t)n * sizeof *w), most;

	memcpy(again, s, bytes);
	assert_int_equal(xl_dense_eigen(w, again, n), 0);
	assert_int_equal(xl_dense_eigenvalues(alone, s, n), 0);
	most = fmax(fabs(w[0]), fabs(w[n - 1]));
	for (int64_t i = 0; i < n; i++) {
		near(alone[i], w[i], 1e-14 * (double)(n + 10) * most);
		assert_true(i == 0 || alone[i] >= alone[i - 1]);
	}
	free(s);
	free(again);
	free(w);
	free(alone);
}

/* Of any sign, and of matrices whose eigenvalues are few: zeros, ones, a diagonal, ranks
 * of 1 and 5, and blocks that do not know each other. */
static void eigenvalues(void **state)
{
	(void)state;
	for (size_t k = 0; k < EIGEN_SIZES; k++) {
		const int64_t n = eigen_sizes[k];
		double *any = made(9, n * n), *zero = made(1, n * n), *one = made(1, n * n),
		       *line = made(1, n * n), *blocks = made(11, n * n);

		for (int64_t i = 0; i < n; i++)
			for (int64_t j = 0; j < n; j++) {
				any[i * n + j] = j < i ? any[j * n + i] : any[i * n + j];
				zero[i * n + j] = 0;
				one[i * n + j] = i == j;
				line[i * n + j] = i == j ? (double)(i % 3) - 1 : 0;
				blocks[i * n + j] = i / 40 != j / 40 ? 0
						    : j < i          ? blocks[j * n + i]
								     : blocks[i * n + j];
			}
		same_eigenvalues(any, n);
		same_eigenvalues(zero, n);
		same_eigenvalues(one, n);
		same_eigenvalues(line, n);
		same_eigenvalues(blocks, n);
		same_eigenvalues(positive(n, 1), n);
		same_eigenvalues(positive(n, n < 5 ? n : 5), n);
	}
}

/* Squares of which there are no doubles, nor of one eigenvalue; and what is no number. */
static void eigenvalues_of_any_size(void **state)
{
	enum { N = 70 };
	static const double sizes[] = {1e-200, 1e200};
	double large[] = {1e308, 1e308, 1e308, 1e308}, both[2];

	(void)state;
	for (int k = 0; k < 2; k++) {
		double *s = positive(N, N);

		for (int i = 0; i < N * N; i++)
			s[i] *= sizes[k];
		same_eigenvalues(s, N);
	}
	assert_int_equal(xl_dense_eigenvalues(both, large, 1), 0);
	assert_true(both[0] == 1e308);
	large[0] = 1e308;
	assert_int_equal(xl_dense_eigenvalues(both, large, 2), -1);
	assert_non_null(strstr(xl_err_msg(), "no convergence"));
	for (int at = 0; at < N * N; at += N * N / 3) {
		double *s = positive(N, N), w[N];

		s[at] = s[at % N * N + at / N] = NAN;
		assert_int_equal(xl_dense_eigenvalues(w, s, N), -1);
		assert_non_null(strstr(xl_err_msg(), "no convergence"));
		free(s);
	}
}

/* On every kind of CPU that this machine can be. */
static void eigenvalues_on_each(void **state)
{
	static const char *const backends[] = {"generic", "avx2", "avx512"};
	const char *best = xl_kernels()->name;

	(void)state;
	for (int k = 0; k < 3; k++)
		if (xl_kernels_select(backends[k]) == 0)
			same_eigenvalues(positive(150, 150), 150);
	assert_int_equal(xl_kernels_select(best), 0);
}

static void eigenvalues_with_threads(void **state)
{
	enum { N = 300 };
	double w[2][N];

	(void)state;
	for (int k = 0; k < 2; k++) {
		double *s = positive(N, N + 9), *u = positive(N, N + 9);
		int order[N];

		xl_threads_set(k ? 3 : 1);
		assert_int_equal(xl_dense_root(u, order, N), N);
		xl_dense_times(s, &(struct xl_product){u, u, N, N, N, .is_symmetric = true,
						       .is_upper = true});
		assert_int_equal(xl_dense_eigenvalues(w[k], s, N), 0);
		free(s);
		free(u);
	}
	xl_threads_set(0);
	assert_memory_equal(w[0], w[1], sizeof w[0]);
}

/* Of every rank, around the panels they are made in. */
static void roots(void **state)
{
	static const int64_t sizes[][2] = {{1, 1},   {2, 2},    {3, 1},    {7, 7},     {7, 3},
					   {60, 60}, {64, 64},  {65, 64},  {65, 65},   {131, 131},
					   {131, 1}, {131, 63}, {131, 64}, {131, 100}, {200, 129},
					   {7, 0},   {300, 257}};

	(void)state;
	for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		const int64_t n = sizes[k][0], rank = sizes[k][1];
		double *s = positive(n, rank ? rank : 1), *u = positive(n, rank ? rank : 1);
		int *order = malloc((size_t)n * sizeof *order);

		for (int64_t i = 0; i < n * n && rank == 0; i++)
			s[i] = u[i] = 0;
		assert_int_equal(xl_dense_root(u, order, n), rank);
		for (int64_t i = 0; i < n; i++)
			for (int64_t j = 0; j < n; j++) {
				double sum = 0;

				for (int64_t l = 0; l < rank; l++)
					sum += u[l * n + i] * u[l * n + j];
				near(sum, s[order[i] * n + order[j]], 1e-11);
				assert_true(j >= i || i >= rank || u[i * n + j] == 0);
			}
		free(s);
		free(u);
		free(order);
	}
}

/* Below 0 on the diagonal, at once and later; and only beside it. */
static void no_root(void **state)
{
	double s[] = {1, 2, 2, 1}, less[] = {-1}, beside[] = {1, 0, 0, 0, 0, 1, 0, 1, 0},
	       none[] = {NAN}, endless[] = {1, 0, 0, INFINITY};
	int order[3];

	(void)state;
	assert_int_equal(xl_dense_root(s, order, 2), XL_NOT_SEMIDEFINITE);
	assert_int_equal(xl_dense_root(less, order, 1), XL_NOT_SEMIDEFINITE);
	assert_int_equal(xl_dense_root(beside, order, 3), XL_NOT_SEMIDEFINITE);
	assert_int_equal(xl_dense_root(none, order, 1), XL_NOT_SEMIDEFINITE);
	assert_int_equal(xl_dense_root(endless, order, 2), XL_NOT_SEMIDEFINITE);
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

		xl_dense_times(square, &(struct xl_product){a, a, m, m, n, .is_symmetric = true});
		assert_int_equal(xl_dense_eigenvalues(w, square, m), 0);
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
		cmocka_unit_test(products),
		cmocka_unit_test(threads_do_not_show),
		cmocka_unit_test(eigenvectors),
		cmocka_unit_test(eigenvalues),
		cmocka_unit_test(eigenvalues_of_any_size),
		cmocka_unit_test(eigenvalues_on_each),
		cmocka_unit_test(eigenvalues_with_threads),
		cmocka_unit_test(roots),
		cmocka_unit_test(no_root),
		cmocka_unit_test(singular_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
