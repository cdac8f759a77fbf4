/*
 * coverage.c - masks as the metrics want them: floats 0..1 at the size of what
 * they are compared with.
 */
#include <math.h>
#include <stdlib.h>

#include "core/mem.h"
#include "metrics/coverage.h"

struct tap {
	int64_t i0, i1;
	double t;
};

int xl_coverage_check(const char *name, const struct xl_tensor *t)
{
	const int64_t want[3] = {1, -1, -1};
	char shape[64];

	xl_tensor_show(t, shape, sizeof shape);
	if (!xl_tensor_is(t, 3, want))
		return xl_err("%s is %s, a mask has 1 channel", name, shape);
	if (xl_tensor_count(t) == 0)
		return xl_err("%s is %s, without a pixel", name, shape);
	if (t->dtype == XL_I4 || t->dtype == XL_I8)
		return xl_err("%s is %s, a mask is |u1, |b1 or floats", name, shape);
	return 0;
}

const struct xl_tensor *xl_coverage_of(const struct xl_record *r, const char *name)
{
	const struct xl_tensor *t = xl_record_tensor(r, name);

	if (!t) {
		xl_err("has no tensor '%s'", name);
		return NULL;
	}
	return xl_coverage_check(name, t) < 0 ? NULL : t;
}

static struct tap *make_taps(int64_t n, int64_t to)
{
	struct tap *taps = xl_alloc((size_t)to, sizeof *taps);
	const double scale = (double)n / (double)to;

	for (int64_t d = 0; taps && d < to; d++) {
		const double f = fmax(0, ((double)d + 0.5) * scale - 0.5);
		int64_t i = (int64_t)f;

		if (i > n - 1)
			i = n - 1;
		taps[d].i0 = i;
		taps[d].i1 = i + 1 < n ? i + 1 : i;
		taps[d].t = f - (double)i;
	}
	return taps;
}

/* Values as doubles in 0..1. A float may miss the range by its own rounding. */
static struct xl_tensor *to_unit(const char *name, const struct xl_tensor *t)
{
	struct xl_tensor *wide = xl_tensor_to(t, XL_F8);
	const int64_t n = xl_tensor_count(t);
	const double slack = 1e-6;
	double *v;

	if (!wide)
		return NULL;
	v = wide->data;
	for (int64_t i = 0; i < n; i++) {
		if (t->dtype == XL_U1)
			v[i] /= 255;
		else if (t->dtype == XL_B1)
			v[i] = v[i] != 0;
		if (!(v[i] >= -slack && v[i] <= 1 + slack)) {
			xl_err("%s holds %g, a mask lies in 0..1", name, v[i]);
			xl_tensor_free(wide);
			return NULL;
		}
		v[i] = fmin(1, fmax(0, v[i]));
	}
	return wide;
}

float *xl_coverage(const char *name, const struct xl_tensor *t, int64_t h, int64_t w)
{
	struct xl_tensor *unit = NULL;
	struct tap *ty = NULL, *tx = NULL;
	float *out = NULL;
	size_t n;

	if (xl_coverage_check(name, t) < 0 || !(unit = to_unit(name, t)))
		goto out;
	ty = make_taps(t->shape[1], h);
	tx = make_taps(t->shape[2], w);
	if (!ty || !tx || xl_mul((size_t)h, (size_t)w, &n) < 0 || !(out = xl_alloc(n, sizeof *out)))
		goto out;
	for (int64_t y = 0; y < h; y++) {
		const double *r0 = (const double *)unit->data + ty[y].i0 * t->shape[2];
		const double *r1 = (const double *)unit->data + ty[y].i1 * t->shape[2];
		const double s = ty[y].t;

		for (int64_t x = 0; x < w; x++) {
			const struct tap p = tx[x];
			const double top = (1 - p.t) * r0[p.i0] + p.t * r0[p.i1];
			const double low = (1 - p.t) * r1[p.i0] + p.t * r1[p.i1];

			out[y * w + x] = (float)((1 - s) * top + s * low);
		}
	}
out:
	free(tx);
	free(ty);
	xl_tensor_free(unit);
	return out;
}
