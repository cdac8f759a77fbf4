/*
 * test_features.c - pictures as vectors: Inception's features with made weights against
 * numbers from an independent implementation in double precision (pictures, weights and
 * numbers as in the specification of the metrics); places, verdicts, batches, threads and
 * names.
 *
 *   test_features NETWORK > FILE    writes a model with made weights, for xl-fid.bats;
 *                                   NETWORK may be classifier
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "backbones.h"
#include "core/pool.h"
#include "metrics/features.h"
#include "tensor/modelfile.h"

static void ok(int rc)
{
	if (rc)
		fail_msg("%s", xl_err_msg());
}

/* A model file with the weights that every test here has, and what it says of the file they
 * are from, or NULL. */
static void write_model(const char *path, const char *network, const char *source)
{
	struct xl_record *r[2] = {xl_record_new(XL_MODEL, "model"), made_weights(network)};

	assert_non_null(r[0]);
	ok(xl_meta_set_str(r[0], "network", network));
	if (source)
		ok(xl_meta_set_strs(r[0], "sources", &source, 1));
	ok(xl_modelfile_write(path, r, 2));
	xl_record_free(r[0]);
	xl_record_free(r[1]);
}

static char *model_from(const char *network, const char *source)
{
	static char path[] = "/tmp/xl-test-features-XXXXXX";
	int fd;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	write_model(path, network, source);
	return path;
}

static char *model_of(const char *network)
{
	return model_from(network, NULL);
}

/* Loads, and leaves no file behind. */
static void load(struct xl_features *f, const char *network)
{
	f->path = model_of(network);
	ok(xl_features_load(f));
	unlink(f->path);
}

/* Bytes of the picture the networks are tested with. */
static struct xl_tensor *bytes(int64_t h, int64_t w)
{
	struct xl_tensor *t = xl_tensor_new(XL_U1, 3, (const int64_t[]){3, h, w});
	uint8_t *p;

	assert_non_null(t);
	p = t->data;
	for (int c = 0; c < 3; c++)
		for (int64_t y = 0; y < h; y++)
			for (int64_t x = 0; x < w; x++)
				*p++ = (uint8_t)(7 * x + 11 * y + 53 * c + 5 * (x * y % 17) +
						 9 * ((x >> 3) ^ (y >> 3)));
	return t;
}

static void near(double got, double want, double tolerance, const char *what)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("%s: got %.9g, want %.9g", what, got, want);
}

static double sum_of(const float *v, int64_t n)
{
	double sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += (double)v[i];
	return sum;
}

/* At 299 pixels as it is, and enlarged from 128. */
static void inception(void **state)
{
	static const double first[] = {0.14618855, 0, 0.040330047, 0.37088126},
			    first_128[] = {0.1470537063601504, 0, 0.04159797063155896,
					   0.3256310008285527};
	struct xl_tensor *t[] = {bytes(299, 299), bytes(128, 128)};
	struct xl_features f = {.path = NULL};
	float rows[2 * 2048];
	double p[2 * 1008], sum = 0;

	(void)state;
	load(&f, "inception-fid");
	assert_int_equal(f.d, 2048);
	assert_int_equal(f.k, 1008);
	assert_string_equal(f.name, "own_d2048"); /* made weights are not those of FID */
	assert_string_equal(f.resize, "pt");
	ok(xl_features_see(&f, (const struct xl_tensor *const *)t, 2, rows, p));
	for (int i = 0; i < 4; i++) {
		near((double)rows[i], first[i], 2e-5, "feature");
		near((double)rows[2048 + i], first_128[i], 2e-5, "feature from 128");
	}
	near(sum_of(rows, 2048), 183.662126297, 2e-3, "sum");
	near(sum_of(rows + 2048, 2048), 161.86932845111897, 2e-3, "sum from 128");
	for (int i = 0; i < 1008; i++)
		sum += p[i];
	near(sum, 1, 1e-12, "sum of a verdict");
	near(log(p[0] / p[3]), 0.036740024 - 0.51389784, 4e-5, "verdict");
	xl_features_done(&f);
	for (int i = 0; i < 2; i++)
		xl_tensor_free(t[i]);
}

/* One place among those of a network, by its width. */
static void places(void **state)
{
	struct xl_tensor *t = bytes(64, 64);
	struct xl_features f = {.dims = 512, .squash = XL_SQUASH_NONE};
	float rows[512], whole[512];

	(void)state;
	load(&f, "vgg16");
	assert_int_equal(f.tap, 4); /* two have 512 */
	assert_int_equal(f.k, 0);
	ok(xl_features_see(&f, (const struct xl_tensor *const *)&t, 1, whole, NULL));
	xl_features_done(&f);
	f = (struct xl_features){.dims = 64, .squash = XL_SQUASH_NONE};
	load(&f, "vgg16");
	assert_int_equal(f.tap, 0);
	assert_int_equal(f.d, 64);
	ok(xl_features_see(&f, (const struct xl_tensor *const *)&t, 1, rows, NULL));
	assert_true(sum_of(rows, 64) > 0);
	xl_features_done(&f);
	f = (struct xl_features){.dims = 100, .path = model_of("squeezenet1_1")};
	assert_int_equal(xl_features_load(&f), -1);
	assert_non_null(strstr(xl_err_msg(), "squeezenet1_1 has 64, 128, 256, 384, 384, 512, 512 "
					     "features at its places, not 100"));
	unlink(f.path);
	xl_features_done(&f);
	xl_tensor_free(t);
}

/* Neither the batch nor the threads show, whatever the sizes. */
static void alone_and_together(void **state)
{
	enum { N = 5, FEATURES = 512 };
	static const int64_t sizes[N][2] = {{64, 64}, {64, 64}, {40, 90}, {64, 64}, {33, 34}};
	static const enum xl_squash ways[] = {XL_SQUASH_PT, XL_SQUASH_NONE};
	struct xl_tensor *t[N];
	float together[N * FEATURES], alone[FEATURES];

	(void)state;
	for (int i = 0; i < N; i++)
		t[i] = bytes(sizes[i][0], sizes[i][1]);
	for (int k = 0; k < 2; k++) {
		struct xl_features f = {.squash = ways[k]};

		load(&f, "squeezenet1_1");
		assert_int_equal(f.d, FEATURES);
		xl_threads_set(3);
		ok(xl_features_see(&f, (const struct xl_tensor *const *)t, N, together, NULL));
		xl_threads_set(1);
		for (int i = 0; i < N; i++) {
			ok(xl_features_see(&f, (const struct xl_tensor *const *)t + i, 1, alone,
					   NULL));
			assert_memory_equal(alone, together + i * FEATURES, sizeof alone);
		}
		xl_threads_set(0);
		xl_features_done(&f);
	}
	for (int i = 0; i < N; i++)
		xl_tensor_free(t[i]);
}

/* Below what its strides leave of a picture, it says so. */
static void too_small(void **state)
{
	struct xl_tensor *t = bytes(5, 5);
	struct xl_features f = {.squash = XL_SQUASH_NONE};
	float rows[512];

	(void)state;
	load(&f, "squeezenet1_1");
	assert_int_equal(xl_features_see(&f, (const struct xl_tensor *const *)&t, 1, rows, NULL),
			 -1);
	xl_features_done(&f);
	xl_tensor_free(t);
}

/* Initial weights alone; written to a file. */
static struct xl_classifier *made_classifier(const char *path)
{
	static const char *const labels[] = {"Smiling", "Male"};
	const struct xl_classifier_shape shape = {
		.size = 32, .width = 4, .labels = labels, .n_labels = 2};
	struct xl_classifier *c = xl_classifier_new(&shape, 1, false);

	assert_non_null(c);
	ok(xl_classifier_save(c, path));
	return c;
}

/* A classifier of our own: its name, and its verdicts. */
static void own(void **state)
{
	struct xl_classifier *c;
	char path[] = "/tmp/xl-test-features-XXXXXX";
	struct xl_features f = {.path = path};
	struct xl_tensor *t = bytes(32, 32);
	const int fd = mkstemp(path);
	float rows[1024];
	double p[2];

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	c = made_classifier(path);
	ok(xl_features_load(&f));
	unlink(path);
	assert_int_equal(f.d, xl_classifier_features(c));
	assert_int_equal(f.k, 2);
	assert_true(f.is_yes_or_no);
	assert_int_equal(strncmp(f.name, "own_d", 5), 0);
	assert_string_equal(f.resize, "own");
	ok(xl_features_see(&f, (const struct xl_tensor *const *)&t, 1, rows, p));
	assert_true(p[0] > 0 && p[0] < 1);
	xl_features_done(&f);
	xl_classifier_free(c);
	xl_tensor_free(t);
}

/* The name of the network is for weights from a file that is known by its digest. */
static void published(void **state)
{
	struct xl_features f = {.path = model_from("squeezenet1_1",
						   "b8a52dc0000000000000000000000000000000000000"
						   "00000000000000000000")};

	(void)state;
	ok(xl_features_load(&f));
	unlink(f.path);
	assert_string_equal(f.name, "squeezenet1_1");
	assert_int_equal(strlen(f.digest), 64);
	xl_features_done(&f);
	f = (struct xl_features){.path = NULL};
	load(&f, "squeezenet1_1");
	assert_string_equal(f.name, "own_d512");
	xl_features_done(&f);
}

static void names(void **state)
{
	static const struct {
		const char *network;
		int64_t d;
		const char *want;
	} cases[] = {
		{"inception-fid", 2048, ""},
		{"inception-fid", 768, "_d768"},
		{"", 2048, "_d2048"},
		{"inception", 2048, "_inception_d2048"},
		{"lpips-alex", 256, "_lpips_alex_d256"},
		{"own_d256", 256, "_own_d256"},
	};
	char buf[40];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		xl_features_suffix(buf, sizeof buf, cases[i].network, cases[i].d);
		assert_string_equal(buf, cases[i].want);
	}
	assert_string_equal(xl_features_metric("inception-fid"), "fid");
	assert_string_equal(xl_features_metric("inception"), "fd");
	assert_string_equal(xl_features_metric(""), "fd");
}

static void not_networks(void **state)
{
	struct xl_features f = {.path = "/nowhere/at.all"};

	(void)state;
	assert_int_equal(xl_features_load(&f), -1);
	assert_non_null(strstr(xl_err_msg(), "/nowhere/at.all"));
	xl_features_done(&f);
	f = (struct xl_features){.path = "models/default.msgpack"};
	assert_int_equal(xl_features_load(&f), -1);
	assert_non_null(strstr(xl_err_msg(), "not a network that describes pictures"));
	xl_features_done(&f);
	f = (struct xl_features){.path = "/dev/null"};
	assert_int_equal(xl_features_load(&f), -1);
	assert_string_equal(xl_err_msg(), "/dev/null: empty");
	xl_features_done(&f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inception),
		cmocka_unit_test(places),
		cmocka_unit_test(alone_and_together),
		cmocka_unit_test(too_small),
		cmocka_unit_test(own),
		cmocka_unit_test(names),
		cmocka_unit_test(published),
		cmocka_unit_test(not_networks),
	};

	if (argc == 2) {
		if (strcmp(argv[1], "classifier") == 0)
			xl_classifier_free(made_classifier("-"));
		else
			write_model("-", argv[1], NULL);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
