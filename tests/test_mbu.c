/*
 * test_mbu.c - MBU against its specification: parameter counts, published weights,
 * what masks guarantee, which loss reaches which network. Whole steps against PyTorch
 * are in test_golden_mbu.c, what holds for every method in test_methods.c.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/rng.h"
#include "image/image.h"
#include "methods/mbu_net.h"
#include "methods/model.h"

enum { SIDE = 64, PIXELS = SIDE * SIDE, IMAGE = 3 * PIXELS, BATCH = 3 };

static void ok(int rc)
{
	if (rc)
		fail_msg("%s", xl_err_msg());
}

static struct xl_model *configure(const char *const *set)
{
	struct xl_model *m = xl_model_new(xl_method_find("mbu"));

	assert_non_null(m);
	for (; *set; set += 2)
		ok(xl_model_set(m, set[0], set[1]));
	return m;
}

static const char *const small[] = {"size", "64", "width", "2", "sep", "5", "batch", "3", NULL};

static struct xl_model *build(const char *name, const char *value, bool trained)
{
	struct xl_model *m = configure(small);

	if (name)
		ok(xl_model_set(m, name, value));
	ok(xl_model_build(m, 3, trained));
	snprintf(m->digest, sizeof m->digest, "%064d", 3);
	return m;
}

/* For inference: weights so large that codes count, though nothing was trained. */
static struct xl_model *lively(void)
{
	struct xl_model *m = build(NULL, NULL, false);

	for (int i = 0; i < m->n_nets; i++)
		for (int k = 0; m->nets[i]->value && k < m->nets[i]->n_params; k++) {
			const struct xl_param *p = &m->nets[i]->params[k];
			for (int64_t e = 0; p->fan_in && e < xl_dims_count(&p->d); e++)
				m->nets[i]->value[p->at + (size_t)e] *= 6;
		}
	return m;
}

/* ---- networks ---- */

static void check_count(const char *size, const char *name, const char *value, size_t e_c,
			size_t e_s, size_t c)
{
	struct xl_model *m = configure((const char *const[]){"size", size, name, value, NULL});
	const struct xl_mbu_nets *s = m->state;

	ok(m->method->build(m)); /* declares, allocates nothing */
	assert_int_equal(xl_net_count(s->e_c), e_c);
	assert_int_equal(xl_net_count(s->e_s), e_s);
	assert_int_equal(xl_net_count(s->d_a), 6984099);
	assert_int_equal(xl_net_count(s->d_b), 6984612);
	assert_int_equal(xl_net_count(s->c), c);
	assert_int_equal(xl_model_params(m, XL_GENERATOR), e_c + e_s + 6984099 + 6984612);
	assert_int_equal(xl_model_params(m, XL_CRITIC), c);
	xl_model_free(m);
}

static void test_counts(void **state)
{
	(void)state;
	check_count("128", "profile", "code", 6483482, 742379, 998401);
	check_count("128", "profile", "paper", 5097032, 896204, 844801);
	check_count("128", "sep", "100", 5097032, 896204, 844801);
	check_count("64", "sep", "25", 6483482, 742379, 250369);
	check_count("256", "sep", "25", 6483482, 742379, 3990529);
}

static int buffers(const struct xl_net *net)
{
	int n = 0;

	for (int i = 0; i < net->n_params; i++)
		n += net->params[i].buffer ? net->params[i].d.c : 0;
	return n / 2;
}

static void test_batch_norm_channels(void **state)
{
	struct xl_model *m = configure((const char *const[]){NULL});
	const struct xl_mbu_nets *s = m->state;

	(void)state;
	ok(m->method->build(m));
	assert_int_equal(buffers(s->e_c), 1454);
	assert_int_equal(buffers(s->e_s), 505);
	assert_int_equal(buffers(s->d_a), 992);
	assert_int_equal(buffers(s->d_b), 992);
	assert_int_equal(buffers(s->c), 0);
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
	refused((const char *const[]){"size", "96", NULL}, "size 96 is not a multiple of 64");
	refused((const char *const[]){"width", "2", "sep", "32", NULL},
		"sep 32 leaves no channel of 32");
	refused((const char *const[]){"size", "64", "batch", "1", NULL},
		"batch 1 at size 64: a batch norm needs two values");
	refused((const char *const[]){"w-recon1-a", "0", "w-recon1-b", "0", "w-cycle-c", "0",
				      "w-cycle-s", "0", "w-recon2-a", "0", "w-recon2-b", "0",
				      "w-dc", "0", NULL},
		"every weight is 0: there is nothing to learn");
}

/* The code of 2x2 places goes to C by channel, row, column. */
static void test_code_is_flattened_by_channel(void **state)
{
	struct xl_model *m =
		configure((const char *const[]){"size", "128", "width", "1", "sep", "13", NULL});
	struct xl_mbu_nets *s = m->state;
	struct xl_tape *t = xl_tape_new();
	const float code[12] = {0.5f, -1, 2, 0.25f, 3, 0, -2, 1, 0.125f, 1.5f, -0.75f, 4};
	double hidden, want;
	float got;

	(void)state;
	ok(xl_model_build(m, 3, true));
	ok(xl_model_bind(m, t, XL_CRITIC, false));
	struct xl_var *z = xl_mbu_confuse(t, s, xl_var_input(t, 1, 3, 2, 2, code));
	assert_non_null(z);
	xl_var_read(t, z, &got);
	const struct xl_param *p = s->c->params;
	const float *w1 = s->c->value + p[0].at, *b1 = s->c->value + p[1].at;
	const float *w2 = s->c->value + p[2].at;
	want = (double)s->c->value[p[3].at];
	for (int o = 0; o < 16; o++) {
		hidden = (double)b1[o];
		for (int i = 0; i < 12; i++)
			hidden += (double)w1[12 * o + i] * (double)code[i];
		want += (double)w2[o] * (hidden > 0 ? hidden : 0.2 * hidden);
	}
	assert_true(fabs((double)got - want) < 1e-5);
	xl_tape_free(t);
	xl_model_free(m);
}

/* ---- masks and blending ---- */

/* The reference pixel, with its gradient. */
static void test_pixel(void **state)
{
	const float l = 0.3f, r[3] = {0.5f, -1, 2}, c[3] = {0.2f, -0.4f, 0.9f};
	const float g[3] = {1, -2, 0.5f};
	const double want_out[3] = {0.350571240, -0.607715057, 0.936780164};
	const double want_r[3] = {0.451769015, -0.482502236, 0.020292419};
	const double want_c[3] = {0.425557483, -0.851114966, 0.212778742};
	const struct xl_dims one = xl_dims_map(1, 1, 1, 1), three = xl_dims_map(1, 3, 1, 1);
	float gl = 0, gr[3] = {0}, gc[3] = {0}, out[3];
	struct xl_tape *t = xl_tape_new();

	(void)state;
	xl_tape_record(t, true);
	struct xl_var *m = xl_op_sigmoid(t, xl_var_leaf(t, one, &l, &gl));
	struct xl_var *raw = xl_op_tanh(t, xl_var_leaf(t, three, r, gr));
	struct xl_var *y = xl_nn_blend(t, m, raw, xl_var_leaf(t, three, c, gc));
	assert_non_null(y);
	xl_var_read(t, y, out);
	ok(xl_backward(t, xl_op_sum(t, xl_op_mul(t, y, xl_var_input(t, 1, 3, 1, 1, g))), 0));
	assert_float_equal(gl, 0.248692149, 1e-6);
	for (int k = 0; k < 3; k++) {
		assert_float_equal(out[k], want_out[k], 1e-6);
		assert_float_equal(gr[k], want_r[k], 1e-6);
		assert_float_equal(gc[k], want_c[k], 1e-6);
	}
	xl_tape_free(t);
}

static void fill(float *x, int n, double phase)
{
	for (int i = 0; i < n * IMAGE; i++)
		x[i] = (float)sin(0.21 * (i % SIDE) + 0.15 * (i / SIDE % SIDE) + i / PIXELS +
				  phase);
}

/* What a loss that only compares z(x,x) with x asks of the mask: to shrink. And z is
 * as far from x as the mask lets it be. */
static void test_recon2_shrinks_masks(void **state)
{
	struct xl_model *m = build(NULL, NULL, true);
	struct xl_mbu_nets *s = m->state;
	struct xl_tape *t = xl_tape_new();
	static float x[BATCH * IMAGE], mask[BATCH * PIXELS], raw[BATCH * IMAGE], z[BATCH * IMAGE];
	double sum = 0;

	(void)state;
	fill(x, BATCH, 0);
	xl_model_bn(m, XL_BN_BATCH);
	ok(xl_model_bind(m, t, XL_GENERATOR, false));
	struct xl_var *v = xl_var_input(t, BATCH, 3, SIDE, SIDE, x);
	struct xl_var *code = xl_mbu_join(t, xl_mbu_common(t, s, v), xl_mbu_separate(t, s, v));
	const struct xl_mbu_drawn d = xl_mbu_with(t, s, code);
	struct xl_var *y = xl_nn_blend(t, d.m, d.raw, v), *loss = xl_nn_l1(t, y, v);
	assert_non_null(loss);
	xl_var_read(t, d.m, mask);
	xl_var_read(t, d.raw, raw);
	xl_var_read(t, y, z);
	for (int i = 0; i < BATCH * IMAGE; i++) {
		const double mi = (double)mask[i / IMAGE * PIXELS + i % PIXELS];
		const double change = fabs((double)z[i] - (double)x[i]);
		const double bound = mi * fabs((double)raw[i] - (double)x[i]);
		assert_true(mi > 0 && mi < 1 && fabsf(raw[i]) <= 1);
		assert_true(change <= bound + 1e-6 && change <= 2 * mi + 1e-6);
		sum += bound / (BATCH * IMAGE);
	}
	assert_float_equal(xl_var_scalar(t, loss), sum, 1e-6);
	/* drawn again in training, the same bits */
	const struct xl_mbu_drawn e = xl_mbu_with(t, s, code);
	static float again[BATCH * IMAGE];
	xl_var_read(t, e.raw, again);
	assert_memory_equal(raw, again, sizeof raw);
	xl_var_read(t, e.m, again);
	assert_memory_equal(mask, again, sizeof mask);
	xl_tape_free(t);
	xl_model_free(m);
}

/* Images of a batch in another order: the same drawings in that order; with running
 * statistics each is the same, to the bit, alone. */
static void test_batches(void **state)
{
	struct xl_model *m = build(NULL, NULL, true);
	struct xl_mbu_nets *s = m->state;
	struct xl_tape *t = xl_tape_new();
	static float x[2][BATCH * IMAGE], raw[3][BATCH * IMAGE];

	(void)state;
	fill(x[0], BATCH, 0.5);
	for (int i = 0; i < BATCH; i++)
		memcpy(x[1] + i * IMAGE, x[0] + (BATCH - 1 - i) * IMAGE, sizeof x[0] / BATCH);
	ok(xl_model_bind(m, t, XL_GENERATOR, false));
	for (int i = 0; i < 3; i++) { /* in order, in reverse, alone */
		const int n = i == 2 ? 1 : BATCH;
		xl_model_bn(m, i == 2 ? XL_BN_RUNNING : XL_BN_BATCH);
		struct xl_var *v = xl_var_input(t, n, 3, SIDE, SIDE, x[i % 2]);
		struct xl_var *c = xl_mbu_common(t, s, v);
		const struct xl_mbu_drawn d =
			xl_mbu_with(t, s, xl_mbu_join(t, c, xl_mbu_separate(t, s, v)));
		assert_non_null(d.raw);
		xl_var_read(t, d.raw, raw[i]);
	}
	for (int i = 0; i < BATCH * IMAGE; i++) {
		const int j = (BATCH - 1 - i / IMAGE) * IMAGE + i % IMAGE;
		assert_true(fabsf(raw[0][i] - raw[1][j]) < 1e-5f);
	}
	xl_model_bn(m, XL_BN_RUNNING);
	struct xl_var *v = xl_var_input(t, BATCH, 3, SIDE, SIDE, x[0]);
	struct xl_var *c = xl_mbu_common(t, s, v);
	const struct xl_mbu_drawn d =
		xl_mbu_with(t, s, xl_mbu_join(t, c, xl_mbu_separate(t, s, v)));
	xl_var_read(t, d.raw, raw[0]);
	assert_memory_equal(raw[0], raw[2], IMAGE * sizeof(float));
	xl_tape_free(t);
	xl_model_free(m);
}

/* ---- stages ---- */

static struct xl_record *picture(const char *id, int h, int w, double phase)
{
	const int64_t shape[3] = {3, h, w};
	struct xl_record *r = xl_record_new(XL_IMAGE, id);
	struct xl_tensor *x = xl_tensor_new(XL_U1, 3, shape);

	assert_true(r && x);
	for (int i = 0; i < 3 * h * w; i++)
		((uint8_t *)x->data)[i] =
			(uint8_t)(127.5 + 120 * sin(phase + 0.13 * (i % w) + 0.17 * (i / w)));
	ok(xl_record_put(r, "x", x));
	return r;
}

static const float *values(const struct xl_record *r, const char *name)
{
	const struct xl_tensor *t = xl_record_tensor(r, name);

	if (!t)
		fail_msg("%s has no %s", r->id, name);
	return t->data;
}

/* Replaces the mask by value(i) at each pixel, as an edit does. */
static void edit(struct xl_model *m, struct xl_tape *t, struct xl_record *r, float (*value)(int))
{
	ok(xl_stage_mask(m, t, r, NULL));
	struct xl_tensor *mask = xl_record_tensor(r, "m");
	for (int i = 0; i < (int)xl_tensor_count(mask); i++)
		((float *)mask->data)[i] = value(i);
	ok(xl_stage_mask_changed(m, r));
}

static float none(int i)
{
	(void)i;
	return 0;
}

static float all(int i)
{
	(void)i;
	return 1;
}

static float left(int i)
{
	return i % SIDE < SIDE / 2;
}

/* What D_A and D_B draw of the record's code. */
static void drawings(struct xl_model *m, struct xl_tape *t, const struct xl_record *r,
		     float *without, float *with)
{
	const struct xl_tensor *h = xl_record_tensor(r, "h");
	struct xl_mbu_nets *s = m->state;

	xl_tape_reset(t);
	xl_model_bn(m, XL_BN_RUNNING);
	ok(xl_model_bind(m, t, XL_GENERATOR, false));
	assert_non_null(h);
	struct xl_var *v = xl_var_input(t, 1, s->code, 1, 1, h->data);
	xl_var_read(t, xl_mbu_without(t, s, v), without);
	xl_var_read(t, xl_mbu_with(t, s, v).raw, with);
}

/* Transfer: where the mask is 0 the input to the bit, where it is 1 the drawing. An
 * edit after the exemplar has been applied, and one before. */
static void test_transfer_is_masked(void **state)
{
	struct xl_model *m = lively();
	struct xl_tape *t = xl_tape_new();
	static float without[IMAGE], with[IMAGE];

	(void)state;
	for (int k = 0; k < 6; k++) {
		float (*const value[3])(int) = {none, all, left};
		struct xl_record *a = picture("a", SIDE, SIDE, 1), *b = picture("b", SIDE, SIDE, 4);
		if (k < 3)
			edit(m, t, a, value[k]);
		ok(xl_stage_fuse(m, t, a, b));
		if (k >= 3)
			edit(m, t, a, value[k - 3]);
		ok(xl_stage_decode(m, t, a));
		drawings(m, t, a, without, with);
		struct xl_tensor *x = xl_image_to_f4(xl_record_tensor(a, "x"));
		for (int i = 0; i < IMAGE; i++) {
			const float *from = value[k % 3](i % PIXELS) > 0 ? with : x->data;
			assert_memory_equal(&values(a, "out")[i], &from[i], sizeof(float));
		}
		xl_tensor_free(x);
		xl_record_free(a);
		xl_record_free(b);
	}
	xl_tape_free(t);
	xl_model_free(m);
}

/* Removal: a hard mask between the input and D_A's drawing of [c, 0]. The threshold is
 * the mask's value at pixel i, or i itself where that is 0 or 1. */
static void check_removal(int i, int least, int most)
{
	struct xl_model *m = lively();
	struct xl_tape *t = xl_tape_new();
	struct xl_record *b = picture("b", SIDE, SIDE, 1), *soft = picture("b", SIDE, SIDE, 1);
	static float without[IMAGE], with[IMAGE];
	int area = 0;

	ok(xl_stage_mask(m, t, soft, NULL));
	const float threshold = i > 1 ? values(soft, "m")[i] : (float)i;
	((struct xl_mbu *)m->hyper)->threshold = (double)threshold;
	ok(xl_meta_set_bool(b, "remove", true));
	struct xl_record *self = xl_record_copy(b);
	ok(xl_stage_fuse(m, t, b, self));
	ok(xl_stage_decode(m, t, b));
	drawings(m, t, b, without, with);
	struct xl_tensor *x = xl_image_to_f4(xl_record_tensor(b, "x"));
	for (int k = 0; k < IMAGE; k++) {
		const float hard = values(b, "m")[k % PIXELS];
		const float *from = hard > 0 ? without : x->data;
		assert_true(hard == (values(soft, "m")[k % PIXELS] >= threshold));
		assert_memory_equal(&values(b, "out")[k], &from[k], sizeof(float));
		area += hard > 0;
	}
	assert_in_range(area, least, most);
	/* the separate half of the code is empty */
	const struct xl_mbu_nets *s = m->state;
	for (int c = s->code - s->sep; c < s->code; c++)
		assert_true(values(b, "h")[c] == 0);
	xl_tensor_free(x);
	xl_record_free(self);
	xl_record_free(soft);
	xl_record_free(b);
	xl_tape_free(t);
	xl_model_free(m);
}

static void test_removal(void **state)
{
	(void)state;
	check_removal(PIXELS / 2, 1, IMAGE - 1);
	check_removal(0, IMAGE, IMAGE);
	check_removal(1, 0, 0);
}

/* A mask of one's own stands in removal too, soft as it is. */
static float half(int i)
{
	return i % 2 ? 0.5f : 0;
}

static void test_removal_keeps_edits(void **state)
{
	struct xl_model *m = lively();
	struct xl_tape *t = xl_tape_new();
	struct xl_record *b = picture("b", SIDE, SIDE, 1);
	static float without[IMAGE], with[IMAGE];

	(void)state;
	edit(m, t, b, half);
	ok(xl_meta_set_bool(b, "remove", true));
	struct xl_record *self = xl_record_copy(b);
	ok(xl_stage_fuse(m, t, b, self));
	ok(xl_stage_decode(m, t, b));
	drawings(m, t, b, without, with);
	struct xl_tensor *x = xl_image_to_f4(xl_record_tensor(b, "x"));
	const float *p = x->data;
	for (int i = 0; i < IMAGE; i++)
		assert_true(values(b, "out")[i] ==
			    (i % 2 ? 0.5f * without[i] + 0.5f * p[i] : p[i]));
	xl_tensor_free(x);
	xl_record_free(self);
	xl_record_free(b);
	xl_tape_free(t);
	xl_model_free(m);
}

/* The mask of a pair is that of its fusion; it is the image's own without an exemplar,
 * and a fused record's is of what it was fused with. */
static void test_masks_of_pairs(void **state)
{
	struct xl_model *m = lively();
	struct xl_tape *t = xl_tape_new();
	struct xl_record *a = picture("a", SIDE, SIDE, 1), *b = picture("b", SIDE, SIDE, 4);
	struct xl_record *pair = xl_record_copy(a), *fused = xl_record_copy(a);
	const size_t bytes = PIXELS * sizeof(float);

	(void)state;
	ok(xl_stage_mask(m, t, a, NULL));
	ok(xl_stage_mask(m, t, pair, b));
	ok(xl_stage_fuse(m, t, fused, b));
	assert_null(xl_record_tensor(fused, "m"));
	ok(xl_stage_mask(m, t, fused, NULL));
	assert_memory_equal(values(fused, "m"), values(pair, "m"), bytes);
	assert_true(memcmp(values(a, "m"), values(pair, "m"), bytes) != 0);
	ok(xl_stage_decode(m, t, fused));
	assert_memory_equal(values(fused, "m"), values(pair, "m"), bytes);
	/* its own mask again: what was fused is undone */
	ok(xl_stage_mask(m, t, fused, a));
	assert_memory_equal(values(fused, "m"), values(a, "m"), bytes);
	assert_null(xl_record_tensor(fused, "h"));
	assert_null(xl_record_tensor(fused, "out"));
	xl_record_free(a);
	xl_record_free(b);
	xl_record_free(pair);
	xl_record_free(fused);
	xl_tape_free(t);
	xl_model_free(m);
}

/* z(x,x), and one transfer after another where all masks are 0. */
static void test_self_and_chain(void **state)
{
	struct xl_model *m = lively();
	struct xl_tape *t = xl_tape_new();
	struct xl_record *a = picture("a", SIDE, SIDE, 1), *b = picture("b", SIDE, SIDE, 1);
	struct xl_record *e = picture("e", SIDE, SIDE, 5);

	(void)state;
	ok(xl_stage_fuse(m, t, a, b));
	ok(xl_stage_decode(m, t, a));
	ok(xl_stage_encode(m, t, b));
	ok(xl_stage_decode(m, t, b));
	assert_memory_equal(values(a, "out"), values(b, "out"), IMAGE * sizeof(float));
	struct xl_record *r = picture("r", SIDE, SIDE, 2);
	struct xl_tensor *x = xl_image_to_f4(xl_record_tensor(r, "x"));
	for (int k = 0; k < 2; k++) {
		edit(m, t, r, left);
		ok(xl_stage_fuse(m, t, r, k ? a : e));
		ok(xl_stage_decode(m, t, r));
		struct xl_record *next = xl_record_new(XL_IMAGE, "next");
		assert_non_null(next);
		ok(xl_record_put(next, "x", xl_tensor_copy(xl_record_tensor(r, "out"))));
		xl_record_free(r);
		r = next;
	}
	int changed = 0;
	for (int i = 0; i < IMAGE; i++) {
		const float was = ((const float *)x->data)[i], is = values(r, "x")[i];
		if (left(i % PIXELS) == 0)
			assert_memory_equal(&was, &is, sizeof was);
		else
			changed += was != is;
	}
	assert_true(changed > IMAGE / 4);
	xl_tensor_free(x);
	xl_record_free(r);
	xl_record_free(a);
	xl_record_free(b);
	xl_record_free(e);
	xl_tape_free(t);
	xl_model_free(m);
}

/* An exemplar of another size stands for its picture at the input's size. */
static void test_exemplar_of_another_size(void **state)
{
	struct xl_model *m = lively();
	struct xl_tape *t = xl_tape_new();
	struct xl_record *a = picture("a", 100, 70, 1), *e = picture("e", SIDE, SIDE, 4);
	struct xl_record *b = picture("b", 100, 70, 1), *f = picture("f", 100, 70, 4);

	(void)state;
	struct xl_tensor *big = xl_image_resize(xl_record_tensor(e, "x"),
						(struct xl_box){0, 0, SIDE, SIDE}, 100, 70);
	ok(xl_record_put(f, "x", big));
	ok(xl_stage_fuse(m, t, a, e));
	ok(xl_stage_fuse(m, t, b, f));
	assert_memory_equal(values(a, "h"), values(b, "h"),
			    xl_tensor_bytes(xl_record_tensor(a, "h")));
	ok(xl_meta_set_num(e, "mix", 0.5));
	assert_int_equal(xl_stage_fuse(m, t, a, e), -1);
	assert_string_equal(xl_err_msg(),
			    "a: exemplars of 64x64 pixels, mixed, do not fit an input of 70x100");
	xl_record_free(a);
	xl_record_free(b);
	xl_record_free(e);
	xl_record_free(f);
	xl_tape_free(t);
	xl_model_free(m);
}

/* A picture is squashed, as in the published code, or cut to a square. */
static void test_preparation(void **state)
{
	struct xl_record *p = picture("p", 218, 178, 1);
	const struct xl_tensor *x = xl_record_tensor(p, "x");
	const struct xl_box boxes[2] = {{0, 0, 178, 218}, {0, 20, 178, 178}};
	static const char *const crops[2] = {"squash", "square"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct xl_model *m = build("crop", crops[i], false);
		struct xl_record *r = xl_model_prepare(m, x, "p", false);
		struct xl_tensor *want = xl_image_resize(x, boxes[i], SIDE, SIDE);
		assert_true(r && want);
		assert_memory_equal(xl_record_tensor(r, "x")->data, want->data, IMAGE);
		xl_tensor_free(want);
		xl_record_free(r);
		xl_model_free(m);
	}
	xl_record_free(p);
}

/* ---- training ---- */

static struct xl_losses step(struct xl_model *m)
{
	static float x[2][BATCH * IMAGE];
	const struct xl_batch b = {.n = BATCH, .x = {x[0], x[1]}};
	struct xl_tape *t = xl_tape_new();
	struct xl_losses l;

	fill(x[0], BATCH, 0);
	fill(x[1], BATCH, 2.2);
	ok(m->method->step(m, t, &b, 0, &l));
	xl_tape_free(t);
	return l;
}

static double loss(const struct xl_losses *l, const char *name)
{
	const char *const *names = xl_method_find("mbu")->loss_names;
	int i = 0;

	while (strcmp(names[i], name))
		i++;
	if (!l->given[i])
		fail_msg("%s was not computed", name);
	return l->value[i];
}

/* The table of published weights, read off the total. */
static void test_tasks(void **state)
{
	static const struct {
		const char *name;
		double w[7], lr;
	} tasks[] = {
		{"glasses", {5, 7, 0, 0.001, 0.7, 0.7, 0.005}, 2e-4},
		{"smile", {5, 7, 0, 0.0001, 1.0, 1.0, 0.005}, 2e-4},
		{"facial-hair", {5, 5, 1, 1, 1, 1, 0.005}, 5e-5},
		{"women-hair", {1, 1, 0, 0.04, 0.1, 0.1, 1}, 2e-4},
		{"women-hair-old", {5, 10, 0.01, 7, 2, 2, 1}, 5e-5},
		{"men-hair", {5, 5, 0, 0.5, 0.5, 0.5, 1}, 2e-4},
		{"men-hair-old", {5, 5, 0, 1, 1, 1, 0.25}, 5e-5},
		{"handbags", {7, 5, 0, 2.5, 0.5, 0.5, 0.1}, 5e-5},
	};
	static const char *const names[] = {"Recon1.A", "Recon1.B", "Cycle.c", "Cycle.s",
					    "Recon2.A", "Recon2.B", "DC.E_c"};

	(void)state;
	for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
		struct xl_model *m = build("task", tasks[i].name, true);
		const struct xl_net *n = m->nets[0];
		const float before = n->value[0];
		const struct xl_losses l = step(m);
		double total = 0, moved;
		for (int k = 0; k < 7; k++)
			total += tasks[i].w[k] * loss(&l, names[k]);
		assert_float_equal(loss(&l, "total"), total, 2e-6 * total);
		/* Adam's first step is the rate, up to eps */
		moved = fabs((double)n->value[0] - (double)before);
		if (!(moved > 0.9 * tasks[i].lr && moved < 1.01 * tasks[i].lr))
			fail_msg("%s: the first step is %g", tasks[i].name, moved);
		xl_model_free(m);
	}
}

/* With C's weights 0 it says 1/2 of everything. */
static void test_confusion_at_one_half(void **state)
{
	struct xl_model *m = build(NULL, NULL, true);
	struct xl_net *c = ((struct xl_mbu_nets *)m->state)->c;

	(void)state;
	memset(c->value, 0, c->count * sizeof *c->value);
	const struct xl_losses l = step(m);
	assert_float_equal(loss(&l, "DC.E_c"), 2 * log(2), 1e-6);
	assert_float_equal(loss(&l, "DC.C"), 2 * log(2), 1e-6);
	xl_model_free(m);
}

/* Whether any trained parameter of the group differs. */
static bool moved(const struct xl_model *m, const struct xl_model *from, enum xl_group group)
{
	for (int i = 0; i < m->n_nets; i++)
		for (int k = 0; k < m->nets[i]->n_params; k++) {
			const struct xl_param *p = &m->nets[i]->params[k];
			const size_t bytes = (size_t)xl_dims_count(&p->d) * sizeof(float);
			if (m->nets[i]->group == group && !p->buffer &&
			    memcmp(m->nets[i]->value + p->at, from->nets[i]->value + p->at, bytes))
				return true;
		}
	return false;
}

/* Each optimiser moves its own networks; without L_DC there is no step for C. */
static void test_groups(void **state)
{
	static const struct {
		const char *name;
		bool generator, critic;
	} cases[] = {{"lr", false, true}, {"lr-c", true, false}, {"w-dc", true, false}};
	struct xl_model *from = build(NULL, NULL, true);

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct xl_model *m = build(cases[i].name, "0", true);
		step(m);
		assert_true(moved(m, from, XL_GENERATOR) == cases[i].generator);
		assert_true(moved(m, from, XL_CRITIC) == cases[i].critic);
		xl_model_free(m);
	}
	xl_model_free(from);
}

/* D_A never sees a separate code: its weights for one have no gradient at all and stay
 * as they were drawn. Those of D_B learn. */
static void test_separate_weights_of_d_a(void **state)
{
	struct xl_model *m = build(NULL, NULL, true), *from = build(NULL, NULL, true);
	const struct xl_mbu_nets *s = m->state;
	const size_t row = (size_t)s->code * 16, n = (size_t)s->sep * row;
	const size_t at = (size_t)(s->code - s->sep) * row;

	(void)state;
	step(m);
	step(m);
	for (size_t i = at; i < at + n; i++) {
		assert_true(s->d_a->grad[i] == 0);
		assert_true(s->d_a->value[i] == from->nets[2]->value[i]);
	}
	assert_true(s->d_a->grad[at - 16 + 5] != 0);
	int learns = 0;
	for (size_t i = at; i < at + n; i++)
		learns += s->d_b->grad[i] != 0;
	assert_int_equal(learns, n / 4); /* of a code of 1x1, four taps stay inside */
	xl_model_free(m);
	xl_model_free(from);
}

/* Initial scales of batch norms: drawn, or 1. */
static void test_init(void **state)
{
	static const char *const words[2] = {"torch04", "modern"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct xl_model *m = build("init", words[i], false);
		const struct xl_net *n = ((struct xl_mbu_nets *)m->state)->d_a;
		const struct xl_param *p = &n->params[2];
		int ones = 0;
		assert_string_equal(p->name, "1.scale");
		for (int c = 0; c < p->d.c; c++)
			ones += n->value[p->at + (size_t)c] == 1;
		assert_int_equal(ones, i ? p->d.c : 0);
		xl_model_free(m);
	}
}

/* Four pairs are learned by heart. */
static void test_overfit(void **state)
{
	struct xl_model *m = build("lr", "2e-3", true);
	struct xl_losses first = step(m), l = first;
	int steps = 0;

	(void)state;
	for (; steps < 300 && loss(&l, "Recon1.A") + loss(&l, "Recon1.B") >= 0.3; steps++)
		l = step(m);
	if (steps == 300)
		fail_msg("Recon1 stays at %g and %g, from %g and %g", loss(&l, "Recon1.A"),
			 loss(&l, "Recon1.B"), loss(&first, "Recon1.A"), loss(&first, "Recon1.B"));
	xl_model_free(m);
}

/* ---- learning ---- */

enum { SHOWN = 32 };

/* A disc before a ground, of colours that vary a little; of domain B, with a bar of a
 * strong colour across it, which is marked where bar is not NULL. */
static void draw_disc(float *x, uint8_t *bar, uint32_t index, bool with)
{
	double ground[3], face[3], colour[3];
	struct xl_rng r;

	xl_rng_init(&r, 9, XL_RNG_TEST, index, with);
	for (int c = 0; c < 3; c++) {
		ground[c] = 0.4 * xl_rng_uniform(&r) - 0.6;
		face[c] = 0.4 * xl_rng_uniform(&r) + 0.2;
		colour[c] = xl_rng_uniform(&r) < 0.5 ? -0.95 : 0.95;
	}
	const double top = 16 + 20 * xl_rng_uniform(&r), bottom = top + 10;
	for (int i = 0; i < PIXELS; i++) {
		const int row = i / SIDE, column = i % SIDE, from = abs(column - 32);
		const bool in_disc = hypot(from, row - 32) < 22;
		const bool in_bar = with && row >= top && row < bottom && from < 16;
		if (bar)
			bar[i] = in_bar;
		for (int c = 0; c < 3; c++)
			x[c * PIXELS + i] = (float)(in_bar    ? colour[c]
						    : in_disc ? face[c]
							      : ground[c]);
	}
}

/* Of masks of images that were not learnt: the mean area on A and B, and on B the mean
 * IoU with the bar at 0.1, for the mask and for one of everything. */
struct found {
	double area[2], iou, iou_of_all;
};

static struct found look(struct xl_model *m, struct xl_tape *t)
{
	static float x[SHOWN * IMAGE], mask[SHOWN * PIXELS];
	static uint8_t bar[SHOWN * PIXELS];
	struct xl_mbu_nets *s = m->state;
	struct found f = {.iou = 0};

	xl_model_bn(m, XL_BN_RUNNING);
	for (int k = 0; k < 2; k++) {
		for (int i = 0; i < SHOWN; i++)
			draw_disc(x + i * IMAGE, bar + i * PIXELS, 100000 + (uint32_t)i, k);
		xl_tape_reset(t);
		ok(xl_model_bind(m, t, XL_GENERATOR, false));
		struct xl_var *v = xl_var_input(t, SHOWN, 3, SIDE, SIDE, x);
		const struct xl_mbu_drawn d = xl_mbu_with(
			t, s, xl_mbu_join(t, xl_mbu_common(t, s, v), xl_mbu_separate(t, s, v)));
		assert_non_null(d.m);
		xl_var_read(t, d.m, mask);
		for (int i = 0; i < SHOWN * PIXELS; i++)
			f.area[k] += (double)mask[i] / (SHOWN * PIXELS);
	}
	for (int i = 0; i < SHOWN; i++) {
		int both = 0, either = 0, true_area = 0;
		for (int p = i * PIXELS; p < (i + 1) * PIXELS; p++) {
			const bool is_found = mask[p] >= 0.1f;
			both += is_found && bar[p];
			either += is_found || bar[p];
			true_area += bar[p];
		}
		f.iou += (double)both / either / SHOWN;
		f.iou_of_all += (double)true_area / PIXELS / SHOWN;
	}
	return f;
}

/* From nothing but which set an image is of, masks come to lie on the bars. */
static void test_masks_find_the_content(void **state)
{
	enum { N = 8, MOST = 2000, IMAGES = 512 };
	static float x[2][N * IMAGE];
	struct xl_model *m = configure((const char *const[]){
		"size", "64", "width", "4", "sep", "16", "batch", "8", "lr", "2e-3", "lr-c", "1e-3",
		"w-dc", "0.1", "w-recon2-a", "1.5", "w-recon2-b", "1.5", NULL});
	struct xl_tape *t = xl_tape_new();
	struct found f = {.iou = 0};
	bool is_good = false;

	(void)state;
	ok(xl_model_build(m, 1, true));
	for (int step = 0; step < MOST && !is_good; step++) {
		const struct xl_batch b = {.n = N, .x = {x[0], x[1]}};
		struct xl_losses l;
		for (int i = 0; i < 2 * N; i++)
			draw_disc(x[i / N] + i % N * IMAGE, NULL,
				  (uint32_t)(step * N + i % N) % IMAGES, i / N);
		xl_tape_reset(t);
		ok(m->method->step(m, t, &b, step, &l));
		if (step % 100 != 99)
			continue;
		f = look(m, t);
		is_good = f.area[1] > 2.5 * f.area[0] && f.iou > 3 * f.iou_of_all;
	}
	if (!is_good)
		fail_msg("areas %.3f on A, %.3f on B; IoU %.3f, of everything %.3f", f.area[0],
			 f.area[1], f.iou, f.iou_of_all);
	xl_tape_free(t);
	xl_model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_batch_norm_channels),
		cmocka_unit_test(test_what_does_not_fit),
		cmocka_unit_test(test_code_is_flattened_by_channel),
		cmocka_unit_test(test_pixel),
		cmocka_unit_test(test_recon2_shrinks_masks),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_transfer_is_masked),
		cmocka_unit_test(test_removal),
		cmocka_unit_test(test_removal_keeps_edits),
		cmocka_unit_test(test_masks_of_pairs),
		cmocka_unit_test(test_self_and_chain),
		cmocka_unit_test(test_exemplar_of_another_size),
		cmocka_unit_test(test_preparation),
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_confusion_at_one_half),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_separate_weights_of_d_a),
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_overfit),
		cmocka_unit_test(test_masks_find_the_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
