/*
 * simd_wgrad.c - the weight gradient of direct convolution: SLOTS weights (input
 * channel, tap) times a block of 16 output channels, summed over all pixels; for
 * every pixel one vector of gradients and one broadcast input per slot. Images, or
 * some small ones, are added up in double precision.
 */
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/simd_wgrad.h"

#if XL_LANES == 16
enum { SLOTS = 16 };
#elif XL_LANES == 8
enum { SLOTS = 4 };
#else
enum { SLOTS = 2 };
#endif

#define UNROLL _Pragma("GCC unroll 32")

enum {
	MOST_SLOTS = 256, /* that are an item */
	OUTS = 4,         /* blocks of output channels, at most, that are one */
	ITEMS = 16,       /* where there are fewer, they have fewer blocks */
	PART = 128,       /* pixels, about, that an item reads from the cache */
	FLOATS = 1024     /* pixels, about, of small images that are added up in floats */
};

enum { SUMS = MOST_SLOTS * XL_BLOCK };

struct wgrad {
	float *gw;
	const float *x, *gy;
	const struct xl_conv2d_dims *d;
	int b, hp, wp, slots, parts;
	int blocks, outs; /* of output channels: all, and in an item */
	int step, steps;  /* rows that are read at a time; how often, for an image */
};

/* Some slots, and where they read, from a pixel on. */
struct slots {
	int from, to;
	int64_t at[MOST_SLOTS];
};

/* Some rows of an image, which stay in the cache while every slot reads them. */
struct rows {
	const float *x, *gy;
	int count;
};

/* Lines to ask for, one with each pixel: all at once they would delay what is read now. */
struct ask {
	const float *at;
	int lines;
};

static inline void ask_for(struct ask *a)
{
	if (a->lines-- > 0) {
		__builtin_prefetch(a->at, 0, 2);
		a->at += XL_BLOCK;
	}
}

/* sum[slot][16] += over rows of gradients; slots of blocks are neighbours, from x on,
 * others read at[] of it. */
#define WGRAD(NAME, OFFSET)                                                                        \
	static void NAME(float *sum, const struct wgrad *g, const float *x, const float *gy,       \
			 const int64_t *at, int rows, struct ask ask_x, struct ask ask_gy)         \
	{                                                                                          \
		const struct xl_conv2d_dims *d = g->d;                                             \
		const int64_t row = (int64_t)d->stride * g->wp * g->b, col = d->stride * g->b;     \
		(void)at;                                                                          \
		vf acc[SLOTS][XL_VECS];                                                            \
		UNROLL for (int s = 0; s < SLOTS; s++)                                             \
		{                                                                                  \
			UNROLL for (int v = 0; v < XL_VECS; v++) acc[s][v] =                       \
				*(const vf *)(sum + s * XL_BLOCK + v * XL_LANES);                  \
		}                                                                                  \
		for (int r = 0; r < rows; r++) {                                                   \
			const float *xr = x + r * row;                                             \
			for (int c = 0; c < d->ow; c++, xr += col, gy += XL_BLOCK) {               \
				vf gv[XL_VECS];                                                    \
				ask_for(&ask_x);                                                   \
				ask_for(&ask_gy);                                                  \
				UNROLL for (int v = 0; v < XL_VECS; v++) gv[v] =                   \
					*(const vf *)(gy + v * XL_LANES);                          \
				UNROLL for (int s = 0; s < SLOTS; s++)                             \
				{                                                                  \
					const float xv = xr[OFFSET];                               \
					UNROLL for (int v = 0; v < XL_VECS; v++) acc[s][v] +=      \
						xv * gv[v];                                        \
				}                                                                  \
			}                                                                          \
		}                                                                                  \
		UNROLL for (int s = 0; s < SLOTS; s++)                                             \
		{                                                                                  \
			UNROLL for (int v = 0; v < XL_VECS; v++) *                                 \
				(vf *)(sum + s * XL_BLOCK + v * XL_LANES) = acc[s][v];             \
		}                                                                                  \
	}

WGRAD(wgrad_blocked, s)
WGRAD(wgrad_plain, at[s])

/* Where each slot reads; slots that are missing read as the first. */
static void find_slots(struct slots *s, const struct wgrad *g)
{
	const struct xl_conv2d_dims *d = g->d;
	const int taps = d->kh * d->kw;

	for (int i = s->from; i < s->to; i++) {
		const int slot = i < g->slots ? i : s->from;
		/* blocked: lanes are the fastest part of a slot's number */
		const int lane = slot % g->b, tap = slot / g->b % taps, cb = slot / g->b / taps;
		const int64_t pixel = ((int64_t)cb * g->hp + tap / d->kw) * g->wp + tap % d->kw;
		s->at[i - s->from] = pixel * g->b + lane;
	}
}

/* Rows number i of the batch, for blocks of outputs from o0 on. */
static struct rows find_rows(const struct wgrad *g, int i, int o0)
{
	const struct xl_conv2d_dims *d = g->d;
	const int64_t n = i / g->steps;
	const int r = i % g->steps * g->step;

	return (struct rows){
		g->x + (n * d->ci * g->hp + (int64_t)r * d->stride * g->b) * g->wp,
		g->gy + ((n * g->blocks + o0) * d->oh + r) * d->ow * XL_BLOCK,
		d->oh - r < g->step ? d->oh - r : g->step,
	};
}

/* Share i of n of the lines of some planes, `apart` from each other. */
static struct ask share(const float *from, int planes, int64_t lines, int64_t apart, int i, int n)
{
	const int each = (int)xl_div_up(n, planes), part = (int)xl_div_up(lines, each);
	const int first = i % each * part, left = (int)lines - first;

	return (struct ask){from + i / each * apart + first * XL_BLOCK, left < part ? left : part};
}

/* sums += what some rows add, for outs blocks of outputs. The next rows are asked for
 * meanwhile: no hardware foresees the steps from row to row, block and image. */
static void add_rows(float *sums, const struct wgrad *g, const struct rows *now,
		     const struct rows *next, int outs, const struct slots *s)
{
	const struct xl_conv2d_dims *d = g->d;
	const int64_t x_plane = (int64_t)g->hp * g->wp * g->b;
	const int64_t gy_plane = (int64_t)d->oh * d->ow * XL_BLOCK;
	const int64_t x_next = (int64_t)((next->count - 1) * d->stride + d->kh) * g->wp * g->b;
	const int64_t gy_next = (int64_t)next->count * d->ow;
	const int all = d->kh * d->kw * g->b, plane = s->from / all;
	const int planes = (s->to - 1) / all - plane + 1;
	const int groups = (s->to - s->from) / SLOTS, calls = groups * outs;

	for (int i = 0; i < calls; i++) {
		const int64_t *at = s->at + i % groups * SLOTS;
		const float *gy = now->gy + i / groups * gy_plane;
		float *sum = sums + i / groups * SUMS + i % groups * SLOTS * XL_BLOCK;
		const struct ask x = share(next->x + plane * x_plane, planes,
					   xl_div_up(x_next, XL_BLOCK), x_plane, i, calls);
		const struct ask y = share(next->gy, outs, gy_next, gy_plane, i, calls);
		if (g->b > 1)
			wgrad_blocked(sum, g, now->x + at[0], gy, at, now->count, x, y);
		else
			wgrad_plain(sum, g, now->x, gy, at, now->count, x, y);
	}
}

/* w[c][j] = sum[j][c], rows of w step apart, those of sum `apart`. */
static void turn(float *w, int64_t step, const float *sum, int64_t apart, int count, int nc)
{
	int j = 0;

	for (; j + 4 <= count; j += 4, sum += 4 * apart, w += 4) {
		int c = 0;
		for (; c + 4 <= nc; c += 4) {
			v4 m[4];
			for (int i = 0; i < 4; i++)
				m[i] = *(const v4 *)(sum + i * apart + c);
			xl_transpose4(m);
			for (int i = 0; i < 4; i++)
				*(v4 *)(w + (c + i) * step) = m[i];
		}
		for (; c < nc; c++)
			for (int i = 0; i < 4; i++)
				w[c * step + i] = sum[i * apart + c];
	}
	for (; j < count; j++, sum += apart, w++)
		for (int c = 0; c < nc; c++)
			w[c * step] = sum[c];
}

/* The sums of a block of outputs, for slots [from, to), to their places in gw. */
static void store(const struct wgrad *g, const float *sum, int block, int from, int to)
{
	const int all = g->d->kh * g->d->kw, left = g->d->co - block * XL_BLOCK;
	/* where one of the two is 1, slots lie as in gw */
	const int lanes = all > 1 ? g->b : 1, taps = lanes > 1 ? all : g->slots;
	float *w = g->gw + (int64_t)block * XL_BLOCK * g->slots;

	for (int s = from; s < to;) {
		const int c0 = s / (lanes * taps) * lanes, t0 = s / lanes % taps;
		const int run = taps - t0 < (to - s) / lanes ? taps - t0 : (to - s) / lanes;
		for (int l = 0; l < lanes; l++)
			turn(w + (c0 + l) * taps + t0, g->slots, sum + (s - from + l) * XL_BLOCK,
			     lanes * XL_BLOCK, run, left < XL_BLOCK ? left : XL_BLOCK);
		s += run * lanes;
	}
}

static void wgrad_item(void *ctx, int64_t item)
{
	const struct wgrad *g = ctx;
	const int o0 = (int)(item / g->parts) * g->outs, part = (int)(item % g->parts);
	const int outs = g->blocks - o0 < g->outs ? g->blocks - o0 : g->outs;
	/* whole blocks of slots: the lanes of a pixel stay together */
	const int sets = (int)xl_div_up(g->slots, XL_BLOCK);
	struct slots s = {.from = part * sets / g->parts * XL_BLOCK,
			  .to = (part + 1) * sets / g->parts * XL_BLOCK};
	const int images = (int)xl_div_up(FLOATS, g->d->oh * g->d->ow);
	const int steps = g->d->n * g->steps;
	double total[OUTS * SUMS];
	float sum[OUTS * SUMS];

	memset(total, 0, (size_t)outs * SUMS * sizeof *total);
	find_slots(&s, g);
	for (int i = 0; i < steps;) {
		const int end = i + images * g->steps < steps ? i + images * g->steps : steps;
		memset(sum, 0, (size_t)outs * SUMS * sizeof *sum);
		for (; i < end; i++) {
			const struct rows now = find_rows(g, i, o0);
			const struct rows next = i + 1 < steps ? find_rows(g, i + 1, o0) : now;
			add_rows(sum, g, &now, &next, outs, &s);
		}
		for (int k = 0; k < outs * SUMS; k++)
			total[k] += (double)sum[k];
	}
	for (int k = 0; k < outs * SUMS; k++)
		sum[k] = (float)total[k];
	for (int o = 0; o < outs; o++)
		store(g, sum + o * SUMS, o0 + o, s.from, s.to < g->slots ? s.to : g->slots);
}

void XL_FN(xl_wgrad)(float *gw, const float *x, const float *gy, const struct xl_conv2d_dims *d)
{
	const int slots = d->ci * d->kh * d->kw;
	struct wgrad g = {.gw = gw,
			  .x = x,
			  .gy = gy,
			  .d = d,
			  .b = xl_block_of(d->ci),
			  .hp = d->h + 2 * d->pad_h,
			  .wp = d->w + 2 * d->pad_w,
			  .slots = slots,
			  .parts = (int)xl_div_up(slots, MOST_SLOTS),
			  .blocks = (int)xl_div_up(d->co, XL_BLOCK),
			  .outs = OUTS,
			  .step = (int)xl_div_up(PART, d->ow)};

	g.steps = (int)xl_div_up(d->oh, g.step);
	while (g.outs > 1 && xl_div_up(g.blocks, g.outs) * g.parts < ITEMS)
		g.outs /= 2;
	xl_parallel(wgrad_item, &g, xl_div_up(g.blocks, g.outs) * g.parts);
}
