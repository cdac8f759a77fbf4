/*
 * scatter.h - points of a plane as a picture, each group in a colour of its own.
 */
#ifndef XL_IMAGE_SCATTER_H
#define XL_IMAGE_SCATTER_H

#include "xl.h"

enum { XL_SCATTER_SIDE = 1000, XL_SCATTER_GROUPS = 20 };

/* Groups are drawn one after the other. Discs, but the second of two groups, and those
 * beyond ten, are crosses. */
struct xl_scatter {
	const double *y;  /* (n,2) finite; the second number grows upwards */
	const int *group; /* (n) */
	int64_t n;
	const char *const *names; /* of the groups, for the legend */
	int groups;               /* XL_SCATTER_GROUPS at most; with one there is no legend */
};

/* xl_scatter_draw - the picture (3,H,W) |u1, W XL_SCATTER_SIDE, H as much and the legend;
 * equal scales, a margin of 5 %. NULL with xl_err set */
struct xl_tensor *xl_scatter_draw(const struct xl_scatter *s);

/* xl_scatter_save - the picture as a file that appears whole or not at all: SVG where the
 * name ends so (xl_picture_kind), else PNG. 0, or -1 with xl_err set */
int xl_scatter_save(const struct xl_scatter *s, const char *path);

#endif
