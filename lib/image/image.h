/*
 * image.h - pictures in and out: decoding, saving, resizing, montage. Pixels
 * are <f4/|u1 tensors in CHW order, RGB, sRGB; 8 bits 0..255.
 *
 * JPEG goes through libjpeg-turbo, PNG through libpng, everything else through
 * libvips, which is loaded when the first such picture comes: a program that
 * needs none starts in a millisecond instead of 35.
 */
#ifndef XL_IMAGE_IMAGE_H
#define XL_IMAGE_IMAGE_H

#include <stdio.h>
#include "image/coverage.h"

/* A compressed picture of as many pixels as are read fits; endless input does not. */
#define XL_MAX_PICTURE_FILE ((size_t)1 << 30)

/*
 * xl_image_load - decode a picture file (JPEG, PNG, and what libvips reads)
 *
 * EXIF rotation is applied, grey becomes RGB, alpha is laid on white, 16 bits
 * are scaled to 8, CMYK and other colour spaces go to sRGB. A colour profile in
 * an RGB picture is not applied: pixels equal those of Pillow and torchvision.
 * A picture that ends early or is damaged is an error, never half a picture.
 *
 * Shapes   result: (3,H,W) |u1, at most 2^28 pixels
 * Owns     the caller frees it
 * Errors   NULL with xl_err set: "a.jpg: not an image (first bytes 3c 21)"
 * Threads  may be called from several at once
 */
struct xl_tensor *xl_image_load(const char *path);

/* The same from bytes in memory; name is for messages. */
struct xl_tensor *xl_image_load_mem(const char *name, const void *data, size_t size);

enum { XL_PICTURE_HEAD = 4096 }; /* more than any kind of picture is told by */

/* xl_image_check - 0 where these first XL_PICTURE_HEAD bytes, or all there are, may
 * begin a picture of a kind that is read; -1 with xl_err set: "not an image (first
 * bytes 3c 21)" */
int xl_image_check(const void *bytes, size_t n);

/* xl_image_load_grey - a picture as one channel (1,H,W) |u1: luma of colours,
 * alpha laid on black; for painted masks; "-" is stdin */
struct xl_tensor *xl_image_load_grey(const char *path);

/*
 * xl_image_save_png - write (3,H,W) or (1,H,W), |u1 or <f4 -1..1, as PNG
 *
 * path NULL or "-" is stdout; a file appears whole or not at all.
 * Errors   0, or -1 with xl_err set
 */
int xl_image_save_png(const struct xl_tensor *t, const char *path);

/* The same to an open file; name is for messages. */
int xl_image_write_png(const struct xl_tensor *t, FILE *f, const char *name);

/*
 * xl_image_resize - antialiased bilinear ("triangle") resize with 8-bit
 * rounding after each pass, horizontal pass first, as the Pillow library does:
 * equal to its crop(box).resize((ow, oh), BILINEAR) in every bit
 *
 * Shapes   t: (C,H,W) |u1; box x,y,w,h within it (whole pixels) is what is
 *          resized to (C,oh,ow) |u1
 * Errors   NULL with xl_err set
 * Threads  serial; call it from several for several pictures
 */
struct xl_box {
	int64_t x, y, w, h;
};
struct xl_tensor *xl_image_resize(const struct xl_tensor *t, struct xl_box box, int64_t oh,
				  int64_t ow);

/* xl_image_flip - mirror left to right, any dtype, (C,H,W), in place */
void xl_image_flip(struct xl_tensor *t);

/*
 * xl_image_heat - a mask as a heat map over an image: mask resized bilinearly to
 * the image and the padding that its cells lie on, jet colours, clip(0.75 heat +
 * 0.9 image - 20) in 8 bits
 *
 * Source   the LOMIT authors' figures
 * Shapes   image: (3,H,W); mask: (1,h,w), of (C,h,w) the mean over C; result:
 *          (3,H,W) |u1; g: where its cells lie (coverage.h), H and W in these units or
 *          in whole multiples of them
 * Units    mask: 0..1, or |u1 0..255
 * Errors   NULL with xl_err set
 */
struct xl_tensor *xl_image_heat(const struct xl_tensor *image, const struct xl_tensor *mask,
				const struct xl_cells *g);

/*
 * xl_image_montage - lay n pictures of any size out in rows of `columns`, left
 * to right, each centred in a cell of the largest size, `gap` white pixels
 * between; labels (may be NULL, entries may be NULL) stand above their cell and
 * lose their extension, then their middle, where they are too long for it; of
 * those too long for a cell of less than eight letters nothing is drawn
 *
 * Shapes   tiles: (3,H,W) or (1,H,W), |u1 or <f4 -1..1, NULL for an empty cell;
 *          result: (3,H,W) |u1
 * Errors   NULL with xl_err set
 */
struct xl_tensor *xl_image_montage(const struct xl_tensor *const *tiles, const char *const *labels,
				   int n, int columns, int gap);

#endif
