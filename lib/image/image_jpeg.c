/*
 * image_jpeg.c - JPEG through libjpeg-turbo, many times faster than a libvips
 * pipeline on small pictures. What libjpeg reports by longjmp stays in
 * xl_jpeg_read. CMYK pictures are left to libvips.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>
#include <jerror.h>
#include "core/mem.h"
#include "image/pixels.h"

/* A Huffman-coded block of 64 pixels takes at least one bit; chroma may be the
 * finer component by 8. */
enum { MOST_PIXELS_PER_BYTE = 4096, MOST_SCANS = 500 };

struct fault {
	struct jpeg_error_mgr mgr;
	jmp_buf jump;
	char text[JMSG_LENGTH_MAX];
};

static void give_up(j_common_ptr c)
{
	struct fault *f = (struct fault *)(void *)c->err;
	f->mgr.format_message(c, f->text);
	longjmp(f->jump, 1);
}

/* Warnings that mean lost pixels are errors; oddities of the header are not. */
static void hear_warning(j_common_ptr c, int level)
{
	if (level >= 0)
		return;
	switch (c->err->msg_code) {
	case JWRN_ADOBE_XFORM:
	case JWRN_BOGUS_ICC:
	case JWRN_BOGUS_PROGRESSION:
	case JWRN_EXTRANEOUS_DATA:
	case JWRN_JFIF_MAJOR:
	case JWRN_NOT_SEQUENTIAL:
	case JWRN_TOO_MUCH_DATA:
		return;
	default:
		give_up(c);
	}
}

/* Thousands of empty scans in a small file would keep the decoder busy for hours. */
static void count_scans(j_common_ptr c)
{
	struct fault *f = (struct fault *)(void *)c->err;
	if (c->is_decompressor && ((j_decompress_ptr)c)->input_scan_number > MOST_SCANS) {
		snprintf(f->text, sizeof f->text, "more than %d scans", MOST_SCANS);
		longjmp(f->jump, 1);
	}
}

static int orientation(const struct jpeg_decompress_struct *d)
{
	static const char head[6] = "Exif\0";
	for (const struct jpeg_marker_struct *m = d->marker_list; m; m = m->next)
		if (m->marker == JPEG_APP0 + 1 && m->data_length > sizeof head &&
		    !memcmp(m->data, head, sizeof head))
			return xl_exif_orientation(m->data + sizeof head,
						   m->data_length - sizeof head);
	return 1;
}

/* Everything here may longjmp to xl_jpeg_read, which owns d and px. */
static int read_rows(struct jpeg_decompress_struct *d, size_t size, struct xl_pixels *px)
{
	if (d->jpeg_color_space == JCS_CMYK || d->jpeg_color_space == JCS_YCCK)
		return 1;
	bool is_grey = d->jpeg_color_space == JCS_GRAYSCALE;
	d->out_color_space = is_grey ? JCS_GRAYSCALE : JCS_RGB;
	px->orient = orientation(d);
	if (xl_pixels_alloc(px, d->image_width, d->image_height, is_grey ? 1 : 3, size,
			    d->arith_code ? 0 : MOST_PIXELS_PER_BYTE))
		return -1;
	jpeg_start_decompress(d);
	size_t stride = (size_t)px->w * (size_t)px->bands;
	while (d->output_scanline < d->output_height) {
		JSAMPROW rows[8];
		for (unsigned i = 0; i < 8; i++) {
			size_t y = d->output_scanline + i;
			rows[i] = px->data + (y < (size_t)px->h ? y : (size_t)px->h - 1) * stride;
		}
		JDIMENSION left = d->output_height - d->output_scanline;
		jpeg_read_scanlines(d, rows, left < 8 ? left : 8);
	}
	jpeg_finish_decompress(d);
	return 0;
}

int xl_jpeg_read(const void *data, size_t size, struct xl_pixels *px)
{
	struct jpeg_decompress_struct d;
	struct fault fault;
	struct jpeg_progress_mgr watch;
	int rc;

	memset(&d, 0, sizeof d);
	memset(&watch, 0, sizeof watch);
	watch.progress_monitor = count_scans;
	d.err = jpeg_std_error(&fault.mgr);
	fault.mgr.error_exit = give_up;
	fault.mgr.emit_message = hear_warning;
	if (setjmp(fault.jump)) {
		jpeg_destroy_decompress(&d);
		return xl_err("damaged JPEG (%s)", fault.text);
	}
	jpeg_create_decompress(&d);
	d.progress = &watch;
	jpeg_save_markers(&d, JPEG_APP0 + 1, 0xffff);
	jpeg_mem_src(&d, data, (unsigned long)size);
	jpeg_read_header(&d, TRUE);
	rc = read_rows(&d, size, px);
	jpeg_destroy_decompress(&d);
	return rc;
}
