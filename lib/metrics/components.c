/*
 * components.c - principal components, by the smaller of two matrices.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include "core/mem.h"
#include "kernels/dense.h"
#include "metrics/components.h"

static void centre(double *rows, int64_t n, int64_t d)
{
	for (int64_t k = 0; k < d; k++) {
		double sum = 0;

		for (int64_t i = 0; i < n; i++)
			sum += rows[i * d + k];
		for (int64_t i = 0; i < n; i++)
			rows[i * d + k] -= sum / (double)n;
	}
}

/* Makes the number of largest size, of equals the first, positive. */
static void orient(double *v, int64_t n)
{
	int64_t at = 0;

	for (int64_t i = 1; i < n; i++)
		if (fabs(v[i]) > fabs(v[at]))
			at = i;
	const double sign = v[at] < 0 ? -1 : 1;

	for (int64_t i = 0; i < n; i++)
		v[i] *= sign;
}

/* Eigenvectors of `of` (m,m), the largest q first: row k of `of` afterwards. */
static int leading(double *variance, double *of, double *w, int64_t m, int64_t q, double scale)
{
	if (xl_dense_eigen(w, of, m))
		return -1;
	for (int64_t k = 0; k < q; k++) {
		variance[k] = fmax(w[m - 1 - k], 0) * scale;
		orient(of + (m - 1 - k) * m, m);
	}
	return 0;
}

/* By the covariance (d,d). */
static int by_numbers(double *scores, double *variance, const double *rows, int64_t n, int64_t d,
		      int64_t q, double *matrix, double *w)
{
	double *columns = xl_alloc((size_t)n * (size_t)d, sizeof *columns);
	double *first = xl_alloc((size_t)q * (size_t)d, sizeof *first);
	int rc = columns && first ? 0 : -1;

	for (int64_t i = 0; rc == 0 && i < n; i++)
		for (int64_t k = 0; k < d; k++)
			columns[k * n + i] = rows[i * d + k];
	if (rc == 0) {
		xl_dense_times(matrix, &(struct xl_product){columns, columns, d, d, n,
							    .is_symmetric = true});
		rc = leading(variance, matrix, w, d, q, 1 / (double)(n - 1));
	}
	for (int64_t k = 0; rc == 0 && k < q; k++)
		for (int64_t i = 0; i < d; i++)
			first[k * d + i] = matrix[(d - 1 - k) * d + i];
	if (rc == 0)
		xl_dense_times(scores,
			       &(struct xl_product){rows, first, n, q, d, .is_symmetric = false});
	free(columns);
	free(first);
	return rc;
}

/* By the products of rows (n,n). */
static int by_rows(double *scores, double *variance, const double *rows, int64_t n, int64_t d,
		   int64_t q, double *matrix, double *w)
{
	xl_dense_times(matrix, &(struct xl_product){rows, rows, n, n, d, .is_symmetric = true});
	if (leading(variance, matrix, w, n, q, 1 / (double)(n - 1)))
		return -1;
	for (int64_t k = 0; k < q; k++)
		for (int64_t i = 0; i < n; i++)
			scores[i * q + k] =
				sqrt(fmax(w[n - 1 - k], 0)) * matrix[(n - 1 - k) * n + i];
	return 0;
}

int xl_components(double *scores, double *variance, double *rows, int64_t n, int64_t d, int64_t q)
{
	const int64_t m = n > d ? d : n;
	double *matrix = NULL, *w = NULL;
	int rc = -1;

	assert(q <= d && q < n);
	if (m > XL_DENSE_MAX)
		return xl_err("components of %lld rows of %lld numbers: the smaller may be %d",
			      (long long)n, (long long)d, XL_DENSE_MAX);
	matrix = xl_alloc((size_t)m * (size_t)m, sizeof *matrix);
	w = xl_alloc((size_t)m, sizeof *w);
	centre(rows, n, d);
	if (matrix && w)
		rc = n > d ? by_numbers(scores, variance, rows, n, d, q, matrix, w)
			   : by_rows(scores, variance, rows, n, d, q, matrix, w);
	free(matrix);
	free(w);
	return rc;
}
