/*
 * raster.c - the parts of raster.h that are not inline: colour conversion,
 * noise, distances, and the canvas with its way to bytes.
 */
#include "data/raster.h"

#include <math.h>
#include <stdlib.h>
#include "core/mem.h"

static float linear_of(float v)
{
	float s = xl_clampf(v / 255, 0, 1);

	return s <= 0.04045f ? s / 12.92f : powf((s + 0.055f) / 1.055f, 2.4f);
}

struct xl_rgb xl_rgb_of(float r, float g, float b)
{
	return (struct xl_rgb){linear_of(r), linear_of(g), linear_of(b)};
}

float xl_srgb_of(float x)
{
	if (!(x > 0))
		return 0;
	if (x >= 1)
		return 1;
	return x <= 0.0031308f ? 12.92f * x : 1.055f * powf(x, 1 / 2.4f) - 0.055f;
}

/* The finaliser of MurmurHash3 over a mixture of the three words. */
uint32_t xl_hash2(uint32_t seed, int32_t x, int32_t y)
{
	uint32_t h = seed ^ ((uint32_t)x * 0x9e3779b1u) ^ ((uint32_t)y * 0x85ebca77u);

	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	return h ^ h >> 16;
}

static float lattice(uint32_t seed, int32_t x, int32_t y)
{
	return (float)(xl_hash2(seed, x, y) >> 8) * (2.0f / 16777215) - 1;
}

/* The cell of x and the smooth weight of its upper end. */
static int32_t cell_of(float x, float *t)
{
	float f = floorf(xl_clampf(x, -1e9f, 1e9f)), d = x - f;

	*t = d * d * (3 - 2 * d);
	return (int32_t)f;
}

float xl_noise1(uint32_t seed, float x)
{
	float t;
	int32_t i = cell_of(x, &t);

	return xl_mixf(lattice(seed, i, 0), lattice(seed, i + 1, 0), t);
}

float xl_noise2(uint32_t seed, float x, float y)
{
	float tx, ty;
	int32_t i = cell_of(x, &tx), j = cell_of(y, &ty);
	float a = xl_mixf(lattice(seed, i, j), lattice(seed, i + 1, j), tx);
	float b = xl_mixf(lattice(seed, i, j + 1), lattice(seed, i + 1, j + 1), tx);

	return xl_mixf(a, b, ty);
}

float xl_fbm2(uint32_t seed, float x, float y, int octaves)
{
	float sum = 0, weight = 0.6f;

	for (int k = 0; k < octaves; k++) {
		sum += weight * xl_noise2(seed + (uint32_t)k, x, y);
		weight *= 0.5f;
		x = 2.03f * x + 17.1f;
		y = 2.03f * y - 9.7f;
	}
	return sum;
}

float xl_sd_ellipse(float x, float y, float rx, float ry)
{
	float a = x / rx, b = y / ry, f = sqrtf(a * a + b * b);
	float g = sqrtf(a * a / (rx * rx) + b * b / (ry * ry));

	return g < 1e-6f ? -(rx < ry ? rx : ry) : f * (f - 1) / g;
}

float xl_sd_box(float x, float y, float hx, float hy, float r)
{
	float dx = fabsf(x) - hx + r, dy = fabsf(y) - hy + r;
	float ox = dx > 0 ? dx : 0, oy = dy > 0 ? dy : 0, in = dx > dy ? dx : dy;

	return sqrtf(ox * ox + oy * oy) + (in < 0 ? in : 0) - r;
}

float xl_sd_segment(float x, float y, float ax, float ay, float bx, float by)
{
	float px = x - ax, py = y - ay, dx = bx - ax, dy = by - ay;
	float t = xl_clampf((px * dx + py * dy) / (dx * dx + dy * dy + 1e-12f), 0, 1);
	float ex = px - t * dx, ey = py - t * dy;

	return sqrtf(ex * ex + ey * ey);
}

float xl_smin(float a, float b, float k)
{
	float h = xl_clampf(0.5f + 0.5f * (b - a) / k, 0, 1);

	return xl_mixf(b, a, h) - k * h * (1 - h);
}

struct xl_canvas *xl_canvas_new(int size)
{
	struct xl_canvas *c = xl_alloc(1, sizeof *c);
	size_t n;

	if (c == NULL)
		return NULL;
	c->size = size;
	if (xl_mul((size_t)size, (size_t)size, &n) < 0)
		goto fail;
	c->rgb = xl_alloc(n, sizeof *c->rgb);
	c->tmp = xl_alloc(n, sizeof *c->tmp);
	if (c->rgb == NULL || c->tmp == NULL)
		goto fail;
	for (int k = 0; k < XL_RASTER_MASKS; k++) {
		c->mask[k] = xl_alloc(n, sizeof(float));
		if (c->mask[k] == NULL)
			goto fail;
	}
	return c;
fail:
	xl_canvas_free(c);
	return NULL;
}

void xl_canvas_free(struct xl_canvas *c)
{
	if (c == NULL)
		return;
	for (int k = 0; k < XL_RASTER_MASKS; k++)
		free(c->mask[k]);
	free(c->tmp);
	free(c->rgb);
	free(c);
}

/* One pass of the filter over n lines of n values of `width` floats; edges
 * repeat. to and from differ. */
static void blur_pass(float *to, const float *from, int n, int width, bool vertical, float k)
{
	size_t row = (size_t)n * (size_t)width;
	size_t step = vertical ? row : (size_t)width;

	for (int y = 0; y < n; y++) {
		for (int x = 0; x < n; x++) {
			size_t at = (size_t)y * row + (size_t)x * (size_t)width;
			int pos = vertical ? y : x;
			size_t lo = pos > 0 ? at - step : at, hi = pos < n - 1 ? at + step : at;

			for (int c = 0; c < width; c++)
				to[at + (size_t)c] =
					(1 - 2 * k) * from[at + (size_t)c] +
					k * (from[lo + (size_t)c] + from[hi + (size_t)c]);
		}
	}
}

void xl_canvas_blur(struct xl_canvas *c, float k)
{
	float *tmp = &c->tmp[0].r;

	if (!(k > 0))
		return;
	blur_pass(tmp, &c->rgb[0].r, c->size, 3, false, k);
	blur_pass(&c->rgb[0].r, tmp, c->size, 3, true, k);
	for (int m = 0; m < XL_RASTER_MASKS; m++) {
		blur_pass(tmp, c->mask[m], c->size, 1, false, k);
		blur_pass(c->mask[m], tmp, c->size, 1, true, k);
	}
}

static uint8_t byte_of(float linear, float noise)
{
	float v = 255 * xl_srgb_of(linear) + noise + 0.5f;

	return (uint8_t)xl_clampf(v, 0, 255);
}

/* The sum of four bytes is near enough to normal: mean 510, deviation 147.8. */
static float noise_of(uint32_t h)
{
	float s = (float)(h & 255) + (float)(h >> 8 & 255) + (float)(h >> 16 & 255) +
		  (float)(h >> 24);

	return (s - 510) * (1 / 147.8f);
}

struct xl_tensor *xl_canvas_image(const struct xl_canvas *c, float sigma, uint32_t seed)
{
	int64_t shape[3] = {3, c->size, c->size};
	struct xl_tensor *t = xl_tensor_new(XL_U1, 3, shape);
	size_t n = (size_t)c->size * (size_t)c->size;

	if (t == NULL)
		return NULL;
	uint8_t *out = t->data;
	for (size_t i = 0; i < n; i++) {
		/* most of a sensor's noise is common to the three channels */
		float common = 0.8f * noise_of(xl_hash2(seed, (int32_t)i, 3));

		for (int k = 0; k < 3; k++) {
			float own = 0.6f * noise_of(xl_hash2(seed, (int32_t)i, k));
			float v = k == 0 ? c->rgb[i].r : k == 1 ? c->rgb[i].g : c->rgb[i].b;

			out[(size_t)k * n + i] = byte_of(v, sigma * (common + own));
		}
	}
	return t;
}

struct xl_tensor *xl_canvas_mask(const struct xl_canvas *c, int k)
{
	int64_t shape[3] = {1, c->size, c->size};
	struct xl_tensor *t = xl_tensor_new(XL_U1, 3, shape);
	size_t n = (size_t)c->size * (size_t)c->size;

	if (t == NULL)
		return NULL;
	uint8_t *out = t->data;
	for (size_t i = 0; i < n; i++) {
		float v = c->mask[k][i];
		float b = xl_clampf(255 * v + 0.5f, v > 0 ? 1 : 0, 255);

		out[i] = (uint8_t)b;
	}
	return t;
}
