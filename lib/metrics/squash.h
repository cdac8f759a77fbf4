/*
 * squash.h - pictures brought to the square a network of measures works on, each in the
 * way of one of the programs whose numbers are quoted. They are not interchangeable.
 */
#ifndef XL_METRICS_SQUASH_H
#define XL_METRICS_SQUASH_H

#include "xl.h"

enum xl_squash {
	XL_SQUASH_PT,    /* pytorch-fid: bilinear, half-pixel centres, no antialiasing */
	XL_SQUASH_CLEAN, /* clean-fid: antialiased bicubic, not rounded, clipped */
	XL_SQUASH_TF1,   /* TensorFlow 1: bilinear from the corner, no antialiasing */
	XL_SQUASH_NONE,  /* as they are */
	XL_SQUASHES
};

/* xl_squash_name - "pt", "clean", "tf1", "none"; xl_squash_find - the way of that name, which
 * is one of these */
const char *xl_squash_name(enum xl_squash how);
enum xl_squash xl_squash_find(const char *name);

/*
 * xl_squash_plane - one channel at another size; not for XL_SQUASH_NONE
 *
 * Each side by itself, rows first. XL_SQUASH_CLEAN rounds to float between the two, as
 * Pillow does with planes of floats.
 * Source   metrics as published: pytorch-fid, clean-fid (Parmar et al. 2022), TensorFlow's
 *          resize_bilinear
 * Shapes   from: (h,w)   to: (oh,ow); no size is 0
 * Units    to: those of from, with bicubic overshoot beyond 0..255
 * Errors   0, or -1 with xl_err set
 */
int xl_squash_plane(double *to, int64_t oh, int64_t ow, const uint8_t *from, int64_t h, int64_t w,
		    enum xl_squash how);

/*
 * xl_squash_picture - a picture as numbers for a network
 *
 * Shapes   picture: (3,H,W) |u1   to: (3,size,size), or (3,H,W) for XL_SQUASH_NONE
 * Units    p / 127.5 - 1, or (p - 128) / 128 where how is XL_SQUASH_CLEAN or _TF1
 * Errors   0, or -1 with xl_err set
 */
int xl_squash_picture(float *to, int64_t size, const struct xl_tensor *picture, enum xl_squash how);

#endif
