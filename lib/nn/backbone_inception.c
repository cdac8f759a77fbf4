/*
 * backbone_inception.c - Inception-v3 with torchvision's names: the network of FID,
 * whose weights come from the graph of 2015, and that of ImageNet, which differ in the
 * pools of nine blocks and in their classes.
 *
 * Source   Szegedy et al. 2016; Heusel et al. 2017 (FID)
 */
#include <stdio.h>
#include "nn/walk.h"

static const double eps = 1e-3;

/* A block being described: its name, its input, and what differs between the two. */
struct block {
	struct xl_walk *w;
	const char *name;
	struct xl_var *x; /* all branches begin here */
	int ci;
	bool is_fid;
};

static struct xl_var *unit(struct xl_walk *w, struct xl_var *x, const char *name,
			   struct xl_walk_kernel c)
{
	char conv[80], bn[80];

	snprintf(conv, sizeof conv, "%s.conv", name);
	snprintf(bn, sizeof bn, "%s.bn", name);
	return xl_walk_conv_bn(w, x, conv, bn, c, eps, true);
}

/* One convolution of a branch; around it zeros that keep the size, unless stride is 2 */
static struct xl_var *step(const struct block *b, struct xl_var *x, const char *branch, int ci,
			   int co, int kh, int kw, int stride)
{
	char name[64];
	struct xl_walk_kernel c = {ci, co, kh, kw, stride, 0, 0};

	if (stride == 1) {
		c.pad_h = kh / 2;
		c.pad_w = kw / 2;
	}
	snprintf(name, sizeof name, "%s.%s", b->name, branch);
	return unit(b->w, x, name, c);
}

/* The same, and x is given up. */
static struct xl_var *next(const struct block *b, struct xl_var *x, const char *branch, int ci,
			   int co, int kh, int kw, int stride)
{
	return xl_walk_then(b->w, step(b, x, branch, ci, co, kh, kw, stride), x);
}

static struct xl_var *first(const struct block *b, const char *branch, int co)
{
	return step(b, b->x, branch, b->ci, co, 1, 1, 1);
}

static struct xl_var *pooled(const struct block *b, enum xl_window_kind kind, int co)
{
	const struct xl_window w = {kind, 3, 1, 1, false};

	return next(b, xl_op_window(b->w->t, b->x, &w), "branch_pool", b->ci, co, 1, 1, 1);
}

static enum xl_window_kind mean_of(const struct block *b)
{
	return b->is_fid ? XL_MEAN_INSIDE : XL_MEAN_ALL;
}

/* One branch behind another; the block's input is given up with the last. */
static struct xl_var *join(const struct block *b, struct xl_var *const *branches, int n)
{
	struct xl_var *y = branches[0];

	for (int i = 1; i < n; i++)
		y = xl_walk_join(b->w, y, branches[i]);
	xl_walk_drop(b->w, b->x);
	return y;
}

static struct xl_var *block_a(const struct block *b, int pool_features)
{
	struct xl_var *v[4];

	v[0] = first(b, "branch1x1", 64);
	v[1] = next(b, first(b, "branch5x5_1", 48), "branch5x5_2", 48, 64, 5, 5, 1);
	v[2] = next(b, first(b, "branch3x3dbl_1", 64), "branch3x3dbl_2", 64, 96, 3, 3, 1);
	v[2] = next(b, v[2], "branch3x3dbl_3", 96, 96, 3, 3, 1);
	v[3] = pooled(b, mean_of(b), pool_features);
	return join(b, v, 4);
}

static struct xl_var *block_b(const struct block *b)
{
	struct xl_var *v[3];

	v[0] = step(b, b->x, "branch3x3", b->ci, 384, 3, 3, 2);
	v[1] = next(b, first(b, "branch3x3dbl_1", 64), "branch3x3dbl_2", 64, 96, 3, 3, 1);
	v[1] = next(b, v[1], "branch3x3dbl_3", 96, 96, 3, 3, 2);
	v[2] = xl_walk_largest(b->w, b->x, 3, 2, false);
	return join(b, v, 3);
}

static struct xl_var *block_c(const struct block *b, int c7)
{
	struct xl_var *v[4];

	v[0] = first(b, "branch1x1", 192);
	v[1] = next(b, first(b, "branch7x7_1", c7), "branch7x7_2", c7, c7, 1, 7, 1);
	v[1] = next(b, v[1], "branch7x7_3", c7, 192, 7, 1, 1);
	v[2] = next(b, first(b, "branch7x7dbl_1", c7), "branch7x7dbl_2", c7, c7, 7, 1, 1);
	v[2] = next(b, v[2], "branch7x7dbl_3", c7, c7, 1, 7, 1);
	v[2] = next(b, v[2], "branch7x7dbl_4", c7, c7, 7, 1, 1);
	v[2] = next(b, v[2], "branch7x7dbl_5", c7, 192, 1, 7, 1);
	v[3] = pooled(b, mean_of(b), 192);
	return join(b, v, 4);
}

static struct xl_var *block_d(const struct block *b)
{
	struct xl_var *v[3];

	v[0] = next(b, first(b, "branch3x3_1", 192), "branch3x3_2", 192, 320, 3, 3, 2);
	v[1] = next(b, first(b, "branch7x7x3_1", 192), "branch7x7x3_2", 192, 192, 1, 7, 1);
	v[1] = next(b, v[1], "branch7x7x3_3", 192, 192, 7, 1, 1);
	v[1] = next(b, v[1], "branch7x7x3_4", 192, 192, 3, 3, 2);
	v[2] = xl_walk_largest(b->w, b->x, 3, 2, false);
	return join(b, v, 3);
}

/* Rows and columns of x beside each other; x is given up. */
static struct xl_var *split(const struct block *b, struct xl_var *x, const char *rows,
			    const char *columns)
{
	struct xl_var *u = step(b, x, rows, 384, 384, 1, 3, 1);
	struct xl_var *v = step(b, x, columns, 384, 384, 3, 1, 1);

	xl_walk_drop(b->w, x);
	return xl_walk_join(b->w, u, v);
}

static struct xl_var *block_e(const struct block *b, enum xl_window_kind pool)
{
	struct xl_var *v[4];

	v[0] = first(b, "branch1x1", 320);
	v[1] = split(b, first(b, "branch3x3_1", 384), "branch3x3_2a", "branch3x3_2b");
	v[2] = next(b, first(b, "branch3x3dbl_1", 448), "branch3x3dbl_2", 448, 384, 3, 3, 1);
	v[2] = split(b, v[2], "branch3x3dbl_3a", "branch3x3dbl_3b");
	v[3] = pooled(b, pool, 192);
	return join(b, v, 4);
}

static struct xl_var *stem(struct xl_walk *w, struct xl_var *x)
{
	static const struct {
		const char *name;
		struct xl_walk_kernel c;
		bool pool; /* and a tap, after it */
	} rows[] = {
		{"Conv2d_1a_3x3", {3, 32, 3, 3, 2, 0, 0}, false},
		{"Conv2d_2a_3x3", {32, 32, 3, 3, 1, 0, 0}, false},
		{"Conv2d_2b_3x3", {32, 64, 3, 3, 1, 1, 1}, true},
		{"Conv2d_3b_1x1", {64, 80, 1, 1, 1, 0, 0}, false},
		{"Conv2d_4a_3x3", {80, 192, 3, 3, 1, 0, 0}, true},
	};

	for (int i = 0; i < (int)(sizeof rows / sizeof *rows); i++) {
		x = xl_walk_then(w, unit(w, x, rows[i].name, rows[i].c), x);
		if (!rows[i].pool)
			continue;
		x = xl_walk_then(w, xl_walk_largest(w, x, 3, 2, false), x);
		xl_walk_tap(w, x);
	}
	return x;
}

static void inception(struct xl_walk *w, struct xl_var *x, bool is_fid)
{
	struct xl_var *mean;

	x = stem(w, x);
	x = block_a(&(struct block){w, "Mixed_5b", x, 192, is_fid}, 32);
	x = block_a(&(struct block){w, "Mixed_5c", x, 256, is_fid}, 64);
	x = block_a(&(struct block){w, "Mixed_5d", x, 288, is_fid}, 64);
	x = block_b(&(struct block){w, "Mixed_6a", x, 288, is_fid});
	x = block_c(&(struct block){w, "Mixed_6b", x, 768, is_fid}, 128);
	x = block_c(&(struct block){w, "Mixed_6c", x, 768, is_fid}, 160);
	x = block_c(&(struct block){w, "Mixed_6d", x, 768, is_fid}, 160);
	x = block_c(&(struct block){w, "Mixed_6e", x, 768, is_fid}, 192);
	xl_walk_tap(w, x);
	x = block_d(&(struct block){w, "Mixed_7a", x, 768, is_fid});
	x = block_e(&(struct block){w, "Mixed_7b", x, 1280, is_fid},
		    is_fid ? XL_MEAN_INSIDE : XL_MEAN_ALL);
	/* the graph of 2015 has the largest here, an oddity that FID keeps */
	x = block_e(&(struct block){w, "Mixed_7c", x, 2048, is_fid},
		    is_fid ? XL_LARGEST : XL_MEAN_ALL);
	xl_walk_tap(w, x);
	mean = xl_op_mean_hw(w->t, x);
	x = xl_walk_linear(w, mean, "fc", 2048, 1, is_fid ? 1008 : 1000, !is_fid);
	xl_walk_drop(w, mean);
	xl_walk_tap(w, x);
}

void xl_walk_inception_fid(struct xl_walk *w, struct xl_var *x)
{
	inception(w, x, true);
}

void xl_walk_inception(struct xl_walk *w, struct xl_var *x)
{
	inception(w, x, false);
}
