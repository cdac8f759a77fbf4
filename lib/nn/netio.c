/*
 * netio.c - a network as a record of a model file, and back.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/pool.h"
#include "nn/netio.h"

/* The logical shape of a parameter: (O,I,kh,kw), or (C). */
static int shape_of(const struct xl_param *p, int64_t shape[4])
{
	if (p->fan_in == 0) {
		shape[0] = p->d.c;
		return 1;
	}
	shape[0] = p->d.n;
	shape[1] = p->d.c;
	shape[2] = p->d.h;
	shape[3] = p->d.w;
	return 4;
}

int xl_net_view(struct xl_net_view *v, const struct xl_net *net, const char *suffix,
		const float *block)
{
	const size_t n = (size_t)net->n_params;
	struct xl_tensor *t;

	snprintf(v->id, sizeof v->id, "%s%s", net->id, suffix);
	v->r = (struct xl_record){.kind = XL_MODEL, .id = v->id, .n_tensors = net->n_params};
	v->r.tensors = xl_alloc(n, sizeof *v->r.tensors + sizeof *t);
	if (!v->r.tensors)
		return -1;
	t = (struct xl_tensor *)(void *)(v->r.tensors + n);
	for (int i = 0; i < net->n_params; i++, t++) {
		struct xl_param *p = &net->params[i];
		*t = (struct xl_tensor){.dtype = XL_F4, .data = (float *)(uintptr_t)block + p->at};
		t->ndim = shape_of(p, t->shape);
		v->r.tensors[i] = (struct xl_named){p->name, t};
	}
	return 0;
}

void xl_net_view_done(struct xl_net_view *v)
{
	free(v->r.tensors);
	v->r.tensors = NULL;
}

int xl_net_check(const struct xl_net *net, const struct xl_record *r)
{
	char is[64];

	for (int i = 0; i < net->n_params; i++) {
		const struct xl_param *p = &net->params[i];
		const struct xl_tensor *t = xl_record_tensor(r, p->name);
		int64_t shape[4];
		const int n = shape_of(p, shape);
		if (!t)
			return xl_err("network %s has no %s", r->id, p->name);
		if (t->dtype != XL_F4 || !xl_tensor_is(t, n, shape))
			return xl_err("network %s: %s is %s, not (%d,%d,%d,%d) <f4", r->id, p->name,
				      xl_tensor_show(t, is, sizeof is), p->d.n, p->d.c, p->d.h,
				      p->d.w);
	}
	return 0;
}

struct take {
	const struct xl_net *net;
	const struct xl_record *r;
	float *block;
};

static void take_item(void *ctx, int64_t i)
{
	const struct take *k = ctx;
	const struct xl_param *p = &k->net->params[i];
	const struct xl_tensor *t = xl_record_tensor(k->r, p->name);

	memcpy(k->block + p->at, t->data, xl_tensor_bytes(t));
}

void xl_net_take(const struct xl_net *net, const struct xl_record *r, float *block)
{
	struct take k = {net, r, block};

	xl_parallel(take_item, &k, net->n_params);
}
