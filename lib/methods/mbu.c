/*
 * mbu.c - MBU, mask based content transfer: what images of domain B have and those
 * of A have not (glasses, a beard) is copied from one picture into another, inside
 * a mask that only follows from which set an image is of.
 *
 * Source   ICLR 2020, "Mask Based Unsupervised Content Transfer", and the authors'
 *          code. Where they differ we follow the code, which is what was run;
 *          profile=paper takes the paper's side. The code calls the domains the
 *          other way round.
 *
 * Batch norm sees the batch of each domain by itself: a and b are never joined.
 */
#include <string.h>
#include "methods/mbu_net.h"
#include "methods/method_losses.h"
#include "methods/method_opts.h"

enum { MAX_BATCH = 1024 };

/* ---- hyper-parameters ---- */

#define XL_HYPERS struct xl_mbu

static const struct xl_opt mbu_opts[] = {
	XL_H_INT("size", size, "128", "image side in pixels, a multiple of 64 (paper, code)", 64,
		 1024),
	XL_H_INT("width", width, "32", "channels of the first layers (code)", 1, 256),
	XL_H_INT("batch", batch, "32", "images of each domain per step (paper, code)", 1,
		 MAX_BATCH),
	XL_H_RUN_INT("iters", iters, "150000", "steps (code)", 1, 1e9),
	XL_H_WORD("task", task,
		  "glasses|smile|facial-hair|women-hair|women-hair-old|men-hair|men-hair-old|"
		  "handbags",
		  "glasses", "whose weights and rates stand where -1 does (code)"),
	XL_H_WORD("profile", profile, "code|paper", "code",
		  "whose sep, dec-act, recon2a, dc-target"),
	XL_H_INT("sep", sep, "0",
		 "channels of the separate code, 0: 25 (code) or 100 (paper) of 512", 0, 4095),
	XL_H_WORD("dec-act", dec_act, "auto|leaky|relu", "auto",
		  "activation of the decoders: leaky 0.2 (code) or relu (paper)"),
	XL_H_WORD("recon2a", recon2a, "auto|zero|encode", "auto",
		  "separate code in Recon2.A: zeros (code) or that of a (paper)"),
	XL_H_WORD("dc-target", dc_target, "auto|without|with", "auto",
		  "label E_c is pushed to: without (code) or with the content (paper)"),
	XL_H_WORD("init", init, "torch04|modern", "torch04",
		  "initial values as in PyTorch 0.4 or later"),
	XL_H_WORD("crop", crop, "squash|square", "squash",
		  "how pictures become squares: squashed (code) or cropped"),
	XL_H_UNSET_NUM("lr", lr, "learning rate of encoders and decoders, -1: by task", 1e30),
	XL_H_UNSET_NUM("lr-c", lr_c, "learning rate of C, -1: by task", 1e30),
	XL_H_NUM("beta1", beta1, "0.5", "first moment decay of Adam (paper, code)", 0, 0.9999),
	XL_H_NUM("beta2", beta2, "0.999", "second moment decay of Adam (paper, code)", 0, 0.999999),
	XL_H_NUM("clip", clip, "5", "largest norm of each optimiser's gradients (code)", 1e-6,
		 1e30),
	XL_H_NUM("flip", flip, "0.5", "probability of mirroring an image (code)", 0, 1),
	XL_H_UNSET_NUM("w-recon1-a", w_recon1_a, "weight of Recon1.A (lambda1), -1: by task", 1e6),
	XL_H_UNSET_NUM("w-recon1-b", w_recon1_b, "weight of Recon1.B (lambda2), -1: by task", 1e6),
	XL_H_UNSET_NUM("w-cycle-c", w_cycle_c, "weight of Cycle.c (lambda3), -1: by task", 1e6),
	XL_H_UNSET_NUM("w-cycle-s", w_cycle_s, "weight of Cycle.s (lambda3), -1: by task", 1e6),
	XL_H_UNSET_NUM("w-recon2-a", w_recon2_a, "weight of Recon2.A (lambda4), -1: by task", 1e6),
	XL_H_UNSET_NUM("w-recon2-b", w_recon2_b, "weight of Recon2.B (lambda5), -1: by task", 1e6),
	XL_H_UNSET_NUM("w-dc", w_dc, "weight of DC.E_c, 0: without C, -1: by task", 1e6),
	XL_H_WORD("recon1-norm", recon1_norm, "l1|l2", "l1", "of Recon1 (ablation l2: paper)"),
	XL_H_WORD("recon2-norm", recon2_norm, "l1|l2", "l1", "of Recon2 (ablation l2: paper)"),
	XL_H_RUN_NUM("mask-l2", mask_l2, "0",
		     "weight of the masks' squares in place of Recon2 (ablation: paper)", 0, 1e6),
	XL_H_NUM("threshold", threshold, "0.1", "of the mask, in removal (code)", 0, 1),
	XL_H_END,
};

/* The published sets of weights; "old" and handbags are of the first revision of the
 * code, as is facial hair, whose rate is less than the paper's 2e-4. */
struct weights {
	const char *task;
	double recon1_a, recon1_b, cycle_c, cycle_s, recon2_a, recon2_b, dc, lr, lr_c;
};

static const struct weights tasks[] = {
	{"glasses", 5, 7, 0, 0.001, 0.7, 0.7, 0.005, 2e-4, 2e-4},
	{"smile", 5, 7, 0, 0.0001, 1, 1, 0.005, 2e-4, 2e-4},
	{"facial-hair", 5, 5, 1, 1, 1, 1, 0.005, 5e-5, 5e-5},
	{"women-hair", 1, 1, 0, 0.04, 0.1, 0.1, 1, 2e-4, 2e-4},
	{"women-hair-old", 5, 10, 0.01, 7, 2, 2, 1, 5e-5, 5e-5},
	{"men-hair", 5, 5, 0, 0.5, 0.5, 0.5, 1, 2e-4, 2e-4},
	{"men-hair-old", 5, 5, 0, 1, 1, 1, 0.25, 5e-5, 5e-5},
	{"handbags", 7, 5, 0, 2.5, 0.5, 0.5, 0.1, 5e-5, 5e-5},
};

static double given_or(double x, double of_task)
{
	return x >= 0 ? x : of_task;
}

static struct weights weights_of(const struct xl_mbu *h)
{
	struct weights w = tasks[0];

	for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
		if (strcmp(tasks[i].task, h->task) == 0)
			w = tasks[i];
	w.recon1_a = given_or(h->w_recon1_a, w.recon1_a);
	w.recon1_b = given_or(h->w_recon1_b, w.recon1_b);
	w.cycle_c = given_or(h->w_cycle_c, w.cycle_c);
	w.cycle_s = given_or(h->w_cycle_s, w.cycle_s);
	w.recon2_a = given_or(h->w_recon2_a, w.recon2_a);
	w.recon2_b = given_or(h->w_recon2_b, w.recon2_b);
	w.dc = given_or(h->w_dc, w.dc);
	w.lr = given_or(h->lr, w.lr);
	w.lr_c = given_or(h->lr_c, w.lr_c);
	return w;
}

static int mbu_preset(void *hyper, const char *name)
{
	struct xl_mbu *h = hyper;

	if (strcmp(name, "paper") == 0) {
		h->size = 128;
		h->width = 32;
		h->batch = 32;
	} else if (strcmp(name, "small") == 0) {
		h->size = 64;
		h->width = 16;
		h->batch = 16;
		h->sep = 16;
	} else if (strcmp(name, "tiny") == 0) {
		h->size = 64;
		h->width = 8;
		h->batch = 8;
		h->sep = 16;
	} else {
		return xl_err("'%s' is not a preset (paper, small, tiny)", name);
	}
	return 0;
}

static int mbu_check(const void *hyper, int n_attributes)
{
	const struct xl_mbu *h = hyper;
	const struct weights w = weights_of(h);

	(void)n_attributes; /* the domain is all that is learnt from */
	if (h->size % XL_MBU_STRIDE)
		return xl_err("size %d is not a multiple of %d", (int)h->size, XL_MBU_STRIDE);
	if (xl_mbu_sep(h) >= 16 * h->width)
		return xl_err("sep %d leaves no channel of %d", xl_mbu_sep(h), 16 * (int)h->width);
	if (xl_losses_weigh(w.recon1_a + w.recon1_b + w.cycle_c + w.cycle_s + w.dc + h->mask_l2 +
			    (h->mask_l2 > 0 ? 0 : w.recon2_a + w.recon2_b)))
		return -1;
	if (h->batch == 1 && h->size == XL_MBU_STRIDE)
		return xl_err("batch 1 at size %d: a batch norm needs two values", XL_MBU_STRIDE);
	return 0;
}

/* ---- one step ---- */

enum loss {
	RECON1_A,
	RECON1_B,
	CYCLE_C,
	CYCLE_S,
	RECON2_A,
	RECON2_B,
	MASK_L2,
	DC_E,
	TOTAL,
	DC_C,
	MASK_A,
	MASK_B,
	MASK_AB,
	GRAD,
	GRAD_C,
};

static const char *const loss_names[] = {
	"Recon1.A", "Recon1.B", "Cycle.c", "Cycle.s", "Recon2.A", "Recon2.B", "Mask.l2", "DC.E_c",
	"total",    "DC.C",     "Mask.a",  "Mask.b",  "Mask.ab",  "grad",     "grad_C",  NULL,
};

static struct xl_var *distance(struct xl_tape *t, const char *norm, struct xl_var *a,
			       struct xl_var *b)
{
	return strcmp(norm, "l2") == 0 ? xl_nn_mse(t, a, b) : xl_nn_l1(t, a, b);
}

/* What C says of the codes of a and b, against one label each. */
static struct xl_var *confusion(struct xl_tape *t, struct xl_mbu_nets *s, struct xl_var *ca,
				struct xl_var *cb, float label_a, float label_b)
{
	struct xl_var *za = xl_mbu_confuse(t, s, ca), *zb = xl_mbu_confuse(t, s, cb);

	if (!za || !zb)
		return NULL;
	return xl_op_add(t, xl_nn_bce(t, za, xl_var_const(t, za->d, label_a)),
			 xl_nn_bce(t, zb, xl_var_const(t, zb->d, label_b)));
}

/* The pair of a step, its codes and all that is drawn of them. */
struct pass {
	struct xl_var *a, *b, *ca, *cb, *sb; /* images, codes */
	struct xl_var *da, *db;              /* by D_A: a, and b without the content */
	struct xl_mbu_drawn ab, bb, aa;      /* by D_B: b's content in a, in b; a's in a */
	struct xl_var *z, *cz, *sz;          /* b's content in a, and its codes */
};

/* Batch norms follow what passes in the order of the published code: E_c b, a, z; E_s b,
 * [a], z; D_A b, a; D_B bb, ab, aa, bb. */
static void forward(struct xl_model *m, struct xl_tape *t, struct pass *p, const struct weights *w)
{
	const struct xl_mbu *h = m->hyper;
	struct xl_mbu_nets *s = m->state;
	const bool encode = xl_mbu_paper(h, h->recon2a, "encode");

	p->cb = xl_mbu_common(t, s, p->b);
	p->sb = xl_mbu_separate(t, s, p->b);
	p->ca = xl_mbu_common(t, s, p->a);
	p->db = xl_mbu_without(t, s, xl_mbu_bare(t, s, p->cb));
	p->bb = xl_mbu_with(t, s, xl_mbu_join(t, p->cb, p->sb));
	struct xl_var *bare = xl_mbu_bare(t, s, p->ca);
	p->da = xl_mbu_without(t, s, bare);
	p->ab = xl_mbu_with(t, s, xl_mbu_join(t, p->ca, p->sb));
	p->aa = xl_mbu_with(t, s,
			    encode ? xl_mbu_join(t, p->ca, xl_mbu_separate(t, s, p->a)) : bare);
	p->z = xl_nn_blend(t, p->ab.m, p->ab.raw, p->a);

	/* once more: the published code draws bb for each of its two losses */
	xl_tape_record(t, false);
	const struct xl_mbu_drawn again = xl_mbu_with(t, s, xl_mbu_join(t, p->cb, p->sb));
	xl_drop(t, again.m);
	xl_drop(t, again.raw);

	/* without a weight, only the running statistics of E_c want its code */
	xl_tape_record(t, w->cycle_c > 0);
	p->cz = xl_mbu_common(t, s, p->z);
	xl_tape_record(t, true);
	p->sz = xl_mbu_separate(t, s, p->z);
}

static struct xl_var *recon_terms(struct xl_tape *t, const struct xl_mbu *h, const struct pass *p,
				  const struct weights *w, struct xl_losses *out)
{
	struct xl_var *from_without = xl_nn_blend(t, p->bb.m, p->bb.raw, p->db);
	struct xl_var *total = xl_losses_add(out, RECON1_A, t, xl_losses_zero(t), w->recon1_a,
					     distance(t, h->recon1_norm, p->da, p->a));

	total = xl_losses_add(out, RECON1_B, t, total, w->recon1_b,
			      distance(t, h->recon1_norm, from_without, p->b));
	if (h->mask_l2 > 0)
		return xl_losses_add(out, MASK_L2, t, total, h->mask_l2,
				     xl_op_add(t, xl_op_mean(t, xl_op_mul(t, p->aa.m, p->aa.m)),
					       xl_op_mean(t, xl_op_mul(t, p->bb.m, p->bb.m))));
	total = xl_losses_add(
		out, RECON2_A, t, total, w->recon2_a,
		distance(t, h->recon2_norm, xl_nn_blend(t, p->aa.m, p->aa.raw, p->a), p->a));
	return xl_losses_add(
		out, RECON2_B, t, total, w->recon2_b,
		distance(t, h->recon2_norm, xl_nn_blend(t, p->bb.m, p->bb.raw, p->b), p->b));
}

static void report_masks(struct xl_tape *t, const struct pass *p, struct xl_losses *out)
{
	const struct xl_mbu_drawn *of[] = {&p->aa, &p->bb, &p->ab};

	for (int i = 0; i < 3; i++)
		xl_losses_report(out, MASK_A + i, t, xl_op_mean(t, xl_op_detach(t, of[i]->m)));
}

static void update(struct xl_model *m, const struct xl_kernels *k, enum xl_group group, double lr)
{
	const struct xl_mbu *h = m->hyper;

	xl_model_adam(
		m, k, group,
		&(struct xl_adam){.lr = lr, .beta1 = h->beta1, .beta2 = h->beta2, .eps = 1e-8});
}

/* Encoders and decoders; C only judges. */
static int first_step(struct xl_model *m, struct xl_tape *t, struct pass *p,
		      const struct weights *w, struct xl_losses *out)
{
	const struct xl_mbu *h = m->hyper;
	struct xl_mbu_nets *s = m->state;
	const float target = xl_mbu_paper(h, h->dc_target, "with") ? 1 : 0;

	xl_model_zero(m, XL_GENERATOR);
	if (xl_model_bind(m, t, XL_GENERATOR, true) || xl_model_bind(m, t, XL_CRITIC, false))
		return -1;
	xl_tape_record(t, true);
	forward(m, t, p, w);
	struct xl_var *total = recon_terms(t, h, p, w, out);
	total = xl_losses_add(out, CYCLE_C, t, total, w->cycle_c, xl_nn_mse(t, p->cz, p->ca));
	total = xl_losses_add(out, CYCLE_S, t, total, w->cycle_s, xl_nn_mse(t, p->sz, p->sb));
	if (w->dc > 0)
		total = xl_losses_add(out, DC_E, t, total, w->dc,
				      confusion(t, s, p->ca, p->cb, target, target));
	xl_losses_report(out, TOTAL, t, total);
	report_masks(t, p, out);
	if (xl_backward(t, total, 0))
		return -1;
	if (t->dry)
		return 0;
	xl_losses_note(out, GRAD, xl_model_clip(m, t->k, XL_GENERATOR, h->clip));
	update(m, t->k, XL_GENERATOR, w->lr);
	return 0;
}

/* C, on codes of the encoder as it is now. */
static int second_step(struct xl_model *m, struct xl_tape *t, struct pass *p,
		       const struct weights *w, struct xl_losses *out)
{
	const struct xl_mbu *h = m->hyper;
	struct xl_mbu_nets *s = m->state;

	xl_model_zero(m, XL_CRITIC);
	if (xl_model_bind(m, t, XL_GENERATOR, false) || xl_model_bind(m, t, XL_CRITIC, true))
		return -1;
	struct xl_var *cb = xl_mbu_common(t, s, p->b), *ca = xl_mbu_common(t, s, p->a);
	xl_tape_record(t, true);
	struct xl_var *loss = confusion(t, s, ca, cb, 0, 1);
	xl_losses_report(out, DC_C, t, loss);
	if (xl_backward(t, loss, 0))
		return -1;
	if (t->dry)
		return 0;
	xl_losses_note(out, GRAD_C, xl_model_clip(m, t->k, XL_CRITIC, h->clip));
	update(m, t->k, XL_CRITIC, w->lr_c);
	return 0;
}

static int mbu_step(struct xl_model *m, struct xl_tape *t, const struct xl_batch *b, int64_t iter,
		    struct xl_losses *out)
{
	const struct xl_mbu *h = m->hyper;
	const struct weights w = weights_of(h);
	const int side = (int)h->size;
	struct pass p = {.a = xl_var_input(t, b->n, 3, side, side, b->x[0]),
			 .b = xl_var_input(t, b->n, 3, side, side, b->x[1])};

	(void)iter; /* no schedule */
	memset(out, 0, sizeof *out);
	xl_model_bn(m, XL_BN_TRAIN);
	if (first_step(m, t, &p, &w, out))
		return -1;
	return w.dc > 0 ? second_step(m, t, &p, &w, out) : 0;
}

static const char *const fuse_modes[] = {"remove", NULL};
static const char *const after_mask[] = {"out", NULL};
static const char *const code_tensors[] = {"c", "s", "m", "h", NULL};

const struct xl_method xl_method_mbu = {
	.name = "mbu",
	.summary = "mask based content transfer: adds, removes and finds what one domain has",
	.citation = "Mokady et al., \"Mask Based Unsupervised Content Transfer\", ICLR 2020",
	.opts = mbu_opts,
	.hyper_size = sizeof(struct xl_mbu),
	.preset = mbu_preset,
	.check = mbu_check,
	.loss_names = loss_names,
	.two_domains = true,
	.lockstep = true,
	.stride = XL_MBU_STRIDE,
	.one_mask = true,
	.state_size = sizeof(struct xl_mbu_nets),
	.build = xl_mbu_build,
	.randomise = xl_mbu_randomise,
	.step = mbu_step,
	.encode = xl_mbu_stage_encode,
	.mask = xl_mbu_stage_mask,
	.fuse = xl_mbu_stage_fuse,
	.decode = xl_mbu_stage_decode,
	.fuse_modes = fuse_modes,
	.after_mask = after_mask,
	.code_tensors = code_tensors,
};
