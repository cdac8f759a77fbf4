/*
 * jpegs.c - writes pictures for bench/crop.sh to decode: of CelebA's size, in
 * JPEG of quality 95. Smooth colours with as much noise as makes files of 28 KB,
 * which is four times CelebA's.
 *
 *   jpegs FOLDER COUNT
 */
#include <stdio.h>
#include <stdlib.h>
#include <jpeglib.h>
#include "core/mem.h"
#include "core/rng.h"

enum { W = 178, H = 218, QUALITY = 95 };
static const double SIGMA = 18; /* of the noise, in 8-bit levels */

/* A gradient of its own direction and colours for each picture */
static void paint_row(uint8_t *row, int y, struct xl_rng *r, double slope[3][2])
{
	for (int x = 0; x < W; x++)
		for (int c = 0; c < 3; c++) {
			double v = 128 + slope[c][0] * (x - W / 2) + slope[c][1] * (y - H / 2) +
				   SIGMA * xl_rng_normal(r);
			row[3 * x + c] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
		}
}

static int write_jpeg(const char *path, uint32_t index)
{
	struct jpeg_compress_struct c;
	struct jpeg_error_mgr e;
	struct xl_rng r;
	double slope[3][2];
	uint8_t line[3 * W];
	JSAMPROW row = line;
	FILE *f = fopen(path, "wb");

	if (!f)
		return -1;
	xl_rng_init(&r, 0, XL_RNG_SYNTH, index, 0);
	for (int i = 0; i < 6; i++)
		slope[i / 2][i % 2] = xl_rng_uniform(&r) - 0.5;
	c.err = jpeg_std_error(&e);
	jpeg_create_compress(&c);
	jpeg_stdio_dest(&c, f);
	c.image_width = W;
	c.image_height = H;
	c.input_components = 3;
	c.in_color_space = JCS_RGB;
	jpeg_set_defaults(&c);
	jpeg_set_quality(&c, QUALITY, TRUE);
	jpeg_start_compress(&c, TRUE);
	for (int y = 0; y < H; y++) {
		paint_row(line, y, &r, slope);
		jpeg_write_scanlines(&c, &row, 1);
	}
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
	return fclose(f);
}

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[2]) : 0;

	if (count < 1) {
		fprintf(stderr, "usage: jpegs FOLDER COUNT\n");
		return 2;
	}
	for (int i = 0; i < count; i++) {
		char *path = xl_strf("%s/%06d.jpg", argv[1], i);
		if (!path || write_jpeg(path, (uint32_t)i)) {
			perror(path);
			return 1;
		}
		free(path);
	}
	return 0;
}
