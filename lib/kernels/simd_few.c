/*
 * simd_few.c - weight gradients of convolutions to at most four output channels, where
 * a block of 16 would be mostly empty: colours, masks, the critic's score. The lanes
 * are the input channels instead: taps times outputs, summed over pixels, one vector of
 * inputs per tap, one broadcast gradient per output. Rows of an image, for a vector of
 * inputs, are an item.
 */
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/simd_few.h"

/* Accumulators that fit the registers: taps x outputs. */
#if XL_LANES == 16
enum { TAPS_3 = 7, TAPS_4 = 6 };
#else
enum { TAPS_3 = 3, TAPS_4 = 2 };
#endif

enum { PART = 1024 /* pixels, about, of an item */ };

#define UNROLL _Pragma("GCC unroll 8")

/* Adds to sum[tap][o][lane], for the taps of off[]: rows of ow pixels. */
#define FEW_WGRAD(NAME, TAPS, NO)                                                                  \
	static void NAME(float *sum, const struct xl_few_wgrad *g, const float *x,                 \
			 const float *gy, const int64_t *off, int rows)                            \
	{                                                                                          \
		const struct xl_conv2d_dims *d = g->d;                                             \
		const int64_t row = (int64_t)d->stride * g->wp * XL_BLOCK;                         \
		const int64_t col = (int64_t)d->stride * XL_BLOCK;                                 \
		vf acc[TAPS][NO];                                                                  \
		UNROLL for (int t = 0; t < TAPS; t++)                                              \
		{                                                                                  \
			UNROLL for (int o = 0; o < NO; o++) acc[t][o] = (vf){0};                   \
		}                                                                                  \
		for (int r = 0; r < rows; r++) {                                                   \
			const float *xr = x + r * row;                                             \
			for (int c = 0; c < d->ow; c++, xr += col, gy += XL_FEW) {                 \
				UNROLL for (int t = 0; t < TAPS; t++)                              \
				{                                                                  \
					const vf xv = xl_held(*(const vf *)(xr + off[t]));         \
					UNROLL for (int o = 0; o < NO; o++) acc[t][o] +=           \
						gy[o] * xv;                                        \
				}                                                                  \
			}                                                                          \
		}                                                                                  \
		UNROLL for (int t = 0; t < TAPS; t++)                                              \
		{                                                                                  \
			UNROLL for (int o = 0; o < NO; o++) * (vf *)(sum + o * XL_LANES) =         \
				acc[t][o];                                                         \
			sum += XL_FEW * XL_LANES;                                                  \
		}                                                                                  \
	}

FEW_WGRAD(few_wgrad_3, TAPS_3, 3)
FEW_WGRAD(few_wgrad_4, TAPS_4, 4)
FEW_WGRAD(few_wgrad_point, 1, 4)

static int tap_set(const struct xl_conv2d_dims *d)
{
	return d->kh * d->kw == 1 ? 1 : d->co == XL_FEW ? TAPS_4 : TAPS_3;
}

static int part_rows(const struct xl_conv2d_dims *d)
{
	return (int)xl_div_up(PART, d->ow);
}

/* Numbers of the sums of one item: [tap][4][lane]. */
static int64_t item_sums(const struct xl_conv2d_dims *d)
{
	return xl_round_up(d->kh * d->kw, tap_set(d)) * XL_FEW * XL_LANES;
}

static int64_t item_count(const struct xl_conv2d_dims *d)
{
	return (int64_t)d->n * xl_div_up(d->oh, part_rows(d)) * (d->ci / XL_LANES);
}

int64_t XL_FN(xl_few_sums)(const struct xl_conv2d_dims *d)
{
	return item_count(d) * item_sums(d);
}

static void few_wgrad_item(void *ctx, int64_t item)
{
	const struct xl_few_wgrad *g = ctx;
	const struct xl_conv2d_dims *d = g->d;
	const int taps = d->kh * d->kw, set = tap_set(d), vectors = d->ci / XL_LANES;
	const int parts = (int)xl_div_up(d->oh, part_rows(d));
	const int64_t n = item / vectors / parts, c0 = item % vectors * XL_LANES;
	const int r0 = (int)(item / vectors % parts) * part_rows(d);
	const int rows = d->oh - r0 < part_rows(d) ? d->oh - r0 : part_rows(d);
	const int64_t plane = (int64_t)g->hp * g->wp;
	const float *x = g->x + n * d->ci * plane + c0 / XL_BLOCK * plane * XL_BLOCK +
			 c0 % XL_BLOCK + (int64_t)r0 * d->stride * g->wp * XL_BLOCK;
	const float *gy = g->gy + (n * d->oh + r0) * d->ow * XL_FEW;
	float *sum = g->sums + item * item_sums(d);

	for (int t0 = 0; t0 < taps; t0 += set, sum += set * XL_FEW * XL_LANES) {
		int64_t off[TAPS_3 > TAPS_4 ? TAPS_3 : TAPS_4];
		for (int t = 0; t < set; t++) {
			const int tap = t0 + t < taps ? t0 + t : t0;
			off[t] = ((int64_t)(tap / d->kw) * g->wp + tap % d->kw) * XL_BLOCK;
		}
		if (set == 1)
			few_wgrad_point(sum, g, x, gy, off, rows);
		else if (set == TAPS_4)
			few_wgrad_4(sum, g, x, gy, off, rows);
		else
			few_wgrad_3(sum, g, x, gy, off, rows);
	}
}

/* Adds up the items of a vector of inputs, in double precision. */
static void few_add_item(void *ctx, int64_t vector)
{
	const struct xl_few_wgrad *g = ctx;
	const struct xl_conv2d_dims *d = g->d;
	const int taps = d->kh * d->kw, vectors = d->ci / XL_LANES;
	const int64_t items = item_count(d), size = item_sums(d);

	for (int t = 0; t < taps; t++)
		for (int o = 0; o < d->co; o++) {
			double sum[XL_LANES] = {0};
			for (int64_t i = vector; i < items; i += vectors) {
				const float *s = g->sums + i * size + (t * XL_FEW + o) * XL_LANES;
				for (int l = 0; l < XL_LANES; l++)
					sum[l] += (double)s[l];
			}
			for (int l = 0; l < XL_LANES; l++)
				g->gw[((int64_t)o * d->ci + vector * XL_LANES + l) * taps + t] =
					(float)sum[l];
		}
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
	void *ctx = (void *)(uintptr_t)g;

	xl_parallel(interleave_item, ctx, g->d->n);
	xl_parallel(few_wgrad_item, ctx, item_count(g->d));
	xl_parallel(few_add_item, ctx, g->d->ci / XL_LANES);
}
