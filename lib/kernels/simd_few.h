/*
 * simd_few.h - convolutions to at most four channels from blocked maps; called
 * by simd_conv.c only.
 */
#ifndef XL_KERNELS_SIMD_FEW_H
#define XL_KERNELS_SIMD_FEW_H

#include "kernels/simd_vec.h"

enum { XL_FEW = 4 };

/* One convolution over a grid of output pixels, see struct sweep. */
struct xl_few {
	const float *x;
	int64_t x_image, x_row, x_col, x_block;
	int blocks, taps;
	const int64_t *delta;
	const float *w; /* packed: [block][tap][vector][outputs][lane] */
	const float *bias;
	float *y;
	int64_t y_image, y_row, y_col, y_plane;
	int co, n, gh, gw;
};

/* One weight gradient. */
struct xl_few_wgrad {
	float *gw;
	const float *x;     /* padded, blocked */
	const float *plain; /* gradient (n,co,oh,ow) */
	float *gy;          /* scratch (n,oh,ow,4) */
	float *sums;        /* scratch, see xl_few_sums */
	const struct xl_conv2d_dims *d;
	int hp, wp;
};

/*
 * xl_few_pack  - weights for a sweep; w has strides w_co, w_ci, and tap[] offsets
 * xl_few_sweep - y, all of it, for s->co <= XL_FEW
 * xl_few_wgrad - gw (co,ci,kh,kw), all of it; gy and sums are filled on the way
 * xl_few_sums  - how many numbers the sums are
 *
 * Shapes   out: (blocks,taps,XL_FEW,16) at most; x: blocks of 16 channels
 */
void XL_FN(xl_few_pack)(float *out, const float *w, const struct xl_few *s, int64_t w_co,
			int64_t w_ci, const int *tap);
void XL_FN(xl_few_sweep)(const struct xl_few *s);
void XL_FN(xl_few_wgrad)(const struct xl_few_wgrad *g);
int64_t XL_FN(xl_few_sums)(const struct xl_conv2d_dims *d);

#endif
