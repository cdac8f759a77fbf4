/*
 * test_egsc.c - EGSC-IT against its specification: parameter counts, shapes, the worked
 * examples of masks and AdaIN, what each stage of training changes, and what the stages
 * on records guarantee. Whole steps against PyTorch are in test_golden_egsc.c, what holds
 * for every method in test_methods.c.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/pool.h"
#include "core/rng.h"
#include "methods/egsc_net.h"
#include "methods/model.h"
#include "nn/backbone_params.h"

enum { A = XL_EGSC_A, B = XL_EGSC_B, SIDE = 20, IMAGE = 3 * SIDE * SIDE, PARTS = 3, BATCH = 1 };

static void ok(int rc)
{
	if (rc)
		fail_msg("%s", xl_err_msg());
}

static struct xl_model *configure(const char *const *set)
{
	struct xl_model *m = xl_model_new(xl_method_find("egsc-it"));

	assert_non_null(m);
	for (; *set; set += 2)
		ok(xl_model_set(m, set[0], set[1]));
	return m;
}

#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Six iterations: two of stage 1, one of SmallVGG, three of stage 2. */
static struct xl_model *build(const char *const *set, bool trained)
{
	struct xl_model *m =
		configure(SET("size", "20", "width", "2", "d-width", "2", "batch", "1", "std",
			      "0.3", "adain", "std", "g-updates", "2", "pre-iters", "2",
			      "percept-iters", "1", "iters", "6", "lr", "1e-3"));

	for (; set && *set; set += 2)
		ok(xl_model_set(m, set[0], set[1]));
	ok(xl_model_build(m, 3, trained));
	snprintf(m->digest, sizeof m->digest, "%064d", 3);
	return m;
}

static const struct xl_net *net(const struct xl_model *m, const char *id)
{
	for (int i = 0; i < m->n_nets; i++)
		if (strcmp(m->nets[i]->id, id) == 0)
			return m->nets[i];
	return NULL;
}

/* ---- networks ---- */

static void check_counts(const char *n1, const int *want)
{
	static const char *const ids[] = {"E_A", "E_B", "F_A", "F_B", "S",  "G_A",
					  "G_B", "R_A", "R_B", "D_A", "D_B"};
	static const int which[] = {0, 0, 0, 0, 1, 2, 2, 1, 1, 3, 3};
	struct xl_model *m = configure(SET("n1", n1));

	ok(m->method->build(m)); /* declares, allocates nothing */
	for (int i = 0; i < 11; i++)
		assert_int_equal(xl_net_count(net(m, ids[i])), want[which[i]]);
	xl_model_free(m);
}

/* Sections 2.6 and 9 of the specification; S and R have two blocks each. */
static void test_counts(void **state)
{
	struct xl_model *m = configure(SET("perceptual", "random"));

	(void)state;
	check_counts("1", (const int[]){231040, 147712, 221763, 2758849});
	check_counts("3", (const int[]){3918976, 2360320, 3909507, 2758849});
	ok(m->method->build(m));
	assert_int_equal(xl_net_count(net(m, "V")), 441104);
	xl_model_free(m);
}

static void check_shape(const struct xl_var *v, int c, int h, int w)
{
	assert_non_null(v);
	if (v->d.c != c || v->d.h != h || v->d.w != w)
		fail_msg("(%d,%d,%d), not (%d,%d,%d)", v->d.c, v->d.h, v->d.w, c, h, w);
}

static void check_shapes(const char *n1, int h, int w, int by, int channels, int dh, int dw)
{
	struct xl_model *m =
		configure(SET("n1", n1, "perceptual", "none", "width", "4", "d-width", "4"));
	struct xl_tape *t = xl_tape_new();

	assert_non_null(t);
	t->dry = true;
	ok(xl_model_build(m, 0, true));
	for (int g = 0; g < XL_GROUPS; g++)
		ok(xl_model_bind(m, t, (enum xl_group)g, false));
	const struct xl_egsc_nets *s = m->state;
	struct xl_var *x = xl_var_input(t, 1, 3, h, w, NULL);
	struct xl_var *c = xl_egsc_encode(t, s, &s->e[A], x);
	check_shape(c, channels, h / by, w / by);
	check_shape(xl_egsc_generate(t, s, &s->g[A], c), 3, h, w);
	check_shape(xl_egsc_judge(t, m->hyper, &s->d[A], x), 1, dh, dw);
	xl_tape_free(t);
	xl_model_free(m);
}

static void test_shapes(void **state)
{
	(void)state;
	check_shapes("1", 28, 28, 1, 4, 2, 2);
	check_shapes("3", 112, 112, 4, 16, 7, 7);
	check_shapes("3", 128, 128, 4, 16, 8, 8);
	check_shapes("3", 256, 512, 4, 16, 16, 32);
}

static void test_unused_networks_are_not_there(void **state)
{
	static const char *const bare[] = {"mask",     "0", "adain",    "none", "shared", "0",
					   "lambda-s", "0", "lambda-c", "0",    NULL};
	struct xl_model *m = build(bare, true);

	(void)state;
	assert_int_equal(m->n_nets, 6); /* CycleGAN's */
	assert_null(net(m, "F_A"));
	assert_null(net(m, "S"));
	xl_model_free(m);
	m = build(SET("mask", "0", "perceptual", "none", "pre-iters", "0"), false);
	assert_non_null(net(m, "F_A")); /* AdaIN needs it */
	assert_null(net(m, "R_A"));
	assert_null(net(m, "V"));
	xl_model_free(m);
}

/* Weights of E stay within two deviations, and are spread as their law says: the
 * variance of a normal number cut at 2 is 0.774; those of D within Glorot's limit. */
static void test_initial_values(void **state)
{
	struct xl_model *m = configure(SET("width", "16", "d-width", "4"));

	(void)state;
	ok(xl_model_build(m, 1, true));
	const struct xl_net *e = net(m, "E_B"), *d = net(m, "D_B");
	const struct xl_param *p = &e->params[2], *q = &d->params[2];
	const double limit = sqrt(6.0 / (16 * 4 + 16 * 8));
	double square = 0, most = 0, widest = 0;
	assert_string_equal(p->name, "R1.1.weight");
	assert_string_equal(q->name, "C2.weight");
	for (int i = 0; i < 9 * 16 * 16; i++) {
		const double v = (double)e->value[p->at + (size_t)i] / 0.02;
		square += v * v / (9 * 16 * 16);
		most = fmax(most, fabs(v));
	}
	for (int i = 0; i < 16 * 4 * 8; i++)
		widest = fmax(widest, fabs((double)d->value[q->at + (size_t)i]));
	assert_true(most <= 2 + 1e-6 && most > 1.9);
	assert_true(fabs(square - 0.774) < 0.06);
	assert_true(widest <= limit * (1 + 1e-6) && widest > 0.97 * limit);
	xl_model_free(m);
}

static void refused(const char *const *set, const char *message)
{
	struct xl_model *m = configure(set);

	assert_int_equal(xl_model_build(m, 0, true), -1);
	assert_string_equal(xl_err_msg(), message);
	xl_model_free(m);
}

static void test_what_does_not_fit(void **state)
{
	(void)state;
	refused(SET("size", "30", "n1", "3"), "size 30 is not a multiple of 4 (n1 3)");
	refused(SET("w-gan", "0", "w-vae", "0", "w-kl", "0", "w-cyc", "0", "w-cyc-kl", "0",
		    "lambda-s", "0", "lambda-c", "0"),
		"every weight is 0: there is nothing to learn");
	refused(SET("w-gan", "0", "w-vae", "0", "w-kl", "0", "w-cyc", "0", "w-cyc-kl", "0",
		    "perceptual", "none"),
		"every weight is 0: there is nothing to learn");
	refused(SET("iters", "61200"), "iters 61200 leaves none for stage 2 (60000 + 1200 before)");
}

/* ---- mask and AdaIN ---- */

static struct xl_var *map(struct xl_tape *t, int n, int c, int h, int w, const float *v)
{
	struct xl_var *x = xl_var_input(t, n, c, h, w, v);

	assert_non_null(x);
	return x;
}

static void is_near(const struct xl_tape *t, const struct xl_var *v, const double *want, double eps)
{
	float got[64];

	assert_non_null(v);
	assert_true(xl_dims_count(&v->d) <= 64);
	xl_var_read(t, v, got);
	for (int i = 0; i < xl_dims_count(&v->d); i++)
		if (!(fabs((double)got[i] - want[i]) <= eps))
			fail_msg("number %d is %g, not %g", i, (double)got[i], want[i]);
}

static const char *const modes[] = {"code", "paper", "std"};

static struct xl_var *adain(struct xl_tape *t, const struct xl_egsc *h, struct xl_var *c,
			    struct xl_var *f)
{
	return xl_egsc_restyle(t, h, xl_egsc_normalise(t, h, c), xl_egsc_statistics(t, f));
}

static void test_worked_examples(void **state)
{
	static const float c[] = {1, 2, 3, 6}, f[] = {0, 1, 1, 2}, g[] = {-2, 0, 2, 9};
	static const double want[3][4] = {{-0.071429, 0.214286, 0.5, 1.357143},
					  {0.714286, 0.857143, 1, 1.428571},
					  {0.244071, 0.622036, 1, 2.133893}};
	const struct xl_egsc h = {.eta = 0.5, .adain = "std"};
	struct xl_tape *t = xl_tape_new();

	(void)state;
	for (int i = 0; i < 3; i++) {
		const struct xl_egsc of = {.adain = modes[i]};
		is_near(t, adain(t, &of, map(t, 1, 1, 2, 2, c), map(t, 1, 1, 2, 2, f)), want[i],
			3e-5); /* the third was worked out without an eps */
	}
	is_near(t, xl_egsc_mask(t, &h, map(t, 1, 1, 1, 4, g)),
		(const double[]){0.559601, 0.75, 0.940399, 0.999938}, 1e-5);
	is_near(t, xl_egsc_statistics(t, map(t, 1, 2, 1, 2, c)),
		(const double[]){1.5, 4.5, 0.25, 2.25}, 1e-6);
	xl_tape_free(t);
}

static void noise(float *v, int n, uint32_t which, double scale)
{
	struct xl_rng r;

	xl_rng_init(&r, 7, XL_RNG_TEST, which, 0);
	for (int i = 0; i < n; i++)
		v[i] = (float)(scale * xl_rng_normal(&r));
}

/* What mean and variance of a channel become, and what scaling the content does. */
static void test_statistics_are_exchanged(void **state)
{
	enum { N = 2, C = 16, P = 30 };
	static float c[N * C * P], twice[N * C * P], f[N * C * P], y[N * C * P], z[N * C * P];
	struct xl_tape *t = xl_tape_new();

	(void)state;
	noise(c, N * C * P, 1, 1.5);
	noise(f, N * C * P, 2, 0.7);
	for (int i = 0; i < N * C * P; i++) {
		f[i] += (float)(i / P % 5) - 2;
		twice[i] = 2 * c[i];
	}
	for (int k = 0; k < 3; k++) {
		const struct xl_egsc h = {.adain = modes[k]};
		struct xl_var *vf = map(t, N, C, 5, 6, f);
		xl_var_read(t, adain(t, &h, map(t, N, C, 5, 6, c), vf), y);
		xl_var_read(t, adain(t, &h, map(t, N, C, 5, 6, twice), vf), z);
		for (int i = 0; i < N * C; i++) {
			double m[3] = {0}, v[3] = {0};
			const float *const of[] = {c, f, y};
			for (int j = 0; j < 3; j++) {
				for (int p = 0; p < P; p++)
					m[j] += (double)of[j][i * P + p] / P;
				for (int p = 0; p < P; p++)
					v[j] += pow((double)of[j][i * P + p] - m[j], 2) / P;
			}
			const double mean = k == 0 ? v[1] : m[1];
			const double var = k == 0   ? m[1] * m[1] / v[0]
					   : k == 1 ? v[1] * v[1] / v[0]
						    : v[1];
			assert_true(fabs(m[2] - mean) < 1e-4 * (1 + fabs(mean)));
			assert_true(fabs(v[2] - var) < 1e-3 * (1e-3 + var));
			for (int p = 0; p < P; p++)
				assert_true(fabs((double)(z[i * P + p]) - mean -
						 ((double)y[i * P + p] - mean) / (k == 2 ? 1 : 2)) <
					    1e-3);
		}
	}
	xl_tape_free(t);
}

/* sum of y w for fixed weights, as a number that depends on c alone */
typedef struct xl_var *function(struct xl_tape *t, struct xl_var *c, const void *ctx);

enum { LITTLE = 2 * 3 * 4 };

static double value(struct xl_tape *t, function *f, const float *c, const void *ctx, float *grad)
{
	float w[LITTLE];

	noise(w, LITTLE, 5, 1);
	xl_tape_reset(t);
	struct xl_var *x = xl_var_leaf(t, xl_dims_map(1, 2, 3, 4), c, grad);
	xl_tape_record(t, grad != NULL);
	struct xl_var *y = f(t, x, ctx);
	struct xl_var *s = xl_op_sum(t, xl_op_mul(t, y, map(t, 1, 2, 3, 4, w)));
	assert_non_null(s);
	const double v = xl_var_scalar(t, s);
	if (grad) {
		memset(grad, 0, LITTLE * sizeof *grad);
		ok(xl_backward(t, s, 0));
	}
	return v;
}

static void check_gradient(function *f, const void *ctx, const float *c)
{
	struct xl_tape *t = xl_tape_new();
	float grad[LITTLE], near[LITTLE];
	double most = 0;

	value(t, f, c, ctx, grad);
	for (int i = 0; i < LITTLE; i++)
		most = fmax(most, fabs((double)grad[i]));
	for (int i = 0; i < LITTLE; i++) {
		const float step = 1.0f / 256;
		memcpy(near, c, sizeof near);
		near[i] = c[i] + step;
		const double up = value(t, f, near, ctx, NULL);
		near[i] = c[i] - step;
		const double down = value(t, f, near, ctx, NULL);
		const double want = (up - down) / (2 * (double)step);
		if (!(fabs((double)grad[i] - want) <= 2e-3 * most))
			fail_msg("%d: %g, not %g", i, (double)grad[i], want);
	}
	xl_tape_free(t);
}

static struct xl_var *masked_adain(struct xl_tape *t, struct xl_var *c, const void *ctx)
{
	const struct xl_egsc h = {.adain = ctx, .eta = 0.5};
	float f[LITTLE], g[LITTLE];

	noise(f, LITTLE, 3, 1);
	noise(g, LITTLE, 4, 2);
	c = xl_op_mul(t, c, xl_egsc_mask(t, &h, map(t, 1, 2, 3, 4, f)));
	return adain(t, &h, c, map(t, 1, 2, 3, 4, g));
}

static struct xl_var *unit(struct xl_tape *t, struct xl_var *c, const void *ctx)
{
	(void)ctx;
	return xl_egsc_unit(t, c);
}

static void test_gradients(void **state)
{
	float c[LITTLE];

	(void)state;
	noise(c, LITTLE, 6, 1);
	for (int i = 0; i < 3; i++)
		check_gradient(masked_adain, modes[i], c);
	check_gradient(unit, NULL, c);
}

/* ---- perceptual losses ---- */

static void test_units_and_their_gram_matrix(void **state)
{
	static const float x[] = {3, 4, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0};
	struct xl_tape *t = xl_tape_new();
	struct xl_var *u = xl_egsc_unit(t, map(t, 1, 3, 2, 2, x));

	(void)state;
	is_near(t, u, (const double[]){0.6, 0.8, 0, 0, 0, 0, 0.70710678, 0.70710678, 0, 0, 0, 0},
		1e-6);
	is_near(t, xl_op_gram(t, u), (const double[]){0.25, 0, 0, 0, 0.25, 0, 0, 0, 0}, 1e-6);
	xl_tape_free(t);
}

/* What rounding leaves of a dead channel: a step along its gradient, a million times any
 * other, undid training. A faint channel is as good as any, a lone pixel has no direction. */
static void test_dead_channels_teach_nothing(void **state)
{
	static const float x[] = {3e-7f, 5e-7f, 0, 0, 3e-3f, 4e-3f, 0, 0, 1e-4f, 0, 0, 0};
	static const float w[] = {1, -1, 2, 3, 1, 0, 0, 0, 1, 0, 0, 0};
	struct xl_tape *t = xl_tape_new();
	float grad[12] = {0};
	struct xl_var *c = xl_var_leaf(t, xl_dims_map(1, 3, 2, 2), x, grad);

	(void)state;
	xl_tape_record(t, true);
	struct xl_var *u = xl_egsc_unit(t, c);
	is_near(t, u, (const double[]){0, 0, 0, 0, 0.6, 0.8, 0, 0, 1, 0, 0, 0}, 1e-6);
	ok(xl_backward(t, xl_op_sum(t, xl_op_mul(t, u, map(t, 1, 3, 2, 2, w))), 0));
	for (int i = 0; i < 4; i++)
		assert_float_equal(grad[i], 0, 0);
	/* (1 - u u) / norm */
	assert_float_equal(grad[4], 0.64 / 5e-3, 1e-2);
	assert_float_equal(grad[5], -0.48 / 5e-3, 1e-2);
	assert_float_equal(grad[8], 0, 1e-2);
	xl_tape_free(t);
}

/* Two taps: the second weighs twice the first in content; style compares with the other
 * half of the batch. */
static void test_perceptual_losses(void **state)
{
	static const float content[] = {1, 2, 5, 3}, fake[] = {2, 2, 5, 7};
	struct xl_tape *t = xl_tape_new();
	struct xl_var *c = map(t, 2, 1, 1, 2, content), *f = map(t, 2, 1, 1, 2, fake);
	struct xl_var *const cs[] = {c, c}, *const fs[] = {f, f};

	(void)state;
	/* |1-2| + 0 of A, 0 + |3-7| of B; means 0.5 and 2 */
	is_near(t, xl_egsc_content(t, 2, fs, cs), (const double[]){2.5 * 0.5 + 2.5}, 1e-5);
	/* Gram: content 2.5, 17; fake 4, 37; exemplars 17, 2.5 */
	is_near(t, xl_egsc_style(t, 2, fs, cs), (const double[]){2 * (13 + 34.5)}, 1e-4);
	xl_tape_free(t);
}

/* ---- training ---- */

/* Iterations from..to on made images. */
static void run(struct xl_model *m, int from, int to, struct xl_losses *last)
{
	static float x[2][PARTS * IMAGE];
	static const float y[2][PARTS] = {{0}};
	struct xl_tape *t = xl_tape_new();

	assert_non_null(t);
	for (int i = from; i < to; i++, m->step++) {
		for (int k = 0; k < 2; k++) {
			noise(x[k], PARTS * IMAGE, (uint32_t)(100 + 2 * i + k), 0.5);
			for (int j = 0; j < PARTS * IMAGE; j++)
				x[k][j] = tanhf(x[k][j]);
		}
		const struct xl_batch b = {
			.n = PARTS * BATCH, .x = {x[0], x[1]}, .y = {y[0], y[1]}};
		xl_tape_reset(t);
		ok(m->method->step(m, t, &b, i, last));
	}
	xl_tape_free(t);
}

static void assert_same_models(const struct xl_model *a, const struct xl_model *b)
{
	for (int i = 0; i < a->n_nets; i++) {
		const struct xl_net *p = a->nets[i], *q = b->nets[i];
		if (memcmp(p->value, q->value, p->count * sizeof(float)) ||
		    memcmp(p->m, q->m, p->count * sizeof(float)) ||
		    memcmp(p->v, q->v, p->count * sizeof(float)))
			fail_msg("network %s differs", p->id);
	}
	assert_memory_equal(a->adam_t, b->adam_t, sizeof a->adam_t);
}

static void test_interruption_in_every_stage(void **state)
{
	struct xl_model *whole = build(NULL, true);
	struct xl_losses a, b;

	(void)state;
	run(whole, 0, 6, &a);
	for (int at = 1; at < 6; at++) {
		char path[] = "/tmp/test_egsc.XXXXXX";
		const int fd = mkstemp(path);
		struct xl_model *first = build(NULL, true), *rest;

		assert_true(fd >= 0);
		run(first, 0, at, &b);
		ok(xl_model_save_checkpoint(first, path));
		if (!(rest = xl_model_load_checkpoint(path)))
			fail_msg("%s", xl_err_msg());
		xl_threads_set(at % 2 ? 3 : 1);
		run(rest, at, 6, &b);
		xl_threads_set(0);
		assert_same_models(whole, rest);
		assert_memory_equal(&a, &b, sizeof a);
		xl_model_free(first);
		xl_model_free(rest);
		close(fd);
		unlink(path);
	}
	xl_model_free(whole);
}

/* changed: of the networks, in order, '1' where the iteration changes them */
static void check_stage(int iter, const char *changed)
{
	struct xl_model *m = build(NULL, true);
	struct xl_losses l;
	float *before[XL_MAX_NETS];

	run(m, 0, iter, &l);
	assert_int_equal(m->n_nets, strlen(changed));
	for (int i = 0; i < m->n_nets; i++) {
		const size_t bytes = m->nets[i]->count * sizeof(float);
		assert_non_null(before[i] = malloc(bytes));
		memcpy(before[i], m->nets[i]->value, bytes);
	}
	run(m, iter, iter + 1, &l);
	for (int i = 0; i < m->n_nets; i++) {
		const struct xl_net *n = m->nets[i];
		if ((memcmp(before[i], n->value, n->count * sizeof(float)) != 0) !=
		    (changed[i] == '1'))
			fail_msg("iteration %d, network %s", iter, n->id);
		free(before[i]);
	}
	xl_model_free(m);
}

/* In order: E_A E_B S G_A G_B F_A F_B R_A R_B D_A D_B V. F is frozen in stage 2. */
static void test_who_learns_when(void **state)
{
	(void)state;
	check_stage(0, "000111111110");
	check_stage(1, "000111111110");
	check_stage(2, "000000000001");
	check_stage(3, "111110000110");
	check_stage(4, "111110000110");
}

/* Stage 2 begins with weights that no one has trained and an optimiser at its first step. */
static void test_stage_2_begins_anew(void **state)
{
	struct xl_model *m = build(NULL, true), *other = build(NULL, true);
	struct xl_losses l;

	(void)state;
	run(m, 0, 3, &l);
	run(other, 0, 1, &l);
	for (int i = 0; i < m->n_nets; i++) {
		const struct xl_net *p = m->nets[i], *q = other->nets[i];
		memset(p->m, 0x3f, p->count * sizeof(float));
		if (strchr("FRV", p->id[0])) /* what stage 2 leaves as it is */
			memcpy(q->value, p->value, p->count * sizeof(float));
	}
	run(m, 3, 4, &l);
	other->step = 3;
	run(other, 3, 4, &l);
	assert_same_models(m, other);
	assert_int_equal(m->adam_t[XL_GENERATOR], 2);
	assert_int_equal(m->adam_t[XL_CRITIC], 1);
	xl_model_free(m);
	xl_model_free(other);
}

/* Discriminators learn from the first part of a step's images, the rest from the others. */
static void test_updates_have_their_own_images(void **state)
{
	static float x[2][PARTS * IMAGE];
	const struct xl_batch b = {.n = PARTS, .x = {x[0], x[1]}};
	struct xl_model *m[PARTS + 1];
	struct xl_tape *t = xl_tape_new();

	(void)state;
	for (int i = 0; i <= PARTS; i++) { /* in model i, the images of part i - 1 are others */
		struct xl_losses l;
		m[i] = build(SET("pre-iters", "0", "perceptual", "random"), true);
		for (int k = 0; k < 2; k++)
			noise(x[k], PARTS * IMAGE, (uint32_t)k, 0.3);
		if (i > 0)
			noise(x[A] + (ptrdiff_t)(i - 1) * IMAGE, IMAGE, 50, 0.3);
		xl_tape_reset(t);
		ok(m[i]->method->step(m[i], t, &b, 0, &l));
		assert_int_equal(m[i]->adam_t[XL_GENERATOR], 2);
		assert_int_equal(m[i]->adam_t[XL_CRITIC], 1);
	}
	const struct xl_net *d = net(m[0], "D_B"), *g = net(m[0], "G_B");
	for (int i = 1; i <= PARTS; i++) {
		const bool d_learns = memcmp(d->m, net(m[i], "D_B")->m, d->count * sizeof(float));
		assert_int_equal(d_learns, i == 1);
		assert_true(memcmp(g->m, net(m[i], "G_B")->m, g->count * sizeof(float)));
		xl_model_free(m[i]);
	}
	xl_model_free(m[0]);
	xl_tape_free(t);
}

static double loss(const struct xl_model *m, const struct xl_losses *l, const char *name)
{
	int i = 0;

	while (strcmp(m->method->loss_names[i], name) != 0)
		i++;
	assert_true(l->given[i]);
	return l->value[i];
}

static double rate(struct xl_model *m, struct xl_tape *t, int64_t iter)
{
	struct xl_losses l;
	const struct xl_batch b = {.n = 6};

	xl_tape_reset(t);
	ok(m->method->step(m, t, &b, iter, &l));
	return loss(m, &l, "lr");
}

static void test_rates(void **state)
{
	struct xl_model *m =
		configure(SET("mask", "0", "adain", "none", "lambda-s", "0", "lambda-c", "0",
			      "width", "1", "d-width", "1", "iters", "60000"));
	struct xl_tape *t = xl_tape_new();

	(void)state;
	t->dry = true;
	ok(xl_model_build(m, 0, true));
	assert_true(fabs(rate(m, t, 0) - 1e-5) < 1e-12);
	assert_true(fabs(rate(m, t, 30000) - 5.35887e-6) < 1e-11);
	assert_true(fabs(rate(m, t, 59999) - 5.008e-10) < 1e-13);
	xl_model_free(m);
	m = build(SET("lr", "-1", "task", "faces", "pre-lr", "1"), true);
	assert_true(fabs(rate(m, t, 0) - 1) < 1e-12);
	assert_true(fabs(rate(m, t, 1) - pow(0.5, 0.9)) < 1e-12);
	assert_true(fabs(rate(m, t, 2) - 1e-3) < 1e-12);
	assert_true(fabs(rate(m, t, 3) - 1e-4) < 1e-12);
	assert_true(fabs(rate(m, t, 4) - 1e-4 * pow(2 / 3.0, 0.9)) < 1e-12);
	xl_model_free(m);
	xl_tape_free(t);
}

/* A network of random weights, in the place of one from a file. */
static struct xl_backbone *some_network(const char *name)
{
	struct xl_backbone *b = xl_backbone_describe(xl_backbone_find(name));

	assert_non_null(b);
	assert_non_null(b->values = malloc(b->count * sizeof *b->values));
	noise(b->values, (int)b->count, 9, 0.05);
	xl_backbone_ceil(b);
	return b;
}

static void test_given_network(void **state)
{
	struct xl_model *m = build(SET("pre-iters", "0", "perceptual", "given"), true);
	struct xl_losses l;

	(void)state;
	assert_null(net(m, "V"));
	assert_int_equal(m->method->ready(m), -1);
	m->backbone = some_network("squeezenet1_1");
	assert_int_equal(m->method->ready(m), -1); /* features are wanted too */
	snprintf(m->adopted, sizeof m->adopted, "0");
	ok(m->method->ready(m));
	run(m, 0, 2, &l);
	assert_true(loss(m, &l, "G.style") > 0 && loss(m, &l, "G.content") > 0);
	xl_model_free(m);
	m = build(NULL, true);
	m->backbone = some_network("squeezenet1_1");
	assert_int_equal(m->method->ready(m), -1);
	assert_string_equal(xl_err_msg(), "a network was given, but perceptual is not 'given'");
	xl_model_free(m);
}

/* ---- stages ---- */

static struct xl_record *picture(const char *id, const char *domain, double phase)
{
	const int64_t shape[3] = {3, 16, 20};
	struct xl_record *r = xl_record_new(XL_IMAGE, id);
	struct xl_tensor *x = xl_tensor_new(XL_U1, 3, shape);

	assert_true(r && x);
	for (int64_t i = 0; i < 3 * 16 * 20; i++)
		((uint8_t *)x->data)[i] =
			(uint8_t)(127.5 + 120 * sin(phase + 0.13 * (double)(i % 20) +
						    0.17 * (double)(i / 20)));
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

/* The translation of picture a by an exemplar of B that looks like `phase`. */
static struct xl_record *translated(struct xl_model *m, const char *id, double phase)
{
	struct xl_record *r = picture(id, "A", 1), *e = picture("e", "B", phase);
	struct xl_tape *t = xl_tape_new();

	ok(xl_stage_fuse(m, t, r, e));
	assert_string_equal(xl_meta_str(r, "domain_out", ""), "B");
	ok(xl_stage_decode(m, t, r));
	xl_record_free(e);
	xl_tape_free(t);
	return r;
}

static void copy_net(struct xl_model *m, const char *to, const char *from)
{
	const struct xl_net *p = net(m, to), *q = net(m, from);

	memcpy(p->value, q->value, p->count * sizeof(float));
}

static void test_own_exemplar_by_equal_networks(void **state)
{
	struct xl_model *m = build(NULL, false);
	struct xl_tape *t = xl_tape_new();

	(void)state;
	copy_net(m, "E_B", "E_A");
	copy_net(m, "F_B", "F_A");
	copy_net(m, "G_B", "G_A");
	struct xl_record *ab = translated(m, "a", 1), *aa = picture("a", "A", 1);
	ok(xl_stage_encode(m, t, aa));
	ok(xl_stage_decode(m, t, aa));
	assert_true(same(ab, aa, "out"));
	xl_record_free(ab);
	xl_record_free(aa);
	xl_tape_free(t);
	xl_model_free(m);
}

static void compare_exemplars(const char *adain_mode, bool matters)
{
	struct xl_model *m = build(SET("adain", adain_mode), false);
	struct xl_record *a = translated(m, "a", 1), *b = translated(m, "a", 4);

	assert_int_equal(same(a, b, "out"), !matters);
	assert_true(same(a, b, "c") && same(a, b, "m"));
	xl_record_free(a);
	xl_record_free(b);
	xl_model_free(m);
}

static void test_exemplars(void **state)
{
	(void)state;
	compare_exemplars("std", true);
	compare_exemplars("code", true);
	compare_exemplars("paper", true);
	compare_exemplars("none", false);
}

static void test_no_mask_is_eta_1(void **state)
{
	struct xl_model *m[] = {build(SET("mask", "0"), false), build(SET("eta", "1"), false),
				build(NULL, false)};
	struct xl_record *r[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		r[i] = translated(m[i], "a", 2);
	assert_true(same(r[0], r[1], "out"));
	assert_false(same(r[0], r[2], "out"));
	for (int i = 0; i < 3; i++) {
		xl_record_free(r[i]);
		xl_model_free(m[i]);
	}
}

/* The noise on a code is of its name and seed; masks and statistics have none. */
static void test_noise(void **state)
{
	struct xl_model *m = build(NULL, false), *quiet = build(SET("noise-test", "0"), false);
	const char *const ids[] = {"a", "a", "b", "a"};
	struct xl_tape *t = xl_tape_new();
	struct xl_record *r[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		r[i] = picture(ids[i], "A", 1);
		if (i == 3)
			ok(xl_meta_set_int(r[i], "noise_seed", 5));
		ok(xl_stage_encode(m, t, r[i]));
		assert_true(same(r[i], r[0], "m") && same(r[i], r[0], "s"));
		assert_int_equal(same(r[i], r[0], "c"), i < 2);
	}
	for (int i = 2; i < 4; i++) {
		xl_record_drop(r[i], "c");
		ok(xl_stage_encode(quiet, t, r[i]));
	}
	assert_true(same(r[2], r[3], "c"));
	for (int i = 0; i < 4; i++)
		xl_record_free(r[i]);
	xl_tape_free(t);
	xl_model_free(m);
	xl_model_free(quiet);
}

static void test_stretched_results(void **state)
{
	struct xl_model *m = build(SET("stretch-out", "1"), false);
	struct xl_record *r = translated(m, "a", 2);
	const float *p = xl_record_tensor(r, "out")->data;
	float lo = 9, hi = -9;

	(void)state;
	for (int i = 0; i < 3 * 16 * 20; i++) {
		lo = fminf(lo, p[i]);
		hi = fmaxf(hi, p[i]);
	}
	assert_true(lo == -1 && hi == 1);
	xl_record_free(r);
	xl_model_free(m);
}

/* Each channel has its mask; one that was edited counts. */
static void test_masks_of_channels(void **state)
{
	struct xl_model *m = build(SET("n1", "3"), false);
	struct xl_tape *t = xl_tape_new();
	struct xl_record *r = picture("a", "A", 1), *e = picture("e", "B", 2), *kept;
	const int64_t shape[3] = {8, 4, 5};

	(void)state;
	ok(xl_stage_encode(m, t, r));
	struct xl_tensor *x = xl_record_tensor(r, "m");
	assert_true(xl_tensor_is(x, 3, shape));
	for (int64_t i = 0; i < xl_tensor_count(x); i++)
		assert_true(((float *)x->data)[i] >= 0.5f && ((float *)x->data)[i] <= 1);
	ok(xl_stage_fuse(m, t, r, e));
	assert_non_null(kept = xl_record_copy(r));
	ok(xl_stage_mask_changed(m, r));
	assert_null(xl_record_tensor(r, "h"));
	((float *)xl_record_tensor(r, "m")->data)[7] = 0;
	ok(xl_stage_fuse(m, t, r, e));
	assert_false(same(r, kept, "h"));
	xl_record_free(r);
	xl_record_free(e);
	xl_record_free(kept);
	xl_tape_free(t);
	xl_model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_unused_networks_are_not_there),
		cmocka_unit_test(test_initial_values),
		cmocka_unit_test(test_what_does_not_fit),
		cmocka_unit_test(test_worked_examples),
		cmocka_unit_test(test_statistics_are_exchanged),
		cmocka_unit_test(test_gradients),
		cmocka_unit_test(test_units_and_their_gram_matrix),
		cmocka_unit_test(test_dead_channels_teach_nothing),
		cmocka_unit_test(test_perceptual_losses),
		cmocka_unit_test(test_interruption_in_every_stage),
		cmocka_unit_test(test_who_learns_when),
		cmocka_unit_test(test_stage_2_begins_anew),
		cmocka_unit_test(test_updates_have_their_own_images),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_given_network),
		cmocka_unit_test(test_own_exemplar_by_equal_networks),
		cmocka_unit_test(test_exemplars),
		cmocka_unit_test(test_no_mask_is_eta_1),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_stretched_results),
		cmocka_unit_test(test_masks_of_channels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
