/*
 * batch_labels.h - which labels of a stream a model is trained with, and their
 * values in each record. Used by the spool.
 */
#ifndef XL_DATA_BATCH_LABELS_H
#define XL_DATA_BATCH_LABELS_H

#include "xl.h"

struct xl_labels {
	char **names; /* the labels chosen, in the order of y */
	int n;
	bool is_domain; /* the one label is the domain itself: A is 0, B is 1 */
	int classes;    /* values are whole numbers below it; 0: as is_whole says */
	int *column;    /* where each stands in y of the present record */
	bool is_chosen;
	bool is_whole; /* values are whole numbers from 0 to 255, not 0 or 1 alone */
};

/* What was asked for. */
struct xl_labels_want {
	const char *list;         /* asked for: "a,b,c", or NULL */
	const char *const *names; /* else those of a run that is resumed */
	int n_names;
	const char *const *defaults; /* taken where the stream has all of them; or NULL */
	bool two_domains;            /* the method asks for domains: no labels unless named .. */
	int classes;                 /* .. or it takes labels below this as well; 0: 0 and 1 */
	bool is_whole;               /* as of xl_labels */
	const char *domain_by;       /* a condition (where.h) that B meets; NULL: meta.domain */
};

/*
 * xl_labels_choose - choose by the first record of a stream
 *
 * Labels asked for; else the defaults where the record has all of them; else all it
 * has; else, where it has none but a domain, the domain as the only label.
 * The name `domain` is the domain where no label is called so.
 *
 * Errors   0, or -1 with xl_err set: a label the record lacks, with those it has
 */
int xl_labels_choose(struct xl_labels *l, const struct xl_labels_want *want,
		     const struct xl_record *r);

/* xl_labels_pretend - the labels a stream would likely give; 0, or -1 with xl_err set */
int xl_labels_pretend(struct xl_labels *l, const struct xl_labels_want *want);
void xl_labels_done(struct xl_labels *l);

/*
 * xl_labels_read - the chosen labels of one record
 *
 * Shapes   y: (n), each 0 or 1, or whole, or below classes
 * Errors   0, or -1 with xl_err set
 */
int xl_labels_read(struct xl_labels *l, const struct xl_record *r, int domain, uint8_t *y);

/*
 * xl_labels_domain - the domain of a record, from meta.domain or by a condition
 *                    on its labels
 *
 * Returns  0 for A, 1 for B, 2 where it has none, -1 with xl_err set where it
 *          cannot be told
 */
int xl_labels_domain(const struct xl_record *r, const char *domain_by);

#endif
