/*
 * simd_wgrad.h - the weight gradient of direct convolution; called by simd_conv.c
 * only.
 */
#ifndef XL_KERNELS_SIMD_WGRAD_H
#define XL_KERNELS_SIMD_WGRAD_H

#include "kernels/simd_vec.h"

/*
 * xl_wgrad - the adjoint of the weights of a convolution; gw is written
 *
 * Shapes   gw: (co,ci,kh,kw)
 *          x: the padded input, (n,ci,h+2 pad_h,w+2 pad_w) map
 *          gy: (n,co,oh,ow) in blocks of 16, missing channels zero
 */
void XL_FN(xl_wgrad)(float *gw, const float *x, const float *gy, const struct xl_conv2d_dims *d);

#endif
