/*
 * couples.h - outputs, each with its input: all, as they come, or some of them, drawn at
 * random while nobody knows how many there will be.
 */
#ifndef XL_DATA_COUPLES_H
#define XL_DATA_COUPLES_H

#include "core/rng.h"
#include "data/outputs.h"

struct xl_couple {
	int64_t number, input_number; /* from 0 */
	char *id;                     /* of the output */
	struct xl_tensor *input, *out;
};

struct xl_couples {
	struct xl_outputs outputs;
	struct xl_made group;    /* the one being read */
	struct xl_couple now;    /* of it; borrows */
	int64_t at, seen;        /* its next output; outputs with an input, of all groups */
	int64_t wanted;          /* to draw; 0: all */
	struct xl_couple *drawn; /* (wanted) */
	int64_t n_drawn, given;
	bool is_drawn;
	struct xl_rng rng;
};

/*
 * xl_couples_open - set c->outputs as xl_outputs_open wants it, all else to zero; wanted 0
 *                   is all
 *
 * Source   Vitter 1985, algorithm R: each set of `wanted` is as likely as any other
 * Owns     paths are borrowed; xl_couples_done releases the rest, also after a failure
 */
void xl_couples_open(struct xl_couples *c, const char *inputs, const char *outputs, int64_t wanted,
		     uint64_t seed);
void xl_couples_done(struct xl_couples *c);

/*
 * xl_couples_next - the next couple, in the order of the outputs
 *
 * What is drawn is held in memory, and is given out when all outputs were read.
 * Owns     *out is valid until the next call
 * Errors   1, 0 at the end, -1 with xl_err set as xl_outputs_next
 */
int xl_couples_next(struct xl_couples *c, const struct xl_couple **out);

#endif
