/*
 * weights.c - weights in files of any format: which one it is, and the way
 * between one list of tensors and the records of a stream.
 */
#include <stdlib.h>
#include <string.h>
#include "core/digest.h"
#include "core/file.h"
#include "core/mem.h"
#include "tensor/foreign.h"
#include "tensor/input.h"
#include "tensor/modelfile.h"
#include "tensor/npz.h"
#include "tensor/safetensors.h"
#include "tensor/torchfile.h"
#include "tensor/weights.h"

enum { MAX_RECORDS = 1024 }; /* as of a model file */
enum { HEAD = 64 };          /* enough to tell a kind of file by */

static const size_t max_file = (size_t)1 << 33; /* VGG16 has 553 MB */

void xl_weights_forget(struct xl_weights *w)
{
	xl_records_free(w->outline, w->n_outline);
	w->outline = NULL;
	w->n_outline = 0;
}

void xl_weights_done(struct xl_weights *w)
{
	xl_record_free(w->flat);
	xl_weights_forget(w);
	free(w->sources);
	*w = (struct xl_weights){.n_outline = 0};
}

/* ---- records and the list --------------------------------------------- */

static int holders(struct xl_record *const *records, int n)
{
	int k = 0;

	for (int i = 0; i < n; i++)
		k += records[i]->n_tensors > 0;
	return k;
}

/* The name in the list of tensor k of a record. Owns: the caller frees it */
static char *flat_name(const struct xl_record *r, int k, bool has_prefix)
{
	return has_prefix ? xl_strf("%s.%s", r->id, r->tensors[k].name)
			  : xl_strdup(r->tensors[k].name);
}

/* Tensors move to the list; the records keep empty ones. */
static int flatten(struct xl_weights *w)
{
	const bool has_prefix = holders(w->outline, w->n_outline) > 1;

	for (int i = 0; i < w->n_outline; i++) {
		struct xl_record *r = w->outline[i];

		for (int k = 0; k < r->n_tensors; k++) {
			struct xl_tensor *full = r->tensors[k].tensor;
			struct xl_tensor *empty = xl_tensor_new(full->dtype, 1, &(int64_t){0});
			char *name = flat_name(r, k, has_prefix);
			int rc = -1;

			if (empty && name) {
				r->tensors[k].tensor = empty;
				rc = xl_foreign_put(w->flat, name, strlen(name), full);
			} else {
				xl_tensor_free(empty);
			}
			free(name);
			if (rc)
				return -1;
		}
	}
	return 0;
}

/* A tensor of the list to its place in a record. */
static int place(struct xl_record *flat, struct xl_named *to, const char *name)
{
	for (int i = 0; i < flat->n_tensors; i++) {
		if (strcmp(flat->tensors[i].name, name) != 0)
			continue;
		xl_tensor_free(to->tensor);
		to->tensor = flat->tensors[i].tensor;
		flat->tensors[i].tensor = NULL;
		xl_record_drop(flat, name);
		return 0;
	}
	return xl_err("lacks tensor '%s' of the stream it came from", name);
}

/* And back; every tensor has one place. */
static int put_together(struct xl_weights *w)
{
	const bool has_prefix = holders(w->outline, w->n_outline) > 1;

	for (int i = 0; i < w->n_outline; i++) {
		struct xl_record *r = w->outline[i];

		for (int k = 0; k < r->n_tensors; k++) {
			char *name = flat_name(r, k, has_prefix);
			const int rc = name ? place(w->flat, &r->tensors[k], name) : -1;

			free(name);
			if (rc)
				return -1;
		}
	}
	if (w->flat->n_tensors > 0)
		return xl_err("tensor '%s' has no place in the stream it came from",
			      w->flat->tensors[0].name);
	return 0;
}

/* ---- the outline as bytes --------------------------------------------- */

static int pack_outline(const struct xl_weights *w, struct xl_tensor **out)
{
	struct xl_tensor *all = xl_tensor_new(XL_U1, 1, &(int64_t){0});

	for (int i = 0; i < w->n_outline && all; i++) {
		void *data = NULL, *grown;
		size_t size = 0, at = (size_t)all->shape[0];

		if (xl_record_pack(w->outline[i], &data, &size) ||
		    !(grown = xl_realloc(all->data, at + size, 1))) {
			xl_tensor_free(all);
			all = NULL;
		} else {
			all->data = grown;
			memcpy((char *)grown + at, data, size);
			all->shape[0] = (int64_t)(at + size);
		}
		free(data);
	}
	*out = all;
	return all ? 0 : -1;
}

static int read_records(struct xl_weights *w, const char *name, const void *data, size_t size)
{
	struct xl_reader *rd = xl_reader_open_mem(name, data, size);
	struct xl_record *r;
	int rc = -1;

	w->outline = xl_alloc(MAX_RECORDS, sizeof *w->outline);
	if (!rd || !w->outline)
		goto out;
	while ((rc = xl_reader_next(rd, &r)) > 0) {
		if (w->n_outline == MAX_RECORDS) {
			xl_record_free(r);
			rc = xl_err("%s: more than %d records", name, MAX_RECORDS);
			break;
		}
		w->outline[w->n_outline++] = r;
	}
out:
	xl_reader_close(rd);
	return rc;
}

static int unpack_outline(struct xl_weights *w, const char *name, const void *data, size_t size)
{
	if (w->outline)
		return xl_err("%s: only one of the files can come from a stream", name);
	if (read_records(w, "its outline", data, size))
		return xl_err_prefix("%s", name);
	for (int i = 0; i < w->n_outline; i++)
		for (int k = 0; k < w->outline[i]->n_tensors; k++)
			if (xl_tensor_count(w->outline[i]->tensors[k].tensor) > 0)
				return xl_err("%s: its outline is not one that xl-convert writes",
					      name);
	return 0;
}

static char *to_hex(const struct xl_tensor *bytes)
{
	static const char digits[] = "0123456789abcdef";
	const size_t n = xl_tensor_bytes(bytes);
	const uint8_t *p = bytes->data;
	char *hex = xl_alloc(2 * n + 1, 1);

	for (size_t i = 0; hex && i < n; i++) {
		hex[2 * i] = digits[p[i] >> 4];
		hex[2 * i + 1] = digits[p[i] & 15];
	}
	return hex;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place; the number of bytes, or -1 with xl_err set */
static int64_t from_hex(char *hex)
{
	const size_t n = strlen(hex);

	for (size_t i = 0; i < n; i += 2) {
		const int high = digit(hex[i]), low = digit(hex[i + 1]);

		if (high < 0 || low < 0)
			return xl_err("its outline is not one that xl-convert writes");
		hex[i / 2] = (char)(high << 4 | low);
	}
	return (int64_t)(n / 2);
}

/* ---- reading ---------------------------------------------------------- */

static int read_stream(struct xl_weights *w, const char *name, const void *data, size_t size)
{
	if (w->outline)
		return xl_err("%s: only one of the files can come from a stream", name);
	if (read_records(w, name, data, size))
		return -1;
	return flatten(w) ? xl_err_prefix("%s", name) : 0;
}

static int read_safetensors(struct xl_weights *w, const char *name, const void *data, size_t size)
{
	char *outline;
	int64_t n;
	int rc;

	if (xl_safetensors_read(w->flat, &outline, data, size))
		return xl_err_prefix("%s", name);
	if (!outline)
		return 0;
	n = from_hex(outline);
	rc = n < 0 ? xl_err_prefix("%s", name) : unpack_outline(w, name, outline, (size_t)n);
	free(outline);
	return rc;
}

static int read_npz(struct xl_weights *w, const char *name, struct xl_zip *z)
{
	struct xl_tensor *outline;
	int rc;

	if (xl_npz_read(w->flat, &outline, z))
		return xl_err_prefix("%s", name);
	if (!outline)
		return 0;
	rc = unpack_outline(w, name, outline->data, xl_tensor_bytes(outline));
	xl_tensor_free(outline);
	return rc;
}

static bool all_arrays(const struct xl_zip *z)
{
	for (int i = 0; i < z->n; i++) {
		const struct xl_zip_entry *e = &z->entries[i];

		if (e->name_size < 5 || memcmp(e->name + e->name_size - 4, ".npy", 4) != 0)
			return false;
	}
	return true;
}

static int read_zip(struct xl_weights *w, const char *name, const char *key, const void *data,
		    size_t size)
{
	struct xl_zip z;
	int rc;

	if (xl_zip_open(&z, data, size))
		rc = xl_err_prefix("%s", name);
	else if (xl_is_torch_zip(&z))
		rc = xl_torch_zip_read(w->flat, key, &z, size) ? xl_err_prefix("%s", name) : 0;
	else if (all_arrays(&z))
		rc = read_npz(w, name, &z);
	else
		rc = xl_err("%s: a zip archive that is neither .pth nor .npz", name);
	xl_zip_done(&z);
	return rc;
}

static int unknown(const char *name, const uint8_t *p, size_t n)
{
	if (n == 0)
		return xl_err("%s: empty", name);
	if (n >= 6 && memcmp(p, "\x93NUMPY", 6) == 0)
		return xl_err("%s: a single .npy array; numpy.savez puts it into a .npz", name);
	if (n >= 2 && p[0] == 0x80 && p[1] <= 5)
		return xl_err("%s: a bare pickle, not what torch.save writes", name);
	return xl_err("%s: neither a stream of xl nor safetensors, .pth or .npz (first bytes "
		      "%02x %02x %02x %02x)",
		      name, p[0], n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, n > 3 ? p[3] : 0);
}

/* Told by the first HEAD bytes; what has no end is not read to it. */
static int check_head(const char *name, const uint8_t *p, size_t n)
{
	bool known = xl_is_zip(p, n) || xl_is_torch_legacy(p, n) || xl_is_safetensors(p, n) ||
		     xl_is_stream(p, n);

	return known ? 0 : unknown(name, p, n);
}

static int add_source(struct xl_weights *w, const void *data, size_t size)
{
	void *p = xl_realloc(w->sources, (size_t)w->n_sources + 1, sizeof *w->sources);
	struct xl_digest d;

	if (!p)
		return -1;
	w->sources = p;
	xl_digest_init(&d);
	xl_digest_add(&d, data, size);
	xl_digest_hex(&d, w->sources[w->n_sources++]);
	return 0;
}

static int read_known(struct xl_weights *w, const char *name, const char *key, const void *data,
		      size_t size)
{
	if (check_head(name, data, size))
		return -1;
	if (xl_is_zip(data, size))
		return read_zip(w, name, key, data, size);
	if (xl_is_torch_legacy(data, size))
		return xl_torch_legacy_read(w->flat, key, data, size) ? xl_err_prefix("%s", name)
								      : 0;
	if (xl_is_safetensors(data, size))
		return read_safetensors(w, name, data, size);
	return read_stream(w, name, data, size);
}

int xl_weights_read_mem(struct xl_weights *w, const char *name, const void *data, size_t size,
			const char *key)
{
	int before;

	if (!w->flat && !(w->flat = xl_record_new(XL_MODEL, "weights")))
		return -1;
	before = w->flat->n_tensors;
	if (read_known(w, name, key, data, size))
		return -1;
	if (w->flat->n_tensors == before && !w->outline)
		return xl_err("%s: holds no tensors", name);
	return add_source(w, data, size);
}

int xl_weights_read(struct xl_weights *w, const char *path, const char *key)
{
	struct xl_input in;
	void *data = NULL;
	size_t size = 0;
	int rc = -1;

	if (xl_input_open(&in, path))
		return -1;
	if (xl_input_fill(&in, HEAD) || check_head(in.name, in.p, in.n))
		rc = -1;
	else if (xl_input_rest(&in, max_file, &data, &size) == 0)
		rc = size > max_file ? xl_err("%s: has more than 8 GiB", in.name)
				     : xl_weights_read_mem(w, in.name, data, size, key);
	free(data);
	xl_input_close(&in);
	return rc;
}

/* ---- writing ---------------------------------------------------------- */

bool xl_weights_are_statistics(const struct xl_weights *w)
{
	return !w->outline && w->flat->n_tensors == 2 && xl_record_tensor(w->flat, "mu") &&
	       xl_record_tensor(w->flat, "sigma");
}

static int say_sources(struct xl_record *r, const struct xl_weights *w)
{
	const char **list = xl_alloc((size_t)w->n_sources, sizeof *list);
	int rc = -1;

	for (int i = 0; list && i < w->n_sources; i++)
		list[i] = w->sources[i];
	if (list)
		rc = xl_meta_set_strs(r, "sources", list, w->n_sources);
	free(list);
	return rc;
}

/* The records of a list that did not come from a stream; the list's tensors are
 * theirs from now on. */
static int make_records(struct xl_weights *w, const char *network)
{
	const bool is_stats = xl_weights_are_statistics(w);
	struct xl_record *first, *last = w->flat;

	w->outline = xl_alloc(2, sizeof *w->outline);
	if (!w->outline || !(first = xl_record_new(XL_MODEL, "model")))
		return -1;
	w->outline[w->n_outline++] = is_stats ? last : first;
	if (!is_stats)
		w->outline[w->n_outline++] = last;
	w->flat = NULL;
	last->kind = is_stats ? XL_STATS : XL_MODEL;
	if (is_stats)
		xl_record_free(first);
	else if (xl_meta_set_str(first, "network", network))
		return -1;
	return say_sources(w->outline[0], w) || xl_record_set_id(last, is_stats ? "stats" : network)
		       ? -1
		       : 0;
}

static int write_records(const char *path, struct xl_record **records, int n)
{
	struct xl_writer *out;

	if (n > 0 && records[0]->kind == XL_MODEL && strcmp(records[0]->id, "model") == 0)
		return xl_modelfile_write(path, records, n);
	if (!(out = xl_writer_open(path)))
		return -1;
	for (int i = 0; i < n; i++)
		if (xl_writer_put(out, records[i])) {
			xl_writer_abort(out);
			return -1;
		}
	return xl_writer_close(out);
}

int xl_weights_write_to(FILE *f, const struct xl_weights *w, enum xl_weights_format format)
{
	struct xl_tensor *outline = NULL;
	char *hex = NULL;
	int rc = -1;

	if (w->outline && pack_outline(w, &outline))
		return -1;
	if (format == XL_W_NPZ)
		rc = xl_npz_write(f, w->flat, outline);
	else if (!outline || (hex = to_hex(outline)))
		rc = xl_safetensors_write(f, w->flat, hex);
	free(hex);
	xl_tensor_free(outline);
	return rc;
}

static int write_file(const struct xl_weights *w, const char *path, enum xl_weights_format format)
{
	struct xl_file out;

	if (strcmp(path, "-") == 0)
		return xl_weights_write_to(stdout, w, format)
			       ? xl_err_prefix("stdout: cannot write")
			       : 0;
	if (xl_file_begin(&out, path))
		return -1;
	if (xl_weights_write_to(out.f, w, format)) {
		xl_file_abort(&out);
		return xl_err_prefix("%s: cannot write", path);
	}
	return xl_file_commit(&out);
}

int xl_weights_write(struct xl_weights *w, const char *path, enum xl_weights_format format,
		     const char *network)
{
	if (format != XL_W_STREAM)
		return write_file(w, path, format);
	if (w->outline ? put_together(w) : make_records(w, network))
		return xl_err_prefix("%s: cannot write", path);
	return write_records(path, w->outline, w->n_outline);
}

static bool ends_with(const char *s, const char *end)
{
	const size_t n = strlen(s), k = strlen(end);

	return n > k && strcmp(s + n - k, end) == 0;
}

int xl_weights_format_of(const char *path, enum xl_weights_format *out)
{
	if (ends_with(path, ".pth") || ends_with(path, ".pt"))
		return xl_err("%s: not a format that is written; torch reads safetensors", path);
	*out = ends_with(path, ".safetensors") ? XL_W_SAFETENSORS
	       : ends_with(path, ".npz")       ? XL_W_NPZ
					       : XL_W_STREAM;
	return 0;
}
