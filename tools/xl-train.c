/*
 * xl-train.c - train a method on image records: reads its input once, then
 * walks it for as many iterations as asked.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/opt.h"
#include "core/progress.h"
#include "core/tool.h"
#include "train/train.h"
#include "train/train_estimate.h"
#include "train/train_help.h"
#include "train/train_job.h"

static struct xl_job job;
static volatile sig_atomic_t stop, is_training;

/* clang-format off */
static const struct xl_opt opts[] = {
	{.type = XL_OPT_STR, .name = "preset", .arg = "paper|small|tiny",
	 .target = &job.settings.preset,
	 .help = "values to begin with, which explicit options replace [paper]"},
	{.type = XL_OPT_CALL, .name = "set", .arg = "key=value", .target = &job.settings,
	 .fn = xl_settings_pair, .help = "set a hyper-parameter, as --key=value does"},
	{.type = XL_OPT_STR, .name = "attributes", .arg = "a,b,..", .target = &job.attributes,
	 .help = "attributes to train with [the method's own where all are there, else all]"},
	{.type = XL_OPT_STR, .name = "domain-by", .arg = "condition", .target = &job.domain_by,
	 .help = "domain B is where this holds, as Male=1 [meta.domain]"},
	{.type = XL_OPT_STR, .letter = 'o', .name = "out", .arg = "file", .target = &job.set.out,
	 .help = "model to write, beside file.ckpt [METHOD.msgpack]"},
	{.type = XL_OPT_STR, .name = "resume", .arg = "file", .target = &job.resume,
	 .help = "continue from file.ckpt"},
	{.type = XL_OPT_CALL, .name = "with", .arg = "file", .target = &job.with, .fn = xl_with_add,
	 .help = "take a network, or a model's, where the method does (egsc-it)"},
	{.type = XL_OPT_FLAG, .name = "force", .target = &job.files.force, .help = "replace model, log, copies and sheets"},
	{.type = XL_OPT_INT, .name = "every", .arg = "n", .def = "1000", .target = &job.set.every,
	 .min = 1, .max = 1e9, .help = "save after every n iterations"},
	{.type = XL_OPT_INT, .name = "keep", .arg = "k", .def = "0", .target = &job.set.keep,
	 .min = 0, .max = 1e6, .help = "also keep the last k saves as file.STEP"},
	{.type = XL_OPT_STR, .name = "log", .arg = "file", .target = &job.files.log_path,
	 .help = "write JSON lines; a resumed run appends"},
	{.type = XL_OPT_INT, .name = "log-every", .arg = "n", .def = "10", .target = &job.set.log_every,
	 .min = 1, .max = 1e9, .help = "iterations between two lines of the log"},
	{.type = XL_OPT_STR, .name = "samples", .arg = "dir", .target = &job.set.samples,
	 .help = "draw a sheet of sample pictures at every save"},
	{.type = XL_OPT_FLAG, .name = "dry-run", .target = &job.is_dry,
	 .help = "print what the run would cost, and train nothing"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static int complete_help(struct xl_opt *table, const char *operand)
{
	const struct xl_settings *s = &job.settings;

	if (operand && xl_settings_first(s, operand))
		return -1;
	return s->method ? xl_help_presets(table, s->method) : 0;
}

static struct xl_tool tool = {
	.name = "xl-train",
	.synopsis = "METHOD [options] [FILE...]",
	.example = "xl-crop celeba | xl-train lomit --preset small",
	.check = xl_kernels_check,
	.help = complete_help,
};

static void say_note(const char *text)
{
	xl_note("%s", text);
}

static void say_lost(const char *text)
{
	xl_lose("%s", text);
}

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

/* The step in flight is finished and saved; a second signal ends at once, as one does
 * before there is anything to save. */
static void on_signal(int number)
{
	stop = number;
	if (is_training)
		return;
	xl_train_leave(&job.files);
	_exit(128 + number);
}

static void catch_signals(void)
{
	const struct sigaction a = {.sa_handler = on_signal,
				    .sa_flags = (int)SA_RESETHAND | SA_RESTART};
	struct sigaction was;

	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	if (sigaction(SIGHUP, NULL, &was) == 0 && was.sa_handler != SIG_IGN) /* not by nohup */
		sigaction(SIGHUP, &a, NULL);
	signal(SIGPIPE, SIG_IGN); /* a closed log must not cost a run */
}

/* What the command line asks for. */
static void parse(int argc, char **argv)
{
	struct xl_settings *s = &job.settings;

	xl_tool_begin(tool.name);
	s->method = xl_settings_find(opts, argc, argv);
	if (xl_settings_words(s, argc, argv))
		xl_usage("%s", xl_err_msg());
	tool.summary = xl_settings_summary(s->method);
	tool.opts = xl_settings_table(s, opts);
	if (!tool.summary || !tool.opts)
		xl_die("%s", xl_err_msg());
	const int first = xl_opt_parse(&tool, argc, argv);
	if (xl_settings_first(s, argv[first]))
		xl_usage("%s", xl_err_msg());
	if (job.set.out && strcmp(job.set.out, "-") == 0)
		xl_usage("--out: a model and its checkpoint are files, not a stream");
	job.seed = (uint64_t)xl_common.seed;
	job.is_seed_given = xl_common.seed_given;
	job.files.inputs = (const char *const *)argv + first + 1;
	job.files.n_inputs = argc - first - 1;
	job.is_alone = job.is_dry && isatty(STDIN_FILENO);
	job.skipped = say_skipped;
	job.taken = say_taken;
}

/* Ends the program where something cannot be done. */
static void must(enum xl_job_answer answer)
{
	if (answer == XL_JOB_WRONG)
		xl_usage("%s", xl_err_msg());
	if (answer == XL_JOB_REFUSED)
		xl_refuse("%s", xl_err_msg());
	if (answer == XL_JOB_FAILED)
		xl_die("%s", xl_err_msg());
}

static void close_files(void)
{
	xl_train_close(&job.files);
}

static void take_data(void)
{
	const int n = job.files.n_inputs;
	char text[1024];

	if (n == 0 && !job.is_alone)
		xl_no_terminal_in(NULL);
	xl_check_streams(job.files.inputs, n);
	must(xl_job_read(&job));
	if (job.data.n > 0)
		xl_note("%s", xl_spool_words(&job.data, text, sizeof text));
}

static int print_estimate(void)
{
	struct xl_estimate e;

	if (xl_estimate(&e, job.model, &job.data) ||
	    xl_estimate_print(&e, job.model, &job.data, stdout))
		xl_fail_write();
	return xl_finish();
}

static int train(void)
{
	struct xl_train t = {.model = job.model,
			     .spool = &job.data,
			     .log = &job.files.log,
			     .set = job.set,
			     .saved = job.saved,
			     .stop = &stop,
			     .note = say_note,
			     .lose = say_lost,
			     .progress = say_progress};
	char text[512];

	is_training = true;
	const enum xl_train_end end = xl_train_run(&t);
	if (end >= XL_TRAIN_NONFINITE && !t.is_said)
		xl_die("%s", xl_err_msg());
	xl_note("%s", xl_train_words(&t, text, sizeof text));
	if (end == XL_TRAIN_STOPPED)
		xl_note("stopped by a signal; continue with %s --resume %s",
			job.settings.method->name, job.set.out);
	const int status = xl_finish();
	return end == XL_TRAIN_STOPPED ? 128 + stop : status;
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	must(xl_job_model(&job));
	atexit(close_files);
	if (!job.is_dry)
		catch_signals();
	must(xl_job_files(&job));
	take_data();
	must(xl_job_ready(&job));
	const int status = job.is_dry ? print_estimate() : train();
	xl_job_done(&job);
	return status;
}
