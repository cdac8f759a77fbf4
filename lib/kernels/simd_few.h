/*
 * simd_few.h - weight gradients of convolutions to at most four channels from blocked
 * maps; called by simd_conv.c only.
 */
#ifndef XL_KERNELS_SIMD_FEW_H
#define XL_KERNELS_SIMD_FEW_H

#include "kernels/simd_vec.h"

enum { XL_FEW = 4 };

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
 * xl_few_wgrad - gw (co,ci,kh,kw), all of it, for co <= XL_FEW; gy and sums are filled
 *                on the way
 * xl_few_sums  - how many numbers the sums are
 */
void XL_FN(xl_few_wgrad)(const struct xl_few_wgrad *g);
int64_t XL_FN(xl_few_sums)(const struct xl_conv2d_dims *d);

#endif
