/*
 * test_backbone.c - published networks with made weights: what they compute is held
 * against numbers from an independent implementation in double precision (pictures,
 * weights and numbers as in the specification of the metrics); that their parameters
 * are checked; that gradients, threads and batches are as promised.
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
#include "core/pool.h"
#include "backbones.h"
#include "tensor/modelfile.h"

/* A tap as plain numbers; to be freed. */
static float *plain(const struct xl_tape *t, const struct xl_var *v)
{
	float *p = malloc((size_t)xl_dims_count(&v->d) * sizeof *p);

	assert_non_null(p);
	xl_var_read(t, v, p);
	return p;
}

/* The taps of both pictures, one batch. */
static void run_both(const struct xl_backbone *b, struct xl_tape *t, int size,
		     struct xl_var *taps[XL_BACKBONE_TAPS])
{
	float *x = malloc((size_t)(2 * 3 * size * size) * sizeof *x);

	assert_non_null(x);
	picture(x, size, 0);
	picture(x + 3 * size * size, size, 1);
	if (xl_backbone_run(b, t, xl_var_input(t, 2, 3, size, size, x), taps))
		fail_msg("%s", xl_err_msg());
	free(x);
}

static void near(double got, double want, double tolerance, const char *what)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("%s: got %.9g, want %.9g", what, got, want);
}

/* ---- VGG19 ------------------------------------------------------------ */

static void vgg19(void **state)
{
	static const struct {
		int c, size;
		double mean, rms, difference;
	} want[] = {{64, 64, 0.7134790861958048, 1.301349234059683, 0.2469112701428849},
		    {128, 32, 0.9942834945407937, 1.8617745106243593, 0.2778718059690473},
		    {256, 16, 1.2261443030031276, 2.306241532097048, 0.2671010692459712},
		    {512, 8, 1.347676057926053, 2.3841926747596394, 0.23825426729439356},
		    {512, 4, 1.1753900605727978, 2.168973134819726, 0.16584806828642065}};
	struct xl_backbone *b = made("vgg19");
	struct xl_tape *t = xl_tape_new();
	struct xl_var *taps[XL_BACKBONE_TAPS];

	(void)state;
	run_both(b, t, 64, taps);
	for (int k = 0; k < 5; k++) {
		const int64_t count = (int64_t)want[k].c * want[k].size * want[k].size;
		float *f = plain(t, taps[k]);
		double mean = 0, square = 0, difference = 0;

		assert_int_equal(xl_dims_count(&taps[k]->d), 2 * count);
		for (int64_t i = 0; i < count; i++) {
			mean += (double)f[i] / (double)count;
			square += (double)f[i] * (double)f[i] / (double)count;
			difference += fabs((double)f[i] - (double)f[count + i]) / (double)count;
		}
		near(mean, want[k].mean, 1e-4 * want[k].mean, "mean");
		near(sqrt(square), want[k].rms, 1e-4 * want[k].rms, "rms");
		near(difference, want[k].difference, 1e-4 * want[k].difference, "difference");
		free(f);
	}
	xl_tape_free(t);
	xl_backbone_free(b);
}

/* ---- LPIPS ------------------------------------------------------------ */

/* Of channel c and pixel i of a tap of n channels, divided by the pixel's norm. */
static double unit(const float *f, int n, int64_t pixels, int c, int64_t i)
{
	double square = 0;

	for (int k = 0; k < n; k++)
		square += (double)f[k * pixels + i] * (double)f[k * pixels + i];
	return (double)f[c * pixels + i] / (sqrt(square) + 1e-10);
}

/* Mean over pixels of the sum over channels of head (a - b)^2. */
static double distance(const struct xl_tape *t, const struct xl_var *tap, const float *head)
{
	const int n = tap->d.c;
	const int64_t pixels = (int64_t)tap->d.h * tap->d.w;
	float *f = plain(t, tap);
	double sum = 0;

	for (int64_t i = 0; i < pixels; i += 1) {
		/* the norms once for each pixel */
		double a = unit(f, n, pixels, 0, i), b = unit(f + n * pixels, n, pixels, 0, i);
		const double na = f[i] != 0 ? a / (double)f[i] : 0;
		const double nb = f[n * pixels + i] != 0 ? b / (double)f[n * pixels + i] : 0;

		for (int c = 0; c < n; c++) {
			a = na != 0 ? na * (double)f[c * pixels + i] : unit(f, n, pixels, c, i);
			b = nb != 0 ? nb * (double)f[(n + c) * pixels + i]
				    : unit(f + n * pixels, n, pixels, c, i);
			sum += (double)head[c] * (a - b) * (a - b) / (double)pixels;
		}
	}
	free(f);
	return sum;
}

static void check_lpips(const char *name, const double *want, int n)
{
	struct xl_backbone *b = made(name);
	struct xl_tape *t = xl_tape_new();
	struct xl_var *taps[XL_BACKBONE_TAPS];

	run_both(b, t, 64, taps);
	for (int k = 0; k < n; k++)
		near(distance(t, taps[k], xl_backbone_head(b, k)), want[k], 1e-4 * want[k], name);
	xl_tape_free(t);
	xl_backbone_free(b);
}

static void lpips_alex(void **state)
{
	(void)state;
	check_lpips("lpips-alex",
		    (const double[]){0.004237180591917898, 0.0014679518323593994,
				     0.0010202978240583557, 0.000836872401201441,
				     0.0009418168221209809},
		    5);
}

static void lpips_vgg(void **state)
{
	(void)state;
	check_lpips("lpips-vgg",
		    (const double[]){0.0053674037, 0.0026408966, 0.0017381253, 0.0010959813,
				     0.00078860439},
		    5);
}

static void lpips_squeeze(void **state)
{
	(void)state;
	check_lpips("lpips-squeeze",
		    (const double[]){0.0056846775, 0.0026055705, 0.0010763352, 0.00066034467,
				     0.00065555414, 0.00060786138, 0.00057290143},
		    7);
}

/* ---- Inception -------------------------------------------------------- */

static void check_inception(const char *name, double sum, double squares, const double *first,
			    int n)
{
	struct xl_backbone *b = made(name);
	struct xl_tape *t = xl_tape_new();
	struct xl_var *taps[XL_BACKBONE_TAPS], *mean;
	float *x = malloc((size_t)(3 * 299 * 299) * sizeof *x), *f;
	double s = 0, ss = 0;

	assert_non_null(x);
	picture(x, 299, 0);
	assert_int_equal(xl_backbone_run(b, t, xl_var_input(t, 1, 3, 299, 299, x), taps), 0);
	mean = xl_op_mean_hw(t, taps[3]);
	f = plain(t, mean);
	assert_int_equal(mean->d.c, 2048);
	for (int i = 0; i < 2048; i++) {
		s += (double)f[i];
		ss += (double)f[i] * (double)f[i];
	}
	for (int i = 0; i < n; i++)
		near((double)f[i], first[i], 2e-5, "feature");
	near(s, sum, 1e-5 * sum, "sum of features");
	near(ss, squares, 1e-5 * squares, "sum of squares");
	free(f);
	if (strcmp(name, "inception-fid") == 0) {
		static const double logits[] = {0.036740024, -0.12694782, 0.057922554, 0.51389784};
		static const double taps_of[3][4] = {
			{0.1556003, 0.94014457, 0.22706259, 0.99867289},
			{0.86899763, 0.80133156, 0.3998117, 0.24310401},
			{0.10603572, 0.11673962, 0.012990281, 0}};
		static const int channels[] = {64, 192, 768};

		f = plain(t, taps[4]);
		assert_int_equal(taps[4]->d.c, 1008);
		for (int i = 0; i < 4; i++)
			near((double)f[i], logits[i], 2e-5, "logit");
		free(f);
		for (int k = 0; k < 3; k++) {
			mean = xl_op_mean_hw(t, taps[k]);
			f = plain(t, mean);
			assert_int_equal(mean->d.c, channels[k]);
			for (int i = 0; i < 4; i++)
				near((double)f[i], taps_of[k][i], 2e-5, "tap");
			free(f);
		}
	}
	free(x);
	xl_tape_free(t);
	xl_backbone_free(b);
}

static void inception_fid(void **state)
{
	(void)state;
	check_inception("inception-fid", 183.662126297, 47.5536336746,
			(const double[]){0.14618855, 0, 0.040330047, 0.37088126, 0.21085782,
					 0.00012560587, 0.6241075, 0.097069031},
			8);
}

/* Its pools differ, so its numbers do. */
static void inception_of_imagenet(void **state)
{
	(void)state;
	check_inception("inception", 171.988544551, 40.9348961972,
			(const double[]){0.134317007062, 0, 0.0378236623584, 0.36868241631}, 4);
}

/* ---- ResNet-50 -------------------------------------------------------- */

/* The numbers are of golden/backbones.py. */
static void resnet50_face(void **state)
{
	static const double first[] = {
		1001.4031361002942, 1854.5852388825099, 0.0, 6203.9965915527655, 0.0,
		3853.8263076044186};
	const double sum = 4400829.849907648, squares = 17485874444.128357;
	struct xl_backbone *b = made("resnet50-face");
	struct xl_tape *t = xl_tape_new();
	struct xl_var *taps[XL_BACKBONE_TAPS], *mean;
	float x[3 * 64 * 64], *f;
	double s = 0, ss = 0;

	(void)state;
	picture(x, 64, 0);
	assert_int_equal(xl_backbone_run(b, t, xl_var_input(t, 1, 3, 64, 64, x), taps), 0);
	assert_int_equal(taps[0]->d.h, 2);
	mean = xl_op_mean_hw(t, taps[0]);
	f = plain(t, mean);
	assert_int_equal(mean->d.c, 2048);
	for (int i = 0; i < 2048; i++) {
		s += (double)f[i];
		ss += (double)f[i] * (double)f[i];
	}
	for (int i = 0; i < 6; i++)
		near((double)f[i], first[i], 1e-4 * sqrt(squares / 2048), "descriptor");
	near(s, sum, 1e-4 * sum, "sum of the descriptor");
	near(ss, squares, 1e-4 * squares, "sum of squares");
	free(f);
	xl_tape_free(t);
	xl_backbone_free(b);
}

/* ---- VGG-Face --------------------------------------------------------- */

/* The tap against the first of its numbers, their sum and that of their squares. */
static void check_fc7(const struct xl_tape *t, const struct xl_var *tap, const double first[8],
		      double sum, double squares)
{
	float *f = plain(t, tap);
	double s = 0, ss = 0;

	assert_true(tap->d.c == 4096 && tap->d.h == 1 && tap->d.w == 1);
	for (int i = 0; i < 4096; i++) {
		s += (double)f[i];
		ss += (double)f[i] * (double)f[i];
	}
	for (int i = 0; i < 8; i++)
		near((double)f[i], first[i], 1e-4 * sqrt(squares / 4096), "fc7");
	near(s, sum, 1e-4 * sqrt(4096 * squares), "sum of fc7");
	near(ss, squares, 1e-4 * squares, "sum of squares");
	free(f);
}

/* The numbers are of golden/backbones.py. */
static void vgg16_face(void **state)
{
	static const double before[8] = {
		908.9493844927387,   -335.85601212303754, -467.76628255473236, -134.07051288080555,
		-221.35507585767647, -18.771419772389788, -88.91709596524935,  333.1747562671339};
	static const double after[8] = {908.9493844927387, 0, 0, 0, 0, 0, 0, 333.1747562671339};
	struct xl_backbone *b = made("vgg16-face");
	struct xl_tape *t = xl_tape_new();
	struct xl_var *taps[XL_BACKBONE_TAPS];
	float *x = malloc((size_t)(3 * 224 * 224) * sizeof *x);

	(void)state;
	assert_non_null(x);
	picture(x, 224, 0);
	assert_int_equal(xl_backbone_run(b, t, xl_var_input(t, 1, 3, 224, 224, x), taps), 0);
	check_fc7(t, taps[0], before, -6045.889115550381, 405791955.18739635);
	check_fc7(t, taps[1], after, 510725.55142620974, 199170479.60942182);
	free(x);
	xl_tape_free(t);
	xl_backbone_free(b);
}

/* ---- parameters ------------------------------------------------------- */

static void counts(void **state)
{
	static const struct {
		const char *name;
		int params;
		int64_t numbers;
	} want[] = {{"alexnet", 10, 2469696},    {"vgg16", 26, 14714688},
		    {"vgg19", 32, 20024384},     {"squeezenet1_1", 50, 722496},
		    {"lpips-alex", 15, 2470848}, {"inception-fid", 472, 23885392}};

	(void)state;
	for (size_t k = 0; k < sizeof want / sizeof *want; k++) {
		struct xl_record *r = made_weights(want[k].name);
		int64_t n = 0;

		for (int i = 0; i < r->n_tensors; i++)
			n += xl_tensor_count(r->tensors[i].tensor);
		assert_int_equal(r->n_tensors, want[k].params);
		assert_true(n == want[k].numbers);
		xl_record_free(r);
	}
}

static void put(struct xl_record *r, const char *name, enum xl_dtype type, int64_t n)
{
	assert_int_equal(xl_record_put(r, name, xl_tensor_new(type, 1, &n)), 0);
}

static void selection(void **state)
{
	const struct xl_backbone_def *def = xl_backbone_find("squeezenet1_1");
	struct xl_record *r = made_weights("squeezenet1_1");
	struct xl_tensor *bias = xl_record_tensor(r, "features.3.squeeze.bias");
	const float value = ((float *)bias->data)[3];

	(void)state;
	put(r, "classifier.1.bias", XL_F4, 1000);
	put(r, "features.1.num_batches_tracked", XL_I8, 1);
	assert_int_equal(xl_record_put(r, "features.3.squeeze.bias", xl_tensor_to(bias, XL_F8)), 0);
	assert_int_equal(xl_backbone_select(def, r), 2);
	assert_int_equal(r->n_tensors, 50);
	assert_string_equal(r->tensors[0].name, "features.0.weight");
	bias = xl_record_tensor(r, "features.3.squeeze.bias");
	assert_int_equal(bias->dtype, XL_F4);
	assert_true(((float *)bias->data)[3] == value);

	put(r, "features.0.bias", XL_F4, 63);
	put(r, "more", XL_F4, 1);
	put(r, "features.3.squeeze.bias", XL_I8, 16);
	xl_record_drop(r, "features.4.squeeze.bias");
	xl_record_drop(r, "features.4.squeeze.weight");
	assert_int_equal(xl_backbone_select(def, r), -1);
	assert_string_equal(xl_err_msg(),
			    "not squeezenet1_1: lacks 'features.4.squeeze.weight' (and 1 more); "
			    "'more' is no parameter of it; 'features.0.bias' is (63) <f4, not (64) "
			    "<f4 (and 1 more)");
	assert_int_equal(r->n_tensors, 49); /* as it was */
	assert_null(xl_backbone_new(def, r));
	xl_record_free(r);
	assert_null(xl_backbone_find("vgg"));
	assert_string_equal(xl_err_msg(),
			    "'vgg' is not a network (alexnet|inception|inception-fid|lpips-alex|"
			    "lpips-squeeze|lpips-vgg|resnet50-face|squeezenet1_1|vgg16|"
			    "vgg16-face|vgg19)");
}

static void loading(void **state)
{
	struct xl_record *records[] = {xl_record_new(XL_MODEL, "model"),
				       made_weights("squeezenet1_1")};
	char path[] = "/tmp/xl-backbone-XXXXXX";
	struct xl_backbone *b;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(xl_meta_set_str(records[0], "network", "squeezenet1_1"), 0);
	assert_int_equal(xl_modelfile_write(path, records, 2), 0);
	b = xl_backbone_load(path, xl_backbone_find("squeezenet1_1"));
	assert_non_null(b);
	xl_backbone_free(b);
	assert_null(xl_backbone_load(path, xl_backbone_find("vgg19")));
	assert_non_null(strstr(xl_err_msg(), ": weights of 'squeezenet1_1', not 'vgg19'"));
	unlink(path);
	xl_record_free(records[0]);
	xl_record_free(records[1]);
}

/* ---- gradients, threads, batches -------------------------------------- */

static double loss_at(const struct xl_backbone *b, struct xl_tape *t, const float *x, float *grad)
{
	struct xl_var *taps[XL_BACKBONE_TAPS], *v, *sum = NULL;
	const int size = 48;
	double value;

	xl_tape_reset(t);
	xl_tape_record(t, grad != NULL);
	v = xl_var_leaf(t, xl_dims_plain(1, 3, size, size), x, grad);
	assert_int_equal(xl_backbone_run(b, t, v, taps), 0);
	for (int k = 0; k < b->def->n_taps; k++) {
		struct xl_var *m = xl_op_mean(t, xl_op_mul(t, taps[k], taps[k]));

		sum = sum ? xl_op_add(t, sum, m) : m;
	}
	value = xl_var_scalar(t, sum);
	if (grad)
		assert_int_equal(xl_backward(t, sum, 0), 0);
	return value;
}

/* Along its own direction the loss grows as the gradient says. */
static void gradient_reaches_the_picture(void **state)
{
	enum { COUNT = 3 * 48 * 48 };
	static float x[COUNT], moved[COUNT], grad[COUNT];
	static const char *const names[] = {"squeezenet1_1", "alexnet", "vgg19"};

	(void)state;
	picture(x, 48, 0);
	for (int k = 0; k < 3; k++) {
		struct xl_backbone *b = made(names[k]);
		struct xl_tape *t = xl_tape_new();
		const double h = 2e-3;
		double square = 0, up, down;

		memset(grad, 0, sizeof grad);
		loss_at(b, t, x, grad);
		for (int i = 0; i < COUNT; i++)
			square += (double)grad[i] * (double)grad[i];
		assert_true(square > 0);
		for (int i = 0; i < COUNT; i++)
			moved[i] = (float)((double)x[i] + h * (double)grad[i] / sqrt(square));
		up = loss_at(b, t, moved, NULL);
		for (int i = 0; i < COUNT; i++)
			moved[i] = (float)((double)x[i] - h * (double)grad[i] / sqrt(square));
		down = loss_at(b, t, moved, NULL);
		near((up - down) / (2 * h), sqrt(square), 1e-2 * sqrt(square), names[k]);
		xl_tape_free(t);
		xl_backbone_free(b);
	}
}

static void same_bits(void **state)
{
	struct xl_backbone *b = made("squeezenet1_1");
	struct xl_tape *t = xl_tape_new();
	struct xl_var *taps[XL_BACKBONE_TAPS];
	float *both[XL_BACKBONE_TAPS], *again, x[3 * 37 * 37];

	(void)state;
	xl_threads_set(1);
	run_both(b, t, 37, taps);
	for (int k = 0; k < 7; k++)
		both[k] = plain(t, taps[k]);
	xl_threads_set(3);
	xl_tape_reset(t);
	picture(x, 37, 1); /* alone, as the second of two */
	assert_int_equal(xl_backbone_run(b, t, xl_var_input(t, 1, 3, 37, 37, x), taps), 0);
	for (int k = 0; k < 7; k++) {
		const size_t count = (size_t)xl_dims_count(&taps[k]->d);

		again = plain(t, taps[k]);
		assert_memory_equal(again, both[k] + count, count * sizeof *again);
		free(again);
		free(both[k]);
	}
	xl_threads_set(0);
	xl_tape_free(t);
	xl_backbone_free(b);
}

static void odd_pictures(void **state)
{
	struct xl_backbone *b = made("alexnet");
	struct xl_tape *t = xl_tape_new();
	struct xl_var *taps[XL_BACKBONE_TAPS];
	float x[4 * 6 * 6] = {0};

	(void)state;
	assert_int_equal(xl_backbone_run(b, t, xl_var_input(t, 1, 3, 6, 6, x), taps), -1);
	assert_string_equal(xl_err_msg(), "alexnet: conv2d: (1,3,6,6) does not fit weights "
					  "(64,3,11,11) with padding 2");
	assert_int_equal(xl_backbone_run(b, t, xl_var_input(t, 1, 4, 6, 6, x), taps), -1);
	assert_string_equal(xl_err_msg(), "alexnet: pictures have 3 channels, not 4");
	xl_tape_free(t);
	xl_backbone_free(b);
}

/* The sides of the taps of 28 pixels, where pools count what is left over, and not. */
static void small_pictures(void **state)
{
	static const int side[2][5] = {{28, 14, 7, 3, 1}, {28, 14, 7, 4, 2}};
	struct xl_backbone *b = xl_backbone_describe(xl_backbone_find("vgg19"));
	struct xl_tape *t = xl_tape_new();
	struct xl_var *taps[XL_BACKBONE_TAPS];

	(void)state;
	t->dry = true; /* sizes need no weights */
	b->values = malloc(sizeof *b->values);
	for (int ceil = 0; ceil < 2; ceil++) {
		if (ceil)
			xl_backbone_ceil(b);
		xl_tape_reset(t);
		assert_int_equal(xl_backbone_run(b, t, xl_var_input(t, 1, 3, 28, 28, NULL), taps),
				 0);
		for (int k = 0; k < 5; k++)
			assert_true(taps[k]->d.h == side[ceil][k] && taps[k]->d.w == side[ceil][k]);
	}
	assert_int_equal(xl_backbone_taps(b), 5);
	xl_tape_free(t);
	xl_backbone_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vgg19),          cmocka_unit_test(lpips_alex),
		cmocka_unit_test(lpips_vgg),      cmocka_unit_test(lpips_squeeze),
		cmocka_unit_test(inception_fid),  cmocka_unit_test(inception_of_imagenet),
		cmocka_unit_test(resnet50_face),  cmocka_unit_test(vgg16_face),
		cmocka_unit_test(counts),         cmocka_unit_test(selection),
		cmocka_unit_test(loading),        cmocka_unit_test(gradient_reaches_the_picture),
		cmocka_unit_test(same_bits),      cmocka_unit_test(odd_pictures),
		cmocka_unit_test(small_pictures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
