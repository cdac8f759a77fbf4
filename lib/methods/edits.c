/*
 * edits.c - the edits of one command line.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/opt.h"
#include "image/image.h"
#include "methods/edits.h"

/* More than anybody means; keeps a product with a mask finite. */
#define MAX_SCALE 1e6

static const char *const names[XL_EDIT_KINDS] = {"set",       "erase",  "keep",
						 "threshold", "invert", "scale"};

/* A new edit, or the one that a further --keep belongs to. */
static struct xl_edit *edit_of(struct xl_edits *e, enum xl_edit_kind kind)
{
	struct xl_edit *list;

	for (int i = 0; kind == XL_EDIT_KEEP && i < e->n; i++)
		if (e->list[i].kind == kind)
			return &e->list[i];
	list = xl_realloc(e->list, (size_t)e->n + 1, sizeof *list);
	if (!list)
		return NULL;
	e->list = list;
	list[e->n] = (struct xl_edit){.kind = kind};
	return &list[e->n++];
}

static int add_rect(struct xl_edit *d, const char *what, const char *value)
{
	struct xl_rect *rects = xl_realloc(d->rects, (size_t)d->n_rects + 1, sizeof *rects);

	if (!rects)
		return -1;
	d->rects = rects;
	if (xl_rect_parse(what, value, &rects[d->n_rects]))
		return -1;
	d->n_rects++;
	return 0;
}

int xl_edits_add(struct xl_edits *e, const char *name, const char *value)
{
	int kind = 0;
	struct xl_edit *d;
	char what[32];

	while (kind < XL_EDIT_KINDS && strcmp(names[kind], name) != 0)
		kind++;
	if (kind == XL_EDIT_KINDS)
		return xl_err("'%s' is no edit of a mask", name);
	snprintf(what, sizeof what, "--%s", name);
	if (!(d = edit_of(e, (enum xl_edit_kind)kind)))
		return -1;
	switch (d->kind) {
	case XL_EDIT_SET:
		d->painted = xl_image_load_grey(value);
		return d->painted ? 0 : xl_err_prefix("%s", what);
	case XL_EDIT_ERASE:
	case XL_EDIT_KEEP:
		return add_rect(d, what, value);
	case XL_EDIT_THRESHOLD:
		return xl_parse_num(what, value, 0, 1, &d->value);
	case XL_EDIT_SCALE:
		return xl_parse_num(what, value, 0, MAX_SCALE, &d->value);
	default:
		return 0;
	}
}

void xl_edits_done(struct xl_edits *e)
{
	for (int i = 0; i < e->n; i++) {
		xl_tensor_free(e->list[i].painted);
		free(e->list[i].rects);
	}
	free(e->list);
	*e = (struct xl_edits){.n = 0};
}

static struct xl_tensor *blank(const struct xl_cells *g)
{
	const int64_t shape[3] = {1, g->ih, g->iw};

	return xl_tensor_new(XL_U1, 3, shape);
}

static int apply_rects(const struct xl_edit *d, struct xl_tensor *m, const struct xl_cells *g)
{
	struct xl_tensor *paint = blank(g);
	int rc = -1;

	for (int i = 0; paint && i < d->n_rects; i++)
		xl_rect_paint(paint, &d->rects[i]);
	if (paint)
		rc = d->kind == XL_EDIT_KEEP ? xl_edit_keep(m, g, paint)
					     : xl_edit_erase(m, g, paint);
	xl_tensor_free(paint);
	return rc;
}

int xl_edits_apply(const struct xl_edits *e, struct xl_tensor *m, const struct xl_cells *g)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < e->n; i++) {
		const struct xl_edit *d = &e->list[i];

		if (d->kind == XL_EDIT_SET)
			rc = xl_edit_set(m, g, d->painted);
		else if (d->kind == XL_EDIT_THRESHOLD)
			xl_edit_threshold(m, d->value);
		else if (d->kind == XL_EDIT_INVERT)
			xl_edit_invert(m);
		else if (d->kind == XL_EDIT_SCALE)
			xl_edit_scale(m, d->value);
		else
			rc = apply_rects(d, m, g);
	}
	return rc;
}

int xl_edits_outside(const struct xl_edits *e, const struct xl_cells *g)
{
	int n = 0;

	for (int i = 0; i < e->n; i++)
		for (int k = 0; k < e->list[i].n_rects; k++) {
			const struct xl_rect *r = &e->list[i].rects[k];

			n += r->x >= g->iw || r->y >= g->ih || r->x + r->w <= 0 || r->y + r->h <= 0;
		}
	return n;
}
