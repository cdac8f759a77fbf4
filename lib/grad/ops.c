/*
 * ops.c - convolution, arithmetic with broadcasting, functions of each element,
 * sums; shapes and resampling are in ops_shape.c, normalisation in ops_norm.c.
 */
#include "grad/node.h"
#include "grad/ops.h"
#include "kernels/upconv.h"

static const struct xl_opdef op_conv, op_conv_bwd_x, op_conv_bwd_w;

/* What derivatives read: of a product, the other factor; of a function, its
 * argument or its value; of what is linear, nothing. */
#define PRODUCT                                                                                    \
	{                                                                                          \
		XL_WANT(1), XL_WANT(0)                                                             \
	}
#define ARGUMENT                                                                                   \
	{                                                                                          \
		XL_WANT_ANY                                                                        \
	}
#define VALUE                                                                                      \
	{                                                                                          \
		[XL_OP_INPUTS] = XL_WANT_ANY                                                       \
	}
#define NOTHING                                                                                    \
	{                                                                                          \
		0                                                                                  \
	}

/* ---- convolution: three operators, closed among themselves ---- */

static size_t conv_scratch(const struct xl_tape *t, const struct xl_conv2d_dims *d)
{
	return d->up ? xl_upconv_scratch(t->k, d) : t->k->conv2d_scratch(d);
}

/* Multiply-adds: a folded 5x5 is four 3x3 on the small map, and 1x5 on its sides. */
static int64_t conv_macs(const struct xl_conv2d_dims *d)
{
	const int64_t sides = 2 * (d->oh + d->ow), pixels = (int64_t)d->oh * d->ow;
	const int64_t taps = d->up ? pixels * 9 + sides * 5 : pixels * d->kh * d->kw;

	return (int64_t)d->n * d->co * d->ci * taps;
}

static struct xl_var *conv_fwd(struct xl_tape *t, struct xl_var *x, struct xl_var *w,
			       struct xl_var *b, const struct xl_conv2d_dims *d)
{
	struct xl_node nd = {.op = &op_conv, .in = {x, w, b}, .u.conv = *d};
	const size_t bytes = conv_scratch(t, d);
	void *scratch;

	if (!x || !w || !(nd.out = xl_tape_out(t, xl_dims_map(d->n, d->co, d->oh, d->ow))) ||
	    !(scratch = xl_tape_take(t, bytes)))
		return NULL;
	t->macs += conv_macs(d);
	const float *bias = b ? b->data : NULL;
	if (!t->dry && d->up)
		xl_upconv_fwd(t->k, nd.out->data, x->data, w->data, bias, d, scratch);
	else if (!t->dry)
		t->k->conv2d_fwd(nd.out->data, x->data, w->data, bias, d, scratch);
	xl_tape_give(t, scratch, bytes);
	return xl_tape_push(t, &nd);
}

/* As an operator of its own, the transposed convolution, it has a bias b or NULL. */
static struct xl_var *conv_bwd_x(struct xl_tape *t, struct xl_var *gy, struct xl_var *w,
				 struct xl_var *b, const struct xl_conv2d_dims *d)
{
	struct xl_node nd = {.op = &op_conv_bwd_x, .in = {gy, w, b}, .u.conv = *d};
	const size_t bytes = conv_scratch(t, d);
	void *scratch;

	if (!gy || !w || !(nd.out = xl_tape_out(t, xl_dims_map(d->n, d->ci, d->h, d->w))) ||
	    !(scratch = xl_tape_take(t, bytes)))
		return NULL;
	t->macs += conv_macs(d);
	if (!t->dry && d->up)
		xl_upconv_bwd_x(t->k, nd.out->data, gy->data, w->data, d, scratch);
	else if (!t->dry)
		t->k->conv2d_bwd_x(nd.out->data, gy->data, w->data, d, scratch);
	xl_tape_give(t, scratch, bytes);
	if (!t->dry && b)
		t->k->binary(XL_ADD, nd.out->data, &nd.out->d, nd.out->data, &nd.out->d, b->data,
			     &b->d, 0);
	return xl_tape_push(t, &nd);
}

static struct xl_var *conv_bwd_w(struct xl_tape *t, struct xl_var *x, struct xl_var *gy,
				 const struct xl_conv2d_dims *d)
{
	struct xl_node nd = {.op = &op_conv_bwd_w, .in = {x, gy}, .u.conv = *d};
	const size_t bytes = conv_scratch(t, d);
	void *scratch;

	if (!x || !gy || !(nd.out = xl_tape_out(t, xl_dims_plain(d->co, d->ci, d->kh, d->kw))) ||
	    !(scratch = xl_tape_take(t, bytes)))
		return NULL;
	t->macs += conv_macs(d);
	if (!t->dry && d->up)
		xl_upconv_bwd_w(t->k, nd.out->data, x->data, gy->data, d, scratch);
	else if (!t->dry)
		t->k->conv2d_bwd_w(nd.out->data, x->data, gy->data, d, scratch);
	xl_tape_give(t, scratch, bytes);
	return xl_tape_push(t, &nd);
}

static int conv_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		    struct xl_var **gin)
{
	if (want[0] && !(gin[0] = conv_bwd_x(t, g, nd->in[1], NULL, &nd->u.conv)))
		return -1;
	if (want[1] && !(gin[1] = conv_bwd_w(t, nd->in[0], g, &nd->u.conv)))
		return -1;
	if (want[2] && !(gin[2] = xl_op_sum_to(t, g, nd->in[2]->d)))
		return -1;
	return 0;
}

static int conv_bwd_x_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
			  const bool *want, struct xl_var **gin)
{
	if (want[0] && !(gin[0] = conv_fwd(t, g, nd->in[1], NULL, &nd->u.conv)))
		return -1;
	if (want[1] && !(gin[1] = conv_bwd_w(t, g, nd->in[0], &nd->u.conv)))
		return -1;
	if (want[2] && !(gin[2] = xl_op_sum_to(t, g, nd->in[2]->d)))
		return -1;
	return 0;
}

static int conv_bwd_w_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
			  const bool *want, struct xl_var **gin)
{
	if (want[0] && !(gin[0] = conv_bwd_x(t, nd->in[1], g, NULL, &nd->u.conv)))
		return -1;
	if (want[1] && !(gin[1] = conv_fwd(t, nd->in[0], g, NULL, &nd->u.conv)))
		return -1;
	return 0;
}

static const struct xl_opdef op_conv = {"conv2d", conv_vjp, PRODUCT, NULL};
static const struct xl_opdef op_conv_bwd_x = {"conv2d_bwd_x", conv_bwd_x_vjp, PRODUCT, NULL};
static const struct xl_opdef op_conv_bwd_w = {"conv2d_bwd_w", conv_bwd_w_vjp, PRODUCT, NULL};

static bool bias_fits(const char *op, const struct xl_var *b, const struct xl_var *w, int co)
{
	if (!b || (xl_dims_count(&b->d) == co && b->d.c == co))
		return true;
	xl_err("%s: bias (%d,%d,%d,%d) does not fit weights (%d,%d,%d,%d)", op, b->d.n, b->d.c,
	       b->d.h, b->d.w, w->d.n, w->d.c, w->d.h, w->d.w);
	return false;
}

static struct xl_var *conv2d(struct xl_tape *t, struct xl_var *x, struct xl_var *w,
			     struct xl_var *b, int stride, int pad_h, int pad_w,
			     enum xl_pad_mode mode)
{
	if (!x || !w)
		return NULL;
	struct xl_conv2d_dims d = {.n = x->d.n,
				   .ci = x->d.c,
				   .h = x->d.h,
				   .w = x->d.w,
				   .co = w->d.n,
				   .kh = w->d.h,
				   .kw = w->d.w,
				   .stride = stride,
				   .pad_h = pad_h,
				   .pad_w = pad_w,
				   .mode = mode};
	if (!bias_fits("conv2d", b, w, d.co))
		return NULL;
	if (w->d.c != x->d.c || d.h + 2 * pad_h < d.kh || d.w + 2 * pad_w < d.kw ||
	    (mode == XL_PAD_REFLECT && (pad_h >= d.h || pad_w >= d.w))) {
		xl_err("conv2d: (%d,%d,%d,%d) does not fit weights (%d,%d,%d,%d) with padding %d",
		       d.n, d.ci, d.h, d.w, d.co, w->d.c, d.kh, d.kw, pad_h);
		return NULL;
	}
	d.oh = (d.h + 2 * pad_h - d.kh) / stride + 1;
	d.ow = (d.w + 2 * pad_w - d.kw) / stride + 1;
	return conv_fwd(t, x, w, b, &d);
}

struct xl_var *xl_op_conv2d(struct xl_tape *t, struct xl_var *x, struct xl_var *w, struct xl_var *b,
			    int stride, int pad, enum xl_pad_mode mode)
{
	return conv2d(t, x, w, b, stride, pad, pad, mode);
}

struct xl_var *xl_op_conv2d_hw(struct xl_tape *t, struct xl_var *x, struct xl_var *w,
			       struct xl_var *b, int stride, int pad_h, int pad_w)
{
	return conv2d(t, x, w, b, stride, pad_h, pad_w, XL_PAD_ZERO);
}

struct xl_var *xl_op_conv2d_t(struct xl_tape *t, struct xl_var *x, struct xl_var *w,
			      struct xl_var *b, int stride, int pad, int extra)
{
	if (!x || !w)
		return NULL;
	const struct xl_conv2d_dims d = {.n = x->d.n,
					 .ci = w->d.c,
					 .h = (x->d.h - 1) * stride - 2 * pad + w->d.h + extra,
					 .w = (x->d.w - 1) * stride - 2 * pad + w->d.w + extra,
					 .co = w->d.n,
					 .kh = w->d.h,
					 .kw = w->d.w,
					 .stride = stride,
					 .pad_h = pad,
					 .pad_w = pad,
					 .mode = XL_PAD_ZERO,
					 .oh = x->d.h,
					 .ow = x->d.w};
	if (!bias_fits("conv2d_t", b, w, d.ci))
		return NULL;
	if (w->d.n != x->d.c || d.h < 1 || d.w < 1 || extra < 0 || extra >= stride) {
		xl_err("conv2d_t: (%d,%d,%d,%d) does not fit weights (%d,%d,%d,%d) with padding "
		       "%d and %d",
		       x->d.n, x->d.c, x->d.h, x->d.w, w->d.n, w->d.c, w->d.h, w->d.w, pad, extra);
		return NULL;
	}
	return conv_bwd_x(t, x, w, b, &d);
}

struct xl_var *xl_op_upconv(struct xl_tape *t, struct xl_var *x, struct xl_var *w, struct xl_var *b,
			    int pad)
{
	struct xl_conv2d_dims d;

	if (!x || !w)
		return NULL;
	if (pad == 2 && xl_upconv_dims(&d, &x->d, &w->d))
		return conv_fwd(t, x, w, b, &d);
	struct xl_var *big = xl_op_up2(t, x);
	struct xl_var *y = xl_op_conv2d(t, big, w, b, 1, pad, XL_PAD_REFLECT);
	xl_drop(t, big);
	return y;
}

/* ---- arithmetic ---- */

static int axis_of(int a, int b, bool *fits)
{
	if (a != b && a != 1 && b != 1)
		*fits = false;
	return a > b ? a : b;
}

/* Channels in blocks, or whole blocks of channels that are not (weights); maps of
 * one pixel are both. */
static bool is_blocked(const struct xl_dims *d)
{
	return d->b > 1 && d->h * d->w > 1;
}

static bool is_plain(const struct xl_dims *d)
{
	return d->b == 1 && d->c % XL_BLOCK == 0 && d->h * d->w > 1;
}

static struct xl_var *binary(struct xl_tape *t, const struct xl_opdef *op, enum xl_binary kind,
			     struct xl_var *a, struct xl_var *b, float p)
{
	struct xl_node nd = {.op = op, .in = {a, b}, .u.num.p = p};
	bool fits = true;

	if (!a || !b)
		return NULL;
	struct xl_dims d =
		xl_dims_map(axis_of(a->d.n, b->d.n, &fits), axis_of(a->d.c, b->d.c, &fits),
			    axis_of(a->d.h, b->d.h, &fits), axis_of(a->d.w, b->d.w, &fits));
	if (is_plain(&a->d) || is_plain(&b->d)) {
		d.b = 1;
		fits &= !is_blocked(&a->d) && !is_blocked(&b->d);
	}
	if (!fits) {
		xl_err("%s: (%d,%d,%d,%d) and (%d,%d,%d,%d) do not fit", op->name, a->d.n, a->d.c,
		       a->d.h, a->d.w, b->d.n, b->d.c, b->d.h, b->d.w);
		return NULL;
	}
	if (!(nd.out = xl_tape_out(t, d)))
		return NULL;
	if (!t->dry)
		t->k->binary(kind, nd.out->data, &d, a->data, &a->d, b->data, &b->d, p);
	return xl_tape_push(t, &nd);
}

static struct xl_var *dropped(struct xl_tape *t, struct xl_var *result, struct xl_var *used)
{
	if (result != used)
		xl_drop(t, used);
	return result;
}

static int add_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		   struct xl_var **gin)
{
	for (int i = 0; i < 2; i++)
		if (want[i] && !(gin[i] = xl_op_sum_to(t, g, nd->in[i]->d)))
			return -1;
	return 0;
}

static int sub_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		   struct xl_var **gin)
{
	if (want[0] && !(gin[0] = xl_op_sum_to(t, g, nd->in[0]->d)))
		return -1;
	if (want[1]) {
		struct xl_var *s = xl_op_sum_to(t, g, nd->in[1]->d);
		gin[1] = xl_op_affine(t, s, -1, 0);
		if (s != g)
			xl_drop(t, s);
	}
	return want[1] && !gin[1] ? -1 : 0;
}

static int mul_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		   struct xl_var **gin)
{
	for (int i = 0; i < 2; i++) {
		if (!want[i])
			continue;
		struct xl_var *p = xl_op_mul(t, g, nd->in[1 - i]);
		if (!p || !(gin[i] = dropped(t, xl_op_sum_to(t, p, nd->in[i]->d), p)))
			return -1;
	}
	return 0;
}

static const struct xl_opdef op_add = {"add", add_vjp, NOTHING, NULL};
static const struct xl_opdef op_sub = {"sub", sub_vjp, NOTHING, NULL};
static const struct xl_opdef op_mul = {"mul", mul_vjp, PRODUCT, NULL};

struct xl_var *xl_op_add(struct xl_tape *t, struct xl_var *a, struct xl_var *b)
{
	return binary(t, &op_add, XL_ADD, a, b, 0);
}

struct xl_var *xl_op_sub(struct xl_tape *t, struct xl_var *a, struct xl_var *b)
{
	return binary(t, &op_sub, XL_SUB, a, b, 0);
}

struct xl_var *xl_op_mul(struct xl_tape *t, struct xl_var *a, struct xl_var *b)
{
	return binary(t, &op_mul, XL_MUL, a, b, 0);
}

/* ---- functions of each element ---- */

static struct xl_var *unary(struct xl_tape *t, const struct xl_opdef *op, enum xl_unary kind,
			    struct xl_var *x, double p, double q)
{
	struct xl_node nd = {.op = op, .in = {x}, .u.num = {(float)p, (float)q}};

	if (!x || !(nd.out = xl_tape_out(t, x->d)))
		return NULL;
	if (!t->dry)
		t->k->unary(kind, nd.out->data, x->data, xl_dims_count(&x->d), (float)p, (float)q);
	return xl_tape_push(t, &nd);
}

/* gin[0] = g times the derivative d, which is given up */
static int times(struct xl_tape *t, struct xl_var *g, struct xl_var *d, struct xl_var **gin)
{
	gin[0] = xl_op_mul(t, g, d);
	xl_drop(t, d);
	return gin[0] ? 0 : -1;
}

static int affine_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
		      const bool *want, struct xl_var **gin)
{
	(void)want;
	gin[0] = xl_op_affine(t, g, (double)nd->u.num.p, 0);
	return gin[0] ? 0 : -1;
}

/* a (b > 0 ? 1 : p) and a (b > p): linear in a; almost everywhere flat in b */
static int gate_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		    struct xl_var **gin);
static const struct xl_opdef op_leaky_bwd = {"leaky_bwd", gate_vjp, {0, XL_WANT(0)}, NULL};
static const struct xl_opdef op_above = {"above", gate_vjp, {0, XL_WANT(0)}, NULL};

static int gate_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		    struct xl_var **gin)
{
	const bool leaky = nd->op == &op_leaky_bwd;

	if (want[0])
		gin[0] = binary(t, nd->op, leaky ? XL_LEAKY_BWD : XL_MAXC_BWD, g, nd->in[1],
				nd->u.num.p);
	return want[0] && !gin[0] ? -1 : 0;
}

struct xl_var *xl_op_leaky_bwd(struct xl_tape *t, struct xl_var *g, struct xl_var *x, float slope)
{
	return binary(t, &op_leaky_bwd, XL_LEAKY_BWD, g, x, slope);
}

struct xl_var *xl_op_above(struct xl_tape *t, struct xl_var *a, struct xl_var *b, double c)
{
	return binary(t, &op_above, XL_MAXC_BWD, a, b, (float)c);
}

/* The value has the sign of the argument. */
static int leaky_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
		     const bool *want, struct xl_var **gin)
{
	(void)want;
	gin[0] = xl_op_leaky_bwd(t, g, nd->out, nd->u.num.p);
	return gin[0] ? 0 : -1;
}

static int max_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		   struct xl_var **gin)
{
	(void)want;
	gin[0] = xl_op_above(t, g, nd->in[0], nd->u.num.p);
	return gin[0] ? 0 : -1;
}

/* tanh' = 1 - y^2 */
static int tanh_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		    struct xl_var **gin)
{
	struct xl_var *y2 = xl_op_mul(t, nd->out, nd->out);

	(void)want;
	return times(t, g, dropped(t, xl_op_affine(t, y2, -1, 1), y2), gin);
}

/* sigmoid' = y (1 - y) */
static int sigmoid_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
		       const bool *want, struct xl_var **gin)
{
	struct xl_var *q = xl_op_affine(t, nd->out, -1, 1);

	(void)want;
	return times(t, g, dropped(t, xl_op_mul(t, nd->out, q), q), gin);
}

static int no_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		  struct xl_var **gin)
{
	(void)t, (void)nd, (void)g, (void)want, (void)gin;
	return 0; /* flat almost everywhere */
}

static const struct xl_opdef op_sign = {"sign", no_vjp, NOTHING, NULL};

static int abs_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		   struct xl_var **gin)
{
	(void)want;
	return times(t, g, unary(t, &op_sign, XL_SIGN, nd->in[0], 0, 0), gin);
}

/* sqrt' = 1 / (2 y) */
static int sqrt_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		    struct xl_var **gin)
{
	struct xl_var *r = xl_op_recip(t, nd->out);

	(void)want;
	return times(t, g, dropped(t, xl_op_affine(t, r, 0.5, 0), r), gin);
}

static int exp_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		   struct xl_var **gin)
{
	(void)want;
	gin[0] = xl_op_mul(t, g, nd->out);
	return gin[0] ? 0 : -1;
}

static int softplus_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
			const bool *want, struct xl_var **gin)
{
	(void)want;
	return times(t, g, xl_op_sigmoid(t, nd->in[0]), gin);
}

/* (1/x)' = -y^2 */
static int recip_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g,
		     const bool *want, struct xl_var **gin)
{
	struct xl_var *y2 = xl_op_mul(t, nd->out, nd->out);

	(void)want;
	return times(t, g, dropped(t, xl_op_affine(t, y2, -1, 0), y2), gin);
}

#define UNARY(NAME, KIND, READS)                                                                   \
	static const struct xl_opdef op_##NAME = {#NAME, NAME##_vjp, READS, NULL};                 \
	struct xl_var *xl_op_##NAME(struct xl_tape *t, struct xl_var *x)                           \
	{                                                                                          \
		return unary(t, &op_##NAME, KIND, x, 0, 0);                                        \
	}

UNARY(tanh, XL_TANH, VALUE)
UNARY(sigmoid, XL_SIGMOID, VALUE)
UNARY(abs, XL_ABS, ARGUMENT)
UNARY(sqrt, XL_SQRT, VALUE)
UNARY(exp, XL_EXP, VALUE)
UNARY(softplus, XL_SOFTPLUS, ARGUMENT)
UNARY(recip, XL_RECIP, VALUE)

static const struct xl_opdef op_affine = {"affine", affine_vjp, NOTHING, NULL};
static const struct xl_opdef op_leaky = {"leaky", leaky_vjp, VALUE, NULL};
static const struct xl_opdef op_max = {"max", max_vjp, ARGUMENT, NULL};

struct xl_var *xl_op_affine(struct xl_tape *t, struct xl_var *x, double p, double q)
{
	return unary(t, &op_affine, XL_AFFINE, x, p, q);
}

struct xl_var *xl_op_leaky(struct xl_tape *t, struct xl_var *x, double slope)
{
	return unary(t, &op_leaky, XL_LEAKY, x, slope, 0);
}

struct xl_var *xl_op_max(struct xl_tape *t, struct xl_var *x, double c)
{
	return unary(t, &op_max, XL_MAXC, x, c, 0);
}
