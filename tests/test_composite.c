/*
 * test_composite.c - translations put into their inputs: the formula by pixels, both
 * ends exact, records that lack something.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "image/composite.h"

enum { H = 8, W = 12, CELL = 4 };

static struct xl_tensor *tensor_of(enum xl_dtype type, int64_t c, int64_t h, int64_t w)
{
	struct xl_tensor *t = xl_tensor_new(type, 3, (const int64_t[]){c, h, w});

	assert_non_null(t);
	return t;
}

/* x of bytes, out of other values, and a mask that is `all` but for one corner cell of 1. */
static struct xl_record *translated(float all)
{
	struct xl_record *r = xl_record_new(XL_CODE, "a");
	struct xl_tensor *x = tensor_of(XL_U1, 3, H, W), *out = tensor_of(XL_F4, 3, H, W);
	struct xl_tensor *m = tensor_of(XL_F4, 1, H / CELL, W / CELL);

	assert_non_null(r);
	for (int i = 0; i < 3 * H * W; i++) {
		((uint8_t *)x->data)[i] = (uint8_t)(i * 37);
		((float *)out->data)[i] = (float)cos(i);
	}
	for (int i = 0; i < H / CELL * W / CELL; i++)
		((float *)m->data)[i] = i ? all : 1;
	assert_int_equal(xl_record_put(r, "x", x), 0);
	assert_int_equal(xl_record_put(r, "out", out), 0);
	assert_int_equal(xl_record_put(r, "m", m), 0);
	return r;
}

/* The mask at a pixel: bilinear between centres of cells, of which only the first is 1. */
static double mask_at(int y, int x, double all)
{
	const double v = fmax(0, (y + 0.5) / CELL - 0.5), u = fmax(0, (x + 0.5) / CELL - 0.5);

	return all + (1 - all) * fmax(0, 1 - v) * fmax(0, 1 - u);
}

static void pixels_are_blended_by_the_mask(void **state)
{
	const double gains[] = {0.5, 1, 3}, alls[] = {0, 0.25};

	(void)state;
	for (int g = 0; g < 3; g++)
		for (int a = 0; a < 2; a++) {
			struct xl_record *r = translated((float)alls[a]);
			assert_int_equal(xl_composite(r, gains[g]), 0);
			const float *got = xl_record_tensor(r, "out")->data;
			for (int i = 0; i < 3 * H * W; i++) {
				const double x = (uint8_t)(i * 37) / 127.5 - 1;
				const double w =
					fmin(1, gains[g] * mask_at(i / W % H, i % W, alls[a]));
				assert_true(fabs(x + w * (cos(i) - x) - (double)got[i]) < 1e-6);
			}
			xl_record_free(r);
		}
}

static void both_ends_are_exact(void **state)
{
	struct xl_record *r = translated(0);
	struct xl_tensor *x = xl_image_to_f4(xl_record_tensor(r, "x"));
	const float *got = xl_record_tensor(r, "out")->data, *in = x->data;

	(void)state;
	assert_int_equal(xl_composite(r, 1000), 0);
	assert_true(got[0] == (float)cos(0));
	for (int i = 0; i < 3 * H * W; i++)
		if (i / W % H >= 6 || i % W >= 6)
			assert_true(got[i] == in[i]);
	xl_tensor_free(x);
	xl_record_free(r);
}

/* Of 12 x 16 cells on 48 x 64 pixels, the picture has the 37 x 50 at the top left. */
static void padding_is_no_part_of_the_picture(void **state)
{
	enum { IH = 37, IW = 50, ROWS = 12, COLUMNS = 16, ERASED = 7 };
	struct xl_record *r = xl_record_new(XL_CODE, "a");
	struct xl_tensor *x = tensor_of(XL_F4, 3, IH, IW), *out = tensor_of(XL_F4, 3, IH, IW);
	struct xl_tensor *m = tensor_of(XL_F4, 1, ROWS, COLUMNS);
	const float *got = out->data;

	(void)state;
	for (int i = 0; i < 3 * IH * IW; i++)
		((float *)out->data)[i] = 1;
	for (int i = 0; i < ROWS * COLUMNS; i++)
		((float *)m->data)[i] = i % COLUMNS >= ERASED && i / COLUMNS >= ERASED;
	assert_int_equal(xl_record_put(r, "x", x), 0);
	assert_int_equal(xl_record_put(r, "out", out), 0);
	assert_int_equal(xl_record_put(r, "m", m), 0);
	assert_int_equal(xl_meta_set_int(r, "mask_stride", 16), 0);
	assert_int_equal(xl_composite(r, 1), 0);
	for (int i = 0; i < 3 * IH * IW; i++) {
		const double v = fmin(1, fmax(0, (i / IW % IH + 0.5) / CELL - 0.5 - (ERASED - 1)));
		const double u = fmin(1, fmax(0, (i % IW + 0.5) / CELL - 0.5 - (ERASED - 1)));
		assert_true(fabs(u * v - (double)got[i]) < 1e-6);
	}
	xl_record_free(r);
}

static void records_that_lack_something_are_refused(void **state)
{
	struct xl_record *r = translated(0);

	(void)state;
	xl_record_drop(r, "m");
	assert_int_equal(xl_composite(r, 1), -1);
	assert_string_equal(xl_err_msg(), "has no tensor 'm'");
	assert_int_equal(xl_record_put(r, "m", tensor_of(XL_F4, 2, 2, 3)), 0);
	assert_int_equal(xl_composite(r, 1), -1);
	assert_string_equal(xl_err_msg(), "m is (2,2,3) <f4, a mask has 1 channel");
	assert_int_equal(xl_record_put(r, "m", tensor_of(XL_F4, 1, 2, 3)), 0);
	assert_int_equal(xl_record_put(r, "x", tensor_of(XL_U1, 3, H, W + 1)), 0);
	assert_int_equal(xl_composite(r, 1), -1);
	assert_string_equal(xl_err_msg(), "x is (3,8,13) |u1, its translation (3,8,12) <f4");
	assert_int_equal(xl_record_put(r, "x", tensor_of(XL_U1, 3, H, W)), 0);
	assert_int_equal(xl_meta_set_int(r, "mask_stride", 0), 0);
	assert_int_equal(xl_composite(r, 1), -1);
	assert_string_equal(xl_err_msg(), "mask_stride is 0, not a number from 1 to 16384");
	xl_record_drop(r, "x");
	assert_int_equal(xl_composite(r, 1), -1);
	assert_string_equal(xl_err_msg(), "has no image x to put its translation into");
	xl_record_drop(r, "out");
	assert_int_equal(xl_composite(r, 1), -1);
	assert_string_equal(xl_err_msg(), "has no translation out");
	xl_record_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pixels_are_blended_by_the_mask),
		cmocka_unit_test(both_ends_are_exact),
		cmocka_unit_test(padding_is_no_part_of_the_picture),
		cmocka_unit_test(records_that_lack_something_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
