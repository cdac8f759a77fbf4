/*
 * batch.h - the batches of a training run, from a spool.
 */
#ifndef XL_DATA_BATCH_H
#define XL_DATA_BATCH_H

#include "data/batch_order.h"
#include "data/batch_spool.h"
#include "methods/method.h"

/* xl_batch_enough - 0 if the spool has the images of one step, or -1 with xl_err set */
int xl_batch_enough(const struct xl_spool *s, int n);

/* How batches are drawn. */
struct xl_batching {
	int n;    /* images of each half */
	int size; /* their side in pixels, at most the spool's: cut from it at random */
	uint64_t seed;
	struct xl_augmenting augmenting;
	enum xl_pairing pairing;
};

struct xl_batcher {
	const struct xl_spool *spool;
	struct xl_batching how;
	struct xl_order order;
	struct xl_batch batch;
	float *x[2], *y[2];
	const uint32_t *image[2]; /* of the batch last fetched */
	int64_t epoch[2];
};

/*
 * xl_batcher_init - prepare to fetch batches
 *
 * Owns     the spool must outlive it; the caller ends with xl_batcher_done
 * Errors   0, or -1 with xl_err set: too few images, no memory
 */
int xl_batcher_init(struct xl_batcher *b, const struct xl_spool *s, const struct xl_batching *how);
void xl_batcher_done(struct xl_batcher *b);

/*
 * xl_batcher_fetch - the two halves of iteration `iter`, from 0
 *
 * Owns     the result is valid until the next fetch
 * Threads  splits over images; bits do not depend on the thread count
 */
const struct xl_batch *xl_batcher_fetch(struct xl_batcher *b, int64_t iter);

#endif
