/*
 * walk.h - what descriptions of published networks are written with: each call
 * declares the next parameters of the network, or applies them to x. Used by
 * backbone*.c alone. x and results may be NULL throughout, as in a declaration.
 */
#ifndef XL_NN_WALK_H
#define XL_NN_WALK_H

#include "nn/backbone.h"

struct xl_walk {
	struct xl_tape *t;           /* NULL: declare */
	const struct xl_backbone *b; /* what is run */
	struct xl_backbone *to;      /* what is declared */
	int next;                    /* parameter */
	int n_taps, n_heads;
	struct xl_var **taps;
	bool failed; /* a declaration for which there was no memory */
};

/* A convolution: kernel, stride and zeros around. */
struct xl_walk_kernel {
	int ci, co, kh, kw, stride, pad_h, pad_w;
};

/* xl_walk_conv - with bias, parameters NAME.weight, NAME.bias, then ReLU.
 * xl_walk_conv_bn - without bias, NAME.CONV.weight, then batch norm, NAME.BN.weight and
 * the rest, with eps, folded in; then ReLU where asked for. */
struct xl_var *xl_walk_conv(struct xl_walk *w, struct xl_var *x, const char *name,
			    struct xl_walk_kernel c);
struct xl_var *xl_walk_conv_bn(struct xl_walk *w, struct xl_var *x, const char *conv,
			       const char *bn, struct xl_walk_kernel c, double eps, bool relu);

/* xl_walk_linear - (N,ci,side,side) to (N,co,1,1), parameters NAME.weight
 * (co,ci*side*side), NAME.bias, which is added only where asked for; larger maps give a
 * number for each place */
struct xl_var *xl_walk_linear(struct xl_walk *w, struct xl_var *x, const char *name, int ci,
			      int side, int co, bool add_bias);

/* xl_walk_largest - the largest of windows of k, stride pixels apart, no padding */
struct xl_var *xl_walk_largest(struct xl_walk *w, struct xl_var *x, int k, int stride,
			       bool is_ceil);

/* xl_walk_join - channels of a, then of b; both are given up */
struct xl_var *xl_walk_join(struct xl_walk *w, struct xl_var *a, struct xl_var *b);

/* xl_walk_tap - x is the next tap, and kept. xl_walk_head - the parameter `name` of an LPIPS
 * network, (1,c,1,1). xl_walk_drop - x is not used again, unless it is a tap */
void xl_walk_tap(struct xl_walk *w, struct xl_var *x);
void xl_walk_head(struct xl_walk *w, const char *name, int c);
void xl_walk_drop(struct xl_walk *w, struct xl_var *x);

/* xl_walk_then - y, made of x, which is given up: for chains */
struct xl_var *xl_walk_then(struct xl_walk *w, struct xl_var *y, struct xl_var *x);

/* The descriptions (backbone_*.c). */
void xl_walk_vgg16(struct xl_walk *w, struct xl_var *x);
void xl_walk_vgg19(struct xl_walk *w, struct xl_var *x);
void xl_walk_alexnet(struct xl_walk *w, struct xl_var *x);
void xl_walk_squeezenet(struct xl_walk *w, struct xl_var *x);
void xl_walk_lpips_vgg(struct xl_walk *w, struct xl_var *x);
void xl_walk_lpips_alex(struct xl_walk *w, struct xl_var *x);
void xl_walk_lpips_squeeze(struct xl_walk *w, struct xl_var *x);
void xl_walk_inception(struct xl_walk *w, struct xl_var *x);
void xl_walk_inception_fid(struct xl_walk *w, struct xl_var *x);
void xl_walk_resnet50_face(struct xl_walk *w, struct xl_var *x);
void xl_walk_vgg16_face(struct xl_walk *w, struct xl_var *x);

#endif
