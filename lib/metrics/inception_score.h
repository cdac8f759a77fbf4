/*
 * inception_score.h - how sure a classifier is of each picture and how much its verdicts
 * differ: the Inception Score and its relatives, all from divergences
 * KL(p_i || q), with p_i the verdict on a picture and q the mean over a group.
 */
#ifndef XL_METRICS_INCEPTION_SCORE_H
#define XL_METRICS_INCEPTION_SCORE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/json.h"
#include "metrics/values.h"

/* Verdicts on n pictures. */
struct xl_probabilities {
	const double *p;   /* (n,k): probabilities of k classes, which add up to 1; or ... */
	bool is_yes_or_no; /* ... of yes, for k questions by themselves */
	int64_t n, k;
};

struct xl_inception_score {
	double mean, sd;  /* of the scores exp(mean KL) of `splits` parts, one after another */
	int64_t splits;   /* of 2 pictures or more each */
	double all;       /* the score of all as one part */
	double kl, kl_sd; /* mean KL over pictures, in nats, without exp: LOMIT's "IS" */

	/* of groups: the outputs of one input, one after another */
	int64_t group;            /* size; 0: no groups */
	double cis;               /* exp of the mean KL with each group's own mean */
	double cis_kl, cis_kl_sd; /* without exp */
};

/*
 * xl_inception_score - fill in s, whose splits and group are set
 *
 * The divergence of questions is the sum over questions. Deviations divide by n.
 * Source   Salimans et al. 2016 (IS); Huang et al. 2018 (CIS); the reading of LOMIT's
 *          table is ours: a score cannot be below 1, as its figures are
 * Units    scores from 1 to k; divergences in nats
 * Errors   0, or -1 with xl_err set: n is no multiple of group, or less than 2 splits; no
 *          memory
 */
int xl_inception_score(struct xl_inception_score *s, const struct xl_probabilities *v);

/* xl_inception_score_values - append is, is_sd, is_all, is_kl, is_kl_sd, and of groups cis,
 * cis_kl, cis_kl_sd, each with the suffix; xl_inception_score_json - as members of the open
 * object, how many splits and outputs */
void xl_inception_score_values(struct xl_values *v, const struct xl_inception_score *s,
			       const char *suffix);
void xl_inception_score_json(struct xl_json *j, const struct xl_inception_score *s);

/* xl_softmax - p = exp(z) / sum exp(z), (k); p may be z */
void xl_softmax(double *p, const double *z, int64_t k);

#endif
