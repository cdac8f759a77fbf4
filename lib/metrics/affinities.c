/*
 * affinities.c - probabilities of being neighbours.
 */
#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "metrics/affinities.h"
#include "xl.h"

enum { LANES = 8, MOST_STEPS = 200 };

static const double entropy_slack = 1e-5;

/* What threads share: row i of squared distances becomes what point i thinks of others. */
struct job {
	const double *x; /* (n,d) */
	double *columns; /* (d, n in whole lanes) */
	int64_t n, d, lane_n, near;
	double entropy;
	double *beta;   /* (n) */
	double *dense;  /* (n,n) p(j|i), or NULL */
	double *sparse; /* (n,near) p(j|i) of the nearest, */
	int32_t *to;    /* which are these, ascending */
	bool failed;
};

/* ---- one point -------------------------------------------------------- */

/* Squared distances of point i to all: (lane_n), sums in the order of the numbers. */
static void distances(const struct job *j, int64_t i, double *out)
{
	for (int64_t at = 0; at < j->lane_n; at += LANES) {
		double sum[LANES] = {0};

		for (int64_t k = 0; k < j->d; k++) {
			const double x = j->x[i * j->d + k];
			const double *c = j->columns + k * j->lane_n + at;

			for (int l = 0; l < LANES; l++)
				sum[l] += (x - c[l]) * (x - c[l]);
		}
		memcpy(out + at, sum, sizeof sum);
	}
}

/* p of n others at distances far, less the smallest of them; its entropy in nats. */
static double weigh(double *p, const double *far, int64_t n, double least, double beta)
{
	double sum = 0, mean = 0;

	for (int64_t k = 0; k < n; k++) {
		p[k] = exp(-beta * (far[k] - least));
		sum += p[k];
		mean += (far[k] - least) * p[k];
	}
	for (int64_t k = 0; k < n; k++)
		p[k] /= sum;
	return log(sum) + beta * mean / sum;
}

/* p with the wanted entropy; the beta that gives it. */
static double search(double *p, const double *far, int64_t n, double entropy)
{
	double beta = 1, low = 0, high = INFINITY, least = INFINITY;

	for (int64_t k = 0; k < n; k++)
		least = fmin(least, far[k]);
	for (int step = 0; step < MOST_STEPS; step++) {
		const double over = weigh(p, far, n, least, beta) - entropy;

		if (fabs(over) < entropy_slack)
			break;
		if (over > 0) {
			low = beta;
			beta = isinf(high) ? 2 * beta : (beta + high) / 2;
		} else {
			high = beta;
			beta = (beta + low) / 2;
		}
	}
	return beta;
}

struct other {
	double far;
	int32_t at;
};

static bool is_nearer(struct other a, struct other b)
{
	return a.far < b.far || (a.far == b.far && a.at < b.at);
}

/* Puts o in its place among the first n of a heap whose top is the furthest. */
static void sink(struct other *heap, int64_t n, int64_t at, struct other o)
{
	for (int64_t child; (child = 2 * at + 1) < n; at = child) {
		if (child + 1 < n && is_nearer(heap[child], heap[child + 1]))
			child++;
		if (!is_nearer(o, heap[child]))
			break;
		heap[at] = heap[child];
	}
	heap[at] = o;
}

static int by_number(const void *a, const void *b)
{
	const struct other *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* The nearest of point i, ascending by number. */
static void nearest(const struct job *j, int64_t i, const double *far, struct other *heap)
{
	for (int64_t k = 0; k < j->near; k++)
		heap[k] = (struct other){INFINITY, INT32_MAX};
	for (int64_t k = 0; k < j->n; k++) {
		const struct other o = {far[k], (int32_t)k};

		if (k != i && is_nearer(o, heap[0]))
			sink(heap, j->near, 0, o);
	}
	qsort(heap, (size_t)j->near, sizeof *heap, by_number);
}

static int sparse_row(const struct job *j, int64_t i, double *far)
{
	struct other *heap = xl_alloc((size_t)j->near, sizeof *heap);

	if (!heap)
		return -1;
	nearest(j, i, far, heap);
	for (int64_t k = 0; k < j->near; k++) {
		far[k] = heap[k].far;
		j->to[i * j->near + k] = heap[k].at;
	}
	free(heap);
	j->beta[i] = search(j->sparse + i * j->near, far, j->near, j->entropy);
	return 0;
}

/* The point itself is left out, and its place then filled by zero. */
static void dense_row(const struct job *j, int64_t i, double *far)
{
	double *p = j->dense + i * j->n;

	memmove(far + i, far + i + 1, (size_t)(j->n - 1 - i) * sizeof *far);
	j->beta[i] = search(p, far, j->n - 1, j->entropy);
	memmove(p + i + 1, p + i, (size_t)(j->n - 1 - i) * sizeof *p);
	p[i] = 0;
}

static void row(void *ctx, int64_t i)
{
	struct job *j = ctx;
	double *far = xl_alloc((size_t)j->lane_n, sizeof *far);

	if (!far) {
		j->failed = true;
		return;
	}
	distances(j, i, far);
	if (j->dense)
		dense_row(j, i, far);
	else if (sparse_row(j, i, far))
		j->failed = true;
	free(far);
}

/* ---- both ways -------------------------------------------------------- */

static void mix_dense(double *p, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		for (int64_t k = 0; k < i; k++) {
			const double both = (p[i * n + k] + p[k * n + i]) / (2 * (double)n);

			p[i * n + k] = p[k * n + i] = both;
		}
}

/* Who has point i among its nearest: those lists, turned round; numbers ascend. */
static void turn(const struct job *j, int64_t *start, int32_t *from, double *p)
{
	const int64_t count = j->n * j->near;

	for (int64_t k = 0; k < count; k++)
		start[j->to[k] + 1]++;
	for (int64_t i = 0; i < j->n; i++)
		start[i + 1] += start[i];
	for (int64_t k = 0; k < count; k++) {
		const int64_t at = start[j->to[k]]++;

		from[at] = (int32_t)(k / j->near);
		p[at] = j->sparse[k];
	}
	memmove(start + 1, start, (size_t)j->n * sizeof *start);
	start[0] = 0;
}

/* The union of what i thinks of others and what they think of i. */
static void merge(struct xl_affinities *a, const struct job *j, const int64_t *start,
		  const int32_t *from, const double *p)
{
	int64_t at = 0;

	for (int64_t i = 0; i < j->n; i++) {
		int64_t b = start[i], own = i * j->near;

		a->start[i] = at;
		while (own < (i + 1) * j->near || b < start[i + 1]) {
			const int32_t x = own < (i + 1) * j->near ? j->to[own] : INT32_MAX;
			const int32_t y = b < start[i + 1] ? from[b] : INT32_MAX;
			double sum = 0;

			a->to[at] = x < y ? x : y;
			if (x <= y)
				sum += j->sparse[own++];
			if (y <= x)
				sum += p[b++];
			a->p[at++] = sum / (2 * (double)j->n);
		}
	}
	a->start[j->n] = at;
}

static int mix_sparse(struct xl_affinities *a, const struct job *j)
{
	const size_t count = (size_t)j->n * (size_t)j->near;
	int64_t *start = xl_alloc((size_t)j->n + 1, sizeof *start);
	int32_t *from = xl_alloc(count, sizeof *from);
	double *p = xl_alloc(count, sizeof *p);
	int rc = -1;

	a->start = xl_alloc((size_t)j->n + 1, sizeof *a->start);
	a->to = xl_alloc(2 * count, sizeof *a->to);
	a->p = xl_alloc(2 * count, sizeof *a->p);
	if (start && from && p && a->start && a->to && a->p) {
		turn(j, start, from, p);
		merge(a, j, start, from, p);
		rc = 0;
	}
	free(start);
	free(from);
	free(p);
	return rc;
}

/* ---- the whole -------------------------------------------------------- */

static int start_job(struct job *j, struct xl_affinities *a)
{
	const size_t n = (size_t)j->n, near = (size_t)j->near;

	j->lane_n = xl_round_up(j->n, LANES);
	j->columns = xl_alloc((size_t)j->lane_n * (size_t)j->d, sizeof *j->columns);
	j->beta = a->beta = xl_alloc(n, sizeof *a->beta);
	if (j->near) {
		j->sparse = xl_alloc(n * near, sizeof *j->sparse);
		j->to = xl_alloc(n * near, sizeof *j->to);
	} else {
		j->dense = a->p = xl_alloc(n * n, sizeof *a->p);
	}
	if (!j->columns || !j->beta || (j->near ? !j->sparse || !j->to : !j->dense))
		return -1;
	for (int64_t i = 0; i < j->n; i++)
		for (int64_t k = 0; k < j->d; k++)
			j->columns[k * j->lane_n + i] = j->x[i * j->d + k];
	return 0;
}

int xl_affinities_of(struct xl_affinities *a, const double *x, int64_t n, int64_t d,
		     double perplexity, int64_t near)
{
	struct job j = {.x = x, .n = n, .d = d, .near = near, .entropy = log(perplexity)};
	int rc;

	assert(n >= 4 && near < n && perplexity >= 1 && 3 * perplexity <= (double)(n - 1));
	*a = (struct xl_affinities){.n = n};
	if (n > INT32_MAX)
		return xl_err("%lld points are too many", (long long)n);
	rc = start_job(&j, a);
	if (rc == 0) {
		xl_parallel(row, &j, n);
		rc = j.failed ? xl_err("no memory for affinities of %lld points", (long long)n) : 0;
	}
	if (rc == 0 && near)
		rc = mix_sparse(a, &j);
	else if (rc == 0)
		mix_dense(a->p, n);
	free(j.columns);
	free(j.sparse);
	free(j.to);
	return rc;
}

void xl_affinities_done(struct xl_affinities *a)
{
	free(a->p);
	free(a->start);
	free(a->to);
	free(a->beta);
	*a = (struct xl_affinities){.n = 0};
}
