/*
 * upconv.c - a 5x5 convolution of a map enlarged by two reads every small pixel
 * several times: along one axis the five taps u of output 2i + a fall on the
 * small rows i - 1, i, i + 1, tap u on the (u + a) / 2-th of them. So each of the
 * four phases (a, b) of the output is a 3x3 convolution of the small map with
 * summed weights, 9/25 of the multiplications, and all four are one convolution to
 * 4 co channels.
 *
 * This is so where the border of the small map is repeated. Reflecting the enlarged
 * one differs along an axis in its outermost rows alone: row -2 shows small row 1
 * instead of 0, and row 2h+1 small row h-2 instead of h-1. Only tap 0 of output 0
 * and tap 4 of output 2h-1 read them. With P and R for both ways to pad,
 *
 *   P_rows P_cols - R_rows R_cols = (P_rows - R_rows) P_cols + R_rows (P_cols - R_cols),
 *
 * so that what is missing are four convolutions by 1x5 of one row or column each, of
 * the difference of two small ones: the sides.
 */
#include <assert.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/pad.h"
#include "kernels/upconv.h"

enum { K = 5, PAD = 2, FOLD = 3, PHASES = 4, SIDES = 4 };

bool xl_upconv_dims(struct xl_conv2d_dims *d, const struct xl_dims *x, const struct xl_dims *w)
{
	if (w->h != K || w->w != K || w->c != x->c || x->h < 2 || x->w < 2)
		return false;
	*d = (struct xl_conv2d_dims){.n = x->n,
				     .ci = x->c,
				     .h = x->h,
				     .w = x->w,
				     .co = w->n,
				     .kh = K,
				     .kw = K,
				     .stride = 1,
				     .pad_h = PAD,
				     .pad_w = PAD,
				     .mode = XL_PAD_REFLECT,
				     .oh = 2 * x->h,
				     .ow = 2 * x->w,
				     .up = 2};
	return true;
}

/* The four phases as one convolution of the small map. */
static struct xl_conv2d_dims folded_dims(const struct xl_conv2d_dims *d)
{
	return (struct xl_conv2d_dims){.n = d->n,
				       .ci = d->ci,
				       .h = d->h,
				       .w = d->w,
				       .co = PHASES * d->co,
				       .kh = FOLD,
				       .kw = FOLD,
				       .stride = 1,
				       .pad_h = 1,
				       .pad_w = 1,
				       .mode = XL_PAD_EDGE,
				       .oh = d->h,
				       .ow = d->w};
}

/* ---- sides ---- */

/* One side, along an axis of `len` small pixels. */
struct side {
	bool is_row; /* top and bottom; else left and right */
	int len;
	int shown, repeated; /* the small row whose place another was given */
	int out;             /* the row of the output that reads it, */
	int tap;             /* by this row of the weights */
};

static struct side side_at(const struct xl_conv2d_dims *d, int i)
{
	const bool is_row = i < 2;
	const int across = is_row ? d->h : d->w;
	struct side s = {.is_row = is_row, .len = is_row ? d->w : d->h};

	if (i % 2 == 0)
		s.shown = 1;
	else
		s = (struct side){is_row, s.len, across - 2, across - 1, 2 * across - 1, K - 1};
	return s;
}

static struct xl_conv2d_dims side_dims(const struct xl_conv2d_dims *d, const struct side *s)
{
	return (struct xl_conv2d_dims){.n = d->n,
				       .ci = d->ci,
				       .h = 1,
				       .w = 2 * s->len + 2 * PAD,
				       .co = d->co,
				       .kh = 1,
				       .kw = K,
				       .stride = 1,
				       .oh = 1,
				       .ow = 2 * s->len};
}

/* Where place i of a side, enlarged and padded, lies along the small axis: rows are
 * reflected, columns repeated. */
static int small_of(const struct side *s, int i)
{
	const int big =
		xl_pad_source(i - PAD, 2 * s->len, s->is_row ? XL_PAD_REFLECT : XL_PAD_EDGE);

	return big / 2;
}

/* ---- scratch ---- */

struct space {
	float *folded;  /* weights (4 co, ci, 3, 3) */
	float *phases;  /* (n, 4 co, h, w) */
	float *bias;    /* (4 co) */
	float *sx, *sy; /* a side of x and of y */
	float *w5;      /* (co, ci, 1, 5) */
	void *inner;
};

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Lay s out from base (NULL to measure); returns bytes. */
static size_t lay_out(struct space *s, float *base, const struct xl_kernels *k,
		      const struct xl_conv2d_dims *d)
{
	const int longest = d->oh > d->ow ? d->oh : d->ow;
	const int64_t pairs = (int64_t)d->co * d->ci;
	const struct xl_conv2d_dims folded = folded_dims(d);
	const struct side row = side_at(d, 0), col = side_at(d, 2);
	const struct xl_conv2d_dims rd = side_dims(d, &row), cd = side_dims(d, &col);
	const int64_t sizes[] = {PHASES * pairs * FOLD * FOLD,
				 (int64_t)d->n * d->co * d->oh * d->ow,
				 PHASES * d->co,
				 (int64_t)d->n * d->ci * (longest + 2 * PAD),
				 (int64_t)d->n * d->co * longest,
				 pairs * K};
	float **to[] = {&s->folded, &s->phases, &s->bias, &s->sx, &s->sy, &s->w5};
	int64_t total = 0;

	for (int i = 0; i < 6; i++) {
		*to[i] = base ? base + total : NULL;
		total += xl_round_up(sizes[i], XL_BLOCK); /* whole vectors */
	}
	s->inner = base ? base + total : NULL;
	return (size_t)total * sizeof *base +
	       larger(k->conv2d_scratch(&folded),
		      larger(k->conv2d_scratch(&rd), k->conv2d_scratch(&cd)));
}

size_t xl_upconv_scratch(const struct xl_kernels *k, const struct xl_conv2d_dims *d)
{
	struct space s;

	return lay_out(&s, NULL, k, d);
}

/* ---- weights: those of one output are an item ---- */

struct weights {
	float *to;
	const float *from;
	const struct xl_conv2d_dims *d;
	const struct side *s;
};

/* Along an axis, of five taps `step` apart, what each of the three rows that the two
 * phases read gets: to[0] and to[1], of 3. */
static void fold_axis(float to[2][FOLD], const float *w, int step)
{
	const float a = w[0], b = w[step], c = w[2 * step], d = w[3 * step], e = w[4 * step];

	to[0][0] = a + b;
	to[0][1] = c + d;
	to[0][2] = e;
	to[1][0] = a;
	to[1][1] = b + c;
	to[1][2] = d + e;
}

static void fold_item(void *ctx, int64_t o)
{
	const struct weights *k = ctx;
	const int64_t ci = k->d->ci, phase = ci * k->d->co * FOLD * FOLD;
	float half[K][2][FOLD], both[2][FOLD];

	for (int64_t i = o * ci; i < (o + 1) * ci; i++) {
		float *f = k->to + i * FOLD * FOLD;
		for (int u = 0; u < K; u++)
			fold_axis(half[u], k->from + i * K * K + u * K, 1);
		for (int v = 0; v < 2 * FOLD; v++) {
			fold_axis(both, &half[0][0][0] + v, 2 * FOLD);
			for (int p = 0; p < 2; p++)
				for (int r = 0; r < FOLD; r++)
					f[(2 * p + v / FOLD) * phase + r * FOLD + v % FOLD] =
						both[p][r];
		}
	}
}

/* The adjoint of fold_axis, written. */
static void unfold_axis(float *w, int step, const float *even, const float *odd, int from_step)
{
	w[0] = even[0] + odd[0];
	w[step] = even[0] + odd[from_step];
	w[2 * step] = even[from_step] + odd[from_step];
	w[3 * step] = even[from_step] + odd[2 * from_step];
	w[4 * step] = even[2 * from_step] + odd[2 * from_step];
}

static void unfold_item(void *ctx, int64_t o)
{
	const struct weights *k = ctx;
	const int64_t ci = k->d->ci, phase = ci * k->d->co * FOLD * FOLD;
	float half[2][K][FOLD];

	for (int64_t i = o * ci; i < (o + 1) * ci; i++) {
		const float *f = k->from + i * FOLD * FOLD;
		for (int b = 0; b < 2; b++)
			for (int v = 0; v < FOLD; v++)
				unfold_axis(&half[b][0][v], FOLD, f + b * phase + v,
					    f + (2 + b) * phase + v, FOLD);
		for (int u = 0; u < K; u++)
			unfold_axis(k->to + i * K * K + u * K, 1, half[0][u], half[1][u], 1);
	}
}

/* Where tap t of a side lies among the 25. */
static int tap_at(const struct side *s, int t)
{
	return s->is_row ? s->tap * K + t : t * K + s->tap;
}

static void side_from_w(void *ctx, int64_t o)
{
	const struct weights *k = ctx;
	const int64_t ci = k->d->ci;

	for (int64_t i = o * ci; i < (o + 1) * ci; i++)
		for (int t = 0; t < K; t++)
			k->to[i * K + t] = k->from[i * K * K + tap_at(k->s, t)];
}

static void side_to_w(void *ctx, int64_t o)
{
	const struct weights *k = ctx;
	const int64_t ci = k->d->ci;

	for (int64_t i = o * ci; i < (o + 1) * ci; i++)
		for (int t = 0; t < K; t++)
			k->to[i * K * K + tap_at(k->s, t)] += k->from[i * K + t];
}

static void each_output(void (*fn)(void *, int64_t), float *to, const float *from,
			const struct xl_conv2d_dims *d, const struct side *s)
{
	struct weights k = {to, from, d, s};

	xl_parallel(fn, &k, d->co);
}

/* ---- moving pixels: one plane of one image is an item ---- */

struct move {
	float *to;
	const float *from;
	const struct xl_conv2d_dims *d;
	const struct side *s;
	int b; /* channel block */
};

static int64_t small_pixel(const struct move *m, int across, int along)
{
	return (m->s->is_row ? (int64_t)across * m->d->w + along
			     : (int64_t)along * m->d->w + across) *
	       m->b;
}

static int64_t large_pixel(const struct move *m, int along)
{
	return (m->s->is_row ? (int64_t)m->s->out * m->d->ow + along
			     : (int64_t)along * m->d->ow + m->s->out) *
	       m->b;
}

/* What was to be shown less what was. */
static void side_from_x(void *ctx, int64_t plane)
{
	const struct move *m = ctx;
	const int len = 2 * m->s->len + 2 * PAD;
	const float *x = m->from + plane * m->d->h * m->d->w * m->b;
	float *to = m->to + plane * len * m->b;

	for (int i = 0; i < len; i++, to += m->b) {
		const int along = small_of(m->s, i);
		const float *shown = x + small_pixel(m, m->s->shown, along);
		const float *repeated = x + small_pixel(m, m->s->repeated, along);
		for (int l = 0; l < m->b; l++)
			to[l] = shown[l] - repeated[l];
	}
}

static void side_to_x(void *ctx, int64_t plane)
{
	const struct move *m = ctx;
	const int len = 2 * m->s->len + 2 * PAD;
	float *gx = m->to + plane * m->d->h * m->d->w * m->b;
	const float *g = m->from + plane * len * m->b;

	for (int i = 0; i < len; i++, g += m->b) {
		const int along = small_of(m->s, i);
		float *shown = gx + small_pixel(m, m->s->shown, along);
		float *repeated = gx + small_pixel(m, m->s->repeated, along);
		for (int l = 0; l < m->b; l++) {
			shown[l] += g[l];
			repeated[l] -= g[l];
		}
	}
}

static void side_to_y(void *ctx, int64_t plane)
{
	const struct move *m = ctx;
	float *y = m->to + plane * m->d->oh * m->d->ow * m->b;
	const float *from = m->from + plane * 2 * m->s->len * m->b;

	for (int i = 0; i < 2 * m->s->len; i++, from += m->b) {
		float *to = y + large_pixel(m, i);
		for (int l = 0; l < m->b; l++)
			to[l] += from[l];
	}
}

static void copy_pixel(float *to, const float *from, int b)
{
	if (b == XL_BLOCK)
		memcpy(to, from, XL_BLOCK * sizeof *to); /* of a constant size: no call */
	else
		*to = *from;
}

static void side_from_y(void *ctx, int64_t plane)
{
	const struct move *m = ctx;
	const float *y = m->from + plane * m->d->oh * m->d->ow * m->b;
	float *to = m->to + plane * 2 * m->s->len * m->b;

	for (int i = 0; i < 2 * m->s->len; i++, to += m->b)
		copy_pixel(to, y + large_pixel(m, i), m->b);
}

/* Where the part of phase p for a plane of y begins; pixels are *step apart. */
static int64_t phase_plane(const struct move *m, int64_t plane, int p, int *step)
{
	const int blocks = m->d->co / m->b, all = PHASES * m->d->co;
	const int channel = p * m->d->co + (int)(plane % blocks) * m->b;
	const int64_t pixels = (int64_t)m->d->h * m->d->w;

	*step = xl_block_of(all);
	return plane / blocks * all * pixels + channel / *step * pixels * *step + channel % *step;
}

static void phases_to_y(void *ctx, int64_t plane)
{
	const struct move *m = ctx;
	const struct xl_conv2d_dims *d = m->d;
	float *y = m->to + plane * d->oh * d->ow * m->b;

	for (int p = 0; p < PHASES; p++) {
		int step;
		const float *from = m->from + phase_plane(m, plane, p, &step);
		for (int r = 0; r < d->h; r++) {
			float *to = y + ((int64_t)(2 * r + p / 2) * d->ow + p % 2) * m->b;
			for (int c = 0; c < d->w; c++, to += 2 * m->b, from += step)
				copy_pixel(to, from, m->b);
		}
	}
}

static void phases_from_y(void *ctx, int64_t plane)
{
	const struct move *m = ctx;
	const struct xl_conv2d_dims *d = m->d;
	const float *y = m->from + plane * d->oh * d->ow * m->b;

	for (int p = 0; p < PHASES; p++) {
		int step;
		float *to = m->to + phase_plane(m, plane, p, &step);
		for (int r = 0; r < d->h; r++) {
			const float *from = y + ((int64_t)(2 * r + p / 2) * d->ow + p % 2) * m->b;
			for (int c = 0; c < d->w; c++, to += step, from += 2 * m->b)
				copy_pixel(to, from, m->b);
		}
	}
}

static void each_plane(void (*fn)(void *, int64_t), float *to, const float *from,
		       const struct xl_conv2d_dims *d, const struct side *s, int channels)
{
	const int b = xl_block_of(channels);
	struct move m = {to, from, d, s, b};

	xl_parallel(fn, &m, (int64_t)d->n * channels / b);
}

/* ---- the three operators ---- */

void xl_upconv_fwd(const struct xl_kernels *k, float *y, const float *x, const float *w,
		   const float *bias, const struct xl_conv2d_dims *d, float *scratch)
{
	const struct xl_conv2d_dims fd = folded_dims(d);
	struct space s;

	lay_out(&s, scratch, k, d);
	each_output(fold_item, s.folded, w, d, NULL);
	for (int p = 0; bias && p < PHASES; p++)
		memcpy(s.bias + p * d->co, bias, (size_t)d->co * sizeof *bias);
	k->conv2d_fwd(s.phases, x, s.folded, bias ? s.bias : NULL, &fd, s.inner);
	each_plane(phases_to_y, y, s.phases, d, NULL, d->co);
	for (int i = 0; i < SIDES; i++) {
		const struct side side = side_at(d, i);
		const struct xl_conv2d_dims sd = side_dims(d, &side);
		each_plane(side_from_x, s.sx, x, d, &side, d->ci);
		each_output(side_from_w, s.w5, w, d, &side);
		k->conv2d_fwd(s.sy, s.sx, s.w5, NULL, &sd, s.inner);
		each_plane(side_to_y, y, s.sy, d, &side, d->co);
	}
}

void xl_upconv_bwd_x(const struct xl_kernels *k, float *gx, const float *gy, const float *w,
		     const struct xl_conv2d_dims *d, float *scratch)
{
	const struct xl_conv2d_dims fd = folded_dims(d);
	struct space s;

	lay_out(&s, scratch, k, d);
	each_output(fold_item, s.folded, w, d, NULL);
	each_plane(phases_from_y, s.phases, gy, d, NULL, d->co);
	k->conv2d_bwd_x(gx, s.phases, s.folded, &fd, s.inner);
	for (int i = 0; i < SIDES; i++) {
		const struct side side = side_at(d, i);
		const struct xl_conv2d_dims sd = side_dims(d, &side);
		each_plane(side_from_y, s.sy, gy, d, &side, d->co);
		each_output(side_from_w, s.w5, w, d, &side);
		k->conv2d_bwd_x(s.sx, s.sy, s.w5, &sd, s.inner);
		each_plane(side_to_x, gx, s.sx, d, &side, d->ci);
	}
}

void xl_upconv_bwd_w(const struct xl_kernels *k, float *gw, const float *x, const float *gy,
		     const struct xl_conv2d_dims *d, float *scratch)
{
	const struct xl_conv2d_dims fd = folded_dims(d);
	struct space s;

	lay_out(&s, scratch, k, d);
	each_plane(phases_from_y, s.phases, gy, d, NULL, d->co);
	k->conv2d_bwd_w(s.folded, x, s.phases, &fd, s.inner);
	each_output(unfold_item, gw, s.folded, d, NULL);
	for (int i = 0; i < SIDES; i++) {
		const struct side side = side_at(d, i);
		const struct xl_conv2d_dims sd = side_dims(d, &side);
		each_plane(side_from_x, s.sx, x, d, &side, d->ci);
		each_plane(side_from_y, s.sy, gy, d, &side, d->co);
		k->conv2d_bwd_w(s.w5, s.sx, s.sy, &sd, s.inner);
		each_output(side_to_w, gw, s.w5, d, &side);
	}
}
