/*
 * batch_spool.c - images from a stream into an unlinked file.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "core/file.h"
#include "core/mem.h"
#include "core/rng.h"
#include "data/batch_spool.h"
#include "image/image.h"

static size_t image_bytes(const struct xl_spool *s)
{
	return 3 * (size_t)s->size * (size_t)s->size;
}

size_t xl_spool_bytes(const struct xl_spool *s)
{
	return s->n * image_bytes(s);
}

const uint8_t *xl_spool_image(const struct xl_spool *s, uint32_t i)
{
	return s->x + i * image_bytes(s);
}

struct xl_tensor xl_spool_picture(const struct xl_spool *s, uint32_t i)
{
	return (struct xl_tensor){.dtype = XL_U1,
				  .ndim = 3,
				  .shape = {3, s->size, s->size},
				  .data = (void *)(uintptr_t)xl_spool_image(s, i)};
}

const char *xl_spool_id(const struct xl_spool *s, uint32_t i)
{
	return s->ids + s->id_at[i];
}

int xl_spool_init(struct xl_spool *s, int size, const struct xl_labels_want *want)
{
	memset(s, 0, sizeof *s);
	s->size = size;
	s->want = *want;
	s->fd = xl_scratch_open("images", &s->dir);
	if (s->fd < 0)
		return -1;
	xl_digest_init(&s->digest);
	return 0;
}

void xl_spool_done(struct xl_spool *s)
{
	if (s->x)
		munmap((void *)(uintptr_t)s->x, xl_spool_bytes(s));
	if (s->fd >= 0)
		close(s->fd);
	xl_labels_done(&s->labels);
	free(s->y);
	free(s->domain);
	free(s->ids);
	free(s->id_at);
	memset(s, 0, sizeof *s);
	s->fd = -1;
}

/* Room for one more entry of each list. */
static int grow(struct xl_spool *s, size_t id_bytes)
{
	size_t cap = s->cap ? 2 * s->cap : 1024;
	void *p;

	if (s->n_ids + id_bytes > s->cap_ids) {
		size_t bytes = 2 * (s->n_ids + id_bytes) + 4096;

		if (!(p = xl_realloc(s->ids, bytes, 1)))
			return -1;
		s->ids = p;
		s->cap_ids = bytes;
	}
	if (s->n < s->cap)
		return 0;
	if (!(p = xl_realloc(s->y, cap, (size_t)s->labels.n + 1)))
		return -1;
	s->y = p;
	if (!(p = xl_realloc(s->domain, cap, 1)))
		return -1;
	s->domain = p;
	if (!(p = xl_realloc(s->id_at, cap, sizeof *s->id_at)))
		return -1;
	s->id_at = p;
	s->cap = cap;
	return 0;
}

/* x as bytes of the size wanted; *made is to be freed. NULL with xl_err set. */
static const struct xl_tensor *fit(struct xl_spool *s, const struct xl_tensor *x,
				   struct xl_tensor **made)
{
	const struct xl_box all = {0, 0, x->shape[2], x->shape[1]};
	struct xl_tensor *bytes = NULL;

	if (x->dtype != XL_U1) {
		bytes = xl_image_to_u1(x);
		if (!bytes)
			return NULL;
		x = *made = bytes;
	}
	if (x->shape[1] == s->size)
		return x;
	*made = xl_image_resize(x, all, s->size, s->size);
	xl_tensor_free(bytes);
	return *made;
}

static int check_image(const struct xl_tensor *x)
{
	char shape[96];

	if (!x)
		return xl_err("has no image (tensor 'x')");
	if (x->ndim != 3 || x->shape[0] != 3 || x->shape[1] < 1 || x->shape[2] < 1)
		return xl_err("x is %s, an image is (3,H,W)",
			      xl_tensor_show(x, shape, sizeof shape));
	if (x->shape[1] != x->shape[2])
		return xl_err("is %lld x %lld pixels, training takes squares",
			      (long long)x->shape[2], (long long)x->shape[1]);
	return xl_image_check_range(x, "x");
}

static enum xl_take store(struct xl_spool *s, const struct xl_tensor *x, const char *id,
			  const uint8_t *y, int domain)
{
	const size_t a = (size_t)s->labels.n, id_bytes = strlen(id) + 1;
	const uint8_t d = (uint8_t)domain;

	if (grow(s, id_bytes) || xl_write_all(s->fd, s->dir, x->data, image_bytes(s)))
		return XL_FAILED;
	if (a > 0)
		memcpy(s->y + s->n * a, y, a);
	s->domain[s->n] = d;
	s->id_at[s->n] = s->n_ids;
	memcpy(s->ids + s->n_ids, id, id_bytes);
	s->n_ids += id_bytes;
	s->of[domain]++;
	s->n++;
	xl_digest_add(&s->digest, x->data, image_bytes(s));
	xl_digest_add(&s->digest, y, a);
	xl_digest_add(&s->digest, &d, 1);
	return XL_TAKEN;
}

static int choose(struct xl_spool *s, const struct xl_record *r)
{
	if (s->labels.is_chosen)
		return 0;
	if (xl_labels_choose(&s->labels, &s->want, r)) {
		xl_labels_done(&s->labels);
		return -1;
	}
	s->paired = s->want.two_domains || s->want.domain_by || s->labels.is_domain;
	return 0;
}

static enum xl_take take(struct xl_spool *s, const struct xl_record *r)
{
	const struct xl_tensor *x = xl_record_tensor(r, "x"), *fitted;
	struct xl_tensor *made = NULL;
	enum xl_take got = XL_REFUSED;
	uint8_t *y = NULL;
	int domain;

	if (check_image(x))
		return XL_SKIPPED;
	if (choose(s, r))
		return XL_REFUSED;
	domain = xl_labels_domain(r, s->want.domain_by);
	if (domain < 0)
		return XL_REFUSED;
	if (s->paired && domain == 2) {
		xl_err("has no domain (meta.domain A or B); --domain-by takes it from a label");
		return XL_REFUSED;
	}
	y = xl_alloc((size_t)s->labels.n + 1, 1);
	if (!y)
		return XL_FAILED;
	if (xl_labels_read(&s->labels, r, domain, y))
		goto out;
	got = XL_SKIPPED;
	fitted = fit(s, x, &made);
	if (!fitted)
		goto out;
	if (x->shape[1] != s->size && s->resized++ == 0)
		s->from = x->shape[1];
	s->from_more |= x->shape[1] != s->size && x->shape[1] != s->from;
	if (s->n == UINT32_MAX) {
		xl_err("more than %lu images", (unsigned long)UINT32_MAX);
		got = XL_FAILED;
		goto out;
	}
	got = store(s, fitted, r->id, y, domain);
out:
	xl_tensor_free(made);
	free(y);
	return got;
}

/* The first image is never held back: it is the one by which labels are chosen. */
static bool is_held(const struct xl_spool *s)
{
	const uint32_t number = s->held ? s->n + s->held->n : 0;
	struct xl_rng rng;

	xl_rng_init(&rng, s->seed, XL_RNG_SPLIT, 1, number);
	return number > 0 && xl_rng_uniform(&rng) < s->share;
}

enum xl_take xl_spool_take(struct xl_spool *s, const struct xl_record *r)
{
	if (!is_held(s))
		return take(s, r);
	if (!s->held->labels.is_chosen) {
		s->held->want.list = NULL;
		s->held->want.names = (const char *const *)s->labels.names;
		s->held->want.n_names = s->labels.n;
	}
	return take(s->held, r);
}

enum xl_take xl_spool_read(struct xl_spool *s, const char *path, void (*skipped)(const char *text),
			   void (*taken)(size_t n))
{
	struct xl_reader *rd = xl_reader_open(path);
	enum xl_take how = XL_TAKEN;
	struct xl_record *r;
	int got = rd ? 0 : -1;

	while (got >= 0 && how < XL_REFUSED && (got = xl_reader_next(rd, &r)) > 0) {
		how = xl_spool_take(s, r);
		xl_record_free(r);
		if (how == XL_SKIPPED || how == XL_REFUSED)
			xl_err_prefix("%s", xl_reader_where(rd));
		if (how == XL_SKIPPED)
			skipped(xl_err_msg());
		taken(s->n + (s->held ? s->held->n : 0));
	}
	xl_reader_close(rd);
	return how >= XL_REFUSED ? how : got < 0 ? XL_FAILED : XL_TAKEN;
}

int xl_spool_end(struct xl_spool *s)
{
	const uint8_t kind[2] = {(uint8_t)s->paired, 0};
	void *p;

	xl_digest_add(&s->digest, kind, 1);
	for (int i = 0; i < s->labels.n; i++)
		xl_digest_add(&s->digest, s->labels.names[i], strlen(s->labels.names[i]) + 1);
	xl_digest_hex(&s->digest, s->hex);
	if (s->n == 0)
		return 0;
	p = mmap(NULL, xl_spool_bytes(s), PROT_READ, MAP_SHARED, s->fd, 0);
	if (p == MAP_FAILED)
		return xl_err("%s: cannot map the images: %s", s->dir, xl_strerror(errno));
	s->x = p;
	return 0;
}

/* Appends to what buf holds, as far as there is room. */
static void append(char *buf, size_t size, const char *fmt, ...) XL_PRINTF(3, 4);

static void append(char *buf, size_t size, const char *fmt, ...)
{
	const size_t at = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + at, size - at, fmt, ap);
	va_end(ap);
}

const char *xl_spool_words(const struct xl_spool *s, char *buf, size_t size)
{
	char list[1024] = "";

	snprintf(buf, size, "%lu image%s", (unsigned long)s->n, s->n == 1 ? "" : "s");
	if (s->of[0] + s->of[1] > 0)
		append(buf, size, " (A %lu, B %lu)", (unsigned long)s->of[0],
		       (unsigned long)s->of[1]);
	if (s->resized > 0)
		append(buf, size, ", %lu resized from %lld%s to %d pixels",
		       (unsigned long)s->resized, (long long)s->from,
		       s->from_more ? " and more" : "", s->size);
	for (int i = 0; i < s->labels.n; i++)
		xl_list_add(list, sizeof list, s->labels.names[i]);
	if (s->labels.n > 0)
		append(buf, size, "; attributes %s", list);
	return buf;
}
