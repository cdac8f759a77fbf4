/*
 * raster.h - painting made pictures: linear colour, coverage from signed
 * distances, value noise, a canvas with masks. Used by the synthetic sets; the
 * inline part is what runs once for each pixel and layer.
 */
#ifndef XL_DATA_RASTER_H
#define XL_DATA_RASTER_H

#include <math.h>
#include <stdint.h>
#include "xl.h"

enum { XL_RASTER_MASKS = 4 };

/* Linear light, 0..1 and above. */
struct xl_rgb {
	float r, g, b;
};

/* One pixel while layers are laid on it, back to front. mask[k] is the share of
 * the pixel on which part k is what one sees, or what changed it. */
struct xl_paint {
	struct xl_rgb c;
	float mask[XL_RASTER_MASKS];
};

/* A square picture; rgb is size * size colours, masks XL_RASTER_MASKS planes. */
struct xl_canvas {
	int size;
	struct xl_rgb *rgb, *tmp;
	float *mask[XL_RASTER_MASKS];
};

static inline float xl_clampf(float x, float lo, float hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

static inline float xl_mixf(float a, float b, float t)
{
	return a + (b - a) * t;
}

/* xl_ramp - 0 below a, 1 above b, smooth between; a > b turns it round */
static inline float xl_ramp(float a, float b, float x)
{
	float t = xl_clampf((x - a) / (b - a), 0, 1);

	return t * t * (3 - 2 * t);
}

/* xl_hump - 1 at 0, falling smoothly to 0 at |x| = 1 */
static inline float xl_hump(float x)
{
	float t = 1 - x * x;

	return t > 0 ? t * t : 0;
}

/* xl_cover - coverage of a pixel of width px by a shape at signed distance d,
 * whose edge is at least `soft` wide */
static inline float xl_cover(float d, float px, float soft)
{
	float w = px > soft ? px : soft;

	return xl_clampf(0.5f - d / w, 0, 1);
}

static inline struct xl_rgb xl_rgb_mix(struct xl_rgb a, struct xl_rgb b, float t)
{
	return (struct xl_rgb){xl_mixf(a.r, b.r, t), xl_mixf(a.g, b.g, t), xl_mixf(a.b, b.b, t)};
}

static inline struct xl_rgb xl_rgb_scale(struct xl_rgb a, float k)
{
	return (struct xl_rgb){a.r * k, a.g * k, a.b * k};
}

static inline struct xl_rgb xl_rgb_mul(struct xl_rgb a, struct xl_rgb b)
{
	return (struct xl_rgb){a.r * b.r, a.g * b.g, a.b * b.b};
}

static inline struct xl_rgb xl_rgb_add(struct xl_rgb a, struct xl_rgb b)
{
	return (struct xl_rgb){a.r + b.r, a.g + b.g, a.b + b.b};
}

/*
 * xl_paint_mark - say that part k now owns share a of what is seen here
 * xl_paint_over - lay colour c with coverage a; part k (or -1) becomes visible
 *
 * A coverage below 1/512 is none at all, so a mask of exactly 0 promises that
 * the part has not touched the pixel. Full coverage forgets what was below to
 * the last bit.
 */
static inline void xl_paint_mark(struct xl_paint *p, float a, int k)
{
	for (int i = 0; i < XL_RASTER_MASKS; i++)
		p->mask[i] *= 1 - a;
	if (k >= 0)
		p->mask[k] += a;
}

static inline void xl_paint_over(struct xl_paint *p, struct xl_rgb c, float a, int k)
{
	if (a < 1.0f / 512)
		return;
	if (a >= 1) {
		a = 1;
		p->c = c;
	} else {
		p->c = xl_rgb_mix(p->c, c, a);
	}
	xl_paint_mark(p, a, k);
}

/*
 * xl_paint_tone  - darken or brighten by factor k over share a; no mask changes
 * xl_paint_touch - part k has changed share a of what shines through it, and
 *                  what is below still shows
 */
static inline void xl_paint_tone(struct xl_paint *p, float k, float a)
{
	if (a >= 1.0f / 512)
		p->c = xl_rgb_scale(p->c, 1 + a * (k - 1));
}

static inline void xl_paint_touch(struct xl_paint *p, float a, int k)
{
	if (a >= 1.0f / 512)
		p->mask[k] += (1 - p->mask[k]) * xl_clampf(a, 0, 1);
}

/* xl_rgb_of - the linear colour of sRGB values 0..255; xl_srgb_of - one linear
 * value as sRGB 0..1 */
struct xl_rgb xl_rgb_of(float r, float g, float b);
float xl_srgb_of(float x);

/* xl_hash2 - 32 bits that depend on all three arguments */
uint32_t xl_hash2(uint32_t seed, int32_t x, int32_t y);

/*
 * xl_noise1, xl_noise2 - smooth value noise in -1..1, period 2^32
 * xl_fbm2 - the sum of octaves of halving size and weight, about -1..1
 */
float xl_noise1(uint32_t seed, float x);
float xl_noise2(uint32_t seed, float x, float y);
float xl_fbm2(uint32_t seed, float x, float y, int octaves);

/* Signed distances, negative inside: an ellipse (first order), a box with
 * rounded corners, a segment from a to b. */
float xl_sd_ellipse(float x, float y, float rx, float ry);
float xl_sd_box(float x, float y, float hx, float hy, float r);
float xl_sd_segment(float x, float y, float ax, float ay, float bx, float by);

/* xl_smin - the smaller of two distances, rounded where they meet over width k */
float xl_smin(float a, float b, float k);

/*
 * xl_canvas_new - a black square picture with empty masks
 *
 * Owns     the caller frees it with xl_canvas_free
 * Errors   NULL with xl_err set
 */
struct xl_canvas *xl_canvas_new(int size);
void xl_canvas_free(struct xl_canvas *c);

/* xl_canvas_blur - the filter (k, 1-2k, k) both ways on colours and on masks,
 * so that masks still cover all that a part has changed; 0 <= k <= 1/3 */
void xl_canvas_blur(struct xl_canvas *c, float k);

/*
 * xl_canvas_image - the picture as bytes: sRGB, then noise in 8-bit levels of
 *                   deviation sigma, the same for the same seed
 * xl_canvas_mask  - plane k as bytes; any coverage above 0 is at least 1
 *
 * Shapes   (3,S,S) |u1; (1,S,S) |u1
 * Errors   NULL with xl_err set
 */
struct xl_tensor *xl_canvas_image(const struct xl_canvas *c, float sigma, uint32_t seed);
struct xl_tensor *xl_canvas_mask(const struct xl_canvas *c, int k);

#endif
