/*
 * codes.h - tensors of a record as values on the tape and back, for the stages of
 * methods: the padded image, codes that a record holds, results cropped to the image.
 */
#ifndef XL_METHODS_CODES_H
#define XL_METHODS_CODES_H

#include "grad/tape.h"
#include "xl.h"

/*
 * xl_codes_image      - x of a record as a map (1,3,H,W), -1..1, padded by reflection
 *                       right and below to multiples of stride
 * xl_codes_image_like - the same of x resized, as bytes, to the size of the x of `like`
 *
 * Errors   NULL with xl_err set
 */
struct xl_var *xl_codes_image(struct xl_tape *t, const struct xl_record *r, int stride);
struct xl_var *xl_codes_image_like(struct xl_tape *t, const struct xl_record *r,
				   const struct xl_record *like, int stride);

/*
 * xl_codes_given - the tensor `name` of a record as a map (1,C,h,w), or (1,C,1,1)
 *
 * Shapes   shape: 3 numbers C,h,w, or 1
 * Units    `m` must lie in 0..1, others be finite
 * Errors   NULL with xl_err set: "m is (1,8,9) <f4, not (1,8,8) <f4"
 */
struct xl_var *xl_codes_given(struct xl_tape *t, const struct xl_record *r, const char *name,
			      const int64_t *shape, int ndim);

/* xl_codes_put - v, of one sample, as the tensor `name`, (C,h,w) or (C); 0, or -1
 * with xl_err set, also where v is NULL, or not finite: "mu is not finite: .." */
int xl_codes_put(const struct xl_tape *t, struct xl_record *r, const char *name,
		 const struct xl_var *v, int ndim);

/* xl_codes_number - a number of a name, for random numbers, that does not change with the
 * machine. Source: Fowler, Noll and Vo, FNV-1a */
uint32_t xl_codes_number(const char *id);

/* xl_codes_put_picture - the part of a map (1,3,H,W) that x covers, as out; 0, or -1
 * with xl_err set, also where v is NULL or not finite */
int xl_codes_put_picture(const struct xl_tape *t, struct xl_record *r, const struct xl_var *v);

#endif
