/*
 * ops_window.c - the largest and the mean of windows. A mean is linear, and its
 * adjoint the other way round; the largest picks pixels, its gradient puts numbers
 * there, and the gradient of that picks from the same places.
 */
#include "grad/node.h"
#include "grad/ops.h"

static const struct xl_opdef op_mean, op_mean_bwd, op_largest, op_largest_bwd, op_pick;

static struct xl_dims dims_out(const struct xl_dims *x, const struct xl_window *w)
{
	return xl_dims_map(x->n, x->c, xl_window_count(w, x->h), xl_window_count(w, x->w));
}

struct xl_var *xl_op_window(struct xl_tape *t, struct xl_var *x, const struct xl_window *w)
{
	const bool is_mean = w->kind != XL_LARGEST;
	struct xl_node nd = {.op = is_mean ? &op_mean : &op_largest, .in = {x}};

	if (!x)
		return NULL;
	nd.u.window.w = *w;
	nd.u.window.whole = x->d;
	const struct xl_dims d = dims_out(&x->d, w);
	if (d.h < 1 || d.w < 1) {
		xl_err("window: (%d,%d,%d,%d) has no window of %d", x->d.n, x->d.c, x->d.h, x->d.w,
		       w->k);
		return NULL;
	}
	if (!(nd.out = xl_tape_out(t, d)))
		return NULL;
	if (!t->dry)
		xl_window_fwd(nd.out->data, x->data, &x->d, w);
	return xl_tape_push(t, &nd);
}

/* x NULL for means */
static struct xl_var *window_bwd(struct xl_tape *t, struct xl_var *g, struct xl_var *x,
				 const struct xl_node *of)
{
	struct xl_node nd = {.op = x ? &op_largest_bwd : &op_mean_bwd, .in = {g, x}, .u = of->u};
	const struct xl_dims *whole = &of->u.window.whole;

	if (!g || !(nd.out = xl_tape_out(t, *whole)))
		return NULL;
	if (!t->dry)
		xl_window_bwd(nd.out->data, g->data, x ? x->data : NULL, whole, &nd.u.window.w);
	return xl_tape_push(t, &nd);
}

static struct xl_var *pick(struct xl_tape *t, struct xl_var *v, struct xl_var *x,
			   const struct xl_node *of)
{
	struct xl_node nd = {.op = &op_pick, .in = {v, x}, .u = of->u};
	const struct xl_window *w = &nd.u.window.w;

	if (!v || !(nd.out = xl_tape_out(t, dims_out(&v->d, w))))
		return NULL;
	if (!t->dry)
		xl_window_pick(nd.out->data, v->data, x->data, &v->d, w);
	return xl_tape_push(t, &nd);
}

static int mean_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		    struct xl_var **gin)
{
	(void)want;
	return (gin[0] = window_bwd(t, g, NULL, nd)) ? 0 : -1;
}

static int mean_bwd_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
			const bool *want, struct xl_var **gin)
{
	(void)want;
	return (gin[0] = xl_op_window(t, g, &nd->u.window.w)) ? 0 : -1;
}

static int largest_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
		       const bool *want, struct xl_var **gin)
{
	(void)want;
	return (gin[0] = window_bwd(t, g, nd->in[0], nd)) ? 0 : -1;
}

/* Where x is largest does not change with x, almost everywhere. */
static int largest_bwd_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
			   const bool *want, struct xl_var **gin)
{
	if (want[0])
		gin[0] = pick(t, g, nd->in[1], nd);
	return want[0] && !gin[0] ? -1 : 0;
}

static int pick_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		    struct xl_var **gin)
{
	if (want[0])
		gin[0] = window_bwd(t, g, nd->in[1], nd);
	return want[0] && !gin[0] ? -1 : 0;
}

static const struct xl_opdef op_mean = {.name = "mean_window", .vjp = mean_vjp};
static const struct xl_opdef op_mean_bwd = {.name = "mean_window_bwd", .vjp = mean_bwd_vjp};
static const struct xl_opdef op_largest = {
	.name = "largest", .vjp = largest_vjp, .reads = {XL_WANT(0)}};
static const struct xl_opdef op_largest_bwd = {
	.name = "largest_bwd", .vjp = largest_bwd_vjp, .reads = {0, XL_WANT(0)}};
static const struct xl_opdef op_pick = {
	.name = "largest_pick", .vjp = pick_vjp, .reads = {0, XL_WANT(0)}};
