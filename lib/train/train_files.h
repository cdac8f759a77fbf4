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
 * xl_train_numbered - BEFORE00001000AFTER; the caller frees it; NULL with xl_err set
 * xl_train_last     - the largest step below `below` that such a name of a file has; -1 where
 *                     there is none, or the folder cannot be read
 */
char *xl_train_numbered(const char *before, int64_t step, const char *after);
int64_t xl_train_last(const char *before, const char *after, int64_t below);

/*
 * xl_train_exists - what of a finished or interrupted run is there already
 *
 * Returns  1 with xl_err set naming the file, 0 where there is none, -1 with
 *          xl_err set
 */
int xl_train_exists(const char *out);

/*
 * xl_train_claim   - take OUT for this process: two runs would write it in turn
 * xl_train_unclaim - give it up; nothing where nothing was taken
 *
 * is_new says that nothing may be there yet. That OUT.ckpt could be written is tried.
 * The claim is an flock on OUT.lock, which giving it up removes. It ends with the
 * process in any case: a file left by a killed run stops nobody.
 * Returns  0, 1 with xl_err set where a model or another run is there, -1 with
 *          xl_err set
 */
struct xl_train_claim {
	char *path; /* owned; NULL where nothing is taken */
	int fd;
};
int xl_train_claim(struct xl_train_claim *c, const char *out, bool is_new);
void xl_train_unclaim(struct xl_train_claim *c);

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

/* xl_train_has - whether OUT is a model of this run at this step: a kill may have come before
 * it was written */
bool xl_train_has(const struct xl_model *m, const char *out);

/* xl_train_check_finite - 0, or -1 with xl_err set naming the network */
int xl_train_check_finite(const struct xl_model *m);

#endif
