/*
 * reach.c - what a convolution reads along one axis.
 */
#include <assert.h>
#include "kernels/pad.h"
#include "kernels/reach.h"

int xl_axis_step(const struct xl_axis *a)
{
	return a->back ? a->stride : 1;
}

int xl_axis_shift(const struct xl_axis *a)
{
	return a->back ? 1 : a->stride;
}

/* Place i of x, which may be in the border, was read by each output with one tap. */
static int readers(struct xl_read *reads, const struct xl_axis *a, int i)
{
	const int padded = i + a->pad;
	int count = 0;

	for (int t = padded % a->stride; t < a->k && t <= padded; t += a->stride) {
		const int at = (padded - t) / a->stride;
		if (at < a->of)
			reads[count++] = (struct xl_read){at, t};
	}
	return count;
}

int xl_axis_reads(struct xl_read *reads, const struct xl_axis *a, int i)
{
	int count = 0;

	assert(a->k <= XL_TAPS && (a->mode != XL_PAD_EDGE || a->pad <= 1));
	if (a->back) {
		count = readers(reads, a, i);
		for (int j = 1; j <= a->pad && a->mode != XL_PAD_ZERO; j++) {
			if (xl_pad_source(-j, a->n, a->mode) == i)
				count += readers(reads + count, a, -j);
			if (xl_pad_source(a->n - 1 + j, a->n, a->mode) == i)
				count += readers(reads + count, a, a->n - 1 + j);
		}
		return count;
	}
	for (int t = 0; t < a->k; t++) {
		const int at = xl_pad_source(i * a->stride + t - a->pad, a->of, a->mode);
		if (at >= 0)
			reads[count++] = (struct xl_read){at, t};
	}
	return count;
}

/* Whether place j of the same run as i reads what i does, shifted. */
static bool alike(const struct xl_axis *a, int i, int j)
{
	const int shift = (j - i) / xl_axis_step(a) * xl_axis_shift(a);
	struct xl_read of_i[XL_READS], of_j[XL_READS];
	const int count = xl_axis_reads(of_i, a, i);

	if (xl_axis_reads(of_j, a, j) != count)
		return false;
	for (int r = 0; r < count; r++)
		if (of_j[r].at != of_i[r].at + shift || of_j[r].tap != of_i[r].tap)
			return false;
	return true;
}

/* Places nearer to an end than this may differ from the others. */
static int border(const struct xl_axis *a)
{
	return a->pad + a->k;
}

int xl_axis_most(const struct xl_axis *a)
{
	const int most = xl_axis_step(a) + 2 * border(a);
	return most < a->n ? most : a->n;
}

int xl_axis_runs(struct xl_run *runs, const struct xl_axis *a)
{
	const int step = xl_axis_step(a), low = border(a), high = a->n - border(a);
	int count = 0;

	for (int phase = 0; phase < step; phase++)
		for (int i = phase; i < a->n; i += step) {
			const int more = i >= low && i < high ? (high - 1 - i) / step : 0;
			if (i == phase || !alike(a, runs[count - 1].first, i))
				runs[count++] = (struct xl_run){i, 0};
			runs[count - 1].count += 1 + more;
			i += more * step;
		}
	return count;
}
