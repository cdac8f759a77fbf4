/*
 * lomit_stage.c - LOMIT on one record: encode, mask, fuse, decode. What a record
 * already holds is used as it is; what is missing is computed and, where it
 * depends on that image alone, added.
 */
#include "core/mem.h"
#include "methods/codes.h"
#include "methods/lomit_net.h"

enum { STRIDE = 16 }; /* of E_s, and at least what E_c and the masks need */

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
	return g->x || (g->x = xl_codes_image(g->t, g->r, STRIDE)) ? 0 : -1;
}

static int need_content(struct stage *g)
{
	const int64_t shape[3] = {4 * g->h->width, g->map[1], g->map[2]};

	if (g->c)
		return 0;
	if (xl_record_tensor(g->r, "c"))
		return (g->c = xl_codes_given(g->t, g->r, "c", shape, 3)) ? 0 : -1;
	if (need_image(g))
		return -1;
	g->c = xl_lomit_content(g->t, g->s, g->x);
	return xl_codes_put(g->t, g->r, "c", g->c, 3);
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
		return (g->m = xl_codes_given(g->t, g->r, "m", g->map, 3)) ? 0 : -1;
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
	return xl_record_tensor(g->r, "m") ? 0 : xl_codes_put(g->t, g->r, "m", g->m, 3);
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
		return (*s = xl_codes_given(g->t, g->r, name, shape, 1)) ? 0 : -1;
	if (need_image(g) ||
	    xl_lomit_style(g->t, g->h, g->s, g->x, g->m, fore ? s : NULL, fore ? NULL : s))
		return -1;
	return store ? xl_codes_put(g->t, g->r, name, *s, 1) : 0;
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

/* Of an exemplar fuse takes the foreground; in variant iclr, all by the content. */
int xl_lomit_stage_exemplar(struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	struct stage g;

	begin(&g, m, t, r);
	if (xl_lomit_iclr(g.h))
		return need_content(&g);
	return keep_mask(&g) || need_style(&g, true, true) ? -1 : 0;
}

int xl_lomit_stage_mask(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
			struct xl_record *exemplar)
{
	struct stage g, e;

	begin(&g, m, t, r);
	if (!xl_lomit_iclr(g.h) || !exemplar)
		return keep_mask(&g);
	begin(&e, m, t, exemplar);
	return need_mask(&g, &e) || xl_codes_put(t, r, "m", g.m, 3) ? -1 : 0;
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
	if (!alone && xl_codes_put(t, r, "m", g.m, 3))
		return -1;
	return xl_codes_put(t, r, "h", xl_lomit_fuse(t, g.h, g.s, g.m, g.c, e.s_f, g.s_b), 3);
}

int xl_lomit_stage_decode(struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	struct stage g;

	begin(&g, m, t, r);
	const int64_t shape[3] = {4 * g.h->width, g.map[1], g.map[2]};
	if (xl_record_tensor(r, "h")) {
		struct xl_var *h = xl_codes_given(t, r, "h", shape, 3);
		return h ? xl_codes_put_picture(t, r, xl_lomit_draw(t, g.s, h)) : -1;
	}
	if (need_content(&g) || keep_mask(&g) || need_style(&g, true, true) ||
	    need_style(&g, false, true))
		return -1;
	return xl_codes_put_picture(t, r, xl_lomit_decode(t, g.h, g.s, g.m, g.c, g.s_f, g.s_b));
}
