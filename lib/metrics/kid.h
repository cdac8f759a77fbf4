/*
 * kid.h - the kernel distance between two sets of vectors: the squared maximum mean
 * discrepancy under a cubic kernel, estimated without bias. Between features of
 * Inception it is the KID.
 */
#ifndef XL_METRICS_KID_H
#define XL_METRICS_KID_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/json.h"
#include "metrics/values.h"

struct xl_kid {
	double gamma;    /* of the kernel; 0: 1 / d */
	int64_t subsets; /* that are drawn of each set; 0: 100, or 1 of whole sets */
	int64_t size;    /* vectors of each; 0: 1000, or all of the smaller set */
	uint64_t seed;
	bool is_biased; /* divide by n^2 and keep the diagonals */

	/* found */
	double mean, sd; /* over subsets, dividing by their number; below 0 is possible */
};

/*
 * xl_kid_of - draw subsets of a and b, and measure each
 *
 * The defaults that were chosen are in k afterwards.
 * Shapes   a: (n,d)   b: (m,d); n, m at least 2
 * Source   Binkowski et al. 2018; subsets by a partial Fisher-Yates shuffle, of a then
 *          of b, with numbers of one linear congruential generator (Knuth's MMIX)
 * Errors   0, or -1 with xl_err set: a set is smaller than a subset; several subsets of
 *          whole sets, which are all the same
 * Threads  splits over rows; bits do not depend on the thread count
 */
int xl_kid_of(struct xl_kid *k, const float *a, int64_t n, const float *b, int64_t m, int64_t d);

/* xl_kid_values - append kid and, of several subsets, kid_sd, with the suffix; xl_kid_text,
 * xl_kid_json - what they were measured with, as lines, or as members of the open object */
void xl_kid_values(struct xl_values *v, const struct xl_kid *k, const char *suffix);
void xl_kid_text(FILE *f, const struct xl_kid *k);
void xl_kid_json(struct xl_json *j, const struct xl_kid *k);

/*
 * xl_kid_once - between the whole of a and b
 *
 *   *out = mean over i != j of k(a_i, a_j) + the same of b - 2 mean over i, j of k(a_i, b_j),
 *   k(x, y) = (gamma x.y + 1)^3
 *
 * Shapes   a: (n,d)   b: (m,d); n, m at least 2
 * Errors   0, or -1 with xl_err set
 */
int xl_kid_once(double *out, const double *a, int64_t n, const double *b, int64_t m, int64_t d,
		double gamma, bool is_biased);

#endif
