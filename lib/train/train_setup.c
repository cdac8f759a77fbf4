/*
 * train_setup.c - hyper-parameters from the command line.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/mem.h"
#include "train/train_setup.h"

void xl_settings_done(struct xl_settings *s)
{
	for (int i = 0; i < s->n; i++) {
		free(s->items[i].name);
		free(s->items[i].value);
	}
	free(s->items);
	memset(s, 0, sizeof *s);
}

/* Takes both strings. */
static int add(struct xl_settings *s, char *name, char *value)
{
	struct xl_setting *p = NULL;

	if (name && value)
		p = xl_realloc(s->items, (size_t)s->n + 1, sizeof *p);
	if (!p) {
		free(name);
		free(value);
		return -1;
	}
	s->items = p;
	s->items[s->n].name = name;
	s->items[s->n++].value = value;
	return 0;
}

int xl_settings_add(void *ctx, const char *name, const char *value)
{
	return add(ctx, xl_strdup(name), xl_strdup(value ? value : "1"));
}

int xl_settings_pair(void *ctx, const char *name, const char *value)
{
	const char *eq = strchr(value, '=');

	if (!eq || eq == value)
		return xl_err("--%s: '%s' is not key=value", name, value);
	return add(ctx, xl_strf("%.*s", (int)(eq - value), value), xl_strdup(eq + 1));
}

static size_t table_length(const struct xl_opt *o)
{
	size_t n = 0;

	while (o && o[n].type != XL_OPT_END)
		n++;
	return n;
}

/* ---- what is set, and how it is shown ----------------------------------- */

/* A number in as few digits as tell it from every other. */
static void show_number(double v, char *buf, size_t size)
{
	snprintf(buf, size, "%.15g", v);
	if (strtod(buf, NULL) != v)
		snprintf(buf, size, "%.17g", v);
}

void xl_settings_show(const struct xl_opt *o, char *buf, size_t size)
{
	if (o->type == XL_OPT_FLAG)
		snprintf(buf, size, "%s", *(bool *)o->target ? "yes" : "no");
	else if (o->type == XL_OPT_INT)
		snprintf(buf, size, "%lld", (long long)*(int64_t *)o->target);
	else if (o->type == XL_OPT_NUM)
		show_number(*(double *)o->target, buf, size);
	else
		snprintf(buf, size, "%s", *(const char **)o->target);
}

struct xl_opt *xl_settings_table(struct xl_settings *s, const struct xl_opt *own)
{
	static const struct xl_opt heading = {.type = XL_OPT_GROUP, .help = "hyper-parameters"};
	static const struct xl_opt heading_common = {.type = XL_OPT_GROUP, .help = "common"};
	const struct xl_opt *theirs = s->method ? s->method->opts : NULL;
	const size_t n = table_length(own) + table_length(theirs) + 3;
	struct xl_opt *t = xl_alloc(n, sizeof *t), *p = t;

	if (!t)
		return NULL;
	memcpy(p, own, table_length(own) * sizeof *p);
	p += table_length(own);
	if (theirs)
		*p++ = heading;
	for (size_t i = 0; theirs && theirs[i].type != XL_OPT_END; i++, p++) {
		*p = theirs[i];
		if (p->type == XL_OPT_GROUP)
			continue;
		p->type = XL_OPT_CALL;
		p->target = s;
		p->fn = xl_settings_add;
	}
	if (s->method)
		*p++ = heading_common;
	p->type = XL_OPT_END;
	return t;
}

static bool has_option(const struct xl_method *method, const char *name)
{
	for (const struct xl_opt *o = method->opts; o->type != XL_OPT_END; o++)
		if (o->type != XL_OPT_GROUP && strcmp(o->name, name) == 0)
			return true;
	return false;
}

static int apply(const struct xl_settings *s, struct xl_model *m)
{
	for (int i = 0; i < s->n; i++) {
		const struct xl_setting *p = &s->items[i];

		if (!has_option(s->method, p->name))
			return xl_err("--set: %s has no hyper-parameter '%s'", s->method->name,
				      p->name);
		if (xl_model_set(m, p->name, p->value))
			return -1;
	}
	return 0;
}

const struct xl_method *xl_settings_find(const struct xl_opt *own, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *w = argv[i];
		bool is_option = w[0] == '-';

		for (const struct xl_opt *o = own; is_option && o->type != XL_OPT_END; o++) {
			if (o->arg && ((w[1] == '-' && strcmp(w + 2, o->name) == 0) ||
				       (o->letter && w[1] == o->letter && !w[2]))) {
				i++;
				break;
			}
		}
		for (int k = 0; !is_option && xl_method_at(k); k++)
			if (strcmp(w, xl_method_at(k)->name) == 0)
				return xl_method_at(k);
	}
	return NULL;
}

static int need_method(void)
{
	char list[256];

	return xl_err("needs a method before all else: %s", xl_method_list(list, sizeof list));
}

int xl_settings_words(const struct xl_settings *s, int argc, char **argv)
{
	for (int i = 1; i < argc && !s->method; i++) {
		char name[64];

		if (strncmp(argv[i], "--", 2) != 0)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)strcspn(argv[i] + 2, "="), argv[i] + 2);
		for (int k = 0; xl_method_at(k); k++)
			if (has_option(xl_method_at(k), name))
				return need_method();
	}
	return 0;
}

int xl_settings_first(const struct xl_settings *s, const char *first)
{
	if (!first || (!s->method && access(first, F_OK) == 0))
		return need_method();
	if (!xl_method_find(first))
		return -1;
	return s->method && strcmp(first, s->method->name) == 0 ? 0 : xl_err("METHOD comes first");
}

char *xl_settings_summary(const struct xl_method *method)
{
	char *all;

	if (method)
		return xl_strf("train %s: %s\n%s", method->name, method->summary, method->citation);
	all = xl_strdup("train a method on image records; methods:");
	for (int i = 0; all && xl_method_at(i); i++) {
		char *more = xl_strf("%s\n  %s: %s", all, xl_method_at(i)->name,
				     xl_method_at(i)->summary);

		free(all);
		all = more;
	}
	return all;
}

struct xl_model *xl_settings_asked(const struct xl_settings *s)
{
	struct xl_model *m = xl_model_new(s->method);

	if (!m)
		return NULL;
	if (xl_model_preset(m, s->preset ? s->preset : "paper")) {
		xl_err_prefix("--preset");
		goto fail;
	}
	if (apply(s, m))
		goto fail;
	return m;
fail:
	xl_model_free(m);
	return NULL;
}

/* The labels are not known yet: as many as any data would have. */
struct xl_model *xl_settings_model(const struct xl_settings *s)
{
	struct xl_model *m = xl_settings_asked(s);

	if (m && s->method->check(m->hyper, s->method->two_domains ? 0 : 1)) {
		xl_model_free(m);
		return NULL;
	}
	return m;
}

/* ---- the data ---------------------------------------------------------- */

int xl_setup_build(struct xl_model *m, const struct xl_spool *s, uint64_t seed)
{
	if (xl_model_attributes(m, (const char *const *)s->labels.names, s->labels.n))
		return -1;
	memcpy(m->data, s->hex, sizeof m->data);
	return xl_model_build(m, seed, true);
}
