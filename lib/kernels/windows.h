/*
 * windows.h - the largest, or the mean, of square windows of a map: pooling as
 * published networks have it, with every rule of borders they use.
 */
#ifndef XL_KERNELS_WINDOWS_H
#define XL_KERNELS_WINDOWS_H

#include "kernels/kernels.h"

/* What counts of a window that reaches beyond the map: for the largest, and for
 * XL_MEAN_INSIDE, what is inside; for XL_MEAN_ALL, zeros for the rest. */
enum xl_window_kind { XL_LARGEST, XL_MEAN_INSIDE, XL_MEAN_ALL };

/* Window i begins at pixel i stride - pad; pad < k. With is_ceil there is one more
 * where pixels are left over, if it begins inside the map; not for XL_MEAN_ALL. */
struct xl_window {
	enum xl_window_kind kind;
	int k, stride, pad;
	bool is_ceil;
};

/* xl_window_count - windows along an axis of n pixels; 0 where not one fits */
int xl_window_count(const struct xl_window *w, int n);

/* The part of a window that is inside the map, and 1 / what a mean divides by. */
struct xl_window_part {
	int top, left, bottom, right;
	float share;
};

static inline int xl_window_within(int i, int n)
{
	return i < 0 ? 0 : i > n ? n : i;
}

/* xl_window_part - of window i down and j across of a map of dims d */
static inline struct xl_window_part xl_window_part(const struct xl_window *w,
						   const struct xl_dims *d, int i, int j)
{
	const int top = i * w->stride - w->pad, left = j * w->stride - w->pad;
	struct xl_window_part s = {xl_window_within(top, d->h), xl_window_within(left, d->w),
				   xl_window_within(top + w->k, d->h),
				   xl_window_within(left + w->k, d->w), 0};
	const int inside = (s.bottom - s.top) * (s.right - s.left);

	s.share = 1.0f / (float)(w->kind == XL_MEAN_ALL ? w->k * w->k : inside);
	return s;
}

/*
 * xl_window_fwd  - y = the largest or the mean of each window of x
 * xl_window_bwd  - its adjoint at x, applied to gy; gx is written. Of equal values the
 *                  first, by rows, is the largest; NaN is larger than any.
 * xl_window_pick - XL_LARGEST only: y = of each window of v, the pixel where x is
 *                  largest; the adjoint of xl_window_bwd in gy
 *
 * Shapes   x, gx, v: of dims d; y, gy: (n,c,xl_window_count(h),xl_window_count(w)). x
 *          is not read for means, and may be NULL
 * Errors   none
 * Threads  splits over planes; bits do not depend on the thread count
 */
void xl_window_fwd(float *y, const float *x, const struct xl_dims *d, const struct xl_window *w);
void xl_window_bwd(float *gx, const float *gy, const float *x, const struct xl_dims *d,
		   const struct xl_window *w);
void xl_window_pick(float *y, const float *v, const float *x, const struct xl_dims *d,
		    const struct xl_window *w);

#endif
