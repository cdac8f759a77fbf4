/*
 * train.h - the driver every method shares: batches, steps, logging, samples,
 * checkpoints, stopping. Called by xl-train; it prints nothing itself.
 */
#ifndef XL_TRAIN_TRAIN_H
#define XL_TRAIN_TRAIN_H

#include <signal.h>
#include "data/batch.h"
#include "methods/model.h"
#include "train/train_log.h"

enum xl_train_end {
	XL_TRAIN_DONE,
	XL_TRAIN_STOPPED,   /* by a signal; saved */
	XL_TRAIN_NONFINITE, /* xl_err says which loss, what was kept, the images */
	XL_TRAIN_FAILED     /* xl_err says what */
};

struct xl_train {
	struct xl_model *model; /* built, trained */
	const struct xl_spool *spool;
	struct xl_run_log *log; /* opened, or with f NULL */
	struct xl_run_settings set;
	const volatile sig_atomic_t *stop; /* the signal that came, or 0 */

	/* How the run speaks, none NULL: a remark; what is lost; progress at every step */
	void (*note)(const char *text);
	void (*lose)(const char *text);
	void (*progress)(int64_t done, int64_t total, const char *text);

	int64_t saved; /* the step of the files under set.out, or -1 */

	/* results */
	bool is_said;       /* why it failed: lose was told */
	int64_t iterations; /* of this run */
	double seconds;
};

/*
 * xl_train_run - train until model->step is set.iters
 *
 * Saves every set.every iterations and at the end. A log, a sample or a checkpoint that
 * cannot be written is said to be lost once, and the run goes on; only the last save must
 * succeed.
 */
enum xl_train_end xl_train_run(struct xl_train *t);

/* xl_train_words - "1000 iterations in 0:12:03, 0.723 s each, .." into buf;
 * returns buf */
const char *xl_train_words(const struct xl_train *t, char *buf, size_t size);

#endif
