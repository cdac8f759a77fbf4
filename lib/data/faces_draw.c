/*
 * faces_draw.c - the set `faces`: a person, a pose, light and surroundings out
 * of random numbers. Each part has numbers of its own, so nothing else depends
 * on the colour of the hair, a smile or glasses. What can be exchanged is drawn
 * in faces_style.c.
 */
#include "data/faces.h"

#include <math.h>
#include "core/rng.h"

/* Numbers of part `step` of a face; only append. */
enum part_numbers {
	OF_PERSON,
	OF_POSE,
	OF_LIGHT,
	OF_SHAPE,
	OF_SKIN,
	OF_EYES,
	OF_LIPS,
	OF_HAIR,
	OF_DYE,
	OF_SMILE,
	OF_GLASSES,
	OF_BEARD,
	OF_BODY,
	OF_BACK,
	OF_SENSOR,
	OF_BROWS,
	OF_COUNT
};

float xl_draw_range(struct xl_rng *r, float lo, float hi)
{
	return lo + (hi - lo) * (float)xl_rng_uniform(r);
}

float xl_draw_about(struct xl_rng *r, float mean, float sigma)
{
	return mean + sigma * xl_clampf((float)xl_rng_normal(r), -2, 2);
}

bool xl_draw_chance(struct xl_rng *r, float p)
{
	return xl_rng_uniform(r) < p;
}

int xl_draw_pick(struct xl_rng *r, const float *w, int n)
{
	float sum = 0, t;

	for (int i = 0; i < n; i++)
		sum += w[i];
	t = sum * (float)xl_rng_uniform(r);
	for (int i = 0; i < n - 1; i++) {
		if (t < w[i])
			return i;
		t -= w[i];
	}
	return n - 1;
}

/* A colour of this hue (turns), saturation and value, sRGB. */
static struct xl_rgb hsv(float h, float s, float v)
{
	float k[3] = {5, 3, 1}, out[3];

	for (int i = 0; i < 3; i++) {
		float t = fmodf(k[i] + 6 * (h - floorf(h)), 6), m = fminf(t, 4 - t);

		out[i] = 255 * v * (1 - s * xl_clampf(m, 0, 1));
	}
	return xl_rgb_of(out[0], out[1], out[2]);
}

static void draw_person(struct xl_face *f, struct xl_rng *r)
{
	f->is_male = xl_draw_chance(r, 0.5f);
	f->is_young = xl_draw_chance(r, 0.72f);
	f->age = f->is_young ? xl_draw_range(r, 0, 0.42f) : xl_draw_range(r, 0.62f, 1);
	f->has_makeup = !f->is_male && xl_draw_chance(r, 0.5f);
}

static void draw_pose(struct xl_face *f, struct xl_rng *r)
{
	struct xl_face_pose *p = &f->pose;

	p->cx = xl_draw_about(r, 0.5f, 0.022f);
	p->cy = xl_draw_about(r, 0.475f, 0.018f);
	p->unit = xl_draw_about(r, 0.204f, 0.009f);
	p->tilt = xl_draw_about(r, 0, 0.075f);
	p->yaw = xl_draw_about(r, 0, 0.16f);
	p->pitch = xl_draw_about(r, 0, 0.055f);
}

static void draw_light(struct xl_face *f, struct xl_rng *r)
{
	struct xl_face_light *l = &f->light;
	float x = xl_draw_about(r, 0, 0.42f), y = xl_draw_range(r, -0.75f, -0.15f);
	float z = xl_draw_range(r, 0.65f, 1.1f), k = 1 / sqrtf(x * x + y * y + z * z);
	float warm = xl_draw_about(r, 0, 0.055f), fill = xl_draw_range(r, 0.15f, 0.36f);
	float cool = xl_draw_about(r, 0, 0.04f);

	l->x = x * k;
	l->y = y * k;
	l->z = z * k;
	float key = 1.08f - 0.75f * fill + 0.08f * fabsf(x);

	l->key = (struct xl_rgb){key * (1 + warm), key, key * (1 - 1.3f * warm)};
	l->sky = (struct xl_rgb){fill * (1 - cool), fill, fill * (1 + cool)};
	l->ground = xl_rgb_mul(l->sky, (struct xl_rgb){0.62f, 0.56f, 0.52f});
}

static void draw_shape(struct xl_face *f, struct xl_rng *r)
{
	struct xl_face_shape *s = &f->shape;
	bool m = f->is_male;

	s->width = xl_draw_about(r, m ? 1.0f : 0.965f, 0.035f);
	s->jaw = xl_draw_about(r, m ? 1.0f : 0.94f, 0.035f);
	s->jaw_y = xl_draw_about(r, m ? 1.015f : 0.975f, 0.025f);
	s->chin = xl_draw_about(r, m ? 1.1f : 0.92f, 0.10f);
	s->square = xl_draw_about(r, m ? 2.25f : 2.05f, 0.14f);
	s->cheek = xl_draw_about(r, 1, 0.35f);
	s->ear = xl_draw_about(r, 1, 0.08f);
	s->eye_gap = xl_draw_about(r, 1, 0.03f);
	s->neck = xl_draw_about(r, m ? 0.74f : 0.58f, 0.04f);
	s->shoulder = xl_draw_about(r, m ? 2.25f : 1.95f, 0.12f);
	s->shoulder_y = xl_draw_about(r, 2.12f, 0.08f);
	f->nose.width = xl_draw_about(r, m ? 1.06f : 0.94f, 0.09f);
	f->nose.length = xl_draw_about(r, 1, 0.05f);
	f->nose.height = xl_draw_about(r, 1, 0.18f);
	f->nose.bridge = xl_draw_about(r, 1, 0.25f);
}

static void draw_skin(struct xl_face *f, struct xl_rng *r)
{
	static const float tones[7][3] = {{244, 216, 200}, {236, 200, 176}, {222, 180, 150},
					  {201, 154, 120}, {164, 116, 84},  {124, 82, 58},
					  {90, 58, 42}};
	struct xl_face_skin *k = &f->skin;
	float t =
		xl_draw_chance(r, 0.78f) ? xl_draw_range(r, 0, 0.55f) : xl_draw_range(r, 0.55f, 1);
	int i = (int)(t * 6) > 5 ? 5 : (int)(t * 6);
	float w = 6 * t - (float)i, hue = xl_draw_about(r, 0, 0.025f);
	struct xl_rgb a = xl_rgb_of(tones[i][0], tones[i][1], tones[i][2]);
	struct xl_rgb b = xl_rgb_of(tones[i + 1][0], tones[i + 1][1], tones[i + 1][2]);

	k->tone = t;
	k->color = xl_rgb_mul(xl_rgb_mix(a, b, w), (struct xl_rgb){1 + hue, 1, 1 - 1.5f * hue});
	k->rosy = xl_draw_range(r, 0.05f, 0.75f) + (f->has_makeup ? 0.25f : 0);
	k->freckles = t < 0.3f && xl_draw_chance(r, 0.18f) ? xl_draw_range(r, 0.4f, 1) : 0;
	k->shine = xl_draw_range(r, 0.02f, 0.14f);
	k->mottle = xl_draw_range(r, 0.015f, 0.06f);
	k->wrinkles = f->is_young ? 0 : xl_draw_range(r, 0.55f, 1);
	k->bags = xl_draw_range(r, 0, 1) * (f->is_young ? 0.8f : 1);
	k->seed = xl_rng_u32(r);
}

static void draw_eyes(struct xl_face *f, struct xl_rng *r)
{
	static const float irises[6][3] = {{62, 38, 22},  {88, 55, 28},   {120, 85, 40},
					   {96, 108, 62}, {92, 124, 150}, {110, 122, 130}};
	static const float share[6] = {0.34f, 0.26f, 0.1f, 0.08f, 0.15f, 0.07f};
	struct xl_face_eyes *e = &f->eyes;
	const float *c = irises[xl_draw_pick(r, share, 6)];

	e->size = xl_draw_about(r, f->is_male ? 1.02f : 1.12f, 0.05f);
	e->open = xl_draw_about(r, f->is_male ? 0.93f : 1.02f, 0.12f);
	e->slant = xl_draw_about(r, 0.05f, 0.07f);
	e->gaze_x = xl_draw_about(r, 0.5f * f->pose.yaw, 0.35f);
	e->gaze_y = xl_draw_about(r, 0, 0.3f);
	e->lid = xl_draw_range(r, 0.035f, 0.075f);
	e->lashes = f->has_makeup ? xl_draw_range(r, 0.6f, 1)
				  : xl_draw_range(r, 0, f->is_male ? 0.25f : 0.5f);
	e->shadow = f->has_makeup ? xl_draw_range(r, 0.15f, 0.6f) : 0;
	e->shadow_color = hsv(xl_draw_range(r, -0.25f, 0.1f), xl_draw_range(r, 0.2f, 0.5f),
			      xl_draw_range(r, 0.3f, 0.5f));
	e->iris = xl_rgb_scale(xl_rgb_of(c[0], c[1], c[2]), xl_draw_range(r, 0.8f, 1.25f));
}

/* Brows do not follow the hair: their colour must tell nothing about it. */
static void draw_brows(struct xl_face *f, struct xl_rng *r)
{
	struct xl_face_eyes *e = &f->eyes;
	float t = xl_draw_range(r, 0, 1);

	e->brow = xl_rgb_mix(xl_rgb_of(32, 24, 20), xl_rgb_of(98, 70, 48), t);
	e->brow_y = xl_draw_about(r, 0.335f, 0.025f);
	e->brow_thick =
		f->is_male ? xl_draw_about(r, 0.058f, 0.011f) : xl_draw_about(r, 0.040f, 0.008f);
	e->brow_arch = f->is_male ? xl_draw_range(r, 0, 0.09f) : xl_draw_range(r, 0.03f, 0.14f);
	e->brow_slant = xl_draw_about(r, 0, 0.05f);
	e->brow_dark = xl_draw_range(r, 0.65f, 0.95f);
}

static void draw_lips(struct xl_face *f, struct xl_rng *r)
{
	struct xl_face_lips *k = &f->lips;
	bool m = f->is_male;
	struct xl_rgb s = f->skin.color;

	k->y = xl_draw_about(r, 1.17f, 0.03f) * f->shape.jaw_y;
	k->width = xl_draw_about(r, m ? 0.415f : 0.395f, 0.022f);
	k->upper = xl_draw_about(r, m ? 0.070f : 0.088f, 0.013f);
	k->lower = xl_draw_about(r, m ? 0.105f : 0.125f, 0.016f);
	k->bow = xl_draw_range(r, 0.1f, 0.35f);
	k->lipstick = f->has_makeup && xl_draw_chance(r, 0.85f);
	float red = xl_draw_range(r, 0.5f, 1.0f);

	k->color = (struct xl_rgb){s.r * (0.86f + 0.06f * red), s.g * (0.62f - 0.16f * red),
				   s.b * (0.66f - 0.12f * red)};
	if (k->lipstick)
		k->color = xl_rgb_mix(k->color,
				      hsv(xl_draw_range(r, -0.06f, 0.03f),
					  xl_draw_range(r, 0.55f, 0.85f),
					  xl_draw_range(r, 0.5f, 0.8f)),
				      xl_draw_range(r, 0.45f, 0.9f));
	k->gloss = k->lipstick ? xl_draw_range(r, 0.05f, 0.25f) : xl_draw_range(r, 0.01f, 0.08f);
}

static void draw_body(struct xl_face *f, struct xl_rng *r)
{
	static const float mens[5] = {0.35f, 0.1f, 0, 0.25f, 0.3f},
			   womens[5] = {0.25f, 0.28f, 0.27f, 0.12f, 0.08f};
	static const float patterns[5] = {0.5f, 0.15f, 0.1f, 0.17f, 0.08f};
	struct xl_face_body *b = &f->body;
	bool m = f->is_male;

	b->neckline = (enum xl_neckline)xl_draw_pick(r, m ? mens : womens, 5);
	b->pattern = (enum xl_pattern)xl_draw_pick(r, patterns, 5);
	b->depth = xl_draw_range(r, 0.6f, 1.3f);
	b->period = xl_draw_range(r, 0.16f, 0.6f);
	b->angle = xl_draw_chance(r, 0.5f) ? xl_draw_about(r, 0, 0.1f)
					   : xl_draw_range(r, -1.57f, 1.57f);
	float h = xl_draw_range(r, 0, 1), s = xl_draw_range(r, 0.05f, 0.75f),
	      v = xl_draw_range(r, 0.1f, 0.92f);
	float turn = xl_draw_about(r, 0, 0.15f), v2 = v > 0.5f ? v - xl_draw_range(r, 0.15f, 0.45f)
							       : v + xl_draw_range(r, 0.15f, 0.5f);

	b->second = hsv(h + turn, 0.8f * s, v2);
	if (b->neckline == XL_NECK_SUIT) {
		s *= 0.35f;
		v = 0.08f + 0.35f * v;
		b->second = hsv(h, s, v + 0.06f);
	}
	b->color = hsv(h, s, v);
	b->inner = hsv(xl_draw_range(r, 0.5f, 0.7f), xl_draw_range(r, 0, 0.25f),
		       xl_draw_range(r, 0.75f, 0.95f));
	b->tie = hsv(xl_draw_range(r, 0, 1), xl_draw_range(r, 0.3f, 0.8f),
		     xl_draw_range(r, 0.2f, 0.6f));
	b->has_tie = b->neckline == XL_NECK_SUIT && m && xl_draw_chance(r, 0.75f);
	b->has_earrings = !m && xl_draw_chance(r, 0.3f);
	b->has_necklace = !m && (b->neckline == XL_NECK_V || b->neckline == XL_NECK_WIDE) &&
			  xl_draw_chance(r, 0.3f);
	b->metal = xl_draw_chance(r, 0.5f) ? xl_rgb_of(222, 186, 110) : xl_rgb_of(210, 212, 216);
	b->seed = xl_rng_u32(r);
}

static void draw_back(struct xl_face *f, struct xl_rng *r)
{
	static const float kinds[7] = {0.24f, 0.2f, 0.14f, 0.1f, 0.12f, 0.1f, 0.1f};
	struct xl_face_back *b = &f->back;
	float h, s, v;

	b->kind = (enum xl_backdrop)xl_draw_pick(r, kinds, 7);
	h = b->kind == XL_BACK_LEAVES ? xl_draw_range(r, 0.18f, 0.40f) : xl_draw_range(r, 0, 1);
	s = xl_draw_range(r, 0.03f, 0.46f) * (b->kind == XL_BACK_WALL ? 0.6f : 1);
	v = xl_draw_range(r, 0.15f, 0.9f);
	b->a = hsv(h, s, v);
	b->b = hsv(h + xl_draw_about(r, 0, 0.08f), s * xl_draw_range(r, 0.5f, 1.3f),
		   xl_clampf(v + xl_draw_about(r, 0, 0.18f), 0.06f, 0.95f));
	b->c = hsv(h + xl_draw_about(r, 0, 0.15f), s * xl_draw_range(r, 0.4f, 1.2f),
		   xl_clampf(v + xl_draw_about(r, 0, 0.28f), 0.05f, 0.97f));
	b->angle = xl_draw_chance(r, 0.5f) && b->kind == XL_BACK_BANDS
			   ? xl_draw_about(r, 0, 0.06f)
			   : xl_draw_range(r, -3.14f, 3.14f);
	b->scale = xl_draw_range(r, 1.8f, 5);
	b->x = xl_draw_range(r, -1, 1);
	b->y = xl_draw_range(r, -1, 1);
	b->seed = xl_rng_u32(r);
}

static void draw_sensor(struct xl_face *f, struct xl_rng *r)
{
	struct xl_face_sensor *s = &f->sensor;

	s->blur = xl_draw_chance(r, 0.5f) ? xl_draw_range(r, 0, 0.14f) : 0;
	s->noise = xl_draw_range(r, 0.4f, 2.2f);
	s->gain = xl_draw_about(r, 1.0f, 0.07f);
	s->vignette = xl_draw_range(r, 0, 0.5f);
	s->seed = xl_rng_u32(r);
}

void xl_face_draw(struct xl_face *f, uint64_t seed, uint32_t index, uint32_t role)
{
	static void (*const draw[OF_COUNT])(struct xl_face *,
					    struct xl_rng *) = {[OF_PERSON] = draw_person,
								[OF_POSE] = draw_pose,
								[OF_LIGHT] = draw_light,
								[OF_SHAPE] = draw_shape,
								[OF_SKIN] = draw_skin,
								[OF_EYES] = draw_eyes,
								[OF_LIPS] = draw_lips,
								[OF_HAIR] = xl_face_draw_hair,
								[OF_DYE] = xl_face_draw_dye,
								[OF_SMILE] = xl_face_draw_smile,
								[OF_GLASSES] = xl_face_draw_glasses,
								[OF_BEARD] = xl_face_draw_beard,
								[OF_BODY] = draw_body,
								[OF_BACK] = draw_back,
								[OF_SENSOR] = draw_sensor,
								[OF_BROWS] = draw_brows};

	*f = (struct xl_face){0};
	for (uint32_t k = 0; k < OF_COUNT; k++) {
		struct xl_rng r;

		xl_rng_init(&r, seed, XL_RNG_SYNTH, index, 64 * role + k);
		draw[k](f, &r);
	}
}
