/*
 * xl-mask.c - computes, shows or edits the masks of records. What the edits do is
 * methods/edits.c.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/file.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/tool.h"
#include "data/engine.h"
#include "data/exemplars.h"
#include "data/inputs.h"
#include "data/outname.h"
#include "kernels/kernels.h"
#include "methods/edits.h"

static struct xl_engine engine;
static struct xl_exemplars exemplars;
static const char *exemplar_path, *png_dir;
static struct xl_edits edits;
static int painted_stdin; /* pictures of edits that came from there */

/* A picture that cannot be read is no wrong usage. */
static int take_edit(void *ctx, const char *name, const char *value)
{
	const bool is_picture = strcmp(name, "set") == 0;

	if (is_picture && strcmp(value, "-") == 0) {
		xl_no_terminal_in(value);
		painted_stdin++;
	}
	const int rc = xl_edits_add(ctx, name, value);
	if (rc && is_picture)
		xl_die("%s", xl_err_msg());
	return rc;
}

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_STR, .name = "model", .arg = "file", .target = &engine.path,
	 .help = "model file [XL_MODEL, else the default model]"},
	{.type = XL_OPT_STR, .name = "exemplar", .arg = "file", .target = &exemplar_path,
	 .help = "exemplars, where the mask is that of a pair"},
	{.type = XL_OPT_CALL, .name = "set", .arg = "png", .target = &edits, .fn = take_edit,
	 .help = "take what is painted there: black 0, white 1"},
	{.type = XL_OPT_CALL, .name = "erase", .arg = "x,y,w,h", .target = &edits, .fn = take_edit,
	 .help = "remove a rectangle of the image, in pixels"},
	{.type = XL_OPT_CALL, .name = "keep", .arg = "x,y,w,h", .target = &edits, .fn = take_edit,
	 .help = "remove all but a rectangle; several add up"},
	{.type = XL_OPT_CALL, .name = "threshold", .arg = "t", .target = &edits, .fn = take_edit,
	 .help = "make it 1 from this value on, 0 below"},
	{.type = XL_OPT_CALL, .name = "invert", .target = &edits, .fn = take_edit,
	 .help = "make it 1 minus itself"},
	{.type = XL_OPT_CALL, .name = "scale", .arg = "s", .target = &edits, .fn = take_edit,
	 .help = "multiply it, up to 1"},
	{.type = XL_OPT_STR, .name = "to-png", .arg = "dir", .target = &png_dir,
	 .help = "write each mask there, as a picture to paint in"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-mask",
	.synopsis = "[options] [FILE...]",
	.summary = "compute, show or edit the masks of records",
	.example = "xl-encode a.png | xl-mask --erase 10,20,40,40 > edited.msgpack",
	.opts = opts,
	.check = xl_kernels_check,
};

/* ---- one record ------------------------------------------------------- */

/* Where it is the writing that failed, the next could not be written either: that ends it. */
static int show(const struct xl_record *r, const struct xl_tensor *m, const struct xl_cells *g)
{
	struct xl_tensor *picture = xl_edit_show(m, g);
	char *path = NULL;
	int rc = -1;

	if (picture)
		rc = xl_save_picture(picture, png_dir, r->id, &path);
	if (rc < 0 && xl_write_lost())
		xl_fail_write();
	if (rc > 0)
		xl_note("%s: the name was taken, so this one is numbered", path);
	xl_tensor_free(picture);
	free(path);
	return rc < 0 ? -1 : 0;
}

/* Only a mask that changed is stored, marked, and makes stale what came of it. */
static int edit_and_show(struct xl_record *r)
{
	struct xl_tensor *old = xl_edit_mask(r), *m = old ? xl_tensor_copy(old) : NULL;
	struct xl_cells g;
	int rc = m ? xl_cells_on(r, engine.model->method->stride, &g) : -1;

	if (rc == 0 && xl_edits_outside(&edits, &g) > 0)
		xl_note("%s: a rectangle lies outside of its %lldx%lld pixels", r->id,
			(long long)g.iw, (long long)g.ih);
	if (rc == 0)
		rc = xl_edits_apply(&edits, m, &g);
	if (rc == 0 && png_dir)
		rc = show(r, m, &g);
	if (rc == 0 && memcmp(m->data, old->data, xl_tensor_bytes(m)) != 0) {
		rc = xl_record_put(r, "m", m) || xl_stage_mask_changed(engine.model, r);
		m = NULL;
	}
	xl_tensor_free(m);
	xl_tensor_free(old);
	return rc;
}

static int mask(const struct xl_inputs *in, struct xl_record **r, struct xl_record *exemplar)
{
	if (xl_record_tensor(*r, "m") && !exemplar && edits.n == 0 && !png_dir && !engine.path)
		return 0;
	if (xl_engine_start(&engine))
		xl_die("%s", xl_err_msg());
	if (!engine.model->method->mask)
		xl_usage("method %s has no masks", engine.model->method->name);
	if (in->from_picture && xl_engine_picture(&engine, r, false))
		return -1;
	if (xl_engine_domain(&engine, *r, "A") ||
	    xl_stage_mask(engine.model, engine.tape, *r, exemplar))
		return -1;
	return edits.n > 0 || png_dir ? edit_and_show(*r) : 0;
}

/* ---- all of them ------------------------------------------------------ */

/* 1 with the exemplar of this input, 0 where there are no more, -1 with xl_err set */
static int next_exemplar(const struct xl_record *r, struct xl_record **exemplar)
{
	int got;

	*exemplar = NULL;
	if (!exemplar_path || (!r && exemplars.is_single))
		return 1;
	got = xl_exemplars_next(&exemplars, r, exemplar);
	if (got < 0 && exemplars.is_hopeless)
		xl_die("%s", xl_err_msg());
	return got;
}

/* Many exemplars keep step with the inputs, also with those that fail. */
static void mask_all(struct xl_inputs *in, struct xl_writer *out)
{
	struct xl_record *r, *exemplar;
	int got, pair = 1;

	while (pair != 0 && (got = xl_inputs_next(in, &r)) != 0) {
		if (got < 0)
			xl_warn("%s", xl_err_msg());
		pair = next_exemplar(r, &exemplar);
		if (got > 0 && pair < 0)
			xl_warn("%s", xl_err_msg());
		if (got > 0 && pair > 0) {
			if (mask(in, &r, exemplar)) {
				xl_engine_failed(&engine, in, r);
				xl_warn("%s", xl_err_msg());
			} else if (out && xl_writer_put(out, r)) {
				xl_fail_write();
			}
		}
		xl_record_free(exemplar);
		xl_record_free(r);
		xl_progress(in->count, 0, "records", NULL);
	}
	if (exemplar_path && xl_exemplars_match(&exemplars, in))
		xl_die("%s; one for all or one each is needed", xl_err_msg());
}

int main(int argc, char **argv)
{
	const int first = xl_opt_parse(&tool, argc, argv);
	struct xl_writer *out = NULL;
	struct xl_inputs in;

	xl_inputs_init(&in, (const char *const *)argv + first, argc - first);
	if (xl_inputs_stdin(&in) + painted_stdin +
		    (exemplar_path && strcmp(exemplar_path, "-") == 0) >
	    1)
		xl_usage("only one input can be stdin");
	if (xl_inputs_stdin(&in) > 0)
		xl_no_terminal_in(NULL);
	if (exemplar_path)
		xl_no_terminal_in(exemplar_path);
	if (!png_dir)
		xl_no_terminal_out(NULL);
	if (png_dir && xl_make_dir(png_dir))
		xl_die("%s", xl_err_msg());
	if (!isatty(STDOUT_FILENO) && !(out = xl_writer_open(NULL)))
		xl_die("%s", xl_err_msg());
	if ((exemplar_path || engine.path) && xl_engine_start(&engine))
		xl_die("%s", xl_err_msg());
	if (exemplar_path && xl_exemplars_open(&exemplars, &engine, exemplar_path))
		xl_die("%s", xl_err_msg());
	mask_all(&in, out);
	if (exemplar_path)
		xl_exemplars_done(&exemplars);
	xl_inputs_done(&in);
	xl_engine_done(&engine);
	xl_edits_done(&edits);
	if (xl_writer_close(out))
		xl_fail_write();
	return xl_finish();
}
