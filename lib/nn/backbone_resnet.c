/*
 * backbone_resnet.c - ResNet-50 of VGGFace2, a descriptor of faces, with the names of
 * its authors. The strides of a stage are in its first 1x1 convolutions, not, as in
 * torchvision's, in the 3x3.
 *
 * Source   He et al. 2016; Cao et al. 2018 (VGGFace2)
 */
#include <stdio.h>
#include "nn/walk.h"

static const double eps = 1e-5;

static struct xl_var *unit(struct xl_walk *w, struct xl_var *x, const char *name,
			   struct xl_walk_kernel c, bool relu)
{
	char bn[48];

	snprintf(bn, sizeof bn, "%s_bn", name);
	return xl_walk_conv_bn(w, x, name, bn, c, eps, relu);
}

/* Part of block y of stage `stage`. */
static struct xl_var *part(struct xl_walk *w, struct xl_var *x, int stage, int y, const char *what,
			   struct xl_walk_kernel c, bool relu)
{
	char name[40];

	snprintf(name, sizeof name, "conv%d_%d_%s", stage, y, what);
	return unit(w, x, name, c, relu);
}

/* Down to `width` channels, 3x3, up to four times as many, plus x or, in the first
 * block, a projection of it. x is given up. */
static struct xl_var *block(struct xl_walk *w, struct xl_var *x, int stage, int y, int ci,
			    int width)
{
	const int stride = y == 1 && stage > 2 ? 2 : 1, co = 4 * width;
	struct xl_var *u, *v, *s = x;

	u = part(w, x, stage, y, "1x1_reduce",
		 (struct xl_walk_kernel){ci, width, 1, 1, stride, 0, 0}, true);
	u = xl_walk_then(w,
			 part(w, u, stage, y, "3x3",
			      (struct xl_walk_kernel){width, width, 3, 3, 1, 1, 1}, true),
			 u);
	u = xl_walk_then(w,
			 part(w, u, stage, y, "1x1_increase",
			      (struct xl_walk_kernel){width, co, 1, 1, 1, 0, 0}, false),
			 u);
	if (y == 1)
		s = part(w, x, stage, y, "1x1_proj",
			 (struct xl_walk_kernel){ci, co, 1, 1, stride, 0, 0}, false);
	v = xl_op_add(w->t, u, s);
	xl_walk_drop(w, u);
	xl_walk_drop(w, x);
	if (s != x)
		xl_walk_drop(w, s);
	return xl_walk_then(w, xl_op_leaky(w->t, v, 0), v);
}

void xl_walk_resnet50_face(struct xl_walk *w, struct xl_var *x)
{
	static const int blocks[] = {3, 4, 6, 3};
	int ci = 64, width = 64;

	x = xl_walk_then(
		w, unit(w, x, "conv1_7x7_s2", (struct xl_walk_kernel){3, 64, 7, 7, 2, 3, 3}, true),
		x);
	x = xl_walk_then(w, xl_walk_largest(w, x, 3, 2, true), x);
	for (int s = 0; s < 4; s++, width *= 2)
		for (int y = 1; y <= blocks[s]; y++, ci = 4 * width)
			x = block(w, x, s + 2, y, ci, width);
	xl_walk_tap(w, x);
}
