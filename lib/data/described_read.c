/*
 * described_read.c - what sets are read from: pictures of a folder, decoded on all threads,
 * records of a stream, and arrays in files of statistics.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/file.h"
#include "core/mem.h"
#include "core/pool.h"
#include "core/progress.h"
#include "data/described.h"
#include "data/inputs.h"
#include "data/sets.h"
#include "metrics/compare.h"
#include "tensor/safetensors.h"
#include "tensor/weights.h"
#include "tensor/ziparchive.h"

enum { BATCH = 16, FIRST_BYTES = 16 };

/* Pictures that go into the network together. */
struct batch {
	struct xl_tensor *picture[BATCH]; /* (3,H,W) |u1, owned */
	char *id[BATCH], *where[BATCH];   /* owned; where is for messages */
	int n;
};

static void say_failed(const struct xl_described *s)
{
	s->failed(xl_err_msg());
}

static int batch_put(struct batch *b, struct xl_tensor *picture, const char *id, const char *where)
{
	b->picture[b->n] = picture;
	b->id[b->n] = xl_strdup(id);
	b->where[b->n] = xl_strdup(where);
	b->n++;
	return picture && b->id[b->n - 1] && b->where[b->n - 1] ? 0 : -1;
}

static void batch_empty(struct batch *b)
{
	for (int i = 0; i < b->n; i++) {
		xl_tensor_free(b->picture[i]);
		free(b->id[i]);
		free(b->where[i]);
	}
	b->n = 0;
}

static bool all_finite(const float *v, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		if (!isfinite(v[i]))
			return false;
	return true;
}

/* Describe pictures first .. first + n - 1; 1 where the network cannot, with xl_err set. */
static int describe(struct xl_described *s, const struct batch *b, int first, int n)
{
	double *p;
	float *rows = xl_described_room(s, n, &p);

	if (!rows)
		return -1;
	if (xl_features_see(s->with, (const struct xl_tensor *const *)b->picture + first, n, rows,
			    p))
		return 1;
	if (!all_finite(rows, n * s->d)) {
		xl_err("its features are not finite");
		return 1;
	}
	for (int i = first; i < first + n; i++) {
		const struct xl_tensor *t = b->picture[i];

		xl_digest_add(&s->seen, b->id[i], strlen(b->id[i]) + 1);
		xl_digest_add(&s->seen, t->shape, (size_t)t->ndim * sizeof t->shape[0]);
		xl_digest_add(&s->seen, t->data, xl_tensor_bytes(t));
	}
	return xl_described_more(s, n, p ? n : 0);
}

/* All of a batch together; where that fails, one by one, to tell which it is. */
static int see_batch(struct xl_described *s, struct batch *b)
{
	int rc = b->n > 0 ? describe(s, b, 0, b->n) : 0;

	for (int i = 0; rc > 0 && i < b->n; i++) {
		const int one = describe(s, b, i, 1);

		if (one < 0)
			rc = -1;
		else if (one > 0) {
			xl_err_prefix("%s", b->where[i]);
			say_failed(s);
		}
	}
	batch_empty(b);
	return rc < 0 ? -1 : 0;
}

/* The network, when there is something to see. */
static int open_eyes(struct xl_described *s)
{
	struct xl_features *f = s->with;

	if (!f)
		return xl_err("not statistics; --stats makes them");
	if (xl_described_load(s))
		return -1;
	s->k = f->k;
	s->is_yes_or_no = f->is_yes_or_no;
	return xl_described_made(s, f->name, f->digest, f->resize, f->d);
}

/* ---- folders ---------------------------------------------------------- */

static const struct xl_crop whole = {.take = XL_CROP_LARGEST}; /* in its own size */

struct decode {
	const struct xl_set *set;
	int64_t first;
	struct xl_record *record[BATCH];
	char *error[BATCH];
};

static void decode(void *ctx, int64_t i)
{
	struct decode *d = ctx;

	d->error[i] = NULL;
	d->record[i] = xl_set_record(d->set, d->first + i, &whole);
	if (!d->record[i])
		d->error[i] = xl_strdup(xl_err_msg());
}

static int gather(struct xl_described *s, struct decode *d, int n, struct batch *b)
{
	int rc = 0;

	for (int i = 0; i < n; i++) {
		struct xl_record *r = d->record[i];

		if (!r)
			s->failed(d->error[i] ? d->error[i] : "out of memory");
		else
			rc |= batch_put(b, xl_compare_image(r), r->id,
					d->set->items[d->first + i].path);
		xl_record_free(r);
		free(d->error[i]);
	}
	return rc;
}

static int see_set(struct xl_described *s, const struct xl_set *set)
{
	struct decode d = {.set = set};
	struct batch b = {.n = 0};
	int rc = open_eyes(s);

	if (rc && !s->with && set->n > 0)
		xl_err_prefix("%s", set->items[0].path);
	for (d.first = 0; rc == 0 && d.first < set->n; d.first += BATCH) {
		const int n = set->n - d.first < BATCH ? (int)(set->n - d.first) : BATCH;

		xl_parallel(decode, &d, n);
		rc = gather(s, &d, n, &b) ? -1 : see_batch(s, &b);
		xl_progress(d.first + n, set->n, "pictures", NULL);
	}
	batch_empty(&b);
	return rc;
}

static int read_folder(struct xl_described *s, const char *path)
{
	struct xl_set *set = xl_set_new();
	int rc = set ? xl_set_add(set, path) : -1;

	for (int i = 0; rc == 0 && i < set->n_failures; i++)
		s->failed(set->failures[i]);
	if (rc == 0)
		rc = see_set(s, set);
	xl_set_free(set);
	return rc;
}

/* ---- arrays ----------------------------------------------------------- */

static int made(struct xl_described *s, const struct xl_record *meta, int64_t d)
{
	return xl_described_made(s, xl_meta_str(meta, "network", ""),
				 xl_meta_str(meta, "network_digest", ""),
				 xl_meta_str(meta, "resize", ""), d);
}

/* Statistics in r, and what meta says of them, of another record where they come from an
 * archive. */
static int take_statistics(struct xl_described *s, const struct xl_record *r,
			   const struct xl_record *meta)
{
	struct xl_gauss g;
	const int rc = xl_gauss_read(&g, r) || made(s, meta, g.d) ||
		       xl_described_add_statistics(s, &g, xl_meta_int(meta, "n", -1),
						   xl_meta_get(meta, "inputs"));

	xl_gauss_done(&g);
	return rc ? -1 : 0;
}

/* n rows of d floats; 1 where they cannot be used, with xl_err set */
static int take_rows(struct xl_described *s, const struct xl_tensor *f, int64_t n,
		     const struct xl_record *meta)
{
	struct xl_tensor *wide;
	double *p;
	float *rows;
	int rc = -1;

	if (f->dtype != XL_F4 && f->dtype != XL_F8 && f->dtype != XL_F2) {
		xl_err("its features are %s, not floats", xl_dtype_name(f->dtype));
		return 1;
	}
	if (made(s, meta, f->shape[f->ndim - 1]) || !(wide = xl_tensor_to(f, XL_F4)))
		return -1;
	if (!all_finite(wide->data, n * s->d)) {
		xl_err("its features are not finite");
		rc = 1;
	} else if ((rows = xl_described_room(s, n, &p))) {
		memcpy(rows, wide->data, xl_tensor_bytes(wide));
		xl_digest_add(&s->seen, meta->id, strlen(meta->id) + 1);
		xl_digest_add(&s->seen, wide->data, xl_tensor_bytes(wide));
		rc = xl_described_more(s, n, 0);
	}
	xl_tensor_free(wide);
	return rc;
}

/* mu and sigma, or feats (n,d) as clean-fid keeps them */
static int take_arrays(struct xl_described *s, const struct xl_weights *w)
{
	const struct xl_record *meta = w->n_outline == 1 ? w->outline[0] : w->flat;
	const struct xl_tensor *feats = xl_record_tensor(w->flat, "feats");

	if (!feats)
		return take_statistics(s, w->flat, meta);
	if (feats->ndim != 2 || feats->shape[0] < 1 || feats->shape[1] < 1)
		return xl_err("feats are not (n,d)");
	return take_rows(s, feats, feats->shape[0], meta);
}

static int read_arrays(struct xl_described *s, const char *name, const void *data, size_t size)
{
	struct xl_weights w = {.n_outline = 0};
	int rc = xl_weights_read_mem(&w, name, data, size, NULL);

	if (rc == 0 && take_arrays(s, &w))
		rc = xl_err_prefix("%s", name);
	xl_weights_done(&w);
	return rc;
}

/* ---- streams ---------------------------------------------------------- */

static int take_features(struct xl_described *s, const struct xl_record *r)
{
	const struct xl_tensor *f = xl_record_tensor(r, "f");
	char shape[80];

	if (f && f->ndim == 1 && f->shape[0] > 0)
		return take_rows(s, f, 1, r);
	if (f)
		xl_err("f is %s, features are (d)", xl_tensor_show(f, shape, sizeof shape));
	else
		xl_err("has no tensor 'f'");
	return 1;
}

/* 1 where this record has nothing to measure, -1 where nothing more can be, -2 where that is
 * not for the record, with xl_err set */
static int take_record(struct xl_described *s, const struct xl_record *r, const char *where,
		       struct batch *b)
{
	struct xl_tensor *picture;

	if (r->kind == XL_STATS || r->kind == XL_FEATURES) {
		if (see_batch(s, b)) /* which came before */
			return -1;
		return r->kind == XL_STATS ? take_statistics(s, r, r) : take_features(s, r);
	}
	if (r->kind == XL_MODEL)
		return xl_err("a model record, which holds no pictures");
	if (!(picture = xl_compare_image(r)))
		return 1;
	if (batch_put(b, picture, r->id, where) || (s->with && xl_described_load(s)))
		return -2;
	if (open_eyes(s))
		return -1;
	return b->n == BATCH ? see_batch(s, b) : 0;
}

static int read_stream(struct xl_described *s, struct xl_reader *rd)
{
	struct batch b = {.n = 0};
	struct xl_record *r;
	int got, rc = 0;

	while (rc >= 0 && (got = xl_reader_next(rd, &r)) > 0) {
		const char *where = xl_reader_where(rd);

		rc = take_record(s, r, where, &b);
		if (rc == 1 || rc == -1)
			xl_err_prefix("%s", where);
		if (rc > 0)
			say_failed(s);
		xl_record_free(r);
		xl_progress(xl_reader_count(rd), 0, "records", NULL);
	}
	if (rc >= 0 && got < 0)
		say_failed(s); /* what came before counts */
	if (rc >= 0)
		rc = see_batch(s, &b);
	batch_empty(&b);
	return rc;
}

static int read_picture(struct xl_described *s, const char *name, const void *data, size_t size)
{
	struct batch b = {.n = 0};
	char *id = xl_id_of_path(name);
	struct xl_tensor *picture = xl_image_load_mem(name, data, size);
	int rc = -1;

	if (picture && id)
		rc = batch_put(&b, picture, id, name) || open_eyes(s) ? -1 : see_batch(s, &b);
	if (rc && picture && !s->with)
		xl_err_prefix("%s", name);
	batch_empty(&b);
	free(id);
	return rc;
}

/* What is neither a folder nor a stream. */
static int read_bytes(struct xl_described *s, struct xl_reader *rd, const char *first, size_t n)
{
	const bool is_arrays = xl_is_zip(first, n) || xl_is_safetensors(first, n);
	const size_t most = is_arrays ? (size_t)1 << 33 : XL_MAX_PICTURE_FILE;
	const char *name = xl_reader_name(rd);
	void *data = NULL;
	size_t size = 0;
	int rc = xl_reader_all(rd, most, &data, &size);

	if (rc == 0 && size > most)
		rc = xl_err("%s: too large", name);
	if (rc == 0)
		rc = is_arrays ? read_arrays(s, name, data, size)
			       : read_picture(s, name, data, size);
	free(data);
	return rc;
}

static int read_file(struct xl_described *s, const char *path)
{
	struct xl_reader *rd = xl_reader_open(path);
	char first[FIRST_BYTES];
	int n = rd ? xl_reader_peek(rd, first, sizeof first) : -1, rc = -1;

	if (n == 0)
		rc = 0; /* a stream without records */
	else if (n > 0)
		rc = xl_is_stream(first, (size_t)n) ? read_stream(s, rd)
						    : read_bytes(s, rd, first, (size_t)n);
	xl_reader_close(rd);
	return rc;
}

int xl_described_exist(const char *const *paths, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(paths[i], "-") != 0 && access(paths[i], R_OK) != 0)
			return xl_err("%s: cannot open: %s", paths[i], xl_strerror(errno));
	return 0;
}

int xl_described_read(struct xl_described *s, const char *path)
{
	struct stat st;

	if (!s->is_known)
		s->first = strcmp(path, "-") == 0 ? "stdin" : path;
	return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode)
		       ? read_folder(s, path)
		       : read_file(s, path);
}
