/*
 * scatter.c - points of a plane as PNG or SVG.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/file.h"
#include "core/mem.h"
#include "image/image.h"
#include "image/picture_kind.h"
#include "image/pixels.h"
#include "image/scatter.h"

enum {
	COLOURS = 10,
	RADIUS = 3,
	ARM = 4,
	ROW = 24,    /* of the legend, in pixels */
	COLUMNS = 4, /* names in a row */
	GLYPH = 12,  /* pixels of a letter, the font doubled */
	SHOWN = 18,  /* letters of a name */
};

static const uint8_t colours[COLOURS][3] = {
	{220, 20, 60},  {30, 60, 220}, {20, 150, 60},   {240, 150, 20},  {140, 50, 180},
	{20, 180, 190}, {130, 80, 40}, {240, 110, 190}, {110, 110, 110}, {170, 180, 30}};

/* ---- where things are --------------------------------------------------- */

struct frame {
	double middle[2], scale; /* pixels for one unit */
};

static struct frame frame_of(const struct xl_scatter *s)
{
	double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY}, side = 0;
	struct frame f = {.scale = 1};

	for (int64_t i = 0; i < 2 * s->n; i++) {
		low[i % 2] = fmin(low[i % 2], s->y[i]);
		high[i % 2] = fmax(high[i % 2], s->y[i]);
	}
	for (int a = 0; s->n > 0 && a < 2; a++) {
		f.middle[a] = (low[a] + high[a]) / 2;
		side = fmax(side, high[a] - low[a]);
	}
	if (side > 0)
		f.scale = 0.9 * XL_SCATTER_SIDE / side;
	return f;
}

static void place(const struct frame *f, const double *y, double at[2])
{
	at[0] = XL_SCATTER_SIDE / 2.0 + f->scale * (y[0] - f->middle[0]);
	at[1] = XL_SCATTER_SIDE / 2.0 - f->scale * (y[1] - f->middle[1]);
}

static bool is_cross(const struct xl_scatter *s, int group)
{
	return s->groups == 2 ? group == 1 : group >= COLOURS;
}

static int height(const struct xl_scatter *s)
{
	const int rows = s->groups > 1 ? (int)xl_div_up(s->groups, COLUMNS) : 0;

	return XL_SCATTER_SIDE + rows * ROW;
}

/* The mark of a group in the legend; its name follows. */
static void legend_at(int group, double at[2])
{
	at[0] = 20 + group % COLUMNS * (XL_SCATTER_SIDE / COLUMNS);
	at[1] = XL_SCATTER_SIDE + group / COLUMNS * ROW + ROW / 2 - 4;
}

/* ---- pixels ------------------------------------------------------------- */

static void dot(struct xl_tensor *t, int64_t x, int64_t y, const uint8_t *colour)
{
	const int64_t h = t->shape[1], w = t->shape[2];

	for (int c = 0; c < 3 && x >= 0 && x < w && y >= 0 && y < h; c++)
		((uint8_t *)t->data)[(c * h + y) * w + x] = colour[c];
}

static void mark(struct xl_tensor *t, const double at[2], int group, bool cross)
{
	const int64_t x = (int64_t)floor(at[0]), y = (int64_t)floor(at[1]);
	const uint8_t *colour = colours[group % COLOURS];

	for (int k = -ARM; cross && k <= ARM; k++) {
		dot(t, x + k, y + k, colour);
		dot(t, x + k, y - k, colour);
	}
	for (int dy = -RADIUS; !cross && dy <= RADIUS; dy++)
		for (int dx = -RADIUS; dx <= RADIUS; dx++)
			if (dx * dx + dy * dy <= RADIUS * RADIUS)
				dot(t, x + dx, y + dy, colour);
}

static void letter(struct xl_tensor *t, int64_t x, int64_t y, char c)
{
	static const uint8_t black[3] = {0};

	for (int row = 0; row < 16; row++)
		for (int k = 0; k < 10; k++)
			if (xl_font_row((unsigned char)c, row / 2) >> (4 - k / 2) & 1)
				dot(t, x + k, y + row, black);
}

static void legend(struct xl_tensor *t, const struct xl_scatter *s, int group)
{
	double at[2];

	legend_at(group, at);
	mark(t, at, group, is_cross(s, group));
	for (int k = 0; k < SHOWN && s->names[group][k]; k++)
		letter(t, (int64_t)at[0] + GLYPH + k * GLYPH, (int64_t)at[1] - 8,
		       s->names[group][k]);
}

struct xl_tensor *xl_scatter_draw(const struct xl_scatter *s)
{
	const int64_t shape[] = {3, height(s), XL_SCATTER_SIDE};
	const struct frame f = frame_of(s);
	struct xl_tensor *t = xl_tensor_new(XL_U1, 3, shape);
	double at[2];

	if (!t)
		return NULL;
	memset(t->data, 255, xl_tensor_bytes(t));
	for (int g = 0; g < s->groups; g++) {
		for (int64_t i = 0; i < s->n; i++) {
			if (s->group[i] != g)
				continue;
			place(&f, s->y + 2 * i, at);
			mark(t, at, g, is_cross(s, g));
		}
		if (s->groups > 1)
			legend(t, s, g);
	}
	return t;
}

/* ---- SVG ---------------------------------------------------------------- */

static void svg_mark(FILE *f, const double at[2], bool cross)
{
	if (cross)
		fprintf(f, "<path d=\"M%.2f %.2fl%d %dm0 %dl%d %d\"/>\n", at[0] - ARM, at[1] - ARM,
			2 * ARM, 2 * ARM, -2 * ARM, -2 * ARM, 2 * ARM);
	else
		fprintf(f, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"%d\"/>\n", at[0], at[1], RADIUS);
}

static void svg_text(FILE *f, const double at[2], const char *text)
{
	fprintf(f, "<text x=\"%.0f\" y=\"%.0f\" fill=\"black\" stroke=\"none\">", at[0] + GLYPH,
		at[1] + 5);
	for (const char *c = text; *c; c++) {
		if (strchr("<>&", *c))
			fprintf(f, "&#%d;", *c);
		else
			fputc((unsigned char)*c < ' ' ? '?' : *c, f);
	}
	fprintf(f, "</text>\n");
}

static void svg_group(FILE *f, const struct xl_scatter *s, const struct frame *frame, int g)
{
	const uint8_t *c = colours[g % COLOURS];
	const bool cross = is_cross(s, g);
	double at[2];

	fprintf(f,
		cross ? "<g stroke=\"rgb(%d,%d,%d)\" fill=\"none\">\n"
		      : "<g fill=\"rgb(%d,%d,%d)\">\n",
		c[0], c[1], c[2]);
	for (int64_t i = 0; i < s->n; i++) {
		if (s->group[i] != g)
			continue;
		place(frame, s->y + 2 * i, at);
		svg_mark(f, at, cross);
	}
	if (s->groups > 1) {
		legend_at(g, at);
		svg_mark(f, at, cross);
		svg_text(f, at, s->names[g]);
	}
	fprintf(f, "</g>\n");
}

static int save_svg(const struct xl_scatter *s, const char *path)
{
	const struct frame frame = frame_of(s);
	struct xl_file o;

	if (xl_file_begin(&o, path))
		return -1;
	fprintf(o.f,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
		"height=\"%d\" font-family=\"sans-serif\" font-size=\"16\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
		XL_SCATTER_SIDE, height(s), XL_SCATTER_SIDE, height(s));
	for (int g = 0; g < s->groups; g++)
		svg_group(o.f, s, &frame, g);
	fprintf(o.f, "</svg>\n");
	return xl_file_commit(&o);
}

int xl_scatter_save(const struct xl_scatter *s, const char *path)
{
	struct xl_tensor *t;
	int rc;

	if (xl_picture_kind(path) == XL_PICTURE_SVG)
		return save_svg(s, path);
	t = xl_scatter_draw(s);
	rc = t ? xl_image_save_png(t, path) : -1;
	xl_tensor_free(t);
	return rc;
}
