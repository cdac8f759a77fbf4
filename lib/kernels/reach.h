/*
 * reach.h - what a convolution reads along one axis: for each place of what it writes,
 * which places of its input with which taps; and which places read alike, but for a
 * shift. Called by simd_sweep.c.
 *
 * Padding is in here: a tap that meets zeros is left out, and where the border repeats
 * something, that is read. So no map is copied to be padded, and no zero multiplied.
 */
#ifndef XL_KERNELS_REACH_H
#define XL_KERNELS_REACH_H

#include "kernels/kernels.h"

/* An axis of a convolution: from x to y, or back from the gradient of y to that of x. */
struct xl_axis {
	int n, of; /* places that are written, and that there are to read */
	int k, stride, pad;
	enum xl_pad_mode mode;
	bool back;
};

/* Taps along an axis, and reads of one place: itself, and mirrored at both ends. */
enum { XL_TAPS = 256, XL_READS = 3 * XL_TAPS };

struct xl_read {
	int at, tap;
};

/* Places first, first + step, ...: each reads what the one before does, `shift` on. */
struct xl_run {
	int first, count;
};

/*
 * xl_axis_reads - what place i reads, into reads[XL_READS]; returns how many
 * xl_axis_runs  - all places, each in one run, into runs[xl_axis_most]; how many
 * xl_axis_most  - at most so many runs
 * xl_axis_step  - from place to place of a run
 * xl_axis_shift - of what is read, meanwhile
 */
int xl_axis_reads(struct xl_read *reads, const struct xl_axis *a, int i);
int xl_axis_runs(struct xl_run *runs, const struct xl_axis *a);
int xl_axis_most(const struct xl_axis *a);
int xl_axis_step(const struct xl_axis *a);
int xl_axis_shift(const struct xl_axis *a);

#endif
