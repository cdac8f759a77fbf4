/*
 * coverage.c - masks at the size of what they are laid on or compared with.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "image/coverage.h"

enum { MAX_STRIDE = 1 << 14 }; /* no image of a stage has more pixels on a side */

/* ---- cells ------------------------------------------------------------ */

struct xl_cells xl_cells_of(int64_t ih, int64_t iw, int64_t stride)
{
	assert(ih > 0 && iw > 0 && stride > 0);
	return (struct xl_cells){ih, iw, xl_round_up(ih, stride), xl_round_up(iw, stride)};
}

int xl_cells_on(const struct xl_record *r, int64_t stride, struct xl_cells *out)
{
	const int64_t image[3] = {3, -1, -1};
	const struct xl_tensor *x = xl_record_tensor(r, "x");
	char shape[96];

	if (!x)
		return xl_err("has no image x, on whose pixels a mask lies");
	if (!xl_tensor_is(x, 3, image) || xl_tensor_count(x) == 0)
		return xl_err("x is %s, an image is (3,H,W)",
			      xl_tensor_show(x, shape, sizeof shape));
	*out = xl_cells_of(x->shape[1], x->shape[2], stride);
	return 0;
}

int xl_cells_of_mask(const struct xl_record *r, const char *name, struct xl_cells *out)
{
	const int64_t stride = strcmp(name, "m") == 0 ? xl_meta_int(r, "mask_stride", 1) : 1;

	*out = xl_cells_of(1, 1, 1);
	if (stride < 1 || stride > MAX_STRIDE)
		return xl_err("mask_stride is %lld, not a number from 1 to %d", (long long)stride,
			      MAX_STRIDE);
	return stride > 1 ? xl_cells_on(r, stride, out) : 0;
}

/* ---- values ----------------------------------------------------------- */

static int check(const char *name, const struct xl_tensor *t)
{
	const int64_t want[3] = {1, -1, -1};
	char shape[96];

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
	return check(name, t) ? NULL : t;
}

/* What one place of the result is made of. */
struct tap {
	int64_t i0, i1;
	double t;
};

/* `to` places over what an image of `visible` of `padded` pixels shows of n cells. */
static struct tap *make_taps(int64_t n, int64_t visible, int64_t padded, int64_t to)
{
	struct tap *taps = xl_alloc((size_t)to, sizeof *taps);
	const double scale = (double)n * (double)visible / ((double)padded * (double)to);

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

float *xl_coverage(const struct xl_record *r, const char *name, int64_t h, int64_t w)
{
	const struct xl_tensor *t = xl_coverage_of(r, name);
	struct xl_tensor *unit = NULL;
	struct tap *ty = NULL, *tx = NULL;
	struct xl_cells g;
	float *out = NULL;
	size_t n;

	if (!t || xl_cells_of_mask(r, name, &g) || !(unit = to_unit(name, t)))
		goto out;
	ty = make_taps(t->shape[1], g.ih, g.ph, h);
	tx = make_taps(t->shape[2], g.iw, g.pw, w);
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
