/*
 * test_edit.c - the arithmetic of mask edits: cells, rectangles, paintings, and the
 * way to a picture and back.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/rng.h"
#include "methods/edits.h"

static struct xl_tensor *mask(int64_t c, int64_t h, int64_t w, uint32_t seed)
{
	const int64_t shape[3] = {c, h, w};
	struct xl_tensor *m = xl_tensor_new(XL_F4, 3, shape);
	struct xl_rng r;
	float *v;

	assert_non_null(m);
	v = m->data;
	xl_rng_init(&r, seed, XL_RNG_TEST, 0, 0);
	for (int64_t i = 0; i < c * h * w; i++)
		v[i] = (float)xl_rng_uniform(&r);
	return m;
}

static struct xl_tensor *painting(int64_t h, int64_t w, uint8_t value)
{
	const int64_t shape[3] = {1, h, w};
	struct xl_tensor *t = xl_tensor_new(XL_U1, 3, shape);

	assert_non_null(t);
	memset(t->data, value, (size_t)(h * w));
	return t;
}

static float at(const struct xl_tensor *m, int64_t y, int64_t x)
{
	return ((const float *)m->data)[y * m->shape[2] + x];
}

/* ---- cells ------------------------------------------------------------ */

static void test_cells(void **state)
{
	struct xl_cells g = xl_cells_of(32, 48, 16);

	(void)state;
	assert_true(g.ph == 32 && g.pw == 48);
	g = xl_cells_of(33, 1, 16);
	assert_true(g.ph == 48 && g.pw == 16 && g.ih == 33 && g.iw == 1);
	g = xl_cells_of(7, 5, 1);
	assert_true(g.ph == 7 && g.pw == 5);
}

/* The average of a picture of 0 and 255 over its cells, by counting pixels of the
 * mirrored picture: the truth for whole cells of which some is visible. */
static double counted(const struct xl_cells *g, const struct xl_tensor *paint, int64_t h, int64_t w,
		      int64_t i, int64_t k)
{
	const uint8_t *p = paint->data;
	const int64_t ch = g->ph / h, cw = g->pw / w;
	double sum = 0, n = 0;

	for (int64_t y = i * ch; y < (i + 1) * ch && y < g->ih; y++)
		for (int64_t x = k * cw; x < (k + 1) * cw && x < g->iw; x++, n++)
			sum += p[y * g->iw + x];
	return sum / n;
}

static void test_average_counts(void **state)
{
	const int64_t sizes[][2] = {{32, 32}, {31, 17}, {16, 5}, {19, 40}};

	(void)state;
	for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
		const struct xl_cells g = xl_cells_of(sizes[s][0], sizes[s][1], 4);
		const int64_t h = g.ph / 4, w = g.pw / 4;
		struct xl_tensor *paint = painting(g.ih, g.iw, 0);
		double *out = calloc((size_t)(h * w), sizeof *out);
		struct xl_rng r;

		xl_rng_init(&r, s, XL_RNG_TEST, 1, 0);
		for (int64_t i = 0; i < g.ih * g.iw; i++)
			((uint8_t *)paint->data)[i] = (uint8_t)xl_rng_below(&r, 256);
		xl_edit_average(out, h, w, &g, paint);
		for (int64_t i = 0; i < h; i++)
			for (int64_t k = 0; k < w; k++)
				assert_true(out[i * w + k] == counted(&g, paint, h, w, i, k));
		free(out);
		xl_tensor_free(paint);
	}
}

/* Cells of which nothing is visible: 17 pixels padded to 32, cells of 4. Cell 5 holds
 * pixels 20 to 23, which mirror 12 to 9. */
static void test_average_mirrors(void **state)
{
	const struct xl_cells g = xl_cells_of(17, 17, 16);
	struct xl_tensor *paint = painting(17, 17, 0);
	const struct xl_rect r = {0, 10, 17, 2};
	double out[64];

	(void)state;
	assert_int_equal(xl_rect_paint(paint, &r), 34);
	xl_edit_average(out, 8, 8, &g, paint);
	for (int64_t k = 0; k < 8; k++) {
		assert_true(out[2 * 8 + k] == 127.5); /* pixels 8 to 11 */
		assert_true(out[4 * 8 + k] == 0);     /* pixel 16 */
		assert_true(out[5 * 8 + k] == 127.5); /* mirrored 9 to 12 */
		assert_true(out[6 * 8 + k] == 0);     /* mirrored 5 to 8 */
	}
	xl_tensor_free(paint);
}

/* A picture of 2x2 pixels padded to 16: what is reflected again and again. */
static void test_average_tiny(void **state)
{
	const struct xl_cells g = xl_cells_of(2, 2, 16);
	struct xl_tensor *paint = painting(2, 2, 255);
	double out[16];

	(void)state;
	xl_edit_average(out, 4, 4, &g, paint);
	for (int i = 0; i < 16; i++)
		assert_true(out[i] == 255);
	xl_tensor_free(paint);
}

/* Cells of 4/3 pixels: parts of pixels count as such. */
static void test_average_parts(void **state)
{
	const struct xl_cells g = xl_cells_of(4, 4, 1);
	struct xl_tensor *paint = painting(4, 4, 0);
	double out[9];

	(void)state;
	for (int y = 0; y < 4; y++)
		((uint8_t *)paint->data)[y * 4 + 1] = 120;
	xl_edit_average(out, 3, 3, &g, paint);
	for (int y = 0; y < 3; y++) {
		assert_true(fabs(out[3 * y] - 120 * 0.25) < 1e-9);
		assert_true(fabs(out[3 * y + 1] - 120 * 0.5) < 1e-9);
		assert_true(out[3 * y + 2] == 0);
	}
	xl_tensor_free(paint);
}

/* ---- rectangles ------------------------------------------------------- */

static void test_rect_parse(void **state)
{
	static const char *const bad[] = {"",
					  "1",
					  "1,2,3",
					  "1,2,3,4,5",
					  "1,2,3,",
					  ",,,",
					  "1,2,0,4",
					  "1,2,3,-4",
					  "1.5,2,3,4",
					  " 1,2,3,4",
					  "1, 2,3,4",
					  "1,2,3,4 ",
					  "x,2,3,4",
					  "1;2;3;4",
					  "1,2,3,4e1",
					  "0x1,2,3,4",
					  "1,2,3,9999999999999999999",
					  "9999999999,0,1,1",
					  "00000000000000000000000000000000000001,2,3,4"};
	struct xl_rect r;

	(void)state;
	assert_int_equal(xl_rect_parse("--keep", "10,-20,30,40", &r), 0);
	assert_true(r.x == 10 && r.y == -20 && r.w == 30 && r.h == 40);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (xl_rect_parse("--keep", bad[i], &r) == 0)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(strncmp(xl_err_msg(), "--keep: '", 9), 0);
	}
	xl_rect_parse("--erase", "1,2,x,4", &r);
	assert_string_equal(xl_err_msg(), "--erase: '1,2,x,4': width: 'x' is not a whole number "
					  "from 1 to 1073741824");
}

static void test_rect_paint_clips(void **state)
{
	static const struct {
		struct xl_rect r;
		int64_t n;
	} cases[] = {
		{{0, 0, 5, 3}, 15},
		{{-2, -2, 3, 3}, 1},
		{{4, 2, 100, 100}, 1},
		{{5, 0, 1, 1}, 0},
		{{0, -3, 9, 3}, 0},
		{{-((int64_t)1 << 30), -((int64_t)1 << 30), (int64_t)1 << 30, (int64_t)1 << 30}, 0},
		{{-5, 1, (int64_t)1 << 30, 1}, 5},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct xl_tensor *t = painting(3, 5, 0);
		int64_t n = 0;

		assert_int_equal(xl_rect_paint(t, &cases[i].r), cases[i].n);
		for (int k = 0; k < 15; k++)
			n += ((uint8_t *)t->data)[k] == 255;
		assert_int_equal(n, cases[i].n);
		xl_tensor_free(t);
	}
}

/* ---- edits ------------------------------------------------------------ */

static struct xl_tensor *edited(const struct xl_tensor *m, const struct xl_cells *g, int n,
				const char *const (*edit)[2])
{
	struct xl_tensor *out = xl_tensor_copy(m);
	struct xl_edits e = {.n = 0};

	for (int i = 0; i < n; i++)
		assert_int_equal(xl_edits_add(&e, edit[i][0], edit[i][1]), 0);
	assert_int_equal(xl_edits_apply(&e, out, g), 0);
	xl_edits_done(&e);
	return out;
}

static void test_erase_and_keep(void **state)
{
	static const char *const erase[][2] = {{"erase", "1,0,4,4"}};
	static const char *const keep[][2] = {{"keep", "1,0,4,4"}};
	const struct xl_cells g = xl_cells_of(7, 8, 8);
	struct xl_tensor *m = mask(2, 2, 2, 1), *a, *b;
	const float *v = m->data, *p, *q;

	(void)state;
	a = edited(m, &g, 1, erase);
	b = edited(m, &g, 1, keep);
	p = a->data;
	q = b->data;
	for (int c = 0; c < 2; c++, v += 4, p += 4, q += 4) {
		assert_true(p[0] == v[0] * 0.25f && p[1] == v[1] * 0.75f);
		assert_true(p[2] == v[2] && p[3] == v[3]);
		assert_true(q[0] == v[0] * 0.75f && q[1] == v[1] * 0.25f);
		assert_true(q[2] == 0 && q[3] == 0);
	}
	xl_tensor_free(a);
	xl_tensor_free(b);
	/* The lower cells show three rows of four. */
	static const char *const low[][2] = {{"erase", "0,6,4,100"}};
	a = edited(m, &g, 1, low);
	assert_true(at(a, 1, 0) == at(m, 1, 0) * (1 - (float)(1.0 / 3)));
	xl_tensor_free(a);
	xl_tensor_free(m);
}

static void test_all_is_exact(void **state)
{
	static const char *const erase[][2] = {{"erase", "0,0,1000,1000"}};
	static const char *const keep[][2] = {{"keep", "0,0,1000,1000"}};
	const int64_t sizes[][3] = {{17, 33, 16}, {2, 2, 16}, {10, 7, 1}, {31, 3, 5}};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		const struct xl_cells g = xl_cells_of(sizes[i][0], sizes[i][1], sizes[i][2]);
		struct xl_tensor *m = mask(1, 7, 6, (uint32_t)i), *a = edited(m, &g, 1, erase),
				 *b = edited(m, &g, 1, keep);

		for (int64_t k = 0; k < 42; k++)
			assert_true(((float *)a->data)[k] == 0);
		assert_memory_equal(b->data, m->data, xl_tensor_bytes(m));
		xl_tensor_free(a);
		xl_tensor_free(b);
		xl_tensor_free(m);
	}
}

/* Overlaps count once, and all keeps stand where the first does. */
static void test_keeps_are_a_union(void **state)
{
	static const char *const two[][2] = {
		{"keep", "0,0,4,2"}, {"invert", NULL}, {"keep", "0,1,4,2"}};
	static const char *const one[][2] = {{"keep", "0,0,4,3"}, {"invert", NULL}};
	const struct xl_cells g = xl_cells_of(4, 8, 4);
	struct xl_tensor *m = mask(1, 1, 2, 3), *a = edited(m, &g, 3, two),
			 *b = edited(m, &g, 2, one);

	(void)state;
	assert_memory_equal(a->data, b->data, xl_tensor_bytes(a));
	assert_true(at(a, 0, 0) == 1 - at(m, 0, 0) * 0.75f);
	assert_true(at(a, 0, 1) == 1);
	xl_tensor_free(a);
	xl_tensor_free(b);
	xl_tensor_free(m);
}

static void test_values(void **state)
{
	static const char *const hard[][2] = {{"threshold", "0.7"}};
	static const char *const more[][2] = {{"scale", "3"}, {"invert", NULL}};
	const struct xl_cells g = xl_cells_of(4, 4, 4);
	struct xl_tensor *m = mask(1, 1, 3, 4), *t;
	float *v = m->data;

	(void)state;
	v[0] = 0.7f;
	v[1] = nextafterf(0.7f, 0);
	v[2] = 0.25f;
	t = edited(m, &g, 1, hard);
	assert_true(at(t, 0, 0) == 1 && at(t, 0, 1) == 0 && at(t, 0, 2) == 0);
	xl_tensor_free(t);
	t = edited(m, &g, 2, more);
	assert_true(at(t, 0, 0) == 0 && at(t, 0, 1) == 0 && at(t, 0, 2) == 0.25f);
	xl_tensor_free(t);
	xl_tensor_free(m);
}

static void test_bad_edits(void **state)
{
	static const char *const bad[][3] = {
		{"threshold", "x", "--threshold: 'x' is not a number from 0 to 1"},
		{"scale", "-0.1", "--scale: '-0.1' is not a number from 0 to 1000000"},
		{"scale", "inf", "--scale: 'inf' is not a number from 0 to 1000000"},
		{"erase", "1,2", "--erase: '1,2' is not X,Y,W,H"},
		{"set", "none.png", "--set: none.png: no such file or directory"},
		{"blur", "1", "'blur' is no edit of a mask"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct xl_edits e = {.n = 0};

		assert_int_equal(xl_edits_add(&e, bad[i][0], bad[i][1]), -1);
		assert_string_equal(xl_err_msg(), bad[i][2]);
		xl_edits_done(&e);
	}
}

static void test_outside(void **state)
{
	const struct xl_cells g = xl_cells_of(8, 6, 4);
	struct xl_edits e = {.n = 0};

	(void)state;
	xl_edits_add(&e, "erase", "5,7,1,1");
	xl_edits_add(&e, "erase", "-1,-1,2,2");
	assert_int_equal(xl_edits_outside(&e, &g), 0);
	xl_edits_add(&e, "erase", "6,0,1,1");
	xl_edits_add(&e, "keep", "0,8,1,1");
	xl_edits_add(&e, "keep", "-3,0,3,9");
	assert_int_equal(xl_edits_outside(&e, &g), 3);
	xl_edits_done(&e);
}

/* ---- to a picture and back -------------------------------------------- */

static void test_show_and_set_change_nothing(void **state)
{
	/* picture, stride, mask: whole cells, cut ones, cells finer than pixels, cells
	 * that no pixel divides */
	const int64_t cases[][5] = {{32, 32, 16, 8, 8}, {33, 21, 16, 12, 8}, {2, 3, 16, 4, 4},
				    {8, 8, 1, 16, 16},  {10, 7, 1, 3, 5},    {64, 64, 4, 64, 64}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (int64_t c = 1; c <= 3; c += 2) {
			const int64_t *n = cases[i];
			const struct xl_cells g = xl_cells_of(n[0], n[1], n[2]);
			struct xl_tensor *m = mask(c, n[3], n[4], (uint32_t)i);
			struct xl_tensor *was = xl_tensor_copy(m), *shown = xl_edit_show(m, &g);

			assert_true(shown->dtype == XL_U1 && shown->shape[0] == 1);
			assert_true(shown->shape[1] == n[0] && shown->shape[2] == n[1]);
			assert_int_equal(xl_edit_set(m, &g, shown), 0);
			assert_memory_equal(m->data, was->data, xl_tensor_bytes(m));
			xl_tensor_free(shown);
			xl_tensor_free(was);
			xl_tensor_free(m);
		}
}

static void test_show_levels(void **state)
{
	const float values[4] = {0, 1, 0.5f, 0.1f};
	const struct xl_cells g = xl_cells_of(3, 4, 4);
	struct xl_tensor *m = mask(1, 2, 2, 0), *shown;
	const uint8_t want[12] = {0, 0, 255, 255, 0, 0, 255, 255, 128, 128, 26, 26};

	(void)state;
	memcpy(m->data, values, sizeof values);
	shown = xl_edit_show(m, &g);
	assert_memory_equal(shown->data, want, sizeof want);
	xl_tensor_free(shown);
	xl_tensor_free(m);
}

/* One pixel of one cell, by one level. */
static void test_set_takes_the_least_change(void **state)
{
	const struct xl_cells g = xl_cells_of(64, 64, 16);
	struct xl_tensor *m = mask(2, 4, 4, 9), *was = xl_tensor_copy(m);
	struct xl_tensor *shown = xl_edit_show(m, &g);
	uint8_t *p = (uint8_t *)shown->data + 20 * 64 + 50;
	const float *v = m->data, *w = was->data;
	const double level = *p;

	(void)state;
	*p = (uint8_t)(*p ? *p - 1 : 1);
	assert_int_equal(xl_edit_set(m, &g, shown), 0);
	for (int i = 0; i < 32; i++) {
		if (i % 16 != 7)
			assert_true(v[i] == w[i]);
		else
			assert_true(v[i] == (float)((level + (*p - level) / 256) / 255));
	}
	xl_tensor_free(shown);
	xl_tensor_free(was);
	xl_tensor_free(m);
}

/* A painting in the mask's own resolution, and one of a single pixel. */
static void test_set_of_other_sizes(void **state)
{
	const struct xl_cells g = xl_cells_of(32, 32, 16);
	struct xl_tensor *m = mask(1, 8, 8, 2), *small = painting(8, 8, 0),
			 *dot = painting(1, 1, 51);

	(void)state;
	for (int i = 0; i < 64; i++)
		((uint8_t *)small->data)[i] = (uint8_t)(i * 4);
	xl_edit_set(m, &g, small);
	for (int i = 0; i < 64; i++)
		assert_true(fabsf(((float *)m->data)[i] - (float)(i * 4) / 255) < 1e-6f ||
			    (int)(((float *)m->data)[i] * 255 + 0.5f) == i * 4);
	xl_edit_set(m, &g, dot);
	for (int i = 0; i < 64; i++)
		assert_int_equal((int)(((float *)m->data)[i] * 255 + 0.5f), 51);
	xl_tensor_free(m);
	xl_tensor_free(small);
	xl_tensor_free(dot);
}

/* ---- masks of records ------------------------------------------------- */

static void expect_no_mask(struct xl_record *r, const char *message)
{
	assert_null(xl_edit_mask(r));
	assert_string_equal(xl_err_msg(), message);
}

static void test_masks(void **state)
{
	const int64_t flat[2] = {4, 4}, none[3] = {1, 0, 4}, one[3] = {1, 1, 1};
	struct xl_record *r = xl_record_new(XL_CODE, "a");
	struct xl_tensor *t;

	(void)state;
	expect_no_mask(r, "has no mask m");
	xl_record_put(r, "m", xl_tensor_new(XL_F4, 2, flat));
	expect_no_mask(r, "m is (4,4) <f4, a mask is (C,h,w)");
	xl_record_put(r, "m", xl_tensor_new(XL_F4, 3, none));
	expect_no_mask(r, "m is (1,0,4) <f4, a mask is (C,h,w)");
	xl_record_put(r, "m", t = xl_tensor_new(XL_F4, 3, one));
	*(float *)t->data = NAN;
	assert_null(xl_edit_mask(r));
	*(float *)t->data = 1.5f;
	expect_no_mask(r, "m holds 1.5, a mask lies in 0..1");
	*(float *)t->data = -0.1f;
	expect_no_mask(r, "m holds -0.1, a mask lies in 0..1");
	xl_record_put(r, "m", t = xl_tensor_new(XL_U1, 3, one));
	*(uint8_t *)t->data = 1;
	t = xl_edit_mask(r);
	assert_true(t->dtype == XL_F4 && *(float *)t->data == 1);
	xl_tensor_free(t);
	xl_record_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_average_counts),
		cmocka_unit_test(test_average_mirrors),
		cmocka_unit_test(test_average_tiny),
		cmocka_unit_test(test_average_parts),
		cmocka_unit_test(test_rect_parse),
		cmocka_unit_test(test_rect_paint_clips),
		cmocka_unit_test(test_erase_and_keep),
		cmocka_unit_test(test_all_is_exact),
		cmocka_unit_test(test_keeps_are_a_union),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_bad_edits),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_show_and_set_change_nothing),
		cmocka_unit_test(test_show_levels),
		cmocka_unit_test(test_set_takes_the_least_change),
		cmocka_unit_test(test_set_of_other_sizes),
		cmocka_unit_test(test_masks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
