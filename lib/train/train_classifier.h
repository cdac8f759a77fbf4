/*
 * train_classifier.h - trains the classifier of lib/nn/classifier.h. Called by
 * xl-classify; it prints nothing itself.
 */
#ifndef XL_TRAIN_TRAIN_CLASSIFIER_H
#define XL_TRAIN_TRAIN_CLASSIFIER_H

#include "data/batch_spool.h"
#include "metrics/verdicts.h"

struct xl_classifier_run {
	const struct xl_spool *spool; /* ended, as is its `held` */
	int width, batch;             /* batch: a whole number of pairs */
	int64_t iters;
	double lr, flip; /* probability of a mirrored picture */
	uint64_t seed;
	void (*progress)(int64_t done, int64_t total, const char *text); /* at every step */
};

/*
 * xl_classifier_shape_of - what a classifier for these pictures must be: one label with
 *                          values above 1 makes classes
 *
 * Errors   0, or -1 with xl_err set: no label; of several, one that is not yes or no
 */
int xl_classifier_shape_of(const struct xl_spool *s, int width, struct xl_classifier_shape *out);

/*
 * xl_classifier_train - a classifier trained on a spool
 *
 * Adam with betas 0.9 and 0.999; its rate falls from lr to 0 on half a cosine. Two
 * domains are seen equally often.
 * Owns     the caller frees it
 * Errors   NULL with xl_err set: too few pictures, a loss that is not finite
 */
struct xl_classifier *xl_classifier_train(const struct xl_classifier_run *run);

/* xl_classifier_run_check - 0, or -1 with xl_err set where there are too few pictures for
 * a step, or not the labels it takes */
int xl_classifier_run_check(const struct xl_classifier_run *run);

/* xl_classifier_test - count in v, which it starts, what c says of every picture of a spool
 * that was held back, and note in c how often it is right; 0, or -1 with xl_err set */
int xl_classifier_test(struct xl_classifier *c, const struct xl_spool *held, struct xl_verdicts *v);

/* xl_classifier_run_print - the verdicts about the pictures held back, as text or as one
 * JSON object with the settings of the run; 0, or -1 where f has failed */
int xl_classifier_run_print(const struct xl_classifier_run *run, const struct xl_classifier *c,
			    const struct xl_verdicts *v, FILE *f, bool is_json);

#endif
