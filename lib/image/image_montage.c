/*
 * image_montage.c - pictures for people: sheets of labelled pictures, and masks
 * as heat maps. The letters are in image_font.c.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "image/image.h"
#include "image/pixels.h"

/* ---- heat map --------------------------------------------------------- */

/* The jet scale: blue, cyan, yellow, red; one colour of one of 256 steps. */
static int jet(int v, int colour)
{
	static const double top[3] = {3, 2, 1};
	double d = 4 * (v / 255.0) - top[colour], r;

	r = 1.5 - (d < 0 ? -d : d);
	return (int)(255 * (r < 0 ? 0 : r > 1 ? 1 : r) + 0.5);
}

static uint8_t clip_byte(double v)
{
	v += 0.5;
	return !(v > 0) ? 0 : v >= 255 ? 255 : (uint8_t)v; /* a NaN is 0 */
}

/* Masks are 0..1, but in bytes 0..255 as pictures are. */
static double mask_scale(const struct xl_tensor *mask)
{
	return mask->dtype == XL_U1 ? 1 : 255;
}

/* The mean over channels of a mask, as bytes (1,h,w) */
static struct xl_tensor *mask_bytes(const struct xl_tensor *mask)
{
	int64_t bands = mask->shape[0], n = mask->shape[1] * mask->shape[2];
	int64_t shape[3] = {1, mask->shape[1], mask->shape[2]};
	struct xl_tensor *f = xl_tensor_to(mask, XL_F4);
	struct xl_tensor *t = f ? xl_tensor_new(XL_U1, 3, shape) : NULL;

	for (int64_t i = 0; t && i < n; i++) {
		double sum = 0;
		for (int64_t c = 0; c < bands; c++)
			sum += ((const float *)f->data)[c * n + i];
		((uint8_t *)t->data)[i] = clip_byte(mask_scale(mask) * sum / (double)bands);
	}
	xl_tensor_free(f);
	return t;
}

static bool is_picture(const struct xl_tensor *t)
{
	return t->ndim == 3 && t->shape[0] > 0 && t->shape[1] > 0 && t->shape[2] > 0;
}

struct xl_tensor *xl_image_heat(const struct xl_tensor *image, const struct xl_tensor *mask,
				const struct xl_cells *g)
{
	char a[128], b[128];
	struct xl_tensor *small = NULL, *large = NULL, *out = NULL;

	if (!is_picture(image) || image->shape[0] != 3 || !is_picture(mask)) {
		xl_err("heat map: image %s and mask %s, not (3,H,W) and (1,h,w)",
		       xl_tensor_show(image, a, sizeof a), xl_tensor_show(mask, b, sizeof b));
		return NULL;
	}
	const int64_t h = image->shape[1], w = image->shape[2];
	const int64_t rows = h * g->ph / g->ih, columns = w * g->pw / g->iw;
	small = mask_bytes(mask);
	if (!small)
		goto out;
	struct xl_box all = {0, 0, mask->shape[2], mask->shape[1]};
	large = xl_image_resize(small, all, rows, columns);
	if (large)
		out = xl_image_to_u1(image);
	for (int64_t row = 0; out && row < 3 * h; row++) {
		uint8_t *p = (uint8_t *)out->data + row * w;
		const uint8_t *m = (const uint8_t *)large->data + row % h * columns;
		for (int64_t i = 0; i < w; i++)
			p[i] = clip_byte(0.75 * jet(m[i], (int)(row / h)) + 0.9 * p[i] - 20);
	}
out:
	xl_tensor_free(small);
	xl_tensor_free(large);
	return out;
}

/* ---- sheet of pictures ------------------------------------------------ */

struct sheet {
	struct xl_tensor *out;
	int64_t cell_h, cell_w; /* largest picture */
	int64_t head;           /* rows above a cell for its label, or 0 */
	int64_t zoom;           /* size of a pixel of the letters */
	int columns, gap;
};

enum { LETTER_W = 6, LETTER_H = 8, ENOUGH_LETTERS = 8 };

/* Letters grow with the pictures, so that a sheet can be read when shrunk. */
static int64_t letter_zoom(int64_t cell_w)
{
	return cell_w < 256 ? 1 : cell_w / 192 + 1;
}

/* Letters of a name without an extension, as ".png", which tells no pictures apart; a number
 * does. */
static int64_t stem_length(const char *name)
{
	const char *dot = strrchr(name, '.');

	if (!dot || dot == name || strlen(dot) > 5 || !isalpha((unsigned char)dot[1]))
		return (int64_t)strlen(name);
	return dot - name;
}

/* How many letters have room above a picture */
static int64_t letters_in(const struct sheet *s)
{
	return s->cell_w / (LETTER_W * s->zoom);
}

/* A label that has room, or enough of which has */
static bool is_legible(const struct sheet *s, const char *label)
{
	return label && *label &&
	       (letters_in(s) >= ENOUGH_LETTERS || stem_length(label) <= letters_in(s));
}

static int measure(struct sheet *s, const struct xl_tensor *const *tiles, const char *const *labels,
		   int n)
{
	char show[128];

	for (int i = 0; i < n; i++) {
		const struct xl_tensor *t = tiles[i];
		if (!t)
			continue;
		if (!is_picture(t) || (t->shape[0] != 1 && t->shape[0] != 3))
			return xl_err("%s is not a picture, (3,H,W) or (1,H,W)",
				      xl_tensor_show(t, show, sizeof show));
		s->cell_h = t->shape[1] > s->cell_h ? t->shape[1] : s->cell_h;
		s->cell_w = t->shape[2] > s->cell_w ? t->shape[2] : s->cell_w;
	}
	s->zoom = letter_zoom(s->cell_w);
	for (int i = 0; labels && i < n; i++)
		if (is_legible(s, labels[i]))
			s->head = (LETTER_H + 2) * s->zoom;
	return 0;
}

static uint8_t *pixel(const struct sheet *s, int64_t y, int64_t x)
{
	return (uint8_t *)s->out->data + y * s->out->shape[2] + x;
}

static void draw_dot(const struct sheet *s, int64_t y, int64_t x)
{
	int64_t plane = s->out->shape[1] * s->out->shape[2];

	for (int64_t c = 0; c < 3; c++)
		pixel(s, y, x)[c * plane] = 0;
}

static void draw_letter(const struct sheet *s, int64_t top, int64_t left, unsigned char letter)
{
	for (int64_t y = 0; y < LETTER_H * s->zoom; y++) {
		unsigned bits = xl_font_row(letter, (int)(y / s->zoom));
		for (int64_t x = 0; x < (LETTER_W - 1) * s->zoom; x++)
			if (bits >> (4 - x / s->zoom) & 1)
				draw_dot(s, top + y, left + x);
	}
}

/* A label that is too long loses its extension, then its middle: "a_long..name" */
static void draw_label(const struct sheet *s, int64_t top, int64_t left, const char *label)
{
	int64_t room = letters_in(s), n = (int64_t)strlen(label);

	n = n > room ? stem_length(label) : n;
	int64_t shown = n < room ? n : room, cut = (shown - 2) / 2;

	for (int64_t i = 0; i < shown; i++) {
		unsigned char c = (unsigned char)label[i];
		if (n > room && i >= cut)
			c = i < cut + 2 ? '.' : (unsigned char)label[n - shown + i];
		draw_letter(s, top, left + i * LETTER_W * s->zoom, c);
	}
}

static int draw_tile(const struct sheet *s, int64_t top, int64_t left, const struct xl_tensor *t)
{
	struct xl_tensor *u = xl_image_to_u1(t);
	int64_t plane = s->out->shape[1] * s->out->shape[2];

	if (!u)
		return -1;
	int64_t h = u->shape[1], w = u->shape[2];
	top += (s->cell_h - h) / 2;
	left += (s->cell_w - w) / 2;
	for (int64_t c = 0; c < 3; c++) {
		const uint8_t *from = (const uint8_t *)u->data + (u->shape[0] == 3 ? c * h * w : 0);
		for (int64_t y = 0; y < h; y++)
			memcpy(pixel(s, top + y, left) + c * plane, from + y * w, (size_t)w);
	}
	xl_tensor_free(u);
	return 0;
}

/* White paper of the right size; -1 with xl_err set when that is too large */
static int lay_paper(struct sheet *s, int n)
{
	int64_t rows = (n + s->columns - 1) / s->columns, columns = n < s->columns ? n : s->columns;
	int64_t h = rows * (s->cell_h + s->head) + (rows + 1) * s->gap;
	int64_t w = columns * s->cell_w + (columns + 1) * s->gap, shape[3] = {3, h, w};

	if (s->cell_h > XL_MAX_PIXELS / rows || s->cell_w > XL_MAX_PIXELS / columns ||
	    w > XL_MAX_PIXELS / h)
		return xl_err("a sheet of %lldx%lld pictures of %lldx%lld pixels is too large",
			      (long long)columns, (long long)rows, (long long)s->cell_w,
			      (long long)s->cell_h);
	s->out = xl_tensor_new(XL_U1, 3, shape);
	if (!s->out)
		return -1;
	memset(s->out->data, 255, xl_tensor_bytes(s->out));
	return 0;
}

struct xl_tensor *xl_image_montage(const struct xl_tensor *const *tiles, const char *const *labels,
				   int n, int columns, int gap)
{
	struct sheet s = {.cell_h = 1, .cell_w = 1, .columns = columns, .gap = gap};

	if (n < 1 || columns < 1 || gap < 0 || gap > 4096) {
		xl_err("%d pictures in %d columns, %d pixels apart: no sheet", n, columns, gap);
		return NULL;
	}
	if (measure(&s, tiles, labels, n) || lay_paper(&s, n))
		return NULL;
	for (int i = 0; i < n; i++) {
		int64_t top = gap + i / columns * (s.cell_h + s.head + gap);
		int64_t left = gap + i % columns * (s.cell_w + gap);
		if (s.head && is_legible(&s, labels[i]))
			draw_label(&s, top + s.zoom, left, labels[i]);
		if (tiles[i] && draw_tile(&s, top + s.head, left, tiles[i])) {
			xl_tensor_free(s.out);
			return NULL;
		}
	}
	return s.out;
}
