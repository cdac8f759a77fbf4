/*
 * train_samples.c - sample sheets.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "data/outname.h"
#include "data/pairs.h"
#include "image/image.h"
#include "train/train_files.h"
#include "train/train_samples.h"

enum { COLUMNS = 7, GAP = 4, SIDE = 96 /* pixels that hold the labels */ };

static const char *const labels[COLUMNS] = {"1",      "mask of 1", "2",     "mask of 2",
					    "1 as 2", "2 as 1",    "1 as 1"};
/* of a method that takes out what the other domain brings in */
static const char *const labels_removal[COLUMNS] = {"1",      "mask of 1", "2",     "mask of 2",
						    "1 as 2", "2 without", "1 as 1"};
/* of a method without masks that draws styles */
static const char *const labels_drawn[COLUMNS] = {"1",      "1 drawn", "2",     "2 drawn",
						  "1 as 2", "2 as 1",  "1 as 1"};

static bool removes(const struct xl_model *m)
{
	return xl_method_can(m->method, "remove");
}

static bool draws(const struct xl_model *m)
{
	return !m->method->mask && xl_method_can(m->method, "sample");
}

static bool labels_differ(const struct xl_spool *s, uint32_t a, uint32_t b)
{
	const size_t n = (size_t)s->labels.n;

	return n == 0 || memcmp(s->y + a * n, s->y + b * n, n) != 0;
}

/* The next image from `from` that may stand on side k; n where there is none. */
static uint32_t next_on(const struct xl_spool *s, uint32_t from, int k)
{
	while (s->paired && from < s->n && s->domain[from] != k)
		from++;
	return from;
}

static void choose_pairs(struct xl_samples *s)
{
	const struct xl_spool *p = s->spool;
	uint32_t a = 0, b = 0;

	for (s->n = 0; s->n < XL_SAMPLES_PAIRS; s->n++) {
		a = next_on(p, a, 0);
		b = next_on(p, p->paired ? b : a + 1, 1);
		for (uint32_t i = b; !p->paired && i < p->n; i++) {
			if (labels_differ(p, a, i)) {
				b = i;
				break;
			}
		}
		if (a >= p->n || b >= p->n)
			break;
		s->image[s->n][0] = a;
		s->image[s->n][1] = b;
		a = p->paired ? a + 1 : b + 1;
		b++;
	}
}

int xl_samples_init(struct xl_samples *s, const struct xl_spool *spool, const char *dir)
{
	memset(s, 0, sizeof *s);
	s->spool = spool;
	s->dir = dir;
	if (xl_make_dir(dir))
		return -1;
	s->tape = xl_tape_new();
	choose_pairs(s);
	return s->tape ? 0 : -1;
}

void xl_samples_done(struct xl_samples *s)
{
	xl_tape_free(s->tape);
	memset(s, 0, sizeof *s);
}

/* All of a picture, at the model's size. */
static struct xl_record *record_of(const struct xl_spool *s, uint32_t i, int64_t size)
{
	const struct xl_tensor whole = xl_spool_picture(s, i);
	struct xl_record *r = xl_record_new(XL_IMAGE, xl_spool_id(s, i));
	struct xl_tensor *x =
		xl_image_resize(&whole, (struct xl_box){0, 0, s->size, s->size}, size, size);

	if (r && xl_record_put(r, "x", x) == 0 &&
	    (s->domain[i] > 1 || xl_meta_set_str(r, "domain", s->domain[i] ? "B" : "A") == 0))
		return r;
	if (!r)
		xl_tensor_free(x);
	xl_record_free(r);
	return NULL;
}

/* Small pictures larger, by whole pixels; NULL for NULL. */
static struct xl_tensor *enlarge(const struct xl_tensor *t)
{
	const int64_t k = t ? xl_div_up(SIDE, t->shape[1]) : 1;
	const int64_t h = t ? t->shape[1] * k : 0, w = t ? t->shape[2] * k : 0;
	const size_t size = t ? xl_dtype_size(t->dtype) : 0;
	struct xl_tensor *big = NULL;

	if (t)
		big = xl_tensor_new(t->dtype, 3, (const int64_t[]){t->shape[0], h, w});
	for (int64_t i = 0; big && i < xl_tensor_count(big); i++) {
		const int64_t row = i / w / h * t->shape[1] + i / w % h / k;
		const size_t from = (size_t)(row * t->shape[2] + i % w / k);

		memcpy((char *)big->data + (size_t)i * size, (char *)t->data + from * size, size);
	}
	return big;
}

/* out of r after the exemplar, or of r alone, or as fuse does without an exemplar where
 * that is r itself; mask (may be NULL) gets the mask it was made with over this image. */
static int translate(struct xl_samples *s, struct xl_model *m, const struct xl_record *r,
		     const struct xl_record *exemplar, const struct xl_tensor *image,
		     struct xl_tensor **out, struct xl_tensor **mask)
{
	const char *mode = exemplar != r ? NULL : removes(m) ? "remove" : "sample";
	struct xl_record *c = xl_record_copy(r);
	struct xl_record *e = exemplar ? xl_record_copy(exemplar) : NULL;
	const struct xl_tensor *t;
	struct xl_cells g;
	int rc = -1;

	if (!c || (exemplar && !e) || xl_pair_mode(c, mode, 0, (int64_t)m->seed) ||
	    (e ? xl_stage_fuse(m, s->tape, c, e) : 0) || xl_stage_decode(m, s->tape, c))
		goto out;
	*out = enlarge(xl_record_tensor(c, "out"));
	t = xl_record_tensor(c, "m");
	if (mask && t && xl_cells_of_mask(c, "m", &g) == 0)
		*mask = xl_image_heat(image, t, &g);
	rc = *out && (!mask || !t || *mask) ? 0 : -1;
out:
	xl_record_free(c);
	xl_record_free(e);
	return rc;
}

/* One row of the sheet. */
static int draw_pair(struct xl_samples *s, struct xl_model *m, const uint32_t image[2],
		     struct xl_tensor **cell)
{
	const int64_t size = xl_model_int(m, "size");
	struct xl_record *r[2] = {record_of(s->spool, image[0], size),
				  record_of(s->spool, image[1], size)};
	int rc = -1;

	for (int k = 0; k < 2; k++)
		if (!r[k] || !(cell[2 * k] = enlarge(xl_record_tensor(r[k], "x"))) ||
		    xl_stage_encode(m, s->tape, r[k]))
			goto out;
	rc = translate(s, m, r[0], r[1], cell[0], &cell[4], &cell[1]) ||
	     translate(s, m, r[1], r[removes(m)], cell[2], &cell[5], &cell[3]) ||
	     translate(s, m, r[0], NULL, NULL, &cell[6], NULL);
	for (int k = 0; rc == 0 && draws(m) && k < 2; k++)
		rc = translate(s, m, r[k], r[k], NULL, &cell[2 * k + 1], NULL);
out:
	xl_record_free(r[0]);
	xl_record_free(r[1]);
	return rc ? -1 : 0;
}

int xl_samples_write(struct xl_samples *s, struct xl_model *m)
{
	struct xl_tensor *cell[XL_SAMPLES_PAIRS * COLUMNS] = {NULL}, *sheet = NULL;
	const char *label[XL_SAMPLES_PAIRS * COLUMNS] = {NULL};
	char *before = xl_strf("%s/", s->dir);
	char *path = before ? xl_train_numbered(before, m->step, ".png") : NULL;
	int rc = path ? 0 : -1;

	memcpy(label,
	       removes(m) ? labels_removal
	       : draws(m) ? labels_drawn
			  : labels,
	       sizeof labels);
	for (int i = 0; i < s->n && rc == 0; i++)
		rc = draw_pair(s, m, s->image[i], cell + i * COLUMNS);
	if (rc == 0)
		sheet = xl_image_montage((const struct xl_tensor *const *)cell, label,
					 s->n * COLUMNS, COLUMNS, GAP);
	rc = sheet ? xl_image_save_png(sheet, path) : -1;
	for (int i = 0; i < s->n * COLUMNS; i++)
		xl_tensor_free(cell[i]);
	xl_tensor_free(sheet);
	free(before);
	free(path);
	xl_model_bn(m, XL_BN_TRAIN);
	return rc;
}
