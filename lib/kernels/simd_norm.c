/*
 * simd_norm.c - instance, layer and batch normalisation, with the activation and
 * the sum that may follow. All come from two sums per (sample, channel), combined
 * over the group that shares its statistics; the map itself is then one affine
 * function per channel. Where a plane is its own group it is read a second time
 * while it is still in the cache.
 */
#include <assert.h>
#include <math.h>
#include "core/pool.h"
#include "kernels/simd_vec.h"

enum { STRIP = 32 }; /* pixels summed as floats before their sum goes to a double */

typedef int32_t vi __attribute__((vector_size(XL_LANES * 4), aligned(4), may_alias));

struct norm {
	float *y;     /* fwd: y, bwd: gx */
	float *stats; /* (N,C,3) */
	const float *x, *gy;
	const float *scale, *shift, *add;
	const struct xl_norm_dims *nd;
	double *sums; /* (N,C,2) */
	double *coef; /* bwd: (N,C,3): gx = a g + b (x - mean) + c */
};

/* One plane's (channel block's) share of the maps, and its affine function per lane:
 * z = (x - m) p + q. */
struct plane {
	const float *x, *gy, *add;
	float *y;
	int64_t pixels;
	int b;
	float slope;
	float m[XL_BLOCK], p[XL_BLOCK], q[XL_BLOCK];
};

static struct plane plane_at(const struct norm *k, int64_t item)
{
	const struct xl_dims *d = &k->nd->d;
	const int64_t pixels = (int64_t)d->h * d->w, at = item * pixels * d->b;

	return (struct plane){.x = k->x + at,
			      .gy = k->gy ? k->gy + at : NULL,
			      .add = k->add ? k->add + at : NULL,
			      .y = k->y ? k->y + at : NULL,
			      .pixels = pixels,
			      .b = d->b,
			      .slope = k->nd->act ? k->nd->slope : 1};
}

static void plane_affine(struct plane *o, const struct norm *k, int64_t item)
{
	const int c0 = (int)(item * o->b % k->nd->d.c);

	for (int l = 0; l < o->b; l++) {
		const float *st = k->stats + (item * o->b + l) * XL_NORM_STATS;
		o->m[l] = st[0];
		o->p[l] = st[2] * (k->scale ? k->scale[c0 + l] : 1);
		o->q[l] = (k->shift ? k->shift[c0 + l] : 0) - st[1] * o->p[l];
	}
}

static void load(vf *to, const float *from)
{
	for (int v = 0; v < XL_VECS; v++)
		to[v] = *(const vf *)(from + v * XL_LANES);
}

static void flush(double *sum, const vf *part)
{
	float f[XL_BLOCK];

	for (int v = 0; v < XL_VECS; v++)
		*(vf *)(f + v * XL_LANES) = part[v];
	for (int l = 0; l < XL_BLOCK; l++)
		sum[l] += (double)f[l];
}

/* z > 0 ? a : slope a */
static vf gate(vf z, vf a, float slope)
{
	const vi is_above = z > 0;

	return (vf)((is_above & (vi)a) | (~is_above & (vi)(slope * a)));
}

static float gate_one(float z, float a, float slope)
{
	return z > 0 ? a : slope * a;
}

/* ---- forward ---- */

/* Per lane: sum and sum of squares about the first pixel of the plane, which
 * keeps the variance exact for maps far from zero. */
static void plane_sums(double *s, double *q, const struct plane *o)
{
	vf x0[XL_VECS];

	if (o->b == 1) {
		for (int64_t i = 0; i < o->pixels; i++) {
			const double v = (double)(o->x[i] - o->x[0]);
			s[0] += v;
			q[0] += v * v;
		}
		return;
	}
	load(x0, o->x);
	for (int64_t i = 0; i < o->pixels;) {
		const int64_t end = i + STRIP < o->pixels ? i + STRIP : o->pixels;
		vf fs[XL_VECS] = {0}, fq[XL_VECS] = {0};
		for (; i < end; i++)
			for (int v = 0; v < XL_VECS; v++) {
				const vf e =
					*(const vf *)(o->x + i * XL_BLOCK + v * XL_LANES) - x0[v];
				fs[v] += e;
				fq[v] += e * e;
			}
		flush(s, fs);
		flush(q, fq);
	}
}

static void moments_item(void *ctx, int64_t item)
{
	const struct norm *k = ctx;
	const struct plane o = plane_at(k, item);
	double s[XL_BLOCK] = {0}, q[XL_BLOCK] = {0};

	plane_sums(s, q, &o);
	for (int l = 0; l < o.b; l++) {
		const double mean = s[l] / (double)o.pixels;
		double *to = k->sums + (item * o.b + l) * 2;
		to[0] = (double)o.x[l] + mean;
		to[1] = q[l] - s[l] * mean; /* about the mean */
	}
}

/* The range of (sample, channel) that shares statistics with group g. */
struct group {
	int n0, n1, c0, c1;
};

static int group_count(const struct xl_norm_dims *nd)
{
	const struct xl_dims *d = &nd->d;

	return nd->kind == XL_NORM_INSTANCE ? d->n * d->c
	       : nd->kind == XL_NORM_LAYER  ? d->n
					    : (1 + nd->halves) * d->c;
}

static struct group group_at(const struct xl_norm_dims *nd, int g)
{
	const struct xl_dims *d = &nd->d;
	const int part = nd->halves ? d->n / 2 : d->n, n0 = g / d->c * part;

	if (nd->kind == XL_NORM_INSTANCE)
		return (struct group){g / d->c, g / d->c + 1, g % d->c, g % d->c + 1};
	if (nd->kind == XL_NORM_LAYER)
		return (struct group){g, g + 1, 0, d->c};
	return (struct group){n0, n0 + part, g % d->c, g % d->c + 1};
}

static void group_stats(const struct norm *k, int g)
{
	const struct xl_dims *d = &k->nd->d;
	const struct group r = group_at(k->nd, g);
	const double pixels = (double)d->h * d->w;
	const double planes = (double)(r.n1 - r.n0) * (r.c1 - r.c0);
	double mean = 0, ss = 0;

	for (int n = r.n0; n < r.n1; n++)
		for (int c = r.c0; c < r.c1; c++)
			mean += k->sums[((int64_t)n * d->c + c) * 2];
	mean /= planes;
	for (int n = r.n0; n < r.n1; n++)
		for (int c = r.c0; c < r.c1; c++) {
			const double *s = k->sums + ((int64_t)n * d->c + c) * 2;
			ss += s[1] + pixels * (s[0] - mean) * (s[0] - mean);
		}
	const double inv = 1 / sqrt(ss / (planes * pixels) + (double)k->nd->eps);
	for (int n = r.n0; n < r.n1; n++)
		for (int c = r.c0; c < r.c1; c++) {
			float *st = k->stats + ((int64_t)n * d->c + c) * XL_NORM_STATS;
			st[0] = (float)mean;
			st[1] = (float)(mean - (double)st[0]);
			st[2] = (float)inv;
		}
}

static void apply_blocks(const struct plane *o)
{
	vf m[XL_VECS], p[XL_VECS], q[XL_VECS];

	load(m, o->m);
	load(p, o->p);
	load(q, o->q);
	for (int64_t i = 0; i < o->pixels; i++)
		for (int v = 0; v < XL_VECS; v++) {
			const int64_t at = i * XL_BLOCK + v * XL_LANES;
			const vf z = (*(const vf *)(o->x + at) - m[v]) * p[v] + q[v];
			vf a = gate(z, z, o->slope);
			if (o->add)
				a += *(const vf *)(o->add + at);
			*(vf *)(o->y + at) = a;
		}
}

static void apply_item(void *ctx, int64_t item)
{
	const struct norm *k = ctx;
	struct plane o = plane_at(k, item);

	plane_affine(&o, k, item);
	if (o.b == XL_BLOCK) {
		apply_blocks(&o);
		return;
	}
	for (int64_t i = 0; i < o.pixels; i++) {
		const float z = (o.x[i] - o.m[0]) * o.p[0] + o.q[0];
		o.y[i] = gate_one(z, z, o.slope) + (o.add ? o.add[i] : 0);
	}
}

static void instance_item(void *ctx, int64_t item)
{
	const struct norm *k = ctx;
	const int b = k->nd->d.b;

	moments_item(ctx, item);
	for (int l = 0; l < b; l++)
		group_stats(k, (int)item * b + l);
	apply_item(ctx, item);
}

static int64_t planes_of(const struct xl_norm_dims *nd)
{
	return (int64_t)nd->d.n * nd->d.c / nd->d.b;
}

void XL_FN(xl_norm_fwd)(float *y, float *stats, const float *x, const float *scale,
			const float *shift, const float *add, const struct xl_norm_dims *nd,
			double *scratch)
{
	struct norm k = {.y = y,
			 .stats = stats,
			 .x = x,
			 .scale = scale,
			 .shift = shift,
			 .add = add,
			 .nd = nd,
			 .sums = scratch};

	assert(!nd->halves || (nd->kind == XL_NORM_BATCH && nd->d.n % 2 == 0));
	if (nd->kind == XL_NORM_INSTANCE) {
		xl_parallel(instance_item, &k, planes_of(nd));
		return;
	}
	xl_parallel(moments_item, &k, planes_of(nd));
	for (int g = 0; g < group_count(nd); g++)
		group_stats(&k, g);
	xl_parallel(apply_item, &k, planes_of(nd));
}

void XL_FN(xl_norm_again)(float *y, const float *stats, const float *x, const float *scale,
			  const float *shift, const float *add, const struct xl_norm_dims *nd)
{
	struct norm k = {.y = y, .x = x, .scale = scale, .shift = shift, .add = add, .nd = nd};

	k.stats = (float *)(uintptr_t)stats; /* only read */
	xl_parallel(apply_item, &k, planes_of(nd));
}

/* ---- backward; g is gy where the activation let it pass ---- */

/* Per lane: sum g and sum g (x - m). */
static void plane_grad_sums(double *s, double *q, const struct plane *o)
{
	vf m[XL_VECS], p[XL_VECS], c[XL_VECS];

	if (o->b == 1) {
		for (int64_t i = 0; i < o->pixels; i++) {
			const float e = o->x[i] - o->m[0];
			const float g = gate_one(e * o->p[0] + o->q[0], o->gy[i], o->slope);
			s[0] += (double)g;
			q[0] += (double)g * (double)e;
		}
		return;
	}
	load(m, o->m);
	load(p, o->p);
	load(c, o->q);
	for (int64_t i = 0; i < o->pixels;) {
		const int64_t end = i + STRIP < o->pixels ? i + STRIP : o->pixels;
		vf fs[XL_VECS] = {0}, fq[XL_VECS] = {0};
		for (; i < end; i++)
			for (int v = 0; v < XL_VECS; v++) {
				const int64_t at = i * XL_BLOCK + v * XL_LANES;
				const vf e = *(const vf *)(o->x + at) - m[v];
				const vf g =
					gate(e * p[v] + c[v], *(const vf *)(o->gy + at), o->slope);
				fs[v] += g;
				fq[v] += g * e;
			}
		flush(s, fs);
		flush(q, fq);
	}
}

/* Per lane: sum g and sum g xhat. */
static void grad_sums_item(void *ctx, int64_t item)
{
	const struct norm *k = ctx;
	struct plane o = plane_at(k, item);
	double s[XL_BLOCK] = {0}, q[XL_BLOCK] = {0};

	plane_affine(&o, k, item);
	plane_grad_sums(s, q, &o);
	for (int l = 0; l < o.b; l++) {
		const float *st = k->stats + (item * o.b + l) * XL_NORM_STATS;
		k->sums[(item * o.b + l) * 2] = s[l];
		k->sums[(item * o.b + l) * 2 + 1] = (q[l] - (double)st[1] * s[l]) * (double)st[2];
	}
}

/* gx = r (g' - mean g' - xhat mean(g' xhat)), g' = scale g */
static void group_coef(const struct norm *k, int g)
{
	const struct xl_dims *d = &k->nd->d;
	const struct group r = group_at(k->nd, g);
	const double count = (double)(r.n1 - r.n0) * (r.c1 - r.c0) * d->h * d->w;
	double s = 0, q = 0;

	for (int n = r.n0; n < r.n1; n++)
		for (int c = r.c0; c < r.c1; c++) {
			const double sc = k->scale ? (double)k->scale[c] : 1;
			s += sc * k->sums[((int64_t)n * d->c + c) * 2];
			q += sc * k->sums[((int64_t)n * d->c + c) * 2 + 1];
		}
	for (int n = r.n0; n < r.n1; n++)
		for (int c = r.c0; c < r.c1; c++) {
			const float *st = k->stats + ((int64_t)n * d->c + c) * XL_NORM_STATS;
			const double inv = (double)st[2];
			double *o = k->coef + ((int64_t)n * d->c + c) * 3;
			o[0] = inv * (k->scale ? (double)k->scale[c] : 1);
			o[1] = -inv * inv * q / count;
			o[2] = -inv * s / count - o[1] * (double)st[1];
		}
}

static void grad_blocks(const struct plane *o, float coef[3][XL_BLOCK])
{
	vf m[XL_VECS], p[XL_VECS], q[XL_VECS], a[XL_VECS], b[XL_VECS], c[XL_VECS];

	load(m, o->m);
	load(p, o->p);
	load(q, o->q);
	load(a, coef[0]);
	load(b, coef[1]);
	load(c, coef[2]);
	for (int64_t i = 0; i < o->pixels; i++)
		for (int v = 0; v < XL_VECS; v++) {
			const int64_t at = i * XL_BLOCK + v * XL_LANES;
			const vf e = *(const vf *)(o->x + at) - m[v];
			const vf g = gate(e * p[v] + q[v], *(const vf *)(o->gy + at), o->slope);
			*(vf *)(o->y + at) = a[v] * g + (b[v] * e + c[v]);
		}
}

static void grad_item(void *ctx, int64_t item)
{
	const struct norm *k = ctx;
	struct plane o = plane_at(k, item);
	float coef[3][XL_BLOCK];

	plane_affine(&o, k, item);
	for (int l = 0; l < o.b; l++)
		for (int i = 0; i < 3; i++)
			coef[i][l] = (float)k->coef[(item * o.b + l) * 3 + i];
	if (o.b == XL_BLOCK) {
		grad_blocks(&o, coef);
		return;
	}
	for (int64_t i = 0; i < o.pixels; i++) {
		const float e = o.x[i] - o.m[0];
		const float g = gate_one(e * o.p[0] + o.q[0], o.gy[i], o.slope);
		o.y[i] = coef[0][0] * g + (coef[1][0] * e + coef[2][0]);
	}
}

static void instance_grad_item(void *ctx, int64_t item)
{
	const struct norm *k = ctx;
	const int b = k->nd->d.b;

	grad_sums_item(ctx, item);
	for (int l = 0; l < b; l++)
		group_coef(k, (int)item * b + l);
	grad_item(ctx, item);
}

/* The gradients of scale and shift: sums over samples. */
static void grad_affine(const struct xl_norm_grads *to, const struct norm *k)
{
	const struct xl_dims *d = &k->nd->d;

	for (int c = 0; c < d->c; c++) {
		double s = 0, q = 0;
		for (int n = 0; n < d->n; n++) {
			s += k->sums[((int64_t)n * d->c + c) * 2];
			q += k->sums[((int64_t)n * d->c + c) * 2 + 1];
		}
		if (to->shift)
			to->shift[c] = (float)s;
		if (to->scale)
			to->scale[c] = (float)q;
	}
}

void XL_FN(xl_norm_bwd)(const struct xl_norm_grads *to, const float *gy, const float *x,
			const float *stats, const float *scale, const float *shift,
			const struct xl_norm_dims *nd, double *scratch)
{
	struct norm k = {.y = to->x,
			 .x = x,
			 .gy = gy,
			 .scale = scale,
			 .shift = shift,
			 .nd = nd,
			 .sums = scratch,
			 .coef = scratch + 2 * (int64_t)nd->d.n * nd->d.c};

	k.stats = (float *)(uintptr_t)stats; /* only read */
	if (nd->kind == XL_NORM_INSTANCE) {
		xl_parallel(instance_grad_item, &k, planes_of(nd));
		grad_affine(to, &k);
		return;
	}
	xl_parallel(grad_sums_item, &k, planes_of(nd));
	grad_affine(to, &k);
	for (int g = 0; g < group_count(nd); g++)
		group_coef(&k, g);
	xl_parallel(grad_item, &k, planes_of(nd));
}
