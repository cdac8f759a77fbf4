/*
 * train_open.h - what a run writes, held before anything is read: the model's name
 * and the log; none of that may be an input, nor may numbered copies and sheets.
 */
#ifndef XL_TRAIN_TRAIN_OPEN_H
#define XL_TRAIN_TRAIN_OPEN_H

#include "train/train_files.h"
#include "train/train_log.h"

struct xl_train_open {
	const char *out, *log_path; /* log_path: NULL for none */
	const char *samples;        /* the folder of sheets, or NULL */
	bool has_copies;            /* of out, numbered */
	const char *const *inputs;  /* paths, "-" for stdin; none: stdin */
	int n_inputs;
	bool is_new;        /* there may be no model yet */
	bool append, force; /* as of xl_run_log_open */

	struct xl_train_claim claim;
	struct xl_run_log log; /* f is NULL where there is none */
};

/*
 * xl_train_open  - take the model's name, open the log; nothing that was there is
 *                  changed yet
 * xl_train_close - let go of both
 *
 * xl_train_leave - leave nothing behind where nothing was begun: the lock, and a log that is
 *                  new and empty. For the handler of a signal that ends the program
 *
 * Returns  0; 1 with xl_err set where a file is there that would be lost, or another
 *          run has one; -1 with xl_err set
 */
int xl_train_open(struct xl_train_open *o);
void xl_train_close(struct xl_train_open *o);
void xl_train_leave(const struct xl_train_open *o);

#endif
