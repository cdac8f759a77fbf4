/*
 * squash.c - resizing as the programs do whose numbers are quoted; see squash.h. What
 * our own tools resize pictures with is in image_resize.c.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "metrics/squash.h"

static const char *const names[XL_SQUASHES] = {"pt", "clean", "tf1", "none"};

const char *xl_squash_name(enum xl_squash how)
{
	return names[how];
}

enum xl_squash xl_squash_find(const char *name)
{
	int i = 0;

	while (strcmp(names[i], name) != 0)
		i++;
	return (enum xl_squash)i;
}

/* ---- an axis ---------------------------------------------------------- */

/* What each output pixel is made of: `most` places for weights, of which the first `count`
 * are those of the input pixels from `first` on. */
struct axis {
	int64_t most;
	int64_t *first, *count;
	double *weight;
};

static void axis_done(struct axis *a)
{
	free(a->first);
	free(a->count);
	free(a->weight);
}

static void two(struct axis *a, int64_t i, double at, int64_t in)
{
	const int64_t k = (int64_t)at;

	a->first[i] = k;
	a->count[i] = k + 1 < in ? 2 : 1;
	a->weight[i * a->most + 1] = at - (double)k;
	a->weight[i * a->most] = k + 1 < in ? 1 - (at - (double)k) : 1;
}

/* Keys' cubic with a = -1/2 */
static double cubic(double t)
{
	const double a = -0.5;

	t = fabs(t);
	if (t < 1)
		return ((a + 2) * t - (a + 3)) * t * t + 1;
	return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
}

static void many(struct axis *a, int64_t i, double scale, int64_t in)
{
	const double wide = fmax(scale, 1), centre = ((double)i + 0.5) * scale;
	int64_t lo = (int64_t)(centre - 2 * wide + 0.5), hi = (int64_t)(centre + 2 * wide + 0.5);
	double *w = a->weight + i * a->most, sum = 0;

	lo = lo < 0 ? 0 : lo;
	hi = hi > in ? in : hi;
	for (int64_t k = lo; k < hi; k++)
		sum += w[k - lo] = cubic(((double)k - centre + 0.5) / wide);
	for (int64_t k = lo; k < hi; k++)
		w[k - lo] /= sum;
	a->first[i] = lo;
	a->count[i] = hi - lo;
}

static int axis_init(struct axis *a, int64_t in, int64_t out, enum xl_squash how)
{
	const double scale = (double)in / (double)out;

	*a = (struct axis){.most = 2};
	if (how == XL_SQUASH_CLEAN)
		a->most = 4 * (int64_t)(fmax(scale, 1) + 1) + 2;
	a->first = xl_alloc((size_t)out, sizeof *a->first);
	a->count = xl_alloc((size_t)out, sizeof *a->count);
	a->weight = xl_alloc((size_t)out, (size_t)a->most * sizeof *a->weight);
	if (!a->first || !a->count || !a->weight)
		return -1;
	for (int64_t i = 0; i < out; i++) {
		if (how == XL_SQUASH_CLEAN)
			many(a, i, scale, in);
		else if (how == XL_SQUASH_TF1)
			two(a, i, (double)i * scale, in);
		else
			two(a, i, fmax(0, ((double)i + 0.5) * scale - 0.5), in);
	}
	return 0;
}

/* ---- planes ----------------------------------------------------------- */

int xl_squash_plane(double *to, int64_t oh, int64_t ow, const uint8_t *from, int64_t h, int64_t w,
		    enum xl_squash how)
{
	struct axis across = {.most = 0}, down = {.most = 0};
	double *mid = NULL;
	int rc = -1;

	if (axis_init(&across, w, ow, how) || axis_init(&down, h, oh, how) ||
	    !(mid = xl_alloc((size_t)h, (size_t)ow * sizeof *mid)))
		goto out;
	for (int64_t y = 0; y < h; y++)
		for (int64_t x = 0; x < ow; x++) {
			const double *weight = across.weight + x * across.most;
			const uint8_t *p = from + y * w + across.first[x];
			double sum = 0;

			for (int64_t k = 0; k < across.count[x]; k++)
				sum += weight[k] * p[k];
			mid[y * ow + x] = how == XL_SQUASH_CLEAN ? (double)(float)sum : sum;
		}
	for (int64_t y = 0; y < oh; y++) {
		double *row = to + y * ow;

		for (int64_t x = 0; x < ow; x++)
			row[x] = 0;
		for (int64_t k = 0; k < down.count[y]; k++) {
			const double weight = down.weight[y * down.most + k];
			const double *p = mid + (down.first[y] + k) * ow;

			for (int64_t x = 0; x < ow; x++)
				row[x] += weight * p[x];
		}
	}
	rc = 0;
out:
	axis_done(&across);
	axis_done(&down);
	free(mid);
	return rc;
}

/* A grey level 0..255 as a number for a network. */
static float level(double v, enum xl_squash how)
{
	if (how == XL_SQUASH_CLEAN)
		v = v < 0 ? 0 : v > 255 ? 255 : v;
	return (float)(how == XL_SQUASH_CLEAN || how == XL_SQUASH_TF1 ? (v - 128) / 128
								      : v / 127.5 - 1);
}

int xl_squash_picture(float *to, int64_t size, const struct xl_tensor *picture, enum xl_squash how)
{
	const int64_t h = picture->shape[1], w = picture->shape[2];
	const uint8_t *p = picture->data;
	double *plane;

	if (how == XL_SQUASH_NONE) {
		for (int64_t i = 0; i < xl_tensor_count(picture); i++)
			to[i] = level((double)p[i], how);
		return 0;
	}
	if (!(plane = xl_alloc((size_t)(size * size), sizeof *plane)))
		return -1;
	for (int c = 0; c < 3; c++) {
		if (xl_squash_plane(plane, size, size, p + c * h * w, h, w, how)) {
			free(plane);
			return -1;
		}
		for (int64_t i = 0; i < size * size; i++)
			*to++ = level(plane[i], how);
	}
	free(plane);
	return 0;
}
