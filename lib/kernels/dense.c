/*
 * dense.c - dense matrices in double precision, by OpenBLAS; see dense.h. Metrics
 * call it; what networks need is in simd_*.c.
 */
#include <assert.h>
#include <cblas.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/dense.h"

/* LAPACK as Fortran compilers call it, lengths of strings last. What LAPACK takes as a
 * column is a row here, so that its lower triangle is our upper one. */
void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
	     double *work, const int *lwork, int *iwork, const int *liwork, int *info, size_t,
	     size_t);
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t);
void dgesdd_(const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s,
	     double *u, const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork,
	     int *iwork, int *info, size_t);

enum { PANEL = 128 }; /* rows of a product that are one item of work */

struct times {
	double *out;
	const double *a, *b;
	int64_t m, n, k;
	bool is_symmetric;
};

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void times_panel(void *ctx, int64_t panel)
{
	const struct times *t = ctx;
	const int64_t first = panel * PANEL, rows = least(PANEL, t->m - first);
	const int64_t columns = t->is_symmetric ? first + rows : t->n;

	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)columns, (int)t->k, 1,
		    t->a + first * t->k, (int)t->k, t->b, (int)t->k, 0, t->out + first * t->n,
		    (int)t->n);
}

static void mirror_row(void *ctx, int64_t i)
{
	const struct times *t = ctx;

	for (int64_t j = i + 1; j < t->n; j++)
		t->out[i * t->n + j] = t->out[j * t->n + i];
}

void xl_dense_times(double *out, const double *a, const double *b, int64_t m, int64_t n, int64_t k,
		    bool is_symmetric)
{
	struct times t = {out, a, b, m, n, k, is_symmetric};

	assert(m >= 0 && n >= 0 && k > 0 && m < INT32_MAX && n < INT32_MAX && k < INT32_MAX);
	assert(!is_symmetric || m == n);
	openblas_set_num_threads(1);
	xl_parallel(times_panel, &t, xl_div_up(m, PANEL));
	if (is_symmetric)
		xl_parallel(mirror_row, &t, m);
}

int xl_dense_eigen(double *w, double *a, int64_t n, bool with_vectors)
{
	const int size = (int)n, ask = -1;
	const char *job = with_vectors ? "V" : "N";
	double most, *work;
	int most_i, *iwork, info, lwork;

	assert(n > 0 && n <= XL_DENSE_MAX);
	openblas_set_num_threads(1);
	dsyevd_(job, "L", &size, a, &size, w, &most, &ask, &most_i, &ask, &info, 1, 1);
	lwork = (int)most;
	work = xl_alloc((size_t)lwork, sizeof *work);
	iwork = xl_alloc((size_t)most_i, sizeof *iwork);
	if (work && iwork) {
		dsyevd_(job, "L", &size, a, &size, w, work, &lwork, iwork, &most_i, &info, 1, 1);
		if (info)
			info = xl_err("eigenvalues of a %dx%d matrix: no convergence", size, size);
	} else {
		info = -1;
	}
	free(work);
	free(iwork);
	return info;
}

int xl_dense_root(double *a, int64_t n)
{
	const int size = (int)n;
	int info;

	assert(n > 0 && n <= XL_DENSE_MAX);
	openblas_set_num_threads(1);
	dpotrf_("L", &size, a, &size, &info, 1);
	for (int64_t i = 1; i < n; i++)
		memset(a + i * n, 0, (size_t)i * sizeof *a);
	return info != 0;
}

int xl_dense_singular(double *s, double *a, int64_t m, int64_t n)
{
	const int columns = (int)n, rows = (int)m, one = 1, ask = -1;
	const size_t less = (size_t)least(m, n);
	double most, none, *work;
	int info, lwork, *iwork = xl_alloc(8 * less, sizeof *iwork);

	assert(m > 0 && n > 0 && m <= XL_DENSE_MAX && n <= XL_DENSE_MAX);
	openblas_set_num_threads(1);
	dgesdd_("N", &columns, &rows, a, &columns, s, &none, &one, &none, &one, &most, &ask, iwork,
		&info, 1);
	lwork = (int)most;
	work = xl_alloc((size_t)lwork, sizeof *work);
	if (work && iwork) {
		dgesdd_("N", &columns, &rows, a, &columns, s, &none, &one, &none, &one, work,
			&lwork, iwork, &info, 1);
		if (info)
			info = xl_err("singular values of a %dx%d matrix: no convergence", rows,
				      columns);
	} else {
		info = -1;
	}
	free(work);
	free(iwork);
	return info;
}
