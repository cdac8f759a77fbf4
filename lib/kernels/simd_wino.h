/*
 * simd_wino.h - 3x3 convolutions of stride 1 with fewer multiplications, by
 * Winograd's minimal filtering, and the matrix products that they consist of.
 */
#ifndef XL_KERNELS_SIMD_WINO_H
#define XL_KERNELS_SIMD_WINO_H

#include "kernels/simd_vec.h"

/* xl_wino_suits - whether d is best computed this way, under the setting
 * xl_winograd(); it does not depend on d->n. The others are for such d only, and
 * as the entries of struct xl_kernels. */
bool XL_FN(xl_wino_suits)(const struct xl_conv2d_dims *d);
size_t XL_FN(xl_wino_scratch)(const struct xl_conv2d_dims *d);
void XL_FN(xl_wino_fwd)(float *y, const float *x, const float *w, const float *bias,
			const struct xl_conv2d_dims *d, void *scratch);
void XL_FN(xl_wino_bwd_x)(float *gx, const float *gy, const float *w,
			  const struct xl_conv2d_dims *d, void *scratch);
void XL_FN(xl_wino_bwd_w)(float *gw, const float *x, const float *gy,
			  const struct xl_conv2d_dims *d, void *scratch);

/*
 * Matrices, one for each point. One of (rows, cols) is stored in panels of 16
 * columns, [cols/16][rows][16]; `panel` floats lie between two panels, `point`
 * between two matrices.
 */
struct xl_panels {
	float *p;
	int64_t panel, point;
};

/*
 * xl_wino_gemm - c = a b for every point, or c += a b
 *
 * Shapes   c: (rows, cols)  b: (depth, cols)  a: (rows, depth), or (depth, rows)
 *          where a_turned is set; rows (if a_turned), depth (if not) and cols are
 *          multiples of 16
 * Threads  split over points and columns; every sum runs through depth in order
 */
struct xl_wino_gemm {
	struct xl_panels c, a, b;
	int points, rows, depth, cols;
	bool a_turned, add;
};
void XL_FN(xl_wino_gemm)(const struct xl_wino_gemm *g);

#endif
