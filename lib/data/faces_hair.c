/*
 * faces_hair.c - the set `faces`: hair behind and before the head. Its form
 * (struct xl_face_hair) decides coverage, its dye only colour, so that an
 * exchanged colour stays within the same pixels.
 */
#include "data/faces.h"

#include <math.h>

/* The hair at one spot. */
struct lock {
	float outer; /* signed distance to the outline */
	float q;     /* -1..1 across, constant along a strand */
	float along; /* down the strand */
	float tex;   /* strand texture, about -1..1 */
};

static bool is_down(const struct xl_face_hair *h)
{
	return h->cut == XL_CUT_BOB || h->cut == XL_CUT_LONG;
}

/* Half width of the outline at a height, below the widest place. */
static float half_width(const struct xl_face *f, float v)
{
	const struct xl_face_hair *h = &f->hair;
	float w = 1.17f * f->shape.width + h->side;

	if (is_down(h)) {
		float t = xl_clampf((v + 0.42f) / (h->length + 0.42f), 0, 1.2f);

		return w * (1 + h->flare * t * t);
	}
	/* short hair follows the skull */
	return w * (1 - 0.10f * xl_ramp(-0.2f, 0.9f, v));
}

static float outline(const struct xl_face *f, const struct xl_spot *s, float wobble)
{
	const struct xl_face_hair *h = &f->hair;
	float u = s->u + 0.22f * f->pose.yaw, v = s->v;

	if (h->cut == XL_CUT_CURLY) {
		float d = xl_sd_ellipse(u, v + 0.42f - 0.35f * h->length,
					1.17f * f->shape.width + h->side,
					1.40f + h->top + 0.35f * h->length);

		return d + wobble;
	}
	float top = xl_sd_ellipse(u, v + 0.42f, 1.17f * f->shape.width + h->side, 1.40f + h->top);

	if (v < -0.42f)
		return top + wobble;
	float side = fabsf(u) - half_width(f, v);
	float tips = h->length + 0.10f * xl_noise1(h->seed + 2, 5 * u) * (1 + h->ragged) +
		     0.05f * xl_noise1(h->seed + 3, 14 * u) * h->ragged;
	float round = is_down(h) ? 0.35f : 0.2f, end = v - tips, m = -xl_smin(-side, -end, round);

	return m + wobble;
}

/*
 * Strands of four widths. What is finer than about two pixels is left out and
 * its weight goes to the coarser ones; `pixels` is the width of q in pixels.
 */
static float strands(const struct xl_face_hair *h, float q, float along, float pixels)
{
	static const float many[4] = {4.3f, 9.7f, 21, 43}, weight[4] = {0.46f, 0.44f, 0.38f, 0.30f};
	float sum = 0, left = 0;

	for (int i = 3; i >= 0; i--) {
		float seen = xl_ramp(0.8f, 2.1f, pixels / many[i]), w = weight[i] + left;

		left = 0.7f * w * (1 - seen);
		if (seen > 0)
			sum += w * seen *
			       xl_noise2(h->seed + (uint32_t)i, many[i] * q,
					 (0.6f + 0.5f * (float)i) * along);
	}
	return sum;
}

static void set_lock(const struct xl_face *f, const struct xl_spot *s, struct lock *k)
{
	const struct xl_face_hair *h = &f->hair;
	float px = h->part * 0.6f - 0.22f * f->pose.yaw, t = s->v + 1.62f;
	float grow = t > 0 ? t : 0, w = sqrtf(0.10f + 0.95f * grow) + 0.1f * grow;
	float sway = h->wave * sinf(4.2f * s->v + 2.4f * xl_noise1(h->seed + 8, 3 * s->u) +
				    (s->u < 0 ? 0 : 2.1f));

	k->q = (s->u - px + h->comb * grow * 0.6f) / w + 0.35f * sway * xl_ramp(-1.2f, 0.2f, s->v);
	k->along = s->v + 0.3f * fabsf(s->u);
	float n = strands(h, k->q, k->along, w / s->px);

	if (h->curl > 0) {
		float wx = s->u + 0.10f * xl_noise2(h->seed + 4, 5 * s->u, 5 * s->v);
		float wy = s->v + 0.10f * xl_noise2(h->seed + 5, 5 * s->u, 5 * s->v);
		float c = 1 - 2.2f * fabsf(xl_noise2(h->seed + 6, 8 * wx, 8 * wy)) +
			  0.4f * xl_noise2(h->seed + 7, 19 * wx, 19 * wy);

		n = xl_mixf(n, 0.8f * c, h->curl);
	}
	k->tex = n;
	float edge = 0.045f * h->ragged * xl_noise2(h->seed + 9, 4 * s->u, 2.5f * s->v) +
		     0.09f * h->wave * sinf(5 * s->v + 3 * (s->u < 0)) * xl_ramp(-0.6f, 0.6f, s->v);

	if (h->curl > 0)
		edge += 0.10f * h->curl * xl_noise2(h->seed + 9, 4.5f * s->u, 4.5f * s->v) +
			0.04f * h->curl * xl_noise2(h->seed + 10, 13 * s->u, 13 * s->v);
	k->outer = outline(f, s, edge);
}

/*
 * What the hair leaves open of the face: negative inside. The hairline above
 * follows the turned face, with bare temples where it recedes; the sides follow
 * the head.
 */
static float hairline(const struct xl_face *f, const struct xl_spot *s, float tex)
{
	const struct xl_face_hair *h = &f->hair;
	float x = s->x, ax = fabsf(x), y = s->y + 0.02f * tex;
	float temple = 0.55f * h->recede * xl_hump((ax - 0.62f) / 0.50f) + 0.40f * h->recede;
	float ry = h->line + temple - 0.1f, rx = h->opening;

	y -= 0.10f * h->comb * x + h->curtain * fabsf(x - 0.6f * h->part);
	if (y >= -0.1f)
		return ax - rx;
	float ex = ax / rx, ey = (y + 0.1f) / ry, e2 = ex * ex, y2 = ey * ey;
	float r = sqrtf(sqrtf(e2 * e2 * (0.35f * e2 + 0.65f) + y2 * y2));

	return (r - 1) * (ry < rx ? ry : rx);
}

static float opening(const struct xl_face *f, const struct xl_spot *s, float tex)
{
	const struct xl_face_hair *h = &f->hair;
	float d = hairline(f, s, tex);

	if (is_down(h)) {
		/* locks close in a little below the cheeks */
		float in = 0.22f * xl_ramp(0.9f, 2.0f, s->v) * (h->front > 0.5f ? 1 : 0);

		return d + (s->v > -0.1f ? in + 0.05f * h->wave * sinf(4 * s->v) : 0);
	}
	/* short hair at the sides is a band along the edge of the head */
	float band = 1.17f * f->shape.width - h->opening;

	return xl_mixf(d, s->head + band, xl_ramp(-0.55f, -0.05f, s->v));
}

/* How far bangs cover the forehead: signed distance to their lower edge. */
static float bangs(const struct xl_face *f, const struct xl_spot *s, const struct lock *k)
{
	const struct xl_face_hair *h = &f->hair;

	if (h->bangs < -5)
		return 9;
	float strands = 0.07f * xl_noise1(h->seed + 12, 7 * s->x) +
			0.03f * xl_noise1(h->seed + 13, 15 * s->x);
	float low = h->bangs + h->bangs_slant * (s->x - h->bangs_x) + strands * (1 + h->ragged) +
		    0.02f * k->tex;
	float side = fabsf(s->x) - 1.15f;
	float d = s->y - low;

	return d > side ? d : side;
}

static struct xl_rgb dye_color(const struct xl_face *f, const struct xl_spot *s,
			       const struct lock *k, float depth)
{
	const struct xl_face_hair *h = &f->hair;
	const struct xl_face_dye *d = &f->dye;
	float nx = xl_clampf((s->u + 0.2f * f->pose.yaw) / (1.25f + h->side), -0.95f, 0.95f);
	float ny = s->v < 0.2f ? xl_clampf((s->v - 0.2f) / (1.9f + h->top), -0.95f, 0) : 0;
	float nz = sqrtf(xl_clampf(1 - nx * nx - ny * ny, 0.08f, 1));
	float bend = 0.35f * k->tex;
	struct xl_rgb lit = xl_face_shade(f, nx + 0.5f * bend, ny, nz, 0.3f);
	float t = 0.5f + d->contrast * h->strand * k->tex;
	struct xl_rgb c = t < 0.5f ? xl_rgb_mix(d->deep, d->base, xl_clampf(2 * t, 0, 1))
				   : xl_rgb_mix(d->base, d->light, xl_clampf(2 * t - 1, 0, 1));

	c = xl_rgb_mul(c, lit);
	/* shine: where the strand's slope mirrors the light, broken up by strands */
	float slope = ny - 0.42f * f->light.y + 0.10f * k->tex + 0.12f * nx * f->light.x + 0.20f;
	float band = xl_hump(slope / 0.30f) * xl_ramp(0.95f, 0.4f, fabsf(nx - 0.5f * f->light.x));
	float glow = h->shine * d->shine * band * (0.55f + 0.65f * k->tex);

	if (glow > 0)
		c = xl_rgb_add(c,
			       xl_rgb_mul(f->light.key,
					  xl_rgb_scale(xl_rgb_mix(d->light,
								  (struct xl_rgb){0.5f, 0.5f, 0.5f},
								  0.35f),
						       glow)));
	return xl_rgb_scale(c, depth);
}

/* The shade hair throws on skin: under the hairline, and beside the face. */
float xl_face_hair_shadow(const struct xl_face *f, const struct xl_spot *s)
{
	const struct xl_face_hair *h = &f->hair;

	if (h->cut == XL_CUT_NONE || h->cut == XL_CUT_BUZZ)
		return 1;
	float d = -opening(f, s, 0), weight = s->y < -0.1f || is_down(h) ? 0.42f : 0.15f;
	float k = 1 - weight * xl_ramp(0.22f, -0.02f, d);

	if (h->bangs > -5) {
		float low = h->bangs + h->bangs_slant * (s->x - h->bangs_x);

		k *= 1 - 0.40f * xl_ramp(0.26f, 0, s->y - low);
	}
	return k;
}

void xl_face_hair_behind(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p)
{
	const struct xl_face_hair *h = &f->hair;
	struct lock k;

	if (h->cut == XL_CUT_NONE || s->head < -0.1f)
		return;
	if (!is_down(h) && h->cut != XL_CUT_CURLY)
		return;
	set_lock(f, s, &k);
	float a = xl_cover(k.outer, s->px, 0.05f);

	if (a <= 0)
		return;
	/* deep in the shade of head and neck */
	float in = xl_ramp(0.0f, 0.7f, s->head - 0.1f * xl_ramp(1, 2, s->v));
	float depth = 0.30f + 0.55f * (s->v > 0.6f ? in : 1);

	xl_paint_over(p, dye_color(f, s, &k, depth), a, XL_PART_HAIR);
}

/* Cropped hair: skin shows between, more at the edges. */
static float buzz_cover(const struct xl_face *f, const struct xl_spot *s, float open, float tex)
{
	float stubble = 0.5f + 0.5f * xl_noise2(f->hair.seed + 20, 30 * s->u, 30 * s->v);

	return xl_ramp(-0.06f, 0.14f, open + 0.02f * tex) * (0.80f + 0.12f * stubble);
}

void xl_face_hair_front(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p)
{
	const struct xl_face_hair *h = &f->hair;
	struct lock k;

	if (h->cut == XL_CUT_NONE || fabsf(s->u) > 3 || s->v > h->length + 1)
		return;
	set_lock(f, s, &k);
	float out = xl_cover(k.outer, s->px, 0.05f);

	if (out <= 0)
		return;
	float open = opening(f, s, k.tex), soft = h->cut == XL_CUT_CURLY ? 0.07f : 0.06f, a;

	if (h->cut == XL_CUT_BUZZ)
		a = buzz_cover(f, s, open, k.tex);
	else
		a = xl_cover(-open + 0.02f * k.tex, s->px, soft);
	/* short hair ends at the sideburns and before the ears */
	if (!is_down(h)) {
		float burn = h->sideburn + 0.04f * k.tex;
		float inside = xl_ramp(0.10f, -0.05f,
				       fabsf(s->u + 0.1f * f->pose.yaw) - 1.13f * f->shape.width);

		if (h->cut == XL_CUT_CURLY)
			inside = xl_ramp(0.3f, 0.1f, s->v) > inside ? xl_ramp(0.3f, 0.1f, s->v)
								    : inside;
		a *= xl_ramp(burn + 0.06f, burn - 0.06f, s->v) *
		     (s->v < -0.3f ? 1 : xl_mixf(inside, 1, xl_ramp(-0.05f, -0.3f, s->v)));
	} else if (h->front < 0.5f) {
		a *= xl_ramp(1.9f, 1.3f, s->v + 0.2f * k.tex);
	}
	float b = bangs(f, s, &k), ba = xl_cover(b, s->px, 0.11f) * xl_ramp(0.1f, -0.05f, s->head);

	if (ba > a)
		a = ba;
	a *= out;
	/* hair by the face is in its own shade; bangs are not */
	float near = open > 0 ? open : 0, depth = 0.62f + 0.38f * xl_ramp(0, 0.25f, near);

	if (s->v < -0.3f)
		depth = xl_mixf(depth, 1, xl_ramp(-0.3f, -0.9f, s->v));
	if (ba > 0.5f * a)
		depth = 0.80f + 0.20f * xl_ramp(0, -0.3f, b);
	depth *= 0.70f + 0.30f * xl_ramp(0.0f, -0.18f, k.outer);
	xl_paint_over(p, dye_color(f, s, &k, depth), a, XL_PART_HAIR);
}
