/*
 * egsc.c - EGSC-IT: pictures of one domain in the look of an exemplar of the other. Two
 * auto-encoders share the layers around their codes; features of fixed networks give a
 * mask over the code of the content, and the statistics the code takes from the exemplar.
 *
 * Source   Ma et al., ICLR 2019, and the authors' code. Where they differ we follow the
 *          code, which is what was run, unless the table of options says otherwise.
 *
 * A run trains the fixed networks F_A and F_B first (stage 1), then a network for the
 * perceptual loss where none is given, then the rest (stage 2).
 */
#include <string.h>
#include "core/mem.h"
#include "methods/egsc_net.h"
#include "methods/method_losses.h"
#include "methods/method_opts.h"

enum { MAX_BATCH = 1024, MAX_UPDATES = 32 };

/* ---- hyper-parameters ---- */

#define XL_HYPERS struct xl_egsc

static const struct xl_opt egsc_opts[] = {
	XL_H_INT("size", size, "28", "image side in pixels, a multiple of 2^(n1-1) (paper)", 8,
		 1024),
	XL_H_INT("width", width, "64", "channels of the first layers of E, F, G (code)", 1, 512),
	XL_H_INT("d-width", d_width, "64", "channels of the first layer of D (code)", 1, 512),
	XL_H_INT("n1", n1, "1", "convolutions of an encoder before its blocks, 1: full size (code)",
		 1, XL_EGSC_N1),
	XL_H_INT("batch", batch, "8", "images of each domain per update (paper)", 1, MAX_BATCH),
	XL_H_RUN_INT("iters", iters, "121200", "iterations in all", 1, 1e9),
	XL_H_INT("pre-iters", pre_iters, "60000",
		 "of these for stage 1, 0: features are adopted (code)", 0, 1e9),
	XL_H_INT("percept-iters", percept_iters, "1200",
		 "of these for SmallVGG, perceptual=trained (ours)", 1, 1e9),
	XL_H_WORD("task", task, "single|multi|street|faces", "single",
		  "whose rate and weights stand where -1 does (paper)"),
	XL_H_WORD("adain", adain, "code|paper|std|none", "code",
		  "statistics that are exchanged: of the code, the paper, AdaIN (ours), none"),
	XL_H_INT("mask", mask, "1", "1: codes are masked (paper)", 0, 1),
	XL_H_NUM("eta", eta, "0.5", "least value of masks, 1: none (paper)", 0, 1),
	XL_H_INT("shared", shared, "1", "1: encoders and generators share a block each (paper)", 0,
		 1),
	XL_H_WORD("perceptual", perceptual, "trained|random|given|none", "trained",
		  "network of the perceptual loss: SmallVGG, trained or not (ours), or by --with "
		  "(paper)"),
	XL_H_UNSET_NUM("lambda-s", lambda_s, "weight of the style loss, -1: by task", 1e9),
	XL_H_UNSET_NUM("lambda-c", lambda_c, "weight of the content loss, -1: by task", 1e9),
	XL_H_WORD("gan", gan, "ls|log", "ls",
		  "adversarial loss: least squares (code), log (paper)"),
	XL_H_RUN_NUM("w-gan", w_gan, "10", "weight of the adversarial losses (UNIT)", 0, 1e9),
	XL_H_RUN_NUM("w-vae", w_vae, "100", "weight of reconstruction (UNIT)", 0, 1e9),
	XL_H_RUN_NUM("w-kl", w_kl, "0.1", "weight of the prior (UNIT)", 0, 1e9),
	XL_H_RUN_NUM("w-cyc", w_cyc, "100", "weight of the cycle (UNIT)", 0, 1e9),
	XL_H_RUN_NUM("w-cyc-kl", w_cyc_kl, "0.1", "weight of the prior in the cycle (UNIT)", 0,
		     1e9),
	XL_H_INT("kl-on-z", kl_on_z, "0", "1: of codes with their noise (code), 0: of means (ours)",
		 0, 1),
	XL_H_NUM("noise", noise, "1", "deviation of the noise on codes (UNIT)", 0, 100),
	XL_H_INT("g-updates", g_updates, "5", "updates of G for one of D (paper)", 1, MAX_UPDATES),
	XL_H_INT("pre-g-updates", pre_g_updates, "1", "the same in stage 1 (code)", 1, MAX_UPDATES),
	XL_H_INT("d-double-act", d_double_act, "1", "1: D rectifies twice, and its scores (code)",
		 0, 1),
	XL_H_UNSET_NUM("lr", lr, "learning rate at first, -1: by task", 1e30),
	XL_H_UNSET_NUM("pre-lr", pre_lr, "the same in stage 1, -1: as lr", 1e30),
	XL_H_RUN_NUM("percept-lr", percept_lr, "1e-3", "learning rate of SmallVGG (ours)", 0, 1e30),
	XL_H_NUM("beta1", beta1, "0.5", "first moment decay of Adam (code)", 0, 0.9999),
	XL_H_NUM("beta2", beta2, "0.999", "second moment decay of Adam (code)", 0, 0.999999),
	XL_H_NUM("std", std, "0.02", "deviation of initial weights of E, F, G (code)", 1e-6, 100),
	XL_H_NUM("flip", flip, "0.5", "probability of mirroring an image (paper)", 0, 1),
	XL_H_NUM("zoom", zoom, "0.5", "probability of a random crop, 0.8 to 1 of a side (code)", 0,
		 1),
	XL_H_INT("fixed-pairs", fixed_pairs, "0", "1: A and B in pairs as they came (code)", 0, 1),
	XL_H_INT("noise-test", noise_test, "1", "1: noise on codes in translation too (code)", 0,
		 1),
	XL_H_INT("stretch-out", stretch_out, "0",
		 "1: stretch the contrast of results to the full range (code)", 0, 1),
	XL_H_END,
};

static int egsc_preset(void *hyper, const char *name)
{
	struct xl_egsc *h = hyper;

	if (strcmp(name, "paper") == 0)
		return 0;
	if (strcmp(name, "small") != 0 && strcmp(name, "tiny") != 0)
		return xl_err("'%s' is not a preset (paper, small, tiny)", name);
	const bool tiny = strcmp(name, "tiny") == 0;
	h->size = tiny ? 28 : 64;
	h->n1 = tiny ? 1 : 3;
	h->width = h->d_width = tiny ? 16 : 32;
	h->pre_iters = tiny ? 2500 : 20000;
	h->iters = h->pre_iters + h->percept_iters + (tiny ? 7000 : 40000);
	h->task = tiny ? "single" : "faces";
	h->adain = "std";
	h->g_updates = 1;
	h->std = tiny ? 0.04 : 0.02;
	h->lr = tiny ? 3e-4 : 1e-4;
	return 0;
}

struct xl_egsc_stages xl_egsc_stages(const struct xl_egsc *h)
{
	struct xl_egsc_stages s = {.main = h->iters};

	if (xl_egsc_has_features(h))
		s.pre = h->pre_iters;
	if (xl_egsc_has_percept(h) && xl_egsc_is(h->perceptual, "trained"))
		s.percept = h->percept_iters;
	s.main -= s.pre + s.percept;
	return s;
}

static int egsc_check(const void *hyper, int n_attributes)
{
	const struct xl_egsc *h = hyper;
	const struct xl_egsc_rates r = xl_egsc_rates(h);
	const double percept = xl_egsc_has_percept(h) ? r.lambda_s + r.lambda_c : 0;
	const struct xl_egsc_stages n = xl_egsc_stages(h);
	const int step = 1 << (h->n1 - 1);

	(void)n_attributes;
	if (h->size % step)
		return xl_err("size %d is not a multiple of %d (n1 %d)", (int)h->size, step,
			      (int)h->n1);
	if (xl_losses_weigh(h->w_gan + h->w_vae + h->w_kl + h->w_cyc + h->w_cyc_kl + percept))
		return -1;
	if (n.main < 1)
		return xl_err("iters %lld leaves none for stage 2 (%lld + %lld before)",
			      (long long)h->iters, (long long)n.pre, (long long)n.percept);
	return 0;
}

/* One for the discriminators, one for each update of the rest. */
static int egsc_parts(const void *hyper)
{
	const struct xl_egsc *h = hyper;
	const int64_t pre = xl_egsc_stages(h).pre ? h->pre_g_updates : 1;

	return 1 + (int)(pre > h->g_updates ? pre : h->g_updates);
}

/* F_A and F_B, of a run that trained them. */
static int egsc_adopt(struct xl_model *m, struct xl_model *from)
{
	const struct xl_egsc *h = m->hyper, *other = from->hyper;
	const struct xl_egsc_nets *to = m->state, *s = from->state;
	const int64_t pre = xl_egsc_stages(other).pre;

	if (!xl_egsc_has_features(h) || !xl_egsc_has_features(other))
		return xl_err("features: %s has none",
			      xl_egsc_has_features(h) ? "it" : "mask=0 and adain=none");
	if (h->width != other->width || h->n1 != other->n1)
		return xl_err("features of width %d and n1 %d, not %d and %d", (int)other->width,
			      (int)other->n1, (int)h->width, (int)h->n1);
	if (from->step < pre)
		return xl_err("features: trained for %lld of %lld iterations",
			      (long long)from->step, (long long)pre);
	for (int d = 0; d < XL_EGSC_DOMAINS; d++) {
		struct xl_net *p = to->f[d].net, *q = s->f[d].net;
		if (xl_net_fetch(q))
			return -1;
		memcpy(p->value, q->value, p->count * sizeof(float));
	}
	return 0;
}

static int egsc_ready(const struct xl_model *m)
{
	const struct xl_egsc *h = m->hyper;
	const struct xl_egsc_nets *s = m->state;
	const bool given = xl_egsc_is(h->perceptual, "given") && xl_egsc_has_percept(h);
	const bool small = !given && xl_egsc_has_percept(h);

	/* of a run that was resumed: its networks and stages are what they were */
	if (small != (s->v != NULL))
		return xl_err("lambda-s and lambda-c: the run was begun with%s a perceptual loss",
			      s->v ? "" : "out");
	if (given && !m->backbone)
		return xl_err("perceptual=given needs --with FILE, weights by xl-convert --as");
	if (m->backbone && !given)
		return xl_err("a network was given, but perceptual is not 'given'");
	if (xl_egsc_has_features(h) && h->pre_iters == 0 && !*m->adopted)
		return xl_err("pre-iters=0 needs --with FILE, a model whose features to take");
	if (*m->adopted && h->pre_iters > 0)
		return xl_err("features were taken, but pre-iters is %lld, not 0",
			      (long long)h->pre_iters);
	return 0;
}

static const char *const default_attributes[] = {"digit", "fg", "bg", NULL};
static const char *const at_stages[] = {"noise-test", "stretch-out", NULL};
static const char *const after_mask[] = {"h", "out", NULL};
static const char *const code_tensors[] = {"c", "m", "s", "h", NULL};

const struct xl_method xl_method_egsc = {
	.name = "egsc-it",
	.summary = "two domains; content in the look of an exemplar, by feature masks and AdaIN",
	.citation = "Ma et al., \"Exemplar Guided Unsupervised Image-to-Image Translation with "
		    "Semantic Consistency\", ICLR 2019",
	.opts = egsc_opts,
	.hyper_size = sizeof(struct xl_egsc),
	.preset = egsc_preset,
	.check = egsc_check,
	.loss_names = xl_egsc_losses,
	.default_attributes = default_attributes,
	.two_domains = true,
	.both_ways = true,
	.noisy = true,
	.classes = XL_EGSC_CLASSES,
	.stride = XL_EGSC_STRIDE,
	.state_size = sizeof(struct xl_egsc_nets),
	.build = xl_egsc_build,
	.randomise = xl_egsc_randomise,
	.perceives = true,
	.adopt = egsc_adopt,
	.ready = egsc_ready,
	.parts = egsc_parts,
	.step = xl_egsc_step,
	.encode = xl_egsc_stage_encode,
	.mask = xl_egsc_stage_mask,
	.fuse = xl_egsc_stage_fuse,
	.decode = xl_egsc_stage_decode,
	.at_stages = at_stages,
	.after_mask = after_mask,
	.code_tensors = code_tensors,
};
