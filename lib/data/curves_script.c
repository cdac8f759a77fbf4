/*
 * curves_script.c - curves as commands and data for gnuplot.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "data/curves.h"

/* A line of one point is nothing, and one of few is lost beside a longer log. */
enum { FEW_POINTS = 30 };

enum { COLOURS = 12, MAX_POINTS = 2000, MAX_PANELS = 64 };

/* Eight that those with a colour weakness can tell apart (Okabe and Ito 2008), and
 * four darker ones, because a method may have eleven losses. */
static const char *const colours[COLOURS] = {"0072b2", "d55e00", "009e73", "cc79a7",
					     "e69f00", "56b4e9", "000000", "a08a00",
					     "5e3c99", "8c510a", "b2182b", "878787"};

/* A panel: the curves whose keys begin alike, up to a dot. */
struct panel {
	const char *prefix;
	size_t len;
};

static size_t prefix_length(const char *key)
{
	const char *dot = strchr(key, '.');
	return dot ? (size_t)(dot - key) : 0;
}

static bool is_in(const struct panel *p, const char *key)
{
	return prefix_length(key) == p->len && !memcmp(key, p->prefix, p->len);
}

static int find_panels(const struct xl_curves *c, struct panel *panels)
{
	int n = 0;

	for (int i = 0; i < c->n; i++) {
		const char *key = c->curves[i].key;
		int k = 0;
		while (k < n && !is_in(&panels[k], key))
			k++;
		if (k == MAX_PANELS)
			return xl_err("more than %d panels", MAX_PANELS);
		if (k == n)
			panels[n++] = (struct panel){key, prefix_length(key)};
	}
	return n;
}

/* Text for inside single quotes, in which gnuplot knows nothing but the quote. What
 * is longer than `most` loses its middle, or the legend would fill the panel. */
static void put_text(FILE *f, const char *s, size_t len, size_t most)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if (len > most && i == most / 2 - 1) {
			fputs("..", f);
			i = len - (most - most / 2) + 1;
			continue;
		}
		if (c == '\'')
			putc('\'', f);
		putc(c < 0x20 || c == 0x7f || c == '`' ? '?' : c, f);
	}
}

static int64_t window_of(const struct xl_curve *c, const struct xl_plot *p)
{
	int64_t w = p->window ? p->window : c->n / 40;
	return w < 1 ? 1 : w < c->n ? w : c->n;
}

/* Step, value, average; of long curves every so many, as a screen shows no more */
static void put_data(FILE *f, const struct xl_curve *c, int number, const struct xl_plot *p)
{
	int64_t every = c->n / MAX_POINTS + 1, window = window_of(c, p);

	fprintf(f, "$c%d << END\n", number);
	for (int64_t i = 0; i < c->n; i += every)
		fprintf(f, "%lld %.9g %.9g\n", (long long)c->points[i].step, c->points[i].value,
			xl_curve_mean(c, i, window));
	fprintf(f, "END\n");
}

/* The same key has the same colour in every log, and each log its dashes. */
static int colour_of(const struct xl_curves *c, int i, const struct panel *panel)
{
	int n = 0;

	for (int k = 0; k < i; k++) {
		if (!strcmp(c->curves[k].key, c->curves[i].key))
			return colour_of(c, k, panel);
		n += is_in(panel, c->curves[k].key);
	}
	return n % COLOURS;
}

static void put_curve(FILE *f, const struct xl_curves *c, int i, const struct panel *panel,
		      const struct xl_plot *p)
{
	const struct xl_curve *k = &c->curves[i];
	const char *colour = colours[colour_of(c, i, panel)];

	const char *style = k->n < FEW_POINTS ? "linespoints pt 7 ps 0.7" : "lines";

	if (window_of(k, p) > 1)
		fprintf(f, "$c%d using 1:2 with lines lc rgb '#c0%s' lw 1 notitle, \\\n  ", i,
			colour);
	fprintf(f, "$c%d using 1:3 with %s lc rgb '#%s' lw 2 dt %d title ", i, style, colour,
		k->log % 5 + 1);
	putc('\'', f);
	put_text(f, k->key, strlen(k->key), 24);
	if (c->n_logs > 1) {
		const char *slash = strrchr(c->logs[k->log], '/');
		const char *log = slash ? slash + 1 : c->logs[k->log];
		fputs("  ", f);
		put_text(f, log, strlen(log), 18);
	}
	putc('\'', f);
}

static void put_panel(FILE *f, const struct xl_curves *c, const struct panel *panel,
		      const struct xl_plot *p)
{
	bool is_first = true;

	fprintf(f, "set title '");
	put_text(f, panel->len ? panel->prefix : "other", panel->len ? panel->len : 5, 40);
	fprintf(f, " by step'\nplot ");
	for (int i = 0; i < c->n; i++) {
		if (!is_in(panel, c->curves[i].key))
			continue;
		if (!is_first)
			fprintf(f, ", \\\n  ");
		put_curve(f, c, i, panel, p);
		is_first = false;
	}
	fprintf(f, "\n");
}

/* A round distance, 1, 2 or 5 times a power of ten, that leaves at most four */
static int64_t tics(const struct xl_curves *c)
{
	int64_t last = 0, unit = 1, way;

	for (int i = 0; i < c->n; i++)
		if (c->curves[i].n && c->curves[i].points[c->curves[i].n - 1].step > last)
			last = c->curves[i].points[c->curves[i].n - 1].step;
	way = (last + 3) / 4;
	while (unit * 10 < way)
		unit *= 10;
	return way <= unit       ? unit
	       : way <= 2 * unit ? 2 * unit
	       : way <= 5 * unit ? 5 * unit
				 : 10 * unit;
}

int xl_curves_script(FILE *f, const struct xl_curves *c, const struct xl_plot *p)
{
	struct panel panels[MAX_PANELS];
	int n = find_panels(c, panels), columns = n > 1 ? 2 : 1;

	if (n < 0)
		return -1;
	fprintf(f, "set terminal %s size %lld,%lld noenhanced background rgb 'white'\n",
		p->terminal, (long long)p->w, (long long)p->h);
	for (int i = 0; i < c->n; i++)
		put_data(f, &c->curves[i], i, p);
	fprintf(f,
		"set grid lc rgb '#d0d0d0'\nset border 3\nset tics nomirror\n"
		"set xtics %lld format '%%.0f'\n"
		"set key below center horizontal Left reverse samplen 2 font ',9'\n",
		(long long)tics(c));
	if (p->is_log)
		fprintf(f, "set logscale y\n");
	fprintf(f, "set multiplot layout %d,%d\n", (n + columns - 1) / columns, columns);
	for (int i = 0; i < n; i++)
		put_panel(f, c, &panels[i], p);
	fprintf(f, "unset multiplot\n");
	return 0;
}
