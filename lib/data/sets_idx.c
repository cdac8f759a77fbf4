/*
 * sets_idx.c - reads idx files (LeCun's format of MNIST): a big-endian header of
 * a magic number and the sizes, then bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "core/file.h"
#include "core/mem.h"
#include "data/sets_idx.h"

enum {
	MAGIC_IMAGES = 0x0803, /* unsigned bytes, three dimensions */
	MAGIC_LABELS = 0x0801,
	HEAD_IMAGES = 16,
	HEAD_LABELS = 8,
	MAX_SIDE = 4096,
	MAX_COUNT = 1 << 24
};

static int64_t big_endian(const uint8_t *p)
{
	return (int64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static gzFile open_unpacked(const char *path)
{
	gzFile f;

	errno = 0;
	f = gzopen(path, "rbe");
	if (!f)
		xl_err("%s: %s", path, xl_strerror(errno ? errno : ENOMEM));
	return f;
}

/* n bytes, or fewer at the end; -1 with xl_err set where the gzip is damaged */
static int64_t read_unpacked(gzFile f, const char *path, void *to, size_t n)
{
	int got = gzread(f, to, (unsigned)n), code = Z_OK;

	gzerror(f, &code);
	if (got < 0 || (code != Z_OK && code != Z_STREAM_END))
		return xl_err("%s: damaged gzip, or it ends early", path);
	return got;
}

enum xl_idx_kind xl_idx_kind(const char *path)
{
	gzFile f = gzopen(path, "rbe");
	uint8_t b[4];
	int n = f ? gzread(f, b, 4) : 0;

	if (f)
		gzclose(f);
	if (n != 4)
		return XL_IDX_NONE;
	int64_t magic = big_endian(b);
	return magic == MAGIC_IMAGES   ? XL_IDX_IMAGES
	       : magic == MAGIC_LABELS ? XL_IDX_LABELS
				       : XL_IDX_NONE;
}

/* ---- pictures --------------------------------------------------------- */

static int read_head(struct xl_idx *x, gzFile f)
{
	uint8_t b[HEAD_IMAGES];
	int64_t got = read_unpacked(f, x->path, b, sizeof b);

	if (got < 0)
		return -1;
	if (got < HEAD_IMAGES || big_endian(b) != MAGIC_IMAGES)
		return xl_err("%s: not an idx file of pictures", x->path);
	x->n = big_endian(b + 4);
	x->h = big_endian(b + 8);
	x->w = big_endian(b + 12);
	if (x->n > MAX_COUNT || x->h < 1 || x->w < 1 || x->h > MAX_SIDE || x->w > MAX_SIDE)
		return xl_err("%s: says it holds %lld pictures of %lldx%lld pixels; at most %d of "
			      "%dx%d can be read",
			      x->path, (long long)x->n, (long long)x->w, (long long)x->h, MAX_COUNT,
			      MAX_SIDE, MAX_SIDE);
	return 0;
}

/* Copies what follows the header into a file in `dir`, and holds its length against the
 * header's. A plain file (dir NULL) needs no copy: it is read where it lies. */
static int take_pictures(struct xl_idx *x, gzFile f, const char *dir)
{
	int64_t want = x->n * x->h * x->w, have = 0, got = 1;
	char *block = xl_alloc(1, 1 << 16);

	if (!block)
		return -1;
	if (dir && lseek(x->fd, HEAD_IMAGES, SEEK_SET) < 0)
		got = xl_err("%s: cannot unpack: %s", x->path, xl_strerror(errno));
	while (got > 0 && have <= want) {
		got = read_unpacked(f, x->path, block, 1 << 16);
		if (got > 0 && dir && xl_write_all(x->fd, dir, block, (size_t)got))
			got = -1;
		have += got > 0 ? got : 0;
	}
	free(block);
	if (got < 0)
		return -1;
	if (have != want)
		return xl_err("%s: says it holds %lld pictures of %lldx%lld pixels, but has %s "
			      "bytes for them",
			      x->path, (long long)x->n, (long long)x->w, (long long)x->h,
			      have < want ? "too few" : "too many");
	return 0;
}

/* ---- labels ----------------------------------------------------------- */

static bool replace_last(char *s, const char *old, const char *new)
{
	char *last = NULL;

	for (char *p = strstr(s, old); p; p = strstr(p + 1, old))
		last = p;
	if (last)
		memcpy(last, new, strlen(new));
	return last;
}

/* The file of labels beside the pictures, or NULL where there is none */
static char *find_labels(const char *path)
{
	size_t n = strlen(path);
	char *name = xl_strf("%s.gz", path);

	if (!name || !replace_last(name, "images", "labels")) {
		free(name);
		return NULL;
	}
	replace_last(name, "idx3", "idx1");
	name[n] = '\0';
	if (!access(name, R_OK))
		return name;
	if (n > 3 && !strcmp(name + n - 3, ".gz"))
		name[n - 3] = '\0';
	else
		name[n] = '.';
	if (!access(name, R_OK))
		return name;
	free(name);
	return NULL;
}

static int read_labels(struct xl_idx *x, const char *path)
{
	uint8_t b[HEAD_LABELS], more;
	gzFile f = open_unpacked(path);
	int64_t got, n = -1;
	int rc = -1;

	if (!f)
		return -1;
	got = read_unpacked(f, path, b, sizeof b);
	if (got == HEAD_LABELS && big_endian(b) == MAGIC_LABELS)
		n = big_endian(b + 4);
	if (got < 0)
		goto out;
	if (n != x->n) {
		xl_err(n < 0 ? "%s: not an idx file of labels"
			     : "%s: %lld labels for %lld pictures",
		       path, (long long)n, (long long)x->n);
		goto out;
	}
	x->labels = xl_alloc((size_t)n, 1);
	if (!x->labels)
		goto out;
	got = read_unpacked(f, path, x->labels, (size_t)n);
	if (got == n && !(got = read_unpacked(f, path, &more, 1)))
		rc = 0;
	else if (got >= 0)
		xl_err("%s: says it holds %lld labels, but has too %s bytes", path, (long long)n,
		       got == 1 ? "many" : "few");
out:
	gzclose(f);
	return rc;
}

/* ---- the whole -------------------------------------------------------- */

int xl_idx_open(struct xl_idx *x, const char *path)
{
	const char *dir = NULL;
	char *labels = NULL;
	gzFile f;
	int rc = -1;

	memset(x, 0, sizeof *x);
	x->fd = -1;
	x->path = xl_strdup(path);
	f = x->path ? open_unpacked(path) : NULL;
	if (!f || read_head(x, f))
		goto out;
	bool is_plain = gzdirect(f);
	x->fd = is_plain ? open(path, O_RDONLY | O_CLOEXEC) : xl_scratch_open("pictures", &dir);
	if (x->fd < 0) {
		if (is_plain)
			xl_err("%s: %s", path, xl_strerror(errno));
		else
			xl_err_prefix("%s", path);
		goto out;
	}
	if (take_pictures(x, f, dir))
		goto out;
	labels = find_labels(path);
	rc = labels ? read_labels(x, labels) : 0;
out:
	if (f)
		gzclose(f);
	free(labels);
	if (rc)
		xl_idx_close(x);
	return rc;
}

int xl_idx_read(const struct xl_idx *x, int64_t i, uint8_t *to)
{
	size_t n = (size_t)(x->h * x->w), have = 0;

	while (have < n) {
		off_t at = HEAD_IMAGES + i * x->h * x->w + (off_t)have;
		ssize_t got = pread(x->fd, to + have, n - have, at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return xl_err("%s: %s", x->path, xl_strerror(errno));
		if (got == 0)
			return xl_err("%s: has become shorter while it was read", x->path);
		have += (size_t)got;
	}
	return 0;
}

void xl_idx_close(struct xl_idx *x)
{
	if (x->fd >= 0)
		close(x->fd);
	free(x->path);
	free(x->labels);
	memset(x, 0, sizeof *x);
	x->fd = -1;
}
