/*
 * lomit_stage.c - LOMIT on one record: encode, mask, fuse, decode. What a record
 * already holds is used as it is; what is missing is computed and, where it
 * depends on that image alone, added.
 */
#include <float.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "methods/lomit_net.h"

enum { STRIDE = 16 }; /* of E_s, and at least what E_c and the masks need */

/* Mirror without repeating the border, again and again. */
static int64_t mirror(int64_t i, int64_t n)
{
	const int64_t period = 2 * (n - 1);

	i %= period;
	return i < n ? i : period - i;
}

/* x as a (1,3,H,W) map, padded by reflection right and below to the stride. */
static struct xl_var *image_of(struct xl_tape *t, const struct xl_record *r)
{
	struct xl_tensor *f = xl_image_to_f4(xl_record_tensor(r, "x"));
	struct xl_var *v = NULL;
	float *p;

	if (!f)
		return NULL;
	const int64_t h = f->shape[1], w = f->shape[2], hp = xl_round_up(h, STRIDE),
		      wp = xl_round_up(w, STRIDE);
	if ((p = xl_alloc((size_t)(3 * hp * wp), sizeof *p))) {
		const float *x = f->data;
		for (int64_t c = 0; c < 3; c++)
			for (int64_t i = 0; i < hp; i++)
				for (int64_t j = 0; j < wp; j++)
					p[(c * hp + i) * wp + j] =
						x[(c * h + mirror(i, h)) * w + mirror(j, w)];
		v = xl_var_input(t, 1, 3, (int)hp, (int)wp, p);
	}
	free(p);
	xl_tensor_free(f);
	return v;
}

/* The tensor `name` of r, of this shape, as a map; NULL with xl_err set. */
static struct xl_var *given(struct xl_tape *t, const struct xl_record *r, const char *name,
			    const int64_t *shape, int ndim)
{
	const bool is_mask = strcmp(name, "m") == 0;
	/* rounding elsewhere is forgiven */
	const float lo = is_mask ? -1e-6f : -FLT_MAX, hi = is_mask ? 1 + 1e-6f : FLT_MAX;
	const struct xl_tensor *x = xl_record_tensor(r, name);
	char is[64], want[64];

	if (!xl_tensor_is(x, ndim, shape)) {
		struct xl_tensor w = {.dtype = XL_F4, .ndim = ndim};
		memcpy(w.shape, shape, (size_t)ndim * sizeof *shape);
		xl_err("%s is %s, not %s", name, xl_tensor_show(x, is, sizeof is),
		       xl_tensor_show(&w, want, sizeof want));
		return NULL;
	}
	struct xl_tensor *f = xl_tensor_to(x, XL_F4);
	for (int64_t i = 0; f && i < xl_tensor_count(f); i++) {
		const float value = ((const float *)f->data)[i];
		if (value >= lo && value <= hi)
			continue;
		xl_err("%s holds %g, %s", name, (double)value,
		       is_mask ? "a mask lies in 0..1" : "codes are finite");
		xl_tensor_free(f);
		return NULL;
	}
	struct xl_var *v = !f          ? NULL
			   : ndim == 3 ? xl_var_input(t, 1, (int)shape[0], (int)shape[1],
						      (int)shape[2], f->data)
				       : xl_var_input(t, 1, (int)shape[0], 1, 1, f->data);
	xl_tensor_free(f);
	return v;
}

static int put(struct xl_tape *t, struct xl_record *r, const char *name, struct xl_var *v, int ndim)
{
	if (!v)
		return -1;
	const int64_t shape[3] = {v->d.c, v->d.h, v->d.w};
	struct xl_tensor *x = xl_tensor_new(XL_F4, ndim, shape);
	if (x)
		xl_var_read(t, v, x->data);
	return xl_record_put(r, name, x);
}

/* What the stages need of one record, computed at most once. */
struct stage {
	struct xl_tape *t;
	const struct xl_lomit *h;
	struct xl_lomit_nets *s;
	struct xl_record *r;
	struct xl_var *x, *c, *m, *s_f, *s_b;
	int64_t map[3]; /* shape of m: 1, H/4, W/4 */
};

static void begin(struct stage *g, struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	const struct xl_tensor *x = xl_record_tensor(r, "x");

	*g = (struct stage){.t = t, .h = m->hyper, .s = m->state, .r = r};
	g->map[0] = 1;
	g->map[1] = xl_round_up(x->shape[1], STRIDE) / 4;
	g->map[2] = xl_round_up(x->shape[2], STRIDE) / 4;
}

static int need_image(struct stage *g)
{
	return g->x || (g->x = image_of(g->t, g->r)) ? 0 : -1;
}

static int need_content(struct stage *g)
{
	const int64_t shape[3] = {4 * g->h->width, g->map[1], g->map[2]};

	if (g->c)
		return 0;
	if (xl_record_tensor(g->r, "c"))
		return (g->c = given(g->t, g->r, "c", shape, 3)) ? 0 : -1;
	if (need_image(g))
		return -1;
	g->c = xl_lomit_content(g->t, g->s, g->x);
	return put(g->t, g->r, "c", g->c, 3);
}

/* The mask: the record's own, or the network's; in variant iclr gated by the
 * content of the partner (the image itself where there is none). */
static int need_mask(struct stage *g, struct stage *partner)
{
	const bool joint = xl_lomit_iclr(g->h);

	if (g->m)
		return 0;
	if (xl_record_tensor(g->r, "m") &&
	    (!joint || !partner || xl_meta_bool(g->r, "mask_edited", false)))
		return (g->m = given(g->t, g->r, "m", g->map, 3)) ? 0 : -1;
	if (need_content(g) || (partner && need_content(partner)))
		return -1;
	struct xl_var *c = g->c;
	if (joint)
		c = xl_op_mul(g->t, c, xl_lomit_gate(g->t, g->s, partner ? partner->c : g->c));
	g->m = xl_lomit_mask(g->t, g->s, c, false);
	return g->m ? 0 : -1;
}

/* As need_mask for an image alone, and kept in the record. */
static int keep_mask(struct stage *g)
{
	if (need_mask(g, NULL))
		return -1;
	return xl_record_tensor(g->r, "m") ? 0 : put(g->t, g->r, "m", g->m, 3);
}

/* Styles with the mask at hand; `store` where they depend on this image alone. */
static int need_style(struct stage *g, bool fore, bool store)
{
	const int64_t shape[1] = {XL_LOMIT_STYLE};
	const char *name = fore ? "s_f" : "s_b";
	struct xl_var **s = fore ? &g->s_f : &g->s_b;

	if (*s)
		return 0;
	if (xl_record_tensor(g->r, name))
		return (*s = given(g->t, g->r, name, shape, 1)) ? 0 : -1;
	if (need_image(g) ||
	    xl_lomit_style(g->t, g->h, g->s, g->x, g->m, fore ? s : NULL, fore ? NULL : s))
		return -1;
	return store ? put(g->t, g->r, name, *s, 1) : 0;
}

int xl_lomit_stage_encode(struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	struct stage g;

	begin(&g, m, t, r);
	if (need_content(&g))
		return -1;
	if (xl_lomit_iclr(g.h))
		return 0;
	return keep_mask(&g) || need_style(&g, true, true) || need_style(&g, false, true) ? -1 : 0;
}

int xl_lomit_stage_mask(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
			struct xl_record *exemplar)
{
	struct stage g, e;

	begin(&g, m, t, r);
	if (!xl_lomit_iclr(g.h) || !exemplar)
		return keep_mask(&g);
	begin(&e, m, t, exemplar);
	return need_mask(&g, &e) || put(t, r, "m", g.m, 3) ? -1 : 0;
}

int xl_lomit_stage_fuse(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
			struct xl_record *exemplar)
{
	struct stage g, e;

	begin(&g, m, t, r);
	begin(&e, m, t, exemplar);
	const bool alone = !xl_lomit_iclr(g.h); /* masks and styles of one image only */
	if (need_content(&g))
		return -1;
	if (alone ? keep_mask(&g) || keep_mask(&e) : need_mask(&g, &e) || need_mask(&e, &g))
		return -1;
	if (need_style(&g, false, alone) || need_style(&e, true, alone))
		return -1;
	if (!alone && put(t, r, "m", g.m, 3))
		return -1;
	return put(t, r, "h", xl_lomit_fuse(t, g.h, g.s, g.m, g.c, e.s_f, g.s_b), 3);
}

/* The part of the drawn picture that x covers. */
static int put_picture(struct stage *g, struct xl_var *v)
{
	const struct xl_tensor *x = xl_record_tensor(g->r, "x");
	const int64_t h = x->shape[1], w = x->shape[2], shape[3] = {3, h, w};
	struct xl_tensor *out;
	float *all;
	int rc = -1;

	if (!v || !(all = xl_alloc((size_t)xl_dims_count(&v->d), sizeof *all)))
		return -1;
	xl_var_read(g->t, v, all);
	if ((out = xl_tensor_new(XL_F4, 3, shape))) {
		float *y = out->data;
		for (int64_t c = 0; c < 3; c++)
			for (int64_t i = 0; i < h; i++)
				memcpy(y + (c * h + i) * w, all + (c * v->d.h + i) * v->d.w,
				       (size_t)w * sizeof *y);
		rc = xl_record_put(g->r, "out", out);
	}
	free(all);
	return rc;
}

int xl_lomit_stage_decode(struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	struct stage g;

	begin(&g, m, t, r);
	const int64_t shape[3] = {4 * g.h->width, g.map[1], g.map[2]};
	if (xl_record_tensor(r, "h")) {
		struct xl_var *h = given(t, r, "h", shape, 3);
		return h ? put_picture(&g, xl_lomit_draw(t, g.s, h)) : -1;
	}
	if (need_content(&g) || keep_mask(&g) || need_style(&g, true, true) ||
	    need_style(&g, false, true))
		return -1;
	return put_picture(&g, xl_lomit_decode(t, g.h, g.s, g.m, g.c, g.s_f, g.s_b));
}
