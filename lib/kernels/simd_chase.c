/*
 * simd_chase.c - a band matrix made tridiagonal; compiled once per instruction set.
 *
 * Column after column, a reflection v of the XL_BAND numbers below the diagonal leaves
 * one of them. It also works on the rows and columns of these numbers: on the square D on
 * the diagonal from both sides, and on the square B below that from the right, whose
 * first column then sticks out of the band. A reflection u of that column, from the left,
 * brings it back, and is in turn the v of the next squares, down to the end: the bulge is
 * chased out of the matrix. The other columns of B stick out until their turn comes.
 *
 * Rows of zeros follow the matrix, so that all squares are whole. Of D, both halves are
 * worked on; of B, only the first row is part of a D later, and is copied above the
 * diagonal.
 *
 * Source   Schwarz 1968, Murata and Horikoshi 1975 (chasing), Lang 1993 (reflections)
 */
#include <math.h>
#include "kernels/simd_vec.h"

typedef double vd __attribute__((vector_size(XL_LANES * 4), aligned(8), may_alias));

enum { WIDTH = XL_LANES / 2, VECS = XL_BAND / WIDTH, DOWN = XL_BAND_AT(1, 0) - XL_BAND_AT(0, 0) };

/* x becomes (the result, 0, ..) by I - tau v v^T; x has numbers `stride` apart. */
static double reflection(double *v, double *tau, const double *x, int64_t stride)
{
	double rest = 0, beta;

	for (int64_t i = 1; i < XL_BAND; i++)
		rest += x[i * stride] * x[i * stride];
	v[0] = 1;
	if (rest == 0) {
		for (int64_t i = 1; i < XL_BAND; i++)
			v[i] = 0;
		*tau = 0;
		return x[0];
	}
	beta = -copysign(sqrt(x[0] * x[0] + rest), x[0]);
	for (int64_t i = 1; i < XL_BAND; i++)
		v[i] = x[i * stride] / (x[0] - beta);
	*tau = (beta - x[0]) / beta;
	return beta;
}

/* y = a^T x */
static inline void columns_by(double *y, const double *a, const double *x)
{
	vd sum[VECS] = {{0}};

	for (int i = 0; i < XL_BAND; i++)
		for (int j = 0; j < VECS; j++)
			sum[j] += x[i] * ((const vd *)(a + i * DOWN))[j];
	for (int j = 0; j < VECS; j++)
		((vd *)y)[j] = sum[j];
}

/* y = a x */
static inline void rows_by(double *y, const double *a, const double *x)
{
	for (int i = 0; i < XL_BAND; i++) {
		vd sum = {0};

		for (int j = 0; j < VECS; j++)
			sum += ((const vd *)(a + i * DOWN))[j] * ((const vd *)x)[j];
		y[i] = 0;
		for (int j = 0; j < WIDTH; j++)
			y[i] += sum[j];
	}
}

/* a -= p q^T + x y^T */
static inline void take_two(double *a, const double *p, const double *q, const double *x,
			    const double *y)
{
	vd vq[VECS], vy[VECS];

	for (int j = 0; j < VECS; j++) {
		vq[j] = ((const vd *)q)[j];
		vy[j] = ((const vd *)y)[j];
	}
	for (int i = 0; i < XL_BAND; i++)
		for (int j = 0; j < VECS; j++)
			((vd *)(a + i * DOWN))[j] -= p[i] * vq[j] + x[i] * vy[j];
}

static inline double dot(const double *a, const double *b)
{
	double sum = 0;

	for (int i = 0; i < XL_BAND; i++)
		sum += a[i] * b[i];
	return sum;
}

/* D from both sides: D - v w^T - w v^T, w = tau (D v - (tau/2) (v^T D v) v) */
static void on_diagonal(double *d, const double *v, double tau)
{
	double w[XL_BAND];

	columns_by(w, d, v);
	const double half = tau / 2 * dot(w, v);
	for (int i = 0; i < XL_BAND; i++)
		w[i] = tau * (w[i] - half * v[i]);
	take_two(d, v, w, w, v);
}

/*
 * B by v from the right, and by u, which is made of its first column, from the left:
 * with s = tau B v, B - s v^T - tau_u u (B^T u - (s^T u) v)^T. v and tau become u's.
 */
static void below(double *b, double *v, double *tau)
{
	double s[XL_BAND], first[XL_BAND], u[XL_BAND], z[XL_BAND], tau_u, beta, su;

	rows_by(s, b, v);
	for (int i = 0; i < XL_BAND; i++) {
		s[i] *= *tau;
		first[i] = b[i * DOWN] - s[i];
	}
	beta = reflection(u, &tau_u, first, 1);
	columns_by(z, b, u);
	su = dot(s, u);
	for (int i = 0; i < XL_BAND; i++)
		z[i] = tau_u * (z[i] - su * v[i]);
	take_two(b, s, v, u, z);
	b[0] = beta;
	for (int i = 1; i < XL_BAND; i++) {
		b[i * DOWN] = 0;
		b[XL_BAND - DOWN * (XL_BAND - i)] = b[i];
	}
	for (int i = 0; i < XL_BAND; i++)
		v[i] = u[i];
	*tau = tau_u;
}

void XL_FN(xl_chase)(double *d, double *e, double *band, int64_t n)
{
	for (int64_t s = 0; s < n; s++) {
		double v[XL_BAND], tau;

		d[s] = band[XL_BAND_AT(s, s)];
		e[s] = reflection(v, &tau, band + XL_BAND_AT(s + 1, s), DOWN);
		for (int64_t i = s + 1; i < n; i += XL_BAND) {
			on_diagonal(band + XL_BAND_AT(i, i), v, tau);
			if (i + XL_BAND < n)
				below(band + XL_BAND_AT(i + XL_BAND, i), v, &tau);
		}
	}
}
