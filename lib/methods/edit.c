/*
 * edit.c - the arithmetic of mask editing.
 *
 * One rule serves rectangles and paintings: a byte picture is averaged over the
 * visible part of each cell. A rectangle is a picture of 0 and 255.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/opt.h"
#include "methods/edit.h"

/* Averages of equal pixels that differ by less than this are equal: one grey level
 * in one pixel of a cell of 1000 x 1000 is as much. */
#define SAME 1e-6

/* A float may miss the range of a mask by its own rounding. */
#define SLACK 1e-6

/* ---- rectangles ------------------------------------------------------- */

int xl_rect_parse(const char *what, const char *s, struct xl_rect *out)
{
	static const char *const part[4] = {"x", "y", "width", "height"};
	const int64_t far = (int64_t)1 << 30;
	int64_t v[4];
	const char *p = s;

	for (int i = 0; i < 4; i++) {
		const size_t n = strcspn(p, ",");
		char number[32];

		if ((p[n] == ',') != (i < 3) || n >= sizeof number)
			return xl_err("%s: '%s' is not X,Y,W,H", what, s);
		snprintf(number, sizeof number, "%.*s", (int)n, p);
		if (xl_parse_int(part[i], number, i < 2 ? -far : 1, far, &v[i]))
			return xl_err_prefix("%s: '%s'", what, s);
		p += n + (i < 3);
	}
	*out = (struct xl_rect){v[0], v[1], v[2], v[3]};
	return 0;
}

static int64_t clamp(int64_t v, int64_t lo, int64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

int64_t xl_rect_paint(struct xl_tensor *paint, const struct xl_rect *r)
{
	const int64_t h = paint->shape[1], w = paint->shape[2];
	const int64_t x0 = clamp(r->x, 0, w), x1 = clamp(r->x + r->w, 0, w);
	const int64_t y0 = clamp(r->y, 0, h), y1 = clamp(r->y + r->h, 0, h);
	uint8_t *p = paint->data;

	for (int64_t y = y0; y < y1; y++)
		memset(p + y * w + x0, 255, (size_t)(x1 - x0));
	return (y1 - y0) * (x1 - x0);
}

/* ---- cells ------------------------------------------------------------ */

/* Part of an axis in pixels of a painting: lo <= v < hi. */
struct span {
	double lo, hi;
};

/* What cell i of n shows of an axis of `visible` out of `padded` pixels, in units of
 * a painting of `size`. */
static struct span cell_span(int64_t i, int64_t n, int64_t padded, int64_t visible, int64_t size)
{
	const double v = (double)visible, scale = (double)size;
	double lo = (double)i * (double)padded / (double)n;
	double hi = (double)(i + 1) * (double)padded / (double)n;

	if (lo >= v) {
		const double mirrored = 2 * v - 1 - hi;

		hi = 2 * v - 1 - lo;
		lo = mirrored;
	}
	hi = fmin(hi, v);
	lo = fmax(lo, 0);
	if (hi <= lo) { /* reflected more than once: any visible pixel will do */
		lo = v - 1;
		hi = v;
	}
	return (struct span){lo * scale / v, hi * scale / v};
}

/* Pixels lo..hi of a row, the outer ones by the part that lies inside. */
static double row_sum(const uint8_t *row, struct span s, int64_t size)
{
	const int64_t last = clamp((int64_t)ceil(s.hi), 1, size) - 1;
	double sum = 0;

	for (int64_t x = clamp((int64_t)s.lo, 0, size - 1); x <= last; x++)
		sum += row[x] * (fmin(s.hi, (double)(x + 1)) - fmax(s.lo, (double)x));
	return sum;
}

void xl_edit_average(double *out, int64_t h, int64_t w, const struct xl_cells *g,
		     const struct xl_tensor *paint)
{
	const int64_t rows = paint->shape[1], cols = paint->shape[2];
	const uint8_t *p = paint->data;

	assert(paint->dtype == XL_U1 && paint->ndim == 3 && paint->shape[0] == 1);
	assert(h > 0 && w > 0 && rows > 0 && cols > 0);
	for (int64_t i = 0; i < h; i++) {
		const struct span sy = cell_span(i, h, g->ph, g->ih, rows);
		const int64_t last = clamp((int64_t)ceil(sy.hi), 1, rows) - 1;

		for (int64_t k = 0; k < w; k++) {
			const struct span sx = cell_span(k, w, g->pw, g->iw, cols);
			double sum = 0;

			for (int64_t y = clamp((int64_t)sy.lo, 0, rows - 1); y <= last; y++)
				sum += row_sum(p + y * cols, sx, cols) *
				       (fmin(sy.hi, (double)(y + 1)) - fmax(sy.lo, (double)y));
			out[i * w + k] = sum / ((sy.hi - sy.lo) * (sx.hi - sx.lo));
		}
	}
}

/* ---- edits ------------------------------------------------------------ */

/* Averages of a painting over the cells of m; the caller frees them. */
static double *averages(const struct xl_tensor *m, const struct xl_cells *g,
			const struct xl_tensor *paint)
{
	const int64_t h = m->shape[1], w = m->shape[2];
	double *out = xl_alloc((size_t)(h * w), sizeof *out);

	if (out)
		xl_edit_average(out, h, w, g, paint);
	return out;
}

static int multiply(struct xl_tensor *m, const struct xl_cells *g, const struct xl_tensor *paint,
		    bool is_erased)
{
	const int64_t n = m->shape[1] * m->shape[2];
	double *share = averages(m, g, paint);
	float *v = m->data;

	if (!share)
		return -1;
	for (int64_t c = 0; c < m->shape[0]; c++)
		for (int64_t i = 0; i < n; i++) {
			const float s = (float)(share[i] / 255);

			v[c * n + i] *= is_erased ? 1 - s : s;
		}
	free(share);
	return 0;
}

int xl_edit_erase(struct xl_tensor *m, const struct xl_cells *g, const struct xl_tensor *paint)
{
	return multiply(m, g, paint, true);
}

int xl_edit_keep(struct xl_tensor *m, const struct xl_cells *g, const struct xl_tensor *paint)
{
	return multiply(m, g, paint, false);
}

int xl_edit_set(struct xl_tensor *m, const struct xl_cells *g, const struct xl_tensor *paint)
{
	const int64_t n = m->shape[1] * m->shape[2];
	struct xl_tensor *shown = xl_edit_show(m, g);
	double *now = NULL, *new = NULL;
	float *v = m->data;
	int ret = -1;

	if (!shown)
		goto out;
	now = averages(m, g, shown);
	new = averages(m, g, paint);
	if (!now || !new)
		goto out;
	for (int64_t i = 0; i < n; i++)
		for (int64_t c = 0; c < m->shape[0] && fabs(new[i] - now[i]) >= SAME; c++)
			v[c * n + i] = (float)(new[i] / 255);
	ret = 0;
out:
	xl_tensor_free(shown);
	free(now);
	free(new);
	return ret;
}

void xl_edit_threshold(struct xl_tensor *m, double t)
{
	const int64_t n = xl_tensor_count(m);
	float *v = m->data;

	for (int64_t i = 0; i < n; i++)
		v[i] = v[i] >= (float)t; /* a cell set to 0.7 reaches 0.7 */
}

void xl_edit_invert(struct xl_tensor *m)
{
	const int64_t n = xl_tensor_count(m);
	float *v = m->data;

	for (int64_t i = 0; i < n; i++)
		v[i] = 1 - v[i];
}

void xl_edit_scale(struct xl_tensor *m, double s)
{
	const int64_t n = xl_tensor_count(m);
	float *v = m->data;

	for (int64_t i = 0; i < n; i++)
		v[i] = (float)fmin(1, fmax(0, (double)v[i] * s));
}

/* ---- masks and pictures ----------------------------------------------- */

/* The cell that holds the centre of pixel p. */
static int64_t nearest(int64_t p, int64_t cells, int64_t padded)
{
	return clamp((int64_t)(((double)p + 0.5) * (double)cells / (double)padded), 0, cells - 1);
}

/* Grey levels of the cells; the caller frees them. */
static uint8_t *levels(const struct xl_tensor *m)
{
	const int64_t n = m->shape[1] * m->shape[2];
	uint8_t *out = xl_alloc((size_t)n, 1);
	const float *v = m->data;

	for (int64_t i = 0; out && i < n; i++) {
		double sum = 0;

		for (int64_t c = 0; c < m->shape[0]; c++)
			sum += (double)v[c * n + i];
		sum = fmin(1, fmax(0, sum / (double)m->shape[0]));
		out[i] = (uint8_t)(sum * 255 + 0.5);
	}
	return out;
}

struct xl_tensor *xl_edit_show(const struct xl_tensor *m, const struct xl_cells *g)
{
	const int64_t h = m->shape[1], w = m->shape[2], shape[3] = {1, g->ih, g->iw};
	struct xl_tensor *t = xl_tensor_new(XL_U1, 3, shape);
	uint8_t *cell = t ? levels(m) : NULL, *p;

	if (!cell) {
		xl_tensor_free(t);
		return NULL;
	}
	p = t->data;
	for (int64_t y = 0; y < g->ih; y++) {
		const uint8_t *row = cell + nearest(y, h, g->ph) * w;

		for (int64_t x = 0; x < g->iw; x++)
			*p++ = row[nearest(x, w, g->pw)];
	}
	free(cell);
	return t;
}

struct xl_tensor *xl_edit_mask(const struct xl_record *r)
{
	const struct xl_tensor *t = xl_record_tensor(r, "m");
	struct xl_tensor *m;
	char shape[96];
	float *v;

	if (!t) {
		xl_err("has no mask m");
		return NULL;
	}
	if (t->ndim != 3 || xl_tensor_count(t) == 0) {
		xl_err("m is %s, a mask is (C,h,w)", xl_tensor_show(t, shape, sizeof shape));
		return NULL;
	}
	m = xl_tensor_to(t, XL_F4);
	if (!m)
		return NULL;
	v = m->data;
	for (int64_t i = 0, n = xl_tensor_count(m); i < n; i++) {
		if (!((double)v[i] >= -SLACK && (double)v[i] <= 1 + SLACK)) {
			xl_err("m holds %g, a mask lies in 0..1", (double)v[i]);
			xl_tensor_free(m);
			return NULL;
		}
	}
	return m;
}
