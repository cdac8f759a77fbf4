/*
 * safetensors.c - reads and writes safetensors: eight bytes with the length of
 * a JSON header, the header, and the tensors one after the other.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "tensor/foreign.h"
#include "tensor/jsonin.h"
#include "tensor/safetensors.h"
#include "tensor/stream.h"

static const char METADATA[] = "__metadata__", OUTLINE[] = "xl";

enum { PREFIX = 8, MAX_HEADER = 100000000 /* the published reader's limit */ };

struct entry {
	char *name;
	bool has[3]; /* dtype, shape, data_offsets */
	enum xl_foreign type;
	int ndim;
	int64_t shape[XL_MAX_DIMS], begin, end;
};

struct header {
	struct entry *e;
	int n, cap;
	char *outline;
	bool has_metadata;
};

bool xl_is_safetensors(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	return n > PREFIX && p[PREFIX] == '{' && !p[4] && !p[5] && !p[6] && !p[7];
}

/* ---- the header ------------------------------------------------------- */

static int read_metadata(struct xl_jsonin *in, struct header *h)
{
	int more;

	if (h->has_metadata)
		return xl_err("%s stands there twice", METADATA);
	h->has_metadata = true;
	if (xl_jsonin_want(in, '{'))
		return -1;
	for (bool first = true; (more = xl_jsonin_more(in, '}', first)) > 0; first = false) {
		char *key = xl_jsonin_string(in);
		char *value = key && xl_jsonin_want(in, ':') == 0 ? xl_jsonin_string(in) : NULL;
		const bool ours = value && strcmp(key, OUTLINE) == 0;

		if (ours && !h->outline) {
			h->outline = value;
			free(key);
			continue;
		}
		free(key);
		free(value);
		if (!value)
			return -1;
		if (ours)
			return xl_err("'%s' stands twice in %s", OUTLINE, METADATA);
	}
	return more;
}

static int read_type(struct xl_jsonin *in, struct entry *e)
{
	char *name = xl_jsonin_string(in);
	const int rc = name ? xl_foreign_find(XL_SAFETENSORS, name, strlen(name), &e->type) : -1;

	free(name);
	return rc;
}

static int read_shape(struct xl_jsonin *in, struct entry *e)
{
	int more;

	if (xl_jsonin_want(in, '['))
		return -1;
	while ((more = xl_jsonin_more(in, ']', e->ndim == 0)) > 0) {
		if (e->ndim == XL_MAX_DIMS)
			return xl_err("more than %d dimensions", XL_MAX_DIMS);
		if (xl_jsonin_whole(in, &e->shape[e->ndim++]))
			return -1;
	}
	return more;
}

static int read_offsets(struct xl_jsonin *in, struct entry *e)
{
	return xl_jsonin_want(in, '[') || xl_jsonin_whole(in, &e->begin) ||
			       xl_jsonin_want(in, ',') || xl_jsonin_whole(in, &e->end) ||
			       xl_jsonin_want(in, ']')
		       ? -1
		       : 0;
}

static int read_property(struct xl_jsonin *in, struct entry *e)
{
	static const char *const keys[] = {"dtype", "shape", "data_offsets"};
	static int (*const read[])(struct xl_jsonin *, struct entry *) = {read_type, read_shape,
									  read_offsets};
	char *key = xl_jsonin_string(in);
	int k = 0;

	if (!key)
		return -1;
	while (k < 3 && strcmp(keys[k], key) != 0)
		k++;
	if (k == 3)
		xl_err("has an unknown property '%.40s'", key);
	else if (e->has[k])
		xl_err("has two of '%s'", keys[k]);
	free(key);
	if (k == 3 || e->has[k])
		return -1;
	e->has[k] = true;
	return xl_jsonin_want(in, ':') || read[k](in, e) ? -1 : 0;
}

static int read_entry(struct xl_jsonin *in, struct entry *e)
{
	int more;

	if (xl_jsonin_want(in, '{'))
		return -1;
	for (bool first = true; (more = xl_jsonin_more(in, '}', first)) > 0; first = false)
		if (read_property(in, e))
			return -1;
	if (more < 0)
		return -1;
	if (!e->has[0] || !e->has[1] || !e->has[2])
		return xl_err("lacks one of dtype, shape, data_offsets");
	return 0;
}

/* Takes name. NULL with xl_err set */
static struct entry *add_entry(struct header *h, char *name)
{
	if (h->n == h->cap) {
		const int cap = h->cap ? 2 * h->cap : 16;
		void *grown = xl_realloc(h->e, (size_t)cap, sizeof *h->e);

		if (!grown) {
			free(name);
			return NULL;
		}
		h->e = grown;
		h->cap = cap;
	}
	h->e[h->n] = (struct entry){.name = name};
	return &h->e[h->n++];
}

static int read_member(struct xl_jsonin *in, struct header *h)
{
	char *name = xl_jsonin_string(in);
	struct entry *e;

	if (!name || xl_jsonin_want(in, ':') || h->n == XL_LIMIT_TENSORS) {
		if (h->n == XL_LIMIT_TENSORS)
			xl_err("more than %d tensors", XL_LIMIT_TENSORS);
		free(name);
		return -1;
	}
	if (strcmp(name, METADATA) == 0) {
		free(name);
		return read_metadata(in, h);
	}
	e = add_entry(h, name);
	if (!e)
		return -1;
	return read_entry(in, e) ? xl_err_prefix("tensor '%.*s'", XL_LIMIT_NAME, e->name) : 0;
}

static int read_header(struct xl_jsonin *in, struct header *h)
{
	int more;

	if (xl_jsonin_want(in, '{'))
		return -1;
	for (bool first = true; (more = xl_jsonin_more(in, '}', first)) > 0; first = false)
		if (read_member(in, h))
			return -1;
	return more < 0 ? -1 : xl_jsonin_end(in);
}

static void header_done(struct header *h)
{
	for (int i = 0; i < h->n; i++)
		free(h->e[i].name);
	free(h->e);
	free(h->outline);
}

/* ---- the tensors ------------------------------------------------------ */

/* By place; of those at one place the empty ones first. */
static int by_place(const void *a, const void *b)
{
	const struct entry *p = *(struct entry *const *)a, *q = *(struct entry *const *)b;

	if (p->begin != q->begin)
		return p->begin < q->begin ? -1 : 1;
	return (p->end > q->end) - (p->end < q->end);
}

static int check_size(const struct entry *e, int64_t room)
{
	size_t bytes;

	if (xl_foreign_bytes(e->type, e->ndim, e->shape, &bytes))
		return -1;
	if (e->begin > e->end || e->end > room)
		return xl_err("lies at %lld to %lld of %lld bytes", (long long)e->begin,
			      (long long)e->end, (long long)room);
	if (bytes != (size_t)(e->end - e->begin))
		return xl_err("its shape takes %zu bytes, its place has %lld", bytes,
			      (long long)(e->end - e->begin));
	return 0;
}

/* Each begins where the one before ends, and the last ends with the file. */
static int check_places(const struct header *h, int64_t room)
{
	const struct entry **order = xl_alloc((size_t)h->n, sizeof *order);
	int64_t at = 0;
	int rc = -1;

	if (!order)
		return -1;
	for (int i = 0; i < h->n; i++) {
		order[i] = &h->e[i];
		if (check_size(order[i], room)) {
			xl_err_prefix("tensor '%.*s'", XL_LIMIT_NAME, order[i]->name);
			goto out;
		}
	}
	qsort(order, (size_t)h->n, sizeof *order, by_place);
	for (int i = 0; i < h->n; at = order[i++]->end) {
		if (order[i]->begin != at) {
			xl_err("tensor '%.*s' begins at %lld, %s at %lld", XL_LIMIT_NAME,
			       order[i]->name, (long long)order[i]->begin,
			       order[i]->begin < at ? "inside another that ends" : "after a hole",
			       (long long)at);
			goto out;
		}
	}
	rc = at == room ? 0 : xl_err("%lld bytes after the last tensor", (long long)(room - at));
out:
	free(order);
	return rc;
}

int xl_safetensors_read(struct xl_record *r, char **outline, const uint8_t *data, size_t size)
{
	struct header h = {.n = 0};
	struct xl_jsonin in;
	uint64_t length;
	const uint8_t *body;
	int rc = -1;

	*outline = NULL;
	if (size < PREFIX)
		return xl_err("ends in the length of the header");
	memcpy(&length, data, sizeof length);
	if (length > MAX_HEADER || length > size - PREFIX)
		return xl_err("says that its header has %llu bytes, %zu follow",
			      (unsigned long long)length, size - PREFIX);
	body = data + PREFIX + length;
	in.start = in.p = (const char *)data + PREFIX;
	in.end = (const char *)body;
	if (read_header(&in, &h) || check_places(&h, (int64_t)(size - PREFIX - length)))
		goto out;
	for (int i = 0; i < h.n; i++) {
		const struct entry *e = &h.e[i];

		if (xl_foreign_put(
			    r, e->name, strlen(e->name),
			    xl_foreign_tensor(e->type, e->ndim, e->shape, NULL, body + e->begin)))
			goto out;
	}
	*outline = h.outline;
	h.outline = NULL;
	rc = 0;
out:
	header_done(&h);
	return rc;
}

/* ---- writing ---------------------------------------------------------- */

/* The larger elements first, so that all are aligned; then by name. */
static int by_type(const void *a, const void *b)
{
	const struct xl_named *p = *(struct xl_named *const *)a, *q = *(struct xl_named *const *)b;
	const size_t m = xl_dtype_size(p->tensor->dtype), n = xl_dtype_size(q->tensor->dtype);

	return m != n ? (m < n ? 1 : -1) : strcmp(p->name, q->name);
}

static void put_string(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putc('\\', f);
		putc(*s, f);
	}
	putc('"', f);
}

static void put_entry(FILE *f, const struct xl_named *e, size_t at)
{
	const struct xl_tensor *t = e->tensor;

	put_string(f, e->name);
	fprintf(f, ":{\"dtype\":\"%s\",\"shape\":[", xl_foreign_name(XL_SAFETENSORS, t->dtype));
	for (int i = 0; i < t->ndim; i++)
		fprintf(f, "%s%lld", i ? "," : "", (long long)t->shape[i]);
	fprintf(f, "],\"data_offsets\":[%zu,%zu]}", at, at + xl_tensor_bytes(t));
}

/* Owns: the caller frees the text; padded so that the tensors are aligned. */
static char *make_header(const struct xl_named *const *order, int n, const char *outline,
			 size_t *length)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, length);
	size_t at = 0;

	if (!f) {
		xl_err("out of memory");
		return NULL;
	}
	fprintf(f, "{\"%s\":{\"format\":\"pt\"", METADATA); /* what torch's loaders ask for */
	if (outline) {
		fprintf(f, ",\"%s\":", OUTLINE);
		put_string(f, outline);
	}
	putc('}', f);
	for (int i = 0; i < n; at += xl_tensor_bytes(order[i++]->tensor)) {
		putc(',', f);
		put_entry(f, order[i], at);
	}
	putc('}', f);
	for (long end = ftell(f); end % PREFIX; end++)
		putc(' ', f);
	if (fclose(f)) {
		free(text);
		xl_err("out of memory");
		return NULL;
	}
	return text;
}

int xl_safetensors_write(FILE *f, const struct xl_record *r, const char *outline)
{
	const struct xl_named **order = xl_alloc((size_t)r->n_tensors, sizeof *order);
	char *header = NULL;
	size_t length;
	uint64_t prefix;
	int rc = -1;

	if (!order)
		return -1;
	for (int i = 0; i < r->n_tensors; i++) {
		if (strcmp(r->tensors[i].name, METADATA) == 0) {
			xl_err("a tensor of safetensors cannot be called %s", METADATA);
			goto out;
		}
		order[i] = &r->tensors[i];
	}
	qsort(order, (size_t)r->n_tensors, sizeof *order, by_type);
	if (!(header = make_header(order, r->n_tensors, outline, &length)))
		goto out;
	prefix = length;
	fwrite(&prefix, sizeof prefix, 1, f);
	fwrite(header, 1, length, f);
	for (int i = 0; i < r->n_tensors; i++)
		fwrite(order[i]->tensor->data, 1, xl_tensor_bytes(order[i]->tensor), f);
	rc = 0;
out:
	free(header);
	free(order);
	return rc;
}
