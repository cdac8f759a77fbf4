/*
 * train_resume.c - a run that goes on: what it may do differently, and what it may not.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "train/train_files.h"
#include "train/train_resume.h"

static bool is_given(const struct xl_settings *s, const char *name)
{
	for (int i = 0; i < s->n; i++)
		if (strcmp(s->items[i].name, name) == 0)
			return true;
	return false;
}

/* Whether the model is as the settings ask, but for what may change. */
static int agree(const struct xl_settings *s, const struct xl_model *asked,
		 const struct xl_model *m, const char *path)
{
	const struct xl_opt *b = m->opts;

	for (const struct xl_opt *a = asked->opts; a->type != XL_OPT_END; a++, b++) {
		char now[80], was[80];

		if (a->type == XL_OPT_GROUP || a->may_change ||
		    (!s->preset && !is_given(s, a->name)))
			continue;
		xl_settings_show(a, now, sizeof now);
		xl_settings_show(b, was, sizeof was);
		if (strcmp(now, was) != 0)
			return xl_err("--%s: %s has %s, not %s", a->name, path, was, now);
	}
	return 0;
}

static void copy_number(const struct xl_opt *to, const struct xl_opt *from)
{
	if (from->type == XL_OPT_INT)
		*(int64_t *)to->target = *(int64_t *)from->target;
	else
		*(double *)to->target = *(double *)from->target;
}

/* What was given and may change. A model that learns no more keeps the rates and weights
 * it has learnt by: then iters alone. */
static int take_over(const struct xl_settings *s, const struct xl_model *asked, struct xl_model *m,
		     const char *path)
{
	const int64_t iters = xl_model_int(is_given(s, "iters") ? asked : m, "iters");
	const struct xl_opt *to = m->opts;

	if (m->step > iters)
		return xl_err("--iters: %s has done %lld already", path, (long long)m->step);
	for (const struct xl_opt *o = asked->opts; o->type != XL_OPT_END; o++, to++)
		if (o->may_change && is_given(s, o->name) &&
		    (m->step < iters || strcmp(o->name, "iters") == 0))
			copy_number(to, o);
	return m->method->check(m->hyper, m->n_attributes);
}

static int agree_on_run(const struct xl_settings *s, struct xl_model *m, const char *path,
			const uint64_t *seed)
{
	struct xl_model *asked;
	int rc;

	if (s->method != m->method)
		return xl_err("%s was trained by method %s, not %s", path, m->method->name,
			      s->method->name);
	if (seed && *seed != m->seed)
		return xl_err("--seed: %s has %llu, not %llu", path, (unsigned long long)m->seed,
			      (unsigned long long)*seed);
	asked = xl_settings_asked(s);
	rc = asked && agree(s, asked, m, path) == 0 ? take_over(s, asked, m, path) : -1;
	xl_model_free(asked);
	return rc;
}

static bool ends_in_ckpt(const char *name)
{
	const size_t n = strlen(name), end = strlen(".ckpt");

	return n > end && strcmp(name + n - end, ".ckpt") == 0;
}

struct xl_model *xl_settings_resume(const struct xl_settings *s, const char *out,
				    const uint64_t *seed, bool *is_usage)
{
	char *path = xl_train_ckpt(out);
	struct xl_model *m = path ? xl_model_load_checkpoint(path) : NULL;

	*is_usage = m != NULL;
	if (!m && path && ends_in_ckpt(out) && access(path, F_OK)) {
		xl_err("--resume: give the model's name, without the .ckpt: %.*s",
		       (int)(strlen(out) - strlen(".ckpt")), out);
		*is_usage = true;
	}
	if (m && agree_on_run(s, m, path, seed)) {
		xl_model_free(m);
		m = NULL;
	}
	free(path);
	return m;
}

int xl_setup_same_data(const struct xl_model *m, const struct xl_spool *s, const char *path)
{
	bool same = m->n_attributes == s->labels.n;
	char was[512] = "none";
	size_t at = 0;

	for (int i = 0; same && i < s->labels.n; i++)
		same = strcmp(m->attributes[i], s->labels.names[i]) == 0;
	for (int i = 0; i < m->n_attributes && at < sizeof was; i++)
		at += (size_t)snprintf(was + at, sizeof was - at, "%s%s", i ? "," : "",
				       m->attributes[i]);
	if (!same)
		return xl_err("--attributes: %s was trained with %s", path, was);
	if (strcmp(m->data, s->hex) != 0)
		return xl_err("%s was trained on other data (%.8s.., this is %.8s..)", path,
			      m->data, s->hex);
	return 0;
}
