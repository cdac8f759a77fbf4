/*
 * dense.c - dense matrices in double precision, by OpenBLAS; see dense.h. Metrics
 * call it; what networks need is in simd_*.c. Roots are in dense_root.c, eigenvalues
 * alone in dense_band.c.
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
void dgesdd_(const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s,
	     double *u, const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork,
	     int *iwork, int *info, size_t);

enum {
	PANEL = 128, /* rows of a product that are one item of work */
	SQUARE = 32  /* rows and columns that change places while caches hold them */
};

struct times {
	double *out;
	const struct xl_product *p;
};

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void times_panel(void *ctx, int64_t panel)
{
	const struct times *t = ctx;
	const struct xl_product *p = t->p;
	const int64_t first = panel * PANEL, rows = least(PANEL, p->m - first);
	const int64_t columns = p->is_symmetric ? first + rows : p->n;
	const int64_t zeros = p->is_upper ? first : 0;

	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)columns,
		    (int)(p->k - zeros), 1, p->a + first * p->k + zeros, (int)p->k, p->b + zeros,
		    (int)p->k, 0, t->out + first * p->n, (int)p->n);
}

/* What is right of the diagonal, of SQUARE rows. */
static void mirror_rows(void *ctx, int64_t square)
{
	const struct times *t = ctx;
	const int64_t n = t->p->n, first = square * SQUARE, end = least(first + SQUARE, n);

	for (int64_t at = first; at < n; at += SQUARE)
		for (int64_t i = first; i < end; i++)
			for (int64_t j = at > i ? at : i + 1; j < least(at + SQUARE, n); j++)
				t->out[i * n + j] = t->out[j * n + i];
}

void xl_dense_times(double *out, const struct xl_product *p)
{
	struct times t = {out, p};

	assert(p->m >= 0 && p->n >= 0 && p->k > 0);
	assert(p->m < INT32_MAX && p->n < INT32_MAX && p->k < INT32_MAX);
	assert(!p->is_symmetric || p->m == p->n);
	assert(!p->is_upper || p->k >= p->m);
	openblas_set_num_threads(1);
	xl_parallel(times_panel, &t, xl_div_up(p->m, PANEL));
	if (p->is_symmetric)
		xl_parallel(mirror_rows, &t, xl_div_up(p->m, SQUARE));
}

int xl_dense_eigen(double *w, double *a, int64_t n)
{
	const int size = (int)n, ask = -1;
	double most, *work;
	int most_i, *iwork, info, lwork;

	assert(n > 0 && n <= XL_DENSE_MAX);
	openblas_set_num_threads(1);
	dsyevd_("V", "L", &size, a, &size, w, &most, &ask, &most_i, &ask, &info, 1, 1);
	lwork = (int)most;
	work = xl_alloc((size_t)lwork, sizeof *work);
	iwork = xl_alloc((size_t)most_i, sizeof *iwork);
	if (work && iwork) {
		dsyevd_("V", "L", &size, a, &size, w, work, &lwork, iwork, &most_i, &info, 1, 1);
		if (info)
			info = xl_err("eigenvalues of a %dx%d matrix: no convergence", size, size);
	} else {
		info = -1;
	}
	free(work);
	free(iwork);
	return info;
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
