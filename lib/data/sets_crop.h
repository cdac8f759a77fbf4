/*
 * sets_crop.h - which part of a picture is taken, at what size, and the draws
 * of augmentation.
 */
#ifndef XL_DATA_SETS_CROP_H
#define XL_DATA_SETS_CROP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "image/image.h"

enum { XL_CROP_LARGEST = -1, XL_CROP_ALL = 0, XL_SIZE_MAX = 16384 };

struct xl_crop {
	int64_t w, h; /* size to resize to; 0 keeps the size of what is taken */
	int64_t take; /* source pixels of the shorter side, or an XL_CROP_ */
	bool random;  /* take it anywhere, not from the middle */
	bool flip;    /* mirror every second picture, by lot */
	uint64_t seed;
	atomic_llong *smaller; /* counts pictures that have less than `take`; NULL: uncounted */
};

/*
 * xl_crop_parse_size - "128", "96x128" (width x height), or "0" to keep the size
 *
 * Errors   0, or -1 with xl_err set: "--size: '9x' is not a size, ..."
 */
int xl_crop_parse_size(const char *what, const char *s, struct xl_crop *c);

/*
 * xl_crop_box - what is taken of a picture of w x h pixels
 *
 * The box has the shape of c->w x c->h (a square where the size is kept).
 * XL_CROP_LARGEST: the largest that fits, and the whole picture where the size
 * is kept. XL_CROP_ALL: the whole picture, whatever its shape. Else a box whose
 * shorter side is c->take, or the largest where that does not fit.
 *
 * It lies in the middle (an odd pixel goes to the right and below), or at u, v:
 * shares 0..1 of the free way, as random words / 2^32.
 */
struct xl_box xl_crop_box(const struct xl_crop *c, int64_t w, int64_t h, const uint32_t uv[2]);

/*
 * xl_crop_apply - mirror, cut out and resize a picture, in this order
 *
 * index    of the picture in the stream: with the seed, the key of its draws
 * Shapes   t: (3,H,W) |u1, which may be mirrored in place; result: (3,h,w) |u1
 * Owns     the caller frees the result
 * Errors   NULL with xl_err set
 */
struct xl_tensor *xl_crop_apply(const struct xl_crop *c, struct xl_tensor *t, uint32_t index);

#endif
