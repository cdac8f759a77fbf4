/*
 * test_squash.c - pictures at the size of a network: against numbers of independent
 * implementations in double precision (pictures and numbers as in the specification of
 * the metrics).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "metrics/squash.h"

enum { H = 4, W = 5, SIZE = 299, MOST = 63 };

static void near(double got, double want, double tolerance, const char *what)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("%s: %.17g, not %.17g within %g", what, got, want, tolerance);
}

/* What rounding between the passes leaves of the digits. */
static double digits(enum xl_squash how)
{
	return how == XL_SQUASH_CLEAN ? 1e-5 : 1e-9;
}

static void small(void **state)
{
	static const struct {
		enum xl_squash how;
		int64_t oh, ow;
		int n; /* values that are known */
		double want[MOST];
	} cases[] = {
		{XL_SQUASH_PT,
		 3,
		 2,
		 6,
		 {37.58333333333333, 24.875, 65.75, 44.625, 30.79166666666667, 64.37499999999999}},
		{XL_SQUASH_TF1,
		 3,
		 2,
		 6,
		 {0.0, 42.0, 45.0, 53.333333333333336, 56.33333333333332, 64.66666666666667}},
		{XL_SQUASH_CLEAN,
		 3,
		 2,
		 6,
		 {42.50199347611696, 38.220192392030626, 60.88285504949504, 47.74996268338171,
		  44.70507823848068, 54.85549778614122}},
		{XL_SQUASH_PT,
		 7,
		 9,
		 18,
		 {0.0, 12.333333333333334, 32.888888888888886, 53.44444444444445, 74.0,
		  38.44444444444443, 14.111111111111114, 34.66666666666668, 47.0, 21.07142857142857,
		  33.4047619047619, 53.960317460317455, 58.48412698412698, 59.0, 43.48412698412697,
		  31.17460317460317, 31.69047619047619, 32.0}},
		{XL_SQUASH_TF1,
		 7,
		 9,
		 18,
		 {0.0, 20.555555555555557, 41.111111111111114, 61.66666666666667, 59.77777777777777,
		  24.22222222222223, 22.33333333333334, 42.8888888888889, 47.0, 33.714285714285715,
		  54.26984126984127, 68.4126984126984, 56.904761904761905, 48.60317460317461,
		  45.111111111111114, 36.80952380952381, 25.301587301587293, 23.0}},
		{XL_SQUASH_CLEAN,
		 7,
		 9,
		 9,
		 {-7.69191643079887, 3.974468882267283, 27.477440824875455, 58.19660386672387,
		  77.33173076923077, 35.719787432597236, 5.676192169006046, 35.4314505320329,
		  53.99549901001873}},
	};
	uint8_t p[H * W];
	double out[MOST];

	(void)state;
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++)
			p[y * W + x] = (uint8_t)((37 * x + 59 * y) % 101);
	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		assert_int_equal(
			xl_squash_plane(out, cases[k].oh, cases[k].ow, p, H, W, cases[k].how), 0);
		for (int i = 0; i < cases[k].n; i++)
			near(out[i], cases[k].want[i], digits(cases[k].how),
			     xl_squash_name(cases[k].how));
	}
}

/* One channel of the picture that the networks are tested with. */
static uint8_t *picture(int size)
{
	uint8_t *p = malloc((size_t)(3 * size * size));

	assert_non_null(p);
	for (int c = 0; c < 3; c++)
		for (int y = 0; y < size; y++)
			for (int x = 0; x < size; x++)
				p[(c * size + y) * size + x] =
					(uint8_t)(7 * x + 11 * y + 53 * c + 5 * (x * y % 17) +
						  9 * ((x >> 3) ^ (y >> 3)));
	return p;
}

/* Pixels (0,0), (0,298), (150,77), (298,298), and the mean. */
static void to_299(void **state)
{
	static const struct {
		int size;
		enum xl_squash how;
		double want[5];
	} cases[] = {
		{128, XL_SQUASH_PT, {0, 0, 55.46386226104859, 47, 128.46214034460337}},
		{128, XL_SQUASH_TF1, {0, 0, 40.72316864464604, 47, 128.49382697028713}},
		{128,
		 XL_SQUASH_CLEAN,
		 {0, 0, 50.746997594607606, 30.263476509720352, 128.47452715973125}},
		{512,
		 XL_SQUASH_PT,
		 {7.045718168700574, 50.57133868748672, 133.8641038690842, 233.6611027840852,
		  127.77950729750857}},
		{512,
		 XL_SQUASH_TF1,
		 {0, 43.01337792642141, 130.89845751166092, 225.59089943065516,
		  127.66859082314762}},
		{512,
		 XL_SQUASH_CLEAN,
		 {7.501492883773103, 49.91255147790508, 136.5587002903671, 237.2023530747672,
		  127.75940232394242}},
	};
	static const int places[4] = {0, 298, 150 * SIZE + 77, 298 * SIZE + 298};
	float *x = malloc(3 * SIZE * SIZE * sizeof *x);

	(void)state;
	assert_non_null(x);
	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		const bool is_pt = cases[k].how == XL_SQUASH_PT;
		const double scale = is_pt ? 127.5 : 128;
		const struct xl_tensor t = {.dtype = XL_U1,
					    .ndim = 3,
					    .shape = {3, cases[k].size, cases[k].size},
					    .data = picture(cases[k].size)};
		double mean = 0;

		/* levels, read back from what the network gets: floats around 1 */
		assert_int_equal(xl_squash_picture(x, SIZE, &t, cases[k].how), 0);
		for (int i = 0; i < 4; i++)
			near(((double)x[places[i]] + (is_pt ? 1 : 0)) * scale + (is_pt ? 0 : 128),
			     cases[k].want[i], 3e-5, xl_squash_name(cases[k].how));
		for (int i = 0; i < SIZE * SIZE; i++)
			mean += ((double)x[i] + 1) * scale / (SIZE * SIZE);
		near(mean, cases[k].want[4], 1e-5, "mean");
		free(t.data);
	}
	free(x);
}

/* At its own size a picture is what it was, in the three ways that do not blur. */
static void identity(void **state)
{
	static const enum xl_squash ways[] = {XL_SQUASH_PT, XL_SQUASH_TF1, XL_SQUASH_CLEAN};
	uint8_t *p = picture(31);
	double out[31 * 31];

	(void)state;
	for (int k = 0; k < 3; k++) {
		assert_int_equal(xl_squash_plane(out, 31, 31, p, 31, 31, ways[k]), 0);
		for (int i = 0; i < 31 * 31; i++)
			near(out[i], p[i], 1e-9, xl_squash_name(ways[k]));
	}
	free(p);
}

static void as_they_are(void **state)
{
	uint8_t p[] = {0, 255, 51, 0, 255, 51};
	const struct xl_tensor t = {.dtype = XL_U1, .ndim = 3, .shape = {3, 1, 2}, .data = p};
	float x[6];

	(void)state;
	assert_int_equal(xl_squash_picture(x, 299, &t, XL_SQUASH_NONE), 0);
	assert_true(x[0] == -1 && x[1] == 1 && x[2] == -0.6f);
	assert_int_equal(xl_squash_picture(x, 1, &t, XL_SQUASH_TF1), 0);
	assert_true(x[0] == -1 && x[1] == (51 - 128) / 128.0f && x[2] == 127 / 128.0f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small),
		cmocka_unit_test(to_299),
		cmocka_unit_test(identity),
		cmocka_unit_test(as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
