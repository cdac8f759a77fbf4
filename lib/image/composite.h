/*
 * composite.h - a translation put into its input where the mask says.
 */
#ifndef XL_IMAGE_COMPOSITE_H
#define XL_IMAGE_COMPOSITE_H

#include "xl.h"

/*
 * xl_composite - replace the translation `out` of a record by
 *
 *   x + w (out - x),  w = min(1, gain up(m))
 *
 * with its input x, and its mask m enlarged to it (xl_coverage). Where m is 0 the picture
 * is x; gain says from which value of m it is out: masks that are learnt have a scale of
 * their own.
 *
 * Shapes   out: (3,H,W) <f4; x: (3,H,W) |u1 or floats; m: (1,h,w)
 * Units    out, x: -1..1, bytes 0..255; m: 0..1; gain > 0
 * Owns     nothing; the tensors stay the record's
 * Errors   0, or -1 with xl_err set: one of the three is missing, or has another shape or
 *          type; values of m that are no mask's
 * Threads  one
 */
int xl_composite(struct xl_record *r, double gain);

#endif
