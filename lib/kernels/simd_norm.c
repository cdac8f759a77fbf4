/*
 * simd_norm.c - instance, layer and batch normalisation. All three come from
 * two sums per (sample, channel), combined over the group that shares its
 * statistics; the map itself is then one affine function per channel.
 */
#include <assert.h>
#include <math.h>
#include "core/pool.h"
#include "kernels/simd_vec.h"

struct norm {
	float *y;     /* fwd: y, bwd: gx */
	float *stats; /* (N,C,3) */
	const float *x, *gy;
	const float *scale, *shift;
	const struct xl_dims *d;
	const double *coef; /* bwd: (N,C,3): gx = a gy + b (x - mean) + c */
	double *sums;       /* (N,C,2) */
};

/* Per lane: sum and sum of squares about the first pixel of the plane, which
 * keeps the variance exact for maps far from zero. */
static void moments_item(void *ctx, int64_t item)
{
	const struct norm *k = ctx;
	const int b = k->d->b;
	const int64_t pixels = (int64_t)k->d->h * k->d->w;
	const float *x = k->x + item * pixels * b;
	double s[XL_BLOCK] = {0}, q[XL_BLOCK] = {0};
	float x0[XL_BLOCK];

	for (int l = 0; l < b; l++)
		x0[l] = x[l];
	if (b == XL_BLOCK) {
		for (int64_t i = 0; i < pixels; i++)
			for (int l = 0; l < XL_BLOCK; l++) {
				const double v = (double)(x[i * XL_BLOCK + l] - x0[l]);
				s[l] += v;
				q[l] += v * v;
			}
	} else {
		for (int64_t i = 0; i < pixels; i++) {
			const double v = (double)(x[i] - x0[0]);
			s[0] += v;
			q[0] += v * v;
		}
	}
	for (int l = 0; l < b; l++) {
		const double mean = s[l] / (double)pixels;
		k->sums[(item * b + l) * 2] = (double)x0[l] + mean;
		k->sums[(item * b + l) * 2 + 1] = q[l] - s[l] * mean; /* about the mean */
	}
}

/* The range of (sample, channel) that shares statistics with group g. */
struct group {
	int n0, n1, c0, c1;
};

static int group_count(const struct xl_dims *d, enum xl_norm kind)
{
	return kind == XL_NORM_INSTANCE ? d->n * d->c : kind == XL_NORM_LAYER ? d->n : d->c;
}

static struct group group_at(const struct xl_dims *d, enum xl_norm kind, int g)
{
	if (kind == XL_NORM_INSTANCE)
		return (struct group){g / d->c, g / d->c + 1, g % d->c, g % d->c + 1};
	if (kind == XL_NORM_LAYER)
		return (struct group){g, g + 1, 0, d->c};
	return (struct group){0, d->n, g, g + 1};
}

static void affine_item(void *ctx, int64_t item)
{
	const struct norm *k = ctx;
	const int b = k->d->b, c0 = (int)(item * b % k->d->c);
	const int64_t pixels = (int64_t)k->d->h * k->d->w;
	const float *x = k->x + item * pixels * b;
	float *y = k->y + item * pixels * b;
	float p[XL_BLOCK], q[XL_BLOCK], m[XL_BLOCK];

	for (int l = 0; l < b; l++) {
		const float *st = k->stats + (item * b + l) * XL_NORM_STATS;
		m[l] = st[0];
		p[l] = st[2] * (k->scale ? k->scale[c0 + l] : 1);
		q[l] = (k->shift ? k->shift[c0 + l] : 0) - st[1] * p[l];
	}
	if (b == XL_BLOCK) {
		for (int64_t i = 0; i < pixels; i++)
			for (int l = 0; l < XL_BLOCK; l++)
				y[i * XL_BLOCK + l] = (x[i * XL_BLOCK + l] - m[l]) * p[l] + q[l];
	} else {
		for (int64_t i = 0; i < pixels; i++)
			y[i] = (x[i] - m[0]) * p[0] + q[0];
	}
}

void XL_FN(xl_norm_fwd)(float *y, float *stats, const float *x, const float *scale,
			const float *shift, const struct xl_norm_dims *nd, double *scratch)
{
	const struct xl_dims *d = &nd->d;
	const int64_t planes = (int64_t)d->n * d->c / d->b;
	const double pixels = (double)d->h * d->w;
	struct norm k = {.y = y, .stats = stats, .x = x, .scale = scale, .shift = shift, .d = d};
	double *sums = scratch;

	k.sums = sums;
	xl_parallel(moments_item, &k, planes);
	for (int g = 0; g < group_count(d, nd->kind); g++) {
		const struct group r = group_at(d, nd->kind, g);
		const double planes_in = (double)(r.n1 - r.n0) * (r.c1 - r.c0);
		double mean = 0, ss = 0;
		for (int n = r.n0; n < r.n1; n++)
			for (int c = r.c0; c < r.c1; c++)
				mean += sums[((int64_t)n * d->c + c) * 2];
		mean /= planes_in;
		for (int n = r.n0; n < r.n1; n++)
			for (int c = r.c0; c < r.c1; c++) {
				const double *s = sums + ((int64_t)n * d->c + c) * 2;
				ss += s[1] + pixels * (s[0] - mean) * (s[0] - mean);
			}
		const double inv = 1 / sqrt(ss / (planes_in * pixels) + (double)nd->eps);
		for (int n = r.n0; n < r.n1; n++)
			for (int c = r.c0; c < r.c1; c++) {
				float *st = stats + ((int64_t)n * d->c + c) * XL_NORM_STATS;
				st[0] = (float)mean;
				st[1] = (float)(mean - (double)st[0]);
				st[2] = (float)inv;
			}
	}
	xl_parallel(affine_item, &k, planes);
}

/* Per lane: sum gy and sum gy xhat. */
static void grad_sums_item(void *ctx, int64_t item)
{
	const struct norm *k = ctx;
	const int b = k->d->b;
	const int64_t pixels = (int64_t)k->d->h * k->d->w;
	const float *x = k->x + item * pixels * b, *g = k->gy + item * pixels * b;
	double s[XL_BLOCK] = {0}, q[XL_BLOCK] = {0};
	float m[XL_BLOCK];

	for (int l = 0; l < b; l++)
		m[l] = k->stats[(item * b + l) * XL_NORM_STATS];
	if (b == XL_BLOCK) {
		for (int64_t i = 0; i < pixels; i++)
			for (int l = 0; l < XL_BLOCK; l++) {
				const double v = (double)g[i * XL_BLOCK + l];
				s[l] += v;
				q[l] += v * (double)(x[i * XL_BLOCK + l] - m[l]);
			}
	} else {
		for (int64_t i = 0; i < pixels; i++) {
			s[0] += (double)g[i];
			q[0] += (double)g[i] * (double)(x[i] - m[0]);
		}
	}
	for (int l = 0; l < b; l++) {
		const float *st = k->stats + (item * b + l) * XL_NORM_STATS;
		k->sums[(item * b + l) * 2] = s[l];
		k->sums[(item * b + l) * 2 + 1] = (q[l] - (double)st[1] * s[l]) * (double)st[2];
	}
}

static void grad_item(void *ctx, int64_t item)
{
	const struct norm *k = ctx;
	const int b = k->d->b;
	const int64_t pixels = (int64_t)k->d->h * k->d->w;
	const float *x = k->x + item * pixels * b, *g = k->gy + item * pixels * b;
	float *y = k->y + item * pixels * b;
	float p[XL_BLOCK], q[XL_BLOCK], r[XL_BLOCK], m[XL_BLOCK];

	for (int l = 0; l < b; l++) {
		const double *c = k->coef + (item * b + l) * 3;
		p[l] = (float)c[0];
		q[l] = (float)c[1];
		r[l] = (float)c[2];
		m[l] = k->stats[(item * b + l) * XL_NORM_STATS];
	}
	for (int64_t i = 0; i < pixels; i++)
		for (int l = 0; l < b; l++)
			y[i * b + l] = p[l] * g[i * b + l] + q[l] * (x[i * b + l] - m[l]) + r[l];
}

void XL_FN(xl_norm_bwd)(const struct xl_norm_grads *to, const float *gy, const float *x,
			const float *stats, const float *scale, const struct xl_norm_dims *nd,
			double *scratch)
{
	const struct xl_dims *d = &nd->d;
	const int64_t planes = (int64_t)d->n * d->c / d->b, nc = (int64_t)d->n * d->c;
	double *sums = scratch, *coef = sums + nc * 2;
	struct norm k = {.y = to->x, .x = x, .gy = gy, .d = d, .sums = sums, .coef = coef};

	k.stats = (float *)(uintptr_t)stats;
	xl_parallel(grad_sums_item, &k, planes);
	for (int c = 0; c < d->c; c++) {
		double s = 0, q = 0;
		for (int n = 0; n < d->n; n++) {
			s += sums[((int64_t)n * d->c + c) * 2];
			q += sums[((int64_t)n * d->c + c) * 2 + 1];
		}
		if (to->shift)
			to->shift[c] = (float)s;
		if (to->scale)
			to->scale[c] = (float)q;
	}
	/* gx = r (g' - mean g' - xhat mean(g' xhat)), g' = scale gy */
	for (int g = 0; g < group_count(d, nd->kind); g++) {
		const struct group r = group_at(d, nd->kind, g);
		const double count = (double)(r.n1 - r.n0) * (r.c1 - r.c0) * d->h * d->w;
		double s = 0, q = 0;
		for (int n = r.n0; n < r.n1; n++)
			for (int c = r.c0; c < r.c1; c++) {
				const double sc = scale ? (double)scale[c] : 1;
				s += sc * sums[((int64_t)n * d->c + c) * 2];
				q += sc * sums[((int64_t)n * d->c + c) * 2 + 1];
			}
		for (int n = r.n0; n < r.n1; n++)
			for (int c = r.c0; c < r.c1; c++) {
				const float *st = stats + ((int64_t)n * d->c + c) * XL_NORM_STATS;
				const double inv = (double)st[2];
				double *o = coef + ((int64_t)n * d->c + c) * 3;
				o[0] = inv * (scale ? (double)scale[c] : 1);
				o[1] = -inv * inv * q / count;
				o[2] = -inv * s / count - o[1] * (double)st[1];
			}
	}
	xl_parallel(grad_item, &k, planes);
}
