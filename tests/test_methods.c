/*
 * test_methods.c - what holds for every method of the registry, at a small size: a
 * step does not depend on threads or on an interruption, stages not on being skipped
 * or repeated, pictures of any size keep it, codes of another model are refused.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/pool.h"
#include "image/coverage.h"
#include "methods/method_losses.h"
#include "methods/model.h"

enum { WIDTH = 2, BATCH = 2, LABELS = 2 };

static const char *const labels[LABELS] = {"a", "b"};

static void ok(int rc)
{
	if (rc)
		fail_msg("%s", xl_err_msg());
}

/* The tiny preset, smaller still. */
static struct xl_model *build(const struct xl_method *method, uint64_t seed, bool trained)
{
	struct xl_model *m = xl_model_new(method);

	assert_non_null(m);
	ok(xl_model_preset(m, "tiny"));
	ok(xl_model_set(m, "width", "2"));
	ok(xl_model_set(m, "batch", "2"));
	ok(xl_model_attributes(m, labels, method->two_domains ? 0 : LABELS));
	ok(xl_model_build(m, seed, trained));
	snprintf(m->digest, sizeof m->digest, "%064d", (int)seed);
	return m;
}

/* For inference: weights so large that codes count, though nothing was trained. */
static struct xl_model *lively(const struct xl_method *method, uint64_t seed)
{
	struct xl_model *m = build(method, seed, false);

	for (int i = 0; i < m->n_nets; i++)
		for (int k = 0; m->nets[i]->value && k < m->nets[i]->n_params; k++) {
			const struct xl_param *p = &m->nets[i]->params[k];
			for (int64_t e = 0; p->fan_in && e < xl_dims_count(&p->d); e++)
				m->nets[i]->value[p->at + (size_t)e] *= 4;
		}
	return m;
}

/* Iterations from..to of a run on made images, each with its own. */
static void run(struct xl_model *m, int from, int to, struct xl_losses *last)
{
	const int side = (int)xl_model_int(m, "size"), n = BATCH * 3 * side * side;
	const float y[2][BATCH * LABELS] = {{1, 0, 0, 1}, {0, 1, 0, 0}};
	float *x[2] = {malloc((size_t)n * sizeof(float)), malloc((size_t)n * sizeof(float))};
	struct xl_tape *t = xl_tape_new();

	assert_true(x[0] && x[1] && t);
	for (int i = from; i < to; i++, m->step++) {
		for (int k = 0; k < 2; k++)
			for (int j = 0; j < n; j++)
				x[k][j] = (float)sin(0.21 * (j % side) + 0.15 * (j / side % side) +
						     j / (side * side) + 2.2 * k + 0.4 * i);
		const struct xl_batch b = {.n = BATCH, .x = {x[0], x[1]}, .y = {y[0], y[1]}};
		xl_tape_reset(t);
		ok(m->method->step(m, t, &b, i, last));
	}
	xl_tape_free(t);
	free(x[0]);
	free(x[1]);
}

static void assert_same_models(const struct xl_model *a, const struct xl_model *b)
{
	assert_int_equal(a->n_nets, b->n_nets);
	for (int i = 0; i < a->n_nets; i++) {
		const struct xl_net *p = a->nets[i], *q = b->nets[i];
		const size_t bytes = p->count * sizeof(float);
		assert_int_equal(p->count, q->count);
		if (memcmp(p->value, q->value, bytes) || memcmp(p->m, q->m, bytes) ||
		    memcmp(p->v, q->v, bytes))
			fail_msg("%s: network %s differs", a->method->name, p->id);
	}
	for (int i = 0; i < XL_GROUPS; i++)
		assert_int_equal(a->adam_t[i], b->adam_t[i]);
}

/* Runs a test for each method. */
static void each(void (*test)(const struct xl_method *))
{
	assert_non_null(xl_method_at(0));
	for (int i = 0; xl_method_at(i); i++)
		test(xl_method_at(i));
}

/* ---- training ---- */

static void check_losses(const struct xl_method *method)
{
	struct xl_model *m = build(method, 3, true);
	struct xl_losses l;
	int n = 0;

	run(m, 0, 1, &l);
	for (; method->loss_names[n]; n++) {
		assert_true(n < XL_MAX_LOSSES);
		if (l.given[n] && !isfinite(l.value[n]))
			fail_msg("%s: %s is %g", method->name, method->loss_names[n], l.value[n]);
		for (int k = 0; k < n; k++)
			assert_string_not_equal(method->loss_names[k], method->loss_names[n]);
	}
	for (; n < XL_MAX_LOSSES; n++)
		assert_false(l.given[n]);
	for (int i = 0; i < XL_GROUPS; i++)
		assert_int_equal(m->adam_t[i], xl_model_params(m, (enum xl_group)i) > 0);
	xl_model_free(m);
}

/* What no loss pulls at is not trained for hours. */
static void check_weights(const struct xl_method *method)
{
	/* of one network that does not translate; of a switch that is off */
	static const char *const idle[] = {"w-gp", "w-sr"};
	struct xl_model *m = xl_model_new(method);
	int n = 0;

	assert_non_null(m);
	ok(xl_model_preset(m, "tiny"));
	ok(method->check(m->hyper, LABELS));
	for (const struct xl_opt *o = method->opts; o->type != XL_OPT_END; o++) {
		bool is_idle = false;
		for (int k = 0; k < 2; k++)
			is_idle |= strcmp(o->name, idle[k]) == 0;
		if (strncmp(o->help, "weight of ", 10) != 0)
			continue;
		ok(xl_model_set(m, o->name, is_idle ? "1" : "0"));
		n++;
	}
	assert_true(n >= 6);
	assert_int_equal(method->check(m->hyper, LABELS), -1);
	assert_string_equal(xl_err_msg(), "every weight is 0: there is nothing to learn");
	xl_model_free(m);
}

static void check_threads(const struct xl_method *method)
{
	struct xl_model *one = build(method, 3, true), *many = build(method, 3, true);
	struct xl_losses a, b;

	xl_threads_set(1);
	run(one, 0, 2, &a);
	xl_threads_set(3);
	run(many, 0, 2, &b);
	xl_threads_set(0);
	assert_same_models(one, many);
	assert_memory_equal(&a, &b, sizeof a);
	xl_model_free(one);
	xl_model_free(many);
}

static void check_resume(const struct xl_method *method)
{
	struct xl_model *whole = build(method, 5, true), *first = build(method, 5, true), *rest;
	char path[] = "/tmp/test_methods.XXXXXX";
	const int fd = mkstemp(path);
	struct xl_losses a, b;

	assert_true(fd >= 0);
	run(whole, 0, 4, &a);
	run(first, 0, 2, &b);
	ok(xl_model_save_checkpoint(first, path));
	xl_model_free(first);
	if (!(rest = xl_model_load_checkpoint(path)))
		fail_msg("%s", xl_err_msg());
	assert_int_equal(rest->step, 2);
	run(rest, 2, 4, &b);
	assert_same_models(whole, rest);
	assert_memory_equal(&a, &b, sizeof a);
	xl_model_free(whole);
	xl_model_free(rest);
	close(fd);
	unlink(path);
}

/* On a tape that only counts, a step counts, and leaves networks and moments alone. */
static void check_dry(const struct xl_method *method)
{
	struct xl_model *m = build(method, 3, true), *same = build(method, 3, true);
	const int side = (int)xl_model_int(m, "size");
	float *zero = calloc((size_t)(BATCH * 3 * side * side), sizeof *zero);
	const float y[BATCH * LABELS] = {0};
	const struct xl_batch b = {.n = BATCH, .x = {zero, zero}, .y = {y, y}};
	struct xl_tape *t = xl_tape_new();
	struct xl_losses l;

	assert_true(zero && t);
	t->dry = true;
	ok(method->step(m, t, &b, 0, &l));
	assert_true(t->macs > 0);
	assert_same_models(m, same);
	xl_tape_free(t);
	xl_model_free(m);
	xl_model_free(same);
	free(zero);
}

/* A term that could not be computed leaves no total, whatever it weighs and whatever
 * comes after it; one that weighs nothing is reported all the same. */
static void totals_do_not_outlive_a_failure(void **state)
{
	struct xl_tape *t = xl_tape_new();
	struct xl_losses l = {.given = {false}};

	(void)state;
	assert_non_null(t);
	struct xl_var *three = xl_var_const(t, xl_dims_plain(1, 1, 1, 1), 3);
	struct xl_var *total = xl_losses_add(&l, 0, t, xl_losses_zero(t), 2, three);
	total = xl_losses_add(&l, 1, t, total, 0, three);
	assert_non_null(total);
	assert_true(xl_var_scalar(t, total) == 6);
	assert_true(l.given[0] && l.given[1] && l.value[1] == 3);
	for (int weight = 0; weight < 2; weight++) {
		struct xl_var *failed = xl_losses_add(&l, 2, t, total, weight, NULL);
		assert_null(failed);
		assert_null(xl_losses_add(&l, 3, t, failed, 1, three));
	}
	assert_false(l.given[2]);
	xl_tape_free(t);
}

/* ---- stages ---- */

static struct xl_record *picture(const char *id, int64_t h, int64_t w, double phase)
{
	const int64_t shape[3] = {3, h, w};
	struct xl_record *r = xl_record_new(XL_IMAGE, id);
	struct xl_tensor *x = xl_tensor_new(XL_U1, 3, shape);

	assert_true(r && x);
	for (int64_t i = 0; i < 3 * h * w; i++)
		((uint8_t *)x->data)[i] =
			(uint8_t)(127.5 + 120 * sin(phase + 0.13 * (double)(i % w) +
						    0.17 * (double)(i / w)));
	ok(xl_record_put(r, "x", x));
	return r;
}

/* One of the other domain, where there are two. */
static struct xl_record *exemplar(const char *id, int64_t h, int64_t w, double phase)
{
	struct xl_record *r = picture(id, h, w, phase);

	ok(xl_meta_set_str(r, "domain", "B"));
	return r;
}

/* Where the method has masks. */
static void mask(struct xl_model *m, struct xl_tape *t, struct xl_record *r, struct xl_record *e)
{
	if (m->method->mask)
		ok(xl_stage_mask(m, t, r, e));
}

static void assert_same_tensor(const struct xl_record *a, const struct xl_record *b,
			       const char *name)
{
	const struct xl_tensor *p = xl_record_tensor(a, name), *q = xl_record_tensor(b, name);

	if (!p || !q || xl_tensor_bytes(p) != xl_tensor_bytes(q) ||
	    memcmp(p->data, q->data, xl_tensor_bytes(p)) != 0)
		fail_msg("%s of %s and %s differs", name, a->id, b->id);
}

static void check_repeated(const struct xl_method *method)
{
	struct xl_model *m = lively(method, 3);
	struct xl_tape *t = xl_tape_new();
	struct xl_record *a = picture("a", 40, 64, 1), *e = exemplar("e", 64, 64, 7);
	struct xl_record *b = picture("a", 40, 64, 1), *f = exemplar("f", 64, 64, 7);
	struct xl_record *c = picture("a", 40, 64, 1), *d = exemplar("d", 64, 64, 7);
	struct xl_record *g = exemplar("g", 64, 64, 2);

	ok(xl_stage_fuse(m, t, a, e));
	ok(xl_stage_decode(m, t, a));
	ok(xl_stage_exemplar(m, t, d));
	ok(xl_stage_fuse(m, t, c, d));
	assert_same_tensor(a, c, "h");
	for (int i = 0; i < 2; i++) {
		ok(xl_stage_encode(m, t, b));
		mask(m, t, b, NULL);
		ok(xl_stage_encode(m, t, f));
		mask(m, t, f, NULL);
		ok(xl_stage_fuse(m, t, b, f));
		mask(m, t, b, i ? f : NULL);
		ok(xl_stage_fuse(m, t, b, f));
		ok(xl_stage_decode(m, t, b));
	}
	assert_same_tensor(a, b, "out");
	assert_same_tensor(a, b, "h");
	ok(xl_stage_fuse(m, t, b, g)); /* another exemplar makes a difference */
	assert_true(memcmp(xl_record_tensor(a, "h")->data, xl_record_tensor(b, "h")->data,
			   xl_tensor_bytes(xl_record_tensor(a, "h"))) != 0);
	xl_record_free(a);
	xl_record_free(b);
	xl_record_free(c);
	xl_record_free(d);
	xl_record_free(e);
	xl_record_free(f);
	xl_record_free(g);
	xl_tape_free(t);
	xl_model_free(m);
}

/* One mask says what its cells lie on: as many pixels as are divided evenly. */
static void check_mask(const struct xl_method *method, const struct xl_record *r)
{
	const struct xl_tensor *m = xl_record_tensor(r, "m");
	struct xl_cells g;

	assert_int_equal(method->one_mask, m && m->shape[0] == 1);
	assert_int_equal(xl_meta_int(r, "mask_stride", 0), method->one_mask ? method->stride : 0);
	if (!method->one_mask)
		return;
	ok(xl_cells_on(r, method->stride, &g));
	assert_int_equal(g.ph % m->shape[1], 0);
	assert_int_equal(g.ph / m->shape[1], g.pw / m->shape[2]);
}

static void check_sizes(const struct xl_method *method)
{
	static const int64_t sizes[][2] = {{2, 2}, {3, 50}, {17, 16}, {64, 33}, {65, 128}};
	struct xl_model *m = lively(method, 3);
	struct xl_tape *t = xl_tape_new();

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct xl_record *a = picture("a", sizes[i][0], sizes[i][1], 1);
		struct xl_record *e = exemplar("e", 31, 47, 2);
		const int64_t shape[3] = {3, sizes[i][0], sizes[i][1]};
		ok(xl_stage_fuse(m, t, a, e));
		ok(xl_stage_decode(m, t, a));
		assert_true(xl_tensor_is(xl_record_tensor(a, "out"), 3, shape));
		check_mask(method, a);
		const float *y = xl_record_tensor(a, "out")->data;
		for (int64_t k = 0; k < 3 * shape[1] * shape[2]; k++)
			assert_true(y[k] >= -1 && y[k] <= 1);
		xl_record_free(a);
		xl_record_free(e);
	}
	xl_tape_free(t);
	xl_model_free(m);
}

/* Constant pictures have no variance. */
static void check_constant(const struct xl_method *method)
{
	struct xl_model *m = lively(method, 3);
	struct xl_tape *t = xl_tape_new();

	for (int level = 0; level < 256; level += 85) {
		struct xl_record *a = picture("a", 64, 64, 1);
		struct xl_tensor *x = xl_record_tensor(a, "x");
		memset(x->data, level, xl_tensor_bytes(x));
		struct xl_record *e = xl_record_copy(a);
		assert_non_null(e);
		ok(xl_meta_set_str(e, "domain", "B"));
		ok(xl_stage_fuse(m, t, a, e));
		mask(m, t, a, NULL);
		ok(xl_stage_decode(m, t, a));
		const float *y = xl_record_tensor(a, "out")->data;
		for (int64_t k = 0; k < 3 * 64 * 64; k++)
			assert_true(y[k] >= -1 && y[k] <= 1);
		xl_record_free(a);
		xl_record_free(e);
	}
	xl_tape_free(t);
	xl_model_free(m);
}

static void check_refusal(const struct xl_method *method)
{
	struct xl_model *m = lively(method, 3), *other = lively(method, 4);
	struct xl_tape *t = xl_tape_new();
	struct xl_record *a = picture("a", 64, 64, 1), *e = exemplar("e", 64, 64, 2);
	char want[128];

	ok(xl_stage_encode(m, t, a));
	assert_int_equal(xl_stage_fuse(other, t, a, e), -1);
	snprintf(want, sizeof want, "a: codes of model 0000.., this is 0000.. (%s, %d)",
		 method->name, (int)xl_model_int(m, "size"));
	assert_string_equal(xl_err_msg(), want);
	assert_int_equal(xl_stage_fuse(other, t, e, a), -1);
	assert_string_equal(xl_err_msg(), want);
	assert_int_equal(xl_stage_mask(other, t, a, NULL), -1);
	assert_int_equal(xl_stage_encode(other, t, a), -1);
	assert_int_equal(xl_stage_decode(other, t, a), -1);
	xl_record_free(a);
	xl_record_free(e);
	xl_tape_free(t);
	xl_model_free(m);
	xl_model_free(other);
}

/* Of a model file, a stage takes the networks it uses; results are those of the model saved. */
static void check_file(const struct xl_method *method)
{
	char path[] = "/tmp/xl-test-methods.XXXXXX";
	struct xl_model *m = lively(method, 3), *loaded;
	struct xl_tape *t = xl_tape_new();
	struct xl_record *a = picture("a", 64, 64, 1), *b = picture("a", 64, 64, 1);
	int unused = 0;

	close(mkstemp(path));
	ok(xl_model_save(m, path));
	assert_non_null(loaded = xl_model_load(path));
	for (int i = 0; i < loaded->n_nets; i++)
		assert_null(loaded->nets[i]->value);
	ok(xl_stage_encode(m, t, a));
	ok(xl_stage_encode(loaded, t, b));
	for (int i = 0; i < loaded->n_nets; i++)
		unused += loaded->nets[i]->group == XL_GENERATOR && !loaded->nets[i]->value;
	assert_true(unused > 0); /* what draws pictures, at least */
	ok(xl_stage_decode(m, t, a));
	ok(xl_stage_decode(loaded, t, b));
	assert_same_tensor(a, b, "out");
	/* what is written into the file meanwhile is noticed, also a file that has become short */
	xl_record_drop(b, "out");
	ok(truncate(path, 100));
	assert_int_equal(xl_stage_decode(loaded, t, b), -1);
	assert_non_null(strstr(xl_err_msg(), "written to while it was in use"));
	xl_record_free(a);
	xl_record_free(b);
	xl_tape_free(t);
	xl_model_free(m);
	xl_model_free(loaded);
	unlink(path);
}

#define TEST(name, check)                                                                          \
	static void name(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		each(check);                                                                       \
	}

TEST(losses_are_finite_and_named_once, check_losses)
TEST(weights_of_nothing_are_refused, check_weights)
TEST(threads_change_no_bit, check_threads)
TEST(an_interruption_changes_no_bit, check_resume)
TEST(a_dry_step_trains_nothing, check_dry)
TEST(stages_skipped_or_repeated_are_the_same, check_repeated)
TEST(pictures_keep_their_size, check_sizes)
TEST(constant_pictures_are_drawn, check_constant)
TEST(codes_of_another_model_are_refused, check_refusal)
TEST(a_stage_loads_what_it_uses, check_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(losses_are_finite_and_named_once),
		cmocka_unit_test(weights_of_nothing_are_refused),
		cmocka_unit_test(threads_change_no_bit),
		cmocka_unit_test(an_interruption_changes_no_bit),
		cmocka_unit_test(a_dry_step_trains_nothing),
		cmocka_unit_test(totals_do_not_outlive_a_failure),
		cmocka_unit_test(stages_skipped_or_repeated_are_the_same),
		cmocka_unit_test(pictures_keep_their_size),
		cmocka_unit_test(constant_pictures_are_drawn),
		cmocka_unit_test(codes_of_another_model_are_refused),
		cmocka_unit_test(a_stage_loads_what_it_uses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
