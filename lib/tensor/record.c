/*
 * record.c - records: tensors and meta values by name, in the order they came.
 * Their bytes are in stream_read.c and stream_write.c.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "xl.h"

static const char *const kinds[XL_KINDS] = {"image", "code", "model", "features", "stats"};

const char *xl_kind_name(enum xl_kind k)
{
	return kinds[k];
}

int xl_record_pictured(const struct xl_record *r)
{
	if (r->kind == XL_IMAGE || r->kind == XL_CODE)
		return 0;
	return xl_err("a %s record, neither image nor code", xl_kind_name(r->kind));
}

struct xl_record *xl_record_new(enum xl_kind kind, const char *id)
{
	struct xl_record *r = xl_alloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->kind = kind;
	r->id = xl_strdup(id);
	if (!r->id) {
		free(r);
		return NULL;
	}
	return r;
}

int xl_record_set_id(struct xl_record *r, const char *id)
{
	char *s = xl_strdup(id);

	if (!s)
		return -1;
	free(r->id);
	r->id = s;
	return 0;
}

/* ---- values ----------------------------------------------------------- */

static void value_done(struct xl_value *v)
{
	for (int i = 0; i < v->n; i++)
		free(v->items[i].str); /* items are not lists */
	free(v->items);
	free(v->str);
	memset(v, 0, sizeof(*v));
}

static int copy_scalar(struct xl_value *to, const struct xl_value *from)
{
	*to = (struct xl_value){.type = from->type, .i = from->i, .f = from->f};
	if (from->type == XL_STR) {
		to->str = xl_strdup(from->str);
		if (!to->str)
			return -1;
	}
	return 0;
}

static int value_copy(struct xl_value *to, const struct xl_value *from)
{
	if (from->type != XL_LIST)
		return copy_scalar(to, from);
	*to = (struct xl_value){.type = XL_LIST};
	to->items = xl_alloc((size_t)from->n, sizeof(*to->items));
	if (!to->items)
		return -1;
	for (; to->n < from->n; to->n++) {
		if (from->items[to->n].type == XL_LIST) {
			xl_err("a list holds no lists");
			goto fail;
		}
		if (copy_scalar(&to->items[to->n], &from->items[to->n]))
			goto fail;
	}
	return 0;
fail:
	value_done(to);
	return -1;
}

/* ---- records ---------------------------------------------------------- */

void xl_record_free(struct xl_record *r)
{
	if (!r)
		return;
	for (int i = 0; i < r->n_meta; i++) {
		free(r->meta[i].key);
		value_done(&r->meta[i].value);
	}
	for (int i = 0; i < r->n_tensors; i++) {
		free(r->tensors[i].name);
		xl_tensor_free(r->tensors[i].tensor);
	}
	free(r->meta);
	free(r->tensors);
	free(r->id);
	free(r);
}

struct xl_record *xl_record_copy(const struct xl_record *r)
{
	struct xl_record *out = xl_record_new(r->kind, r->id);

	if (!out)
		return NULL;
	out->has_meta = r->has_meta;
	for (int i = 0; i < r->n_meta; i++)
		if (xl_meta_set_value(out, r->meta[i].key, &r->meta[i].value))
			goto fail;
	for (int i = 0; i < r->n_tensors; i++)
		if (xl_record_put(out, r->tensors[i].name, xl_tensor_copy(r->tensors[i].tensor)))
			goto fail;
	return out;
fail:
	xl_record_free(out);
	return NULL;
}

static int find_tensor(const struct xl_record *r, const char *name)
{
	for (int i = 0; i < r->n_tensors; i++)
		if (strcmp(r->tensors[i].name, name) == 0)
			return i;
	return -1;
}

struct xl_tensor *xl_record_tensor(const struct xl_record *r, const char *name)
{
	int i = find_tensor(r, name);

	return i < 0 ? NULL : r->tensors[i].tensor;
}

/* Room for one more in an array that doubles when its count is a power of two. */
static void *room(void *array, int n, size_t size)
{
	bool is_full = n == 0 || (n >= 4 && (n & (n - 1)) == 0);

	return is_full ? xl_realloc(array, n < 4 ? 4 : 2 * (size_t)n, size) : array;
}

int xl_record_put(struct xl_record *r, const char *name, struct xl_tensor *t)
{
	struct xl_named *p;
	char *copy;
	int i = find_tensor(r, name);

	if (!t)
		return -1;
	if (i >= 0) {
		xl_tensor_free(r->tensors[i].tensor);
		r->tensors[i].tensor = t;
		return 0;
	}
	copy = xl_strdup(name);
	p = copy ? room(r->tensors, r->n_tensors, sizeof(*p)) : NULL;
	if (!p) {
		free(copy);
		xl_tensor_free(t);
		return -1;
	}
	r->tensors = p;
	p[r->n_tensors++] = (struct xl_named){copy, t};
	return 0;
}

void xl_record_drop(struct xl_record *r, const char *name)
{
	int i = find_tensor(r, name);

	if (i < 0)
		return;
	free(r->tensors[i].name);
	xl_tensor_free(r->tensors[i].tensor);
	r->n_tensors--;
	memmove(r->tensors + i, r->tensors + i + 1,
		(size_t)(r->n_tensors - i) * sizeof(*r->tensors));
}

/* ---- meta ------------------------------------------------------------- */

static int find_meta(const struct xl_record *r, const char *key)
{
	for (int i = 0; i < r->n_meta; i++)
		if (strcmp(r->meta[i].key, key) == 0)
			return i;
	return -1;
}

const struct xl_value *xl_meta_get(const struct xl_record *r, const char *key)
{
	int i = find_meta(r, key);

	return i < 0 ? NULL : &r->meta[i].value;
}

const char *xl_meta_str(const struct xl_record *r, const char *key, const char *fallback)
{
	const struct xl_value *v = xl_meta_get(r, key);

	return v && v->type == XL_STR ? v->str : fallback;
}

double xl_meta_num(const struct xl_record *r, const char *key, double fallback)
{
	const struct xl_value *v = xl_meta_get(r, key);

	if (v && v->type == XL_FLOAT)
		return v->f;
	return v && v->type == XL_INT ? (double)v->i : fallback;
}

int64_t xl_meta_int(const struct xl_record *r, const char *key, int64_t fallback)
{
	const struct xl_value *v = xl_meta_get(r, key);

	if (v && v->type == XL_INT)
		return v->i;
	if (v && v->type == XL_FLOAT && v->f >= -0x1p63 && v->f < 0x1p63)
		return (int64_t)v->f;
	return fallback;
}

bool xl_meta_bool(const struct xl_record *r, const char *key, bool fallback)
{
	const struct xl_value *v = xl_meta_get(r, key);

	if (v && (v->type == XL_BOOL || v->type == XL_INT))
		return v->i != 0;
	return v && v->type == XL_FLOAT ? v->f != 0 : fallback;
}

int xl_meta_set_value(struct xl_record *r, const char *key, const struct xl_value *v)
{
	struct xl_value copy;
	struct xl_meta *p;
	char *name = NULL;
	int i = find_meta(r, key);

	if (value_copy(&copy, v))
		return -1;
	r->has_meta = true;
	if (i >= 0) {
		value_done(&r->meta[i].value);
		r->meta[i].value = copy;
		return 0;
	}
	name = xl_strdup(key);
	p = name ? room(r->meta, r->n_meta, sizeof(*p)) : NULL;
	if (!p) {
		free(name);
		value_done(&copy);
		return -1;
	}
	r->meta = p;
	p[r->n_meta++] = (struct xl_meta){name, copy};
	return 0;
}

int xl_meta_set_str(struct xl_record *r, const char *key, const char *v)
{
	char *s = xl_strdup(v); /* v may be inside the value that is replaced */
	int rc;

	if (!s)
		return -1;
	rc = xl_meta_set_value(r, key, &(struct xl_value){.type = XL_STR, .str = s});
	free(s);
	return rc;
}

int xl_meta_set_num(struct xl_record *r, const char *key, double v)
{
	return xl_meta_set_value(r, key, &(struct xl_value){.type = XL_FLOAT, .f = v});
}

int xl_meta_set_int(struct xl_record *r, const char *key, int64_t v)
{
	return xl_meta_set_value(r, key, &(struct xl_value){.type = XL_INT, .i = v});
}

int xl_meta_set_bool(struct xl_record *r, const char *key, bool v)
{
	return xl_meta_set_value(r, key, &(struct xl_value){.type = XL_BOOL, .i = v});
}

int xl_meta_set_strs(struct xl_record *r, const char *key, const char *const *v, int n)
{
	struct xl_value list = {.type = XL_LIST};
	int rc = -1;

	list.items = xl_alloc((size_t)n, sizeof(*list.items));
	if (!list.items)
		return -1;
	for (; list.n < n; list.n++) {
		list.items[list.n].str = xl_strdup(v[list.n]);
		if (!list.items[list.n].str)
			goto out;
	}
	rc = xl_meta_set_value(r, key, &list);
out:
	value_done(&list);
	return rc;
}

void xl_meta_drop(struct xl_record *r, const char *key)
{
	int i = find_meta(r, key);

	if (i < 0)
		return;
	free(r->meta[i].key);
	value_done(&r->meta[i].value);
	r->n_meta--;
	memmove(r->meta + i, r->meta + i + 1, (size_t)(r->n_meta - i) * sizeof(*r->meta));
}
