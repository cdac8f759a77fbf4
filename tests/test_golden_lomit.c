/*
 * test_golden_lomit.c - one whole iteration of LOMIT, critic then generator,
 * against the same in PyTorch (tests/golden/make.py says what the files hold):
 * every code, loss, gradient norm, and the parameters after Adam.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "golden.h"
#include "methods/lomit_net.h"
#include "methods/model.h"

enum { SIZE = 32, PAIRS = 2, ATTRIBUTES = 3, PIXELS = 3 * SIZE * SIZE };

static struct xl_model *new_model(const struct xl_record *golden, const char *variant,
				  const char *name, const char *value)
{
	static const char *const names[ATTRIBUTES] = {"a", "b", "c"};
	struct xl_model *m = xl_model_new(xl_method_find("lomit"));

	assert_non_null(m);
	ok(xl_model_set(m, "size", "32"));
	ok(xl_model_set(m, "width", "4"));
	ok(xl_model_set(m, "variant", variant));
	if (name)
		ok(xl_model_set(m, name, value));
	ok(xl_model_attributes(m, names, ATTRIBUTES));
	ok(xl_model_build(m, 0, true));
	set_weights(m, golden);
	return m;
}

/* One iteration on the golden inputs. */
static void iterate(struct xl_model *m, struct xl_tape *t, const struct xl_record *inputs,
		    struct xl_losses *loss)
{
	static float x[2][PAIRS * PIXELS];
	float y[2][PAIRS * ATTRIBUTES], alpha[2 * PAIRS];
	const char *const names[2][2] = {{"y1", "alpha1"}, {"y2", "alpha2"}};

	for (int i = 0; i < 2; i++) {
		int64_t n;
		double *v = numbers(inputs, names[i][0], &n);
		assert_int_equal(n, PAIRS * ATTRIBUTES);
		for (int k = 0; k < n; k++)
			y[i][k] = (float)v[k];
		free(v);
		v = numbers(inputs, names[i][1], &n);
		assert_int_equal(n, PAIRS);
		for (int k = 0; k < n; k++)
			alpha[i * PAIRS + k] = (float)v[k];
		free(v);
		set_images(x[i], PAIRS, SIZE, 1.7 * i);
	}
	const struct xl_batch b = {
		.n = PAIRS, .x = {x[0], x[1]}, .y = {y[0], y[1]}, .alpha = alpha};
	xl_tape_reset(t);
	ok(m->method->step(m, t, &b, 0, loss));
}

static const char *const names_d[][2] = {
	{"adv", "D.adv"}, {"cls", "D.cls"}, {"gp", "D.gp"}, {"total", "D.total"}, {NULL, NULL}};
static const char *const names_g[][2] = {{"adv", "G.adv"},         {"cls", "G.cls"},
					 {"style_f", "G.style_f"}, {"style_b", "G.style_b"},
					 {"content", "G.content"}, {"cycle", "G.cycle"},
					 {"self", "G.self"},       {"r1", "G.r1"},
					 {"r_area", "G.area"},     {"r_style", "G.style_diff"},
					 {"total", "G.total"},     {NULL, NULL}};

static void check_running(const struct xl_model *m, const struct xl_record *want)
{
	const struct xl_lomit_nets *s = m->state;
	int64_t n;
	double *mean = numbers(want, "running_mean", &n), *var = numbers(want, "running_var", &n);

	assert_int_equal(n, 24);
	for (int l = 0; l < 6; l++)
		for (int c = 0; c < 4; c++) {
			const struct xl_param *p = s->g_m->params + s->mask[l].first;
			const double gm = (double)s->g_m->value[p[4].at + (size_t)c];
			const double gv = (double)s->g_m->value[p[5].at + (size_t)c];
			assert_true(fabs(gm - mean[4 * l + c]) < 1e-5);
			assert_true(fabs(gv - var[4 * l + c]) < 1e-5);
		}
	free(mean);
	free(var);
}

static void check_variant(const char *variant)
{
	char name[32];
	struct golden g;
	struct xl_losses loss;
	struct xl_tape *t = xl_tape_new();
	struct xl_model *m;

	snprintf(name, sizeof name, "lomit-%s", variant);
	read_golden(&g, name);
	m = new_model(find_golden(&g, "inputs"), variant, NULL, NULL);
	iterate(m, t, find_golden(&g, "inputs"), &loss);
	check_losses(m, &loss, find_golden(&g, "d-step"), "", names_d);
	check_norms(m, XL_CRITIC, find_golden(&g, "d-step"), "", 1e-4);
	check_params(m, XL_CRITIC, find_golden(&g, "d-step"), 1e-4);
	check_losses(m, &loss, find_golden(&g, "g-step"), "", names_g);
	check_norms(m, XL_GENERATOR, find_golden(&g, "g-step"), "", 5e-4);
	check_params(m, XL_GENERATOR, find_golden(&g, "g-step"), 1e-4);
	check_running(m, find_golden(&g, "batchnorm"));
	free_golden(&g);
	xl_tape_free(t);
	xl_model_free(m);
}

static void test_ijcai(void **state)
{
	(void)state;
	check_variant("ijcai");
}

static void test_iclr(void **state)
{
	(void)state;
	check_variant("iclr");
}

/* Codes and pictures of stage 1, as inference computes them but with the
 * statistics of the batch. */
static void test_codes(void **state)
{
	static const char *const names[] = {"c1", "m1", "s_f1", "s_b1", "x12"};
	static float x[2 * PAIRS * PIXELS];
	struct xl_model *m;
	struct xl_lomit_codes c;
	struct xl_tape *t = xl_tape_new();
	struct golden g;

	(void)state;
	read_golden(&g, "lomit-ijcai");
	m = new_model(find_golden(&g, "inputs"), "ijcai", NULL, NULL);
	set_images(x, PAIRS, SIZE, 0);
	set_images(x + PAIRS * PIXELS, PAIRS, SIZE, 1.7);
	xl_model_bn(m, XL_BN_BATCH);
	ok(xl_model_bind(m, t, XL_GENERATOR, false));
	struct xl_var *v = xl_var_input(t, 2 * PAIRS, 3, SIZE, SIZE, x);
	xl_lomit_encode(t, m->hyper, m->state, v, true, &c);
	struct xl_var *out =
		xl_lomit_decode(t, m->hyper, m->state, c.m, c.c, xl_lomit_swap(t, c.s_f), c.s_b);
	assert_non_null(out);
	struct xl_var *const vars[] = {c.c, c.m, c.s_f, c.s_b, out};
	for (int i = 0; i < 5; i++) {
		int64_t n;
		double *want = numbers(find_golden(&g, "stage1"), names[i], &n);
		float *got = malloc((size_t)xl_dims_count(&vars[i]->d) * sizeof *got);
		assert_non_null(got);
		xl_var_read(t, vars[i], got);
		for (int64_t k = 0; k < n; k++)
			if (!(fabs((double)got[k] - want[k]) <= 1e-4))
				fail_msg("%s[%d] is %.9g, not %.9g", names[i], (int)k,
					 (double)got[k], want[k]);
		free(got);
		free(want);
	}
	free_golden(&g);
	xl_tape_free(t);
	xl_model_free(m);
}

static void test_switches(void **state)
{
	static const char *const cases[][4] = {
		{"ijcai-style-split", "ijcai", "style-split", "true"},
		{"iclr-style-split", "iclr", "style-split", "true"},
		{"ijcai-gamma-exp", "ijcai", "gamma", "exp"},
		{"ijcai-compat", "ijcai", "compat", "true"},
		{"iclr-compat", "iclr", "compat", "true"},
		{"ijcai-mask-norm-in", "ijcai", "mask-norm", "in"},
		{"ijcai-no-exemplar-mask", "ijcai", "no-exemplar-mask", "true"}};
	struct xl_tape *t = xl_tape_new();
	struct golden g, inputs;

	(void)state;
	read_golden(&g, "lomit-switches");
	read_golden(&inputs, "lomit-ijcai"); /* labels and draws are the same for all */
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct xl_record *want = find_golden(&g, cases[i][0]);
		struct xl_model *m = new_model(want, cases[i][1], cases[i][2], cases[i][3]);
		struct xl_losses loss;
		iterate(m, t, find_golden(&inputs, "inputs"), &loss);
		check_losses(m, &loss, want, "d_", names_d);
		check_losses(m, &loss, want, "g_", names_g);
		check_norms(m, XL_CRITIC, want, "d_", 1e-3);
		check_norms(m, XL_GENERATOR, want, "g_", 1e-3);
		xl_model_free(m);
	}
	free_golden(&inputs);
	free_golden(&g);
	xl_tape_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_ijcai),
		cmocka_unit_test(test_iclr),
		cmocka_unit_test(test_switches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
