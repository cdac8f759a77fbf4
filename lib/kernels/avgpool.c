/*
 * avgpool.c - means of windows two pixels apart, and their adjoint; one plane of one
 * image is an item of work.
 */
#include <assert.h>
#include <string.h>
#include "core/pool.h"
#include "kernels/kernels.h"

struct pooling {
	float *to;
	const float *from;
	const struct xl_dims *d; /* of the large map */
	int k;
};

/* Window i of an axis of n: its first pixel inside, and how many are. */
static int window(int i, int n, int k, int *first)
{
	const int from = 2 * i - (k - 1) / 2, end = from + k < n ? from + k : n;

	*first = from > 0 ? from : 0;
	return end - *first;
}

/* The window of a place of the small map: its first number and the share of each pixel. */
struct part {
	int at, rows, columns;
	float share;
};

static struct part part_of(const struct pooling *p, int i, int j)
{
	struct part w;
	int row, column;

	w.rows = window(i, p->d->h, p->k, &row);
	w.columns = window(j, p->d->w, p->k, &column);
	w.at = (row * p->d->w + column) * p->d->b;
	w.share = 1.0f / (float)(w.rows * w.columns);
	return w;
}

int xl_avgpool_size(int n, int k)
{
	const int free = n + 2 * ((k - 1) / 2) - k; /* ends beyond the first window */

	return free < 0 ? 0 : free / 2 + 1;
}

static void fwd_item(void *ctx, int64_t plane)
{
	const struct pooling *p = ctx;
	const int b = p->d->b, row = p->d->w * b;
	const int oh = xl_avgpool_size(p->d->h, p->k), ow = xl_avgpool_size(p->d->w, p->k);
	const float *x = p->from + plane * p->d->h * row;
	float *y = p->to + plane * oh * ow * b;

	for (int o = 0; o < oh * ow; o++, y += b) {
		const struct part w = part_of(p, o / ow, o % ow);
		float sum[XL_BLOCK] = {0};
		for (int i = 0; i < w.rows; i++)
			for (int j = 0; j < w.columns; j++)
				for (int l = 0; l < b; l++)
					sum[l] += x[w.at + i * row + j * b + l];
		for (int l = 0; l < b; l++)
			y[l] = sum[l] * w.share;
	}
}

void xl_avgpool_fwd(float *y, const float *x, const struct xl_dims *d, int k)
{
	struct pooling p = {y, x, d, k};
	assert(xl_avgpool_size(d->h, k) > 0 && xl_avgpool_size(d->w, k) > 0);
	xl_parallel(fwd_item, &p, (int64_t)d->n * d->c / d->b);
}

static void bwd_item(void *ctx, int64_t plane)
{
	const struct pooling *p = ctx;
	const int b = p->d->b, row = p->d->w * b;
	const int oh = xl_avgpool_size(p->d->h, p->k), ow = xl_avgpool_size(p->d->w, p->k);
	float *gx = p->to + plane * p->d->h * row;
	const float *gy = p->from + plane * oh * ow * b;

	memset(gx, 0, (size_t)(p->d->h * row) * sizeof *gx);
	for (int o = 0; o < oh * ow; o++, gy += b) {
		const struct part w = part_of(p, o / ow, o % ow);
		for (int i = 0; i < w.rows; i++)
			for (int j = 0; j < w.columns; j++)
				for (int l = 0; l < b; l++)
					gx[w.at + i * row + j * b + l] += gy[l] * w.share;
	}
}

void xl_avgpool_bwd(float *gx, const float *gy, const struct xl_dims *d, int k)
{
	struct pooling p = {gx, gy, d, k};
	assert(xl_avgpool_size(d->h, k) > 0 && xl_avgpool_size(d->w, k) > 0);
	xl_parallel(bwd_item, &p, (int64_t)d->n * d->c / d->b);
}
