/*
 * image_resize.c - antialiased bilinear resize of bytes, equal bit for bit to
 * the Pillow library's: the same taps, weights rounded to 22 fractional bits,
 * integer sums, and a rounding to 8 bits after each pass.
 *
 * Rows first, then columns; a pass whose size does not change is skipped. Both
 * add weighted rows, many pixels at once: for the first pass, a strip of the
 * picture is laid on its side.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "image/image.h"
#include "image/pixels.h"

enum { FRACTION = 22, HALF = 1 << (FRACTION - 1), MAX_SIDE = 1 << 20 };

/* Rows that lie on their side together: those of a strip and of its result fit
 * into the first cache for pictures of usual size. A multiple of TURN. */
enum { STRIP = 64, TURN = 8 };

/* The source pixels of each output pixel, and their weights; those past the
 * last are 0. */
struct taps {
	int64_t most;    /* room for weights of one output pixel, a multiple of 4 */
	int32_t *weight; /* out * most */
	int64_t *first;  /* out */
	int64_t *count;  /* out */
};

static void taps_done(struct taps *t)
{
	free(t->weight);
	free(t->first);
	free(t->count);
}

/* Weights of one output pixel around its centre, of a triangle r wide each side */
static void weigh(struct taps *t, double *w, int64_t i, double centre, double r, int64_t in)
{
	int64_t lo = (int64_t)(centre - r + 0.5), hi = (int64_t)(centre + r + 0.5);
	double sum = 0;

	lo = lo < 0 ? 0 : lo;
	hi = hi > in ? in : hi;
	for (int64_t k = 0; k < hi - lo; k++) {
		double d = ((double)(k + lo) - centre + 0.5) * (1.0 / r);
		d = d < 0 ? -d : d;
		w[k] = d < 1 ? 1 - d : 0;
		sum += w[k];
	}
	for (int64_t k = 0; k < hi - lo; k++) {
		double v = sum != 0 ? w[k] / sum : 0;
		t->weight[i * t->most + k] = (int32_t)(0.5 + v * (1 << FRACTION));
	}
	t->first[i] = lo;
	t->count[i] = hi - lo;
}

static int taps_init(struct taps *t, int64_t in, int64_t out)
{
	double scale = (double)in / (double)out, r = scale < 1 ? 1 : scale;
	double *w;
	size_t n;

	memset(t, 0, sizeof *t);
	t->most = xl_round_up(2 * (int64_t)(r + 1) + 1, 4);
	if (xl_mul((size_t)out, (size_t)t->most, &n))
		return -1;
	w = xl_alloc((size_t)t->most, sizeof *w);
	t->weight = xl_alloc(n, sizeof *t->weight);
	t->first = xl_alloc((size_t)out, sizeof *t->first);
	t->count = xl_alloc((size_t)out, sizeof *t->count);
	if (!w || !t->weight || !t->first || !t->count) {
		free(w);
		taps_done(t);
		return -1;
	}
	for (int64_t i = 0; i < out; i++)
		weigh(t, w, i, ((double)i + 0.5) * scale, r, in);
	free(w);
	return 0;
}

/* ---- passes ------------------------------------------------------------ */

/* n rows of w pixels of one plane, `stride` bytes from one to the next. */
struct rows {
	uint8_t *at;
	int64_t n, w, stride;
};

static uint8_t clip(int32_t v)
{
	v >>= FRACTION;
	return (uint8_t)(v > 255 ? 255 : v);
}

/* The row that is k below the first of n; past them the last, whose weight is 0. */
static const uint8_t *row(const uint8_t *first, int64_t stride, int64_t k, int64_t n)
{
	return first + (k < n ? k : n - 1) * stride;
}

/* One row out of n, weighted; sum has room for one. Weights are not negative. */
XL_WIDE static void mix(struct rows to, const uint8_t *from, int64_t stride, const int32_t *weight,
			int64_t n, int32_t *restrict sum)
{
	uint8_t *restrict out = to.at;

	for (int64_t x = 0; x < to.w; x++)
		sum[x] = HALF;
	for (int64_t k = 0; k < n; k += 4) {
		const int32_t *w = weight + k;
		const uint8_t *a = row(from, stride, k, n), *b = row(from, stride, k + 1, n);
		const uint8_t *c = row(from, stride, k + 2, n), *d = row(from, stride, k + 3, n);
		for (int64_t x = 0; x < to.w; x++)
			sum[x] += w[0] * a[x] + w[1] * b[x] + w[2] * c[x] + w[3] * d[x];
	}
	for (int64_t x = 0; x < to.w; x++)
		out[x] = clip(sum[x]);
}

/* Each row of `to` out of the rows of `from` that its taps name. */
static void down(struct rows to, struct rows from, const struct taps *t, int32_t *sum)
{
	for (int64_t y = 0; y < to.n; y++, to.at += to.stride)
		mix(to, from.at + t->first[y] * from.stride, from.stride, t->weight + y * t->most,
		    t->count[y], sum);
}

/* Exchanges the upper part of each byte group in a with the lower part in b. */
static void swap(uint64_t *a, uint64_t *b, int bits, uint64_t mask)
{
	uint64_t t = (*a >> bits ^ *b) & mask;

	*a ^= t << bits;
	*b ^= t;
}

/* 8x8 pixels laid on their side, a row of them in a word (the first pixel lowest) */
static void turn_block(struct rows to, struct rows from)
{
	uint64_t v[TURN];

	for (int i = 0; i < TURN; i++)
		memcpy(&v[i], from.at + i * from.stride, TURN);
	for (int i = 0; i < 4; i++)
		swap(&v[i], &v[i + 4], 32, 0x00000000ffffffff);
	for (int i = 0; i < 2; i++) {
		swap(&v[i], &v[i + 2], 16, 0x0000ffff0000ffff);
		swap(&v[i + 4], &v[i + 6], 16, 0x0000ffff0000ffff);
	}
	for (int i = 0; i < TURN; i += 2)
		swap(&v[i], &v[i + 1], 8, 0x00ff00ff00ff00ff);
	for (int i = 0; i < TURN; i++)
		memcpy(to.at + i * to.stride, &v[i], TURN);
}

/* to[x][y] = from[y][x], all of `from` */
static void turn(struct rows to, struct rows from)
{
	const int64_t h = from.n - from.n % TURN, w = from.w - from.w % TURN;

	for (int64_t y = 0; y < h; y += TURN)
		for (int64_t x = 0; x < w; x += TURN)
			turn_block(
				(struct rows){.at = to.at + x * to.stride + y, .stride = to.stride},
				(struct rows){.at = from.at + y * from.stride + x,
					      .stride = from.stride});
	for (int64_t y = 0; y < from.n; y++)
		for (int64_t x = y < h ? w : 0; x < from.w; x++)
			to.at[x * to.stride + y] = from.at[y * from.stride + x];
}

/* What a resize needs besides its planes. */
struct work {
	struct taps across, down;
	uint8_t *side, *made; /* a strip on its side, and its result */
	uint8_t *mid;         /* what the first pass leaves to the second */
	int32_t *sum;
};

static void across(struct rows to, struct rows from, const struct work *k)
{
	struct rows side = {.at = k->side, .n = from.w, .w = STRIP, .stride = STRIP};
	struct rows made = {.at = k->made, .n = to.w, .w = STRIP, .stride = STRIP};

	turn(side, from);
	down(made, side, &k->across, k->sum);
	made.w = from.n;
	turn(to, made);
}

static struct rows part(struct rows r, int64_t y, int64_t n)
{
	r.at += y * r.stride;
	r.n = n < r.n - y ? n : r.n - y;
	return r;
}

static void resize_plane(struct rows to, struct rows from, const struct work *k)
{
	struct rows mid = {.at = k->mid, .n = from.n, .w = to.w, .stride = to.w};

	if (to.w == from.w)
		mid = from;
	else if (to.n == from.n)
		mid = to;
	for (int64_t y = 0; to.w != from.w && y < from.n; y += STRIP)
		across(part(mid, y, STRIP), part(from, y, STRIP), k);
	if (to.n != from.n)
		down(to, mid, &k->down, k->sum);
	for (int64_t y = 0; mid.at == from.at && to.n == from.n && y < to.n; y++)
		memcpy(to.at + y * to.stride, from.at + y * from.stride, (size_t)to.w);
}

static int check(const struct xl_tensor *t, struct xl_box b, int64_t oh, int64_t ow)
{
	char show[128];

	if (t->dtype != XL_U1 || t->ndim != 3)
		return xl_err("resize: %s is not a picture of bytes (C,H,W)",
			      xl_tensor_show(t, show, sizeof show));
	if (b.w < 1 || b.h < 1 || b.x < 0 || b.y < 0 || b.x > t->shape[2] - b.w ||
	    b.y > t->shape[1] - b.h)
		return xl_err("resize: %lldx%lld pixels at %lld,%lld do not lie in %s",
			      (long long)b.w, (long long)b.h, (long long)b.x, (long long)b.y,
			      xl_tensor_show(t, show, sizeof show));
	if (oh < 1 || ow < 1 || oh > MAX_SIDE || ow > MAX_SIDE)
		return xl_err("resize: %lldx%lld pixels cannot be made", (long long)ow,
			      (long long)oh);
	return 0;
}

static void work_done(struct work *k)
{
	taps_done(&k->across);
	taps_done(&k->down);
	free(k->side);
	free(k->made);
	free(k->mid);
	free(k->sum);
}

static int work_init(struct work *k, struct xl_box box, int64_t oh, int64_t ow)
{
	memset(k, 0, sizeof *k);
	if (taps_init(&k->across, box.w, ow) || taps_init(&k->down, box.h, oh))
		goto fail;
	k->side = xl_alloc((size_t)box.w, STRIP);
	k->made = xl_alloc((size_t)ow, STRIP);
	k->mid = xl_alloc((size_t)box.h, (size_t)ow);
	k->sum = xl_alloc((size_t)(ow > STRIP ? ow : STRIP), sizeof *k->sum);
	if (k->side && k->made && k->mid && k->sum)
		return 0;
fail:
	work_done(k);
	return -1;
}

struct xl_tensor *xl_image_resize(const struct xl_tensor *t, struct xl_box box, int64_t oh,
				  int64_t ow)
{
	struct xl_tensor *out;
	struct work k;

	if (check(t, box, oh, ow) || work_init(&k, box, oh, ow))
		return NULL;
	int64_t shape[3] = {t->shape[0], oh, ow}, h = t->shape[1], w = t->shape[2];
	out = xl_tensor_new(XL_U1, 3, shape);
	for (int64_t c = 0; out && c < shape[0]; c++) {
		struct rows to = {
			.at = (uint8_t *)out->data + c * oh * ow, .n = oh, .w = ow, .stride = ow};
		struct rows from = {.at = (uint8_t *)t->data + (c * h + box.y) * w + box.x,
				    .n = box.h,
				    .w = box.w,
				    .stride = w};
		resize_plane(to, from, &k);
	}
	work_done(&k);
	return out;
}
