/*
 * pool.h - the one pool of threads. Work is cut by the problem into items, and
 * threads take items in turn: what an item computes, and so every bit of the
 * result, does not depend on how many threads there are.
 */
#ifndef XL_CORE_POOL_H
#define XL_CORE_POOL_H

#include <stdint.h>

/*
 * xl_threads_set - use n threads, 0 for the default: XL_THREADS, else the CPUs
 * this process may use. Call it before the first xl_parallel or between two.
 */
void xl_threads_set(int n);
int xl_threads(void);

/*
 * xl_parallel - call fn(ctx, i) once for each i in 0..n-1, on all threads, and
 * return when all are done. A call from inside an item runs serially.
 */
void xl_parallel(void (*fn)(void *ctx, int64_t i), void *ctx, int64_t n);

#endif
