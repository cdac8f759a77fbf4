/*
 * ops_norm.c - fused normalisation, and the mask smoothness R1. The first
 * derivative of a normalisation is fused too; where it must itself be
 * differentiated, it is written out with elementary operators.
 */
#include "grad/node.h"
#include "grad/ops.h"

static const struct xl_opdef op_norm;

static size_t stats_bytes(const struct xl_dims *d)
{
	return (size_t)d->n * (size_t)d->c * XL_NORM_STATS * sizeof(float);
}

static size_t scratch_bytes(const struct xl_dims *d)
{
	return (size_t)d->n * (size_t)d->c * 5 * sizeof(double);
}

static const float *data_of(const struct xl_var *v)
{
	return v ? v->data : NULL;
}

static int check_norm(const struct xl_var *x, const struct xl_norm_op *o)
{
	const struct xl_var *s = o->scale, *a = o->add;

	if (s && (s->d.c != x->d.c || xl_dims_count(&s->d) != x->d.c ||
		  !xl_dims_same(&s->d, &o->shift->d)))
		return xl_err("norm: scale (%d,%d,%d,%d) does not fit (%d,%d,%d,%d)", s->d.n,
			      s->d.c, s->d.h, s->d.w, x->d.n, x->d.c, x->d.h, x->d.w);
	if (a && !xl_dims_same(&a->d, &x->d))
		return xl_err("norm: (%d,%d,%d,%d) and (%d,%d,%d,%d) cannot be added", x->d.n,
			      x->d.c, x->d.h, x->d.w, a->d.n, a->d.c, a->d.h, a->d.w);
	if (o->halves && x->d.n % 2)
		return xl_err("norm: a batch of %d has no halves", x->d.n);
	return 0;
}

/* The statistics of the batch, or of its halves, back from what was saved. */
static void report_moments(const struct xl_norm_op *o, const float *stats, const struct xl_dims *d)
{
	for (int half = 0; half < 1 + o->halves; half++)
		for (int c = 0; c < d->c; c++) {
			const float *st =
				stats + XL_NORM_STATS * ((int64_t)half * (d->n / 2) * d->c + c);
			const double inv = (double)st[2];
			double *to = o->moments + 2 * (half * d->c + c);
			to[0] = (double)st[0] + (double)st[1];
			to[1] = 1 / (inv * inv) - o->eps;
		}
}

struct xl_var *xl_op_norm_act(struct xl_tape *t, struct xl_var *x, const struct xl_norm_op *o)
{
	struct xl_node nd = {.op = &op_norm, .in = {x, o->scale, o->shift, o->add}};
	void *scratch;

	if (!x || !o->scale != !o->shift || check_norm(x, o))
		return NULL;
	nd.u.norm = (struct xl_norm_dims){.d = x->d,
					  .kind = o->kind,
					  .eps = (float)o->eps,
					  .halves = o->halves,
					  .act = o->act,
					  .slope = (float)o->slope};
	nd.aux_bytes = stats_bytes(&x->d);
	nd.aux = xl_tape_take(t, nd.aux_bytes);
	scratch = xl_tape_take(t, scratch_bytes(&x->d));
	if (!nd.aux || !scratch || !(nd.out = xl_tape_out(t, x->d)))
		return NULL;
	if (!t->dry) {
		t->k->norm_fwd(nd.out->data, nd.aux, x->data, data_of(o->scale), data_of(o->shift),
			       data_of(o->add), &nd.u.norm, scratch);
		if (o->moments)
			report_moments(o, nd.aux, &x->d);
	}
	xl_tape_give(t, scratch, scratch_bytes(&x->d));
	return xl_tape_push(t, &nd);
}

struct xl_var *xl_op_norm(struct xl_tape *t, struct xl_var *x, struct xl_var *scale,
			  struct xl_var *shift, enum xl_norm kind, double eps, double *moments)
{
	const struct xl_norm_op o = {
		.scale = scale, .shift = shift, .kind = kind, .eps = eps, .moments = moments};

	return xl_op_norm_act(t, x, &o);
}

static void norm_redo(struct xl_tape *t, const struct xl_node *nd)
{
	t->k->norm_again(nd->out->data, nd->aux, nd->in[0]->data, data_of(nd->in[1]),
			 data_of(nd->in[2]), data_of(nd->in[3]), &nd->u.norm);
}

/* The mean over the group, as a number per group. */
static struct xl_var *group_mean(struct xl_tape *t, struct xl_var *x, const struct xl_norm_dims *nd)
{
	const struct xl_dims *d = &nd->d;
	struct xl_dims g = xl_dims_map(d->n, d->c, 1, 1);

	if (nd->kind == XL_NORM_LAYER)
		g = xl_dims_map(d->n, 1, 1, 1);
	if (nd->kind == XL_NORM_BATCH)
		g = xl_dims_map(1, d->c, 1, 1);
	return xl_op_affine(t, xl_op_sum_to(t, x, g),
			    (double)xl_dims_count(&g) / (double)xl_dims_count(d), 0);
}

/* g where the activation lets it pass; it is flat in z */
static struct xl_var *gated(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
			    struct xl_var *xhat)
{
	struct xl_var *z = xhat;

	if (!nd->u.norm.act)
		return g;
	if (nd->in[1])
		z = xl_op_add(t, xl_op_mul(t, xhat, nd->in[1]), nd->in[2]);
	return z ? xl_op_leaky_bwd(t, g, z, nd->u.norm.slope) : NULL;
}

/* gx = r (g' - mean g' - xhat mean(g' xhat)), g' = scale g, recorded */
static int norm_vjp_recorded(struct xl_tape *t, const struct xl_node *nd, struct xl_var *gy,
			     const bool *want, struct xl_var **gin)
{
	const struct xl_norm_dims *n = &nd->u.norm;
	struct xl_var *x = nd->in[0], *scale = nd->in[1];

	if (n->halves)
		return xl_err("norm of halves has no recorded gradient");
	struct xl_var *xc = xl_op_sub(t, x, group_mean(t, x, n));
	struct xl_var *var = group_mean(t, xl_op_mul(t, xc, xc), n);
	struct xl_var *r = xl_op_recip(t, xl_op_sqrt(t, xl_op_affine(t, var, 1, (double)n->eps)));
	struct xl_var *xhat = xl_op_mul(t, xc, r);
	struct xl_var *g = gated(t, nd, gy, xhat);
	struct xl_var *gs = scale ? xl_op_mul(t, g, scale) : g;
	struct xl_var *slope = group_mean(t, xl_op_mul(t, gs, xhat), n);

	if (want[0])
		gin[0] = xl_op_mul(t, r,
				   xl_op_sub(t, xl_op_sub(t, gs, group_mean(t, gs, n)),
					     xl_op_mul(t, xhat, slope)));
	if (want[1])
		gin[1] = xl_op_sum_to(t, xl_op_mul(t, g, xhat), scale->d);
	if (want[2])
		gin[2] = xl_op_sum_to(t, g, nd->in[2]->d);
	if (want[3])
		gin[3] = gy;
	for (int i = 0; i < XL_OP_INPUTS; i++)
		if (want[i] && !gin[i])
			return -1;
	return 0;
}

static int norm_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		    struct xl_var **gin)
{
	const struct xl_dims *d = &nd->u.norm.d;
	void *scratch;

	if (t->keep)
		return norm_vjp_recorded(t, nd, g, want, gin);
	if (want[3])
		gin[3] = g;
	if (!(gin[0] = xl_tape_out(t, *d)) || !(scratch = xl_tape_take(t, scratch_bytes(d))))
		return -1;
	for (int i = 1; i < 3; i++)
		if (want[i] && !(gin[i] = xl_tape_out(t, nd->in[i]->d)))
			return -1;
	const struct xl_norm_grads to = {gin[0]->data, gin[1] ? gin[1]->data : NULL,
					 gin[2] ? gin[2]->data : NULL};
	if (!t->dry)
		t->k->norm_bwd(&to, g->data, nd->in[0]->data, nd->aux, data_of(nd->in[1]),
			       data_of(nd->in[2]), &nd->u.norm, scratch);
	xl_tape_give(t, scratch, scratch_bytes(d));
	if (!want[0]) {
		xl_drop(t, gin[0]);
		gin[0] = NULL;
	}
	return 0;
}

static const struct xl_opdef op_norm = {
	"norm", norm_vjp, {XL_WANT(0) | XL_WANT(1) | XL_WANT(2)}, norm_redo};

/* aux holds dR1/dm */
static int r1_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		  struct xl_var **gin)
{
	(void)want;
	if (t->keep)
		return xl_err("r1 has no recorded gradient");
	struct xl_var *gm = xl_var_leaf(t, nd->in[0]->d, nd->aux, NULL);
	gin[0] = xl_op_mul(t, gm, g);
	return gin[0] ? 0 : -1;
}

static const struct xl_opdef op_r1 = {"r1", r1_vjp, {0}, NULL};

struct xl_var *xl_op_r1(struct xl_tape *t, struct xl_var *m, struct xl_var *c)
{
	struct xl_node nd = {.op = &op_r1, .in = {m}};
	double value = 0;

	if (!m || !c)
		return NULL;
	if (m->d.c != 1 || m->d.n != c->d.n || m->d.h != c->d.h || m->d.w != c->d.w) {
		xl_err("r1: mask (%d,%d,%d,%d) and content (%d,%d,%d,%d) do not fit", m->d.n,
		       m->d.c, m->d.h, m->d.w, c->d.n, c->d.c, c->d.h, c->d.w);
		return NULL;
	}
	const size_t chat = (size_t)xl_dims_count(&c->d) * sizeof(float);
	float *scratch = xl_tape_take(t, chat);
	nd.aux_bytes = (size_t)xl_dims_count(&m->d) * sizeof(float);
	nd.aux = xl_tape_take(t, nd.aux_bytes);
	nd.out = xl_tape_out(t, xl_dims_plain(1, 1, 1, 1));
	if (!scratch || !nd.aux || !nd.out)
		return NULL;
	if (!t->dry && xl_r1(&value, nd.aux, m->data, c->data, &c->d, scratch))
		return NULL;
	if (!t->dry)
		nd.out->data[0] = (float)value;
	xl_tape_give(t, scratch, chat);
	return xl_tape_push(t, &nd);
}
