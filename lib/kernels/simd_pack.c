/*
 * simd_pack.c - weights to the order of direct convolution: output
 * channels become the lanes. Memory is read and written in runs: squares of four
 * by four numbers are turned in registers.
 */
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/simd_pack.h"

enum { MAX_TAPS = 256 };

/* Where a tap goes: number `index` of the `of` taps of a sweep, whose weights begin at
 * `base`. */
struct tap {
	int64_t base;
	int index, of;
};

/* The weights of one sweep, or of several that share the taps. */
struct packing {
	float *out;
	const float *w;
	int co, ci;         /* of the sweeps */
	int64_t w_co, w_ci; /* strides of w: one of the two is taps */
	int lanes, taps;
	struct tap tap[MAX_TAPS];
};

/* A group of output channels: from c0 on, nc of them, in rows of `wide` numbers. */
struct group {
	int c0, nc, wide;
};

/* row[lane * taps + tap]: where a block of inputs goes. */
static void find_rows(float **row, const struct packing *k, const struct group *g, int block)
{
	for (int l = 0; l < k->lanes; l++)
		for (int t = 0; t < k->taps; t++) {
			const struct tap *tap = &k->tap[t];
			const int64_t r = ((int64_t)block * tap->of + tap->index) * k->lanes + l;
			*row++ =
				k->out + tap->base + (int64_t)g->c0 * k->ci * tap->of + r * g->wide;
		}
}

/* row[j][c] = w[c][j], a run of w for each output channel; missing ones are zero. */
static void turn(float *const *row, const float *w, int64_t w_co, int count, const struct group *g)
{
	int c = 0;

	for (; c + 4 <= g->nc; c += 4, w += 4 * w_co) {
		int j = 0;
		for (; j + 4 <= count; j += 4) {
			v4 m[4];
			for (int i = 0; i < 4; i++)
				m[i] = *(const v4 *)(w + i * w_co + j);
			xl_transpose4(m);
			for (int i = 0; i < 4; i++)
				*(v4 *)(row[j + i] + c) = m[i];
		}
		for (; j < count; j++)
			for (int i = 0; i < 4; i++)
				row[j][c + i] = w[i * w_co + j];
	}
	for (; c < g->wide; c++, w += w_co)
		for (int j = 0; j < count; j++)
			row[j][c] = c < g->nc ? w[j] : 0;
}

/* Each output group is an item. */
static void pack_item(void *ctx, int64_t item)
{
	const struct packing *k = ctx;
	const int c0 = (int)item * XL_PAIR * XL_BLOCK, left = k->co - c0;
	const int wide = XL_PAIR == 2 && left > XL_BLOCK ? XL_PAIR * XL_BLOCK : XL_BLOCK;
	const struct group g = {c0, left < wide ? left : wide, wide};
	const bool forward = k->w_ci == k->taps; /* the lanes, too, are a run of w */
	const int runs = forward ? 1 : k->lanes, count = k->lanes * k->taps / runs;
	float *row[XL_BLOCK * MAX_TAPS];

	for (int b = 0; b < k->ci / k->lanes; b++) {
		const float *w = k->w + c0 * k->w_co + (int64_t)b * k->lanes * k->w_ci;
		find_rows(row, k, &g, b);
		for (int i = 0; i < runs; i++)
			turn(row + i * count, w + i * k->w_ci, k->w_co, count, &g);
	}
}

static void pack(struct packing *k)
{
	xl_parallel(pack_item, k, xl_div_up(k->co, XL_PAIR * XL_BLOCK));
}

void XL_FN(xl_pack_fwd)(float *out, const float *w, const struct xl_conv2d_dims *d)
{
	const int taps = d->kh * d->kw;
	struct packing k = {.out = out,
			    .w = w,
			    .co = d->co,
			    .ci = d->ci,
			    .w_co = (int64_t)d->ci * taps,
			    .w_ci = taps,
			    .lanes = xl_block_of(d->ci),
			    .taps = taps};

	for (int t = 0; t < taps; t++)
		k.tap[t] = (struct tap){0, t, taps};
	pack(&k);
}

void XL_FN(xl_pack_bwd_x)(float *out, const float *w, const struct xl_conv2d_dims *d)
{
	const int st = d->stride, taps = d->kh * d->kw;
	struct packing k = {.out = out,
			    .w = w,
			    .co = d->ci,
			    .ci = d->co,
			    .w_co = taps,
			    .w_ci = (int64_t)d->ci * taps,
			    .lanes = xl_block_of(d->co),
			    .taps = taps};
	int64_t base = 0;

	for (int p = 0; p < st * st; base += xl_phase_count(d, p), p++) {
		const int rows = xl_phase_taps(d->kh, st, p / st);
		const int cols = xl_phase_taps(d->kw, st, p % st);
		for (int i = 0; i < rows * cols; i++) {
			const int u = p / st + i / cols * st, v = p % st + i % cols * st;
			k.tap[u * d->kw + v] = (struct tap){base, i, rows * cols};
		}
	}
	pack(&k);
}
