/*
 * sets_idx.h - the idx files of MNIST and its kin: a file of grey pictures, and
 * beside it one of labels; plain or gzip.
 */
#ifndef XL_DATA_SETS_IDX_H
#define XL_DATA_SETS_IDX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xl_idx {
	char *path;
	int fd; /* the pictures, unpacked, from offset 16 */
	int64_t n, h, w;
	uint8_t *labels; /* n, or NULL where there is no file of labels */
};

enum xl_idx_kind { XL_IDX_NONE, XL_IDX_IMAGES, XL_IDX_LABELS };

/* xl_idx_kind - what a file is by its first bytes, unpacked where it is gzip */
enum xl_idx_kind xl_idx_kind(const char *path);

/*
 * xl_idx_open - open a file of pictures and read its labels
 *
 * Labels are looked for under the same name with "images" and "idx3" replaced
 * by "labels" and "idx1", with and without ".gz". A gzip file is unpacked into
 * an unlinked file in $TMPDIR. Every count is held against the file's size.
 *
 * Owns     the caller ends it with xl_idx_close
 * Errors   0, or -1 with xl_err set
 */
int xl_idx_open(struct xl_idx *x, const char *path);

/* xl_idx_read - picture i as h*w bytes; 0, or -1 with xl_err set. May be called
 * from several threads. */
int xl_idx_read(const struct xl_idx *x, int64_t i, uint8_t *to);
void xl_idx_close(struct xl_idx *x);

#endif
