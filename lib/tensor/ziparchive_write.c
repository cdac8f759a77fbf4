/*
 * ziparchive_write.c - writes zip archives of stored entries. Sizes and checksums
 * are known before an entry is written, so nothing is sought back for.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "core/mem.h"
#include "tensor/ziparchive.h"

enum {
	VERSION = 20,              /* folders; what every reader knows */
	UTF8_NAMES = 0x800,        /* flag */
	NEW_YEAR_1980 = 1 << 5 | 1 /* the first date there is */
};

static void put(FILE *f, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		putc((int)(v >> 8 * i & 255), f);
}

int xl_zip_begin(struct xl_zip_out *z, FILE *f)
{
	*z = (struct xl_zip_out){.f = f};
	z->dir = open_memstream(&z->directory, &z->dir_size);
	return z->dir ? 0 : xl_err("out of memory");
}

/* What the header of an entry and its line of the directory have in common. */
static void put_common(FILE *f, const char *name, uint32_t crc, size_t size)
{
	put(f, VERSION, 2);
	put(f, UTF8_NAMES, 2);
	put(f, 0, 2); /* stored */
	put(f, 0, 2); /* midnight */
	put(f, NEW_YEAR_1980, 2);
	put(f, crc, 4);
	put(f, (uint32_t)size, 4);
	put(f, (uint32_t)size, 4);
	put(f, (uint32_t)strlen(name), 2);
	put(f, 0, 2); /* no extra field */
}

int xl_zip_add(struct xl_zip_out *z, const char *name, const void *head, size_t head_size,
	       const void *body, size_t body_size)
{
	const uint32_t crc = (uint32_t)crc32_z(crc32_z(0, head, head_size), body, body_size);
	const uint64_t own = 30 + strlen(name) + head_size + (uint64_t)body_size;

	if (xl_zip_check_name(name, strlen(name)))
		return -1;
	if (z->at + own > UINT32_MAX)
		return xl_err("more than 4 GiB do not fit an archive without 64-bit sizes");
	if (z->n == UINT16_MAX)
		return xl_err("more than %d entries do not fit an archive", UINT16_MAX);
	put(z->f, 0x04034b50, 4);
	put_common(z->f, name, crc, head_size + body_size);
	fputs(name, z->f);
	fwrite(head, 1, head_size, z->f);
	if (body_size > 0)
		fwrite(body, 1, body_size, z->f);

	put(z->dir, 0x02014b50, 4);
	put(z->dir, VERSION, 2);
	put_common(z->dir, name, crc, head_size + body_size);
	put(z->dir, 0, 2); /* no comment */
	put(z->dir, 0, 4); /* first disk; not text */
	put(z->dir, 0, 4); /* no attributes */
	put(z->dir, (uint32_t)z->at, 4);
	fputs(name, z->dir);
	z->at += own;
	z->n++;
	return 0;
}

void xl_zip_abort(struct xl_zip_out *z)
{
	fclose(z->dir);
	free(z->directory);
}

int xl_zip_end(struct xl_zip_out *z)
{
	int rc = -1;

	if (fclose(z->dir)) {
		xl_err("out of memory");
	} else if (z->dir_size > UINT32_MAX - z->at) {
		xl_err("more than 4 GiB do not fit an archive without 64-bit sizes");
	} else {
		fwrite(z->directory, 1, z->dir_size, z->f);
		put(z->f, 0x06054b50, 4);
		put(z->f, 0, 4); /* the only disk */
		put(z->f, (uint32_t)z->n, 2);
		put(z->f, (uint32_t)z->n, 2);
		put(z->f, (uint32_t)z->dir_size, 4);
		put(z->f, (uint32_t)z->at, 4);
		put(z->f, 0, 2); /* no comment */
		rc = 0;
	}
	free(z->directory);
	return rc;
}
