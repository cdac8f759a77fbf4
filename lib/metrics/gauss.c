/*
 * gauss.c - mean and covariance of features; see gauss.h. What is measured between two
 * of them is in fid.c.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/dense.h"
#include "metrics/gauss.h"

int xl_gauss_init(struct xl_gauss *g, int64_t d)
{
	*g = (struct xl_gauss){.d = d};
	if (d < 1 || d > XL_GAUSS_MAX)
		return xl_err("statistics of %lld numbers: at most %d, at least 1", (long long)d,
			      XL_GAUSS_MAX);
	g->mean = xl_alloc((size_t)d, sizeof *g->mean);
	g->cov = xl_alloc((size_t)(d * d), sizeof *g->cov);
	return g->mean && g->cov ? 0 : -1;
}

void xl_gauss_done(struct xl_gauss *g)
{
	free(g->mean);
	free(g->cov);
	*g = (struct xl_gauss){.n = 0};
}

/* ---- merging ---------------------------------------------------------- */

/* cov = a cov + b other + c delta delta^T, row by row */
struct blend {
	double *cov;
	const double *other, *delta;
	double a, b, c;
	int64_t d;
};

static void blend_row(void *ctx, int64_t i)
{
	const struct blend *m = ctx;
	double *row = m->cov + i * m->d;
	const double *other = m->other + i * m->d;

	for (int64_t j = 0; j < m->d; j++)
		row[j] = m->a * row[j] + m->b * other[j] + m->c * (m->delta[i] * m->delta[j]);
}

void xl_gauss_merge(struct xl_gauss *g, struct xl_gauss *b)
{
	const double n = (double)g->n, m = (double)b->n, less = n + m - 1;
	struct blend to = {
		g->cov, b->cov, b->mean, (n - 1) / less, (m - 1) / less, n * m / ((n + m) * less),
		g->d};

	assert(g->d == b->d && b->n > 0);
	if (g->n == 0) {
		memcpy(g->mean, b->mean, (size_t)g->d * sizeof *g->mean);
		memcpy(g->cov, b->cov, (size_t)(g->d * g->d) * sizeof *g->cov);
		g->n = b->n;
		return;
	}
	for (int64_t i = 0; i < g->d; i++) {
		b->mean[i] -= g->mean[i]; /* delta, from here on */
		g->mean[i] += b->mean[i] * m / (n + m);
	}
	xl_parallel(blend_row, &to, g->d);
	g->n += b->n;
}

/* ---- blocks ----------------------------------------------------------- */

enum { STRIPE = 32 }; /* columns that are one item of work: two lines of a cache */

struct centre {
	double *columns, *mean;
	const float *rows;
	int64_t n, d;
};

static void centre_stripe(void *ctx, int64_t stripe)
{
	const struct centre *c = ctx;
	const int64_t first = stripe * STRIPE, left = c->d - first;
	const int64_t width = left < STRIPE ? left : STRIPE;
	double *mean = c->mean + first;

	for (int64_t j = 0; j < width; j++)
		mean[j] = 0;
	for (int64_t i = 0; i < c->n; i++)
		for (int64_t j = 0; j < width; j++)
			mean[j] += (double)c->rows[i * c->d + first + j];
	for (int64_t j = 0; j < width; j++)
		mean[j] /= (double)c->n;
	for (int64_t i = 0; i < c->n; i++)
		for (int64_t j = 0; j < width; j++)
			c->columns[(first + j) * c->n + i] =
				(double)c->rows[i * c->d + first + j] - mean[j];
}

void xl_centre(double *columns, double *mean, const float *rows, int64_t n, int64_t d)
{
	struct centre c = {columns, mean, rows, n, d};

	xl_parallel(centre_stripe, &c, xl_div_up(d, STRIPE));
}

int xl_gauss_add(struct xl_gauss *g, const float *rows, int64_t n)
{
	struct xl_gauss block;
	double *columns = NULL;
	size_t count;
	int rc = -1;

	if (n == 0)
		return 0;
	if (xl_gauss_init(&block, g->d) || xl_mul((size_t)n, (size_t)g->d, &count) ||
	    !(columns = xl_alloc(count, sizeof *columns)))
		goto out;
	block.n = n;
	xl_centre(columns, block.mean, rows, n, g->d);
	xl_dense_times(block.cov,
		       &(struct xl_product){columns, columns, g->d, g->d, n, .is_symmetric = true});
	for (int64_t i = 0; i < g->d * g->d && n > 1; i++)
		block.cov[i] /= (double)(n - 1);
	xl_gauss_merge(g, &block);
	rc = 0;
out:
	free(columns);
	xl_gauss_done(&block);
	return rc;
}

/* ---- statistics from elsewhere ---------------------------------------- */

/* The largest of n numbers, infinite where one is not finite. */
static double size_of(const double *v, int64_t n)
{
	double most = 0;

	for (int64_t i = 0; i < n; i++) {
		if (!isfinite(v[i]))
			return INFINITY;
		most = fmax(most, fabs(v[i]));
	}
	return most;
}

int xl_gauss_check(struct xl_gauss *g)
{
	const double most = size_of(g->cov, g->d * g->d);

	if (!isfinite(size_of(g->mean, g->d)) || !isfinite(most))
		return xl_err("holds numbers that are not finite");
	for (int64_t i = 0; i < g->d; i++) {
		if (g->cov[i * g->d + i] < -1e-6 * most)
			return xl_err("its covariance has the variance %g", g->cov[i * g->d + i]);
		for (int64_t j = 0; j < i; j++) {
			double *a = &g->cov[i * g->d + j], *b = &g->cov[j * g->d + i];

			if (fabs(*a - *b) > 1e-6 * most)
				return xl_err("its covariance is not symmetric (%g and %g at "
					      "%lld,%lld)",
					      *a, *b, (long long)i, (long long)j);
			*a = *b = (*a + *b) / 2;
		}
	}
	return 0;
}

/* Numbers of a tensor of d, or d by d. */
static int copy(double *to, const struct xl_tensor *t)
{
	struct xl_tensor *wide = xl_tensor_to(t, XL_F8);

	if (!wide)
		return -1;
	memcpy(to, wide->data, xl_tensor_bytes(wide));
	xl_tensor_free(wide);
	return 0;
}

int xl_gauss_read(struct xl_gauss *g, const struct xl_record *r)
{
	const struct xl_tensor *mu = xl_record_tensor(r, "mu");
	const struct xl_tensor *sigma = xl_record_tensor(r, "sigma");
	char a[80], b[80];

	*g = (struct xl_gauss){.n = 0};
	if (!mu || !sigma)
		return xl_err("has no tensor '%s', statistics have mu and sigma",
			      mu ? "sigma" : "mu");
	if (mu->ndim != 1 || !xl_tensor_is(sigma, 2, (const int64_t[]){mu->shape[0], mu->shape[0]}))
		return xl_err("mu is %s and sigma %s, not (d) and (d,d)",
			      xl_tensor_show(mu, a, sizeof a), xl_tensor_show(sigma, b, sizeof b));
	return xl_gauss_init(g, mu->shape[0]) || copy(g->mean, mu) || copy(g->cov, sigma) ||
			       xl_gauss_check(g)
		       ? -1
		       : 0;
}
