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

/* Factors of a product, and what the caller knows of it, to do less. */
struct xl_product {
	const double *a, *b; /* (m,k), (n,k) */
	int64_t m, n, k;
	bool is_symmetric; /* the result is, as of a a^T: its other half has the same bits */
	bool is_upper;     /* a has zeros left of its diagonal; k >= m */
};

/*
 * xl_dense_times - out = a b^T
 *
 * Shapes   out: (m,n), overlaps neither a nor b
 * Errors   none; sizes are asserted
 * Threads  splits over rows of out
 */
void xl_dense_times(double *out, const struct xl_product *p);

/*
 * xl_dense_eigen - eigenvalues of a symmetric matrix, ascending, and eigenvectors
 *
 * Source   LAPACK, dsyevd
 * Shapes   w: (n)   a: (n,n), overwritten: row i is the eigenvector of w[i]
 * Errors   0, or -1 with xl_err set: no memory, no convergence (values not finite)
 */
int xl_dense_eigen(double *w, double *a, int64_t n);

/*
 * xl_dense_eigenvalues - the eigenvalues alone, several times as fast
 *
 * Source   dense_band.c
 * Shapes   w: (n)   a: (n,n), lost
 * Errors   0, or -1 with xl_err set: no memory, no convergence (values not finite)
 * Threads  splits over rows of a; bits do not depend on the thread count
 */
int xl_dense_eigenvalues(double *w, double *a, int64_t n);

/* What xl_dense_root returns where there is none. */
enum { XL_NOT_SEMIDEFINITE = -2 };

/*
 * xl_dense_root - u of a = u^T u, of any rank, its columns in another order
 *
 *   a[order[i]][order[j]] = sum_k u_ki u_kj,    u_ki = 0 for i < k
 *
 * What is left of a by rounding, n eps times its largest number, is left out.
 * Source   Higham 2002, chapter 10.3; dense_root.c
 * Shapes   a: (n,n) symmetric, overwritten by u: (rank,n)   order: (n)
 * Errors   the rank; -1 with xl_err set: no memory; XL_NOT_SEMIDEFINITE where a is not
 *          to rounding, and is lost
 * Threads  splits over rows of a; bits do not depend on the thread count
 */
int64_t xl_dense_root(double *a, int *order, int64_t n);

/*
 * xl_dense_singular - singular values, descending
 *
 * Source   LAPACK, dgesdd
 * Shapes   s: (min(m,n))   a: (m,n), overwritten
 * Errors   0, or -1 with xl_err set: no memory, no convergence (values not finite)
 */
int xl_dense_singular(double *s, double *a, int64_t m, int64_t n);

#endif
