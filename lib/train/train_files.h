/*
 * train_files.h - the files of a run: OUT, the model for inference; OUT.ckpt,
 * all that a resumed run needs; OUT.00001000 and OUT.00001000.ckpt, kept copies.
 */
#ifndef XL_TRAIN_TRAIN_FILES_H
#define XL_TRAIN_TRAIN_FILES_H

#include "methods/model.h"

/* xl_train_ckpt - OUT.ckpt; the caller frees it; NULL with xl_err set */
char *xl_train_ckpt(const char *out);

/*
 * xl_train_exists - what of a finished or interrupted run is there already
 *
 * Returns  1 with xl_err set naming the file, 0 where there is none, -1 with
 *          xl_err set
 */
int xl_train_exists(const char *out);

/* xl_train_writable - try that OUT.ckpt could be written; 0, or -1 with xl_err set */
int xl_train_writable(const char *out);

/*
 * xl_train_save - write OUT.ckpt, then OUT, then keep the last `keep` of both
 * under numbered names
 *
 * The checkpoint comes first and is complete by itself, so that a kill between
 * the two loses nothing.
 * Errors   0, or -1 with xl_err set: a value that is not finite (nothing is
 *          written), a failed write
 */
int xl_train_save(struct xl_model *m, const char *out, int64_t keep);

/* xl_train_check_finite - 0, or -1 with xl_err set naming the network */
int xl_train_check_finite(const struct xl_model *m);

#endif
