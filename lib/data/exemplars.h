/*
 * exemplars.h - the exemplars of a run of inputs, from one picture or stream: one
 * for all of them, or one each.
 */
#ifndef XL_DATA_EXEMPLARS_H
#define XL_DATA_EXEMPLARS_H

#include "data/engine.h"
#include "data/inputs.h"

/* One that was read. */
struct xl_exemplar {
	struct xl_record *r;
	bool from_picture;
	char where[512];
};

struct xl_exemplars {
	struct xl_engine *engine;
	const char *path[1];
	struct xl_inputs in;
	struct xl_exemplar ahead[2]; /* read, not yet given */
	int n_ahead;
	bool is_single, is_encoded; /* ahead[0] serves all; it is encoded */
	bool is_mixed; /* with others, all codes: else it gets those that fuse needs */
	bool is_hopeless;
};

/*
 * xl_exemplars_open - start reading, as far as it takes to know whether there is
 * more than one
 *
 * Owns     borrows path and a started engine; xl_exemplars_done releases the rest
 * Errors   0, or -1 with xl_err set, also where there is none: "b.msgpack: holds
 *          no exemplar"
 */
int xl_exemplars_open(struct xl_exemplars *e, struct xl_engine *engine, const char *path);
void xl_exemplars_done(struct xl_exemplars *e);

/*
 * xl_exemplars_next - the exemplar of the next input, encoded; where the method
 * works on two domains and it does not say, of the one the input is not of
 *
 * input may be NULL: one that could not be read, whose exemplar is passed over.
 * Owns     *out is the caller's
 * Errors   1, 0 where there are no more, -1 with xl_err set; is_hopeless tells
 *          whether that concerns all that follow, or this one alone
 */
int xl_exemplars_next(struct xl_exemplars *e, const struct xl_record *input,
		      struct xl_record **out);

/*
 * xl_exemplars_match - at the end of the inputs, or of the exemplars: read both out
 *
 * Errors   0, or -1 with xl_err set where the exemplars are neither one nor as many
 *          as the inputs: "b.msgpack: 3 exemplars for 5 inputs". No inputs, or a
 *          stream of inputs that broke off, match any.
 */
int xl_exemplars_match(struct xl_exemplars *e, struct xl_inputs *in);

/*
 * xl_exemplar_mix - the styles of two encoded exemplars:  s := (1 - t) s + t s'
 *
 * Styles are those of the method's codes (method.h) that are no maps: not m, c, h. The
 * rest of `second` is not used.
 *
 * Errors   0, or -1 with xl_err set: there are none, they differ in shape, one holds
 *          a style that the other has not, the exemplars are of two domains
 */
int xl_exemplar_mix(struct xl_record *first, const struct xl_record *second,
		    const char *const *codes, double t);

#endif
