/*
 * pixels.h - what the decoders hand to image.c; nobody outside lib/image
 * includes this. Interleaved rows as they lie in the file, not yet turned.
 */
#ifndef XL_IMAGE_PIXELS_H
#define XL_IMAGE_PIXELS_H

#include "xl.h"

/*
 * XL_WIDE - a loop over bytes that is compiled a second time for AVX2, which is
 * used where the CPU has it. Integers only: both give the same bits.
 */
#define XL_WIDE
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__has_attribute)
#if __has_attribute(target_clones)
#undef XL_WIDE
#define XL_WIDE __attribute__((target_clones("avx2", "default")))
#endif
#endif

/* Larger pictures are refused: 2^28 pixels are 800 MB of RGB. */
#define XL_MAX_PIXELS ((int64_t)1 << 28)

struct xl_pixels {
	uint8_t *data; /* h rows of w pixels of bands bytes, owned */
	int64_t w, h;
	int bands;  /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha */
	int orient; /* EXIF orientation 1..8, already checked */
};

/* xl_pixels_check - 0 if a picture may have this size, or -1 with xl_err set */
int xl_pixels_check(int64_t w, int64_t h);

/*
 * xl_pixels_alloc - check the size a header claims against the bytes that are
 * there, and allocate px->data
 *
 * most     the largest number of pixels that one byte of the format can stand
 *          for, so that a short file cannot ask for much memory; 0 for unknown
 * Errors   0, or -1 with xl_err set
 */
int xl_pixels_alloc(struct xl_pixels *px, int64_t w, int64_t h, int bands, size_t file_size,
		    int64_t most);

/*
 * xl_jpeg_read, xl_png_read, xl_vips_read - decode a picture in memory
 *
 * xl_jpeg_read returns 1 for a JPEG that it leaves to libvips (CMYK).
 * Owns     px->data is the caller's, also after a failure (it may be NULL)
 * Errors   0, or -1 with xl_err set, without the file's name
 */
int xl_jpeg_read(const void *data, size_t size, struct xl_pixels *px);
int xl_png_read(const void *data, size_t size, struct xl_pixels *px);
int xl_vips_read(const void *data, size_t size, struct xl_pixels *px);

/* xl_vips_check - 0 where libvips knows these first bytes, or -1 with xl_err set */
int xl_vips_check(const void *data, size_t size);

/* xl_exif_orientation - the orientation 1..8 in the TIFF block of an EXIF
 * marker; 1 where there is none or the block is damaged */
int xl_exif_orientation(const uint8_t *tiff, size_t size);

/* xl_font_row - bits of row 0..7 of a character, the leftmost of 5 in bit 4;
 * what is not printable ASCII is drawn as a box */
unsigned xl_font_row(unsigned char c, int row);

#endif
