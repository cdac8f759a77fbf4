/*
 * embedding.c - rows of numbers to points of a plane.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "core/rng.h"
#include "metrics/components.h"
#include "metrics/embedding.h"
#include "metrics/tsne.h"
#include "xl.h"

static const double start_spread = 1e-4;

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static double largest(const double *x, int64_t count)
{
	double most = 0;

	for (int64_t i = 0; i < count; i++)
		most = fmax(most, fabs(x[i]));
	return most;
}

/* From scores (n,q), whose columns have mean zero. */
static void begin(double *y, const double *scores, int64_t n, int64_t q,
		  const struct xl_embedding *e)
{
	double square = 0;

	for (int64_t i = 0; i < n; i++)
		square += scores[i * q] * scores[i * q] / (double)n;
	for (int64_t i = 0; i < n; i++) {
		struct xl_rng rng;

		xl_rng_init(&rng, e->seed, XL_RNG_LAYOUT, 0, (uint32_t)i);
		for (int64_t k = 0; k < 2; k++)
			y[2 * i + k] = start_spread * (e->is_random ? xl_rng_normal(&rng)
						       : k < q ? scores[i * q + k] / sqrt(square)
							       : 0);
	}
}

static void settle(struct xl_embedding *e, int64_t n, int64_t d)
{
	if (e->components == 0 || e->components >= d)
		e->components = 0;
	e->components = least(e->components, n - 1);
	if (3 * e->perplexity > (double)(n - 1))
		e->perplexity = (double)((n - 1) / 3);
	if (e->rate == 0)
		e->rate = fmax((double)n / 48, 50);
	if (e->theta < 0)
		e->theta = n > XL_EMBEDDING_EXACT ? 0.5 : 0;
}

static int lay_out(double *y, double *x, int64_t n, int64_t d, struct xl_embedding *e)
{
	const struct xl_tsne_settings s = {.iters = e->iters,
					   .rate = e->rate,
					   .exaggeration = 12,
					   .exaggerated = 250,
					   .slow = 250,
					   .theta = e->theta,
					   .progress = e->progress};
	const int64_t near = e->theta > 0 ? least((int64_t)(3 * e->perplexity), n - 1) : 0;
	const double most = largest(x, n * d);
	struct xl_affinities a;
	int rc;

	for (int64_t i = 0; i < n * d; i++)
		x[i] /= most;
	rc = xl_affinities_of(&a, x, n, d, e->perplexity, near);
	if (rc == 0)
		rc = xl_tsne(y, &a, &s, &e->kl);
	xl_affinities_done(&a);
	return rc;
}

static bool are_same(const double *rows, int64_t n, int64_t d)
{
	for (int64_t i = 1; i < n; i++)
		if (memcmp(rows + i * d, rows, (size_t)d * sizeof *rows) != 0)
			return false;
	return true;
}

int xl_embedding_make(double *y, double *rows, int64_t n, int64_t d, struct xl_embedding *e)
{
	double *scores, *variance;
	int64_t q;
	int rc = -1;

	if (n < XL_EMBEDDING_LEAST)
		return xl_err("%lld points; a layout takes %d at least", (long long)n,
			      XL_EMBEDDING_LEAST);
	if (are_same(rows, n, d))
		return xl_err("all %lld points are the same", (long long)n);
	settle(e, n, d);
	q = least(e->components > 2 ? e->components : 2, least(d, n - 1));
	scores = xl_alloc((size_t)n * (size_t)q, sizeof *scores);
	variance = xl_alloc((size_t)q, sizeof *variance);
	if (scores && variance && xl_components(scores, variance, rows, n, d, q) == 0) {
		begin(y, scores, n, q, e);
		rc = e->components ? lay_out(y, scores, n, q, e) : lay_out(y, rows, n, d, e);
	}
	free(scores);
	free(variance);
	return rc;
}

/* ---- how well groups keep together ---------------------------------------- */

struct agreement {
	const double *y;
	const int *group;
	int64_t n;
	int *agrees; /* (n) */
};

static void nearest(void *ctx, int64_t i)
{
	const struct agreement *a = ctx;
	double least_far = INFINITY;
	int64_t at = i;

	for (int64_t j = 0; j < a->n; j++) {
		const double dy = a->y[2 * i] - a->y[2 * j];
		const double dz = a->y[2 * i + 1] - a->y[2 * j + 1];
		const double far = dy * dy + dz * dz;

		if (j != i && far < least_far) {
			least_far = far;
			at = j;
		}
	}
	a->agrees[i] = a->group[at] == a->group[i];
}

double xl_embedding_agreement(const double *y, const int *group, int64_t n)
{
	struct agreement a = {y, group, n, xl_alloc((size_t)n, sizeof *a.agrees)};
	int64_t count = 0;

	if (!a.agrees)
		return NAN;
	xl_parallel(nearest, &a, n);
	for (int64_t i = 0; i < n; i++)
		count += a.agrees[i];
	free(a.agrees);
	return (double)count / (double)n;
}
