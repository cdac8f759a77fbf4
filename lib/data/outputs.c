/*
 * outputs.c - which outputs belong to which input, by names or by order.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "data/lockstep.h"
#include "data/outname.h"
#include "data/outputs.h"
#include "metrics/compare.h"

void xl_outputs_open(struct xl_outputs *o, const char *inputs, const char *outputs)
{
	o->path[XL_INPUT] = inputs;
	o->path[XL_OUTPUT] = outputs;
	for (int i = 0; i < XL_ROLES; i++) {
		xl_inputs_init(&o->in[i], &o->path[i], 1);
		xl_digest_init(&o->digest[i]);
	}
}

void xl_outputs_done(struct xl_outputs *o)
{
	for (int i = 0; i < XL_ROLES; i++)
		xl_inputs_done(&o->in[i]);
	xl_record_free(o->ahead);
	o->ahead = NULL;
}

void xl_made_done(struct xl_made *g)
{
	for (int64_t i = 0; i < g->n; i++) {
		xl_tensor_free(g->out[i]);
		free(g->ids[i]);
	}
	free(g->out);
	free(g->ids);
	free(g->name);
	xl_tensor_free(g->input);
	*g = (struct xl_made){0};
}

/* ---- names ------------------------------------------------------------ */

/* The input's name, as far as an output tells. To be freed. */
static char *input_of(const struct xl_record *r)
{
	const char *input = xl_meta_str(r, "input", NULL);
	char *name = xl_id_stem(input ? input : r->id), *end;

	if (!name || input)
		return name;
	end = strchr(name, '+');
	if (!end)
		end = strrchr(name, '#');
	if (end && end > name)
		*end = '\0';
	return name;
}

/* 1 or 0, or -1 with xl_err set. */
static int is_output_of(const struct xl_record *r, const char *name)
{
	const char *input = xl_meta_str(r, "input", NULL);
	const size_t n = strlen(name);
	char *own = xl_id_stem(input ? input : r->id);
	int is;

	if (!own)
		return -1;
	is = strncmp(own, name, n) == 0 &&
	     (own[n] == '\0' || (!input && (own[n] == '+' || own[n] == '#')));
	free(own);
	return is;
}

/* ---- pictures --------------------------------------------------------- */

static const int64_t *size_of(const struct xl_made *g)
{
	return g->input ? g->input->shape : g->n > 0 ? g->out[0]->shape : NULL;
}

/* Width and height of all pictures so far, for the settings of a measure. */
static void note_size(struct xl_outputs *o, const struct xl_tensor *t)
{
	char size[sizeof o->size];

	snprintf(size, sizeof size, "%" PRId64 "x%" PRId64, t->shape[2], t->shape[1]);
	if (o->size[0] && strcmp(o->size, size) != 0)
		strcpy(size, "mixed");
	memcpy(o->size, size, sizeof size);
}

/* The picture of a record, of the size of the group's others; NULL and skipped where it
 * is not to be had. */
static struct xl_tensor *picture_of(struct xl_outputs *o, int role, const struct xl_made *g,
				    const struct xl_record *r)
{
	struct xl_tensor *t = xl_compare_image(r);
	const int64_t *size = size_of(g);

	if (t && (!size || xl_tensor_is(t, 3, size))) {
		xl_digest_tensor(&o->digest[role], r->id, t);
		note_size(o, t);
		return t;
	}
	if (t)
		xl_err("image is %" PRId64 "x%" PRId64 ", others of '%s' are %" PRId64 "x%" PRId64,
		       t->shape[2], t->shape[1], g->name, size[2], size[1]);
	xl_err_prefix("%s", xl_inputs_where(&o->in[role]));
	o->skip();
	xl_tensor_free(t);
	return NULL;
}

static int grow(struct xl_made *g)
{
	const int64_t cap = g->cap ? 2 * g->cap : 16;
	struct xl_tensor **out = xl_realloc(g->out, (size_t)cap, sizeof *out);
	char **ids;

	if (!out)
		return -1;
	g->out = out;
	ids = xl_realloc(g->ids, (size_t)cap, sizeof *ids);
	if (!ids)
		return -1;
	g->ids = ids;
	g->cap = cap;
	return 0;
}

static int add_output(struct xl_outputs *o, struct xl_made *g, const struct xl_record *r)
{
	struct xl_tensor *t = picture_of(o, XL_OUTPUT, g, r);

	if (!t)
		return 0;
	if ((g->n < g->cap || grow(g) == 0) && (g->ids[g->n] = xl_strdup(r->id))) {
		g->out[g->n++] = t;
		return 0;
	}
	xl_tensor_free(t);
	return -1;
}

/* ---- groups ----------------------------------------------------------- */

/* The output that is to be placed next, in o->ahead: 1, 0 at the end, -1. */
static int look_ahead(struct xl_outputs *o)
{
	return o->ahead ? 1 : xl_inputs_next(&o->in[XL_OUTPUT], &o->ahead);
}

/* Its outputs, after the group's input is known; how many there were, or -1. */
static int64_t collect(struct xl_outputs *o, struct xl_made *g)
{
	int64_t taken = 0;
	int got;

	while ((o->per == 0 || taken < o->per) && (got = look_ahead(o)) != 0) {
		if (got > 0)
			got = o->per > 0 || o->is_one ? 1 : is_output_of(o->ahead, g->name);
		if (got <= 0)
			return got < 0 ? -1 : taken;
		taken++;
		if (add_output(o, g, o->ahead))
			return -1;
		xl_record_free(o->ahead);
		o->ahead = NULL;
	}
	return taken;
}

/* The next input; at the end of the inputs no output may be left. */
static int take_input(struct xl_outputs *o, struct xl_made *g)
{
	struct xl_record *r;
	int got = xl_inputs_next(&o->in[XL_INPUT], &r);

	if (got < 0)
		return -1;
	if (got == 0) {
		got = look_ahead(o);
		if (got > 0)
			xl_err("%s: no input left in %s that it is of",
			       xl_inputs_where(&o->in[XL_OUTPUT]), o->path[XL_INPUT]);
		return got > 0 ? -1 : got;
	}
	o->is_one |= o->in[XL_INPUT].from_picture;
	g->name = xl_id_stem(r->id);
	if (g->name)
		g->input = picture_of(o, XL_INPUT, g, r);
	xl_record_free(r);
	return g->name ? 1 : -1;
}

/* The input by the name that its first output tells. */
static int name_input(struct xl_outputs *o, struct xl_made *g)
{
	const int got = look_ahead(o);

	if (got <= 0)
		return got;
	g->name = input_of(o->ahead);
	return g->name ? 1 : -1;
}

int xl_outputs_next(struct xl_outputs *o, struct xl_made *g)
{
	int64_t taken;
	int got;

	*g = (struct xl_made){0};
	got = o->path[XL_INPUT] ? take_input(o, g) : name_input(o, g);
	if (got == 0 && o->in[XL_OUTPUT].count == 0)
		return xl_err("%s: holds no pictures", o->in[XL_OUTPUT].name);
	if (got <= 0)
		return got;
	taken = collect(o, g);
	if (taken < 0)
		return -1;
	if (taken < o->per)
		return xl_err("%s: %" PRId64 " output%s for '%s', not %" PRId64, o->path[XL_OUTPUT],
			      taken, taken == 1 ? "" : "s", g->name, o->per);
	o->groups++;
	return 1;
}
