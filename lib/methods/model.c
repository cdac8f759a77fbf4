/*
 * model.c - models in memory: a method, its hyper-parameters, its networks.
 * Model files and checkpoints are in modelio.c, the stages in stage.c.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "methods/model.h"

static int n_opts(const struct xl_opt *o)
{
	int n = 0;

	while (o[n].type != XL_OPT_END)
		n++;
	return n + 1;
}

struct xl_model *xl_model_new(const struct xl_method *method)
{
	struct xl_model *m = xl_alloc(1, sizeof *m);
	const int n = n_opts(method->opts);

	if (!m)
		return NULL;
	m->method = method;
	m->hyper = xl_alloc(1, method->hyper_size);
	m->state = xl_alloc(1, method->state_size);
	m->opts = xl_alloc((size_t)n, sizeof *m->opts);
	if (!m->hyper || !m->state || !m->opts) {
		xl_model_free(m);
		return NULL;
	}
	memcpy(m->opts, method->opts, (size_t)n * sizeof *m->opts);
	for (struct xl_opt *o = m->opts; o->type != XL_OPT_END; o++)
		if (o->type != XL_OPT_GROUP)
			o->target = (char *)m->hyper + (uintptr_t)o->target;
	xl_opt_defaults(m->opts);
	return m;
}

void xl_model_free(struct xl_model *m)
{
	if (!m)
		return;
	for (int i = 0; i < m->n_nets; i++) {
		xl_net_done(m->nets[i]);
		free(m->nets[i]);
	}
	for (int i = 0; i < m->n_attributes; i++)
		free(m->attributes[i]);
	for (int i = 0; i < m->n_words; i++)
		free(m->words[i]);
	xl_backbone_free(m->backbone);
	free(m->words);
	free(m->attributes);
	free(m->hyper);
	free(m->state);
	free(m->opts);
	xl_modelfile_free(&m->file);
	free(m);
}

int xl_model_preset(struct xl_model *m, const char *preset)
{
	return m->method->preset(m->hyper, preset);
}

int xl_model_set(struct xl_model *m, const char *name, const char *value)
{
	char **words = xl_realloc(m->words, (size_t)m->n_words + 1, sizeof *words);

	if (!words)
		return -1;
	/* options keep pointers into what they are given: it must live as long */
	m->words = words;
	if (!(words[m->n_words] = xl_strdup(value)))
		return -1;
	return xl_opt_set(m->opts, name, words[m->n_words++]);
}

int xl_model_attributes(struct xl_model *m, const char *const *names, int n)
{
	if (n > XL_MAX_ATTRIBUTES)
		return xl_err("%d attributes, a model takes at most %d", n, XL_MAX_ATTRIBUTES);
	m->attributes = xl_alloc((size_t)n + 1, sizeof *m->attributes);
	if (!m->attributes)
		return -1;
	for (int i = 0; i < n; i++, m->n_attributes++)
		if (!(m->attributes[i] = xl_strdup(names[i])))
			return -1;
	return 0;
}

static const struct xl_opt *find_opt(const struct xl_model *m, const char *name)
{
	for (const struct xl_opt *o = m->opts; o->type != XL_OPT_END; o++)
		if (o->type != XL_OPT_GROUP && strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

int64_t xl_model_int(const struct xl_model *m, const char *name)
{
	const struct xl_opt *o = find_opt(m, name);

	assert(o); /* every method has it */
	return *(const int64_t *)o->target;
}

double xl_model_num(const struct xl_model *m, const char *name, double none)
{
	const struct xl_opt *o = find_opt(m, name);

	return o ? *(const double *)o->target : none;
}

int xl_model_loads(const struct xl_model *m)
{
	return (int)lround((double)xl_model_int(m, "size") / xl_model_num(m, "part", 1));
}

bool xl_model_squashes(const struct xl_model *m)
{
	const struct xl_opt *o = find_opt(m, "crop");

	return o && strcmp(*(const char *const *)o->target, "squash") == 0;
}

struct xl_net *xl_model_net(struct xl_model *m, const char *id, enum xl_group group)
{
	struct xl_net *net;

	assert(m->n_nets < XL_MAX_NETS);
	if (!(net = xl_alloc(1, sizeof *net)))
		return NULL;
	xl_net_init(net, id, group);
	m->nets[m->n_nets++] = net;
	return net;
}

int xl_model_build(struct xl_model *m, uint64_t seed, bool trained)
{
	m->seed = seed;
	m->trained = trained;
	if (m->method->check(m->hyper, m->n_attributes) || m->method->build(m))
		return -1;
	for (int i = 0; i < m->n_nets; i++)
		if (xl_net_needed(m->nets[i], trained) && xl_net_alloc(m->nets[i], trained))
			return -1;
	m->method->randomise(m);
	return 0;
}

int xl_model_images(const struct xl_model *m)
{
	return (int)xl_model_int(m, "batch") * xl_model_parts(m);
}

int xl_model_parts(const struct xl_model *m)
{
	return m->method->parts ? m->method->parts(m->hyper) : 1;
}

size_t xl_model_params(const struct xl_model *m, enum xl_group group)
{
	size_t n = 0;

	for (int i = 0; i < m->n_nets; i++)
		if (m->nets[i]->group == group)
			n += xl_net_count(m->nets[i]);
	return n;
}

int xl_model_bind(struct xl_model *m, struct xl_tape *t, enum xl_group group, bool trained)
{
	for (int i = 0; i < m->n_nets; i++)
		if (m->nets[i]->group == group && xl_net_bind(m->nets[i], t, trained))
			return -1;
	return 0;
}

void xl_model_unbind(struct xl_model *m)
{
	for (int i = 0; i < m->n_nets; i++)
		xl_net_unbind(m->nets[i]);
}

void xl_model_bn(struct xl_model *m, enum xl_bn mode)
{
	for (int i = 0; i < m->n_nets; i++)
		m->nets[i]->bn = mode;
}

static bool is_trained(const struct xl_net *n, enum xl_group group)
{
	return n->group == group && !n->frozen;
}

void xl_model_zero(struct xl_model *m, enum xl_group group)
{
	for (int i = 0; i < m->n_nets; i++)
		if (is_trained(m->nets[i], group))
			xl_net_zero(m->nets[i]);
}

double xl_model_clip(struct xl_model *m, const struct xl_kernels *k, enum xl_group group,
		     double max)
{
	const double slack = 1e-6; /* as PyTorch's clip_grad_norm_ */
	double norm = 0;

	for (int i = 0; i < m->n_nets; i++)
		if (is_trained(m->nets[i], group))
			norm += k->sum_squares(m->nets[i]->grad, (int64_t)m->nets[i]->count);
	norm = sqrt(norm);
	for (int i = 0; norm > max - slack && i < m->n_nets; i++) {
		struct xl_net *n = m->nets[i];
		if (is_trained(n, group))
			k->unary(XL_AFFINE, n->grad, n->grad, (int64_t)n->count,
				 (float)(max / (norm + slack)), 0);
	}
	return norm;
}

void xl_model_adam(struct xl_model *m, const struct xl_kernels *k, enum xl_group group,
		   const struct xl_adam *a)
{
	struct xl_adam step = *a;

	step.t = ++m->adam_t[group];
	for (int i = 0; i < m->n_nets; i++)
		if (is_trained(m->nets[i], group))
			xl_net_adam(m->nets[i], k, &step);
}
