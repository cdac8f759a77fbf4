/*
 * engine.c - a model loaded when it is first needed.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/opt.h"
#include "data/engine.h"

enum { NAME = 64 }; /* bytes of a hyper-parameter's name */

/* The name before "=", of a setting that some method has; -1 with xl_err set. */
static int name_of(const char *set, char name[NAME])
{
	const size_t n = strcspn(set, "=");
	char known[256] = "";

	if (n == 0 || n >= NAME || !set[n])
		return xl_err("'%s' is not key=value", set);
	snprintf(name, NAME, "%.*s", (int)n, set);
	for (int i = 0; xl_method_at(i); i++) {
		const char *const *has = xl_method_at(i)->at_stages;
		if (xl_method_sets(xl_method_at(i), name))
			return 0;
		for (; has && *has; has++)
			xl_list_add(known, sizeof known, *has);
	}
	return xl_err("'%s' is nothing that can be set here (%s)", name, known);
}

int xl_engine_set(void *ctx, const char *name, const char *value)
{
	struct xl_engine *e = ctx;
	char key[NAME];

	if (name_of(value, key))
		return xl_err_prefix("--%s", name);
	if (e->n_set == XL_ENGINE_SETS)
		return xl_err("--%s: %d times at most", name, XL_ENGINE_SETS);
	e->set[e->n_set++] = value;
	return 0;
}

static int apply_sets(const struct xl_engine *e, struct xl_model *m)
{
	char key[NAME];

	for (int i = 0; i < e->n_set; i++) {
		if (name_of(e->set[i], key))
			return -1;
		if (!xl_method_sets(m->method, key))
			return xl_err("--set: method %s has no '%s' to set here", m->method->name,
				      key);
		if (xl_model_set(m, key, e->set[i] + strlen(key) + 1))
			return xl_err_prefix("--set");
	}
	return m->method->check(m->hyper, m->n_attributes);
}

int xl_engine_start(struct xl_engine *e)
{
	struct xl_model *m;

	if (!e->tape && !(e->tape = xl_tape_new()))
		return -1;
	if (e->model)
		return 0;
	if (!(m = xl_model_load(e->path)))
		return -1;
	if (apply_sets(e, m)) {
		xl_model_free(m);
		return 1;
	}
	e->model = m;
	return 0;
}

void xl_engine_done(struct xl_engine *e)
{
	xl_tape_free(e->tape);
	xl_model_free(e->model);
	e->tape = NULL;
	e->model = NULL;
}

int xl_engine_picture(struct xl_engine *e, struct xl_record **r, bool is_native)
{
	const struct xl_tensor *x = xl_record_tensor(*r, "x");
	struct xl_record *made = xl_model_prepare(e->model, x, (*r)->id, is_native);

	if (!made)
		return -1;
	xl_record_free(*r);
	*r = made;
	return 0;
}

int xl_engine_domain(struct xl_engine *e, struct xl_record *r, const char *domain)
{
	if (!e->model->method->two_domains || xl_meta_get(r, "domain"))
		return 0;
	return xl_meta_set_str(r, "domain", domain);
}

int xl_engine_seed(struct xl_engine *e, struct xl_record *r)
{
	if (!e->model->method->noisy || !xl_common.seed_given || xl_record_tensor(r, "c"))
		return 0;
	return xl_meta_set_int(r, "noise_seed", xl_common.seed);
}

int xl_engine_at(const char *where, const struct xl_record *r)
{
	const size_t n = strlen(r->id);
	const char *text = xl_err_msg();
	char *rest = NULL;

	if (strncmp(text, r->id, n) == 0 && strncmp(text + n, ": ", 2) == 0)
		rest = xl_strdup(text + n + 2);
	if (rest)
		xl_err("%s: %s", where, rest);
	else
		xl_err_prefix("%s", where);
	free(rest);
	return -1;
}

int xl_engine_failed(const struct xl_engine *e, struct xl_inputs *in, const struct xl_record *r)
{
	char *text;

	xl_engine_at(xl_inputs_where(in), r);
	if (!e->model || !xl_stage_is_foreign(e->model, r) || !xl_inputs_leave(in))
		return -1;
	text = xl_strdup(xl_err_msg());
	if (text)
		xl_err("%s; the rest of its stream is left out", text);
	free(text);
	return -1;
}
