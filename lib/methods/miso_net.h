/*
 * miso_net.h - MISO's hyper-parameters, layers, forward passes and losses, shared by
 * its descriptor and tables (miso.c), forward passes (miso_net.c), losses (miso_loss.c),
 * training (miso_step.c) and stages (miso_stage.c).
 *
 * A domain is XL_MISO_A or XL_MISO_B. What is kept for each of them belongs to the
 * domain that comes out: to[XL_MISO_A] translates from B to A.
 */
#ifndef XL_METHODS_MISO_NET_H
#define XL_METHODS_MISO_NET_H

#include "methods/method.h"
#include "methods/model.h"
#include "nn/patches.h"

enum { XL_MISO_A, XL_MISO_B, XL_MISO_DOMAINS };
enum { XL_MISO_BLOCKS = 3, XL_MISO_STRIDE = 16, XL_MISO_NZ = 512 /* at most */ };
enum { XL_MISO_PHASES = 2 /* parts of a batch */ };

struct xl_miso {
	int64_t size, width, batch, iters, nz, scales;
	const char *cond, *ifi, *milo_z, *gan, *cyc_style;
	bool no_adv_enc, no_adv_rand, lat_freezes_e;
	double lr, beta1, beta2, decay;
	int64_t decay_start;
	double logvar_min, logvar_max, flip, part;
	double w_adv, w_info, w_cyc, w_kl, w_lat, w_sr;
};

/* E_X: the style of an image as a normal distribution. */
struct xl_miso_style {
	struct xl_net *net;
	struct xl_layer stem, conv[3][2], shortcut[3], mu, logvar;
};

/* T_YX: the conditional encoder E_YX and the generator G_YX. */
struct xl_miso_translator {
	struct xl_net *e, *g;
	struct xl_layer down[3], res[XL_MISO_BLOCKS][2], mlp[3]; /* of e; mlp: cond=adain */
	struct xl_layer tail[XL_MISO_BLOCKS][2], out[3];         /* of g */
};

struct xl_miso_nets {
	struct xl_miso_style style[XL_MISO_DOMAINS];
	struct xl_miso_translator to[XL_MISO_DOMAINS];
	struct xl_net *d_net[XL_MISO_DOMAINS];
	struct xl_patches d[XL_MISO_DOMAINS];
};

/* The normal distribution of a style: mean and ln sigma^2, each (N,nz,1,1). */
struct xl_miso_posterior {
	struct xl_var *mu, *logvar;
};

/* xl_miso_is - whether a switch has that value */
bool xl_miso_is(const char *value, const char *word);

/*
 * Forward passes, on the tape. NULL, or -1, with xl_err set.
 *
 * xl_miso_style    - the distribution of the style of x (N,3,H,W); the log-variance
 *                    within logvar-min .. logvar-max
 * xl_miso_sample   - mu + exp(logvar / 2) eps; eps (N,nz,1,1)
 * xl_miso_encode   - x (N,3,H,W) with the style z (N,nz,1,1) of the other domain, as
 *                    one map (N,4 width,H/4,W/4)
 * xl_miso_generate - the picture (N,3,H,W), -1..1, of such a map
 * xl_miso_translate - xl_miso_encode, then xl_miso_generate
 */
int xl_miso_style(struct xl_tape *t, const struct xl_miso *h, const struct xl_miso_style *s,
		  struct xl_var *x, struct xl_miso_posterior *out);
struct xl_var *xl_miso_sample(struct xl_tape *t, const struct xl_miso_posterior *q,
			      struct xl_var *eps);
struct xl_var *xl_miso_encode(struct xl_tape *t, const struct xl_miso *h,
			      const struct xl_miso_translator *s, struct xl_var *x,
			      struct xl_var *z);
struct xl_var *xl_miso_generate(struct xl_tape *t, const struct xl_miso_translator *s,
				struct xl_var *u);
struct xl_var *xl_miso_translate(struct xl_tape *t, const struct xl_miso *h,
				 const struct xl_miso_translator *s, struct xl_var *x,
				 struct xl_var *z);

/*
 * Losses, numbers on the tape; vectors are (N,nz,1,1). NULL with xl_err set.
 *
 * xl_miso_milo - -ln N(z; mu, exp(logvar)): sum over nz, mean over N   (eq. 5)
 * xl_miso_kl   - 0.5 (mu^2 + e^logvar - logvar - 1): the same          (eqs. 10-12)
 * xl_miso_judge - the loss of a discriminator on the logits of one scale, of pictures
 *                that are real or not; its mean (eqs. 6, 7; gan: ns, minimax, ls)
 * xl_miso_fool - that of the generator on the logits of its pictures
 */
struct xl_var *xl_miso_milo(struct xl_tape *t, struct xl_var *z, const struct xl_miso_posterior *q);
struct xl_var *xl_miso_kl(struct xl_tape *t, const struct xl_miso_posterior *q);
struct xl_var *xl_miso_judge(struct xl_tape *t, const char *gan, struct xl_var *logits,
			     bool is_real);
struct xl_var *xl_miso_fool(struct xl_tape *t, const char *gan, struct xl_var *logits);

/* Training, for the descriptor (method.h), in miso_step.c. */
extern const char *const xl_miso_losses[];
int xl_miso_step(struct xl_model *m, struct xl_tape *t, const struct xl_batch *b, int64_t iter,
		 struct xl_losses *out);

/* The stages of the descriptor (method.h), in miso_stage.c. */
int xl_miso_stage_encode(struct xl_model *m, struct xl_tape *t, struct xl_record *r);
int xl_miso_stage_fuse(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		       struct xl_record *exemplar);
int xl_miso_stage_decode(struct xl_model *m, struct xl_tape *t, struct xl_record *r);

#endif
