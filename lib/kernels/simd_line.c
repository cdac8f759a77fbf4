/*
 * simd_line.c - convolutions of 1x3, 1x7 and their likes of stride 1, forward, with fewer
 * multiplications: Winograd's minimal filtering along a line; compiled once per
 * instruction set. What it rests on is told in simd_wino.c.
 *
 * A tile is M outputs of a line, from 2 K + 2 inputs, at 0, K pairs of points q and -q,
 * and infinity: 10 multiplications for 28 by F(4,7), 6 for 12 by F(4,3). A pair shares
 * its work. With E(x^2) the product of x^2 - r^2 over the other pairs, and Z(x^2) that
 * over all, the polynomials that interpolate are
 *
 *   at 0: Z(x^2)   at q: (x^2 + q x) E(x^2)   at -q: (x^2 - q x) E(x^2)   at infinity: x Z(x^2)
 *
 * so that E of the inputs 2, 4, .. plus or minus q times E of the inputs 1, 3, .. gives
 * both; likewise even and odd powers of q.
 */
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/simd_line.h"
#include "kernels/simd_wino.h"

enum {
	M = 4,
	MOST_PAIRS = 4,
	MOST = 2 * MOST_PAIRS + 2,
	MOST_TAPS = MOST - M + 1,
	BAND = 4 << 20,            /* bytes of the transformed tiles of a band, at most */
	WEIGHTS_IN_CACHE = 1 << 16 /* pairs of channels that cost as much as a tile */
};

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

/*
 * Measured over sets of small fractions, these are among those that round least: F(4,7)
 * leaves four times the error of sums as they are, F(4,3) no more than those. All numbers
 * of Z and E are exact.
 */
static const float three[] = {0.625f, 1.5f}, seven[] = {0.375f, 0.75f, 1.25f, 2};

/* Coefficients of x^0, x^2, ..; and 1 / (2 q^2 E(q^2)), which the weights are times. */
struct points {
	float q[MOST_PAIRS], z[MOST_PAIRS + 1], e[MOST_PAIRS][MOST_PAIRS], g[MOST_PAIRS];
};

struct line {
	const struct xl_conv2d_dims *d;
	const float *x, *w, *bias;
	float *y;
	struct points at;
	int taps, pairs, pad;
	int lines, in, out, tiles;              /* of an image; pixels and tiles of a line */
	int64_t x_line, y_line, x_step, y_step; /* floats to the next line, the next pixel */
	int first, images;                      /* the band */
	struct xl_panels u, tx, ty;
};

/* The product of x^2 - r^2 over all pairs but `skip`; returns its value at x. */
static double product(float *to, const float *r, int pairs, int skip, double x)
{
	double c[MOST_PAIRS + 1] = {1}, value = 1;
	int degree = 0;

	for (int i = 0; i < pairs; i++) {
		const double root = (double)r[i] * (double)r[i];

		if (i == skip)
			continue;
		for (int k = ++degree; k >= 0; k--)
			c[k] = (k > 0 ? c[k - 1] : 0) - root * (k < degree ? c[k] : 0);
		value *= x * x - root;
	}
	for (int k = 0; k <= degree; k++)
		to[k] = (float)c[k];
	return value;
}

static void find_points(struct line *l)
{
	const float *q = l->taps == 3 ? three : seven;
	struct points *p = &l->at;

	l->pairs = (l->taps + 1) / 2;
	product(p->z, q, l->pairs, -1, 0);
	for (int i = 0; i < l->pairs; i++) {
		const double x = (double)q[i];

		p->q[i] = q[i];
		p->g[i] = (float)(1 / (2 * x * x * product(p->e[i], q, l->pairs, i, x)));
	}
}

/* ---- the steps, of `pairs` known when compiled ---- */

/* t (M + taps - 1) inputs, at the points: 0, q and -q of each pair, infinity */
INLINE void inputs_at(vf *t, const struct points *p, const vf *x, int pairs)
{
	vf low = p->z[0] * x[0], high = p->z[0] * x[1];

	UNROLL for (int k = 1; k <= pairs; k++)
	{
		low += p->z[k] * x[2 * k];
		high += p->z[k] * x[2 * k + 1];
	}
	t[0] = low;
	t[2 * pairs + 1] = high;
	UNROLL for (int i = 0; i < pairs; i++)
	{
		vf even = p->e[i][0] * x[2], odd = p->e[i][0] * x[1];

		UNROLL for (int k = 1; k < pairs; k++)
		{
			even += p->e[i][k] * x[2 * k + 2];
			odd += p->e[i][k] * x[2 * k + 1];
		}
		t[2 * i + 1] = even + p->q[i] * odd;
		t[2 * i + 2] = even - p->q[i] * odd;
	}
}

INLINE void weights_at(vf *t, const struct points *p, const vf *w, int pairs)
{
	t[0] = w[0] / p->z[0];
	t[2 * pairs + 1] = w[2 * pairs - 2];
	UNROLL for (int i = 0; i < pairs; i++)
	{
		const float q = p->q[i], q2 = q * q;
		vf even = w[2 * pairs - 2], odd = w[2 * pairs - 3];

		UNROLL for (int k = pairs - 2; k >= 0; k--)
		{
			even = even * q2 + w[2 * k];
			if (k > 0)
				odd = odd * q2 + w[2 * k - 1];
		}
		t[2 * i + 1] = p->g[i] * (even + q * odd);
		t[2 * i + 2] = p->g[i] * (even - q * odd);
	}
}

/* y (M) from the products at the points */
INLINE void outputs_of(vf *y, const struct points *p, const vf *t, int pairs)
{
	y[0] = t[0];
	y[1] = y[2] = (vf){0};
	y[3] = t[2 * pairs + 1];
	UNROLL for (int i = 0; i < pairs; i++)
	{
		const vf even = t[2 * i + 1] + t[2 * i + 2];
		const vf odd = p->q[i] * (t[2 * i + 1] - t[2 * i + 2]);
		const float q2 = p->q[i] * p->q[i];

		y[0] += even;
		y[1] += odd;
		y[2] += q2 * even;
		y[3] += q2 * odd;
	}
}

/* ---- tiles and weights: an item is a plane of 16 channels, or 16 x 16 weights ---- */

INLINE void read_x(const struct line *l, int64_t item, int pairs)
{
	const int blocks = l->d->ci / XL_BLOCK, block = (int)(item % blocks);
	const int64_t image = item / blocks;
	const float *x =
		l->x + ((l->first + image) * blocks + block) * l->d->h * l->d->w * XL_BLOCK;
	float *out = l->tx.p + block * l->tx.panel + image * l->lines * l->tiles * XL_BLOCK;

	for (int i = 0; i < l->lines; i++, x += l->x_line)
		for (int j = 0; j < l->tiles; j++, out += XL_BLOCK)
			for (int v = 0; v < XL_BLOCK; v += XL_LANES) {
				vf in[MOST], t[MOST];

				UNROLL for (int e = 0; e < 2 * pairs + 2; e++)
				{
					const int at = j * M - l->pad + e;

					in[e] = (vf){0};
					if (at >= 0 && at < l->in)
						in[e] = *(const vf *)(x + at * l->x_step + v);
				}
				inputs_at(t, &l->at, in, pairs);
				UNROLL for (int e = 0; e < 2 * pairs + 2; e++) *
					(vf *)(out + e * l->tx.point + v) = t[e];
			}
}

INLINE void write_y(const struct line *l, int64_t item, int pairs)
{
	const int blocks = l->d->co / XL_BLOCK, block = (int)(item % blocks);
	const int64_t image = item / blocks;
	float *y = l->y + ((l->first + image) * blocks + block) * l->d->oh * l->d->ow * XL_BLOCK;
	const float *from = l->ty.p + block * l->ty.panel + image * l->lines * l->tiles * XL_BLOCK;

	for (int i = 0; i < l->lines; i++, y += l->y_line)
		for (int j = 0; j < l->tiles; j++, from += XL_BLOCK)
			for (int v = 0; v < XL_BLOCK; v += XL_LANES) {
				vf t[MOST], out[M], bias = {0};

				if (l->bias)
					bias = *(const vf *)(l->bias + block * XL_BLOCK + v);
				UNROLL for (int e = 0; e < 2 * pairs + 2; e++) t[e] =
					*(const vf *)(from + e * l->ty.point + v);
				outputs_of(out, &l->at, t, pairs);
				for (int e = 0; e < M && j * M + e < l->out; e++)
					*(vf *)(y + (j * M + e) * l->y_step + v) = out[e] + bias;
			}
}

/* Lanes are outputs. */
INLINE void read_w(const struct line *l, int64_t item, int pairs)
{
	const int blocks = l->d->ci / XL_BLOCK, taps = 2 * pairs - 1;
	const int64_t o = item / blocks, i0 = item % blocks * XL_BLOCK;
	const float *from = l->w + (o * XL_BLOCK * l->d->ci + i0) * taps;
	float *out = l->u.p + o * l->u.panel + i0 * XL_BLOCK;
	float w[XL_BLOCK * MOST_TAPS * XL_BLOCK]; /* (input, tap, output) */

	for (int c = 0; c < XL_BLOCK; c++)
		for (int k = 0; k < XL_BLOCK * taps; k++)
			w[k * XL_BLOCK + c] = from[(int64_t)c * l->d->ci * taps + k];
	for (int i = 0; i < XL_BLOCK; i++, out += XL_BLOCK)
		for (int v = 0; v < XL_BLOCK; v += XL_LANES) {
			vf in[MOST_TAPS], t[MOST];

			UNROLL for (int k = 0; k < taps; k++) in[k] =
				*(const vf *)(w + (i * taps + k) * XL_BLOCK + v);
			weights_at(t, &l->at, in, pairs);
			UNROLL for (int e = 0; e < 2 * pairs + 2; e++) *
				(vf *)(out + e * l->u.point + v) = t[e];
		}
}

#define STEP(NAME)                                                                                 \
	static void NAME##_item(void *ctx, int64_t item)                                           \
	{                                                                                          \
		const struct line *l = ctx;                                                        \
                                                                                                   \
		if (l->pairs == 4)                                                                 \
			NAME(l, item, 4);                                                          \
		else                                                                               \
			NAME(l, item, 2);                                                          \
	}
STEP(read_x)
STEP(write_y)
STEP(read_w)

/* ---- the whole ---- */

/* Odd numbers of rows keep panels and points from meeting in a cache. */
static struct xl_panels panels_at(float *scratch, int64_t *used, int64_t rows, int channels,
				  int points)
{
	const int64_t panel = (rows | 1) * XL_BLOCK;
	const int64_t point = (channels / XL_BLOCK * (rows | 1) | 1) * XL_BLOCK;
	const struct xl_panels at = {scratch ? scratch + *used : NULL, panel, point};

	*used += point * points;
	return at;
}

/* Which way the lines run, and what they consist of. */
static void find_lines(struct line *l, const struct xl_conv2d_dims *d)
{
	const bool is_row = d->kh == 1;

	l->d = d;
	l->taps = is_row ? d->kw : d->kh;
	l->pad = is_row ? d->pad_w : d->pad_h;
	l->lines = is_row ? d->h : d->w;
	l->in = is_row ? d->w : d->h;
	l->out = is_row ? d->ow : d->oh;
	l->tiles = (int)xl_div_up(l->out, M);
	l->x_line = is_row ? (int64_t)d->w * XL_BLOCK : XL_BLOCK;
	l->y_line = is_row ? (int64_t)d->ow * XL_BLOCK : XL_BLOCK;
	l->x_step = is_row ? XL_BLOCK : (int64_t)d->w * XL_BLOCK;
	l->y_step = is_row ? XL_BLOCK : (int64_t)d->ow * XL_BLOCK;
}

/* Lays the scratch out (NULL to measure); returns floats. */
static int64_t lay_out(struct line *l, const struct xl_conv2d_dims *d, float *scratch)
{
	int64_t used = 0, tiles, image, bands;

	find_lines(l, d);
	const int points = l->taps + M - 1;
	tiles = (int64_t)l->lines * l->tiles;
	image = points * tiles * (d->ci + d->co) * (int64_t)sizeof(float);
	bands = xl_div_up(d->n * image, BAND);
	l->images = (int)xl_div_up(d->n, bands < d->n ? bands : d->n);
	l->u = panels_at(scratch, &used, d->ci, d->co, points);
	l->tx = panels_at(scratch, &used, l->images * tiles, d->ci, points);
	l->ty = panels_at(scratch, &used, l->images * tiles, d->co, points);
	return used;
}

bool XL_FN(xl_line_suits)(const struct xl_conv2d_dims *d)
{
	const int taps = d->kh * d->kw;
	struct line l;

	if (xl_winograd() != M || d->stride != 1 || (d->kh != 1 && d->kw != 1) ||
	    (taps != 3 && taps != 7) || d->ci % XL_BLOCK || d->co % XL_BLOCK ||
	    d->mode != XL_PAD_ZERO || (d->kh == 1 ? d->pad_h : d->pad_w) > 0)
		return false;
	find_lines(&l, d);
	return (taps + M - 1) *
		       ((int64_t)l.lines * l.tiles + (int64_t)d->ci * d->co / WEIGHTS_IN_CACHE) <
	       (int64_t)taps * d->oh * d->ow;
}

size_t XL_FN(xl_line_scratch)(const struct xl_conv2d_dims *d)
{
	struct line l;

	return (size_t)lay_out(&l, d, NULL) * sizeof(float);
}

void XL_FN(xl_line_fwd)(float *y, const float *x, const float *w, const float *bias,
			const struct xl_conv2d_dims *d, void *scratch)
{
	struct line l = {.x = x, .w = w, .bias = bias, .y = y};

	lay_out(&l, d, scratch);
	find_points(&l);
	xl_parallel(read_w_item, &l, (int64_t)d->ci / XL_BLOCK * d->co / XL_BLOCK);
	for (const int most = l.images; l.first < d->n; l.first += most) {
		l.images = d->n - l.first < most ? d->n - l.first : most;
		xl_parallel(read_x_item, &l, (int64_t)l.images * d->ci / XL_BLOCK);
		XL_FN(xl_wino_gemm)
		(&(struct xl_wino_gemm){.c = l.ty,
					.a = l.tx,
					.b = l.u,
					.points = l.taps + M - 1,
					.rows = l.images * l.lines * l.tiles,
					.depth = d->ci,
					.cols = d->co});
		xl_parallel(write_y_item, &l, (int64_t)l.images * d->co / XL_BLOCK);
	}
}
