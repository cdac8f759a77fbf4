/*
 * test_classifier.c - the network that tells labels: against plain loops in double
 * precision, its loss and gradient, its file, and that bits depend on neither batch nor
 * threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>
#include "core/pool.h"
#include "naive.h"
#include "nn/classifier.h"
#include "tensor/modelfile.h"

static const char *const three[] = {"Male", "Smiling", "Young"};

static struct xl_classifier *made(int size, int width, int n_labels, int classes, bool trained)
{
	const struct xl_classifier_shape s = {.size = size,
					      .width = width,
					      .labels = three,
					      .n_labels = n_labels,
					      .classes = classes};
	struct xl_classifier *c = xl_classifier_new(&s, 3, trained);

	if (!c)
		fail_msg("%s", xl_err_msg());
	return c;
}

/* Every number of it, so that no part plays no role; variances stay above zero. */
static void stir(struct xl_classifier *c)
{
	for (int i = 0; i < c->net.n_params; i++) {
		const struct xl_param *p = &c->net.params[i];
		const bool is_spread = strstr(p->name, ".var") || strstr(p->name, ".scale");
		float *v = c->net.value + p->at;

		for (int64_t k = 0; p->fan_in == 0 && k < xl_dims_count(&p->d); k++)
			v[k] = (float)((is_spread ? 1 : 0) + 0.3 * noise((uint32_t)i, k));
	}
}

/* ---- the same in plain loops ------------------------------------------- */

static const float *part(const struct xl_classifier *c, const struct xl_layer *l, int i)
{
	return c->net.value + c->net.params[l->first + i].at;
}

/* One layer in inference; x is freed where asked for. */
static struct array layer(const struct xl_classifier *c, const struct xl_layer *l, struct array x)
{
	const int oh = (x.d.h + 2 * l->pad - l->k) / l->stride + 1;
	const int ow = (x.d.w + 2 * l->pad - l->k) / l->stride + 1;
	const struct xl_conv2d_dims d = {.n = x.d.n,
					 .ci = l->ci,
					 .h = x.d.h,
					 .w = x.d.w,
					 .co = l->co,
					 .kh = l->k,
					 .kw = l->k,
					 .stride = l->stride,
					 .pad_h = l->pad,
					 .pad_w = l->pad,
					 .mode = XL_PAD_ZERO,
					 .oh = oh,
					 .ow = ow};
	struct array y = array_zeros((struct xl_dims)PLAIN(x.d.n, l->co, oh, ow));
	struct array w = array_zeros((struct xl_dims)PLAIN(l->co, l->ci, l->k, l->k));

	for (int64_t i = 0; i < xl_dims_count(&w.d); i++)
		w.v[i] = (double)part(c, l, 0)[i];
	naive_conv2d(CONV_Y, &y, &x, &w, &d);
	array_free(&w);
	EACH_PLACE (&y.d, n, o, r, k) {
		double *v = y.v + at(&y.d, n, o, r, k);

		*v += (double)part(c, l, 1)[o];
		if (l->norm == XL_BN)
			*v = (double)part(c, l, 2)[o] * (*v - (double)part(c, l, 4)[o]) /
				     sqrt((double)part(c, l, 5)[o] + 1e-5) +
			     (double)part(c, l, 3)[o];
		if (l->act == XL_ACT_RELU)
			*v = fmax(*v, 0);
	}
	return y;
}

static struct array naive_block(const struct xl_classifier *c, int s, int b, struct array x)
{
	struct array u = layer(c, &c->conv[s][b][0], x), y = layer(c, &c->conv[s][b][1], u);
	struct array beside = b == 0 ? layer(c, &c->shortcut[s], x) : x;

	for (int64_t i = 0; i < xl_dims_count(&y.d); i++)
		y.v[i] = fmax(y.v[i] + beside.v[i], 0);
	array_free(&u);
	if (b == 0)
		array_free(&beside);
	array_free(&x);
	return y;
}

/* Features (n, D) and logits (n, outputs). */
static void naive_run(const struct xl_classifier *c, const float *x, int n, struct array *f,
		      struct array *z)
{
	struct array in = array_zeros((struct xl_dims)PLAIN(n, 3, c->size, c->size)), u;

	for (int64_t i = 0; i < xl_dims_count(&in.d); i++)
		in.v[i] = (double)x[i];
	u = layer(c, &c->stem, in);
	array_free(&in);
	for (int s = 0; s < XL_CLASSIFIER_STAGES; s++)
		for (int b = 0; b < XL_CLASSIFIER_BLOCKS; b++)
			u = naive_block(c, s, b, u);
	*f = array_zeros((struct xl_dims)PLAIN(n, u.d.c, 1, 1));
	EACH_PLACE (&u.d, i, k, h, w)
		f->v[i * u.d.c + k] += u.v[at(&u.d, i, k, h, w)] / (u.d.h * u.d.w);
	*z = layer(c, &c->last, *f);
	array_free(&u);
}

static void pictures(float *x, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		x[i] = (float)noise(9, i);
}

static void near(double got, double want, double tolerance, const char *what, int i)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("%s %d: got %.9g, want %.9g", what, i, got, want);
}

enum { N = 2, SIDE = 11 };

static void against_loops(void **state)
{
	static float x[N * 3 * SIDE * SIDE], p[N * 5], f[N * 24];

	(void)state;
	pictures(x, N * 3 * SIDE * SIDE);
	for (int classes = 0; classes <= 5; classes += 5) {
		struct xl_classifier *c = made(SIDE, 3, classes ? 1 : 3, classes, false);
		const int k = xl_classifier_outputs(c);
		struct xl_tape *t = xl_tape_new();
		struct array want, z;

		assert_int_equal(k, classes ? 5 : 3);
		assert_int_equal(xl_classifier_features(c), 24);
		stir(c);
		naive_run(c, x, N, &want, &z);
		assert_int_equal(xl_classifier_see(c, t, N, x, p, f), 0);
		for (int i = 0; i < N * 24; i++)
			near((double)f[i], want.v[i], 1e-4, "feature", i);
		for (int i = 0; i < N * k; i++) {
			double sum = 1 + exp(z.v[i]);

			if (classes) {
				sum = 0;
				for (int j = 0; j < k; j++)
					sum += exp(z.v[i / k * k + j]);
			}
			near((double)p[i], exp(z.v[i]) / sum, 1e-5, "probability", i);
		}
		array_free(&want);
		array_free(&z);
		xl_tape_free(t);
		xl_classifier_free(c);
	}
}

/* Three labels: 2.8 million numbers at the width of the papers' pictures. */
static void counts(void **state)
{
	struct xl_classifier *c = made(128, 32, 3, 0, false);
	struct xl_tape *t = xl_tape_new();

	(void)state;
	t->dry = true;
	assert_int_equal(xl_classifier_see(c, t, 1, NULL, NULL, NULL), 0);
	assert_int_equal(xl_net_count(&c->net), 2793731);
	assert_int_equal(t->macs, 135987968);
	xl_tape_free(t);
	xl_classifier_free(c);
}

/* ---- training ----------------------------------------------------------- */

/* As many pictures as keep the statistics of a batch from being those of two points. */
enum { MANY = 12 };

static const float yes_or_no[MANY * 3] = {1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1};
static const float numbers[MANY] = {4, 0, 2, 2, 1, 3};

static double loss_at(struct xl_classifier *c, struct xl_tape *t, const float *x, bool backward)
{
	struct xl_var *z, *loss;
	double value;

	xl_tape_reset(t);
	c->net.bn = XL_BN_BATCH;
	assert_int_equal(xl_net_bind(&c->net, t, true), 0);
	xl_tape_record(t, true);
	z = xl_classifier_run(c, t, xl_var_input(t, MANY, 3, SIDE, SIDE, x), NULL);
	loss = xl_classifier_loss(c, t, z, c->classes ? numbers : yes_or_no);
	assert_non_null(loss);
	value = xl_var_scalar(t, loss);
	if (backward)
		assert_int_equal(xl_backward(t, loss, 0), 0);
	return value;
}

/* Batch norms with the batch's own statistics. */
static void gradients(void **state)
{
	static float x[MANY * 3 * SIDE * SIDE];

	(void)state;
	pictures(x, MANY * 3 * SIDE * SIDE);
	for (int classes = 0; classes <= 5; classes += 5) {
		struct xl_classifier *c = made(SIDE, 3, classes ? 1 : 3, classes, true);
		struct xl_tape *t = xl_tape_new();
		const double h = 3e-4;
		double square = 0, up, down;

		xl_net_zero(&c->net);
		loss_at(c, t, x, true);
		for (size_t i = 0; i < c->net.count; i++)
			square += (double)c->net.grad[i] * (double)c->net.grad[i];
		assert_true(square > 0);
		for (size_t i = 0; i < c->net.count; i++)
			c->net.value[i] += (float)(h * (double)c->net.grad[i] / sqrt(square));
		up = loss_at(c, t, x, false);
		for (size_t i = 0; i < c->net.count; i++)
			c->net.value[i] -= (float)(2 * h * (double)c->net.grad[i] / sqrt(square));
		down = loss_at(c, t, x, false);
		near((up - down) / (2 * h), sqrt(square), 2e-2 * sqrt(square), "slope", classes);
		xl_tape_free(t);
		xl_classifier_free(c);
	}
}

static void losses(void **state)
{
	const double z[N][5] = {{1.5, -2, 0.25, 40, -90}, {0, 3, -1, 0.5, 2}};
	struct xl_classifier *c = made(SIDE, 3, 3, 0, false), *k = made(SIDE, 3, 1, 5, false);
	struct xl_tape *t = xl_tape_new();
	float plain[N * 5];
	double want = 0;

	(void)state;
	for (int i = 0; i < N; i++)
		for (int j = 0; j < 3; j++) {
			const double s = yes_or_no[i * 3 + j] > 0.5f ? -z[i][j] : z[i][j];

			plain[i * 3 + j] = (float)z[i][j];
			want += log1p(exp(s)) / (3 * N);
		}
	near(xl_var_scalar(t,
			   xl_classifier_loss(c, t, xl_var_input(t, N, 3, 1, 1, plain), yes_or_no)),
	     want, 1e-6, "loss of labels", 0);
	want = 0;
	for (int i = 0; i < N; i++) {
		double sum = 0;

		for (int j = 0; j < 5; j++) {
			plain[i * 5 + j] = (float)z[i][j];
			sum += exp(z[i][j]);
		}
		want += (log(sum) - z[i][(int)numbers[i]]) / N;
	}
	near(xl_var_scalar(t,
			   xl_classifier_loss(k, t, xl_var_input(t, N, 5, 1, 1, plain), numbers)),
	     want, 1e-5, "loss of classes", 0);
	xl_tape_free(t);
	xl_classifier_free(c);
	xl_classifier_free(k);
}

/* ---- promises ----------------------------------------------------------- */

static void same_bits(void **state)
{
	static float x[N * 3 * SIDE * SIDE], p[N * 3], f[N * 24], q[3], g[24];
	struct xl_classifier *c = made(SIDE, 3, 3, 0, false);
	struct xl_tape *t = xl_tape_new();

	(void)state;
	pictures(x, N * 3 * SIDE * SIDE);
	xl_threads_set(1);
	assert_int_equal(xl_classifier_see(c, t, N, x, p, f), 0);
	xl_threads_set(3);
	assert_int_equal(xl_classifier_see(c, t, 1, x + 3 * SIDE * SIDE, q, g), 0);
	assert_memory_equal(q, p + 3, sizeof q);
	assert_memory_equal(g, f + 24, sizeof g);
	xl_threads_set(0);
	xl_tape_free(t);
	xl_classifier_free(c);
}

static void fitting(void **state)
{
	struct xl_classifier *c = made(SIDE, 3, 3, 0, false);
	struct xl_tensor *small = xl_tensor_new(XL_U1, 3, (int64_t[]){3, SIDE, SIDE});
	struct xl_tensor *large = xl_tensor_new(XL_U1, 3, (int64_t[]){3, 30, 20});
	float x[3 * SIDE * SIDE];

	(void)state;
	for (int i = 0; i < 3 * SIDE * SIDE; i++)
		((uint8_t *)small->data)[i] = (uint8_t)i;
	memset(large->data, 51, xl_tensor_bytes(large));
	assert_int_equal(xl_classifier_fit(c, small, x), 0);
	for (int i = 0; i < 3 * SIDE * SIDE; i++)
		assert_true(x[i] == (float)(i & 255) / 127.5f - 1);
	assert_int_equal(xl_classifier_fit(c, large, x), 0);
	for (int i = 0; i < 3 * SIDE * SIDE; i++)
		assert_true(x[i] == 51 / 127.5f - 1);
	xl_tensor_free(small);
	xl_tensor_free(large);
	xl_classifier_free(c);
}

/* ---- files ---------------------------------------------------------------- */

static char path[] = "/tmp/xl-classifier-XXXXXX";

static void files(void **state)
{
	struct xl_classifier *c = made(SIDE, 3, 1, 5, true), *d;
	char name[24], other[24];

	(void)state;
	stir(c);
	c->steps = 17;
	c->held_out = 40;
	c->held_out_right = 0.975;
	snprintf(c->data, sizeof c->data, "abc");
	assert_int_equal(xl_classifier_save(c, path), 0);
	assert_int_equal(strlen(c->digest), 64);
	d = xl_classifier_load(path);
	if (!d)
		fail_msg("%s", xl_err_msg());
	assert_int_equal(d->size, SIDE);
	assert_int_equal(d->classes, 5);
	assert_int_equal(d->n_labels, 1);
	assert_string_equal(d->labels[0], "Male");
	assert_int_equal(d->seed, 3);
	assert_int_equal(d->steps, 17);
	assert_int_equal(d->held_out, 40);
	assert_true(d->held_out_right == 0.975);
	assert_string_equal(d->data, "abc");
	assert_string_equal(d->digest, c->digest);
	assert_string_equal(xl_classifier_name(d, name, sizeof name),
			    xl_classifier_name(c, other, sizeof other));
	assert_string_equal(name, "own_d24");
	assert_memory_equal(d->net.value, c->net.value, c->net.count * sizeof(float));
	xl_classifier_free(d);
	xl_classifier_free(c);
}

/* The file with something of its first record changed, and what is said of it. */
static void damaged(void (*change)(struct xl_record **r), const char *want)
{
	struct xl_record *r[2];
	struct xl_modelfile f;
	char changed[64];

	snprintf(changed, sizeof changed, "%s.d", path);
	assert_int_equal(xl_modelfile_read(path, &f), 0);
	assert_int_equal(f.n, 2);
	for (int i = 0; i < 2; i++)
		assert_non_null(r[i] = xl_record_copy(f.records[i]));
	xl_modelfile_free(&f);
	change(r);
	assert_int_equal(xl_modelfile_write(changed, r, 2), 0);
	for (int i = 0; i < 2; i++)
		xl_record_free(r[i]);
	assert_null(xl_classifier_load(changed));
	if (!strstr(xl_err_msg(), want))
		fail_msg("'%s', not '%s'", xl_err_msg(), want);
	unlink(changed);
}

static void other_network(struct xl_record **r)
{
	xl_meta_set_str(r[0], "network", "vgg19");
}

static void a_method(struct xl_record **r)
{
	xl_meta_drop(r[0], "network");
	xl_meta_set_str(r[0], "method", "lomit");
}

static void huge(struct xl_record **r)
{
	xl_meta_set_int(r[0], "width", INT64_C(1) << 40);
}

static void wider(struct xl_record **r)
{
	xl_meta_set_int(r[0], "width", 256);
}

static void no_labels(struct xl_record **r)
{
	xl_meta_drop(r[0], "labels");
}

static void two_labels(struct xl_record **r)
{
	xl_meta_set_strs(r[0], "labels", three, 2);
}

static void lacking(struct xl_record **r)
{
	xl_record_drop(r[1], "3.1.s.mean");
}

static void bad_files(void **state)
{
	(void)state;
	damaged(other_network, ".d: not a classifier (weights of 'vgg19')");
	damaged(a_method, ".d: not a classifier (a model of lomit)");
	damaged(huge, "a width of -1; a classifier has 1 to 256");
	damaged(wider, "network classifier: stem.weight is (2,3,3,3) <f4, not (128,3,3,3) <f4");
	damaged(no_labels, "has no list of labels");
	damaged(two_labels, "5 classes of 2 labels; a classifier tells 2 to 256 of one");
	damaged(lacking, "network classifier has no 3.1.s.mean");
	assert_null(xl_classifier_load("/nowhere/c.msgpack"));
}

static void bad_shapes(void **state)
{
	struct xl_classifier_shape s = {.size = 7, .width = 8, .labels = three, .n_labels = 3};

	(void)state;
	assert_null(xl_classifier_new(&s, 0, false));
	assert_string_equal(xl_err_msg(), "pictures of 7 pixels; a classifier takes 8 to 1024");
	s.size = 8;
	s.n_labels = 0;
	assert_null(xl_classifier_new(&s, 0, false));
	assert_string_equal(xl_err_msg(), "0 labels; a classifier tells 1 to 256");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_loops), cmocka_unit_test(counts),
		cmocka_unit_test(gradients),     cmocka_unit_test(losses),
		cmocka_unit_test(same_bits),     cmocka_unit_test(fitting),
		cmocka_unit_test(files),         cmocka_unit_test(bad_files),
		cmocka_unit_test(bad_shapes),
	};
	const int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
