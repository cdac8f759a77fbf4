/*
 * train_samples.h - the picture a run draws of itself at each checkpoint: for a
 * few fixed pairs of the data, both images with their masks (or, where a method has
 * none but draws styles, in a style drawn), both translations (or the second image
 * without what the first has not, where a method removes) and the self-reconstruction.
 *
 * Source   as in figures of the LOMIT authors; made with the stages every method has
 */
#ifndef XL_TRAIN_TRAIN_SAMPLES_H
#define XL_TRAIN_TRAIN_SAMPLES_H

#include "data/batch_spool.h"
#include "methods/model.h"

enum { XL_SAMPLES_PAIRS = 4 };

struct xl_samples {
	const struct xl_spool *spool;
	const char *dir;
	struct xl_tape *tape;
	uint32_t image[XL_SAMPLES_PAIRS][2];
	int n;
};

/*
 * xl_samples_init - choose the pairs and make the folder
 *
 * Pairs are the first images of both domains; without domains, images from the
 * beginning of the data whose labels differ.
 * Owns     borrows spool and dir; the caller ends with xl_samples_done
 * Errors   0, or -1 with xl_err set
 */
int xl_samples_init(struct xl_samples *s, const struct xl_spool *spool, const char *dir);
void xl_samples_done(struct xl_samples *s);

/* xl_samples_write - DIR/00001000.png by the model as it is now; its batch norms
 * are left in training. 0, or -1 with xl_err set */
int xl_samples_write(struct xl_samples *s, struct xl_model *m);

#endif
