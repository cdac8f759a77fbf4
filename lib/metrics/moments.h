/*
 * moments.h - mean and spread of numbers as they come, in constant memory.
 */
#ifndef XL_METRICS_MOMENTS_H
#define XL_METRICS_MOMENTS_H

#include <stdint.h>

struct xl_moments {
	int64_t n;
	double mean, m2; /* m2: sum of squared distances from the mean */
};

/*
 * xl_moments_add - take one more number
 *
 * Source   Welford 1962; the bits depend on the order of the numbers
 * Errors   none; start from all zeroes
 */
void xl_moments_add(struct xl_moments *m, double v);

/* xl_moments_sd - population standard deviation (divides by n); 0 for n < 2 */
double xl_moments_sd(const struct xl_moments *m);

#endif
