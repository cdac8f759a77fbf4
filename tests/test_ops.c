/*
 * test_ops.c - the operators on the tape. One table of cases drives, for each,
 * the value against a plain double loop, the gradient against central
 * differences of that loop, and the gradient of a gradient against differences
 * of differences. Then: published vectors, gradient penalties, memory, errors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "core/arena.h"
#include "grad/ops.h"
#include "naive.h"

enum { INPUTS = 4 };

struct opcase;
typedef struct xl_var *op_fn(struct xl_tape *t, struct xl_var **in, const struct opcase *c);
typedef struct array ref_fn(const struct array *in, const struct opcase *c);

struct opcase {
	const char *name;
	op_fn *op;
	ref_fn *ref;
	struct xl_dims in[INPUTS]; /* n = 0: no such input */
	double lo, hi;             /* of the inputs; both 0 for -1..1 */
	int kind;                  /* enum xl_unary, xl_binary, xl_norm, xl_pad_mode */
	double p, q;
	int k[3];          /* conv: stride, pad, extra; parts: axis, start, length or size; up:
			    * times; norm: act, halves */
	struct xl_dims to; /* sum_to, expand */
	bool once;         /* has no second derivative, or not for every input */
};

/* ---- the operators and their references ---- */

static struct xl_var *do_unary(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	switch (c->kind) {
	case XL_AFFINE:
		return xl_op_affine(t, in[0], c->p, c->q);
	case XL_LEAKY:
		return xl_op_leaky(t, in[0], c->p);
	case XL_TANH:
		return xl_op_tanh(t, in[0]);
	case XL_SIGMOID:
		return xl_op_sigmoid(t, in[0]);
	case XL_ABS:
		return xl_op_abs(t, in[0]);
	case XL_SQRT:
		return xl_op_sqrt(t, in[0]);
	case XL_EXP:
		return xl_op_exp(t, in[0]);
	case XL_SOFTPLUS:
		return xl_op_softplus(t, in[0]);
	case XL_RECIP:
		return xl_op_recip(t, in[0]);
	case XL_MAXC:
		return xl_op_max(t, in[0], c->p);
	}
	return NULL;
}

static struct array ref_unary(const struct array *in, const struct opcase *c)
{
	struct array y = array_zeros(in[0].d);

	for (int64_t i = 0; i < xl_dims_count(&y.d); i++)
		y.v[i] = naive_unary((enum xl_unary)c->kind, in[0].v[i], c->p, c->q);
	return y;
}

static struct xl_var *do_binary(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	switch (c->kind) {
	case XL_ADD:
		return xl_op_add(t, in[0], in[1]);
	case XL_SUB:
		return xl_op_sub(t, in[0], in[1]);
	case XL_MAXC_BWD:
		return xl_op_above(t, in[0], in[1], c->p);
	}
	return xl_op_mul(t, in[0], in[1]);
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

static struct array ref_binary(const struct array *in, const struct opcase *c)
{
	const struct xl_dims *a = &in[0].d, *b = &in[1].d;
	const bool plain = (a->b == 1 && a->c > 1 && a->h * a->w > 1) ||
			   (b->b == 1 && b->c > 1 && b->h * b->w > 1);
	struct array y = array_zeros(xl_dims_map(larger(a->n, b->n), larger(a->c, b->c),
						 larger(a->h, b->h), larger(a->w, b->w)));

	if (plain)
		y.d.b = 1;
	EACH_PLACE(&y.d, n, k, h, w)
	y.v[at(&y.d, n, k, h, w)] =
		naive_binary((enum xl_binary)c->kind, in[0].v[at(a, n, k, h, w)],
			     in[1].v[at(b, n, k, h, w)], c->p);
	return y;
}

static struct xl_var *do_sum_to(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	return xl_op_sum_to(t, in[0], c->to);
}

static struct array ref_sum_to(const struct array *in, const struct opcase *c)
{
	struct array y = array_zeros(c->to);

	naive_sum_to(&y, &in[0]);
	return y;
}

static struct xl_var *do_mean(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	return c->to.c == 1 ? xl_op_mean(t, in[0]) : xl_op_mean_hw(t, in[0]);
}

static struct array ref_mean(const struct array *in, const struct opcase *c)
{
	struct array y = ref_sum_to(in, c);

	for (int64_t i = 0; i < xl_dims_count(&y.d); i++)
		y.v[i] *= (double)xl_dims_count(&y.d) / (double)xl_dims_count(&in[0].d);
	return y;
}

static struct xl_var *do_expand(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	return xl_op_expand(t, in[0], c->to);
}

static struct array ref_expand(const struct array *in, const struct opcase *c)
{
	struct array y = array_zeros(c->to);

	EACH_PLACE(&y.d, n, k, h, w)
	y.v[at(&y.d, n, k, h, w)] = in[0].v[at(&in[0].d, n, k, h, w)];
	return y;
}

static struct xl_var *do_conv(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	return xl_op_conv2d(t, in[0], in[1], in[2], c->k[0], c->k[1], (enum xl_pad_mode)c->kind);
}

static struct xl_var *do_conv_hw(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	return xl_op_conv2d_hw(t, in[0], in[1], in[2], c->k[0], c->k[1], c->k[2]);
}

static struct array ref_conv(const struct array *in, const struct opcase *c)
{
	const struct xl_dims *x = &in[0].d, *w = &in[1].d;
	struct xl_conv2d_dims d = {.n = x->n,
				   .ci = x->c,
				   .h = x->h,
				   .w = x->w,
				   .co = w->n,
				   .kh = w->h,
				   .kw = w->w,
				   .stride = c->k[0],
				   .pad_h = c->k[1],
				   .pad_w = c->op == do_conv_hw ? c->k[2] : c->k[1],
				   .mode = (enum xl_pad_mode)c->kind};
	d.oh = (d.h + 2 * d.pad_h - d.kh) / d.stride + 1;
	d.ow = (d.w + 2 * d.pad_w - d.kw) / d.stride + 1;
	struct array y = array_zeros(xl_dims_map(d.n, d.co, d.oh, d.ow)), a = in[0], b = in[1];

	naive_conv2d(CONV_Y, &y, &a, &b, &d);
	if (in[2].v)
		EACH_PLACE(&y.d, n, o, h, k)
	y.v[at(&y.d, n, o, h, k)] += in[2].v[o];
	return y;
}

static struct xl_var *do_conv_t(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	return xl_op_conv2d_t(t, in[0], in[1], in[2], c->k[0], c->k[1], c->k[2]);
}

static struct array ref_conv_t(const struct array *in, const struct opcase *c)
{
	const struct xl_dims *x = &in[0].d, *w = &in[1].d;
	const int s = c->k[0], pad = c->k[1], grown = c->k[2] - 2 * pad;
	struct array y = array_zeros(xl_dims_map(x->n, w->c, (x->h - 1) * s + w->h + grown,
						 (x->w - 1) * s + w->w + grown));

	if (in[2].v)
		EACH_PLACE(&y.d, n, o, h, k)
	y.v[at(&y.d, n, o, h, k)] = in[2].v[o];
	EACH_PLACE(x, n, i, h, k)
	for (int e = 0; e < w->c * w->h * w->w; e++) {
		const int o = e / (w->h * w->w), u = e / w->w % w->h, v = e % w->w;
		const int r = h * s - pad + u, q = k * s - pad + v;
		if (r >= 0 && r < y.d.h && q >= 0 && q < y.d.w)
			y.v[at(&y.d, n, o, r, q)] +=
				in[0].v[at(x, n, i, h, k)] * in[1].v[at(w, i, o, u, v)];
	}
	return y;
}

static struct xl_var *do_upconv(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	return xl_op_upconv(t, in[0], in[1], in[2], c->k[1]);
}

static struct array ref_upconv(const struct array *in, const struct opcase *c)
{
	struct opcase conv = *c;
	struct array x = in[0], big[INPUTS] = {{.d = in[0].d}, in[1], in[2]};

	conv.k[0] = 1;
	big[0].d.h *= 2;
	big[0].d.w *= 2;
	big[0] = array_zeros(big[0].d);
	naive_up(&big[0], &x, 2, false);
	struct array y = ref_conv(big, &conv);
	array_free(&big[0]);
	return y;
}

static struct xl_var *do_norm(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	return xl_op_norm(t, in[0], in[1], in[2], (enum xl_norm)c->kind, c->p, NULL);
}

static struct array ref_norm(const struct array *in, const struct opcase *c)
{
	struct array y = array_zeros(in[0].d);

	naive_norm_fwd(&y, &in[0], in[1].v, in[2].v, (enum xl_norm)c->kind, c->p);
	return y;
}

static struct xl_var *do_norm_act(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	const struct xl_norm_op o = {.scale = in[1],
				     .shift = in[2],
				     .add = in[3],
				     .kind = (enum xl_norm)c->kind,
				     .eps = c->p,
				     .act = c->k[0],
				     .halves = c->k[1],
				     .slope = c->q};

	return xl_op_norm_act(t, in[0], &o);
}

static struct array ref_norm_act(const struct array *in, const struct opcase *c)
{
	const int parts = 1 + c->k[1];
	struct array y = array_zeros(in[0].d), part = in[0], to = y;
	const int64_t count = xl_dims_count(&y.d);

	part.d.n /= parts;
	to.d.n /= parts;
	for (int i = 0; i < parts; i++) {
		part.v = in[0].v + i * count / parts;
		to.v = y.v + i * count / parts;
		naive_norm_fwd(&to, &part, in[1].v, in[2].v, (enum xl_norm)c->kind, c->p);
	}
	for (int64_t i = 0; i < count; i++) {
		if (c->k[0])
			y.v[i] = naive_unary(XL_LEAKY, y.v[i], c->q, 0);
		if (in[3].v)
			y.v[i] += in[3].v[i];
	}
	return y;
}

static struct xl_var *do_blend(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	(void)c;
	return xl_op_blend(t, in[0], in[1], in[2], in[3]);
}

static struct array ref_blend(const struct array *in, const struct opcase *c)
{
	struct array y = array_zeros(in[0].d);
	const int channels = y.d.c;

	(void)c;
	EACH_PLACE(&y.d, n, k, h, w)
	{
		const double *f = in[2].v + 2 * n * channels, *b = in[3].v + 2 * n * channels;
		const double x = in[0].v[at(&y.d, n, k, h, w)];
		const double m = in[1].v[at(&in[1].d, n, 0, h, w)];
		y.v[at(&y.d, n, k, h, w)] =
			m * (f[channels + k] * x + f[k]) + (1 - m) * (b[channels + k] * x + b[k]);
	}
	return y;
}

static struct xl_var *do_l1(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	(void)c;
	return xl_op_l1(t, in[0], in[1]);
}

static struct array ref_l1(const struct array *in, const struct opcase *c)
{
	struct array y = array_zeros((struct xl_dims)PLAIN(1, 1, 1, 1));

	(void)c;
	for (int64_t i = 0; i < xl_dims_count(&in[0].d); i++)
		y.v[0] += fabs(in[0].v[i] - in[1].v[i]) / (double)xl_dims_count(&in[0].d);
	return y;
}

static struct xl_var *do_gram(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	(void)c;
	return xl_op_gram(t, in[0]);
}

static struct array ref_gram(const struct array *in, const struct opcase *c)
{
	const struct xl_dims *d = &in[0].d;
	struct array y = array_zeros((struct xl_dims)PLAIN(d->n, 1, d->c, d->c));

	(void)c;
	EACH_PLACE(d, n, i, h, w)
	for (int j = 0; j < d->c; j++)
		y.v[at(&y.d, n, 0, i, j)] += in[0].v[at(d, n, i, h, w)] *
					     in[0].v[at(d, n, j, h, w)] / (d->h * d->w);
	return y;
}

enum { CLASSES = 4 };

static const float some_labels[] = {1, 3, 0, 2, 2, 1};

static struct xl_var *do_cross_entropy(struct xl_tape *t, struct xl_var **in,
				       const struct opcase *c)
{
	(void)c;
	return xl_op_cross_entropy(t, in[0], some_labels, CLASSES);
}

static struct array ref_cross_entropy(const struct array *in, const struct opcase *c)
{
	const struct xl_dims *d = &in[0].d;
	struct array y = array_zeros((struct xl_dims)PLAIN(1, 1, 1, 1));

	(void)c;
	for (int i = 0; i < d->n * d->c / CLASSES; i++) {
		const double *z = in[0].v + (ptrdiff_t)i * CLASSES;
		double sum = 0;
		for (int k = 0; k < CLASSES; k++)
			sum += exp(z[k]);
		y.v[0] -= log(exp(z[(int)some_labels[i]]) / sum) / d->n;
	}
	return y;
}

static struct xl_var *do_fit(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	return xl_op_fit(t, in[0], c->k[0], c->k[1]);
}

static struct array ref_fit(const struct array *in, const struct opcase *c)
{
	const struct xl_dims *d = &in[0].d;
	struct array y = array_zeros(xl_dims_map(d->n, d->c, c->k[0], c->k[1]));

	EACH_PLACE(&y.d, n, k, h, w)
	if (h < d->h && w < d->w)
		y.v[at(&y.d, n, k, h, w)] = in[0].v[at(d, n, k, h, w)];
	return y;
}

static struct xl_var *do_up(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	return c->k[0] == 2 ? xl_op_up2(t, in[0]) : xl_op_up4(t, in[0]);
}

static struct array ref_up(const struct array *in, const struct opcase *c)
{
	struct xl_dims d = in[0].d;
	struct array x = in[0];

	d.h *= c->k[0];
	d.w *= c->k[0];
	struct array y = array_zeros(d);
	naive_up(&y, &x, c->k[0], false);
	return y;
}

static struct xl_var *do_avgpool(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	return xl_op_avgpool(t, in[0], c->k[0]);
}

static struct array ref_avgpool(const struct array *in, const struct opcase *c)
{
	const struct xl_dims *d = &in[0].d;
	const int odd = c->k[0] == 3;
	struct array x = in[0], y = array_zeros(xl_dims_map(d->n, d->c, (d->h + odd) / 2,
							    (d->w + odd) / 2));

	naive_avgpool(&y, &x, c->k[0], false);
	return y;
}

static struct xl_window window_of(const struct opcase *c)
{
	return (struct xl_window){(enum xl_window_kind)c->kind, c->k[0], c->k[1], c->k[2],
				  c->p > 0};
}

static struct xl_var *do_window(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	const struct xl_window w = window_of(c);

	return xl_op_window(t, in[0], &w);
}

static struct array ref_window(const struct array *in, const struct opcase *c)
{
	const struct xl_window w = window_of(c);
	struct array y = array_zeros(c->to);

	naive_window(&y, &in[0], &w);
	return y;
}

static struct xl_var *do_narrow(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	return xl_op_narrow(t, in[0], c->k[0], c->k[1], c->k[2]);
}

static struct array ref_narrow(const struct array *in, const struct opcase *c)
{
	const struct xl_dims *d = &in[0].d;
	const int n0 = c->k[0] == 0 ? c->k[1] : 0, c0 = c->k[0] == 1 ? c->k[1] : 0;
	struct array y = array_zeros(xl_dims_map(c->k[0] == 0 ? c->k[2] : d->n,
						 c->k[0] == 1 ? c->k[2] : d->c, d->h, d->w));

	EACH_PLACE(&y.d, n, k, h, w)
	y.v[at(&y.d, n, k, h, w)] = in[0].v[(((n0 + n) * d->c + c0 + k) * d->h + h) * d->w + w];
	return y;
}

static struct xl_var *do_embed(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	return xl_op_embed(t, in[0], c->k[0], c->k[1], c->k[2]);
}

static struct array ref_embed(const struct array *in, const struct opcase *c)
{
	const struct xl_dims *d = &in[0].d;
	const int n0 = c->k[0] == 0 ? c->k[1] : 0, c0 = c->k[0] == 1 ? c->k[1] : 0;
	struct array y = array_zeros(xl_dims_map(c->k[0] == 0 ? c->k[2] : d->n,
						 c->k[0] == 1 ? c->k[2] : d->c, d->h, d->w));

	EACH_PLACE(d, n, k, h, w)
	y.v[(((n0 + n) * y.d.c + c0 + k) * y.d.h + h) * y.d.w + w] = in[0].v[at(d, n, k, h, w)];
	return y;
}

static struct xl_var *do_concat(struct xl_tape *t, struct xl_var **in, const struct opcase *c)
{
	return xl_op_concat(t, in[0], in[1], c->k[0]);
}

static struct array ref_concat(const struct array *in, const struct opcase *c)
{
	const struct xl_dims *a = &in[0].d, *b = &in[1].d;
	const bool samples = c->k[0] == 0;
	struct array y = array_zeros(xl_dims_map(samples ? a->n + b->n : a->n,
						 samples ? a->c : a->c + b->c, a->h, a->w));

	EACH_PLACE(&y.d, n, k, h, w)
	{
		const bool first = samples ? n < a->n : k < a->c;
		const struct array *x = first ? &in[0] : &in[1];
		const int n0 = samples && !first ? a->n : 0, c0 = !samples && !first ? a->c : 0;
		y.v[at(&y.d, n, k, h, w)] =
			x->v[(((n - n0) * x->d.c + k - c0) * x->d.h + h) * x->d.w + w];
	}
	return y;
}

/* ---- the table: shapes are n, c, h, w; of weights co, ci, kh, kw ---- */

/* clang-format off */
#define UNARY(NAME, KIND, P, Q, LO, HI)                                                            \
	{.name = NAME, .op = do_unary, .ref = ref_unary, .kind = KIND, .p = P, .q = Q, .lo = LO,   \
	 .hi = HI, .in = {MAP(2, 3, 3, 5)}},                                                       \
	{.name = NAME " blocked", .op = do_unary, .ref = ref_unary, .kind = KIND, .p = P, .q = Q,  \
	 .lo = LO, .hi = HI, .in = {MAP(1, 16, 2, 2)}}
#define CONV(N, CI, H, W, CO, KH, KW, STRIDE, PAD, MODE)                                           \
	{.name = "conv2d", .op = do_conv, .ref = ref_conv, .kind = MODE, .k = {STRIDE, PAD},       \
	 .in = {MAP(N, CI, H, W), PLAIN(CO, CI, KH, KW), MAP(1, CO, 1, 1)}}
#define CONV_HW(N, CI, H, W, CO, KH, KW, STRIDE, PAD_H, PAD_W)                                     \
	{.name = "conv2d_hw", .op = do_conv_hw, .ref = ref_conv, .kind = XL_PAD_ZERO,              \
	 .k = {STRIDE, PAD_H, PAD_W},                                                              \
	 .in = {MAP(N, CI, H, W), PLAIN(CO, CI, KH, KW), MAP(1, CO, 1, 1)}}
#define CONV_T(N, CI, H, W, CO, KH, KW, STRIDE, PAD, EXTRA)                                        \
	{.name = "conv2d_t", .op = do_conv_t, .ref = ref_conv_t, .k = {STRIDE, PAD, EXTRA},        \
	 .in = {MAP(N, CI, H, W), PLAIN(CI, CO, KH, KW), MAP(1, CO, 1, 1)}}
#define UPCONV(N, CI, H, W, CO, K, PAD)                                                            \
	{.name = "upconv", .op = do_upconv, .ref = ref_upconv, .kind = XL_PAD_REFLECT,             \
	 .k = {0, PAD}, .in = {MAP(N, CI, H, W), PLAIN(CO, CI, K, K), MAP(1, CO, 1, 1)}}
#define NORM(NAME, KIND, N, C, H, W)                                                               \
	{.name = NAME, .op = do_norm, .ref = ref_norm, .kind = KIND, .p = 1e-5,                    \
	 .in = {MAP(N, C, H, W), MAP(1, C, 1, 1), MAP(1, C, 1, 1)}},                               \
	{.name = NAME " bare", .op = do_norm, .ref = ref_norm, .kind = KIND, .p = 0.1,             \
	 .in = {MAP(N, C, H, W)}}
#define NORM_ACT(NAME, KIND, ACT, SLOPE, N, C, H, W)                                               \
	{.name = NAME " and act", .op = do_norm_act, .ref = ref_norm_act, .kind = KIND, .p = 1e-5, \
	 .q = SLOPE, .k = {ACT},                                                                   \
	 .in = {MAP(N, C, H, W), MAP(1, C, 1, 1), MAP(1, C, 1, 1)}},                               \
	{.name = NAME ", act, sum", .op = do_norm_act, .ref = ref_norm_act, .kind = KIND,          \
	 .p = 1e-5, .q = SLOPE, .k = {ACT},                                                        \
	 .in = {MAP(N, C, H, W), MAP(1, C, 1, 1), MAP(1, C, 1, 1), MAP(N, C, H, W)}}
#define HALVES(N, C, H, W)                                                                         \
	{.name = "batch norm of halves", .op = do_norm_act, .ref = ref_norm_act,                   \
	 .kind = XL_NORM_BATCH, .p = 1e-5, .q = 0.01, .k = {1, 1}, .once = true,                   \
	 .in = {MAP(N, C, H, W), MAP(1, C, 1, 1), MAP(1, C, 1, 1)}}
#define BLEND(N, C, H, W)                                                                          \
	{.name = "blend", .op = do_blend, .ref = ref_blend,                                        \
	 .in = {MAP(N, C, H, W), PLAIN(N, 1, H, W), MAP(N, 2 * (C), 1, 1), MAP(N, 2 * (C), 1, 1)}}
#define L1(N, C, H, W)                                                                             \
	{.name = "l1", .op = do_l1, .ref = ref_l1, .in = {MAP(N, C, H, W), MAP(N, C, H, W)}}
#define GRAM(N, C, H, W)                                                                           \
	{.name = "gram", .op = do_gram, .ref = ref_gram, .once = true, .in = {MAP(N, C, H, W)}}
#define CROSS_ENTROPY(N, LABELS)                                                                   \
	{.name = "cross_entropy", .op = do_cross_entropy, .ref = ref_cross_entropy, .once = true,  \
	 .in = {MAP(N, LABELS * CLASSES, 1, 1)}}
#define FIT(OH, OW, N, C, H, W)                                                                    \
	{.name = "fit", .op = do_fit, .ref = ref_fit, .k = {OH, OW}, .in = {MAP(N, C, H, W)}}
#define UP(TIMES, N, C, H, W)                                                                      \
	{.name = "up" #TIMES, .op = do_up, .ref = ref_up, .k = {TIMES}, .in = {MAP(N, C, H, W)}}
#define AVGPOOL(K, N, C, H, W)                                                                     \
	{.name = "avgpool" #K, .op = do_avgpool, .ref = ref_avgpool, .k = {K},                     \
	 .in = {MAP(N, C, H, W)}}
#define WINDOW(KIND, K, STRIDE, PAD, CEIL, N, C, H, W, OH, OW)                                     \
	{.name = #KIND, .op = do_window, .ref = ref_window, .kind = KIND, .p = CEIL,               \
	 .k = {K, STRIDE, PAD}, .in = {MAP(N, C, H, W)}, .to = MAP(N, C, OH, OW)}
#define NARROW(AXIS, START, LEN, N, C, H, W)                                                       \
	{.name = "narrow", .op = do_narrow, .ref = ref_narrow, .k = {AXIS, START, LEN},            \
	 .in = {MAP(N, C, H, W)}}
#define EMBED(AXIS, START, SIZE, N, C, H, W)                                                       \
	{.name = "embed", .op = do_embed, .ref = ref_embed, .k = {AXIS, START, SIZE},              \
	 .in = {MAP(N, C, H, W)}}
#define CONCAT(AXIS, NA, CA, NB, CB, H, W)                                                         \
	{.name = "concat", .op = do_concat, .ref = ref_concat, .k = {AXIS},                        \
	 .in = {MAP(NA, CA, H, W), MAP(NB, CB, H, W)}}
#define ABOVE(DIMS)                                                                                \
	{.name = "above", .op = do_binary, .ref = ref_binary, .kind = XL_MAXC_BWD, .p = 0.01,      \
	 .once = true, .in = {DIMS, DIMS}}
#define MEAN(NAME, ...)                                                                            \
	{.name = NAME, .op = do_mean, .ref = ref_mean, .in = {MAP(2, 16, 3, 2)}, .to = __VA_ARGS__}
/* clang-format on */

static const struct opcase cases[] = {
	UNARY("affine", XL_AFFINE, 0.7, -0.3, -1, 1),
	UNARY("leaky", XL_LEAKY, 0.2, 0, -1, 1),
	UNARY("relu", XL_LEAKY, 0, 0, -1, 1),
	UNARY("tanh", XL_TANH, 0, 0, -2, 2),
	UNARY("sigmoid", XL_SIGMOID, 0, 0, -3, 3),
	UNARY("abs", XL_ABS, 0, 0, -1, 1),
	UNARY("sqrt", XL_SQRT, 0, 0, 0.3, 2),
	UNARY("exp", XL_EXP, 0, 0, -1, 1),
	UNARY("softplus", XL_SOFTPLUS, 0, 0, -3, 3),
	UNARY("recip", XL_RECIP, 0, 0, 0.5, 2),
	UNARY("recip below zero", XL_RECIP, 0, 0, -2, -0.5),
	UNARY("max", XL_MAXC, 0.01, 0, -1, 1),
	ABOVE(MAP(2, 3, 3, 5)),
	ABOVE(MAP(1, 20, 1, 7)),
	ABOVE(PLAIN(2, 16, 1, 1)),
	CONV(1, 1, 4, 4, 1, 3, 3, 1, 1, XL_PAD_ZERO),
	CONV(2, 3, 5, 4, 2, 3, 3, 1, 1, XL_PAD_REFLECT),
	CONV(2, 2, 6, 7, 3, 4, 4, 2, 1, XL_PAD_REFLECT),
	CONV(1, 2, 7, 5, 3, 3, 2, 3, 2, XL_PAD_ZERO),
	CONV(1, 2, 5, 5, 2, 5, 5, 1, 2, XL_PAD_REFLECT),
	CONV(1, 2, 4, 6, 2, 7, 7, 1, 3, XL_PAD_REFLECT),
	CONV(2, 2, 5, 7, 2, 3, 3, 2, 0, XL_PAD_ZERO),
	CONV(1, 16, 4, 3, 3, 3, 3, 1, 1, XL_PAD_REFLECT),
	CONV(1, 3, 4, 4, 16, 4, 4, 2, 1, XL_PAD_REFLECT),
	CONV(2, 16, 2, 2, 16, 2, 2, 1, 0, XL_PAD_ZERO),
	CONV(3, 16, 1, 1, 5, 1, 1, 1, 0, XL_PAD_ZERO),
	{.name = "conv2d without bias",
	 .op = do_conv,
	 .ref = ref_conv,
	 .k = {1, 0},
	 .in = {MAP(2, 3, 3, 4), PLAIN(2, 3, 2, 2)}},
	CONV_HW(1, 2, 4, 5, 3, 1, 7, 1, 0, 3),
	CONV_HW(2, 16, 5, 4, 2, 3, 1, 1, 1, 0),
	CONV_T(2, 3, 2, 3, 2, 4, 4, 2, 1, 0),
	CONV_T(1, 1, 1, 1, 3, 4, 4, 2, 1, 0),
	CONV_T(1, 16, 2, 1, 3, 4, 4, 2, 1, 0),
	CONV_T(2, 2, 3, 2, 16, 4, 4, 2, 1, 0),
	CONV_T(1, 2, 3, 4, 3, 3, 3, 2, 1, 1),
	CONV_T(2, 2, 2, 3, 1, 2, 3, 3, 0, 2),
	CONV_T(2, 3, 4, 2, 2, 3, 3, 1, 1, 0),
	CONV_T(1, 16, 1, 1, 16, 1, 1, 1, 0, 0),
	{.name = "conv2d_t without bias",
	 .op = do_conv_t,
	 .ref = ref_conv_t,
	 .k = {2, 1, 0},
	 .in = {MAP(2, 3, 2, 2), PLAIN(3, 2, 4, 4)}},
	UPCONV(2, 2, 2, 2, 1, 5, 2),
	UPCONV(1, 2, 3, 4, 2, 5, 2),
	UPCONV(1, 16, 2, 3, 1, 5, 2),
	UPCONV(1, 1, 3, 2, 16, 5, 2),
	UPCONV(2, 2, 3, 2, 3, 3, 1), /* what is not folded */
	UPCONV(1, 2, 2, 3, 2, 5, 1),
	NORM("instance norm", XL_NORM_INSTANCE, 2, 3, 3, 4),
	NORM("instance norm blocked", XL_NORM_INSTANCE, 2, 16, 2, 3),
	NORM("layer norm", XL_NORM_LAYER, 2, 3, 3, 2),
	NORM("layer norm blocked", XL_NORM_LAYER, 2, 16, 2, 2),
	NORM("batch norm", XL_NORM_BATCH, 3, 2, 3, 2),
	NORM("batch norm blocked", XL_NORM_BATCH, 3, 16, 1, 2),
	NORM_ACT("instance norm", XL_NORM_INSTANCE, 1, 0, 2, 3, 3, 4),
	NORM_ACT("instance norm", XL_NORM_INSTANCE, 1, 0.01, 1, 16, 2, 3),
	NORM_ACT("layer norm", XL_NORM_LAYER, 1, 0.2, 2, 3, 3, 2),
	NORM_ACT("layer norm", XL_NORM_LAYER, 0, 0, 2, 16, 1, 2),
	NORM_ACT("batch norm", XL_NORM_BATCH, 1, 0, 3, 2, 3, 2),
	HALVES(6, 2, 3, 2),
	HALVES(4, 16, 2, 3),
	BLEND(2, 3, 3, 2),
	BLEND(2, 16, 2, 3),
	BLEND(1, 32, 1, 1),
	L1(2, 3, 3, 2),
	L1(1, 16, 2, 2),
	GRAM(2, 3, 3, 2),
	GRAM(1, 16, 2, 3),
	GRAM(2, 7, 1, 1),
	GRAM(3, 32, 1, 2),
	CROSS_ENTROPY(2, 3),
	CROSS_ENTROPY(3, 1),
	CROSS_ENTROPY(1, 4),
	FIT(4, 3, 2, 3, 3, 2),
	FIT(2, 2, 1, 16, 3, 3),
	FIT(1, 5, 2, 16, 2, 3),
	FIT(3, 1, 1, 2, 2, 4),
	UP(2, 2, 3, 3, 2),
	UP(2, 1, 16, 1, 2),
	UP(4, 2, 2, 3, 2),
	UP(4, 1, 16, 2, 1),
	AVGPOOL(2, 2, 3, 4, 6),
	AVGPOOL(2, 1, 16, 2, 2),
	AVGPOOL(2, 1, 2, 3, 5),
	AVGPOOL(3, 2, 3, 6, 4),
	AVGPOOL(3, 1, 16, 3, 2),
	AVGPOOL(3, 1, 2, 1, 7),
	WINDOW(XL_LARGEST, 2, 2, 0, 0, 2, 3, 5, 4, 2, 2),
	WINDOW(XL_LARGEST, 3, 2, 0, 0, 1, 16, 7, 5, 3, 2),
	WINDOW(XL_LARGEST, 3, 2, 0, 1, 1, 16, 6, 5, 3, 2),
	WINDOW(XL_LARGEST, 3, 2, 0, 1, 1, 2, 2, 3, 1, 1),
	WINDOW(XL_LARGEST, 2, 2, 1, 1, 1, 1, 3, 3, 2, 2),
	WINDOW(XL_LARGEST, 3, 1, 1, 0, 2, 1, 4, 3, 4, 3),
	WINDOW(XL_MEAN_INSIDE, 3, 1, 1, 0, 1, 16, 4, 3, 4, 3),
	WINDOW(XL_MEAN_INSIDE, 3, 1, 1, 0, 2, 2, 1, 1, 1, 1),
	WINDOW(XL_MEAN_INSIDE, 3, 2, 0, 1, 1, 3, 6, 7, 3, 3),
	WINDOW(XL_MEAN_ALL, 3, 1, 1, 0, 1, 3, 4, 5, 4, 5),
	WINDOW(XL_MEAN_ALL, 7, 1, 0, 0, 1, 2, 8, 7, 2, 1),
	WINDOW(XL_LARGEST, 2, 2, 0, 0, 1, 16, 5, 4, 2, 2),
	WINDOW(XL_MEAN_INSIDE, 3, 2, 0, 1, 1, 32, 6, 7, 3, 3),
	WINDOW(XL_MEAN_ALL, 3, 1, 1, 0, 2, 16, 4, 5, 4, 5),
	NARROW(0, 1, 2, 4, 3, 2, 3),
	NARROW(0, 2, 1, 3, 16, 2, 2),
	NARROW(1, 1, 2, 2, 5, 3, 2),
	NARROW(1, 16, 32, 2, 64, 1, 2),
	NARROW(1, 5, 7, 2, 32, 1, 1),
	NARROW(1, 3, 4, 2, 16, 2, 2),
	NARROW(1, 2, 16, 1, 19, 2, 3),
	EMBED(0, 1, 4, 2, 3, 2, 1),
	EMBED(1, 0, 16, 2, 13, 2, 2),
	EMBED(1, 16, 32, 2, 16, 1, 2),
	EMBED(1, 1, 4, 2, 3, 1, 1),
	CONCAT(0, 2, 3, 1, 3, 2, 3),
	CONCAT(0, 1, 16, 2, 16, 2, 2),
	CONCAT(1, 2, 2, 2, 3, 3, 2),
	CONCAT(1, 2, 16, 2, 32, 2, 1),
	CONCAT(1, 2, 5, 2, 11, 1, 1),
	CONCAT(1, 2, 13, 2, 3, 2, 2),
	CONCAT(1, 1, 16, 1, 5, 1, 2),
	MEAN("mean", PLAIN(1, 1, 1, 1)),
	MEAN("mean_hw", MAP(2, 16, 1, 1)),
};

/* ---- the checks ---- */

/* Weight r_i of output i in the loss  sum r_i (y_i + y_i^2 / 2). */
static double loss_weight(int64_t i)
{
	return noise(77, i);
}

static double ref_loss(const struct opcase *c, const struct array *in)
{
	struct array y = c->ref(in, c);
	double loss = 0;

	for (int64_t i = 0; i < xl_dims_count(&y.d); i++)
		loss += loss_weight(i) * (y.v[i] + y.v[i] * y.v[i] / 2);
	array_free(&y);
	return loss;
}

/* The derivative of the loss along direction v of input k. */
static double ref_slope(const struct opcase *c, struct array *in, int k, const struct array *v)
{
	const double e = 3e-4;
	double side[2];

	for (int s = 0; s < 2; s++) {
		for (int64_t i = 0; i < xl_dims_count(&v->d); i++)
			in[k].v[i] += (s ? -2 : 1) * e * v->v[i];
		side[s] = ref_loss(c, in);
	}
	for (int64_t i = 0; i < xl_dims_count(&v->d); i++)
		in[k].v[i] += e * v->v[i];
	return (side[0] - side[1]) / (2 * e);
}

/* The gradient for input j: of the loss, or of its slope along v of input k. */
static struct array ref_gradient(const struct opcase *c, struct array *in, int j, int k,
				 const struct array *v)
{
	const double e = 3e-4;
	struct array g = array_zeros(in[j].d);

	for (int64_t i = 0; i < xl_dims_count(&g.d); i++) {
		const double x = in[j].v[i];
		in[j].v[i] = x + e;
		const double above = v ? ref_slope(c, in, k, v) : ref_loss(c, in);
		in[j].v[i] = x - e;
		const double below = v ? ref_slope(c, in, k, v) : ref_loss(c, in);
		in[j].v[i] = x;
		g.v[i] = (above - below) / (2 * e);
		if (fabs(g.v[i]) < 1e-7) /* what differences cannot tell from 0 */
			g.v[i] = 0;
	}
	return g;
}

/* One case at work: inputs twice, as doubles and as leaves of the tape. */
struct bench {
	const struct opcase *c;
	struct xl_tape *t;
	struct array in[INPUTS];
	float *data[INPUTS], *grad[INPUTS];
	struct xl_var *leaf[INPUTS];
	char what[80];
};

/* A number of the tape, in the layout d, from an array. */
static struct xl_var *constant(struct xl_tape *t, const struct array *a)
{
	struct xl_var *v = xl_var_const(t, a->d, 0);
	float *f = array_floats(a);

	assert_non_null(v);
	memcpy(v->data, f, (size_t)xl_dims_count(&a->d) * sizeof(float));
	free(f);
	return v;
}

static void bench_open(struct bench *b, const struct opcase *c)
{
	*b = (struct bench){.c = c, .t = xl_tape_new()};
	assert_non_null(b->t);
	for (int k = 0; k < INPUTS && c->in[k].n; k++) {
		const bool whole = c->lo == 0 && c->hi == 0;
		b->in[k] = array_noise(c->in[k], 10 + (uint32_t)k, whole ? -1 : c->lo,
				       whole ? 1 : c->hi);
		for (int64_t i = 0; i < xl_dims_count(&c->in[k]); i++) /* away from kinks */
			if (fabs(b->in[k].v[i]) < 0.03)
				b->in[k].v[i] += 0.0625;
		b->data[k] = array_floats(&b->in[k]);
		b->grad[k] = calloc((size_t)xl_dims_count(&c->in[k]), sizeof(float));
		assert_non_null(b->grad[k]);
	}
}

static void bench_close(struct bench *b)
{
	for (int k = 0; k < INPUTS; k++) {
		array_free(&b->in[k]);
		free(b->data[k]);
		free(b->grad[k]);
	}
	xl_tape_free(b->t);
}

/* A fresh tape with the operator run on it; gradients are zero again. */
static struct xl_var *run(struct bench *b)
{
	xl_tape_reset(b->t);
	xl_tape_record(b->t, true);
	for (int k = 0; k < INPUTS && b->data[k]; k++) {
		const struct xl_dims *d = &b->in[k].d;
		memset(b->grad[k], 0, (size_t)xl_dims_count(d) * sizeof(float));
		b->leaf[k] = xl_var_leaf(b->t, *d, b->data[k], b->grad[k]);
	}
	struct xl_var *y = b->c->op(b->t, b->leaf, b->c);
	if (!y)
		fail_msg("%s: %s", b->c->name, xl_err_msg());
	return y;
}

/* The same of copies, which are dropped: what the way back reads must have been kept. */
static struct xl_var *run_dropped(struct bench *b)
{
	struct xl_var *in[INPUTS] = {0};

	run(b); /* for the leaves */
	for (int k = 0; k < INPUTS && b->data[k]; k++)
		in[k] = xl_op_affine(b->t, b->leaf[k], 1, 0);
	struct xl_var *y = b->c->op(b->t, in, b->c);
	for (int k = 0; k < INPUTS; k++)
		if (in[k] != y)
			xl_drop(b->t, in[k]);
	return y;
}

static struct xl_var *loss_of(struct xl_tape *t, struct xl_var *y)
{
	struct array r = array_zeros(y->d);

	for (int64_t i = 0; i < xl_dims_count(&y->d); i++)
		r.v[i] = loss_weight(i);
	struct xl_var *w = constant(t, &r);
	array_free(&r);
	struct xl_var *half = xl_op_affine(t, xl_op_mul(t, y, y), 0.5, 0);
	return xl_op_sum(t, xl_op_mul(t, w, xl_op_add(t, y, half)));
}

static void check_value(struct bench *b)
{
	const struct xl_var *y = run(b);
	struct array want = b->c->ref(b->in, b->c);

	if (!xl_dims_same(&y->d, &want.d))
		fail_msg("%s: the result is (%d,%d,%d,%d) in blocks of %d", b->c->name, y->d.n,
			 y->d.c, y->d.h, y->d.w, y->d.b);
	want.d.b = y->d.b;
	assert_true(agrees(b->c->name, y->data, &want, 2e-6));
	array_free(&want);
}

static void check_gradient(struct bench *b, bool drop)
{
	struct xl_var *y = drop ? run_dropped(b) : run(b), *loss = loss_of(b->t, y);

	if (drop)
		xl_drop(b->t, y);
	assert_int_equal(xl_backward(b->t, loss, 0), 0);
	for (int k = 0; k < INPUTS && b->data[k]; k++) {
		struct array want = ref_gradient(b->c, b->in, k, 0, NULL);
		snprintf(b->what, sizeof b->what, "%s, gradient for input %d", b->c->name, k);
		assert_true(agrees(b->what, b->grad[k], &want, 1e-5));
		array_free(&want);
	}
}

/* The gradient g for input k, and the gradients of sum(g v) for every input. */
static void check_second(struct bench *b, int k)
{
	struct array v = array_noise(b->in[k].d, 99, -1, 1);
	struct array want = ref_gradient(b->c, b->in, k, 0, NULL);
	struct xl_var *g = xl_grad(b->t, loss_of(b->t, run(b)), b->leaf[k]);

	if (!g)
		fail_msg("%s: %s", b->c->name, xl_err_msg());
	snprintf(b->what, sizeof b->what, "%s, recorded gradient for input %d", b->c->name, k);
	assert_true(agrees(b->what, g->data, &want, 1e-5));
	array_free(&want);
	assert_int_equal(
		xl_backward(b->t, xl_op_sum(b->t, xl_op_mul(b->t, g, constant(b->t, &v))), 0), 0);
	for (int j = 0; j < INPUTS && b->data[j]; j++) {
		want = ref_gradient(b->c, b->in, j, k, &v);
		snprintf(b->what, sizeof b->what, "%s, gradient for %d of the gradient for %d",
			 b->c->name, j, k);
		assert_true(agrees(b->what, b->grad[j], &want, 1e-4));
		array_free(&want);
	}
	array_free(&v);
}

static void check(const struct opcase *c)
{
	struct bench b;

	const struct xl_kernels *k;

	bench_open(&b, c);
	EACH_BACKEND(k)
	{
		b.t->k = k;
		check_value(&b);
		check_gradient(&b, false);
		check_gradient(&b, true);
	}
	for (int i = 0; i < INPUTS && c->in[i].n && !c->once; i++)
		check_second(&b, i);
	bench_close(&b);
}

static void test_case(void **state)
{
	check(*state);
}

/* d with the axes that mask names cut down to 1 */
static struct xl_dims cut(struct xl_dims d, int mask)
{
	struct xl_dims r = xl_dims_map(mask & 8 ? 1 : d.n, mask & 4 ? 1 : d.c, mask & 2 ? 1 : d.h,
				       mask & 1 ? 1 : d.w);
	if (d.b == 1)
		r.b = 1; /* weights stay plain */
	return r;
}

static const struct xl_dims whole[] = {MAP(2, 3, 3, 2), MAP(2, 16, 2, 2), PLAIN(2, 16, 2, 1)};
enum { WHOLE = sizeof whole / sizeof *whole };

/* Each operand with every axis broadcast or not, against a whole one and
 * against one broadcast over the other axes. */
static void test_broadcast(void **state)
{
	const int kinds[] = {XL_ADD, XL_SUB, XL_MUL};
	char name[60];

	(void)state;
	for (int i = 0; i < WHOLE * 3 * 16 * 3; i++) {
		const int mask = i % 16, other = i / 16 % 3;
		struct opcase c = {.op = do_binary, .ref = ref_binary, .kind = kinds[i / 48 % 3]};
		c.in[0] = cut(whole[i / 144], other == 2 ? 15 - mask : other ? mask : 0);
		c.in[1] = cut(whole[i / 144], other == 1 ? 0 : mask);
		snprintf(name, sizeof name, "binary %d, masks %d %d", c.kind, mask, other);
		c.name = name;
		check(&c);
	}
}

static void test_sums_and_repeats(void **state)
{
	char name[60];

	(void)state;
	for (int i = 0; i < WHOLE * 16; i++) {
		struct opcase c = {.name = name, .op = do_sum_to, .ref = ref_sum_to};
		c.in[0] = whole[i / 16];
		c.to = cut(whole[i / 16], i % 16);
		snprintf(name, sizeof name, "sum_to, mask %d", i % 16);
		check(&c);
		c.op = do_expand;
		c.ref = ref_expand;
		c.in[0] = c.to;
		c.to = whole[i / 16];
		snprintf(name, sizeof name, "expand, mask %d", i % 16);
		check(&c);
	}
}

/* Beyond a limit the value stays there, and a gradient counts where a step against it
 * leads back in; NaN stays NaN. */
static void test_clamp(void **state)
{
	const float x[8] = {-9, -9, -2, 0.5f, 3, 7, 7, NAN}, g[8] = {1, -1, 1, -1, -1, -1, 1, 1};
	const float want[8] = {0, -1, 0, -1, 0, 0, 1, 1};
	const struct xl_dims d = xl_dims_map(1, 8, 1, 1);
	struct xl_tape *t = xl_tape_new();
	float y[8], gx[8] = {0};

	(void)state;
	assert_non_null(t);
	xl_tape_record(t, true);
	struct xl_var *v = xl_var_leaf(t, d, x, gx), *c = xl_op_clamp(t, v, -2, 3);
	assert_non_null(c);
	xl_var_read(t, c, y);
	for (int i = 0; i < 7; i++)
		assert_true(y[i] == fminf(fmaxf(x[i], -2), 3));
	assert_true(isnan(y[7]));
	struct xl_var *loss = xl_op_sum(t, xl_op_mul(t, c, xl_var_leaf(t, d, g, NULL)));
	assert_int_equal(xl_backward(t, loss, 0), 0);
	for (int i = 0; i < 8; i++)
		assert_true(gx[i] == want[i]);
	xl_tape_reset(t);
	xl_tape_record(t, true);
	v = xl_var_leaf(t, d, x, gx);
	xl_var_watch(v, true);
	assert_null(xl_grad(t, xl_op_sum(t, xl_op_clamp(t, v, -2, 3)), v));
	assert_string_equal(xl_err_msg(), "clamp has no recorded gradient");
	xl_tape_free(t);
}

/* What no window fits is refused with its shape. */
static void test_avgpool_of_too_little(void **state)
{
	struct xl_tape *t = xl_tape_new();

	(void)state;
	assert_null(xl_op_avgpool(t, xl_var_const(t, xl_dims_map(2, 3, 1, 4), 0), 2));
	assert_string_equal(xl_err_msg(), "avgpool: (2,3,1,4) has no window of 2");
	xl_tape_free(t);
}

enum { CASES = sizeof cases / sizeof *cases };

int main(void)
{
	const struct CMUnitTest more[] = {
		cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_sums_and_repeats),
		cmocka_unit_test(test_clamp),
		cmocka_unit_test(test_avgpool_of_too_little),
	};
	enum { MORE = sizeof more / sizeof *more };
	struct CMUnitTest tests[CASES + MORE];

	for (int i = 0; i < CASES; i++)
		tests[i] = (struct CMUnitTest){cases[i].name, test_case, NULL, NULL,
					       (void *)(uintptr_t)&cases[i]};
	memcpy(tests + CASES, more, sizeof more);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
