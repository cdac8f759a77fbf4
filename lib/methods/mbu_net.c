/*
 * mbu_net.c - MBU's networks: two encoders, two decoders and a discriminator on
 * codes, and their forward passes.
 *
 * The discriminator's linear layer on a flattened code is a convolution as large as
 * the code: both number their weights by channel, row, column.
 */
#include <string.h>
#include "methods/mbu_net.h"

static const double leaky_slope = 0.2;

bool xl_mbu_paper(const struct xl_mbu *h, const char *choice, const char *word)
{
	if (choice && strcmp(choice, "auto") != 0)
		return strcmp(choice, word) == 0;
	return strcmp(h->profile, "paper") == 0;
}

/* 25 of 512 channels in the published code, 100 in the paper. */
int xl_mbu_sep(const struct xl_mbu *h)
{
	const int of_512 = xl_mbu_paper(h, NULL, NULL) ? 100 : 25;
	const int sep = (int)(of_512 * h->width / 32);

	return h->sep > 0 ? (int)h->sep : sep > 0 ? sep : 1;
}

/* ---- declaration ---- */

static int block(struct xl_net *n, struct xl_layer *to, int i, struct xl_layer l)
{
	const char name[2] = {(char)('1' + i), '\0'};

	*to = l;
	return xl_net_layer(n, name, to);
}

/* Channels of an encoder after the image; each block halves the side. */
static int build_encoder(struct xl_net *n, struct xl_layer *to, const int co[XL_MBU_DEPTH])
{
	for (int i = 0; n && i < XL_MBU_DEPTH; i++) {
		const struct xl_layer l = {.ci = i ? co[i - 1] : 3,
					   .co = co[i],
					   .k = 4,
					   .stride = 2,
					   .pad = 1,
					   .norm = XL_BN,
					   .act = XL_ACT_LEAKY,
					   .slope = leaky_slope};
		if (block(n, to + i, i, l))
			return -1;
	}
	return n ? 0 : -1;
}

/* A decoder to `out` channels; each block doubles the side. */
static int build_decoder(struct xl_net *n, struct xl_layer *to, int w, bool relu, int out)
{
	const int co[XL_MBU_DEPTH] = {16 * w, 8 * w, 4 * w, 2 * w, w, out};

	for (int i = 0; n && i < XL_MBU_DEPTH; i++) {
		const bool last = i == XL_MBU_DEPTH - 1;
		const struct xl_layer l = {.ci = i ? co[i - 1] : 16 * w,
					   .co = co[i],
					   .k = 4,
					   .stride = 2,
					   .pad = 1,
					   .transposed = true,
					   .norm = last ? XL_NO_NORM : XL_BN,
					   .act = last ? XL_ACT_NONE : XL_ACT_LEAKY,
					   .slope = relu ? 0 : leaky_slope};
		if (block(n, to + i, i, l))
			return -1;
	}
	return n ? 0 : -1;
}

static int build_confusion(struct xl_net *n, struct xl_layer *to, int ci, int co, int side)
{
	const struct xl_layer first = {.ci = ci,
				       .co = co,
				       .k = side,
				       .stride = 1,
				       .act = XL_ACT_LEAKY,
				       .slope = leaky_slope};
	const struct xl_layer last = {.ci = co, .co = 1, .k = 1, .stride = 1};

	return !n || block(n, to, 0, first) || block(n, to + 1, 1, last) ? -1 : 0;
}

int xl_mbu_build(struct xl_model *m)
{
	const struct xl_mbu *h = m->hyper;
	struct xl_mbu_nets *s = m->state;
	const int w = (int)h->width, side = (int)h->size / XL_MBU_STRIDE;
	const bool relu = xl_mbu_paper(h, h->dec_act, "relu");

	s->code = 16 * w;
	s->sep = xl_mbu_sep(h);
	const int c = s->code - s->sep;
	const int common[] = {w, 2 * w, 4 * w, 8 * w, c, c};
	const int separate[] = {w, 2 * w, 4 * w, 4 * w, 4 * w, s->sep};
	s->e_c = xl_model_net(m, "E_c", XL_GENERATOR);
	s->e_s = xl_model_net(m, "E_s", XL_GENERATOR);
	s->d_a = xl_model_net(m, "D_A", XL_GENERATOR);
	s->d_b = xl_model_net(m, "D_B", XL_GENERATOR);
	s->c = xl_model_net(m, "C", XL_CRITIC);
	return build_encoder(s->e_c, s->common, common) ||
			       build_encoder(s->e_s, s->separate, separate) ||
			       build_decoder(s->d_a, s->without, w, relu, 3) ||
			       build_decoder(s->d_b, s->with, w, relu, 4) ||
			       build_confusion(s->c, s->confusion, c, 16 * w, side)
		       ? -1
		       : 0;
}

void xl_mbu_randomise(struct xl_model *m)
{
	const struct xl_mbu *h = m->hyper;

	for (int i = 0; i < m->n_nets; i++)
		xl_net_randomise_uniform(m->nets[i], m->seed, (uint32_t)i,
					 strcmp(h->init, "torch04") == 0);
}

/* ---- forward ---- */

struct xl_var *xl_mbu_common(struct xl_tape *t, struct xl_mbu_nets *s, struct xl_var *x)
{
	return xl_nn_layers(t, s->e_c, s->common, XL_MBU_DEPTH, x);
}

struct xl_var *xl_mbu_separate(struct xl_tape *t, struct xl_mbu_nets *s, struct xl_var *x)
{
	return xl_nn_layers(t, s->e_s, s->separate, XL_MBU_DEPTH, x);
}

struct xl_var *xl_mbu_join(struct xl_tape *t, struct xl_var *c, struct xl_var *sep)
{
	return xl_op_concat(t, c, sep, 1);
}

struct xl_var *xl_mbu_bare(struct xl_tape *t, const struct xl_mbu_nets *s, struct xl_var *c)
{
	return xl_op_embed(t, c, 1, 0, s->code);
}

struct xl_var *xl_mbu_without(struct xl_tape *t, struct xl_mbu_nets *s, struct xl_var *code)
{
	struct xl_var *y = xl_nn_layers(t, s->d_a, s->without, XL_MBU_DEPTH, code);
	struct xl_var *x = xl_op_tanh(t, y);

	xl_drop(t, y);
	return x;
}

struct xl_mbu_drawn xl_mbu_with(struct xl_tape *t, struct xl_mbu_nets *s, struct xl_var *code)
{
	struct xl_var *y = xl_nn_layers(t, s->d_b, s->with, XL_MBU_DEPTH, code);
	struct xl_var *l = xl_op_narrow(t, y, 1, 0, 1), *r = xl_op_narrow(t, y, 1, 1, 3);
	const struct xl_mbu_drawn d = {xl_op_sigmoid(t, l), xl_op_tanh(t, r)};

	xl_drop(t, y);
	xl_drop(t, l);
	xl_drop(t, r);
	return d;
}

struct xl_var *xl_mbu_confuse(struct xl_tape *t, struct xl_mbu_nets *s, struct xl_var *c)
{
	return xl_nn_layers(t, s->c, s->confusion, 2, c);
}
