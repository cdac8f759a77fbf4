/*
 * backbone_lpips.c - AlexNet, VGG16, VGG19 and SqueezeNet 1.1, as far as their
 * features go, with the names torchvision gives their parameters; and LPIPS, which
 * adds a weight for each channel of each tap.
 *
 * Source   Krizhevsky 2014, Simonyan and Zisserman 2015, Iandola et al. 2016; Zhang et
 *          al. 2018 (LPIPS, version 0.1)
 */
#include <stdio.h>
#include "nn/backbone_params.h"
#include "nn/walk.h"

/* One layer of a chain; co 0 is a pool. */
struct row {
	int index, co, k, stride, pad;
	bool tap;
};

enum { PICTURE = 3 };

/* Rows to the end, index 0 included only as the first. */
static void chain(struct xl_walk *w, struct xl_var *x, const struct row *rows, int n, int pool)
{
	const bool is_ceil = w->b && w->b->is_ceil;
	int ci = PICTURE;

	for (int i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		char name[32];

		if (r->co == 0) {
			x = xl_walk_then(w, xl_walk_largest(w, x, pool, 2, is_ceil), x);
			continue;
		}
		snprintf(name, sizeof name, "features.%d", r->index);
		x = xl_walk_then(w,
				 xl_walk_conv(w, x, name,
					      (struct xl_walk_kernel){ci, r->co, r->k, r->k,
								      r->stride, r->pad, r->pad}),
				 x);
		if (r->tap)
			xl_walk_tap(w, x);
		ci = r->co;
	}
	xl_walk_drop(w, x);
}

#define LENGTH(ROWS) (int)(sizeof(ROWS) / sizeof *(ROWS))
#define CONV(INDEX, CO)                                                                            \
	{                                                                                          \
		INDEX, CO, 3, 1, 1, false                                                          \
	}
#define TAP(INDEX, CO)                                                                             \
	{                                                                                          \
		INDEX, CO, 3, 1, 1, true                                                           \
	}
#define POOL                                                                                       \
	{                                                                                          \
		0                                                                                  \
	}

void xl_walk_vgg16(struct xl_walk *w, struct xl_var *x)
{
	static const struct row rows[] = {CONV(0, 64),  TAP(2, 64), POOL,          CONV(5, 128),
					  TAP(7, 128),  POOL,       CONV(10, 256), CONV(12, 256),
					  TAP(14, 256), POOL,       CONV(17, 512), CONV(19, 512),
					  TAP(21, 512), POOL,       CONV(24, 512), CONV(26, 512),
					  TAP(28, 512)};

	chain(w, x, rows, LENGTH(rows), 2);
}

/* To the last convolution, whose output is no tap: published files have it. */
void xl_walk_vgg19(struct xl_walk *w, struct xl_var *x)
{
	static const struct row rows[] = {
		TAP(0, 64), CONV(2, 64),  POOL,          TAP(5, 128),   CONV(7, 128),
		POOL,       TAP(10, 256), CONV(12, 256), CONV(14, 256), CONV(16, 256),
		POOL,       TAP(19, 512), CONV(21, 512), CONV(23, 512), CONV(25, 512),
		POOL,       TAP(28, 512), CONV(30, 512), CONV(32, 512), CONV(34, 512)};

	chain(w, x, rows, LENGTH(rows), 2);
}

void xl_walk_alexnet(struct xl_walk *w, struct xl_var *x)
{
	static const struct row rows[] = {{0, 64, 11, 4, 2, true},
					  POOL,
					  {3, 192, 5, 1, 2, true},
					  POOL,
					  TAP(6, 384),
					  TAP(8, 256),
					  TAP(10, 256)};

	chain(w, x, rows, LENGTH(rows), 3);
}

/* ---- SqueezeNet ------------------------------------------------------- */

static struct xl_var *part(struct xl_walk *w, struct xl_var *x, int index, const char *what, int ci,
			   int co, int k)
{
	char name[64];

	snprintf(name, sizeof name, "features.%d.%s", index, what);
	return xl_walk_conv(w, x, name, (struct xl_walk_kernel){ci, co, k, k, 1, k / 2, k / 2});
}

/* Few channels, then many of 1x1 and of 3x3 beside each other; x is given up. */
static struct xl_var *fire(struct xl_walk *w, struct xl_var *x, int index, int ci, int squeeze,
			   int expand)
{
	struct xl_var *s = part(w, x, index, "squeeze", ci, squeeze, 1);
	struct xl_var *a = part(w, s, index, "expand1x1", squeeze, expand, 1);
	struct xl_var *b = part(w, s, index, "expand3x3", squeeze, expand, 3);

	xl_walk_drop(w, x);
	xl_walk_drop(w, s);
	return xl_walk_join(w, a, b);
}

void xl_walk_squeezenet(struct xl_walk *w, struct xl_var *x)
{
	static const struct {
		int index, ci, squeeze, expand; /* squeeze 0: a pool */
		bool tap;
	} rows[] = {{0, 0, 0, 0, false},      {3, 64, 16, 64, false},   {4, 128, 16, 64, true},
		    {0, 0, 0, 0, false},      {6, 128, 32, 128, false}, {7, 256, 32, 128, true},
		    {0, 0, 0, 0, false},      {9, 256, 48, 192, true},  {10, 384, 48, 192, true},
		    {11, 384, 64, 256, true}, {12, 512, 64, 256, true}};

	x = xl_walk_then(w,
			 xl_walk_conv(w, x, "features.0",
				      (struct xl_walk_kernel){PICTURE, 64, 3, 3, 2, 0, 0}),
			 x);
	xl_walk_tap(w, x);
	for (int i = 0; i < LENGTH(rows); i++) {
		if (rows[i].squeeze == 0)
			x = xl_walk_then(w, xl_walk_largest(w, x, 3, 2, true), x);
		else
			x = fire(w, x, rows[i].index, rows[i].ci, rows[i].squeeze, rows[i].expand);
		if (rows[i].tap)
			xl_walk_tap(w, x);
	}
	xl_walk_drop(w, x);
}

/* ---- LPIPS ------------------------------------------------------------ */

static void heads(struct xl_walk *w, const int *channels, int n)
{
	for (int i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof name, "lin%d.model.1.weight", i);
		xl_walk_head(w, name, channels[i]);
	}
}

void xl_walk_lpips_vgg(struct xl_walk *w, struct xl_var *x)
{
	xl_walk_vgg16(w, x);
	heads(w, (const int[]){64, 128, 256, 512, 512}, 5);
}

void xl_walk_lpips_alex(struct xl_walk *w, struct xl_var *x)
{
	xl_walk_alexnet(w, x);
	heads(w, (const int[]){64, 192, 384, 256, 256}, 5);
}

void xl_walk_lpips_squeeze(struct xl_walk *w, struct xl_var *x)
{
	xl_walk_squeezenet(w, x);
	heads(w, (const int[]){64, 128, 256, 384, 384, 512, 512}, 7);
}
