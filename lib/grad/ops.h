/*
 * ops.h - the operators on the tape. Each returns NULL when an input is NULL or
 * with xl_err set (shapes that do not fit, both shown; no memory).
 *
 * All values are maps (N,C,H,W); vectors are (N,C,1,1), numbers (1,1,1,1).
 * Binary operators broadcast axes of size 1. The set is closed under
 * differentiation: the vjp of each is written with operators of this list.
 */
#ifndef XL_GRAD_OPS_H
#define XL_GRAD_OPS_H

#include "grad/tape.h"
#include "kernels/windows.h"

/* conv(pad(x), w) + b; w (O,I,kh,kw) plain, b (1,O,1,1) or NULL. A linear layer
 * is a 1x1 convolution of a (N,C,1,1) vector. */
struct xl_var *xl_op_conv2d(struct xl_tape *t, struct xl_var *x, struct xl_var *w, struct xl_var *b,
			    int stride, int pad, enum xl_pad_mode mode);

/* conv2d with zeros around: pad_h rows above and below, pad_w columns on each side */
struct xl_var *xl_op_conv2d_hw(struct xl_tape *t, struct xl_var *x, struct xl_var *w,
			       struct xl_var *b, int stride, int pad_h, int pad_w);

/*
 * xl_op_conv2d_t - transposed convolution, the adjoint of conv2d with zeros around
 *
 *   y[n,o,i s - pad + u,j s - pad + v] += x[n,c,i,j] w[c,o,u,v],  then y += b
 *
 * Shapes   x: (N,C,h,w)  w: (C,O,kh,kw) plain  b: (1,O,1,1) or NULL
 *          y: (N,O,(h-1) s - 2 pad + kh + extra,..), extra < s rows and columns
 */
struct xl_var *xl_op_conv2d_t(struct xl_tape *t, struct xl_var *x, struct xl_var *w,
			      struct xl_var *b, int stride, int pad, int extra);

/* conv2d, padded by reflection, of x enlarged by two (nearest): the same value as
 * xl_op_conv2d of xl_op_up2, for 5x5 in 9/25 of the multiplications. */
struct xl_var *xl_op_upconv(struct xl_tape *t, struct xl_var *x, struct xl_var *w, struct xl_var *b,
			    int pad);

/* a + b, a - b, a b */
struct xl_var *xl_op_add(struct xl_tape *t, struct xl_var *a, struct xl_var *b);
struct xl_var *xl_op_sub(struct xl_tape *t, struct xl_var *a, struct xl_var *b);
struct xl_var *xl_op_mul(struct xl_tape *t, struct xl_var *a, struct xl_var *b);

struct xl_var *xl_op_affine(struct xl_tape *t, struct xl_var *x, double p, double q); /* p x + q */
struct xl_var *xl_op_leaky(struct xl_tape *t, struct xl_var *x, double slope); /* 0: ReLU; >= 0 */
struct xl_var *xl_op_tanh(struct xl_tape *t, struct xl_var *x);
struct xl_var *xl_op_sigmoid(struct xl_tape *t, struct xl_var *x);
struct xl_var *xl_op_abs(struct xl_tape *t, struct xl_var *x); /* gradient sign(x), 0 at 0 */
struct xl_var *xl_op_sqrt(struct xl_tape *t, struct xl_var *x);
struct xl_var *xl_op_exp(struct xl_tape *t, struct xl_var *x);
struct xl_var *xl_op_softplus(struct xl_tape *t, struct xl_var *x);      /* log(1 + e^x) */
struct xl_var *xl_op_recip(struct xl_tape *t, struct xl_var *x);         /* 1 / x */
struct xl_var *xl_op_max(struct xl_tape *t, struct xl_var *x, double c); /* max(x, c) */

/* a where b > c, else 0; a and b of one size. b is held constant for the gradient. */
struct xl_var *xl_op_above(struct xl_tape *t, struct xl_var *a, struct xl_var *b, double c);

/* Sum over the axes where d has size 1; and back: repeat over them. */
struct xl_var *xl_op_sum_to(struct xl_tape *t, struct xl_var *x, struct xl_dims d);
struct xl_var *xl_op_expand(struct xl_tape *t, struct xl_var *x, struct xl_dims d);
struct xl_var *xl_op_sum(struct xl_tape *t, struct xl_var *x);     /* of everything */
struct xl_var *xl_op_mean(struct xl_tape *t, struct xl_var *x);    /* of everything */
struct xl_var *xl_op_mean_hw(struct xl_tape *t, struct xl_var *x); /* (N,C,1,1) */

struct xl_var *xl_op_up2(struct xl_tape *t, struct xl_var *x); /* nearest x2 */
struct xl_var *xl_op_up4(struct xl_tape *t, struct xl_var *x); /* bilinear x4 */

/* Means of windows two pixels apart, see xl_avgpool_fwd: k 2, or 3 with a border that
 * is not counted. */
struct xl_var *xl_op_avgpool(struct xl_tape *t, struct xl_var *x, int k);

/* The largest, or the mean, of windows as published networks have them, see
 * xl_window_fwd. */
struct xl_var *xl_op_window(struct xl_tape *t, struct xl_var *x, const struct xl_window *w);

/* x within lo..hi. Its gradient stops only where it would take x further out, see
 * xl_clamp_bwd. No second derivative (it is zero). */
struct xl_var *xl_op_clamp(struct xl_tape *t, struct xl_var *x, double lo, double hi);

/* Part [start, start + len) of axis 0 (samples) or 1 (channels); its adjoint, x as
 * that part of `size` samples or channels that are zero elsewhere; a and b one after
 * the other. */
struct xl_var *xl_op_narrow(struct xl_tape *t, struct xl_var *x, int axis, int start, int len);
struct xl_var *xl_op_embed(struct xl_tape *t, struct xl_var *x, int axis, int start, int size);
struct xl_var *xl_op_concat(struct xl_tape *t, struct xl_var *a, struct xl_var *b, int axis);

/* x cut, or with zeros added, below and on the right to h rows and w columns */
struct xl_var *xl_op_fit(struct xl_tape *t, struct xl_var *x, int h, int w);

/*
 * Normalisation and what follows it: act(norm(x) scale + shift) + add, see
 * xl_kernels.norm_fwd and struct xl_norm_dims; scale and shift (1,C,1,1) or both
 * NULL. moments, if not NULL, gets the biased mean and variance of the batch, or
 * of each of its halves, (C,2) (only for XL_NORM_BATCH).
 *
 * xl_op_norm - the normalisation alone
 */
struct xl_norm_op {
	struct xl_var *scale, *shift, *add;
	enum xl_norm kind;
	double eps;
	bool halves, act;
	double slope; /* 0 or more */
	double *moments;
};
struct xl_var *xl_op_norm_act(struct xl_tape *t, struct xl_var *x, const struct xl_norm_op *o);
struct xl_var *xl_op_norm(struct xl_tape *t, struct xl_var *x, struct xl_var *scale,
			  struct xl_var *shift, enum xl_norm kind, double eps, double *moments);

/* m (gamma_f x + beta_f) + (1 - m) (gamma_b x + beta_b); x (N,C,H,W), m (N,1,H,W),
 * f and b (N,2C,1,1), each beta, then gamma. */
struct xl_var *xl_op_blend(struct xl_tape *t, struct xl_var *x, struct xl_var *m, struct xl_var *f,
			   struct xl_var *b);

/* mean |a - b| over every element, a number; the derivative at 0 is 0 */
struct xl_var *xl_op_l1(struct xl_tape *t, struct xl_var *a, struct xl_var *b);

/* Gram matrices  y[n,0,i,j] = sum_p x[n,i,p] x[n,j,p] / P  over the P pixels of a map
 * (N,C,h,w); y (N,1,C,C). No recorded derivative. */
struct xl_var *xl_op_gram(struct xl_tape *t, struct xl_var *x);

/* Cross-entropy of labels y (N,L), whole numbers below `classes`, by logits z
 * (N,L classes,1,1): -ln softmax(z)_y, sum over labels, mean over the batch; y is not
 * read on a dry tape. No recorded derivative. */
struct xl_var *xl_op_cross_entropy(struct xl_tape *t, struct xl_var *z, const float *y,
				   int classes);

/* Mask smoothness R1 of masks m (N,1,h,w) with contents c, see xl_r1; c is held
 * constant for the gradient. No second derivative (it is zero). */
struct xl_var *xl_op_r1(struct xl_tape *t, struct xl_var *m, struct xl_var *c);

/* The same value as a constant; shares the memory of x. */
struct xl_var *xl_op_detach(struct xl_tape *t, struct xl_var *x);

#endif
