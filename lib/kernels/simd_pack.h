/*
 * simd_pack.h - weights in the order in which direct convolution reads them; called
 * by simd_sweep.c only.
 */
#ifndef XL_KERNELS_SIMD_PACK_H
#define XL_KERNELS_SIMD_PACK_H

#include "kernels/simd_sweep.h"

/* Blocks of output channels that a sweep works on at once, where it can. */
enum { XL_PAIR = XL_LANES == 16 ? 2 : 1 };

/*
 * xl_pack     - out = the weights of a sweep, output channels as lanes
 * xl_pack_few - the same with input channels as lanes, for `outs` channels of output
 *
 * Shapes   out: [group of XL_PAIR blocks][block of inputs][tap][lane][16 or 32], the
 *          last group 16 wide where a block is left;
 *          of few: [block of inputs][tap][vector][outs][lane]
 *          Missing channels are zero.
 * Threads  xl_pack splits over groups
 */
void XL_FN(xl_pack)(float *out, const struct xl_sweep *s);
void XL_FN(xl_pack_few)(float *out, const struct xl_sweep *s, int outs);

#endif
