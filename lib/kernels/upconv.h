/*
 * upconv.h - "nearest x2, reflect, 5x5" folded onto the small map.
 */
#ifndef XL_KERNELS_UPCONV_H
#define XL_KERNELS_UPCONV_H

#include "kernels/kernels.h"

/*
 * xl_upconv_dims - the convolution of an x enlarged by two, if it can be folded
 *
 * Shapes   x: (n,ci,h,w)   w: (co,ci,5,5)   y: (n,co,2h,2w), padding 2 reflected
 * Returns  true, and *d filled in (d->up = 2), for h, w of 2 and more
 */
bool xl_upconv_dims(struct xl_conv2d_dims *d, const struct xl_dims *x, const struct xl_dims *w);

/*
 * xl_upconv_scratch - bytes of scratch each of the three may use
 * xl_upconv_*       - as xl_kernels.conv2d_*, for dims with up = 2
 *
 * k does the convolutions. Values differ from those of the unfolded form by the
 * rounding of sums of weights.
 */
size_t xl_upconv_scratch(const struct xl_kernels *k, const struct xl_conv2d_dims *d);
void xl_upconv_fwd(const struct xl_kernels *k, float *y, const float *x, const float *w,
		   const float *bias, const struct xl_conv2d_dims *d, float *scratch);
void xl_upconv_bwd_x(const struct xl_kernels *k, float *gx, const float *gy, const float *w,
		     const struct xl_conv2d_dims *d, float *scratch);
void xl_upconv_bwd_w(const struct xl_kernels *k, float *gw, const float *x, const float *gy,
		     const struct xl_conv2d_dims *d, float *scratch);

#endif
