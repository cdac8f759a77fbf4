/*
 * test_metrics.c - SSIM, errors, masks and IoU against values of independent
 * implementations in double precision, and against sums done by hand.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/json.h"
#include "core/pool.h"
#include "image/coverage.h"
#include "metrics/compare.h"
#include "metrics/iou.h"
#include "metrics/miou.h"

enum { SIDE = 16 };

#define assert_near(a, b, eps) near_at(a, b, eps, __LINE__)

static void near_at(double a, double b, double eps, int line)
{
	if (!(fabs(a - b) <= eps))
		fail_msg("line %d: %.17g, expected %.17g within %g", line, a, b, eps);
}

static struct xl_tensor *new3(enum xl_dtype type, int64_t c, int64_t h, int64_t w)
{
	struct xl_tensor *t = xl_tensor_new(type, 3, (const int64_t[]){c, h, w});

	assert_non_null(t);
	return t;
}

static int clamp(int v)
{
	return v < 0 ? 0 : v > 255 ? 255 : v;
}

/* The two golden pictures; channels 1 and 2 are 3p mod 256, and 255 - p, which
 * in b is rolled right by one column. */
static void golden(struct xl_tensor **a, struct xl_tensor **b, int channels)
{
	const int n = SIDE * SIDE;
	uint8_t *pa, *pb;

	*a = new3(XL_U1, channels, SIDE, SIDE);
	*b = new3(XL_U1, channels, SIDE, SIDE);
	pa = (*a)->data;
	pb = (*b)->data;
	for (int i = 0; i < n; i++) {
		const int x = i % SIDE, y = i / SIDE;

		pa[i] = (uint8_t)(17 * x + 31 * y + 13 * (x * y % 7));
		pb[i] = (uint8_t)clamp(pa[i] + 4 * ((7 * x + 3 * y) % 11 - 5));
	}
	for (int i = 0; channels == 3 && i < n; i++) {
		const int from = i - i % SIDE + (i + SIDE - 1) % SIDE;

		pa[n + i] = (uint8_t)(3 * pa[i]);
		pb[n + i] = (uint8_t)(3 * pb[i]);
		pa[2 * n + i] = (uint8_t)(255 - pa[i]);
		pb[2 * n + i] = (uint8_t)(255 - pb[from]);
	}
}

static const enum xl_ssim_window all_windows[] = {XL_SSIM_UNIFORM7, XL_SSIM_GAUSS11,
                                                  XL_SSIM_GAUSS11S};

static void test_ssim_golden(void **state)
{
	struct xl_tensor *a, *b;
	double s[3];

	(void)state;
	golden(&a, &b, 1);
	assert_int_equal(xl_ssim(s, a, b, all_windows, 3, false), 0);
	assert_near(s[0], 0.9855601346261618, 1e-10);
	assert_near(s[1], 0.9808431922166384, 1e-10);
	assert_near(s[2], 0.9808419873003716, 1e-10);
	assert_int_equal(xl_ssim(s, a, a, all_windows, 3, false), 0);
	for (int i = 0; i < 3; i++)
		assert_near(s[i], 1, 1e-12);
	xl_tensor_free(a);
	xl_tensor_free(b);

	golden(&a, &b, 3);
	assert_int_equal(xl_ssim(s, a, b, all_windows, 2, false), 0);
	assert_near(s[0], 0.5950344020438691, 1e-10);
	assert_near(s[1], 0.5596085051067806, 1e-10);
	xl_tensor_free(a);
	xl_tensor_free(b);
}

/* X[y][x][c] = 7y + 13x + 29c, Y = X + 17 ((x + y) mod 5), modulo 256, 28 x 28; and flat
 * images, of which the constants alone decide: made once by scikit-image 0.13's rule. */
static void test_ssim_of_digits(void **state)
{
	static const double channel[3] = {0.35054173, 0.32691512, 0.31361429};
	struct xl_tensor *a = new3(XL_U1, 3, 28, 28), *b = new3(XL_U1, 3, 28, 28);
	double s;

	(void)state;
	for (int c = 0; c < 3; c++) {
		struct xl_tensor *a1 = new3(XL_U1, 1, 28, 28), *b1 = new3(XL_U1, 1, 28, 28);

		for (int i = 0; i < 784; i++) {
			const int x = i % 28, y = i / 28;

			((uint8_t *)a1->data)[i] = (uint8_t)(7 * y + 13 * x + 29 * c);
			((uint8_t *)b1->data)[i] =
				(uint8_t)(7 * y + 13 * x + 29 * c + 17 * ((x + y) % 5));
		}
		memcpy((uint8_t *)a->data + 784 * c, a1->data, 784);
		memcpy((uint8_t *)b->data + 784 * c, b1->data, 784);
		assert_int_equal(xl_ssim(&s, a1, b1, all_windows, 1, false), 0);
		assert_near(s, channel[c], 6e-9);
		xl_tensor_free(a1);
		xl_tensor_free(b1);
	}
	assert_int_equal(xl_ssim(&s, a, b, all_windows, 1, false), 0);
	assert_near(s, 0.33035705, 6e-9);
	memset(a->data, 10, xl_tensor_bytes(a));
	memset(b->data, 20, xl_tensor_bytes(b));
	assert_int_equal(xl_ssim(&s, a, b, all_windows, 1, false), 0);
	assert_near(s, 0.80256761, 6e-9);
	memset(a->data, 0, xl_tensor_bytes(a));
	memset(b->data, 255, xl_tensor_bytes(b));
	assert_int_equal(xl_ssim(&s, a, b, all_windows, 1, false), 0);
	assert_near(s, 9.9990e-5, 6e-10);
	xl_tensor_free(a);
	xl_tensor_free(b);
}

static void test_ssim_one_window(void **state)
{
	struct xl_tensor *a = new3(XL_U1, 1, 7, 7), *b = new3(XL_U1, 1, 7, 7);
	double s;

	(void)state;
	for (int i = 0; i < 49; i++) {
		((uint8_t *)a->data)[i] = (uint8_t)i;
		((uint8_t *)b->data)[i] = (uint8_t)(i + 10 * (i % 3));
	}
	assert_int_equal(xl_ssim(&s, a, b, all_windows, 1, false), 0);
	assert_near(s, 0.8239575431115767, 1e-12);
	assert_int_equal(xl_ssim(&s, a, b, all_windows + 1, 1, false), -1);
	assert_string_equal(xl_err_msg(), "(1,7,7) |u1 is smaller than the 11x11 window of SSIM");
	xl_tensor_free(a);
	xl_tensor_free(b);
}

/* Luma of a grey picture is the picture. */
static void test_ssim_luma(void **state)
{
	struct xl_tensor *a, *b, *a3 = new3(XL_U1, 3, SIDE, SIDE), *b3 = new3(XL_U1, 3, SIDE, SIDE);
	double s[2];

	(void)state;
	golden(&a, &b, 1);
	for (int c = 0; c < 3; c++) {
		memcpy((uint8_t *)a3->data + c * SIDE * SIDE, a->data, SIDE * SIDE);
		memcpy((uint8_t *)b3->data + c * SIDE * SIDE, b->data, SIDE * SIDE);
	}
	assert_int_equal(xl_ssim(s, a3, b3, all_windows, 2, true), 0);
	assert_near(s[0], 0.9855601346261618, 1e-10);
	assert_near(s[1], 0.9808431922166384, 1e-10);
	/* Only green differs from black: its weight squared is all there is. */
	memset(a3->data, 0, xl_tensor_bytes(a3));
	memset(b3->data, 0, xl_tensor_bytes(b3));
	memset((uint8_t *)b3->data + SIDE * SIDE, 100, SIDE * SIDE);
	assert_int_equal(xl_ssim(s, a3, b3, all_windows, 2, true), 0);
	assert_near(s[0], 6.5025 / (58.7 * 58.7 + 6.5025), 1e-12);
	xl_tensor_free(a);
	xl_tensor_free(b);
	xl_tensor_free(a3);
	xl_tensor_free(b3);
}

static void test_ssim_threads(void **state)
{
	struct xl_tensor *a, *b;
	double one[3], four[3];

	(void)state;
	golden(&a, &b, 3);
	xl_threads_set(1);
	assert_int_equal(xl_ssim(one, a, b, all_windows, 3, false), 0);
	xl_threads_set(4);
	assert_int_equal(xl_ssim(four, a, b, all_windows, 3, false), 0);
	xl_threads_set(0);
	assert_memory_equal(one, four, sizeof one);
	xl_tensor_free(a);
	xl_tensor_free(b);
}

static void test_errors_golden(void **state)
{
	struct xl_tensor *a, *b;
	float mask[SIDE * SIDE];
	struct xl_errors e;

	(void)state;
	golden(&a, &b, 1);
	for (int i = 0; i < SIDE * SIDE; i++) {
		const int x = i % SIDE - 8, y = i / SIDE - 8;

		mask[i] = x * x + y * y < 16;
	}
	xl_errors_of(&e, a, b, mask);
	assert_near(e.mse, 153.421875, 0);
	assert_near(e.psnr, 26.27193074824131, 1e-11);
	assert_near(255 * e.mae, 10.625, 1e-12);
	assert_near(e.inside_weight, 45, 0);
	assert_near(255 * xl_errors_inside(&e), 10.755555555555556, 1e-11);
	assert_near(255 * xl_errors_outside(&e), 10.597156398104266, 1e-11);
	xl_errors_of(&e, a, a, NULL);
	assert_true(isinf(e.psnr) && e.mae == 0 && !e.has_mask);
	assert_true(isnan(xl_errors_inside(&e)));
	xl_tensor_free(a);
	xl_tensor_free(b);
}

/* Differences of 100 in all are close, of 101 not, however they are spread. */
static void test_errors_close(void **state)
{
	static const uint8_t to[] = {100, 101, 50, 50, 0, 0, 50, 51, 0, 0, 0, 0};
	struct xl_tensor *a = new3(XL_U1, 3, 1, 4), *b = new3(XL_U1, 3, 1, 4);
	struct xl_errors e;

	(void)state;
	memcpy(b->data, to, sizeof to);
	xl_errors_of(&e, a, b, NULL);
	assert_near(e.close, 0.5, 0);
	xl_errors_of(&e, b, a, NULL);
	assert_near(e.close, 0.5, 0);
	xl_errors_of(&e, b, b, NULL);
	assert_near(e.close, 1, 0);
	xl_tensor_free(a);
	xl_tensor_free(b);
}

static double value_of(const struct xl_values *v, const char *name)
{
	for (int i = 0; i < v->n; i++)
		if (strcmp(v->item[i].name, name) == 0)
			return v->item[i].is_count ? (double)v->item[i].count : v->item[i].number;
	fail_msg("no value %s", name);
	return 0;
}

/* Two pairs of different size: means are over pairs, masks pool over pixels. */
static void test_compare_totals(void **state)
{
	struct xl_errors small = {.mse = 1, .psnr = 10, .mae = 0.5, .has_mask = true,
	                          .inside_sum = 1, .inside_weight = 2, .outside_sum = 0.5,
	                          .outside_weight = 1};
	struct xl_errors large = {.psnr = INFINITY, .mae = 0.1, .has_mask = true, .inside_sum = 2,
	                          .inside_weight = 8, .outside_sum = 0, .outside_weight = 0};
	struct xl_compare t = {.identical = 0};
	struct xl_values v = {.n = 0};

	(void)state;
	xl_compare_values(&v, &t, "", true);
	xl_change_values(&v, &t);
	assert_int_equal(v.n, 0);
	xl_compare_add(&t, (const double[]){0.5, 0.25}, &small);
	xl_compare_add(&t, (const double[]){1, 0.75}, &large);
	xl_compare_values(&v, &t, "_input", true);
	assert_near(value_of(&v, "ssim_uniform7_input"), 0.75, 1e-15);
	assert_near(value_of(&v, "ssim_uniform7_sd_input"), 0.25, 1e-15);
	assert_near(value_of(&v, "ssim_gauss11_input"), 0.5, 1e-15);
	assert_near(value_of(&v, "psnr_input"), 10, 0);
	assert_near(value_of(&v, "identical_input"), 1, 0);
	assert_near(value_of(&v, "mae_input"), 0.3, 1e-15);
	assert_near(value_of(&v, "mae_inside_input"), 0.3, 1e-15);
	assert_near(value_of(&v, "mae_outside_input"), 0.5, 1e-15);
	xl_change_values(&v, &t);
	assert_near(value_of(&v, "change_inside"), 0.3, 1e-15);
}

static void expect_no_image(struct xl_record *r, struct xl_tensor *t, const char *name,
                            const char *message)
{
	assert_int_equal(xl_record_put(r, name, t), 0);
	assert_null(xl_compare_image(r));
	assert_non_null(strstr(xl_err_msg(), message));
}

static void test_compare_image(void **state)
{
	struct xl_record *r = xl_record_new(XL_CODE, "a.png");
	struct xl_tensor *t = new3(XL_F4, 3, 1, 2), *image;
	float *f = t->data;

	(void)state;
	assert_null(xl_compare_image(r));
	assert_non_null(strstr(xl_err_msg(), "a code record with neither out nor x"));
	assert_int_equal(xl_record_put(r, "x", new3(XL_U1, 3, 2, 2)), 0);
	image = xl_compare_image(r);
	assert_non_null(image);
	assert_int_equal(image->shape[1], 2);
	xl_tensor_free(image);
	f[0] = -1;
	f[1] = 1;
	f[2] = 0.5f;
	f[3] = 7;
	f[4] = -7;
	assert_int_equal(xl_record_put(r, "out", t), 0);
	image = xl_compare_image(r);
	assert_non_null(image);
	assert_memory_equal(image->data, ((const uint8_t[]){0, 255, 191, 255, 0, 128}), 6);
	xl_tensor_free(image);
	f[5] = NAN;
	assert_null(xl_compare_image(r));
	assert_string_equal(xl_err_msg(), "out holds values that are not finite");
	expect_no_image(r, new3(XL_U1, 1, 8, 8), "out", "out is (1,8,8) |u1, an image has 3");
	expect_no_image(r, new3(XL_U1, 3, 0, 8), "out", "without a pixel");
	expect_no_image(r, new3(XL_I8, 3, 2, 2), "out", "out");
	xl_record_free(r);
}

/* floor((v - least) 255 / (greatest - least) + 0.5), of bytes and of floats alike. */
static void test_compare_stretched(void **state)
{
	struct xl_record *r = xl_record_new(XL_CODE, "a.png");
	struct xl_tensor *t = new3(XL_U1, 3, 1, 2), *image;

	(void)state;
	assert_null(xl_compare_stretched(r));
	assert_non_null(strstr(xl_err_msg(), "a code record with neither out nor x"));
	memcpy(t->data, (const uint8_t[]){10, 20, 30, 61, 35, 10}, 6);
	assert_int_equal(xl_record_put(r, "x", t), 0);
	image = xl_compare_stretched(r);
	assert_non_null(image);
	assert_memory_equal(image->data, ((const uint8_t[]){0, 50, 100, 255, 125, 0}), 6);
	xl_tensor_free(image);
	/* beyond -1..1 as well */
	t = new3(XL_F4, 3, 1, 2);
	memcpy(t->data, (const float[]){-2, 0, 2, 1, -1, 0.5f}, 24);
	assert_int_equal(xl_record_put(r, "out", t), 0);
	image = xl_compare_stretched(r);
	assert_non_null(image);
	assert_memory_equal(image->data, ((const uint8_t[]){0, 128, 255, 191, 64, 159}), 6);
	xl_tensor_free(image);
	for (int i = 0; i < 6; i++)
		((float *)t->data)[i] = 1;
	image = xl_compare_stretched(r);
	assert_non_null(image);
	assert_memory_equal(image->data, "\xff\xff\xff\xff\xff\xff", 6);
	xl_tensor_free(image);
	((float *)t->data)[3] = INFINITY;
	assert_null(xl_compare_stretched(r));
	xl_record_free(r);
}

/* xl_coverage of a record with this mask and no more */
static float *cover(struct xl_tensor *t, int64_t h, int64_t w)
{
	struct xl_named m = {.name = (char[]){"m"}, .tensor = t};
	const struct xl_record r = {.tensors = &m, .n_tensors = 1};

	return xl_coverage(&r, "m", h, w);
}

/* v[y][x] = (37x + 59y) mod 101 over 101, 4 rows of 5; references to 1e-7, the
 * rounding of our floats. */
static void test_coverage_bilinear(void **state)
{
	static const double to_3x2[] = {37.58333333333333, 24.875, 65.75, 44.625,
	                                30.79166666666667, 64.37499999999999};
	static const double row2_of_7x9[] = {54.78571428571428, 67.1190476190476,
	                                     87.67460317460316, 66.54761904761904,
	                                     35.00000000000001, 51.54761904761905,
	                                     58.47619047619047, 26.928571428571416,
	                                     8.000000000000009};
	struct xl_tensor *t = new3(XL_F8, 1, 4, 5);
	double *v = t->data;
	float *p;

	(void)state;
	for (int i = 0; i < 20; i++)
		v[i] = (37 * (i % 5) + 59 * (i / 5)) % 101 / 101.0;
	p = cover(t, 3, 2);
	assert_non_null(p);
	for (int i = 0; i < 6; i++)
		assert_near(p[i], to_3x2[i] / 101, 1e-7);
	free(p);
	p = cover(t, 7, 9);
	assert_non_null(p);
	for (int i = 0; i < 9; i++)
		assert_near(p[2 * 9 + i], row2_of_7x9[i] / 101, 1e-7);
	free(p);
	xl_tensor_free(t);
}

/* LOMIT's enlargement by 4 of ((0,1),(0.5,0.25)). */
static void test_coverage_times_four(void **state)
{
	static const float row2[] = {.0625f, .0625f, .16796875f, .37890625f,
	                             .58984375f, .80078125f, .90625f, .90625f};
	struct xl_tensor *t = new3(XL_F4, 1, 2, 2);
	float *p;

	(void)state;
	memcpy(t->data, (const float[]){0, 1, 0.5f, 0.25f}, 16);
	p = cover(t, 8, 8);
	assert_non_null(p);
	assert_memory_equal(p + 2 * 8, row2, sizeof row2);
	free(p);
	xl_tensor_free(t);
}

static void test_coverage_types(void **state)
{
	struct xl_tensor *t = new3(XL_U1, 1, 1, 2);
	float *p;

	(void)state;
	memcpy(t->data, "\x80\xff", 2);
	p = cover(t, 1, 2);
	assert_near(p[0], 128 / 255.0, 1e-7);
	assert_near(p[1], 1, 0);
	free(p);
	t->dtype = XL_B1;
	memcpy(t->data, "\x00\x01", 2);
	p = cover(t, 1, 2);
	assert_true(p[0] == 0 && p[1] == 1);
	free(p);
	xl_tensor_free(t);

	t = new3(XL_F4, 1, 1, 2);
	((float *)t->data)[0] = 1.5f;
	assert_null(cover(t, 1, 2));
	assert_string_equal(xl_err_msg(), "m holds 1.5, a mask lies in 0..1");
	((float *)t->data)[0] = NAN;
	assert_null(cover(t, 1, 2));
	((float *)t->data)[0] = -0.25f;
	assert_null(cover(t, 1, 2));
	xl_tensor_free(t);

	t = new3(XL_F4, 2, 1, 2);
	assert_null(cover(t, 1, 2));
	assert_string_equal(xl_err_msg(), "m is (2,1,2) <f4, a mask has 1 channel");
	xl_tensor_free(t);
	t = new3(XL_F4, 1, 0, 2);
	assert_null(cover(t, 1, 2));
	xl_tensor_free(t);
	t = new3(XL_I4, 1, 1, 2);
	assert_null(cover(t, 1, 2));
	xl_tensor_free(t);
}

static void golden_masks(float *mask, float *truth)
{
	for (int i = 0; i < SIDE * SIDE; i++) {
		const int x = i % SIDE, y = i / SIDE;

		mask[i] = (float)((13 * x + 29 * y) % 64) / 63;
		truth[i] = (x - 7) * (x - 7) + (y - 9) * (y - 9) < 30;
	}
}

static void test_iou_golden(void **state)
{
	static const double at[][2] = {{0.1, 0.35714285714285715}, {0.3, 0.3333333333333333},
	                               {0.5, 0.2742857142857143}, {0.7, 0.19444444444444445},
	                               {0.9, 0.10714285714285714}};
	float mask[SIDE * SIDE], truth[SIDE * SIDE];
	struct xl_overlap o;

	(void)state;
	golden_masks(mask, truth);
	for (int i = 0; i < 5; i++) {
		xl_overlap_of(&o, mask, truth, SIDE * SIDE, at[i][0]);
		assert_near(xl_overlap_iou(&o), at[i][1], 1e-13);
	}
	xl_overlap_of(&o, mask, truth, SIDE * SIDE, 0.5);
	assert_int_equal(o.truth, 97);
	assert_int_equal(o.mask, 126);
	assert_int_equal(o.both, 48);
	assert_int_equal(o.either, 175);
	assert_near(xl_overlap_dice(&o), 0.4304932735426009, 1e-13);
}

static struct xl_tensor *labels(int which)
{
	struct xl_tensor *t = new3(XL_U1, 1, SIDE, SIDE);

	for (int i = 0; i < SIDE * SIDE; i++) {
		const int x = i % SIDE, y = i / SIDE;
		const int truth = (x + y) % 13 == 0 ? 255 : (x / 4 + y / 5) % 5;

		((uint8_t *)t->data)[i] =
			(uint8_t)(which == 0 ? truth : (x / 4 + (y + x % 3) / 5) % 5);
	}
	return t;
}

static void test_miou_golden(void **state)
{
	static const int64_t confusion[5][5] = {{32, 6, 0, 0, 0},
						{0, 37, 7, 0, 0},
						{0, 0, 39, 10, 0},
						{0, 0, 0, 49, 12},
						{8, 0, 0, 0, 36}};
	static const double each[] = {0.6956521739130435, 0.74, 0.6964285714285714,
				      0.6901408450704225, 0.6428571428571429};
	struct xl_tensor *truth = labels(0), *pred = labels(1);
	struct xl_miou m = {.classes = 6};
	struct xl_values v = {.n = 0};
	char name[32];

	(void)state;
	xl_miou_values(&v, &m);
	assert_int_equal(v.n, 0);
	assert_int_equal(xl_miou_check(&m, truth), 0);
	assert_int_equal(xl_miou_add(&m, truth, pred), 0);
	for (int g = 0; g < 5; g++)
		for (int p = 0; p < 5; p++)
			assert_int_equal(m.count[g][p], confusion[g][p]);
	xl_miou_values(&v, &m);
	assert_near(value_of(&v, "miou"), 0.693015746653836, 1e-13);
	assert_near(value_of(&v, "pixel_accuracy"), 0.8177966101694916, 1e-13);
	assert_near(value_of(&v, "class_accuracy"), 0.8200786456240665, 1e-13);
	assert_near(value_of(&v, "classes"), 5, 0);
	assert_near(value_of(&v, "pixels"), 236, 0);
	assert_near(value_of(&v, "ignored"), 20, 0);
	for (int k = 0; k < 5; k++) {
		snprintf(name, sizeof name, "iou_class_%d", k);
		assert_near(value_of(&v, name), each[k], 1e-13);
	}
	assert_true(isnan(value_of(&v, "iou_class_5")));
	xl_tensor_free(truth);
	xl_tensor_free(pred);
}

/* What is refused is not counted. */
static void test_miou_refusals(void **state)
{
	struct xl_tensor *truth = labels(0), *pred = labels(1), *wide = new3(XL_U1, 1, SIDE, 3);
	struct xl_tensor *soft = new3(XL_F4, 1, SIDE, SIDE), *rgb = new3(XL_U1, 3, SIDE, SIDE);
	struct xl_miou m = {.classes = 4}, none = {.classes = 4};

	(void)state;
	assert_int_equal(xl_miou_check(&m, truth), -1);
	assert_string_equal(xl_err_msg(), "truth has label 4, of 4 classes");
	assert_int_equal(xl_miou_check(&m, rgb), -1);
	assert_string_equal(xl_err_msg(), "truth is (3,16,16) |u1, labels are (1,H,W) |u1");
	memset(truth->data, 3, xl_tensor_bytes(truth));
	assert_int_equal(xl_miou_check(&m, truth), 0);
	assert_int_equal(xl_miou_add(&m, truth, pred), -1);
	assert_string_equal(xl_err_msg(), "prediction has label 4, of 4 classes");
	assert_int_equal(xl_miou_add(&m, truth, wide), -1);
	assert_string_equal(xl_err_msg(), "prediction is 3x16, truth 16x16");
	assert_int_equal(xl_miou_add(&m, truth, soft), -1);
	assert_string_equal(xl_err_msg(), "prediction is (1,16,16) <f4, labels are (1,H,W) |u1");
	assert_memory_equal(&m, &none, sizeof m);
	xl_tensor_free(truth);
	xl_tensor_free(pred);
	xl_tensor_free(wide);
	xl_tensor_free(soft);
	xl_tensor_free(rgb);
}

static void test_iou_edges(void **state)
{
	struct xl_overlap o;
	struct xl_iou t = {.empty = 0};

	(void)state;
	/* At the threshold counts, in single precision; bytes divide at 128. */
	xl_overlap_of(&o, (const float[]){0.7f, 0.6999f}, (const float[]){128 / 255.0f, 127 / 255.0f},
	              2, 0.7);
	assert_true(o.mask == 1 && o.truth == 1 && o.both == 1 && o.either == 1);
	xl_iou_add(&t, &o);
	xl_overlap_of(&o, (const float[]){0, 0}, (const float[]){0, 0}, 2, 0.5);
	assert_near(xl_overlap_iou(&o), 1, 0);
	assert_near(xl_overlap_dice(&o), 1, 0);
	xl_iou_add(&t, &o);
	xl_overlap_of(&o, (const float[]){1, 0}, (const float[]){0, 1}, 2, 0.5);
	xl_iou_add(&t, &o);
	assert_int_equal(t.empty, 1);
	assert_near(t.iou.mean, 2 / 3.0, 1e-15);
	assert_near(xl_overlap_iou(&t.pooled), 1 / 3.0, 1e-15);
	assert_near(t.mask_area.mean, 1 / 3.0, 1e-15);
}

/* The first half likes 0.35, the second 0.65; the first decides. */
static void test_iou_sweep(void **state)
{
	const float truth[] = {1, 0};
	struct xl_iou_sweep t = {.n = 0};
	struct xl_values v = {.n = 0};

	(void)state;
	xl_iou_sweep_values(&v, &t);
	assert_int_equal(v.n, 0);
	xl_iou_sweep_add(&t, (const float[]){0.36f, 0.34f}, truth, 2);
	xl_iou_sweep_values(&v, &t);
	assert_near(value_of(&v, "best_threshold"), 0.35, 1e-15);
	assert_near(value_of(&v, "iou_chosen"), 1, 0);
	assert_string_equal(v.item[v.n - 1].name, "iou_chosen");
	v.n = 0;
	xl_iou_sweep_add(&t, (const float[]){0.66f, 0.64f}, truth, 2);
	xl_iou_sweep_values(&v, &t);
	assert_near(value_of(&v, "best_threshold"), 0.35, 1e-15);
	assert_near(value_of(&v, "iou_tested"), 0.5, 0);
	assert_near(value_of(&v, "iou_at_0.05"), 0.5, 0);
	assert_near(value_of(&v, "iou_at_0.35"), 0.75, 0);
	assert_near(value_of(&v, "iou_at_0.50"), 0.25, 0);
	assert_near(value_of(&v, "iou_at_0.65"), 0.5, 0);
}

static void test_moments(void **state)
{
	struct xl_moments m = {.n = 0};

	(void)state;
	assert_near(xl_moments_sd(&m), 0, 0);
	for (int i = 1; i <= 4; i++)
		xl_moments_add(&m, 1e9 + i);
	assert_near(m.mean, 1e9 + 2.5, 0);
	assert_near(xl_moments_sd(&m), sqrt(1.25), 1e-12);
}

static void test_values(void **state)
{
	struct xl_values v = {.n = 0};
	struct xl_json j;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	xl_values_int(&v, "records", "", 2);
	xl_values_num(&v, "psnr", "_input", INFINITY);
	xl_values_num(&v, "mae", "", -NAN);
	xl_values_text(&v, f, NULL);
	xl_values_text(&v, f, "a\nb \033c");
	xl_json_begin(&j);
	xl_values_json(&v, &j);
	assert_int_equal(xl_json_end(&j, f), 0);
	fclose(f);
	assert_non_null(strstr(text, "records 2\npsnr_input inf\nmae nan\n"));
	assert_non_null(strstr(text, "records 2 a?b ?c\n"));
	assert_non_null(strstr(text, "\"records\":2"));
	assert_non_null(strstr(text, "\"psnr_input\":null"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ssim_golden),
		cmocka_unit_test(test_ssim_of_digits),
		cmocka_unit_test(test_ssim_one_window),
		cmocka_unit_test(test_ssim_luma),
		cmocka_unit_test(test_ssim_threads),
		cmocka_unit_test(test_errors_golden),
		cmocka_unit_test(test_errors_close),
		cmocka_unit_test(test_compare_totals),
		cmocka_unit_test(test_compare_image),
		cmocka_unit_test(test_compare_stretched),
		cmocka_unit_test(test_coverage_bilinear),
		cmocka_unit_test(test_coverage_times_four),
		cmocka_unit_test(test_coverage_types),
		cmocka_unit_test(test_iou_golden),
		cmocka_unit_test(test_iou_edges),
		cmocka_unit_test(test_miou_golden),
		cmocka_unit_test(test_miou_refusals),
		cmocka_unit_test(test_iou_sweep),
		cmocka_unit_test(test_moments),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
