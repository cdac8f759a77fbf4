/*
 * test_golden_miso.c - one whole iteration of MISO, encoders and generators, then
 * discriminators on the same pictures, against the same in PyTorch
 * (tests/golden/make.py says what the file holds): every loss, gradient norm, and the
 * parameters after Adam.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "golden.h"
#include "methods/model.h"

enum { SIZE = 32, BATCH = 4, PIXELS = 3 * SIZE * SIZE, ROWS = 12, NZ = 8 };

static const char *const names_g[][2] = {{"adv_enc", "G.adv_enc"},
					 {"adv_rand", "G.adv_rand"},
					 {"info", "G.info"},
					 {"cyc", "G.cyc"},
					 {"kl", "G.kl"},
					 {"lat", "G.lat"},
					 {"sr", "G.sr"},
					 {"total", "G.total"},
					 {"sigma_real", "sigma.real"},
					 {"sigma_fake", "sigma.fake"},
					 {"rms_enc", "rms.enc"},
					 {"rms_rand", "rms.rand"},
					 {NULL, NULL}};
static const char *const names_d[][2] = {{"adv_enc", "D.adv_enc"},
					 {"adv_rand", "D.adv_rand"},
					 {"total", "D.total"},
					 {"hit_real", "D.hit_real"},
					 {"hit_enc", "D.hit_enc"},
					 {"hit_rand", "D.hit_rand"},
					 {NULL, NULL}};

/* The model of a case after one step. */
static struct xl_model *step(const struct xl_record *inputs, const struct xl_record *golden,
			     const char *const *set, struct xl_losses *loss)
{
	static float x[2][BATCH * PIXELS];
	float noise[ROWS * NZ];
	const struct xl_batch b = {
		.n = BATCH, .x = {x[0], x[1]}, .y = {NULL, NULL}, .noise = noise};
	struct xl_model *m = xl_model_new(xl_method_find("miso"));
	struct xl_tape *t = xl_tape_new();
	int64_t n;
	double *draws = numbers(inputs, "noise", &n);

	assert_true(m && t);
	assert_int_equal(n, ROWS * NZ);
	for (int i = 0; i < n; i++)
		noise[i] = (float)draws[i];
	free(draws);
	ok(xl_model_set(m, "size", "32"));
	ok(xl_model_set(m, "width", "4"));
	ok(xl_model_set(m, "batch", "4"));
	for (; *set; set += 2)
		ok(xl_model_set(m, set[0], set[1]));
	ok(xl_model_build(m, 0, true));
	set_weights(m, golden);
	for (int i = 0; i < 2; i++)
		set_images(x[i], BATCH, SIZE, 1.7 * i);
	ok(m->method->step(m, t, &b, 0, loss));
	xl_tape_free(t);
	return m;
}

static void check_case(const char *name, bool whole, const char *const *set)
{
	char g_step[32], d_step[32];
	struct golden g;
	struct xl_losses loss;

	snprintf(g_step, sizeof g_step, "%s-g", name);
	snprintf(d_step, sizeof d_step, "%s-d", name);
	read_golden(&g, "miso");
	const struct xl_record *want_g = find_golden(&g, g_step), *want_d = find_golden(&g, d_step);
	struct xl_model *m = step(find_golden(&g, "inputs"), want_g, set, &loss);
	check_losses(m, &loss, want_g, "", names_g);
	check_losses(m, &loss, want_d, "", names_d);
	/* of switches, a rectifier may fall on the other side (tests/golden/README.md) */
	check_norms(m, XL_GENERATOR, want_g, "", whole ? 1e-3 : 5e-3);
	check_norms(m, XL_CRITIC, want_d, "", 1e-4);
	if (whole) {
		check_params(m, XL_GENERATOR, want_g, 1e-4);
		check_params(m, XL_CRITIC, want_d, 1e-4);
	}
	xl_model_free(m);
	free_golden(&g);
}

static void test_concat(void **state)
{
	(void)state;
	check_case("concat", true, (const char *const[]){NULL});
}

static void test_adain(void **state)
{
	(void)state;
	check_case("adain", true, (const char *const[]){"cond", "adain", NULL});
}

static void test_switches(void **state)
{
	static const char *const cases[][5] = {{"input", "cond", "input"},
					       {"sr", "ifi", "sr"},
					       {"target", "milo-z", "target"},
					       {"full", "milo-z", "full"},
					       {"minimax", "gan", "minimax"},
					       {"ls", "gan", "ls"},
					       {"lat-freezes-e", "lat-freezes-e", "true"},
					       {"cyc-fake", "cyc-style", "fake"},
					       {"sr-cyc-fake", "ifi", "sr", "cyc-style", "fake"},
					       {"no-adv-enc", "no-adv-enc", "true"},
					       {"no-adv-rand", "no-adv-rand", "true"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_case(cases[i][0], false,
			   (const char *const[]){cases[i][1], cases[i][2], cases[i][3], cases[i][4],
						 NULL});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_concat),
		cmocka_unit_test(test_adain),
		cmocka_unit_test(test_switches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
