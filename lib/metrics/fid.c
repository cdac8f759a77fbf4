/*
 * fid.c - the Frechet distance, from statistics or from few vectors; see fid.h.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "kernels/dense.h"
#include "metrics/fid.h"

/* What is left of a sum of traces by rounding, at most. */
static const double slack = 1e-6;

/* With eps, the sum does not come to 0 where it should, and is left as it is. */
static int finish(struct xl_fid *f, double eps)
{
	const double traces = f->trace_a + f->trace_b;

	f->value = f->mean_term + traces - 2 * f->trace_root;
	if (eps > 0)
		return 0;
	if (!(f->value >= -slack * traces))
		return xl_err("the distance comes out as %g: these are not covariances", f->value);
	f->value = f->value > 0 ? f->value : 0;
	return 0;
}

static double square_distance(const double *a, const double *b, int64_t d)
{
	double sum = 0;

	for (int64_t i = 0; i < d; i++)
		sum += (a[i] - b[i]) * (a[i] - b[i]);
	return sum;
}

static double trace(const double *s, int64_t d)
{
	double sum = 0;

	for (int64_t i = 0; i < d; i++)
		sum += s[i * d + i];
	return sum;
}

/* A copy with eps added to the diagonal. Owns: the caller frees it */
static double *shifted(const double *s, int64_t d, double eps)
{
	double *out = xl_alloc((size_t)(d * d), sizeof *out);

	if (!out)
		return NULL;
	memcpy(out, s, (size_t)(d * d) * sizeof *out);
	for (int64_t i = 0; i < d; i++)
		out[i * d + i] += eps;
	return out;
}

/* Ascending eigenvalues up to this are rounding of a (d,d) matrix; -1 with xl_err set where
 * it has one that is too far below 0. */
static double rounding(const double *w, int64_t n, int64_t d)
{
	if (w[0] < -slack * fabs(w[n - 1])) {
		xl_err("not a covariance: it has the eigenvalue %g", w[0]);
		return -1;
	}
	return (double)d * DBL_EPSILON * fabs(w[n - 1]);
}

/* u by eigenvectors, times the roots of their eigenvalues; those below 0 are rounding, of
 * numbers that were floats once. In place of s; returns r, or -1 with xl_err set */
static int64_t root_by_vectors(double *s, int64_t d)
{
	double *w = xl_alloc((size_t)d, sizeof *w), least;
	int64_t r = -1;

	if (!w || xl_dense_eigen(w, s, d) || (least = rounding(w, d, d)) < 0)
		goto out;
	r = 0;
	for (int64_t i = 0; i < d; i++) {
		if (!(w[i] > least))
			continue;
		for (int64_t j = 0; j < d; j++)
			s[r * d + j] = sqrt(w[i]) * s[i * d + j];
		r++;
	}
out:
	free(w);
	return r;
}

/* u (r,d) with u^T u = s but for the order of columns, in place of s, and whether it has
 * zeros left of its diagonal. Returns r, or -1 with xl_err set */
static int64_t factor(double *s, int *order, bool *is_upper, int64_t d)
{
	double *kept = shifted(s, d, 0);
	int64_t r = kept ? xl_dense_root(s, order, d) : -1;

	*is_upper = r != XL_NOT_SEMIDEFINITE;
	if (!*is_upper) {
		memcpy(s, kept, (size_t)(d * d) * sizeof *s);
		r = root_by_vectors(s, d);
		for (int64_t i = 0; i < d; i++)
			order[i] = (int)i;
	}
	free(kept);
	return r;
}

/* A copy of s with rows and columns in that order. Owns: the caller frees it */
static double *reordered(const double *s, const int *order, int64_t d)
{
	double *out = xl_alloc((size_t)(d * d), sizeof *out);

	for (int64_t i = 0; out && i < d; i++)
		for (int64_t j = 0; j < d; j++)
			out[i * d + j] = s[order[i] * d + order[j]];
	return out;
}

/* The sum of the roots of the eigenvalues of u s u^T, u (r,d); -1 with xl_err set */
static double root_of(const double *u, bool is_upper, const double *s, int64_t r, int64_t d)
{
	double *t = xl_alloc((size_t)(r * d), sizeof *t), *m = xl_alloc((size_t)(r * r), sizeof *m);
	double *e = xl_alloc((size_t)r, sizeof *e), sum = -1, least;

	if (!t || !m || !e)
		goto out;
	/* s is its own transpose */
	xl_dense_times(t, &(struct xl_product){u, s, r, d, d, .is_upper = is_upper});
	xl_dense_times(
		m, &(struct xl_product){u, t, r, r, d, .is_symmetric = true, .is_upper = is_upper});
	if (xl_dense_eigenvalues(e, m, r) || (least = rounding(e, r, d)) < 0)
		goto out;
	sum = 0;
	for (int64_t i = 0; i < r; i++)
		sum += e[i] > least ? sqrt(e[i]) : 0;
out:
	free(t);
	free(m);
	free(e);
	return sum;
}

/* The trace of (S_a S_b)^(1/2); -1 with xl_err set */
static double trace_root(struct xl_fid *f, const struct xl_gauss *a, const struct xl_gauss *b,
			 double eps)
{
	const int64_t d = a->d;
	double *u = shifted(a->cov, d, eps), *s = shifted(b->cov, d, eps), *turned = NULL, sum = -1;
	int *order = xl_alloc((size_t)d, sizeof *order);
	bool is_upper;
	int64_t r;

	if (!u || !s || !order)
		goto out;
	f->at_fault = a;
	if ((r = factor(u, order, &is_upper, d)) < 0 || !(turned = reordered(s, order, d)))
		goto out;
	f->at_fault = b;
	sum = r > 0 ? root_of(u, is_upper, turned, r, d) : 0;
out:
	free(u);
	free(s);
	free(order);
	free(turned);
	return sum;
}

int xl_fid_of(struct xl_fid *f, const struct xl_gauss *a, const struct xl_gauss *b, double eps)
{
	const int64_t d = a->d;

	f->at_fault = NULL;
	f->mean_term = square_distance(a->mean, b->mean, d);
	f->trace_a = trace(a->cov, d);
	f->trace_b = trace(b->cov, d);
	f->trace_root = trace_root(f, a, b, eps);
	if (f->trace_root < 0)
		return -1;
	f->at_fault = NULL;
	return finish(f, eps);
}

/* ---- few vectors ------------------------------------------------------ */

/* Rows (n,d), less their mean (d), over the root of n - 1; *trace is that of their
 * covariance. Owns: the caller frees it */
static double *standing(const float *rows, int64_t n, int64_t d, double *mean, double *tr)
{
	const double scale = 1 / sqrt((double)(n - 1));
	double *columns, *out;
	size_t count;

	if (xl_mul((size_t)n, (size_t)d, &count))
		return NULL;
	columns = xl_alloc(count, sizeof *columns);
	out = xl_alloc(count, sizeof *out);
	if (columns && out) {
		xl_centre(columns, mean, rows, n, d);
		*tr = 0;
		for (int64_t i = 0; i < n; i++)
			for (int64_t j = 0; j < d; j++) {
				const double v = columns[j * n + i] * scale;

				out[i * d + j] = v;
				*tr += v * v;
			}
	} else {
		free(out);
		out = NULL;
	}
	free(columns);
	return out;
}

/* a (n,d), b (m,d); -1 with xl_err set */
static double singular_sum(const double *a, int64_t n, const double *b, int64_t m, int64_t d)
{
	const int64_t less = n < m ? n : m;
	double *product = xl_alloc((size_t)(n * m), sizeof *product);
	double *s = xl_alloc((size_t)less, sizeof *s), sum = -1;

	if (product && s) {
		xl_dense_times(product, &(struct xl_product){a, b, n, m, d, .is_symmetric = false});
		if (xl_dense_singular(s, product, n, m) == 0) {
			sum = 0;
			for (int64_t i = 0; i < less; i++)
				sum += s[i];
		}
	}
	free(product);
	free(s);
	return sum;
}

int xl_fid_few(struct xl_fid *f, const float *a, int64_t n_a, const float *b, int64_t n_b,
	       int64_t d)
{
	double *mean = xl_alloc((size_t)(2 * d), sizeof *mean), *sa = NULL, *sb = NULL;
	int rc = -1;

	f->at_fault = NULL;
	if (mean && (sa = standing(a, n_a, d, mean, &f->trace_a)) &&
	    (sb = standing(b, n_b, d, mean + d, &f->trace_b))) {
		f->mean_term = square_distance(mean, mean + d, d);
		f->trace_root = singular_sum(sa, n_a, sb, n_b, d);
		if (f->trace_root >= 0)
			rc = finish(f, 0);
	}
	free(mean);
	free(sa);
	free(sb);
	return rc;
}
