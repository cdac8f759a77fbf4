/*
 * modelfile.c - model files: reading, writing, and the digest that tells one
 * model from another. What the records mean is decided by the methods.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
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

/* The file as memory; where it is none (a pipe, say) it is left to be read. */
static void map_file(const char *path, struct xl_modelfile *f)
{
	void *p = MAP_FAILED;
	int fd;

	/* a FIFO opened and closed here would end its writer */
	if (strcmp(path, "-") == 0 || stat(path, &f->before) || !S_ISREG(f->before.st_mode))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &f->before) == 0 && S_ISREG(f->before.st_mode) && f->before.st_size > 0)
		f->path = xl_strdup(path);
	if (f->path)
		p = mmap(NULL, (size_t)f->before.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		free(f->path);
		f->path = NULL;
		close(fd);
		return;
	}
	f->map = p;
	f->map_size = (size_t)f->before.st_size;
	f->fd = fd;
}

int xl_modelfile_same(const struct xl_modelfile *f)
{
	const struct stat *a = &f->before;
	struct stat b;

	if (!f->map ||
	    (fstat(f->fd, &b) == 0 && a->st_size == b.st_size &&
	     a->st_mtim.tv_sec == b.st_mtim.tv_sec && a->st_mtim.tv_nsec == b.st_mtim.tv_nsec))
		return 0;
	return xl_err("%s: written to while it was in use", f->path);
}

int xl_modelfile_sniff(struct xl_reader *rd)
{
	char first[8];
	const int n = xl_reader_peek(rd, first, sizeof first);

	if (n > 0 && xl_is_picture(first, (size_t)n))
		return xl_err("%s: not a model (a picture)", xl_reader_name(rd));
	return n < 0 ? -1 : 0;
}

static int read_records(struct xl_reader *rd, struct xl_modelfile *f)
{
	struct xl_record *r;
	int rc;

	if (xl_modelfile_sniff(rd))
		return -1;
	f->records = xl_alloc(MAX_RECORDS, sizeof(*f->records));
	if (!f->records)
		return -1;
	while ((rc = xl_reader_next(rd, &r)) > 0) {
		if (f->n == MAX_RECORDS) {
			xl_record_free(r);
			return xl_err("%s: a model of more than %d records", xl_reader_name(rd),
				      MAX_RECORDS);
		}
		f->records[f->n++] = r;
		if (f->n == 1 && check_first(r, xl_reader_name(rd)))
			return -1;
		if (r->kind != XL_MODEL)
			return xl_err("%s: kind %s in a model", xl_reader_where(rd),
				      xl_kind_name(r->kind));
	}
	if (rc == 0 && f->n == 0)
		return xl_err("%s: not a model (empty)", xl_reader_name(rd));
	return rc;
}

int xl_modelfile_read(const char *path, struct xl_modelfile *f)
{
	struct xl_reader *rd;
	int rc = -1;

	*f = (struct xl_modelfile){0};
	map_file(path, f);
	rd = f->map ? xl_reader_open_mem(path, f->map, f->map_size) : xl_reader_open(path);
	if (rd) {
		xl_reader_lend(rd);
		rc = read_records(rd, f);
	}
	xl_reader_close(rd);
	if (rc)
		xl_modelfile_free(f);
	return rc;
}

void xl_records_free(struct xl_record **records, int n)
{
	for (int i = 0; i < n; i++)
		xl_record_free(records[i]);
	free(records);
}

void xl_modelfile_free(struct xl_modelfile *f)
{
	xl_records_free(f->records, f->n);
	if (f->map) {
		free(f->path);
		munmap(f->map, f->map_size);
		close(f->fd);
	}
	*f = (struct xl_modelfile){0};
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
