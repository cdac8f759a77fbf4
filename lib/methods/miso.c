/*
 * miso.c - MISO: content of one domain, conditioned on styles of the other, which are
 * drawn at random or read from an exemplar; a loss of mutual information asks that a
 * style can be read back from the picture it made.
 *
 * Source   "MISO: Mutual Information Loss with Stochastic Style Representations for
 *          Multimodal Image-to-Image Translation", 2019. It gives the losses, but
 *          neither layers nor weights: these are ours, where the table of options
 *          does not name another source.
 *
 * A step has two phases on images of their own, the two halves of a batch: styles of
 * real images in the first, drawn styles in the second.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "methods/method_losses.h"
#include "methods/method_opts.h"
#include "methods/miso_net.h"

enum { MAX_BATCH = 1024, MAX_SCALES = 3, MLP_WIDTH = 256 };

static const double leaky_slope = 0.2;
static const double small_std = 0.02; /* of discriminators, and of a style's two heads */

/* ---- hyper-parameters ---- */

#define XL_HYPERS struct xl_miso

static const struct xl_opt miso_opts[] = {
	XL_H_INT("size", size, "128", "image side in pixels, a multiple of 16 (paper)", 16, 1024),
	XL_H_INT("width", width, "64", "channels of the first layers (CycleGAN, BicycleGAN)", 1,
		 512),
	XL_H_INT("batch", batch, "2",
		 "images of each domain per step, half for each phase (BicycleGAN)", 2, MAX_BATCH),
	XL_H_RUN_INT("iters", iters, "200000", "iterations in all (ours)", 1, 1e9),
	XL_H_INT("nz", nz, "8", "numbers of a style (BicycleGAN, MUNIT, DRIT)", 1, XL_MISO_NZ),
	XL_H_INT("scales", scales, "0",
		 "of a discriminator; 0: as many as fit, 3 at most (MUNIT, DRIT)", 0, MAX_SCALES),
	XL_H_WORD("cond", cond, "concat|adain|input", "concat",
		  "how styles enter: planes at every layer, AdaIN, planes at the image"),
	XL_H_WORD("ifi", ifi, "milo|sr", "milo",
		  "first phase: mutual information, or self-reconstruction (ablation SRSO)"),
	XL_H_WORD("milo-z", milo_z, "leaf|target|full", "leaf",
		  "gradient of the loss of information to styles: none, by the picture, all"),
	XL_H_WORD("gan", gan, "ns|minimax|ls", "ns",
		  "adversarial loss: non-saturating (DRIT), eq. 15 as it stands, least squares"),
	XL_H_WORD("cyc-style", cyc_style, "real|fake", "real",
		  "style of the way back: of the real image (paper), of the translated (DRIT)"),
	XL_H_FLAG("no-adv-enc", no_adv_enc, "no discrimination in phase one (ablation)"),
	XL_H_FLAG("no-adv-rand", no_adv_rand, "no discrimination in phase two (ablation)"),
	XL_H_FLAG("lat-freezes-e", lat_freezes_e,
		  "latent reconstruction leaves style encoders alone (BicycleGAN)"),
	XL_H_RUN_NUM("lr", lr, "1e-4", "learning rate of both optimisers (MUNIT, DRIT)", 0, 1e30),
	XL_H_NUM("beta1", beta1, "0.5", "first moment decay of Adam (MUNIT, DRIT)", 0, 0.9999),
	XL_H_NUM("beta2", beta2, "0.999", "second moment decay of Adam (MUNIT, DRIT)", 0, 0.999999),
	XL_H_RUN_NUM("decay", decay, "1e-4", "decay of weights, in their gradient (MUNIT, DRIT)", 0,
		     1),
	XL_H_RUN_INT("decay-start", decay_start, "-1",
		     "iteration from which lr falls, to 0 at iters; -1: half of iters (CycleGAN)",
		     -1, 1e9),
	XL_H_NUM("logvar-min", logvar_min, "-8", "least ln sigma^2 of a style (ours)", -30, 30),
	XL_H_NUM("logvar-max", logvar_max, "4", "largest ln sigma^2 of a style (ours)", -30, 30),
	XL_H_NUM("flip", flip, "0.5", "probability of mirroring an image (ours)", 0, 1),
	XL_H_NUM("part", part, "1",
		 "images of size/part pixels, of which squares of size are cut at random; 0.895 "
		 "but for CelebA (CycleGAN)",
		 0.5, 1),
	XL_H_RUN_NUM("w-adv", w_adv, "1", "weight of the adversarial losses (MUNIT, DRIT)", 0, 1e6),
	XL_H_RUN_NUM("w-info", w_info, "0.1", "weight of mutual information (ours)", 0, 1e6),
	XL_H_RUN_NUM("w-cyc", w_cyc, "10", "weight of the cycle (CycleGAN)", 0, 1e6),
	XL_H_RUN_NUM("w-kl", w_kl, "0.01", "weight of the KL divergence (BicycleGAN, DRIT)", 0,
		     1e6),
	XL_H_RUN_NUM("w-lat", w_lat, "1", "weight of latent reconstruction (MUNIT)", 0, 1e6),
	XL_H_RUN_NUM("w-sr", w_sr, "10", "weight of self-reconstruction, ifi=sr (MUNIT, DRIT)", 0,
		     1e6),
	XL_H_END,
};

static int miso_preset(void *hyper, const char *name)
{
	struct xl_miso *h = hyper;

	if (strcmp(name, "paper") == 0) {
		h->size = 128;
		h->width = 64;
	} else if (strcmp(name, "small") == 0) {
		h->size = 64;
		h->width = 32;
	} else if (strcmp(name, "tiny") == 0) {
		h->size = 32;
		h->width = 8;
	} else {
		return xl_err("'%s' is not a preset (paper, small, tiny)", name);
	}
	return 0;
}

static int scales_of(const struct xl_miso *h)
{
	const int fit = xl_patches_fit((int)h->size);

	return h->scales ? (int)h->scales : fit < MAX_SCALES ? fit : MAX_SCALES;
}

/* Of the losses that its switches leave. */
static double weights_of(const struct xl_miso *h)
{
	const double adv = h->no_adv_enc && h->no_adv_rand ? 0 : h->w_adv;

	return adv + (xl_miso_is(h->ifi, "milo") ? h->w_info : h->w_sr) + h->w_cyc + h->w_kl +
	       h->w_lat;
}

static int miso_check(const void *hyper, int n_attributes)
{
	const struct xl_miso *h = hyper;

	(void)n_attributes;
	if (h->size % XL_MISO_STRIDE)
		return xl_err("size %d is not a multiple of %d", (int)h->size, XL_MISO_STRIDE);
	if (h->batch % XL_MISO_PHASES)
		return xl_err("batch %d is odd: its halves are for the two phases", (int)h->batch);
	if (scales_of(h) > xl_patches_fit((int)h->size))
		return xl_err("%d scales do not fit images of %d pixels: %d at most",
			      (int)h->scales, (int)h->size, xl_patches_fit((int)h->size));
	if (!(h->logvar_min < h->logvar_max))
		return xl_err("logvar-min %g is not below logvar-max %g", h->logvar_min,
			      h->logvar_max);
	return xl_losses_weigh(weights_of(h));
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

/* Declare one row of a table of layers; number from 0, -1 for none. */
static int row(struct xl_net *net, struct xl_layer *to, const char *name, int number,
	       struct xl_layer l)
{
	char full[16];

	snprintf(full, sizeof full, number < 0 ? "%s" : "%s%d", name, number);
	*to = l;
	return xl_net_layer(net, full, to);
}

static int build_style(struct xl_model *m, struct xl_miso_style *s, const char *id)
{
	const struct xl_miso *h = m->hyper;
	const int w = (int)h->width, nz = (int)h->nz;
	const enum xl_norm_choice no = XL_NO_NORM;
	struct xl_layer head = conv(4 * w, nz, 1, 1, 0, no, XL_ACT_NONE);
	struct xl_net *n = s->net = xl_model_net(m, id, XL_GENERATOR);

	head.std = small_std;
	if (!n || row(n, &s->stem, "S", 0, conv(3, w, 4, 2, 1, no, XL_ACT_NONE)))
		return -1;
	for (int i = 1; i <= 3; i++) {
		const int ci = i * w, co = (i + 1) * w;
		char name[8];
		snprintf(name, sizeof name, "S%d.", i);
		if (row(n, &s->conv[i - 1][0], name, 1, conv(ci, ci, 3, 1, 1, no, XL_ACT_NONE)) ||
		    row(n, &s->conv[i - 1][1], name, 2, conv(ci, co, 3, 1, 1, no, XL_ACT_NONE)) ||
		    row(n, &s->shortcut[i - 1], name, 0, conv(ci, co, 1, 1, 0, no, XL_ACT_NONE)))
			return -1;
	}
	return row(n, &s->mu, "mu", -1, head) || row(n, &s->logvar, "l", -1, head);
}

/* A layer that takes the style beside its channels. */
static struct xl_layer beside(struct xl_layer l, bool takes, int nz)
{
	l.planes = takes ? nz : 0;
	return l;
}

static int build_encoder(struct xl_model *m, struct xl_miso_translator *s, const char *id)
{
	const struct xl_miso *h = m->hyper;
	const int w = (int)h->width, nz = (int)h->nz;
	const bool adain = xl_miso_is(h->cond, "adain"), all = xl_miso_is(h->cond, "concat");
	const enum xl_norm_choice no = XL_NO_NORM, norm = adain ? XL_IN_BARE : no;
	const enum xl_act relu = XL_ACT_RELU, none = XL_ACT_NONE;
	struct xl_net *n = s->e = xl_model_net(m, id, XL_GENERATOR);

	if (!n ||
	    row(n, &s->down[0], "K", 1, beside(conv(3, w, 7, 1, 3, norm, relu), !adain, nz)) ||
	    row(n, &s->down[1], "K", 2, beside(conv(w, 2 * w, 4, 2, 1, norm, relu), all, nz)) ||
	    row(n, &s->down[2], "K", 3, beside(conv(2 * w, 4 * w, 4, 2, 1, norm, relu), all, nz)))
		return -1;
	for (int i = 0; i < XL_MISO_BLOCKS; i++) {
		const struct xl_layer l = conv(4 * w, 4 * w, 3, 1, 1, no, none);
		struct xl_layer first = beside(l, all, nz);
		char name[8];
		first.act = adain ? none : relu;
		snprintf(name, sizeof name, "R%d.", i + 1);
		if (row(n, &s->res[i][0], name, 1, first) || row(n, &s->res[i][1], name, 2, l))
			return -1;
	}
	if (!adain)
		return 0;
	const int out = XL_MISO_BLOCKS * 2 * 2 * 4 * w;
	return row(n, &s->mlp[0], "M", 1, conv(nz, MLP_WIDTH, 1, 1, 0, no, relu)) ||
	       row(n, &s->mlp[1], "M", 2, conv(MLP_WIDTH, MLP_WIDTH, 1, 1, 0, no, relu)) ||
	       row(n, &s->mlp[2], "M", 3, conv(MLP_WIDTH, out, 1, 1, 0, no, none));
}

/* nearest x2, then 3x3. Layer norm, as instance norm would fix the mean of every
 * channel, and with it the colour. */
static struct xl_layer up_conv(int ci, int co)
{
	struct xl_layer l = conv(ci, co, 3, 1, 1, XL_LN, XL_ACT_RELU);

	l.up = true;
	return l;
}

static int build_generator(struct xl_model *m, struct xl_miso_translator *s, const char *id)
{
	const int w = (int)((const struct xl_miso *)m->hyper)->width;
	struct xl_net *n = s->g = xl_model_net(m, id, XL_GENERATOR);

	for (int i = 0; n && i < XL_MISO_BLOCKS; i++) {
		const struct xl_layer l = conv(4 * w, 4 * w, 3, 1, 1, XL_IN_BARE, XL_ACT_NONE);
		struct xl_layer first = l;
		char name[8];
		first.act = XL_ACT_RELU;
		snprintf(name, sizeof name, "R%d.", XL_MISO_BLOCKS + i + 1);
		if (row(n, &s->tail[i][0], name, 1, first) || row(n, &s->tail[i][1], name, 2, l))
			return -1;
	}
	return !n || row(n, &s->out[0], "U", 1, up_conv(4 * w, 2 * w)) ||
	       row(n, &s->out[1], "U", 2, up_conv(2 * w, w)) ||
	       row(n, &s->out[2], "O", -1, conv(w, 3, 7, 1, 3, XL_NO_NORM, XL_ACT_TANH));
}

static int build_discriminator(struct xl_model *m, struct xl_miso_nets *s, int d, const char *id)
{
	const struct xl_miso *h = m->hyper;

	s->d_net[d] = xl_model_net(m, id, XL_CRITIC);
	return !s->d_net[d] ||
	       xl_patches_build(s->d_net[d], &s->d[d], scales_of(h), (int)h->width, leaky_slope);
}

static int miso_build(struct xl_model *m)
{
	struct xl_miso_nets *s = m->state;

	return build_style(m, &s->style[XL_MISO_A], "E_A") ||
			       build_style(m, &s->style[XL_MISO_B], "E_B") ||
			       build_encoder(m, &s->to[XL_MISO_B], "E_AB") ||
			       build_encoder(m, &s->to[XL_MISO_A], "E_BA") ||
			       build_generator(m, &s->to[XL_MISO_B], "G_AB") ||
			       build_generator(m, &s->to[XL_MISO_A], "G_BA") ||
			       build_discriminator(m, s, XL_MISO_A, "D_A") ||
			       build_discriminator(m, s, XL_MISO_B, "D_B")
		       ? -1
		       : 0;
}

static void miso_randomise(struct xl_model *m)
{
	for (int i = 0; i < m->n_nets; i++)
		xl_net_randomise(m->nets[i], m->seed, (uint32_t)i,
				 m->nets[i]->group == XL_CRITIC ? 0 : sqrt(2), small_std);
}

static const char *const code_tensors[] = {"mu", "logvar", "z", "h", NULL};
static const char *const fuse_modes[] = {"sample", NULL};

const struct xl_method xl_method_miso = {
	.name = "miso",
	.summary = "two domains; content conditioned on styles drawn at random or of exemplars",
	.citation = "Na, Yoo and Choo, \"MISO: Mutual Information Loss with Stochastic Style "
		    "Representations for "
		    "Multimodal Image-to-Image Translation\", 2019",
	.opts = miso_opts,
	.hyper_size = sizeof(struct xl_miso),
	.preset = miso_preset,
	.check = miso_check,
	.loss_names = xl_miso_losses,
	.two_domains = true,
	.both_ways = true,
	.batch_of = XL_MISO_PHASES,
	.stride = XL_MISO_STRIDE,
	.state_size = sizeof(struct xl_miso_nets),
	.build = miso_build,
	.randomise = miso_randomise,
	.step = xl_miso_step,
	.encode = xl_miso_stage_encode,
	.fuse = xl_miso_stage_fuse,
	.decode = xl_miso_stage_decode,
	.fuse_modes = fuse_modes,
	.code_tensors = code_tensors,
};
