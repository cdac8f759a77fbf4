/*
 * xl-grid.c - the pictures of a stream on one sheet.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/opt.h"
#include "core/tool.h"
#include "data/outname.h"
#include "image/image.h"
#include "image/sheet.h"

static int64_t columns;
static const char *out, *show;
static bool is_bare;

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_INT, .name = "columns", .arg = "n", .target = &columns, .min = 1,
	 .max = 1 << 20, .help = "records in a row (the exemplars, or about square)"},
	{.type = XL_OPT_STR, .name = "show", .arg = "x,m,out", .target = &show,
	 .help = "tensors of a record, side by side (out, else x)"},
	{.type = XL_OPT_FLAG, .name = "no-labels", .target = &is_bare,
	 .help = "leave out the names above the pictures"},
	{.type = XL_OPT_STR, .letter = 'o', .name = "out", .arg = "file", .target = &out,
	 .help = "write the PNG here, not to standard output"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-grid",
	.synopsis = "[options] [file...]",
	.summary = "put the pictures of a stream on one sheet",
	.example = "xl-grid --show x,m,out -o sheet.png translated.msgpack",
	.opts = opts,
};

static void add_stream(struct xl_sheet *s, const char *path)
{
	struct xl_reader *rd = xl_reader_open(path);
	struct xl_record *r;
	int got = 0, taken;

	while (rd && (got = xl_reader_next(rd, &r)) == 1) {
		if (xl_record_pictured(r)) { /* nor will the others have any */
			got = xl_err_prefix("%s", xl_reader_where(rd));
			xl_record_free(r);
			break;
		}
		taken = xl_sheet_add(s, r);
		if (taken < 0)
			xl_die("%s", xl_err_msg());
		if (taken > 0)
			xl_warn("%s: record %lld (%s): %s", xl_reader_name(rd),
				(long long)xl_reader_count(rd) - 1, r->id, xl_err_msg());
		xl_record_free(r);
	}
	if (!rd || got < 0)
		xl_warn("%s", xl_err_msg());
	xl_reader_close(rd);
}

/* At a terminal: grid.png, or the first grid-N.png that is not there yet. */
static void write_sheet(const struct xl_sheet *s)
{
	const bool to_stdout = !out || !strcmp(out, "-");
	struct xl_tensor *t = xl_sheet_draw(s, (int)columns, !is_bare);
	char *name = NULL;

	if (!t)
		xl_die("%s", xl_err_msg());
	if (to_stdout && isatty(STDOUT_FILENO) ? xl_save_picture(t, NULL, "grid", &name) < 0
					       : xl_image_save_png(t, out))
		xl_fail_write();
	if (name)
		xl_note("wrote %s", name);
	xl_tensor_free(t);
	free(name);
}

int main(int argc, char **argv)
{
	int first = xl_opt_parse(&tool, argc, argv);
	struct xl_sheet sheet;

	if (xl_sheet_init(&sheet, show))
		xl_usage("%s", xl_err_msg());
	xl_keep_inputs(out, (const char *const *)argv + first, argc - first);
	if (first == argc) {
		xl_no_terminal_in(NULL);
		add_stream(&sheet, NULL);
	}
	for (int i = first; i < argc; i++) {
		xl_no_terminal_in(argv[i]);
		add_stream(&sheet, argv[i]);
	}
	if (sheet.n)
		write_sheet(&sheet);
	else
		xl_note("no pictures, so no sheet");
	xl_sheet_done(&sheet);
	return xl_finish();
}
