/*
 * xl-decode.c - records to pictures, or to image records: what a record has gone
 * through so far, drawn. An image is its own picture and needs no model.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "core/file.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/tool.h"
#include "data/engine.h"
#include "data/inputs.h"
#include "data/outname.h"
#include "image/composite.h"
#include "image/image.h"
#include "kernels/kernels.h"

static struct xl_engine engine;
static const char *file, *dir;
static bool is_stream;
static double gain;      /* of the mask that keeps the input; 0: the translation is the picture */
static int64_t numbered; /* files whose name was taken */

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_STR, .name = "model", .arg = "file", .target = &engine.path,
	 .help = "model file [XL_MODEL, else the default model]"},
	{.type = XL_OPT_STR, .letter = 'o', .name = "output", .arg = "file.png", .target = &file,
	 .help = "write the one picture there, not to stdout"},
	{.type = XL_OPT_STR, .name = "dir", .arg = "dir", .target = &dir,
	 .help = "write each picture there, named by its id"},
	{.type = XL_OPT_FLAG, .name = "stream", .target = &is_stream,
	 .help = "write image records to stdout"},
	{.type = XL_OPT_NUM, .name = "composite", .arg = "gain", .target = &gain, .min = 1e-3,
	 .max = 1e3, .help = "keep the input where gain times the mask is below 1"},
	{.type = XL_OPT_CALL, .name = "set", .arg = "key=value", .target = &engine,
	 .fn = xl_engine_set, .help = "as stretch-out=1, where the method has it"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-decode",
	.synopsis = "[options] [FILE...]",
	.summary = "draw records as pictures, a PNG on stdout by default, or as image records",
	.example = "xl-encode a.png | xl-hadain --exemplar b.png | xl-decode > out.png",
	.opts = opts,
	.check = xl_kernels_check,
};

static void start(void)
{
	const int rc = xl_engine_start(&engine);

	if (rc > 0)
		xl_usage("%s", xl_err_msg());
	if (rc < 0)
		xl_die("%s", xl_err_msg());
	if (gain > 0 && !engine.model->method->one_mask)
		xl_usage("--composite: method %s has no mask of one channel",
			 engine.model->method->name);
}

static int translate(struct xl_record *r)
{
	start();
	return xl_stage_decode(engine.model, engine.tape, r);
}

/* The picture of a record, as its tensor of that name. */
static int draw(const struct xl_inputs *in, struct xl_record *r, const char **name)
{
	const bool is_drawn = xl_record_tensor(r, "out");

	*name = "out";
	if (!is_drawn && (in->from_picture || r->kind == XL_IMAGE)) {
		*name = "x";
		return xl_record_tensor(r, "x") ? 0 : xl_err("has no image x");
	}
	if (!is_drawn && translate(r))
		return -1;
	return gain > 0 ? xl_composite(r, gain) : 0;
}

/* What a stage may rely on but is no longer so: the picture is an image of its own. */
static const char *const stale_meta[] = {"mask_edited", "mask_stride", "input",      "remove",
					 "sample",      "seed",        "domain_out", "noise_seed"};

/* The record as an image record with that tensor as its x, and no other. */
static int to_image(struct xl_record *r, const char *name)
{
	const int64_t rgb[3] = {3, -1, -1};
	struct xl_tensor *x = xl_record_tensor(r, name);
	char shape[96];

	if (!xl_tensor_is(x, 3, rgb))
		return xl_err("%s is %s, an image is (3,H,W)", name,
			      xl_tensor_show(x, shape, sizeof shape));
	if (xl_image_check_range(x, name))
		return -1;
	x = strcmp(name, "x") == 0 ? xl_tensor_copy(x) : xl_image_to_f4(x);
	if (!x)
		return xl_err_prefix("%s", name);
	if (strcmp(name, "out") == 0 && xl_meta_get(r, "domain_out") &&
	    xl_meta_set_str(r, "domain", xl_meta_str(r, "domain_out", "")))
		return -1;
	while (r->n_tensors > 0)
		xl_record_drop(r, r->tensors[r->n_tensors - 1].name);
	for (size_t i = 0; i < sizeof stale_meta / sizeof stale_meta[0]; i++)
		xl_meta_drop(r, stale_meta[i]);
	r->kind = XL_IMAGE;
	return xl_record_put(r, "x", x);
}

static void fail(struct xl_inputs *in, const struct xl_record *r)
{
	xl_engine_failed(&engine, in, r);
	xl_warn("%s", xl_err_msg());
}

/* ---- many pictures ---------------------------------------------------- */

/* 0, or -1 with xl_err set; where it is the writing that failed, the next could not be
 * written either, and that ends it. */
static int put(struct xl_writer *out, const struct xl_record *r)
{
	char *path = NULL;
	int rc = out ? xl_writer_put(out, r)
		     : xl_save_picture(xl_record_tensor(r, "x"), dir, r->id, &path);

	if (rc < 0 && (out || xl_write_lost()))
		xl_fail_write();
	numbered += rc > 0;
	free(path);
	return rc < 0 ? -1 : 0;
}

static void draw_all(struct xl_inputs *in)
{
	struct xl_writer *out = is_stream ? xl_writer_open(NULL) : NULL;
	struct xl_record *r;
	const char *name;
	int got;

	if ((is_stream && !out) || (dir && xl_make_dir(dir)))
		xl_die("%s", xl_err_msg());
	while ((got = xl_inputs_next(in, &r)) != 0) {
		if (got < 0)
			xl_warn("%s", xl_err_msg());
		else if (draw(in, r, &name) || to_image(r, name) || put(out, r))
			fail(in, r);
		xl_record_free(r);
		xl_progress(in->count, 0, "images", NULL);
	}
	if (xl_writer_close(out))
		xl_fail_write();
	if (numbered > 0)
		xl_note("%s: %lld name%s taken, so numbered", dir, (long long)numbered,
			numbered == 1 ? " was" : "s were");
}

/* ---- one picture ------------------------------------------------------ */

static void save(const struct xl_record *r)
{
	const struct xl_tensor *x = xl_record_tensor(r, "x");
	char *path = NULL;

	if (engine.model && engine.model->file.path)
		xl_keep_inputs(file, (const char *const[]){engine.model->file.path}, 1);
	if (!file && isatty(STDOUT_FILENO)) {
		if (xl_save_picture(x, NULL, r->id, &path) < 0)
			xl_die("%s", xl_err_msg());
		xl_note("wrote %s", path);
		free(path);
	} else if (xl_image_save_png(x, file)) {
		xl_fail_write();
	}
}

/* Nothing is written before it is known that there is no second. */
static void draw_one(struct xl_inputs *in)
{
	struct xl_record *r, *second;
	const char *name;
	int got = xl_inputs_next(in, &r);

	if (got > 0 && (draw(in, r, &name) || to_image(r, name))) {
		fail(in, r);
		xl_record_free(r);
		return;
	}
	if (got > 0) {
		got = xl_inputs_next(in, &second);
		if (got > 0)
			xl_refuse("%s: a second picture for one output; use --dir DIR or --stream",
				  xl_inputs_where(in));
		if (got == 0)
			save(r);
		xl_record_free(r);
	}
	if (got < 0)
		xl_die("%s", xl_err_msg());
}

/* A picture of another format would be written under its name. */
static bool is_png_name(const char *name)
{
	static const char *const other[] = {"jpg", "jpeg", "webp", "gif", "tif", "tiff", "bmp"};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof other / sizeof other[0]; i++)
		if (strcasecmp(dot + 1, other[i]) == 0)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	const int first = xl_opt_parse(&tool, argc, argv);
	struct xl_inputs in;

	xl_inputs_init(&in, (const char *const *)argv + first, argc - first);
	if ((file != NULL) + (dir != NULL) + is_stream > 1)
		xl_usage("-o, --dir and --stream exclude each other");
	if (file && !is_png_name(file))
		xl_usage("--output: '%s': only PNG is written", file);
	if (xl_inputs_stdin(&in) > 1)
		xl_usage("only one of the operands can be stdin");
	if (xl_inputs_stdin(&in) > 0)
		xl_no_terminal_in(NULL);
	if (is_stream || (file && strcmp(file, "-") == 0))
		xl_no_terminal_out(NULL);
	xl_keep_inputs(file, (const char *const *)argv + first, argc - first);
	/* what was asked for is wrong also where no record comes to it */
	if (engine.path || engine.n_set > 0)
		start();
	if (is_stream || dir)
		draw_all(&in);
	else
		draw_one(&in);
	xl_inputs_done(&in);
	xl_engine_done(&engine);
	return xl_finish();
}
