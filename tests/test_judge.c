/*
 * test_judge.c - verdicts of a classifier, counted: worked numbers; and that pictures
 * held back are a share of all, drawn by the seed, with the labels of the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "data/wanted.h"
#include "metrics/verdicts.h"
#include "train/train_classifier.h"

static const char *const names[] = {"a", "b", "domain"};

static struct xl_classifier *made(int n_labels, int classes)
{
	const struct xl_classifier_shape s = {
		.size = 8, .width = 1, .labels = names, .n_labels = n_labels, .classes = classes};
	struct xl_classifier *c = xl_classifier_new(&s, 0, false);

	assert_non_null(c);
	return c;
}

static void near(double got, double want)
{
	if (!(fabs(got - want) < 1e-6))
		fail_msg("got %.9g, want %.9g", got, want);
}

static void labels(void **state)
{
	const float p[3][3] = {{0.9f, 0.25f, 0.5f}, {0.5f, 0.75f, 0.25f}, {0.125f, 0.5f, 1}};
	const int want[3][3] = {{1, 0, 1}, {0, 1, XL_VERDICT_ANY}, {0, 0, 1}};
	struct xl_classifier *c = made(3, 0);
	struct xl_verdicts v;
	char name[32];

	(void)state;
	assert_int_equal(xl_verdicts_init(&v, c), 0);
	assert_true(isnan(xl_verdicts_accuracy(&v.all)));
	for (int i = 0; i < 3; i++)
		xl_verdicts_add(&v, p[i], want[i]);
	assert_int_equal(v.all.n, 3);
	assert_int_equal(v.all.right, 1); /* 0.5 tells yes */
	near(xl_verdicts_likelihood(&v.all),
	     ((0.9 + 0.75 + 0.5) / 3 + (0.5 + 0.75) / 2 + (0.875 + 0.5 + 1) / 3) / 3);
	assert_int_equal(v.label[2].n, 2);
	near(xl_verdicts_accuracy(&v.label[0]), 2 / 3.0);
	near(xl_verdicts_accuracy(&v.label[1]), 2 / 3.0);
	assert_int_equal(v.value[1 * 2 + 0].n, 2); /* b=0 */
	assert_int_equal(v.value[1 * 2 + 0].right, 1);
	near(xl_verdicts_likelihood(&v.value[1 * 2 + 0]), (0.75 + 0.5) / 2);
	assert_int_equal(v.value[2 * 2 + 0].n, 0);
	assert_string_equal(xl_verdict_name(c, 2, 1, name, sizeof name), "domain=B");
	assert_string_equal(xl_verdict_name(c, 0, 1, name, sizeof name), "a=1");
	xl_verdicts_done(&v);
	xl_classifier_free(c);
}

static void classes(void **state)
{
	const float p[2][4] = {{0.1f, 0.4f, 0.4f, 0.1f}, {0, 0.25f, 0, 0.75f}};
	struct xl_classifier *c = made(1, 4);
	struct xl_verdicts v;

	(void)state;
	assert_int_equal(xl_verdicts_init(&v, c), 0);
	xl_verdicts_add(&v, p[0], &(int){1}); /* of equals, the first is told */
	xl_verdicts_add(&v, p[0], &(int){2});
	xl_verdicts_add(&v, p[1], &(int){3});
	assert_int_equal(v.all.right, 2);
	near(xl_verdicts_likelihood(&v.all), (0.4 + 0.4 + 0.75) / 3);
	assert_int_equal(v.value[1].right, 1);
	assert_int_equal(v.value[2].right, 0);
	assert_int_equal(v.value[2].n, 1);
	xl_verdicts_done(&v);
	xl_classifier_free(c);
}

/* ---- pictures held back --------------------------------------------------- */

enum { ALL = 2000 };

static void take(struct xl_spool *s, int number, bool is_swapped)
{
	const char *const order[2][2] = {{"a", "b"}, {"b", "a"}};
	struct xl_record *r = xl_record_new(XL_IMAGE, "i");
	struct xl_tensor *x = xl_tensor_new(XL_U1, 3, (int64_t[]){3, 8, 8});
	struct xl_tensor *y = xl_tensor_new(XL_U1, 1, (int64_t[]){2});

	assert_true(r && x && y);
	memcpy(x->data, &number, sizeof number);
	((uint8_t *)y->data)[is_swapped] = (uint8_t)(number % 7);
	assert_int_equal(xl_record_put(r, "x", x), 0);
	assert_int_equal(xl_record_put(r, "y", y), 0);
	assert_int_equal(xl_meta_set_strs(r, "attributes", order[is_swapped], 2), 0);
	assert_int_equal(xl_spool_take(s, r), XL_TAKEN);
	xl_record_free(r);
}

static void fill(struct xl_spool *s, struct xl_spool *held, uint64_t seed)
{
	const struct xl_labels_want want = {.list = "a", .is_whole = true};

	assert_int_equal(xl_spool_init(s, 8, &want), 0);
	assert_int_equal(xl_spool_init(held, 8, &want), 0);
	s->held = held;
	s->share = 0.2;
	s->seed = seed;
	for (int i = 0; i < ALL; i++)
		take(s, i, i > 0 && i % 2);
	assert_int_equal(xl_spool_end(s), 0);
	assert_int_equal(xl_spool_end(held), 0);
}

static void check_labels(const struct xl_spool *s, bool *seen)
{
	for (uint32_t i = 0; i < s->n; i++) {
		int number;

		memcpy(&number, xl_spool_image(s, i), sizeof number);
		assert_false(seen[number]);
		seen[number] = true;
		assert_int_equal(s->y[i], number % 7);
	}
}

static void held_back(void **state)
{
	static bool seen[ALL];
	struct xl_spool s[3], held[3];
	struct xl_classifier_shape shape;

	(void)state;
	for (int i = 0; i < 3; i++)
		fill(&s[i], &held[i], i == 2 ? 5 : 0);
	assert_int_equal(s[0].n + held[0].n, ALL);
	assert_in_range(held[0].n, ALL * 0.2 - 60, ALL * 0.2 + 60); /* 3.4 deviations */
	assert_string_equal(s[0].hex, s[1].hex);
	assert_string_equal(held[0].hex, held[1].hex);
	assert_string_not_equal(held[0].hex, held[2].hex);
	assert_string_equal(held[0].labels.names[0], "a");
	check_labels(&s[0], seen);
	check_labels(&held[0], seen);
	assert_int_equal(xl_classifier_shape_of(&s[0], 4, &shape), 0);
	assert_int_equal(shape.classes, 7);
	assert_int_equal(shape.n_labels, 1);
	for (int i = 0; i < 3; i++) {
		xl_spool_done(&s[i]);
		xl_spool_done(&held[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels),
		cmocka_unit_test(classes),
		cmocka_unit_test(held_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
