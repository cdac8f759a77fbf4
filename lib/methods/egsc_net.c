/*
 * egsc_net.c - EGSC-IT's networks and their forward passes; masks and AdaIN.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "methods/egsc_net.h"

static const double leaky_slope = 0.2;
static const double norm_eps = 1e-5; /* of variances under a root */
static const double var_eps = 1e-8;  /* of those that divide as they are: safety, not paper */

bool xl_egsc_is(const char *value, const char *word)
{
	return strcmp(value, word) == 0;
}

bool xl_egsc_has_features(const struct xl_egsc *h)
{
	return h->mask || !xl_egsc_is(h->adain, "none");
}

bool xl_egsc_has_percept(const struct xl_egsc *h)
{
	const struct xl_egsc_rates r = xl_egsc_rates(h);

	return !xl_egsc_is(h->perceptual, "none") && r.lambda_s + r.lambda_c > 0;
}

struct xl_egsc_rates xl_egsc_rates(const struct xl_egsc *h)
{
	static const struct {
		const char *task;
		struct xl_egsc_rates r;
	} tasks[] = {{"single", {1e-5, 1e3, 1e1}},
		     {"multi", {1e-5, 1e4, 1e2}},
		     {"street", {1e-4, 1e4, 1e2}},
		     {"faces", {1e-4, 5e3, 1e1}}};
	struct xl_egsc_rates r = tasks[0].r;

	for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
		if (xl_egsc_is(h->task, tasks[i].task))
			r = tasks[i].r;
	if (h->lr >= 0)
		r.lr = h->lr;
	if (h->lambda_s >= 0)
		r.lambda_s = h->lambda_s;
	if (h->lambda_c >= 0)
		r.lambda_c = h->lambda_c;
	return r;
}

/* ---- declaration ---- */

static int row(struct xl_net *n, struct xl_layer *to, const char *name, int number,
	       struct xl_layer l)
{
	char full[32];

	snprintf(full, sizeof full, "%s%d", name, number);
	*to = l;
	return xl_net_layer(n, full, to);
}

static struct xl_layer reflected(int ci, int co, int k, int stride, enum xl_act act)
{
	return (struct xl_layer){.ci = ci,
				 .co = co,
				 .k = k,
				 .stride = stride,
				 .pad = k / 2,
				 .mode = XL_PAD_REFLECT,
				 .act = act,
				 .slope = leaky_slope};
}

static int build_block(struct xl_net *n, struct xl_egsc_block *b, const char *name, int c)
{
	char part[16];

	snprintf(part, sizeof part, "%s.", name);
	return row(n, &b->a, part, 1, reflected(c, c, 3, 1, XL_ACT_RELU)) ||
	       row(n, &b->b, part, 2, reflected(c, c, 3, 1, XL_ACT_NONE));
}

static int build_blocks(struct xl_net *n, struct xl_egsc_block *b, int c)
{
	for (int i = 0; i < XL_EGSC_BLOCKS; i++) {
		const char name[] = {'R', (char)('1' + i), '\0'};
		if (build_block(n, &b[i], name, c))
			return -1;
	}
	return 0;
}

static int build_encoder(struct xl_model *m, struct xl_egsc_encoder *e, const char *id)
{
	const struct xl_egsc *h = m->hyper;
	const int w = (int)h->width;

	if (!(e->net = xl_model_net(m, id, XL_GENERATOR)) ||
	    row(e->net, &e->scale[0], "K", 1, reflected(3, w, 7, 1, XL_ACT_LEAKY)))
		return -1;
	for (int i = 1; i < h->n1; i++)
		if (row(e->net, &e->scale[i], "K", 1 + i,
			reflected(w << (i - 1), w << i, 3, 2, XL_ACT_LEAKY)))
			return -1;
	return build_blocks(e->net, e->block, w << (h->n1 - 1));
}

static int build_generator(struct xl_model *m, struct xl_egsc_generator *g, const char *id)
{
	const struct xl_egsc *h = m->hyper;
	const int w = (int)h->width, n = (int)h->n1;

	if (!(g->net = xl_model_net(m, id, XL_GENERATOR)) ||
	    build_blocks(g->net, g->block, w << (n - 1)))
		return -1;
	for (int i = 0; i < n - 1; i++) {
		struct xl_layer l =
			reflected(w << (n - 1 - i), w << (n - 2 - i), 3, 2, XL_ACT_LEAKY);
		l.transposed = true;
		l.pad = 0;
		if (row(g->net, &g->scale[i], "U", 1 + i, l))
			return -1;
	}
	return row(g->net, &g->scale[n - 1], "O", 1, reflected(w, 3, 1, 1, XL_ACT_TANH));
}

static int build_middle(struct xl_model *m, struct xl_egsc_middle *s, const char *id)
{
	const struct xl_egsc *h = m->hyper;
	const int c = (int)h->width << (h->n1 - 1);

	return !(s->net = xl_model_net(m, id, XL_GENERATOR)) ||
	       build_block(s->net, &s->e, "E", c) || build_block(s->net, &s->g, "G", c);
}

static int build_critic(struct xl_model *m, struct xl_egsc_critic *d, const char *id)
{
	const struct xl_egsc *h = m->hyper;
	const int w = (int)h->d_width, last = XL_EGSC_D - 1;

	d->net = xl_model_net(m, id, XL_CRITIC);
	for (int i = 0; d->net && i < last; i++) {
		const struct xl_layer l = {.ci = i ? w << (i - 1) : 3,
					   .co = w << i,
					   .k = 4,
					   .stride = 2,
					   .pad = 1,
					   .norm = i ? XL_IN : XL_NO_NORM};
		if (row(d->net, &d->conv[i], "C", 1 + i, l))
			return -1;
	}
	const struct xl_layer score = {.ci = w << (last - 1), .co = 1, .k = 1, .stride = 1};
	return !d->net || row(d->net, &d->conv[last], "C", 1 + last, score);
}

/* What only the first stage of training has. */
static int build_scaffold(struct xl_model *m, struct xl_egsc_nets *s)
{
	static const char *const ids[] = {"R_A", "R_B"};

	for (int d = 0; d < XL_EGSC_DOMAINS; d++) {
		if (build_middle(m, &s->own[d], ids[d]))
			return -1;
		s->own[d].net->scaffold = true;
	}
	return 0;
}

int xl_egsc_build(struct xl_model *m)
{
	const struct xl_egsc *h = m->hyper;
	struct xl_egsc_nets *s = m->state;

	s->n1 = (int)h->n1;
	if (build_encoder(m, &s->e[XL_EGSC_A], "E_A") || build_encoder(m, &s->e[XL_EGSC_B], "E_B"))
		return -1;
	if (h->shared && build_middle(m, &s->shared, "S"))
		return -1;
	if (build_generator(m, &s->g[XL_EGSC_A], "G_A") ||
	    build_generator(m, &s->g[XL_EGSC_B], "G_B"))
		return -1;
	if (xl_egsc_has_features(h) && (build_encoder(m, &s->f[XL_EGSC_A], "F_A") ||
					build_encoder(m, &s->f[XL_EGSC_B], "F_B")))
		return -1;
	if (xl_egsc_stages(h).pre > 0 && build_scaffold(m, s))
		return -1;
	if (build_critic(m, &s->d[XL_EGSC_A], "D_A") || build_critic(m, &s->d[XL_EGSC_B], "D_B"))
		return -1;
	return xl_egsc_build_percept(m);
}

/* ---- initial values ---- */

enum { AGAIN = 32 }; /* networks that begin a second time are numbered from here */

static void randomise(struct xl_model *m, int i, int number)
{
	const struct xl_egsc *h = m->hyper;
	const struct xl_egsc_nets *s = m->state;
	struct xl_net *n = m->nets[i];

	if (n == s->v)
		xl_net_randomise(n, m->seed, (uint32_t)number, sqrt(2), 0);
	else if (n->group == XL_CRITIC)
		xl_net_randomise_glorot(n, m->seed, (uint32_t)number);
	else
		xl_net_randomise_truncated(n, m->seed, (uint32_t)number, h->std);
}

void xl_egsc_randomise(struct xl_model *m)
{
	for (int i = 0; i < m->n_nets; i++)
		randomise(m, i, i);
}

void xl_egsc_restart(struct xl_model *m)
{
	const struct xl_egsc_nets *s = m->state;

	for (int i = 0; i < m->n_nets; i++)
		for (int d = 0; d < XL_EGSC_DOMAINS; d++)
			if (m->nets[i] == s->g[d].net || m->nets[i] == s->d[d].net)
				randomise(m, i, AGAIN + i);
}

/* ---- forward ---- */

/* The result of an operator, and its input given up, but not x. */
static struct xl_var *then(struct xl_tape *t, struct xl_var *result, struct xl_var *used,
			   const struct xl_var *x)
{
	if (used != x && used != result)
		xl_drop(t, used);
	return result;
}

struct xl_var *xl_egsc_block(struct xl_tape *t, struct xl_net *net, const struct xl_egsc_block *b,
			     struct xl_var *x)
{
	return xl_nn_resblock(t, net, &b->a, &b->b, x);
}

static struct xl_var *blocks(struct xl_tape *t, struct xl_net *net, const struct xl_egsc_block *b,
			     struct xl_var *x)
{
	struct xl_var *u = x;

	for (int i = 0; i < XL_EGSC_BLOCKS; i++)
		u = then(t, xl_egsc_block(t, net, &b[i], u), u, x);
	return u;
}

struct xl_var *xl_egsc_encode(struct xl_tape *t, const struct xl_egsc_nets *s,
			      const struct xl_egsc_encoder *e, struct xl_var *x)
{
	struct xl_var *u = xl_nn_layers(t, e->net, e->scale, s->n1, x);

	return then(t, blocks(t, e->net, e->block, u), u, x);
}

/* Twice the size: of the full transposed convolution, the last row and column go. */
static struct xl_var *enlarge(struct xl_tape *t, const struct xl_egsc_generator *g,
			      const struct xl_layer *l, struct xl_var *x)
{
	struct xl_var **p = g->net->vars + l->first;

	if (!x)
		return NULL;
	struct xl_var *full = xl_op_conv2d_t(t, x, p[0], p[1], l->stride, l->pad, 0);
	struct xl_var *cut = xl_op_fit(t, full, l->stride * x->d.h, l->stride * x->d.w);
	xl_drop(t, full);
	return then(t, xl_op_leaky(t, cut, l->slope), cut, x);
}

struct xl_var *xl_egsc_generate(struct xl_tape *t, const struct xl_egsc_nets *s,
				const struct xl_egsc_generator *g, struct xl_var *x)
{
	struct xl_var *u = blocks(t, g->net, g->block, x);

	for (int i = 0; i < s->n1 - 1; i++)
		u = then(t, enlarge(t, g, &g->scale[i], u), u, x);
	return then(t, xl_nn_layer(t, g->net, &g->scale[s->n1 - 1], u), u, x);
}

/* A map of odd size gets one row and column of zeros more, behind. */
static struct xl_var *even(struct xl_tape *t, struct xl_var *x)
{
	return x ? xl_op_fit(t, x, x->d.h + x->d.h % 2, x->d.w + x->d.w % 2) : NULL;
}

/* The published code rectifies each layer twice, before the norm and after it, and its
 * scores as well. */
struct xl_var *xl_egsc_judge(struct xl_tape *t, const struct xl_egsc *h,
			     const struct xl_egsc_critic *d, struct xl_var *x)
{
	const bool twice = h->d_double_act;
	struct xl_var *u = x;

	for (int i = 0; i < XL_EGSC_D; i++) {
		const struct xl_layer *l = &d->conv[i];
		struct xl_var **p = d->net->vars + l->first;
		const bool is_first = i == 0, is_last = i == XL_EGSC_D - 1;
		if (!is_last)
			u = then(t, even(t, u), u, x);
		u = then(t, xl_op_conv2d(t, u, p[0], p[1], l->stride, l->pad, XL_PAD_ZERO), u, x);
		if (is_first || (twice && (!is_last || !xl_egsc_is(h->gan, "log"))))
			u = then(t, xl_op_leaky(t, u, leaky_slope), u, x);
		if (is_first && twice)
			u = then(t, xl_op_leaky(t, u, leaky_slope), u, x);
		if (l->norm == XL_IN) {
			const struct xl_norm_op o = {.scale = p[2],
						     .shift = p[3],
						     .kind = XL_NORM_INSTANCE,
						     .eps = norm_eps,
						     .act = true,
						     .slope = leaky_slope};
			u = then(t, xl_op_norm_act(t, u, &o), u, x);
		}
	}
	return u;
}

/* ---- mask and exemplar ---- */

struct xl_var *xl_egsc_mask(struct xl_tape *t, const struct xl_egsc *h, struct xl_var *f)
{
	struct xl_var *s = xl_op_sigmoid(t, f);

	return then(t, xl_op_affine(t, s, 1 - h->eta, h->eta), s, f);
}

/* c - mean, and the variance, of each channel */
static struct xl_var *centred(struct xl_tape *t, struct xl_var *c, struct xl_var *mean,
			      struct xl_var **var)
{
	struct xl_var *d = xl_op_sub(t, c, mean), *d2 = xl_op_mul(t, d, d);

	*var = xl_op_mean_hw(t, d2);
	xl_drop(t, d2);
	return d;
}

struct xl_var *xl_egsc_statistics(struct xl_tape *t, struct xl_var *f)
{
	struct xl_var *mean = xl_op_mean_hw(t, f), *var;

	xl_drop(t, centred(t, f, mean, &var));
	return xl_op_concat(t, mean, var, 1);
}

struct xl_var *xl_egsc_normalise(struct xl_tape *t, const struct xl_egsc *h, struct xl_var *c)
{
	struct xl_var *var;

	if (!c || xl_egsc_is(h->adain, "none"))
		return c;
	if (xl_egsc_is(h->adain, "std"))
		return xl_op_norm(t, c, NULL, NULL, XL_NORM_INSTANCE, norm_eps, NULL);
	struct xl_var *d = centred(t, c, xl_op_mean_hw(t, c), &var);
	return then(t, xl_op_mul(t, d, xl_op_recip(t, xl_op_affine(t, var, 1, var_eps))), d, c);
}

struct xl_var *xl_egsc_restyle(struct xl_tape *t, const struct xl_egsc *h, struct xl_var *c,
			       struct xl_var *s)
{
	if (!c || xl_egsc_is(h->adain, "none"))
		return c;
	struct xl_var *mean = xl_op_narrow(t, s, 1, 0, c->d.c);
	struct xl_var *var = xl_op_narrow(t, s, 1, c->d.c, c->d.c);
	struct xl_var *scale = var, *shift = mean;
	if (xl_egsc_is(h->adain, "std"))
		scale = xl_op_sqrt(t, xl_op_affine(t, var, 1, norm_eps));
	if (xl_egsc_is(h->adain, "code")) { /* the two have changed places */
		scale = mean;
		shift = var;
	}
	struct xl_var *scaled = xl_op_mul(t, c, scale);
	return then(t, xl_op_add(t, scaled, shift), scaled, c);
}
