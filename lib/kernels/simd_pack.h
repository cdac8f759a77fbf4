/*
 * simd_pack.h - weights in the order in which direct convolution reads them; called
 * by simd_conv.c only.
 */
#ifndef XL_KERNELS_SIMD_PACK_H
#define XL_KERNELS_SIMD_PACK_H

#include "core/mem.h"
#include "kernels/simd_vec.h"

/* Blocks of output channels that a sweep works on at once, where it can. */
enum { XL_PAIR = XL_LANES == 16 ? 2 : 1 };

/* xl_packed_count - numbers of the weights of a sweep from ci to co channels */
static inline int64_t xl_packed_count(int co, int ci, int taps)
{
	return xl_round_up(co, XL_BLOCK) * ci * taps;
}

/* xl_phase_taps - taps of k along an axis that meet the padded inputs = r (mod stride) */
static inline int xl_phase_taps(int k, int stride, int r)
{
	return k > r ? (int)xl_div_up(k - r, stride) : 0;
}

/* xl_phase_count - numbers of the weights of phase p, back to the data: rows = p / stride,
 * columns = p % stride (mod stride) */
static inline int64_t xl_phase_count(const struct xl_conv2d_dims *d, int p)
{
	return xl_packed_count(d->ci, d->co,
			       xl_phase_taps(d->kh, d->stride, p / d->stride) *
				       xl_phase_taps(d->kw, d->stride, p % d->stride));
}

/*
 * xl_pack_fwd   - out = the weights of a forward sweep
 * xl_pack_bwd_x - out = those of all phases back to the data, one after another
 *
 * Shapes   w: (co,ci,kh,kw)
 *          out: of a sweep [group of XL_PAIR blocks][block of inputs][tap][lane][16 or
 *          32], the last group 16 wide where a block is left; missing channels are zero
 */
void XL_FN(xl_pack_fwd)(float *out, const float *w, const struct xl_conv2d_dims *d);
void XL_FN(xl_pack_bwd_x)(float *out, const float *w, const struct xl_conv2d_dims *d);

#endif
