/*
 * train_estimate.h - what a run will cost: memory from its real steps on a tape
 * that counts and computes nothing, time from a few real steps of small batches.
 */
#ifndef XL_TRAIN_TRAIN_ESTIMATE_H
#define XL_TRAIN_TRAIN_ESTIMATE_H

#include <stdio.h>
#include "data/batch_spool.h"
#include "methods/model.h"

struct xl_estimate {
	size_t program;     /* bytes of this process without what follows */
	size_t activations; /* bytes a step has in use at once */
	size_t blocks;      /* bytes of parameters, gradients and moments */
	size_t images;      /* bytes of the spool and one batch */
	double gmac;        /* 1e9 multiply-adds of an iteration, mean */
	double seconds;     /* of an iteration, mean */
};

/*
 * xl_estimate - the cost of training m, built and trained
 *
 * Iterations that do the same work are timed once, with the least batch there can be
 * and with two of these; the time of a batch follows by a straight line through both.
 * Owns     nothing, but m has taken steps on noise: it is of no use afterwards
 * Errors   0, or -1 with xl_err set
 */
int xl_estimate(struct xl_estimate *e, struct xl_model *m, const struct xl_spool *s);

/* xl_estimate_print - lines "name value"; 0, or -1 if f failed */
int xl_estimate_print(const struct xl_estimate *e, const struct xl_model *m,
		      const struct xl_spool *s, FILE *f);

#endif
