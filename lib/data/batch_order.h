/*
 * batch_order.h - which images an iteration takes: a pure function of the seed,
 * the number of images and the iteration, so a resumed run needs no state.
 */
#ifndef XL_DATA_BATCH_ORDER_H
#define XL_DATA_BATCH_ORDER_H

#include "xl.h"

struct xl_order {
	uint64_t seed;
	int batch;
	bool paired;         /* one stream for each domain */
	bool lockstep;       /* both are shuffled anew when one of them ends */
	uint32_t n[2];       /* images of the stream, or of each domain */
	uint32_t *image[2];  /* numbers of the images, shuffled for `epoch` */
	uint32_t *sorted[2]; /* the same in the order of the data */
	int64_t epoch[2];    /* -1 before the first */
};

/*
 * xl_order_init - prepare to draw batches of `batch` images from n
 *
 * One stream: each iteration takes two full batches one after the other from
 * the shuffled data; where fewer than two are left, the data is shuffled anew.
 * domain, if not NULL, makes two streams of it, each shuffled by itself, and an
 * iteration takes a full batch of each; in lock-step both are shuffled anew as soon
 * as one has no full batch left.
 *
 * Source   the LOMIT authors: one shuffled loader, read twice an iteration; those of
 *          MBU: two loaders in lock-step
 * Shapes   domain: (n), 0 or 1
 * Errors   0, or -1 with xl_err set: too few images, no memory
 */
int xl_order_init(struct xl_order *o, uint64_t seed, int batch, uint32_t n, const uint8_t *domain,
		  bool lockstep);
void xl_order_done(struct xl_order *o);

/*
 * xl_order_at - the images of iteration `iter`, from 0
 *
 * Shapes   first, second: (batch) numbers of images; epoch: of each
 */
void xl_order_at(struct xl_order *o, int64_t iter, const uint32_t **first, const uint32_t **second,
		 int64_t epoch[2]);

/* xl_order_flips - true if this image is mirrored in this epoch, which happens
 * with probability p */
bool xl_order_flips(uint64_t seed, int64_t epoch, uint32_t image, double p);

#endif
