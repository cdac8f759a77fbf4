/*
 * wanted.h - which labels a picture should have, for a classifier to be held against:
 * those of its own record, of the exemplar it was made with, or the same for all.
 */
#ifndef XL_DATA_WANTED_H
#define XL_DATA_WANTED_H

#include "data/batch_labels.h"
#include "nn/classifier.h"

struct xl_wanted {
	const struct xl_classifier *c;
	struct xl_labels_want ask;
	struct xl_labels labels; /* of the records */
	int *rows;               /* (n, n_labels), fixed: one for all, or of exemplars */
	int64_t n, given;
	const char *fixed, *exemplars; /* where the rows are from, or NULL */
};

/*
 * xl_wanted_init - prepare to say what is wanted of the records of a stream
 *
 * fixed, if not NULL, is "Smiling=1,Male=0", "digit=7" or "domain=B": what it does not
 * name is wanted of nothing. Else exemplars, if not NULL, is a stream of labelled
 * records: the k-th picture wants the labels of exemplar k modulo their number, so one
 * serves all, as many go pairwise, and all pairs are as xl-hadain --all-pairs makes
 * them. Else each record's own labels.
 * domain_by: a condition that B meets, in place of meta.domain; or NULL.
 *
 * Owns     c and the strings must outlive it; xl_wanted_done releases the rest, also
 *          after a failure
 * Errors   0, or -1 with xl_err set; *is_usage: what was asked for is not possible
 */
int xl_wanted_init(struct xl_wanted *w, const struct xl_classifier *c, const char *fixed,
		   const char *exemplars, const char *domain_by, bool *is_usage);
void xl_wanted_done(struct xl_wanted *w);

/* xl_wanted_next - of the next picture; r is its record, or NULL for one that could not
 * be read. want: (n_labels), XL_VERDICT_ANY where nothing is. 0, or -1 with xl_err set, -2
 * where the record has none of the labels it should tell */
int xl_wanted_next(struct xl_wanted *w, const struct xl_record *r, int *want);

/* xl_wanted_end - at the end of the pictures: that exemplars went evenly into them. 0, or
 * -1 with xl_err set: "b.msgpack: 3 exemplars for 5 pictures" */
int xl_wanted_end(const struct xl_wanted *w);

#endif
