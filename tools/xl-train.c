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
#include "train/train_open.h"
#include "train/train_setup.h"
#include "train/train_with.h"

static struct xl_settings settings;
static struct xl_with with;
static const char *attributes, *domain_by, *out, *resume;
static struct xl_run_settings set;
static bool dry;
static struct xl_train_open files;
static volatile sig_atomic_t stop;

/* clang-format off */
static const struct xl_opt opts[] = {
	{.type = XL_OPT_STR, .name = "preset", .arg = "paper|small|tiny",
	 .target = &settings.preset,
	 .help = "values to begin with, which explicit options replace [paper]"},
	{.type = XL_OPT_CALL, .name = "set", .arg = "key=value", .target = &settings,
	 .fn = xl_settings_pair, .help = "set a hyper-parameter, as --key=value does"},
	{.type = XL_OPT_STR, .name = "attributes", .arg = "a,b,..", .target = &attributes,
	 .help = "attributes to train with [the method's own where all are there, else all]"},
	{.type = XL_OPT_STR, .name = "domain-by", .arg = "condition", .target = &domain_by,
	 .help = "domain B is where this holds, as Male=1 [meta.domain]"},
	{.type = XL_OPT_STR, .letter = 'o', .name = "out", .arg = "file", .target = &out,
	 .help = "model to write, beside file.ckpt [METHOD.msgpack]"},
	{.type = XL_OPT_STR, .name = "resume", .arg = "file", .target = &resume,
	 .help = "continue from file.ckpt"},
	{.type = XL_OPT_CALL, .name = "with", .arg = "file", .target = &with, .fn = xl_with_add,
	 .help = "take a network, or a model's, where the method does (egsc-it)"},
	{.type = XL_OPT_FLAG, .name = "force", .target = &files.force, .help = "replace model and log"},
	{.type = XL_OPT_INT, .name = "every", .arg = "n", .def = "1000", .target = &set.every,
	 .min = 1, .max = 1e9, .help = "save after every n iterations"},
	{.type = XL_OPT_INT, .name = "keep", .arg = "k", .def = "0", .target = &set.keep,
	 .min = 0, .max = 1e6, .help = "also keep the last k saves as file.STEP"},
	{.type = XL_OPT_STR, .name = "log", .arg = "file", .target = &files.log_path,
	 .help = "write JSON lines; a resumed run appends"},
	{.type = XL_OPT_INT, .name = "log-every", .arg = "n", .def = "10", .target = &set.log_every,
	 .min = 1, .max = 1e9, .help = "iterations between two lines of the log"},
	{.type = XL_OPT_STR, .name = "samples", .arg = "dir", .target = &set.samples,
	 .help = "draw a sheet of sample pictures at every save"},
	{.type = XL_OPT_FLAG, .name = "dry-run", .target = &dry,
	 .help = "print what the run would cost, and train nothing"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static struct xl_tool tool = {
	.name = "xl-train",
	.synopsis = "METHOD [options] [FILE...]",
	.example = "xl-crop celeba | xl-train lomit --preset small",
	.check = xl_kernels_check,
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

/* The step in flight is finished and saved; a second signal ends at once. */
static void on_signal(int number)
{
	stop = number;
}

static void catch_signals(void)
{
	struct sigaction a = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};

	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	signal(SIGPIPE, SIG_IGN); /* a closed log must not cost a run */
}

static int parse(int argc, char **argv)
{
	xl_tool_set_name(tool.name);
	settings.method = xl_settings_find(opts, argc, argv);
	tool.summary = xl_settings_summary(settings.method);
	tool.opts = xl_settings_table(&settings, opts);
	if (!tool.summary || !tool.opts)
		xl_die("%s", xl_err_msg());
	if (argc == 3 && !strcmp(argv[1], "--help") && *argv[2] != '-' && !xl_method_find(argv[2]))
		xl_usage("%s", xl_err_msg());
	const int first = xl_opt_parse(&tool, argc, argv);
	if (first == argc)
		xl_usage("needs a method: xl-train METHOD ..");
	const struct xl_method *method = xl_method_find(argv[first]);
	if (!method || method != settings.method)
		xl_usage("%s", method ? "METHOD comes first" : xl_err_msg());
	if (out && strcmp(out, "-") == 0)
		xl_usage("--out: a model and its checkpoint are files, not a stream");
	return first + 1;
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

/* All the input; then says what it took. A dry run does without. */
static void take_data(struct xl_spool *s, const struct xl_model *m, char **paths, int n)
{
	const struct xl_labels_want want = xl_setup_labels(m, attributes, domain_by);
	char text[1024];

	if (xl_spool_init(s, xl_model_loads(m), &want))
		xl_die("%s", xl_err_msg());
	for (int i = 0; i < n; i++)
		take(s, paths[i]);
	if (n == 0 && !(dry && isatty(STDIN_FILENO)))
		take(s, NULL);
	if (xl_spool_end(s) || (dry && s->n == 0 && xl_labels_pretend(&s->labels, &want)))
		xl_die("%s", xl_err_msg());
	if (s->n > 0)
		xl_note("%s", xl_spool_words(s, text, sizeof text));
	if (!(dry && s->n == 0) && xl_batch_enough(s, xl_model_images(m)))
		xl_usage("%s", xl_err_msg());
}

/* The model to train: not yet built where it is new. */
static struct xl_model *open_model(void)
{
	const uint64_t seed = (uint64_t)xl_common.seed;
	const uint64_t *given = xl_common.seed_given ? &seed : NULL;
	bool is_usage = true;
	struct xl_model *m = resume ? xl_settings_resume(&settings, resume, given, &is_usage)
				    : xl_settings_model(&settings);

	if (!m && is_usage)
		xl_usage("%s", xl_err_msg());
	if (!m)
		xl_die("%s", xl_err_msg());
	return m;
}

static void close_files(void)
{
	xl_train_close(&files);
}

/* Refuses what a run would destroy, before anything is read. */
static void open_files(bool goes_on)
{
	set.fresh = files.is_new = !goes_on && !files.force;
	files.out = set.out;
	files.append = resume != NULL;
	int rc = xl_train_open(&files);
	atexit(close_files);
	if (rc > 0)
		xl_refuse("%s", xl_err_msg());
	if (rc < 0)
		xl_die("%s", xl_err_msg());
}

static void print_estimate(struct xl_model *m, const struct xl_spool *s)
{
	struct xl_estimate e;

	if (xl_estimate(&e, m, s) || xl_estimate_print(&e, m, s, stdout))
		xl_fail_write();
}

static int finish(const struct xl_train *t, enum xl_train_end end)
{
	char text[512];

	if (end >= XL_TRAIN_NONFINITE)
		xl_die("%s", xl_err_msg());
	xl_note("%s", xl_train_words(t, text, sizeof text));
	if (end == XL_TRAIN_STOPPED)
		xl_note("stopped by a signal; continue with --resume %s", set.out);
	const int status = xl_finish();
	return end == XL_TRAIN_STOPPED ? 128 + stop : status;
}

int main(int argc, char **argv)
{
	const int first = parse(argc, argv);
	struct xl_model *m = open_model();
	struct xl_spool data;
	struct xl_train t = {.model = m, .spool = &data, .log = &files.log, .stop = &stop};
	enum xl_train_end end = XL_TRAIN_DONE;
	char name[80];

	snprintf(name, sizeof name, "%s.msgpack", m->method->name);
	set.out = out ? out : resume ? resume : name;
	files.inputs = (const char *const *)argv + first;
	files.n_inputs = argc - first;
	t.saved = resume && strcmp(resume, set.out) == 0 ? m->step : -1;
	if (!dry)
		open_files(t.saved >= 0);
	take_data(&data, m, argv + first, argc - first);
	if ((!resume ? xl_setup_build(m, &data, (uint64_t)xl_common.seed)
		     : data.n > 0 && xl_setup_same_data(m, &data, resume)) ||
	    xl_with_take(&with, m))
		xl_usage("%s", xl_err_msg());
	set.iters = xl_model_int(m, "iters");
	t.set = set;
	t.note = say_note;
	t.lose = say_lost;
	t.progress = say_progress;
	if (dry) {
		print_estimate(m, &data);
	} else {
		catch_signals();
		end = xl_train_run(&t);
	}
	xl_spool_done(&data);
	xl_settings_done(&settings);
	xl_model_free(m);
	return dry ? xl_finish() : finish(&t, end);
}
