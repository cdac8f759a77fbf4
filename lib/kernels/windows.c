/*
 * windows.c - the largest, or the mean, of windows, and their adjoints; one plane of
 * one image is an item of work. Forward, whole blocks of channels go to simd_window.c.
 */
#include <assert.h>
#include <string.h>
#include "core/pool.h"
#include "kernels/windows.h"

struct pass {
	float *to;
	const float *from, *x;
	const struct xl_dims *d;
	const struct xl_window *w;
	int oh, ow;
};

int xl_window_count(const struct xl_window *w, int n)
{
	const int room = n + 2 * w->pad - w->k + (w->is_ceil ? w->stride - 1 : 0);
	int count;

	if (n < 1 || room < 0)
		return 0;
	count = room / w->stride + 1;
	return (count - 1) * w->stride >= n + w->pad ? count - 1 : count;
}

static struct xl_window_part part_of(const struct pass *p, int o)
{
	return xl_window_part(p->w, p->d, o / p->ow, o % p->ow);
}

/* Where x is largest, for each of b lanes; NaN stays once it is met. */
static void find_largest(int at[XL_BLOCK], float best[XL_BLOCK], const struct pass *p,
			 const float *x, const struct xl_window_part *s)
{
	const int b = p->d->b, first = (s->top * p->d->w + s->left) * b;

	for (int l = 0; l < b; l++) {
		at[l] = first + l;
		best[l] = x[first + l];
	}
	for (int i = s->top; i < s->bottom; i++)
		for (int j = s->left; j < s->right; j++)
			for (int l = 0, k = (i * p->d->w + j) * b; l < b; l++, k++) {
				const bool is_larger = x[k] > best[l] || x[k] != x[k];

				best[l] = is_larger ? x[k] : best[l];
				at[l] = is_larger ? k : at[l];
			}
}

static void sum_window(float sum[XL_BLOCK], const struct pass *p, const float *x,
		       const struct xl_window_part *s)
{
	const int b = p->d->b;

	memset(sum, 0, XL_BLOCK * sizeof *sum);
	for (int i = s->top; i < s->bottom; i++)
		for (int j = s->left; j < s->right; j++)
			for (int l = 0, k = (i * p->d->w + j) * b; l < b; l++, k++)
				sum[l] += x[k];
}

static void fwd_item(void *ctx, int64_t plane)
{
	const struct pass *p = ctx;
	const int b = p->d->b, outs = p->oh * p->ow;
	const float *x = p->from + plane * p->d->h * p->d->w * b;
	float *y = p->to + plane * outs * b, sum[XL_BLOCK];
	int at[XL_BLOCK];

	if (b == XL_BLOCK) {
		xl_kernels()->window_plane(y, x, p->d, p->w);
		return;
	}
	for (int o = 0; o < outs; o++, y += b) {
		const struct xl_window_part s = part_of(p, o);

		if (p->w->kind == XL_LARGEST) {
			find_largest(at, sum, p, x, &s);
			memcpy(y, sum, (size_t)b * sizeof *y);
			continue;
		}
		sum_window(sum, p, x, &s);
		for (int l = 0; l < b; l++)
			y[l] = sum[l] * s.share;
	}
}

static void add_to_window(float *gx, const float *gy, const struct pass *p,
			  const struct xl_window_part *s)
{
	const int b = p->d->b;

	for (int i = s->top; i < s->bottom; i++)
		for (int j = s->left; j < s->right; j++)
			for (int l = 0, k = (i * p->d->w + j) * b; l < b; l++, k++)
				gx[k] += gy[l] * s->share;
}

static void bwd_item(void *ctx, int64_t plane)
{
	const struct pass *p = ctx;
	const int b = p->d->b, outs = p->oh * p->ow;
	const int64_t size = (int64_t)p->d->h * p->d->w * b;
	float *gx = p->to + plane * size, best[XL_BLOCK];
	const float *gy = p->from + plane * outs * b;
	int at[XL_BLOCK];

	memset(gx, 0, (size_t)size * sizeof *gx);
	for (int o = 0; o < outs; o++, gy += b) {
		const struct xl_window_part s = part_of(p, o);

		if (p->w->kind != XL_LARGEST) {
			add_to_window(gx, gy, p, &s);
			continue;
		}
		find_largest(at, best, p, p->x + plane * size, &s);
		for (int l = 0; l < b; l++)
			gx[at[l]] += gy[l];
	}
}

static void pick_item(void *ctx, int64_t plane)
{
	const struct pass *p = ctx;
	const int b = p->d->b, outs = p->oh * p->ow;
	const int64_t size = (int64_t)p->d->h * p->d->w * b;
	float *y = p->to + plane * outs * b, best[XL_BLOCK];
	int at[XL_BLOCK];

	for (int o = 0; o < outs; o++, y += b) {
		const struct xl_window_part s = part_of(p, o);

		find_largest(at, best, p, p->x + plane * size, &s);
		for (int l = 0; l < b; l++)
			y[l] = p->from[plane * size + at[l]];
	}
}

static void run(void (*item)(void *, int64_t), float *to, const float *from, const float *x,
		const struct xl_dims *d, const struct xl_window *w)
{
	struct pass p = {to, from, x, d, w, xl_window_count(w, d->h), xl_window_count(w, d->w)};

	assert(p.oh > 0 && p.ow > 0 && w->pad < w->k && !(w->kind == XL_MEAN_ALL && w->is_ceil));
	xl_parallel(item, &p, (int64_t)d->n * d->c / d->b);
}

void xl_window_fwd(float *y, const float *x, const struct xl_dims *d, const struct xl_window *w)
{
	run(fwd_item, y, x, NULL, d, w);
}

void xl_window_bwd(float *gx, const float *gy, const float *x, const struct xl_dims *d,
		   const struct xl_window *w)
{
	run(bwd_item, gx, gy, x, d, w);
}

void xl_window_pick(float *y, const float *v, const float *x, const struct xl_dims *d,
		    const struct xl_window *w)
{
	assert(w->kind == XL_LARGEST);
	run(pick_item, y, v, x, d, w);
}
