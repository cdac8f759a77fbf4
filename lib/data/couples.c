/*
 * couples.c - outputs, each with its input, or a random choice of them.
 */
#include <stdlib.h>
#include "core/mem.h"
#include "data/couples.h"

void xl_couples_open(struct xl_couples *c, const char *inputs, const char *outputs, int64_t wanted,
		     uint64_t seed)
{
	c->wanted = wanted;
	xl_rng_init(&c->rng, seed, XL_RNG_SAMPLE, 0, 0);
	xl_outputs_open(&c->outputs, inputs, outputs);
}

static void free_couple(struct xl_couple *k)
{
	free(k->id);
	xl_tensor_free(k->input);
	xl_tensor_free(k->out);
	*k = (struct xl_couple){0};
}

void xl_couples_done(struct xl_couples *c)
{
	for (int64_t i = 0; i < c->n_drawn; i++)
		free_couple(&c->drawn[i]);
	free(c->drawn);
	xl_made_done(&c->group);
	xl_outputs_done(&c->outputs);
}

/* The next output with an input, in c->now: 1, 0 at the end, -1. */
static int read_next(struct xl_couples *c)
{
	struct xl_made *g = &c->group;

	while (!g->input || c->at == g->n) {
		int got;

		xl_made_done(g);
		c->at = 0;
		got = xl_outputs_next(&c->outputs, g);
		if (got <= 0)
			return got;
	}
	c->now = (struct xl_couple){c->seen++, c->outputs.groups - 1, g->ids[c->at], g->input,
				    g->out[c->at]};
	c->at++;
	return 1;
}

/* A copy of c->now in that place. */
static int keep(struct xl_couples *c, int64_t place)
{
	struct xl_couple *k = &c->drawn[place];

	free_couple(k);
	*k = (struct xl_couple){c->now.number, c->now.input_number, xl_strdup(c->now.id),
				xl_tensor_copy(c->now.input), xl_tensor_copy(c->now.out)};
	return k->id && k->input && k->out ? 0 : -1;
}

static int by_number(const void *a, const void *b)
{
	const struct xl_couple *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int draw(struct xl_couples *c)
{
	int got;

	c->is_drawn = true;
	c->drawn = xl_alloc((size_t)c->wanted, sizeof *c->drawn);
	if (!c->drawn)
		return -1;
	while ((got = read_next(c)) > 0) {
		const int64_t place = c->n_drawn < c->wanted
					      ? c->n_drawn++
					      : xl_rng_below(&c->rng, (uint32_t)c->seen);

		if (place < c->wanted && keep(c, place))
			return -1;
	}
	qsort(c->drawn, (size_t)c->n_drawn, sizeof *c->drawn, by_number);
	return got;
}

int xl_couples_next(struct xl_couples *c, const struct xl_couple **out)
{
	*out = &c->now;
	if (c->wanted == 0)
		return read_next(c);
	if (!c->is_drawn && draw(c))
		return -1;
	if (c->given == c->n_drawn)
		return 0;
	*out = &c->drawn[c->given++];
	return 1;
}
