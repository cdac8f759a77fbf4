/*
 * train.c - the loop.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/clock.h"
#include "core/mem.h"
#include "train/train.h"
#include "train/train_files.h"
#include "train/train_samples.h"

/* The expected time is said after FIRST steps and MEASURED more: the first
 * also touches all memory; ten hold two generator steps of LOMIT. */
enum { FIRST = 1, MEASURED = 10, NAMED_IMAGES = 4 };

static const double WORTH_SAYING = 60; /* seconds of a run */

/* What the loop carries from step to step. */
struct loop {
	struct xl_tape *tape;
	struct xl_batcher batches;
	struct xl_samples sheet;
	struct xl_losses losses;
	struct xl_loss_means means;
	double start, line; /* times: of the loop, of the last line of the log */
	double measured;    /* time after FIRST steps */
	bool log_lost, sheet_lost;
	char unsaved[512]; /* why the last save failed, as it was said; "" if it did not */
};

static enum xl_pairing pairing_of(const struct xl_model *m)
{
	for (const struct xl_opt *o = m->opts; o->type != XL_OPT_END; o++)
		if (o->type == XL_OPT_INT && strcmp(o->name, "fixed-pairs") == 0 &&
		    *(int64_t *)o->target)
			return XL_PAIR_FIXED;
	return m->method->lockstep ? XL_PAIR_LOCKSTEP : XL_PAIR_FREE;
}

static struct xl_batching batching_of(const struct xl_model *m)
{
	return (struct xl_batching){.n = xl_model_images(m),
				    .size = (int)xl_model_int(m, "size"),
				    .seed = m->seed,
				    .augmenting = {.flip = xl_model_num(m, "flip", 0),
						   .zoom = xl_model_num(m, "zoom", 0)},
				    .pairing = pairing_of(m)};
}

static int begin(struct xl_train *t, struct loop *l)
{
	struct xl_model *m = t->model;
	const struct xl_batching how = batching_of(m);

	memset(l, 0, sizeof *l);
	if (!(l->tape = xl_tape_new()) || xl_batcher_init(&l->batches, t->spool, &how) ||
	    (t->set.samples && xl_samples_init(&l->sheet, t->spool, t->set.samples)))
		return -1;
	return xl_run_log_first(t->log, m, t->spool, &t->set);
}

static void done(struct loop *l)
{
	xl_samples_done(&l->sheet);
	xl_batcher_done(&l->batches);
	xl_tape_free(l->tape);
}

/* A lost log costs a message, never the run. */
static void log_result(struct xl_train *t, struct loop *l, int rc)
{
	if (rc && !l->log_lost)
		t->lose(xl_err_msg());
	l->log_lost |= rc != 0;
}

static void draw_sheet(struct xl_train *t, struct loop *l)
{
	if (!t->set.samples || xl_samples_write(&l->sheet, t->model) == 0)
		return;
	if (!l->sheet_lost)
		t->lose(xl_err_msg());
	l->sheet_lost = true;
}

static int save(struct xl_train *t, struct loop *l)
{
	struct xl_model *m = t->model;

	if (t->set.fresh && t->saved < 0 && xl_train_exists(t->set.out))
		return -1;
	if (xl_train_save(m, t->set.out, t->set.keep))
		return -1;
	t->saved = m->step;
	l->unsaved[0] = '\0';
	draw_sheet(t, l);
	return 0;
}

/* "0007.png 0031.png and 12 more" */
static void last_images(const struct xl_train *t, const struct loop *l, char *buf, size_t size)
{
	const int n = l->batches.batch.n;
	size_t at = 0;

	for (int i = 0; i < 2 * n && i < NAMED_IMAGES && at < size; i++) {
		const uint32_t image = l->batches.image[i / n][i % n];

		at += (size_t)snprintf(buf + at, size - at, " %s", xl_spool_id(t->spool, image));
	}
	if (2 * n > NAMED_IMAGES && at < size)
		snprintf(buf + at, size - at, " and %d more", 2 * n - NAMED_IMAGES);
}

static int nonfinite(const struct xl_train *t, const struct loop *l, const char *what)
{
	char kept[512] = "nothing was saved", images[1024];

	last_images(t, l, images, sizeof images);
	if (t->saved >= 0)
		snprintf(kept, sizeof kept, "kept %s at step %lld", t->set.out,
			 (long long)t->saved);
	return xl_err("step %lld: %s; %s; last images%s", (long long)t->model->step, what, kept,
		      images);
}

static int check_losses(const struct xl_train *t, const struct loop *l)
{
	const char *const *names = t->model->method->loss_names;
	char what[128];

	for (int i = 0; names[i]; i++) {
		double v = l->losses.value[i];

		if (!l->losses.given[i] || isfinite(v))
			continue;
		snprintf(what, sizeof what, "loss '%s' is %s", names[i], isnan(v) ? "nan" : "inf");
		return nonfinite(t, l, what);
	}
	return 0;
}

static void report(struct xl_train *t, struct loop *l, bool is_last)
{
	struct xl_model *m = t->model;
	const double rate =
		(double)l->means.steps * 2 * l->batches.batch.n / fmax(xl_clock() - l->line, 1e-9);
	char text[1024];

	t->progress(t->iterations, t->set.iters - m->step + t->iterations,
		    xl_loss_words(text, sizeof text, &l->means, m->method, rate, m->step));
	if (m->step % t->set.log_every != 0 && !is_last)
		return;
	log_result(t, l, xl_run_log_step(t->log, m, &l->means, rate));
	memset(&l->means, 0, sizeof l->means);
	l->line = xl_clock();
}

static void expect(struct xl_train *t, struct loop *l)
{
	double each, left;
	char text[128];

	if (t->iterations == FIRST)
		l->measured = xl_clock();
	if (t->iterations != FIRST + MEASURED)
		return;
	each = (xl_clock() - l->measured) / MEASURED;
	left = each * (double)(t->set.iters - t->model->step);
	if (left < WORTH_SAYING)
		return;
	snprintf(text, sizeof text, "%.3g s/iteration, %.3g img/s; %lld:%02lld:%02lld to go", each,
		 2 * l->batches.batch.n / each, (long long)left / 3600, (long long)left / 60 % 60,
		 (long long)left % 60);
	t->note(text);
}

/* A save that fails is said, and the run goes on: a later one may succeed, but not where
 * another run has the name. The same again is not said again. */
static enum xl_train_end save_step(struct xl_train *t, struct loop *l, bool is_last)
{
	if (xl_train_check_finite(t->model)) {
		char what[128];

		snprintf(what, sizeof what, "%s", xl_err_msg());
		nonfinite(t, l, what);
		return XL_TRAIN_NONFINITE;
	}
	if (save(t, l) == 0)
		return XL_TRAIN_DONE;
	if (is_last || (t->set.fresh && t->saved < 0 && xl_train_exists(t->set.out)))
		return XL_TRAIN_FAILED;
	if (strcmp(l->unsaved, xl_err_msg()) != 0)
		t->lose(xl_err_msg());
	snprintf(l->unsaved, sizeof l->unsaved, "%s", xl_err_msg());
	return XL_TRAIN_DONE;
}

/* One iteration and what follows it. */
static enum xl_train_end step(struct xl_train *t, struct loop *l)
{
	struct xl_model *m = t->model;
	const struct xl_batch *b = xl_batcher_fetch(&l->batches, m->step);
	bool is_last;

	xl_tape_reset(l->tape);
	if (m->method->step(m, l->tape, b, m->step, &l->losses)) {
		xl_err_prefix("step %lld", (long long)m->step + 1);
		return XL_TRAIN_FAILED;
	}
	m->step++;
	t->iterations++;
	if (check_losses(t, l))
		return XL_TRAIN_NONFINITE;
	xl_loss_add(&l->means, &l->losses);
	is_last = m->step >= t->set.iters || *t->stop;
	report(t, l, is_last);
	expect(t, l);
	return m->step % t->set.every == 0 || is_last ? save_step(t, l, is_last) : XL_TRAIN_DONE;
}

/* What is saved when nothing was left to do stays as it is. */
static enum xl_train_end end_run(struct xl_train *t, struct loop *l)
{
	const bool is_saved = t->saved == t->model->step &&
			      (t->iterations > 0 || xl_train_has(t->model, t->set.out));

	if (!is_saved && save(t, l))
		return XL_TRAIN_FAILED;
	if (is_saved && t->iterations == 0)
		draw_sheet(t, l);
	return t->model->step < t->set.iters ? XL_TRAIN_STOPPED : XL_TRAIN_DONE;
}

static void log_end(struct xl_train *t, struct loop *l, enum xl_train_end end)
{
	static const char *const how[] = {"done", "signal", "nonfinite", "failed"};
	struct xl_run_end e = {.how = how[end],
			       .saved = t->saved,
			       .seconds = t->seconds,
			       .iterations = t->iterations};
	char *message = end >= XL_TRAIN_NONFINITE ? xl_strdup(xl_err_msg()) : NULL;

	e.message = message;
	log_result(t, l, xl_run_log_end(t->log, t->model, &e));
	if (message)
		xl_err("%s", message);
	free(message);
}

enum xl_train_end xl_train_run(struct xl_train *t)
{
	enum xl_train_end end = XL_TRAIN_DONE;
	struct loop l;

	if (begin(t, &l)) {
		done(&l);
		return XL_TRAIN_FAILED;
	}
	l.start = l.line = xl_clock();
	t->iterations = 0;
	while (end == XL_TRAIN_DONE && t->model->step < t->set.iters && !*t->stop)
		end = step(t, &l);
	if (end == XL_TRAIN_DONE)
		end = end_run(t, &l);
	t->seconds = xl_clock() - l.start;
	t->is_said = end == XL_TRAIN_FAILED && strcmp(l.unsaved, xl_err_msg()) == 0;
	log_end(t, &l, end);
	done(&l);
	return end;
}

const char *xl_train_words(const struct xl_train *t, char *buf, size_t size)
{
	const long long s = (long long)t->seconds;

	const int n = snprintf(
		buf, size,
		"%lld iterations in %lld:%02lld:%02lld, %.3g s each, peak memory %.2f GiB; ",
		(long long)t->iterations, s / 3600, s / 60 % 60, s % 60,
		t->iterations ? t->seconds / (double)t->iterations : 0,
		(double)xl_peak_bytes() / 0x1p30);

	if (t->saved < 0 && n >= 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, "nothing was saved");
	else if (n >= 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, "%s is at step %lld", t->set.out,
			 (long long)t->saved);
	return buf;
}
