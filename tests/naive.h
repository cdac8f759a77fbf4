/*
 * naive.h - the references kernels are tested against: plain NCHW, double, one
 * obvious loop each, sharing no code with the library.
 */
#ifndef XL_TESTS_NAIVE_H
#define XL_TESTS_NAIVE_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "kernels/kernels.h"

/* A number in -1..1 from a position: smooth series would hide index errors. */
static inline double noise(uint32_t seed, int64_t i)
{
	uint32_t h = (uint32_t)i * 2654435761u + seed * 40503u;
	h ^= h >> 15;
	h *= 2246822519u;
	h ^= h >> 13;
	return (double)h / 2147483648.0 - 1;
}

static inline void fill(float *x, int64_t n, uint32_t seed)
{
	for (int64_t i = 0; i < n; i++)
		x[i] = (float)noise(seed, i);
}

/* The value of padded x at (r, c), rows and columns possibly outside. */
static inline double padded(const float *plane, int h, int w, int r, int c, enum xl_pad_mode mode)
{
	if (mode == XL_PAD_ZERO && (r < 0 || c < 0 || r >= h || c >= w))
		return 0;
	r = r < 0 ? -r : r >= h ? 2 * h - 2 - r : r;
	c = c < 0 ? -c : c >= w ? 2 * w - 2 - c : c;
	return (double)plane[r * w + c];
}

/* y (n,co,oh,ow) in double; also the sums of |terms|, for a scale of errors. */
static inline void naive_conv2d(double *y, const float *x, const float *w, const float *bias,
                                const struct xl_conv2d_dims *d)
{
	for (int n = 0; n < d->n; n++)
		for (int o = 0; o < d->co; o++)
			for (int r = 0; r < d->oh; r++)
				for (int c = 0; c < d->ow; c++) {
					double t = bias ? (double)bias[o] : 0;
					for (int i = 0; i < d->ci; i++)
						for (int u = 0; u < d->kh; u++)
							for (int v = 0; v < d->kw; v++)
								t += (double)w[((o * d->ci + i) * d->kh + u) * d->kw + v] *
								     padded(x + (int64_t)(n * d->ci + i) * d->h * d->w, d->h,
								            d->w, r * d->stride + u - d->pad,
								            c * d->stride + v - d->pad, d->mode);
					y[((int64_t)(n * d->co + o) * d->oh + r) * d->ow + c] = t;
				}
}

/* Largest difference relative to the largest magnitude; prints the worst. */
static inline double worst(const char *what, const float *got, const double *want, int64_t n)
{
	double scale = 1e-30, bad = 0;
	int64_t at = 0;

	for (int64_t i = 0; i < n; i++)
		if (fabs(want[i]) > scale)
			scale = fabs(want[i]);
	for (int64_t i = 0; i < n; i++) {
		const double e = fabs((double)got[i] - want[i]) / scale;
		if (!(e <= bad)) {
			bad = e;
			at = i;
		}
	}
	if (!(bad < 1e-5))
		fprintf(stderr, "%s: element %lld: got %.9g, want %.9g (relative %.2g)\n", what,
		        (long long)at, (double)got[at], want[at], bad);
	return bad;
}

#endif
