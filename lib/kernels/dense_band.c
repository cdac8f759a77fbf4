/*
 * dense_band.c - the eigenvalues of a symmetric matrix, without its eigenvectors; see
 * dense.h.
 *
 * A matrix becomes tridiagonal in two stages. The first is nearly all of the work, and
 * consists of products of matrices, which caches serve well; made tridiagonal at once,
 * all of the matrix would be read for every column.
 *
 * First it becomes a band, XL_BAND rows at a time. What these have right of the band is
 * made triangular by reflections, Q = I - V T V^T, which leaves the band of them, and the
 * matrix A of all rows below becomes
 *
 *   Q^T A Q = A - V W^T - W V^T,    W = Z - V (T^T V^T Z) / 2,    Z = A V T.
 *
 * Then reflections of XL_BAND numbers make the band tridiagonal (simd_chase.c), and
 * LAPACK finds the eigenvalues.
 *
 * Source   Bischof, Lang and Sun 2000 (two stages); Schreiber and Van Loan 1989 (V T V^T)
 */
#include <assert.h>
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/dense.h"
#include "kernels/kernels.h"

/* Columns in LAPACK are rows here. */
void dgeqrt_(const int *m, const int *n, const int *nb, double *a, const int *lda, double *t,
	     const int *ldt, double *work, int *info);
void dsterf_(const int *n, double *d, double *e, int *info);

enum { TILE = 128 }; /* rows that are one item of work: a whole number of bands */

/*
 * A is a (n,n) from row and column `at` on, of which what lies below the diagonal is kept
 * right only within the squares of TILE that the diagonal passes. V^T, W^T, Z^T and
 * T^T V^T have k rows and use columns `at` on.
 */
struct band {
	double *a;
	int64_t n, at;
	int64_t k;     /* reflections */
	double *v, *w; /* V^T twice, with W^T, at first Z^T, in between */
	double *tv;    /* T^T V^T */
};

/* The k reflections for the rows before `at`, and T^T V^T. */
static void reflect(struct band *b)
{
	const int lda = (int)b->n, m = (int)(b->n - b->at), all = XL_BAND;
	const int k = m < XL_BAND ? m : XL_BAND;
	double *rows = b->a + (b->at - XL_BAND) * b->n + b->at;
	double t[XL_BAND * XL_BAND], work[XL_BAND * XL_BAND];
	int info;

	dgeqrt_(&m, &all, &k, rows, &lda, t, &all, work, &info);
	b->k = k;
	b->w = b->v + k * b->n;
	for (int64_t i = 0; i < k; i++) {
		double *v = b->v + i * b->n + b->at;

		memset(v, 0, (size_t)i * sizeof *v);
		v[i] = 1;
		memcpy(v + i + 1, rows + i * b->n + i + 1, (size_t)(m - i - 1) * sizeof *v);
		memcpy(b->w + (k + i) * b->n + b->at, v, (size_t)m * sizeof *v);
		memcpy(b->tv + i * b->n + b->at, v, (size_t)m * sizeof *v);
	}
	cblas_dtrmm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, k, m, 1, t,
		    XL_BAND, b->tv + b->at, lda);
}

/* Rows of item i. */
static void bounds(const struct band *b, int64_t i, int64_t *first, int64_t *end)
{
	const int64_t tile = b->at / TILE + i;

	*first = tile * TILE > b->at ? tile * TILE : b->at;
	*end = (tile + 1) * TILE < b->n ? (tile + 1) * TILE : b->n;
}

/* Columns of Z^T = T^T V^T A: A above and on the diagonal, and right of it for below. */
static void make_z(void *ctx, int64_t i)
{
	const struct band *b = ctx;
	const int n = (int)b->n, k = (int)b->k;
	int64_t first, end;

	bounds(b, i, &first, &end);
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, k, (int)(end - first),
		    (int)(end - b->at), 1, b->tv + b->at, n, b->a + b->at * n + first, n, 0,
		    b->w + first, n);
	if (end < n)
		cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, k, (int)(end - first),
			    (int)(n - end), 1, b->tv + end, n, b->a + first * n + end, n, 1,
			    b->w + first, n);
}

static void make_w(struct band *b)
{
	const int n = (int)b->n, k = (int)b->k, m = (int)(b->n - b->at);
	double s[XL_BAND * XL_BAND];

	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, k, k, m, 1, b->tv + b->at, n,
		    b->w + b->at, n, 0, s, XL_BAND);
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, k, m, k, -0.5, s, XL_BAND,
		    b->v + b->at, n, 1, b->w + b->at, n);
}

/* Rows of A -= (V,W) (W,V)^T. */
static void take_rows(void *ctx, int64_t i)
{
	const struct band *b = ctx;
	const int n = (int)b->n;
	int64_t first, end;

	bounds(b, i, &first, &end);
	cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)(end - first), (int)(n - first),
		    (int)(2 * b->k), -1, b->v + first, n, b->w + first, n, 1,
		    b->a + first * n + first, n);
}

/* Makes a, all of it right, a band on and above the diagonal. */
static int to_band(double *a, int64_t n)
{
	double *rows = xl_alloc((size_t)(4 * XL_BAND * n), sizeof *rows);
	struct band b = {.a = a, .n = n, .v = rows, .tv = rows + 3 * XL_BAND * n};

	if (!rows)
		return -1;
	for (b.at = XL_BAND; b.at + 1 < n; b.at += XL_BAND) {
		const int64_t tiles = xl_div_up(n, TILE) - b.at / TILE;

		reflect(&b);
		xl_parallel(make_z, &b, tiles);
		make_w(&b);
		xl_parallel(take_rows, &b, tiles);
	}
	free(rows);
	return 0;
}

/* The band out of a, as struct xl_kernels has it, divided by a power of two that brings
 * the largest near 1, which is returned: squares shall not overflow, nor shall it. -1 where
 * a number is not finite. */
static double take_band(double *band, const double *a, int64_t n)
{
	double most = 0, scale;
	int exponent;

	for (int64_t i = 0; i < n; i++)
		for (int64_t j = i; j < n && j <= i + XL_BAND; j++) {
			const double v = fabs(a[i * n + j]);

			if (!isfinite(v))
				return -1;
			most = v > most ? v : most;
		}
	frexp(most, &exponent);
	scale = ldexp(1, exponent < -1000 ? -1000 : exponent > 1000 ? 1000 : exponent);
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = i; j < n && j <= i + XL_BAND; j++) {
			const double v = a[i * n + j] / scale;

			band[XL_BAND_AT(j, i)] = v;
			if (j < i + XL_BAND)
				band[XL_BAND_AT(i, j)] = v;
		}
	return scale;
}

int xl_dense_eigenvalues(double *w, double *a, int64_t n)
{
	double *band = xl_alloc((size_t)XL_BAND_COUNT(n), sizeof *band), scale;
	double *e = xl_alloc((size_t)n, sizeof *e);
	const int size = (int)n;
	int info = -1;

	assert(n > 0 && n <= XL_DENSE_MAX);
	openblas_set_num_threads(1);
	if (!band || !e || to_band(a, n))
		goto out;
	scale = take_band(band, a, n);
	if (scale > 0) {
		xl_kernels()->chase(w, e, band, n);
		dsterf_(&size, w, e, &info);
		for (int64_t i = 0; i < n; i++)
			w[i] *= scale;
		info |= !isfinite(w[0]) || !isfinite(w[n - 1]);
	}
	if (info)
		info = xl_err("eigenvalues of a %dx%d matrix: no convergence", size, size);
out:
	free(band);
	free(e);
	return info;
}
