/*
 * dense.h - dense matrices in double precision, for statistics: products, roots,
 * eigenvalues and singular values. Row-major throughout.
 *
 * OpenBLAS does the work, on one thread for each piece; pieces are cut by shapes, so
 * the bits do not depend on how many threads there are.
 */
#ifndef XL_KERNELS_DENSE_H
#define XL_KERNELS_DENSE_H

#include <stdbool.h>
#include <stdint.h>

/* Rows or columns of a matrix: LAPACK counts their products in 32 bits. */
enum { XL_DENSE_MAX = 16384 };

/*
 * xl_dense_times - out = a b^T
 *
 * is_symmetric: the caller knows that the result is, as of a a^T; half is computed,
 * and the other half has the same bits
 * Shapes   out: (m,n)   a: (m,k)   b: (n,k); out overlaps neither
 * Errors   none; sizes are asserted
 * Threads  splits over rows of out
 */
void xl_dense_times(double *out, const double *a, const double *b, int64_t m, int64_t n, int64_t k,
		    bool is_symmetric);

/*
 * xl_dense_eigen - eigenvalues of a symmetric matrix, ascending, and eigenvectors
 *
 * Source   LAPACK, dsyevd
 * Shapes   w: (n)   a: (n,n), overwritten: with_vectors, row i is that of w[i]
 * Errors   0, or -1 with xl_err set: no memory, no convergence (values not finite)
 */
int xl_dense_eigen(double *w, double *a, int64_t n, bool with_vectors);

/*
 * xl_dense_root - u of a = u^T u, upper triangular
 *
 * Source   LAPACK, dpotrf
 * Shapes   a: (n,n) symmetric, overwritten by u, zeros below
 * Errors   0, or 1 where a is not positive definite to rounding (a is then lost)
 */
int xl_dense_root(double *a, int64_t n);

/*
 * xl_dense_singular - singular values, descending
 *
 * Source   LAPACK, dgesdd
 * Shapes   s: (min(m,n))   a: (m,n), overwritten
 * Errors   0, or -1 with xl_err set: no memory, no convergence (values not finite)
 */
int xl_dense_singular(double *s, double *a, int64_t m, int64_t n);

#endif
