/*
 * batch.c - from bytes of the spool to floats of a batch.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "data/batch.h"

static size_t image_floats(const struct xl_batcher *b)
{
	return 3 * (size_t)b->how.size * (size_t)b->how.size;
}

int xl_batch_enough(const struct xl_spool *s, int n)
{
	struct xl_order o;
	int rc = xl_order_init(&o, 0, n, s->n, s->paired ? s->domain : NULL, XL_PAIR_FREE);

	if (rc == 0)
		xl_order_done(&o);
	return rc;
}

int xl_batcher_init(struct xl_batcher *b, const struct xl_spool *s, const struct xl_batching *how)
{
	const int n = how->n;
	size_t floats;

	assert(how->size > 0 && how->size <= s->size);
	memset(b, 0, sizeof *b);
	b->spool = s;
	b->how = *how;
	b->batch.n = n;
	if (xl_order_init(&b->order, how->seed, n, s->n, s->paired ? s->domain : NULL,
			  how->pairing))
		return -1;
	if (xl_mul(image_floats(b), (size_t)n, &floats))
		goto fail;
	for (int k = 0; k < 2; k++) {
		b->batch.x[k] = b->x[k] = xl_alloc(floats, sizeof(float));
		b->batch.y[k] = b->y[k] =
			xl_alloc((size_t)n * (size_t)s->labels.n + 1, sizeof(float));
		if (!b->x[k] || !b->y[k])
			goto fail;
	}
	return 0;
fail:
	xl_batcher_done(b);
	return -1;
}

void xl_batcher_done(struct xl_batcher *b)
{
	for (int k = 0; k < 2; k++) {
		free(b->x[k]);
		free(b->y[k]);
	}
	xl_order_done(&b->order);
	memset(b, 0, sizeof *b);
}

/* A square of size pixels out of whole ones, mirrored or not. */
static void unpack(float *dst, int size, const uint8_t *src, int whole, const struct xl_augment *a)
{
	const int top = (int)a->top, left = (int)a->left;

	for (int row = 0; row < 3 * size; row++, dst += size) {
		const uint8_t *p =
			src + ((ptrdiff_t)(row / size) * whole + top + row % size) * whole;

		for (int j = 0; j < size; j++)
			dst[j] =
				(float)p[a->flip ? whole - 1 - left - j : left + j] / 127.5f - 1.0f;
	}
}

/* Bilinear, at a place within the plane. */
static float read_at(const uint8_t *plane, int size, double y, double x)
{
	const int i = (int)y, j = (int)x, i2 = i + (i < size - 1), j2 = j + (j < size - 1);
	const double v = y - i, u = x - j;
	const double top = plane[i * size + j] * (1 - u) + plane[i * size + j2] * u;
	const double low = plane[i2 * size + j] * (1 - u) + plane[i2 * size + j2] * u;

	return (float)((top * (1 - v) + low * v) / 127.5 - 1);
}

/* A smaller square, enlarged. */
static void unpack_part(float *dst, int size, const uint8_t *src, int whole,
			const struct xl_augment *a)
{
	const double last = whole - 1;

	for (int c = 0; c < 3; c++, src += (ptrdiff_t)whole * whole)
		for (int i = 0; i < size; i++)
			for (int j = 0; j < size; j++) {
				const double y = fmin(a->top + a->side * i, last);
				const double x = fmin(a->left + a->side * j, last);
				*dst++ = read_at(src, whole, y, a->flip ? last - x : x);
			}
}

static void fetch_one(void *ctx, int64_t i)
{
	struct xl_batcher *b = ctx;
	const struct xl_spool *s = b->spool;
	const int n = b->batch.n, k = (int)(i / n), place = (int)(i % n), a = s->labels.n;
	const uint32_t image = b->image[k][place];
	const int size = b->how.size;
	const struct xl_augment how = xl_order_augment(b->order.seed, b->epoch[k], image,
						       &b->how.augmenting, s->size, size);
	float *x = b->x[k] + (size_t)place * image_floats(b);

	if (how.side < 1)
		unpack_part(x, size, xl_spool_image(s, image), s->size, &how);
	else
		unpack(x, size, xl_spool_image(s, image), s->size, &how);
	for (int j = 0; j < a; j++)
		b->y[k][place * a + j] = s->y[(size_t)image * (size_t)a + (size_t)j];
}

const struct xl_batch *xl_batcher_fetch(struct xl_batcher *b, int64_t iter)
{
	xl_order_at(&b->order, iter, &b->image[0], &b->image[1], b->epoch);
	xl_parallel(fetch_one, b, 2 * (int64_t)b->batch.n);
	return &b->batch;
}
