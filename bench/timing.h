/*
 * timing.h - how the benchmarks measure: a warm-up, then many runs, of which the
 * fastest and the median count; and made numbers to work on.
 */
#ifndef XL_BENCH_TIMING_H
#define XL_BENCH_TIMING_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WARM_UP = 2, MAX_RUNS = 200 };

static int least_runs = 10;

static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static inline int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct times {
	double least, median;
};

/* Warm-up, then at least least_runs runs and 100 ms. */
static inline struct times measure(void (*fn)(void *), void *ctx)
{
	double ms[MAX_RUNS], total = 0;
	int n = 0;

	for (int i = 0; i < WARM_UP; i++)
		fn(ctx);
	while (n < least_runs || (n < MAX_RUNS && total < 100)) {
		const double start = now();
		fn(ctx);
		ms[n] = now() - start;
		total += ms[n++];
	}
	qsort(ms, (size_t)n, sizeof *ms, by_size);
	return (struct times){ms[0], n % 2 ? ms[n / 2] : (ms[n / 2 - 1] + ms[n / 2]) / 2};
}

static inline void *take(size_t bytes)
{
	/* what a training step gets from its arena: aligned, and touched before */
	void *p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);

	if (!p) {
		perror("bench");
		exit(1);
	}
	memset(p, 0, bytes);
	return p;
}

static inline float *noise(int64_t count)
{
	float *x = take((size_t)count * sizeof(float));
	uint32_t h = 12345;

	for (int64_t i = 0; i < count; i++) {
		h = h * 1664525u + 1013904223u;
		x[i] = (float)(h >> 8) / 8388608.0f - 1;
	}
	return x;
}

#endif
