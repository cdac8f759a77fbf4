/*
 * ssim.c - structural similarity in double precision on 8-bit images. A row of
 * the map is made at a time: k rows are filtered downwards into five sums, these
 * across, so that memory is a few rows whatever the height.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/pool.h"
#include "metrics/ssim.h"

enum { MAX_TAPS = 11, SUMS = 5, ROWS = SUMS + 2 };

static const double C1 = (0.01 * 255) * (0.01 * 255);
static const double C2 = (0.03 * 255) * (0.03 * 255);

static const struct {
	const char *name;
	int size;
	bool gauss;
	double cn; /* k*k / (k*k - 1) for the sample covariance */
} kinds[XL_SSIM_WINDOWS] = {
	{"uniform7", 7, false, 49.0 / 48},
	{"gauss11", 11, true, 1},
	{"gauss11s", 11, true, 121.0 / 120},
};

struct job {
	enum xl_ssim_window window;
	const uint8_t *a, *b; /* one channel, or three for luma */
	int64_t h, w;
	bool luma;
	double *rows; /* ROWS * w */
	double result;
};

const char *xl_ssim_name(enum xl_ssim_window w)
{
	return kinds[w].name;
}

int xl_ssim_size(enum xl_ssim_window w)
{
	return kinds[w].size;
}

static void make_taps(double *tap, enum xl_ssim_window window)
{
	const int k = kinds[window].size;
	double sum = 0;

	for (int i = 0; i < k; i++) {
		const double r = i - k / 2;

		tap[i] = kinds[window].gauss ? exp(-r * r / (2 * 1.5 * 1.5)) : 1;
		sum += tap[i];
	}
	for (int i = 0; i < k; i++)
		tap[i] /= sum;
}

static void load_row(double *restrict row, const uint8_t *p, const struct job *jb, int64_t y)
{
	const int64_t plane = jb->h * jb->w;

	p += y * jb->w;
	if (!jb->luma) {
		for (int64_t x = 0; x < jb->w; x++)
			row[x] = p[x];
		return;
	}
	for (int64_t x = 0; x < jb->w; x++)
		row[x] = 0.299 * p[x] + 0.587 * p[plane + x] + 0.114 * p[2 * plane + x];
}

/* Adds t times a, b, a*a, b*b, a*b of one row to the five rows of sums. */
static void add_row(double *restrict sum, const double *restrict a, const double *restrict b,
		    double t, int64_t w)
{
	for (int64_t x = 0; x < w; x++) {
		const double ta = t * a[x], tb = t * b[x];

		sum[x] += ta;
		sum[w + x] += tb;
		sum[2 * w + x] += ta * a[x];
		sum[3 * w + x] += tb * b[x];
		sum[4 * w + x] += ta * b[x];
	}
}

static double similarity(const double *u, double cn)
{
	const double vx = cn * (u[2] - u[0] * u[0]);
	const double vy = cn * (u[3] - u[1] * u[1]);
	const double vxy = cn * (u[4] - u[0] * u[1]);

	return ((2 * u[0] * u[1] + C1) * (2 * vxy + C2)) /
	       ((u[0] * u[0] + u[1] * u[1] + C1) * (vx + vy + C2));
}

/* The sum of S along one row of windows, from the filtered columns. */
static double across(const double *restrict sum, const double *tap, int k, int64_t w, double cn)
{
	double total = 0;

	for (int64_t x = 0; x + k <= w; x++) {
		double u[SUMS] = {0};

		for (int i = 0; i < k; i++)
			for (int s = 0; s < SUMS; s++)
				u[s] += tap[i] * sum[s * w + x + i];
		total += similarity(u, cn);
	}
	return total;
}

static void run_job(void *ctx, int64_t index)
{
	struct job *jb = (struct job *)ctx + index;
	const int k = kinds[jb->window].size;
	const int64_t oh = jb->h - k + 1, ow = jb->w - k + 1;
	double *sum = jb->rows, *a = sum + SUMS * jb->w, *b = a + jb->w;
	double tap[MAX_TAPS], total = 0;

	make_taps(tap, jb->window);
	for (int64_t y = 0; y < oh; y++) {
		memset(sum, 0, (size_t)jb->w * SUMS * sizeof *sum);
		for (int i = 0; i < k; i++) {
			load_row(a, jb->a, jb, y + i);
			load_row(b, jb->b, jb, y + i);
			add_row(sum, a, b, tap[i], jb->w);
		}
		total += across(sum, tap, k, jb->w, kinds[jb->window].cn);
	}
	jb->result = total / ((double)oh * (double)ow);
}

static int check_size(const struct xl_tensor *a, enum xl_ssim_window window)
{
	const int k = kinds[window].size;
	char shape[64];

	if (a->shape[1] >= k && a->shape[2] >= k)
		return 0;
	return xl_err("%s is smaller than the %dx%d window of SSIM",
		      xl_tensor_show(a, shape, sizeof shape), k, k);
}

int xl_ssim(double *out, const struct xl_tensor *a, const struct xl_tensor *b,
	    const enum xl_ssim_window *windows, int n, bool luma)
{
	const int64_t h = a->shape[1], w = a->shape[2];
	const int64_t c = luma ? 1 : a->shape[0], n_jobs = n * c;
	struct job *jobs = NULL;
	double *rows = NULL;
	size_t size;
	int ret = -1;

	assert(a->ndim == 3 && a->dtype == XL_U1 && b->dtype == XL_U1);
	assert(xl_tensor_is(b, 3, a->shape) && c > 0 && (!luma || a->shape[0] == 3));
	for (int i = 0; i < n; i++)
		if (check_size(a, windows[i]) < 0)
			return -1;
	jobs = xl_alloc((size_t)n_jobs, sizeof *jobs);
	if (!jobs || xl_mul((size_t)(n_jobs * ROWS), (size_t)w, &size) < 0)
		goto out;
	rows = xl_alloc(size, sizeof *rows);
	if (!rows)
		goto out;
	for (int64_t i = 0; i < n_jobs; i++) {
		const uint8_t *pa = a->data, *pb = b->data;

		jobs[i] = (struct job){.window = windows[i / c],
				       .h = h,
				       .w = w,
				       .luma = luma,
				       .a = pa + i % c * h * w,
				       .b = pb + i % c * h * w,
				       .rows = rows + i * ROWS * w};
	}
	xl_parallel(run_job, jobs, n_jobs);
	for (int i = 0; i < n; i++) {
		out[i] = 0;
		for (int64_t j = 0; j < c; j++)
			out[i] += jobs[i * c + j].result / (double)c;
	}
	ret = 0;
out:
	free(rows);
	free(jobs);
	return ret;
}
