/*
 * test_conv.c - the three convolution kernels of every backend and Winograd form
 * against naive sums: awkward sizes, strides, paddings and channels; the same bits
 * for any number of threads and in any batch. The other kernels are in
 * test_kernels.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "core/pool.h"
#include "naive.h"
#include "xl.h"

/* Of the largest. F(4,3) leaves two to three times the error of sums as they are. */
static double tolerance(void)
{
	return xl_winograd() == 4 ? 6e-6 : 3e-6;
}

/* Floats that are not numbers: what is read without being written shows. */
static float *garbage(size_t bytes)
{
	float *p = malloc(bytes > 0 ? bytes : 1);

	assert_non_null(p);
	memset(p, 0xff, bytes);
	return p;
}

static float *garbage_for(const struct xl_dims *d)
{
	return garbage((size_t)xl_dims_count(d) * sizeof(float));
}

/* One convolution: operands, and the naive results. */
struct conv {
	struct xl_conv2d_dims d;
	struct array x, w, bias, gy; /* given */
	struct array y, gx, gw;      /* wanted */
	float *fx, *fw, *fbias, *fgy;
};

static void conv_open(struct conv *c, const struct xl_conv2d_dims *shape)
{
	struct xl_conv2d_dims *d = &c->d;

	*d = *shape;
	d->oh = (d->h + 2 * d->pad_h - d->kh) / d->stride + 1;
	d->ow = (d->w + 2 * d->pad_w - d->kw) / d->stride + 1;
	c->x = array_noise(xl_dims_map(d->n, d->ci, d->h, d->w), 1, -1, 1);
	c->w = array_noise(xl_dims_plain(d->co, d->ci, d->kh, d->kw), 2, -1, 1);
	c->bias = array_noise(xl_dims_plain(1, d->co, 1, 1), 3, -1, 1);
	c->gy = array_noise(xl_dims_map(d->n, d->co, d->oh, d->ow), 4, -1, 1);
	c->y = array_zeros(c->gy.d);
	c->gx = array_zeros(c->x.d);
	c->gw = array_zeros(c->w.d);
	c->fx = array_floats(&c->x);
	c->fw = array_floats(&c->w);
	c->fbias = array_floats(&c->bias);
	c->fgy = array_floats(&c->gy);
}

static void conv_expect(struct conv *c)
{
	naive_conv2d(CONV_Y, &c->y, &c->x, &c->w, &c->d);
	naive_conv2d(CONV_X, &c->gy, &c->gx, &c->w, &c->d);
	naive_conv2d(CONV_W, &c->gy, &c->x, &c->gw, &c->d);
	EACH_PLACE(&c->y.d, n, o, h, w)
	c->y.v[at(&c->y.d, n, o, h, w)] += c->bias.v[o];
}

static void conv_close(struct conv *c)
{
	struct array *arrays[] = {&c->x, &c->w, &c->bias, &c->gy, &c->y, &c->gx, &c->gw};

	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		array_free(arrays[i]);
	free(c->fx);
	free(c->fw);
	free(c->fbias);
	free(c->fgy);
}

/* What one backend makes of it. */
struct results {
	float *y, *gx, *gw;
};

static struct results run(const struct conv *c, const struct xl_kernels *k)
{
	struct results r = {garbage_for(&c->y.d), garbage_for(&c->gx.d), garbage_for(&c->gw.d)};
	const size_t bytes = k->conv2d_scratch(&c->d);
	float *scratch = garbage(bytes);

	k->conv2d_fwd(r.y, c->fx, c->fw, c->fbias, &c->d, scratch);
	memset(scratch, 0xff, bytes);
	k->conv2d_bwd_x(r.gx, c->fgy, c->fw, &c->d, scratch);
	memset(scratch, 0xff, bytes);
	k->conv2d_bwd_w(r.gw, c->fx, c->fgy, &c->d, scratch);
	free(scratch);
	return r;
}

static void results_free(struct results *r)
{
	free(r->y);
	free(r->gx);
	free(r->gw);
}

/* Whether the shape is one at all; xl_op_conv2d refuses the others. */
static bool exists(const struct xl_conv2d_dims *d)
{
	return d->h + 2 * d->pad_h >= d->kh && d->w + 2 * d->pad_w >= d->kw &&
	       (d->mode == XL_PAD_ZERO || (d->pad_h < d->h && d->pad_w < d->w));
}

static void check(const struct xl_conv2d_dims *shape)
{
	const struct xl_conv2d_dims *d = shape;
	const struct xl_kernels *k;
	struct conv c;
	char what[160];

	conv_open(&c, shape);
	conv_expect(&c);
	EACH_BACKEND(k)
	{
		struct results r = run(&c, k);
		snprintf(what, sizeof what,
			 "%s %d conv2d n %d, %d > %d, %dx%d, kernel %dx%d, stride %d, %s %d %d",
			 k->name, xl_winograd(), d->n, d->ci, d->co, d->h, d->w, d->kh, d->kw,
			 d->stride, d->mode == XL_PAD_ZERO ? "zeros" : "reflection", d->pad_h,
			 d->pad_w);
		bool good = agrees(what, r.y, &c.y, tolerance());
		good &= agrees(what, r.gx, &c.gx, tolerance());
		good &= agrees(what, r.gw, &c.gw, tolerance());
		assert_true(good);
		results_free(&r);
	}
	conv_close(&c);
}

/* Every pair of numbers of channels. */
static void test_channels(void **state)
{
	const int channels[] = {1, 2, 3, 4, 8, 15, 16, 17, 32, 48, 64};
	enum { N = sizeof channels / sizeof *channels };

	(void)state;
	for (int i = 0; i < N * N; i++)
		check(&(struct xl_conv2d_dims){.n = 1,
					       .ci = channels[i / N],
					       .h = 7,
					       .w = 5,
					       .co = channels[i % N],
					       .kh = 3,
					       .kw = 3,
					       .stride = 1,
					       .pad_h = 1,
					       .pad_w = 1,
					       .mode = XL_PAD_REFLECT});
}

/* Every kernel size, stride, padding and map size that go together. */
static void test_geometry(void **state)
{
	const int kernels[] = {1, 3, 4, 5, 7}, pads[] = {0, 1, 3};
	const int sizes[][2] = {{1, 1}, {2, 3}, {3, 7}, {7, 2}, {1, 7}, {7, 7}};
	const int channels[][2] = {{3, 2}, {16, 16}, {16, 3}, {3, 16}};
	int ran = 0;

	(void)state;
	for (int i = 0; i < 5 * 3 * 3 * 2 * 6 * 4; i++) {
		const int *c = channels[i / 540], *size = sizes[i / 90 % 6];
		struct xl_conv2d_dims d = {.n = c[0] == c[1] ? 1 : 2,
					   .ci = c[0],
					   .co = c[1],
					   .kh = kernels[i % 5],
					   .kw = kernels[i % 5],
					   .stride = 1 + i / 5 % 3,
					   .pad_h = pads[i / 15 % 3],
					   .pad_w = pads[i / 15 % 3],
					   .mode = i / 45 % 2 ? XL_PAD_REFLECT : XL_PAD_ZERO,
					   .h = size[0],
					   .w = size[1]};
		if (!exists(&d))
			continue;
		check(&d);
		ran++;
	}
	assert_true(ran > 800);
}

/* What neither of the two above meets. */
static const struct xl_conv2d_dims others[] = {
	{.n = 5, .ci = 3, .h = 4, .w = 4, .co = 2, .kh = 4, .kw = 4, .stride = 4},
	{.n = 2,
	 .ci = 2,
	 .h = 9,
	 .w = 5,
	 .co = 3,
	 .kh = 3,
	 .kw = 1,
	 .stride = 2,
	 .pad_h = 1,
	 .pad_w = 1},
	{.n = 2, .ci = 16, .h = 5, .w = 9, .co = 17, .kh = 1, .kw = 4, .stride = 3},
	{.n = 3, .ci = 16, .h = 6, .w = 6, .co = 16, .kh = 2, .kw = 2, .stride = 5},
	{.n = 1, .ci = 1, .h = 16, .w = 16, .co = 1, .kh = 16, .kw = 16, .stride = 1},
	{.n = 9,
	 .ci = 32,
	 .h = 2,
	 .w = 2,
	 .co = 48,
	 .kh = 4,
	 .kw = 4,
	 .stride = 2,
	 .pad_h = 1,
	 .pad_w = 1,
	 .mode = XL_PAD_REFLECT},
	{.n = 33, .ci = 48, .h = 1, .w = 1, .co = 40, .kh = 1, .kw = 1, .stride = 1},
	{.n = 1,
	 .ci = 3,
	 .h = 19,
	 .w = 23,
	 .co = 32,
	 .kh = 7,
	 .kw = 7,
	 .stride = 1,
	 .pad_h = 3,
	 .pad_w = 3,
	 .mode = XL_PAD_REFLECT},
	{.n = 1,
	 .ci = 32,
	 .h = 19,
	 .w = 23,
	 .co = 3,
	 .kh = 7,
	 .kw = 7,
	 .stride = 1,
	 .pad_h = 3,
	 .pad_w = 3,
	 .mode = XL_PAD_REFLECT},
	{.n = 2,
	 .ci = 32,
	 .h = 15,
	 .w = 17,
	 .co = 48,
	 .kh = 4,
	 .kw = 4,
	 .stride = 2,
	 .pad_h = 1,
	 .pad_w = 1,
	 .mode = XL_PAD_REFLECT},
	{.n = 2,
	 .ci = 64,
	 .h = 9,
	 .w = 8,
	 .co = 33,
	 .kh = 5,
	 .kw = 5,
	 .stride = 1,
	 .pad_h = 2,
	 .pad_w = 2,
	 .mode = XL_PAD_REFLECT},
	{.n = 1,
	 .ci = 64,
	 .h = 8,
	 .w = 8,
	 .co = 64,
	 .kh = 3,
	 .kw = 3,
	 .stride = 1,
	 .pad_h = 1,
	 .pad_w = 1,
	 .mode = XL_PAD_REFLECT},
	/* a kernel of one row or one column, padded along it alone */
	{.n = 2, .ci = 32, .h = 5, .w = 9, .co = 17, .kh = 1, .kw = 7, .stride = 1, .pad_w = 3},
	{.n = 2, .ci = 16, .h = 6, .w = 4, .co = 48, .kh = 7, .kw = 1, .stride = 1, .pad_h = 3},
	{.n = 1,
	 .ci = 3,
	 .h = 5,
	 .w = 7,
	 .co = 16,
	 .kh = 3,
	 .kw = 5,
	 .stride = 2,
	 .pad_h = 1,
	 .pad_w = 2,
	 .mode = XL_PAD_REFLECT},
	/* back from squares of pixels, whose channels are a block or not */
	{.n = 2,
	 .ci = 3,
	 .h = 6,
	 .w = 10,
	 .co = 32,
	 .kh = 4,
	 .kw = 4,
	 .stride = 2,
	 .pad_h = 1,
	 .pad_w = 1,
	 .mode = XL_PAD_REFLECT},
	{.n = 2, .ci = 4, .h = 8, .w = 6, .co = 16, .kh = 2, .kw = 4, .stride = 2, .pad_w = 1},
	/* few pixels and many weights: more than a slab of pixels, a chunk of weights */
	{.n = 50,
	 .ci = 64,
	 .h = 4,
	 .w = 4,
	 .co = 72,
	 .kh = 3,
	 .kw = 3,
	 .stride = 2,
	 .pad_h = 1,
	 .pad_w = 1},
	{.n = 7,
	 .ci = 48,
	 .h = 13,
	 .w = 11,
	 .co = 40,
	 .kh = 4,
	 .kw = 4,
	 .stride = 2,
	 .pad_h = 1,
	 .pad_w = 1,
	 .mode = XL_PAD_REFLECT},
	{.n = 2,
	 .ci = 128,
	 .h = 8,
	 .w = 8,
	 .co = 256,
	 .kh = 4,
	 .kw = 4,
	 .stride = 2,
	 .pad_h = 1,
	 .pad_w = 1,
	 .mode = XL_PAD_REFLECT},
	/* weight gradients: of parts of the rows, slots and blocks of outputs, and of some
	 * small images at a time */
	{.n = 4, .ci = 16, .h = 41, .w = 43, .co = 24, .kh = 3, .kw = 3, .stride = 2},
	{.n = 1, .ci = 48, .h = 12, .w = 12, .co = 32, .kh = 5, .kw = 4, .stride = 1},
	{.n = 3, .ci = 18, .h = 22, .w = 40, .co = 24, .kh = 5, .kw = 4, .stride = 2},
	{.n = 2, .ci = 272, .h = 13, .w = 20, .co = 24, .kh = 1, .kw = 1, .stride = 1},
	{.n = 2,
	 .ci = 128,
	 .h = 12,
	 .w = 14,
	 .co = 80,
	 .kh = 4,
	 .kw = 4,
	 .stride = 2,
	 .pad_h = 1,
	 .pad_w = 1,
	 .mode = XL_PAD_REFLECT},
	/* the same, of rows of seven taps, of some images and one that is left, and of
	 * shares of the pixels */
	{.n = 3, .ci = 18, .h = 11, .w = 17, .co = 72, .kh = 3, .kw = 7, .stride = 1},
	{.n = 5, .ci = 48, .h = 9, .w = 9, .co = 80, .kh = 2, .kw = 2, .stride = 1},
	{.n = 2, .ci = 2, .h = 130, .w = 140, .co = 20, .kh = 1, .kw = 4, .stride = 1},
	/* by Winograd: parts of tiles, borders of zeros and none */
	{.n = 3,
	 .ci = 32,
	 .h = 5,
	 .w = 9,
	 .co = 48,
	 .kh = 3,
	 .kw = 3,
	 .stride = 1,
	 .pad_h = 1,
	 .pad_w = 1},
	{.n = 2, .ci = 48, .h = 9, .w = 8, .co = 16, .kh = 3, .kw = 3, .stride = 1, .pad_w = 1},
	{.n = 1, .ci = 80, .h = 16, .w = 9, .co = 96, .kh = 3, .kw = 3, .stride = 1},
	{.n = 2,
	 .ci = 64,
	 .h = 13,
	 .w = 22,
	 .co = 16,
	 .kh = 3,
	 .kw = 3,
	 .stride = 1,
	 .pad_h = 1,
	 .pad_w = 1,
	 .mode = XL_PAD_REFLECT},
	/* borders on all sides of an inside: reads that mirror, are left out, do not divide */
	{.n = 2,
	 .ci = 16,
	 .h = 23,
	 .w = 20,
	 .co = 32,
	 .kh = 5,
	 .kw = 3,
	 .stride = 3,
	 .pad_h = 2,
	 .pad_w = 3,
	 .mode = XL_PAD_REFLECT},
	{.n = 1,
	 .ci = 32,
	 .h = 21,
	 .w = 26,
	 .co = 20,
	 .kh = 4,
	 .kw = 5,
	 .stride = 2,
	 .pad_h = 2,
	 .pad_w = 1},
	{.n = 1,
	 .ci = 48,
	 .h = 24,
	 .w = 22,
	 .co = 2,
	 .kh = 3,
	 .kw = 4,
	 .stride = 2,
	 .pad_h = 3,
	 .pad_w = 2,
	 .mode = XL_PAD_REFLECT},
	/* padding nearly as large as the map: places that are shown three times */
	{.n = 3,
	 .ci = 16,
	 .h = 4,
	 .w = 5,
	 .co = 48,
	 .kh = 5,
	 .kw = 5,
	 .stride = 1,
	 .pad_h = 3,
	 .pad_w = 4,
	 .mode = XL_PAD_REFLECT},
};

/* By Winograd along a line, of several bands in the last. */
static const struct xl_conv2d_dims lines[] = {
	{.n = 2, .ci = 32, .h = 5, .w = 9, .co = 48, .kh = 1, .kw = 7, .stride = 1, .pad_w = 3},
	{.n = 3, .ci = 16, .h = 17, .w = 4, .co = 32, .kh = 7, .kw = 1, .stride = 1, .pad_h = 3},
	{.n = 1, .ci = 48, .h = 8, .w = 7, .co = 16, .kh = 1, .kw = 3, .stride = 1, .pad_w = 1},
	{.n = 2, .ci = 32, .h = 9, .w = 3, .co = 32, .kh = 3, .kw = 1, .stride = 1},
	{.n = 2, .ci = 16, .h = 3, .w = 12, .co = 16, .kh = 1, .kw = 7, .stride = 1, .pad_w = 5},
	{.n = 40, .ci = 16, .h = 17, .w = 17, .co = 16, .kh = 7, .kw = 1, .stride = 1, .pad_h = 3},
};
enum {
	OTHERS = sizeof others / sizeof *others,
	LINES = sizeof lines / sizeof *lines,
	ALL = OTHERS + LINES
};

static const struct xl_conv2d_dims *shape_at(int i)
{
	return i < OTHERS ? &others[i] : &lines[i - OTHERS];
}

static void test_others(void **state)
{
	(void)state;
	for (int i = 0; i < ALL; i++)
		check(shape_at(i));
}

/* Without a bias: as with one of zeros. */
static void test_no_bias(void **state)
{
	const struct xl_kernels *k;
	struct conv c;

	(void)state;
	conv_open(&c, &(struct xl_conv2d_dims){.n = 2,
					       .ci = 32,
					       .h = 15,
					       .w = 17,
					       .co = 48,
					       .kh = 4,
					       .kw = 4,
					       .stride = 2,
					       .pad_h = 1,
					       .pad_w = 1,
					       .mode = XL_PAD_REFLECT});
	memset(c.fbias, 0, (size_t)c.d.co * sizeof(float));
	EACH_BACKEND(k)
	{
		struct results r = run(&c, k);
		float *y = garbage_for(&c.y.d), *scratch = garbage(k->conv2d_scratch(&c.d));
		k->conv2d_fwd(y, c.fx, c.fw, NULL, &c.d, scratch);
		assert_memory_equal(y, r.y, (size_t)xl_dims_count(&c.y.d) * sizeof(float));
		free(y);
		free(scratch);
		results_free(&r);
	}
	conv_close(&c);
}

static void test_threads(void **state)
{
	const struct xl_kernels *k;

	(void)state;
	for (int i = 0; i < ALL; i++) {
		struct conv c;
		conv_open(&c, shape_at(i));
		EACH_BACKEND(k)
		{
			xl_threads_set(1);
			struct results one = run(&c, k);
			for (int threads = 2; threads <= 3; threads++) {
				xl_threads_set(threads);
				struct results r = run(&c, k);
				assert_memory_equal(r.y, one.y, (size_t)xl_dims_count(&c.y.d) * 4);
				assert_memory_equal(r.gx, one.gx,
						    (size_t)xl_dims_count(&c.gx.d) * 4);
				assert_memory_equal(r.gw, one.gw,
						    (size_t)xl_dims_count(&c.gw.d) * 4);
				results_free(&r);
			}
			results_free(&one);
		}
		conv_close(&c);
	}
	xl_threads_set(0);
}

/* Each image of a batch alone gives the bits it has in the batch. */
static void test_batch(void **state)
{
	const struct xl_kernels *k;

	(void)state;
	for (int i = 0; i < ALL; i++) {
		struct conv c;
		conv_open(&c, shape_at(i));
		struct conv one = c;
		one.d.n = 1;
		const size_t x = (size_t)xl_dims_count(&c.x.d) / (size_t)c.d.n;
		const size_t y = (size_t)xl_dims_count(&c.y.d) / (size_t)c.d.n;
		EACH_BACKEND(k)
		{
			struct results all = run(&c, k);
			for (size_t n = 0; n < (size_t)c.d.n; n++) {
				one.fx = c.fx + n * x;
				one.fgy = c.fgy + n * y;
				struct results r = run(&one, k);
				assert_memory_equal(r.y, all.y + n * y, y * sizeof(float));
				assert_memory_equal(r.gx, all.gx + n * x, x * sizeof(float));
				results_free(&r);
			}
			results_free(&all);
		}
		conv_close(&c);
	}
}

/* More tiles than Winograd's filtering takes at once, cut within an image: as image
 * by image, weight gradients added up. */
static void test_bands(void **state)
{
	const struct xl_kernels *k;
	struct conv c;

	(void)state;
	conv_open(&c, &(struct xl_conv2d_dims){.n = 15,
					       .ci = 64,
					       .h = 33,
					       .w = 32,
					       .co = 64,
					       .kh = 3,
					       .kw = 3,
					       .stride = 1,
					       .pad_h = 1,
					       .pad_w = 1,
					       .mode = XL_PAD_REFLECT});
	struct conv one = c;
	one.d.n = 1;
	const size_t image = (size_t)xl_dims_count(&c.x.d) / (size_t)c.d.n;
	EACH_BACKEND(k)
	{
		struct results all = run(&c, k);
		memset(c.gw.v, 0, (size_t)xl_dims_count(&c.gw.d) * sizeof *c.gw.v);
		for (size_t n = 0; n < (size_t)c.d.n; n++) {
			one.fx = c.fx + n * image;
			one.fgy = c.fgy + n * image;
			struct results r = run(&one, k);
			assert_memory_equal(r.y, all.y + n * image, image * sizeof(float));
			assert_memory_equal(r.gx, all.gx + n * image, image * sizeof(float));
			for (int64_t i = 0; i < xl_dims_count(&c.gw.d); i++)
				c.gw.v[i] += (double)r.gw[i];
			results_free(&r);
		}
		assert_true(agrees(k->name, all.gw, &c.gw, tolerance()));
		results_free(&all);
	}
	conv_close(&c);
}

/* The three forms round differently, and only where they apply. */
static void test_forms_differ(void **state)
{
	static const char *const forms[] = {"4", "2", "0"};
	const struct xl_conv2d_dims base = {
		.n = 1, .ci = 64, .h = 8, .w = 8, .co = 64, .stride = 1, .mode = XL_PAD_REFLECT};
	struct xl_conv2d_dims shapes[] = {base, base};
	const struct xl_kernels *k;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct conv c;
		shapes[i].kh = shapes[i].kw = 3 + 2 * i;
		shapes[i].pad_h = shapes[i].pad_w = 1 + i;
		conv_open(&c, &shapes[i]);
		const size_t bytes = (size_t)xl_dims_count(&c.y.d) * sizeof(float);
		EACH_BACKEND(k)
		{
			struct results r[3];
			for (int f = 0; f < 3; f++) {
				assert_int_equal(xl_winograd_select(forms[f]), 0);
				r[f] = run(&c, k);
			}
			for (int f = 0; f < 3; f++)
				assert_int_equal(memcmp(r[f].y, r[(f + 1) % 3].y, bytes) == 0, i);
			for (int f = 0; f < 3; f++)
				results_free(&r[f]);
		}
		conv_close(&c);
	}
}

/* Lines have one form, and only forward. */
static void test_lines_differ(void **state)
{
	static const char *const forms[] = {"4", "2", "0"};
	const struct xl_kernels *k;

	(void)state;
	for (int i = 0; i < LINES; i++) {
		struct conv c;
		conv_open(&c, &lines[i]);
		const size_t y = (size_t)xl_dims_count(&c.y.d) * sizeof(float);
		const size_t x = (size_t)xl_dims_count(&c.x.d) * sizeof(float);
		EACH_BACKEND(k)
		{
			struct results r[3];
			for (int f = 0; f < 3; f++) {
				assert_int_equal(xl_winograd_select(forms[f]), 0);
				r[f] = run(&c, k);
			}
			assert_memory_not_equal(r[0].y, r[1].y, y);
			assert_memory_equal(r[1].y, r[2].y, y);
			assert_memory_equal(r[0].gx, r[1].gx, x);
			for (int f = 0; f < 3; f++)
				results_free(&r[f]);
		}
		conv_close(&c);
	}
}

/* ---- quality: how far all numbers are off, where the above ask for the worst ---- */

/* Numbers of N(0,1) in place of v, by Box and Muller, rounded to float; and as floats. */
static void make_normal(struct array *a, float **f, uint32_t seed)
{
	const double pi = acos(-1);

	for (int64_t i = 0; i < xl_dims_count(&a->d); i++) {
		const double u = (noise(seed, 2 * i) + 1) / 2, v = noise(seed, 2 * i + 1);
		a->v[i] = (double)(float)(sqrt(-2 * log(fmax(u, 1e-12))) * cos(pi * v));
	}
	free(*f);
	*f = array_floats(a);
}

/* The root mean square of got - want, of that of want. */
static double error_of(const float *got, const struct array *want)
{
	float *plain = garbage_for(&want->d);
	double error = 0, size = 0;

	xl_map_unpack(plain, got, &want->d);
	for (int64_t i = 0; i < xl_dims_count(&want->d); i++) {
		error += pow((double)plain[i] - want->v[i], 2);
		size += pow(want->v[i], 2);
	}
	free(plain);
	return sqrt(error / size);
}

/* Errors of 3x3 convolutions of numbers of N(0,1), as measured, those of the backend that
 * rounds most: by F(4,3), but of 64 channels on 4x4 pixels by F(2,3), and of 40 as they
 * are. */
static const struct quality {
	int channels, size;
	double y, gx, gw;
} qualities[] = {
	{16, 8, 5.21e-7, 4.64e-7, 4.27e-7},   {16, 32, 5.13e-7, 5.02e-7, 9.91e-7},
	{40, 16, 3.43e-7, 3.25e-7, 2.89e-7},  {64, 4, 2.23e-7, 2.28e-7, 1.09e-7},
	{64, 8, 7.38e-7, 7.37e-7, 4.32e-7},   {64, 16, 7.56e-7, 7.58e-7, 6.18e-7},
	{64, 31, 7.45e-7, 7.45e-7, 9.84e-7},  {256, 8, 1.30e-6, 1.29e-6, 4.36e-7},
	{256, 13, 1.39e-6, 1.37e-6, 6.12e-7},
};

static bool is_as_good(const char *pass, const struct quality *q, const struct xl_kernels *k,
		       double error, double measured)
{
	if (error <= 1.5 * measured)
		return true;
	fprintf(stderr, "%s %d %s, %d channels, %dx%d: error %.3g, %.3g was measured\n", k->name,
		xl_winograd(), pass, q->channels, q->size, q->size, error, measured);
	return false;
}

static bool check_quality(const struct quality *q)
{
	const struct xl_kernels *k;
	bool good = true;
	struct conv c;

	conv_open(&c, &(struct xl_conv2d_dims){.n = 2,
					       .ci = q->channels,
					       .h = q->size,
					       .w = q->size,
					       .co = q->channels,
					       .kh = 3,
					       .kw = 3,
					       .stride = 1,
					       .pad_h = 1,
					       .pad_w = 1,
					       .mode = XL_PAD_REFLECT});
	make_normal(&c.x, &c.fx, 1);
	make_normal(&c.w, &c.fw, 2);
	make_normal(&c.gy, &c.fgy, 4);
	conv_expect(&c);
	EACH_BACKEND(k)
	{
		struct results r = run(&c, k);
		good &= is_as_good("forward", q, k, error_of(r.y, &c.y), q->y);
		good &= is_as_good("gradient of x", q, k, error_of(r.gx, &c.gx), q->gx);
		good &= is_as_good("gradient of w", q, k, error_of(r.gw, &c.gw), q->gw);
		results_free(&r);
	}
	conv_close(&c);
	return good;
}

static void test_quality(void **state)
{
	bool good = true;

	(void)state;
	assert_int_equal(xl_winograd_select("4"), 0);
	for (size_t i = 0; i < sizeof qualities / sizeof *qualities; i++)
		good &= check_quality(&qualities[i]);
	assert_true(good);
}

static void test_form_unknown(void **state)
{
	const int before = xl_winograd();

	(void)state;
	assert_int_equal(xl_winograd_select("3"), -1);
	assert_string_equal(xl_err_msg(),
			    "XL_WINOGRAD: '3' is not a Winograd form (4, 2, or 0 for none)");
	assert_int_equal(xl_winograd_select("42"), -1);
	assert_int_equal(xl_winograd(), before);
}

int main(void)
{
	const struct CMUnitTest each[] = {
		cmocka_unit_test(test_channels), cmocka_unit_test(test_geometry),
		cmocka_unit_test(test_others),   cmocka_unit_test(test_no_bias),
		cmocka_unit_test(test_threads),  cmocka_unit_test(test_batch),
		cmocka_unit_test(test_bands),
	};
	const struct CMUnitTest once[] = {
		cmocka_unit_test(test_forms_differ),
		cmocka_unit_test(test_lines_differ),
		cmocka_unit_test(test_quality),
		cmocka_unit_test(test_form_unknown),
	};
	static const char *const forms[] = {"0", "2", "4"};
	int failed = 0;

	for (int i = 0; i < 3; i++) {
		if (xl_winograd_select(forms[i]))
			return 1;
		failed += cmocka_run_group_tests_name(forms[i], each, NULL, NULL);
	}
	return failed + cmocka_run_group_tests_name("forms", once, NULL, NULL);
}
