/*
 * image_vips.c - every format that is neither JPEG nor PNG, through libvips.
 *
 * libvips and the hundred libraries behind it take 17 ms to load and as long
 * again to start, so they are loaded when the first such picture comes, not
 * with the program. Loaders that their authors do not trust with hostile input
 * are switched off, but for the simple netpbm formats.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>
#include "core/mem.h"
#include "image/pixels.h"

/* What we call, under the names and types of vips.h. */
static struct {
	__typeof__(vips_init) *init;
	__typeof__(vips_concurrency_set) *concurrency_set;
	__typeof__(vips_cache_set_max) *cache_set_max;
	__typeof__(vips_error_clear) *error_clear;
	__typeof__(vips_source_new_from_memory) *source_new_from_memory;
	__typeof__(vips_foreign_find_load_source) *find_load_source;
	__typeof__(vips_image_new_from_source) *image_new_from_source;
	__typeof__(vips_autorot) *autorot;
	__typeof__(vips_colourspace) *colourspace;
	__typeof__(vips_cast) *cast;
	__typeof__(vips_extract_band) *extract_band;
	__typeof__(vips_image_get_width) *image_get_width;
	__typeof__(vips_image_get_height) *image_get_height;
	__typeof__(vips_image_get_bands) *image_get_bands;
	__typeof__(vips_image_write_to_memory) *image_write_to_memory;
	__typeof__(g_object_unref) *object_unref;
	__typeof__(g_free) *free;
	__typeof__(g_log_set_handler) *log_set_handler;
	void (*block_untrusted_set)(gboolean); /* these two: libvips 8.13 and later */
	void (*operation_block_set)(const char *, gboolean);
} vips;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *trouble; /* why libvips is not there, or NULL */

static void hear_nothing(const gchar *domain, GLogLevelFlags level, const gchar *text,
			 gpointer data)
{
	(void)domain;
	(void)level;
	(void)text;
	(void)data;
}

/* ISO C has no conversion from the object pointer of dlsym to a function's. */
static bool find(void *lib, const char *name, void *to)
{
	void *p = dlsym(lib, name);
	memcpy(to, &p, sizeof p);
	return p;
}

static bool find_all(void *lib)
{
	find(lib, "vips_block_untrusted_set", &vips.block_untrusted_set);
	find(lib, "vips_operation_block_set", &vips.operation_block_set);
	return find(lib, "vips_init", &vips.init) &&
	       find(lib, "vips_concurrency_set", &vips.concurrency_set) &&
	       find(lib, "vips_cache_set_max", &vips.cache_set_max) &&
	       find(lib, "vips_error_clear", &vips.error_clear) &&
	       find(lib, "vips_source_new_from_memory", &vips.source_new_from_memory) &&
	       find(lib, "vips_foreign_find_load_source", &vips.find_load_source) &&
	       find(lib, "vips_image_new_from_source", &vips.image_new_from_source) &&
	       find(lib, "vips_autorot", &vips.autorot) &&
	       find(lib, "vips_colourspace", &vips.colourspace) &&
	       find(lib, "vips_cast", &vips.cast) &&
	       find(lib, "vips_extract_band", &vips.extract_band) &&
	       find(lib, "vips_image_get_width", &vips.image_get_width) &&
	       find(lib, "vips_image_get_height", &vips.image_get_height) &&
	       find(lib, "vips_image_get_bands", &vips.image_get_bands) &&
	       find(lib, "vips_image_write_to_memory", &vips.image_write_to_memory) &&
	       find(lib, "g_object_unref", &vips.object_unref) && find(lib, "g_free", &vips.free) &&
	       find(lib, "g_log_set_handler", &vips.log_set_handler);
}

static void start(void)
{
	void *lib = dlopen("libvips.so.42", RTLD_LAZY | RTLD_LOCAL);
	if (!lib)
		lib = dlopen("libvips.so", RTLD_LAZY | RTLD_LOCAL);
	if (!lib) {
		trouble = "neither JPEG nor PNG, and the library libvips.so.42 is missing";
		return;
	}
	if (!find_all(lib)) {
		trouble = "neither JPEG nor PNG, and the library libvips.so.42 is of no use";
		return;
	}
	vips.log_set_handler("VIPS", G_LOG_LEVEL_MASK, hear_nothing, NULL);
	vips.log_set_handler("GLib-GObject", G_LOG_LEVEL_MASK, hear_nothing, NULL);
	if (vips.init("xl")) {
		trouble = "neither JPEG nor PNG, and libvips does not start";
		return;
	}
	vips.concurrency_set(1);
	vips.cache_set_max(0);
	if (vips.block_untrusted_set && vips.operation_block_set) {
		vips.block_untrusted_set(TRUE);
		vips.operation_block_set("VipsForeignLoadPpm", FALSE);
	}
}

/* Puts the result of a step in the place of its input; false if it failed. */
static bool step(VipsImage **im, int failed, VipsImage **next)
{
	if (failed)
		return false;
	vips.object_unref(*im);
	*im = *next;
	*next = NULL;
	return true;
}

/* Upright sRGB bytes of 3 or 4 bands. */
static bool convert(VipsImage **im)
{
	VipsImage *next = NULL;

	if (!step(im, vips.autorot(*im, &next, NULL), &next) ||
	    !step(im, vips.colourspace(*im, &next, VIPS_INTERPRETATION_sRGB, NULL), &next) ||
	    !step(im, vips.cast(*im, &next, VIPS_FORMAT_UCHAR, NULL), &next))
		return false;
	int bands = vips.image_get_bands(*im);
	if (bands > 4 && !step(im, vips.extract_band(*im, &next, 0, "n", 3, NULL), &next))
		return false;
	return bands >= 3;
}

static int take_pixels(VipsImage *im, struct xl_pixels *px)
{
	int w = vips.image_get_width(im), h = vips.image_get_height(im);
	int bands = vips.image_get_bands(im);
	size_t size = 0;
	void *bytes;

	if (xl_pixels_alloc(px, w, h, bands, 0, 0))
		return -1;
	bytes = vips.image_write_to_memory(im, &size);
	if (!bytes)
		return xl_err("damaged picture");
	if (size != (size_t)w * (size_t)h * (size_t)bands) {
		vips.free(bytes);
		return xl_err("damaged picture (%zu bytes of pixels)", size);
	}
	memcpy(px->data, bytes, size);
	vips.free(bytes);
	return 0;
}

/* The picture with its pixels still packed, or NULL with xl_err set. Loaders that
 * read from memory in one piece (ImageMagick's) are passed over. */
static VipsImage *open_image(const uint8_t *data, size_t size)
{
	VipsSource *source = vips.source_new_from_memory(data, size);
	VipsImage *im = NULL;

	if (!source)
		xl_err("no memory to read a picture");
	else if (!(im = vips.image_new_from_source(source, "", "fail_on", VIPS_FAIL_ON_TRUNCATED,
						   NULL)))
		xl_err("damaged picture, or of a kind that is not supported");
	if (source)
		vips.object_unref(source);
	return im;
}

int xl_vips_check(const void *data, size_t size)
{
	const uint8_t *first = data;
	VipsSource *source;
	int rc = 0;

	pthread_once(&once, start);
	if (trouble)
		return xl_err("%s", trouble);
	source = vips.source_new_from_memory(data, size);
	if (!source)
		return xl_err("no memory to read a picture");
	if (!vips.find_load_source(source))
		rc = size < 2 ? xl_err("not an image (%zu bytes)", size)
			      : xl_err("not an image (first bytes %02x %02x)", first[0], first[1]);
	vips.object_unref(source);
	vips.error_clear();
	return rc;
}

int xl_vips_read(const void *data, size_t size, struct xl_pixels *px)
{
	VipsImage *im;
	int rc = -1;

	pthread_once(&once, start);
	if (trouble)
		return xl_err("%s", trouble);
	im = open_image(data, size);
	if (!im)
		goto out;
	px->orient = 1;
	if (xl_pixels_check(vips.image_get_width(im), vips.image_get_height(im)))
		goto out;
	if (convert(&im))
		rc = take_pixels(im, px);
	else
		xl_err("damaged picture, or its colours cannot be converted to RGB");
out:
	vips.error_clear();
	if (im)
		vips.object_unref(im);
	return rc;
}
