/*
 * mbu_stage.c - MBU on one record: encode, mask, fuse, decode. What a record already
 * holds is used as it is; what is missing is computed and added.
 *
 * h is the code that is drawn: [c, s] with the s of the exemplar, or [c, 0] in removal,
 * which meta.remove tells. m is the mask it is drawn with; one that was edited stays.
 */
#include "core/mem.h"
#include "methods/codes.h"
#include "methods/mbu_net.h"

/* What the stages need of one record, computed at most once. */
struct stage {
	struct xl_tape *t;
	const struct xl_mbu *h;
	struct xl_mbu_nets *s;
	struct xl_record *r;
	struct xl_var *x, *c, *sep;
	int64_t side[2]; /* of the padded image */
};

static void begin(struct stage *g, struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	const struct xl_tensor *x = xl_record_tensor(r, "x");

	*g = (struct stage){.t = t, .h = m->hyper, .s = m->state, .r = r};
	for (int i = 0; i < 2; i++)
		g->side[i] = xl_round_up(x->shape[1 + i], XL_MBU_STRIDE);
}

static int need_image(struct stage *g)
{
	return g->x || (g->x = xl_codes_image(g->t, g->r, XL_MBU_STRIDE)) ? 0 : -1;
}

static struct xl_var *given_code(struct stage *g, const char *name, int channels)
{
	const int64_t shape[3] = {channels, g->side[0] / XL_MBU_STRIDE, g->side[1] / XL_MBU_STRIDE};

	return xl_codes_given(g->t, g->r, name, shape, 3);
}

static int need_common(struct stage *g)
{
	if (g->c)
		return 0;
	if (xl_record_tensor(g->r, "c"))
		return (g->c = given_code(g, "c", g->s->code - g->s->sep)) ? 0 : -1;
	if (need_image(g))
		return -1;
	g->c = xl_mbu_common(g->t, g->s, g->x);
	return xl_codes_put(g->t, g->r, "c", g->c, 3);
}

static int need_separate(struct stage *g)
{
	if (g->sep)
		return 0;
	if (xl_record_tensor(g->r, "s"))
		return (g->sep = given_code(g, "s", g->s->sep)) ? 0 : -1;
	if (need_image(g))
		return -1;
	g->sep = xl_mbu_separate(g->t, g->s, g->x);
	return xl_codes_put(g->t, g->r, "s", g->sep, 3);
}

/* The separate code of e, laid out as g is: of another size, that of its image resized. */
static struct xl_var *separate_for(struct stage *g, struct stage *e)
{
	const struct xl_tensor *x = xl_record_tensor(g->r, "x"), *y = xl_record_tensor(e->r, "x");

	if (g->side[0] == e->side[0] && g->side[1] == e->side[1])
		return need_separate(e) ? NULL : e->sep;
	if (xl_meta_get(e->r, "mix")) {
		xl_err("exemplars of %dx%d pixels, mixed, do not fit an input of %dx%d",
		       (int)y->shape[2], (int)y->shape[1], (int)x->shape[2], (int)x->shape[1]);
		return NULL;
	}
	return xl_mbu_separate(g->t, g->s, xl_codes_image_like(g->t, e->r, g->r, XL_MBU_STRIDE));
}

/* [c, s] of input and exemplar, which may be one. */
static struct xl_var *joined(struct stage *g, struct stage *e)
{
	return need_common(g) ? NULL : xl_mbu_join(g->t, g->c, separate_for(g, e));
}

/* [c, 0] */
static struct xl_var *bare(struct stage *g)
{
	return need_common(g) ? NULL : xl_mbu_bare(g->t, g->s, g->c);
}

static bool is_removal(const struct stage *g)
{
	return xl_meta_bool(g->r, "remove", false);
}

/* The code that the record is drawn from: what it was fused to, else its own. */
static struct xl_var *drawn_code(struct stage *g)
{
	if (xl_record_tensor(g->r, "h"))
		return given_code(g, "h", g->s->code);
	return is_removal(g) ? bare(g) : joined(g, g);
}

/* 1 where the mask reaches the threshold, else 0; NULL for NULL. */
static struct xl_var *binary(struct stage *g, struct xl_var *m)
{
	if (!m)
		return NULL;
	const float threshold = (float)g->h->threshold;
	const int64_t n = xl_dims_count(&m->d);
	struct xl_tensor *f = xl_tensor_new(XL_F4, 1, &n);
	struct xl_var *v = NULL;
	if (f) {
		float *p = f->data;
		xl_var_read(g->t, m, p);
		for (int64_t i = 0; i < n; i++)
			p[i] = p[i] >= threshold;
		v = xl_var_input(g->t, 1, 1, m->d.h, m->d.w, p);
	}
	xl_tensor_free(f);
	return v;
}

/* The mask of the record: its own, else that of `drawn` or, in removal, of the content
 * there is; kept. */
static struct xl_var *need_mask(struct stage *g, const struct xl_mbu_drawn *drawn)
{
	const int64_t shape[3] = {1, g->side[0], g->side[1]};
	struct xl_var *m;

	if (xl_record_tensor(g->r, "m"))
		return xl_codes_given(g->t, g->r, "m", shape, 3);
	if (is_removal(g))
		m = binary(g, xl_mbu_with(g->t, g->s, joined(g, g)).m);
	else
		m = drawn ? drawn->m : xl_mbu_with(g->t, g->s, drawn_code(g)).m;
	return xl_codes_put(g->t, g->r, "m", m, 3) ? NULL : m;
}

int xl_mbu_stage_encode(struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	struct stage g;

	begin(&g, m, t, r);
	return need_common(&g) || need_separate(&g) ? -1 : 0;
}

int xl_mbu_stage_mask(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		      struct xl_record *exemplar)
{
	const bool is_edited = xl_meta_bool(r, "mask_edited", false);
	struct stage g, e;

	begin(&g, m, t, r);
	if (!exemplar || (is_edited && xl_record_tensor(r, "m")))
		return need_mask(&g, NULL) ? 0 : -1;
	begin(&e, m, t, exemplar);
	struct xl_var *code = joined(&g, &e);
	if (xl_codes_put(t, r, "m", xl_mbu_with(t, g.s, code).m, 3))
		return -1;
	/* what was fused or drawn may be of another exemplar */
	xl_record_drop(r, "h");
	xl_record_drop(r, "out");
	xl_meta_drop(r, "remove");
	xl_meta_drop(r, "domain_out");
	return 0;
}

int xl_mbu_stage_fuse(struct xl_model *m, struct xl_tape *t, struct xl_record *r,
		      struct xl_record *exemplar)
{
	struct stage g, e;

	begin(&g, m, t, r);
	begin(&e, m, t, exemplar);
	if (!xl_meta_bool(r, "mask_edited", false))
		xl_record_drop(r, "m");          /* of another pair, or of the image alone */
	if (is_removal(&g) && need_separate(&g)) /* the mask will need it */
		return -1;
	if (xl_codes_put(t, r, "h", is_removal(&g) ? bare(&g) : joined(&g, &e), 3))
		return -1;
	return xl_meta_set_str(r, "domain_out", is_removal(&g) ? "A" : "B");
}

int xl_mbu_stage_decode(struct xl_model *m, struct xl_tape *t, struct xl_record *r)
{
	struct xl_mbu_drawn drawn = {NULL, NULL};
	struct stage g;

	begin(&g, m, t, r);
	struct xl_var *code = drawn_code(&g);
	if (is_removal(&g))
		drawn.raw = xl_mbu_without(t, g.s, code);
	else
		drawn = xl_mbu_with(t, g.s, code);
	struct xl_var *mask = drawn.raw ? need_mask(&g, &drawn) : NULL;
	if (!mask || need_image(&g))
		return -1;
	return xl_codes_put_picture(t, r, xl_nn_blend(t, mask, drawn.raw, g.x));
}
