/*
 * faces_eyes.c - the set `faces`: eyes, brows and glasses.
 */
#include "data/faces.h"

#include <math.h>

/* One eye, in a frame whose x grows outwards from the middle of the eye. */
struct eye {
	float x, y, half, t; /* t: x over half width */
	float upper, lower;  /* heights of the lids' edges here */
	float wx;            /* x in the picture's direction */
};

static void set_eye(const struct xl_face *f, const struct xl_spot *s, struct eye *e)
{
	const struct xl_face_eyes *k = &f->eyes;
	float side = s->x < 0 ? -1 : 1;

	e->x = side * s->x - 0.5f * f->shape.eye_gap;
	e->wx = side * e->x;
	e->y = s->y + k->slant * e->x;
	e->half = 0.235f * k->size;
	e->t = e->x / e->half;
	float arc = 1 - e->t * e->t;

	/* the upper lid is highest a little inside the middle, the lower outside */
	e->upper = -0.118f * k->size * k->open * arc * (1 - 0.22f * e->t);
	e->lower = 0.062f * k->size * (0.5f + 0.5f * k->open) * arc * (1 + 0.25f * e->t);
}

static void paint_ball(const struct xl_face *f, const struct xl_spot *s, const struct eye *e,
		       struct xl_paint *p, float a)
{
	const struct xl_face_eyes *k = &f->eyes;
	float r0 = 0.098f * k->size, gx = e->wx - k->gaze_x * 0.07f,
	      gy = e->y - k->gaze_y * 0.03f + 0.018f;
	float r = sqrtf(gx * gx + gy * gy),
	      lum = 0.3f * s->lit.r + 0.6f * s->lit.g + 0.1f * s->lit.b;
	float light = 0.35f + 0.6f * lum;
	/* the white is shaded by the lid and towards the corners */
	float dim = light * (0.55f + 0.45f * xl_ramp(0.0f, 0.07f, e->y - e->upper)) *
		    (0.62f + 0.38f * xl_hump(e->t * 0.9f));
	struct xl_rgb white = {0.72f * dim, 0.66f * dim, 0.62f * dim};

	xl_paint_over(p, white, a, -1);
	float ring = xl_ramp(0.75f * r0, r0, r), inner = xl_ramp(0.85f * r0, 0.35f * r0, r);
	struct xl_rgb iris = xl_rgb_scale(k->iris, light * (1.15f - 0.75f * ring));

	iris = xl_rgb_add(iris, xl_rgb_scale(k->iris, 0.5f * inner * light));
	iris = xl_rgb_scale(iris, 0.5f + 0.5f * xl_ramp(0, 0.08f, e->y - e->upper));
	xl_paint_over(p, iris, a * xl_cover(r - r0, s->px, 0.02f), -1);
	xl_paint_over(p, (struct xl_rgb){0.004f, 0.004f, 0.005f},
		      a * xl_cover(r - 0.42f * r0, s->px, 0.01f), -1);
	float lx = gx - 0.45f * r0 * f->light.x - 0.012f, ly = gy - 0.5f * r0 * f->light.y - 0.01f;

	xl_paint_over(p, (struct xl_rgb){0.95f, 0.95f, 0.95f},
		      a * 0.85f * xl_cover(sqrtf(lx * lx + ly * ly) - 0.024f, s->px, 0.012f), -1);
}

void xl_face_eyes(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p)
{
	const struct xl_face_eyes *k = &f->eyes;
	struct eye e;

	set_eye(f, s, &e);
	if (fabsf(e.t) > 1.6f || fabsf(e.y) > 0.36f)
		return;
	if (k->shadow > 0) {
		float up = xl_hump((e.y + 0.13f) / 0.15f) * xl_hump(e.t / 1.35f);

		xl_paint_over(p, xl_rgb_mul(k->shadow_color, s->lit), k->shadow * up, -1);
	}
	/* the fold above the lid */
	float crease = e.y - (-0.118f * k->size * k->open * (1 - 0.75f * e.t * e.t) - k->lid);

	xl_paint_tone(p, 0.55f, 0.75f * xl_hump(crease / 0.038f) * xl_hump(e.t / 1.15f));
	/* the socket's shade falls from the bridge's side */
	float d = e.upper - e.y > e.y - e.lower ? e.upper - e.y : e.y - e.lower;
	float a = fabsf(e.t) < 1 ? xl_cover(0.9f * d, s->px, 0.015f) : 0;

	if (a > 0)
		paint_ball(f, s, &e, p, a);
	/* lashes: a dark line on the upper lid, wider outwards; a faint lower one */
	float t = xl_clampf(e.t, -1, 1.12f), arc = 1 - t * t;
	float line = -0.118f * k->size * k->open * arc * (1 - 0.22f * t) +
		     (t > 1 ? -0.05f * (t - 1) * 5 : 0);
	float thick = (0.020f + 0.024f * k->lashes) * (0.6f + 0.4f * xl_ramp(-1, 0.7f, t));
	float off = fabsf(e.y - line + 0.4f * thick) + (fabsf(e.t - t)) * e.half;
	struct xl_rgb dark = {0.016f, 0.011f, 0.009f};

	xl_paint_over(p, dark, (0.72f + 0.28f * k->lashes) * xl_cover(off - thick, s->px, 0.022f),
		      -1);
	float low = fabsf(e.y - 0.062f * k->size * (0.5f + 0.5f * k->open) * arc * (1 + 0.25f * t));

	xl_paint_tone(p, 0.35f,
		      (0.35f + 0.3f * k->lashes) * xl_hump(low / 0.03f) * xl_hump(e.t / 1.05f));
}

void xl_face_brows(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p)
{
	const struct xl_face_eyes *k = &f->eyes;
	float side = s->x < 0 ? -1 : 1, x = side * s->x - 0.5f * f->shape.eye_gap;
	float t = (x + 0.31f) / 0.66f; /* 0 at the nose, 1 at the temple */

	if (t < -0.15f || t > 1.15f || s->y > 0.1f || s->y < -0.75f)
		return;
	float arch = t < 0.62f ? t / 0.62f : (1 - t) / 0.38f * 0.9f + 0.1f;
	float mid = -k->brow_y - k->brow_arch * (arch * (2 - arch)) - k->brow_slant * (t - 0.5f);
	float thick = k->brow_thick * (1.15f - 0.75f * t * t) * xl_ramp(-0.15f, 0.2f, t);
	float hair = xl_fbm2(f->skin.seed + 31, 26 * (x + 0.5f * s->y), 9 * s->y - 8 * x, 2);
	float d = fabsf(s->y - mid) - thick * (0.9f + 0.25f * hair);
	float a = xl_cover(d, s->px, 0.065f) * xl_ramp(1.12f, 0.9f, t) * xl_ramp(-0.12f, 0.12f, t);
	struct xl_rgb c = xl_rgb_mul(k->brow, xl_rgb_scale(s->lit, 1 + 0.35f * hair));

	xl_paint_over(p, c, k->brow_dark * a * (0.86f + 0.14f * hair), -1);
}

/* Signed distance to the edge of a lens, x outwards from its middle. */
static float lens_distance(const struct xl_face_glasses *g, float x, float y)
{
	switch (g->frame) {
	case XL_FRAME_ROUND:
		return xl_sd_ellipse(x, y, g->w, g->h);
	case XL_FRAME_BOX:
		return xl_sd_box(x, y + 0.05f * x, g->w, g->h, 0.07f);
	case XL_FRAME_AVIATOR:
		y -= 0.04f;
		return xl_smin(
			xl_sd_box(x, y + 0.4f * g->h, g->w, 0.55f * g->h, 0.12f),
			xl_sd_ellipse(x - 0.02f, y - 0.25f * g->h, 0.82f * g->w, 0.8f * g->h),
			0.12f);
	case XL_FRAME_CAT:
		return xl_sd_box(x - 0.1f * y * -1, y + 0.28f * x + 0.03f, g->w * (1 - 0.25f * y),
				 g->h, 0.16f);
	default:
		return xl_sd_box(x, y, g->w * (1 - 0.18f * y), g->h, 0.14f);
	}
}

/* Distance to the bridge between the lenses and to the temples, which run back
 * to the ears. */
static float wire_distance(const struct xl_face *f, const struct xl_spot *s, float y)
{
	const struct xl_face_glasses *g = &f->glasses;
	float inner = 0.5f * g->gap - g->w, half = 0.7f * g->thick, ax = fabsf(s->x);
	float bow = y + 0.25f * g->h + 0.06f * xl_hump(s->x / (inner + 0.05f));
	float d = ax < inner + 0.03f ? fabsf(bow) - half : ax - inner;

	if (g->frame == XL_FRAME_AVIATOR && ax < inner + 0.12f)
		d = fminf(d, fabsf(y + 0.82f * g->h) - 0.5f * half);
	float outer = 0.5f * g->gap + g->w,
	      back = fabsf(y + 0.45f * g->h - 0.15f * (ax - outer)) - 1.1f * half;

	if (ax > outer - 0.03f && back < d)
		d = back;
	return d;
}

void xl_face_glasses(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p)
{
	const struct xl_face_glasses *g = &f->glasses;

	if (g->frame == XL_FRAME_NONE || fabsf(s->y) > 0.7f || fabsf(s->u) > 1.5f)
		return;
	float side = s->x < 0 ? -1 : 1, y = s->y - g->rise, x = side * s->x - 0.5f * g->gap;
	float d = lens_distance(g, x, y), rim = g->thick;

	if (y > 0 && g->half > 0)
		rim *= 1 - g->half * xl_ramp(0, 0.5f * g->h, y);
	/* the frame's soft shade on the skin, a little lower */
	float shade = fabsf(lens_distance(g, x + 0.03f * side * f->light.x, y - 0.055f)) - g->thick;
	float on_skin = xl_ramp(0.02f, -0.05f, s->head);
	float sa = 0.30f * xl_ramp(0.06f, -0.02f, shade) * on_skin;

	xl_paint_tone(p, 0.45f, sa);
	xl_paint_touch(p, sa, XL_PART_GLASSES);
	float in = xl_cover(d, s->px, 0.01f);

	if (in > 0) {
		/* what the glass takes and adds: tint, and a slanting reflection */
		float slant = x * 0.8f + y, glint = xl_hump((slant + 0.10f) / 0.12f) +
						    0.6f * xl_hump((slant - 0.16f) / 0.06f);
		float tint = g->tint * in * (1 - 0.25f * xl_clampf(y / g->h, -1, 1));

		p->c = xl_rgb_mix(p->c, xl_rgb_mul(g->lens, s->lit), tint);
		p->c = xl_rgb_add(p->c,
				  xl_rgb_scale(f->light.sky, in * g->glare * (0.12f + glint)));
		xl_paint_touch(p, in, XL_PART_GLASSES);
	}
	float frame = fabsf(d + 0.3f * rim) - rim, wire = wire_distance(f, s, y);
	float reach = xl_ramp(1.42f, 1.3f, fabsf(s->u)) * xl_ramp(0.16f, 0.02f, s->head);
	float a = xl_cover(frame < wire ? frame : wire, s->px, 0.012f);

	if (frame >= wire)
		a *= reach;
	/* rounded rims: the upper edge takes the light */
	float edge = d + 0.3f * rim, lift = xl_clampf(0.5f - 0.5f * y / g->h, 0, 1);
	float k =
		0.75f + 0.5f * lift * xl_hump(edge / (0.9f * rim + 0.01f)) + 0.35f * f->light.x * x;
	struct xl_rgb lit = xl_face_shade(f, 0.2f * side, -0.3f, 0.9f, 0);

	xl_paint_over(p,
		      xl_rgb_add(xl_rgb_scale(xl_rgb_mul(g->color, lit), k),
				 xl_rgb_scale(f->light.sky, 0.035f * lift)),
		      a, XL_PART_GLASSES);
}
