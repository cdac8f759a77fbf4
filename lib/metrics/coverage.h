/*
 * coverage.h - a mask tensor as a plane of coverage at a wanted size.
 */
#ifndef XL_METRICS_COVERAGE_H
#define XL_METRICS_COVERAGE_H

#include "xl.h"

/*
 * xl_coverage - a mask as floats at h x w; name is for messages
 *
 *   f = max(0, (d + 0.5) n / N - 0.5), i0 = floor(f), i1 = min(i0 + 1, n - 1)
 *   out = (1 - t) in[i0] + t in[i1],  t = f - i0,  along each axis
 *
 * Source   bilinear with half-pixel centres, not antialiased; at 4 times the
 *          size it is LOMIT's enlargement of its mask
 * Shapes   t: (1,h',w'); result: (h,w); no size is zero
 * Units    result 0..1; bytes are divided by 255, booleans 0 or 1, floats must
 *          lie in 0..1
 * Owns     the caller frees it with free()
 * Errors   NULL with xl_err set
 */
float *xl_coverage(const char *name, const struct xl_tensor *t, int64_t h, int64_t w);

/* xl_coverage_check - the demands above on the shape of t; 0, or -1 with xl_err set */
int xl_coverage_check(const char *name, const struct xl_tensor *t);

/* xl_coverage_of - the mask `name` of a record, checked; NULL with xl_err set:
 * the record has none, or not the shape of a mask */
const struct xl_tensor *xl_coverage_of(const struct xl_record *r, const char *name);

#endif
