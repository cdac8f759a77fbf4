/*
 * modelio.c - model files and checkpoints. Both are what tensor/modelfile.h
 * says; a checkpoint also has the critic and, as NET.m and NET.v, the moments.
 * What they hold determines the run: never time, host, path or threads.
 */
#include <stdlib.h>
#include <string.h>
#include "core/datafile.h"
#include "core/mem.h"
#include "methods/model.h"
#include "nn/netio.h"
#include "tensor/modelfile.h"

enum { MAX_RECORDS = 1 + 3 * XL_MAX_NETS };

/* Far beyond any run, far from overflow; exact in a double. */
#define MAX_STEPS ((int64_t)1 << 53)

/* ---- out ---- */

static int put_hyper(const struct xl_model *m, struct xl_record *r)
{
	int rc = 0;

	for (const struct xl_opt *o = m->opts; o->type != XL_OPT_END && rc == 0; o++) {
		char key[64];
		snprintf(key, sizeof key, "hyper.%s", o->name ? o->name : "");
		if (o->type == XL_OPT_INT)
			rc = xl_meta_set_int(r, key, *(int64_t *)o->target);
		else if (o->type == XL_OPT_NUM)
			rc = xl_meta_set_num(r, key, *(double *)o->target);
		else if (o->type == XL_OPT_FLAG)
			rc = xl_meta_set_bool(r, key, *(bool *)o->target);
		else if (o->type == XL_OPT_ENUM)
			rc = xl_meta_set_str(r, key, *(const char **)o->target);
	}
	return rc;
}

static struct xl_record *head_record(const struct xl_model *m, bool checkpoint)
{
	struct xl_record *r = xl_record_new(XL_MODEL, "model");
	char how[128];

	if (!r)
		return NULL;
	snprintf(how, sizeof how, "%s, antialiased bilinear to size, v = p / 127.5 - 1",
		 xl_model_squashes(m) ? "whole picture" : "largest centred square");
	int rc = xl_meta_set_str(r, "method", m->method->name) ||
		 xl_meta_set_str(r, "version", XL_VERSION) ||
		 xl_meta_set_str(r, "preprocess", how) || put_hyper(m, r) ||
		 xl_meta_set_strs(r, "attributes", (const char *const *)m->attributes,
				  m->n_attributes) ||
		 xl_meta_set_int(r, "seed", (int64_t)m->seed) ||
		 (*m->percept && xl_meta_set_str(r, "percept", m->percept)) ||
		 (*m->adopted && xl_meta_set_str(r, "adopted", m->adopted)) ||
		 xl_meta_set_str(r, "data", m->data) || xl_meta_set_int(r, "step", m->step);
	if (rc == 0 && checkpoint)
		rc = xl_meta_set_bool(r, "checkpoint", true) ||
		     xl_meta_set_int(r, "updates.generator", m->adam_t[XL_GENERATOR]) ||
		     xl_meta_set_int(r, "updates.critic", m->adam_t[XL_CRITIC]);
	if (rc) {
		xl_record_free(r);
		return NULL;
	}
	return r;
}

static int save(struct xl_model *m, const char *path, bool checkpoint)
{
	struct xl_record *r[MAX_RECORDS] = {head_record(m, checkpoint)};
	struct xl_net_view *v = xl_alloc(MAX_RECORDS, sizeof *v);
	int n = 0, rc = r[0] && v ? 0 : -1;

	for (int i = 0; i < m->n_nets && rc == 0; i++) {
		struct xl_net *net = m->nets[i];
		if (!xl_net_needed(net, checkpoint))
			continue;
		rc = xl_net_fetch(net);
		if (rc == 0)
			rc = xl_net_view(&v[n++], net, "", net->value);
		if (rc == 0 && checkpoint)
			rc = xl_net_view(&v[n++], net, ".m", net->m) ||
					     xl_net_view(&v[n++], net, ".v", net->v)
				     ? -1
				     : 0;
	}
	for (int i = 0; i < n; i++)
		r[1 + i] = &v[i].r;
	if (rc == 0)
		rc = xl_modelfile_write(path, r, 1 + n);
	if (rc == 0 && !checkpoint)
		snprintf(m->digest, sizeof m->digest, "%s", xl_meta_str(r[0], "digest", ""));
	for (int i = 0; i < n; i++)
		xl_net_view_done(&v[i]);
	free(v);
	xl_record_free(r[0]);
	return rc;
}

int xl_model_save(struct xl_model *m, const char *path)
{
	return save(m, path, false);
}

int xl_model_save_checkpoint(struct xl_model *m, const char *path)
{
	return save(m, path, true);
}

/* ---- in ---- */

static int get_hyper(struct xl_model *m, const struct xl_record *r)
{
	for (const struct xl_opt *o = m->opts; o->type != XL_OPT_END; o++) {
		const struct xl_value *v;
		char key[64], text[64];
		if (o->type == XL_OPT_GROUP)
			continue;
		snprintf(key, sizeof key, "hyper.%s", o->name);
		if (!(v = xl_meta_get(r, key)))
			return xl_err("has no %s", key);
		if (v->type == XL_STR)
			snprintf(text, sizeof text, "%s", v->str);
		else if (v->type == XL_FLOAT)
			snprintf(text, sizeof text, "%.17g", v->f);
		else if (v->type == XL_INT || v->type == XL_BOOL)
			snprintf(text, sizeof text, "%lld", (long long)v->i);
		else
			return xl_err("%s is a list", key);
		if (o->type == XL_OPT_FLAG) {
			if (v->type != XL_BOOL)
				return xl_err("%s is not true or false", key);
			*(bool *)o->target = v->i != 0;
		} else if (xl_model_set(m, o->name, text)) {
			return -1;
		}
	}
	return 0;
}

static int get_attributes(struct xl_model *m, const struct xl_record *r)
{
	const struct xl_value *v = xl_meta_get(r, "attributes");
	const char *names[XL_MAX_ATTRIBUTES];

	if (!v || v->type != XL_LIST)
		return xl_err("has no list of attributes");
	if (v->n > XL_MAX_ATTRIBUTES)
		return xl_err("%d attributes, a model has at most %d", v->n, XL_MAX_ATTRIBUTES);
	for (int i = 0; i < v->n; i++) {
		if (v->items[i].type != XL_STR)
			return xl_err("an attribute is not a name");
		names[i] = v->items[i].str;
	}
	return xl_model_attributes(m, names, v->n);
}

/* Steps and updates done, from which batches and Adam's corrections follow. */
static int get_count(const struct xl_record *r, const char *key, int64_t *out)
{
	*out = xl_meta_int(r, key, 0);
	return *out >= 0 && *out <= MAX_STEPS
		       ? 0
		       : xl_err("%s is %lld, not a number of steps", key, (long long)*out);
}

static int copy_text(char *to, size_t size, const struct xl_record *r, const char *key)
{
	const char *from = xl_meta_str(r, key, "");

	if (strlen(from) >= size)
		return xl_err("%s is longer than %d characters", key, (int)size - 1);
	snprintf(to, size, "%s", from);
	return 0;
}

static const struct xl_record *find_record(struct xl_record *const *r, int n, const char *net,
					   const char *suffix)
{
	char id[32];

	snprintf(id, sizeof id, "%s%s", net, suffix);
	for (int i = 1; i < n; i++)
		if (strcmp(r[i]->id, id) == 0)
			return r[i];
	xl_err("has no network %s", id);
	return NULL;
}

static int load_net(struct xl_net *net, struct xl_record *const *r, int n, bool trained)
{
	const struct xl_record *value = find_record(r, n, net->id, ""), *m = value, *v = value;

	if (trained && value) {
		m = find_record(r, n, net->id, ".m");
		v = m ? find_record(r, n, net->id, ".v") : NULL;
	}
	/* shapes are checked against what has arrived before memory is asked for */
	if (!value || !m || !v || xl_net_check(net, value) || xl_net_check(net, m) ||
	    xl_net_check(net, v))
		return -1;
	net->source = value;
	if (!trained)
		return 0;
	if (xl_net_alloc(net, true))
		return -1;
	xl_net_take(net, value, net->value);
	xl_net_take(net, m, net->m);
	xl_net_take(net, v, net->v);
	return 0;
}

static const struct xl_method *method_of(const struct xl_record *head)
{
	const char *name = xl_meta_str(head, "method", NULL);
	const char *network = xl_meta_str(head, "network", NULL);

	if (name)
		return xl_method_find(name);
	if (network)
		xl_err("not a model (weights of '%.100s')", network);
	else
		xl_err("not a model (it names no method)");
	return NULL;
}

static struct xl_model *from_records(struct xl_record *const *r, int n, bool trained)
{
	const struct xl_method *method = method_of(r[0]);
	struct xl_model *m = method ? xl_model_new(method) : NULL;

	if (!m)
		return NULL;
	if (get_hyper(m, r[0]) || get_attributes(m, r[0]) ||
	    copy_text(m->digest, sizeof m->digest, r[0], "digest") ||
	    copy_text(m->data, sizeof m->data, r[0], "data") ||
	    copy_text(m->percept, sizeof m->percept, r[0], "percept") ||
	    copy_text(m->adopted, sizeof m->adopted, r[0], "adopted") ||
	    get_count(r[0], "step", &m->step) ||
	    get_count(r[0], "updates.generator", &m->adam_t[XL_GENERATOR]) ||
	    get_count(r[0], "updates.critic", &m->adam_t[XL_CRITIC]) ||
	    method->check(m->hyper, m->n_attributes) || method->build(m))
		goto fail;
	m->seed = (uint64_t)xl_meta_int(r[0], "seed", 0);
	m->trained = trained;
	if (trained && !xl_meta_bool(r[0], "checkpoint", false)) {
		xl_err("is a model, not a checkpoint");
		goto fail;
	}
	for (int i = 0; i < m->n_nets; i++)
		if (xl_net_needed(m->nets[i], trained) && load_net(m->nets[i], r, n, trained))
			goto fail;
	return m;
fail:
	xl_model_free(m);
	return NULL;
}

static struct xl_model *load(const char *path, bool trained)
{
	struct xl_modelfile f;
	struct xl_model *m;

	if (xl_modelfile_read(path, &f))
		return NULL;
	/* of a checkpoint all is read; of a model as little as can be */
	m = trained && xl_modelfile_check((const struct xl_record *const *)f.records, f.n)
		    ? NULL
		    : from_records(f.records, f.n, trained);
	if (!m)
		xl_err_prefix("%s", path);
	if (m && !trained)
		m->file = f; /* where the networks' values are */
	else
		xl_modelfile_free(&f);
	return m;
}

struct xl_model *xl_model_load(const char *path)
{
	const char *env = getenv("XL_MODEL");
	struct xl_model *m;
	char *found;

	if (!path && env && *env)
		path = env;
	if (path)
		return load(path, false);
	if (!(found = xl_data_file("default.msgpack"))) {
		xl_err("no model: give --model FILE, or set XL_MODEL");
		return NULL;
	}
	m = load(found, false);
	free(found);
	return m;
}

struct xl_model *xl_model_load_checkpoint(const char *path)
{
	return load(path, true);
}
