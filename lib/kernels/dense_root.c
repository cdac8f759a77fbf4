/*
 * dense_root.c - the root of a positive semidefinite matrix of any rank: Cholesky's,
 * with the largest pivot first; see dense.h.
 *
 * Row j of u follows from what the rows before it leave of a,
 *
 *   u_jk = (a_jk - sum_{i<j} u_ij u_ik) / u_jj,    u_jj^2 = what is left of a_jj,
 *
 * once row and column of the largest number left on the diagonal have changed places
 * with those of j. No number off the diagonal of such a matrix is larger than the largest
 * on it: where that is rounding, so is the rest, and the rows so far are the root.
 *
 * Panels of rows are made one by one; what a panel takes from all that follows is a
 * matrix product, and nearly all of the work. Only the upper triangle is read or written
 * until the end.
 */
#include <assert.h>
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/dense.h"

enum {
	PANEL = 64, /* rows of u between two products */
	TILE = 128  /* rows of a product that are one item of work */
};

struct root {
	double *a;
	int *order;            /* which row of a came to each place */
	int *swaps;            /* (n) what j changed places with */
	double *gone;          /* (n) what rows of the panel take from the diagonal */
	int64_t n, first, end; /* the panel */
	double least;          /* up to this, a number left is rounding */
};

static void swap(double *x, double *y)
{
	const double t = *x;

	*x = *y;
	*y = t;
}

/* Rows and columns j and p > j change places, in the panel and what follows it. */
static void exchange(struct root *r, int64_t j, int64_t p)
{
	double *a = r->a;
	const int64_t n = r->n;
	const int was = r->order[j];

	r->swaps[j] = (int)p;
	if (p == j)
		return;
	for (int64_t i = r->first; i < j; i++)
		swap(&a[i * n + j], &a[i * n + p]);
	for (int64_t i = j + 1; i < p; i++)
		swap(&a[j * n + i], &a[i * n + p]);
	for (int64_t k = p + 1; k < n; k++)
		swap(&a[j * n + k], &a[p * n + k]);
	swap(&a[j * n + j], &a[p * n + p]);
	swap(&r->gone[j], &r->gone[p]);
	r->order[j] = r->order[p];
	r->order[p] = was;
}

/* The place of the largest number left on the diagonal, -1 where one is below 0 by more
 * than rounding or is none. */
static int64_t pivot(const struct root *r, int64_t j)
{
	double most = 0;
	int64_t at = j;

	for (int64_t k = j; k < r->n; k++) {
		const double left = r->a[k * r->n + k] - r->gone[k];

		if (!(left >= -r->least && left <= DBL_MAX))
			return -1;
		if (left > most) {
			most = left;
			at = k;
		}
	}
	return at;
}

static void make_row(struct root *r, int64_t j)
{
	const int64_t n = r->n, rest = n - j - 1;
	double *row = r->a + j * n;
	const double above = r->a[j * n + j] - r->gone[j], scale = 1 / sqrt(above);

	row[j] = sqrt(above);
	if (rest == 0)
		return;
	if (j > r->first)
		cblas_dgemv(CblasRowMajor, CblasTrans, (int)(j - r->first), (int)rest, -1,
			    r->a + r->first * n + j + 1, (int)n, r->a + r->first * n + j, (int)n, 1,
			    row + j + 1, 1);
	for (int64_t k = j + 1; k < n; k++) {
		row[k] *= scale;
		r->gone[k] += row[k] * row[k];
	}
}

/* a -= u^T u, of the panel, right of the diagonal */
static void take_tile(void *ctx, int64_t tile)
{
	const struct root *r = ctx;
	const int64_t n = r->n, at = r->end + tile * TILE, left = n - at;
	const int64_t rows = left < TILE ? left : TILE;
	const double *u = r->a + r->first * n + at;

	cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)rows, (int)left,
		    (int)(r->end - r->first), -1, u, (int)n, u, (int)n, 1, r->a + at * n + at,
		    (int)n);
}

/* Row i of u was made before later rows changed places. */
static void settle_row(void *ctx, int64_t i)
{
	const struct root *r = ctx;
	const int64_t made = (i / PANEL + 1) * PANEL;
	double *row = r->a + i * r->n;

	for (int64_t j = made; j < r->end; j++)
		swap(&row[j], &row[r->swaps[j]]);
	for (int64_t k = 0; k < i; k++)
		row[k] = 0;
}

static bool is_rounding(const struct root *r)
{
	for (int64_t i = r->end; i < r->n; i++)
		for (int64_t k = i; k < r->n; k++)
			if (!(fabs(r->a[i * r->n + k]) <= r->least))
				return false;
	return true;
}

/* Rows until what is left is rounding: 1 then, 0 at the end of a panel; -1 where that is
 * no such matrix. */
static int make_panel(struct root *r)
{
	const int64_t end = r->first + PANEL < r->n ? r->first + PANEL : r->n;

	for (int64_t k = r->first; k < r->n; k++)
		r->gone[k] = 0;
	for (r->end = r->first; r->end < end; r->end++) {
		const int64_t j = r->end, p = pivot(r, j);

		if (p < 0)
			return -1;
		if (!(r->a[p * r->n + p] - r->gone[p] > r->least))
			return 1;
		exchange(r, j, p);
		make_row(r, j);
	}
	return 0;
}

int64_t xl_dense_root(double *a, int *order, int64_t n)
{
	struct root r = {.a = a, .order = order, .n = n};
	int64_t rank = -1;
	int stop = 0;

	assert(n > 0 && n <= XL_DENSE_MAX);
	openblas_set_num_threads(1);
	r.swaps = xl_alloc((size_t)n, sizeof *r.swaps);
	r.gone = xl_alloc((size_t)n, sizeof *r.gone);
	if (!r.swaps || !r.gone)
		goto out;
	for (int64_t i = 0; i < n; i++) {
		order[i] = (int)i;
		r.least = fmax(r.least, (double)n * DBL_EPSILON * a[i * n + i]);
	}
	for (; stop == 0 && r.end < n; r.first = r.end) {
		stop = make_panel(&r);
		if (stop >= 0 && r.end > r.first)
			xl_parallel(take_tile, &r, xl_div_up(n - r.end, TILE));
	}
	if (stop < 0 || !is_rounding(&r)) {
		rank = XL_NOT_SEMIDEFINITE;
		goto out;
	}
	xl_parallel(settle_row, &r, r.end);
	rank = r.end;
out:
	free(r.swaps);
	free(r.gone);
	return rank;
}
