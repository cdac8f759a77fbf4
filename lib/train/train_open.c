/*
 * train_open.c - what a run writes, held before anything is read.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/file.h"
#include "train/train_open.h"

/* 0, or 1 with xl_err set where an input would be written over */
static int keep_apart(const struct xl_train_open *o, const char *path)
{
	if (!xl_is_input(path, o->inputs, o->n_inputs))
		return 0;
	xl_err("%s: is an input, and would be written over", path);
	return 1;
}

static int open_log(struct xl_train_open *o, const char *ckpt)
{
	int rc = xl_run_log_open(&o->log, o->log_path, o->append, o->force);

	if (rc || !o->log.is_file)
		return rc;
	if (xl_same_file(o->log_path, o->out) || xl_same_file(o->log_path, ckpt)) {
		xl_err("%s: the log cannot be the model or its checkpoint", o->log_path);
		return 1;
	}
	return keep_apart(o, o->log_path);
}

int xl_train_open(struct xl_train_open *o)
{
	char *ckpt = xl_train_ckpt(o->out);
	int rc = ckpt ? 0 : -1;

	if (rc == 0)
		rc = keep_apart(o, o->out) || keep_apart(o, ckpt);
	if (rc == 0)
		rc = xl_train_claim(&o->claim, o->out, o->is_new);
	if (rc == 0 && o->log_path)
		rc = open_log(o, ckpt);
	free(ckpt);
	return rc;
}

void xl_train_close(struct xl_train_open *o)
{
	xl_run_log_close(&o->log);
	xl_train_unclaim(&o->claim);
}

/* Only what is safe in a handler. */
void xl_train_leave(const struct xl_train_open *o)
{
	struct stat st;

	if (o->log.is_ours && o->log.f && stat(o->log.path, &st) == 0 && st.st_size == 0)
		unlink(o->log.path);
	if (o->claim.path)
		unlink(o->claim.path);
}
