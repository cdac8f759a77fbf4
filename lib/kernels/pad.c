/*
 * pad.c - padding by reflection or zeros, its fold, and the blocking of plain
 * maps; one plane of one image is an item of work.
 */
#include <assert.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/pad.h"

struct pad {
	float *y;
	const float *x;
	const struct xl_dims *d;
	int top, left, h, w;
	enum xl_pad_mode mode;
};

int xl_pad_source(int i, int n, enum xl_pad_mode mode)
{
	if (i >= 0 && i < n)
		return i;
	switch (mode) {
	case XL_PAD_REFLECT:
		return i < 0 ? -i : 2 * (n - 1) - i;
	case XL_PAD_EDGE:
		return i < 0 ? 0 : n - 1;
	case XL_PAD_ZERO:
		break;
	}
	return -1;
}

/* Most pixels are one block: of a size that the compiler knows. */
static void copy_pixel(float *y, const float *x, int b)
{
	if (b == XL_BLOCK)
		memcpy(y, x, XL_BLOCK * sizeof *y);
	else
		memcpy(y, x, (size_t)b * sizeof *y);
}

static void pad_row(float *y, const float *x, const struct pad *p)
{
	const struct xl_dims *d = p->d;
	const size_t pixel = (size_t)d->b * sizeof *y;
	const int right = p->w - p->left - d->w;

	memcpy(y + p->left * d->b, x, (size_t)d->w * pixel);
	if (p->mode == XL_PAD_ZERO) {
		memset(y, 0, (size_t)p->left * pixel);
		memset(y + (p->left + d->w) * d->b, 0, (size_t)right * pixel);
		return;
	}
	for (int i = 1; i <= p->left; i++)
		copy_pixel(y + (p->left - i) * d->b, x + xl_pad_source(-i, d->w, p->mode) * d->b,
			   d->b);
	for (int i = 0; i < right; i++)
		copy_pixel(y + (p->left + d->w + i) * d->b,
			   x + xl_pad_source(d->w + i, d->w, p->mode) * d->b, d->b);
}

static void pad_plane(void *ctx, int64_t plane)
{
	const struct pad *p = ctx;
	const struct xl_dims *d = p->d;
	float *y = p->y + plane * p->h * p->w * d->b;
	const float *x = p->x + plane * d->h * d->w * d->b;

	for (int r = 0; r < p->h; r++) {
		const int i = xl_pad_source(r - p->top, d->h, p->mode);
		float *row = y + (int64_t)r * p->w * d->b;
		if (i < 0)
			memset(row, 0, (size_t)p->w * (size_t)d->b * sizeof *row);
		else
			pad_row(row, x + (int64_t)i * d->w * d->b, p);
	}
}

void xl_pad_fwd(float *y, const float *x, const struct xl_dims *d, int pad_h, int pad_w,
		enum xl_pad_mode mode)
{
	struct pad p = {y, x, d, pad_h, pad_w, d->h + 2 * pad_h, d->w + 2 * pad_w, mode};
	assert(mode != XL_PAD_REFLECT || (pad_h < d->h && pad_w < d->w));
	xl_parallel(pad_plane, &p, (int64_t)d->n * d->c / d->b);
}

/* gx += the border of one row, folded */
static void fold_row(float *gx, const float *gy, int from, int to, const struct pad *p)
{
	const struct xl_dims *d = p->d;

	for (int i = from; i < to; i++) {
		float *g = gx + xl_pad_source(i - p->left, d->w, p->mode) * d->b;
		for (int l = 0; l < d->b; l++)
			g[l] += gy[i * d->b + l];
	}
}

static void fold_plane(void *ctx, int64_t plane)
{
	const struct pad *p = ctx;
	const struct xl_dims *d = p->d;
	float *gx = p->y + plane * d->h * d->w * d->b;
	const float *gy = p->x + plane * p->h * p->w * d->b;

	for (int r = 0; r < p->h; r++) {
		const bool inside = r >= p->top && r < p->top + d->h;
		const float *row = gy + (int64_t)r * p->w * d->b;
		float *to = gx + (int64_t)xl_pad_source(r - p->top, d->h, p->mode) * d->w * d->b;
		fold_row(to, row, 0, inside ? p->left : p->w, p);
		if (inside)
			fold_row(to, row, p->left + d->w, p->w, p);
	}
}

void xl_pad_fold(float *gx, const float *gy, const struct xl_dims *d, int pad_h, int pad_w,
		 enum xl_pad_mode mode)
{
	struct pad p = {gx, gy, d, pad_h, pad_w, d->h + 2 * pad_h, d->w + 2 * pad_w, mode};
	assert(mode != XL_PAD_ZERO);
	xl_parallel(fold_plane, &p, (int64_t)d->n * d->c / d->b);
}

static void crop_plane(void *ctx, int64_t plane)
{
	const struct pad *p = ctx;
	const struct xl_dims *d = p->d;
	float *gx = p->y + plane * d->h * d->w * d->b;
	const float *gy = p->x + (plane * p->h + p->top) * p->w * d->b + p->left * d->b;

	for (int r = 0; r < d->h; r++)
		memcpy(gx + (int64_t)r * d->w * d->b, gy + (int64_t)r * p->w * d->b,
		       (size_t)d->w * (size_t)d->b * sizeof *gx);
}

void xl_pad_bwd(float *gx, const float *gy, const struct xl_dims *d, int pad_h, int pad_w,
		enum xl_pad_mode mode)
{
	struct pad p = {gx, gy, d, pad_h, pad_w, d->h + 2 * pad_h, d->w + 2 * pad_w, mode};
	xl_parallel(crop_plane, &p, (int64_t)d->n * d->c / d->b);
	if (mode != XL_PAD_ZERO)
		xl_pad_fold(gx, gy, d, pad_h, pad_w, mode);
}

struct blocking {
	float *y;
	const float *x;
	int c, pixels;
};

static void block_item(void *ctx, int64_t n)
{
	const struct blocking *k = ctx;
	const int blocks = (int)xl_div_up(k->c, XL_BLOCK);
	const float *x = k->x + n * k->c * k->pixels;

	for (int b = 0; b < blocks; b++) {
		float *y = k->y + (n * blocks + b) * k->pixels * XL_BLOCK;
		for (int i = 0; i < k->pixels; i++)
			for (int l = 0; l < XL_BLOCK; l++) {
				const int c = b * XL_BLOCK + l;
				y[(int64_t)i * XL_BLOCK + l] =
					c < k->c ? x[(int64_t)c * k->pixels + i] : 0;
			}
	}
}

void xl_block_pad(float *y, const float *x, int n, int c, int pixels)
{
	struct blocking k = {y, x, c, pixels};
	xl_parallel(block_item, &k, n);
}
