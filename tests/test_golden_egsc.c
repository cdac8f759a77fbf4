/*
 * test_golden_egsc.c - one whole iteration of each stage of EGSC-IT, discriminators then
 * the rest, against the same in PyTorch (tests/golden/make.py says what the file holds):
 * every loss, gradient norm, the parameters after Adam.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "golden.h"
#include "methods/egsc_net.h"
#include "methods/model.h"

enum { SIZE = 20, IMAGES = 4, PIXELS = 3 * SIZE * SIZE, CODES = 12, NOISE = 777 };

static const double rate = 1e-3;

static const char *const names_pre_d[][2] = {
	{"gan", "F.D.gan"}, {"total", "F.D.total"}, {NULL, NULL}};
static const char *const names_pre_g[][2] = {
	{"gan", "F.gan"}, {"vae", "F.vae"}, {"kl", "F.kl"}, {"total", "F.total"}, {NULL, NULL}};
static const char *const names_d[][2] = {{"gan", "D.gan"}, {"total", "D.total"}, {NULL, NULL}};
static const char *const names_g[][2] = {
	{"gan", "G.gan"},         {"vae", "G.vae"},       {"kl", "G.kl"},
	{"cyc", "G.cyc"},         {"cyc_kl", "G.cyc_kl"}, {"style", "G.style"},
	{"content", "G.content"}, {"total", "G.total"},   {NULL, NULL}};

/* The noise of a step's codes, in the order they are encoded. */
static float *noise_of(const struct xl_model *m)
{
	const struct xl_egsc *h = m->hyper;
	const int by = 1 << (h->n1 - 1), n = CODES * (int)h->width * SIZE * SIZE / by;
	float *z = malloc((size_t)n * sizeof *z);

	assert_non_null(z);
	for (int i = 0; i < n; i++)
		z[i] = (float)unit(NOISE, i);
	return z;
}

/* The model of a case after its first step. */
static struct xl_model *step(const struct xl_record *golden, const char *const *set,
			     struct xl_losses *loss)
{
	static const char *const all[] = {"size",  "20",      "width", "4",    "d-width",   "4",
					  "batch", "2",       "lr",    "1e-3", "g-updates", "1",
					  "iters", "1000000", "adain", "std",  NULL};
	static float x[2][IMAGES * PIXELS];
	struct xl_model *m = xl_model_new(xl_method_find("egsc-it"));
	struct xl_tape *t = xl_tape_new();

	assert_true(m && t);
	for (const char *const *s = all; *s; s += 2)
		ok(xl_model_set(m, s[0], s[1]));
	for (; *set; set += 2)
		ok(xl_model_set(m, set[0], set[1]));
	ok(xl_model_build(m, 0, true));
	set_weights(m, golden);
	for (int i = 0; i < 2; i++)
		set_images(x[i], IMAGES, SIZE, 1.7 * i);
	float *noise = noise_of(m);
	const struct xl_batch b = {.n = IMAGES, .x = {x[0], x[1]}, .noise = noise};
	ok(m->method->step(m, t, &b, 0, loss));
	free(noise);
	xl_tape_free(t);
	return m;
}

/* Networks that this step does not train have no place in its record. */
static void hide_frozen(struct xl_model *m)
{
	int n = 0;

	for (int i = 0; i < m->n_nets; i++) {
		if (!m->nets[i]->frozen) {
			m->nets[n++] = m->nets[i];
			continue;
		}
		xl_net_done(m->nets[i]);
		free(m->nets[i]);
	}
	m->n_nets = n;
}

static void check_case(const char *name, const char *const *set)
{
	const bool pre = strcmp(name, "pre") == 0;
	char id[2][32];
	struct golden g;
	struct xl_losses loss;

	snprintf(id[0], sizeof id[0], "%s-d", name);
	snprintf(id[1], sizeof id[1], "%s-g", name);
	read_golden(&g, "egsc");
	const struct xl_record *d = find_golden(&g, id[0]), *rest = find_golden(&g, id[1]);
	struct xl_model *m = step(d, set, &loss);
	check_losses(m, &loss, d, "", pre ? names_pre_d : names_d);
	check_losses(m, &loss, rest, "", pre ? names_pre_g : names_g);
	hide_frozen(m);
	check_norms(m, XL_CRITIC, d, "", 5e-4);
	check_params(m, XL_CRITIC, d, rate);
	check_norms(m, XL_GENERATOR, rest, "", 5e-4);
	check_params(m, XL_GENERATOR, rest, rate);
	xl_model_free(m);
	free_golden(&g);
}

#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_pre(void **state)
{
	(void)state;
	check_case("pre", SET("pre-iters", "500000", "perceptual", "none"));
}

static void test_std(void **state)
{
	(void)state;
	check_case("std", SET("pre-iters", "0", "perceptual", "random", "task", "single"));
}

/* Three sizes of map, and the transposed convolutions back. */
static void test_code(void **state)
{
	(void)state;
	check_case("code", SET("pre-iters", "0", "perceptual", "none", "adain", "code", "n1", "3"));
}

static void test_paper(void **state)
{
	(void)state;
	check_case("paper", SET("pre-iters", "0", "perceptual", "none", "adain", "paper", "n1", "2",
				"gan", "log", "d-double-act", "0", "kl-on-z", "1", "eta", "0.25"));
}

/* Neither mask nor exemplar, nor shared blocks. */
static void test_bare(void **state)
{
	(void)state;
	check_case("bare", SET("perceptual", "none", "mask", "0", "adain", "none", "shared", "0",
			       "n1", "2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pre),  cmocka_unit_test(test_std),
		cmocka_unit_test(test_code), cmocka_unit_test(test_paper),
		cmocka_unit_test(test_bare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
