/*
 * xl-plot.c - loss curves from the logs of xl-train, drawn by gnuplot: reads the
 * logs, runs gnuplot without a shell, and puts its picture in place.
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/file.h"
#include "core/mem.h"
#include "core/opt.h"
#include "core/tool.h"
#include "data/curves.h"

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

/* What gnuplot said last, "line 3: all points y value undefined!", without the line
 * of a script that nobody sees */
static int complain(FILE *errors)
{
	char line[512], said[512] = "it failed without saying why";

	rewind(errors);
	while (fgets(line, sizeof line, errors)) {
		const char *p = line + strspn(line, " \t"), *colon = strchr(p, ':');
		if (!strncmp(p, "line ", 5) && colon)
			snprintf(said, sizeof said, "%s", colon + 1 + strspn(colon + 1, " "));
	}
	said[strcspn(said, "\n")] = '\0';
	return xl_err("gnuplot: %s", said);
}

/* gnuplot with these as its standard streams; 0 when it is done, or -1 */
static int run(FILE *script, FILE *picture, FILE *errors)
{
	char *const argv[] = {(char[]){"gnuplot"}, (char[]){"-d"}, NULL};
	extern char **environ;
	posix_spawn_file_actions_t fds;
	pid_t pid;
	int status = 0, failed;

	posix_spawn_file_actions_init(&fds);
	posix_spawn_file_actions_adddup2(&fds, fileno(script), STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&fds, fileno(picture), STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&fds, fileno(errors), STDERR_FILENO);
	failed = posix_spawnp(&pid, argv[0], &fds, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fds);
	if (failed == ENOENT)
		return xl_err("gnuplot is missing; it is in the package gnuplot-nox");
	if (failed)
		return xl_err("gnuplot: %s", xl_strerror(failed));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : complain(errors);
}

static int draw(const struct xl_curves *c, FILE *picture)
{
	FILE *script = tmpfile(), *errors = tmpfile();
	int rc = -1;

	if (!script || !errors)
		xl_err("no temporary file: %s", xl_strerror(errno));
	else if (xl_curves_script(script, c, &plot))
		rc = -1;
	else if (fflush(script) || lseek(fileno(script), 0, SEEK_SET))
		xl_err("temporary file: cannot write: %s", xl_strerror(errno));
	else
		rc = run(script, picture, errors);
	if (script)
		fclose(script);
	if (errors)
		fclose(errors);
	return rc;
}

static void draw_to_stdout(const struct xl_curves *c)
{
	char block[65536];
	FILE *f = tmpfile();
	size_t n;

	if (!f)
		xl_die("no temporary file: %s", xl_strerror(errno));
	if (draw(c, f))
		xl_die("%s", xl_err_msg());
	rewind(f);
	while ((n = fread(block, 1, sizeof block, f)) > 0)
		if (xl_write_all(STDOUT_FILENO, "stdout", block, n))
			xl_fail_write();
	fclose(f);
}

static void draw_to_file(const struct xl_curves *c, const char *path)
{
	struct xl_file o;

	if (xl_file_begin(&o, path))
		xl_fail_write();
	if (draw(c, o.f)) {
		xl_file_abort(&o);
		xl_die("%s", xl_err_msg());
	}
	if (xl_file_commit(&o))
		xl_fail_write();
}

/* At a terminal: plot.png, or the first plot-N.png that is not there yet */
static char *free_name(void)
{
	char *name = xl_strdup("plot.png");

	for (int i = 1; name && !access(name, F_OK); i++) {
		free(name);
		name = xl_strf("plot-%d.png", i);
	}
	return name;
}

static void choose_terminal(void)
{
	const char *dot = out ? strrchr(out, '.') : NULL;

	if (!out || !strcmp(out, "-"))
		return;
	if (dot && !strcasecmp(dot, ".svg"))
		plot.terminal = "svg";
	else if (!dot || strcasecmp(dot, ".png"))
		xl_usage("--out: '%s' ends neither in .png nor in .svg", out);
}

static void read_logs(struct xl_curves *c, char **names)
{
	for (; *names; names++) {
		if (xl_curves_read(c, *names))
			xl_warn("%s", xl_err_msg());
		else if (c->is_cut)
			xl_note("%s: its last line is cut short and left out", *names);
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
	read_logs(&curves, argv + first);
	if (curves.n) {
		if (xl_curves_choose(&curves, keys))
			xl_usage("%s", xl_err_msg());
		if (out && strcmp(out, "-"))
			draw_to_file(&curves, out);
		else if (!isatty(STDOUT_FILENO))
			draw_to_stdout(&curves);
		else if ((name = free_name()))
			draw_to_file(&curves, name);
	}
	if (name)
		xl_note("wrote %s", name);
	free(name);
	xl_curves_done(&curves);
	return xl_finish();
}
