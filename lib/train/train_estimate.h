/*
 * train_estimate.h - what a run will cost, from its real steps on a tape that
 * counts and computes nothing, and a short measurement of this machine.
 */
#ifndef XL_TRAIN_TRAIN_ESTIMATE_H
#define XL_TRAIN_TRAIN_ESTIMATE_H

#include <stdio.h>
#include "data/batch_spool.h"
#include "methods/model.h"

struct xl_estimate {
	size_t activations; /* bytes a step has in use at once */
	size_t blocks;      /* bytes of parameters, gradients and moments */
	size_t images;      /* bytes of the spool and one batch */
	double gmac;        /* 1e9 multiply-adds of an iteration, mean */
	double rate;        /* 1e9 multiply-adds a second, measured */
	double seconds;     /* of an iteration */
};

/*
 * xl_estimate - the cost of training m, built and trained
 *
 * Units    the rate is that of five convolutions with norm and ReLU, forward and
 *          backward, as images are encoded; the rest of a step is assumed to
 *          be as fast
 * Errors   0, or -1 with xl_err set
 */
int xl_estimate(struct xl_estimate *e, struct xl_model *m, const struct xl_spool *s);

/* xl_estimate_print - lines "name value"; 0, or -1 if f failed */
int xl_estimate_print(const struct xl_estimate *e, const struct xl_model *m,
		      const struct xl_spool *s, FILE *f);

#endif
