/*
 * upconv.c - a 5x5 convolution of a map enlarged by two reads every small pixel
 * several times: along one axis the five taps u of output 2i + a fall on the
 * small rows i - 1, i, i + 1, tap u on the (u + a) / 2-th of them. So each of the
 * four phases (a, b) of the output is a 3x3 convolution of the small map with
 * summed weights, 9/25 of the multiplications.
 *
 * This holds where the reflected border of the enlarged map is a repeat of the
 * small one: everywhere but in the outermost ring of outputs (there, row -2 is
 * the second small row, not the first). The ring is computed as it is written,
 * from four strips of the enlarged, padded map; where one method computes an
 * output the other sees a zero gradient.
 */
#include <assert.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/pad.h"
#include "kernels/upconv.h"

enum { K = 5, PAD = 2, FOLD = 3, PHASES = 4, STRIPS = 4 };

/* A part of the enlarged, padded map, and the outputs computed from it. */
struct strip {
	int r0, rows, c0, cols; /* in the padded map, (2h+4) x (2w+4) */
	int oy, ox, oh, ow;     /* in the output, 2h x 2w */
};

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

static struct strip strip_at(const struct xl_conv2d_dims *d, int i)
{
	const int h = d->oh, w = d->ow;
	const struct strip all[STRIPS] = {
		{0, K, 0, w + 2 * PAD, 0, 0, 1, w},         /* top */
		{h - 1, K, 0, w + 2 * PAD, h - 1, 0, 1, w}, /* bottom */
		{1, h + 2, 0, K, 1, 0, h - 2, 1},           /* left, between them */
		{1, h + 2, w - 1, K, 1, w - 1, h - 2, 1},   /* right */
	};
	return all[i];
}

static struct xl_conv2d_dims strip_dims(const struct xl_conv2d_dims *d, const struct strip *s)
{
	return (struct xl_conv2d_dims){.n = d->n,
				       .ci = d->ci,
				       .h = s->rows,
				       .w = s->cols,
				       .co = d->co,
				       .kh = K,
				       .kw = K,
				       .stride = 1,
				       .oh = s->oh,
				       .ow = s->ow};
}

static struct xl_conv2d_dims phase_dims(const struct xl_conv2d_dims *d)
{
	return (struct xl_conv2d_dims){.n = d->n,
				       .ci = d->ci,
				       .h = d->h + 2,
				       .w = d->w + 2,
				       .co = d->co,
				       .kh = FOLD,
				       .kw = FOLD,
				       .stride = 1,
				       .oh = d->h,
				       .ow = d->w};
}

/* ---- scratch ---- */

struct space {
	float *folded;  /* weights (4, co, ci, 3, 3) */
	float *edge;    /* (n, ci, h+2, w+2), edges repeated */
	float *edge2;   /* the same, for sums */
	float *phase;   /* (n, co, h, w) */
	float *sx, *sy; /* strips of x and y */
	float *w5;      /* (co, ci, 5, 5) */
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
	const int64_t wide = (int64_t)d->co * d->ci;
	const struct xl_conv2d_dims phase = phase_dims(d);
	size_t inner = k->conv2d_scratch(&phase);
	float *p = base;

	for (int i = 0; i < STRIPS; i++) {
		const struct strip st = strip_at(d, i);
		const struct xl_conv2d_dims sd = strip_dims(d, &st);
		inner = larger(inner, k->conv2d_scratch(&sd));
	}
	const int64_t sizes[] = {PHASES * wide * FOLD * FOLD,
				 (int64_t)d->n * d->ci * (d->h + 2) * (d->w + 2),
				 (int64_t)d->n * d->ci * (d->h + 2) * (d->w + 2),
				 (int64_t)d->n * d->co * d->h * d->w,
				 (int64_t)d->n * d->ci * K * (longest + 2 * PAD),
				 (int64_t)d->n * d->co * longest,
				 wide * K * K};
	float **to[] = {&s->folded, &s->edge, &s->edge2, &s->phase, &s->sx, &s->sy, &s->w5};
	int64_t total = 0;
	for (int i = 0; i < 7; i++) {
		*to[i] = p ? p + total : NULL;
		total += xl_round_up(sizes[i], XL_BLOCK); /* whole vectors */
	}
	s->inner = p ? p + total : NULL;
	return (size_t)total * sizeof *p + inner;
}

size_t xl_upconv_scratch(const struct xl_kernels *k, const struct xl_conv2d_dims *d)
{
	struct space s;
	return lay_out(&s, NULL, k, d);
}

/* ---- weights ---- */

static void fold_weights(float *folded, const float *w, int64_t pairs)
{
	memset(folded, 0, (size_t)(PHASES * pairs * FOLD * FOLD) * sizeof *folded);
	for (int p = 0; p < PHASES; p++)
		for (int64_t i = 0; i < pairs; i++)
			for (int u = 0; u < K; u++)
				for (int v = 0; v < K; v++)
					folded[((p * pairs + i) * FOLD + (u + p / 2) / 2) * FOLD +
					       (v + p % 2) / 2] += w[(i * K + u) * K + v];
}

/* gw += the adjoint of folding, of one phase */
static void unfold_weights(float *gw, const float *folded, int p, int64_t pairs)
{
	for (int64_t i = 0; i < pairs; i++)
		for (int u = 0; u < K; u++)
			for (int v = 0; v < K; v++)
				gw[(i * K + u) * K + v] +=
					folded[(i * FOLD + (u + p / 2) / 2) * FOLD +
					       (v + p % 2) / 2];
}

/* ---- moving pixels: one plane of one image is an item ---- */

struct move {
	float *to;
	const float *from;
	const struct xl_conv2d_dims *d;
	const struct strip *s;
	int b, a0, b0; /* channel block; phase */
};

/* Row or column r of the padded, enlarged map as one of the small map. */
static int small_of(int r, int n)
{
	const int big = 2 * n;

	r -= PAD;
	r = r < 0 ? -r : r >= big ? 2 * big - 2 - r : r;
	return r / 2;
}

static void copy_pixel(float *to, const float *from, int b)
{
	for (int l = 0; l < b; l++)
		to[l] = from[l];
}

static void strip_from_x(void *ctx, int64_t plane)
{
	const struct move *m = ctx;
	const struct strip *s = m->s;
	const float *x = m->from + plane * m->d->h * m->d->w * m->b;
	float *y = m->to + plane * s->rows * s->cols * m->b;

	for (int r = 0; r < s->rows; r++)
		for (int c = 0; c < s->cols; c++, y += m->b)
			copy_pixel(y,
				   x + ((int64_t)small_of(s->r0 + r, m->d->h) * m->d->w +
					small_of(s->c0 + c, m->d->w)) *
						   m->b,
				   m->b);
}

static void strip_to_x(void *ctx, int64_t plane)
{
	const struct move *m = ctx;
	const struct strip *s = m->s;
	float *gx = m->to + plane * m->d->h * m->d->w * m->b;
	const float *g = m->from + plane * s->rows * s->cols * m->b;

	for (int r = 0; r < s->rows; r++)
		for (int c = 0; c < s->cols; c++, g += m->b) {
			float *p = gx + ((int64_t)small_of(s->r0 + r, m->d->h) * m->d->w +
					 small_of(s->c0 + c, m->d->w)) *
						m->b;
			for (int l = 0; l < m->b; l++)
				p[l] += g[l];
		}
}

static void strip_to_y(void *ctx, int64_t plane)
{
	const struct move *m = ctx;
	const struct strip *s = m->s;
	float *y = m->to + plane * m->d->oh * m->d->ow * m->b;
	const float *p = m->from + plane * s->oh * s->ow * m->b;

	for (int r = 0; r < s->oh; r++)
		for (int c = 0; c < s->ow; c++, p += m->b)
			copy_pixel(y + ((int64_t)(s->oy + r) * m->d->ow + s->ox + c) * m->b, p,
				   m->b);
}

static void strip_from_y(void *ctx, int64_t plane)
{
	const struct move *m = ctx;
	const struct strip *s = m->s;
	const float *y = m->from + plane * m->d->oh * m->d->ow * m->b;
	float *p = m->to + plane * s->oh * s->ow * m->b;

	for (int r = 0; r < s->oh; r++)
		for (int c = 0; c < s->ow; c++, p += m->b)
			copy_pixel(p, y + ((int64_t)(s->oy + r) * m->d->ow + s->ox + c) * m->b,
				   m->b);
}

static void phase_to_y(void *ctx, int64_t plane)
{
	const struct move *m = ctx;
	const struct xl_conv2d_dims *d = m->d;
	const float *p = m->from + plane * d->h * d->w * m->b;
	float *y = m->to + plane * d->oh * d->ow * m->b;

	for (int r = 0; r < d->h; r++)
		for (int c = 0; c < d->w; c++, p += m->b)
			copy_pixel(y + ((int64_t)(2 * r + m->a0) * d->ow + 2 * c + m->b0) * m->b, p,
				   m->b);
}

/* The ring is left zero: the strips carry its gradient. */
static void phase_from_y(void *ctx, int64_t plane)
{
	const struct move *m = ctx;
	const struct xl_conv2d_dims *d = m->d;
	const float *y = m->from + plane * d->oh * d->ow * m->b;
	float *p = m->to + plane * d->h * d->w * m->b;

	memset(p, 0, (size_t)(d->h * d->w * m->b) * sizeof *p);
	for (int r = 0; r < d->h; r++)
		for (int c = 0; c < d->w; c++) {
			const int i = 2 * r + m->a0, j = 2 * c + m->b0;
			if (i > 0 && i < d->oh - 1 && j > 0 && j < d->ow - 1)
				copy_pixel(p + ((int64_t)r * d->w + c) * m->b,
					   y + ((int64_t)i * d->ow + j) * m->b, m->b);
		}
}

static void move(void (*fn)(void *, int64_t), float *to, const float *from,
		 const struct xl_conv2d_dims *d, const struct strip *s, int channels, int phase)
{
	const int b = xl_block_of(channels);
	struct move m = {to, from, d, s, b, phase / 2, phase % 2};

	xl_parallel(fn, &m, (int64_t)d->n * channels / b);
}

static struct xl_dims map_of(const struct xl_conv2d_dims *d)
{
	return xl_dims_map(d->n, d->ci, d->h, d->w);
}

/* ---- the three operators ---- */

void xl_upconv_fwd(const struct xl_kernels *k, float *y, const float *x, const float *w,
		   const float *bias, const struct xl_conv2d_dims *d, float *scratch)
{
	const struct xl_conv2d_dims pd = phase_dims(d);
	const int64_t pairs = (int64_t)d->co * d->ci;
	const struct xl_dims xd = map_of(d);
	struct space s;

	lay_out(&s, scratch, k, d);
	fold_weights(s.folded, w, pairs);
	xl_pad_fwd(s.edge, x, &xd, 1, 1, XL_PAD_EDGE);
	for (int p = 0; p < PHASES; p++) {
		k->conv2d_fwd(s.phase, s.edge, s.folded + p * pairs * FOLD * FOLD, bias, &pd,
			      s.inner);
		move(phase_to_y, y, s.phase, d, NULL, d->co, p);
	}
	for (int i = 0; i < STRIPS; i++) {
		const struct strip st = strip_at(d, i);
		const struct xl_conv2d_dims sd = strip_dims(d, &st);
		move(strip_from_x, s.sx, x, d, &st, d->ci, 0);
		k->conv2d_fwd(s.sy, s.sx, w, bias, &sd, s.inner);
		move(strip_to_y, y, s.sy, d, &st, d->co, 0);
	}
}

void xl_upconv_bwd_x(const struct xl_kernels *k, float *gx, const float *gy, const float *w,
		     const struct xl_conv2d_dims *d, float *scratch)
{
	const struct xl_conv2d_dims pd = phase_dims(d);
	const int64_t pairs = (int64_t)d->co * d->ci;
	const struct xl_dims xd = map_of(d), ed = xl_dims_map(d->n, d->ci, d->h + 2, d->w + 2);
	struct space s;

	lay_out(&s, scratch, k, d);
	fold_weights(s.folded, w, pairs);
	for (int p = 0; p < PHASES; p++) {
		float *to = p == 0 ? s.edge : s.edge2;
		move(phase_from_y, s.phase, gy, d, NULL, d->co, p);
		k->conv2d_bwd_x(to, s.phase, s.folded + p * pairs * FOLD * FOLD, &pd, s.inner);
		if (p > 0)
			k->binary(XL_ADD, s.edge, &ed, s.edge, &ed, s.edge2, &ed, 0);
	}
	xl_pad_bwd(gx, s.edge, &xd, 1, 1, XL_PAD_EDGE);
	for (int i = 0; i < STRIPS; i++) {
		const struct strip st = strip_at(d, i);
		const struct xl_conv2d_dims sd = strip_dims(d, &st);
		move(strip_from_y, s.sy, gy, d, &st, d->co, 0);
		k->conv2d_bwd_x(s.sx, s.sy, w, &sd, s.inner);
		move(strip_to_x, gx, s.sx, d, &st, d->ci, 0);
	}
}

void xl_upconv_bwd_w(const struct xl_kernels *k, float *gw, const float *x, const float *gy,
		     const struct xl_conv2d_dims *d, float *scratch)
{
	const struct xl_conv2d_dims pd = phase_dims(d);
	const int64_t pairs = (int64_t)d->co * d->ci, count = pairs * K * K;
	const struct xl_dims xd = map_of(d);
	struct space s;

	lay_out(&s, scratch, k, d);
	memset(gw, 0, (size_t)count * sizeof *gw);
	xl_pad_fwd(s.edge, x, &xd, 1, 1, XL_PAD_EDGE);
	for (int p = 0; p < PHASES; p++) {
		move(phase_from_y, s.phase, gy, d, NULL, d->co, p);
		k->conv2d_bwd_w(s.folded, s.edge, s.phase, &pd, s.inner);
		unfold_weights(gw, s.folded, p, pairs);
	}
	for (int i = 0; i < STRIPS; i++) {
		const struct strip st = strip_at(d, i);
		const struct xl_conv2d_dims sd = strip_dims(d, &st);
		move(strip_from_x, s.sx, x, d, &st, d->ci, 0);
		move(strip_from_y, s.sy, gy, d, &st, d->co, 0);
		k->conv2d_bwd_w(s.w5, s.sx, s.sy, &sd, s.inner);
		for (int64_t j = 0; j < count; j++)
			gw[j] += s.w5[j];
	}
}
