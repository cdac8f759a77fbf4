/*
 * egsc_percept.c - EGSC-IT's perceptual losses, and the network whose features they
 * compare: a published one that was given, or SmallVGG, which is trained on the spot or
 * left as it begins.
 *
 * Source   the authors' code, whose VGG19 features are divided by their norm over the map;
 *          SmallVGG is ours
 */
#include "methods/egsc_net.h"

static const int widths[XL_EGSC_TAPS] = {16, 32, 64, 128, 128};
static const double least_square = 1e-12; /* of the norm of a channel that is not dead (code) */

/* The first convolution of each block gives a tap; all blocks but the last have two. */
static int block_of(int conv)
{
	return conv / 2;
}

int xl_egsc_build_percept(struct xl_model *m)
{
	const struct xl_egsc *h = m->hyper;
	struct xl_egsc_nets *s = m->state;

	if (!xl_egsc_has_percept(h) || xl_egsc_is(h->perceptual, "given"))
		return 0;
	if (!(s->v = xl_model_net(m, "V", XL_CRITIC)))
		return -1;
	for (int i = 0; i < XL_EGSC_CONVS; i++) {
		const char name[] = {(char)('1' + block_of(i)), '_', (char)('1' + i % 2), '\0'};
		s->conv[i] = (struct xl_layer){.ci = i ? widths[block_of(i - 1)] : 3,
					       .co = widths[block_of(i)],
					       .k = 3,
					       .stride = 1,
					       .pad = 1,
					       .act = XL_ACT_RELU};
		if (xl_net_layer(s->v, name, &s->conv[i]))
			return -1;
	}
	if (!xl_egsc_is(h->perceptual, "trained"))
		return 0;
	const int labels = m->n_attributes ? m->n_attributes : 1;
	s->head = (struct xl_layer){.ci = widths[XL_EGSC_TAPS - 1],
				    .co = labels * XL_EGSC_CLASSES,
				    .k = 1,
				    .stride = 1};
	return xl_net_layer(s->v, "head", &s->head);
}

/* The taps of SmallVGG; what lies between is given up. */
static int small_taps(struct xl_tape *t, const struct xl_egsc_nets *s, struct xl_var *x,
		      struct xl_var *taps[])
{
	static const struct xl_window pool = {
		.kind = XL_LARGEST, .k = 2, .stride = 2, .is_ceil = true};
	struct xl_var *u = x;

	for (int i = 0; i < XL_EGSC_CONVS; i++) {
		const bool is_tap = i % 2 == 0;
		struct xl_var *in = is_tap && i > 0 ? xl_op_window(t, u, &pool) : u;
		struct xl_var *y = xl_nn_layer(t, s->v, &s->conv[i], in);
		if (in != u) {
			xl_drop(t, u);
			xl_drop(t, in);
		}
		if (is_tap)
			taps[i / 2] = y;
		u = y;
	}
	return u ? 0 : -1;
}

/* A dead channel stays 0. The published code divides it by 1e-6, so that what rounding left
 * of it has a million times the gradient of any other channel: such a step undoes training. */
struct xl_var *xl_egsc_unit(struct xl_tape *t, struct xl_var *x)
{
	if (!x)
		return NULL;
	struct xl_var *squares = xl_op_mul(t, x, x);
	struct xl_var *sum = xl_op_sum_to(t, squares, xl_dims_map(x->d.n, x->d.c, 1, 1));
	struct xl_var *norm = xl_op_sqrt(t, xl_op_max(t, sum, least_square));
	struct xl_var *scale = xl_op_recip(t, norm);
	struct xl_var *y = xl_op_mul(t, x, xl_op_above(t, scale, sum, least_square));

	if (sum != squares)
		xl_drop(t, squares);
	return y;
}

int xl_egsc_taps(struct xl_tape *t, const struct xl_model *m, struct xl_var *x,
		 struct xl_var *taps[XL_BACKBONE_TAPS])
{
	const struct xl_egsc_nets *s = m->state;
	struct xl_var *raw[XL_BACKBONE_TAPS];
	const int n = s->v ? XL_EGSC_TAPS : m->backbone ? xl_backbone_taps(m->backbone) : 0;

	if (n == 0)
		return xl_err("no network was given for the perceptual loss");
	if (s->v ? small_taps(t, s, x, raw) : xl_backbone_run(m->backbone, t, x, raw))
		return -1;
	for (int i = 0; i < n; i++) {
		if (!(taps[i] = xl_egsc_unit(t, raw[i])))
			return -1;
		xl_drop(t, raw[i]);
	}
	return n;
}

struct xl_var *xl_egsc_classify(struct xl_tape *t, const struct xl_egsc_nets *s, struct xl_var *x,
				const float *y)
{
	struct xl_var *taps[XL_EGSC_TAPS];

	if (small_taps(t, s, x, taps))
		return NULL;
	struct xl_var *v = xl_op_mean_hw(t, taps[XL_EGSC_TAPS - 1]);
	return xl_op_cross_entropy(t, xl_nn_layer(t, s->v, &s->head, v), y, XL_EGSC_CLASSES);
}

/* ---- losses: of both directions, each a mean, hence twice the mean of all ---- */

struct xl_var *xl_egsc_content(struct xl_tape *t, int n, struct xl_var *const *fake,
			       struct xl_var *const *content)
{
	struct xl_var *sum = NULL;

	for (int i = 0; i < n; i++) {
		struct xl_var *one =
			xl_op_affine(t, xl_nn_l1(t, fake[i], content[i]), 2.0 * (i + 1) / n, 0);
		sum = sum ? xl_op_add(t, sum, one) : one;
	}
	return sum;
}

/* The halves of a batch in the other order. */
static struct xl_var *swapped(struct xl_tape *t, struct xl_var *x)
{
	if (!x)
		return NULL;
	const int n = x->d.n / 2;

	return xl_op_concat(t, xl_op_narrow(t, x, 0, n, n), xl_op_narrow(t, x, 0, 0, n), 0);
}

struct xl_var *xl_egsc_style(struct xl_tape *t, int n, struct xl_var *const *fake,
			     struct xl_var *const *content)
{
	struct xl_var *sum = NULL;

	for (int i = 0; i < n; i++) {
		struct xl_var *exemplar = swapped(t, xl_op_gram(t, content[i]));
		struct xl_var *one =
			xl_op_affine(t, xl_nn_l1(t, xl_op_gram(t, fake[i]), exemplar), 2, 0);
		sum = sum ? xl_op_add(t, sum, one) : one;
	}
	return sum;
}
