/*
 * tsne.h - t-SNE: points of many numbers laid out in a plane, so that neighbours stay
 * neighbours.
 *
 * Source   van der Maaten and Hinton 2008; van der Maaten 2014 (Barnes-Hut)
 */
#ifndef XL_METRICS_TSNE_H
#define XL_METRICS_TSNE_H

#include "metrics/affinities.h"
#include "metrics/quadtree.h"

struct xl_tsne_settings {
	int64_t iters;
	double rate;         /* of learning, of the gradient with its factor 4 */
	double exaggeration; /* affinities are this many times larger */
	int64_t exaggerated; /* in so many first iterations, */
	int64_t slow;        /* and momentum is 0.5 in these, then 0.8 */
	double theta;        /* see xl_quadtree_repulsion; not read where all pairs count */
	void (*progress)(int64_t done, int64_t total, double kl); /* NULL: none */
};

/*
 * xl_tsne_gradient - of KL, and KL itself where it is not NULL
 *
 *   q_ij = w_ij / Z,  w_ij = 1 / (1 + |y_i - y_j|^2),  KL = sum p_ij ln (p_ij / q_ij)
 *   grad_i = 4 sum_j (e p_ij - q_ij) w_ij (y_i - y_j)
 *
 * Of affinities between all, exact; else Z and the part of q by a tree, with theta.
 * Shapes   grad, y: (n,2); e: the exaggeration, no part of KL; tree: room, kept
 *          between calls
 * Errors   0, or -1 with xl_err set
 * Threads  splits over points; bits do not depend on the thread count
 */
int xl_tsne_gradient(double *grad, double *kl, const double *y, const struct xl_affinities *a,
		     double e, double theta, struct xl_quadtree *tree);

/*
 * xl_tsne - lay points out, from where they are
 *
 * Gains and momentum as in the authors' program: a gain grows by 0.2 where the gradient
 * goes on as the last update, else shrinks to 0.8 of it, 0.01 at least.
 * Shapes   y: (n,2)
 * Units    *kl in nats, at the end
 * Errors   0, or -1 with xl_err set: no memory, a layout that has left all bounds
 */
int xl_tsne(double *y, const struct xl_affinities *a, const struct xl_tsne_settings *s, double *kl);

#endif
