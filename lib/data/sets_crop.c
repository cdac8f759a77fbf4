/*
 * sets_crop.c - the geometry of xl-crop.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "core/opt.h"
#include "core/rng.h"
#include "data/sets_crop.h"

int xl_crop_parse_size(const char *what, const char *s, struct xl_crop *c)
{
	const char *x = strchr(s, 'x');
	char *w = xl_strdup(s);
	int rc = -1;

	if (!w)
		return -1;
	if (x)
		w[x - s] = '\0';
	if (!xl_parse_int(what, w, x ? 1 : 0, XL_SIZE_MAX, &c->w) &&
	    (!x || !xl_parse_int(what, x + 1, 1, XL_SIZE_MAX, &c->h)))
		rc = 0;
	if (rc)
		xl_err("%s: '%s' is not a size: pixels up to %d, WIDTHxHEIGHT, or 0", what, s,
		       XL_SIZE_MAX);
	else if (!x)
		c->h = c->w;
	free(w);
	return rc;
}

static struct xl_box largest(int64_t w, int64_t h, int64_t tw, int64_t th)
{
	struct xl_box b = {0, 0, w, h};

	if (w * th > h * tw)
		b.w = h * tw / th;
	else
		b.h = w * th / tw;
	b.w = b.w < 1 ? 1 : b.w;
	b.h = b.h < 1 ? 1 : b.h;
	return b;
}

struct xl_box xl_crop_box(const struct xl_crop *c, int64_t w, int64_t h, const uint32_t uv[2])
{
	int64_t tw = c->w ? c->w : 1, th = c->h ? c->h : 1;
	struct xl_box b = {0, 0, w, h};

	if (c->take == XL_CROP_ALL || (c->take == XL_CROP_LARGEST && !c->w))
		return b;
	b = largest(w, h, tw, th);
	if (c->take > 0) {
		int64_t least = tw < th ? tw : th;
		int64_t cw = c->take * tw / least, ch = c->take * th / least;
		if (cw <= w && ch <= h) {
			b.w = cw;
			b.h = ch;
		}
	}
	b.x = c->random ? (int64_t)((uint64_t)(w - b.w + 1) * uv[0] >> 32) : (w - b.w) / 2;
	b.y = c->random ? (int64_t)((uint64_t)(h - b.h + 1) * uv[1] >> 32) : (h - b.h) / 2;
	return b;
}

struct xl_tensor *xl_crop_apply(const struct xl_crop *c, struct xl_tensor *t, uint32_t index)
{
	struct xl_rng r;
	uint32_t draw[3];

	/* All draws are made, so that one option does not move those of another. */
	xl_rng_init(&r, c->seed, XL_RNG_AUGMENT, 0, index);
	for (int i = 0; i < 3; i++)
		draw[i] = xl_rng_u32(&r);
	if (c->flip && draw[0] >> 31)
		xl_image_flip(t);
	struct xl_box b = xl_crop_box(c, t->shape[2], t->shape[1], draw + 1);
	if (c->smaller && (b.w < b.h ? b.w : b.h) < c->take)
		atomic_fetch_add(c->smaller, 1);
	return xl_image_resize(t, b, c->h ? c->h : b.h, c->w ? c->w : b.w);
}
