/*
 * net.c - parameter blocks and layers.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/rng.h"
#include "nn/netio.h"

static const double norm_eps = 1e-5;
static const double bn_momentum = 0.1;

void xl_net_init(struct xl_net *net, const char *id, enum xl_group group)
{
	*net = (struct xl_net){.group = group};
	snprintf(net->id, sizeof net->id, "%s", id);
}

void xl_net_done(struct xl_net *net)
{
	free(net->params);
	free(net->value);
	free(net->grad);
	free(net->m);
	free(net->v);
	free(net->vars);
	*net = (struct xl_net){0};
}

static int add_param(struct xl_net *net, const char *row, const char *part, struct xl_dims d)
{
	if (net->n_params == net->cap_params) {
		const int cap = net->cap_params ? 2 * net->cap_params : 32;
		struct xl_param *p = xl_realloc(net->params, (size_t)cap, sizeof *p);
		if (!p)
			return -1;
		net->params = p;
		net->cap_params = cap;
	}
	struct xl_param *p = &net->params[net->n_params++];
	*p = (struct xl_param){.d = d, .at = net->count};
	snprintf(p->name, sizeof p->name, "%s.%s", row, part);
	net->count += (size_t)xl_round_up(xl_dims_count(&d), XL_BLOCK); /* whole vectors */
	return 0;
}

int xl_net_layer(struct xl_net *net, const char *row, struct xl_layer *l)
{
	const struct xl_dims c = xl_dims_map(1, l->co, 1, 1);
	const char *const parts[] = {"bias", "scale", "shift", "mean", "var"};
	const bool is_bare = l->norm == XL_NO_NORM || l->norm == XL_IN_BARE;
	const int n = is_bare ? 1 : l->norm == XL_BN ? 5 : 3;
	const int fan_in = (l->ci + l->planes) * l->k * l->k;

	l->first = net->n_params;
	if (add_param(net, row, "weight",
		      l->transposed ? xl_dims_plain(l->ci, l->co, l->k, l->k)
				    : xl_dims_plain(l->co, l->ci, l->k, l->k)))
		return -1;
	net->params[l->first].fan_in = fan_in;
	net->params[l->first].std = (float)l->std;
	for (int i = 0; i < n; i++) {
		if (add_param(net, row, parts[i], c))
			return -1;
		struct xl_param *p = &net->params[l->first + 1 + i];
		p->fill = i == 1 || i == 4 ? 1 : 0;
		p->buffer = i >= 3;
	}
	if (l->planes == 0)
		return 0;
	assert(l->norm == XL_NO_NORM);
	if (add_param(net, row, "planes", xl_dims_plain(l->co, l->planes, l->k, l->k)))
		return -1;
	net->params[l->first + 2].fan_in = fan_in;
	net->params[l->first + 2].std = (float)l->std;
	return 0;
}

static int alloc_values(struct xl_net *net)
{
	net->value = xl_alloc_large(net->count, sizeof *net->value);
	net->vars = xl_alloc((size_t)net->n_params, sizeof *net->vars);
	return net->value && net->vars ? 0 : -1;
}

int xl_net_alloc(struct xl_net *net, bool trained)
{
	if (alloc_values(net))
		return -1;
	if (!trained)
		return 0;
	net->grad = xl_alloc_large(net->count, sizeof *net->grad);
	net->m = xl_alloc_large(net->count, sizeof *net->m);
	net->v = xl_alloc_large(net->count, sizeof *net->v);
	return net->grad && net->m && net->v ? 0 : -1;
}

int xl_net_fetch(struct xl_net *net)
{
	if (net->value)
		return 0;
	assert(net->source);
	if (xl_net_alloc(net, false))
		return -1;
	xl_net_take(net, net->source, net->value);
	return 0;
}

size_t xl_net_count(const struct xl_net *net)
{
	size_t n = 0;

	for (int i = 0; i < net->n_params; i++)
		if (!net->params[i].buffer)
			n += (size_t)xl_dims_count(&net->params[i].d);
	return n;
}

void xl_net_randomise(struct xl_net *net, uint64_t seed, uint32_t index, double gain, double std)
{
	for (int i = 0; net->value && i < net->n_params; i++) {
		const struct xl_param *p = &net->params[i];
		const double s = p->std > 0 ? (double)p->std
				 : gain > 0 ? gain / sqrt(p->fan_in)
					    : std;
		float *x = net->value + p->at;
		struct xl_rng rng;
		xl_rng_init(&rng, seed, XL_RNG_INIT, index, (uint32_t)i);
		for (int64_t k = 0; k < xl_dims_count(&p->d); k++)
			x[k] = p->fan_in ? (float)(s * xl_rng_normal(&rng)) : p->fill;
	}
}

void xl_net_randomise_uniform(struct xl_net *net, uint64_t seed, uint32_t index, bool old)
{
	double a = 0; /* of the last weights; their bias comes next */

	for (int i = 0; net->value && i < net->n_params; i++) {
		const struct xl_param *p = &net->params[i];
		const bool is_scale = old && strstr(p->name, ".scale");
		const bool is_fixed = !p->fan_in && !is_scale && !strstr(p->name, ".bias");
		float *x = net->value + p->at;
		struct xl_rng rng;
		if (p->fan_in)
			a = 1 / sqrt(old ? p->fan_in : p->d.c * p->d.h * p->d.w);
		xl_rng_init(&rng, seed, XL_RNG_INIT, index, (uint32_t)i);
		for (int64_t k = 0; k < xl_dims_count(&p->d); k++) {
			const double u = is_fixed ? 0 : xl_rng_uniform(&rng);
			x[k] = is_fixed ? p->fill : is_scale ? (float)u : (float)(a * (2 * u - 1));
		}
	}
}

/* Applies draw to each weight, in order; the rest is as declared. */
static void randomise_weights(struct xl_net *net, uint64_t seed, uint32_t index,
			      double (*draw)(struct xl_rng *r, const struct xl_param *p, double a),
			      double a)
{
	for (int i = 0; net->value && i < net->n_params; i++) {
		const struct xl_param *p = &net->params[i];
		float *x = net->value + p->at;
		struct xl_rng rng;
		xl_rng_init(&rng, seed, XL_RNG_INIT, index, (uint32_t)i);
		for (int64_t k = 0; k < xl_dims_count(&p->d); k++)
			x[k] = p->fan_in ? (float)draw(&rng, p, a) : p->fill;
	}
}

static double draw_truncated(struct xl_rng *r, const struct xl_param *p, double std)
{
	double z;

	(void)p;
	do
		z = xl_rng_normal(r);
	while (fabs(z) > 2);
	return std * z;
}

static double draw_glorot(struct xl_rng *r, const struct xl_param *p, double a)
{
	(void)a;
	return sqrt(6.0 / ((p->d.n + p->d.c) * p->d.h * p->d.w)) * (2 * xl_rng_uniform(r) - 1);
}

void xl_net_randomise_truncated(struct xl_net *net, uint64_t seed, uint32_t index, double std)
{
	randomise_weights(net, seed, index, draw_truncated, std);
}

void xl_net_randomise_glorot(struct xl_net *net, uint64_t seed, uint32_t index)
{
	randomise_weights(net, seed, index, draw_glorot, 0);
}

bool xl_net_needed(const struct xl_net *net, bool trained)
{
	return trained || (net->group == XL_GENERATOR && !net->scaffold);
}

int xl_net_bind(struct xl_net *net, struct xl_tape *t, bool trained)
{
	if (xl_net_fetch(net))
		return -1;
	for (int i = 0; i < net->n_params; i++) {
		const struct xl_param *p = &net->params[i];
		float *g = trained && !net->frozen && !p->buffer ? net->grad + p->at : NULL;
		net->vars[i] = xl_var_leaf(t, p->d, net->value + p->at, g);
		if (!net->vars[i])
			return -1;
	}
	net->bound = true;
	return 0;
}

void xl_net_zero(struct xl_net *net)
{
	memset(net->grad, 0, net->count * sizeof *net->grad);
}

/* Parameters from number `from` on, as far as they are all trained. */
static int trained_run(const struct xl_net *n, int from)
{
	int to = from;

	while (to < n->n_params && !n->params[to].buffer)
		to++;
	return to;
}

void xl_net_adam(struct xl_net *n, const struct xl_kernels *k, const struct xl_adam *a)
{
	for (int i = 0, to; i < n->n_params; i = to + 1) {
		to = trained_run(n, i);
		const size_t at = n->params[i].at;
		const size_t end = to < n->n_params ? n->params[to].at : n->count;
		k->adam(n->value + at, n->m + at, n->v + at, n->grad + at, (int64_t)(end - at), a);
	}
}

void xl_net_unbind(struct xl_net *net)
{
	net->bound = false;
}

/* The parameters of a layer; NULL with xl_err set. */
static struct xl_var **params(struct xl_tape *t, struct xl_net *net, const struct xl_layer *l)
{
	if (!net->bound && xl_net_bind(net, t, false))
		return NULL;
	return net->vars + l->first;
}

/* Running statistics follow those of a batch of n numbers to the channel: the
 * variance there unbiased. */
static void update_running(struct xl_net *net, const struct xl_layer *l, double n,
			   const double *moments)
{
	float *mean = net->value + net->params[l->first + 4].at;
	float *var = net->value + net->params[l->first + 5].at;
	const double unbias = n > 1 ? n / (n - 1) : 1;

	for (int c = 0; c < l->co; c++) {
		mean[c] += (float)(bn_momentum * (moments[2 * c] - (double)mean[c]));
		var[c] += (float)(bn_momentum * (moments[2 * c + 1] * unbias - (double)var[c]));
	}
}

/* Batch norm with the running statistics: one affine function per channel. */
static struct xl_var *norm_running(struct xl_tape *t, struct xl_net *net, const struct xl_layer *l,
				   struct xl_var *x)
{
	struct xl_var **p = net->vars + l->first;
	struct xl_var *sd = xl_op_sqrt(t, xl_op_affine(t, p[5], 1, norm_eps));
	struct xl_var *a = xl_op_mul(t, p[2], xl_op_recip(t, sd));
	struct xl_var *b = xl_op_sub(t, p[3], xl_op_mul(t, p[4], a));
	struct xl_var *xa = xl_op_mul(t, x, a);
	struct xl_var *y = xl_op_add(t, xa, b);

	xl_drop(t, xa);
	return y;
}

static struct xl_var *activate(struct xl_tape *t, const struct xl_layer *l, struct xl_var *x)
{
	switch (l->act) {
	case XL_ACT_RELU:
		return xl_op_leaky(t, x, 0);
	case XL_ACT_LEAKY:
		return xl_op_leaky(t, x, l->slope);
	case XL_ACT_TANH:
		return xl_op_tanh(t, x);
	case XL_ACT_SIGMOID:
		return xl_op_sigmoid(t, x);
	case XL_ACT_NONE:
		break;
	}
	return x;
}

static struct xl_var *convolve(struct xl_tape *t, struct xl_net *net, const struct xl_layer *l,
			       struct xl_var *x)
{
	struct xl_var **p = params(t, net, l);

	if (!p)
		return NULL;
	if (l->up)
		return xl_op_upconv(t, x, p[0], p[1], l->pad);
	if (l->transposed) /* stride times the size: what stride + 2 pad - k leaves open */
		return xl_op_conv2d_t(t, x, p[0], p[1], l->stride, l->pad,
				      l->stride + 2 * l->pad - l->k);
	return xl_op_conv2d(t, x, p[0], p[1], l->stride, l->pad, l->mode);
}

/* What follows a layer's convolution, op by op. */
static struct xl_var *follow(struct xl_tape *t, struct xl_net *net, const struct xl_layer *l,
			     struct xl_var *c)
{
	struct xl_var *n = l->norm == XL_NO_NORM ? c : norm_running(t, net, l, c);
	struct xl_var *y = activate(t, l, n);

	if (y != n && n != c)
		xl_drop(t, n);
	return y;
}

/* Norm, activation and sum in one. */
static struct xl_var *norm_act(struct xl_tape *t, struct xl_net *net, const struct xl_layer *l,
			       struct xl_var *c, struct xl_var *add)
{
	struct xl_var **p = net->vars + l->first;
	const bool halves = l->norm == XL_BN && net->bn_halves;
	const bool bare = l->norm == XL_IN_BARE;
	struct xl_norm_op o = {.scale = bare ? NULL : p[2],
			       .shift = bare ? NULL : p[3],
			       .add = add,
			       .kind = l->norm == XL_LN   ? XL_NORM_LAYER
				       : l->norm == XL_BN ? XL_NORM_BATCH
							  : XL_NORM_INSTANCE,
			       .eps = norm_eps,
			       .halves = halves,
			       .act = l->act != XL_ACT_NONE,
			       .slope = l->act == XL_ACT_RELU ? 0 : l->slope};

	assert(l->act == XL_ACT_NONE || l->act == XL_ACT_RELU || l->act == XL_ACT_LEAKY);
	if (l->norm == XL_BN && net->bn == XL_BN_TRAIN && c && !t->dry) {
		o.moments = xl_alloc((size_t)l->co * 4, sizeof *o.moments);
		if (!o.moments)
			return NULL;
	}
	struct xl_var *y = xl_op_norm_act(t, c, &o);
	for (int i = 0; y && o.moments && i < 1 + halves; i++)
		update_running(net, l, (double)c->d.n / (1 + halves) * c->d.h * c->d.w,
			       o.moments + (ptrdiff_t)i * 2 * l->co);
	free(o.moments);
	return y;
}

/* A layer, and the sum with add where that is not NULL. */
static struct xl_var *layer(struct xl_tape *t, struct xl_net *net, const struct xl_layer *l,
			    struct xl_var *x, struct xl_var *add)
{
	struct xl_var *c = convolve(t, net, l, x), *y;

	if (l->norm == XL_NO_NORM || (l->norm == XL_BN && net->bn == XL_BN_RUNNING)) {
		struct xl_var *a = follow(t, net, l, c);
		y = add ? xl_op_add(t, a, add) : a;
		if (y != a && a != c)
			xl_drop(t, a);
	} else {
		y = norm_act(t, net, l, c, add);
	}
	if (y != c)
		xl_drop(t, c);
	return y;
}

struct xl_var *xl_nn_layer(struct xl_tape *t, struct xl_net *net, const struct xl_layer *l,
			   struct xl_var *x)
{
	return layer(t, net, l, x, NULL);
}

struct xl_var *xl_nn_layers(struct xl_tape *t, struct xl_net *net, const struct xl_layer *l, int n,
			    struct xl_var *x)
{
	struct xl_var *y = x;

	for (int i = 0; i < n; i++) {
		struct xl_var *next = xl_nn_layer(t, net, &l[i], y);
		if (y != x)
			xl_drop(t, y);
		y = next;
	}
	return y;
}

struct xl_var *xl_nn_layer_on(struct xl_tape *t, struct xl_net *net, const struct xl_layer *l,
			      struct xl_var *x, struct xl_var *z)
{
	struct xl_var **p = params(t, net, l);

	if (!x || !z || !p)
		return NULL;
	assert(l->planes == z->d.c && l->mode == XL_PAD_REFLECT);
	struct xl_var *taps = xl_op_sum_to(t, p[2], xl_dims_plain(l->co, l->planes, 1, 1));
	struct xl_var *of_z = xl_op_conv2d(t, z, taps, p[1], 1, 0, XL_PAD_ZERO);
	struct xl_var *of_x = xl_op_conv2d(t, x, p[0], NULL, l->stride, l->pad, l->mode);
	struct xl_var *c = xl_op_add(t, of_x, of_z);
	struct xl_var *y = activate(t, l, c);

	xl_drop(t, taps);
	xl_drop(t, of_z);
	xl_drop(t, of_x);
	if (y != c)
		xl_drop(t, c);
	return y;
}

struct xl_var *xl_nn_adain(struct xl_tape *t, struct xl_var *x, struct xl_var *p)
{
	if (!x || !p)
		return NULL;
	const int c = x->d.c;
	struct xl_var *n = xl_op_norm(t, x, NULL, NULL, XL_NORM_INSTANCE, norm_eps, NULL);
	struct xl_var *beta = xl_op_narrow(t, p, 1, 0, c), *gamma = xl_op_narrow(t, p, 1, c, c);
	struct xl_var *scaled = xl_op_mul(t, n, gamma);
	struct xl_var *y = xl_op_add(t, scaled, beta);

	xl_drop(t, n);
	xl_drop(t, scaled);
	xl_drop(t, beta);
	xl_drop(t, gamma);
	return y;
}

struct xl_var *xl_nn_resblock(struct xl_tape *t, struct xl_net *net, const struct xl_layer *a,
			      const struct xl_layer *b, struct xl_var *x)
{
	struct xl_var *u = layer(t, net, a, x, NULL), *y = layer(t, net, b, u, x);

	xl_drop(t, u);
	return y;
}

struct xl_var *xl_nn_l1(struct xl_tape *t, struct xl_var *a, struct xl_var *b)
{
	return xl_op_l1(t, a, b);
}

struct xl_var *xl_nn_mse(struct xl_tape *t, struct xl_var *a, struct xl_var *b)
{
	struct xl_var *d = xl_op_sub(t, a, b), *q = xl_op_mul(t, d, d);
	struct xl_var *m = xl_op_mean(t, q);

	xl_drop(t, d);
	xl_drop(t, q);
	return m;
}

struct xl_var *xl_nn_blend(struct xl_tape *t, struct xl_var *m, struct xl_var *a, struct xl_var *b)
{
	struct xl_var *not_m = xl_op_affine(t, m, -1, 1);
	struct xl_var *ma = xl_op_mul(t, m, a), *mb = xl_op_mul(t, not_m, b);
	struct xl_var *y = xl_op_add(t, ma, mb);

	xl_drop(t, not_m);
	xl_drop(t, ma);
	xl_drop(t, mb);
	return y;
}

/* log(1 + e^z) - z y, stable for every z */
struct xl_var *xl_nn_bce(struct xl_tape *t, struct xl_var *z, struct xl_var *y)
{
	if (!z || !y)
		return NULL;
	struct xl_var *e = xl_op_sub(t, xl_op_softplus(t, z), xl_op_mul(t, z, y));
	return xl_op_affine(t, xl_op_sum(t, e), 1.0 / z->d.n, 0);
}
