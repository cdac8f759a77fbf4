/*
 * simd_wgrad.c - the weight gradient of direct convolution: SLOTS weights (input
 * channel, tap) times a block of 16 output channels, summed over all pixels; for
 * every pixel one vector of gradients and one broadcast input per slot. Images are
 * added up in double precision.
 */
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

struct wgrad {
	float *sums;
	const float *x, *gy;
	const struct xl_conv2d_dims *d;
	int b, hp, wp, slots, slot_groups;
};

#define WGRAD(NAME, OFFSET)                                                                        \
	static void NAME(double *sum, const struct wgrad *g, const float *x, const float *gy,      \
			 const int64_t *off)                                                       \
	{                                                                                          \
		const struct xl_conv2d_dims *d = g->d;                                             \
		const int64_t row = (int64_t)d->stride * g->wp * g->b, col = d->stride * g->b;     \
		vf acc[SLOTS][XL_VECS];                                                            \
		(void)off;                                                                         \
		UNROLL for (int s = 0; s < SLOTS; s++)                                             \
		{                                                                                  \
			UNROLL for (int v = 0; v < XL_VECS; v++) acc[s][v] = (vf){0};              \
		}                                                                                  \
		for (int r = 0; r < d->oh; r++) {                                                  \
			const float *xr = x + r * row;                                             \
			for (int c = 0; c < d->ow; c++, xr += col, gy += XL_BLOCK) {               \
				vf gv[XL_VECS];                                                    \
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
			float f[XL_BLOCK];                                                         \
			UNROLL for (int v = 0; v < XL_VECS; v++) * (vf *)(f + v * XL_LANES) =      \
				acc[s][v];                                                         \
			for (int o = 0; o < XL_BLOCK; o++)                                         \
				sum[s * XL_BLOCK + o] += (double)f[o];                             \
		}                                                                                  \
	}

WGRAD(wgrad_blocked, s)
WGRAD(wgrad_plain, off[s])

static void wgrad_item(void *ctx, int64_t item)
{
	const struct wgrad *g = ctx;
	const struct xl_conv2d_dims *d = g->d;
	const int taps = d->kh * d->kw, ocb = (int)(item / g->slot_groups);
	const int s0 = (int)(item % g->slot_groups) * SLOTS;
	const int64_t plane = (int64_t)g->hp * g->wp;
	float *out = g->sums + ((int64_t)ocb * g->slots + s0) * XL_BLOCK;
	double sum[SLOTS * XL_BLOCK] = {0};
	int64_t off[SLOTS];

	for (int s = 0; s < SLOTS; s++) {
		const int slot = s0 + s < g->slots ? s0 + s : s0;
		/* blocked: lanes are the fastest part of a slot's number */
		const int lane = slot % g->b, tap = slot / g->b % taps, cb = slot / g->b / taps;
		off[s] = (cb * plane + (int64_t)(tap / d->kw) * g->wp + tap % d->kw) * g->b + lane;
	}
	for (int n = 0; n < d->n; n++) {
		const float *x = g->x + n * (int64_t)d->ci * plane;
		const float *gy =
			g->gy + (n * xl_div_up(d->co, XL_BLOCK) + ocb) * d->oh * d->ow * XL_BLOCK;
		if (g->b > 1)
			wgrad_blocked(sum, g, x + off[0], gy, off);
		else
			wgrad_plain(sum, g, x, gy, off);
	}
	for (int i = 0; i < SLOTS * XL_BLOCK && s0 + i / XL_BLOCK < g->slots; i++)
		out[i] = (float)sum[i];
}

void XL_FN(xl_wgrad)(float *sums, const float *x, const float *gy, const struct xl_conv2d_dims *d)
{
	const int slots = d->ci * d->kh * d->kw;
	struct wgrad g = {.sums = sums,
			  .x = x,
			  .gy = gy,
			  .d = d,
			  .b = xl_block_of(d->ci),
			  .hp = d->h + 2 * d->pad_h,
			  .wp = d->w + 2 * d->pad_w,
			  .slots = slots,
			  .slot_groups = (int)xl_div_up(slots, SLOTS)};

	xl_parallel(wgrad_item, &g, xl_div_up(d->co, XL_BLOCK) * g.slot_groups);
}
