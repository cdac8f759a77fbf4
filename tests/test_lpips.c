/*
 * test_lpips.c - LPIPS of made weights against numbers from an independent implementation
 * in double precision; distances in groups; what it refuses. And which of many are drawn.
 *
 * With the name of a network as argument it writes made weights of it, as a model, to
 * stdout: for the tests of tools.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>
#include "backbones.h"
#include "core/pool.h"
#include "metrics/lpips.h"
#include "tensor/modelfile.h"

static void ok(int rc)
{
	if (rc)
		fail_msg("%s", xl_err_msg());
}

static void near(double got, double want, double tolerance, const char *what)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("%s: got %.9g, want %.9g", what, got, want);
}

/* The model of those weights in a file, "-" for stdout; the weights are freed. */
static void write_weights(const char *path, const char *name, struct xl_record *r)
{
	struct xl_record *records[] = {xl_record_new(XL_MODEL, "model"), r};

	ok(xl_meta_set_str(records[0], "network", name));
	ok(xl_modelfile_write(path, records, 2));
	xl_record_free(records[0]);
	xl_record_free(r);
}

static void open_with(struct xl_lpips *l, const char *name, struct xl_record *r, bool is_flat)
{
	char path[] = "/tmp/xl-lpips-XXXXXX";

	close(mkstemp(path));
	write_weights(path, name, r);
	ok(xl_lpips_open(l, path, xl_backbone_find(name), is_flat));
	unlink(path);
}

/* Picture 0 or 1 as bytes. */
static struct xl_tensor *image(int size, int which)
{
	const int64_t shape[] = {3, size, size};
	struct xl_tensor *f = xl_tensor_new(XL_F4, 3, shape), *u;

	assert_non_null(f);
	picture(f->data, size, which);
	u = xl_image_to_u1(f);
	assert_non_null(u);
	xl_tensor_free(f);
	return u;
}

/* The distance of the two pictures, seen together; and that it is 0 of one of them. */
static double distance(struct xl_lpips *l, int size)
{
	struct xl_tensor *x[] = {image(size, 0), image(size, 1)};
	struct xl_lpips_view v[2];
	double d;

	ok(xl_lpips_see(l, (const struct xl_tensor *const *)x, 2, v));
	d = xl_lpips_distance(&v[0], &v[1]);
	assert_true(xl_lpips_distance(&v[1], &v[0]) == d);
	assert_true(xl_lpips_distance(&v[1], &v[1]) == 0);
	for (int i = 0; i < 2; i++) {
		xl_lpips_unsee(&v[i]);
		xl_tensor_free(x[i]);
	}
	return d;
}

/* ---- values ----------------------------------------------------------- */

static void set_heads(struct xl_record *r, double times_channels)
{
	for (int i = 0; i < r->n_tensors; i++) {
		struct xl_tensor *t = r->tensors[i].tensor;

		for (int64_t c = 0; strncmp(r->tensors[i].name, "lin", 3) == 0 && c < t->shape[1];
		     c++)
			((float *)t->data)[c] = (float)(times_channels / (double)t->shape[1]);
	}
}

static void golden(const char *name, double made_heads, double constant, double none)
{
	struct xl_record *r = made_weights(name), *same = xl_record_copy(r);
	struct xl_lpips l;

	open_with(&l, name, r, false);
	near(distance(&l, 64), made_heads, 1e-4 * made_heads, name);
	assert_int_equal(strlen(xl_backbone_digest(l.net)), 64);
	assert_false(xl_backbone_is_published(l.net));
	xl_lpips_done(&l);

	set_heads(same, 1);
	r = xl_record_copy(same);
	open_with(&l, name, same, false);
	near(distance(&l, 64), constant, 1e-4 * constant, name);
	xl_lpips_done(&l);

	open_with(&l, name, r, true); /* the heads play no part */
	near(distance(&l, 64), none, 1e-4 * none, name);
	xl_lpips_done(&l);
}

static void alex(void **state)
{
	(void)state;
	golden("lpips-alex", 0.008504119471658075, 0.0015511114005270648, 0.16377447540300213);
}

static void squeeze(void **state)
{
	(void)state;
	golden("lpips-squeeze", 0.0118632448158, 0.00221269819353, 0.227681190612);
}

static void vgg(void **state)
{
	(void)state;
	golden("lpips-vgg", 0.0116310112801, 0.0023040726551, 0.238405712915);
}

static void one_tap_by_hand(void **state)
{
	static const float f0[] = {1, 2, 0, 3, 0, 2, 1, 0, 2, 1, 0, 4};
	static const float f1[] = {2, 1, 0, 3, 1, 2, 1, 1, 0, 1, 0, 0};
	static const float head[] = {0.5F, 0.25F, 1};
	static const double each[] = {0.9499999999, 0.04461453018, 0, 0.7257900211};
	float a[12], b[12];
	const struct xl_lpips_view va = {12, a}, vb = {12, b};

	(void)state;
	ok(xl_lpips_weigh(a, f0, 3, 4, head));
	ok(xl_lpips_weigh(b, f1, 3, 4, head));
	near(xl_lpips_distance(&va, &vb), 0.430101137808, 1e-7, "distance");
	for (int i = 0; i < 4; i++) {
		double sum = 0;

		for (int c = 0; c < 3; c++)
			sum += pow((double)a[4 * c + i] - (double)b[4 * c + i], 2);
		near(4 * sum, each[i], 1e-6, "place");
	}
}

/* ---- groups ----------------------------------------------------------- */

enum { N = 4 };

/* Pictures of different noise. */
static void make_group(struct xl_tensor **x)
{
	for (int i = 0; i < N; i++) {
		uint8_t *p = (x[i] = image(40, i & 1))->data;

		for (int64_t k = 0; k < xl_tensor_count(x[i]); k++)
			p[k] = (uint8_t)(p[k] + (k * (i + 3) * 7 % 31) * i);
	}
}

static void groups(void **state)
{
	struct xl_lpips l;
	struct xl_lpips_view v[N];
	struct xl_tensor *x[N];
	struct xl_moments all = {.n = 0}, tight = {.n = 0}, want = {.n = 0}, some = {.n = 0};
	struct xl_sample sample;
	double io[N], again[N];

	(void)state;
	open_with(&l, "lpips-squeeze", made_weights("lpips-squeeze"), false);
	make_group(x);
	for (int i = 0; i < N; i++) /* one by one: the same bits as together */
		ok(xl_lpips_see(&l, (const struct xl_tensor *const *)&x[i], 1, &v[i]));
	for (int i = 0; i < N; i++)
		for (int j = i + 1; j < N; j++)
			xl_moments_add(&want, xl_lpips_distance(&v[i], &v[j]));

	xl_threads_set(1);
	xl_sample_init(&sample, 6, 0, 0, 0);
	ok(xl_lpips_group(&l, x[1], x, N, &sample, io, &all));
	assert_memory_equal(&all, &want, sizeof want);
	for (int i = 0; i < N; i++)
		assert_true(io[i] == xl_lpips_distance(&v[1], &v[i]));

	xl_threads_set(3);
	l.most_bytes = 1; /* two views at a time */
	xl_sample_init(&sample, 6, 0, 0, 0);
	ok(xl_lpips_group(&l, x[1], x, N, &sample, again, &tight));
	assert_memory_equal(&tight, &want, sizeof want);
	assert_memory_equal(io, again, sizeof io);

	xl_sample_init(&sample, 6, 2, 0, 0);
	again[0] = -1;
	ok(xl_lpips_group(&l, NULL, x, N, &sample, again, &some));
	assert_int_equal(some.n, 2);
	assert_true(again[0] < 0);
	xl_threads_set(0);
	for (int i = 0; i < N; i++) {
		xl_lpips_unsee(&v[i]);
		xl_tensor_free(x[i]);
	}
	xl_lpips_done(&l);
}

static void refusals(void **state)
{
	struct xl_record *r = made_weights("lpips-squeeze");
	struct xl_tensor *x = image(2, 0);
	struct xl_lpips_view v;
	struct xl_lpips l;

	(void)state;
	((float *)xl_record_tensor(r, "lin2.model.1.weight")->data)[5] = -0.5F;
	open_with(&l, "lpips-squeeze", r, false);
	assert_int_equal(xl_lpips_see(&l, (const struct xl_tensor *const *)&x, 1, &v), -1);
	assert_non_null(strstr(xl_err_msg(), "lpips-squeeze: "));
	assert_null(v.values);
	xl_tensor_free(x);
	x = image(40, 0);
	assert_int_equal(xl_lpips_see(&l, (const struct xl_tensor *const *)&x, 1, &v), -1);
	assert_string_equal(xl_err_msg(),
			    "lin2 weighs channel 5 by -0.5; LPIPS has no weights below 0");
	xl_tensor_free(x);
	xl_lpips_done(&l);
	assert_int_equal(xl_lpips_open(&l, "/nowhere", xl_backbone_find("lpips-alex"), false), -1);
	xl_lpips_done(&l);
}

/* ---- draws ------------------------------------------------------------ */

/* Each of the n is drawn about as often as any other, and always `wanted` of them. */
static void samples(void **state)
{
	enum { MANY = 7, WANTED = 3, TIMES = 3000 };
	int64_t drawn[MANY] = {0};
	struct xl_sample s;

	(void)state;
	for (int t = 0; t < TIMES; t++) {
		int got = 0;

		xl_sample_init(&s, MANY, WANTED, 1, (uint32_t)t);
		for (int i = 0; i < MANY; i++)
			if (xl_sample_take(&s)) {
				drawn[i]++;
				got++;
			}
		assert_int_equal(got, WANTED);
	}
	for (int i = 0; i < MANY; i++) /* five standard deviations */
		near((double)drawn[i], TIMES * 3.0 / 7, 5 * sqrt(TIMES * 12.0 / 49), "times");
	for (int wanted = 0; wanted < 9; wanted += 8) {
		xl_sample_init(&s, MANY, wanted, 0, 0);
		for (int i = 0; i < MANY; i++)
			assert_true(xl_sample_take(&s));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_tap_by_hand), cmocka_unit_test(alex),
		cmocka_unit_test(squeeze),         cmocka_unit_test(vgg),
		cmocka_unit_test(groups),          cmocka_unit_test(refusals),
		cmocka_unit_test(samples),
	};

	if (argc == 2) {
		write_weights("-", argv[1], made_weights(argv[1]));
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
