/*
 * egsc_step.c - one iteration of EGSC-IT: in stage 1 of two auto-encoders, whose encoders
 * become F_A and F_B; of SmallVGG; in stage 2 of all the rest. The discriminators go first,
 * and each update has a batch of its own.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "core/rng.h"
#include "methods/egsc_net.h"
#include "methods/method_losses.h"

enum { A = XL_EGSC_A, B = XL_EGSC_B, DOMAINS = XL_EGSC_DOMAINS };

enum loss {
	F_GAN,
	F_VAE,
	F_KL,
	F_TOTAL,
	F_D_GAN,
	F_D_TOTAL,
	V_CLASS,
	G_GAN,
	G_VAE,
	G_KL,
	G_CYC,
	G_CYC_KL,
	G_STYLE,
	G_CONTENT,
	G_TOTAL,
	D_GAN,
	D_TOTAL,
	LR,
	LOSSES,
};

const char *const xl_egsc_losses[] = {
	"F.gan",   "F.vae", "F.kl",    "F.total", "F.D.gan",  "F.D.total", "V.class",
	"G.gan",   "G.vae", "G.kl",    "G.cyc",   "G.cyc_kl", "G.style",   "G.content",
	"G.total", "D.gan", "D.total", "lr",      NULL,
};

enum stage { PRE, PERCEPT, MAIN };

/* What an image gives besides its code. */
struct side {
	struct xl_var *x;     /* (n,3,S,S) */
	struct xl_var *m, *s; /* mask and statistics of its features, or NULL */
};

struct step {
	struct xl_model *m;
	const struct xl_egsc *h;
	const struct xl_egsc_nets *nets;
	struct xl_tape *t;
	const struct xl_batch *b;
	struct xl_losses *out, now; /* of the iteration, and of the update at work */
	int64_t iter;
	int n;     /* images of each domain in an update */
	int draws; /* of noise, so far */
	double lr;
	struct side side[DOMAINS];
};

/* What an update reported, as its share of the iteration. */
static void take_over(struct step *k, double share)
{
	for (int i = 0; i < LOSSES; i++)
		if (k->now.given[i])
			xl_losses_note(k->out, i, k->out->value[i] + k->now.value[i] * share);
	memset(&k->now, 0, sizeof k->now);
}

static void report(struct step *k, enum loss i, const struct xl_var *v)
{
	xl_losses_report(&k->now, i, k->t, v);
}

static struct xl_var *add_term(struct step *k, enum loss i, struct xl_var *total, double weight,
			       struct xl_var *term)
{
	return xl_losses_add(&k->now, i, k->t, total, weight, term);
}

static struct xl_var *sum(struct step *k, struct xl_var *a, struct xl_var *b)
{
	return xl_op_add(k->t, a, b);
}

/* Half i of a batch: the images that came of A, or of B. */
static struct xl_var *half(struct step *k, struct xl_var *v, int i)
{
	return xl_op_narrow(k->t, v, 0, i * k->n, k->n);
}

/* ---- updates ---- */

/* The images of update number u. */
static void take(struct step *k, int u)
{
	const int size = (int)k->h->size;
	const size_t at = (size_t)u * (size_t)k->n * 3 * (size_t)size * (size_t)size;

	xl_tape_reset(k->t);
	for (int d = 0; d < DOMAINS; d++)
		k->side[d] = (struct side){
			.x = xl_var_input(k->t, k->n, 3, size, size, k->b->x[d] + at)};
}

/* Networks as constants, but for those of a group, which are to be trained if any. */
static int bind(struct step *k, int trained)
{
	for (int g = 0; g < XL_GROUPS; g++)
		if (xl_model_bind(k->m, k->t, (enum xl_group)g, g == trained))
			return -1;
	if (trained < XL_GROUPS)
		xl_model_zero(k->m, (enum xl_group)trained);
	return 0;
}

static int update(struct step *k, enum xl_group group, struct xl_var *total)
{
	const struct xl_egsc *h = k->h;

	if (xl_backward(k->t, total, 0))
		return -1;
	if (!k->t->dry)
		xl_model_adam(
			k->m, k->t->k, group,
			&(struct xl_adam){
				.lr = k->lr, .beta1 = h->beta1, .beta2 = h->beta2, .eps = 1e-8});
	return 0;
}

/* ---- noise ---- */

struct drawing {
	float *to;
	uint64_t seed;
	uint32_t iter, first;
	int64_t each;
};

static void draw_sample(void *ctx, int64_t i)
{
	const struct drawing *d = ctx;
	struct xl_rng rng;

	xl_rng_init(&rng, d->seed, XL_RNG_NOISE, d->iter, d->first + (uint32_t)i);
	xl_rng_normals(&rng, d->to + i * d->each, d->each);
}

/* mu + noise; samples of a step are numbered in the order they are encoded. */
static struct xl_var *with_noise(struct step *k, struct xl_var *mu)
{
	if (!mu || k->h->noise == 0)
		return mu;
	const struct xl_dims *d = &mu->d;
	struct drawing g = {.seed = k->m->seed,
			    .iter = (uint32_t)k->iter,
			    .first = (uint32_t)k->draws,
			    .each = (int64_t)d->c * d->h * d->w};
	const int64_t from = k->draws * g.each;
	struct xl_var *v = NULL;

	k->draws += d->n;
	if (!(g.to = xl_alloc((size_t)xl_dims_count(d), sizeof *g.to)))
		return NULL;
	if (k->b->noise)
		memcpy(g.to, k->b->noise + from, (size_t)xl_dims_count(d) * sizeof *g.to);
	else if (!k->t->dry)
		xl_parallel(draw_sample, &g, d->n);
	v = xl_var_input(k->t, d->n, d->c, d->h, d->w, g.to);
	free(g.to);
	struct xl_var *z = sum(k, mu, k->h->noise == 1 ? v : xl_op_affine(k->t, v, k->h->noise, 0));
	xl_drop(k->t, v);
	return z;
}

/* mean of mu^2, or z^2, summed over domains; v of both */
static struct xl_var *prior(struct step *k, struct xl_var *v)
{
	struct xl_var *v2 = xl_op_mul(k->t, v, v);
	struct xl_var *m = xl_op_affine(k->t, xl_op_mean(k->t, v2), 2, 0);

	xl_drop(k->t, v2);
	return m;
}

/* ---- adversarial losses ---- */

/* mean (s - target)^2 */
static struct xl_var *squares(struct step *k, struct xl_var *s, double target)
{
	struct xl_var *d = xl_op_affine(k->t, s, 1, -target);

	return xl_op_mean(k->t, xl_op_mul(k->t, d, d));
}

/* mean ln(1 + e^(sign s)) */
static struct xl_var *logistic(struct step *k, struct xl_var *s, double sign)
{
	return xl_op_mean(k->t, xl_op_softplus(k->t, xl_op_affine(k->t, s, sign, 0)));
}

/* The loss of scores that ought to be those of a real image, or of a made one. */
static struct xl_var *score(struct step *k, struct xl_var *s, bool real)
{
	return xl_egsc_is(k->h->gan, "log") ? logistic(k, s, real ? -1 : 1)
					    : squares(k, s, real ? 1 : 0);
}

/* Pictures made for A and B, before their discriminators. */
static struct xl_var *fooled(struct step *k, struct xl_var *const made[DOMAINS])
{
	struct xl_var *v[DOMAINS];

	for (int d = 0; d < DOMAINS; d++)
		v[d] = score(k, xl_egsc_judge(k->t, k->h, &k->nets->d[d], made[d]), true);
	return sum(k, v[A], v[B]);
}

/* The discriminators' update: real images, and these made ones. */
static int judge(struct step *k, struct xl_var *const made[DOMAINS], enum loss gan, enum loss total)
{
	struct xl_var *v[DOMAINS];

	if (!made[A] || !made[B] || bind(k, XL_CRITIC))
		return -1;
	xl_tape_record(k->t, true);
	for (int d = 0; d < DOMAINS; d++) {
		struct xl_var *seen = xl_op_concat(k->t, k->side[d].x, made[d], 0);
		struct xl_var *s = xl_egsc_judge(k->t, k->h, &k->nets->d[d], seen);
		v[d] = sum(k, score(k, half(k, s, 0), true), score(k, half(k, s, 1), false));
	}
	struct xl_var *loss =
		add_term(k, gan, xl_losses_zero(k->t), k->h->w_gan / 2, sum(k, v[A], v[B]));
	report(k, total, loss);
	return update(k, XL_CRITIC, loss);
}

/* ---- stage 1 ---- */

/* The images as their own auto-encoders give them back; mu, if wanted, of both. */
static void rebuild(struct step *k, struct xl_var *made[DOMAINS], struct xl_var **mu)
{
	const struct xl_egsc_nets *s = k->nets;
	struct xl_var *m[DOMAINS];

	for (int d = 0; d < DOMAINS; d++) {
		const struct xl_egsc_middle *own = &s->own[d];
		struct xl_var *f = xl_egsc_encode(k->t, s, &s->f[d], k->side[d].x);
		m[d] = xl_egsc_block(k->t, own->net, &own->e, f);
		struct xl_var *z = with_noise(k, m[d]);
		struct xl_var *c = xl_egsc_block(k->t, own->net, &own->g, z);
		made[d] = xl_egsc_generate(k->t, s, &s->g[d], c);
		if (k->h->kl_on_z)
			m[d] = z;
	}
	if (mu)
		*mu = xl_op_concat(k->t, m[A], m[B], 0);
}

static int pre_generate(struct step *k)
{
	const struct xl_egsc *h = k->h;
	struct xl_var *made[DOMAINS], *mu;

	if (bind(k, XL_GENERATOR))
		return -1;
	xl_tape_record(k->t, true);
	rebuild(k, made, &mu);
	struct xl_var *total = add_term(k, F_GAN, xl_losses_zero(k->t), h->w_gan, fooled(k, made));
	total = add_term(k, F_VAE, total, h->w_vae,
			 sum(k, xl_nn_l1(k->t, made[A], k->side[A].x),
			     xl_nn_l1(k->t, made[B], k->side[B].x)));
	total = add_term(k, F_KL, total, h->w_kl, prior(k, mu));
	report(k, F_TOTAL, total);
	return update(k, XL_GENERATOR, total);
}

static int pre_judge(struct step *k)
{
	struct xl_var *made[DOMAINS];

	if (bind(k, XL_GROUPS))
		return -1;
	rebuild(k, made, NULL);
	return judge(k, made, F_D_GAN, F_D_TOTAL);
}

/* ---- SmallVGG ---- */

/* All images of the step, by their labels, or, where they have none, by their domain. */
static int classify(struct step *k)
{
	const int n = k->b->n, size = (int)k->h->size, labels = k->m->n_attributes;
	float *y = xl_alloc((size_t)(2 * n) * (size_t)(labels + 1), sizeof *y);
	struct xl_var *x[DOMAINS];

	if (!y || bind(k, XL_CRITIC)) {
		free(y);
		return -1;
	}
	for (int d = 0; d < DOMAINS; d++) {
		float *to = y + d * n * (labels ? labels : 1);
		x[d] = xl_var_input(k->t, n, 3, size, size, k->b->x[d]);
		if (labels)
			memcpy(to, k->b->y[d], (size_t)(n * labels) * sizeof *y);
		for (int i = 0; !labels && i < n; i++)
			to[i] = (float)d;
	}
	xl_tape_record(k->t, true);
	struct xl_var *loss = xl_egsc_classify(k->t, k->nets, xl_op_concat(k->t, x[A], x[B], 0), y);
	report(k, V_CLASS, loss);
	take_over(k, 1);
	free(y);
	return update(k, XL_CRITIC, loss);
}

/* ---- stage 2 ---- */

/* Masks and statistics of the images, which are constants. */
static int read_features(struct step *k)
{
	for (int d = 0; d < DOMAINS && xl_egsc_has_features(k->h); d++) {
		struct side *s = &k->side[d];
		struct xl_var *f = xl_egsc_encode(k->t, k->nets, &k->nets->f[d], s->x);
		s->m = xl_egsc_mask(k->t, k->h, f);
		s->s = xl_egsc_statistics(k->t, f);
		xl_drop(k->t, f);
		if (!s->m || !s->s)
			return -1;
	}
	return 0;
}

/* The contents of a batch of A and one of B, masked, without statistics of their own:
 * (2n,C,h,w). from: the domains whose encoders read them; mu of both, or z if kl-on-z. */
static struct xl_var *contents(struct step *k, struct xl_var *const x[DOMAINS],
			       const int from[DOMAINS], struct xl_var **mu)
{
	const struct xl_egsc_nets *s = k->nets;
	struct xl_var *e[DOMAINS];

	for (int d = 0; d < DOMAINS; d++)
		e[d] = xl_egsc_encode(k->t, s, &s->e[from[d]], x[d]);
	struct xl_var *c = xl_op_concat(k->t, e[A], e[B], 0);
	xl_drop(k->t, e[A]);
	xl_drop(k->t, e[B]);
	*mu = c = k->h->shared ? xl_egsc_block(k->t, s->shared.net, &s->shared.e, c) : c;
	c = with_noise(k, c);
	if (k->h->kl_on_z)
		*mu = c;
	if (k->h->shared)
		c = xl_egsc_block(k->t, s->shared.net, &s->shared.g, c);
	if (k->h->mask)
		c = xl_op_mul(k->t, c, xl_op_concat(k->t, k->side[A].m, k->side[B].m, 0));
	return xl_egsc_normalise(k->t, k->h, c);
}

/* Contents drawn in domain d, each with the statistics s. */
static struct xl_var *draw(struct step *k, int d, struct xl_var *c, struct xl_var *s)
{
	return xl_egsc_generate(k->t, k->nets, &k->nets->g[d], xl_egsc_restyle(k->t, k->h, c, s));
}

static struct xl_var *twice(struct step *k, struct xl_var *s)
{
	return s ? xl_op_concat(k->t, s, s, 0) : NULL;
}

static const int own[DOMAINS] = {A, B}, other[DOMAINS] = {B, A};

/* Of content A in B, content B in A: made[d] is in domain d. */
static int main_judge(struct step *k)
{
	struct xl_var *const x[DOMAINS] = {k->side[A].x, k->side[B].x};
	struct xl_var *made[DOMAINS], *mu;

	if (bind(k, XL_GROUPS) || read_features(k))
		return -1;
	struct xl_var *c = contents(k, x, own, &mu);
	for (int d = 0; d < DOMAINS; d++)
		made[d] = draw(k, d, half(k, c, other[d]), k->side[d].s);
	return judge(k, made, D_GAN, D_TOTAL);
}

/* Style and content of the translations, in the order of their contents. */
static struct xl_var *percept(struct step *k, struct xl_var *total, struct xl_var *const x[DOMAINS],
			      struct xl_var *const made[DOMAINS])
{
	const struct xl_egsc_rates r = xl_egsc_rates(k->h);
	struct xl_var *fake[XL_BACKBONE_TAPS], *content[XL_BACKBONE_TAPS];
	const int n = xl_egsc_taps(k->t, k->m, xl_op_concat(k->t, x[A], x[B], 0), content);

	if (n < 0 || xl_egsc_taps(k->t, k->m, xl_op_concat(k->t, made[B], made[A], 0), fake) < 0)
		return NULL;
	total = add_term(k, G_STYLE, total, r.lambda_s, xl_egsc_style(k->t, n, fake, content));
	return add_term(k, G_CONTENT, total, r.lambda_c, xl_egsc_content(k->t, n, fake, content));
}

static struct xl_var *both_l1(struct step *k, struct xl_var *a, struct xl_var *b)
{
	return sum(k, xl_nn_l1(k->t, a, k->side[A].x), xl_nn_l1(k->t, b, k->side[B].x));
}

static struct xl_var *objective(struct step *k)
{
	const struct xl_egsc *h = k->h;
	struct xl_var *const x[DOMAINS] = {k->side[A].x, k->side[B].x};
	struct xl_var *in[DOMAINS], *self[DOMAINS], *made[DOMAINS], *back[DOMAINS], *mu, *mu2;
	struct xl_var *c = contents(k, x, own, &mu);

	for (int d = 0; d < DOMAINS; d++) {
		in[d] = draw(k, d, c, twice(k, k->side[d].s));
		self[d] = half(k, in[d], d);
		made[d] = half(k, in[d], other[d]);
	}
	struct xl_var *const again[DOMAINS] = {made[B], made[A]};
	struct xl_var *c2 = contents(k, again, other, &mu2);
	for (int d = 0; d < DOMAINS; d++)
		back[d] = draw(k, d, half(k, c2, d), k->side[d].s);

	struct xl_var *total = add_term(k, G_GAN, xl_losses_zero(k->t), h->w_gan, fooled(k, made));
	total = add_term(k, G_VAE, total, h->w_vae, both_l1(k, self[A], self[B]));
	total = add_term(k, G_KL, total, h->w_kl, prior(k, mu));
	total = add_term(k, G_CYC, total, h->w_cyc, both_l1(k, back[A], back[B]));
	total = add_term(k, G_CYC_KL, total, h->w_cyc_kl, prior(k, mu2));
	return xl_egsc_has_percept(h) ? percept(k, total, x, made) : total;
}

static int main_generate(struct step *k)
{
	if (bind(k, XL_GENERATOR) || read_features(k))
		return -1;
	xl_tape_record(k->t, true);
	struct xl_var *total = objective(k);
	report(k, G_TOTAL, total);
	return update(k, XL_GENERATOR, total);
}

/* ---- the run ---- */

static enum stage stage_at(const struct xl_egsc *h, int64_t iter, int64_t *since, int64_t *length)
{
	const struct xl_egsc_stages n = xl_egsc_stages(h);
	const enum stage s = iter < n.pre ? PRE : iter < n.pre + n.percept ? PERCEPT : MAIN;

	*since = iter - (s == PRE ? 0 : s == PERCEPT ? n.pre : n.pre + n.percept);
	*length = s == PRE ? n.pre : s == PERCEPT ? n.percept : n.main;
	return s;
}

/* Whether a stage trains a network; G and D are of the first and the last. */
static bool is_of(const struct xl_egsc_nets *s, const struct xl_net *n, enum stage stage)
{
	bool is_both = false, is_early = false, is_late = n == s->shared.net;

	if (stage == PERCEPT || n == s->v)
		return stage == PERCEPT && n == s->v;
	for (int d = 0; d < DOMAINS; d++) {
		is_early |= n == s->own[d].net || n == s->f[d].net;
		is_late |= n == s->e[d].net;
		is_both |= n == s->g[d].net || n == s->d[d].net;
	}
	return is_both || (stage == PRE ? is_early : is_late);
}

/* Each stage has its networks, and begins with an optimiser that knows nothing. Stage 2
 * takes the generators and discriminators of stage 1 over, with other initial values. */
static void enter(struct step *k, enum stage stage, bool is_first)
{
	struct xl_model *m = k->m;

	for (int i = 0; i < m->n_nets; i++) {
		struct xl_net *n = m->nets[i];
		n->frozen = !is_of(k->nets, n, stage);
		if (!is_first || k->iter == 0 || k->t->dry)
			continue;
		memset(n->m, 0, n->count * sizeof *n->m);
		memset(n->v, 0, n->count * sizeof *n->v);
	}
	if (!is_first || k->iter == 0 || k->t->dry)
		return;
	memset(m->adam_t, 0, sizeof m->adam_t);
	if (stage == MAIN)
		xl_egsc_restart(m);
}

static double rate_at(const struct xl_egsc *h, enum stage stage, int64_t since, int64_t length)
{
	const double first = stage == PRE && h->pre_lr >= 0 ? h->pre_lr : xl_egsc_rates(h).lr;

	if (stage == PERCEPT)
		return h->percept_lr;
	return first * pow(fmax(1 - (double)since / (double)length, 0), 0.9);
}

static int updates(struct step *k, int n, int (*first)(struct step *k), int (*each)(struct step *k))
{
	take(k, 0);
	if (first(k))
		return -1;
	take_over(k, 1);
	for (int u = 1; u <= n; u++) {
		take(k, u);
		if (each(k))
			return -1;
		take_over(k, 1.0 / n);
	}
	return 0;
}

int xl_egsc_step(struct xl_model *m, struct xl_tape *t, const struct xl_batch *b, int64_t iter,
		 struct xl_losses *out)
{
	const struct xl_egsc *h = m->hyper;
	struct step k = {.m = m,
			 .h = h,
			 .nets = m->state,
			 .t = t,
			 .b = b,
			 .out = out,
			 .iter = iter,
			 .n = b->n / xl_model_parts(m)};
	int64_t since, length;
	const enum stage stage = stage_at(h, iter, &since, &length);

	memset(out, 0, sizeof *out);
	k.lr = rate_at(h, stage, since, length);
	xl_losses_note(out, LR, k.lr);
	enter(&k, stage, since == 0);
	if (stage == PERCEPT)
		return classify(&k);
	if (stage == PRE)
		return updates(&k, (int)h->pre_g_updates, pre_judge, pre_generate);
	return updates(&k, (int)h->g_updates, main_judge, main_generate);
}
