/*
 * image_resize.c - antialiased bilinear resize of bytes, equal bit for bit to
 * the Pillow library's: the same taps, weights rounded to 22 fractional bits,
 * integer sums, and a rounding to 8 bits after each pass.
 *
 * Rows first, then columns; a pass whose size does not change is skipped.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "image/image.h"

enum { FRACTION = 22, HALF = 1 << (FRACTION - 1), MAX_SIDE = 1 << 20 };

/* The source pixels of each output pixel, and their weights. */
struct taps {
	int64_t most;    /* room for weights of one output pixel */
	int32_t *weight; /* out * most */
	int64_t *first;  /* out */
	int64_t *count;  /* out */
};

static void taps_done(struct taps *t)
{
	free(t->weight);
	free(t->first);
	free(t->count);
}

/* Weights of one output pixel around its centre, of a triangle r wide each side */
static void weigh(struct taps *t, double *w, int64_t i, double centre, double r, int64_t in)
{
	int64_t lo = (int64_t)(centre - r + 0.5), hi = (int64_t)(centre + r + 0.5);
	double sum = 0;

	lo = lo < 0 ? 0 : lo;
	hi = hi > in ? in : hi;
	for (int64_t k = 0; k < hi - lo; k++) {
		double d = ((double)(k + lo) - centre + 0.5) * (1.0 / r);
		d = d < 0 ? -d : d;
		w[k] = d < 1 ? 1 - d : 0;
		sum += w[k];
	}
	for (int64_t k = 0; k < hi - lo; k++) {
		double v = sum != 0 ? w[k] / sum : 0;
		t->weight[i * t->most + k] = (int32_t)(0.5 + v * (1 << FRACTION));
	}
	t->first[i] = lo;
	t->count[i] = hi - lo;
}

static int taps_init(struct taps *t, int64_t in, int64_t out)
{
	double scale = (double)in / (double)out, r = scale < 1 ? 1 : scale;
	double *w;
	size_t n;

	memset(t, 0, sizeof *t);
	t->most = 2 * (int64_t)(r + 1) + 1;
	if (xl_mul((size_t)out, (size_t)t->most, &n))
		return -1;
	w = xl_alloc((size_t)t->most, sizeof *w);
	t->weight = xl_alloc(n, sizeof *t->weight);
	t->first = xl_alloc((size_t)out, sizeof *t->first);
	t->count = xl_alloc((size_t)out, sizeof *t->count);
	if (!w || !t->weight || !t->first || !t->count) {
		free(w);
		taps_done(t);
		return -1;
	}
	for (int64_t i = 0; i < out; i++)
		weigh(t, w, i, ((double)i + 0.5) * scale, r, in);
	free(w);
	return 0;
}

static uint8_t clip(int32_t v)
{
	v >>= FRACTION;
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* Four rows at once, because their sums do not wait for each other. */
static void across(uint8_t *const to[4], const uint8_t *const from[4], int64_t ow,
		   const struct taps *t)
{
	for (int64_t x = 0; x < ow; x++) {
		const int32_t *w = t->weight + x * t->most;
		int64_t first = t->first[x], n = t->count[x];
		const uint8_t *a = from[0] + first, *b = from[1] + first;
		const uint8_t *c = from[2] + first, *d = from[3] + first;
		int32_t sa = HALF, sb = HALF, sc = HALF, sd = HALF;
		for (int64_t k = 0; k < n; k++) {
			sa += w[k] * a[k];
			sb += w[k] * b[k];
			sc += w[k] * c[k];
			sd += w[k] * d[k];
		}
		to[0][x] = clip(sa);
		to[1][x] = clip(sb);
		to[2][x] = clip(sc);
		to[3][x] = clip(sd);
	}
}

static void down(uint8_t *restrict to, const uint8_t *restrict from, int64_t w, int64_t y,
		 const struct taps *t, int32_t *restrict sum)
{
	for (int64_t x = 0; x < w; x++)
		sum[x] = HALF;
	for (int64_t k = 0; k < t->count[y]; k++) {
		const uint8_t *p = from + (t->first[y] + k) * w;
		int32_t weight = t->weight[y * t->most + k];
		for (int64_t x = 0; x < w; x++)
			sum[x] += weight * p[x];
	}
	for (int64_t x = 0; x < w; x++)
		to[x] = clip(sum[x]);
}

/* One plane: box of from (rows of `width`) into oh rows of ow; mid holds box.h
 * rows of ow, sum one. */
static void resize_plane(uint8_t *to, const uint8_t *from, int64_t width, struct xl_box box,
			 int64_t oh, int64_t ow, const struct taps taps[2], uint8_t *mid,
			 int32_t *sum)
{
	uint8_t *rows = oh == box.h ? to : mid;

	from += box.y * width + box.x;
	for (int64_t y = 0; ow == box.w && y < box.h; y++)
		memcpy(rows + y * ow, from + y * width, (size_t)ow);
	for (int64_t y = 0; ow != box.w && y < box.h; y += 4) {
		uint8_t *t[4];
		const uint8_t *f[4];
		for (int64_t k = 0; k < 4; k++) {
			int64_t row = y + k < box.h ? y + k : box.h - 1;
			t[k] = rows + row * ow;
			f[k] = from + row * width;
		}
		across(t, f, ow, &taps[0]);
	}
	for (int64_t y = 0; rows == mid && y < oh; y++)
		down(to + y * ow, mid, ow, y, &taps[1], sum);
}

static int check(const struct xl_tensor *t, struct xl_box b, int64_t oh, int64_t ow)
{
	char show[128];

	if (t->dtype != XL_U1 || t->ndim != 3)
		return xl_err("resize: %s is not a picture of bytes (C,H,W)",
			      xl_tensor_show(t, show, sizeof show));
	if (b.w < 1 || b.h < 1 || b.x < 0 || b.y < 0 || b.x > t->shape[2] - b.w ||
	    b.y > t->shape[1] - b.h)
		return xl_err("resize: %lldx%lld pixels at %lld,%lld do not lie in %s",
			      (long long)b.w, (long long)b.h, (long long)b.x, (long long)b.y,
			      xl_tensor_show(t, show, sizeof show));
	if (oh < 1 || ow < 1 || oh > MAX_SIDE || ow > MAX_SIDE)
		return xl_err("resize: %lldx%lld pixels cannot be made", (long long)ow,
			      (long long)oh);
	return 0;
}

struct xl_tensor *xl_image_resize(const struct xl_tensor *t, struct xl_box box, int64_t oh,
				  int64_t ow)
{
	struct taps taps[2] = {{.most = 0}, {.most = 0}};
	struct xl_tensor *out = NULL;
	uint8_t *mid = NULL;
	int32_t *sum = NULL;

	if (check(t, box, oh, ow))
		return NULL;
	int64_t bands = t->shape[0], shape[3] = {bands, oh, ow};
	if (taps_init(&taps[0], box.w, ow) || taps_init(&taps[1], box.h, oh))
		goto out;
	mid = xl_alloc((size_t)box.h, (size_t)ow);
	sum = xl_alloc((size_t)ow, sizeof *sum);
	if (!mid || !sum)
		goto out;
	out = xl_tensor_new(XL_U1, 3, shape);
	for (int64_t c = 0; out && c < bands; c++)
		resize_plane((uint8_t *)out->data + c * oh * ow,
			     (const uint8_t *)t->data + c * t->shape[1] * t->shape[2], t->shape[2],
			     box, oh, ow, taps, mid, sum);
out:
	free(mid);
	free(sum);
	taps_done(&taps[0]);
	taps_done(&taps[1]);
	return out;
}
