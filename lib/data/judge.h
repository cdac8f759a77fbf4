/*
 * judge.h - a classifier held against what is wanted of the pictures of records.
 */
#ifndef XL_DATA_JUDGE_H
#define XL_DATA_JUDGE_H

#include "data/wanted.h"
#include "metrics/eye.h"
#include "metrics/verdicts.h"

struct xl_judge {
	struct xl_eye eye;
	struct xl_wanted wanted;
	struct xl_verdicts verdicts;
};

/* xl_judge_open - by the classifier in a file; 0, or -1 with xl_err set. xl_judge_want -
 * what is wanted, see xl_wanted_init. xl_judge_close - release everything, also after a
 * failure */
int xl_judge_open(struct xl_judge *j, const char *model);
int xl_judge_want(struct xl_judge *j, const char *fixed, const char *exemplars,
		  const char *domain_by, bool *is_usage);
void xl_judge_close(struct xl_judge *j);

/*
 * xl_judge_record - count the verdicts about one record; r NULL: one that could not be
 *                   read
 *
 * p: (outputs), what is said of its picture, valid until the next call
 * Errors   0, or -1 with xl_err set; nothing is counted then: no picture, or one whose
 *          translation is not decoded yet (h without out); -2 for no labels to hold it
 *          against
 */
int xl_judge_record(struct xl_judge *j, const struct xl_record *r, const float **p);

/*
 * xl_judge_worth - 0, or -1 with xl_err set where the classifier tells one yes or no, and
 *                  of the pictures held back when it was trained less than 90 % right:
 *                  what it says then proves nothing; or where it was never tested
 */
int xl_judge_worth(const struct xl_judge *j, const char *model);

/*
 * xl_judge_print - the verdicts, as text or as one JSON object, with what they rest on;
 *                  skipped: records that could not be judged
 *
 * Errors   0, or -1 where f has failed
 */
int xl_judge_print(struct xl_judge *j, FILE *f, bool is_json, int64_t skipped);

#endif
