/*
 * digits_paint.c - a layout of digits in the colours of a look, as pixels.
 */
#include "data/digits.h"

enum { THRESHOLD = 128 };

/* One cell, from the grey pixels of its digit. */
static void paint_cell(struct xl_tensor *x, struct xl_tensor *mask, const uint8_t *grey,
		       const uint8_t ink[3], int64_t left, int64_t top)
{
	const int64_t side = x->shape[2], plane = side * side;
	uint8_t *px = x->data, *pm = mask->data;

	for (int64_t i = 0; i < XL_DIGIT_SIDE * XL_DIGIT_SIDE; i++) {
		const int64_t at = (top + i / XL_DIGIT_SIDE) * side + left + i % XL_DIGIT_SIDE;

		if (grey[i] < THRESHOLD)
			continue;
		pm[at] = 255;
		for (int64_t c = 0; c < 3; c++)
			px[c * plane + at] = ink[c];
	}
}

/* The darkest value to 0 and the brightest to 255, over all channels. */
static void stretch(struct xl_tensor *x)
{
	const int64_t n = xl_tensor_count(x);
	uint8_t *p = x->data;
	int low = 255, high = 0;

	for (int64_t i = 0; i < n; i++) {
		low = p[i] < low ? p[i] : low;
		high = p[i] > high ? p[i] : high;
	}
	for (int64_t i = 0; high > low && i < n; i++)
		p[i] = (uint8_t)((2 * 255 * (p[i] - low) + high - low) / (2 * (high - low)));
}

int xl_digits_paint(struct xl_tensor *x, struct xl_tensor *mask, const struct xl_digits *d,
		    const struct xl_digit_layout *layout, const struct xl_digit_look *look)
{
	const int64_t n = xl_tensor_count(x);
	uint8_t grey[XL_DIGIT_SIDE * XL_DIGIT_SIDE], *p = x->data;

	for (int64_t i = 0; i < n; i++)
		p[i] = look->ground[i / (n / 3)];
	for (int k = 0; k < layout->grid * layout->grid; k++) {
		const int64_t row = layout->row[k];

		if (row < 0)
			continue;
		if (xl_idx_read(&d->idx, row, grey))
			return -1;
		paint_cell(x, mask, grey, look->ink[d->idx.labels[row]],
			   (int64_t)(k % layout->grid) * XL_DIGIT_SIDE,
			   (int64_t)(k / layout->grid) * XL_DIGIT_SIDE);
	}
	if (look->is_stretched)
		stretch(x);
	return 0;
}
