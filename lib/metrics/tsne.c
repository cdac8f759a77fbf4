/*
 * tsne.c - the gradient of t-SNE, and the descent.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "metrics/tsne.h"
#include "xl.h"

enum { LANES = 8, POINTS = 32, REPORT = 50 }; /* POINTS: of an item of work */

/* What threads share. Of point i: pull, the sum of e p w (y_i - y_j); push, that of
 * w^2 (y_i - y_j); weight, that of w; cost, that of p ln (1 + d^2). */
struct pass {
	const struct xl_affinities *a;
	const double *y;       /* (n,2) */
	const double *axis[2]; /* (n) each: the same, where all pairs count */
	const struct xl_quadtree *tree;
	double e, theta;
	bool has_cost;
	double *pull, *push;   /* (n,2) */
	double *weight, *cost; /* (n) */
};

/* ---- one point, all pairs ----------------------------------------------- */

/* Point i against others from `from` to `to`, each lane a sum of its own. */
static void pairs(const struct pass *s, int64_t i, int64_t from, int64_t to, double sum[5][LANES])
{
	const double *p = s->a->p + i * s->a->n, *ys = s->axis[0], *zs = s->axis[1];
	const double y = ys[i], z = zs[i], e = s->e;

	for (int64_t at = from; at < to; at += LANES)
		for (int l = 0; l < LANES; l++) {
			const double dy = y - ys[at + l], dz = z - zs[at + l];
			const double w = 1 / (1 + dy * dy + dz * dz);
			const double pull = e * p[at + l] * w, push = w * w;

			sum[0][l] += pull * dy;
			sum[1][l] += pull * dz;
			sum[2][l] += push * dy;
			sum[3][l] += push * dz;
			sum[4][l] += w;
		}
}

static double across(const double *lanes)
{
	double sum = 0;

	for (int l = 0; l < LANES; l++)
		sum += lanes[l];
	return sum;
}

static double distance2(const double *y, int64_t i, int64_t j)
{
	const double dy = y[2 * i] - y[2 * j], dz = y[2 * i + 1] - y[2 * j + 1];

	return dy * dy + dz * dz;
}

static void against_all(const struct pass *s, int64_t i)
{
	const int64_t n = s->a->n, whole = n / LANES * LANES;
	double sum[5][LANES] = {{0}};

	pairs(s, i, 0, whole, sum);
	for (int64_t j = whole; j < n; j++) {
		const double dy = s->y[2 * i] - s->y[2 * j], dz = s->y[2 * i + 1] - s->y[2 * j + 1];
		const double w = 1 / (1 + dy * dy + dz * dz), pull = s->e * s->a->p[i * n + j] * w;

		sum[0][0] += pull * dy;
		sum[1][0] += pull * dz;
		sum[2][0] += w * w * dy;
		sum[3][0] += w * w * dz;
		sum[4][0] += w;
	}
	for (int k = 0; k < 2; k++) {
		s->pull[2 * i + k] = across(sum[k]);
		s->push[2 * i + k] = across(sum[2 + k]);
	}
	s->weight[i] = across(sum[4]) - 1; /* without itself */
	for (int64_t j = 0; s->has_cost && j < n; j++)
		s->cost[i] += s->a->p[i * n + j] * log1p(distance2(s->y, i, j));
}

/* ---- one point, those near and a tree ------------------------------------- */

static void against_near(const struct pass *s, int64_t i)
{
	const struct xl_affinities *a = s->a;
	double pull[2] = {0};

	for (int64_t k = a->start[i]; k < a->start[i + 1]; k++) {
		const int64_t j = a->to[k];
		const double square = distance2(s->y, i, j), w = s->e * a->p[k] / (1 + square);

		pull[0] += w * (s->y[2 * i] - s->y[2 * j]);
		pull[1] += w * (s->y[2 * i + 1] - s->y[2 * j + 1]);
		if (s->has_cost)
			s->cost[i] += a->p[k] * log1p(square);
	}
	memcpy(s->pull + 2 * i, pull, sizeof pull);
	xl_quadtree_repulsion(s->tree, s->y, i, s->theta, &s->weight[i], s->push + 2 * i);
}

static void item(void *ctx, int64_t k)
{
	const struct pass *s = ctx;

	for (int64_t i = k * POINTS; i < (k + 1) * POINTS && i < s->a->n; i++) {
		s->weight[i] = s->cost[i] = s->push[2 * i] = s->push[2 * i + 1] = 0;
		if (s->a->start)
			against_near(s, i);
		else
			against_all(s, i);
	}
}

/* ---- all points ----------------------------------------------------------- */

static double total(const double *v, int64_t n)
{
	double sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += v[i];
	return sum;
}

/* sum of p ln p */
static double negentropy(const struct xl_affinities *a)
{
	const int64_t count = a->start ? a->start[a->n] : a->n * a->n;
	double sum = 0;

	for (int64_t k = 0; k < count; k++)
		if (a->p[k] > 0)
			sum += a->p[k] * log(a->p[k]);
	return sum;
}

int xl_tsne_gradient(double *grad, double *kl, const double *y, const struct xl_affinities *a,
		     double e, double theta, struct xl_quadtree *tree)
{
	const int64_t n = a->n;
	double *room = xl_alloc((size_t)n, 8 * sizeof *room);
	struct pass s = {.a = a,
			 .y = y,
			 .axis = {room, room + n},
			 .tree = tree,
			 .e = e,
			 .theta = theta,
			 .has_cost = kl != NULL};

	if (!room || (a->start && xl_quadtree_build(tree, y, n))) {
		free(room);
		return -1;
	}
	for (int64_t i = 0; i < 2 * n; i++)
		room[i % 2 * n + i / 2] = y[i];
	s.weight = room + 2 * n;
	s.cost = room + 3 * n;
	s.push = room + 4 * n;
	s.pull = room + 6 * n;
	xl_parallel(item, &s, xl_div_up(n, POINTS));
	const double z = total(s.weight, n);
	for (int64_t i = 0; i < 2 * n; i++)
		grad[i] = 4 * (s.pull[i] - s.push[i] / z);
	if (kl)
		*kl = negentropy(a) + total(s.cost, n) + log(z);
	free(room);
	return 0;
}

/* ---- the descent ---------------------------------------------------------- */

struct descent {
	double *grad, *update, *gain; /* (n,2) each */
};

static int sign(double v)
{
	return (v > 0) - (v < 0);
}

static void update(double *y, const struct descent *d, int64_t n, double rate, double momentum)
{
	double mean[2] = {0};

	for (int64_t i = 0; i < 2 * n; i++) {
		const bool goes_on = sign(d->grad[i]) != sign(d->update[i]);

		d->gain[i] = fmax(goes_on ? d->gain[i] + 0.2 : d->gain[i] * 0.8, 0.01);
		d->update[i] = momentum * d->update[i] - rate * d->gain[i] * d->grad[i];
		y[i] += d->update[i];
		mean[i % 2] += y[i] / (double)n;
	}
	for (int64_t i = 0; i < 2 * n; i++)
		y[i] -= mean[i % 2];
}

static int descend(double *y, const struct xl_affinities *a, const struct xl_tsne_settings *s,
		   const struct descent *d, struct xl_quadtree *tree, double *kl)
{
	for (int64_t k = 0; k < s->iters; k++) {
		const bool is_told = s->progress && k % REPORT == 0;

		if (xl_tsne_gradient(d->grad, is_told ? kl : NULL, y, a,
				     k < s->exaggerated ? s->exaggeration : 1, s->theta, tree))
			return -1;
		if (s->progress)
			s->progress(k, s->iters, *kl);
		update(y, d, a->n, s->rate, k < s->slow ? 0.5 : 0.8);
		for (int64_t i = 0; i < 2 * a->n; i++)
			if (!isfinite(y[i]))
				return xl_err("iteration %lld: the layout has left all bounds; a "
					      "smaller rate may help",
					      (long long)k);
	}
	return xl_tsne_gradient(d->grad, kl, y, a, 1, s->theta, tree);
}

int xl_tsne(double *y, const struct xl_affinities *a, const struct xl_tsne_settings *s, double *kl)
{
	double *room = xl_alloc((size_t)a->n, 6 * sizeof *room);
	const struct descent d = {room, room + 2 * a->n, room + 4 * a->n};
	struct xl_quadtree tree = {.n = 0};
	int rc = -1;

	if (room) {
		for (int64_t i = 0; i < 2 * a->n; i++)
			d.gain[i] = 1;
		rc = descend(y, a, s, &d, &tree, kl);
	}
	xl_quadtree_done(&tree);
	free(room);
	return rc;
}
