/*
 * clamp.c - limits on numbers that a gradient can still bring back.
 */
#include "kernels/kernels.h"

void xl_clamp_fwd(float *y, const float *x, int64_t count, float lo, float hi)
{
	for (int64_t i = 0; i < count; i++)
		y[i] = x[i] <= lo ? lo : x[i] >= hi ? hi : x[i]; /* NaN stays */
}

void xl_clamp_bwd(float *gx, const float *gy, const float *x, int64_t count, float lo, float hi)
{
	for (int64_t i = 0; i < count; i++) {
		const int leaves = (x[i] <= lo && gy[i] > 0) || (x[i] >= hi && gy[i] < 0);
		gx[i] = leaves ? 0 : gy[i];
	}
}
