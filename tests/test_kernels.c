/*
 * test_kernels.c - the kernels of every backend, convolution apart (test_conv.c),
 * and those with one form for all, against naive loops in double: elements with
 * broadcasting, sums, normalisation, enlargement, parts, mask smoothness, Adam.
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

/* Floats that are not numbers: what is left unwritten shows. */
static float *garbage(int64_t count)
{
	float *p = malloc((size_t)count * sizeof(float));

	assert_non_null(p);
	memset(p, 0xff, (size_t)count * sizeof(float));
	return p;
}

/* The shapes that elements, sums and norms are tried on. */
static const struct xl_dims shapes[] = {
	MAP(1, 1, 1, 1),  MAP(2, 3, 3, 2),   MAP(1, 7, 1, 3),  MAP(3, 16, 2, 5),
	MAP(2, 17, 1, 3), MAP(1, 48, 3, 37), MAP(2, 4, 2, 70), PLAIN(2, 16, 3, 2),
	MAP(16, 2, 1, 1), MAP(16, 32, 1, 1), MAP(2, 15, 7, 7), MAP(1, 64, 7, 2),
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* d with the axes that mask names cut down to 1 */
static struct xl_dims cut(struct xl_dims d, int mask)
{
	struct xl_dims r = xl_dims_map(mask & 8 ? 1 : d.n, mask & 4 ? 1 : d.c, mask & 2 ? 1 : d.h,
				       mask & 1 ? 1 : d.w);
	if (d.b == 1)
		r.b = 1; /* weights stay plain */
	return r;
}

/* ---- elements ---- */

static const struct {
	const char *name;
	enum xl_unary op;
	double lo, hi, p, q;
} unaries[] = {
	{"affine", XL_AFFINE, -3, 3, -1.5, 0.25},
	{"leaky", XL_LEAKY, -3, 3, 0.01, 0},
	{"relu", XL_LEAKY, -3, 3, 0, 0},
	{"tanh", XL_TANH, -12, 12, 0, 0},
	{"sigmoid", XL_SIGMOID, -20, 20, 0, 0},
	{"abs", XL_ABS, -3, 3, 0, 0},
	{"sign", XL_SIGN, -3, 3, 0, 0},
	{"sqrt", XL_SQRT, 0, 9, 0, 0},
	{"exp", XL_EXP, -10, 3, 0, 0},
	{"softplus", XL_SOFTPLUS, -20, 20, 0, 0},
	{"recip", XL_RECIP, 0.1, 9, 0, 0},
	{"max", XL_MAXC, -3, 3, 0.5, 0},
};
enum { UNARIES = sizeof unaries / sizeof *unaries };

static void test_unary(void **state)
{
	const int counts[] = {1, 2, 3, 7, 15, 16, 17, 16384 + 5};
	const struct xl_kernels *k;
	char what[60];

	(void)state;
	EACH_BACKEND(k)
	for (int i = 0; i < UNARIES * 8; i++) {
		const int u = i / 8, count = counts[i % 8];
		const float p = (float)unaries[u].p, q = (float)unaries[u].q;
		struct array x =
			array_noise(xl_dims_plain(1, 1, 1, count), 5, unaries[u].lo, unaries[u].hi);
		if (count == 7 && unaries[u].lo < 0)
			x.v[3] = 0; /* where some of them turn */
		float *fx = array_floats(&x), *y = garbage(count);
		for (int j = 0; j < count; j++)
			x.v[j] = naive_unary(unaries[u].op, x.v[j], (double)p, (double)q);
		k->unary(unaries[u].op, y, fx, count, p, q);
		snprintf(what, sizeof what, "%s %s", k->name, unaries[u].name);
		assert_true(agrees(what, y, &x, 2e-7));
		k->unary(unaries[u].op, fx, fx, count, p, q); /* in its place */
		assert_memory_equal(fx, y, (size_t)count * sizeof(float));
		array_free(&x);
		free(fx);
		free(y);
	}
}

/* The exponentials against libm in double, each number by itself, over all that a
 * float can be; and a number has the same bits wherever it stands in an array. */
static void test_unary_exponentials(void **state)
{
	enum { COUNT = 40001, SHIFT = 13 };
	const struct {
		enum xl_unary op;
		double lo, hi, tol;
	} each[] = {{XL_EXP, -87, 88.5, 1.5e-7},
		    {XL_TANH, -10, 10, 2e-7},
		    {XL_TANH, -0.01, 0.01, 1e-7},
		    {XL_SIGMOID, -87, 88, 2.5e-7}};
	const struct xl_kernels *k;
	float *x = garbage(COUNT), *y = garbage(COUNT), *z = garbage(COUNT);

	(void)state;
	EACH_BACKEND(k)
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < COUNT; j++)
			x[j] = (float)(each[i].lo + (each[i].hi - each[i].lo) * j / (COUNT - 1));
		k->unary(each[i].op, y, x, COUNT, 0, 0);
		for (int j = 0; j < COUNT; j++) {
			const double want = naive_unary(each[i].op, (double)x[j], 0, 0);
			if (!(fabs((double)y[j] - want) <= each[i].tol * fabs(want)))
				fail_msg("%s: operation %d of %.9g is %.9g, not %.9g", k->name,
					 (int)each[i].op, (double)x[j], (double)y[j], want);
		}
		k->unary(each[i].op, z, x + SHIFT, COUNT - SHIFT, 0, 0);
		assert_memory_equal(z, y + SHIFT, (COUNT - SHIFT) * sizeof(float));
	}
	free(x);
	free(y);
	free(z);
}

/* Far out, at zero, and where there is no number. */
static void test_unary_extremes(void **state)
{
	const struct {
		enum xl_unary op;
		float x, y;
	} points[] = {
		{XL_SIGMOID, -200, 0},  {XL_SIGMOID, 200, 1},    {XL_SIGMOID, 0, 0.5f},
		{XL_SOFTPLUS, -200, 0}, {XL_SOFTPLUS, 200, 200}, {XL_SOFTPLUS, 1e30f, 1e30f},
		{XL_TANH, -200, -1},    {XL_TANH, 200, 1},       {XL_TANH, 1e-20f, 1e-20f},
		{XL_SIGN, 0, 0},        {XL_SIGN, -1e-30f, -1},  {XL_ABS, -0.0f, 0},
		{XL_SQRT, 0, 0},        {XL_RECIP, INFINITY, 0}, {XL_EXP, -INFINITY, 0},
		{XL_EXP, INFINITY, INFINITY}, {XL_EXP, 0, 1},      {XL_TANH, -INFINITY, -1},
	};
	const struct xl_kernels *k;

	(void)state;
	EACH_BACKEND(k)
	{
		for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
			float y = -7;
			k->unary(points[i].op, &y, &points[i].x, 1, 0, 0);
			if (!(y == points[i].y))
				fail_msg("%s: operation %d of %g is %g", k->name, (int)points[i].op,
					 (double)points[i].x, (double)y);
		}
		for (int i = 0; i < UNARIES; i++) {
			float y[17], x[17];
			for (int j = 0; j < 17; j++)
				x[j] = NAN;
			k->unary(unaries[i].op, y, x, 17, 0.5f, 0.5f);
			for (int j = 0; j < 17; j++)
				if (unaries[i].op != XL_SIGN && !isnan(y[j]))
					fail_msg("%s: %s hides a NaN", k->name, unaries[i].name);
		}
	}
}

static void check_binary(enum xl_binary op, const struct xl_dims *d, const struct xl_dims *da,
			 const struct xl_dims *db)
{
	const float p = op == XL_MAXC_BWD ? 0.25f : 0.01f;
	struct array y = array_zeros(*d), a = array_noise(*da, 6, -1, 1);
	struct array b = array_noise(*db, 7, -1, 1);
	float *fa = array_floats(&a), *fb = array_floats(&b), *fy = garbage(xl_dims_count(d));
	const size_t bytes = (size_t)xl_dims_count(d) * sizeof(float);
	const struct xl_kernels *k;
	char what[120];

	EACH_PLACE(d, n, c, h, w)
	y.v[at(d, n, c, h, w)] =
		naive_binary(op, a.v[at(da, n, c, h, w)], b.v[at(db, n, c, h, w)], (double)p);
	EACH_BACKEND(k)
	{
		snprintf(what, sizeof what, "%s binary %d of (%d,%d,%d,%d) and (%d,%d,%d,%d)",
			 k->name, (int)op, da->n, da->c, da->h, da->w, db->n, db->c, db->h, db->w);
		k->binary(op, fy, d, fa, da, fb, db, p);
		assert_true(agrees(what, fy, &y, 2e-7));
		for (int i = 0; i < 2; i++) { /* in the place of either operand */
			if (xl_dims_count(i ? db : da) != xl_dims_count(d))
				continue;
			float *f = array_floats(i ? &b : &a);
			k->binary(op, f, d, i ? fa : f, da, i ? f : fb, db, p);
			assert_memory_equal(f, fy, bytes);
			free(f);
		}
		memset(fy, 0xff, bytes);
	}
	array_free(&y);
	array_free(&a);
	array_free(&b);
	free(fa);
	free(fb);
	free(fy);
}

/* Every axis of either operand broadcast or not; one of them whole along each. */
static void test_binary(void **state)
{
	(void)state;
	for (int i = 0; i < SHAPES * 6 * 256; i++) {
		const struct xl_dims *d = &shapes[i / 6 / 256];
		const int ma = i % 16, mb = i / 16 % 16;
		if (ma & mb)
			continue;
		const struct xl_dims da = cut(*d, ma), db = cut(*d, mb);
		check_binary((enum xl_binary)(i / 256 % 6), d, &da, &db);
	}
}

/* ---- sums ---- */

static void test_sum_to(void **state)
{
	const struct xl_kernels *k;
	char what[60];

	(void)state;
	for (int i = 0; i < SHAPES * 16; i++) {
		struct array x = array_noise(shapes[i / 16], 8, -1, 1);
		struct array y = array_zeros(cut(x.d, i % 16));
		float *fx = array_floats(&x);
		naive_sum_to(&y, &x);
		EACH_BACKEND(k)
		{
			float *fy = garbage(xl_dims_count(&y.d));
			k->sum_to(fy, &y.d, fx, &x.d);
			snprintf(what, sizeof what, "%s sum of (%d,%d,%d,%d) to", k->name, x.d.n,
				 x.d.c, x.d.h, x.d.w);
			assert_true(agrees(what, fy, &y, 2e-7));
			free(fy);
		}
		array_free(&x);
		array_free(&y);
		free(fx);
	}
}

/* A million numbers that a sum in float would lose. */
static void test_sum_is_exact(void **state)
{
	const struct xl_dims d = MAP(1, 16, 256, 256), channels = MAP(1, 16, 1, 1);
	const struct xl_dims one = PLAIN(1, 1, 1, 1);
	const int64_t count = xl_dims_count(&d);
	const struct xl_kernels *k;
	float *x = garbage(count), y[16];

	(void)state;
	for (int64_t i = 0; i < count; i++)
		x[i] = 1 + 0x1p-20f;
	EACH_BACKEND(k)
	{
		k->sum_to(y, &one, x, &d);
		assert_float_equal(y[0], count + 1, 0);
		k->sum_to(y, &channels, x, &d);
		for (int c = 0; c < 16; c++)
			assert_float_equal(y[c], 65536 + 0.0625, 0);
	}
	free(x);
}

/* The exact value: squares of floats add up in double without loss here. */
static void test_sum_squares(void **state)
{
	const int64_t counts[] = {1, 3, 16, 1000, 1025, 70001};
	const struct xl_kernels *k;

	(void)state;
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		float *x = garbage(counts[i]);
		double want = 0;
		for (int64_t j = 0; j < counts[i]; j++) {
			x[j] = (float)(j % 37 - 18) / 8;
			want += (double)x[j] * (double)x[j];
		}
		EACH_BACKEND(k)
		assert_true(k->sum_squares(x, counts[i]) == want);
		free(x);
	}
}

/* ---- normalisation ---- */

struct normed {
	float *y, *stats, *gx, *gscale, *gshift;
};

static struct normed run_norm(const struct xl_kernels *k, const struct xl_norm_dims *nd,
			      const float *x, const float *gy, const float *scale,
			      const float *shift)
{
	const int64_t count = xl_dims_count(&nd->d), nc = (int64_t)nd->d.n * nd->d.c;
	struct normed r = {garbage(count), garbage(XL_NORM_STATS * nc), garbage(count),
			   garbage(nd->d.c), garbage(nd->d.c)};
	double *scratch = malloc((size_t)nc * 5 * sizeof(double));

	assert_non_null(scratch);
	memset(scratch, 0xff, (size_t)nc * 5 * sizeof(double));
	k->norm_fwd(r.y, r.stats, x, scale, shift, NULL, nd, scratch);
	memset(scratch, 0xff, (size_t)nc * 5 * sizeof(double));
	const struct xl_norm_grads to = {r.gx, scale ? r.gscale : NULL, shift ? r.gshift : NULL};
	k->norm_bwd(&to, gy, x, r.stats, scale, shift, nd, scratch);
	free(scratch);
	return r;
}

static void normed_free(struct normed *r)
{
	free(r->y);
	free(r->stats);
	free(r->gx);
	free(r->gscale);
	free(r->gshift);
}

/* mean: of the map, far from zero or not. Groups of three numbers may have hardly
 * any spread, which magnifies what float loses. */
static void check_norm(const struct xl_dims *d, enum xl_norm kind, double mean, bool affine)
{
	const struct xl_norm_dims nd = {.d = *d, .kind = kind, .eps = 1e-5f};
	const double tol = 1e-5, eps = (double)nd.eps;
	struct array x = array_noise(*d, 9, mean - 1.5, mean + 1.5),
		     gy = array_noise(*d, 10, -1, 1);
	struct array scale = array_noise(xl_dims_plain(1, d->c, 1, 1), 11, 0.5, 2);
	struct array shift = array_noise(scale.d, 12, -1, 1);
	struct array y = array_zeros(*d), gx = array_zeros(*d), m, inv;
	struct array gscale = array_zeros(scale.d), gshift = array_zeros(scale.d);
	struct array stats = array_zeros(xl_dims_plain(d->n, d->c, 1, XL_NORM_STATS));
	float *fx = array_floats(&x), *fgy = array_floats(&gy);
	float *fscale = array_floats(&scale), *fshift = array_floats(&shift);
	const struct xl_kernels *k;
	char what[80];

	naive_norm_fwd(&y, &x, affine ? scale.v : NULL, shift.v, kind, eps);
	naive_norm_bwd(&gx, gscale.v, gshift.v, &gy, &x, affine ? scale.v : NULL, kind, eps);
	naive_moments(&m, &inv, &x, kind, eps);
	EACH_PLACE(&stats.d, n, c, h, w)
	{
		const double exact = m.v[at(&m.d, n, c, 0, 0)];
		const double saved[] = {exact, exact - (double)(float)exact,
					inv.v[at(&m.d, n, c, 0, 0)]};
		stats.v[at(&stats.d, n, c, h, w)] = saved[w];
	}

	EACH_BACKEND(k)
	{
		struct normed r =
			run_norm(k, &nd, fx, fgy, affine ? fscale : NULL, affine ? fshift : NULL);
		snprintf(what, sizeof what, "%s norm %d, mean %g, %s", k->name, (int)kind, mean,
			 affine ? "scaled" : "bare");
		bool good = agrees(what, r.y, &y, tol);
		good &= agrees(what, r.stats, &stats, 1e-6);
		good &= agrees(what, r.gx, &gx, tol);
		good &= !affine || agrees(what, r.gscale, &gscale, tol);
		good &= !affine || agrees(what, r.gshift, &gshift, 2e-7);
		assert_true(good);
		normed_free(&r);
	}
	struct array *arrays[] = {&x, &gy,  &scale,  &shift,  &y,    &gx,
				  &m, &inv, &gscale, &gshift, &stats};
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		array_free(arrays[i]);
	free(fx);
	free(fgy);
	free(fscale);
	free(fshift);
}

static void test_norm(void **state)
{
	(void)state;
	for (int i = 0; i < SHAPES * 3 * 4; i++) {
		const struct xl_dims *d = &shapes[i / 12];
		const enum xl_norm kind = (enum xl_norm)(i / 4 % 3);
		const struct xl_dims g = naive_groups(d, kind);
		if (xl_dims_count(d) < 3 * xl_dims_count(&g))
			continue; /* two numbers become -1 and 1, and pass no gradient but eps */
		check_norm(d, kind, i % 2 ? 1000 : 0, i / 2 % 2);
	}
}

/* A constant has no spread: y is the shift, and no gradient passes. */
static void test_norm_of_nothing(void **state)
{
	const struct xl_dims flat[] = {MAP(2, 3, 2, 2), MAP(1, 16, 3, 1), MAP(2, 2, 1, 1)};
	const float shift[16] = {0.5f, -1, 2, 0.25f}, scale[16] = {1, 2, 3, 4};
	const struct xl_kernels *k;
	float x[64], gy[64];

	(void)state;
	for (int i = 0; i < 64; i++) {
		x[i] = 1000.1f;
		gy[i] = 1;
	}
	EACH_BACKEND(k)
	for (int i = 0; i < 9; i++) {
		const struct xl_norm_dims nd = {
			.d = flat[i % 3], .kind = (enum xl_norm)(i / 3), .eps = 1e-5f};
		const int plane = nd.d.h * nd.d.w;
		struct normed r = run_norm(k, &nd, x, gy, scale, shift);
		for (int j = 0; j < (int)xl_dims_count(&nd.d); j++) {
			const int c = nd.d.b > 1 ? j % 16 : j / plane % nd.d.c;
			assert_float_equal(r.y[j], shift[c], 0);
			/* the mean of g' over a layer is not g' itself */
			if (nd.kind != XL_NORM_LAYER)
				assert_float_equal(r.gx[j], 0, 1e-4);
		}
		normed_free(&r);
	}
}

/* ---- enlargement and parts ---- */

static void test_up(void **state)
{
	const struct xl_dims small[] = {MAP(1, 1, 1, 1), MAP(2, 3, 2, 3), MAP(1, 16, 3, 1),
					MAP(2, 17, 1, 7), MAP(2, 32, 7, 2)};

	(void)state;
	for (int i = 0; i < 5 * 2; i++) {
		const int s = i % 2 ? 4 : 2;
		struct xl_dims d = small[i / 2];
		d.h *= s;
		d.w *= s;
		struct array x = array_noise(small[i / 2], 13, -1, 1),
			     gy = array_noise(d, 14, -1, 1);
		struct array y = array_zeros(d), gx = array_zeros(x.d);
		float *fx = array_floats(&x), *fgy = array_floats(&gy);
		float *fy = garbage(xl_dims_count(&d)), *fgx = garbage(xl_dims_count(&x.d));
		naive_up(&y, &x, s, false);
		naive_up(&gy, &gx, s, true);
		(s == 2 ? xl_up2_fwd : xl_up4_fwd)(fy, fx, &x.d);
		(s == 2 ? xl_up2_bwd : xl_up4_bwd)(fgx, fgy, &x.d);
		assert_true(agrees(s == 2 ? "up2" : "up4", fy, &y, s == 2 ? 0 : 2e-7));
		assert_true(agrees(s == 2 ? "up2_bwd" : "up4_bwd", fgx, &gx, 5e-7));
		struct array *arrays[] = {&x, &gy, &y, &gx};
		for (int j = 0; j < 4; j++)
			array_free(arrays[j]);
		free(fx);
		free(fgy);
		free(fy);
		free(fgx);
	}
}

static void test_avgpool(void **state)
{
	const struct xl_dims large[] = {MAP(1, 1, 2, 2), MAP(2, 3, 5, 4), MAP(1, 16, 6, 3),
					MAP(2, 17, 7, 2), MAP(2, 32, 8, 9)};

	(void)state;
	for (int i = 0; i < 5 * 2; i++) {
		const int k = 2 + i % 2;
		struct xl_dims d = large[i / 2];
		d.h = xl_avgpool_size(d.h, k);
		d.w = xl_avgpool_size(d.w, k);
		struct array x = array_noise(large[i / 2], 13, -1, 1),
			     gy = array_noise(d, 14, -1, 1);
		struct array y = array_zeros(d), gx = array_zeros(x.d);
		float *fx = array_floats(&x), *fgy = array_floats(&gy);
		float *fy = garbage(xl_dims_count(&d)), *fgx = garbage(xl_dims_count(&x.d));
		naive_avgpool(&y, &x, k, false);
		naive_avgpool(&gy, &gx, k, true);
		xl_avgpool_fwd(fy, fx, &x.d, k);
		xl_avgpool_bwd(fgx, fgy, &x.d, k);
		assert_true(agrees("avgpool", fy, &y, 2e-7));
		assert_true(agrees("avgpool_bwd", fgx, &gx, 5e-7));
		struct array *arrays[] = {&x, &gy, &y, &gx};
		for (int j = 0; j < 4; j++)
			array_free(arrays[j]);
		free(fx);
		free(fgy);
		free(fy);
		free(fgx);
	}
}

/* Lanes are channels: what the plain loops compute for each, of NaN and infinity too. */
static void test_window_planes(void **state)
{
	enum { H = 9, W = 7, COUNT = XL_BLOCK * H * W };
	static const struct xl_window windows[] = {
		{XL_LARGEST, 3, 2, 0, false},     {XL_LARGEST, 3, 1, 1, false},
		{XL_LARGEST, 2, 2, 0, true},      {XL_LARGEST, 5, 3, 2, true},
		{XL_MEAN_INSIDE, 3, 1, 1, false}, {XL_MEAN_INSIDE, 5, 2, 2, true},
		{XL_MEAN_ALL, 3, 1, 1, false},    {XL_MEAN_ALL, 4, 2, 3, false}};
	const struct xl_dims plain = PLAIN(1, XL_BLOCK, H, W), d = MAP(1, XL_BLOCK, H, W);
	float x[COUNT], map[COUNT], y[COUNT], want[COUNT], got[COUNT];
	const struct xl_kernels *k;

	(void)state;
	for (int i = 0; i < COUNT; i++)
		x[i] = (float)noise(16, i);
	x[0] = x[100] = NAN;
	x[200] = x[201] = INFINITY;
	x[300] = x[301] = -INFINITY;
	xl_map_pack(map, x, &d);
	for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
		const struct xl_window *w = &windows[i];
		const int oh = xl_window_count(w, H), ow = xl_window_count(w, W);
		const struct xl_dims out = MAP(1, XL_BLOCK, oh, ow);

		xl_window_fwd(y, x, &plain, w);
		xl_map_pack(want, y, &out);
		EACH_BACKEND(k)
		{
			k->window_plane(got, map, &d, w);
			for (int64_t j = 0; j < xl_dims_count(&out); j++)
				assert_true(got[j] == want[j] || (isnan(got[j]) && isnan(want[j])));
		}
	}
}

/* Properties of the enlargement: a constant stays, and up4(1 - m) = 1 - up4(m). */
static void test_up4_weights(void **state)
{
	const struct xl_dims d = PLAIN(1, 1, 3, 5);
	float m[15], rest[15], a[240], b[240];

	(void)state;
	for (int i = 0; i < 15; i++) {
		m[i] = (float)fabs(noise(15, i));
		rest[i] = 1 - m[i];
	}
	xl_up4_fwd(a, m, &d);
	xl_up4_fwd(b, rest, &d);
	for (int i = 0; i < 240; i++)
		assert_float_equal(a[i] + b[i], 1, 2e-7);
	for (int i = 0; i < 15; i++)
		m[i] = 0.7f;
	xl_up4_fwd(a, m, &d);
	for (int i = 0; i < 240; i++)
		assert_float_equal(a[i], 0.7f, 1e-7);
}

static void test_narrow(void **state)
{
	const struct {
		struct xl_dims d;
		int axis, start, len;
	} parts[] = {
		{MAP(3, 2, 2, 3), 0, 1, 2},   {MAP(3, 16, 1, 2), 0, 2, 1},
		{MAP(1, 5, 2, 1), 1, 1, 3},   {MAP(2, 64, 3, 2), 1, 16, 32},
		{MAP(3, 33, 1, 1), 1, 32, 1}, {MAP(2, 16, 1, 1), 1, 3, 7},
		{MAP(1, 1, 1, 1), 0, 0, 1},   {MAP(2, 32, 2, 3), 1, 25, 7},
		{MAP(2, 20, 3, 1), 1, 2, 16}, {MAP(1, 48, 2, 2), 1, 8, 32},
		{MAP(2, 16, 1, 2), 1, 0, 15},
	};

	(void)state;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		const struct xl_dims *d = &parts[i].d;
		const bool samples = parts[i].axis == 0;
		const int n0 = samples ? parts[i].start : 0, c0 = samples ? 0 : parts[i].start;
		struct array x = array_noise(*d, 16, -1, 1), back = array_zeros(*d);
		struct array y = array_zeros(xl_dims_map(
			samples ? parts[i].len : d->n, samples ? d->c : parts[i].len, d->h, d->w));
		EACH_PLACE(&y.d, n, c, h, w)
		{
			const int64_t from =
				(((int64_t)(n0 + n) * d->c + c0 + c) * d->h + h) * d->w + w;
			y.v[at(&y.d, n, c, h, w)] = back.v[from] = x.v[from];
		}
		float *fx = array_floats(&x), *fy = garbage(xl_dims_count(&y.d));
		float *fback = garbage(xl_dims_count(d));
		xl_narrow_fwd(fy, fx, d, parts[i].axis, parts[i].start, parts[i].len);
		xl_narrow_bwd(fback, fy, d, parts[i].axis, parts[i].start, parts[i].len);
		assert_true(agrees("narrow", fy, &y, 0));
		assert_true(agrees("narrow_bwd", fback, &back, 0));
		array_free(&x);
		array_free(&y);
		array_free(&back);
		free(fx);
		free(fy);
		free(fback);
	}
}

/* The layout: place (n,c,h,w) of a map of whole blocks. */
static void test_layout(void **state)
{
	const struct xl_dims d = MAP(2, 48, 3, 5);
	float plain[2 * 48 * 15], map[2 * 48 * 15], again[2 * 48 * 15];

	(void)state;
	for (int i = 0; i < 2 * 48 * 15; i++)
		plain[i] = (float)i;
	xl_map_pack(map, plain, &d);
	EACH_PLACE(&d, n, c, h, w)
	assert_float_equal(map[((((n * 3 + c / 16) * 3) + h) * 5 + w) * 16 + c % 16],
			   plain[at(&d, n, c, h, w)], 0);
	xl_map_unpack(again, map, &d);
	assert_memory_equal(again, plain, sizeof plain);
	assert_int_equal(xl_dims_map(1, 24, 2, 2).b, 1);
}

/* ---- mask smoothness ---- */

/* One call of xl_r1; m and gm of m's size */
static double smoothness(float *gm, const struct array *m, const struct array *c)
{
	float *fm = array_floats(m), *fc = array_floats(c), *chat = garbage(xl_dims_count(&c->d));
	double value = -9;

	assert_int_equal(xl_r1(&value, gm, fm, fc, &c->d, chat), 0);
	free(fm);
	free(fc);
	free(chat);
	return value;
}

/* Against all pairs, with masks of many ties, of none, and a content of zeros. */
static void test_r1(void **state)
{
	const struct xl_dims contents[] = {MAP(1, 1, 1, 1),  MAP(1, 3, 2, 3),  MAP(3, 16, 3, 3),
					   MAP(2, 17, 4, 2), MAP(2, 48, 5, 7), MAP(1, 4, 1, 2)};

	(void)state;
	for (int i = 0; i < 6 * 2; i++) {
		struct array c = array_noise(contents[i / 2], 17, -1, 1);
		struct array m = array_noise(xl_dims_map(c.d.n, 1, c.d.h, c.d.w), 18, 0, 1);
		struct array want = array_zeros(m.d);
		float *gm = garbage(xl_dims_count(&m.d));
		for (int64_t j = 0; i % 2 && j < xl_dims_count(&m.d); j++)
			m.v[j] = floor(m.v[j] * 4) / 4;
		for (int k = 0; k < c.d.c; k++) /* the first pixel has no direction */
			c.v[(int64_t)k * c.d.h * c.d.w] = 0;
		const double value = naive_r1(want.v, &m, &c);
		assert_float_equal(smoothness(gm, &m, &c), value, 1e-7);
		for (int64_t j = 0; j < xl_dims_count(&m.d); j++)
			assert_float_equal(gm[j], want.v[j], 2e-8);
		array_free(&c);
		array_free(&m);
		array_free(&want);
		free(gm);
	}
}

/* What the equation promises, whatever the numbers. */
static void test_r1_properties(void **state)
{
	struct array c = array_noise((struct xl_dims)MAP(2, 16, 4, 4), 19, -1, 1);
	struct array m = array_noise((struct xl_dims)MAP(2, 1, 4, 4), 20, 0, 1), other;
	float gm[32], g2[32];
	double sum = 0, product = 0;

	(void)state;
	const double r1 = smoothness(gm, &m, &c);
	for (int i = 0; i < 32; i++) {
		sum += (double)gm[i];
		product += (double)gm[i] * m.v[i];
	}
	assert_float_equal(sum, 0, 1e-8);
	assert_float_equal(product, r1, 1e-8);

	other = array_zeros(m.d);
	assert_float_equal(smoothness(g2, &other, &c), 0, 0); /* a constant mask */
	for (int i = 0; i < 32; i++)
		assert_float_equal(g2[i], 0, 0);
	for (int how = 0; how < 3; how++) { /* m + t, 1 - m, a m */
		for (int i = 0; i < 32; i++)
			other.v[i] = how == 0 ? m.v[i] + 2 : how == 1 ? 1 - m.v[i] : 0.5 * m.v[i];
		assert_float_equal(smoothness(g2, &other, &c), how == 2 ? r1 / 2 : r1, 1e-7);
	}
	array_free(&other);

	for (int i = 0; i < 512; i++) /* each pixel's content by a factor of its own */
		c.v[i] *= 0.5 + (i % 16 + i / 256) / 4.0;
	assert_float_equal(smoothness(g2, &m, &c), r1, 1e-7);
	for (int i = 0; i < 512; i++) /* one direction everywhere: mean |m_i - m_j| */
		c.v[i] = (1 + i % 16) * noise(21, i / 16 % 16);
	double pairs = 0;
	for (int i = 0; i < 512; i++)
		pairs += fabs(m.v[i / 16] - m.v[i / 256 * 16 + i % 16]) / 512;
	assert_float_equal(smoothness(g2, &m, &c), pairs, 1e-7);

	m.v[5] = (double)NAN;
	assert_true(isnan(smoothness(g2, &m, &c)));
	array_free(&c);
	array_free(&m);
}

/* ---- Adam ---- */

/* LOMIT's reference vector. */
static void test_adam_vector(void **state)
{
	const double want[] = {0.499900000003, 0.499913075670, 0.499893230995};
	const float g[] = {0.3f, -0.2f, 0.1f};
	const struct xl_kernels *k;

	(void)state;
	EACH_BACKEND(k)
	{
		struct xl_adam a = {.lr = 1e-4, .beta1 = 0.5, .beta2 = 0.999, .eps = 1e-8};
		float p = 0.5f, m = 0, v = 0;
		for (int i = 0; i < 3; i++) {
			a.t = i + 1;
			k->adam(&p, &m, &v, &g[i], 1, &a);
			assert_float_equal(p, want[i], 6e-8); /* two steps of float at 0.5 */
		}
	}
}

static void test_adam(void **state)
{
	enum { COUNT = 16384 + 7, STEPS = 12 };
	const struct xl_dims d = PLAIN(1, 1, 1, COUNT);
	struct array p = array_noise(d, 22, -1, 1), m, v;
	float *start = array_floats(&p), *f[3];
	const struct xl_kernels *k;

	(void)state;
	EACH_BACKEND(k)
	for (int i = 0; i < 2; i++) {
		struct xl_adam a = {0.01, 0.9, 0.999, 1e-8, 0, i ? 0.3 : 0};
		m = array_zeros(d);
		v = array_zeros(d);
		for (int j = 0; j < COUNT; j++)
			p.v[j] = (double)start[j];
		f[0] = array_floats(&p);
		f[1] = array_floats(&m);
		f[2] = array_floats(&v);
		for (a.t = 1; a.t <= STEPS; a.t++) {
			struct array g = array_noise(d, (uint32_t)(30 + a.t), -2, 1);
			float *fg = array_floats(&g);
			k->adam(f[0], f[1], f[2], fg, COUNT, &a);
			for (int j = 0; j < COUNT; j++) {
				g.v[j] += a.decay * p.v[j];
				m.v[j] = a.beta1 * m.v[j] + (1 - a.beta1) * g.v[j];
				v.v[j] = a.beta2 * v.v[j] + (1 - a.beta2) * g.v[j] * g.v[j];
				p.v[j] -= a.lr * m.v[j] / (1 - pow(a.beta1, (double)a.t)) /
					  (sqrt(v.v[j] / (1 - pow(a.beta2, (double)a.t))) + a.eps);
			}
			free(fg);
			array_free(&g);
		}
		assert_true(agrees("adam, parameters", f[0], &p, 1e-6));
		assert_true(agrees("adam, first moment", f[1], &m, 1e-6));
		assert_true(agrees("adam, second moment", f[2], &v, 1e-6));
		for (int j = 0; j < 3; j++)
			free(f[j]);
		array_free(&m);
		array_free(&v);
	}
	array_free(&p);
	free(start);
}

/* ---- the same bits ---- */

/* Everything that threads share, into one buffer. */
static size_t run_all(const struct xl_kernels *k, float *out)
{
	const struct xl_dims d = MAP(3, 32, 37, 19), pixels = MAP(3, 1, 37, 19);
	const struct xl_dims channels = MAP(1, 32, 1, 1), rows = MAP(1, 32, 37, 1);
	const struct xl_dims one = PLAIN(1, 1, 1, 1);
	const int64_t count = xl_dims_count(&d);
	struct array x = array_noise(d, 23, -1, 1), m = array_noise(pixels, 24, 0, 1);
	float *fx = array_floats(&x), *fm = array_floats(&m), *o = out;
	const struct xl_dims *sums[] = {&pixels, &channels, &rows, &one};

	k->unary(XL_TANH, o, fx, count, 0, 0);
	o += count;
	k->binary(XL_MUL, o, &d, fx, &d, fm, &pixels, 0);
	o += count;
	for (int i = 0; i < 4; i++) {
		k->sum_to(o, sums[i], fx, &d);
		o += xl_dims_count(sums[i]);
	}
	const double squares = k->sum_squares(fx, count);
	memcpy(o, &squares, sizeof squares);
	o += sizeof squares / sizeof *o;
	for (int i = 0; i < 3; i++) {
		const struct xl_norm_dims nd = {
			.d = d, .kind = (enum xl_norm)i, .eps = 1e-5f, .act = i == 1};
		struct normed r = run_norm(k, &nd, fx, out, fx, fx);
		memcpy(o, r.y, (size_t)count * sizeof(float));
		memcpy(o + count, r.gx, (size_t)count * sizeof(float));
		memcpy(o + 2 * count, r.gscale, 32 * sizeof(float));
		memcpy(o + 2 * count + 32, r.gshift, 32 * sizeof(float));
		normed_free(&r);
		o += 2 * count + 64;
	}
	const struct xl_blend in = {fx, fm, fx, fx + 1};
	const struct xl_blend_grads to = {o + count, o + 2 * count, o + 3 * count, o + 4 * count};
	memset(o, 0, (size_t)(5 * count) * sizeof(float)); /* not all of it is written */
	k->blend_fwd(o, &in, &d);
	k->blend_bwd(&to, fx, &in, &d);
	o += 5 * count;
	xl_up2_fwd(o, fx, &d);
	xl_up2_bwd(o + 4 * count, o, &d);
	o += 5 * count;
	xl_up4_fwd(o, fx, &d);
	xl_up4_bwd(o + 16 * count, o, &d);
	o += 17 * count;
	for (int i = 2; i <= 3; i++) {
		const float *means = o;
		xl_avgpool_fwd(o, fx, &d, i);
		o += (int64_t)d.n * d.c * xl_avgpool_size(d.h, i) * xl_avgpool_size(d.w, i);
		xl_avgpool_bwd(o, means, &d, i);
		o += count;
	}
	o[0] = (float)smoothness(o + 1, &m, &x);
	o += 1 + xl_dims_count(&pixels);
	array_free(&x);
	array_free(&m);
	free(fx);
	free(fm);
	return (size_t)(o - out);
}

static void test_threads(void **state)
{
	const int64_t room = 3 * 32 * 37 * 19 * 44;
	float *one = garbage(room), *many = garbage(room);
	const struct xl_kernels *k;

	(void)state;
	EACH_BACKEND(k)
	{
		xl_threads_set(1);
		const size_t n = run_all(k, one);
		assert_true((int64_t)n <= room);
		for (int threads = 2; threads <= 5; threads += 3) {
			xl_threads_set(threads);
			assert_int_equal(run_all(k, many), n);
			assert_memory_equal(one, many, n * sizeof(float));
		}
	}
	xl_threads_set(0);
	free(one);
	free(many);
}

/* An image's norm alone has the bits it has in a batch. */
static void test_batch(void **state)
{
	const struct xl_dims d = MAP(3, 16, 5, 7), single = MAP(1, 16, 5, 7);
	const int64_t image = xl_dims_count(&single);
	struct array x = array_noise(d, 25, -1, 1);
	float *fx = array_floats(&x);
	const struct xl_kernels *k;

	(void)state;
	EACH_BACKEND(k)
	for (int i = 0; i < 3 * 2; i++) {
		const int64_t n = i / 2;
		const struct xl_norm_dims all = {
			.d = d, .kind = (enum xl_norm)(i % 2), .eps = 1e-5f};
		const struct xl_norm_dims alone = {
			.d = single, .kind = (enum xl_norm)(i % 2), .eps = 1e-5f};
		struct normed a = run_norm(k, &all, fx, fx, fx, fx);
		struct normed b = run_norm(k, &alone, fx + n * image, fx + n * image, fx, fx);
		assert_memory_equal(a.y + n * image, b.y, (size_t)image * sizeof(float));
		assert_memory_equal(a.gx + n * image, b.gx, (size_t)image * sizeof(float));
		normed_free(&a);
		normed_free(&b);
	}
	array_free(&x);
	free(fx);
}

static void test_select(void **state)
{
	(void)state;
	assert_int_equal(xl_kernels_select("generic"), 0);
	assert_string_equal(xl_kernels()->name, "generic");
	assert_int_equal(xl_kernels_select("sparc"), -1);
	assert_non_null(strstr(xl_err_msg(), "'sparc' is not a kind of CPU"));
	assert_string_equal(xl_kernels()->name, "generic");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unary),
		cmocka_unit_test(test_unary_exponentials),
		cmocka_unit_test(test_unary_extremes),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_sum_to),
		cmocka_unit_test(test_sum_is_exact),
		cmocka_unit_test(test_sum_squares),
		cmocka_unit_test(test_norm),
		cmocka_unit_test(test_norm_of_nothing),
		cmocka_unit_test(test_up),
		cmocka_unit_test(test_up4_weights),
		cmocka_unit_test(test_avgpool),
		cmocka_unit_test(test_window_planes),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_r1),
		cmocka_unit_test(test_r1_properties),
		cmocka_unit_test(test_adam_vector),
		cmocka_unit_test(test_adam),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_select),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
