/*
 * torchfile.c - state dictionaries of torch: a pickle says what tensors there are,
 * and of which parts of which storages they are made.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "tensor/pickle.h"
#include "tensor/stream.h"
#include "tensor/torchfile.h"

enum { MAX_DEPTH = 16, MAX_VISITS = 1 << 20 };

/* The number that a file of the old layout begins with, as a pickle. */
static const uint8_t legacy_magic[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
				       0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e};
enum { LEGACY_VERSION = 1001 };

struct storage {
	const char *key;
	uint32_t key_size;
	enum xl_foreign type;
	int64_t count;
	const uint8_t *bytes;
};

struct torch {
	struct xl_pickle p;
	struct storage *storages; /* sorted by key */
	int n;
	size_t left; /* bytes that tensors may still take */
};

static void torch_done(struct torch *f)
{
	free(f->storages);
	xl_pickle_done(&f->p);
}

/* ---- storages --------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	const struct storage *p = a, *q = b;
	const int c = memcmp(p->key, q->key, p->key_size < q->key_size ? p->key_size : q->key_size);

	return c ? c : (p->key_size > q->key_size) - (p->key_size < q->key_size);
}

static struct storage *find_storage(const struct torch *f, const struct xl_pickle_node *key)
{
	const struct storage wanted = {.key = key->text, .key_size = key->n};

	return bsearch(&wanted, f->storages, (size_t)f->n, sizeof *f->storages, by_key);
}

/* Those that the pickle refers to, each once. */
static int list_storages(struct torch *f)
{
	int n = 0;

	for (uint32_t i = 0; i < f->p.n_nodes; i++)
		n += f->p.nodes[i].type == XL_P_STORAGE;
	f->storages = xl_alloc((size_t)n, sizeof *f->storages);
	if (!f->storages)
		return -1;
	n = 0;
	for (uint32_t i = 0; i < f->p.n_nodes; i++) {
		const struct xl_pickle_node *node = &f->p.nodes[i], *key;

		if (node->type != XL_P_STORAGE)
			continue;
		key = xl_pickle_item(&f->p, node, 0);
		f->storages[n++] =
			(struct storage){key->text, key->n, node->storage, node->i, NULL};
	}
	qsort(f->storages, (size_t)n, sizeof *f->storages, by_key);
	for (int i = 0; i < n; i++) {
		const struct storage *s = &f->storages[i], *last = &f->storages[f->n - 1];

		if (i == 0 || by_key(s, last) != 0)
			f->storages[f->n++] = *s;
		else if (s->type != last->type || s->count != last->count)
			return xl_err("storage '%.*s' has two types or sizes",
				      s->key_size > 40 ? 40 : (int)s->key_size, s->key);
	}
	return 0;
}

static int storage_size(const struct storage *s, size_t *size)
{
	return xl_mul((size_t)s->count, xl_foreign_size(s->type), size);
}

/* ---- tensors ---------------------------------------------------------- */

struct layout {
	int ndim;
	int64_t offset, shape[XL_MAX_DIMS], strides[XL_MAX_DIMS];
};

/* Does every element lie within the storage, and are there not more of them? */
static int check_layout(const struct layout *l, const struct storage *s)
{
	int64_t count = 1, last = l->offset;
	bool is_empty = false;

	for (int i = 0; i < l->ndim; i++)
		is_empty |= l->shape[i] == 0;
	for (int i = 0; i < l->ndim && !is_empty; i++) {
		int64_t step;

		if (__builtin_mul_overflow(count, l->shape[i], &count) ||
		    __builtin_mul_overflow(l->shape[i] - 1, l->strides[i], &step) ||
		    __builtin_add_overflow(last, step, &last))
			return xl_err("is larger than memory");
	}
	if (!is_empty && last >= s->count)
		return xl_err("ends at element %lld of a storage of %lld", (long long)last,
			      (long long)s->count);
	if (!is_empty && count > s->count)
		return xl_err("has %lld elements, its storage %lld", (long long)count,
			      (long long)s->count);
	return 0;
}

static struct xl_tensor *load(struct torch *f, const struct xl_pickle_node *node)
{
	const struct xl_pickle *p = &f->p;
	const struct xl_pickle_node *storage = xl_pickle_item(p, node, 0);
	const struct xl_pickle_node *sizes = xl_pickle_item(p, node, 2);
	const struct storage *s = find_storage(f, xl_pickle_item(p, storage, 0));
	struct layout l = {.ndim = (int)sizes->n, .offset = xl_pickle_item(p, node, 1)->i};
	struct xl_tensor *t;
	size_t bytes = 0;

	for (int i = 0; i < l.ndim; i++) {
		l.shape[i] = xl_pickle_item(p, sizes, (uint32_t)i)->i;
		l.strides[i] = xl_pickle_item(p, xl_pickle_item(p, node, 3), (uint32_t)i)->i;
	}
	if (check_layout(&l, s) || xl_foreign_bytes(s->type, l.ndim, l.shape, &bytes))
		return NULL;
	if (bytes > f->left) {
		xl_err("tensors share storages to more than %d times the file", MAX_TENSOR_SHARE);
		return NULL;
	}
	f->left -= bytes;
	t = xl_foreign_tensor(s->type, l.ndim, l.shape, l.strides,
			      bytes ? s->bytes + (size_t)l.offset * xl_foreign_size(s->type)
				    : NULL);
	return t;
}

/* ---- dictionaries ----------------------------------------------------- */

/* A dictionary on the way to a tensor, and the name so far. */
struct level {
	const struct xl_pickle_node *dict;
	uint32_t next;
	size_t name_size;
};

struct walk {
	struct level levels[MAX_DEPTH];
	int depth, visits;
	char name[XL_LIMIT_NAME + 1];
};

static int enter(struct walk *w, const struct xl_pickle_node *dict, size_t name_size)
{
	if (w->depth == MAX_DEPTH)
		return xl_err("dictionaries lie more than %d deep", MAX_DEPTH);
	w->levels[w->depth++] = (struct level){dict, 0, name_size};
	return 0;
}

/* The name of what lies under that key; *n its bytes. */
static int join(struct walk *w, const struct level *l, const struct xl_pickle_node *key, size_t *n)
{
	char number[24];
	const char *text = key->type == XL_P_STR ? key->text : number;
	size_t size = key->n, at = l->name_size;

	if (key->type == XL_P_INT)
		size = (size_t)snprintf(number, sizeof number, "%lld", (long long)key->i);
	if (at + (at > 0) + size > XL_LIMIT_NAME)
		return xl_err("the name of a tensor has more than %d bytes", XL_LIMIT_NAME);
	if (at > 0)
		w->name[at++] = '.';
	memcpy(w->name + at, text, size);
	*n = at + size;
	return 0;
}

static int visit(struct torch *f, struct walk *w, struct xl_record *r)
{
	struct level *l = &w->levels[w->depth - 1];
	const struct xl_pickle_node *key, *value;
	struct xl_tensor *t;
	size_t n = 0;

	if (l->next == l->dict->n) {
		w->depth--;
		return 0;
	}
	if (++w->visits > MAX_VISITS)
		return xl_err("its dictionaries have more than %d entries", MAX_VISITS);
	key = xl_pickle_item(&f->p, l->dict, l->next);
	value = xl_pickle_item(&f->p, l->dict, l->next + 1);
	l->next += 2;
	if (value->type != XL_P_TENSOR && value->type != XL_P_DICT)
		return 0;
	if (join(w, l, key, &n))
		return -1;
	if (value->type == XL_P_DICT)
		return enter(w, value, n);
	t = load(f, value);
	if (!t)
		return xl_err_prefix("tensor '%.*s'", (int)n, w->name);
	return xl_foreign_put(r, w->name, n, t);
}

/* Is one of its values a tensor? */
static bool holds_tensors(const struct xl_pickle *p, const struct xl_pickle_node *dict)
{
	for (uint32_t k = 1; k < dict->n; k += 2)
		if (xl_pickle_item(p, dict, k)->type == XL_P_TENSOR)
			return true;
	return false;
}

/* Where the state dictionary is: in what was asked for, or under its usual names. */
static const struct xl_pickle_node *find_dict(const struct xl_pickle *p, const char *key)
{
	static const char *const usual[] = {"state_dict", "model", "net", "params"};
	const struct xl_pickle_node *root = xl_pickle_at(p, p->root), *found = NULL, *d;
	int n = 0;

	if (root->type != XL_P_DICT) {
		xl_err("holds no dictionary");
		return NULL;
	}
	if (key) {
		found = xl_pickle_get(p, root, key);
		if (!found || found->type != XL_P_DICT) {
			xl_err("has no dictionary '%.100s'", key);
			return NULL;
		}
		return found;
	}
	for (size_t i = 0; i < sizeof usual / sizeof *usual && !holds_tensors(p, root); i++)
		if ((d = xl_pickle_get(p, root, usual[i])) && d->type == XL_P_DICT) {
			found = d;
			n++;
		}
	return n == 1 ? found : root;
}

/* Networks trained on several devices have it before every name. */
static void drop_module(struct xl_record *r)
{
	static const char module[] = "module.";
	const size_t n = strlen(module);

	for (int i = 0; i < r->n_tensors; i++)
		if (strncmp(r->tensors[i].name, module, n) != 0 || !r->tensors[i].name[n])
			return;
	for (int i = 0; i < r->n_tensors; i++) {
		char *name = r->tensors[i].name;

		memmove(name, name + n, strlen(name) - n + 1);
	}
}

static int read_dict(struct torch *f, struct xl_record *r, const char *key)
{
	const struct xl_pickle_node *dict = find_dict(&f->p, key);
	struct walk w = {.depth = 0};

	if (!dict || enter(&w, dict, 0))
		return -1;
	while (w.depth > 0)
		if (visit(f, &w, r))
			return -1;
	if (r->n_tensors == 0)
		return xl_err("holds no tensors");
	drop_module(r);
	return 0;
}

static size_t allowance(size_t size)
{
	return size > SIZE_MAX / MAX_TENSOR_SHARE ? SIZE_MAX : size * MAX_TENSOR_SHARE;
}

/* ---- the layout in a zip archive -------------------------------------- */

static const char PICKLE[] = "/data.pkl";

/* The entry with the pickle: all others lie beside it. */
static const struct xl_zip_entry *find_pickle(const struct xl_zip *z)
{
	const size_t n = strlen(PICKLE);

	for (int i = 0; i < z->n; i++) {
		const struct xl_zip_entry *e = &z->entries[i];

		if (e->name_size > n && memcmp(e->name + e->name_size - n, PICKLE, n) == 0 &&
		    !memchr(e->name, '/', e->name_size - n))
			return e;
	}
	return NULL;
}

bool xl_is_torch_zip(const struct xl_zip *z)
{
	return find_pickle(z) != NULL;
}

/* The entry FOLDER/name, of the folder that pickle lies in; NULL without a message */
static const struct xl_zip_entry *beside(const struct xl_zip *z, const struct xl_zip_entry *pickle,
					 const char *name)
{
	char *full =
		xl_strf("%.*s/%s", (int)(pickle->name_size - strlen(PICKLE)), pickle->name, name);
	const struct xl_zip_entry *e = full ? xl_zip_find(z, full, strlen(full)) : NULL;

	free(full);
	return e;
}

/* The bytes of an entry; torch compresses nothing. */
static const uint8_t *stored(struct xl_zip *z, const struct xl_zip_entry *e)
{
	void *owned;

	if (!e->deflated)
		return xl_zip_bytes(z, e, &owned);
	xl_err("entry '%.*s' is compressed, as torch never does", (int)e->name_size, e->name);
	return NULL;
}

static int check_kind(struct xl_zip *z, const struct xl_zip_entry *pickle)
{
	const struct xl_zip_entry *order = beside(z, pickle, "byteorder");
	const uint8_t *p;

	if (beside(z, pickle, "constants.pkl"))
		return xl_err("is a TorchScript archive, a program, which is not read");
	if (!order)
		return 0;
	if (!(p = stored(z, order)))
		return -1;
	if (order->size != 6 || memcmp(p, "little", 6) != 0)
		return xl_err("is of a big-endian machine, which is not read");
	return 0;
}

static int find_in_zip(struct xl_zip *z, const struct xl_zip_entry *pickle, struct storage *s)
{
	const struct xl_zip_entry *e;
	char name[32];
	size_t size;

	if (s->key_size == 0 || s->key_size > 20)
		return xl_err("storage of another name than a number");
	for (uint32_t i = 0; i < s->key_size; i++)
		if (s->key[i] < '0' || s->key[i] > '9')
			return xl_err("storage of another name than a number");
	snprintf(name, sizeof name, "data/%.*s", (int)s->key_size, s->key);
	if (!(e = beside(z, pickle, name)))
		return xl_err("has no storage '%s'", name);
	if (storage_size(s, &size))
		return -1;
	if (e->size < size)
		return xl_err("storage '%s' has %zu bytes, its elements take %zu", name, e->size,
			      size);
	return (s->bytes = stored(z, e)) ? 0 : -1;
}

int xl_torch_zip_read(struct xl_record *r, const char *key, struct xl_zip *z, size_t size)
{
	const struct xl_zip_entry *pickle = find_pickle(z);
	struct torch f = {.left = allowance(size)};
	const uint8_t *p;
	int rc = -1;

	if (check_kind(z, pickle) || !(p = stored(z, pickle)) ||
	    !xl_pickle_run(&f.p, p, pickle->size) || list_storages(&f))
		goto out;
	for (int i = 0; i < f.n; i++)
		if (find_in_zip(z, pickle, &f.storages[i]))
			goto out;
	rc = read_dict(&f, r, key);
out:
	torch_done(&f);
	return rc;
}

/* ---- the layout from before 2020 -------------------------------------- */

bool xl_is_torch_legacy(const void *bytes, size_t n)
{
	return n >= sizeof legacy_magic && memcmp(bytes, legacy_magic, sizeof legacy_magic) == 0;
}

/* The pickles of the version and of the machine; *at moves past them. */
static int check_legacy(const uint8_t *data, size_t size, size_t *at)
{
	struct xl_pickle p;
	const struct xl_pickle_node *node;
	size_t used = xl_pickle_run(&p, data + *at, size - *at);
	bool ok = used && xl_pickle_at(&p, p.root)->type == XL_P_INT &&
		  xl_pickle_at(&p, p.root)->i == LEGACY_VERSION;

	xl_pickle_done(&p);
	if (!ok)
		return used ? xl_err("is of another version of torch's old layout") : -1;
	*at += used;
	used = xl_pickle_run(&p, data + *at, size - *at);
	node = used && xl_pickle_at(&p, p.root)->type == XL_P_DICT
		       ? xl_pickle_get(&p, xl_pickle_at(&p, p.root), "little_endian")
		       : NULL;
	ok = node && node->type == XL_P_BOOL && node->i;
	xl_pickle_done(&p);
	*at += used;
	if (!ok)
		return used ? xl_err("is of a big-endian machine, which is not read") : -1;
	return 0;
}

/* One storage: its number of elements, and they. */
static int read_legacy_storage(struct torch *f, const struct xl_pickle_node *key,
			       const uint8_t *data, size_t size, size_t *at)
{
	struct storage *s = key->type == XL_P_STR ? find_storage(f, key) : NULL;
	size_t bytes;
	int64_t count;

	if (!s || s->bytes)
		return xl_err("lists a storage %s", s ? "twice" : "that nothing refers to");
	if (size - *at < sizeof count)
		return xl_err("ends before storage '%.*s'", (int)s->key_size, s->key);
	memcpy(&count, data + *at, sizeof count);
	*at += sizeof count;
	if (count != s->count || storage_size(s, &bytes))
		return xl_err("storage '%.*s' has %lld elements, the pickle says %lld",
			      s->key_size > 40 ? 40 : (int)s->key_size, s->key, (long long)count,
			      (long long)s->count);
	if (bytes > size - *at)
		return xl_err("ends inside storage '%.*s', %zu bytes missing",
			      s->key_size > 40 ? 40 : (int)s->key_size, s->key,
			      bytes - (size - *at));
	s->bytes = data + *at;
	*at += bytes;
	return 0;
}

/* A list of storage keys, then the storages in its order, to the end of the file. */
static int read_legacy_storages(struct torch *f, const uint8_t *data, size_t size, size_t at)
{
	struct xl_pickle keys;
	const struct xl_pickle_node *list;
	const size_t used = xl_pickle_run(&keys, data + at, size - at);
	int rc = -1;

	if (!used)
		goto out;
	at += used;
	list = xl_pickle_at(&keys, keys.root);
	if (list->type != XL_P_LIST) {
		xl_err("has no list of its storages");
		goto out;
	}
	for (uint32_t i = 0; i < list->n; i++)
		if (read_legacy_storage(f, xl_pickle_item(&keys, list, i), data, size, &at))
			goto out;
	for (int i = 0; i < f->n; i++)
		if (!f->storages[i].bytes) {
			xl_err("has no storage '%.*s'", (int)f->storages[i].key_size,
			       f->storages[i].key);
			goto out;
		}
	rc = at == size ? 0 : xl_err("%zu bytes after the last storage", size - at);
out:
	xl_pickle_done(&keys);
	return rc;
}

int xl_torch_legacy_read(struct xl_record *r, const char *key, const uint8_t *data, size_t size)
{
	struct torch f = {.left = allowance(size)};
	size_t at = sizeof legacy_magic, used;
	int rc = -1;

	if (check_legacy(data, size, &at) || !(used = xl_pickle_run(&f.p, data + at, size - at)) ||
	    list_storages(&f) || read_legacy_storages(&f, data, size, at + used))
		goto out;
	rc = read_dict(&f, r, key);
out:
	torch_done(&f);
	return rc;
}
