/*
 * batch_order.h - which images an iteration takes: a pure function of the seed,
 * the number of images and the iteration, so a resumed run needs no state.
 */
#ifndef XL_DATA_BATCH_ORDER_H
#define XL_DATA_BATCH_ORDER_H

#include "xl.h"

/* How the streams of two domains go together: each is shuffled anew when it ends; both
 * when one of them does; or image i of A always comes with image i of B, and the shorter
 * stream begins again and again. */
enum xl_pairing { XL_PAIR_FREE, XL_PAIR_LOCKSTEP, XL_PAIR_FIXED };

struct xl_order {
	uint64_t seed;
	int batch;
	bool paired; /* one stream for each domain */
	enum xl_pairing pairing;
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
 * domain, if not NULL, makes two streams of it, each shuffled, and an iteration
 * takes a full batch of each, as long as there are.
 *
 * Source   the LOMIT authors: one shuffled loader, read twice an iteration; those of
 *          MBU: two loaders in lock-step; those of EGSC-IT: pairs in one file
 * Shapes   domain: (n), 0 or 1
 * Errors   0, or -1 with xl_err set: too few images, no memory
 */
int xl_order_init(struct xl_order *o, uint64_t seed, int batch, uint32_t n, const uint8_t *domain,
		  enum xl_pairing pairing);
void xl_order_done(struct xl_order *o);

/*
 * xl_order_at - the images of iteration `iter`, from 0
 *
 * Shapes   first, second: (batch) numbers of images; epoch: of each
 */
void xl_order_at(struct xl_order *o, int64_t iter, const uint32_t **first, const uint32_t **second,
		 int64_t epoch[2]);

/* What training does to an image: mirror it, then take what is at (top + side i,
 * left + side j) for pixel (i,j). */
struct xl_augment {
	bool flip;
	double side, top, left; /* side 1: whole pixels */
};

/*
 * How augmentations are drawn: mirrored with probability flip; of an image with more pixels
 * than are asked for, a square of as many somewhere; with probability zoom, of that one a
 * part of U(0.8,1) of a side, enlarged.
 *
 * Source   of the square: CycleGAN, 256 of 286 pixels; of zoom: the authors of EGSC-IT
 */
struct xl_augmenting {
	double flip, zoom;
};

/* xl_order_augment - what is done to this image of `whole` pixels, of which `size` are
 * asked for, in this epoch */
struct xl_augment xl_order_augment(uint64_t seed, int64_t epoch, uint32_t image,
				   const struct xl_augmenting *how, int whole, int size);

#endif
