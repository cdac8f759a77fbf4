/*
 * clock.c - the monotonic clock, for progress, rates and estimates.
 */
#include <time.h>
#include "core/clock.h"

double xl_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
