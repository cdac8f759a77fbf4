/*
 * xl-encode.c - pictures or image records to code records: all that a model makes
 * of one image alone.
 */
#include "core/opt.h"
#include "core/progress.h"
#include "core/tool.h"
#include "data/engine.h"
#include "data/inputs.h"
#include "kernels/kernels.h"

static struct xl_engine engine;
static bool is_native;
static const char *domain;

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_STR, .name = "model", .arg = "file", .target = &engine.path,
	 .help = "model file [XL_MODEL, else the default model]"},
	{.type = XL_OPT_FLAG, .name = "native", .target = &is_native,
	 .help = "keep the size of picture files"},
	{.type = XL_OPT_ENUM, .name = "domain", .arg = "A|B", .target = &domain,
	 .help = "their domain [what records say, else A]"},
	{.type = XL_OPT_CALL, .name = "set", .arg = "key=value", .target = &engine,
	 .fn = xl_engine_set, .help = "as noise-test=0, where the method has it"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-encode",
	.synopsis = "[options] [IMAGE...]",
	.summary = "encode pictures, or image records on stdin, to code records",
	.example = "xl-encode a.png | xl-hadain --exemplar b.png | xl-decode > out.png",
	.opts = opts,
	.check = xl_kernels_check,
};

static int set_domain(struct xl_record *r)
{
	const char *has = xl_meta_str(r, "domain", NULL);

	if (!domain)
		return xl_engine_domain(&engine, r, "A");
	if (r->kind == XL_CODE && has && has[0] != domain[0])
		return xl_err("codes of domain %s, not %s", has, domain);
	return xl_meta_set_str(r, "domain", domain);
}

static void start(void)
{
	const int rc = xl_engine_start(&engine);

	if (rc > 0)
		xl_usage("%s", xl_err_msg());
	if (rc < 0)
		xl_die("%s", xl_err_msg());
}

static int encode(const struct xl_inputs *in, struct xl_record **r)
{
	start();
	if (in->from_picture && xl_engine_picture(&engine, r, is_native))
		return -1;
	return xl_engine_seed(&engine, *r) || set_domain(*r) ||
			       xl_stage_encode(engine.model, engine.tape, *r)
		       ? -1
		       : 0;
}

int main(int argc, char **argv)
{
	const int first = xl_opt_parse(&tool, argc, argv);
	struct xl_inputs in;
	struct xl_writer *out;
	struct xl_record *r;
	int got;

	xl_inputs_init(&in, (const char *const *)argv + first, argc - first);
	if (xl_inputs_stdin(&in) > 1)
		xl_usage("only one of the operands can be stdin");
	if (xl_inputs_stdin(&in) > 0)
		xl_no_terminal_in(NULL);
	xl_no_terminal_out(NULL);
	if (!(out = xl_writer_open(NULL)))
		xl_die("%s", xl_err_msg());
	while ((got = xl_inputs_next(&in, &r)) != 0) {
		if (got > 0 && encode(&in, &r))
			got = xl_engine_failed(&engine, &in, r);
		if (got < 0)
			xl_warn("%s", xl_err_msg());
		else if (xl_writer_put(out, r))
			xl_fail_write();
		xl_record_free(r);
		xl_progress(in.count, 0, "images", NULL);
	}
	xl_inputs_done(&in);
	xl_engine_done(&engine);
	if (xl_writer_close(out))
		xl_fail_write();
	return xl_finish();
}
