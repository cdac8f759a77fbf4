/*
 * simd_wino.c - 3x3 convolutions of stride 1 by Winograd's minimal filtering,
 * compiled once per instruction set.
 *
 * Along one axis, m outputs y of a filter g come from p = m + 2 inputs d. Seen as
 * polynomials, y is part of the transpose of a product of g (degree 2) with one of
 * degree m - 1, and a product is found from its values at p points (Toom and Cook):
 *
 *   y = A' [(G g) . (B' d)]
 *
 * G evaluates g at the points, A evaluates a polynomial of degree m - 1 there (the
 * last point is infinity: the highest coefficient), and B' transposes interpolation:
 * its row for the point q holds the coefficients of f(x) = the product of x - r over
 * the other points r, which for infinity is over all; G's row is divided by f(q). In
 * the plane each matrix acts on rows and columns, and a sum over channels becomes p^2
 * products of matrices, one for each pair of points, with p^2 multiplications where
 * 9 m^2 were needed: 36 for 144 by F(4,3), 16 for 36 by F(2,3).
 *
 * The adjoints are those of each step in turn. With U = G w G', X = B' x B,
 * Y = A gy A', and all tiles of x and y as rows:
 *
 *   y = A' (X U) A    gx = sum of B (Y U') B'    gw = G' (X' Y) G
 *
 * Maps are worked off in bands of rows of tiles, so that what a band needs stays in
 * the caches; padding is done by reading what the border shows.
 */
#include <assert.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/pad.h"
#include "kernels/simd_wino.h"

enum {
	TAPS = 3,
	MOST = 6,           /* points along an axis */
	BAND = 8 << 20,     /* bytes of the transformed tiles of a band, at most */
	ITEM = 8 << 10,     /* an item of work takes so many cycles at least, */
	TILE_COST = 150,    /* where one tile of one block takes so many */
	WEIGHTS_COST = 3000 /* and 16 x 16 weights these */
};

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 36")

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

/* F(2,3) at 0, 1, -1 and infinity; the sign of the first row is turned in both. */
static const float bt2[4][4] = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}};
static const float g2[4][3] = {{1, 0, 0}, {.5f, .5f, .5f}, {.5f, -.5f, .5f}, {0, 0, 1}};
static const float at2[2][4] = {{1, 1, 1, 0}, {0, 1, -1, 1}};

/* A matrix, `rows` x `cols`, or by its steps the transpose of one. */
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
	vf half[MOST * MOST];

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

/* One convolution, and the band of it at work. */
struct wino {
	const struct xl_conv2d_dims *d;
	const float *x, *w, *bias, *gy; /* given */
	float *y, *gx, *gw;             /* wanted */
	int m;                          /* outputs of a tile along an axis */
	int th, tw;                     /* tiles of one image */
	int row0, rows;                 /* of tiles, counted through the batch */
	struct xl_panels u, tx, ty;     /* at the points: weights, tiles of x, of y */
};

/* The tiles of one channel block of one image that are in the band. */
struct part {
	int64_t plane; /* n * blocks + block */
	int block;
	int from, to; /* rows of tiles */
	int64_t tile; /* of the first, in the band */
};

static struct part part_of(const struct wino *k, int64_t item, int channels)
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

/* What a tile's rows, or columns, from `first` on of the padded map show; -1: zero. */
INLINE void shown(int *at, int first, int points, int n, int pad, enum xl_pad_mode mode)
{
	for (int i = 0; i < points; i++)
		at[i] = first + i < n + 2 * pad ? xl_pad_source(first + i - pad, n, mode) : -1;
}

/* Tiles of x to the points. */
INLINE void read_x_of(const struct wino *k, int64_t item, int m)
{
	const struct xl_conv2d_dims *d = k->d;
	const int points = m + 2;
	const struct part p = part_of(k, item, d->ci);
	const float *x = k->x + p.plane * d->h * d->w * XL_BLOCK;
	float *out = k->tx.p + p.block * k->tx.panel + p.tile * XL_BLOCK;
	int rows[MOST], cols[MOST];

	for (int i = p.from; i < p.to; i++) {
		shown(rows, i * m, points, d->h, d->pad_h, d->mode);
		for (int j = 0; j < k->tw; j++, out += XL_BLOCK) {
			shown(cols, j * m, points, d->w, d->pad_w, d->mode);
			for (int l = 0; l < XL_BLOCK; l += XL_LANES) {
				vf t[MOST * MOST];
				UNROLL for (int e = 0; e < points * points; e++)
				{
					const int r = rows[e / points], c = cols[e % points];
					const float *at =
						x + ((int64_t)r * d->w + c) * XL_BLOCK + l;
					t[e] = (r | c) < 0 ? (vf){0} : *(const vf *)at;
				}
				both_sides(bt_of(m), t);
				UNROLL for (int e = 0; e < points * points; e++) *
					(vf *)(out + e * k->tx.point + l) = t[e];
			}
		}
	}
}

/* Tiles of y from the points. */
INLINE void write_y_of(const struct wino *k, int64_t item, int m)
{
	const struct xl_conv2d_dims *d = k->d;
	const int points = m + 2;
	const struct part p = part_of(k, item, d->co);
	float *y = k->y + p.plane * d->oh * d->ow * XL_BLOCK;
	const float *in = k->ty.p + p.block * k->ty.panel + p.tile * XL_BLOCK;

	for (int i = p.from; i < p.to; i++)
		for (int j = 0; j < k->tw; j++, in += XL_BLOCK)
			for (int l = 0; l < XL_BLOCK; l += XL_LANES) {
				vf t[MOST * MOST], bias = {0};
				if (k->bias)
					bias = *(const vf *)(k->bias + p.block * XL_BLOCK + l);
				UNROLL for (int e = 0; e < points * points; e++) t[e] =
					*(const vf *)(in + e * k->ty.point + l);
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

/* 16 weights (o) of 16 inputs: lanes are outputs. */
INLINE void read_w_of(const struct wino *k, int64_t item, int m)
{
	const int points = m + 2, ci = k->d->ci, blocks = ci / XL_BLOCK;
	const int o0 = (int)(item / blocks) * XL_BLOCK, i0 = (int)(item % blocks) * XL_BLOCK;
	const float *w = k->w + ((int64_t)o0 * ci + i0) * TAPS * TAPS;
	float *out = k->u.p + o0 / XL_BLOCK * k->u.panel + i0 * XL_BLOCK;
	float turned[XL_BLOCK * TAPS * TAPS][XL_BLOCK];

	for (int o = 0; o < XL_BLOCK; o++)
		for (int e = 0; e < XL_BLOCK * TAPS * TAPS; e++)
			turned[e][o] = w[(int64_t)o * ci * TAPS * TAPS + e];
	for (int i = 0; i < XL_BLOCK; i++, out += XL_BLOCK)
		for (int l = 0; l < XL_BLOCK; l += XL_LANES) {
			vf t[MOST * MOST];
			UNROLL for (int e = 0; e < TAPS * TAPS; e++) t[e] =
				*(const vf *)(turned[i * TAPS * TAPS + e] + l);
			both_sides(g_of(m), t);
			UNROLL for (int e = 0; e < points * points; e++) *
				(vf *)(out + e * k->u.point + l) = t[e];
		}
}

/* The same, turned: lanes are inputs. */
INLINE void read_w_turned_of(const struct wino *k, int64_t item, int m)
{
	const int points = m + 2, ci = k->d->ci, blocks = ci / XL_BLOCK;
	const int o0 = (int)(item / blocks) * XL_BLOCK, i0 = (int)(item % blocks) * XL_BLOCK;
	const float *w = k->w + ((int64_t)o0 * ci + i0) * TAPS * TAPS;
	float *out = k->u.p + i0 / XL_BLOCK * k->u.panel + o0 * XL_BLOCK;
	float taps[TAPS * TAPS][XL_BLOCK];

	for (int o = 0; o < XL_BLOCK; o++, out += XL_BLOCK, w += ci * TAPS * TAPS) {
		for (int i = 0; i < XL_BLOCK; i++)
			for (int e = 0; e < TAPS * TAPS; e++)
				taps[e][i] = w[i * TAPS * TAPS + e];
		for (int l = 0; l < XL_BLOCK; l += XL_LANES) {
			vf t[MOST * MOST];
			UNROLL for (int e = 0; e < TAPS * TAPS; e++) t[e] =
				*(const vf *)(taps[e] + l);
			both_sides(g_of(m), t);
			UNROLL for (int e = 0; e < points * points; e++) *
				(vf *)(out + e * k->u.point + l) = t[e];
		}
	}
}

/* Gradients of weights from the points: 16 inputs, the lanes, of 16 outputs. */
INLINE void write_w_of(const struct wino *k, int64_t item, int m)
{
	const int points = m + 2, ci = k->d->ci, blocks = ci / XL_BLOCK;
	const int o0 = (int)(item / blocks) * XL_BLOCK, i0 = (int)(item % blocks) * XL_BLOCK;
	float *gw = k->gw + ((int64_t)o0 * ci + i0) * TAPS * TAPS;
	const float *in = k->u.p + i0 / XL_BLOCK * k->u.panel + o0 * XL_BLOCK;
	float taps[TAPS * TAPS][XL_BLOCK];

	for (int o = 0; o < XL_BLOCK; o++, in += XL_BLOCK, gw += ci * TAPS * TAPS) {
		for (int l = 0; l < XL_BLOCK; l += XL_LANES) {
			vf t[MOST * MOST];
			UNROLL for (int e = 0; e < points * points; e++) t[e] =
				*(const vf *)(in + e * k->u.point + l);
			both_sides(turned(g_of(m)), t);
			UNROLL for (int e = 0; e < TAPS * TAPS; e++) * (vf *)(taps[e] + l) = t[e];
		}
		for (int i = 0; i < XL_BLOCK; i++)
			for (int e = 0; e < TAPS * TAPS; e++)
				gw[i * TAPS * TAPS + e] = taps[e][i];
	}
}

/* Tiles of gy to the points. */
INLINE void read_gy_of(const struct wino *k, int64_t item, int m)
{
	const struct xl_conv2d_dims *d = k->d;
	const int points = m + 2;
	const struct part p = part_of(k, item, d->co);
	const float *gy = k->gy + p.plane * d->oh * d->ow * XL_BLOCK;
	float *out = k->ty.p + p.block * k->ty.panel + p.tile * XL_BLOCK;

	for (int i = p.from; i < p.to; i++)
		for (int j = 0; j < k->tw; j++, out += XL_BLOCK)
			for (int l = 0; l < XL_BLOCK; l += XL_LANES) {
				vf t[MOST * MOST];
				UNROLL for (int e = 0; e < m * m; e++)
				{
					const int r = i * m + e / m, c = j * m + e % m;
					const float *at =
						gy + ((int64_t)r * d->ow + c) * XL_BLOCK + l;
					t[e] = r < d->oh && c < d->ow ? *(const vf *)at : (vf){0};
				}
				both_sides(turned(at_of(m)), t);
				UNROLL for (int e = 0; e < points * points; e++) *
					(vf *)(out + e * k->ty.point + l) = t[e];
			}
}

/* Tiles of gx from the points, each added to what its pixels showed. */
INLINE void add_gx_of(const struct wino *k, int64_t item, int m)
{
	const struct xl_conv2d_dims *d = k->d;
	const int points = m + 2;
	const struct part p = part_of(k, item, d->ci);
	float *gx = k->gx + p.plane * d->h * d->w * XL_BLOCK;
	const float *in = k->tx.p + p.block * k->tx.panel + p.tile * XL_BLOCK;
	int rows[MOST], cols[MOST];

	if (p.from == 0)
		memset(gx, 0, (size_t)(d->h * d->w * XL_BLOCK) * sizeof *gx);
	for (int i = p.from; i < p.to; i++) {
		shown(rows, i * m, points, d->h, d->pad_h, d->mode);
		for (int j = 0; j < k->tw; j++, in += XL_BLOCK) {
			shown(cols, j * m, points, d->w, d->pad_w, d->mode);
			for (int l = 0; l < XL_BLOCK; l += XL_LANES) {
				vf t[MOST * MOST];
				UNROLL for (int e = 0; e < points * points; e++) t[e] =
					*(const vf *)(in + e * k->tx.point + l);
				both_sides(turned(bt_of(m)), t);
				UNROLL for (int e = 0; e < points * points; e++)
				{
					const int r = rows[e / points], c = cols[e % points];
					float *at = gx + ((int64_t)r * d->w + c) * XL_BLOCK + l;
					if ((r | c) >= 0)
						*(vf *)at += t[e];
				}
			}
		}
	}
}

/* Constants for m let the compiler unroll the transforms. */
#define EITHER(NAME)                                                                               \
	static void NAME(const struct wino *k, int64_t item)                                       \
	{                                                                                          \
		if (k->m == 4)                                                                     \
			NAME##_of(k, item, 4);                                                     \
		else                                                                               \
			NAME##_of(k, item, 2);                                                     \
	}
EITHER(read_x)
EITHER(write_y)
EITHER(read_w)
EITHER(read_w_turned)
EITHER(write_w)
EITHER(read_gy)
EITHER(add_gx)

/* ---- running them ---- */

struct run {
	void (*fn)(const struct wino *k, int64_t item);
	const struct wino *k;
	int64_t n, step;
};

static void run_item(void *ctx, int64_t i)
{
	const struct run *r = ctx;

	for (int64_t j = i * r->step; j < (i + 1) * r->step && j < r->n; j++)
		r->fn(r->k, j);
}

/* fn for each of n, several to an item of work where they are small. */
static void run(void (*fn)(const struct wino *k, int64_t item), const struct wino *k, int64_t n,
		int64_t cost)
{
	struct run r = {fn, k, n, xl_div_up(ITEM, cost)};

	xl_parallel(run_item, &r, xl_div_up(n, r.step));
}

static void run_weights(void (*fn)(const struct wino *k, int64_t item), const struct wino *k)
{
	const int64_t blocks = (int64_t)k->d->co * k->d->ci / XL_BLOCK / XL_BLOCK;

	run(fn, k, blocks, WEIGHTS_COST);
}

/* For each plane of `channels` that has a part in the band. */
static void run_planes(void (*fn)(const struct wino *k, int64_t item), const struct wino *k,
		       int channels)
{
	const int images = (k->row0 + k->rows - 1) / k->th - k->row0 / k->th + 1;
	const int64_t tiles = (int64_t)k->rows * k->tw;

	run(fn, k, (int64_t)images * channels / XL_BLOCK, TILE_COST * tiles / images);
}

static void multiply(const struct wino *k, struct xl_panels c, struct xl_panels a,
		     struct xl_panels b, int depth, int cols)
{
	const struct xl_wino_gemm g = {.c = c,
				       .a = a,
				       .b = b,
				       .points = (k->m + 2) * (k->m + 2),
				       .rows = k->rows * k->tw,
				       .depth = depth,
				       .cols = cols};

	XL_FN(xl_wino_gemm)(&g);
}

/* Rows of tiles of all images, and how many of them make a band. */
static int all_rows(const struct wino *k)
{
	return k->d->n * k->th;
}

static int band_rows(const struct wino *k)
{
	const int64_t points = (k->m + 2) * (k->m + 2);
	const int64_t row = points * k->tw * (k->d->ci + k->d->co) * (int64_t)sizeof(float);
	const int64_t fit = BAND / row > 1 ? BAND / row : 1;
	/* bands as equal as can be */
	return (int)xl_div_up(all_rows(k), xl_div_up(all_rows(k), fit));
}

static bool next_band(struct wino *k)
{
	k->row0 += k->rows;
	k->rows = band_rows(k);
	if (k->rows > all_rows(k) - k->row0)
		k->rows = all_rows(k) - k->row0;
	return k->rows > 0;
}

/* Panels of `rows` rows for `channels`, from *used floats of the scratch on. An odd
 * number of rows between panels and between points keeps them from meeting in a cache. */
static struct xl_panels panels_at(const struct wino *k, float *scratch, int64_t *used, int64_t rows,
				  int channels)
{
	const int64_t panel = (rows | 1) * XL_BLOCK;
	const int64_t point = (channels / XL_BLOCK * (rows | 1) | 1) * XL_BLOCK;
	const struct xl_panels at = {scratch ? scratch + *used : NULL, panel, point};

	*used += point * (k->m + 2) * (k->m + 2);
	return at;
}

/* Lays the scratch out (NULL to measure) for weights as they are or turned; returns
 * floats. */
static int64_t lay_out(struct wino *k, const struct xl_conv2d_dims *d, bool turned_weights,
		       float *scratch)
{
	int64_t used = 0;

	k->d = d;
	k->m = xl_winograd();
	k->th = (int)xl_div_up(d->oh, k->m);
	k->tw = (int)xl_div_up(d->ow, k->m);
	const int64_t tiles = (int64_t)band_rows(k) * k->tw;
	k->u = turned_weights ? panels_at(k, scratch, &used, d->co, d->ci)
			      : panels_at(k, scratch, &used, d->ci, d->co);
	k->tx = panels_at(k, scratch, &used, tiles, d->ci);
	k->ty = panels_at(k, scratch, &used, tiles, d->co);
	return used;
}

size_t XL_FN(xl_wino_scratch)(const struct xl_conv2d_dims *d)
{
	struct wino k = {0};
	const int64_t fwd = lay_out(&k, d, false, NULL), bwd = lay_out(&k, d, true, NULL);

	return (size_t)(fwd > bwd ? fwd : bwd) * sizeof(float);
}

bool XL_FN(xl_wino_suits)(const struct xl_conv2d_dims *d)
{
	return xl_winograd() > 0 && d->kh == TAPS && d->kw == TAPS && d->stride == 1 &&
	       d->ci % XL_BLOCK == 0 && d->co % XL_BLOCK == 0;
}

void XL_FN(xl_wino_fwd)(float *y, const float *x, const float *w, const float *bias,
			const struct xl_conv2d_dims *d, void *scratch)
{
	struct wino k = {.y = y, .x = x, .w = w, .bias = bias};

	lay_out(&k, d, false, scratch);
	run_weights(read_w, &k);
	while (next_band(&k)) {
		run_planes(read_x, &k, d->ci);
		multiply(&k, k.ty, k.tx, k.u, d->ci, d->co);
		run_planes(write_y, &k, d->co);
	}
}

void XL_FN(xl_wino_bwd_x)(float *gx, const float *gy, const float *w,
			  const struct xl_conv2d_dims *d, void *scratch)
{
	struct wino k = {.gx = gx, .gy = gy, .w = w};

	lay_out(&k, d, true, scratch);
	run_weights(read_w_turned, &k);
	while (next_band(&k)) {
		run_planes(read_gy, &k, d->co);
		multiply(&k, k.tx, k.ty, k.u, d->co, d->ci);
		run_planes(add_gx, &k, d->ci);
	}
}

void XL_FN(xl_wino_bwd_w)(float *gw, const float *x, const float *gy,
			  const struct xl_conv2d_dims *d, void *scratch)
{
	struct wino k = {.gw = gw, .x = x, .gy = gy};

	lay_out(&k, d, true, scratch);
	while (next_band(&k)) {
		run_planes(read_x, &k, d->ci);
		run_planes(read_gy, &k, d->co);
		XL_FN(xl_wino_gemm)
		(&(struct xl_wino_gemm){.c = k.u,
					.a = k.ty,
					.b = k.tx,
					.points = (k.m + 2) * (k.m + 2),
					.rows = d->co,
					.depth = k.rows * k.tw,
					.cols = d->ci,
					.a_turned = true,
					.add = k.row0 > 0});
	}
	run_weights(write_w, &k);
}
