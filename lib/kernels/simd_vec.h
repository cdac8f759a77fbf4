/*
 * simd_vec.h - for files compiled once per instruction set: vectors of XL_LANES
 * floats by the compiler's vector extension, and names with the set appended.
 */
#ifndef XL_KERNELS_SIMD_VEC_H
#define XL_KERNELS_SIMD_VEC_H

#include "kernels/kernels.h"

#define XL_PASTE_(a, b) a##_##b
#define XL_PASTE(a, b) XL_PASTE_(a, b)
#define XL_FN(name) XL_PASTE(name, XL_ISA)

/* Loads and stores need not be aligned. */
typedef float vf __attribute__((vector_size(XL_LANES * 4), aligned(4), may_alias));

/* Vectors of four on every instruction set, to move numbers about. */
typedef float v4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t v4i __attribute__((vector_size(16)));

/* Four of the eight numbers of two vectors. */
#ifdef __clang__
#define XL_MIX(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define XL_MIX(a, b, i, j, k, l) __builtin_shuffle(a, b, (v4i){i, j, k, l})
#endif

/* Rows become columns. */
static inline void xl_transpose4(v4 m[4])
{
	const v4 a = XL_MIX(m[0], m[1], 0, 4, 1, 5), b = XL_MIX(m[0], m[1], 2, 6, 3, 7);
	const v4 c = XL_MIX(m[2], m[3], 0, 4, 1, 5), d = XL_MIX(m[2], m[3], 2, 6, 3, 7);

	m[0] = XL_MIX(a, c, 0, 1, 4, 5);
	m[1] = XL_MIX(a, c, 2, 3, 6, 7);
	m[2] = XL_MIX(b, d, 0, 1, 4, 5);
	m[3] = XL_MIX(b, d, 2, 3, 6, 7);
}

/* v, in a register: what is used more than once would else be read from memory each
 * time. */
static inline vf xl_held(vf v)
{
#if defined(__x86_64__)
	__asm__("" : "+v"(v));
#endif
	return v;
}

/* The sum of the lanes: of their quarters first. */
static inline float xl_lanes_sum(vf v)
{
	const v4 *f = (const v4 *)&v;
	v4 s = f[0];

	for (int i = 1; i < XL_LANES / 4; i++)
		s += f[i];
	return (s[0] + s[2]) + (s[1] + s[3]);
}

/* Vectors that make up one channel block. */
#define XL_VECS (XL_BLOCK / XL_LANES)

/* The entries of struct xl_kernels (kernels.h), in the file each is compiled in. */
size_t XL_FN(xl_conv2d_scratch)(const struct xl_conv2d_dims *d);
void XL_FN(xl_conv2d_fwd)(float *y, const float *x, const float *w, const float *bias,
			  const struct xl_conv2d_dims *d, void *scratch);
void XL_FN(xl_conv2d_bwd_x)(float *gx, const float *gy, const float *w,
			    const struct xl_conv2d_dims *d, void *scratch);
void XL_FN(xl_conv2d_bwd_w)(float *gw, const float *x, const float *gy,
			    const struct xl_conv2d_dims *d, void *scratch);
void XL_FN(xl_unary)(enum xl_unary op, float *y, const float *x, int64_t count, float p, float q);
void XL_FN(xl_binary)(enum xl_binary op, float *y, const struct xl_dims *d, const float *a,
		      const struct xl_dims *da, const float *b, const struct xl_dims *db, float p);
void XL_FN(xl_sum_to)(float *y, const struct xl_dims *dy, const float *x, const struct xl_dims *dx);
double XL_FN(xl_sum_squares)(const float *x, int64_t count);
void XL_FN(xl_norm_fwd)(float *y, float *stats, const float *x, const float *scale,
			const float *shift, const float *add, const struct xl_norm_dims *nd,
			double *scratch);
void XL_FN(xl_norm_again)(float *y, const float *stats, const float *x, const float *scale,
			  const float *shift, const float *add, const struct xl_norm_dims *nd);
void XL_FN(xl_norm_bwd)(const struct xl_norm_grads *to, const float *gy, const float *x,
			const float *stats, const float *scale, const float *shift,
			const struct xl_norm_dims *nd, double *scratch);
void XL_FN(xl_blend_fwd)(float *y, const struct xl_blend *in, const struct xl_dims *d);
void XL_FN(xl_blend_bwd)(const struct xl_blend_grads *to, const float *gy,
			 const struct xl_blend *in, const struct xl_dims *d);
void XL_FN(xl_adam)(float *p, float *m, float *v, const float *g, int64_t count,
		    const struct xl_adam *a);
void XL_FN(xl_window_plane)(float *y, const float *x, const struct xl_dims *d,
			    const struct xl_window *w);
void XL_FN(xl_chase)(double *d, double *e, double *band, int64_t n);

#endif
