/*
 * naive.h - the references that kernels and operators are tested against: plain
 * NCHW, double precision, one obvious loop each, sharing no code with the
 * library. Inputs are rounded to float once, so both sides see the same numbers.
 */
#ifndef XL_TESTS_NAIVE_H
#define XL_TESTS_NAIVE_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "kernels/kernels.h"
#include "kernels/windows.h"

/* A plain array of doubles; d.b says how the float copy is laid out. */
struct array {
	struct xl_dims d;
	double *v;
};

#define MAP(n, c, h, w)                                                                            \
	{                                                                                          \
		n, c, h, w, (c) % XL_BLOCK ? 1 : XL_BLOCK                                          \
	}
#define PLAIN(n, c, h, w)                                                                          \
	{                                                                                          \
		n, c, h, w, 1                                                                      \
	}

/* A number in -1..1 from a position: smooth series would hide index errors. */
static inline double noise(uint32_t seed, int64_t i)
{
	uint32_t h = (uint32_t)i * 2654435761u + seed * 40503u;

	h ^= h >> 15;
	h *= 2246822519u;
	h ^= h >> 13;
	return (double)h / 2147483648.0 - 1;
}

static inline struct array array_zeros(struct xl_dims d)
{
	struct array a = {d, calloc((size_t)xl_dims_count(&d), sizeof(double))};

	if (!a.v)
		abort();
	return a;
}

/* Noise scaled to lo..hi and rounded to float. */
static inline struct array array_noise(struct xl_dims d, uint32_t seed, double lo, double hi)
{
	struct array a = array_zeros(d);

	for (int64_t i = 0; i < xl_dims_count(&d); i++)
		a.v[i] = (double)(float)(lo + (hi - lo) * (noise(seed, i) + 1) / 2);
	return a;
}

static inline void array_free(struct array *a)
{
	free(a->v);
	a->v = NULL;
}

/* A copy of a as the floats of a map in the layout of a->d; to be freed. */
static inline float *array_floats(const struct array *a)
{
	const int64_t count = xl_dims_count(&a->d);
	float *plain = malloc((size_t)count * sizeof(float));
	float *map = malloc((size_t)count * sizeof(float));

	if (!plain || !map)
		abort();
	for (int64_t i = 0; i < count; i++)
		plain[i] = (float)a->v[i];
	xl_map_pack(map, plain, &a->d);
	free(plain);
	return map;
}

/* The place of (n,c,h,w) in an array whose axes of size 1 stand for every index. */
static inline int64_t at(const struct xl_dims *d, int n, int c, int h, int w)
{
	n = d->n == 1 ? 0 : n;
	c = d->c == 1 ? 0 : c;
	h = d->h == 1 ? 0 : h;
	w = d->w == 1 ? 0 : w;
	return (((int64_t)n * d->c + c) * d->h + h) * d->w + w;
}

/* for every n, c, h, w of dims D, under the names given */
#define EACH_PLACE(D, N_, C_, H_, W_)                                                              \
	for (int N_ = 0; N_ < (D)->n; N_++)                                                        \
		for (int C_ = 0; C_ < (D)->c; C_++)                                                \
			for (int H_ = 0; H_ < (D)->h; H_++)                                        \
				for (int W_ = 0; W_ < (D)->w; W_++)

/* ---- backends ---- */

static inline const struct xl_kernels *backend(int i)
{
	const char *const names[] = {"generic", "avx2", "avx512"};

	return i < 3 && xl_kernels_select(names[i]) == 0 ? xl_kernels() : NULL;
}

/* k is each backend that this CPU can run */
#define EACH_BACKEND(k)                                                                            \
	for (int backend_ = 0; backend_ < 3; backend_++)                                           \
		if ((k = backend(backend_)))

/* ---- comparing ---- */

/*
 * Says where got, a map of dims want->d, is furthest from want, measured against
 * the largest number in want, and whether that is within tol.
 */
static inline bool agrees(const char *what, const float *got, const struct array *want, double tol)
{
	const struct xl_dims *d = &want->d;
	const int64_t count = xl_dims_count(d);
	float *plain = malloc((size_t)count * sizeof(float));
	double scale = 1e-30, worst = 0;
	int64_t place = 0;

	if (!plain)
		abort();
	xl_map_unpack(plain, got, d);
	for (int64_t i = 0; i < count; i++)
		scale = fmax(scale, fabs(want->v[i]));
	for (int64_t i = 0; i < count; i++) {
		const double e = fabs((double)plain[i] - want->v[i]) / scale;
		if (!(e <= worst)) { /* NaN is the worst of all */
			worst = e;
			place = i;
		}
	}
	const bool ok = worst <= tol;
	if (!ok)
		fprintf(stderr,
			"%s: (%d,%d,%d,%d) element %lld: got %.9g, want %.9g; %.2g of the largest, "
			"tolerance %.2g\n",
			what, d->n, d->c, d->h, d->w, (long long)place, (double)plain[place],
			want->v[place], worst, tol);
	free(plain);
	return ok;
}

/* ---- convolution: one sum over (output, input, weight), read three ways ---- */

enum conv_sum { CONV_Y, CONV_X, CONV_W };

static inline int inside(int i, int n, enum xl_pad_mode mode)
{
	if (mode == XL_PAD_REFLECT)
		return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
	return i >= 0 && i < n ? i : -1;
}

/* Fills one of y, x, w, which must be zero, from the other two. */
static inline void naive_conv2d(enum conv_sum part, struct array *y, struct array *x,
				struct array *w, const struct xl_conv2d_dims *d)
{
	EACH_PLACE(&y->d, n, o, r, c)
	for (int i = 0; i < d->ci; i++)
		for (int t = 0; t < d->kh * d->kw; t++) {
			const int h0 = r * d->stride - d->pad_h, k0 = c * d->stride - d->pad_w;
			const int h = inside(h0 + t / d->kw, d->h, d->mode);
			const int k = inside(k0 + t % d->kw, d->w, d->mode);
			if (h < 0 || k < 0)
				continue;
			double *py = y->v + at(&y->d, n, o, r, c);
			double *px = x->v + (((int64_t)n * d->ci + i) * d->h + h) * d->w + k;
			double *pw = w->v + ((int64_t)o * d->ci + i) * d->kh * d->kw + t;
			if (part == CONV_Y)
				*py += *px * *pw;
			else if (part == CONV_X)
				*px += *py * *pw;
			else
				*pw += *px * *py;
		}
}

/* ---- elements ---- */

static inline double naive_unary(enum xl_unary op, double x, double p, double q)
{
	switch (op) {
	case XL_AFFINE:
		return p * x + q;
	case XL_LEAKY:
		return x > 0 ? x : p * x;
	case XL_TANH:
		return tanh(x);
	case XL_SIGMOID:
		return 1 / (1 + exp(-x));
	case XL_ABS:
		return fabs(x);
	case XL_SIGN:
		return x > 0 ? 1 : x < 0 ? -1 : 0;
	case XL_SQRT:
		return sqrt(x);
	case XL_EXP:
		return exp(x);
	case XL_SOFTPLUS:
		return fmax(x, 0) + log1p(exp(-fabs(x)));
	case XL_RECIP:
		return 1 / x;
	case XL_MAXC:
		return fmax(x, p);
	}
	abort();
}

static inline double naive_binary(enum xl_binary op, double a, double b, double p)
{
	switch (op) {
	case XL_ADD:
		return a + b;
	case XL_SUB:
		return a - b;
	case XL_MUL:
		return a * b;
	case XL_LEAKY_BWD:
		return b > 0 ? a : a * p;
	case XL_MAXC_BWD:
		return b > p ? a : 0;
	case XL_DIFF_SIGN:
		return p * ((a > b) - (a < b));
	}
	abort();
}

/* y, zero before, gets the sum of x over the axes where it has size 1. */
static inline void naive_sum_to(struct array *y, const struct array *x)
{
	EACH_PLACE(&x->d, n, c, h, w)
	y->v[at(&y->d, n, c, h, w)] += x->v[at(&x->d, n, c, h, w)];
}

/* ---- normalisation ---- */

/* (N,C) statistics: which group's, by position in an array of dims g. */
static inline struct xl_dims naive_groups(const struct xl_dims *d, enum xl_norm kind)
{
	if (kind == XL_NORM_INSTANCE)
		return (struct xl_dims){d->n, d->c, 1, 1, 1};
	if (kind == XL_NORM_LAYER)
		return (struct xl_dims){d->n, 1, 1, 1, 1};
	return (struct xl_dims){1, d->c, 1, 1, 1};
}

/* mean and 1/sqrt(var + eps) of each group, in two passes; to be freed */
static inline void naive_moments(struct array *mean, struct array *inv, const struct array *x,
				 enum xl_norm kind, double eps)
{
	const struct xl_dims g = naive_groups(&x->d, kind);
	const double count = (double)(xl_dims_count(&x->d) / xl_dims_count(&g));

	*mean = array_zeros(g);
	*inv = array_zeros(g);
	naive_sum_to(mean, x);
	for (int64_t i = 0; i < xl_dims_count(&g); i++)
		mean->v[i] /= count;
	EACH_PLACE(&x->d, n, c, h, w)
	{
		const int64_t i = at(&g, n, c, h, w);
		const double e = x->v[at(&x->d, n, c, h, w)] - mean->v[i];
		inv->v[i] += e * e / count;
	}
	for (int64_t i = 0; i < xl_dims_count(&g); i++)
		inv->v[i] = 1 / sqrt(inv->v[i] + eps);
}

/* scale and shift (C), or NULL */
static inline void naive_norm_fwd(struct array *y, const struct array *x, const double *scale,
				  const double *shift, enum xl_norm kind, double eps)
{
	struct array mean, inv;

	naive_moments(&mean, &inv, x, kind, eps);
	EACH_PLACE(&x->d, n, c, h, w)
	{
		const int64_t i = at(&x->d, n, c, h, w), g = at(&mean.d, n, c, h, w);
		y->v[i] = (x->v[i] - mean.v[g]) * inv.v[g];
		if (scale)
			y->v[i] = y->v[i] * scale[c] + shift[c];
	}
	array_free(&mean);
	array_free(&inv);
}

/* gx = inv (g' - mean g' - xhat mean(g' xhat)), g' = scale gy; gscale, gshift zero before */
static inline void naive_norm_bwd(struct array *gx, double *gscale, double *gshift,
				  const struct array *gy, const struct array *x,
				  const double *scale, enum xl_norm kind, double eps)
{
	struct array mean, inv;

	naive_moments(&mean, &inv, x, kind, eps);
	const double count = (double)(xl_dims_count(&x->d) / xl_dims_count(&mean.d));
	struct array sg = array_zeros(mean.d), sgx = array_zeros(mean.d);
	for (int pass = 0; pass < 2; pass++)
		EACH_PLACE(&x->d, n, c, h, w)
		{
			const int64_t i = at(&x->d, n, c, h, w), g = at(&mean.d, n, c, h, w);
			const double xhat = (x->v[i] - mean.v[g]) * inv.v[g];
			const double gs = gy->v[i] * (scale ? scale[c] : 1);
			if (pass == 1) {
				gx->v[i] = inv.v[g] * (gs - sg.v[g] - xhat * sgx.v[g]);
				continue;
			}
			sg.v[g] += gs / count;
			sgx.v[g] += gs * xhat / count;
			gscale[c] += gy->v[i] * xhat;
			gshift[c] += gy->v[i];
		}
	array_free(&sg);
	array_free(&sgx);
	array_free(&mean);
	array_free(&inv);
}

/* ---- enlargement ---- */

/* The weight of input i in output o along one axis of n, enlarged s times:
 * nearest for s = 2, bilinear with half-pixel centres for s = 4. */
static inline double naive_up_weight(int o, int i, int n, int s)
{
	if (s == 2)
		return o / 2 == i;
	const double f = fmax((o + 0.5) / s - 0.5, 0);
	const int i0 = (int)f, i1 = i0 + 1 < n ? i0 + 1 : n - 1;
	const double t = f - i0;
	return (i == i0 ? 1 - t : 0) + (i == i1 ? t : 0);
}

/* big = the enlargement of small, or, to_small, small += its adjoint of big */
static inline void naive_up(struct array *big, struct array *small, int s, bool to_small)
{
	const struct xl_dims *d = &small->d;

	EACH_PLACE(&big->d, n, c, h, w)
	{
		double *y = big->v + at(&big->d, n, c, h, w), t = 0;
		for (int i = 0; i < d->h; i++)
			for (int j = 0; j < d->w; j++) {
				double *x = small->v + at(d, n, c, i, j);
				const double k = naive_up_weight(h, i, d->h, s) *
						 naive_up_weight(w, j, d->w, s);
				t += k * *x;
				if (to_small)
					*x += k * *y;
			}
		if (!to_small)
			*y = t;
	}
}

/* ---- means of windows ---- */

/* y, zero before, gets the means of the k x k windows of x, or, to_x, x += the
 * adjoint of y. A window of 3 begins one pixel before the map. */
static inline void naive_avgpool(struct array *y, struct array *x, int k, bool to_x)
{
	EACH_PLACE(&y->d, n, c, h, w)
	{
		double *py = y->v + at(&y->d, n, c, h, w), sum = 0;
		int count = 0;
		for (int pass = 0; pass < 2; pass++)
			for (int t = 0; t < k * k; t++) {
				const int i = 2 * h + t / k - (k == 3), j = 2 * w + t % k - (k == 3);
				if (i < 0 || j < 0 || i >= x->d.h || j >= x->d.w)
					continue;
				double *px = x->v + (((int64_t)n * x->d.c + c) * x->d.h + i) * x->d.w + j;
				if (pass == 0)
					count++;
				else if (to_x)
					*px += *py / count;
				else
					sum += *px / count;
			}
		if (!to_x)
			*py = sum;
	}
}

/* y = the largest or the mean of the windows of x; padded pixels are -infinity for the
 * largest, and count for XL_MEAN_ALL alone */
static inline void naive_window(struct array *y, const struct array *x, const struct xl_window *w)
{
	EACH_PLACE(&y->d, n, c, h, k)
	{
		double largest = -INFINITY, sum = 0;
		int count = 0;
		for (int t = 0; t < w->k * w->k; t++) {
			const int i = h * w->stride - w->pad + t / w->k;
			const int j = k * w->stride - w->pad + t % w->k;
			const bool is_inside = i >= 0 && j >= 0 && i < x->d.h && j < x->d.w;
			const double v = is_inside ? x->v[at(&x->d, n, c, i, j)] : 0;
			if (is_inside)
				largest = fmax(largest, v);
			sum += v;
			count += is_inside || w->kind == XL_MEAN_ALL;
		}
		y->v[at(&y->d, n, c, h, k)] = w->kind == XL_LARGEST ? largest : sum / count;
	}
}

/* ---- mask smoothness ---- */

/* R1 of masks m (N,1,h,w) and contents c, over all pairs; gm = its gradient */
static inline double naive_r1(double *gm, const struct array *m, const struct array *c)
{
	const int pixels = c->d.h * c->d.w, nc = c->d.c;
	double value = 0;

	for (int n = 0; n < c->d.n; n++) {
		const double *mn = m->v + (int64_t)n * pixels;
		const double *cn = c->v + (int64_t)n * nc * pixels;
		for (int i = 0; i < pixels; i++)
			for (int j = 0; j < pixels; j++) {
				double dot = 0, ii = 0, jj = 0;
				for (int k = 0; k < nc; k++) {
					const double a = cn[k * pixels + i], b = cn[k * pixels + j];
					dot += a * b;
					ii += a * a;
					jj += b * b;
				}
				dot /= fmax(sqrt(ii), 1e-8) * fmax(sqrt(jj), 1e-8);
				dot /= (double)pixels * pixels * c->d.n;
				value += fabs(mn[i] - mn[j]) * dot;
				gm[n * pixels + i] +=
					2 * dot * (double)((mn[i] > mn[j]) - (mn[i] < mn[j]));
			}
	}
	return value;
}

#endif
