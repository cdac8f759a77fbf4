/*
 * backbone_vgg_face.c - VGG-Face: VGG16 with two of its three linear layers, a descriptor
 * of faces, with the names of its authors.
 *
 * Source   Simonyan and Zisserman 2015; Parkhi, Vedaldi and Zisserman 2015
 */
#include <stdio.h>
#include "nn/walk.h"

enum { STAGES = 5, SIDE = 7, NUMBERS = 4096 }; /* SIDE: pixels left of 224 */

static struct xl_var *rectified(struct xl_walk *w, struct xl_var *x)
{
	return xl_walk_then(w, xl_op_leaky(w->t, x, 0), x);
}

/* Convolutions of 3x3, then a pool; x is given up. */
static struct xl_var *stage(struct xl_walk *w, struct xl_var *x, int number, int convs, int ci,
			    int co)
{
	for (int i = 1; i <= convs; i++, ci = co) {
		char name[32];

		snprintf(name, sizeof name, "conv%d_%d", number, i);
		x = xl_walk_then(
			w, xl_walk_conv(w, x, name, (struct xl_walk_kernel){ci, co, 3, 3, 1, 1, 1}),
			x);
	}
	return xl_walk_then(w, xl_walk_largest(w, x, 2, 2, false), x);
}

void xl_walk_vgg16_face(struct xl_walk *w, struct xl_var *x)
{
	static const int convs[STAGES] = {2, 2, 3, 3, 3};
	static const int channels[STAGES + 1] = {3, 64, 128, 256, 512, 512};

	for (int s = 0; s < STAGES; s++)
		x = stage(w, x, s + 1, convs[s], channels[s], channels[s + 1]);
	x = xl_walk_then(w, xl_walk_linear(w, x, "fc6", channels[STAGES], SIDE, NUMBERS, true), x);
	x = rectified(w, x);
	x = xl_walk_then(w, xl_walk_linear(w, x, "fc7", NUMBERS, 1, NUMBERS, true), x);
	xl_walk_tap(w, x);
	xl_walk_tap(w, xl_op_leaky(w->t, x, 0));
}
