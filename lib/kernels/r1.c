/*
 * r1.c - LOMIT's mask smoothness in its lean form: sort the pixels by mask value
 * and walk the groups of equal value with a running sum of normalised contents,
 * N log N + N C instead of N^2 C. R1 = sum_k m_k dR1/dm_k.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/kernels.h"

struct pixel {
	float m;
	int at;
};

struct r1 {
	double *value; /* per sample */
	float *gm;
	const float *m, *c;
	const struct xl_dims *d;
	float *chat;
	struct pixel *order; /* (N, h*w) */
	double *sums;        /* (N, 3, C): total, smaller, group */
};

/* A total order, as qsort needs one, also of values that are not numbers: these
 * come last. */
static int by_value(const void *a, const void *b)
{
	const struct pixel *p = a, *q = b;

	if (p->m < q->m || p->m > q->m)
		return p->m < q->m ? -1 : 1;
	if (!isnan(p->m) != !isnan(q->m))
		return isnan(q->m) ? -1 : 1;
	return p->at - q->at;
}

/* chat[i] = c_i / max(|c_i|, 1e-8), pixel by pixel; total = their sum */
static void normalise(const struct r1 *r, int64_t n, float *chat, double *total)
{
	const struct xl_dims *d = r->d;
	const int pixels = d->h * d->w;
	const float *c = r->c + n * d->c * pixels;

	for (int i = 0; i < pixels; i++, chat += d->c) {
		double q = 0;
		for (int k = 0; k < d->c; k++) {
			chat[k] = c[((int64_t)(k / d->b) * pixels + i) * d->b + k % d->b];
			q += (double)chat[k] * (double)chat[k];
		}
		const double inv = 1 / fmax(sqrt(q), 1e-8);
		for (int k = 0; k < d->c; k++) {
			chat[k] = (float)((double)chat[k] * inv);
			total[k] += (double)chat[k];
		}
	}
}

static void r1_item(void *ctx, int64_t n)
{
	const struct r1 *r = ctx;
	const int pixels = r->d->h * r->d->w, nc = r->d->c;
	const float *m = r->m + n * pixels;
	float *gm = r->gm + n * pixels, *chat = r->chat + n * pixels * nc;
	struct pixel *order = r->order + n * pixels;
	double *total = r->sums + n * 3 * nc, *smaller = total + nc, *group = smaller + nc;
	double value = 0;

	normalise(r, n, chat, total);
	for (int i = 0; i < pixels; i++)
		order[i] = (struct pixel){m[i], i};
	qsort(order, (size_t)pixels, sizeof *order, by_value);

	for (int from = 0, to; from < pixels; from = to) {
		memset(group, 0, (size_t)nc * sizeof *group);
		for (to = from; to < pixels && order[to].m == order[from].m; to++)
			for (int k = 0; k < nc; k++)
				group[k] += (double)chat[(int64_t)order[to].at * nc + k];
		for (int i = from; i < to; i++) {
			const float *ci = chat + (int64_t)order[i].at * nc;
			double g = 0;
			for (int k = 0; k < nc; k++)
				g += (double)ci[k] * (2 * smaller[k] + group[k] - total[k]);
			g *= 2.0 / pixels / pixels;
			value += (double)order[i].m * g;
			gm[order[i].at] = (float)(g / r->d->n);
		}
		for (int k = 0; k < nc; k++)
			smaller[k] += group[k];
		if (to == from) { /* a mask that is not a number */
			value = NAN;
			break;
		}
	}
	r->value[n] = value;
}

int xl_r1(double *value, float *gm, const float *m, const float *c, const struct xl_dims *dc,
	  float *chat)
{
	const size_t n = (size_t)dc->n, pixels = (size_t)dc->h * (size_t)dc->w;
	struct pixel *order = xl_alloc(n * pixels, sizeof *order);
	double *sums = xl_alloc(n * (3 * (size_t)dc->c + 1), sizeof *sums);
	int rc = -1;

	if (!order || !sums)
		goto out;
	struct r1 r = {sums + n * 3 * (size_t)dc->c, gm, m, c, dc, chat, order, sums};
	xl_parallel(r1_item, &r, dc->n);
	*value = 0;
	for (size_t i = 0; i < n; i++)
		*value += r.value[i] / dc->n;
	rc = 0;
out:
	free(order);
	free(sums);
	return rc;
}
