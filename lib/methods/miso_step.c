/*
 * miso_step.c - one iteration of MISO: a step of encoders and generators, and one of
 * the discriminators on the same pictures.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/rng.h"
#include "methods/method_losses.h"
#include "methods/miso_net.h"

enum loss {
	D_ADV_ENC,
	D_ADV_RAND,
	D_TOTAL,
	G_ADV_ENC,
	G_ADV_RAND,
	G_INFO,
	G_CYC,
	G_KL,
	G_LAT,
	G_SR,
	G_TOTAL,
	SIGMA_REAL,
	SIGMA_FAKE,
	RMS_ENC,
	RMS_RAND,
	HIT_REAL,
	HIT_ENC,
	HIT_RAND,
	LR,
};

const char *const xl_miso_losses[] = {
	"D.adv_enc", "D.adv_rand", "D.total",   "G.adv_enc",  "G.adv_rand", "G.info",     "G.cyc",
	"G.kl",      "G.lat",      "G.sr",      "G.total",    "sigma.real", "sigma.fake", "rms.enc",
	"rms.rand",  "D.hit_real", "D.hit_enc", "D.hit_rand", "lr",         NULL,
};

/* A domain in a step. What is fed to the translation, and what the loss of information
 * compares with, are z itself or a copy without gradient. */
struct side {
	struct xl_var *x, *x1;                      /* real images: all, of phase 1 */
	struct xl_miso_posterior q;                 /* of x1 */
	struct xl_var *z, *fed, *target;            /* the style sampled from it */
	struct xl_var *prior;                       /* the style drawn for phase 2 */
	struct xl_var *fake, *fake1, *fake2, *kept; /* translations to here; kept for D */
	struct xl_miso_posterior q1, q2;            /* of fake1 and fake2 */
	struct xl_var *logits[XL_PATCHES_SCALES];
};

struct step {
	struct xl_model *m;
	const struct xl_miso *h;
	struct xl_miso_nets *nets;
	struct xl_tape *t;
	const struct xl_batch *b;
	int64_t iter;
	int n; /* images of each domain in a phase */
	struct side side[XL_MISO_DOMAINS];
	struct xl_losses *out;
};

/* Part i, of n samples, of a batch. */
static struct xl_var *part(const struct step *k, struct xl_var *v, int i)
{
	return xl_op_narrow(k->t, v, 0, i * k->n, k->n);
}

/* What random numbers are for; they are numbered by it, the domain, and the sample. */
enum draw { DRAW_REAL, DRAW_PRIOR, DRAW_FAKE };

static struct xl_var *draw(const struct step *k, enum draw what, int d)
{
	const int nz = (int)k->h->nz, first = (XL_MISO_DOMAINS * (int)what + d) * k->n;
	float *z = xl_alloc((size_t)k->n * (size_t)nz, sizeof *z);
	struct xl_var *v;

	if (!z)
		return NULL;
	for (int i = 0; i < k->n; i++) {
		struct xl_rng rng;
		xl_rng_init(&rng, k->m->seed, XL_RNG_NOISE, (uint32_t)k->iter,
			    (uint32_t)(first + i));
		for (int j = 0; j < nz; j++)
			z[i * nz + j] = k->b->noise ? k->b->noise[(first + i) * nz + j]
						    : (float)xl_rng_normal(&rng);
	}
	v = xl_var_input(k->t, k->n, nz, 1, 1, z);
	free(z);
	return v;
}

/* Styles: of the real images of phase 1, and drawn for phase 2. */
static int read_reals(struct step *k)
{
	const int size = (int)k->h->size;
	const bool full = xl_miso_is(k->h->milo_z, "full"), leaf = xl_miso_is(k->h->milo_z, "leaf");

	for (int d = 0; d < XL_MISO_DOMAINS; d++) {
		struct side *s = &k->side[d];
		s->x = xl_var_input(k->t, 2 * k->n, 3, size, size, k->b->x[d]);
		s->x1 = part(k, s->x, 0);
		if (xl_miso_style(k->t, k->h, &k->nets->style[d], s->x1, &s->q))
			return -1;
		s->z = xl_miso_sample(k->t, &s->q, draw(k, DRAW_REAL, d));
		s->fed = leaf ? xl_op_detach(k->t, s->z) : s->z;
		s->target = full ? s->z : xl_op_detach(k->t, s->z);
		s->prior = draw(k, DRAW_PRIOR, d);
	}
	return 0;
}

/* Both phases at once: content of the other domain, styles of this one. */
static int translate(struct step *k)
{
	for (int d = 0; d < XL_MISO_DOMAINS; d++) {
		struct side *s = &k->side[d];
		struct xl_var *z = xl_op_concat(k->t, s->fed, s->prior, 0);
		s->fake = xl_miso_translate(k->t, k->h, &k->nets->to[d], k->side[!d].x, z);
		s->fake1 = part(k, s->fake, 0);
		s->fake2 = part(k, s->fake, 1);
		/* D's step comes when this step's values are gone */
		s->kept = xl_op_affine(k->t, xl_op_detach(k->t, s->fake), 1, 0);
		if (!s->kept)
			return -1;
	}
	return 0;
}

static int read_fakes(struct step *k)
{
	const bool first = xl_miso_is(k->h->ifi, "milo") || xl_miso_is(k->h->cyc_style, "fake");

	for (int d = 0; d < XL_MISO_DOMAINS; d++) {
		struct side *s = &k->side[d];
		const struct xl_miso_style *e = &k->nets->style[d];
		if (first && xl_miso_style(k->t, k->h, e, s->fake1, &s->q1))
			return -1;
		if ((k->h->lat_freezes_e && xl_net_bind(e->net, k->t, false)) ||
		    xl_miso_style(k->t, k->h, e, s->fake2, &s->q2))
			return -1;
	}
	return 0;
}

/* What the discriminators say of all translations. */
static int judge_fakes(struct step *k)
{
	if (xl_model_bind(k->m, k->t, XL_CRITIC, false))
		return -1;
	for (int d = 0; d < XL_MISO_DOMAINS; d++)
		if (xl_patches(k->t, k->nets->d_net[d], &k->nets->d[d], k->side[d].fake,
			       k->side[d].logits))
			return -1;
	return 0;
}

/* ---- terms of the generators, each the sum of both domains ---- */

static struct xl_var *fooled(struct step *k, int phase)
{
	struct xl_var *sum = xl_losses_zero(k->t);

	for (int d = 0; d < XL_MISO_DOMAINS; d++)
		for (int i = 0; i < k->nets->d[d].scales; i++)
			sum = xl_op_add(k->t, sum,
					xl_miso_fool(k->t, k->h->gan,
						     part(k, k->side[d].logits[i], phase)));
	return sum;
}

/* The way back takes the style of the image it began with. */
static struct xl_var *cycle(struct step *k)
{
	const bool real = xl_miso_is(k->h->cyc_style, "real");
	struct xl_var *sum = xl_losses_zero(k->t);

	for (int d = 0; d < XL_MISO_DOMAINS; d++) {
		struct side *s = &k->side[d];
		struct xl_var *z =
			real ? s->z : xl_miso_sample(k->t, &s->q1, draw(k, DRAW_FAKE, d));
		struct xl_var *back =
			xl_miso_translate(k->t, k->h, &k->nets->to[d], k->side[!d].fake1, z);
		sum = xl_op_add(k->t, sum, xl_nn_l1(k->t, back, s->x1));
	}
	return sum;
}

/* The route into a domain takes its own images as well. */
static struct xl_var *self_reconstruction(struct step *k)
{
	struct xl_var *sum = xl_losses_zero(k->t);

	for (int d = 0; d < XL_MISO_DOMAINS; d++) {
		struct side *s = &k->side[d];
		sum = xl_op_add(
			k->t, sum,
			xl_nn_l1(k->t, xl_miso_translate(k->t, k->h, &k->nets->to[d], s->x1, s->z),
				 s->x1));
	}
	return sum;
}

static struct xl_var *objective(struct step *k)
{
	const struct xl_miso *h = k->h;
	struct side *a = &k->side[XL_MISO_A], *b = &k->side[XL_MISO_B];
	struct xl_var *total = xl_losses_zero(k->t);

	if (!h->no_adv_enc)
		total = xl_losses_add(k->out, G_ADV_ENC, k->t, total, h->w_adv, fooled(k, 0));
	if (!h->no_adv_rand)
		total = xl_losses_add(k->out, G_ADV_RAND, k->t, total, h->w_adv, fooled(k, 1));
	if (xl_miso_is(h->ifi, "milo"))
		total = xl_losses_add(k->out, G_INFO, k->t, total, h->w_info,
				      xl_op_add(k->t, xl_miso_milo(k->t, a->target, &a->q1),
						xl_miso_milo(k->t, b->target, &b->q1)));
	else
		total = xl_losses_add(k->out, G_SR, k->t, total, h->w_sr, self_reconstruction(k));
	total = xl_losses_add(k->out, G_CYC, k->t, total, h->w_cyc, cycle(k));
	total = xl_losses_add(k->out, G_KL, k->t, total, h->w_kl,
			      xl_op_add(k->t, xl_miso_kl(k->t, &a->q), xl_miso_kl(k->t, &b->q)));
	return xl_losses_add(k->out, G_LAT, k->t, total, h->w_lat,
			     xl_op_add(k->t, xl_nn_l1(k->t, a->prior, a->q2.mu),
				       xl_nn_l1(k->t, b->prior, b->q2.mu)));
}

/* ---- what is logged beside the losses, means over both domains ---- */

/* mean of exp(logvar / 2) */
static struct xl_var *sigma(struct step *k, const struct xl_miso_posterior *q)
{
	struct xl_var *half = xl_op_affine(k->t, xl_op_detach(k->t, q->logvar), 0.5, 0);

	return xl_op_mean(k->t, xl_op_exp(k->t, half));
}

/* mean of (z - mu)^2 */
static struct xl_var *distance(struct step *k, struct xl_var *z, const struct xl_miso_posterior *q)
{
	return xl_nn_mse(k->t, xl_op_detach(k->t, z), xl_op_detach(k->t, q->mu));
}

static struct xl_var *mean_of(struct step *k, struct xl_var *a, struct xl_var *b)
{
	return xl_op_affine(k->t, xl_op_add(k->t, a, b), 0.5, 0);
}

static int watch_styles(struct step *k)
{
	const struct side *a = &k->side[XL_MISO_A], *b = &k->side[XL_MISO_B];
	struct xl_var *real = mean_of(k, sigma(k, &a->q), sigma(k, &b->q));
	struct xl_var *rand =
		mean_of(k, distance(k, a->prior, &a->q2), distance(k, b->prior, &b->q2));

	xl_losses_report(k->out, SIGMA_REAL, k->t, real);
	xl_losses_report(k->out, RMS_RAND, k->t, xl_op_sqrt(k->t, rand));
	if (!a->q1.mu)
		return real && rand ? 0 : -1;
	struct xl_var *fake = mean_of(k, sigma(k, &a->q1), sigma(k, &b->q1));
	struct xl_var *enc =
		mean_of(k, distance(k, a->target, &a->q1), distance(k, b->target, &b->q1));

	xl_losses_report(k->out, SIGMA_FAKE, k->t, fake);
	xl_losses_report(k->out, RMS_ENC, k->t, xl_op_sqrt(k->t, enc));
	return real && rand && fake && enc ? 0 : -1;
}

static int generator_step(struct step *k)
{
	xl_model_zero(k->m, XL_GENERATOR);
	if (xl_model_bind(k->m, k->t, XL_GENERATOR, true))
		return -1;
	xl_tape_record(k->t, true);
	if (read_reals(k) || translate(k) || read_fakes(k) || judge_fakes(k))
		return -1;
	struct xl_var *total = objective(k);
	if (!total)
		return -1;
	xl_losses_report(k->out, G_TOTAL, k->t, total);
	return watch_styles(k) || xl_backward(k->t, total, 0) ? -1 : 0;
}

/* ---- discriminators ---- */

/* Of the parts of the batch they see. */
enum { REAL_1, REAL_2, FAKE_1, FAKE_2 };

/* The share of logits on the right side, mean over domains and scales. */
static double hits(struct step *k, int i)
{
	const float edge = xl_miso_is(k->h->gan, "ls") ? 0.5f : 0;
	double share = 0, maps = 0;

	for (int d = 0; d < XL_MISO_DOMAINS; d++)
		for (int s = 0; s < k->nets->d[d].scales; s++) {
			struct xl_var *v = part(k, xl_op_detach(k->t, k->side[d].logits[s]), i);
			const int64_t count = v ? xl_dims_count(&v->d) : 0;
			float *p = xl_alloc((size_t)count + 1, sizeof *p);
			int64_t right = 0;
			if (!v || !p) {
				free(p);
				return NAN;
			}
			xl_var_read(k->t, v, p);
			for (int64_t j = 0; j < count; j++)
				right += i < FAKE_1 ? p[j] > edge : p[j] < edge;
			free(p);
			share += (double)right / (double)count;
			maps++;
		}
	return share / maps;
}

static struct xl_var *judged(struct step *k, int phase)
{
	struct xl_var *sum = xl_losses_zero(k->t);

	for (int d = 0; d < XL_MISO_DOMAINS; d++)
		for (int s = 0; s < k->nets->d[d].scales; s++) {
			struct xl_var *all = k->side[d].logits[s];
			struct xl_var *real = part(k, all, REAL_1 + phase);
			struct xl_var *fake = part(k, all, FAKE_1 + phase);
			sum = xl_op_add(k->t, sum, xl_miso_judge(k->t, k->h->gan, real, true));
			sum = xl_op_add(k->t, sum, xl_miso_judge(k->t, k->h->gan, fake, false));
		}
	return sum;
}

static int discriminator_step(struct step *k)
{
	struct xl_var *total = xl_losses_zero(k->t);

	xl_model_zero(k->m, XL_CRITIC);
	if (xl_model_bind(k->m, k->t, XL_CRITIC, true))
		return -1;
	xl_tape_record(k->t, true);
	for (int d = 0; d < XL_MISO_DOMAINS; d++) {
		struct side *s = &k->side[d];
		struct xl_var *seen = xl_op_concat(k->t, s->x, s->kept, 0);
		if (xl_patches(k->t, k->nets->d_net[d], &k->nets->d[d], seen, s->logits))
			return -1;
	}
	if (!k->h->no_adv_enc)
		total = xl_losses_add(k->out, D_ADV_ENC, k->t, total, k->h->w_adv, judged(k, 0));
	if (!k->h->no_adv_rand)
		total = xl_losses_add(k->out, D_ADV_RAND, k->t, total, k->h->w_adv, judged(k, 1));
	xl_losses_note(k->out, HIT_REAL, (hits(k, REAL_1) + hits(k, REAL_2)) / 2);
	xl_losses_note(k->out, HIT_ENC, hits(k, FAKE_1));
	xl_losses_note(k->out, HIT_RAND, hits(k, FAKE_2));
	xl_losses_report(k->out, D_TOTAL, k->t, total);
	return xl_backward(k->t, total, 0);
}

/* Constant, then falling on a line that reaches 0 at the end. */
static double rate_at(const struct xl_miso *h, int64_t iter)
{
	const int64_t start = h->decay_start >= 0 ? h->decay_start : h->iters / 2;

	if (iter <= start)
		return h->lr;
	return h->lr * fmax((double)(h->iters - iter) / (double)(h->iters - start), 0);
}

int xl_miso_step(struct xl_model *m, struct xl_tape *t, const struct xl_batch *b, int64_t iter,
		 struct xl_losses *out)
{
	const struct xl_miso *h = m->hyper;
	struct step k = {.m = m,
			 .h = h,
			 .nets = m->state,
			 .t = t,
			 .b = b,
			 .iter = iter,
			 .n = b->n / XL_MISO_PHASES,
			 .out = out};
	const struct xl_adam adam = {.lr = rate_at(h, iter),
				     .beta1 = h->beta1,
				     .beta2 = h->beta2,
				     .eps = 1e-8,
				     .decay = h->decay};

	memset(out, 0, sizeof *out);
	xl_losses_note(out, LR, adam.lr);
	if (generator_step(&k))
		return -1;
	if (!t->dry)
		xl_model_adam(m, t->k, XL_GENERATOR, &adam);
	if (discriminator_step(&k))
		return -1;
	if (!t->dry)
		xl_model_adam(m, t->k, XL_CRITIC, &adam);
	return 0;
}
