/*
 * sheet.c - collects tiles and labels of records for a sheet of pictures.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "image/image.h"
#include "image/pixels.h"
#include "image/sheet.h"

enum { GAP = 2, MAX_RECORDS = 1 << 20 };

int xl_sheet_init(struct xl_sheet *s, const char *show)
{
	memset(s, 0, sizeof *s);
	s->names = xl_strdup(show ? show : "");
	if (!s->names)
		return -1;
	for (char *p = s->names; p;) {
		char *comma = strchr(p, ',');
		if (comma)
			*comma = '\0';
		if (s->n_shown == XL_SHEET_SHOWN || (show && !*p)) {
			xl_sheet_done(s);
			return xl_err("--show: '%s' is not a list of 1 to %d tensors", show,
				      XL_SHEET_SHOWN);
		}
		s->shown[s->n_shown++] = p;
		p = comma ? comma + 1 : NULL;
	}
	return 0;
}

void xl_sheet_done(struct xl_sheet *s)
{
	for (int i = 0; i < s->n * s->n_shown; i++)
		xl_tensor_free(s->tiles[i]);
	for (int i = 0; i < s->n; i++) {
		free(s->ids[i]);
		free(s->exemplars[i]);
	}
	free(s->names);
	free(s->tiles);
	free(s->ids);
	free(s->exemplars);
	memset(s, 0, sizeof *s);
}

/* ---- taking records --------------------------------------------------- */

static bool is_mask(const char *name)
{
	return !strcmp(name, "m") || !strcmp(name, "m_true");
}

/* A mask without a picture to lie on: shown on a black one */
static struct xl_tensor *bare_mask(const struct xl_tensor *m)
{
	const struct xl_cells whole = xl_cells_of(1, 1, 1);
	int64_t shape[3] = {3, 1, 1};
	struct xl_tensor *black, *t;

	if (m->ndim == 3) {
		shape[1] = m->shape[1];
		shape[2] = m->shape[2];
	}
	black = xl_tensor_new(XL_U1, 3, shape);
	t = black ? xl_image_heat(black, m, &whole) : NULL;
	xl_tensor_free(black);
	return t;
}

/* The picture of one tensor; NULL with xl_err set */
static struct xl_tensor *make_tile(const struct xl_record *r, const char *name)
{
	const struct xl_tensor *t = xl_record_tensor(r, name), *x = xl_record_tensor(r, "x");
	struct xl_cells g;
	char show[128];

	if (!*name) {
		name = xl_record_tensor(r, "out") ? "out" : "x";
		t = xl_record_tensor(r, name);
	}
	if (!t) {
		xl_err("has no tensor '%s'", name);
		return NULL;
	}
	if (is_mask(name) && !x)
		return bare_mask(t);
	if (is_mask(name))
		return xl_cells_of_mask(r, name, &g) ? NULL : xl_image_heat(x, t, &g);
	if (t->ndim != 3 || (t->shape[0] != 3 && t->shape[0] != 1) || !xl_tensor_count(t)) {
		xl_err("'%s' is %s, not a picture (3,H,W) or (1,H,W)", name,
		       xl_tensor_show(t, show, sizeof show));
		return NULL;
	}
	return xl_image_check_range(t, name) == 0 ? xl_image_to_u1(t) : NULL;
}

static char *without_extension(const char *s)
{
	const char *dot = strrchr(s, '.');
	return xl_strf("%.*s", dot > s ? (int)(dot - s) : (int)strlen(s), s);
}

/* The exemplar's part of an id INPUT+EXEMPLAR, NULL where it is none. A name may
 * hold a plus itself: then meta.exemplar tells where the second begins. */
static char *exemplar_of(const struct xl_record *r)
{
	const char *named = xl_meta_str(r, "exemplar", NULL), *plus = strrchr(r->id, '+');
	char *name = named ? without_extension(named) : NULL;
	size_t n = name ? strlen(name) : 0, all = strlen(r->id);

	if (name && n + 1 < all && r->id[all - n - 1] == '+' && !strcmp(r->id + all - n, name))
		return name;
	free(name);
	return plus && plus > r->id && plus[1] ? xl_strdup(plus + 1) : NULL;
}

static int grow(struct xl_sheet *s)
{
	int cap = s->cap ? 2 * s->cap : 16;
	void *p;

	if (s->n < s->cap)
		return 0;
	if (s->n >= MAX_RECORDS)
		return xl_err("more than %d records do not fit on a sheet", MAX_RECORDS);
	if (!(p = xl_realloc(s->tiles, (size_t)cap * (size_t)s->n_shown, sizeof *s->tiles)))
		return -1;
	s->tiles = p;
	if (!(p = xl_realloc(s->ids, (size_t)cap, sizeof *s->ids)))
		return -1;
	s->ids = p;
	if (!(p = xl_realloc(s->exemplars, (size_t)cap, sizeof *s->exemplars)))
		return -1;
	s->exemplars = p;
	s->cap = cap;
	return 0;
}

int xl_sheet_add(struct xl_sheet *s, const struct xl_record *r)
{
	struct xl_tensor *tile[XL_SHEET_SHOWN];
	int made = 0;

	if (grow(s))
		return -1;
	for (int k = 0; k < s->n_shown; k++) {
		tile[k] = make_tile(r, s->shown[k]);
		made += tile[k] != NULL;
		s->pixels += tile[k] ? tile[k]->shape[1] * tile[k]->shape[2] : 0;
	}
	if (!made)
		return 1;
	memcpy(s->tiles + s->n * s->n_shown, tile, (size_t)s->n_shown * sizeof *tile);
	s->ids[s->n] = xl_strdup(r->id);
	s->exemplars[s->n] = exemplar_of(r);
	s->n++;
	if (!s->ids[s->n - 1])
		return -1;
	if (s->pixels > XL_MAX_PIXELS)
		return xl_err("these pictures have more than %lld pixels, too many for a sheet",
			      (long long)XL_MAX_PIXELS);
	return made < s->n_shown;
}

/* ---- drawing ---------------------------------------------------------- */

/* The part of id i before "+EXEMPLAR" */
static size_t input_length(const struct xl_sheet *s, int i)
{
	return strlen(s->ids[i]) - strlen(s->exemplars[i]) - 1;
}

static bool same_input(const struct xl_sheet *s, int i, int k)
{
	size_t n = input_length(s, i);
	return n == input_length(s, k) && !memcmp(s->ids[i], s->ids[k], n);
}

/* The number of exemplars, or 0 where the records are not inputs x exemplars */
static int count_exemplars(const struct xl_sheet *s)
{
	int e = 0;

	for (int i = 0; i < s->n; i++)
		if (!s->exemplars[i])
			return 0;
	while (e < s->n && same_input(s, 0, e))
		e++;
	if (e < 2 || s->n % e)
		return 0;
	for (int i = 0; i < s->n; i++)
		if (!same_input(s, i, i - i % e) || strcmp(s->exemplars[i], s->exemplars[i % e]))
			return 0;
	return e;
}

int xl_sheet_columns(const struct xl_sheet *s)
{
	int columns = count_exemplars(s);

	if (columns)
		return columns;
	for (columns = 1; (int64_t)columns * columns * s->n_shown < s->n;)
		columns++;
	return columns;
}

struct xl_tensor *xl_sheet_draw(const struct xl_sheet *s, int columns, bool has_labels)
{
	const char **labels = NULL;
	struct xl_tensor *t = NULL;
	int n = s->n * s->n_shown;

	columns = columns ? columns : xl_sheet_columns(s);
	columns = columns < s->n ? columns : s->n;
	if (has_labels && !(labels = xl_alloc((size_t)n, sizeof *labels)))
		return NULL;
	for (int i = 0; has_labels && i < n; i++)
		labels[i] = i % s->n_shown ? s->shown[i % s->n_shown] : s->ids[i / s->n_shown];
	t = xl_image_montage((const struct xl_tensor *const *)s->tiles, labels, n,
			     columns * s->n_shown, GAP);
	free(labels);
	return t;
}
