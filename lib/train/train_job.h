/*
 * train_job.h - what a command line asks of xl-train, and what becomes of it: a model,
 * its data, and the files of the run, each looked at before the next. Called by xl-train.
 */
#ifndef XL_TRAIN_TRAIN_JOB_H
#define XL_TRAIN_TRAIN_JOB_H

#include "data/batch_spool.h"
#include "train/train_open.h"
#include "train/train_setup.h"
#include "train/train_with.h"

struct xl_job {
	/* what is asked for */
	struct xl_settings settings; /* of a method */
	struct xl_with with;
	const char *attributes, *domain_by, *resume; /* or NULL */
	uint64_t seed;
	bool is_seed_given;
	bool is_dry, is_alone; /* no file is written; there is no input, not even stdin */
	void (*skipped)(const char *text), (*taken)(size_t n); /* as of xl_spool_read */

	/* asked for, and completed: out NULL is that of resume, or METHOD.msgpack */
	struct xl_run_settings set;
	struct xl_train_open files; /* its force, log_path and inputs are asked for */

	/* what becomes of it */
	struct xl_model *model;
	struct xl_spool data;
	int64_t saved; /* the step of the files under out, which the run goes on from, or -1 */
	char name[80]; /* of the model, where none was given */
};

/* How far what is asked for can be done. */
enum xl_job_answer {
	XL_JOB_DONE,
	XL_JOB_WRONG,   /* wrong usage; xl_err says of what */
	XL_JOB_REFUSED, /* xl_err says what would be lost */
	XL_JOB_FAILED   /* xl_err says what */
};

/*
 * In this order:
 *
 * xl_job_model - the model, new and not yet built, or as a checkpoint left it
 * xl_job_files - take the name of the model and the log: what a run would destroy is
 *                refused before anything is read
 * xl_job_read  - all images of the inputs
 * xl_job_ready - the model as the run begins with it: on these images, with the networks
 *                that it takes
 *
 * Owns     the caller ends with xl_job_done; xl_train_close lets go of the files at any time
 */
enum xl_job_answer xl_job_model(struct xl_job *j);
enum xl_job_answer xl_job_files(struct xl_job *j);
enum xl_job_answer xl_job_read(struct xl_job *j);
enum xl_job_answer xl_job_ready(struct xl_job *j);
void xl_job_done(struct xl_job *j);

#endif
