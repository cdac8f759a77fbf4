/*
 * train_job.c - from a command line to all that a run needs.
 */
#include <stdio.h>
#include <string.h>
#include "data/batch.h"
#include "train/train_job.h"
#include "train/train_resume.h"

enum xl_job_answer xl_job_model(struct xl_job *j)
{
	bool is_usage = true;
	bool goes_on;

	if (j->resume)
		j->model = xl_settings_resume(&j->settings, j->resume,
					      j->is_seed_given ? &j->seed : NULL, &is_usage);
	else
		j->model = xl_settings_model(&j->settings);
	if (!j->model)
		return is_usage ? XL_JOB_WRONG : XL_JOB_FAILED;
	snprintf(j->name, sizeof j->name, "%s.msgpack", j->model->method->name);
	if (!j->set.out)
		j->set.out = j->resume ? j->resume : j->name;
	goes_on = j->resume && strcmp(j->resume, j->set.out) == 0;
	j->set.iters = xl_model_int(j->model, "iters");
	j->set.fresh = !goes_on && !j->files.force;
	j->saved = goes_on ? j->model->step : -1;
	return XL_JOB_DONE;
}

enum xl_job_answer xl_job_files(struct xl_job *j)
{
	int rc;

	if (j->is_dry)
		return XL_JOB_DONE;
	j->files.out = j->set.out;
	j->files.is_new = j->set.fresh;
	j->files.samples = j->set.samples;
	j->files.has_copies = j->set.keep > 0;
	j->files.append = j->resume != NULL;
	rc = xl_train_open(&j->files);
	return rc > 0 ? XL_JOB_REFUSED : rc < 0 ? XL_JOB_FAILED : XL_JOB_DONE;
}

static struct xl_labels_want labels_of(const struct xl_job *j)
{
	const struct xl_model *m = j->model;

	return (struct xl_labels_want){.list = j->attributes,
				       .defaults = m->method->default_attributes,
				       .two_domains = m->method->two_domains,
				       .classes = m->method->classes,
				       .domain_by = j->domain_by,
				       .names = (const char *const *)m->attributes,
				       .n_names = m->n_attributes};
}

static enum xl_job_answer read_input(struct xl_job *j, const char *path)
{
	const enum xl_take got = xl_spool_read(&j->data, path, j->skipped, j->taken);

	return got == XL_REFUSED ? XL_JOB_WRONG : got == XL_FAILED ? XL_JOB_FAILED : XL_JOB_DONE;
}

enum xl_job_answer xl_job_read(struct xl_job *j)
{
	const struct xl_labels_want want = labels_of(j);
	enum xl_job_answer a = XL_JOB_DONE;

	if (xl_spool_init(&j->data, xl_model_loads(j->model), &want))
		return XL_JOB_FAILED;
	for (int i = 0; i < j->files.n_inputs && a == XL_JOB_DONE; i++)
		a = read_input(j, j->files.inputs[i]);
	if (j->files.n_inputs == 0 && !j->is_alone)
		a = read_input(j, NULL);
	if (a != XL_JOB_DONE)
		return a;
	if (xl_spool_end(&j->data))
		return XL_JOB_FAILED;
	if (j->is_dry && j->data.n == 0)
		return xl_labels_pretend(&j->data.labels, &want) ? XL_JOB_FAILED : XL_JOB_DONE;
	return XL_JOB_DONE;
}

/* That an iteration takes several batches is said, where it does: a batch is what was set. */
static enum xl_job_answer too_few(const struct xl_model *m)
{
	const int parts = xl_model_parts(m);
	char why[256];

	snprintf(why, sizeof why, "%s", xl_err_msg());
	if (parts > 1)
		xl_err("%s, in %d batches", why, parts);
	return XL_JOB_WRONG;
}

enum xl_job_answer xl_job_ready(struct xl_job *j)
{
	struct xl_model *m = j->model;
	const bool is_real = !j->is_dry || j->data.n > 0;

	if (is_real && xl_batch_enough(&j->data, xl_model_images(m)))
		return too_few(m);
	if (!j->resume && xl_setup_build(m, &j->data, j->seed))
		return XL_JOB_WRONG;
	if (j->resume && is_real && xl_setup_same_data(m, &j->data, j->resume))
		return XL_JOB_WRONG;
	return xl_with_take(&j->with, m) ? XL_JOB_WRONG : XL_JOB_DONE;
}

void xl_job_done(struct xl_job *j)
{
	xl_spool_done(&j->data);
	xl_settings_done(&j->settings);
	xl_model_free(j->model);
	j->model = NULL;
}
