/*
 * simd_pack.c - weights to the order of direct convolution: output
 * channels become the lanes. Memory is read and written in runs: squares of four
 * by four numbers are turned in registers.
 */
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/simd_pack.h"

enum { MAX_TAPS = 256 };

/* row[lane * taps + tap]: the row of a packed block that an input of it has. */
static void find_rows(int *row, int lanes, int taps)
{
	for (int l = 0; l < lanes; l++)
		for (int t = 0; t < taps; t++)
			*row++ = t * lanes + l;
}

/* One block of inputs, forward: all taps, in runs of w. */
static void pack_runs(float *out, const struct xl_packing *k, const float *w, int nc, int wide,
		      const int *row)
{
	const int count = k->lanes * k->taps;
	int c = 0;

	for (; c + 4 <= nc; c += 4) {
		int j = 0;
		for (; j + 4 <= count; j += 4) {
			v4 m[4];
			for (int i = 0; i < 4; i++)
				m[i] = *(const v4 *)(w + (c + i) * k->w_co + j);
			xl_transpose4(m);
			for (int i = 0; i < 4; i++)
				*(v4 *)(out + row[j + i] * wide + c) = m[i];
		}
		for (; j < count; j++)
			for (int i = 0; i < 4; i++)
				out[row[j] * wide + c + i] = w[(c + i) * k->w_co + j];
	}
	for (; c < nc; c++)
		for (int j = 0; j < count; j++)
			out[row[j] * wide + c] = w[c * k->w_co + j];
}

/* One block of inputs, backward: the taps of a phase; w is spread widest over the
 * lanes. */
static void pack_taps(float *out, const struct xl_packing *k, const float *w, int nc, int wide)
{
	for (int l = 0; l < k->lanes; l++)
		for (int t = 0; t < k->taps; t++)
			for (int c = 0; c < nc; c++)
				out[(t * k->lanes + l) * wide + c] =
					w[c * k->w_co + l * k->w_ci + k->tap[t]];
}

/* Each output group is an item. */
static void pack_item(void *ctx, int64_t group)
{
	const struct xl_packing *k = ctx;
	const int c0 = (int)group * XL_PAIR * XL_BLOCK, left = k->co - c0;
	const int wide = XL_PAIR == 2 && left > XL_BLOCK ? XL_PAIR * XL_BLOCK : XL_BLOCK;
	const int64_t size = (int64_t)k->taps * k->lanes * wide;
	float *out = k->out + (int64_t)c0 * k->ci * k->taps;

	int row[XL_BLOCK * MAX_TAPS];

	find_rows(row, k->lanes, k->taps);
	for (int b = 0; b < k->ci / k->lanes; b++, out += size) {
		const float *w = k->w + c0 * k->w_co + b * k->lanes * k->w_ci;
		const int nc = left < wide ? left : wide;
		if (nc < wide)
			memset(out, 0, (size_t)size * sizeof *out);
		if (k->w_ci == k->taps)
			pack_runs(out, k, w, nc, wide, row);
		else
			pack_taps(out, k, w, nc, wide);
	}
}

void XL_FN(xl_pack)(const struct xl_packing *k)
{
	xl_parallel(pack_item, (void *)(uintptr_t)k, xl_div_up(k->co, XL_PAIR * XL_BLOCK));
}
