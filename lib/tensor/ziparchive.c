/*
 * ziparchive.c - reads zip archives; writing is in ziparchive_write.c.
 *
 * Sizes and places come from the central directory alone. Every number is
 * checked against the bytes that are there before it is used.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "core/mem.h"
#include "tensor/stream.h"
#include "tensor/ziparchive.h"

enum {
	LOCAL_SIG = 0x04034b50,
	CENTRAL_SIG = 0x02014b50,
	END_SIG = 0x06054b50,
	END64_SIG = 0x06064b50,
	LOCATOR_SIG = 0x07064b50,
	LOCAL = 30, /* bytes of each without what varies */
	CENTRAL = 46,
	END = 22,
	END64 = 56,
	LOCATOR = 20,
	MAX_COMMENT = 65535,
	MAX_ENTRIES = 100000,
	EXTRA64 = 1, /* the extra field with sizes of 64 bits */
	STORED = 0,
	DEFLATED = 8,
	BEST_RATIO = 1032 /* deflate makes at most this of one byte (zlib's own figure) */
};

static const size_t max_inflated = (size_t)1 << 30, max_total = (size_t)1 << 32;

static uint16_t u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t u32(const uint8_t *p)
{
	return u16(p) | (uint32_t)u16(p + 2) << 16;
}

static uint64_t u64(const uint8_t *p)
{
	return u32(p) | (uint64_t)u32(p + 4) << 32;
}

bool xl_is_zip(const void *bytes, size_t n)
{
	return n >= 4 && (u32(bytes) == LOCAL_SIG || u32(bytes) == END_SIG);
}

/* ---- the end record --------------------------------------------------- */

struct directory {
	const uint8_t *data;
	uint64_t size, at, n; /* of the directory, and how many entries it has */
};

/* Its comment must reach exactly to the end of the file. */
static int find_end(const uint8_t *data, size_t size, size_t *at)
{
	const size_t back = size < END + MAX_COMMENT ? size : END + MAX_COMMENT;

	for (size_t k = END; k <= back; k++) {
		const uint8_t *p = data + size - k;

		if (u32(p) == END_SIG && u16(p + 20) == k - END) {
			*at = size - k;
			return 0;
		}
	}
	return xl_err("is a zip archive without an end (cut off?)");
}

static int read_end64(struct directory *d, size_t *end)
{
	const uint8_t *locator = d->data + *end - LOCATOR, *p;
	const uint64_t at = u64(locator + 8);

	if (u32(locator + 4) != 0 || u32(locator + 16) != 1)
		return xl_err("is one of several disks of a zip archive");
	if (*end < LOCATOR + END64 || at > *end - LOCATOR - END64)
		return xl_err("says its end record is at byte %llu", (unsigned long long)at);
	p = d->data + at;
	if (u32(p) != END64_SIG || u32(p + 16) != 0 || u32(p + 20) != 0)
		return xl_err("has no end record at byte %llu", (unsigned long long)at);
	d->n = u64(p + 32);
	d->size = u64(p + 40);
	d->at = u64(p + 48);
	if (d->n != u64(p + 24))
		return xl_err("is one of several disks of a zip archive");
	*end = at;
	return 0;
}

static int find_directory(struct directory *d, size_t size)
{
	const uint8_t *p;
	size_t end = 0;

	if (find_end(d->data, size, &end))
		return -1;
	p = d->data + end;
	d->n = u16(p + 10);
	d->size = u32(p + 12);
	d->at = u32(p + 16);
	if (end >= LOCATOR && u32(p - LOCATOR) == LOCATOR_SIG) {
		if (read_end64(d, &end))
			return -1;
	} else if (u16(p + 4) != 0 || u16(p + 6) != 0 || u16(p + 8) != d->n) {
		return xl_err("is one of several disks of a zip archive");
	}
	if (d->at > end || d->size != end - d->at)
		return xl_err("has no directory where its end record says");
	if (d->n > MAX_ENTRIES)
		return xl_err("has %llu entries, the limit is %d", (unsigned long long)d->n,
			      MAX_ENTRIES);
	return 0;
}

/* ---- entries ---------------------------------------------------------- */

/* Is the part of a path from s to e no name of its own? */
static bool is_trick(const char *s, const char *e)
{
	return e == s || (e == s + 1 && *s == '.') || (e == s + 2 && s[0] == '.' && s[1] == '.');
}

int xl_zip_check_name(const char *name, size_t n)
{
	const char *part = name, *end = name + n;
	const int shown = n > 200 ? 200 : (int)n;

	if (n == 0 || n > XL_LIMIT_ID || !xl_is_utf8(name, n))
		return xl_err("an entry has no name, or one that is not UTF-8 or too long");
	for (const char *p = name; p <= end; p++) {
		if (p < end && *p == '\\')
			return xl_err("entry '%.*s' has a backslash in its name", shown, name);
		if (p < end && *p != '/')
			continue;
		if (is_trick(part, p) && !(part == end && n > 1)) /* a folder ends in / */
			return xl_err("entry '%.*s' leads out of the archive", shown, name);
		part = p + 1;
	}
	return 0;
}

/* Values that did not fit 32 bits stand, in this order, in an extra field. */
static int read_extra64(const uint8_t *p, size_t n, uint64_t *const *wide, int n_wide)
{
	while (n >= 4 && n_wide > 0) {
		const size_t size = u16(p + 2);

		if (size > n - 4)
			break;
		if (u16(p) == EXTRA64) {
			if (size < 8 * (size_t)n_wide)
				break;
			for (int i = 0; i < n_wide; i++)
				*wide[i] = u64(p + 4 + 8 * i);
			return 0;
		}
		p += 4 + size;
		n -= 4 + size;
	}
	return n_wide == 0 ? 0 : xl_err("has no sizes for it");
}

/* Where the bytes begin: the local header's extra field is of its own length. */
static int find_bytes(struct xl_zip_entry *e, const struct directory *d, uint64_t at,
		      uint16_t method)
{
	const uint8_t *p = d->data + at;
	uint64_t begin;

	if (d->at < LOCAL || at > d->at - LOCAL || u32(p) != LOCAL_SIG)
		return xl_err("has no header at byte %llu", (unsigned long long)at);
	begin = at + LOCAL + u16(p + 26) + u16(p + 28);
	if (u16(p + 8) != method || u16(p + 26) != e->name_size || begin > d->at ||
	    memcmp(p + LOCAL, e->name, e->name_size) != 0)
		return xl_err("has another name or method in its header than in the directory");
	if (e->packed > d->at - begin)
		return xl_err("says it has %zu bytes, %llu are there", e->packed,
			      (unsigned long long)(d->at - begin));
	e->bytes = d->data + begin;
	return 0;
}

static int read_sizes(struct xl_zip_entry *e, const struct directory *d, const uint8_t *p)
{
	uint64_t size = u32(p + 24), packed = u32(p + 20), at = u32(p + 42), *wide[3];
	const uint16_t method = u16(p + 10);
	int n = 0;

	if (u16(p + 8) & 1)
		return xl_err("is encrypted");
	if (method != STORED && method != DEFLATED)
		return xl_err("is compressed by method %d, which is not read", method);
	if (size == UINT32_MAX)
		wide[n++] = &size;
	if (packed == UINT32_MAX)
		wide[n++] = &packed;
	if (at == UINT32_MAX)
		wide[n++] = &at;
	if (read_extra64(p + CENTRAL + e->name_size, u16(p + 30), wide, n))
		return -1;
	if (u16(p + 34) != 0)
		return xl_err("is on another disk");
	e->deflated = method == DEFLATED;
	e->crc = u32(p + 16);
	e->packed = packed;
	e->size = size;
	if (!e->deflated && packed != size)
		return xl_err("is stored, and says both %llu and %llu bytes",
			      (unsigned long long)packed, (unsigned long long)size);
	return find_bytes(e, d, at, method);
}

static int read_entries(struct xl_zip *z, const struct directory *d)
{
	const uint8_t *p = d->data + d->at;
	uint64_t left = d->size;

	for (uint64_t i = 0; i < d->n; i++) {
		struct xl_zip_entry *e = &z->entries[z->n];
		size_t all;

		if (left < CENTRAL || u32(p) != CENTRAL_SIG)
			return xl_err("has a directory that ends before its entry %llu",
				      (unsigned long long)i);
		e->name = (const char *)p + CENTRAL;
		e->name_size = u16(p + 28);
		all = CENTRAL + e->name_size + u16(p + 30) + u16(p + 32);
		if (all > left)
			return xl_err("has a directory that ends inside its entry %llu",
				      (unsigned long long)i);
		if (xl_zip_check_name(e->name, e->name_size))
			return -1;
		if (read_sizes(e, d, p))
			return xl_err_prefix("entry '%.*s'",
					     e->name_size > 200 ? 200 : (int)e->name_size, e->name);
		z->n++;
		p += all;
		left -= all;
	}
	return left == 0 ? 0 : xl_err("has bytes after its directory's last entry");
}

/* ---- no doubles, no overlaps ------------------------------------------ */

static int by_name(const void *a, const void *b)
{
	const struct xl_zip_entry *p = *(struct xl_zip_entry *const *)a;
	const struct xl_zip_entry *q = *(struct xl_zip_entry *const *)b;
	const size_t n = p->name_size < q->name_size ? p->name_size : q->name_size;
	const int c = memcmp(p->name, q->name, n);

	return c ? c : (p->name_size > q->name_size) - (p->name_size < q->name_size);
}

static int by_place(const void *a, const void *b)
{
	const struct xl_zip_entry *p = *(struct xl_zip_entry *const *)a;
	const struct xl_zip_entry *q = *(struct xl_zip_entry *const *)b;

	return (p->bytes > q->bytes) - (p->bytes < q->bytes);
}

static int sort_names(struct xl_zip *z)
{
	const struct xl_zip_entry **e = z->by_name = xl_alloc((size_t)z->n, sizeof *e);

	if (!e)
		return -1;
	for (int i = 0; i < z->n; i++)
		e[i] = &z->entries[i];
	qsort(e, (size_t)z->n, sizeof *e, by_name);
	for (int i = 1; i < z->n; i++)
		if (by_name(&e[i - 1], &e[i]) == 0)
			return xl_err("has two entries '%.*s'", (int)e[i]->name_size, e[i]->name);
	return 0;
}

static int check_apart(const struct xl_zip *z)
{
	const struct xl_zip_entry **e = xl_alloc((size_t)z->n, sizeof *e);
	int rc = 0;

	if (!e)
		return -1;
	memcpy(e, z->by_name, (size_t)z->n * sizeof *e);
	qsort(e, (size_t)z->n, sizeof *e, by_place);
	for (int i = 1; i < z->n && rc == 0; i++) /* a header lies between */
		if (e[i - 1]->bytes + e[i - 1]->packed + LOCAL > e[i]->bytes)
			rc = xl_err("has entries '%.*s' and '%.*s' that share bytes",
				    (int)e[i - 1]->name_size, e[i - 1]->name, (int)e[i]->name_size,
				    e[i]->name);
	free(e);
	return rc;
}

int xl_zip_open(struct xl_zip *z, const uint8_t *data, size_t size)
{
	struct directory d = {.data = data};

	*z = (struct xl_zip){.n = 0};
	if (find_directory(&d, size))
		return -1;
	if (d.n > d.size / CENTRAL)
		return xl_err("says it has %llu entries, its directory has %llu bytes",
			      (unsigned long long)d.n, (unsigned long long)d.size);
	z->entries = xl_alloc(d.n, sizeof *z->entries);
	return z->entries && read_entries(z, &d) == 0 && sort_names(z) == 0 ? check_apart(z) : -1;
}

void xl_zip_done(struct xl_zip *z)
{
	free(z->entries);
	free(z->by_name);
	*z = (struct xl_zip){.n = 0};
}

const struct xl_zip_entry *xl_zip_find(const struct xl_zip *z, const char *name, size_t n)
{
	const struct xl_zip_entry wanted = {.name = name, .name_size = n}, *key = &wanted;
	const struct xl_zip_entry **e =
		bsearch(&key, z->by_name, (size_t)z->n, sizeof *z->by_name, by_name);

	return e ? *e : NULL;
}

/* ---- content ---------------------------------------------------------- */

static int inflate_all(uint8_t *out, const struct xl_zip_entry *e)
{
	z_stream s = {.next_in = (uint8_t *)(uintptr_t)e->bytes, .next_out = out};
	size_t in = e->packed, room = e->size;
	int rc = inflateInit2(&s, -MAX_WBITS);

	if (rc != Z_OK)
		return xl_err("out of memory");
	while (rc == Z_OK) { /* zlib counts in 32 bits */
		const uInt give = in > UINT32_MAX ? UINT32_MAX : (uInt)in;
		const uInt take = room > UINT32_MAX ? UINT32_MAX : (uInt)room;

		s.avail_in = give;
		s.avail_out = take;
		rc = inflate(&s, Z_NO_FLUSH);
		in -= give - s.avail_in;
		room -= take - s.avail_out;
	}
	inflateEnd(&s);
	if (rc != Z_STREAM_END || room > 0 || in > 0)
		return xl_err("does not inflate to the %zu bytes it says", e->size);
	return 0;
}

static int check_limits(const struct xl_zip *z, const struct xl_zip_entry *e)
{
	if (e->size / BEST_RATIO > e->packed)
		return xl_err("says that %zu bytes inflate to %zu, more than they can", e->packed,
			      e->size);
	if (e->size > max_inflated || e->size > max_total - z->inflated)
		return xl_err("inflates to %zu bytes; the limit is 1 GiB, 4 GiB for all", e->size);
	return 0;
}

const uint8_t *xl_zip_bytes(struct xl_zip *z, const struct xl_zip_entry *e, void **owned)
{
	const uint8_t *p = e->bytes;
	int rc = 0;

	*owned = NULL;
	if (e->deflated) {
		rc = check_limits(z, e);
		*owned = rc ? NULL : xl_alloc(e->size, 1);
		p = *owned;
		rc = p ? inflate_all(*owned, e) : -1;
		z->inflated += rc ? 0 : e->size;
	}
	if (rc == 0 && e->crc && crc32_z(0, p, e->size) != e->crc)
		rc = xl_err("does not have its checksum");
	if (rc == 0)
		return p;
	free(*owned);
	*owned = NULL;
	xl_err_prefix("entry '%.*s'", e->name_size > 200 ? 200 : (int)e->name_size, e->name);
	return NULL;
}
