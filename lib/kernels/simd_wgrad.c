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

enum {
	GROUPS = 8, /* of SLOTS, at most, that are an item */
	PART = 128  /* pixels, about, that all groups of an item read from the cache */
};

struct wgrad {
	float *sums;
	const float *x, *gy;
	const struct xl_conv2d_dims *d;
	int b, hp, wp, slots, slot_groups, parts;
};

/* sum[slot][16] += over rows of gradients; slots of blocks are neighbours, from x on,
 * others read at[] of it. */
#define WGRAD(NAME, OFFSET)                                                                        \
	static void NAME(float *sum, const struct wgrad *g, const float *x, const float *gy,       \
			 const int64_t *at, int rows)                                              \
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

/* Where each slot of groups of them reads; slots that are missing read as the first. */
static void find_slots(int64_t *at, const struct wgrad *g, int s0, int count)
{
	const struct xl_conv2d_dims *d = g->d;
	const int taps = d->kh * d->kw;

	for (int s = 0; s < count; s++) {
		const int slot = s0 + s < g->slots ? s0 + s : s0;
		/* blocked: lanes are the fastest part of a slot's number */
		const int lane = slot % g->b, tap = slot / g->b % taps, cb = slot / g->b / taps;
		const int64_t pixel = ((int64_t)cb * g->hp + tap / d->kw) * g->wp + tap % d->kw;
		at[s] = pixel * g->b + lane;
	}
}

/* One image: parts of its rows that stay in the cache while every group reads them. */
static void add_image(float *sums, const struct wgrad *g, const float *x, const float *gy,
		      const int64_t *slots, int groups)
{
	const struct xl_conv2d_dims *d = g->d;
	const int step = (int)xl_div_up(PART, d->ow);

	for (int r = 0; r < d->oh; r += step) {
		const int rows = d->oh - r < step ? d->oh - r : step;
		const float *xr = x + (int64_t)r * d->stride * g->wp * g->b;
		const float *gr = gy + (int64_t)r * d->ow * XL_BLOCK;
		for (int i = 0; i < groups; i++) {
			const int64_t *at = slots + i * SLOTS;
			float *sum = sums + i * SLOTS * XL_BLOCK;
			if (g->b > 1)
				wgrad_blocked(sum, g, xr + at[0], gr, at, rows);
			else
				wgrad_plain(sum, g, xr, gr, at, rows);
		}
	}
}

static void wgrad_item(void *ctx, int64_t item)
{
	const struct wgrad *g = ctx;
	const struct xl_conv2d_dims *d = g->d;
	const int ocb = (int)(item / g->parts), part = (int)(item % g->parts);
	const int from = part * g->slot_groups / g->parts;
	const int groups = (part + 1) * g->slot_groups / g->parts - from;
	const int left = g->slots - from * SLOTS, count = groups * SLOTS;
	float *out = g->sums + ((int64_t)ocb * g->slots + from * SLOTS) * XL_BLOCK;
	double total[GROUPS * SLOTS * XL_BLOCK] = {0};
	int64_t at[GROUPS * SLOTS];

	find_slots(at, g, from * SLOTS, count);
	for (int n = 0; n < d->n; n++) {
		float sum[GROUPS * SLOTS * XL_BLOCK] = {0};
		add_image(sum, g, g->x + n * (int64_t)d->ci * g->hp * g->wp,
			  g->gy + (n * xl_div_up(d->co, XL_BLOCK) + ocb) * d->oh * d->ow * XL_BLOCK,
			  at, groups);
		for (int i = 0; i < count * XL_BLOCK; i++)
			total[i] += (double)sum[i];
	}
	for (int i = 0; i < (left < count ? left : count) * XL_BLOCK; i++)
		out[i] = (float)total[i];
}

void XL_FN(xl_wgrad)(float *sums, const float *x, const float *gy, const struct xl_conv2d_dims *d)
{
	const int slots = d->ci * d->kh * d->kw, groups = (int)xl_div_up(slots, SLOTS);
	struct wgrad g = {.sums = sums,
			  .x = x,
			  .gy = gy,
			  .d = d,
			  .b = xl_block_of(d->ci),
			  .hp = d->h + 2 * d->pad_h,
			  .wp = d->w + 2 * d->pad_w,
			  .slots = slots,
			  .slot_groups = groups,
			  .parts = (int)xl_div_up(groups, GROUPS)};

	xl_parallel(wgrad_item, &g, xl_div_up(d->co, XL_BLOCK) * g.parts);
}
