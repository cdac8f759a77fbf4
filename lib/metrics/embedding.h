/*
 * embedding.h - rows of numbers to points of a plane: components, affinities, t-SNE.
 */
#ifndef XL_METRICS_EMBEDDING_H
#define XL_METRICS_EMBEDDING_H

#include <stdbool.h>
#include <stdint.h>

enum { XL_EMBEDDING_LEAST = 4, XL_EMBEDDING_EXACT = 2000 }; /* points: least; all pairs up to */

/* What is asked for; xl_embedding_make sets the first four to what it took. */
struct xl_embedding {
	int64_t components; /* of principal components; 0: the numbers as they are */
	double perplexity;
	double rate;  /* of learning; 0: n / 48, 50 at least */
	double theta; /* of Barnes-Hut, 0: all pairs; -1: 0.5 above XL_EMBEDDING_EXACT points */
	int64_t iters;
	bool is_random; /* begins with normal draws of the seed, not with components */
	uint64_t seed;
	void (*progress)(int64_t done, int64_t total, double kl); /* NULL: none */

	double kl; /* at the end, in nats */
};

/*
 * xl_embedding_make - lay rows out in a plane
 *
 * Rows are reduced to their first components, where they have more numbers, and divided
 * by their largest number. Perplexity is (n - 1) / 3 at most, rounded down. Begins with
 * the first two components, the first with a deviation of 1e-4.
 * Source   van der Maaten and Hinton 2008: 1000 iterations, of which the first 250 have
 *          12 times the affinities and momentum 0.5, then 0.8
 * Shapes   y: (n,2)   rows: (n,d), used up
 * Errors   0, or -1 with xl_err set: too few rows, rows that are all the same
 * Threads  bits do not depend on the thread count
 */
int xl_embedding_make(double *y, double *rows, int64_t n, int64_t d, struct xl_embedding *e);

/* xl_embedding_agreement - share of points whose nearest other (of equally far, the first) is
 * of the same group; y: (n,2), group: (n), n > 1 */
double xl_embedding_agreement(const double *y, const int *group, int64_t n);

#endif
