/*
 * lomit_net.c - LOMIT's forward passes, on any batch.
 */
#include <string.h>
#include "methods/lomit_net.h"

static const double adain_eps = 1e-5;

bool xl_lomit_iclr(const struct xl_lomit *h)
{
	return strcmp(h->variant, "iclr") == 0;
}

static struct xl_var *blocks(struct xl_tape *t, struct xl_net *net, const struct xl_layer l[][2],
			     struct xl_var *x)
{
	struct xl_var *y = x;

	for (int i = 0; i < XL_LOMIT_BLOCKS; i++) {
		struct xl_var *next = xl_nn_resblock(t, net, &l[i][0], &l[i][1], y);
		if (y != x)
			xl_drop(t, y);
		y = next;
	}
	return y;
}

struct xl_var *xl_lomit_swap(struct xl_tape *t, struct xl_var *v)
{
	if (!v)
		return NULL;
	const int half = v->d.n / 2;
	struct xl_var *a = xl_op_narrow(t, v, 0, 0, half), *b = xl_op_narrow(t, v, 0, half, half);
	struct xl_var *y = xl_op_concat(t, b, a, 0);
	xl_drop(t, a);
	xl_drop(t, b);
	return y;
}

struct xl_var *xl_lomit_content(struct xl_tape *t, struct xl_lomit_nets *s, struct xl_var *x)
{
	struct xl_var *u = xl_nn_layers(t, s->e_c, s->content, 3, x);
	struct xl_var *c = blocks(t, s->e_c, (const struct xl_layer(*)[2])s->content_res, u);

	xl_drop(t, u);
	return c;
}

struct xl_var *xl_lomit_gate(struct xl_tape *t, struct xl_lomit_nets *s, struct xl_var *c)
{
	return xl_nn_layers(t, s->gate_net, s->gate, 2, xl_op_mean_hw(t, c));
}

struct xl_var *xl_lomit_mask(struct xl_tape *t, struct xl_lomit_nets *s, struct xl_var *c,
			     bool pairs)
{
	if (!c)
		return NULL;
	s->g_m->bn_halves = pairs;
	return xl_nn_layers(t, s->g_m, s->mask, 7, c);
}

/* What follows the first layers of E_s, by the given branch: one code per sample. */
static struct xl_var *style_end(struct xl_tape *t, struct xl_lomit_nets *s,
				const struct xl_layer *end, struct xl_var *u)
{
	struct xl_var *v = xl_nn_layers(t, s->e_s, end, 2, u);
	struct xl_var *p = xl_op_mean_hw(t, v);
	struct xl_var *y = xl_nn_layer(t, s->e_s, &end[2], p);

	xl_drop(t, v);
	xl_drop(t, p);
	return y;
}

/* One half of a batch of two, through a branch. */
static struct xl_var *half_style(struct xl_tape *t, struct xl_lomit_nets *s, int half,
				 const struct xl_layer *end, struct xl_var *u)
{
	if (!u)
		return NULL;
	struct xl_var *mine = xl_op_narrow(t, u, 0, half * (u->d.n / 2), u->d.n / 2);
	struct xl_var *y = style_end(t, s, end, mine);
	xl_drop(t, mine);
	return y;
}

/* Foreground and background in one batch; only the ends may differ. */
static int both_styles(struct xl_tape *t, const struct xl_lomit *h, struct xl_lomit_nets *s,
		       struct xl_var *fore, struct xl_var *back, struct xl_var **s_f,
		       struct xl_var **s_b)
{
	struct xl_var *x = xl_op_concat(t, fore, back, 0);
	struct xl_var *u = xl_nn_layers(t, s->e_s, s->style, 3, x);

	xl_drop(t, x);
	if (h->style_split) {
		*s_f = half_style(t, s, 0, s->style_end[0], u);
		*s_b = half_style(t, s, 1, s->style_end[1], u);
	} else {
		struct xl_var *y = style_end(t, s, s->style_end[0], u);
		*s_f = xl_op_narrow(t, y, 0, 0, fore ? fore->d.n : 0);
		*s_b = xl_op_narrow(t, y, 0, fore ? fore->d.n : 0, fore ? fore->d.n : 0);
		xl_drop(t, y);
	}
	xl_drop(t, u);
	return *s_f && *s_b ? 0 : -1;
}

int xl_lomit_style(struct xl_tape *t, const struct xl_lomit *h, struct xl_lomit_nets *s,
		   struct xl_var *x, struct xl_var *m, struct xl_var **s_f, struct xl_var **s_b)
{
	struct xl_var *fore = x, *back = x;
	int rc;

	if (!h->no_exemplar_mask) {
		struct xl_var *up = xl_op_up4(t, m);
		fore = xl_op_mul(t, x, up);
		back = s_b ? xl_op_sub(t, x, fore) : NULL; /* (1 - M) x = x - M x */
		xl_drop(t, up);
	}
	if (s_f && s_b) {
		rc = both_styles(t, h, s, fore, back, s_f, s_b);
	} else {
		struct xl_var **out = s_f ? s_f : s_b;
		struct xl_var *u = xl_nn_layers(t, s->e_s, s->style, 3, s_f ? fore : back);
		*out = style_end(t, s, s->style_end[h->style_split && s_b], u);
		xl_drop(t, u);
		rc = *out ? 0 : -1;
	}
	if (fore != x) {
		xl_drop(t, fore);
		xl_drop(t, back);
	}
	return rc;
}

void xl_lomit_encode(struct xl_tape *t, const struct xl_lomit *h, struct xl_lomit_nets *s,
		     struct xl_var *x, bool pairs, struct xl_lomit_codes *out)
{
	*out = (struct xl_lomit_codes){.c = xl_lomit_content(t, s, x)};
	if (xl_lomit_iclr(h)) {
		out->gate = xl_lomit_gate(t, s, out->c);
		out->m = xl_lomit_mask(t, s, xl_op_mul(t, out->c, xl_lomit_swap(t, out->gate)),
				       pairs);
	} else {
		out->m = xl_lomit_mask(t, s, out->c, pairs);
	}
	if (xl_lomit_style(t, h, s, x, out->m, &out->s_f, &out->s_b))
		out->s_f = out->s_b = NULL;
}

/* Content over the published code's scale: the standard deviation (n - 1) of the
 * standard deviations (n - 1) of its rows, plus eps. */
static struct xl_var *normalise_compat(struct xl_tape *t, struct xl_var *c)
{
	const struct xl_dims d = c->d;
	const struct xl_dims rows = xl_dims_map(d.n, d.c, d.h, 1),
			     all = xl_dims_map(d.n, d.c, 1, 1);
	struct xl_var *row_mean = xl_op_affine(t, xl_op_sum_to(t, c, rows), 1.0 / d.w, 0);
	struct xl_var *e = xl_op_sub(t, c, row_mean);
	struct xl_var *row_var =
		xl_op_affine(t, xl_op_sum_to(t, xl_op_mul(t, e, e), rows), 1.0 / (d.w - 1), 0);
	struct xl_var *sd = xl_op_sqrt(t, row_var);
	struct xl_var *f =
		xl_op_sub(t, sd, xl_op_affine(t, xl_op_sum_to(t, sd, all), 1.0 / d.h, 0));
	struct xl_var *var =
		xl_op_affine(t, xl_op_sum_to(t, xl_op_mul(t, f, f), all), 1.0 / (d.h - 1), 0);
	struct xl_var *scale = xl_op_affine(t, xl_op_sqrt(t, var), 1, adain_eps);
	return xl_op_mul(t, xl_op_sub(t, c, xl_op_mean_hw(t, c)), xl_op_recip(t, scale));
}

/* beta and exp(gamma / 2) of one MLP's output */
static struct xl_var *exponential(struct xl_tape *t, struct xl_var *p)
{
	if (!p)
		return NULL;
	const int c = p->d.c / 2;
	struct xl_var *gamma = xl_op_affine(t, xl_op_narrow(t, p, 1, c, c), 0.5, 0);
	return xl_op_concat(t, xl_op_narrow(t, p, 1, 0, c), xl_op_exp(t, gamma), 1);
}

struct xl_var *xl_lomit_hadain(struct xl_tape *t, const struct xl_lomit *h, struct xl_var *m,
			       struct xl_var *c, struct xl_var *f, struct xl_var *b)
{
	if (!c)
		return NULL;
	if (h->compat || strcmp(h->gamma, "exp") == 0) {
		f = exponential(t, f);
		b = exponential(t, b);
	}
	struct xl_var *n =
		h->compat ? normalise_compat(t, c)
			  : xl_op_norm(t, c, NULL, NULL, XL_NORM_INSTANCE, adain_eps, NULL);
	struct xl_var *y = xl_op_blend(t, n, m, f, b);
	xl_drop(t, n);
	return y;
}

struct xl_var *xl_lomit_fuse(struct xl_tape *t, const struct xl_lomit *h, struct xl_lomit_nets *s,
			     struct xl_var *m, struct xl_var *c, struct xl_var *s_f,
			     struct xl_var *s_b)
{
	return xl_lomit_hadain(t, h, m, c, xl_nn_layers(t, s->mlp_net[0], s->mlp[0], 3, s_f),
			       xl_nn_layers(t, s->mlp_net[1], s->mlp[1], 3, s_b));
}

struct xl_var *xl_lomit_draw(struct xl_tape *t, struct xl_lomit_nets *s, struct xl_var *y)
{
	struct xl_var *u = blocks(t, s->g, (const struct xl_layer(*)[2])s->decoder_res, y);
	struct xl_var *x = xl_nn_layers(t, s->g, s->decoder, 3, u);

	xl_drop(t, u);
	return x;
}

struct xl_var *xl_lomit_decode(struct xl_tape *t, const struct xl_lomit *h, struct xl_lomit_nets *s,
			       struct xl_var *m, struct xl_var *c, struct xl_var *s_f,
			       struct xl_var *s_b)
{
	struct xl_var *y = xl_lomit_fuse(t, h, s, m, c, s_f, s_b);
	struct xl_var *x = xl_lomit_draw(t, s, y);

	xl_drop(t, y);
	return x;
}

struct xl_var *xl_lomit_trunk(struct xl_tape *t, struct xl_lomit_nets *s, struct xl_var *x)
{
	return xl_nn_layers(t, s->d, s->critic, s->depth, x);
}

struct xl_var *xl_lomit_src(struct xl_tape *t, struct xl_lomit_nets *s, struct xl_var *map)
{
	return xl_nn_layer(t, s->d, &s->src, map);
}

struct xl_var *xl_lomit_cls(struct xl_tape *t, struct xl_lomit_nets *s, struct xl_var *map)
{
	return xl_nn_layer(t, s->d, &s->cls, map);
}
