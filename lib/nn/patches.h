/*
 * patches.h - a discriminator that judges patches of an image at several scales, each
 * with a network of its own: on the image, on its means of 3x3 pixels two apart, on
 * the means of these. Methods with adversarial losses build on it.
 *
 * Source   MUNIT and DRIT, whose released code sums the losses of the scales
 */
#ifndef XL_NN_PATCHES_H
#define XL_NN_PATCHES_H

#include "nn/net.h"

enum { XL_PATCHES_SCALES = 4, XL_PATCHES_LAYERS = 5 };

struct xl_patches {
	int scales;
	struct xl_layer row[XL_PATCHES_SCALES][XL_PATCHES_LAYERS];
};

/* xl_patches_fit - how many scales an image of that side allows: the smallest has 16
 * pixels or more, for its last padding by reflection */
int xl_patches_fit(int side);

/*
 * xl_patches_build - declare the layers: four of 4x4, stride 2, of width, 2, 4 and 8
 * times width channels, with leaky ReLUs of that slope, and 1x1 to one logit; rows
 * 1.0 .. 1.4 of the first scale, 2.0 .. of the second
 *
 * Errors   0, or -1 with xl_err set
 */
int xl_patches_build(struct xl_net *net, struct xl_patches *p, int scales, int width, double slope);

/*
 * xl_patches - judge images
 *
 * Shapes   x: (N,3,H,W)   out: p->scales logits (N,1,h,w), h = H/16, H/32, ..
 * Errors   0, or -1 with xl_err set
 */
int xl_patches(struct xl_tape *t, struct xl_net *net, const struct xl_patches *p, struct xl_var *x,
	       struct xl_var **out);

#endif
