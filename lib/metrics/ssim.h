/*
 * ssim.h - structural similarity of two images.
 */
#ifndef XL_METRICS_SSIM_H
#define XL_METRICS_SSIM_H

#include <stdbool.h>
#include "xl.h"

enum xl_ssim_window {
	XL_SSIM_UNIFORM7, /* 7x7 box, sample covariance */
	XL_SSIM_GAUSS11,  /* 11x11 Gaussian, sigma 1.5, population covariance */
	XL_SSIM_GAUSS11S, /* the same, sample covariance */
	XL_SSIM_WINDOWS
};

/* xl_ssim_name - "uniform7"; xl_ssim_size - side of the window in pixels */
const char *xl_ssim_name(enum xl_ssim_window w);
int xl_ssim_size(enum xl_ssim_window w);

/*
 * xl_ssim - similarity of a and b, one number for each window
 *
 *   S = (2 ux uy + C1) (2 vxy + C2) / ((ux^2 + uy^2 + C1) (vx + vy + C2))
 *   out = mean of S where the window lies fully inside, then over channels
 *
 * Source   Wang et al. 2004, eq. 13, K1 0.01, K2 0.03; uniform7 as scikit-image
 * Shapes   out: (n)   a, b: (C,H,W), equal; luma needs C = 3
 * Units    a, b: |u1 0..255, range L = 255; out -1..1, 1 for equal images
 * Errors   0, or -1 with xl_err set: smaller than a window, no memory
 * Threads  splits over windows and channels; bits do not depend on the count
 */
int xl_ssim(double *out, const struct xl_tensor *a, const struct xl_tensor *b,
	    const enum xl_ssim_window *windows, int n, bool luma);

#endif
