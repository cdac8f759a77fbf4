/*
 * simd_table.c - the backend of one instruction set as a table.
 */
#include "kernels/simd_vec.h"

extern const struct xl_kernels XL_FN(xl_kernels);

#define XL_STR_(x) #x
#define XL_STR(x) XL_STR_(x)

const struct xl_kernels XL_FN(xl_kernels) = {
	.name = XL_STR(XL_ISA),
	.conv2d_scratch = XL_FN(xl_conv2d_scratch),
	.conv2d_fwd = XL_FN(xl_conv2d_fwd),
	.conv2d_bwd_x = XL_FN(xl_conv2d_bwd_x),
	.conv2d_bwd_w = XL_FN(xl_conv2d_bwd_w),
	.unary = XL_FN(xl_unary),
	.binary = XL_FN(xl_binary),
	.sum_to = XL_FN(xl_sum_to),
	.sum_squares = XL_FN(xl_sum_squares),
	.norm_fwd = XL_FN(xl_norm_fwd),
	.norm_again = XL_FN(xl_norm_again),
	.norm_bwd = XL_FN(xl_norm_bwd),
	.blend_fwd = XL_FN(xl_blend_fwd),
	.blend_bwd = XL_FN(xl_blend_bwd),
	.adam = XL_FN(xl_adam),
};
