/*
 * pad.h - padding of maps and its adjoint, inside convolutions only.
 */
#ifndef XL_KERNELS_PAD_H
#define XL_KERNELS_PAD_H

#include "kernels/kernels.h"

/*
 * xl_pad_fwd  - y = x with a border of pad_h rows and pad_w columns
 * xl_pad_bwd  - its adjoint, which folds the border back; gx is written
 * xl_pad_fold - its second half: what lies inside is in gx already, and the border of
 *               gy is added; not for zeros
 *
 * Reflection does not repeat the border: index -k reads k.
 * Shapes   x, gx: of dims d; y, gy: (n,c,h+2 pad_h,w+2 pad_w)
 */
void xl_pad_fwd(float *y, const float *x, const struct xl_dims *d, int pad_h, int pad_w,
		enum xl_pad_mode mode);
void xl_pad_bwd(float *gx, const float *gy, const struct xl_dims *d, int pad_h, int pad_w,
		enum xl_pad_mode mode);
void xl_pad_fold(float *gx, const float *gy, const struct xl_dims *d, int pad_h, int pad_w,
		 enum xl_pad_mode mode);

/* xl_pad_source - what index i of a padded axis of n reads, 0 the first of it; -1
 * where that is zero */
int xl_pad_source(int i, int n, enum xl_pad_mode mode);

/* xl_block_pad - plain x (n,c,pixels) to y, blocks (n,c/16 rounded up,pixels,16),
 * missing channels zero */
void xl_block_pad(float *y, const float *x, int n, int c, int pixels);

#endif
