/*
 * composite.c - a translation put into its input where the mask says.
 */
#include <math.h>
#include <stdlib.h>
#include "image/composite.h"
#include "image/coverage.h"

static void blend(float *out, const float *x, const float *cover, int64_t pixels, double gain)
{
	for (int c = 0; c < 3; c++, out += pixels, x += pixels)
		for (int64_t i = 0; i < pixels; i++) {
			const float w = (float)fmin(1, gain * (double)cover[i]);
			out[i] = (1 - w) * x[i] + w * out[i]; /* exact at both ends */
		}
}

int xl_composite(struct xl_record *r, double gain)
{
	struct xl_tensor *out = xl_record_tensor(r, "out"), *x = xl_record_tensor(r, "x"), *input;
	const int64_t rgb[3] = {3, -1, -1};
	char of_x[96], of_out[96];
	float *cover;

	if (!out)
		return xl_err("has no translation out");
	if (!x)
		return xl_err("has no image x to put its translation into");
	if (!xl_tensor_is(out, 3, rgb) || out->dtype != XL_F4 || !xl_tensor_is(x, 3, out->shape))
		return xl_err("x is %s, its translation %s", xl_tensor_show(x, of_x, sizeof of_x),
			      xl_tensor_show(out, of_out, sizeof of_out));
	if (!(cover = xl_coverage(r, "m", out->shape[1], out->shape[2])))
		return -1;
	if ((input = xl_image_to_f4(x)))
		blend(out->data, input->data, cover, out->shape[1] * out->shape[2], gain);
	free(cover);
	xl_tensor_free(input);
	return input ? 0 : -1;
}
