/*
 * faces_scene.c - the set `faces`: what is behind and below a head: backdrop,
 * neck, shoulders and clothes.
 */
#include "data/faces.h"

#include <math.h>

static struct xl_rgb three(const struct xl_face_back *b, float t)
{
	t = xl_clampf(t, 0, 1);
	return t < 0.5f ? xl_rgb_mix(b->a, b->b, 2 * t) : xl_rgb_mix(b->b, b->c, 2 * t - 1);
}

/* Lights out of focus: one soft disc a cell, at a place of its own. */
static struct xl_rgb blobs(const struct xl_face_back *b, float x, float y)
{
	struct xl_rgb c =
		xl_rgb_mix(b->a, b->b, xl_clampf(0.5f + 0.6f * xl_fbm2(b->seed, x, y, 2), 0, 1));
	int32_t ci = (int32_t)floorf(x), cj = (int32_t)floorf(y);

	for (int32_t j = cj - 1; j <= cj + 1; j++) {
		for (int32_t i = ci - 1; i <= ci + 1; i++) {
			uint32_t h = xl_hash2(b->seed, i, j);
			float ox = (float)i + (float)(h & 255) / 255 - x;
			float oy = (float)j + (float)(h >> 8 & 255) / 255 - y;
			float r = 0.25f + 0.4f * (float)(h >> 16 & 255) / 255;
			float a = xl_ramp(r, 0.6f * r, sqrtf(ox * ox + oy * oy));

			c = xl_rgb_mix(c, h >> 31 ? b->c : b->b,
				       0.55f * a * (float)(h >> 24 & 127) / 127);
		}
	}
	return c;
}

/* Courses of stone or brick, soft with distance. */
static struct xl_rgb wall(const struct xl_face_back *b, float x, float y)
{
	float row = floorf(y), shift = fmodf(row, 2) != 0 ? 0.5f : 0;
	float col = floorf(0.5f * x + shift), fx = 0.5f * x + shift - col, fy = y - row;
	float joint = xl_ramp(0.10f, 0.03f, fx) + xl_ramp(0.20f, 0.06f, fy);
	uint32_t h = xl_hash2(b->seed, (int32_t)col, (int32_t)row);
	struct xl_rgb c = xl_rgb_mix(b->a, b->b, (float)(h & 255) / 255);

	c = xl_rgb_scale(c, 1 + 0.25f * xl_fbm2(b->seed + 3, 3 * x, 3 * y, 2));
	return xl_rgb_mix(c, b->c, 0.7f * xl_clampf(joint, 0, 1));
}

void xl_face_backdrop(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p)
{
	const struct xl_face_back *b = &f->back;
	float ca = cosf(b->angle), sa = sinf(b->angle);
	float x = s->sx - 0.5f, y = s->sy - 0.5f, along = ca * x + sa * y, across = ca * y - sa * x;
	float k = b->scale, n;
	struct xl_rgb c;

	switch (b->kind) {
	case XL_BACK_BLOBS:
		c = blobs(b, k * s->sx + b->x, k * s->sy + b->y);
		break;
	case XL_BACK_CLOUD:
		n = xl_fbm2(b->seed, k * s->sx, k * s->sy, 4);
		c = three(b, 0.5f + 0.8f * n);
		break;
	case XL_BACK_WALL:
		c = wall(b, 1.6f * k * s->sx + b->x, 1.6f * k * s->sy + b->y);
		break;
	case XL_BACK_LEAVES:
		n = xl_fbm2(b->seed, 2.2f * k * s->sx, 2.2f * k * s->sy, 4);
		c = three(b, 0.5f + 0.9f * n * fabsf(xl_noise2(b->seed + 9, k * s->sx, k * s->sy)) +
				     0.35f * n);
		break;
	case XL_BACK_BANDS:
		n = xl_noise1(b->seed, 3 * k * along) +
		    0.4f * xl_noise1(b->seed + 1, 9 * k * along);
		c = three(b, 0.5f + 0.6f * n + 0.1f * across);
		break;
	case XL_BACK_HORIZON:
		n = y - 0.15f + 0.3f * b->x + 0.05f * xl_fbm2(b->seed, 5 * s->sx, 3, 3);
		c = xl_rgb_mix(xl_rgb_mix(b->b, b->a, xl_clampf(-1.2f * n, 0, 1)), b->c,
			       xl_ramp(-0.05f, 0.05f, n));
		c = xl_rgb_scale(c,
				 1 + 0.2f * xl_fbm2(b->seed + 5, k * 3 * s->sx, k * 5 * s->sy, 2));
		break;
	default:
		n = xl_fbm2(b->seed, 2 * s->sx, 2 * s->sy, 2);
		c = three(b, 0.5f + 0.7f * along + 0.25f * n);
		break;
	}
	p->c = c;
}

static float neck_half(const struct xl_face *f, float by)
{
	return f->shape.neck + 0.3f * xl_ramp(1.5f, 2.4f, by);
}

static void paint_neck(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p)
{
	float w = neck_half(f, s->by), x = s->bx - 0.15f * f->pose.yaw;
	float d = fabsf(x) - w;

	if (s->by < 0.6f || d > 0.2f)
		return;
	float nx = xl_clampf(x / w, -1, 1), nz = sqrtf(xl_clampf(1 - nx * nx, 0.05f, 1));
	struct xl_rgb c = xl_rgb_mul(f->skin.color, xl_face_shade(f, nx, 0.1f, nz, 0.4f));
	/* the shade of chin and jaw, cast away from the light */
	float below = s->head + 0.15f * (s->bx * f->light.x);
	float k = 0.34f + 0.66f * xl_ramp(-0.1f, 0.9f, below);
	/* the two muscles that run down to the collar bones */
	float cord = fabsf(x) - 0.42f + 0.33f * xl_ramp(1.7f, 2.9f, s->by);

	k *= 1 - 0.08f * xl_hump(cord / 0.12f);
	c = xl_rgb_mul(c, (struct xl_rgb){k, k * (0.9f + 0.1f * k), k * (0.88f + 0.12f * k)});
	xl_paint_over(p, c, xl_cover(d, s->px, 0.04f), -1);
}

/* The height of the shoulders' line at |x|. */
static float shoulder_line(const struct xl_face *f, float ax)
{
	const struct xl_face_shape *s = &f->shape;
	float t = xl_clampf((ax - s->neck) / (s->shoulder - s->neck), 0, 1.6f);
	float over = ax > s->shoulder ? ax - s->shoulder : 0;

	return s->shoulder_y - 0.28f * (1 - xl_ramp(0, 0.35f, t)) + 0.42f * t + 2.5f * over * over;
}

static struct xl_rgb cloth_color(const struct xl_face_body *b, float x, float y, float px)
{
	float ca = cosf(b->angle), sa = sinf(b->angle), k = 6.2831853f / b->period;
	float along = k * (ca * x + sa * y), across = k * (ca * y - sa * x);
	/* a pattern finer than the pixels fades to its mean */
	float visible = xl_clampf(0.5f * b->period / px - 0.5f, 0, 1), t;

	switch (b->pattern) {
	case XL_PATTERN_STRIPES:
		t = xl_clampf(0.5f + 2.2f * sinf(along), 0, 1);
		break;
	case XL_PATTERN_CHECKS:
		t = 0.5f * xl_clampf(0.5f + 2 * sinf(along), 0, 1) +
		    0.5f * xl_clampf(0.5f + 2 * sinf(across), 0, 1);
		break;
	case XL_PATTERN_DOTS:
		t = xl_clampf(3 * (sinf(along) * sinf(across) - 0.45f), 0, 1);
		break;
	case XL_PATTERN_KNIT:
		t = 0.4f + 0.35f * xl_fbm2(b->seed, 9 * x, 9 * y, 2);
		visible = 0.5f;
		break;
	default:
		t = 0;
		break;
	}
	return xl_rgb_mix(b->color, b->second, visible * t);
}

/* Signed distance, roughly, of where clothes begin below the neck. */
static float neckline(const struct xl_face *f, float x, float y)
{
	const struct xl_face_body *b = &f->body;
	float top = f->shape.shoulder_y - 0.30f, ax = fabsf(x);

	switch (b->neckline) {
	case XL_NECK_V:
		return (top + b->depth * (1 - ax / 0.85f) - y) * 0.7f;
	case XL_NECK_WIDE:
		return top + 0.25f + 0.7f * b->depth * xl_hump(ax / 1.5f) - y;
	case XL_NECK_COLLAR:
	case XL_NECK_SUIT:
		return (top + 0.75f * b->depth * (1 - ax / 0.6f) - y) * 0.6f;
	default:
		return top + 0.1f + 0.35f * xl_hump(ax / 0.95f) - y;
	}
}

/* Lapels, shirt and tie over what has been painted of a suit; or a collar. */
static void paint_front(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p,
			struct xl_rgb lit, float inside)
{
	const struct xl_face_body *b = &f->body;
	float x = s->bx, ax = fabsf(x), top = f->shape.shoulder_y - 0.30f;

	if (b->neckline == XL_NECK_SUIT) {
		float v = (top + 2.6f * (1 - ax / 0.95f) - s->by) * 0.5f;
		float open = xl_cover(-v, s->px, 0.03f) * inside;

		xl_paint_over(p, xl_rgb_mul(b->inner, lit), open, -1);
		if (b->has_tie) {
			float half = 0.13f + 0.06f * xl_ramp(2.5f, 3.6f, s->by);
			float knot = s->by < top + 0.95f ? 0.03f : 0;
			float stripe =
				b->pattern == XL_PATTERN_STRIPES
					? 0.75f + 0.35f * xl_clampf(2 * sinf(16 * (x + s->by)), -1,
								    1)
					: 1;

			xl_paint_over(p, xl_rgb_scale(xl_rgb_mul(b->tie, lit), stripe),
				      xl_cover(ax - half - knot, s->px, 0.02f) * open *
					      xl_ramp(top + 0.48f, top + 0.56f, s->by),
				      -1);
		}
		float lapel = xl_hump((v + 0.16f) / 0.17f);

		xl_paint_tone(p, 0.55f, 0.5f * inside * xl_hump((v + 0.33f) / 0.035f));
		xl_paint_tone(p, 1.12f, 0.5f * inside * lapel);
	}
	if (b->neckline == XL_NECK_COLLAR || b->neckline == XL_NECK_SUIT) {
		/* two flaps from the side of the neck towards the middle */
		float edge = s->by - (top + 0.30f + 0.75f * (0.75f - ax));
		float wing =
			xl_sd_segment(ax, s->by, 0.72f, top - 0.05f, 0.36f, top + 0.52f) - 0.13f;
		struct xl_rgb c = b->neckline == XL_NECK_SUIT ? b->inner : b->color;
		float shade = 0.85f + 0.25f * xl_ramp(0.1f, -0.15f, edge);

		xl_paint_tone(p, 0.6f, 0.6f * inside * xl_cover(wing - 0.05f, s->px, 0.1f));
		xl_paint_over(p, xl_rgb_scale(xl_rgb_mul(c, lit), shade),
			      xl_cover(wing, s->px, 0.02f), -1);
	}
}

/* A chain that hangs from the sides of the neck, under what cloth there is. */
static void paint_necklace(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p,
			   struct xl_rgb lit)
{
	float w = f->shape.neck + 0.05f, t = s->bx / w;

	if (!f->body.has_necklace || fabsf(t) > 1)
		return;
	float y = s->by - f->shape.shoulder_y + 0.22f - 0.46f * (1 - t * t);
	float bead = 0.8f + 0.7f * xl_noise1(f->body.seed + 2, 22 * s->bx);

	xl_paint_tone(p, 0.6f, 0.5f * xl_hump((y - 0.04f) / 0.05f));
	xl_paint_over(p, xl_rgb_scale(xl_rgb_mul(f->body.metal, lit), bead),
		      xl_cover(fabsf(y) - 0.025f, s->px, 0.02f), -1);
}

void xl_face_body(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p)
{
	float ax = fabsf(s->bx), line = shoulder_line(f, ax);

	paint_neck(f, s, p);
	if (s->by < 1.3f)
		return;
	float d = (line - s->by) * 0.85f;
	float a = xl_cover(d, s->px, 0.03f);

	if (a <= 0)
		return;
	float nx = xl_clampf(0.4f * s->bx, -0.85f, 0.85f);
	float ny = -0.9f * xl_ramp(0.9f, 0, s->by - line) + 0.05f;
	float nz = sqrtf(xl_clampf(1 - nx * nx - ny * ny, 0.1f, 1));
	float k = 0.55f + 0.45f * xl_ramp(0, 1.1f, s->head + 0.25f);
	struct xl_rgb lit = xl_rgb_scale(xl_face_shade(f, nx, ny, nz, 0.1f), k);
	float bare = neckline(f, s->bx, s->by);
	/* skin of neck and chest, then the cloth over it */
	float fold =
		1 + 0.22f * xl_fbm2(f->body.seed, 1.7f * s->bx + 0.5f * s->by, 1.1f * s->by, 3);

	xl_paint_over(p, xl_rgb_mul(f->skin.color, xl_rgb_scale(lit, 0.95f)),
		      a * xl_cover(-bare, s->px, 0.03f), -1);
	struct xl_rgb c =
		xl_rgb_mul(cloth_color(&f->body, s->bx, s->by, s->px), xl_rgb_scale(lit, fold));
	float inside = a * xl_cover(bare, s->px, 0.03f);

	paint_necklace(f, s, p, lit);
	/* the hem throws a narrow shade on the skin and stands out itself */
	xl_paint_tone(p, 0.5f, a * 0.5f * xl_hump((bare - 0.06f) / 0.08f));
	xl_paint_over(p, c, inside, -1);
	if (f->body.neckline == XL_NECK_CREW)
		xl_paint_tone(p, 0.8f, 0.5f * inside * xl_hump((bare + 0.13f) / 0.03f));
	paint_front(f, s, p, lit, inside);
}
