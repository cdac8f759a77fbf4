/*
 * resample.c - nearest x2 and bilinear x4 enlargement and their adjoints; one
 * plane of one image is an item of work.
 */
#include <string.h>
#include "core/pool.h"
#include "kernels/kernels.h"

struct resample {
	float *to;
	const float *from;
	const struct xl_dims *d; /* of the small map */
};

static void up2_fwd_item(void *ctx, int64_t plane)
{
	const struct resample *r = ctx;
	const int h = r->d->h, w = r->d->w, b = r->d->b;
	const float *x = r->from + plane * h * w * b;
	float *y = r->to + plane * 4 * h * w * b;

	for (int i = 0; i < h; i++, y += 4 * w * b) {
		for (int j = 0; j < w; j++, x += b)
			for (int l = 0; l < b; l++)
				y[2 * j * b + l] = y[(2 * j + 1) * b + l] = x[l];
		memcpy(y + 2 * w * b, y, (size_t)(2 * w * b) * sizeof *y);
	}
}

void xl_up2_fwd(float *y, const float *x, const struct xl_dims *d)
{
	struct resample r = {y, x, d};
	xl_parallel(up2_fwd_item, &r, (int64_t)d->n * d->c / d->b);
}

static void up2_bwd_item(void *ctx, int64_t plane)
{
	const struct resample *r = ctx;
	const int h = r->d->h, w = r->d->w, b = r->d->b;
	float *gx = r->to + plane * h * w * b;
	const float *gy = r->from + plane * 4 * h * w * b;

	for (int i = 0; i < h; i++, gy += 4 * w * b) {
		const float *g0 = gy, *g1 = gy + 2 * w * b;
		for (int j = 0; j < w; j++, gx += b, g0 += 2 * b, g1 += 2 * b)
			for (int l = 0; l < b; l++)
				gx[l] = (g0[l] + g0[b + l]) + (g1[l] + g1[b + l]);
	}
}

void xl_up2_bwd(float *gx, const float *gy, const struct xl_dims *d)
{
	struct resample r = {gx, gy, d};
	xl_parallel(up2_bwd_item, &r, (int64_t)d->n * d->c / d->b);
}

/* Output d of the x4 enlargement reads i0 and i1 with weights 1 - t and t. */
static void tap4(int d, int n, int *i0, int *i1, float *t)
{
	float f = ((float)d + 0.5f) / 4 - 0.5f;

	if (f < 0)
		f = 0;
	*i0 = (int)f;
	*i1 = *i0 + 1 < n ? *i0 + 1 : n - 1;
	*t = f - (float)*i0;
}

static void up4_fwd_item(void *ctx, int64_t plane)
{
	const struct resample *r = ctx;
	const int h = r->d->h, w = r->d->w, b = r->d->b;
	const float *x = r->from + plane * h * w * b;
	float *y = r->to + plane * 16 * h * w * b;

	for (int i = 0; i < 4 * h; i++) {
		int r0, r1, c0, c1;
		float tr, tc;
		tap4(i, h, &r0, &r1, &tr);
		for (int j = 0; j < 4 * w; j++, y += b) {
			tap4(j, w, &c0, &c1, &tc);
			for (int l = 0; l < b; l++) {
				const float a = (1 - tc) * x[(r0 * w + c0) * b + l] +
						tc * x[(r0 * w + c1) * b + l];
				const float c = (1 - tc) * x[(r1 * w + c0) * b + l] +
						tc * x[(r1 * w + c1) * b + l];
				y[l] = (1 - tr) * a + tr * c;
			}
		}
	}
}

void xl_up4_fwd(float *y, const float *x, const struct xl_dims *d)
{
	struct resample r = {y, x, d};
	xl_parallel(up4_fwd_item, &r, (int64_t)d->n * d->c / d->b);
}

static void up4_bwd_item(void *ctx, int64_t plane)
{
	const struct resample *r = ctx;
	const int h = r->d->h, w = r->d->w, b = r->d->b;
	float *gx = r->to + plane * h * w * b;
	const float *gy = r->from + plane * 16 * h * w * b;

	memset(gx, 0, (size_t)(h * w * b) * sizeof *gx);
	for (int i = 0; i < 4 * h; i++) {
		int r0, r1, c0, c1;
		float tr, tc;
		tap4(i, h, &r0, &r1, &tr);
		for (int j = 0; j < 4 * w; j++, gy += b) {
			tap4(j, w, &c0, &c1, &tc);
			for (int l = 0; l < b; l++) {
				gx[(r0 * w + c0) * b + l] += (1 - tr) * (1 - tc) * gy[l];
				gx[(r0 * w + c1) * b + l] += (1 - tr) * tc * gy[l];
				gx[(r1 * w + c0) * b + l] += tr * (1 - tc) * gy[l];
				gx[(r1 * w + c1) * b + l] += tr * tc * gy[l];
			}
		}
	}
}

void xl_up4_bwd(float *gx, const float *gy, const struct xl_dims *d)
{
	struct resample r = {gx, gy, d};
	xl_parallel(up4_bwd_item, &r, (int64_t)d->n * d->c / d->b);
}
