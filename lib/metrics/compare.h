/*
 * compare.h - what separates two images: SSIM, PSNR, mean absolute error, and
 * that error inside and outside a mask; of one pair, and over a stream.
 */
#ifndef XL_METRICS_COMPARE_H
#define XL_METRICS_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "metrics/moments.h"
#include "metrics/ssim.h"
#include "metrics/values.h"
#include "xl.h"

/* The windows of SSIM that are reported, in this order. */
enum { XL_COMPARE_WINDOWS = 2 };
extern const enum xl_ssim_window xl_compare_windows[XL_COMPARE_WINDOWS];

enum { XL_CLOSE = 100 }; /* of 765: what still passes for the same of flat colours */

/* Errors of one pair. The sums weigh each pixel by the mask, or by 1 - mask. */
struct xl_errors {
	double mse;   /* 0..65025 */
	double psnr;  /* dB, range 255; infinite for equal images */
	double mae;   /* 0..1 */
	double close; /* share of pixels that differ by XL_CLOSE or less */
	bool has_mask;
	double inside_sum, inside_weight;
	double outside_sum, outside_weight;
};

/* The same over many pairs. Start from all zeroes. */
struct xl_compare {
	struct xl_moments ssim[XL_COMPARE_WINDOWS];
	struct xl_moments psnr; /* of pairs that differ */
	struct xl_moments mae, close;
	int64_t identical; /* pairs without any difference, left out of psnr */
	int64_t masked;    /* pairs with a mask */
	double inside_sum, inside_weight;
	double outside_sum, outside_weight;
};

/*
 * xl_compare_image - the image of a record: out if it has one, else x
 *
 * Shapes   result: (3,H,W) |u1, neither H nor W zero
 * Units    0..255; floats are read as -1..1 and rounded as for a picture file
 * Owns     the caller frees it
 * Errors   NULL with xl_err set: neither tensor, another shape or type, values
 *          that are not finite
 */
struct xl_tensor *xl_compare_image(const struct xl_record *r);

/*
 * xl_compare_stretched - the same, with its least value over all channels moved to 0
 * and its greatest to 255 before it is rounded; an image of one value stays as it is
 *
 * Source   how the program of Ma et al. 2019 saves what it measures
 */
struct xl_tensor *xl_compare_stretched(const struct xl_record *r);

/*
 * xl_errors_of - differences of a and b
 *
 *   mse = mean (a-b)^2    psnr = 10 log10(255^2 / mse)    mae = mean |a-b| / 255
 *   close = share of pixels whose |a-b|, summed over channels, is XL_CLOSE or less
 *
 * Shapes   a, b: (C,H,W) |u1, equal; mask: (H,W) 0..1, or NULL
 * Errors   none; shapes are asserted
 */
void xl_errors_of(struct xl_errors *e, const struct xl_tensor *a, const struct xl_tensor *b,
		  const float *mask);

/* xl_errors_inside, _outside - mean error 0..1 of what the mask covers, and of
 * the rest; nan where that is nothing */
double xl_errors_inside(const struct xl_errors *e);
double xl_errors_outside(const struct xl_errors *e);

/* xl_compare_add - count one pair; ssim: (XL_COMPARE_WINDOWS), or NULL */
void xl_compare_add(struct xl_compare *t, const double *ssim, const struct xl_errors *e);

/*
 * xl_compare_values - append ssim_*, psnr, mae, close, mae_inside, mae_outside, each
 * name with the suffix; all: also standard deviations and counts
 *
 * SSIM, PSNR, mae and close are means over pairs; inside and outside are pooled over
 * the pixels of all pairs, and absent where no pair had a mask. Nothing is
 * appended for no pairs.
 */
void xl_compare_values(struct xl_values *v, const struct xl_compare *t, const char *suffix,
		       bool all);

/* xl_change_values - append change, change_inside, change_outside: the errors
 * of t under the name for output against input */
void xl_change_values(struct xl_values *v, const struct xl_compare *t);

#endif
