/*
 * simd_window.c - the largest or the mean of the windows of a plane of 16 channels, which
 * are the lanes; compiled once per instruction set. Other maps, and the adjoints, are in
 * windows.c.
 */
#include "kernels/simd_vec.h"
#include "kernels/windows.h"

typedef int32_t vi __attribute__((vector_size(XL_LANES * 4)));

/* The larger, a where both are equal; NaN once one of them is. */
static inline vf larger(vf a, vf b)
{
	const vi is_b = (b > a) | (b != b);

	return (vf)((is_b & (vi)b) | (~is_b & (vi)a));
}

/* Both of rows by columns pixels from x on, rows `step` floats apart. */
static inline void largest_of(float *y, const float *x, int64_t step, int rows, int columns)
{
	for (int v = 0; v < XL_VECS; v++) {
		vf best = *(const vf *)(x + v * XL_LANES);

		for (int i = 0; i < rows; i++)
			for (int j = 0; j < columns; j++)
				best = larger(best, *(const vf *)(x + i * step + j * XL_BLOCK +
								  v * XL_LANES));
		*(vf *)(y + v * XL_LANES) = best;
	}
}

static inline void mean_of(float *y, const float *x, int64_t step, int rows, int columns,
			   float share)
{
	for (int v = 0; v < XL_VECS; v++) {
		vf sum = {0};

		for (int i = 0; i < rows; i++)
			for (int j = 0; j < columns; j++)
				sum += *(const vf *)(x + i * step + j * XL_BLOCK + v * XL_LANES);
		*(vf *)(y + v * XL_LANES) = sum * share;
	}
}

void XL_FN(xl_window_plane)(float *y, const float *x, const struct xl_dims *d,
			    const struct xl_window *w)
{
	const int oh = xl_window_count(w, d->h), ow = xl_window_count(w, d->w);
	const int64_t step = (int64_t)d->w * XL_BLOCK;

	for (int i = 0; i < oh; i++)
		for (int j = 0; j < ow; j++, y += XL_BLOCK) {
			const struct xl_window_part s = xl_window_part(w, d, i, j);
			const float *from = x + s.top * step + s.left * XL_BLOCK;
			const int rows = s.bottom - s.top, columns = s.right - s.left;

			if (w->kind != XL_LARGEST)
				mean_of(y, from, step, rows, columns, s.share);
			else if (rows == 3 && columns == 3) /* nearly always: unrolled */
				largest_of(y, from, step, 3, 3);
			else
				largest_of(y, from, step, rows, columns);
		}
}
