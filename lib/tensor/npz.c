/*
 * npz.c - reads and writes .npz. The header of a .npy is the text of a Python
 * dict; just the three keys of an array are understood, nothing is evaluated.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "tensor/foreign.h"
#include "tensor/npz.h"
#include "tensor/stream.h"

static const char SUFFIX[] = ".npy", OUTLINE[] = "xl", MAGIC[] = "\x93NUMPY";

enum {
	MAGIC_SIZE = 6,
	BEFORE = 10, /* magic, version, length of the dict */
	ALIGN = 64,
	HEAD = 320, /* eight sizes of 20 digits fit */
	MAX_HEADER = 65536,
	SUFFIX_SIZE = 4
};

struct npy {
	enum xl_foreign type;
	bool columns_first;
	int ndim;
	int64_t shape[XL_MAX_DIMS];
	bool has[3]; /* descr, fortran_order, shape */
};

/* What is left of a header, ended by NUL. */
struct text {
	const char *p;
};

static void skip_space(struct text *t)
{
	while (*t->p == ' ' || *t->p == '\n')
		t->p++;
}

static bool take(struct text *t, const char *word)
{
	skip_space(t);
	if (strncmp(t->p, word, strlen(word)) != 0)
		return false;
	t->p += strlen(word);
	return true;
}

static int want(struct text *t, const char *word)
{
	return take(t, word) ? 0
			     : xl_err("its header wants '%s' before '%.20s'", word,
				      *t->p ? t->p : "the end");
}

/* A word in either kind of quotes, without escapes. */
static int take_quoted(struct text *t, const char **word, size_t *n)
{
	const char *end;

	skip_space(t);
	if ((*t->p != '\'' && *t->p != '"') || !(end = strchr(t->p + 1, *t->p)))
		return xl_err("its header wants a word in quotes before '%.20s'", t->p);
	*word = t->p + 1;
	*n = (size_t)(end - *word);
	t->p = end + 1;
	return 0;
}

static int take_number(struct text *t, int64_t *out)
{
	int64_t v = 0;
	const char *first;

	skip_space(t);
	for (first = t->p; *t->p >= '0' && *t->p <= '9'; t->p++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *t->p - '0', &v))
			return xl_err("its header has a size above 2^63");
	if (t->p == first)
		return xl_err("its header wants a size before '%.20s'", t->p);
	*out = v;
	return 0;
}

static int read_type(struct text *t, struct npy *a)
{
	const char *word;
	size_t n;

	skip_space(t);
	if (*t->p == '[')
		return xl_err("holds structures, which are not read");
	if (take_quoted(t, &word, &n))
		return -1;
	if (n > 1 && word[1] == 'O')
		return xl_err("holds objects (a pickle), which are never read");
	if (n > 0 && word[0] == '>')
		return xl_err("holds big-endian numbers ('%.*s'), which are not read",
			      n > 20 ? 20 : (int)n, word);
	return xl_foreign_find(XL_NUMPY, word, n, &a->type);
}

static int read_order(struct text *t, struct npy *a)
{
	a->columns_first = take(t, "True");
	return a->columns_first ? 0 : want(t, "False");
}

static int read_shape(struct text *t, struct npy *a)
{
	if (want(t, "("))
		return -1;
	while (!take(t, ")")) {
		if (a->ndim == XL_MAX_DIMS)
			return xl_err("has more than %d dimensions", XL_MAX_DIMS);
		if (take_number(t, &a->shape[a->ndim++]))
			return -1;
		if (take(t, ")"))
			return a->ndim > 1 ? 0 : xl_err("its header has a number for a tuple");
		if (want(t, ","))
			return -1;
	}
	return 0;
}

static int read_dict(struct text *t, struct npy *a)
{
	static const char *const keys[] = {"descr", "fortran_order", "shape"};
	static int (*const read[])(struct text *, struct npy *) = {read_type, read_order,
								   read_shape};
	const char *word;
	size_t n;

	if (want(t, "{"))
		return -1;
	while (!take(t, "}")) {
		int k = 0;

		if (take_quoted(t, &word, &n))
			return -1;
		while (k < 3 && (strlen(keys[k]) != n || memcmp(keys[k], word, n) != 0))
			k++;
		if (k == 3 || a->has[k])
			return xl_err("its header has '%.*s', %s", n > 40 ? 40 : (int)n, word,
				      k == 3 ? "which is no key of an array" : "twice");
		a->has[k] = true;
		if (want(t, ":") || read[k](t, a))
			return -1;
		if (!take(t, ",") && strncmp(t->p, "}", 1) != 0)
			return want(t, "}");
	}
	if (!a->has[0] || !a->has[1] || !a->has[2])
		return xl_err("its header lacks one of descr, fortran_order, shape");
	skip_space(t);
	return *t->p ? xl_err("its header goes on after its dict") : 0;
}

/* *at: where the numbers begin */
static int read_header(struct npy *a, const uint8_t *p, size_t size, size_t *at)
{
	size_t n;
	char *copy;
	int rc;

	if (size < MAGIC_SIZE + 6 || memcmp(p, MAGIC, MAGIC_SIZE) != 0)
		return xl_err("is not a .npy file");
	if (p[6] < 1 || p[6] > 3 || p[7] != 0)
		return xl_err("is of version %d.%d of the .npy format, which is not read", p[6],
			      p[7]);
	n = (size_t)p[8] | (size_t)p[9] << 8;
	*at = MAGIC_SIZE + 4;
	if (p[6] > 1) {
		n |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
		*at += 2;
	}
	if (n > MAX_HEADER || n > size - *at)
		return xl_err("says that its header has %zu bytes, %zu follow", n, size - *at);
	if (!xl_is_utf8((const char *)p + *at, n))
		return xl_err("has a header that is not text");
	copy = xl_alloc(n + 1, 1);
	if (!copy)
		return -1;
	memcpy(copy, p + *at, n);
	*at += n;
	rc = read_dict(&(struct text){copy}, a);
	free(copy);
	return rc;
}

static struct xl_tensor *read_array(const uint8_t *p, size_t size)
{
	struct npy a = {.ndim = 0};
	int64_t strides[XL_MAX_DIMS], step = 1;
	size_t at = 0, bytes;

	if (read_header(&a, p, size, &at) || xl_foreign_bytes(a.type, a.ndim, a.shape, &bytes))
		return NULL;
	if (bytes != size - at) {
		xl_err("its shape takes %zu bytes, %zu follow its header", bytes, size - at);
		return NULL;
	}
	for (int i = 0; i < a.ndim && bytes > 0; step *= a.shape[i++])
		strides[i] = step;
	return xl_foreign_tensor(a.type, a.ndim, a.shape, a.columns_first ? strides : NULL, p + at);
}

static int read_entry(struct xl_record *r, struct xl_tensor **outline, struct xl_zip *z,
		      const struct xl_zip_entry *e)
{
	const size_t n = e->name_size - SUFFIX_SIZE;
	void *owned;
	const uint8_t *p = xl_zip_bytes(z, e, &owned);
	struct xl_tensor *t = p ? read_array(p, e->size) : NULL;

	free(owned);
	if (!p)
		return -1;
	if (!t)
		return xl_err_prefix("array '%.*s'", n > 200 ? 200 : (int)n, e->name);
	if (n != strlen(OUTLINE) || memcmp(e->name, OUTLINE, n) != 0)
		return xl_foreign_put(r, e->name, n, t);
	*outline = t;
	if (t->dtype != XL_U1 || t->ndim != 1)
		return xl_err("array 'xl' is not one that xl-convert writes");
	return 0;
}

int xl_npz_read(struct xl_record *r, struct xl_tensor **outline, struct xl_zip *z)
{
	*outline = NULL;
	for (int i = 0; i < z->n; i++) {
		if (read_entry(r, outline, z, &z->entries[i])) {
			xl_tensor_free(*outline);
			*outline = NULL;
			return -1;
		}
	}
	return 0;
}

/* ---- writing ---------------------------------------------------------- */

/* Version 1.0: the length of the dict, and the dict, padded. Returns all bytes. */
static size_t make_header(uint8_t head[HEAD], const struct xl_tensor *t)
{
	char *dict = (char *)head + BEFORE;
	const size_t room = HEAD - BEFORE;
	size_t n, end;

	n = (size_t)snprintf(dict, room, "{'descr': '%s', 'fortran_order': False, 'shape': (",
			     xl_dtype_name(t->dtype));
	for (int i = 0; i < t->ndim; i++)
		n += (size_t)snprintf(dict + n, room - n, "%s%lld", i ? ", " : "",
				      (long long)t->shape[i]);
	n += (size_t)snprintf(dict + n, room - n, "%s), }", t->ndim == 1 ? "," : "");
	end = (size_t)xl_round_up((int64_t)n + BEFORE + 1, ALIGN);
	memset(dict + n, ' ', end - BEFORE - n);
	head[end - 1] = '\n';
	memcpy(head, MAGIC, MAGIC_SIZE);
	head[6] = 1;
	head[7] = 0;
	head[8] = (uint8_t)((end - BEFORE) & 255);
	head[9] = (uint8_t)((end - BEFORE) >> 8);
	return end;
}

static int put_array(struct xl_zip_out *z, const char *name, const struct xl_tensor *t)
{
	char file[XL_LIMIT_NAME + SUFFIX_SIZE + 1];
	uint8_t head[HEAD];
	size_t n = strlen(name), size = make_header(head, t);

	if (n > XL_LIMIT_NAME)
		return xl_err("the name of a tensor has %zu bytes, the limit is %d", n,
			      XL_LIMIT_NAME);
	memcpy(file, name, n);
	memcpy(file + n, SUFFIX, SUFFIX_SIZE + 1);
	return xl_zip_add(z, file, head, size, t->data, xl_tensor_bytes(t));
}

int xl_npz_write(FILE *f, const struct xl_record *r, const struct xl_tensor *outline)
{
	struct xl_zip_out z;
	int rc = 0;

	if (xl_zip_begin(&z, f))
		return -1;
	for (int i = 0; i < r->n_tensors && rc == 0; i++)
		rc = strcmp(r->tensors[i].name, OUTLINE) != 0
			     ? put_array(&z, r->tensors[i].name, r->tensors[i].tensor)
			     : xl_err("an array of .npz cannot be called '%s'", OUTLINE);
	if (rc == 0 && outline)
		rc = put_array(&z, OUTLINE, outline);
	if (rc) {
		xl_zip_abort(&z);
		return -1;
	}
	return xl_zip_end(&z);
}
