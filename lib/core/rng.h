/*
 * rng.h - random numbers as a pure function of (seed, purpose, step, index).
 *
 * Source   Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3":
 *          Philox4x32-10. The seed is the key; purpose, step, index and the
 *          block number are the counter.
 * There is no shared generator: order of calls and threads cannot matter.
 */
#ifndef XL_CORE_RNG_H
#define XL_CORE_RNG_H

#include <stdint.h>

/* What numbers are for. Values are part of saved results: only append. */
enum xl_purpose {
	XL_RNG_INIT = 1, /* initial weights; step = network, index = parameter */
	XL_RNG_ORDER,    /* order of the data; step = epoch, index = domain */
	XL_RNG_AUGMENT,  /* flips and crops; step = epoch, index = image */
	XL_RNG_ALPHA,    /* gradient penalty; step = iteration, index = sample */
	XL_RNG_NOISE,    /* noise of a method; step = iteration, index = sample */
	XL_RNG_SYNTH,    /* made data; step = image, index = part */
	XL_RNG_SPLIT,    /* shuffling and splitting of files */
	XL_RNG_TEST,
	XL_RNG_STYLE,  /* styles drawn for a record; step = its name, index = the draw */
	XL_RNG_CODE,   /* noise on the code of a record; step = its name */
	XL_RNG_LAYOUT, /* where points of a layout begin; index = point */
	XL_RNG_SAMPLE  /* which of many a measure takes; step = the group they are of */
};

struct xl_rng {
	uint32_t key[2];
	uint32_t counter[4]; /* block, purpose, step, index */
	uint32_t block[4];
	int used; /* words of block already given */
};

/* xl_rng_init - begin the stream of numbers of this key */
void xl_rng_init(struct xl_rng *r, uint64_t seed, enum xl_purpose purpose, uint32_t step,
		 uint32_t index);

uint32_t xl_rng_u32(struct xl_rng *r);
double xl_rng_uniform(struct xl_rng *r);             /* 0 <= u < 1, 32 bits */
double xl_rng_normal(struct xl_rng *r);              /* mean 0, variance 1 */
uint32_t xl_rng_below(struct xl_rng *r, uint32_t n); /* 0..n-1 without bias */

/*
 * xl_rng_normals - n normal numbers at once, the first of a stream
 *
 *   out[2i] = sqrt(-2 log u) cos(2 pi v),  out[2i + 1] = sqrt(-2 log u) sin(2 pi v)
 *
 * Source   Box and Muller 1958, "A note on the generation of random normal deviates"
 * Units    mean 0, variance 1; |out| < 6.8, as u has 32 bits
 * Errors   none; that nothing was drawn since xl_rng_init is asserted
 * Threads  one; the first numbers do not depend on n
 */
void xl_rng_normals(struct xl_rng *r, float *out, int64_t n);

/* xl_rng_permute - shuffle idx[0..n-1] (Fisher-Yates) */
void xl_rng_permute(struct xl_rng *r, uint32_t *idx, uint32_t n);

#endif
