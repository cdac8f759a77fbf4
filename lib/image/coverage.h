/*
 * coverage.h - where the mask of a record lies on its picture, and how much of each pixel
 * it covers. Used by the metrics and to put translations into their inputs.
 */
#ifndef XL_IMAGE_COVERAGE_H
#define XL_IMAGE_COVERAGE_H

#include "xl.h"

/* Where the cells of a mask lie: they divide ph x pw pixels evenly, of which the
 * picture is the ih x iw at the top left and the rest its reflected padding. */
struct xl_cells {
	int64_t ih, iw, ph, pw;
};

/* xl_cells_of - the cells of a mask of an ih x iw picture that was padded right
 * and below to whole multiples of stride (1 for none) */
struct xl_cells xl_cells_of(int64_t ih, int64_t iw, int64_t stride);

/* xl_cells_on - the same of the image x of a record; 0, or -1 with xl_err set: no x, or
 * not an image */
int xl_cells_on(const struct xl_record *r, int64_t stride, struct xl_cells *out);

/*
 * xl_cells_of_mask - the same of a mask by what its record says: m of a model lies on the
 *                    padding of x as well (meta.mask_stride), any other on the picture, whose
 *                    size is then 1 x 1
 *
 * Errors   0, or -1 with xl_err set: no x, a stride that can be none
 */
int xl_cells_of_mask(const struct xl_record *r, const char *name, struct xl_cells *out);

/*
 * xl_coverage - a mask of a record as floats at h x w, whatever the size of the picture
 *
 *   f = max(0, (d + 0.5) v / N - 0.5), i0 = floor(f), i1 = min(i0 + 1, n - 1)
 *   out = (1 - t) in[i0] + t in[i1],  t = f - i0,  along each axis
 *
 * where v <= n is how many cells the picture has (xl_cells_of_mask).
 *
 * Source   bilinear with half-pixel centres, not antialiased; at 4 times the
 *          size it is LOMIT's enlargement of its mask
 * Shapes   the tensor: (1,n,n'); result: (h,w); no size is zero
 * Units    result 0..1; bytes are divided by 255, booleans 0 or 1, floats must
 *          lie in 0..1
 * Owns     the caller frees it with free()
 * Errors   NULL with xl_err set: "has no tensor 'm'", "m is (64,8,8) <f4, a mask has 1
 *          channel", values that are no mask's
 */
float *xl_coverage(const struct xl_record *r, const char *name, int64_t h, int64_t w);

/* xl_coverage_of - the mask `name` of a record, its shape and type checked; NULL with xl_err
 * set */
const struct xl_tensor *xl_coverage_of(const struct xl_record *r, const char *name);

#endif
