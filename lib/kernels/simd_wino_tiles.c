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
 * F(4,3) at 0, a, -a, b, -b and infinity. 5/8 and 3/2 leave a third of the error of
 * the usual 1 and 2, measured, and every number of A and B is exact.
 */
#define PA 0.625f
#define PB 1.5f
#define A2 (PA * PA)
#define B2 (PB * PB)
#define GA (1 / (2 * A2 * (A2 - B2)))
#define GB (1 / (2 * B2 * (B2 - A2)))

static const float bt4[6][6] = {
	{A2 * B2, 0, -A2 - B2, 0, 1, 0}, {0, -PA *B2, -B2, PA, 1, 0},
	{0, PA *B2, -B2, -PA, 1, 0},     {0, -PB *A2, -A2, PB, 1, 0},
	{0, PB *A2, -A2, -PB, 1, 0},     {0, A2 *B2, 0, -A2 - B2, 0, 1},
};
static const float g4[6][3] = {
	{1 / (A2 * B2), 0, 0}, {GA, PA *GA, A2 *GA},  {GA, -PA *GA, A2 *GA},
	{GB, PB *GB, B2 *GB},  {GB, -PB *GB, B2 *GB}, {0, 0, 1},
};
static const float at4[4][6] = {
	{1, 1, 1, 1, 1, 0},
	{0, PA, -PA, PB, -PB, 0},
	{0, A2, A2, B2, B2, 0},
	{0, PA *A2, -PA *A2, PB *B2, -PB *B2, 1},
};

/* F(2,3) at 0, 1, -1 and infinity; the sign of the first row is turned in B' and G. */
static const float bt2[4][4] = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}};
static const float g2[4][3] = {{1, 0, 0}, {.5f, .5f, .5f}, {.5f, -.5f, .5f}, {0, 0, 1}};
static const float at2[2][4] = {{1, 1, 1, 0}, {0, 1, -1, 1}};

/* A matrix, or by its steps the transpose of one. */
struct matrix {
	const float *v;
	int rows, cols, row, col;
};

INLINE struct matrix bt_of(int m)
{
	return m == 4 ? (struct matrix){&bt4[0][0], 6, 6, 6, 1}
		      : (struct matrix){&bt2[0][0], 4, 4, 4, 1};
}

INLINE struct matrix g_of(int m)
{
	return m == 4 ? (struct matrix){&g4[0][0], 6, 3, 3, 1}
		      : (struct matrix){&g2[0][0], 4, 3, 3, 1};
}

INLINE struct matrix at_of(int m)
{
	return m == 4 ? (struct matrix){&at4[0][0], 4, 6, 6, 1}
		      : (struct matrix){&at2[0][0], 2, 4, 4, 1};
}

INLINE struct matrix turned(struct matrix t)
{
	return (struct matrix){t.v, t.cols, t.rows, t.col, t.row};
}

/* The sum of a row of t times every `step`-th of x; zeros and ones cost nothing. */
INLINE vf dot(struct matrix t, int row, const vf *x, int step)
{
	vf s = {0};
	bool begun = false;

	UNROLL for (int j = 0; j < t.cols; j++)
	{
		const float f = t.v[row * t.row + j * t.col];
		if (f == 0)
			continue;
		s = begun ? s + f * x[j * step] : f * x[j * step];
		begun = true;
	}
	return s;
}

/* x := t x t' */
INLINE void both_sides(struct matrix t, vf *x)
{
	vf half[MOST];

	UNROLL for (int c = 0; c < t.cols; c++)
	{
		UNROLL for (int r = 0; r < t.rows; r++) half[r * t.cols + c] =
			dot(t, r, x + c, t.cols);
	}
	UNROLL for (int r = 0; r < t.rows; r++)
	{
		UNROLL for (int c = 0; c < t.rows; c++) x[r * t.rows + c] =
			dot(t, c, half + r * t.cols, 1);
	}
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

/* Whether a tile shows a square of x as it is, from at[0] + at[0] on. */
INLINE bool is_inside(const int *row_at, const int *col_at, int points, int w)
{
	const int last = points - 1;

	return row_at[0] >= 0 && col_at[0] >= 0 && row_at[last] - row_at[0] == last * w &&
	       col_at[last] - col_at[0] == last;
}

/* What a tile shows of x. */
INLINE void load_x(vf *t, const float *x, const int *row_at, const int *col_at, int points, int w)
{
	if (is_inside(row_at, col_at, points, w)) {
		x += ((int64_t)row_at[0] + col_at[0]) * XL_BLOCK;
		UNROLL for (int e = 0; e < points * points; e++) t[e] =
			*(const vf *)(x + ((int64_t)(e / points) * w + e % points) * XL_BLOCK);
		return;
	}
	UNROLL for (int e = 0; e < points * points; e++)
	{
		const int r = row_at[e / points], c = col_at[e % points];
		t[e] = (vf){0};
		if ((r | c) >= 0)
			t[e] = *(const vf *)(x + ((int64_t)r + c) * XL_BLOCK);
	}
}

/* gx, where the tile shows it, += t */
INLINE void add_x(float *gx, const vf *t, const int *row_at, const int *col_at, int points, int w)
{
	if (is_inside(row_at, col_at, points, w)) {
		gx += ((int64_t)row_at[0] + col_at[0]) * XL_BLOCK;
		UNROLL for (int e = 0; e < points * points; e++) *
			(vf *)(gx + ((int64_t)(e / points) * w + e % points) * XL_BLOCK) += t[e];
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
				load_x(t, x + l, k->row_at + i * m, k->col_at + j * m, m + 2, d->w);
				both_sides(bt_of(m), t);
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
				both_sides(turned(bt_of(m)), t);
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
				both_sides(turned(at_of(m)), t);
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
				both_sides(at_of(m), t);
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

/* Lanes are outputs. */
INLINE void read_w(const struct xl_wino *k, int64_t item, int m)
{
	const struct square s = square_of(k, item);
	float *out = k->u.p + s.o / XL_BLOCK * k->u.panel + s.i * XL_BLOCK;
	float w[XL_BLOCK * ALL * XL_BLOCK]; /* (input, tap, output) */

	turn(w, XL_BLOCK, k->w + s.at, s.step, XL_BLOCK, XL_BLOCK * ALL);
	for (int i = 0; i < XL_BLOCK; i++, out += XL_BLOCK)
		for (int l = 0; l < XL_BLOCK; l += XL_LANES) {
			vf t[MOST];
			UNROLL for (int e = 0; e < ALL; e++) t[e] =
				*(const vf *)(w + (i * ALL + e) * XL_BLOCK + l);
			both_sides(g_of(m), t);
			store_points(out + l, k->u.point, t, m + 2);
		}
}

/* Lanes are inputs. */
INLINE void turn_w(const struct xl_wino *k, int64_t item, int m)
{
	const struct square s = square_of(k, item);
	float *out = k->u.p + s.i / XL_BLOCK * k->u.panel + s.o * XL_BLOCK;
	float w[ALL * XL_BLOCK]; /* (tap, input) */

	for (int o = 0; o < XL_BLOCK; o++, out += XL_BLOCK) {
		turn(w, XL_BLOCK, k->w + s.at + o * s.step, ALL, XL_BLOCK, ALL);
		for (int l = 0; l < XL_BLOCK; l += XL_LANES) {
			vf t[MOST];
			UNROLL for (int e = 0; e < ALL; e++) t[e] =
				*(const vf *)(w + e * XL_BLOCK + l);
			both_sides(g_of(m), t);
			store_points(out + l, k->u.point, t, m + 2);
		}
	}
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
			both_sides(turned(g_of(m)), t);
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
