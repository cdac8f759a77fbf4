/*
 * kernels.h - every number-crunching primitive, behind one table of function
 * pointers: a backend. Kernels know nothing of the tape; they get raw pointers
 * and sizes, assert them, and have nothing to report.
 *
 * Layout. A map (N,C,H,W) is stored [N][C/b][H][W][b] with b = 16 where 16
 * divides C and b = 1 (plain NCHW) elsewhere, so that the lanes of a vector are
 * channels; for H = W = 1 both are the same. Weights are plain OIHW. The layout
 * never leaves kernels and grad.
 *
 * Determinism. Work is cut by shapes, never by threads; every sum has a fixed
 * order. The value at a pixel does not depend on the batch around it.
 */
#ifndef XL_KERNELS_KERNELS_H
#define XL_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { XL_BLOCK = 16 };

/* Shape of a map and its channel block b. */
struct xl_dims {
	int n, c, h, w;
	int b;
};

/*
 * xl_block_of   - the channel block b of a map with c channels
 * xl_dims_map   - the dims of a map in the layout above
 * xl_dims_plain - the same with b = 1
 * xl_dims_count - its numbers, n * c * h * w
 * xl_dims_same  - true where both are laid out alike
 */
int xl_block_of(int c);
struct xl_dims xl_dims_map(int n, int c, int h, int w);
struct xl_dims xl_dims_plain(int n, int c, int h, int w);
int64_t xl_dims_count(const struct xl_dims *d);
bool xl_dims_same(const struct xl_dims *a, const struct xl_dims *b);

/* XL_PAD_EDGE, the border repeated, is for kernels among themselves. */
enum xl_pad_mode { XL_PAD_ZERO, XL_PAD_REFLECT, XL_PAD_EDGE };

/*
 * One convolution:  y = conv(pad(x), w) + bias,  oh = (h + 2 pad_h - kh) / stride + 1
 *
 * Shapes   x: (n,ci,h,w) map   w: (co,ci,kh,kw) plain   y: (n,co,oh,ow) map
 *          bias: (co) or NULL. Reflection needs pad_h < h and pad_w < w.
 */
struct xl_conv2d_dims {
	int n, ci, h, w, co, kh, kw, stride, pad_h, pad_w;
	enum xl_pad_mode mode;
	int oh, ow;
	int up; /* 2: x is enlarged by two (nearest) first, see upconv.h; else 0 */
};

enum xl_unary {
	XL_AFFINE, /* p x + q */
	XL_LEAKY,  /* x > 0 ? x : p x */
	XL_TANH,
	XL_SIGMOID,
	XL_ABS,
	XL_SIGN, /* -1, 0, 1 */
	XL_SQRT,
	XL_EXP,
	XL_SOFTPLUS, /* max(x,0) + log(1 + exp(-|x|)) */
	XL_RECIP,
	XL_MAXC /* max(x, p) */
};

enum xl_binary {
	XL_ADD,
	XL_SUB,
	XL_MUL,
	XL_LEAKY_BWD, /* a (b > 0 ? 1 : p) */
	XL_MAXC_BWD,  /* a (b > p ? 1 : 0) */
	XL_DIFF_SIGN  /* p sign(a - b), sign(0) = 0 */
};

/* Over what a normalisation takes its statistics. */
enum xl_norm { XL_NORM_INSTANCE, XL_NORM_LAYER, XL_NORM_BATCH };

/* Saved for each channel: the mean, what rounding it to float lost (maps far from
 * zero need it), 1/sqrt(var + eps) with the biased variance. */
enum { XL_NORM_STATS = 3 };

struct xl_norm_dims {
	struct xl_dims d;
	enum xl_norm kind;
	float eps;   /* inside the root */
	bool halves; /* of batch norm: the two halves of the batch have their own statistics */
	bool act;    /* z > 0 ? z : slope z follows */
	float slope;
};

/* Where the adjoint of a normalisation goes; gscale and gshift may be NULL. */
struct xl_norm_grads {
	float *x, *scale, *shift; /* (n,c,h,w) map, (C), (C) */
};

/* What is blended: x (n,c,h,w) by mask m (n,1,h,w); f and b (n,2c) hold first beta,
 * then gamma of each channel. And where gradients go, of the same shapes. */
struct xl_blend {
	const float *x, *m, *f, *b;
};

struct xl_blend_grads {
	float *x, *m, *f, *b;
};

/* One step of Adam (Kingma and Ba 2015, algorithm 1). */
struct xl_adam {
	double lr, beta1, beta2, eps;
	int64_t t;    /* 1 at the first step */
	double decay; /* decay p is added to the gradient, as of a penalty on weights */
};

struct xl_window;

/*
 * Numbers of a band matrix: XL_BAND on each side of the diagonal, and room for as many
 * again below, and below the last row. Row i, column j; an upper bound of all places.
 */
enum { XL_BAND = 32 };
#define XL_BAND_AT(i, j) ((i) * (3 * XL_BAND) + (j) + 2 * XL_BAND)
#define XL_BAND_COUNT(n) (((n) + 2 * XL_BAND) * (3 * XL_BAND + 1) + 3 * XL_BAND)

struct xl_kernels {
	const char *name; /* generic, avx2, avx512 */

	/*
	 * conv2d_scratch - bytes of scratch each of the three may use
	 * conv2d_fwd     - y = conv(pad(x), w) + bias
	 * conv2d_bwd_x   - gx = the adjoint of x -> y, applied to gy; written, not added
	 * conv2d_bwd_w   - gw = the adjoint of w -> y, applied to gy; written, not added
	 *
	 * Shapes   see struct xl_conv2d_dims; gx, gy, gw are those of x, y, w; at most
	 *          256 taps; up must be 0 (upconv.h has the others)
	 * Threads  split over outputs; bits do not depend on the thread count
	 */
	size_t (*conv2d_scratch)(const struct xl_conv2d_dims *d);
	void (*conv2d_fwd)(float *y, const float *x, const float *w, const float *bias,
			   const struct xl_conv2d_dims *d, void *scratch);
	void (*conv2d_bwd_x)(float *gx, const float *gy, const float *w,
			     const struct xl_conv2d_dims *d, void *scratch);
	void (*conv2d_bwd_w)(float *gw, const float *x, const float *gy,
			     const struct xl_conv2d_dims *d, void *scratch);

	/* y = f(x) over count numbers; y may be x */
	void (*unary)(enum xl_unary op, float *y, const float *x, int64_t count, float p, float q);

	/* y = f(a, b), y of dims d, a and b broadcast where they have size 1; y may
	 * be a or b where that has dims d */
	void (*binary)(enum xl_binary op, float *y, const struct xl_dims *d, const float *a,
		       const struct xl_dims *da, const float *b, const struct xl_dims *db, float p);

	/* y = the sum of x, in double precision, over every axis where y has size 1;
	 * the others are equal */
	void (*sum_to)(float *y, const struct xl_dims *dy, const float *x,
		       const struct xl_dims *dx);

	/* the sum of the squares of count numbers, in double precision */
	double (*sum_squares)(const float *x, int64_t count);

	/*
	 * norm_fwd   - y = act((x - mean) / sqrt(var + eps) * scale + shift) + add
	 * norm_again - the same y, from the statistics that norm_fwd saved
	 * norm_bwd   - the adjoint, applied to gy; written, not added (gy itself is that
	 *              of add)
	 *
	 * Source   Ulyanov et al. 2016 (instance), Ba et al. 2016 (layer, over C*H*W
	 *          with scale per channel), Ioffe and Szegedy 2015 (batch)
	 * Shapes   x, y, gy, add: maps of dims nd->d; add may be NULL for 0, scale and shift,
	 *          (C), for 1 and 0; stats: (N,C,XL_NORM_STATS); scratch: (5 N C)
	 */
	void (*norm_fwd)(float *y, float *stats, const float *x, const float *scale,
			 const float *shift, const float *add, const struct xl_norm_dims *nd,
			 double *scratch);
	void (*norm_again)(float *y, const float *stats, const float *x, const float *scale,
			   const float *shift, const float *add, const struct xl_norm_dims *nd);
	void (*norm_bwd)(const struct xl_norm_grads *to, const float *gy, const float *x,
			 const float *stats, const float *scale, const float *shift,
			 const struct xl_norm_dims *nd, double *scratch);

	/*
	 * blend_fwd - y = m (gamma_f x + beta_f) + (1 - m) (gamma_b x + beta_b)
	 * blend_bwd - its adjoints, applied to gy; written, not added
	 *
	 * Source   LOMIT, highway AdaIN
	 * Shapes   y, gy: maps of dims d; see struct xl_blend
	 */
	void (*blend_fwd)(float *y, const struct xl_blend *in, const struct xl_dims *d);
	void (*blend_bwd)(const struct xl_blend_grads *to, const float *gy,
			  const struct xl_blend *in, const struct xl_dims *d);

	/* p -= lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps), after m and v
	 * have taken in g + decay p; each (count) */
	void (*adam)(float *p, float *m, float *v, const float *g, int64_t count,
		     const struct xl_adam *a);

	/* y = the largest or the mean of each window (windows.h) of one plane of XL_BLOCK
	 * channels, x (h,w,XL_BLOCK) of dims d */
	void (*window_plane)(float *y, const float *x, const struct xl_dims *d,
			     const struct xl_window *w);

	/*
	 * chase - a symmetric band made tridiagonal: the same eigenvalues
	 *
	 * Shapes   d: (n) the diagonal   e: (n) what is beside it, and 0
	 *          band: XL_BAND_COUNT(n) zeros, but for numbers up to XL_BAND from the
	 *          diagonal: below it all, above it those nearer; overwritten
	 * Units    squares must neither overflow nor all vanish: the largest is near 1
	 */
	void (*chase)(double *d, double *e, double *band, int64_t n);
};

/*
 * xl_kernels - the backend for this CPU: the best it can run, or the one that
 * XL_CPU names (avx512, avx2, generic)
 *
 * Errors   NULL, or -1 from xl_kernels_select, with xl_err set: a name that this
 *          CPU or build does not have
 */
const struct xl_kernels *xl_kernels(void);
int xl_kernels_select(const char *name);

/* xl_kernels_check - whether xl_kernels finds one; 0, or -1 with xl_err set */
int xl_kernels_check(void);

/*
 * xl_winograd        - how 3x3 convolutions of stride 1 are computed where that is
 *                      quicker: 4 by F(4,3) or F(2,3), 2 by F(2,3), 0 as the others;
 *                      with 4, those of 1x3 and 1x7 forward, too, by F(4,3) and F(4,7)
 * xl_winograd_select - "4", "2" or "0"; else what XL_WINOGRAD says when xl_kernels is
 *                      first called, else 4
 *
 * All but rounding is equal: measured against 0, F(2,3) leaves half of the error and
 * F(4,3) twice as much, three times in the weight gradient, F(4,7) four times. Scratch is
 * measured for the setting in force.
 * Errors   xl_winograd_select: -1 with xl_err set on another name, else 0
 */
int xl_winograd(void);
int xl_winograd_select(const char *name);

/* ---- kernels with one form for every CPU (resample.c, avgpool.c, clamp.c,
 * layout.c, r1.c) ---- */

/* xl_map_pack - plain NCHW to the layout of a map; xl_map_unpack - and back.
 * Both (n,c,h,w) of dims d, not overlapping. */
void xl_map_pack(float *map, const float *plain, const struct xl_dims *d);
void xl_map_unpack(float *plain, const float *map, const struct xl_dims *d);

/* xl_up2_fwd - nearest x2, y (n,c,2h,2w); xl_up2_bwd - its adjoint sums the four
 * children. d: of x. */
void xl_up2_fwd(float *y, const float *x, const struct xl_dims *d);
void xl_up2_bwd(float *gx, const float *gy, const struct xl_dims *d);

/* xl_up4_fwd - bilinear x4, half-pixel centres, edges clamped: y (n,c,4h,4w);
 * xl_up4_bwd - its adjoint. d: of x.
 * Source: the published code of LOMIT; PyTorch with align_corners off. */
void xl_up4_fwd(float *y, const float *x, const struct xl_dims *d);
void xl_up4_bwd(float *gx, const float *gy, const struct xl_dims *d);

/*
 * xl_avgpool_size - windows on an axis of n pixels
 * xl_avgpool_fwd  - y = the mean of each k x k window, two pixels apart
 * xl_avgpool_bwd  - its adjoint; gx is written
 *
 * k is 2 (pixels 2i, 2i+1; of odd maps the last is in none) or 3 (2i-1 .. 2i+1, of
 * which those outside are not counted).
 * Shapes   x, gx: of dims d; y, gy: (n,c,xl_avgpool_size(h),xl_avgpool_size(w)), at
 *          least one window
 */
int xl_avgpool_size(int n, int k);
void xl_avgpool_fwd(float *y, const float *x, const struct xl_dims *d, int k);
void xl_avgpool_bwd(float *gx, const float *gy, const struct xl_dims *d, int k);

/* xl_clamp_fwd - y = x, but at least lo and at most hi; xl_clamp_bwd - gx = gy, or 0
 * where x is at a limit or beyond and a step against gy would take it further out.
 * Each (count). Source: MISO's log-variances, which a plain adjoint would leave stuck. */
void xl_clamp_fwd(float *y, const float *x, int64_t count, float lo, float hi);
void xl_clamp_bwd(float *gx, const float *gy, const float *x, int64_t count, float lo, float hi);

/* xl_narrow_fwd - copy the part [start, start + len) of axis 0 (n) or 1 (c) of x to
 * y; xl_embed - copy x to that part of y, the rest stays; xl_narrow_bwd - the adjoint:
 * zeros, with gy in that part. d: of the larger. */
void xl_narrow_fwd(float *y, const float *x, const struct xl_dims *d, int axis, int start, int len);
void xl_embed(float *y, const float *x, const struct xl_dims *d, int axis, int start, int len);
void xl_narrow_bwd(float *gx, const float *gy, const struct xl_dims *d, int axis, int start,
		   int len);

/* xl_fit - y = x cut, or with zeros added, below and on the right: where both have a
 * pixel it is the same. dy, dx differ in h and w alone. Its adjoint is xl_fit the other
 * way round. */
void xl_fit(float *y, const struct xl_dims *dy, const float *x, const struct xl_dims *dx);

/*
 * xl_r1 - mask smoothness and its gradient for one batch
 *
 *   R1 = mean over samples of (1/P^2) sum_ij |m_i - m_j| <chat_i, chat_j>,
 *   chat_i = c_i / max(|c_i|, 1e-8), a constant for the gradient
 *
 * Source   LOMIT, loss R1; the sorted form is exact (R1 is homogeneous in m)
 * Shapes   m, gm: (N,1,h,w)  c: (N,C,h,w) map, dc its dims; chat: (N,h*w,C) scratch
 * Units    value in (-1, 1); gm of the batch mean
 * Errors   -1 with xl_err set without memory, else 0
 */
int xl_r1(double *value, float *gm, const float *m, const float *c, const struct xl_dims *dc,
	  float *chat);

#endif
