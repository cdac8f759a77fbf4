/*
 * simd_table.c - the backend of one instruction set as a table, and which
 * convolutions go by Winograd.
 */
#include "kernels/simd_line.h"
#include "kernels/simd_wino.h"

extern const struct xl_kernels XL_FN(xl_kernels);

#define XL_STR_(x) #x
#define XL_STR(x) XL_STR_(x)

/* Lines are forward only. */
static size_t conv2d_scratch(const struct xl_conv2d_dims *d)
{
	const size_t line = XL_FN(xl_line_suits)(d) ? XL_FN(xl_line_scratch)(d) : 0;
	const size_t both =
		(XL_FN(xl_wino_suits)(d) ? XL_FN(xl_wino_scratch) : XL_FN(xl_conv2d_scratch))(d);

	return line > both ? line : both;
}

static void conv2d_fwd(float *y, const float *x, const float *w, const float *bias,
		       const struct xl_conv2d_dims *d, void *scratch)
{
	(XL_FN(xl_wino_suits)(d)   ? XL_FN(xl_wino_fwd)
	 : XL_FN(xl_line_suits)(d) ? XL_FN(xl_line_fwd)
				   : XL_FN(xl_conv2d_fwd))(y, x, w, bias, d, scratch);
}

static void conv2d_bwd_x(float *gx, const float *gy, const float *w, const struct xl_conv2d_dims *d,
			 void *scratch)
{
	(XL_FN(xl_wino_suits)(d) ? XL_FN(xl_wino_bwd_x) : XL_FN(xl_conv2d_bwd_x))(gx, gy, w, d,
										  scratch);
}

static void conv2d_bwd_w(float *gw, const float *x, const float *gy, const struct xl_conv2d_dims *d,
			 void *scratch)
{
	(XL_FN(xl_wino_suits)(d) ? XL_FN(xl_wino_bwd_w) : XL_FN(xl_conv2d_bwd_w))(gw, x, gy, d,
										  scratch);
}

const struct xl_kernels XL_FN(xl_kernels) = {
	.name = XL_STR(XL_ISA),
	.conv2d_scratch = conv2d_scratch,
	.conv2d_fwd = conv2d_fwd,
	.conv2d_bwd_x = conv2d_bwd_x,
	.conv2d_bwd_w = conv2d_bwd_w,
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
	.window_plane = XL_FN(xl_window_plane),
	.chase = XL_FN(xl_chase),
};
