/*
 * mersenne.h - the generator MT19937, only to repeat orders that were published:
 * its numbers depend on how many were drawn before. All else uses rng.h.
 *
 * Source   Matsumoto and Nishimura 1998, with the initialisation of 2002
 */
#ifndef XL_CORE_MERSENNE_H
#define XL_CORE_MERSENNE_H

#include <stdint.h>

enum { XL_MERSENNE_WORDS = 624 };

struct xl_mersenne {
	uint32_t word[XL_MERSENNE_WORDS];
	int used; /* words given since they were last made */
};

/* xl_mersenne_init - begin the numbers of a seed */
void xl_mersenne_init(struct xl_mersenne *m, uint32_t seed);

uint32_t xl_mersenne_u32(struct xl_mersenne *m);
double xl_mersenne_uniform(struct xl_mersenne *m); /* 0 <= u < 1, 53 bits of two words */

/* xl_mersenne_permute - shuffle idx[0..n-1] from the end; each place is drawn of as many
 * bits as it takes, again until it is in range, as numpy does */
void xl_mersenne_permute(struct xl_mersenne *m, uint32_t *idx, uint32_t n);

#endif
