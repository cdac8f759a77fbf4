/*
 * ops_shape.c - sums and repeats over axes, enlargement, parts and wholes.
 * Each stands beside its adjoint, and each is the other's vjp.
 */
#include "grad/node.h"
#include "grad/ops.h"

static const struct xl_opdef op_sum_to, op_expand, op_up2, op_up2_bwd, op_up4, op_up4_bwd,
	op_narrow, op_embed, op_fit;

/* ---- sums and repeats ---- */

static bool reduces(const struct xl_dims *small, const struct xl_dims *big)
{
	return (small->n == big->n || small->n == 1) && (small->c == big->c || small->c == 1) &&
	       (small->h == big->h || small->h == 1) && (small->w == big->w || small->w == 1);
}

static struct xl_var *wrong_shape(const char *op, const struct xl_dims *a, const struct xl_dims *b)
{
	xl_err("%s: (%d,%d,%d,%d) and (%d,%d,%d,%d) do not fit", op, a->n, a->c, a->h, a->w, b->n,
	       b->c, b->h, b->w);
	return NULL;
}

struct xl_var *xl_op_sum_to(struct xl_tape *t, struct xl_var *x, struct xl_dims d)
{
	struct xl_node nd = {.op = &op_sum_to, .in = {x}};

	if (!x || xl_dims_same(&x->d, &d))
		return x;
	if (!reduces(&d, &x->d))
		return wrong_shape("sum_to", &x->d, &d);
	if (!(nd.out = xl_tape_out(t, d)))
		return NULL;
	if (!t->dry)
		t->k->sum_to(nd.out->data, &d, x->data, &x->d);
	return xl_tape_push(t, &nd);
}

struct xl_var *xl_op_expand(struct xl_tape *t, struct xl_var *x, struct xl_dims d)
{
	struct xl_node nd = {.op = &op_expand, .in = {x}};
	const float zero = 0;
	const struct xl_dims one = {1, 1, 1, 1, 1};

	if (!x || xl_dims_same(&x->d, &d))
		return x;
	if (!reduces(&x->d, &d))
		return wrong_shape("expand", &x->d, &d);
	if (!(nd.out = xl_tape_out(t, d)))
		return NULL;
	if (!t->dry)
		t->k->binary(XL_ADD, nd.out->data, &d, x->data, &x->d, &zero, &one, 0);
	return xl_tape_push(t, &nd);
}

static int sum_to_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
		      const bool *want, struct xl_var **gin)
{
	(void)want;
	gin[0] = xl_op_expand(t, g, nd->in[0]->d);
	return gin[0] ? 0 : -1;
}

static int expand_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
		      const bool *want, struct xl_var **gin)
{
	(void)want;
	gin[0] = xl_op_sum_to(t, g, nd->in[0]->d);
	return gin[0] ? 0 : -1;
}

static const struct xl_opdef op_sum_to = {"sum_to", sum_to_vjp, {0}, NULL};
static const struct xl_opdef op_expand = {"expand", expand_vjp, {0}, NULL};

struct xl_var *xl_op_sum(struct xl_tape *t, struct xl_var *x)
{
	return xl_op_sum_to(t, x, xl_dims_plain(1, 1, 1, 1));
}

struct xl_var *xl_op_mean(struct xl_tape *t, struct xl_var *x)
{
	if (!x)
		return NULL;
	struct xl_var *s = xl_op_sum(t, x);
	struct xl_var *m = xl_op_affine(t, s, 1.0 / (double)xl_dims_count(&x->d), 0);
	if (s != x)
		xl_drop(t, s);
	return m;
}

struct xl_var *xl_op_mean_hw(struct xl_tape *t, struct xl_var *x)
{
	if (!x)
		return NULL;
	struct xl_var *s = xl_op_sum_to(t, x, xl_dims_map(x->d.n, x->d.c, 1, 1));
	struct xl_var *m = xl_op_affine(t, s, 1.0 / ((double)x->d.h * x->d.w), 0);
	if (s != x)
		xl_drop(t, s);
	return m;
}

/* ---- enlargement ---- */

static struct xl_var *resample(struct xl_tape *t, const struct xl_opdef *op, struct xl_var *x,
			       struct xl_dims out,
			       void (*fn)(float *, const float *, const struct xl_dims *))
{
	struct xl_node nd = {.op = op, .in = {x}};

	if (!(nd.out = xl_tape_out(t, out)))
		return NULL;
	if (!t->dry)
		fn(nd.out->data, x->data, out.h < x->d.h ? &out : &x->d);
	return xl_tape_push(t, &nd);
}

#define ENLARGE(NAME, S)                                                                           \
	static struct xl_var *NAME##_bwd(struct xl_tape *t, struct xl_var *g)                      \
	{                                                                                          \
		struct xl_dims d = g->d;                                                           \
		d.h /= S;                                                                          \
		d.w /= S;                                                                          \
		return resample(t, &op_##NAME##_bwd, g, d, xl_##NAME##_bwd);                       \
	}                                                                                          \
	struct xl_var *xl_op_##NAME(struct xl_tape *t, struct xl_var *x)                           \
	{                                                                                          \
		if (!x)                                                                            \
			return NULL;                                                               \
		struct xl_dims d = x->d;                                                           \
		d.h *= S;                                                                          \
		d.w *= S;                                                                          \
		return resample(t, &op_##NAME, x, d, xl_##NAME##_fwd);                             \
	}                                                                                          \
	static int NAME##_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,       \
			      const bool *want, struct xl_var **gin)                               \
	{                                                                                          \
		(void)nd, (void)want;                                                              \
		return (gin[0] = NAME##_bwd(t, g)) ? 0 : -1;                                       \
	}                                                                                          \
	static int NAME##_bwd_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,   \
				  const bool *want, struct xl_var **gin)                           \
	{                                                                                          \
		(void)nd, (void)want;                                                              \
		return (gin[0] = xl_op_##NAME(t, g)) ? 0 : -1;                                     \
	}                                                                                          \
	static const struct xl_opdef op_##NAME = {#NAME, NAME##_vjp, {0}, NULL};                   \
	static const struct xl_opdef op_##NAME##_bwd = {#NAME "_bwd", NAME##_bwd_vjp, {0}, NULL};

ENLARGE(up2, 2)
ENLARGE(up4, 4)

/* ---- parts ---- */

struct xl_var *xl_op_narrow(struct xl_tape *t, struct xl_var *x, int axis, int start, int len)
{
	struct xl_node nd = {.op = &op_narrow, .in = {x}};

	if (!x)
		return NULL;
	struct xl_dims d = axis == 0 ? xl_dims_map(len, x->d.c, x->d.h, x->d.w)
				     : xl_dims_map(x->d.n, len, x->d.h, x->d.w);
	const int size = axis == 0 ? x->d.n : x->d.c;
	if (start < 0 || len < 1 || start > size - len) {
		xl_err("narrow: no part %d+%d of axis %d of (%d,%d,%d,%d)", start, len, axis,
		       x->d.n, x->d.c, x->d.h, x->d.w);
		return NULL;
	}
	nd.u.part.axis = axis;
	nd.u.part.start = start;
	nd.u.part.len = len;
	nd.u.part.whole = x->d;
	if (!(nd.out = xl_tape_out(t, d)))
		return NULL;
	if (!t->dry)
		xl_narrow_fwd(nd.out->data, x->data, &x->d, axis, start, len);
	return xl_tape_push(t, &nd);
}

static struct xl_var *embed(struct xl_tape *t, struct xl_var *x, struct xl_dims whole, int axis,
			    int start, int len)
{
	struct xl_node nd = {.op = &op_embed, .in = {x}, .u.part = {axis, start, len, whole}};

	if (!x || !(nd.out = xl_tape_out(t, whole)))
		return NULL;
	if (!t->dry)
		xl_narrow_bwd(nd.out->data, x->data, &whole, axis, start, len);
	return xl_tape_push(t, &nd);
}

static int narrow_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
		      const bool *want, struct xl_var **gin)
{
	(void)want;
	gin[0] = embed(t, g, nd->u.part.whole, nd->u.part.axis, nd->u.part.start, nd->u.part.len);
	return gin[0] ? 0 : -1;
}

static int embed_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
		     const bool *want, struct xl_var **gin)
{
	(void)want;
	gin[0] = xl_op_narrow(t, g, nd->u.part.axis, nd->u.part.start, nd->u.part.len);
	return gin[0] ? 0 : -1;
}

static const struct xl_opdef op_narrow = {"narrow", narrow_vjp, {0}, NULL};
static const struct xl_opdef op_embed = {"embed", embed_vjp, {0}, NULL};

static int concat_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
		      const bool *want, struct xl_var **gin)
{
	const int axis = nd->u.part.axis;

	for (int i = 0, start = 0; i < 2; i++) {
		const int len = axis == 0 ? nd->in[i]->d.n : nd->in[i]->d.c;
		if (want[i] && !(gin[i] = xl_op_narrow(t, g, axis, start, len)))
			return -1;
		start += len;
	}
	return 0;
}

static const struct xl_opdef op_concat = {"concat", concat_vjp, {0}, NULL};

struct xl_var *xl_op_embed(struct xl_tape *t, struct xl_var *x, int axis, int start, int size)
{
	if (!x)
		return NULL;
	const int len = axis == 0 ? x->d.n : x->d.c;
	if (start < 0 || start > size - len) {
		xl_err("embed: (%d,%d,%d,%d) is no part %d+%d of axis %d of size %d", x->d.n,
		       x->d.c, x->d.h, x->d.w, start, len, axis, size);
		return NULL;
	}
	const struct xl_dims whole = axis == 0 ? xl_dims_map(size, x->d.c, x->d.h, x->d.w)
					       : xl_dims_map(x->d.n, size, x->d.h, x->d.w);
	return embed(t, x, whole, axis, start, len);
}

struct xl_var *xl_op_concat(struct xl_tape *t, struct xl_var *a, struct xl_var *b, int axis)
{
	struct xl_node nd = {.op = &op_concat, .in = {a, b}};

	if (!a || !b)
		return NULL;
	const struct xl_dims *p = &a->d, *q = &b->d;
	const int na = axis == 0 ? p->n : p->c, nb = axis == 0 ? q->n : q->c;
	if (p->h != q->h || p->w != q->w || (axis == 0 ? p->c != q->c : p->n != q->n))
		return wrong_shape("concat", p, q);
	const struct xl_dims d = axis == 0 ? xl_dims_map(na + nb, p->c, p->h, p->w)
					   : xl_dims_map(p->n, na + nb, p->h, p->w);
	nd.u.part.axis = axis;
	if (!(nd.out = xl_tape_out(t, d)))
		return NULL;
	if (!t->dry) {
		xl_embed(nd.out->data, a->data, &d, axis, 0, na);
		xl_embed(nd.out->data, b->data, &d, axis, na, nb);
	}
	return xl_tape_push(t, &nd);
}

struct xl_var *xl_op_detach(struct xl_tape *t, struct xl_var *x)
{
	return x ? xl_var_leaf(t, x->d, x->data, NULL) : NULL;
}

/* ---- size ---- */

struct xl_var *xl_op_fit(struct xl_tape *t, struct xl_var *x, int h, int w)
{
	struct xl_node nd = {.op = &op_fit, .in = {x}};

	if (!x || (x->d.h == h && x->d.w == w))
		return x;
	struct xl_dims d = x->d;
	d.h = h;
	d.w = w;
	if (!(nd.out = xl_tape_out(t, d)))
		return NULL;
	if (!t->dry)
		xl_fit(nd.out->data, &d, x->data, &x->d);
	return xl_tape_push(t, &nd);
}

static int fit_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		   struct xl_var **gin)
{
	(void)want;
	return (gin[0] = xl_op_fit(t, g, nd->in[0]->d.h, nd->in[0]->d.w)) ? 0 : -1;
}

static const struct xl_opdef op_fit = {"fit", fit_vjp, {0}, NULL};
