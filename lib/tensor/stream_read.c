/*
 * stream_read.c - bytes to records (xl-stream(5)). The bytes may be anybody's, so
 * they are parsed here, token by token (token.c), with a limit on everything that
 * is kept.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "tensor/dtype.h"
#include "tensor/token.h"

enum { FIRST_BYTES = 8 }; /* by which a picture is told, fewer than any record has */

static int read_name(struct xl_reader *rd, char buf[XL_LIMIT_NAME + 1])
{
	struct xl_token t;

	return xl_token_next(rd, &t) || xl_token_text(rd, &t, buf, XL_LIMIT_NAME) ? -1 : 0;
}

static char *read_text(struct xl_reader *rd, const struct xl_token *t, size_t limit)
{
	char *s = xl_alloc((t->n < limit ? t->n : limit) + 1, 1);

	if (s && xl_token_text(rd, t, s, limit)) {
		free(s);
		s = NULL;
	}
	return s;
}

/* Marks key number i as seen; -1 if it was. */
static int once(struct xl_reader *rd, unsigned *seen, int i, const char *name)
{
	if (*seen & 1u << i)
		return xl_token_fail(rd, "%s has '%s' twice", rd->part, name);
	*seen |= 1u << i;
	return 0;
}

static int find_word(const char *const *words, int n, const char *s)
{
	for (int i = 0; i < n; i++)
		if (strcmp(words[i], s) == 0)
			return i;
	return -1;
}

/* ---- tensors ---------------------------------------------------------- */

enum { ND, TYPE, KIND, SHAPE, DATA, ARRAY_KEYS };
static const char *const array_keys[ARRAY_KEYS] = {"nd", "type", "kind", "shape", "data"};

struct array {
	unsigned seen;
	enum xl_dtype dtype;
	int ndim;
	int64_t shape[XL_MAX_DIMS];
	void *data;
	uint64_t size;
};

static int refuse_pickle(struct xl_reader *rd)
{
	return xl_token_fail(rd, "%s holds objects (a pickle), which are never read", rd->part);
}

static int refuse_structured(struct xl_reader *rd)
{
	return xl_token_fail(rd, "%s has a structured type (V), which is not read", rd->part);
}

static int read_type(struct xl_reader *rd, struct array *a)
{
	char name[XL_LIMIT_NAME + 1];
	struct xl_token t;

	if (xl_token_next(rd, &t))
		return -1;
	if (t.kind == XL_T_ARRAY)
		return refuse_structured(rd);
	if (xl_token_text(rd, &t, name, XL_LIMIT_NAME))
		return -1;
	if (xl_dtype_find(name, &a->dtype) == 0)
		return 0;
	if (strchr(name, 'O'))
		return refuse_pickle(rd);
	if (strchr(name, 'V'))
		return refuse_structured(rd);
	return xl_token_fail(rd, "%s is of type '%.16s'%s; xl reads |u1 |b1 <i4 <i8 <f2 <f4 <f8",
			     rd->part, name, name[0] == '>' ? " (big endian)" : "");
}

static int read_array_kind(struct xl_reader *rd)
{
	char kind[XL_LIMIT_NAME + 1];

	if (read_name(rd, kind))
		return -1;
	if (kind[0] == '\0')
		return 0;
	if (kind[0] == 'O')
		return refuse_pickle(rd);
	if (kind[0] == 'V')
		return refuse_structured(rd);
	return xl_token_fail(rd, "%s is of unknown kind '%.16s'", rd->part, kind);
}

static int read_shape(struct xl_reader *rd, struct array *a)
{
	struct xl_token t;

	if (xl_token_want(rd, &t, XL_T_ARRAY))
		return -1;
	if (t.n > XL_MAX_DIMS)
		return xl_token_fail(rd, "%s has %llu dimensions, at most %d are allowed", rd->part,
				     (unsigned long long)t.n, XL_MAX_DIMS);
	a->ndim = (int)t.n;
	for (int i = 0; i < a->ndim; i++) {
		if (xl_token_want(rd, &t, XL_T_INT))
			return -1;
		if (t.is_huge || t.i < 0)
			return xl_token_fail(rd, "%s: dimension %d is %s", rd->part, i,
					     t.is_huge ? "too large" : "negative");
		a->shape[i] = t.i;
	}
	return 0;
}

/* Once type, shape and length are known they must agree. */
static int check_size(struct xl_reader *rd, const struct array *a)
{
	const unsigned all = 1u << TYPE | 1u << SHAPE | 1u << DATA;
	size_t bytes;

	if ((a->seen & all) != all)
		return 0;
	if (xl_shape_bytes(a->dtype, a->ndim, a->shape, &bytes))
		return xl_token_fail(rd, "%s: %s", rd->part, xl_err_msg());
	if (bytes != a->size)
		return xl_token_fail(rd, "%s has %llu bytes of data, its shape asks for %zu",
				     rd->part, (unsigned long long)a->size, bytes);
	return 0;
}

static int read_data(struct xl_reader *rd, struct array *a)
{
	uint64_t missing;
	struct xl_token t;

	if (xl_token_next(rd, &t))
		return -1;
	if (t.kind != XL_T_BIN && t.kind != XL_T_STR)
		return xl_token_fail(rd, "data of %s are %s, not bytes", rd->part,
				     xl_token_kind_words(t.kind));
	a->size = t.n;
	if (check_size(rd, a)) /* before anything is read, where the order allows */
		return -1;
	if (xl_input_block(&rd->in, t.n, &a->data, &missing))
		return -1;
	return missing ? xl_token_truncated(rd, missing) : 0;
}

static int read_array_key(struct xl_reader *rd, struct array *a)
{
	char key[XL_LIMIT_NAME + 1];
	struct xl_token t;
	int k;

	if (read_name(rd, key))
		return -1;
	k = find_word(array_keys, ARRAY_KEYS, key);
	if (k < 0)
		return xl_token_skip(rd);
	if (once(rd, &a->seen, k, key))
		return -1;
	switch (k) {
	case ND:
		if (xl_token_next(rd, &t))
			return -1;
		if (t.kind != XL_T_BOOL || !t.i)
			return xl_token_fail(rd, "%s is not an array ('nd' is not true)", rd->part);
		return 0;
	case TYPE:
		return read_type(rd, a);
	case KIND:
		return read_array_kind(rd);
	case SHAPE:
		return read_shape(rd, a);
	default:
		return read_data(rd, a);
	}
}

static struct xl_tensor *read_tensor(struct xl_reader *rd)
{
	const unsigned needed = 1u << ND | 1u << TYPE | 1u << SHAPE | 1u << DATA;
	struct array a = {0};
	struct xl_tensor *out = NULL;
	struct xl_token t;

	if (xl_token_want(rd, &t, XL_T_MAP))
		return NULL;
	for (uint64_t i = 0; i < t.n; i++)
		if (read_array_key(rd, &a))
			goto fail;
	for (int k = 0; k < ARRAY_KEYS; k++) {
		if (needed & ~a.seen & 1u << k) {
			xl_token_fail(rd, "%s has no '%s'", rd->part, array_keys[k]);
			goto fail;
		}
	}
	if (check_size(rd, &a))
		goto fail;
	out = xl_alloc(1, sizeof(*out));
	if (!out)
		goto fail;
	out->dtype = a.dtype;
	out->ndim = a.ndim;
	memcpy(out->shape, a.shape, sizeof(a.shape));
	out->data = a.data;
	out->borrowed = rd->in.lends;
	return out;
fail:
	if (!rd->in.lends)
		free(a.data);
	return NULL;
}

static int read_tensors(struct xl_reader *rd, struct xl_record *r)
{
	char name[XL_LIMIT_NAME + 1];
	struct xl_token t;

	if (xl_token_want(rd, &t, XL_T_MAP))
		return -1;
	if (t.n > XL_LIMIT_TENSORS)
		return xl_token_fail(rd, "%llu tensors, the limit is %d", (unsigned long long)t.n,
				     XL_LIMIT_TENSORS);
	for (uint64_t i = 0; i < t.n; i++) {
		strcpy(rd->part, "tensors");
		if (read_name(rd, name))
			return -1;
		if (xl_record_tensor(r, name))
			return xl_token_fail(rd, "two tensors are called '%s'", name);
		snprintf(rd->part, sizeof(rd->part), "tensor '%s'", name);
		if (xl_record_put(r, name, read_tensor(rd)))
			return -1;
	}
	return 0;
}

/* ---- meta ------------------------------------------------------------- */

static int read_scalar(struct xl_reader *rd, const struct xl_token *t, struct xl_value *v)
{
	switch (t->kind) {
	case XL_T_STR:
	case XL_T_BIN:
		v->type = XL_STR;
		v->str = read_text(rd, t, XL_LIMIT_TEXT);
		return v->str ? 0 : -1;
	case XL_T_INT:
		v->type = XL_INT;
		v->i = t->i;
		return t->is_huge ? xl_token_fail(rd, "%s: a whole number is too large", rd->part)
				  : 0;
	case XL_T_BOOL:
		v->type = XL_BOOL;
		v->i = t->i;
		return 0;
	case XL_T_FLOAT:
		v->type = XL_FLOAT;
		v->f = t->f;
		return 0;
	default:
		return xl_token_fail(
			rd,
			"%s holds %s; strings, numbers, true, false and lists of these "
			"are allowed",
			rd->part, xl_token_kind_words(t->kind));
	}
}

static int read_value(struct xl_reader *rd, struct xl_value *v, uint64_t *items)
{
	struct xl_token t;

	if (xl_token_next(rd, &t))
		return -1;
	if (t.kind != XL_T_ARRAY)
		return read_scalar(rd, &t, v);
	*items += t.n;
	if (*items > XL_LIMIT_ITEMS)
		return xl_token_fail(rd, "the lists of meta have more than %d items",
				     XL_LIMIT_ITEMS);
	v->type = XL_LIST;
	v->items = xl_alloc(t.n, sizeof(*v->items));
	if (!v->items)
		return -1;
	for (; (uint64_t)v->n < t.n; v->n++) {
		struct xl_token item;

		if (xl_token_next(rd, &item) || read_scalar(rd, &item, &v->items[v->n]))
			return -1;
	}
	return 0;
}

static int read_meta(struct xl_reader *rd, struct xl_record *r)
{
	char key[XL_LIMIT_NAME + 1];
	uint64_t items = 0;
	struct xl_token t;

	if (xl_token_want(rd, &t, XL_T_MAP))
		return -1;
	if (t.n > XL_LIMIT_META)
		return xl_token_fail(rd, "meta has %llu entries, the limit is %d",
				     (unsigned long long)t.n, XL_LIMIT_META);
	r->has_meta = true;
	for (uint64_t i = 0; i < t.n; i++) {
		struct xl_value v = {0};
		int rc;

		strcpy(rd->part, "meta");
		if (read_name(rd, key))
			return -1;
		if (xl_meta_get(r, key))
			return xl_token_fail(rd, "meta has '%s' twice", key);
		snprintf(rd->part, sizeof(rd->part), "meta '%s'", key);
		rc = read_value(rd, &v, &items);
		if (!rc)
			rc = xl_meta_set_value(r, key, &v);
		for (int k = 0; k < v.n; k++)
			free(v.items[k].str);
		free(v.items);
		free(v.str);
		if (rc)
			return -1;
	}
	return 0;
}

/* ---- records ---------------------------------------------------------- */

enum { R_XL, R_KIND, R_ID, R_META, R_TENSORS, RECORD_KEYS };
static const char *const record_keys[RECORD_KEYS] = {"xl", "kind", "id", "meta", "tensors"};

static int read_version(struct xl_reader *rd)
{
	struct xl_token t;

	if (xl_token_want(rd, &t, XL_T_INT))
		return -1;
	if (t.is_huge || t.i != XL_FORMAT)
		return xl_token_fail(rd, "format version %llu, this program reads %d",
				     (unsigned long long)t.i, XL_FORMAT);
	return 0;
}

static int read_kind(struct xl_reader *rd, struct xl_record *r)
{
	char name[XL_LIMIT_NAME + 1];

	if (read_name(rd, name))
		return -1;
	for (int k = 0; k < XL_KINDS; k++) {
		if (strcmp(name, xl_kind_name((enum xl_kind)k)) == 0) {
			r->kind = (enum xl_kind)k;
			return 0;
		}
	}
	return xl_token_fail(rd, "kind '%.40s' is not one of image, code, model, features, stats",
			     name);
}

static int read_id(struct xl_reader *rd, struct xl_record *r)
{
	struct xl_token t;
	char *id;

	if (xl_token_next(rd, &t))
		return -1;
	id = read_text(rd, &t, XL_LIMIT_ID);
	if (!id)
		return -1;
	free(r->id);
	r->id = id;
	rd->id = id;
	return 0;
}

static int read_record_key(struct xl_reader *rd, struct xl_record *r, unsigned *seen)
{
	char key[XL_LIMIT_NAME + 1];
	int k;

	strcpy(rd->part, "the record");
	if (read_name(rd, key))
		return -1;
	k = find_word(record_keys, RECORD_KEYS, key);
	if (k >= 0 && once(rd, seen, k, key))
		return -1;
	snprintf(rd->part, sizeof(rd->part), k < 0 ? "'%s'" : "%s", key);
	switch (k) {
	case R_XL:
		return read_version(rd);
	case R_KIND:
		return read_kind(rd, r);
	case R_ID:
		return read_id(rd, r);
	case R_META:
		return read_meta(rd, r);
	case R_TENSORS:
		return read_tensors(rd, r);
	default:
		return xl_token_skip(rd);
	}
}

static int read_record(struct xl_reader *rd, struct xl_record *r)
{
	unsigned seen = 0;
	struct xl_token t;

	strcpy(rd->part, "the record");
	if (xl_token_want(rd, &t, XL_T_MAP))
		return -1;
	for (uint64_t i = 0; i < t.n; i++)
		if (read_record_key(rd, r, &seen))
			return -1;
	for (int k = 0; k < RECORD_KEYS; k++)
		if (k != R_META && !(seen & 1u << k))
			return xl_token_fail(rd, "the record has no '%s'", record_keys[k]);
	return 0;
}

static int not_a_record(struct xl_reader *rd)
{
	char bytes[16] = "";

	for (size_t i = 0; i < 4 && i < rd->in.n; i++)
		snprintf(bytes + 3 * i, 4, " %02x", rd->in.p[i]);
	if (rd->count == 0 && xl_is_picture(rd->in.p, rd->in.n))
		return xl_err("%s: a picture, not a stream of records; xl-crop makes one",
			      rd->in.name);
	if (rd->count == 0)
		return xl_err("%s: not a tensor stream (first bytes%s)", rd->in.name, bytes);
	return xl_token_fail(rd, "not a record (first bytes%s)", bytes);
}

int xl_reader_next(struct xl_reader *rd, struct xl_record **out)
{
	struct xl_record *r;

	*out = NULL;
	if (rd->failed)
		return xl_err("%s: cannot be read beyond the damage", rd->in.name);
	if (xl_input_fill(&rd->in, FIRST_BYTES))
		goto fail;
	if (rd->in.n == 0)
		return 0;
	if (!xl_is_stream(rd->in.p, rd->in.n)) {
		not_a_record(rd);
		goto fail;
	}
	r = xl_record_new(XL_IMAGE, "");
	if (!r)
		goto fail;
	if (read_record(rd, r)) {
		rd->id = NULL;
		xl_record_free(r);
		goto fail;
	}
	xl_token_where(rd, r->id, rd->where, sizeof(rd->where));
	rd->id = NULL;
	rd->count++;
	*out = r;
	return 1;
fail:
	rd->failed = true;
	return -1;
}

/* ---- readers ---------------------------------------------------------- */

struct xl_reader *xl_reader_open(const char *path)
{
	struct xl_reader *rd = xl_alloc(1, sizeof(*rd));

	if (rd && xl_input_open(&rd->in, path)) {
		free(rd);
		rd = NULL;
	}
	return rd;
}

struct xl_reader *xl_reader_open_mem(const char *name, const void *data, size_t size)
{
	struct xl_reader *rd = xl_alloc(1, sizeof(*rd));

	if (rd && xl_input_open_mem(&rd->in, name, data, size)) {
		free(rd);
		rd = NULL;
	}
	return rd;
}

void xl_reader_lend(struct xl_reader *rd)
{
	rd->in.lends = rd->in.fd < 0;
}

void xl_reader_close(struct xl_reader *rd)
{
	if (!rd)
		return;
	xl_input_close(&rd->in);
	free(rd);
}

int64_t xl_reader_count(const struct xl_reader *rd)
{
	return rd->count;
}

const char *xl_reader_name(const struct xl_reader *rd)
{
	return rd->in.name;
}

const char *xl_reader_where(const struct xl_reader *rd)
{
	return rd->where[0] ? rd->where : rd->in.name;
}

int xl_reader_peek(struct xl_reader *rd, void *buf, size_t size)
{
	size_t n = size < XL_INPUT_WINDOW ? size : XL_INPUT_WINDOW;

	if (xl_input_fill(&rd->in, n))
		return -1;
	if (n > rd->in.n)
		n = rd->in.n;
	memcpy(buf, rd->in.p, n);
	return (int)n;
}

int xl_reader_all(struct xl_reader *rd, size_t most, void **data, size_t *size)
{
	return xl_input_rest(&rd->in, most, data, size);
}

/* A map that is not empty, whose first key is a string. PNG begins like a map
 * of nine, and pickles like an empty one. */
bool xl_is_stream(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	size_t at;

	if (n == 0)
		return false;
	if (p[0] > 0x80 && p[0] < 0x90)
		at = 1;
	else if (p[0] == 0xde || p[0] == 0xdf)
		at = p[0] == 0xde ? 3 : 5;
	else
		return false;
	if (at >= n)
		return true;
	return (p[at] >= 0xa0 && p[at] < 0xc0) || (p[at] >= 0xc4 && p[at] <= 0xc6) ||
	       (p[at] >= 0xd9 && p[at] <= 0xdb);
}

bool xl_is_picture(const void *bytes, size_t n)
{
	static const uint8_t jpeg[] = {0xff, 0xd8, 0xff};
	static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

	return (n >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0) ||
	       (n >= sizeof png && memcmp(bytes, png, sizeof png) == 0);
}
