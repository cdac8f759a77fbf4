/*
 * layout.c - dims, the way into and out of the blocked layout, and parts of maps.
 */
#include <assert.h>
#include <string.h>
#include "core/pool.h"
#include "kernels/kernels.h"

int xl_block_of(int c)
{
	return c % XL_BLOCK == 0 ? XL_BLOCK : 1;
}

struct xl_dims xl_dims_map(int n, int c, int h, int w)
{
	return (struct xl_dims){n, c, h, w, xl_block_of(c)};
}

struct xl_dims xl_dims_plain(int n, int c, int h, int w)
{
	return (struct xl_dims){n, c, h, w, 1};
}

int64_t xl_dims_count(const struct xl_dims *d)
{
	return (int64_t)d->n * d->c * d->h * d->w;
}

bool xl_dims_same(const struct xl_dims *a, const struct xl_dims *b)
{
	return a->n == b->n && a->c == b->c && a->h == b->h && a->w == b->w &&
	       (a->b == b->b || a->h * a->w == 1);
}

void xl_map_pack(float *map, const float *plain, const struct xl_dims *d)
{
	const int64_t pixels = (int64_t)d->h * d->w, planes = (int64_t)d->n * d->c / d->b;

	if (d->b == 1) {
		memcpy(map, plain, (size_t)(planes * pixels) * sizeof *map);
		return;
	}
	for (int64_t p = 0; p < planes; p++)
		for (int64_t i = 0; i < pixels; i++)
			for (int l = 0; l < d->b; l++)
				map[(p * pixels + i) * d->b + l] =
					plain[(p * d->b + l) * pixels + i];
}

void xl_map_unpack(float *plain, const float *map, const struct xl_dims *d)
{
	const int64_t pixels = (int64_t)d->h * d->w, planes = (int64_t)d->n * d->c / d->b;

	if (d->b == 1) {
		memcpy(plain, map, (size_t)(planes * pixels) * sizeof *map);
		return;
	}
	for (int64_t p = 0; p < planes; p++)
		for (int l = 0; l < d->b; l++)
			for (int64_t i = 0; i < pixels; i++)
				plain[(p * d->b + l) * pixels + i] =
					map[(p * pixels + i) * d->b + l];
}

/* Where a channel of a sample begins; its pixels are d->b apart. */
static int64_t channel_at(const struct xl_dims *d, int n, int c)
{
	return ((int64_t)n * d->c + c - c % d->b) * d->h * d->w + c % d->b;
}

/* A part [start, start + p.c) of the channels, or [start, start + p.n) of the
 * samples, of a map of dims d. */
struct part {
	const struct xl_dims *d;
	struct xl_dims p;
	int axis, start;
};

static struct part part_of(const struct xl_dims *d, int axis, int start, int len)
{
	struct part k = {d, *d, axis, start};

	assert(start >= 0 && len >= 1 && start + len <= (axis == 0 ? d->n : d->c));
	if (axis == 0)
		k.p.n = len;
	else
		k.p = xl_dims_map(d->n, len, d->h, d->w);
	return k;
}

/* Whether the part of one sample lies in one piece of the whole. */
static bool is_one_piece(const struct part *k)
{
	return k->axis == 0 || k->d->h * k->d->w == 1 ||
	       (k->p.b == k->d->b && k->start % k->d->b == 0);
}

/* Copies between part and whole, channel by channel: their blocks differ. */
static void copy_channels(float *part, float *whole, const struct part *k, bool to_part)
{
	const int64_t pixels = (int64_t)k->d->h * k->d->w;

	for (int n = 0; n < k->p.n; n++)
		for (int c = 0; c < k->p.c; c++) {
			float *p = part + channel_at(&k->p, n, c);
			float *q = whole + channel_at(k->d, n, k->start + c);
			for (int64_t i = 0; i < pixels; i++, p += k->p.b, q += k->d->b)
				*(to_part ? p : q) = *(to_part ? q : p);
		}
}

/* The same for parts in one piece of each of `outer` steps. */
static void copy_pieces(float *part, float *whole, const struct part *k, bool to_part)
{
	const int64_t plane = (int64_t)k->d->h * k->d->w, image = plane * k->d->c;
	const int outer = k->axis == 0 ? 1 : k->d->n;
	const int64_t step = k->axis == 0 ? image * k->d->n : image;
	const int64_t from = k->axis == 0 ? image * k->start : plane * k->start;
	const int64_t size = k->axis == 0 ? image * k->p.n : plane * k->p.c;

	for (int i = 0; i < outer; i++) {
		float *p = part + i * size, *q = whole + i * step + from;
		memcpy(to_part ? p : q, to_part ? q : p, (size_t)size * sizeof *p);
	}
}

static void copy_part(float *part, float *whole, const struct part *k, bool to_part)
{
	if (is_one_piece(k))
		copy_pieces(part, whole, k, to_part);
	else
		copy_channels(part, whole, k, to_part);
}

void xl_narrow_fwd(float *y, const float *x, const struct xl_dims *d, int axis, int start, int len)
{
	const struct part k = part_of(d, axis, start, len);

	copy_part(y, (float *)(uintptr_t)x, &k, true); /* only read */
}

void xl_embed(float *y, const float *x, const struct xl_dims *d, int axis, int start, int len)
{
	const struct part k = part_of(d, axis, start, len);

	copy_part((float *)(uintptr_t)x, y, &k, false); /* only read */
}

void xl_narrow_bwd(float *gx, const float *gy, const struct xl_dims *d, int axis, int start,
		   int len)
{
	memset(gx, 0, (size_t)xl_dims_count(d) * sizeof *gx);
	xl_embed(gx, gy, d, axis, start, len);
}

struct fitting {
	float *y;
	const float *x;
	const struct xl_dims *dy, *dx;
};

static void fit_plane(void *ctx, int64_t plane)
{
	const struct fitting *f = ctx;
	const int b = f->dx->b, rows = f->dx->h < f->dy->h ? f->dx->h : f->dy->h;
	const size_t wide = (size_t)(f->dy->w * b), from = (size_t)(f->dx->w * b);
	const size_t both = wide < from ? wide : from;
	float *y = f->y + plane * f->dy->h * (int64_t)wide;
	const float *x = f->x + plane * f->dx->h * (int64_t)from;

	for (int i = 0; i < rows; i++, y += wide, x += from) {
		memcpy(y, x, both * sizeof *y);
		memset(y + both, 0, (wide - both) * sizeof *y);
	}
	memset(y, 0, (size_t)(f->dy->h - rows) * wide * sizeof *y);
}

void xl_fit(float *y, const struct xl_dims *dy, const float *x, const struct xl_dims *dx)
{
	struct fitting f = {y, x, dy, dx};

	assert(dy->n == dx->n && dy->c == dx->c && dy->b == dx->b);
	xl_parallel(fit_plane, &f, (int64_t)dx->n * dx->c / dx->b);
}
