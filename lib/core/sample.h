/*
 * sample.h - some of many, drawn at random without replacement as they pass by.
 */
#ifndef XL_CORE_SAMPLE_H
#define XL_CORE_SAMPLE_H

#include <stdbool.h>
#include "core/rng.h"

struct xl_sample {
	struct xl_rng rng;
	int64_t left, wanted; /* to come, of which to take */
};

/*
 * xl_sample_init - take `wanted` of n, or all where that is 0 or more than n
 * xl_sample_take - whether to take the next one; call it n times
 *
 * Source   Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S: each set of
 *          `wanted` is as likely as any other
 */
void xl_sample_init(struct xl_sample *s, int64_t n, int64_t wanted, uint64_t seed, uint32_t group);
bool xl_sample_take(struct xl_sample *s);

#endif
