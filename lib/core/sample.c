/*
 * sample.c - some of many, drawn at random.
 */
#include "core/sample.h"

void xl_sample_init(struct xl_sample *s, int64_t n, int64_t wanted, uint64_t seed, uint32_t group)
{
	xl_rng_init(&s->rng, seed, XL_RNG_SAMPLE, group, 0);
	s->left = n;
	s->wanted = wanted > 0 && wanted < n ? wanted : n;
}

bool xl_sample_take(struct xl_sample *s)
{
	const bool take = xl_rng_uniform(&s->rng) * (double)s->left < (double)s->wanted;

	s->left--;
	s->wanted -= take;
	return take;
}
