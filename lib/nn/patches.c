/*
 * patches.c - the discriminator of patches.
 */
#include <assert.h>
#include <stdio.h>
#include "nn/patches.h"

enum { LEAST = 16 };

int xl_patches_fit(int side)
{
	int n = 0;

	for (; side >= LEAST && n < XL_PATCHES_SCALES; side = (side + 1) / 2)
		n++;
	return n;
}

int xl_patches_build(struct xl_net *net, struct xl_patches *p, int scales, int width, double slope)
{
	assert(scales >= 1 && scales <= XL_PATCHES_SCALES);
	p->scales = scales;
	for (int s = 0; s < scales; s++)
		for (int i = 0; i < XL_PATCHES_LAYERS; i++) {
			const bool last = i == XL_PATCHES_LAYERS - 1;
			char name[16];
			p->row[s][i] = (struct xl_layer){.ci = i ? width << (i - 1) : 3,
							 .co = last ? 1 : width << i,
							 .k = last ? 1 : 4,
							 .stride = last ? 1 : 2,
							 .pad = last ? 0 : 1,
							 .mode = XL_PAD_REFLECT,
							 .act = last ? XL_ACT_NONE : XL_ACT_LEAKY,
							 .slope = slope};
			snprintf(name, sizeof name, "%d.%d", s + 1, i);
			if (xl_net_layer(net, name, &p->row[s][i]))
				return -1;
		}
	return 0;
}

int xl_patches(struct xl_tape *t, struct xl_net *net, const struct xl_patches *p, struct xl_var *x,
	       struct xl_var **out)
{
	struct xl_var *u = x;

	for (int s = 0; s < p->scales; s++) {
		out[s] = xl_nn_layers(t, net, p->row[s], XL_PATCHES_LAYERS, u);
		if (!out[s])
			return -1;
		struct xl_var *smaller = s + 1 < p->scales ? xl_op_avgpool(t, u, 3) : NULL;
		if (u != x)
			xl_drop(t, u);
		u = smaller;
	}
	return 0;
}
