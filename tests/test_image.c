/*
 * test_image.c - decoding, orientation, resizing, heat maps, montage, saving.
 * The vectors of the resize were made with Pillow 9.4 from the same formula.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <jpeglib.h>
#include <png.h>
#include <zlib.h>
#include "image/image.h"
#include "image/pixels.h"
#include "image/sheet.h"

/* ---- pictures to test with --------------------------------------------- */

static uint8_t value(int64_t c, int64_t y, int64_t x)
{
	return (uint8_t)(x * 37 + y * 101 + c * 59 + x * y * 13);
}

static struct xl_tensor *picture(int64_t c, int64_t h, int64_t w)
{
	int64_t shape[3] = { c, h, w };
	struct xl_tensor *t = xl_tensor_new(XL_U1, 3, shape);
	assert_non_null(t);
	for (int64_t k = 0; k < c; k++)
		for (int64_t y = 0; y < h; y++)
			for (int64_t x = 0; x < w; x++)
				((uint8_t *)t->data)[(k * h + y) * w + x] = value(k, y, x);
	return t;
}

static uint8_t at(const struct xl_tensor *t, int64_t c, int64_t y, int64_t x)
{
	return ((const uint8_t *)t->data)[(c * t->shape[1] + y) * t->shape[2] + x];
}

static void assert_shape(const struct xl_tensor *t, int64_t c, int64_t h, int64_t w)
{
	int64_t shape[3] = { c, h, w };
	assert_non_null(t);
	assert_int_equal(t->dtype, XL_U1);
	assert_true(xl_tensor_is(t, 3, shape));
}

struct bytes {
	uint8_t *data;
	size_t size;
};

static struct bytes slurp(FILE *f)
{
	struct bytes b = { malloc(1 << 20), 0 };
	rewind(f);
	b.size = fread(b.data, 1, 1 << 20, f);
	fclose(f);
	return b;
}

struct png_kind {
	int type, depth;
	bool has_clear; /* palette entry 0 half clear */
	int orient;     /* EXIF, or 0 */
};

static const uint8_t tiff_head[] = { 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1,
	                             1, 0x12, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 };

/* A PNG of the given rows (h of stride bytes) */
static struct bytes make_png(struct png_kind k, uint32_t w, uint32_t h, const uint8_t *rows,
                             size_t stride)
{
	FILE *f = tmpfile();
	png_structp p = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop i = png_create_info_struct(p);
	uint8_t exif[sizeof tiff_head];

	png_init_io(p, f);
	png_set_IHDR(p, i, w, h, k.depth, k.type, PNG_INTERLACE_NONE, 0, 0);
	if (k.type == PNG_COLOR_TYPE_PALETTE) {
		png_color colours[2] = { { 200, 100, 50 }, { 1, 2, 3 } };
		png_byte clear[1] = { 128 };
		png_set_PLTE(p, i, colours, 2);
		if (k.has_clear)
			png_set_tRNS(p, i, clear, 1, NULL);
	}
	memcpy(exif, tiff_head, sizeof exif);
	exif[19] = (uint8_t)k.orient;
	if (k.orient)
		png_set_eXIf_1(p, i, sizeof exif, exif);
	png_write_info(p, i);
	for (uint32_t y = 0; y < h; y++)
		png_write_row(p, rows + y * stride);
	png_write_end(p, i);
	png_destroy_write_struct(&p, &i);
	return slurp(f);
}

/* A smooth JPEG, with an EXIF orientation if that is not 0 */
static struct bytes make_jpeg(int w, int h, int bands, int orient)
{
	FILE *f = tmpfile();
	struct jpeg_compress_struct c;
	struct jpeg_error_mgr e;
	uint8_t row[3 * 256], exif[6 + sizeof tiff_head] = "Exif";

	c.err = jpeg_std_error(&e);
	jpeg_create_compress(&c);
	jpeg_stdio_dest(&c, f);
	c.image_width = (JDIMENSION)w;
	c.image_height = (JDIMENSION)h;
	c.input_components = bands;
	c.in_color_space = bands == 1 ? JCS_GRAYSCALE : bands == 3 ? JCS_RGB : JCS_CMYK;
	jpeg_set_defaults(&c);
	jpeg_set_quality(&c, 95, TRUE);
	jpeg_start_compress(&c, TRUE);
	memcpy(exif + 6, tiff_head, sizeof tiff_head);
	exif[6 + 19] = (uint8_t)orient;
	if (orient)
		jpeg_write_marker(&c, JPEG_APP0 + 1, exif, sizeof exif);
	for (int y = 0; y < h; y++) {
		JSAMPROW rows[1] = { row };
		for (int x = 0; x < w; x++)
			for (int k = 0; k < bands; k++)
				row[x * bands + k] = (uint8_t)(4 * x + 2 * y + 20 * k);
		jpeg_write_scanlines(&c, rows, 1);
	}
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
	return slurp(f);
}

static struct xl_tensor *load(struct bytes b)
{
	struct xl_tensor *t = xl_image_load_mem("it", b.data, b.size);
	free(b.data);
	return t;
}

/* ---- resize ------------------------------------------------------------ */

static const struct {
	int64_t h, w;
	struct xl_box box;
	int64_t oh, ow;
	uint8_t want[30];
} resized[] = {
	{ 5, 7, { 0, 0, 7, 5 }, 3, 4,
	  { 119, 103, 159, 149, 90, 102, 93, 121, 133, 103, 130, 161 } },
	{ 2, 3, { 0, 0, 3, 2 }, 5, 6,
	  { 59,  68,  87,  105, 124, 133, 69,  78,  98, 110, 117, 120, 110, 121, 143,
	    132, 90,  69,  150, 163, 187, 154, 63, 17, 160, 173, 198, 159, 56,  4 } },
	{ 9, 13, { 2, 1, 9, 7 }, 5, 5,
	  { 72,  92,  178, 147, 114, 91,  116, 118, 168, 87,  122, 125, 155,
	    146, 130, 110, 149, 144, 144, 103, 191, 181, 174, 165, 161 } },
	{ 3, 40, { 0, 0, 40, 3 }, 3, 3, { 133, 141, 126, 139, 136, 120, 127, 146, 132 } },
	{ 6, 4, { 0, 0, 4, 6 }, 2, 4, { 89, 143, 68, 121, 118, 108, 65, 151 } },
	{ 1, 1, { 0, 0, 1, 1 }, 2, 2, { 59, 59, 59, 59 } },
};

static void resize_equals_pillow(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof resized / sizeof *resized; i++) {
		struct xl_tensor *t = picture(2, resized[i].h, resized[i].w);
		struct xl_tensor *r = xl_image_resize(t, resized[i].box, resized[i].oh, resized[i].ow);
		assert_shape(r, 2, resized[i].oh, resized[i].ow);
		assert_memory_equal((uint8_t *)r->data + resized[i].oh * resized[i].ow,
		                    resized[i].want, (size_t)(resized[i].oh * resized[i].ow));
		xl_tensor_free(r);
		xl_tensor_free(t);
	}
}

/* The formula of the Pillow library, one sum at a time: pixel i of out from `in`
 * pixels that lie `step` apart. */
static uint8_t naive_pixel(const uint8_t *from, int64_t step, int64_t in, int64_t out, int64_t i)
{
	double scale = (double)in / (double)out, r = scale < 1 ? 1 : scale;
	double centre = ((double)i + 0.5) * scale, all = 0;
	int64_t lo = (int64_t)(centre - r + 0.5), hi = (int64_t)(centre + r + 0.5);
	int64_t sum = 1 << 21;

	lo = lo < 0 ? 0 : lo;
	hi = hi > in ? in : hi;
	for (int pass = 0; pass < 2; pass++)
		for (int64_t k = lo; k < hi; k++) {
			double d = ((double)k - centre + 0.5) * (1.0 / r);
			double w = fabs(d) < 1 ? 1 - fabs(d) : 0;
			if (pass == 0)
				all += w;
			else
				sum += (int64_t)(0.5 + w / all * (1 << 22)) * from[k * step];
		}
	sum >>= 22;
	return (uint8_t)(sum > 255 ? 255 : sum);
}

static void naive_resize(uint8_t *to, const uint8_t *from, int64_t width, struct xl_box b,
			 int64_t oh, int64_t ow)
{
	uint8_t *mid = malloc((size_t)(b.h * ow));

	from += b.y * width + b.x;
	for (int64_t y = 0; y < b.h; y++)
		for (int64_t x = 0; x < ow; x++)
			mid[y * ow + x] = ow == b.w ? from[y * width + x]
						    : naive_pixel(from + y * width, 1, b.w, ow, x);
	for (int64_t y = 0; y < oh; y++)
		for (int64_t x = 0; x < ow; x++)
			to[y * ow + x] =
				oh == b.h ? mid[y * ow + x] : naive_pixel(mid + x, ow, b.h, oh, y);
	free(mid);
}

static void resize_equals_naive_sums(void **state)
{
	static const struct {
		int64_t h, w;
		struct xl_box box;
		int64_t oh, ow;
	} t[] = {
		{218, 178, {0, 20, 178, 178}, 128, 128},
		{1, 1, {0, 0, 1, 1}, 7, 3},
		{64, 64, {0, 0, 64, 64}, 64, 63},
		{65, 9, {1, 0, 8, 65}, 65, 5},
		{130, 17, {3, 1, 13, 129}, 40, 16},
		{63, 71, {7, 0, 64, 63}, 200, 190},
		{9, 700, {0, 0, 700, 9}, 9, 3},
		{700, 9, {0, 0, 9, 700}, 3, 9},
		{12, 15, {2, 3, 9, 8}, 8, 9},
		{128, 8, {0, 0, 8, 128}, 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct xl_tensor *p = picture(3, t[i].h, t[i].w);
		struct xl_tensor *r = xl_image_resize(p, t[i].box, t[i].oh, t[i].ow);
		size_t n = (size_t)(t[i].oh * t[i].ow);
		uint8_t *want = malloc(n);
		assert_shape(r, 3, t[i].oh, t[i].ow);
		for (size_t c = 0; c < 3; c++) {
			naive_resize(want, (uint8_t *)p->data + (int64_t)c * t[i].h * t[i].w,
				     t[i].w, t[i].box, t[i].oh, t[i].ow);
			assert_memory_equal((uint8_t *)r->data + c * n, want, n);
		}
		free(want);
		xl_tensor_free(r);
		xl_tensor_free(p);
	}
}

static void resize_keeps_constants_and_size(void **state)
{
	(void)state;
	struct xl_tensor *t = picture(1, 11, 9), *r;
	struct xl_box all = { 0, 0, 9, 11 };

	r = xl_image_resize(t, all, 11, 9);
	assert_memory_equal(r->data, t->data, 99);
	xl_tensor_free(r);
	memset(t->data, 201, 99);
	r = xl_image_resize(t, all, 64, 3);
	for (int i = 0; i < 64 * 3; i++)
		assert_int_equal(((uint8_t *)r->data)[i], 201);
	xl_tensor_free(r);
	xl_tensor_free(t);
}

static void resize_refuses_boxes_outside(void **state)
{
	(void)state;
	struct xl_tensor *t = picture(1, 4, 5);
	static const struct xl_box bad[] = { { 1, 0, 5, 4 }, { 0, 1, 5, 4 }, { -1, 0, 2, 2 },
		                             { 0, 0, 0, 1 }, { 0, 0, INT64_MAX, 1 } };

	for (size_t i = 0; i < 5; i++)
		assert_null(xl_image_resize(t, bad[i], 2, 2));
	assert_non_null(strstr(xl_err_msg(), "do not lie in (1,4,5)"));
	assert_null(xl_image_resize(t, (struct xl_box){ 0, 0, 5, 4 }, 0, 2));
	assert_null(xl_image_resize(t, (struct xl_box){ 0, 0, 5, 4 }, 1, INT64_MAX / 2));
	xl_tensor_free(t);
}

/* ---- decoding ---------------------------------------------------------- */

static void png_kinds(void **state)
{
	(void)state;
	static const uint8_t grey[4] = { 0, 85, 170, 255 }, grey_alpha[4] = { 0, 255, 100, 0 };
	static const uint8_t rgba[8] = { 10, 20, 30, 255, 10, 20, 30, 51 };
	static const uint8_t deep[4] = { 0x80, 0x00, 0xff, 0xff }, bits[1] = { 0x80 };
	struct xl_tensor *t;

	t = load(make_png((struct png_kind){ PNG_COLOR_TYPE_GRAY, 8, false, 0 }, 2, 2, grey, 2));
	assert_shape(t, 3, 2, 2);
	assert_int_equal(at(t, 0, 1, 0), 170);
	assert_int_equal(at(t, 2, 1, 0), 170);
	xl_tensor_free(t);
	t = load(make_png((struct png_kind){ PNG_COLOR_TYPE_GRAY_ALPHA, 8, false, 0 }, 2, 1,
	                  grey_alpha, 4));
	assert_int_equal(at(t, 1, 0, 0), 0);
	assert_int_equal(at(t, 1, 0, 1), 255);
	xl_tensor_free(t);
	t = load(make_png((struct png_kind){ PNG_COLOR_TYPE_RGB_ALPHA, 8, false, 0 }, 2, 1, rgba, 8));
	assert_int_equal(at(t, 2, 0, 0), 30);
	assert_int_equal(at(t, 0, 0, 1), (10 * 51 + 255 * 204 + 127) / 255);
	xl_tensor_free(t);
	t = load(make_png((struct png_kind){ PNG_COLOR_TYPE_GRAY, 16, false, 0 }, 2, 1, deep, 4));
	assert_int_equal(at(t, 0, 0, 0), 128);
	assert_int_equal(at(t, 0, 0, 1), 255);
	xl_tensor_free(t);
	t = load(make_png((struct png_kind){ PNG_COLOR_TYPE_PALETTE, 1, true, 0 }, 2, 1, bits, 1));
	assert_int_equal(at(t, 0, 0, 0), 1);
	assert_int_equal(at(t, 0, 0, 1), (200 * 128 + 255 * 127 + 127) / 255);
	xl_tensor_free(t);
}

/* Where pixel (y,x) of the upright 3x2 picture lies in the file, per EXIF value */
static void png_orientation(void **state)
{
	(void)state;
	static const uint8_t rows[6] = { 1, 2, 3, 4, 5, 6 };
	static const struct {
		int64_t h, w;
		uint8_t want[6];
	} up[9] = { { 2, 3, { 1, 2, 3, 4, 5, 6 } }, { 2, 3, { 1, 2, 3, 4, 5, 6 } },
		    { 2, 3, { 3, 2, 1, 6, 5, 4 } }, { 2, 3, { 6, 5, 4, 3, 2, 1 } },
		    { 2, 3, { 4, 5, 6, 1, 2, 3 } }, { 3, 2, { 1, 4, 2, 5, 3, 6 } },
		    { 3, 2, { 4, 1, 5, 2, 6, 3 } }, { 3, 2, { 6, 3, 5, 2, 4, 1 } },
		    { 3, 2, { 3, 6, 2, 5, 1, 4 } } };

	for (int k = 0; k <= 9; k++) {
		struct xl_tensor *t = load(make_png(
			(struct png_kind){ PNG_COLOR_TYPE_GRAY, 8, false, k }, 3, 2, rows, 3));
		int i = k > 8 ? 1 : k;
		assert_shape(t, 3, up[i].h, up[i].w);
		assert_memory_equal(t->data, up[i].want, 6);
		xl_tensor_free(t);
	}
}

static void jpeg_kinds(void **state)
{
	(void)state;
	struct xl_tensor *t = load(make_jpeg(40, 24, 3, 0));

	assert_shape(t, 3, 24, 40);
	assert_in_range(at(t, 0, 12, 20), 104 - 4, 104 + 4);
	assert_in_range(at(t, 2, 12, 20), 144 - 4, 144 + 4);
	xl_tensor_free(t);
	t = load(make_jpeg(40, 24, 1, 0));
	assert_shape(t, 3, 24, 40);
	assert_in_range(at(t, 1, 12, 20), 104 - 4, 104 + 4);
	xl_tensor_free(t);
	t = load(make_jpeg(40, 24, 3, 6));
	assert_shape(t, 3, 40, 24);
	assert_in_range(at(t, 0, 20, 23 - 12), 104 - 4, 104 + 4);
	xl_tensor_free(t);
	t = load(make_jpeg(40, 24, 4, 0));
	assert_shape(t, 3, 24, 40);
	xl_tensor_free(t);
}

static void other_formats(void **state)
{
	(void)state;
	static const char ppm[] = "P6\n2 1\n255\n\x0a\x14\x1e\xff\x80\x01";
	static const char pgm[] = "P5\n2 1\n65535\n\x80\x00\xff\xff";
	struct xl_tensor *t = xl_image_load_mem("a.ppm", ppm, sizeof ppm - 1);

	assert_shape(t, 3, 1, 2);
	assert_int_equal(at(t, 0, 0, 0), 10);
	assert_int_equal(at(t, 1, 0, 0), 20);
	assert_int_equal(at(t, 1, 0, 1), 128);
	xl_tensor_free(t);
	t = xl_image_load_mem("a.pgm", pgm, sizeof pgm - 1);
	assert_shape(t, 3, 1, 2);
	assert_int_equal(at(t, 2, 0, 0), 128);
	assert_int_equal(at(t, 2, 0, 1), 255);
	xl_tensor_free(t);
}

static void damage_is_named(void **state)
{
	(void)state;
	struct bytes j = make_jpeg(64, 64, 3, 0), p;
	uint8_t grey[64] = { 0 };

	assert_null(xl_image_load_mem("a.jpg", "", 0));
	assert_string_equal(xl_err_msg(), "a.jpg: not an image (it is empty)");
	assert_null(xl_image_load_mem("a.jpg", "<!DOCTYPE html>", 15));
	assert_string_equal(xl_err_msg(), "a.jpg: not an image (first bytes 3c 21)");
	for (size_t n = 3; n < j.size; n += 37) {
		assert_null(xl_image_load_mem("a.jpg", j.data, n));
		assert_memory_equal(xl_err_msg(), "a.jpg: damaged JPEG (", 21);
	}
	free(j.data);
	p = make_png((struct png_kind){ PNG_COLOR_TYPE_GRAY, 8, false, 0 }, 8, 8, grey, 8);
	for (size_t n = 8; n < p.size; n++) {
		assert_null(xl_image_load_mem("a.png", p.data, n));
		assert_memory_equal(xl_err_msg(), "a.png: damaged PNG (", 20);
	}
	p.data[p.size - 20] ^= 1;
	assert_null(xl_image_load_mem("a.png", p.data, p.size));
	free(p.data);
	assert_null(xl_image_load("/nonexistent/a.png"));
	assert_string_equal(xl_err_msg(), "/nonexistent/a.png: no such file or directory");
	assert_null(xl_image_load("/"));
	assert_string_equal(xl_err_msg(), "/: a folder, not an image");
}

/* What libvips makes of a JPEG, as libjpeg-turbo's result is kept */
static struct xl_tensor *load_by_vips(struct bytes b)
{
	struct xl_pixels px = {.data = NULL};
	assert_int_equal(xl_vips_read(b.data, b.size, &px), 0);
	int64_t shape[3] = {3, px.h, px.w};
	struct xl_tensor *t = xl_tensor_new(XL_U1, 3, shape);
	assert_non_null(t);
	for (int64_t c = 0; c < 3; c++)
		for (int64_t i = 0; i < px.h * px.w; i++)
			((uint8_t *)t->data)[c * px.h * px.w + i] =
				px.data[i * px.bands + (px.bands == 3 ? c : 0)];
	free(px.data);
	return t;
}

static void crops_of_both_jpeg_decoders_agree(void **state)
{
	static const struct {
		int w, h, bands, orient;
	} kinds[] = {{178, 218, 3, 0}, {178, 218, 3, 6}, {99, 51, 3, 3}, {61, 70, 1, 0}};

	(void)state;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct bytes j = make_jpeg(kinds[k].w, kinds[k].h, kinds[k].bands, kinds[k].orient);
		struct xl_tensor *b = load_by_vips(j), *a = load(j);
		assert_true(xl_tensor_is(a, 3, b->shape));
		int64_t h = a->shape[1], w = a->shape[2], side = h < w ? h : w;
		struct xl_box box = {(w - side) / 2, (h - side) / 2, side, side};
		struct xl_tensor *ca = xl_image_resize(a, box, 128, 128);
		struct xl_tensor *cb = xl_image_resize(b, box, 128, 128);
		const uint8_t *p = ca->data, *q = cb->data;
		for (int i = 0; i < 3 * 128 * 128; i++)
			assert_in_range(1 + p[i] - q[i], 0, 2);
		xl_tensor_free(a);
		xl_tensor_free(b);
		xl_tensor_free(ca);
		xl_tensor_free(cb);
	}
}

/* A header may not ask for more memory than its file could fill. */
static void forged_size_is_refused(void **state)
{
	(void)state;
	uint8_t grey[8] = { 0 };
	struct bytes j = make_jpeg(16, 16, 3, 0), p;

	for (size_t i = 0; i + 9 < j.size; i++)
		if (j.data[i] == 0xff && j.data[i + 1] == 0xc0)
			memset(j.data + i + 5, 0x3f, 4);
	assert_null(xl_image_load_mem("a.jpg", j.data, j.size));
	assert_non_null(strstr(xl_err_msg(), "16191x16191 pixels in"));
	free(j.data);
	p = make_png((struct png_kind){ PNG_COLOR_TYPE_GRAY, 8, false, 0 }, 8, 1, grey, 8);
	/* width 0x3fff, height 0x3fff, and the checksum of that header */
	memcpy(p.data + 16, "\0\0\x3f\xff\0\0\x3f\xff", 8);
	png_uint_32 crc = (png_uint_32)crc32(0, p.data + 12, 17);
	for (int i = 0; i < 4; i++)
		p.data[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
	assert_null(xl_image_load_mem("a.png", p.data, p.size));
	assert_non_null(strstr(xl_err_msg(), "16383x16383 pixels in"));
	free(p.data);
}

/* ---- saving, grey, flip ------------------------------------------------ */

static void saved_png_comes_back(void **state)
{
	(void)state;
	char path[] = "/tmp/test_image.XXXXXX";
	int64_t shape[3] = { 3, 1, 2 };
	struct xl_tensor *t = picture(3, 5, 7), *b, *f;

	close(mkstemp(path));
	assert_int_equal(xl_image_save_png(t, path), 0);
	b = xl_image_load(path);
	assert_shape(b, 3, 5, 7);
	assert_memory_equal(b->data, t->data, 105);
	xl_tensor_free(b);
	b = xl_image_load_grey(path);
	assert_shape(b, 1, 5, 7);
	assert_int_equal(at(b, 0, 2, 3), (at(t, 0, 2, 3) * 19595 + at(t, 1, 2, 3) * 38470 +
	                                  at(t, 2, 2, 3) * 7471 + 0x8000) >> 16);
	xl_tensor_free(b);
	xl_tensor_free(t);
	f = xl_tensor_new(XL_F4, 3, shape);
	((float *)f->data)[0] = -1;
	((float *)f->data)[1] = 3;
	assert_int_equal(xl_image_save_png(f, path), 0);
	b = xl_image_load(path);
	assert_int_equal(at(b, 0, 0, 0), 0);
	assert_int_equal(at(b, 0, 0, 1), 255);
	assert_int_equal(at(b, 1, 0, 0), 128);
	xl_tensor_free(b);
	f->shape[0] = 2;
	assert_int_equal(xl_image_save_png(f, path), -1);
	f->shape[0] = 3;
	assert_int_equal(xl_image_save_png(f, "/nonexistent/a.png"), -1);
	assert_memory_equal(xl_err_msg(), "/nonexistent/a.png: ", 20);
	xl_tensor_free(f);
	unlink(path);
}

static void grey_lays_alpha_on_black(void **state)
{
	(void)state;
	static const uint8_t rows[4] = { 255, 0, 255, 255 };
	char path[] = "/tmp/test_image.XXXXXX";
	FILE *f = fdopen(mkstemp(path), "wb");
	struct bytes b = make_png((struct png_kind){ PNG_COLOR_TYPE_GRAY_ALPHA, 8, false, 0 }, 2, 1,
	                          rows, 4);
	struct xl_tensor *t;

	assert_int_equal(fwrite(b.data, 1, b.size, f), b.size);
	fclose(f);
	free(b.data);
	t = xl_image_load_grey(path);
	assert_shape(t, 1, 1, 2);
	assert_int_equal(at(t, 0, 0, 0), 0);
	assert_int_equal(at(t, 0, 0, 1), 255);
	xl_tensor_free(t);
	unlink(path);
}

static void flip_mirrors_rows(void **state)
{
	(void)state;
	struct xl_tensor *t = picture(2, 3, 5), *f;

	xl_image_flip(t);
	for (int c = 0; c < 2; c++)
		for (int y = 0; y < 3; y++)
			for (int x = 0; x < 5; x++)
				assert_int_equal(at(t, c, y, x), value(c, y, 4 - x));
	f = xl_tensor_to(t, XL_F8);
	xl_image_flip(f);
	assert_true(((double *)f->data)[1] == value(0, 0, 1));
	xl_tensor_free(f);
	xl_tensor_free(t);
}

/* ---- heat map and montage ---------------------------------------------- */

static void heat_follows_the_formula(void **state)
{
	(void)state;
	const struct xl_cells whole = xl_cells_of(1, 1, 1);
	int64_t shape[3] = { 1, 1, 2 }, image_shape[3] = { 3, 2, 4 };
	struct xl_tensor *m = xl_tensor_new(XL_F4, 3, shape), *h;
	struct xl_tensor *t = xl_tensor_new(XL_U1, 3, image_shape);

	((float *)m->data)[1] = 1;
	memset(t->data, 100, 24);
	h = xl_image_heat(t, m, &whole);
	assert_shape(h, 3, 2, 4);
	/* jet(0) = (0, 0, 127.5): 0.75 * 128 + 70; jet(1) = (127.5, 0, 0) */
	assert_int_equal(at(h, 0, 0, 0), 70);
	assert_int_equal(at(h, 2, 0, 0), 166);
	assert_int_equal(at(h, 0, 1, 3), 166);
	assert_int_equal(at(h, 2, 1, 3), 70);
	/* a quarter of the way: 64/255, where green has begun and blue is full */
	assert_int_equal(at(h, 2, 0, 1), 255);
	assert_int_equal(at(h, 1, 0, 1), 167);
	xl_tensor_free(h);
	/* the same on the left half of an image that was padded to two of it */
	((float *)m->data)[1] = 0;
	((float *)m->data)[0] = 1;
	h = xl_image_heat(t, m, &(struct xl_cells){.ih = 2, .iw = 4, .ph = 2, .pw = 8});
	assert_shape(h, 3, 2, 4);
	assert_int_equal(at(h, 0, 0, 0), 166);
	assert_int_equal(at(h, 0, 1, 1), 166);
	xl_tensor_free(h);
	assert_null(xl_image_heat(m, t, &whole));
	xl_tensor_free(m);
	xl_tensor_free(t);
}

static void montage_places_tiles(void **state)
{
	(void)state;
	struct xl_tensor *a = picture(3, 4, 6), *b = picture(1, 2, 2), *s;
	const struct xl_tensor *tiles[3] = { a, NULL, b };
	const char *labels[3] = { NULL, "", "x" };

	s = xl_image_montage(tiles, NULL, 3, 2, 1);
	assert_shape(s, 3, 2 * 4 + 3, 2 * 6 + 3);
	assert_int_equal(at(s, 0, 0, 0), 255);
	assert_int_equal(at(s, 1, 1, 1), value(1, 0, 0));
	assert_int_equal(at(s, 2, 4, 6), value(2, 3, 5));
	assert_int_equal(at(s, 0, 2, 9), 255);
	assert_int_equal(at(s, 2, 6 + 1, 1 + 2), value(0, 0, 0));
	xl_tensor_free(s);
	s = xl_image_montage(tiles, labels, 3, 2, 1);
	assert_shape(s, 3, 2 * (4 + 10) + 3, 2 * 6 + 3);
	int dark = 0;
	for (int y = 16; y < 26; y++)
		for (int x = 0; x < 15; x++)
			dark += at(s, 0, y, x) == 0;
	assert_int_equal(dark, 9);
	xl_tensor_free(s);
	assert_null(xl_image_montage(tiles, NULL, 0, 2, 1));
	b->shape[0] = 4;
	assert_null(xl_image_montage(tiles, NULL, 3, 2, 1));
	b->shape[0] = 1;
	xl_tensor_free(a);
	xl_tensor_free(b);
}

/* In cells of 64 pixels ten letters have room: what differs is among them. */
static void montage_labels_tell_numbers_apart(void **state)
{
	static const char *const labels[][2] = { { "face-000001.png", "face-000002.png" },
		                                 { "face-000000.1", "face-000000.2" } };
	struct xl_tensor *a = picture(3, 4, 64);
	const struct xl_tensor *tiles[] = { a, a };

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct xl_tensor *s = xl_image_montage(tiles, labels[k], 2, 1, 1);
		int differ = 0;

		assert_shape(s, 3, 2 * (4 + 10) + 3, 64 + 2);
		for (int y = 1; y < 11; y++)
			for (int x = 1; x < 65; x++)
				differ += at(s, 0, y, x) != at(s, 0, y + 4 + 10 + 1, x);
		assert_true(differ > 0 && differ < 35); /* one letter of 5 by 7 */
		xl_tensor_free(s);
	}
	xl_tensor_free(a);
}

/* In cells of 28 pixels four letters have room: what is longer is left out. */
static void montage_leaves_out_what_nobody_could_read(void **state)
{
	static const char *const longer[] = { "face-1.png", "12345", NULL };
	static const char *const one[] = { "abcd.png", "face-1.png", "" };
	struct xl_tensor *a = picture(3, 4, 28), *s;
	const struct xl_tensor *tiles[] = { a, a, a };
	int dark = 0;

	(void)state;
	s = xl_image_montage(tiles, longer, 3, 1, 1);
	assert_shape(s, 3, 3 * 4 + 4, 28 + 2);
	xl_tensor_free(s);
	s = xl_image_montage(tiles, one, 3, 1, 1);
	assert_shape(s, 3, 3 * (4 + 10) + 4, 28 + 2);
	for (int y = 1; y < 11; y++)
		for (int x = 1; x < 29; x++) {
			dark += at(s, 0, y, x) == 0;
			assert_int_equal(at(s, 0, y + 15, x), 255);
		}
	assert_true(dark > 20);
	xl_tensor_free(s);
	xl_tensor_free(a);
}

/* ---- sheets ------------------------------------------------------------- */

static int add(struct xl_sheet *s, const char *id, const char *tensor, const char *exemplar)
{
	struct xl_record *r = xl_record_new(XL_CODE, id);
	int rc;

	assert_int_equal(xl_record_put(r, tensor, picture(3, 4, 4)), 0);
	if (exemplar)
		assert_int_equal(xl_meta_set_str(r, "exemplar", exemplar), 0);
	rc = xl_sheet_add(s, r);
	xl_record_free(r);
	return rc;
}

/* Columns for records of these ids, separated by blanks */
static int columns_of(const char *ids, const char *exemplar)
{
	struct xl_sheet s;
	char copy[256];
	int n;

	assert_int_equal(xl_sheet_init(&s, NULL), 0);
	snprintf(copy, sizeof copy, "%s", ids);
	for (char *id = strtok(copy, " "); id; id = strtok(NULL, " "))
		assert_int_equal(add(&s, id, "out", exemplar), 0);
	n = xl_sheet_columns(&s);
	xl_sheet_done(&s);
	return n;
}

static void sheet_finds_inputs_times_exemplars(void **state)
{
	(void)state;
	assert_int_equal(columns_of("a b c d e", NULL), 3);
	assert_int_equal(columns_of("a+x a+y b+x b+y c+x c+y", NULL), 2);
	assert_int_equal(columns_of("a+x a+y a+z", NULL), 3);
	assert_int_equal(columns_of("a+x a+y b+x", NULL), 2);      /* about square */
	assert_int_equal(columns_of("a+x b+x c+x d+x e+x", NULL), 3); /* one exemplar */
	assert_int_equal(columns_of("a+x a+y b+y b+x c+x c+y c+z", NULL), 3);
	assert_int_equal(columns_of("a+p+x a+q+x b+p+x b+q+x c+p+x c+q+x", NULL), 3);
	assert_int_equal(columns_of("a+p+x b+p+x", "p+x.png"), 2);
	assert_int_equal(columns_of("+x +y", NULL), 2);
}

static void sheet_leaves_cells_empty(void **state)
{
	(void)state;
	struct xl_sheet s;
	struct xl_tensor *t;

	assert_int_equal(xl_sheet_init(&s, "x,,m"), -1);
	assert_int_equal(xl_sheet_init(&s, "a,b,c,d,e,f,g,h,i"), -1);
	assert_int_equal(xl_sheet_init(&s, "x,m"), 0);
	assert_int_equal(add(&s, "a", "x", NULL), 1);
	assert_string_equal(xl_err_msg(), "has no tensor 'm'");
	assert_int_equal(add(&s, "b", "out", NULL), 1);
	assert_int_equal(s.n, 1);
	assert_int_equal(add(&s, "c", "m", NULL), 1);
	assert_int_equal(s.n, 2);
	t = xl_sheet_draw(&s, 1, false);
	assert_shape(t, 3, 2 * 4 + 3 * 2, 2 * 4 + 3 * 2);
	assert_int_equal(at(t, 0, 2, 2), value(0, 0, 0));
	assert_int_equal(at(t, 0, 2, 8), 255);
	xl_tensor_free(t);
	xl_sheet_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resize_equals_pillow),
		cmocka_unit_test(resize_equals_naive_sums),
		cmocka_unit_test(resize_keeps_constants_and_size),
		cmocka_unit_test(resize_refuses_boxes_outside),
		cmocka_unit_test(png_kinds),
		cmocka_unit_test(png_orientation),
		cmocka_unit_test(jpeg_kinds),
		cmocka_unit_test(other_formats),
		cmocka_unit_test(damage_is_named),
		cmocka_unit_test(crops_of_both_jpeg_decoders_agree),
		cmocka_unit_test(forged_size_is_refused),
		cmocka_unit_test(saved_png_comes_back),
		cmocka_unit_test(grey_lays_alpha_on_black),
		cmocka_unit_test(flip_mirrors_rows),
		cmocka_unit_test(heat_follows_the_formula),
		cmocka_unit_test(montage_labels_tell_numbers_apart),
		cmocka_unit_test(montage_leaves_out_what_nobody_could_read),
		cmocka_unit_test(montage_places_tiles),
		cmocka_unit_test(sheet_finds_inputs_times_exemplars),
		cmocka_unit_test(sheet_leaves_cells_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
