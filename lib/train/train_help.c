/*
 * train_help.c - what presets have, beside the defaults.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "train/train_help.h"

enum { PRESETS = 3 };
static const char *const presets[PRESETS] = {"paper", "small", "tiny"};

/* The value of a hyper-parameter into buf. */
static void show(const struct xl_model *m, const char *name, char *buf, size_t size)
{
	for (const struct xl_opt *o = m->opts; o->type != XL_OPT_END; o++)
		if (o->type != XL_OPT_GROUP && strcmp(o->name, name) == 0)
			xl_settings_show(o, buf, size);
}

/* The default of o, and what presets have instead; NULL with xl_err set */
static char *note_of(const struct xl_opt *o, const struct xl_model *plain,
		     struct xl_model *const m[PRESETS])
{
	char *note = xl_strdup(o->def);
	const char *before = "; ";

	for (int i = 0; note && i < PRESETS; i++) {
		char own[80] = "", of_preset[80] = "";

		show(plain, o->name, own, sizeof own);
		show(m[i], o->name, of_preset, sizeof of_preset);
		if (strcmp(own, of_preset) == 0)
			continue;
		char *longer = xl_strf("%s%s%s %s", note, before, presets[i], of_preset);
		free(note);
		note = longer;
		before = ", ";
	}
	return note;
}

int xl_help_presets(struct xl_opt *table, const struct xl_method *method)
{
	struct xl_model *plain = xl_model_new(method), *m[PRESETS] = {NULL};
	int rc = plain ? 0 : -1;

	for (int i = 0; rc == 0 && i < PRESETS; i++) {
		m[i] = xl_model_new(method);
		rc = m[i] ? xl_model_preset(m[i], presets[i]) : -1;
	}
	for (struct xl_opt *o = table; rc == 0 && o->type != XL_OPT_END; o++)
		if (o->fn == xl_settings_add && o->def && !(o->def = note_of(o, plain, m)))
			rc = -1;
	for (int i = 0; i < PRESETS; i++)
		xl_model_free(m[i]);
	xl_model_free(plain);
	return rc;
}
