/*
 * simd_elem.c - functions of every element, with broadcasting, sums over axes,
 * and Adam; compiled once per instruction set.
 */
#include <assert.h>
#include <math.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/simd_vec.h"

enum { CHUNK = 16384 }; /* elements of one item of work */

/* ---- exponentials, without branches so that loops over them become vectors.
 * Polynomials: least largest relative error, by Lawson's weights. ---- */

/* 2^k, k -126..127; as bits, where k is of no use since the result is NaN */
static inline float power_of_two(uint32_t k)
{
	const uint32_t bits = (k + 127) << 23;
	float f;

	memcpy(&f, &bits, sizeof f);
	return f;
}

/* e^x = 2^n e^r, n the nearest whole number to x / ln 2, |r| <= ln 2 / 2; within
 * 1.5e-7 of the true value, relative */
static inline float exp_of(float x)
{
	const float magic = 12582912; /* 1.5 * 2^23: the sum has no digits below one */
	uint32_t bits;

	x = x < -104 ? -104 : x; /* beyond are 0 and infinity */
	x = x > 89 ? 89 : x;
	const float t = x * 1.44269504f + magic, n = t - magic;
	const float r = x - n * 0.693145751953125f - n * 1.42860677e-6f; /* ln 2 in two parts */
	const float q =
		(((1.381446490995586e-3f * r + 8.368780836462975e-3f) * r + 4.166839271783829e-2f) *
			 r +
		 0.1666651964187622f) *
			r +
		0.4999999403953552f;
	memcpy(&bits, &t, sizeof bits);
	const uint32_t k = bits - 0x4b400000u; /* n, since t is magic + n */
	const uint32_t half = (uint32_t)((int32_t)k >> 1);
	/* 2^n may lie outside the floats where e^x does not */
	return (1 + (r + r * r * q)) * power_of_two(half) * power_of_two(k - half);
}

/* within 2e-7 of the true value, relative */
static inline float tanh_of(float x)
{
	const float a = fabsf(x), z = x * x;
	const float q = (((-5.528624635189772e-3f * z + 2.048330567777157e-2f) * z -
			  5.369296297430992e-2f) *
				 z +
			 0.1333089917898178f) *
				z -
			0.3333326280117035f;
	const float near = x + x * (z * q), far = copysignf(1 - 2 / (exp_of(2 * a) + 1), x);

	return a < 0.625f ? near : far;
}

struct unary {
	enum xl_unary op;
	float *y;
	const float *x;
	int64_t count;
	float p, q;
};

#define EACH(expr)                                                                                 \
	for (int64_t i = 0; i < n; i++) {                                                          \
		const float v = x[i];                                                              \
		y[i] = (expr);                                                                     \
	}                                                                                          \
	break

static void unary_item(void *ctx, int64_t item)
{
	const struct unary *u = ctx;
	const int64_t from = item * CHUNK;
	const int64_t n = u->count - from < CHUNK ? u->count - from : CHUNK;
	const float p = u->p, q = u->q;
	const float *x = u->x + from;
	float *y = u->y + from;

	switch (u->op) {
	case XL_AFFINE:
		EACH(p * v + q);
	case XL_LEAKY:
		EACH(v > 0 ? v : p * v);
	case XL_TANH:
		EACH(tanh_of(v));
	case XL_SIGMOID:
		EACH(1 / (1 + exp_of(-v)));
	case XL_ABS:
		EACH(fabsf(v));
	case XL_SIGN:
		EACH((float)((v > 0) - (v < 0)));
	case XL_SQRT:
		EACH(sqrtf(v));
	case XL_EXP:
		EACH(exp_of(v));
	case XL_SOFTPLUS:
		EACH((v > 0 ? v : 0) + log1pf(expf(-fabsf(v))));
	case XL_RECIP:
		EACH(1 / v);
	case XL_MAXC:
		EACH(v < p ? p : v); /* NaN stays */
	}
}

void XL_FN(xl_unary)(enum xl_unary op, float *y, const float *x, int64_t count, float p, float q)
{
	struct unary u = {op, y, x, count, p, q};
	xl_parallel(unary_item, &u, xl_div_up(count, CHUNK));
}

/* How an operand runs along one row (w*b floats) of the result. */
enum run { RUN_FULL, RUN_CHANNEL, RUN_PIXEL, RUN_ONE };

struct operand {
	const float *data;
	int64_t n, cb, h; /* steps in floats; 0 where it is broadcast */
	enum run run;
};

struct binary {
	enum xl_binary op;
	float *y;
	const struct xl_dims *d;
	struct operand a, b;
	float p;
	int rows; /* rows of one item */
};

static struct operand operand(const float *data, const struct xl_dims *o, const struct xl_dims *d)
{
	struct operand r = {.data = data};
	assert((o->n == d->n || o->n == 1) && (o->c == d->c || o->c == 1));
	assert((o->h == d->h || o->h == 1) && (o->w == d->w || o->w == 1));
	assert(o->c == 1 || o->b == d->b || o->h * o->w == 1);

	const int b = o->c == d->c ? d->b : 1;
	const int64_t row = (int64_t)o->w * b;
	r.h = o->h > 1 ? row : 0;
	r.cb = o->c > 1 ? row * o->h : 0;
	r.n = o->n > 1 ? row * o->h * (o->c / b) : 0;
	if (o->w == d->w)
		r.run = o->c == d->c ? RUN_FULL : RUN_PIXEL;
	else
		r.run = o->c == d->c && d->b > 1 ? RUN_CHANNEL : RUN_ONE;
	return r;
}

/* The operand's row as w*b floats, spread into buf where it is broadcast. */
static const float *spread(const struct operand *o, int64_t n, int64_t cb, int64_t h,
			   const struct xl_dims *d, float *buf, int from, int len)
{
	const float *x = o->data + n * o->n + cb * o->cb + h * o->h;

	switch (o->run) {
	case RUN_FULL:
		return x + (int64_t)from * d->b;
	case RUN_ONE:
		for (int i = 0; i < len * d->b; i++)
			buf[i] = x[0];
		break;
	case RUN_CHANNEL:
		for (int i = 0; i < len; i++)
			for (int l = 0; l < XL_BLOCK; l++)
				buf[i * XL_BLOCK + l] = x[l];
		break;
	case RUN_PIXEL:
		if (d->b == 1)
			return x + from;
		for (int i = 0; i < len; i++)
			for (int l = 0; l < XL_BLOCK; l++)
				buf[i * XL_BLOCK + l] = x[from + i];
		break;
	}
	return buf;
}

static void binary_run(enum xl_binary op, float *y, const float *a, const float *b, int n, float p)
{
	switch (op) {
	case XL_ADD:
		for (int i = 0; i < n; i++)
			y[i] = a[i] + b[i];
		break;
	case XL_SUB:
		for (int i = 0; i < n; i++)
			y[i] = a[i] - b[i];
		break;
	case XL_MUL:
		for (int i = 0; i < n; i++)
			y[i] = a[i] * b[i];
		break;
	case XL_LEAKY_BWD:
		for (int i = 0; i < n; i++)
			y[i] = b[i] > 0 ? a[i] : p * a[i];
		break;
	case XL_MAXC_BWD:
		for (int i = 0; i < n; i++)
			y[i] = b[i] > p ? a[i] : 0;
		break;
	case XL_DIFF_SIGN:
		for (int i = 0; i < n; i++)
			y[i] = p * (float)((a[i] > b[i]) - (a[i] < b[i]));
		break;
	}
}

enum { STRIP = 32 }; /* pixels of a row handled at a time */

static void binary_item(void *ctx, int64_t item)
{
	const struct binary *k = ctx;
	const struct xl_dims *d = k->d;
	const int64_t rows = (int64_t)d->n * (d->c / d->b) * d->h;
	float bufa[STRIP * XL_BLOCK], bufb[STRIP * XL_BLOCK];

	for (int64_t r = item * k->rows; r < (item + 1) * k->rows && r < rows; r++) {
		const int64_t h = r % d->h, cb = r / d->h % (d->c / d->b);
		const int64_t n = r / d->h / (d->c / d->b);
		for (int w = 0; w < d->w; w += STRIP) {
			const int len = d->w - w < STRIP ? d->w - w : STRIP;
			const float *a = spread(&k->a, n, cb, h, d, bufa, w, len);
			const float *b = spread(&k->b, n, cb, h, d, bufb, w, len);
			binary_run(k->op, k->y + (r * d->w + w) * d->b, a, b, len * d->b, k->p);
		}
	}
}

struct flat {
	enum xl_binary op;
	float *y;
	const float *a, *b;
	int64_t count;
	float p;
};

static void flat_item(void *ctx, int64_t item)
{
	const struct flat *k = ctx;
	const int64_t from = item * CHUNK;
	const int64_t n = k->count - from < CHUNK ? k->count - from : CHUNK;
	binary_run(k->op, k->y + from, k->a + from, k->b + from, (int)n, k->p);
}

void XL_FN(xl_binary)(enum xl_binary op, float *y, const struct xl_dims *d, const float *a,
		      const struct xl_dims *da, const float *b, const struct xl_dims *db, float p)
{
	const int64_t count = xl_dims_count(d);

	if (xl_dims_count(da) == count && xl_dims_count(db) == count) {
		struct flat f = {op, y, a, b, count, p};
		xl_parallel(flat_item, &f, xl_div_up(count, CHUNK));
		return;
	}
	struct binary k = {op, y, d, operand(a, da, d), operand(b, db, d), p, 1};
	const int64_t rows = (int64_t)d->n * (d->c / d->b) * d->h;
	k.rows = CHUNK / (d->w * d->b) > 0 ? CHUNK / (d->w * d->b) : 1;
	xl_parallel(binary_item, &k, xl_div_up(rows, k.rows));
}

/* ---- sums ---- */

struct sum {
	float *y;
	const struct xl_dims *dy, *dx;
	const float *x;
	double part[64]; /* see sum_all */
};

/* One result at a time, every axis in order: any shapes, and the slow way. */
static void sum_any_item(void *ctx, int64_t i)
{
	const struct sum *s = ctx;
	const struct xl_dims *y = s->dy, *x = s->dx;
	const int l = (int)(i % y->b), w = (int)(i / y->b % y->w),
		  h = (int)(i / y->b / y->w % y->h);
	const int c = (int)(i / y->b / y->w / y->h % (y->c / y->b)) * y->b + l;
	const int n = (int)(i / y->b / y->w / y->h / (y->c / y->b));
	double t = 0;

	for (int xn = y->n > 1 ? n : 0; xn < (y->n > 1 ? n + 1 : x->n); xn++)
		for (int xc = y->c > 1 ? c : 0; xc < (y->c > 1 ? c + 1 : x->c); xc++)
			for (int xh = y->h > 1 ? h : 0; xh < (y->h > 1 ? h + 1 : x->h); xh++) {
				const float *row =
					s->x +
					(((int64_t)xn * (x->c / x->b) + xc / x->b) * x->h + xh) *
						x->w * x->b +
					xc % x->b;
				if (y->w > 1)
					t += (double)row[w * x->b];
				else
					for (int xw = 0; xw < x->w; xw++)
						t += (double)row[xw * x->b];
			}
	s->y[i] = (float)t;
}

/* Sums of the b lanes over one plane of pixels. */
static void plane_sums(double *out, const float *x, int64_t pixels, int b)
{
	for (int l = 0; l < b; l++)
		out[l] = 0;
	if (b == XL_BLOCK) {
		for (int64_t i = 0; i < pixels; i++)
			for (int l = 0; l < XL_BLOCK; l++)
				out[l] += (double)x[i * XL_BLOCK + l];
		return;
	}
	double t[8] = {0};
	int64_t i = 0;
	for (; i + 8 <= pixels; i += 8)
		for (int k = 0; k < 8; k++)
			t[k] += (double)x[i + k];
	for (; i < pixels; i++)
		t[0] += (double)x[i];
	out[0] = ((t[0] + t[1]) + (t[2] + t[3])) + ((t[4] + t[5]) + (t[6] + t[7]));
}

/* y keeps the channels (and perhaps the samples): item = one block of channels. */
static void sum_channels_item(void *ctx, int64_t item)
{
	const struct sum *s = ctx;
	const struct xl_dims *x = s->dx;
	const int blocks = x->c / x->b;
	const int64_t pixels = (int64_t)x->h * x->w, cb = item % blocks, n0 = item / blocks;
	double total[XL_BLOCK] = {0}, part[XL_BLOCK];

	for (int64_t n = s->dy->n > 1 ? n0 : 0; n < (s->dy->n > 1 ? n0 + 1 : x->n); n++) {
		plane_sums(part, s->x + (n * blocks + cb) * pixels * x->b, pixels, x->b);
		for (int l = 0; l < x->b; l++)
			total[l] += part[l];
	}
	for (int l = 0; l < x->b; l++)
		s->y[item * x->b + l] = (float)total[l];
}

/* y keeps pixels and samples, channels go: item = one row of one sample. */
static void sum_pixels_item(void *ctx, int64_t item)
{
	const struct sum *s = ctx;
	const struct xl_dims *x = s->dx;
	const int64_t n = item / x->h, h = item % x->h, blocks = x->c / x->b;
	float *y = s->y + item * x->w;

	for (int w = 0; w < x->w; w++) {
		double t = 0;
		for (int64_t cb = 0; cb < blocks; cb++) {
			const float *p = s->x + (((n * blocks + cb) * x->h + h) * x->w + w) * x->b;
			for (int l = 0; l < x->b; l++)
				t += (double)p[l];
		}
		y[w] = (float)t;
	}
}

/* Everything into one number: fixed chunks, summed in order. */
static void sum_all_item(void *ctx, int64_t item)
{
	struct sum *s = ctx;
	const int64_t count = xl_dims_count(s->dx), len = xl_div_up(count, 64);
	const int64_t from = item * len, to = from + len < count ? from + len : count;
	if (from < to)
		plane_sums(&s->part[item], s->x + from, to - from, 1);
}

void XL_FN(xl_sum_to)(float *y, const struct xl_dims *dy, const float *x, const struct xl_dims *dx)
{
	struct sum s = {.y = y, .dy = dy, .dx = dx, .x = x};
	const bool pixels_go = dy->h == 1 && dy->w == 1;

	if (xl_dims_count(dy) == 1) {
		double t = 0;
		xl_parallel(sum_all_item, &s, 64);
		for (int i = 0; i < 64; i++)
			t += s.part[i];
		y[0] = (float)t;
	} else if (pixels_go && dy->c == dx->c) {
		xl_parallel(sum_channels_item, &s, (int64_t)dy->n * (dx->c / dx->b));
	} else if (dy->c == 1 && dy->n == dx->n && dy->h == dx->h && dy->w == dx->w) {
		xl_parallel(sum_pixels_item, &s, (int64_t)dx->n * dx->h);
	} else {
		xl_parallel(sum_any_item, &s, xl_dims_count(dy));
	}
}

struct squares {
	const float *x;
	int64_t count;
	double part[64];
};

static void squares_item(void *ctx, int64_t item)
{
	struct squares *s = ctx;
	const int64_t len = xl_round_up(xl_div_up(s->count, 64), XL_BLOCK), from = item * len;
	const int64_t to = from + len < s->count ? from + len : s->count;
	double t[XL_BLOCK] = {0}, total = 0;
	int64_t i = from;

	for (; i + XL_BLOCK <= to; i += XL_BLOCK)
		for (int l = 0; l < XL_BLOCK; l++)
			t[l] += (double)s->x[i + l] * (double)s->x[i + l];
	for (; i < to; i++)
		t[0] += (double)s->x[i] * (double)s->x[i];
	for (int l = 0; l < XL_BLOCK; l++)
		total += t[l];
	s->part[item] = total;
}

double XL_FN(xl_sum_squares)(const float *x, int64_t count)
{
	struct squares s = {.x = x, .count = count};
	double t = 0;

	xl_parallel(squares_item, &s, 64);
	for (int i = 0; i < 64; i++)
		t += s.part[i];
	return t;
}

/* ---- Adam ---- */

struct adam {
	float *p, *m, *v;
	const float *g;
	int64_t count;
	float beta1, beta2, rest1, rest2, step, eps_hat, root, decay;
};

static void adam_item(void *ctx, int64_t item)
{
	const struct adam *a = ctx;
	const int64_t from = item * CHUNK;
	const int64_t to = a->count - from < CHUNK ? a->count : from + CHUNK;

	for (int64_t i = from; i < to; i++) {
		const float g = a->g[i] + a->decay * a->p[i];
		a->m[i] = a->beta1 * a->m[i] + a->rest1 * g;
		a->v[i] = a->beta2 * a->v[i] + a->rest2 * g * g;
		a->p[i] -= a->step * a->m[i] / (sqrtf(a->v[i]) * a->root + a->eps_hat);
	}
}

void XL_FN(xl_adam)(float *p, float *m, float *v, const float *g, int64_t count,
		    const struct xl_adam *c)
{
	/* p -= lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps) */
	struct adam a = {.p = p, .m = m, .v = v, .g = g, .count = count};
	a.beta1 = (float)c->beta1;
	a.beta2 = (float)c->beta2;
	a.rest1 = (float)(1 - c->beta1); /* 1 - 0.999f has lost four digits */
	a.rest2 = (float)(1 - c->beta2);
	a.step = (float)(c->lr / (1 - pow(c->beta1, (double)c->t)));
	a.root = (float)(1 / sqrt(1 - pow(c->beta2, (double)c->t)));
	a.eps_hat = (float)c->eps;
	a.decay = (float)c->decay;
	xl_parallel(adam_item, &a, xl_div_up(count, CHUNK));
}
