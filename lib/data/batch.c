/*
 * batch.c - from bytes of the spool to floats of a batch.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "data/batch.h"

static size_t image_floats(const struct xl_batcher *b)
{
	return 3 * (size_t)b->spool->size * (size_t)b->spool->size;
}

int xl_batch_enough(const struct xl_spool *s, int n)
{
	struct xl_order o;
	int rc = xl_order_init(&o, 0, n, s->n, s->paired ? s->domain : NULL, false);

	if (rc == 0)
		xl_order_done(&o);
	return rc;
}

int xl_batcher_init(struct xl_batcher *b, const struct xl_spool *s, int n, uint64_t seed,
		    double flip, bool lockstep)
{
	size_t floats;

	memset(b, 0, sizeof *b);
	b->spool = s;
	b->flip = flip;
	b->batch.n = n;
	if (xl_order_init(&b->order, seed, n, s->n, s->paired ? s->domain : NULL, lockstep))
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

static void unpack(float *dst, const uint8_t *src, int size, bool flipped)
{
	for (int row = 0; row < 3 * size; row++, dst += size, src += size)
		for (int i = 0; i < size; i++)
			dst[i] = (float)src[flipped ? size - 1 - i : i] / 127.5f - 1.0f;
}

static void fetch_one(void *ctx, int64_t i)
{
	struct xl_batcher *b = ctx;
	const struct xl_spool *s = b->spool;
	const int n = b->batch.n, k = (int)(i / n), at = (int)(i % n), a = s->labels.n;
	const uint32_t image = b->image[k][at];
	const bool flipped = xl_order_flips(b->order.seed, b->epoch[k], image, b->flip);

	unpack(b->x[k] + (size_t)at * image_floats(b), xl_spool_image(s, image), s->size, flipped);
	for (int j = 0; j < a; j++)
		b->y[k][at * a + j] = s->y[(size_t)image * (size_t)a + (size_t)j];
}

const struct xl_batch *xl_batcher_fetch(struct xl_batcher *b, int64_t iter)
{
	xl_order_at(&b->order, iter, &b->image[0], &b->image[1], b->epoch);
	xl_parallel(fetch_one, b, 2 * (int64_t)b->batch.n);
	return &b->batch;
}
