/*
 * ops_pool.c - means of windows, and limits with a one-sided gradient.
 */
#include "grad/node.h"
#include "grad/ops.h"

/* ---- means of windows: two operators, each the other's vjp ---- */

static const struct xl_opdef op_avgpool, op_avgpool_bwd;

static struct xl_var *avgpool_bwd(struct xl_tape *t, struct xl_var *g, struct xl_dims whole, int k)
{
	struct xl_node nd = {.op = &op_avgpool_bwd, .in = {g}, .u.part = {.len = k}};

	if (!g || !(nd.out = xl_tape_out(t, whole)))
		return NULL;
	if (!t->dry)
		xl_avgpool_bwd(nd.out->data, g->data, &whole, k);
	return xl_tape_push(t, &nd);
}

struct xl_var *xl_op_avgpool(struct xl_tape *t, struct xl_var *x, int k)
{
	struct xl_node nd = {.op = &op_avgpool, .in = {x}, .u.part = {.len = k}};

	if (!x)
		return NULL;
	const struct xl_dims d =
		xl_dims_map(x->d.n, x->d.c, xl_avgpool_size(x->d.h, k), xl_avgpool_size(x->d.w, k));
	if (d.h < 1 || d.w < 1) {
		xl_err("avgpool: (%d,%d,%d,%d) has no window of %d", x->d.n, x->d.c, x->d.h, x->d.w,
		       k);
		return NULL;
	}
	if (!(nd.out = xl_tape_out(t, d)))
		return NULL;
	if (!t->dry)
		xl_avgpool_fwd(nd.out->data, x->data, &x->d, k);
	return xl_tape_push(t, &nd);
}

static int avgpool_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
		       const bool *want, struct xl_var **gin)
{
	(void)want;
	gin[0] = avgpool_bwd(t, g, nd->in[0]->d, nd->u.part.len);
	return gin[0] ? 0 : -1;
}

static int avgpool_bwd_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
			   const bool *want, struct xl_var **gin)
{
	(void)want;
	gin[0] = xl_op_avgpool(t, g, nd->u.part.len);
	return gin[0] ? 0 : -1;
}

static const struct xl_opdef op_avgpool = {.name = "avgpool", .vjp = avgpool_vjp};
static const struct xl_opdef op_avgpool_bwd = {.name = "avgpool_bwd", .vjp = avgpool_bwd_vjp};

/* ---- limits ---- */

static int clamp_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
		     const bool *want, struct xl_var **gin)
{
	(void)want;
	if (t->keep)
		return xl_err("clamp has no recorded gradient");
	if (!(gin[0] = xl_tape_out(t, nd->in[0]->d)))
		return -1;
	if (!t->dry)
		xl_clamp_bwd(gin[0]->data, g->data, nd->in[0]->data, xl_dims_count(&g->d),
			     nd->u.num.p, nd->u.num.q);
	return 0;
}

static const struct xl_opdef op_clamp = {.name = "clamp", .vjp = clamp_vjp, .reads = {XL_WANT(0)}};

struct xl_var *xl_op_clamp(struct xl_tape *t, struct xl_var *x, double lo, double hi)
{
	struct xl_node nd = {.op = &op_clamp, .in = {x}, .u.num = {(float)lo, (float)hi}};

	if (!x || !(nd.out = xl_tape_out(t, x->d)))
		return NULL;
	if (!t->dry)
		xl_clamp_fwd(nd.out->data, x->data, xl_dims_count(&x->d), (float)lo, (float)hi);
	return xl_tape_push(t, &nd);
}
