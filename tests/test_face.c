/*
 * test_face.c - descriptors of faces: what of a picture the networks see, and the cosine
 * against a golden value. The network itself is held to numbers in test_backbone.c.
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
#include "metrics/face.h"
#include "tensor/modelfile.h"

static void ok(int rc)
{
	if (rc)
		fail_msg("%s", xl_err_msg());
}

static void cosine(void **state)
{
	uint64_t s5 = 5, s6 = 6;
	double u[128], v[128], zero[128] = {0};
	int64_t zeros = 0;

	(void)state;
	for (int i = 0; i < 128; i++) {
		u[i] = uniform(&s5) - 0.5;
		v[i] = uniform(&s6) - 0.25;
	}
	assert_true(fabs(xl_cosine(u, v, 128, &zeros) - -0.08660299949862742) < 1e-14);
	assert_true(fabs(xl_cosine(u, u, 128, &zeros) - 1) < 1e-14);
	assert_int_equal(zeros, 0);
	assert_true(xl_cosine(u, zero, 128, &zeros) == 0);
	assert_int_equal(zeros, 1);
}

/* (3,h,w): the made picture, and other colours above, below, left and right of it. */
static struct xl_tensor *framed(int size, int h, int w)
{
	const int64_t shape[] = {3, h, w};
	struct xl_tensor *t = xl_tensor_new(XL_U1, 3, shape);
	float *f = malloc((size_t)(3 * size * size) * sizeof *f);

	assert_true(t && f);
	picture(f, size, 0);
	for (int c = 0; c < 3; c++)
		for (int y = 0; y < h; y++)
			for (int x = 0; x < w; x++) {
				const int i = y - (h - size) / 2, j = x - (w - size) / 2;
				const bool in = i >= 0 && i < size && j >= 0 && j < size;

				((uint8_t *)t->data)[(c * h + y) * w + x] =
					(uint8_t)(in ? lround((double)(f[(c * size + i) * size +
									 j] +
								       1) *
							      127.5)
						     : 200);
			}
	free(f);
	return t;
}

static double *described(struct xl_face *f, struct xl_tensor *picture_of)
{
	double *d = malloc((size_t)f->count * sizeof *d);

	assert_non_null(d);
	ok(xl_face_describe(f, picture_of, d));
	xl_tensor_free(picture_of);
	return d;
}

/* The centre counts, not what is around it, nor how many threads work. */
static void check_centre(struct xl_face *f)
{
	const size_t bytes = (size_t)f->count * sizeof(double);
	double *plain, *wide, *high, square = 0;

	xl_threads_set(1);
	plain = described(f, framed(f->size, f->size, f->size));
	xl_threads_set(3);
	wide = described(f, framed(f->size, f->size, f->size + 30));
	high = described(f, framed(f->size, f->size + 51, f->size));
	xl_threads_set(0);
	for (int i = 0; i < f->count; i++)
		square += plain[i] * plain[i];
	assert_true(square > 0);
	assert_memory_equal(plain, wide, bytes);
	assert_memory_equal(plain, high, bytes);
	free(plain);
	free(wide);
	free(high);
}

static void published(void **state)
{
	struct xl_record *records[] = {xl_record_new(XL_MODEL, "model"),
				       made_weights("resnet50-face")};
	struct xl_backbone *b = xl_backbone_new(xl_backbone_find("resnet50-face"), records[1]);
	struct xl_tape *t = xl_tape_new();
	struct xl_var *taps[XL_BACKBONE_TAPS];
	char path[] = "/tmp/xl-face-XXXXXX";
	struct xl_face f;
	float *x = malloc(sizeof(float) * 3 * 224 * 224), want[2048];
	double *got, largest = 0;

	(void)state;
	close(mkstemp(path));
	ok(xl_meta_set_str(records[0], "network", "resnet50-face"));
	ok(xl_modelfile_write(path, records, 2));
	ok(xl_face_open(&f, path, false));
	assert_false(xl_face_is_published(&f)); /* weights made here */
	assert_int_equal(f.count, 2048);
	assert_string_equal(xl_face_digest(&f), xl_backbone_digest(f.net));
	got = described(&f, framed(224, 224, 224));
	picture(x, 224, 0);
	ok(xl_backbone_run(b, t, xl_var_input(t, 1, 3, 224, 224, x), taps));
	xl_var_read(t, xl_op_mean_hw(t, taps[0]), want);
	for (int i = 0; i < 2048; i++)
		largest = fmax(largest, fabs(got[i]));
	assert_true(largest > 0);
	for (int i = 0; i < 2048; i++)
		assert_true(fabs(got[i] - (double)want[i]) <= 1e-5 * largest);
	check_centre(&f);
	free(got);
	free(x);
	xl_face_close(&f);
	xl_tape_free(t);
	xl_backbone_free(b);
	xl_record_free(records[0]);
	xl_record_free(records[1]);
	unlink(path);
}

static void own(void **state)
{
	const char *const labels[] = {"domain"};
	const struct xl_classifier_shape shape = {16, 4, labels, 1, 0};
	struct xl_classifier *c = xl_classifier_new(&shape, 1, false);
	char path[] = "/tmp/xl-face-XXXXXX", name[32];
	struct xl_face f;

	(void)state;
	assert_non_null(c);
	close(mkstemp(path));
	ok(xl_classifier_save(c, path));
	ok(xl_face_open_own(&f, path));
	assert_int_equal(f.size, 16);
	assert_int_equal(f.count, xl_classifier_features(c));
	assert_string_equal(xl_face_digest(&f), c->digest);
	assert_string_equal(xl_face_network(&f, name, sizeof name), "own_d32");
	check_centre(&f);
	xl_face_close(&f);
	assert_int_equal(xl_face_open(&f, path, false), -1);
	xl_face_close(&f);
	xl_classifier_free(c);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cosine),
		cmocka_unit_test(published),
		cmocka_unit_test(own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
