/*
 * simd_conv.c - direct convolution in the blocked layout, compiled once per
 * instruction set, and the choice between it and other ways: simd_few.c (few output
 * channels), simd_gemm.c (few pixels), depth.c (few input channels and a stride).
 * The weight gradient is in simd_wgrad.c, the order of weights in simd_pack.c.
 *
 * sweep_*   a tile of output pixels times one or two blocks of 16 output
 *           channels; for every input channel and tap, one vector of weights and
 *           one broadcast of an input value per pixel. Forward is a sweep over
 *           the padded input; backward to the data is stride^2 sweeps (one for
 *           each phase of the pixel grid) over the zero-padded gradient with the
 *           taps of that phase, inside and around, after which the border is folded
 *           back.
 *
 * Pixels are numbered through the whole batch, so that 2x2 maps fill a tile too.
 */
#include <assert.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/depth.h"
#include "kernels/pad.h"
#include "kernels/simd_few.h"
#include "kernels/simd_gemm.h"
#include "kernels/simd_pack.h"
#include "kernels/simd_wgrad.h"

enum { MAX_TAPS = 256, TILES_PER_ITEM = 4 };

/* Accumulators that fit the registers: pixels x vectors. */
#if XL_LANES == 16
enum { PX_ONE = 28, PX_TWO = 14 };
#elif XL_LANES == 8
enum { PX_ONE = 6, PX_TWO = 6 };
#else
enum { PX_ONE = 3, PX_TWO = 3 };
#endif

#define UNROLL _Pragma("GCC unroll 32")

/* One direct convolution over a grid of output pixels; strides in floats. */
struct sweep {
	const float *x;
	int64_t x_image, x_row, x_col, x_block; /* steps of the grid in x */
	int blocks, lanes;                      /* input channels = blocks * lanes */
	int taps;
	int64_t delta[MAX_TAPS]; /* where each tap reads, from the pixel's base */
	int tap[MAX_TAPS];       /* which of the weights it has */
	int of;                  /* taps that have weights */
	const float *w;          /* [group][block][of][lane][16 or 32] */
	const float *bias;
	float *y;
	int64_t y_image, y_row, y_col, y_block; /* y_block: to the next 16, or plane */
	int co;
	bool y_plain;
	int n, gh, gw;
	int64_t pixels;
	int items_per_group;
};

/* What the next block of inputs will be read from is asked for meanwhile: it lies
 * where no hardware looks. */
#define SWEEP(NAME, PX, NV, LANES_IN)                                                              \
	static void NAME(float *out, const float *const *px, const float *weights,                 \
			 const struct sweep *s)                                                    \
	{                                                                                          \
		vf acc[PX][NV];                                                                    \
		UNROLL for (int p = 0; p < PX; p++)                                                \
		{                                                                                  \
			UNROLL for (int v = 0; v < NV; v++) acc[p][v] = (vf){0};                   \
		}                                                                                  \
		for (int k = 0; k < s->blocks; k++) {                                              \
			for (int t = 0; t < s->taps; t++) {                                        \
				const int64_t d = k * s->x_block + s->delta[t];                    \
				const float *w = weights + ((int64_t)k * s->of + s->tap[t]) *      \
								   (LANES_IN * NV * XL_LANES);     \
				if (LANES_IN > 1 && k + 1 < s->blocks)                             \
					UNROLL for (int p = 0; p < PX; p++)                        \
						__builtin_prefetch(px[p] + d + s->x_block);        \
				for (int l = 0; l < LANES_IN; l++, w += NV * XL_LANES) {           \
					vf wv[NV];                                                 \
					UNROLL for (int v = 0; v < NV; v++) wv[v] =                \
						*(const vf *)(w + v * XL_LANES);                   \
					UNROLL for (int p = 0; p < PX; p++)                        \
					{                                                          \
						const float xv = px[p][d + l];                     \
						UNROLL for (int v = 0; v < NV; v++) acc[p][v] +=   \
							xv * wv[v];                                \
					}                                                          \
				}                                                                  \
			}                                                                          \
		}                                                                                  \
		UNROLL for (int p = 0; p < PX; p++)                                                \
		{                                                                                  \
			UNROLL for (int v = 0; v < NV; v++) *                                      \
				(vf *)(out + (p * NV + v) * XL_LANES) = acc[p][v];                 \
		}                                                                                  \
	}

SWEEP(sweep_one_blocked, PX_ONE, XL_VECS, XL_BLOCK)
SWEEP(sweep_one_plain, PX_ONE, XL_VECS, 1)
#if XL_LANES == 16
SWEEP(sweep_two_blocked, PX_TWO, 2 * XL_VECS, XL_BLOCK)
SWEEP(sweep_two_plain, PX_TWO, 2 * XL_VECS, 1)
#else
#define sweep_two_blocked sweep_one_blocked
#define sweep_two_plain sweep_one_plain
#endif

/* Write one tile: `wide` channels from channel c0 for each of npx pixels. */
static void store_tile(const struct sweep *s, const float *out, float *const *yp, int npx, int c0,
		       int wide)
{
	const int nc = s->co - c0 < wide ? s->co - c0 : wide;
	float bias[2 * XL_BLOCK] = {0};

	if (s->bias)
		memcpy(bias, s->bias + c0, (size_t)nc * sizeof *bias);
	for (int p = 0; p < npx; p++) {
		const float *o = out + p * wide;
		if (s->y_plain) {
			for (int c = 0; c < nc; c++)
				yp[p][(c0 + c) * s->y_block] = o[c] + bias[c];
			continue;
		}
		for (int c = 0; c < nc; c += XL_BLOCK) {
			float *y = yp[p] + (c0 + c) / XL_BLOCK * s->y_block;
			for (int l = 0; l < XL_BLOCK; l++)
				y[l] = o[c + l] + bias[c + l];
		}
	}
}

/* Where px pixels from number q on read and write; returns how many exist. */
static int find_pixels(const struct sweep *s, int64_t q, int px, const float **xp, float **yp)
{
	const int found = s->pixels - q < px ? (int)(s->pixels - q) : px;
	int64_t n = q / ((int64_t)s->gh * s->gw);
	int r = (int)(q / s->gw % s->gh), c = (int)(q % s->gw), p = 0;

	while (p < found) {
		const float *x = s->x + n * s->x_image + r * s->x_row + c * s->x_col;
		float *y = s->y + n * s->y_image + r * s->y_row + c * s->y_col;
		const int row = s->gw - c < found - p ? s->gw - c : found - p;
		for (int i = 0; i < row; i++, p++, x += s->x_col, y += s->y_col) {
			xp[p] = x;
			yp[p] = y;
		}
		c = 0;
		if (++r == s->gh) {
			r = 0;
			n++;
		}
	}
	for (; p < px; p++)
		xp[p] = xp[0]; /* read something that is there, store nothing */
	return found;
}

static void sweep_item(void *ctx, int64_t item)
{
	const struct sweep *s = ctx;
	const int c0 = (int)(item / s->items_per_group) * XL_PAIR * XL_BLOCK;
	const int first = (int)(item % s->items_per_group) * TILES_PER_ITEM;
	const bool two = XL_PAIR == 2 && s->co - c0 > XL_BLOCK;
	const int wide = two ? XL_PAIR * XL_BLOCK : XL_BLOCK;
	const int px = two ? PX_TWO : PX_ONE;
	const float *w = s->w + (int64_t)c0 * s->blocks * s->of * s->lanes;
	/* a tile of one block is longer: an item covers the same pixels */
	const int64_t from = (int64_t)first * PX_TWO;
	const int64_t to = from + (int64_t)TILES_PER_ITEM * PX_TWO;
	float out[PX_ONE * XL_BLOCK * XL_PAIR];
	const float *xp[PX_ONE];
	float *yp[PX_ONE];

	for (int64_t q = from; q < to && q < s->pixels; q += px) {
		const int npx = find_pixels(s, q, px, xp, yp);
		if (two && s->lanes > 1)
			sweep_two_blocked(out, xp, w, s);
		else if (two)
			sweep_two_plain(out, xp, w, s);
		else if (s->lanes > 1)
			sweep_one_blocked(out, xp, w, s);
		else
			sweep_one_plain(out, xp, w, s);
		store_tile(s, out, yp, npx, c0, wide);
	}
}

static void run_sweep(struct sweep *s)
{
	s->pixels = (int64_t)s->n * s->gh * s->gw;
	if (s->pixels == 0)
		return;
	const int64_t per_item = (int64_t)TILES_PER_ITEM * PX_TWO;
	s->items_per_group = (int)xl_div_up(s->pixels, per_item);
	xl_parallel(sweep_item, s, xl_div_up(s->co, XL_PAIR * XL_BLOCK) * s->items_per_group);
}

/* To few channels from blocks: the lanes are better spent on the inputs. */
static bool few(int co, int lanes)
{
	return co <= XL_FEW && lanes == XL_BLOCK;
}

/* A sweep to few channels. */
static struct xl_few few_of(const struct sweep *s)
{
	return (struct xl_few){s->x,      s->x_image, s->x_row, s->x_col, s->x_block,
			       s->blocks, s->taps,    s->delta, s->w,     s->bias,
			       s->y,      s->y_image, s->y_row, s->y_col, s->y_block,
			       s->co,     s->n,       s->gh,    s->gw};
}

/* The weights of a sweep to few channels, each tap at an offset in w. */
static void pack_few(const struct sweep *s, float *wpack, const float *w, int64_t w_co,
		     int64_t w_ci, const int *offset)
{
	const struct xl_few f = few_of(s);

	XL_FN(xl_few_pack)(wpack, w, &f, w_co, w_ci, offset);
}

/* Each by whichever way suits. */
static void run(struct sweep *s)
{
	const struct xl_few f = few_of(s);

	if (few(s->co, s->lanes))
		XL_FN(xl_few_sweep)(&f);
	else
		run_sweep(s);
}

/* Parts of the scratch begin at whole vectors. */
static int64_t whole(int64_t floats)
{
	return xl_round_up(floats, XL_BLOCK);
}

static bool padded(const struct xl_conv2d_dims *d)
{
	return d->pad_h > 0 || d->pad_w > 0;
}

/* Zero rows above the gradient that the backward sweep reads, and all rows. */
static int grad_lead(int k, int stride)
{
	return (int)xl_div_up(k, stride) - 1;
}

static int grad_size(int in, int pad, int stride, int k)
{
	return grad_lead(k, stride) + (int)xl_div_up(in + 2 * pad, stride);
}

/*
 * Where products with the weights in place (simd_gemm.c) are faster, measured: with
 * few pixels packing the weights is what direct convolution costs; backward it also
 * multiplies by the zeros around the gradient, and the columns of a product pay
 * where many output channels share them. Only the weights' gradient asks for the
 * batch: on that, no bit of a pixel may depend.
 */
static bool gemm(const struct xl_conv2d_dims *d)
{
	return xl_block_of(d->ci) > 1 && d->co > XL_FEW;
}

static bool gemm_fwd(const struct xl_conv2d_dims *d)
{
	const int64_t pixels = (int64_t)d->oh * d->ow;
	const int64_t weights = (int64_t)d->co * d->ci * d->kh * d->kw;
	return gemm(d) && pixels <= (weights < 1 << 19 ? 4 : 16);
}

static bool gemm_bwd_x(const struct xl_conv2d_dims *d)
{
	const int64_t pixels = (int64_t)d->oh * d->ow;
	const int64_t most = d->co < 64 ? (int64_t)d->co * d->co / 32 : 128;
	return gemm(d) && pixels <= (d->kh * d->kw == 1 ? 16 : most);
}

static bool gemm_bwd_w(const struct xl_conv2d_dims *d)
{
	const int64_t pixels = (int64_t)d->oh * d->ow;
	return gemm(d) && pixels <= d->co / 4 && (pixels < 64 || d->n * pixels < 256);
}

/* Numbers of the sums of a weight gradient to few channels. */
static int64_t sums_count(const struct xl_conv2d_dims *d)
{
	return few(d->co, xl_block_of(d->ci)) ? whole(XL_FN(xl_few_sums)(d)) : 0;
}

/* Whether the gradient of a strided convolution of few channels is better computed
 * with the channels of a square of pixels as lanes: with these few, not fewer. */
static bool deep_bwd_x(struct xl_conv2d_dims *deep, const struct xl_conv2d_dims *d)
{
	return xl_block_of(d->co) > 1 && xl_depth_dims(deep, d) && deep->ci > XL_BLOCK / 2 &&
	       deep->ci <= XL_BLOCK && xl_block_of(d->ci) == 1;
}

/* Numbers of the padded input: as it is, and as squares of pixels. */
static int64_t padded_count(const struct xl_conv2d_dims *d)
{
	return whole((int64_t)d->n * d->ci * (d->h + 2 * d->pad_h) * (d->w + 2 * d->pad_w));
}

static size_t deep_scratch(const struct xl_conv2d_dims *d, const struct xl_conv2d_dims *deep)
{
	const int64_t w = whole((int64_t)d->co * d->ci * d->kh * d->kw);
	return (size_t)(w + 2 * padded_count(d)) * sizeof(float) + XL_FN(xl_conv2d_scratch)(deep);
}

size_t XL_FN(xl_conv2d_scratch)(const struct xl_conv2d_dims *d)
{
	const int64_t x = padded_count(d);
	const int64_t g = whole(d->n * xl_round_up(d->co, XL_BLOCK) *
				grad_size(d->h, d->pad_h, d->stride, d->kh) *
				grad_size(d->w, d->pad_w, d->stride, d->kw));
	const int64_t fw = xl_packed_count(d->co, d->ci, d->kh * d->kw);
	const int64_t bw = xl_packed_count(d->ci, d->co, d->kh * d->kw);
	const int64_t sums = sums_count(d), w = fw > bw ? fw : bw;
	struct xl_conv2d_dims deep;
	size_t bytes = 0;

	if (!gemm_fwd(d) || !gemm_bwd_x(d) || !gemm_bwd_w(d))
		bytes = (size_t)(x + g + (sums > w ? sums : w)) * sizeof(float);
	if (deep_bwd_x(&deep, d) && deep_scratch(d, &deep) > bytes)
		bytes = deep_scratch(d, &deep);
	if (gemm_bwd_x(d) && XL_FN(xl_gemm_scratch)(d, true) > bytes)
		bytes = XL_FN(xl_gemm_scratch)(d, true);
	if ((gemm_fwd(d) || gemm_bwd_w(d)) && XL_FN(xl_gemm_scratch)(d, false) > bytes)
		bytes = XL_FN(xl_gemm_scratch)(d, false);
	return bytes;
}

void XL_FN(xl_conv2d_fwd)(float *y, const float *x, const float *w, const float *bias,
			  const struct xl_conv2d_dims *d, void *scratch)
{
	const int taps = d->kh * d->kw, b = xl_block_of(d->ci), bo = xl_block_of(d->co);
	const int hp = d->h + 2 * d->pad_h, wp = d->w + 2 * d->pad_w;
	float *wpack = scratch;
	float *xpad = wpack + xl_packed_count(d->co, d->ci, taps);
	assert(taps <= MAX_TAPS);

	if (gemm_fwd(d)) {
		XL_FN(xl_gemm_fwd)(y, x, w, bias, d, scratch);
		return;
	}

	if (padded(d))
		xl_pad_fwd(xpad, x, &(struct xl_dims){d->n, d->ci, d->h, d->w, b}, d->pad_h,
			   d->pad_w, d->mode);

	struct sweep s = {
		.x = padded(d) ? xpad : x,
		.x_image = (int64_t)d->ci * hp * wp,
		.x_row = (int64_t)d->stride * wp * b,
		.x_col = (int64_t)d->stride * b,
		.x_block = (int64_t)hp * wp * b,
		.blocks = d->ci / b,
		.lanes = b,
		.taps = taps,
		.of = taps,
		.w = wpack,
		.bias = bias,
		.y = y,
		.y_image = (int64_t)d->co * d->oh * d->ow,
		.y_row = (int64_t)d->ow * bo,
		.y_col = bo,
		.y_block = (int64_t)d->oh * d->ow * bo,
		.co = d->co,
		.y_plain = bo == 1,
		.n = d->n,
		.gh = d->oh,
		.gw = d->ow,
	};
	for (int t = 0; t < taps; t++) {
		s.delta[t] = ((int64_t)(t / d->kw) * wp + t % d->kw) * b;
		s.tap[t] = t;
	}
	if (few(d->co, b))
		pack_few(&s, wpack, w, (int64_t)d->ci * taps, taps, s.tap);
	else
		XL_FN(xl_pack_fwd)(wpack, w, d);
	run(&s);
}

/* Part of the padded input: rows from r0 to r1, columns from c0 to c1, and what the
 * map that takes their gradient begins with. */
struct region {
	int r0, r1, c0, c1, top, left;
};

/* Leave out the taps of s that meet nothing but the zeros around the gradient, from row
 * qr and column qc of the grid on. */
static void drop_taps(struct sweep *s, int qr, int qc, int cols, const struct xl_conv2d_dims *d)
{
	int kept = 0;

	for (int t = 0; t < s->of; t++) {
		const int r = qr - t / cols, c = qc - t % cols;
		if (r >= d->oh || r + s->gh <= 0 || c >= d->ow || c + s->gw <= 0)
			continue;
		s->delta[kept] = s->delta[t];
		s->tap[kept++] = t;
	}
	s->taps = kept;
}

/* Run s, whose grid is that of the rows = ry and columns = rx (mod stride) of the
 * padded input, on the part of it in the region. */
static void run_region(struct sweep s, int ry, int rx, const struct region *g,
		       const struct xl_conv2d_dims *d)
{
	const int st = d->stride;
	const int qr = (int)xl_div_up(g->r0 > ry ? g->r0 - ry : 0, st), r = ry + st * qr;
	const int qc = (int)xl_div_up(g->c0 > rx ? g->c0 - rx : 0, st), c = rx + st * qc;

	s.x += qr * s.x_row + qc * s.x_col;
	s.y += (r - g->top) * (s.y_row / st) + (c - g->left) * (s.y_col / st);
	s.gh = r < g->r1 ? (int)xl_div_up(g->r1 - r, st) : 0;
	s.gw = c < g->c1 ? (int)xl_div_up(g->c1 - c, st) : 0;
	if (!few(s.co, s.lanes))
		drop_taps(&s, qr, qc, xl_phase_taps(d->kw, st, rx), d);
	run(&s);
}

/* Where the outputs of a sweep go: a map (n,ci,h,w) from y on. */
static void aim(struct sweep *s, float *y, int h, int w, const struct xl_conv2d_dims *d)
{
	const int b = xl_block_of(d->ci);

	s->y = y;
	s->y_image = (int64_t)d->ci * h * w;
	s->y_row = (int64_t)d->stride * w * b;
	s->y_col = (int64_t)d->stride * b;
	s->y_block = (int64_t)h * w * b;
}

/* Fill the rows = ry, columns = rx (mod stride) of the padded input's gradient: what
 * lies inside in gx, the border, unless it is of zeros, in gxp. */
static void bwd_x_phase(float *gx, float *gxp, const float *gyp, const float *w, float *wpack,
			int ry, int rx, const struct xl_conv2d_dims *d)
{
	const int st = d->stride, b = xl_block_of(d->co), bx = xl_block_of(d->ci);
	const int hp = d->h + 2 * d->pad_h, wp = d->w + 2 * d->pad_w, all = d->kh * d->kw;
	const int bottom = d->pad_h + d->h, right = d->pad_w + d->w;
	const struct region inside = {d->pad_h, bottom, d->pad_w, right, d->pad_h, d->pad_w};
	const struct region border[] = {{0, d->pad_h, 0, wp, 0, 0},
					{bottom, hp, 0, wp, 0, 0},
					{d->pad_h, bottom, 0, d->pad_w, 0, 0},
					{d->pad_h, bottom, right, wp, 0, 0}};
	const int gh = grad_size(d->h, d->pad_h, st, d->kh);
	const int gw = grad_size(d->w, d->pad_w, st, d->kw);
	const int ly = grad_lead(d->kh, st), lx = grad_lead(d->kw, st);
	int tap[MAX_TAPS];
	struct sweep s = {
		.x = gyp,
		.x_image = (int64_t)d->co * gh * gw,
		.x_row = (int64_t)gw * b,
		.x_col = b,
		.x_block = (int64_t)gh * gw * b,
		.blocks = d->co / b,
		.lanes = b,
		.w = wpack,
		.co = d->ci,
		.y_plain = bx == 1,
		.n = d->n,
	};

	/* row st*q + ry of x met tap kh = ry + st*j at row q - j of y */
	for (int jy = 0; ry + st * jy < d->kh; jy++)
		for (int jx = 0; rx + st * jx < d->kw; jx++) {
			s.delta[s.taps] = ((int64_t)(ly - jy) * gw + (lx - jx)) * b;
			s.tap[s.taps] = s.taps;
			tap[s.taps++] = (ry + st * jy) * d->kw + rx + st * jx;
		}
	s.of = s.taps;
	if (few(d->ci, b))
		pack_few(&s, wpack, w, all, (int64_t)d->ci * all, tap);
	aim(&s, gx, d->h, d->w, d);
	run_region(s, ry, rx, &inside, d);
	aim(&s, gxp, hp, wp, d);
	for (int i = 0; i < 4 && d->mode != XL_PAD_ZERO; i++)
		run_region(s, ry, rx, &border[i], d);
}

static void run_deep(float *gx, const float *gy, const float *w, const struct xl_conv2d_dims *d,
		     const struct xl_conv2d_dims *deep, float *scratch)
{
	float *wd = scratch, *gd = wd + whole((int64_t)d->co * d->ci * d->kh * d->kw);
	float *gxp = gd + padded_count(d);

	xl_depth_weights(wd, w, d);
	XL_FN(xl_conv2d_bwd_x)(gd, gy, wd, deep, gxp + padded_count(d));
	xl_depth_back(gxp, gd, d);
	xl_pad_bwd(gx, gxp, &(struct xl_dims){d->n, d->ci, d->h, d->w, 1}, d->pad_h, d->pad_w,
		   d->mode);
}

void XL_FN(xl_conv2d_bwd_x)(float *gx, const float *gy, const float *w,
			    const struct xl_conv2d_dims *d, void *scratch)
{
	struct xl_conv2d_dims deep;
	const int b = xl_block_of(d->co), st = d->stride;
	const int gh = grad_size(d->h, d->pad_h, st, d->kh);
	const int gw = grad_size(d->w, d->pad_w, st, d->kw);
	float *wpack = scratch;
	float *gyp = wpack + xl_packed_count(d->ci, d->co, d->kh * d->kw);
	float *gxp = gyp + whole((int64_t)d->n * d->co * gh * gw);
	assert(d->kh * d->kw <= MAX_TAPS);

	if (gemm_bwd_x(d)) {
		XL_FN(xl_gemm_bwd_x)(gx, gy, w, d, scratch);
		return;
	}
	if (deep_bwd_x(&deep, d)) {
		run_deep(gx, gy, w, d, &deep, scratch);
		return;
	}
	xl_pad_at(gyp, gy, &(struct xl_dims){d->n, d->co, d->oh, d->ow, b}, grad_lead(d->kh, st),
		  grad_lead(d->kw, st), gh, gw);
	if (!few(d->ci, b))
		XL_FN(xl_pack_bwd_x)(wpack, w, d);
	for (int p = 0; p < st * st; wpack += xl_phase_count(d, p), p++)
		bwd_x_phase(gx, gxp, gyp, w, wpack, p / st, p % st, d);
	if (padded(d) && d->mode != XL_PAD_ZERO)
		xl_pad_fold(gx, gxp, &(struct xl_dims){d->n, d->ci, d->h, d->w, xl_block_of(d->ci)},
			    d->pad_h, d->pad_w, d->mode);
}

void XL_FN(xl_conv2d_bwd_w)(float *gw, const float *x, const float *gy,
			    const struct xl_conv2d_dims *d, void *scratch)
{
	const int b = xl_block_of(d->ci), hp = d->h + 2 * d->pad_h, wp = d->w + 2 * d->pad_w;
	float *sums = scratch;
	float *xpad = sums + sums_count(d);
	float *blocked = xpad + whole((int64_t)d->n * d->ci * hp * wp);
	assert(d->kh * d->kw <= MAX_TAPS);

	if (gemm_bwd_w(d)) {
		XL_FN(xl_gemm_bwd_w)(gw, x, gy, d, scratch);
		return;
	}
	if (padded(d))
		xl_pad_fwd(xpad, x, &(struct xl_dims){d->n, d->ci, d->h, d->w, b}, d->pad_h,
			   d->pad_w, d->mode);
	if (few(d->co, b)) {
		const struct xl_few_wgrad f = {gw, padded(d) ? xpad : x, gy, blocked, sums, d, hp,
					       wp};
		XL_FN(xl_few_wgrad)(&f);
		return;
	}
	if (xl_block_of(d->co) == 1)
		xl_block_pad(blocked, gy, d->n, d->co, d->oh * d->ow);
	XL_FN(xl_wgrad)(gw, padded(d) ? xpad : x, xl_block_of(d->co) == 1 ? blocked : gy, d);
}
