/*
 * xl-plot.c - loss curves from the logs of xl-train: reads the logs, has gnuplot
 * draw them, and puts its picture in place.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/file.h"
#include "core/mem.h"
#include "core/opt.h"
#include "core/tool.h"
#include "data/curves.h"
#include "image/picture_kind.h"

static struct xl_plot plot = {.terminal = "pngcairo"};
static const char *out, *keys;

/* clang-format off */
static struct xl_opt opts[] = {
	{.type = XL_OPT_STR, .letter = 'o', .name = "out", .arg = "file", .target = &out,
	 .help = "write here, as PNG or SVG by its ending, not to stdout"},
	{.type = XL_OPT_STR, .name = "keys", .arg = "A,B,..", .target = &keys,
	 .help = "what to draw; G. is all that begin so (all with a dot)"},
	{.type = XL_OPT_INT, .name = "smooth", .arg = "n", .target = &plot.window, .min = 1,
	 .max = 1 << 30, .help = "points to average over (a fortieth of all)"},
	{.type = XL_OPT_FLAG, .name = "log-scale", .target = &plot.is_log,
	 .help = "make the axis of values logarithmic"},
	{.type = XL_OPT_INT, .name = "width", .arg = "pixels", .def = "1200", .target = &plot.w,
	 .min = 100, .max = 10000, .help = "width of the picture"},
	{.type = XL_OPT_INT, .name = "height", .arg = "pixels", .def = "800", .target = &plot.h,
	 .min = 100, .max = 10000, .help = "height of the picture"},
	{.type = XL_OPT_END},
};
/* clang-format on */

static const struct xl_tool tool = {
	.name = "xl-plot",
	.synopsis = "[options] log...",
	.summary = "draw loss curves from logs of xl-train",
	.example = "xl-plot lomit.jsonl --keys G.,D.adv -o losses.png",
	.opts = opts,
};

static int save(const char *path, const char *picture, size_t size)
{
	struct xl_file o;

	if (xl_file_begin(&o, path))
		return -1;
	fwrite(picture, 1, size, o.f); /* commit says how it went */
	return xl_file_commit(&o);
}

/* Draws to a file, to stdout where path is NULL */
static void draw_to(const struct xl_curves *c, const char *path)
{
	size_t size = 0;
	char *picture = xl_curves_draw(c, &plot, &size);

	if (!picture)
		xl_die("%s", xl_err_msg());
	if (path ? save(path, picture, size) : xl_write_all(STDOUT_FILENO, "stdout", picture, size))
		xl_fail_write();
	free(picture);
}

/* At a terminal: plot.png, or the first plot-N.png that is not there yet */
static char *free_name(void)
{
	char *name = xl_strdup("plot.png");

	for (int i = 1; name && !access(name, F_OK); i++) {
		free(name);
		name = xl_strf("plot-%d.png", i);
	}
	if (!name)
		xl_die("%s", xl_err_msg());
	return name;
}

static void choose_terminal(void)
{
	enum xl_picture_kind kind;

	if (out && strcmp(out, "-") == 0)
		out = NULL;
	if (!out)
		return;
	kind = xl_picture_kind(out);
	if (kind == XL_PICTURE_NEITHER)
		xl_usage("--out: '%s' ends neither in .png nor in .svg", out);
	if (kind == XL_PICTURE_SVG)
		plot.terminal = "svg";
}

static void say_left_out(const struct xl_curves *c, const char *name)
{
	if (c->is_cut)
		xl_note("%s: its last line is cut short and left out", name);
	if (c->n_broken == 1)
		xl_note("%s: %s; it is left out", name, c->first_broken);
	else if (c->n_broken > 1)
		xl_note("%s: %s; %lld such lines are left out", name, c->first_broken,
			(long long)c->n_broken);
}

static void read_logs(struct xl_curves *c, char **names)
{
	for (; *names; names++) {
		if (xl_curves_read(c, *names))
			xl_warn("%s", xl_err_msg());
		else
			say_left_out(c, *names);
	}
}

int main(int argc, char **argv)
{
	int first = xl_opt_parse(&tool, argc, argv);
	struct xl_curves curves = {.n = 0};
	char *name = NULL;

	if (first == argc)
		xl_usage("no logs named");
	choose_terminal();
	xl_keep_inputs(out, (const char *const *)argv + first, argc - first);
	read_logs(&curves, argv + first);
	if (curves.n) {
		if (xl_curves_choose(&curves, keys))
			xl_usage("%s", xl_err_msg());
		if (!out && isatty(STDOUT_FILENO))
			out = name = free_name();
		draw_to(&curves, out);
	}
	if (name)
		xl_note("wrote %s", name);
	free(name);
	xl_curves_done(&curves);
	return xl_finish();
}
