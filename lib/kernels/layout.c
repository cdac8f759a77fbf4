/*
 * layout.c - dims, the way into and out of the blocked layout, and parts of maps.
 */
#include <assert.h>
#include <string.h>
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

/* Floats before and in the part, and in the whole, of each outer step. */
static void part(const struct xl_dims *d, int axis, int start, int len, int64_t *outer,
		 int64_t *whole, int64_t *from, int64_t *size)
{
	const int64_t plane = (int64_t)d->h * d->w, image = plane * d->c;

	assert(axis == 0 || plane == 1 || (start % d->b == 0 && len % d->b == 0));
	*outer = axis == 0 ? 1 : d->n;
	*whole = axis == 0 ? image * d->n : image;
	*from = axis == 0 ? image * start : plane * start;
	*size = axis == 0 ? image * len : plane * len;
}

void xl_narrow_fwd(float *y, const float *x, const struct xl_dims *d, int axis, int start, int len)
{
	int64_t outer, whole, from, size;

	part(d, axis, start, len, &outer, &whole, &from, &size);
	for (int64_t i = 0; i < outer; i++)
		memcpy(y + i * size, x + i * whole + from, (size_t)size * sizeof *y);
}

void xl_narrow_bwd(float *gx, const float *gy, const struct xl_dims *d, int axis, int start,
		   int len)
{
	int64_t outer, whole, from, size;

	part(d, axis, start, len, &outer, &whole, &from, &size);
	memset(gx, 0, (size_t)(outer * whole) * sizeof *gx);
	for (int64_t i = 0; i < outer; i++)
		memcpy(gx + i * whole + from, gy + i * size, (size_t)size * sizeof *gx);
}
