/*
 * egsc_net.h - EGSC-IT's hyper-parameters, layers, forward passes and losses, shared by
 * its descriptor (egsc.c), networks (egsc_net.c), features of other networks
 * (egsc_percept.c), training (egsc_step.c) and stages (egsc_stage.c).
 *
 * A domain is XL_EGSC_A or XL_EGSC_B. Maps between encoder and generator, called codes,
 * are (N,C,h,w) with C = width 2^(n1-1) channels, at 1/2^(n1-1) of the image's side.
 */
#ifndef XL_METHODS_EGSC_NET_H
#define XL_METHODS_EGSC_NET_H

#include "methods/method.h"
#include "methods/model.h"

enum { XL_EGSC_A, XL_EGSC_B, XL_EGSC_DOMAINS };
enum { XL_EGSC_N1 = 3 /* at most */, XL_EGSC_STRIDE = 1 << (XL_EGSC_N1 - 1) };
enum { XL_EGSC_BLOCKS = 3, XL_EGSC_D = 5 };
enum { XL_EGSC_TAPS = 5, XL_EGSC_CONVS = 9, XL_EGSC_CLASSES = 10 }; /* of SmallVGG */

struct xl_egsc {
	int64_t size, width, d_width, batch, iters, pre_iters, percept_iters, n1;
	const char *task, *adain, *gan, *perceptual;
	int64_t mask, shared, g_updates, pre_g_updates, kl_on_z, d_double_act;
	int64_t fixed_pairs, noise_test, stretch_out;
	double lr, pre_lr, percept_lr, beta1, beta2, std, noise, eta, flip, zoom;
	double lambda_s, lambda_c, w_gan, w_vae, w_kl, w_cyc, w_cyc_kl;
};

struct xl_egsc_block {
	struct xl_layer a, b;
};

/* E_X, and F_X, which is built the same. */
struct xl_egsc_encoder {
	struct xl_net *net;
	struct xl_layer scale[XL_EGSC_N1];
	struct xl_egsc_block block[XL_EGSC_BLOCKS];
};

struct xl_egsc_generator {
	struct xl_net *net;
	struct xl_egsc_block block[XL_EGSC_BLOCKS];
	struct xl_layer scale[XL_EGSC_N1]; /* the last is the 1x1 convolution */
};

struct xl_egsc_critic {
	struct xl_net *net;
	struct xl_layer conv[XL_EGSC_D];
};

/* The two blocks between an encoder and a generator. */
struct xl_egsc_middle {
	struct xl_net *net;
	struct xl_egsc_block e, g;
};

struct xl_egsc_nets {
	struct xl_egsc_encoder e[XL_EGSC_DOMAINS], f[XL_EGSC_DOMAINS];
	struct xl_egsc_generator g[XL_EGSC_DOMAINS];
	struct xl_egsc_critic d[XL_EGSC_DOMAINS];
	struct xl_egsc_middle shared;               /* S_E and S_G */
	struct xl_egsc_middle own[XL_EGSC_DOMAINS]; /* theirs in stage 1 */
	struct xl_net *v;                           /* SmallVGG, or NULL */
	struct xl_layer conv[XL_EGSC_CONVS], head;  /* of v */
	int n1;
};

/* The iterations of a run: of stage 1, which trains F, of SmallVGG, and of stage 2. */
struct xl_egsc_stages {
	int64_t pre, percept, main;
};
struct xl_egsc_stages xl_egsc_stages(const struct xl_egsc *h);

/* xl_egsc_build - declare the networks of m, xl_egsc_randomise - their initial values:
 * the entries of the descriptor. xl_egsc_restart - initial values once more, other ones, of
 * generators and discriminators, which both stages of training begin with */
int xl_egsc_build(struct xl_model *m);
void xl_egsc_randomise(struct xl_model *m);
void xl_egsc_restart(struct xl_model *m);

/* xl_egsc_is - whether a switch has that value */
bool xl_egsc_is(const char *value, const char *word);

/* xl_egsc_has_features - whether F_A and F_B are used: for masks, or for AdaIN */
bool xl_egsc_has_features(const struct xl_egsc *h);
/* xl_egsc_has_percept - whether there is a perceptual loss */
bool xl_egsc_has_percept(const struct xl_egsc *h);

/* What the options say, or, where they say -1, the task. Source: the paper, table 6 */
struct xl_egsc_rates {
	double lr, lambda_s, lambda_c;
};
struct xl_egsc_rates xl_egsc_rates(const struct xl_egsc *h);

/*
 * Forward passes, on variables of the tape; NULL with xl_err set.
 *
 * xl_egsc_encode   - E or F: x (N,3,H,W) to a code
 * xl_egsc_block    - a residual block
 * xl_egsc_generate - the picture (N,3,H,W), -1..1, of a code that has been masked and given
 *                    the statistics of an exemplar
 * xl_egsc_judge    - D: the map of scores (N,1,..) of x (N,3,H,W)
 */
struct xl_var *xl_egsc_encode(struct xl_tape *t, const struct xl_egsc_nets *s,
			      const struct xl_egsc_encoder *e, struct xl_var *x);
struct xl_var *xl_egsc_block(struct xl_tape *t, struct xl_net *net, const struct xl_egsc_block *b,
			     struct xl_var *x);
struct xl_var *xl_egsc_generate(struct xl_tape *t, const struct xl_egsc_nets *s,
				const struct xl_egsc_generator *g, struct xl_var *x);
struct xl_var *xl_egsc_judge(struct xl_tape *t, const struct xl_egsc *h,
			     const struct xl_egsc_critic *d, struct xl_var *x);

/*
 * Mask and exemplar. NULL with xl_err set.
 *
 * xl_egsc_mask       - (1 - eta) sigmoid(f) + eta; f: features (N,C,h,w) of the content
 * xl_egsc_statistics - mean and variance of each channel of the exemplar's features f:
 *                      (N,2C,1,1), first all means
 * xl_egsc_normalise  - c (N,C,h,w), masked or not, without its own statistics
 * xl_egsc_restyle    - the same with the statistics s (N,2C,1,1) of an exemplar
 *
 * The two together are AdaIN; with adain=none, both give c itself.
 * Source   the paper, eqs. 1 to 3, as paper; the authors' code, as code; Huang and Belongie
 *          2017, eq. 8, as std. The first two divide by the variance.
 */
struct xl_var *xl_egsc_mask(struct xl_tape *t, const struct xl_egsc *h, struct xl_var *f);
struct xl_var *xl_egsc_statistics(struct xl_tape *t, struct xl_var *f);
struct xl_var *xl_egsc_normalise(struct xl_tape *t, const struct xl_egsc *h, struct xl_var *c);
struct xl_var *xl_egsc_restyle(struct xl_tape *t, const struct xl_egsc *h, struct xl_var *c,
			       struct xl_var *s);

/*
 * The perceptual network: that of the model (xl_model.backbone), or SmallVGG.
 *
 * xl_egsc_build_percept - declare SmallVGG, where it is used, with heads where it is trained
 * xl_egsc_taps          - what the network says of x (N,3,H,W), as xl_egsc_unit. The number
 *                         of taps, or -1 with xl_err set
 * xl_egsc_unit          - each channel divided by its norm over the map, or 0 where that is
 *                         at most 1e-6; NULL with xl_err set
 * xl_egsc_classify      - the cross-entropy of labels y (N,labels) by SmallVGG, a number;
 *                         NULL with xl_err set
 */
int xl_egsc_build_percept(struct xl_model *m);
int xl_egsc_taps(struct xl_tape *t, const struct xl_model *m, struct xl_var *x,
		 struct xl_var *taps[XL_BACKBONE_TAPS]);
struct xl_var *xl_egsc_unit(struct xl_tape *t, struct xl_var *x);
struct xl_var *xl_egsc_classify(struct xl_tape *t, const struct xl_egsc_nets *s, struct xl_var *x,
				const float *y);

/*
 * The perceptual losses of translations, from n taps: of 2N images, the translations of N
 * images of A and of N of B, and of these themselves; each half's exemplars are the other
 * half. Numbers; NULL with xl_err set.
 *
 * Source   the paper, eqs. 6 and 7; weights of the authors' code
 */
struct xl_var *xl_egsc_content(struct xl_tape *t, int n, struct xl_var *const *fake,
			       struct xl_var *const *content);
struct xl_var *xl_egsc_style(struct xl_tape *t, int n, struct xl_var *const *fake,
			     struct xl_var *const *content);

/* Training, for the descriptor (method.h), in egsc_step.c. */
extern const char *const xl_egsc_losses[];
int xl_egsc_step(struct xl_model *m, struct xl_tape *t, const struct xl_batch *b, int64_t iter,
		 struct xl_losses *out);

/* The stages of the descriptor (method.h), in egsc_stage.c. */
int xl_egsc_stage_encode(struct xl_model *m, struct xl_tape *t, struct xl_record *r);
int xl_egsc_stage_mask(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		       struct xl_record *exemplar);
int xl_egsc_stage_fuse(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		       struct xl_record *exemplar);
int xl_egsc_stage_decode(struct xl_model *m, struct xl_tape *t, struct xl_record *r);

#endif
