/*
 * test_golden_mbu.c - one whole iteration of MBU, encoders and decoders then C,
 * against the same in PyTorch (tests/golden/make.py says what the file holds): every
 * loss, gradient norm, the parameters after clipping and Adam, the running statistics.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "golden.h"
#include "methods/mbu_net.h"
#include "methods/model.h"

enum { SIZE = 128, BATCH = 2, PIXELS = 3 * SIZE * SIZE };

static const char *const names_first[][2] = {{"recon1_a", "Recon1.A"},
					     {"recon1_b", "Recon1.B"},
					     {"recon2_a", "Recon2.A"},
					     {"recon2_b", "Recon2.B"},
					     {"mask_l2", "Mask.l2"},
					     {"cycle_c", "Cycle.c"},
					     {"cycle_s", "Cycle.s"},
					     {"dc", "DC.E_c"},
					     {"total", "total"},
					     {"grad", "grad"},
					     {NULL, NULL}};
static const char *const names_second[][2] = {{"c", "DC.C"}, {"grad", "grad_C"}, {NULL, NULL}};

/* The model of a case after one step; NULL with the switches of the record `golden`. */
static struct xl_model *step(const struct xl_record *golden, const char *const *set,
			     struct xl_losses *loss)
{
	static float x[2][BATCH * PIXELS];
	const struct xl_batch b = {.n = BATCH, .x = {x[0], x[1]}};
	struct xl_model *m = xl_model_new(xl_method_find("mbu"));
	struct xl_tape *t = xl_tape_new();

	assert_true(m && t);
	ok(xl_model_set(m, "width", "2"));
	ok(xl_model_set(m, "batch", "2"));
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

/* Means, then variances, of each block of each network. A bias before a batch norm has
 * no gradient but rounding, which Adam turns into a step of up to lr; two of E_c's five
 * batches come after it. */
static void check_running(const struct xl_model *m, const struct xl_record *want, double lr)
{
	const double slack = 2 * 0.1 * lr;

	for (int i = 0; i < m->n_nets; i++) {
		const struct xl_net *net = m->nets[i];
		int64_t n, at = 0;
		if (net->group == XL_CRITIC)
			continue;
		double *w = numbers(want, net->id, &n);
		for (int k = 0; k < net->n_params; k++) {
			const struct xl_param *p = &net->params[k];
			for (int c = 0; p->buffer && c < p->d.c; c++, at++) {
				const double got = (double)net->value[p->at + (size_t)c];
				assert_true(at < n);
				if (!(fabs(got - w[at]) <= slack + 1e-5 * (1 + fabs(w[at]))))
					fail_msg("%s %s/%s[%d] is %.9g, not %.9g", want->id,
						 net->id, p->name, c, got, w[at]);
			}
		}
		assert_int_equal(at, n);
		free(w);
	}
}

static void check_case(const char *name, const char *const *set, double lr)
{
	char first[32], second[32], statistics[32];
	struct golden g;
	struct xl_losses loss;

	snprintf(first, sizeof first, "%s-first", name);
	snprintf(second, sizeof second, "%s-second", name);
	snprintf(statistics, sizeof statistics, "%s-batchnorm", name);
	read_golden(&g, "mbu");
	const struct xl_record *want = find_golden(&g, first);
	struct xl_model *m = step(want, set, &loss);
	const struct xl_mbu_nets *s = m->state;
	assert_int_equal(s->sep, xl_meta_int(want, "sep", 0));
	check_losses(m, &loss, want, "", names_first);
	check_norms(m, XL_GENERATOR, want, "", 5e-4);
	check_params(m, XL_GENERATOR, want, lr);
	check_running(m, find_golden(&g, statistics), lr);
	if (strcmp(name, "without-c") == 0) {
		assert_int_equal(m->adam_t[XL_CRITIC], 0);
	} else {
		want = find_golden(&g, second);
		check_losses(m, &loss, want, "", names_second);
		check_norms(m, XL_CRITIC, want, "", 5e-4);
		check_params(m, XL_CRITIC, want, lr);
	}
	xl_model_free(m);
	free_golden(&g);
}

static void test_code(void **state)
{
	(void)state;
	check_case("code", (const char *const[]){"sep", "5", NULL}, 2e-4);
}

/* Everything the profile decides; a rate, weights of both cycles, and a clip that bites. */
static void test_paper(void **state)
{
	(void)state;
	check_case("paper",
		   (const char *const[]){"profile", "paper", "task", "facial-hair", "clip", "0.5",
					 NULL},
		   5e-5);
}

static void test_mask_l2(void **state)
{
	(void)state;
	check_case("mask-l2", (const char *const[]){"sep", "5", "mask-l2", "0.3", NULL}, 2e-4);
}

static void test_norms_l2(void **state)
{
	(void)state;
	check_case(
		"norms-l2",
		(const char *const[]){"sep", "5", "recon1-norm", "l2", "recon2-norm", "l2", NULL},
		2e-4);
}

static void test_without_c(void **state)
{
	(void)state;
	check_case("without-c", (const char *const[]){"sep", "5", "w-dc", "0", NULL}, 2e-4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code),      cmocka_unit_test(test_paper),
		cmocka_unit_test(test_mask_l2),   cmocka_unit_test(test_norms_l2),
		cmocka_unit_test(test_without_c),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
