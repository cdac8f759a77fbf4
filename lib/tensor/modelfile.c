/*
 * modelfile.c - model files: reading, writing, and the digest that tells one
 * model from another. What the records mean is decided by the methods.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "tensor/modelfile.h"
#include "tensor/stream.h"

static const char DIGEST[] = "digest";

/* Networks in one file; a checkpoint has a few records for each of about 10. */
enum { MAX_RECORDS = 1024 };

/* The first record without its digest: a view, nothing of it is copied. */
static int add_first(struct xl_digest *d, const struct xl_record *r)
{
	struct xl_record view = *r;
	int rc;

	view.n_meta = 0;
	view.has_meta = true; /* as it is once the digest stands there */
	view.meta = xl_alloc((size_t)r->n_meta, sizeof(*view.meta));
	if (!view.meta)
		return -1;
	for (int i = 0; i < r->n_meta; i++)
		if (strcmp(r->meta[i].key, DIGEST) != 0)
			view.meta[view.n_meta++] = r->meta[i];
	rc = xl_record_digest(&view, d);
	free(view.meta);
	return rc;
}

int xl_model_digest_add(struct xl_digest *d, const struct xl_record *r, bool is_first)
{
	return is_first ? add_first(d, r) : xl_record_digest(r, d);
}

int xl_model_digest(const struct xl_record *const *records, int n, char hex[65])
{
	struct xl_digest d;

	if (n < 1)
		return xl_err("a model has at least one record");
	xl_digest_init(&d);
	for (int i = 0; i < n; i++)
		if (xl_model_digest_add(&d, records[i], i == 0))
			return -1;
	xl_digest_hex(&d, hex);
	return 0;
}

static int check_first(const struct xl_record *r, const char *name)
{
	if (r->kind != XL_MODEL)
		return xl_err("%s: not a model (kind %s)", name, xl_kind_name(r->kind));
	if (strcmp(r->id, "model") != 0)
		return xl_err("%s: not a model (its first record is '%.100s', not 'model')", name,
			      r->id);
	if (!xl_meta_str(r, DIGEST, NULL))
		return xl_err("%s: not a model (it has no digest)", name);
	return 0;
}

int xl_modelfile_read(const char *path, struct xl_record ***records, int *n)
{
	struct xl_reader *rd = xl_reader_open(path);
	struct xl_record *r, **list = NULL;
	int count = 0, rc;

	*records = NULL;
	*n = 0;
	if (!rd)
		return -1;
	list = xl_alloc(MAX_RECORDS, sizeof(*list));
	if (!list)
		goto fail;
	while ((rc = xl_reader_next(rd, &r)) > 0) {
		if (count == MAX_RECORDS) {
			xl_record_free(r);
			xl_err("%s: a model of more than %d records", xl_reader_name(rd),
			       MAX_RECORDS);
			goto fail;
		}
		list[count++] = r;
		if (count == 1 && check_first(r, xl_reader_name(rd)))
			goto fail;
		if (r->kind != XL_MODEL) {
			xl_err("%s: kind %s in a model", xl_reader_where(rd),
			       xl_kind_name(r->kind));
			goto fail;
		}
	}
	if (rc == 0 && count == 0)
		rc = xl_err("%s: not a model (empty)", xl_reader_name(rd));
	if (rc < 0)
		goto fail;
	xl_reader_close(rd);
	*records = list;
	*n = count;
	return 0;
fail:
	xl_modelfile_free(list, count);
	xl_reader_close(rd);
	return -1;
}

void xl_modelfile_free(struct xl_record **records, int n)
{
	if (!records)
		return;
	for (int i = 0; i < n; i++)
		xl_record_free(records[i]);
	free(records);
}

int xl_modelfile_check(const struct xl_record *const *records, int n)
{
	const char *said;
	char hex[65];

	if (n < 1)
		return xl_err("not a model (empty)");
	said = xl_meta_str(records[0], DIGEST, "");
	if (xl_model_digest(records, n, hex))
		return -1;
	if (strcmp(said, hex) != 0)
		return xl_err("digest is %.64s, the content has %s", said, hex);
	return 0;
}

int xl_modelfile_write(const char *path, struct xl_record **records, int n)
{
	struct xl_writer *w;
	char hex[65];

	if (n < 1 || n > MAX_RECORDS)
		return xl_err("a model has 1 to %d records, not %d", MAX_RECORDS, n);
	if (xl_model_digest((const struct xl_record *const *)records, n, hex) ||
	    xl_meta_set_str(records[0], DIGEST, hex))
		return -1;
	w = xl_writer_open(path);
	if (!w)
		return -1;
	for (int i = 0; i < n; i++) {
		if (xl_writer_put(w, records[i])) {
			xl_writer_abort(w);
			return -1;
		}
	}
	return xl_writer_close(w);
}
