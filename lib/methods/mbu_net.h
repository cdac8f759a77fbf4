/*
 * mbu_net.h - MBU's hyper-parameters, layers and forward passes, shared by its
 * training (mbu.c), networks (mbu_net.c) and stages (mbu_stage.c).
 */
#ifndef XL_METHODS_MBU_NET_H
#define XL_METHODS_MBU_NET_H

#include "methods/method.h"
#include "methods/model.h"

/* Six blocks halve, or double, the side: codes are maps of side size / 64. */
enum { XL_MBU_DEPTH = 6, XL_MBU_STRIDE = 64 };

struct xl_mbu {
	int64_t size, width, batch, iters, sep;
	const char *task, *profile, *dec_act, *recon2a, *dc_target, *init;
	const char *recon1_norm, *recon2_norm, *crop;
	double lr, lr_c, beta1, beta2, clip, flip;
	double w_recon1_a, w_recon1_b, w_cycle_c, w_cycle_s, w_recon2_a, w_recon2_b, w_dc;
	double mask_l2, threshold;
};

struct xl_mbu_nets {
	struct xl_net *e_c, *e_s, *d_a, *d_b, *c;
	struct xl_layer common[XL_MBU_DEPTH], separate[XL_MBU_DEPTH];
	struct xl_layer without[XL_MBU_DEPTH], with[XL_MBU_DEPTH];
	struct xl_layer confusion[2];
	int sep, code; /* channels: of the separate code, of both codes together */
};

/* What D_B draws: a mask (N,1,H,W), 0..1, and a picture (N,3,H,W), -1..1. */
struct xl_mbu_drawn {
	struct xl_var *m, *raw;
};

/* xl_mbu_build - declare the networks of m, xl_mbu_randomise - their initial values:
 * the entries of the descriptor */
int xl_mbu_build(struct xl_model *m);
void xl_mbu_randomise(struct xl_model *m);

/* xl_mbu_paper - whether a choice that is left to the profile is the paper's, else
 * the published code's; choice NULL: the profile itself */
bool xl_mbu_paper(const struct xl_mbu *h, const char *choice, const char *word);

/* xl_mbu_sep - channels of the separate code */
int xl_mbu_sep(const struct xl_mbu *h);

/*
 * Forward passes, on variables of the tape; NULL with xl_err set.
 *
 * xl_mbu_common   - Ec: x (N,3,H,W) to (N,code-sep,H/64,W/64)
 * xl_mbu_separate - Es: x to (N,sep,H/64,W/64)
 * xl_mbu_join     - [c, s], the code (N,code,H/64,W/64); xl_mbu_bare - [c, 0]
 * xl_mbu_without  - D_A: the picture (N,3,H,W), -1..1, of a code
 * xl_mbu_with     - D_B: mask and picture of a code; a failure leaves NULL in them
 * xl_mbu_confuse  - C: the logit (N,1,1,1) that c comes of an image with the content
 */
struct xl_var *xl_mbu_common(struct xl_tape *t, struct xl_mbu_nets *s, struct xl_var *x);
struct xl_var *xl_mbu_separate(struct xl_tape *t, struct xl_mbu_nets *s, struct xl_var *x);
struct xl_var *xl_mbu_join(struct xl_tape *t, struct xl_var *c, struct xl_var *sep);
struct xl_var *xl_mbu_bare(struct xl_tape *t, const struct xl_mbu_nets *s, struct xl_var *c);
struct xl_var *xl_mbu_without(struct xl_tape *t, struct xl_mbu_nets *s, struct xl_var *code);
struct xl_mbu_drawn xl_mbu_with(struct xl_tape *t, struct xl_mbu_nets *s, struct xl_var *code);
struct xl_var *xl_mbu_confuse(struct xl_tape *t, struct xl_mbu_nets *s, struct xl_var *c);

/* The stages of the descriptor (method.h), in mbu_stage.c. */
int xl_mbu_stage_encode(struct xl_model *m, struct xl_tape *t, struct xl_record *r);
int xl_mbu_stage_mask(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		      struct xl_record *exemplar);
int xl_mbu_stage_fuse(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		      struct xl_record *exemplar);
int xl_mbu_stage_decode(struct xl_model *m, struct xl_tape *t, struct xl_record *r);

#endif
