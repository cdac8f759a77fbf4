/*
 * simd_blend.c - two affine functions of each channel, mixed by a mask at every
 * pixel (HAdaIN); compiled once per instruction set.
 */
#include "core/pool.h"
#include "kernels/simd_vec.h"

enum { STRIP = 32 }; /* pixels summed as floats before their sum goes to a double */

struct blend {
	float *y;
	const struct xl_blend_grads *to;
	const float *gy;
	const struct xl_blend *in;
	const struct xl_dims *d;
};

/* One plane (channel block): where it is, and its numbers per lane. */
struct plane {
	int64_t at, pixels;
	const float *m, *beta_f, *gamma_f, *beta_b, *gamma_b;
};

static struct plane plane_at(const struct blend *k, int64_t item)
{
	const int blocks = k->d->c / k->d->b;
	const int64_t n = item / blocks, c0 = item % blocks * k->d->b, c = k->d->c;
	const int64_t pixels = (int64_t)k->d->h * k->d->w;
	const float *f = k->in->f + 2 * n * c + c0, *b = k->in->b + 2 * n * c + c0;

	return (struct plane){
		item * pixels * k->d->b, pixels, k->in->m + n * pixels, f, f + c, b, b + c};
}

static void load(vf *to, const float *from)
{
	for (int v = 0; v < XL_VECS; v++)
		to[v] = *(const vf *)(from + v * XL_LANES);
}

static void forward_item(void *ctx, int64_t item)
{
	const struct blend *k = ctx;
	const struct plane o = plane_at(k, item);
	const float *x = k->in->x + o.at;
	float *y = k->y + o.at;
	vf bf[XL_VECS], gf[XL_VECS], bb[XL_VECS], gb[XL_VECS];

	if (k->d->b == 1) {
		for (int64_t i = 0; i < o.pixels; i++)
			y[i] = o.m[i] * (o.gamma_f[0] * x[i] + o.beta_f[0]) +
			       (1 - o.m[i]) * (o.gamma_b[0] * x[i] + o.beta_b[0]);
		return;
	}
	load(bf, o.beta_f);
	load(gf, o.gamma_f);
	load(bb, o.beta_b);
	load(gb, o.gamma_b);
	for (int64_t i = 0; i < o.pixels; i++) {
		const float m = o.m[i], r = 1 - m;
		for (int v = 0; v < XL_VECS; v++) {
			const int64_t at = i * XL_BLOCK + v * XL_LANES;
			const vf u = *(const vf *)(x + at);
			*(vf *)(y + at) = m * (gf[v] * u + bf[v]) + r * (gb[v] * u + bb[v]);
		}
	}
}

void XL_FN(xl_blend_fwd)(float *y, const struct xl_blend *in, const struct xl_dims *d)
{
	struct blend k = {.y = y, .in = in, .d = d};

	xl_parallel(forward_item, &k, (int64_t)d->n * d->c / d->b);
}

/* What the gradients of the four numbers of a channel are made of. */
enum sums { G, GM, GX, GMX, SUMS };

static void flush(double *sum, const vf *part)
{
	float f[XL_BLOCK];

	for (int v = 0; v < XL_VECS; v++)
		*(vf *)(f + v * XL_LANES) = part[v];
	for (int l = 0; l < XL_BLOCK; l++)
		sum[l] += (double)f[l];
}

static void sum_plane(double (*sum)[XL_BLOCK], const struct plane *o, const float *x,
		      const float *g, int b)
{
	for (int64_t i = 0; b == 1 && i < o->pixels; i++) {
		const double m = (double)o->m[i], gi = (double)g[i], gx = gi * (double)x[i];
		sum[G][0] += gi;
		sum[GM][0] += gi * m;
		sum[GX][0] += gx;
		sum[GMX][0] += gx * m;
	}
	for (int64_t i = 0; b > 1 && i < o->pixels;) {
		const int64_t end = i + STRIP < o->pixels ? i + STRIP : o->pixels;
		vf part[SUMS][XL_VECS] = {{{0}}};
		for (; i < end; i++)
			for (int v = 0; v < XL_VECS; v++) {
				const int64_t at = i * XL_BLOCK + v * XL_LANES;
				const vf gi = *(const vf *)(g + at);
				const vf gx = gi * *(const vf *)(x + at);
				part[G][v] += gi;
				part[GM][v] += gi * o->m[i];
				part[GX][v] += gx;
				part[GMX][v] += gx * o->m[i];
			}
		for (int s = 0; s < SUMS; s++)
			flush(sum[s], part[s]);
	}
}

/* gx, and the gradients of f and b. */
static void channels_item(void *ctx, int64_t item)
{
	const struct blend *k = ctx;
	const struct plane o = plane_at(k, item);
	const float *x = k->in->x + o.at, *g = k->gy + o.at;
	const int64_t f = o.beta_f - k->in->f, c = k->d->c; /* of the first lane */
	const int b = k->d->b;
	double sum[SUMS][XL_BLOCK] = {{0}};
	float *gx = k->to->x + o.at;

	sum_plane(sum, &o, x, g, b);
	for (int l = 0; l < b; l++) {
		k->to->f[f + l] = (float)sum[GM][l];
		k->to->f[f + c + l] = (float)sum[GMX][l];
		k->to->b[f + l] = (float)(sum[G][l] - sum[GM][l]);
		k->to->b[f + c + l] = (float)(sum[GX][l] - sum[GMX][l]);
	}
	for (int64_t i = 0; i < o.pixels; i++)
		for (int l = 0; l < b; l++)
			gx[i * b + l] = g[i * b + l] *
					(o.m[i] * o.gamma_f[l] + (1 - o.m[i]) * o.gamma_b[l]);
}

/* The gradient of one row of the mask: a sum over channels. */
static void mask_item(void *ctx, int64_t item)
{
	const struct blend *k = ctx;
	const struct xl_dims *d = k->d;
	const int blocks = d->c / d->b;
	const int64_t n = item / d->h, row = item % d->h * d->w;
	float *gm = k->to->m + item * d->w;

	for (int w = 0; w < d->w; w++)
		gm[w] = 0;
	for (int cb = 0; cb < blocks; cb++) {
		const struct plane o = plane_at(k, n * blocks + cb);
		const int64_t at = o.at + row * d->b;
		const float *x = k->in->x + at, *g = k->gy + at;
		float gamma[XL_BLOCK], beta[XL_BLOCK];
		for (int l = 0; l < d->b; l++) {
			gamma[l] = o.gamma_f[l] - o.gamma_b[l];
			beta[l] = o.beta_f[l] - o.beta_b[l];
		}
		for (int w = 0; w < d->w; w++) {
			float part[XL_BLOCK];
			for (int l = 0; l < d->b; l++)
				part[l] = g[w * d->b + l] * (gamma[l] * x[w * d->b + l] + beta[l]);
			for (int l = 0; l < d->b; l++)
				gm[w] += part[l];
		}
	}
}

void XL_FN(xl_blend_bwd)(const struct xl_blend_grads *to, const float *gy,
			 const struct xl_blend *in, const struct xl_dims *d)
{
	struct blend k = {.to = to, .gy = gy, .in = in, .d = d};

	xl_parallel(channels_item, &k, (int64_t)d->n * d->c / d->b);
	xl_parallel(mask_item, &k, (int64_t)d->n * d->h);
}
