/*
 * affinities.h - how much points are neighbours of each other: t-SNE's probabilities in
 * the space they come from.
 */
#ifndef XL_METRICS_AFFINITIES_H
#define XL_METRICS_AFFINITIES_H

#include <stdint.h>

/* Between all points, or, of each point, with those that are near. p sums to 1. */
struct xl_affinities {
	int64_t n;
	double *p;      /* (n,n), zeros in the diagonal; or of all pairs that are near */
	int64_t *start; /* (n + 1): those of point i, from start[i] on; NULL: all pairs */
	int32_t *to;    /* the other point, ascending for each i */
	double *beta;   /* (n) 1 / (2 sigma^2) of each point */
};

/*
 * xl_affinities_of - affinities of n points of d numbers
 *
 *   p(j|i) = exp(-beta_i |x_i - x_j|^2) / sum,  p_ij = (p(j|i) + p(i|j)) / 2n
 *
 * beta_i by halving until the entropy of p(.|i) is ln perplexity to 1e-5. near > 0: of
 * each point just that many neighbours take part, of equally far the first.
 *
 * Source   van der Maaten and Hinton 2008; van der Maaten 2014 for near
 * Shapes   x: (n,d), n from 4; 1 <= perplexity <= (n - 1) / 3; near < n
 * Owns     the caller ends it with xl_affinities_done, also after a failure
 * Errors   0, or -1 with xl_err set
 * Threads  splits over points; bits do not depend on the thread count
 */
int xl_affinities_of(struct xl_affinities *a, const double *x, int64_t n, int64_t d,
		     double perplexity, int64_t near);
void xl_affinities_done(struct xl_affinities *a);

#endif
