/*
 * ops_fused.c - what would be many elementary operators, in one: blending two
 * affine functions by a mask, the mean absolute difference, and cross-entropy. Where
 * derivatives must themselves be differentiated, these are written out, but for the last.
 */
#include <math.h>
#include "grad/node.h"
#include "grad/ops.h"

/* ---- blend ---- */

enum { X, M, F, B };

static struct xl_blend operands(const struct xl_node *nd)
{
	return (struct xl_blend){nd->in[X]->data, nd->in[M]->data, nd->in[F]->data,
				 nd->in[B]->data};
}

static void blend_redo(struct xl_tape *t, const struct xl_node *nd)
{
	const struct xl_blend in = operands(nd);

	t->k->blend_fwd(nd->out->data, &in, &nd->out->d);
}

/* sum over pixels of g and g x, as one vector like f and b */
static struct xl_var *affine_grad(struct xl_tape *t, struct xl_var *g, struct xl_var *x)
{
	const struct xl_dims c = xl_dims_map(x->d.n, x->d.c, 1, 1);

	return xl_op_concat(t, xl_op_sum_to(t, g, c), xl_op_sum_to(t, xl_op_mul(t, g, x), c), 1);
}

static int blend_vjp_recorded(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
			      const bool *want, struct xl_var **gin)
{
	struct xl_var *x = nd->in[X], *m = nd->in[M], *f = nd->in[F], *b = nd->in[B];
	const int c = x->d.c;
	struct xl_var *rest = xl_op_affine(t, m, -1, 1), *df = xl_op_sub(t, f, b);

	if (want[X])
		gin[X] = xl_op_mul(t, g,
				   xl_op_add(t, xl_op_mul(t, m, xl_op_narrow(t, f, 1, c, c)),
					     xl_op_mul(t, rest, xl_op_narrow(t, b, 1, c, c))));
	if (want[M])
		gin[M] = xl_op_sum_to(
			t,
			xl_op_mul(t, g,
				  xl_op_add(t, xl_op_mul(t, x, xl_op_narrow(t, df, 1, c, c)),
					    xl_op_narrow(t, df, 1, 0, c))),
			m->d);
	if (want[F])
		gin[F] = affine_grad(t, xl_op_mul(t, g, m), x);
	if (want[B])
		gin[B] = affine_grad(t, xl_op_mul(t, g, rest), x);
	for (int i = 0; i < XL_OP_INPUTS; i++)
		if (want[i] && !gin[i])
			return -1;
	return 0;
}

static int blend_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
		     const bool *want, struct xl_var **gin)
{
	if (t->keep)
		return blend_vjp_recorded(t, nd, g, want, gin);
	for (int i = 0; i < XL_OP_INPUTS; i++)
		if (!(gin[i] = xl_tape_out(t, nd->in[i]->d)))
			return -1;
	const struct xl_blend in = operands(nd);
	const struct xl_blend_grads to = {gin[X]->data, gin[M]->data, gin[F]->data, gin[B]->data};
	if (!t->dry)
		t->k->blend_bwd(&to, g->data, &in, &nd->out->d);
	for (int i = 0; i < XL_OP_INPUTS; i++)
		if (!want[i]) {
			xl_drop(t, gin[i]);
			gin[i] = NULL;
		}
	return 0;
}

static const struct xl_opdef op_blend = {
	"blend", blend_vjp, {XL_WANT_ANY, XL_WANT_ANY, XL_WANT_ANY, XL_WANT_ANY}, blend_redo};

struct xl_var *xl_op_blend(struct xl_tape *t, struct xl_var *x, struct xl_var *m, struct xl_var *f,
			   struct xl_var *b)
{
	struct xl_node nd = {.op = &op_blend, .in = {x, m, f, b}};

	if (!x || !m || !f || !b)
		return NULL;
	const struct xl_dims *d = &x->d;
	const struct xl_dims mask = xl_dims_map(d->n, 1, d->h, d->w);
	const struct xl_dims pair = xl_dims_map(d->n, 2 * d->c, 1, 1);
	if (!xl_dims_same(&m->d, &mask) || !xl_dims_same(&f->d, &pair) ||
	    !xl_dims_same(&b->d, &pair)) {
		xl_err("blend: (%d,%d,%d,%d) does not fit mask (%d,%d,%d,%d) and vectors of %d "
		       "and %d",
		       d->n, d->c, d->h, d->w, m->d.n, m->d.c, m->d.h, m->d.w, f->d.c, b->d.c);
		return NULL;
	}
	if (!(nd.out = xl_tape_out(t, *d)))
		return NULL;
	if (!t->dry)
		blend_redo(t, &nd);
	return xl_tape_push(t, &nd);
}

/* ---- mean absolute difference ---- */

/* p sign(a - b), as a constant: it is flat almost everywhere */
static struct xl_var *sign_of(struct xl_tape *t, const struct xl_node *nd, float p)
{
	const struct xl_var *a = nd->in[0], *b = nd->in[1];
	struct xl_var *s = xl_tape_out(t, a->d);

	if (s && !t->dry)
		t->k->binary(XL_DIFF_SIGN, s->data, &a->d, a->data, &a->d, b->data, &b->d, p);
	return s;
}

static int l1_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		  struct xl_var **gin)
{
	const double each = 1.0 / (double)xl_dims_count(&nd->in[0]->d);

	for (int i = 0; i < 2; i++) {
		const double p = i == 0 ? each : -each;
		if (want[i] && t->keep)
			gin[i] = xl_op_mul(t, sign_of(t, nd, (float)p), g);
		else if (want[i])
			gin[i] = sign_of(t, nd, (float)(p * xl_var_scalar(t, g)));
		if (want[i] && !gin[i])
			return -1;
	}
	return 0;
}

static const struct xl_opdef op_l1 = {"l1", l1_vjp, {XL_WANT_ANY, XL_WANT_ANY}, NULL};

struct xl_var *xl_op_l1(struct xl_tape *t, struct xl_var *a, struct xl_var *b)
{
	struct xl_node nd = {.op = &op_l1, .in = {a, b}};

	if (!a || !b)
		return NULL;
	if (!xl_dims_same(&a->d, &b->d)) {
		xl_err("l1: (%d,%d,%d,%d) and (%d,%d,%d,%d) do not fit", a->d.n, a->d.c, a->d.h,
		       a->d.w, b->d.n, b->d.c, b->d.h, b->d.w);
		return NULL;
	}
	const int64_t count = xl_dims_count(&a->d);
	float *d = xl_tape_take(t, (size_t)count * sizeof *d);
	if (!d || !(nd.out = xl_tape_out(t, xl_dims_plain(1, 1, 1, 1))))
		return NULL;
	if (!t->dry) {
		t->k->binary(XL_SUB, d, &a->d, a->data, &a->d, b->data, &b->d, 0);
		t->k->unary(XL_ABS, d, d, count, 0, 0);
		t->k->sum_to(nd.out->data, &nd.out->d, d, &a->d);
		nd.out->data[0] = (float)((double)nd.out->data[0] / (double)count);
	}
	xl_tape_give(t, d, (size_t)count * sizeof *d);
	return xl_tape_push(t, &nd);
}

/* ---- cross-entropy ---- */

/* aux holds the derivative */
static int cross_entropy_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
			     const bool *want, struct xl_var **gin)
{
	(void)want;
	if (t->keep)
		return xl_err("cross_entropy has no recorded gradient");
	gin[0] = xl_op_mul(t, xl_var_leaf(t, nd->in[0]->d, nd->aux, NULL), g);
	return gin[0] ? 0 : -1;
}

static const struct xl_opdef op_cross_entropy = {"cross_entropy", cross_entropy_vjp, {0}, NULL};

/* -ln softmax(z)_y; grad = p (softmax(z) - [i = y]) */
static double surprise(float *grad, const float *z, int classes, int y, double p)
{
	double most = -INFINITY, sum = 0;

	for (int i = 0; i < classes; i++)
		most = fmax(most, (double)z[i]);
	for (int i = 0; i < classes; i++)
		sum += exp((double)z[i] - most);
	for (int i = 0; i < classes; i++)
		grad[i] = (float)(p * (exp((double)z[i] - most) / sum - (i == y)));
	return most + log(sum) - (double)z[y];
}

struct xl_var *xl_op_cross_entropy(struct xl_tape *t, struct xl_var *z, const float *y, int classes)
{
	struct xl_node nd = {.op = &op_cross_entropy, .in = {z}};

	if (!z)
		return NULL;
	if (z->d.c % classes || z->d.h * z->d.w != 1) {
		xl_err("cross_entropy: (%d,%d,%d,%d) is no vector of groups of %d", z->d.n, z->d.c,
		       z->d.h, z->d.w, classes);
		return NULL;
	}
	nd.aux_bytes = (size_t)xl_dims_count(&z->d) * sizeof(float);
	nd.aux = xl_tape_take(t, nd.aux_bytes);
	if (!nd.aux || !(nd.out = xl_tape_out(t, xl_dims_plain(1, 1, 1, 1))))
		return NULL;
	double sum = 0;
	for (int64_t i = 0; !t->dry && i < xl_dims_count(&z->d) / classes; i++)
		sum += surprise(nd.aux + i * classes, z->data + i * classes, classes, (int)y[i],
				1.0 / z->d.n);
	if (!t->dry)
		nd.out->data[0] = (float)(sum / z->d.n);
	return xl_tape_push(t, &nd);
}
