/*
 * xl-hadain.c - applies exemplars to inputs, each method in its own way (LOMIT by
 * highway adaptive instance normalisation).
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/tool.h"
#include "data/pairs.h"
#include "kernels/kernels.h"

static struct xl_engine engine;
static const char *path, *path2, *direction;
static bool is_mixed, all_pairs, is_removal;
static double mix;
static int64_t samples;

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_STR, .name = "exemplar", .arg = "file", .target = &path,
	 .help = "picture or stream: one for all inputs, or one each"},
	{.type = XL_OPT_STR, .name = "model", .arg = "file", .target = &engine.path,
	 .help = "model file [XL_MODEL, else the default model]"},
	{.type = XL_OPT_NUM, .name = "mix", .arg = "t", .target = &mix, .max = 1,
	 .given = &is_mixed, .help = "mix styles: 1-t of exemplar, t of exemplar2"},
	{.type = XL_OPT_STR, .name = "exemplar2", .arg = "file", .target = &path2,
	 .help = "the exemplars to mix in"},
	{.type = XL_OPT_FLAG, .name = "all-pairs", .target = &all_pairs,
	 .help = "each input with each exemplar, in this order"},
	{.type = XL_OPT_FLAG, .name = "remove", .target = &is_removal,
	 .help = "take out what exemplars bring, where a method can"},
	{.type = XL_OPT_INT, .name = "sample", .arg = "k", .target = &samples, .min = 1,
	 .max = 1000000, .help = "draw k styles at random, where a method can"},
	{.type = XL_OPT_ENUM, .name = "direction", .arg = "ab|ba", .target = &direction,
	 .help = "domains of input and exemplar, of two-domain methods"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-hadain",
	.synopsis = "--exemplar=file|--remove|--sample=k [options] [FILE...]",
	.summary = "apply the style or content of exemplars to records",
	.example = "xl-encode a.png | xl-hadain --exemplar b.png | xl-decode > out.png",
	.opts = opts,
	.check = xl_kernels_check,
};

static struct xl_pairs pairs;
static struct xl_writer *out;

static void fail(struct xl_inputs *in, const struct xl_record *r)
{
	xl_engine_failed(&engine, in, r);
	xl_warn("%s", xl_err_msg());
}

static int prepare(const struct xl_inputs *in, struct xl_record **r)
{
	const char *domain = direction && direction[0] == 'b' ? "B" : "A", *has;

	if (in->from_picture && xl_engine_picture(&engine, r, false))
		return -1;
	has = xl_meta_str(*r, "domain", domain);
	if (direction && strcmp(has, domain) != 0)
		return xl_err("of domain %s, --direction=%s asks for %s", has, direction, domain);
	return xl_engine_seed(&engine, *r) || xl_engine_domain(&engine, *r, domain) ? -1 : 0;
}

/* A code that was fused before is still its input's. The caller frees the name. */
static char *input_of(const struct xl_record *r)
{
	return xl_strdup(r->kind == XL_CODE ? xl_meta_str(r, "input", r->id) : r->id);
}

/* Fuses and writes one pair. */
static void fuse(struct xl_inputs *in, struct xl_record *r, struct xl_record *exemplar)
{
	char *input = input_of(r);

	if (!input || xl_pair_mode(r, NULL, 0, 0) ||
	    xl_stage_fuse(engine.model, engine.tape, r, exemplar) ||
	    xl_pair_name(r, input, exemplar))
		fail(in, r);
	else if (xl_writer_put(out, r))
		xl_fail_write();
	free(input);
}

static void fuse_with_all(struct xl_inputs *in, struct xl_record *r)
{
	int got = pairs.n_all ? 0 : 1;

	while (got > 0 && (got = xl_pairs_all(&pairs, r)) > 0)
		xl_warn("%s", xl_err_msg());
	if (got < 0)
		xl_die("%s", xl_err_msg());
	if (xl_stage_encode(engine.model, engine.tape, r)) { /* once, not for each */
		fail(in, r);
		return;
	}
	for (int i = 0; i < pairs.n_all; i++) {
		struct xl_record *a = xl_record_copy(r), *b = xl_record_copy(pairs.all[i]);

		if (!a || !b)
			xl_die("%s", xl_err_msg());
		fuse(in, a, b);
		xl_record_free(a);
		xl_record_free(b);
	}
}

/* What a method does of itself: removal, or draw number k of the input's name. */
static int fuse_alone(struct xl_record *r, int64_t k)
{
	struct xl_record *self = NULL;
	char *input = input_of(r);
	int rc = -1;
	if (input && !xl_pair_mode(r, is_removal ? "remove" : "sample", k, xl_common.seed) &&
	    (is_removal || !xl_record_set_id(r, input)) && (self = xl_record_copy(r)))
		rc = xl_stage_fuse(engine.model, engine.tape, r, self);
	if (rc == 0 && !is_removal)
		rc = xl_draw_name(r, input, k);
	xl_record_free(self);
	free(input);
	return rc;
}

static void fuse_draws(struct xl_inputs *in, const struct xl_record *r)
{
	for (int64_t k = 0, rc = 0; rc == 0 && k < (is_removal ? 1 : samples); k++) {
		struct xl_record *a = xl_record_copy(r);

		if (!a)
			xl_die("%s", xl_err_msg());
		if ((rc = fuse_alone(a, k)) != 0) /* as would the other draws */
			fail(in, a);
		else if (xl_writer_put(out, a))
			xl_fail_write();
		xl_record_free(a);
	}
}

/* Takes the exemplar of an input, also of one that failed: they go step by step.
 * 0 when there are no more. */
static int fuse_with_next(struct xl_inputs *in, struct xl_record *r)
{
	struct xl_record *e = NULL;
	int got = xl_pairs_next(&pairs, r, &e);

	if (got < 0 && xl_pairs_hopeless(&pairs))
		xl_die("%s", xl_err_msg());
	else if (got < 0 && r)
		xl_warn("%s", xl_err_msg());
	else if (got > 0 && r)
		fuse(in, r, e);
	xl_record_free(e);
	return got;
}

static void fuse_all(struct xl_inputs *in)
{
	struct xl_record *r;
	int got, left = 1;

	while (left != 0 && (got = xl_inputs_next(in, &r)) != 0) {
		if (got < 0)
			xl_warn("%s", xl_err_msg());
		else if (prepare(in, &r)) {
			fail(in, r);
			xl_record_free(r);
			r = NULL;
		}
		if (path && !all_pairs)
			left = fuse_with_next(in, r);
		else if (r && path)
			fuse_with_all(in, r);
		else if (r)
			fuse_draws(in, r);
		xl_record_free(r);
		xl_progress(in->count, 0, "records", NULL);
	}
	if (path && !all_pairs && xl_pairs_match(&pairs, in))
		xl_die("%s; give one, as many as inputs, or --all-pairs", xl_err_msg());
}

/* What the method cannot do is asked for in vain. */
static void check_method(const struct xl_method *m)
{
	const char *asked = is_removal ? "remove" : samples ? "sample" : NULL;

	if (direction && !m->both_ways)
		xl_usage("--direction: method %s does not %s", m->name,
			 m->two_domains ? "translate both ways" : "work on two domains");
	if (asked && !xl_method_can(m, asked))
		xl_usage("--%s: method %s cannot", asked, m->name);
}

static void check_options(const struct xl_inputs *in)
{
	const char *files[] = {path, path2};
	int n = xl_inputs_stdin(in);

	if ((path != NULL) + is_removal + (samples > 0) > 1)
		xl_usage("--exemplar, --remove and --sample exclude each other");
	if (!path && !is_removal && !samples)
		xl_usage("needs --exemplar, or --remove or --sample in its place");
	if (is_mixed != (path2 != NULL))
		xl_usage("--mix and --exemplar2 go together");
	if ((is_mixed || all_pairs) && !path)
		xl_usage("--mix and --all-pairs need --exemplar");
	for (int i = 0; i < 2 && files[i]; i++) {
		n += strcmp(files[i], "-") == 0;
		xl_no_terminal_in(files[i]);
	}
	if (n > 1)
		xl_usage("only one input can be stdin");
	if (xl_inputs_stdin(in) > 0)
		xl_no_terminal_in(NULL);
	xl_no_terminal_out(NULL);
}

int main(int argc, char **argv)
{
	const int at = xl_opt_parse(&tool, argc, argv);
	struct xl_inputs in;

	xl_inputs_init(&in, (const char *const *)argv + at, argc - at);
	check_options(&in);
	if (xl_engine_start(&engine))
		xl_die("%s", xl_err_msg());
	check_method(engine.model->method);
	if ((path && xl_pairs_open(&pairs, &engine, path, path2, mix)) ||
	    !(out = xl_writer_open(NULL)))
		xl_die("%s", xl_err_msg());
	fuse_all(&in);
	if (path)
		xl_pairs_done(&pairs);
	xl_inputs_done(&in);
	xl_engine_done(&engine);
	if (xl_writer_close(out))
		xl_fail_write();
	return xl_finish();
}
