/*
 * faces_mouth.c - the set `faces`: the mouth, from neutral to a broad smile,
 * and facial hair. A smile changes nothing outside what it marks as its own:
 * lips, opening, and the lines beside them.
 */
#include "data/faces.h"

#include <math.h>

/* The edges of the lips at one x, from top to bottom, and the lit slopes. */
struct mouth {
	float half, t, arc; /* half width; x over it; 1 - t^2 */
	float top, inner_top, inner_low, low;
	float gap;
};

static void set_mouth(const struct xl_face *f, const struct xl_spot *s, struct mouth *m)
{
	const struct xl_face_lips *k = &f->lips;
	float smile = f->smile.strength, open = f->smile.open;

	m->half = k->width * (1 + 0.30f * smile - 0.12f * open);
	m->t = s->x / m->half;
	m->arc = 1 - m->t * m->t;
	float arc = m->arc > 0 ? m->arc : 0, soft = sqrtf(arc);
	/* corners rise, the middle sinks a little */
	float line = k->y + 0.035f * smile + (-0.005f - 0.16f * smile) * m->t * m->t;
	float bow = 1 - k->bow * xl_hump(m->t / 0.22f);

	m->gap = open * arc;
	m->inner_top = line - 0.30f * m->gap;
	m->inner_low = line + 0.70f * m->gap;
	m->top = m->inner_top - k->upper * (1 - 0.22f * smile) * (0.65f * arc + 0.35f * soft) * bow;
	m->low = m->inner_low + k->lower * (1 - 0.16f * smile) * (0.45f * arc + 0.55f * soft);
}

/* Teeth, and the dark behind them. */
static struct xl_rgb inside_mouth(const struct xl_face *f, const struct xl_spot *s,
				  const struct mouth *m)
{
	float lum = 0.3f * s->lit.r + 0.6f * s->lit.g + 0.1f * s->lit.b;
	struct xl_rgb deep = {0.045f, 0.010f, 0.010f}, tongue = {0.20f, 0.045f, 0.045f};
	float y = (s->y - m->inner_top) / (m->gap + 1e-4f);
	struct xl_rgb c =
		xl_rgb_scale(xl_rgb_mix(deep, tongue, xl_ramp(0.6f, 1.1f, y)), 0.4f + 0.6f * lum);
	/* each tooth is narrower than the one before it */
	float ax = fabsf(s->x), n = ax / 0.085f, seam = fabsf(n - floorf(n + 0.5f)) * 0.085f;
	float scallop = 0.05f * (1 - seam / 0.0425f);
	float shade = (0.35f + 0.65f * xl_ramp(1.0f, 0.25f, fabsf(m->t))) *
		      (0.72f + 0.28f * xl_ramp(0, 0.3f, y)) *
		      (1 - 0.22f * xl_clampf(0.02f / s->px, 0, 1) * xl_hump(seam / 0.016f));
	struct xl_rgb tooth = {0.80f, 0.75f, 0.66f};
	float low = f->smile.teeth * (1 - 0.25f * m->t * m->t) - scallop;

	tooth = xl_rgb_scale(tooth, shade * (0.30f + 0.70f * lum));
	return xl_rgb_mix(c, tooth,
			  xl_cover((y - low) * m->gap, s->px, 0.02f) *
				  xl_ramp(1.0f, 0.85f, fabsf(m->t)));
}

static struct xl_rgb lip_color(const struct xl_face *f, const struct xl_spot *s,
			       const struct mouth *m)
{
	const struct xl_face_lips *k = &f->lips;
	float upper = s->y < 0.5f * (m->inner_top + m->inner_low);
	float h = upper > 0 ? (s->y - m->top) / (m->inner_top - m->top + 1e-3f)
			    : (s->y - m->inner_low) / (m->low - m->inner_low + 1e-3f);
	float ny = upper > 0 ? 0.35f - 0.5f * (h - 0.5f) : -0.55f + 1.4f * h;
	float nx = 0.45f * m->t + 0.3f * s->nx,
	      nz = sqrtf(xl_clampf(1 - nx * nx - ny * ny, 0.1f, 1));
	struct xl_rgb lit = xl_face_shade(f, nx, ny, nz, 0.4f);
	float lines = 1 + 0.05f * xl_noise2(f->skin.seed + 5, 40 * s->x, 6 * s->y);
	float g = upper > 0 ? 0.25f : 1;
	float gloss = g * k->gloss * xl_hump((h - 0.35f) / 0.32f) *
		      xl_hump((m->t + 0.25f * f->light.x) / 0.62f);
	struct xl_rgb c =
		xl_rgb_scale(xl_rgb_mul(k->color, lit), lines * (upper > 0 ? 0.86f : 1.0f));

	/* the corners and the seam are darker */
	c = xl_rgb_scale(c, 1 - 0.35f * xl_ramp(0.72f, 1.0f, fabsf(m->t)));
	return xl_rgb_add(c, xl_rgb_scale(f->light.key, gloss));
}

/* The lines of a smile: beside the nose, and a dimple at each corner. */
static void paint_folds(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p,
			const struct mouth *m)
{
	float smile = f->smile.strength, ax = fabsf(s->x);
	float y0 = 0.80f, y1 = f->lips.y + 0.05f, t = (s->y - y0) / (y1 - y0);
	float at = 0.36f + (m->half + 0.10f - 0.36f) * xl_clampf(t, -0.2f, 1.2f) +
		   0.07f * (1 - (2 * t - 1) * (2 * t - 1));
	float fold = smile * 0.42f * xl_hump((ax - at) / 0.085f) * xl_hump((t - 0.5f) / 0.62f);
	float cx = ax - m->half - 0.035f, cy = s->y - (f->lips.y + 0.005f - 0.125f * smile);
	float corner = 0.5f * (0.3f + 0.7f * smile) * xl_hump(sqrtf(cx * cx + cy * cy) / 0.095f);
	/* the cheek swells beside the line */
	float swell =
		0.16f * smile * xl_hump((ax - at - 0.13f) / 0.11f) * xl_hump((t - 0.45f) / 0.5f);

	if (fold >= 1.0f / 512) {
		p->c = xl_rgb_mul(p->c, (struct xl_rgb){1 - 0.62f * fold, 1 - 0.80f * fold,
							1 - 0.85f * fold});
		xl_paint_touch(p, fold, XL_PART_MOUTH);
	}
	if (swell >= 1.0f / 512) {
		xl_paint_tone(p, 1.9f, swell);
		xl_paint_touch(p, swell, XL_PART_MOUTH);
	}
	xl_paint_tone(p, 0.40f, corner);
	xl_paint_touch(p, corner, XL_PART_MOUTH);
}

void xl_face_mouth(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p)
{
	struct mouth m;

	if (fabsf(s->y - f->lips.y) > 0.62f || fabsf(s->x) > 0.95f)
		return;
	set_mouth(f, s, &m);
	paint_folds(f, s, p, &m);
	if (fabsf(m.t) >= 1.02f)
		return;
	/* the lips' own shade below them moves with them */
	float under = s->y - m.low - 0.045f;
	float ua = 0.22f * xl_hump(under / 0.075f) * xl_hump(m.t / 0.8f);

	xl_paint_tone(p, 0.45f, ua);
	xl_paint_touch(p, ua, XL_PART_MOUTH);
	float d = m.top - s->y > s->y - m.low ? m.top - s->y : s->y - m.low;
	float ends = xl_ramp(1.0f, 0.94f, fabsf(m.t));
	float a = xl_cover(0.9f * d, s->px, f->lips.lipstick ? 0.025f : 0.05f) * ends;

	xl_paint_over(p, lip_color(f, s, &m), a, XL_PART_MOUTH);
	if (m.arc <= 0)
		return;
	/* opening and seam */
	float in =
		m.inner_top - s->y > s->y - m.inner_low ? m.inner_top - s->y : s->y - m.inner_low;

	if (m.gap > 0.012f)
		xl_paint_over(p, inside_mouth(f, s, &m), xl_cover(in, s->px, 0.015f) * ends,
			      XL_PART_MOUTH);
	float seam = fabsf(s->y - 0.5f * (m.inner_top + m.inner_low)) - 0.5f * m.gap;
	float sa = 0.62f * xl_hump((seam > 0 ? seam : 0) / 0.035f) * ends *
		   xl_ramp(0.09f, 0.02f, m.gap);

	xl_paint_tone(p, 0.22f, sa);
	xl_paint_touch(p, sa, XL_PART_MOUTH);
}

/* Strands of a beard run down and outwards. */
static struct xl_rgb beard_color(const struct xl_face *f, const struct xl_spot *s, float across,
				 float along, struct xl_rgb lit)
{
	const struct xl_face_beard *b = &f->beard;
	float n = xl_fbm2(b->seed, 22 * across, 5 * along, 3);
	float fine = xl_clampf(0.03f / s->px, 0, 1);
	struct xl_rgb c = xl_rgb_mix(b->color, b->light,
				     xl_clampf(0.35f + 0.7f * n * (0.5f + 0.5f * fine), 0, 1));

	return xl_rgb_mul(c, lit);
}

/* How much of a chin beard is here: 0..1. */
static float goatee(const struct xl_face *f, const struct xl_spot *s, float n)
{
	const struct xl_face_beard *b = &f->beard;
	float below = s->y - f->lips.y, ax = fabsf(s->x);
	float wide = b->width * (0.52f - 0.10f * xl_ramp(0.2f, 0.8f, below));
	float side = xl_ramp(0.08f, -0.10f, ax - wide + 0.06f * n);
	/* bare beside the small tuft under the lip */
	float gapx = xl_ramp(0.10f + 0.05f * b->soul, 0.22f, ax) *
		     xl_hump((below - 0.14f) / 0.17f) * xl_ramp(0.46f, 0.34f, ax);

	return side * xl_ramp(-0.10f, 0.06f, below + 0.04f * n) * (1 - 0.85f * gapx);
}

static float cheek_beard(const struct xl_face *f, const struct xl_spot *s, float n)
{
	const struct xl_face_beard *b = &f->beard;
	float ax = fabsf(s->x), t = xl_clampf(ax / 1.02f, 0, 1.2f);
	/* from the wings of the nose down past the corners, then up to the ear */
	float line = 0.86f + 0.30f * xl_hump((t - 0.48f) / 0.5f) - 0.75f * t * t * t - b->cheek;
	float a = xl_ramp(-0.06f, 0.16f, s->y - line + 0.07f * n);
	float soul = s->y - f->lips.y - 0.15f;

	a *= 1 -
	     0.55f * xl_hump(soul / 0.13f) * xl_ramp(0.1f, 0.18f, ax) * xl_ramp(0.42f, 0.30f, ax);
	return a;
}

void xl_face_beard(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p)
{
	const struct xl_face_beard *b = &f->beard;

	if (b->kind == XL_BEARD_NONE || b->kind == XL_BEARD_MUSTACHE || s->v < 0 ||
	    s->head > b->length + 0.2f)
		return;
	float n = xl_fbm2(b->seed + 11, 9 * s->x, 6 * s->y, 2), a;
	float low = xl_ramp(0.6f, 1.5f, s->v), ends = s->head - b->length * low;

	if (b->kind == XL_BEARD_GOATEE)
		a = goatee(f, s, n);
	else
		a = cheek_beard(f, s, n);
	a *= xl_cover(ends + 0.07f * n - 0.02f, s->px, 0.10f);
	a *= b->density * (1 - 0.12f * (0.5f + 0.5f * n));
	/* the chin's own form goes on below its edge, and the beard overhangs it */
	float ny = xl_ramp(1.4f, 2.2f, s->v), nx = xl_clampf(0.6f * s->u, -0.8f, 0.8f);
	float nz = sqrtf(xl_clampf(1 - nx * nx - 0.5f * ny * ny, 0.1f, 1));
	struct xl_rgb lit = xl_face_shade(f, nx, 0.7f * ny, nz, 0.2f);

	lit = xl_rgb_scale(lit, 1 - 0.35f * xl_ramp(-0.1f, 0.35f, s->head));
	float lean = s->x * (1 - 0.35f * (s->y - 1));

	xl_paint_over(p, beard_color(f, s, lean, s->y, lit), a, XL_PART_BEARD);
}

void xl_face_mustache(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p)
{
	const struct xl_face_beard *b = &f->beard;

	if (b->kind == XL_BEARD_NONE || b->kind == XL_BEARD_STUBBLE)
		return;
	float ax = fabsf(s->x), half = b->width * 0.47f, t = ax / half;

	if (t > 1.5f || fabsf(s->y - 0.98f) > 0.6f)
		return;
	float n = xl_fbm2(b->seed + 5, 16 * s->x, 7 * s->y, 2);
	float mid = f->lips.y - 0.195f + b->droop * t * t * (0.30f + 0.25f * t);
	float thick = b->thick * (1 - 0.55f * t * t) * (0.80f + 0.20f * xl_ramp(0, 0.12f, ax));
	float a = xl_cover(fabsf(s->y - mid) - thick + 0.03f * n, s->px, 0.06f) *
		  xl_ramp(1.08f, 0.86f, t + 0.1f * n);

	/* a full moustache runs on into the beard */
	if (b->kind == XL_BEARD_GOATEE || b->kind == XL_BEARD_FULL) {
		float down = xl_cover(fabsf(ax - half * 0.92f) - 0.085f - 0.02f * n, s->px, 0.07f) *
			     xl_ramp(mid - 0.04f, mid + 0.04f, s->y) *
			     xl_ramp(f->lips.y + 0.42f, f->lips.y + 0.30f, s->y);

		a = a > down ? a : down;
	}
	struct xl_rgb lit = xl_rgb_scale(s->lit, 1.25f - 0.3f * xl_ramp(0, thick, s->y - mid));

	xl_paint_over(p, beard_color(f, s, ax * 0.8f + 0.9f * (s->y - mid), s->y + ax, lit),
		      a * b->density, XL_PART_BEARD);
}
