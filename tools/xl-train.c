/*
 * xl-train.c - train a method on image records: reads its input once, then
 * walks it for as many iterations as asked.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/tool.h"
#include "train/train.h"
#include "train/train_files.h"
#include "train/train_setup.h"

static const double LINE_EVERY = 30; /* seconds between lines where there is no terminal */

static struct xl_settings settings;
static const char *attributes, *domain_by, *out, *resume, *log_path;
static struct xl_run_settings set;
static bool force;
static volatile sig_atomic_t stop;

static const struct xl_opt opts[] = {
	{.type = XL_OPT_STR, .name = "preset", .arg = "paper|small|tiny", .target = &settings.preset,
	 .help = "sizes to begin from; explicit options come before it [paper]"},
	{.type = XL_OPT_CALL, .name = "set", .arg = "key=value", .target = &settings,
	 .fn = xl_settings_pair, .help = "set a hyper-parameter, as --key=value does"},
	{.type = XL_OPT_STR, .name = "attributes", .arg = "a,b,..", .target = &attributes,
	 .help = "labels to train with [the method's own where all are there, else all]"},
	{.type = XL_OPT_STR, .name = "domain-by", .arg = "a", .target = &domain_by,
	 .help = "domain B is where this attribute is 1 [meta.domain]"},
	{.type = XL_OPT_STR, .letter = 'o', .name = "out", .arg = "file", .target = &out,
	 .help = "model to write, beside file.ckpt [METHOD.msgpack]"},
	{.type = XL_OPT_STR, .name = "resume", .arg = "file", .target = &resume,
	 .help = "continue from file.ckpt"},
	{.type = XL_OPT_FLAG, .name = "force", .target = &force,
	 .help = "replace an existing model and log"},
	{.type = XL_OPT_INT, .name = "every", .arg = "n", .def = "1000", .target = &set.every,
	 .min = 1, .max = 1e9, .help = "save after every n iterations"},
	{.type = XL_OPT_INT, .name = "keep", .arg = "k", .def = "0", .target = &set.keep,
	 .min = 0, .max = 1e6, .help = "also keep the last k saves as file.STEP"},
	{.type = XL_OPT_STR, .name = "log", .arg = "file", .target = &log_path,
	 .help = "write JSON lines; a resumed run appends"},
	{.type = XL_OPT_INT, .name = "log-every", .arg = "n", .def = "10", .target = &set.log_every,
	 .min = 1, .max = 1e9, .help = "iterations between two lines of the log"},
	{.type = XL_OPT_STR, .name = "samples", .arg = "dir", .target = &set.samples,
	 .help = "draw a sheet of sample pictures at every save"},
	{.type = XL_OPT_END},
};

static struct xl_tool tool = {
	.name = "xl-train",
	.synopsis = "METHOD [options] [FILE...]",
	.example = "xl-crop celeba | xl-train lomit --preset small",
};

/* ---- how the run speaks ------------------------------------------------ */

static void say_note(const char *text)
{
	xl_note("%s", text);
}

static void say_warning(const char *text)
{
	xl_warn("%s", text);
}

static void say_progress(int64_t done, int64_t total, const char *text)
{
	static struct timespec last;
	struct timespec now;

	if (isatty(STDERR_FILENO) || strcmp(xl_common.progress, "always") == 0) {
		xl_progress(done, total, "iterations", text);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (last.tv_sec == 0)
		last = now;
	if ((double)(now.tv_sec - last.tv_sec) < LINE_EVERY || strcmp(xl_common.progress, "never") == 0)
		return;
	xl_note("%s", text);
	last = now;
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
	a.sa_handler = SIG_IGN;
	a.sa_flags = 0;
	sigaction(SIGPIPE, &a, NULL); /* a closed log must not cost a run */
}

/* ---- the command line -------------------------------------------------- */

/* The first word that names a method and is no option's value, so that the
 * table has its hyper-parameters before anything is parsed. */
static const struct xl_method *method_among(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *w = argv[i];

		for (const struct xl_opt *o = opts; w[0] == '-' && o->type != XL_OPT_END; o++)
			if (o->arg && w[1] == '-' ? strcmp(w + 2, o->name) == 0
						  : o->letter && w[1] == o->letter && !w[2])
				i++;
		for (int k = 0; w[0] != '-' && xl_method_at(k); k++)
			if (strcmp(w, xl_method_at(k)->name) == 0)
				return xl_method_at(k);
	}
	return NULL;
}

/* "train lomit: local masks ..", or all methods. */
static char *summary(const struct xl_method *method)
{
	char *all = xl_strdup("train a method on image records; methods:");

	if (method)
		return xl_strf("train %s: %s\n%s", method->name, method->summary, method->citation);
	for (int i = 0; all && xl_method_at(i); i++) {
		char *more = xl_strf("%s\n  %s: %s", all, xl_method_at(i)->name,
				     xl_method_at(i)->summary);

		free(all);
		all = more;
	}
	return all;
}

static int parse(int argc, char **argv)
{
	int first;

	settings.method = method_among(argc, argv);
	tool.summary = summary(settings.method);
	tool.opts = xl_settings_table(&settings, opts);
	if (!tool.summary || !tool.opts)
		xl_die("%s", xl_err_msg());
	first = xl_opt_parse(&tool, argc, argv);
	if (first == argc)
		xl_usage("needs a method: xl-train METHOD ..");
	if (xl_method_find(argv[first]) != settings.method || !settings.method)
		xl_usage("%s", xl_err_msg());
	return first + 1;
}

/* ---- the data ---------------------------------------------------------- */

static void take_file(struct xl_spool *s, const char *path)
{
	struct xl_reader *rd = xl_reader_open(path);
	struct xl_record *r;
	int got;

	if (!rd)
		xl_die("%s", xl_err_msg());
	while ((got = xl_reader_next(rd, &r)) > 0) {
		enum xl_take take = xl_spool_take(s, r);

		if (take == XL_SKIPPED)
			xl_warn("%s: %s", xl_reader_where(rd), xl_err_msg());
		else if (take == XL_REFUSED)
			xl_usage("%s: %s", xl_reader_where(rd), xl_err_msg());
		else if (take == XL_FAILED)
			xl_die("%s", xl_err_msg());
		xl_record_free(r);
		xl_progress(s->n, 0, "images", NULL);
	}
	if (got < 0)
		xl_die("%s", xl_err_msg());
	xl_reader_close(rd);
}

/* All the input; then says what it took. */
static void take_data(struct xl_spool *s, char **paths, int n)
{
	char text[1024];

	for (int i = 0; i < n || i == 0; i++) {
		xl_no_terminal_in(n ? paths[i] : NULL);
		take_file(s, n ? paths[i] : NULL);
	}
	if (xl_spool_end(s))
		xl_die("%s", xl_err_msg());
	if (s->n > 0)
		xl_note("%s", xl_spool_words(s, text, sizeof text));
}

static void spool(struct xl_spool *s, const struct xl_model *m, char **paths, int n)
{
	struct xl_labels_want want = {.defaults = settings.method->default_attributes,
				      .two_domains = settings.method->two_domains,
				      .domain_by = domain_by,
				      .names = (const char *const *)m->attributes,
				      .n_names = m->n_attributes};
	char **names = NULL;

	if (attributes) {
		want.n_names = xl_labels_split(attributes, &names);
		want.names = (const char *const *)names;
		if (want.n_names < 0)
			xl_usage("--attributes: %s", xl_err_msg());
	}
	if (xl_spool_init(s, (int)xl_model_int(m, "size"), &want))
		xl_die("%s", xl_err_msg());
	take_data(s, paths, n);
	if (xl_batch_enough(s, (int)xl_model_int(m, "batch")))
		xl_usage("%s", xl_err_msg());
	for (int i = 0; names && i < want.n_names; i++)
		free(names[i]);
	free(names);
}

/* ---- models ------------------------------------------------------------ */

static struct xl_model *resumed(void)
{
	char *ckpt = xl_train_ckpt(resume);
	struct xl_model *m;

	if (!ckpt)
		xl_die("%s", xl_err_msg());
	m = xl_model_load_checkpoint(ckpt);
	if (!m)
		xl_die("%s", xl_err_msg());
	if (xl_settings_agree(&settings, m, ckpt))
		xl_usage("%s", xl_err_msg());
	if (xl_common.seed_given && (uint64_t)xl_common.seed != m->seed)
		xl_usage("--seed: %s has %llu, not %lld", ckpt, (unsigned long long)m->seed,
			 (long long)xl_common.seed);
	if (m->step > xl_model_int(m, "iters"))
		xl_usage("--iters: %s has done %lld already", ckpt, (long long)m->step);
	free(ckpt);
	return m;
}

/* Refuses what a run would destroy, before anything is read. */
static void check_files(struct xl_run_log *log)
{
	const bool goes_on = resume && strcmp(resume, set.out) == 0;

	if (!force && !goes_on && xl_train_exists(set.out))
		xl_refuse("%s", xl_err_msg());
	if (xl_train_writable(set.out))
		xl_die("%s", xl_err_msg());
	if (log_path && xl_run_log_open(log, log_path, resume != NULL, force))
		xl_refuse("%s", xl_err_msg());
}

static int finish(const struct xl_train *t, enum xl_train_end end)
{
	const long long s = (long long)t->seconds;

	if (end >= XL_TRAIN_NONFINITE)
		xl_die("%s", xl_err_msg());
	xl_note("%lld iterations in %lld:%02lld:%02lld, %.3g s each, peak memory %.2f GiB; %s is at "
		"step %lld",
		(long long)t->iterations, s / 3600, s / 60 % 60, s % 60,
		t->iterations ? t->seconds / (double)t->iterations : 0,
		(double)xl_peak_bytes() / 0x1p30, set.out, (long long)t->saved);
	if (end == XL_TRAIN_DONE)
		return xl_finish();
	xl_note("stopped by a signal; continue with --resume %s", set.out);
	xl_finish();
	return 128 + stop;
}

int main(int argc, char **argv)
{
	const int first = parse(argc, argv);
	struct xl_model *m = resume ? resumed() : xl_settings_model(&settings);
	struct xl_run_log log = {.f = NULL};
	struct xl_spool data;
	struct xl_train t = {.model = m, .spool = &data, .log = &log, .stop = &stop,
			     .note = say_note, .warn = say_warning, .progress = say_progress};
	enum xl_train_end end;
	char *name;

	if (!m)
		xl_usage("%s", xl_err_msg());
	name = out ? xl_strdup(out) : resume ? xl_strdup(resume)
					     : xl_strf("%s.msgpack", settings.method->name);
	if (!name)
		xl_die("%s", xl_err_msg());
	set.out = name;
	check_files(&log);
	spool(&data, m, argv + first, argc - first);
	if (resume ? xl_setup_same_data(m, &data, resume)
		   : xl_setup_build(m, &data, (uint64_t)xl_common.seed))
		xl_usage("%s", xl_err_msg());
	set.iters = xl_model_int(m, "iters");
	t.set = set;
	catch_signals();
	end = xl_train_run(&t);
	xl_run_log_close(&log);
	xl_spool_done(&data);
	xl_model_free(m);
	xl_settings_done(&settings);
	return finish(&t, end);
}
