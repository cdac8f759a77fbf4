/*
 * train_log.h - what a run says of itself: JSON lines in a file (--log), and
 * the same as text for people.
 *
 * The first line holds the configuration, then one line for each logged step,
 * and the last says how the run ended; a resumed run appends these again.
 */
#ifndef XL_TRAIN_TRAIN_LOG_H
#define XL_TRAIN_TRAIN_LOG_H

#include "data/batch_spool.h"
#include "methods/model.h"

/* Losses since the last line: means over the steps that gave them. */
struct xl_loss_means {
	double sum[XL_MAX_LOSSES];
	int64_t n[XL_MAX_LOSSES];
	int64_t steps;
};

void xl_loss_add(struct xl_loss_means *a, const struct xl_losses *l);

/* xl_loss_words - "step 1200  G.total 0.412  12.3 img/s" into buf */
const char *xl_loss_words(char *buf, size_t size, const struct xl_loss_means *a,
			  const struct xl_method *method, double images_per_s, int64_t step);

struct xl_run_log {
	FILE *f;
	char *path;
	bool is_file, append;
	bool is_ours; /* made by xl_run_log_open, and nothing was there */
};

/*
 * xl_run_log_open  - open the log, "-" for stdout; append: keep what is there
 * xl_run_log_close - close it; a file that it made, and that is still empty, goes
 *
 * The file is this run's until it is closed. What is there is replaced or added to
 * by the first line, not before.
 * Returns  0; 1 with xl_err set where it exists and may not be replaced, is no log
 *          to append to, or another run has it; -1 with xl_err set
 */
int xl_run_log_open(struct xl_run_log *l, const char *path, bool append, bool force);
void xl_run_log_close(struct xl_run_log *l);

/* What the first line says beside the model's own configuration. */
struct xl_run_settings {
	const char *out, *samples;
	int64_t every, keep, log_every, iters;
	bool fresh; /* a new run: it must not replace a model that appears meanwhile */
};

/* Each writes a line where there is a log, all of it or nothing. 0, or -1 with
 * xl_err set. */
int xl_run_log_first(struct xl_run_log *l, const struct xl_model *m, const struct xl_spool *s,
		     const struct xl_run_settings *o);
int xl_run_log_step(struct xl_run_log *l, const struct xl_model *m, const struct xl_loss_means *a,
		    double images_per_s);

struct xl_run_end {
	const char *how;     /* done, signal, nonfinite, failed */
	const char *message; /* or NULL */
	int64_t saved;       /* the step of the files, or -1 */
	double seconds;
	int64_t iterations;
};
int xl_run_log_end(struct xl_run_log *l, const struct xl_model *m, const struct xl_run_end *e);

/* xl_peak_bytes - the most memory this process has had */
int64_t xl_peak_bytes(void);

#endif
