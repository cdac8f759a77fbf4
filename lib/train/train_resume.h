/*
 * train_resume.h - a run that goes on where a checkpoint left it.
 */
#ifndef XL_TRAIN_TRAIN_RESUME_H
#define XL_TRAIN_TRAIN_RESUME_H

#include "data/batch_spool.h"
#include "train/train_setup.h"

/*
 * xl_settings_resume - the model in the checkpoint beside `out`, if it was trained
 * as is asked for now; what may change (xl_opt) may differ, and is taken over; seed
 * NULL: not given
 *
 * Of a model that has done its iterations, rates and weights stay what they were.
 * Owns     the caller frees it
 * Errors   NULL with xl_err set: "--width: run.ckpt has 16, not 32"; *is_usage
 *          tells wrong usage from a file that cannot be read
 */
struct xl_model *xl_settings_resume(const struct xl_settings *s, const char *out,
				    const uint64_t *seed, bool *is_usage);

/* xl_setup_same_data - that this is the data m was trained on until now; 0, or -1 with
 * xl_err set */
int xl_setup_same_data(const struct xl_model *m, const struct xl_spool *s, const char *path);

#endif
