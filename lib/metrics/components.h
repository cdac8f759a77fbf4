/*
 * components.h - principal components of many numbers.
 */
#ifndef XL_METRICS_COMPONENTS_H
#define XL_METRICS_COMPONENTS_H

#include <stdint.h>

/*
 * xl_components - scores of rows on their first q principal components
 *
 * Of more rows than numbers, eigenvectors v of the covariance, scores x v; else
 * eigenvectors u of the products of rows, scores sqrt(lambda) u. Nothing is whitened.
 * The sign is that by which the number of largest size of v, or of u, is positive.
 * Shapes   scores: (n,q)   variance: (q), divided by n - 1, descending   rows: (n,d),
 *          less their mean afterwards   q <= d, q < n
 * Errors   0, or -1 with xl_err set: min(n,d) above XL_DENSE_MAX, no memory
 * Threads  bits do not depend on the thread count
 */
int xl_components(double *scores, double *variance, double *rows, int64_t n, int64_t d, int64_t q);

#endif
