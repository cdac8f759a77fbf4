/*
 * faces_style.c - the set `faces`: what can be exchanged between two faces:
 * hair colour, smile, glasses, facial hair; and the form of the hair, which
 * cannot.
 */
#include "data/faces.h"

#include "core/rng.h"

static void draw_long(struct xl_face_hair *h, struct xl_rng *r)
{
	h->length =
		h->cut == XL_CUT_BOB ? xl_draw_range(r, 1.0f, 2.0f) : xl_draw_range(r, 2.2f, 4.2f);
	h->side = xl_draw_range(r, 0.12f, 0.36f);
	h->flare = h->cut == XL_CUT_BOB ? xl_draw_about(r, 0.04f, 0.09f)
					: xl_draw_range(r, 0.0f, 0.35f);
	h->opening = xl_draw_range(r, 0.90f, 1.08f);
	h->front = xl_draw_chance(r, 0.65f) ? 1 : 0;
	h->wave = h->is_wavy ? xl_draw_range(r, 0.5f, 1.1f) : 0.03f;
}

static void draw_bangs(struct xl_face_hair *h, struct xl_rng *r, float chance)
{
	h->bangs = -9;
	if (h->cut == XL_CUT_NONE || h->cut == XL_CUT_BUZZ || h->recede > 0.2f ||
	    !xl_draw_chance(r, chance))
		return;
	h->bangs = xl_draw_range(r, -0.62f, -0.36f);
	h->bangs_slant =
		xl_draw_chance(r, 0.5f) ? xl_draw_about(r, 0, 0.05f) : xl_draw_about(r, 0, 0.22f);
	h->bangs_x = xl_draw_about(r, 0, 0.3f);
}

void xl_face_draw_hair(struct xl_face *f, struct xl_rng *r)
{
	/* none, buzz, short, pulled back, bob, long, curly */
	static const float mens[7] = {0.07f, 0.12f, 0.62f, 0, 0.03f, 0.05f, 0.11f};
	static const float womens[7] = {0, 0, 0.09f, 0.16f, 0.25f, 0.42f, 0.08f};
	struct xl_face_hair *h = &f->hair;
	bool m = f->is_male;

	h->cut = (enum xl_hair_cut)xl_draw_pick(r, m ? mens : womens, 7);
	h->is_wavy = h->cut == XL_CUT_CURLY || (h->cut >= XL_CUT_BOB && xl_draw_chance(r, 0.45f));
	h->is_straight = h->cut != XL_CUT_NONE && !h->is_wavy &&
			 (h->cut >= XL_CUT_BOB || xl_draw_chance(r, 0.5f));
	h->top = xl_draw_range(r, 0.10f, 0.30f);
	h->side = xl_draw_range(r, 0.04f, 0.12f);
	h->length = 0.75f;
	h->opening = xl_draw_range(r, 1.02f, 1.10f);
	h->part = xl_draw_chance(r, 0.4f) ? xl_draw_about(r, 0, 0.08f)
					  : xl_draw_range(r, -0.75f, 0.75f);
	h->comb = h->cut == XL_CUT_SHORT ? xl_draw_about(r, 0, 0.9f) : xl_draw_about(r, 0, 0.2f);
	h->line = xl_draw_about(r, 1.07f, 0.06f);
	h->recede = m && xl_draw_chance(r, 0.13f) ? xl_draw_range(r, 0.3f, 0.5f)
						  : xl_draw_range(r, 0, 0.08f);
	h->curtain = h->cut >= XL_CUT_PULLED && h->cut <= XL_CUT_LONG && xl_draw_chance(r, 0.6f)
			     ? xl_draw_range(r, 0.1f, 0.5f)
			     : xl_draw_range(r, 0, 0.1f);
	h->wave = 0.05f;
	h->curl = 0;
	h->strand = xl_draw_range(r, 0.7f, 1.2f);
	h->ragged = h->is_straight ? xl_draw_range(r, 0.2f, 0.8f) : xl_draw_range(r, 0.7f, 1.6f);
	h->sideburn = m ? xl_draw_range(r, 0.05f, 0.5f) : xl_draw_range(r, 0, 0.3f);
	h->front = 1;
	h->shine = xl_draw_range(r, 0.3f, 1) * (h->is_straight ? 1 : 0.7f);
	h->seed = xl_rng_u32(r);
	switch (h->cut) {
	case XL_CUT_BUZZ:
		h->top = xl_draw_range(r, 0.0f, 0.05f);
		h->side = 0;
		break;
	case XL_CUT_PULLED:
		h->top = xl_draw_range(r, 0.04f, 0.16f);
		h->side = xl_draw_range(r, 0.0f, 0.05f);
		h->opening = xl_draw_range(r, 1.08f, 1.14f);
		break;
	case XL_CUT_CURLY:
		h->curl = xl_draw_range(r, 0.6f, 1);
		h->top = m ? xl_draw_range(r, 0.15f, 0.40f) : xl_draw_range(r, 0.25f, 0.5f);
		h->side = m ? xl_draw_range(r, 0.08f, 0.25f) : xl_draw_range(r, 0.3f, 0.6f);
		h->length = m ? 0 : xl_draw_range(r, 0.2f, 1.6f);
		h->ragged = 1.4f;
		break;
	case XL_CUT_BOB:
	case XL_CUT_LONG:
		draw_long(h, r);
		break;
	default:
		break;
	}
	draw_bangs(h, r, m ? 0.14f : 0.30f);
}

/* A shade between two sRGB ends of a class, with strands darker and lighter. */
static struct xl_rgb between(const float a[3], const float b[3], float t)
{
	return xl_rgb_mix(xl_rgb_of(a[0], a[1], a[2]), xl_rgb_of(b[0], b[1], b[2]), t);
}

void xl_face_draw_dye(struct xl_face *f, struct xl_rng *r)
{
	static const float share[4] = {0.31f, 0.31f, 0.31f, 0.07f};
	/* the two ends of each class, and of its hue (ash to red) */
	static const float dark[4][3] = {
		{13, 11, 11}, {82, 54, 36}, {196, 152, 92}, {138, 137, 137}};
	static const float pale[4][3] = {
		{38, 31, 30}, {130, 88, 58}, {238, 212, 160}, {205, 203, 200}};
	static const float shine[4] = {0.10f, 0.16f, 0.26f, 0.26f};
	struct xl_face_dye *d = &f->dye;
	int k = xl_draw_pick(r, share, 4);
	float t = xl_draw_range(r, 0, 1), hue = xl_draw_about(r, 0, 0.035f);

	d->name = (enum xl_hair_color)k;
	d->base = between(dark[k], pale[k], t);
	if (k == XL_HAIR_BROWN || k == XL_HAIR_BLOND)
		d->base = xl_rgb_mul(
			d->base, (struct xl_rgb){1 + 0.6f * hue, 1 - 0.5f * hue, 1 - 1.6f * hue});
	float deep = xl_draw_range(r, 0.38f, 0.55f), light = xl_draw_range(r, 1.3f, 1.6f);

	d->deep = xl_rgb_mul(d->base, (struct xl_rgb){deep, 0.94f * deep, 0.88f * deep});
	d->light = xl_rgb_mul(d->base, (struct xl_rgb){light, light, 0.96f * light});
	d->contrast = xl_draw_range(r, 0.55f, 0.95f);
	d->shine = shine[k] * xl_draw_range(r, 0.5f, 1.3f);
}

/* Two clear classes, each with its own range of strengths. */
void xl_face_draw_smile(struct xl_face *f, struct xl_rng *r)
{
	struct xl_face_smile *s = &f->smile;
	bool smiles = xl_draw_chance(r, 0.5f);

	if (smiles) {
		s->strength = xl_draw_range(r, 0.62f, 1);
		s->open = xl_draw_chance(r, 0.75f)
				  ? xl_draw_range(r, 0.07f, 0.14f) + 0.10f * s->strength
				  : 0;
		s->teeth = xl_draw_range(r, 0.65f, 1.05f);
	} else {
		s->strength = xl_draw_range(r, -0.08f, 0.14f);
		s->open = xl_draw_chance(r, 0.18f) ? xl_draw_range(r, 0.045f, 0.10f) : 0;
		s->teeth = xl_draw_range(r, 0.1f, 0.5f);
	}
}

void xl_face_draw_glasses(struct xl_face *f, struct xl_rng *r)
{
	static const float share[5] = {0.2f, 0.28f, 0.24f, 0.16f, 0.12f};
	static const float colors[8][3] = {{16, 15, 16},    {30, 22, 18},  {72, 40, 22},
					   {128, 82, 42},   {110, 28, 30}, {28, 44, 84},
					   {150, 150, 154}, {186, 150, 88}};
	struct xl_face_glasses *g = &f->glasses;

	if (!xl_draw_chance(r, 0.22f))
		return;
	g->frame = (enum xl_frame)(1 + xl_draw_pick(r, share, 5));
	bool dark = xl_draw_chance(r, 0.18f),
	     is_wire = g->frame == XL_FRAME_AVIATOR || xl_draw_chance(r, 0.25f);
	const float *c = colors[is_wire ? 6 + xl_rng_below(r, 2) : xl_rng_below(r, 6)];

	g->gap = xl_draw_about(r, 1.04f, 0.02f);
	g->w = xl_draw_range(r, 0.36f, 0.42f);
	g->h = xl_draw_range(r, 0.25f, 0.33f);
	g->thick = is_wire ? xl_draw_range(r, 0.022f, 0.03f) : xl_draw_range(r, 0.04f, 0.072f);
	g->rise = xl_draw_range(r, 0.03f, 0.09f);
	g->half = !is_wire && xl_draw_chance(r, 0.2f) ? 0.8f : 0;
	if (g->frame == XL_FRAME_ROUND)
		g->w = g->h = xl_draw_range(r, 0.32f, 0.39f);
	if (g->frame == XL_FRAME_BOX)
		g->h = xl_draw_range(r, 0.20f, 0.27f);
	if (g->frame == XL_FRAME_AVIATOR)
		g->h = xl_draw_range(r, 0.33f, 0.40f);
	g->tint = dark ? xl_draw_range(r, 0.82f, 0.97f) : xl_draw_range(r, 0.05f, 0.12f);
	g->glare = dark ? xl_draw_range(r, 0.08f, 0.25f) : xl_draw_range(r, 0.03f, 0.20f);
	g->lens = dark ? between(colors[xl_rng_below(r, 2)], colors[2], xl_draw_range(r, 0, 0.5f))
		       : xl_rgb_of(190, 205, 205);
	g->color = xl_rgb_scale(xl_rgb_of(c[0], c[1], c[2]), xl_draw_range(r, 0.7f, 1.3f));
}

void xl_face_draw_beard(struct xl_face *f, struct xl_rng *r)
{
	static const float share[5] = {0.52f, 0.11f, 0.12f, 0.12f, 0.13f};
	struct xl_face_beard *b = &f->beard;
	int k = xl_draw_pick(r, share, 5);

	if (!f->is_male)
		return;
	b->kind = (enum xl_beard)k;
	float t = xl_draw_range(r, 0, 1);

	b->color = xl_rgb_mix(xl_rgb_of(22, 17, 15), xl_rgb_of(92, 62, 42), t);
	b->light = xl_rgb_scale(b->color, xl_draw_range(r, 1.7f, 2.5f));
	b->density = k == XL_BEARD_STUBBLE ? xl_draw_range(r, 0.24f, 0.42f)
					   : xl_draw_range(r, 0.86f, 0.98f);
	b->length = k == XL_BEARD_FULL     ? xl_draw_range(r, 0.05f, 0.42f)
		    : k == XL_BEARD_GOATEE ? xl_draw_range(r, 0.02f, 0.22f)
					   : 0.01f;
	b->cheek = xl_draw_about(r, 0, 0.06f);
	b->droop = xl_draw_range(r, 0.15f, 0.85f) * (k == XL_BEARD_MUSTACHE ? 0.8f : 1);
	b->width = xl_draw_range(r, 0.90f, 1.15f);
	b->thick = xl_draw_range(r, 0.055f, 0.095f);
	b->soul = xl_draw_range(r, 0, 1);
	b->seed = xl_rng_u32(r);
}

void xl_face_take(struct xl_face *f, const struct xl_face *from, enum xl_face_part part)
{
	switch (part) {
	case XL_PART_HAIR:
		f->dye = from->dye;
		break;
	case XL_PART_MOUTH:
		f->smile = from->smile;
		break;
	case XL_PART_GLASSES:
		f->glasses = from->glasses;
		break;
	case XL_PART_BEARD:
		f->beard = from->beard;
		break;
	default:
		break;
	}
}
