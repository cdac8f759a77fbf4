/*
 * train_open.c - what a run writes, held before anything is read.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/file.h"
#include "core/mem.h"
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

/* 0; 1 with xl_err set where a file is there that such a name, of any step, would replace, or
 * -1; is_new: none may be there */
static int keep_numbered(const struct xl_train_open *o, const char *before, const char *after,
			 bool is_new)
{
	int64_t step = INT64_MAX;
	int rc = 0;

	while (rc == 0 && (step = xl_train_last(before, after, step)) >= 0) {
		char *path = xl_train_numbered(before, step, after);

		rc = path ? keep_apart(o, path) : -1;
		if (rc == 0 && o->log.is_file && xl_same_file(o->log_path, path)) {
			xl_err("%s: the log cannot be a numbered file of the run", o->log_path);
			rc = 1;
		} else if (rc == 0 && is_new) {
			xl_err("%s exists; --force replaces it", path);
			rc = 1;
		}
		free(path);
	}
	return rc;
}

static int keep_copies(const struct xl_train_open *o)
{
	char *before = xl_strf("%s.", o->out);
	int rc = before ? keep_numbered(o, before, "", o->is_new) : -1;

	if (rc == 0)
		rc = keep_numbered(o, before, ".ckpt", o->is_new);
	free(before);
	return rc;
}

static int keep_sheets(const struct xl_train_open *o)
{
	char *before = xl_strf("%s/", o->samples);
	const int rc = before ? keep_numbered(o, before, ".png", !o->append && !o->force) : -1;

	free(before);
	return rc;
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
	if (rc == 0 && o->has_copies)
		rc = keep_copies(o);
	if (rc == 0 && o->samples)
		rc = keep_sheets(o);
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
