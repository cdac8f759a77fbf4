/*
 * train_with.c - from files to a model that is about to be trained.
 */
#include <string.h>
#include "train/train_with.h"

int xl_with_add(void *ctx, const char *name, const char *value)
{
	struct xl_with *w = ctx;

	if (w->n == XL_WITH)
		return xl_err("--%s: %d files at most", name, XL_WITH);
	w->path[w->n++] = value;
	return 0;
}

static int take_network(struct xl_model *m, const char *network, const struct xl_modelfile *f)
{
	const struct xl_backbone_def *def = xl_backbone_find(network);
	char is[sizeof m->percept];

	if (!def)
		return -1;
	if (!m->method->perceives)
		return xl_err("method %s takes no network", m->method->name);
	if (m->backbone)
		return xl_err("a second network");
	if (f->n != 2)
		return xl_err("not the weights of one network");
	snprintf(is, sizeof is, "%s %.64s", def->name, xl_meta_str(f->records[0], "digest", ""));
	if (*m->percept && strcmp(m->percept, is) != 0)
		return xl_err("is %.30s.., the run began with %.30s..", is, m->percept);
	if (!(m->backbone = xl_backbone_new(def, f->records[1])))
		return -1;
	xl_backbone_ceil(m->backbone);
	snprintf(m->percept, sizeof m->percept, "%s", is);
	return 0;
}

static int adopt(struct xl_model *m, const char *path)
{
	struct xl_model *from;
	int rc;

	if (!m->method->adopt)
		return xl_err("method %s takes nothing from other models", m->method->name);
	if (m->step > 0)
		return xl_err("a run takes from other models when it begins, this is at step %lld",
			      (long long)m->step);
	if (!(from = xl_model_load(path)))
		return -1;
	if (from->method == m->method)
		rc = m->method->adopt(m, from);
	else
		rc = xl_err("a model of method %s, not %s", from->method->name, m->method->name);
	if (rc == 0)
		snprintf(m->adopted, sizeof m->adopted, "%s", from->digest);
	xl_model_free(from);
	return rc;
}

static int take(struct xl_model *m, const char *path)
{
	struct xl_modelfile f;
	const char *network;
	int rc;

	if (xl_modelfile_read(path, &f))
		return -1;
	network = xl_meta_str(f.records[0], "network", NULL);
	rc = network ? take_network(m, network, &f) : adopt(m, path);
	xl_modelfile_free(&f);
	return rc ? xl_err_prefix("%s", path) : 0;
}

int xl_with_take(const struct xl_with *w, struct xl_model *m)
{
	for (int i = 0; i < w->n; i++)
		if (take(m, w->path[i]))
			return xl_err_prefix("--with");
	return m->method->ready ? m->method->ready(m) : 0;
}
