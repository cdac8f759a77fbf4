/*
 * simd_conv.c - convolutions that are not Winograd's, compiled once per instruction set:
 * directly, or by whichever other way suits. Direct ones are in simd_sweep.c, their
 * weight gradients in simd_wgrad.c and simd_few.c (few output channels); the others are
 * simd_gemm.c (few pixels) and depth.c (few input channels and a stride).
 */
#include <assert.h>
#include "core/mem.h"
#include "kernels/depth.h"
#include "kernels/pad.h"
#include "kernels/simd_few.h"
#include "kernels/simd_gemm.h"
#include "kernels/simd_sweep.h"
#include "kernels/simd_wgrad.h"

/* To few channels from blocks: the lanes are better spent on the inputs. */
static bool few(int co, int lanes)
{
	return co <= XL_FEW && lanes == XL_BLOCK;
}

/* Parts of the scratch begin at whole vectors. */
static int64_t whole(int64_t floats)
{
	return xl_round_up(floats, XL_BLOCK);
}

static bool padded(const struct xl_conv2d_dims *d)
{
	return d->pad_h > 0 || d->pad_w > 0;
}

/*
 * Where products with the weights in place (simd_gemm.c) are faster, measured: with
 * few pixels, packing the weights is what direct convolution costs. Only the weights'
 * gradient asks for the batch: on that, no bit of a pixel may depend.
 */
static bool gemm(const struct xl_conv2d_dims *d)
{
	return xl_block_of(d->ci) > 1 && d->co > XL_FEW;
}

static bool gemm_of(const struct xl_conv2d_dims *d, int most)
{
	const int64_t weights = (int64_t)d->co * d->ci * d->kh * d->kw;
	return gemm(d) && (int64_t)d->oh * d->ow <= (weights < 1 << 19 ? 4 : most);
}

static bool gemm_fwd(const struct xl_conv2d_dims *d)
{
	return gemm_of(d, 16);
}

static bool gemm_bwd_x(const struct xl_conv2d_dims *d)
{
	return gemm_of(d, 64);
}

static bool gemm_bwd_w(const struct xl_conv2d_dims *d)
{
	const int64_t pixels = (int64_t)d->oh * d->ow;
	return gemm(d) && pixels <= d->co / 4 && (pixels < 64 || d->n * pixels < 256);
}

/* Numbers of the sums of a weight gradient to few channels. */
static int64_t sums_count(const struct xl_conv2d_dims *d)
{
	return few(d->co, xl_block_of(d->ci)) ? whole(XL_FN(xl_few_sums)(d)) : 0;
}

/* Whether the gradient of a strided convolution of few channels is better computed
 * with the channels of a square of pixels as lanes: with these few, not fewer. */
static bool deep_bwd_x(struct xl_conv2d_dims *deep, const struct xl_conv2d_dims *d)
{
	return xl_block_of(d->co) > 1 && xl_depth_dims(deep, d) && deep->ci > XL_BLOCK / 2 &&
	       deep->ci <= XL_BLOCK && xl_block_of(d->ci) == 1;
}

/* Numbers of the padded input: as it is, and as squares of pixels. */
static int64_t padded_count(const struct xl_conv2d_dims *d)
{
	return whole((int64_t)d->n * d->ci * (d->h + 2 * d->pad_h) * (d->w + 2 * d->pad_w));
}

static size_t deep_scratch(const struct xl_conv2d_dims *d, const struct xl_conv2d_dims *deep)
{
	const int64_t w = whole((int64_t)d->co * d->ci * d->kh * d->kw);
	return (size_t)(w + 2 * padded_count(d)) * sizeof(float) + XL_FN(xl_conv2d_scratch)(deep);
}

static struct xl_sweep forward(const struct xl_conv2d_dims *d)
{
	const int taps = d->kh * d->kw;

	assert(taps <= XL_TAPS);
	return (struct xl_sweep){
		.rows = {d->oh, d->h, d->kh, d->stride, d->pad_h, d->mode, false},
		.cols = {d->ow, d->w, d->kw, d->stride, d->pad_w, d->mode, false},
		.n = d->n,
		.ci = d->ci,
		.co = d->co,
		.w_co = (int64_t)d->ci * taps,
		.w_ci = taps,
	};
}

static struct xl_sweep back(const struct xl_conv2d_dims *d)
{
	const int taps = d->kh * d->kw;

	assert(taps <= XL_TAPS);
	return (struct xl_sweep){
		.rows = {d->h, d->oh, d->kh, d->stride, d->pad_h, d->mode, true},
		.cols = {d->w, d->ow, d->kw, d->stride, d->pad_w, d->mode, true},
		.n = d->n,
		.ci = d->co,
		.co = d->ci,
		.w_co = taps,
		.w_ci = (int64_t)d->ci * taps,
	};
}

static size_t wgrad_scratch(const struct xl_conv2d_dims *d)
{
	const bool plain = xl_block_of(d->co) == 1;
	const int64_t gy = plain ? d->n * xl_round_up(d->co, XL_BLOCK) * d->oh * d->ow : 0;

	return (size_t)(padded_count(d) + gy + sums_count(d)) * sizeof(float);
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

size_t XL_FN(xl_conv2d_scratch)(const struct xl_conv2d_dims *d)
{
	const struct xl_sweep f = forward(d), b = back(d);
	struct xl_conv2d_dims deep;

	const size_t fwd =
		gemm_fwd(d) ? XL_FN(xl_gemm_scratch)(d, false) : XL_FN(xl_sweep_scratch)(&f);
	const size_t bwd_x = gemm_bwd_x(d)          ? XL_FN(xl_gemm_scratch)(d, true)
			     : deep_bwd_x(&deep, d) ? deep_scratch(d, &deep)
						    : XL_FN(xl_sweep_scratch)(&b);
	const size_t bwd_w = gemm_bwd_w(d) ? XL_FN(xl_gemm_scratch)(d, false) : wgrad_scratch(d);
	return larger(fwd, larger(bwd_x, bwd_w));
}

void XL_FN(xl_conv2d_fwd)(float *y, const float *x, const float *w, const float *bias,
			  const struct xl_conv2d_dims *d, void *scratch)
{
	struct xl_sweep s = forward(d);

	if (gemm_fwd(d)) {
		XL_FN(xl_gemm_fwd)(y, x, w, bias, d, scratch);
		return;
	}
	s.x = x;
	s.w = w;
	s.bias = bias;
	s.y = y;
	XL_FN(xl_sweep)(&s, scratch);
}

static void run_deep(float *gx, const float *gy, const float *w, const struct xl_conv2d_dims *d,
		     const struct xl_conv2d_dims *deep, float *scratch)
{
	float *wd = scratch, *gd = wd + whole((int64_t)d->co * d->ci * d->kh * d->kw);
	float *gxp = gd + padded_count(d);

	xl_depth_weights(wd, w, d);
	XL_FN(xl_conv2d_bwd_x)(gd, gy, wd, deep, gxp + padded_count(d));
	xl_depth_back(gxp, gd, d);
	xl_pad_bwd(gx, gxp, &(struct xl_dims){d->n, d->ci, d->h, d->w, 1}, d->pad_h, d->pad_w,
		   d->mode);
}

void XL_FN(xl_conv2d_bwd_x)(float *gx, const float *gy, const float *w,
			    const struct xl_conv2d_dims *d, void *scratch)
{
	struct xl_sweep s = back(d);
	struct xl_conv2d_dims deep;

	if (gemm_bwd_x(d)) {
		XL_FN(xl_gemm_bwd_x)(gx, gy, w, d, scratch);
		return;
	}
	if (deep_bwd_x(&deep, d)) {
		run_deep(gx, gy, w, d, &deep, scratch);
		return;
	}
	s.x = gy;
	s.w = w;
	s.y = gx;
	XL_FN(xl_sweep)(&s, scratch);
}

void XL_FN(xl_conv2d_bwd_w)(float *gw, const float *x, const float *gy,
			    const struct xl_conv2d_dims *d, void *scratch)
{
	const int b = xl_block_of(d->ci), hp = d->h + 2 * d->pad_h, wp = d->w + 2 * d->pad_w;
	float *sums = scratch;
	float *xpad = sums + sums_count(d);
	float *blocked = xpad + whole((int64_t)d->n * d->ci * hp * wp);

	if (gemm_bwd_w(d)) {
		XL_FN(xl_gemm_bwd_w)(gw, x, gy, d, scratch);
		return;
	}
	if (padded(d))
		xl_pad_fwd(xpad, x, &(struct xl_dims){d->n, d->ci, d->h, d->w, b}, d->pad_h,
			   d->pad_w, d->mode);
	if (few(d->co, b)) {
		const struct xl_few_wgrad f = {gw, padded(d) ? xpad : x, gy, blocked, sums, d, hp,
					       wp};
		XL_FN(xl_few_wgrad)(&f);
		return;
	}
	if (xl_block_of(d->co) == 1)
		xl_block_pad(blocked, gy, d->n, d->co, d->oh * d->ow);
	XL_FN(xl_wgrad)(gw, padded(d) ? xpad : x, xl_block_of(d->co) == 1 ? blocked : gy, d);
}
