/*
 * depth.h - a strided convolution of few channels as one of stride 1 of more: every
 * st x st square of the padded input becomes one pixel of st st times the channels.
 * Inside convolutions only.
 */
#ifndef XL_KERNELS_DEPTH_H
#define XL_KERNELS_DEPTH_H

#include "kernels/kernels.h"

/*
 * xl_depth_dims    - *deep = the dims of that convolution; false where the stride
 *                    does not divide the kernel and the padded input, or is 1
 * xl_depth_weights - its weights
 * xl_depth_back    - the padded input from its pixels
 *
 * Shapes   deep: ci st st channels, numbered (row in the square, column, channel)
 *          to: (co,deep ci,deep kh,deep kw)   w: as of d
 *          padded: (n,ci,h+2 pad_h,w+2 pad_w) plain
 *          pixels: (n,deep ci,deep h,deep w) map
 */
bool xl_depth_dims(struct xl_conv2d_dims *deep, const struct xl_conv2d_dims *d);
void xl_depth_weights(float *to, const float *w, const struct xl_conv2d_dims *d);
void xl_depth_back(float *padded, const float *pixels, const struct xl_conv2d_dims *d);

#endif
