/*
 * simd_wino_tiles.c - tiles and weights to the points of Winograd's filtering and
 * back, see simd_wino.c; compiled once per instruction set.
 *
 * The last point is infinity. A polynomial's value there is its highest coefficient;
 * at another point q a row of A holds the powers of q. B' transposes interpolation:
 * its row for q holds the coefficients of f(x) = the product of x - r over the other
 * points r, for infinity over all. G holds powers again, divided by f(q).
 */
#include <string.h>
#include "kernels/simd_wino.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 36")

enum { TAPS = XL_WINO_TAPS, ALL = TAPS * TAPS, MOST = XL_WINO_POINTS * XL_WINO_POINTS };

/*
 * A transform of one row or column of a tile: out[k * os] from in[k * is]. A product by
 * A', B' or G and its adjoint follow each other; pairs of points q, -q share their
 * even and odd powers.
 */
typedef void line(vf *out, int os, const vf *in, int is);

/*
 * F(4,3) at 0, a, -a, b, -b and infinity. 5/8 and 3/2 leave a third of the error of
 * the usual 1 and 2, measured, and every number of A and B is exact.
 */
#define PA 0.625f
#define PB 1.5f
#define A2 (PA * PA)
#define B2 (PB * PB)
#define F0 (A2 * B2)            /* f(0) */
#define FA (2 * A2 * (A2 - B2)) /* f(a), f(-a) */
#define FB (2 * B2 * (B2 - A2))

/* B': f(x) is (x^2 - a^2)(x^2 - b^2) for 0, x (x + a)(x^2 - b^2) for a */
INLINE void bt4(vf *out, int os, const vf *in, int is)
{
	const vf even_a = in[4 * is] - B2 * in[2 * is], odd_a = in[3 * is] - B2 * in[is];
	const vf even_b = in[4 * is] - A2 * in[2 * is], odd_b = in[3 * is] - A2 * in[is];

	out[0] = in[4 * is] - (A2 + B2) * in[2 * is] + F0 * in[0];
	out[os] = even_a + PA * odd_a;
	out[2 * os] = even_a - PA * odd_a;
	out[3 * os] = even_b + PB * odd_b;
	out[4 * os] = even_b - PB * odd_b;
	out[5 * os] = in[5 * is] - (A2 + B2) * in[3 * is] + F0 * in[is];
}

INLINE void b4(vf *out, int os, const vf *in, int is)
{
	const vf even_a = in[is] + in[2 * is], odd_a = PA * (in[is] - in[2 * is]);
	const vf even_b = in[3 * is] + in[4 * is], odd_b = PB * (in[3 * is] - in[4 * is]);

	out[0] = F0 * in[0];
	out[os] = F0 * in[5 * is] - B2 * odd_a - A2 * odd_b;
	out[2 * os] = -(A2 + B2) * in[0] - B2 * even_a - A2 * even_b;
	out[3 * os] = odd_a + odd_b - (A2 + B2) * in[5 * is];
	out[4 * os] = in[0] + even_a + even_b;
	out[5 * os] = in[5 * is];
}

INLINE void at4(vf *out, int os, const vf *in, int is)
{
	const vf even_a = in[is] + in[2 * is], odd_a = PA * (in[is] - in[2 * is]);
	const vf even_b = in[3 * is] + in[4 * is], odd_b = PB * (in[3 * is] - in[4 * is]);

	out[0] = in[0] + even_a + even_b;
	out[os] = odd_a + odd_b;
	out[2 * os] = A2 * even_a + B2 * even_b;
	out[3 * os] = in[5 * is] + A2 * odd_a + B2 * odd_b;
}

INLINE void a4(vf *out, int os, const vf *in, int is)
{
	const vf even_a = in[0] + A2 * in[2 * is], odd_a = in[is] + A2 * in[3 * is];
	const vf even_b = in[0] + B2 * in[2 * is], odd_b = in[is] + B2 * in[3 * is];

	out[0] = in[0];
	out[os] = even_a + PA * odd_a;
	out[2 * os] = even_a - PA * odd_a;
	out[3 * os] = even_b + PB * odd_b;
	out[4 * os] = even_b - PB * odd_b;
	out[5 * os] = in[3 * is];
}

INLINE void g4(vf *out, int os, const vf *in, int is)
{
	const vf even_a = 1 / FA * in[0] + A2 / FA * in[2 * is];
	const vf even_b = 1 / FB * in[0] + B2 / FB * in[2 * is];

	out[0] = 1 / F0 * in[0];
	out[os] = even_a + PA / FA * in[is];
	out[2 * os] = even_a - PA / FA * in[is];
	out[3 * os] = even_b + PB / FB * in[is];
	out[4 * os] = even_b - PB / FB * in[is];
	out[5 * os] = in[2 * is];
}

INLINE void gt4(vf *out, int os, const vf *in, int is)
{
	const vf even_a = in[is] + in[2 * is], odd_a = in[is] - in[2 * is];
	const vf even_b = in[3 * is] + in[4 * is], odd_b = in[3 * is] - in[4 * is];

	out[0] = 1 / F0 * in[0] + 1 / FA * even_a + 1 / FB * even_b;
	out[os] = PA / FA * odd_a + PB / FB * odd_b;
	out[2 * os] = in[5 * is] + A2 / FA * even_a + B2 / FB * even_b;
}

/* F(2,3) at 0, 1, -1 and infinity; the sign of f(0) is turned in both B' and G. */
INLINE void bt2(vf *out, int os, const vf *in, int is)
{
	out[0] = in[0] - in[2 * is];
	out[os] = in[2 * is] + in[is];
	out[2 * os] = in[2 * is] - in[is];
	out[3 * os] = in[3 * is] - in[is];
}

INLINE void b2(vf *out, int os, const vf *in, int is)
{
	out[0] = in[0];
	out[os] = in[is] - in[2 * is] - in[3 * is];
	out[2 * os] = in[is] + in[2 * is] - in[0];
	out[3 * os] = in[3 * is];
}

INLINE void at2(vf *out, int os, const vf *in, int is)
{
	out[0] = in[0] + in[is] + in[2 * is];
	out[os] = in[is] - in[2 * is] + in[3 * is];
}

INLINE void a2(vf *out, int os, const vf *in, int is)
{
	out[0] = in[0];
	out[os] = in[0] + in[is];
	out[2 * os] = in[0] - in[is];
	out[3 * os] = in[is];
}

INLINE void g2(vf *out, int os, const vf *in, int is)
{
	const vf even = 0.5f * in[0] + 0.5f * in[2 * is];

	out[0] = in[0];
	out[os] = even + 0.5f * in[is];
	out[2 * os] = even - 0.5f * in[is];
	out[3 * os] = in[2 * is];
}

INLINE void gt2(vf *out, int os, const vf *in, int is)
{
	const vf even = 0.5f * (in[is] + in[2 * is]);

	out[0] = in[0] + even;
	out[os] = 0.5f * (in[is] - in[2 * is]);
	out[2 * os] = in[3 * is] + even;
}

/* All columns of in, whose rows and columns are `row` and `col` vectors apart, then all
 * rows of what came of them. */
INLINE void both(line *f, vf *out, int to, const vf *in, int from, int row, int col)
{
	vf half[MOST];

	UNROLL for (int c = 0; c < from; c++) f(half + c, from, in + c * col, row);
	UNROLL for (int r = 0; r < to; r++) f(out + r * to, 1, half + r * from, 1);
}

/* t, one vector for each point, from and to where `point` floats lie between */
INLINE void load_points(vf *t, const float *in, int64_t point, int points)
{
	UNROLL for (int e = 0; e < points * points; e++) t[e] = *(const vf *)(in + e * point);
}

INLINE void store_points(float *out, int64_t point, const vf *t, int points)
{
	UNROLL for (int e = 0; e < points * points; e++) * (vf *)(out + e * point) = t[e];
}

/* ---- tiles ---- */

/* The tiles of one plane that are in the band. */
struct part {
	int64_t plane; /* n * blocks + block */
	int block;
	int from, to; /* rows of tiles */
	int64_t tile; /* of the first, in the band */
};

static struct part part_of(const struct xl_wino *k, int64_t item, int channels)
{
	const int blocks = channels / XL_BLOCK, n = k->row0 / k->th + (int)(item / blocks);
	const int before = n * k->th - k->row0; /* rows of the band above the image */
	struct part p = {.block = (int)(item % blocks),
			 .from = before < 0 ? -before : 0,
			 .to = k->rows - before < k->th ? k->rows - before : k->th};

	p.plane = (int64_t)n * blocks + p.block;
	p.tile = (int64_t)(before + p.from) * k->tw;
	return p;
}

/* Whether a tile shows a square of x as it is. */
INLINE bool is_inside(const int *row_at, const int *col_at, int points, int w)
{
	const int last = points - 1;

	return row_at[0] >= 0 && col_at[0] >= 0 && row_at[last] - row_at[0] == last * w &&
	       col_at[last] - col_at[0] == last;
}

/* What a tile shows of x, to the points. */
INLINE void from_x(vf *t, const float *x, const int *row_at, const int *col_at, int m, int w)
{
	const int points = m + 2;
	int row = points, col = 1;
	vf shown[MOST];
	const vf *in = shown;

	if (is_inside(row_at, col_at, points, w)) {
		in = (const vf *)(x + ((int64_t)row_at[0] + col_at[0]) * XL_BLOCK);
		row = w * XL_VECS;
		col = XL_VECS;
	} else {
		UNROLL for (int e = 0; e < points * points; e++)
		{
			const int r = row_at[e / points], c = col_at[e % points];
			shown[e] = (vf){0};
			if ((r | c) >= 0)
				shown[e] = *(const vf *)(x + ((int64_t)r + c) * XL_BLOCK);
		}
	}
	both(m == 4 ? bt4 : bt2, t, points, in, points, row, col);
}

/* gx, where the tile shows it, += t */
INLINE void add_x(float *gx, const vf *t, const int *row_at, const int *col_at, int points, int w)
{
	if (is_inside(row_at, col_at, points, w)) {
		gx += ((int64_t)row_at[0] + col_at[0]) * XL_BLOCK;
		UNROLL for (int e = 0; e < points * points; e++)
		{
			vf *to = (vf *)(gx + ((int64_t)(e / points) * w + e % points) * XL_BLOCK);
			*to += t[e];
		}
		return;
	}
	UNROLL for (int e = 0; e < points * points; e++)
	{
		const int r = row_at[e / points], c = col_at[e % points];
		if ((r | c) >= 0)
			*(vf *)(gx + ((int64_t)r + c) * XL_BLOCK) += t[e];
	}
}

INLINE void read_x(const struct xl_wino *k, int64_t item, int m)
{
	const struct xl_conv2d_dims *d = k->d;
	const struct part p = part_of(k, item, d->ci);
	const float *x = k->x + p.plane * d->h * d->w * XL_BLOCK;
	float *out = k->tx.p + p.block * k->tx.panel + p.tile * XL_BLOCK;

	for (int i = p.from; i < p.to; i++)
		for (int j = 0; j < k->tw; j++, out += XL_BLOCK)
			for (int l = 0; l < XL_BLOCK; l += XL_LANES) {
				vf t[MOST];
				from_x(t, x + l, k->row_at + i * m, k->col_at + j * m, m, d->w);
				store_points(out + l, k->tx.point, t, m + 2);
			}
}

INLINE void add_gx(const struct xl_wino *k, int64_t item, int m)
{
	const struct xl_conv2d_dims *d = k->d;
	const struct part p = part_of(k, item, d->ci);
	float *gx = k->gx + p.plane * d->h * d->w * XL_BLOCK;
	const float *in = k->tx.p + p.block * k->tx.panel + p.tile * XL_BLOCK;

	if (p.from == 0)
		memset(gx, 0, (size_t)d->h * (size_t)d->w * XL_BLOCK * sizeof *gx);
	for (int i = p.from; i < p.to; i++)
		for (int j = 0; j < k->tw; j++, in += XL_BLOCK)
			for (int l = 0; l < XL_BLOCK; l += XL_LANES) {
				vf t[MOST];
				load_points(t, in + l, k->tx.point, m + 2);
				both(m == 4 ? b4 : b2, t, m + 2, t, m + 2, m + 2, 1);
				add_x(gx + l, t, k->row_at + i * m, k->col_at + j * m, m + 2, d->w);
			}
}

INLINE void read_gy(const struct xl_wino *k, int64_t item, int m)
{
	const struct xl_conv2d_dims *d = k->d;
	const struct part p = part_of(k, item, d->co);
	const float *gy = k->gy + p.plane * d->oh * d->ow * XL_BLOCK;
	float *out = k->ty.p + p.block * k->ty.panel + p.tile * XL_BLOCK;

	for (int i = p.from; i < p.to; i++)
		for (int j = 0; j < k->tw; j++, out += XL_BLOCK)
			for (int l = 0; l < XL_BLOCK; l += XL_LANES) {
				vf t[MOST];
				UNROLL for (int e = 0; e < m * m; e++)
				{
					const int r = i * m + e / m, c = j * m + e % m;
					const float *at =
						gy + ((int64_t)r * d->ow + c) * XL_BLOCK + l;
					t[e] = (vf){0};
					if (r < d->oh && c < d->ow)
						t[e] = *(const vf *)at;
				}
				both(m == 4 ? a4 : a2, t, m + 2, t, m, m, 1);
				store_points(out + l, k->ty.point, t, m + 2);
			}
}

INLINE void write_y(const struct xl_wino *k, int64_t item, int m)
{
	const struct xl_conv2d_dims *d = k->d;
	const struct part p = part_of(k, item, d->co);
	float *y = k->y + p.plane * d->oh * d->ow * XL_BLOCK;
	const float *in = k->ty.p + p.block * k->ty.panel + p.tile * XL_BLOCK;

	for (int i = p.from; i < p.to; i++)
		for (int j = 0; j < k->tw; j++, in += XL_BLOCK)
			for (int l = 0; l < XL_BLOCK; l += XL_LANES) {
				vf t[MOST], bias = {0};
				if (k->bias)
					bias = *(const vf *)(k->bias + p.block * XL_BLOCK + l);
				load_points(t, in + l, k->ty.point, m + 2);
				both(m == 4 ? at4 : at2, t, m, t, m + 2, m + 2, 1);
				UNROLL for (int e = 0; e < m * m; e++)
				{
					const int r = i * m + e / m, c = j * m + e % m;
					float *at = y + ((int64_t)r * d->ow + c) * XL_BLOCK + l;
					if (r < d->oh && c < d->ow)
						*(vf *)at = t[e] + bias;
				}
			}
}

/* ---- weights ---- */

/* out (cols,rows) = in (rows,cols) turned, by squares of four and what they leave */
INLINE void turn(float *out, int64_t out_step, const float *in, int64_t in_step, int rows, int cols)
{
	const int whole_rows = rows / 4 * 4, whole_cols = cols / 4 * 4;

	for (int r = 0; r < whole_rows; r += 4)
		for (int c = 0; c < whole_cols; c += 4) {
			v4 s[4];
			for (int i = 0; i < 4; i++)
				s[i] = *(const v4 *)(in + (r + i) * in_step + c);
			xl_transpose4(s);
			for (int i = 0; i < 4; i++)
				*(v4 *)(out + (c + i) * out_step + r) = s[i];
		}
	for (int r = 0; r < rows; r++)
		for (int c = r < whole_rows ? whole_cols : 0; c < cols; c++)
			out[c * out_step + r] = in[r * in_step + c];
}

/* The first output and input of an item, and where its weights lie. */
struct square {
	int o, i;
	int64_t at, step; /* step: to the next output */
};

static struct square square_of(const struct xl_wino *k, int64_t item)
{
	const int blocks = k->d->ci / XL_BLOCK;
	const int o = (int)(item / blocks) * XL_BLOCK, i = (int)(item % blocks) * XL_BLOCK;
	const int64_t step = (int64_t)k->d->ci * ALL;

	return (struct square){o, i, o * step + i * ALL, step};
}

/* w (16, tap, lane) to the points, one row after the other. */
INLINE void transform_w(const struct xl_wino *k, float *out, const float *w, int m)
{
	for (int i = 0; i < XL_BLOCK; i++, out += XL_BLOCK, w += ALL * XL_BLOCK)
		for (int l = 0; l < XL_BLOCK; l += XL_LANES) {
			vf t[MOST];
			both(m == 4 ? g4 : g2, t, m + 2, (const vf *)(w + l), TAPS, TAPS * XL_VECS,
			     XL_VECS);
			store_points(out + l, k->u.point, t, m + 2);
		}
}

/* Lanes are outputs. */
INLINE void read_w(const struct xl_wino *k, int64_t item, int m)
{
	const struct square s = square_of(k, item);
	float *out = k->u.p + s.o / XL_BLOCK * k->u.panel + s.i * XL_BLOCK;
	float w[XL_BLOCK * ALL * XL_BLOCK]; /* (input, tap, output) */

	turn(w, XL_BLOCK, k->w + s.at, s.step, XL_BLOCK, XL_BLOCK * ALL);
	transform_w(k, out, w, m);
}

/* Lanes are inputs. */
INLINE void turn_w(const struct xl_wino *k, int64_t item, int m)
{
	const struct square s = square_of(k, item);
	float *out = k->u.p + s.i / XL_BLOCK * k->u.panel + s.o * XL_BLOCK;
	float w[XL_BLOCK * ALL * XL_BLOCK]; /* (output, tap, input) */

	/* all before any is read: a vector just stored in parts is slow to load */
	for (int o = 0; o < XL_BLOCK; o++)
		turn(w + o * ALL * XL_BLOCK, XL_BLOCK, k->w + s.at + o * s.step, ALL, XL_BLOCK,
		     ALL);
	transform_w(k, out, w, m);
}

INLINE void write_gw(const struct xl_wino *k, int64_t item, int m)
{
	const struct square s = square_of(k, item);
	const float *in = k->u.p + s.i / XL_BLOCK * k->u.panel + s.o * XL_BLOCK;
	float w[ALL * XL_BLOCK];

	for (int o = 0; o < XL_BLOCK; o++, in += XL_BLOCK) {
		for (int l = 0; l < XL_BLOCK; l += XL_LANES) {
			vf t[MOST];
			load_points(t, in + l, k->u.point, m + 2);
			both(m == 4 ? gt4 : gt2, t, TAPS, t, m + 2, m + 2, 1);
			UNROLL for (int e = 0; e < ALL; e++) * (vf *)(w + e * XL_BLOCK + l) = t[e];
		}
		turn(k->gw + s.at + o * s.step, ALL, w, XL_BLOCK, ALL, XL_BLOCK);
	}
}

/* A constant m lets the compiler unroll the steps. */
#define STEP(NAME)                                                                                 \
	void XL_FN(xl_wino_##NAME)(const struct xl_wino *k, int64_t item)                          \
	{                                                                                          \
		if (k->m == 4)                                                                     \
			NAME(k, item, 4);                                                          \
		else                                                                               \
			NAME(k, item, 2);                                                          \
	}
STEP(read_x)
STEP(add_gx)
STEP(read_gy)
STEP(write_y)
STEP(read_w)
STEP(turn_w)
STEP(write_gw)
