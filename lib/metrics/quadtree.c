/*
 * quadtree.c - points of a plane in nested quarters.
 */
#include <math.h>
#include <stdlib.h>
#include "core/mem.h"
#include "metrics/quadtree.h"

/* Deeper than a double can tell quarters apart: points that share one coincide. */
enum { DEPTH = 60 };

static int32_t quarter(const struct xl_quadnode *node, const double *y)
{
	return node->child + (y[0] > node->middle[0]) + 2 * (y[1] > node->middle[1]);
}

/* Four empty quarters; nodes may move. */
static int split(struct xl_quadtree *t, int32_t i)
{
	if (t->n_nodes + 4 > t->cap) {
		const int32_t cap = 2 * t->cap + 64;
		struct xl_quadnode *nodes;

		if (t->cap > INT32_MAX / 4)
			return xl_err("too many points for a tree");
		nodes = xl_realloc(t->nodes, (size_t)cap, sizeof *nodes);
		if (!nodes)
			return -1;
		t->nodes = nodes;
		t->cap = cap;
	}
	struct xl_quadnode *node = &t->nodes[i];

	node->child = t->n_nodes;
	for (int k = 0; k < 4; k++) {
		struct xl_quadnode *q = &t->nodes[t->n_nodes++];

		*q = (struct xl_quadnode){.n = 0};
		for (int a = 0; a < 2; a++) {
			const bool is_upper = a ? k / 2 : k % 2;

			q->half[a] = node->half[a] / 2;
			q->middle[a] = node->middle[a] + (is_upper ? q->half[a] : -q->half[a]);
		}
	}
	return 0;
}

static void count(struct xl_quadnode *node, const double *y, int64_t n)
{
	const bool is_first = node->n == 0; /* whose place is kept to the bit */

	node->n += n;
	for (int a = 0; a < 2; a++)
		node->at[a] =
			is_first ? y[a]
				 : node->at[a] + (double)n * (y[a] - node->at[a]) / (double)node->n;
}

/* A leaf with other points in it hands them down, all of which coincide. */
static int hand_down(struct xl_quadtree *t, int32_t i)
{
	if (split(t, i))
		return -1;
	const struct xl_quadnode *node = &t->nodes[i];

	count(&t->nodes[quarter(node, node->at)], node->at, node->n);
	return 0;
}

static int insert(struct xl_quadtree *t, const double *y)
{
	int32_t i = 0;

	for (int depth = 0;; depth++) {
		struct xl_quadnode *node = &t->nodes[i];
		const bool is_here = node->at[0] == y[0] && node->at[1] == y[1];

		if (!node->child && node->n > 0 && !is_here && depth < DEPTH) {
			if (hand_down(t, i))
				return -1;
			node = &t->nodes[i];
		}
		count(node, y, 1);
		if (!node->child)
			return 0;
		i = quarter(node, y);
	}
}

static void root(struct xl_quadtree *t, const double *y, int64_t n)
{
	struct xl_quadnode *r = &t->nodes[0];

	*r = (struct xl_quadnode){.n = 0};
	t->n_nodes = 1;
	for (int64_t i = 0; i < 2 * n; i++)
		r->middle[i % 2] += y[i] / (double)n;
	for (int64_t i = 0; i < 2 * n; i++)
		r->half[i % 2] = fmax(r->half[i % 2], fabs(y[i] - r->middle[i % 2]));
	for (int a = 0; a < 2; a++)
		r->half[a] += 1e-5;
}

int xl_quadtree_build(struct xl_quadtree *t, const double *y, int64_t n)
{
	if (!t->nodes) {
		t->cap = 64;
		t->nodes = xl_alloc((size_t)t->cap, sizeof *t->nodes);
	}
	if (t->n != n) {
		int32_t *leaf = xl_realloc(t->leaf, (size_t)n, sizeof *leaf);

		if (!leaf)
			return -1;
		t->leaf = leaf;
		t->n = n;
	}
	if (!t->nodes)
		return -1;
	root(t, y, n);
	for (int64_t i = 0; i < n; i++)
		if (insert(t, y + 2 * i))
			return -1;
	for (int64_t i = 0; i < n; i++) {
		int32_t at = 0;

		while (t->nodes[at].child)
			at = quarter(&t->nodes[at], y + 2 * i);
		t->leaf[i] = at;
	}
	return 0;
}

void xl_quadtree_done(struct xl_quadtree *t)
{
	free(t->nodes);
	free(t->leaf);
	*t = (struct xl_quadtree){.n = 0};
}

void xl_quadtree_repulsion(const struct xl_quadtree *t, const double *y, int64_t i, double theta,
			   double *sum, double force[2])
{
	int32_t stack[3 * DEPTH + 8] = {0}; /* of four quarters, one is gone into at once */
	int n = 1;

	while (n > 0) {
		const int32_t at = stack[--n];
		const struct xl_quadnode *node = &t->nodes[at];
		const double dx = y[2 * i] - node->at[0], dy = y[2 * i + 1] - node->at[1];
		const double square = dx * dx + dy * dy, half = fmax(node->half[0], node->half[1]);

		if (node->child && half * half >= theta * theta * square) {
			for (int k = 4; k-- > 0;)
				if (t->nodes[node->child + k].n > 0)
					stack[n++] = node->child + k;
			continue;
		}
		const double others = (double)(node->n - (t->leaf[i] == at));
		const double w = 1 / (1 + square);

		*sum += others * w;
		force[0] += others * w * w * dx;
		force[1] += others * w * w * dy;
	}
}
