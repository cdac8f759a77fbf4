/*
 * curves.h - the losses in logs of xl-train as curves, and the script with which
 * gnuplot draws them.
 */
#ifndef XL_DATA_CURVES_H
#define XL_DATA_CURVES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "xl.h"

struct xl_point {
	int64_t step;
	double value;
};

struct xl_curve {
	char *key;               /* "D.adv" */
	int log;                 /* which of the logs read */
	struct xl_point *points; /* by step, ascending */
	int64_t n, cap;
};

struct xl_curves {
	struct xl_curve *curves;
	int n;
	char **logs; /* their names */
	int n_logs;
	/* of the log read last */
	bool is_cut;           /* it ends inside a line */
	int64_t n_broken;      /* lines that cannot be understood, left out */
	char first_broken[64]; /* "line 5: not JSON (at byte 19)", never longer */
};

/*
 * xl_curves_read - add the numbers of one log: lines of JSON, the first with the
 * key "tool", then lines with a whole number "step"; lines with neither, or with
 * "end", are passed over. Numbers that are null (not finite) are left out.
 *
 * A resumed run goes back to an earlier step: what it repeats counts.
 * A last line that is cut short, as in a run that goes on, is left out, and so is
 * a broken line further up, as a full disk leaves it.
 *
 * Owns     the caller ends it with xl_curves_done, also after a failure
 * Errors   0, or -1 with xl_err set: "a.jsonl: line 1: not JSON (at byte 14)"
 */
int xl_curves_read(struct xl_curves *c, const char *path);
void xl_curves_done(struct xl_curves *c);

/*
 * xl_curves_choose - keep the curves of these keys, separated by commas, where
 * "D." stands for all that begin so; NULL: all keys with a dot in them, else all
 *
 * Errors   0, or -1 with xl_err set, naming the keys there are
 */
int xl_curves_choose(struct xl_curves *c, const char *keys);

/* xl_curve_mean - the mean of the points around point i, `window` in all (an even
 * window takes one more), fewer near the ends */
double xl_curve_mean(const struct xl_curve *c, int64_t i, int64_t window);

struct xl_plot {
	const char *terminal; /* of gnuplot: "pngcairo" or "svg" */
	int64_t w, h;         /* pixels */
	int64_t window;       /* of the average; 0: a fortieth of the points */
	bool is_log;          /* the axis of values is logarithmic */
};

/*
 * xl_curves_script - write commands and data for gnuplot: a panel for each
 * prefix ("D."), the numbers pale and their average over them. Names reach
 * gnuplot as text only.
 *
 * Errors   0, or -1 with xl_err set
 */
int xl_curves_script(FILE *f, const struct xl_curves *c, const struct xl_plot *p);

/*
 * xl_curves_draw - the picture that gnuplot makes of the script, a PNG or SVG of
 * *size bytes
 *
 * Owns     the caller frees it
 * Errors   NULL with xl_err set: "gnuplot is missing; it is in the package ..",
 *          "gnuplot: all points y value undefined!"
 */
char *xl_curves_draw(const struct xl_curves *c, const struct xl_plot *p, size_t *size);

#endif
