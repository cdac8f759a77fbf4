/*
 * simd_line.h - convolutions along a line with fewer multiplications, forward only;
 * called by simd_table.c.
 */
#ifndef XL_KERNELS_SIMD_LINE_H
#define XL_KERNELS_SIMD_LINE_H

#include "kernels/simd_vec.h"

/* xl_line_suits - whether d is best computed this way, under the setting xl_winograd();
 * it does not depend on d->n. The others are for such d only, and as the entries of
 * struct xl_kernels. */
bool XL_FN(xl_line_suits)(const struct xl_conv2d_dims *d);
size_t XL_FN(xl_line_scratch)(const struct xl_conv2d_dims *d);
void XL_FN(xl_line_fwd)(float *y, const float *x, const float *w, const float *bias,
			const struct xl_conv2d_dims *d, void *scratch);

#endif
