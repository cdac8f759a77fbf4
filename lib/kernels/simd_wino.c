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
 * G evaluates g at the points, A evaluates a polynomial of degree m - 1 there, and B'
 * transposes interpolation. In the plane each matrix acts on rows and columns, and a
 * sum over channels becomes p^2 products of matrices, one for each pair of points,
 * with p^2 multiplications where 9 m^2 were needed: 36 for 144 by F(4,3), 16 for 36
 * by F(2,3).
 *
 * The adjoints are those of each step in turn. With U = G w G', X = B' x B,
 * Y = A gy A', and all tiles of x and y as rows:
 *
 *   y = A' (X U) A    gx = sum of B (Y U') B'    gw = G' (X' Y) G
 *
 * Maps are worked off in bands of rows of tiles, so that what a band needs stays in
 * the caches; padding is done by reading what the border shows.
 *
 * Source: Lavin and Gray 2016, sections 4.1 to 4.3.
 */
#include "core/mem.h"
#include "core/pool.h"
#include "kernels/pad.h"
#include "kernels/simd_wino.h"

enum {
	BAND = 16 << 20,           /* bytes of the transformed tiles of a band, at most */
	ITEM = 8 << 10,            /* an item of work takes so many cycles at least, */
	TILE_COST = 150,           /* where one tile of one block takes so many */
	WEIGHTS_COST = 3000,       /* and 16 x 16 weights these */
	WEIGHTS_IN_CACHE = 1 << 16 /* more pairs of channels are slower, see cost_of */
};

/* Multiplications of an image by F(m,3), for each pair of channels. To transform the
 * weights, which a batch shares, takes as long as a few tiles. */
static int64_t cost_of(const struct xl_conv2d_dims *d, int m)
{
	const int64_t tiles = xl_div_up(d->oh, m) * xl_div_up(d->ow, m);
	const int64_t weights = 2 + (int64_t)d->ci * d->co / WEIGHTS_IN_CACHE;

	return (m + 2) * (m + 2) * (tiles + weights);
}

/* The m to use, at most as large as is allowed; 0 where no other way is quicker. */
static int form_of(const struct xl_conv2d_dims *d)
{
	int64_t least = (int64_t)d->oh * d->ow * XL_WINO_TAPS * XL_WINO_TAPS;
	int best = 0;

	for (int m = 2; m <= xl_winograd(); m += 2)
		if (cost_of(d, m) < least) {
			least = cost_of(d, m);
			best = m;
		}
	return best;
}

struct run {
	void (*fn)(const struct xl_wino *k, int64_t item);
	const struct xl_wino *k;
	int64_t n, step;
};

static void run_item(void *ctx, int64_t i)
{
	const struct run *r = ctx;

	for (int64_t j = i * r->step; j < (i + 1) * r->step && j < r->n; j++)
		r->fn(r->k, j);
}

/* fn for each of n, several to an item of work where they are small. */
static void run(void (*fn)(const struct xl_wino *k, int64_t item), const struct xl_wino *k,
		int64_t n, int64_t cost)
{
	struct run r = {fn, k, n, xl_div_up(ITEM, cost)};

	xl_parallel(run_item, &r, xl_div_up(n, r.step));
}

static void run_weights(void (*fn)(const struct xl_wino *k, int64_t item), const struct xl_wino *k)
{
	const int64_t blocks = (int64_t)k->d->co * k->d->ci / XL_BLOCK / XL_BLOCK;

	run(fn, k, blocks, WEIGHTS_COST);
}

/* For each plane of `channels` that has a part in the band. */
static void run_planes(void (*fn)(const struct xl_wino *k, int64_t item), const struct xl_wino *k,
		       int channels)
{
	const int images = (k->row0 + k->rows - 1) / k->th - k->row0 / k->th + 1;
	const int64_t tiles = (int64_t)k->rows * k->tw;

	run(fn, k, (int64_t)images * channels / XL_BLOCK, TILE_COST * tiles / images);
}

static void multiply(const struct xl_wino *k, struct xl_panels c, struct xl_panels a,
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
static int all_rows(const struct xl_wino *k)
{
	return k->d->n * k->th;
}

static int band_rows(const struct xl_wino *k)
{
	const int64_t points = (k->m + 2) * (k->m + 2);
	const int64_t row = points * k->tw * (k->d->ci + k->d->co) * (int64_t)sizeof(float);
	const int64_t fit = BAND / row > 1 ? BAND / row : 1;
	/* bands as equal as can be */
	return (int)xl_div_up(all_rows(k), xl_div_up(all_rows(k), fit));
}

static bool next_band(struct xl_wino *k)
{
	k->row0 += k->rows;
	k->rows = band_rows(k);
	if (k->rows > all_rows(k) - k->row0)
		k->rows = all_rows(k) - k->row0;
	return k->rows > 0;
}

/* Panels of `rows` rows for `channels`, from *used floats of the scratch on. An odd
 * number of rows between panels and between points keeps them from meeting in a cache. */
static struct xl_panels panels_at(const struct xl_wino *k, float *scratch, int64_t *used,
				  int64_t rows, int channels)
{
	const int64_t panel = (rows | 1) * XL_BLOCK;
	const int64_t point = (channels / XL_BLOCK * (rows | 1) | 1) * XL_BLOCK;
	const struct xl_panels at = {scratch ? scratch + *used : NULL, panel, point};

	*used += point * (k->m + 2) * (k->m + 2);
	return at;
}

/* What each of the places that `tiles` tiles show along an axis of n is, times step. */
static void find_shown(int *at, int tiles, int m, int n, int pad, enum xl_pad_mode mode, int step)
{
	for (int i = 0; i < tiles * m + 2; i++) {
		const int source = i < n + 2 * pad ? xl_pad_source(i - pad, n, mode) : -1;
		at[i] = source < 0 ? -1 : source * step;
	}
}

/* Lays the scratch out (NULL to measure), for weights as they are or turned; returns
 * floats. */
static int64_t lay_out(struct xl_wino *k, const struct xl_conv2d_dims *d, bool turned,
		       float *scratch)
{
	int64_t used = 0;

	k->d = d;
	k->m = form_of(d);
	k->th = (int)xl_div_up(d->oh, k->m);
	k->tw = (int)xl_div_up(d->ow, k->m);
	const int64_t tiles = (int64_t)band_rows(k) * k->tw;
	k->u = turned ? panels_at(k, scratch, &used, d->co, d->ci)
		      : panels_at(k, scratch, &used, d->ci, d->co);
	k->tx = panels_at(k, scratch, &used, tiles, d->ci);
	k->ty = panels_at(k, scratch, &used, tiles, d->co);
	const int rows = k->th * k->m + 2, cols = k->tw * k->m + 2;
	if (scratch) {
		k->row_at = (int *)(void *)(scratch + used);
		k->col_at = k->row_at + rows;
		find_shown(k->row_at, k->th, k->m, d->h, d->pad_h, d->mode, d->w);
		find_shown(k->col_at, k->tw, k->m, d->w, d->pad_w, d->mode, 1);
	}
	return used + rows + cols;
}

_Static_assert(sizeof(int) == sizeof(float), "an index takes the place of a float");

size_t XL_FN(xl_wino_scratch)(const struct xl_conv2d_dims *d)
{
	struct xl_wino k = {0};
	const int64_t fwd = lay_out(&k, d, false, NULL), bwd = lay_out(&k, d, true, NULL);

	return (size_t)(fwd > bwd ? fwd : bwd) * sizeof(float);
}

bool XL_FN(xl_wino_suits)(const struct xl_conv2d_dims *d)
{
	return d->kh == XL_WINO_TAPS && d->kw == XL_WINO_TAPS && d->stride == 1 &&
	       d->ci % XL_BLOCK == 0 && d->co % XL_BLOCK == 0 && form_of(d) > 0;
}

void XL_FN(xl_wino_fwd)(float *y, const float *x, const float *w, const float *bias,
			const struct xl_conv2d_dims *d, void *scratch)
{
	struct xl_wino k = {.y = y, .x = x, .w = w, .bias = bias};

	lay_out(&k, d, false, scratch);
	run_weights(XL_FN(xl_wino_read_w), &k);
	while (next_band(&k)) {
		run_planes(XL_FN(xl_wino_read_x), &k, d->ci);
		multiply(&k, k.ty, k.tx, k.u, d->ci, d->co);
		run_planes(XL_FN(xl_wino_write_y), &k, d->co);
	}
}

void XL_FN(xl_wino_bwd_x)(float *gx, const float *gy, const float *w,
			  const struct xl_conv2d_dims *d, void *scratch)
{
	struct xl_wino k = {.gx = gx, .gy = gy, .w = w};

	lay_out(&k, d, true, scratch);
	run_weights(XL_FN(xl_wino_turn_w), &k);
	while (next_band(&k)) {
		run_planes(XL_FN(xl_wino_read_gy), &k, d->co);
		multiply(&k, k.tx, k.ty, k.u, d->co, d->ci);
		run_planes(XL_FN(xl_wino_add_gx), &k, d->ci);
	}
}

void XL_FN(xl_wino_bwd_w)(float *gw, const float *x, const float *gy,
			  const struct xl_conv2d_dims *d, void *scratch)
{
	struct xl_wino k = {.gw = gw, .x = x, .gy = gy};

	lay_out(&k, d, true, scratch);
	while (next_band(&k)) {
		run_planes(XL_FN(xl_wino_read_x), &k, d->ci);
		run_planes(XL_FN(xl_wino_read_gy), &k, d->co);
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
	run_weights(XL_FN(xl_wino_write_gw), &k);
}
