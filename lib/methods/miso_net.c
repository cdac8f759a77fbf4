/*
 * miso_net.c - MISO's forward passes, on any batch.
 */
#include <string.h>
#include "methods/miso_net.h"

static const double norm_eps = 1e-5;
static const double leaky_slope = 0.2;

bool xl_miso_is(const char *value, const char *word)
{
	return strcmp(value, word) == 0;
}

/* The result of an operator, and its input given up. */
static struct xl_var *then(struct xl_tape *t, struct xl_var *result, struct xl_var *used)
{
	xl_drop(t, used);
	return result;
}

/* ---- style encoder ---- */

/* Two convolutions, each of rectified numbers, and halving; beside them the input
 * halved and brought to as many channels. Nothing is normalised: that would take out
 * the statistics of channels, which are the style. */
static struct xl_var *style_block(struct xl_tape *t, struct xl_net *net,
				  const struct xl_layer conv[2], const struct xl_layer *shortcut,
				  struct xl_var *x)
{
	struct xl_var *u = x;

	for (int i = 0; i < 2; i++) {
		struct xl_var *a = xl_op_leaky(t, u, leaky_slope);
		if (u != x)
			xl_drop(t, u);
		u = then(t, xl_nn_layer(t, net, &conv[i], a), a);
	}
	struct xl_var *small = xl_op_avgpool(t, x, 2);
	struct xl_var *beside = then(t, xl_nn_layer(t, net, shortcut, small), small);
	u = then(t, xl_op_avgpool(t, u, 2), u);
	struct xl_var *y = xl_op_add(t, u, beside);
	xl_drop(t, u);
	xl_drop(t, beside);
	return y;
}

int xl_miso_style(struct xl_tape *t, const struct xl_miso *h, const struct xl_miso_style *s,
		  struct xl_var *x, struct xl_miso_posterior *out)
{
	struct xl_var *u = xl_nn_layer(t, s->net, &s->stem, x);

	for (int i = 0; i < 3; i++)
		u = then(t, style_block(t, s->net, s->conv[i], &s->shortcut[i], u), u);
	u = then(t, xl_op_leaky(t, u, leaky_slope), u);
	u = then(t, xl_op_mean_hw(t, u), u);
	out->mu = xl_nn_layer(t, s->net, &s->mu, u);
	struct xl_var *raw = xl_nn_layer(t, s->net, &s->logvar, u);
	out->logvar = xl_op_clamp(t, raw, h->logvar_min, h->logvar_max);
	xl_drop(t, u);
	xl_drop(t, raw);
	return out->mu && out->logvar ? 0 : -1;
}

struct xl_var *xl_miso_sample(struct xl_tape *t, const struct xl_miso_posterior *q,
			      struct xl_var *eps)
{
	struct xl_var *sigma = xl_op_exp(t, xl_op_affine(t, q->logvar, 0.5, 0));
	struct xl_var *e = xl_op_mul(t, sigma, eps);

	return then(t, xl_op_add(t, q->mu, e), e);
}

/* ---- conditional encoder ---- */

static struct xl_var *normalised(struct xl_tape *t, struct xl_var *x)
{
	return xl_op_norm(t, x, NULL, NULL, XL_NORM_INSTANCE, norm_eps, NULL);
}

/* A layer, with the style where it takes one. */
static struct xl_var *conditional(struct xl_tape *t, struct xl_net *net, const struct xl_layer *l,
				  struct xl_var *x, struct xl_var *z)
{
	return l->planes ? xl_nn_layer_on(t, net, l, x, z) : xl_nn_layer(t, net, l, x);
}

/* cond=concat and input. What goes into a layer is normalised before the style is put
 * beside it: a norm behind the convolution would take the style out again. */
static struct xl_var *encode_planes(struct xl_tape *t, const struct xl_miso_translator *s,
				    struct xl_var *x, struct xl_var *z)
{
	struct xl_var *u = conditional(t, s->e, &s->down[0], x, z);

	for (int i = 1; i < 3; i++) {
		u = then(t, normalised(t, u), u);
		u = then(t, conditional(t, s->e, &s->down[i], u, z), u);
	}
	for (int i = 0; i < XL_MISO_BLOCKS; i++) {
		struct xl_var *n = normalised(t, u);
		struct xl_var *a = then(t, conditional(t, s->e, &s->res[i][0], n, z), n);
		struct xl_var *b = then(t, xl_nn_layer(t, s->e, &s->res[i][1], a), a);
		u = then(t, xl_op_add(t, u, b), u);
		xl_drop(t, b);
	}
	return u;
}

/* cond=adain. The MLP gives shift and scale of each norm, in this order. */
static struct xl_var *encode_adain(struct xl_tape *t, const struct xl_miso_translator *s,
				   struct xl_var *x, struct xl_var *z)
{
	struct xl_var *p = xl_nn_layers(t, s->e, s->mlp, 3, z);
	struct xl_var *u = xl_nn_layers(t, s->e, s->down, 3, x);
	const int step = 2 * s->down[2].co;

	for (int i = 0; i < XL_MISO_BLOCKS; i++) {
		struct xl_var *v = u;
		for (int k = 0; k < 2; k++) {
			struct xl_var *c = xl_nn_layer(t, s->e, &s->res[i][k], v);
			struct xl_var *part = xl_op_narrow(t, p, 1, (2 * i + k) * step, step);
			if (v != u)
				xl_drop(t, v);
			v = then(t, xl_nn_adain(t, c, part), c);
			xl_drop(t, part);
			if (k == 0)
				v = then(t, xl_op_leaky(t, v, 0), v);
		}
		u = then(t, xl_op_add(t, u, v), u);
		xl_drop(t, v);
	}
	xl_drop(t, p);
	return u;
}

struct xl_var *xl_miso_encode(struct xl_tape *t, const struct xl_miso *h,
			      const struct xl_miso_translator *s, struct xl_var *x,
			      struct xl_var *z)
{
	if (!x || !z)
		return NULL;
	return xl_miso_is(h->cond, "adain") ? encode_adain(t, s, x, z) : encode_planes(t, s, x, z);
}

/* ---- generator ---- */

struct xl_var *xl_miso_generate(struct xl_tape *t, const struct xl_miso_translator *s,
				struct xl_var *u)
{
	struct xl_var *v = u;

	for (int i = 0; i < XL_MISO_BLOCKS; i++) {
		struct xl_var *next = xl_nn_resblock(t, s->g, &s->tail[i][0], &s->tail[i][1], v);
		if (v != u)
			xl_drop(t, v);
		v = next;
	}
	return then(t, xl_nn_layers(t, s->g, s->out, 3, v), v);
}

struct xl_var *xl_miso_translate(struct xl_tape *t, const struct xl_miso *h,
				 const struct xl_miso_translator *s, struct xl_var *x,
				 struct xl_var *z)
{
	struct xl_var *u = xl_miso_encode(t, h, s, x, z);

	return then(t, xl_miso_generate(t, s, u), u);
}
