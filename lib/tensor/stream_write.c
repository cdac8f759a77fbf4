/*
 * stream_write.c - records to bytes (xl-stream(5)), over msgpack-c's packer,
 * which writes every length and number in its shortest form. A record is
 * checked before its first byte is written, so that no half record gets out.
 */
#include <msgpack/pack.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/file.h"
#include "core/mem.h"
#include "tensor/stream.h"
#include "xl.h"

enum { BUFFER = 65536 };

/* Where bytes go: into a digest, to fd when the buffer is full, or, without
 * either, nowhere: then the buffer grows. */
struct sink {
	struct xl_digest *digest;
	int fd; /* -1: keep all of it */
	const char *name;
	char *buf;
	size_t used, cap;
	bool failed;
};

struct xl_writer {
	struct sink sink;
	struct xl_file file; /* file.f is NULL for stdout */
};

static int sink_flush(struct sink *s)
{
	if (s->fd >= 0 && s->used > 0 && !s->failed) {
		if (xl_write_all(s->fd, s->name, s->buf, s->used))
			s->failed = true;
		s->used = 0;
	}
	return s->failed ? -1 : 0;
}

static int sink_add(struct sink *s, const void *data, size_t n)
{
	if (s->digest) {
		xl_digest_add(s->digest, data, n);
		return 0;
	}
	if (s->fd >= 0 && s->used + n > s->cap && sink_flush(s))
		return -1;
	if (s->fd >= 0 && n >= s->cap) { /* large: straight from where it lies */
		if (!s->failed && xl_write_all(s->fd, s->name, data, n))
			s->failed = true;
		return s->failed ? -1 : 0;
	}
	if (s->used + n > s->cap) {
		size_t cap = s->cap;
		char *p;

		while (cap < s->used + n)
			cap *= 2;
		p = xl_realloc(s->buf, cap, 1);
		if (!p) {
			s->failed = true;
			return -1;
		}
		s->buf = p;
		s->cap = cap;
	}
	memcpy(s->buf + s->used, data, n);
	s->used += n;
	return 0;
}

static int pack_bytes(void *data, const char *buf, size_t n)
{
	return sink_add(data, buf, n);
}

/* ---- checks ----------------------------------------------------------- */

bool xl_is_utf8(const char *str, size_t n)
{
	const unsigned char *s = (const unsigned char *)str, *end = s + n;

	while (s < end) {
		unsigned c = *s++, more, least;

		if (c == 0)
			return false;
		if (c < 0x80)
			continue;
		more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
		if (c < 0xc2 || c > 0xf4 || (size_t)(end - s) < more)
			return false;
		least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
		c &= 0x3fu >> more;
		for (; more > 0; more--, s++) {
			if ((*s & 0xc0) != 0x80)
				return false;
			c = c << 6 | (*s & 0x3fu);
		}
		if (c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
	}
	return true;
}

static int check_text(const char *what, const char *s, size_t limit)
{
	size_t n = s ? strlen(s) : 0;

	if (!s)
		return xl_err("%s is missing", what);
	if (n > limit)
		return xl_err("%s has %zu bytes, the limit is %zu", what, n, limit);
	if (!xl_is_utf8(s, n))
		return xl_err("%s is not UTF-8", what);
	return 0;
}

static int check_meta(const struct xl_record *r)
{
	int items = 0;

	if (r->n_meta > XL_LIMIT_META)
		return xl_err("meta has %d entries, the limit is %d", r->n_meta, XL_LIMIT_META);
	for (int i = 0; i < r->n_meta; i++) {
		const struct xl_value *v = &r->meta[i].value;
		char what[XL_LIMIT_NAME + 16];

		if (check_text("a key of meta", r->meta[i].key, XL_LIMIT_NAME))
			return -1;
		snprintf(what, sizeof(what), "meta '%s'", r->meta[i].key);
		if (v->type == XL_STR && check_text(what, v->str, XL_LIMIT_TEXT))
			return -1;
		for (int k = 0; v->type == XL_LIST && k < v->n; k++)
			if (v->items[k].type == XL_STR &&
			    check_text(what, v->items[k].str, XL_LIMIT_TEXT))
				return -1;
		items += v->type == XL_LIST ? v->n : 0;
	}
	if (items > XL_LIMIT_ITEMS)
		return xl_err("the lists of meta have %d items, the limit is %d", items,
			      XL_LIMIT_ITEMS);
	return 0;
}

static int check_record(const struct xl_record *r)
{
	if (check_text("id", r->id, XL_LIMIT_ID) || check_meta(r))
		goto fail;
	if (r->n_tensors > XL_LIMIT_TENSORS) {
		xl_err("%d tensors, the limit is %d", r->n_tensors, XL_LIMIT_TENSORS);
		goto fail;
	}
	for (int i = 0; i < r->n_tensors; i++) {
		if (check_text("a tensor's name", r->tensors[i].name, XL_LIMIT_NAME))
			goto fail;
		if (xl_tensor_bytes(r->tensors[i].tensor) > UINT32_MAX) {
			xl_err("tensor '%s' is larger than 4 GiB, which a stream cannot hold",
			       r->tensors[i].name);
			goto fail;
		}
	}
	return 0;
fail:
	return xl_err_prefix("record '%.200s'", r->id ? r->id : "");
}

/* ---- packing ---------------------------------------------------------- */

/* Results of the packer are not looked at one by one: the sink remembers. */

static void pack_str(msgpack_packer *pk, const char *s)
{
	size_t n = strlen(s);

	msgpack_pack_str(pk, n);
	msgpack_pack_str_body(pk, s, n);
}

static void pack_bin(msgpack_packer *pk, const void *data, size_t n)
{
	msgpack_pack_bin(pk, n);
	msgpack_pack_bin_body(pk, data, n);
}

static void pack_value(msgpack_packer *pk, const struct xl_value *v)
{
	switch (v->type) {
	case XL_STR:
		pack_str(pk, v->str);
		break;
	case XL_INT:
		msgpack_pack_int64(pk, v->i);
		break;
	case XL_FLOAT:
		msgpack_pack_double(pk, v->f);
		break;
	case XL_BOOL:
		if (v->i)
			msgpack_pack_true(pk);
		else
			msgpack_pack_false(pk);
		break;
	case XL_LIST:
		break;
	}
}

static void pack_meta(msgpack_packer *pk, const struct xl_record *r)
{
	pack_str(pk, "meta");
	msgpack_pack_map(pk, (size_t)r->n_meta);
	for (int i = 0; i < r->n_meta; i++) {
		const struct xl_value *v = &r->meta[i].value;

		pack_str(pk, r->meta[i].key);
		if (v->type != XL_LIST) {
			pack_value(pk, v);
			continue;
		}
		msgpack_pack_array(pk, (size_t)v->n);
		for (int k = 0; k < v->n; k++)
			pack_value(pk, &v->items[k]);
	}
}

static void pack_tensor(msgpack_packer *pk, const struct xl_tensor *t)
{
	msgpack_pack_map(pk, 5);
	pack_bin(pk, "nd", 2);
	msgpack_pack_true(pk);
	pack_bin(pk, "type", 4);
	pack_str(pk, xl_dtype_name(t->dtype));
	pack_bin(pk, "kind", 4);
	msgpack_pack_bin(pk, 0);
	pack_bin(pk, "shape", 5);
	msgpack_pack_array(pk, (size_t)t->ndim);
	for (int i = 0; i < t->ndim; i++)
		msgpack_pack_int64(pk, t->shape[i]);
	pack_bin(pk, "data", 4);
	pack_bin(pk, t->data, xl_tensor_bytes(t));
}

static int pack_record(struct sink *s, const struct xl_record *r)
{
	bool has_meta = r->has_meta || r->n_meta > 0;
	msgpack_packer pk;

	if (check_record(r))
		return -1;
	msgpack_packer_init(&pk, s, pack_bytes);
	msgpack_pack_map(&pk, has_meta ? 5 : 4);
	pack_str(&pk, "xl");
	msgpack_pack_int(&pk, XL_FORMAT);
	pack_str(&pk, "kind");
	pack_str(&pk, xl_kind_name(r->kind));
	pack_str(&pk, "id");
	pack_str(&pk, r->id);
	if (has_meta)
		pack_meta(&pk, r);
	pack_str(&pk, "tensors");
	msgpack_pack_map(&pk, (size_t)r->n_tensors);
	for (int i = 0; i < r->n_tensors; i++) {
		pack_str(&pk, r->tensors[i].name);
		pack_tensor(&pk, r->tensors[i].tensor);
	}
	return s->failed ? -1 : 0;
}

int xl_record_pack(const struct xl_record *r, void **data, size_t *size)
{
	struct sink s = {.fd = -1, .cap = 1024};

	*data = NULL;
	*size = 0;
	s.buf = xl_alloc(s.cap, 1);
	if (!s.buf)
		return -1;
	if (pack_record(&s, r)) {
		free(s.buf);
		return -1;
	}
	*data = s.buf;
	*size = s.used;
	return 0;
}

int xl_record_digest(const struct xl_record *r, struct xl_digest *d)
{
	struct sink s = {.digest = d, .fd = -1};

	return pack_record(&s, r);
}

/* ---- writer ----------------------------------------------------------- */

struct xl_writer *xl_writer_open(const char *path)
{
	bool is_stdout = !path || strcmp(path, "-") == 0;
	struct xl_writer *w = xl_alloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->sink.cap = BUFFER;
	w->sink.buf = xl_alloc(BUFFER, 1);
	if (!w->sink.buf || (!is_stdout && xl_file_begin(&w->file, path))) {
		free(w->sink.buf);
		free(w);
		return NULL;
	}
	w->sink.fd = is_stdout ? STDOUT_FILENO : fileno(w->file.f);
	w->sink.name = is_stdout ? "stdout" : w->file.name;
	return w;
}

int xl_writer_put(struct xl_writer *w, const struct xl_record *r)
{
	if (w->sink.failed)
		return xl_err("%s: cannot write after a failure", w->sink.name);
	if (pack_record(&w->sink, r))
		return -1;
	/* The next tool of a pipe starts on a record as soon as it is there. */
	return w->file.f ? 0 : sink_flush(&w->sink);
}

int xl_writer_flush(struct xl_writer *w)
{
	return sink_flush(&w->sink);
}

int xl_writer_close(struct xl_writer *w)
{
	int rc;

	if (!w)
		return 0;
	rc = sink_flush(&w->sink);
	if (w->file.f) {
		if (rc)
			xl_file_abort(&w->file);
		else
			rc = xl_file_commit(&w->file);
	}
	free(w->sink.buf);
	free(w);
	return rc;
}

void xl_writer_abort(struct xl_writer *w)
{
	if (!w)
		return;
	if (w->file.f)
		xl_file_abort(&w->file);
	free(w->sink.buf);
	free(w);
}
