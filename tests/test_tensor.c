/*
 * test_tensor.c - tensors and records: shapes, conversions, names, meta.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "tensor/dtype.h"
#include "xl.h"

static struct xl_tensor *doubles(int n, const double *v)
{
	struct xl_tensor *t = xl_tensor_new(XL_F8, 1, (int64_t[]){n});

	assert_non_null(t);
	memcpy(t->data, v, (size_t)n * sizeof(*v));
	return t;
}

static void converts(enum xl_dtype to, int n, const double *from, const double *want)
{
	struct xl_tensor *t = doubles(n, from), *out = xl_tensor_to(t, to);

	assert_non_null(out);
	assert_int_equal(out->dtype, to);
	for (int i = 0; i < n; i++)
		if (xl_tensor_value(out, i) != want[i])
			fail_msg("%s: %g became %.17g, not %.17g", xl_dtype_name(to), from[i],
				 xl_tensor_value(out, i), want[i]);
	xl_tensor_free(t);
	xl_tensor_free(out);
}

static void test_shapes(void **state)
{
	const int64_t shape[] = {2, 3, 4}, any[] = {-1, 3, -1}, other[] = {2, 3, 5};
	struct xl_tensor *t = xl_tensor_new(XL_F4, 3, shape);
	char buf[64];

	(void)state;
	assert_int_equal(xl_tensor_count(t), 24);
	assert_int_equal(xl_tensor_bytes(t), 96);
	for (int i = 0; i < 24; i++)
		assert_true(xl_tensor_value(t, i) == 0);
	assert_true(xl_tensor_is(t, 3, any));
	assert_false(xl_tensor_is(t, 3, other));
	assert_false(xl_tensor_is(t, 2, any));
	assert_string_equal(xl_tensor_show(t, buf, sizeof(buf)), "(2,3,4) <f4");
	xl_tensor_show(t, buf, 5);
	assert_string_equal(buf, "(2,3");
	xl_tensor_free(t);
	t = xl_tensor_new(XL_U1, 0, NULL);
	assert_int_equal(xl_tensor_count(t), 1);
	assert_string_equal(xl_tensor_show(t, buf, sizeof(buf)), "() |u1");
	xl_tensor_free(t);
	xl_tensor_free(NULL);
}

static void test_shapes_refused(void **state)
{
	const int64_t negative[] = {2, -1}, large[] = {INT64_MAX, INT64_MAX},
		      empty[] = {INT64_MAX, 0, INT64_MAX};
	struct xl_tensor *t;

	(void)state;
	assert_null(xl_tensor_new(XL_F4, 2, negative));
	assert_string_equal(xl_err_msg(), "dimension 1 is -1");
	assert_null(xl_tensor_new(XL_F4, 2, large));
	assert_null(xl_tensor_new(XL_F8, 1, large));
	assert_null(xl_tensor_new(XL_U1, 9, large));
	assert_string_equal(xl_err_msg(), "9 dimensions, at most 8 are allowed");
	t = xl_tensor_new(XL_F8, 3, empty);
	assert_non_null(t);
	assert_int_equal(xl_tensor_bytes(t), 0);
	xl_tensor_free(t);
}

static void test_conversions(void **state)
{
	const double v[] = {0, 0.5, -0.5, 1.49, 254.5, 255.5, 1e10, -3, NAN, INFINITY};

	(void)state;
	converts(XL_U1, 10, v, (double[]){0, 1, 0, 1, 255, 255, 255, 0, 0, 255});
	converts(XL_B1, 10, v, (double[]){0, 1, 1, 1, 1, 1, 1, 1, 1, 1});
	converts(XL_I4, 10, v, (double[]){0, 1, 0, 1, 255, 256, INT32_MAX, -3, 0, INT32_MAX});
	converts(XL_I8, 10, v, (double[]){0, 1, 0, 1, 255, 256, 1e10, -3, 0, 0x1p63});
	converts(XL_F4, 5, v, (double[]){0, 0.5, -0.5, (double)1.49f, 254.5});
	converts(XL_I8, 2, (double[]){-1e300, 1e300}, (double[]){-0x1p63, 0x1p63});
}

static void test_conversion_of_many(void **state)
{
	struct xl_tensor *t = xl_tensor_new(XL_I4, 2, (int64_t[]){37, 41}), *f, *back;

	(void)state;
	for (int i = 0; i < 37 * 41; i++)
		((int32_t *)t->data)[i] = i * 7 - 3000;
	f = xl_tensor_to(t, XL_F4);
	back = xl_tensor_to(f, XL_I4);
	assert_true(xl_tensor_is(back, 2, t->shape));
	assert_memory_equal(t->data, back->data, xl_tensor_bytes(t));
	xl_tensor_free(t);
	xl_tensor_free(f);
	xl_tensor_free(back);
}

static void test_halves(void **state)
{
	const double cases[][2] = {{65504, 65504},
				   {65519.99, 65504},
				   {65520, INFINITY},
				   {0x1p-24, 0x1p-24},
				   {0x1p-25, 0}, /* a tie goes to the even side */
				   {0x1.8p-24, 0x1p-23},
				   {0x1.001p-25, 0x1p-24},
				   {0x1p-14, 0x1p-14},
				   {0x1.ff8p-15, 0x1.ff8p-15},
				   {0x1.ffep-15, 0x1p-14},
				   {1 + 0x1p-11, 1},
				   {1 + 0x1.8p-10, 1 + 0x1p-9},
				   {1 + 0x1.001p-11, 1 + 0x1p-10},
				   {0, 0},
				   {INFINITY, INFINITY}};

	(void)state;
	for (uint32_t h = 0; h < 65536; h++) {
		float f = xl_half_to_float((uint16_t)h);

		if (isnan(f))
			assert_true((h & 0x7fff) > 0x7c00);
		else
			assert_int_equal(xl_half_from_double((double)f), h);
	}
	assert_true(isnan(xl_half_to_float(xl_half_from_double(NAN))));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int sign = -1; sign < 2; sign += 2) {
			uint16_t h = xl_half_from_double(sign * cases[i][0]);

			assert_true((double)xl_half_to_float(h) == sign * cases[i][1]);
		}
	}
}

static void test_image_values(void **state)
{
	struct xl_tensor *u = xl_tensor_new(XL_U1, 1, (int64_t[]){256}), *f, *back, *i4;
	const float edge[] = {-2, -1, 1, 2, NAN, 0, -INFINITY, INFINITY};
	const uint8_t want[] = {0, 0, 255, 255, 0, 128, 0, 255};

	(void)state;
	for (int i = 0; i < 256; i++)
		((uint8_t *)u->data)[i] = (uint8_t)i;
	f = xl_image_to_f4(u);
	assert_true(((float *)f->data)[0] == -1 && ((float *)f->data)[255] == 1);
	back = xl_image_to_u1(f);
	assert_memory_equal(u->data, back->data, 256);
	xl_tensor_free(back);
	f->shape[0] = 8;
	memcpy(f->data, edge, sizeof(edge));
	back = xl_image_to_u1(f);
	assert_memory_equal(back->data, want, 8);
	xl_tensor_free(back);
	i4 = xl_tensor_to(u, XL_I4);
	assert_null(xl_image_to_f4(i4));
	assert_string_equal(xl_err_msg(), "image values are |u1 or floats, not <i4");
	xl_tensor_free(i4);
	xl_tensor_free(f);
	xl_tensor_free(u);
}

static void test_image_range(void **state)
{
	const float step = 1 / 127.5f;
	struct xl_tensor *t = xl_tensor_new(XL_F4, 1, (int64_t[]){3}), *other;
	float *v = t->data;

	(void)state;
	v[0] = -1 - step / 2, v[1] = 0, v[2] = 1 + step / 2;
	assert_int_equal(xl_image_check_range(t, "x"), 0);
	v[1] = -1 - 2 * step;
	assert_int_equal(xl_image_check_range(t, "x"), -1);
	assert_string_equal(xl_err_msg(), "x holds -1.01569, an image of floats lies in -1..1");
	v[1] = NAN;
	assert_int_equal(xl_image_check_range(t, "out"), -1);
	assert_string_equal(xl_err_msg(), "out holds values that are not finite");
	v[1] = 255;
	other = xl_tensor_to(t, XL_U1);
	assert_int_equal(xl_image_check_range(other, "x"), 0);
	xl_tensor_free(other);
	for (enum xl_dtype d = XL_B1; d <= XL_F8; d++) {
		other = xl_tensor_to(t, d);
		assert_int_equal(xl_image_check_range(other, "x"), -1);
		assert_non_null(strstr(xl_err_msg(), d < XL_F2 ? "|u1 or floats" : "x holds 255,"));
		xl_tensor_free(other);
	}
	xl_tensor_free(t);
}

static struct xl_tensor *one(double v)
{
	struct xl_tensor *t = xl_tensor_new(XL_F8, 0, NULL);

	*(double *)t->data = v;
	return t;
}

static void test_record_tensors(void **state)
{
	struct xl_record *r = xl_record_new(XL_CODE, "a");
	char name[16];

	(void)state;
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		assert_int_equal(xl_record_put(r, name, one(i)), 0);
	}
	assert_int_equal(xl_record_put(r, "t7", one(70)), 0);
	assert_int_equal(r->n_tensors, 40);
	assert_string_equal(r->tensors[7].name, "t7"); /* replaced in its place */
	assert_true(xl_tensor_value(xl_record_tensor(r, "t7"), 0) == 70);
	xl_record_drop(r, "t8");
	xl_record_drop(r, "none");
	assert_null(xl_record_tensor(r, "t8"));
	assert_string_equal(r->tensors[8].name, "t9");
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		xl_record_drop(r, name);
	}
	assert_int_equal(r->n_tensors, 0);
	assert_int_equal(xl_record_put(r, "again", one(1)), 0);
	assert_int_equal(xl_record_put(r, "failed", NULL), -1);
	assert_int_equal(xl_record_set_id(r, r->id), 0);
	assert_string_equal(r->id, "a");
	xl_record_free(r);
	xl_record_free(NULL);
}

static void test_record_meta(void **state)
{
	static const char *const words[] = {"a", "b"};
	struct xl_record *r = xl_record_new(XL_CODE, "a"), *copy;
	const struct xl_value *v;

	(void)state;
	assert_false(r->has_meta);
	xl_meta_set_str(r, "s", "text");
	assert_true(r->has_meta);
	xl_meta_set_num(r, "f", 2.75);
	xl_meta_set_int(r, "i", 7);
	xl_meta_set_bool(r, "b", true);
	xl_meta_set_strs(r, "l", words, 2);
	xl_meta_set_str(r, "s", xl_meta_str(r, "s", NULL)); /* its own value */
	assert_string_equal(xl_meta_str(r, "s", "-"), "text");
	assert_string_equal(xl_meta_str(r, "i", "-"), "-");
	assert_true(xl_meta_num(r, "f", 0) == 2.75 && xl_meta_num(r, "i", 0) == 7);
	assert_true(xl_meta_num(r, "s", -1) == -1);
	assert_int_equal(xl_meta_int(r, "i", 0), 7);
	assert_int_equal(xl_meta_int(r, "f", 0), 2);
	assert_int_equal(xl_meta_int(r, "none", 5), 5);
	assert_true(xl_meta_bool(r, "b", false) && xl_meta_bool(r, "i", false));
	assert_true(xl_meta_bool(r, "s", true));
	copy = xl_record_copy(r);
	xl_meta_drop(r, "f");
	assert_null(xl_meta_get(r, "f"));
	assert_int_equal(r->n_meta, 4);
	xl_record_free(r);
	v = xl_meta_get(copy, "l");
	assert_non_null(v);
	assert_int_equal(v->n, 2);
	assert_string_equal(v->items[1].str, "b");
	assert_string_equal(copy->meta[4].key, "l");
	xl_record_free(copy);
}

static void test_meta_refuses_nested_lists(void **state)
{
	struct xl_record *r = xl_record_new(XL_CODE, "a");
	struct xl_value inner = {.type = XL_LIST};
	const struct xl_value outer = {.type = XL_LIST, .items = &inner, .n = 1};

	(void)state;
	assert_int_equal(xl_meta_set_value(r, "l", &outer), -1);
	assert_string_equal(xl_err_msg(), "a list holds no lists");
	xl_meta_set_num(r, "huge", 1e300);
	assert_int_equal(xl_meta_int(r, "huge", -1), -1);
	xl_record_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_shapes_refused),
		cmocka_unit_test(test_conversions),
		cmocka_unit_test(test_conversion_of_many),
		cmocka_unit_test(test_halves),
		cmocka_unit_test(test_image_values),
		cmocka_unit_test(test_image_range),
		cmocka_unit_test(test_record_tensors),
		cmocka_unit_test(test_record_meta),
		cmocka_unit_test(test_meta_refuses_nested_lists),
	};

	return cmocka_run_group_tests_name("tensor", tests, NULL, NULL);
}
