/*
 * simd_wino.h - 3x3 convolutions of stride 1 with fewer multiplications, by
 * Winograd's minimal filtering: the entries (simd_wino.c), the steps they consist of
 * (simd_wino_tiles.c), and the matrix products between (simd_wino_gemm.c).
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

/* ---- between the files ---- */

enum { XL_WINO_TAPS = 3, XL_WINO_POINTS = 6 /* along an axis, at most */ };

/*
 * Matrices, one for each point. One of (rows, cols) is stored in panels of 16
 * columns, [cols/16][rows][16]; `panel` floats lie between two panels, `point`
 * between two matrices.
 */
struct xl_panels {
	float *p;
	int64_t panel, point;
};

/* One convolution, and the band of it at work. */
struct xl_wino {
	const struct xl_conv2d_dims *d;
	const float *x, *w, *bias, *gy; /* given */
	float *y, *gx, *gw;             /* wanted */
	int m;                          /* outputs of a tile along an axis, 2 or 4 */
	int th, tw;                     /* tiles of one image */
	int row0, rows;                 /* the band: rows of tiles, through the batch */
	/* what the rows (in pixels) and columns of all tiles show of x; -1: zero */
	int *row_at, *col_at;
	/* at the points: weights (ci,co) or turned (co,ci); tiles of x, tiles of y */
	struct xl_panels u, tx, ty;
};

/*
 * Steps, in items: of planes, one for each block of 16 channels of each image that
 * has tiles in the band, or of weights, one for each 16 outputs times 16 inputs.
 *
 * xl_wino_read_x     - tx from x; planes of ci
 * xl_wino_add_gx     - gx from tx, all of it with the last band; planes of ci
 * xl_wino_read_gy    - ty from gy; planes of co
 * xl_wino_write_y    - y from ty, and bias; planes of co
 * xl_wino_read_w     - u from w
 * xl_wino_turn_w     - u, turned, from w
 * xl_wino_write_gw   - gw from u, turned
 */
void XL_FN(xl_wino_read_x)(const struct xl_wino *k, int64_t item);
void XL_FN(xl_wino_add_gx)(const struct xl_wino *k, int64_t item);
void XL_FN(xl_wino_read_gy)(const struct xl_wino *k, int64_t item);
void XL_FN(xl_wino_write_y)(const struct xl_wino *k, int64_t item);
void XL_FN(xl_wino_read_w)(const struct xl_wino *k, int64_t item);
void XL_FN(xl_wino_turn_w)(const struct xl_wino *k, int64_t item);
void XL_FN(xl_wino_write_gw)(const struct xl_wino *k, int64_t item);

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
