/*
 * simd_gemm.c - convolutions of many weights and few pixels, as the deep layers of
 * a critic and linear layers are. Packing the weights would cost more than using
 * them, so they are read once, as they lie, as the matrix w (co,k) with
 * k = (ci,kh,kw); the pixels are gathered into columns x (p,k) instead.
 *
 * fwd     y = x w^T      dot products, lanes along k
 * bwd_x   gx = gy w      lanes along k; columns are then added up into pixels
 * bwd_w   gw = gy^T x    lanes along k
 *
 * A tile is ROWS rows of one matrix times COLS rows or vectors of another. Rows
 * that are missing in the last tile repeat the last one and are not stored.
 */
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/pad.h"
#include "kernels/simd_gemm.h"

#if XL_LANES == 16
enum { COLS = 4 };
#else
enum { COLS = 2 };
#endif

enum {
	ROWS = 6,
	CHUNK = 512, /* of k: ROWS of it stay in the first cache */
	SLAB = 192,  /* pixels that a pass over the weights serves */
	DEPTH = 32,  /* output channels that a pass of bwd_x sums up */
	WIDTH = 256, /* of k: DEPTH by WIDTH weights stay in the second cache */
	GROUPS = 16, /* tiles of output channels in an item of bwd_w */
	GUARD = 16   /* keeps rows of a power of two from meeting in the caches */
};

_Static_assert(SLAB % ROWS == 0 && SLAB % COLS == 0, "a slab is whole tiles");

#define UNROLL _Pragma("GCC unroll 32")

struct gemm {
	const struct xl_conv2d_dims *d;
	int taps, pixels; /* of an image */
	int b;            /* channel block of the output */
	int64_t p, k, ld; /* pixels of the batch; length and step of a column */
	int *at;          /* (pixels,taps): where in a block x is read, -1 for zero */
	float *cols;      /* (p,ld), or of a slab */
	float *tiles;     /* gy as [tile][p or co][ROWS] */
	const float *w, *x, *gy, *bias;
	float *y, *gx, *gw;
};

static int least(int64_t a, int64_t b)
{
	return (int)(a < b ? a : b);
}

/* Lay g out in scratch (NULL to measure), with columns of the batch or of a slab of
 * it; returns bytes. */
static size_t lay_out(struct gemm *g, const struct xl_conv2d_dims *d, bool whole, float *scratch)
{
	*g = (struct gemm){
		.d = d, .taps = d->kh * d->kw, .pixels = d->oh * d->ow, .b = xl_block_of(d->co)};
	g->p = (int64_t)d->n * g->pixels;
	g->k = (int64_t)d->ci * g->taps;
	g->ld = g->k + GUARD;

	const int64_t cols = (whole ? g->p : least(SLAB, g->p)) * g->ld;
	const int64_t a = g->p * xl_round_up(d->co, ROWS), b = xl_round_up(g->p, ROWS) * d->co;
	const int64_t tiles = xl_round_up(a > b ? a : b, XL_BLOCK);
	const int64_t at = (int64_t)g->pixels * g->taps;
	if (scratch) {
		g->cols = scratch;
		g->tiles = scratch + cols;
		g->at = (int *)(void *)(g->tiles + tiles);
	}
	return (size_t)(cols + tiles) * sizeof(float) + (size_t)at * sizeof(int);
}

size_t XL_FN(xl_gemm_scratch)(const struct xl_conv2d_dims *d, bool bwd_x)
{
	struct gemm g;
	return lay_out(&g, d, !bwd_x, NULL);
}

/* ---- pixels to columns and back: a block of 16 input channels is an item ---- */

static void find_sources(const struct gemm *g)
{
	const struct xl_conv2d_dims *d = g->d;

	for (int i = 0; i < g->pixels * g->taps; i++) {
		const int p = i / g->taps, t = i % g->taps;
		const int h0 = p / d->ow * d->stride - d->pad_h;
		const int w0 = p % d->ow * d->stride - d->pad_w;
		const int h = xl_pad_source(h0 + t / d->kw, d->h, d->mode);
		const int w = xl_pad_source(w0 + t % d->kw, d->w, d->mode);
		g->at[i] = h < 0 || w < 0 ? -1 : (h * d->w + w) * XL_BLOCK;
	}
}

/* A column of a block: (16,taps) from the pixels at[] of x, or added to them. */
static void gather(float *col, const float *x, const int *at, int taps)
{
	static const float none[XL_BLOCK];
	int t = 0;

	for (; t + 4 <= taps; t += 4)
		for (int l = 0; l < XL_BLOCK; l += 4) {
			v4 m[4];
			for (int i = 0; i < 4; i++)
				m[i] = *(const v4 *)(at[t + i] < 0 ? none : x + at[t + i] + l);
			xl_transpose4(m);
			for (int i = 0; i < 4; i++)
				*(v4 *)(col + (l + i) * taps + t) = m[i];
		}
	for (; t < taps; t++)
		for (int l = 0; l < XL_BLOCK; l++)
			col[l * taps + t] = at[t] < 0 ? 0 : x[at[t] + l];
}

static void scatter(float *x, const float *col, const int *at, int taps)
{
	int t = 0;

	for (; t + 4 <= taps; t += 4)
		for (int l = 0; l < XL_BLOCK; l += 4) {
			v4 m[4];
			for (int i = 0; i < 4; i++)
				m[i] = *(const v4 *)(col + (l + i) * taps + t);
			xl_transpose4(m);
			for (int i = 0; i < 4; i++)
				if (at[t + i] >= 0)
					*(v4 *)(x + at[t + i] + l) += m[i];
		}
	for (; t < taps; t++)
		for (int l = 0; l < XL_BLOCK && at[t] >= 0; l++)
			x[at[t] + l] += col[l * taps + t];
}

/* Where the block of channels lies in the image of pixel p. */
static int64_t block_at(const struct gemm *g, int64_t p, int64_t block)
{
	const struct xl_conv2d_dims *d = g->d;

	return (p / g->pixels * (d->ci / XL_BLOCK) + block) * d->h * d->w * XL_BLOCK;
}

static void gather_item(void *ctx, int64_t block)
{
	const struct gemm *g = ctx;

	for (int64_t p = 0; p < g->p; p++)
		gather(g->cols + p * g->ld + block * XL_BLOCK * g->taps,
		       g->x + block_at(g, p, block), g->at + p % g->pixels * g->taps, g->taps);
}

/* Output channel c of pixel p of the batch lies at the sum of these two. */
static int64_t pixel_at(const struct gemm *g, int64_t p)
{
	return p / g->pixels * g->d->co * g->pixels + p % g->pixels * g->b;
}

static int64_t channel_at(const struct gemm *g, int c)
{
	return (int64_t)(c / g->b) * g->pixels * g->b + c % g->b;
}

static void copy(float *to, const float *from, int count)
{
	for (int i = 0; i < count; i += XL_LANES)
		*(vf *)(to + i) = *(const vf *)(from + i);
}

/* Ask for count numbers that will be copied soon. */
static void prefetch(const float *from, int count)
{
	for (int i = 0; i < count; i += XL_BLOCK)
		__builtin_prefetch(from + i, 0, 2);
}

/* ---- forward ---- */

/* acc[c][r] += x[c] . w[r] over k, lane by lane */
static void dot_tile(float *acc, const float *const *x, const float *w, int k)
{
	vf a[COLS][ROWS];

	UNROLL for (int i = 0; i < COLS * ROWS; i++) a[i / ROWS][i % ROWS] =
		*(const vf *)(acc + i * XL_LANES);
	for (int i = 0; i < k; i += XL_LANES) {
		vf xv[COLS];
		UNROLL for (int c = 0; c < COLS; c++) xv[c] = *(const vf *)(x[c] + i);
		UNROLL for (int r = 0; r < ROWS; r++)
		{
			const vf wv = *(const vf *)(w + r * (CHUNK + GUARD) + i);
			UNROLL for (int c = 0; c < COLS; c++) a[c][r] += xv[c] * wv;
		}
	}
	UNROLL for (int i = 0; i < COLS * ROWS; i++) * (vf *)(acc + i * XL_LANES) =
		a[i / ROWS][i % ROWS];
}

/* ROWS rows of the weights times the pixels of a slab. */
static void fwd_item(void *ctx, int64_t item)
{
	const struct gemm *g = ctx;
	const int groups = (int)xl_div_up(g->d->co, ROWS);
	const int c0 = (int)(item % groups) * ROWS;
	const int64_t p0 = item / groups * SLAB;
	const int np = least(SLAB, g->p - p0), nc = least(ROWS, g->d->co - c0);
	float acc[SLAB * ROWS * XL_LANES];
	float w[ROWS * (CHUNK + GUARD)];

	memset(acc, 0, (size_t)xl_round_up(np, COLS) * ROWS * XL_LANES * sizeof *acc);
	for (int64_t k0 = 0; k0 < g->k; k0 += CHUNK) {
		const int k = least(CHUNK, g->k - k0);
		for (int r = 0; r < ROWS; r++)
			copy(w + r * (CHUNK + GUARD), g->w + least(c0 + r, c0 + nc - 1) * g->k + k0,
			     k);
		for (int p = 0; p < np; p += COLS) {
			const float *x[COLS];
			for (int c = 0; c < COLS; c++)
				x[c] = g->cols + (p0 + least(p + c, np - 1)) * g->ld + k0;
			for (int r = p / COLS; r < nc; r += (int)xl_div_up(np, COLS))
				prefetch(g->w + (c0 + r) * g->k + k0 + k,
					 least(CHUNK, g->k - k0 - k));
			dot_tile(acc + p * ROWS * XL_LANES, x, w, k);
		}
	}
	for (int r = 0; r < nc; r++) {
		float *y = g->y + channel_at(g, c0 + r);
		for (int p = 0; p < np; p++)
			y[pixel_at(g, p0 + p)] =
				xl_lanes_sum(*(const vf *)(acc + (p * ROWS + r) * XL_LANES)) +
				(g->bias ? g->bias[c0 + r] : 0);
	}
}

void XL_FN(xl_gemm_fwd)(float *y, const float *x, const float *w, const float *bias,
			const struct xl_conv2d_dims *d, void *scratch)
{
	struct gemm g;

	lay_out(&g, d, true, scratch);
	g.y = y;
	g.x = x;
	g.w = w;
	g.bias = bias;
	find_sources(&g);
	xl_parallel(gather_item, &g, d->ci / XL_BLOCK);
	xl_parallel(fwd_item, &g, xl_div_up(d->co, ROWS) * xl_div_up(g.p, SLAB));
}

/* ---- backward: rows of out = or += sum over i of a[i][row] b[i] ---- */

#define OUTER(NAME, V)                                                                             \
	static void NAME(float *out, int64_t ldo, int rows, bool add, const float *a,              \
			 const float *b, int64_t ldb, int64_t depth)                               \
	{                                                                                          \
		vf acc[ROWS][V];                                                                   \
		UNROLL for (int r = 0; r < ROWS; r++)                                              \
		{                                                                                  \
			const float *o = out + (r < rows ? r : 0) * ldo;                           \
			UNROLL for (int v = 0; v < V; v++) acc[r][v] =                             \
				add ? *(const vf *)(o + v * XL_LANES) : (vf){0};                   \
		}                                                                                  \
		for (int64_t i = 0; i < depth; i++, a += ROWS, b += ldb) {                         \
			vf bv[V];                                                                  \
			UNROLL for (int v = 0; v < V; v++) bv[v] =                                 \
				*(const vf *)(b + v * XL_LANES);                                   \
			UNROLL for (int r = 0; r < ROWS; r++)                                      \
			{                                                                          \
				UNROLL for (int v = 0; v < V; v++) acc[r][v] += a[r] * bv[v];      \
			}                                                                          \
		}                                                                                  \
		UNROLL for (int r = 0; r < ROWS; r++)                                              \
		{                                                                                  \
			if (r < rows) {                                                            \
				UNROLL for (int v = 0; v < V; v++) *                               \
					(vf *)(out + r * ldo + v * XL_LANES) = acc[r][v];          \
			}                                                                          \
		}                                                                                  \
	}

OUTER(outer_wide, COLS)
OUTER(outer_one, 1)

/* gy as tiles of ROWS pixels, or of ROWS output channels; what is missing is zero. */
static void tile_pixels(void *ctx, int64_t tile)
{
	const struct gemm *g = ctx;
	float *to = g->tiles + tile * ROWS * g->d->co;

	for (int r = 0; r < ROWS; r++) {
		const int64_t p = tile * ROWS + r;
		const float *gy = g->gy + pixel_at(g, p);
		for (int c = 0; c < g->d->co; c++)
			to[c * ROWS + r] = p < g->p ? gy[channel_at(g, c)] : 0;
	}
}

static void tile_channels(void *ctx, int64_t tile)
{
	const struct gemm *g = ctx;
	float *to = g->tiles + tile * ROWS * g->p;

	for (int r = 0; r < ROWS; r++) {
		const int c = (int)tile * ROWS + r;
		const float *gy = g->gy + channel_at(g, c);
		for (int64_t p = 0; p < g->p; p++)
			to[p * ROWS + r] = c < g->d->co ? gy[pixel_at(g, p)] : 0;
	}
}

/* cols += gy w, or = at the first, for np pixels from p0, the output channels from c0
 * and k numbers from k0 */
static void bwd_x_part(const struct gemm *g, int64_t p0, int np, int c0, int64_t k0, int k)
{
	const int64_t ld = WIDTH + GUARD;
	const int depth = least(DEPTH, g->d->co - c0);
	const int next = least(DEPTH, g->d->co - c0 - depth);
	float w[DEPTH * (WIDTH + GUARD)];
	int v = 0, tile = 0;

	for (int c = 0; c < depth; c++)
		copy(w + c * ld, g->w + (c0 + c) * g->k + k0, k);
	while (v < k) {
		const bool wide = v + COLS * XL_LANES <= k;
		for (int p = 0; p < np; p += ROWS, tile++) {
			const float *a = g->tiles + (p0 + p) * g->d->co + c0 * ROWS;
			float *out = g->cols + p * g->ld + k0 + v;
			if (tile < next)
				prefetch(g->w + (c0 + depth + tile) * g->k + k0, k);
			(wide ? outer_wide : outer_one)(out, g->ld, least(ROWS, np - p), c0 > 0, a,
							w + v, ld, depth);
		}
		v += wide ? COLS * XL_LANES : XL_LANES;
	}
}

static void bwd_x_item(void *ctx, int64_t block)
{
	const struct gemm *g = ctx;
	const int64_t from = block * XL_BLOCK * g->taps, to = from + XL_BLOCK * g->taps;
	const size_t plane = (size_t)g->d->h * (size_t)g->d->w * XL_BLOCK * sizeof(float);

	for (int64_t p = 0; p < g->p; p += g->pixels)
		memset(g->gx + block_at(g, p, block), 0, plane);
	for (int64_t p0 = 0; p0 < g->p; p0 += SLAB) {
		const int np = least(SLAB, g->p - p0);
		for (int64_t k0 = from; k0 < to; k0 += WIDTH)
			for (int c0 = 0; c0 < g->d->co; c0 += DEPTH)
				bwd_x_part(g, p0, np, c0, k0, least(WIDTH, to - k0));
		for (int p = 0; p < np; p++)
			scatter(g->gx + block_at(g, p0 + p, block), g->cols + p * g->ld + from,
				g->at + (p0 + p) % g->pixels * g->taps, g->taps);
	}
}

void XL_FN(xl_gemm_bwd_x)(float *gx, const float *gy, const float *w,
			  const struct xl_conv2d_dims *d, void *scratch)
{
	struct gemm g;

	lay_out(&g, d, false, scratch);
	g.gx = gx;
	g.gy = gy;
	g.w = w;
	find_sources(&g);
	xl_parallel(tile_pixels, &g, xl_div_up(g.p, ROWS));
	xl_parallel(bwd_x_item, &g, d->ci / XL_BLOCK);
}

/* gw += gy^T x, or = at the first, for a slab of pixels from p0, the output channels
 * from c0 to c1 and k numbers from k0 */
static void bwd_w_part(const struct gemm *g, int64_t p0, int c0, int c1, int64_t k0, int k)
{
	const int np = least(SLAB, g->p - p0);
	int v = 0;

	while (v < k) {
		const bool wide = v + COLS * XL_LANES <= k;
		const float *x = g->cols + p0 * g->ld + k0 + v;
		for (int c = c0; c < c1; c += ROWS)
			(wide ? outer_wide : outer_one)(
				g->gw + c * g->k + k0 + v, g->k, least(ROWS, g->d->co - c), p0 > 0,
				g->tiles + c * g->p + p0 * ROWS, x, g->ld, np);
		v += wide ? COLS * XL_LANES : XL_LANES;
	}
}

/* WIDTH of k times GROUPS tiles of output channels */
static void bwd_w_item(void *ctx, int64_t item)
{
	const struct gemm *g = ctx;
	const int64_t parts = xl_div_up(g->k, WIDTH), k0 = item % parts * WIDTH;
	const int from = (int)(item / parts) * GROUPS * ROWS;
	const int to = least(from + GROUPS * ROWS, g->d->co);

	for (int64_t p0 = 0; p0 < g->p; p0 += SLAB)
		bwd_w_part(g, p0, from, to, k0, least(WIDTH, g->k - k0));
}

void XL_FN(xl_gemm_bwd_w)(float *gw, const float *x, const float *gy,
			  const struct xl_conv2d_dims *d, void *scratch)
{
	struct gemm g;

	lay_out(&g, d, true, scratch);
	g.gw = gw;
	g.x = x;
	g.gy = gy;
	find_sources(&g);
	xl_parallel(gather_item, &g, d->ci / XL_BLOCK);
	xl_parallel(tile_channels, &g, xl_div_up(d->co, ROWS));
	xl_parallel(bwd_w_item, &g,
		    xl_div_up(g.k, WIDTH) * xl_div_up(d->co, (int64_t)GROUPS * ROWS));
}
