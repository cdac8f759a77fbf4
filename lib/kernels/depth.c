/*
 * depth.c - squares of pixels as channels; one plane of one image is an item.
 */
#include "core/pool.h"
#include "kernels/depth.h"

bool xl_depth_dims(struct xl_conv2d_dims *deep, const struct xl_conv2d_dims *d)
{
	const int st = d->stride, hp = d->h + 2 * d->pad_h, wp = d->w + 2 * d->pad_w;

	if (st == 1 || hp % st || wp % st || d->kh % st || d->kw % st)
		return false;
	*deep = (struct xl_conv2d_dims){.n = d->n,
					.ci = d->ci * st * st,
					.h = hp / st,
					.w = wp / st,
					.co = d->co,
					.kh = d->kh / st,
					.kw = d->kw / st,
					.stride = 1,
					.oh = d->oh,
					.ow = d->ow};
	return true;
}

void xl_depth_weights(float *to, const float *w, const struct xl_conv2d_dims *d)
{
	const int st = d->stride, kh = d->kh / st, kw = d->kw / st;

	for (int o = 0; o < d->co; o++)
		for (int p = 0; p < st * st; p++)
			for (int i = 0; i < d->ci; i++) {
				const float *from = w + (o * d->ci + i) * d->kh * d->kw +
						    p / st * d->kw + p % st;
				for (int t = 0; t < kh * kw; t++)
					*to++ = from[t / kw * st * d->kw + t % kw * st];
			}
}

struct back {
	float *padded;
	const float *pixels;
	const struct xl_conv2d_dims *d;
};

static void back_item(void *ctx, int64_t plane)
{
	const struct back *k = ctx;
	const struct xl_conv2d_dims *d = k->d;
	const int st = d->stride, h = d->h + 2 * d->pad_h, w = d->w + 2 * d->pad_w;
	const int deep = d->ci * st * st, b = xl_block_of(deep);
	const int64_t image = plane / d->ci, size = (int64_t)(h / st) * (w / st);
	float *to = k->padded + plane * h * w;

	for (int r = 0; r < h; r++)
		for (int p = 0; p < st; p++) {
			const int64_t channel = (r % st * st + p) * d->ci + plane % d->ci;
			const float *from = k->pixels + (image * deep + channel / b * b) * size +
					    (int64_t)(r / st) * (w / st) * b + channel % b;
			for (int c = 0; c < w / st; c++)
				to[(int64_t)r * w + c * st + p] = from[c * b];
		}
}

void xl_depth_back(float *padded, const float *pixels, const struct xl_conv2d_dims *d)
{
	struct back k = {padded, pixels, d};

	xl_parallel(back_item, &k, (int64_t)d->n * d->ci);
}
