/*
 * simd_pack.h - weights in the order in which direct convolution reads them; called
 * by simd_conv.c only.
 */
#ifndef XL_KERNELS_SIMD_PACK_H
#define XL_KERNELS_SIMD_PACK_H

#include "kernels/simd_vec.h"

/* Blocks of output channels that a sweep works on at once, where it can. */
enum { XL_PAIR = XL_LANES == 16 ? 2 : 1 };

/* The weights of one sweep: some of the taps of w, or w with its channels swapped. */
struct xl_packing {
	float *out;
	const float *w;
	int co, ci;         /* of the sweep */
	int64_t w_co, w_ci; /* strides of w */
	int lanes, taps;
	const int *tap; /* offsets in w of the taps */
};

/*
 * xl_pack - k->out = the weights of a sweep
 *
 * Shapes   out: [group of XL_PAIR blocks][block of inputs][tap][lane][16 or 32], the
 *          last group 16 wide where a block is left; missing channels are zero
 */
void XL_FN(xl_pack)(const struct xl_packing *k);

#endif
