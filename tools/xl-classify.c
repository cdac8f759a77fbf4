/*
 * xl-classify.c - train a classifier on labelled pictures; ask one whether pictures
 * have the labels that are wanted of them; or let it describe them by vectors.
 */
#include <stdlib.h>
#include <string.h>
#include "core/opt.h"
#include "core/progress.h"
#include "core/tool.h"
#include "data/inputs.h"
#include "data/judge.h"
#include "train/train_classifier.h"

static bool is_training, features, each, json, force;
static const char *attributes, *domain_by, *out, *model, *want_list, *exemplars;
static int64_t size, width, batch, iters;
static double held_out, lr, flip;

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_FLAG, .name = "train", .target = &is_training,
	 .help = "train a classifier; without, apply one"},
	{.type = XL_OPT_STR, .name = "model", .arg = "file", .target = &model,
	 .without = "train", .help = "classifier to apply"},
	{.type = XL_OPT_STR, .name = "want", .arg = "a=1,b=0", .target = &want_list,
	 .without = "train|features|exemplar",
	 .help = "labels that are wanted, as domain=B [their own]"},
	{.type = XL_OPT_STR, .name = "exemplar", .arg = "file", .target = &exemplars,
	 .without = "train|features", .help = "records whose labels are wanted"},
	{.type = XL_OPT_FLAG, .name = "features", .target = &features,
	 .without = "train", .help = "write features records, not verdicts"},
	{.type = XL_OPT_FLAG, .name = "each", .target = &each,
	 .without = "train|features", .help = "print what is told of every picture as well"},
	{.type = XL_OPT_FLAG, .name = "json", .target = &json,
	 .without = "features", .help = "print JSON, with counts, settings and digests"},
	{.type = XL_OPT_STR, .name = "domain-by", .arg = "condition", .target = &domain_by,
	 .without = "features", .help = "domain B is where this holds, as Male=1 [meta.domain]"},
	{.type = XL_OPT_STR, .name = "attributes", .arg = "a,b,..", .target = &attributes,
	 .with = "train", .help = "train: labels to tell, or domain [all there are]"},
	{.type = XL_OPT_STR, .letter = 'o', .name = "out", .arg = "file",
	 .def = "classifier.msgpack", .target = &out, .with = "train",
	 .help = "train: the file to write"},
	{.type = XL_OPT_FLAG, .name = "force", .target = &force,
	 .help = "replace a file; use a classifier that is often wrong"},
	{.type = XL_OPT_INT, .name = "size", .arg = "n", .def = "128", .target = &size,
	 .min = 8, .max = 1024, .with = "train", .help = "train: side of pictures in pixels"},
	{.type = XL_OPT_INT, .name = "width", .arg = "n", .def = "32", .target = &width,
	 .min = 1, .max = 256, .with = "train",
	 .help = "train: channels, an eighth of the features"},
	{.type = XL_OPT_INT, .name = "batch", .arg = "n", .def = "32", .target = &batch,
	 .min = 2, .max = 4096, .with = "train",
	 .help = "train: pictures of a step, an even number"},
	{.type = XL_OPT_INT, .name = "iters", .arg = "n", .def = "2000", .target = &iters,
	 .min = 1, .max = 1e9, .with = "train", .help = "train: steps"},
	{.type = XL_OPT_NUM, .name = "lr", .arg = "x", .def = "1e-3", .target = &lr,
	 .min = 0, .max = 1, .with = "train", .help = "train: learning rate at the start"},
	{.type = XL_OPT_NUM, .name = "flip", .arg = "p", .def = "0.5", .target = &flip,
	 .min = 0, .max = 1, .with = "train", .help = "train: probability of mirroring a picture"},
	{.type = XL_OPT_NUM, .name = "held-out", .arg = "share", .def = "0.1",
	 .target = &held_out, .min = 0, .max = 0.9,
	 .with = "train", .help = "train: share of pictures to test with"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-classify",
	.synopsis = "--train [options] [FILE...] | --model FILE [options] [FILE...]",
	.summary = "train a classifier on labelled pictures, or ask one about pictures",
	.example = "xl-crop --split train celeba | xl-classify --train --attributes Smiling",
	.opts = opts,
	.check = xl_kernels_check,
};

/* ---- training ----------------------------------------------------------- */

static void say_skipped(const char *text)
{
	xl_warn("%s", text);
}

static void say_taken(size_t n)
{
	xl_progress_lines((int64_t)n, 0, "images read", NULL);
}

static void say_progress(int64_t done, int64_t total, const char *text)
{
	xl_progress_lines(done, total, "iterations", text);
}

static void take(struct xl_spool *s, const char *path)
{
	xl_no_terminal_in(path);
	const enum xl_take got = xl_spool_read(s, path, say_skipped, say_taken);

	if (got == XL_REFUSED)
		xl_usage("%s", xl_err_msg());
	if (got == XL_FAILED)
		xl_die("%s", xl_err_msg());
}

/* All pictures, and a share of them held back. */
static void take_data(struct xl_spool *s, struct xl_spool *held, char **paths, int n)
{
	const struct xl_labels_want want = {
		.list = attributes, .domain_by = domain_by, .is_whole = true};
	char text[1024];

	if (xl_spool_init(s, (int)size, &want) || xl_spool_init(held, (int)size, &want))
		xl_die("%s", xl_err_msg());
	s->held = held;
	s->share = held_out;
	s->seed = (uint64_t)xl_common.seed;
	for (int i = 0; i < (n > 0 ? n : 1); i++)
		take(s, n > 0 ? paths[i] : NULL);
	if (xl_spool_end(s) || xl_spool_end(held))
		xl_die("%s", xl_err_msg());
	xl_note("%s; %lu more held back", xl_spool_words(s, text, sizeof text),
		(unsigned long)held->n);
}

static int train(char **paths, int n)
{
	struct xl_classifier_run run = {.width = (int)width,
					.batch = (int)batch,
					.iters = iters,
					.lr = lr,
					.flip = flip,
					.progress = say_progress,
					.seed = (uint64_t)xl_common.seed};
	struct xl_spool spool, held;
	struct xl_verdicts v;
	struct xl_classifier *c;

	if (strcmp(out, "-") == 0)
		xl_usage("--out: a classifier is a file, not a stream");
	xl_check_out(out, force, (const char *const *)paths, n);
	take_data(&spool, &held, paths, n);
	run.spool = &spool;
	if (xl_classifier_run_check(&run))
		xl_usage("%s", xl_err_msg());
	c = xl_classifier_train(&run);
	if (!c || xl_classifier_test(c, &held, &v) || xl_classifier_save(c, out))
		xl_die("%s", xl_err_msg());
	if (xl_classifier_run_print(&run, c, &v, stdout, json))
		xl_fail_write();
	xl_verdicts_done(&v);
	xl_classifier_free(c);
	xl_spool_done(&spool);
	xl_spool_done(&held);
	return xl_finish();
}

/* ---- applying ----------------------------------------------------------- */

static struct xl_judge judge;
static struct xl_writer *to; /* features */

static int look_at(struct xl_record *r, int64_t number)
{
	const float *p;

	if (features) {
		if (xl_eye_see(&judge.eye, r) || xl_eye_describe(&judge.eye, r))
			return -1;
		if (xl_writer_put(to, r))
			xl_fail_write();
		return 0;
	}
	const int rc = xl_judge_record(&judge, r, &p);

	if (rc == 0 && each && xl_verdicts_each(judge.eye.c, p, stdout, json, number, r->id))
		xl_fail_write();
	return rc;
}

/* The number of pictures that could not be judged. */
static int64_t look_at_all(struct xl_inputs *in)
{
	struct xl_record *r;
	const float *p;
	int64_t skipped = 0;
	int got, rc;

	while ((got = xl_inputs_next(in, &r)) != 0) {
		if (got < 0 && !features && exemplars) /* its exemplar is passed over */
			got = xl_judge_record(&judge, NULL, &p) ? got : -1;
		if (got > 0 && (rc = look_at(r, in->count - 1)) != 0) {
			got = xl_err_prefix("%s", xl_inputs_where(in));
			if (rc == -2 && in->count == 1) /* nor will the others have any */
				xl_die("%s", xl_err_msg());
		}
		if (got < 0)
			xl_warn("%s", xl_err_msg());
		skipped += got < 0;
		xl_record_free(r);
		xl_progress(in->count, 0, "images", NULL);
	}
	return skipped;
}

static int apply(const char *const *paths, int n)
{
	struct xl_inputs in;
	bool is_usage = false;
	int64_t skipped;

	xl_inputs_init(&in, paths, n);
	if (xl_inputs_stdin(&in) + (exemplars && strcmp(exemplars, "-") == 0) > 1)
		xl_usage("only one of the streams can be stdin");
	if (xl_inputs_stdin(&in) > 0)
		xl_no_terminal_in(NULL);
	if (exemplars)
		xl_no_terminal_in(exemplars);
	if (features)
		xl_no_terminal_out(NULL);
	if (xl_judge_open(&judge, model))
		xl_die("%s", xl_err_msg());
	if (!features && !force && xl_judge_worth(&judge, model))
		xl_refuse("%s; --force uses it all the same", xl_err_msg());
	if (!features && xl_judge_want(&judge, want_list, exemplars, domain_by, &is_usage)) {
		if (is_usage)
			xl_usage("%s", xl_err_msg());
		xl_die("%s", xl_err_msg());
	}
	if (features && !(to = xl_writer_open(NULL)))
		xl_die("%s", xl_err_msg());
	skipped = look_at_all(&in);
	if (!features && in.count == 0 && skipped == 0)
		xl_die("%s: holds no pictures", in.name);
	if (!features && !in.damaged && xl_wanted_end(&judge.wanted))
		xl_die("%s", xl_err_msg());
	if (features ? xl_writer_close(to) : xl_judge_print(&judge, stdout, json, skipped))
		xl_fail_write();
	xl_inputs_done(&in);
	xl_judge_close(&judge);
	return xl_finish();
}

int main(int argc, char **argv)
{
	const int first = xl_opt_parse(&tool, argc, argv);

	if (is_training)
		return train(argv + first, argc - first);
	if (!model)
		xl_usage("--model names the classifier; --train makes one");
	return apply((const char *const *)argv + first, argc - first);
}
