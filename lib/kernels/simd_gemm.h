/*
 * simd_gemm.h - convolutions as products with the weights where they lie; called
 * by simd_conv.c only.
 */
#ifndef XL_KERNELS_SIMD_GEMM_H
#define XL_KERNELS_SIMD_GEMM_H

#include "kernels/simd_vec.h"

/*
 * xl_gemm_scratch - bytes of scratch that bwd_x, or that each of the others may use
 * xl_gemm_*       - as xl_kernels.conv2d_*; input channels in blocks
 */
size_t XL_FN(xl_gemm_scratch)(const struct xl_conv2d_dims *d, bool bwd_x);
void XL_FN(xl_gemm_fwd)(float *y, const float *x, const float *w, const float *bias,
			const struct xl_conv2d_dims *d, void *scratch);
void XL_FN(xl_gemm_bwd_x)(float *gx, const float *gy, const float *w,
			  const struct xl_conv2d_dims *d, void *scratch);
void XL_FN(xl_gemm_bwd_w)(float *gw, const float *x, const float *gy,
			  const struct xl_conv2d_dims *d, void *scratch);

#endif
