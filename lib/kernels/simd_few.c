/*
 * simd_few.c - convolutions to at most four output channels, where a block of 16
 * would be mostly empty: colours, masks, the critic's score. The lanes are the
 * input channels instead, and are summed at the end.
 *
 * few_sweep   a tile of pixels times up to four outputs: for every block of input
 *             channels and tap, one vector of inputs per pixel and one vector of
 *             weights per output
 * few_wgrad   taps times outputs, summed over all pixels: one vector of inputs
 *             per tap, one broadcast gradient per output
 */
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/simd_few.h"

#if XL_LANES == 16
enum { PX = 6, TAPS = 6 };
#else
enum { PX = 2, TAPS = 2 };
#endif

#define UNROLL _Pragma("GCC unroll 8")

/* out[p][o]: sums over blocks, taps and lanes */
static void few_tile(float out[PX][XL_FEW], const float *const *px, const struct xl_few *s)
{
	const float *w = s->w;
	vf acc[PX][XL_FEW];

	UNROLL for (int p = 0; p < PX; p++)
	{
		UNROLL for (int o = 0; o < XL_FEW; o++) acc[p][o] = (vf){0};
	}
	for (int k = 0; k < s->blocks; k++)
		for (int t = 0; t < s->taps; t++)
			for (int v = 0; v < XL_VECS; v++, w += XL_FEW * XL_LANES) {
				const int64_t d = k * s->x_block + s->delta[t] + v * XL_LANES;
				vf wv[XL_FEW];
				UNROLL for (int o = 0; o < XL_FEW; o++) wv[o] =
					*(const vf *)(w + o * XL_LANES);
				UNROLL for (int p = 0; p < PX; p++)
				{
					const vf xv = *(const vf *)(px[p] + d);
					UNROLL for (int o = 0; o < XL_FEW; o++) acc[p][o] +=
						xv * wv[o];
				}
			}
	for (int p = 0; p < PX; p++)
		for (int o = 0; o < XL_FEW; o++)
			out[p][o] = xl_lanes_sum(acc[p][o]);
}

/* One row of the grid is an item. */
static void few_item(void *ctx, int64_t item)
{
	const struct xl_few *s = ctx;
	const int64_t n = item / s->gh, r = item % s->gh;
	const float *x = s->x + n * s->x_image + r * s->x_row;
	float *y = s->y + n * s->y_image + r * s->y_row;
	float out[PX][XL_FEW];

	for (int c = 0; c < s->gw; c += PX) {
		const float *px[PX];
		for (int p = 0; p < PX; p++)
			px[p] = x + (c + p < s->gw ? c + p : c) * s->x_col;
		few_tile(out, px, s);
		for (int p = 0; p < PX && c + p < s->gw; p++)
			for (int o = 0; o < s->co; o++)
				y[(c + p) * s->y_col + o * s->y_plane] =
					out[p][o] + (s->bias ? s->bias[o] : 0);
	}
}

void XL_FN(xl_few_pack)(float *out, const float *w, const struct xl_few *s, int64_t w_co,
			int64_t w_ci, const int *tap)
{
	for (int k = 0; k < s->blocks; k++)
		for (int t = 0; t < s->taps; t++)
			for (int v = 0; v < XL_VECS; v++)
				for (int o = 0; o < XL_FEW; o++)
					for (int l = 0; l < XL_LANES; l++, out++) {
						const int ci = k * XL_BLOCK + v * XL_LANES + l;
						*out = o < s->co ? w[o * w_co + ci * w_ci + tap[t]]
								 : 0;
					}
}

void XL_FN(xl_few_sweep)(const struct xl_few *s)
{
	xl_parallel(few_item, (void *)(uintptr_t)s, (int64_t)s->n * s->gh);
}

/* ---- weight gradient ---- */

/* Up to TAPS taps of one block of inputs and one vector of it. */
static void few_wgrad_image(double *sum, const struct xl_few_wgrad *g, const float *x,
			    const float *gy, const int64_t *off)
{
	const struct xl_conv2d_dims *d = g->d;
	const int64_t row = (int64_t)d->stride * g->wp * XL_BLOCK;
	const int64_t col = (int64_t)d->stride * XL_BLOCK;
	vf acc[TAPS][XL_FEW];

	UNROLL for (int t = 0; t < TAPS; t++)
	{
		UNROLL for (int o = 0; o < XL_FEW; o++) acc[t][o] = (vf){0};
	}
	for (int r = 0; r < d->oh; r++) {
		const float *xr = x + r * row;
		for (int c = 0; c < d->ow; c++, xr += col, gy += XL_FEW) {
			UNROLL for (int t = 0; t < TAPS; t++)
			{
				const vf xv = *(const vf *)(xr + off[t]);
				UNROLL for (int o = 0; o < XL_FEW; o++) acc[t][o] += gy[o] * xv;
			}
		}
	}
	for (int t = 0; t < TAPS; t++)
		for (int o = 0; o < XL_FEW; o++) {
			float f[XL_LANES];
			*(vf *)f = acc[t][o];
			for (int l = 0; l < XL_LANES; l++)
				sum[(t * XL_FEW + o) * XL_LANES + l] += (double)f[l];
		}
}

static void few_wgrad_item(void *ctx, int64_t item)
{
	const struct xl_few_wgrad *g = ctx;
	const struct xl_conv2d_dims *d = g->d;
	const int taps = d->kh * d->kw, sets = (int)xl_div_up(taps, TAPS);
	const int t0 = (int)(item % sets) * TAPS, c0 = (int)(item / sets) * XL_LANES;
	const int64_t plane = (int64_t)g->hp * g->wp, pixels = (int64_t)d->oh * d->ow;
	double sum[TAPS * XL_FEW * XL_LANES] = {0};
	int64_t off[TAPS];

	for (int t = 0; t < TAPS; t++) {
		const int tap = t0 + t < taps ? t0 + t : t0;
		off[t] = ((int64_t)(tap / d->kw) * g->wp + tap % d->kw) * XL_BLOCK;
	}
	const int64_t at = c0 / XL_BLOCK * plane * XL_BLOCK + c0 % XL_BLOCK;
	for (int n = 0; n < d->n; n++)
		few_wgrad_image(sum, g, g->x + n * d->ci * plane + at, g->gy + n * pixels * XL_FEW,
				off);
	for (int t = 0; t < TAPS && t0 + t < taps; t++)
		for (int o = 0; o < d->co; o++)
			for (int l = 0; l < XL_LANES; l++)
				g->gw[((int64_t)o * d->ci + c0 + l) * taps + t0 + t] =
					(float)sum[(t * XL_FEW + o) * XL_LANES + l];
}

/* Plain (n,co,pixels) to (n,pixels,4), missing outputs zero. */
static void interleave_item(void *ctx, int64_t n)
{
	const struct xl_few_wgrad *g = ctx;
	const int64_t pixels = (int64_t)g->d->oh * g->d->ow;
	float *y = g->gy + n * pixels * XL_FEW;

	for (int64_t i = 0; i < pixels; i++)
		for (int o = 0; o < XL_FEW; o++)
			y[i * XL_FEW + o] =
				o < g->d->co ? g->plain[(n * g->d->co + o) * pixels + i] : 0;
}

void XL_FN(xl_few_wgrad)(const struct xl_few_wgrad *g)
{
	const int taps = g->d->kh * g->d->kw;

	xl_parallel(interleave_item, (void *)(uintptr_t)g, g->d->n);
	xl_parallel(few_wgrad_item, (void *)(uintptr_t)g,
		    g->d->ci / XL_LANES * xl_div_up(taps, TAPS));
}
