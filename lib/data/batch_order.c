/*
 * batch_order.c - the order of the data.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/rng.h"
#include "data/batch_order.h"

static int list_images(struct xl_order *o, uint32_t n, const uint8_t *domain)
{
	for (int k = 0; k < 2; k++) {
		o->sorted[k] = xl_alloc((size_t)n + 1, sizeof **o->sorted);
		o->image[k] = xl_alloc((size_t)n + 1, sizeof **o->image);
		if (!o->sorted[k] || !o->image[k])
			return -1;
	}
	for (uint32_t i = 0; i < n; i++) {
		int k = domain ? domain[i] : 0;

		if (k > 1)
			return xl_err("image %lu has no domain", (unsigned long)i);
		o->sorted[k][o->n[k]++] = i;
	}
	return 0;
}

int xl_order_init(struct xl_order *o, uint64_t seed, int batch, uint32_t n, const uint8_t *domain,
		  enum xl_pairing pairing)
{
	memset(o, 0, sizeof *o);
	o->seed = seed;
	o->batch = batch;
	o->paired = domain != NULL;
	o->pairing = pairing;
	o->epoch[0] = o->epoch[1] = -1;
	if (list_images(o, n, domain))
		goto fail;
	if (domain && (o->n[0] < (uint32_t)batch || o->n[1] < (uint32_t)batch)) {
		xl_err("too few images: %lu of domain A and %lu of B, a step takes %d of each",
		       (unsigned long)o->n[0], (unsigned long)o->n[1], batch);
		goto fail;
	}
	if (!domain && n / 2 < (uint32_t)batch) {
		xl_err("too few images: %lu, a step takes two batches of %d", (unsigned long)n,
		       batch);
		goto fail;
	}
	return 0;
fail:
	xl_order_done(o);
	return -1;
}

void xl_order_done(struct xl_order *o)
{
	for (int k = 0; k < 2; k++) {
		free(o->image[k]);
		free(o->sorted[k]);
	}
	memset(o, 0, sizeof *o);
}

/* Pairs, or images of one stream, to an epoch. */
static uint32_t length(const struct xl_order *o, int k)
{
	const uint32_t a = o->n[0], b = o->n[1];

	return o->pairing != XL_PAIR_FIXED ? o->n[k] : a > b ? a : b;
}

/* Pairs are shuffled alike in both streams. */
static void shuffle(struct xl_order *o, int k, int64_t epoch)
{
	const uint32_t n = length(o, k);
	struct xl_rng r;

	if (o->epoch[k] == epoch)
		return;
	for (uint32_t i = 0; i < n; i++)
		o->image[k][i] = o->sorted[k][i % o->n[k]];
	xl_rng_init(&r, o->seed, XL_RNG_ORDER, (uint32_t)epoch,
		    o->pairing == XL_PAIR_FIXED ? 0 : (uint32_t)k);
	xl_rng_permute(&r, o->image[k], n);
	o->epoch[k] = epoch;
}

void xl_order_at(struct xl_order *o, int64_t iter, const uint32_t **first, const uint32_t **second,
		 int64_t epoch[2])
{
	if (!o->paired) {
		int64_t steps = o->n[0] / (uint32_t)o->batch / 2; /* of an epoch */

		epoch[0] = epoch[1] = iter / steps;
		shuffle(o, 0, epoch[0]);
		*first = o->image[0] + iter % steps * 2 * o->batch;
		*second = *first + o->batch;
		return;
	}
	const int smaller = o->n[1] < o->n[0];

	for (int k = 0; k < 2; k++) {
		const int shorter = o->pairing == XL_PAIR_LOCKSTEP ? smaller : k;
		const int64_t steps = length(o, shorter) / (uint32_t)o->batch;

		epoch[k] = iter / steps;
		shuffle(o, k, epoch[k]);
		*(k ? second : first) = o->image[k] + iter % steps * o->batch;
	}
}

struct xl_augment xl_order_augment(uint64_t seed, int64_t epoch, uint32_t image,
				   const struct xl_augmenting *how, int whole, int size)
{
	const double least = 0.8;
	struct xl_augment a = {.side = 1};
	struct xl_rng r;

	xl_rng_init(&r, seed, XL_RNG_AUGMENT, (uint32_t)epoch, image);
	a.flip = xl_rng_uniform(&r) < how->flip;
	if (xl_rng_uniform(&r) < how->zoom) {
		a.side = least + (1 - least) * xl_rng_uniform(&r);
		a.left = size * (1 - a.side) * xl_rng_uniform(&r);
		a.top = size * (1 - a.side) * xl_rng_uniform(&r);
	}
	if (whole > size) {
		a.left += floor((whole - size + 1) * xl_rng_uniform(&r));
		a.top += floor((whole - size + 1) * xl_rng_uniform(&r));
	}
	return a;
}
