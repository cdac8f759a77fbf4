/*
 * pad.h - padding of maps and its adjoint, inside convolutions only.
 */
#ifndef XL_KERNELS_PAD_H
#define XL_KERNELS_PAD_H

#include "kernels/kernels.h"

/* xl_pad_fwd - y (n,c,h+2p,w+2p) from x of dims d; reflection does not repeat
 * the border: index -k reads k. xl_pad_bwd folds: the adjoint, gx is written. */
void xl_pad_fwd(float *y, const float *x, const struct xl_dims *d, int pad, enum xl_pad_mode mode);
void xl_pad_bwd(float *gx, const float *gy, const struct xl_dims *d, int pad,
		enum xl_pad_mode mode);

/* xl_pad_at - x in a map (n,c,h,w) of zeros, its first pixel at (top, left) */
void xl_pad_at(float *y, const float *x, const struct xl_dims *d, int top, int left, int h, int w);

/* xl_block_pad - plain (n,c,pixels) to blocks of 16, missing channels zero */
void xl_block_pad(float *y, const float *x, int n, int c, int pixels);

#endif
