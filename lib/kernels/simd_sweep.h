/*
 * simd_sweep.h - direct convolution from map to map, forward or back to the data;
 * called by simd_conv.c only.
 */
#ifndef XL_KERNELS_SIMD_SWEEP_H
#define XL_KERNELS_SIMD_SWEEP_H

#include "kernels/reach.h"
#include "kernels/simd_vec.h"

/* One convolution; back, x and y are the gradients of its output and its input. */
struct xl_sweep {
	struct xl_axis rows, cols; /* of y */
	int n, ci, co;             /* channels of x and of y */
	const float *x;            /* map (n,ci,rows.of,cols.of) */
	const float *w;            /* of channels i to o: a run of taps, at o w_co + i w_ci */
	int64_t w_co, w_ci;
	const float *bias; /* (co) or NULL */
	float *y;          /* map (n,co,rows.n,cols.n) */
};

/*
 * xl_sweep         - y, all of it
 * xl_sweep_scratch - bytes of scratch that takes
 */
void XL_FN(xl_sweep)(const struct xl_sweep *s, void *scratch);
size_t XL_FN(xl_sweep_scratch)(const struct xl_sweep *s);

#endif
