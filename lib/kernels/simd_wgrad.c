/*
 * simd_wgrad.c - the weight gradient of direct convolution: a tile of slots (input
 * channel, tap) times a block of 16 output channels, summed over all pixels; for every
 * pixel one vector of gradients and one broadcast input per slot. Pixels are added up in
 * floats some at a time, and these sums in double precision.
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
	MOST_SLOTS = 256,    /* that are an item */
	MOST_OUTS = 4,       /* blocks of output channels, at most, that are one */
	ENOUGH_ITEMS = 16,   /* where there are fewer, they have fewer blocks */
	LEAST_ITEMS = 8,     /* where there are fewer still, they have fewer slots */
	CACHED_PIXELS = 128, /* pixels, about, that an item reads from the cache */
	FLOAT_PIXELS = 2048  /* pixels, about, that are added up in floats */
};

enum { SUMS = MOST_SLOTS * XL_BLOCK };

/* Images, or some rows of one, that stay in the cache while every slot reads them. */
struct step {
	const float *x, *gy;
	int images, rows;
};

/* Lines to ask for in a call: one with each pixel, as all at once would delay what is read
 * now; but where tiles are small, a call has few lines, and its loop no time for them. */
struct ask {
	const float *at;
	int lines;
};

struct wgrad;

/* Where a slot reads. Volatile where the registers do not suffice for a tile: moving them
 * through those of vectors takes longer than reading. */
#if XL_LANES == 16
typedef const volatile int64_t place;
#else
typedef const int64_t place;
#endif

/* A kernel: sum[slot][16] += over a step, from x and gy on, for the slots of a tile. These
 * are neighbours, or rows of taps are, or each reads at[] of x. */
typedef void add_fn(float *sum, const struct wgrad *g, const struct step *s, const float *x,
		    const float *gy, place *at, struct ask ask_x, struct ask ask_gy);

struct wgrad {
	float *gw;
	const float *x, *gy;
	const struct xl_conv2d_dims *d;
	int b, hp, wp, slots, blocks;               /* blocks: of output channels */
	int64_t x_image, x_plane, y_image, y_plane; /* floats to the next image, block */
	add_fn *add;
	int tile, set, sets;      /* slots of a tile, and of the least that is a part; all sets */
	int parts, outs;          /* parts of the sets; blocks of outputs in an item */
	int images, rows, of_one; /* of a step; steps that an image is cut into */
	int steps, chunk;         /* all steps; those that are added up in floats */
	float *shared;            /* sums of shares of the steps, where these are the items */
	int shares;
};

/* What an item computes: some slots, where they read, and some blocks of outputs. */
struct part {
	int from, to, o0, outs;
	int64_t at[MOST_SLOTS];
};

enum { ASK_BY_PIXEL = XL_LANES == 16 };

static inline void ask_for(struct ask *a)
{
	if (a->lines-- > 0) {
		__builtin_prefetch(a->at, 0, 2);
		a->at += XL_BLOCK;
	}
}

static inline void ask_for_all(struct ask *a)
{
	while (a->lines > 0)
		ask_for(a);
}

#define WGRAD(NAME, TILE, OFFSET)                                                                  \
	static void NAME(float *sum, const struct wgrad *g, const struct step *s,                  \
			 const float *from, const float *gy, place *at, struct ask ask_x,          \
			 struct ask ask_gy)                                                        \
	{                                                                                          \
		const struct xl_conv2d_dims *d = g->d;                                             \
		const int64_t row = (int64_t)d->stride * g->wp * g->b, col = d->stride * g->b;     \
		const int64_t x_jump = g->x_image - s->rows * row;                                 \
		const int64_t y_jump = g->y_image - s->rows * d->ow * XL_BLOCK;                    \
		(void)at;                                                                          \
		if (!ASK_BY_PIXEL) {                                                               \
			ask_for_all(&ask_x);                                                       \
			ask_for_all(&ask_gy);                                                      \
		}                                                                                  \
		vf acc[TILE][XL_VECS];                                                             \
		UNROLL for (int i = 0; i < TILE; i++)                                              \
		{                                                                                  \
			UNROLL for (int v = 0; v < XL_VECS; v++) acc[i][v] =                       \
				*(const vf *)(sum + i * XL_BLOCK + v * XL_LANES);                  \
		}                                                                                  \
		for (int n = 0; n < s->images; n++, from += x_jump, gy += y_jump)                  \
			for (int r = 0; r < s->rows; r++, from += row) {                           \
				const float *x = from;                                             \
				for (int c = 0; c < d->ow; c++, x += col, gy += XL_BLOCK) {        \
					vf gv[XL_VECS];                                            \
					if (ASK_BY_PIXEL) {                                        \
						ask_for(&ask_x);                                   \
						ask_for(&ask_gy);                                  \
					}                                                          \
					UNROLL for (int v = 0; v < XL_VECS; v++) gv[v] =           \
						*(const vf *)(gy + v * XL_LANES);                  \
					UNROLL for (int i = 0; i < TILE; i++)                      \
					{                                                          \
						const float xv = x[OFFSET];                        \
						UNROLL for (int v = 0; v < XL_VECS; v++)           \
							acc[i][v] += xv * gv[v];                   \
					}                                                          \
				}                                                                  \
			}                                                                          \
		UNROLL for (int i = 0; i < TILE; i++)                                              \
		{                                                                                  \
			UNROLL for (int v = 0; v < XL_VECS; v++) *                                 \
				(vf *)(sum + i * XL_BLOCK + v * XL_LANES) = acc[i][v];             \
		}                                                                                  \
	}

WGRAD(wgrad_blocked, SLOTS, i)
WGRAD(wgrad_plain, SLOTS, at[i])
#if XL_LANES == 16
WGRAD(wgrad_rows_4, 4 * 4, at[i - i % 4] + i % 4)
WGRAD(wgrad_rows_7, 3 * 7, at[i - i % 7] + i % 7)
#endif

/* Where each slot reads; slots that are missing read as the first. */
static void find_slots(struct part *p, const struct wgrad *g)
{
	const struct xl_conv2d_dims *d = g->d;
	const int taps = d->kh * d->kw;

	for (int i = p->from; i < p->to; i++) {
		const int slot = i < g->slots ? i : p->from;
		/* blocked: lanes are the fastest part of a slot's number */
		const int lane = slot % g->b, tap = slot / g->b % taps, cb = slot / g->b / taps;
		const int64_t pixel = ((int64_t)cb * g->hp + tap / d->kw) * g->wp + tap % d->kw;
		p->at[i - p->from] = pixel * g->b + lane;
	}
}

/* Step number i, for blocks of outputs from o0 on. */
static struct step find_step(const struct wgrad *g, int i, int o0)
{
	const struct xl_conv2d_dims *d = g->d;
	const int n = i / g->of_one * g->images, r = i % g->of_one * g->rows;

	return (struct step){
		g->x + n * g->x_image + (int64_t)r * d->stride * g->wp * g->b,
		g->gy + n * g->y_image + o0 * g->y_plane + (int64_t)r * d->ow * XL_BLOCK,
		d->n - n < g->images ? d->n - n : g->images,
		d->oh - r < g->rows ? d->oh - r : g->rows,
	};
}

/* Lines of some planes of some images, `each` of them at a time. */
struct lines {
	const float *at;
	int64_t image, plane; /* floats to the next */
	int planes, lines, left, each;
	int p, line; /* the next to ask for */
};

static struct lines lines_of(const float *at, int64_t image, int64_t plane, int planes,
			     int64_t floats, int images, int times)
{
	const int lines = (int)xl_div_up(floats, XL_BLOCK), all = images * planes * lines;

	return (struct lines){at, image, plane, planes, lines, all, (int)xl_div_up(all, times),
			      0,  0};
}

/* The next ones, as far as they are neighbours. */
static struct ask next_lines(struct lines *l)
{
	const int run = l->lines - l->line, n = l->each < run ? l->each : run;
	const struct ask a = {l->at + l->p * l->plane + l->line * XL_BLOCK, l->left > 0 ? n : 0};

	l->left -= n;
	l->line += n;
	if (l->line == l->lines) {
		l->line = 0;
		if (++l->p == l->planes) {
			l->p = 0;
			l->at += l->image;
		}
	}
	return a;
}

/* sum[block][slot][16] += what a step adds. The next one is asked for meanwhile: no
 * hardware foresees the ways from row to row, block and image. */
static void add_step(float *sum, const struct wgrad *g, const struct part *p,
		     const struct step *now, const struct step *next)
{
	const struct xl_conv2d_dims *d = g->d;
	const int count = p->to - p->from, calls = p->outs * (count / g->tile);
	const int all = d->kh * d->kw * g->b, end = p->to < g->slots ? p->to : g->slots;
	const int plane = p->from / all, planes = (end - 1) / all - plane + 1;
	const int64_t rows = (next->rows - 1) * d->stride + d->kh;
	struct lines x = lines_of(next->x + plane * g->x_plane, g->x_image, g->x_plane, planes,
				  rows * g->wp * g->b, next->images, calls);
	struct lines y = lines_of(next->gy, g->y_image, g->y_plane, p->outs,
				  (int64_t)next->rows * d->ow * XL_BLOCK, next->images, calls);
	const float *gy = now->gy;

	for (int o = 0; o < p->outs; o++, gy += g->y_plane)
		for (int i = 0; i < count; i += g->tile, sum += g->tile * XL_BLOCK)
			g->add(sum, g, now, g->b > 1 ? now->x + p->at[i] : now->x, gy, p->at + i,
			       next_lines(&x), next_lines(&y));
}

/* sum = steps [from, to) of those before end, in floats. */
static void sum_chunk(float *sum, const struct wgrad *g, const struct part *p, int from, int to,
		      int end)
{
	const int count = p->outs * (p->to - p->from) * XL_BLOCK;

	memset(sum, 0, (size_t)count * sizeof *sum);
	for (int i = from; i < to; i++) {
		const struct step next = find_step(g, i + 1 < end ? i + 1 : i, p->o0);
		const struct step now = find_step(g, i, p->o0);
		add_step(sum, g, p, &now, &next);
	}
}

static void add_to(double *total, const float *sum, int count)
{
	for (int k = 0; k < count; k++)
		total[k] += (double)sum[k];
}

static void round_to(float *sum, const double *total, int count)
{
	for (int k = 0; k < count; k++)
		sum[k] = (float)total[k];
}

/* The same, chunks of them added up in double precision. */
static void sum_up(float *sum, const struct wgrad *g, const struct part *p, int from, int to)
{
	const int count = p->outs * (p->to - p->from) * XL_BLOCK;
	double total[MOST_OUTS * SUMS]; /* 128 KiB, beside 64 of sum */

	if (to - from <= g->chunk) {
		sum_chunk(sum, g, p, from, to, to);
		return;
	}
	memset(total, 0, (size_t)count * sizeof *total);
	for (int i = from; i < to; i += g->chunk) {
		sum_chunk(sum, g, p, i, i + g->chunk < to ? i + g->chunk : to, to);
		add_to(total, sum, count);
	}
	round_to(sum, total, count);
}

/* w[c][j] = sum[j][c], rows of w step apart, those of sum `apart`. */
static void turn(float *w, int64_t step, const float *sum, int64_t apart, int count, int nc)
{
	int c = 0;

	for (; c + 4 <= nc; c += 4, sum += 4, w += 4 * step) {
		int j = 0;
		for (; j + 4 <= count; j += 4) {
			v4 m[4];
			for (int i = 0; i < 4; i++)
				m[i] = *(const v4 *)(sum + (j + i) * apart);
			xl_transpose4(m);
			for (int i = 0; i < 4; i++)
				*(v4 *)(w + i * step + j) = m[i];
		}
		for (; j < count; j++)
			for (int i = 0; i < 4; i++)
				w[i * step + j] = sum[j * apart + i];
	}
	for (; c < nc; c++, sum++, w += step)
		for (int j = 0; j < count; j++)
			w[j] = sum[j * apart];
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

static void store_part(const struct wgrad *g, const float *sum, const struct part *p)
{
	for (int o = 0; o < p->outs; o++, sum += (p->to - p->from) * XL_BLOCK)
		store(g, sum, p->o0 + o, p->from, p->to < g->slots ? p->to : g->slots);
}

static void part_item(void *ctx, int64_t item)
{
	const struct wgrad *g = ctx;
	const int o0 = (int)(item / g->parts) * g->outs, i = (int)(item % g->parts);
	struct part p = {.from = i * g->sets / g->parts * g->set,
			 .to = (i + 1) * g->sets / g->parts * g->set,
			 .o0 = o0,
			 .outs = g->blocks - o0 < g->outs ? g->blocks - o0 : g->outs};
	float sum[MOST_OUTS * SUMS];

	find_slots(&p, g);
	sum_up(sum, g, &p, 0, g->steps);
	store_part(g, sum, &p);
}

/* All slots and blocks. */
static struct part whole(const struct wgrad *g)
{
	return (struct part){.to = g->sets * g->set, .outs = g->blocks};
}

static void share_item(void *ctx, int64_t i)
{
	const struct wgrad *g = ctx;
	struct part p = whole(g);

	find_slots(&p, g);
	sum_up(g->shared + i * SUMS, g, &p, (int)(i * g->steps / g->shares),
	       (int)((i + 1) * g->steps / g->shares));
}

/* Where all sums are no more than those of an item, items are shares of the steps. */
static void run_shares(struct wgrad *g)
{
	const struct part p = whole(g);
	const int count = p.outs * p.to * XL_BLOCK;
	double total[SUMS] = {0};
	float shared[ENOUGH_ITEMS * SUMS];

	g->shared = shared;
	g->shares = g->steps < ENOUGH_ITEMS ? g->steps : ENOUGH_ITEMS;
	xl_parallel(share_item, g, g->shares);
	for (int i = 0; i < g->shares; i++)
		add_to(total, shared + i * SUMS, count);
	round_to(shared, total, count);
	store_part(g, shared, &p);
}

static void run_parts(struct wgrad *g)
{
	int groups;

	g->outs = MOST_OUTS;
	g->parts = (int)xl_div_up(g->sets, MOST_SLOTS / g->set);
	while (g->outs > 1 && xl_div_up(g->blocks, g->outs) * g->parts < ENOUGH_ITEMS)
		g->outs /= 2;
	groups = (int)xl_div_up(g->blocks, g->outs);
	if (groups * g->parts < LEAST_ITEMS)
		g->parts = (int)xl_div_up(LEAST_ITEMS, groups);
	if (g->parts > g->sets)
		g->parts = g->sets;
	xl_parallel(part_item, g, (int64_t)groups * g->parts);
}

/* A set is whole tiles, and whole pixels where these have lanes. */
static void choose_kernel(struct wgrad *g)
{
	const bool is_blocked = g->b > 1;

	g->add = is_blocked ? wgrad_blocked : wgrad_plain;
	g->tile = SLOTS;
	g->set = XL_BLOCK;
#if XL_LANES == 16
	if (!is_blocked && g->d->kw == 4) {
		g->add = wgrad_rows_4;
	} else if (!is_blocked && g->d->kw == 7) {
		g->add = wgrad_rows_7;
		g->tile = g->set = 3 * 7;
	}
#endif
	g->sets = (int)xl_div_up(g->slots, g->set);
}

static void choose_steps(struct wgrad *g)
{
	const struct xl_conv2d_dims *d = g->d;
	const int pixels = d->oh * d->ow;
	const bool whole_images = pixels < CACHED_PIXELS;

	g->images = whole_images ? (int)xl_div_up(CACHED_PIXELS, pixels) : 1;
	g->rows = whole_images ? d->oh : (int)xl_div_up(CACHED_PIXELS, d->ow);
	g->of_one = (int)xl_div_up(d->oh, g->rows);
	g->steps = (int)xl_div_up(d->n, g->images) * g->of_one;
	g->chunk = (int)xl_div_up(FLOAT_PIXELS, (int64_t)g->images * g->rows * d->ow);
}

void XL_FN(xl_wgrad)(float *gw, const float *x, const float *gy, const struct xl_conv2d_dims *d)
{
	const int b = xl_block_of(d->ci), blocks = (int)xl_div_up(d->co, XL_BLOCK);
	const int hp = d->h + 2 * d->pad_h, wp = d->w + 2 * d->pad_w;
	const int64_t y_plane = (int64_t)d->oh * d->ow * XL_BLOCK;
	struct wgrad g = {.gw = gw,
			  .x = x,
			  .gy = gy,
			  .d = d,
			  .b = b,
			  .hp = hp,
			  .wp = wp,
			  .slots = d->ci * d->kh * d->kw,
			  .blocks = blocks,
			  .x_image = (int64_t)d->ci * hp * wp,
			  .x_plane = (int64_t)hp * wp * b,
			  .y_image = blocks * y_plane,
			  .y_plane = y_plane};

	choose_kernel(&g);
	choose_steps(&g);
	if (g.sets * g.set * g.blocks <= MOST_SLOTS)
		run_shares(&g);
	else
		run_parts(&g);
}
