/*
 * simd_sweep.c - direct convolution: a tile of places of the output times one or two
 * blocks of 16 output channels; for every input channel and tap, one vector of weights
 * and one broadcast of an input value per place. To four channels or fewer a block
 * would be mostly empty: there the lanes are input channels, and are summed at the end.
 *
 * The places of a tile read alike (reach.h): the output is cut where they begin to
 * differ, at borders and, back from a stride, by phase. Places are numbered through the
 * whole batch, so that a corner of many small maps fills a tile, too.
 */
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/simd_few.h"
#include "kernels/simd_pack.h"

/* Taps of a place, which may be mirrored both ways along both axes. */
enum { MOST_TAPS = 9 * XL_TAPS };

#define UNROLL _Pragma("GCC unroll 32")

/* What every place of a tile reads, from the place itself on: floats on in x and in the
 * weights. */
struct reads {
	int blocks, taps;
	int64_t x_block, w_block; /* from one block of inputs to the next */
	struct {
		int64_t x, w;
	} tap[MOST_TAPS];
};

/* One tile: px[] places are read, and written to y[], a vector of XL_BLOCK channels or
 * two, y_block apart. */
struct tile {
	const float *const *px;
	float *const *y;
	int64_t y_block;
	const float *w, *bias;
	const struct reads *r;
};

/* What will be written, and what the next block of inputs will be read from, is asked
 * for meanwhile: it lies where no hardware looks. */
#define SWEEP(NAME, PX, NV, LANES_IN)                                                              \
	static void NAME(const struct tile *t)                                                     \
	{                                                                                          \
		const struct reads *r = t->r;                                                      \
		const float *px[PX], *w_block = t->w;                                              \
		vf acc[PX][NV];                                                                    \
		UNROLL for (int p = 0; p < PX; p++)                                                \
		{                                                                                  \
			UNROLL for (int v = 0; v < NV; v++) acc[p][v] =                            \
				*(const vf *)(t->bias + v * XL_LANES);                             \
			UNROLL for (int v = 0; v < NV; v += XL_VECS)                               \
				__builtin_prefetch(t->y[p] + v / XL_VECS * t->y_block, 1);         \
		}                                                                                  \
		UNROLL for (int p = 0; p < PX; p++) px[p] = t->px[p];                              \
		for (int k = 0; k < r->blocks; k++) {                                              \
			for (int i = 0; i < r->taps; i++) {                                        \
				const int64_t d = r->tap[i].x;                                     \
				const float *w = w_block + r->tap[i].w;                            \
				if (LANES_IN > 1 && k + 1 < r->blocks)                             \
					UNROLL for (int p = 0; p < PX; p++)                        \
						__builtin_prefetch(px[p] + d + r->x_block);        \
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
			w_block += r->w_block;                                                     \
			UNROLL for (int p = 0; p < PX; p++) px[p] += r->x_block;                   \
		}                                                                                  \
		UNROLL for (int p = 0; p < PX; p++)                                                \
		{                                                                                  \
			UNROLL for (int v = 0; v < NV; v++) *                                      \
				(vf *)(t->y[p] + v / XL_VECS * t->y_block +                        \
				       v % XL_VECS * XL_LANES) = acc[p][v];                        \
		}                                                                                  \
	}

/* To NO outputs, the sums of all lanes. */
#define FEW(NAME, PX, NO)                                                                          \
	static void NAME(const struct tile *t)                                                     \
	{                                                                                          \
		const struct reads *r = t->r;                                                      \
		const float *px[PX], *w_block = t->w;                                              \
		vf acc[PX][NO];                                                                    \
		UNROLL for (int p = 0; p < PX; p++)                                                \
		{                                                                                  \
			UNROLL for (int o = 0; o < NO; o++) acc[p][o] = (vf){0};                   \
		}                                                                                  \
		UNROLL for (int p = 0; p < PX; p++) px[p] = t->px[p];                              \
		for (int k = 0; k < r->blocks; k++) {                                              \
			for (int i = 0; i < r->taps; i++) {                                        \
				const int64_t d = r->tap[i].x;                                     \
				const float *w = w_block + r->tap[i].w;                            \
				UNROLL for (int v = 0; v < XL_BLOCK; v += XL_LANES)                \
				{                                                                  \
					vf wv[NO];                                                 \
					UNROLL for (int o = 0; o < NO; o++) wv[o] =                \
						*(const vf *)(w + v * NO + o * XL_LANES);          \
					UNROLL for (int p = 0; p < PX; p++)                        \
					{                                                          \
						const vf xv =                                      \
							xl_held(*(const vf *)(px[p] + d + v));     \
						UNROLL for (int o = 0; o < NO; o++) acc[p][o] +=   \
							xv * wv[o];                                \
					}                                                          \
				}                                                                  \
			}                                                                          \
			w_block += r->w_block;                                                     \
			UNROLL for (int p = 0; p < PX; p++) px[p] += r->x_block;                   \
		}                                                                                  \
		UNROLL for (int p = 0; p < PX; p++)                                                \
		{                                                                                  \
			UNROLL for (int o = 0; o < NO; o++) t->y[p][o] =                           \
				xl_lanes_sum(acc[p][o]) + t->bias[o];                              \
		}                                                                                  \
	}

/* Sizes of tiles: as many accumulators as fit the registers, and fewer for what is
 * left of a row of them. */
enum { SIZES = 4, MOST_PX = 28 };

struct size {
	int px;
	void (*run)(const struct tile *t);
};

#define EACH_SIZE(KIND, NAME, A, B, C, D, ...)                                                     \
	KIND(NAME##_a, A, __VA_ARGS__)                                                             \
	KIND(NAME##_b, B, __VA_ARGS__)                                                             \
	KIND(NAME##_c, C, __VA_ARGS__)                                                             \
	KIND(NAME##_d, D, __VA_ARGS__)                                                             \
	static const struct size NAME[SIZES] = {                                                   \
		{A, NAME##_a}, {B, NAME##_b}, {C, NAME##_c}, {D, NAME##_d}};

#if XL_LANES == 16
EACH_SIZE(SWEEP, one_blocked, 28, 14, 8, 4, 1, XL_BLOCK)
EACH_SIZE(SWEEP, one_plain, 28, 14, 8, 4, 1, 1)
EACH_SIZE(SWEEP, two_blocked, 14, 8, 4, 2, 2, XL_BLOCK)
EACH_SIZE(SWEEP, two_plain, 14, 8, 4, 2, 2, 1)
EACH_SIZE(FEW, few_1, 16, 8, 4, 2, 1)
EACH_SIZE(FEW, few_3, 8, 4, 2, 1, 3)
EACH_SIZE(FEW, few_4, 6, 3, 2, 1, 4)
#elif XL_LANES == 8
EACH_SIZE(SWEEP, one_blocked, 6, 4, 2, 1, 2, XL_BLOCK)
EACH_SIZE(SWEEP, one_plain, 6, 4, 2, 1, 2, 1)
EACH_SIZE(FEW, few_1, 6, 4, 2, 1, 1)
EACH_SIZE(FEW, few_3, 4, 2, 1, 1, 3)
EACH_SIZE(FEW, few_4, 2, 1, 1, 1, 4)
#else
EACH_SIZE(SWEEP, one_blocked, 3, 2, 1, 1, 4, XL_BLOCK)
EACH_SIZE(SWEEP, one_plain, 3, 2, 1, 1, 4, 1)
EACH_SIZE(FEW, few_1, 6, 4, 2, 1, 1)
EACH_SIZE(FEW, few_3, 3, 2, 1, 1, 3)
EACH_SIZE(FEW, few_4, 2, 1, 1, 1, 4)
#endif
#if XL_LANES < 16
#define two_blocked one_blocked
#define two_plain one_plain
#endif

/* Places of an item, a number of whole tiles. */
enum { ITEM = XL_LANES == 16 ? 56 : 48, WIDE = XL_PAIR * XL_BLOCK };

/* A sweep, cut into parts: runs of rows times runs of columns. */
struct work {
	const struct xl_sweep *s;
	float *w;
	struct xl_run *rows, *cols;
	int64_t *first; /* item of each part; and past the last, of all */
	int row_runs, col_runs;
	int outs;    /* if few, see below; else 0 */
	bool by_run; /* items of the same places follow each other, else of the same weights */
};

/* Places that read alike: all pairs of some rows and columns, of each image. */
struct part {
	int wide; /* numbers in a row of weights */
	int rows, cols;
	int64_t places;
	const float *x; /* what the first reads from */
	int64_t x_image, x_row, x_col;
	float *y;
	int64_t y_image, y_row, y_col;
	struct reads reads;
};

/* A place of a part. */
struct cursor {
	int64_t n;
	int r, c;
};

/* Outputs that are computed, where they are few: one too many has zero weights; else 0. */
static int few(const struct xl_sweep *s)
{
	const bool is_few = s->co <= XL_FEW && xl_block_of(s->ci) == XL_BLOCK;
	return !is_few ? 0 : s->co == 2 ? 3 : s->co;
}

/* The first place of a part is where its reads are counted from; a tap has `w_tap`
 * weights. */
static void find_reads(struct reads *to, const struct xl_sweep *s, int row, int col, int w_tap)
{
	const int b = xl_block_of(s->ci);
	struct xl_read rows[XL_READS], cols[XL_READS];
	const int row_count = xl_axis_reads(rows, &s->rows, row);
	const int col_count = xl_axis_reads(cols, &s->cols, col);

	to->blocks = s->ci / b;
	to->x_block = (int64_t)s->rows.of * s->cols.of * b;
	to->w_block = (int64_t)s->rows.k * s->cols.k * w_tap;
	to->taps = 0;
	for (int i = 0; i < row_count; i++)
		for (int j = 0; j < col_count; j++, to->taps++) {
			to->tap[to->taps].x = ((int64_t)rows[i].at * s->cols.of + cols[j].at) * b;
			to->tap[to->taps].w = (rows[i].tap * s->cols.k + cols[j].tap) * w_tap;
		}
}

static void find_part(struct part *p, const struct xl_sweep *s, const struct xl_run *rows,
		      const struct xl_run *cols, int wide)
{
	const int bx = xl_block_of(s->ci), by = xl_block_of(s->co);
	const int64_t x_row = (int64_t)s->cols.of * bx, y_row = (int64_t)s->cols.n * by;

	p->wide = wide;
	p->rows = rows->count;
	p->cols = cols->count;
	p->places = (int64_t)s->n * p->rows * p->cols;
	p->x = s->x;
	p->x_image = (int64_t)s->ci * s->rows.of * s->cols.of;
	p->x_row = xl_axis_shift(&s->rows) * x_row;
	p->x_col = (int64_t)xl_axis_shift(&s->cols) * bx;
	p->y = s->y + rows->first * y_row + cols->first * by;
	p->y_image = (int64_t)s->co * s->rows.n * s->cols.n;
	p->y_row = xl_axis_step(&s->rows) * y_row;
	p->y_col = (int64_t)xl_axis_step(&s->cols) * by;
	find_reads(&p->reads, s, rows->first, cols->first, bx * wide);
}

/* Where `count` places from a cursor on, which moves past them, read and write. */
static void find_places(const float **px, float **y, struct cursor *at, const struct part *p,
			int count)
{
	for (int i = 0; i < count;) {
		const float *x = p->x + at->n * p->x_image + at->r * p->x_row + at->c * p->x_col;
		float *to = p->y + at->n * p->y_image + at->r * p->y_row + at->c * p->y_col;
		for (; i < count && at->c < p->cols; i++, at->c++, x += p->x_col, to += p->y_col) {
			px[i] = x;
			y[i] = to;
		}
		if (at->c < p->cols)
			return;
		at->c = 0;
		if (++at->r == p->rows) {
			at->r = 0;
			at->n++;
		}
	}
}

static const struct size *sizes_of(const struct xl_sweep *s, int outs, bool two)
{
	const bool blocked = xl_block_of(s->ci) > 1;

	if (outs > 0)
		return outs == 1 ? few_1 : outs == 3 ? few_3 : few_4;
	if (two)
		return blocked ? two_blocked : two_plain;
	return blocked ? one_blocked : one_plain;
}

/* The largest tile that is mostly filled. */
static const struct size *fitting(const struct size *sizes, int64_t left)
{
	int i = 0;

	while (i < SIZES - 1 && 4 * left < 3 * sizes[i].px)
		i++;
	return &sizes[i];
}

/* Places [from, to) of a part, for the nc channels from c0 on. */
static void run_places(const struct work *k, const struct part *p, int64_t from, int64_t to, int c0,
		       int nc)
{
	const struct xl_sweep *s = k->s;
	const int64_t plane = (int64_t)s->rows.n * s->cols.n, image = (int64_t)p->rows * p->cols;
	const bool plain = xl_block_of(s->co) == 1;
	const float *px[MOST_PX];
	float *y[MOST_PX], *out[MOST_PX], outs[MOST_PX * WIDE], bias[WIDE] = {0};
	const struct size *sizes = sizes_of(s, k->outs, nc > XL_BLOCK);
	struct cursor at = {from / image, (int)(from % image / p->cols),
			    (int)(from % image % p->cols)};
	const struct tile t = {px,
			       plain ? out : y,
			       plain ? XL_BLOCK : plane * XL_BLOCK,
			       k->w + (int64_t)c0 * s->ci * s->rows.k * s->cols.k,
			       bias,
			       &p->reads};

	if (s->bias)
		memcpy(bias, s->bias + c0, (size_t)nc * sizeof *bias);
	for (int i = 0; i < MOST_PX; i++)
		out[i] = outs + i * p->wide;
	while (from < to) {
		const struct size *size = fitting(sizes, to - from);
		const int count = to - from < size->px ? (int)(to - from) : size->px;
		find_places(px, y, &at, p, count);
		for (int i = 0; i < count; i++)
			y[i] += c0 * plane;
		for (int i = count; i < size->px; i++) { /* the first once more */
			px[i] = px[0];
			y[i] = y[0];
		}
		size->run(&t);
		for (int i = 0; i < count && plain; i++)
			for (int c = 0; c < nc; c++)
				y[i][c * plane] = out[i][c];
		from += count;
	}
}

static void sweep_item(void *ctx, int64_t item)
{
	const struct work *k = ctx;
	const int parts = k->row_runs * k->col_runs;
	const int64_t runs = k->first[parts], groups = xl_div_up(k->s->co, WIDE);
	const int64_t number = k->by_run ? item / groups : item % runs;
	const int c0 = (int)(k->by_run ? item % groups : item / runs) * WIDE;
	const int left = k->s->co - c0;
	int low = 0, high = parts - 1;
	struct part p;

	while (low < high) { /* the last part that begins at this item, or before */
		const int mid = (low + high + 1) / 2;
		if (k->first[mid] <= number)
			low = mid;
		else
			high = mid - 1;
	}
	find_part(&p, k->s, &k->rows[low / k->col_runs], &k->cols[low % k->col_runs],
		  k->outs           ? k->outs
		  : left > XL_BLOCK ? WIDE
				    : XL_BLOCK);
	const int64_t from = (number - k->first[low]) * ITEM;
	run_places(k, &p, from, from + ITEM < p.places ? from + ITEM : p.places, c0,
		   left < WIDE ? left : WIDE);
}

/* Lay k out in scratch; NULL to measure, returns bytes. */
static size_t lay_out(struct work *k, const struct xl_sweep *s, void *scratch)
{
	const int rows = xl_axis_most(&s->rows), cols = xl_axis_most(&s->cols);
	const int64_t w = xl_round_up(s->co, XL_BLOCK) * s->ci * s->rows.k * s->cols.k;
	const size_t of_w = (size_t)w * sizeof(float);
	const size_t of_parts = ((size_t)rows * (size_t)cols + 1) * sizeof(int64_t);
	char *base = scratch;

	*k = (struct work){.s = s, .outs = few(s)};
	if (base) {
		k->w = scratch;
		k->first = (int64_t *)(void *)(base + of_w);
		k->rows = (struct xl_run *)(void *)(base + of_w + of_parts);
		k->cols = k->rows + rows;
	}
	return of_w + of_parts + (size_t)(rows + cols) * sizeof(struct xl_run);
}

size_t XL_FN(xl_sweep_scratch)(const struct xl_sweep *s)
{
	struct work k;

	return lay_out(&k, s, NULL);
}

void XL_FN(xl_sweep)(const struct xl_sweep *s, void *scratch)
{
	struct work k;
	int64_t items = 0;
	int part = 0;

	lay_out(&k, s, scratch);
	if (k.outs)
		XL_FN(xl_pack_few)(k.w, s, k.outs);
	else
		XL_FN(xl_pack)(k.w, s);
	k.row_runs = xl_axis_runs(k.rows, &s->rows);
	k.col_runs = xl_axis_runs(k.cols, &s->cols);
	for (int r = 0; r < k.row_runs; r++)
		for (int c = 0; c < k.col_runs; c++) {
			k.first[part++] = items;
			items += xl_div_up((int64_t)s->n * k.rows[r].count * k.cols[c].count, ITEM);
		}
	k.first[part] = items;
	/* what is larger is read from memory once */
	k.by_run = (int64_t)s->n * s->rows.of * s->cols.of > (int64_t)s->co * s->rows.k * s->cols.k;
	xl_parallel(sweep_item, &k, xl_div_up(s->co, WIDE) * items);
}
