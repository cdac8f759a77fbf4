/*
 * walk.c - what descriptions of published networks are written with: declares
 * parameters, or applies them.
 */
#include <stdio.h>
#include "nn/backbone_params.h"
#include "nn/walk.h"

/* Past the last tap nothing is computed. */
static bool is_over(const struct xl_walk *w)
{
	return w->t && w->n_taps == w->b->def->n_taps;
}

/* The next parameter: declared, and NULL; or its leaf. */
static struct xl_var *param(struct xl_walk *w, const char *name, const char *suffix,
			    struct xl_dims d, int ndim)
{
	const int i = w->next++;

	if (w->t)
		return is_over(w) ? NULL : xl_var_leaf(w->t, d, xl_backbone_values(w->b, i), NULL);
	w->failed |= xl_backbone_declare(w->to, name, suffix, d, ndim) != 0;
	return NULL;
}

static struct xl_var *weights(struct xl_walk *w, const char *name, const struct xl_walk_kernel *c)
{
	return param(w, name, ".weight", xl_dims_plain(c->co, c->ci, c->kh, c->kw), 4);
}

/* (c), as one number for each channel of a map */
static struct xl_var *vector(struct xl_walk *w, const char *name, const char *suffix, int c)
{
	return param(w, name, suffix, xl_dims_map(1, c, 1, 1), 1);
}

static struct xl_var *rectified(struct xl_walk *w, struct xl_var *x)
{
	return xl_walk_then(w, xl_op_leaky(w->t, x, 0), x);
}

struct xl_var *xl_walk_conv(struct xl_walk *w, struct xl_var *x, const char *name,
			    struct xl_walk_kernel c)
{
	struct xl_var *k = weights(w, name, &c), *b = vector(w, name, ".bias", c.co);

	return rectified(w, xl_op_conv2d_hw(w->t, x, k, b, c.stride, c.pad_h, c.pad_w));
}

struct xl_var *xl_walk_conv_bn(struct xl_walk *w, struct xl_var *x, const char *conv,
			       const char *bn, struct xl_walk_kernel c, double eps, bool relu)
{
	struct xl_var *k = weights(w, conv, &c), *b, *y;

	if (!w->t)
		w->failed |= xl_backbone_fold_here(w->to, eps) != 0;
	vector(w, bn, ".weight", c.co);
	b = vector(w, bn, ".bias", c.co);
	vector(w, bn, ".running_mean", c.co);
	vector(w, bn, ".running_var", c.co);
	y = xl_op_conv2d_hw(w->t, x, k, b, c.stride, c.pad_h, c.pad_w);
	return relu ? rectified(w, y) : y;
}

struct xl_var *xl_walk_linear(struct xl_walk *w, struct xl_var *x, const char *name, int ci,
			      int side, int co, bool add_bias)
{
	/* declared as a matrix, applied as a convolution: the numbers are in one order */
	const struct xl_dims d = w->t ? xl_dims_plain(co, ci, side, side)
				      : xl_dims_plain(co, ci * side * side, 1, 1);
	struct xl_var *k = param(w, name, ".weight", d, 2);
	struct xl_var *b = vector(w, name, ".bias", co);

	return xl_op_conv2d_hw(w->t, x, k, add_bias ? b : NULL, 1, 0, 0);
}

struct xl_var *xl_walk_largest(struct xl_walk *w, struct xl_var *x, int k, int stride, bool is_ceil)
{
	const struct xl_window of = {XL_LARGEST, k, stride, 0, is_ceil};

	return is_over(w) ? NULL : xl_op_window(w->t, x, &of);
}

struct xl_var *xl_walk_join(struct xl_walk *w, struct xl_var *a, struct xl_var *b)
{
	struct xl_var *y = xl_op_concat(w->t, a, b, 1);

	xl_walk_drop(w, a);
	xl_walk_drop(w, b);
	return y;
}

void xl_walk_tap(struct xl_walk *w, struct xl_var *x)
{
	if (w->t)
		w->taps[w->n_taps] = x;
	w->n_taps++;
}

void xl_walk_head(struct xl_walk *w, const char *name, int c)
{
	if (!w->t)
		w->to->heads[w->n_heads++] = w->next;
	param(w, name, "", xl_dims_map(1, c, 1, 1), 4);
}

void xl_walk_drop(struct xl_walk *w, struct xl_var *x)
{
	for (int i = 0; w->t && i < w->n_taps; i++)
		if (w->taps[i] == x)
			return;
	xl_drop(w->t, x);
}

struct xl_var *xl_walk_then(struct xl_walk *w, struct xl_var *y, struct xl_var *x)
{
	if (y != x)
		xl_walk_drop(w, x);
	return y;
}
