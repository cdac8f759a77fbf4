/*
 * simd_pack.c - weights to the order of direct convolution: output
 * channels become the lanes. Memory is read and written in runs: squares of four
 * by four numbers are turned in registers.
 */
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/simd_pack.h"

struct packing {
	const struct xl_sweep *s;
	float *out;
	int lanes, taps;
};

/* A group of output channels: from c0 on, nc of them, in rows of `wide` numbers. */
struct group {
	int c0, nc, wide;
};

/* row[lane * taps + tap]: where a block of inputs goes. */
static void find_rows(float **row, const struct packing *k, const struct group *g, int block)
{
	float *to = k->out +
		    ((int64_t)g->c0 * k->s->ci + (int64_t)block * k->lanes * g->wide) * k->taps;

	for (int l = 0; l < k->lanes; l++)
		for (int t = 0; t < k->taps; t++)
			*row++ = to + (t * k->lanes + l) * g->wide;
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
	const struct xl_sweep *s = k->s;
	const int c0 = (int)item * XL_PAIR * XL_BLOCK, left = s->co - c0;
	const int wide = XL_PAIR == 2 && left > XL_BLOCK ? XL_PAIR * XL_BLOCK : XL_BLOCK;
	const struct group g = {c0, left < wide ? left : wide, wide};
	const bool forward = s->w_ci == k->taps; /* the lanes, too, are a run of w */
	const int runs = forward ? 1 : k->lanes, count = k->lanes * k->taps / runs;
	float *row[XL_BLOCK * XL_TAPS];

	for (int b = 0; b < s->ci / k->lanes; b++) {
		const float *w = s->w + c0 * s->w_co + (int64_t)b * k->lanes * s->w_ci;
		find_rows(row, k, &g, b);
		for (int i = 0; i < runs; i++)
			turn(row + i * count, w + i * s->w_ci, s->w_co, count, &g);
	}
}

void XL_FN(xl_pack)(float *out, const struct xl_sweep *s)
{
	struct packing k = {s, out, xl_block_of(s->ci), s->rows.k * s->cols.k};

	xl_parallel(pack_item, &k, xl_div_up(s->co, XL_PAIR * XL_BLOCK));
}

void XL_FN(xl_pack_few)(float *out, const struct xl_sweep *s, int outs)
{
	const int taps = s->rows.k * s->cols.k;

	for (int c0 = 0; c0 < s->ci; c0 += XL_BLOCK)
		for (int t = 0; t < taps; t++)
			for (int v = 0; v < XL_BLOCK; v += XL_LANES)
				for (int o = 0; o < outs; o++)
					for (int l = v; l < v + XL_LANES; l++)
						*out++ = o < s->co ? s->w[o * s->w_co +
									  (c0 + l) * s->w_ci + t]
								   : 0;
}
