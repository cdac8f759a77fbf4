/*
 * test_lomit.c - LOMIT against its specification: parameter counts, HAdaIN's
 * reference vectors, and the properties a correct implementation has. The full
 * steps against PyTorch are in test_golden_lomit.c.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "methods/lomit_net.h"
#include "methods/model.h"

static struct xl_model *build(const char *const *set, int n_attributes, bool trained)
{
	static const char *const names[12] = {"a", "b", "c", "d", "e", "f",
					      "g", "h", "i", "j", "k", "l"};
	struct xl_model *m = xl_model_new(xl_method_find("lomit"));

	assert_non_null(m);
	for (; *set; set += 2)
		if (xl_model_set(m, set[0], set[1]))
			fail_msg("%s", xl_err_msg());
	assert_int_equal(xl_model_attributes(m, names, n_attributes), 0);
	if (xl_model_build(m, 3, trained))
		fail_msg("%s", xl_err_msg());
	return m;
}

static void check_count(const char *size, const char *width, const char *variant, const char *split,
			int attributes, size_t generator, size_t critic)
{
	const char *set[] = {"size",  size,          "width", width, "variant",
			     variant, "style-split", split,   NULL};
	struct xl_model *m = xl_model_new(xl_method_find("lomit"));
	static const char *const names[12] = {"a", "b", "c", "d", "e", "f",
					      "g", "h", "i", "j", "k", "l"};

	for (int i = 0; set[i]; i += 2)
		assert_int_equal(xl_model_set(m, set[i], set[i + 1]), 0);
	assert_int_equal(xl_model_attributes(m, names, attributes), 0);
	assert_int_equal(m->method->build(m), 0); /* declares, allocates nothing */
	assert_int_equal(xl_model_params(m, XL_GENERATOR), generator);
	assert_int_equal(xl_model_params(m, XL_CRITIC), critic);
	xl_model_free(m);
}

static void test_counts(void **state)
{
	(void)state;
	check_count("128", "64", "ijcai", "false", 4, 17857676, 44753861);
	check_count("128", "64", "iclr", "false", 4, 18120588, 44753861);
	check_count("128", "64", "iclr", "true", 4, 20220308, 44753861);
	check_count("256", "64", "ijcai", "false", 4, 17857676, 44852165);
	check_count("128", "32", "iclr", "false", 4, 4544460, 11203045);
	check_count("64", "64", "ijcai", "false", 4, 17857676, 11171781);
	check_count("64", "32", "ijcai", "false", 4, 4478540, 2800613);
	check_count("64", "16", "iclr", "false", 4, 1143276, 703989);
	check_count("32", "16", "ijcai", "false", 4, 1126700, 176245);
	check_count("32", "8", "iclr", "false", 4, 289404, 45117);
	check_count("128", "64", "ijcai", "false", 1, 17857676, 44729282);
	check_count("128", "64", "ijcai", "false", 2, 17857676, 44737475);
	check_count("128", "64", "ijcai", "false", 5, 17857676, 44762054);
	check_count("128", "64", "ijcai", "false", 12, 17857676, 44819405);
}

/* ---- HAdaIN ---- */

struct hadain {
	struct xl_tape *t;
	struct xl_var *c, *m, *f, *b, *y;
	float gc[24], gm[12], gf[4], gb[4];
};

static const float ref_f[4] = {0.1f, -0.2f, 1.5f, 0.5f}, ref_b[4] = {-0.3f, 0.4f, 0.8f, -1.1f};

static void hadain_run(struct hadain *k, const struct xl_lomit *h, const float *m, const float *f,
		       const float *b)
{
	float c[24];

	memset(k, 0, sizeof *k);
	for (int i = 0; i < 24; i++)
		c[i] = (float)sin(0.7 * i + 0.3);
	k->t = xl_tape_new();
	assert_non_null(k->t);
	xl_tape_record(k->t, true);
	struct xl_var *const in[] = {xl_var_input(k->t, 1, 2, 3, 4, c),
				     xl_var_input(k->t, 1, 1, 3, 4, m)};
	k->c = xl_var_leaf(k->t, in[0]->d, in[0]->data, k->gc);
	k->m = xl_var_leaf(k->t, in[1]->d, in[1]->data, k->gm);
	k->f = xl_var_leaf(k->t, xl_dims_map(1, 4, 1, 1), f, k->gf);
	k->b = xl_var_leaf(k->t, xl_dims_map(1, 4, 1, 1), b, k->gb);
	k->y = xl_lomit_hadain(k->t, h, k->m, k->c, k->f, k->b);
	assert_non_null(k->y);
}

static void ref_mask(float *m)
{
	for (int i = 0; i < 12; i++)
		m[i] = (float)(i % 5) / 4;
}

static void close_to(const float *got, const double *want, int n, double tolerance)
{
	for (int i = 0; i < n; i++)
		if (!(fabs((double)got[i] - want[i]) <= tolerance * (1 + fabs(want[i]))))
			fail_msg("number %d is %.9g, not %.9g", i, (double)got[i], want[i]);
}

static void check_hadain(bool compat, const double *rows, const double *gc, const double *gm,
			 const double *ends, double tolerance)
{
	const struct xl_lomit h = {.gamma = "linear", .compat = compat};
	struct hadain k;
	float m[12], y[24], r[24];

	ref_mask(m);
	hadain_run(&k, &h, m, ref_f, ref_b);
	xl_var_read(k.t, k.y, y);
	close_to(y, rows, 4, tolerance);
	close_to(y + 20, rows + 4, 4, tolerance);
	for (int i = 0; i < 24; i++)
		r[i] = (float)cos(0.9 * i);
	struct xl_var *loss = xl_op_sum(k.t, xl_op_mul(k.t, k.y, xl_var_input(k.t, 1, 2, 3, 4, r)));
	const float l = (float)xl_var_scalar(k.t, loss);
	close_to(&l, &rows[8], 1, tolerance);
	assert_int_equal(xl_backward(k.t, loss, 0), 0);
	close_to(k.gc, gc, 4, 20 * tolerance);
	close_to(k.gc + 20, gc + 4, 4, 20 * tolerance);
	close_to(k.gm, gm, 4, tolerance);
	const float g[8] = {k.gf[2], k.gf[3], k.gf[0], k.gf[1], k.gb[2], k.gb[3], k.gb[0], k.gb[1]};
	close_to(g, ends, 8, tolerance);
	xl_tape_free(k.t);
}

static void test_hadain_paper(void **state)
{
	(void)state;
	check_hadain(false,
		     (double[]){-0.1672906, 0.7208216, 1.2324065, 0.9377015, 0.0974444, 0.2849465,
				0.3925845, 0.9234184, -5.0798047},
		     (double[]){1.355810, 1.556512, 0.450931, -1.161128, -0.192385, 0.506245,
				-1.108121, 0.234254},
		     (double[]){0.325239, 0.304140, -2.381923, -2.571501},
		     (double[]){-1.970692, 0.762119, -0.883987, 1.963703, -2.752961, -0.358081,
				0.465806, -0.188662},
		     3e-6);
}

static void test_hadain_compat(void **state)
{
	(void)state;
	check_hadain(true,
		     (double[]){0.7869723, 6.6367283, 9.0825576, 6.0946707, 47.7381710, 36.2536874,
				0.5138484, -20.9746348, -14.4623558},
		     (double[]){61.402344, -10.785791, -38.824578, -7.245324, 146.892955,
				114.495436, -35.102197, -167.616474},
		     (double[]){-3.005345, 1.900391, -20.908951, -20.650790},
		     (double[]){-9.162176, 14.322215, -0.883987, 1.963703, -9.019383, -3.023661,
				0.465806, -0.188662},
		     3e-5);
}

static void hadain_value(const struct xl_lomit *h, const float *m, const float *f, const float *b,
			 float *y)
{
	struct hadain k;

	hadain_run(&k, h, m, f, b);
	xl_var_read(k.t, k.y, y);
	xl_tape_free(k.t);
}

/* Properties 1 to 5 and 7 of the specification. */
static void test_hadain_properties(void **state)
{
	const struct xl_lomit h = {.gamma = "linear"};
	float m[12], not_m[12], zero[12] = {0}, one[12];
	float y[24], y0[24], y1[24], z[24];

	(void)state;
	ref_mask(m);
	for (int i = 0; i < 12; i++) {
		one[i] = 1;
		not_m[i] = 1 - m[i];
	}
	hadain_value(&h, zero, ref_f, ref_b, y0);
	hadain_value(&h, zero, ref_b, ref_b, z);
	assert_memory_equal(y0, z, sizeof z); /* 1: m = 0 knows nothing of f */
	hadain_value(&h, one, ref_f, ref_b, y1);
	hadain_value(&h, one, ref_f, ref_f, z);
	assert_memory_equal(y1, z, sizeof z); /* 2: m = 1 knows nothing of b */
	hadain_value(&h, m, ref_f, ref_b, y);
	for (int i = 0; i < 24; i++) /* 3: linear in m */
		assert_true(fabsf(y[i] - (m[i % 12] * y1[i] + not_m[i % 12] * y0[i])) < 1e-6f);
	hadain_value(&h, not_m, ref_b, ref_f, z);
	for (int i = 0; i < 24; i++) /* 4: exchange both */
		assert_true(fabsf(y[i] - z[i]) < 1e-6f);
	hadain_value(&h, m, ref_f, ref_f, z);
	for (int i = 0; i < 24; i++) /* 5: equal styles need no mask */
		assert_true(fabsf(z[i] - y1[i]) < 1e-6f);
	for (int c = 0; c < 2; c++) { /* 7: statistics are beta and |gamma| */
		double mean = 0, var = 0;
		for (int i = 0; i < 12; i++)
			mean += (double)y1[12 * c + i] / 12;
		for (int i = 0; i < 12; i++)
			var += pow((double)y1[12 * c + i] - mean, 2) / 12;
		assert_true(fabs(mean - (double)ref_f[c]) < 1e-6);
		assert_true(fabs(sqrt(var) - fabs((double)ref_f[2 + c])) < 1e-4);
	}
}

static void test_hadain_gradient_properties(void **state)
{
	const struct xl_lomit h = {.gamma = "linear"};
	const float zero[12] = {0};
	struct hadain k;
	float m[12];

	(void)state;
	hadain_run(&k, &h, zero, ref_f, ref_b); /* 1: dL/ds_f = 0 */
	assert_int_equal(xl_backward(k.t, xl_op_sum(k.t, xl_op_mul(k.t, k.y, k.y)), 0), 0);
	for (int i = 0; i < 4; i++)
		assert_true(k.gf[i] == 0);
	xl_tape_free(k.t);
	ref_mask(m);
	hadain_run(&k, &h, m, ref_f, ref_f); /* 5: dL/dm = 0 */
	assert_int_equal(xl_backward(k.t, xl_op_sum(k.t, xl_op_mul(k.t, k.y, k.y)), 0), 0);
	for (int i = 0; i < 12; i++)
		assert_true(fabsf(k.gm[i]) < 1e-5f);
	xl_tape_free(k.t);
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
	assert_int_equal(xl_record_put(r, "x", x), 0);
	return r;
}

static bool same(const struct xl_record *a, const struct xl_record *b, const char *name)
{
	const struct xl_tensor *p = xl_record_tensor(a, name), *q = xl_record_tensor(b, name);

	return p && q && xl_tensor_bytes(p) == xl_tensor_bytes(q) &&
	       memcmp(p->data, q->data, xl_tensor_bytes(p)) == 0;
}

static void ok(int rc)
{
	if (rc)
		fail_msg("%s", xl_err_msg());
}

static const char *const small[] = {"size", "32", "width", "4", NULL};
static const char *const small_iclr[] = {"size", "32", "width", "4", "variant", "iclr", NULL};

/* 13: an image fused with itself is its self-reconstruction. */
static void test_self(void **state)
{
	const char *const *const sets[] = {small, small_iclr};
	struct xl_tape *t = xl_tape_new();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct xl_model *m = build(sets[i], 2, false);
		struct xl_record *a = picture("a", 32, 32, 1), *e = picture("e", 32, 32, 1);
		struct xl_record *s = picture("s", 32, 32, 1);
		ok(xl_stage_fuse(m, t, a, e));
		ok(xl_stage_decode(m, t, a));
		ok(xl_stage_encode(m, t, s));
		ok(xl_stage_decode(m, t, s));
		assert_true(same(a, s, "out"));
		xl_record_free(a);
		xl_record_free(e);
		xl_record_free(s);
		xl_model_free(m);
	}
	xl_tape_free(t);
}

/* 14: with an empty exemplar mask the exemplar does not matter; and masks,
 * styles and stages skipped or repeated give the same bytes. */
static void test_stages(void **state)
{
	struct xl_tape *t = xl_tape_new();
	struct xl_model *m = build(small, 2, false);
	struct xl_record *out[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct xl_record *e = picture("e", 48, 32, 2 + 3 * i);
		out[i] = picture("a", 32, 32, 1);
		ok(xl_stage_mask(m, t, e, NULL));
		struct xl_tensor *mask = xl_record_tensor(e, "m");
		memset(mask->data, 0, xl_tensor_bytes(mask));
		ok(xl_stage_mask_changed(m, e));
		ok(xl_stage_fuse(m, t, out[i], e));
		ok(xl_stage_decode(m, t, out[i]));
		xl_record_free(e);
	}
	assert_true(same(out[0], out[1], "out"));

	struct xl_record *a = picture("a", 32, 32, 1), *e = picture("e", 32, 32, 7);
	struct xl_record *b = picture("a", 32, 32, 1), *f = picture("e", 32, 32, 7);
	ok(xl_stage_fuse(m, t, a, e));
	ok(xl_stage_decode(m, t, a));
	for (int i = 0; i < 2; i++) {
		ok(xl_stage_encode(m, t, b));
		ok(xl_stage_mask(m, t, b, NULL));
		ok(xl_stage_encode(m, t, f));
		ok(xl_stage_fuse(m, t, b, f));
		ok(xl_stage_decode(m, t, b));
	}
	assert_true(same(a, b, "out") && same(a, b, "m") && same(a, b, "h"));
	assert_false(same(a, out[0], "out"));
	xl_record_free(a);
	xl_record_free(b);
	xl_record_free(e);
	xl_record_free(f);
	xl_record_free(out[0]);
	xl_record_free(out[1]);
	xl_model_free(m);
	xl_tape_free(t);
}

/* Codes that are not numbers, and masks that are not masks, go no further. */
static void test_values(void **state)
{
	static const struct {
		const char *name;
		float value;
		const char *message;
	} cases[] = {{"m", 7, "a: m holds 7, a mask lies in 0..1"},
		     {"m", -0.5f, "a: m holds -0.5, a mask lies in 0..1"},
		     {"c", NAN, "a: c holds nan, codes are finite"},
		     {"s_b", INFINITY, "a: s_b holds inf, codes are finite"}};
	struct xl_tape *t = xl_tape_new();
	struct xl_model *m = build(small, 1, false);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct xl_record *a = picture("a", 32, 32, 1), *e = picture("e", 32, 32, 2);
		ok(xl_stage_encode(m, t, a));
		((float *)xl_record_tensor(a, cases[i].name)->data)[3] = cases[i].value;
		assert_int_equal(xl_stage_fuse(m, t, a, e), -1);
		assert_string_equal(xl_err_msg(), cases[i].message);
		xl_record_free(a);
		xl_record_free(e);
	}
	xl_model_free(m);
	xl_tape_free(t);
}

/* Any size: what comes out has the size that went in. */
static void test_sizes(void **state)
{
	static const int64_t sizes[][2] = {{2, 2}, {3, 50}, {17, 16}, {31, 33}, {40, 64}};
	struct xl_tape *t = xl_tape_new();
	struct xl_model *m = build(small, 1, false);

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct xl_record *a = picture("a", sizes[i][0], sizes[i][1], 1);
		const int64_t shape[3] = {3, sizes[i][0], sizes[i][1]};
		ok(xl_stage_encode(m, t, a));
		ok(xl_stage_decode(m, t, a));
		assert_true(xl_tensor_is(xl_record_tensor(a, "out"), 3, shape));
		xl_record_free(a);
	}
	xl_model_free(m);
	xl_tape_free(t);
}

/* 15 and 22: with running statistics an image is the same alone or in a batch. */
static void test_alone_or_in_a_batch(void **state)
{
	struct xl_tape *t = xl_tape_new();
	struct xl_model *m = build(small, 1, false);
	struct xl_record *r[3];
	float x[3 * 3 * 32 * 32], batch[3 * 8 * 8];

	(void)state;
	for (int i = 0; i < 3; i++) {
		r[i] = picture("r", 32, 32, i);
		struct xl_tensor *f = xl_image_to_f4(xl_record_tensor(r[i], "x"));
		memcpy(x + i * 3072, f->data, 3072 * sizeof *x);
		xl_tensor_free(f);
		ok(xl_stage_encode(m, t, r[i]));
	}
	xl_tape_reset(t);
	xl_model_bn(m, XL_BN_RUNNING);
	ok(xl_model_bind(m, t, XL_GENERATOR, false));
	struct xl_var *c = xl_lomit_content(t, m->state, xl_var_input(t, 3, 3, 32, 32, x));
	struct xl_var *mask = xl_lomit_mask(t, m->state, c, false);
	assert_non_null(mask);
	xl_var_read(t, mask, batch);
	for (int i = 0; i < 3; i++) {
		assert_memory_equal(xl_record_tensor(r[i], "m")->data, batch + i * 64,
				    64 * sizeof *batch);
		xl_record_free(r[i]);
	}
	xl_model_free(m);
	xl_tape_free(t);
}

/* ---- training ---- */

static void fill_batch(float *x, int which, int n, int side)
{
	for (int i = 0; i < n * 3 * side * side; i++)
		x[i] = (float)sin(0.21 * (i % side) + 0.15 * (i / side % side) + i / (side * side) +
				  2.2 * which);
}

/* 12: exchanging the two sides changes no loss (without the penalty, whose
 * draws belong to a side). */
static void test_exchange(void **state)
{
	static float x[2][2 * 3 * 32 * 32];
	const float y[2][4] = {{1, 0, 0, 1}, {0, 1, 0, 0}}, alpha[4] = {0.3f, 0.3f, 0.3f, 0.3f};
	struct xl_losses loss[2];

	(void)state;
	fill_batch(x[0], 0, 2, 32);
	fill_batch(x[1], 1, 2, 32);
	for (int i = 0; i < 2; i++) {
		struct xl_model *m = build(small, 2, true);
		struct xl_tape *t = xl_tape_new();
		const struct xl_batch b = {
			.n = 2, .x = {x[i], x[1 - i]}, .y = {y[i], y[1 - i]}, .alpha = alpha};
		ok(m->method->step(m, t, &b, 0, &loss[i]));
		xl_tape_free(t);
		xl_model_free(m);
	}
	for (int i = 0; xl_method_find("lomit")->loss_names[i]; i++) {
		assert_true(loss[0].given[i] && loss[1].given[i]);
		if (fabs(loss[0].value[i] - loss[1].value[i]) > 1e-5 * (1 + fabs(loss[0].value[i])))
			fail_msg("%s: %.9g and %.9g", xl_method_find("lomit")->loss_names[i],
				 loss[0].value[i], loss[1].value[i]);
	}
}

/* 21: four pairs are learned by heart. */
static void test_overfit(void **state)
{
	const char *const set[] = {"size",      "32",   "width",     "8", "critic",    "1",
				   "lr",        "1e-3", "w-adv",     "0", "w-cls",     "0",
				   "w-cycle",   "0",    "w-style-f", "0", "w-style-b", "0",
				   "w-content", "0",    NULL};
	static float x[2][4 * 3 * 32 * 32];
	const float y[4] = {1, 0, 1, 0};
	struct xl_model *m = build(set, 1, true);
	struct xl_tape *t = xl_tape_new();
	struct xl_losses loss = {0};
	int self = 0;

	(void)state;
	while (strcmp(m->method->loss_names[self], "G.self"))
		self++;
	fill_batch(x[0], 0, 4, 32);
	fill_batch(x[1], 1, 4, 32);
	for (int i = 0; i < 400 && (i == 0 || loss.value[self] / 2 >= 0.05); i++) {
		const struct xl_batch b = {.n = 4, .x = {x[0], x[1]}, .y = {y, y}};
		xl_tape_reset(t);
		ok(m->method->step(m, t, &b, i, &loss));
	}
	if (!(loss.value[self] / 2 < 0.05))
		fail_msg("mean L1 of self-reconstruction stays at %g", loss.value[self] / 2);
	xl_tape_free(t);
	xl_model_free(m);
}

/* 17: on a 2x2 map the mean of the reflect-padded head is a global critic. */
static void test_critic_identity(void **state)
{
	const char *const set[] = {"size", "128", "width", "4", NULL};
	struct xl_model *m = build(set, 1, true);
	struct xl_lomit_nets *s = m->state;
	struct xl_tape *t = xl_tape_new();
	static float x[3 * 128 * 128], map[128 * 4];
	float src[4];
	double want, mean = 0;

	(void)state;
	fill_batch(x, 0, 1, 128);
	ok(xl_model_bind(m, t, XL_CRITIC, false));
	struct xl_var *v = xl_lomit_trunk(t, s, xl_var_input(t, 1, 3, 128, 128, x));
	xl_var_read(t, v, map);
	xl_var_read(t, xl_lomit_src(t, s, v), src);
	const float *w = s->d->value + s->d->params[s->src.first].at;
	want = (double)s->d->value[s->d->params[s->src.first + 1].at];
	for (int c = 0; c < 128; c++) {
		double taps = 0, sum = 0;
		for (int k = 0; k < 9; k++)
			taps += (double)w[9 * c + k];
		for (int k = 0; k < 4; k++)
			sum += (double)map[4 * c + k];
		want += taps * sum / 4;
	}
	for (int k = 0; k < 4; k++)
		mean += (double)src[k] / 4;
	assert_true(fabs(mean - want) < 1e-6 * (1 + fabs(want)));
	xl_tape_free(t);
	xl_model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_hadain_paper),
		cmocka_unit_test(test_hadain_compat),
		cmocka_unit_test(test_hadain_properties),
		cmocka_unit_test(test_hadain_gradient_properties),
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_alone_or_in_a_batch),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_critic_identity),
		cmocka_unit_test(test_overfit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
