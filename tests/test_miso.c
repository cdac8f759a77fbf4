/*
 * test_miso.c - MISO against its specification: parameter counts, reference vectors of
 * its losses, which network learns from which loss, and the properties of its stages.
 * Full steps against PyTorch are in test_golden_miso.c, what holds for every method in
 * test_methods.c.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "methods/miso_net.h"
#include "methods/model.h"

enum { NZ = 8 };

static void ok(int rc)
{
	if (rc)
		fail_msg("%s", xl_err_msg());
}

static struct xl_model *build(const char *const *set, bool trained)
{
	struct xl_model *m = xl_model_new(xl_method_find("miso"));

	assert_non_null(m);
	ok(xl_model_preset(m, "tiny"));
	for (; *set; set += 2)
		ok(xl_model_set(m, set[0], set[1]));
	ok(xl_model_build(m, 3, trained));
	snprintf(m->digest, sizeof m->digest, "%064d", 3);
	return m;
}

#define BUILD(...) build((const char *const[]){__VA_ARGS__, NULL}, true)

/* ---- networks ---- */

static void check_count(const char *preset, const char *width, const char *cond, size_t e,
			size_t encoder, size_t generator, size_t discriminator)
{
	struct xl_model *m = xl_model_new(xl_method_find("miso"));
	const struct xl_miso_nets *s = m->state;

	ok(xl_model_preset(m, preset));
	ok(xl_model_set(m, "width", width));
	ok(xl_model_set(m, "cond", cond));
	ok(m->method->check(m->hyper, 0));
	assert_int_equal(m->method->build(m), 0); /* declares, allocates nothing */
	for (int d = 0; d < 2; d++) {
		assert_int_equal(xl_net_count(s->style[d].net), e);
		assert_int_equal(xl_net_count(s->to[d].e), encoder);
		assert_int_equal(xl_net_count(s->to[d].g), generator);
		assert_int_equal(xl_net_count(s->d_net[d]), discriminator);
	}
	assert_int_equal(xl_model_params(m, XL_GENERATOR), 2 * (e + encoder + generator));
	assert_int_equal(xl_model_params(m, XL_CRITIC), 2 * discriminator);
	xl_model_free(m);
}

static void test_counts(void **state)
{
	(void)state;
	check_count("paper", "64", "concat", 1344080, 4335232, 3919107, 8271171);
	check_count("paper", "64", "adain", 1344080, 5063296, 3919107, 8271171);
	check_count("paper", "64", "input", 1344080, 4230784, 3919107, 8271171);
	check_count("paper", "32", "concat", 338224, 1119040, 982659, 2071203);
	check_count("small", "32", "concat", 338224, 1119040, 982659, 2071203);
	check_count("small", "16", "concat", 85664, 297376, 247107, 519507);
	check_count("tiny", "8", "concat", 21976, 83152, 62499, 87154);
}

static void check_refused(const char *name, const char *value, const char *message)
{
	struct xl_model *m = xl_model_new(xl_method_find("miso"));

	ok(xl_model_preset(m, "tiny"));
	ok(xl_model_set(m, name, value));
	assert_int_equal(m->method->check(m->hyper, 0), -1);
	assert_string_equal(xl_err_msg(), message);
	xl_model_free(m);
}

static void test_combinations(void **state)
{
	(void)state;
	check_refused("size", "40", "size 40 is not a multiple of 16");
	check_refused("batch", "3", "batch 3 is odd: its halves are for the two phases");
	check_refused("scales", "3", "3 scales do not fit images of 32 pixels: 2 at most");
	check_refused("logvar-min", "5", "logvar-min 5 is not below logvar-max 4");
}

/* Weights begin as specified: Kaiming, but the heads and discriminators at 0.02. */
static void test_initial_values(void **state)
{
	struct xl_model *m = BUILD("width", "32");

	(void)state;
	for (int i = 0; i < m->n_nets; i++)
		for (int k = 0; k < m->nets[i]->n_params; k++) {
			const struct xl_net *n = m->nets[i];
			const struct xl_param *p = &n->params[k];
			const bool is_head =
				strncmp(p->name, "mu.", 3) == 0 || strncmp(p->name, "l.", 2) == 0;
			const double want = n->group == XL_CRITIC || is_head
						    ? 0.02
						    : sqrt(2.0 / fmax(p->fan_in, 1));
			const int64_t count = xl_dims_count(&p->d);
			double square = 0;
			for (int64_t e = 0; e < count; e++)
				square += pow((double)n->value[p->at + (size_t)e], 2);
			const double std = sqrt(square / (double)count);
			if (p->fan_in && fabs(std / want - 1) > 4 / sqrt(2.0 * (double)count))
				fail_msg("%s/%s: std %g, not %g", n->id, p->name, std, want);
			if (!p->fan_in)
				assert_true(std == (strstr(p->name, "scale") ? 1 : 0));
		}
	xl_model_free(m);
}

static void fill_image(float *x, int n, int side, double phase)
{
	for (int i = 0; i < n * 3 * side * side; i++)
		x[i] = (float)sin(0.21 * (i % side) + 0.15 * (i / side % side) +
				  0.9 * (i / (side * side)) + phase);
}

static struct xl_var *style_vector(struct xl_tape *t, double phase)
{
	float z[NZ];

	for (int i = 0; i < NZ; i++)
		z[i] = (float)sin(1.3 * i + phase);
	return xl_var_input(t, 1, NZ, 1, 1, z);
}

/* Another style makes another picture, wherever styles enter; values are pictures'. */
static void test_styles_matter(void **state)
{
	static const char *const cond[] = {"concat", "adain", "input"};
	static float x[3 * 32 * 32], y[2][3 * 32 * 32];
	struct xl_tape *t = xl_tape_new();

	(void)state;
	fill_image(x, 1, 32, 0);
	for (int i = 0; i < 3; i++) {
		struct xl_model *m = BUILD("cond", cond[i]);
		const struct xl_miso_nets *s = m->state;
		double change = 0;
		for (int k = 0; k < 2; k++) {
			xl_tape_reset(t);
			ok(xl_model_bind(m, t, XL_GENERATOR, false));
			struct xl_var *v = xl_miso_translate(t, m->hyper, &s->to[XL_MISO_B],
							     xl_var_input(t, 1, 3, 32, 32, x),
							     style_vector(t, 2 * k));
			assert_non_null(v);
			assert_int_equal(v->d.h, 32);
			assert_int_equal(v->d.c, 3);
			xl_var_read(t, v, y[k]);
		}
		for (int k = 0; k < 3 * 32 * 32; k++) {
			assert_true(y[0][k] > -1 && y[0][k] < 1);
			change += fabs((double)y[0][k] - (double)y[1][k]) / (3 * 32 * 32);
		}
		if (!(change > 1e-3))
			fail_msg("%s: styles change a picture by %g", cond[i], change);
		xl_model_free(m);
	}
	xl_tape_free(t);
}

/* A sample of a batch has the bits it has alone, in every network. */
static void test_alone_or_in_a_batch(void **state)
{
	enum { PIXELS = 3 * 32 * 32 };
	static float x[2 * PIXELS], batch[2 * PIXELS], alone[PIXELS];
	float z[2 * NZ], mu[2 * NZ], one[NZ], logits[2 * 4], logit[4];
	struct xl_tape *t = xl_tape_new();
	struct xl_model *m = BUILD("cond", "concat");
	const struct xl_miso_nets *s = m->state;
	struct xl_miso_posterior q;
	struct xl_var *out[XL_PATCHES_SCALES];

	(void)state;
	fill_image(x, 2, 32, 0);
	for (int i = 0; i < 2 * NZ; i++)
		z[i] = (float)cos(2.1 * i);
	for (int i = -1; i < 2; i++) { /* both, then each */
		const int n = i < 0 ? 2 : 1, at = i < 0 ? 0 : i;
		xl_tape_reset(t);
		ok(xl_model_bind(m, t, XL_GENERATOR, false));
		ok(xl_model_bind(m, t, XL_CRITIC, false));
		struct xl_var *v = xl_var_input(t, n, 3, 32, 32, x + at * PIXELS);
		ok(xl_miso_style(t, m->hyper, &s->style[0], v, &q));
		xl_var_read(t, q.mu, n == 2 ? mu : one);
		ok(xl_patches(t, s->d_net[0], &s->d[0], v, out));
		xl_var_read(t, out[0], n == 2 ? logits : logit);
		v = xl_miso_translate(t, m->hyper, &s->to[0], v,
				      xl_var_input(t, n, NZ, 1, 1, z + at * NZ));
		assert_non_null(v);
		xl_var_read(t, v, n == 2 ? batch : alone);
		if (n == 2)
			continue;
		assert_memory_equal(one, mu + at * NZ, sizeof one);
		assert_memory_equal(logit, logits + at * 4, sizeof logit);
		assert_memory_equal(alone, batch + at * PIXELS, sizeof alone);
	}
	xl_tape_free(t);
	xl_model_free(m);
}

/* ---- losses ---- */

/* A style, its distribution, and their gradients, as leaves of a recording tape. */
struct latent {
	struct xl_tape *t;
	struct xl_var *z;
	struct xl_miso_posterior q;
	float gz[2 * NZ], gmu[2 * NZ], gl[2 * NZ];
};

static void latent_open(struct latent *k, int n, const float *z, const float *mu, const float *l)
{
	const struct xl_dims d = xl_dims_map(n, NZ, 1, 1);

	memset(k, 0, sizeof *k);
	k->t = xl_tape_new();
	assert_non_null(k->t);
	xl_tape_record(k->t, true);
	k->z = xl_var_leaf(k->t, d, z, k->gz);
	k->q.mu = xl_var_leaf(k->t, d, mu, k->gmu);
	k->q.logvar = xl_var_leaf(k->t, d, l, k->gl);
}

static double milo_of(const float *z, const float *mu, const float *l)
{
	struct latent k;

	latent_open(&k, 1, z, mu, l);
	const double v = xl_var_scalar(k.t, xl_miso_milo(k.t, k.z, &k.q));
	xl_tape_free(k.t);
	return v;
}

static double kl_of(const float *mu, const float *l)
{
	struct latent k;

	latent_open(&k, 1, mu, mu, l);
	const double v = xl_var_scalar(k.t, xl_miso_kl(k.t, &k.q));
	xl_tape_free(k.t);
	return v;
}

static void test_milo(void **state)
{
	float z[NZ], mu[NZ], zero[NZ] = {0}, low[NZ], r[NZ], l[NZ];

	(void)state;
	for (int i = 0; i < NZ; i++) {
		z[i] = (float)sin(i);
		mu[i] = z[i] + (i % 2 ? 1 : -1);
		low[i] = -8;
		r[i] = 0.1f;
		l[i] = (float)log(0.01);
	}
	assert_float_equal(milo_of(z, z, zero), 7.351508, 1e-6);
	assert_float_equal(milo_of(z, mu, zero), 11.351508, 1e-6);
	assert_float_equal(milo_of(z, z, low), -24.648492, 2e-6);
	/* the least for residuals of 0.1 is at l = ln r^2, and negative */
	const double least = milo_of(r, zero, l);
	assert_float_equal(least / NZ, -0.884, 5e-4);
	for (int i = 0; i < NZ; i++)
		l[i] += i % 2 ? 0.1f : -0.1f;
	assert_true(milo_of(r, zero, l) > least);
	assert_float_equal(kl_of(zero, zero), 0, 0);
	assert_true(kl_of(r, zero) > 0 && kl_of(zero, l) > 0);
}

static const float worked_z[NZ] = {.3f, -1.2f, 0, 2, -.5f, .7f, 1.1f, -.9f};
static const float worked_mu[NZ] = {.1f, -1, .2f, 1.5f, -.5f, .4f, 1.3f, -.6f};
static const float worked_l[NZ] = {-1, -.5f, 0, .5f, -2, -1.5f, .25f, -.25f};

static void test_worked_case(void **state)
{
	const double dmu[NZ] = {-.543656, .329744, .2, -.303265, 0, -1.344507, .155760, .385208};
	const double dl[NZ] = {.445634, .467026, .48, .424184, .5, .298324, .484424, .442219};
	struct latent k;

	(void)state;
	assert_float_equal(milo_of(worked_z, worked_mu, worked_l), 5.559698, 1e-6);
	assert_float_equal(kl_of(worked_mu, worked_l), 4.152212, 1e-6);
	latent_open(&k, 1, worked_z, worked_mu, worked_l);
	assert_float_equal(xl_var_scalar(k.t, xl_nn_l1(k.t, k.z, k.q.mu)), 0.2375, 1e-7);
	xl_tape_free(k.t);
	latent_open(&k, 1, worked_z, worked_mu, worked_l);
	ok(xl_backward(k.t, xl_miso_milo(k.t, k.z, &k.q), 0));
	for (int i = 0; i < NZ; i++) {
		assert_float_equal(k.gmu[i], dmu[i], 1e-6);
		assert_float_equal(k.gl[i], dl[i], 1e-6);
		assert_float_equal(k.gz[i], -dmu[i], 1e-6); /* d/dz = - d/dmu */
	}
	xl_tape_free(k.t);
	latent_open(&k, 1, worked_z, worked_mu, worked_l);
	ok(xl_backward(k.t, xl_miso_kl(k.t, &k.q), 0));
	for (int i = 0; i < NZ; i++) {
		assert_float_equal(k.gmu[i], worked_mu[i], 1e-6);
		assert_float_equal(k.gl[i], (exp((double)worked_l[i]) - 1) / 2, 1e-6);
	}
	xl_tape_free(k.t);
}

/* Sums over the style, means over the batch: two samples give the mean of each. */
static void test_batch_of_losses(void **state)
{
	float z[2 * NZ], mu[2 * NZ], l[2 * NZ];
	struct latent k;

	(void)state;
	for (int i = 0; i < 2 * NZ; i++) {
		z[i] = (float)sin(3.1 * i);
		mu[i] = (float)cos(1.7 * i);
		l[i] = (float)sin(0.6 * i);
	}
	latent_open(&k, 2, z, mu, l);
	assert_float_equal(xl_var_scalar(k.t, xl_miso_milo(k.t, k.z, &k.q)),
			   (milo_of(z, mu, l) + milo_of(z + NZ, mu + NZ, l + NZ)) / 2, 1e-5);
	assert_float_equal(xl_var_scalar(k.t, xl_miso_kl(k.t, &k.q)),
			   (kl_of(mu, l) + kl_of(mu + NZ, l + NZ)) / 2, 1e-5);
	xl_tape_free(k.t);
}

/* z = mu + exp(l/2) eps: dz/dmu = 1, dz/dl = exp(l/2) eps / 2 */
static void test_sampling(void **state)
{
	struct latent k;
	float z[NZ];

	(void)state;
	latent_open(&k, 1, worked_z, worked_mu, worked_l);
	struct xl_var *v = xl_miso_sample(k.t, &k.q, k.z);
	assert_non_null(v);
	xl_var_read(k.t, v, z);
	ok(xl_backward(k.t, xl_op_sum(k.t, v), 0));
	for (int i = 0; i < NZ; i++) {
		const double e = exp((double)worked_l[i] / 2) * (double)worked_z[i];
		assert_float_equal(z[i], (double)worked_mu[i] + e, 1e-6);
		assert_float_equal(k.gmu[i], 1, 0);
		assert_float_equal(k.gl[i], e / 2, 1e-6);
	}
	xl_tape_free(k.t);
}

/* Adversarial losses of two logits, and of logits far out. */
static void test_adversarial(void **state)
{
	const float s[2] = {0.7f, -1.3f}, far[2] = {1e4f, -1e4f};
	const double real = (log1p(exp(-0.7)) + log1p(exp(1.3))) / 2;
	const double fake = (log1p(exp(0.7)) + log1p(exp(-1.3))) / 2;
	const struct {
		const char *gan;
		double real, fake, fool;
	} want[] = {{"ns", real, fake, real},
		    {"minimax", real, fake, -fake},
		    {"ls", (0.09 + 5.29) / 2, (0.49 + 1.69) / 2, (0.09 + 5.29) / 2}};
	struct xl_tape *t = xl_tape_new();

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct xl_var *v = xl_var_input(t, 2, 1, 1, 1, s);
		const char *gan = want[i].gan;
		assert_float_equal(xl_var_scalar(t, xl_miso_judge(t, gan, v, true)), want[i].real,
				   1e-6);
		assert_float_equal(xl_var_scalar(t, xl_miso_judge(t, gan, v, false)), want[i].fake,
				   1e-6);
		assert_float_equal(xl_var_scalar(t, xl_miso_fool(t, gan, v)), want[i].fool, 1e-6);
		v = xl_var_input(t, 2, 1, 1, 1, far);
		assert_true(isfinite(xl_var_scalar(t, xl_miso_judge(t, gan, v, true))));
		assert_true(isfinite(xl_var_scalar(t, xl_miso_fool(t, gan, v))));
	}
	xl_tape_free(t);
}

/* The variance that a generator that ignores styles leaves: with every gradient it
 * runs to the floor, unless information weighs less than divergence; without that to
 * styles it stays at 1. One log-variance for real and translated pictures, draws of 1
 * and -1, gradient descent. */
static double settled(const char *milo_z, double w_info, double w_kl)
{
	const struct xl_dims d = xl_dims_map(2, 1, 1, 1), one = xl_dims_map(1, 1, 1, 1);
	const float eps[2] = {1, -1};
	const bool full = xl_miso_is(milo_z, "full");
	struct xl_tape *t = xl_tape_new();
	float l = -0.5f, g;

	for (int i = 0; i < 3000; i++) {
		xl_tape_reset(t);
		xl_tape_record(t, true);
		g = 0;
		struct xl_var *raw = xl_var_leaf(t, one, &l, &g);
		struct xl_miso_posterior q = {xl_var_const(t, d, 0),
					      xl_op_expand(t, xl_op_clamp(t, raw, -8, 4), d)};
		struct xl_var *z = xl_miso_sample(t, &q, xl_var_input(t, 2, 1, 1, 1, eps));
		struct xl_var *loss = xl_op_add(
			t,
			xl_op_affine(t, xl_miso_milo(t, full ? z : xl_op_detach(t, z), &q), w_info,
				     0),
			xl_op_affine(t, xl_miso_kl(t, &q), w_kl, 0));
		ok(xl_backward(t, loss, 0));
		l -= 4 * g;
	}
	xl_tape_free(t);
	return (double)l;
}

static void test_variance(void **state)
{
	(void)state;
	assert_float_equal(settled("full", 0.1, 0.01), -8, 0.25);
	assert_float_equal(settled("leaf", 0.1, 0.01), 0, 0.02);
	assert_float_equal(settled("full", 0.005, 0.01), log(0.5), 0.01);
}

/* ---- one step ---- */

/* Images of a batch of 2: halves are for the phases. */
struct images {
	float x[2][2 * 3 * 64 * 64];
	int side;
};

static void set_images(struct images *k, int side)
{
	k->side = side;
	for (int d = 0; d < 2; d++)
		fill_image(k->x[d], 2, side, 2.5 * d);
}

static void change_image(struct images *k, int domain, int phase)
{
	fill_image(k->x[domain] + phase * 3 * k->side * k->side, 1, k->side, 9);
}

/* Discriminators with logits that count. */
static struct xl_model *decided(void)
{
	struct xl_model *m = BUILD("width", "4");

	for (int i = 0; i < m->n_nets; i++)
		for (size_t e = 0; m->nets[i]->group == XL_CRITIC && e < m->nets[i]->count; e++)
			m->nets[i]->value[e] *= 10;
	return m;
}

static void step(struct xl_model *m, const struct images *k, int64_t iter, struct xl_losses *out)
{
	const struct xl_batch b = {.n = 2, .x = {k->x[0], k->x[1]}};
	struct xl_tape *t = xl_tape_new();

	assert_non_null(t);
	ok(m->method->step(m, t, &b, iter, out));
	xl_tape_free(t);
}

static int loss_at(const char *name)
{
	for (int i = 0; xl_miso_losses[i]; i++)
		if (strcmp(xl_miso_losses[i], name) == 0)
			return i;
	fail_msg("no loss %s", name);
	return 0;
}

static double loss_of(const struct xl_losses *l, const char *name)
{
	assert_true(l->given[loss_at(name)]);
	return l->value[loss_at(name)];
}

/* Discriminators that say 0 everywhere: 12 ln 2 for each domain, of three scales. */
static void test_undecided(void **state)
{
	struct xl_model *m = BUILD("size", "64", "width", "2", "scales", "3");
	const struct xl_miso_nets *s = m->state;
	static struct images k;
	struct xl_losses l;

	(void)state;
	set_images(&k, 64);
	for (int d = 0; d < 2; d++)
		memset(s->d_net[d]->value, 0, s->d_net[d]->count * sizeof(float));
	step(m, &k, 0, &l);
	assert_float_equal(loss_of(&l, "D.total"), 2 * 8.317766, 1e-5);
	assert_float_equal(loss_of(&l, "G.adv_enc"), 4.158883, 1e-5);
	assert_float_equal(loss_of(&l, "G.adv_rand"), 4.158883, 1e-5);
	assert_float_equal(loss_of(&l, "D.hit_real"), 0, 0); /* 0 is no decision */
	xl_model_free(m);
}

static double norm_of(const struct xl_net *n, const char *part)
{
	double q = 0;

	for (int i = 0; i < n->n_params; i++) {
		const struct xl_param *p = &n->params[i];
		if (strncmp(p->name, part, strlen(part)) != 0)
			continue;
		for (int64_t e = 0; e < xl_dims_count(&p->d); e++)
			q += fabs((double)n->grad[p->at + (size_t)e]);
	}
	return q;
}

/* Which networks learn from one loss alone: encoders of style, translators,
 * discriminators; and the two heads of the encoders. */
static void check_flow(const char *weight, const char *name, const char *value, bool style,
		       bool translators, bool head)
{
	static const char *const weights[] = {"w-adv", "w-info", "w-cyc", "w-kl", "w-lat", "w-sr"};
	struct xl_model *m = xl_model_new(xl_method_find("miso"));
	const struct xl_miso_nets *s = m->state;
	static struct images k;
	struct xl_losses l;

	ok(xl_model_preset(m, "tiny"));
	for (int i = 0; i < 6; i++)
		ok(xl_model_set(m, weights[i], strcmp(weights[i], weight) == 0 ? "1" : "0"));
	ok(xl_model_set(m, name, value));
	ok(xl_model_set(m, "decay", "0"));
	ok(xl_model_build(m, 3, true));
	float *before = malloc(s->d_net[0]->count * sizeof *before);
	assert_non_null(before);
	memcpy(before, s->d_net[0]->value, s->d_net[0]->count * sizeof *before);
	set_images(&k, 32);
	step(m, &k, 0, &l);
	for (int d = 0; d < 2; d++) {
		const bool got[4] = {norm_of(s->style[d].net, "") > 0, norm_of(s->to[d].e, "") > 0,
				     norm_of(s->to[d].g, "") > 0,
				     norm_of(s->style[d].net, "l.") > 0};
		if (got[0] != style || got[1] != translators || got[2] != translators ||
		    got[3] != head)
			fail_msg("%s, %s=%s: E %d, T %d %d, heads of variance %d", weight, name,
				 value, got[0], got[1], got[2], got[3]);
	}
	const bool same =
		memcmp(before, s->d_net[0]->value, s->d_net[0]->count * sizeof *before) == 0;
	assert_int_equal(same, strcmp(weight, "w-adv") != 0);
	free(before);
	xl_model_free(m);
}

static void test_gradient_flow(void **state)
{
	(void)state;
	check_flow("w-adv", "milo-z", "leaf", false, true, false);
	check_flow("w-adv", "milo-z", "target", true, true, true);
	check_flow("w-info", "milo-z", "leaf", true, true, true);
	check_flow("w-cyc", "milo-z", "leaf", true, true, true);
	check_flow("w-kl", "milo-z", "leaf", true, false, true);
	check_flow("w-lat", "milo-z", "leaf", true, true, false);
	check_flow("w-lat", "lat-freezes-e", "true", false, true, false);
	check_flow("w-sr", "ifi", "sr", true, true, true);
}

/* A phase has images of its own, for the discriminators as well. */
static void test_phases(void **state)
{
	static const char *const of_first[] = {"D.adv_enc", "G.adv_enc", "G.info", "G.cyc", "G.kl"};
	static const char *const of_second[] = {"D.adv_rand", "G.adv_rand", "G.lat"};
	static struct images k;
	struct xl_losses was, now;

	(void)state;
	for (int phase = 0; phase < 2; phase++)
		for (int d = 0; d < 2; d++) {
			struct xl_model *m = decided(), *n = decided();
			set_images(&k, 32);
			step(m, &k, 0, &was);
			change_image(&k, d, phase);
			step(n, &k, 0, &now);
			for (int i = 0; i < 5; i++)
				assert_int_equal(loss_of(&was, of_first[i]) ==
							 loss_of(&now, of_first[i]),
						 phase == 1);
			for (int i = 0; i < 3; i++)
				assert_int_equal(loss_of(&was, of_second[i]) ==
							 loss_of(&now, of_second[i]),
						 phase == 0);
			xl_model_free(m);
			xl_model_free(n);
		}
}

/* Log-variances far beyond their limits: losses and gradients stay finite. */
static void test_limits(void **state)
{
	const float far[] = {100, -100};
	static struct images k;
	struct xl_losses l;

	(void)state;
	set_images(&k, 32);
	for (int i = 0; i < 2; i++) {
		struct xl_model *m = BUILD("width", "4");
		const struct xl_miso_nets *s = m->state;
		for (int d = 0; d < 2; d++) {
			const struct xl_param *p =
				s->style[d].net->params + s->style[d].logvar.first;
			for (int c = 0; c < NZ; c++)
				s->style[d].net->value[p[1].at + (size_t)c] = far[i];
		}
		step(m, &k, 0, &l);
		assert_float_equal(loss_of(&l, "sigma.real"), exp(i ? -4 : 2), 1e-5);
		for (int j = 0; xl_miso_losses[j]; j++)
			assert_true(!l.given[j] || isfinite(l.value[j]));
		for (int j = 0; j < m->n_nets; j++)
			assert_true(isfinite(norm_of(m->nets[j], "")));
		/* information wants the spread wider where it is at the floor, and
		 * narrower at the ceiling: the gradient leads back */
		const struct xl_net *e = s->style[0].net;
		const struct xl_param *p = e->params + s->style[0].logvar.first;
		for (int c = 0; c < NZ; c++) {
			const float g = e->grad[p[1].at + (size_t)c];
			assert_true(i ? g <= 0 : g >= 0);
		}
		assert_true(norm_of(e, "l.bias") > 0);
		xl_model_free(m);
	}
}

/* Draws of an iteration are its own; a given one takes their place. */
static void test_draws(void **state)
{
	static struct images k;
	struct xl_losses a, b, c;

	(void)state;
	set_images(&k, 32);
	struct xl_model *m[3] = {BUILD("width", "4"), BUILD("width", "4"), BUILD("width", "4")};
	step(m[0], &k, 7, &a);
	step(m[1], &k, 7, &b);
	step(m[2], &k, 8, &c);
	assert_true(loss_of(&a, "G.lat") == loss_of(&b, "G.lat"));
	assert_true(loss_of(&a, "G.lat") != loss_of(&c, "G.lat"));
	assert_true(loss_of(&a, "G.info") != loss_of(&c, "G.info"));
	assert_true(loss_of(&a, "G.kl") == loss_of(&c, "G.kl")); /* takes no draw */
	for (int i = 0; i < 3; i++)
		xl_model_free(m[i]);
}

static double rate_at(const char *start, int64_t iter)
{
	struct xl_model *m = BUILD("width", "1", "iters", "1000", "decay-start", start);
	static struct images k;
	const struct xl_batch b = {.n = 2, .x = {k.x[0], k.x[1]}};
	struct xl_tape *t = xl_tape_new();
	struct xl_losses l;

	t->dry = true;
	ok(m->method->step(m, t, &b, iter, &l));
	xl_tape_free(t);
	xl_model_free(m);
	return loss_of(&l, "lr");
}

/* Constant for the first half, then on a line to 0. */
static void test_rate(void **state)
{
	(void)state;
	assert_float_equal(rate_at("-1", 0), 1e-4, 0);
	assert_float_equal(rate_at("-1", 500), 1e-4, 0);
	assert_float_equal(rate_at("-1", 750), 5e-5, 1e-12);
	assert_float_equal(rate_at("-1", 999), 2e-7, 1e-12);
	assert_float_equal(rate_at("900", 899), 1e-4, 0);
	assert_float_equal(rate_at("900", 950), 5e-5, 1e-12);
	assert_float_equal(rate_at("2000", 999), 1e-4, 0);
}

/* One pair, by the L1 distance alone: the translation is learned by heart. */
static void test_overfit(void **state)
{
	struct xl_adam adam = {.lr = 3e-3, .beta1 = 0.5, .beta2 = 0.999, .eps = 1e-8};
	static float a[3 * 32 * 32], b[3 * 32 * 32];
	struct xl_model *m = BUILD("width", "8");
	const struct xl_miso_nets *s = m->state;
	struct xl_tape *t = xl_tape_new();
	double error = 1;

	(void)state;
	fill_image(a, 1, 32, 0);
	fill_image(b, 1, 32, 4);
	for (int i = 0; i < 600 && error >= 0.02; i++) {
		xl_tape_reset(t);
		xl_model_zero(m, XL_GENERATOR);
		ok(xl_model_bind(m, t, XL_GENERATOR, true));
		xl_tape_record(t, true);
		struct xl_var *y =
			xl_miso_translate(t, m->hyper, &s->to[XL_MISO_B],
					  xl_var_input(t, 1, 3, 32, 32, a), style_vector(t, 1));
		struct xl_var *loss = xl_nn_l1(t, y, xl_var_input(t, 1, 3, 32, 32, b));
		assert_non_null(loss);
		error = xl_var_scalar(t, loss);
		adam.lr = i < 200 ? 3e-3 : 3e-4;
		ok(xl_backward(t, loss, 0));
		xl_model_adam(m, t->k, XL_GENERATOR, &adam);
	}
	if (!(error < 0.02))
		fail_msg("the error stays at %g", error);
	xl_tape_free(t);
	xl_model_free(m);
}

/* ---- stages ---- */

static struct xl_record *picture(const char *id, const char *domain, double phase)
{
	const int64_t shape[3] = {3, 32, 32};
	struct xl_record *r = xl_record_new(XL_IMAGE, id);
	struct xl_tensor *x = xl_tensor_new(XL_U1, 3, shape);

	assert_true(r && x);
	for (int i = 0; i < 3 * 32 * 32; i++)
		((uint8_t *)x->data)[i] =
			(uint8_t)(127.5 + 120 * sin(phase + 0.13 * (i % 32) + 0.17 * (i / 32)));
	ok(xl_record_put(r, "x", x));
	ok(xl_meta_set_str(r, "domain", domain));
	return r;
}

static bool same(const struct xl_record *a, const struct xl_record *b, const char *name)
{
	const struct xl_tensor *p = xl_record_tensor(a, name), *q = xl_record_tensor(b, name);

	assert_true(p && q && xl_tensor_bytes(p) == xl_tensor_bytes(q));
	return memcmp(p->data, q->data, xl_tensor_bytes(p)) == 0;
}

/* The style of an image is that of its domain's encoder: mean and log-variance. */
static void test_encode(void **state)
{
	const int64_t shape[1] = {NZ};
	struct xl_tape *t = xl_tape_new();
	struct xl_model *m = BUILD("width", "4");
	struct xl_record *a = picture("a", "A", 1), *b = picture("b", "B", 1);

	(void)state;
	ok(xl_stage_encode(m, t, a));
	ok(xl_stage_encode(m, t, b));
	assert_true(xl_tensor_is(xl_record_tensor(a, "mu"), 1, shape));
	assert_true(xl_tensor_is(xl_record_tensor(a, "logvar"), 1, shape));
	assert_int_equal(a->n_tensors, 3);
	assert_false(same(a, b, "mu"));
	xl_record_free(a);
	xl_record_free(b);
	xl_model_free(m);
	xl_tape_free(t);
}

/* Both directions, each by its own networks; the mean of the exemplar is the style. */
static void test_fuse(void **state)
{
	struct xl_tape *t = xl_tape_new();
	struct xl_model *m = BUILD("width", "4");
	struct xl_record *a = picture("a", "A", 1), *b = picture("b", "B", 2);
	struct xl_record *c = xl_record_copy(a), *again = picture("again", "B", 1);
	struct xl_record *other = picture("other", "A", 2);

	(void)state;
	ok(xl_stage_fuse(m, t, a, b));
	const struct xl_tensor *z = xl_record_tensor(a, "z"), *mu = xl_record_tensor(b, "mu");
	assert_memory_equal(z->data, mu->data, NZ * sizeof(float));
	/* what counts of the exemplar is its mean */
	memset(xl_record_tensor(b, "x")->data, 0, 3 * 32 * 32);
	ok(xl_stage_fuse(m, t, c, b));
	assert_true(same(a, c, "h"));
	ok(xl_stage_fuse(m, t, again, other));
	assert_false(same(a, again, "h"));
	ok(xl_stage_decode(m, t, a));
	ok(xl_stage_decode(m, t, again));
	assert_false(same(a, again, "out"));
	struct xl_record *records[] = {a, b, c, again, other};
	for (int i = 0; i < 5; i++)
		xl_record_free(records[i]);
	xl_model_free(m);
	xl_tape_free(t);
}

/* An exemplar of the input's own domain is none, but for the style it was given. */
static void test_exemplars(void **state)
{
	struct xl_tape *t = xl_tape_new();
	struct xl_model *m = BUILD("width", "4");
	struct xl_record *a = picture("a", "A", 1), *b = picture("b", "B", 2);
	struct xl_record *p = picture("p", "A", 3), *q = picture("q", "A", 3);

	(void)state;
	assert_int_equal(xl_stage_fuse(m, t, p, a), -1);
	assert_string_equal(xl_err_msg(), "p: exemplar a is of domain A as well, not of the other");
	ok(xl_stage_fuse(m, t, a, b));
	ok(xl_stage_fuse(m, t, p, a)); /* the style that a was translated with */
	ok(xl_stage_fuse(m, t, q, b));
	assert_true(same(p, q, "h") && same(p, q, "z"));
	xl_record_free(a);
	xl_record_free(b);
	xl_record_free(p);
	xl_record_free(q);
	xl_model_free(m);
	xl_tape_free(t);
}

static struct xl_record *drawn(struct xl_model *m, struct xl_tape *t, const char *id, int k,
			       int seed)
{
	struct xl_record *r = picture(id, "A", 1), *self;

	ok(xl_meta_set_int(r, "sample", k));
	ok(xl_meta_set_int(r, "seed", seed));
	self = xl_record_copy(r);
	ok(xl_stage_fuse(m, t, r, self));
	xl_record_free(self);
	return r;
}

/* Draws are those of seed, name and number, normal, and their own. */
static void test_sample(void **state)
{
	enum { DRAWS = 400 };
	struct xl_tape *t = xl_tape_new();
	struct xl_model *m = BUILD("width", "1");
	struct xl_record *r[] = {drawn(m, t, "a", 0, 0), drawn(m, t, "a", 0, 0),
				 drawn(m, t, "a", 1, 0), drawn(m, t, "b", 0, 0),
				 drawn(m, t, "a", 0, 1)};
	double sum = 0, square = 0;

	(void)state;
	assert_true(same(r[0], r[1], "z") && same(r[0], r[1], "h"));
	for (int i = 2; i < 5; i++)
		assert_false(same(r[0], r[i], "z"));
	for (int i = 0; i < 5; i++)
		xl_record_free(r[i]);
	for (int i = 0; i < DRAWS; i++) {
		struct xl_record *d = drawn(m, t, "c", i, 5);
		for (int j = 0; j < NZ; j++) {
			const double v = (double)((float *)xl_record_tensor(d, "z")->data)[j];
			sum += v / (DRAWS * NZ);
			square += v * v / (DRAWS * NZ);
		}
		xl_record_free(d);
	}
	assert_float_equal(sum, 0, 0.07); /* four standard errors */
	assert_float_equal(square, 1, 0.1);
	xl_model_free(m);
	xl_tape_free(t);
}

static void test_bad_codes(void **state)
{
	struct xl_tape *t = xl_tape_new();
	struct xl_model *m = BUILD("width", "4");
	struct xl_record *a = picture("a", "A", 1), *b = picture("b", "B", 2);

	(void)state;
	ok(xl_stage_encode(m, t, b));
	((float *)xl_record_tensor(b, "mu")->data)[3] = NAN;
	assert_int_equal(xl_stage_fuse(m, t, a, b), -1);
	assert_string_equal(xl_err_msg(), "a: mu holds nan, codes are finite");
	ok(xl_record_put(b, "mu", xl_tensor_new(XL_F4, 1, (const int64_t[]){5})));
	assert_int_equal(xl_stage_fuse(m, t, a, b), -1);
	assert_string_equal(xl_err_msg(), "a: mu is (5) <f4, not (8) <f4");
	assert_int_equal(xl_stage_mask(m, t, a, NULL), -1);
	assert_string_equal(xl_err_msg(), "a: method miso has no masks");
	xl_record_free(a);
	xl_record_free(b);
	xl_model_free(m);
	xl_tape_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_combinations),
		cmocka_unit_test(test_initial_values),
		cmocka_unit_test(test_styles_matter),
		cmocka_unit_test(test_alone_or_in_a_batch),
		cmocka_unit_test(test_milo),
		cmocka_unit_test(test_worked_case),
		cmocka_unit_test(test_batch_of_losses),
		cmocka_unit_test(test_sampling),
		cmocka_unit_test(test_adversarial),
		cmocka_unit_test(test_variance),
		cmocka_unit_test(test_undecided),
		cmocka_unit_test(test_gradient_flow),
		cmocka_unit_test(test_phases),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_draws),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_overfit),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_fuse),
		cmocka_unit_test(test_exemplars),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_bad_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
