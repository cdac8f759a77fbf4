/*
 * sets.c - a set as a list of items, and an item as a record. Folders are in
 * sets_walk.c, the choice among items in sets_select.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "core/file.h"
#include "core/mem.h"
#include "data/inputs.h"
#include "data/sets.h"

struct xl_set *xl_set_new(void)
{
	return xl_alloc(1, sizeof(struct xl_set));
}

void xl_set_free(struct xl_set *s)
{
	if (!s)
		return;
	for (int64_t i = 0; i < s->n; i++)
		if (s->items[i].idx < 0)
			free(s->items[i].path);
	for (int i = 0; i < s->n_labels; i++) {
		xl_attrs_done(&s->labels[i].list);
		free(s->labels[i].columns);
	}
	for (int i = 0; i < s->n_idx; i++)
		xl_idx_close(&s->idx[i]);
	for (int i = 0; i < s->n_notes; i++)
		free(s->notes[i]);
	for (int i = 0; i < s->n_failures; i++)
		free(s->failures[i]);
	free(s->items);
	free(s->labels);
	free(s->idx);
	free(s->looked_in);
	free(s->notes);
	free(s->failures);
	free(s);
}

int xl_set_note(char ***list, int *n, char *note)
{
	char **more = note ? xl_realloc(*list, (size_t)*n + 1, sizeof *more) : NULL;

	if (!more) {
		free(note);
		return -1;
	}
	*list = more;
	more[(*n)++] = note;
	return 0;
}

/* Takes it.path where it.idx is -1, also on failure. */
static int append(struct xl_set *s, struct xl_item it)
{
	if (s->n == s->cap) {
		int64_t cap = s->cap ? 2 * s->cap : 64;
		struct xl_item *more = xl_realloc(s->items, (size_t)cap, sizeof *more);
		if (!more) {
			if (it.idx < 0)
				free(it.path);
			return -1;
		}
		s->items = more;
		s->cap = cap;
	}
	s->items[s->n++] = it;
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

int xl_set_add_file(struct xl_set *s, const char *path, struct xl_set_place place)
{
	struct xl_item it = {.path = xl_strdup(path),
			     .labels = place.labels,
			     .idx = -1,
			     .row = -1,
			     .domain = place.domain,
			     .split = place.split,
			     .is_pair = place.is_pair};

	if (!it.path)
		return -1;
	if (it.labels >= 0) {
		struct xl_attrs *l = &s->labels[it.labels].list;
		it.row = xl_attrs_find(l, base_name(path));
		if (it.row >= 0)
			l->rows[it.row].is_present = true;
		if (it.row >= 0 && it.split == XL_SPLIT_ALL)
			it.split = l->rows[it.row].split;
	}
	return append(s, it);
}

/* The digits of an idx file, as a list of labels without file names */
static int add_digits(struct xl_set *s, const struct xl_idx *x)
{
	struct xl_set_labels *more, *l;

	more = xl_realloc(s->labels, (size_t)s->n_labels + 1, sizeof *more);
	if (!more)
		return -1;
	s->labels = more;
	l = &s->labels[s->n_labels++];
	memset(l, 0, sizeof *l);
	l->list.path = xl_strdup(x->path);
	l->list.text = xl_strdup("digit");
	l->list.names = xl_alloc(1, sizeof *l->list.names);
	l->list.values = xl_alloc((size_t)x->n, 1);
	if (!l->list.path || !l->list.text || !l->list.names || !l->list.values)
		return -1;
	l->list.names[0] = l->list.text;
	l->list.n_names = 1;
	l->list.n = x->n;
	memcpy(l->list.values, x->labels, (size_t)x->n);
	return s->n_labels - 1;
}

int xl_set_add_idx(struct xl_set *s, const char *path)
{
	struct xl_idx *more = xl_realloc(s->idx, (size_t)s->n_idx + 1, sizeof *more), *x;
	struct xl_item it = {.labels = -1, .idx = s->n_idx};

	if (!more)
		return -1;
	s->idx = more;
	x = &s->idx[s->n_idx];
	if (xl_idx_open(x, path))
		return -1;
	s->n_idx++;
	it.path = x->path;
	if (x->labels) {
		it.labels = add_digits(s, x);
		if (it.labels < 0)
			return -1;
	}
	if (!strncmp(base_name(path), "train", 5))
		it.split = XL_SPLIT_TRAIN;
	else if (!strncmp(base_name(path), "t10k", 4) || !strncmp(base_name(path), "test", 4))
		it.split = XL_SPLIT_TEST;
	for (it.row = 0; it.row < x->n; it.row++)
		if (append(s, it))
			return -1;
	return 0;
}

/* A file that the user named: its labels and its domain come from where it is. */
static int add_named_file(struct xl_set *s, const char *path)
{
	const char *base = base_name(path);
	size_t n = (size_t)(base - path);
	char *folder = xl_strf("%.*s", n > 1 ? (int)n - 1 : (int)n, path);
	int rc = -1;

	if (!folder)
		return -1;
	struct xl_set_place place = xl_set_place_of(folder);
	place.is_pair = false;
	place.labels = xl_set_find_labels(s, *folder ? folder : ".");
	if (place.labels >= -1)
		rc = xl_set_add_file(s, path, place);
	free(folder);
	return rc;
}

int xl_set_add(struct xl_set *s, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return xl_err("%s: %s", path, xl_strerror(errno));
	if (S_ISDIR(st.st_mode))
		return xl_set_add_folder(s, path);
	if (S_ISREG(st.st_mode)) {
		enum xl_idx_kind kind = xl_idx_kind(path);
		if (kind == XL_IDX_IMAGES)
			return xl_set_add_idx(s, path);
		if (kind == XL_IDX_LABELS)
			return 0; /* the shell's star names them; they come with the pictures */
	}
	return add_named_file(s, path);
}

/* ---- records ---------------------------------------------------------- */

char *xl_set_id(const struct xl_item *it)
{
	char *name = xl_id_of_path(it->path), *id = name;

	if (name && it->idx >= 0) {
		id = xl_strf("%s#%05lld", name, (long long)it->row);
		free(name);
	}
	return id;
}

/* The picture in an idx file, as RGB */
static struct xl_tensor *load_idx(const struct xl_idx *x, int64_t row)
{
	int64_t shape[3] = {3, x->h, x->w};
	size_t n = (size_t)(x->h * x->w);
	struct xl_tensor *t = xl_tensor_new(XL_U1, 3, shape);

	if (t && xl_idx_read(x, row, t->data)) {
		xl_tensor_free(t);
		return NULL;
	}
	for (size_t c = 1; t && c < 3; c++)
		memcpy((uint8_t *)t->data + c * n, t->data, n);
	return t;
}

static int put_labels(struct xl_record *r, const struct xl_set_labels *l, int64_t row)
{
	int n = l->columns ? l->n_columns : l->list.n_names;
	int64_t shape[1] = {n};
	struct xl_tensor *y = xl_tensor_new(XL_U1, 1, shape);
	const char **names = xl_alloc((size_t)n, sizeof *names);
	/* Rows by name are sorted; their values are not. */
	const uint8_t *values = l->list.rows ? l->list.rows[row].y : l->list.values + row;
	int rc = -1;

	if (!y || !names) {
		xl_tensor_free(y);
		goto out;
	}
	for (int k = 0; k < n; k++) {
		int from = l->columns ? l->columns[k] : k;
		((uint8_t *)y->data)[k] = values[from];
		names[k] = l->list.names[from];
	}
	rc = xl_record_put(r, "y", y);
	if (!rc)
		rc = xl_meta_set_strs(r, "attributes", names, n);
out:
	free(names);
	return rc;
}

struct xl_record *xl_set_record(const struct xl_set *s, int64_t i, const struct xl_crop *crop)
{
	const struct xl_item *it = &s->items[i];
	struct xl_tensor *t =
		it->idx >= 0 ? load_idx(&s->idx[it->idx], it->row) : xl_image_load(it->path);
	struct xl_tensor *x = t ? xl_crop_apply(crop, t, (uint32_t)i) : NULL;
	char domain[2] = {it->domain, '\0'};
	char *id = x ? xl_set_id(it) : NULL;
	struct xl_record *r = id ? xl_record_new(XL_IMAGE, id) : NULL;
	int rc = -1;

	xl_tensor_free(t);
	free(id);
	if (!r) {
		xl_tensor_free(x);
		return NULL;
	}
	if (xl_record_put(r, "x", x))
		goto out;
	if (it->labels >= 0 && it->row >= 0 && put_labels(r, &s->labels[it->labels], it->row))
		goto out;
	if (it->domain && xl_meta_set_str(r, "domain", domain))
		goto out;
	rc = 0;
out:
	if (rc) {
		xl_record_free(r);
		return NULL;
	}
	return r;
}
