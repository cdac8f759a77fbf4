/*
 * image.c - picture files to tensors: finds the decoder by the first bytes,
 * turns what it delivers upright and lays it out as planes. The decoders are
 * image_jpeg.c, image_png.c and image_vips.c; saving is in image_png.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/file.h"
#include "core/mem.h"
#include "image/image.h"
#include "image/pixels.h"

int xl_pixels_check(int64_t w, int64_t h)
{
	if (w < 1 || h < 1)
		return xl_err("damaged picture (%lldx%lld pixels)", (long long)w, (long long)h);
	if (w > XL_MAX_PIXELS / h)
		return xl_err("%lldx%lld pixels are too many (at most %lld in all)", (long long)w,
			      (long long)h, (long long)XL_MAX_PIXELS);
	return 0;
}

int xl_pixels_alloc(struct xl_pixels *px, int64_t w, int64_t h, int bands, size_t file_size,
		    int64_t most)
{
	if (xl_pixels_check(w, h))
		return -1;
	if (most > 0 && (size_t)(w * h / most) > file_size)
		return xl_err("damaged picture (%lldx%lld pixels in %zu bytes)", (long long)w,
			      (long long)h, file_size);
	px->w = w;
	px->h = h;
	px->bands = bands;
	px->data = xl_alloc((size_t)(w * h), (size_t)bands);
	return px->data ? 0 : -1;
}

/* ---- orientation ------------------------------------------------------ */

static uint32_t get(const uint8_t *p, int n, bool is_big)
{
	uint32_t v = 0;
	for (int i = 0; i < n; i++)
		v = v << 8 | p[is_big ? i : n - 1 - i];
	return v;
}

int xl_exif_orientation(const uint8_t *tiff, size_t size)
{
	if (size < 8 || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M'))
		return 1;
	bool is_big = tiff[0] == 'M';
	size_t at = get(tiff + 4, 4, is_big);
	if (get(tiff + 2, 2, is_big) != 42 || at > size - 2)
		return 1;
	size_t n = get(tiff + at, 2, is_big);
	const uint8_t *e = tiff + at + 2, *end = tiff + size;
	for (size_t i = 0; i < n && end - e >= 12; i++, e += 12) {
		if (get(e, 2, is_big) != 0x0112 || get(e + 2, 2, is_big) != 3)
			continue;
		uint32_t v = get(e + 8, 2, is_big);
		return v >= 1 && v <= 8 ? (int)v : 1;
	}
	return 1;
}

/* Where the upright picture's pixel (y,x) lies: base + y * down + x * right. */
struct walk {
	int64_t w, h, base, down, right;
};

static struct walk upright(const struct xl_pixels *px)
{
	int64_t w = px->w, h = px->h;
	bool is_turned = px->orient >= 5;
	bool from_right = px->orient == 2 || px->orient == 3 || px->orient == 7 || px->orient == 8;
	bool from_below = px->orient == 3 || px->orient == 4 || px->orient == 6 || px->orient == 7;
	int64_t along = from_right ? -1 : 1, across = from_below ? -w : w;
	struct walk k;

	k.base = (from_right ? w - 1 : 0) + (from_below ? (h - 1) * w : 0);
	k.w = is_turned ? h : w;
	k.h = is_turned ? w : h;
	k.down = is_turned ? along : across;
	k.right = is_turned ? across : along;
	return k;
}

static uint8_t over(int v, int alpha, int ground)
{
	return (uint8_t)((v * alpha + ground * (255 - alpha) + 127) / 255);
}

/* One row of one colour, alpha laid on the ground. */
static void take_row(uint8_t *to, const struct xl_pixels *px, const struct walk *k, int64_t y,
		     int colour, int ground)
{
	int64_t step = k->right * px->bands;
	const uint8_t *p = px->data + (k->base + y * k->down) * px->bands;
	int c = px->bands < 3 ? 0 : colour;

	if (px->bands % 2)
		for (int64_t x = 0; x < k->w; x++, p += x < k->w ? step : 0)
			to[x] = p[c];
	else
		for (int64_t x = 0; x < k->w; x++, p += x < k->w ? step : 0)
			to[x] = over(p[c], p[px->bands - 1], ground);
}

/* The common case, RGB and upright, in one sweep. */
XL_WIDE static void take_plain(uint8_t *to, const struct xl_pixels *px)
{
	int64_t n = px->w * px->h;
	const uint8_t *restrict p = px->data;
	uint8_t *restrict r = to, *restrict g = to + n, *restrict b = to + 2 * n;

	for (int64_t i = 0; i < n; i++) {
		r[i] = p[3 * i];
		g[i] = p[3 * i + 1];
		b[i] = p[3 * i + 2];
	}
}

/* (3,H,W) of an upright picture on white, or on black */
static struct xl_tensor *to_rgb(const struct xl_pixels *px, int ground)
{
	struct walk k = upright(px);
	int64_t shape[3] = {3, k.h, k.w};
	struct xl_tensor *t = xl_tensor_new(XL_U1, 3, shape);
	uint8_t *to;

	if (!t)
		return NULL;
	to = t->data;
	if (px->bands == 3 && px->orient == 1) {
		take_plain(to, px);
		return t;
	}
	for (int64_t c = 0; c < 3; c++)
		for (int64_t y = 0; y < k.h; y++)
			take_row(to + (c * k.h + y) * k.w, px, &k, y, (int)c, ground);
	return t;
}

/* Luma of ITU-R 601-2, as the Pillow library computes it. */
static struct xl_tensor *to_grey(const struct xl_pixels *px)
{
	struct xl_tensor *rgb = to_rgb(px, 0), *grey = NULL;

	if (!rgb)
		return NULL;
	int64_t n = rgb->shape[1] * rgb->shape[2], shape[3] = {1, rgb->shape[1], rgb->shape[2]};
	grey = xl_tensor_new(XL_U1, 3, shape);
	if (grey) {
		const uint8_t *p = rgb->data;
		uint8_t *to = grey->data;
		for (int64_t i = 0; i < n; i++)
			to[i] = (uint8_t)((p[i] * 19595 + p[n + i] * 38470 + p[2 * n + i] * 7471 +
					   0x8000) >>
					  16);
	}
	xl_tensor_free(rgb);
	return grey;
}

/* ---- loading ---------------------------------------------------------- */

int xl_image_check(const void *bytes, size_t n)
{
	if (n == 0)
		return xl_err("not an image (it is empty)");
	return xl_is_picture(bytes, n) ? 0 : xl_vips_check(bytes, n);
}

static int read_pixels(const void *data, size_t size, struct xl_pixels *px)
{
	if (xl_image_check(data, size))
		return -1;
	if (xl_is_picture(data, size)) { /* of the two, a PNG begins so */
		const bool is_png = *(const uint8_t *)data == 0x89;
		const int rc = is_png ? xl_png_read(data, size, px) : xl_jpeg_read(data, size, px);

		if (rc <= 0)
			return rc;
	}
	return xl_vips_read(data, size, px);
}

static struct xl_tensor *load_mem(const char *name, const void *data, size_t size, bool is_grey)
{
	struct xl_pixels px = {.data = NULL};
	struct xl_tensor *t = NULL;

	if (!read_pixels(data, size, &px))
		t = is_grey ? to_grey(&px) : to_rgb(&px, 255);
	if (!t)
		xl_err_prefix("%s", name);
	free(px.data);
	return t;
}

/* The bytes of a file, FIFO or device; NULL with xl_err set */
static void *read_file(const char *path, size_t *size)
{
	struct stat st;
	uint8_t *buf = NULL, *more;
	size_t cap = 0, n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st)) {
		xl_err("%s: %s", path, xl_strerror(errno));
		goto fail;
	}
	if (S_ISDIR(st.st_mode)) {
		xl_err("%s: a folder, not an image", path);
		goto fail;
	}
	cap = S_ISREG(st.st_mode) && st.st_size < (off_t)XL_MAX_PICTURE_FILE
		      ? (size_t)st.st_size + 1
		      : 65536;
	for (;;) {
		if (!buf || n == cap) {
			cap = buf ? 2 * cap : cap;
			more = cap > 2 * XL_MAX_PICTURE_FILE ? NULL : xl_realloc(buf, cap, 1);
			if (!more) {
				xl_err("%s: too large for a picture", path);
				goto fail;
			}
			buf = more;
		}
		ssize_t got = read(fd, buf + n, cap - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			xl_err("%s: %s", path, xl_strerror(errno));
			goto fail;
		}
		if (got == 0)
			break;
		bool is_head = n < XL_PICTURE_HEAD;
		n += (size_t)got;
		/* what has no end is not read to it */
		if (is_head && n >= XL_PICTURE_HEAD && xl_image_check(buf, n)) {
			xl_err_prefix("%s", path);
			goto fail;
		}
	}
	close(fd);
	*size = n;
	return buf;
fail:
	if (fd >= 0)
		close(fd);
	free(buf);
	return NULL;
}

static struct xl_tensor *load(const char *path, bool is_grey)
{
	size_t size = 0;
	void *data = read_file(path, &size);
	struct xl_tensor *t = data ? load_mem(path, data, size, is_grey) : NULL;
	free(data);
	return t;
}

struct xl_tensor *xl_image_load(const char *path)
{
	return load(path, false);
}

struct xl_tensor *xl_image_load_grey(const char *path)
{
	return load(strcmp(path, "-") == 0 ? "/dev/stdin" : path, true);
}

struct xl_tensor *xl_image_load_mem(const char *name, const void *data, size_t size)
{
	return load_mem(name, data, size, false);
}

void xl_image_flip(struct xl_tensor *t)
{
	size_t unit = xl_dtype_size(t->dtype), w = (size_t)t->shape[t->ndim - 1];
	size_t rows = w ? (size_t)xl_tensor_count(t) / w : 0;
	uint8_t *row = t->data, keep[8];

	for (size_t y = 0; unit == 1 && y < rows; y++, row += w)
		for (size_t a = 0, b = w - 1; a < w / 2; a++, b--) {
			uint8_t v = row[a];
			row[a] = row[b];
			row[b] = v;
		}
	for (size_t y = 0; unit > 1 && y < rows; y++, row += w * unit)
		for (size_t a = 0, b = w - 1; a < w / 2; a++, b--) {
			memcpy(keep, row + a * unit, unit);
			memcpy(row + a * unit, row + b * unit, unit);
			memcpy(row + b * unit, keep, unit);
		}
}
