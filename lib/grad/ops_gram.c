/*
 * ops_gram.c - Gram matrices of maps. That of one sample is the gradient of the weights
 * of a 1x1 convolution of the map with itself, and its way back such a convolution.
 */
#include "grad/node.h"
#include "grad/ops.h"

static struct xl_conv2d_dims of_sample(const struct xl_dims *d)
{
	return (struct xl_conv2d_dims){.n = 1,
				       .ci = d->c,
				       .h = d->h,
				       .w = d->w,
				       .co = d->c,
				       .kh = 1,
				       .kw = 1,
				       .stride = 1,
				       .mode = XL_PAD_ZERO,
				       .oh = d->h,
				       .ow = d->w};
}

/* w = p (g + g^T), of c x c */
static void symmetric(float *w, const float *g, int c, float p)
{
	for (int i = 0; i < c; i++)
		for (int j = 0; j < c; j++)
			w[i * c + j] = p * (g[i * c + j] + g[j * c + i]);
}

/* gx = (g + g^T) x / P, sample by sample */
static int gram_vjp(struct xl_tape *t, const struct xl_node *nd, struct xl_var *g, const bool *want,
		    struct xl_var **gin)
{
	const struct xl_dims *d = &nd->in[0]->d;
	const struct xl_conv2d_dims one = of_sample(d);
	const int64_t size = (int64_t)d->c * d->h * d->w, square = (int64_t)d->c * d->c;
	const size_t bytes = t->k->conv2d_scratch(&one), w_bytes = (size_t)square * sizeof(float);

	(void)want;
	if (t->keep)
		return xl_err("gram has no recorded gradient");
	float *w = xl_tape_take(t, w_bytes);
	void *scratch = xl_tape_take(t, bytes);
	if (!w || !scratch || !(gin[0] = xl_tape_out(t, *d)))
		return -1;
	for (int n = 0; n < d->n && !t->dry; n++) {
		symmetric(w, g->data + n * square, d->c, 1.0f / (float)(d->h * d->w));
		t->k->conv2d_fwd(gin[0]->data + n * size, nd->in[0]->data + n * size, w, NULL, &one,
				 scratch);
	}
	xl_tape_give(t, w, w_bytes);
	xl_tape_give(t, scratch, bytes);
	return 0;
}

static const struct xl_opdef op_gram = {"gram", gram_vjp, {XL_WANT(0)}, NULL};

struct xl_var *xl_op_gram(struct xl_tape *t, struct xl_var *x)
{
	struct xl_node nd = {.op = &op_gram, .in = {x}};

	if (!x)
		return NULL;
	const struct xl_dims *d = &x->d;
	const struct xl_conv2d_dims one = of_sample(d);
	const int64_t size = (int64_t)d->c * d->h * d->w, square = (int64_t)d->c * d->c;
	const size_t bytes = t->k->conv2d_scratch(&one);
	void *scratch = xl_tape_take(t, bytes);
	if (!scratch || !(nd.out = xl_tape_out(t, xl_dims_plain(d->n, 1, d->c, d->c))))
		return NULL;
	t->macs += d->n * size * d->c;
	for (int n = 0; n < d->n && !t->dry; n++)
		t->k->conv2d_bwd_w(nd.out->data + n * square, x->data + n * size,
				   x->data + n * size, &one, scratch);
	if (!t->dry)
		t->k->unary(XL_AFFINE, nd.out->data, nd.out->data, d->n * square,
			    1.0f / (float)(d->h * d->w), 0);
	xl_tape_give(t, scratch, bytes);
	return xl_tape_push(t, &nd);
}
