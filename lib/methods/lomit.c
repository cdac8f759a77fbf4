/*
 * lomit.c - LOMIT: local masks, and highway AdaIN that blends foreground style
 * of the exemplar with background style of the input, pixel by pixel.
 *
 * Source   ICLR 2019 submission "LOMIT: Local Mask-based Image-to-Image
 *          Translation via Pixel-wise Highway Adaptive Instance Normalization"
 *          (variant iclr); "What and Where to Translate: Local Mask-based
 *          Image-to-Image Translation" (variant ijcai)
 *
 * Both directions of a pair are computed as one batch of 2B: the first B samples
 * are the inputs x1, the last B the exemplars x2; swap() exchanges the halves.
 * Only the mask network, which has batch norm, sees the halves one by one.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/rng.h"
#include "methods/lomit_net.h"
#include "methods/method_losses.h"
#include "methods/method_opts.h"
#include "methods/model.h"

enum { MAX_BATCH = 1024 };

static const double leaky_slope = 0.01;

/* ---- hyper-parameters ---- */

#define XL_HYPERS struct xl_lomit

static const struct xl_opt lomit_opts[] = {
	XL_H_INT("size", size, "128", "image side in pixels, a multiple of 16 (ICLR, appendix)", 32,
		 1024),
	XL_H_INT("width", width, "64", "channels of the first layers (ICLR, appendix)", 1, 512),
	XL_H_INT("batch", batch, "8", "pairs per step (ICLR, appendix)", 1, MAX_BATCH),
	XL_H_RUN_INT("iters", iters, "200000", "critic steps in all (ICLR, appendix)", 1, 1e9),
	XL_H_WORD("variant", variant, "ijcai|iclr", "ijcai",
		  "independent masks, or co-segmentation"),
	XL_H_FLAG("compat", compat, "published code: std of row stds, exp gamma, batch statistics"),
	XL_H_WORD("gamma", gamma, "linear|exp", "linear", "scale of AdaIN as it is, or exp(g/2)"),
	XL_H_FLAG("style-split", style_split,
		  "separate last layers for foreground and background style"),
	XL_H_WORD("mask-norm", mask_norm, "bn|in", "bn", "normalisation of the mask network"),
	XL_H_FLAG("no-exemplar-mask", no_exemplar_mask,
		  "styles from whole images (ablation LOMIT--)"),
	XL_H_INT("critic", critic, "5", "critic steps per generator step (ICLR, appendix)", 1,
		 1000),
	XL_H_RUN_NUM("lr", lr, "1e-4", "learning rate of both optimisers (ICLR, appendix)", 0,
		     1e30),
	XL_H_NUM("beta1", beta1, "0.5", "first moment decay of Adam (ICLR, appendix)", 0, 0.9999),
	XL_H_NUM("beta2", beta2, "0.999", "second moment decay of Adam (ICLR, appendix)", 0,
		 0.999999),
	XL_H_RUN_INT("decay-start", decay_start, "100001", "iteration from which lr decays (code)",
		     0, 1e9),
	XL_H_RUN_INT("decay-every", decay_every, "10000", "iterations between halvings of lr", 1,
		     1e9),
	XL_H_NUM("critic-std", critic_std, "0.02", "std of the critic's initial weights (code)",
		 1e-6, 10),
	XL_H_NUM("flip", flip, "0.5", "probability of mirroring an image (ICLR, appendix)", 0, 1),
	XL_H_RUN_NUM("w-adv", w_adv, "1", "weight of the adversarial loss (ICLR)", 0, 1e6),
	XL_H_RUN_NUM("w-cls", w_cls, "1", "weight of classification, both networks (ICLR)", 0, 1e6),
	XL_H_RUN_NUM("w-gp", w_gp, "10", "weight of the gradient penalty (ICLR)", 0, 1e6),
	XL_H_RUN_NUM("w-style-f", w_style_f, "1", "weight of foreground style (ICLR)", 0, 1e6),
	XL_H_RUN_NUM("w-style-b", w_style_b, "1", "weight of background style (ICLR)", 0, 1e6),
	XL_H_RUN_NUM("w-content", w_content, "1", "weight of content (ICLR)", 0, 1e6),
	XL_H_RUN_NUM("w-cycle", w_cycle, "10", "weight of the cycle (ICLR)", 0, 1e6),
	XL_H_RUN_NUM("w-self", w_self, "10", "weight of self-reconstruction (ICLR)", 0, 1e6),
	XL_H_RUN_NUM("w-r1", w_r1, "0.1", "weight of mask smoothness R1 (ICLR)", 0, 1e6),
	XL_H_UNSET_NUM("w-style-diff", w_style_diff,
		       "weight of style difference, -1: 0.01 for iclr, 0 for ijcai", 1e6),
	XL_H_RUN_NUM("w-area", w_area, "1e-4", "weight of the mask's area (ICLR)", 0, 1e6),
	XL_H_END,
};

static int lomit_preset(void *hyper, const char *name)
{
	struct xl_lomit *h = hyper;

	if (strcmp(name, "paper") == 0) {
		h->size = 128;
		h->width = 64;
	} else if (strcmp(name, "small") == 0) {
		h->size = 64;
		h->width = 32;
	} else if (strcmp(name, "tiny") == 0) {
		h->size = 32;
		h->width = 16;
	} else {
		return xl_err("'%s' is not a preset (paper, small, tiny)", name);
	}
	return 0;
}

static double style_diff_of(const struct xl_lomit *h)
{
	return h->w_style_diff >= 0 ? h->w_style_diff : xl_lomit_iclr(h) ? 0.01 : 0;
}

static int lomit_check(const void *hyper, int n_attributes)
{
	const struct xl_lomit *h = hyper;

	if (h->size % 16)
		return xl_err("size %d is not a multiple of 16", (int)h->size);
	if (n_attributes < 1)
		return xl_err("lomit needs at least one attribute");
	return xl_losses_weigh(h->w_adv + h->w_cls + h->w_style_f + h->w_style_b + h->w_content +
			       h->w_cycle + h->w_self + h->w_r1 + style_diff_of(h) + h->w_area);
}

/* ---- networks ---- */

static struct xl_layer conv(int ci, int co, int k, int stride, int pad, enum xl_norm_choice norm,
			    enum xl_act act)
{
	return (struct xl_layer){.ci = ci,
				 .co = co,
				 .k = k,
				 .stride = stride,
				 .pad = pad,
				 .mode = XL_PAD_REFLECT,
				 .norm = norm,
				 .act = act,
				 .slope = leaky_slope};
}

/* Declare one row of a table of layers. */
static int row(struct xl_net *net, struct xl_layer *to, const char *name, struct xl_layer l)
{
	*to = l;
	return xl_net_layer(net, name, to);
}

static int resblocks(struct xl_net *net, struct xl_layer to[][2], int first, int width,
		     enum xl_norm_choice norm)
{
	for (int i = 0; i < XL_LOMIT_BLOCKS; i++) {
		char a[8], b[8];
		snprintf(a, sizeof a, "%da", first + i);
		snprintf(b, sizeof b, "%db", first + i);
		if (row(net, &to[i][0], a, conv(width, width, 3, 1, 1, norm, XL_ACT_RELU)) ||
		    row(net, &to[i][1], b, conv(width, width, 3, 1, 1, norm, XL_ACT_NONE)))
			return -1;
	}
	return 0;
}

static int build_content(struct xl_model *m, struct xl_lomit_nets *s, int w)
{
	struct xl_net *n = s->e_c = xl_model_net(m, "E_c", XL_GENERATOR);

	return !n || row(n, &s->content[0], "1", conv(3, w, 7, 1, 3, XL_IN, XL_ACT_RELU)) ||
	       row(n, &s->content[1], "2", conv(w, 2 * w, 4, 2, 1, XL_IN, XL_ACT_RELU)) ||
	       row(n, &s->content[2], "3", conv(2 * w, 4 * w, 4, 2, 1, XL_IN, XL_ACT_RELU)) ||
	       resblocks(n, s->content_res, 4, 4 * w, XL_IN);
}

static int build_style(struct xl_model *m, struct xl_lomit_nets *s, int w, bool split)
{
	static const char *const names[2][3] = {{"4", "5", "7"}, {"4b", "5b", "7b"}};
	const enum xl_act act = XL_ACT_LEAKY;
	struct xl_net *n = s->e_s = xl_model_net(m, "E_s", XL_GENERATOR);

	if (!n || row(n, &s->style[0], "1", conv(3, w, 7, 1, 3, XL_NO_NORM, act)) ||
	    row(n, &s->style[1], "2", conv(w, 2 * w, 4, 2, 1, XL_NO_NORM, act)) ||
	    row(n, &s->style[2], "3", conv(2 * w, 4 * w, 4, 2, 1, XL_NO_NORM, act)))
		return -1;
	for (int i = 0; i < 1 + split; i++) {
		struct xl_layer *l = s->style_end[i];
		if (row(n, &l[0], names[i][0], conv(4 * w, 4 * w, 4, 2, 1, XL_NO_NORM, act)) ||
		    row(n, &l[1], names[i][1], conv(4 * w, 4 * w, 4, 2, 1, XL_NO_NORM, act)) ||
		    row(n, &l[2], names[i][2],
			conv(4 * w, XL_LOMIT_STYLE, 1, 1, 0, XL_NO_NORM, XL_ACT_NONE)))
			return -1;
	}
	return 0;
}

static int build_mask(struct xl_model *m, struct xl_lomit_nets *s, const struct xl_lomit *h)
{
	const int w = (int)h->width;
	const enum xl_norm_choice norm = strcmp(h->mask_norm, "in") == 0 ? XL_IN : XL_BN;
	struct xl_net *n = s->g_m = xl_model_net(m, "G_m", XL_GENERATOR);

	for (int i = 0; n && i < 6; i++) {
		const char name[2] = {(char)('1' + i), '\0'};
		if (row(n, &s->mask[i], name, conv(4 * w, 4 * w, 3, 1, 1, norm, XL_ACT_RELU)))
			return -1;
	}
	if (!n || row(n, &s->mask[6], "7", conv(4 * w, 1, 1, 1, 0, XL_NO_NORM, XL_ACT_SIGMOID)))
		return -1;
	if (!xl_lomit_iclr(h))
		return 0;
	n = s->gate_net = xl_model_net(m, "gate", XL_GENERATOR);
	return !n ||
	       row(n, &s->gate[0], "1", conv(4 * w, 8 * w, 1, 1, 0, XL_NO_NORM, XL_ACT_TANH)) ||
	       row(n, &s->gate[1], "2", conv(8 * w, 4 * w, 1, 1, 0, XL_NO_NORM, XL_ACT_SIGMOID));
}

static int build_mlp(struct xl_model *m, struct xl_lomit_nets *s, int i, const char *id, int w)
{
	const enum xl_norm_choice no = XL_NO_NORM;
	struct xl_net *n = s->mlp_net[i] = xl_model_net(m, id, XL_GENERATOR);

	return !n ||
	       row(n, &s->mlp[i][0], "1", conv(XL_LOMIT_STYLE, 4 * w, 1, 1, 0, no, XL_ACT_LEAKY)) ||
	       row(n, &s->mlp[i][1], "2", conv(4 * w, 4 * w, 1, 1, 0, no, XL_ACT_LEAKY)) ||
	       row(n, &s->mlp[i][2], "3", conv(4 * w, 8 * w, 1, 1, 0, no, XL_ACT_NONE));
}

/* nearest x2, then 5x5 */
static struct xl_layer up_conv(int ci, int co)
{
	struct xl_layer l = conv(ci, co, 5, 1, 2, XL_LN, XL_ACT_RELU);

	l.up = true;
	return l;
}

static int build_decoder(struct xl_model *m, struct xl_lomit_nets *s, int w)
{
	struct xl_net *n = s->g = xl_model_net(m, "G", XL_GENERATOR);

	return !n || resblocks(n, s->decoder_res, 1, 4 * w, XL_LN) ||
	       row(n, &s->decoder[0], "5", up_conv(4 * w, 2 * w)) ||
	       row(n, &s->decoder[1], "6", up_conv(2 * w, w)) ||
	       row(n, &s->decoder[2], "7", conv(w, 3, 7, 1, 3, XL_NO_NORM, XL_ACT_TANH));
}

/* Depth min(6, log2(size) - 1): the last map is at least 2x2. */
static int build_critic(struct xl_model *m, struct xl_lomit_nets *s, const struct xl_lomit *h)
{
	struct xl_net *n = s->d = xl_model_net(m, "D", XL_CRITIC);
	const enum xl_norm_choice no = XL_NO_NORM;
	int co = (int)h->width, ci = 3, side = (int)h->size;

	s->depth = 0;
	for (int side2 = side; side2 >= 4 && s->depth < 6; side2 /= 2)
		s->depth++;
	for (int i = 0; n && i < s->depth; i++, ci = co, co *= 2, side /= 2) {
		const char name[2] = {(char)('1' + i), '\0'};
		if (row(n, &s->critic[i], name, conv(ci, co, 4, 2, 1, no, XL_ACT_LEAKY)))
			return -1;
	}
	return !n || row(n, &s->src, "src", conv(ci, 1, 3, 1, 1, no, XL_ACT_NONE)) ||
	       row(n, &s->cls, "cls", conv(ci, m->n_attributes, side, 2, 0, no, XL_ACT_NONE));
}

static int lomit_build(struct xl_model *m)
{
	const struct xl_lomit *h = m->hyper;
	struct xl_lomit_nets *s = m->state;
	const int w = (int)h->width;

	return build_content(m, s, w) || build_style(m, s, w, h->style_split) ||
			       build_mask(m, s, h) || build_mlp(m, s, 0, "MLP_f", w) ||
			       build_mlp(m, s, 1, "MLP_b", w) || build_decoder(m, s, w) ||
			       build_critic(m, s, h)
		       ? -1
		       : 0;
}

static void lomit_randomise(struct xl_model *m)
{
	const struct xl_lomit *h = m->hyper;

	for (int i = 0; i < m->n_nets; i++) {
		struct xl_net *n = m->nets[i];
		const bool critic = n->group == XL_CRITIC;
		xl_net_randomise(n, m->seed, (uint32_t)i, critic ? 0 : sqrt(2), h->critic_std);
		if (!h->compat || critic || strcmp(n->id, "G") == 0)
			continue;
		/* the framework of the published code drew IN and BN scales from U(0,1) */
		for (int k = 0; k < n->n_params; k++) {
			const struct xl_param *p = &n->params[k];
			struct xl_rng rng;
			if (!strstr(p->name, ".scale"))
				continue;
			xl_rng_init(&rng, m->seed, XL_RNG_INIT, (uint32_t)i, (uint32_t)k);
			for (int c = 0; c < p->d.c; c++)
				n->value[p->at + (size_t)c] = (float)xl_rng_uniform(&rng);
		}
	}
}

/* ---- one step ---- */

enum loss {
	D_ADV,
	D_CLS,
	D_GP,
	D_TOTAL,
	G_ADV,
	G_CLS,
	G_STYLE_F,
	G_STYLE_B,
	G_CONTENT,
	G_CYCLE,
	G_SELF,
	G_R1,
	G_STYLE_DIFF,
	G_AREA,
	G_TOTAL,
	MASK_MEAN,
	STYLE_ABS,
	LR,
};

static const char *const loss_names[] = {
	"D.adv",     "D.cls",     "D.gp",    "D.total", "G.adv", "G.cls",        "G.style_f",
	"G.style_b", "G.content", "G.cycle", "G.self",  "G.r1",  "G.style_diff", "G.area",
	"G.total",   "mask.mean", "s_f.abs", "lr",      NULL,
};

static struct xl_var *twice(struct xl_tape *t, struct xl_var *mean)
{
	return xl_op_affine(t, mean, 2, 0); /* the two directions are added */
}

/* mean (|| d sum(D_src) / d xhat || - 1)^2, the equation as it reads */
static struct xl_var *gradient_penalty(struct xl_tape *t, struct xl_lomit_nets *s,
				       struct xl_var *xhat)
{
	if (!xhat)
		return NULL;
	xl_var_watch(xhat, true);
	struct xl_var *src = xl_lomit_src(t, s, xl_lomit_trunk(t, s, xhat));
	struct xl_var *g = xl_grad(t, xl_op_sum(t, src), xhat);
	xl_var_watch(xhat, false);
	struct xl_var *ss = xl_op_sum_to(t, xl_op_mul(t, g, g), xl_dims_plain(xhat->d.n, 1, 1, 1));
	struct xl_var *norm = xl_op_sqrt(t, xl_op_max(t, ss, 1e-24));
	struct xl_var *d = xl_op_affine(t, norm, 1, -1);
	return xl_op_mean(t, xl_op_mul(t, d, d));
}

/* alpha real + (1 - alpha) fake, one draw per sample */
static struct xl_var *interpolate(struct xl_model *m, struct xl_tape *t, struct xl_var *real,
				  struct xl_var *fake, const float *given, int64_t iter)
{
	const int n = real->d.n;
	float alpha[2 * MAX_BATCH];

	for (int i = 0; i < n; i++) {
		struct xl_rng rng;
		xl_rng_init(&rng, m->seed, XL_RNG_ALPHA, (uint32_t)iter, (uint32_t)i);
		alpha[i] = given ? given[i] : (float)xl_rng_uniform(&rng);
	}
	struct xl_var *a = xl_var_input(t, n, 1, 1, 1, alpha);
	return xl_op_add(t, xl_op_mul(t, real, a), xl_op_mul(t, fake, xl_op_affine(t, a, -1, 1)));
}

static int critic_step(struct xl_model *m, struct xl_tape *t, struct xl_var *x, struct xl_var *y,
		       struct xl_var *fake, struct xl_var *xhat, struct xl_losses *out)
{
	const struct xl_lomit *h = m->hyper;
	struct xl_lomit_nets *s = m->state;
	const int mark = xl_tape_mark(t), n = x->d.n;
	struct xl_var *total = xl_losses_zero(t);

	xl_model_zero(m, XL_CRITIC);
	if (xl_model_bind(m, t, XL_CRITIC, true))
		return -1;
	xl_tape_record(t, true);
	struct xl_var *in = xl_op_concat(t, x, fake, 0), *map = xl_lomit_trunk(t, s, in);
	struct xl_var *src = xl_lomit_src(t, s, map);
	struct xl_var *adv = xl_op_sub(t, xl_op_mean(t, xl_op_narrow(t, src, 0, n, n)),
				       xl_op_mean(t, xl_op_narrow(t, src, 0, 0, n)));
	struct xl_var *real_map = xl_op_narrow(t, map, 0, 0, n);
	struct xl_var *cls = xl_nn_bce(t, xl_lomit_cls(t, s, real_map), y);
	xl_drop(t, in);
	xl_drop(t, map);
	xl_drop(t, real_map);
	struct xl_var *gp = gradient_penalty(t, s, xhat);

	total = xl_losses_add(out, D_ADV, t, total, 1, twice(t, adv));
	total = xl_losses_add(out, D_CLS, t, total, h->w_cls, twice(t, cls));
	total = xl_losses_add(out, D_GP, t, total, h->w_gp, twice(t, gp));
	xl_losses_report(out, D_TOTAL, t, total);
	return xl_backward(t, total, mark);
}

/* The mask terms over every mask of both sides, each with the content of x. */
static struct xl_var *mask_terms(struct xl_tape *t, const struct xl_lomit *h, struct xl_losses *out,
				 struct xl_var *total, struct xl_var *c,
				 struct xl_var *const *masks, int n)
{
	struct xl_var *r1 = xl_losses_zero(t), *area = xl_losses_zero(t);

	for (int i = 0; i < n; i++) {
		r1 = xl_op_add(t, r1, xl_op_r1(t, masks[i], c));
		area = xl_op_add(t, area, xl_op_mean(t, masks[i]));
	}
	total = xl_losses_add(out, G_R1, t, total, h->w_r1, twice(t, r1));
	return xl_losses_add(out, G_AREA, t, total, h->w_area, twice(t, area));
}

static int generator_step(struct xl_model *m, struct xl_tape *t, struct xl_var *x, struct xl_var *y,
			  const struct xl_lomit_codes *c, struct xl_var *fake,
			  struct xl_losses *out)
{
	const struct xl_lomit *h = m->hyper;
	struct xl_lomit_nets *s = m->state;
	const int b = x->d.n / 2;
	struct xl_var *masks[3], *total = xl_losses_zero(t);
	struct xl_lomit_codes k;

	xl_model_zero(m, XL_GENERATOR);
	if (xl_model_bind(m, t, XL_CRITIC, false))
		return -1;
	xl_tape_record(t, true);
	struct xl_var *map = xl_lomit_trunk(t, s, fake);
	struct xl_var *adv = xl_op_affine(t, xl_op_mean(t, xl_lomit_src(t, s, map)), -1, 0);
	struct xl_var *cls = xl_nn_bce(t, xl_lomit_cls(t, s, map), xl_lomit_swap(t, y));

	xl_lomit_encode(t, h, s, fake, true, &k);
	struct xl_var *f2 = xl_lomit_swap(t, c->s_f);
	struct xl_var *cycle = xl_lomit_decode(t, h, s, k.m, k.c, xl_lomit_swap(t, k.s_f), k.s_b);
	masks[0] = c->m;
	masks[1] = k.m;
	masks[2] = xl_lomit_iclr(h) ? xl_lomit_mask(t, s, xl_op_mul(t, c->c, c->gate), true) : c->m;
	struct xl_var *self = xl_lomit_decode(t, h, s, masks[2], c->c, c->s_f, c->s_b);

	total = xl_losses_add(out, G_ADV, t, total, h->w_adv, twice(t, adv));
	total = xl_losses_add(out, G_CLS, t, total, h->w_cls, twice(t, cls));
	total = xl_losses_add(out, G_STYLE_F, t, total, h->w_style_f,
			      twice(t, xl_nn_l1(t, k.s_f, f2)));
	total = xl_losses_add(out, G_STYLE_B, t, total, h->w_style_b,
			      twice(t, xl_nn_l1(t, k.s_b, c->s_b)));
	total = xl_losses_add(out, G_CONTENT, t, total, h->w_content,
			      twice(t, xl_nn_l1(t, k.c, c->c)));
	total = xl_losses_add(out, G_CYCLE, t, total, h->w_cycle, twice(t, xl_nn_l1(t, cycle, x)));
	total = xl_losses_add(out, G_SELF, t, total, h->w_self, twice(t, xl_nn_l1(t, self, x)));
	total = mask_terms(t, h, out, total, c->c, masks, xl_lomit_iclr(h) ? 3 : 2);
	struct xl_var *diff =
		xl_nn_l1(t, xl_op_narrow(t, c->s_f, 0, 0, b), xl_op_narrow(t, c->s_f, 0, b, b));
	total = xl_losses_add(out, G_STYLE_DIFF, t, total, style_diff_of(h),
			      xl_op_affine(t, diff, -1, 0));
	xl_losses_report(out, G_TOTAL, t, total);
	xl_losses_report(out, MASK_MEAN, t, xl_op_mean(t, xl_op_detach(t, c->m)));
	xl_losses_report(out, STYLE_ABS, t, xl_op_mean(t, xl_op_abs(t, xl_op_detach(t, c->s_f))));
	return xl_backward(t, total, 0);
}

/* Both halves of a batch as one constant. */
static struct xl_var *both(struct xl_tape *t, int n, int c, int side, const float *const half[2])
{
	struct xl_var *a = xl_var_input(t, n, c, side, side, half[0]);
	struct xl_var *b = xl_var_input(t, n, c, side, side, half[1]);
	struct xl_var *x = xl_op_concat(t, a, b, 0);

	xl_drop(t, a);
	xl_drop(t, b);
	return x;
}

static int lomit_step(struct xl_model *m, struct xl_tape *t, const struct xl_batch *b, int64_t iter,
		      struct xl_losses *out)
{
	const struct xl_lomit *h = m->hyper;
	struct xl_lomit_nets *s = m->state;
	const bool generator = iter % h->critic == 0;
	const int64_t over = iter - h->decay_start;
	const double lr =
		h->lr * pow(0.5, over > 0 ? floor((double)over / (double)h->decay_every) : 0);
	const struct xl_adam adam = {.lr = lr, .beta1 = h->beta1, .beta2 = h->beta2, .eps = 1e-8};
	struct xl_lomit_codes c;

	memset(out, 0, sizeof *out);
	out->value[LR] = lr;
	out->given[LR] = true;
	xl_model_bn(m, XL_BN_TRAIN);
	struct xl_var *x = both(t, b->n, 3, (int)h->size, b->x);
	struct xl_var *y = both(t, b->n, m->n_attributes, 1, b->y);
	if (!x || !y || xl_model_bind(m, t, XL_GENERATOR, generator))
		return -1;

	/* stage 1 serves both steps: the critic's update does not touch it */
	xl_tape_record(t, generator);
	xl_lomit_encode(t, h, s, x, true, &c);
	struct xl_var *fake = xl_lomit_decode(t, h, s, c.m, c.c, xl_lomit_swap(t, c.s_f), c.s_b);
	struct xl_var *constant = xl_op_detach(t, fake);
	if (!constant)
		return -1;
	xl_tape_record(t, false);
	if (critic_step(m, t, x, y, constant, interpolate(m, t, x, constant, b->alpha, iter), out))
		return -1;
	if (!t->dry)
		xl_model_adam(m, t->k, XL_CRITIC, &adam);
	if (!generator)
		return 0;
	if (generator_step(m, t, x, y, &c, fake, out))
		return -1;
	if (!t->dry)
		xl_model_adam(m, t->k, XL_GENERATOR, &adam);
	return 0;
}

static const char *const default_attributes[] = {"Black_Hair", "Blond_Hair", "Brown_Hair",
						 "Smiling", NULL};
static const char *const after_mask[] = {"s_f", "s_b", "h", "out", NULL};
static const char *const code_tensors[] = {"c", "m", "s_f", "s_b", "h", NULL};

const struct xl_method xl_method_lomit = {
	.name = "lomit",
	.summary =
		"local masks and highway AdaIN: mask of the exemplar says what, of the input where",
	.citation = "Cho et al., \"What and Where to Translate: Local Mask-based Image-to-Image "
		    "Translation\"; LOMIT, ICLR 2019 submission",
	.opts = lomit_opts,
	.hyper_size = sizeof(struct xl_lomit),
	.preset = lomit_preset,
	.check = lomit_check,
	.loss_names = loss_names,
	.default_attributes = default_attributes,
	.stride = 16,
	.one_mask = true,
	.state_size = sizeof(struct xl_lomit_nets),
	.build = lomit_build,
	.randomise = lomit_randomise,
	.step = lomit_step,
	.encode = xl_lomit_stage_encode,
	.exemplar = xl_lomit_stage_exemplar,
	.mask = xl_lomit_stage_mask,
	.fuse = xl_lomit_stage_fuse,
	.decode = xl_lomit_stage_decode,
	.after_mask = after_mask,
	.code_tensors = code_tensors,
};
