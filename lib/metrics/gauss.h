/*
 * gauss.h - mean and covariance of vectors as they come, and of parts that were
 * measured apart: on other machines, or on other days.
 */
#ifndef XL_METRICS_GAUSS_H
#define XL_METRICS_GAUSS_H

#include <stdint.h>
#include "xl.h"

enum { XL_GAUSS_MAX = 16384 }; /* numbers of a vector: a covariance of 2 GiB */

struct xl_gauss {
	int64_t n;    /* vectors; 0 also where statistics from elsewhere do not say it */
	int64_t d;    /* numbers of each */
	double *mean; /* (d) */
	double *cov;  /* (d,d), symmetric to the bit; divided by n - 1, zeros for n = 1 */
};

/* xl_gauss_init - of no vectors yet; 0, or -1 with xl_err set, also for a d above
 * XL_GAUSS_MAX. xl_gauss_done - free */
int xl_gauss_init(struct xl_gauss *g, int64_t d);
void xl_gauss_done(struct xl_gauss *g);

/*
 * xl_gauss_add - take in a block of vectors
 *
 * The block is centred on its own mean, and then merged; sums of squares, which lose
 * digits, are not kept.
 * Shapes   rows: (n,d)
 * Errors   0, or -1 with xl_err set
 * Threads  splits over the covariance; bits depend on how vectors are cut into blocks,
 *          not on the thread count
 */
int xl_gauss_add(struct xl_gauss *g, const float *rows, int64_t n);

/*
 * xl_gauss_merge - take in all of another, of the same d
 *
 *   mean += delta m / (n + m),  delta = mean_b - mean
 *   scatter += scatter_b + delta delta^T n m / (n + m),  scatter = cov (n - 1)
 *
 * In any order the result is the same but for rounding.
 * Source   Chan, Golub and LeVeque 1979
 * Owns     b's numbers are used up; the caller still frees them
 * Errors   none; b knows its n
 */
void xl_gauss_merge(struct xl_gauss *g, struct xl_gauss *b);

/* xl_gauss_check - that all numbers are finite, and the covariance symmetric and without a
 * variance below 0, to 1e-6 of its largest; the symmetry is then made exact. 0, or -1 with
 * xl_err set. For what comes from files */
int xl_gauss_check(struct xl_gauss *g);

/*
 * xl_gauss_read - the statistics in a record: tensors mu (d) and sigma (d,d), of any type
 *
 * Owns     the caller frees g with xl_gauss_done, also after a failure; its n is left 0
 * Errors   0, or -1 with xl_err set: lacks one, other shapes, what xl_gauss_check refuses
 */
int xl_gauss_read(struct xl_gauss *g, const struct xl_record *r);

/* xl_centre - rows (n,d) as columns (d,n), less their mean (d), which is computed, n > 0 */
void xl_centre(double *columns, double *mean, const float *rows, int64_t n, int64_t d);

#endif
