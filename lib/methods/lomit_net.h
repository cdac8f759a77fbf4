/*
 * lomit_net.h - LOMIT's hyper-parameters, layers and forward passes, shared by
 * its training (lomit.c), networks (lomit_net.c) and stages (lomit_stage.c).
 */
#ifndef XL_METHODS_LOMIT_NET_H
#define XL_METHODS_LOMIT_NET_H

#include "methods/method.h"
#include "methods/model.h"

enum { XL_LOMIT_BLOCKS = 4, XL_LOMIT_STYLE = 8, XL_LOMIT_DEPTH = 6 };

struct xl_lomit {
	int64_t size, width, batch, iters;
	const char *variant, *gamma, *mask_norm;
	bool compat, style_split, no_exemplar_mask;
	int64_t critic, decay_start, decay_every;
	double lr, beta1, beta2, critic_std, flip;
	double w_adv, w_cls, w_gp, w_style_f, w_style_b, w_content, w_cycle, w_self, w_r1;
	double w_style_diff, w_area;
};

struct xl_lomit_nets {
	struct xl_net *e_c, *e_s, *g_m, *gate_net, *mlp_net[2], *g, *d;
	struct xl_layer content[3], content_res[XL_LOMIT_BLOCKS][2];
	struct xl_layer style[3], style_end[2][3]; /* ends: foreground, background */
	struct xl_layer mask[7], gate[2], mlp[2][3];
	struct xl_layer decoder_res[XL_LOMIT_BLOCKS][2], decoder[3];
	struct xl_layer critic[XL_LOMIT_DEPTH], src, cls;
	int depth;
};

/* Codes of a batch of N images (N,3,H,W), w the width. */
struct xl_lomit_codes {
	struct xl_var *c;         /* (N,4w,H/4,W/4) */
	struct xl_var *m;         /* (N,1,H/4,W/4), 0..1 */
	struct xl_var *s_f, *s_b; /* (N,8,1,1) */
	struct xl_var *gate;      /* (N,4w,1,1), of variant iclr, else NULL */
};

/* xl_lomit_iclr - whether this is variant iclr, else ijcai */
bool xl_lomit_iclr(const struct xl_lomit *h);

/* Forward passes. All take and return variables of the tape; NULL with xl_err
 * set. `pairs`: the batch is two halves, whose batch statistics are separate. */
struct xl_var *xl_lomit_content(struct xl_tape *t, struct xl_lomit_nets *s, struct xl_var *x);
struct xl_var *xl_lomit_gate(struct xl_tape *t, struct xl_lomit_nets *s, struct xl_var *c);
struct xl_var *xl_lomit_mask(struct xl_tape *t, struct xl_lomit_nets *s, struct xl_var *c,
			     bool pairs);
/* xl_lomit_style - styles of the foreground m x and the background (1 - m) x; s_f
 * or s_b may be NULL if not wanted. 0, or -1 with xl_err set */
int xl_lomit_style(struct xl_tape *t, const struct xl_lomit *h, struct xl_lomit_nets *s,
		   struct xl_var *x, struct xl_var *m, struct xl_var **s_f, struct xl_var **s_b);
/* xl_lomit_encode - all codes; in variant iclr each half's mask is gated by the
 * other half. A failure leaves NULL in them */
void xl_lomit_encode(struct xl_tape *t, const struct xl_lomit *h, struct xl_lomit_nets *s,
		     struct xl_var *x, bool pairs, struct xl_lomit_codes *out);

/* HAdaIN:  y = m (gamma_f n + beta_f) + (1 - m) (gamma_b n + beta_b), n the
 * normalised content; gammas and betas from the two MLPs (LOMIT, "Highway
 * AdaIN"). xl_lomit_fuse takes styles, xl_lomit_hadain their MLP outputs
 * (N,8w,1,1) = beta, gamma. */
struct xl_var *xl_lomit_hadain(struct xl_tape *t, const struct xl_lomit *h, struct xl_var *m,
			       struct xl_var *c, struct xl_var *f, struct xl_var *b);
struct xl_var *xl_lomit_fuse(struct xl_tape *t, const struct xl_lomit *h, struct xl_lomit_nets *s,
			     struct xl_var *m, struct xl_var *c, struct xl_var *s_f,
			     struct xl_var *s_b);
/* xl_lomit_draw - the image (N,3,H,W), -1..1, of fused content; xl_lomit_decode -
 * xl_lomit_fuse, then xl_lomit_draw */
struct xl_var *xl_lomit_draw(struct xl_tape *t, struct xl_lomit_nets *s, struct xl_var *y);
struct xl_var *xl_lomit_decode(struct xl_tape *t, const struct xl_lomit *h, struct xl_lomit_nets *s,
			       struct xl_var *m, struct xl_var *c, struct xl_var *s_f,
			       struct xl_var *s_b);

/* The critic: trunk, then its heads (N,1,K,K) and (N,attributes,1,1). */
struct xl_var *xl_lomit_trunk(struct xl_tape *t, struct xl_lomit_nets *s, struct xl_var *x);
struct xl_var *xl_lomit_src(struct xl_tape *t, struct xl_lomit_nets *s, struct xl_var *map);
struct xl_var *xl_lomit_cls(struct xl_tape *t, struct xl_lomit_nets *s, struct xl_var *map);

/* xl_lomit_swap - exchange the halves of a batch */
struct xl_var *xl_lomit_swap(struct xl_tape *t, struct xl_var *v);

/* The stages of the descriptor (method.h), in lomit_stage.c. */
int xl_lomit_stage_encode(struct xl_model *m, struct xl_tape *t, struct xl_record *r);
int xl_lomit_stage_exemplar(struct xl_model *m, struct xl_tape *t, struct xl_record *r);
int xl_lomit_stage_mask(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
			struct xl_record *exemplar);
int xl_lomit_stage_fuse(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
			struct xl_record *exemplar);
int xl_lomit_stage_decode(struct xl_model *m, struct xl_tape *t, struct xl_record *r);

#endif
