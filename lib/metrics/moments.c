/*
 * moments.c - mean and standard deviation over the records of a stream. Every
 * measuring tool uses it; sums pooled over pixels are kept by the metrics.
 */
#include <math.h>

#include "metrics/moments.h"

void xl_moments_add(struct xl_moments *m, double v)
{
	const double d = v - m->mean;

	m->n++;
	m->mean += d / (double)m->n;
	m->m2 += d * (v - m->mean);
}

double xl_moments_sd(const struct xl_moments *m)
{
	return m->n < 2 ? 0 : sqrt(m->m2 / (double)m->n);
}
