/*
 * pairs.h - which exemplar goes with which input, for xl-hadain: one for all, one
 * each, or each with all; as it is, or with the style of another mixed in. And what
 * a fused record is called.
 */
#ifndef XL_DATA_PAIRS_H
#define XL_DATA_PAIRS_H

#include "data/exemplars.h"

struct xl_pairs {
	struct xl_exemplars first, second;
	bool is_mixed;
	double mix;             /* part of the second */
	struct xl_record **all; /* encoded, of xl_pairs_all */
	int n_all;
};

/*
 * xl_pairs_open - start reading exemplars from path, and, where path2 is not NULL,
 * those whose style is mixed in by the part `mix`
 *
 * A lone exemplar is encoded at once, while the stage before still works on the
 * input, unless it takes the input to tell which domain it is of.
 * Owns     borrows its arguments; xl_pairs_done releases the rest, also after a failure
 * Errors   0, or -1 with xl_err set
 */
int xl_pairs_open(struct xl_pairs *p, struct xl_engine *engine, const char *path, const char *path2,
		  double mix);
void xl_pairs_done(struct xl_pairs *p);

/* xl_pairs_next - the exemplar of the next input, as xl_exemplars_next;
 * xl_pairs_hopeless - whether its failure concerns all that follow */
int xl_pairs_next(struct xl_pairs *p, const struct xl_record *input, struct xl_record **out);
bool xl_pairs_hopeless(const struct xl_pairs *p);

/* xl_pairs_match - at the end: 0, or -1 with xl_err set where exemplars and inputs
 * differ in number, as xl_exemplars_match */
int xl_pairs_match(struct xl_pairs *p, struct xl_inputs *in);

/*
 * xl_pairs_all - read every exemplar into p->all, for inputs of this one's domain
 *
 * Errors   0 when all are there, 1 with xl_err set where one failed (call again for
 *          the rest), -1 with xl_err set where no more will come
 */
int xl_pairs_all(struct xl_pairs *p, const struct xl_record *input);

/*
 * xl_pair_mode - say in meta of r what it will be fused with: what the method does of
 * itself ("remove"; "sample", draw number k of seed), or, for NULL, an exemplar
 *
 * Errors   0, or -1 with xl_err set
 */
int xl_pair_mode(struct xl_record *r, const char *mode, int64_t k, int64_t seed);

/*
 * xl_pair_name - call r, fused from the input of that id and an exemplar of these
 * pairs, "INPUT+EXEMPLAR" without extensions, and say in meta which they were:
 * input, exemplar, and for a mixed one exemplar2 and mix
 *
 * Errors   0, or -1 with xl_err set
 */
int xl_pair_name(struct xl_record *r, const char *input, const struct xl_record *exemplar);

/* xl_draw_name - the same for draw number k of a style: "INPUT#k", and in meta the
 * input. 0, or -1 with xl_err set */
int xl_draw_name(struct xl_record *r, const char *input, int64_t k);

#endif
