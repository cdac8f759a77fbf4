/*
 * backbones.h - made weights of published networks, and pictures to show them, as in the
 * specification of the metrics. Include it after cmocka.h.
 */
#ifndef XL_TESTS_BACKBONES_H
#define XL_TESTS_BACKBONES_H

#include <math.h>
#include <string.h>
#include "nn/backbone_params.h"

/* Numbers from 0 to 1, one after the other (a linear congruential generator). */
static inline double uniform(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (double)(*state >> 11) * 0x1p-53;
}

static inline bool ends_with(const char *s, const char *end)
{
	const size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

/* The seed is the FNV-1a hash of the name. */
static inline void fill(struct xl_tensor *t, const char *name)
{
	const int64_t count = xl_tensor_count(t);
	const double scale =
		t->ndim > 1 ? sqrt(6 * (double)t->shape[0] / (double)(count ? count : 1)) : 0.1;
	const bool is_head = strncmp(name, "lin", 3) == 0;
	const bool is_var = ends_with(name, "running_var"), is_bn = ends_with(name, "bn.weight");
	uint64_t state = 0xcbf29ce484222325u;

	for (const char *c = name; *c; c++)
		state = (state ^ (uint8_t)*c) * 0x100000001b3u;
	for (int64_t i = 0; i < count; i++) {
		const double u = uniform(&state), v = 2 * u - 1;
		const double x = is_head  ? 0.1 * u
				 : is_var ? 1 + 0.5 * u
				 : is_bn  ? 1 + 0.1 * v
					  : scale * v;

		((float *)t->data)[i] = (float)x;
	}
}

/* All parameters of a network. */
static inline struct xl_record *made_weights(const char *name)
{
	struct xl_backbone *b = xl_backbone_describe(xl_backbone_find(name));
	struct xl_record *r = xl_record_new(XL_MODEL, name);

	assert_true(b && r);
	for (int i = 0; i < b->n_params; i++) {
		const struct xl_backbone_param *p = &b->params[i];
		struct xl_tensor *t = xl_tensor_new(XL_F4, p->ndim, p->shape);

		assert_non_null(t);
		fill(t, p->name);
		assert_int_equal(xl_record_put(r, p->name, t), 0);
	}
	xl_backbone_free(b);
	return r;
}

static inline struct xl_backbone *made(const char *name)
{
	struct xl_record *r = made_weights(name);
	struct xl_backbone *b = xl_backbone_new(xl_backbone_find(name), r);

	xl_record_free(r);
	assert_non_null(b);
	return b;
}

/* Picture 0 or 1 of that size, -1..1. */
static inline void picture(float *to, int size, int which)
{
	for (int c = 0; c < 3; c++)
		for (int y = 0; y < size; y++)
			for (int x = 0; x < size; x++) {
				int p = (7 * x + 11 * y + 53 * c + 5 * (x * y % 17) +
					 9 * ((x >> 3) ^ (y >> 3))) &
					255;

				if (which == 1) {
					p += 2 * ((5 * x + 3 * y + c) % 23);
					p = p > 255 ? 255 : p;
				}
				*to++ = (float)(2.0 * p / 255 - 1);
			}
}

#endif
