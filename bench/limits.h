/*
 * limits.h - what the machine can do at most in the same run: multiply-adds in
 * registers, and moving memory beyond the caches.
 */
#ifndef XL_BENCH_LIMITS_H
#define XL_BENCH_LIMITS_H

#ifdef __x86_64__
#include <immintrin.h>
#endif
#include "core/pool.h"
#include "kernels/kernels.h"
#include "timing.h"

static const struct xl_kernels *k; /* the backend that is timed */

/* ---- multiply-adds in registers, and memory ---- */

/* Chains: latency times units, at least. Each starts a step behind the last: a
 * compiler makes one of equal ones. */
enum { LOOPS = 2000000, CHAINS = 10 };

#ifdef __x86_64__
#define FMA_LOOP(NAME, TARGET, V, SET, FMA, STORE, LANES)                                          \
	__attribute__((target(TARGET))) static double NAME(void)                                   \
	{                                                                                          \
		const V a = SET(0.999999f), b = SET(1e-7f);                                        \
		V x0 = a, x1 = FMA(x0, a, b), x2 = FMA(x1, a, b), x3 = FMA(x2, a, b);              \
		V x4 = FMA(x3, a, b), x5 = FMA(x4, a, b), x6 = FMA(x5, a, b);                      \
		V x7 = FMA(x6, a, b), x8 = FMA(x7, a, b), x9 = FMA(x8, a, b);                      \
		float out[LANES];                                                                  \
		for (int i = 0; i < LOOPS; i++) {                                                  \
			x0 = FMA(x0, a, b), x1 = FMA(x1, a, b), x2 = FMA(x2, a, b);                \
			x3 = FMA(x3, a, b), x4 = FMA(x4, a, b), x5 = FMA(x5, a, b);                \
			x6 = FMA(x6, a, b), x7 = FMA(x7, a, b), x8 = FMA(x8, a, b);                \
			x9 = FMA(x9, a, b);                                                        \
		}                                                                                  \
		STORE(out, x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9);                       \
		return (double)out[0];                                                             \
	}
FMA_LOOP(fma_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_storeu_ps, 16)
FMA_LOOP(fma_avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_storeu_ps, 8)
#endif

typedef float v4 __attribute__((vector_size(16)));

/* Vectors of four, as the portable kernels are compiled. */
__attribute__((optimize("fp-contract=fast"))) static double fma_generic(void)
{
	const v4 a = {0.999999f, 0.999999f, 0.999999f, 0.999999f}, b = a * 1e-7f;
	v4 x0 = a, x1 = x0 * a + b, x2 = x1 * a + b, x3 = x2 * a + b, x4 = x3 * a + b;
	v4 x5 = x4 * a + b, x6 = x5 * a + b, x7 = x6 * a + b, x8 = x7 * a + b, x9 = x8 * a + b;

	for (int i = 0; i < LOOPS; i++) {
		x0 = x0 * a + b, x1 = x1 * a + b, x2 = x2 * a + b, x3 = x3 * a + b;
		x4 = x4 * a + b, x5 = x5 * a + b, x6 = x6 * a + b, x7 = x7 * a + b;
		x8 = x8 * a + b, x9 = x9 * a + b;
	}
	x0 += x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9;
	return (double)x0[0];
}

struct peak {
	double (*loop)(void);
	int threads;
	double sums[256];
};

static void peak_item(void *ctx, int64_t i)
{
	struct peak *p = ctx;

	p->sums[i] = p->loop();
}

static void peak_run(void *ctx)
{
	struct peak *p = ctx;

	xl_parallel(peak_item, p, p->threads);
}

static inline double fma_peak(int threads)
{
	struct peak p = {.loop = fma_generic, .threads = threads < 256 ? threads : 256};
	int lanes = 4;

#ifdef __x86_64__
	if (strcmp(k->name, "avx512") == 0) {
		p.loop = fma_avx512;
		lanes = 16;
	} else if (strcmp(k->name, "avx2") == 0) {
		p.loop = fma_avx2;
		lanes = 8;
	}
#endif
	const double gflop = (double)LOOPS * CHAINS * lanes * 2 * p.threads * 1e-9;
	return gflop / measure(peak_run, &p).least * 1e3;
}

enum { TRIAD = 12 << 20, TRIAD_CHUNK = 1 << 18 };

static float *triad_arrays[3];

static inline void triad_item(void *ctx, int64_t i)
{
	float *a = triad_arrays[0] + i * TRIAD_CHUNK;
	const float *b = triad_arrays[1] + i * TRIAD_CHUNK, *c = triad_arrays[2] + i * TRIAD_CHUNK;

	(void)ctx;
	for (int j = 0; j < TRIAD_CHUNK; j++)
		a[j] = b[j] + 3 * c[j];
}

static inline void triad_run(void *ctx)
{
	xl_parallel(triad_item, ctx, TRIAD / TRIAD_CHUNK);
}

static inline double triad(void)
{
	for (int i = 0; i < 3; i++)
		triad_arrays[i] = noise(TRIAD);
	const double gb = 3.0 * TRIAD * sizeof(float) * 1e-9;
	const double rate = gb / measure(triad_run, NULL).least * 1e3;
	for (int i = 0; i < 3; i++)
		free(triad_arrays[i]);
	return rate;
}

#endif
