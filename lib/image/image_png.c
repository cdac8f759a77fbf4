/*
 * image_png.c - PNG in and out through libpng: loading and starting libvips
 * costs about 35 ms, which is more than a small picture takes to translate.
 * What libpng reports by longjmp stays in xl_png_read and xl_image_save_png.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <png.h>
#include <zlib.h>
#include "core/file.h"
#include "core/mem.h"
#include "image/image.h"
#include "image/pixels.h"

/* Deflate makes at most 1032 bytes of one, and a byte holds at most 8 pixels. */
enum { MOST_PIXELS_PER_BYTE = 8 * 1032 };

/* One filter and level 3 write a 256x256 photograph in 3.5 ms; libpng's own choice
 * takes 17 ms and is 1% larger. */
enum { LEVEL = 3, FILTER = PNG_FILTER_UP };

struct source {
	const uint8_t *data;
	size_t size, used;
	uint8_t **rows; /* of the picture being read, owned by xl_png_read */
	char text[128];
};

static void give_up(png_structp p, png_const_charp text)
{
	char *to = png_get_error_ptr(p);
	snprintf(to, 128, "%s", text);
	png_longjmp(p, 1);
}

static void ignore_warning(png_structp p, png_const_charp text)
{
	(void)p;
	(void)text;
}

static void read_bytes(png_structp p, png_bytep to, size_t n)
{
	struct source *s = png_get_io_ptr(p);
	if (n > s->size - s->used)
		png_error(p, "it ends early");
	memcpy(to, s->data + s->used, n);
	s->used += n;
}

/* Anything becomes 8 bits of grey, grey and alpha, RGB, or RGB and alpha. */
static void ask_for_bytes(png_structp p, png_infop info)
{
	if (png_get_color_type(p, info) == PNG_COLOR_TYPE_PALETTE)
		png_set_palette_to_rgb(p);
	png_set_expand_gray_1_2_4_to_8(p);
	if (png_get_valid(p, info, PNG_INFO_tRNS))
		png_set_tRNS_to_alpha(p);
	png_set_scale_16(p);
	png_set_interlace_handling(p);
	png_read_update_info(p, info);
}

/* Everything here may longjmp to xl_png_read, which owns p, info, s and px. */
static int read_rows(png_structp p, png_infop info, struct source *s, struct xl_pixels *px)
{
	png_bytep exif = NULL;
	png_uint_32 exif_size = 0;

	png_set_crc_action(p, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
	png_set_user_limits(p, 1 << 24, 1 << 24);
	png_read_info(p, info);
	ask_for_bytes(p, info);
	int64_t w = png_get_image_width(p, info), h = png_get_image_height(p, info);
	if (xl_pixels_alloc(px, w, h, png_get_channels(p, info), s->size, MOST_PIXELS_PER_BYTE))
		return -1;
	s->rows = xl_alloc((size_t)h, sizeof *s->rows);
	if (!s->rows)
		return -1;
	for (int64_t y = 0; y < h; y++)
		s->rows[y] = px->data + (size_t)y * (size_t)w * (size_t)px->bands;
	png_read_image(p, s->rows);
	png_read_end(p, info);
	px->orient = 1;
	if (png_get_eXIf_1(p, info, &exif_size, &exif))
		px->orient = xl_exif_orientation(exif, exif_size);
	return 0;
}

int xl_png_read(const void *data, size_t size, struct xl_pixels *px)
{
	struct source s = {.data = data, .size = size};
	png_structp p = NULL;
	png_infop info = NULL;
	int rc;

	p = png_create_read_struct(PNG_LIBPNG_VER_STRING, s.text, give_up, ignore_warning);
	if (p)
		info = png_create_info_struct(p);
	if (!info) {
		png_destroy_read_struct(&p, NULL, NULL);
		return xl_err("no memory to read PNG");
	}
	if (setjmp(png_jmpbuf(p))) {
		rc = xl_err("damaged PNG (%s)", s.text);
	} else {
		png_set_read_fn(p, &s, read_bytes);
		rc = read_rows(p, info, &s, px);
	}
	free(s.rows);
	png_destroy_read_struct(&p, &info, NULL);
	return rc;
}

/* ---- writing ---------------------------------------------------------- */

struct sink {
	FILE *f;
	const char *name; /* for messages */
	char text[128];   /* what libpng says, or empty where xl_err is set */
};

static void write_bytes(png_structp p, png_bytep from, size_t n)
{
	struct sink *s = png_get_io_ptr(p);
	if (fwrite(from, 1, n, s->f) != n) {
		xl_write_failed(s->name);
		png_error(p, "");
	}
}

static void flush_bytes(png_structp p)
{
	struct sink *s = png_get_io_ptr(p);
	if (fflush(s->f)) {
		xl_write_failed(s->name);
		png_error(p, "");
	}
}

/* Everything here may longjmp to write_png. */
static void write_rows(png_structp p, png_infop info, const struct xl_tensor *t, uint8_t *row)
{
	int64_t bands = t->shape[0], h = t->shape[1], w = t->shape[2];
	const uint8_t *data = t->data;

	png_set_user_limits(p, 1 << 24, 1 << 24);
	png_set_IHDR(p, info, (png_uint_32)w, (png_uint_32)h, 8,
		     bands == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
		     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_set_compression_level(p, LEVEL);
	png_set_filter(p, PNG_FILTER_TYPE_BASE, FILTER);
	png_write_info(p, info);
	for (int64_t y = 0; y < h; y++) {
		for (int64_t c = 0; c < bands; c++)
			for (int64_t x = 0; x < w; x++)
				row[x * bands + c] = data[(c * h + y) * w + x];
		png_write_row(p, row);
	}
	png_write_end(p, NULL);
}

static int write_png(const struct xl_tensor *t, FILE *f, const char *name)
{
	struct sink s = {.f = f, .name = name};
	png_structp p = NULL;
	png_infop info = NULL;
	uint8_t *row = xl_alloc((size_t)t->shape[2], (size_t)t->shape[0]);
	int rc;

	if (!row)
		return -1;
	p = png_create_write_struct(PNG_LIBPNG_VER_STRING, s.text, give_up, ignore_warning);
	if (p)
		info = png_create_info_struct(p);
	if (!info) {
		rc = xl_err("%s: no memory to write PNG", name);
	} else if (setjmp(png_jmpbuf(p))) {
		rc = s.text[0] ? xl_err("%s: %s", name, s.text) : -1;
	} else {
		png_set_write_fn(p, &s, write_bytes, flush_bytes);
		write_rows(p, info, t, row);
		flush_bytes(p);
		rc = 0;
	}
	free(row);
	png_destroy_write_struct(&p, &info);
	return rc;
}

int xl_image_write_png(const struct xl_tensor *t, FILE *f, const char *name)
{
	struct xl_tensor *bytes;
	char show[128];
	int rc;

	if (t->ndim != 3 || (t->shape[0] != 1 && t->shape[0] != 3) || t->shape[1] < 1 ||
	    t->shape[2] < 1 || t->shape[1] >= 1 << 24 || t->shape[2] >= 1 << 24)
		return xl_err("%s cannot be saved as a picture, which is (3,H,W) or (1,H,W)",
			      xl_tensor_show(t, show, sizeof show));
	bytes = xl_image_to_u1(t);
	rc = bytes ? write_png(bytes, f, name) : -1;
	xl_tensor_free(bytes);
	return rc;
}

int xl_image_save_png(const struct xl_tensor *t, const char *path)
{
	struct xl_file o;

	if (!path || !strcmp(path, "-"))
		return xl_image_write_png(t, stdout, "stdout");
	if (xl_file_begin(&o, path))
		return -1;
	if (xl_image_write_png(t, o.f, path)) {
		xl_file_abort(&o);
		return -1;
	}
	return xl_file_commit(&o);
}
