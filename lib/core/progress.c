/*
 * progress.c - one line on stderr. Called by the thread that runs the tool.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/tool.h"

static const double QUIET_START = 1.0; /* seconds; less work needs no progress */
static const double REDRAW = 0.2;      /* seconds between two drawings */
static const double LINE_EVERY = 30;   /* seconds between two lines where nothing is drawn */

static struct {
	char unit[32]; /* of the work that began at start */
	bool shown;
	double start, last;
} line;

static bool is_wanted(void)
{
	const char *term = getenv("TERM");

	if (xl_common.quiet || strcmp(xl_common.progress, "never") == 0)
		return false;
	if (strcmp(xl_common.progress, "always") == 0)
		return true;
	return isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
}

static int columns(void)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 10)
		return w.ws_col;
	return 80;
}

static void append(char *buf, size_t size, const char *text)
{
	size_t n = strlen(buf);

	snprintf(buf + n, size - n, "%s", text);
}

static void draw(int64_t done, int64_t total, const char *unit, const char *extra, double elapsed)
{
	double rate = (double)done / elapsed;
	char buf[512], part[64];
	int width = columns() - 1;

	if (total > 0)
		snprintf(buf, sizeof(buf), "%lld/%lld %s  %.3g/s", (long long)done,
			 (long long)total, unit, rate);
	else
		snprintf(buf, sizeof(buf), "%lld %s  %.3g/s", (long long)done, unit, rate);
	if (total > done && rate > 0) {
		double seconds = (double)(total - done) / rate;
		long left = seconds < 1e9 ? (long)seconds : 999999999;

		if (left >= 3600)
			snprintf(part, sizeof(part), "  %ld:%02ld:%02ld left", left / 3600,
				 left / 60 % 60, left % 60);
		else
			snprintf(part, sizeof(part), "  %ld:%02ld left", left / 60, left % 60);
		append(buf, sizeof(buf), part);
	}
	if (extra && *extra) {
		append(buf, sizeof(buf), "  ");
		append(buf, sizeof(buf), extra);
	}
	fprintf(stderr, "\r\033[K%.*s", width, buf);
	fflush(stderr);
}

void xl_progress(int64_t done, int64_t total, const char *unit, const char *extra)
{
	double t;

	if (!is_wanted())
		return;
	t = xl_clock();
	if (strcmp(line.unit, unit) != 0) {
		snprintf(line.unit, sizeof(line.unit), "%s", unit);
		line.start = t;
	}
	if (t - line.start < QUIET_START || t - line.last < REDRAW)
		return;
	draw(done, total, unit, extra, t - line.start);
	line.last = t;
	line.shown = true;
}

void xl_progress_lines(int64_t done, int64_t total, const char *unit, const char *extra)
{
	static double last;
	const double t = xl_clock();

	if (is_wanted())
		xl_progress(done, total, unit, extra);
	if (is_wanted() || strcmp(xl_common.progress, "never") == 0)
		return;
	if (last == 0)
		last = t;
	if (t - last < LINE_EVERY)
		return;
	last = t;
	if (extra)
		xl_note("%s", extra);
	else
		xl_note("%lld %s", (long long)done, unit);
}

void xl_progress_erase(void)
{
	if (!line.shown)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	line.shown = false;
}
