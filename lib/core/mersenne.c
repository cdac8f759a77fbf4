/*
 * mersenne.c - MT19937, and what is drawn from it.
 */
#include "core/mersenne.h"

enum { N = XL_MERSENNE_WORDS, MIDDLE = 397 };

void xl_mersenne_init(struct xl_mersenne *m, uint32_t seed)
{
	m->word[0] = seed;
	for (uint32_t i = 1; i < N; i++) {
		const uint32_t last = m->word[i - 1];

		m->word[i] = 1812433253u * (last ^ last >> 30) + i;
	}
	m->used = N;
}

static void make_words(struct xl_mersenne *m)
{
	for (int i = 0; i < N; i++) {
		const uint32_t y =
			(m->word[i] & 0x80000000u) | (m->word[(i + 1) % N] & 0x7fffffffu);

		m->word[i] = m->word[(i + MIDDLE) % N] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
	}
	m->used = 0;
}

uint32_t xl_mersenne_u32(struct xl_mersenne *m)
{
	uint32_t y;

	if (m->used == N)
		make_words(m);
	y = m->word[m->used++];
	y ^= y >> 11;
	y ^= y << 7 & 0x9d2c5680u;
	y ^= y << 15 & 0xefc60000u;
	return y ^ y >> 18;
}

double xl_mersenne_uniform(struct xl_mersenne *m)
{
	const uint32_t high = xl_mersenne_u32(m) >> 5, low = xl_mersenne_u32(m) >> 6;

	return (high * 0x1p26 + low) * 0x1p-53;
}

/* 0..most */
static uint32_t up_to(struct xl_mersenne *m, uint32_t most)
{
	uint32_t mask = most, v;

	for (int shift = 1; shift < 32; shift *= 2)
		mask |= mask >> shift;
	do
		v = xl_mersenne_u32(m) & mask;
	while (v > most);
	return v;
}

void xl_mersenne_permute(struct xl_mersenne *m, uint32_t *idx, uint32_t n)
{
	for (uint32_t i = n; i > 1; i--) {
		const uint32_t j = up_to(m, i - 1), t = idx[i - 1];

		idx[i - 1] = idx[j];
		idx[j] = t;
	}
}
