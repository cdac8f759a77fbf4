/*
 * rng.c - Philox4x32-10 and what is drawn from it.
 */
#include <assert.h>
#include <math.h>
#include <string.h>
#include "core/rng.h"

/* Multipliers and key increments: Salmon et al. 2011, section 3.3. */
#define M0 0xD2511F53u
#define M1 0xCD9E8D57u
#define W0 0x9E3779B9u
#define W1 0xBB67AE85u

static void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
	uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
	uint32_t k0 = key[0], k1 = key[1];

	for (int round = 0; round < 10; round++) {
		uint64_t a = (uint64_t)M0 * c0, b = (uint64_t)M1 * c2;

		c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
		c1 = (uint32_t)b;
		c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
		c3 = (uint32_t)a;
		k0 += W0;
		k1 += W1;
	}
	out[0] = c0;
	out[1] = c1;
	out[2] = c2;
	out[3] = c3;
}

void xl_rng_init(struct xl_rng *r, uint64_t seed, enum xl_purpose purpose, uint32_t step,
		 uint32_t index)
{
	r->key[0] = (uint32_t)seed;
	r->key[1] = (uint32_t)(seed >> 32);
	r->counter[0] = 0;
	r->counter[1] = (uint32_t)purpose;
	r->counter[2] = step;
	r->counter[3] = index;
	r->used = 4;
}

uint32_t xl_rng_u32(struct xl_rng *r)
{
	if (r->used == 4) {
		philox(r->counter, r->key, r->block);
		r->counter[0]++;
		r->used = 0;
	}
	return r->block[r->used++];
}

double xl_rng_uniform(struct xl_rng *r)
{
	return xl_rng_u32(r) * 0x1p-32;
}

/* Box and Muller; the half keeps the logarithm finite. The second number of
 * the pair is not kept: a draw always takes two words, so draws can be counted. */
double xl_rng_normal(struct xl_rng *r)
{
	double u = (xl_rng_u32(r) + 0.5) * 0x1p-32;
	double v = xl_rng_u32(r) * 0x1p-32;

	return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

static void normal_pair(const uint32_t word[2], float out[2])
{
	const float radius = sqrtf(-2 * logf(((float)word[0] + 0.5f) * 0x1p-32f));
	float sine, cosine;

	sincosf(6.2831853f * 0x1p-32f * (float)word[1], &sine, &cosine);
	out[0] = radius * cosine;
	out[1] = radius * sine;
}

void xl_rng_normals(struct xl_rng *r, float *out, int64_t n)
{
	enum { EACH = 4 };
	uint32_t word[EACH];
	float four[EACH];

	assert(r->used == EACH && r->counter[0] == 0);
	for (int64_t i = 0; i < n; i += EACH, r->counter[0]++) {
		philox(r->counter, r->key, word);
		normal_pair(word, four);
		normal_pair(word + 2, four + 2);
		memcpy(out + i, four, (size_t)(n - i < EACH ? n - i : EACH) * sizeof *out);
	}
}

/* Lemire 2019, "Fast random integer generation in an interval", algorithm 5. */
uint32_t xl_rng_below(struct xl_rng *r, uint32_t n)
{
	uint64_t m;

	if (n < 2)
		return 0;
	m = (uint64_t)xl_rng_u32(r) * n;
	if ((uint32_t)m < n) {
		uint32_t least = (0u - n) % n;

		while ((uint32_t)m < least)
			m = (uint64_t)xl_rng_u32(r) * n;
	}
	return (uint32_t)(m >> 32);
}

void xl_rng_permute(struct xl_rng *r, uint32_t *idx, uint32_t n)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = xl_rng_below(r, i);
		uint32_t t = idx[i - 1];

		idx[i - 1] = idx[j];
		idx[j] = t;
	}
}
