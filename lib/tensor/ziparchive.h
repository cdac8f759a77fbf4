/*
 * ziparchive.h - zip archives in memory, as torch and numpy write them: a strict
 * reader, and a writer of stored entries.
 *
 * Our own and not a library: these files need little of the format (no
 * encryption, no disks, stored or deflated), the strictness that hostile files
 * ask for (sizes from one place, no overlaps, no doubles) is most of the work
 * either way, and zlib, which does the rest, is linked already.
 */
#ifndef XL_TENSOR_ZIPARCHIVE_H
#define XL_TENSOR_ZIPARCHIVE_H

#include "xl.h"

struct xl_zip_entry {
	const char *name; /* name_size bytes in the archive, not ended by NUL */
	size_t name_size;
	bool deflated;
	uint32_t crc;         /* 0: not known */
	size_t packed, size;  /* bytes there, and when inflated */
	const uint8_t *bytes; /* packed bytes in the archive */
};

struct xl_zip {
	struct xl_zip_entry *entries; /* in the order of the directory */
	int n;
	const struct xl_zip_entry **by_name; /* the same, sorted */
	size_t inflated;                     /* bytes made so far by xl_zip_bytes */
};

/* xl_is_zip - does a file that begins with these bytes say it is one? */
bool xl_is_zip(const void *bytes, size_t n);

/*
 * xl_zip_open - the directory of an archive, which must outlive z
 *
 * Each name is one that xl_zip_check_name passes, and stands there once; no two
 * entries share bytes.
 * Source   APPNOTE.TXT 6.3.10 (PKWARE), with zip64
 * Owns     xl_zip_done frees, also after a failure
 * Errors   0, or -1 with xl_err set, without the name of the file
 */
int xl_zip_open(struct xl_zip *z, const uint8_t *data, size_t size);
void xl_zip_done(struct xl_zip *z);

/* xl_zip_check_name - is it relative, without . or .., backslash or NUL? 0, or -1
 * with xl_err set */
int xl_zip_check_name(const char *name, size_t n);

/* xl_zip_find - the entry of that name, or NULL */
const struct xl_zip_entry *xl_zip_find(const struct xl_zip *z, const char *name, size_t n);

/*
 * xl_zip_bytes - the e->size bytes of an entry: its own, or inflated; checked
 *                against the archive's checksum
 *
 * Inflates 1 GiB at most of an entry and 4 GiB of an archive, and never more than
 * deflate can have made of what is there.
 * Owns     the caller frees *owned, which is NULL for bytes of the archive
 * Errors   NULL with xl_err set
 */
const uint8_t *xl_zip_bytes(struct xl_zip *z, const struct xl_zip_entry *e, void **owned);

/* ---- writing ---------------------------------------------------------- */

struct xl_zip_out {
	FILE *f;
	uint64_t at;     /* bytes written */
	char *directory; /* so far */
	size_t dir_size;
	FILE *dir;
	int n;
};

/*
 * xl_zip_begin - start an archive on f; xl_zip_add - one stored entry, made of a
 * head and a body; xl_zip_end - finish; xl_zip_abort - give up; both free
 *
 * No time, no owner: equal content gives equal bytes.
 * Errors   0, or -1 with xl_err set: more than 4 GiB or 65535 entries; a failed
 *          write is left for the caller to see
 */
int xl_zip_begin(struct xl_zip_out *z, FILE *f);
int xl_zip_add(struct xl_zip_out *z, const char *name, const void *head, size_t head_size,
	       const void *body, size_t body_size);
int xl_zip_end(struct xl_zip_out *z);
void xl_zip_abort(struct xl_zip_out *z);

#endif
