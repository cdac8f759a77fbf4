/*
 * edit.h - the arithmetic of mask editing: rectangles and painted pictures onto
 * the cells of a mask, and a mask back to a picture. Used by xl-mask; what an
 * edit makes stale is model.h's business, where its cells lie coverage.h's.
 *
 * Masks are (C,h,w) <f4 0..1. An edit treats all channels alike; a picture shows
 * their mean.
 */
#ifndef XL_METHODS_EDIT_H
#define XL_METHODS_EDIT_H

#include "image/coverage.h"

/* In pixels of the picture; may reach beyond it. */
struct xl_rect {
	int64_t x, y, w, h;
};

/*
 * xl_rect_parse - "X,Y,W,H", whole numbers, W and H at least 1
 *
 * Errors   0, or -1 with xl_err set: "--erase: '1,2,x,4': width 'x' is not a
 *          whole number from 1 to 1073741824"
 */
int xl_rect_parse(const char *what, const char *s, struct xl_rect *out);

/* xl_rect_paint - set the part of r inside the (1,H,W) |u1 paint to 255; the
 * number of pixels that is */
int64_t xl_rect_paint(struct xl_tensor *paint, const struct xl_rect *r);

/*
 * xl_edit_average - a picture of any size, laid over the picture of the cells,
 * averaged over each cell
 *
 * The average is over the visible part of a cell; a cell that lies in the padding
 * sees what is mirrored there.
 * Shapes   paint: (1,H,W) |u1; out: (h,w) 0..255, exact where cells are whole pixels
 * Errors   none; sizes are asserted
 */
void xl_edit_average(double *out, int64_t h, int64_t w, const struct xl_cells *g,
		     const struct xl_tensor *paint);

/*
 * xl_edit_erase - m := m * (1 - share), xl_edit_keep - m := m * share, with share
 * the part of a cell that is painted 255
 *
 * Errors   0, or -1 with xl_err set (no memory)
 */
int xl_edit_erase(struct xl_tensor *m, const struct xl_cells *g, const struct xl_tensor *paint);
int xl_edit_keep(struct xl_tensor *m, const struct xl_cells *g, const struct xl_tensor *paint);

/*
 * xl_edit_set - m := average / 255 in the cells where the painted picture differs
 * from what xl_edit_show gives; the others keep every bit
 *
 * Errors   0, or -1 with xl_err set (no memory)
 */
int xl_edit_set(struct xl_tensor *m, const struct xl_cells *g, const struct xl_tensor *paint);

/* xl_edit_threshold - 1 where m >= t, else 0; xl_edit_invert - 1 - m;
 * xl_edit_scale - m * s, clamped to 0..1 */
void xl_edit_threshold(struct xl_tensor *m, double t);
void xl_edit_invert(struct xl_tensor *m);
void xl_edit_scale(struct xl_tensor *m, double s);

/*
 * xl_edit_show - the mask as a grey picture, each pixel that of its nearest cell
 *
 * Shapes   result: (1,ih,iw) |u1 = round(255 m)
 * Owns     the caller frees it
 * Errors   NULL with xl_err set
 */
struct xl_tensor *xl_edit_show(const struct xl_tensor *m, const struct xl_cells *g);

/*
 * xl_edit_mask - the tensor m of a record as an editable copy
 *
 * Shapes   result: (C,h,w) <f4, at least one cell, every value in 0..1
 * Owns     the caller frees it
 * Errors   NULL with xl_err set: "m is (64,64) <f4, a mask is (C,h,w)"
 */
struct xl_tensor *xl_edit_mask(const struct xl_record *r);

#endif
