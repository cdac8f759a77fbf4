/*
 * fid.h - the Frechet distance between two sets of vectors, each taken for a Gaussian.
 * Between features of Inception it is the FID.
 */
#ifndef XL_METRICS_FID_H
#define XL_METRICS_FID_H

#include "metrics/gauss.h"

struct xl_fid {
	double value;
	double mean_term;        /* |mean_a - mean_b|^2 */
	double trace_a, trace_b; /* of the covariances */
	double trace_root;       /* of (S_a S_b)^(1/2) */

	const struct xl_gauss *at_fault; /* after a failure; NULL: both, or neither */
};

/*
 * xl_fid_of - from statistics, of the same d
 *
 *   value = |mean_a - mean_b|^2 + Tr S_a + Tr S_b - 2 Tr (S_a S_b)^(1/2)
 *
 * The roots of the eigenvalues of U S_b U^T are summed, where S_a = U^T U: by Cholesky,
 * with as many rows as S_a has ranks, or by eigenvectors where rounding to float has left
 * S_a no covariance; those that are rounding alone count for nothing. What rounding makes
 * of 0, below it, is 0, unless eps is given.
 * eps is added to both diagonals for the root alone; 0 but to repeat results of programs
 * that do so.
 * Source   Heusel et al. 2017, eq. 6 (FID)
 * Errors   0, or -1 with xl_err set: "not a covariance: it has the eigenvalue -3"
 */
int xl_fid_of(struct xl_fid *f, const struct xl_gauss *a, const struct xl_gauss *b, double eps);

/*
 * xl_fid_few - the same from the vectors themselves, quicker where they are few
 *
 * The trace of the root is the sum of the singular values of A B^T, with the centred
 * vectors as rows, divided by the roots of n - 1.
 * Shapes   a: (n_a,d)   b: (n_b,d); n_a and n_b from 2 to XL_DENSE_MAX
 * Errors   0, or -1 with xl_err set
 */
int xl_fid_few(struct xl_fid *f, const float *a, int64_t n_a, const float *b, int64_t n_b,
	       int64_t d);

#endif
