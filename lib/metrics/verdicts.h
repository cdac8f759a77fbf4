/*
 * verdicts.h - what a classifier says of pictures, against what is wanted of them:
 * accuracy and likelihood, over all, of each label, and of each of its values.
 */
#ifndef XL_METRICS_VERDICTS_H
#define XL_METRICS_VERDICTS_H

#include <stdio.h>
#include "core/json.h"
#include "nn/classifier.h"

/* What is wanted of a label: its value, 0 or 1 or the number of the class, or this. */
enum { XL_VERDICT_ANY = -1 };

struct xl_verdict_count {
	int64_t n, right;
	double p; /* sum of the probabilities of what was wanted */
};

struct xl_verdicts {
	const struct xl_classifier *c;
	struct xl_verdict_count all;    /* right: every label that was asked for */
	struct xl_verdict_count *label; /* (n_labels) */
	struct xl_verdict_count *value; /* (n_labels, values), values: classes, or 2 */
	int values;
};

/* xl_verdicts_init - nothing counted yet; c must outlive it. 0, or -1 with xl_err set.
 * xl_verdicts_done - release what it holds */
int xl_verdicts_init(struct xl_verdicts *v, const struct xl_classifier *c);
void xl_verdicts_done(struct xl_verdicts *v);

/*
 * xl_verdicts_add - count one picture of which something is wanted
 *
 * A label is told by p >= 0.5; of classes the most likely one is, of equals the first.
 * A picture is right where all labels asked for are (Cho et al. 2019 count sets of
 * attributes so); its likelihood is the mean probability of what was wanted.
 * Shapes   p: (outputs) of xl_classifier_see   want: (n_labels), at least one not
 *          XL_VERDICT_ANY
 */
void xl_verdicts_add(struct xl_verdicts *v, const float *p, const int *want);

/* xl_verdicts_accuracy, xl_verdicts_likelihood - 0..1; nan of nothing */
double xl_verdicts_accuracy(const struct xl_verdict_count *n);
double xl_verdicts_likelihood(const struct xl_verdict_count *n);

/* xl_verdict_name - "Smiling=1", "domain=B", "digit=7" into buf; returns buf */
const char *xl_verdict_name(const struct xl_classifier *c, int label, int value, char *buf,
			    size_t size);

/*
 * xl_verdicts_text - lines "name value", then "name value LABEL" and "name value
 *                    LABEL=VALUE" for what occurred; no error, the state of f tells
 * xl_verdicts_json - the same as members of the open object: numbers, and the objects
 *                    `labels` and `values`
 */
void xl_verdicts_text(const struct xl_verdicts *v, FILE *f);
void xl_verdicts_json(const struct xl_verdicts *v, struct xl_json *j);

/* xl_classifier_json - begin an object: metric, version, and which network it rests on */
void xl_classifier_json(const struct xl_classifier *c, struct xl_json *j, const char *metric);

/*
 * xl_verdicts_each - what is told of one picture, and with what probability: lines
 *                    "LABEL=VALUE p id", or an object with record, id, and a member for
 *                    each label
 *
 * Errors   0, or -1 where f has failed
 */
int xl_verdicts_each(const struct xl_classifier *c, const float *p, FILE *f, bool is_json,
		     int64_t record, const char *id);

#endif
