/*
 * faces_head.c - the set `faces`: a face on a canvas, pixel by pixel, and the
 * head itself: outline, surface, skin, nose, ears. The other layers are in the
 * files beside this one.
 */
#include "data/faces.h"

#include <math.h>

static void add_bump(struct xl_face *f, float x, float y, float rx, float ry, float h)
{
	struct xl_face_bump *b = &f->bump[f->n_bumps++];

	b->x = x;
	b->y = y;
	b->rx = rx;
	b->ry = ry;
	b->h = h;
}

static void add_two(struct xl_face *f, float x, float y, float rx, float ry, float h)
{
	add_bump(f, x, y, rx, ry, h);
	add_bump(f, -x, y, rx, ry, h);
}

/* The surface must not depend on what can be exchanged: a smile has to leave
 * the cheeks as they are. */
void xl_face_prepare(struct xl_face *f, int size)
{
	const struct xl_face_nose *n = &f->nose;
	float tip = 0.30f * f->pose.yaw, old = xl_clampf(f->age - 0.4f, 0, 1);

	f->cos_tilt = cosf(f->pose.tilt);
	f->sin_tilt = sinf(f->pose.tilt);
	f->px = 1 / (f->pose.unit * (float)size);
	f->n_bumps = 0;
	add_two(f, 0.46f, -0.26f, 0.62f, 0.26f, f->is_male ? 0.075f : 0.045f);
	add_two(f, 0.46f, 0.04f, 0.42f, 0.30f, -0.085f);
	add_two(f, 0.62f, 0.56f, 0.52f, 0.48f, 0.07f * f->shape.cheek);
	add_two(f, 1.02f, -0.5f, 0.45f, 0.6f, -0.05f);
	add_bump(f, 0.5f * tip, 0.22f * n->length, 0.26f * n->width, 0.62f, 0.085f * n->bridge);
	add_bump(f, tip, 0.60f * n->length, 0.25f * n->width, 0.27f, 0.135f * n->height);
	add_bump(f, tip + 0.19f * n->width, 0.67f * n->length, 0.15f, 0.14f, 0.05f);
	add_bump(f, tip - 0.19f * n->width, 0.67f * n->length, 0.15f, 0.14f, 0.05f);
	add_bump(f, 0, f->lips.y - 0.22f, 0.10f, 0.16f, -0.02f);
	add_bump(f, 0, f->lips.y, 0.58f, 0.42f, 0.08f);
	add_bump(f, 0, f->lips.y + 0.28f, 0.34f, 0.14f, -0.035f);
	add_bump(f, 0, 1.64f * f->shape.jaw_y, 0.34f, 0.26f, 0.075f * f->shape.chin);
	add_two(f, 0.52f, 0.32f, 0.30f, 0.10f, -0.02f * f->skin.bags - 0.02f * old);
}

struct xl_rgb xl_face_shade(const struct xl_face *f, float nx, float ny, float nz, float soft)
{
	const struct xl_face_light *l = &f->light;
	float d = nx * l->x + ny * l->y + nz * l->z;
	/* red travels further under skin, so the edge of the shade is warm */
	float r = (d + soft) / (1 + soft), g = (d + 0.6f * soft) / (1 + 0.6f * soft);
	float b = (d + 0.5f * soft) / (1 + 0.5f * soft);
	struct xl_rgb key = {r > 0 ? r : 0, g > 0 ? g : 0, b > 0 ? b : 0};
	struct xl_rgb around = xl_rgb_mix(l->sky, l->ground, 0.5f + 0.5f * ny);

	return xl_rgb_add(xl_rgb_mul(l->key, key), around);
}

/* The outline of skull, jaw and chin; distances are along the ray from the
 * middle of the jaw where that is the nearest. */
static float head_distance(const struct xl_face *f, float u, float v)
{
	const struct xl_face_shape *s = &f->shape;
	float yaw = f->pose.yaw;
	float skull = xl_sd_ellipse(u + 0.25f * yaw, v + 0.42f, 1.17f * s->width, 1.38f);
	float x = u - 0.3f * yaw, y = v - 0.45f;
	float ax = fabsf(x) / (1.0f * s->jaw * s->width), ay = fabsf(y) / (1.36f * s->jaw_y);
	float r = powf(powf(ax, s->square) + powf(ay, s->square), 1 / s->square);
	float jaw = sqrtf(x * x + y * y) * (1 - 1 / (r + 1e-4f));
	float cr = 0.40f * s->chin, cx = u - 0.45f * yaw, cy = v - (1.86f * s->jaw_y - cr);
	float chin = sqrtf(cx * cx + cy * cy) - cr;

	return xl_smin(skull, xl_smin(jaw, chin, 0.3f), 0.25f);
}

static void set_normal(const struct xl_face *f, struct xl_spot *s)
{
	float ex = (s->u - 0.12f * f->pose.yaw) / (1.24f * f->shape.width);
	float ey = s->v < 0 ? s->v / 1.95f : s->v / 2.05f;
	float q = ex * ex + ey * ey, flat = sqrtf(q < 1 ? q : 1);
	float nx = ex * (0.35f + 0.65f * flat), ny = ey * (0.3f + 0.6f * flat);
	float nz = sqrtf(xl_clampf(1 - nx * nx - ny * ny, 0.06f, 1));

	nx += 0.35f * f->pose.yaw;
	ny += 0.35f * f->pose.pitch;
	for (int i = 0; i < f->n_bumps; i++) {
		const struct xl_face_bump *b = &f->bump[i];
		float dx = s->x - b->x, dy = s->y - b->y;
		float kx = 1 / (b->rx * b->rx), ky = 1 / (b->ry * b->ry);
		float t = 1 - dx * dx * kx - dy * dy * ky;

		if (t > 0) {
			nx += 4 * b->h * t * dx * kx;
			ny += 4 * b->h * t * dy * ky;
		}
	}
	float k = 1 / sqrtf(nx * nx + ny * ny + nz * nz);

	s->nx = nx * k;
	s->ny = ny * k;
	s->nz = nz * k;
	s->lit = xl_face_shade(f, s->nx, s->ny, s->nz, 0.4f);
}

/* Where on the picture, the body, the head and the turned face pixel i, j is. */
static void set_spot(const struct xl_face *f, struct xl_spot *s, int i, int j, int size)
{
	const struct xl_face_pose *p = &f->pose;

	s->sx = ((float)i + 0.5f) / (float)size;
	s->sy = ((float)j + 0.5f) / (float)size;
	float dx = (s->sx - p->cx) / p->unit, dy = (s->sy - p->cy) / p->unit;

	s->px = f->px;
	s->bx = dx + 2.2f * f->sin_tilt;
	s->by = dy;
	s->u = f->cos_tilt * dx + f->sin_tilt * dy;
	s->v = f->cos_tilt * dy - f->sin_tilt * dx;
	/* the face turns as a drum does: its middle moves, its sides stay */
	float qu = s->u / 1.3f, qv = s->v / 2.1f;
	float keep_u = 1 - qu * qu, keep_v = 1 - qv * qv;

	s->x = s->u - (keep_u > 0 ? p->yaw * keep_u : 0);
	s->y = s->v - (keep_v > 0 ? p->pitch * keep_v : 0);
	s->head = head_distance(f, s->u, s->v);
	s->lit = xl_face_shade(f, 0, 0, 1, 0);
}

void xl_face_ears(const struct xl_face *f, const struct xl_spot *s, struct xl_paint *p)
{
	float side = s->u + 0.25f * f->pose.yaw < 0 ? -1 : 1;
	/* the ear on the side that turns away goes behind the head */
	float turn = side * f->pose.yaw;
	float cx = side * (1.17f * f->shape.width - 0.02f - 0.25f * (turn > 0 ? turn : 0)) -
		   0.25f * f->pose.yaw;
	float x = side * (s->u - cx), y = s->v - 0.22f - 0.2f * f->pose.pitch;

	if (fabsf(x) > 0.5f || fabsf(y) > 0.8f)
		return;
	float e = f->shape.ear, tx = x - 0.10f * y * -1;
	float upper = xl_sd_ellipse(tx - 0.01f, y + 0.12f, 0.17f * e, 0.28f * e);
	float lobe = xl_sd_ellipse(tx + 0.02f, y - 0.22f, 0.10f * e, 0.16f * e);
	float d = xl_smin(upper, lobe, 0.12f), a = xl_cover(d, s->px, 0.03f);
	struct xl_rgb lit = xl_face_shade(f, side * 0.55f, -0.1f, 0.75f, 0.5f);
	struct xl_rgb c = xl_rgb_mul(f->skin.color, lit);
	/* the hollow of the shell, and the shade of the head beside it */
	float hollow = xl_ramp(-0.05f, -0.13f, d) * xl_ramp(0.28f, 0.05f, y);

	c = xl_rgb_mix(c, (struct xl_rgb){c.r * 0.62f, c.g * 0.45f, c.b * 0.42f}, 0.75f * hollow);
	c = xl_rgb_mix(c, (struct xl_rgb){c.r * 1.02f, c.g * 0.82f, c.b * 0.78f}, 0.5f);
	c = xl_rgb_scale(c, 0.62f + 0.38f * xl_ramp(0.02f, 0.25f, s->head));
	xl_paint_over(p, xl_rgb_scale(c, xl_face_hair_shadow(f, s)), a, -1);
	if (f->body.has_earrings) {
		float ex = x + 0.05f, ey = y - 0.39f * e, r = sqrtf(ex * ex + ey * ey) - 0.06f;
		float shine = 0.5f + 0.9f * xl_ramp(0.05f, -0.05f, ex * f->light.x * side + ey);

		xl_paint_over(p, xl_rgb_scale(f->body.metal, shine), xl_cover(r, s->px, 0), -1);
	}
}

/* What is darker than its slope alone would make it: corners and undersides. */
static float occlusion(const struct xl_face *f, const struct xl_spot *s)
{
	const struct xl_face_nose *n = &f->nose;
	float tip = 0.30f * f->pose.yaw, k = 1;
	float under = (s->y - 0.86f * n->length) / 0.13f, sx = s->x - tip + 0.22f * f->light.x;

	k *= 1 - 0.30f * xl_hump(under) * xl_hump(sx / (0.34f * n->width));
	/* beside the wings of the nose and in the inner corners of the eyes */
	float wing = fabsf(s->x - tip) - 0.27f * n->width;
	k *= 1 - 0.22f * xl_hump(wing / 0.09f) * xl_hump((s->y - 0.68f * n->length) / 0.16f);
	k *= 1 - 0.16f * xl_hump((fabsf(s->x) - 0.22f) / 0.13f) * xl_hump((s->y + 0.02f) / 0.2f);
	k *= 1 - 0.25f * xl_hump(s->x / 0.3f) * xl_hump((s->y - f->lips.y - 0.27f) / 0.10f);
	k *= 1 - 0.18f * xl_ramp(-0.22f, 0.02f, s->head);
	for (int side = -1; side <= 1; side += 2) {
		float hx = (s->x - tip - (float)side * 0.105f * n->width) / (0.075f * n->width);
		float hy = (s->y - 0.765f * n->length) / 0.05f;

		k *= 1 - 0.72f * xl_hump(sqrtf(hx * hx + hy * hy) * 0.72f);
	}
	return k;
}

/* Lines of age: forehead, beside the nose, below the eyes. */
static float wrinkles(const struct xl_face *f, const struct xl_spot *s)
{
	float w = f->skin.wrinkles, k = 1;

	if (w <= 0)
		return 1;
	for (int i = 0; i < 3; i++) {
		float y = -0.62f - 0.17f * (float)i +
			  0.03f * xl_noise1(f->skin.seed + (uint32_t)i, 2 * s->x);

		k *= 1 - 0.16f * w * xl_hump((s->y - y) / 0.04f) * xl_hump(s->x / 0.75f);
	}
	float ax = fabsf(s->x), fold = ax - 0.30f - 0.30f * (s->y - 0.70f);

	k *= 1 - 0.26f * w * xl_hump(fold / 0.06f) * xl_hump((s->y - 0.95f) / 0.3f);
	float bag = s->y - 0.20f - 0.12f * (1 - (ax - 0.5f) * (ax - 0.5f) / 0.08f);

	k *= 1 - 0.20f * w * xl_hump(bag / 0.045f) * xl_hump((ax - 0.5f) / 0.26f);
	return k;
}

static struct xl_rgb skin_color(const struct xl_face *f, const struct xl_spot *s)
{
	const struct xl_face_skin *k = &f->skin;
	float ax = fabsf(s->x), tip = 0.30f * f->pose.yaw;
	float cheek = xl_hump(sqrtf((ax - 0.62f) * (ax - 0.62f) / 0.2f +
				    (s->y - 0.55f) * (s->y - 0.55f) / 0.16f));
	float nose = xl_hump((s->x - tip) / 0.26f) * xl_hump((s->y - 0.6f) / 0.28f);
	float red = k->rosy * (cheek + 0.7f * nose) + 0.05f;
	float tired = xl_hump((ax - 0.48f) / 0.34f) * xl_hump((s->y - 0.22f) / 0.2f) *
		      (0.10f + 0.22f * k->bags);
	struct xl_rgb c = k->color;
	float m = 1 + k->mottle * xl_fbm2(k->seed, 3.1f * s->x, 3.1f * s->y, 2);

	c.g *= 1 - 0.30f * red;
	c.b *= 1 - 0.28f * red;
	c = xl_rgb_mul(c, (struct xl_rgb){m * (1 - 0.7f * tired), m * (1 - tired),
					  m * (1 - 0.9f * tired)});
	if (k->freckles > 0) {
		float spots = xl_noise2(k->seed + 7, 17 * s->x, 17 * s->y) - 0.35f;

		if (spots > 0)
			c = xl_rgb_scale(c, 1 - 0.5f * k->freckles * spots * (cheek + nose));
	}
	return c;
}

void xl_face_head(const struct xl_face *f, struct xl_spot *s, struct xl_paint *p)
{
	float a = xl_cover(s->head, s->px, 0.035f);

	if (a < 1.0f / 512)
		return;
	set_normal(f, s);
	float dark = occlusion(f, s) * wrinkles(f, s) * xl_face_hair_shadow(f, s);
	struct xl_rgb c = xl_rgb_mul(skin_color(f, s), s->lit);
	const struct xl_face_light *l = &f->light;
	/* a broad gloss about the direction halfway between light and viewer */
	float hx = l->x, hy = l->y, hz = l->z + 1, hk = 1 / sqrtf(hx * hx + hy * hy + hz * hz);
	float h = (s->nx * hx + s->ny * hy + s->nz * hz) * hk;
	float gloss = h > 0 ? f->skin.shine * powf(h, 18) : 0;

	s->lit = xl_rgb_scale(s->lit, dark);
	c = xl_rgb_scale(c, dark);
	c = xl_rgb_add(c, xl_rgb_scale(l->key, gloss * dark));
	xl_paint_over(p, c, a, -1);
}

/* The optics and the eye of the camera, in linear light. */
static struct xl_rgb expose(const struct xl_face *f, const struct xl_spot *s, struct xl_rgb c)
{
	float dx = s->sx - 0.5f, dy = s->sy - 0.5f;
	float k = f->sensor.gain * (1 - f->sensor.vignette * (dx * dx + dy * dy));
	float top = c.r > c.g ? c.r : c.g;

	/* a gentle curve of contrast, as cameras apply */
	float lum = k * (0.25f * c.r + 0.65f * c.g + 0.1f * c.b);

	k *= 0.76f + 0.48f * lum / (lum + 0.25f);
	top = k * (top > c.b ? top : c.b);
	/* highlights roll off instead of clipping */
	if (top > 0.7f)
		k *= (0.7f + 0.3f * (1 - expf((0.7f - top) / 0.3f))) / top;
	return xl_rgb_scale(c, k);
}

void xl_face_paint(const struct xl_face *f, struct xl_canvas *c)
{
	for (int j = 0; j < c->size; j++) {
		for (int i = 0; i < c->size; i++) {
			size_t at = (size_t)j * (size_t)c->size + (size_t)i;
			struct xl_spot s = {0};
			struct xl_paint p = {0};

			set_spot(f, &s, i, j, c->size);
			xl_face_backdrop(f, &s, &p);
			xl_face_hair_behind(f, &s, &p);
			xl_face_body(f, &s, &p);
			xl_face_ears(f, &s, &p);
			xl_face_head(f, &s, &p);
			xl_face_beard(f, &s, &p);
			if (s.head < 0) {
				xl_face_eyes(f, &s, &p);
				xl_face_mouth(f, &s, &p);
				xl_face_mustache(f, &s, &p);
				xl_face_brows(f, &s, &p);
			}
			xl_face_glasses(f, &s, &p);
			xl_face_hair_front(f, &s, &p);
			c->rgb[at] = expose(f, &s, p.c);
			for (int k = 0; k < XL_PARTS; k++)
				c->mask[k][at] = p.mask[k];
		}
	}
	xl_canvas_blur(c, f->sensor.blur);
}
